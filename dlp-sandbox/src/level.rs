//! How much of the sandbox the system granted.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Strength of the confinement that a worker reached, in ascending order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SandboxLevel {
    /// A child process with a kill timer, nothing else.
    None,
    /// Resource limits only.
    RlimitOnly,
    /// Resource limits and one of landlock and seccomp.
    Reduced,
    /// Resource limits, landlock and seccomp.
    Full,
}

impl SandboxLevel {
    /// The level that a set of measures amounts to.
    #[must_use]
    pub(crate) fn of(rlimits: bool, landlock: bool, seccomp: bool) -> Self {
        match (rlimits, landlock, seccomp) {
            (true, true, true) => Self::Full,
            (true, false, false) => Self::RlimitOnly,
            (_, true, _) | (_, _, true) => Self::Reduced,
            (false, false, false) => Self::None,
        }
    }

    /// The level with this number.
    pub(crate) fn of_number(number: u8) -> Option<Self> {
        [Self::None, Self::RlimitOnly, Self::Reduced, Self::Full].into_iter().find(|level| *level as u8 == number)
    }

    /// The word used in configuration and health reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::RlimitOnly => "rlimit-only",
            Self::Reduced => "reduced",
            Self::Full => "full",
        }
    }
}

impl fmt::Display for SandboxLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::SandboxLevel;

    #[test]
    fn measures_add_up_to_a_level() {
        let check = |(rlimits, landlock, seccomp), expected: &str| {
            assert_eq!(SandboxLevel::of(rlimits, landlock, seccomp).as_str(), expected);
        };
        check((true, true, true), "full");
        check((true, true, false), "reduced");
        check((true, false, true), "reduced");
        check((false, true, true), "reduced");
        check((true, false, false), "rlimit-only");
        check((false, false, false), "none");
        assert!(SandboxLevel::Full > SandboxLevel::Reduced && SandboxLevel::Reduced > SandboxLevel::RlimitOnly);
    }
}
