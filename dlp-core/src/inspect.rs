//! The road of a byte, in order. Start reading here.
//!
//! ```text
//! bytes -> kind -> extract -> text with places -> match -> finding -> label
//! ```
//!
//! [`Inspector::inspect`] takes one input, lets [`extract()`] walk it, matches the text it hands out, and gives each
//! finding, problem and item to the caller's [`Observer`] as it appears. What the findings mean for a transfer is
//! decided above, in `decision`.

use crate::base::{Cancel, ConfidenceLevel, Limits, SensitivityLabel};
use crate::content::{
    Disguises, Extraction, Finding, Flow, Input, ItemReport, Joining, LocatedProblem, MatchingSink, Observer, Outcome,
    PairsOnce, RiskyParser, extract,
};
use crate::known::Known;
use crate::matching::{DetectorSet, Scratch};
use std::sync::Arc;

/// One input and the way to stop its inspection.
pub struct Job<'a> {
    /// Name of the input, for kinds that content alone does not tell. Not trusted.
    pub name: &'a str,
    /// The bytes.
    pub input: Input<'a>,
    /// Stops the job from outside.
    pub cancel: &'a Cancel,
}

/// The result of one inspection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inspected {
    /// How completely the input was read.
    pub outcome: Outcome,
    /// Highest label that findings of at least medium confidence imply.
    pub label: SensitivityLabel,
    /// Bytes of text that were matched.
    pub text_bytes: u64,
}

/// Everything that inspections share: detectors, bounds, the parser for risky formats. Cheap to clone.
///
/// ```
/// use dlp_core::base::{Cancel, Limits};
/// use dlp_core::content::Input;
/// use dlp_core::inspect::{Collected, Inspector, Job};
/// use dlp_core::matching::{DetectorSet, Scratch};
///
/// let inspector = Inspector::new(DetectorSet::builtin()?, Limits::batch());
/// let mut collected = Collected::default();
/// let job = Job { name: "note.txt", input: Input::Bytes(b"nothing here"), cancel: &Cancel::default() };
/// inspector.inspect(&mut Scratch::new(), job, &mut collected);
/// assert!(collected.findings.is_empty());
/// # Ok::<(), dlp_core::matching::CompileError>(())
/// ```
#[derive(Clone)]
pub struct Inspector {
    set: DetectorSet,
    limits: Arc<Limits>,
    risky: Option<Arc<dyn RiskyParser>>,
    known: Known,
    pairs: Arc<PairsOnce>,
    reads_disguises: bool,
}

impl Inspector {
    /// An inspector that leaves formats of risky parsers unread, and says so.
    #[must_use]
    pub fn new(set: DetectorSet, limits: Limits) -> Self {
        let (known, pairs) = (Known::default(), Arc::default());
        Self { set, limits: Arc::new(limits), risky: None, known, pairs, reads_disguises: false }
    }

    /// Adds the parser for formats that cannot be read safely in this process.
    #[must_use]
    pub fn with_risky_parser(self, parser: Arc<dyn RiskyParser>) -> Self {
        Self { risky: Some(parser), ..self }
    }

    /// Reads every text backwards and in ROT13 too, for audits: three times the work, and more false alarms.
    #[must_use]
    pub fn with_disguises(self) -> Self {
        Self { reads_disguises: true, ..self }
    }

    /// Adds what the organisation knows to be its own; its detectors must stand in the set.
    #[must_use]
    pub fn with_known(self, known: Known) -> Self {
        Self { known, ..self }
    }

    /// The detectors.
    #[must_use]
    pub fn detectors(&self) -> &DetectorSet {
        &self.set
    }

    /// The bounds of each inspection.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The parser for formats that cannot be read safely in this process.
    #[must_use]
    pub fn risky_parser(&self) -> Option<&dyn RiskyParser> {
        self.risky.as_deref()
    }

    /// Inspects one input. Broken input is no error: what can be read is matched, and the outcome says what was not.
    pub fn inspect(&self, scratch: &mut Scratch, job: Job<'_>, observer: &mut dyn Observer) -> Inspected {
        let extraction = Extraction { limits: &self.limits, cancel: job.cancel, risky: self.risky.as_deref() };
        let mut labels = LabelObserver { set: &self.set, label: SensitivityLabel::Public, inner: observer };
        let mut joining = Joining::new(&self.set, &self.pairs, &mut labels);
        let mut sink = MatchingSink::new(&self.set, scratch, &self.limits, &mut joining).with_known(&self.known);
        let outcome = match self.reads_disguises {
            true => extract(job.name, job.input, extraction, &mut Disguises::new(&mut sink)),
            false => extract(job.name, job.input, extraction, &mut sink),
        };
        let (outcome, text_bytes) = sink.finish(outcome);
        joining.finish();
        Inspected { outcome, label: labels.label, text_bytes }
    }
}

/// Keeps the highest label that passing findings imply.
struct LabelObserver<'a> {
    set: &'a DetectorSet,
    label: SensitivityLabel,
    inner: &'a mut dyn Observer,
}

impl Observer for LabelObserver<'_> {
    fn finding(&mut self, finding: Finding) -> Flow {
        if finding.confidence.level() >= ConfidenceLevel::Medium {
            self.label = self.label.max(self.set.detector(finding.detector).label);
        }
        self.inner.finding(finding)
    }

    fn problem(&mut self, problem: LocatedProblem) {
        self.inner.problem(problem);
    }

    fn item(&mut self, item: ItemReport) {
        self.inner.item(item);
    }

    fn only_counts(&self) -> bool {
        self.inner.only_counts()
    }

    fn takes_any_number_of(&self, level: ConfidenceLevel) -> bool {
        self.inner.takes_any_number_of(level)
    }
}

/// An observer that keeps everything.
#[derive(Debug, Default)]
pub struct Collected {
    /// Findings in the order in which they appeared.
    pub findings: Vec<Finding>,
    /// Problems in the order in which they appeared.
    pub problems: Vec<LocatedProblem>,
    /// Items in the order in which they ended.
    pub items: Vec<ItemReport>,
}

impl Observer for Collected {
    fn finding(&mut self, finding: Finding) -> Flow {
        self.findings.push(finding);
        Flow::Continue
    }

    fn problem(&mut self, problem: LocatedProblem) {
        self.problems.push(problem);
    }

    fn item(&mut self, item: ItemReport) {
        self.items.push(item);
    }
}
