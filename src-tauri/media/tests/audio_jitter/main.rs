//! The jitter buffer on a virtual clock, against networks that jitter, lose, reorder, duplicate, stall and drift.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod loss;

use std::time::{Duration, Instant};

use bytes::Bytes;
use peal_media::audio::RtpVoicePacket;
use peal_media::audio::jitter::{JitterBuffer, JitterStats};
use peal_media::audio::opus::{Encoder, EncoderConfig, FRAME_SAMPLES, packet_has_fec};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// Voice-like: a pitch that glides, harmonics, syllables of 150 ms; `None` for the frames that DTX leaves out.
fn voice(frames: usize, fec: bool, pauses: bool) -> Vec<Option<Bytes>> {
    let mut encoder = Encoder::new(EncoderConfig { fec, dtx: pauses, ..EncoderConfig::default() }).unwrap();
    if fec {
        encoder.set_expected_loss(20).unwrap();
    }
    let mut phase = 0.0f32;
    let mut in_pause = true;
    (0..frames)
        .map(|frame| {
            let mut pcm = [0.0; FRAME_SAMPLES];
            let silent = pauses && frame % 150 >= 75;
            for (n, sample) in pcm.iter_mut().enumerate() {
                let t = (frame * FRAME_SAMPLES + n) as f32 / 48_000.0;
                phase += (130.0 + 30.0 * (t * 2.0).sin()) / 48_000.0;
                let w = phase.fract() * std::f32::consts::TAU;
                let syllable = 0.55 - 0.45 * (t * std::f32::consts::TAU / 0.15).cos();
                *sample = syllable * (0.3 * w.sin() + 0.15 * (2.0 * w).sin() + 0.1 * (5.0 * w).sin());
            }
            if silent {
                pcm = [0.0; FRAME_SAMPLES];
            }
            let encoded = encoder.encode(&pcm).unwrap();
            let sent = !(encoded.is_dtx && in_pause);
            in_pause = encoded.is_dtx;
            sent.then(|| Bytes::from(encoded.bytes))
        })
        .collect()
}

/// One packet under way: when it arrives (s), its number among the sent ones, its frame.
struct Flight {
    arrives: f64,
    sequence: usize,
    frame: usize,
}

/// Every sent frame with the delay that `network` gives it (s), `None` for lost.
fn fly(voice: &[Option<Bytes>], mut network: impl FnMut(usize) -> Vec<f64>) -> Vec<Flight> {
    let mut flights = Vec::new();
    let mut sequence = 0;
    for (frame, payload) in voice.iter().enumerate() {
        if payload.is_some() {
            for delay in network(sequence) {
                flights.push(Flight { arrives: 0.1 + frame as f64 * 0.02 + delay, sequence, frame });
            }
            sequence += 1;
        }
    }
    flights.sort_by(|a, b| a.arrives.total_cmp(&b.arrives));
    flights
}

struct Run {
    stats: JitterStats,
    output: Vec<f32>,
    /// Delay and target each second, ms.
    delays: Vec<(f32, f32)>,
}

/// Plays with a clock that runs `ppm` fast.
fn play(voice: &[Option<Bytes>], flights: &[Flight], ppm: f64, first_sequence: u16, first_timestamp: u32) -> Run {
    play_with_copies(voice, flights, ppm, first_sequence, first_timestamp, 0)
}

/// Each packet brings so many frames before it again, as far as there was no pause.
fn play_with_copies(
    voice: &[Option<Bytes>],
    flights: &[Flight],
    ppm: f64,
    first_sequence: u16,
    first_timestamp: u32,
    copies: usize,
) -> Run {
    let mut buffer = JitterBuffer::new().unwrap();
    let epoch = Instant::now();
    let at = |seconds: f64| epoch + Duration::from_secs_f64(seconds);
    let mut next = 0;
    let mut output = Vec::new();
    let mut delays = Vec::new();
    let pulls = voice.len() * 2 + 40;
    for pull in 0..pulls {
        let now = pull as f64 * 0.01 / (1.0 + ppm * 1e-6);
        while next < flights.len() && flights[next].arrives <= now {
            let flight = &flights[next];
            for ago in 0..=copies.min(flight.frame) {
                let Some(payload) = voice[flight.frame - ago].clone() else { break };
                buffer.push(RtpVoicePacket {
                    sequence: first_sequence.wrapping_add(flight.sequence as u16).wrapping_sub(ago as u16),
                    timestamp: first_timestamp.wrapping_add(((flight.frame - ago) * FRAME_SAMPLES) as u32),
                    payload,
                    arrived: at(flight.arrives),
                    is_copy: ago > 0,
                });
            }
            next += 1;
        }
        let mut frame = [0.0; 480];
        buffer.pull(at(now), &mut frame);
        output.extend(frame);
        if pull % 100 == 99 {
            let stats = buffer.stats();
            delays.push((stats.delay as f32 / 48.0, stats.target as f32 / 48.0));
        }
    }
    assert!(output.iter().all(|s| s.is_finite() && s.abs() <= 1.5));
    Run { stats: buffer.stats(), output, delays }
}

fn concealed_share(stats: &JitterStats) -> f64 {
    stats.concealed as f64 / stats.played as f64
}

fn settled(run: &Run) -> (f32, f32) {
    let late = &run.delays[run.delays.len() / 2..];
    let worst = late.iter().map(|d| d.0).fold(f32::MIN, f32::max);
    let mean = late.iter().map(|d| d.0).sum::<f32>() / late.len() as f32;
    (mean, worst)
}

#[test]
fn clean_link_is_played_whole_and_with_little_delay() {
    let voice = voice(1_000, false, false);
    let run = play(&voice, &fly(&voice, |_| vec![0.03]), 0.0, 0, 0);
    assert_eq!((run.stats.lost, run.stats.late), (0, 0));
    assert!(run.stats.concealed <= 9_600, "only the end of the stream is made up: {:?}", run.stats);
    let (mean, worst) = settled(&run);
    assert!(mean < 25.0 && worst < 28.0, "delay {mean} ms, at worst {worst} ms");
}

#[test]
fn jitter_is_waited_for_but_not_for_longer_than_needed() {
    for (seed, jitter) in [(1, 0.02), (2, 0.04), (3, 0.08), (4, 0.15)] {
        let mut rng = StdRng::seed_from_u64(seed);
        let voice = voice(3_000, false, false);
        let run = play(&voice, &fly(&voice, |_| vec![0.03 + rng.random_range(0.0..jitter)]), 0.0, 0, 0);
        assert_eq!(run.stats.malformed + run.stats.restarts + run.stats.skipped, 0);
        let (mean, worst) = settled(&run);
        let jitter_ms = (jitter * 1_000.0) as f32;
        assert!(concealed_share(&run.stats) < 0.02, "{jitter_ms} ms: {:?}", run.stats);
        assert!(mean < jitter_ms + 30.0, "{jitter_ms} ms: delay {mean}");
        assert!(worst < jitter_ms + 60.0, "{jitter_ms} ms: worst delay {worst}");
    }
}

#[test]
fn counters_wrap_without_anybody_noticing() {
    let voice = voice(500, false, false);
    let flights = fly(&voice, |_| vec![0.03]);
    let wrapping = play(&voice, &flights, 0.0, 65_400, u32::MAX - 100_000);
    let plain = play(&voice, &flights, 0.0, 10, 10);
    assert_eq!(wrapping.stats, plain.stats);
    assert_eq!(wrapping.output, plain.output);
}

#[test]
fn pauses_of_the_speaker_are_neither_loss_nor_concealment() {
    let mut rng = StdRng::seed_from_u64(41);
    let voice = voice(3_000, false, true);
    let sent = voice.iter().flatten().count();
    assert!(sent < 2_400, "DTX leaves frames out: {sent} of 3000 sent");
    let run = play(&voice, &fly(&voice, |_| vec![0.03 + rng.random_range(0.0..0.02)]), 0.0, 0, 0);
    assert_eq!((run.stats.lost, run.stats.restarts), (0, 0), "{:?}", run.stats);
    assert!(concealed_share(&run.stats) < 0.01, "{:?}", run.stats);
    assert!(settled(&run).1 < 60.0, "delays {:?}", run.delays);
}

#[test]
fn clocks_that_differ_by_200_ppm_neither_fill_nor_starve_the_buffer() {
    let voice = voice(15_000, false, false);
    for ppm in [-200.0, 200.0] {
        let mut rng = StdRng::seed_from_u64(51);
        let run = play(&voice, &fly(&voice, |_| vec![0.03 + rng.random_range(0.0..0.01)]), ppm, 0, 0);
        let (mean, worst) = settled(&run);
        assert!(worst < 50.0, "{ppm} ppm: mean {mean}, worst {worst}");
        assert!(concealed_share(&run.stats) < 0.002, "{ppm} ppm: {:?}", run.stats);
        // 300 s at 200 ppm are 60 ms: they were stretched away.
        // At the end the stream stops, and 200 ms are made up.
        let made_up = run.stats.concealed as f64 - 9_600.0;
        let net = run.stats.lengthened as f64 - run.stats.shortened as f64 + made_up;
        let expected = 300.0 * 48_000.0 * ppm * 1e-6;
        assert!((net - expected).abs() < 2_400.0, "{ppm} ppm: {net} samples, expected {expected}: {:?}", run.stats);
    }
}

#[test]
fn delay_spike_is_ridden_out_and_caught_up() {
    let voice = voice(1_500, false, false);
    // At 10 s the network holds everything back for 150 ms.
    let run = play(
        &voice,
        &fly(&voice, |n| {
            let sent = n as f64 * 0.02;
            vec![if (10.0..10.15).contains(&sent) { 10.15 - sent + 0.03 } else { 0.03 }]
        }),
        0.0,
        0,
        0,
    );
    assert_eq!(run.stats.lost, 0, "a slow packet is not a lost one: {:?}", run.stats);
    assert!(run.stats.concealed < 48 * 400, "{:?}", run.stats);
    assert!(run.stats.shortened > 48 * 80, "{:?}", run.stats);
    assert!(run.delays[11..].iter().all(|(delay, _)| *delay < 30.0), "it stays late: {:?}", run.delays);
}

/// What a busy computer does to a sender: now and then everything is held back, and then comes at once.
fn held_back(rng: &mut StdRng, voice: &[Option<Bytes>], shortest: f64) -> (Vec<(f64, f64)>, Vec<Flight>) {
    let mut stalls = Vec::new();
    let mut at = 0.0;
    while at < voice.len() as f64 * 0.02 {
        at += rng.random_range(shortest..3.0 * shortest);
        stalls.push((at, rng.random_range(0.06..0.4)));
    }
    let mut frame = 0..voice.len();
    let mut jitter = StdRng::seed_from_u64(rng.random());
    let flights = fly(voice, |_| {
        // Only frames that are sent are asked for.
        let sent = frame.by_ref().find(|n| voice[*n].is_some()).unwrap() as f64 * 0.02;
        let stall = stalls.iter().find(|(at, length)| (*at..at + length).contains(&sent));
        // Released in order, a little apart.
        vec![0.001 + stall.map_or(jitter.random_range(0.0..0.004), |(at, length)| (at + length - sent) * 0.999)]
    });
    (stalls, flights)
}

#[test]
fn moments_in_which_everything_is_held_back_leave_no_delay_behind() {
    let voices = [voice(3_000, false, true), voice(3_000, false, false)];
    for seed in 0..12 {
        let mut rng = StdRng::seed_from_u64(70 + seed);
        let voice = &voices[seed as usize % 2];
        let (stalls, flights) = held_back(&mut rng, voice, 8.0);
        let run = play(voice, &flights, 0.0, rng.random(), rng.random());
        // Seconds in which nothing was held back, nor in the one before.
        let calm = run.delays.iter().enumerate().filter(|(second, _)| {
            let second = *second as f64;
            stalls.iter().all(|(at, length)| !(at - 1.2..at + length + 1.0).contains(&second))
        });
        let calm: Vec<f32> = calm.map(|(_, (delay, _))| *delay).collect();
        assert!(calm.len() > 30, "seed {seed}: {stalls:?}");
        let worst = calm.iter().copied().fold(0.0, f32::max);
        assert!(worst < 45.0, "seed {seed}: {worst} ms in a calm second: {:?}\nheld back {stalls:?}", run.delays);
        assert_eq!(run.stats.lost, 0, "what is skipped is not lost: {:?}", run.stats);
    }
}

#[test]
fn backlog_at_the_start_is_no_reason_to_wait() {
    let voices = [voice(600, false, true), voice(600, false, false)];
    for seed in 0..8 {
        let mut rng = StdRng::seed_from_u64(90 + seed);
        let voice = &voices[seed as usize % 2];
        // The microphone opens with up to half a second of what is over, or the connection with what waited for it.
        let backlog = rng.random_range(0.06..0.5);
        let mut frame = 0..voice.len();
        let flights = fly(voice, |_| {
            let sent = frame.by_ref().find(|n| voice[*n].is_some()).unwrap() as f64 * 0.02;
            vec![0.002 + (backlog - sent).max(0.0) + rng.random_range(0.0..0.003)]
        });
        let run = play(voice, &flights, 0.0, 0, 0);
        let late = run.delays[1..].iter().map(|(delay, _)| *delay).fold(0.0, f32::max);
        assert!(late < 60.0, "seed {seed}: backlog of {backlog:.2} s: {:?}", run.delays);
        assert!(run.delays[4..].iter().all(|(delay, _)| *delay < 30.0), "seed {seed}: {:?}", run.delays);
    }
}

#[test]
fn what_is_held_back_again_and_again_is_waited_for() {
    let voice = voice(3_000, false, false);
    // Each second 120 ms come at once, as from a station that saves its battery.
    let flights = fly(&voice, |n| {
        let sent = n as f64 * 0.02;
        vec![0.002 + (0.12 - sent % 1.0).max(0.0)]
    });
    let run = play(&voice, &flights, 0.0, 0, 0);
    let (mean, worst) = settled(&run);
    assert!((60.0..150.0).contains(&mean) && worst < 170.0, "mean {mean}, worst {worst}: {:?}", run.delays);
    assert!(concealed_share(&run.stats) < 0.03, "{:?}", run.stats);
}

#[test]
fn after_a_long_stall_what_is_over_is_skipped() {
    let voice = voice(1_500, false, false);
    let run = play(
        &voice,
        &fly(&voice, |n| {
            let sent = n as f64 * 0.02;
            vec![if (10.0..12.0).contains(&sent) { 12.0 - sent + 0.03 } else { 0.03 }]
        }),
        0.0,
        0,
        0,
    );
    assert!(run.stats.skipped > 50, "{:?}", run.stats);
    assert!(run.stats.concealed <= 48 * 460, "no second of made-up voice: {:?}", run.stats);
    assert!(run.delays.last().unwrap().0 < 60.0, "delays {:?}", run.delays);
}

#[test]
fn new_stream_in_the_same_voice_is_taken_up() {
    let voice = voice(500, false, false);
    let mut buffer = JitterBuffer::new().unwrap();
    let epoch = Instant::now();
    let mut loud = [0u32; 2];
    for pull in 0..1_000u32 {
        let now = epoch + Duration::from_millis(u64::from(pull) * 10);
        if pull % 2 == 0 {
            let n = pull / 2;
            // After 5 s the sender restarts with other counters.
            let (sequence, timestamp) = if n < 250 { (n, n * 960) } else { (40_000 + n, 3_000_000_000 + n * 960) };
            buffer.push(RtpVoicePacket {
                sequence: sequence as u16,
                timestamp,
                payload: voice[n as usize].clone().unwrap(),
                arrived: now,
                is_copy: false,
            });
        }
        let mut frame = [0.0; 480];
        buffer.pull(now, &mut frame);
        if frame.iter().any(|s| s.abs() > 0.1) {
            loud[usize::from(pull >= 500)] += 1;
        }
    }
    assert_eq!(buffer.stats().restarts, 1);
    assert!(loud[0] > 300 && loud[1] > 300, "heard {loud:?} of 500 each");
}

#[test]
fn stray_and_damaged_packets_change_nothing() {
    let voice = voice(500, false, false);
    let flights = fly(&voice, |_| vec![0.03]);
    let plain = play(&voice, &flights, 0.0, 0, 0);
    let mut rng = StdRng::seed_from_u64(61);
    let mut buffer = JitterBuffer::new().unwrap();
    let epoch = Instant::now();
    let mut next = 0;
    let mut output = Vec::new();
    for pull in 0..voice.len() * 2 + 40 {
        let now = pull as f64 * 0.01;
        while next < flights.len() && flights[next].arrives <= now {
            let flight = &flights[next];
            let arrived = epoch + Duration::from_secs_f64(flight.arrives);
            let sequence = flight.sequence as u16;
            let timestamp = (flight.frame * FRAME_SAMPLES) as u32;
            let payload = voice[flight.frame].clone().unwrap();
            buffer.push(RtpVoicePacket { sequence, timestamp, payload: payload.clone(), arrived, is_copy: false });
            if flight.sequence > 5 {
                let junk: Vec<u8> = vec![rng.random_range(0..=255u8) | 3; rng.random_range(0..2)];
                let stray = sequence.wrapping_add(rng.random_range(10_000..50_000));
                buffer.push(RtpVoicePacket {
                    sequence: stray,
                    timestamp: rng.random(),
                    payload,
                    arrived,
                    is_copy: rng.random_bool(0.5),
                });
                buffer.push(RtpVoicePacket {
                    sequence,
                    timestamp,
                    payload: junk.into(),
                    arrived,
                    is_copy: rng.random_bool(0.5),
                });
            }
            next += 1;
        }
        let mut frame = [0.0; 480];
        buffer.pull(epoch + Duration::from_secs_f64(now), &mut frame);
        output.extend(frame);
    }
    assert_eq!(output, plain.output);
    assert!(buffer.stats().malformed > 400);
}

#[test]
fn any_network_leaves_memory_and_delay_bounded() {
    let voice = voice(1_000, true, true);
    for seed in 0..40 {
        let mut rng = StdRng::seed_from_u64(1_000 + seed);
        let jitter = rng.random_range(0.001..0.4);
        let (loss, double) = (rng.random_range(0.0..0.5), rng.random_range(0.0..0.5));
        let ppm = rng.random_range(-500.0..500.0);
        let flights = fly(&voice, |_| {
            let mut all = Vec::new();
            if !rng.random_bool(loss) {
                all.push(rng.random_range(0.0..jitter));
                if rng.random_bool(double) {
                    all.push(rng.random_range(0.0..jitter));
                }
            }
            all
        });
        let run = play(&voice, &flights, ppm, rng.random(), rng.random());
        let worst = run.delays.iter().map(|d| d.0).fold(0.0, f32::max);
        assert!(worst < 900.0, "seed {seed}: delay {worst} ms");
        assert!(run.stats.received as usize <= flights.len());
        assert_eq!(run.stats.malformed, 0);
    }
}
