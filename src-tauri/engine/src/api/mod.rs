//! What crosses the engine's border: commands in, events and one snapshot out.
//!
//! The same types are JSON in `peal-headless` and TypeScript in the interface. Field names are `snake_case` on all sides.

mod command;
mod error;
mod event;
mod settings;
mod view;

pub use command::{CallParams, Command, LoginParams, ReasonedCall};
pub use error::{ErrorCode, PealError};
pub use event::{CallSession, Event, Invitation, UserInCall};
pub use settings::{IceServer, Settings, SettingsPatch, Theme};
pub use view::{
    AccountView, AudioView, CallState, CallStats, CallView, Connection, ConnectionState, ContactKind, ContactView,
    DeviceView, Direction, EndReason, Media, MemberState, MemberView, Meters, PhoneView, PresenceView, Quality,
    RecordStatus, RecordView, VoiceLevel,
};
