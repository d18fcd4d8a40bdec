//! Peal without a face: log in, call, answer.
//!
//! Everything else (the window, `peal-headless`, Echo, the tests) uses this:
//!
//! ```no_run
//! use peal_engine::{Engine, EngineConfig, api::{CallParams, LoginParams, Media}};
//!
//! # async fn example() -> Result<(), peal_engine::api::PealError> {
//! let engine = Engine::start(EngineConfig::default()).await?;
//! engine.login(LoginParams { display_name: Some("Ann".into()), ..Default::default() }).await?;
//! let call = engine
//!     .call(CallParams { to: vec!["echo".into()], media: Media::Audio, message: None, timeout_ms: None })
//!     .await?;
//! println!("calling {}", call.call_id);
//! # Ok(())
//! # }
//! ```

pub mod api;

mod account;
mod broker;
mod commands;
mod config;
mod directory;
mod echo;
mod engine;
mod fault;
mod history;
mod link;
mod login;
mod message;
mod people;
mod phone;
mod policy;
mod records;
mod schedule;
mod session;
mod signals;
mod sound;
mod text;
mod translate;
mod vcard;
mod view;

pub use config::{DEFAULT_BROKER, EngineConfig, MicrophoneChoice, Profile, SpeakerChoice};
pub use engine::Engine;
