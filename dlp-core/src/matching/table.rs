//! Tables of delimited text: what the header of a column says of the values far below it.
//!
//! A text is taken for a table when it begins with a line of names, perhaps below a title, and the lines behind it have as
//! many fields. From there on the words of a header count for every value of its column, as if they stood beside it. Which column a value
//! is in is told from its own line, so that it does not matter how the text was cut into pieces.

use super::context::Folded;
use super::found::TableCell;
use super::vocabulary::{PhraseId, Vocabulary};
use crate::text::delimited::{DELIMITERS, NAME_BYTES_MAX, fields, trimmed};
use memchr::{memchr, memrchr};
use std::ops::Range;
use std::sync::Arc;

/// Bytes at the beginning of a text in which its header and its first rows must stand.
const HEAD_BYTES: usize = 16 * 1024;

/// Bytes of a row: in longer ones no column is told.
pub(super) const ROW_BYTES_MAX: usize = 4 * 1024;

/// Rows behind the header that are looked at, if there are so many.
const ROWS_LOOKED_AT: usize = 5;

/// Lines that may stand above the header.
const TITLE_LINES_MAX: usize = 4;

/// Digits in a name that is shown: `phone_2`, `2024`.
const NAME_DIGITS_MAX: usize = 4;

/// Columns of a table.
const COLUMNS_MAX: usize = 1024;

/// A table whose header names something.
#[derive(Debug)]
pub(super) struct Table {
    delimiter: u8,
    /// The phrases in the header of each column.
    columns: Vec<Vec<PhraseId>>,
    /// All of them.
    phrases: Vec<PhraseId>,
    /// The headers that may be shown.
    names: Vec<Option<Arc<str>>>,
    /// Line of the header, from 1.
    line: u64,
}

impl Table {
    /// The table that a text begins with; `None` where it is none, or no header says anything.
    pub(super) fn of(vocabulary: &Vocabulary, text: &[u8]) -> Option<Self> {
        let head = &text[..text.len().min(HEAD_BYTES)];
        let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
        let (header, delimiter, line) = header(head)?;
        let columns: Vec<_> = fields(header, delimiter).map(|name| phrases(vocabulary, &header[name])).collect();
        let mut phrases: Vec<_> = columns.iter().flatten().copied().collect();
        phrases.sort_unstable();
        phrases.dedup();
        let names = fields(header, delimiter).zip(&columns);
        let names = names.map(|(name, found)| if found.is_empty() { None } else { shown(&header[name]) }).collect();
        (!phrases.is_empty()).then_some(Self { delimiter, columns, phrases, names, line })
    }

    /// The phrases of all headers.
    pub(super) fn phrases(&self) -> &[PhraseId] {
        &self.phrases
    }

    /// The phrases in the header of the column that a value is in. None where its line is no row of the table, or it is
    /// more than one field.
    pub(super) fn phrases_of(&self, text: &[u8], value: &Range<usize>) -> &[PhraseId] {
        self.cell(text, value).map_or(&[], |(_, column)| &self.columns[column])
    }

    /// The other cells of a value's column in the rows that stand as a whole within so many bytes of it.
    pub(super) fn cells_around<'t>(
        &self,
        text: &'t [u8],
        value: &Range<usize>,
        window_bytes: usize,
    ) -> impl Iterator<Item = &'t [u8]> + use<'t> {
        let place = self.cell(text, value);
        let before = place.as_ref().map_or(&[][..], |(row, _)| {
            let window = &text[value.start.saturating_sub(window_bytes).min(row.start)..row.start];
            memchr(b'\n', window).map_or(&[][..], |first| &window[first + 1..])
        });
        let behind = place.as_ref().map_or(&[][..], |(row, _)| {
            let window = &text[row.end..text.len().min(value.end + window_bytes).max(row.end)];
            memrchr(b'\n', window).map_or(&[][..], |last| &window[..last])
        });
        let column = place.map_or(usize::MAX, |(_, column)| column);
        let (delimiter, count) = (self.delimiter, self.columns.len());
        [before, behind].into_iter().flat_map(|rows| rows.split(|byte| *byte == b'\n')).filter_map(move |row| {
            let row = line(row);
            let cell = fields(row, delimiter).nth(column)?;
            (fields(row, delimiter).count() == count).then(|| &row[trimmed(row, cell)])
        })
    }

    /// The number of a value's column.
    pub(super) fn column_of(&self, text: &[u8], value: &Range<usize>) -> Option<u16> {
        self.cell(text, value).map(|(_, column)| column as u16)
    }

    /// Where a column and a line of the text are.
    pub(super) fn place(&self, column: u16, line: u64) -> TableCell {
        let column_name = self.names.get(usize::from(column)).cloned().flatten();
        TableCell { column_name, row: line.saturating_sub(self.line) }
    }

    /// The row of a value, and the number of its column.
    fn cell(&self, text: &[u8], value: &Range<usize>) -> Option<(Range<usize>, usize)> {
        let from = value.start.saturating_sub(ROW_BYTES_MAX);
        let start = match memrchr(b'\n', &text[from..value.start]) {
            Some(feed) => from + feed + 1,
            None if from == 0 => 0,
            None => return None,
        };
        let rest = &text[start..text.len().min(start + ROW_BYTES_MAX)];
        let end = memchr(b'\n', rest).or_else(|| (start + rest.len() == text.len()).then_some(rest.len()))?;
        let row = line(&rest[..end]);
        let (mut count, mut found) = (0, None);
        for field in fields(row, self.delimiter) {
            if field.start <= value.start - start && value.end - start <= field.end {
                found = Some(count);
            }
            count += 1;
        }
        found.filter(|_| count == self.columns.len()).map(|column| (start..start + end, column))
    }
}

/// The header of a table, what separates its fields, and its line. A title may stand above it, in fewer fields.
fn header(head: &[u8]) -> Option<(&[u8], u8, u64)> {
    let mut rest = head;
    let mut titles: Vec<&[u8]> = Vec::new();
    for _ in 0..=TITLE_LINES_MAX {
        let (first, rows) = rest.split_at(memchr(b'\n', rest)? + 1);
        let header = line(first);
        let is_below = |delimiter: u8| {
            let count = |line: &[u8]| fields(line, delimiter).take(COLUMNS_MAX + 1).count();
            let is_title = |title: &&[u8]| count(title) < count(header);
            // Below a title more has to speak for a table.
            titles.is_empty() || titles.iter().all(is_title) && rows.split(|byte| *byte == b'\n').nth(2).is_some()
        };
        let found = DELIMITERS.into_iter().find(|delimiter| is_table(header, rows, *delimiter) && is_below(*delimiter));
        if let Some(delimiter) = found {
            return Some((header, delimiter, titles.len() as u64 + 1));
        }
        titles.push(header);
        rest = rows;
    }
    None
}

/// A line without its end.
fn line(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    bytes.strip_suffix(b"\r").unwrap_or(bytes)
}

/// Whether a line names columns, and the rows behind it have as many fields, and somewhere a digit.
fn is_table(header: &[u8], rows: &[u8], delimiter: u8) -> bool {
    if memchr(delimiter, header).is_none() {
        return false;
    }
    let count = fields(header, delimiter).take(COLUMNS_MAX + 1).count();
    if !(2..=COLUMNS_MAX).contains(&count) || !fields(header, delimiter).all(|name| is_name(&header[name])) {
        return false;
    }
    let mut has_digit = false;
    for (number, row) in rows.split_inclusive(|byte| *byte == b'\n').take(ROWS_LOOKED_AT).enumerate() {
        // The last line of the head may have been cut.
        if !row.ends_with(b"\n") && number > 0 {
            break;
        }
        if fields(line(row), delimiter).count() != count {
            return false;
        }
        has_digit |= row.iter().any(u8::is_ascii_digit);
    }
    has_digit
}

/// Whether a field may name a column: words, no number, no sentence.
fn is_name(field: &[u8]) -> bool {
    let field = field.trim_ascii();
    let is_sentence = field.windows(2).any(|pair| matches!(pair, [b'.' | b'!' | b'?' | b':', b' ']));
    let has_letter = field.iter().any(|byte| byte.is_ascii_alphabetic() || !byte.is_ascii());
    let starts_with_letter = field.iter().find(|byte| **byte != b'"').is_some_and(|byte| !byte.is_ascii_digit());
    field.len() <= NAME_BYTES_MAX && has_letter && starts_with_letter && !is_sentence
}

/// The name of a column as people may see it. What has many digits or an address is a value, whatever words it holds.
fn shown(name: &[u8]) -> Option<Arc<str>> {
    let name = std::str::from_utf8(&name[trimmed(name, 0..name.len())]).ok()?;
    let digits = name.bytes().filter(u8::is_ascii_digit).count();
    let is_name = digits <= NAME_DIGITS_MAX && !name.contains(['@', '=']) && !name.contains(char::is_control);
    is_name.then(|| name.into())
}

/// The phrases in the name of a column.
fn phrases(vocabulary: &Vocabulary, name: &[u8]) -> Vec<PhraseId> {
    let mut found = Vec::new();
    vocabulary.spell(Folded::default().fill(std::iter::once(name)), &mut |phrase| found.push(phrase));
    found.sort_unstable();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::super::vocabulary::Builder;
    use super::*;
    use dlp_detector_format::Context;

    /// The numbers of the phrases in the header of the column of the first `#`, `pesel` and `nr konta` being known.
    fn named(text: &str) -> Vec<PhraseId> {
        let mut builder = Builder::default();
        let strong = ["pesel", "nr konta"].map(str::to_owned).to_vec();
        builder.phrases(&Context { strong, ..Context::default() });
        let at = text.find('#').expect("mark");
        let table = Table::of(&builder.build(), text.as_bytes());
        table.map_or_else(Vec::new, |table| table.phrases_of(text.as_bytes(), &(at..at + 1)).to_vec())
    }

    #[test]
    fn a_value_is_named_by_the_header_of_its_column() {
        let far = format!("id,PESEL,Nr konta\n{}7,#,9\n", "1,2,3\n".repeat(9_000));
        let long = format!("id,pesel\n1,2\n{},#\n", "x".repeat(ROW_BYTES_MAX));
        let rows: &[(&str, &[PhraseId])] = &[
            ("id,pesel\n1,#\n", &[0]),
            ("Customers of 2024\n\nid,pesel\n1,#\n2,3\n", &[0]),
            ("Customers, export\nid,pesel,x\n1,#,2\n2,3,4\n", &[0]),
            ("12,34\nid,pesel\n1,#\n2,3\n", &[]),
            ("Dear all,\nid,pesel\n1,#\n", &[]),
            ("id,pesel\r\n1,2\r\n3,#\r\n", &[0]),
            ("id,pesel\n1,#", &[0]),
            ("\u{feff}id;customerPESEL;x\n1;#;2\n", &[0]),
            ("id\tnr_konta\n1\t#\n", &[1]),
            ("\"id\",\"pesel\"\n\"1, 2\",\"#\"\n", &[0]),
            ("id,pesel\n#,1\n", &[]),
            (&far, &[0]),
            (&long, &[]),
            ("id,pesel\n1,2\n3,#,4\n", &[]),
            ("id,pesel\n1,2,3\n4,#\n", &[]),
            ("Dear pesel, hello.\nyour number 1, is #\n", &[]),
            ("12,pesel\n1,#\n", &[]),
            ("id,name\n1,#\n", &[]),
            ("pesel\n#\n", &[]),
            ("id,pesel\na,#\n", &[]),
        ];
        for (text, expected) in rows {
            assert_eq!(named(text), *expected, "{}", &text[..text.len().min(60)]);
        }
    }

    #[test]
    fn places_are_told_by_names_that_may_be_shown() {
        let mut builder = Builder::default();
        builder.phrases(&Context { strong: vec!["pesel".to_owned()], ..Context::default() });
        let vocabulary = builder.build();
        let rows = [
            ("id,\"Nr PESEL\"\n1,2\n3,#\n", Some((Some("Nr PESEL"), 2))),
            ("Customers\n\nid,pesel\n#,1\n2,3\n", Some((None, 1))),
            ("jan@acme.pl,pesel 44051401458\n1,#\n", Some((None, 1))),
            ("id,name\n1,#\n", None),
        ];
        for (text, expected) in rows {
            let at = text.find('#').expect("mark");
            let place = Table::of(&vocabulary, text.as_bytes()).and_then(|table| {
                let column = table.column_of(text.as_bytes(), &(at..at + 1))?;
                Some(table.place(column, 1 + text[..at].matches('\n').count() as u64))
            });
            let place = place.as_ref().map(|place| (place.column_name.as_deref(), place.row));
            assert_eq!(place, expected, "{text}");
        }
    }

    #[test]
    fn the_cells_of_a_column_are_those_of_whole_rows_nearby() {
        let mut builder = Builder::default();
        builder.phrases(&Context { strong: vec!["pesel".to_owned()], ..Context::default() });
        let text = "id,pesel\n8,8\n9,9\n1,22\n2, \"33\"\n3,44\n4,5,5\n5,66\n6,77";
        let table = Table::of(&builder.build(), text.as_bytes()).expect("a table");
        let at = text.find("44").expect("it is there");
        let rows: [(usize, &[&str]); 3] = [(64, &["8", "9", "22", "33", "66"]), (12, &["33", "66"]), (3, &[])];
        for (window_bytes, expected) in rows {
            let cells = table.cells_around(text.as_bytes(), &(at..at + 2), window_bytes);
            let cells: Vec<_> = cells.map(String::from_utf8_lossy).collect();
            assert_eq!(cells, expected, "{window_bytes}");
        }
    }

    #[test]
    fn a_value_over_two_fields_is_in_no_column() {
        let mut builder = Builder::default();
        builder.phrases(&Context { strong: vec!["pesel".to_owned()], ..Context::default() });
        let table = Table::of(&builder.build(), b"a,pesel\n1,2\n3,4\n").expect("a table");
        assert_eq!(table.phrases_of(b"a,pesel\n1,2\n", &(10..11)), [0]);
        assert_eq!(table.phrases_of(b"a,pesel\n1,2\n", &(8..11)), [0; 0]);
    }
}
