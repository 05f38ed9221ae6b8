//! Marks of other scanners by which people say that a credential is wanted: `gitleaks:allow`, `pragma: allowlist secret`.
//!
//! Trees that were scanned before hold them, and whoever put them there meant every scanner. They name no detector and
//! give no reason, so they count for credentials alone. Most hold for their own line, some for the next one, and one pair
//! opens and closes a range.

use aho_corasick::{AhoCorasick, AhoCorasickKind, packed};
use std::collections::BTreeSet;
use std::ops::{Range, RangeInclusive};
use std::sync::LazyLock;

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

/// Bytes of the longest mark.
const MARK_LEN_MAX: usize = 40;

/// All marks at once, in any ASCII case. Numbered as in [`every`].
static SEARCHER: LazyLock<AhoCorasick> = LazyLock::new(|| {
    let builder = AhoCorasick::builder().ascii_case_insensitive(true).kind(Some(AhoCorasickKind::DFA)).build(every());
    builder.expect("a few short marks make a small table")
});

/// Each mark has one of these parts, and other text few.
const PARTS: [[u8; 3]; 4] = [*b":al", *b":ig", *b"ggi", *b"ecr"];

/// The parts in every ASCII case: few enough for vectors, which find them in a fraction of the time that marks take. `None`
/// where the processor has none.
static PART_SEARCHER: LazyLock<Option<packed::Searcher>> = LazyLock::new(|| {
    let cases = |part: [u8; 3]| (0..1 << part.len()).map(move |upper: usize| spelling(part, upper));
    packed::Searcher::new(PARTS.into_iter().flat_map(cases).collect::<BTreeSet<_>>())
});

/// A part with these letters in upper case, one bit each.
fn spelling(part: [u8; 3], upper: usize) -> [u8; 3] {
    std::array::from_fn(|at| if upper >> at & 1 == 1 { part[at].to_ascii_uppercase() } else { part[at] })
}

/// The marks in the order in which one of them is chosen for a line, those of ranges last.
fn every() -> impl Iterator<Item = &'static str> {
    NEXT_LINE.iter().chain(OWN_LINE).copied().chain([RANGE.0, RANGE.1])
}

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
    /// Whether a file may have marks. Nearly all have none, which is seen at once.
    pub(super) fn may_stand_in(file: &[u8]) -> bool {
        let Some(parts) = &*PART_SEARCHER else { return true };
        let mut looked_to = 0_usize;
        parts.find_iter(file).any(|part| {
            // What was looked at for a part before is not looked at again, but for what a mark may begin in.
            let from = part.start().max(looked_to).saturating_sub(MARK_LEN_MAX);
            looked_to = file.len().min(part.end() + MARK_LEN_MAX);
            SEARCHER.is_match(&file[from..looked_to])
        })
    }

    /// The marks in the lines of a file, which are parts of it.
    pub(super) fn of(file: &[u8], lines: &[&[u8]], line_len_max: usize) -> Self {
        let start = |line: &&[u8]| line.as_ptr().addr() - file.as_ptr().addr();
        let standing = SEARCHER.find_overlapping_iter(file).filter(|found| stands(file, found.range()));
        let in_lines = standing.filter_map(|found| {
            let line = lines.partition_point(|line| start(line) <= found.start()).checked_sub(1)?;
            (found.end() - start(&lines[line]) <= line_len_max).then(|| (line, found.pattern().as_usize()))
        });
        let mut in_lines: Vec<(usize, usize)> = in_lines.collect();
        in_lines.sort_unstable();
        let mut marks = Vec::new();
        let mut open: Option<u64> = None;
        for found in in_lines.chunk_by(|a, b| a.0 == b.0) {
            let line = found[0].0 as u64 + 1;
            marks.extend(of_line(found[0].1, line));
            let has = |mark: &str| found.iter().any(|(_, number)| every().nth(*number) == Some(mark));
            open = match open {
                None if has(RANGE.0) => Some(line),
                Some(start) if has(RANGE.1) => {
                    marks.push(PeerMark { mark: RANGE.0, line: start, holds: start..=line });
                    None
                }
                open => open,
            };
        }
        marks.extend(open.map(|start| PeerMark { mark: RANGE.0, line: start, holds: start..=u64::MAX }));
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

/// What the first mark of a line holds for, by its number.
fn of_line(number: usize, line: u64) -> Option<PeerMark> {
    if let Some(mark) = NEXT_LINE.get(number) {
        return Some(PeerMark { mark, line, holds: line + 1..=line + 1 });
    }
    OWN_LINE.get(number - NEXT_LINE.len()).map(|mark| PeerMark { mark, line, holds: line..=line })
}

/// Whether a mark stands in a text as words of its own.
fn stands(text: &[u8], mark: Range<usize>) -> bool {
    let continues = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte));
    let before = mark.start.checked_sub(1).and_then(|at| text.get(at));
    !continues(before) && !continues(text.get(mark.end))
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
    fn no_mark_is_overlooked() {
        for mark in every() {
            assert!(mark.len() <= MARK_LEN_MAX, "{mark}");
            for (before, behind) in [(0, 0), (100, 3), (100, 100), (3, 100)] {
                let around = |len: usize| ":al ecr ".repeat(len);
                for mark in [mark.to_owned(), mark.to_uppercase()] {
                    let file = around(before) + &mark + &around(behind);
                    assert!(PeerMarks::may_stand_in(file.as_bytes()), "{file}");
                }
            }
        }
        assert!(!PeerMarks::may_stand_in("the secret: allowed, ignored :al".repeat(9).as_bytes()));
    }

    #[test]
    fn a_mark_far_behind_in_a_line_does_not_count() {
        for (len, expected) in [(20, true), (19, false)] {
            let file: &[u8] = b"short\nfour # nosecrets ...";
            let lines: Vec<&[u8]> = file.split(|byte| *byte == b'\n').collect();
            // `nosecret` ends before the last letter, but is no word there.
            assert_eq!(PeerMarks::of(file, &lines, len - 4).on(2).is_some(), expected, "{len}");
        }
    }
}
