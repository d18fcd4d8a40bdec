//! mosquitto, from `deploy/mosquitto`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::{adapted, certify, deployed, listens, quiet_ports};
use crate::desk::process::{Running, until};

/// How often another set of ports is tried when somebody else was faster.
const TRIES: usize = 5;

/// A mosquitto with its listeners on loopback ports, a certificate of its own, and everything else as deployed.
pub struct Mosquitto {
    /// `mqtt://`.
    pub plain: u16,
    /// `mqtts://`.
    pub tls: u16,
    /// `wss://`.
    pub wss: u16,
    directory: TempDir,
    process: Option<Running>,
}

impl Mosquitto {
    /// Starts it with these accounts and their passwords.
    pub fn start(accounts: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap_or_else(|error| panic!("no temporary directory: {error}"));
        let place = directory.path();
        certify(place);
        copy("peal.acl", place);
        for (at, (account, password)) in accounts.iter().enumerate() {
            let mut command = Command::new("mosquitto_passwd");
            command.args((at == 0).then_some("-c")).arg("-b").arg(place.join("peal.passwd"));
            command.args([account, password]).stderr(Stdio::null());
            let status = command.status().unwrap_or_else(|error| panic!("mosquitto_passwd can't be run: {error}"));
            assert!(status.success(), "mosquitto_passwd failed");
        }
        for _ in 0..TRIES {
            let [plain, tls, wss] = quiet_ports();
            if let Some(process) = launch(place, [plain, tls, wss]) {
                return Self { plain, tls, wss, directory, process: Some(process) };
            }
        }
        panic!("mosquitto doesn't start; see {}", place.join("log").display());
    }

    /// Kills it.
    pub fn stop(&mut self) {
        self.process = None;
    }

    /// Starts it again at the same ports, with what it had written down.
    pub fn resume(&mut self) {
        self.process = launch(self.directory.path(), [self.plain, self.tls, self.wss]);
        assert!(self.process.is_some(), "mosquitto doesn't start again");
    }

    /// The certificate of the authority that its own certificate comes from.
    pub fn authority(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }
}

/// `None` when it ended at once: somebody else has one of the ports.
fn launch(place: &Path, [plain, tls, wss]: [u16; 3]) -> Option<Running> {
    let here = format!("{}/", place.display());
    let port = |deployed: &str, port: u16| (format!("listener {deployed}\n"), format!("listener {port} 127.0.0.1\n"));
    let conf = adapted(
        &deployed("mosquitto/mosquitto.conf"),
        &[
            ("/etc/mosquitto/".to_owned(), here.clone()),
            ("/var/lib/mosquitto/".to_owned(), here),
            port("1883 127.0.0.1", plain),
            port("8883", tls),
            port("8084", wss),
        ],
    );
    let file = place.join("mosquitto.conf");
    // Started by root it would become another user, who may not read the test's files.
    std::fs::write(&file, format!("{conf}user root\n")).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let mut process = Running::start("/usr/sbin/mosquitto", &place.join("log"), |command| {
        command.arg("-c").arg(&file);
    });
    until("mosquitto listening", || {
        if !process.runs() {
            return Some(false);
        }
        // It may be somebody else who listens: then ours ends, having failed to.
        [plain, tls, wss].into_iter().all(listens).then_some(true)
    })
    .then_some(process)
    .and_then(|mut process| process.runs().then_some(process))
}

fn copy(name: &str, place: &Path) {
    let from = deployed("mosquitto").join(name);
    std::fs::copy(&from, place.join(name)).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
}
