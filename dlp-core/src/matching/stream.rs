//! Searching a text that comes in pieces, with the law that any cutting gives the same matches.
//!
//! The scan keeps a buffer of the latest bytes. `horizon` is the offset up to which all match starts are known; it lies
//! [`Reach::after`](super::compile::Reach) behind the buffer's end, because only then everything that a match there can
//! depend on has arrived. Matches wait in `pending` until their cluster is complete and their surroundings have come.
//!
//! The horizon moves by whole blocks, aligned to the stream, because the budget of confirming is kept by block.
//!
//! Where other threads are idle, they search a slice while more of the text comes, and whoever gives the text has time to read it
//! in other ways. Its matches are given with those of the next slice, unless the scratch says that they may not wait.

use super::blocks::{self, HelperJob, Helpers, Searched, Shared, blocks_of};
use super::budget::BLOCK_BYTES;
use super::compile::DetectorSet;
use super::evidence::Ground;
use super::found::{DetectorIndex, Match, ScanEnd};
use super::lines::LineCounter;
use super::material::Material;
use super::report::{self, SURROUNDINGS_BYTES, Window};
use super::resolve::Pending;
use super::scratch::Scratch;
use super::table::Table;
use crate::base::Span;
use crate::knowledge::MATCH_LEN_MAX;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Bytes that are collected before they are searched: large against the carry, small against a cache.
const SLICE_BYTES: usize = 4 * BLOCK_BYTES;

/// Bytes behind the first one of a match with which it is given at the latest, where nothing waits for helpers
/// ([`Scratch::prompt`]): those of a slice, and of what a match can depend on and its cluster can hold behind it.
pub const GIVEN_WITHIN_BYTES: usize = SLICE_BYTES + 2 * BLOCK_BYTES;

/// A search over a text that comes in pieces.
#[derive(Debug)]
pub struct StreamScan {
    set: DetectorSet,
    /// What was not searched yet; what matches may begin in before it is in the slice that others search, if there is one.
    buffer: Vec<u8>,
    /// A slice that others search, up to this index.
    lent: Option<(Arc<Shared>, usize)>,
    state: State,
}

/// Everything but the bytes.
#[derive(Debug)]
struct State {
    material: Material,
    /// Offset of the first byte of the buffer.
    base: u64,
    /// All matches that start before it are known.
    horizon: u64,
    pending: Pending,
    /// The table that the text begins with.
    table: Option<Arc<Table>>,
    /// Spans that were decided or dropped and may still stand in the surroundings of a later match.
    recent: Vec<Span>,
    lines: LineCounter,
    lines_at: u64,
    /// Detectors that were not tried everywhere.
    degraded: BTreeSet<DetectorIndex>,
    steps: u64,
}

impl StreamScan {
    pub(super) fn new(set: DetectorSet, material: Material) -> Self {
        Self { set, buffer: Vec::new(), lent: None, state: State::new(material) }
    }

    /// Searches a text that is there as a whole, without copying it.
    pub(super) fn whole(set: &DetectorSet, scratch: &mut Scratch, text: &[u8], each: &mut dyn FnMut(Match)) -> ScanEnd {
        let mut state = State::new(Material::Text);
        scratch.fit(set);
        while state.horizon < text.len() as u64 {
            let end = text.len().min(state.horizon as usize + SLICE_BYTES);
            state.begin(set, text);
            state.advance(set, scratch, text, end);
            state.report(set, text, text.len() == end, each);
        }
        state.end()
    }

    /// Takes the next bytes and gives the matches that are decided by them.
    pub fn push(&mut self, scratch: &mut Scratch, mut bytes: &[u8], each: &mut dyn FnMut(Match)) {
        let beside = self.set.reach().before + self.set.reach().after;
        while !bytes.is_empty() {
            // Beside what is lent lies what has to be beside a slice.
            let full = SLICE_BYTES + if self.lent.is_none() { beside } else { 0 };
            let room = full.saturating_sub(self.buffer.len()).max(1).min(bytes.len());
            let (now, later) = bytes.split_at(room);
            self.buffer.extend_from_slice(now);
            bytes = later;
            if self.buffer.len() >= full {
                self.search(scratch, false, each);
            }
        }
    }

    /// Ends the text and gives the remaining matches.
    pub fn finish(mut self, scratch: &mut Scratch, each: &mut dyn FnMut(Match)) -> ScanEnd {
        self.search(scratch, true, each);
        self.state.end()
    }

    /// Offset up to which nothing undecided stands: bytes before it can be let go.
    #[must_use]
    pub fn safe_until(&self) -> u64 {
        self.state.pending.earliest().map_or(self.state.horizon, |earliest| earliest.min(self.state.horizon))
    }

    fn search(&mut self, scratch: &mut Scratch, is_end: bool, each: &mut dyn FnMut(Match)) {
        scratch.fit(&self.set);
        self.take_back(scratch, each);
        let end = if is_end { self.buffer.len() } else { self.last_block_end() };
        self.state.begin(&self.set, &self.buffer);
        let part = self.state.from()..end;
        let is_divided = blocks_of(part.clone()).len() > 1;
        match scratch.helpers().filter(|_| is_divided) {
            None => {
                self.state.advance(&self.set, scratch, &self.buffer, end);
                let done = self.state.settle(&self.set, &self.buffer, is_end, each);
                self.buffer.drain(..done);
            }
            Some(helpers) => {
                let shared = (&self.set, self.state.material, &self.state.table);
                let shared = Arc::new(Shared::new(shared, std::mem::take(&mut self.buffer), part));
                if is_end || scratch.is_prompt() || !shared.lend(&*helpers, 0) {
                    let searched = shared.search(scratch, &*helpers);
                    self.buffer = self.settle_shared((shared, end), searched, is_end, each);
                } else {
                    self.lent = Some((shared, end));
                }
            }
        }
    }

    /// Ends the search of a slice that was lent, and puts what is still needed of it before what has come since.
    fn take_back(&mut self, scratch: &mut Scratch, each: &mut dyn FnMut(Match)) {
        let Some((shared, end)) = self.lent.take() else { return };
        let searched = match scratch.helpers() {
            Some(helpers) => shared.search(scratch, &*helpers),
            None => shared.search(scratch, &Nobody),
        };
        let mut text = self.settle_shared((shared, end), searched, false, each);
        text.append(&mut self.buffer);
        self.buffer = text;
    }

    /// Takes over what the search of a slice gave; the text that is still needed.
    fn settle_shared(
        &mut self,
        (shared, end): (Arc<Shared>, usize),
        searched: Vec<Searched>,
        is_end: bool,
        each: &mut dyn FnMut(Match),
    ) -> Vec<u8> {
        searched.into_iter().for_each(|searched| self.state.add(searched));
        self.state.pass(end);
        let done = self.state.settle(&self.set, shared.text(), is_end, each);
        shared.into_text_from(done)
    }

    /// Where the last block ends that has all it depends on in the buffer, as an index into it.
    fn last_block_end(&self) -> usize {
        let known = self.state.base + self.buffer.len().saturating_sub(self.set.reach().after) as u64;
        (known - known % BLOCK_BYTES as u64).saturating_sub(self.state.base) as usize
    }
}

impl State {
    fn new(material: Material) -> Self {
        Self {
            material,
            base: 0,
            horizon: 0,
            pending: Pending::default(),
            table: None,
            recent: Vec::new(),
            lines: LineCounter::new(),
            lines_at: 0,
            degraded: BTreeSet::new(),
            steps: 0,
        }
    }

    fn end(self) -> ScanEnd {
        ScanEnd { degraded: self.degraded.into_iter().collect(), steps: self.steps }
    }

    /// Reads what the whole text is judged by from its beginning.
    fn begin(&mut self, set: &DetectorSet, text: &[u8]) {
        if self.horizon == 0 && self.material == Material::Text {
            self.table = Table::of(set.vocabulary(), text).map(Arc::new);
        }
    }

    /// Where the horizon is in the text, whose first byte is the base. A block begins there.
    fn from(&self) -> usize {
        (self.horizon - self.base) as usize
    }

    /// Finds all matches that start between the horizon and `end`, an index into the text.
    fn advance(&mut self, set: &DetectorSet, scratch: &mut Scratch, text: &[u8], end: usize) {
        let table = self.table.clone();
        let ground = Ground { text, material: self.material, table: table.as_deref() };
        for block in blocks_of(self.from()..end) {
            let searched = blocks::search(set, scratch, ground, block);
            self.add(searched);
        }
        self.pass(end);
    }
    /// Adds what a block gave; the next one comes next.
    fn add(&mut self, searched: Searched) {
        let Searched { mut found, degraded, steps } = searched;
        for judged in &mut found {
            judged.start += self.base;
            judged.end += self.base;
        }
        self.degraded.extend(degraded);
        self.steps += steps;
        self.pending.add(&mut found);
    }

    /// All matches before `end`, an index into the text, are known.
    fn pass(&mut self, end: usize) {
        self.horizon = self.horizon.max(self.base + end as u64);
    }

    /// Gives the matches that are decided, and lets go the bytes before the first that is still needed: so many.
    fn settle(&mut self, set: &DetectorSet, text: &[u8], is_end: bool, each: &mut dyn FnMut(Match)) -> usize {
        self.report(set, text, is_end, each);
        let keep = self.keep_from(set);
        self.pass_lines(text, keep);
        (keep - std::mem::replace(&mut self.base, keep)) as usize
    }

    /// Gives the matches whose cluster and surroundings are complete.
    fn report(&mut self, set: &DetectorSet, text: &[u8], is_end: bool, each: &mut dyn FnMut(Match)) {
        let window = Window { text, base: self.base };
        let known = if is_end { u64::MAX } else { self.horizon.saturating_sub(SURROUNDINGS_BYTES as u64) };
        self.recent.extend(self.pending.spans());
        self.recent.sort_unstable();
        self.recent.dedup();
        let longest = self.recent.iter().map(|span| span.end.0 - span.start.0).max().unwrap_or(0);
        let mut pending = std::mem::take(&mut self.pending);
        pending.decide(known, &mut |judged| {
            self.pass_lines(text, judged.start);
            let near = nearby((&self.recent, longest), Span::new(judged.start, judged.end));
            each(report::complete((set, self.table.as_deref()), window, (judged, self.lines), near));
        });
        self.pending = pending;
        let oldest = self.horizon.saturating_sub((2 * MATCH_LEN_MAX + SURROUNDINGS_BYTES) as u64);
        let oldest = self.pending.earliest().map_or(oldest, |earliest| earliest.min(oldest));
        self.recent.retain(|span| span.end.0 + MATCH_LEN_MAX as u64 > oldest);
    }

    /// Moves the line counter to an offset of the text.
    fn pass_lines(&mut self, text: &[u8], until: u64) {
        let window = Window { text, base: self.base };
        let slice = window.slice(Span::new(self.lines_at, until));
        self.lines.advance(slice);
        self.lines_at += slice.len() as u64;
    }

    /// Offset of the first byte that later matches and reports still need.
    fn keep_from(&self, set: &DetectorSet) -> u64 {
        let needed = self.pending.earliest().map_or(self.horizon, |earliest| earliest.min(self.horizon));
        needed.saturating_sub(set.reach().before as u64).max(self.base)
    }
}

/// No thread is idle.
#[derive(Debug)]
struct Nobody;

impl Helpers for Nobody {
    fn lend(&self, _job: HelperJob) -> bool {
        false
    }
}

/// The spans that can stand in the surroundings of one, in a list sorted by start, of which the longest has so many bytes.
fn nearby((sorted, longest): (&[Span], u64), span: Span) -> impl Iterator<Item = Span> + Clone {
    let around = SURROUNDINGS_BYTES as u64;
    let first = sorted.partition_point(|s| s.start.0 + longest + around < span.start.0);
    let before_end = sorted[first..].iter().take_while(move |s| s.start.0 < span.end.0 + around);
    before_end.filter(move |s| s.end.0 + around > span.start.0).copied()
}
