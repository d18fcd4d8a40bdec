//! What an engine is started with.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::PathBuf;

use crate::api::ContactKind;

use crate::api::VideoSource;

pub use peal_media::audio::{Microphone as MicrophoneChoice, Speaker as SpeakerChoice};

/// Where the embedded broker listens unless told otherwise.
pub const DEFAULT_BROKER: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 18_830));

/// Which profile: contacts, history, keys, settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Profile {
    /// By name, in the system's place for such data (`PEAL_DATA_DIR` overrides the root).
    Named(String),
    /// In this directory.
    At(PathBuf),
    /// In memory, gone at the end.
    Temporary,
}

/// Where the picture of a phone comes from, until `open_camera` says otherwise.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum CameraChoice {
    /// The camera in the settings.
    #[default]
    Settings,
    /// Nowhere: video calls begin without it.
    Nothing,
    /// Always from there.
    Source(VideoSource),
}

/// How an engine is to run.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// Which profile.
    pub profile: Profile,
    /// One namespace per application: two app keys on one broker never hear each other (kit E01).
    pub app_key: String,
    /// This device's name among its user's; absent: the profile's own.
    pub device_id: Option<String>,
    /// What this device is to others.
    pub kind: ContactKind,
    /// The microphone; absent: what the settings say.
    pub microphone: Option<MicrophoneChoice>,
    /// The speaker; absent: what the settings say.
    pub speaker: Option<SpeakerChoice>,
    /// The camera.
    pub camera: CameraChoice,
    /// Echo cancellation, noise suppression and gain also where the microphone is no device (for measuring).
    pub force_processing: bool,
    /// Answer every call at once.
    pub auto_answer: bool,
    /// Where the embedded broker listens, and is looked for first.
    pub embedded_broker: SocketAddr,
    /// Start (or join) the embedded broker even when the login goes to another server.
    pub always_start_broker: bool,
    /// Offer the Echo contact.
    pub echo: bool,
    /// Log in at once as in the last run, if there was a login.
    pub resume: bool,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            profile: Profile::Named("default".to_owned()),
            app_key: "peal".to_owned(),
            device_id: None,
            kind: ContactKind::Person,
            microphone: None,
            speaker: None,
            camera: CameraChoice::Settings,
            force_processing: false,
            auto_answer: false,
            embedded_broker: DEFAULT_BROKER,
            always_start_broker: false,
            echo: true,
            resume: true,
        }
    }
}

impl Profile {
    pub(crate) fn place(&self) -> peal_store::Place {
        match self {
            Self::Named(name) => peal_store::Place::Named(name.clone()),
            Self::At(path) => peal_store::Place::At(path.clone()),
            Self::Temporary => peal_store::Place::Temporary,
        }
    }
}
