//! A cluster of three rmqttd, from `deploy/rmqtt-cluster`.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::token::Signer;
use super::{adapted, certify, deployed, listens, quiet_ports};
use crate::desk::process::{Running, until};

/// The version that `cargo xtask test` installs.
pub const VERSION: &str = "0.24.0";
/// How many nodes there are.
pub const NODES: usize = 3;

/// The nodes, on loopback ports. They die with it.
pub struct Cluster {
    nodes: [Node; NODES],
    place: TempDir,
    signer: Signer,
}

struct Node {
    ports: Ports,
    process: Option<Running>,
}

#[derive(Debug, Clone, Copy)]
struct Ports {
    plain: u16,
    tls: u16,
    wss: u16,
    grpc: u16,
    raft: u16,
}

/// Where `cargo xtask test` installs it: in the target directory, so that it is there the next time.
pub fn program() -> PathBuf {
    let own = std::env::current_exe().unwrap_or_else(|error| panic!("this program: {error}"));
    // target/debug/deps/test
    let target = own.ancestors().nth(3).unwrap_or(Path::new("."));
    let program = target.join(format!("tools/rmqttd-{VERSION}/bin/rmqttd"));
    assert!(program.is_file(), "{} is not there: `cargo xtask test` installs it", program.display());
    program
}

impl Cluster {
    /// Starts all nodes, and returns when each of them serves.
    pub fn start() -> Self {
        let place = tempfile::tempdir().unwrap_or_else(|error| panic!("no temporary directory: {error}"));
        certify(place.path());
        let signer = Signer::new(place.path().join("jwt.pem"));
        // Its first token makes its key.
        signer.token("nobody", 0);
        let ports: [u16; 5 * NODES] = quiet_ports();
        let nodes = std::array::from_fn(|at| {
            let [plain, tls, wss, grpc, raft] = std::array::from_fn(|which| ports[at * 5 + which]);
            Node { ports: Ports { plain, tls, wss, grpc, raft }, process: None }
        });
        let mut cluster = Self { nodes, place, signer };
        for node in 0..NODES {
            cluster.configure(node);
            cluster.launch(node);
        }
        for node in 0..NODES {
            cluster.serves(node);
        }
        cluster
    }

    /// Whoever signs its tokens.
    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// The certificate of the authority that the nodes' certificate comes from.
    pub fn authority(&self) -> PathBuf {
        self.place.path().join("ca.pem")
    }

    /// A node's port for `mqtt://`.
    pub fn plain(&self, node: usize) -> u16 {
        self.nodes[node].ports.plain
    }

    /// A node's address, `mqtt://`.
    pub fn url(&self, node: usize) -> String {
        format!("mqtt://127.0.0.1:{}", self.plain(node))
    }

    /// A node's address, `mqtts://`.
    pub fn mqtts(&self, node: usize) -> String {
        format!("mqtts://localhost:{}", self.nodes[node].ports.tls)
    }

    /// A node's address, `wss://`.
    pub fn wss(&self, node: usize) -> String {
        format!("wss://localhost:{}", self.nodes[node].ports.wss)
    }

    /// Kills a node (SIGKILL), and waits until it is gone.
    pub fn kill(&mut self, node: usize) {
        self.nodes[node].process = None;
    }

    /// Starts a node again that was killed, and returns when it serves.
    pub fn resume(&mut self, node: usize) {
        self.launch(node);
        self.serves(node);
    }

    fn home(&self, node: usize) -> PathBuf {
        self.place.path().join((node + 1).to_string())
    }

    /// Writes a node's files: those deployed, with the places and ports of this test.
    fn configure(&self, node: usize) {
        let (from, home) = (deployed("rmqtt-cluster"), self.home(node));
        let Ports { plain, tls, wss, grpc, .. } = self.nodes[node].ports;
        let change = |old: &str, new: String| (old.to_owned(), new);
        let etc = format!("\"{}/", self.place.path().display());
        let here = |port: u16| format!("addr = \"127.0.0.1:{port}\"");
        let mut addresses = Vec::new();
        for (at, other) in self.nodes.iter().enumerate() {
            let number = at + 1;
            for (usual, port) in [(5363, other.ports.grpc), (6003, other.ports.raft)] {
                let address = change(&format!("node{number}.example:{usual}"), format!("127.0.0.1:{port}"));
                addresses.push(address);
            }
        }
        let write = |name: &str, changes: &[(String, String)]| {
            let file = home.join(name);
            let written = std::fs::create_dir_all(file.parent().unwrap_or(&home))
                .and_then(|()| std::fs::write(&file, adapted(&from.join(name), changes)));
            written.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        };
        write(
            "rmqtt.toml",
            &[
                change("\"/etc/rmqtt/plugins\"", format!("\"{}\"", home.join("plugins").display())),
                change("\"/etc/rmqtt/", etc),
                change("addr = \"127.0.0.1:1883\"", here(plain)),
                change("addr = \"0.0.0.0:8883\"", here(tls)),
                change("addr = \"0.0.0.0:8084\"", here(wss)),
                change("addr = \"0.0.0.0:5363\"", here(grpc)),
            ],
        );
        let key = change("/etc/rmqtt/jwt.pem", self.signer.public_key().display().to_string());
        write("plugins/rmqtt-auth-jwt.toml", &[key]);
        write("plugins/rmqtt-cluster-raft.toml", &addresses);
        for name in ["rmqtt-acl", "rmqtt-retainer", "rmqtt-message-storage"] {
            write(&format!("plugins/{name}.toml"), &[]);
        }
    }

    fn launch(&mut self, node: usize) {
        let home = self.home(node);
        let program = program();
        let process = Running::start(&program.display().to_string(), &home.join("log"), |command| {
            command.current_dir(&home).arg("-f").arg(home.join("rmqtt.toml")).arg("--id").arg((node + 1).to_string());
        });
        self.nodes[node].process = Some(process);
    }

    fn serves(&mut self, node: usize) {
        let Node { ports, process } = &mut self.nodes[node];
        let Some(process) = process else { panic!("node {node} was not started") };
        until(&format!("node {node} serving"), || {
            assert!(process.runs(), "node {node} ended:\n{}", process.log());
            // Its listeners come when it has found the others.
            [ports.plain, ports.tls, ports.wss].into_iter().all(listens).then_some(())
        });
    }
}
