//! Patterns without literals, most of them numbers that people carry: which of them can start at a token.
//!
//! Three questions, from the cheapest to the dearest, each asked of all patterns at once with a bit set: what stands
//! before the token and how long its first runs of letters and digits are (their shape, read from masks), then which
//! byte stands at each of the first offsets. The intersection leaves the few patterns whose regex is worth trying.

use super::boundary::{END, left_holds};
use super::runs::{Run, Runs};
use super::simd::{Intersect, Isa, RowSet};
use crate::knowledge::{Boundary, ByteSet, FOLLOWERS, RUN_MIN_MAX, RUNS, SHAPE_RUNS, Shape, WINDOW_LEN};

/// Runs with each follower.
const FOLLOWED_RUNS: usize = RUNS * FOLLOWERS;

/// Lengths of a token that are told apart.
const LENGTHS: usize = RUN_MIN_MAX as usize + 1;

/// Offsets of a window that are looked at in one go.
const OFFSETS_AT_ONCE: usize = 4;

/// Which patterns can start at a token.
#[derive(Debug, Default)]
pub(super) struct Starts {
    intersect: Intersect,
    rows: Vec<Placed>,
    /// Groups of rows, each of which is one wide set.
    groups: usize,
    /// Sets by what stands before the token, group.
    before: Vec<RowSet>,
    /// Sets by length of the token, group.
    lengths: Vec<RowSet>,
    /// Sets by number of the run, run with its follower, group.
    shapes: Vec<RowSet>,
    /// By first run with its follower.
    first_bytes: Vec<FirstBytes>,
    /// Bytes that no row tells apart share a class.
    class_of: Vec<u8>,
    classes: usize,
    /// Sets by offset, class, group.
    accepts: Vec<RowSet>,
    /// Rows whose window goes on at each [`OFFSETS_AT_ONCE`] offsets, by group.
    goes_on: Vec<RowSet>,
    /// The rows with each boundary whose match starts with the token, by group.
    of_boundary: Vec<(Boundary, Vec<RowSet>)>,
    /// For each distance of the next digit, the pairs of bytes with which a row can start, one bit each.
    pairs: Vec<u64>,
}

/// For each of the first bytes of a token the values that some row takes there, by their low six bits.
#[derive(Clone, Copy, Debug, Default)]
struct FirstBytes([u64; FIRST_BYTES]);

/// Bytes of a token that are looked at before any row is.
const FIRST_BYTES: usize = 4;

/// How far behind the start of a token the next digit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NextDigit {
    /// Fewer than [`DIGIT_NEAR`] bytes.
    Near,
    /// Fewer than [`DIGIT_FAR`].
    Far,
    /// Farther, or there is none.
    None,
}

/// See [`NextDigit::Near`].
pub(super) const DIGIT_NEAR: usize = 8;

/// See [`NextDigit::Far`].
pub(super) const DIGIT_FAR: usize = 24;

impl NextDigit {
    const ALL: [Self; 3] = [Self::Near, Self::Far, Self::None];

    /// Whether a row can start so far from a digit that demands one within so many bytes.
    fn lets(self, digit_within: Option<usize>) -> bool {
        match self {
            Self::Near => true,
            Self::Far => digit_within.is_none_or(|within| within >= DIGIT_NEAR),
            Self::None => digit_within.is_none_or(|within| within >= DIGIT_FAR),
        }
    }
}

/// What stands before a token: the byte, and whether it and a digit before it make the token go on with a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Before {
    byte: u8,
    continues_number: bool,
}

impl Before {
    /// Values of [`Self::place`].
    const PLACES: usize = 512;

    fn all() -> impl Iterator<Item = Self> {
        [false, true].into_iter().flat_map(|continues_number| (0..=255).map(move |byte| Self { byte, continues_number }))
    }

    #[inline]
    pub(super) fn of(text: &[u8], at: usize) -> Self {
        match text[..at] {
            [.., before, byte @ (b'.' | b':' | b'/' | b'-')] => Self { byte, continues_number: before.is_ascii_digit() },
            [.., byte] => Self { byte, continues_number: false },
            [] => Self { byte: END, continues_number: false },
        }
    }

    fn place(self) -> usize {
        usize::from(self.continues_number) << 8 | usize::from(self.byte)
    }

    /// Whether a match with this boundary can start behind it.
    fn lets(self, boundary: Boundary) -> bool {
        match boundary {
            Boundary::None | Boundary::Token => true,
            Boundary::Word => self.byte != b'_',
            Boundary::Identifier => self.byte != b'_' && !self.continues_number,
        }
    }
}

/// A pattern, and the bytes of it before the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Placed {
    pattern: u32,
    skip: usize,
}

/// What a start anchor says of the token.
#[derive(Clone, Debug)]
pub(super) struct Start {
    /// Least and greatest number of bytes of the match before the token.
    pub(super) skip: (usize, usize),
    pub(super) run_min: usize,
    pub(super) digit_within: Option<usize>,
    pub(super) shape: Shape,
}

/// Collects patterns.
#[derive(Debug, Default)]
pub(super) struct Builder {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    placed: Placed,
    boundary: Boundary,
    /// What can stand right before the token; for a match that starts with the token, that is for its boundary to say.
    before: Option<ByteSet>,
    window: Vec<ByteSet>,
    run_min: usize,
    digit_within: Option<usize>,
    shape: Shape,
}

impl Builder {
    /// Adds a pattern with the bytes that can stand at each of its first offsets.
    pub(super) fn add(&mut self, (pattern, boundary): (u32, Boundary), window: &[ByteSet], start: &Start) {
        for skip in start.skip.0..=start.skip.1 {
            self.rows.push(Row {
                placed: Placed { pattern, skip },
                boundary,
                before: skip.checked_sub(1).map(|before| window.get(before).copied().unwrap_or(ByteSet::ALL)),
                window: window.iter().skip(skip).copied().collect(),
                run_min: start.run_min,
                digit_within: start.digit_within,
                shape: start.shape.clone(),
            });
        }
    }

    pub(super) fn build(self, isa: Isa) -> Starts {
        let groups = self.rows.len().div_ceil(RowSet::ROWS);
        let (class_of, classes) = byte_classes(&self.rows);
        let sets = |count: usize| vec![RowSet::default(); count * groups];
        let mut starts = Starts {
            intersect: Intersect::of(isa),
            rows: self.rows.iter().map(|row| row.placed).collect(),
            groups,
            before: sets(Before::PLACES),
            lengths: sets(LENGTHS),
            shapes: sets(SHAPE_RUNS * FOLLOWED_RUNS),
            first_bytes: vec![FirstBytes::default(); FOLLOWED_RUNS],
            accepts: sets(WINDOW_LEN * classes),
            class_of,
            classes,
            goes_on: sets(WINDOW_LEN / OFFSETS_AT_ONCE),
            of_boundary: Vec::new(),
            pairs: vec![0; NextDigit::ALL.len() * PAIR_WORDS],
        };
        self.rows.iter().enumerate().for_each(|(index, row)| starts.add(index, row));
        starts
    }
}

/// Gives bytes the same class when every row accepts both or neither at each offset.
fn byte_classes(rows: &[Row]) -> (Vec<u8>, usize) {
    let mut sets: Vec<ByteSet> = rows.iter().flat_map(|row| row.window.iter().copied()).collect();
    sets.sort_unstable();
    sets.dedup();
    let mut known = std::collections::HashMap::new();
    let class_of = (0..=255u8)
        .map(|byte| {
            let signature: Vec<bool> = sets.iter().map(|set| set.contains(byte)).collect();
            let next = known.len() as u8;
            *known.entry(signature).or_insert(next)
        })
        .collect();
    (class_of, known.len())
}

impl Starts {
    fn add(&mut self, index: usize, row: &Row) {
        let (group, row_in_group) = (index / RowSet::ROWS, index % RowSet::ROWS);
        let insert = |sets: &mut [RowSet], place: usize| sets[place * self.groups + group].insert(row_in_group);
        let bytes_at = |offset: usize| row.window.get(offset).copied().unwrap_or(ByteSet::ALL);
        for offset in 0..WINDOW_LEN {
            for byte in bytes_at(offset).bytes() {
                insert(&mut self.accepts, offset * self.classes + usize::from(self.class_of[usize::from(byte)]));
            }
        }
        for turn in 0..row.window.len().div_ceil(OFFSETS_AT_ONCE) {
            insert(&mut self.goes_on, turn);
        }
        let can_stand = |before: &Before| match &row.before {
            Some(bytes) => bytes.contains(before.byte),
            None => before.lets(row.boundary),
        };
        Before::all().filter(can_stand).for_each(|before| insert(&mut self.before, before.place()));
        (row.run_min..LENGTHS).for_each(|length| insert(&mut self.lengths, length));
        for (number, run) in (0..SHAPE_RUNS).flat_map(|number| (0..RUNS).map(move |run| (number, run))) {
            for follower in (0..FOLLOWERS).filter(|follower| row.shape.holds(number, run, *follower)) {
                insert(&mut self.shapes, number * FOLLOWED_RUNS + run * FOLLOWERS + follower);
            }
        }
        for run in (0..FOLLOWED_RUNS).filter(|run| row.shape.holds(0, run / FOLLOWERS, run % FOLLOWERS)) {
            for (offset, values) in self.first_bytes[run].0.iter_mut().enumerate() {
                bytes_at(offset).bytes().for_each(|byte| *values |= 1 << (byte & 63));
            }
        }
        let (firsts, seconds) = (bytes_at(0), bytes_at(1));
        for next_digit in NextDigit::ALL.into_iter().filter(|next_digit| next_digit.lets(row.digit_within)) {
            for first in firsts.bytes() {
                for (pair, bit) in seconds.bytes().map(|second| pair_bit(first, second)) {
                    self.pairs[next_digit as usize * PAIR_WORDS + pair] |= bit;
                }
            }
        }
        if row.placed.skip == 0 {
            let groups = self.groups;
            let known = self.of_boundary.iter().position(|(boundary, _)| *boundary == row.boundary);
            let at = known.unwrap_or_else(|| {
                self.of_boundary.push((row.boundary, vec![RowSet::default(); groups]));
                self.of_boundary.len() - 1
            });
            self.of_boundary[at].1[group].insert(row_in_group);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Whether a pattern can have a token at `at`, as far as two bytes and the next digit tell.
    #[inline]
    pub(super) fn can_start(&self, text: &[u8], at: usize, next_digit: NextDigit) -> bool {
        let [first, second] = match text[at..] {
            [first, second, ..] => [first, second],
            [first] => [first, END],
            [] => [END, END],
        };
        let (pair, bit) = pair_bit(first, second);
        self.pairs[next_digit as usize * PAIR_WORDS + pair] & bit != 0
    }

    /// Whether a pattern that takes such a first run also takes the first bytes.
    #[inline]
    fn takes(&self, run: &Run, text: &[u8], at: usize) -> bool {
        let FirstBytes(values) = &self.first_bytes[place(run)];
        let byte = |offset: usize| text.get(at + offset).copied().unwrap_or(END);
        (0..FIRST_BYTES).fold(1, |all, offset| all & values[offset] >> (byte(offset) & 63)) & 1 == 1
    }

    /// Gives the patterns whose shape and window fit the text with a token at `at`, and how far before it the match
    /// starts. Where that is the token itself, the boundary holds there; else neither it nor the bytes before the token
    /// have been looked at.
    #[inline]
    pub(super) fn fitting(
        &self,
        text: &[u8],
        (at, before): (usize, Before),
        runs: Runs<'_>,
        each: &mut dyn FnMut(u32, usize),
    ) {
        let first = runs.run(text, at);
        if !self.takes(&first, text, at) {
            return;
        }
        let length = runs.token_len(at).min(LENGTHS - 1);
        for group in 0..self.groups {
            let mut rows = self.before[before.place() * self.groups + group];
            let first_byte = self.accepting(group, text, at, 0);
            let sets = [&self.lengths[length * self.groups + group], self.shape(group, 0, &first), first_byte, first_byte];
            if self.intersect.keep(&mut rows, sets)
                && self.keep_shape(&mut rows, group, text, (&first, runs))
                && self.keep_window(&mut rows, group, text, at)
            {
                self.keep_boundary(&mut rows, group, text, at);
                rows.rows().map(|row| self.rows[group * RowSet::ROWS + row]).for_each(|row| each(row.pattern, row.skip));
            }
        }
    }

    /// Keeps the rows whose further runs can be those of the text. Whether any is left.
    #[inline]
    fn keep_shape(&self, rows: &mut RowSet, group: usize, text: &[u8], (first, runs): (&Run, Runs<'_>)) -> bool {
        let Some(at) = first.next else { return true };
        let second = runs.run(text, at);
        let sets = [self.shape(group, 1, &second); 2];
        let third = match second.next {
            Some(at) => self.shape(group, 2, &runs.run(text, at)),
            None => sets[0],
        };
        self.intersect.keep(rows, [sets[0], third, third, third])
    }

    /// The rows whose run of this number can be this one.
    #[inline]
    fn shape(&self, group: usize, number: usize, run: &Run) -> &RowSet {
        &self.shapes[(number * FOLLOWED_RUNS + place(run)) * self.groups + group]
    }

    /// The rows that accept the byte at an offset from the start of the token.
    #[inline]
    fn accepting(&self, group: usize, text: &[u8], at: usize, offset: usize) -> &RowSet {
        let byte = text.get(at + offset).copied().unwrap_or(END);
        let class = usize::from(self.class_of[usize::from(byte)]);
        &self.accepts[(offset * self.classes + class) * self.groups + group]
    }

    /// Keeps the rows whose window fits. Whether any is left.
    #[inline]
    fn keep_window(&self, rows: &mut RowSet, group: usize, text: &[u8], at: usize) -> bool {
        for turn in 0..WINDOW_LEN / OFFSETS_AT_ONCE {
            if !rows.meets(&self.goes_on[turn * self.groups + group]) {
                return true;
            }
            let sets = std::array::from_fn(|offset| self.accepting(group, text, at, turn * OFFSETS_AT_ONCE + offset));
            if !self.intersect.keep(rows, sets) {
                return false;
            }
        }
        true
    }

    /// Keeps the rows that start before the token, and those whose boundary holds at it.
    fn keep_boundary(&self, rows: &mut RowSet, group: usize, text: &[u8], at: usize) {
        for (boundary, bounded) in &self.of_boundary {
            if rows.meets(&bounded[group]) && !left_holds(*boundary, text, at) {
                rows.remove(&bounded[group]);
            }
        }
    }
}

/// Place of a run with its follower in a table of [`FOLLOWED_RUNS`].
fn place(run: &Run) -> usize {
    run.place * FOLLOWERS + run.follower
}

/// Words of a set of pairs of bytes.
const PAIR_WORDS: usize = 1 << 10;

/// Word and bit of a pair of bytes in a set of 65,536.
#[inline]
fn pair_bit(first: u8, second: u8) -> (usize, u64) {
    (usize::from(first) << 2 | usize::from(second >> 6), 1 << (second & 63))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    /// What a pattern hands to the builder.
    #[derive(Clone, Debug)]
    struct Given {
        boundary: Boundary,
        window: Vec<ByteSet>,
        start: Start,
    }

    impl Given {
        fn accepts(&self, skip: usize, offset: usize, byte: u8) -> bool {
            self.window.get(skip + offset).is_none_or(|set| set.contains(byte))
        }

        /// As the documentation of [`Kind`] says.
        fn is_of(&self, kind: Kind) -> bool {
            let needs_digit = self.start.digit_within.is_some_and(|within| within <= DIGIT_WITHIN_MAX);
            match kind {
                Kind::WithDigit => needs_digit,
                Kind::Short => !needs_digit && self.start.run_min < RUN_MIN_MAX as usize,
                Kind::Long => !needs_digit,
            }
        }
    }

    fn built(given: &[Given]) -> Starts {
        let mut builder = Builder::default();
        for (pattern, Given { boundary, window, start }) in given.iter().enumerate() {
            builder.add((pattern as u32, *boundary), window, *start);
        }
        builder.build()
    }

    /// Each pattern with each number of bytes before its token.
    fn with_skips(given: &[Given]) -> impl Iterator<Item = (u32, usize, &Given)> {
        given.iter().enumerate().flat_map(|(pattern, given)| {
            (given.start.skip.0..=given.start.skip.1).map(move |skip| (pattern as u32, skip, given))
        })
    }

    fn byte_at(text: &[u8], at: usize) -> u8 {
        text.get(at).copied().unwrap_or(END)
    }

    fn fitting(starts: &Starts, text: &[u8], at: usize, kind: Kind) -> Vec<(u32, usize)> {
        let mut found = Vec::new();
        starts.fitting(text, at, kind, &mut |pattern, skip| found.push((pattern, skip)));
        found.sort_unstable();
        found
    }

    /// The same, pattern by pattern and byte by byte.
    fn fitting_slowly(given: &[Given], text: &[u8], at: usize, kind: Kind) -> Vec<(u32, usize)> {
        let fits = |skip: usize, given: &Given| {
            (0..WINDOW_LEN).all(|offset| given.accepts(skip, offset, byte_at(text, at + offset)))
                && (skip > 0 || left_holds(given.boundary, text, at))
        };
        let rows = with_skips(given).filter(|(_, skip, given)| given.is_of(kind) && fits(*skip, given));
        rows.map(|(pattern, skip, _)| (pattern, skip)).collect()
    }

    fn set_of(bytes: &[u8]) -> ByteSet {
        bytes.iter().copied().collect()
    }

    /// Sets that often hold a byte of the texts below, and often do not.
    fn set() -> impl Strategy<Value = ByteSet> {
        prop_oneof![
            3 => Just(ByteSet::ALL),
            3 => Just((0..=255u8).filter(u8::is_ascii_alphanumeric).collect()),
            1 => Just((0..=255u8).filter(u8::is_ascii_digit).collect()),
            1 => Just(set_of(b"ab \n")),
            1 => prop::collection::vec(any::<u8>(), 1..200).prop_map(|bytes| set_of(&bytes)),
        ]
    }

    fn given() -> impl Strategy<Value = Given> {
        let boundary = prop::sample::select(vec![Boundary::Token, Boundary::Word, Boundary::Identifier]);
        let digit_within = prop::option::of(0..2 * DIGIT_WITHIN_MAX);
        let start = (0..3usize, 0..2usize, 1..=RUN_MIN_MAX as usize, digit_within);
        let window = prop::collection::vec(set(), 0..WINDOW_LEN);
        (boundary, window, start).prop_map(|(boundary, window, (skip, more, run_min, digit_within))| Given {
            boundary,
            window,
            start: Start { skip: (skip, skip + more), run_min, digit_within },
        })
    }

    fn text() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(prop::sample::select(b"aabbn112 -_.\\%~\n\xc5\x82".to_vec()), 1..50)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn fitting_equals_reading_every_window(given in prop::collection::vec(given(), 0..40), text in text()) {
            let starts = built(&given);
            prop_assert_eq!(starts.is_empty(), given.is_empty());
            for at in 0..text.len() {
                for kind in Kind::ALL {
                    let expected = fitting_slowly(&given, &text, at, kind);
                    prop_assert_eq!(fitting(&starts, &text, at, kind), expected, "{} {:?}", at, kind);
                }
            }
        }

        #[test]
        fn a_pair_can_start_when_some_pattern_takes_both_bytes(given in prop::collection::vec(given(), 0..9), text in text()) {
            let starts = built(&given);
            for at in 0..text.len() {
                for kind in Kind::ALL {
                    let pair = [text[at], byte_at(&text, at + 1)];
                    let takes = |skip, given: &Given| (0..2).all(|offset| given.accepts(skip, offset, pair[offset]));
                    let expected = with_skips(&given).any(|(_, skip, given)| given.is_of(kind) && takes(skip, given));
                    prop_assert_eq!(starts.can_start(&text, at, kind), expected, "{} {:?}", at, kind);
                }
            }
        }

        #[test]
        fn a_digit_is_in_reach_when_some_pattern_lets_it_stand_so_far(given in prop::collection::vec(given(), 0..9)) {
            let starts = built(&given);
            for byte in [b'a', b'b', b'1', b'-', 0, 0xff] {
                for distance in 0..=2 * DIGIT_WITHIN_MAX {
                    let expected = with_skips(&given).any(|(_, skip, given)| {
                        given.is_of(Kind::WithDigit)
                            && given.accepts(skip, 0, byte)
                            && given.start.digit_within.is_some_and(|within| distance <= within)
                    });
                    prop_assert_eq!(starts.reaches_digit(byte, distance), expected, "{} {}", byte, distance);
                }
            }
        }
    }

    #[test]
    fn patterns_of_several_groups_are_all_given() {
        let start = Start { skip: (0, 0), run_min: 1, digit_within: None };
        let of = |byte: u8| Given { boundary: Boundary::Token, window: vec![set_of(&[byte])], start };
        let count = 2 * 64 * GROUP_WORDS + 3;
        let given: Vec<Given> = (0..count).map(|index| of(b"ab"[index % 2])).collect();
        let starts = built(&given);
        assert_eq!(starts.groups, 3);
        let expected: Vec<(u32, usize)> = (1..count as u32).step_by(2).map(|pattern| (pattern, 0)).collect();
        assert_eq!(fitting(&starts, b"b", 0, Kind::Short), expected);
        assert_eq!(fitting(&starts, b"xb", 1, Kind::Short), [], "the boundary refuses all groups");
    }

    #[test]
    fn bytes_share_a_class_when_no_set_tells_them_apart() {
        let row = |window: &[ByteSet]| Row {
            placed: Placed { pattern: 0, skip: 0 },
            boundary: Boundary::Token,
            window: window.to_vec(),
            run_min: 1,
            digit_within: None,
        };
        let rows = [row(&[set_of(b"abc"), ByteSet::ALL]), row(&[set_of(b"cd"), set_of(b"abc")])];
        let (class_of, classes) = byte_classes(&rows);
        let classes_of: BTreeSet<Vec<u8>> = (0..classes as u8)
            .map(|class| (0..=255u8).filter(|byte| class_of[usize::from(*byte)] == class).collect())
            .filter(|bytes: &Vec<u8>| bytes.len() < 200)
            .collect();
        assert_eq!(classes, 4, "the three here, and that of all other bytes");
        assert_eq!(classes_of, BTreeSet::from([b"ab".to_vec(), b"c".to_vec(), b"d".to_vec()]));
    }
}
