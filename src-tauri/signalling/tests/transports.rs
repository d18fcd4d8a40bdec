//! The four ways to a broker: plain and encrypted, MQTT and WebSocket.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::path::Path;
use std::process::{Command, Stdio};

use common::{Device, Kind, LIFE, Server, config, ringing};
use peal_signalling::{Client, ConnectError, Notice, PresenceState};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_four_transports_reach_the_same_broker() {
    let dir = tempfile::tempdir().unwrap();
    certificates(dir.path());
    let (tls, ws, wss) = (free_port().await, free_port().await, free_port().await);
    let at = dir.path().display();
    let files = format!("certfile {at}/server.pem\nkeyfile {at}/server.key");
    let more = format!(
        "listener {tls} 127.0.0.1\n{files}\n\
         listener {ws} 127.0.0.1\nprotocol websockets\n\
         listener {wss} 127.0.0.1\nprotocol websockets\n{files}\n"
    );
    let server = Server::start_with(Kind::Mosquitto, &more).await;
    let mut ann = Device::login(&server, "ann", "desk").await;
    for (n, url) in
        [format!("mqtts://localhost:{tls}"), format!("ws://127.0.0.1:{ws}"), format!("wss://localhost:{wss}/mqtt")]
            .into_iter()
            .enumerate()
    {
        let mut bob = config(&server, "bob", &format!("phone{n}"));
        bob.server = url.parse().unwrap();
        bob.extra_ca = Some(dir.path().join("ca.pem"));
        let mut bob = Device::with(bob).await;
        ann.sees(bob.address(), PresenceState::Online).await;
        ann.client.send(bob.address(), &ringing(n as u128), LIFE).await.unwrap();
        assert_eq!(bob.hears().await.1, ringing(n as u128), "{url}");
        bob.client.disconnect().await;
    }

    // Without the company's certificate both refuse, in words.
    for url in [format!("mqtts://localhost:{tls}"), format!("wss://localhost:{wss}")] {
        let mut bob = config(&server, "bob", "phone");
        bob.server = url.parse().unwrap();
        let error = Client::connect(bob).await.err();
        assert!(matches!(error, Some(ConnectError::Tls(_))), "{url}: {error:?}");
    }
    let mut bob = config(&server, "bob", "phone");
    bob.server = format!("mqtts://localhost:{tls}").parse().unwrap();
    bob.extra_ca = Some(dir.path().join("missing.pem"));
    assert!(matches!(Client::connect(bob).await.err(), Some(ConnectError::CertificateFile(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_goes_to_the_node_that_answers() {
    let (mut one, mut two) = (Server::start(Kind::Embedded).await, Server::start(Kind::Embedded).await);
    two.stop().await;
    // Whichever of the two is a device's own: enough devices that some have to move at their first login.
    let servers = format!("{},{}", one.url(), two.url());
    let mut devices = Vec::new();
    for n in 0..8 {
        let mut device = config(&one, "bob", &format!("phone{n}"));
        device.server = servers.parse().unwrap();
        devices.push(Device::with(device).await);
    }
    two.resume().await;
    one.stop().await;
    for device in &mut devices {
        device.until("Disconnected", |n| matches!(n, Notice::Disconnected { .. }).then_some(())).await;
        device.until("Connected", |n| matches!(n, Notice::Connected).then_some(())).await;
    }
    let mut ann = Device::login(&two, "ann", "desk").await;
    let mut missing: Vec<_> = devices.iter().map(|device| device.address().clone()).collect();
    ann.until("all of them", |notice| {
        if let Notice::Presence(shown) = notice {
            missing.retain(|device| shown.state != PresenceState::Online || shown.address != *device);
        }
        missing.is_empty().then_some(())
    })
    .await;
    two.stop().await;
    let mut nobody = config(&one, "bob", "late");
    nobody.server = servers.parse().unwrap();
    let error = Client::connect(nobody).await.err();
    assert!(matches!(error, Some(ConnectError::Unreachable { .. })), "{error:?}");
}

async fn free_port() -> u16 {
    tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

/// A company's own authority, and a certificate for `localhost` from it.
fn certificates(dir: &Path) {
    let openssl = |arguments: &str| {
        let mut command = Command::new("openssl");
        command.args(arguments.split(' ')).current_dir(dir).stdout(Stdio::null()).stderr(Stdio::null());
        assert!(command.status().unwrap().success(), "openssl {arguments}");
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    openssl(&format!("req -x509 {key} -keyout ca.key -out ca.pem -days 2 -subj /CN=Office"));
    openssl(&format!("req {key} -keyout server.key -out server.csr -subj /CN=localhost"));
    std::fs::write(dir.join("ext"), "subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n").unwrap();
    openssl("x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out server.pem -days 2 -extfile ext");
}
