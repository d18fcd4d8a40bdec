//! People and the history, between real engines over the embedded broker.
#![allow(clippy::unwrap_used, reason = "a test that fails may fail loudly")]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use peal_engine::api::{
    Alert, CallParams, Command, ContactPatch, ContactView, ErrorCode, Event, ExportFormat, Gender, GroupParams,
    HistoryQuery, LoginParams, PhoneView, PresenceView, ProfilePatch, RecordStatus, RejectParams, Verification,
};
use peal_engine::{Engine, EngineConfig, MicrophoneChoice, Profile, SpeakerChoice};
use serde_json::{Value, json};
use tokio::sync::broadcast::Receiver;

/// How long something may take that must happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// A PNG of three by four pixels, in base64.
const PICTURE: &str = "iVBORw0KGgoAAAANSUhEUgAAAAMAAAAECAYAAAA=";

/// A free port on the loopback address.
fn free_address() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).unwrap()
}

async fn engine(profile: Profile, broker: SocketAddr, device: &str) -> Engine {
    let config = EngineConfig {
        profile,
        device_id: Some(device.to_owned()),
        microphone: Some(MicrophoneChoice::Silence),
        speaker: Some(SpeakerChoice::Null),
        embedded_broker: broker,
        echo: false,
        ..EngineConfig::default()
    };
    Engine::start(config).await.unwrap()
}

async fn person(name: &str, broker: SocketAddr) -> Engine {
    let engine = engine(Profile::Temporary, broker, "desk").await;
    log_in(&engine, name).await;
    engine
}

/// Logs in with a token that the name alone makes, so that a person may come back with another profile.
async fn log_in(engine: &Engine, name: &str) {
    let (account, token) = (Some(name.to_owned()), Some(format!("token of {name}")));
    engine.login(LoginParams { account, token, ..LoginParams::default() }).await.unwrap();
}

async fn sees(engine: &Engine, what: &str, wished: impl Fn(&PhoneView) -> bool) -> Arc<PhoneView> {
    let mut view = engine.watch();
    let seen = tokio::time::timeout(PATIENCE, view.wait_for(|view| wished(view))).await;
    let Ok(Ok(view)) = seen else { panic!("never saw {what}: {:#?}", engine.snapshot()) };
    view.clone()
}

async fn sees_contact(engine: &Engine, user: &str, wished: impl Fn(&ContactView) -> bool) -> ContactView {
    let fits = |it: &&ContactView| it.user_id == user && wished(it);
    let view = sees(engine, user, |view| view.contacts.iter().any(|it| fits(&it))).await;
    view.contacts.iter().find(fits).unwrap().clone()
}

async fn hears<T>(events: &mut Receiver<Event>, pick: impl Fn(Event) -> Option<T>) -> T {
    let heard = async {
        loop {
            if let Some(picked) = pick(events.recv().await.unwrap()) {
                return picked;
            }
        }
    };
    tokio::time::timeout(PATIENCE, heard).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_says_of_themselves_reaches_everybody_and_outlives_the_program() {
    let (broker, directory) = (free_address(), tempfile::tempdir().unwrap());
    let at = || Profile::At(directory.path().to_owned());
    let bob = person("bob", broker).await;
    let ann = engine(at(), broker, "desk").await;
    log_in(&ann, "ann").await;
    let patch = ProfilePatch {
        nickname: Some("Ann of Oslo".to_owned()),
        gender: Some(Gender::Female),
        birthday: Some("1990-12-31".to_owned()),
        region: Some("Oslo".to_owned()),
        signature: Some("\u{4f60}\u{597d}".to_owned()),
        address: Some("Main Street 1".to_owned()),
        avatar: Some(PICTURE.to_owned()),
    };
    let profile = ann.set_profile(patch).await.unwrap();
    assert_eq!(profile.address, "Main Street 1");
    assert_eq!(ann.snapshot().profile, profile);
    assert_eq!(ann.current_user().unwrap().display_name, "Ann of Oslo");

    let seen = sees_contact(&bob, "ann", |it| it.avatar_id.is_some() && it.name == "Ann of Oslo").await;
    assert_eq!((seen.gender, seen.birthday.as_str(), seen.region.as_str()), (Gender::Female, "1990-12-31", "Oslo"));
    assert_eq!((seen.signature.as_str(), seen.address.as_str()), ("\u{4f60}\u{597d}", ""));
    assert_eq!(seen.devices.len(), 1);
    let picture = format!("data:image/png;base64,{PICTURE}");
    assert_eq!(bob.avatar(seen.avatar_id.as_deref().unwrap()).await.unwrap(), Some(picture));
    assert_eq!(bob.avatar("nothing").await.unwrap(), None);

    // The next run shows it again without a word, also to those who come later.
    ann.stop().await;
    sees_contact(&bob, "ann", |it| it.presence == PresenceView::Offline).await;
    let ann = engine(at(), broker, "desk").await;
    sees(&ann, "her own profile", |view| view.profile == profile).await;
    sees_contact(&bob, "ann", |it| it.presence == PresenceView::Online).await;
    let zoe = person("zoe", broker).await;
    sees_contact(&zoe, "ann", |it| it.signature == "\u{4f60}\u{597d}" && it.avatar_id.is_some()).await;
    ann.set_profile(ProfilePatch { avatar: Some(String::new()), ..ProfilePatch::default() }).await.unwrap();
    sees_contact(&zoe, "ann", |it| it.avatar_id.is_none()).await;
    for engine in [zoe, ann, bob] {
        engine.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_compare_their_numbers_and_hear_of_a_changed_key() {
    let broker = free_address();
    let ann = person("ann", broker).await;
    let bob = person("bob", broker).await;
    sees_contact(&ann, "bob", |it| it.presence == PresenceView::Online).await;
    sees_contact(&bob, "ann", |it| it.presence == PresenceView::Online).await;
    let here = ann.safety_number("bob").await.unwrap().remove(0);
    let there = bob.safety_number("ann").await.unwrap().remove(0);
    assert_eq!(here.number, there.number);
    assert_eq!(here.number.split(' ').count(), 12);
    assert_eq!((here.device_id.as_str(), here.verified, here.changed), ("desk", false, false));
    assert_eq!(ann.safety_number("nobody").await.unwrap_err().code, ErrorCode::UnknownUser);
    assert_eq!(ann.set_verified("bob", "other", true).await.unwrap_err().code, ErrorCode::UnknownUser);
    ann.set_verified("bob", "desk", true).await.unwrap();
    sees_contact(&ann, "bob", |it| it.verified == Verification::Verified).await;

    // Bob comes back with an empty profile, so with other keys, under the same name.
    let mut events = ann.events();
    bob.stop().await;
    let bob = person("bob", broker).await;
    let changed = hears(&mut events, |event| match event {
        Event::KeyChanged { user_id, device_id } => Some((user_id, device_id)),
        _ => None,
    });
    assert_eq!(changed.await, ("bob".to_owned(), "desk".to_owned()));
    sees_contact(&ann, "bob", |it| it.verified == Verification::Changed).await;
    let now = ann.safety_number("bob").await.unwrap().remove(0);
    assert!(now.changed && !now.verified && now.number != here.number);
    ann.trust_key("bob", "desk").await.unwrap();
    assert!(ann.safety_number("bob").await.unwrap()[0].changed, "it is not the one that was compared");
    ann.set_verified("bob", "desk", true).await.unwrap();
    sees_contact(&ann, "bob", |it| it.verified == Verification::Verified).await;
    ann.set_verified("bob", "desk", false).await.unwrap();
    sees_contact(&ann, "bob", |it| it.verified == Verification::New).await;
    for engine in [ann, bob] {
        engine.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_found_in_the_history_leaves_as_a_file_and_can_be_deleted() {
    let broker = free_address();
    let ann = person("ann", broker).await;
    let bob = person("bob", broker).await;
    sees_contact(&ann, "bob", |it| it.presence == PresenceView::Online).await;
    bob.set_contact(ContactPatch {
        user_id: "ann".to_owned(),
        note_name: Some("The Builder".to_owned()),
        ..ContactPatch::default()
    })
    .await
    .unwrap();
    let mut events = bob.events();
    let params = CallParams {
        to: vec!["bob".to_owned()],
        message: Some("=the door, \"quoted\"".to_owned()),
        ..CallParams::default()
    };
    let call_id = ann.call(params).await.unwrap().call_id;
    let is_invited = |event| matches!(event, Event::Invited(_)).then_some(());
    hears(&mut events, is_invited).await;
    bob.reject(RejectParams { call_id: call_id.clone(), message: None, busy: false }).await.unwrap();
    let is_recorded = |event| matches!(event, Event::CallRecorded(_)).then_some(());
    hears(&mut events, is_recorded).await;

    let find = |query: HistoryQuery| async { bob.search_history(query).await.unwrap() };
    let words = |words: &str| HistoryQuery { query: Some(words.to_owned()), ..HistoryQuery::default() };
    for query in [
        HistoryQuery::default(),
        words("BUILDER"),
        words("ann"),
        words("door"),
        HistoryQuery {
            status: Some(RecordStatus::Rejected),
            user_id: Some("ann".to_owned()),
            ..HistoryQuery::default()
        },
    ] {
        let found = find(query.clone()).await;
        assert_eq!(found.len(), 1, "{query:?}");
        assert_eq!((found[0].call_id.as_str(), found[0].name.as_str()), (call_id.as_str(), "The Builder"));
    }
    assert_eq!(find(words("nobody")).await, []);
    assert_eq!(find(HistoryQuery { offset: Some(1), ..HistoryQuery::default() }).await, []);

    let table = bob.export_history(ExportFormat::Csv).await.unwrap().text;
    assert!(table.contains(",The Builder,") && table.contains(",\"'=the door, \"\"quoted\"\"\"\r\n"), "{table}");
    let list: Value = serde_json::from_str(&bob.export_history(ExportFormat::Json).await.unwrap().text).unwrap();
    assert_eq!((&list[0]["call_id"], &list[0]["status"]), (&json!(call_id), &json!("rejected")));

    bob.delete_records(Some(vec![call_id])).await.unwrap();
    assert_eq!(find(HistoryQuery::default()).await, []);
    assert_eq!(bob.snapshot().history, []);
    for engine in [ann, bob] {
        engine.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_about_people_works_before_login_or_after_logout() {
    let broker = free_address();
    let engine = engine(Profile::Temporary, broker, "desk").await;
    let text = || "x".to_owned();
    let commands = || {
        [
            Command::SetProfile(ProfilePatch::default()),
            Command::AddContact { user_id: text() },
            Command::SetContact(ContactPatch { user_id: text(), ..ContactPatch::default() }),
            Command::RemoveContact { user_id: text() },
            Command::SetGroup(GroupParams { group_id: None, name: text(), members: vec![text()] }),
            Command::RemoveGroup { group_id: text() },
            Command::SearchContacts { query: text() },
            Command::Avatar { avatar_id: text() },
            Command::ExportContacts,
            Command::ImportContacts { vcard: text() },
            Command::SearchHistory(HistoryQuery::default()),
            Command::DeleteRecords { call_ids: None },
            Command::ExportHistory { format: ExportFormat::Json },
            Command::MarkHistorySeen,
            Command::SafetyNumber { user_id: text() },
            Command::SetVerified { user_id: text(), device_id: text(), verified: true },
            Command::TrustKey { user_id: text(), device_id: text() },
        ]
    };
    for command in commands() {
        let name = format!("{command:?}");
        assert_eq!(engine.execute(command).await.unwrap_err().code, ErrorCode::NotLoggedIn, "{name}");
    }
    log_in(&engine, "ann").await;
    let add = engine.execute(Command::AddContact { user_id: "bob".to_owned() }).await;
    assert_eq!(add.unwrap(), Value::Null);
    engine.logout().await.unwrap();
    for command in commands() {
        let name = format!("{command:?}");
        assert_eq!(engine.execute(command).await.unwrap_err().code, ErrorCode::NotLoggedIn, "{name}");
    }
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_are_the_words_of_the_contract() {
    let broker = free_address();
    let engine = person("ann", broker).await;
    let run = |command: &str, params: Value| {
        let line = json!({ "command": command, "params": params });
        let engine = engine.clone();
        async move { engine.execute(serde_json::from_value(line).unwrap()).await.unwrap() }
    };
    let group = run("set_group", json!({ "name": "Home", "members": ["bob", "gate"] })).await;
    assert_eq!((&group["name"], &group["members"]), (&json!("Home"), &json!(["bob", "gate"])));
    run("set_contact", json!({ "user_id": "bob", "is_favorite": true, "note_text": "tea" })).await;
    let found = run("search_contacts", json!({ "query": "TEA" })).await;
    assert_eq!((&found[0]["user_id"], &found[0]["is_favorite"]), (&json!("bob"), &json!(true)));
    let file = run("export_contacts", Value::Null).await;
    let report = run("import_contacts", json!({ "vcard": file["vcard"] })).await;
    let expected = json!({ "imported": 0, "updated": 2, "without_picture": 0, "refused": [] });
    assert_eq!(report, expected);
    run("remove_group", json!({ "group_id": group["group_id"] })).await;
    run("remove_contact", json!({ "user_id": "bob" })).await;
    assert_eq!(run("search_contacts", json!({ "query": "" })).await, json!([]));
    let history = run("search_history", json!({ "status": "missed", "limit": 5 })).await;
    assert_eq!(history, json!([]));
    run("delete_records", json!({})).await;
    let quiet = json!({ "on": true, "schedule": [{ "days": [0, 6], "from_min": 1320, "until_min": 420 }] });
    run("set_settings", json!({ "do_not_disturb": quiet, "unknown_callers": "silence" })).await;
    let view = run("snapshot", Value::Null).await;
    assert_eq!(view["quiet"], json!({ "on": true, "until": null }));
    assert_eq!(view["settings"]["do_not_disturb"], quiet);
    let settings: BTreeMap<String, Value> = serde_json::from_value(view["settings"].clone()).unwrap();
    for name in ["call_waiting", "hold_music", "ring_here", "single_device", "open_microphone", "check_sum", "debug"] {
        assert!(settings[name].is_boolean(), "{name}");
    }
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_the_same_on_all_their_devices() {
    let (broker, directory) = (free_address(), tempfile::tempdir().unwrap());
    let on = |device: &'static str| engine(Profile::At(directory.path().join(device)), broker, device);
    let (desk, phone, bob) = (on("desk").await, on("phone").await, person("bob", broker).await);
    log_in(&desk, "ann").await;
    log_in(&phone, "ann").await;
    let signature = |text: &str| ProfilePatch { signature: Some(text.to_owned()), ..ProfilePatch::default() };
    let patch = ProfilePatch {
        nickname: Some("Ann of Oslo".to_owned()),
        address: Some("Main Street".to_owned()),
        avatar: Some(PICTURE.to_owned()),
        ..signature("one")
    };
    let profile = desk.set_profile(patch).await.unwrap();
    let view = sees(&phone, "the profile", |view| view.profile.signature == "one").await;
    let expected = peal_engine::api::Profile { address: String::new(), ..profile };
    assert_eq!(view.profile, expected, "the address stays where it was written");
    assert_eq!(view.account.as_ref().unwrap().display_name, "Ann of Oslo");

    // What changes while a device is away it learns when it is back, and it takes nothing back.
    phone.stop().await;
    sees_contact(&bob, "ann", |it| it.devices.iter().any(|device| device.presence == PresenceView::Offline)).await;
    desk.set_profile(signature("two")).await.unwrap();
    desk.set_profile(signature("three")).await.unwrap();
    let phone = on("phone").await;
    sees(&phone, "the later profile", |view| view.profile.signature == "three").await;
    phone.set_profile(signature("four")).await.unwrap();
    sees(&desk, "the phone's change", |view| view.profile.signature == "four").await;
    assert_eq!(desk.snapshot().profile.address, "Main Street");
    sees_contact(&bob, "ann", |it| it.signature == "four" && it.avatar_id.is_some()).await;
    for engine in [desk, phone, bob] {
        engine.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_blocked_meets_nobody_and_whoever_is_silenced_rings_in_silence() {
    let broker = free_address();
    let ann = person("ann", broker).await;
    let (bob, eve) = (person("bob", broker).await, person("eve", broker).await);
    let set = |user_id: &str, change: fn(&mut ContactPatch)| {
        let mut patch = ContactPatch { user_id: user_id.to_owned(), ..ContactPatch::default() };
        change(&mut patch);
        ann.set_contact(patch)
    };
    set("eve", |patch| patch.is_in_black_list = Some(true)).await.unwrap();
    set("bob", |patch| patch.is_no_disturb = Some(true)).await.unwrap();
    let call_in_vain = |caller: Engine| async move {
        sees_contact(&caller, "ann", |it| it.presence == PresenceView::Online).await;
        let mut events = caller.events();
        let params = CallParams { to: vec!["ann".to_owned()], timeout_ms: Some(1_500), ..CallParams::default() };
        caller.call(params).await.unwrap();
        hears(&mut events, |event| matches!(event, Event::CallEnded { .. }).then_some(())).await;
    };
    let mut events = ann.events();
    call_in_vain(eve.clone()).await;
    let call = tokio::spawn(call_in_vain(bob.clone()));
    let silent = |view: &PhoneView| view.calls.iter().any(|call| call.alert == Some(Alert::Silent));
    sees(&ann, "a silent call", silent).await;
    call.await.unwrap();
    sees(&ann, "the missed call", |view| view.missed_count == 1).await;

    // A call that was only missed brings nobody back; one that is made does.
    ann.remove_contact("bob").await.unwrap();
    call_in_vain(bob.clone()).await;
    let view = sees(&ann, "another missed call", |view| view.missed_count == 2).await;
    let listed: Vec<_> = view.contacts.iter().map(|it| it.user_id.as_str()).collect();
    assert_eq!(listed, ["eve"], "whoever is blocked can be unblocked");
    ann.call(CallParams { to: vec!["bob".to_owned()], ..CallParams::default() }).await.unwrap();
    hears(&mut events, |event| matches!(event, Event::Ringing(_)).then_some(())).await;
    for call in &ann.snapshot().calls {
        // Those that are over are only still shown.
        let _ = ann.hangup(&call.call_id).await;
    }
    let view = sees(&ann, "bob again", |view| view.contacts.iter().any(|it| it.user_id == "bob")).await;
    assert!(view.history.iter().all(|record| record.user_id == "bob"), "eve met nobody: {:#?}", view.history);
    while let Ok(event) = events.try_recv() {
        assert!(!matches!(&event, Event::Invited(it) if it.inviter == "eve"), "eve met nobody: {event:?}");
    }
    for engine in [ann, bob, eve] {
        engine.stop().await;
    }
}
