//! What the tests and the bench share: people with phones, servers that die with their test, and ears.

pub mod ears;
pub mod person;
