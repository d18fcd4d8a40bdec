//! `cargo xtask call`: one real call between two Peals without windows.

use crate::command::{Failure, Step};
use crate::packages::{self, Purpose};

/// What may be said after `cargo xtask call`.
#[derive(clap::Args, Default)]
pub struct Arguments {
    /// Print one JSON object instead of a table.
    #[arg(long)]
    json: bool,
    /// What else the call is made with, after `--`.
    #[arg(last = true)]
    rest: Vec<String>,
}

/// Builds what the call needs and makes it.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    packages::ensure(Purpose::Call)?;
    build_headless()?;
    let json = arguments.json.then_some("--json");
    let call = Step::new("Calling", "cargo").may_take("half a minute; building it the first time, some minutes");
    let call = call.args(["run", "--quiet", "--package", "peal-tests", "--bin", "call", "--"]);
    call.args(json).args(&arguments.rest).run().map(|_| ())
}

/// Builds `peal-headless`.
pub fn build_headless() -> Result<(), Failure> {
    let step = Step::new("Building peal-headless", "cargo").may_take("the first time 5 to 10 minutes, later seconds");
    step.args(["build", "--package", "peal-headless"]).run().map(|_| ())
}
