//! The real device path, through a private PulseAudio with null sinks.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod audio_support;

use std::path::Path;
use std::time::{Duration, Instant};

use audio_support::{
    Listening, PulseAudio, Speaking, Wire, in_private_process, locate, speech, taken_by_host_ms, write_wav,
};
use peal_media::audio::{Audio, AudioConfig, AudioError, AudioEvent, Microphone, Processing, Speaker, devices};
use tokio::sync::broadcast::Receiver;

/// Nothing may touch the voice that is compared.
const RAW: Processing =
    Processing { echo_cancellation: false, noise_suppression: false, gain_control: false, always: false };

fn microphone(sink: &str) -> Microphone {
    Microphone::Device(format!("pulseaudio:{sink}.monitor"))
}

fn speaker(sink: &str) -> Speaker {
    Speaker::Device(format!("pulseaudio:{sink}"))
}

fn both_events(events: &mut Receiver<AudioEvent>, mut wanted: Vec<AudioEvent>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    while !wanted.is_empty() {
        let event = runtime.block_on(async { tokio::time::timeout(Duration::from_secs(40), events.recv()).await });
        let event = event.unwrap_or_else(|_| panic!("never: {wanted:?}")).unwrap();
        wanted.retain(|w| *w != event);
    }
}

/// 200 ms.
const PIECE: usize = 9_600;
/// How often a sound is judged before it counts, whatever the machine's host does.
const TRIES: usize = 8;
/// Less than this of the processors' time, ms, is not heard in some seconds.
const UNHEARD: u64 = 100;

#[test]
fn devices_are_listed_with_the_defaults() {
    if !in_private_process("devices_are_listed_with_the_defaults") {
        return;
    }
    let _server = PulseAudio::start(&["mic", "spare", "spk"]);
    let found = devices();
    let default = |all: &[peal_media::audio::DeviceInfo]| {
        all.iter().filter(|d| d.is_default).map(|d| d.id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(default(&found.microphones), ["pulseaudio:mic.monitor"]);
    assert_eq!(default(&found.speakers), ["pulseaudio:spk"]);
    assert_eq!((found.microphones.len(), found.speakers.len()), (3, 3));
    assert!(found.microphones.iter().all(|d| d.is_monitor && !d.name.is_empty()));
}

#[test]
fn account_without_a_cookie_is_let_in() {
    if !in_private_process("account_without_a_cookie_is_let_in") {
        return;
    }
    // Whoever is the same user needs no cookie, and a foreign one would be none.
    for auth in ["auth-anonymous=1", "auth-cookie-enabled=1"] {
        let _server = PulseAudio::start_for(&["mic", "spk"], auth);
        let home = std::env::home_dir().unwrap();
        assert_eq!(std::fs::read_dir(&home).unwrap().count(), 0, "a fresh account");
        assert_eq!(devices().microphones.len(), 2, "{auth}");
        let audio =
            Audio::open(AudioConfig { microphone: microphone("mic"), speaker: speaker("spk"), processing: RAW });
        let audio = audio.unwrap();
        let (mut uplink, deadline) = (audio.uplink(), Instant::now() + Duration::from_secs(20));
        while audio.stats().capture.callbacks == 0 {
            assert!(Instant::now() < deadline, "{auth}: nothing comes from the microphone");
            uplink.blocking_recv().unwrap();
        }
    }
}

#[test]
fn sound_server_that_comes_up_later_is_found() {
    if !in_private_process("sound_server_that_comes_up_later_is_found") {
        return;
    }
    let ours = || devices().speakers.iter().filter(|it| it.id.starts_with("pulseaudio:")).count();
    assert_eq!(ours(), 0);
    let server = PulseAudio::start(&["mic", "spk"]);
    assert_eq!(ours(), 2);
    let audio = Audio::open(AudioConfig { processing: RAW, ..AudioConfig::default() }).unwrap();
    drop(audio);
    server.kill();
    assert_eq!(ours(), 0);
    let _server = PulseAudio::start(&["mic", "spare", "spk"]);
    assert_eq!(ours(), 3);
}

#[test]
fn voice_crosses_two_endpoints_through_devices() {
    if !in_private_process("voice_crosses_two_endpoints_through_devices") {
        return;
    }
    let _server = PulseAudio::start(&["mic_a", "spk_a", "mic_b", "spk_b"]);
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("said.wav");
    let said = speech(8.0);
    write_wav(&file, &said);
    let a = Audio::open(AudioConfig { microphone: microphone("mic_a"), speaker: speaker("spk_a"), processing: RAW });
    let b = Audio::open(AudioConfig { microphone: microphone("mic_b"), speaker: speaker("spk_b"), processing: RAW });
    let (a, b) = (a.unwrap(), b.unwrap());
    for again in (0..TRIES).rev() {
        let taken = taken_by_host_ms();
        let found = heard_by_pieces(&a, &b, &said, &file);
        let is_alike = found[found.len() / 4].0 > 0.9;
        // What the machine's host does not let run tears sound wherever it is, and says nothing of the path.
        if is_alike || again == 0 || taken_by_host_ms() - taken < UNHEARD {
            assert!(is_alike, "{found:?}");
            assert!(found[..5].iter().all(|(_, delay)| (20.0..400.0).contains(delay)), "{found:?}");
            return;
        }
    }
}

/// Says it at one side, and how alike it is at the other one, and how much later, ms, by pieces; the most alike first.
fn heard_by_pieces(a: &Audio, b: &Audio, said: &[f32], file: &Path) -> Vec<(f32, f64)> {
    let wire = Wire::new(a, b);
    let (mouth, ear) = (Listening::start("mic_a"), Listening::start("spk_b"));
    Speaking::start("mic_a", file).wait();
    let ((mouth, mouth_start), (ear, ear_start)) = (mouth.finish(), ear.finish());
    let stats = wire.cut().stats();
    // A fifth of a second at a time, for on a busy machine the buffer has to stretch; the best ones say what the path does.
    let begin = locate(&said[..24_000], &mouth).0;
    let mut found: Vec<(f32, f64)> = (5..35)
        .filter_map(|piece| {
            let from = begin + piece * PIECE;
            let area = from..(from + 24_000 + PIECE).min(ear.len());
            let (at, likeness) = locate(mouth.get(from..from + PIECE)?, ear.get(area)?);
            let said_at = mouth_start + Duration::from_secs_f64(from as f64 / 48_000.0);
            let heard_at = ear_start + Duration::from_secs_f64((from + at) as f64 / 48_000.0);
            Some((likeness, heard_at.duration_since(said_at).as_secs_f64() * 1_000.0))
        })
        .collect();
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    println!("likeness and mouth-to-ear ms: {found:.2?}\n{stats:?}\na {:?}\nb {:?}", a.stats(), b.stats());
    found
}

#[test]
fn dead_sound_server_is_told_survived_and_found_again() {
    if !in_private_process("dead_sound_server_is_told_survived_and_found_again") {
        return;
    }
    let server = PulseAudio::start(&["mic", "spk"]);
    let audio = Audio::open(AudioConfig::default()).unwrap();
    let (mut events, mut uplink) = (audio.events(), audio.uplink());
    uplink.blocking_recv().unwrap();
    server.kill();
    both_events(&mut events, vec![AudioEvent::MicrophoneLost, AudioEvent::SpeakerLost]);
    // Silence goes out by the clock.
    let mut uplink = uplink.resubscribe();
    let before = uplink.blocking_recv().unwrap().timestamp;
    let since = Instant::now();
    let after = loop {
        let frame = uplink.blocking_recv().unwrap();
        assert_eq!(frame.level_dbov, 127);
        if frame.timestamp.wrapping_sub(before) > 24_000 {
            break frame.timestamp;
        }
    };
    assert!(since.elapsed() > Duration::from_millis(300), "half a second of silence takes time: {after}");
    let _server = PulseAudio::start(&["mic", "spk"]);
    both_events(&mut events, vec![AudioEvent::MicrophoneRestored, AudioEvent::SpeakerRestored]);
    let callbacks = audio.stats().capture.callbacks;
    let deadline = Instant::now() + Duration::from_secs(20);
    while audio.stats().capture.callbacks == callbacks {
        assert!(Instant::now() < deadline, "no callbacks after the return");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn without_a_sound_system_each_error_has_its_name() {
    if !in_private_process("without_a_sound_system_each_error_has_its_name") {
        return;
    }
    let open =
        |microphone, speaker| Audio::open(AudioConfig { microphone, speaker, processing: Processing::default() }).err();
    assert_eq!(open(Microphone::Default, Speaker::Null), Some(AudioError::NoMicrophone));
    assert_eq!(open(Microphone::Silence, Speaker::Default), Some(AudioError::NoSpeaker));
    let id = "pulseaudio:gone".to_owned();
    assert_eq!(open(Microphone::Device(id.clone()), Speaker::Null), Some(AudioError::UnknownDevice(id)));
    let _ = devices();
}

#[test]
fn microphone_is_switched_in_the_middle_of_a_call() {
    if !in_private_process("microphone_is_switched_in_the_middle_of_a_call") {
        return;
    }
    let _server = PulseAudio::start(&["mic", "spk"]);
    let audio = Audio::open(AudioConfig { microphone: microphone("mic"), ..AudioConfig::default() }).unwrap();
    let mut uplink = audio.uplink();
    uplink.blocking_recv().unwrap();
    audio.replace_microphone(Microphone::Tone { hertz: 440.0 }).unwrap();
    while uplink.blocking_recv().unwrap().level_dbov > 40 {}
    assert_eq!(
        audio.replace_microphone(microphone("gone")),
        Err(AudioError::UnknownDevice("pulseaudio:gone.monitor".into()))
    );
    audio.replace_microphone(microphone("mic")).unwrap();
    while uplink.blocking_recv().unwrap().level_dbov < 100 {}
}
