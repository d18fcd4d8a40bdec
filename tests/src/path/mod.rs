//! A path between two hosts on one machine: it loses, delays and throttles as it is told, and may change while it is used.
//!
//! Each host is a network namespace with one interface and its own loopback. The wire between them is a thread of this
//! process, which carries Ethernet frames from the one to the other: kernels in containers often lack `netem`, and whatever
//! two programs do to find each other, they meet nothing but this path. It needs `ip` and `ethtool`, and root or a user
//! namespace (`unshare --map-root-user --net`). Everything vanishes with this process, however it ends.

mod host;
mod wire;

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

pub use host::Host;
use wire::Wire;

/// Why there is no path.
#[derive(Debug, thiserror::Error)]
pub enum PathError {
    /// The system does not let us, or lacks a program.
    #[error("{0}: {1}")]
    System(&'static str, std::io::Error),
    /// A program that sets the hosts up failed, with its words.
    #[error("{0}")]
    Program(String),
}

/// What a path is like, in each direction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quality {
    /// kbit/s, Ethernet headers included; 0: unlimited.
    pub rate_kbps: f64,
    /// One way.
    pub delay: Duration,
    /// Share of packets lost, independently of each other, 0 to 1.
    pub loss: f64,
    /// The longest wait in front of the throttle; what would wait longer is lost.
    pub queue: Duration,
}

impl Default for Quality {
    /// As good as a path can be.
    fn default() -> Self {
        Self { rate_kbps: 0.0, delay: Duration::ZERO, loss: 0.0, queue: Duration::from_millis(200) }
    }
}

/// What a path has carried from the first host to the second: when a frame was delivered, and its size in bytes.
pub type Carried = Vec<(Instant, usize)>;

/// Two hosts and the path between them.
pub struct Path {
    hosts: [Host; 2],
    quality: Arc<Mutex<Quality>>,
    carried: Arc<Mutex<Carried>>,
    _wire: Wire,
}

impl Path {
    /// Lays a path; `seed` decides which packets are lost.
    pub fn lay(quality: Quality, seed: u64) -> Result<Self, PathError> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = |side: char| format!("pl{}{side}{number}", std::process::id() % 1_000_000);
        let outside = [name('a'), name('b')];
        // In a user namespace our own loopback may still be down.
        host::ip("link set lo up")?;
        let hosts = [Host::open(&outside[0], 0)?, Host::open(&outside[1], 1)?];
        let (quality, carried) = (Arc::new(Mutex::new(quality)), Arc::default());
        let wire = Wire::lay(&outside, &quality, &carried, seed)?;
        Ok(Self { hosts, quality, carried, _wire: wire })
    }

    /// The host at this end: 0 or 1.
    pub fn host(&self, end: usize) -> &Host {
        &self.hosts[end]
    }

    /// The path is like this from here on; what is under way stays as it was.
    pub fn set(&self, quality: Quality) {
        *lock(&self.quality) = quality;
    }

    /// Takes what was carried from the first host to the second since the last time.
    pub fn take_carried(&self) -> Carried {
        std::mem::take(&mut lock(&self.carried))
    }
}

/// The address of the host at this end of every path.
pub const fn address(end: usize) -> Ipv4Addr {
    Ipv4Addr::new(10, 77, 0, 1 + end as u8)
}

fn lock<T>(shared: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
