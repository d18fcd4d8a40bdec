//! A call as it is shown: who is in it, and where everyone stands.

use serde::{Deserialize, Serialize};

use super::{ContactKind, PictureLowered};

/// Voice or picture.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Media {
    /// Voice only.
    #[default]
    Audio,
    /// Voice and picture.
    Video,
}

/// Who began it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// I called.
    Outgoing,
    /// They called.
    Incoming,
}

/// Where a call stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum CallState {
    /// Outgoing: no device has answered the invite yet.
    Calling,
    /// Outgoing: it rings there. Incoming: it rings here.
    Ringing,
    /// Answered; media is being set up.
    Connecting,
    /// They talk.
    Connected,
    /// Media was lost and is being brought back.
    Reconnecting,
    /// Over; `reason` says why.
    Ended,
}

/// Why a call ended. Each has words and a hint in the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// Somebody hung up.
    Hangup,
    /// The caller withdrew.
    Cancelled,
    /// The callee declined.
    Rejected,
    /// The callee was in another call.
    Busy,
    /// Nobody answered in time.
    NoResponse,
    /// Answered on another device of the callee.
    AnsweredElsewhere,
    /// Declined on another device of the callee.
    RejectedElsewhere,
    /// This device was logged in elsewhere.
    KickedOut,
    /// No path for media was found.
    IceFailed,
    /// The media path was lost and did not come back.
    IceLost,
    /// No microphone or speaker.
    DeviceFailed,
    /// The callee can't be reached: no device of theirs rang.
    Unreachable,
    /// The other side can't take this kind of call.
    Incompatible,
    /// Handed over to somebody else.
    Transferred,
    /// From somebody who is blocked. Never told to the other side.
    Blocked,
    /// A fault.
    Error,
}

/// Where a member of a call stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum MemberState {
    /// Invited; nothing heard yet.
    Inviting,
    /// A device of theirs rings.
    Ringing,
    /// Answered; media is being set up.
    Connecting,
    /// In the call.
    Joined,
    /// Their media stopped arriving.
    Disconnected,
    /// Gone.
    Left,
}

/// Somebody else in a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct MemberView {
    /// The account.
    pub user_id: String,
    /// The name to show.
    pub name: String,
    /// What kind of contact it is.
    pub kind: ContactKind,
    /// Where they stand.
    pub state: MemberState,
    /// Why they left; absent before.
    pub reason: Option<EndReason>,
    /// Their microphone is off.
    pub muted: bool,
    /// They put the call on hold.
    pub on_hold: bool,
    /// A picture of theirs can be looked at: their camera is on, and the call is a video call.
    pub video: bool,
    /// They have turned their camera off, in a video call (kit B29).
    pub video_muted: bool,
    /// From where their stream is played, if they publish it to a media server (kit A10), as they say.
    pub play_url: Option<String>,
    /// Their device, once it is settled.
    pub device_id: Option<String>,
    /// Who invited them, if it was not the one who began the call.
    pub invited_by: Option<String>,
    /// How much louder they are heard here than they speak, dB: -40 to 12 (see `set_volume`).
    pub volume_db: f32,
    /// How good the media path to them is; absent until measured.
    pub quality: Option<Quality>,
    /// Why their picture, as it comes here, is less than it could be; absent while it is not, or is not looked at.
    pub picture_lowered: Option<PictureLowered>,
    /// Their picture stands still for the voice's sake: the path carries no picture at all now.
    pub picture_paused: bool,
    /// Why my picture, as it goes to them, is less than they could see.
    pub my_picture_lowered: Option<PictureLowered>,
}

/// How an incoming call shows itself while it rings here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Alert {
    /// The ring tone and a pop-up.
    Ring,
    /// A beep in the running call.
    CallWaiting,
    /// Nothing is heard and nothing pops up: do-not-disturb, or a device that does not ring.
    Silent,
}

/// A change between voice and picture that has been asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct SwitchView {
    /// I asked; else they did, and wait for an answer.
    pub by_me: bool,
    /// To what.
    pub media: Media,
}

/// How good the media path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Quality {
    /// Nobody would notice anything.
    Good,
    /// Some losses are heard.
    Fair,
    /// Hard to follow.
    Poor,
}

/// One call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct CallView {
    /// The call.
    pub call_id: String,
    /// Who began it, seen from here.
    pub direction: Direction,
    /// Voice or picture.
    pub media: Media,
    /// Who began it.
    pub host: String,
    /// Who invited me; absent for a call of my own.
    pub inviter: Option<String>,
    /// The saved group it is for.
    pub group_id: Option<String>,
    /// That group's name, if it is saved here.
    pub group_name: Option<String>,
    /// Where it stands.
    pub state: CallState,
    /// How it shows itself while it rings here.
    pub alert: Option<Alert>,
    /// Why it ended; absent before.
    pub reason: Option<EndReason>,
    /// Everyone else in it.
    pub members: Vec<MemberView>,
    /// The words that came with the invite (or the decline, once ended).
    pub message: Option<String>,
    /// When it connected, ms since 1970; absent before.
    pub connected_at: Option<f64>,
    /// How long they talked, ms; only once ended.
    pub duration_ms: Option<f64>,
    /// My microphone is off.
    pub muted: bool,
    /// My picture goes out in it, to whoever looks.
    pub my_video: bool,
    /// I put it on hold.
    pub on_hold: bool,
    /// A change between voice and picture that waits for an answer.
    pub switch: Option<SwitchView>,
    /// To whom it is being handed over.
    pub transfer_to: Option<String>,
    /// The caller's sound (and picture) is here before the answer.
    pub preview: bool,
    /// How good the worst of its media paths is; absent until measured.
    pub quality: Option<Quality>,
}

/// Counters of a call's media path, since it began.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct CallStats {
    /// Voice packets sent.
    pub packets_sent: f64,
    /// Voice packets received.
    pub packets_received: f64,
    /// Bytes of voice sent, without headers.
    pub bytes_sent: f64,
    /// Bytes of voice received, without headers.
    pub bytes_received: f64,
    /// Voice packets of theirs that never came (RFC 3550).
    pub lost: f64,
    /// Round trip of the media path, ms; absent until measured.
    pub rtt_ms: Option<f64>,
    /// Jitter of their packets, ms (RFC 3550).
    pub jitter_ms: f64,
    /// How long their voice waits in the jitter buffer, ms.
    pub buffer_ms: f64,
    /// Voice made up for what was lost, ms.
    pub concealed_ms: f64,
    /// Voice taken out to catch up, or put in to wait, by playing faster or slower, ms.
    pub stretched_ms: f64,
    /// Voice played, ms.
    pub played_ms: f64,
    /// From the answer to the first sound of theirs at the speaker, ms.
    pub first_audio_ms: Option<f64>,
    /// What encrypts voice and picture.
    pub srtp_cipher: String,
    /// Pictures sent.
    pub frames_sent: f64,
    /// Pictures of theirs that were decoded.
    pub frames_received: f64,
    /// Of my picture now, kbit/s.
    pub video_sent_kbps: f64,
    /// Of their picture now, kbit/s.
    pub video_received_kbps: f64,
    /// Of their picture now, pixels; 0 while there is none.
    pub video_width: u32,
    /// Of their picture now, pixels; 0 while there is none.
    pub video_height: u32,
    /// Times that their picture stood still for more than half a second.
    pub freezes: f64,
    /// What the path carries, as far as it is known, kbit/s; absent until measured.
    pub estimate_kbps: Option<f64>,
}
