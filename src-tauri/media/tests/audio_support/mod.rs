//! A voice to speak with, an ear to listen with, and a private sound server between them.
#![allow(dead_code, clippy::unwrap_used, reason = "each test uses its part; a test fails by panicking")]

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use peal_media::audio::{Audio, RtpVoicePacket, Voice};

/// Speech-like: gliding pitch (150 to 260 Hz), formant-like harmonics, syllables and words of uneven length; mono 48 kHz.
pub fn speech(seconds: f32) -> Vec<f32> {
    voice(12_345, seconds, |random| if random() < 0.2 { 3_000 } else { 0 })
}

/// Another person for each seed, who closes the mouth between syllables for 30 to 150 ms, as people do.
pub fn syllables(seed: u32, seconds: f32) -> Vec<f32> {
    voice(seed, seconds, |random| 1_440 + (random() * 5_760.0) as usize)
}

/// `pause` gives the samples of silence after a syllable.
fn voice(seed: u32, seconds: f32, pause: impl Fn(&mut dyn FnMut() -> f32) -> usize) -> Vec<f32> {
    let mut state = seed;
    let mut random = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 16_777_216.0
    };
    let total = (seconds * 48_000.0) as usize;
    let mut out = Vec::with_capacity(total);
    let mut phase = 0.0f32;
    while out.len() < total {
        let length = 4_000 + (random() * 9_000.0) as usize;
        let (from, to) = (150.0 + random() * 110.0, 150.0 + random() * 110.0);
        let parts = [0.5 + random() * 0.5, random(), random() * 0.6, random() * 0.4, random() * 0.3];
        for n in 0..length {
            let x = n as f32 / length as f32;
            phase = (phase + (from + (to - from) * x) / 48_000.0).fract();
            let envelope = (x * std::f32::consts::PI).sin().powf(0.7);
            let tone: f32 = parts
                .iter()
                .enumerate()
                .map(|(k, part)| part * ((k + 1) as f32 * phase * std::f32::consts::TAU).sin())
                .sum();
            out.push(0.13 * envelope * tone);
        }
        out.extend(std::iter::repeat_n(0.0, pause(&mut random)));
    }
    out.truncate(total);
    out
}

pub fn write_wav(path: &Path, samples: &[f32]) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 48_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    for sample in samples {
        writer.write_sample((sample * 32_767.0) as i16).unwrap();
    }
    writer.finalize().unwrap();
}

pub fn read_wav(path: &Path) -> Vec<f32> {
    let mut reader = hound::WavReader::open(path).unwrap();
    let spec = reader.spec();
    assert_eq!((spec.channels, spec.sample_rate, spec.bits_per_sample), (1, 48_000, 16));
    reader.samples::<i16>().map(|s| f32::from(s.unwrap()) / 32_768.0).collect()
}

/// Where in `heard` the `said` is found, and how alike they are: (samples, normalised correlation). Looked for at 8 kHz,
/// then to the sample.
pub fn locate(said: &[f32], heard: &[f32]) -> (usize, f32) {
    let low = |samples: &[f32]| -> Vec<f32> { samples.chunks_exact(6).map(|c| c.iter().sum::<f32>() / 6.0).collect() };
    let (a, b) = (low(said), low(heard));
    if b.len() <= a.len() {
        return (0, 0.0);
    }
    let coarse = best(&a, &b, 0..=b.len() - a.len()).0 * 6;
    let last = heard.len().saturating_sub(said.len());
    best(said, heard, coarse.saturating_sub(12).min(last)..=(coarse + 12).min(last))
}

fn best(a: &[f32], b: &[f32], shifts: std::ops::RangeInclusive<usize>) -> (usize, f32) {
    let dot = |x: &[f32], y: &[f32]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f32>();
    let power = dot(a, a);
    let mut found = (0, -1.0f32);
    for shift in shifts {
        let part = &b[shift..shift + a.len()];
        let likeness = dot(a, part) / (power * dot(part, part)).sqrt().max(1e-9);
        if likeness > found.1 {
            found = (shift, likeness);
        }
    }
    found
}

/// Carries one side's frames to a voice on the other side, as a perfect network would; stops when dropped.
pub struct Wire {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Voice>>,
}

impl Wire {
    pub fn new(from: &Audio, to: &Audio) -> Self {
        let mut frames = from.uplink();
        let voice = to.add_voice(1);
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut sequence = 65_500u16;
            while !stopped.load(Ordering::Relaxed) {
                let Ok(frame) = frames.blocking_recv() else { break };
                voice.push(RtpVoicePacket {
                    sequence,
                    timestamp: frame.timestamp,
                    payload: frame.payload,
                    arrived: Instant::now(),
                    is_copy: false,
                });
                sequence = sequence.wrapping_add(1);
            }
            voice
        });
        Self { stop, thread: Some(thread) }
    }

    /// Ends it and gives the voice back.
    pub fn cut(mut self) -> Voice {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap()
    }
}

/// A PulseAudio server of our own, at the place that `PULSE_SERVER` names; dies when dropped.
pub struct PulseAudio {
    process: Child,
}

impl PulseAudio {
    /// With these null sinks; the first one's monitor is the default microphone, the last one the default speaker. It lets
    /// everybody in who speaks the protocol.
    pub fn start(sinks: &[&str]) -> Self {
        Self::start_for(sinks, "auth-anonymous=1")
    }

    /// The same, and lets in as `auth` says.
    pub fn start_for(sinks: &[&str], auth: &str) -> Self {
        let socket = std::env::var("PULSE_SERVER").unwrap();
        let socket = PathBuf::from(socket.strip_prefix("unix:").unwrap());
        let _ = std::fs::remove_file(&socket);
        let mut command = sound_program("pulseaudio");
        command.args([
            "-n",
            "--system=false",
            "--daemonize=no",
            "--exit-idle-time=-1",
            "--use-pid-file=no",
            "--realtime=no",
            // If we are allowed to give it: that is what it has on any desktop.
            "--high-priority=yes",
            "--log-target=stderr",
            "--log-level=error",
        ]);
        command.arg("-L").arg(format!("module-native-protocol-unix socket={} {auth}", socket.display()));
        for sink in sinks {
            command.arg("-L").arg(format!("module-null-sink sink_name={sink} rate=48000 channels=1"));
        }
        let process = command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let server = Self { process };
        let deadline = Instant::now() + Duration::from_secs(30);
        while !pactl(&["info"]) {
            assert!(Instant::now() < deadline, "PulseAudio did not come up");
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(pactl(&["set-default-source", &format!("{}.monitor", sinks[0])]));
        assert!(pactl(&["set-default-sink", sinks[sinks.len() - 1]]));
        server
    }

    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Kills it at once.
    pub fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for PulseAudio {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// PulseAudio and its programs leave a cookie in their home; ours is another one, as on a fresh account.
fn sound_program(name: &str) -> Command {
    let mut command = Command::new(name);
    command.env("HOME", std::env::var_os("XDG_RUNTIME_DIR").unwrap());
    command
}

fn pactl(arguments: &[&str]) -> bool {
    sound_program("pactl").args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success()
}

/// Speaks a WAV file into a sink; stops when dropped.
pub struct Speaking(Child);

impl Speaking {
    pub fn start(sink: &str, file: &Path) -> Self {
        let device = format!("--device={sink}");
        Self(sound_program("paplay").args([&device, "--latency-msec=20"]).arg(file).spawn().unwrap())
    }

    pub fn wait(mut self) {
        assert!(self.0.wait().unwrap().success());
    }
}

impl Drop for Speaking {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a sink plays, with the time of its first sample, from the moment of `start` on.
pub struct Listening {
    process: Child,
    heard: Arc<Mutex<(Vec<f32>, Option<Instant>)>>,
    thread: Option<JoinHandle<()>>,
}

impl Listening {
    pub fn start(sink: &str) -> Self {
        let mut process = sound_program("parec")
            .args([&format!("--device={sink}.monitor"), "--latency-msec=5", "--raw", "--format=s16le", "--rate=48000"])
            .arg("--channels=1")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut pipe = process.stdout.take().unwrap();
        let heard = Arc::new(Mutex::new((Vec::new(), None::<Instant>)));
        let shared = Arc::clone(&heard);
        let thread = std::thread::spawn(move || {
            let mut bytes = [0u8; 9_600];
            while let Ok(count @ 1..) = pipe.read(&mut bytes) {
                let now = Instant::now();
                let mut heard = shared.lock().unwrap();
                heard.0.extend(
                    bytes[..count].chunks_exact(2).map(|b| f32::from(i16::from_le_bytes([b[0], b[1]])) / 32_768.0),
                );
                // The promptest chunk says best when the first sample was.
                let start = now.checked_sub(Duration::from_secs_f64(heard.0.len() as f64 / 48_000.0)).unwrap();
                heard.1 = Some(heard.1.map_or(start, |earlier| earlier.min(start)));
            }
        });
        let listening = Self { process, heard, thread: Some(thread) };
        let deadline = Instant::now() + Duration::from_secs(20);
        while listening.heard.lock().unwrap().1.is_none() {
            assert!(Instant::now() < deadline, "parec gives nothing");
            std::thread::sleep(Duration::from_millis(5));
        }
        listening
    }

    /// All samples, and when the first one was heard.
    pub fn finish(mut self) -> (Vec<f32>, Instant) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.thread.take().unwrap().join().unwrap();
        let heard = self.heard.lock().unwrap();
        (heard.0.clone(), heard.1.unwrap())
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// How much of all processors' time, ms, the host of this virtual machine has given to others so far (`proc_stat(5)`).
pub fn taken_by_host_ms() -> u64 {
    let stat = std::fs::read_to_string("/proc/stat").unwrap();
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu ")).unwrap();
    line.split_whitespace().nth(7).map_or(0, |ticks| ticks.parse::<u64>().unwrap() * 10)
}

/// Runs the body of the test `name` in a process of its own, whose environment leads to a private sound server (that the
/// body starts itself, if it wants one). `true` where the body is to run.
pub fn in_private_process(name: &str) -> bool {
    if std::env::var_os("PEAL_PRIVATE_SOUND").is_some() {
        return true;
    }
    let (home, runtime) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let status = Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture", "--test-threads=1"])
        .env("PEAL_PRIVATE_SOUND", "1")
        .env("PULSE_SERVER", format!("unix:{}", runtime.path().join("native").display()))
        .env("XDG_RUNTIME_DIR", runtime.path())
        .env("HOME", home.path())
        .env_remove("XDG_CONFIG_HOME")
        .env_remove("PULSE_COOKIE")
        .status()
        .unwrap();
    assert!(status.success(), "{name} failed in its own process");
    false
}
