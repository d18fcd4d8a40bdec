//! `cargo xtask bench`: the figures.

use crate::command::{Failure, Step};
use crate::packages::{self, Purpose};
use crate::{interface, programs};

/// What may be said after `cargo xtask bench`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Print JSON instead of tables.
    #[arg(long)]
    json: bool,
    /// One figure alone; without it, all of them but `crowd`.
    name: Option<String>,
    /// What else it is measured with, after `--`.
    #[arg(last = true)]
    rest: Vec<String>,
}

/// Builds what is measured, and measures it.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    if arguments.name.as_deref() == Some("crowd") {
        return crowd(arguments);
    }
    packages::ensure(Purpose::Test)?;
    interface::prepare()?;
    programs::build("what is measured", &["peal", "peal-headless", "bench"])?;
    let json = arguments.json.then_some("--json");
    let step = Step::new("Measuring", &programs::path("bench")).may_take("some minutes; close other programs");
    step.args(json).args(&arguments.name).args(&arguments.rest).run().map(|_| ())
}

/// Many users on one embedded broker: neither sound nor windows are needed.
fn crowd(arguments: &Arguments) -> Result<(), Failure> {
    packages::ensure(Purpose::Call)?;
    programs::build("what is measured", &["crowd"])?;
    let step = Step::new("Measuring a crowd", &programs::path("crowd")).may_take("some minutes; close other programs");
    step.args(arguments.json.then_some("--json")).args(&arguments.rest).run().map(|_| ())
}
