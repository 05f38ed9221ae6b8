//! Checks of numbers that people and companies carry: identity, tax, card and account numbers.

use super::Check;

/// The checks of this family, sorted by name.
pub(super) static CHECKS: &[Check] = &[];
