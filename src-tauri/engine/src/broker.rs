//! The embedded broker: whoever comes first starts it, the others join, and when it goes somebody takes over.

use std::net::SocketAddr;
use std::path::PathBuf;

use peal_signalling::{Broker, BrokerConfig, BrokerError};
use tempfile::TempDir;

use crate::Profile;
use crate::api::PealError;

/// The broker of this program, if it is the one that runs it.
#[derive(Default)]
pub(crate) struct EmbeddedBroker {
    running: Option<Broker>,
    /// A temporary profile's broker forgets with it.
    scratch: Option<TempDir>,
}

impl EmbeddedBroker {
    /// Makes sure that a broker listens at `listen`: one of another program, or one started here, which then asks for
    /// tokens if told so (kit D08).
    pub async fn ensure(
        &mut self,
        listen: SocketAddr,
        profile: &Profile,
        check_sum: bool,
    ) -> Result<SocketAddr, PealError> {
        if let Some(running) = &self.running {
            running.check_tokens(check_sum);
            return Ok(running.address());
        }
        if listen.port() != 0 && tokio::net::TcpStream::connect(listen).await.is_ok() {
            return Ok(listen);
        }
        let data_dir = self.directory(profile)?;
        match Broker::start(BrokerConfig { listen, data_dir }).await {
            Ok(broker) => {
                let address = broker.address();
                broker.check_tokens(check_sum);
                tracing::info!(port = address.port(), "the embedded broker runs here");
                self.running = Some(broker);
                Ok(address)
            }
            // Another program was faster.
            Err(BrokerError::AddressInUse { .. }) => Ok(listen),
            Err(error) => Err(error.into()),
        }
    }

    pub async fn stop(&mut self) {
        if let Some(broker) = self.running.take() {
            broker.stop().await;
        }
    }

    fn directory(&mut self, profile: &Profile) -> Result<PathBuf, PealError> {
        match profile {
            Profile::Named(_) => Ok(peal_store::broker_dir()),
            Profile::At(path) => Ok(path.join("broker")),
            Profile::Temporary => {
                if self.scratch.is_none() {
                    let scratch = tempfile::tempdir().map_err(|error| {
                        PealError::new(crate::api::ErrorCode::StorageFailed, format!("no temporary directory: {error}"))
                    })?;
                    self.scratch = Some(scratch);
                }
                Ok(self.scratch.as_ref().map(|it| it.path().to_owned()).unwrap_or_default())
            }
        }
    }
}
