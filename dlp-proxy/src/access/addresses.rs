//! Whose machine an address is, as somebody who knows (a VPN, a DHCP server) has said, and for how long that is believed.

use jiff::{SignedDuration, Timestamp};
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

/// Addresses at a time.
const ADDRESSES_MAX: usize = 100_000;
/// For how long anything is believed.
pub(crate) const TTL_MAX: Duration = Duration::from_secs(24 * 3600);

/// Addresses of people.
#[derive(Debug, Default)]
pub(super) struct Addresses(HashMap<IpAddr, Holder>);

#[derive(Debug)]
struct Holder {
    person: String,
    until: Timestamp,
}

/// There are as many addresses as can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl Addresses {
    /// Believes that an address is a person's; a time of nothing takes that back.
    pub(super) fn set(&mut self, address: IpAddr, person: &str, ttl: Duration, now: Timestamp) -> Result<(), Full> {
        let address = address.to_canonical();
        if self.0.len() >= ADDRESSES_MAX {
            self.0.retain(|_, holder| holder.until > now);
        }
        if ttl.is_zero() {
            self.0.remove(&address);
            return Ok(());
        }
        if self.0.len() >= ADDRESSES_MAX && !self.0.contains_key(&address) {
            return Err(Full);
        }
        let ttl = SignedDuration::try_from(ttl.min(TTL_MAX)).unwrap_or(SignedDuration::ZERO);
        let until = now.checked_add(ttl).unwrap_or(now);
        self.0.insert(address, Holder { person: person.to_owned(), until });
        Ok(())
    }

    /// Whose an address is.
    pub(super) fn person(&self, address: IpAddr, now: Timestamp) -> Option<&str> {
        let holder = self.0.get(&address.to_canonical())?;
        (holder.until > now).then_some(&*holder.person)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_somebodys_for_a_time() {
        let (mut addresses, one) = (Addresses::default(), IpAddr::from([192, 0, 2, 1]));
        let mapped: IpAddr = "::ffff:192.0.2.1".parse().unwrap();
        let at = |seconds: i64| Timestamp::from_second(1_800_000_000 + seconds).unwrap();
        addresses.set(mapped, "anna", Duration::from_secs(60), at(0)).unwrap();
        let rows = [
            (one, 59, Some("anna")),
            (mapped, 59, Some("anna")),
            (one, 60, None),
            (IpAddr::from([192, 0, 2, 2]), 0, None),
        ];
        for (address, seconds, expected) in rows {
            assert_eq!(addresses.person(address, at(seconds)), expected, "{address} {seconds}");
        }
        addresses.set(one, "bob", Duration::MAX, at(0)).unwrap();
        assert_eq!(addresses.person(one, at(24 * 3600 - 1)), Some("bob"));
        assert_eq!(addresses.person(one, at(24 * 3600)), None);
        addresses.set(one, "bob", Duration::ZERO, at(0)).unwrap();
        assert_eq!(addresses.person(one, at(0)), None);
    }
}
