//! Host patterns of the configuration: `host`, `*.suffix`, each with an optional port where a key allows it.

use crate::names::{Authority, Host};
use serde::{Deserialize, Deserializer, de::Error};
use std::net::SocketAddr;

/// A host, or every name below a suffix.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HostPattern {
    /// This host.
    Exact(Host),
    /// Every name that ends in `.suffix`, but not the suffix itself. Stored without the leading dot.
    Below(String),
}

impl HostPattern {
    /// Whether the pattern covers the host.
    #[must_use]
    pub fn covers(&self, host: &Host) -> bool {
        match self {
            Self::Exact(own) => own == host,
            Self::Below(suffix) => {
                let head = host.name().and_then(|name| name.strip_suffix(suffix.as_str()));
                head.is_some_and(|head| head.len() > 1 && head.ends_with('.'))
            }
        }
    }

    /// A host, or `*.suffix`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix("*.") {
            Some(suffix) => Some(Self::Below(Host::parse(suffix).ok()?.name()?.to_owned())),
            None => Host::parse(text).ok().map(Self::Exact),
        }
    }
}

impl<'de> Deserialize<'de> for HostPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom(format!("expected a host or *.suffix, got \"{text}\"")))
    }
}

/// Left side of `resolver.override`: which destinations it concerns.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OverrideName {
    /// The hosts.
    pub host: HostPattern,
    /// The port; `None` covers all.
    pub port: Option<u16>,
}

impl OverrideName {
    /// Whether the override concerns this destination.
    #[must_use]
    pub fn covers(&self, authority: &Authority) -> bool {
        self.port.is_none_or(|port| port == authority.port) && self.host.covers(&authority.host)
    }

    fn parse(text: &str) -> Option<Self> {
        let (wildcard, rest) = match text.strip_prefix("*.") {
            Some(rest) => ("*.", rest),
            None => ("", text),
        };
        let has_port = !rest.ends_with(']') && rest.contains(':');
        // The default stands for "no port" and is thrown away.
        let authority = Authority::parse(rest, Some(1)).ok()?;
        let host = HostPattern::parse(&format!("{wildcard}{}", authority.host))?;
        Some(Self { host, port: has_port.then_some(authority.port) })
    }
}

impl<'de> Deserialize<'de> for OverrideName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let expected = || D::Error::custom(format!("expected host[:port] or *.suffix[:port], got \"{text}\""));
        Self::parse(&text).ok_or_else(expected)
    }
}

/// Right side of `resolver.override`.
pub type OverrideTarget = SocketAddr;

/// The host and port of another proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParentName(pub Authority);

impl<'de> Deserialize<'de> for ParentName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let expected = |_| D::Error::custom(format!("expected host:port without a scheme, got \"{text}\""));
        Authority::parse(&text, None).map(Self).map_err(expected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overrides_cover_what_they_say() {
        let rows = [
            ("a.example", "a.example:443", true),
            ("a.example", "b.a.example:443", false),
            ("a.example:443", "a.example:443", true),
            ("a.example:443", "a.example:80", false),
            ("*.a.example", "b.a.example:443", true),
            ("*.a.example", "c.b.a.example:1", true),
            ("*.a.example", "a.example:443", false),
            ("*.a.example", "xa.example:443", false),
            ("*.a.example:443", "b.a.example:80", false),
            ("192.0.2.1:443", "192.0.2.1:443", true),
            ("[2001:db8::1]", "[2001:db8::1]:443", true),
        ];
        for (pattern, authority, expected) in rows {
            let name = OverrideName::parse(pattern).unwrap();
            assert_eq!(name.covers(&Authority::parse(authority, None).unwrap()), expected, "{pattern} {authority}");
        }
        for wrong in ["", "*.", "*", "a b", "a:0", "*.192.0.2.1", "a.*.example", "127.1"] {
            assert_eq!(OverrideName::parse(wrong), None, "{wrong:?}");
        }
    }
}
