//! A broker of either kind.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use peal_signalling::{Broker, BrokerConfig, BrokerError, ServerUrl};
use tokio::net::{TcpListener, TcpStream};

use super::{Device, PATIENCE, config};

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

/// For tests of starting a broker that must fail.
pub async fn start_error(config: BrokerConfig) -> BrokerError {
    match Broker::start(config).await {
        Ok(broker) => panic!("a broker started at {}", broker.address()),
        Err(error) => error,
    }
}
