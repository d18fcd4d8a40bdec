//! Seeded storms: people press every button at the worst moment, programs and lines die and come back, and nothing
//! gets stuck.

#![allow(dead_code, missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "shared by several programs")]

mod buttons;
mod checks;

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use peal_call::{CallId, DeviceAddress, UserId};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::rig::{Town, Weather, address};

const PEOPLE: [&str; 9] = ["ann", "bob", "cat", "dan", "eve", "fay", "gus", "hal", "ida"];
const DEVICES: [&str; 3] = ["desk", "lap", "tab"];

/// What a storm does to the signals and the programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// No signal is late, none is lost: one thing at a time.
    Calm,
    /// Signals cross, overtake each other and come twice, but all come; no program dies.
    Crossing,
    /// Anything goes.
    Rough,
}

/// What one seed did.
#[derive(Debug, Clone, Copy, Default)]
pub struct Outcome {
    pub steps: u64,
    pub calls: u64,
    pub connected: u64,
}

pub struct Storm {
    pub seed: u64,
    pub kind: Kind,
    pub town: Town,
    pub users: Vec<UserId>,
    /// Rings without an invitation behind them, and since when.
    orphans: HashMap<(usize, CallId), Instant>,
    /// Calls that rang or ran on a device of this run of its program.
    seen: HashSet<(usize, CallId)>,
    /// Calls in which the two ends talked.
    connected: HashSet<CallId>,
    calls: u64,
}

impl Storm {
    pub fn new(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed ^ 0x5eed);
        let kind = match random.random_range(0..4) {
            0 => Kind::Calm,
            1 => Kind::Crossing,
            _ => Kind::Rough,
        };
        let people = match random.random_range(0..10) {
            0..4 => 2,
            4..7 => 3,
            7..9 => random.random_range(4..=5),
            _ => random.random_range(6..=9),
        };
        let mut names: Vec<DeviceAddress> = Vec::new();
        for person in &PEOPLE[..people] {
            let devices = if random.random_bool(0.6) { 1 } else { random.random_range(2..=3) };
            for device in &DEVICES[..devices] {
                names.push(address(&format!("{person}/{device}")));
            }
        }
        let mut users: Vec<UserId> = names.iter().map(|name| name.user.clone()).collect();
        users.dedup();
        let mut town = Town::of(names, seed);
        town.keeps_log = false;
        town.weather = match kind {
            Kind::Calm => Weather { loss: 0.0, repeat: 0.2, delay_ms: (1, 1), stuck: 0, control: true },
            Kind::Crossing => {
                let worst = [30, 300, 3_000][random.random_range(0..3)];
                Weather { loss: 0.0, repeat: 0.2, delay_ms: (1, worst), stuck: 0, control: random.random() }
            }
            Kind::Rough => Weather {
                loss: [0.01, 0.05, 0.15, 0.4][random.random_range(0..4)],
                repeat: 0.2,
                delay_ms: (1, [50, 1_000, 3_000][random.random_range(0..3)]),
                stuck: random.random_range(0..20),
                control: true,
            },
        };
        Self {
            seed,
            kind,
            town,
            users,
            orphans: HashMap::new(),
            seen: HashSet::new(),
            connected: HashSet::new(),
            calls: 0,
        }
    }

    /// Keeps a story of what was pressed.
    pub fn telling(mut self) -> Self {
        self.town.story = Some(Vec::new());
        self
    }

    /// The storm, a calm of a minute, everyone hangs up, and silence.
    pub fn run(&mut self) -> Result<Outcome, String> {
        self.set_up();
        let presses = self.town.random.random_range(20..60);
        for _ in 0..presses {
            self.press_something();
            let pause = match (self.kind, self.town.random.random_range(0..10)) {
                (Kind::Calm, 0..7) => self.town.random.random_range(60..3_000),
                (Kind::Crossing | Kind::Rough, 0..3) => self.town.random.random_range(0..40),
                (Kind::Crossing | Kind::Rough, 3..7) => self.town.random.random_range(0..3_000),
                (_, 7..9) => self.town.random.random_range(100..8_000),
                _ => self.town.random.random_range(5_000..40_000),
            };
            self.town.run(Duration::from_millis(pause));
            self.check_always()?;
        }
        self.clear_up();
        self.town.run(Duration::from_secs(75));
        self.check_always()?;
        self.check_converged()?;
        self.hang_up_all();
        self.town.run(Duration::from_secs(215));
        self.check_always()?;
        self.check_over()?;
        self.check_histories()?;
        Ok(Outcome { steps: self.town.steps, calls: self.calls, connected: self.connected.len() as u64 })
    }

    /// Walls fall, lines are up, and every signal comes at once.
    fn clear_up(&mut self) {
        self.tell("the storm is over");
        let late = self.town.weather.delay_ms.1;
        self.town.weather = Weather { loss: 0.0, repeat: 0.1, delay_ms: (1, late.min(200)), stuck: 0, control: true };
        for (a, b) in self.town.walls.clone() {
            self.town.tear_down_wall(a, b);
        }
        for place in 0..self.town.devices.len() {
            let device = &self.town.devices[place];
            if device.alive && !device.online {
                self.town.connect(place);
            }
        }
    }

    fn hang_up_all(&mut self) {
        for place in 0..self.town.devices.len() {
            for call in self.town.devices[place].shown().iter() {
                self.feed(place, peal_call::Input::Hangup { call: call.id });
            }
            self.town.run(Duration::from_millis(if self.kind == Kind::Calm { 40 } else { 5 }));
        }
    }

    fn tell(&mut self, what: &str) {
        self.town.tell(|_| format!("== {what}"));
    }

    fn feed(&mut self, place: usize, input: peal_call::Input) {
        self.town.feed(place, input);
    }

    fn fault(&self, what: impl std::fmt::Display) -> String {
        format!("seed {} ({:?}) at {:.3} s: {what}", self.seed, self.kind, self.town.elapsed().as_secs_f64())
    }
}
