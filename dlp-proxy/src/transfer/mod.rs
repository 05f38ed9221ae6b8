//! Uploads that take several requests: what the gateway remembers of their pieces.
//!
//! Each piece is inspected alone, as a body. What lies across the border of two pieces is seen when the second of them
//! arrives: the end of one and the beginning of the other are put together and inspected too. So the pieces may come in
//! any order and at the same time, and a value that was cut in two is found before its second half leaves. The edges of
//! a piece are kept in memory; pieces that are smaller than that are kept whole, and then a value may be spread over any
//! number of them.
//!
//! The pieces themselves are kept too, in a sealed file of their upload, until it ends: by a call, or with the piece that
//! makes it as long as it was said to be. That request waits until the upload was put together and judged as one content,
//! so a document that can only be opened whole is opened, and what is counted is counted over all pieces. Where not all of
//! it is here, because a bound was reached or pieces took another way, the judgement is incomplete and says so.
//!
//! A session in which something was refused stays refused.

mod edges;
mod session;
mod store;
mod whole;

pub(crate) use edges::Edges;
pub(crate) use session::{Arrival, Ending, Order};
pub(crate) use store::{Kept, NotKept, Store};
pub(crate) use whole::Whole;

use dlp_core::decision::{Decision, DetectorSummary, Item};
use prometheus_client::metrics::gauge::Gauge;
use session::{Piece, Session};
use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Bytes of all edges. A piece takes 16 KiB until its borders were judged.
const EDGES_BYTES_MAX: usize = 64 << 20;
/// Sessions at a time, of all clients and of one.
const SESSIONS_MAX: usize = 10_000;
const SESSIONS_OF_CLIENT_MAX: usize = 2_000;
/// Refused sessions that are remembered; the oldest makes room. What comes of its upload afterwards has a gap.
const REFUSED_MAX: usize = 10_000;
/// Sessions with a file. Each takes a descriptor; the one that was used longest ago makes room.
const STORES_MAX: usize = 1_000;
/// Time without a request after which a session is forgotten, and after which a refused one is.
const IDLE_MAX: Duration = Duration::from_secs(30 * 60);
const REFUSED_FOR: Duration = Duration::from_secs(24 * 3600);
/// Time for which the pieces of an upload are kept that has ended.
const ENDED_FOR: Duration = Duration::from_secs(5 * 60);
/// Beginnings of uploads of one client at one host whose sessions have no name yet.
const OPENED_MAX: usize = 16;
/// Requests after which sessions are looked through for old ones.
const SWEEP_EVERY: u32 = 256;

/// Names a session: the application or host within which it is named, and what its requests have in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SessionKey {
    /// Application or host.
    pub(crate) scope: String,
    /// Key of the session.
    pub(crate) session: String,
}

/// What an arrival brought about.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Arrived {
    /// The place of the piece in its upload.
    pub(crate) at: u64,
    /// The texts that lie across the borders of the piece, with as much of its neighbours as is known.
    pub(crate) joints: Vec<Vec<u8>>,
    /// Why the upload cannot be known as a whole any more.
    pub(crate) doubt: Option<&'static str>,
}

/// Why a piece was not taken in.
#[derive(Debug)]
pub(crate) enum NotTaken {
    /// No room for what has to be remembered.
    Full,
    /// The upload is being completed. The piece comes back, with the number of requests that complete it.
    Ending(Box<Arrival>, watch::Receiver<u32>),
}

/// A request that completes an upload and is not answered. As long as it lives, the upload takes no piece: one that came
/// now could be put together by the service with what was judged without it.
#[derive(Debug)]
pub(crate) struct Committing {
    key: SessionKey,
    requests: watch::Sender<u32>,
    /// The end of the time for an answer, once it was sent and as long as it is not answered.
    until: Option<tokio::time::Instant>,
}

impl Committing {
    /// It is sent, and its service may be at work with it until then, whoever still waits for the answer.
    pub(crate) fn sent(&mut self, until: tokio::time::Instant) {
        self.until = Some(until);
    }

    /// It was answered.
    pub(crate) fn answered(&mut self) {
        self.until = None;
    }
}

impl Drop for Committing {
    fn drop(&mut self) {
        let requests = self.requests.clone();
        let end = move || requests.send_modify(|requests| *requests = requests.saturating_sub(1));
        match (self.until, tokio::runtime::Handle::try_current()) {
            (Some(until), Ok(runtime)) => drop(runtime.spawn(async move {
                tokio::time::sleep_until(until).await;
                end();
            })),
            _ => end(),
        }
    }
}

/// The beginning of an upload, before the answer has named it.
#[derive(Debug)]
pub(crate) struct Opening {
    /// Its first bytes, when the request that opens it brings some.
    pub(crate) first: Option<Arrival>,
    /// Where they lie.
    pub(crate) store: Option<Arc<Store>>,
    /// Length of the whole, as the request states it.
    pub(crate) total_bytes: Option<u64>,
}

/// All sessions.
#[derive(Debug)]
pub(crate) struct Transfers {
    state: Mutex<State>,
    /// Bytes of all pieces that are kept.
    kept_max: u64,
    /// How many sessions there are.
    shown: Gauge,
}

/// What was refused of an upload, and when.
#[derive(Debug)]
struct Refused {
    at: Instant,
    reason: Box<(Item, Decision)>,
}

#[derive(Debug, Default)]
struct State {
    sessions: HashMap<SessionKey, Session>,
    refused: HashMap<SessionKey, Refused>,
    opened: HashMap<(String, IpAddr), (Instant, VecDeque<Edges>)>,
    bytes: usize,
    since_sweep: u32,
}

impl Transfers {
    /// No sessions, which may keep so many bytes; `shown` tells how many there are.
    pub(crate) fn new(kept_max: u64, shown: Gauge) -> Self {
        Self { state: Mutex::default(), kept_max, shown }
    }

    /// Why something of the session was refused, if it was.
    pub(crate) fn refusal(&self, key: &SessionKey) -> Option<(Item, Decision)> {
        self.state().refused.get(key).map(|refused| (*refused.reason).clone())
    }

    /// Refuses whatever else comes for the session.
    pub(crate) fn refuse(&self, key: &SessionKey, reason: (Item, Decision), now: Instant) {
        let mut state = self.state();
        let state = &mut *state;
        let session = state.sessions.remove(key);
        state.bytes -= session.map_or(0, |session| bytes_of(session.pieces.values()));
        if state.refused.len() >= REFUSED_MAX && !state.refused.contains_key(key) {
            let oldest = state.refused.iter().min_by_key(|(_, refused)| refused.at).map(|(key, _)| key.clone());
            oldest.and_then(|oldest| state.refused.remove(&oldest));
        }
        state.refused.entry(key.clone()).or_insert_with(|| Refused { at: now, reason: Box::new(reason) }).at = now;
        self.show(state);
    }

    /// Where the pieces of the session are kept; `create` makes the file at the first of them.
    pub(crate) fn store(
        &self,
        key: &SessionKey,
        (client, now): (IpAddr, Instant),
        create: impl FnOnce() -> io::Result<Arc<Store>>,
    ) -> Result<Arc<Store>, NotKept> {
        if let Some(store) = self.kept(key, (client, now))? {
            return Ok(store);
        }
        // The disk may take its time, and nobody else has to wait for it.
        let store = create()?;
        let mut state = self.state();
        if !state.has_place(key, client) {
            return Err(NotKept::Spool);
        }
        let session = state.sessions.entry(key.clone()).or_insert_with(|| Session::new(now));
        (session.client, session.seen) = (Some(client), now);
        let store = session.current_store().get_or_insert(store).clone();
        self.show(&state);
        Ok(store)
    }

    /// The file of the session, if it has one; an error when there is no room for more.
    fn kept(&self, key: &SessionKey, (client, now): (IpAddr, Instant)) -> Result<Option<Arc<Store>>, NotKept> {
        let mut state = self.state();
        state.sweep(now);
        let kept = state.sessions.get_mut(key).and_then(|session| session.current_store().clone());
        let is_room = kept.is_some() && state.bytes_kept() < self.kept_max
            || state.has_place(key, client) && state.make_room(key, self.kept_max);
        if is_room { Ok(kept) } else { Err(NotKept::Spool) }
    }

    /// Remembers a piece, and gives what lies across its borders. One with other bytes than the ones that are known of its
    /// place takes the place of nothing where the service is known. A piece of unknown place follows the one that came before it.
    pub(crate) fn arrive(
        &self,
        key: &SessionKey,
        (client, arrival): (IpAddr, Arrival),
        now: Instant,
    ) -> Result<Arrived, NotTaken> {
        let mut state = self.state();
        let state = &mut *state;
        state.sweep(now);
        if let Some(session) = state.sessions.get(key).filter(|session| *session.committing.borrow() > 0) {
            return Err(NotTaken::Ending(Box::new(arrival), session.committing.subscribe()));
        }
        let bytes = arrival.edges.bytes();
        if !state.has_place(key, client) || !state.make_edge_room(key, bytes) {
            return Err(NotTaken::Full);
        }
        let opened = state.opened.get(&(key.scope.clone(), client)).map(|(_, opened)| opened);
        let session = state.sessions.entry(key.clone()).or_insert_with(|| Session::new(now));
        (session.client, session.seen) = (Some(client), now);
        let (at, is_offset) = session.place(&arrival);
        let is_known = session.is_known(at, &arrival);
        let before = match session.before(at, is_offset) {
            before if before.is_empty() && is_offset => opened.map_or_else(Vec::new, |opened| {
                opened.iter().filter(|first| first.len() == at).map(|first| first.end().to_vec()).collect()
            }),
            before if before.is_empty() => Vec::new(),
            before => vec![before],
        };
        let after = session.after(at, is_offset, &arrival.edges);
        // With what lay there in an upload before, too: whether a service has really begun another one, only it knows.
        let joints = arrival.edges.joints(&before, &after);
        if !is_known {
            state.bytes -= bytes_of(session.go_on((at, is_offset), &arrival).iter());
        }
        let doubt = session.doubt((at, is_offset), &arrival);
        match doubt {
            None if is_known => session.come_again(at, arrival),
            None => {
                state.bytes += bytes;
                state.bytes -= bytes_of(session.insert((at, is_offset), arrival).iter());
            }
            Some(_) => {}
        }
        self.show(state);
        Ok(Arrived { at, joints, doubt })
    }

    /// What lies across the borders of a piece was judged, so less of the piece has to be remembered.
    pub(crate) fn settle(&self, key: &SessionKey, at: u64) {
        let mut state = self.state();
        let freed = state.sessions.get_mut(key).map_or(0, |session| session.settle(at));
        state.bytes -= freed;
    }

    /// Remembers the beginning of an upload whose session gets its name from the answer, in case that is not understood.
    pub(crate) fn open(&self, scope: &str, client: IpAddr, edges: Edges, now: Instant) {
        let mut state = self.state();
        let state = &mut *state;
        if edges.len() == 0 || state.bytes + edges.bytes() > EDGES_BYTES_MAX {
            return;
        }
        state.bytes += edges.bytes();
        let (seen, opened) = state.opened.entry((scope.to_owned(), client)).or_insert_with(|| (now, VecDeque::new()));
        *seen = now;
        opened.push_back(edges);
        if opened.len() > OPENED_MAX {
            state.bytes -= opened.pop_front().map_or(0, |old| old.bytes());
        }
    }

    /// Begins a session that an answer has named.
    pub(crate) fn begin(&self, key: &SessionKey, client: IpAddr, opening: Opening, now: Instant) {
        let Opening { first, store, total_bytes } = opening;
        let is_room = {
            let mut state = self.state();
            state.sweep(now);
            let is_room = state.has_place(key, client);
            if is_room {
                state.forget_done(key);
                let session = state.sessions.entry(key.clone()).or_insert_with(|| Session::new(now));
                (session.seen, session.total_bytes) = (now, total_bytes.or(session.total_bytes));
                session.client = Some(client);
                session.store = store.or(session.store.take());
            }
            is_room
        };
        if let Some(first) = first.filter(|_| is_room) {
            // Without room for it the session has a gap, which shows at its end.
            let _ = self.arrive(key, (client, first), now);
        }
    }

    /// Length of the whole, as far as somebody stated it.
    pub(crate) fn total_bytes(&self, key: &SessionKey) -> Option<u64> {
        self.state().sessions.get(key)?.total_bytes
    }

    /// The upload as it ends; none as long as it does not. Of one that nobody knows nothing is here.
    pub(crate) fn whole(&self, key: &SessionKey, ending: &Ending, now: Instant) -> Option<Whole> {
        match self.state().sessions.get_mut(key) {
            Some(session) => {
                session.seen = now;
                session.whole(ending)
            }
            None => Session::new(now).whole(ending),
        }
    }

    /// What was found in the pieces that came so far.
    pub(crate) fn findings(&self, key: &SessionKey) -> Vec<DetectorSummary> {
        self.state().sessions.get(key).map(|session| session.findings().to_vec()).unwrap_or_default()
    }

    /// The upload may end as it was judged, and takes no more pieces until what is given is dropped. Its pieces stay for a
    /// while, since the request that ended it may come again. None if pieces came while it was judged, which the judgement
    /// does not cover.
    #[must_use]
    pub(crate) fn end(&self, key: &SessionKey, came: u64) -> Option<Committing> {
        let mut state = self.state();
        let requests = match state.sessions.get_mut(key) {
            Some(session) => session.end(came).then(|| session.committing.clone())?,
            None => watch::Sender::new(0),
        };
        requests.send_modify(|requests| *requests += 1);
        Some(Committing { key: key.clone(), requests, until: None })
    }

    /// The service has taken the upload as complete: what takes the place of its pieces belongs to another one.
    pub(crate) fn done(&self, committing: &Committing) {
        if let Some(session) = self.state().sessions.get_mut(&committing.key)
            && session.committing.same_channel(&committing.requests)
        {
            session.take();
        }
    }

    fn show(&self, state: &State) {
        self.shown.set(i64::try_from(state.sessions.len()).unwrap_or(i64::MAX));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn bytes_of<'a>(pieces: impl Iterator<Item = &'a Piece>) -> usize {
    pieces.map(|piece| piece.edges.bytes()).sum()
}

impl State {
    /// Forgets what is old, now and then.
    fn sweep(&mut self, now: Instant) {
        self.since_sweep += 1;
        if self.since_sweep < SWEEP_EVERY && self.sessions.len() < SESSIONS_MAX && self.bytes < EDGES_BYTES_MAX / 2 {
            return;
        }
        self.since_sweep = 0;
        let age = |seen: &Instant| now.saturating_duration_since(*seen);
        self.sessions.retain(|_, session| age(&session.seen) < session.kept_for());
        self.refused.retain(|_, refused| age(&refused.at) < REFUSED_FOR);
        self.opened.retain(|_, (seen, _)| age(seen) < IDLE_MAX);
        let of_parts = self.sessions.values().map(|session| bytes_of(session.pieces.values()));
        let of_opened = self.opened.values().flat_map(|(_, opened)| opened).map(Edges::bytes);
        self.bytes = of_parts.sum::<usize>() + of_opened.sum::<usize>();
    }

    /// Forgets an upload that is complete, because another one gets its name.
    fn forget_done(&mut self, key: &SessionKey) {
        if self.sessions.get(key).is_some_and(|session| session.is_done) {
            let old = self.sessions.remove(key);
            self.bytes -= old.map_or(0, |old| bytes_of(old.pieces.values()));
        }
    }

    /// Bytes of all pieces that are kept.
    fn bytes_kept(&self) -> u64 {
        let stores = self.sessions.values().flat_map(|session| [&session.store, &session.next_store]);
        stores.flatten().map(|store| store.bytes()).sum()
    }

    /// Whether a session is here or may begin.
    fn has_place(&self, key: &SessionKey, client: IpAddr) -> bool {
        let of_client = || self.sessions.values().filter(|session| session.client == Some(client)).count();
        self.sessions.contains_key(key) || self.sessions.len() < SESSIONS_MAX && of_client() < SESSIONS_OF_CLIENT_MAX
    }

    /// Makes room for one more file or more of one. Says whether there is room then.
    fn make_room(&mut self, key: &SessionKey, kept_max: u64) -> bool {
        for _ in 0..=STORES_MAX {
            let count = self.sessions.values().filter(|session| session.store.is_some()).count();
            if count < STORES_MAX && self.bytes_kept() < kept_max {
                return true;
            }
            let Some(session) = self.victim(key, |session| usize::from(session.store.is_some())) else { return false };
            session.give_up("transfers_max");
        }
        false
    }

    /// Makes room for edges. Says whether there is room then.
    fn make_edge_room(&mut self, key: &SessionKey, bytes: usize) -> bool {
        while self.bytes + bytes > EDGES_BYTES_MAX {
            let Some(session) = self.victim(key, |session| bytes_of(session.pieces.values())) else { return false };
            session.give_up("transfers_max");
            let freed = bytes_of(std::mem::take(&mut session.pieces).values());
            self.bytes -= freed;
        }
        true
    }

    /// The upload that makes room for another one: one that has ended, or one of the client that takes most; of these the
    /// one that was used longest ago. What is given up cannot be judged as a whole any more, and says so at its end.
    fn victim(&mut self, key: &SessionKey, weight: impl Fn(&Session) -> usize) -> Option<&mut Session> {
        let mut sums: HashMap<Option<IpAddr>, usize> = HashMap::new();
        self.sessions.values().for_each(|session| *sums.entry(session.client).or_default() += weight(session));
        let candidates = self.sessions.iter_mut().filter(|(other, session)| *other != key && weight(session) > 0);
        candidates
            .map(|(_, session)| session)
            .min_by_key(|session| (!session.is_ended, std::cmp::Reverse(sums[&session.client]), session.seen))
    }
}

#[cfg(test)]
mod tests;
