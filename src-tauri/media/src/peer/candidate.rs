//! ICE candidates as they travel between the two sides (RFC 8839 section 5.1, RFC 8838).

use std::net::{IpAddr, SocketAddr};

use super::PeerError;

/// Candidates kept at most while no description says what to do with them.
pub const MAX_EARLY_CANDIDATES: usize = 30;

/// Longest candidate line read, bytes. Real ones stay below 250.
const MAX_CANDIDATE_LENGTH: usize = 1024;

/// One network address at which a side may be reached.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Candidate {
    /// `candidate:…`, as in SDP without the `a=`.
    pub candidate: String,
    /// The `a=mid` of the media section it belongs to.
    pub mid: Option<String>,
    /// The index of that section, counted from 0.
    pub line: Option<u16>,
}

/// What to do with a candidate that came from the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Usable {
    /// A UDP address.
    Yes(SocketAddr),
    /// Well formed, but of no use here: a TCP candidate, or a host name (multicast DNS, which hides an address; such
    /// a peer is still found, since its checks reach us and become a peer-reflexive candidate).
    No,
}

/// Reads a candidate line, with or without `a=` and `candidate:` in front.
pub(super) fn inspect(line: &str) -> Result<Usable, PeerError> {
    if line.len() > MAX_CANDIDATE_LENGTH || line.chars().any(char::is_control) {
        return Err(PeerError::Candidate);
    }
    let line = line.strip_prefix("a=").unwrap_or(line);
    let line = line.strip_prefix("candidate:").unwrap_or(line);
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    let &[_foundation, component, transport, priority, address, port, "typ", kind, ..] = fields.as_slice() else {
        return Err(PeerError::Candidate);
    };
    let numbers_fit = component.parse::<u16>().is_ok_and(|component| (1..=256).contains(&component))
        && priority.parse::<u32>().is_ok();
    let port: u16 = port.parse().map_err(|_| PeerError::Candidate)?;
    if !numbers_fit || !matches!(kind, "host" | "srflx" | "prflx" | "relay") {
        return Err(PeerError::Candidate);
    }
    // The stack reads these fields by position, so what stands there has to be what it expects.
    if fields.get(8) == Some(&"raddr")
        && !(fields.len() >= 12 && fields[10] == "rport" && fields[11].parse::<u16>().is_ok())
    {
        return Err(PeerError::Candidate);
    }
    if !transport.eq_ignore_ascii_case("udp") {
        return Ok(Usable::No);
    }
    match address.parse::<IpAddr>() {
        Ok(ip) if ip.is_unspecified() || ip.is_multicast() || port == 0 => Ok(Usable::No),
        Ok(ip) => Ok(Usable::Yes(SocketAddr::new(ip, port))),
        Err(_) if is_host_name(address) => Ok(Usable::No),
        Err(_) => Err(PeerError::Candidate),
    }
}

fn is_host_name(text: &str) -> bool {
    text.len() <= 253
        && text.contains('.')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
        // Digits alone would be a broken IPv4 address.
        && text.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// Candidates that came before the description they belong to.
#[derive(Debug, Default)]
pub(super) struct EarlyCandidates {
    kept: Vec<Candidate>,
}

impl EarlyCandidates {
    /// Keeps a candidate, or says that there is no room for it.
    pub(super) fn keep(&mut self, candidate: Candidate) -> Result<(), PeerError> {
        if self.kept.len() >= MAX_EARLY_CANDIDATES {
            return Err(PeerError::TooManyCandidates);
        }
        self.kept.push(candidate);
        Ok(())
    }

    pub(super) fn take(&mut self) -> Vec<Candidate> {
        std::mem::take(&mut self.kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn udp_addresses_are_usable_and_hidden_or_tcp_ones_are_passed_over() {
        let host = "candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host";
        assert_eq!(inspect(host).unwrap(), Usable::Yes("192.0.2.1:5000".parse().unwrap()));
        let relay = "a=candidate:1 1 UDP 1 2001:db8::1 9 typ relay raddr 0.0.0.0 rport 0 generation 0";
        assert_eq!(inspect(relay).unwrap(), Usable::Yes("[2001:db8::1]:9".parse().unwrap()));
        let mdns = "candidate:1 1 udp 2113937151 4f0b-11.local 5000 typ host";
        assert_eq!(inspect(mdns).unwrap(), Usable::No);
        let tcp = "candidate:1 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active";
        assert_eq!(inspect(tcp).unwrap(), Usable::No);
    }

    #[test]
    fn malformed_candidates_are_refused() {
        for line in [
            "",
            "candidate:",
            "hello",
            "candidate:1 1 udp 99999999999 192.0.2.1 5000 typ host",
            "candidate:1 1 udp 1 192.0.2.1 70000 typ host",
            "candidate:1 1 udp 1 192.0.2.999 5000 typ host",
            "candidate:1 0 udp 1 192.0.2.1 5000 typ host",
            "candidate:1 1 udp 1 192.0.2.1 5000 typ mystery",
            "candidate:1 1 udp 1 192.0.2.1 5000 typ srflx raddr 1.2.3.4",
            "candidate:1 1 udp 1 192.0.2.1 5000 typ host\r\na=setup:passive",
        ] {
            assert!(matches!(inspect(line), Err(PeerError::Candidate)), "{line}");
        }
        assert!(inspect(&"x".repeat(5000)).is_err());
    }
}
