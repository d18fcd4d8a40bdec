//! What a page and the door say to each other.
//!
//! * The page's first message is a [`Hello`], as JSON text.
//! * Then it sends the text [`NEXT`] for each picture that it wants, and a [`Size`] as JSON text when the tile has another.
//! * The door answers each `next` with one binary message, as soon as there is something newer than what it sent last: a header
//!   of [`HEADER`] bytes, little-endian (u16 width, u16 height, u32 sequence, f64 milliseconds since 1970 when it was seen), and
//!   the three planes of I420, one after the other. An empty message: there is no picture now.
//! * A page that said `reads` in its hello may be told a place instead, as JSON text ([`Place`]): from then on a message is
//!   the header alone, and the planes are in the memory there until the page asks for the next picture. A page that can't read
//!   it says [`CARRY`], and is sent the planes again.
//! * The door closes with one of the codes of [`Refusal`].

use std::time::{Instant, SystemTime};

use peal_engine::Frame;
use serde::Deserialize;
#[cfg(target_os = "linux")]
use serde::Serialize;

/// What asks for the next picture.
pub const NEXT: &str = "next";
/// What asks for the planes themselves, from now on.
pub const CARRY: &str = "carry";
/// Bytes before the planes.
pub const HEADER: usize = 16;
/// The longest message of a page, bytes.
pub const LONGEST: usize = 4_096;

/// What can be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum View {
    /// One's own picture.
    Local,
    /// Somebody's picture in a call.
    Remote {
        /// The call.
        call_id: String,
        /// Their account.
        user_id: String,
    },
}

/// How large a tile is, in the screen's own pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Size {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
}

/// A page's first message.
#[derive(Debug, Deserialize)]
pub struct Hello {
    /// A ticket's token.
    pub token: String,
    /// What it would like to see.
    pub view: View,
    /// How large.
    #[serde(flatten)]
    pub size: Size,
    /// It can read memory that is shared with it.
    #[serde(default)]
    pub reads: bool,
}

/// Where the planes are from now on.
#[cfg(target_os = "linux")]
#[derive(Debug, Serialize)]
pub struct Place {
    /// For the page's `readPicture`.
    pub memory: String,
}

/// Why the door closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// What was said is not of this protocol.
    #[error("not a message of this protocol")]
    Message,
    /// No such ticket, or one that was used or grew old.
    #[error("no valid ticket")]
    Ticket,
    /// The ticket is not for this view.
    #[error("this window does not see that")]
    Forbidden,
    /// There is no such view.
    #[error("there is nothing to see")]
    View,
}

impl Refusal {
    /// The code of the WebSocket's end.
    pub fn code(self) -> u16 {
        match self {
            Self::Message => 4_400,
            Self::Ticket => 4_401,
            Self::Forbidden => 4_403,
            Self::View => 4_404,
        }
    }
}

/// What a page says after its hello.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// One more picture.
    Next,
    /// The planes themselves.
    Carry,
    /// Another size.
    Size(Size),
}

impl Wish {
    /// Reads a message; none: it is not of this protocol.
    pub fn read(text: &str) -> Option<Self> {
        match text {
            NEXT => Some(Self::Next),
            CARRY => Some(Self::Carry),
            _ => serde_json::from_str(text).ok().map(Self::Size),
        }
    }
}

/// A picture as it travels.
pub fn write(frame: &Frame, sequence: u32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER + frame.data().len());
    bytes.extend_from_slice(&header(frame, sequence));
    bytes.extend_from_slice(frame.data());
    bytes
}

/// What stands before its planes.
pub fn header(frame: &Frame, sequence: u32) -> [u8; HEADER] {
    let mut bytes = [0; HEADER];
    // No frame is larger than 1,920 pixels in a direction.
    bytes[..2].copy_from_slice(&(frame.width() as u16).to_le_bytes());
    bytes[2..4].copy_from_slice(&(frame.height() as u16).to_le_bytes());
    bytes[4..8].copy_from_slice(&sequence.to_le_bytes());
    bytes[8..].copy_from_slice(&since_1970_ms(frame.captured_at()).to_le_bytes());
    bytes
}

fn since_1970_ms(moment: Instant) -> f64 {
    let time = SystemTime::now().checked_sub(moment.elapsed()).unwrap_or(SystemTime::UNIX_EPOCH);
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64() * 1_000.0)
}
