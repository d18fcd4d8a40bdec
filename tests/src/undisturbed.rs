//! Judging what only a machine that is ours can show: that sound comes through devices as it went in.
//!
//! A virtual machine whose host gives the processors to somebody else for a while tears sound wherever it is: in the
//! sound server, in who speaks and listens, in Peal. What was measured meanwhile says nothing about Peal, so it is
//! measured again. On a machine that is ours, the first time counts.

use std::fmt::Display;

use crate::measure::process::Host;

/// Of the processors' time, percent: below this the host took nothing that is heard.
const UNHEARD: f64 = 1.0;
/// How often it is measured before it counts, whatever the host did.
const TRIES: usize = 10;

/// What `measure` answers, as soon as it is content.
///
/// # Panics
/// If it is not, and the host took nothing meanwhile, or did each time.
pub fn undisturbed<T, E: Display>(mut measure: impl FnMut() -> Result<T, E>) -> T {
    let mut left = TRIES;
    loop {
        let host = Host::begin();
        let error = match measure() {
            Ok(found) => return found,
            Err(error) => error,
        };
        left -= 1;
        let taken = host.and_then(|host| host.taken_percent()).unwrap_or_default();
        assert!(left > 0 && taken > UNHEARD, "{error} (the machine's host took {taken:.1} % meanwhile)");
        println!("{error}, but the machine's host took {taken:.1} % of the processors: once more");
    }
}
