//! Patterns without literals, most of them numbers that people carry: which of them can start at a token.
//!
//! For each of the first offsets behind the start of a token and each class of bytes, a bit set tells the patterns that
//! accept such a byte there. The intersection over the offsets leaves the few patterns whose regex is worth trying.

use super::boundary::{END, left_holds};
use crate::knowledge::{Boundary, ByteSet, RUN_MIN_MAX, WINDOW_LEN};

/// Farthest first digit that is looked for; patterns beyond it count as needing none.
pub(super) const DIGIT_WITHIN_MAX: usize = 24;

/// Words of a set of rows: as many as fill a vector of the widest kind.
const GROUP_WORDS: usize = 8;

/// A set of rows.
type RowSet = [u64; GROUP_WORDS];

/// Which patterns can start at a token.
#[derive(Debug, Default)]
pub(super) struct Starts {
    rows: Vec<Placed>,
    /// Groups of rows, each of which is one wide set.
    groups: usize,
    /// Bytes that no row tells apart share a class.
    class_of: Vec<u8>,
    classes: usize,
    /// Sets by offset, class, group.
    accepts: Vec<RowSet>,
    /// The rows of each kind, by group.
    of_kind: [Vec<RowSet>; Kind::ALL.len()],
    /// The rows with each boundary whose match starts with the token, by group.
    of_boundary: Vec<(Boundary, Vec<RowSet>)>,
    /// For each first byte, one more than the farthest first digit of a row that starts with it; zero without one.
    digit_reach: Vec<u8>,
    /// For each kind, the pairs of bytes with which a row of it can start, one bit each.
    pairs: [Vec<u64>; Kind::ALL.len()],
}

/// What is known of a token when patterns are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A digit is near: patterns that need one.
    WithDigit,
    /// Any token: patterns that need no digit and start with short tokens.
    Short,
    /// A token of at least [`RUN_MIN_MAX`] bytes: all patterns that need no digit.
    Long,
}

impl Kind {
    const ALL: [Self; 3] = [Self::WithDigit, Self::Short, Self::Long];

    fn holds(self, row: &Row) -> bool {
        match self {
            Self::WithDigit => row.digit_within.is_some(),
            Self::Short => row.digit_within.is_none() && row.run_min < RUN_MIN_MAX as usize,
            Self::Long => row.digit_within.is_none(),
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
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    /// Least and greatest number of bytes of the match before the token.
    pub(super) skip: (usize, usize),
    pub(super) run_min: usize,
    pub(super) digit_within: Option<usize>,
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
    window: Vec<ByteSet>,
    run_min: usize,
    digit_within: Option<usize>,
}

impl Builder {
    /// Adds a pattern with the bytes that can stand at each of its first offsets.
    pub(super) fn add(&mut self, (pattern, boundary): (u32, Boundary), window: &[ByteSet], start: Start) {
        for skip in start.skip.0..=start.skip.1 {
            self.rows.push(Row {
                placed: Placed { pattern, skip },
                boundary,
                window: window.iter().skip(skip).copied().collect(),
                run_min: start.run_min,
                digit_within: start.digit_within.filter(|within| *within <= DIGIT_WITHIN_MAX),
            });
        }
    }

    pub(super) fn build(self) -> Starts {
        let groups = self.rows.len().div_ceil(64 * GROUP_WORDS);
        let (class_of, classes) = byte_classes(&self.rows);
        let mut starts = Starts {
            rows: self.rows.iter().map(|row| row.placed).collect(),
            groups,
            accepts: vec![RowSet::default(); WINDOW_LEN * classes * groups],
            class_of,
            classes,
            of_kind: Kind::ALL.map(|_| vec![RowSet::default(); groups]),
            of_boundary: Vec::new(),
            digit_reach: vec![0; 256],
            pairs: Kind::ALL.map(|_| vec![0; 1 << 10]),
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
        let (group, word, bit) = (index / 64 / GROUP_WORDS, index / 64 % GROUP_WORDS, 1 << (index % 64));
        let bytes_at = |offset: usize| {
            let set = row.window.get(offset).copied().unwrap_or(ByteSet::ALL);
            (0..=255u8).filter(move |byte| set.contains(*byte))
        };
        for offset in 0..WINDOW_LEN {
            for byte in bytes_at(offset) {
                let at = self.index(offset, byte) + group;
                self.accepts[at][word] |= bit;
            }
        }
        for (kind, (sets, pairs)) in Kind::ALL.into_iter().zip(self.of_kind.iter_mut().zip(&mut self.pairs)) {
            if kind.holds(row) {
                sets[group][word] |= bit;
                for (pair, bit) in bytes_at(0).flat_map(|first| bytes_at(1).map(move |second| pair_bit(first, second)))
                {
                    pairs[pair] |= bit;
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
            self.of_boundary[at].1[group][word] |= bit;
        }
        if let Some(within) = row.digit_within {
            for byte in bytes_at(0) {
                let reach = &mut self.digit_reach[usize::from(byte)];
                *reach = (*reach).max(within as u8 + 1);
            }
        }
    }

    fn index(&self, offset: usize, byte: u8) -> usize {
        (offset * self.classes + usize::from(self.class_of[usize::from(byte)])) * self.groups
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Whether a pattern whose token starts with `byte` can have its first digit `distance` bytes behind.
    pub(super) fn reaches_digit(&self, byte: u8, distance: usize) -> bool {
        distance < usize::from(self.digit_reach[usize::from(byte)])
    }

    /// Whether a pattern of this kind can have a token at `at`, as far as two bytes tell.
    pub(super) fn can_start(&self, text: &[u8], at: usize, kind: Kind) -> bool {
        let (pair, bit) = pair_bit(text[at], text.get(at + 1).copied().unwrap_or(END));
        self.pairs[kind as usize][pair] & bit != 0
    }

    /// Gives the patterns whose window fits the text with a token at `at`, and how far before it the match starts.
    /// Where that is the token itself, the boundary holds there; else neither it nor the bytes before the token have
    /// been looked at.
    pub(super) fn fitting(&self, text: &[u8], at: usize, kind: Kind, each: &mut dyn FnMut(u32, usize)) {
        for group in 0..self.groups {
            let mut fitting = self.of_kind[kind as usize][group];
            for offset in 0..WINDOW_LEN {
                let byte = text.get(at + offset).copied().unwrap_or(END);
                keep(&mut fitting, &self.accepts[self.index(offset, byte) + group]);
                if is_empty(&fitting) {
                    break;
                }
            }
            if is_empty(&fitting) {
                continue;
            }
            for (boundary, rows) in &self.of_boundary {
                let concerned = rows[group].iter().zip(&fitting).any(|(rows, fitting)| rows & fitting != 0);
                if concerned && !left_holds(*boundary, text, at) {
                    fitting.iter_mut().zip(&rows[group]).for_each(|(fitting, rows)| *fitting &= !rows);
                }
            }
            for (word, mut rows) in fitting.into_iter().enumerate() {
                while rows != 0 {
                    let row = (group * GROUP_WORDS + word) * 64 + rows.trailing_zeros() as usize;
                    each(self.rows[row].pattern, self.rows[row].skip);
                    rows &= rows - 1;
                }
            }
        }
    }
}

/// Keeps the rows that are in both sets.
fn keep(rows: &mut RowSet, others: &RowSet) {
    rows.iter_mut().zip(others).for_each(|(mine, theirs)| *mine &= theirs);
}

/// A fold, because a comparison of arrays is a call.
fn is_empty(rows: &RowSet) -> bool {
    rows.iter().fold(0, |any, word| any | word) == 0
}

/// Word and bit of a pair of bytes in a set of 65,536.
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
