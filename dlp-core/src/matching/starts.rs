//! Patterns without literals, most of them numbers that people carry: which of them can start at a token.
//!
//! For each of the first offsets behind the start of a token and each class of bytes, a bit set tells the patterns that
//! accept such a byte there. The intersection over the offsets leaves the few patterns whose regex is worth trying.

use super::boundary::left_holds;
use crate::knowledge::{Boundary, ByteSet, RUN_MIN_MAX, WINDOW_LEN};

/// Farthest first digit that is looked for; patterns beyond it count as needing none.
pub(super) const DIGIT_WITHIN_MAX: usize = 24;

/// Words of a set of rows: as many as fill a vector of the widest kind.
const GROUP_WORDS: usize = 8;

/// A set of rows.
type RowSet = [u64; GROUP_WORDS];

/// The byte that stands for the end of the text, which every boundary accepts.
const END: u8 = b'\n';

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
