//! `application/x-www-form-urlencoded`, and the query of a URL, as fields.

use super::BodyLimits;
use super::fields::{Field, Fields, FieldsEnd, LABEL_BYTES_MAX};
use std::io::{self, BufRead};

/// Longest name of a field; a longer one is read as a value.
const NAME_BYTES_MAX: usize = LABEL_BYTES_MAX;

/// Opens the fields of a form.
pub(super) fn open<'b>(input: Box<dyn BufRead + 'b>, limits: &'b BodyLimits) -> Box<dyn Fields + 'b> {
    Box::new(FormFields { input, value_bytes_max: limits.held_value_bytes_max, open_value: None })
}

/// Whether the first bytes of a body look like a form: several pairs, or one with an escape, and nothing else.
pub(super) fn looks_like_form(first: &[u8]) -> bool {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.[]-%".contains(byte);
    let is_value = |byte: &u8| byte.is_ascii_graphic() && !b"\"<>{}\\".contains(byte);
    let Some(equals) = first.iter().position(|&byte| byte == b'=') else { return false };
    let (name, value) = (&first[..equals], &first[equals + 1..]);
    let has_more = value.iter().any(|byte| matches!(byte, b'&' | b'%'));
    !name.is_empty() && name.iter().all(is_name) && value.iter().all(is_value) && has_more
}

/// Decodes percent escapes; a `%` that starts none stays.
pub(super) fn percent_decoded(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match (byte, escaped_byte(tail)) {
            (b'%', Some(value)) => {
                decoded.push(value);
                rest = &tail[2..];
            }
            _ => decoded.push(byte),
        }
    }
    decoded
}

fn escaped_byte(digits: &[u8]) -> Option<u8> {
    let digit = |at: usize| char::from(*digits.get(at)?).to_digit(16);
    u8::try_from(digit(0)? << 4 | digit(1)?).ok()
}

/// Decodes a name or a value: `+` is a space.
pub(crate) fn form_decoded(text: &[u8]) -> Vec<u8> {
    let spaced: Vec<u8> = text.iter().map(|&byte| if byte == b'+' { b' ' } else { byte }).collect();
    percent_decoded(&spaced)
}

struct FormFields<'b> {
    input: Box<dyn BufRead + 'b>,
    value_bytes_max: usize,
    /// Name of a value whose rest follows in pieces.
    open_value: Option<String>,
}

/// Where reading stopped.
#[derive(PartialEq, Eq)]
enum Stop {
    Pair,
    Equals,
    Full,
    End,
}

impl FormFields<'_> {
    /// Reads up to a separator, the bound, or the end.
    fn read_until(&mut self, len_max: usize, stops_at_equals: bool) -> io::Result<(Vec<u8>, Stop)> {
        let mut text = Vec::new();
        loop {
            let available = self.input.fill_buf()?;
            if available.is_empty() {
                return Ok((text, Stop::End));
            }
            let is_end = |byte: &u8| *byte == b'&' || stops_at_equals && *byte == b'=';
            let run = available.iter().position(is_end).unwrap_or(available.len());
            let taken = run.min(len_max - text.len());
            text.extend_from_slice(&available[..taken]);
            if taken < run {
                self.input.consume(taken);
                return Ok((text, Stop::Full));
            }
            if let Some(separator) = available.get(run).copied() {
                self.input.consume(run + 1);
                return Ok((text, if separator == b'=' { Stop::Equals } else { Stop::Pair }));
            }
            self.input.consume(run);
        }
    }

    fn value(&mut self, path: String, is_first: bool) -> io::Result<Field> {
        let (mut text, stop) = self.read_until(self.value_bytes_max, false)?;
        if stop == Stop::Full {
            self.keep_escape_whole(&mut text)?;
            self.open_value = Some(path.clone());
        }
        let is_last = stop != Stop::Full;
        Ok(Field { label: path.clone(), path, value: form_decoded(&text), is_first, is_last, is_text: true })
    }

    /// A piece that ends inside an escape takes the rest of it.
    fn keep_escape_whole(&mut self, text: &mut Vec<u8>) -> io::Result<()> {
        let missing = match text.as_slice() {
            [.., b'%'] => 2,
            [.., b'%', _] => 1,
            _ => 0,
        };
        for _ in 0..missing {
            match self.input.fill_buf()?.first() {
                Some(&byte) if byte != b'&' => {
                    text.push(byte);
                    self.input.consume(1);
                }
                _ => break,
            }
        }
        Ok(())
    }
}

impl Fields for FormFields<'_> {
    fn next_field(&mut self) -> Result<Option<Field>, FieldsEnd> {
        if let Some(path) = self.open_value.take() {
            return Ok(Some(self.value(path, false)?));
        }
        loop {
            let (text, stop) = self.read_until(NAME_BYTES_MAX, true)?;
            if text.is_empty() && stop == Stop::End {
                return Ok(None);
            }
            let name = String::from_utf8_lossy(&form_decoded(&text)).into_owned();
            match stop {
                Stop::Equals => return Ok(Some(self.value(name, true)?)),
                // A pair without `=` is all value.
                Stop::Pair | Stop::End if text.is_empty() => {}
                Stop::Pair | Stop::End => {
                    let value = form_decoded(&text);
                    return Ok(Some(Field { value, is_first: true, is_last: true, is_text: true, ..Field::default() }));
                }
                Stop::Full => {
                    self.open_value = Some(String::new());
                    let value = form_decoded(&text);
                    return Ok(Some(Field { value, is_first: true, is_text: true, ..Field::default() }));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::BufReader;

    fn read(text: &[u8], buffer_bytes: usize) -> Vec<(String, String)> {
        let limits = BodyLimits::default();
        let mut fields = open(Box::new(BufReader::with_capacity(buffer_bytes, text)), &limits);
        let mut found = Vec::new();
        while let Some(field) = fields.next_field().unwrap() {
            found.push((field.path, String::from_utf8_lossy(&field.value).into_owned()));
        }
        found
    }

    #[test]
    fn pairs_are_decoded() {
        let rows: [(&str, &[(&str, &str)]); 7] = [
            ("a=1&b=2", &[("a", "1"), ("b", "2")]),
            ("na%20me=x+y%2Bz", &[("na me", "x y+z")]),
            ("a=1=2&&b", &[("a", "1=2"), ("", "b")]),
            ("a=%zz%4", &[("a", "%zz%4")]),
            ("a=&b=", &[("a", ""), ("b", "")]),
            ("=x", &[("", "x")]),
            ("", &[]),
        ];
        for (text, expected) in rows {
            for buffer_bytes in [1, 3, 4096] {
                let found = read(text.as_bytes(), buffer_bytes);
                let found: Vec<_> = found.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                assert_eq!(found, expected, "{text}");
            }
        }
    }

    #[test]
    fn long_values_come_in_pieces_that_cut_no_escape() {
        let limits = BodyLimits { held_value_bytes_max: 4, ..BodyLimits::default() };
        let mut fields = open(Box::new(&b"a=123%41567&b=x"[..]), &limits);
        let mut value = Vec::new();
        while let Some(field) = fields.next_field().unwrap() {
            value.extend(field.value);
        }
        assert_eq!(value, b"123A567x");
    }

    proptest! {
        #[test]
        fn chunking_changes_nothing_and_bytes_never_panic(text in proptest::collection::vec(any::<u8>(), 0..80)) {
            prop_assert_eq!(read(&text, 1), read(&text, 4096));
            looks_like_form(&text);
        }
    }
}
