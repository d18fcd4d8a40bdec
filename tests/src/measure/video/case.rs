//! What is measured, of whichever program: a call over a path, and what came of it.

use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::film::Film;
use super::seen::Seen;
use crate::measure::process::Family;
use crate::path::{Carried, Path, Quality};

/// kbit/s that a picture may take at most, with either program.
pub const MOST_KBPS: u32 = 2_500;

/// kbit/s that one of nine pictures may take at most.
pub const TILE_KBPS: u32 = 900;

/// A call from the first end to the second.
#[derive(Debug, Clone)]
pub struct Case {
    /// What the path is like from when on, in seconds since the first picture; the first is from the beginning.
    pub path: Vec<(f64, Quality)>,
    /// How long it lasts after the first picture, s.
    pub seconds: f64,
    /// Whose cameras are on.
    pub cameras: [bool; 2],
    /// Whether pictures are kept, to be compared.
    pub stills: bool,
    /// Whether Chromium is to keep the picture's size, rather than the number of pictures.
    pub whole: bool,
    /// Which packets are lost.
    pub seed: u64,
}

/// What both ends are given.
pub struct Props<'a> {
    /// What the cameras see.
    pub film: &'a Film,
    /// What is spoken, a WAV file of 48 kHz.
    pub said: PathBuf,
}

/// What came of it.
#[derive(Default)]
pub struct Outcome {
    /// The first end's picture at the second.
    pub seen: Seen,
    /// The moment from which the case counts: when the first picture came, ms since the Unix epoch; without a camera, when
    /// they were connected.
    pub begun: f64,
    /// The end of the case, ms since the Unix epoch.
    pub ended: f64,
    /// From the answer to the first picture, ms.
    pub first_picture: Option<f64>,
    /// Percent of a core of each end, all its processes, from 5 s on.
    pub cpu: [f64; 2],
    /// What the second end heard, mono 48 kHz.
    pub heard: Vec<i16>,
    /// What the second end's jitter buffer did to it.
    pub buffered: Buffered,
    /// What the path carried from the first end to the second, with the moment in ms since the Unix epoch and the bytes.
    pub carried: Vec<(f64, usize)>,
    /// What the picture was coded as, if known.
    pub codec: Option<String>,
    /// How late this program woke from its short sleeps meanwhile, ms: what the machine had left for anybody.
    pub late: Vec<f64>,
    /// For how many seconds the sender says that it lowered the picture for want of processor, and of path.
    pub lowered: [f64; 2],
}

/// What a jitter buffer did to a voice, as its program counts it, ms; from the beginning of the call on.
#[derive(Debug, Clone, Copy)]
pub struct Buffered {
    /// Made up for what did not come in time.
    pub concealed: f64,
    /// Taken out and put in by playing faster and slower.
    pub stretched: f64,
    /// How long it waited there: Peal's at the end, Chromium's mean.
    pub waited: f64,
}

impl Default for Buffered {
    fn default() -> Self {
        Self { concealed: f64::NAN, stretched: f64::NAN, waited: f64::NAN }
    }
}

/// What came of a call in which one sees eight others.
pub struct Tiles {
    /// What was seen of each.
    pub seen: Vec<Seen>,
    /// When all of them were there, ms since the Unix epoch.
    pub begun: f64,
    /// The end, ms since the Unix epoch.
    pub ended: f64,
    /// Percent of a core of the one, and of all others together.
    pub cpu: [f64; 2],
}

impl Case {
    /// A call with the first end's camera on, over a path that stays as it is.
    pub fn steady(quality: Quality, seconds: f64) -> Self {
        Self { path: vec![(0.0, quality)], seconds, cameras: [true, false], stills: true, whole: false, seed: 1 }
    }

    /// The same without a picture.
    #[must_use]
    pub fn voice_alone(&self) -> Self {
        Self { cameras: [false, false], stills: false, ..self.clone() }
    }
}

/// Now, ms since the Unix epoch.
pub fn now_ms() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64() * 1_000.0)
}

/// The moments of what was carried on the clock of the pictures.
pub fn on_clock(carried: Carried) -> Vec<(f64, usize)> {
    let (now, moment) = (now_ms(), Instant::now());
    let at = |it: Instant| now - moment.saturating_duration_since(it).as_secs_f64() * 1_000.0;
    carried.into_iter().map(|(moment, bytes)| (at(moment), bytes)).collect()
}

/// What was measured while a case was lived through.
pub struct Lived {
    /// As in [`Outcome::cpu`].
    pub cpu: [f64; 2],
    /// As in [`Outcome::late`].
    pub late: Vec<f64>,
}

/// Lives through a case on a path: changes it when the time has come, and measures what the ends cost from 5 s on.
pub fn live(case: &Case, path: &Path, begun: f64, pids: [u32; 2]) -> Lived {
    const NAP: Duration = Duration::from_millis(10);
    let mut changes = case.path.iter().skip(1).copied().collect::<Vec<_>>().into_iter().peekable();
    let mut families: Option<[Family; 2]> = None;
    let mut late = Vec::new();
    loop {
        let gone = (now_ms() - begun) / 1_000.0;
        if gone >= case.seconds {
            let cpu = families.map_or([f64::NAN; 2], |families| families.map(|it| it.cpu_percent()));
            return Lived { cpu, late };
        }
        if families.is_none() && gone >= 5.0 {
            families = Some(pids.map(Family::begin));
        }
        if let Some((_, quality)) = changes.next_if(|(at, _)| gone >= *at) {
            path.set(quality);
        }
        let asleep = Instant::now();
        std::thread::sleep(NAP);
        late.push(asleep.elapsed().saturating_sub(NAP).as_secs_f64() * 1_000.0);
    }
}
