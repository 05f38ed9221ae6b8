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
pub(crate) use addresses::{Full, TTL_MAX as ADDRESS_TTL_MAX};
use dlp_core::decision::Actor;
use jiff::Timestamp;
use log::{AccessLog, AccessLogError, Change, Record, key_of};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often it is looked whether somebody's time is over.
const WATCH_INTERVAL: Duration = Duration::from_millis(250);
/// Proofs of one connection. A proxy that asks for many users shares one among them; each look goes through all.
const PROOFS_MAX: usize = 256;

/// Who is connected, and who may not be any more.
#[derive(Debug)]
pub(crate) struct Access {
    state: Mutex<State>,
    /// Held by whoever takes access away or gives it back, so that memory and log see all changes in one order. Taken
    /// before the others.
    changing: Mutex<()>,
    log: Mutex<AccessLog>,
    metrics: Arc<Metrics>,
}

#[derive(Debug, Default)]
struct State {
    /// Names, see [`log::key_of`], with the reason that was given.
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
        Ok(Arc::new(Self { state: Mutex::new(state), changing: Mutex::new(()), log: Mutex::new(log), metrics }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changing(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
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
        let _changing = self.changing();
        self.state().revoked.insert(key_of(person), reason.to_owned());
        let cut = self.look_through(rules);
        let connections = cut.values().sum();
        tracing::warn!(person, reason, connections, "access revoked");
        let is_kept = self.write(&Record::new(Change::Revoked, person, reason, connections));
        Changed { connections, is_kept }
    }

    /// Gives somebody's access back. None when it was not taken away.
    pub(crate) fn restore(&self, person: &str, reason: &str) -> Option<Changed> {
        let _changing = self.changing();
        if !self.state().is_revoked(person) {
            return None;
        }
        // Written first: what is not kept would be revoked again after a restart.
        let is_kept = self.write(&Record::new(Change::Restored, person, reason, 0));
        if is_kept {
            self.state().revoked.remove(&key_of(person));
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
            if !services.access.knows_time(&services.rules) {
                continue;
            }
            let services = services.clone();
            // Writing waits for the disk.
            if let Err(error) = tokio::task::spawn_blocking(move || services.access.sweep(&services.rules)).await {
                tracing::error!(%error, "a look at who may use the gateway failed");
            }
        }
    }

    /// Whether anything that is open may lose its ground by the clock alone.
    fn knows_time(&self, rules: &Exchangeable<Rules>) -> bool {
        let is_open = || self.state().open.values().flat_map(|open| &open.proofs).any(Proof::knows_time);
        rules.now().identity.knows_time() || is_open()
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
            self.metrics.access_changes_lost.inc();
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
        // Mostly nobody is revoked, and then there is nothing to look up. Otherwise every name counts: who was revoked by
        // one is not let in by another.
        match !self.revoked.is_empty() && identity.names(proof, &actor).any(|name| self.is_revoked(name)) {
            true => Err(Fault::Access(Denied::Revoked)),
            false => Ok(actor),
        }
    }

    fn is_revoked(&self, person: &str) -> bool {
        self.revoked.contains_key(&key_of(person))
    }
}

impl Open {
    /// Adds a proof. A client that has renewed its token is not cut with the old one.
    fn note(&mut self, proof: &Proof) -> Result<(), Fault> {
        if self.proofs.iter().any(|known| known.renews(proof)) {
            return Ok(());
        }
        self.proofs.retain(|old| !proof.renews(old));
        if self.proofs.len() >= PROOFS_MAX {
            return Err(Fault::TooManyProofs);
        }
        self.proofs.insert(proof.clone());
        Ok(())
    }
}

impl Lease {
    /// Notes what a user of the connection has proven, and says who that is. What is worth nothing is not noted: its
    /// refusal is an answer, and no cut.
    pub(crate) fn admit(&self, rules: &Exchangeable<Rules>, proof: &Proof) -> Result<Actor, Fault> {
        // One lock over both: a revocation and new rules come before, or find the proof when they look through all.
        let mut state = self.access.state();
        let actor = state.actor(&rules.now().identity, proof, Timestamp::now())?;
        state.open.get_mut(&self.id).map_or(Ok(()), |open| open.note(proof))?;
        Ok(actor)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use std::os::unix::fs::PermissionsExt;

    /// An access of its own, and the rules with these people.
    fn scene(folder: &Path, people: &str) -> (Arc<Access>, Exchangeable<Rules>) {
        let mut config = Config::default();
        if !people.is_empty() {
            std::fs::write(folder.join("people.toml"), people).unwrap();
            config.identity.people = Some(folder.join("people.toml"));
        }
        let access = Access::open(&folder.join("access.jsonl"), Arc::new(Metrics::new())).unwrap();
        (access, Exchangeable::new(Rules::from_files(&config).unwrap()))
    }

    fn certificate(names: &[&str], expires: i64) -> Proof {
        Proof::Certificate { names: names.iter().map(|name| (*name).to_owned()).collect(), expires, id: [0; 32] }
    }

    fn told(user: &str) -> Proof {
        Proof::Told { user: user.to_owned() }
    }

    #[test]
    fn a_certificate_that_has_run_out_cuts_without_people_or_tokens() {
        let folder = tempfile::tempdir().unwrap();
        let (access, rules) = scene(folder.path(), "");
        let lease = access.lease();
        let note = |proof| access.state().open.get_mut(&lease.id).unwrap().note(&proof).unwrap();
        note(told("bob"));
        assert!(!access.knows_time(&rules));
        note(certificate(&["anna"], Timestamp::now().as_second()));
        assert!(access.knows_time(&rules));
        access.sweep(&rules);
        assert!(lease.token().is_cancelled());
    }

    #[test]
    fn every_name_of_the_revoked_counts() {
        let folder = tempfile::tempdir().unwrap();
        let person = "[[person]]\nid = \"a.nowak\"\naliases = [\"anna@corp.example\", \"a@corp.example\"]\n";
        let rows = [
            ("anna", "", told("Anna "), true),
            ("anna ", "", told("anna"), true),
            ("anna", "", told("bob"), false),
            ("b", "", certificate(&["a", "B"], i64::MAX), true),
            ("c", "", certificate(&["a", "b"], i64::MAX), false),
            ("A.Nowak", person, told("a@corp.example"), true),
            ("anna@corp.example", person, told("anna@corp.example"), true),
            ("anna@corp.example", person, told("a@corp.example"), true),
            ("anna@corp.example", person, told("a.nowak"), true),
            ("b@corp.example", person, certificate(&["a.nowak", "b@corp.example"], i64::MAX), true),
            ("c@corp.example", person, certificate(&["a.nowak", "b@corp.example"], i64::MAX), false),
        ];
        for (revoked, people, proof, expected) in rows {
            let (access, rules) = scene(folder.path(), people);
            access.revoke(&rules, revoked, "");
            let reason = access.actor(&rules, &proof).err().map(|fault| fault.reason());
            assert_eq!(reason, expected.then_some("access_revoked"), "{revoked} {proof:?}");
            access.restore(revoked, "").unwrap();
        }
    }

    #[test]
    fn memory_and_log_agree_after_changes_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let (access, rules) = scene(folder.path(), "");
        for _ in 0..16 {
            access.revoke(&rules, "anna", "");
            std::thread::scope(|scope| {
                // Both come as far as they can while nothing can be written.
                let log = access.log.lock().unwrap();
                scope.spawn(|| access.restore("anna", ""));
                scope.spawn(|| access.revoke(&rules, "anna", ""));
                std::thread::sleep(Duration::from_millis(5));
                drop(log);
            });
            let kept = AccessLog::open(&folder.path().join("access.jsonl")).unwrap();
            assert_eq!(*kept.revoked(), access.revoked());
        }
    }

    #[test]
    fn the_longest_token_of_a_user_counts() {
        let folder = tempfile::tempdir().unwrap();
        let (access, _) = scene(folder.path(), "");
        let secret = folder.path().join("secret");
        std::fs::write(&secret, "a secret of thirty-two bytes or more").unwrap();
        std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
        let jwt = format!("jwt = {{ secret = \"{}\", issuer = \"i\", audience = \"a\" }}", secret.display());
        let config = Config { identity: toml::from_str(&jwt).unwrap(), ..Config::default() };
        let rules = Exchangeable::new(Rules::from_files(&config).unwrap());
        let now = Timestamp::now().as_second();
        let token = |subject: &str, seconds| Proof::Token {
            subject: subject.into(),
            groups: Vec::new(),
            expires: now + seconds,
        };
        let (old, new, other) = (token("anna", 1_000), token("anna", 2_000), token("bob", 1_000));
        let rows: [(&[&Proof], &[&Proof]); 4] = [
            (&[&old, &new], &[&new]),
            (&[&new, &old], &[&new]),
            (&[&old, &other], &[&old, &other]),
            // What is worth nothing takes nothing away.
            (&[&old, &token("anna", -1)], &[&old]),
        ];
        for (shown, expected) in rows {
            let lease = access.lease();
            for proof in shown {
                let _ = lease.admit(&rules, proof);
            }
            let expected: HashSet<Proof> = expected.iter().map(|proof| (*proof).clone()).collect();
            assert_eq!(access.state().open[&lease.id].proofs, expected, "{shown:?}");
        }
    }

    #[test]
    fn a_connection_has_a_limited_number_of_proofs() {
        let folder = tempfile::tempdir().unwrap();
        let (access, rules) = scene(folder.path(), "");
        let lease = access.lease();
        for number in 0..PROOFS_MAX {
            lease.admit(&rules, &told(&number.to_string())).unwrap();
        }
        assert_eq!(lease.admit(&rules, &told("one more")).err(), Some(Fault::TooManyProofs));
        assert!(lease.admit(&rules, &told("0")).is_ok());
        assert!(access.lease().admit(&rules, &told("one more")).is_ok());
    }
}
