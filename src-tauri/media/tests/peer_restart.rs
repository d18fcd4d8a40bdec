//! A new path for a call that goes on.

mod peer_support;

use std::time::Duration;

use peal_media::peer::PeerEvent;
use peer_support::{End, call};

/// Voice that may be missing while the path changes, packets of 20 ms.
const PAUSE: usize = 15;

/// Takes voice until it has flowed for 20 packets after this call; returns the packets missing by sequence number and
/// the longest pause between two.
async fn listen(end: &mut End) -> (usize, Duration) {
    for _ in 0..20 {
        let packet = end.hear().await;
        end.voice.push(packet);
    }
    let missing = end
        .voice
        .windows(2)
        .map(|pair| usize::from(pair[1].sequence.wrapping_sub(pair[0].sequence)).saturating_sub(1))
        .sum();
    let pause = end.voice.windows(2).map(|pair| pair[1].arrived - pair[0].arrived).max().unwrap_or_default();
    // The last one stays, to measure from.
    end.voice.drain(..end.voice.len() - 1);
    (missing, pause)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn voice_flows_on_through_an_ice_restart_from_either_side() {
    let (mut alice, mut bob) = call().await;
    let _talking = (alice.talk(), bob.talk());
    listen(&mut alice).await;
    listen(&mut bob).await;
    for round in 0..4 {
        {
            let (from, to) = if round % 2 == 0 { (&alice, &bob) } else { (&bob, &alice) };
            let offer = from.peer.restart_ice().await.unwrap();
            let answer = to.peer.answer(&offer).await.unwrap();
            from.peer.accept_answer(&answer).await.unwrap();
        }
        let (to_alice, to_bob) = tokio::join!(listen(&mut alice), listen(&mut bob));
        println!("round {round}: to Alice {to_alice:?} missing and pause, to Bob {to_bob:?}");
        assert!(to_alice.0 <= PAUSE && to_bob.0 <= PAUSE, "{to_alice:?} {to_bob:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_offerers_voice_goes_on_while_the_restart_waits_for_its_answer() {
    let (alice, mut bob) = call().await;
    let _talking = alice.talk();
    bob.hear().await;
    alice.peer.restart_ice().await.unwrap();
    bob.voice.clear();
    let (missing, _) = listen(&mut bob).await;
    assert_eq!(missing, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_restarts_cross_the_side_that_answers_gives_its_own_up() {
    let (mut alice, mut bob) = call().await;
    let _talking = (alice.talk(), bob.talk());
    let kept = alice.peer.restart_ice().await.unwrap();
    let _given_up = bob.peer.restart_ice().await.unwrap();
    let answer = bob.peer.answer(&kept).await.unwrap();
    alice.peer.accept_answer(&answer).await.unwrap();
    let (to_alice, to_bob) = tokio::join!(listen(&mut alice), listen(&mut bob));
    assert!(to_alice.0 <= PAUSE && to_bob.0 <= PAUSE, "{to_alice:?} {to_bob:?}");
    // The negotiation is in order: the side that gave up can restart now.
    let offer = bob.peer.restart_ice().await.unwrap();
    let answer = alice.peer.answer(&offer).await.unwrap();
    bob.peer.accept_answer(&answer).await.unwrap();
    tokio::join!(listen(&mut alice), listen(&mut bob));
    assert!(!matches!(alice.events.try_recv(), Ok(PeerEvent::Failed)));
}
