//! What becomes of picture and voice on a path: rate, loss and delay, also while they change.
//!
//! `cargo run -p peal-media --example video_path -- --rate 2500,400@15,2500@30 --delay 30 --loss 2 --seconds 45`
//!
//! Two peers in this process, with a path between them that this process throttles. One line a second, then the sums:
//! pictures' delay from the hand-over to the encoder until they are decoded, gaps, and the voice's delay and loss.
//! With `--no-video` the voice is alone, to compare.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use peal_media::peer::{Bind, Peer, PeerConfig, PeerEvent, VoiceFrame};
use peal_media::video::{VideoEncoder, VideoQuality};
use tokio::sync::mpsc;

#[allow(dead_code, reason = "the tests use the rest")]
#[path = "../tests/video_support/link.rs"]
mod link;
#[path = "../tests/video_support/mod.rs"]
mod video_support;

use link::{Link, Quality};
use video_support::{Player, code, now_ms};

struct Wish {
    rates: Vec<(f64, f64)>,
    path: Quality,
    seconds: u64,
    size: (u32, u32),
    max_kbps: u32,
    video: bool,
    seed: u64,
    quiet: bool,
}

fn wish() -> Wish {
    let mut wish = Wish {
        rates: vec![(0.0, 0.0)],
        path: Quality::default(),
        seconds: 20,
        size: (640, 360),
        max_kbps: 900,
        video: true,
        seed: 1,
        quiet: false,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        if name == "--no-video" {
            wish.video = false;
            continue;
        }
        if name == "--quiet" {
            wish.quiet = true;
            continue;
        }
        let value = arguments.next().unwrap_or_default();
        let number = || value.parse::<f64>().unwrap_or_else(|_| panic!("{name} wants a number"));
        match name.as_str() {
            "--rate" => {
                wish.rates = value
                    .split(',')
                    .map(|part| {
                        let (rate, at) = part.split_once('@').unwrap_or((part, "0"));
                        (at.parse().expect("seconds"), rate.parse().expect("kbit/s"))
                    })
                    .collect();
            }
            "--delay" => wish.path.delay = Duration::from_secs_f64(number() / 1000.0),
            "--jitter" => wish.path.jitter = Duration::from_secs_f64(number() / 1000.0),
            "--queue" => wish.path.queue = Duration::from_secs_f64(number() / 1000.0),
            "--loss" => wish.path.loss = number() / 100.0,
            "--burst" => wish.path.burst = number(),
            "--seconds" => wish.seconds = number() as u64,
            "--max" => wish.max_kbps = number() as u32,
            "--seed" => wish.seed = number() as u64,
            "--size" => {
                let (width, height) = value.split_once('x').expect("WIDTHxHEIGHT");
                wish.size = (width.parse().expect("pixels"), height.parse().expect("pixels"));
            }
            other => panic!("no such option: {other}"),
        }
    }
    wish
}

#[derive(Default)]
struct Heard {
    delays: Mutex<Vec<f64>>,
    sent: AtomicU64,
}

#[tokio::main]
async fn main() {
    if std::env::var_os("RUST_LOG").is_some() {
        tracing_subscriber::fmt().with_env_filter(tracing_subscriber::EnvFilter::from_default_env()).init();
    }
    let wish = wish();
    let link = Link::lay(Quality { rate_kbps: wish.rates[0].1, ..wish.path }, wish.seed).await;
    let config = PeerConfig { bind: Bind::Addresses(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)]), ..PeerConfig::default() };
    let (sender, mut hers) = mpsc::channel(4096);
    let alice = Peer::open(&config, sender).await.expect("a peer");
    let (sender, his) = mpsc::channel(4096);
    let bob = Peer::open(&config, sender).await.expect("a peer");
    let offer = alice.offer().await.expect("an offer");
    let answer = bob.answer(&link.of_first(&offer)).await.expect("an answer");
    alice.accept_answer(&link.of_second(&answer)).await.expect("the answer is taken");
    while hers.recv().await.expect("events") != PeerEvent::Connected {}
    tokio::spawn(async move { while hers.recv().await.is_some() {} });
    let heard = Arc::new(Heard::default());
    tokio::spawn(listen(his, Arc::clone(&heard)));
    tokio::spawn(talk(alice.clone(), Arc::clone(&heard)));

    let (width, height) = wish.size;
    let player = Player::start(width, height, 30);
    let quality =
        VideoQuality { width, height, frame_rate: 30, min_kbps: wish.max_kbps * 2 / 3, max_kbps: wish.max_kbps };
    let encoder = Arc::new(VideoEncoder::new(quality));
    encoder.set_input(Some(player.pictures.clone()));
    let seen: Arc<Mutex<Vec<(Instant, f64)>>> = Arc::default();
    let began = Instant::now();
    if wish.video {
        alice.send_video(Some(&encoder));
        bob.want_video(Some(wish.size));
        tokio::spawn(watch(bob.clone(), Arc::clone(&seen)));
    }
    let mut changes = wish.rates.iter().skip(1).peekable();
    for second in 1..=wish.seconds {
        tokio::time::sleep_until((began + Duration::from_secs(second)).into()).await;
        if let Some(&&(_, rate)) = changes.peek().filter(|(at, _)| *at <= second as f64) {
            link.set(Quality { rate_kbps: rate, ..wish.path });
            changes.next();
        }
        if !wish.quiet {
            line(second, &alice, &bob, &seen, &heard).await;
        }
    }
    sums(&alice, &bob, &seen, &heard, began).await;
}

async fn line(second: u64, alice: &Peer, bob: &Peer, seen: &Mutex<Vec<(Instant, f64)>>, heard: &Heard) {
    let (sent, got) = (alice.stats().await.video, bob.stats().await.video);
    let recent: Vec<f64> = seen
        .lock()
        .expect("no panic")
        .iter()
        .filter(|(at, _)| at.elapsed() < Duration::from_secs(1))
        .map(|&(_, delay)| delay)
        .collect();
    let voice: Vec<f64> = heard.delays.lock().expect("no panic").iter().rev().take(50).copied().collect();
    println!(
        "{second:3} s  estimate {:5.0}  sent {:5.0}  got {:5.0} kbit/s  {}x{}  {:2} fps  picture {:4.0}/{:4.0} ms  voice {:4.0}/{:4.0} ms  lost {} again {} keys {}",
        sent.estimate_kbps,
        sent.sent_kbps,
        got.received_kbps,
        got.received_width,
        got.received_height,
        recent.len(),
        share(&recent, 0.5),
        share(&recent, 0.95),
        share(&voice, 0.5),
        share(&voice, 0.95),
        got.packets_lost,
        sent.retransmitted,
        got.key_frames_asked,
    );
}

async fn sums(alice: &Peer, bob: &Peer, seen: &Mutex<Vec<(Instant, f64)>>, heard: &Heard, began: Instant) {
    let (sent, got) = (alice.stats().await, bob.stats().await);
    let seen = seen.lock().expect("no panic").clone();
    let delays: Vec<f64> = seen.iter().map(|&(_, delay)| delay).collect();
    let gaps: Vec<f64> = seen.windows(2).map(|pair| (pair[1].0 - pair[0].0).as_secs_f64() * 1000.0).collect();
    let voice = heard.delays.lock().expect("no panic").clone();
    let talked = heard.sent.load(Ordering::Relaxed);
    println!(
        "picture: first after {:.0} ms, {} shown ({:.1} a second), delay {:.0} / {:.0} / {:.0} ms (median, 95 %, 99 %), longest gap {:.0} ms, gaps of 500 ms {}",
        seen.first().map_or(f64::NAN, |(at, _)| (*at - began).as_secs_f64() * 1000.0),
        seen.len(),
        seen.len() as f64 / began.elapsed().as_secs_f64(),
        share(&delays, 0.5),
        share(&delays, 0.95),
        share(&delays, 0.99),
        gaps.iter().copied().fold(0.0, f64::max),
        gaps.iter().filter(|&&gap| gap >= 500.0).count(),
    );
    println!(
        "voice: {talked} sent, {:.1} % lost, delay {:.1} / {:.1} / {:.1} ms (median, 95 %, 99 %), jitter {:.1} ms",
        100.0 - voice.len() as f64 * 100.0 / talked.max(1) as f64,
        share(&voice, 0.5),
        share(&voice, 0.95),
        share(&voice, 0.99),
        got.jitter_ms,
    );
    println!(
        "wire: {} packets, {} again, {} given up, {} key frames asked, rtt {:.0} ms",
        sent.video.packets_sent,
        sent.video.retransmitted,
        got.video.packets_lost,
        got.video.key_frames_asked,
        sent.rtt_ms.unwrap_or(f64::NAN),
    );
}

async fn talk(peer: Peer, heard: Arc<Heard>) {
    let start = Instant::now();
    let mut clock = tokio::time::interval(Duration::from_millis(20));
    for number in 0_u32.. {
        clock.tick().await;
        // As large as 20 ms of Opus at 32 kbit/s, with the time inside.
        let mut payload = vec![0xf8; 80];
        payload[1..9].copy_from_slice(&micros().to_be_bytes());
        let frame = VoiceFrame {
            payload: Bytes::from(payload),
            timestamp: number.wrapping_mul(960),
            marker: number == 0,
            level_dbov: 20,
        };
        if peer.send_voice(frame).is_ok() && start.elapsed() > Duration::from_millis(500) {
            heard.sent.fetch_add(1, Ordering::Relaxed);
        }
    }
}

async fn listen(mut events: mpsc::Receiver<PeerEvent>, heard: Arc<Heard>) {
    let start = Instant::now();
    while let Some(event) = events.recv().await {
        let PeerEvent::Voice(packet) = event else { continue };
        let Some(stamp) = packet.payload.get(1..9).and_then(|bytes| <[u8; 8]>::try_from(bytes).ok()) else { continue };
        let delay = micros().saturating_sub(u64::from_be_bytes(stamp)) as f64 / 1000.0;
        if start.elapsed() > Duration::from_millis(500) {
            heard.delays.lock().expect("no panic").push(delay);
        }
    }
}

async fn watch(peer: Peer, seen: Arc<Mutex<Vec<(Instant, f64)>>>) {
    let mut pictures = peer.pictures();
    while pictures.changed().await.is_ok() {
        let picture = pictures.borrow_and_update().clone();
        if let Some(picture) = picture {
            let delay = (now_ms() & 0xffff_ffff).wrapping_sub(code(&picture)) as f64;
            seen.lock().expect("no panic").push((Instant::now(), delay));
        }
    }
}

fn micros() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64)
}

fn share(values: &[f64], part: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(((sorted.len() as f64 * part) as usize).min(sorted.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
}
