//! Programs that cargo installs.

use crate::command::{Failure, Step, find};

/// A tool of cargo's, by its program.
#[derive(Debug, Clone, Copy)]
pub struct Tool {
    program: &'static str,
    version: &'static str,
}

/// Checks licences, sources and bans of everything that is linked in.
pub const CARGO_DENY: Tool = Tool { program: "cargo-deny", version: "^0.20" };

/// Installs the tool if it is not on the `PATH`.
pub fn ensure(tool: Tool) -> Result<(), Failure> {
    let Tool { program, version } = tool;
    if find(program).is_some() {
        return Ok(());
    }
    let step = Step::new(format!("Installing {program}"), "cargo").may_take("some minutes, once");
    // Its build would never be used again: it goes to a directory that cargo takes away.
    let step = step.without_env("CARGO_TARGET_DIR").args(["install", "--locked", "--version", version, program]);
    step.run().map(|_| ())
}
