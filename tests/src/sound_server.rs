//! A sound server of one's own (PulseAudio) on a machine without a sound card: null sinks are the speakers, and what is
//! played into another one comes out of a microphone. `paplay` and `parec` are the person at either end.
//!
//! Everything is private: the socket lies in a temporary directory, and every process ends with its owner.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::ears::RATE;

/// The priority of those who speak and listen, if we are allowed to give it: PulseAudio's own.
pub const NICE: &str = "-11";
/// How long the server may take to come up, and `parec` to hear something.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why there is no sound.
#[derive(Debug, thiserror::Error)]
pub enum SoundError {
    /// A program is missing or failed.
    #[error("{0}: {1}")]
    Program(&'static str, std::io::Error),
    /// A program did not do its part in time.
    #[error("{0}")]
    Silent(String),
}

/// A running server. It dies when dropped.
pub struct SoundServer {
    process: Child,
    /// Where its socket lies.
    home: PathBuf,
    /// That place, if it was made for it.
    _own: Option<TempDir>,
}

impl SoundServer {
    /// [`with_sinks`](Self::with_sinks) in a test: its socket lies in `home`, and a failure is the test's.
    pub fn start(home: &Path, names: &[&str]) -> Self {
        let server = Self::launch(home.to_owned(), None, names.iter().map(null_sink));
        match server.and_then(|server| server.choose_defaults(names)) {
            Ok(server) => server,
            Err(error) => panic!("no sound server: {error}"),
        }
    }

    /// A server with one null sink of each of these names, mono at 48 kHz. What is played into `mic_a` is heard by who
    /// records `mic_a.monitor`. The first one's monitor is the default microphone, the last one the default speaker.
    pub fn with_sinks(names: &[&str]) -> Result<Self, SoundError> {
        Self::with_modules(names.iter().map(null_sink))?.choose_defaults(names)
    }

    /// A server with a room: one null sink `room` whose channels are these devices, so that all of them can be recorded
    /// in one stream, on one clock, to the sample (`room.monitor`, in the same order). Each name is a sink to be played
    /// into, and `NAME_source` is a microphone that hears it.
    ///
    /// # Errors
    /// Also when there are more than eight: a channel map has no more positions with plain names.
    pub fn with_room(names: &[&str]) -> Result<Self, SoundError> {
        const POSITIONS: [&str; 8] =
            ["front-left", "front-right", "rear-left", "rear-right", "front-center", "lfe", "side-left", "side-right"];
        if names.len() > POSITIONS.len() {
            return Err(SoundError::Silent(format!("a room has at most {} devices", POSITIONS.len())));
        }
        let map = POSITIONS[..names.len()].join(",");
        let room = format!("module-null-sink sink_name=room rate=48000 channels={} channel_map={map}", names.len());
        let devices = names.iter().zip(POSITIONS).flat_map(|(name, position)| {
            let common = format!("channels=1 channel_map=mono master_channel_map={position} remix=no");
            [
                format!("module-remap-sink sink_name={name} master=room {common}"),
                format!("module-remap-source source_name={name}_source master=room.monitor {common}"),
            ]
        });
        Self::with_modules(std::iter::once(room).chain(devices))
    }

    /// A server with these modules, as `module-null-sink sink_name=x`, besides the one that lets clients in.
    pub fn with_modules(modules: impl IntoIterator<Item = String>) -> Result<Self, SoundError> {
        let home = tempfile::tempdir().map_err(|error| SoundError::Program("a temporary directory", error))?;
        Self::launch(home.path().to_owned(), Some(home), modules)
    }

    fn launch(
        home: PathBuf,
        own: Option<TempDir>,
        modules: impl IntoIterator<Item = String>,
    ) -> Result<Self, SoundError> {
        let socket = home.join("native");
        let mut command = Command::new("pulseaudio");
        command.args(["-n", "--system=false", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"]);
        // What it has on any desktop, if we are allowed to give it: a sound card is on time whatever else runs.
        command.args(["--realtime=yes", "--high-priority=yes", "--log-target=stderr", "--log-level=error"]);
        command.arg("-L").arg(format!("module-native-protocol-unix socket={} auth-anonymous=1", socket.display()));
        for module in modules {
            command.args(["-L", &module]);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.env("XDG_RUNTIME_DIR", &home).env("HOME", &home).env_remove("PULSE_SERVER");
        let process = command.spawn().map_err(|error| SoundError::Program("pulseaudio", error))?;
        let server = Self { process, home, _own: own };
        let deadline = Instant::now() + PATIENCE;
        while server.pactl(&["info"]).is_err() {
            if Instant::now() > deadline {
                return Err(SoundError::Silent("PulseAudio did not come up".to_owned()));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(server)
    }

    /// What leads a program to this server: set these variables for it.
    pub fn environment(&self) -> [(String, String); 2] {
        [("PULSE_SERVER".to_owned(), self.address()), ("XDG_RUNTIME_DIR".to_owned(), self.home.display().to_string())]
    }

    /// Its address, for `PULSE_SERVER`.
    pub fn address(&self) -> String {
        format!("unix:{}", self.home.join("native").display())
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Asks the server something with `pactl`.
    pub fn pactl(&self, arguments: &[&str]) -> Result<String, SoundError> {
        let failed = |error| SoundError::Program("pactl", error);
        let output = self.program("pactl").args(arguments).stdin(Stdio::null()).output().map_err(failed)?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err(failed(std::io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned())))
        }
    }

    /// Plays a WAV file into a sink, once, with buffers of 20 ms.
    pub fn play(&self, sink: &str, file: &Path) -> Result<Playing, SoundError> {
        let mut command = self.program("paplay");
        command.args([&format!("--device={sink}"), "--latency-msec=20"]).arg(file);
        let child = command.stdin(Stdio::null()).stderr(Stdio::null()).spawn();
        child.map(Playing).map_err(|error| SoundError::Program("paplay", error))
    }

    /// Records a source of so many channels from now on (for a sink what it plays: `NAME.monitor`), with
    /// buffers of 20 ms: it hurries the devices no more than an ordinary program. Returns when the first sample has come.
    pub fn record(&self, source: &str, channels: usize) -> Result<Recording, SoundError> {
        let mut command = self.program("parec");
        command.args([&format!("--device={source}"), "--latency-msec=20", "--raw", "--format=s16le", "--rate=48000"]);
        // By index: the server's idea of what positions so many channels have does not count.
        command.args([&format!("--channels={channels}"), "--no-remix", "--no-remap"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let failed = |error| SoundError::Program("parec", error);
        let mut process = command.spawn().map_err(failed)?;
        let mut output = process.stdout.take().ok_or_else(|| failed(std::io::Error::other("it has no output")))?;
        let (started, starts) = std::sync::mpsc::channel();
        let reader = std::thread::spawn(move || read_all(&mut output, channels, &started));
        let recording = Recording { process, reader: Some(reader), channels };
        starts.recv_timeout(PATIENCE).map_err(|_| SoundError::Silent(format!("nothing comes from {source}")))?;
        Ok(recording)
    }

    fn choose_defaults(self, names: &[&str]) -> Result<Self, SoundError> {
        if let (Some(first), Some(last)) = (names.first(), names.last()) {
            self.pactl(&["set-default-source", &format!("{first}.monitor")])?;
            self.pactl(&["set-default-sink", last])?;
        }
        Ok(self)
    }

    /// A small program that has to be on time, as a person is.
    fn program(&self, name: &str) -> Command {
        let mut command = Command::new("nice");
        command.args(["-n", NICE, name]);
        command.envs(self.environment());
        command
    }
}

impl Drop for SoundServer {
    fn drop(&mut self) {
        end(&mut self.process);
    }
}

/// Somebody speaks. They stop when dropped.
pub struct Playing(Child);

impl Playing {
    /// Waits for the end of the file.
    pub fn finish(mut self) -> Result<(), SoundError> {
        let failed = |error| SoundError::Program("paplay", error);
        let status = self.0.wait().map_err(failed)?;
        if status.success() { Ok(()) } else { Err(failed(std::io::Error::other(status.to_string()))) }
    }
}

impl Drop for Playing {
    fn drop(&mut self) {
        end(&mut self.0);
    }
}

/// Somebody listens. They stop when dropped.
pub struct Recording {
    process: Child,
    reader: Option<JoinHandle<(Vec<i16>, Option<Instant>)>>,
    channels: usize,
}

/// What was recorded.
#[derive(Debug, Clone)]
pub struct Heard {
    /// The samples of each channel, 48 kHz.
    pub channels: Vec<Vec<i16>>,
    /// When the first sample came, to about 5 ms: the promptest piece says it best. None if nothing came.
    pub begun: Option<Instant>,
}

impl Recording {
    /// Stops, and answers what was heard.
    pub fn finish(mut self) -> Heard {
        end(&mut self.process);
        let (mixed, begun) = self.reader.take().and_then(|reader| reader.join().ok()).unwrap_or_default();
        let channel = |at: usize| mixed.iter().skip(at).step_by(self.channels).copied().collect();
        Heard { channels: (0..self.channels).map(channel).collect(), begun }
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        end(&mut self.process);
    }
}

fn null_sink(name: &&str) -> String {
    format!("module-null-sink sink_name={name} rate=48000 channels=1")
}

fn read_all(
    output: &mut ChildStdout,
    channels: usize,
    started: &std::sync::mpsc::Sender<()>,
) -> (Vec<i16>, Option<Instant>) {
    let mut bytes = Vec::with_capacity(RATE as usize * 60);
    let mut buffer = [0; 9_600];
    let mut begun: Option<Instant> = None;
    while let Ok(count @ 1..) = output.read(&mut buffer) {
        let now = Instant::now();
        if bytes.is_empty() {
            // Whoever started this waits for it, or has given up.
            let _ = started.send(());
        }
        bytes.extend_from_slice(&buffer[..count]);
        let length = Duration::from_secs_f64((bytes.len() / 2 / channels) as f64 / f64::from(RATE));
        if let Some(start) = now.checked_sub(length) {
            begun = Some(begun.map_or(start, |earlier| earlier.min(start)));
        }
    }
    (bytes.chunks_exact(2).map(|it| i16::from_le_bytes([it[0], it[1]])).collect(), begun)
}

fn end(process: &mut Child) {
    // It may have ended already.
    let _ = process.kill();
    let _ = process.wait();
}
