//! A mosquitto started from `deploy/mosquitto`, and people who call each other through it.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]
#![cfg(unix)]

use std::path::Path;

use peal_tests::brokers::mosquitto::Mosquitto;
use peal_tests::brokers::stranger::{Login, Stranger};
use peal_tests::headless::Headless;
use rumqttc::v5::mqttbytes::v5::PubAckReason;
use serde_json::{Value, json};

const ACCOUNTS: [(&str, &str); 3] = [("ann", "ann's password"), ("bob", "bob's password"), ("mallory", "hers")];

fn password(account: &str) -> &'static str {
    ACCOUNTS.iter().find(|(name, _)| *name == account).unwrap().1
}

/// Somebody without devices at `server`, who trusts the authority in `authority`, or only the system's.
fn start(account: &str, token: &str, server: &str, place: &Path, authority: Option<&Path>) -> Headless {
    let own = place.join(format!("profile-{account}")).display().to_string();
    let arguments = ["--account", account, "--token", token, "--server", server, "--data-dir", &own];
    let devices = ["--microphone", "tone:440", "--speaker", "null"];
    let trusted = authority.map(|file| ("SSL_CERT_FILE".to_owned(), file.display().to_string()));
    let environment: Vec<_> = trusted.into_iter().collect();
    Headless::start_in(account, arguments.into_iter().chain(devices), &environment).unwrap()
}

fn refusal(mut somebody: Headless) -> Value {
    let error = somebody.event("error").unwrap().data().clone();
    for words in ["message", "hint"] {
        assert!(error[words].as_str().is_some_and(|it| !it.is_empty()), "{error}");
    }
    error
}

#[test]
fn people_call_each_other_through_mqtts_and_wss() {
    let broker = Mosquitto::start(&ACCOUNTS);
    let place = tempfile::tempdir().unwrap();
    let (mqtts, wss) = (format!("mqtts://localhost:{}", broker.tls), format!("wss://localhost:{}", broker.wss));
    let authority = broker.authority();
    let mut ann = start("ann", password("ann"), &mqtts, place.path(), Some(&authority));
    let mut bob = start("bob", password("bob"), &wss, place.path(), Some(&authority));
    ann.online().unwrap();
    bob.online().unwrap();
    ann.sees_online("bob").unwrap();
    let session = ann.ask("call", &json!({ "to": ["bob"], "media": "audio" })).unwrap();
    let call = session["call_id"].as_str().unwrap().to_owned();
    let mine = |data: &Value| data["call_id"] == call.as_str();
    bob.event_where("invited", mine).unwrap();
    bob.ask("accept", &json!({ "call_id": call })).unwrap();
    for (end, other) in [(&mut ann, "bob"), (&mut bob, "ann")] {
        end.event_where("connected", mine).unwrap();
        // The other's tone, through DTLS and SRTP.
        let loud = |level: &Value| level["user_id"] == other && level["dbfs"].as_f64().is_some_and(|it| it > -40.0);
        end.event_where("voice_volume", |levels| levels.as_array().is_some_and(|all| all.iter().any(loud))).unwrap();
    }
    bob.ask("hangup", &json!({ "call_id": call })).unwrap();
    for end in [&mut ann, &mut bob] {
        assert_eq!(end.event_where("call_ended", mine).unwrap().data()["reason"], "hangup");
        assert_eq!(end.event_where("call_recorded", mine).unwrap().data()["status"], "completed");
        assert!(end.close().unwrap().success());
    }
}

#[test]
fn a_wrong_password_and_an_unknown_authority_are_told_in_words() {
    let broker = Mosquitto::start(&ACCOUNTS);
    let place = tempfile::tempdir().unwrap();
    let authority = broker.authority();
    for server in [format!("mqtts://localhost:{}", broker.tls), format!("wss://localhost:{}", broker.wss)] {
        // Also somebody else's right password, for somebody else's name.
        for (account, token) in [("ann", "guess"), ("ann", password("mallory")), ("nobody", password("ann"))] {
            let error = refusal(start(account, token, &server, place.path(), Some(&authority)));
            assert_eq!(error["code"], "wrong_token", "{account} at {server}: {error}");
        }
        let error = refusal(start("ann", password("ann"), &server, place.path(), None));
        assert_eq!(error["code"], "insecure_server", "{server}: {error}");
    }
}

/// What the access list holds is tested where the client is (`signalling/tests/hostile.rs`); here, that it holds behind
/// the encrypted listener of the deployed configuration too.
#[tokio::test]
async fn the_access_list_holds_for_the_encrypted_listener() {
    let broker = Mosquitto::start(&ACCOUNTS);
    let authority = broker.authority();
    let login = |user: &'static str, client_id: &'static str| Login {
        port: broker.tls,
        authority: Some(&authority),
        user,
        token: password(user),
        client_id,
        will: None,
    };
    let mut mallory = Stranger::login(&login("mallory", "mallory~1")).await.unwrap();
    let mut ann = Stranger::login(&login("ann", "ann~1")).await.unwrap();
    for topic in ["peal/v1/peal/to/bob/from/ann/desk", "peal/v1/peal/presence/ann/desk", "elsewhere"] {
        assert_eq!(mallory.publish(topic, "forged").await, Some(PubAckReason::NotAuthorized), "{topic}");
    }
    for filter in ["#", "peal/v1/peal/to/bob/#", "peal/v1/peal/to/+/from/ann/desk", "peal/v1/peal/to/mallory/#"] {
        mallory.subscribe(filter).await;
    }
    ann.publish("peal/v1/peal/to/bob/from/ann/desk", "for Bob alone").await;
    ann.publish("peal/v1/peal/to/mallory/from/ann/desk", "for Mallory").await;
    // The broker delivers in the order in which it took them: the first would have come before.
    assert_eq!(mallory.next(|_| true).await, "peal/v1/peal/to/mallory/from/ann/desk");
}
