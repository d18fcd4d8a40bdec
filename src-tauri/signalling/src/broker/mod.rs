//! A broker inside this process, for a laptop without a server: rmqtt with our rules.

mod access;
mod accounts;
mod arrivals;
mod hooks;
mod retained;
mod storage;
mod undelivered;

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rmqtt::context::ServerContext;
use rmqtt::net::Builder;
use rmqtt::retain::{DefaultRetainStorage, RetainStorage};
use rmqtt::server::MqttServer;
use rmqtt::types::{Message, Reason};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use accounts::Accounts;
use hooks::Rules;
use retained::Retained;
use storage::{RETAINED, SESSIONS, Storage, StorageError};

/// rmqtt finds a stored session again by its listener's number; the port may change from run to run.
const LISTENER: u16 = 1;
/// Queues of devices that are away are kept this long at most; a client asks for less.
const LONGEST_SESSION: Duration = Duration::from_hours(60 * 24);
/// For messages without an expiry of their own.
const MESSAGE_EXPIRY: Duration = Duration::from_hours(14 * 24);
/// Messages that are queued for one device that is away.
const QUEUE: usize = 1000;
const MAX_PACKET: u32 = 256 * 1024;
const MAX_INFLIGHT: NonZeroU16 = NonZeroU16::MIN.saturating_add(63);
/// sled writes to disk every 500 ms, and the plugins give no way to ask for it.
const WRITTEN_AFTER: Duration = Duration::from_millis(750);

/// How long [`Broker::stop`] waits for clients to be gone, and for what they sent to be queued.
const CLOSED_AFTER: Duration = Duration::from_secs(2);
const QUEUED_AFTER: Duration = Duration::from_millis(150);
/// A running broker. Dropping it ends it like a crash: what was received in the last second may be lost. After a
/// crash the next start publishes the last wills of everybody who was connected.
///
/// Several may run in one process, each with its own directory. A broker has its own threads, so that stopping it
/// ends every connection; rmqtt keeps two idle threads of each stopped broker until the process ends.
#[derive(Debug)]
pub struct Broker {
    address: SocketAddr,
    runtime: Option<Runtime>,
    context: ServerContext,
    server: JoinHandle<()>,
    storage: Option<Storage>,
    checks: Arc<AtomicBool>,
}

/// Where a broker listens and keeps its data.
#[derive(Debug, Clone)]
pub struct BrokerConfig {
    /// Port 0 takes a free one. Anyone who reaches this address may claim a free name: use loopback or a trusted net.
    pub listen: SocketAddr,
    /// Accounts, queues of devices that are away, and presence survive here.
    pub data_dir: PathBuf,
}

/// Why a broker didn't start.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// Another program listens there, perhaps another Peal.
    #[error("{0} is in use by another program")]
    AddressInUse(SocketAddr),
    /// The address can't be listened on.
    #[error("can't listen on {address}: {error}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's words.
        error: String,
    },
    /// Another broker uses the directory.
    #[error("another broker uses {0}")]
    DataInUse(PathBuf),
    /// The directory can't be used.
    #[error("can't keep data in {path}: {error}")]
    Data {
        /// The directory.
        path: PathBuf,
        /// The system's words.
        error: io::Error,
    },
    /// rmqtt failed.
    #[error("the broker can't start: {0}")]
    Start(String),
}

impl Broker {
    /// Starts a broker; clients can connect when this returns.
    pub async fn start(config: BrokerConfig) -> Result<Self, BrokerError> {
        let dir = config.data_dir.clone();
        let opened = tokio::task::spawn_blocking(move || {
            let storage = Storage::open(&dir)?;
            let accounts = Accounts::open(dir.join("accounts.json"))?;
            Ok::<_, StorageError>((storage, accounts))
        })
        .await
        .map_err(|e| BrokerError::Start(e.to_string()))?;
        let (storage, accounts) = opened.map_err(|error| match error {
            StorageError::InUse => BrokerError::DataInUse(config.data_dir.clone()),
            StorageError::Io(error) => BrokerError::Data { path: config.data_dir.clone(), error },
        })?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("peal-broker")
            .enable_all()
            .build()
            .map_err(|e| BrokerError::Start(e.to_string()))?;
        let (sessions, retained) = (storage.path(SESSIONS), storage.path(RETAINED));
        let checks = Arc::new(AtomicBool::new(true));
        let rules = Rules::new(accounts, Arc::clone(&checks));
        let preparing = runtime.spawn(async move { prepare(config.listen, rules, &sessions, &retained).await });
        let prepared = preparing.await.map_err(|e| BrokerError::Start(e.to_string())).and_then(|result| result);
        let (address, context, server) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => {
                runtime.shutdown_background();
                return Err(error);
            }
        };
        let server = runtime.spawn(async move {
            // It ends only when it fails.
            if let Err(error) = server.run().await {
                tracing::error!(%error, "the broker has stopped");
            }
        });
        Ok(Self { address, runtime: Some(runtime), context, server, storage: Some(storage), checks })
    }

    /// Whether a name belongs to the first token that claimed it, as it does unless told otherwise (kit D08). If not,
    /// anyone may log in under any name, without a token.
    pub fn check_tokens(&self, check: bool) {
        self.checks.store(check, Ordering::Relaxed);
    }

    /// Where it listens, with the port that it got.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops listening, ends every connection, and waits until everything is on disk. Afterwards the port and the
    /// directory are free.
    pub async fn stop(mut self) {
        self.server.abort();
        // Its end closes the listening socket; that it was aborted is no news.
        let _ = (&mut self.server).await;
        if let Some(runtime) = &self.runtime {
            let context = self.context.clone();
            // A panic in there would have been reported; the broker ends anyway.
            let _ = runtime.spawn(async move { close(&context).await }).await;
        }
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
        tokio::time::sleep(WRITTEN_AFTER).await;
        self.storage = None;
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.server.abort();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn prepare(
    listen: SocketAddr,
    rules: Rules,
    sessions: &Path,
    retained: &Path,
) -> Result<(SocketAddr, ServerContext, MqttServer), BrokerError> {
    let builder = Builder::new()
        .name("peal")
        .laddr(listen)
        .nodelay(true)
        // Without it a restart waits for old connections to be forgotten. On Windows it would mean sharing the port.
        .reuseaddr(cfg!(unix).then_some(true))
        .allow_anonymous(false)
        .max_packet_size(MAX_PACKET)
        .max_inflight(MAX_INFLIGHT)
        .max_mqueue_len(QUEUE)
        .max_clientid_len(256)
        .max_topic_levels(8)
        .max_subscriptions(16)
        .session_expiry_interval(MESSAGE_EXPIRY)
        .max_session_expiry_interval(LONGEST_SESSION)
        .message_expiry_interval(MESSAGE_EXPIRY);
    let listener = builder.bind().and_then(rmqtt::net::Listener::tcp).map_err(|error| {
        match error.downcast_ref::<io::Error>().map(io::Error::kind) {
            Some(io::ErrorKind::AddrInUse) => BrokerError::AddressInUse(listen),
            _ => BrokerError::Listen { address: listen, error: error.to_string() },
        }
    })?;
    let address = listener.local_addr().map_err(|e| BrokerError::Listen { address: listen, error: e.to_string() })?;
    let start = |error: rmqtt::Error| BrokerError::Start(error.to_string());
    let context = ServerContext::new()
        // Its notion of a busy machine would turn callers away.
        .busy_check_enable(false)
        .plugins_config_map_add("rmqtt-session-storage", storage_toml(sessions, ""))
        // "0s" keeps retained messages for ever; without it they vanish with the message expiry.
        .plugins_config_map_add("rmqtt-retainer", storage_toml(retained, "retained_message_ttl = \"0s\"\n"))
        .build()
        .await;
    rules.register(&context).await;
    rmqtt_retainer::register(&context, true, false).await.map_err(start)?;
    rmqtt_session_storage::register(&context, true, false).await.map_err(start)?;
    let disk = std::mem::replace(&mut *context.extends.retain_mut().await, Box::new(DefaultRetainStorage::new()));
    let retained = Retained::load(disk).await.map_err(start)?;
    let retained: Box<dyn RetainStorage> = Box::new(retained);
    *context.extends.retain_mut().await = retained;
    let server = MqttServer::new(context.clone()).listener_by_id(listener, LISTENER).build();
    Ok((address, context, server))
}

/// Ends every connection as if it had been lost (so last wills are published and sessions kept), and waits until what
/// was received is queued for its receivers.
async fn close(context: &ServerContext) {
    let closing = async {
        loop {
            let mut online = 0;
            let entries: Vec<_> = context.extends.shared().await.iter().collect();
            for entry in entries {
                if entry.online().await {
                    online += 1;
                    if let Some(tx) = entry.tx() {
                        // An error means that the session is ending already.
                        let _ = tx.unbounded_send(Message::Closed(Reason::from_static("the broker stops")));
                    }
                }
            }
            if online == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        tokio::time::sleep(QUEUED_AFTER).await;
        for queue in context.execs().into_values() {
            let _ = queue.flush().await;
        }
    };
    if tokio::time::timeout(CLOSED_AFTER, closing).await.is_err() {
        tracing::warn!("the broker stops before everything was in order");
    }
}

/// A plugin's configuration: sled in `path`, with a cache that suits a laptop.
fn storage_toml(path: &Path, more: &str) -> String {
    // A JSON string is a TOML basic string.
    let path = serde_json::Value::from(path.to_string_lossy()).to_string();
    format!("{more}[storage]\ntype = \"sled\"\n[storage.sled]\npath = {path}\ncache_capacity = \"16M\"\n")
}
