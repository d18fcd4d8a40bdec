//! What crosses the engine's border: commands in, events and one snapshot out.
//!
//! The same types are JSON in `peal-headless` and TypeScript in the interface. Field names are `snake_case` on all sides.

mod command;
mod error;
mod event;
mod people;
mod records;
mod settings;
mod view;

pub use command::{CallParams, Command, LoginParams, ReasonedCall};
pub use error::{ErrorCode, PealError};
pub use event::{CallSession, Event, Invitation, UserInCall};
pub use people::{
    ContactDevice, ContactPatch, ExportedContacts, Gender, Group, GroupParams, ImportReport, Profile, ProfilePatch,
    RefusedCard, SafetyNumber, Verification,
};
pub use records::{ExportFormat, ExportedHistory, HistoryQuery, RecordMember};
pub use settings::{
    AudioQuality, CALL_TIMEOUT_MS, DoNotDisturb, IceServer, QuietHours, Settings, SettingsPatch, Theme, UnknownCallers,
};
pub use view::{
    AccountView, AudioView, CallState, CallStats, CallView, Connection, ConnectionState, ContactKind, ContactView,
    DeviceView, Direction, EndReason, Media, MemberState, MemberView, Meters, PhoneView, PresenceView, Quality, QuietView,
    RecordStatus, RecordView, VoiceLevel,
};
