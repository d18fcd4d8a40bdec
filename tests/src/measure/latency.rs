//! How long a voice is on its way from mouth to ear, without any sound device.
//!
//! Two engines in this process call each other; the microphone is a WAV file that plays in real time, the speaker a WAV
//! file that is written in real time. Both are paced by 10 ms clocks, and this is what they stand for:
//!
//! * *Said*: the pipeline takes the file's frame `k` (10 ms) at one moment, as a device delivers a frame when its last
//!   sample has been recorded. So the frame's first sample was said 10 ms before. When that moment was is seen at the
//!   engine's own microphone meter, which is read five times a millisecond: it rises at once, to the very level of the
//!   frame, by which the frame is known.
//! * *Heard*: the pipeline gives out frame `k` at one moment, and its first sample is heard from then on. When that was
//!   is seen at the growth of the file, which is watched twice a millisecond: it can't hold a sample of a frame that was
//!   not given out.
//!
//! Of the dozens of observations of each kind the earliest counts, for being late is all that can happen to one.
//!
//! What was said is then found in what was heard by cross-correlation, a third of a second at a time. The result holds
//! the framing (10 ms to gather, 20 ms to encode), the codec's look-ahead, the network stack and the jitter buffer. It
//! is exact to about a millisecond on an idle machine. What devices add is for `bench devices` to say.

use std::ops::Range;
use std::path::Path;
use std::time::{Duration, Instant};

use peal_engine::{EngineConfig, MicrophoneChoice, SpeakerChoice};

use super::Unmeasured;
use crate::ears::{self, RATE, find, speech, write_wav};
use crate::person::{Person, free_address, quiet};

/// Silence before the speech, in frames of 10 ms.
const SILENT_FRAMES: usize = 100;
/// Samples in 10 ms.
const FRAME: usize = RATE as usize / 100;
/// What is looked for at a time: a third of a second.
const PIECE: usize = RATE as usize / 3;
/// How alike a piece is at least after nothing but Opus and a jitter buffer.
const ALIKE: f64 = 0.85;
/// Delays that are looked for, ms: nothing is heard before it is said.
const DELAYS: Range<f64> = 0.0..500.0;

/// Delays of one call's voice, ms, one for each piece of the speech that was recognised.
pub async fn through_files(seconds: f64) -> Result<Vec<f64>, Unmeasured> {
    let place = tempfile::tempdir()?;
    let (said_file, heard_file) = (place.path().join("said.wav"), place.path().join("heard.wav"));
    let mut said = vec![0; SILENT_FRAMES * FRAME];
    said.extend(speech(seconds, 11));
    write_wav(&said_file, &said);
    let broker = free_address();
    let microphone = Some(MicrophoneChoice::Wav { path: said_file, looped: false });
    let mut ann = Person::new("ann", EngineConfig { microphone, ..quiet(broker) }).await;
    let speaker = Some(SpeakerChoice::Wav { path: heard_file.clone() });
    let mut bob = Person::new("bob", EngineConfig { speaker, ..quiet(broker) }).await;
    let (engine, levels) = (ann.engine.clone(), levels(&said));
    let watch = Duration::from_secs_f64(seconds);
    let meter = tokio::task::spawn_blocking(move || said_at(&engine, &levels, watch));
    let call = ann.talks_with(&mut bob).await;
    let file = heard_file.clone();
    let growth = tokio::task::spawn_blocking(move || heard_at(&file, watch));
    let said_at = meter.await?.ok_or("the microphone's meter never rose")?;
    let heard_at = growth.await?.ok_or("the speaker's file did not grow")?;
    ann.engine.hangup(&call).await?;
    bob.ended().await;
    ann.engine.stop().await;
    bob.engine.stop().await;
    let heard = ears::read_wav(&heard_file);
    // Where sample 0 of what was said would lie in what was heard if it took no time.
    let at_once = signed_seconds(said_at, heard_at) * f64::from(RATE);
    Ok(delays(&said, &heard, at_once, ALIKE))
}

/// The delays of pieces of `said` in `heard`, ms; sample 0 of `said` was said when sample `at_once` of `heard` was heard.
/// Pieces whose correlation (0 to 1) is below `alike` tell none.
pub fn delays(said: &[i16], heard: &[i16], at_once: f64, alike: f64) -> Vec<f64> {
    let samples = |ms: f64| (ms / 1_000.0 * f64::from(RATE)) as i64;
    let mut found = Vec::new();
    for start in (0..said.len().saturating_sub(PIECE)).step_by(PIECE) {
        let piece = &said[start..start + PIECE];
        if ears::level_dbfs(piece) < -45.0 {
            continue;
        }
        let base = at_once as i64 + start as i64;
        let hit = find(piece, heard, (base + samples(DELAYS.start))..(base + samples(DELAYS.end)));
        if hit.correlation >= alike {
            found.push((hit.delay as f64 - at_once - start as f64) * 1_000.0 / f64::from(RATE));
        }
    }
    found
}

/// When the first sample of the microphone's file was said. Blocks until the silence at its beginning is over and for
/// `watch` after it.
fn said_at(engine: &peal_engine::Engine, levels: &[f32], watch: Duration) -> Option<Instant> {
    // My own microphone is the first, under no name.
    let level = || engine.meters().voices.first().filter(|it| it.user_id.is_empty()).map_or(-100.0, |it| it.dbfs);
    let taken = |frame: usize, at: Instant| at.checked_sub(Duration::from_millis(10) * (frame as u32 + 1));
    let deadline = Instant::now() + crate::person::PATIENCE;
    let mut shown = level();
    let mut earliest: Option<Instant> = None;
    let mut end = deadline;
    while Instant::now() < end.min(deadline) {
        let now = level();
        let at = Instant::now();
        if now > shown {
            match earliest {
                None if now > -60.0 => {
                    earliest = taken(SILENT_FRAMES, at);
                    end = at + watch;
                }
                None => {}
                Some(known) => {
                    // Equally loud frames are told apart by where the file must be by now, give or take 100 ms.
                    let about = at.saturating_duration_since(known).as_millis() as usize / 10;
                    let near = about.saturating_sub(10)..(about + 10).min(levels.len());
                    let mut alike = near.filter(|frame| (levels[*frame] - now).abs() < 0.001);
                    if let (Some(frame), None) = (alike.next(), alike.next()) {
                        earliest = taken(frame, at).map(|begun| begun.min(known));
                    }
                }
            }
        }
        shown = now;
        std::thread::sleep(Duration::from_micros(200));
    }
    earliest
}

/// The level of each frame of 10 ms, dBFS, as the meter knows it.
fn levels(said: &[i16]) -> Vec<f32> {
    said.chunks_exact(FRAME).map(|frame| ears::level_dbfs(frame) as f32).collect()
}

/// When the first sample of the speaker's file was heard. Blocks for as long as it watches.
fn heard_at(file: &Path, watch: Duration) -> Option<Instant> {
    const HEADER: u64 = 44;
    let end = Instant::now() + watch;
    let mut known = std::fs::metadata(file).ok()?.len();
    let mut earliest: Option<Instant> = None;
    while Instant::now() < end {
        let size = std::fs::metadata(file).ok()?.len();
        let now = Instant::now();
        if size > known {
            known = size;
            let last_sample = (size.saturating_sub(HEADER) / 2).saturating_sub(1);
            let frame = last_sample / FRAME as u64;
            let begun = now.checked_sub(Duration::from_millis(10) * u32::try_from(frame).ok()?)?;
            earliest = Some(earliest.map_or(begun, |earlier| earlier.min(begun)));
        }
        std::thread::sleep(Duration::from_micros(500));
    }
    earliest
}

/// Seconds from `origin` to `moment`: negative when `moment` came first.
fn signed_seconds(moment: Instant, origin: Instant) -> f64 {
    moment.saturating_duration_since(origin).as_secs_f64() - origin.saturating_duration_since(moment).as_secs_f64()
}
