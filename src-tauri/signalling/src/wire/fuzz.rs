//! Fuzzing on stable: what is kept under `tests/corpus`, and what becomes of it when it is mutated.
//!
//! Every target runs for a number of inputs or a few seconds, whichever ends first, always with the same seed. To
//! search longer: `PEAL_FUZZ_SECONDS=600 PEAL_FUZZ_SEED=7 cargo test -p peal-signalling fuzz`. An input that breaks
//! something is printed; add it to the corpus, where it is replayed from then on.

mod mutate;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand::rngs::StdRng;

use self::mutate::mutate;
use super::*;
use crate::directory::Directory;
use crate::flood::Waiting;
use crate::inbox::Inbox;
use crate::names::address;
use crate::presence::tests::sample;
use crate::{ENVELOPE_LIMIT, Notice, PRESENCE_LIMIT, Presence, ReplayGuard};

/// Inputs of a target, unless told otherwise by `PEAL_FUZZ_SECONDS`.
const INPUTS: usize = 20_000;
const SECONDS: u64 = 4;

fn corpus(part: &str) -> Vec<(String, Vec<u8>)> {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(part);
    let mut files: Vec<_> = fs::read_dir(dir)
        .expect("a corpus")
        .map(|entry| {
            let path = entry.expect("an entry").path();
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            (name, fs::read(path).expect("a file"))
        })
        .collect();
    files.sort();
    files
}

/// Shows what was tried when a target panics.
struct Tried<'a>(&'a [u8]);

impl Drop for Tried<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the input was b\"{}\"", self.0.escape_ascii());
        }
    }
}

/// Replays a part of the corpus, then tries mutations of it.
fn fuzz(part: &str, inputs: usize, mut target: impl FnMut(&[u8])) {
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let seed = number("PEAL_FUZZ_SEED").unwrap_or(20_261_121);
    let (inputs, seconds) = number("PEAL_FUZZ_SECONDS").map_or((inputs, SECONDS), |seconds| (usize::MAX, seconds));
    let corpus: Vec<Vec<u8>> = corpus(part).into_iter().map(|(_, bytes)| bytes).collect();
    let mut rng = StdRng::seed_from_u64(seed);
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut tried = 0;
    for bytes in &corpus {
        let _tried = Tried(bytes);
        target(bytes);
    }
    while tried < inputs && Instant::now() < end {
        let bytes = mutate(&mut rng, &corpus);
        let _tried = Tried(&bytes);
        target(&bytes);
        tried += 1;
    }
    println!("{part}: {tried} inputs, seed {seed}");
}

/// The two of the corpus' envelopes.
struct Two {
    ann: (DeviceAddress, DeviceKeys),
    bob: (DeviceAddress, DeviceKeys),
}

impl Two {
    fn new() -> Self {
        let keys = |byte| DeviceKeys::from_bytes([byte; 32]).expect("keys");
        Self {
            ann: (address("ann", "desk").expect("names"), keys(0x41)),
            bob: (address("bob", "phone").expect("names"), keys(0x42)),
        }
    }

    /// Bob's inbox and what he knows: Ann's key.
    fn inbox(&self) -> (Inbox, Directory) {
        let mut directory = Directory::default();
        directory.take(Presence { address: self.ann.0.clone(), key: self.ann.1.public(), ..sample() });
        let (address, keys) = self.bob.clone();
        (Inbox::new(AppKey::default(), address, keys, ReplayGuard::default()), directory)
    }

    fn message(&self, bytes: &[u8]) -> Waiting {
        let (to, from) = (self.bob.0.user.clone(), self.ann.0.clone());
        Waiting { to, from, payload: bytes.to_vec().into(), end: None }
    }
}

#[test]
fn fuzz_signals() {
    let ann = UserId::new("ann").expect("a name");
    fuzz("signals", INPUTS, |bytes| {
        let Some(signal) = decode_signal(bytes) else { return };
        let again = encode_signal(&signal);
        assert_eq!(decode_signal(&again), Some(signal), "what is understood can be said");
        let json = serde_json::from_slice(bytes).expect("json");
        assert!(signal::from_json(json, Some(&ann)).is_ok(), "a sender only ever helps");
    });
}

#[test]
fn fuzz_bodies() {
    let ann = UserId::new("ann").expect("a name");
    fuzz("bodies", INPUTS, |bytes| match Body::read(bytes, &ann) {
        Ok(body) => assert_eq!(decode_signal(&encode_signal(&body.signal)), Some(body.signal)),
        Err(WireError::UnknownKind { kind, .. }) => assert!(kind.len() <= 64 && kind.is_ascii()),
        Err(error) => assert_eq!(error, WireError::Malformed),
    });
}

/// Whatever comes in Ann's topic, Bob hears what she sealed for him, once, or nothing.
#[test]
fn fuzz_envelopes() {
    let two = Two::new();
    // A new inbox each time the old one has heard something, or it would only ever see replays.
    let (mut inbox, mut directory) = two.inbox();
    let mut sealed = BTreeSet::new();
    for (_, bytes) in corpus("envelopes") {
        for notice in inbox.take(&mut directory, two.message(&bytes), Instant::now()) {
            if let Notice::Signal { signal, .. } = notice {
                sealed.insert(encode_signal(&signal));
            }
        }
    }
    assert_eq!(sealed.len(), 2, "two of the corpus are whole");
    let (mut now, mut heard) = (Instant::now(), 0);
    (inbox, directory) = two.inbox();
    fuzz("envelopes", INPUTS, |bytes| {
        now += Duration::from_millis(10);
        let notices = inbox.take(&mut directory, two.message(bytes), now);
        assert!(notices.len() <= 2);
        for notice in notices {
            if let Notice::Signal { from, signal, .. } = notice {
                assert_eq!(from, two.ann.0);
                assert!(sealed.contains(&encode_signal(&signal)), "{signal:?}");
                heard += 1;
                (inbox, directory) = two.inbox();
            }
        }
    });
    assert!(heard > 0, "the mutations leave some envelopes whole");
}

#[test]
fn fuzz_presences() {
    let at = address("ann", "desk").expect("names");
    fuzz("presences", INPUTS, |bytes| {
        let Some(presence) = Presence::from_wire(at.clone(), bytes) else { return };
        let wire = presence.to_wire();
        assert!(wire.len() <= PRESENCE_LIMIT);
        assert_eq!(Presence::from_wire(at.clone(), &wire), Some(presence));
    });
}

#[test]
fn fuzz_topics_and_server_addresses() {
    let app = AppKey::default();
    fuzz("texts", INPUTS, |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        match crate::topics::parse(&app, text) {
            Some(crate::topics::Topic::Signal { to, from }) => {
                assert_eq!(crate::topics::signal(&app, &to, &from), text);
            }
            Some(crate::topics::Topic::Presence(of)) => assert_eq!(crate::topics::presence(&app, &of), text),
            None => {}
        }
        if let Ok(url) = text.parse::<crate::ServerUrl>() {
            assert_eq!(url.to_string().parse(), Ok(url));
        }
    });
}

#[test]
fn the_corpus_has_every_kind_and_says_which_are_broken() {
    let ann = UserId::new("ann").expect("a name");
    let mut kinds = BTreeSet::new();
    for (name, bytes) in corpus("signals") {
        let read = serde_json::from_slice::<serde_json::Value>(&bytes)
            .map_err(|_| SignalError::Malformed)
            .and_then(|json| signal::from_json(json, Some(&ann)));
        match read {
            Ok(signal) => {
                let kind = signal::to_json(&signal)["kind"].as_str().expect("a kind").to_owned();
                assert!(name.starts_with(&kind), "{name}");
                kinds.insert(kind);
            }
            Err(SignalError::Malformed) => assert!(name.starts_with("malformed"), "{name}"),
            Err(SignalError::UnknownKind { .. }) => assert!(["unknown-kind", "invite-later-medium"].contains(&&*name)),
        }
    }
    assert_eq!(kinds.len(), 17, "{kinds:?}");
    let at = address("ann", "desk").expect("names");
    for (name, bytes) in corpus("presences") {
        assert_eq!(Presence::from_wire(at.clone(), &bytes).is_none(), name.starts_with("malformed"), "{name}");
    }
    for (name, bytes) in corpus("bodies") {
        let broken = Body::read(&bytes, &ann) == Err(WireError::Malformed);
        assert_eq!(broken, name.starts_with("malformed"), "{name}");
    }
    for (name, bytes) in corpus("envelopes") {
        assert!(bytes.len() <= ENVELOPE_LIMIT);
        assert_eq!(Envelope::read(&bytes).is_err(), name.starts_with("malformed"), "{name}");
    }
}

/// What is queued at a broker during an update is still understood after it.
#[test]
fn envelopes_that_were_sealed_by_an_earlier_build_are_opened() {
    let two = Two::new();
    let open = |name: &str| {
        let (_, bytes) = corpus("envelopes").into_iter().find(|(file, _)| file == name).expect("in the corpus");
        let from = (&two.ann.0, &two.ann.1.public());
        Envelope::read(&bytes).and_then(|it| it.open(&AppKey::default(), &two.bob.1, from, &two.bob.0))
    };
    let call = "0192f3a4-5b6c-7d8e-9f01-23456789abcd".parse().expect("an id");
    let ringing = open("ringing").expect("a signal");
    assert_eq!((ringing.seq, ringing.signal), (1, Signal::Ringing { call, generation: 0 }));
    let offer = open("offer").expect("a signal");
    assert_eq!(offer.signal, Signal::Offer { call, attempt: 2, sdp: "v=0\r\n".repeat(9) });
    let teleport = open("unknown-kind");
    assert!(matches!(teleport, Err(WireError::UnknownKind { kind, .. }) if kind == "teleport"));
}
