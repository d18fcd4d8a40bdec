//! Every interleaving of one call between two people with two devices each: whatever is answered, declined, withdrawn,
//! put down, lost, repeated, late or dead, in whatever order.

#![allow(dead_code, missing_docs, clippy::unwrap_used, reason = "shared by several programs")]

mod laws;
mod parts;
mod world;

use std::collections::HashSet;
use std::fmt;
use std::time::Instant;

pub use world::{Budget, World};

/// What is explored.
#[derive(Debug, Clone, Copy)]
pub struct Scope {
    pub name: &'static str,
    /// Both call each other.
    pub glare: bool,
    /// Signals from one device to another stay in order, as MQTT keeps them; those that come twice excepted.
    pub ordered: bool,
    pub budget: Budget,
}

/// Nothing goes wrong, and nobody presses anything but answer and decline.
const CALM: Budget = Budget { losses: 0, repeats: 0, crashes: 0, ticks: 0, hangups: 0 };

const fn scope(name: &'static str, glare: bool, ordered: bool, budget: Budget) -> Scope {
    Scope { name, glare, ordered, budget }
}

/// Small enough for every test run.
pub const SMALL: [Scope; 5] = [
    scope("answered, declined, withdrawn, in any order of signals", false, false, Budget { hangups: 1, ..CALM }),
    scope(
        "answered or declined, one signal lost and one repeated",
        false,
        true,
        Budget { losses: 1, repeats: 1, ..CALM },
    ),
    scope("answered or declined, one program dies", false, true, Budget { crashes: 1, ..CALM }),
    scope("answered or declined, signals late by a timeout", false, true, Budget { ticks: 2, ..CALM }),
    scope("both call each other", true, true, CALM),
];

/// All of it.
pub const FULL: [Scope; 5] = [
    scope(
        "answered, declined, withdrawn, late by a timeout, one signal lost and one repeated",
        false,
        true,
        Budget { losses: 1, repeats: 1, ticks: 1, hangups: 1, ..CALM },
    ),
    scope(
        "the same, and one program dies",
        false,
        true,
        Budget { losses: 1, repeats: 1, crashes: 1, hangups: 1, ..CALM },
    ),
    scope(
        "answered, declined, withdrawn, late by a timeout, in any order of signals",
        false,
        false,
        Budget { ticks: 1, hangups: 1, ..CALM },
    ),
    scope("both call each other, and put it down", true, true, Budget { hangups: 1, ..CALM }),
    scope("both call each other, one signal lost", true, true, Budget { losses: 1, ..CALM }),
];

/// What an exploration found.
#[derive(Debug, Clone, Default)]
pub struct Found {
    pub states: u64,
    pub steps: u64,
    /// States in which nothing more can happen.
    pub ends: u64,
    /// All reachable states have been seen.
    pub complete: bool,
    pub violation: Option<String>,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { states, steps, ends, complete, violation } = self;
        let all = if *complete { "all" } else { "not all" };
        let verdict = violation.as_deref().unwrap_or("no violation");
        write!(f, "{states} states ({all} that can be reached), {steps} steps, {ends} ends: {verdict}")
    }
}

/// Explores everything that can be reached, or `most` states of it.
pub fn explore(scope: Scope, most: u64) -> Found {
    #[expect(clippy::disallowed_methods, reason = "the origin of the virtual clock")]
    let start = Instant::now();
    let mut found = Found { complete: true, ..Found::default() };
    let first = World::new(start, scope);
    let mut seen: HashSet<u128> = HashSet::new();
    seen.insert(first.fingerprint());
    let mut open = vec![first];
    while let Some(world) = open.pop() {
        found.states += 1;
        if let Err(violation) = world.check() {
            found.violation = Some(format!("{violation}\n{}", world.story()));
            return found;
        }
        let actions = world.actions();
        if actions.is_empty() {
            found.ends += 1;
            if let Err(violation) = world.check_end() {
                found.violation = Some(format!("{violation}\n{}", world.story()));
                return found;
            }
        }
        for action in actions {
            found.steps += 1;
            let next = world.after(action);
            if seen.insert(next.fingerprint()) {
                open.push(next);
            }
        }
        if found.states >= most {
            found.complete = open.is_empty();
            return found;
        }
    }
    found
}
