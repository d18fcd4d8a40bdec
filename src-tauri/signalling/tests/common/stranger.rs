//! A bare MQTT client with a valid account, for what ours would never do.

use peal_call::UserId;
use peal_signalling::ClientConfig;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Packet, PubAckReason, PublishProperties, SubscribeReasonCode};
use rumqttc::v5::{AsyncClient, Event, EventLoop, MqttOptions};

use super::{PATIENCE, Server, token};

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
