//! Which addresses may be dialled.
//!
//! A name can resolve to anything, so the check is made on addresses, and on every address of a name: one private
//! address among public ones is how rebinding attacks look. Forms that carry an IPv4 address inside an IPv6 address
//! are unwrapped first.

use crate::fault::Fault;
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// Special-purpose networks (IANA registries): private, local, shared, documentation, multicast, reserved.
const RESERVED: [&str; 28] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::/127",
    "64:ff9b:1::/48",
    "100::/64",
    "2001::/23",
    "2001:db8::/32",
    "3fff::/20",
    "5f00::/16",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
    "::ffff:0:0:0/96",
    "::/96",
];

/// Metadata services of clouds, which hand out credentials to whoever can reach them.
const METADATA: [IpAddr; 3] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
];

/// How far an address is trusted because of how it was named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NamedBy {
    /// By a resolver or by the client.
    Others,
    /// By the configuration, explicitly.
    Override,
}

/// Judges addresses.
#[derive(Clone, Debug)]
pub(crate) struct AddressGuard {
    reserved: Vec<IpNet>,
    allow_private: bool,
    listeners: Vec<SocketAddr>,
}

impl AddressGuard {
    /// A guard that knows the gateway's own sockets.
    pub(crate) fn new(allow_private: bool, listeners: Vec<SocketAddr>) -> Self {
        let reserved = RESERVED.iter().map(|net| net.parse().expect("the table holds networks")).collect();
        Self { reserved, allow_private, listeners }
    }

    /// Accepts all addresses or refuses them whole.
    pub(crate) fn check(&self, addresses: &[SocketAddr], named_by: NamedBy) -> Result<(), Fault> {
        if addresses.iter().any(|address| self.is_own(*address)) {
            return Err(Fault::OwnListener);
        }
        let is_refused = |address: &SocketAddr| {
            let ip = unwrap(address.ip());
            METADATA.contains(&ip) || (!self.allow_private && self.reserved.iter().any(|net| net.contains(&ip)))
        };
        match named_by {
            NamedBy::Others if addresses.iter().any(is_refused) => Err(Fault::PrivateAddress),
            _ => Ok(()),
        }
    }

    /// Whether the address leads to a socket of this process, in any spelling.
    fn is_own(&self, address: SocketAddr) -> bool {
        let ip = unwrap(address.ip());
        self.listeners.iter().filter(|listener| listener.port() == address.port()).any(|listener| {
            let own = unwrap(listener.ip());
            // The unspecified address as a target means this host; as a listener it means all of its addresses.
            own == ip || ip.is_unspecified() || (own.is_unspecified() && is_local(ip))
        })
    }
}

/// Whether the address is one of this host: only those can be bound.
fn is_local(ip: IpAddr) -> bool {
    ip.is_loopback() || UdpSocket::bind((ip, 0)).is_ok()
}

/// The IPv4 address inside an IPv6 address: mapped, NAT64 or 6to4.
fn unwrap(ip: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = ip else { return ip };
    let octets = v6.octets();
    let inner = |at: usize| IpAddr::V4(Ipv4Addr::new(octets[at], octets[at + 1], octets[at + 2], octets[at + 3]));
    match v6.segments() {
        [0, 0, 0, 0, 0, 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => inner(12),
        [0x2002, ..] => inner(2),
        _ => ip,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(guard: &AddressGuard, addresses: &[&str], expected: Option<Fault>) {
        let list: Vec<SocketAddr> = addresses.iter().map(|text| text.parse().unwrap()).collect();
        assert_eq!(guard.check(&list, NamedBy::Others).err(), expected, "{addresses:?}");
    }

    #[test]
    fn reserved_addresses_are_out_of_reach_in_every_spelling() {
        let guard = AddressGuard::new(false, Vec::new());
        for ip in [
            "127.0.0.1",
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "169.254.169.254",
            "172.31.0.1",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "[::]",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[fc00::1]",
            "[fe80::1]",
            "[64:ff9b::a00:1]",
            "[2002:7f00:1::]",
            "[2001::1]",
            "[2001:db8::1]",
            "[ff02::1]",
            "[::7f00:1]",
        ] {
            check(&guard, &[&format!("{ip}:443")], Some(Fault::PrivateAddress));
        }
        for ip in ["8.8.8.8", "172.32.0.1", "[2606:4700::1111]", "[64:ff9b::808:808]"] {
            check(&guard, &[&format!("{ip}:443")], None);
        }
        check(&guard, &["8.8.8.8:443", "127.0.0.1:443"], Some(Fault::PrivateAddress));
    }

    #[test]
    fn allow_private_stops_before_metadata_and_own_sockets() {
        let guard = AddressGuard::new(true, vec!["127.0.0.1:9090".parse().unwrap()]);
        check(&guard, &["127.0.0.1:443"], None);
        check(&guard, &["10.0.0.1:443"], None);
        check(&guard, &["169.254.169.254:80"], Some(Fault::PrivateAddress));
        check(&guard, &["[::ffff:169.254.169.254]:80"], Some(Fault::PrivateAddress));
        for own in ["127.0.0.1:9090", "0.0.0.0:9090", "[::]:9090", "[::ffff:127.0.0.1]:9090"] {
            check(&guard, &[own], Some(Fault::OwnListener));
        }
    }

    #[test]
    fn an_override_opens_private_addresses_but_no_own_socket() {
        let guard = AddressGuard::new(false, vec!["0.0.0.0:9090".parse().unwrap()]);
        let rows = [
            ("127.0.0.1:443", None),
            ("127.0.0.1:9090", Some(Fault::OwnListener)),
            ("127.5.5.5:9090", Some(Fault::OwnListener)),
            ("[::1]:9090", Some(Fault::OwnListener)),
        ];
        for (address, expected) in rows {
            let list = [address.parse().unwrap()];
            assert_eq!(guard.check(&list, NamedBy::Override).err(), expected, "{address}");
        }
    }
}
