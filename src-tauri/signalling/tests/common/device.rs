//! A logged-in device and what it hears.

use std::net::SocketAddr;

use peal_call::{DeviceAddress, Signal};
use peal_signalling::{Client, ClientConfig, DeviceKeys, Notice, Presence, PresenceState, ServerUrl};
use tokio::sync::mpsc;

use super::{PATIENCE, Server, address, token};

/// A logged-in device and what it hears.
pub struct Device {
    pub client: Client,
    pub notices: mpsc::Receiver<Notice>,
    pub config: ClientConfig,
}

pub fn config(server: &Server, user: &str, device: &str) -> ClientConfig {
    ClientConfig::new(server.url(), address(user, device), token(user), DeviceKeys::generate())
}

impl Device {
    pub async fn login(server: &Server, user: &str, device: &str) -> Self {
        Self::with(config(server, user, device)).await
    }

    /// Logs in over a line that ends there.
    pub async fn over(line: SocketAddr, server: &Server, user: &str, device: &str) -> Self {
        Self::with(ClientConfig { server: ServerUrl::local(line), ..config(server, user, device) }).await
    }

    pub async fn with(config: ClientConfig) -> Self {
        let (client, notices) = Client::connect(config.clone()).await.unwrap();
        Self { client, notices, config }
    }

    pub fn address(&self) -> &DeviceAddress {
        &self.config.address
    }

    /// Waits for a notice that `pick` makes something of; earlier ones are let go.
    pub async fn until<T>(&mut self, what: &str, mut pick: impl FnMut(&Notice) -> Option<T>) -> T {
        let mut passed = Vec::new();
        let found = tokio::time::timeout(PATIENCE, async {
            loop {
                let notice = self.notices.recv().await.unwrap_or_else(|| panic!("ended before {what}: {passed:?}"));
                match pick(&notice) {
                    Some(found) => return found,
                    None => passed.push(format!("{notice:?}")),
                }
            }
        });
        let found = found.await;
        found.unwrap_or_else(|_| panic!("no {what}; heard {passed:#?}"))
    }

    pub async fn sees(&mut self, who: &DeviceAddress, state: PresenceState) -> Presence {
        self.until(&format!("{who} {state:?}"), |notice| match notice {
            Notice::Presence(p) if p.address == *who && p.state == state => Some(p.clone()),
            _ => None,
        })
        .await
    }

    /// Waits until a device is known as being so, whether it was told just now or long ago.
    pub async fn knows(&mut self, who: &DeviceAddress, state: PresenceState) {
        while !self.client.devices_of(&who.user).iter().any(|p| p.address == *who && p.state == state) {
            self.until(&format!("{who} {state:?}"), |n| {
                matches!(n, Notice::Presence(p) if p.address == *who).then_some(())
            })
            .await;
        }
    }

    pub async fn hears(&mut self) -> (DeviceAddress, Signal, bool) {
        self.until("signal", |notice| match notice {
            Notice::Signal { from, signal, first_contact, .. } => Some((from.clone(), signal.clone(), *first_contact)),
            _ => None,
        })
        .await
    }

    pub async fn caught_up(&mut self) {
        self.until("CaughtUp", |n| matches!(n, Notice::CaughtUp).then_some(())).await;
    }
}

/// Logs two people in and waits until they see each other.
pub async fn pair(server: &Server) -> (Device, Device) {
    let mut ann = Device::login(server, "ann", "desk").await;
    let mut bob = Device::login(server, "bob", "phone").await;
    ann.sees(bob.address(), PresenceState::Online).await;
    bob.sees(ann.address(), PresenceState::Online).await;
    (ann, bob)
}
