//! Brokers of other makes, started from exactly the files in `deploy/`. They die with their test.

pub mod door;
pub mod mosquitto;
pub mod rmqttd;
pub mod stranger;
pub mod token;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A place in `deploy/`.
pub fn deployed(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy").join(name)
}

/// Loopback ports that nobody else is given meanwhile: outside the range that the system gives out by itself.
pub fn quiet_ports<const N: usize>() -> [u16; N] {
    // Held together, so that no two are the same.
    let mut held = Vec::new();
    while held.len() < N {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, rand::random_range(10_000..30_000)));
        held.extend(TcpListener::bind(address));
    }
    let port = |listener: &TcpListener| listener.local_addr().map_or(0, |address| address.port());
    std::array::from_fn(|at| port(&held[at]))
}

/// Writes `ca.pem`, `server.pem` and `server.key` for `localhost` into a directory.
pub fn certify(directory: &Path) {
    let mut command = Command::new(deployed("certificate.sh"));
    command.arg(directory).args(["localhost", "127.0.0.1"]).stdout(Stdio::null()).stderr(Stdio::null());
    let status = command.status().unwrap_or_else(|error| panic!("certificate.sh can't be run: {error}"));
    assert!(status.success(), "certificate.sh failed");
}

/// A file's text with each of these replaced; all must be in it, or the test would start something else.
pub fn adapted(file: &Path, changes: &[(String, String)]) -> String {
    let mut text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    for (old, new) in changes {
        assert!(text.contains(old.as_str()), "{} is not in {}", old, file.display());
        text = text.replace(old.as_str(), new);
    }
    text
}

fn listens(port: u16) -> bool {
    std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}
