//! Offline checks of matched values: pure functions on bytes, each citing its standard.
//!
//! A validator gets the value as it stands in the text, separators included, and says whether it can be genuine. It
//! never allocates more than the value's size, never panics, and looks nothing up. Detectors name validators; the table
//! below is the only place where a name meets a function.

/// What a validator says of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The check passed.
    Valid,
    /// The check failed: the value cannot be genuine.
    Invalid,
    /// The check does not apply to this spelling, for example a token version without checksum.
    NotApplicable,
}

impl From<bool> for Verdict {
    fn from(passed: bool) -> Self {
        if passed { Self::Valid } else { Self::Invalid }
    }
}

/// A named offline check.
#[derive(Debug)]
pub struct Check {
    /// Name in detector files.
    pub name: &'static str,
    /// The check itself.
    pub verdict: fn(&[u8]) -> Verdict,
    /// Turns a value of the right shape into a valid one by computing its check characters: for generated examples.
    /// `None` when the value has none, or the shape does not allow it.
    pub complete: Option<fn(&str) -> Option<String>>,
}

/// The check with this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Check> {
    CHECKS.iter().find(|check| check.name == name)
}

/// Every check, sorted by name.
pub static CHECKS: &[Check] = &[];
