//! Who gets which layer.

use crate::video::VideoQuality;
use crate::video::layer::{Layer, need_kbps};

use super::taking::{Taker, Wish};

/// A small layer narrower than this is not worth having beside the large one, pixels.
const LEAST_SMALL: u32 = 240;
/// A tile this much larger than a layer still looks well with it.
const SLACK: f64 = 1.2;

/// The size of the small layer beside a large one.
pub(super) fn small(full: (u32, u32)) -> (u32, u32) {
    ((full.0 / 4) * 2, (full.1 / 4) * 2)
}

/// Puts every taker to the layer that suits its tile and its path. Of several who could use the large one, those whose
/// paths carry much less than the best's do not hold the others back.
pub(super) fn assign(takers: &mut [Taker], full: (u32, u32), quality: &VideoQuality) {
    let small = small(full);
    if small.0.max(small.1) < LEAST_SMALL {
        for taker in takers.iter_mut() {
            taker.assigned = taker.wish.map(|_| Layer::Large);
        }
        return;
    }
    let could_use_large = |wish: &Wish| {
        f64::from(wish.size.0) > f64::from(small.0) * SLACK && f64::from(wish.size.1) > f64::from(small.1) * SLACK
    };
    let best = takers
        .iter()
        .filter_map(|taker| taker.wish.as_ref())
        .filter(|wish| could_use_large(wish))
        .map(|wish| wish.allowance_kbps)
        .fold(0.0, f64::max)
        .min(f64::from(quality.max_kbps));
    let enough = need_kbps(full.0, full.1, quality.frame_rate);
    for taker in takers.iter_mut() {
        taker.assigned = taker.wish.map(|wish| {
            if !could_use_large(&wish) {
                return Layer::Small;
            }
            // Who is there already stays longer, for each change costs a key frame.
            let share = if taker.assigned == Some(Layer::Small) { 0.8 } else { 0.5 };
            let holds_back = wish.allowance_kbps < best * share && wish.allowance_kbps < enough * share;
            if holds_back { Layer::Small } else { Layer::Large }
        });
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;

    fn takers(wishes: &[(u32, u32, f64)]) -> Vec<Taker> {
        let taker = |(id, &(width, height, allowance_kbps)): (usize, &(u32, u32, f64))| Taker {
            id: id as u64,
            wish: Some(Wish { size: (width, height), allowance_kbps, busy: false }),
            deliveries: mpsc::channel(1).0,
            current: None,
            assigned: None,
            needs_key: true,
            busy_since: None,
            withheld: false,
        };
        wishes.iter().enumerate().map(taker).collect()
    }

    fn layers(wishes: &[(u32, u32, f64)]) -> Vec<Option<Layer>> {
        let mut takers = takers(wishes);
        assign(
            &mut takers,
            (1280, 720),
            &VideoQuality { width: 1280, height: 720, max_kbps: 2500, ..Default::default() },
        );
        takers.iter().map(|taker| taker.assigned).collect()
    }

    #[test]
    fn small_tiles_get_the_small_layer() {
        assert_eq!(layers(&[(1280, 720, 2000.0), (400, 225, 2000.0)]), [Some(Layer::Large), Some(Layer::Small)]);
    }

    #[test]
    fn a_weak_path_does_not_hold_the_others_back_and_alone_it_has_the_large_layer_to_itself() {
        assert_eq!(layers(&[(1280, 720, 2000.0), (1280, 720, 200.0)]), [Some(Layer::Large), Some(Layer::Small)]);
        assert_eq!(layers(&[(1280, 720, 200.0)]), [Some(Layer::Large)]);
    }
}
