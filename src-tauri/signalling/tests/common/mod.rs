//! Brokers, a line that can be cut, and a stranger with a bare MQTT client.
#![allow(dead_code, reason = "each test file uses a part")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod server;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use peal_call::{CallId, DeviceAddress, DeviceId, Signal, UserId};
use peal_signalling::{
    Broker, BrokerConfig, BrokerError, Client, ClientConfig, DeviceKeys, Notice, Presence, PresenceState,
};
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Packet, PubAckReason, PublishProperties, SubscribeReasonCode};
use rumqttc::v5::{AsyncClient, Event, EventLoop, MqttOptions};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use uuid::Uuid;

pub use self::server::{Kind, Server, token};

/// Generous, for a loaded machine; every wait is for an event.
pub const PATIENCE: Duration = Duration::from_secs(30);
pub const LIFE: Duration = Duration::from_secs(600);

pub fn address(user: &str, device: &str) -> DeviceAddress {
    DeviceAddress { user: UserId::new(user).unwrap(), device: DeviceId::new(device).unwrap() }
}

pub fn ringing(n: u128) -> Signal {
    Signal::Ringing { call: CallId::from_uuid(Uuid::from_u128(n)) }
}

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

/// A line between a client and a broker that can be cut.
pub struct Line {
    pub address: SocketAddr,
    cut: Arc<watch::Sender<bool>>,
    task: tokio::task::JoinHandle<()>,
}

impl Line {
    pub async fn to(broker: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let cut = Arc::new(watch::Sender::new(false));
        let state = cut.clone();
        let task = tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let mut cut = state.subscribe();
                if *cut.borrow() {
                    continue;
                }
                tokio::spawn(async move {
                    let Ok(mut far) = TcpStream::connect(broker).await else { return };
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                        _ = cut.wait_for(|cut| *cut) => {}
                    }
                });
            }
        });
        Self { address, cut, task }
    }

    /// Breaks what is there, and everything that is tried until [`Self::mend`].
    pub fn cut(&self) {
        self.cut.send_replace(true);
    }

    pub fn mend(&self) {
        self.cut.send_replace(false);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A bare MQTT client with a valid account, for what ours would never do.
pub struct Stranger {
    pub client: AsyncClient,
    events: EventLoop,
}

impl Stranger {
    pub async fn login(server: &Server, user: &str) -> Self {
        let id = ClientConfig::new_client_id(&UserId::new(user).unwrap());
        let mut options = MqttOptions::new(id, "127.0.0.1", server.address.port());
        options.set_credentials(user, token(user));
        let (client, events) = AsyncClient::new(options, 64);
        let mut stranger = Self { client, events };
        stranger.until(|event| matches!(event, Event::Incoming(Packet::ConnAck(_))).then_some(())).await;
        stranger
    }

    pub async fn until<T>(&mut self, mut pick: impl FnMut(&Event) -> Option<T>) -> T {
        tokio::time::timeout(PATIENCE, async {
            loop {
                if let Some(found) = pick(&self.events.poll().await.unwrap()) {
                    return found;
                }
            }
        })
        .await
        .unwrap()
    }

    /// Publishes and gives the broker's answer.
    pub async fn publish(&mut self, topic: &str, retain: bool, payload: impl Into<Vec<u8>>) -> PubAckReason {
        let properties = PublishProperties { message_expiry_interval: Some(600), ..PublishProperties::default() };
        self.client.publish_with_properties(topic, QoS::AtLeastOnce, retain, payload.into(), properties).await.unwrap();
        self.until(|event| match event {
            Event::Incoming(Packet::PubAck(ack)) => Some(ack.reason),
            _ => None,
        })
        .await
    }

    pub async fn subscribe(&mut self, filter: &str) -> SubscribeReasonCode {
        self.client.subscribe(filter, QoS::AtLeastOnce).await.unwrap();
        self.until(|event| match event {
            Event::Incoming(Packet::SubAck(ack)) => Some(ack.return_codes[0]),
            _ => None,
        })
        .await
    }

    /// The payload of the next message in a topic.
    pub async fn next(&mut self, topic: &str) -> Vec<u8> {
        self.until(|event| match event {
            Event::Incoming(Packet::Publish(p)) if p.topic == topic.as_bytes() => Some(p.payload.to_vec()),
            _ => None,
        })
        .await
    }
}

/// For tests of starting a broker that must fail.
pub async fn start_error(config: BrokerConfig) -> BrokerError {
    match Broker::start(config).await {
        Ok(broker) => panic!("a broker started at {}", broker.address()),
        Err(error) => error,
    }
}

/// Runs every test body against both brokers.
#[macro_export]
macro_rules! on_both_brokers {
    ($($name:ident),+ $(,)?) => {
        mod embedded {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name($crate::common::Kind::Embedded).await; })+
        }
        mod mosquitto {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name($crate::common::Kind::Mosquitto).await; })+
        }
    };
}
