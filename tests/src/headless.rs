//! `peal-headless` as a child: JSON lines in, JSON lines out. It ends with its owner: it is killed when dropped, and
//! when the owner dies without dropping anything, its input ends and it goes by itself.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How long to wait for what must happen, unless told otherwise. Generous, since machines are slow now and then.
pub const PATIENCE: Duration = Duration::from_secs(40);

/// How much of a child's own words is kept for an error message, in lines.
const LAST_LINES: usize = 40;

/// Why a conversation with a child came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum HeadlessError {
    /// It can't be started, written to, or waited for.
    #[error("{0}: {1}")]
    Process(String, io::Error),
    /// It did not happen in time.
    #[error("{0}")]
    Missing(String),
    /// The child has ended meanwhile.
    #[error("{0}")]
    Ended(String),
    /// The command was refused: the error as it came, with `code`, `message` and `hint`.
    #[error("refused: {0}")]
    Refused(Value),
}

/// A line of the child's output.
#[derive(Debug, Clone)]
pub struct Told {
    /// When it was read.
    pub at: Instant,
    /// What it says: an answer (`id`, and `result` or `error`) or an event (`event` and `data`).
    pub line: Value,
}

impl Told {
    /// The event's data; null for an answer.
    pub fn data(&self) -> &Value {
        &self.line["data"]
    }

    /// The call that the event is about; empty if none.
    pub fn call_id(&self) -> &str {
        self.line["data"]["call_id"].as_str().unwrap_or_default()
    }
}

/// A running `peal-headless`.
pub struct Headless {
    name: String,
    child: Child,
    input: Option<ChildStdin>,
    output: Receiver<Told>,
    /// Read and not yet asked for.
    waiting: VecDeque<Told>,
    complaints: Arc<Mutex<VecDeque<String>>>,
    next_id: u64,
}

/// The arguments of a `peal-headless` that keeps its things in `place/NAME`, finds its broker at `broker`, and neither
/// hears nor speaks until more is said.
pub fn arguments(name: &str, broker: SocketAddr, place: &Path) -> Vec<String> {
    let place = place.join(name).display().to_string();
    let broker = broker.to_string();
    ["--account", name, "--data-dir", &place, "--embedded-broker", &broker].map(str::to_owned).to_vec()
}

/// A binary of this workspace, as `cargo build` leaves it beside (or, for a test, above) this program.
///
/// # Errors
/// When it is not there, with the words to build it.
pub fn binary(name: &str) -> Result<PathBuf, HeadlessError> {
    let own = std::env::current_exe().map_err(|error| HeadlessError::Process("this program".to_owned(), error))?;
    let beside = own.parent().unwrap_or(Path::new("."));
    let place = if beside.ends_with("deps") { beside.parent().unwrap_or(beside) } else { beside };
    let path = place.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    if path.is_file() {
        Ok(path)
    } else {
        Err(HeadlessError::Missing(format!("{} is not built: cargo build --package {name}", path.display())))
    }
}

impl Headless {
    /// Starts it with these arguments; `name` is for messages.
    pub fn start<S: AsRef<OsStr>>(name: &str, arguments: impl IntoIterator<Item = S>) -> Result<Self, HeadlessError> {
        Self::start_in(name, arguments, &[])
    }

    /// Starts it with these arguments and these variables besides its owner's.
    pub fn start_in<S: AsRef<OsStr>>(
        name: &str,
        arguments: impl IntoIterator<Item = S>,
        environment: &[(String, String)],
    ) -> Result<Self, HeadlessError> {
        let mut command = Command::new(binary("peal-headless")?);
        command.args(arguments).envs(environment.iter().map(|(key, value)| (key, value)));
        Self::spawn(name, command, |mut command| command.spawn())
    }

    /// Starts a program that speaks as `peal-headless` does; `spawn` is where and how.
    pub fn spawn(
        name: &str,
        mut command: Command,
        spawn: impl FnOnce(Command) -> io::Result<Child>,
    ) -> Result<Self, HeadlessError> {
        command.env("NO_COLOR", "1").env_remove("PEAL_TOKEN").env_remove("PEAL_BROKER");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = spawn(command).map_err(|error| HeadlessError::Process(name.to_owned(), error))?;
        let (sender, output) = channel();
        if let Some(stdout) = child.stdout.take() {
            read_lines(stdout, move |line| {
                let at = Instant::now();
                let line = serde_json::from_str(&line).unwrap_or_else(|_| json!({ "no_json": line }));
                sender.send(Told { at, line }).is_ok()
            });
        }
        let complaints = Arc::new(Mutex::new(VecDeque::new()));
        if let Some(stderr) = child.stderr.take() {
            let kept = Arc::clone(&complaints);
            read_lines(stderr, move |line| {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                if kept.len() == LAST_LINES {
                    kept.pop_front();
                }
                kept.push_back(line);
                true
            });
        }
        let input = child.stdin.take();
        let (name, waiting) = (name.to_owned(), VecDeque::new());
        Ok(Self { name, child, input, output, waiting, complaints, next_id: 1 })
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Writes a line as it is; its end is added.
    pub fn write(&mut self, line: &[u8]) -> Result<(), HeadlessError> {
        let Some(input) = &mut self.input else {
            return Err(HeadlessError::Ended(format!("{}'s input is closed", self.name)));
        };
        let written = input.write_all(&[line, b"\n"].concat()).and_then(|()| input.flush());
        written.map_err(|error| HeadlessError::Process(self.name.clone(), error))
    }

    /// Gives a command without waiting for its answer; says under which id, and when it was written.
    pub fn tell(&mut self, command: &str, params: &Value) -> Result<(u64, Instant), HeadlessError> {
        let id = self.next_id;
        self.next_id += 1;
        let line = json!({ "id": id, "command": command, "params": params }).to_string();
        let at = Instant::now();
        self.write(line.as_bytes())?;
        Ok((id, at))
    }

    /// Waits for the answer to a command.
    ///
    /// # Errors
    /// [`HeadlessError::Refused`] when that answer is an error; else as for any wait.
    pub fn answer(&mut self, id: u64) -> Result<Value, HeadlessError> {
        let told = self.wait(&format!("the answer to {id}"), PATIENCE, |line| line["id"] == id)?;
        match told.line.get("error") {
            Some(error) => Err(HeadlessError::Refused(error.clone())),
            None => Ok(told.line["result"].clone()),
        }
    }

    /// Gives a command and waits for its answer.
    pub fn ask(&mut self, command: &str, params: &Value) -> Result<Value, HeadlessError> {
        let (id, _) = self.tell(command, params)?;
        self.answer(id)
    }

    /// Waits for an event of this name.
    pub fn event(&mut self, name: &str) -> Result<Told, HeadlessError> {
        self.event_where(name, |_| true)
    }

    /// Waits for an event of this name whose data is as wished.
    pub fn event_where(&mut self, name: &str, wished: impl Fn(&Value) -> bool) -> Result<Told, HeadlessError> {
        self.wait(&format!("the event {name}"), PATIENCE, |line| line["event"] == name && wished(&line["data"]))
    }

    /// Waits for a line that is as wished, and takes it out; earlier lines stay for those who ask for them.
    pub fn wait(
        &mut self,
        what: &str,
        patience: Duration,
        wished: impl Fn(&Value) -> bool,
    ) -> Result<Told, HeadlessError> {
        let deadline = Instant::now() + patience;
        let mut seen = 0;
        loop {
            if let Some(at) = (seen..self.waiting.len()).find(|at| wished(&self.waiting[*at].line))
                && let Some(told) = self.waiting.remove(at)
            {
                return Ok(told);
            }
            seen = self.waiting.len();
            match self.output.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(told) => self.waiting.push_back(told),
                Err(RecvTimeoutError::Timeout) => {
                    return Err(HeadlessError::Missing(self.words(&format!("never told {what}"))));
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(HeadlessError::Ended(self.words(&format!("ended before it told {what}"))));
                }
            }
        }
    }

    /// Forgets what was read and not asked for.
    pub fn forget(&mut self) {
        self.waiting.clear();
        while self.output.try_recv().is_ok() {}
    }

    /// Waits until the snapshot is as wished, and answers it. There is no event for everything, so it is asked for again
    /// and again.
    pub fn snapshot_where(&mut self, what: &str, wished: impl Fn(&Value) -> bool) -> Result<Value, HeadlessError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let view = self.ask("snapshot", &Value::Null)?;
            if wished(&view) {
                return Ok(view);
            }
            if Instant::now() > deadline {
                return Err(HeadlessError::Missing(self.words(&format!("never saw {what}"))));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until it is logged in.
    pub fn online(&mut self) -> Result<Told, HeadlessError> {
        self.wait("that it is online", PATIENCE, |line| {
            line["event"] == "connection_changed" && line["data"]["state"] == "online"
        })
    }

    /// Waits until somebody can be called.
    pub fn sees_online(&mut self, user: &str) -> Result<(), HeadlessError> {
        self.snapshot_where(&format!("{user} online"), |view| {
            view["contacts"].as_array().is_some_and(|contacts| {
                contacts.iter().any(|contact| contact["user_id"] == user && contact["presence"] == "online")
            })
        })
        .map(|_| ())
    }

    /// Ends its input, which ends it, and waits for that.
    pub fn close(&mut self) -> Result<ExitStatus, HeadlessError> {
        self.input = None;
        self.exit()
    }

    /// Waits until it has ended.
    pub fn exit(&mut self) -> Result<ExitStatus, HeadlessError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return Ok(status),
                Ok(None) if Instant::now() > deadline => {
                    return Err(HeadlessError::Missing(self.words("never ended")));
                }
                // The system has no portable way to wait for a child and a clock at once.
                Ok(None) => std::thread::sleep(Duration::from_millis(5)),
                Err(error) => return Err(HeadlessError::Process(self.name.clone(), error)),
            }
        }
    }

    /// Kills it without a word (SIGKILL).
    pub fn kill(&mut self) -> Result<(), HeadlessError> {
        let killed = self.child.kill().and_then(|()| self.child.wait());
        killed.map(|_| ()).map_err(|error| HeadlessError::Process(self.name.clone(), error))
    }

    /// What it wrote to the standard error lately.
    pub fn complaints(&self) -> String {
        let kept = self.complaints.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().cloned().collect::<Vec<_>>().join("\n")
    }

    fn words(&self, what: &str) -> String {
        let mut words = format!("{} {what}", self.name);
        for told in self.waiting.iter().filter(|told| told.line["event"] != "voice_volume") {
            words.push_str("\n  it told ");
            words.extend(told.line.to_string().chars().take(400));
        }
        words + "\n" + &self.complaints()
    }
}

impl Drop for Headless {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads lines on a thread of its own, so that each is stamped when it comes, until `take` wants no more.
fn read_lines(stream: impl Read + Send + 'static, take: impl Fn(String) -> bool + Send + 'static) {
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines() {
            let Ok(line) = line else { return };
            if !take(line) {
                return;
            }
        }
    });
}
