//! The people at either end: one speaks into a microphone's sink, one listens at a speaker's.

use std::io::Read as _;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use super::process::{Running, until};
use crate::ears::{RATE, level_dbfs};
use crate::sound_server::{NICE, SoundServer};

/// Somebody who speaks into a sink; silent when dropped.
pub struct Speaking(Running);

impl Speaking {
    /// Plays a WAV file into `sink`.
    pub fn start(server: &SoundServer, sink: &str, file: &Path) -> Self {
        Self(Running::start("nice", &file.with_extension("paplay.log"), |command| {
            command.args(["-n", NICE, "paplay"]).arg(format!("--device={sink}")).arg("--latency-msec=20").arg(file);
            command.env("PULSE_SERVER", server.address());
        }))
    }

    /// Waits until all is said.
    pub fn done(mut self) {
        self.0.succeeds();
    }
}

/// Somebody who listens at a sink, and remembers when what was heard. Deaf when dropped.
pub struct Listening {
    process: Running,
    heard: Arc<Mutex<Heard>>,
    thread: Option<JoinHandle<()>>,
}

/// What was heard: mono 48 kHz.
#[derive(Debug, Clone, Default)]
pub struct Heard {
    /// Every sample since the start.
    pub samples: Vec<i16>,
    /// When the first one sounded; none before anything came.
    pub began: Option<SystemTime>,
}

impl Listening {
    /// Listens at `sink` from now on; returns once it hears (silence counts).
    pub fn start(server: &SoundServer, sink: &str, log: &Path) -> Self {
        let mut process = Running::start("nice", log, |command| {
            command.args(["-n", NICE, "parec"]).arg(format!("--device={sink}.monitor")).args([
                "--latency-msec=5",
                "--raw",
                "--format=s16le",
            ]);
            command.args(["--rate=48000", "--channels=1"]).env("PULSE_SERVER", server.address());
            command.stdout(Stdio::piped());
        });
        let mut pipe = process.output();
        let heard = Arc::new(Mutex::new(Heard::default()));
        let shared = Arc::clone(&heard);
        let thread = std::thread::spawn(move || {
            let mut bytes = [0; 9_600];
            let mut kept = 0;
            while let Ok(count @ 1..) = pipe.read(&mut bytes[kept..]) {
                let now = SystemTime::now();
                let whole = (kept + count) & !1;
                let mut heard = lock(&shared);
                heard.samples.extend(bytes[..whole].chunks_exact(2).map(|it| i16::from_le_bytes([it[0], it[1]])));
                // The promptest piece says best when the first sample was.
                let began = now - duration(heard.samples.len());
                heard.began = Some(heard.began.map_or(began, |earlier| earlier.min(began)));
                drop(heard);
                bytes.copy_within(whole..kept + count, 0);
                kept = kept + count - whole;
            }
        });
        let listening = Self { process, heard, thread: Some(thread) };
        until("a sound at all, be it silence", || listening.heard().began);
        listening
    }

    /// All that was heard so far.
    pub fn heard(&self) -> Heard {
        lock(&self.heard).clone()
    }

    /// Waits until the last `time` of what was heard was as loud, in dBFS, as `wished`.
    pub fn hears(&self, what: &str, time: Duration, wished: impl Fn(f64) -> bool) {
        let count = (time.as_secs_f64() * f64::from(RATE)) as usize;
        let from = lock(&self.heard).samples.len();
        until(what, || {
            let heard = lock(&self.heard);
            let recent = heard.samples.get(heard.samples.len().saturating_sub(count).max(from)..).unwrap_or_default();
            (recent.len() == count && wished(level_dbfs(recent))).then_some(())
        });
    }
}

impl Heard {
    /// Until when it was listened; none before anything came.
    pub fn until(&self) -> Option<SystemTime> {
        self.began.map(|began| began + duration(self.samples.len()))
    }

    /// What was heard from `time` on.
    pub fn since(&self, time: SystemTime) -> &[i16] {
        let began = self.began.unwrap_or(SystemTime::UNIX_EPOCH);
        let skipped = time.duration_since(began).unwrap_or_default();
        let skipped = (skipped.as_secs_f64() * f64::from(RATE)) as usize;
        self.samples.get(skipped..).unwrap_or_default()
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        super::process::signal("KILL", &format!("-{}", self.process.id()));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn lock(heard: &Mutex<Heard>) -> MutexGuard<'_, Heard> {
    heard.lock().unwrap_or_else(PoisonError::into_inner)
}

fn duration(samples: usize) -> Duration {
    Duration::from_secs_f64(samples as f64 / f64::from(RATE))
}
