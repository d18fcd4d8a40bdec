//! What a person does with this repository: run Peal, test it, prove a call, measure it.
//!
//! Progress goes to the standard error and results to the standard output, so that `--json` is what a program reads.

mod bench;
mod bindings;
mod call;
mod command;
mod conformance;
mod interface;
mod packages;
mod place;
mod programs;
mod run;
mod simulate;
mod test;
mod tools;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Builds, runs, tests and measures Peal.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build Peal and open it; without a display, make a call between two Peals without windows instead.
    Run(run::Arguments),
    /// Check and test everything, or what a filter names.
    Test(test::Arguments),
    /// One real call between two Peals without windows, measured.
    Call(call::Arguments),
    /// Measure what matters: delays, processor, memory.
    Bench(bench::Arguments),
    /// Storms over towns of simulated phones, thousands a second; or every interleaving of one call.
    Simulate(simulate::Arguments),
    /// Write ui/src/bindings.ts anew from the commands and types in Rust.
    Bindings,
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().task {
        Task::Run(arguments) => run::run(&arguments),
        Task::Test(arguments) => test::run(&arguments),
        Task::Call(arguments) => call::run(&arguments),
        Task::Bench(arguments) => bench::run(&arguments),
        Task::Simulate(arguments) => simulate::run(&arguments),
        Task::Bindings => bindings::run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("\nxtask: {failure}");
            ExitCode::FAILURE
        }
    }
}
