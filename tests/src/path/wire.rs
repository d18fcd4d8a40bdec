//! The wire: for each direction a thread that takes frames in, deciding the fate of each, and one that delivers them in time.

use std::collections::VecDeque;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::ifaddrs::getifaddrs;
use nix::sys::socket::{
    AddressFamily, LinkAddr, MsgFlags, SockFlag, SockProtocol, SockType, bind, recvfrom, send, setsockopt, socket,
    sockopt,
};
use nix::sys::time::{TimeVal, TimeValLike as _};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::{Carried, PathError, Quality, lock};

/// The kernel's word for what this host itself sent (`linux/if_packet.h`).
const OUTGOING: u8 = 4;
/// How often the end is looked for.
const GLANCE: Duration = Duration::from_millis(100);

/// The running wire; it is cut when dropped.
pub(super) struct Wire {
    cut: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

/// What is on its way in one direction.
#[derive(Default)]
struct UnderWay {
    frames: Mutex<VecDeque<(Instant, Vec<u8>)>>,
    more: Condvar,
}

/// The fate of frames in one direction.
struct Fate {
    random: StdRng,
    free_at: Instant,
    last: Instant,
}

impl Wire {
    /// Joins the two interfaces.
    pub(super) fn lay(
        interfaces: &[String; 2],
        quality: &Arc<Mutex<Quality>>,
        carried: &Arc<Mutex<Carried>>,
        seed: u64,
    ) -> Result<Self, PathError> {
        let failed = |error: Errno| PathError::System("a packet socket (root is needed)", error.into());
        let plugged = |name: &String| plug(name).map(Arc::new).map_err(failed);
        let ends = [plugged(&interfaces[0])?, plugged(&interfaces[1])?];
        let mut wire = Self { cut: Arc::default(), threads: Vec::new() };
        for from in [0, 1] {
            let (near, far) = (Arc::clone(&ends[from]), Arc::clone(&ends[1 - from]));
            let fate = Fate::new(seed * 2 + from as u64, Instant::now());
            let (under_way, coming) = (Arc::new(UnderWay::default()), Arc::clone(quality));
            let (leaving, written) = (Arc::clone(&under_way), (from == 0).then(|| Arc::clone(carried)));
            wire.thread(move |cut| take(cut, &near, &under_way, &coming, fate))?;
            wire.thread(move |cut| deliver(cut, &far, &leaving, written.as_deref()))?;
        }
        Ok(wire)
    }

    fn thread(&mut self, work: impl FnOnce(&AtomicBool) + Send + 'static) -> Result<(), PathError> {
        let cut = Arc::clone(&self.cut);
        let begin = move || {
            hurry();
            work(&cut);
        };
        let thread = Builder::new().name("wire".to_owned()).spawn(begin);
        self.threads.push(thread.map_err(|error| PathError::System("a thread for the wire", error))?);
        Ok(())
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.cut.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // One that panicked carries nothing any more either.
            let _ = thread.join();
        }
    }
}

/// A socket at an interface that gets every frame.
fn plug(interface: &str) -> Result<OwnedFd, Errno> {
    let end = socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::EthAll)?;
    let mut all = getifaddrs()?.filter(|it| it.interface_name == interface);
    let address = all.find_map(|it| it.address?.as_link_addr().copied()).ok_or(Errno::ENODEV)?;
    bind(end.as_raw_fd(), &address)?;
    setsockopt(&end, sockopt::RcvBuf, &(4 << 20))?;
    setsockopt(&end, sockopt::ReceiveTimeout, &TimeVal::milliseconds(GLANCE.as_millis() as i64))?;
    Ok(end)
}

/// A wire is on time whatever else the machine does, if we may say so.
fn hurry() {
    let thread = std::fs::read_link("/proc/thread-self").ok();
    let Some(thread) = thread.as_deref().and_then(|it| it.file_name()) else { return };
    let mut renice = Command::new("renice");
    renice.args(["-n", "-15", "-p"]).arg(thread).stdout(Stdio::null()).stderr(Stdio::null());
    let _ = renice.status();
}

fn take(cut: &AtomicBool, near: &OwnedFd, under_way: &UnderWay, quality: &Mutex<Quality>, mut fate: Fate) {
    let mut buffer = [0; 2_048];
    while !cut.load(Ordering::Relaxed) {
        // Nothing came for a while, or the host is gone.
        let Ok((length, from)) = recvfrom::<LinkAddr>(near.as_raw_fd(), &mut buffer) else { continue };
        if from.is_some_and(|from| from.pkttype() == OUTGOING) {
            continue;
        }
        let quality = *lock(quality);
        if let Some(at) = fate.of(length, Instant::now(), &quality) {
            lock(&under_way.frames).push_back((at, buffer[..length].to_vec()));
            under_way.more.notify_one();
        }
    }
}

fn deliver(cut: &AtomicBool, far: &OwnedFd, under_way: &UnderWay, carried: Option<&Mutex<Carried>>) {
    let mut frames = lock(&under_way.frames);
    while !cut.load(Ordering::Relaxed) {
        let now = Instant::now();
        let wait = match frames.front() {
            Some((at, _)) if *at <= now => {
                let Some((_, frame)) = frames.pop_front() else { continue };
                drop(frames);
                // A host that is gone hears nothing.
                let sent = send(far.as_raw_fd(), &frame, MsgFlags::empty());
                if let (Ok(_), Some(carried)) = (sent, carried) {
                    lock(carried).push((now, frame.len()));
                }
                frames = lock(&under_way.frames);
                continue;
            }
            Some((at, _)) => at.saturating_duration_since(now).min(GLANCE),
            None => GLANCE,
        };
        let waited = under_way.more.wait_timeout(frames, wait);
        frames = waited.unwrap_or_else(PoisonError::into_inner).0;
    }
}

impl Fate {
    fn new(seed: u64, now: Instant) -> Self {
        Self { random: StdRng::seed_from_u64(seed), free_at: now, last: now }
    }

    /// When a frame of so many bytes that came `now` arrives; none if it is lost.
    fn of(&mut self, bytes: usize, now: Instant, quality: &Quality) -> Option<Instant> {
        if quality.loss > 0.0 && self.random.random_bool(quality.loss.min(1.0)) {
            return None;
        }
        let mut at = now;
        if quality.rate_kbps > 0.0 {
            let start = self.free_at.max(now);
            if start - now > quality.queue {
                return None;
            }
            at = start + Duration::from_secs_f64(bytes as f64 / (quality.rate_kbps * 125.0));
            self.free_at = at;
        }
        self.last = self.last.max(at + quality.delay);
        Some(self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn frames_wait_for_each_other_in_front_of_a_narrow_path_and_too_many_are_lost() {
        let begun = Instant::now();
        let mut fate = Fate::new(1, begun);
        // 1000 bytes take 10 ms.
        let quality = Quality { rate_kbps: 800.0, delay: 30 * MS, queue: 50 * MS, loss: 0.0 };
        let arrivals: Vec<_> = (0..10).map(|_| fate.of(1_000, begun, &quality)).collect();
        let expected = |number: u32| (number < 6).then(|| begun + 30 * MS + 10 * MS * (number + 1));
        assert_eq!(arrivals, (0..10).map(expected).collect::<Vec<_>>());
        let later = begun + 500 * MS;
        assert_eq!(fate.of(1_000, later, &quality), Some(later + 40 * MS), "the queue is empty again");
    }

    #[test]
    fn no_frame_overtakes_another_when_the_path_gets_shorter() {
        let begun = Instant::now();
        let mut fate = Fate::new(1, begun);
        let long = Quality { delay: 100 * MS, ..Quality::default() };
        assert_eq!(fate.of(100, begun, &long), Some(begun + 100 * MS));
        assert_eq!(fate.of(100, begun + MS, &Quality::default()), Some(begun + 100 * MS));
    }

    #[test]
    fn as_many_are_lost_as_was_said() {
        let begun = Instant::now();
        let mut fate = Fate::new(1, begun);
        let quality = Quality { loss: 0.1, ..Quality::default() };
        let lost = (0..10_000).filter(|_| fate.of(100, begun, &quality).is_none()).count();
        assert!((900..1_100).contains(&lost), "{lost}");
    }
}
