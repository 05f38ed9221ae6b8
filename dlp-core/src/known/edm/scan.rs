//! Following a text: words come, values of primary columns are looked up, then the cells of their rows around them.

use super::super::words::{Word, Words};
use super::index::Index;
use super::normal::{WORDS_MAX, normal};
use crate::base::{Confidence, Secret, Span};
use crate::matching::{DetectorIndex, Match, Reason, Step};
use std::collections::VecDeque;
use std::ops::Range;

/// Points of a primary value by itself: low, since a number can stand in a text for another reason.
const PRIMARY_POINTS: i32 = 40;
/// Points of all cells that a row needs.
const ROW_POINTS: i32 = 55;

/// Bytes that are taken at once.
const PIECE_BYTES: usize = 16 * 1024;

/// A value of a primary column that was seen, and waits for what follows.
#[derive(Debug)]
struct Hit {
    /// Which index.
    index: usize,
    column: usize,
    first: Word,
    last: Word,
    /// Rows that hold it; few, as common values are none.
    rows: Vec<u32>,
}

/// A value that stands in a text and is a cell of a row that was found there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The detector of the row.
    pub detector: DetectorIndex,
    /// Where it stands.
    pub span: Span,
    /// How sure it is that the row is meant.
    pub confidence: Confidence,
}

/// A value of the text that may be one of a primary column.
#[derive(Debug)]
struct Candidate {
    /// Which index.
    index: usize,
    column: usize,
    /// Which words make it.
    words: Range<usize>,
    hash: u64,
}

/// The state of a text.
#[derive(Debug)]
pub(in crate::known) struct Scan {
    cutter: Words,
    recent: Recent,
}

/// What was seen last, as far back as windows reach.
#[derive(Debug)]
struct Recent {
    /// Words; those before `first` are let go.
    words: Vec<Word>,
    first: usize,
    /// Those before this one were looked up.
    new: usize,
    candidates: Vec<Candidate>,
    hits: VecDeque<Hit>,
    window_bytes: u64,
    /// Cells of found rows, for those who want to know where they stand.
    cells: Option<Vec<Cell>>,
    /// Bytes that values may still be taken from, from `base` on.
    held: Vec<u8>,
    base: u64,
}

/// An index and its detector.
type Record = (DetectorIndex, Index);

impl Scan {
    pub(in crate::known) fn new(records: &[Record], with_cells: bool) -> Self {
        let window_bytes = records.iter().map(|(_, index)| index.schema().window_bytes).max().unwrap_or(0);
        let recent = Recent {
            words: Vec::new(),
            first: 0,
            new: 0,
            candidates: Vec::new(),
            hits: VecDeque::new(),
            window_bytes,
            cells: with_cells.then(Vec::new),
            held: Vec::new(),
            base: 0,
        };
        Self { cutter: Words::new(), recent }
    }

    pub(in crate::known) fn push(&mut self, records: &[Record], bytes: &[u8], each: &mut dyn FnMut(Match)) {
        let Self { cutter, recent } = self;
        for piece in bytes.chunks(PIECE_BYTES) {
            recent.held.extend_from_slice(piece);
            cutter.push(piece, &mut |word| recent.words.push(*word));
            recent.follow(records, each);
            recent.forget(cutter.open_since());
        }
    }

    pub(in crate::known) fn finish(&mut self, records: &[Record], each: &mut dyn FnMut(Match)) {
        let Self { cutter, recent } = self;
        cutter.finish(&mut |word| recent.words.push(*word));
        recent.follow(records, each);
        while let Some(hit) = recent.hits.pop_front() {
            recent.decide(records, &hit, each);
        }
    }

    /// Offset before which nothing undecided stands: a value may begin a few words back, and the cells of its row a window
    /// before it.
    pub(in crate::known) fn safe_until(&self) -> u64 {
        let safe = self.recent.safe_until().min(self.cutter.open_since());
        if self.recent.cells.is_some() { safe.saturating_sub(self.recent.window_bytes) } else { safe }
    }

    /// The cells of the rows that were found since the last call.
    pub(in crate::known) fn take_cells(&mut self) -> Vec<Cell> {
        self.recent.cells.as_mut().map(std::mem::take).unwrap_or_default()
    }
}

impl Recent {
    fn words(&self) -> &[Word] {
        &self.words[self.first..]
    }

    fn safe_until(&self) -> u64 {
        let words = self.words();
        let begun = words.get(words.len().saturating_sub(WORDS_MAX)).map_or(u64::MAX, |word| word.start);
        self.hits.iter().map(|hit| hit.first.start).min().unwrap_or(u64::MAX).min(begun)
    }

    /// Looks up the values that end with new words, and decides about hits behind whose windows words have begun.
    fn follow(&mut self, records: &[Record], each: &mut dyn FnMut(Match)) {
        self.gather(records);
        self.look_up(records);
        self.new = self.words.len();
        let latest = self.words.last().map_or(0, |word| word.start);
        while self.hits.front().is_some_and(|hit| hit.last.end + self.window_bytes < latest) {
            let hit = self.hits.pop_front().expect("there is a first");
            self.decide(records, &hit, each);
        }
    }

    /// Gathers the values that end with new words.
    fn gather(&mut self, records: &[Record]) {
        for end in self.new + 1..=self.words.len() {
            for (at, (_, index)) in records.iter().enumerate() {
                for column in index.primary_columns() {
                    for count in column.counts(&self.words[self.first..end]) {
                        let words = end - count..end;
                        let value = normal(column.kind, &self.words[words.clone()]).filter(|v| v.is_findable(true));
                        let hash = value.and_then(|value| index.hash(column.at, &value));
                        self.candidates.extend(hash.map(|hash| Candidate {
                            index: at,
                            column: column.at,
                            words,
                            hash,
                        }));
                    }
                }
            }
        }
    }

    /// Looks up what was gathered. The filters are asked about all of them first, so that the processor fetches their
    /// places together.
    fn look_up(&mut self, records: &[Record]) {
        let mut candidates = std::mem::take(&mut self.candidates);
        candidates.retain(|value| records[value.index].1.may_hold(value.hash));
        for Candidate { index: at, column, words, hash } in candidates.drain(..) {
            let index = &records[at].1;
            let places = index.find_hash(hash);
            if places.is_empty() || places.end - places.start > u64::from(index.schema().common_rows) {
                continue;
            }
            let rows = index.rows_of(places);
            if rows.is_empty() {
                continue;
            }
            let (first, last) = (self.words[words.start], self.words[words.end - 1]);
            self.hits.push_back(Hit { index: at, column, first, last, rows });
        }
        self.candidates = candidates;
    }

    /// Lets go of words and bytes that no window reaches any more, a word being open since a place.
    fn forget(&mut self, open_since: u64) {
        let safe = self.safe_until().min(open_since);
        let needed = safe.saturating_sub(self.window_bytes);
        let words = self.words();
        let kept_min = words.len().saturating_sub(WORDS_MAX);
        self.first += words.iter().take(kept_min).take_while(|word| word.start < needed).count();
        if self.first > self.words.len() / 2 {
            self.words.drain(..self.first);
            self.new -= self.first;
            self.first = 0;
        }
        let surplus = (safe - self.base) as usize;
        if surplus > self.held.len() / 2 {
            self.held.drain(..surplus);
            self.base += surplus as u64;
        }
    }

    fn decide(&mut self, records: &[Record], hit: &Hit, each: &mut dyn FnMut(Match)) {
        let (detector, index) = &records[hit.index];
        let span = Span::new(hit.first.start, hit.last.end);
        let found = self.cells(index, hit);
        let confidence = Confidence::from_points(PRIMARY_POINTS + if found.is_enough { ROW_POINTS } else { 0 });
        if let Some(mut cells) = self.cells.take() {
            let cell = |span| Cell { detector: *detector, span, confidence };
            cells.extend(self.spans(index, hit).into_iter().map(cell));
            self.cells = Some(cells);
        }
        let value = self.held.get((span.start.0 - self.base) as usize..(span.end.0 - self.base) as usize);
        each(Match {
            detector: *detector,
            span,
            value: Secret::new(value.unwrap_or_default()),
            confidence,
            reasons: reasons(index, hit, &found),
            validator: None,
            start: hit.first.at,
            end: hit.last.until,
            surroundings: columns(index, hit, &found),
            cell: None,
        });
    }

    /// Where the cells of the hit's rows stand in its window, all of them.
    fn spans(&self, index: &Index, hit: &Hit) -> Vec<Span> {
        let words = self.words();
        let values = nearest(words, hit, index.schema().window_bytes).flat_map(|end| {
            let behind = end + 1;
            (1..=joined(&words[..behind])).map(move |count| &words[behind - count..behind])
        });
        values
            .filter(|value| hit.is_apart(value) && is_cell(index, hit, value))
            .filter_map(|value| Some(Span::new(value.first()?.start, value.last()?.end)))
            .collect()
    }

    /// The cells of the hit's rows in its window, nearest first, until there are enough.
    fn cells(&self, index: &Index, hit: &Hit) -> Found {
        let schema = index.schema();
        let words = self.words();
        let mut search = Search {
            index,
            hit,
            rows: vec![Cells::default(); hit.rows.len()],
            best: Found { cells: Cells::default(), row: hit.rows[0], is_enough: schema.secondary_min == 0 },
        };
        for end in nearest(words, hit, schema.window_bytes) {
            if search.best.is_enough {
                break;
            }
            for count in 1..=joined(&words[..=end]) {
                let value = &words[end + 1 - count..=end];
                if search.best.is_enough || !hit.is_apart(value) {
                    break;
                }
                search.look_up(value);
            }
        }
        search.best
    }
}

impl Hit {
    /// Whether words stand outside of the value.
    fn is_apart(&self, words: &[Word]) -> bool {
        let [first, ..] = words else { return false };
        let last = words.last().unwrap_or(first);
        last.end <= self.first.start || first.start >= self.last.end
    }
}

/// Whether a value is another cell of one of the hit's rows.
fn is_cell(index: &Index, hit: &Hit, value: &[Word]) -> bool {
    index.schema().columns.iter().enumerate().filter(|(at, _)| *at != hit.column).any(|(column, data)| {
        let Some(value) = normal(data.kind, value).filter(|v| v.is_findable(false)) else { return false };
        let places = index.find(column, &value);
        !places.is_empty() && hit.rows.iter().any(|row| index.holds(places.clone(), *row))
    })
}

/// Indexes of the words in a hit's window, those beside it first.
fn nearest(words: &[Word], hit: &Hit, window_bytes: u64) -> impl Iterator<Item = usize> {
    let (start, end) = (hit.first.start, hit.last.end);
    let first = words.partition_point(|word| word.start < start.saturating_sub(window_bytes));
    let last = words.partition_point(|word| word.end <= end + window_bytes);
    let mut before = (first..words.partition_point(|word| word.end <= start)).rev().peekable();
    let mut behind = (words.partition_point(|word| word.start < end)..last).peekable();
    std::iter::from_fn(move || {
        let to_left = before.peek().map(|at| start - words[*at].end);
        let to_right = behind.peek().map(|at| words[*at].start - end);
        let is_left = to_left.is_some_and(|left| to_right.is_none_or(|right| left <= right));
        if is_left { before.next() } else { behind.next() }
    })
}

/// The search for the other cells of a hit's rows.
struct Search<'a> {
    index: &'a Index,
    hit: &'a Hit,
    rows: Vec<Cells>,
    best: Found,
}

impl Search<'_> {
    /// Looks a value up in every other column.
    fn look_up(&mut self, value: &[Word]) {
        let schema = self.index.schema();
        for (column, data) in schema.columns.iter().enumerate().filter(|(at, _)| *at != self.hit.column) {
            if !self.index.may_make(column, value) {
                continue;
            }
            let Some(value) = normal(data.kind, value).filter(|v| v.is_findable(false)) else { continue };
            let places = self.index.find(column, &value);
            if places.is_empty() {
                continue;
            }
            let is_common = places.end - places.start > u64::from(schema.common_rows);
            for (cells, row) in self.rows.iter_mut().zip(&self.hit.rows) {
                if !self.index.holds(places.clone(), *row) {
                    continue;
                }
                cells.add(column, is_common);
                if cells.count() > self.best.cells.count() {
                    self.best = Found { cells: *cells, row: *row, is_enough: cells.count() >= schema.secondary_min };
                }
            }
        }
    }
}

/// Columns of a row that were found.
#[derive(Clone, Copy, Debug, Default)]
struct Cells {
    rare: u64,
    common: u64,
}

impl Cells {
    fn add(&mut self, column: usize, is_common: bool) {
        *(if is_common { &mut self.common } else { &mut self.rare }) |= 1 << column;
    }

    /// How many count: common ones only beside two others, the primary value being one of them.
    fn count(self) -> u32 {
        let rare = self.rare.count_ones();
        if rare > 0 { (self.rare | self.common).count_ones() } else { 0 }
    }

    fn columns(self) -> u64 {
        self.rare | self.common
    }
}

/// What stands around a primary value.
struct Found {
    cells: Cells,
    row: u32,
    is_enough: bool,
}

/// How many of the last words may make one value together.
pub(super) fn joined(words: &[Word]) -> usize {
    let joins = words.iter().rev().take(WORDS_MAX - 1).take_while(|word| word.joins).count();
    (joins + 1).min(words.len())
}

/// The columns of the row that were found, for people.
fn columns(index: &Index, hit: &Hit, found: &Found) -> String {
    let columns = &index.schema().columns;
    let is_found = |at: usize| at == hit.column || found.cells.columns() >> at & 1 == 1;
    let names = (0..columns.len()).filter(|at| is_found(*at)).map(|at| format!("`{}`", columns[at].name));
    let names: Vec<_> = names.collect();
    let noun = if names.len() == 1 { "column" } else { "columns" };
    format!("{noun} {} of one row", names.join(", "))
}

/// Names of columns and the row's number, never a value.
fn reasons(index: &Index, hit: &Hit, found: &Found) -> Vec<Reason> {
    let columns = &index.schema().columns;
    let (name, held, rows) = (&columns[hit.column].name, hit.rows.len(), index.rows());
    let primary = format!("value of column `{name}`, which {held} of {rows} rows hold");
    let mut reasons = vec![Reason { step: Step::Pattern, detail: primary.into(), change: PRIMARY_POINTS }];
    let names: Vec<_> = columns
        .iter()
        .enumerate()
        .filter(|(at, _)| found.cells.columns() >> at & 1 == 1)
        .map(|(_, column)| format!("`{}`", column.name))
        .collect();
    let detail = match (found.is_enough, names.is_empty()) {
        (_, true) => "no other cell of the row nearby".to_owned(),
        (true, false) => format!("{} of the same row, number {}, nearby", names.join(", "), found.row),
        (false, false) => format!("{} of the same row nearby, which is too little", names.join(", ")),
    };
    reasons.push(Reason {
        step: Step::Context,
        detail: detail.into(),
        change: if found.is_enough { ROW_POINTS } else { 0 },
    });
    reasons
}
