//! People: who I am to others, who they are to me, and groups of them.

use serde::{Deserialize, Serialize};

/// A gender as kit C knows it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Gender {
    /// Not told, or neither.
    #[default]
    Unknown,
    /// Female.
    Female,
    /// Male.
    Male,
}

/// What the person at this device says of themselves (kit C23, D10). An empty text is a field not filled in. Everything
/// but the address is shown to others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Profile {
    /// The name that others see; the account's `display_name` is the same.
    pub nickname: String,
    /// Gender.
    pub gender: Gender,
    /// `1990-12-31`, without a year `--12-31`, or empty.
    pub birthday: String,
    /// Where in the world.
    pub region: String,
    /// A line about oneself.
    pub signature: String,
    /// The postal address: for this device alone.
    pub address: String,
    /// The picture's name, for the command `avatar`; absent without one.
    pub avatar_id: Option<String>,
}

/// A profile to change; what is absent stays, and an empty text takes a field away (but for the nickname, which nobody
/// is without).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(default)]
pub struct ProfilePatch {
    /// The name that others see, at most 64 characters.
    pub nickname: Option<String>,
    /// Gender.
    pub gender: Option<Gender>,
    /// `1990-12-31`, or without a year `--12-31`.
    pub birthday: Option<String>,
    /// At most 64 characters.
    pub region: Option<String>,
    /// At most 256 characters.
    pub signature: Option<String>,
    /// At most 256 characters; never shown to others.
    pub address: Option<String>,
    /// A PNG or JPEG in base64, bare or as a data URL: at most 32 KiB and 256 by 256 pixels.
    pub avatar: Option<String>,
}

/// A contact to change; what is absent stays, and an empty text takes a note away.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ContactPatch {
    /// Who. Somebody who is not among the contacts yet may be given, so that anybody can be blocked.
    pub user_id: String,
    /// The name to show in place of their own, at most 64 characters.
    #[serde(default)]
    pub note_name: Option<String>,
    /// What is worth knowing about them, at most 2000 characters; may have lines.
    #[serde(default)]
    pub note_text: Option<String>,
    /// A favourite.
    #[serde(default)]
    pub is_favorite: Option<bool>,
    /// Their calls don't ring.
    #[serde(default)]
    pub is_no_disturb: Option<bool>,
    /// Blocked: for them there is nobody here.
    #[serde(default)]
    pub is_in_black_list: Option<bool>,
    /// Somebody whom the person knows, not only somebody seen.
    #[serde(default)]
    pub is_friend: Option<bool>,
}

/// A saved group, to be called at once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Group {
    /// Which.
    pub group_id: String,
    /// What the person calls it.
    pub name: String,
    /// The accounts in it, without one's own, in the person's order.
    pub members: Vec<String>,
}

/// A group to save.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct GroupParams {
    /// Which; absent: a new one. One that is not there yet is made under this id (a rule as for accounts), for programs
    /// that have ids of their own.
    #[serde(default)]
    pub group_id: Option<String>,
    /// 1 to 64 characters.
    pub name: String,
    /// 1 to 15 others: as many as one call takes.
    pub members: Vec<String>,
}

/// Contacts as a vCard file (RFC 6350).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ExportedContacts {
    /// The file's text: vCard 4.0, one card per contact or group.
    pub vcard: String,
}

/// What became of an imported vCard file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ImportReport {
    /// Contacts and groups that are new.
    pub imported: u32,
    /// Contacts and groups that were known.
    pub updated: u32,
    /// Cards taken without their picture: too large, of another format, or only an address where it lies.
    pub without_picture: u32,
    /// Cards not taken, and why.
    pub refused: Vec<RefusedCard>,
}

/// A card that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct RefusedCard {
    /// Which one of the file, from 1.
    pub card: u32,
    /// The name on it, if it could be read.
    pub name: String,
    /// Why, in English.
    pub message: String,
}

/// Whether somebody's devices are who they say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Verification {
    /// Nobody has talked with any of their devices yet.
    #[default]
    Unknown,
    /// A device is believed since it was first met; nobody has compared its number.
    New,
    /// The numbers of all their devices have been compared.
    Verified,
    /// A device shows another key than the one believed, or than the one compared.
    Changed,
}

/// What two people compare, device by device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct SafetyNumber {
    /// Their device.
    pub device_id: String,
    /// Twelve groups of five digits; the same on both sides.
    pub number: String,
    /// It has been compared, and the key is the same still.
    pub verified: bool,
    /// The device shows another key than the one believed (its calls wait for `trust_key`), or the key believed is
    /// another than the one compared.
    pub changed: bool,
}

/// One of somebody's devices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ContactDevice {
    /// The device.
    pub device_id: String,
    /// What its person calls it; may be empty.
    pub name: String,
    /// Whether it is there.
    pub presence: super::PresenceView,
    /// What it is.
    pub kind: super::ContactKind,
}
