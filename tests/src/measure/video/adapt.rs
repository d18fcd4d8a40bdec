//! How soon a program has found its way when the path has changed.

use super::seen::Seen;
use crate::measure::Spread;

/// A stretch of a second is looked at each so many ms.
const STEP: f64 = 250.0;
/// As much older than before may a picture be that is in time again, ms.
const OLDER: f64 = 200.0;
/// So many pictures a second are a moving picture.
const MOVING: usize = 10;
/// This share of what was carried before is as much as before.
const SHARE: f64 = 0.8;

/// How long after `drop` (ms since the Unix epoch) pictures are in time and moving again, and stay so until `back`, ms; none
/// if that never happens. In time: no more than 200 ms older, in the median of a second, than in the five seconds before.
pub fn settled(seen: &Seen, drop: f64, back: f64) -> Option<f64> {
    let ages = seen.ages();
    let median = |from: f64, until: f64| {
        Spread::new(ages.iter().filter(|(at, _)| *at >= from && *at < until).map(|(_, age)| *age)).median()
    };
    let before = median(drop - 5_000.0, drop)?;
    let good = |from: f64| {
        let until = from + 1_000.0;
        median(from, until).is_some_and(|age| age <= before + OLDER) && seen.times(from, until).len() >= MOVING
    };
    let mut since = None;
    let mut from = drop;
    while from + 1_000.0 <= back {
        since = if good(from) { since.or(Some(from)) } else { None };
        from += STEP;
    }
    since.map(|since| since - drop)
}

/// How long after `back` the path carries as much again, four fifths of it, as in the five seconds before `drop`, ms; none if
/// that never happens until `end`. All moments are ms since the Unix epoch.
pub fn recovered(carried: &[(f64, usize)], [drop, back, end]: [f64; 3]) -> Option<f64> {
    let bytes = |from: f64, until: f64| -> f64 {
        carried.iter().filter(|(at, _)| *at >= from && *at < until).map(|(_, bytes)| *bytes as f64).sum()
    };
    let before = bytes(drop - 5_000.0, drop) / 5.0;
    let mut from = back;
    while from + 1_000.0 <= end {
        if bytes(from, from + 1_000.0) >= before * SHARE {
            return Some(from - back);
        }
        from += STEP;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::film::LENGTH;
    use super::super::seen::Sight;
    use super::*;

    #[test]
    fn settled_is_when_pictures_are_in_time_for_good() {
        let sight = |at: f64, number: u64| Sight { at, number: Some(number % LENGTH), width: 16, height: 16 };
        let sent: Vec<_> = (0..600).map(|at| sight(at as f64 * 33.0, at)).collect();
        let late = |at: f64| if (10_000.0..12_000.0).contains(&at) { 600.0 } else { 50.0 };
        let came = sent.iter().map(|it| Sight { at: it.at + late(it.at), ..*it }).collect();
        let seen = Seen { sent, came, stills: Vec::new() };
        let took = settled(&seen, 10_000.0, 19_000.0);
        assert!(took.is_some_and(|took| (1_500.0..2_600.0).contains(&took)), "{took:?}");
        assert_eq!(settled(&seen, 10_000.0, 11_500.0), None);
    }

    #[test]
    fn recovered_is_when_as_much_is_carried_again() {
        let carried: Vec<_> = (0..3_000)
            .map(|at| f64::from(at) * 10.0)
            .map(|at| (at, if (10_000.0..23_000.0).contains(&at) { 100 } else { 1_000 }))
            .collect();
        let took = recovered(&carried, [10_000.0, 20_000.0, 29_000.0]);
        assert!(took.is_some_and(|took| (2_500.0..=3_000.0).contains(&took)), "{took:?}");
        assert_eq!(recovered(&carried, [10_000.0, 20_000.0, 23_000.0]), None);
    }
}
