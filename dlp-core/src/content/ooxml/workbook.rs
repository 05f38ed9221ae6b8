//! Workbooks: the list of sheets, the shared strings, and the cells.

use super::styles::Styles;
use crate::base::Problem;
use crate::content::walk::{Step, Walk};
use crate::content::xml::attributes::Attributes;
use crate::content::xml::data::plain_number;
use crate::content::xml::side::Side;
use crate::content::xml::{Element, Visit};
use crate::content::{Join, Origin, Part, Place, Role, Segment, cells};
use std::collections::HashMap;

/// What the main part and its relationships say of the sheets.
#[derive(Default)]
pub(super) struct Workbook {
    /// Relationship id, name, and whether the sheet is hidden; in reading order.
    sheets: Vec<(String, String, bool)>,
    /// Relationship id to target.
    targets: HashMap<String, String>,
    name: Option<String>,
    counts_from_1904: bool,
    /// The last text stands in no known element.
    is_stray: bool,
    attributes: Attributes,
    side: Side,
}

impl Workbook {
    /// Place in the order, name and visibility of the sheet in a part.
    pub(super) fn sheet(&self, path: &str) -> Option<(usize, &str, bool)> {
        self.sheets.iter().enumerate().find_map(|(index, (id, name, hidden))| {
            let target = self.targets.get(id)?.trim_start_matches('/');
            path.to_ascii_lowercase().ends_with(&target.to_ascii_lowercase()).then_some((index, name.as_str(), *hidden))
        })
    }

    /// Whether days are counted from 1904 on.
    pub(super) fn counts_from_1904(&self) -> bool {
        self.counts_from_1904
    }

    /// Days are counted from 1904 on.
    pub(super) fn count_from_1904(&mut self) {
        self.counts_from_1904 = true;
    }

    /// A sheet in reading order, by the id of its relationship.
    pub(super) fn add_sheet(&mut self, relation: String, name: String, is_hidden: bool) {
        self.sheets.push((relation, name, is_hidden));
    }

    pub(super) fn finish(&mut self, walk: &mut Walk<'_>) -> Step {
        for (_, name, hidden) in &self.sheets {
            self.side.add(if *hidden { Role::Hidden } else { Role::Body }, name);
        }
        self.side.flush(walk, "xl/workbook.xml", Place::None)
    }

    fn add_attributes(&mut self, element: &Element<'_>, role: Role) {
        let side = &mut self.side;
        self.attributes.each_new(element, |_, value| side.add(role, value));
    }
}

impl Visit for Workbook {
    fn start(&mut self, walk: &mut Walk<'_>, element: &Element<'_>) -> Step {
        let attribute = |name| element.attribute(name).unwrap_or_default();
        self.is_stray = false;
        if element.local_name() == "workbookPr" && matches!(attribute("date1904").as_str(), "1" | "true") {
            self.count_from_1904();
        }
        match element.local_name() {
            "sheet" => {
                let hidden = matches!(attribute("state").as_str(), "hidden" | "veryHidden");
                self.add_sheet(attribute("id"), attribute("name"), hidden);
            }
            "Relationship" => {
                self.targets.insert(attribute("Id"), attribute("Target"));
                if attribute("TargetMode") == "External" {
                    self.side.add(Role::Link, &attribute("Target"));
                }
            }
            "definedName" => {
                self.name = Some(attribute("name"));
                self.add_attributes(element, Role::Formula);
                self.side.add(Role::Formula, &format!("{}: ", attribute("name")));
            }
            _ => self.add_attributes(element, Role::Data),
        }
        if self.side.is_full() { self.side.flush(walk, "xl/workbook.xml", Place::None) } else { Ok(()) }
    }

    fn text(&mut self, _: &mut Walk<'_>, text: &str) -> Step {
        match self.name {
            Some(_) => self.side.push(Role::Formula, text),
            None => self.side.stray(text, &mut self.is_stray),
        }
        Ok(())
    }

    fn end(&mut self, _: &mut Walk<'_>, local_name: &str) -> Step {
        self.is_stray = false;
        if local_name == "definedName" {
            self.name = None;
        }
        Ok(())
    }
}

/// The shared strings in one block of memory.
#[derive(Default)]
pub(super) struct Strings {
    text: String,
    /// End of each string in `text`.
    ends: Vec<usize>,
    used: Vec<bool>,
    in_text: bool,
    in_phonetic: bool,
    is_full: bool,
}

impl Strings {
    fn get(&mut self, index: usize) -> Option<&str> {
        let end = *self.ends.get(index)?;
        let start = index.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let is_used = std::mem::replace(self.used.get_mut(index)?, true);
        self.text.get(start..end).map(|text| cells::shown(text, is_used))
    }

    /// The next string.
    pub(super) fn add(&mut self, walk: &mut Walk<'_>, text: &str) -> Step {
        let step = self.push(walk, text);
        self.end_string(walk);
        step
    }

    /// A piece of a string. What exceeds the memory loses its cell but not its scan.
    fn push(&mut self, walk: &mut Walk<'_>, text: &str) -> Step {
        let bytes_max = walk.budget.room_for_strings();
        if self.is_beyond(text, bytes_max) && !std::mem::replace(&mut self.is_full, true) {
            let message = "shared strings beyond the bound were scanned without their cells";
            walk.problem(Problem::limit("shared_strings_bytes_max", bytes_max, message));
        }
        if self.is_full {
            return emit_data(walk, text);
        }
        self.text.push_str(text);
        Ok(())
    }

    /// Whether so much more text takes more memory than the bound.
    fn is_beyond(&self, text: &str, bytes_max: u64) -> bool {
        let ends = self.ends.len() * (size_of::<usize>() + size_of::<bool>());
        (self.text.len() + text.len() + ends) as u64 > bytes_max
    }

    fn end_string(&mut self, walk: &mut Walk<'_>) {
        // An empty string takes memory too.
        let _ = self.push(walk, "");
        if !self.is_full {
            self.ends.push(self.text.len());
            self.used.push(false);
        }
    }

    /// Hands out the strings that no cell shows: they stay in files after cells were deleted.
    pub(super) fn finish(&mut self, walk: &mut Walk<'_>) -> Step {
        let unused: Vec<usize> = (0..self.ends.len()).filter(|index| !self.used[*index]).collect();
        for index in unused {
            let Some(text) = self.get(index) else { continue };
            emit_data(walk, text)?;
        }
        Ok(())
    }
}

fn emit_data(walk: &mut Walk<'_>, text: &str) -> Step {
    let part = Part { role: Role::Data, name: "xl/sharedStrings.xml" };
    walk.emit(&Segment { text: text.as_bytes(), part, place: Place::None, join: Join::Line, origin: Origin::None })
}

impl Visit for Strings {
    fn start(&mut self, _: &mut Walk<'_>, element: &Element<'_>) -> Step {
        match element.local_name() {
            "t" => self.in_text = true,
            "rPh" => self.in_phonetic = true,
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, walk: &mut Walk<'_>, text: &str) -> Step {
        if !self.in_text {
            return if text.trim().is_empty() { Ok(()) } else { emit_data(walk, text) };
        }
        // Phonetic hints are no part of the string.
        if self.in_phonetic { emit_data(walk, text) } else { self.push(walk, text) }
    }

    fn end(&mut self, walk: &mut Walk<'_>, local_name: &str) -> Step {
        match local_name {
            "t" => self.in_text = false,
            "rPh" => self.in_phonetic = false,
            "si" => self.end_string(walk),
            _ => {}
        }
        Ok(())
    }
}

/// What the cells of a sheet refer to.
pub(super) struct Tables<'s> {
    pub(super) strings: &'s mut Strings,
    pub(super) styles: &'s Styles,
}

/// The cells of one sheet.
pub(super) struct Sheet<'s> {
    grid: Grid<'s>,
    tables: Tables<'s>,
    cell_type: String,
    style: usize,
    value: String,
    target: Option<Target>,
    /// The last text stands in no known element.
    is_stray: bool,
    attributes: Attributes,
    side: Side,
}

/// Where the next cell stands.
struct Grid<'s> {
    sheet: &'s str,
    path: &'s str,
    role: Role,
    row: u32,
    column: u32,
    is_row_hidden: bool,
    /// How the next cell follows.
    join: Join,
}

impl Grid<'_> {
    fn emit(&mut self, walk: &mut Walk<'_>, text: &str) -> Step {
        let role = if self.is_row_hidden { Role::Hidden } else { self.role };
        let join = std::mem::replace(&mut self.join, Join::Cell);
        let place = Place::Cell { sheet: self.sheet, row: self.row, column: self.column };
        let part = Part { role, name: self.path };
        walk.emit(&Segment { text: text.as_bytes(), part, place, join, origin: Origin::None })
    }
}

/// Where the text of an open element goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Target {
    Value,
    Side(Role),
}

impl<'s> Sheet<'s> {
    pub(super) fn new(sheet: &'s str, path: &'s str, role: Role, tables: Tables<'s>) -> Self {
        Self {
            grid: Grid { sheet, path, role, row: 0, column: 0, is_row_hidden: false, join: Join::Line },
            tables,
            cell_type: String::new(),
            style: 0,
            value: String::new(),
            target: None,
            is_stray: false,
            attributes: Attributes::default(),
            side: Side::default(),
        }
    }

    pub(super) fn finish(mut self, walk: &mut Walk<'_>) -> Step {
        self.side.flush(walk, self.grid.path, Place::None)
    }

    fn flush_if_full(&mut self, walk: &mut Walk<'_>) -> Step {
        if self.side.is_full() { self.side.flush(walk, self.grid.path, Place::None) } else { Ok(()) }
    }

    fn add_attributes(&mut self, element: &Element<'_>, role: Role) {
        let side = &mut self.side;
        self.attributes.each_new(element, |_, value| side.add(role, value));
    }

    /// Begins a row; one that is not stated is the next.
    pub(super) fn open_row(&mut self, row: Option<u32>, is_row_hidden: bool) {
        let row = row.unwrap_or_else(|| self.grid.row.saturating_add(1));
        self.grid = Grid { row, column: 0, is_row_hidden, join: Join::Line, ..self.grid };
    }

    /// Begins a cell; one that is not stated is the next.
    pub(super) fn open_cell(&mut self, column: Option<u32>, style: usize) {
        self.grid.column = column.unwrap_or_else(|| self.grid.column.saturating_add(1));
        self.style = style;
    }

    fn start_row(&mut self, element: &Element<'_>) {
        let stated = element.attribute("r").and_then(|row| row.parse().ok());
        self.open_row(stated, matches!(element.attribute("hidden").as_deref(), Some("1" | "true")));
    }

    fn start_cell(&mut self, element: &Element<'_>) {
        let (mut reference, mut cell_type, mut style) = (None, String::new(), 0);
        for (name, value) in element.attributes() {
            match name.as_str() {
                "r" => reference = column_and_row(&value),
                "t" => cell_type = value,
                "s" => style = value.parse().unwrap_or(0),
                _ => {}
            }
        }
        self.grid.row = reference.map_or(self.grid.row, |(_, row)| row);
        self.open_cell(reference.map(|(column, _)| column), style);
        self.cell_type = cell_type;
        self.value.clear();
    }

    fn end_cell(&mut self, walk: &mut Walk<'_>) -> Step {
        let value = std::mem::take(&mut self.value);
        match self.cell_type.as_str() {
            _ if value.is_empty() => Ok(()),
            "s" => value.trim().parse().map_or(Ok(()), |index| self.shared(walk, index)),
            "" | "n" => self.number(walk, &plain_number(&value)),
            _ => self.cell(walk, &value),
        }
    }

    /// The cell shows a shared string.
    pub(super) fn shared(&mut self, walk: &mut Walk<'_>, index: usize) -> Step {
        self.tables.strings.get(index).map_or(Ok(()), |text| self.grid.emit(walk, text))
    }

    /// The cell holds a number, which its format may show with other digits around it.
    pub(super) fn number(&mut self, walk: &mut Walk<'_>, number: &str) -> Step {
        match self.tables.styles.shown(self.style, number) {
            Some(shown) => self.cell(walk, &shown),
            None => self.cell(walk, number),
        }
    }

    /// The cell holds this text.
    pub(super) fn cell(&mut self, walk: &mut Walk<'_>, text: &str) -> Step {
        self.grid.emit(walk, text)
    }
}

impl Visit for Sheet<'_> {
    fn start(&mut self, walk: &mut Walk<'_>, element: &Element<'_>) -> Step {
        let name = element.local_name();
        self.is_stray = false;
        match name {
            "row" => self.start_row(element),
            "c" => self.start_cell(element),
            "v" | "t" => self.target = Some(Target::Value),
            "f" | "formula" | "formula1" | "formula2" => {
                self.side.open(Role::Formula);
                self.target = Some(Target::Side(Role::Formula));
            }
            "oddHeader" | "evenHeader" | "firstHeader" => {
                self.side.open(Role::Header);
                self.target = Some(Target::Side(Role::Header));
            }
            "oddFooter" | "evenFooter" | "firstFooter" => {
                self.side.open(Role::Footer);
                self.target = Some(Target::Side(Role::Footer));
            }
            "hyperlink" => self.add_attributes(element, Role::Link),
            "dataValidation" => self.add_attributes(element, Role::Form),
            _ => self.add_attributes(element, Role::Data),
        }
        self.flush_if_full(walk)
    }

    fn text(&mut self, walk: &mut Walk<'_>, text: &str) -> Step {
        match self.target {
            Some(Target::Value) => self.value.push_str(text),
            Some(Target::Side(role)) => self.side.push(role, text),
            None => self.side.stray(text, &mut self.is_stray),
        }
        self.flush_if_full(walk)
    }

    fn end(&mut self, walk: &mut Walk<'_>, local_name: &str) -> Step {
        self.is_stray = false;
        match local_name {
            "c" => self.end_cell(walk),
            _ => {
                self.target = None;
                Ok(())
            }
        }
    }
}

/// Column and row of a reference such as `B2`, both from 1.
fn column_and_row(reference: &str) -> Option<(u32, u32)> {
    let split = reference.find(|c: char| c.is_ascii_digit())?;
    let mut column = 0_u32;
    for c in reference[..split].chars() {
        let digit = c.to_ascii_uppercase() as u32;
        let digit = digit.checked_sub('A' as u32).filter(|digit| *digit < 26)?;
        column = column.checked_mul(26)?.checked_add(digit + 1)?;
    }
    Some((column, reference[split..].parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_read() {
        let rows = [
            ("A1", Some((1, 1))),
            ("Z9", Some((26, 9))),
            ("AA10", Some((27, 10))),
            ("XFD1048576", Some((16_384, 1_048_576))),
            ("b2", Some((2, 2))),
            ("", None),
            ("12", Some((0, 12))),
            ("ZZZZZZZZZZ1", None),
            ("A99999999999", None),
        ];
        for (reference, expected) in rows {
            assert_eq!(column_and_row(reference), expected, "{reference}");
        }
    }
}
