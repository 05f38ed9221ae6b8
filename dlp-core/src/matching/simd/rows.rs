//! Sets of rows as wide as a vector, and what is kept of one by others.
//!
//! Plain arithmetic of arrays: inside of a [`Task`](super::Task) it becomes that of vectors.

/// Words of a set: as many as fill a vector of the widest kind.
const WORDS: usize = 8;

/// A set of up to [`RowSet::ROWS`] rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(align(64))]
pub(in crate::matching) struct RowSet([u64; WORDS]);

impl RowSet {
    /// Rows of a set.
    pub(in crate::matching) const ROWS: usize = WORDS * u64::BITS as usize;

    pub(in crate::matching) fn insert(&mut self, row: usize) {
        self.0[row / 64] |= 1 << (row % 64);
    }

    /// Keeps the rows that are in all of some sets. Whether any is left.
    #[inline(always)]
    pub(in crate::matching) fn keep<const SETS: usize>(&mut self, sets: [&Self; SETS]) -> bool {
        for set in sets {
            for word in 0..WORDS {
                self.0[word] &= set.0[word];
            }
        }
        !self.is_empty()
    }

    #[inline(always)]
    pub(in crate::matching) fn is_empty(&self) -> bool {
        self.0.iter().fold(0, |any, word| any | word) == 0
    }

    /// Whether the sets have a row in common.
    #[inline(always)]
    pub(in crate::matching) fn meets(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).fold(0, |any, (mine, theirs)| any | mine & theirs) != 0
    }

    /// Adds the rows of the other set.
    #[inline(always)]
    pub(in crate::matching) fn extend(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(mine, theirs)| *mine |= theirs);
    }

    /// Drops the rows that are in the other set.
    #[inline(always)]
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

#[cfg(test)]
mod tests {
    use super::super::tests::property_config;
    use super::super::{Isa, Task};
    use super::*;
    use proptest::prelude::*;

    fn set() -> impl Strategy<Value = RowSet> {
        prop::collection::vec(0..RowSet::ROWS, 0..2 * RowSet::ROWS).prop_map(|rows| {
            let mut set = RowSet::default();
            rows.into_iter().for_each(|row| set.insert(row));
            set
        })
    }

    struct Keep<'s>(&'s mut RowSet, [&'s RowSet; 3]);

    impl Task for Keep<'_> {
        type Output = bool;

        #[inline(always)]
        fn run(self) -> bool {
            self.0.keep(self.1)
        }
    }

    proptest! {
        #![proptest_config(property_config(256))]

        #[test]
        fn each_instruction_set_keeps_the_same_rows(first in set(), more in [set(), set(), set()]) {
            let is_in_all = |row: &usize| more.iter().all(|set| set.rows().any(|other| other == *row));
            let expected: Vec<usize> = first.rows().filter(is_in_all).collect();
            for isa in Isa::available() {
                let mut kept = first;
                let is_any_left = isa.run(Keep(&mut kept, more.each_ref()));
                prop_assert_eq!(kept.rows().collect::<Vec<_>>(), expected.clone(), "{:?}", isa);
                prop_assert_eq!(is_any_left, !expected.is_empty());
                prop_assert_eq!(is_any_left, !kept.is_empty());
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
        set.extend(&of(&[1]));
        assert_eq!(set.rows().collect::<Vec<_>>(), [0, 1, 64]);
    }
}
