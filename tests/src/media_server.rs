//! A media server on another WebRTC stack (`tests/media-server`), which dies with its test.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use peal_engine::api::PublishStreamParams;
use serde_json::Value;
use tempfile::TempDir;

use crate::desk::http::Http;
use crate::desk::process::{Running, until};

/// The server, on a loopback port.
pub struct MediaServer {
    process: Running,
    port: u16,
    _place: TempDir,
}

/// Who does something at the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sessions {
    /// The streams that are published, in the order in which they came.
    pub published: Vec<String>,
    /// The streams that are played, once for each player.
    pub played: Vec<String>,
}

impl MediaServer {
    /// Starts one where anybody may publish and play.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts one with these options, see `server.mjs`.
    pub fn start_with(options: &[&str]) -> Self {
        let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("media-server");
        let packages = home.join("node_modules");
        assert!(packages.is_dir(), "{} is not there: `cargo xtask test` installs it", packages.display());
        let place = tempfile::tempdir().unwrap_or_else(|error| panic!("no temporary directory: {error}"));
        let mut process = Running::start("node", &place.path().join("log"), |command| {
            command.arg(home.join("server.mjs")).args(options).stdout(std::process::Stdio::piped());
        });
        let line = process.first_line();
        let told: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line}: {error}"));
        let port = told["port"].as_u64().and_then(|port| u16::try_from(port).ok());
        let port = port.unwrap_or_else(|| panic!("no port: {line}"));
        Self { process, port, _place: place }
    }

    /// Where a stream is published.
    pub fn whip(&self, stream: &str) -> String {
        self.url(&format!("{stream}/whip"))
    }

    /// Where it is played.
    pub fn whep(&self, stream: &str) -> String {
        self.url(&format!("{stream}/whep"))
    }

    /// Any place there.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port)
    }

    /// What publishes a stream here.
    pub fn publishing(&self, stream: &str) -> PublishStreamParams {
        PublishStreamParams { url: self.whip(stream), ..PublishStreamParams::default() }
    }

    /// Who is there now.
    pub fn sessions(&self) -> Sessions {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let asked = Http::connect(address).and_then(|mut http| http.ask("GET", "/sessions", None));
        let (_, told) = asked.unwrap_or_else(|error| panic!("{error}:\n{}", self.process.log()));
        let names = |kind: &str| {
            let names = told[kind].as_array().map(Vec::as_slice).unwrap_or_default();
            names.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        Sessions { published: names("published"), played: names("played") }
    }

    /// Waits until these streams are published and played.
    pub fn has(&self, published: &[&str], played: &[&str]) {
        tokio::task::block_in_place(|| {
            until(&format!("{published:?} published and {played:?} played"), || {
                let now = self.sessions();
                (now.published == published && now.played == played).then_some(())
            });
        });
    }
}
