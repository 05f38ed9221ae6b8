//! Reading one input and turning what is found into records.

use crate::cli::{Format, ReportArgs};
use crate::output::Reported;
use dlp_core::base::{Cancel, ConfidenceLevel, Problem, ProblemClass};
use dlp_core::content::{Finding, Input, LocatedProblem, Location};
use dlp_core::inspect::{Collected, Inspector, Job};
use dlp_core::matching::Scratch;
use dlp_core::output::sarif::{LineFacts, Range, line_facts};
use dlp_core::output::{self, FileSubject, GitRecord, ItemPath, ProblemRecord};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Largest file that is read a second time for the line hashes of SARIF.
pub(crate) const LINE_HASH_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// What a file gave.
#[derive(Debug, Default)]
pub(crate) struct FileReport {
    /// Findings that are reported, in order.
    pub(crate) findings: Vec<Reported>,
    /// Problems.
    pub(crate) problems: Vec<ProblemRecord>,
    /// Size of the file.
    pub(crate) bytes: u64,
    /// Items in it.
    pub(crate) parts: u64,
    /// Whether it is a file that was read, and not only a problem.
    pub(crate) is_file: bool,
}

/// An input with its names.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    /// Path as reports show it.
    pub(crate) path: &'a ItemPath,
    /// Raw bytes of the path.
    pub(crate) path_raw: &'a [u8],
    /// Place in a repository.
    pub(crate) git: Option<&'a GitRecord>,
}

/// What every examination needs.
#[derive(Clone, Copy)]
pub(crate) struct Examiner<'a> {
    inspector: &'a Inspector,
    confidence_min: ConfidenceLevel,
    keep_values: bool,
    /// Whether reports want to know about lines.
    pub(crate) line_facts: bool,
}

impl<'a> Examiner<'a> {
    /// An examiner for a report. Values are kept only when `reveal` holds.
    pub(crate) fn new(inspector: &'a Inspector, args: &ReportArgs, reveal: bool) -> Self {
        Self {
            inspector,
            confidence_min: args.min_confidence.into(),
            keep_values: reveal,
            line_facts: args.format == Format::Sarif,
        }
    }

    /// Inspects one input. A panic is our bug, and costs the rest of this input only.
    ///
    /// `keep` decides on findings before they become records, and after ids were given.
    pub(crate) fn examine<'i>(
        &self,
        scratch: &mut Scratch,
        subject: Subject<'i>,
        (input, cancel): (Input<'i>, &'i Cancel),
        keep: &dyn Fn(&Finding) -> bool,
    ) -> FileReport {
        let mut collected = Collected::default();
        let job = Job { name: &subject.path.text, input, cancel };
        let walked = catch_unwind(AssertUnwindSafe(|| self.inspector.inspect(scratch, job, &mut collected)));
        let mut problems: Vec<_> = collected.problems.iter().map(|p| output::problem(subject.path, p)).collect();
        if walked.is_err() {
            *scratch = Scratch::new();
            let message = "an internal error ended the reading of this file; what was found before it is reported";
            problems.push(trouble(subject.path, Problem::new(ProblemClass::ParserPanic, "panic", message)));
        }
        let findings = self.reported(subject, collected.findings, keep);
        FileReport { findings, problems, bytes: 0, parts: collected.items.len() as u64, is_file: true }
    }

    fn reported(
        &self,
        subject: Subject<'_>,
        mut findings: Vec<Finding>,
        keep: &dyn Fn(&Finding) -> bool,
    ) -> Vec<Reported> {
        let subject = FileSubject { path: subject.path, path_raw: subject.path_raw, git: subject.git, key: None };
        let records = output::project(subject, self.inspector.detectors(), &mut findings);
        let passes = |f: &Finding| f.confidence.level() >= self.confidence_min && keep(f);
        let pairs = records.into_iter().zip(findings).filter(|(_, finding)| passes(finding));
        pairs.map(|(record, f)| Reported { record, value: self.keep_values.then_some(f.value), line: None }).collect()
    }
}

/// The record of a problem with a file as a whole.
pub(crate) fn trouble(path: &ItemPath, problem: Problem) -> ProblemRecord {
    output::problem(path, &LocatedProblem { problem, location: Location::default() })
}

/// Adds what SARIF wants to know about the lines of findings in plain text.
pub(crate) fn add_line_facts(findings: &mut [Reported], file: &[u8]) {
    let range = |reported: &Reported| -> Option<Range> {
        let at = &reported.record.location;
        let plain = at.container.is_empty() && at.part.is_none();
        let range = at.line.zip(at.column).zip(at.end_line.zip(at.end_column));
        range.filter(|_| plain)
    };
    let ranges: Vec<Range> = findings.iter().filter_map(range).collect();
    if ranges.is_empty() {
        return;
    }
    let mut facts: std::vec::IntoIter<Option<LineFacts>> = line_facts(file, &ranges).into_iter();
    for reported in findings.iter_mut().filter(|reported| range(reported).is_some()) {
        reported.line = facts.next().flatten();
    }
}
