//! A sender, a path and a receiver on a clock of their own: everything of a peer's picture but the codec and the sockets,
//! as fast as the machine can and the same every time.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;
use peal_media::video::congestion::Acknowledged;
use peal_media::video::rtp::{Arrived, Assembly, largest_payload, packetise};
use peal_media::video::send::{Outgoing, Sender};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// IP, UDP, RTP and SRTP beside a payload, bytes.
const OVERHEAD: usize = 58;
const VOICE_BYTES: usize = 80 + OVERHEAD;
const FRAME_MS: u64 = 33;
const REPORT_MS: u64 = 50;

/// What a path is like, from a moment on.
#[derive(Debug, Clone, Copy)]
pub struct Stretch {
    /// From this second on.
    pub from: f64,
    pub kbps: f64,
    /// Share of packets lost at random, in both directions.
    pub loss: f64,
}

/// One run.
#[derive(Debug, Clone)]
pub struct Run {
    pub path: Vec<Stretch>,
    /// One way, ms.
    pub delay_ms: u64,
    pub jitter_ms: u64,
    /// The longest wait before the throttle, ms.
    pub queue_ms: u64,
    pub max_kbps: f64,
    pub seconds: u64,
    pub seed: u64,
    pub video: bool,
}

impl Default for Run {
    fn default() -> Self {
        Self {
            path: vec![Stretch { from: 0.0, kbps: 5_000.0, loss: 0.0 }],
            delay_ms: 30,
            jitter_ms: 0,
            queue_ms: 200,
            max_kbps: 900.0,
            seconds: 30,
            seed: 1,
            video: true,
        }
    }
}

/// What one run brought, second by second and in sum.
#[derive(Debug, Default)]
pub struct Outcome {
    /// At the end of each second: the estimate, and what came of pictures in it, kbit/s.
    pub estimate: Vec<f64>,
    pub received: Vec<f64>,
    /// Each picture that was put together: when, and how long after it was made, ms.
    pub pictures: Vec<(u64, u64)>,
    /// Each packet of voice that came: when it left, and how long it took, ms.
    pub voice: Vec<(u64, f64)>,
    pub voice_sent: u64,
    pub repeats: u64,
    pub key_frames_asked: u64,
}

impl Outcome {
    /// Gaps between pictures of more than this from a second on, ms.
    pub fn gaps(&self, more_than_ms: u64, from_s: u64) -> Vec<u64> {
        let times: Vec<u64> = self.pictures.iter().map(|&(at, _)| at).filter(|&at| at >= from_s * 1000).collect();
        times.windows(2).map(|pair| pair[1] - pair[0]).filter(|&gap| gap > more_than_ms).collect()
    }

    /// What share of the pictures of a span was no older than this, ms.
    pub fn picture_delay(&self, part: f64, from_s: u64, to_s: u64) -> f64 {
        let within = |&&(at, _): &&(u64, u64)| at >= from_s * 1000 && at < to_s * 1000;
        rank(self.pictures.iter().filter(within).map(|&(_, delay)| delay as f64).collect(), part)
    }

    pub fn voice_delay(&self, part: f64, from_s: u64, to_s: u64) -> f64 {
        let within = |&&(at, _): &&(u64, f64)| at >= from_s * 1000 && at < to_s * 1000;
        rank(self.voice.iter().filter(within).map(|&(_, delay)| delay).collect(), part)
    }

    pub fn voice_lost(&self) -> f64 {
        1.0 - self.voice.len() as f64 / self.voice_sent.max(1) as f64
    }

    /// Mean of what came of pictures in a span, kbit/s.
    pub fn mean_received(&self, from_s: usize, to_s: usize) -> f64 {
        let part = &self.received[from_s.min(self.received.len())..to_s.min(self.received.len())];
        part.iter().sum::<f64>() / part.len().max(1) as f64
    }
}

fn rank(mut values: Vec<f64>, part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(((values.len() as f64 * part) as usize).min(values.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
}

enum Load {
    Picture(Outgoing),
    Voice(u64),
}

struct Path {
    under_way: VecDeque<(f64, Load)>,
    free_at: f64,
    last: f64,
}

impl Run {
    pub fn go(&self) -> Outcome {
        let origin = Instant::now();
        let at = |ms: u64| origin + Duration::from_millis(ms);
        let mut random = StdRng::seed_from_u64(self.seed);
        let mut sender = Sender::new(origin, 0);
        sender.set_can_repeat(true);
        sender.set_need(self.max_kbps * 1.3);
        let mut assembly = Assembly::default();
        let mut path = Path { under_way: VecDeque::new(), free_at: 0.0, last: 0.0 };
        let mut made: VecDeque<(u32, u64)> = VecDeque::new();
        let mut key_wanted = true;
        let mut number = 0_u32;
        let mut arrivals: Vec<Acknowledged> = Vec::new();
        let mut told_up_to: Option<u16> = None;
        let mut back: VecDeque<(u64, Back)> = VecDeque::new();
        let mut received_bytes = 0_usize;
        let mut outcome = Outcome::default();
        for ms in 0..self.seconds * 1000 {
            let now = at(ms);
            let stretch =
                *self.path.iter().rev().find(|stretch| stretch.from * 1000.0 <= ms as f64).unwrap_or(&self.path[0]);
            if ms % 20 == 0 {
                outcome.voice_sent += 1;
                self.enter(&mut path, ms, VOICE_BYTES, Load::Voice(ms), &stretch, &mut random);
            }
            if self.video && ms % FRAME_MS == 0 {
                if sender.drop_hopeless() {
                    key_wanted = true;
                }
                let kbps = sender.allowance_kbps().min(self.max_kbps);
                // Below this the layers have no picture.
                if !sender.is_busy() && kbps > 15.0 {
                    let mean = kbps * 125.0 * FRAME_MS as f64 / 1000.0;
                    let size = if key_wanted { mean * 5.0 + 1_000.0 } else { mean * random.random_range(0.7..1.3) };
                    let kind = if std::mem::take(&mut key_wanted) { 0x65 } else { 0x41 };
                    let mut unit = vec![0x55; (size as usize).max(60)];
                    unit[0] = kind;
                    let payloads = packetise([Bytes::from(unit)], largest_payload(kbps as u32));
                    sender.push(now, number * 3000, &payloads, kind == 0x65);
                    made.push_back((number * 3000, ms));
                    number += 1;
                }
            }
            if self.video {
                while let Some(packet) = sender.poll(now) {
                    let bytes = packet.payload.len() + OVERHEAD;
                    self.enter(&mut path, ms, bytes, Load::Picture(packet), &stretch, &mut random);
                }
            }
            while path.under_way.front().is_some_and(|(due, _)| *due <= ms as f64) {
                let Some((due, load)) = path.under_way.pop_front() else { break };
                match load {
                    Load::Voice(left) => outcome.voice.push((left, due - left as f64)),
                    Load::Picture(packet) => {
                        received_bytes += packet.payload.len();
                        let arrived = Some(Duration::from_secs_f64(due / 1000.0));
                        arrivals.push(Acknowledged { sequence: packet.transport, arrived });
                        assembly.insert(Arrived {
                            sequence: packet.sequence,
                            timestamp: packet.timestamp,
                            marker: packet.marker,
                            payload: packet.payload,
                            at: now,
                        });
                    }
                }
            }
            while let Some(unit) = assembly.poll(now) {
                while made.front().is_some_and(|(stamp, _)| *stamp < unit.timestamp) {
                    made.pop_front();
                }
                if let Some((_, left)) = made.pop_front() {
                    outcome.pictures.push((ms, ms - left));
                }
            }
            let wants = assembly.wants(now);
            outcome.key_frames_asked += u64::from(wants.key_frame);
            // Lost as well, now and then.
            if (!wants.again.is_empty() || wants.key_frame) && !random.random_bool(stretch.loss) {
                back.push_back((ms + self.delay_ms, Back::Wants(wants.again, wants.key_frame)));
            }
            if ms % REPORT_MS == 0 && !arrivals.is_empty() {
                let report = complete(&mut told_up_to, &std::mem::take(&mut arrivals));
                if !random.random_bool(stretch.loss) {
                    back.push_back((ms + self.delay_ms, Back::Report(report)));
                }
            }
            while back.front().is_some_and(|(due, _)| *due <= ms) {
                match back.pop_front() {
                    Some((_, Back::Report(report))) => sender.acknowledge(now, &report),
                    Some((_, Back::Wants(again, key))) => {
                        sender.ask_again(now, again);
                        key_wanted |= key && sender.owes_key_frame(now);
                    }
                    None => {}
                }
            }
            if ms % 1000 == 999 {
                outcome.estimate.push(sender.estimate_kbps());
                outcome.received.push(std::mem::take(&mut received_bytes) as f64 * 8.0 / 1000.0);
            }
        }
        outcome.repeats = sender.counts().repeats;
        outcome
    }

    fn enter(&self, path: &mut Path, ms: u64, bytes: usize, load: Load, stretch: &Stretch, random: &mut StdRng) {
        if random.random_bool(stretch.loss) {
            return;
        }
        let start = path.free_at.max(ms as f64);
        if start - ms as f64 > self.queue_ms as f64 {
            return;
        }
        path.free_at = start + bytes as f64 * 8.0 / stretch.kbps;
        let due = path.free_at + self.delay_ms as f64 + random.random::<f64>() * self.jitter_ms as f64;
        path.last = path.last.max(due);
        path.under_way.push_back((path.last, load));
    }
}

enum Back {
    Report(Vec<Acknowledged>),
    Wants(Vec<u16>, bool),
}

/// A report names every packet since the last one, those that did not come too.
fn complete(told_up_to: &mut Option<u16>, arrivals: &[Acknowledged]) -> Vec<Acknowledged> {
    let first = told_up_to.map_or(arrivals[0].sequence, |last| last.wrapping_add(1));
    let last = arrivals.iter().map(|told| told.sequence).max_by_key(|sequence| sequence.wrapping_sub(first) as i16);
    let last = last.unwrap_or(first);
    *told_up_to = Some(last);
    let count = last.wrapping_sub(first).wrapping_add(1);
    (0..count)
        .map(|step| {
            let sequence = first.wrapping_add(step);
            let arrived = arrivals.iter().find(|told| told.sequence == sequence).and_then(|told| told.arrived);
            Acknowledged { sequence, arrived }
        })
        .collect()
}
