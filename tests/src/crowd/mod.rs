//! A crowd on one embedded broker: many real signalling clients with their seals, some of them calling. No sound.

pub mod bench;
pub mod broker;
pub mod line;
pub mod member;
pub mod talk;
