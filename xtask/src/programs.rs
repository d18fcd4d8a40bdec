//! The programs of this workspace.

use crate::command::{Failure, Step};
use crate::place;

/// Builds these programs. The whole workspace is always chosen, and then these of it: cargo would otherwise find other
/// features of shared dependencies for each choice, and build nearly everything again for each task.
pub fn build(what: &str, names: &[&str]) -> Result<(), Failure> {
    let step = Step::new(format!("Building {what}"), "cargo").may_take("the first time 5 to 15 minutes, later seconds");
    let chosen = names.iter().flat_map(|name| ["--bin", *name]);
    step.args(["build", "--workspace"]).args(chosen).run().map(|_| ())
}

/// Where such a program is once it is built.
pub fn path(name: &str) -> String {
    place::binary(name).to_string_lossy().into_owned()
}
