//! Echo: a second engine under the same account that answers every call and plays back what it hears.
//!
//! It is a device of one's own account, so that it needs no account of its own on any server, and it takes the very
//! path of every other call: MQTT, WebRTC, Opus.

use std::time::Duration;

use peal_call::DeviceId;
use peal_media::audio::{Microphone, Speaker};
use peal_store::Identity;
use sha2::{Digest, Sha256};

use crate::api::ContactKind;
use crate::{CameraChoice, EngineConfig, Profile};

/// The contact's name.
pub(crate) const ECHO: &str = "echo";

/// How much later one hears oneself.
const DELAY: Duration = Duration::from_secs(1);

/// The device that Echo is, beside `device`.
pub(crate) fn echo_device(device: &DeviceId) -> Option<DeviceId> {
    let name: String = format!("{ECHO}-{device}").chars().take(peal_call::NAME_LIMIT).collect();
    DeviceId::new(name).ok()
}

/// Echo's identity: the same at every start, since others have pinned its key and its session waits at the broker.
pub(crate) fn echo_identity(main: &Identity, token: String, device: &DeviceId) -> Identity {
    let derive = |purpose: &[u8]| -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(purpose);
        hash.update(main.secret_key);
        hash.finalize().into()
    };
    let random = derive(b"peal echo client");
    let client_random = uuid::Builder::from_random_bytes(std::array::from_fn(|at| random[at])).into_uuid();
    Identity {
        device_id: device.to_string(),
        client_random: client_random.simple().to_string(),
        secret_key: derive(b"peal echo device"),
        token,
    }
}

/// How Echo's engine runs.
pub(crate) fn echo_config(main: &EngineConfig, device: &DeviceId) -> EngineConfig {
    EngineConfig {
        profile: Profile::Temporary,
        app_key: main.app_key.clone(),
        device_id: Some(device.to_string()),
        kind: ContactKind::Echo,
        microphone: Some(Microphone::Echo { delay: DELAY }),
        speaker: Some(Speaker::Null),
        camera: CameraChoice::Nothing,
        force_processing: false,
        auto_answer: true,
        embedded_broker: main.embedded_broker,
        always_start_broker: false,
        echo: false,
        resume: false,
    }
}
