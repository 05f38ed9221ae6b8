//! A reported match: what was found, where, how sure, and what people see of it.

use super::{Completeness, Flow};
use crate::base::{Confidence, ConfidenceLevel, Problem, Secret, Span};
use crate::matching::{DetectorIndex, LineColumn, Match, Reason, TableCell, ValidatorResult};

/// A match with its place in the item tree.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Detector, as an index into the set that found it.
    pub detector: DetectorIndex,
    /// How sure.
    pub confidence: Confidence,
    /// The steps of the score; their changes sum to it before clamping.
    pub reasons: Vec<Reason>,
    /// What the offline check said, for detectors that have one.
    pub validator: Option<ValidatorResult>,
    /// The value. Shows a mask wherever it is printed.
    pub value: Secret,
    /// The surrounding text with every finding in it masked, control characters escaped.
    pub context_masked: String,
    /// Where it stands.
    pub location: Location,
    /// Where it stands in a table of delimited text.
    pub cell: Option<TableCell>,
    /// Other parts of the same credential that stand near, the nearest first.
    pub related: Vec<Related>,
}

/// Another part of the same credential, in the same text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Related {
    /// Its detector.
    pub detector: DetectorIndex,
    /// Its bytes, counted as those of the finding.
    pub span: Span,
    /// Its line, where lines are counted.
    pub line: Option<u64>,
}

impl Finding {
    /// A match with the place it was found at.
    pub(crate) fn of(location: Location, found: Match) -> Self {
        Self {
            detector: found.detector,
            confidence: found.confidence,
            reasons: found.reasons,
            validator: found.validator,
            value: found.value,
            context_masked: found.surroundings,
            location,
            cell: found.cell,
            related: Vec::new(),
        }
    }
}

/// Where a finding or problem stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Location {
    /// Members inside the input, outermost first. Empty for the input itself.
    pub container: Vec<String>,
    /// Part of a document, for example `comment` or `metadata:Author`; `None` for plain text.
    pub part: Option<String>,
    /// Page or slide, from 1.
    pub page: Option<u32>,
    /// Sheet name and cell such as `B2`.
    pub cell: Option<(String, String)>,
    /// Line and column of the first character, from 1; columns count Unicode scalar values.
    pub start: Option<LineColumn>,
    /// Line and column behind the last character.
    pub end: Option<LineColumn>,
    /// Bytes, counted as `offset_base` says.
    pub span: Span,
    /// What `span` counts.
    pub offset_base: OffsetBase,
}

/// What a byte range counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OffsetBase {
    /// Raw bytes of the innermost item.
    #[default]
    File,
    /// Extracted UTF-8 text of the part, where no byte map exists.
    Text,
}

impl OffsetBase {
    /// The word used in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Text => "text",
        }
    }
}

/// Trouble with its place.
#[derive(Clone, Debug)]
pub struct LocatedProblem {
    /// The trouble.
    pub problem: Problem,
    /// The item it happened in.
    pub location: Location,
}

/// An item that was read, for summaries and coverage.
#[derive(Clone, Debug)]
pub struct ItemReport {
    /// Members inside the input, outermost first.
    pub container: Vec<String>,
    /// What it is.
    pub kind: super::Kind,
    /// How completely it was read, its children included.
    pub completeness: Completeness,
    /// Reason when not complete.
    pub reason: &'static str,
}

/// Receives what an inspection finds, while it runs.
pub trait Observer {
    /// A finding of any confidence.
    fn finding(&mut self, finding: Finding) -> Flow;
    /// Of the part that passes, all findings have come that begin before this byte of the item. What is only found when it
    /// is decoded comes when the item ends.
    fn settled(&mut self, _offset: u64) -> Flow {
        Flow::Continue
    }
    /// Trouble with an item.
    fn problem(&mut self, problem: LocatedProblem);
    /// An item ended.
    fn item(&mut self, item: ItemReport);
    /// Whether findings are counted and not kept, so that any number of them takes no memory. Then none is left out.
    fn only_counts(&self) -> bool {
        false
    }
    /// Whether findings as sure as this may come in any number, because they are only counted beyond some memory. Then none
    /// of them is left out.
    fn takes_any_number_of(&self, _level: ConfidenceLevel) -> bool {
        self.only_counts()
    }
}
