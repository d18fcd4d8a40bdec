//! How much picture the path to one peer carries, found out without harm to the voice beside it.
//!
//! Packets are numbered across the transport and the peer says when each came
//! (draft-holmer-rmcat-transport-wide-cc-extensions-01). A queue that grows or stands lowers the estimate at once, loss
//! lowers it if sending less helps, and short bursts at a higher rate raise it as soon as the path carries them.

mod delay;
mod history;
mod loss;
mod overfull;
mod probe;
mod throughput;
mod train;

use std::time::{Duration, Instant};

pub(crate) use probe::PACKETS as PROBE_PACKETS;
pub use probe::Probe;

use delay::{DelayDetector, Passage, Usage};
use history::{History, News};
use loss::{LossDetector, Verdict};
use overfull::Overfull;
use probe::{Carried, Prober};
use throughput::Throughput;
use train::Train;

/// Where the estimate starts, kbit/s.
pub const START_KBPS: f64 = 300.0;
/// The estimate never falls below this, kbit/s: what shows whether the path came back.
pub const LEAST_KBPS: f64 = 12.0;

/// What is left of the measured throughput when a queue is seen.
const BACK_OFF: f64 = 0.85;
/// What comes out of a queue is less than this share of the estimate: it is far too high, and lowered without a pause.
const FAR_LESS: f64 = 0.7;
/// A queue that is so much longer, ms, has grown.
const GROWN_MS: f64 = 10.0;
/// A queue that stands at this, ms, is one too many, whatever its trend.
const STANDING_MS: f64 = 45.0;
/// Below this, ms, there is no queue to speak of.
const EMPTY_MS: f64 = 20.0;
/// Growth far from any limit, and near one, per second: each step too far is a queue, and the voice stands in it.
const GROWTH: f64 = 0.08;
const GROWTH_AT_LIMIT: f64 = 0.03;
/// All that is needed has passed for so long without a queue and without loss: the path has more to give.
const AMPLE_AFTER: Duration = Duration::from_secs(1);
/// Share of packets lost, above which that is not so.
const AMPLE_LOSS: f64 = 0.02;
/// When nothing left for so long and nothing is under way, what was measured of a queue is of another time.
const IDLE: Duration = Duration::from_secs(1);
/// Beside a round trip, a packet may be under way for so long without a queue: the peer collects what it reports.
const REPORTED: Duration = Duration::from_millis(100);

/// What the peer said of one packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acknowledged {
    /// Its number across the transport.
    pub sequence: u16,
    /// When it came, from any fixed moment on the peer's clock; none if it did not.
    pub arrived: Option<Duration>,
}

/// The congestion controller of one path. It has no clock of its own.
#[derive(Debug)]
pub struct Controller {
    history: History,
    delay: DelayDetector,
    loss: LossDetector,
    throughput: Throughput,
    train: Train,
    prober: Prober,
    kbps: f64,
    need_kbps: f64,
    /// What the path carried when a queue was seen, kbit/s, smoothed.
    capacity: Option<f64>,
    lowered_at: Option<Instant>,
    /// Lowerings in a row that did not make a standing queue shorter.
    fruitless: u32,
    queue_when_lowered: f64,
    /// The queue that was measured last, ms.
    last_queue: f64,
    /// Since when an answer is awaited: the first packet after the peer was heard last, or that moment itself.
    unanswered_since: Option<Instant>,
    grown_at: Instant,
    round_trip: Option<Duration>,
    least_round_trip: Duration,
    /// Since when all that is needed passes with ease.
    easy_since: Option<Instant>,
    stalled: bool,
    overfull: Overfull,
}

impl Controller {
    /// A controller that starts at [`START_KBPS`].
    pub fn new(now: Instant) -> Self {
        Self {
            history: History::default(),
            delay: DelayDetector::new(now),
            loss: LossDetector::new(now),
            throughput: Throughput::default(),
            train: Train::default(),
            prober: Prober::new(now),
            kbps: START_KBPS,
            need_kbps: START_KBPS,
            capacity: None,
            lowered_at: None,
            fruitless: 0,
            queue_when_lowered: 0.0,
            last_queue: 0.0,
            unanswered_since: None,
            grown_at: now,
            round_trip: None,
            least_round_trip: Duration::from_secs(1),
            easy_since: None,
            stalled: false,
            overfull: Overfull::default(),
        }
    }

    /// More than this is of no use, kbit/s: the estimate stays below, and nothing above is tried.
    pub fn set_need(&mut self, kbps: f64) {
        self.need_kbps = kbps.max(LEAST_KBPS);
        self.kbps = self.kbps.min(self.need_kbps.max(START_KBPS));
    }

    /// A packet of `bytes` (with its headers) leaves. Answers its number across the transport.
    pub fn send(&mut self, bytes: usize, at: Instant, probe: Option<u32>) -> u16 {
        if self.is_idle(at) {
            self.delay.restart();
        }
        self.unanswered_since.get_or_insert(at);
        self.history.add(bytes, at, probe)
    }

    /// The peer told of packets.
    pub fn acknowledge(&mut self, now: Instant, told: &[Acknowledged]) {
        let mut fresh = None;
        let (mut received, mut lost) = (0, 0);
        for &told in told {
            match self.history.told(told) {
                Some(News::Came(sent, arrived)) => {
                    received += u32::from(self.overfull.counts(sent.at));
                    fresh = fresh.max(Some(sent.at));
                    let passage = Passage { sent: sent.at, arrived };
                    self.throughput.add(arrived, sent.bytes);
                    self.train.add(passage, sent.bytes);
                    self.delay.add(passage);
                    if let Some(probe) = sent.probe {
                        self.prober.came(probe, sent.at, arrived, sent.bytes);
                    }
                }
                Some(News::Lost(sent)) => {
                    lost += u32::from(self.overfull.counts(sent.at));
                    if let Some(probe) = sent.probe {
                        self.prober.lost(probe);
                    }
                }
                None => {}
            }
        }
        self.history.settle();
        let Some(fresh) = fresh else {
            self.loss.add(0, lost);
            return;
        };
        self.note_round_trip(now.saturating_duration_since(fresh));
        if std::mem::take(&mut self.stalled) {
            self.recover();
        }
        self.unanswered_since = (self.history.in_flight() > 0).then_some(now);
        self.loss.add(received, lost);
        self.weigh(now);
    }

    /// Time passed. Notices when nothing is heard any more.
    pub fn tick(&mut self, now: Instant) {
        let patience = (self.round_trip.unwrap_or(Duration::from_millis(200)) * 3).max(Duration::from_millis(600));
        if !self.stalled && self.unanswered_since.is_some_and(|since| now > since + patience) {
            self.stalled = true;
            // What is under way must not keep the next packets back.
            self.history.give_up();
        }
        if let Some(outcome) = self.prober.outcome(now) {
            self.probed(now, outcome);
        }
        self.overfull.tick(now);
        let easy = !self.stalled
            && self.history.is_known()
            && self.kbps >= self.need_kbps * 0.98
            && self.delay.usage() == Usage::Normal
            && self.delay.standing_queue_ms() < EMPTY_MS / 2.0
            && self.loss.share() < AMPLE_LOSS;
        self.easy_since = easy.then(|| self.easy_since.unwrap_or(now));
    }

    /// The path carries all that is needed, and has for a while: what leaves may leave faster than on average, since it
    /// waits nowhere else either.
    pub fn is_ample(&self, now: Instant) -> bool {
        self.easy_since.is_some_and(|since| now >= since + AMPLE_AFTER)
    }

    /// What the path is thought to carry, kbit/s.
    pub fn estimate_kbps(&self) -> f64 {
        self.kbps
    }

    /// What should be sent now, kbit/s: the estimate, less what lets a queue drain.
    pub fn target_kbps(&self) -> f64 {
        if self.stalled {
            return LEAST_KBPS;
        }
        let queue = self.delay.standing_queue_ms().max(self.overfull.least_queue_ms());
        if queue > EMPTY_MS && self.lowered_at.is_some() {
            // As much less as empties the queue within about half a second, but never below half.
            return self.kbps * (1.0 - (queue - EMPTY_MS) / 400.0).clamp(0.5, 1.0);
        }
        self.kbps
    }

    /// No more may be sent until the peer is heard: too much is under way, or nothing comes back at all.
    pub fn is_choked(&self) -> bool {
        self.history.in_flight() as f64 > self.fits(Duration::ZERO).max(8_000.0)
    }

    /// The path became so narrow at once that most of what is under way is of no use: it comes too late or not at all. Said
    /// once each time.
    pub fn take_overfull(&mut self) -> bool {
        self.overfull.take()
    }

    /// Nothing comes back any more.
    pub fn is_stalled(&self) -> bool {
        self.stalled
    }

    /// A burst to send now, to find out whether the path carries more.
    pub fn probe(&mut self, now: Instant) -> Option<Probe> {
        // Else a picture that was given up for a queue would never come back: nothing would show that the queue is gone.
        let no_queue =
            self.is_idle(now) || self.delay.usage() == Usage::Normal && self.delay.standing_queue_ms() < EMPTY_MS;
        if self.stalled || !no_queue || self.is_choked() {
            return None;
        }
        self.prober.next(now, self.kbps, self.need_kbps, self.round_trip.unwrap_or(Duration::from_millis(200)))
    }

    /// Until packets come back from the peer after they were sent, with the time that its report took.
    pub fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }

    /// The quickest of them.
    pub fn least_round_trip(&self) -> Option<Duration> {
        self.round_trip.map(|_| self.least_round_trip)
    }

    /// Share of packets lost of late, 0 to 1.
    pub fn loss(&self) -> f64 {
        self.loss.share()
    }

    /// How long packets wait in a queue at present, ms.
    pub fn queue_ms(&self) -> f64 {
        self.delay.standing_queue_ms()
    }

    /// Whether what is under way takes far longer than it should at the present rate.
    fn is_overfull(&self) -> bool {
        self.history.in_flight() as f64 > self.fits(overfull::EXCESS)
    }

    /// Bytes that may be under way at the present rate, if packets wait no longer than this.
    fn fits(&self, wait: Duration) -> f64 {
        self.kbps * 125.0 * (self.least_round_trip + REPORTED + wait).as_secs_f64()
    }

    /// After so long the peer's reports show what a change of the rate did.
    fn response(&self) -> Duration {
        self.round_trip.unwrap_or(Duration::from_millis(100)) + REPORTED
    }

    fn is_idle(&self, now: Instant) -> bool {
        self.history.in_flight() == 0 && self.history.last_at().is_some_and(|last| now > last + IDLE)
    }

    fn weigh(&mut self, now: Instant) {
        let queue = self.delay.standing_queue_ms();
        let usage = self.delay.usage();
        let train = self.train.kbps();
        let stretched = train.is_some_and(|kbps| kbps < self.kbps * FAR_LESS);
        let over = usage == Usage::Over && queue > EMPTY_MS * 0.75 || queue > STANDING_MS || stretched;
        if over {
            self.queue_seen(now, queue, train);
        }
        self.last_queue = queue;
        match self.loss.judge(now, self.kbps, over || queue > EMPTY_MS) {
            Some(Verdict::Lower(share)) => {
                self.kbps = (self.kbps * (1.0 - share)).max(LEAST_KBPS);
                self.grown_at = now;
                self.prober.postpone(now);
            }
            Some(Verdict::Restore(kbps)) => self.kbps = self.kbps.max(kbps.min(self.need_kbps)),
            Some(Verdict::Wait) => self.grown_at = now,
            Some(Verdict::Fine) | None => {}
        }
        if let Some(outcome) = self.prober.outcome(now) {
            self.probed(now, outcome);
        }
        if !over && usage == Usage::Normal && queue < EMPTY_MS * 2.0 {
            self.grow(now);
        } else {
            self.grown_at = now;
        }
    }

    fn queue_seen(&mut self, now: Instant, queue: f64, train: Option<f64>) {
        let pause = self.response();
        let lately = self.lowered_at.is_some_and(|at| now < at + pause * 3);
        if lately && queue < self.last_queue {
            // It empties: little comes out of it because little is sent.
            return;
        }
        let longer_ms = queue - self.queue_when_lowered;
        // A path that became narrow at once: some of what came lately came before, and what comes out of the queue tells more,
        // for as long as that grows. Later it may be that less was sent.
        let grows = !lately || longer_ms > GROWN_MS;
        let queued = self.throughput.queued_kbps(Duration::from_secs_f64(queue / 1_000.0)).filter(|_| grows).or(train);
        let far_less = queued.is_some_and(|kbps| kbps < self.kbps * FAR_LESS);
        if self.lowered_at.is_some_and(|at| now < at + pause) && !far_less {
            return;
        }
        self.fruitless = if lately && longer_ms > -5.0 { self.fruitless + 1 } else { 0 };
        if self.fruitless >= 4 && self.delay.usage() != Usage::Over {
            // Sending less and less changes nothing: the path is longer than it was.
            self.fruitless = 0;
            self.delay.rebase();
            return;
        }
        let before = self.kbps;
        if let Some(recent) = self.throughput.recent_kbps() {
            let carried = queued.map_or(recent, |queued| queued.min(recent));
            self.capacity = Some(self.capacity.map_or(carried, |known| {
                if (carried - known).abs() > known * 0.4 { carried } else { known * 0.8 + carried * 0.2 }
            }));
            let lowered = carried * BACK_OFF;
            if lowered < self.kbps {
                self.kbps = lowered.max(LEAST_KBPS);
            }
        }
        if self.kbps < before * FAR_LESS && self.is_overfull() {
            self.overfull.note(now);
        }
        self.lowered_at = Some(now);
        self.queue_when_lowered = queue;
        self.prober.postpone(now);
    }

    fn grow(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.grown_at).as_secs_f64().min(0.5);
        self.grown_at = now;
        let Some(carried) = self.throughput.kbps() else { return };
        // What is not used can't be judged; bursts find out more.
        if carried < self.kbps * 0.6 {
            return;
        }
        let near_limit =
            self.capacity.is_some_and(|capacity| self.kbps > capacity * 0.75 && self.kbps < capacity * 1.25);
        let step = if near_limit {
            (9.6 / self.response().as_secs_f64()).min(self.kbps * GROWTH_AT_LIMIT).max(4.0)
        } else {
            self.kbps * GROWTH
        };
        let most = (carried * 1.5 + 10.0).max(self.kbps);
        self.kbps = (self.kbps + step * elapsed).min(most).min(self.need_kbps.max(self.kbps.min(START_KBPS)));
    }

    fn probed(&mut self, now: Instant, Carried { kbps, filled }: Carried) {
        if kbps > self.kbps {
            self.kbps = kbps.min(self.need_kbps);
            self.grown_at = now;
            if self.capacity.is_some_and(|capacity| kbps > capacity * 1.2) {
                self.capacity = None;
            }
            self.prober.succeeded(now, filled);
        } else {
            self.prober.failed(now);
        }
    }

    /// The peer is heard again after a silence.
    fn recover(&mut self) {
        self.kbps = (self.kbps * 0.5).max(LEAST_KBPS);
        self.delay.restart();
    }

    fn note_round_trip(&mut self, measured: Duration) {
        self.round_trip = Some(self.round_trip.map_or(measured, |known| (known * 7 + measured) / 8));
        self.least_round_trip = self.least_round_trip.min(measured);
    }
}
