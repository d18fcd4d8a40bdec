//! What one says the other hears, and mute silences at once.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use peal_tests::desk::page::id;
use peal_tests::desk::process::until;
use peal_tests::desk::sound::{Listening, Speaking};
use peal_tests::desk::{Desk, Peal, moment};
use peal_tests::ears::{RATE, level_dbfs, likeness, processed, speech, write_wav};

use crate::{ends, milliseconds, remembers, turn, two_people};

/// Below this nobody hears anything, dBFS.
const SILENCE: f64 = -60.0;
/// Above this somebody speaks, dBFS.
const VOICE: f64 = -45.0;
/// How soon the other side must hear nothing after a click on Mute, on top of the sound's own way there.
const MUTE_LIMIT: Duration = Duration::from_millis(200);

#[test]
fn two_people_meet_and_talk() {
    let _turn = turn();
    let desk = Desk::new();
    let (mut alice, mut bob) = two_people(&desk);
    let (alices, bobs) = (bob.sees_contact("Alice Lindqvist"), alice.sees_contact("Bob Chen"));
    desk.picture("contacts");

    alice.notes_clicks_on("call-button");
    alice.page.run(&format!(
        "window.rang = 0;
         new MutationObserver(() => {{
           if (!window.rang && document.querySelector('{}[data-state=\"ringing\"]')) window.rang = Date.now();
         }}).observe(document, {{ subtree: true, childList: true, attributes: true }});",
        id("call")
    ));
    alice.calls(&bobs);
    bob.rings();
    alice.sees_call("ringing");
    let dialled = alice.clicked();
    let rang = moment(&alice.page.until("window.rang"));
    println!("click to ringing on the caller's screen: {} ms", milliseconds(dialled, rang));
    assert_eq!(bob.page.attribute(&id("incoming"), "data-user-id"), alices);
    assert!(bob.page.text(&id("incoming")).contains("Alice Lindqvist"));
    desk.picture("ringing");
    for (speaker, what) in [("spk_b", "the ring"), ("spk_a", "the ringback")] {
        let listening = Listening::start(&desk.sound, speaker, &desk.file("parec.log"));
        listening.hears(what, Duration::from_millis(100), |level| level > VOICE);
    }

    bob.picks("answer");
    alice.sees_call("connected");
    bob.sees_call("connected");
    bob.stops_ringing();
    let call = alice.page.attribute(&id("call"), "data-call-id");
    assert_eq!(bob.page.attribute(&id("call"), "data-call-id"), call);

    hears_what_is_said(&desk, "mic_a", "spk_b");
    hears_what_is_said(&desk, "mic_b", "spk_a");

    let chatter = Chatter::start(&desk, "mic_a");
    bob.page.until(&format!("Number(document.querySelector('{}').ariaValueNow) > 10", id("peer-meter")));
    alice.page.until(&format!("Number(document.querySelector('{}').ariaValueNow) > 10", id("my-meter")));
    desk.picture("talking");
    mute_silences_at_once(&desk, &mut alice, &mut bob);
    drop(chatter);

    // The time runs on, and the call's own screen is the only one that can be used.
    let time = alice.page.text(&id("call-time"));
    assert!(time.len() == 5 && time.as_bytes()[2] == b':', "{time:?}");
    alice.page.until(&format!("document.querySelector('{}').innerText !== '{time}'", id("call-time")));

    bob.page.click(&id("hang-up"));
    for (person, direction) in [(&mut alice, "outgoing"), (&mut bob, "incoming")] {
        let (reason, words) = person.sees_end();
        assert_eq!((reason.as_str(), words.as_str()), ("hangup", "Call ended"));
        desk.picture(&format!("ended-{direction}"));
        person.goes_back();
        let record = person.last_record();
        assert_eq!(record["call"], call.as_str());
        assert_eq!(record["status"], "completed");
        assert_eq!(record["direction"], direction);
    }
}

#[test]
fn echo_answers_and_returns_the_speech() {
    let _turn = turn();
    let desk = Desk::new();
    let mut alice = desk.opens_as("default", "Alice Lindqvist");
    alice.chooses_sound("mic_a", "spk_a");
    alice.sees_contact("Echo");
    alice.calls("echo");
    alice.sees_call("connected");
    // Shorter than Echo waits, so that nobody talks at the same time.
    // In the first second canceller, gain and jitter buffer still settle: that changes the sound, never the words.
    let (said, heard) = speak(&desk, "mic_a", "spk_a", 1.0, Duration::from_secs(2));
    is_what_was_said(&said, &heard, 0.5);
    let (said, heard) = speak(&desk, "mic_a", "spk_a", 1.0, Duration::from_secs(2));
    let later = is_what_was_said(&said, &heard, 0.75);
    println!("Echo answers after {later:?}");
    // When the player began is known to some hundred ms on a busy machine; `calls` measures the second to the sample.
    assert!((Duration::from_millis(900)..Duration::from_millis(1_500)).contains(&later), "{later:?}");
    alice.page.click(&id("hang-up"));
    ends(&desk, &mut alice, "hangup");
    remembers(&mut alice, "completed", "outgoing");
}

/// Says something into one's microphone; what the other's speaker plays must be that.
fn hears_what_is_said(desk: &Desk, microphone: &str, speaker: &str) {
    let (said, heard) = speak(desk, microphone, speaker, 4.0, Duration::from_secs(1));
    let level = level_dbfs(&heard);
    println!("{microphone} to {speaker}: {level:.1} dBFS, said with {:.1}", level_dbfs(&said));
    assert!((-45.0..-5.0).contains(&level), "{level} dBFS");
    is_what_was_said(&said, &heard, 0.7);
}

/// How much later it was heard, and at least so much alike. It is compared to what noise suppression and gain control make of it.
fn is_what_was_said(said: &[i16], heard: &[i16], alike: f64) -> Duration {
    let stranger = speech(said.len() as f64 / f64::from(RATE), 99);
    let expected = processed(said);
    let found = likeness(&expected, heard, 0..i64::from(RATE) * 2);
    let other = likeness(&stranger, heard, 0..i64::from(RATE) * 2).correlation;
    let later = Duration::from_millis(found.delay.unsigned_abs() * 1_000 / u64::from(RATE));
    println!("heard {later:?} later, alike {:.2} (other words {other:.2})", found.correlation);
    if let Some(directory) = std::env::var_os("PEAL_PICTURES").map(PathBuf::from) {
        write_wav(&directory.join("said.wav"), said);
        write_wav(&directory.join("expected.wav"), &expected);
        write_wav(&directory.join("heard.wav"), heard);
    }
    assert!(found.correlation >= alike && other < 0.3, "something else than what was said");
    later
}

/// Says something into a microphone and listens at a speaker, also for a while afterwards. Answers what went into the one
/// and what came out of the other, from one moment on.
fn speak(desk: &Desk, microphone: &str, speaker: &str, seconds: f64, after: Duration) -> (Vec<i16>, Vec<i16>) {
    let file = desk.file(&format!("{microphone}.wav"));
    write_wav(&file, &speech(seconds, 45));
    let into = Listening::start(&desk.sound, microphone, &desk.file("parec.into.log"));
    let out_of = Listening::start(&desk.sound, speaker, &desk.file("parec.log"));
    let from = SystemTime::now();
    Speaking::start(&desk.sound, microphone, &file).done();
    let then = SystemTime::now() + after;
    until("what comes after", || out_of.heard().until().filter(|it| *it >= then));
    let (into, out_of) = (into.heard(), out_of.heard());
    (into.since(from).to_vec(), out_of.since(from).to_vec())
}

/// Three people who speak at once, so that there is no pause, for as long as it is kept.
struct Chatter {
    _speaking: Speaking,
}

impl Chatter {
    fn start(desk: &Desk, microphone: &str) -> Self {
        let voices: Vec<Vec<i16>> = (1..=3).map(|seed| speech(120.0, seed)).collect();
        let all: Vec<i16> = (0..voices[0].len())
            .map(|at| voices.iter().fold(0, |sum: i16, it| sum.saturating_add(it[at] / 2)))
            .collect();
        let file = desk.file("chatter.wav");
        write_wav(&file, &all);
        Self { _speaking: Speaking::start(&desk.sound, microphone, &file) }
    }
}

/// While one speaks: a click on Mute, and the other hears nothing within 200 ms; a click on Unmute, and hears again.
fn mute_silences_at_once(desk: &Desk, speaker: &mut Peal, listener: &mut Peal) {
    let listening = Listening::start(&desk.sound, "spk_b", &desk.file("parec.log"));
    speaker.notes_clicks_on("mute");
    let mut delays = Vec::new();
    let microphone = Listening::start(&desk.sound, "mic_a", &desk.file("parec.into.log"));
    for round in 0..5 {
        listening.hears("speech before the click", Duration::from_millis(300), |level| level > VOICE);
        microphone.hears("speech before the click", Duration::from_millis(1_600), |level| level > VOICE);
        // What was said before the click is still on its way.
        let spoken = SystemTime::now() - Duration::from_millis(1_500);
        let said = microphone.heard().since(spoken).iter().take(RATE as usize).copied().collect::<Vec<_>>();
        let way = likeness(&said, listening.heard().since(spoken), 0..i64::from(RATE) / 2).delay.unsigned_abs();
        let way = Duration::from_millis(way * 1_000 / u64::from(RATE));
        speaker.page.click(&id("mute"));
        speaker.page.sees(&format!("{}[data-off=\"true\"]", id("mute")));
        listener.page.until(&format!("document.querySelector('{}').innerText.includes('is muted')", id("call-state")));
        assert_eq!(listener.page.attribute(&id("peer-meter"), "aria-valuenow"), "0");
        listening.hears("silence after the click", Duration::from_millis(500), |level| level < SILENCE);
        let silent = last_sound(listening.heard().since(speaker.clicked()));
        println!("click on Mute to silence at the other's speaker: {silent:?}, the sound's own way: {way:?}");
        assert!(silent > Duration::ZERO, "there was nothing to silence");
        delays.push(silent.saturating_sub(way));
        if round == 0 {
            desk.picture("muted");
        }
        speaker.page.click(&id("mute"));
        speaker.page.sees(&format!("{}[data-off=\"false\"]", id("mute")));
    }
    listening.hears("speech again", Duration::from_millis(300), |level| level > VOICE);
    delays.sort();
    assert!(delays[delays.len() / 2] < MUTE_LIMIT, "{delays:?}");
}

/// How far into `samples` the last sound is, by pieces of 5 ms.
fn last_sound(samples: &[i16]) -> Duration {
    let piece = RATE as usize / 200;
    let last = samples.chunks(piece).rposition(|it| level_dbfs(it) > SILENCE);
    Duration::from_millis(last.map_or(0, |at| (at as u64 + 1) * 5))
}
