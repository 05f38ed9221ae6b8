//! Cells of tables in files of data, on their way out.
//!
//! Each value is a cell with its place. The name of its field stands in front of it, because that is what tells a number
//! of a person from a number of parts, and files of data have no line of headings to look at.

use super::walk::{Step, Walk};
use super::{Join, Origin, Part, Place, Role, Segment};

/// A table whose cells are handed out in order.
pub(super) struct Cells<'n> {
    /// What the table is called.
    pub(super) table: &'n str,
    row: u32,
    column: u32,
}

impl<'n> Cells<'n> {
    pub(super) fn new(table: &'n str) -> Self {
        Self { table, row: 0, column: 0 }
    }

    /// Starts the next row.
    pub(super) fn next_row(&mut self) {
        self.row = self.row.saturating_add(1);
        self.column = 0;
    }

    /// Hands out a value of the row.
    pub(super) fn cell(&mut self, walk: &mut Walk<'_>, field: &str, value: &str) -> Step {
        self.column = self.column.saturating_add(1);
        let text = format!("{field}: {value}");
        let join = if self.column == 1 { Join::Line } else { Join::Cell };
        let place = Place::Cell { sheet: self.table, row: self.row, column: self.column };
        let part = Part { role: Role::Body, name: self.table };
        walk.emit(&Segment { text: text.as_bytes(), part, place, join, origin: Origin::None })
    }

    /// The place of the latest cell, for the name of a value that is an item.
    pub(super) fn place(&self) -> (u32, u32) {
        (self.row, self.column)
    }
}
