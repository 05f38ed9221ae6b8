//! Numbers without marks, told by their check alone.
//!
//! A number of ten digits that stands by itself has the shape of a dozen kinds of numbers, and nine in ten fail the check of
//! each. Where a pattern can have a token of so many digits as a whole or not at all, the check is asked as soon as the
//! token is seen: what fails it would be dropped behind everything else. `confirm` and `evidence` decide what passes.

use crate::knowledge::WHOLE_NUMBER_LENS;
use crate::knowledge::validators::{Check, Verdict};

/// What a pattern accepts of tokens that are digits alone, where what fails the check is no finding.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct WholeNumbers {
    /// A bit for each number of digits.
    lens: u32,
    verdict: Option<fn(&[u8]) -> Verdict>,
}

impl WholeNumbers {
    /// Of a pattern that has numbers of so many digits as a whole or not at all.
    pub(super) fn new(lens: u32, check: &Check) -> Self {
        Self { lens, verdict: Some(check.verdict) }
    }

    /// Whether a match that begins with a token of so many digits is that token.
    #[inline]
    pub(super) fn tells(&self, len: usize) -> bool {
        len < WHOLE_NUMBER_LENS && self.lens >> len & 1 == 1
    }

    /// Whether a number that is a token by itself is none of this kind.
    #[inline]
    pub(super) fn refuses(&self, number: &[u8]) -> bool {
        self.tells(number.len()) && self.verdict.is_some_and(|verdict| verdict(number) == Verdict::Invalid)
    }
}
