//! The rules of a phone, as a pure state machine: no clock, no I/O, no chance.
//!
//! [`Phone`] has three doors and a window: [`Phone::handle_input`], [`Phone::handle_timeout`], [`Phone::poll_output`]
//! with [`Phone::poll_timeout`], and [`Phone::snapshot`]. Time always comes from outside.

mod call;
mod id;
mod incoming;
mod media;
mod outgoing;
mod phone;
mod port;
mod signal;

pub use call::{CallSnapshot, CallState, Direction, EndReason, MemberState};
pub use id::{CallId, DeviceAddress, DeviceId, NAME_LIMIT, NameError, UserId};
pub use phone::{Phone, PhoneConfig};
pub use port::{CallRecord, Dial, Input, Link, Notice, Output, Refusal};
pub use signal::{
    CancelReason, Candidate, DEFAULT_RING, HangupReason, Invite, MAX_RING, MESSAGE_LIMIT, MediaKind, RecordStatus,
    RejectReason, Signal,
};
