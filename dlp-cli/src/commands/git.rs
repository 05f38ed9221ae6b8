//! `dlp git`: what is about to be committed, or what a range adds.
//!
//! Contents are read one after the other: a commit is small, and what counts is that the hook is over before the user
//! notices it.

use crate::baseline::Baseline;
use crate::cli::GitArgs;
use crate::commands::scan::{detector_options, reveals, root_uri};
use crate::engine;
use crate::error::CliError;
use crate::git::blobs::{Blob, Blobs};
use crate::git::changes::{BATCH_LEN, Change, of_commits, staged};
use crate::git::{self, Difference};
use crate::output::{Destination, Reporter, Setup};
use crate::say;
use crate::scan::examine::{Examiner, FileReport, Subject, Workspace, masked_name};
use crate::scan::pipeline::report_file;
use crate::scan::stop::within;
use dlp_core::base::{Problem, ProblemClass, Span};
use dlp_core::content::{Finding, Input, OffsetBase};
use dlp_core::output::{GitRecord, ItemPath, SourceRecord};
use serde_json::json;
use std::io::{self, Read as _};
use std::ops::Range;
use std::path::Path;

/// Contents up to this size are held in memory, which formats with a directory at their end need; larger ones stream
/// through and are reported whole.
const HELD_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Scans a difference and reports.
pub(crate) fn run(args: &GitArgs) -> Result<u8, CliError> {
    let difference = args.range.as_deref().map_or(Ok(Difference::Staged), Difference::range)?;
    let up = String::from_utf8_lossy(&git::output("rev-parse", &["--show-cdup"])?).trim_end().to_owned();
    let commits = match &difference {
        Difference::Staged => Vec::new(),
        Difference::Range(range) => range.commits()?,
    };
    let staged = if args.staged { staged(args.whole_files)? } else { Vec::new() };
    if !args.staged && commits.is_empty() {
        say("nothing was scanned: there is no commit in the range");
    }
    let baseline = Baseline::load(&args.report)?;
    let mut engine = engine::engine_with(&args.detectors, &args.known)?;
    engine.allow_below(Path::new(if up.is_empty() { "." } else { &up }));
    let destination = Destination::open(args.report.output.as_deref())?;
    let reveal = reveals(&args.report, &destination)?;
    let mask = |name: &str| if reveal { name.to_owned() } else { masked_name(&engine.names, name) };
    let mut options = detector_options(&args.detectors, &args.report);
    if args.whole_files {
        options.insert("whole_files".to_owned(), json!(true));
    }
    let setup = Setup {
        args: &args.report,
        set: engine.inspector.detectors(),
        source: source(&difference, &up),
        options,
        baseline: &baseline,
        root_uri: root_uri(Path::new(if up.is_empty() { "." } else { &up }), &mask),
        prefix: up,
    };
    let mut reporter = Reporter::start(setup, destination)?;
    let examiner = Examiner::new((&engine, &baseline), &args.detectors, &args.report, reveal);
    scan(&examiner, &staged, &mut reporter)?;
    for batch in commits.chunks(BATCH_LEN) {
        scan(&examiner, &of_commits(batch, args.whole_files)?, &mut reporter)?;
    }
    reporter.finish()
}

fn source(difference: &Difference, up: &str) -> SourceRecord {
    let root = if up.is_empty() { "." } else { up }.to_owned();
    match difference {
        Difference::Staged => SourceRecord { kind: "git-staged", root, range: None },
        Difference::Range(range) => SourceRecord { kind: "git-range", root, range: Some(range.text.clone()) },
    }
}

fn scan(examiner: &Examiner<'_>, changes: &[Change], reporter: &mut Reporter<'_>) -> Result<(), CliError> {
    if changes.is_empty() {
        return Ok(());
    }
    let mut blobs = Blobs::start()?;
    let mut workspace = Workspace::default();
    for change in changes {
        let path = ItemPath::from_bytes(&change.path);
        let record = GitRecord { commit: change.commit.clone(), blob: change.blob.clone() };
        let reports_path = change.is_new || change.added.is_none();
        let subject = Subject { path: &path, path_raw: &change.path, git: Some(&record), reports_path };
        let report = match blobs.open(&change.blob) {
            Ok(Some(blob)) => examine(examiner, &mut workspace, (change, subject), blob),
            Ok(None) => {
                let message = "git does not have this content; fetch it and scan again";
                let problem = Problem::new(ProblemClass::Unreadable, "git_object_missing", message);
                Ok(FileReport { is_file: true, ..examiner.trouble(&mut workspace, subject, problem) })
            }
            Err(error) => Err(error),
        };
        let report = report.map_err(|source| CliError::System { what: "git cat-file broke off", source })?;
        report_file(reporter, report)?;
    }
    blobs.finish();
    Ok(())
}

fn examine(
    examiner: &Examiner<'_>,
    workspace: &mut Workspace,
    (change, subject): (&Change, Subject<'_>),
    mut blob: Blob<'_>,
) -> io::Result<FileReport> {
    let bytes = blob.bytes;
    let report = if bytes <= HELD_BYTES_MAX {
        let mut content = Vec::new();
        blob.read_to_end(&mut content)?;
        let added = change.added.as_deref().map(|lines| byte_ranges(&content, lines));
        let keep = |finding: &Finding| added.as_deref().is_none_or(|ranges| touches(finding, ranges));
        let mut report = within(examiner.time_max(), |cancel| {
            examiner.examine(workspace, subject, (Input::Bytes(&content), cancel), &keep)
        });
        if !report.findings.is_empty() {
            examiner.add_text(&mut report, &subject.path.text, &content);
        }
        report
    } else {
        within(examiner.time_max(), |cancel| {
            examiner.examine(workspace, subject, (Input::Stream(&mut blob), cancel), &|_| true)
        })
    };
    blob.finish()?;
    Ok(FileReport { bytes, ..report })
}

/// Where lines stand in a content. Lines end at line feeds here, as git counts them.
fn byte_ranges(content: &[u8], lines: &[Range<u64>]) -> Vec<Span> {
    let feeds = content.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at as u64 + 1);
    let starts: Vec<u64> = std::iter::once(0).chain(feeds).collect();
    let end = content.len() as u64;
    let start_of = |line: u64| {
        let index = usize::try_from(line.saturating_sub(1)).unwrap_or(usize::MAX);
        starts.get(index).copied().unwrap_or(end)
    };
    lines.iter().map(|lines| Span::new(start_of(lines.start), start_of(lines.end))).collect()
}

/// Whether a finding stands on one of the lines. What stands in members and parts of a file has no lines, and counts.
fn touches(finding: &Finding, added: &[Span]) -> bool {
    let location = &finding.location;
    let has_lines = location.container.is_empty() && location.offset_base == OffsetBase::File;
    !has_lines || added.iter().any(|lines| lines.overlaps(location.span))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_bytes() {
        let content = b"one\ntwo\r\nthree";
        let rows = [(1..2, (0, 4)), (2..4, (4, 14)), (1..3, (0, 9)), (3..4, (9, 14)), (9..10, (14, 14))];
        for (lines, expected) in rows {
            let found = byte_ranges(content, std::slice::from_ref(&lines));
            assert_eq!(found, [Span::new(expected.0, expected.1)], "{lines:?}");
        }
    }
}
