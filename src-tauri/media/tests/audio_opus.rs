//! libopus through the safe wrapper.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use peal_media::audio::opus::{
    Decoder, Encoder, EncoderConfig, FRAME_SAMPLES, MAX_PACKET_SAMPLES, OpusError, packet_has_fec, packet_samples,
};

fn frame(n: usize) -> [f32; FRAME_SAMPLES] {
    std::array::from_fn(|i| {
        let t = (n * FRAME_SAMPLES + i) as f32 / 48_000.0 * std::f32::consts::TAU;
        (0.5 + 0.4 * (t * 3.0).sin()) * (0.3 * (t * 180.0).sin() + 0.2 * (t * 540.0).sin() + 0.1 * (t * 1_260.0).sin())
    })
}

fn likeness(a: &[f32], b: &[f32]) -> f32 {
    let dot = |x: &[f32], y: &[f32]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f32>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// The best likeness within ±20 ms, for the delay of the codec.
fn aligned(original: &[f32], decoded: &[f32]) -> f32 {
    (0..FRAME_SAMPLES)
        .map(|shift| likeness(&original[..original.len() - shift], &decoded[shift..]))
        .fold(-1.0, f32::max)
}

#[test]
fn voice_survives_a_round_trip() {
    let mut encoder = Encoder::new(EncoderConfig::default()).unwrap();
    let mut decoder = Decoder::new().unwrap();
    let (mut original, mut decoded) = (Vec::new(), Vec::new());
    let mut bytes = 0;
    for n in 0..50 {
        let encoded = encoder.encode(&frame(n)).unwrap();
        bytes += encoded.bytes.len();
        assert_eq!(packet_samples(&encoded.bytes), Ok(960));
        let mut out = vec![0.0; MAX_PACKET_SAMPLES];
        assert_eq!(decoder.decode(&encoded.bytes, &mut out), Ok(960));
        original.extend(frame(n));
        decoded.extend(&out[..960]);
    }
    let likeness = aligned(&original[4_800..], &decoded[4_800..]);
    assert!(likeness > 0.9, "likeness {likeness}");
    assert!((2_000..6_000).contains(&bytes), "{bytes} bytes in a second");
}

#[test]
fn lost_frame_is_rebuilt_better_than_it_is_concealed() {
    let mut encoder = Encoder::new(EncoderConfig { complexity: 10, ..EncoderConfig::default() }).unwrap();
    encoder.set_expected_loss(30).unwrap();
    let packets: Vec<_> = (0..60).map(|n| encoder.encode(&frame(n)).unwrap().bytes).collect();
    let carrying = packets[10..].iter().filter(|p| packet_has_fec(p)).count();
    assert!(carrying > 20, "{carrying} of 50 packets carry a copy");
    let run = |fec: bool| {
        let mut decoder = Decoder::new().unwrap();
        let mut decoded = Vec::new();
        for n in 0..60 {
            let mut out = vec![0.0; MAX_PACKET_SAMPLES];
            let samples = match (n % 5 == 4, fec) {
                (true, true) if n < 59 => decoder.decode_fec(&packets[n + 1], &mut out[..FRAME_SAMPLES]),
                (true, _) => decoder.conceal(&mut out[..FRAME_SAMPLES]),
                (false, _) => decoder.decode(&packets[n], &mut out),
            };
            assert_eq!(samples, Ok(960));
            decoded.extend(&out[..960]);
        }
        let original: Vec<f32> = (0..60).flat_map(frame).collect();
        aligned(&original[9_600..], &decoded[9_600..])
    };
    let (rebuilt, concealed) = (run(true), run(false));
    assert!(rebuilt > concealed && rebuilt > 0.85, "rebuilt {rebuilt}, concealed {concealed}");
}

#[test]
fn silence_needs_no_packets() {
    let mut encoder = Encoder::new(EncoderConfig::default()).unwrap();
    let needed = (0..200).filter(|_| !encoder.encode(&[0.0; FRAME_SAMPLES]).unwrap().is_dtx).count();
    assert!(needed < 40, "{needed} of 200 silent frames need sending");
}

#[test]
fn damaged_packets_are_refused() {
    assert_eq!(packet_samples(&[]), Err(OpusError::InvalidPacket));
    // Code 3 without its frame count.
    assert_eq!(packet_samples(&[0xff]), Err(OpusError::InvalidPacket));
    let mut decoder = Decoder::new().unwrap();
    let mut out = vec![0.0; MAX_PACKET_SAMPLES];
    assert_eq!(decoder.decode(&[], &mut out), Err(OpusError::InvalidPacket));
    assert_eq!(decoder.decode(&[0xff], &mut out), Err(OpusError::InvalidPacket));
}
