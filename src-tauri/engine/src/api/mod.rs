//! What crosses the engine's border: commands in, events and one snapshot out.
//!
//! The same types are JSON in `peal-headless` and TypeScript in the interface. Field names are `snake_case` on all sides.

mod call;
mod calling;
mod command;
mod error;
mod event;
mod people;
mod records;
mod screening;
mod settings;
mod stream;
mod video;
mod view;

pub use call::{
    Alert, CallState, CallStats, CallView, Direction, EndReason, Media, MemberState, MemberView, Quality, SwitchView,
};
pub use calling::{
    AcceptParams, AnswerSwitchParams, CallParams, CancelParams, InviteParams, Meanwhile, MergeParams, RejectParams,
    StatsParams, SwitchMediaParams, TransferParams, VolumeParams,
};
pub use command::{Command, LoginParams};
pub use error::{ErrorCode, PealError};
pub use event::{CallSession, Event, Invitation, UserInCall};
pub use people::{
    ContactDevice, ContactPatch, ExportedContacts, Gender, Group, GroupParams, ImportReport, Profile, ProfilePatch,
    RefusedCard, SafetyNumber, Verification,
};
pub use records::{ExportFormat, ExportedHistory, HistoryQuery, RecordMember};
pub use screening::{DoNotDisturb, QuietHours, UnknownCallers};
pub use settings::{
    AudioQuality, CALL_TIMEOUT_MS, IceServer, Settings, SettingsPatch, Theme, VIDEO_BITRATE_KBPS, VIDEO_FRAME_RATE,
    VIDEO_HEIGHT, VIDEO_WIDTH,
};
pub use stream::{PublishStreamParams, PublishedStream};
pub use video::{
    LocalViewParams, OpenCameraParams, PictureLowered, StartRemoteViewParams, StopRemoteViewParams, VideoSource,
    VideoSources, VideoView,
};
pub use view::{
    AccountView, AudioView, Connection, ConnectionState, ContactKind, ContactView, DeviceView, Meters, PhoneView,
    PresenceView, QuietView, RecordStatus, RecordView, VoiceLevel,
};
