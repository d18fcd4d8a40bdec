//! Every interleaving of one call between two people with two devices each: whatever is answered, declined, withdrawn,
//! put down, lost, repeated, late or dead, in whatever order.

#![allow(dead_code, missing_docs, clippy::unwrap_used, reason = "shared by several programs")]

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
    pub budget: Budget,
}

/// Small enough for every test run.
pub const SMALL: [Scope; 3] = [
    Scope {
        name: "one call, one signal lost or repeated",
        glare: false,
        budget: Budget { losses: 1, repeats: 1, crashes: 0, ticks: 1, hangups: 1 },
    },
    Scope {
        name: "one call, one program dies",
        glare: false,
        budget: Budget { losses: 0, repeats: 0, crashes: 1, ticks: 1, hangups: 1 },
    },
    Scope {
        name: "both call each other",
        glare: true,
        budget: Budget { losses: 0, repeats: 0, crashes: 0, ticks: 0, hangups: 1 },
    },
];

/// All of it; minutes and more.
pub const FULL: [Scope; 3] = [
    Scope {
        name: "one call, one signal lost and one repeated",
        glare: false,
        budget: Budget { losses: 1, repeats: 1, crashes: 0, ticks: 3, hangups: 2 },
    },
    Scope {
        name: "one call, one program dies, one signal lost and one repeated",
        glare: false,
        budget: Budget { losses: 1, repeats: 1, crashes: 1, ticks: 2, hangups: 1 },
    },
    Scope {
        name: "both call each other, one signal lost and one repeated",
        glare: true,
        budget: Budget { losses: 1, repeats: 1, crashes: 0, ticks: 1, hangups: 1 },
    },
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
    let first = World::new(start, scope.glare, scope.budget);
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
