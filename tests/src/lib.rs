//! What the tests and the bench share: people with phones, servers that die with their test, and ears.

#[cfg(unix)]
pub mod brokers;
// On a host of its own, which is a network namespace.
#[cfg(target_os = "linux")]
pub mod browser;
pub mod crowd;
// Xvfb, D-Bus and WebKit's driver.
#[cfg(unix)]
pub mod desk;
pub mod ears;
pub mod eyes;
pub mod headless;
pub mod measure;
#[cfg(unix)]
pub mod media_server;
#[cfg(target_os = "linux")]
pub mod path;
pub mod person;
pub mod sound_server;
pub mod undisturbed;
