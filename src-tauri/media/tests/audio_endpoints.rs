//! Two whole audio endpoints without devices, and the echo canceller.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod audio_support;

use std::time::{Duration, Instant};

use audio_support::{Wire, locate, read_wav, speech, syllables, write_wav};
use peal_media::audio::process::Cleaner;
use peal_media::audio::{Audio, AudioConfig, AudioError, FileProblem, Microphone, Processing, Sound, Speaker, level};

fn open(microphone: Microphone, speaker: Speaker) -> Audio {
    Audio::open(AudioConfig { microphone, speaker, processing: Processing::default() }).unwrap()
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn recording_sent_by_one_is_recorded_by_the_other() {
    let home = tempfile::tempdir().unwrap();
    let (said_file, heard_file) = (home.path().join("said.wav"), home.path().join("heard.wav"));
    let said = speech(6.0);
    write_wav(&said_file, &said);
    let b = open(Microphone::Silence, Speaker::Wav { path: heard_file.clone() });
    let a = open(Microphone::Silence, Speaker::Null);
    let wire = Wire::new(&a, &b);
    a.replace_microphone(Microphone::Wav { path: said_file, looped: false }).unwrap();
    eventually("the end of the recording", || a.levels().microphone_dbfs > -60.0);
    eventually("silence after it", || a.levels().microphone_dbfs <= level::SILENCE_DBFS);
    eventually("the other side to fall silent", || b.levels().speaker_dbfs < -70.0);
    let voice = wire.cut();
    let stats = voice.stats();
    drop((a, b));
    let heard = read_wav(&heard_file);
    // Fifths of a second, for on a busy machine the buffer may have to stretch one or another.
    let mut found: Vec<f32> = said[96_000..].chunks_exact(9_600).map(|part| locate(part, &heard).1).collect();
    found.sort_by(f32::total_cmp);
    println!("likeness {found:.3?}, {stats:?}");
    assert!(found[found.len() * 2 / 3] > 0.9, "likeness {found:?}");
    assert!(stats.first_audio.is_some());
    assert_eq!((stats.lost, stats.discarded), (0, 0));
}

/// Mono, 16 bit, at this rate.
fn write_wav_at(path: &std::path::Path, rate: u32, samples: impl Iterator<Item = f32>) {
    let spec =
        hound::WavSpec { channels: 1, sample_rate: rate, bits_per_sample: 16, sample_format: hound::SampleFormat::Int };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    for sample in samples {
        writer.write_sample((sample * 32_767.0) as i16).unwrap();
    }
    writer.finalize().unwrap();
}

#[test]
fn long_recording_is_heard_at_once() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("long.wav");
    // Two minutes, which have to be resampled.
    write_wav_at(&file, 44_100, (0..44_100 * 120).map(|n| 0.3 * (n as f32 * 0.06).sin()));
    let audio = open(Microphone::Silence, Speaker::Null);
    let mut uplink = audio.uplink();
    uplink.blocking_recv().unwrap();
    let began = Instant::now();
    audio.replace_microphone(Microphone::Wav { path: file, looped: false }).unwrap();
    let ready = began.elapsed();
    while uplink.blocking_recv().unwrap().level_dbov > 40 {}
    println!("ready after {ready:.1?}, heard after {:.1?}", began.elapsed());
    // To read and resample all of it takes a second on a fast computer.
    assert!(began.elapsed() < Duration::from_millis(400), "{:?}", began.elapsed());
}

#[test]
fn muting_sends_silence_within_a_frame() {
    let audio = open(Microphone::Tone { hertz: 440.0 }, Speaker::Null);
    let mut uplink = audio.uplink();
    for _ in 0..10 {
        assert!(uplink.blocking_recv().unwrap().level_dbov < 30);
    }
    audio.set_muted(true);
    assert!(audio.is_muted());
    // One frame may have been made just before, one may be half done.
    let (mut loud, mut before) = (0, None);
    loop {
        let frame = uplink.blocking_recv().unwrap();
        if let Some(before) = before {
            assert_eq!(frame.timestamp.wrapping_sub(before) % 960, 0);
        }
        before = Some(frame.timestamp);
        if frame.level_dbov == 127 {
            break;
        }
        loud += 1;
        assert!(loud <= 2, "still heard after two frames");
    }
    assert!(audio.levels().microphone_dbfs > -30.0, "the meter shows that somebody talks into a muted microphone");
    // Then DTX: pauses between packets, and the marker when the voice is back.
    eventually("a pause", || {
        let frame = uplink.blocking_recv().unwrap();
        frame.timestamp.wrapping_sub(before.replace(frame.timestamp).unwrap()) > 960
    });
    eventually("the packet that begins the next pause", || uplink.blocking_recv().unwrap().payload.len() <= 2);
    audio.set_muted(false);
    eventually("a marked frame with voice", || {
        let frame = uplink.blocking_recv().unwrap();
        frame.talk_spurt_start && frame.level_dbov < 30
    });
}

#[test]
fn every_subscriber_gets_the_same_encoded_frames() {
    let audio = open(Microphone::Tone { hertz: 300.0 }, Speaker::Null);
    let (mut one, mut two) = (audio.uplink(), audio.uplink());
    let first = two.blocking_recv().unwrap();
    loop {
        let frame = one.blocking_recv().unwrap();
        if frame.timestamp == first.timestamp {
            assert_eq!(frame, first);
            assert_eq!(frame.payload.as_ptr(), first.payload.as_ptr(), "shared, not copied");
            break;
        }
    }
    assert_eq!(first.samples, 960);
}

#[test]
fn echo_contact_sends_back_what_it_hears() {
    let home = tempfile::tempdir().unwrap();
    let heard_file = home.path().join("heard.wav");
    let person = open(Microphone::Tone { hertz: 500.0 }, Speaker::Wav { path: heard_file.clone() });
    let echo = open(Microphone::Echo { delay: Duration::from_millis(300) }, Speaker::Null);
    let there = Wire::new(&person, &echo);
    let back = Wire::new(&echo, &person);
    eventually("the echo", || person.levels().speaker_dbfs > -30.0);
    person.set_deafened(true);
    eventually("silence once deafened", || person.levels().speaker_dbfs <= level::SILENCE_DBFS);
    there.cut();
    back.cut();
}

#[test]
fn volume_and_removal_act_on_one_voice() {
    let a = open(Microphone::Tone { hertz: 500.0 }, Speaker::Null);
    let b = open(Microphone::Silence, Speaker::Null);
    let wire = Wire::new(&a, &b);
    eventually("the voice", || b.levels().speaker_dbfs > -30.0);
    let voice = wire.cut();
    voice.set_volume(0.0);
    eventually("silence at volume zero", || b.levels().speaker_dbfs < -90.0);
    drop(voice);
    let wire = Wire::new(&a, &b);
    eventually("the voice again", || b.levels().speaker_dbfs > -30.0);
    drop(wire.cut());
    eventually("silence once removed", || b.levels().speaker_dbfs < -90.0);
}

#[test]
fn sounds_play_until_stopped() {
    let audio = open(Microphone::Silence, Speaker::Null);
    audio.play(Sound::Ring);
    eventually("the ring", || audio.levels().speaker_dbfs > -40.0);
    audio.stop_sound();
    eventually("silence", || audio.levels().speaker_dbfs <= level::SILENCE_DBFS);
    audio.play(Sound::Ended);
    eventually("the sound", || audio.levels().speaker_dbfs > -40.0);
    eventually("its own end", || audio.levels().speaker_dbfs <= level::SILENCE_DBFS);
}

#[test]
fn bad_files_are_told_apart() {
    let home = tempfile::tempdir().unwrap();
    let missing = home.path().join("missing.wav");
    let wav = |path: &std::path::Path| {
        Audio::open(AudioConfig {
            microphone: Microphone::Wav { path: path.to_owned(), looped: true },
            speaker: Speaker::Null,
            processing: Processing::default(),
        })
        .err()
    };
    let problem = FileProblem::Io(std::io::ErrorKind::NotFound);
    assert_eq!(wav(&missing), Some(AudioError::File { path: missing.clone(), problem }));
    let text = home.path().join("text.wav");
    std::fs::write(&text, "not sound at all, but long enough to be read as a header of forty-four bytes").unwrap();
    assert_eq!(wav(&text), Some(AudioError::File { path: text.clone(), problem: FileProblem::NotWav }));
}

#[test]
fn echo_is_cancelled_also_when_the_clocks_differ() {
    for (delay, ppm) in [(1_920usize, 0.0f64), (7_200, 0.0), (1_920, 100.0)] {
        let chosen = Processing { gain_control: false, noise_suppression: false, ..Processing::default() };
        let mut cleaner = Cleaner::new(chosen).unwrap();
        let far = speech(40.0);
        // A room: the direct sound and two reflections, through a microphone whose clock is `ppm` slow.
        let at = |n: f64| {
            let n = n * (1.0 + ppm * 1e-6);
            let (whole, part) = (n.floor(), (n - n.floor()) as f32);
            let sample = |back: f64| {
                let i = whole - back;
                if i < 0.0 { 0.0 } else { far.get(i as usize).copied().unwrap_or(0.0) }
            };
            let room = |n: f64| 0.5 * sample(n) + 0.2 * sample(n + 331.0) - 0.1 * sample(n + 797.0);
            room(delay as f64) * (1.0 - part) + room(delay as f64 - 1.0) * part
        };
        let (mut before, mut after) = (Vec::new(), Vec::new());
        let mut rendered = far.chunks_exact(480);
        let mut played = 0.0;
        for n in 0..far.len() / 480 - 2 {
            // By the time that the microphone has taken a frame, the speaker has played a little more.
            let now = ((n + 1) * 480) as f64 * (1.0 + ppm * 1e-6);
            while played < now {
                cleaner.render(rendered.next().unwrap());
                played += 480.0;
            }
            let mut near = std::array::from_fn(|i| at((n * 480 + i) as f64));
            before.extend(near);
            cleaner.capture(&mut near, played - now);
            after.extend(near);
        }
        let last = before.len() - 288_000..;
        let lowered = level::rms_dbfs(&before[last.clone()]) - level::rms_dbfs(&after[last]);
        println!("{delay} samples, {ppm} ppm: echo lowered by {lowered:.1} dB, {:?}", cleaner.stats());
        assert!(lowered > 30.0, "{delay} samples, {ppm} ppm: only {lowered} dB");
    }
}

#[test]
fn silence_costs_no_more_than_a_voice() {
    let said = syllables(1, 1.0);
    let time = |cleaner: &mut Cleaner, voice: bool| {
        let began = Instant::now();
        for said in said.chunks_exact(480) {
            let mut frame: [f32; 480] = if voice { said.try_into().unwrap() } else { [0.0; 480] };
            cleaner.render(&frame.clone());
            cleaner.capture(&mut frame, 0.0);
        }
        began.elapsed()
    };
    let mut cleaners = [0; 2].map(|_| Cleaner::new(Processing::default()).unwrap());
    let (mut voice, mut silence) = (Duration::MAX, Duration::MAX);
    // In turn, and the quickest of many, since others use the processor too. At first both have heard a voice.
    time(&mut cleaners[1], true);
    for _ in 0..15 {
        voice = voice.min(time(&mut cleaners[0], true));
        silence = silence.min(time(&mut cleaners[1], false));
    }
    println!("a second of voice takes {voice:.2?}, of silence {silence:.2?}");
    assert!(silence < voice * 3 / 2, "silence {silence:?}, voice {voice:?}");
}

#[test]
fn people_who_talk_at_once_are_both_heard() {
    let (said, other) = (syllables(1, 20.0), syllables(2, 20.0));
    let processed = |far: &[f32]| {
        let mut cleaner = Cleaner::new(Processing::default()).unwrap();
        let mut out = Vec::new();
        for (said, far) in said.chunks_exact(480).zip(far.chunks_exact(480)) {
            cleaner.render(far);
            let mut frame: [f32; 480] = said.try_into().unwrap();
            cleaner.capture(&mut frame, 0.0);
            out.extend(frame);
        }
        out
    };
    // With nobody else the canceller has nothing to do: what else is done to a voice may stay.
    let (alone, together) = (processed(&vec![0.0; said.len()]), processed(&other));
    let mut found: Vec<(f32, f32)> = (3 * 4..19 * 4)
        .map(|quarter| {
            let part = quarter * 12_000..(quarter + 1) * 12_000;
            let loss = level::rms_dbfs(&alone[part.clone()]) - level::rms_dbfs(&together[part.clone()]);
            (locate(&alone[part.clone()], &together[part.start - 960..part.end + 960]).1, loss)
        })
        .collect();
    found.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mean = found.iter().map(|(likeness, _)| likeness).sum::<f32>() / found.len() as f32;
    let loss = found.iter().map(|(_, loss)| *loss).fold(0.0, f32::max);
    println!("likeness {mean:.3}, worst {:.3}; at most {loss:.1} dB lost", found[0].0);
    assert!(mean > 0.95 && found[0].0 > 0.8, "likeness {mean}, worst {}", found[0].0);
    assert!(loss < 3.0, "{loss} dB lost");
}
