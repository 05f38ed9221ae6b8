//! Uploads that take several requests: what the gateway remembers of their pieces.
//!
//! Each piece is inspected alone, as a body. What lies across the border of two pieces is seen when the second of them
//! arrives: the end of one and the beginning of the other are put together and inspected too. So the pieces may come in
//! any order and at the same time, and a value that was cut in two is found before its second half leaves. Of a piece
//! only its edges are kept, in memory; pieces that are smaller than that are kept whole, and then a value may be spread
//! over any number of them. A session in which something was refused stays refused.

mod edges;

use edges::EDGE_BYTES;
pub(crate) use edges::Edges;

use crate::destination::Position;
use dlp_core::decision::{Decision, Item};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Bytes of all edges. A piece takes 16 KiB.
const EDGES_BYTES_MAX: usize = 64 << 20;
/// Sessions at a time.
const SESSIONS_MAX: usize = 10_000;
/// Time without a request after which a session is forgotten, and after which a refused one is.
const IDLE_MAX: Duration = Duration::from_secs(30 * 60);
const REFUSED_FOR: Duration = Duration::from_secs(24 * 3600);
/// Beginnings of uploads of one client at one host whose sessions have no name yet.
const OPENED_MAX: usize = 16;
/// Requests after which sessions are looked through for old ones.
const SWEEP_EVERY: u32 = 256;

/// Names a session: the host, and what its requests have in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SessionKey {
    /// Host.
    pub(crate) host: String,
    /// Key of the session.
    pub(crate) session: String,
}

/// No room for what has to be remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

/// All sessions.
#[derive(Debug, Default)]
pub(crate) struct Transfers {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    sessions: HashMap<SessionKey, Session>,
    opened: HashMap<(String, IpAddr), (Instant, VecDeque<Edges>)>,
    bytes: usize,
    since_sweep: u32,
}

#[derive(Debug)]
struct Session {
    parts: BTreeMap<u64, Edges>,
    refused: Option<Box<(Item, Decision)>>,
    seen: Instant,
}

impl Transfers {
    /// Why something of the session was refused, if it was.
    pub(crate) fn refusal(&self, key: &SessionKey) -> Option<(Item, Decision)> {
        self.state().sessions.get(key)?.refused.as_deref().cloned()
    }

    /// Refuses whatever else comes for the session.
    pub(crate) fn refuse(&self, key: &SessionKey, reason: (Item, Decision), now: Instant) {
        let mut state = self.state();
        let state = &mut *state;
        let session = state.sessions.entry(key.clone()).or_insert_with(|| Session::new(now));
        session.seen = now;
        session.refused.get_or_insert_with(|| Box::new(reason));
        state.bytes -= std::mem::take(&mut session.parts).values().map(Edges::bytes).sum::<usize>();
    }

    /// Remembers a piece; gives the texts that lie across its borders, with as much of its neighbours as is known.
    /// A piece of unknown place follows the one that came before it.
    pub(crate) fn arrive(
        &self,
        key: &SessionKey,
        (position, client): (Option<Position>, IpAddr),
        edges: Edges,
        now: Instant,
    ) -> Result<Vec<Vec<u8>>, Full> {
        let mut state = self.state();
        let state = &mut *state;
        state.sweep(now);
        if state.bytes + edges.bytes() > EDGES_BYTES_MAX
            || state.sessions.len() >= SESSIONS_MAX && !state.sessions.contains_key(key)
        {
            return Err(Full);
        }
        let opened = state.opened.get(&(key.host.clone(), client)).map(|(_, opened)| opened);
        let session = state.sessions.entry(key.clone()).or_insert_with(|| Session::new(now));
        session.seen = now;
        let (at, is_offset) = match position {
            Some(Position::Offset(offset)) => (offset, true),
            Some(Position::Number(number)) => (number, false),
            None => (session.parts.last_key_value().map_or(0, |(last, _)| last + 1), false),
        };
        let before = match session.before(at, is_offset) {
            before if before.is_empty() && is_offset => opened.map_or_else(Vec::new, |opened| {
                opened.iter().filter(|first| first.len() == at).map(|first| first.end().to_vec()).collect()
            }),
            before if before.is_empty() => Vec::new(),
            before => vec![before],
        };
        let after = session.after(at, is_offset, &edges);
        let joints = edges.joints(&before, &after);
        state.bytes += edges.bytes();
        state.bytes -= session.parts.insert(at, edges).map_or(0, |old| old.bytes());
        Ok(joints)
    }

    /// Remembers the beginning of an upload whose session gets its name from the answer.
    pub(crate) fn open(&self, host: &str, client: IpAddr, edges: Edges, now: Instant) {
        let mut state = self.state();
        let state = &mut *state;
        if edges.len() == 0 || state.bytes + edges.bytes() > EDGES_BYTES_MAX {
            return;
        }
        state.bytes += edges.bytes();
        let (seen, opened) = state.opened.entry((host.to_owned(), client)).or_insert_with(|| (now, VecDeque::new()));
        *seen = now;
        opened.push_back(edges);
        if opened.len() > OPENED_MAX {
            state.bytes -= opened.pop_front().map_or(0, |old| old.bytes());
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
        self.sessions
            .retain(|_, session| age(&session.seen) < if session.refused.is_some() { REFUSED_FOR } else { IDLE_MAX });
        self.opened.retain(|_, (seen, _)| age(seen) < IDLE_MAX);
        let of_parts = self.sessions.values().flat_map(|session| session.parts.values()).map(Edges::bytes);
        let of_opened = self.opened.values().flat_map(|(_, opened)| opened).map(Edges::bytes);
        self.bytes = of_parts.sum::<usize>() + of_opened.sum::<usize>();
    }
}

impl Session {
    fn new(now: Instant) -> Self {
        Self { parts: BTreeMap::new(), refused: None, seen: now }
    }

    /// What lies directly before a place, as far as an edge reaches.
    fn before(&self, at: u64, is_offset: bool) -> Vec<u8> {
        let mut text = Vec::new();
        let mut at = at;
        for (start, edges) in self.parts.range(..at).rev() {
            let end = if is_offset { start.saturating_add(edges.len()) } else { start.saturating_add(1) };
            // A piece that reaches farther was sent again from another place; what it has before the place counts.
            let known = if is_offset && end > at { edges.end_before(at - start) } else { edges.end() };
            if end < at || known.is_empty() && edges.len() > 0 {
                break;
            }
            text.splice(..0, known.iter().copied());
            at = *start;
            if !edges.is_whole() || text.len() >= EDGE_BYTES {
                break;
            }
        }
        let surplus = text.len().saturating_sub(EDGE_BYTES);
        text.split_off(surplus)
    }

    /// What lies directly behind a piece.
    fn after(&self, at: u64, is_offset: bool, edges: &Edges) -> Vec<u8> {
        let mut text = Vec::new();
        let step =
            |at: u64, edges: &Edges| if is_offset { at.saturating_add(edges.len()) } else { at.saturating_add(1) };
        let mut next = step(at, edges);
        while let Some(edges) = self.parts.get(&next) {
            text.extend_from_slice(edges.start());
            next = step(next, edges);
            if !edges.is_whole() || edges.len() == 0 || text.len() >= EDGE_BYTES {
                break;
            }
        }
        text.truncate(EDGE_BYTES);
        text
    }
}

#[cfg(test)]
mod tests;
