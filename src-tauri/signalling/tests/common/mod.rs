//! Brokers, a line that can be cut, and a stranger with a bare MQTT client.
#![allow(dead_code, reason = "each test file uses a part")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use peal_call::{CallId, DeviceAddress, DeviceId, Signal, UserId};
use peal_signalling::{
    Broker, BrokerConfig, BrokerError, Client, ClientConfig, DeviceKeys, Notice, Presence, PresenceState, ServerUrl,
};
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Packet, PubAckReason, PublishProperties, SubscribeReasonCode};
use rumqttc::v5::{AsyncClient, Event, EventLoop, MqttOptions};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use uuid::Uuid;

/// Generous, for a loaded machine; every wait is for an event.
pub const PATIENCE: Duration = Duration::from_secs(30);
pub const LIFE: Duration = Duration::from_secs(600);

pub fn address(user: &str, device: &str) -> DeviceAddress {
    DeviceAddress { user: UserId::new(user).unwrap(), device: DeviceId::new(device).unwrap() }
}

pub fn ringing(n: u128) -> Signal {
    Signal::Ringing { call: CallId::from_uuid(Uuid::from_u128(n)) }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Embedded,
    Mosquitto,
}

/// A broker of either kind, with its data, that can be stopped and started at the same place.
pub struct Server {
    pub kind: Kind,
    pub dir: tempfile::TempDir,
    pub address: SocketAddr,
    running: Option<Running>,
}

enum Running {
    Embedded(Broker),
    Mosquitto(Killed),
}

/// A child that dies with its owner.
pub struct Killed(pub Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Server {
    pub async fn start(kind: Kind) -> Self {
        Self::start_with(kind, "").await
    }

    /// With further lines of mosquitto's configuration.
    pub async fn start_with(kind: Kind, more: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut server = Self { kind, dir, address: SocketAddr::from(([127, 0, 0, 1], 0)), running: None };
        if kind == Kind::Mosquitto {
            mosquitto_files(server.dir.path(), more);
        }
        server.resume().await;
        server
    }

    pub fn url(&self) -> ServerUrl {
        ServerUrl::local(self.address)
    }

    /// Starts again where it was.
    pub async fn resume(&mut self) {
        let running = match self.kind {
            Kind::Embedded => {
                if self.address.port() == 0 {
                    self.address = quiet_port().await;
                }
                let data_dir = self.dir.path().join("broker");
                let broker = Broker::start(BrokerConfig { listen: self.address, data_dir }).await.unwrap();
                self.address = broker.address();
                Running::Embedded(broker)
            }
            Kind::Mosquitto => Running::Mosquitto(start_mosquitto(self.dir.path(), &mut self.address).await),
        };
        self.running = Some(running);
    }

    /// Ends an embedded broker without any order.
    pub fn crash(&mut self) {
        assert_eq!(self.kind, Kind::Embedded);
        self.running = None;
    }

    /// Gives a user another token, while stopped.
    pub async fn change_token(&self, user: &str) {
        let dir = self.dir.path();
        match self.kind {
            Kind::Embedded => {
                // Claimed with another token, elsewhere.
                let mut other = Box::pin(Self::start(Kind::Embedded)).await;
                let mut config = config(&other, user, "x");
                config.token = "another".into();
                Device::with(config).await.client.disconnect().await;
                other.stop().await;
                fs::copy(other.dir.path().join("broker/accounts.json"), dir.join("broker/accounts.json")).unwrap();
            }
            Kind::Mosquitto => {
                let mut passwd = Command::new("mosquitto_passwd");
                passwd.arg("-b").arg(dir.join("peal.passwd")).arg(user).arg("another").stderr(Stdio::null());
                assert!(passwd.status().unwrap().success());
            }
        }
    }

    pub async fn stop(&mut self) {
        match self.running.take() {
            Some(Running::Embedded(broker)) => broker.stop().await,
            Some(Running::Mosquitto(mut child)) => {
                // Ends in good order, so that it writes its database.
                let term = Command::new("kill").arg(child.0.id().to_string()).status().unwrap();
                assert!(term.success());
                tokio::task::spawn_blocking(move || child.0.wait().unwrap()).await.unwrap();
            }
            None => {}
        }
    }
}

/// A free port outside the range that the system gives out by itself, so that nobody takes it while a server is down.
async fn quiet_port() -> SocketAddr {
    loop {
        let address = SocketAddr::from(([127, 0, 0, 1], rand::random_range(10_000..30_000)));
        if TcpListener::bind(address).await.is_ok() {
            return address;
        }
    }
}

const USERS: [&str; 4] = ["ann", "bob", "carol", "mallory"];

pub fn token(user: &str) -> String {
    format!("token-of-{user}")
}

/// The deployed configuration, with places of this test and without the encrypted listeners, which come last in it.
fn mosquitto_files(dir: &Path, more: &str) {
    let deploy = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../deploy/mosquitto");
    fs::copy(deploy.join("peal.acl"), dir.join("peal.acl")).unwrap();
    for (i, user) in USERS.iter().enumerate() {
        let mut passwd = Command::new("mosquitto_passwd");
        if i == 0 {
            passwd.arg("-c");
        }
        passwd.arg("-b").arg(dir.join("peal.passwd")).arg(user).arg(token(user));
        assert!(passwd.stderr(Stdio::null()).status().unwrap().success());
    }
    let conf = fs::read_to_string(deploy.join("mosquitto.conf")).unwrap();
    let (conf, _) = conf.split_once("listener 8883").unwrap();
    let dir = dir.display();
    let conf = conf
        .replace("listener 1883", "listener PORT")
        .replace("/etc/mosquitto/", &format!("{dir}/"))
        .replace("/var/lib/mosquitto/", &format!("{dir}/"));
    fs::write(format!("{dir}/mosquitto.template"), format!("{conf}\nuser root\nlog_dest none\n{more}")).unwrap();
}

async fn start_mosquitto(dir: &Path, address: &mut SocketAddr) -> Killed {
    for _ in 0..20 {
        if address.port() == 0 {
            *address = quiet_port().await;
        }
        let conf = fs::read_to_string(dir.join("mosquitto.template")).unwrap();
        fs::write(dir.join("mosquitto.conf"), conf.replace("PORT", &address.port().to_string())).unwrap();
        let child = Command::new("/usr/sbin/mosquitto")
            .arg("-c")
            .arg(dir.join("mosquitto.conf"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut child = Killed(child);
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while tokio::time::Instant::now() < deadline {
            if TcpStream::connect(*address).await.is_ok() {
                // Another program may have taken the port that was free a moment ago.
                if child.0.try_wait().unwrap().is_none() {
                    return child;
                }
            }
            if child.0.try_wait().unwrap().is_some() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        *address = SocketAddr::from(([127, 0, 0, 1], 0));
    }
    panic!("mosquitto doesn't start");
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
