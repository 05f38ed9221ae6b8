//! From an authority to the addresses that will be dialled: resolved once, checked, never looked up again.

use super::guard::{AddressGuard, NamedBy};
use crate::config::{HostPattern, OverrideName, ResolverConfig};
use crate::fault::Fault;
use crate::names::{Authority, Host};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// Addresses of one name that are tried.
const ADDRESSES_MAX: usize = 16;
/// Time for one look-up by the system.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);

/// Resolves and checks.
#[derive(Debug)]
pub(crate) struct Resolver {
    /// Most special first.
    overrides: Vec<(OverrideName, SocketAddr)>,
    guard: AddressGuard,
}

impl Resolver {
    /// A resolver with the configured overrides.
    pub(crate) fn new(config: &ResolverConfig, guard: AddressGuard) -> Self {
        let mut overrides: Vec<_> = config.overrides.iter().map(|(name, target)| (name.clone(), *target)).collect();
        overrides.sort_by_key(|(name, _)| std::cmp::Reverse(precision(name)));
        Self { overrides, guard }
    }

    /// The addresses of an authority, all of which may be dialled.
    pub(crate) async fn resolve(&self, authority: &Authority) -> Result<Vec<SocketAddr>, Fault> {
        if let Some(target) = self.overridden(authority) {
            self.guard.check(&[target], NamedBy::Override)?;
            return Ok(vec![target]);
        }
        let addresses = addresses_of(authority).await?;
        self.guard.check(&addresses, NamedBy::Others)?;
        Ok(addresses)
    }

    /// The addresses of what the configuration names by itself, which may be private.
    pub(super) async fn resolve_trusted(&self, authority: &Authority) -> Result<Vec<SocketAddr>, Fault> {
        let addresses = match self.overridden(authority) {
            Some(target) => vec![target],
            None => addresses_of(authority).await?,
        };
        self.guard.check(&addresses, NamedBy::Override)?;
        Ok(addresses)
    }

    /// The address that the configuration has for an authority.
    pub(super) fn overridden(&self, authority: &Authority) -> Option<SocketAddr> {
        self.overrides.iter().find(|(name, _)| name.covers(authority)).map(|(_, target)| *target)
    }

    /// Judges what can be judged of an authority that somebody else resolves: addresses, and the name that everybody has
    /// for themselves.
    pub(super) fn check_unresolved(&self, authority: &Authority) -> Result<(), Fault> {
        let ip = match &authority.host {
            Host::Address(ip) => *ip,
            Host::Name(name) if name == "localhost" || name.ends_with(".localhost") => Ipv4Addr::LOCALHOST.into(),
            Host::Name(_) => return Ok(()),
        };
        self.guard.check(&[SocketAddr::new(ip, authority.port)], NamedBy::Others)
    }
}

/// Exact names before suffixes, long suffixes before short ones, a named port before any.
fn precision(name: &OverrideName) -> (usize, bool) {
    let host = match &name.host {
        HostPattern::Exact(_) => usize::MAX,
        HostPattern::Below(suffix) => suffix.len(),
    };
    (host, name.port.is_some())
}

async fn addresses_of(authority: &Authority) -> Result<Vec<SocketAddr>, Fault> {
    match &authority.host {
        Host::Address(ip) => Ok(vec![SocketAddr::new(*ip, authority.port)]),
        Host::Name(name) => look_up(name, authority.port).await,
    }
}

/// Asks the system.
async fn look_up(name: &str, port: u16) -> Result<Vec<SocketAddr>, Fault> {
    let found = tokio::time::timeout(LOOKUP_TIMEOUT, tokio::net::lookup_host((name, port))).await;
    let addresses: Vec<_> = match found {
        Ok(Ok(addresses)) => addresses.take(ADDRESSES_MAX).collect(),
        Ok(Err(_)) => return Err(Fault::Resolve),
        Err(_elapsed) => return Err(Fault::Timeout),
    };
    if addresses.is_empty() { Err(Fault::Resolve) } else { Ok(addresses) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[tokio::test]
    async fn the_most_special_override_wins() {
        let text = r#"
            [resolver.override]
            "*.example" = "127.0.0.1:1"
            "*.a.example" = "127.0.0.1:2"
            "*.a.example:443" = "127.0.0.1:3"
            "x.a.example" = "127.0.0.1:4"
            "self.example" = "127.0.0.1:9090"
        "#;
        let config: Config = toml::from_str(text).unwrap();
        let guard = AddressGuard::new(false, vec!["127.0.0.1:9090".parse().unwrap()]);
        let resolver = Resolver::new(&config.resolver, guard);
        let rows = [
            ("b.example:80", Ok(1)),
            ("b.a.example:80", Ok(2)),
            ("b.a.example:443", Ok(3)),
            ("x.a.example:443", Ok(4)),
            ("self.example:80", Err(Fault::OwnListener)),
            ("127.0.0.1:80", Err(Fault::PrivateAddress)),
        ];
        for (authority, expected) in rows {
            let got = resolver.resolve(&Authority::parse(authority, None).unwrap()).await;
            assert_eq!(got.map(|addresses| addresses[0].port()), expected, "{authority}");
        }
    }
}
