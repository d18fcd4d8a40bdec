//! The real app, used as people use it: windows under Xvfb, mouse and keyboard through WebDriver, sound through
//! PulseAudio, notifications through dunst.
//!
//! The tests take turns: each has a desk of its own, and two desks at once would only make both slow.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod endings;
mod meanwhile;
mod pictures;
mod ringing;
mod starting;
mod talking;
mod trouble;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use peal_tests::desk::{Desk, Peal};

/// The tests take turns.
pub fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    // A test that failed has left nothing behind.
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Alice and Bob, each with a microphone and a speaker, side by side.
pub fn two_people(desk: &Desk) -> (Peal, Peal) {
    let mut alice = desk.opens_as("default", "Alice Lindqvist");
    let mut bob = desk.opens_as("second", "Bob Chen");
    alice.chooses_sound("mic_a", "spk_a");
    bob.chooses_sound("mic_b", "spk_b");
    (alice, bob)
}

/// The call has ended on the screen, in words; back to the contacts.
pub fn ends(desk: &Desk, person: &mut Peal, reason: &str) {
    let (seen, words) = person.sees_end();
    assert_eq!(seen, reason);
    println!("{reason}: {words}");
    assert!(words.len() > 5, "{words:?}");
    desk.picture(&format!("end-{reason}"));
    person.goes_back();
}

/// The newest call of the history.
pub fn remembers(person: &mut Peal, status: &str, direction: &str) {
    let record = person.last_record();
    assert_eq!((record["status"].as_str(), record["direction"].as_str()), (Some(status), Some(direction)));
}

/// The time between, ms.
pub fn milliseconds(from: SystemTime, to: SystemTime) -> i128 {
    let since = |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis() as i128;
    since(to) - since(from)
}
