//! The snapshot: everything a screen shows, as one value that is replaced and never patched.

use serde::{Deserialize, Serialize};

use super::{
    CallView, ContactDevice, Direction, EndReason, Gender, Group, Media, PealError, Profile, PublishedStream,
    RecordMember, Settings, Verification, VideoView,
};

/// The whole phone at one moment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct PhoneView {
    /// Grows with every change.
    pub revision: u32,
    /// Who is logged in; absent on the first start and after logout.
    pub account: Option<AccountView>,
    /// How the server is reached.
    pub connection: Connection,
    /// Echo first, then everyone known, by name.
    pub contacts: Vec<ContactView>,
    /// Newest first.
    pub history: Vec<RecordView>,
    /// Missed calls that nobody has looked at.
    pub missed_count: u32,
    /// Every call that is not over, and the one that just ended until its screen is left.
    pub calls: Vec<CallView>,
    /// Sound devices.
    pub audio: AudioView,
    /// My own picture.
    pub video: VideoView,
    /// My stream to a media server; absent: there is none (yet).
    pub published: Option<PublishedStream>,
    /// What the person chose.
    pub settings: Settings,
    /// Saved groups, by name.
    pub groups: Vec<Group>,
    /// What the person at this device says of themselves; empty while nobody is logged in.
    pub profile: Profile,
    /// Whether nothing rings now.
    pub quiet: QuietView,
}

/// Whether do-not-disturb holds now, by hand or by its schedule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct QuietView {
    /// Nothing rings.
    pub on: bool,
    /// When the schedule changes that next, ms since 1970; absent if it never does, or while it is switched on by hand.
    pub until: Option<f64>,
}

/// The person at this device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct AccountView {
    /// The account (kit A03's username).
    pub user_id: String,
    /// The name that others see.
    pub display_name: String,
    /// This device.
    pub device_id: String,
    /// The MQTT client id (kit A03's clientId).
    pub client_id: String,
    /// The server's address.
    pub server: String,
    /// The server is Peal's own, on this computer.
    pub embedded: bool,
}

/// Whether the server is there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum ConnectionState {
    /// Logged out.
    #[default]
    Offline,
    /// Trying for the first time.
    Connecting,
    /// Logged in.
    Online,
    /// Lost; trying again.
    Reconnecting,
}

/// How the server is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Connection {
    /// Where it stands.
    pub state: ConnectionState,
    /// What is wrong, if anything.
    pub problem: Option<PealError>,
}

/// What kind of contact it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum ContactKind {
    /// A human being.
    Person,
    /// A doorbell, an intercom, a bot.
    Device,
    /// The contact inside Peal that plays back what it hears.
    Echo,
}

/// Whether somebody is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum PresenceView {
    /// Can be called.
    Online,
    /// In a call now.
    InCall,
    /// Away.
    Offline,
}

/// Somebody to call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ContactView {
    /// The account; `echo` for Echo.
    pub user_id: String,
    /// The name to show: `note_name`, else `nickname`, else the account.
    pub name: String,
    /// What kind it is.
    pub kind: ContactKind,
    /// Whether they are there.
    pub presence: PresenceView,
    /// The name that they gave themselves. Here and below an empty text is a field not filled in (kit C23).
    pub nickname: String,
    /// As they say.
    pub gender: Gender,
    /// As they say: `1990-12-31`, or without a year `--12-31`.
    pub birthday: String,
    /// As they say.
    pub region: String,
    /// As they say: a line about themselves.
    pub signature: String,
    /// From an imported card; nobody shows their address to others.
    pub address: String,
    /// Their picture's name, for the command `avatar`; absent without one.
    pub avatar_id: Option<String>,
    /// The name that the person here gave them.
    pub note_name: String,
    /// What the person here wrote about them; may have lines.
    pub note_text: String,
    /// A favourite.
    pub is_favorite: bool,
    /// Their calls don't ring.
    pub is_no_disturb: bool,
    /// Blocked: for them there is nobody here.
    pub is_in_black_list: bool,
    /// Taken into the contacts by hand, not only seen.
    pub is_friend: bool,
    /// Whether their devices are who they say.
    pub verified: Verification,
    /// Their devices, also those that are away.
    pub devices: Vec<ContactDevice>,
}

/// How a call ended, for the history (kit D14 to D18).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum RecordStatus {
    /// They talked.
    Completed,
    /// The caller withdrew.
    Cancelled,
    /// The callee declined.
    Rejected,
    /// Nobody answered.
    Missed,
    /// The callee was in another call.
    Busy,
}

/// One line of the history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct RecordView {
    /// The call.
    pub call_id: String,
    /// The other side.
    pub user_id: String,
    /// Their name now.
    pub name: String,
    /// Who began it.
    pub direction: Direction,
    /// Voice or picture.
    pub media: Media,
    /// How it ended.
    pub status: RecordStatus,
    /// Why it ended.
    pub reason: EndReason,
    /// When it began, ms since 1970.
    pub started_at: f64,
    /// How long they talked, ms.
    pub duration_ms: f64,
    /// False: missed and not yet looked at.
    pub seen: bool,
    /// Everyone else who was called or was in it; of a call from an older version empty.
    pub members: Vec<RecordMember>,
    /// The saved group it was for.
    pub group_id: Option<String>,
    /// What that group is called here, or was.
    pub group_name: Option<String>,
    /// The words that came with it.
    pub message: Option<String>,
}

/// A device: a microphone, a speaker, a camera, or what else can be chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct DeviceView {
    /// What the setting holds.
    pub id: String,
    /// What a person reads.
    pub name: String,
}

/// Sound devices and what is wrong with them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct AudioView {
    /// What can be spoken into.
    pub microphones: Vec<DeviceView>,
    /// What can be heard.
    pub speakers: Vec<DeviceView>,
    /// The speaker is on (kit C10).
    pub speaker_enabled: bool,
    /// What is wrong now, if anything.
    pub problem: Option<PealError>,
}

/// How loud somebody is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct VoiceLevel {
    /// The account; empty for my own microphone.
    pub user_id: String,
    /// dB below full scale, -100 to 0.
    pub dbfs: f32,
}

/// Levels now, outside the snapshot: they change all the time.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Meters {
    /// My microphone first, then everyone heard.
    pub voices: Vec<VoiceLevel>,
}
