//! Three rmqttd as one cluster, started from `deploy/rmqtt-cluster`: people on its different nodes, and nodes that die.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]
#![cfg(unix)]

use peal_engine::api::{
    CallState, ConnectionState, EndReason, ErrorCode, LoginParams, PealError, PresenceView, RecordStatus,
};
use peal_engine::{EngineConfig, Profile};
use peal_tests::brokers::door::Door;
use peal_tests::brokers::rmqttd::Cluster;
use peal_tests::brokers::stranger::{Login, Stranger};
use peal_tests::brokers::token::{Signer, altered, confused, unsigned};
use peal_tests::headless::Headless;
use peal_tests::person::{Person, accept, free_address, quiet};
use rumqttc::v5::mqttbytes::v5::PubAckReason;
use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard};

/// Nine brokers at once would be too much for a small machine.
static ONE_CLUSTER: Mutex<()> = Mutex::const_new(());

/// A cluster, and the right to have it.
async fn cluster() -> (MutexGuard<'static, ()>, Cluster) {
    let turn = ONE_CLUSTER.lock().await;
    (turn, Cluster::start())
}

async fn log_in(account: &str, token: String, server: String, config: EngineConfig) -> Result<Person, PealError> {
    let (account, token, server) = (Some(account.to_owned()), Some(token), Some(server));
    Person::log_in(config, LoginParams { account, token, server, ..LoginParams::default() }).await
}

/// Somebody with a token at these addresses.
async fn at(cluster: &Cluster, account: &str, server: impl Into<String>) -> Person {
    let token = cluster.signer().token(account, 1);
    let person = log_in(account, token, server.into(), quiet(free_address())).await;
    person.unwrap_or_else(|error| panic!("{account} can't log in: {error:?}"))
}

fn statuses(person: &Person) -> Vec<RecordStatus> {
    person.engine.snapshot().history.iter().map(|record| record.status).collect()
}

/// Hangs up, and sees to it that both have the call in their histories.
async fn hangs_up(one: &mut Person, other: &mut Person, call: &str) {
    one.engine.hangup(call).await.unwrap();
    assert_eq!(one.ended().await, EndReason::Hangup);
    assert_eq!(other.ended().await, EndReason::Hangup);
    assert_eq!(statuses(one), [RecordStatus::Completed]);
    assert_eq!(statuses(other), [RecordStatus::Completed]);
}

async fn is_back(person: &Person) {
    person.sees("the loss", |view| view.connection.state == ConnectionState::Reconnecting).await;
    person.sees("the server again", |view| view.connection.state == ConnectionState::Online).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_on_different_nodes_call_each_other() {
    let (_turn, cluster) = cluster().await;
    let mut ann = at(&cluster, "ann", cluster.url(0)).await;
    let mut bob = at(&cluster, "bob", cluster.url(1)).await;
    let mut cat = at(&cluster, "cat", cluster.url(2)).await;
    let call = ann.talks_with(&mut bob).await;
    cat.sees("who is in a call", |view| {
        let in_call = |name| view.contacts.iter().any(|it| it.user_id == name && it.presence == PresenceView::InCall);
        in_call("ann") && in_call("bob")
    })
    .await;
    hangs_up(&mut bob, &mut ann, &call).await;
    let call = cat.talks_with(&mut bob).await;
    cat.engine.hangup(&call).await.unwrap();
    bob.ended().await;
    // Through the encrypted listeners, with a private authority.
    let place = tempfile::tempdir().unwrap();
    let trusted = [("SSL_CERT_FILE".to_owned(), cluster.authority().display().to_string())];
    let start = |account: &str, server: String| {
        let own = place.path().join(account).display().to_string();
        let token = cluster.signer().token(account, 1);
        let arguments = ["--account", account, "--token", &token, "--server", &server, "--data-dir", &own];
        let devices = ["--microphone", "silence", "--speaker", "null", "--auto-answer"];
        Headless::start_in(account, arguments.into_iter().chain(devices), &trusted).unwrap()
    };
    let (mut dan, mut eve) = (start("dan", cluster.mqtts(0)), start("eve", cluster.wss(1)));
    tokio::task::spawn_blocking(move || {
        dan.online().unwrap();
        eve.online().unwrap();
        dan.sees_online("eve").unwrap();
        let session = dan.ask("call", &json!({ "to": ["eve"], "media": "audio" })).unwrap();
        let mine = |data: &Value| data["call_id"] == session["call_id"];
        dan.event_where("connected", mine).unwrap();
        eve.event_where("connected", mine).unwrap();
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_lets_in_its_own_account_alone_and_only_in_its_time() {
    let (_turn, cluster) = cluster().await;
    let signer = cluster.signer();
    let good = signer.token("ann", 1);
    let ann = log_in("ann", good.clone(), cluster.url(0), quiet(free_address())).await;
    assert!(ann.is_ok(), "{:?}", ann.map(|it| it.name));
    let place = tempfile::tempdir().unwrap();
    let other = Signer::new(place.path().join("another.pem"));
    let refused = [
        ("it has expired", "ann", signer.token("ann", -1)),
        ("it is somebody else's", "ann", signer.token("mallory", 1)),
        ("it was altered", "ann", altered(&signer.token("mallory", 1), "ann")),
        ("nobody signed it", "ann", unsigned("ann")),
        ("the public key is no secret", "ann", confused("ann", &signer.public_key())),
        ("another signer", "ann", other.token("ann", 1)),
        ("it is a password", "ann", "open sesame".to_owned()),
    ];
    for (why, account, token) in refused {
        let error = match log_in(account, token, cluster.url(1), quiet(free_address())).await {
            Ok(person) => panic!("{} is logged in, though {why}", person.name),
            Err(error) => error,
        };
        assert_eq!(error.code, ErrorCode::WrongToken, "{why}: {error:?}");
        assert!(!error.message.is_empty() && !error.hint.is_empty(), "{why}: {error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_writes_in_anothers_name_or_reads_anothers_inbox_on_any_node() {
    let (_turn, cluster) = cluster().await;
    let (ann_token, mallory_token) = (cluster.signer().token("ann", 1), cluster.signer().token("mallory", 1));
    let login = |port, user, token, client_id| Login { port, authority: None, user, token, client_id, will: None };
    let ann = Stranger::login(&login(cluster.plain(0), "ann", &ann_token, "ann~1")).await;
    let mut ann = ann.unwrap();
    let mallory = Stranger::login(&login(cluster.plain(1), "mallory", &mallory_token, "mallory~1")).await;
    let mut mallory = mallory.unwrap();
    for topic in [
        "peal/v1/peal/to/bob/from/ann/desk",
        "peal/v1/peal/presence/ann/desk",
        "peal/v1/peal/presence/mallory",
        "peal/v1/peal/presence/mallory/x/y",
        "peal/v2/peal/presence/mallory/x",
        "$SYS/brokers",
        "elsewhere",
    ] {
        assert_eq!(mallory.publish(topic, "forged").await, Some(PubAckReason::NotAuthorized), "{topic}");
    }
    for filter in [
        "#",
        "+/#",
        "peal/#",
        "peal/v1/#",
        "peal/v1/peal/#",
        "peal/v1/peal/to/#",
        "peal/v1/peal/to/+/#",
        "peal/v1/peal/to/+/from/+/+",
        "peal/v1/peal/to/bob/#",
        "peal/v1/+/+/bob/#",
        "peal/+/peal/to/bob/#",
        "$share/g/peal/v1/peal/to/bob/#",
        "peal/v1/peal/to/mallory/from/+/+",
    ] {
        mallory.subscribe(filter).await;
    }
    for _ in 0..5 {
        ann.publish("peal/v1/peal/to/bob/from/ann/desk", "for Bob alone").await;
    }
    ann.publish("peal/v1/peal/to/mallory/from/ann/desk", "for Mallory").await;
    // From one publisher to one subscriber, in order: what was overheard would have come before.
    assert_eq!(mallory.next(|_| true).await, "peal/v1/peal/to/mallory/from/ann/desk");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_survives_the_death_of_the_callees_node_while_it_rings_and_while_they_talk() {
    let (_turn, mut cluster) = cluster().await;
    let mut ann = at(&cluster, "ann", cluster.url(1)).await;
    // Bob's second node is out of his reach at first, so that it is known where he is: at the one that leads the others.
    let (first, second) = (Door::to(cluster.plain(0), true).await, Door::to(cluster.plain(2), false).await);
    let mut bob = at(&cluster, "bob", format!("{},{}", first.url(), second.url())).await;
    ann.sees_online("bob").await;
    let session = ann.calls("bob").await;
    assert_eq!(bob.rings().await, session.call_id);
    second.open();
    cluster.kill(0);
    is_back(&bob).await;
    accept(&bob, &session.call_id).await;
    ann.connected().await;
    bob.connected().await;

    // His first node comes back, and the second one dies.
    cluster.resume(0);
    cluster.kill(2);
    is_back(&bob).await;
    for person in [&ann, &bob] {
        assert_eq!(person.call().unwrap().state, CallState::Connected);
        let before = person.engine.call_stats(&session.call_id).await.unwrap().played_ms;
        // A second of sound, played after all that.
        loop {
            let stats = person.engine.call_stats(&session.call_id).await.unwrap();
            if stats.played_ms > before + 1_000.0 {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    hangs_up(&mut bob, &mut ann, &session.call_id).await;
    // And the next call works.
    let call = bob.talks_with(&mut ann).await;
    bob.engine.hangup(&call).await.unwrap();
    ann.ended().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_finds_the_caller_whose_node_died_while_it_rang() {
    let (_turn, mut cluster) = cluster().await;
    let (first, second) = (Door::to(cluster.plain(1), true).await, Door::to(cluster.plain(2), false).await);
    let mut ann = at(&cluster, "ann", format!("{},{}", first.url(), second.url())).await;
    let mut bob = at(&cluster, "bob", cluster.url(0)).await;
    bob.sees_online("ann").await;
    ann.sees_online("bob").await;
    let session = ann.calls("bob").await;
    assert_eq!(bob.rings().await, session.call_id);
    cluster.kill(1);
    ann.sees("the loss", |view| view.connection.state == ConnectionState::Reconnecting).await;
    // Ann is nowhere now.
    accept(&bob, &session.call_id).await;
    second.open();
    ann.connected().await;
    bob.connected().await;
    hangs_up(&mut ann, &mut bob, &session.call_id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missed_call_reaches_somebody_whose_node_is_gone() {
    let (_turn, mut cluster) = cluster().await;
    let directory = tempfile::tempdir().unwrap();
    let bob_config =
        || EngineConfig { profile: Profile::At(directory.path().join("bob")), resume: false, ..quiet(free_address()) };
    let token = cluster.signer().token("bob", 1);
    let mut ann = at(&cluster, "ann", cluster.url(0)).await;
    let bob = log_in("bob", token.clone(), cluster.url(1), bob_config()).await.unwrap();
    ann.sees_online("bob").await;
    bob.engine.stop().await;
    drop(bob);
    ann.sees("that Bob is away", |view| {
        view.contacts.iter().any(|it| it.user_id == "bob" && it.presence == PresenceView::Offline)
    })
    .await;
    cluster.kill(1);
    ann.engine.set_call_timeout(1_000).await.unwrap();
    ann.calls("bob").await;
    assert_eq!(ann.ended().await, EndReason::Unreachable);
    let bob = log_in("bob", token, cluster.url(2), bob_config()).await.unwrap();
    let view = bob.sees("the missed call", |view| view.missed_count == 1).await;
    assert_eq!(view.history[0].user_id, "ann");
    assert!(view.calls.is_empty(), "a call that is over rings nowhere");
}
