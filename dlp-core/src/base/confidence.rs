//! How sure a finding is: a score from 0 to 100 and the level that people and policies speak of.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Score from 0 to 100.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Confidence(u8);

/// Low 0-59, medium 60-84, high 85-100.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConfidenceLevel {
    /// Shown on request only.
    Low,
    /// Shown by default.
    #[default]
    Medium,
    /// Proven by a check or by a shape that nothing else has.
    High,
}

impl Confidence {
    /// Clamps a sum of points to the scale.
    #[must_use]
    pub fn from_points(points: i32) -> Self {
        Self(points.clamp(0, 100) as u8)
    }

    /// The score, 0 to 100.
    #[must_use]
    pub fn score(self) -> u8 {
        self.0
    }

    /// The level that the score falls into.
    #[must_use]
    pub fn level(self) -> ConfidenceLevel {
        match self.0 {
            0..=59 => ConfidenceLevel::Low,
            60..=84 => ConfidenceLevel::Medium,
            _ => ConfidenceLevel::High,
        }
    }
}

impl ConfidenceLevel {
    /// The word used in TOML, JSON and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }

    /// The level with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Low, Self::Medium, Self::High].into_iter().find(|level| level.as_str() == word)
    }
}

impl fmt::Display for ConfidenceLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
