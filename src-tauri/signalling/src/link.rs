//! One connection to the broker: its options, and its failures in our words.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{ConnectProperties, ConnectReturnCode, LastWill};
use rumqttc::v5::{ConnectionError, MqttOptions, StateError};
use rumqttc::{NetworkOptions, TlsConfiguration, Transport};

use crate::server::{Node, Scheme};
use crate::{ClientConfig, Denied, Presence, PresenceState, Problem, topics};

/// The client asks the server for a sign of life this often.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// A connection attempt is given up after this many seconds.
const CONNECT_TIMEOUT: u64 = 5;
/// Larger than any envelope, so that an oversized one can be counted instead of never arriving.
const MAX_PACKET: u32 = 256 * 1024;
/// Messages that the broker may send ahead of our acknowledgements.
const RECEIVE_MAXIMUM: u16 = 64;
/// Messages that we send ahead of the broker's acknowledgements.
pub(crate) const WINDOW: usize = 16;
/// Requests that fit between the session and the event loop: the window, acknowledgements, subscriptions, presence and
/// farewell.
pub(crate) const REQUESTS: usize = WINDOW + RECEIVE_MAXIMUM as usize + 16;

/// The options of a connection of this client to one of its server's nodes.
pub(crate) fn options(
    config: &ClientConfig,
    node: &Node,
    tls: Option<Arc<rustls::ClientConfig>>,
    me: &Presence,
) -> MqttOptions {
    let (address, transport) = match (node.scheme(), tls.map(TlsConfiguration::Rustls)) {
        (Scheme::Mqtts, Some(tls)) => (node.host().to_owned(), Transport::tls_with_config(tls)),
        (Scheme::Wss, Some(tls)) => (node.to_string(), Transport::wss_with_config(tls)),
        (Scheme::Ws, _) => (node.to_string(), Transport::ws()),
        (Scheme::Mqtt | Scheme::Mqtts | Scheme::Wss, _) => (node.host().to_owned(), Transport::tcp()),
    };
    let mut options = MqttOptions::new(&config.client_id, address, node.port());
    let mut network = NetworkOptions::new();
    network.set_tcp_nodelay(true);
    let mut properties = ConnectProperties::new();
    properties.session_expiry_interval = Some(u32::try_from(config.session_expiry.as_secs()).unwrap_or(u32::MAX));
    properties.receive_maximum = Some(RECEIVE_MAXIMUM);
    properties.max_packet_size = Some(MAX_PACKET);
    let gone = Presence { state: PresenceState::Offline, ..me.clone() };
    let will =
        LastWill::new(topics::presence(&config.app, &config.address), gone.to_wire(), QoS::AtLeastOnce, true, None);
    options
        .set_transport(transport)
        .set_network_options(network)
        .set_connect_properties(properties)
        .set_connection_timeout(CONNECT_TIMEOUT)
        .set_keep_alive(KEEP_ALIVE)
        .set_clean_start(false)
        // What is acknowledged is gone from the broker's queue: not before this program knows that it may have it.
        .set_manual_acks(true)
        .set_credentials(config.address.user.as_str(), &config.token)
        .set_request_channel_capacity(REQUESTS)
        // Also the size of rumqttc's tables.
        .set_outgoing_inflight_upper_limit(WINDOW as u16 * 4)
        .set_last_will(will);
    options
}

/// Waiting before the next attempt: 50 ms, doubling to 5 s, each shortened by chance by up to a half so that a
/// thousand clients don't return to a restarted server as one.
pub(crate) fn backoff(attempt: u32) -> Duration {
    let longest = Duration::from_millis(50).saturating_mul(1 << attempt.min(7)).min(Duration::from_secs(5));
    longest.mul_f64(rand::random_range(0.5..=1.0))
}

/// What a failure of rumqttc means. `was_up`: the connection had been accepted before.
pub(crate) fn problem(error: &ConnectionError, was_up: bool) -> Problem {
    match error {
        ConnectionError::ConnectionRefused(code) => refusal(*code),
        ConnectionError::MqttState(StateError::ConnFail { reason }) => refusal(*reason),
        ConnectionError::Timeout(_) | ConnectionError::MqttState(StateError::AwaitPingResp) => Problem::TimedOut,
        ConnectionError::Tls(error) => Problem::Tls(tls_words(error)),
        ConnectionError::Io(error) | ConnectionError::MqttState(StateError::Io(error)) => io_problem(error, was_up),
        ConnectionError::MqttState(StateError::ServerDisconnect { reason_code, .. }) => {
            Problem::Lost(format!("the server ended it: {reason_code:?}"))
        }
        ConnectionError::MqttState(StateError::ConnectionAborted) => Problem::Lost("closed by the server".to_owned()),
        ConnectionError::MqttState(error) if was_up => Problem::Lost(error.to_string()),
        ConnectionError::Websocket(error) => match error_source::<rustls::Error>(error) {
            Some(tls) => Problem::Tls(tls.to_string()),
            None if was_up => Problem::Lost(error.to_string()),
            None => Problem::NotABroker(error.to_string()),
        },
        ConnectionError::MqttState(_)
        | ConnectionError::NotConnAck(_)
        | ConnectionError::WsConnect(_)
        | ConnectionError::InvalidUrl(_)
        | ConnectionError::ResponseValidation(_) => Problem::NotABroker(error.to_string()),
        ConnectionError::RequestsDone => Problem::Lost(error.to_string()),
    }
}

fn refusal(code: ConnectReturnCode) -> Problem {
    match code {
        // mosquitto says NotAuthorized of a wrong password.
        ConnectReturnCode::BadUserNamePassword | ConnectReturnCode::NotAuthorized => Problem::BadCredentials,
        ConnectReturnCode::Banned => Problem::NotAuthorized(Denied::Login),
        ConnectReturnCode::RefusedProtocolVersion | ConnectReturnCode::UnsupportedProtocolVersion => {
            Problem::NotABroker("it doesn't speak version 5".to_owned())
        }
        // It passes: a server that is starting, has too much to do, or has just lost a node of its cluster.
        ConnectReturnCode::ServerUnavailable
        | ConnectReturnCode::ServiceUnavailable
        | ConnectReturnCode::ServerBusy
        | ConnectReturnCode::ConnectionRateExceeded => Problem::Unreachable(format!("{code:?}")),
        other => Problem::Refused(format!("{other:?}")),
    }
}

fn io_problem(error: &io::Error, was_up: bool) -> Problem {
    if let Some(tls) = error_source::<rustls::Error>(error) {
        return Problem::Tls(tls.to_string());
    }
    if was_up { Problem::Lost(error.to_string()) } else { Problem::Unreachable(error.to_string()) }
}

fn tls_words(error: &rumqttc::v5::TlsError) -> String {
    match error {
        rumqttc::v5::TlsError::Io(io) => io.to_string(),
        other => other.to_string(),
    }
}

/// Looks for `E` behind an error. An I/O error hides what it carries from `source`.
fn error_source<'a, E: std::error::Error + 'static>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match inner {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_tries_are_fast_and_the_later_ones_patient() {
        for _ in 0..200 {
            assert!(backoff(0) <= Duration::from_millis(50));
            assert!(backoff(0) >= Duration::from_millis(25));
            assert!(backoff(30) <= Duration::from_secs(5));
            assert!(backoff(30) >= Duration::from_millis(2500));
        }
    }

    #[test]
    fn a_tls_failure_is_found_inside_an_io_error() {
        let tls = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let io = io::Error::new(io::ErrorKind::InvalidData, tls);
        assert!(matches!(problem(&ConnectionError::Io(io), false), Problem::Tls(_)));
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        assert!(matches!(problem(&ConnectionError::Io(refused), false), Problem::Unreachable(_)));
    }
}
