//! Peal without a window: one JSON line in for each wish, one out for each answer and event.
//!
//! [`line`] is the language, [`session`] the conversation, [`options`] what the program is started with; [`program`] joins
//! them to an engine and to the standard streams.

pub mod line;
pub mod options;
pub mod program;
pub mod record;
pub mod session;
pub mod streams;
