//! Seeded storms over towns of two to nine people, each with one to three devices.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod rig;
mod storm;

use storm::Storm;

#[test]
fn nothing_gets_stuck_and_everyone_agrees_whatever_happens() {
    let failures: Vec<_> = (0..1_000).filter_map(|seed| Storm::new(seed).run().err()).collect();
    assert!(failures.is_empty(), "{} of 1,000 seeds failed; the first: {}", failures.len(), failures[0]);
}
