//! Where the broker is.

use std::fmt;
use std::str::FromStr;

use url::{Host, Url};

/// Most nodes that an address may name.
const NODES: usize = 16;

/// The address of an MQTT broker: `mqtt://`, `mqtts://`, `ws://` or `wss://`, host and port. Of a cluster, the addresses
/// of its nodes, separated by commas or blanks: each device has one of them as its own, and goes to the next when it is
/// gone.
///
/// Default ports are 1883, 8883, 80 and 443; the default WebSocket path is `/mqtt`. Accounts and tokens never
/// stand in the address: they would end up in logs and settings.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ServerUrl {
    /// One at least.
    nodes: Vec<Node>,
}

/// One address of a broker.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Node {
    scheme: Scheme,
    host: String,
    port: u16,
    path: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Scheme {
    Mqtt,
    Mqtts,
    Ws,
    Wss,
}

impl Scheme {
    const fn name(self) -> &'static str {
        match self {
            Self::Mqtt => "mqtt",
            Self::Mqtts => "mqtts",
            Self::Ws => "ws",
            Self::Wss => "wss",
        }
    }

    const fn default_port(self) -> u16 {
        match self {
            Self::Mqtt => 1883,
            Self::Mqtts => 8883,
            Self::Ws => 80,
            Self::Wss => 443,
        }
    }
}

/// Why a server address is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServerUrlError {
    /// Not an address at all.
    #[error("{0:?} is not a server address; try mqtt://host:1883")]
    NotAnAddress(String),
    /// A scheme other than the four.
    #[error("a server address begins with mqtt://, mqtts://, ws:// or wss://, not {0}://")]
    Scheme(String),
    /// No host.
    #[error("the server address has no host")]
    NoHost,
    /// Port 0.
    #[error("a server can't be reached at port 0")]
    Port,
    /// User and password inside the address.
    #[error("leave the account and the token out of the server address; they have fields of their own")]
    Credentials,
    /// A path where none belongs, a query or a fragment.
    #[error("the server address ends in {0:?}, which has no meaning here")]
    Trailing(String),
    /// An IPv6 literal where a name is needed (TLS and WebSocket).
    #[error("use the server's name instead of an IPv6 address with {0}://")]
    Ipv6Literal(String),
    /// More addresses than anybody's cluster has nodes.
    #[error("a server has at most {NODES} addresses")]
    TooMany,
}

impl ServerUrl {
    /// The address of a broker on this machine.
    pub fn local(address: std::net::SocketAddr) -> Self {
        let host = match address.ip() {
            std::net::IpAddr::V4(ip) => ip.to_string(),
            std::net::IpAddr::V6(ip) => format!("[{ip}]"),
        };
        Self { nodes: vec![Node { scheme: Scheme::Mqtt, host, port: address.port(), path: String::new() }] }
    }

    /// Whether a connection is encrypted (signals are sealed end to end either way).
    pub fn is_encrypted(&self) -> bool {
        self.nodes.iter().any(|node| matches!(node.scheme, Scheme::Mqtts | Scheme::Wss))
    }

    /// The addresses, one at least.
    pub(crate) fn nodes(&self) -> &[Node] {
        &self.nodes
    }
}

impl Node {
    /// A name, an IPv4 address, or an IPv6 address in brackets.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    pub(crate) const fn scheme(&self) -> Scheme {
        self.scheme
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, node) in self.nodes.iter().enumerate() {
            write!(f, "{}{node}", if at == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}:{}{}", self.scheme.name(), self.host, self.port, self.path)
    }
}

impl FromStr for ServerUrl {
    type Err = ServerUrlError;

    fn from_str(text: &str) -> Result<Self, ServerUrlError> {
        // An empty place between two commas is a mistake; blanks are no places.
        let places = text.split(',').flat_map(|part| {
            let empty = part.trim().is_empty().then_some("");
            part.split_whitespace().chain(empty)
        });
        let nodes = places.map(str::parse).collect::<Result<Vec<_>, _>>()?;
        if nodes.len() > NODES { Err(ServerUrlError::TooMany) } else { Ok(Self { nodes }) }
    }
}

impl FromStr for Node {
    type Err = ServerUrlError;

    fn from_str(text: &str) -> Result<Self, ServerUrlError> {
        let text = text.trim();
        let Some((scheme, _)) = text.split_once("://") else {
            return Err(ServerUrlError::NotAnAddress(text.to_owned()));
        };
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "mqtt" => Scheme::Mqtt,
            "mqtts" => Scheme::Mqtts,
            "ws" => Scheme::Ws,
            "wss" => Scheme::Wss,
            _ => return Err(ServerUrlError::Scheme(scheme.to_owned())),
        };
        let url = Url::parse(text).map_err(|e| match e {
            url::ParseError::EmptyHost => ServerUrlError::NoHost,
            _ => ServerUrlError::NotAnAddress(text.to_owned()),
        })?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(ServerUrlError::Credentials);
        }
        if let Some(query) = url.query() {
            return Err(ServerUrlError::Trailing(format!("?{query}")));
        }
        if let Some(fragment) = url.fragment() {
            return Err(ServerUrlError::Trailing(format!("#{fragment}")));
        }
        let host = match url.host() {
            None | Some(Host::Domain("")) => return Err(ServerUrlError::NoHost),
            Some(Host::Ipv6(_)) if scheme != Scheme::Mqtt => {
                return Err(ServerUrlError::Ipv6Literal(scheme.name().to_owned()));
            }
            Some(host) => host.to_string(),
        };
        let port = url.port().unwrap_or(scheme.default_port());
        if port == 0 {
            return Err(ServerUrlError::Port);
        }
        let path = match (scheme, url.path()) {
            (Scheme::Ws | Scheme::Wss, "" | "/") => "/mqtt".to_owned(),
            (Scheme::Ws | Scheme::Wss, path) => path.to_owned(),
            (Scheme::Mqtt | Scheme::Mqtts, "" | "/") => String::new(),
            (Scheme::Mqtt | Scheme::Mqtts, path) => return Err(ServerUrlError::Trailing(path.to_owned())),
        };
        Ok(Self { scheme, host, port, path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<String, ServerUrlError> {
        text.parse::<ServerUrl>().map(|url| url.to_string())
    }

    #[test]
    fn a_cluster_has_several_addresses() {
        let text = "mqtts://one.example, mqtts://two.example:8884 ,wss://three.example";
        let url: ServerUrl = text.parse().expect("a server");
        let nodes: Vec<String> = url.nodes().iter().map(ToString::to_string).collect();
        assert_eq!(nodes, ["mqtts://one.example:8883", "mqtts://two.example:8884", "wss://three.example:443/mqtt"]);
        assert_eq!(url.to_string().parse(), Ok(url.clone()), "it is kept as text");
        assert!(url.is_encrypted());
        assert_eq!(
            parse("mqtt://a.example  mqtt://b.example\nmqtt://c.example"),
            parse("mqtt://a.example,mqtt://b.example, mqtt://c.example")
        );
        assert!(matches!(parse("mqtt://one.example,"), Err(ServerUrlError::NotAnAddress(_))));
        assert!(matches!(parse("mqtt://one.example,two.example"), Err(ServerUrlError::NotAnAddress(_))));
        assert_eq!(parse(&vec!["mqtt://n.example"; 17].join(",")), Err(ServerUrlError::TooMany));
    }

    #[test]
    fn ports_and_paths_have_defaults() {
        assert_eq!(parse("mqtt://office.example"), Ok("mqtt://office.example:1883".into()));
        assert_eq!(parse("MQTTS://office.example/"), Ok("mqtts://office.example:8883".into()));
        assert_eq!(parse(" ws://10.0.0.1 "), Ok("ws://10.0.0.1:80/mqtt".into()));
        assert_eq!(parse("wss://office.example:444/broker"), Ok("wss://office.example:444/broker".into()));
        assert_eq!(parse("mqtt://[::1]:1884"), Ok("mqtt://[::1]:1884".into()));
    }

    #[test]
    fn each_mistake_has_its_own_words() {
        assert!(matches!(parse("office.example"), Err(ServerUrlError::NotAnAddress(_))));
        assert!(matches!(parse("http://office.example"), Err(ServerUrlError::Scheme(_))));
        assert!(matches!(parse("mqtt://"), Err(ServerUrlError::NoHost | ServerUrlError::NotAnAddress(_))));
        assert_eq!(parse("mqtt://office.example:0"), Err(ServerUrlError::Port));
        assert_eq!(parse("mqtt://ann:secret@office.example"), Err(ServerUrlError::Credentials));
        assert!(matches!(parse("mqtt://office.example/x"), Err(ServerUrlError::Trailing(_))));
        assert!(matches!(parse("wss://office.example/mqtt?t=1"), Err(ServerUrlError::Trailing(_))));
        assert!(matches!(parse("wss://[::1]/mqtt"), Err(ServerUrlError::Ipv6Literal(_))));
        assert!(matches!(parse("mqtt://host:99999"), Err(ServerUrlError::NotAnAddress(_))));
    }
}
