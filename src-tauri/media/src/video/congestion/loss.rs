//! Whether what gets lost gets lost because of us: the loss-based half of congestion control.
//!
//! A radio link loses packets whatever is sent, and giving the picture up for that helps nobody; a policer or a short
//! queue loses what is too much. The two are told apart by asking: send a little less, and see whether less gets lost.

use std::time::{Duration, Instant};

/// A share is counted over at least this long and this many packets.
const WINDOW: Duration = Duration::from_millis(500);
const PACKETS: u32 = 20;
/// Loss above what the path always has, from which it is looked into.
const MARGIN: f64 = 0.04;
/// Loss that is the path's own, at most.
const INHERENT_MOST: f64 = 0.5;

/// What the loss of the last window says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Verdict {
    /// No more than the path always loses.
    Fine,
    /// More than that: this share of the rate is too much, or that is to be found out.
    Lower(f64),
    /// Sending less did not help: the loss is the path's own, and the rate (kbit/s) may be what it was.
    Restore(f64),
    /// Loss is looked into; the rate stays.
    Wait,
}

#[derive(Debug)]
pub struct LossDetector {
    since: Instant,
    received: u32,
    lost: u32,
    last: f64,
    inherent: f64,
    trial: Option<Trial>,
}

#[derive(Debug, Clone, Copy)]
struct Trial {
    loss: f64,
    kbps: f64,
    /// The window in which packets of both rates were under way is over.
    settled: bool,
}

impl LossDetector {
    pub fn new(now: Instant) -> Self {
        Self { since: now, received: 0, lost: 0, last: 0.0, inherent: 0.0, trial: None }
    }

    pub fn add(&mut self, received: u32, lost: u32) {
        self.received += received;
        self.lost += lost;
    }

    /// Share of packets lost of late, 0 to 1.
    pub fn share(&self) -> f64 {
        self.last
    }

    /// What the window says, if one is over. `queues`: packets also wait, so that loss comes from a full queue, which is
    /// the other half's to deal with.
    pub fn judge(&mut self, now: Instant, kbps: f64, queues: bool) -> Option<Verdict> {
        let packets = self.received + self.lost;
        let elapsed = now.saturating_duration_since(self.since);
        if elapsed < WINDOW || packets < PACKETS && elapsed < WINDOW * 4 || packets < 5 {
            return None;
        }
        let loss = f64::from(self.lost) / f64::from(packets);
        (self.since, self.received, self.lost) = (now, 0, 0);
        self.last = loss;
        // What chance alone makes of the path's own loss in so few packets.
        let chance = 2.0 * (self.inherent.max(0.005) * (1.0 - self.inherent) / f64::from(packets)).sqrt();
        let excess = loss - self.inherent;
        if excess <= MARGIN + chance {
            if excess < 0.0 {
                self.inherent += excess * 0.1;
            } else {
                self.inherent = (self.inherent + excess * 0.1).min(INHERENT_MOST);
            }
            self.trial = None;
            return Some(Verdict::Fine);
        }
        if queues {
            self.trial = None;
            return Some(Verdict::Wait);
        }
        match self.trial {
            Some(trial) if !trial.settled => {
                self.trial = Some(Trial { settled: true, ..trial });
                Some(Verdict::Wait)
            }
            Some(trial) if loss > (trial.loss - self.inherent) * 0.5 + self.inherent => {
                self.trial = None;
                self.inherent = loss.min(trial.loss).min(INHERENT_MOST);
                Some(Verdict::Restore(trial.kbps))
            }
            Some(_) | None => {
                self.trial = Some(Trial { loss, kbps, settled: false });
                Some(Verdict::Lower(excess.clamp(0.05, 0.4)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs windows of 100 packets against a link; answers the rate after each.
    fn run(windows: usize, start_kbps: f64, loss_at: impl Fn(usize, f64) -> f64) -> Vec<f64> {
        let mut now = Instant::now();
        let mut detector = LossDetector::new(now);
        let mut kbps = start_kbps;
        let mut rates = Vec::new();
        for window in 0..windows {
            now += Duration::from_millis(500);
            let lost = (100.0 * loss_at(window, kbps)).round() as u32;
            detector.add(100 - lost, lost);
            match detector.judge(now, kbps, false) {
                Some(Verdict::Lower(share)) => kbps *= 1.0 - share,
                Some(Verdict::Restore(rate)) => kbps = rate,
                Some(Verdict::Fine | Verdict::Wait) => {}
                None => panic!("a window is over"),
            }
            rates.push(kbps);
        }
        rates
    }

    #[test]
    fn loss_that_is_the_paths_own_does_not_cost_the_picture() {
        let rates = run(40, 1000.0, |window, _| if window < 5 { 0.0 } else { 0.1 + (window % 3) as f64 * 0.01 });
        assert!(rates[10..].iter().all(|&rate| rate > 990.0), "{rates:?}");
    }

    #[test]
    fn a_policer_is_yielded_to() {
        let rates = run(20, 1000.0, |_, kbps| (1.0 - 500.0 / kbps).max(0.0));
        assert!(rates[6..].iter().all(|&rate| rate < 560.0 && rate > 400.0), "{rates:?}");
    }
}
