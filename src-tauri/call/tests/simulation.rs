//! Seeded storms: people press every button at the worst moment, and nothing gets stuck.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod rig;

use std::collections::HashMap;
use std::time::Duration;

use peal_call::{CallId, CallState, Input, RecordStatus};
use rand::Rng;
use rig::{Town, Weather};

const NAMES: [&str; 6] = ["ann/desk", "ann/lap", "bob/desk", "bob/lap", "cat/desk", "dan/desk"];
const USERS: [&str; 4] = ["ann", "bob", "cat", "dan"];

fn press_something(town: &mut Town, kills: bool) {
    let name = NAMES[town.random.random_range(0..NAMES.len())];
    let shown = town.device(name).phone.snapshot();
    let any = (!shown.is_empty()).then(|| shown[town.random.random_range(0..shown.len())].id);
    match (town.random.random_range(0..12), any) {
        (0..4, _) => {
            let to = USERS[town.random.random_range(0..USERS.len())];
            if !name.starts_with(to) {
                town.call(name, to);
            }
        }
        (4..7, Some(call)) => town.wish(name, Input::Accept { call }),
        (7, Some(call)) => town.wish(name, Input::Reject { call, message: None }),
        (8, Some(call)) => town.wish(name, Input::Hangup { call }),
        (9, _) => {
            let muted = town.random.random();
            town.wish(name, Input::SetMuted { muted });
        }
        (10, _) if kills => {
            if town.device(name).alive {
                town.kill(name);
            } else {
                town.revive(name);
            }
        }
        _ => {}
    }
}

fn check_always(town: &Town) {
    let mut talking: HashMap<CallId, Vec<&str>> = HashMap::new();
    for name in NAMES {
        let device = town.device(name);
        if !device.alive {
            continue;
        }
        let shown = device.phone.snapshot();
        let live = shown.iter().filter(|call| !matches!(call.state, CallState::Ended(_))).count();
        assert!(live <= 1, "{name} is in {live} calls at once");
        assert!(
            live == 0
                || device.phone.poll_timeout().is_some()
                || shown.iter().any(|it| it.state == CallState::Connected)
        );
        assert!(device.open.len() <= 2, "{name} holds {} peer connections", device.open.len());
        for call in shown.iter().filter(|call| call.state == CallState::Connected) {
            talking.entry(call.id).or_default().push(name);
        }
        for record in &device.records {
            assert_eq!(
                device.records.iter().filter(|it| it.call == record.call).count(),
                1,
                "{name}: one record a call"
            );
        }
    }
    for (call, names) in talking {
        assert!(names.len() <= 2, "{call} is talked in by {names:?}");
    }
}

fn storm(seed: u64, weather: Weather, kills: bool) -> Town {
    let mut town = Town::new(&NAMES, seed);
    town.weather = weather;
    for _ in 0..60 {
        press_something(&mut town, kills);
        // Without kills, no two presses cross on the wire: then both sides must agree.
        let pause = town.random.random_range(if kills { 0 } else { 20 }..4_000);
        town.run(Duration::from_millis(pause));
        check_always(&town);
    }
    // Everyone puts the phone down; what is left must end by itself.
    for name in NAMES {
        for call in town.device(name).phone.snapshot() {
            town.wish(name, Input::Hangup { call: call.id });
        }
        town.run(Duration::from_millis(20));
    }
    town.run(Duration::from_secs(200));
    check_always(&town);
    for name in NAMES.iter().filter(|name| town.device(name).alive) {
        let device = town.device(name);
        assert_eq!(device.phone.snapshot(), [], "seed {seed}: {name} is stuck");
        assert_eq!(device.phone.poll_timeout(), None, "seed {seed}: {name} still waits for something");
        assert!(device.open.is_empty(), "seed {seed}: {name} left a peer connection open");
    }
    town
}

#[test]
fn nothing_gets_stuck_whatever_the_link_does() {
    let rough = Weather { loss: 0.15, repeat: 0.2, delay_ms: (1, 3_000) };
    for seed in 0..400 {
        storm(seed, rough, true);
    }
}

#[test]
fn on_a_calm_link_both_histories_agree() {
    let calm = Weather { loss: 0.0, repeat: 0.2, delay_ms: (1, 1) };
    for seed in 0..400 {
        let town = storm(seed, calm, false);
        let mut seen: HashMap<CallId, Vec<(&str, RecordStatus)>> = HashMap::new();
        for name in NAMES {
            for record in &town.device(name).records {
                seen.entry(record.call).or_default().push((name, record.status));
            }
        }
        for (call, statuses) in seen {
            let first = statuses[0].1;
            assert!(statuses.iter().all(|(_, status)| *status == first), "seed {seed}: {call}: {statuses:?}");
        }
    }
}
