//! Documents in values: JSON in a string, base64, `data:` URIs.
//!
//! Values are judged twice, when the text view is made and when they are opened, and both must come to the same result:
//! what the view leaves out is what is opened.

use super::BodyLimits;
use super::fields::Field;
use super::json;
use data_encoding::{Encoding, Specification};
use std::sync::LazyLock;

/// What to do with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opens {
    /// It is text.
    No,
    /// It is a JSON document, and is read as such instead of as text.
    Json,
    /// It looks encoded: it is read as text, and decoded as well.
    Encoded,
}

/// Decides which values are opened, within a bound.
#[derive(Clone, Copy)]
pub(super) struct Opener<'a> {
    limits: &'a BodyLimits,
    /// JSON in strings may still nest.
    nests: bool,
    room: u64,
    /// Values that were to be opened.
    pub(super) opened: u64,
    /// A value was left closed because of the bound on their number.
    pub(super) is_over_number: bool,
    /// A value was left closed because it is too long to be held.
    pub(super) is_over_length: bool,
}

impl<'a> Opener<'a> {
    /// An opener of at most `room` values.
    pub(super) fn new(limits: &'a BodyLimits, nests: bool, room: u64) -> Self {
        Self { limits, nests, room, opened: 0, is_over_number: false, is_over_length: false }
    }

    /// Judges a value.
    pub(super) fn judge(&mut self, field: &Field) -> Opens {
        let opens = self.kind_of(field);
        if opens == Opens::No {
            return opens;
        }
        if self.opened == self.room {
            self.is_over_number = true;
            return Opens::No;
        }
        self.opened += 1;
        opens
    }

    fn kind_of(&mut self, field: &Field) -> Opens {
        let text = field.value.trim_ascii();
        if !field.is_text || !field.is_first {
            return Opens::No;
        }
        if !field.is_last {
            let is_open = matches!(text.first(), Some(b'{' | b'['));
            self.is_over_length |= is_open || self.is_encoded(text);
            return Opens::No;
        }
        let is_enclosed = matches!((text.first(), text.last()), (Some(b'{'), Some(b'}')) | (Some(b'['), Some(b']')));
        if self.nests && text.len() > 2 && is_enclosed && json::is_json(text, self.limits) {
            return Opens::Json;
        }
        if self.is_encoded(text) { Opens::Encoded } else { Opens::No }
    }

    fn is_encoded(&self, text: &[u8]) -> bool {
        let is_data = text.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"data:"));
        is_data || text.len() >= self.limits.base64_chars_min && is_base64(text)
    }
}

/// Decodes a value that is base64 throughout, or a `data:` URI.
pub(super) fn decode_value(value: &[u8]) -> Option<Vec<u8>> {
    let text = value.trim_ascii();
    if text.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"data:")) {
        let comma = memchr::memchr(b',', text)?;
        let (kind, payload) = (&text[5..comma], &text[comma + 1..]);
        let is_base64 = kind.to_ascii_lowercase().ends_with(b";base64");
        let is_escaped = payload.contains(&b'%');
        return match (is_base64, is_escaped) {
            (true, _) => decode_base64(payload),
            (false, true) => Some(super::form::percent_decoded(payload)),
            // The text view shows it already.
            (false, false) => None,
        };
    }
    decode_base64(text)
}

/// base64 in either alphabet, with or without padding, with line ends; forgiving as the receivers are.
fn decode_base64(text: &[u8]) -> Option<Vec<u8>> {
    static PLAIN: LazyLock<Encoding> = LazyLock::new(|| lenient("+/"));
    static URL: LazyLock<Encoding> = LazyLock::new(|| lenient("-_"));
    if !is_base64(text) {
        return None;
    }
    let is_symbol = |byte: &&u8| !byte.is_ascii_whitespace() && **byte != b'=';
    let is_url = text.iter().any(|byte| matches!(byte, b'-' | b'_'));
    let mut kept = text.iter().filter(is_symbol).count();
    // One symbol alone is less than a byte.
    kept -= usize::from(kept % 4 == 1);
    let end = text.iter().enumerate().filter(|(_, byte)| is_symbol(byte)).nth(kept).map_or(text.len(), |(at, _)| at);
    let bare = text[..end].trim_ascii_end();
    let padding = bare.iter().rev().take_while(|byte| !is_symbol(byte)).count();
    let bare = &bare[..bare.len() - padding];
    let decoded = if is_url { URL.decode(bare) } else { PLAIN.decode(bare) };
    decoded.ok().filter(|bytes| !bytes.is_empty())
}

/// Whether bytes are base64 throughout, padding at the end only.
fn is_base64(text: &[u8]) -> bool {
    let end = text.iter().position(|&byte| byte == b'=').unwrap_or(text.len());
    let is_symbol = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_\r\n\t ".contains(byte);
    let is_mixed = memchr::memchr2(b'+', b'/', text).is_some() && memchr::memchr2(b'-', b'_', text).is_some();
    let is_padding = |byte: &u8| *byte == b'=' || byte.is_ascii_whitespace();
    !is_mixed && text[..end].iter().all(is_symbol) && text[end..].iter().all(is_padding)
}

fn lenient(last_two: &str) -> Encoding {
    let mut specification = Specification::new();
    specification.symbols.push_str("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");
    specification.symbols.push_str(last_two);
    specification.ignore.push_str("\r\n\t ");
    specification.check_trailing_bits = false;
    specification.encoding().expect("64 distinct symbols make an encoding")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_values_are_told_from_text() {
        let long = data_encoding::BASE64.encode(&[7; 300]);
        let url = data_encoding::BASE64URL_NOPAD.encode(&[0xfb; 301]);
        let wrapped: String =
            long.as_bytes().chunks(76).map(|line| format!("{}\r\n", String::from_utf8_lossy(line))).collect();
        let rows: [(&str, Option<Vec<u8>>); 9] = [
            (&long, Some(vec![7; 300])),
            (&url, Some(vec![0xfb; 301])),
            (&wrapped, Some(vec![7; 300])),
            ("data:text/plain;base64,aGVsbG8=", Some(b"hello".to_vec())),
            ("DATA:;charset=utf-8,a%20b", Some(b"a b".to_vec())),
            ("data:nothing", None),
            ("aGVsbG8=", Some(b"hello".to_vec())),
            (&"word ".repeat(100), Some(data_encoding::BASE64.decode("word".repeat(100).as_bytes()).unwrap())),
            (&"no, text! ".repeat(100), None),
        ];
        for (value, expected) in rows {
            assert_eq!(decode_value(value.as_bytes()), expected, "{value}");
        }
    }

    #[test]
    fn the_number_of_opened_values_is_bounded() {
        let limits = BodyLimits::default();
        let mut opener = Opener::new(&limits, true, 2);
        let field = |value: &str| Field {
            value: value.as_bytes().to_vec(),
            is_first: true,
            is_last: true,
            is_text: true,
            ..Field::default()
        };
        let judged: Vec<Opens> =
            ["[1]", "text", "data:,%20", "[2]"].iter().map(|value| opener.judge(&field(value))).collect();
        assert_eq!(judged, [Opens::Json, Opens::No, Opens::Encoded, Opens::No]);
        assert!(opener.is_over_number && !opener.is_over_length);
    }
}
