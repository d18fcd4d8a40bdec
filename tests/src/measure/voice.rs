//! `bench voice`: calls between two processes, without sound devices.
//!
//! The timed calls are between two tones, which sound from the first moment on; what a call costs is measured with speech
//! and with all the processing that a real microphone gets.

use std::path::Path;
use std::time::Duration;

use super::conversation::Conversation;
use super::figures::Figures;
use super::process::{Stretch, memory_mib};
use super::{Spread, Unmeasured, latency};
use crate::ears::{speech, write_wav};

/// How long it rings before it is answered. Long enough for the speaker to be open, as it is for any person.
const RING: Duration = Duration::from_millis(500);
/// How long they talk: until both jitter buffers have seen some packets.
const TALK: Duration = Duration::from_millis(500);
/// The stretch of the last call whose cost is measured, after its beginning.
const STEADY: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(10)];

/// Measures so many calls.
pub fn measure(calls: usize) -> Result<Figures, Unmeasured> {
    let tone = |_: &str, _: &Path| ["--microphone", "tone:440", "--speaker", "null"].map(str::to_owned).to_vec();
    let mut conversation = Conversation::start(tone, &[])?;
    let [mut ringing, mut connected, mut at_caller, mut at_callee] = [const { Vec::new() }; 4];
    for _ in 0..calls {
        let steps = conversation.connect(RING)?;
        let first = conversation.first_audio(&steps)?;
        ringing.push(steps.ringing_ms);
        connected.push(steps.connected_ms);
        at_caller.push(first.at_caller);
        at_callee.push(first.at_callee);
        std::thread::sleep(TALK);
        conversation.hang_up(&steps)?;
    }
    drop(conversation);
    let (cpu, memory) = cost()?;

    let mut figures =
        Figures::new(format!("voice: {calls} calls between two processes without sound devices, loopback"));
    let late = at_caller.iter().chain(&at_callee).filter(|it| **it > 500.0).count();
    figures.add("ringing_ms", "dial to ringing, ms", Spread::new(ringing));
    figures.add("connected_ms", "answer to connected (both), ms", Spread::new(connected));
    figures.add("first_audio_at_callee_ms", "answer to first audio at the callee, ms", Spread::new(at_callee));
    figures.add("first_audio_at_caller_ms", "answer to first audio at the caller, ms", Spread::new(at_caller));
    figures.add("cpu_percent", "processor of each, processing on, % of a core", cpu);
    figures.add("memory_mib", "memory of each, MiB", memory);
    figures.remark(format!("first audio later than 500 ms: {late} of {}", 2 * calls));
    Ok(figures)
}

/// Percent of a core and MiB of each endpoint in a call with speech and processing.
fn cost() -> Result<(Spread, Spread), Unmeasured> {
    let said = speech(10.0, 3);
    let speaking = |name: &str, place: &Path| {
        let file = place.join(format!("said-{name}.wav"));
        write_wav(&file, &said);
        let file = file.display().to_string();
        ["--microphone", &file, "--loop", "--speaker", "null", "--force-processing"].map(str::to_owned).to_vec()
    };
    let mut conversation = Conversation::start(speaking, &[])?;
    let steps = conversation.connect(RING)?;
    std::thread::sleep(STEADY[0]);
    let pids = [conversation.caller.pid(), conversation.callee.pid()];
    let stretches = pids.map(Stretch::begin);
    std::thread::sleep(STEADY[1]);
    let cpu = stretches.iter().filter_map(|it| it.and_then(|it| it.cpu_percent()));
    let (cpu, memory) = (Spread::new(cpu), Spread::new(pids.iter().filter_map(|pid| memory_mib(*pid))));
    conversation.hang_up(&steps)?;
    Ok((cpu, memory))
}

/// Mouth to ear without devices, in one longer call; see [`latency`].
pub async fn measure_way(seconds: f64) -> Result<Spread, Unmeasured> {
    latency::through_files(seconds).await.map(Spread::new)
}
