//! `cargo xtask bench`: the figures.

use crate::command::{Failure, Step, output};
use crate::packages::{self, Purpose};
use crate::{interface, programs, tools};

/// What may be said after `cargo xtask bench`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Print JSON instead of tables.
    #[arg(long)]
    json: bool,
    /// `video`: fewer conditions and shorter calls, under ten minutes in all.
    #[arg(long)]
    quick: bool,
    /// One figure alone; without it, all of them but `crowd` and `video`.
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
    if arguments.name.as_deref() == Some("video") {
        return video(arguments);
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

/// Pictures through good and bad paths, beside Chromium's.
fn video(arguments: &Arguments) -> Result<(), Failure> {
    packages::ensure(Purpose::Measure)?;
    // Without it, voices are not scored; the rest is worth having.
    if let Err(failure) = tools::ensure_pesq() {
        eprintln!("xtask: voices will not be scored: {failure}");
    }
    interface::prepare()?;
    programs::build("what is measured", &["peal", "peal-headless", "witness", "bench"])?;
    let bench = programs::path("bench");
    let hint =
        if arguments.quick { "under ten minutes; close other programs" } else { "half an hour; close other programs" };
    let root = output("id", &["-u"]).is_some_and(|id| id.trim() == "0");
    // Its paths are between network namespaces: as nobody special, it makes them in a user namespace.
    let step = if root {
        Step::new("Measuring pictures", &bench)
    } else {
        Step::new("Measuring pictures", "unshare").args(["--map-root-user", "--net", "--", &bench])
    };
    let step = step.may_take(hint).args(arguments.json.then_some("--json"));
    step.args(arguments.quick.then_some("--quick")).args(["video"]).args(&arguments.rest).run().map(|_| ())
}
