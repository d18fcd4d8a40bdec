//! Who logs in where, and as what.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use peal_call::{DeviceAddress, UserId};
use uuid::Uuid;

use crate::presence::clean_name;
use crate::{
    AppKey, ConnectError, DeviceKeys, DeviceKind, DevicePublicKey, Presence, PresenceState, Profile, ReplayGuard,
    ServerUrl,
};

/// How long a program that is away is remembered by the server, unless told otherwise.
pub const DEFAULT_SESSION_EXPIRY: Duration = Duration::from_hours(14 * 24);

/// Who logs in where.
#[derive(Clone)]
pub struct ClientConfig {
    /// The broker.
    pub server: ServerUrl,
    /// The application's namespace.
    pub app: AppKey,
    /// This device.
    pub address: DeviceAddress,
    /// The account's password.
    pub token: String,
    /// `<user>~<random>`, made once ([`ClientConfig::new_client_id`]) and kept with the device: the broker keeps the
    /// queue of a device that is away under it, and whoever could guess it could take that queue.
    pub client_id: String,
    /// This device's identity, made once and kept.
    pub keys: DeviceKeys,
    /// The name that others see; cleaned and cut to 64 characters.
    pub display_name: String,
    /// What the person calls this device; cleaned and cut like it.
    pub device_name: String,
    /// What others see of the person beside the name; cleaned and cut like it.
    pub profile: Profile,
    /// This account wants one device at a time: whoever is there already yields to this one.
    pub single: bool,
    /// What stands behind this device.
    pub kind: DeviceKind,
    /// This run of the program, a `UUIDv7` (of two programs with one device the older one yields).
    pub boot_id: Uuid,
    /// What the program can do beyond the first version.
    pub capabilities: Vec<String>,
    /// The keys that [`Notice::Pinned`] and [`Client::trust`] gave in earlier runs.
    pub pinned: HashMap<DeviceAddress, DevicePublicKey>,
    /// What [`Client::replay_guard`] gave in the earlier run.
    pub replay_guard: ReplayGuard,
    /// How long the broker queues for this device while it is away; whole seconds.
    pub session_expiry: Duration,
    /// A PEM file with further certification authorities, for self-hosted servers.
    pub extra_ca: Option<PathBuf>,
}

impl ClientConfig {
    /// A configuration with the usual values, as a person's device in its first run.
    pub fn new(server: ServerUrl, address: DeviceAddress, token: impl Into<String>, keys: DeviceKeys) -> Self {
        Self {
            server,
            app: AppKey::default(),
            client_id: Self::new_client_id(&address.user),
            display_name: address.user.to_string(),
            device_name: String::new(),
            address,
            token: token.into(),
            keys,
            profile: Profile::default(),
            single: false,
            kind: DeviceKind::Person,
            boot_id: Uuid::now_v7(),
            capabilities: Vec::new(),
            pinned: HashMap::new(),
            replay_guard: ReplayGuard::default(),
            session_expiry: DEFAULT_SESSION_EXPIRY,
            extra_ca: None,
        }
    }

    /// The device as it shows itself at first.
    pub(crate) fn presence(&self) -> Presence {
        Presence {
            address: self.address.clone(),
            state: PresenceState::Online,
            display_name: clean_name(&self.display_name),
            device_name: clean_name(&self.device_name),
            kind: self.kind,
            key: self.keys.public(),
            boot_id: self.boot_id,
            capabilities: self.capabilities.clone(),
            profile: self.profile.clone().cleaned(),
            single: self.single,
            claim: 1,
            order: 0,
        }
    }

    /// Whether the client id is this user's, with something behind the `~` that can't be guessed.
    pub(crate) fn check_client_id(&self) -> Result<(), ConnectError> {
        let secret = self.client_id.strip_prefix(self.address.user.as_str()).and_then(|rest| rest.strip_prefix('~'));
        let good = |s: &str| (8..=128).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_alphanumeric());
        if secret.is_some_and(good) { Ok(()) } else { Err(ConnectError::ClientId) }
    }

    /// A fresh client id for a device of this user: 122 random bits behind the `~`.
    pub fn new_client_id(user: &UserId) -> String {
        format!("{user}~{}", Uuid::new_v4().simple())
    }
}

/// Hides the token and the client id, which are secrets.
impl std::fmt::Debug for ClientConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientConfig")
            .field("server", &self.server)
            .field("app", &self.app)
            .field("address", &self.address)
            .field("kind", &self.kind)
            .field("boot_id", &self.boot_id)
            .finish_non_exhaustive()
    }
}
