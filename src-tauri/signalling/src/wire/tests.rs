use proptest::prelude::*;
use rand::{Rng, SeedableRng};

use super::signal::strategies::any_signal;
use super::*;
use crate::names::address;

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
    Signal::Ringing { call: CallId::from_uuid(Uuid::from_u128(1)), generation: 0 }
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
    let offer = Signal::Offer { call: CallId::from_uuid(Uuid::from_u128(1)), attempt: 0, sdp: "v=0\r\n".repeat(40) };
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
fn unknown_fields_are_ignored_and_other_versions_are_named() {
    let pair = Pair::new();
    let mut json: serde_json::Value = serde_json::from_slice(&pair.seal(small())).expect("json");
    json["later"] = serde_json::json!({"x": 1});
    assert!(pair.open(json.to_string().as_bytes()).is_some());
    json["v"] = 9.into();
    assert_eq!(Envelope::read(json.to_string().as_bytes()), Err(WireError::Version(9)));
}

#[test]
fn an_envelope_beyond_the_limit_is_neither_sent_nor_read() {
    let pair = Pair::new();
    let call = CallId::from_uuid(Uuid::from_u128(1));
    let body = Body { boot: Uuid::nil(), seq: 1, signal: Signal::Offer { call, attempt: 0, sdp: "x".repeat(60_000) } };
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
