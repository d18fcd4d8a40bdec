//! Programs that are children of a test and end with it.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a test waits for what must happen. Generous, since machines are slow now and then.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks at what tells nobody when it changes.
pub const GLANCE: Duration = Duration::from_millis(20);

/// A child in a process group of its own; the group is killed on drop, and the child dies with the test's thread too.
pub struct Running {
    child: Child,
    log: PathBuf,
}

impl Running {
    /// Starts `program`, prepared by `prepare`; what it complains of goes into `log`.
    pub fn start(program: &str, log: &Path, prepare: impl FnOnce(&mut Command)) -> Self {
        use std::os::unix::process::CommandExt as _;

        // Nobody drops anything when a test is killed: then the system kills the child.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", program]).stdin(Stdio::null()).stdout(Stdio::null()).process_group(0);
        command.stderr(File::create(log).unwrap_or_else(|error| panic!("{}: {error}", log.display())));
        prepare(&mut command);
        let child = command.spawn().unwrap_or_else(|error| panic!("{program} does not start: {error}"));
        Self { child, log: log.to_owned() }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has complained of so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Its output, if it was prepared with a pipe.
    pub fn output(&mut self) -> ChildStdout {
        self.child.stdout.take().unwrap_or_else(|| panic!("its output was not piped"))
    }

    /// The first line of its output.
    pub fn first_line(&mut self) -> String {
        let mut line = String::new();
        let read = BufReader::new(self.output()).read_line(&mut line);
        assert!(read.is_ok() && !line.is_empty(), "it said nothing:\n{}", self.log());
        line.trim().to_owned()
    }

    /// Waits until it has ended by itself, and answers its exit code.
    pub fn ends(&mut self) -> i32 {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return status.code().unwrap_or(-1),
                Ok(None) => assert!(Instant::now() < deadline, "it does not end:\n{}", self.log()),
                Err(error) => panic!("{error}"),
            }
            std::thread::sleep(GLANCE);
        }
    }

    /// True while it runs.
    pub fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits until it has ended with success.
    pub fn succeeds(&mut self) {
        let code = self.ends();
        assert_eq!(code, 0, "{}", self.log());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        signal("KILL", &format!("-{}", self.child.id()));
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal to a process, or with a minus to a process group. Whoever is gone already does not mind.
pub fn signal(name: &str, target: &str) {
    let _ = Command::new("kill").args(["-s", name, "--", target]).stderr(Stdio::null()).status();
}

/// The process of that name among the descendants of `ancestor`.
pub fn descendant(ancestor: u32, name: &str) -> Option<u32> {
    let mut family = vec![ancestor];
    let mut at = 0;
    while let Some(parent) = family.get(at).copied() {
        at += 1;
        for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|it| it.parse::<u32>().ok()) else { continue };
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            // "pid (name) state parent …", and the name may have anything in it.
            let Some((head, tail)) = stat.rsplit_once(')') else { continue };
            if tail.split_whitespace().nth(1).and_then(|it| it.parse().ok()) != Some(parent) {
                continue;
            }
            if head.split_once('(').is_some_and(|(_, it)| it == name) {
                return Some(pid);
            }
            family.push(pid);
        }
    }
    None
}

/// Waits for what nothing tells of: looks again and again until `look` sees it.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(Instant::now() < deadline, "never seen: {what}");
        std::thread::sleep(GLANCE);
    }
}
