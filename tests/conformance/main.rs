//! The promises of five call kits, row by row: `rows.tsv` names them, a test of the same id drives each.
//!
//! Between real engines, over a real broker, with real peer connections, and through the engine's public API alone. The
//! broker is Peal's own, or with `PEAL_BROKER=mosquitto` a mosquitto as deployed.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

/// What an event says, once one of this kind has come.
macro_rules! heard {
    ($person:expr, $pattern:pat $(if $guard:expr)? => $value:expr) => {
        $person
            .hears(stringify!($pattern), |event| match event {
                $pattern $(if $guard)? => Some($value),
                _ => None,
            })
            .await
    };
}

mod device;
mod group;
mod line;
mod mini;
mod rows;
mod town;
mod trtc;
mod web;
