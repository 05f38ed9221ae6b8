//! A first look at a token: whether any row can have it at all.
//!
//! Rows that accept the same first bytes, and wait for a phrase or do not, are a family, and sets of families are half as
//! long as those of rows. They stand in the tables themselves, so that a question costs one load where one at all rows
//! costs two, the second from far away. It is asked of many tokens that no row can have; what it lets pass is decided by
//! the rows.

use super::build::{BytesNumber, Row};
use super::{Before, FIRST_BYTES, FOLLOWED_RUNS, LENGTHS, place};
use crate::knowledge::{ByteSet, FOLLOWERS};
use crate::matching::boundary::END;
use crate::matching::runs::Run;
use crate::matching::vocabulary::PhraseId;
use dlp_detector_format::Distinct;
use std::ops::Range;

/// Words of a set of families: as many as fill a vector of the common kind.
const WORDS: usize = 4;
/// Families that are told apart.
const FAMILIES: usize = WORDS * u64::BITS as usize;
/// Most of them that wait for nothing.
const OPEN_MAX: usize = FAMILIES / 4 * 3;

/// A set of families.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(align(32))]
pub(super) struct FamilySet([u64; WORDS]);

impl FamilySet {
    pub(super) const ALL: Self = Self([u64::MAX; WORDS]);

    #[inline(always)]
    pub(super) fn with(mut self, other: &Self) -> Self {
        for word in 0..WORDS {
            self.0[word] |= other.0[word];
        }
        self
    }

    fn insert(&mut self, family: usize) {
        self.0[family / 64] |= 1 << (family % 64);
    }

    #[inline(always)]
    fn keep(&mut self, other: &Self) {
        for word in 0..WORDS {
            self.0[word] &= other.0[word];
        }
    }

    #[inline(always)]
    pub(super) fn is_empty(self) -> bool {
        self.0.iter().fold(0, |any, word| any | word) == 0
    }
}

/// Which families can have a token, by what is asked of it.
#[derive(Debug)]
pub(super) struct Families {
    /// By what stands before the token.
    before: Box<[FamilySet; Before::PLACES]>,
    /// By offset from the start of the token, and byte.
    accepts: Box<[[FamilySet; 1 << 8]; FIRST_BYTES]>,
    /// By the first run with its follower.
    shapes: Box<[FamilySet; FOLLOWED_RUNS]>,
    /// By length of the token.
    lengths: Box<[FamilySet; LENGTHS]>,
    /// Those that wait for no phrase.
    open: FamilySet,
    /// By phrase, those that wait for it.
    named: Box<[FamilySet]>,
}

impl Default for Families {
    fn default() -> Self {
        let none = FamilySet::default();
        Self {
            before: Box::new([none; _]),
            accepts: Box::new([[none; _]; _]),
            shapes: Box::new([none; _]),
            lengths: Box::new([none; _]),
            open: none,
            named: Box::default(),
        }
    }
}

impl Families {
    /// Families of rows whose token can start with such a byte, where phrases have so many numbers.
    pub(super) fn of(rows: &[&Row], sets: &[ByteSet], phrases: usize) -> Self {
        let (waiting, open): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|row| row.is_waiting());
        let mut families = Self { named: vec![FamilySet::default(); phrases].into(), ..Self::default() };
        let first = families.add_all((&open, sets), 0..OPEN_MAX);
        (0..first).for_each(|family| families.open.insert(family));
        families.add_all((&waiting, sets), first..FAMILIES);
        families
    }

    /// Adds rows as families with these numbers, and gives the first number that none of them has. Where there are too
    /// many, some are taken for one.
    fn add_all(&mut self, (rows, sets): (&[&Row], &[ByteSet]), numbers: Range<usize>) -> usize {
        let mut known = Distinct::default();
        let mut edges = Distinct::default();
        for row in rows {
            let first_bytes: [Option<BytesNumber>; FIRST_BYTES] = std::array::from_fn(|offset| row.accepted(offset));
            let (known_before, edges_before) = (known.values().len(), edges.values().len());
            let number = known.number(&first_bytes) as usize;
            let family = numbers.start + number % numbers.len();
            // What rows of a family have in common is added once.
            if number == known_before {
                self.add_bytes(family, &std::array::from_fn(|offset| row.accepts(sets, offset)));
            }
            if edges.number(&(family, row.left_edge())) as usize == edges_before {
                for before in Before::all().filter(|before| row.can_stand_behind(sets, *before)) {
                    self.before[before.place()].insert(family);
                }
            }
            self.add(family, row);
        }
        numbers.end.min(numbers.start + known.values().len())
    }

    fn add_bytes(&mut self, family: usize, first_bytes: &[ByteSet; FIRST_BYTES]) {
        for (accepts, bytes) in self.accepts.iter_mut().zip(first_bytes) {
            bytes.bytes().for_each(|byte| accepts[usize::from(byte)].insert(family));
        }
    }

    fn add(&mut self, family: usize, row: &Row) {
        for (shapes, followers) in self.shapes.chunks_exact_mut(FOLLOWERS).zip(row.start.shape.runs(0)) {
            let mut followers = *followers;
            while followers != 0 {
                shapes[followers.trailing_zeros() as usize].insert(family);
                followers &= followers - 1;
            }
        }
        self.lengths[row.start.run_min..].iter_mut().for_each(|length| length.insert(family));
        row.phrases().for_each(|phrase| self.named[phrase as usize].insert(family));
    }

    /// Those that wait for no phrase.
    pub(super) fn open(&self) -> &FamilySet {
        &self.open
    }

    /// Those that wait for a phrase.
    pub(super) fn waiting_for(&self, phrase: PhraseId) -> &FamilySet {
        &self.named[phrase as usize]
    }

    /// Which of some families can have a token, by what stands before it and its [first bytes](FIRST_BYTES).
    #[inline(always)]
    pub(super) fn taking(&self, (text, at): (&[u8], usize), before: Before, mut families: FamilySet) -> FamilySet {
        // No branch for a byte: which way it would go is not to be foretold.
        families.keep(&self.before[before.place()]);
        let bytes = match text[at..].first_chunk::<FIRST_BYTES>() {
            Some(bytes) => *bytes,
            None => std::array::from_fn(|offset| text.get(at + offset).copied().unwrap_or(END)),
        };
        for (accepts, byte) in self.accepts.iter().zip(bytes) {
            families.keep(&accepts[usize::from(byte)]);
        }
        families
    }

    /// Whether any of the families can have a token of this length and first run.
    #[inline(always)]
    pub(super) fn have(&self, mut families: FamilySet, token_len: usize, first: &Run) -> bool {
        families.keep(&self.lengths[token_len.min(LENGTHS - 1)]);
        families.keep(&self.shapes[place(first)]);
        !families.is_empty()
    }
}
