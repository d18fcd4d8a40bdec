//! Finding and telling each other over MQTT: topics, wire format, sealing, the client, and a broker to embed.
//!
//! Any standard MQTT 5 broker serves; its access list makes senders unforgeable, and every signal is sealed from
//! device key to device key, so the broker's owner neither reads nor forges a call.
//!
//! [`Client::connect`] logs a device in; [`Broker::start`] runs a broker inside this process.

mod broker;
mod client;
mod config;
mod connection;
mod directory;
mod flood;
mod image;
mod inbox;
mod keys;
mod link;
mod names;
mod notice;
mod outbox;
mod presence;
mod profile;
mod replay;
mod safety;
mod server;
mod session;
mod tls;
mod topics;
mod wire;

pub use broker::{Broker, BrokerConfig, BrokerError};
pub use client::Client;
pub use config::{ClientConfig, DEFAULT_SESSION_EXPIRY};
pub use directory::DeviceKey;
pub use keys::{DeviceKeys, DevicePublicKey, SealError};
pub use names::{AppKey, clean_text};
pub use notice::{ConnectError, Denied, DropReason, Notice, Problem, SendError};
pub use presence::{DISPLAY_NAME_LIMIT, DeviceKind, PRESENCE_LIMIT, Presence, PresenceState};
pub use profile::{
    AVATAR_LIMIT, AVATAR_SIDE_LIMIT, Avatar, AvatarError, Birthday, BirthdayError, Gender, Profile, REGION_LIMIT,
    SIGNATURE_LIMIT,
};
pub use replay::ReplayGuard;
pub use safety::safety_number;
pub use server::{ServerUrl, ServerUrlError};
pub use wire::{ENVELOPE_LIMIT, decode_signal, encode_signal};
