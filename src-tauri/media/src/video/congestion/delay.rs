//! Whether packets queue up on their way: the delay-based half of congestion control.
//!
//! Two witnesses. The trend over groups of packets (draft-ietf-rmcat-gcc-02 section 5, with the line fitted as Chromium
//! does) sees a queue that grows. The standing queue, that is how much longer packets take than the quickest of the last
//! seconds, sees one that stays, which delays the voice just as much.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Packets sent within this time count as one group.
const GROUP: Duration = Duration::from_millis(5);
/// Packets that come within this time of each other, closer than they were sent, were held up together: by a radio that was
/// away, or by a receiver that was not given the processor (the draft's pre-filtering, section 5.2). So much is one group.
const BURST: Duration = Duration::from_millis(5);
const LONGEST_BURST: Duration = Duration::from_millis(100);
/// Groups that the line is fitted to.
const WINDOW: usize = 20;
const SMOOTHING: f64 = 0.9;
const GAIN: f64 = 4.0;
/// The threshold that the trend is held against, ms: where it starts, and between what it moves.
const THRESHOLD_START: f64 = 12.5;
const THRESHOLD_LEAST: f64 = 6.0;
const THRESHOLD_MOST: f64 = 600.0;
const THRESHOLD_UP: f64 = 0.0087;
const THRESHOLD_DOWN: f64 = 0.039;
/// The trend must stand this long, ms.
const OVERUSE_MS: f64 = 10.0;
/// How far back the quickest packet is looked for, and how fresh packets must be to show the present queue.
const BASE_SECONDS: usize = 15;
const RECENT: Duration = Duration::from_millis(60);

/// What the path does with the present rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Usage {
    /// Neither more nor less waits.
    #[default]
    Normal,
    /// A queue grows.
    Over,
    /// A queue empties.
    Under,
}

/// One packet that arrived.
#[derive(Debug, Clone, Copy)]
pub struct Passage {
    /// When it left, on our clock.
    pub sent: Instant,
    /// When it came, on the peer's clock, from any fixed moment.
    pub arrived: Duration,
}

#[derive(Debug)]
pub struct DelayDetector {
    start: Instant,
    group: Option<Group>,
    last_group: Option<Group>,
    points: VecDeque<(f64, f64)>,
    accumulated: f64,
    smoothed: f64,
    groups: u32,
    threshold: f64,
    threshold_at: Option<Duration>,
    over_ms: f64,
    over_count: u32,
    last_trend: f64,
    usage: Usage,
    /// The quickest passage of each second, ms on no particular scale, newest last.
    quickest: VecDeque<(u64, f64)>,
    recent: VecDeque<(Duration, f64)>,
}

#[derive(Debug, Clone, Copy)]
struct Group {
    first_sent: Instant,
    sent: Instant,
    first_arrived: Duration,
    arrived: Duration,
}

impl Group {
    fn new(first: Passage) -> Self {
        Self { first_sent: first.sent, sent: first.sent, first_arrived: first.arrived, arrived: first.arrived }
    }

    /// Whether the next packet belongs to it: left with it, or came with it after both had been held up.
    fn holds(&self, next: Passage) -> bool {
        if next.sent.saturating_duration_since(self.first_sent) <= GROUP {
            return true;
        }
        let apart = next.arrived.saturating_sub(self.arrived);
        apart <= BURST
            && apart < next.sent.saturating_duration_since(self.sent)
            && next.arrived.saturating_sub(self.first_arrived) <= LONGEST_BURST
    }
}

impl DelayDetector {
    pub fn new(now: Instant) -> Self {
        Self {
            start: now,
            group: None,
            last_group: None,
            points: VecDeque::with_capacity(WINDOW + 1),
            accumulated: 0.0,
            smoothed: 0.0,
            groups: 0,
            threshold: THRESHOLD_START,
            threshold_at: None,
            over_ms: 0.0,
            over_count: 0,
            last_trend: 0.0,
            usage: Usage::Normal,
            quickest: VecDeque::new(),
            recent: VecDeque::new(),
        }
    }

    /// Takes packets in the order in which they were sent.
    pub fn add(&mut self, passage: Passage) {
        self.note_queue(passage);
        let Some(group) = &mut self.group else {
            self.group = Some(Group::new(passage));
            return;
        };
        if group.holds(passage) {
            group.sent = group.sent.max(passage.sent);
            group.arrived = group.arrived.max(passage.arrived);
            return;
        }
        let group = *group;
        if let Some(last) = self.last_group.replace(group) {
            let sent_ms = ms(group.sent.saturating_duration_since(last.sent));
            let arrived_ms = group.arrived.as_secs_f64() * 1000.0 - last.arrived.as_secs_f64() * 1000.0;
            self.add_group(sent_ms, arrived_ms, group.arrived);
        }
        self.group = Some(Group::new(passage));
    }

    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// How long packets wait in a queue at present, ms.
    pub fn standing_queue_ms(&self) -> f64 {
        let base = self.quickest.iter().map(|&(_, value)| value).fold(f64::INFINITY, f64::min);
        let now = self.recent.iter().map(|&(_, value)| value).fold(f64::INFINITY, f64::min);
        if base.is_finite() && now.is_finite() { (now - base).max(0.0) } else { 0.0 }
    }

    /// The path itself became longer: what stands now is no queue.
    pub fn rebase(&mut self) {
        let now = self.recent.iter().map(|&(_, value)| value).fold(f64::INFINITY, f64::min);
        if let Some(&(second, _)) = self.quickest.back()
            && now.is_finite()
        {
            self.quickest.clear();
            self.quickest.push_back((second, now));
        }
    }

    /// Forgets the trend, after a pause in which nothing was sent.
    pub fn restart(&mut self) {
        self.group = None;
        self.last_group = None;
        self.points.clear();
        (self.accumulated, self.smoothed, self.groups) = (0.0, 0.0, 0);
        (self.over_ms, self.over_count, self.last_trend) = (0.0, 0, 0.0);
        self.usage = Usage::Normal;
        self.recent.clear();
    }

    fn note_queue(&mut self, passage: Passage) {
        let took = passage.arrived.as_secs_f64() * 1000.0 - ms(passage.sent.saturating_duration_since(self.start));
        let second = passage.sent.saturating_duration_since(self.start).as_secs();
        match self.quickest.back_mut() {
            Some((last, value)) if *last == second => *value = value.min(took),
            _ => self.quickest.push_back((second, took)),
        }
        while self.quickest.front().is_some_and(|&(old, _)| old + BASE_SECONDS as u64 <= second) {
            self.quickest.pop_front();
        }
        self.recent.push_back((passage.arrived, took));
        while self.recent.front().is_some_and(|&(old, _)| old + RECENT < passage.arrived) {
            self.recent.pop_front();
        }
    }

    fn add_group(&mut self, sent_ms: f64, arrived_ms: f64, at: Duration) {
        self.groups = (self.groups + 1).min(1000);
        self.accumulated += arrived_ms - sent_ms;
        self.smoothed = SMOOTHING * self.smoothed + (1.0 - SMOOTHING) * self.accumulated;
        self.points.push_back((at.as_secs_f64() * 1000.0, self.smoothed));
        if self.points.len() > WINDOW {
            self.points.pop_front();
        }
        let trend = if self.points.len() == WINDOW { slope(&self.points).unwrap_or(self.last_trend) } else { 0.0 };
        let modified = f64::from(self.groups.min(60)) * trend * GAIN;
        if modified > self.threshold {
            self.over_ms += if self.over_count == 0 { sent_ms / 2.0 } else { sent_ms };
            self.over_count += 1;
            if self.over_ms > OVERUSE_MS && self.over_count > 1 && trend >= self.last_trend {
                (self.over_ms, self.over_count) = (0.0, 0);
                self.usage = Usage::Over;
            }
        } else {
            (self.over_ms, self.over_count) = (0.0, 0);
            self.usage = if modified < -self.threshold { Usage::Under } else { Usage::Normal };
        }
        self.last_trend = trend;
        self.adapt_threshold(modified, at);
    }

    /// Moves the threshold towards what the trend does by itself, so that a path with jitter is not overused forever, nor
    /// starved beside TCP.
    fn adapt_threshold(&mut self, modified: f64, at: Duration) {
        let since = self.threshold_at.replace(at).map_or(0.0, |last| ms(at.saturating_sub(last)).min(100.0));
        let beyond = modified.abs() - self.threshold;
        if beyond > 15.0 {
            return;
        }
        let gain = if beyond < 0.0 { THRESHOLD_DOWN } else { THRESHOLD_UP };
        self.threshold = (self.threshold + gain * beyond * since).clamp(THRESHOLD_LEAST, THRESHOLD_MOST);
    }
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// The slope of the line through the points with the least squares.
fn slope(points: &VecDeque<(f64, f64)>) -> Option<f64> {
    let count = points.len() as f64;
    let (x, y) = points.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0, y + point.1));
    let (x, y) = (x / count, y / count);
    let (mut above, mut below) = (0.0, 0.0);
    for point in points {
        above += (point.0 - x) * (point.1 - y);
        below += (point.0 - x).powi(2);
    }
    (below > 0.0).then(|| above / below)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Packets every 10 ms, each of which takes `growth` ms longer than the last, with a jitter of `jitter` ms.
    fn passages(detector: &mut DelayDetector, start: Instant, from: u32, count: u32, growth: f64, jitter: f64) -> bool {
        let mut over = false;
        for number in from..from + count {
            let noise = f64::from(number.wrapping_mul(2_654_435_761) >> 16 & 0xff) / 255.0 * jitter;
            let sent = start + Duration::from_millis(10) * number;
            let took = 50.0 + f64::from(number - from) * growth + noise;
            let arrived = Duration::from_secs_f64((f64::from(number) * 10.0 + took) / 1000.0);
            detector.add(Passage { sent, arrived });
            over |= detector.usage() == Usage::Over;
        }
        over
    }

    #[test]
    fn a_growing_queue_is_seen_and_an_even_path_is_not_one() {
        let start = Instant::now();
        let mut detector = DelayDetector::new(start);
        assert!(!passages(&mut detector, start, 0, 300, 0.0, 0.0));
        assert!(detector.standing_queue_ms() < 1.0);
        assert!(passages(&mut detector, start, 300, 40, 2.0, 0.0));
        assert!(detector.standing_queue_ms() > 30.0, "{}", detector.standing_queue_ms());
    }

    #[test]
    fn jitter_alone_is_no_queue() {
        let start = Instant::now();
        let mut detector = DelayDetector::new(start);
        passages(&mut detector, start, 0, 2000, 0.0, 20.0);
        assert!(detector.standing_queue_ms() < 15.0, "{}", detector.standing_queue_ms());
    }

    #[test]
    fn a_receiver_that_wakes_late_is_no_queue() {
        let start = Instant::now();
        let mut detector = DelayDetector::new(start);
        let mut over = 0;
        for number in 0..3_000_u32 {
            let sent = u64::from(number) * 10;
            // It is away for some time, and then takes all that came meanwhile within a moment.
            let away = u64::from((number / 20).wrapping_mul(2_654_435_761) >> 16 & 0x7f);
            let wakes = (sent + 50).div_ceil(200) * 200;
            let arrived = if wakes - (sent + 50) < away { wakes } else { sent + 50 };
            let arrived = Duration::from_millis(arrived) + Duration::from_micros(u64::from(number % 20) * 100);
            detector.add(Passage { sent: start + Duration::from_millis(sent), arrived });
            over += u32::from(detector.usage() == Usage::Over);
        }
        assert!(over < 10, "{over} of 3000");
    }

    #[test]
    fn a_longer_path_becomes_the_new_measure() {
        let start = Instant::now();
        let mut detector = DelayDetector::new(start);
        passages(&mut detector, start, 0, 100, 0.0, 0.0);
        passages(&mut detector, start, 100, 1, 80.0, 0.0);
        for number in 101..200_u32 {
            let sent = start + Duration::from_millis(10) * number;
            detector.add(Passage { sent, arrived: Duration::from_millis(u64::from(number) * 10 + 130) });
        }
        assert!(detector.standing_queue_ms() > 70.0);
        detector.rebase();
        assert!(detector.standing_queue_ms() < 1.0);
    }
}
