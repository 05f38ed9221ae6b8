//! Patterns without literals, most of them numbers that people carry: which of them can start at a place.
//!
//! For each of the first offsets of a match and each byte, a bit set tells the patterns that accept the byte there. The
//! intersection over the offsets leaves the few patterns whose regex is worth trying.

use crate::knowledge::{ByteSet, WINDOW_LEN};

/// Farthest first digit that is looked for; patterns beyond it count as needing none.
pub(super) const DIGIT_WITHIN_MAX: usize = 24;

/// The byte that stands for the end of the text, which every boundary accepts.
const END: u8 = b'\n';

/// Which patterns can start at a place.
#[derive(Debug, Default)]
pub(super) struct Starts {
    /// Each with the bytes that its match has before the token.
    patterns: Vec<(u32, usize)>,
    /// Words of 64 patterns in each set.
    words: usize,
    /// Sets by offset, byte, word.
    accepts: Vec<u64>,
    /// The patterns that need no digit.
    digitless: Vec<u64>,
    /// For each first byte, one more than the farthest first digit of a pattern that starts with it; zero without one.
    digit_reach: Vec<u8>,
    /// Whether some pattern that needs no digit can start with the byte.
    digitless_first: ByteSet,
}

/// A pattern with the bytes that its match has before the token, its window from there, and its first digit.
type Row = ((u32, usize), Vec<ByteSet>, Option<usize>);

/// Collects patterns.
#[derive(Debug, Default)]
pub(super) struct Builder {
    rows: Vec<Row>,
}

impl Builder {
    /// Adds a pattern whose token starts `skip` bytes behind the start of the match, with the window of the match.
    pub(super) fn add(&mut self, place: (u32, usize), window: &[ByteSet], digit_within: Option<u32>) {
        let within = digit_within.map(|within| within as usize).filter(|within| *within <= DIGIT_WITHIN_MAX);
        match self.rows.iter_mut().find(|(known, ..)| *known == place) {
            Some((.., known)) => *known = known.zip(within).map(|(a, b)| a.max(b)),
            None => self.rows.push((place, window.get(place.1..).unwrap_or_default().to_vec(), within)),
        }
    }

    pub(super) fn build(self) -> Starts {
        let words = self.rows.len().div_ceil(64);
        let mut starts = Starts {
            patterns: self.rows.iter().map(|(pattern, ..)| *pattern).collect(),
            words,
            accepts: vec![0; WINDOW_LEN * 256 * words],
            digitless: vec![0; words],
            digit_reach: vec![0; 256],
            digitless_first: ByteSet::default(),
        };
        for (index, (_, window, within)) in self.rows.iter().enumerate() {
            starts.add(index, window, *within);
        }
        starts
    }
}

impl Starts {
    fn add(&mut self, index: usize, window: &[ByteSet], within: Option<usize>) {
        let (word, bit) = (index / 64, 1 << (index % 64));
        for offset in 0..WINDOW_LEN {
            for byte in (0..=255u8).filter(|byte| window.get(offset).is_none_or(|set| set.contains(*byte))) {
                self.accepts[(offset * 256 + usize::from(byte)) * self.words + word] |= bit;
            }
        }
        let first = window.first().copied().unwrap_or(ByteSet::ALL);
        match within {
            None => {
                self.digitless[word] |= bit;
                self.digitless_first.extend(first);
            }
            Some(within) => (0..=255u8).filter(|byte| first.contains(*byte)).for_each(|byte| {
                let reach = &mut self.digit_reach[usize::from(byte)];
                *reach = (*reach).max(within as u8 + 1);
            }),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Whether a pattern that starts with `byte` can have its first digit `distance` bytes behind.
    pub(super) fn reaches_digit(&self, byte: u8, distance: usize) -> bool {
        distance < usize::from(self.digit_reach[usize::from(byte)])
    }

    /// Whether a pattern that needs no digit can start with `byte`.
    pub(super) fn starts_without_digit(&self, byte: u8) -> bool {
        self.digitless_first.contains(byte)
    }

    /// Gives the patterns whose window fits the text around the token at `start`, with the bytes that their match has
    /// before it. Without a digit in reach, only those that need none.
    pub(super) fn fitting(&self, text: &[u8], start: usize, has_digit: bool, each: &mut dyn FnMut(u32, usize)) {
        for word in 0..self.words {
            let mut fitting = if has_digit { u64::MAX } else { self.digitless[word] };
            for offset in 0..WINDOW_LEN {
                let byte = text.get(start + offset).copied().unwrap_or(END);
                fitting &= self.accepts[(offset * 256 + usize::from(byte)) * self.words + word];
                if fitting == 0 {
                    break;
                }
            }
            while fitting != 0 {
                let (pattern, skip) = self.patterns[word * 64 + fitting.trailing_zeros() as usize];
                each(pattern, skip);
                fitting &= fitting - 1;
            }
        }
    }
}
