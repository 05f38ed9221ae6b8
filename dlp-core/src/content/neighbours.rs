//! Rows of tables in documents as text: a number may stand in groups, one in each cell.
//!
//! Cells come one by one, and second readings look at one text at a time. So the cells that pass are kept side by side,
//! with a tabulator between them and a line for each row, until there are enough of them; where several neighbours in a
//! row could be groups of one value, they are looked at together. What that finds has the place of the first of them.

use super::{Join, Place, Role, Segment};

/// Bytes from which the next row starts a new block: what stands around a number has a say in what it is.
const BLOCK_BYTES: usize = 1024;
/// Bytes of a block at most, so that a row of any length is cut.
const BLOCK_BYTES_MAX: usize = 8 * 1024;
/// Characters of a group; longer cells hold whole values.
const GROUP_CHARS: std::ops::RangeInclusive<usize> = 2..=8;
/// Neighbours that are looked at together.
const GROUPS_MIN: usize = 3;

/// The cells that passed last.
#[derive(Default)]
pub(super) struct Neighbours {
    text: String,
    role: Option<Role>,
    part: String,
    /// Cells that end the text and could be groups of one value.
    groups: usize,
    /// The first of the groups that are open.
    first: Cell,
    /// Where enough groups stood side by side for the first time.
    found: Option<Cell>,
}

/// A cell of a sheet; other tables have no place for it.
#[derive(Clone, Default)]
struct Cell {
    sheet: String,
    row: u32,
    column: u32,
}

/// Rows that are worth a look.
pub(super) struct Block {
    pub(super) text: String,
    first: Cell,
}

impl Block {
    /// Where a person finds it.
    pub(super) fn place(&self) -> Place<'_> {
        match self.first.row {
            0 => Place::None,
            row => Place::Cell { sheet: &self.first.sheet, row, column: self.first.column },
        }
    }
}

impl Neighbours {
    /// Takes a text that passes, and gives back the block that ended before it.
    pub(super) fn pass(&mut self, segment: &Segment<'_>) -> Option<Block> {
        let is_same = self.role == Some(segment.part.role) && self.part == segment.part.name;
        let len = self.text.len() + segment.text.len();
        let is_row_end = segment.join == Join::Line && self.text.len() >= BLOCK_BYTES;
        let ended = (!is_same || is_row_end || len > BLOCK_BYTES_MAX).then(|| self.end()).flatten();
        if !is_same {
            self.role = Some(segment.part.role);
            segment.part.name.clone_into(&mut self.part);
        }
        match std::str::from_utf8(segment.text) {
            Ok(text) if text.len() <= BLOCK_BYTES => self.add(segment, text),
            // What is long is no cell of such a row.
            _ => self.groups = 0,
        }
        ended
    }

    fn add(&mut self, segment: &Segment<'_>, text: &str) {
        if !self.text.is_empty() {
            self.text.push_str(std::str::from_utf8(segment.join.as_bytes()).unwrap_or(" "));
        }
        self.text.push_str(text);
        self.groups = match (is_group(text), segment.join) {
            (true, Join::Cell) => self.groups + 1,
            (true, _) => 1,
            (false, _) => 0,
        };
        if self.groups == 1 {
            self.first = Cell::of(segment.place);
        }
        if self.groups == GROUPS_MIN && self.found.is_none() {
            self.found = Some(self.first.clone());
        }
    }

    /// Ends the block that is open; it is given back when there is something in it to look at.
    pub(super) fn end(&mut self) -> Option<Block> {
        self.groups = 0;
        let Some(first) = self.found.take() else {
            self.text.clear();
            return None;
        };
        Some(Block { text: std::mem::take(&mut self.text), first })
    }
}

impl Cell {
    fn of(place: Place<'_>) -> Self {
        match place {
            Place::Cell { sheet, row, column } => Self { sheet: sheet.to_owned(), row, column },
            _ => Self::default(),
        }
    }
}

/// Whether a cell could hold a part of a number.
fn is_group(text: &str) -> bool {
    GROUP_CHARS.contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && text.bytes().any(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::{Origin, Part};

    fn blocks(cells: &[(&str, Join)]) -> Vec<String> {
        let mut neighbours = Neighbours::default();
        let mut blocks = Vec::new();
        for (text, join) in cells {
            let segment = Segment {
                text: text.as_bytes(),
                part: Part::BODY,
                place: Place::Cell { sheet: "s", row: 2, column: 3 },
                join: *join,
                origin: Origin::None,
            };
            blocks.extend(neighbours.pass(&segment));
        }
        blocks.extend(neighbours.end());
        blocks.into_iter().map(|block| block.text).collect()
    }

    #[test]
    fn rows_with_groups_side_by_side_are_blocks() {
        use Join::{Cell, Line, None, Space};
        let long = "x".repeat(BLOCK_BYTES);
        type Cells<'c> = &'c [(&'c str, Join)];
        let rows: &[(Cells<'_>, &[&str])] = &[
            (&[("card", Line), ("4111", Line), ("1111", Cell), ("1111", Cell)], &["card\n4111\t1111\t1111"]),
            (&[("4111", Line), ("1111", Line), ("1111", Line)], &[]),
            (&[("4111", Line), ("1111", Cell), ("word", Cell), ("1111", Cell)], &[]),
            (&[("4111", Line), ("1111", Cell), ("12.50", Cell), ("1111", Cell)], &[]),
            (&[("4111", Line), ("1111", None), ("1111", Space)], &[]),
            (
                &[(&long, Line), ("41", Line), ("42", Cell), ("43", Cell), (&long, Line), ("44", Line)],
                &[&format!("41\t42\t43\n{long}")],
            ),
        ];
        for (cells, expected) in rows {
            assert_eq!(blocks(cells), *expected, "{cells:?}");
        }
        let many = blocks(&vec![("1234", Cell); 10_000]);
        // Five bytes with the tab, 10,000 times.
        assert_eq!(many.len(), 50_000_usize.div_ceil(BLOCK_BYTES_MAX));
        assert!(many.iter().all(|block| block.len() <= BLOCK_BYTES_MAX + 1));
    }
}
