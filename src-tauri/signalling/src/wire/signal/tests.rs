use std::collections::BTreeSet;
use std::time::Duration;

use peal_call::{
    CancelReason, EndReason, HangupReason, Invite, MAX_RING, MESSAGE_LIMIT, MediaKind, ROSTER_LIMIT, RejectReason,
    RosterEntry, STREAM_LIMIT, Standing,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::json;
use uuid::Uuid;

use super::strategies::any_signal;
use super::*;
use crate::{ENVELOPE_LIMIT, decode_signal, encode_signal};

const CALL: &str = "00000000-0000-0000-0000-000000000005";

fn call() -> CallId {
    CallId::from_uuid(Uuid::from_u128(5))
}

fn user(name: &str) -> UserId {
    UserId::new(name).expect("a name")
}

fn read(json: Value) -> Result<Signal, SignalError> {
    from_json(json, Some(&user("ann")))
}

fn malformed(json: &Value) {
    assert_eq!(read(json.clone()), Err(SignalError::Malformed), "{json}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn every_signal_is_read_as_it_was_written(signal in any_signal()) {
        let json = to_json(&signal);
        prop_assert_eq!(from_json(json.clone(), None), Ok(signal.clone()), "{}", json);
        prop_assert_eq!(decode_signal(&encode_signal(&signal)), Some(signal));
    }

    #[test]
    fn a_signal_without_one_of_its_fields_is_complete_by_default_or_malformed(signal in any_signal(), at in any::<prop::sample::Index>()) {
        let mut json = to_json(&signal);
        let object = json.as_object_mut().expect("an object");
        let name = object.keys().nth(at.index(object.len())).expect("a field").clone();
        object.remove(&name);
        let read = from_json(json, Some(&user("ann")));
        let may_be_missing = [
            "host", "generation", "attempt", "roster", "group", "message", "transfer", "replaces", "early_media", "offer",
            "answer", "device", "everyone", "complete", "on_hold", "video", "decided", "reply", "members", "stream",
        ];
        prop_assert!(read.is_err() || may_be_missing.contains(&name.as_str()), "{name}");
        let unknown = matches!(read, Err(SignalError::UnknownKind { .. }));
        prop_assert!(!unknown);
    }

    #[test]
    fn a_signal_with_a_field_of_another_type_is_malformed(signal in any_signal(), at in any::<prop::sample::Index>()) {
        let mut json = to_json(&signal);
        let object = json.as_object_mut().expect("an object");
        let name = object.keys().nth(at.index(object.len())).expect("a field").clone();
        object[&name] = json!({"another": ["type"]});
        prop_assert_eq!(read(json), Err(SignalError::Malformed), "{}", name);
    }
}

#[test]
fn the_strategy_makes_every_kind() {
    let mut runner = TestRunner::deterministic();
    let mut kinds = BTreeSet::new();
    for _ in 0..2000 {
        let signal = any_signal().new_tree(&mut runner).expect("a signal").current();
        kinds.extend(to_json(&signal)["kind"].as_str().map(ToOwned::to_owned));
    }
    assert_eq!(kinds.len(), 17, "{kinds:?}");
}

#[test]
fn a_peer_of_the_first_version_is_understood() {
    let invite = read(json!({
        "kind": "invite", "call": CALL, "media": "audio", "invited": ["bob"], "lifetime_ms": 30_000,
    }));
    assert_eq!(
        invite,
        Ok(Signal::Invite(Invite {
            call: call(),
            media: MediaKind::Audio,
            host: user("ann"),
            generation: 0,
            invited: vec![user("bob")],
            roster: Vec::new(),
            group: None,
            message: None,
            lifetime: Duration::from_secs(30),
            transfer: false,
            replaces: None,
            early_media: false,
        }))
    );
    let call = call();
    for (json, signal) in [
        (json!({"kind": "ringing", "call": CALL}), Signal::Ringing { call, generation: 0 }),
        (
            json!({"kind": "accept", "call": CALL, "media": "audio", "offer": "v=0"}),
            Signal::Accept { call, generation: 0, media: MediaKind::Audio, offer: Some("v=0".into()) },
        ),
        (
            json!({"kind": "reject", "call": CALL, "reason": "busy"}),
            Signal::Reject { call, generation: 0, reason: RejectReason::Busy, message: None },
        ),
        (
            json!({"kind": "hangup", "call": CALL, "reason": "gone"}),
            Signal::Hangup { call, generation: 0, reason: HangupReason::Gone, everyone: false },
        ),
        (json!({"kind": "offer", "call": CALL, "sdp": "v=0"}), Signal::Offer { call, attempt: 0, sdp: "v=0".into() }),
        (
            json!({"kind": "candidates", "call": CALL, "candidates": []}),
            Signal::Candidates { call, attempt: 0, candidates: Vec::new(), complete: false },
        ),
        (
            json!({"kind": "media_state", "call": CALL, "revision": 3, "muted": true}),
            Signal::MediaState { call, revision: 3, muted: true, on_hold: false, video: false, stream: None },
        ),
    ] {
        assert_eq!(read(json), Ok(signal));
    }
}

#[test]
fn an_invite_without_a_host_needs_a_sender() {
    let invite = json!({"kind": "invite", "call": CALL, "media": "audio", "invited": [], "lifetime_ms": 1});
    assert_eq!(from_json(invite.clone(), None), Err(SignalError::Malformed));
    assert_eq!(decode_signal(invite.to_string().as_bytes()), None);
}

#[test]
fn what_later_versions_add_is_ignored_or_understood_as_far_as_possible() {
    let ringing = json!({"kind": "ringing", "call": CALL, "later": true});
    assert_eq!(read(ringing), Ok(Signal::Ringing { call: call(), generation: 0 }));
    let hangup = json!({"kind": "hangup", "call": CALL, "reason": "teleported"});
    assert!(matches!(read(hangup), Ok(Signal::Hangup { reason: HangupReason::Hangup, .. })), "it is over all the same");
    let cancel = json!({"kind": "cancel", "call": CALL, "reason": "teleported"});
    assert!(matches!(read(cancel), Ok(Signal::Cancel { reason: CancelReason::Cancelled, .. })));
    let reject = json!({"kind": "reject", "call": CALL, "reason": "teleported"});
    assert!(matches!(read(reject), Ok(Signal::Reject { reason: RejectReason::Declined, .. })));
    let left = json!({"kind": "roster", "call": CALL, "entries": [{"user": "bob", "standing": "left", "reason": "x"}]});
    let entry = RosterEntry { user: user("bob"), generation: 0, standing: Standing::Left { reason: EndReason::Error } };
    assert_eq!(read(left), Ok(Signal::Roster { call: call(), entries: vec![entry], reply: false }));

    let kind = |kind: &str| Err(SignalError::UnknownKind { kind: kind.into(), call: Some(call()) });
    assert_eq!(read(json!({"kind": "teleport", "call": CALL, "where": "moon"})), kind("teleport"));
    let hologram = json!({"kind": "invite", "call": CALL, "media": "hologram", "invited": ["bob"], "lifetime_ms": 1});
    assert_eq!(read(hologram), kind("invite"), "declined politely");
    let long = read(json!({"kind": format!("\n{}", "x".repeat(99))}));
    assert_eq!(long, Err(SignalError::UnknownKind { kind: "x".repeat(KIND_LIMIT), call: None }));
}

#[test]
fn limits_hold_for_what_others_send() {
    let names = |n: usize| (0..n).map(|i| format!("u{i}")).collect::<Vec<_>>();
    let invite = |people: usize, message: usize, ms: u64| {
        read(json!({
            "kind": "invite", "call": CALL, "media": "audio", "invited": names(people), "message": "m".repeat(message),
            "lifetime_ms": ms,
        }))
    };
    assert!(matches!(invite(64, MESSAGE_LIMIT, u64::MAX), Ok(Signal::Invite(i)) if i.lifetime == MAX_RING));
    assert_eq!(invite(65, 1, 1), Err(SignalError::Malformed));
    assert_eq!(invite(3, MESSAGE_LIMIT + 1, 1), Err(SignalError::Malformed));

    let entries = |n: usize| names(n).iter().map(|u| json!({"user": u, "standing": "joined", "device": "d"})).collect();
    for (n, fits) in [(ROSTER_LIMIT, true), (ROSTER_LIMIT + 1, false)] {
        let entries: Vec<Value> = entries(n);
        assert_eq!(read(json!({"kind": "roster", "call": CALL, "entries": entries})).is_ok(), fits);
        assert_eq!(read(json!({"kind": "select", "call": CALL, "device": "d", "roster": entries})).is_ok(), fits);
        let members: Vec<_> = names(n).iter().map(|u| json!({"user": u, "status": "missed"})).collect();
        let shared = json!({
            "kind": "shared", "call": CALL, "peer": "bob", "direction": "incoming", "media": "audio",
            "status": "missed", "reason": "no_response", "started_at": 1, "duration_ms": 0, "members": members,
        });
        assert_eq!(read(shared).is_ok(), fits);
    }
    let candidates = |n: usize, length: usize| {
        let one = json!({"candidate": "c".repeat(length)});
        read(json!({"kind": "candidates", "call": CALL, "candidates": vec![one; n]}))
    };
    let streams = |url: &str, token: &str| {
        let stream = json!({"url": url, "token": token});
        read(json!({"kind": "media_state", "call": CALL, "revision": 1, "muted": false, "stream": stream}))
    };
    let long = "x".repeat(STREAM_LIMIT);
    assert!(streams(&long, &long).is_ok());
    for (url, token) in [(format!("{long}x"), ""), ("u".into(), &format!("{long}x")), ("https://m\r\nx: y".into(), "")]
    {
        assert_eq!(streams(&url, token), Err(SignalError::Malformed));
    }
    assert!(candidates(64, 1024).is_ok());
    assert_eq!(candidates(65, 1), Err(SignalError::Malformed));
    assert_eq!(candidates(1, 1025), Err(SignalError::Malformed));
    let record =
        |ms: u64| read(json!({"kind": "record", "call": CALL, "media": "audio", "status": "missed", "started_at": ms}));
    assert!(record((1 << 53) - 1).is_ok());
    assert_eq!(record(1 << 53), Err(SignalError::Malformed));
}

#[test]
fn broken_names_words_and_entries_are_malformed() {
    let entry = |entry: Value| json!({"kind": "roster", "call": CALL, "entries": [entry]});
    for bad in [
        json!({"call": CALL}),
        json!({"kind": 5, "call": CALL}),
        json!({"kind": "ringing"}),
        json!({"kind": "ringing", "call": "five"}),
        json!({"kind": "ringing", "call": CALL, "generation": -1}),
        json!({"kind": "ringing", "call": CALL, "generation": 1_u64 << 32}),
        json!({"kind": "select", "call": CALL, "device": "a/b"}),
        json!({"kind": "cancel", "call": CALL, "reason": "rejected_elsewhere"}),
        json!({"kind": "cancel", "call": CALL, "reason": "busy_elsewhere", "device": ""}),
        json!({"kind": "invite", "call": CALL, "media": "audio", "invited": ["b~b"], "lifetime_ms": 1}),
        json!({"kind": "invite", "call": CALL, "media": "audio", "invited": [], "host": "#", "lifetime_ms": 1}),
        json!({"kind": "media_request", "call": CALL, "revision": 1, "media": "hologram"}),
        json!({"kind": "record", "call": CALL, "media": "audio", "status": "odd", "started_at": 1}),
        entry(json!({"user": "bob", "standing": "joined"})),
        entry(json!({"user": "bob", "standing": "joined", "device": "+"})),
        entry(json!({"user": "bob", "standing": "inviting", "by": "+"})),
        entry(json!({"user": "", "standing": "left", "reason": "hangup"})),
        entry(json!({"user": "bob", "standing": "elsewhere"})),
        entry(json!({"user": "bob", "standing": "left", "reason": "blocked"})),
        json!([1]),
        json!("ringing"),
        Value::Null,
    ] {
        malformed(&bad);
    }
}

#[test]
fn that_somebody_is_blocked_is_told_to_no_member() {
    let entry = |reason| RosterEntry { user: user("bob"), generation: 1, standing: Standing::Left { reason } };
    let roster = |reason| Signal::Roster { call: call(), entries: vec![entry(reason)], reply: true };
    assert_eq!(read(to_json(&roster(EndReason::Blocked))), Ok(roster(EndReason::NoResponse)));
}

/// Whatever its parts, an invite or a roster that the limits allow can be sent.
#[test]
fn the_largest_invite_fits_into_an_envelope() {
    let name = |i: usize| user(&format!("{i:x>64}"));
    let by = |i: usize| Standing::Inviting { by: name(i), transfer: true };
    let roster: Vec<_> =
        (0..ROSTER_LIMIT).map(|i| RosterEntry { user: name(i), generation: u32::MAX, standing: by(i) }).collect();
    let largest = Signal::Invite(Invite {
        call: call(),
        media: MediaKind::Audio,
        host: name(0),
        generation: u32::MAX,
        invited: (0..ROSTER_LIMIT).map(name).collect(),
        roster,
        group: Some("\u{1f600}".repeat(128)),
        // Quotes and line feeds double in JSON; other control characters have no business in a message.
        message: Some("\"\n".repeat(MESSAGE_LIMIT / 2)),
        lifetime: MAX_RING,
        transfer: true,
        replaces: Some(call()),
        early_media: true,
    });
    let json = encode_signal(&largest);
    assert_eq!(decode_signal(&json), Some(largest));
    // Sealed, it grows by the key, the tag and base64; the envelope around it has two addresses.
    assert!((json.len() + 200) * 4 / 3 + 512 <= ENVELOPE_LIMIT, "{}", json.len());
}
