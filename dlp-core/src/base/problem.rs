//! Non-fatal trouble: what could not be read, where, and why. Nothing is called clean because of it.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Kinds of trouble, as they appear in reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProblemClass {
    /// The bytes could not be had: permission, read error.
    Unreadable,
    /// Content exists but needs a key.
    Encrypted,
    /// Structure broken; what could be read was scanned.
    Damaged,
    /// No handler for the format; raw bytes were scanned.
    Unsupported,
    /// Two readings are possible, or there is hidden extra content; all readings were scanned.
    Ambiguous,
    /// A bound was reached; see the limit's name.
    Limit,
    /// Time ran out.
    Timeout,
    /// A parser panicked or crashed.
    ParserPanic,
    /// Text could not be decoded in its character set.
    Decode,
}

impl ProblemClass {
    /// The word used in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Encrypted => "encrypted",
            Self::Damaged => "damaged",
            Self::Unsupported => "unsupported",
            Self::Ambiguous => "ambiguous",
            Self::Limit => "limit",
            Self::Timeout => "timeout",
            Self::ParserPanic => "parser-panic",
            Self::Decode => "decode",
        }
    }

    /// Whether content went unread, so that a scan with this problem and no finding is not clean.
    /// `unsupported` bytes and the readings of an `ambiguous` item were scanned.
    #[must_use]
    pub fn is_incomplete(self) -> bool {
        !matches!(self, Self::Unsupported | Self::Ambiguous)
    }
}

impl fmt::Display for ProblemClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A bound that was reached: the name of the field of [`Limits`](super::Limits) and its configured value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limit {
    /// Field name, for example `depth_max`.
    pub name: &'static str,
    /// Configured value in the field's unit.
    pub value: u64,
}

/// One piece of trouble. The item it belongs to is named by whoever reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Kind.
    pub class: ProblemClass,
    /// Short machine-readable reason, for example `zip_aes`, `crc`, `engine_crash`.
    pub reason: &'static str,
    /// The bound, for class `limit`.
    pub limit: Option<Limit>,
    /// One sentence for people: what happened and what it means. Never holds content of the item.
    pub message: String,
}

impl Problem {
    /// A problem that is not about a bound.
    pub fn new(class: ProblemClass, reason: &'static str, message: impl Into<String>) -> Self {
        Self { class, reason, limit: None, message: message.into() }
    }

    /// A bound that was reached.
    pub fn limit(name: &'static str, value: u64, message: impl Into<String>) -> Self {
        Self { class: ProblemClass::Limit, reason: name, limit: Some(Limit { name, value }), message: message.into() }
    }
}
