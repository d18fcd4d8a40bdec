//! `cargo xtask simulate`: storms over whole towns of phones, and every interleaving of one call, as fast as they go.

use crate::command::{Failure, Step};

/// What may be said after `cargo xtask simulate`.
#[derive(clap::Args)]
pub struct Arguments {
    /// How many storms.
    #[arg(long, default_value_t = 10_000)]
    seeds: u64,
    /// The first one's number; each number is always the same storm.
    #[arg(long, default_value_t = 0)]
    first_seed: u64,
    /// Stop after so many seconds, however many storms are left.
    #[arg(long)]
    seconds: Option<u64>,
    /// How many at once; without it, one for each processor.
    #[arg(long)]
    threads: Option<usize>,
    /// Tell everything that happens in one storm.
    #[arg(long, value_name = "SEED", conflicts_with = "exhaustive")]
    story: Option<u64>,
    /// Explore every interleaving of one call between two people with two devices each instead.
    #[arg(long)]
    exhaustive: bool,
    /// With --exhaustive: at most so many states of each kind of call.
    #[arg(long, requires = "exhaustive")]
    states: Option<u64>,
}

/// Builds the simulation optimised, and runs it.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let step = Step::new("Simulating", "cargo").may_take("building it the first time, a minute");
    let step = step.args(["run", "--release", "--quiet", "--package", "peal-call", "--example", "simulate", "--"]);
    step.args(words(arguments)).run().map(|_| ())
}

/// The arguments in the words of the simulation.
fn words(arguments: &Arguments) -> Vec<String> {
    let mut words = Vec::new();
    if arguments.exhaustive {
        words.push("--exhaustive".to_owned());
        words.extend(arguments.states.map(|states| states.to_string()));
        return words;
    }
    let mut say = |name: &str, value: u64| words.extend([name.to_owned(), value.to_string()]);
    if let Some(seed) = arguments.story {
        say("--story", seed);
        return words;
    }
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    say("--seeds", arguments.seeds);
    say("--first-seed", arguments.first_seed);
    say("--threads", arguments.threads.unwrap_or(processors) as u64);
    if let Some(seconds) = arguments.seconds {
        say("--seconds", seconds);
    }
    words
}
