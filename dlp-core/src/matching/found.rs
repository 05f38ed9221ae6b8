//! What the engine reports: a match with its score and the reasons for it.

use super::lines::LineColumn;
use crate::base::{Confidence, ConfidenceLevel, Secret, Span};
use crate::knowledge::validators::Verdict;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// Position of a detector in its `DetectorSet`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DetectorIndex(pub u32);

/// What is to be said of a scan as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct ScanEnd {
    /// Detectors whose share of work was spent somewhere, so that later places near there were not tried. Empty for
    /// all but texts made to be slow. A text with degraded detectors is not clean.
    pub degraded: Vec<DetectorIndex>,
    /// Bytes that were looked at while matches were confirmed.
    pub steps: u64,
}

/// A span that a detector accepted, with everything that had to be read from the text around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// Which detector.
    pub detector: DetectorIndex,
    /// The value's bytes, counted from the start of the text or stream.
    pub span: Span,
    /// The value.
    pub value: Secret,
    /// How sure.
    pub confidence: Confidence,
    /// Steps of the score, in order.
    pub reasons: Vec<Reason>,
    /// What the offline check said, for detectors that have one.
    pub validator: Option<ValidatorResult>,
    /// Line and column of the first character.
    pub start: LineColumn,
    /// Line and column behind the last character.
    pub end: LineColumn,
    /// The text around it on its line, with this and every other value masked.
    pub surroundings: String,
    /// Where it stands in a table of delimited text.
    pub cell: Option<TableCell>,
}

/// Points of words that name what was put together.
const JOINED_NAMED_MIN: i32 = 30;
/// What is put together without them comes to so much: it stays, at low.
const JOINED_POINTS: i32 = 40;

impl Match {
    /// The same as found in what was put together from parts. Many parts of tables and lists could be groups of one value, so
    /// more has to speak for it than its own check: clear words, or all that makes it sure.
    #[must_use]
    pub(crate) fn joined(mut self) -> Self {
        let sum =
            |of: &dyn Fn(&Reason) -> bool| self.reasons.iter().filter(|reason| of(reason)).map(|r| r.change).sum();
        let (named, all): (i32, i32) = (sum(&|reason| reason.step == Step::Context), sum(&|_| true));
        if self.confidence.level() == ConfidenceLevel::Medium && named < JOINED_NAMED_MIN {
            let detail = "put together from parts, and no clear word names it".into();
            self.reasons.push(Reason { step: Step::Penalty, detail, change: JOINED_POINTS - all });
            self.confidence = Confidence::from_points(JOINED_POINTS);
        }
        self
    }
}

/// A place in a table of delimited text whose header was recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableCell {
    /// The name in the header, where it holds a word that names data: other first lines may be data themselves.
    pub column_name: Option<Arc<str>>,
    /// The row behind the header, counted from 1.
    pub row: u64,
}

/// One step of a score. The changes of all steps sum to the score before clamping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Kind of evidence.
    pub step: Step,
    /// For people; never holds the value.
    pub detail: Cow<'static, str>,
    /// Points.
    pub change: i32,
}

/// Kinds of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// The pattern accepted the span.
    Pattern,
    /// The offline check.
    Validator,
    /// Supporting words.
    Context,
    /// Evidence against the value.
    Penalty,
}

impl Step {
    /// The word used in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pattern => "pattern",
            Self::Validator => "validator",
            Self::Context => "context",
            Self::Penalty => "penalty",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What an offline check said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidatorResult {
    /// Name of the check.
    pub name: &'static str,
    /// What it says of the value.
    pub verdict: Verdict,
}
