//! One report: the first record, then files as they come, then the summary.

use super::Destination;
use crate::baseline::{Baseline, Entry};
use crate::cli::{Format, ReportArgs};
use crate::error::CliError;
use crate::exit::Allowance;
use crate::say;
use dlp_core::base::Secret;
use dlp_core::matching::DetectorSet;
use dlp_core::output::jsonl::{self, Record};
use dlp_core::output::pretty::{self, Palette, Show, plural};
use dlp_core::output::sarif::{self, LineFacts};
use dlp_core::output::{
    DetectorSetRecord, FindingRecord, ProblemRecord, ScanRecord, SourceRecord, SummaryRecord, Tally, ToolRecord,
};
use jiff::Timestamp;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

/// Problems of each kind that the report for people shows one by one; all of them are counted.
const PROBLEM_LINES_MAX: usize = 20;

/// A finding on its way into a report.
#[derive(Debug)]
pub(crate) struct Reported {
    /// What every form of report shows.
    pub(crate) record: FindingRecord,
    /// The value, only with `--reveal`.
    pub(crate) value: Option<Secret>,
    /// The line it stands in, only for SARIF.
    pub(crate) line: Option<LineFacts>,
}

/// What a report is started with.
pub(crate) struct Setup<'a> {
    /// What the user asked for.
    pub(crate) args: &'a ReportArgs,
    /// The detectors in use.
    pub(crate) set: &'a DetectorSet,
    /// Where the input comes from.
    pub(crate) source: SourceRecord,
    /// Options that change results.
    pub(crate) options: BTreeMap<String, Value>,
    /// What was there before.
    pub(crate) baseline: &'a Baseline,
    /// Put before paths for people.
    pub(crate) prefix: String,
    /// `file:` URI that paths are relative to.
    pub(crate) root_uri: Option<String>,
}

/// Writes one report.
pub(crate) struct Reporter<'a> {
    setup: Setup<'a>,
    destination: Destination,
    palette: Palette,
    scan_id: Option<String>,
    started: Instant,
    log: sarif::Log,
    /// What was counted so far.
    pub(crate) tally: Tally,
    allowance: Allowance,
    /// Ids of findings in paths: what stands in a directory's name is found with every file below it.
    in_paths: BTreeSet<String>,
    /// What stands in the baseline that is written.
    next_baseline: Vec<Entry>,
    /// Content that was not read.
    gaps: Unread,
    /// Content of which only the raw bytes were read.
    without_reader: Unread,
}

/// Problems for people: the first ones, and how many there are.
#[derive(Default)]
struct Unread {
    lines: Vec<String>,
    count: usize,
}

impl Unread {
    fn say(&self) {
        self.lines.iter().for_each(|line| say(line));
        if self.count > self.lines.len() {
            say(&format!("and {} more; --format jsonl names all of them", self.count - self.lines.len()));
        }
    }
}

impl<'a> Reporter<'a> {
    /// Starts a report.
    pub(crate) fn start(setup: Setup<'a>, destination: Destination) -> Result<Self, CliError> {
        let scan_id = if setup.args.no_timestamps { None } else { Some(random_id()?) };
        let palette = if colours(&destination) { Palette::ansi() } else { Palette::plain() };
        let allowance = Allowance::parse(setup.args.allow_incomplete.as_deref(), setup.args.fail_on_incomplete)?;
        let mut reporter = Self {
            setup,
            destination,
            palette,
            scan_id,
            started: Instant::now(),
            log: sarif::Log::default(),
            tally: Tally::default(),
            allowance,
            in_paths: BTreeSet::new(),
            next_baseline: Vec::new(),
            gaps: Unread::default(),
            without_reader: Unread::default(),
        };
        if reporter.setup.args.format == Format::Jsonl {
            let scan = reporter.scan_record();
            reporter.jsonl(Record::Scan(&scan))?;
        }
        Ok(reporter)
    }

    fn scan_record(&self) -> ScanRecord {
        let set = self.setup.set;
        ScanRecord {
            tool: ToolRecord { name: "dlp", version: env!("CARGO_PKG_VERSION") },
            detector_set: DetectorSetRecord { hash: set.hash(), detectors: set.ids().len() },
            source: self.setup.source.clone(),
            started_at: self.now(),
            options: self.setup.options.clone(),
        }
    }

    /// Reports a finding.
    pub(crate) fn finding(&mut self, finding: Reported) -> Result<(), CliError> {
        self.tally.finding(&finding.record);
        if self.setup.args.write_baseline.is_some() && finding.record.suppressed.is_none() {
            self.next_baseline.push(Entry::of(&finding.record));
        }
        match self.setup.args.format {
            Format::Jsonl => self.jsonl(Record::Finding(&finding.record)),
            Format::Sarif => {
                self.log.finding(finding.record, finding.line);
                Ok(())
            }
            Format::Pretty if !finding.record.counts() => Ok(()),
            Format::Pretty => {
                let revealed = finding.value.as_ref().map(Secret::expose);
                let show = Show { prefix: &self.setup.prefix, revealed, palette: self.palette };
                let written = pretty::finding(&mut self.destination, &finding.record, show);
                self.written(written)
            }
        }
    }

    /// Reports a finding in a path, once.
    pub(crate) fn finding_in_path(&mut self, finding: Reported) -> Result<(), CliError> {
        if self.in_paths.insert(finding.record.finding_id.clone()) { self.finding(finding) } else { Ok(()) }
    }

    /// Reports a problem.
    pub(crate) fn problem(&mut self, problem: ProblemRecord) -> Result<(), CliError> {
        self.tally.problem(&problem);
        match self.setup.args.format {
            Format::Jsonl => self.jsonl(Record::Problem(&problem)),
            Format::Sarif => {
                self.log.problem(problem);
                Ok(())
            }
            Format::Pretty => {
                self.keep_for_the_end(&problem);
                Ok(())
            }
        }
    }

    /// What was not read stands below the findings and not between them.
    fn keep_for_the_end(&mut self, problem: &ProblemRecord) {
        let unread = if problem.class.is_incomplete() { &mut self.gaps } else { &mut self.without_reader };
        unread.count += 1;
        if unread.lines.len() < PROBLEM_LINES_MAX {
            let show = Show { prefix: &self.setup.prefix, revealed: None, palette: Palette::plain() };
            let mut line = Vec::new();
            pretty::problem(&mut line, problem, show).expect("writing to memory succeeds");
            unread.lines.push(String::from_utf8_lossy(&line).trim_end().to_owned());
        }
    }

    /// Ends a file: people see its findings at once.
    pub(crate) fn end_of_file(&mut self) -> Result<(), CliError> {
        if !self.destination.is_terminal() {
            return Ok(());
        }
        let flushed = self.destination.flush();
        self.written(flushed)
    }

    /// Writes the end of the report and gives the exit code.
    pub(crate) fn finish(mut self) -> Result<u8, CliError> {
        let summary = self.summary();
        match self.setup.args.format {
            Format::Jsonl => self.jsonl(Record::Summary(&summary))?,
            Format::Sarif => self.sarif(&summary)?,
            Format::Pretty => {
                let flushed = self.destination.flush();
                self.written(flushed)?;
            }
        }
        self.gaps.say();
        self.without_reader.say();
        say_summary(&summary, self.setup.args);
        if self.setup.args.stats {
            say(&stats(&summary, self.started.elapsed()));
        }
        let code = summary.exit_code;
        self.destination.finish().map_err(|error| at_least(error, code))?;
        if let Some(path) = &self.setup.args.write_baseline {
            self.setup.baseline.write(path, self.next_baseline)?;
        }
        Ok(code)
    }

    fn summary(&self) -> SummaryRecord {
        let code = self.exit_code();
        let mut summary = self.tally.clone().summary(code);
        summary.finished_at = self.now();
        summary.duration_ms = summary.finished_at.as_ref().map(|_| self.started.elapsed().as_millis() as u64);
        summary
    }

    /// Findings that go into a baseline are what the user asked for, and no failure.
    fn exit_code(&self) -> u8 {
        let findings = if self.setup.args.write_baseline.is_some() { 0 } else { self.tally.findings.new };
        self.allowance.exit_code(findings, self.tally.problems.by_class.keys().copied())
    }

    fn sarif(&mut self, summary: &SummaryRecord) -> Result<(), CliError> {
        let run = sarif::Run {
            tool: "dlp",
            version: env!("CARGO_PKG_VERSION"),
            id: self.scan_id.as_deref().unwrap_or_default(),
            root_uri: self.setup.root_uri.as_deref(),
        };
        let document = std::mem::take(&mut self.log).finish(run, self.setup.set, summary);
        let written = serde_json::to_writer(&mut self.destination, &document)
            .map_err(io::Error::from)
            .and_then(|()| self.destination.write_all(b"\n"));
        self.written(written)
    }

    fn jsonl(&mut self, record: Record<'_>) -> Result<(), CliError> {
        let written = jsonl::write(&mut self.destination, self.scan_id.as_deref(), record);
        self.written(written)
    }

    fn written(&self, result: io::Result<()>) -> Result<(), CliError> {
        result.map_err(|source| at_least(self.destination.failed(source), self.exit_code()))
    }

    /// The time, unless times are left out.
    fn now(&self) -> Option<String> {
        self.scan_id.as_ref().map(|_| format!("{:.3}", Timestamp::now()))
    }
}

/// A reader that goes away does not change what was found so far.
fn at_least(error: CliError, exit_code: u8) -> CliError {
    match error {
        CliError::ReaderGone { .. } => CliError::ReaderGone { exit_code },
        other => other,
    }
}

fn colours(destination: &Destination) -> bool {
    matches!(destination, Destination::Stdout(_))
        && anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never
}

/// In the report for people this is the whole summary; beside the others, only what went unread.
fn say_summary(summary: &SummaryRecord, args: &ReportArgs) {
    let mut text = Vec::new();
    let written = if args.format == Format::Pretty {
        if summary.findings.new == 0 && summary.files > 0 && io::stderr().is_terminal() {
            say(&format!("nothing found in {}", plural(summary.files, "file")));
        }
        pretty::summary(&mut text, summary, args.min_confidence.into())
    } else {
        pretty::problems(&mut text, summary)
    };
    written.expect("writing to memory succeeds");
    String::from_utf8_lossy(&text).lines().for_each(say);
}

fn stats(summary: &SummaryRecord, elapsed: Duration) -> String {
    let seconds = elapsed.as_secs_f64().max(1e-6);
    let megabytes = summary.bytes as f64 / 1e6;
    format!(
        "{}, {}, {megabytes:.1} MB in {seconds:.2} s ({:.0} MB/s)",
        plural(summary.files, "file"),
        plural(summary.parts, "item"),
        megabytes / seconds
    )
}

/// `s-` and 50 random bits in base 32.
fn random_id() -> Result<String, CliError> {
    const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let mut bytes = [0; 10];
    getrandom::fill(&mut bytes).map_err(CliError::no_randomness)?;
    let word: String = bytes.iter().map(|b| char::from(ALPHABET[usize::from(b % 32)])).collect();
    Ok(format!("s-{word}"))
}
