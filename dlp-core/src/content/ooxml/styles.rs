//! Number formats of a workbook, as far as they change what a number says.
//!
//! An identifier that is typed as a number loses its leading zeros; a format such as `00000000000` or `000-000-00-00`
//! puts them back on the screen. Only formats of zeros and literal characters are followed.

use crate::content::walk::{Step, Walk};
use crate::content::xml::data::Generic;
use crate::content::xml::{Element, Visit};
use std::collections::HashMap;

/// Digits that a format may ask for; numbers of a sheet have 15 at most.
const DIGITS_MAX: usize = 40;

/// Formats by the style of a cell.
pub(super) struct Styles {
    /// Formats of zeros and literals by their id.
    codes: HashMap<u32, Vec<Token>>,
    /// Format id of each cell style.
    cell_formats: Vec<u32>,
    in_cell_formats: bool,
    /// Names and literal texts of the part are data like those of any other.
    rest: Generic<'static>,
}

impl Default for Styles {
    fn default() -> Self {
        Self {
            codes: HashMap::new(),
            cell_formats: Vec::new(),
            in_cell_formats: false,
            rest: Generic::new("xl/styles.xml"),
        }
    }
}

/// A piece of a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Digit,
    Literal(char),
}

impl Styles {
    /// The number as a cell of this style shows it, when its format pads or separates digits.
    pub(super) fn shown(&self, style: usize, number: &str) -> Option<String> {
        let code = self.codes.get(self.cell_formats.get(style)?)?;
        if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let places = code.iter().filter(|token| **token == Token::Digit).count();
        let mut digits = number.chars().rev();
        let mut reversed = Vec::new();
        let mut left = places;
        for token in code.iter().rev() {
            match token {
                Token::Literal(c) => reversed.push(*c),
                Token::Digit => {
                    reversed.push(digits.next().unwrap_or('0'));
                    left -= 1;
                    if left == 0 {
                        reversed.extend(digits.by_ref());
                    }
                }
            }
        }
        Some(reversed.into_iter().rev().collect())
    }
}

impl Styles {
    pub(super) fn add_format(&mut self, id: u32, code: &str) {
        self.codes.extend(parse(code).map(|tokens| (id, tokens)));
    }

    /// Whether the styles that come are those of cells.
    pub(super) fn are_cell_formats(&mut self, are: bool) {
        self.in_cell_formats = are;
    }

    pub(super) fn add_cell_format(&mut self, id: u32) {
        if self.in_cell_formats {
            self.cell_formats.push(id);
        }
    }
}

impl Visit for Styles {
    fn start(&mut self, walk: &mut Walk<'_>, element: &Element<'_>) -> Step {
        let id = |name| element.attribute(name).and_then(|id| id.parse().ok());
        match element.local_name() {
            "numFmt" => {
                if let (Some(id), Some(code)) = (id("numFmtId"), element.attribute("formatCode")) {
                    self.add_format(id, &code);
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

/// The first section of a format, when it holds two zeros or more and else only literals.
fn parse(code: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut chars = code.chars();
    while let Some(c) = chars.next() {
        match c {
            ';' => break,
            '0' => tokens.push(Token::Digit),
            '\\' => tokens.push(Token::Literal(chars.next()?)),
            '"' => tokens.extend(chars.by_ref().take_while(|c| *c != '"').map(Token::Literal)),
            '-' | ' ' | '/' | '(' | ')' | '+' | ':' => tokens.push(Token::Literal(c)),
            _ => return None,
        }
    }
    let digits = tokens.iter().filter(|token| **token == Token::Digit).count();
    (2..=DIGITS_MAX).contains(&digits).then_some(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_of_zeros_pad_and_separate() {
        let rows = [
            ("00000000000", "2070803628", Some("02070803628")),
            ("000-000-00-00", "1234563218", Some("123-456-32-18")),
            ("000\\-000\\-00\\-00", "12345", Some("000-001-23-45")),
            ("\"PL\"0000", "12", Some("PL0012")),
            ("00", "12345", Some("12345")),
            ("00-00", "12345", Some("123-45")),
            ("0", "12", None),
            ("0.00", "12", None),
            ("#,##0", "12", None),
            ("yyyy-mm-dd", "44000", None),
            ("0000", "1.5", None),
            ("0000;-0000", "7", Some("0007")),
        ];
        for (code, number, expected) in rows {
            let codes = parse(code).map(|tokens| (164, tokens)).into_iter().collect();
            let styles = Styles { codes, cell_formats: vec![0, 164], ..Styles::default() };
            assert_eq!(styles.shown(1, number).as_deref(), expected, "{code} {number}");
            assert_eq!(styles.shown(0, number), None);
        }
    }
}
