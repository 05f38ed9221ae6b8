//! Reading one input and turning what is found into records.

use crate::baseline::Baseline;
use crate::cli::{DetectorChoice, Format, ReportArgs};
use crate::engine::Engine;
use crate::output::Reported;
use crate::scan::members;
use dlp_core::base::{
    Cancel, Category, ConfidenceLevel, FINDINGS_BYTES_MAX, HIDDEN_FINDINGS_BYTES_MAX, Problem, ProblemClass,
};
use dlp_core::content::{Finding, Flow, Input, ItemReport, LocatedProblem, Location, Observer, Role};
use dlp_core::inspect::{Inspector, Job};
use dlp_core::matching::{DetectorSet, Scratch};
use dlp_core::output::sarif::{LineFacts, Range, line_facts};
use dlp_core::output::{
    self, AllowList, AllowSubject, FileSubject, FindingRecord, GitRecord, InlineAllow, InlineMarks, InlineVerdict,
    ItemPath, LocationRecord, Marked, NameMask, ProblemRecord, State, Suppression, escape, scan_name,
};
use jiff::Zoned;
use jiff::civil::Date;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

/// Largest file that is read a second time, for marks around findings and the line hashes of SARIF. Of standard
/// input, as much is kept.
pub(crate) const TEXT_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// What a file gave.
#[derive(Debug, Default)]
pub(crate) struct FileReport {
    /// Findings in the path, those in a directory's name under the path of that directory.
    pub(crate) in_path: Vec<Reported>,
    /// Findings that are reported, in order.
    pub(crate) findings: Vec<Reported>,
    /// Problems.
    pub(crate) problems: Vec<ProblemRecord>,
    /// What people should know about marks in the file.
    pub(crate) notes: BTreeSet<String>,
    /// Size of the file.
    pub(crate) bytes: u64,
    /// Items in it.
    pub(crate) parts: u64,
    /// Whether it is a file that was read, and not only a problem.
    pub(crate) is_file: bool,
    /// Whether it is a symbolic link that was not followed.
    pub(crate) is_link: bool,
    /// Findings below the least confidence that is reported.
    pub(crate) below_threshold: u64,
    /// What is masked in names, by which members are known again when they are read once more.
    pub(crate) mask: NameMask,
}

impl FileReport {
    /// Whether there is anything in it but numbers.
    pub(crate) fn shows(&self) -> bool {
        let is_empty = self.in_path.is_empty() && self.findings.is_empty() && self.problems.is_empty();
        !is_empty || !self.notes.is_empty()
    }
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
    /// Whether what stands in the path is reported too.
    pub(crate) reports_path: bool,
}

/// Memory that is used again from input to input, by one worker.
#[derive(Default)]
pub(crate) struct Workspace {
    content: Scratch,
    names: Scratch,
}

/// What every examination needs.
#[derive(Clone, Copy)]
pub(crate) struct Examiner<'a> {
    inspector: &'a Inspector,
    /// Every detector there is: a name is shown with each finding, so a choice of detectors must not uncover it.
    names: &'a DetectorSet,
    confidence_min: ConfidenceLevel,
    keep_values: bool,
    /// Whether every detector runs, so that surroundings are masked for all that can be found in them.
    masks_all: bool,
    /// Whether reports want to know about lines.
    pub(crate) line_facts: bool,
    /// The day on which marks in files are judged, unless they are not looked at.
    today: Option<Date>,
    baseline: &'a Baseline,
    allows: &'a AllowList,
}

impl<'a> Examiner<'a> {
    /// An examiner for a report. Values are kept only when `reveal` holds.
    pub(crate) fn new(
        (engine, baseline): (&'a Engine, &'a Baseline),
        choice: &DetectorChoice,
        args: &ReportArgs,
        reveal: bool,
    ) -> Self {
        Self {
            inspector: &engine.inspector,
            names: &engine.names,
            confidence_min: args.min_confidence.into(),
            keep_values: reveal,
            masks_all: choice.is_all(),
            line_facts: args.format == Format::Sarif,
            today: (!args.no_inline_allow).then(|| Zoned::now().date()),
            baseline,
            allows: &engine.allows,
        }
    }

    /// Whether the text of a file is wanted again once something was found in it.
    pub(crate) fn wants_text(&self) -> bool {
        self.line_facts || self.today.is_some() || self.allows.asks_for_lines()
    }

    /// Adds what only the whole text of a file tells: the marks around findings, and what SARIF says about their lines.
    /// `name` is the name of the file, not masked.
    pub(crate) fn add_text(&self, report: &mut FileReport, name: &str, text: &[u8]) {
        if let Some(today) = self.today {
            let today = today.to_string();
            self.suppress(report, (&[], text), &today);
            let wanted = containers(report);
            if !wanted.is_empty() {
                let mask = std::mem::take(&mut report.mask);
                for (container, text) in members::texts(self.inspector, (name, text), wanted, mask) {
                    self.suppress(report, (&container, &text), &today);
                }
            }
        }
        if self.allows.asks_for_lines() {
            self.allow_by_line(report, text);
        }
        if self.line_facts {
            add_line_facts(&mut report.findings, text);
        }
    }

    /// Asks the allow entries once more, with the lines at hand.
    fn allow_by_line(&self, report: &mut FileReport, text: &[u8]) {
        let unjudged = report.findings.iter_mut().map(|reported| &mut reported.record);
        for record in unjudged.filter(|record| record.suppressed.is_none() && plain_range(record).is_some()) {
            let at = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX).min(text.len());
            let value = at(record.location.byte_start)..at(record.location.byte_end);
            let line = line_around(text, value.start);
            record.suppressed = self.allowed(record, &text[value], Some(line));
        }
    }

    fn allowed(&self, record: &FindingRecord, value: &[u8], line: Option<&[u8]>) -> Option<Suppression> {
        let (detector, commit) = (&record.detector, record.git.as_ref().and_then(|git| git.commit.as_deref()));
        let mut path = record.location.path.text.clone();
        record.location.container.iter().for_each(|member| path.extend(["!", member]));
        self.allows.verdict(AllowSubject { detector, path: &path, commit, value, line })
    }

    /// Asks the marks in the text of a member, or of the file itself, about the findings in it.
    fn suppress(&self, report: &mut FileReport, (container, text): (&[String], &[u8]), today: &str) {
        let text = output::text_of_marks(text);
        let Some(marks) = InlineMarks::of(&text, self.names.ids()) else { return };
        for Reported { record, .. } in &mut report.findings {
            let Some(line) = line_in(record, container) else { continue };
            let path = [std::slice::from_ref(&record.location.path.text), container].concat().join("!");
            let is_secret = record.category == Category::Secret;
            let last_line = record.location.end_line.unwrap_or(line);
            match marks.verdict(Marked { line, last_line, detector: &record.detector, is_secret }, today) {
                InlineVerdict::None => {}
                InlineVerdict::Void { line, why } => {
                    report.notes.insert(format!("{}:{line}: this dlp:allow does not count: {why}", escape(&path)));
                }
                InlineVerdict::Allowed(InlineAllow { reason, until, line }) => {
                    let reason = masked_name(self.names, &reason);
                    record.suppressed =
                        Some(Suppression { by: "inline", reason, until, entry: format!("{path}:{line}") });
                }
            }
        }
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
        workspace: &mut Workspace,
        subject: Subject<'i>,
        (input, cancel): (Input<'i>, &'i Cancel),
        keep: &dyn Fn(&Finding) -> bool,
    ) -> FileReport {
        let mut gathered = Gathered::showing(self.confidence_min, keep);
        let job = Job { name: &subject.path.text, input, cancel };
        let scratch = &mut workspace.content;
        let walked = catch_unwind(AssertUnwindSafe(|| self.inspector.inspect(scratch, job, &mut gathered)));
        if walked.is_err() {
            workspace.content = Scratch::new();
            let message = "an internal error ended the reading of this file; what was found before it is reported";
            gathered.problem(of_whole_file(Problem::new(ProblemClass::ParserPanic, "panic", message)));
        }
        FileReport { is_file: true, ..self.report(workspace, subject, gathered) }
    }

    /// The report of something that is not read. It has a name all the same.
    pub(crate) fn trouble(&self, workspace: &mut Workspace, subject: Subject<'_>, problem: Problem) -> FileReport {
        let none = Gathered::showing(self.confidence_min, &|_| true);
        self.report(workspace, subject, Gathered { problems: vec![of_whole_file(problem)], ..none })
    }

    /// Masks names and makes records.
    fn report(&self, workspace: &mut Workspace, subject: Subject<'_>, mut gathered: Gathered<'_>) -> FileReport {
        let in_path = scan_name(self.names, &mut workspace.names, &subject.path.text);
        let mut mask = NameMask::default();
        if !self.keep_values {
            mask.learn(self.names, &in_path);
            mask.learn(self.inspector.detectors(), &gathered.findings);
            for name in gathered.names() {
                mask.learn(self.names, &scan_name(self.names, &mut workspace.names, &name));
            }
            gathered.locations().for_each(|location| mask.location(location));
        }
        let shown = mask.path(subject.path);
        let problem = |p| ProblemRecord { git: subject.git.cloned(), ..output::problem(&shown, p) };
        let problems = gathered.problems.iter().map(problem).collect();
        let mut report = FileReport { problems, parts: gathered.items, ..FileReport::default() };
        if subject.reports_path {
            self.in_path(&mut report, (subject, in_path), &mut mask);
        }
        report.notes.extend(gathered.note(&shown));
        report.below_threshold += gathered.counted;
        self.add_findings(&mut report, (subject, &shown), gathered.findings, gathered.keep);
        report.mask = mask;
        report
    }

    /// Findings in a path, one group for each name in it: a directory's name is found once for every file below it, and
    /// gets the same id each time.
    fn in_path(&self, report: &mut FileReport, (subject, found): (Subject<'_>, Vec<Finding>), mask: &mut NameMask) {
        let chosen = |finding: &Finding| {
            let id = &self.names.detector(finding.detector).id;
            self.masks_all || self.inspector.detectors().ids().any(|chosen| chosen == id)
        };
        let text = subject.path.text.as_bytes();
        let mut by_name: BTreeMap<usize, Vec<Finding>> = BTreeMap::new();
        for finding in found.into_iter().filter(chosen) {
            let behind = usize::try_from(finding.location.span.end.0).unwrap_or(text.len()).min(text.len());
            let end = text[behind..].iter().position(|byte| *byte == b'/').map_or(text.len(), |len| behind + len);
            by_name.entry(end).or_default().push(finding);
        }
        for (end, mut findings) in by_name {
            let is_own = end == text.len();
            let path = if is_own { subject.path.clone() } else { ItemPath::from_bytes(&text[..end]) };
            let shown = mask.path(&path);
            let path_raw = if self.baseline.key.is_some() { &text[..end] } else { shown.text.as_bytes() };
            let key = self.baseline.key.as_ref();
            let subject = FileSubject { path: &shown, path_raw, git: subject.git, key };
            let records = self.records(subject, self.names, &mut findings, &|_| true);
            // A directory's name comes again with every file below it.
            report.below_threshold += if is_own { records.below_threshold } else { 0 };
            report.in_path.extend(records.passing);
        }
    }

    fn add_findings(
        &self,
        report: &mut FileReport,
        (subject, shown): (Subject<'_>, &ItemPath),
        mut findings: Vec<Finding>,
        keep: &dyn Fn(&Finding) -> bool,
    ) {
        // A hash without a key would give a masked name away to whoever tries all values.
        let key = self.baseline.key.as_ref();
        let path_raw = if key.is_some() || shown == subject.path { subject.path_raw } else { shown.text.as_bytes() };
        let subject = FileSubject { path: shown, path_raw, git: subject.git, key };
        let records = self.records(subject, self.inspector.detectors(), &mut findings, keep);
        report.below_threshold += records.below_threshold;
        report.findings.extend(records.passing);
    }

    /// The records of those findings that are shown. All of them are asked for their ids, which count them.
    fn records(
        &self,
        subject: FileSubject<'_>,
        set: &DetectorSet,
        findings: &mut [Finding],
        keep: &dyn Fn(&Finding) -> bool,
    ) -> Records {
        let mut records = Records::default();
        output::project_each(subject, set, findings, &mut |finding, mut record| {
            if !keep(finding) {
                return;
            }
            let is_known = self.baseline.knows(&record);
            if finding.confidence.level() < self.confidence_min {
                records.below_threshold += u64::from(!is_known);
                return;
            }
            record.state = if is_known { State::Known } else { State::New };
            record.suppressed = self.allowed(&record, finding.value.expose(), None);
            self.mask_surroundings(&mut record);
            let value = self.keep_values.then(|| finding.value.clone());
            records.passing.push(Reported { record, value, line: None });
        });
        records
    }

    fn mask_surroundings(&self, record: &mut FindingRecord) {
        if !self.masks_all && !is_known(record.category) {
            // What the detectors that were left out would have masked stands in the surroundings in clear.
            record.context_masked.clear();
        }
        if record.category == Category::DocumentFingerprint {
            // The name of a document can hold a value as every name can.
            record.context_masked = masked_name(self.names, &record.context_masked);
            record.reasons.iter_mut().for_each(|reason| reason.detail = masked_name(self.names, &reason.detail));
        }
    }
}

/// What becomes of the findings of an input.
#[derive(Default)]
struct Records {
    passing: Vec<Reported>,
    /// The new ones that are not shown because of their confidence alone.
    below_threshold: u64,
}

/// Whether what stands beside a finding is about an index and no text.
fn is_known(category: Category) -> bool {
    matches!(category, Category::Edm | Category::DocumentFingerprint)
}

/// The name as reports show it, for paths that are not a file's.
pub(crate) fn masked_name(set: &DetectorSet, name: &str) -> String {
    let mut mask = NameMask::default();
    mask.learn(set, &scan_name(set, &mut Scratch::new(), name));
    mask.mask(name).into_owned()
}

/// Keeps what ids and reports need; items, of which an archive can hold a million, are only counted. So are findings that
/// are not shown and take more memory together than there may be. Shown ones that do are left out, which is a problem.
struct Gathered<'a> {
    /// Findings that it does not hold of are as if they were not there.
    keep: &'a dyn Fn(&Finding) -> bool,
    /// Findings below it are counted in ids and not shown, so what only reports say of them is let go.
    confidence_min: ConfidenceLevel,
    findings: Vec<Finding>,
    shown: KeptBytes,
    hidden: KeptBytes,
    /// Findings that are not shown and had no room. A baseline cannot be asked about them.
    counted: u64,
    problems: Vec<LocatedProblem>,
    items: u64,
}

/// Memory that findings take.
#[derive(Default)]
struct KeptBytes {
    bytes: usize,
    is_full: bool,
}

impl KeptBytes {
    /// Counts one more; false when there is no room for it.
    fn take(&mut self, bytes: usize, bytes_max: usize) -> bool {
        self.is_full |= self.bytes.saturating_add(bytes) > bytes_max;
        self.bytes += if self.is_full { 0 } else { bytes };
        !self.is_full
    }
}

impl<'a> Gathered<'a> {
    /// Nothing yet, of which findings from a confidence on are shown.
    fn showing(confidence_min: ConfidenceLevel, keep: &'a dyn Fn(&Finding) -> bool) -> Self {
        Self {
            keep,
            confidence_min,
            findings: Vec::new(),
            shown: KeptBytes::default(),
            hidden: KeptBytes::default(),
            counted: 0,
            problems: Vec::new(),
            items: 0,
        }
    }

    /// What people should know about findings that were only counted.
    fn note(&self, path: &ItemPath) -> Option<String> {
        let (path, count, min) = (escape(&path.text), self.counted, self.confidence_min);
        (count > 0).then(|| {
            format!(
                "{path}: {count} findings below {min} took too much memory to be kept and were only counted; ids of others \
                 may be different with --min-confidence low"
            )
        })
    }

    /// Adds one that is not shown, for the ids of others while there is room.
    fn hide(&mut self, mut finding: Finding) {
        finding.context_masked = String::new();
        finding.reasons = Vec::new();
        finding.related = Vec::new();
        if self.hidden.take(bytes_of(&finding), HIDDEN_FINDINGS_BYTES_MAX) {
            self.findings.push(finding);
        } else {
            self.counted += u64::from((self.keep)(&finding));
        }
    }

    /// Every place that a record will name.
    fn locations(&mut self) -> impl Iterator<Item = &mut Location> {
        let problems = self.problems.iter_mut().map(|problem| &mut problem.location);
        self.findings.iter_mut().map(|finding| &mut finding.location).chain(problems)
    }

    /// Every name in these places, once.
    fn names(&self) -> BTreeSet<String> {
        let problems = self.problems.iter().map(|problem| &problem.location);
        let places = self.findings.iter().map(|finding| &finding.location).chain(problems);
        let names = |place: &Location| -> Vec<String> {
            let sheet = place.cell.as_ref().map(|(sheet, _)| sheet);
            place.container.iter().chain(&place.part).chain(sheet).cloned().collect()
        };
        places.flat_map(names).collect()
    }
}

impl Observer for Gathered<'_> {
    fn finding(&mut self, finding: Finding) -> Flow {
        let was_full = self.shown.is_full;
        if self.takes_any_number_of(finding.confidence.level()) {
            self.hide(finding);
        } else if self.shown.take(bytes_of(&finding), FINDINGS_BYTES_MAX) {
            self.findings.push(finding);
        } else if !was_full {
            self.problems.push(LocatedProblem { problem: too_many_findings(), location: finding.location });
        }
        Flow::Continue
    }

    fn problem(&mut self, problem: LocatedProblem) {
        self.problems.push(problem);
    }

    fn item(&mut self, _item: ItemReport) {
        self.items += 1;
    }

    fn takes_any_number_of(&self, level: ConfidenceLevel) -> bool {
        level < self.confidence_min
    }
}

/// Memory that a finding takes, about.
fn bytes_of(finding: &Finding) -> usize {
    /// What an allocation takes beside its bytes.
    const OVERHEAD_BYTES: usize = 16;
    const REASON_BYTES: usize = 64;
    let location = &finding.location;
    let names = location.container.iter().chain(&location.part);
    let names = names.map(|name| size_of::<String>() + name.len() + OVERHEAD_BYTES);
    let reasons = finding.reasons.iter().map(|reason| REASON_BYTES + reason.detail.len());
    let texts = finding.value.expose().len() + finding.context_masked.len() + 2 * OVERHEAD_BYTES;
    size_of::<Finding>() + texts + names.chain(reasons).sum::<usize>()
}

fn too_many_findings() -> Problem {
    let message =
        format!("the findings of one input take more than {FINDINGS_BYTES_MAX} bytes; the rest is not listed");
    Problem::limit("findings_bytes_max", FINDINGS_BYTES_MAX as u64, message)
}

/// Members in whose text something was found.
fn containers(report: &FileReport) -> BTreeSet<Vec<String>> {
    let records = report.findings.iter().map(|reported| &reported.record);
    let in_text = records.filter(|record| !record.location.container.is_empty() && record.location.line.is_some());
    in_text.map(|record| record.location.container.clone()).collect()
}

/// The line on which a finding stands in the text of a member, or of the file when there is none. What was decoded from
/// the text stands on the line of its code.
fn line_in(record: &FindingRecord, container: &[String]) -> Option<u64> {
    let at = &record.location;
    at.line.filter(|_| is_in_text(at) && at.container == container)
}

/// Whether something stands in a text or is encoded in it, and not in another part.
fn is_in_text(at: &LocationRecord) -> bool {
    at.part.as_ref().is_none_or(|part| part.starts_with(Role::Decoded.as_str()))
}

/// Bytes of a line that allow entries are asked about, before a finding and from its start on. Generated files have
/// lines of megabytes with thousands of findings.
const LINE_SIDE_BYTES_MAX: usize = 4096;

/// The line that an offset stands on, without its end, as far as it is looked at.
fn line_around(text: &[u8], at: usize) -> &[u8] {
    let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
    let (from, to) = (at.saturating_sub(LINE_SIDE_BYTES_MAX), text.len().min(at + LINE_SIDE_BYTES_MAX));
    let start = text[from..at].iter().rposition(is_end).map_or(from, |end| from + end + 1);
    let end = text[at..to].iter().position(is_end).map_or(to, |len| at + len);
    &text[start..end]
}

fn of_whole_file(problem: Problem) -> LocatedProblem {
    LocatedProblem { problem, location: Location::default() }
}

/// Where a finding stands in the text of its file, when it stands there and not in a part or a member.
fn plain_range(record: &FindingRecord) -> Option<Range> {
    let at = &record.location;
    let plain = at.container.is_empty() && at.part.is_none();
    at.line.zip(at.column).zip(at.end_line.zip(at.end_column)).filter(|_| plain)
}

/// Adds what SARIF wants to know about the lines of findings in plain text.
fn add_line_facts(findings: &mut [Reported], file: &[u8]) {
    let range = |reported: &Reported| {
        let at = &reported.record.location;
        let range = at.line.zip(at.column).zip(at.end_line.zip(at.end_column));
        range.filter(|_| at.container.is_empty() && is_in_text(at))
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
    use dlp_core::base::{Confidence, Limits};
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
    fn lines_are_looked_at_as_far_as_a_limit() {
        let long = [b"a\n".as_slice(), &[b'x'; 10_000], b"\nb"].concat();
        let rows: [(&[u8], usize, usize); 5] = [
            (b"one\ntwo\r\nthree", 5, 3),
            (b"one", 0, 3),
            (b"", 0, 0),
            (&long, 5_000, 2 * LINE_SIDE_BYTES_MAX),
            (&long, 2, LINE_SIDE_BYTES_MAX),
        ];
        for (text, at, len) in rows {
            assert_eq!(line_around(text, at).len(), len, "{at} of {}", text.len());
        }
    }

    #[test]
    fn findings_that_are_not_shown_take_little_memory() {
        let set = DetectorSet::builtin().expect("built-in detectors");
        let found = scan_name(&set, &mut Scratch::new(), "card 4539148803436467").remove(0);
        assert!(!found.reasons.is_empty());
        let finding = |points: i32, context: usize| Finding {
            confidence: Confidence::from_points(points),
            context_masked: "x".repeat(context),
            ..found.clone()
        };
        // Only every second of those that have no room is asked for.
        let asked = std::cell::Cell::new(0);
        let keep = |_: &Finding| asked.replace(asked.get() + 1) % 2 == 0;
        let mut gathered = Gathered::showing(ConfidenceLevel::Medium, &keep);
        for points in [10, 10, 90] {
            let _ = gathered.finding(finding(points, 3_000));
        }
        let kept: Vec<_> = gathered.findings.iter().map(|f| (f.context_masked.len(), f.reasons.len())).collect();
        assert_eq!(kept, [(0, 0), (0, 0), (3_000, found.reasons.len())]);
        assert!(gathered.hidden.bytes < 2_000 && gathered.shown.bytes > 3_000);
        // What has no room is left out, which is said once where it would be shown; others are counted.
        gathered.hidden.bytes = HIDDEN_FINDINGS_BYTES_MAX - 100;
        gathered.shown.bytes = FINDINGS_BYTES_MAX - 100;
        for points in [10, 90, 10, 90, 10] {
            let _ = gathered.finding(finding(points, 3_000));
        }
        let said: Vec<_> = gathered.problems.iter().filter_map(|located| located.problem.limit).collect();
        let names: Vec<_> = said.iter().map(|limit| (limit.name, limit.value as usize)).collect();
        assert_eq!(names, [("findings_bytes_max", FINDINGS_BYTES_MAX)]);
        assert_eq!((gathered.findings.len(), gathered.counted), (3, 2));
        let note = gathered.note(&ItemPath::from_bytes(b"a.zip")).expect("a note");
        assert!(note.starts_with("a.zip: 2 findings below medium "), "{note}");
    }

    #[test]
    fn a_panic_costs_one_file_and_is_reported() {
        let choice = DetectorChoice::default();
        let set = DetectorSet::compile(crate::engine::catalogue(&choice).expect("catalogue")).expect("set");
        let inspector = Inspector::new(set.clone(), Limits::batch());
        let engine = Engine { inspector, names: set, allows: AllowList::default() };
        let baseline = Baseline::default();
        let examiner = Examiner::new((&engine, &baseline), &choice, &report_args(), false);
        let path = ItemPath::from_bytes(b"a.txt");
        let subject = Subject { path: &path, path_raw: b"a.txt", git: None, reports_path: true };
        let mut scratch = Workspace::default();
        let cancel = Cancel::default();
        let faulty = &mut Faulty(b"some text\n");
        let report = examiner.examine(&mut scratch, subject, (Input::Stream(faulty), &cancel), &|_| true);
        let classes: Vec<_> = report.problems.iter().map(|problem| problem.class).collect();
        assert_eq!(classes, [ProblemClass::ParserPanic]);
        let next = examiner.examine(&mut scratch, subject, (Input::Bytes(b"fine"), &cancel), &|_| true);
        assert!(next.problems.is_empty() && next.parts == 1, "{next:?}");
    }
}
