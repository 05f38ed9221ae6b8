//! Reading one input and turning what is found into records.

use crate::cli::{DetectorChoice, Format, ReportArgs};
use crate::output::Reported;
use dlp_core::base::{Cancel, ConfidenceLevel, Problem, ProblemClass};
use dlp_core::content::{Finding, Flow, Input, ItemReport, LocatedProblem, Location, Observer};
use dlp_core::inspect::{Inspector, Job};
use dlp_core::matching::Scratch;
use dlp_core::output::sarif::{LineFacts, Range, line_facts};
use dlp_core::output::{self, FileSubject, GitRecord, ItemPath, ProblemRecord};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

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
    /// Whether every detector runs, so that surroundings are masked for all that can be found in them.
    masks_all: bool,
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
            masks_all: true,
            line_facts: args.format == Format::Sarif,
        }
    }

    /// For a choice of detectors, which may leave some out.
    pub(crate) fn choosing(self, choice: &DetectorChoice) -> Self {
        Self { masks_all: choice.detectors.is_empty(), ..self }
    }

    /// Time that one input may take.
    pub(crate) fn time_max(&self) -> Duration {
        self.inspector.limits().wall_time_max
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
        let mut gathered = Gathered::default();
        let job = Job { name: &subject.path.text, input, cancel };
        let walked = catch_unwind(AssertUnwindSafe(|| self.inspector.inspect(scratch, job, &mut gathered)));
        let mut problems: Vec<_> = gathered.problems.iter().map(|p| output::problem(subject.path, p)).collect();
        if walked.is_err() {
            *scratch = Scratch::new();
            let message = "an internal error ended the reading of this file; what was found before it is reported";
            problems.push(trouble(subject.path, Problem::new(ProblemClass::ParserPanic, "panic", message)));
        }
        let findings = self.reported(subject, gathered.findings, keep);
        FileReport { findings, problems, bytes: 0, parts: gathered.items, is_file: true }
    }

    fn reported(
        &self,
        subject: Subject<'_>,
        mut findings: Vec<Finding>,
        keep: &dyn Fn(&Finding) -> bool,
    ) -> Vec<Reported> {
        let subject = FileSubject { path: subject.path, path_raw: subject.path_raw, git: subject.git, key: None };
        let mut records = output::project(subject, self.inspector.detectors(), &mut findings);
        if !self.masks_all {
            // What the detectors that were left out would have masked stands in the surroundings in clear.
            records.iter_mut().for_each(|record| record.context_masked.clear());
        }
        let passes = |f: &Finding| f.confidence.level() >= self.confidence_min && keep(f);
        let pairs = records.into_iter().zip(findings).filter(|(_, finding)| passes(finding));
        pairs.map(|(record, f)| Reported { record, value: self.keep_values.then_some(f.value), line: None }).collect()
    }
}

/// Keeps what ids and reports need; items, of which an archive can hold a million, are only counted.
#[derive(Default)]
struct Gathered {
    findings: Vec<Finding>,
    problems: Vec<LocatedProblem>,
    items: u64,
}

impl Observer for Gathered {
    fn finding(&mut self, finding: Finding) -> Flow {
        self.findings.push(finding);
        Flow::Continue
    }

    fn problem(&mut self, problem: LocatedProblem) {
        self.problems.push(problem);
    }

    fn item(&mut self, _item: ItemReport) {
        self.items += 1;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command, DetectorChoice};
    use clap::Parser as _;
    use dlp_core::base::Limits;
    use dlp_core::matching::DetectorSet;
    use std::io::{self, Read};

    /// Gives some text, then does what a bug would do.
    struct Faulty<'a>(&'a [u8]);

    impl Read for Faulty<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            assert!(!self.0.is_empty(), "a bug");
            self.0.read(buffer)
        }
    }

    fn report_args() -> ReportArgs {
        let Command::Scan(args) = Cli::parse_from(["dlp", "scan"]).command else { unreachable!("scan was asked for") };
        args.report
    }

    #[test]
    fn a_panic_costs_one_file_and_is_reported() {
        let set = DetectorSet::compile(crate::engine::catalogue(&DetectorChoice::default()).expect("catalogue"));
        let inspector = Inspector::new(set.expect("set"), Limits::batch());
        let examiner = Examiner::new(&inspector, &report_args(), false);
        let path = ItemPath::from_bytes(b"a.txt");
        let subject = Subject { path: &path, path_raw: b"a.txt", git: None };
        let mut scratch = Scratch::new();
        let cancel = Cancel::default();
        let faulty = &mut Faulty(b"some text\n");
        let report = examiner.examine(&mut scratch, subject, (Input::Stream(faulty), &cancel), &|_| true);
        let classes: Vec<_> = report.problems.iter().map(|problem| problem.class).collect();
        assert_eq!(classes, [ProblemClass::ParserPanic]);
        let next = examiner.examine(&mut scratch, subject, (Input::Bytes(b"fine"), &cancel), &|_| true);
        assert!(next.problems.is_empty() && next.parts == 1, "{next:?}");
    }
}
