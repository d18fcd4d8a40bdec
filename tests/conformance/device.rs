//! Kit A, `MQTT CallKit`: users and devices over MQTT.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use peal_engine::api::{
    CallParams, Command, ConnectionState, ContactKind, EndReason, ErrorCode, Event, LoginParams, MemberState,
    OpenCameraParams, PublishStreamParams, StopRemoteViewParams,
};
use peal_engine::{EngineConfig, Picture};
use peal_tests::ears::{RATE, read_wav, tone_dbfs};
use peal_tests::eyes::{moving, sees_pattern};
use peal_tests::media_server::MediaServer;
use peal_tests::person::{Person, accept, code, free_address, hums, writes};
use tokio::sync::watch;

use crate::line::Line;
use crate::town::{Town, people};

const ATTACHED: &str = r#"{"ring":"front","codes":[1,null,"é"]}"#;

/// A door station and somebody at home.
async fn door() -> (Town, Person, Person) {
    let town = Town::new().await;
    let gate = town.person_with("front-gate", EngineConfig { kind: ContactKind::Device, ..town.config() }).await;
    let ann = town.person("ann").await;
    ann.sees_online("front-gate").await;
    gate.sees_online("ann").await;
    (town, gate, ann)
}

async fn invited_message(person: &mut Person) -> (String, Option<String>) {
    heard!(person, Event::Invited(it) => (it.call_id.clone(), it.message.clone()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a01_login_connects_or_fails_with_a_reason() {
    let town = Town::new().await;
    let phone = town.phone().await;
    let bad = LoginParams { account: Some("ann/bob".into()), ..town.login("ann") };
    assert_eq!(code(phone.login(bad).await), ErrorCode::BadName);
    let gone = format!("mqtt://{}", free_address());
    let unreachable = LoginParams { server: Some(gone), ..town.login("ann") };
    assert_eq!(code(phone.login(unreachable).await), ErrorCode::ServerUnreachable);
    let _ann = town.person("ann").await;
    let forged = LoginParams { token: Some("another".into()), ..town.login("ann") };
    assert_eq!(code(phone.login(forged).await), ErrorCode::WrongToken);
    let account = phone.login(town.login("bob")).await.unwrap();
    assert_eq!(account.user_id, "bob");
    assert_eq!(phone.snapshot().connection.state, ConnectionState::Online);
}

#[tokio::test(flavor = "multi_thread")]
async fn a02_a_bad_name_is_refused_before_anything_is_sent_and_a_name_belongs_to_one() {
    let town = Town::new().await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let server = format!("mqtt://{}", listener.local_addr().unwrap());
    let phone = town.phone().await;
    for name in ["a b", "a+", "#", "a~b", "ü", &"x".repeat(65)] {
        let params = LoginParams { account: Some(name.into()), server: Some(server.clone()), ..LoginParams::default() };
        assert_eq!(code(phone.login(params).await), ErrorCode::BadName, "{name:?}");
    }
    let nobody = listener.accept().unwrap_err();
    assert_eq!(nobody.kind(), std::io::ErrorKind::WouldBlock, "nothing was sent");
    let _ann = town.person("ann").await;
    let second = LoginParams { token: Some("not hers".into()), ..town.login("ann") };
    assert_eq!(code(phone.login(second).await), ErrorCode::WrongToken);
}

#[tokio::test(flavor = "multi_thread")]
async fn a03_the_logged_in_user_is_known_and_nobody_when_logged_out() {
    let town = Town::new().await;
    let ann = town.person("ann").await;
    let user = ann.engine.current_user().unwrap();
    assert_eq!(user.user_id, "ann");
    assert!(user.client_id.starts_with("ann~") && user.client_id.len() > 20, "{}", user.client_id);
    ann.engine.logout().await.unwrap();
    assert_eq!(ann.engine.current_user(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a04_logging_out_ends_the_call_and_the_connection() {
    let (_town, [mut ann, mut bob]) = people(["ann", "bob"]).await;
    ann.talks_with(&mut bob).await;
    ann.engine.logout().await.unwrap();
    assert_eq!(bob.ended().await, EndReason::Hangup);
    bob.sees("Ann gone", |view| {
        view.contacts.iter().any(|it| it.user_id == "ann" && it.presence == peal_engine::api::PresenceView::Offline)
    })
    .await;
    assert_eq!(ann.engine.snapshot().connection.state, ConnectionState::Offline);
    assert_eq!(code(ann.try_call("bob").await), ErrorCode::NotLoggedIn);
}

#[tokio::test(flavor = "multi_thread")]
async fn a05_publish_stream_answers_where_it_is_pushed_and_the_others_play_it() {
    let (server, town) = (MediaServer::start_with(&["--token", "ann's"]), Town::new().await);
    let mut ann =
        town.person_with("ann", sees_pattern(EngineConfig { microphone: Some(hums(1_300.0)), ..town.config() })).await;
    let record = town.place().join("heard.wav");
    let mut bob = town.person_with("bob", EngineConfig { speaker: Some(writes(&record)), ..town.config() }).await;
    let call = ann.sees_and_talks_with(&mut bob).await;
    let params = PublishStreamParams { token: Some("ann's".into()), ..server.publishing("ann") };
    let published = ann.engine.publish_stream(params.clone()).await.unwrap();
    assert_eq!((&published.push_url, &published.play_url), (&server.whip("ann"), &server.whep("ann")));
    ann.sees("what is published", |view| view.published.as_ref() == Some(&published)).await;
    server.has(&["ann"], &[]);
    assert_eq!(code(ann.engine.publish_stream(params).await), ErrorCode::WrongState, "one at a time");
    let added = heard!(bob, Event::StreamAdded { call_id, user_id, play_url } => (call_id.clone(), user_id.clone(), play_url.clone()));
    assert_eq!(added, (call.clone(), "ann".to_owned(), Some(server.whep("ann"))));

    let mut of_ann = bob.looks_at(&call, "ann").await;
    server.has(&["ann"], &["ann"]);
    moving(&mut of_ann, "Ann by the server").await;
    comes_by_the_server(&bob, &call, &mut of_ann).await;
    let played = read_wav(&record).len();
    while read_wav(&record).len() < played + 2 * RATE as usize {
        heard!(bob, Event::VoiceVolume(_) => ());
    }
    let heard = read_wav(&record)[played + RATE as usize / 2..].to_vec();
    assert!(tone_dbfs(&heard, 1_300.0) > -40.0, "Ann hums by the server: {}", tone_dbfs(&heard, 1_300.0));

    ann.engine.stop_publishing().await.unwrap();
    assert_eq!(ann.engine.snapshot().published, None);
    assert_eq!(heard!(bob, Event::StreamRemoved { user_id, .. } => user_id.clone()), "ann");
    server.has(&[], &[]);
    moving(&mut of_ann, "Ann by the call again").await;
}

/// The pictures move, and none of them came by the call's own media path.
async fn comes_by_the_server(person: &Person, call: &str, pictures: &mut watch::Receiver<Picture>) {
    let by_the_call = || async { person.engine.call_stats(call).await.unwrap().frames_received };
    let mut before = by_the_call().await;
    // What came while the stream was being opened may still be decoded.
    for _ in 0..20 {
        moving(pictures, "the stream").await;
        let now = by_the_call().await;
        if now < before + 1.0 {
            return;
        }
        before = now;
    }
    panic!("the pictures come by the call");
}

#[tokio::test(flavor = "multi_thread")]
async fn a06_call_device_invites_with_message() {
    let (_town, mut gate, ann) = door().await;
    let view = ann.engine.snapshot();
    let contact = view.contacts.iter().find(|it| it.user_id == "front-gate").unwrap();
    assert_eq!(contact.kind, ContactKind::Device);
    let params = CallParams { to: vec!["front-gate".into()], message: Some(ATTACHED.into()), ..CallParams::default() };
    let call = ann.engine.call(params).await.unwrap().call_id;
    assert_eq!(invited_message(&mut gate).await, (call, Some(ATTACHED.to_owned())));
}

#[tokio::test(flavor = "multi_thread")]
async fn a07_the_device_is_answered() {
    let (_town, mut gate, mut ann) = door().await;
    let call = gate.calls("ann").await.call_id;
    assert_eq!(ann.rings().await, call);
    accept(&ann, &call).await;
    assert_eq!(ann.connected().await, call);
    assert_eq!(gate.connected().await, call);
}

#[tokio::test(flavor = "multi_thread")]
async fn a08_the_device_is_hung_up() {
    let (_town, mut gate, mut ann) = door().await;
    let call = ann.talks_with(&mut gate).await;
    ann.engine.hangup(&call).await.unwrap();
    assert_eq!((gate.ended().await, ann.ended().await), (EndReason::Hangup, EndReason::Hangup));
}

#[tokio::test(flavor = "multi_thread")]
async fn a09_an_invite_arrives_with_its_message() {
    let (_town, gate, mut ann) = door().await;
    let params = CallParams { to: vec!["ann".into()], message: Some(ATTACHED.into()), ..CallParams::default() };
    let call = gate.engine.call(params).await.unwrap().call_id;
    assert_eq!(invited_message(&mut ann).await, (call, Some(ATTACHED.to_owned())));
}

#[tokio::test(flavor = "multi_thread")]
async fn a10_the_peers_stream_can_be_played_from_its_play_url_before_answering() {
    let (server, town) = (MediaServer::start_with(&["--play-token", "let-me-in"]), Town::new().await);
    let gate = EngineConfig { kind: ContactKind::Device, microphone: Some(hums(1_300.0)), ..town.config() };
    let mut gate = town.person_with("front-gate", sees_pattern(gate)).await;
    let record = town.place().join("heard.wav");
    let mut ann = town.person_with("ann", EngineConfig { speaker: Some(writes(&record)), ..town.config() }).await;
    // Only who is known may show themselves before the answer.
    ann.engine.execute(Command::AddContact { user_id: "front-gate".into() }).await.unwrap();
    ann.sees_online("front-gate").await;
    gate.sees_online("ann").await;
    gate.engine.open_camera(OpenCameraParams::default()).await.unwrap();
    let params = PublishStreamParams { play_token: Some("let-me-in".into()), ..server.publishing("gate") };
    gate.engine.publish_stream(params).await.unwrap();

    let call = gate.calls_by_video("ann").await.call_id;
    assert_eq!(ann.rings().await, call);
    // It is told without an address first, unless the gate's word comes before the call's own path is up.
    let added = heard!(ann, Event::StreamAdded { call_id, play_url: Some(url), .. } => (call_id.clone(), url.clone()));
    assert_eq!(added, (call.clone(), server.whep("gate")));
    ann.sees_call("from where", &call, |it| it.members[0].play_url.as_deref() == Some(&server.whep("gate"))).await;
    server.has(&["gate"], &[]);

    let mut of_gate = ann.looks_at(&call, "front-gate").await;
    server.has(&["gate"], &["gate"]);
    moving(&mut of_gate, "who is at the gate").await;
    comes_by_the_server(&ann, &call, &mut of_gate).await;
    let heard = read_wav(&record);
    assert!(tone_dbfs(&heard[heard.len() - RATE as usize / 2..], 1_300.0) > -40.0, "the gate hums");
    let stop = StopRemoteViewParams { call_id: call.clone(), user_id: "front-gate".into(), view: None };
    ann.engine.stop_remote_view(stop).await.unwrap();
    server.has(&["gate"], &[]);

    accept(&ann, &call).await;
    assert_eq!((ann.connected().await, gate.connected().await), (call.clone(), call.clone()));
    moving(&mut ann.looks_at(&call, "front-gate").await, "the gate, answered").await;
    server.has(&["gate"], &["gate"]);
    gate.engine.hangup(&call).await.unwrap();
    server.has(&[], &[]);
    assert_eq!(gate.engine.snapshot().published, None, "over with its call");
}

#[tokio::test(flavor = "multi_thread")]
async fn a11_the_peer_answered() {
    let (_town, mut gate, mut ann) = door().await;
    let call = ann.calls("front-gate").await.call_id;
    gate.rings().await;
    accept(&gate, &call).await;
    let who = heard!(ann, Event::UserAccepted(it) => it.clone());
    assert_eq!((who.call_id, who.user_id.as_str()), (call, "front-gate"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a12_the_peer_hung_up() {
    let (_town, mut gate, mut ann) = door().await;
    let call = ann.talks_with(&mut gate).await;
    gate.engine.hangup(&call).await.unwrap();
    let left = heard!(ann, Event::UserLeft { user_id, reason, .. } => (user_id.clone(), *reason));
    assert_eq!(left, ("front-gate".to_owned(), EndReason::Hangup));
    assert_eq!(ann.ended().await, EndReason::Hangup);
}

#[tokio::test(flavor = "multi_thread")]
async fn a13_the_peer_is_busy() {
    let (_town, [mut ann, mut bob, mut cat]) = people(["ann", "bob", "cat"]).await;
    bob.talks_with(&mut cat).await;
    ann.calls("bob").await;
    assert_eq!(heard!(ann, Event::UserBusy(it) => it.user_id.clone()), "bob");
    assert_eq!(ann.ended().await, EndReason::Busy);
}

#[tokio::test(flavor = "multi_thread")]
async fn a14_a_connection_that_is_gone_is_told_and_a_login_that_is_over_too() {
    let town = Town::new().await;
    let line = Line::to(town.address()).await;
    let login = LoginParams { server: Some(format!("mqtt://{}", line.address)), ..town.login("ann") };
    let mut ann = Person::log_in(town.config(), login).await.unwrap();
    line.refuse();
    heard!(ann, Event::ConnectionChanged(it) if it.state == ConnectionState::Reconnecting => ());
    let error = heard!(ann, Event::SessionEnded(error) => error.clone());
    assert_eq!(error.code, ErrorCode::WrongToken);
    assert!(!error.message.is_empty() && !error.hint.is_empty(), "{error:?}");
    assert_eq!(code(ann.try_call("bob").await), ErrorCode::NotLoggedIn);
}

#[tokio::test(flavor = "multi_thread")]
async fn a15_every_subscription_returns_its_unsubscribe_and_the_handler_is_silent_then() {
    let (_town, [mut ann, mut bob]) = people(["ann", "bob"]).await;
    let (first, second) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counter = |count: &Arc<AtomicUsize>| {
        let count = Arc::clone(count);
        move |_: &Event| {
            count.fetch_add(1, Ordering::SeqCst);
        }
    };
    let one = bob.engine.on("invited", counter(&first)).unwrap();
    let _two = bob.engine.on("invited", counter(&second)).unwrap();
    for round in 1..=2 {
        let call = ann.calls("bob").await.call_id;
        bob.rings().await;
        bob.sees_call("the call", &call, |call| call.members.iter().all(|it| it.state != MemberState::Left)).await;
        ann.engine.hangup(&call).await.unwrap();
        bob.ended().await;
        ann.ended().await;
        while second.load(Ordering::SeqCst) < round {
            tokio::task::yield_now().await;
        }
        if round == 1 {
            while first.load(Ordering::SeqCst) < 1 {
                tokio::task::yield_now().await;
            }
            one.clone().off();
        }
    }
    assert_eq!((first.load(Ordering::SeqCst), second.load(Ordering::SeqCst)), (1, 2));
    assert_eq!(bob.engine.on("no_such_event", |_| ()).unwrap_err().code, ErrorCode::BadRequest);
}
