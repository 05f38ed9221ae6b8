//! Host names and authorities, parsed strictly and once.
//!
//! Policy, certificate and connection must all mean the same host, so a spelling that two recipients could read in two
//! ways is refused here: numeric addresses that only C libraries understand, user information, percent-encoding, zone
//! identifiers, ports with leading zeros. What comes out is lower case and has no trailing dot.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Longest host name (RFC 1035 2.3.4).
const HOST_LEN_MAX: usize = 253;
/// Longest label of a host name.
const LABEL_LEN_MAX: usize = 63;

/// A host: a name in A-label form, or an address.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Host {
    /// Lower-case DNS name without trailing dot.
    Name(String),
    /// Address literal.
    Address(IpAddr),
}

/// A host with a port.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Authority {
    /// Host part.
    pub host: Host,
    /// Port, never 0.
    pub port: u16,
}

/// Why a host or authority was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// There is no host.
    #[error("the host is empty")]
    Empty,
    /// The name or one of its labels is too long, or a label is empty.
    #[error("the host name has an empty or overlong label, or more than 253 characters")]
    Length,
    /// A byte outside letters, digits, hyphen and underscore.
    #[error("the host name has a character outside letters, digits, '-', '_' and '.'")]
    Character,
    /// A numeric spelling that is not a canonical dotted quad.
    #[error("the host is a number but no canonical IPv4 address such as 192.0.2.1")]
    Numeric,
    /// An IPv6 address without brackets, with a zone, or malformed.
    #[error("the host is no IPv6 address in brackets such as [2001:db8::1]")]
    Ipv6,
    /// The port is missing, 0, above 65535, or not plain digits.
    #[error("the port is not a plain number from 1 to 65535")]
    Port,
}

impl Host {
    /// Parses a host as it stands in an authority: IPv6 in brackets.
    ///
    /// # Errors
    /// When the spelling is not strictly one host.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if let Some(rest) = text.strip_prefix('[') {
            let inner = rest.strip_suffix(']').ok_or(NameError::Ipv6)?;
            return inner.parse::<Ipv6Addr>().map(|ip| Self::Address(ip.into())).map_err(|_| NameError::Ipv6);
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        if name.is_empty() {
            return Err(NameError::Empty);
        }
        if looks_numeric(name) {
            return name.parse::<Ipv4Addr>().map(|ip| Self::Address(ip.into())).map_err(|_| NameError::Numeric);
        }
        check_name(name)?;
        Ok(Self::Name(name.to_ascii_lowercase()))
    }

    /// The DNS name, if it is one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Name(name) => Some(name),
            Self::Address(_) => None,
        }
    }

    /// The spelling used in certificates and TLS: no brackets.
    #[must_use]
    pub fn bare(&self) -> String {
        match self {
            Self::Name(name) => name.clone(),
            Self::Address(ip) => ip.to_string(),
        }
    }
}

impl Authority {
    /// Parses `host` or `host:port`; `default_port` stands in for an absent port.
    ///
    /// # Errors
    /// When the host or the port is not strictly spelt, or the port is absent and there is no default.
    pub fn parse(text: &str, default_port: Option<u16>) -> Result<Self, NameError> {
        let host_end = match text.rfind(']') {
            Some(bracket) => bracket + 1,
            None => text.find(':').unwrap_or(text.len()),
        };
        let (host, rest) = text.split_at(host_end);
        let port = match rest.strip_prefix(':') {
            Some(digits) => parse_port(digits)?,
            None if rest.is_empty() => default_port.ok_or(NameError::Port)?,
            None => return Err(NameError::Port),
        };
        Ok(Self { host: Host::parse(host)?, port })
    }
}

/// Port digits without sign, space or leading zero.
fn parse_port(digits: &str) -> Result<u16, NameError> {
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
    if plain { digits.parse().map_err(|_| NameError::Port) } else { Err(NameError::Port) }
}

/// Whether a C library could take the name for an IPv4 address: its last label starts with a digit and has digits or
/// hexadecimal digits only. No public top-level domain looks so.
fn looks_numeric(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    let digits = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X")).unwrap_or(last);
    let is_hex = digits.len() < last.len();
    last.starts_with(|c: char| c.is_ascii_digit())
        && digits.bytes().all(|b| if is_hex { b.is_ascii_hexdigit() } else { b.is_ascii_digit() })
}

/// Length and alphabet of a DNS name.
fn check_name(name: &str) -> Result<(), NameError> {
    if name.len() > HOST_LEN_MAX {
        return Err(NameError::Length);
    }
    for label in name.split('.') {
        if label.is_empty() || label.len() > LABEL_LEN_MAX {
            return Err(NameError::Length);
        }
        if !label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
            return Err(NameError::Character);
        }
    }
    Ok(())
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V4(ip)) => ip.fmt(f),
            Self::Address(IpAddr::V6(ip)) => write!(f, "[{ip}]"),
        }
    }
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_have_one_reading() {
        let rows = [
            ("Example.COM.", Ok("example.com")),
            ("192.0.2.1", Ok("192.0.2.1")),
            ("[2001:DB8::1]", Ok("[2001:db8::1]")),
            ("_dmarc.xn--bcher-kva.example", Ok("_dmarc.xn--bcher-kva.example")),
            ("", Err(NameError::Empty)),
            (".", Err(NameError::Empty)),
            ("a..b", Err(NameError::Length)),
            ("2130706433", Err(NameError::Numeric)),
            ("0x7f000001", Err(NameError::Numeric)),
            ("0x7f.1", Err(NameError::Numeric)),
            ("127.1", Err(NameError::Numeric)),
            ("127.0.0.01", Err(NameError::Numeric)),
            ("127.0.0.1.", Ok("127.0.0.1")),
            ("user@host", Err(NameError::Character)),
            ("ho%73t", Err(NameError::Character)),
            ("bücher.example", Err(NameError::Character)),
            ("[fe80::1%25eth0]", Err(NameError::Ipv6)),
            ("[::1", Err(NameError::Ipv6)),
        ];
        for (text, expected) in rows {
            let got = Host::parse(text).map(|host| host.to_string());
            assert_eq!(got.as_deref(), expected.as_ref().map(|s| *s), "{text:?}");
        }
    }

    #[test]
    fn authorities_have_plain_ports() {
        let rows = [
            ("a.example:443", None, Ok("a.example:443")),
            ("a.example", Some(80), Ok("a.example:80")),
            ("[::1]:8443", None, Ok("[::1]:8443")),
            ("a.example", None, Err(NameError::Port)),
            ("a.example:", Some(80), Err(NameError::Port)),
            ("a.example:0", None, Err(NameError::Port)),
            ("a.example:0443", None, Err(NameError::Port)),
            ("a.example:65536", None, Err(NameError::Port)),
            ("a.example:+443", None, Err(NameError::Port)),
            ("::1:443", None, Err(NameError::Port)),
            ("[::1]443", None, Err(NameError::Port)),
        ];
        for (text, default, expected) in rows {
            let got = Authority::parse(text, default).map(|authority| authority.to_string());
            assert_eq!(got.as_deref(), expected.as_ref().map(|s| *s), "{text:?}");
        }
    }
}
