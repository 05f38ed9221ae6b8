//! One upload that takes several requests: its pieces, in order.

use super::edges::{EDGE_BYTES, Edges};
use super::store::{Kept, Store};
use super::whole::{self, Joined, Whole};
use super::{ENDED_FOR, IDLE_MAX};
use crate::destination::Position;
use dlp_core::decision::DetectorSummary;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Names of pieces that are kept of one session. Azure takes 100,000 blocks, of which 50,000 can be in a file.
const NAMES_MAX: usize = 100_000;
/// Longest name of a piece.
const NAME_BYTES_MAX: usize = 256;
/// Pieces that are looked at on each side of one whose borders were judged.
const NEIGHBOURS_MAX: usize = 8;

/// A piece that arrives.
#[derive(Debug)]
pub(crate) struct Arrival {
    /// Its place.
    pub(crate) position: Option<Position>,
    /// Its name.
    pub(crate) name: Option<String>,
    /// Its edges.
    pub(crate) edges: Edges,
    /// Its content, or why that is not kept.
    pub(crate) content: Result<Kept, &'static str>,
    /// What was found in it.
    pub(crate) findings: Vec<DetectorSummary>,
    /// Length of the whole, as its request states it.
    pub(crate) total_bytes: Option<u64>,
    /// Length of the piece, as its request states it.
    pub(crate) stated_len: Option<u64>,
    /// What its service does with pieces.
    pub(crate) order: Order,
}

/// What a service does with the pieces of an upload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Order {
    /// Nobody knows. Pieces of other uploads may come to the same address, and the last one counts.
    #[default]
    Unknown,
    /// It takes them in any order, and puts them together at a call.
    Any,
    /// It takes them one after the other, and puts them together with the one that reaches the length of the whole.
    InTurn,
}

/// How an upload ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// With the byte before this one. Nothing to judge as long as more is to come.
    AsSoonAs(u64),
    /// By a call, with the byte before this one.
    Call(u64),
    /// By a call that says nothing of its pieces: with all of them.
    All,
    /// By a call with these pieces in this order, by number, offset or name.
    Listed(Vec<String>),
    /// By a call whose list of pieces cannot be read.
    Unreadable,
}

#[derive(Debug)]
pub(super) struct Session {
    pub(super) pieces: BTreeMap<u64, Piece>,
    names: HashMap<String, u64>,
    pub(super) store: Option<Arc<Store>>,
    pub(super) client: Option<IpAddr>,
    pub(super) is_ended: bool,
    /// Whether its service has said that it is complete, and nothing else has come since.
    pub(super) is_done: bool,
    /// Requests that complete it and are not answered. No piece is taken until then.
    pub(super) committing: watch::Sender<u32>,
    /// Where the pieces of the next upload at the same address lie, until one of them tells that it is another one.
    pub(super) next_store: Option<Arc<Store>>,
    pub(super) seen: Instant,
    pub(super) total_bytes: Option<u64>,
    findings: Vec<DetectorSummary>,
    /// Why not all of it is kept.
    lost: Option<&'static str>,
    /// Whether pieces lie at offsets; else they are numbered.
    is_by_offset: bool,
    order: Order,
    /// Pieces that came, to tell whether another one came since.
    came: u64,
}

/// What is kept of a piece.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) edges: Edges,
    content: Option<Kept>,
    /// Bytes of it that no later piece has replaced.
    used: u64,
    /// Whether its borders were judged, with whatever lay behind them then.
    is_settled: bool,
    /// Whether its service has taken it as part of something complete, and it has not come again since.
    is_taken: bool,
}

impl Session {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            pieces: BTreeMap::new(),
            names: HashMap::new(),
            store: None,
            client: None,
            is_ended: false,
            is_done: false,
            committing: watch::Sender::new(0),
            next_store: None,
            seen: now,
            total_bytes: None,
            findings: Vec::new(),
            lost: None,
            is_by_offset: false,
            order: Order::Unknown,
            came: 0,
        }
    }

    /// How long it is remembered.
    pub(super) fn kept_for(&self) -> Duration {
        if self.is_ended { ENDED_FOR } else { IDLE_MAX }
    }

    /// What was found in its pieces.
    pub(super) fn findings(&self) -> &[DetectorSummary] {
        &self.findings
    }

    /// Whether a piece is here as it comes again. One that was lost since then is not.
    pub(super) fn is_known(&self, at: u64, arrival: &Arrival) -> bool {
        let is_here = |piece: &Piece| {
            piece.edges.is_same(&arrival.edges) && piece.used == piece.edges.len() && piece.content.is_some()
        };
        self.pieces.get(&at).is_some_and(is_here)
    }

    /// Where pieces that come now are kept.
    pub(super) fn current_store(&mut self) -> &mut Option<Arc<Store>> {
        if self.is_done { &mut self.next_store } else { &mut self.store }
    }

    /// Its service has taken it as complete.
    pub(super) fn take(&mut self) {
        self.is_done = true;
        self.pieces.values_mut().for_each(|piece| piece.is_taken = true);
    }

    /// Makes ready for a piece that is not known. Where it takes the place of what its service has taken, another upload
    /// has begun: gives what is of the old one alone. Where it takes no place, it goes on with the upload.
    pub(super) fn go_on(&mut self, (at, is_offset): (u64, bool), arrival: &Arrival) -> Vec<Piece> {
        let is_new = self.is_another((at, is_offset), arrival);
        if self.is_done {
            (self.is_done, self.total_bytes) = (false, None);
            if is_new {
                let own = || arrival.content.as_ref().ok().map(|content| content.store.clone());
                self.store = self.next_store.take().or_else(own);
            }
        }
        if !is_new {
            return Vec::new();
        }
        let (old, again): (BTreeMap<_, _>, _) =
            std::mem::take(&mut self.pieces).into_iter().partition(|(_, piece)| piece.is_taken);
        self.pieces = again;
        (self.total_bytes, self.is_ended) = (None, false);
        if self.pieces.is_empty() {
            self.lost = None;
            self.findings.clear();
            // The piece has been given its place by its name.
            self.names.retain(|name, _| Some(name) == arrival.name.as_ref());
        }
        old.into_values().collect()
    }

    /// Whether a piece takes the place of others, all of which its service has taken already. To a server that nobody knows
    /// it is the same file, whatever comes.
    fn is_another(&self, (at, is_offset): (u64, bool), arrival: &Arrival) -> bool {
        let end = if is_offset { at.saturating_add(arrival.edges.len()) } else { at.saturating_add(1) };
        let mut taken = self.overlapped(at, end).map(|piece| piece.is_taken).peekable();
        arrival.order != Order::Unknown && taken.peek().is_some() && taken.all(|is_taken| is_taken)
    }

    /// A piece that is known has come again: it may belong to the next upload at the same address as well, and lies where
    /// that is kept.
    pub(super) fn come_again(&mut self, at: u64, arrival: Arrival) {
        if let (Some(piece), Ok(content)) = (self.pieces.get_mut(&at).filter(|piece| piece.is_taken), arrival.content) {
            (piece.content, piece.is_taken) = (Some(content), false);
        }
    }

    /// Gives back what it takes on the disk.
    pub(super) fn give_up(&mut self, reason: &'static str) {
        (self.store, self.next_store) = (None, None);
        self.lost = Some(reason);
        self.pieces.values_mut().for_each(|piece| piece.content = None);
    }

    /// The place of a piece; one without any follows the one that came before it.
    pub(super) fn place(&mut self, arrival: &Arrival) -> (u64, bool) {
        let next = self.pieces.last_key_value().map_or(0, |(last, _)| last.saturating_add(1));
        match (arrival.position, &arrival.name) {
            (Some(Position::Offset(offset)), _) => (offset, true),
            (Some(Position::Number(number)), _) => (number, false),
            (None, Some(name)) if self.names.contains_key(name) => (self.names[name], false),
            (None, Some(name)) if self.names.len() < NAMES_MAX && name.len() <= NAME_BYTES_MAX => {
                self.names.insert(name.clone(), next);
                (next, false)
            }
            (None, _) => (next, false),
        }
    }

    /// What is wrong with a piece: with other bytes than the ones known it says nothing of what the service has, which may
    /// have refused one of the two, and what its request says has to fit.
    pub(super) fn doubt(&mut self, (at, is_offset): (u64, bool), arrival: &Arrival) -> Option<&'static str> {
        let Arrival { edges, total_bytes, stated_len, order, .. } = arrival;
        if *order == Order::Unknown {
            return None;
        }
        let end = at.saturating_add(edges.len());
        let total = total_bytes.or(self.total_bytes);
        let is_known = self.pieces.get(&at).is_some_and(|piece| piece.edges.is_same(edges));
        let doubt = if stated_len.is_some_and(|len| len != edges.len())
            || is_offset && total.is_some_and(|total| end > total)
            || self.total_bytes.is_some_and(|known| Some(known) != total)
            || !self.pieces.is_empty() && self.is_by_offset != is_offset
        {
            Some("unseen_parts")
        } else {
            (!is_known && self.overlaps(at, if is_offset { end } else { at.saturating_add(1) })).then_some("sent_again")
        };
        self.lost = self.lost.or(doubt);
        doubt
    }

    /// Whether something is known of a range.
    fn overlaps(&self, at: u64, end: u64) -> bool {
        self.overlapped(at, end).next().is_some()
    }

    /// What is known of a range.
    fn overlapped(&self, at: u64, end: u64) -> impl Iterator<Item = &Piece> {
        let reaches =
            move |(start, piece): &(&u64, &Piece)| self.is_by_offset && start.saturating_add(piece.edges.len()) > at;
        let before = self.pieces.range(..at).next_back().filter(reaches);
        self.pieces.range(at..end.max(at.saturating_add(1))).chain(before).map(|(_, piece)| piece)
    }

    /// Takes a piece in; gives what it takes the place of.
    pub(super) fn insert(&mut self, (at, is_offset): (u64, bool), arrival: Arrival) -> Vec<Piece> {
        let Arrival { edges, content, findings, total_bytes, order, .. } = arrival;
        self.lost = self.lost.or(content.as_ref().err().copied());
        self.total_bytes = total_bytes.or(self.total_bytes);
        self.is_by_offset = is_offset;
        self.order = order;
        whole::add(&mut self.findings, findings);
        self.is_ended = false;
        self.came += 1;
        let used = edges.len();
        let mut replaced = if is_offset { self.make_room(at, used) } else { Vec::new() };
        let piece = Piece { edges, content: content.ok(), used, is_settled: false, is_taken: false };
        replaced.extend(self.pieces.insert(at, piece));
        replaced
    }

    /// Forgets the edges around a piece whose borders were judged, as far as nothing that may still come can touch them;
    /// gives the bytes that this frees. Where a piece may be replaced by another one, all edges stay.
    pub(super) fn settle(&mut self, at: u64) -> usize {
        let Some(piece) = self.pieces.get_mut(&at).filter(|_| self.order != Order::Unknown) else { return 0 };
        piece.is_settled = true;
        let before = std::iter::successors(self.previous(at), |at| self.previous(*at)).take(NEIGHBOURS_MAX);
        let behind = std::iter::successors(self.next(at), |at| self.next(*at)).take(NEIGHBOURS_MAX);
        let around: Vec<u64> = before.chain([at]).chain(behind).collect();
        let judged: Vec<_> = around.iter().map(|at| (*at, self.reaches_back(*at), self.reaches_on(*at))).collect();
        let mut freed = 0;
        for (at, is_start_judged, is_end_judged) in judged {
            if let Some(Piece { edges, .. }) = self.pieces.get_mut(&at).filter(|piece| piece.is_settled) {
                let had = edges.bytes();
                edges.forget(is_start_judged, is_end_judged);
                freed += had - edges.bytes();
            }
        }
        freed
    }

    /// Whether what may still come before a piece is farther away than an edge reaches.
    fn reaches_back(&self, at: u64) -> bool {
        self.is_by_offset && at == 0
            || self.is_covered(std::iter::successors(self.previous(at), |at| self.previous(*at)))
    }

    fn reaches_on(&self, at: u64) -> bool {
        self.is_covered(std::iter::successors(self.next(at), |at| self.next(*at)))
    }

    /// Whether pieces that lie one after the other are as long as an edge together, or reach the beginning, and were judged.
    fn is_covered(&self, pieces: impl Iterator<Item = u64>) -> bool {
        let mut len = 0u64;
        let judged = |at| Some((at, self.pieces.get(&at).filter(|piece| piece.is_settled)?));
        pieces.take(NEIGHBOURS_MAX).map_while(judged).any(|(at, piece)| {
            len = len.saturating_add(piece.edges.len());
            len >= EDGE_BYTES as u64 || self.is_by_offset && at == 0
        })
    }

    /// The piece that ends where another one begins.
    fn previous(&self, at: u64) -> Option<u64> {
        let (start, piece) = self.pieces.range(..at).next_back()?;
        let end = if self.is_by_offset { start.checked_add(piece.edges.len())? } else { start.checked_add(1)? };
        (end == at).then_some(*start)
    }

    /// The piece that begins where another one ends.
    fn next(&self, at: u64) -> Option<u64> {
        let step = if self.is_by_offset { self.pieces.get(&at)?.edges.len() } else { 1 };
        let next = at.checked_add(step).filter(|next| *next > at)?;
        self.pieces.contains_key(&next).then_some(next)
    }

    /// What lies in a range that was sent again counts no more.
    fn make_room(&mut self, at: u64, len: u64) -> Vec<Piece> {
        if let Some((start, before)) = self.pieces.range_mut(..at).next_back() {
            before.used = before.used.min(at - start);
        }
        let behind = at.saturating_add(1)..at.saturating_add(len).max(at.saturating_add(1));
        let covered: Vec<u64> = self.pieces.range(behind).map(|(start, _)| *start).collect();
        covered.iter().filter_map(|start| self.pieces.remove(start)).collect()
    }

    /// What lies directly before a place, as far as an edge reaches.
    pub(super) fn before(&self, at: u64, is_offset: bool) -> Vec<u8> {
        let mut text = Vec::new();
        let mut at = at;
        for (start, Piece { edges, .. }) in self.pieces.range(..at).rev() {
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
    pub(super) fn after(&self, at: u64, is_offset: bool, edges: &Edges) -> Vec<u8> {
        let mut text = Vec::new();
        let step =
            |at: u64, edges: &Edges| if is_offset { at.saturating_add(edges.len()) } else { at.saturating_add(1) };
        let mut next = step(at, edges);
        while let Some(Piece { edges, .. }) = self.pieces.get(&next).filter(|_| next > at) {
            text.extend_from_slice(edges.start());
            let behind = step(next, edges);
            if !edges.is_whole() || behind == next || text.len() >= EDGE_BYTES {
                break;
            }
            next = behind;
        }
        text.truncate(EDGE_BYTES);
        text
    }

    /// The upload as it ends; none as long as it does not.
    pub(super) fn whole(&self, ending: &Ending) -> Option<Whole> {
        let (pieces, is_gapless) = match ending {
            Ending::AsSoonAs(total) | Ending::Call(total) => self.until(*total),
            Ending::All | Ending::Unreadable => self.all(),
            Ending::Listed(names) => self.listed(names),
        };
        if let (Ending::AsSoonAs(total), false) = (ending, is_gapless)
            && !(self.order == Order::InTurn && self.reaches(*total))
        {
            return None;
        }
        let mut content = Joined::default();
        for piece in pieces {
            if let Some(file) = &piece.content {
                content.push(file.clone(), piece.used);
            }
        }
        let missing = match ending {
            Ending::Unreadable => Some("part_list"),
            _ => self.lost.or((!is_gapless).then_some("unseen_parts")),
        };
        Some(Whole { content, missing, findings: self.findings.clone(), came: self.came })
    }

    /// Ends it as it was judged; false if another piece has come since.
    pub(super) fn end(&mut self, came: u64) -> bool {
        self.is_ended = self.came == came;
        self.is_ended
    }

    /// Whether the last byte is here. Where pieces come one after the other, those before it have come then, or never will.
    fn reaches(&self, total: u64) -> bool {
        self.pieces.iter().any(|(start, piece)| start.saturating_add(piece.edges.len()) >= total)
    }

    /// Pieces that lie one after the other from the beginning to an offset.
    fn until(&self, total: u64) -> (Vec<&Piece>, bool) {
        let (mut pieces, mut end) = (Vec::new(), 0);
        for (start, piece) in self.pieces.range(..total) {
            if *start > end {
                break;
            }
            end = start.saturating_add(piece.used);
            pieces.push(piece);
        }
        (pieces, end == total && (self.is_by_offset || total == 0))
    }

    /// All pieces. Services count from 0 or from 1; what stands behind the last number nobody knows.
    fn all(&self) -> (Vec<&Piece>, bool) {
        match (self.pieces.first_key_value(), self.pieces.last_key_value()) {
            (_, Some((start, last))) if self.is_by_offset => self.until(start.saturating_add(last.used)),
            (Some((first, _)), Some((last, _))) => {
                let is_gapless = *first <= 1 && last - first == self.pieces.len() as u64 - 1;
                (self.pieces.values().collect(), is_gapless)
            }
            _ => (Vec::new(), false),
        }
    }

    fn listed(&self, names: &[String]) -> (Vec<&Piece>, bool) {
        let mut taken = HashSet::new();
        // Where pieces have names, a name that is not known is no number either.
        let number = |name: &String| name.trim().parse().ok().filter(|_| self.names.is_empty());
        let place = |name: &String| self.names.get(name).copied().or_else(|| number(name));
        let piece = |name: &String| {
            let at = place(name)?;
            // A list that names a piece again and again would be larger than anything that was sent.
            if taken.insert(at) { self.pieces.get(&at) } else { None }
        };
        let pieces: Vec<Option<&Piece>> = names.iter().map(piece).collect();
        let is_gapless = !pieces.is_empty() && pieces.iter().all(Option::is_some);
        (pieces.into_iter().flatten().collect(), is_gapless)
    }
}
