//! How many client connections may be open, in total and from one address, and which one makes room.
//!
//! A connection is busy from a complete request head until its answer has been handed over, and idle otherwise. When
//! the share of an address or the total is used up, a newcomer takes the place of the oldest idle connection: first of
//! those that never sent a complete request head, then of those that wait for their next request. So opening many
//! connections and saying nothing keeps nobody out. A busy connection never makes room.

use crate::config::LimitsConfig;
use crate::metrics::Metrics;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Time that a connection which has served requests gets to hand over what is still in its buffers.
const CLOSE_GRACE: Duration = Duration::from_secs(1);

/// Client connections, in total and by address.
#[derive(Debug)]
pub(crate) struct Admission {
    metrics: Arc<Metrics>,
    total_max: usize,
    per_ip_max: usize,
    places: Mutex<Places>,
    /// Told when a place may have become free.
    freed: Notify,
}

/// Why a connection got no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Full {
    /// The address has its share, and all of it is busy.
    Share,
    /// All places are taken by busy connections.
    Total,
}

#[derive(Debug, Default)]
struct Places {
    by_ip: HashMap<IpAddr, HashMap<u64, Place>>,
    taken: usize,
    /// Counts events, to tell which connection has been idle for longest.
    clock: u64,
}

/// One connection.
#[derive(Debug)]
struct Place {
    /// Requests in progress.
    busy: u32,
    /// Whether it ever sent a complete request head.
    has_served: bool,
    /// Since when it has been idle.
    idle_since: u64,
    shed: CancellationToken,
}

/// The right to serve one connection, given back when dropped.
#[derive(Debug)]
pub(crate) struct Admitted {
    admission: Arc<Admission>,
    ip: IpAddr,
    id: u64,
    shed: CancellationToken,
    has_served: AtomicBool,
}

/// Keeps a connection from making room, for as long as it lives.
#[derive(Debug)]
pub(crate) struct Busy(Arc<Admitted>);

impl Admission {
    /// With the configured bounds.
    pub(crate) fn new(limits: &LimitsConfig, metrics: Arc<Metrics>) -> Arc<Self> {
        let bound = |value: std::num::NonZeroU32| usize::try_from(value.get()).unwrap_or(usize::MAX);
        Arc::new(Self {
            metrics,
            total_max: bound(limits.connections),
            per_ip_max: bound(limits.connections_per_ip),
            places: Mutex::default(),
            freed: Notify::new(),
        })
    }

    /// Gives a connection of this address a place, if need be that of an idle one.
    pub(crate) fn admit(self: &Arc<Self>, ip: IpAddr) -> Result<Admitted, Full> {
        let mut places = self.places();
        if places.by_ip.get(&ip).map_or(0, HashMap::len) >= self.per_ip_max {
            self.shed(&mut places, Some(ip)).ok_or(Full::Share)?;
        }
        if places.taken >= self.total_max {
            self.shed(&mut places, None).ok_or(Full::Total)?;
        }
        let id = places.tick();
        let shed = CancellationToken::new();
        let place = Place { busy: 0, has_served: false, idle_since: id, shed: shed.clone() };
        places.by_ip.entry(ip).or_default().insert(id, place);
        places.taken += 1;
        self.metrics.connections.inc();
        self.metrics.connections_total.inc();
        Ok(Admitted { admission: self.clone(), ip, id, shed, has_served: AtomicBool::new(false) })
    }

    /// Waits until [`Self::admit`] is worth another try.
    pub(crate) async fn freed(&self) {
        self.freed.notified().await;
    }

    /// Tells the oldest idle connection, of this address or of all, to end. Its place is free at once.
    fn shed(&self, places: &mut Places, ip: Option<IpAddr>) -> Option<()> {
        let (ip, id) = places.oldest_idle(ip)?;
        let place = places.remove(ip, id)?;
        place.shed.cancel();
        self.metrics.connections.dec();
        self.metrics.connections_shed.inc();
        Some(())
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Places {
    fn tick(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }

    fn oldest_idle(&self, ip: Option<IpAddr>) -> Option<(IpAddr, u64)> {
        let of_ip = |ip: IpAddr, places: &HashMap<u64, Place>| {
            let idle = places.iter().filter(|(_, place)| place.busy == 0);
            idle.map(|(id, place)| (place.has_served, place.idle_since, *id))
                .min()
                .map(|(served, since, id)| (served, since, ip, id))
        };
        let oldest = match ip {
            Some(ip) => self.by_ip.get(&ip).and_then(|places| of_ip(ip, places)),
            None => self.by_ip.iter().filter_map(|(ip, places)| of_ip(*ip, places)).min(),
        };
        oldest.map(|(_, _, ip, id)| (ip, id))
    }

    fn remove(&mut self, ip: IpAddr, id: u64) -> Option<Place> {
        let own = self.by_ip.get_mut(&ip)?;
        let place = own.remove(&id)?;
        if own.is_empty() {
            self.by_ip.remove(&ip);
        }
        self.taken -= 1;
        Some(place)
    }

    fn get_mut(&mut self, ip: IpAddr, id: u64) -> Option<&mut Place> {
        self.by_ip.get_mut(&ip)?.get_mut(&id)
    }
}

impl Admitted {
    /// Marks the connection busy: a request head is complete, or a relay has begun.
    pub(crate) fn busy(self: &Arc<Self>) -> Busy {
        if let Some(place) = self.admission.places().get_mut(self.ip, self.id) {
            place.busy += 1;
            place.has_served = true;
        }
        self.has_served.store(true, Ordering::Relaxed);
        Busy(self.clone())
    }

    /// Resolves when the connection has to make room.
    pub(crate) async fn shed(&self) {
        self.shed.cancelled().await;
    }

    /// Resolves when a connection that was told to make room has had its time. One that never sent a request is owed
    /// nothing.
    pub(crate) async fn cut(&self) {
        self.shed().await;
        if self.has_served.load(Ordering::Relaxed) {
            tokio::time::sleep(CLOSE_GRACE).await;
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let Admitted { admission, ip, id, .. } = &*self.0;
        let mut places = admission.places();
        let now = places.tick();
        if let Some(place) = places.get_mut(*ip, *id) {
            place.busy -= 1;
            place.idle_since = now;
        }
        drop(places);
        admission.freed.notify_one();
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        // A connection that was shed has lost its place already.
        if self.admission.places().remove(self.ip, self.id).is_some() {
            self.admission.metrics.connections.dec();
        }
        self.admission.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU32;

    const ONE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const TWO: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    fn admission(total: u32, per_ip: u32) -> Arc<Admission> {
        let few = |count| NonZeroU32::new(count).unwrap();
        let limits =
            LimitsConfig { connections: few(total), connections_per_ip: few(per_ip), ..LimitsConfig::default() };
        Admission::new(&limits, Arc::new(Metrics::new()))
    }

    fn is_shed(admitted: &Admitted) -> bool {
        admitted.shed.is_cancelled()
    }

    #[test]
    fn the_oldest_silent_connection_of_the_address_makes_room() {
        let admission = admission(9, 3);
        let open: Vec<_> = (0..3).map(|_| Arc::new(admission.admit(ONE).unwrap())).collect();
        let other = admission.admit(TWO).unwrap();
        // The first one has served a request, so it goes after those that never sent one.
        drop(open[0].busy());
        let transfer = open[1].busy();
        let first = Arc::new(admission.admit(ONE).unwrap());
        assert_eq!(open.iter().map(|a| is_shed(a)).collect::<Vec<_>>(), [false, false, true]);
        let held = first.busy();
        let second = Arc::new(admission.admit(ONE).unwrap());
        assert_eq!(open.iter().map(|a| is_shed(a)).collect::<Vec<_>>(), [true, false, true]);
        let also_held = second.busy();
        assert_eq!(admission.admit(ONE).err(), Some(Full::Share), "all three are busy");
        drop(transfer);
        let third = admission.admit(ONE).unwrap();
        assert!(is_shed(&open[1]) && !is_shed(&other));
        assert_eq!(admission.metrics.connections.get(), 4);
        assert_eq!(admission.metrics.connections_shed.get(), 3);
        drop((open, first, second, third, other, held, also_held));
        assert_eq!(admission.metrics.connections.get(), 0);
        assert_eq!(admission.places().taken, 0);
    }

    #[tokio::test]
    async fn the_total_makes_room_the_same_way_and_else_waits() {
        let admission = admission(2, 2);
        let first = Arc::new(admission.admit(ONE).unwrap());
        let second = Arc::new(admission.admit(TWO).unwrap());
        let busy = (first.busy(), second.busy());
        let third = IpAddr::from([192, 0, 2, 3]);
        assert_eq!(admission.admit(third).err(), Some(Full::Total));
        drop(busy.1);
        admission.freed().await;
        let third = admission.admit(third).unwrap();
        assert!(is_shed(&second) && !is_shed(&first) && !is_shed(&third));
    }
}
