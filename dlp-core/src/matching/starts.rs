//! Patterns without literals, most of them numbers that people carry: which of them can start at a token.
//!
//! For each of the first offsets behind the start of a token and each class of bytes, a bit set tells the patterns that
//! accept such a byte there. The intersection over the offsets leaves the few patterns whose regex is worth trying.

use crate::knowledge::ByteSet;

/// Farthest first digit that is looked for; patterns beyond it count as needing none.
pub(super) const DIGIT_WITHIN_MAX: usize = 24;

/// Offsets behind the start of the token that are looked at.
const OFFSETS: usize = 16;

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
    /// The rows that need no digit, by group.
    digitless: Vec<RowSet>,
    /// For each first byte, one more than the farthest first digit of a row that starts with it; zero without one.
    digit_reach: Vec<u8>,
    /// Whether some row that needs no digit can start with the byte.
    digitless_first: ByteSet,
    digitless_run_min: usize,
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
    window: Vec<ByteSet>,
    run_min: usize,
    digit_within: Option<usize>,
}

impl Builder {
    /// Adds a pattern with the bytes that can stand at each of its first offsets.
    pub(super) fn add(&mut self, pattern: u32, window: &[ByteSet], start: Start) {
        for skip in start.skip.0..=start.skip.1 {
            let window: Vec<_> = window.iter().skip(skip).take(OFFSETS).copied().collect();
            let digit_within = start.digit_within.filter(|within| *within <= DIGIT_WITHIN_MAX);
            self.rows.push(Row { placed: Placed { pattern, skip }, window, run_min: start.run_min, digit_within });
        }
    }

    pub(super) fn build(self) -> Starts {
        let groups = self.rows.len().div_ceil(64 * GROUP_WORDS);
        let (class_of, classes) = byte_classes(&self.rows);
        let digitless = self.rows.iter().filter(|row| row.digit_within.is_none());
        let mut starts = Starts {
            rows: self.rows.iter().map(|row| row.placed).collect(),
            groups,
            accepts: vec![RowSet::default(); OFFSETS * classes * groups],
            class_of,
            classes,
            digitless: vec![RowSet::default(); groups],
            digit_reach: vec![0; 256],
            digitless_first: ByteSet::default(),
            digitless_run_min: digitless.map(|row| row.run_min).min().unwrap_or(OFFSETS),
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
        for offset in 0..OFFSETS {
            for byte in (0..=255u8).filter(|byte| row.window.get(offset).is_none_or(|set| set.contains(*byte))) {
                let at = self.index(offset, byte) + group;
                self.accepts[at][word] |= bit;
            }
        }
        let first = row.window.first().copied().unwrap_or_default();
        match row.digit_within {
            None => {
                self.digitless[group][word] |= bit;
                self.digitless_first.extend(first);
            }
            Some(within) => (0..=255u8).filter(|byte| first.contains(*byte)).for_each(|byte| {
                let reach = &mut self.digit_reach[usize::from(byte)];
                *reach = (*reach).max(within as u8 + 1);
            }),
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

    /// Whether a pattern that needs no digit can have a token that starts with `byte`.
    pub(super) fn starts_without_digit(&self, byte: u8) -> bool {
        self.digitless_first.contains(byte)
    }

    /// Least length of a token with which a pattern that needs no digit starts.
    pub(super) fn digitless_run_min(&self) -> usize {
        self.digitless_run_min
    }

    /// Gives the patterns whose window fits the text with a token at `at`, and how far before it the match starts.
    /// Without a digit in reach, only those that need none.
    pub(super) fn fitting(&self, text: &[u8], at: usize, has_digit: bool, each: &mut dyn FnMut(u32, usize)) {
        for group in 0..self.groups {
            let mut fitting = if has_digit { [u64::MAX; GROUP_WORDS] } else { self.digitless[group] };
            for offset in 0..OFFSETS {
                let byte = text.get(at + offset).copied().unwrap_or(END);
                let accepts = &self.accepts[self.index(offset, byte) + group];
                fitting.iter_mut().zip(accepts).for_each(|(mine, theirs)| *mine &= theirs);
                if fitting.iter().fold(0, |any, word| any | word) == 0 {
                    break;
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
