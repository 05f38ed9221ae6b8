//! Sizes such as `"64MiB"`, durations such as `"10s"` and addresses such as `"127.0.0.1:8080"`, read from TOML strings.

use ipnet::IpNet;
use serde::{Deserialize, Deserializer, de::Error};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

const SIZE_UNITS: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];
const DURATION_UNITS_MS: [(&str, u64); 4] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)];

/// Reads a size in bytes.
pub(super) fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let text = String::deserialize(deserializer)?;
    number_with_unit(&text, &SIZE_UNITS).ok_or_else(|| {
        D::Error::custom(format!("expected a size such as \"64MiB\" (B, KiB, MiB, GiB), got \"{text}\""))
    })
}

/// Reads a duration.
pub(super) fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    number_with_unit(&text, &DURATION_UNITS_MS)
        .map(Duration::from_millis)
        .ok_or_else(|| D::Error::custom(format!("expected a duration such as \"10s\" (ms, s, m, h), got \"{text}\"")))
}

/// Reads a duration that may be absent.
pub(super) fn some_duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    duration(deserializer).map(Some)
}

/// Reads an address with its port.
pub(super) fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    Address::deserialize(deserializer).map(|Address(address)| address)
}

/// Reads a list of addresses.
pub(super) fn addresses<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<SocketAddr>, D::Error> {
    let list = Vec::<Address>::deserialize(deserializer)?;
    Ok(list.into_iter().map(|Address(address)| address).collect())
}

/// Reads a list of networks.
pub(super) fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    let list = Vec::<String>::deserialize(deserializer)?;
    let parse = |text: String| {
        let expected = |_| format!("expected a network such as \"10.0.0.0/8\" or \"::1/128\", got \"{text}\"");
        text.parse().map_err(expected).map_err(D::Error::custom)
    };
    list.into_iter().map(parse).collect()
}

/// Reads a table whose values are addresses.
pub(super) fn address_table<'de, D, K>(deserializer: D) -> Result<BTreeMap<K, SocketAddr>, D::Error>
where
    D: Deserializer<'de>,
    K: Deserialize<'de> + Ord,
{
    let table = BTreeMap::<K, Address>::deserialize(deserializer)?;
    Ok(table.into_iter().map(|(key, Address(address))| (key, address)).collect())
}

/// An address with its port. A name is no address: it would have to be looked up first.
struct Address(SocketAddr);

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let expected = |_| {
            let examples = "\"127.0.0.1:8080\" or \"[::1]:8080\"";
            D::Error::custom(format!(
                "expected address:port, an IP address and a port such as {examples}, got \"{text}\""
            ))
        };
        text.parse().map(Self).map_err(expected)
    }
}

/// A positive whole number directly followed by a unit.
fn number_with_unit(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits_end = text.bytes().position(|b| !b.is_ascii_digit())?;
    let (digits, unit) = text.split_at(digits_end);
    let factor = units.iter().find(|(name, _)| *name == unit)?.1;
    digits.parse::<u64>().ok()?.checked_mul(factor).filter(|product| *product > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_need_a_known_unit() {
        let rows = [
            ("64MiB", Some(64 << 20)),
            ("1B", Some(1)),
            ("64", None),
            ("MiB", None),
            ("0MiB", None),
            ("-1MiB", None),
            ("1.5MiB", None),
            ("64 MiB", None),
            ("64MB", None),
            ("18446744073709551615GiB", None),
        ];
        for (text, expected) in rows {
            assert_eq!(number_with_unit(text, &SIZE_UNITS), expected, "{text:?}");
        }
        assert_eq!(number_with_unit("2m", &DURATION_UNITS_MS), Some(120_000));
    }
}
