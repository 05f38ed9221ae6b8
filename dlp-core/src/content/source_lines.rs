//! Lines and columns of a text that others were made from: where in a file a person finds what was encoded in it.
//!
//! Nearly nobody asks, so nothing is counted before somebody does; then marks at even distances keep each answer short,
//! however long the text and its lines are.

use super::Origin;
use crate::matching::{LineColumn, LineCounter};
use std::cell::OnceCell;
use std::fmt;
use std::ops::Range;

/// Bytes between two marks: what an answer counts at most.
const MARK_BYTES: usize = 4 * 1024;

/// The lines of a text whose bytes lead back to its item.
pub struct SourceLines<'t> {
    text: &'t [u8],
    origin: Origin<'t>,
    start: LineCounter,
    /// The place of every so many bytes.
    marks: OnceCell<Vec<LineCounter>>,
}

impl<'t> SourceLines<'t> {
    /// Lines of a text that begins at a place, and where its bytes come from.
    pub(super) fn new(text: &'t [u8], origin: Origin<'t>, start: LineCounter) -> Self {
        Self { text, origin, start, marks: OnceCell::new() }
    }

    /// Line and column, both from 1, of a byte of the item; `None` for bytes that the text was not made from.
    #[must_use]
    pub fn at(&self, original: u64) -> Option<LineColumn> {
        let at = self.text_offset(original).filter(|at| *at <= self.text.len())?;
        let marks = self.marks.get_or_init(|| self.count());
        let mut counter = *marks.get(at / MARK_BYTES)?;
        counter.advance(&self.text[at / MARK_BYTES * MARK_BYTES..at]);
        Some(counter.place())
    }

    /// Where the lines of a range of the item start, for those who are asked when the text is gone. Only texts of ASCII
    /// have them: transfer encodings are.
    pub(super) fn starts(&self, range: Range<u64>) -> Option<LineStarts> {
        let first = self.at(range.start)?;
        let text = self.text.get(self.text_offset(range.start)?..self.text_offset(range.end)?)?;
        if !text.is_ascii() {
            return None;
        }
        let behind = memchr::memchr_iter(b'\n', text).map(|at| range.start + at as u64 + 1);
        let starts = std::iter::once(range.start.saturating_sub(first.column - 1)).chain(behind).collect();
        Some(LineStarts { first: first.line, starts })
    }

    fn text_offset(&self, original: u64) -> Option<usize> {
        match self.origin {
            Origin::Bytes(start) => usize::try_from(original.checked_sub(start)?).ok(),
            Origin::Mapped(runs) => {
                let behind = runs.partition_point(|run| run.original_start <= original);
                let run = runs.get(behind.checked_sub(1)?)?;
                let groups = (original - run.original_start).checked_div(run.stride.into()).unwrap_or(0);
                usize::try_from(u64::from(run.text_start) + groups * u64::from(run.group)).ok()
            }
            Origin::None => None,
        }
    }

    fn count(&self) -> Vec<LineCounter> {
        let mut counter = self.start;
        let pieces = self.text.chunks(MARK_BYTES).map(|piece| {
            counter.advance(piece);
            counter
        });
        std::iter::once(self.start).chain(pieces).collect()
    }
}

/// Where lines of an item start, without its text.
#[derive(PartialEq, Eq)]
pub(super) struct LineStarts {
    /// The first of these lines.
    first: u64,
    /// The first byte of each, in ascending order.
    starts: Vec<u64>,
}

impl LineStarts {
    /// Line and column of a byte of the item.
    pub(super) fn at(&self, original: u64) -> Option<LineColumn> {
        let index = self.starts.partition_point(|start| *start <= original).checked_sub(1)?;
        Some(LineColumn { line: self.first + index as u64, column: original - self.starts[index] + 1 })
    }
}

impl PartialEq for SourceLines<'_> {
    /// Whether both are lines of the same bytes in memory.
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.text, other.text)
    }
}

impl Eq for SourceLines<'_> {}

impl fmt::Debug for SourceLines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SourceLines({} bytes)", self.text.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::MapRun;

    #[test]
    fn a_byte_leads_to_its_line_and_column() {
        let long = format!("a\r\n{}b\nc", "é".repeat(5_000));
        let wide = [MapRun { text_start: 0, original_start: 2, stride: 2, group: 1 }];
        type Row<'r> = (&'r str, Origin<'r>, u64, Option<(u64, u64)>);
        let rows: &[Row<'_>] = &[
            ("one\ntwo", Origin::Bytes(0), 0, Some((1, 1))),
            ("one\ntwo", Origin::Bytes(0), 5, Some((2, 2))),
            ("one\ntwo", Origin::Bytes(10), 17, Some((2, 4))),
            ("one\ntwo", Origin::Bytes(10), 18, None),
            ("one\ntwo", Origin::Bytes(10), 9, None),
            ("one\ntwo", Origin::None, 0, None),
            ("one\ntwo", Origin::Mapped(&wide), 12, Some((2, 2))),
            ("one\ntwo", Origin::Mapped(&wide), 0, None),
            (&long, Origin::Bytes(0), 10_003, Some((2, 5_001))),
            (&long, Origin::Bytes(0), 10_005, Some((3, 1))),
            (&long, Origin::Bytes(0), 1, Some((1, 2))),
        ];
        for (text, origin, original, expected) in rows {
            let lines = SourceLines::new(text.as_bytes(), *origin, LineCounter::new());
            let found = lines.at(*original).map(|at| (at.line, at.column));
            assert_eq!(found, *expected, "{:.9} at {original}", text);
        }
    }
    #[test]
    fn starts_of_lines_say_the_same_without_the_text() {
        let text = "header\n\nUEVT\r\nRUwg\nNDQw";
        let lines = SourceLines::new(text.as_bytes(), Origin::Bytes(0), LineCounter::new());
        for from in [0, 3, 8, 10] {
            let starts = lines.starts(from..text.len() as u64).expect("the text is ASCII");
            // A line that ends in two bytes has ended for good behind both.
            for at in (from..text.len() as u64).filter(|at| text.as_bytes()[*at as usize] != b'\n') {
                assert_eq!(starts.at(at), lines.at(at), "{at} from {from}");
            }
        }
        let other = SourceLines::new("żółw".as_bytes(), Origin::Bytes(0), LineCounter::new());
        assert!(other.starts(0..4).is_none() && lines.starts(0..1_000).is_none());
    }
}
