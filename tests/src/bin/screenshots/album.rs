//! The screens, one after the other.

use std::path::{Path, PathBuf};

use peal_engine::api::{ContactKind, LoginParams};
use peal_engine::{EngineConfig, MicrophoneChoice};
use peal_tests::desk::page::id;
use peal_tests::desk::{Desk, Peal, Plan};
use peal_tests::ears::{speech, write_wav};
use peal_tests::person::{Person, device, quiet};

/// Makes all pictures.
#[tokio::main]
pub async fn make() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/screens");
    if let Err(error) = std::fs::create_dir_all(&directory) {
        panic!("{}: {error}", directory.display());
    }
    for dark in [false, true] {
        let desk = tokio::task::block_in_place(|| Desk::with(Plan { screen: (2600, 1800), scale: 2, dark }));
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
    let bob = EngineConfig { auto_answer: true, microphone, ..quiet(desk.broker) };
    let bob = joins(desk, "Bob Chen", bob).await;
    let gate = device(EngineConfig { kind: ContactKind::Device, ..quiet(desk.broker) });
    let _gate = joins(desk, "Front gate", gate).await;
    let _xiaoming = joins(desk, "王小明", quiet(desk.broker)).await;
    let maria = joins(desk, "Maria Papadaki", quiet(desk.broker)).await;
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
    });
}

/// Somebody else comes online.
async fn joins(desk: &Desk, name: &str, config: EngineConfig) -> Person {
    let config = EngineConfig { embedded_broker: desk.broker, ..config };
    let login = LoginParams { display_name: Some(name.to_owned()), ..LoginParams::default() };
    Person::log_in(config, login).await.unwrap_or_else(|error| panic!("{name}: {error:?}"))
}
