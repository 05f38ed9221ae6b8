//! The part of an item whose text is passing, and what leads from its text back to the item.

use crate::base::Span;
use crate::content::source_lines::LineStarts;
use crate::content::{MapRun, Origin, Part, Place, Role, Segment};
use crate::known::KnownScan;
use crate::matching::{Match, Scratch, StreamScan};
use std::borrow::Cow;
use std::collections::VecDeque;
use std::ops::Range;

/// The part whose text is passing.
pub(super) struct OpenPart<'m> {
    pub(super) role: Role,
    pub(super) name: String,
    pub(super) scan: StreamScan,
    pub(super) known: Option<KnownScan>,
    pub(super) len: u64,
    /// Where the last cell of a sheet stood.
    grid: Option<Grid>,
    marks: VecDeque<Mark<'m>>,
}

/// Keeps the columns of a sheet apart, so that each of its rows has as many fields as the first one, though empty cells
/// are not handed out.
#[derive(Clone, Copy)]
struct Grid {
    first_row: u32,
    first_column: u32,
    /// Of the first row.
    last_column: u32,
    row: u32,
    column: u32,
}

/// Where a segment began, and what leads back from it.
pub(super) struct Mark<'m> {
    text_start: u64,
    pub(super) place: OwnedPlace,
    origin: MarkOrigin<'m>,
}

#[derive(PartialEq, Eq)]
pub(super) enum OwnedPlace {
    Lines(u64),
    Page(u32),
    Cell { sheet: String, name: String },
    Source(LineStarts),
    None,
}

enum MarkOrigin<'m> {
    Bytes(u64),
    /// A map of its own where the text goes on, and that of the segment where it is all there is.
    Mapped(Cow<'m, [MapRun]>),
    None,
}

impl<'m> MarkOrigin<'m> {
    fn of(origin: Origin<'m>) -> Self {
        match origin {
            Origin::Bytes(start) => Self::Bytes(start),
            Origin::Mapped(runs) => Self::Mapped(Cow::Borrowed(runs)),
            Origin::None => Self::None,
        }
    }

    fn into_owned(self) -> MarkOrigin<'static> {
        match self {
            Self::Bytes(start) => MarkOrigin::Bytes(start),
            Self::Mapped(runs) => MarkOrigin::Mapped(Cow::Owned(runs.into_owned())),
            Self::None => MarkOrigin::None,
        }
    }
}

impl OpenPart<'static> {
    pub(super) fn push(&mut self, scratch: &mut Scratch, segment: &Segment<'_>, each: &mut dyn FnMut(Match)) {
        let before = self.grid;
        self.grid = Grid::moved(before, segment.place);
        if self.len > 0 {
            let join = Grid::join(before, self.grid).map_or(Cow::Borrowed(segment.join.as_bytes()), Cow::Owned);
            self.search(scratch, &join, each);
            self.len += join.len() as u64;
        }
        self.mark(segment, MarkOrigin::of(segment.origin).into_owned());
        self.search(scratch, segment.text, each);
        self.len += segment.text.len() as u64;
    }
}

impl<'m> OpenPart<'m> {
    /// A part that is one segment.
    pub(super) fn of(segment: &Segment<'m>, scan: StreamScan) -> Self {
        let mut part = Self::new(segment.part, scan, None);
        part.mark(segment, MarkOrigin::of(segment.origin));
        part
    }

    pub(super) fn new(part: Part<'_>, scan: StreamScan, known: Option<KnownScan>) -> Self {
        Self { role: part.role, name: part.name.to_owned(), scan, known, len: 0, grid: None, marks: VecDeque::new() }
    }

    fn search(&mut self, scratch: &mut Scratch, text: &[u8], each: &mut dyn FnMut(Match)) {
        self.scan.push(scratch, text, each);
        if let Some(known) = &mut self.known {
            known.push(text, each);
        }
    }

    /// Remembers where the segment begins, unless it simply continues the one before.
    fn mark(&mut self, segment: &Segment<'_>, origin: MarkOrigin<'m>) {
        let place = match segment.place {
            Place::Lines(first) => OwnedPlace::Lines(first.max(1)),
            Place::Page(page) => OwnedPlace::Page(page),
            Place::Cell { sheet, row, column } => {
                OwnedPlace::Cell { sheet: sheet.to_owned(), name: cell_name(row, column) }
            }
            Place::Source(lines) => source_range(segment.origin)
                .and_then(|range| lines.starts(range))
                .map_or(OwnedPlace::None, OwnedPlace::Source),
            Place::None => OwnedPlace::None,
        };
        let continues = self.marks.back().is_some_and(|last| {
            last.place == place
                && match (&last.origin, &origin) {
                    (MarkOrigin::Bytes(a), MarkOrigin::Bytes(b)) => self.len - last.text_start == b.wrapping_sub(*a),
                    (MarkOrigin::None, MarkOrigin::None) => true,
                    _ => false,
                }
        });
        if !continues {
            self.marks.push_back(Mark { text_start: self.len, place, origin });
        }
    }

    /// Drops marks that no undecided match can need, and gives the byte of the item before which no more matches begin; 0
    /// where that is not known.
    pub(super) fn forget_decided(&mut self) -> u64 {
        let known = self.known.as_ref().map_or(u64::MAX, KnownScan::safe_until);
        let safe = self.scan.safe_until().min(known);
        while self.marks.get(1).is_some_and(|next| next.text_start <= safe) {
            self.marks.pop_front();
        }
        self.mark_at(safe).and_then(|mark| mark.original(safe)).unwrap_or(0)
    }

    pub(super) fn mark_at(&self, offset: u64) -> Option<&Mark<'m>> {
        let after = self.marks.partition_point(|mark| mark.text_start <= offset);
        self.marks.get(after.checked_sub(1)?)
    }

    /// The run that all of a span lies in: original bytes that stand together, copied where its stride is 1.
    pub(super) fn run_of(&self, span: Span) -> Option<&MapRun> {
        let Mark { text_start, origin: MarkOrigin::Mapped(runs), .. } = self.mark_at(span.start.0)? else {
            return None;
        };
        let start_of = |run: &MapRun| text_start + u64::from(run.text_start);
        let next = runs.partition_point(|run| start_of(run) <= span.start.0);
        let is_whole = runs.get(next).is_none_or(|run| start_of(run) >= span.end.0);
        runs.get(next.checked_sub(1)?).filter(|_| is_whole)
    }

    /// The span in the raw bytes of the item, when both ends lead back.
    pub(super) fn original(&self, span: Span) -> Option<Span> {
        let start = self.mark_at(span.start.0)?.original(span.start.0)?;
        let last = span.end.0.saturating_sub(1).max(span.start.0);
        let end = self.mark_at(last)?.original_end(last)?;
        (start < end).then(|| Span::new(start, end))
    }
}

impl Grid {
    /// Empty cells in a row that are kept; a row with more gaps tells no columns.
    const GAP_MAX: u32 = 64;

    /// The grid with the cell that follows; `None` where no cell does.
    fn moved(before: Option<Self>, place: Place<'_>) -> Option<Self> {
        let Place::Cell { row, column, .. } = place else { return None };
        Some(match before {
            None => Self { first_row: row, first_column: column, last_column: column, row, column },
            Some(grid) if row == grid.first_row => Self { last_column: column, column, ..grid },
            Some(grid) => Self { row, column, ..grid },
        })
    }

    /// What separates the last cell from the next one: a tabulator for each border, also of the empty cells between.
    /// `None` where they follow each other in another way than from left to right, row by row.
    fn join(before: Option<Self>, after: Option<Self>) -> Option<Vec<u8>> {
        let (before, after) = (before?, after?);
        let tabs =
            |from: u32, to: u32| Some(vec![b'\t'; to.checked_sub(from).filter(|gap| *gap <= Self::GAP_MAX)? as usize]);
        if before.row == after.row {
            return tabs(before.column, after.column).filter(|tabs| !tabs.is_empty());
        }
        let mut join = tabs(before.column, before.last_column)?;
        join.push(b'\n');
        join.extend(tabs(after.first_column, after.column)?);
        Some(join)
    }
}

impl Mark<'_> {
    pub(super) fn original(&self, offset: u64) -> Option<u64> {
        match &self.origin {
            MarkOrigin::Bytes(start) => Some(start + (offset - self.text_start)),
            MarkOrigin::Mapped(runs) => {
                let (run, within) = self.run_at(runs, offset)?;
                Some(run.original_at(within))
            }
            MarkOrigin::None => None,
        }
    }

    /// One past the original bytes of the text byte at `offset`.
    fn original_end(&self, offset: u64) -> Option<u64> {
        match &self.origin {
            MarkOrigin::Bytes(_) => self.original(offset).map(|at| at + 1),
            MarkOrigin::Mapped(runs) => {
                let (run, within) = self.run_at(runs, offset)?;
                let is_alone = run.stride > 0 && run.group <= 1;
                Some(if is_alone { run.original_at(within + 1) } else { self.next_place(runs, offset) })
            }
            MarkOrigin::None => None,
        }
    }

    pub(super) fn run_at<'r>(&self, runs: &'r [MapRun], offset: u64) -> Option<(&'r MapRun, u64)> {
        let within = offset - self.text_start;
        let after = runs.partition_point(|run| u64::from(run.text_start) <= within);
        let run = runs.get(after.checked_sub(1)?)?;
        Some((run, within - u64::from(run.text_start)))
    }

    /// Where the bytes stand that do not share the place of this one: those of the next group, or of the next run; of a
    /// last run, one byte behind its own start.
    fn next_place(&self, runs: &[MapRun], offset: u64) -> u64 {
        let within = offset - self.text_start;
        let after = runs.partition_point(|run| u64::from(run.text_start) <= within);
        let next = runs.get(after);
        let Some(run) = after.checked_sub(1).and_then(|own| runs.get(own)) else { return 0 };
        let behind = (within - u64::from(run.text_start) + 1).next_multiple_of(u64::from(run.group.max(1)));
        match next {
            Some(next) if run.stride == 0 || u64::from(run.text_start) + behind >= next.text_start.into() => {
                next.original_start
            }
            None if run.stride == 0 => run.original_start + 1,
            _ => run.original_at(behind),
        }
    }
}

/// The bytes of the item that a mapped text was made from.
fn source_range(origin: Origin<'_>) -> Option<Range<u64>> {
    match origin {
        Origin::Mapped([first, .., last]) => Some(first.original_start..last.original_start),
        _ => None,
    }
}

/// `B2` for row 2, column 2.
fn cell_name(row: u32, column: u32) -> String {
    let mut letters = Vec::new();
    let mut rest = column;
    while rest > 0 {
        rest -= 1;
        letters.push((b'A' + (rest % 26) as u8) as char);
        rest /= 26;
    }
    letters.iter().rev().collect::<String>() + &row.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_a_sheet_have_as_many_fields_as_the_first_one() {
        type Cells = &'static [(u32, u32)];
        let rows: &[(Cells, Option<&str>)] = &[
            (&[(3, 2), (3, 3)], Some("\t")),
            (&[(3, 2), (3, 5)], Some("\t\t\t")),
            (&[(3, 2), (3, 4), (4, 2)], Some("\n")),
            (&[(3, 2), (3, 4), (4, 2), (5, 4)], Some("\t\t\n\t\t")),
            (&[(3, 2), (3, 4), (4, 2), (4, 3), (9, 2)], Some("\t\n")),
            (&[(3, 2), (3, 2)], None),
            (&[(3, 2), (3, 200)], None),
            (&[(3, 2), (4, 1)], None),
            (&[(3, 2)], None),
        ];
        for (cells, expected) in rows {
            let (mut before, mut grid) = (None, None);
            for (row, column) in *cells {
                before = grid;
                grid = Grid::moved(grid, Place::Cell { sheet: "", row: *row, column: *column });
            }
            let join = Grid::join(before, grid);
            assert_eq!(join.as_deref(), expected.map(str::as_bytes), "{cells:?}");
        }
    }

    #[test]
    fn cells_are_named_as_in_a_sheet() {
        for (row, column, expected) in [(2, 2, "B2"), (1, 26, "Z1"), (1, 27, "AA1"), (9, 703, "AAA9")] {
            assert_eq!(cell_name(row, column), expected);
        }
    }
}
