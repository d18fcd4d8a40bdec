//! Paths that break, peers that go, and what is left behind.

mod peer_support;

use std::net::{Ipv4Addr, UdpSocket};
use std::time::{Duration, Instant};

use peal_media::peer::{PeerConfig, PeerEvent};
use peer_support::{End, PATIENCE, call, loopback, taken_apart, wired_call};
use tokio::time::timeout;

fn impatient() -> PeerConfig {
    PeerConfig {
        disconnected_after: Duration::from_millis(600),
        failed_after: Duration::from_millis(2500),
        ..loopback()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_other_side_misses_of_a_voice_is_told() {
    let (alice, mut bob, wire) = wired_call(&loopback()).await;
    let _talking = alice.talk();
    wire.lose_every(5);
    let told = timeout(PATIENCE, async {
        loop {
            let _ = bob.hear().await;
            let lost = alice.peer.stats().await.remote_fraction_lost;
            if lost.is_some_and(|lost| lost > 0.0) {
                return lost;
            }
        }
    });
    let lost = told.await.expect("it is told").unwrap();
    assert!((0.1..0.3).contains(&lost), "{lost}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_vanishes_is_disconnected_and_then_failed_in_time() {
    let (mut alice, _bob, wire) = wired_call(&impatient()).await;
    wire.cut(true);
    let start = Instant::now();
    alice.wait("disconnection", |event| *event == PeerEvent::Disconnected).await;
    let disconnected = start.elapsed();
    alice.wait("failure", |event| *event == PeerEvent::Failed).await;
    let failed = start.elapsed();
    assert!((300..3000).contains(&disconnected.as_millis()), "disconnected after {disconnected:?}");
    assert!((2000..6000).contains(&failed.as_millis()), "failed after {failed:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_path_that_comes_back_in_time_goes_on_by_itself() {
    let config = PeerConfig { disconnected_after: Duration::from_millis(600), ..loopback() };
    let (mut alice, bob, wire) = wired_call(&config).await;
    let _talking = bob.talk();
    alice.hear().await;
    wire.cut(true);
    alice.wait("disconnection", |event| *event == PeerEvent::Disconnected).await;
    wire.cut(false);
    alice.connected().await;
    alice.hear().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_brings_a_failed_call_back() {
    let (mut alice, mut bob, wire) = wired_call(&impatient()).await;
    let _talking = bob.talk();
    wire.cut(true);
    alice.wait("failure", |event| *event == PeerEvent::Failed).await;
    bob.wait("failure", |event| *event == PeerEvent::Failed).await;
    wire.cut(false);
    let offer = alice.peer.restart_ice().await.unwrap();
    let answer = bob.peer.answer(&offer).await.unwrap();
    alice.peer.accept_answer(&answer).await.unwrap();
    // After a failure no candidate is left for the offer to name: they all come as events.
    let found = alice
        .wait("candidates", |event| matches!(event, PeerEvent::Candidates { candidates, .. } if !candidates.is_empty()))
        .await;
    let PeerEvent::Candidates { candidates, .. } = found else { unreachable!() };
    bob.peer.add_candidates(&candidates, true).await.unwrap();
    tokio::join!(alice.connected(), bob.connected());
    alice.voice.clear();
    alice.hear().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_tells_the_peer_at_once() {
    let (alice, mut bob) = call().await;
    bob.control_open().await;
    let start = Instant::now();
    alice.peer.close().await;
    bob.wait("the end", |event| *event == PeerEvent::Closed).await;
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_frees_the_port_and_ends_the_events() {
    let mut alice = End::open(&loopback()).await;
    let port = port_of(&alice).await;
    assert!(UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_err(), "the port is in use during the call");
    alice.peer.close().await;
    alice.peer.close().await;
    UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).expect("the port is free after closing");
    alice.wait("the end", |event| *event == PeerEvent::Closed).await;
    drop(alice.peer);
    let rest = timeout(PATIENCE, async { while alice.events.recv().await.is_some() {} }).await;
    assert!(rest.is_ok(), "no task holds the events any more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropping_the_last_handle_closes_in_the_background() {
    let mut alice = End::open(&loopback()).await;
    let port = port_of(&alice).await;
    drop(alice.peer);
    timeout(PATIENCE, async { while alice.events.recv().await.is_some() {} }).await.expect("the tasks end");
    timeout(PATIENCE, async {
        while UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .expect("the port is freed");
}

#[tokio::test]
async fn many_calls_leave_no_task_behind() {
    let metrics = tokio::runtime::Handle::current().metrics();
    let before = metrics.num_alive_tasks();
    for _ in 0..10 {
        let (alice, bob) = call().await;
        alice.peer.close().await;
        bob.peer.close().await;
    }
    timeout(PATIENCE, async {
        while metrics.num_alive_tasks() > before {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .unwrap_or_else(|_| panic!("{} tasks more than before", metrics.num_alive_tasks() - before));
}

async fn port_of(end: &End) -> u16 {
    let (_, candidates) = taken_apart(&end.peer.offer().await.expect("an offer"));
    let fields: Vec<&str> = candidates[0].candidate.split(' ').collect();
    fields[5].parse().expect("a port")
}
