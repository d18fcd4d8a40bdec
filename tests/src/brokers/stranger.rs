//! Somebody with a valid account and a bare MQTT client, for what Peal would never do.

use std::path::Path;

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{LastWill, Packet, PubAckReason};
use rumqttc::v5::{AsyncClient, ConnectionError, Event, EventLoop, MqttOptions};
use rumqttc::{TlsConfiguration, Transport};

use crate::person::PATIENCE;

/// A logged-in MQTT client. It talks to the broker only while one of its methods runs.
pub struct Stranger {
    client: AsyncClient,
    events: EventLoop,
}

/// How a stranger logs in.
#[derive(Debug, Clone)]
pub struct Login<'a> {
    /// The broker's port on this machine.
    pub port: u16,
    /// Where the authority's certificate lies, if the line is encrypted.
    pub authority: Option<&'a Path>,
    /// The account.
    pub user: &'a str,
    /// Its password or token.
    pub token: &'a str,
    /// The client id.
    pub client_id: &'a str,
    /// The topic that a last will is to be published to.
    pub will: Option<&'a str>,
}

impl Stranger {
    /// Logs in, or gives the broker's refusal.
    pub async fn login(login: &Login<'_>) -> Result<Self, Box<ConnectionError>> {
        let mut options = MqttOptions::new(login.client_id, "localhost", login.port);
        options.set_credentials(login.user, login.token);
        if let Some(authority) = login.authority {
            let ca = std::fs::read(authority).unwrap_or_else(|error| panic!("{}: {error}", authority.display()));
            options.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(trusting(&ca))));
        }
        if let Some(topic) = login.will {
            options.set_last_will(LastWill::new(topic, "a last will", QoS::AtLeastOnce, false, None));
        }
        let (client, events) = AsyncClient::new(options, 64);
        let mut stranger = Self { client, events };
        stranger.until(|event| matches!(event, Event::Incoming(Packet::ConnAck(_))).then_some(())).await?;
        Ok(stranger)
    }

    /// Publishes and gives the broker's answer; `None` if it ended the connection instead.
    pub async fn publish(&mut self, topic: &str, payload: &str) -> Option<PubAckReason> {
        let queued = self.client.try_publish(topic, QoS::AtLeastOnce, false, payload.to_owned());
        queued.unwrap_or_else(|error| panic!("{error}"));
        let answer = self.until(|event| match event {
            Event::Incoming(Packet::PubAck(ack)) => Some(ack.reason),
            _ => None,
        });
        answer.await.ok()
    }

    /// Subscribes, and waits for the answer, whatever it is: some brokers say yes and then deliver nothing.
    pub async fn subscribe(&mut self, filter: &str) {
        let queued = self.client.try_subscribe(filter, QoS::AtLeastOnce);
        queued.unwrap_or_else(|error| panic!("{error}"));
        let answer = self.until(|event| matches!(event, Event::Incoming(Packet::SubAck(_))).then_some(())).await;
        answer.unwrap_or_else(|error| panic!("subscribing to {filter}: {error}"));
    }

    /// The topic of the next message whose topic is as wished.
    pub async fn next(&mut self, wished: impl Fn(&str) -> bool) -> String {
        let found = self.until(|event| match event {
            Event::Incoming(Packet::Publish(publish)) => {
                std::str::from_utf8(&publish.topic).ok().filter(|topic| wished(topic)).map(str::to_owned)
            }
            _ => None,
        });
        found.await.unwrap_or_else(|error| panic!("while waiting for a message: {error}"))
    }

    /// Cuts the line, so that the broker publishes the last will.
    pub fn vanish(self) {
        drop(self);
    }

    async fn until<T>(&mut self, mut pick: impl FnMut(&Event) -> Option<T>) -> Result<T, Box<ConnectionError>> {
        let found = tokio::time::timeout(PATIENCE, async {
            loop {
                if let Some(found) = pick(&self.events.poll().await?) {
                    return Ok(found);
                }
            }
        });
        found.await.unwrap_or_else(|_| panic!("the broker never answered"))
    }
}

fn trusting(authority: &[u8]) -> std::sync::Arc<rustls::ClientConfig> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;

    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(authority).flatten() {
        roots.add(certificate).unwrap_or_else(|error| panic!("the authority's certificate: {error}"));
    }
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.unwrap_or_else(|error| panic!("{error}"));
    std::sync::Arc::new(config.with_root_certificates(roots).with_no_client_auth())
}
