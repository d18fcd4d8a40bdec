//! `cargo xtask test`: everything that must hold.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::command::{Failure, Step, human};
use crate::packages::{self, Purpose};
use crate::{conformance, interface, place, tools};

/// What may be said after `cargo xtask test`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Part of the names of the tests to run, without any lints; `quick`: everything but the app and what drives it;
    /// `conformance`: the promises of the five call kits, row by row.
    filter: Option<String>,
    /// What else the tests are run with, after `--`.
    #[arg(last = true)]
    rest: Vec<String>,
}

/// The test programs of tests/ that drive the app's windows.
const APP_TESTS: [&str; 1] = ["app"];

/// Runs every step; lints that fail are collected, a build that fails ends it.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let quick = arguments.filter.as_deref() == Some("quick");
    let filter = arguments.filter.as_deref().filter(|_| !quick);
    packages::ensure(Purpose::Test)?;
    interface::ensure_media_server()?;
    if filter.is_none() {
        tools::ensure(tools::CARGO_DENY)?;
        tools::ensure_rmqttd()?;
    }

    if filter == Some("conformance") {
        return conformance::run();
    }

    let mut report = Report::default();
    let outcome = steps(&mut report, quick, filter, &arguments.rest);
    report.print();
    outcome?;
    if report.failed() { Err(Failure::new("not everything holds; see above")) } else { Ok(()) }
}

fn steps(report: &mut Report, quick: bool, filter: Option<&str>, rest: &[String]) -> Result<(), Failure> {
    let lints = filter.is_none();
    let scope: &[&str] = if quick { &["--workspace", "--exclude", "peal"] } else { &["--workspace"] };

    if lints {
        report.lint(Step::new("cargo fmt", "cargo").args(["fmt", "--all", "--check"]));
    }
    if let Some(step) = interface::install()? {
        report.must(step)?;
        interface::installed()?;
    }
    if let Some(step) = interface::build() {
        report.must(step)?;
    }
    if lints {
        report.lint(interface::script("svelte-check", "check"));
        report.lint(interface::script("eslint and prettier", "lint"));
        report.lint(interface::script("The interface's tests", "test"));
        report.lint(Step::new("cargo deny", "cargo").args(["deny", "check", "licenses", "bans", "sources"]));
        let clippy = Step::new("cargo clippy", "cargo").may_take("the first time some minutes");
        report.lint(clippy.args(["clippy"]).args(scope).args(["--all-targets", "--", "-D", "warnings"]));
    }
    // The programs that tests start: cargo builds them for their own package's tests only.
    let build = Step::new("cargo build", "cargo").may_take("the first time 5 to 15 minutes");
    report.must(build.args(["build"]).args(scope))?;
    let build = Step::new("Building the tests", "cargo").may_take("the first time some minutes");
    report.must(build.args(["test", "--no-run"]).args(scope))?;

    let tests = |title: &str| Step::new(title, "cargo").args(["test", "--no-fail-fast"]);
    let finish = |step: Step| step.args(filter).args((!rest.is_empty()).then_some("--")).args(rest);
    if quick {
        report.test(finish(tests("cargo test").args(scope).args(["--exclude", "peal-tests"])));
        let names = test_programs(&place::root().join("tests").join("tests"))?;
        let chosen = names.iter().filter(|name| !APP_TESTS.contains(&name.as_str())).flat_map(|name| ["--test", name]);
        let chosen: Vec<_> = chosen.collect();
        if !chosen.is_empty() {
            report.test(finish(tests("cargo test of calls").args(["--package", "peal-tests"]).args(chosen)));
        }
    } else {
        // Over Peal's own broker here; over the other one below.
        report.test(finish(tests("cargo test").may_take("some minutes").args(scope)));
    }
    if lints {
        report.conformance("mosquitto", scope);
    }
    Ok(())
}

/// The names of `*.rs` and `*/main.rs`, as cargo finds them in a package's directory of tests.
fn test_programs(directory: &Path) -> Result<Vec<String>, Failure> {
    let entries = fs::read_dir(directory)
        .map_err(|error| Failure::new(format!("{} can't be read: {error}", directory.display())))?;
    let program = |path: PathBuf| {
        let is_program = path.extension().is_some_and(|kind| kind == "rs") || path.join("main.rs").is_file();
        is_program.then(|| path.file_stem().map(|name| name.to_string_lossy().into_owned())).flatten()
    };
    let mut names: Vec<_> = entries.flatten().filter_map(|entry| program(entry.path())).collect();
    names.sort();
    Ok(names)
}

/// What was done and how it went.
#[derive(Default)]
struct Report {
    steps: Vec<(String, Option<Duration>)>,
    tests: TestOutput,
}

impl Report {
    /// A step without which the next ones make no sense.
    fn must(&mut self, step: Step) -> Result<(), Failure> {
        let title = step.title().to_owned();
        let outcome = step.run();
        self.steps.push((title, outcome.as_ref().ok().copied()));
        outcome.map(|_| ())
    }

    /// A step whose failure is noted.
    fn lint(&mut self, step: Step) {
        let title = step.title().to_owned();
        self.note(title, step.run());
    }

    /// A run of cargo test, whose results are kept for the end.
    fn test(&mut self, step: Step) {
        let title = step.title().to_owned();
        let tests = &mut self.tests;
        let outcome = step.run_with(|command| tests.follow(command));
        self.note(title, outcome);
    }

    /// The rows of the call kits over another broker.
    fn conformance(&mut self, broker: &str, scope: &[&str]) {
        let begun = Instant::now();
        let title = format!("Conformance over {broker}");
        let outcome = conformance::drive(broker, scope).and_then(|table| {
            if table.holds() {
                self.tests.results.push((format!("conformance, {broker}"), table.counts()));
                return Ok(begun.elapsed());
            }
            table.print(broker);
            Err(Failure::new(format!("not every row holds over {broker}: {}", table.counts())))
        });
        self.note(title, outcome);
    }

    fn note(&mut self, title: String, outcome: Result<Duration, Failure>) {
        let took = outcome.inspect_err(|failure| eprintln!("    {failure}")).ok();
        self.steps.push((title, took));
    }

    fn failed(&self) -> bool {
        self.steps.iter().any(|(_, took)| took.is_none())
    }

    /// The table of steps, then what failed, then cargo test's own lines of results.
    fn print(&self) {
        println!();
        for (title, took) in &self.steps {
            let time = took.map_or_else(|| "FAILED".to_owned(), human);
            println!("{title:<40} {time:>14}");
        }
        println!();
        for line in &self.tests.failures {
            println!("{line}");
        }
        for (program, result) in &self.tests.results {
            println!("{program:<24} {result}");
        }
    }
}

/// What cargo test prints. Its result lines are held back, so that they are seen once, and at the end.
#[derive(Default)]
struct TestOutput {
    /// What runs now.
    program: String,
    /// `test … FAILED`.
    failures: Vec<String>,
    /// Of each program its name and what follows `test result: `.
    results: Vec<(String, String)>,
}

impl TestOutput {
    /// Runs the command and shows what it prints, line by line.
    fn follow(&mut self, command: &mut Command) -> io::Result<ExitStatus> {
        // Cargo names the programs on one stream and they tell their results on the other: both take one pipe.
        let (reader, writer) = io::pipe()?;
        let mut child = command.stderr(writer.try_clone()?).stdout(writer).spawn()?;
        // The command keeps its ends for another start, and the output would never end.
        command.stdout(Stdio::inherit()).stderr(Stdio::inherit());
        let mut output = BufReader::new(reader);
        let mut line = Vec::new();
        // A test may print what is no text.
        while output.read_until(b'\n', &mut line)? > 0 {
            self.take(String::from_utf8_lossy(&line).trim_end());
            line.clear();
        }
        child.wait()
    }

    fn take(&mut self, line: &str) {
        if let Some(result) = line.strip_prefix("test result: ") {
            self.results.push((self.program.clone(), result.to_owned()));
            return;
        }
        if let Some(program) = program(line) {
            program.clone_into(&mut self.program);
        }
        if line.starts_with("test ") && line.ends_with("... FAILED") {
            self.failures.push(format!("{line} ({})", self.program));
        }
        println!("{line}");
    }
}

/// The program that a heading of cargo's says to run now: `app` of `Running tests/app/main.rs (target/debug/deps/app-0123)`.
fn program(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let running = line.strip_prefix("Running ").and_then(|rest| rest.rsplit_once('(')?.1.strip_suffix(')'));
    let file = running.and_then(|path| path.rsplit(['/', '\\']).next());
    file.map(|file| file.rsplit_once('-').map_or(file, |(name, _)| name)).or_else(|| line.strip_prefix("Doc-tests "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_and_failures_of_tests_are_kept_for_the_end() {
        let mut output = TestOutput::default();
        for line in [
            "     Running unittests src/lib.rs (target/debug/deps/peal_call-0123)",
            "running 2 tests",
            "test a::b ... ok",
            "test a::c ... FAILED",
            "test result: FAILED. 1 passed; 1 failed; 0 ignored",
            "     Running tests/app/main.rs (target/debug/deps/app-0123)",
            "test result: ok. 3 passed; 0 failed; 0 ignored",
            "   Doc-tests peal_call",
            "test result: ok. 1 passed; 0 failed; 0 ignored",
        ] {
            output.take(line);
        }
        assert_eq!(output.failures, ["test a::c ... FAILED (peal_call)"]);
        let programs: Vec<_> = output.results.iter().map(|(program, _)| program.as_str()).collect();
        assert_eq!(programs, ["peal_call", "app", "peal_call"]);
        assert_eq!(output.results[0].1, "FAILED. 1 passed; 1 failed; 0 ignored");
    }

    #[cfg(unix)]
    #[test]
    fn both_streams_of_a_command_are_read_in_their_order() {
        let mut output = TestOutput::default();
        let mut command = Command::new("sh");
        command.args(["-c", "echo '     Running x.rs (y/x-1)' >&2; echo 'test result: ok.'"]);
        assert!(output.follow(&mut command).unwrap().success());
        assert_eq!(output.results, [("x".to_owned(), "ok.".to_owned())]);
    }

    #[test]
    fn a_failed_lint_fails_the_whole_and_a_failed_build_ends_it() {
        let mut report = Report::default();
        report.lint(Step::new("A lint that holds", "rustc").args(["--version"]));
        assert!(!report.failed());
        report.lint(Step::new("A lint that does not", "rustc").args(["--no-such-option"]));
        assert!(report.failed());
        assert!(report.must(Step::new("A build", "rustc").args(["--no-such-option"])).is_err());
        let done: Vec<_> = report.steps.iter().map(|(title, took)| (title.as_str(), took.is_some())).collect();
        assert_eq!(done, [("A lint that holds", true), ("A lint that does not", false), ("A build", false)]);
    }

    #[test]
    fn the_programs_of_the_tests_are_found_as_cargo_finds_them() {
        let directory = std::env::temp_dir().join(format!("peal-xtask-tests-{}", std::process::id()));
        fs::create_dir_all(directory.join("app")).unwrap();
        fs::create_dir_all(directory.join("common")).unwrap();
        for file in ["call.rs", "app/main.rs", "common/mod.rs", "speech.wav"] {
            fs::write(directory.join(file), "").unwrap();
        }
        let names = test_programs(&directory);
        fs::remove_dir_all(&directory).unwrap();
        assert_eq!(names.unwrap(), ["app", "call"]);
    }
}
