//! The end of somebody's access, which comes at once.
//!
//! Every client connection, tunnel and WebSocket holds a [`Lease`] with what its users have proven. When somebody is
//! revoked, when files are read again, and as time passes, all leases are looked through, and those that stand on nothing
//! any more are cancelled: whoever serves the connection drops it, whatever it was doing, and no byte of a body that was
//! on its way leaves after that. What was revoked stays so, over restarts too, see [`log`].

mod addresses;
pub(crate) mod log;

use crate::fault::Fault;
use crate::identity::{Denied, Identity, Proof};
use crate::metrics::Metrics;
use crate::rules::{Exchangeable, Rules};
use crate::services::Services;
use addresses::Addresses;
pub(crate) use addresses::Full;
use dlp_core::decision::Actor;
use jiff::Timestamp;
use log::{AccessLog, AccessLogError, Change, Record};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often it is looked whether somebody's time is over.
const WATCH_INTERVAL: Duration = Duration::from_millis(250);

/// Who is connected, and who may not be any more.
#[derive(Debug)]
pub(crate) struct Access {
    state: Mutex<State>,
    log: Mutex<AccessLog>,
    metrics: Arc<Metrics>,
}

#[derive(Debug, Default)]
struct State {
    /// Lower-case names, with the reason that was given.
    revoked: BTreeMap<String, String>,
    addresses: Addresses,
    open: HashMap<u64, Open>,
    next: u64,
}

/// A connection, as it is seen from here.
#[derive(Debug)]
struct Open {
    proofs: HashSet<Proof>,
    ended: CancellationToken,
}

/// A connection's own end of it. Given back when dropped.
#[derive(Debug)]
pub(crate) struct Lease {
    access: Arc<Access>,
    id: u64,
    ended: CancellationToken,
}

/// What somebody who takes access away or gives it back is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Changed {
    /// Connections that were cut.
    pub(crate) connections: usize,
    /// Whether it will be so after a restart.
    pub(crate) is_kept: bool,
}

impl Access {
    /// Begins with what the log in a file says.
    pub(crate) fn open(log: &Path, metrics: Arc<Metrics>) -> Result<Arc<Self>, AccessLogError> {
        let log = AccessLog::open(log)?;
        let state = State { revoked: log.revoked().clone(), ..State::default() };
        Ok(Arc::new(Self { state: Mutex::new(state), log: Mutex::new(log), metrics }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a new connection.
    pub(crate) fn lease(self: &Arc<Self>) -> Arc<Lease> {
        let ended = CancellationToken::new();
        let mut state = self.state();
        let id = state.next;
        state.next += 1;
        state.open.insert(id, Open { proofs: HashSet::new(), ended: ended.clone() });
        Arc::new(Lease { access: self.clone(), id, ended })
    }

    /// Who a proof stands for at this moment, if they may use the gateway.
    pub(crate) fn actor(&self, rules: &Exchangeable<Rules>, proof: &Proof) -> Result<Actor, Fault> {
        let rules = rules.now();
        self.state().actor(&rules.identity, proof, Timestamp::now())
    }

    /// What the address of a client proves.
    pub(crate) fn proof_of(&self, address: IpAddr) -> Proof {
        let state = self.state();
        let person = state.addresses.person(address, Timestamp::now());
        person.map_or(Proof::Nobody, |person| Proof::Address { user: person.to_owned(), address })
    }

    /// Believes that an address is a person's, and cuts connections of whoever had it before.
    pub(crate) fn set_address(
        &self,
        rules: &Exchangeable<Rules>,
        address: IpAddr,
        (person, ttl): (&str, Duration),
    ) -> Result<(), Full> {
        self.state().addresses.set(address, person, ttl, Timestamp::now())?;
        self.sweep(rules);
        Ok(())
    }

    /// Takes somebody's access away. The connections are cut before anything is written.
    pub(crate) fn revoke(&self, rules: &Exchangeable<Rules>, person: &str, reason: &str) -> Changed {
        self.state().revoked.insert(person.to_ascii_lowercase(), reason.to_owned());
        let cut = self.look_through(rules);
        let connections = cut.values().sum();
        tracing::warn!(person, reason, connections, "access revoked");
        let is_kept = self.write(&Record::new(Change::Revoked, person, reason, connections));
        Changed { connections, is_kept }
    }

    /// Gives somebody's access back. None when it was not taken away.
    pub(crate) fn restore(&self, person: &str, reason: &str) -> Option<Changed> {
        let record = Record::new(Change::Restored, person, reason, 0);
        // Written first: what is not kept would be revoked again after a restart.
        if !self.state().is_revoked(person) {
            return None;
        }
        let is_kept = self.write(&record);
        if is_kept {
            self.state().revoked.remove(&person.to_ascii_lowercase());
            tracing::warn!(person, reason, "access restored");
        }
        Some(Changed { connections: 0, is_kept })
    }

    /// Everybody whose access was taken away, with the reason.
    pub(crate) fn revoked(&self) -> BTreeMap<String, String> {
        self.state().revoked.clone()
    }

    /// Cuts what stands on nothing any more, and writes down whose it was.
    pub(crate) fn sweep(&self, rules: &Exchangeable<Rules>) {
        for ((person, reason), connections) in self.look_through(rules) {
            tracing::warn!(person, reason, connections, "access ended");
            self.write(&Record::new(Change::Ended, &person, reason, connections));
        }
    }

    /// Sweeps for as long as the gateway runs, where time makes a difference.
    pub(crate) async fn watch(services: Arc<Services>) {
        let mut ticks = tokio::time::interval(WATCH_INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if !services.rules.now().identity.knows_time() && services.access.state().addresses.is_empty() {
                continue;
            }
            let services = services.clone();
            // Writing waits for the disk.
            if let Err(error) = tokio::task::spawn_blocking(move || services.access.sweep(&services.rules)).await {
                tracing::error!(%error, "a look at who may use the gateway failed");
            }
        }
    }

    /// Cancels leases without ground; how many by name and reason.
    fn look_through(&self, rules: &Exchangeable<Rules>) -> BTreeMap<(String, &'static str), usize> {
        let (rules, now) = (rules.now(), Timestamp::now());
        let state = self.state();
        let mut cut = BTreeMap::new();
        for open in state.open.values().filter(|open| !open.ended.is_cancelled()) {
            let denied = open.proofs.iter().find_map(|proof| {
                let fault = state.actor(&rules.identity, proof, now).err()?;
                Some((proof.name().to_owned(), fault.reason()))
            });
            if let Some(denied) = denied {
                open.ended.cancel();
                self.metrics.count_access_cut(denied.1);
                *cut.entry(denied).or_insert(0) += 1;
            }
        }
        cut
    }

    fn write(&self, record: &Record) -> bool {
        let written = self.log.lock().unwrap_or_else(PoisonError::into_inner).append(record);
        if let Err(error) = &written {
            self.metrics.incidents_lost.inc();
            tracing::error!(%error, "a change of access could not be written");
        }
        written.is_ok()
    }
}

impl State {
    fn actor(&self, identity: &Identity, proof: &Proof, now: Timestamp) -> Result<Actor, Fault> {
        if let Proof::Address { user, address } = proof
            && self.addresses.person(*address, now) != Some(user)
        {
            return Err(identity.unauthenticated());
        }
        let actor = identity.actor(proof, now)?;
        match &actor.user {
            Some(user) if self.is_revoked(user) => Err(Fault::Access(Denied::Revoked)),
            _ => Ok(actor),
        }
    }

    fn is_revoked(&self, person: &str) -> bool {
        // Mostly nobody is, and then there is nothing to look up.
        !self.revoked.is_empty() && self.revoked.contains_key(&person.to_ascii_lowercase())
    }
}

impl Lease {
    /// Notes what a user of the connection has proven, and says who that is. What is worth nothing is not noted: its
    /// refusal is an answer, and no cut.
    pub(crate) fn admit(&self, rules: &Exchangeable<Rules>, proof: &Proof) -> Result<Actor, Fault> {
        let is_new = self.with_proofs(|proofs| !proofs.contains(proof) && proofs.insert(proof.clone()));
        // Noted first, so that a revocation between the two lines finds it.
        let actor = self.access.actor(rules, proof);
        if actor.is_err() && is_new {
            self.with_proofs(|proofs| proofs.remove(proof));
        }
        actor
    }

    fn with_proofs<T>(&self, change: impl FnOnce(&mut HashSet<Proof>) -> T) -> T
    where
        T: Default,
    {
        self.access.state().open.get_mut(&self.id).map(|open| change(&mut open.proofs)).unwrap_or_default()
    }

    /// Resolves when the connection has to be cut.
    pub(crate) async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// Cancelled when the connection has to be cut.
    pub(crate) fn token(&self) -> CancellationToken {
        self.ended.clone()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.access.state().open.remove(&self.id);
    }
}

/// The names that open connections go by, with their number. For people who look, not for decisions.
impl Access {
    /// Connections by the name that was proven; connections without one are left out.
    pub(crate) fn connected(&self) -> BTreeMap<String, usize> {
        let state = self.state();
        let mut names = BTreeMap::new();
        for open in state.open.values() {
            let own: BTreeSet<&str> = open.proofs.iter().map(Proof::name).filter(|name| !name.is_empty()).collect();
            for name in own {
                *names.entry(name.to_owned()).or_insert(0) += 1;
            }
        }
        names
    }
}
