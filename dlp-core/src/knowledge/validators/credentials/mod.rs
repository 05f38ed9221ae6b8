//! Checks of credentials: checksums, token structure, key files.

use super::Check;

/// The checks of this family, sorted by name.
pub(super) static CHECKS: &[Check] = &[];
