//! For people: one finding a line, and a summary by detector.
//!
//! ```text
//! share/export.zip!clients.xlsx!Clients!B2  high  pii.pl.pesel  *********58  92
//! src/config.py:14:9  critical  secret.github.pat-classic  ********************0123  99
//! ```
//!
//! Whether there is colour is the caller's decision; every text from outside is escaped.

use super::{FindingRecord, GitRecord, LocationRecord, ProblemRecord, SummaryRecord, escape};
use crate::base::{Category, ConfidenceLevel, ProblemClass, Severity};
use anstyle::{AnsiColor, Style};
use std::fmt::Write as _;
use std::io::{self, Write};

/// Digits of a commit's id that people see.
const COMMIT_LEN: usize = 12;

/// Colours, or none.
#[derive(Clone, Copy, Debug)]
pub struct Palette {
    severe: Style,
    medium: Style,
    mild: Style,
    path: Style,
    faint: Style,
}

impl Palette {
    /// No colour at all.
    #[must_use]
    pub fn plain() -> Self {
        let none = Style::new();
        Self { severe: none, medium: none, mild: none, path: none, faint: none }
    }

    /// ANSI colours.
    #[must_use]
    pub fn ansi() -> Self {
        Self {
            severe: AnsiColor::Red.on_default().bold(),
            medium: AnsiColor::Yellow.on_default(),
            mild: AnsiColor::Cyan.on_default(),
            path: Style::new().bold(),
            faint: Style::new().dimmed(),
        }
    }

    fn severity(&self, severity: Severity) -> Style {
        match severity {
            Severity::Critical | Severity::High => self.severe,
            Severity::Medium => self.medium,
            Severity::Low | Severity::Informational => self.mild,
        }
    }
}

/// What a line of a finding shows besides the record.
#[derive(Clone, Copy, Debug)]
pub struct Show<'a> {
    /// Put before the path, so that it can be opened from where the user stands.
    pub prefix: &'a str,
    /// The value itself, for `--reveal`.
    pub revealed: Option<&'a [u8]>,
    /// Colours.
    pub palette: Palette,
}

/// Writes the line of one finding.
///
/// # Errors
/// When the writer fails.
pub fn finding(out: &mut dyn Write, finding: &FindingRecord, show: Show<'_>) -> io::Result<()> {
    let Palette { path, faint, .. } = show.palette;
    let severity = show.palette.severity(finding.severity);
    let value = match (show.revealed, finding.category) {
        // What was found is a row or a document; what of it stands here is told, and nothing of the value.
        (_, Category::DocumentFingerprint) => finding.context_masked.clone(),
        (None, Category::Edm) => format!("{}  {}", finding.masked, finding.context_masked),
        (Some(raw), Category::Edm) => format!("{}  {}", String::from_utf8_lossy(raw), finding.context_masked),
        (Some(raw), _) => String::from_utf8_lossy(raw).into_owned(),
        (None, _) => finding.masked.clone(),
    };
    writeln!(
        out,
        "{path}{}{path:#}  {severity}{}{severity:#}  {}  {}  {faint}{}{faint:#}",
        in_commit(show.prefix, finding.git.as_ref(), &finding.location),
        finding.severity,
        escape(&finding.detector),
        escape(&value),
        finding.confidence.score,
    )
}

/// Writes the line of one problem: class, place, message.
///
/// # Errors
/// When the writer fails.
pub fn problem(out: &mut dyn Write, problem: &ProblemRecord, show: Show<'_>) -> io::Result<()> {
    let style = show.palette.medium;
    let class = problem.class;
    let place = in_commit(show.prefix, problem.git.as_ref(), &problem.location);
    writeln!(out, "{style}{class}{style:#}: {place}: {}", escape(&problem.message))
}

/// Writes the counts: findings by detector, most frequent first, then what is not shown because it lies below
/// `threshold`, then what went unread. Nothing when clean.
///
/// # Errors
/// When the writer fails.
pub fn summary(out: &mut dyn Write, summary: &SummaryRecord, threshold: ConfidenceLevel) -> io::Result<()> {
    let findings = &summary.findings;
    if findings.new > 0 {
        let found_in = match (summary.files_with_findings, summary.files) {
            (with, all) if with < all => format!("{with} of {all} files that were read"),
            (_, all) => plural(all, "file"),
        };
        writeln!(out, "{} in {found_in}:", plural(findings.new, "finding"))?;
        let mut rows: Vec<_> = findings.by_detector.iter().collect();
        rows.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
        for (detector, count) in rows {
            writeln!(out, "{count:>7}  {}", escape(detector))?;
        }
    }
    for (count, what) in
        [(findings.suppressed, "suppressed by marks or allow entries"), (findings.known, "known from the baseline")]
    {
        if count > 0 {
            writeln!(out, "{} {what}", plural(count, "finding"))?;
        }
    }
    match findings.below_threshold {
        0 => {}
        1 => writeln!(out, "1 finding below {threshold} is not shown (--min-confidence low)")?,
        count => writeln!(out, "{count} findings below {threshold} are not shown (--min-confidence low)")?,
    }
    match summary.links {
        0 => {}
        1 => writeln!(out, "1 symbolic link was not followed")?,
        count => writeln!(out, "{count} symbolic links were not followed")?,
    }
    problems(out, summary)
}

/// Writes what went unread, by class, and what that means for the exit code. Nothing when all was read.
///
/// # Errors
/// When the writer fails.
pub fn problems(out: &mut dyn Write, summary: &SummaryRecord) -> io::Result<()> {
    for (class, count) in &summary.problems.by_class {
        writeln!(out, "{}: {class}", plural(*count, "problem"))?;
    }
    let raw_only = [ProblemClass::Unsupported, ProblemClass::Ambiguous].map(ProblemClass::as_str);
    if summary.problems.by_class.keys().any(|class| !raw_only.contains(class)) {
        writeln!(out, "the scan is incomplete: some content was not read (--allow-incomplete accepts this)")?;
    } else if !summary.complete {
        writeln!(
            out,
            "the scan is incomplete: some content has no reader, so at most its raw bytes were scanned \
             (--fail-on-incomplete ends with 3)"
        )?;
    }
    Ok(())
}

/// `<commit>:<path>` opens with `git show`; other places with an editor.
fn in_commit(prefix: &str, git: Option<&GitRecord>, location: &LocationRecord) -> String {
    match git.and_then(|git| git.commit.as_deref()) {
        Some(commit) => format!("{}:{}", &commit[..commit.len().min(COMMIT_LEN)], place("", location)),
        None => place(prefix, location),
    }
}

/// Path, members, and the finest place that people can go to, in one word without blanks of ours.
#[must_use]
pub fn place(prefix: &str, location: &LocationRecord) -> String {
    let mut text = escape(prefix).into_owned();
    text.push_str(&escape(&location.path.text));
    for member in &location.container {
        text.push('!');
        text.push_str(&escape(member));
    }
    if let (Some(sheet), Some(cell)) = (&location.sheet, &location.cell) {
        write!(text, "!{}!{}", escape(sheet), escape(cell)).expect("writing to a string succeeds");
    } else if let Some(page) = location.page {
        write!(text, "!page {page}").expect("writing to a string succeeds");
    } else if let Some(part) = &location.part {
        write!(text, "!{}", escape(part)).expect("writing to a string succeeds");
    }
    if let (Some(line), Some(column)) = (location.line, location.column) {
        write!(text, ":{line}:{column}").expect("writing to a string succeeds");
    }
    text
}

/// `1 file`, `2 files`.
#[must_use]
pub fn plural(count: u64, noun: &str) -> String {
    if count == 1 { format!("{count} {noun}") } else { format!("{count} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{finding as sample, records};
    use super::super::{FindingCounts, Tally};
    use super::*;

    fn shown(record: &FindingRecord, show: Show<'_>) -> String {
        let mut out = Vec::new();
        finding(&mut out, record, show).expect("writing to memory succeeds");
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn one_line_for_each_finding() {
        let record = &records(vec![sample(0, "ABC123456", 4)])[0];
        let plain = Show { prefix: "share/", revealed: None, palette: Palette::plain() };
        assert_eq!(shown(record, plain), "share/a.txt:1:5  high  test.account  *******56  70\n");
        let revealed = Show { revealed: Some(b"ABC\n\x1b56"), ..plain };
        assert_eq!(shown(record, revealed), "share/a.txt:1:5  high  test.account  ABC\\n\\u{1b}56  70\n");
        let coloured = Show { palette: Palette::ansi(), ..plain };
        assert!(shown(record, coloured).contains("\u{1b}[1m\u{1b}[31mhigh"), "{:?}", shown(record, coloured));
    }

    #[test]
    fn findings_of_a_commit_can_be_given_to_git_show() {
        let mut record = records(vec![sample(0, "ABC123456", 4)]).remove(0);
        record.git = Some(GitRecord { commit: Some("0123456789abcdef".repeat(3)), blob: "b".repeat(40) });
        let show = Show { prefix: "../", revealed: None, palette: Palette::plain() };
        assert_eq!(shown(&record, show), "0123456789ab:a.txt:1:5  high  test.account  *******56  70\n");
    }

    #[test]
    fn places_name_the_finest_step() {
        let mut location = records(vec![sample(0, "ABC123456", 4)]).remove(0).location;
        type Row = (&'static str, fn(&mut LocationRecord));
        let rows: &[Row] = &[
            ("a.txt:1:5", |_| {}),
            ("a.txt!in\\n.docx:1:5", |at| at.container = vec!["in\n.docx".to_owned()]),
            ("a.txt!in\\n.docx!comment:1:5", |at| at.part = Some("comment".to_owned())),
            ("a.txt!in\\n.docx!page 3:1:5", |at| at.page = Some(3)),
            ("a.txt!in\\n.docx!S!B2:1:5", |at| (at.sheet, at.cell) = (Some("S".to_owned()), Some("B2".to_owned()))),
            ("a.txt!in\\n.docx!S!B2", |at| at.line = None),
        ];
        for (expected, change) in rows {
            change(&mut location);
            assert_eq!(place("", &location), *expected);
        }
    }

    #[test]
    fn the_summary_is_silent_when_clean_and_counts_otherwise() {
        let text = |tally: Tally| {
            let mut out = Vec::new();
            summary(&mut out, &tally.summary(0), ConfidenceLevel::Medium).expect("writing to memory succeeds");
            String::from_utf8(out).expect("UTF-8")
        };
        assert_eq!(text(Tally { files: 9, ..Tally::default() }), "");
        let mut tally = Tally { files: 1, ..Tally::default() };
        let values = [(0, 0), (1, 20), (1, 40)];
        records(values.map(|(detector, at)| sample(detector, "ABC123456", at)).into())
            .iter()
            .for_each(|r| tally.finding(r));
        assert_eq!(text(tally), "3 findings in 1 file:\n      2  test.badge\n      1  test.account\n");
        let hidden = |below_threshold, links| Tally {
            findings: FindingCounts { below_threshold, ..FindingCounts::default() },
            links,
            ..Tally::default()
        };
        assert_eq!(text(hidden(1, 0)), "1 finding below medium is not shown (--min-confidence low)\n");
        assert_eq!(text(hidden(7, 0)), "7 findings below medium are not shown (--min-confidence low)\n");
        assert_eq!(text(hidden(0, 1)), "1 symbolic link was not followed\n");
        assert_eq!(text(hidden(0, 3)), "3 symbolic links were not followed\n");
    }
}
