//! `bench devices`: calls through sound devices of a private PulseAudio.
//!
//! Both microphones and both speakers are channels of *one* null sink (see [`SoundServer::with_room`]), so that one
//! recording holds what goes into Ann's microphone and what comes out of Bob's speaker side by side, on one clock, to
//! the sample. The way from mouth to ear is where the one is found in the other by cross-correlation, a third of a
//! second at a time. Nothing has to be aligned, and no time of this process enters it. It holds both devices' buffers as
//! PulseAudio runs them here, but no sound card: a real one adds its own converters' few milliseconds.
//!
//! First audio is the first sound that leaves a speaker after the answer while the other speaks, by a recording of the
//! speakers whose beginning is known to about 5 ms. A ring that still sounds when it is answered does not count.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::conversation::Conversation;
use super::figures::Figures;
use super::process::{Stretch, memory_mib};
use super::{Spread, Unmeasured, latency};
use crate::ears::{RATE, level_dbfs, speech, write_wav};
use crate::sound_server::SoundServer;

/// The devices: each is a channel of the recording, in this order.
const DEVICES: [&str; 4] = ["mic_a", "spk_a", "mic_b", "spk_b"];
/// What Ann says: six seconds of everything that a voice does.
const WORDS: &str = "The quick brown fox jumps over the lazy dog. She sells sea shells by the sea shore, \
    and every evening the old captain walks along the beach.";
/// How long it rings before it is answered: both the ring and the ringback are in a pause then.
const RING: Duration = Duration::from_millis(2_700);
/// Louder than this is a voice and not the end of a ring, dBFS.
const AUDIBLE: f64 = -35.0;
/// First audio that comes later than this is told of, ms.
const LATE: f64 = 500.0;
/// What is said last is heard within this time.
const TAIL: Duration = Duration::from_millis(600);
/// Noise suppression and levelling change a voice, so pieces that are less alike than without them count too.
const ALIKE: f64 = 0.6;

/// Measures so many calls.
pub fn measure(calls: usize) -> Result<Figures, Unmeasured> {
    let server = SoundServer::with_room(&DEVICES)?;
    let place = tempfile::tempdir()?;
    let words = said(place.path());
    let breathless = place.path().join("breathless.wav");
    let mut without_pauses = speech(15.0, 9);
    without_pauses.retain(|sample| *sample != 0);
    write_wav(&breathless, &without_pauses);
    let devices = |name: &str, _: &Path| {
        let (microphone, speaker) = if name == "ann" { ("mic_a", "spk_a") } else { ("mic_b", "spk_b") };
        let (microphone, speaker) = (format!("pulseaudio:{microphone}_source"), format!("pulseaudio:{speaker}"));
        ["--microphone", &microphone, "--speaker", &speaker].map(str::to_owned).to_vec()
    };
    // A null sink that nobody hurries plays two seconds at a time, and whoever comes then waits for their end. No sound
    // card is like that; somebody who listens with little delay keeps it awake.
    let _awake = server.record("room.monitor", 1)?;
    let mut conversation = Conversation::start(devices, &server.environment())?;
    let [mut way, mut pieces, mut at_caller, mut at_callee, mut cpu, mut buffer] = [const { Vec::new() }; 6];
    let mut late = Vec::new();
    for number in 1..=calls {
        // Both speak without a pause while it is answered, so that there is something to hear at once.
        let recording = server.record("room.monitor", DEVICES.len())?;
        let speaking = [server.play("mic_a", &breathless)?, server.play("mic_b", &breathless)?];
        let steps = conversation.connect(RING)?;
        conversation.first_audio(&steps)?;
        std::thread::sleep(TAIL);
        drop(speaking);
        let heard = recording.finish();
        let [callee, caller] = [3, 1].map(|speaker| {
            let answered = steps.accepted.saturating_duration_since(heard.begun?);
            first_sound(&heard.channels[speaker], answered)
        });
        at_callee.extend(callee);
        at_caller.extend(caller);
        if callee.into_iter().chain(caller).any(|it| it > LATE) {
            late.push(format!(
                "call {number}: connected after {:.0} ms, first audio after {callee:.0?} ms at the callee, {caller:.0?} ms at the caller",
                steps.connected_ms
            ));
        }
        let stretches = [conversation.caller.pid(), conversation.callee.pid()].map(Stretch::begin);
        let recording = server.record("room.monitor", DEVICES.len())?;
        server.play("mic_a", &words)?.finish()?;
        std::thread::sleep(TAIL);
        let heard = recording.finish();
        cpu.extend(stretches.iter().filter_map(|it| it.and_then(|it| it.cpu_percent())));
        let found = Spread::new(latency::delays(&heard.channels[0], &heard.channels[3], 0.0, ALIKE));
        way.extend(found.median());
        pieces.push(found.count() as f64);
        buffer.extend(conversation.count(&steps)?.callee["buffer_ms"].as_f64());
        conversation.hang_up(&steps)?;
    }
    let memory = [conversation.caller.pid(), conversation.callee.pid()].map(memory_mib);

    let mut figures = Figures::new(format!("devices: {calls} calls through PulseAudio, processing on"));
    let unheard = pieces.iter().filter(|it| **it == 0.0).count();
    figures.add("mouth_to_ear_ms", "mouth to ear, ms", Spread::new(way));
    figures.add("jitter_buffer_ms", "of it in the jitter buffer, ms", Spread::new(buffer));
    figures.add("pieces", "pieces of speech recognised in a call", Spread::new(pieces));
    figures.add("first_audio_at_callee_ms", "answer to first audio at the callee, ms", Spread::new(at_callee));
    figures.add("first_audio_at_caller_ms", "answer to first audio at the caller, ms", Spread::new(at_caller));
    figures.add("cpu_percent", "processor of each, % of a core", Spread::new(cpu));
    figures.add("memory_mib", "memory of each after that, MiB", Spread::new(memory.into_iter().flatten()));
    for words in late {
        figures.remark(words);
    }
    if unheard > 0 {
        figures.remark(format!("speech was not recognised at all in {unheard} of {calls} calls"));
    }
    Ok(figures)
}

/// How long after `answered` (since the beginning) a speaker first makes a sound, ms. A ring that still sounds then is
/// waited out: before anybody can be heard it has been quiet for a moment.
fn first_sound(speaker: &[i16], answered: Duration) -> Option<f64> {
    /// 2 ms.
    const STEP: usize = RATE as usize / 500;
    /// So many quiet steps are a moment: 10 ms.
    const MOMENT: usize = 5;
    let from = (answered.as_secs_f64() * f64::from(RATE)) as usize;
    let loud: Vec<bool> = speaker.get(from..)?.chunks(STEP).map(|piece| level_dbfs(piece) > AUDIBLE).collect();
    let quiet = loud.windows(MOMENT).position(|steps| steps.iter().all(|loud| !loud))?;
    let sound = quiet + loud[quiet..].iter().position(|loud| *loud)?;
    Some((sound * STEP) as f64 * 1_000.0 / f64::from(RATE))
}

/// A file with speech: espeak-ng's, or, where that is not installed, something like it.
fn said(place: &Path) -> PathBuf {
    let file = place.join("words.wav");
    let mut espeak = Command::new("espeak-ng");
    espeak.args(["-v", "en", "-s", "165", "-w"]).arg(&file).arg(WORDS).stdout(Stdio::null()).stderr(Stdio::null());
    if !espeak.status().is_ok_and(|status| status.success()) {
        write_wav(&file, &speech(6.0, 5));
    }
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stretches of so many ms, loud or not.
    fn sound(stretches: &[(bool, usize)]) -> Vec<i16> {
        let stretch = |(loud, ms): &(bool, usize)| {
            let loud = *loud;
            (0..ms * 48).map(move |at| if loud { if at % 96 < 48 { 6_000 } else { -6_000 } } else { 0 })
        };
        stretches.iter().flat_map(stretch).collect()
    }

    fn after_a_second(heard: &[(bool, usize)]) -> Option<f64> {
        let mut all = sound(&[(false, 1_000)]);
        all.extend(sound(heard));
        first_sound(&all, Duration::from_secs(1))
    }

    #[test]
    fn first_sound_after_the_answer_is_timed() {
        assert_eq!(after_a_second(&[(false, 84), (true, 500)]), Some(84.0));
        assert_eq!(after_a_second(&[(false, 500)]), None);
    }

    #[test]
    fn ring_that_still_sounds_is_not_the_voice() {
        assert_eq!(after_a_second(&[(true, 40), (false, 60), (true, 500)]), Some(100.0));
        assert_eq!(after_a_second(&[(true, 500)]), None);
    }
}
