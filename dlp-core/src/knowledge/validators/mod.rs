//! Offline checks of matched values: pure functions on bytes, each citing its standard.
//!
//! A validator gets the value as it stands in the text, separators included, and says whether it can be genuine. It
//! never allocates more than the value's size, never panics, and looks nothing up. Detectors name validators; the
//! tables of the two families are the only place where a name meets a function.

mod credentials;
mod identifiers;

/// What a validator says of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The check passed.
    Valid,
    /// The check failed: the value cannot be genuine.
    Invalid,
    /// The value does not look as its issuer writes it, which is not certain: one of its copies may be spelled otherwise.
    Doubtful,
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
    /// Whether the form that it checks has a mark of its own, as a prefix or a name, and the check is certain. What fails
    /// it is an altered token of that form, so it is no credential of another kind either.
    pub is_marked: bool,
}

/// Every check, family by family.
static FAMILIES: &[&[Check]] = &[identifiers::CHECKS, credentials::CHECKS];

/// The check with this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Check> {
    all().find(|check| check.name == name)
}

/// Every check.
pub fn all() -> impl Iterator<Item = &'static Check> {
    FAMILIES.iter().flat_map(|family| family.iter())
}
