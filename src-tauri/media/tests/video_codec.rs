//! H.264 in and out, and what malformed streams do to it.

mod video_support;

use std::time::Instant;

use bytes::Bytes;
use peal_media::video::codec::{H264Decoder, H264Encoder};
use peal_media::video::rtp::{Arrived, Assembly, MAX_VIDEO_PAYLOAD, packetise};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use video_support::{code, picture, psnr};

const SIZE: (u32, u32) = (640, 360);

fn encoder(kbps: u32) -> H264Encoder {
    H264Encoder::new(SIZE.0, SIZE.1, 30.0, kbps).expect("an encoder")
}

#[test]
fn pictures_come_out_as_they_went_in_and_the_code_can_be_read() {
    let (mut encoder, mut decoder) = (encoder(900), H264Decoder::new().expect("a decoder"));
    let mut alike = Vec::new();
    for number in 0..60 {
        let source = picture(SIZE.0, SIZE.1, number, 1_000_000 + number);
        let Some(unit) = encoder.encode(&source, number * 33, false).expect("it encodes") else { continue };
        assert_eq!(unit.key, number == 0);
        let decoded = decoder.decode(unit.annex_b(), Instant::now()).expect("it decodes").expect("a picture");
        assert_eq!((decoded.width(), decoded.height()), SIZE);
        assert_eq!(code(&decoded), 1_000_000 + number);
        alike.push(psnr(&source, &decoded));
    }
    assert!(alike.len() > 50, "{} of 60 pictures", alike.len());
    let mean = alike.iter().sum::<f64>() / alike.len() as f64;
    assert!(mean > 26.0, "{mean:.1} dB");
}

#[test]
fn the_rate_is_kept_and_follows_a_change() {
    let mut encoder = encoder(900);
    let mut kbps = |encoder: &mut H264Encoder, from: u64| {
        let bytes: usize = (from..from + 90)
            .filter_map(|number| {
                encoder.encode(&picture(SIZE.0, SIZE.1, number, number), number * 33, false).expect("it encodes")
            })
            .map(|unit| unit.annex_b().len())
            .sum();
        bytes as f64 * 8.0 / 3000.0
    };
    kbps(&mut encoder, 0);
    let high = kbps(&mut encoder, 90);
    encoder.set_rate(300, 30.0).expect("a lower rate");
    kbps(&mut encoder, 180);
    let low = kbps(&mut encoder, 270);
    encoder.set_rate(1800, 30.0).expect("a higher rate");
    kbps(&mut encoder, 360);
    let higher = kbps(&mut encoder, 450);
    assert!((600.0..1050.0).contains(&high), "{high:.0}");
    assert!((150.0..360.0).contains(&low), "{low:.0}");
    assert!((1100.0..2100.0).contains(&higher), "{higher:.0}");
}

#[test]
fn a_key_frame_comes_when_it_is_asked_for() {
    let mut encoder = encoder(900);
    let keys: Vec<u64> = (0..40)
        .filter(|&number| {
            let unit = encoder.encode(&picture(SIZE.0, SIZE.1, number, number), number * 33, number == 20);
            unit.expect("it encodes").is_some_and(|unit| unit.key)
        })
        .collect();
    assert_eq!(keys, [0, 20]);
}

/// The packets of some seconds of picture, at two sizes.
fn stream() -> Vec<Vec<Bytes>> {
    let mut units = Vec::new();
    for (width, height) in [(320, 180), (160, 90)] {
        let mut encoder = H264Encoder::new(width, height, 30.0, 300).expect("an encoder");
        for number in 0..40 {
            let key = number % 13 == 0;
            if let Some(unit) =
                encoder.encode(&picture(width, height, number, number), number * 33, key).expect("it encodes")
            {
                units.push(packetise(unit.nals(), MAX_VIDEO_PAYLOAD));
            }
        }
    }
    units
}

/// Streams that were bitten on their way go through everything that a peer's packets go through. A decoder that can't
/// be trusted would end this process.
#[test]
fn mutated_streams_crash_nothing() {
    let rounds: u64 = std::env::var("PEAL_FUZZ_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(60);
    let units = stream();
    let mut shown = 0;
    for seed in 0..rounds {
        let mut random = StdRng::seed_from_u64(seed);
        let mut assembly = Assembly::default();
        let mut decoder = H264Decoder::new().expect("a decoder");
        let mut sequence = 0_u16;
        let now = Instant::now();
        for (number, unit) in units.iter().enumerate() {
            for (index, payload) in unit.iter().enumerate() {
                let mut payload = payload.to_vec();
                if number > 0 {
                    mutate(&mut payload, &mut random);
                }
                assembly.insert(Arrived {
                    sequence,
                    timestamp: number as u32 * 3000,
                    marker: index + 1 == unit.len(),
                    payload: Bytes::from(payload),
                    at: now,
                });
                sequence = sequence.wrapping_add(1);
            }
            while let Some(unit) = assembly.poll(now) {
                match decoder.decode(&unit.data, now) {
                    Ok(picture) => shown += usize::from(picture.is_some()),
                    // As the peer's thread does; every other time the broken one goes on, which is harder.
                    Err(_) if random.random_bool(0.5) => decoder = H264Decoder::new().expect("a decoder"),
                    Err(_) => {}
                }
            }
        }
    }
    assert!(shown as u64 > rounds, "some pictures survive: {shown}");
}

/// Bites that are rare enough for the stream to go on, and of every kind.
fn mutate(payload: &mut Vec<u8>, random: &mut StdRng) {
    if payload.is_empty() || random.random_bool(0.85) {
        return;
    }
    match random.random_range(0..6) {
        0 => {
            let at = random.random_range(0..payload.len());
            payload[at] ^= 1 << random.random_range(0..8);
        }
        1 => {
            // Headers are where decoders go wrong.
            let at = random.random_range(0..payload.len().min(12));
            payload[at] = random.random();
        }
        2 => payload.truncate(random.random_range(0..payload.len())),
        3 => {
            let from = random.random_range(0..payload.len());
            let length = random.random_range(0..(payload.len() - from).min(40) + 1);
            payload[from..from + length].iter_mut().for_each(|byte| *byte = random.random());
        }
        4 => {
            let at = random.random_range(0..payload.len());
            payload.insert(at, random.random());
        }
        _ => {
            let from = random.random_range(0..payload.len());
            payload.extend_from_within(from..);
            payload.truncate(MAX_VIDEO_PAYLOAD);
        }
    }
}

#[test]
fn noise_is_refused_without_harm() {
    let mut random = StdRng::seed_from_u64(9);
    let mut decoder = H264Decoder::new().expect("a decoder");
    for _ in 0..3_000 {
        let length = random.random_range(0..600);
        let mut unit: Vec<u8> = (0..length).map(|_| random.random()).collect();
        for at in (0..length).step_by(37).filter(|at| at + 4 < length) {
            unit[at..at + 4].copy_from_slice(&[0, 0, 1, [0x67, 0x68, 0x65, 0x41][at % 4]]);
        }
        let _ = decoder.decode(&unit, Instant::now());
    }
}
