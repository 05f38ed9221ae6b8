//! From start anchors to the tables that the first pass reads.

use super::families::Families;
use super::{Asked, Before, FIRST_BYTES, FOLLOWED_RUNS, Group, LENGTHS, OFFSETS_AT_ONCE, Placed, Rows, Starts};
use crate::knowledge::{Boundary, ByteSet, FOLLOWERS, RUNS, SHAPE_RUNS, Shape, WINDOW_LEN};
use crate::matching::simd::{Ahead, Behind, RowSet, TokenKind};
use crate::matching::vocabulary::{PhraseId, Phrases};
use dlp_detector_format::Distinct;
use std::hash::Hash;
use std::ops::Range;
use std::sync::Arc;

/// What a start anchor says of the token.
#[derive(Clone, Debug)]
pub(in crate::matching) struct Start {
    /// Least and greatest number of bytes of the match before the token.
    pub(in crate::matching) skip: (usize, usize),
    pub(in crate::matching) run_min: usize,
    pub(in crate::matching) digit_within: Option<usize>,
    pub(in crate::matching) shape: Shape,
}

/// Farthest that a demanded phrase may stand from a token for the pattern to wait for it; beyond, it is tried anywhere.
const NAMED_BYTES_MAX: usize = 128;

/// A phrase that must stand near a pattern's token, or the pattern finds nothing.
#[derive(Clone, Debug)]
pub(in crate::matching) struct Named {
    /// One of the strong ones.
    phrases: Arc<Phrases>,
    /// Bytes before the start of the match in which it begins.
    pub(super) before: usize,
    /// Bytes behind the start of the match in which it begins.
    pub(super) behind: usize,
}

impl Named {
    #[cfg(test)]
    pub(super) fn new(strong: Vec<PhraseId>, (before, behind): (usize, usize)) -> Self {
        Self { phrases: Arc::new(Phrases::new([strong, Vec::new(), Vec::new()])), before, behind }
    }

    /// One of a detector's phrases, which begins so many bytes before and behind the start of the match, if that is near.
    pub(in crate::matching) fn of(phrases: &Arc<Phrases>, (before, behind): (usize, usize)) -> Option<Self> {
        (before.max(behind) <= NAMED_BYTES_MAX).then(|| Self { phrases: Arc::clone(phrases), before, behind })
    }
}

/// Number of a set of bytes among those of all rows.
pub(super) type BytesNumber = u32;

/// Collects patterns.
#[derive(Debug, Default)]
pub(in crate::matching) struct Builder {
    rows: Vec<Row>,
    sets: Distinct<ByteSet>,
}

#[derive(Debug)]
pub(super) struct Row {
    placed: Placed,
    boundary: Boundary,
    /// What can stand right before the token; for a match that starts with the token, that is for its boundary to say.
    before: Option<BytesNumber>,
    /// What can stand at each of the first offsets; behind them, anything.
    window: Vec<BytesNumber>,
    pub(super) start: Arc<Start>,
    named: Option<Named>,
}

impl Builder {
    /// Adds a pattern with the bytes that can stand at each of its first offsets.
    pub(in crate::matching) fn add(
        &mut self,
        (pattern, boundary): (u32, Boundary),
        window: &[ByteSet],
        (start, named): (Start, Option<Named>),
    ) {
        let start = Arc::new(start);
        let window: Vec<BytesNumber> = window.iter().map(|set| self.sets.number(set)).collect();
        let anything = self.sets.number(&ByteSet::ALL);
        for skip in start.skip.0..=start.skip.1 {
            self.rows.push(Row {
                placed: Placed {
                    pattern,
                    skip,
                    named_within: named.as_ref().map_or((0, 0), |named| (named.before, named.behind)),
                },
                boundary,
                before: skip.checked_sub(1).map(|before| window.get(before).copied().unwrap_or(anything)),
                window: window.get(skip..).unwrap_or_default().to_vec(),
                start: Arc::clone(&start),
                named: named.clone(),
            });
        }
    }

    /// The tables, where phrases have so many numbers.
    pub(in crate::matching) fn build(self, phrases: usize) -> Starts {
        let named = self.rows.iter().filter_map(|row| row.named.as_ref());
        let mut open = Asked::default();
        open.add(self.rows.iter().filter(|row| !row.is_waiting()), self.sets.values());
        let mut any = open.clone();
        any.add(self.rows.iter().filter(|row| row.is_waiting()), self.sets.values());
        let [of_digits, of_letters] =
            [|byte: u8| byte.is_ascii_digit(), |byte: u8| byte.is_ascii_alphabetic()].map(|is| self.rows(phrases, is));
        let named_within = named.fold((0, 0), |(before, behind), row| (before.max(row.before), behind.max(row.behind)));
        Starts {
            named_within,
            of_digits,
            of_letters,
            waiting: self.rows.into_iter().filter(Row::is_waiting).collect(),
            sets: self.sets.into_values(),
            any,
            open,
        }
    }

    /// The rows whose token can start with such a byte.
    fn rows(&self, phrases: usize, is_first: fn(u8) -> bool) -> Rows {
        let sets = self.sets.values();
        let rows: Vec<&Row> = self.rows.iter().filter(|row| row.accepts(sets, 0).bytes().any(is_first)).collect();
        Rows {
            families: Families::of(&rows, sets, phrases),
            groups: rows.chunks(RowSet::ROWS).map(|rows| Draft { rows, sets }.group(phrases)).collect(),
        }
    }
}

impl Asked {
    /// Adds the pairs of bytes with which rows can start, for what lies ahead, and the shapes of tokens that they can have, by
    /// what is known of the token beside.
    pub(super) fn add<'r>(&mut self, rows: impl Iterator<Item = &'r Row>, sets: &[ByteSet]) {
        let mut known = Distinct::default();
        for row in rows {
            let [firsts, seconds] = [0, 1].map(|offset| row.accepts(sets, offset));
            for ahead in Ahead::all().filter(|ahead| row.can_start(*ahead)) {
                let before = known.values().len();
                // Many rows start alike.
                if known.number(&(ahead, firsts, seconds)) as usize == before {
                    firsts.bytes().for_each(|first| self.pairs.insert(ahead, first, seconds.words()));
                }
            }
            let can_stand = Behind::ALL.map(|behind| {
                let mut before = Before::all().filter(|before| before.told() == behind);
                before.any(|before| row.can_stand_behind(sets, before))
            });
            let can_be = |kind: &TokenKind| row.can_start(kind.ahead) && can_stand[kind.behind as usize];
            self.shapes.insert(&row.start.shape, &TokenKind::all().filter(can_be).collect::<Vec<_>>());
        }
    }
}

impl Row {
    /// The bytes that can stand at an offset from the start of the token.
    pub(super) fn accepts(&self, sets: &[ByteSet], offset: usize) -> ByteSet {
        self.window.get(offset).map_or(ByteSet::ALL, |set| sets[*set as usize])
    }

    /// The same as the number of a set; `None` where any can.
    pub(super) fn accepted(&self, offset: usize) -> Option<BytesNumber> {
        self.window.get(offset).copied()
    }

    pub(super) fn is_waiting(&self) -> bool {
        self.named.is_some()
    }

    /// The phrases that it waits for.
    pub(super) fn phrases(&self) -> impl Iterator<Item = PhraseId> {
        self.named.iter().flat_map(|named| named.phrases.strong.iter().copied())
    }

    fn can_start(&self, ahead: Ahead) -> bool {
        ahead.lets(self.start.run_min, self.start.digit_within)
    }

    pub(super) fn can_stand_behind(&self, sets: &[ByteSet], before: Before) -> bool {
        match self.before {
            Some(bytes) => sets[bytes as usize].contains(before.byte),
            None => before.lets(self.boundary),
        }
    }

    /// What [`can_stand_behind`](Self::can_stand_behind) looks at: it is the same for rows of which this is.
    pub(super) fn left_edge(&self) -> (Option<BytesNumber>, Option<Boundary>) {
        (self.before, self.before.is_none().then_some(self.boundary))
    }
}

/// The rows of one group, on their way to its tables.
///
/// Most rows agree on most of what is asked, so a table is not filled row by row but by what they agree on.
struct Draft<'a> {
    rows: &'a [&'a Row],
    sets: &'a [ByteSet],
}

impl Draft<'_> {
    fn group(&self, phrases: usize) -> Group {
        let mut sets = Distinct::default();
        let mut number = |rows: &RowSet| sets.number(rows) as u16;
        let before = self.before().iter().map(&mut number).collect();
        let lengths = self.lengths().iter().map(&mut number).collect();
        let mut shapes = Vec::with_capacity(SHAPE_RUNS * FOLLOWED_RUNS);
        self.shapes(|rows| shapes.push(number(rows)));
        let mut accepts = vec![0; WINDOW_LEN << 8];
        for (offset, accepts) in accepts.chunks_exact_mut(1 << 8).enumerate() {
            self.accepts(offset, |bytes, rows| accepts[bytes].fill(number(rows)));
        }
        let mut waiting = RowSet::default();
        let mut named = vec![number(&waiting); phrases];
        self.waiting(|phrase, rows| {
            waiting.extend(rows);
            named[phrase as usize] = number(rows);
        });
        Group {
            rows: self.rows.iter().map(|row| row.placed).collect(),
            before,
            lengths,
            shapes,
            accepts,
            named,
            waiting,
            sets: sets.into_values(),
            goes_on: self.goes_on(),
            of_boundary: self.of_boundary(),
        }
    }

    /// The rows with each value of something.
    fn by<K: Clone + Eq + Hash>(&self, value: impl Fn(&Row) -> Option<K>) -> Vec<(K, RowSet)> {
        let mut values = Distinct::default();
        let mut rows: Vec<RowSet> = Vec::new();
        for (number, row) in self.rows.iter().enumerate() {
            let Some(value) = value(row) else { continue };
            let place = values.number(&value) as usize;
            rows.resize(rows.len().max(place + 1), RowSet::default());
            rows[place].insert(number);
        }
        values.into_values().into_iter().zip(rows).collect()
    }

    /// By what stands before a token, the rows that let it.
    fn before(&self) -> Vec<RowSet> {
        let mut all = vec![RowSet::default(); Before::PLACES];
        for (_, rows) in self.by(|row| Some(row.left_edge())) {
            let one = self.rows[rows.rows().next().expect("a row has this edge")];
            for before in Before::all().filter(|before| one.can_stand_behind(self.sets, *before)) {
                all[before.place()].extend(&rows);
            }
        }
        all
    }

    /// By length of a token, the rows whose own is no longer.
    fn lengths(&self) -> Vec<RowSet> {
        let mut all = vec![RowSet::default(); LENGTHS];
        for (run_min, rows) in self.by(|row| Some(row.start.run_min)) {
            all.iter_mut().skip(run_min).for_each(|all| all.extend(&rows));
        }
        all
    }

    /// Gives, by number of the run, run and follower, the rows that can have it.
    fn shapes(&self, mut each: impl FnMut(&RowSet)) {
        let mut all = vec![RowSet::default(); FOLLOWED_RUNS];
        for run in 0..SHAPE_RUNS {
            all.fill(RowSet::default());
            let mut free = RowSet::default();
            for (number, row) in self.rows.iter().enumerate() {
                let followers = row.start.shape.runs(run);
                if followers.iter().all(|followers| *followers == u16::MAX) {
                    free.insert(number);
                } else {
                    add_shape(&mut all, followers, number);
                }
            }
            all.iter_mut().for_each(|rows| rows.extend(&free));
            all.iter().for_each(&mut each);
        }
    }

    /// Gives the rows that accept each byte at an offset, for ranges of bytes of which they are the same.
    fn accepts(&self, offset: usize, mut each: impl FnMut(Range<usize>, &RowSet)) {
        let by_set = self.by(|row| row.accepted(offset));
        let mut open = RowSet::default();
        let ended = self.rows.iter().enumerate().filter(|(_, row)| row.accepted(offset).is_none());
        ended.for_each(|(number, _)| open.insert(number));
        let sets: Vec<(&ByteSet, &RowSet)> =
            by_set.iter().map(|(set, rows)| (&self.sets[*set as usize], rows)).collect();
        let mut edges = ByteSet::default();
        sets.iter().for_each(|(set, _)| edges.extend(set.edges()));
        let starts = std::iter::once(0).chain(edges.bytes().map(usize::from));
        let ends = edges.bytes().map(usize::from).chain(std::iter::once(1 << 8));
        for bytes in starts.zip(ends).map(|(start, end)| start..end) {
            let mut rows = open;
            let accepting = sets.iter().filter(|(set, _)| set.contains(bytes.start as u8));
            accepting.for_each(|(_, of_set)| rows.extend(of_set));
            each(bytes, &rows);
        }
    }

    /// Gives, for each phrase that rows wait for, those that do.
    fn waiting(&self, mut each: impl FnMut(PhraseId, &RowSet)) {
        let waits = self.rows.iter().enumerate().flat_map(|(number, row)| row.phrases().map(move |id| (id, number)));
        let mut waits: Vec<(PhraseId, usize)> = waits.collect();
        waits.sort_unstable();
        for of_phrase in waits.chunk_by(|(one, _), (other, _)| one == other) {
            let mut rows = RowSet::default();
            of_phrase.iter().for_each(|(_, row)| rows.insert(*row));
            each(of_phrase[0].0, &rows);
        }
    }

    /// Rows whose window goes on behind the first bytes and each further [`OFFSETS_AT_ONCE`].
    fn goes_on(&self) -> Vec<RowSet> {
        let mut all = vec![RowSet::default(); (WINDOW_LEN - FIRST_BYTES).div_ceil(OFFSETS_AT_ONCE)];
        for (number, row) in self.rows.iter().enumerate() {
            let turns = row.window.len().saturating_sub(FIRST_BYTES).div_ceil(OFFSETS_AT_ONCE);
            all.iter_mut().take(turns).for_each(|rows| rows.insert(number));
        }
        all
    }

    /// The rows with each boundary whose match starts with the token.
    fn of_boundary(&self) -> Vec<(Boundary, RowSet)> {
        self.by(|row| (row.placed.skip == 0).then_some(row.boundary))
    }
}

/// Adds a row to the tables of a run, by the followers that each run has.
fn add_shape(all: &mut [RowSet], followers: &[u16], row: usize) {
    for (rows, followers) in all.chunks_exact_mut(FOLLOWERS).zip(followers) {
        let mut followers = *followers;
        while followers != 0 {
            rows[followers.trailing_zeros() as usize].insert(row);
            followers &= followers - 1;
        }
    }
}

const _: () = assert!(Before::PLACES + LENGTHS + SHAPE_RUNS * RUNS * FOLLOWERS + WINDOW_LEN * 256 <= 1 << 16);
