//! The screens, one after the other.

use std::path::{Path, PathBuf};

use peal_engine::api::{CallParams, ContactKind, LoginParams, Media};
use peal_engine::{EngineConfig, MicrophoneChoice};
use peal_tests::desk::page::id;
use peal_tests::desk::{Desk, Peal, Plan};
use peal_tests::ears::{speech, write_wav};
use peal_tests::eyes::sees_pattern;
use peal_tests::person::{Person, device, quiet};
use serde_json::json;

/// Makes all pictures.
#[tokio::main]
pub async fn make() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/screens");
    if let Err(error) = std::fs::create_dir_all(&directory) {
        panic!("{}: {error}", directory.display());
    }
    for dark in [false, true] {
        let desk = tokio::task::block_in_place(|| {
            Desk::with(Plan { screen: (2600, 1800), scale: 2, dark, ..Plan::default() })
        });
        let album = Album { directory: directory.clone(), look: if dark { "dark" } else { "light" } };
        take(&desk, &album).await;
    }
}

/// Where the pictures go.
struct Album {
    directory: PathBuf,
    look: &'static str,
}

impl Album {
    fn take(&self, peal: &mut Peal, screen: &str) {
        let path = self.directory.join(format!("{screen}-{}.png", self.look));
        if let Err(error) = std::fs::write(&path, peal.page.picture()) {
            panic!("{}: {error}", path.display());
        }
        println!("{}", path.display());
    }
}

async fn take(desk: &Desk, album: &Album) {
    let mut alice = tokio::task::block_in_place(|| {
        let mut alice = desk.opens("default");
        alice.page.types(&id("name-field"), "Alice Lindqvist");
        album.take(&mut alice, "first-start");
        alice.page.click(&id("start-button"));
        alice.page.sees(&format!("{}[data-state=\"online\"]", id("connection")));
        alice.chooses_sound("mic_a", "spk_a");
        alice
    });

    // Somebody to talk to, and some past.
    let words = desk.file("words.wav");
    write_wav(&words, &speech(20.0, 1));
    let microphone = Some(MicrophoneChoice::Wav { path: words.clone(), looped: true });
    let bob = EngineConfig { auto_answer: true, microphone, ..sees_pattern(quiet(desk.broker)) };
    let bob = joins(desk, "Bob Chen", bob).await;
    let gate = device(EngineConfig { kind: ContactKind::Device, ..sees_pattern(quiet(desk.broker)) });
    let gate = joins(desk, "Front gate", gate).await;
    let answers = || EngineConfig { auto_answer: true, ..sees_pattern(quiet(desk.broker)) };
    let xiaoming = joins(desk, "王小明", answers()).await;
    let maria = joins(desk, "Maria Papadaki", answers()).await;
    let me = tokio::task::block_in_place(|| {
        for name in ["Bob Chen", "Front gate", "王小明", "Maria Papadaki"] {
            alice.sees_contact(name);
        }
        alice.calls(&bob.name);
        alice.sees_call("connected");
        alice.page.until(&format!("document.querySelector('{}').innerText >= '00:02'", id("call-time")));
        alice.page.click(&id("hang-up"));
        alice.sees_end();
        alice.goes_back();
        alice.page.click(&id("open-settings"));
        let me = alice.page.text(&id("account"));
        album.take(&mut alice, "settings");
        alice.page.click(&id("close-settings"));
        alice.page.misses(&id("settings"));
        me
    });

    let call = maria.calls(&me).await;
    tokio::task::block_in_place(|| {
        alice.rings();
        album.take(&mut alice, "incoming");
    });
    if let Err(error) = maria.engine.hangup(&call.call_id).await {
        panic!("Maria can't give up: {error:?}");
    }
    tokio::task::block_in_place(|| {
        alice.stops_ringing();
        alice.page.run("document.activeElement?.blur()");
        album.take(&mut alice, "contacts");
        alice.page.click(&id("tab-recent"));
        alice.page.sees(&id("record"));
        album.take(&mut alice, "recent");
        alice.page.click(&id("tab-people"));

        alice.calls(&bob.name);
        alice.sees_call("connected");
        let talking = peal_tests::desk::sound::Speaking::start(&desk.sound, "mic_a", &words);
        alice.page.until(&format!("Number(document.querySelector('{}').ariaValueNow) > 30", id("my-meter")));
        alice.page.until(&format!("document.querySelector('{}').innerText >= '00:04'", id("call-time")));
        alice.page.until(&format!("Number(document.querySelector('{}').ariaValueNow) > 40", id("peer-meter")));
        album.take(&mut alice, "call");
        drop(talking);
        alice.page.click(&id("hang-up"));
        alice.sees_end();
        album.take(&mut alice, "ended");
        alice.goes_back();
    });
    take_pictures(&mut alice, &me, [&bob, &xiaoming, &maria], &gate, album).await;
}

/// The screens with moving pictures: somebody is at the gate, four people see each other.
async fn take_pictures(alice: &mut Peal, me: &str, friends: [&Person; 3], gate: &Person, album: &Album) {
    tokio::task::block_in_place(|| alice.page.invoke("add_contact", &json!({ "userId": gate.name })));
    let message = Some("A parcel for Alice".to_owned());
    let call = CallParams { to: vec![me.to_owned()], media: Media::Video, message, ..CallParams::default() };
    let call = match gate.engine.call(call).await {
        Ok(call) => call.call_id,
        Err(error) => panic!("nobody is at the gate: {error:?}"),
    };
    tokio::task::block_in_place(|| {
        alice.rings();
        draws(alice, &id("live-picture"), 20);
        album.take(alice, "doorbell");
    });
    if let Err(error) = gate.engine.hangup(&call).await {
        panic!("the gate can't give up: {error:?}");
    }
    tokio::task::block_in_place(|| {
        alice.stops_ringing();
        let to: Vec<&str> = friends.iter().map(|friend| friend.name.as_str()).collect();
        alice.page.invoke("call", &json!({ "params": { "to": to, "media": "video" } }));
        alice.sees_call("connected");
        alice.page.invoke("open_camera", &json!({ "params": { "source": { "kind": "pattern" } } }));
        alice.page.until(&format!("document.querySelectorAll('{}[data-video=\"true\"]').length === 4", id("tile")));
        for user in to {
            draws(alice, &format!("{}[data-user-id=\"{user}\"] canvas", id("tile")), 20);
        }
        alice.page.misses(&id("toast"));
        album.take(alice, "video");
        alice.page.click(&id("hang-up"));
        alice.page.click(&id("end-for-all"));
        alice.sees_end();
    });
}

/// Waits until a canvas has drawn so many pictures.
fn draws(peal: &mut Peal, canvas: &str, pictures: u32) {
    peal.page.until(&format!("Number(document.querySelector('{canvas}')?.dataset.frames ?? 0) >= {pictures}"));
}

/// Somebody else comes online.
async fn joins(desk: &Desk, name: &str, config: EngineConfig) -> Person {
    let config = EngineConfig { embedded_broker: desk.broker, ..config };
    let login = LoginParams { display_name: Some(name.to_owned()), ..LoginParams::default() };
    Person::log_in(config, login).await.unwrap_or_else(|error| panic!("{name}: {error:?}"))
}
