//! Numbers without marks, told by their check alone.
//!
//! A number of ten digits that stands by itself has the shape of a dozen kinds of numbers, and nine in ten fail the check of
//! each. Where a pattern can have a token of so many digits as a whole or not at all, the check is asked as soon as the
//! token is seen: what fails it would be dropped behind everything else. `confirm` and `evidence` decide what passes.

use crate::knowledge::WHOLE_NUMBER_LENS;

/// What a pattern accepts of tokens that are digits alone: a bit for each number of digits that it has as a whole or not at
/// all.
#[derive(Clone, Copy, Debug)]
pub(super) struct WholeNumbers(u32);

impl WholeNumbers {
    pub(super) fn new(lens: u32) -> Self {
        Self(lens)
    }

    /// Whether a match that begins with a token of so many digits is that token.
    #[inline]
    pub(super) fn tells(self, len: usize) -> bool {
        len < WHOLE_NUMBER_LENS && self.0 >> len & 1 == 1
    }
}
