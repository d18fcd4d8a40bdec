//! Programs that cargo installs.

use std::env::consts::EXE_SUFFIX;

use crate::command::{Failure, Step, find};
use crate::place;

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

/// The broker whose cluster is tested.
const RMQTTD: &str = "0.24.0";

/// Installs rmqttd, if it is not there yet, where the tests look for it: in the target directory, so that a machine that
/// keeps that one builds it once.
pub fn ensure_rmqttd() -> Result<(), Failure> {
    let root = place::target().join("tools").join(format!("rmqttd-{RMQTTD}"));
    if root.join("bin").join(format!("rmqttd{EXE_SUFFIX}")).is_file() {
        return Ok(());
    }
    let version = format!("={RMQTTD}");
    let step = Step::new("Installing rmqttd", "cargo").may_take("10 to 20 minutes, once");
    let step = step.without_env("CARGO_TARGET_DIR").args(["install", "--locked", "--version", &version, "--root"]);
    // It is tested, not measured: what counts is how soon it is there.
    let quick = [("OPT_LEVEL", "0"), ("DEBUG", "false"), ("LTO", "off"), ("CODEGEN_UNITS", "256")];
    let step = quick.iter().fold(step, |step, (name, value)| step.env(&format!("CARGO_PROFILE_RELEASE_{name}"), value));
    step.args([root.as_os_str()]).args(["rmqttd"]).run().map(|_| ())
}

/// What scores voices (ITU-T P.862.2).
const PESQ: &str = "0.0.4";

/// Installs pesq, if it is not there yet, where the bench looks for it: into a Python of its own in the target directory.
pub fn ensure_pesq() -> Result<(), Failure> {
    let root = place::target().join("tools").join(format!("pesq-{PESQ}"));
    // Written when all is there.
    let done = root.join("installed");
    if done.is_file() {
        return Ok(());
    }
    let python = root.join("bin").join("python").to_string_lossy().into_owned();
    let make =
        Step::new("Making a Python for pesq", "python3").args(["-m", "venv", "--clear"]).args([root.as_os_str()]);
    make.run()?;
    let install = Step::new("Installing pesq", &python).may_take("a minute, once");
    let wheels = ["numpy>=2,<3".to_owned(), format!("pesq=={PESQ}")];
    install.args(["-m", "pip", "install", "--quiet"]).args(wheels).run()?;
    std::fs::write(&done, "").map_err(|error| Failure::new(format!("{}: {error}", done.display())))
}
