//! What was seen of a call, on the same footing whoever made it: which picture was there to be drawn at which moment.

use super::film::{Film, LENGTH, RATE};
use super::likeness::likeness;

/// A gap between two pictures that a person takes for a freeze, ms.
pub const FREEZE: f64 = 500.0;

/// How long the film is, ms.
const ROUND: f64 = LENGTH as f64 * 1_000.0 / RATE as f64;

/// One picture that was there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sight {
    /// When, ms since the Unix epoch.
    pub at: f64,
    /// Its number in the film; none if it could not be read.
    pub number: Option<u64>,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
}

/// A picture that was kept.
pub struct Still {
    /// Which.
    pub sight: Sight,
    /// Its luma, `width` times `height`.
    pub luma: Vec<u8>,
}

/// What the sender's camera gave, and what the other side saw of it.
#[derive(Default)]
pub struct Seen {
    /// The camera's pictures, in the sender.
    pub sent: Vec<Sight>,
    /// The same, at the other side.
    pub came: Vec<Sight>,
    /// Some of those.
    pub stills: Vec<Still>,
}

impl Seen {
    /// How old each picture was when it was there at the other side, ms, with the moment: from the camera of the one to the
    /// screen of the other, without either's driver.
    pub fn ages(&self) -> Vec<(f64, f64)> {
        let mut ages = Vec::new();
        let mut next = 0;
        for sight in self.came.iter().filter(|sight| sight.number.is_some_and(|it| it < LENGTH)) {
            while self.sent.get(next).is_some_and(|sent| sent.at <= sight.at) {
                next += 1;
            }
            let mut earlier = self.sent[..next].iter().rev().take(LENGTH as usize);
            // A whole round ago is another picture: the camera's own was missed.
            let known = earlier.find(|sent| sent.number == sight.number && sight.at - sent.at < ROUND);
            if let Some(sent) = known {
                ages.push((sight.at, sight.at - sent.at));
            }
        }
        ages
    }

    /// When new pictures came between two moments, ms since the Unix epoch.
    pub fn times(&self, from: f64, until: f64) -> Vec<f64> {
        let mut last = None;
        let fresh = self.came.iter().filter(|sight| {
            let fresh = sight.number.is_none() || sight.number != last;
            last = sight.number;
            fresh && sight.at >= from && sight.at < until
        });
        fresh.map(|sight| sight.at).collect()
    }

    /// Pictures in each whole second between two moments.
    pub fn rates(&self, from: f64, until: f64) -> Vec<f64> {
        let times = self.times(from, until);
        let seconds = ((until - from) / 1_000.0).floor().max(0.0) as usize;
        let mut rates = vec![0.0; seconds];
        for at in times {
            if let Some(rate) = rates.get_mut(((at - from) / 1_000.0) as usize) {
                *rate += 1.0;
            }
        }
        rates
    }

    /// Gaps of more than [`FREEZE`] between two moments, ms: also one that the end cuts off.
    pub fn freezes(&self, from: f64, until: f64) -> Vec<f64> {
        let mut times = self.times(from, until);
        times.push(until);
        times.windows(2).map(|pair| pair[1] - pair[0]).filter(|gap| *gap > FREEZE).collect()
    }

    /// How like the sent picture each still between two moments is: SSIM (0 to 1), PSNR (dB).
    pub fn likenesses(&self, film: &Film, from: f64, until: f64) -> Vec<(f64, f64)> {
        let counted = self.stills.iter().filter(|still| still.sight.at >= from && still.sight.at < until);
        let compared = counted.filter_map(|still| {
            let sent = film.luma(still.sight.number?)?;
            let size = (still.sight.width, still.sight.height);
            (still.luma.len() == size.0 as usize * size.1 as usize)
                .then(|| likeness(sent, (film.width, film.height), &still.luma, size))
        });
        compared.collect()
    }

    /// The lines of the picture, as most of them came between two moments.
    pub fn lines(&self, from: f64, until: f64) -> Vec<f64> {
        self.came.iter().filter(|it| it.at >= from && it.at < until).map(|it| f64::from(it.height)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sights(times: impl IntoIterator<Item = (f64, u64)>) -> Vec<Sight> {
        times.into_iter().map(|(at, number)| Sight { at, number: Some(number), width: 16, height: 16 }).collect()
    }

    #[test]
    fn an_age_counts_from_the_last_time_that_the_picture_was_sent() {
        let sent = sights((0..400).map(|at| (at as f64 * 33.0, at % LENGTH)));
        let came = sights([(100.0, 1), (200.0 * 33.0 + 90.0, 20)]);
        let seen = Seen { sent, came, stills: Vec::new() };
        assert_eq!(seen.ages(), [(100.0, 67.0), (6_690.0, 90.0)]);
    }

    #[test]
    fn a_freeze_is_a_gap_also_at_the_end() {
        let came = sights([(0.0, 1), (100.0, 2), (900.0, 3), (950.0, 3), (1_000.0, 4)]);
        let seen = Seen { sent: Vec::new(), came, stills: Vec::new() };
        assert_eq!(seen.freezes(0.0, 1_400.0), [800.0]);
        assert_eq!(seen.freezes(0.0, 2_000.0), [800.0, 1_000.0]);
        assert_eq!(seen.rates(0.0, 2_000.0), [3.0, 1.0]);
    }
}
