//! Many storms at once: `cargo xtask simulate --seeds N --first-seed K` builds this optimised and runs it.

#![allow(missing_docs, clippy::print_stdout, clippy::print_stderr, reason = "a program for people")]

#[path = "../tests/model/mod.rs"]
mod model;
#[path = "../tests/rig/mod.rs"]
mod rig;
#[path = "../tests/storm/mod.rs"]
mod storm;

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use storm::{Outcome, Storm};

/// At most so many failing seeds are told of.
const TOLD: usize = 20;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (mut seeds, mut first, mut seconds, mut threads, mut story) = (10_000_u64, 0_u64, None, 1_usize, None);
    while let Some(argument) = arguments.next() {
        if argument == "--scope" {
            return scope(&arguments.next().unwrap_or_default());
        }
        if argument == "--exhaustive" {
            return exhaust(arguments.next().and_then(|most| most.parse().ok()).unwrap_or(u64::MAX));
        }
        let value = arguments.next().and_then(|value| value.parse::<u64>().ok());
        match (argument.as_str(), value) {
            ("--seeds", Some(value)) => seeds = value,
            ("--first-seed", Some(value)) => first = value,
            ("--seconds", Some(value)) => seconds = Some(Duration::from_secs(value)),
            ("--threads", Some(value)) => threads = usize::try_from(value).unwrap_or(1).max(1),
            ("--story", Some(value)) => story = Some(value),
            _ => {
                eprintln!(
                    "simulate: --seeds N --first-seed K [--seconds S] [--threads T] | --story SEED | --exhaustive [STATES]"
                );
                return ExitCode::FAILURE;
            }
        }
    }
    story.map_or_else(|| run(first, seeds, seconds, threads), tell)
}

/// Explores one scope: losses, repeats, crashes, ticks, hang-ups, glare, ordered.
fn scope(numbers: &str) -> ExitCode {
    let numbers: Vec<u8> = numbers.split(',').filter_map(|number| number.parse().ok()).collect();
    let [losses, repeats, crashes, ticks, hangups, glare, ordered] = numbers[..] else {
        return ExitCode::FAILURE;
    };
    let budget = model::Budget { losses, repeats, crashes, ticks, hangups };
    let scope = model::Scope { name: "this scope", glare: glare > 0, ordered: ordered > 0, budget };
    println!("{}", model::explore(scope, 3_000_000));
    ExitCode::SUCCESS
}

/// Explores every interleaving of one call, each scope up to so many states.
fn exhaust(most: u64) -> ExitCode {
    let mut sound = true;
    for scope in model::FULL {
        let found = model::explore(scope, most);
        println!("{}: {found}", scope.name);
        sound &= found.violation.is_none();
    }
    if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs one seed and tells all that was pressed and sent.
fn tell(seed: u64) -> ExitCode {
    let mut storm = Storm::new(seed).telling();
    let outcome = storm.run();
    for line in storm.town.story.iter().flatten() {
        println!("{line}");
    }
    match outcome {
        Ok(outcome) => {
            println!("seed {seed}: {outcome:?}");
            ExitCode::SUCCESS
        }
        Err(fault) => {
            println!("{fault}");
            ExitCode::FAILURE
        }
    }
}

fn run(first: u64, seeds: u64, limit: Option<Duration>, threads: usize) -> ExitCode {
    #[expect(clippy::disallowed_methods, reason = "the speed of the simulation itself")]
    let now = Instant::now;
    let started = now();
    let next = AtomicU64::new(first);
    let results = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    let (mut done, mut total, mut faults) = (0_u64, Outcome::default(), Vec::new());
                    loop {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        if seed >= first + seeds || limit.is_some_and(|limit| now() - started > limit) {
                            return (done, total, faults);
                        }
                        match Storm::new(seed).run() {
                            Ok(outcome) => {
                                total.steps += outcome.steps;
                                total.calls += outcome.calls;
                                total.connected += outcome.connected;
                            }
                            Err(fault) => faults.push(fault),
                        }
                        done += 1;
                    }
                })
            })
            .collect();
        workers.into_iter().filter_map(|worker| worker.join().ok()).collect::<Vec<_>>()
    });
    let panicked = results.len() < threads;
    let (mut done, mut total, mut faults) = (0, Outcome::default(), Vec::new());
    for (seeds, outcome, found) in results {
        done += seeds;
        total.steps += outcome.steps;
        total.calls += outcome.calls;
        total.connected += outcome.connected;
        faults.extend(found);
    }
    for fault in faults.iter().take(TOLD) {
        println!("{fault}");
    }
    let seconds = (now() - started).as_secs_f64();
    println!(
        "{done} seeds from {first} in {seconds:.1} s: {:.0} seeds/s, {} steps, {} calls placed, {} connected, {} failed",
        done as f64 / seconds,
        total.steps,
        total.calls,
        total.connected,
        faults.len()
    );
    if faults.is_empty() && !panicked { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
