//! Peal without a face: log in, call, answer.
//!
//! Everything else (the window, `peal-headless`, Echo, the tests) uses this:
//!
//! ```no_run
//! use peal_engine::{Engine, EngineConfig, api::{CallParams, LoginParams}};
//!
//! # async fn example() -> Result<(), peal_engine::api::PealError> {
//! let engine = Engine::start(EngineConfig::default()).await?;
//! engine.login(LoginParams { display_name: Some("Ann".into()), ..Default::default() }).await?;
//! let call = engine.call(CallParams { to: vec!["echo".into()], ..Default::default() }).await?;
//! println!("calling {}", call.call_id);
//! # Ok(())
//! # }
//! ```

pub mod api;
pub mod log;

mod account;
mod broker;
mod calling;
mod commands;
mod config;
mod directory;
mod echo;
mod engine;
mod fault;
mod flow;
mod history;
mod housekeeping;
mod link;
mod login;
mod meanwhile;
mod message;
mod notices;
mod orders;
mod people;
mod phone;
mod pictures;
mod policy;
mod presence;
mod records;
mod redundancy;
mod schedule;
mod session;
mod signals;
mod sound;
mod streams;
mod subscription;
mod text;
mod translate;
mod vcard;
mod view;
mod voices;

pub use config::{CameraChoice, DEFAULT_BROKER, EngineConfig, MicrophoneChoice, Profile, SpeakerChoice};
pub use engine::Engine;
pub use pictures::{Fit, Frame, Picture, Scaler};
pub use subscription::Subscription;
