//! Arbitrary inputs in arbitrary order: a phone never panics, and keeps only so much in mind.
//!
//! Coverage-guided fuzzing needs a nightly compiler; this runs on the stable one, seeded, with inputs drawn from a small
//! world so that they meet. `PEAL_FUZZ_SEEDS` sets how many sequences are tried.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod fuzz_inputs;
#[path = "rig/mod.rs"]
mod rig;

use std::time::{Duration, Instant};

use fuzz_inputs::Inputs;
use peal_call::{Alert, CALL_LIMIT, CallState, MEMBER_LIMIT, MemberState, Phone, PhoneConfig};
use rig::address;

/// What a phone may keep in mind: calls with their lists, senders, calls that are over.
const KEPT_LIMIT: usize = 2_500;
/// Calls that may be shown: open and silent ones, and those that have just ended.
const SHOWN_LIMIT: usize = 64;

fn start() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "the origin of the virtual clock")]
    Instant::now()
}

/// Feeds one sequence, and checks what must hold after each input. Says whether anybody talked, and in a group.
fn feed(seed: u64, length: usize) -> (bool, bool) {
    let (mut talked, mut grouped) = (false, false);
    let start = start();
    let mut now = start;
    let me = address("ann/desk");
    let mut phone = Phone::new(PhoneConfig { me: me.clone() });
    let mut inputs = Inputs::new(seed);
    for step in 0..length {
        if inputs.chance(6) {
            let most = if inputs.chance(4) { 40_000 } else { 3_000 };
            now += Duration::from_millis(inputs.below(most));
            phone.handle_timeout(now);
        } else {
            phone.handle_input(now, inputs.next(&phone));
        }
        while let Some(output) = phone.poll_output() {
            inputs.hear(&me, output);
        }
        check(&phone, seed, step);
        for call in phone.snapshot().iter().filter(|call| call.state == CallState::Connected) {
            talked = true;
            let joined = call.members.iter().filter(|member| member.state == MemberState::Joined).count();
            grouped |= joined > 1;
        }
    }
    // Left alone, all that has a timeout ends; what talks goes on until it is put down.
    for call in phone.snapshot() {
        phone.handle_input(now, peal_call::Input::Hangup { call: call.id });
    }
    for _ in 0..10_000 {
        let Some(at) = phone.poll_timeout() else { break };
        now = at.max(now);
        phone.handle_timeout(now);
        while phone.poll_output().is_some() {}
    }
    assert_eq!(phone.snapshot(), [], "seed {seed}: something never ends");
    assert_eq!(phone.poll_timeout(), None, "seed {seed}");
    (talked, grouped)
}

fn check(phone: &Phone, seed: u64, step: usize) {
    let shown = phone.snapshot();
    let open = shown.iter().filter(|call| !call.is_over() && call.alert != Some(Alert::Silent)).count();
    assert!(open <= CALL_LIMIT + 1, "seed {seed}, step {step}: {open} calls");
    assert!(shown.len() <= SHOWN_LIMIT, "seed {seed}, step {step}: {} calls are shown", shown.len());
    for call in &shown {
        let here = call.members.iter().filter(|member| member.state != MemberState::Left).count();
        assert!(here < MEMBER_LIMIT, "seed {seed}, step {step}: {here} others in a call");
    }
    assert!(phone.kept() <= KEPT_LIMIT, "seed {seed}, step {step}: {} things kept", phone.kept());
}

#[test]
fn no_sequence_of_inputs_breaks_a_phone() {
    let seeds = std::env::var("PEAL_FUZZ_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(400);
    let reached: Vec<_> = (0..seeds).map(|seed| feed(seed, 400)).collect();
    // Inputs that meet nothing would prove nothing.
    let talked = reached.iter().filter(|(talked, _)| *talked).count() as u64;
    let grouped = reached.iter().filter(|(_, grouped)| *grouped).count() as u64;
    assert!(talked * 4 > seeds && grouped * 10 > seeds, "{talked} talked, {grouped} in groups, of {seeds}");
}

#[test]
fn a_long_life_keeps_no_more_in_mind_than_a_short_one() {
    feed(1_000_000, 60_000);
}
