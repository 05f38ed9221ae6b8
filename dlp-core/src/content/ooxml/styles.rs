//! The styles of a workbook, as far as they say how cells show their numbers.

use crate::content::number_formats::NumberFormats;
use crate::content::walk::{Step, Walk};
use crate::content::xml::data::Generic;
use crate::content::xml::{Element, Visit};

/// Reads the styles; what else the part holds is data like that of any other.
pub(super) struct Styles {
    formats: NumberFormats,
    in_cell_formats: bool,
    /// Names and literal texts of the part.
    rest: Generic<'static>,
}

impl Default for Styles {
    fn default() -> Self {
        Self { formats: NumberFormats::default(), in_cell_formats: false, rest: Generic::new("xl/styles.xml") }
    }
}

impl Styles {
    pub(super) fn formats(&mut self) -> &mut NumberFormats {
        &mut self.formats
    }

    /// The number as a cell of this style shows it, where that says more.
    pub(super) fn shown(&self, style: usize, number: &str) -> Option<String> {
        self.formats.shown(style, number)
    }

    /// Whether the styles that come are those of cells.
    pub(super) fn are_cell_formats(&mut self, are: bool) {
        self.in_cell_formats = are;
    }

    pub(super) fn add_cell_format(&mut self, id: u32) {
        if self.in_cell_formats {
            self.formats.add_style(id);
        }
    }
}

impl Visit for Styles {
    fn start(&mut self, walk: &mut Walk<'_>, element: &Element<'_>) -> Step {
        let id = |name| element.attribute(name).and_then(|id| id.parse().ok());
        match element.local_name() {
            "numFmt" => {
                if let (Some(id), Some(code)) = (id("numFmtId"), element.attribute("formatCode")) {
                    self.formats.add_format(id, &code);
                }
            }
            "cellXfs" => self.are_cell_formats(true),
            "xf" => self.add_cell_format(id("numFmtId").unwrap_or(0)),
            _ => {}
        }
        self.rest.start(walk, element)
    }

    fn text(&mut self, walk: &mut Walk<'_>, text: &str) -> Step {
        self.rest.text(walk, text)
    }

    fn end(&mut self, walk: &mut Walk<'_>, local_name: &str) -> Step {
        if local_name == "cellXfs" {
            self.are_cell_formats(false);
        }
        self.rest.end(walk, local_name)
    }
}
