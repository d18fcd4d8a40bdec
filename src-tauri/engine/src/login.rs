//! Logging in: the broker, the account, the client.

use std::sync::Arc;
use std::time::Duration;

use peal_call::{DeviceAddress, DeviceId, UserId};
use peal_signalling::{AppKey, Client, ClientConfig, ConnectError, DeviceKeys, Notice, ReplayGuard, ServerUrl};
use peal_store::{Identity, ProfileRow, Store};
use tokio::sync::{Mutex, mpsc};
use uuid::Uuid;

use crate::EngineConfig;
use crate::account::{account_from_name, numbered};
use crate::api::{ErrorCode, LoginParams, PealError};
use crate::broker::EmbeddedBroker;
use crate::directory::Keys;
use crate::people::public_profile;
use crate::signals::replay_key;

/// Accounts tried on the embedded broker when a name is taken by another profile.
const NAMES_TRIED: u32 = 9;
/// Pauses between attempts of a login that resumes.
const RETRY: [Duration; 4] =
    [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(5)];

/// All that a login needs, so that it can run beside the loop.
#[derive(Clone)]
pub(crate) struct Login {
    pub config: EngineConfig,
    pub store: Arc<Store>,
    pub identity: Identity,
    pub broker: Arc<Mutex<EmbeddedBroker>>,
    pub boot_id: Uuid,
    /// Safe mode: a login needs a token (kit D08).
    pub check_sum: bool,
    /// This device shall be the account's only one.
    pub single_device: bool,
    /// What this device is called.
    pub device_name: String,
}

/// A login that worked.
pub(crate) struct LoggedIn {
    pub client: Client,
    pub notices: mpsc::Receiver<Notice>,
    pub me: DeviceAddress,
    pub client_id: String,
    pub profile: ProfileRow,
    pub server: String,
}

impl Login {
    /// Logs in as asked.
    pub async fn run(&self, params: LoginParams) -> Result<LoggedIn, PealError> {
        if self.check_sum && params.token.as_deref().is_some_and(str::is_empty) {
            return Err(PealError::new(ErrorCode::WrongToken, "in safe mode a login needs a token"));
        }
        let last = self.store.last_profile()?;
        let nothing = params.account.is_none() && params.display_name.is_none() && params.server.is_none();
        if let Some(profile) = self.store.profile()?.or_else(|| last.clone()).filter(|_| nothing) {
            // Again as last time.
            let server = profile.server.as_deref().map(str::parse::<ServerUrl>).transpose()?;
            return self.connect(profile, server).await;
        }
        let server = match params.server.as_deref().map(str::trim).filter(|it| !it.is_empty()) {
            Some(text) => Some(text.parse::<ServerUrl>()?),
            None => None,
        };
        let display_name = clean(params.display_name.as_deref());
        let given = clean(params.account.as_deref());
        if given.is_none() && display_name.is_none() && last.is_none() {
            return Err(PealError::new(ErrorCode::BadRequest, "a login needs an account or a name"));
        }
        if let Some(account) = &given {
            UserId::new(account.clone())?;
        }
        // The same person as last time keeps their account.
        let kept = last.filter(|row| {
            given.is_none()
                && row.server == params.server
                && display_name.as_ref().is_none_or(|it| *it == row.display_name)
        });
        let derived = given.is_none() && kept.is_none();
        let account = given
            .or_else(|| kept.as_ref().map(|row| row.account.clone()))
            .unwrap_or_else(|| account_from_name(display_name.as_deref().unwrap_or_default()));
        let display_name = display_name.or_else(|| kept.map(|row| row.display_name)).unwrap_or_else(|| account.clone());
        let tries = if derived && server.is_none() { NAMES_TRIED } else { 1 };
        let mut attempt = 0;
        loop {
            let profile = ProfileRow {
                account: numbered(&account, attempt),
                display_name: display_name.clone(),
                server: server.as_ref().map(ToString::to_string),
                token: params.token.clone(),
            };
            attempt += 1;
            match self.connect(profile, server.clone()).await {
                // Somebody else on this computer has that name.
                Err(error) if error.code == ErrorCode::WrongToken && attempt < tries => {}
                done => return done,
            }
        }
    }

    /// Logs in as in the last run, and keeps trying while the server can't be reached. `report` hears of each failure.
    pub async fn resume(&self, profile: ProfileRow, report: impl Fn(PealError)) -> Result<LoggedIn, PealError> {
        let server = match &profile.server {
            Some(text) => Some(text.parse::<ServerUrl>()?),
            None => None,
        };
        let mut attempt = 0;
        loop {
            match self.connect(profile.clone(), server.clone()).await {
                Err(error) if error.code == ErrorCode::ServerUnreachable || error.code == ErrorCode::BrokerFailed => {
                    report(error);
                    tokio::time::sleep(RETRY[attempt.min(RETRY.len() - 1)]).await;
                    attempt += 1;
                }
                done => return done,
            }
        }
    }

    async fn connect(&self, profile: ProfileRow, server: Option<ServerUrl>) -> Result<LoggedIn, PealError> {
        let embedded = server.is_none();
        let mut listen = self.config.embedded_broker;
        if embedded || self.config.always_start_broker {
            listen = self.broker.lock().await.ensure(listen, &self.config.profile, self.check_sum).await?;
        }
        let server = server.unwrap_or_else(|| ServerUrl::local(listen));
        let user = UserId::new(profile.account.clone())?;
        let device = match &self.config.device_id {
            Some(device) => DeviceId::new(device.clone())?,
            None => DeviceId::new(self.identity.device_id.clone())?,
        };
        let me = DeviceAddress { user, device };
        let keys = DeviceKeys::from_bytes(self.identity.secret_key).map_err(|error| {
            PealError::new(ErrorCode::StorageFailed, format!("the device's key is damaged: {error}"))
        })?;
        let server_name = server.to_string();
        let token = profile.token.clone().unwrap_or_else(|| self.identity.token.clone());
        let mut client = ClientConfig::new(server, me.clone(), token, keys);
        client.app = AppKey::new(self.config.app_key.clone())?;
        client.client_id = format!("{}~{}", me.user, self.identity.client_random);
        client.display_name.clone_from(&profile.display_name);
        client.kind = self.config.kind.into();
        client.profile = public_profile(&self.store, &profile.account)?;
        client.single = self.single_device;
        client.device_name.clone_from(&self.device_name);
        client.boot_id = self.boot_id;
        client.pinned = Keys::load(&self.store, &server_name)?.pinned();
        if let Some(kept) = self.store.setting(&replay_key(&server_name, &me))? {
            client.replay_guard = ReplayGuard::from_bytes(kept.to_string().as_bytes());
        }
        let client_id = client.client_id.clone();
        let (client, notices) = Client::connect(client).await.map_err(|error| match error {
            // The broker that answers at Peal's own port is something else.
            ConnectError::NotABroker(what) if embedded => PealError::new(ErrorCode::BrokerFailed, what),
            other => other.into(),
        })?;
        Ok(LoggedIn { client, notices, me, client_id, profile, server: server_name })
    }
}

fn clean(text: Option<&str>) -> Option<String> {
    text.map(str::trim).filter(|it| !it.is_empty()).map(ToOwned::to_owned)
}
