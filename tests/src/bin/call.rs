//! `cargo xtask call`: one real call between two `peal-headless` processes, and what it shows.
//!
//! Ann calls Bob over an embedded broker; both speak (WAV files that play in real time) and both are written down. Every
//! figure is measured from outside the two processes, but for what they count themselves. The way from mouth to ear is
//! measured on a second call, between two engines in this process (see [`peal_tests::measure::latency`]).
//!
//! With processing a voice is compared to what the processing makes of it where nobody else talks: noise suppression and
//! gain change a waveform, and that is their work. What the other's voice does to it is not.
//!
//! The exit status is 0 if the speech arrived on both sides, and 1 otherwise.

use std::process::ExitCode;
use std::time::Duration;

use peal_tests::ears::{likeness, processed, read_wav, speech, write_wav};
use peal_tests::measure::conversation::{Conversation, Counted, FirstAudio, Steps};
use peal_tests::measure::process::{Stretch, memory_mib};
use peal_tests::measure::{Spread, Unmeasured, latency, rounded};
use serde_json::{Value, json};

/// How long it rings before Bob answers: as long as a person needs at least.
const RING: Duration = Duration::from_secs(1);
/// The call's beginning, in which connections are set up and the jitter buffer finds its place.
const SETTLE: Duration = Duration::from_secs(2);
/// The time after it that counts for the processor's share.
const STEADY: Duration = Duration::from_secs(8);
/// Seconds of speech: the call and a little more.
const SPEECH: f64 = 12.0;
/// The stretch of the speech that is looked for in what was heard, in samples: its fifth and sixth second, when the echo
/// canceller has found out whether there is an echo.
const EXCERPT: std::ops::Range<usize> = 4 * 48_000..6 * 48_000;
/// As alike as speech that was heard and understood is after Opus and a jitter buffer.
const ARRIVED: f64 = 0.7;

const HELP: &str = "\
One real call between two Peals without windows, and what it shows.

Usage: call [--json] [--processing]

      --json        Print one JSON object instead of a table
      --processing  Echo cancelling, noise suppression and gain control, as with real devices, also for the WAV files
  -h, --help        Print this
";

#[tokio::main]
async fn main() -> ExitCode {
    let (mut as_json, mut processing) = (false, false);
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--json" => as_json = true,
            "--processing" => processing = true,
            "-h" | "--help" => {
                print!("{HELP}");
                return ExitCode::SUCCESS;
            }
            other => {
                eprintln!("{other} is no option\n\n{HELP}");
                return ExitCode::from(2);
            }
        }
    }
    let shown = match tokio::task::spawn_blocking(move || make_call(processing)).await {
        Ok(Ok(shown)) => shown,
        Ok(Err(error)) => return failure(&*error),
        Err(error) => return failure(&error),
    };
    let delays = match latency::through_files(6.0).await {
        Ok(delays) => Spread::new(delays),
        Err(error) => return failure(&*error),
    };
    if as_json {
        println!("{}", shown.to_json(&delays));
    } else {
        shown.print(&delays);
    }
    if shown.arrived() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn failure(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("the call failed: {error}");
    ExitCode::FAILURE
}

/// What one call showed.
struct Shown {
    processing: bool,
    steps: Steps,
    first_audio: FirstAudio,
    counted: Counted,
    /// Percent of a core, the caller's and the callee's; none where the system does not tell.
    cpu: [Option<f64>; 2],
    memory: [Option<f64>; 2],
    /// How alike what was said and what was heard are, 0 to 1: at the callee, at the caller.
    likeness: [f64; 2],
}

fn make_call(processing: bool) -> Result<Shown, Unmeasured> {
    let voices = [("ann", speech(SPEECH, 1)), ("bob", speech(SPEECH, 2))];
    let extra = |name: &str, place: &std::path::Path| {
        let file = |what: &str| place.join(format!("{what}-{name}.wav")).display().to_string();
        for (speaker, said) in &voices {
            if *speaker == name {
                write_wav(file("said").as_ref(), said);
            }
        }
        let mut extra = ["--microphone", &file("said"), "--speaker", &file("heard")].map(str::to_owned).to_vec();
        extra.extend(processing.then(|| "--force-processing".to_owned()));
        extra
    };
    let mut conversation = Conversation::start(extra, &[])?;
    let steps = conversation.connect(RING)?;
    let first_audio = conversation.first_audio(&steps)?;
    std::thread::sleep(SETTLE);
    let pids = [conversation.caller.pid(), conversation.callee.pid()];
    let stretches = pids.map(Stretch::begin);
    std::thread::sleep(STEADY);
    let cpu = stretches.map(|stretch| stretch.and_then(|it| it.cpu_percent()));
    let memory = pids.map(memory_mib);
    let counted = conversation.count(&steps)?;
    conversation.hang_up(&steps)?;
    conversation.close()?;
    let alike = |speaker: usize, listener: &str| {
        let said = &voices[speaker].1;
        let expected = if processing { processed(said) } else { said.clone() };
        let heard = read_wav(&conversation.file(&format!("heard-{listener}.wav")));
        likeness(&expected[EXCERPT], &heard, 0..heard.len() as i64).correlation
    };
    let likeness = [alike(0, "bob"), alike(1, "ann")];
    Ok(Shown { processing, steps, first_audio, counted, cpu, memory, likeness })
}

impl Shown {
    fn arrived(&self) -> bool {
        self.speech_correlation() >= ARRIVED
    }

    /// The worse of both directions.
    fn speech_correlation(&self) -> f64 {
        self.likeness[0].min(self.likeness[1])
    }

    /// Until both hear each other.
    fn first_audio_ms(&self) -> f64 {
        self.first_audio.at_caller.max(self.first_audio.at_callee)
    }

    fn sum(&self, counter: &str) -> f64 {
        [&self.counted.caller, &self.counted.callee].iter().filter_map(|it| it[counter].as_f64()).sum()
    }

    fn to_json(&self, delays: &Spread) -> Value {
        let share = json!({
            "caller": self.cpu[0].map(rounded), "callee": self.cpu[1].map(rounded),
        });
        json!({
            "ringing_ms": rounded(self.steps.ringing_ms),
            "first_audio_ms": rounded(self.first_audio_ms()),
            "mouth_to_ear_ms": delays.median().map(rounded),
            "cpu_percent": share,
            "packets": self.sum("packets_received"),
            "lost": self.sum("lost"),
            "speech_correlation": (self.speech_correlation() * 1_000.0).round() / 1_000.0,
            "connected_ms": rounded(self.steps.connected_ms),
            "first_audio_at_caller_ms": rounded(self.first_audio.at_caller),
            "first_audio_at_callee_ms": rounded(self.first_audio.at_callee),
            "mouth_to_ear": delays.to_json(),
            "memory_mib": { "caller": self.memory[0].map(rounded), "callee": self.memory[1].map(rounded) },
            "processing": self.processing,
            "caller": self.counted.caller,
            "callee": self.counted.callee,
        })
    }

    fn print(&self, delays: &Spread) {
        let ms = |value: f64| format!("{value:.0} ms");
        let both = |values: [Option<f64>; 2], unit: &str| {
            let figure =
                |value: Option<f64>| value.map_or_else(|| "?".to_owned(), |value| format!("{value:.1} {unit}"));
            format!("{} and {}", figure(values[0]), figure(values[1]))
        };
        let mouth_to_ear = delays.median().map_or_else(|| "?".to_owned(), ms);
        let words = if self.processing { "processing on" } else { "processing off" };
        let verdict = if self.arrived() { "yes" } else { "NO" };
        let lost = self.sum("lost");
        let packets = self.sum("packets_received");
        println!("One call, Ann to Bob, both in real time, without sound devices");
        for (name, figure, remark) in [
            ("dial to ringing", ms(self.steps.ringing_ms), ""),
            ("answer to first audio", ms(self.first_audio_ms()), "until both hear each other"),
            ("mouth to ear", mouth_to_ear, "without devices; measured on a second call"),
            ("processor, of one core", both(self.cpu, "%"), words),
            ("memory", both(self.memory, "MiB"), "resident"),
            ("packets received", format!("{packets}"), "both ends together"),
            ("packets lost", format!("{lost}"), ""),
            ("speech arrived", verdict.to_owned(), "both ways"),
            ("likeness, said and heard", format!("{:.2}", self.speech_correlation()), "1 is a copy"),
        ] {
            println!("  {name:<26} {figure:<24} {remark}");
        }
    }
}
