//! `cargo xtask test conformance`: the promises of the five call kits, a line each, over both brokers.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader};
use std::process::{Command, ExitStatus, Stdio};

use crate::command::{Failure, Step};
use crate::place;

/// The brokers that every row is driven over.
pub const BROKERS: [&str; 2] = ["embedded", "mosquitto"];

/// Everything but the app.
const WITHOUT_WINDOW: [&str; 3] = ["--workspace", "--exclude", "peal"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Passed,
    Failed,
    Missing,
}

/// The rows and how they went.
#[derive(Debug)]
pub struct Table {
    rows: BTreeMap<String, Outcome>,
    /// Rows that may be missing, as `tests/conformance/missing.txt` says.
    excused: Vec<String>,
}

/// Builds the tests and drives every row over each broker.
pub fn run() -> Result<(), Failure> {
    let programs = Step::new("cargo build", "cargo").may_take("the first time 5 to 15 minutes");
    programs.args(["build"]).args(WITHOUT_WINDOW).run()?;
    let mut failed = Vec::new();
    for broker in BROKERS {
        let table = drive(broker, &WITHOUT_WINDOW)?;
        table.print(broker);
        if !table.holds() {
            failed.push(broker);
        }
    }
    if failed.is_empty() {
        Ok(())
    } else {
        Err(Failure::new(format!("not every row holds over {}", failed.join(", "))))
    }
}

/// Drives every row over one broker. Rows that fail are in the table, not an error.
///
/// `scope` are the packages that were built before: with others cargo would build all anew, for other features.
pub fn drive(broker: &str, scope: &[&str]) -> Result<Table, Failure> {
    let mut table = Table::read()?;
    let step = Step::new(format!("Conformance over {broker}"), "cargo").may_take("some minutes");
    let step = step.args(["test"]).args(scope).args(["--test", "conformance"]).env("PEAL_BROKER", broker);
    // A row that fails has its line; cargo's own failure says no more.
    let outcome = step.run_with(|command| table.follow(command));
    if table.rows.values().all(|outcome| *outcome == Outcome::Missing) { outcome.map(|_| table) } else { Ok(table) }
}

impl Table {
    fn read() -> Result<Self, Failure> {
        let directory = place::root().join("tests").join("conformance");
        let file = |name: &str| {
            let path = directory.join(name);
            std::fs::read_to_string(&path)
                .map_err(|error| Failure::new(format!("{} can't be read: {error}", path.display())))
        };
        Ok(Self::of(&file("rows.tsv")?, &file("missing.txt")?))
    }

    fn of(rows: &str, missing: &str) -> Self {
        let id = |line: &str| line.split_whitespace().next().map(str::to_owned);
        let rows = rows.lines().skip(1).filter_map(id).map(|row| (row, Outcome::Missing)).collect();
        let excused = missing.lines().filter(|line| !line.starts_with('#')).filter_map(id).collect();
        Self { rows, excused }
    }

    /// Runs the command and reads the rows out of what the tests print.
    fn follow(&mut self, command: &mut Command) -> io::Result<ExitStatus> {
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        if let Some(stdout) = child.stdout.take() {
            let mut stdout = BufReader::new(stdout);
            let mut line = Vec::new();
            while stdout.read_until(b'\n', &mut line)? > 0 {
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                if !self.take(&text) {
                    eprintln!("{text}");
                }
                line.clear();
            }
        }
        child.wait()
    }

    /// Takes a test's own line; false for any other.
    fn take(&mut self, line: &str) -> bool {
        let Some((path, verdict)) = line.strip_prefix("test ").and_then(|rest| rest.split_once(" ... ")) else {
            return false;
        };
        let name = path.rsplit("::").next().unwrap_or(path);
        let outcome = if verdict == "ok" { Outcome::Passed } else { Outcome::Failed };
        name.get(..3).and_then(|id| self.rows.get_mut(&id.to_uppercase())).map(|row| *row = outcome).is_some()
    }

    /// Every row passed, or is excused.
    pub fn holds(&self) -> bool {
        self.rows.iter().all(|(id, outcome)| match outcome {
            Outcome::Passed => true,
            Outcome::Failed => false,
            Outcome::Missing => self.excused.contains(id),
        })
    }

    /// A line for each row, then the count kit by kit.
    pub fn print(&self, broker: &str) {
        for (id, outcome) in &self.rows {
            let word = match outcome {
                Outcome::Passed => "passed",
                Outcome::Failed => "failed",
                Outcome::Missing => "missing",
            };
            println!("{id} {word}");
        }
        println!("\n{broker}: {}\n", self.counts());
    }

    /// `A 13 of 15, B …, together 101 of 117`.
    pub fn counts(&self) -> String {
        let mut kits: BTreeMap<char, (usize, usize)> = BTreeMap::new();
        for (id, outcome) in &self.rows {
            let kit = kits.entry(id.chars().next().unwrap_or('?')).or_default();
            kit.0 += usize::from(*outcome == Outcome::Passed);
            kit.1 += 1;
        }
        let (passed, all) = kits.values().fold((0, 0), |sum, kit| (sum.0 + kit.0, sum.1 + kit.1));
        let kits: Vec<_> = kits.iter().map(|(kit, (passed, all))| format!("{kit} {passed} of {all}")).collect();
        format!("{}, together {passed} of {all}", kits.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        Table::of("id\tkit\tpromise\tpeal\nA01\tx\ty\tz\nA02\tx\ty\tz\nB01\tx\ty\tz\n", "# why\nA02 a picture\n")
    }

    #[test]
    fn a_row_holds_when_its_test_passed_or_it_is_excused() {
        let mut table = table();
        assert!(!table.holds());
        assert!(table.take("test device::a01_login_connects ... ok"));
        assert!(table.take("test web::b01_login ... FAILED"));
        assert!(!table.holds());
        assert!(table.take("test web::b01_login ... ok"));
        assert!(table.holds());
        assert_eq!(table.counts(), "A 1 of 2, B 1 of 1, together 2 of 3");
    }

    #[test]
    fn what_is_no_row_is_left_alone() {
        let mut table = table();
        assert!(!table.take("running 3 tests"));
        assert!(!table.take("test rows::every_row_has_its_test ... ok"));
    }
}
