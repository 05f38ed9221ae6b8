//! From start anchors to the tables that the first pass reads.

use super::families::Families;
use super::{Asked, Before, FIRST_BYTES, FOLLOWED_RUNS, Group, LENGTHS, OFFSETS_AT_ONCE, Placed, Rows, Starts};
use crate::knowledge::{Boundary, ByteSet, FOLLOWERS, RUNS, SHAPE_RUNS, Shape, WINDOW_LEN};
use crate::matching::simd::{Ahead, RowSet, TokenKind};
use crate::matching::vocabulary::{PhraseId, Phrases};
use dlp_detector_format::Context;
use std::collections::HashMap;
use std::hash::Hash;

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
    /// One of these.
    pub(super) phrases: Vec<PhraseId>,
    /// Bytes before the start of the match in which it begins.
    pub(super) before: usize,
    /// Bytes behind the start of the match in which it begins.
    pub(super) behind: usize,
}

impl Named {
    #[cfg(test)]
    pub(super) fn new(phrases: Vec<PhraseId>, (before, behind): (usize, usize)) -> Self {
        Self { phrases, before, behind }
    }

    /// What a detector demands, of whose pattern a match is at most so long.
    pub(in crate::matching) fn of(context: &Context, phrases: &Phrases, len_max: usize) -> Option<Self> {
        let (before, behind) = (usize::from(context.before_bytes), len_max + usize::from(context.after_bytes));
        (context.required && before.max(behind) <= NAMED_BYTES_MAX).then(|| Self {
            phrases: phrases.strong.clone(),
            before,
            behind,
        })
    }
}

/// Collects patterns.
#[derive(Debug, Default)]
pub(in crate::matching) struct Builder {
    rows: Vec<Row>,
}

#[derive(Debug)]
pub(super) struct Row {
    placed: Placed,
    boundary: Boundary,
    /// What can stand right before the token; for a match that starts with the token, that is for its boundary to say.
    before: Option<ByteSet>,
    window: Vec<ByteSet>,
    pub(super) start: Start,
    named: Option<Named>,
}

impl Builder {
    /// Adds a pattern with the bytes that can stand at each of its first offsets.
    pub(in crate::matching) fn add(
        &mut self,
        (pattern, boundary): (u32, Boundary),
        window: &[ByteSet],
        (start, named): (&Start, Option<Named>),
    ) {
        for skip in start.skip.0..=start.skip.1 {
            self.rows.push(Row {
                placed: Placed {
                    pattern,
                    skip,
                    named_within: named.as_ref().map_or((0, 0), |named| (named.before, named.behind)),
                },
                boundary,
                before: skip.checked_sub(1).map(|before| window.get(before).copied().unwrap_or(ByteSet::ALL)),
                window: window.iter().skip(skip).copied().collect(),
                start: start.clone(),
                named: named.clone(),
            });
        }
    }

    /// The tables, where phrases have so many numbers.
    pub(in crate::matching) fn build(self, phrases: usize) -> Starts {
        let named = self.rows.iter().filter_map(|row| row.named.as_ref());
        let (mut any, mut open) = (Asked::default(), Asked::default());
        self.rows.iter().filter(|row| !row.is_waiting()).for_each(|row| open.add(row));
        any.clone_from(&open);
        self.rows.iter().filter(|row| row.is_waiting()).for_each(|row| any.add(row));
        let [of_digits, of_letters] =
            [|byte: u8| byte.is_ascii_digit(), |byte: u8| byte.is_ascii_alphabetic()].map(|is| self.rows(phrases, is));
        let named_within = named.fold((0, 0), |(before, behind), row| (before.max(row.before), behind.max(row.behind)));
        Starts {
            named_within,
            of_digits,
            of_letters,
            waiting: self.rows.into_iter().filter(Row::is_waiting).collect(),
            any,
            open,
        }
    }

    /// The rows whose token can start with such a byte.
    fn rows(&self, phrases: usize, is_first: fn(u8) -> bool) -> Rows {
        let rows: Vec<&Row> = self.rows.iter().filter(|row| row.accepts(0).bytes().any(is_first)).collect();
        Rows {
            families: Families::of(&rows, phrases),
            groups: rows.chunks(RowSet::ROWS).map(|rows| Draft::new(rows).finish(rows, phrases)).collect(),
        }
    }
}

/// The rows that wait for a phrase, and by phrase those that wait for it.
fn waiting(rows: &[&Row], phrases: usize) -> (RowSet, Vec<RowSet>) {
    let (mut waiting, mut named) = (RowSet::default(), vec![RowSet::default(); phrases]);
    for (number, row) in rows.iter().enumerate() {
        for id in row.phrases() {
            waiting.insert(number);
            named[id as usize].insert(number);
        }
    }
    (waiting, named)
}

impl Asked {
    /// Adds the pairs of bytes with which a row can start, for what lies ahead, and the shapes of tokens that it can have,
    /// by what is known of the token beside.
    pub(super) fn add(&mut self, row: &Row) {
        let [firsts, seconds] = [0, 1].map(|offset| row.accepts(offset));
        for ahead in Ahead::all().filter(|ahead| row.can_start(*ahead)) {
            firsts.bytes().for_each(|first| self.pairs.insert(ahead, first, seconds.words()));
        }
        let can_be = |kind: &TokenKind| {
            let mut before = Before::all().filter(|before| before.told() == kind.behind);
            row.can_start(kind.ahead) && before.any(|before| row.can_stand_behind(before))
        };
        self.shapes.insert(&row.start.shape, &TokenKind::all().filter(can_be).collect::<Vec<_>>());
    }
}

impl Row {
    /// The bytes that can stand at an offset from the start of the token.
    pub(super) fn accepts(&self, offset: usize) -> ByteSet {
        self.window.get(offset).copied().unwrap_or(ByteSet::ALL)
    }

    pub(super) fn is_waiting(&self) -> bool {
        self.named.is_some()
    }

    /// The phrases that it waits for.
    pub(super) fn phrases(&self) -> impl Iterator<Item = PhraseId> {
        self.named.iter().flat_map(|named| named.phrases.iter().copied())
    }

    fn can_start(&self, ahead: Ahead) -> bool {
        ahead.lets(self.start.run_min, self.start.digit_within)
    }

    pub(super) fn can_stand_behind(&self, before: Before) -> bool {
        match &self.before {
            Some(bytes) => bytes.contains(before.byte),
            None => before.lets(self.boundary),
        }
    }
}

/// The tables of one group with every set spelled out.
struct Draft {
    before: Vec<RowSet>,
    lengths: Vec<RowSet>,
    shapes: Vec<RowSet>,
    accepts: Vec<RowSet>,
    /// By offset, the rows whose window has ended: they accept any byte.
    open: Vec<RowSet>,
    goes_on: Vec<RowSet>,
    of_boundary: Vec<(Boundary, RowSet)>,
}

impl Draft {
    fn new(rows: &[&Row]) -> Self {
        let sets = |count: usize| vec![RowSet::default(); count];
        let mut draft = Self {
            before: sets(Before::PLACES),
            lengths: sets(LENGTHS),
            shapes: sets(SHAPE_RUNS * FOLLOWED_RUNS),
            accepts: sets(WINDOW_LEN << 8),
            open: sets(WINDOW_LEN),
            goes_on: sets((WINDOW_LEN - FIRST_BYTES).div_ceil(OFFSETS_AT_ONCE)),
            of_boundary: Vec::new(),
        };
        for (number, row) in rows.iter().enumerate() {
            draft.add_window(number, row);
            draft.add_surroundings(number, row);
            draft.add_shape(number, row);
        }
        draft
    }

    fn add_window(&mut self, number: usize, row: &Row) {
        for (offset, set) in row.window.iter().enumerate() {
            set.bytes().for_each(|byte| self.accepts[offset << 8 | usize::from(byte)].insert(number));
        }
        self.open.iter_mut().skip(row.window.len()).for_each(|rows| rows.insert(number));
        let turns = row.window.len().saturating_sub(FIRST_BYTES).div_ceil(OFFSETS_AT_ONCE);
        self.goes_on.iter_mut().take(turns).for_each(|rows| rows.insert(number));
    }

    fn add_surroundings(&mut self, number: usize, row: &Row) {
        for before in Before::all().filter(|before| row.can_stand_behind(*before)) {
            self.before[before.place()].insert(number);
        }
        self.lengths.iter_mut().skip(row.start.run_min).for_each(|rows| rows.insert(number));
        if row.placed.skip > 0 {
            return;
        }
        let known = self.of_boundary.iter().position(|(boundary, _)| *boundary == row.boundary);
        let place = known.unwrap_or_else(|| {
            self.of_boundary.push((row.boundary, RowSet::default()));
            self.of_boundary.len() - 1
        });
        self.of_boundary[place].1.insert(number);
    }

    fn add_shape(&mut self, number: usize, row: &Row) {
        for (place, rows) in self.shapes.chunks_exact_mut(FOLLOWERS).enumerate() {
            let mut followers = row.start.shape.followers(place / RUNS, place % RUNS);
            while followers != 0 {
                rows[followers.trailing_zeros() as usize].insert(number);
                followers &= followers - 1;
            }
        }
    }

    fn finish(mut self, rows: &[&Row], phrases: usize) -> Group {
        for (accepts, open) in self.accepts.chunks_exact_mut(1 << 8).zip(&self.open) {
            accepts.iter_mut().for_each(|rows| rows.extend(open));
        }
        let (waiting, named) = waiting(rows, phrases);
        let mut sets = Distinct::default();
        let mut indexes = |table: Vec<RowSet>| table.into_iter().map(|set| sets.index(set)).collect();
        Group {
            rows: rows.iter().map(|row| row.placed).collect(),
            before: indexes(self.before),
            lengths: indexes(self.lengths),
            shapes: indexes(self.shapes),
            accepts: indexes(self.accepts),
            named: indexes(named),
            waiting,
            sets: sets.values,
            goes_on: self.goes_on,
            of_boundary: self.of_boundary,
        }
    }
}

/// Distinct values in the order of their first use.
struct Distinct<T> {
    values: Vec<T>,
    places: HashMap<T, u16>,
}

impl<T> Default for Distinct<T> {
    fn default() -> Self {
        Self { values: Vec::new(), places: HashMap::new() }
    }
}

impl<T: Copy + Eq + Hash> Distinct<T> {
    /// Tables of a group have fewer places than an index has values.
    fn index(&mut self, value: T) -> u16 {
        let Self { values, places } = self;
        *places.entry(value).or_insert_with(|| {
            values.push(value);
            (values.len() - 1) as u16
        })
    }
}

const _: () = assert!(Before::PLACES + LENGTHS + SHAPE_RUNS * RUNS * FOLLOWERS + WINDOW_LEN * 256 <= 1 << 16);
