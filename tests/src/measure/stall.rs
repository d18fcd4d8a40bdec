//! `bench stall`: many quick calls one after the other, to find the one that hangs.
//!
//! The engines run in this process; the sound comes from a tone, so that there is something to hear at once.

use std::time::{Duration, Instant};

use peal_engine::{EngineConfig, MicrophoneChoice};

use super::figures::Figures;
use super::{Spread, Unmeasured};
use crate::person::{PATIENCE, Person, accept, free_address, quiet};

/// Longer than this from the answer counts as a stall, ms.
const STALL: f64 = 500.0;

/// Measures so many calls.
pub async fn measure(calls: usize) -> Result<Figures, Unmeasured> {
    let broker = free_address();
    let config = || EngineConfig { microphone: Some(MicrophoneChoice::Tone { hertz: 440.0 }), ..quiet(broker) };
    let mut ann = Person::new("ann", config()).await;
    let mut bob = Person::new("bob", config()).await;
    ann.sees_online("bob").await;
    let [mut connected, mut first_audio] = [const { Vec::new() }; 2];
    let mut figures = Figures::new(format!("stall: {calls} quick calls between two engines, loopback"));
    for number in 1..=calls {
        let session = ann.calls("bob").await;
        let call = bob.rings().await;
        let answered = Instant::now();
        accept(&bob, &call).await;
        ann.connected().await;
        bob.connected().await;
        let took = answered.elapsed().as_secs_f64() * 1_000.0;
        let heard = hears(&ann, &call).await?.max(hears(&bob, &call).await?);
        if took > STALL || heard > STALL {
            figures.remark(format!("call {number}: connected after {took:.0} ms, first audio after {heard:.0} ms"));
        }
        connected.push(took);
        first_audio.push(heard);
        ann.engine.hangup(&session.call_id).await?;
        ann.ended().await;
        bob.ended().await;
    }
    let (connected, first_audio) = (Spread::new(connected), Spread::new(first_audio));
    figures.remark(format!(
        "longer than {STALL:.0} ms: {} of {calls} to connected, {} of {calls} to first audio",
        connected.above(STALL),
        first_audio.above(STALL)
    ));
    figures.add("connected_ms", "answer to connected (both), ms", connected);
    figures.add("first_audio_ms", "answer to first audio (both), ms", first_audio);
    Ok(figures)
}

/// How long after it knew of the answer an end first heard the other, ms.
async fn hears(person: &Person, call: &str) -> Result<f64, Unmeasured> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(ms) = person.engine.call_stats(call).await?.first_audio_ms {
            return Ok(ms);
        }
        if Instant::now() > deadline {
            return Err(format!("{} never heard anything", person.name).into());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
