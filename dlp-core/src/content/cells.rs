//! Cells of tables in files of data, on their way out.
//!
//! Each value is a cell with its place. The name of its field stands in front of it, because that is what tells a
//! number of a person from a number of parts, and files of data have no line of headings to look at.

use super::walk::{Step, Walk};
use super::{Join, Origin, Part, Place, Role, Segment};

/// Bytes of a text that stands in several cells which are handed out for all but the first of them.
const REPEATED_BYTES: usize = 4 * 1024;

/// What a cell hands out of a text that others share: all of it the first time, then its beginning. Else a long text in
/// many cells would be a bomb.
pub(super) fn shown(text: &str, is_repeated: bool) -> &str {
    if is_repeated { &text[..text.floor_char_boundary(REPEATED_BYTES)] } else { text }
}

/// A table whose cells are handed out in order.
pub(super) struct Cells<'n> {
    /// What the table is called.
    pub(super) table: &'n str,
    row: u32,
    column: u32,
    /// Whether the row has cells already.
    is_begun: bool,
}

impl<'n> Cells<'n> {
    pub(super) fn new(table: &'n str) -> Self {
        Self { table, row: 0, column: 1, is_begun: false }
    }

    /// Starts the next row.
    pub(super) fn next_row(&mut self) {
        self.row = self.row.saturating_add(1);
        (self.column, self.is_begun) = (1, false);
    }

    /// Goes to a column of the schema, whether or not those in front of it hold anything in this row.
    pub(super) fn column(&mut self, index: usize) {
        self.column = u32::try_from(index + 1).unwrap_or(u32::MAX);
    }

    /// Hands out a value of the column.
    pub(super) fn cell(&mut self, walk: &mut Walk<'_>, field: &str, text: &str) -> Step {
        let join = if std::mem::replace(&mut self.is_begun, true) { Join::Cell } else { Join::Line };
        let place = Place::Cell { sheet: self.table, row: self.row, column: self.column };
        let part = Part { role: Role::Body, name: self.table };
        value(walk, (field, text), (part, place, join))
    }

    /// The row, for the name of a value that is an item.
    pub(super) fn row(&self) -> u32 {
        self.row
    }
}

/// Hands out a value behind the name of its field.
pub(super) fn value(
    walk: &mut Walk<'_>,
    (field, text): (&str, &str),
    (part, place, join): (Part<'_>, Place<'_>, Join),
) -> Step {
    let text = format!("{field}: {text}");
    walk.emit(&Segment { text: text.as_bytes(), part, place, join, origin: Origin::None })
}
