//! What of Peal runs in WebKit's web process, on Linux: a page reads pictures from memory that the phone shares with it.
//!
//! Thirty times a second a picture at 720p has 1.4 MB. Through a WebSocket the kernel copies it twice, WebKit's network process
//! reads it a kibibyte at a time, and hands it on in memory that is made, mapped, cleared and given back for that picture alone:
//! a tenth of a core. Here it is written once, and read once into a buffer that the page keeps.
//!
//! WebKit loads this library into its web process (`extension`), where pages find the function [`READ`]. The app links the
//! same crate for the other end, [`Memory`].
#![cfg(target_os = "linux")]

mod extension;
mod memory;

pub use memory::{Memory, read};

/// The function that pages find: takes what [`Memory::path`] gave and an `ArrayBuffer`, fills the buffer from the memory's
/// beginning, and answers whether it could.
pub const READ: &std::ffi::CStr = c"readPicture";

/// More is never shared at once, bytes: a picture of 1,920 × 1,920 in I420 has 5.6 MB.
pub const LONGEST: usize = 8 << 20;
