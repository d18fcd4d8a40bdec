//! What one says the other hears, and mute silences at once.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use peal_tests::desk::page::id;
use peal_tests::desk::process::until;
use peal_tests::desk::sound::{Listening, Speaking};
use peal_tests::desk::{Desk, Peal, moment};
use peal_tests::ears::{RATE, find, level_dbfs, likeness, likeness_of_pieces, mean, processed, speech, write_wav};
use peal_tests::undisturbed::undisturbed;

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
    undisturbed(|| mute_silences_at_once(&desk, &mut alice, &mut bob));
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
    // Shorter than Echo waits, so that nobody talks at the same time. In the first second canceller, gain and jitter buffer
    // still settle, and what comes back has been through both twice: that changes the sound, never the words.
    let mut saying = Saying::new(&desk, "mic_a", "spk_a", 1.0, Duration::from_secs(2));
    undisturbed(|| {
        let later = saying.is_understood(0.5)?;
        // When the player began is known to some hundred ms; `calls` measures the second to the sample.
        let is_a_second = (Duration::from_millis(900)..Duration::from_millis(1_500)).contains(&later);
        if is_a_second { Ok(()) } else { Err(format!("Echo answers after {later:?}")) }
    });
    alice.page.click(&id("hang-up"));
    ends(&desk, &mut alice, "hangup");
    remembers(&mut alice, "completed", "outgoing");
}

/// Says something into one's microphone; what the other's speaker plays must be that.
fn hears_what_is_said(desk: &Desk, microphone: &str, speaker: &str) {
    let mut saying = Saying::new(desk, microphone, speaker, 4.0, Duration::from_secs(1));
    undisturbed(|| saying.is_understood(0.5));
    assert!((-45.0..-5.0).contains(&saying.level), "{} dBFS", saying.level);
}

/// Somebody who says the same words until they are understood, as people do on a bad line.
struct Saying<'a> {
    desk: &'a Desk,
    microphone: &'a str,
    speaker: &'a str,
    /// How long it is listened after the last word.
    after: Duration,
    words: Vec<i16>,
    /// What noise suppression and gain control make of them: that is what should be heard.
    expected: Vec<i16>,
    stranger: Vec<i16>,
    /// How much alike each piece was when it was heard best, and the same of a stranger's words.
    best: [Vec<f64>; 2],
    /// How loud it was when it was heard last, dBFS.
    level: f64,
}

impl<'a> Saying<'a> {
    fn new(desk: &'a Desk, microphone: &'a str, speaker: &'a str, seconds: f64, after: Duration) -> Self {
        let words = speech(seconds, 45);
        let (expected, stranger) = (processed(&words), speech(seconds, 99));
        let best = [Vec::new(), Vec::new()];
        Self { desk, microphone, speaker, after, words, expected, stranger, best, level: -100.0 }
    }

    /// Says it once more. Answers how much later it is heard, if each piece of it was as much alike when it was heard best,
    /// in the mean.
    fn is_understood(&mut self, alike: f64) -> Result<Duration, String> {
        let (into, out_of) = self.speak();
        let most = i64::from(RATE) * 3;
        let spoken = find(&self.words, &into, 0..most).delay;
        let mut delays = [0; 2];
        for ((words, best), delay) in [&self.expected, &self.stranger].into_iter().zip(&mut self.best).zip(&mut delays)
        {
            let (at, pieces) = likeness_of_pieces(words, &out_of, 0..most);
            best.resize(pieces.len(), 0.0);
            best.iter_mut().zip(pieces).for_each(|(best, now)| *best = best.max(now));
            *delay = at;
        }
        self.level = level_dbfs(&out_of);
        let [heard, other] = self.best.each_ref().map(|best| mean(best));
        let later = Duration::from_millis((delays[0] - spoken).unsigned_abs() * 1_000 / u64::from(RATE));
        println!(
            "{} to {}: {later:?} later, {:.1} dBFS, alike {heard:.2} (other words {other:.2})",
            self.microphone, self.speaker, self.level
        );
        if let Some(directory) = std::env::var_os("PEAL_PICTURES").map(PathBuf::from) {
            write_wav(&directory.join("said.wav"), &into);
            write_wav(&directory.join("expected.wav"), &self.expected);
            write_wav(&directory.join("heard.wav"), &out_of);
        }
        assert!(other < 0.45, "something else than what was said");
        if heard >= alike { Ok(later) } else { Err(format!("alike {heard:.2}, not {alike}")) }
    }

    /// What went into the microphone and what came out of the speaker, from one moment on.
    fn speak(&self) -> (Vec<i16>, Vec<i16>) {
        let Self { desk, microphone, speaker, .. } = self;
        let file = desk.file(&format!("{microphone}.wav"));
        write_wav(&file, &self.words);
        let into = Listening::start(&desk.sound, microphone, &desk.file("parec.into.log"));
        let out_of = Listening::start(&desk.sound, speaker, &desk.file("parec.log"));
        let from = SystemTime::now();
        Speaking::start(&desk.sound, microphone, &file).done();
        let then = SystemTime::now() + self.after;
        until("what comes after", || out_of.heard().until().filter(|it| *it >= then));
        let (into, out_of) = (into.heard(), out_of.heard());
        (into.since(from).to_vec(), out_of.since(from).to_vec())
    }
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
fn mute_silences_at_once(desk: &Desk, speaker: &mut Peal, listener: &mut Peal) -> Result<(), String> {
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
    if delays[delays.len() / 2] < MUTE_LIMIT { Ok(()) } else { Err(format!("muted after {delays:?}")) }
}

/// How far into `samples` the last sound is, by pieces of 5 ms.
fn last_sound(samples: &[i16]) -> Duration {
    let piece = RATE as usize / 200;
    let last = samples.chunks(piece).rposition(|it| level_dbfs(it) > SILENCE);
    Duration::from_millis(last.map_or(0, |at| (at as u64 + 1) * 5))
}
