//! How long a call takes from making the offer to the first voice packet in both directions, over loopback.
//!
//! `cargo run --release -p peal-media --example connect_stall -- [calls] [client|server] [trickle|late]`
//!
//! `client` and `server` say what the answerer is in the DTLS handshake; `trickle` takes the candidates out of the
//! descriptions and sends them one message later, as a peer that does not wait for them would; `late` lets the
//! answerer's come when its checks have arrived already, so that the offerer knows it as peer-reflexive first.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use peal_media::peer::{Bind, Candidate, DtlsAnswer, Peer, PeerConfig, PeerError, PeerEvent, VoiceFrame};
use tokio::sync::mpsc::{self, Receiver};

/// Longer than this from offer to voice both ways counts as a stall.
const STALL: Duration = Duration::from_millis(500);

/// A call that takes this long is not waited for any longer; it counts with this time.
const GIVEN_UP: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_env_filter(tracing_subscriber::EnvFilter::from_default_env()).init();
    let mut arguments = std::env::args().skip(1);
    let calls: usize = arguments.next().map_or(Ok(200), |count| count.parse())?;
    let dtls_answer = match arguments.next().as_deref() {
        Some("server") => DtlsAnswer::Server,
        _ => DtlsAnswer::Client,
    };
    let candidates = match arguments.next().as_deref() {
        Some("trickle") => Candidates::Trickled,
        Some("late") => Candidates::Late,
        _ => Candidates::Inside,
    };
    let mut times = Vec::with_capacity(calls);
    for number in 0..calls {
        let took = call(dtls_answer, candidates).await?;
        if took > STALL {
            println!("call {number}: {} ms", took.as_millis());
        }
        times.push(took);
    }
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1000.0;
    let stalls = times.iter().filter(|&&took| took > STALL).count();
    println!(
        "{calls} calls, answerer is DTLS {dtls_answer:?}, candidates {candidates:?}: median {:.1} ms, p95 {:.1} ms, max {:.1} ms, over {} ms: {stalls}",
        at(0.5),
        at(0.95),
        at(1.0),
        STALL.as_millis(),
    );
    Ok(())
}

/// When the other side learns of candidates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Candidates {
    Inside,
    Trickled,
    Late,
}

async fn call(dtls_answer: DtlsAnswer, candidates: Candidates) -> Result<Duration, PeerError> {
    let config = PeerConfig {
        bind: Bind::Addresses(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)]),
        dtls_answer,
        ..PeerConfig::default()
    };
    let (alice_events, mut alice_receiver) = mpsc::channel(256);
    let (bob_events, mut bob_receiver) = mpsc::channel(256);
    let alice = Peer::open(&config, alice_events).await?;
    let bob = Peer::open(&config, bob_events).await?;
    let start = Instant::now();
    let (offer, from_alice) = taken_apart(alice.offer().await?, candidates);
    let (answer, from_bob) = taken_apart(bob.answer(&offer).await?, candidates);
    alice.accept_answer(&answer).await?;
    bob.add_candidates(&from_alice, true).await?;
    if candidates == Candidates::Late {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    alice.add_candidates(&from_bob, true).await?;
    let heard = AtomicUsize::new(0);
    let both = async {
        tokio::join!(talk(&alice, &mut alice_receiver, &heard), talk(&bob, &mut bob_receiver, &heard));
    };
    if tokio::time::timeout(GIVEN_UP, both).await.is_err() {
        println!("given up after {GIVEN_UP:?}: {:?} / {:?}", alice.stats().await, bob.stats().await);
    }
    let took = start.elapsed();
    alice.close().await;
    bob.close().await;
    Ok(took)
}

/// Sends from `Connected` on, until both sides have heard each other.
async fn talk(peer: &Peer, events: &mut Receiver<PeerEvent>, heard: &AtomicUsize) {
    let mut clock = tokio::time::interval(Duration::from_millis(5));
    let mut timestamp = 0;
    let (mut connected, mut first) = (false, true);
    while heard.load(Ordering::Relaxed) < 2 {
        tokio::select! {
            event = events.recv() => match event {
                Some(PeerEvent::Connected) => connected = true,
                Some(PeerEvent::Voice(_)) if first => {
                    first = false;
                    heard.fetch_add(1, Ordering::Relaxed);
                }
                Some(_) => {}
                None => return,
            },
            _ = clock.tick(), if connected => {
                timestamp += 240;
                let payload = Bytes::from_static(&[0xf8, 0xff, 0xfe]);
                let _ = peer.send_voice(VoiceFrame { payload, timestamp, marker: false, level_dbov: 127 });
            }
            // The other side may have been the second to hear.
            () = tokio::time::sleep(Duration::from_millis(5)), if !first => {}
        }
    }
}

fn taken_apart(sdp: String, candidates: Candidates) -> (String, Vec<Candidate>) {
    if candidates == Candidates::Inside {
        return (sdp, Vec::new());
    }
    let taken = sdp
        .lines()
        .filter_map(|line| line.strip_prefix("a=candidate:"))
        .map(|line| Candidate { candidate: format!("candidate:{line}"), mid: None, line: Some(0) })
        .collect();
    let rest = sdp.split_inclusive('\n').filter(|line| !line.starts_with("a=candidate:")).collect();
    (rest, taken)
}
