//! `cargo xtask call`: one real call between two Peals without windows.

use crate::command::{Failure, Step};
use crate::packages::{self, Purpose};
use crate::programs;

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
    programs::build("the call", &["peal-headless", "call"])?;
    let call = Step::new("Calling", &programs::path("call")).may_take("half a minute");
    call.args(arguments.json.then_some("--json")).args(&arguments.rest).run().map(|_| ())
}
