//! A path between two ends that loses, delays and throttles, and may change while it is used.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;
use tokio::time::sleep_until;

/// Headers below UDP that a throttled path carries too, bytes.
const HEADERS: usize = 28 + 14;

/// What a path is like, in each direction.
#[derive(Debug, Clone, Copy)]
pub struct Quality {
    /// kbit/s; 0: unlimited.
    pub rate_kbps: f64,
    /// One way.
    pub delay: Duration,
    /// Added at random, without overtaking.
    pub jitter: Duration,
    /// Share of packets lost, 0 to 1.
    pub loss: f64,
    /// Mean length of a burst of losses, packets.
    pub burst: f64,
    /// The longest wait before the throttle; what would wait longer is lost.
    pub queue: Duration,
}

impl Default for Quality {
    fn default() -> Self {
        Self {
            rate_kbps: 0.0,
            delay: Duration::from_millis(20),
            jitter: Duration::ZERO,
            loss: 0.0,
            burst: 1.0,
            queue: Duration::from_millis(200),
        }
    }
}

/// A path. Each end knows the other by the path's address alone.
pub struct Link {
    to_second: SocketAddr,
    to_first: SocketAddr,
    quality: Arc<Mutex<Quality>>,
    tasks: Vec<JoinHandle<()>>,
}

type Known = Arc<Mutex<Option<SocketAddr>>>;

impl Link {
    pub async fn lay(quality: Quality, seed: u64) -> Self {
        let near = Arc::new(UdpSocket::bind("127.0.0.1:0").await.expect("a socket"));
        let far = Arc::new(UdpSocket::bind("127.0.0.1:0").await.expect("a socket"));
        let quality = Arc::new(Mutex::new(quality));
        let (near_end, far_end) = (Known::default(), Known::default());
        let to_second = near.local_addr().expect("an address");
        let to_first = far.local_addr().expect("an address");
        let tasks = vec![
            tokio::spawn(carry(near.clone(), near_end.clone(), far.clone(), far_end.clone(), quality.clone(), seed)),
            tokio::spawn(carry(far, far_end, near, near_end, quality.clone(), seed + 1)),
        ];
        Self { to_second, to_first, quality, tasks }
    }

    /// The path is like this from here on.
    pub fn set(&self, quality: Quality) {
        *self.quality.lock().expect("no panic under the lock") = quality;
    }

    /// The first end's description as the second must see it.
    pub fn of_first(&self, sdp: &str) -> String {
        rewritten(sdp, self.to_first)
    }

    /// The second end's description as the first must see it.
    pub fn of_second(&self, sdp: &str) -> String {
        rewritten(sdp, self.to_second)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

async fn carry(
    from: Arc<UdpSocket>,
    source: Known,
    to: Arc<UdpSocket>,
    target: Known,
    quality: Arc<Mutex<Quality>>,
    seed: u64,
) {
    let mut random = StdRng::seed_from_u64(seed);
    let mut buffer = vec![0; 2048];
    let mut under_way: VecDeque<(Instant, Vec<u8>)> = VecDeque::new();
    let (mut free_at, mut last) = (Instant::now(), Instant::now());
    let mut bad = false;
    loop {
        let next = under_way.front().map(|(at, _)| *at);
        tokio::select! {
            received = from.recv_from(&mut buffer) => {
                let Ok((length, address)) = received else { continue };
                *source.lock().expect("no panic under the lock") = Some(address);
                let quality = *quality.lock().expect("no panic under the lock");
                let now = Instant::now();
                if lost(&mut random, &mut bad, &quality) {
                    continue;
                }
                let mut at = now;
                if quality.rate_kbps > 0.0 {
                    let start = free_at.max(now);
                    if start - now > quality.queue {
                        continue;
                    }
                    free_at = start + Duration::from_secs_f64((length + HEADERS) as f64 / (quality.rate_kbps * 125.0));
                    at = free_at;
                }
                at += quality.delay + quality.jitter.mul_f64(random.random());
                last = last.max(at);
                under_way.push_back((last, buffer[..length].to_vec()));
            }
            () = async {
                match next {
                    Some(at) => sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            } => {
                let now = Instant::now();
                while under_way.front().is_some_and(|(at, _)| *at <= now) {
                    let Some((_, packet)) = under_way.pop_front() else { break };
                    let target = *target.lock().expect("no panic under the lock");
                    if let Some(target) = target {
                        let _ = to.send_to(&packet, target).await;
                    }
                }
            }
        }
    }
}

/// Losses come in bursts (Gilbert and Elliott).
fn lost(random: &mut StdRng, bad: &mut bool, quality: &Quality) -> bool {
    if quality.loss <= 0.0 {
        return false;
    }
    let leave = 1.0 / quality.burst.max(1.0);
    if quality.burst <= 1.0 {
        return random.random_bool(quality.loss);
    }
    let enter = leave * quality.loss / (1.0 - quality.loss);
    *bad = if *bad { !random.random_bool(leave) } else { random.random_bool(enter.min(1.0)) };
    *bad
}

fn rewritten(sdp: &str, address: SocketAddr) -> String {
    let line = format!("a=candidate:1 1 udp 2130706431 {} {} typ host\r\n", address.ip(), address.port());
    let mut out = String::new();
    let mut placed = false;
    for part in sdp.split_inclusive('\n').filter(|line| !line.starts_with("a=candidate:")) {
        out.push_str(part);
        if !placed && part.starts_with("a=mid:") {
            out.push_str(&line);
            placed = true;
        }
    }
    out
}
