//! The local addresses of a connection, found again at every ICE restart.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};

use rtc::shared::ifaces::ifaces;

use super::config::Bind;

/// Addresses bound at most: each one multiplies the pairs that ICE has to check.
const MAX_ADDRESSES: usize = 6;

/// The addresses to bind, resolved whenever the stack binds its sockets.
///
/// The stack drops and binds its sockets anew at an ICE restart. An address that is still there keeps its port, so
/// packets that the peer sends on the old path still arrive and the offer can name the address before the restart
/// is applied; an address that appeared gets a port of its own; one that vanished is left out.
#[derive(Debug, Clone)]
pub(super) struct BindAddresses {
    bind: Bind,
    ports: Arc<Mutex<HashMap<IpAddr, u16>>>,
}

impl BindAddresses {
    pub(super) fn new(bind: Bind) -> Self {
        Self { bind, ports: Arc::default() }
    }

    /// Notes the port that the stack was given for one of our addresses.
    pub(super) fn learn(&self, address: SocketAddr) {
        let mut ports = self.ports.lock().unwrap_or_else(PoisonError::into_inner);
        if ports.len() < 4 * MAX_ADDRESSES || ports.contains_key(&address.ip()) {
            ports.insert(address.ip(), address.port());
        }
    }

    fn resolve(&self) -> Vec<SocketAddr> {
        let addresses = match &self.bind {
            Bind::Addresses(addresses) => addresses.clone(),
            Bind::Interfaces => interface_addresses(),
        };
        let ports = self.ports.lock().unwrap_or_else(PoisonError::into_inner);
        addresses
            .into_iter()
            .take(MAX_ADDRESSES)
            .map(|ip| SocketAddr::new(ip, ports.get(&ip).copied().unwrap_or(0)))
            .collect()
    }
}

impl ToSocketAddrs for BindAddresses {
    type Iter = std::vec::IntoIter<SocketAddr>;

    fn to_socket_addrs(&self) -> io::Result<Self::Iter> {
        Ok(self.resolve().into_iter())
    }
}

fn interface_addresses() -> Vec<IpAddr> {
    let mut usable: Vec<IpAddr> = Vec::new();
    let interfaces = ifaces().unwrap_or_else(|error| {
        tracing::warn!(%error, "network interfaces could not be listed");
        Vec::new()
    });
    for ip in interfaces.into_iter().filter_map(|interface| interface.addr).map(|address| address.ip()) {
        if is_usable(&ip) && !usable.contains(&ip) {
            usable.push(ip);
        }
    }
    if usable.is_empty() {
        usable.push(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    usable
}

fn is_usable(ip: &IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => !(ip.is_loopback() || ip.is_unspecified() || ip.is_link_local() || ip.is_multicast()),
        // fe80::/10 means nothing to a peer without the scope, which no candidate carries.
        IpAddr::V6(ip) => !(ip.is_loopback() || ip.is_unspecified() || ip.is_multicast() || ip.is_unicast_link_local()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_stays_keeps_its_port_and_a_new_one_gets_any() {
        let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let other = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));
        let bind = BindAddresses::new(Bind::Addresses(vec![loopback, other]));
        bind.learn(SocketAddr::new(loopback, 40_000));
        let resolved: Vec<_> = bind.to_socket_addrs().unwrap().collect();
        assert_eq!(resolved, [SocketAddr::new(loopback, 40_000), SocketAddr::new(other, 0)]);
    }

    #[test]
    fn interfaces_never_yield_link_local_and_always_yield_something() {
        let resolved: Vec<_> = BindAddresses::new(Bind::Interfaces).to_socket_addrs().unwrap().collect();
        assert!(!resolved.is_empty() && resolved.len() <= MAX_ADDRESSES);
        let loopbacks = resolved.iter().filter(|address| address.ip().is_loopback()).count();
        assert!(loopbacks == 0 || resolved.len() == 1);
        assert!(!is_usable(&"fe80::1".parse().unwrap()));
        assert!(!is_usable(&"169.254.3.4".parse().unwrap()));
        assert!(is_usable(&"fd00::2".parse().unwrap()));
    }
}
