//! What went wrong, for a person and for a program.

use serde::{Deserialize, Serialize};

/// What a program can tell apart. The interface's words are keyed by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The command's text or parameters make no sense.
    BadRequest,
    /// A name breaks the rule: 1 to 64 of `A-Z a-z 0-9 . _ @ -`.
    BadName,
    /// A server address that is none.
    BadServer,
    /// The server refused the account or its token.
    WrongToken,
    /// Nothing answers at the server's address.
    ServerUnreachable,
    /// The server answers, but its certificate or TLS is not acceptable.
    InsecureServer,
    /// The server lets this account do less than a phone needs.
    NotAuthorized,
    /// Nothing works before login or after logout.
    NotLoggedIn,
    /// Already logged in.
    AlreadyLoggedIn,
    /// Nobody of that name is known here.
    UnknownUser,
    /// That call is not (or no longer) there.
    UnknownCall,
    /// Not possible in the call's present state.
    WrongState,
    /// A call is running; a second one would need to hold it.
    Busy,
    /// There are as many people in the call as it can have.
    Full,
    /// There are as many calls as there can be.
    CallLimit,
    /// Not offered by this version.
    Unsupported,
    /// No microphone is there.
    NoMicrophone,
    /// No speaker is there.
    NoSpeaker,
    /// Another program holds the sound device.
    DeviceBusy,
    /// The sound device failed.
    DeviceFailed,
    /// No camera is there.
    NoCamera,
    /// Another program holds the camera.
    CameraBusy,
    /// The system does not let Peal use the camera, or see the screen.
    CameraDenied,
    /// The camera failed, or was unplugged.
    CameraFailed,
    /// The screen, window or file that was to be shown can't be read, or is gone.
    SourceFailed,
    /// The desktop asked the person what to show, and nothing was picked.
    NotPicked,
    /// No address of a media server, or one that may not be used.
    BadStreamUrl,
    /// Nothing answers at the media server's address.
    StreamUnreachable,
    /// The media server refused the token.
    StreamRefused,
    /// The media server does not take the stream, does not have it, or its media path broke off.
    StreamFailed,
    /// The data directory can't be read or written.
    StorageFailed,
    /// Another Peal runs on this profile.
    ProfileInUse,
    /// The embedded broker can't be started.
    BrokerFailed,
    /// The same device logged in elsewhere.
    KickedOut,
    /// A contact's device key changed; its calls wait until it is trusted.
    KeyChanged,
    /// A fault inside Peal.
    Internal,
}

/// An error as it leaves the engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[error("{message}")]
pub struct PealError {
    /// What a program can tell apart.
    pub code: ErrorCode,
    /// What happened, in English.
    pub message: String,
    /// What to do about it, in English; may be empty.
    pub hint: String,
}

impl PealError {
    /// An error with the hint that belongs to its code.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: code.hint().to_owned() }
    }
}

impl ErrorCode {
    /// What the person can do about it.
    pub const fn hint(self) -> &'static str {
        match self {
            Self::BadRequest => "See the list of commands and their parameters in peal-headless --help.",
            Self::BadName => "Use 1 to 64 letters, digits, dots, dashes, underscores or @.",
            Self::BadServer => "An address looks like mqtts://example.org or ws://192.168.1.5:8083/mqtt.",
            Self::WrongToken => "Check the account and the token with whoever runs the server.",
            Self::ServerUnreachable => "Check the address and the network. Peal keeps trying.",
            Self::InsecureServer => "The server's certificate is not trusted by this computer.",
            Self::NotAuthorized => "Ask whoever runs the server to load Peal's access rules.",
            Self::NotLoggedIn => "Log in first.",
            Self::AlreadyLoggedIn => "Log out first.",
            Self::UnknownUser => "Check the name. They must have been online once on this server.",
            Self::UnknownCall | Self::WrongState => "The call may have ended meanwhile.",
            Self::Busy => "End the running call first, or put it on hold.",
            Self::Full => "A call has room for 16 people.",
            Self::CallLimit => "End one of the calls first.",
            Self::Unsupported => "A newer Peal may offer it.",
            Self::NoMicrophone => "Connect a microphone, or choose one in the settings.",
            Self::NoSpeaker => "Connect a speaker or headphones, or choose one in the settings.",
            Self::DeviceBusy => "Close the other program that uses the sound device.",
            Self::DeviceFailed => "Reconnect the sound device, or choose another.",
            Self::NoCamera => "Connect a camera, or choose one in the settings.",
            Self::CameraBusy => "Close the other program that uses the camera.",
            Self::CameraDenied => "Allow Peal to use the camera and to record the screen in the system's settings.",
            Self::CameraFailed => "Reconnect the camera, or choose another.",
            Self::SourceFailed => "Choose another screen, window or file.",
            Self::NotPicked => "Pick a screen or a window in the desktop's dialog.",
            Self::BadStreamUrl => {
                "Use an address like https://media.example.org/live/whip; http is for a server on this computer."
            }
            Self::StreamUnreachable => "Check the media server's address and the network.",
            Self::StreamRefused => "Check the token with whoever runs the media server.",
            Self::StreamFailed => "Try again, or ask whoever runs the media server.",
            Self::StorageFailed => "Check that the disk is not full and that the folder may be written.",
            Self::ProfileInUse => "Use the window that is already open, or start with another profile.",
            Self::BrokerFailed => "Another program may hold the port. Use a server instead, or restart Peal.",
            Self::KickedOut => "Log in again to use Peal here.",
            Self::KeyChanged => "Ask them whether they have a new device before you trust it.",
            Self::Internal => "Please report it.",
        }
    }
}
