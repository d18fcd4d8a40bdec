//! The Tauri shell of Peal: it joins the engine to windows, tray and notifications, and decides nothing.
//!
//! The engine's snapshot goes to every window as one event ([`bindings::PhoneViewChanged`]); what a window wishes comes
//! back as a command ([`commands`]). Which window is open follows from the snapshot alone ([`windows`]).

pub mod args;
pub mod bindings;
pub mod commands;
mod display;
mod follow;
mod graphics;
mod incoming;
mod instance;
mod notification;
mod picture_in_picture;
mod pictures;
mod quit;
mod shell;
mod tray;
#[cfg(target_os = "linux")]
mod web_process;
mod windows;
mod words;

pub use shell::run;
