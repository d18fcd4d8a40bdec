//! What comes through the signalling is not trusted.

mod peer_support;

use peal_media::peer::{Candidate, DescriptionError, MAX_EARLY_CANDIDATES, PeerError};
use peer_support::{End, call, loopback, taken_apart};

fn candidate(line: &str) -> Candidate {
    Candidate { candidate: line.to_owned(), mid: Some(String::from("0")), line: Some(0) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn candidates_that_come_before_the_description_are_kept() {
    let (mut alice, mut bob) = (End::open(&loopback()).await, End::open(&loopback()).await);
    let (offer, of_alice) = taken_apart(&alice.peer.offer().await.unwrap());
    assert!(!of_alice.is_empty());
    bob.peer.add_candidates(&of_alice, true).await.unwrap();
    let (answer, of_bob) = taken_apart(&bob.peer.answer(&offer).await.unwrap());
    alice.peer.add_candidates(&of_bob, true).await.unwrap();
    alice.peer.accept_answer(&answer).await.unwrap();
    tokio::join!(alice.connected(), bob.connected());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_name_in_place_of_an_address_does_not_prevent_the_call() {
    let (mut alice, mut bob) = (End::open(&loopback()).await, End::open(&loopback()).await);
    let (offer, of_alice) = taken_apart(&alice.peer.offer().await.unwrap());
    let hidden: Vec<_> = of_alice
        .iter()
        .map(|known| candidate(&known.candidate.replace("127.0.0.1", "9b36eaac-bb2e-49bb-bb78-21c41c499900.local")))
        .collect();
    let answer = bob.peer.answer(&offer).await.unwrap();
    bob.peer.add_candidates(&hidden, true).await.unwrap();
    alice.peer.accept_answer(&answer).await.unwrap();
    tokio::join!(alice.connected(), bob.connected());
}

#[tokio::test]
async fn no_more_than_thirty_early_candidates_are_kept() {
    let bob = End::open(&loopback()).await;
    let many: Vec<_> = (0..=MAX_EARLY_CANDIDATES)
        .map(|number| candidate(&format!("candidate:1 1 udp 2130706431 192.0.2.1 {} typ host", 5000 + number)))
        .collect();
    bob.peer.add_candidates(&many[..MAX_EARLY_CANDIDATES], false).await.unwrap();
    let outcome = bob.peer.add_candidates(&many[MAX_EARLY_CANDIDATES..], true).await;
    assert!(matches!(outcome, Err(PeerError::TooManyCandidates)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_candidate_is_an_error_and_the_call_goes_on() {
    let (mut alice, bob) = call().await;
    for line in ["candidate:nonsense", "candidate:1 1 udp 1 300.1.1.1 5000 typ host", "\0"] {
        let outcome = alice.peer.add_candidates(&[candidate(line)], false).await;
        assert!(matches!(outcome, Err(PeerError::Candidate)), "{line}: {outcome:?}");
    }
    let flood: Vec<_> = (0..200)
        .map(|number| candidate(&format!("candidate:1 1 udp 2130706431 127.0.0.1 {} typ host", 2000 + number)))
        .collect();
    assert!(matches!(alice.peer.add_candidates(&flood, false).await, Err(PeerError::TooManyCandidates)));
    let _talking = bob.talk();
    for _ in 0..10 {
        alice.hear().await;
    }
}

#[tokio::test]
async fn unusable_offers_are_refused_by_their_reason() {
    let (alice, bob) = (End::open(&loopback()).await, End::open(&loopback()).await);
    let offer = alice.peer.offer().await.unwrap();
    let fingerprint = offer.lines().find(|line| line.starts_with("a=fingerprint")).unwrap().to_owned();
    let cases = [
        (String::new(), DescriptionError::Malformed),
        (String::from("v=0\r\nwhat?"), DescriptionError::Malformed),
        ("a=filler\r\n".repeat(7000), DescriptionError::TooLarge),
        (offer.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP"), DescriptionError::NotEncrypted),
        (offer.replace(&fingerprint, "a=filler"), DescriptionError::NoFingerprint),
        (offer.replace("ice-pwd", "ice-pw"), DescriptionError::NoIceCredentials),
        (offer.replace("opus/48000/2", "G722/8000"), DescriptionError::NoVoice),
    ];
    for (sdp, reason) in cases {
        match bob.peer.answer(&sdp).await {
            Err(PeerError::Description(found)) => assert_eq!(found, reason),
            other => panic!("{reason}: {other:?}"),
        }
    }
    // Bob is unharmed.
    bob.peer.answer(&offer).await.unwrap();
}

#[tokio::test]
async fn fuzzed_offers_are_errors_and_never_panics() {
    let alice = End::open(&loopback()).await;
    let offer = alice.peer.offer().await.unwrap();
    let lines: Vec<&str> = offer.lines().collect();
    for skipped in 0..lines.len() {
        let bob = End::open(&loopback()).await;
        let without: Vec<&str> =
            lines.iter().enumerate().filter(|(at, _)| *at != skipped).map(|(_, line)| *line).collect();
        let _ = bob.peer.answer(&(without.join("\r\n") + "\r\n")).await;
        let mut halved = lines.clone();
        halved[skipped] = &halved[skipped][..halved[skipped].len() / 2];
        let _ = bob.peer.answer(&(halved.join("\r\n") + "\r\n")).await;
        bob.peer.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_offer_in_a_call_is_refused_and_the_call_goes_on() {
    let (mut alice, bob) = call().await;
    let stranger = End::open(&loopback()).await;
    assert!(matches!(alice.peer.answer("v=0\r\n").await, Err(PeerError::Description(_))));
    let foreign = stranger.peer.offer().await.unwrap().replace("a=group:BUNDLE", "a=other");
    let _ = alice.peer.accept_answer(&foreign).await.unwrap_err();
    let _talking = bob.talk();
    for _ in 0..10 {
        alice.hear().await;
    }
}

#[tokio::test]
async fn an_answer_that_nobody_awaits_is_refused() {
    let (alice, bob) = (End::open(&loopback()).await, End::open(&loopback()).await);
    let offer = alice.peer.offer().await.unwrap();
    let answer = bob.peer.answer(&offer).await.unwrap();
    let carol = End::open(&loopback()).await;
    assert!(matches!(carol.peer.accept_answer(&answer).await, Err(PeerError::WrongState)));
    assert!(matches!(carol.peer.restart_ice().await, Err(PeerError::WrongState)));
}
