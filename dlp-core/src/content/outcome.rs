//! How an item ended. Nothing is clean because a limit was hit.

use crate::base::{Problem, ProblemClass};
use serde::{Deserialize, Serialize};
use std::fmt;

/// How completely an item was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Completeness {
    /// Every byte was accounted for by a handler or by the raw scan.
    Complete,
    /// The format has no handler; raw bytes were scanned.
    Unsupported,
    /// A bound stopped the reading.
    Partial,
    /// The structure is broken; what could be read was scanned.
    Damaged,
    /// Two readings are possible; all were scanned.
    Ambiguous,
    /// Content exists but needs a key.
    Encrypted,
}

impl Completeness {
    /// The word used in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Unsupported => "unsupported",
            Self::Partial => "partial",
            Self::Damaged => "damaged",
            Self::Ambiguous => "ambiguous",
            Self::Encrypted => "encrypted",
        }
    }
}

impl fmt::Display for Completeness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The outcome of one item, its children included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The worst that happened, in the order of [`Completeness`].
    pub completeness: Completeness,
    /// Reason of the first problem of that class, for example `zip_aes`; empty when complete.
    pub reason: &'static str,
}

impl Outcome {
    /// Nothing was left out.
    pub const COMPLETE: Outcome = Outcome { completeness: Completeness::Complete, reason: "" };

    /// The outcome that a problem implies.
    #[must_use]
    pub fn of(problem: &Problem) -> Self {
        let completeness = match problem.class {
            ProblemClass::Encrypted => Completeness::Encrypted,
            ProblemClass::Ambiguous => Completeness::Ambiguous,
            ProblemClass::Damaged | ProblemClass::ParserPanic | ProblemClass::Decode => Completeness::Damaged,
            ProblemClass::Unsupported => Completeness::Unsupported,
            ProblemClass::Limit | ProblemClass::Timeout | ProblemClass::Unreadable => Completeness::Partial,
        };
        Self { completeness, reason: problem.reason }
    }

    /// The worse of two outcomes; the first one's reason wins a tie.
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        if other.completeness > self.completeness { other } else { self }
    }
}
