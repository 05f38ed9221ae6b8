//! Memory for messages of WebSockets and gRPC calls of which not all has come.
//!
//! A message is held until it is whole, and nobody knows when that will be: a call may have a hundred of them open, and a
//! client many calls. So all of them together have a bound, and those of one address a smaller one, that one client cannot
//! take the room of the others. Small messages are not counted: they always find room.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bytes of each message that are not counted. The windows of HTTP/2 hold more.
const FREE_BYTES: u64 = 64 * 1024;
/// Largest messages, each held twice, as it came and as it reads, of one address and of all.
const OF_ONE_ADDRESS: u64 = 8;
const OF_ALL: u64 = 32;

/// The room, and who has taken how much of it.
#[derive(Debug)]
pub(crate) struct MessageRoom {
    total_max: u64,
    per_ip_max: u64,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    total: u64,
    by_ip: HashMap<IpAddr, u64>,
}

/// What one message takes, given back when dropped.
#[derive(Debug)]
pub(crate) struct MessageShare {
    room: Arc<MessageRoom>,
    ip: IpAddr,
    counted: u64,
}

impl MessageRoom {
    /// Room for messages of which the largest has so many bytes.
    pub(crate) fn new(message_max: u64) -> Arc<Self> {
        let room = |count: u64| message_max.saturating_mul(2 * count);
        Arc::new(Self { total_max: room(OF_ALL), per_ip_max: room(OF_ONE_ADDRESS), taken: Mutex::default() })
    }

    /// Nothing yet, for messages of a client at this address.
    pub(crate) fn share(self: &Arc<Self>, ip: IpAddr) -> MessageShare {
        MessageShare { room: self.clone(), ip: counted_as(ip), counted: 0 }
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whom an address counts for. A client of IPv6 has all addresses of its network to take, so these are one.
fn counted_as(ip: IpAddr) -> IpAddr {
    const NETWORK: u128 = !0 << 64;
    match ip.to_canonical() {
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() & NETWORK).into(),
        ip => ip,
    }
}

impl MessageShare {
    /// Takes room for so many bytes in place of what it had. False, and nothing changes, when there is none.
    #[must_use]
    pub(crate) fn hold(&mut self, bytes: u64) -> bool {
        let wanted = bytes.saturating_sub(FREE_BYTES);
        if wanted == self.counted {
            return true;
        }
        let mut taken = self.room.taken();
        let total = taken.total - self.counted + wanted;
        let own = taken.by_ip.get(&self.ip).copied().unwrap_or(0) - self.counted + wanted;
        if wanted > self.counted && (total > self.room.total_max || own > self.room.per_ip_max) {
            return false;
        }
        taken.total = total;
        match own {
            0 => drop(taken.by_ip.remove(&self.ip)),
            own => drop(taken.by_ip.insert(self.ip, own)),
        }
        self.counted = wanted;
        true
    }
}

impl Drop for MessageShare {
    fn drop(&mut self) {
        // To give back there is always room.
        let _ = self.hold(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const MESSAGE: u64 = 1 << 20;

    #[test]
    fn the_addresses_of_a_network_are_one_client() {
        let rows = [
            ("192.0.2.1", "192.0.2.1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("2001:db8:1:3:3:4:5:6", "2001:db8:1:3::"),
        ];
        for (address, expected) in rows {
            assert_eq!(counted_as(address.parse().unwrap()).to_string(), expected, "{address}");
        }
    }

    #[test]
    fn one_client_leaves_room_for_others() {
        let room = MessageRoom::new(MESSAGE);
        let of = |last: u8| room.share(IpAddr::from(Ipv4Addr::new(192, 0, 2, last)));
        let fill = |last: u8| {
            let mut shares: Vec<_> = (0..100).map(|_| of(last)).collect();
            let held = shares.iter_mut().filter_map(|share| share.hold(MESSAGE).then_some(())).count();
            (shares, held)
        };
        let (mut shares, held) = fill(1);
        // Some more than sixteen, because the first bytes of each are not counted.
        assert_eq!(held, 17);
        let mut small = of(1);
        assert!(small.hold(FREE_BYTES), "small ones find room");
        assert!(!small.hold(MESSAGE / 2 + FREE_BYTES), "{small:?}");
        assert!(shares[0].hold(MESSAGE / 4) && small.hold(MESSAGE / 2 + FREE_BYTES), "what is given back is free");
        let others: Vec<_> = (2..=4).map(fill).collect();
        assert_eq!(others.iter().map(|(_, held)| *held).collect::<Vec<_>>(), [17, 17, 17]);
        assert_eq!(fill(5).1, 0, "nor do all together take more than there is");
        drop((shares, small, others));
        let taken = room.taken();
        assert_eq!((taken.total, taken.by_ip.len()), (0, 0));
    }
}
