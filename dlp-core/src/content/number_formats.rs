//! Number formats of a workbook, as far as they change what a number says.
//!
//! An identifier that is typed as a number loses its leading zeros; a format such as `00000000000` or `000-000-00-00`
//! puts them back on the screen. A date is a number of days, which says nothing to anybody. Formats of zeros and
//! literal characters are followed, and dates are written as ISO 8601 has them; other formats only change looks.

use jiff::Span;
use jiff::civil::{Date, date};
use std::collections::HashMap;

/// Digits that a format may ask for; numbers of a sheet have 15 at most.
const DIGITS_MAX: usize = 40;
/// Formats and styles that are told apart; Excel allows 64,000 styles.
const KEPT_MAX: usize = 1 << 17;
/// Formats of dates that every workbook has, by their id. Those of times alone are left out.
const DATES: [std::ops::RangeInclusive<u32>; 4] = [14..=17, 22..=22, 27..=36, 50..=58];
/// The last day that a sheet knows, in the year 9999.
const DAYS_MAX: f64 = 2_958_465.0;

/// Formats by the style of a cell.
#[derive(Default)]
pub(super) struct NumberFormats {
    codes: HashMap<u32, Format>,
    /// Format id of each cell style.
    cell_formats: Vec<u32>,
    counts_from_1904: bool,
}

enum Format {
    Digits(Vec<Token>),
    Date,
}

/// A piece of a format of digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Digit,
    Literal(char),
}

impl NumberFormats {
    pub(super) fn add_format(&mut self, id: u32, code: &str) {
        let format = digits(code).map(Format::Digits).or_else(|| is_date(code).then_some(Format::Date));
        if let Some(format) = format.filter(|_| self.codes.len() < KEPT_MAX) {
            self.codes.insert(id, format);
        }
    }

    /// The next cell style has the format of this id.
    pub(super) fn add_style(&mut self, id: u32) {
        if self.cell_formats.len() < KEPT_MAX {
            self.cell_formats.push(id);
        }
    }

    /// Days are counted from 1904 on, as the first spreadsheets of Macintosh did.
    pub(super) fn count_from_1904(&mut self) {
        self.counts_from_1904 = true;
    }

    /// The number as a cell of this style shows it, when its format pads or separates digits, or makes a date of it.
    pub(super) fn shown(&self, style: usize, number: &str) -> Option<String> {
        let id = self.cell_formats.get(style)?;
        match self.codes.get(id) {
            Some(Format::Digits(tokens)) => padded(tokens, number),
            Some(Format::Date) => self.day(number),
            None if DATES.iter().any(|ids| ids.contains(id)) => self.day(number),
            None => None,
        }
    }

    /// The date, and the time where it is not midnight.
    fn day(&self, number: &str) -> Option<String> {
        const SECONDS_A_DAY: f64 = 86_400.0;
        let number = number.parse::<f64>().ok().filter(|days| (1.0..=DAYS_MAX).contains(days))?;
        let first: Date = match number {
            _ if self.counts_from_1904 => date(1904, 1, 1),
            // A 29th of February of 1900 is counted, which there was not.
            early if early < 60.0 => date(1899, 12, 31),
            _ => date(1899, 12, 30),
        };
        let seconds = (number.fract() * SECONDS_A_DAY).round() as i64;
        let span = Span::new().try_days(number.trunc() as i64).ok()?.try_seconds(seconds).ok()?;
        let at = first.to_datetime(jiff::civil::Time::midnight()).checked_add(span).ok()?;
        Some(if seconds == 0 { at.date().to_string() } else { format!("{} {}", at.date(), at.time()) })
    }
}

/// A whole number as a format of zeros and literals shows it.
fn padded(tokens: &[Token], number: &str) -> Option<String> {
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut left = tokens.iter().filter(|token| **token == Token::Digit).count();
    let mut digits = number.chars().rev();
    let mut reversed = Vec::new();
    for token in tokens.iter().rev() {
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

/// The first section of a format, when it holds two zeros or more and else only literals.
fn digits(code: &str) -> Option<Vec<Token>> {
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

/// Whether the first section of a format shows a day or a year.
fn is_date(code: &str) -> bool {
    let mut chars = code.chars();
    while let Some(c) = chars.next() {
        match c {
            ';' => return false,
            // What is skipped, filled up with, or taken as it stands is no part of a date.
            '\\' | '_' | '*' => {
                chars.next();
            }
            '"' => while chars.next().is_some_and(|c| c != '"') {},
            '[' => while chars.next().is_some_and(|c| c != ']') {},
            'd' | 'D' | 'y' | 'Y' => return true,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(code: &str, number: &str, expected: Option<&str>) {
        let mut formats = NumberFormats::default();
        formats.add_format(164, code);
        formats.add_style(0);
        formats.add_style(164);
        assert_eq!(formats.shown(1, number).as_deref(), expected, "{code} {number}");
        assert_eq!(formats.shown(0, number), None);
    }

    #[test]
    fn formats_of_zeros_pad_and_separate() {
        check("00000000000", "2070803628", Some("02070803628"));
        check("000-000-00-00", "1234563218", Some("123-456-32-18"));
        check("000\\-000\\-00\\-00", "12345", Some("000-001-23-45"));
        check("\"PL\"0000", "12", Some("PL0012"));
        check("00", "12345", Some("12345"));
        check("00-00", "12345", Some("123-45"));
        check("0", "12", None);
        check("0.00", "12", None);
        check("#,##0", "12", None);
        check("0000", "1.5", None);
        check("0000;-0000", "7", Some("0007"));
    }

    #[test]
    fn days_become_dates() {
        check("yyyy-mm-dd", "44000", Some("2020-06-18"));
        check("[$-415]d\\ mmmm\\ yyyy;@", "16571", Some("1945-05-14"));
        check("dd.mm.yy hh:mm", "44000.75", Some("2020-06-18 18:00:00"));
        check("yyyy", "1", Some("1900-01-01"));
        check("yyyy", "61", Some("1900-03-01"));
        check("yyyy", "0", None);
        check("yyyy", "-5", None);
        check("yyyy", "3000000", None);
        check("yyyy", "text", None);
        check("hh:mm:ss", "0.5", None);
        check("[Red]0.0", "44000", None);
        check("\"day\" 0.0", "44000", None);
        check("0.0;yyyy", "44000", None);
        let mut formats = NumberFormats::default();
        formats.add_style(14);
        assert_eq!(formats.shown(0, "44000").as_deref(), Some("2020-06-18"));
        formats.count_from_1904();
        assert_eq!(formats.shown(0, "42538").as_deref(), Some("2020-06-18"));
    }
}
