//! Marks of other scanners by which people say that a credential is wanted: `gitleaks:allow`, `pragma: allowlist secret`.
//!
//! Trees that were scanned before hold them, and whoever put them there meant every scanner. They name no detector and
//! give no reason, so they count for credentials alone. Most hold for their own line, some for the next one, and one pair
//! opens and closes a range.

use memchr::memmem;
use std::ops::RangeInclusive;

/// Marks for their own line, in lower case.
const OWN_LINE: &[&str] = &[
    "gitleaks:allow",
    "betterleaks:allow",
    "trufflehog:ignore",
    "kingfisher:ignore",
    "kingfisher:allow",
    "noseyparker:ignore",
    "ggignore",
    "pragma: allowlist secret",
    "pragma:allowlist secret",
    "pragma: whitelist secret",
    "pragma:whitelist secret",
    "secretlint-disable-line",
    "nosecret",
    "nosecrets",
];

/// Marks for the line behind them.
const NEXT_LINE: &[&str] = &[
    "pragma: allowlist nextline secret",
    "pragma:allowlist nextline secret",
    "pragma: whitelist nextline secret",
    "pragma:whitelist nextline secret",
    "secretlint-disable-next-line",
];

/// What opens a range, and what closes it.
const RANGE: (&str, &str) = ("secretlint-disable", "secretlint-enable");

/// Texts of which one stands in every mark, for a first look at a file.
const HINTS: &[&str] = &["s:allow", "r:allow", "g:ignore", "r:ignore", "ggignore", "list ", "secretlint-", "nosecret"];

/// A mark as it is looked for, and the lines that it holds for, from 1.
#[derive(Debug, PartialEq, Eq)]
struct PeerMark {
    mark: &'static str,
    line: u64,
    holds: RangeInclusive<u64>,
}

/// The marks of one file, in the order of the lines that they start to hold for. No two hold for one line.
#[derive(Debug, Default)]
pub(super) struct PeerMarks(Vec<PeerMark>);

impl PeerMarks {
    /// The marks in the lines of a file; none after one look at most files.
    pub(super) fn of(file: &[u8], lines: &[&[u8]], line_len_max: usize) -> Self {
        let lower = |text: &[u8]| text.to_ascii_lowercase();
        let folded = lower(file);
        let may_hold = HINTS.iter().any(|hint| memmem::find(&folded, hint.as_bytes()).is_some());
        let mut marks = Vec::new();
        if may_hold {
            let mut open: Option<u64> = None;
            for (line, text) in (1..).zip(lines) {
                let text = lower(&text[..text.len().min(line_len_max)]);
                marks.extend(of_line(&text, line));
                open = match open {
                    None if stands(&text, RANGE.0) => Some(line),
                    Some(start) if stands(&text, RANGE.1) => {
                        marks.push(PeerMark { mark: RANGE.0, line: start, holds: start..=line });
                        None
                    }
                    open => open,
                };
            }
            marks.extend(open.map(|start| PeerMark { mark: RANGE.0, line: start, holds: start..=u64::MAX }));
        }
        Self(in_order(marks))
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The mark that holds for a line, and where it stands.
    pub(super) fn on(&self, line: u64) -> Option<(&'static str, u64)> {
        let behind = self.0.partition_point(|mark| *mark.holds.start() <= line);
        let mark = self.0.get(behind.checked_sub(1)?)?;
        mark.holds.contains(&line).then_some((mark.mark, mark.line))
    }
}

/// Sorts marks, and leaves out those that hold for nothing that an earlier one does not hold for: a file may have one on each
/// line and a finding on each line, and every finding asks.
fn in_order(mut marks: Vec<PeerMark>) -> Vec<PeerMark> {
    marks.sort_by_key(|mark| (*mark.holds.start(), std::cmp::Reverse(*mark.holds.end())));
    let mut end = 0;
    marks.retain(|mark| {
        let is_new = *mark.holds.end() > end;
        end = end.max(*mark.holds.end());
        is_new
    });
    marks
}

fn of_line(text: &[u8], line: u64) -> Option<PeerMark> {
    let find = |marks: &[&'static str]| marks.iter().copied().find(|mark| stands(text, mark));
    let own = |mark| PeerMark { mark, line, holds: line..=line };
    let next = |mark| PeerMark { mark, line, holds: line + 1..=line + 1 };
    find(NEXT_LINE).map(next).or_else(|| find(OWN_LINE).map(own))
}

/// Whether a mark stands in a line as words of its own.
fn stands(text: &[u8], mark: &str) -> bool {
    let continues = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte));
    memmem::find_iter(text, mark.as_bytes()).any(|at| {
        let before = at.checked_sub(1).and_then(|at| text.get(at));
        !continues(before) && !continues(text.get(at + mark.len()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_hold_for_their_lines() {
        let rows: &[(&str, &[u64])] = &[
            ("x # gitleaks:allow\ny", &[1]),
            ("x\ny // trufflehog:ignore\nz", &[2]),
            ("x # pragma: allowlist secret", &[1]),
            ("x # Pragma: Allowlist Secret", &[1]),
            ("# pragma: allowlist nextline secret\nx\ny", &[2]),
            ("// secretlint-disable-next-line\nx", &[2]),
            ("x // kingfisher:ignore", &[1]),
            ("x # nosecret", &[1]),
            ("x # ggignore", &[1]),
            ("x nosecretary", &[]),
            ("my-gitleaks:allow", &[]),
            ("gitleaks:allowed", &[]),
            ("a\n/* secretlint-disable */\nb\n/* secretlint-enable */\nc", &[2, 3, 4]),
            ("/* secretlint-disable */\nb", &[1, 2]),
            ("a\n/* secretlint-disable */\nb # nosecret\n/* secretlint-enable */\nc # nosecret\nd", &[2, 3, 4, 5]),
            ("# secretlint-disable-next-line\nx # nosecret\ny # nosecret", &[2, 3]),
            ("plain", &[]),
        ];
        for (file, expected) in rows {
            let lines: Vec<&[u8]> = file.split('\n').map(str::as_bytes).collect();
            let marks = PeerMarks::of(file.as_bytes(), &lines, 4096);
            let held: Vec<u64> = (1..=lines.len() as u64).filter(|line| marks.on(*line).is_some()).collect();
            assert_eq!(held, *expected, "{file:?}");
            assert_eq!(marks.is_empty(), expected.is_empty(), "{file:?}");
        }
    }

    #[test]
    fn every_mark_is_hinted_at() {
        for mark in OWN_LINE.iter().chain(NEXT_LINE).chain([&RANGE.0]) {
            assert!(HINTS.iter().any(|hint| mark.contains(hint)), "{mark}");
        }
    }
}
