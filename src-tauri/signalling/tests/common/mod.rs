//! Brokers, lines that can be cut or lose things, and a stranger with a bare MQTT client.
#![allow(dead_code, unused_imports, reason = "each test file uses a part")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod deaf_line;
mod device;
mod line;
mod server;
mod stranger;

use std::time::Duration;

use peal_call::{CallId, DeviceAddress, DeviceId, Signal, UserId};
use uuid::Uuid;

pub use deaf_line::DeafLine;
pub use device::{Device, config, pair};
pub use line::Line;
pub use server::{Killed, Kind, Server, start_error, token};
pub use stranger::Stranger;

/// Generous, for a loaded machine; every wait is for an event.
pub const PATIENCE: Duration = Duration::from_secs(30);
pub const LIFE: Duration = Duration::from_secs(600);

pub fn address(user: &str, device: &str) -> DeviceAddress {
    DeviceAddress { user: UserId::new(user).unwrap(), device: DeviceId::new(device).unwrap() }
}

pub fn ringing(n: u128) -> Signal {
    Signal::Ringing { call: CallId::from_uuid(Uuid::from_u128(n)), generation: 0 }
}

/// Runs every test body against both brokers.
#[macro_export]
macro_rules! on_both_brokers {
    ($($name:ident),+ $(,)?) => {
        mod embedded {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name($crate::common::Kind::Embedded).await; })+
        }
        mod mosquitto {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name($crate::common::Kind::Mosquitto).await; })+
        }
    };
}
