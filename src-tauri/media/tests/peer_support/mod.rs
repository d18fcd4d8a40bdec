//! Two ends of a call, and the wire between them, for the tests of `peal_media::peer`.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use peal_media::peer::{Bind, Candidate, Peer, PeerConfig, PeerEvent, VoiceFrame, VoicePacket};
use tokio::net::UdpSocket;
use tokio::sync::mpsc::{self, Receiver};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// No step of a test takes longer, however loaded the machine is.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// One side of a call.
pub struct End {
    pub peer: Peer,
    pub events: Receiver<PeerEvent>,
    /// What came while something else was awaited.
    pub voice: Vec<VoicePacket>,
    controllable: bool,
}

pub fn loopback() -> PeerConfig {
    PeerConfig { bind: Bind::Addresses(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)]), ..PeerConfig::default() }
}

impl End {
    pub async fn open(config: &PeerConfig) -> Self {
        let (sender, events) = mpsc::channel(1024);
        let peer = Peer::open(config, sender).await.expect("a peer opens");
        Self { peer, events, voice: Vec::new(), controllable: false }
    }

    /// Waits for an event that `wanted` accepts; voice met on the way is kept in [`End::voice`].
    pub async fn wait(&mut self, what: &str, wanted: impl Fn(&PeerEvent) -> bool) -> PeerEvent {
        timeout(PATIENCE, async {
            loop {
                let event = self.events.recv().await.unwrap_or_else(|| panic!("events end before {what}"));
                self.controllable |= event == PeerEvent::ControlOpen;
                if wanted(&event) {
                    return event;
                }
                if let PeerEvent::Voice(packet) = event {
                    self.voice.push(packet);
                }
            }
        })
        .await
        .unwrap_or_else(|_| panic!("no {what} in {PATIENCE:?}"))
    }

    pub async fn connected(&mut self) {
        self.wait("connection", |event| *event == PeerEvent::Connected).await;
    }

    /// Waits until control messages can be sent, which may be before voice can.
    pub async fn control_open(&mut self) {
        if !self.controllable {
            self.wait("control", |event| *event == PeerEvent::ControlOpen).await;
        }
    }

    pub async fn hear(&mut self) -> VoicePacket {
        match self.wait("voice", |event| matches!(event, PeerEvent::Voice(_))).await {
            PeerEvent::Voice(packet) => packet,
            other => unreachable!("{other:?}"),
        }
    }

    /// Talks every 20 ms until the guard is dropped.
    pub fn talk(&self) -> Talk {
        let peer = self.peer.clone();
        let sent = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&sent);
        let task = tokio::spawn(async move {
            let mut clock = tokio::time::interval(Duration::from_millis(20));
            let mut number = 0_u32;
            loop {
                clock.tick().await;
                if peer.send_voice(frame(number)).is_ok() {
                    count.fetch_add(1, Ordering::Relaxed);
                }
                number += 1;
            }
        });
        Talk { task, sent }
    }
}

pub struct Talk {
    task: JoinHandle<()>,
    pub sent: Arc<AtomicU64>,
}

impl Drop for Talk {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Opus silence with the frame's number behind it, which no decoder here looks at.
pub fn frame(number: u32) -> VoiceFrame {
    let mut payload = vec![0xf8, 0xff, 0xfe];
    payload.extend_from_slice(&number.to_be_bytes());
    VoiceFrame { payload: Bytes::from(payload), timestamp: number * 960, marker: number == 0, level_dbov: 23 }
}

/// Connects two ends over loopback, without a wire.
pub async fn call() -> (End, End) {
    let (mut alice, mut bob) = (End::open(&loopback()).await, End::open(&loopback()).await);
    let offer = alice.peer.offer().await.expect("an offer");
    let answer = bob.peer.answer(&offer).await.expect("an answer");
    alice.peer.accept_answer(&answer).await.expect("the answer is taken");
    tokio::join!(alice.connected(), bob.connected());
    (alice, bob)
}

/// The candidates of a description, and the description without them.
pub fn taken_apart(sdp: &str) -> (String, Vec<Candidate>) {
    let candidates = sdp
        .lines()
        .filter_map(|line| line.strip_prefix("a="))
        .filter(|line| line.starts_with("candidate:"))
        .map(|line| Candidate { candidate: line.to_owned(), mid: None, line: Some(0) })
        .collect();
    let rest = sdp.split_inclusive('\n').filter(|line| !line.starts_with("a=candidate:")).collect();
    (rest, candidates)
}

/// A wire between two ends that can be cut and mended. Each end knows the other by the wire's address alone.
pub struct Wire {
    /// Where the first end finds the second.
    to_second: SocketAddr,
    /// Where the second end finds the first.
    to_first: SocketAddr,
    cut: Arc<AtomicBool>,
    /// Every how manieth packet of the first end is lost; 0: none.
    loses: Arc<AtomicU64>,
    tasks: Vec<JoinHandle<()>>,
}

impl Wire {
    pub async fn lay() -> Self {
        let near = Arc::new(UdpSocket::bind("127.0.0.1:0").await.expect("a socket"));
        let far = Arc::new(UdpSocket::bind("127.0.0.1:0").await.expect("a socket"));
        let (cut, loses) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let none = Arc::default();
        let (near_end, far_end) = (Arc::new(std::sync::Mutex::new(None)), Arc::new(std::sync::Mutex::new(None)));
        let tasks = vec![
            tokio::spawn(carry(
                [near.clone(), far.clone()],
                [near_end.clone(), far_end.clone()],
                cut.clone(),
                loses.clone(),
            )),
            tokio::spawn(carry([far.clone(), near.clone()], [far_end, near_end], cut.clone(), none)),
        ];
        let to_second = near.local_addr().expect("an address");
        let to_first = far.local_addr().expect("an address");
        Self { to_second, to_first, cut, loses, tasks }
    }

    /// The first end's description as the second must see it.
    pub fn of_first(&self, sdp: &str) -> String {
        rewritten(sdp, self.to_first)
    }

    /// The second end's description as the first must see it.
    pub fn of_second(&self, sdp: &str) -> String {
        rewritten(sdp, self.to_second)
    }

    /// Loses every so manieth packet of the first end from now on; 0: none.
    pub fn lose_every(&self, count: u64) {
        self.loses.store(count, Ordering::SeqCst);
    }

    pub fn cut(&self, cut: bool) {
        self.cut.store(cut, Ordering::SeqCst);
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

type Known = Arc<std::sync::Mutex<Option<SocketAddr>>>;

async fn carry(
    [from, to]: [Arc<UdpSocket>; 2],
    [source, target]: [Known; 2],
    cut: Arc<AtomicBool>,
    loses: Arc<AtomicU64>,
) {
    let mut buffer = vec![0; 2048];
    let mut carried = 0_u64;
    loop {
        let Ok((length, address)) = from.recv_from(&mut buffer).await else { continue };
        *source.lock().expect("no panic under the lock") = Some(address);
        let target = *target.lock().expect("no panic under the lock");
        carried += 1;
        let lost = carried.checked_rem(loses.load(Ordering::SeqCst)) == Some(0);
        if let Some(target) = target.filter(|_| !lost && !cut.load(Ordering::SeqCst)) {
            let _ = to.send_to(&buffer[..length], target).await;
        }
    }
}

fn rewritten(sdp: &str, address: SocketAddr) -> String {
    let (rest, candidates) = taken_apart(sdp);
    assert!(!candidates.is_empty(), "a description carries candidates:\n{sdp}");
    let line = format!("a=candidate:1 1 udp 2130706431 {} {} typ host\r\n", address.ip(), address.port());
    let mut out = String::new();
    let mut placed = false;
    for part in rest.split_inclusive("\r\n") {
        out.push_str(part);
        if !placed && part.starts_with("a=mid:") {
            out.push_str(&line);
            placed = true;
        }
    }
    out
}

/// Connects two ends over a wire.
pub async fn wired_call(config: &PeerConfig) -> (End, End, Wire) {
    let wire = Wire::lay().await;
    let (mut alice, mut bob) = (End::open(config).await, End::open(config).await);
    let offer = alice.peer.offer().await.expect("an offer");
    let answer = bob.peer.answer(&wire.of_first(&offer)).await.expect("an answer");
    alice.peer.accept_answer(&wire.of_second(&answer)).await.expect("the answer is taken");
    tokio::join!(alice.connected(), bob.connected());
    (alice, bob, wire)
}
