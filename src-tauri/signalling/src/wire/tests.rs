use std::time::Duration;

use peal_call::{
    CancelReason, Candidate, DeviceId, HangupReason, Invite, MESSAGE_LIMIT, MediaKind, RecordStatus, RejectReason,
    UserId,
};
use proptest::prelude::*;
use rand::{Rng, SeedableRng};

use super::*;
use crate::names::address;

fn name() -> impl Strategy<Value = String> {
    "[A-Za-z0-9._@-]{1,64}"
}

fn call() -> impl Strategy<Value = CallId> {
    any::<u128>().prop_map(|n| CallId::from_uuid(Uuid::from_u128(n)))
}

fn device() -> impl Strategy<Value = DeviceId> {
    name().prop_map(|n| DeviceId::new(n).expect("a name"))
}

fn media() -> impl Strategy<Value = MediaKind> {
    prop_oneof![Just(MediaKind::Audio), Just(MediaKind::Video)]
}

fn message() -> impl Strategy<Value = Option<String>> {
    proptest::option::of("\\PC{0,200}")
}

fn any_signal() -> impl Strategy<Value = Signal> {
    let invited = proptest::collection::vec(name().prop_map(|n| UserId::new(n).expect("a name")), 0..9);
    let candidate = ("\\PC{0,80}", proptest::option::of("[0-9a-z]{1,4}"), proptest::option::of(any::<u16>()))
        .prop_map(|(candidate, mid, line)| Candidate { candidate, mid, line });
    let reject = prop_oneof![Just(RejectReason::Declined), Just(RejectReason::Busy), Just(RejectReason::Incompatible)];
    let cancel = prop_oneof![
        Just(CancelReason::Cancelled),
        Just(CancelReason::TimedOut),
        device().prop_map(CancelReason::RejectedElsewhere),
        device().prop_map(CancelReason::BusyElsewhere),
    ];
    let hangup = prop_oneof![
        Just(HangupReason::Hangup),
        Just(HangupReason::IceFailed),
        Just(HangupReason::IceLost),
        Just(HangupReason::DeviceFailed),
        Just(HangupReason::Gone),
    ];
    let status = prop_oneof![
        Just(RecordStatus::Completed),
        Just(RecordStatus::Cancelled),
        Just(RecordStatus::Rejected),
        Just(RecordStatus::Missed),
        Just(RecordStatus::Busy),
    ];
    prop_oneof![
        (call(), media(), invited, proptest::option::of("\\PC{0,20}"), message(), 0_u64..=120_000).prop_map(
            |(call, media, invited, group, message, ms)| {
                Signal::Invite(Invite { call, media, invited, group, message, lifetime: Duration::from_millis(ms) })
            }
        ),
        call().prop_map(|call| Signal::Ringing { call }),
        (call(), media(), "\\PC{0,300}").prop_map(|(call, media, offer)| Signal::Accept { call, media, offer }),
        (call(), device(), message()).prop_map(|(call, device, answer)| Signal::Select { call, device, answer }),
        (call(), reject, message()).prop_map(|(call, reason, message)| Signal::Reject { call, reason, message }),
        (call(), cancel).prop_map(|(call, reason)| Signal::Cancel { call, reason }),
        (call(), hangup).prop_map(|(call, reason)| Signal::Hangup { call, reason }),
        (call(), proptest::collection::vec(candidate, 0..8), any::<bool>())
            .prop_map(|(call, candidates, complete)| Signal::Candidates { call, candidates, complete }),
        (call(), "\\PC{0,300}").prop_map(|(call, sdp)| Signal::Offer { call, sdp }),
        (call(), "\\PC{0,300}").prop_map(|(call, sdp)| Signal::Answer { call, sdp }),
        (call(), any::<u32>(), any::<bool>()).prop_map(|(call, revision, muted)| Signal::MediaState {
            call,
            revision,
            muted
        }),
        (call(), media(), status, any::<u64>(), message()).prop_map(|(call, media, status, started_at, message)| {
            Signal::Record { call, media, status, started_at, message }
        }),
    ]
}

struct Pair {
    app: AppKey,
    ann: (DeviceAddress, DeviceKeys),
    bob: (DeviceAddress, DeviceKeys),
}

impl Pair {
    fn new() -> Self {
        Self {
            app: AppKey::default(),
            ann: (address("ann", "desk").expect("names"), DeviceKeys::generate()),
            bob: (address("bob", "phone").expect("names"), DeviceKeys::generate()),
        }
    }

    fn seal(&self, signal: Signal) -> Vec<u8> {
        let body = Body { boot: Uuid::from_u128(7), seq: 3, signal };
        let to = (&self.bob.0, &self.bob.1.public());
        Envelope::seal(&self.app, &self.ann.1, &self.ann.0, to, 5, &body).expect("sealed").1
    }

    /// What Bob makes of bytes that came in Ann's topic: the checks of the inbox, in its order.
    fn open(&self, bytes: &[u8]) -> Option<Body> {
        let envelope = Envelope::read(bytes).ok()?;
        if !envelope.is_from(&self.ann.0) || !envelope.is_to(&self.bob.0) {
            return None;
        }
        envelope.open(&self.app, &self.bob.1, (&self.ann.0, &self.ann.1.public()), &self.bob.0).ok()
    }
}

fn small() -> Signal {
    Signal::Ringing { call: CallId::from_uuid(Uuid::from_u128(1)) }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_signal_survives_the_wire(signal in any_signal()) {
        let pair = Pair::new();
        let body = pair.open(&pair.seal(signal.clone()));
        prop_assert_eq!(body, Some(Body { boot: Uuid::from_u128(7), seq: 3, signal }));
    }

    #[test]
    fn no_bytes_at_all_break_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(Envelope::read(&bytes).is_err());
    }
}

#[test]
fn of_10000_mutated_envelopes_none_is_accepted() {
    let pair = Pair::new();
    let offer = Signal::Offer { call: CallId::from_uuid(Uuid::from_u128(1)), sdp: "v=0\r\n".repeat(40) };
    let good = pair.seal(offer);
    let whole = pair.open(&good).expect("the untouched one opens");
    let mut rng = rand::rngs::StdRng::seed_from_u64(20_260_101);
    let (mut accepted, mut unharmed, mut mutated) = (0, 0, 0);
    while mutated < 10_000 {
        let mut bad = good.clone();
        match rng.random_range(0..4) {
            0 => {
                let at = rng.random_range(0..bad.len());
                bad[at] ^= 1 << rng.random_range(0..8);
            }
            1 => {
                let at = rng.random_range(0..bad.len());
                bad[at] = rng.random_range(b' '..=b'~');
            }
            2 => {
                let (a, b) = (rng.random_range(0..bad.len()), rng.random_range(0..bad.len()));
                bad.swap(a, b);
            }
            _ => {
                bad.remove(rng.random_range(0..bad.len()));
            }
        }
        if bad == good {
            continue;
        }
        mutated += 1;
        // sent_at is informational and not sealed: a change there alone must change nothing else.
        let only_sent_at = Envelope::read(&bad).is_ok_and(|mut envelope| {
            envelope.sent_at = 5;
            Envelope::read(&good).is_ok_and(|good| good == envelope)
        });
        match pair.open(&bad) {
            Some(body) if only_sent_at && body == whole => unharmed += 1,
            Some(_) => accepted += 1,
            None => {}
        }
    }
    assert_eq!(accepted, 0, "of 10000 ({unharmed} touched only sent_at)");
    assert!(unharmed < 500, "the mutations must hit what is sealed");
}

#[test]
fn a_readdressed_or_foreign_envelope_is_not_opened() {
    let pair = Pair::new();
    let envelope = Envelope::read(&pair.seal(small())).expect("an envelope");
    let from = (&pair.ann.0, &pair.ann.1.public());
    assert!(envelope.open(&pair.app, &pair.bob.1, from, &pair.bob.0).is_ok());

    let sibling = address("bob", "desk").expect("names");
    let mallory = address("mallory", "desk").expect("names");
    let broken = Err(WireError::Seal(SealError::Broken));
    assert_eq!(envelope.open(&pair.app, &pair.bob.1, from, &sibling), broken, "another device");
    assert_eq!(envelope.open(&pair.app, &pair.bob.1, (&mallory, from.1), &pair.bob.0), broken, "another sender");
    let other_app = AppKey::new("other").expect("a key");
    assert_eq!(envelope.open(&other_app, &pair.bob.1, from, &pair.bob.0), broken, "another application");
    let stranger = DeviceKeys::generate();
    assert_eq!(envelope.open(&pair.app, &pair.bob.1, (from.0, &stranger.public()), &pair.bob.0), broken, "another key");
    assert_eq!(envelope.open(&pair.app, &stranger, from, &pair.bob.0), broken, "another receiver's key");
    let renamed = Envelope { id: Uuid::now_v7(), ..envelope };
    assert_eq!(renamed.open(&pair.app, &pair.bob.1, from, &pair.bob.0), broken, "another id");
}

#[test]
fn unknown_fields_are_ignored_and_unknown_kinds_and_versions_are_named() {
    let pair = Pair::new();
    let mut json: serde_json::Value = serde_json::from_slice(&pair.seal(small())).expect("json");
    json["later"] = serde_json::json!({"x": 1});
    assert!(pair.open(json.to_string().as_bytes()).is_some());
    json["v"] = 9.into();
    assert_eq!(Envelope::read(json.to_string().as_bytes()), Err(WireError::Version(9)));

    let call = CallId::from_uuid(Uuid::from_u128(5));
    let teleport = serde_json::json!({"kind": "teleport", "call": call.to_string(), "where": "moon"});
    assert_eq!(
        signal::from_json(teleport),
        Err(SignalError::UnknownKind { kind: "teleport".into(), call: Some(call) })
    );
    let ringing = serde_json::json!({"kind": "ringing", "call": call.to_string(), "later": true});
    assert_eq!(signal::from_json(ringing), Ok(Signal::Ringing { call }));
}

#[test]
fn limits_hold_for_what_others_send() {
    let call = Uuid::from_u128(5).to_string();
    let invite = |people: usize, message: usize, ms: u64| {
        let invited: Vec<String> = (0..people).map(|i| format!("u{i}")).collect();
        signal::from_json(serde_json::json!({
            "kind": "invite", "call": call, "media": "audio", "invited": invited,
            "message": "m".repeat(message), "lifetime_ms": ms,
        }))
    };
    assert!(
        matches!(invite(3, MESSAGE_LIMIT, 999_999_999), Ok(Signal::Invite(i)) if i.lifetime == peal_call::MAX_RING)
    );
    assert_eq!(invite(65, 1, 1), Err(SignalError::Malformed));
    assert_eq!(invite(3, MESSAGE_LIMIT + 1, 1), Err(SignalError::Malformed));
    let candidates: Vec<_> = (0..65).map(|_| serde_json::json!({"candidate": "c"})).collect();
    let many = serde_json::json!({"kind": "candidates", "call": call, "candidates": candidates});
    assert_eq!(signal::from_json(many), Err(SignalError::Malformed));
    let bad_device = serde_json::json!({"kind": "select", "call": call, "device": "a/b"});
    assert_eq!(signal::from_json(bad_device), Err(SignalError::Malformed));
    let no_device = serde_json::json!({"kind": "cancel", "call": call, "reason": "rejected_elsewhere"});
    assert_eq!(signal::from_json(no_device), Err(SignalError::Malformed));
}

#[test]
fn an_envelope_beyond_the_limit_is_neither_sent_nor_read() {
    let pair = Pair::new();
    let call = CallId::from_uuid(Uuid::from_u128(1));
    let body = Body { boot: Uuid::nil(), seq: 1, signal: Signal::Offer { call, sdp: "x".repeat(60_000) } };
    let to = (&pair.bob.0, &pair.bob.1.public());
    let sealed = Envelope::seal(&pair.app, &pair.ann.1, &pair.ann.0, to, 0, &body);
    assert_eq!(sealed.err(), Some(WireError::Oversized));
    assert_eq!(Envelope::read(&vec![b' '; ENVELOPE_LIMIT + 1]), Err(WireError::Oversized));
}

#[test]
fn debug_never_shows_the_secret() {
    let keys = DeviceKeys::generate();
    let shown = format!("{keys:?}");
    assert!(!shown.contains(&URL_SAFE_NO_PAD.encode(keys.to_bytes())));
    assert!(shown.contains(&keys.public().to_text()));
    let again = DeviceKeys::from_bytes(keys.to_bytes()).expect("keys");
    assert_eq!(again.public(), keys.public());
}
