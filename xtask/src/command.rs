//! Other programs, run step by step with a word on what takes long.

use std::env;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::place;

/// Why a task could not be done, for a person.
#[derive(Debug)]
pub struct Failure(String);

impl Failure {
    /// A failure in these words.
    pub fn new(words: impl Into<String>) -> Self {
        Self(words.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// One step of a task: a program, run to its end.
#[derive(Debug)]
pub struct Step {
    title: String,
    hint: Option<&'static str>,
    command: Command,
}

impl Step {
    /// A step that runs a program in the repository's root.
    pub fn new(title: impl Into<String>, program: &str) -> Self {
        Self { title: title.into(), hint: None, command: command(program) }
    }

    /// Says beforehand how long it may take.
    pub fn may_take(mut self, hint: &'static str) -> Self {
        self.hint = Some(hint);
        self
    }

    /// Adds arguments.
    pub fn args<I: AsRef<std::ffi::OsStr>>(mut self, arguments: impl IntoIterator<Item = I>) -> Self {
        self.command.args(arguments);
        self
    }

    /// Sets a variable.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Takes a variable away.
    pub fn without_env(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// Runs it in another directory.
    pub fn within(mut self, directory: &Path) -> Self {
        self.command.current_dir(directory);
        self
    }

    /// Its name.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Runs it; its output is seen as it comes.
    pub fn run(self) -> Result<Duration, Failure> {
        self.run_with(Command::status)
    }

    /// Runs it by `work`, between the lines that say what is done and how long it took.
    pub fn run_with(
        mut self,
        work: impl FnOnce(&mut Command) -> std::io::Result<ExitStatus>,
    ) -> Result<Duration, Failure> {
        match self.hint {
            Some(hint) => eprintln!("==> {} ({hint})", self.title),
            None => eprintln!("==> {}", self.title),
        }
        let begun = Instant::now();
        let program = self.command.get_program().to_string_lossy().into_owned();
        let status = work(&mut self.command).map_err(|error| Failure(format!("{program} can't be run: {error}")))?;
        let took = begun.elapsed();
        if status.success() {
            eprintln!("    {}: done in {}", self.title, human(took));
            Ok(took)
        } else {
            eprintln!("    {}: FAILED after {}", self.title, human(took));
            Err(Failure(format!("{} failed ({status})", self.title)))
        }
    }
}

/// A command in the repository's root.
pub fn command(program: &str) -> Command {
    let mut command = match program {
        "cargo" => Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into())),
        // On Windows npm is a script, which is only found by its whole name.
        "npm" if cfg!(windows) => Command::new("npm.cmd"),
        other => Command::new(other),
    };
    command.current_dir(place::root());
    // `cargo xtask` is started by cargo, whose word on xtask's own package would make build scripts that watch it
    // (ring's, and so everything above it) run again, now here and now in a plain `cargo build`.
    for (name, _) in env::vars_os().filter(|(name, _)| is_about_this_package(&name.to_string_lossy())) {
        command.env_remove(name);
    }
    command
}

fn is_about_this_package(variable: &str) -> bool {
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_", "CARGO_BIN_", "CARGO_PRIMARY_PACKAGE"]
        .iter()
        .any(|prefix| variable.starts_with(prefix))
}

/// What a program prints, if it could be run and succeeded.
pub fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = command(program).args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Where a program is on the `PATH`.
pub fn find(program: &str) -> Option<PathBuf> {
    let name = format!("{program}{}", env::consts::EXE_SUFFIX);
    env::split_paths(&env::var_os("PATH")?).map(|directory| directory.join(&name)).find(|path| path.is_file())
}

/// A time as a person says it.
pub fn human(time: Duration) -> String {
    match time.as_secs() {
        0..10 => format!("{:.1} s", time.as_secs_f64()),
        seconds @ 10..60 => format!("{seconds} s"),
        seconds => format!("{} min {:02} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_not_told_about_the_package_of_these_tasks() {
        assert!(env::var_os("CARGO_PKG_NAME").is_some(), "cargo tells it to its tests");
        let command = command("cargo");
        let removed = |name: &str| command.get_envs().any(|(key, value)| key == name && value.is_none());
        assert!(removed("CARGO_PKG_NAME") && removed("CARGO_MANIFEST_DIR"));
        assert!(!removed("CARGO_HOME") && !removed("CARGO_TARGET_DIR"));
    }

    #[test]
    fn times_are_said_as_a_person_says_them() {
        assert_eq!(human(Duration::from_millis(340)), "0.3 s");
        assert_eq!(human(Duration::from_secs(59)), "59 s");
        assert_eq!(human(Duration::from_secs(605)), "10 min 05 s");
    }

    #[test]
    fn a_step_that_fails_is_named() {
        let failure = Step::new("Asking rustc", "rustc").args(["--no-such-option"]).run().unwrap_err();
        assert!(failure.to_string().starts_with("Asking rustc failed"), "{failure}");
    }

    #[test]
    fn a_program_that_is_missing_is_named() {
        let failure = Step::new("Nothing", "no-such-program-of-peal").run().unwrap_err();
        assert!(failure.to_string().starts_with("no-such-program-of-peal can't be run"), "{failure}");
        assert_eq!(find("no-such-program-of-peal"), None);
        assert_eq!(output("no-such-program-of-peal", &[]), None);
    }
}
