//! What crosses the engine's border: commands in, events and one snapshot out.
//!
//! The same types are JSON in `peal-headless` and TypeScript in the interface. Field names are `snake_case` on all sides.

mod command;
mod error;
mod event;
mod view;

pub use command::{CallParams, Command, LoginParams, ReasonedCall, SettingsPatch};
pub use error::{ErrorCode, PealError};
pub use event::{CallSession, Event, Invitation, UserInCall};
pub use view::{
    AccountView, AudioView, CallState, CallStats, CallView, Connection, ConnectionState, ContactKind, ContactView,
    DeviceView, Direction, EndReason, IceServer, Media, MemberState, MemberView, Meters, PhoneView, PresenceView,
    Quality, RecordStatus, RecordView, Settings, Theme, VoiceLevel,
};
