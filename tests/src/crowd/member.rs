//! One of the crowd: a real client, and what it hears.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use peal_call::{DeviceAddress, DeviceId, Signal, UserId};
use peal_signalling::{Avatar, Client, ClientConfig, ConnectError, DeviceKeys, Notice, PresenceState, ServerUrl};
use tokio::sync::mpsc;

use crate::measure::Unmeasured;

/// How long a signal may take before the measurement is given up.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a signal may wait for its receiver.
const LIFETIME: Duration = Duration::from_secs(60);

/// What happened to all of them together.
#[derive(Debug, Default)]
pub struct Watch {
    /// Times that somebody was shown to somebody.
    pub shown: AtomicU64,
    /// How many have seen how many others online: each pair counts once.
    pub online: AtomicU64,
    /// Logins that the broker didn't answer in time.
    pub repeated: AtomicU64,
    /// Connections that were lost.
    pub lost: AtomicU64,
    /// Messages that were thrown away.
    pub dropped: AtomicU64,
}

/// Somebody logged in.
pub struct Member {
    client: Client,
    config: ClientConfig,
    heard: mpsc::UnboundedReceiver<Heard>,
}

struct Heard {
    signal: Signal,
    at: Instant,
}

/// The configuration of the `n`th member, with a picture of so many bytes.
pub fn member(n: usize, server: ServerUrl, picture: usize) -> Result<ClientConfig, Unmeasured> {
    let address = DeviceAddress { user: UserId::new(format!("user-{n}"))?, device: DeviceId::new("desk")? };
    let token = format!("a token that only user {n} knows");
    let mut config = ClientConfig::new(server, address, token, DeviceKeys::generate());
    if picture > 0 {
        // The head of a PNG of 128 by 128 pixels; nobody looks further.
        let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x80\0\0\0\x80\x08\x06\0\0\0".to_vec();
        bytes.resize(picture.max(bytes.len()), 0x5a);
        config.profile.avatar = Some(Avatar::new(bytes)?);
    }
    Ok(config)
}

impl Member {
    /// Logs in, and says how long that took.
    pub async fn login(config: ClientConfig, watch: Arc<Watch>) -> Result<(Self, Duration), Unmeasured> {
        let begun = Instant::now();
        let (client, mut notices) = loop {
            match Client::connect(config.clone()).await {
                Ok(connected) => break connected,
                // As a program does that is to come back by itself.
                Err(ConnectError::Timeout | ConnectError::Unreachable { .. }) if begun.elapsed() < PATIENCE => {
                    watch.repeated.fetch_add(1, Ordering::Relaxed);
                }
                Err(error) => return Err(error.into()),
            }
        };
        let took = begun.elapsed();
        let (sender, heard) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let mut seen = HashSet::new();
            while let Some(notice) = notices.recv().await {
                match notice {
                    Notice::Presence(presence) => {
                        watch.shown.fetch_add(1, Ordering::Relaxed);
                        if presence.state == PresenceState::Online && seen.insert(presence.boot_id) {
                            watch.online.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                    Notice::Signal { signal, .. } => {
                        // An error means that the member is gone.
                        let _ = sender.send(Heard { signal, at: Instant::now() });
                    }
                    Notice::Disconnected { .. } | Notice::SessionEnded { .. } | Notice::KickedOut { .. } => {
                        watch.lost.fetch_add(1, Ordering::Relaxed);
                    }
                    Notice::Dropped { .. } => {
                        watch.dropped.fetch_add(1, Ordering::Relaxed);
                    }
                    _ => {}
                }
            }
        });
        Ok((Self { client, config, heard }, took))
    }

    /// Logs out, and gives back what it needs to come again.
    pub async fn logout(self) -> ClientConfig {
        self.client.disconnect().await;
        self.config
    }

    /// Where it is reached.
    pub fn address(&self) -> &DeviceAddress {
        &self.config.address
    }

    /// Shows that it is in a call, or no longer.
    pub async fn show(&self, state: PresenceState) {
        self.client.set_state(state).await;
    }

    /// Tells another one something; gives the moment.
    pub async fn tell(&self, to: &DeviceAddress, signal: &Signal) -> Result<Instant, Unmeasured> {
        let at = Instant::now();
        self.client.send(to, signal, LIFETIME).await?;
        Ok(at)
    }

    /// Waits for the next signal, which must be this one; gives the moment at which it was there.
    pub async fn hears(&mut self, expected: &Signal) -> Result<Instant, Unmeasured> {
        match tokio::time::timeout(PATIENCE, self.heard.recv()).await {
            Ok(Some(heard)) if heard.signal == *expected => Ok(heard.at),
            Ok(Some(_)) => Err("another signal than the next one was heard".into()),
            Ok(None) => Err("a client ended".into()),
            Err(_) => Err("a signal never arrived".into()),
        }
    }
}
