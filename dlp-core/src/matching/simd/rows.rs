//! Sets of rows as wide as a vector, and what is kept of one by others.

use super::Isa;
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};

/// Words of a set: as many as fill a vector of the widest kind.
const WORDS: usize = 8;

/// A set of up to [`RowSet::ROWS`] rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(align(64))]
pub(in crate::matching) struct RowSet(pub(super) [u64; WORDS]);

/// Sets that are intersected at once.
pub(in crate::matching) const SETS_AT_ONCE: usize = 4;

/// How to intersect, by the instruction set that it was chosen for.
#[derive(Clone, Copy, Debug)]
pub(in crate::matching) struct Intersect(Functions);

/// Functions that intersect. Those of vectors may only be called on processors that have the instructions.
///
/// A set that was just copied byte by byte cannot be loaded as a vector before it has reached the cache; that is why
/// one of them writes a set and the other works in place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Functions {
    pub(super) all: unsafe fn(&mut RowSet, [&RowSet; SETS_AT_ONCE]) -> bool,
    pub(super) keep: unsafe fn(&mut RowSet, [&RowSet; SETS_AT_ONCE]) -> bool,
}

const PORTABLE: Functions = Functions { all: portable_all, keep: portable_keep };

impl RowSet {
    /// Rows of a set.
    pub(in crate::matching) const ROWS: usize = WORDS * u64::BITS as usize;

    pub(in crate::matching) fn insert(&mut self, row: usize) {
        self.0[row / 64] |= 1 << (row % 64);
    }

    /// Whether the sets have a row in common.
    pub(in crate::matching) fn meets(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).fold(0, |any, (mine, theirs)| any | mine & theirs) != 0
    }

    /// Adds the rows of the other set.
    pub(in crate::matching) fn extend(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(mine, theirs)| *mine |= theirs);
    }

    /// Drops the rows that are in the other set.
    pub(in crate::matching) fn remove(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(mine, theirs)| *mine &= !theirs);
    }

    /// The rows in ascending order.
    pub(in crate::matching) fn rows(self) -> impl Iterator<Item = usize> {
        self.0.into_iter().enumerate().flat_map(|(index, mut word)| {
            std::iter::from_fn(move || {
                let row = (word != 0).then(|| index * 64 + word.trailing_zeros() as usize)?;
                word &= word - 1;
                Some(row)
            })
        })
    }
}

impl Intersect {
    /// The fastest one for an instruction set; without the instructions, the portable one.
    pub(in crate::matching) fn of(isa: Isa) -> Self {
        match isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => Self(avx2::intersect().unwrap_or(PORTABLE)),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => Self(avx512::intersect().unwrap_or(PORTABLE)),
            _ => Self(PORTABLE),
        }
    }

    /// The rows that are in all the sets, written to `rows`. Whether there is any.
    #[inline]
    #[allow(unsafe_code, reason = "a call of a function that needs processor features")]
    pub(in crate::matching) fn all(self, rows: &mut RowSet, sets: [&RowSet; SETS_AT_ONCE]) -> bool {
        // SAFETY: `of` gives a function out only where the processor has what it needs.
        unsafe { (self.0.all)(rows, sets) }
    }

    /// Keeps the rows that are in all the sets. Whether any is left.
    #[inline]
    #[allow(unsafe_code, reason = "a call of a function that needs processor features")]
    pub(in crate::matching) fn keep(self, rows: &mut RowSet, sets: [&RowSet; SETS_AT_ONCE]) -> bool {
        // SAFETY: as above.
        unsafe { (self.0.keep)(rows, sets) }
    }
}

impl Default for Intersect {
    fn default() -> Self {
        Self(PORTABLE)
    }
}

fn portable_all(rows: &mut RowSet, sets: [&RowSet; SETS_AT_ONCE]) -> bool {
    *rows = RowSet([u64::MAX; WORDS]);
    portable_keep(rows, sets)
}

fn portable_keep(rows: &mut RowSet, sets: [&RowSet; SETS_AT_ONCE]) -> bool {
    let mut any = 0;
    for (index, row) in rows.0.iter_mut().enumerate() {
        *row = sets.iter().fold(*row, |row, set| row & set.0[index]);
        any |= *row;
    }
    any != 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn set() -> impl Strategy<Value = RowSet> {
        prop::collection::vec(0..RowSet::ROWS, 0..2 * RowSet::ROWS).prop_map(|rows| {
            let mut set = RowSet::default();
            rows.into_iter().for_each(|row| set.insert(row));
            set
        })
    }

    proptest! {
        #[test]
        fn each_instruction_set_finds_the_same_rows(sets in [set(), set(), set(), set()], more in [set(), set(), set(), set()]) {
            let expected: Vec<usize> =
                sets[0].rows().filter(|row| sets.iter().all(|set| set.rows().any(|other| other == *row))).collect();
            for isa in Isa::available() {
                let mut kept = RowSet::default();
                let is_any_left = Intersect::of(isa).all(&mut kept, sets.each_ref());
                prop_assert_eq!(kept.rows().collect::<Vec<_>>(), expected.clone(), "{:?}", isa);
                prop_assert_eq!(is_any_left, !expected.is_empty());
                let is_any_left = Intersect::of(isa).keep(&mut kept, more.each_ref());
                let expected: Vec<usize> =
                    expected.iter().copied().filter(|row| more.iter().all(|set| set.rows().any(|other| other == *row))).collect();
                prop_assert_eq!(kept.rows().collect::<Vec<_>>(), expected.clone(), "{:?}", isa);
                prop_assert_eq!(is_any_left, !expected.is_empty());
            }
        }
    }

    #[test]
    fn rows_are_removed_and_met() {
        let of = |rows: &[usize]| {
            let mut set = RowSet::default();
            rows.iter().for_each(|row| set.insert(*row));
            set
        };
        let mut set = of(&[0, 63, 64, 511]);
        assert!(set.meets(&of(&[5, 511])) && !set.meets(&of(&[5, 510])));
        set.remove(&of(&[63, 70, 511]));
        assert_eq!(set.rows().collect::<Vec<_>>(), [0, 64]);
    }
}
