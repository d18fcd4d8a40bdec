//! What a voice costs: time from mouth to ear and share of a processor, through a private PulseAudio with null sinks.
//!
//! `cargo run -p peal-media --example audio_latency` (Linux, with pulseaudio and pulseaudio-utils)

#[cfg(target_os = "linux")]
#[path = "../tests/audio_support/mod.rs"]
mod audio_support;

#[cfg(target_os = "linux")]
fn main() {
    linux::main();
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("this measurement needs PulseAudio on Linux");
}

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::BTreeMap;
    use std::process::Command;
    use std::time::{Duration, Instant};

    use peal_media::audio::{Audio, AudioConfig, Microphone, Processing, Speaker};

    use super::audio_support::{Listening, PulseAudio, Speaking, Wire, locate, speech, write_wav};

    const SECONDS: f32 = 14.0;

    pub fn main() {
        let home = tempfile::tempdir().expect("a directory for the sound server");
        if std::env::var_os("PEAL_PRIVATE_SOUND").is_none() {
            // The sound server is found through the environment, which is best set for a process of its own.
            let status = Command::new(std::env::current_exe().expect("our own path"))
                .env("PEAL_PRIVATE_SOUND", "1")
                .env("PULSE_SERVER", format!("unix:{}", home.path().join("native").display()))
                .env("XDG_RUNTIME_DIR", home.path())
                .env("HOME", home.path())
                .status()
                .expect("to run ourselves");
            assert!(status.success());
            return;
        }
        let _server = PulseAudio::start(&["mic_a", "spk_a", "mic_b", "spk_b"]);
        let file = home.path().join("said.wav");
        let said = speech(SECONDS);
        write_wav(&file, &said);
        let off = Processing { echo_cancellation: false, noise_suppression: false, gain_control: false, always: false };
        for (name, processing) in [("without processing", off), ("with processing", Processing::default())] {
            run(name, processing, &said, &file);
        }
    }

    fn run(name: &str, processing: Processing, said: &[f32], file: &std::path::Path) {
        let open = |mic: &str, spk: &str| {
            Audio::open(AudioConfig {
                microphone: Microphone::Device(format!("pulseaudio:{mic}.monitor")),
                speaker: Speaker::Device(format!("pulseaudio:{spk}")),
                processing,
            })
            .expect("devices")
        };
        let began = Instant::now();
        let (a, b) = (open("mic_a", "spk_a"), open("mic_b", "spk_b"));
        let opened = began.elapsed() / 2;
        let (there, back) = (Wire::new(&a, &b), Wire::new(&b, &a));
        let (mouth, ear) = (Listening::start("mic_a"), Listening::start("spk_b"));
        let speaking = Speaking::start("mic_a", file);
        std::thread::sleep(Duration::from_secs(3));
        let (before, since) = (processor_time(), Instant::now());
        speaking.wait();
        let (after, span) = (processor_time(), since.elapsed().as_secs_f64());
        let ((mouth, mouth_start), (ear, ear_start)) = (mouth.finish(), ear.finish());
        let begin = locate(&said[..24_000], &mouth).0;
        let mut delays: Vec<f64> = (8..(SECONDS as usize - 1) * 2)
            .filter_map(|half| {
                let from = begin + half * 24_000;
                let part = mouth.get(from..from + 24_000)?;
                let area = ear.get(from.saturating_sub(24_000)..(from + 72_000).min(ear.len()))?;
                let (at, likeness) = locate(part, area);
                let said_at = mouth_start + Duration::from_secs_f64(from as f64 / 48_000.0);
                let heard = ear_start + Duration::from_secs_f64((from.saturating_sub(24_000) + at) as f64 / 48_000.0);
                (likeness > 0.5).then(|| heard.duration_since(said_at).as_secs_f64() * 1_000.0)
            })
            .collect();
        delays.sort_by(f64::total_cmp);
        println!("{name}: a device pair opened in {opened:.0?}");
        if let (Some(least), Some(most)) = (delays.first(), delays.last()) {
            let median = delays[delays.len() / 2];
            println!("  mouth to ear {median:.1} ms ({least:.1} to {most:.1}, {} half seconds)", delays.len());
        }
        let (there, _) = (there.cut().stats(), back.cut());
        println!(
            "  jitter buffer {:.1} ms (target {:.1}), concealed {} of {} ms, stretched -{} +{} ms",
            there.buffer_ms,
            there.target_ms,
            there.concealed_ms,
            there.total_ms,
            there.shortened_ms,
            there.lengthened_ms
        );
        println!("  a {:?}\n  b {:?}", a.stats(), b.stats());
        println!("  processor, two endpoints, % of a core by thread:");
        let mut total = 0.0;
        for (thread, ticks) in after {
            let share = (ticks - before.get(&thread).copied().unwrap_or(0.0)) / span * 100.0;
            total += share;
            if share >= 0.05 {
                println!("    {thread:<20} {share:.2}");
            }
        }
        println!("    one endpoint         {:.2}", total / 2.0);
    }

    /// Seconds of processor time by thread name and id.
    fn processor_time() -> BTreeMap<String, f64> {
        let mut times = BTreeMap::new();
        for task in std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
            let Ok(schedstat) = std::fs::read_to_string(task.path().join("schedstat")) else { continue };
            let name = std::fs::read_to_string(task.path().join("comm")).unwrap_or_default();
            let nanos: f64 = schedstat.split(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0.0);
            times.insert(format!("{} {}", name.trim(), task.file_name().to_string_lossy()), nanos / 1e9);
        }
        times
    }
}
