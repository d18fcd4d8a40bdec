//! The client: one device of one account, logged in.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use peal_call::{DeviceAddress, Signal, UserId};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use uuid::Uuid;

use crate::directory::Directory;
use crate::flood::Presences;
use crate::inbox::Inbox;
use crate::outbox::{Outbox, Parcel, SHORTEST_LIFE};
use crate::presence::clean_name;
use crate::session::Session;
use crate::wire::{Body, WireError};
use crate::{
    ClientConfig, ConnectError, DeviceKey, DevicePublicKey, DropReason, Notice, Presence, PresenceState, Profile,
    ReplayGuard, SendError, tls,
};

/// How long [`Client::connect`] tries.
const CONNECT_LIMIT: Duration = Duration::from_secs(8);
/// Notices that wait for their reader; beyond that the server waits.
const NOTICES: usize = 1024;
/// A logged-in device. Clones are the same device; when the last one is dropped without [`Client::disconnect`], the
/// connection is cut and the server publishes the last will.
#[derive(Debug, Clone)]
pub struct Client {
    handle: Arc<Handle>,
}

#[derive(Debug)]
struct Handle {
    shared: Arc<Shared>,
    /// Becomes true when the session has ended.
    ended: watch::Receiver<bool>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.lock().wish.end(End::Abandon);
        self.shared.wake.notify_one();
    }
}

/// What the handle and the session have in common.
#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<State>,
    /// Something in the state wants the session's attention.
    pub(crate) wake: Notify,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) directory: Directory,
    pub(crate) inbox: Inbox,
    /// Presences that change too fast.
    pub(crate) presences: Presences,
    pub(crate) outbox: Outbox,
    /// This device as it shows itself.
    pub(crate) me: Presence,
    pub(crate) wish: Wish,
    /// Notices that came up outside the session.
    pub(crate) notices: Vec<Notice>,
    /// Numbers the signals of this run.
    seq: u64,
}

/// What the handle wants of the session.
#[derive(Debug, Default)]
pub(crate) struct Wish {
    /// Show the presence again.
    pub(crate) show: bool,
    pub(crate) end: Option<End>,
}

/// How the session is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Say goodbye.
    Leave,
    /// Cut the line.
    Abandon,
}

impl Wish {
    fn end(&mut self, how: End) {
        self.end.get_or_insert(how);
    }
}

impl Shared {
    /// The state; a panic elsewhere doesn't make it unusable, each change being complete in itself.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Client {
    /// Logs in: connects, subscribes, and returns when the server has let this device read its inbox, or why not,
    /// within about eight seconds. From then on the client reconnects by itself until [`Client::disconnect`].
    ///
    /// Read the notices steadily: when 1024 of them wait, the client stops taking more from the server.
    pub async fn connect(config: ClientConfig) -> Result<(Self, mpsc::Receiver<Notice>), ConnectError> {
        config.check_client_id()?;
        let tls = if config.server.is_encrypted() {
            let extra = config.extra_ca.clone();
            let loaded = tokio::task::spawn_blocking(move || tls::config(extra.as_deref())).await;
            Some(loaded.map_err(|e| ConnectError::Tls(e.to_string()))??)
        } else {
            None
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                directory: Directory::new(config.pinned.clone()),
                inbox: Inbox::new(
                    config.app.clone(),
                    config.address.clone(),
                    config.keys.clone(),
                    config.replay_guard.clone(),
                ),
                presences: Presences::default(),
                outbox: Outbox::default(),
                me: config.presence(),
                wish: Wish::default(),
                notices: Vec::new(),
                seq: 0,
            }),
            wake: Notify::new(),
        });
        let (notices, receiver) = mpsc::channel(NOTICES);
        let (first, connected) = oneshot::channel();
        let (ended_tx, ended) = watch::channel(false);
        let server = config.server.to_string();
        let handle = Arc::new(Handle { shared: shared.clone(), ended });
        let session = Session::new(config, tls, shared.clone(), notices, first);
        tokio::spawn(async move {
            session.run().await;
            let _ = ended_tx.send(true);
        });
        let client = Self { handle };
        // A failure drops the handle, and with it the session.
        match tokio::time::timeout(CONNECT_LIMIT, connected).await {
            Ok(Ok(Ok(()))) => Ok((client, receiver)),
            Ok(Ok(Err(problem))) => Err(problem.into_connect_error(server)),
            Ok(Err(_)) => Err(ConnectError::KickedOut),
            Err(_) => Err(ConnectError::Timeout),
        }
    }

    /// Seals a signal for one device and puts it into the outbox, from where it goes out at once or as soon as the
    /// server is back, exactly once and in order. After `lifetime` (at least a second) neither this client nor the
    /// broker delivers it any more. Returns the envelope's id.
    #[expect(clippy::unused_async, reason = "callers shall not rely on the outbox being in memory")]
    pub async fn send(&self, to: &DeviceAddress, signal: &Signal, lifetime: Duration) -> Result<Uuid, SendError> {
        let mut state = self.handle.shared.lock();
        if self.is_ended() || state.wish.end.is_some() {
            return Err(SendError::NotLoggedIn);
        }
        let key = match state.directory.key_of(to) {
            Some(DeviceKey::Pinned(key) | DeviceKey::Shown(key)) => key,
            Some(DeviceKey::Changed { .. }) => return Err(SendError::UntrustedKey),
            None => return Err(SendError::UnknownDevice),
        };
        let body = Body { boot: state.me.boot_id, seq: state.seq + 1, signal: signal.clone() };
        let (id, payload) = state.inbox.seal(to, &key, now_ms(), &body).map_err(|error| match error {
            WireError::Oversized => SendError::TooLarge,
            _ => SendError::UnknownDevice,
        })?;
        let deadline = Instant::now() + lifetime.max(SHORTEST_LIFE);
        let parcel = Parcel { id, to: to.clone(), payload: Bytes::from(payload), deadline };
        if !state.outbox.push(parcel) {
            return Err(SendError::OutboxFull);
        }
        state.seq += 1;
        if state.directory.pin(to, key) {
            state.notices.push(Notice::Pinned { address: to.clone(), key });
        }
        drop(state);
        self.handle.shared.wake.notify_one();
        Ok(id)
    }

    /// Every known device of a user, also those that are offline; sorted.
    pub fn devices_of(&self, user: &UserId) -> Vec<Presence> {
        self.handle.shared.lock().directory.devices_of(user)
    }

    /// Every known device of everybody; sorted.
    pub fn everybody(&self) -> Vec<Presence> {
        self.handle.shared.lock().directory.all()
    }

    /// Shows another state to others ([`PresenceState::Offline`] hides this device, which stays reachable).
    #[expect(clippy::unused_async, reason = "callers shall not rely on it being in memory")]
    pub async fn set_state(&self, state: PresenceState) {
        self.show(|me| me.state = state);
    }

    /// Shows another name to others; cleaned and cut to 64 characters.
    #[expect(clippy::unused_async, reason = "callers shall not rely on it being in memory")]
    pub async fn set_display_name(&self, name: &str) {
        self.show(|me| me.display_name = clean_name(name));
    }

    /// Shows another name of this device to others; cleaned and cut to 64 characters.
    #[expect(clippy::unused_async, reason = "callers shall not rely on it being in memory")]
    pub async fn set_device_name(&self, name: &str) {
        self.show(|me| me.device_name = clean_name(name));
    }

    /// Shows another profile to others; texts are cleaned and cut as names are.
    #[expect(clippy::unused_async, reason = "callers shall not rely on it being in memory")]
    pub async fn set_profile(&self, profile: Profile) {
        self.show(|me| me.profile = profile.cleaned());
    }

    /// Whether this account wants one device at a time. From `true` on this is the one: the account's other devices
    /// yield, those that come later excepted, to which this one yields.
    #[expect(clippy::unused_async, reason = "callers shall not rely on it being in memory")]
    pub async fn set_single(&self, single: bool) {
        let mut state = self.handle.shared.lock();
        if single && !state.me.single {
            let siblings = state.directory.devices_of(&state.me.address.user);
            let highest = siblings.iter().map(|it| it.claim).max().unwrap_or(0);
            state.me.claim_above(highest);
        }
        drop(state);
        self.show(|me| me.single = single);
    }

    /// What is known of a device's key: shown, pinned, or changed; nothing of a device that was never seen.
    pub fn device_key(&self, address: &DeviceAddress) -> Option<DeviceKey> {
        self.handle.shared.lock().directory.key_of(address)
    }

    /// Believes the key that a device shows now in place of the pinned one, and gives it; `None`, and nothing happens,
    /// when nothing is known of that device. Where a person compared a certain key, [`Self::trust`] is the safer one:
    /// the device may have shown yet another since.
    ///
    /// What was held of that device is opened then, in its order: sealed with the key that is trusted it is reported
    /// as [`Notice::Signal`]; sealed with any other key it is dropped as [`DropReason::Forged`]; what its own lifetime
    /// has ended meanwhile is dropped as [`DropReason::Stale`]. Without trust it is dropped after a minute as
    /// [`DropReason::UntrustedKey`].
    pub fn trust_key(&self, address: &DeviceAddress) -> Option<DevicePublicKey> {
        let key = self.device_key(address)?.now();
        self.trust(address, key);
        Some(key)
    }

    /// Believes this key of a device from now on, and opens what was held of it as [`Self::trust_key`] does. Where that
    /// is new, [`Notice::Pinned`] follows.
    pub fn trust(&self, address: &DeviceAddress, key: DevicePublicKey) {
        let mut guard = self.handle.shared.lock();
        let state = &mut *guard;
        if state.directory.pin(address, key) {
            state.notices.push(Notice::Pinned { address: address.clone(), key });
        }
        let released = state.inbox.release(&mut state.directory, address, Instant::now());
        state.notices.extend(released);
        drop(guard);
        self.handle.shared.wake.notify_one();
    }

    /// How many received messages were thrown away since login, by reason.
    pub fn drops(&self) -> HashMap<DropReason, u64> {
        self.handle.shared.lock().inbox.drops()
    }

    /// What has been seen, to be kept for [`ClientConfig::replay_guard`] of the next run.
    pub fn replay_guard(&self) -> ReplayGuard {
        self.handle.shared.lock().inbox.guard()
    }

    /// Logs out: hands over what waits in the outbox, shows this device as offline and says goodbye; at most about
    /// three seconds. The server goes on queueing for this device.
    pub async fn disconnect(self) {
        self.handle.shared.lock().wish.end(End::Leave);
        self.handle.shared.wake.notify_one();
        let mut ended = self.handle.ended.clone();
        // An error means that the session is gone already.
        let _ = ended.wait_for(|ended| *ended).await;
    }

    fn show(&self, change: impl FnOnce(&mut Presence)) {
        let mut state = self.handle.shared.lock();
        change(&mut state.me);
        state.wish.show = true;
        drop(state);
        self.handle.shared.wake.notify_one();
    }

    fn is_ended(&self) -> bool {
        *self.handle.ended.borrow() || self.handle.ended.has_changed().is_err()
    }
}

impl crate::Problem {
    fn into_connect_error(self, server: String) -> ConnectError {
        match self {
            Self::Unreachable(detail) | Self::Lost(detail) => ConnectError::Unreachable { server, detail },
            Self::TimedOut => ConnectError::Timeout,
            Self::Tls(words) => ConnectError::Tls(words),
            Self::BadCredentials => ConnectError::BadCredentials,
            Self::NotAuthorized(what) => ConnectError::NotAuthorized { what },
            Self::Refused(words) => ConnectError::Refused(words),
            Self::NotABroker(words) => ConnectError::NotABroker(words),
        }
    }
}

/// ms since 1970; informational only.
fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
