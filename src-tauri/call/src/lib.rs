//! The rules of a phone, as a pure state machine: no clock, no I/O, no chance.
//!
//! [`Phone`] has three doors and a window: [`Phone::handle_input`], [`Phone::handle_timeout`], [`Phone::poll_output`]
//! with [`Phone::poll_timeout`], and [`Phone::snapshot`]. Time always comes from outside.

mod answers;
mod call;
mod chosen;
mod finished;
mod hearsay;
mod id;
mod incoming;
mod leaving;
mod links;
mod media;
mod member;
mod members;
mod notice;
mod outgoing;
mod parting;
mod path;
mod phone;
mod policy;
mod port;
mod record;
mod roster;
mod screening;
mod sending;
mod signal;
mod snapshot;
mod switch;
mod timeout;
mod transfer;
mod view;

pub use call::{Direction, EndReason};
pub use id::{CallId, DeviceAddress, DeviceId, NAME_LIMIT, NameError, UserId};
pub use notice::{CallRecord, Notice};
pub use phone::{CALL_LIMIT, Phone, PhoneConfig};
pub use policy::{Policy, Unknown};
pub use port::{Callee, Dial, Input, Link, Meanwhile, Output, Refusal};
pub use roster::{GENERATION_LIMIT, MEMBER_LIMIT, ROSTER_LIMIT, RosterEntry, Standing};
pub use signal::{
    CancelReason, Candidate, DEFAULT_RING, HangupReason, Invite, MAX_RING, MESSAGE_LIMIT, MediaKind, RecordStatus,
    RejectReason, STREAM_LIMIT, Signal, Stream,
};
pub use snapshot::{Alert, CallSnapshot, CallState, MemberSnapshot, MemberState, Switch};
