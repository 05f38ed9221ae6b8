//! One upload that takes several requests: its pieces, in order.

use super::edges::{EDGE_BYTES, Edges};
use super::store::Store;
use super::whole::{self, Joined, Whole};
use super::{ENDED_FOR, IDLE_MAX};
use crate::destination::Position;
use crate::sealed_file::SealedFile;
use dlp_core::decision::DetectorSummary;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Names of pieces that are kept of one session. Azure takes 100,000 blocks, of which 50,000 can be in a file.
const NAMES_MAX: usize = 100_000;
/// Longest name of a piece.
const NAME_BYTES_MAX: usize = 256;

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
    pub(crate) content: Result<SealedFile, &'static str>,
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
    content: Option<SealedFile>,
    /// Bytes of it that no later piece has replaced.
    used: u64,
}

impl Session {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            pieces: BTreeMap::new(),
            names: HashMap::new(),
            store: None,
            client: None,
            is_ended: false,
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

    /// Gives back what it takes on the disk.
    pub(super) fn give_up(&mut self, reason: &'static str) {
        self.store = None;
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
        let reaches =
            |(start, piece): (&u64, &Piece)| self.is_by_offset && start.saturating_add(piece.edges.len()) > at;
        self.pieces.range(at..end.max(at.saturating_add(1))).next().is_some()
            || self.pieces.range(..at).next_back().is_some_and(reaches)
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
        replaced.extend(self.pieces.insert(at, Piece { edges, content: content.ok(), used }));
        replaced
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
        Some(Whole { content, missing, findings: self.findings.clone(), came: self.came, _store: self.store.clone() })
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
