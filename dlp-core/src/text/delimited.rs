//! Lines of delimited text: fields between commas, tabs and the like, perhaps in quotes.

use memchr::memchr2_iter;
use std::ops::Range;

/// What separates fields, the surest first.
pub(crate) const DELIMITERS: [u8; 4] = *b"\t;|,";

/// Bytes of a name of a column.
pub(crate) const NAME_BYTES_MAX: usize = 64;

/// The fields of a line. What stands between quotes is one field, whatever delimiters it has.
pub(crate) fn fields(line: &[u8], delimiter: u8) -> impl Iterator<Item = Range<usize>> {
    let mut is_quoted = false;
    let mut start = 0;
    let ends = memchr2_iter(delimiter, b'"', line).map(Some).chain([None]);
    ends.filter_map(move |at| match at {
        Some(at) if line[at] == b'"' => {
            is_quoted = !is_quoted;
            None
        }
        Some(_) if is_quoted => None,
        Some(at) => Some(std::mem::replace(&mut start, at + 1)..at),
        None => Some(start..line.len()),
    })
}

/// A field without quotes around it, and without blanks around or inside of these.
pub(crate) fn trimmed(line: &[u8], field: Range<usize>) -> Range<usize> {
    let without_blanks = |field: Range<usize>| {
        let bytes = &line[field.clone()];
        let start = field.start + (bytes.len() - bytes.trim_ascii_start().len());
        start..start + bytes.trim_ascii().len()
    };
    let field = without_blanks(field);
    match &line[field.clone()] {
        [b'"', .., b'"'] => without_blanks(field.start + 1..field.end - 1),
        _ => field,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_cut_and_trimmed() {
        let rows: [(&str, &[&str]); 7] = [
            ("a;b", &["a", "b"]),
            (" a ; \"b;c\" ;", &["a", "b;c", ""]),
            ("\"a\";\"\"", &["a", ""]),
            ("\"a", &["\"a"]),
            ("\"", &["\""]),
            (";", &["", ""]),
            ("", &[""]),
        ];
        for (line, expected) in rows {
            let found: Vec<&str> =
                fields(line.as_bytes(), b';').map(|field| &line[trimmed(line.as_bytes(), field)]).collect();
            assert_eq!(found, expected, "{line}");
        }
    }
}
