//! Header fields of mail: folded lines, encoded words, parameters with continuations.

use crate::content::decode::transfer::{self, hex_pair};
use crate::text::{Charset, is_utf8};

/// Header bytes of one part that are read; behind them everything is body.
const HEADER_BYTES_MAX: usize = 1024 * 1024;
/// Fields of one part that are told apart.
const FIELDS_MAX: usize = 4_096;
/// Pieces of one parameter.
const PIECES_MAX: usize = 256;

/// A header field, its lines joined.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// Name in lower case.
    pub(super) name: String,
    pub(super) value: Vec<u8>,
}

/// Length of the header, its empty line included, and its fields.
pub(super) fn read(bytes: &[u8]) -> (usize, Vec<Field>) {
    let mut fields: Vec<Field> = Vec::new();
    let mut at = 0;
    while at < bytes.len().min(HEADER_BYTES_MAX) && fields.len() < FIELDS_MAX {
        let len = line_len(&bytes[at..]);
        let line = trim_end(&bytes[at..at + len]);
        match line.first() {
            None => return (at + len, fields),
            Some(b' ' | b'\t') if !fields.is_empty() => {
                if let Some(field) = fields.last_mut() {
                    field.value.extend_from_slice(line);
                }
            }
            _ => match split(line) {
                Some((name, value)) => {
                    let name = String::from_utf8_lossy(name).to_ascii_lowercase();
                    fields.push(Field { name, value: value.to_vec() });
                }
                None => return (at, fields),
            },
        }
        at += len;
    }
    (at, fields)
}

/// Name and value of a field's first line.
pub(super) fn split(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = memchr::memchr(b':', line)?;
    let name = line[..colon].trim_ascii_end();
    let is_name = !name.is_empty() && name.iter().all(|byte| byte.is_ascii_graphic());
    is_name.then(|| (name, line[colon + 1..].trim_ascii()))
}

/// Length of the first line, its end included.
pub(super) fn line_len(bytes: &[u8]) -> usize {
    memchr::memchr(b'\n', bytes).map_or(bytes.len(), |at| at + 1)
}

/// A line without its end.
pub(super) fn trim_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// The text of a value; encoded words are decoded, and the blanks between them dropped.
pub(super) fn text(value: &[u8]) -> String {
    let mut out = String::new();
    let mut rest = value;
    let mut follows_word = false;
    // Without this, beginnings that never end would each look for theirs.
    let last_end = memchr::memmem::rfind(value, b"?=").unwrap_or(0);
    while let Some(start) = memchr::memmem::find(rest, b"=?") {
        if value.len() - rest.len() + start >= last_end {
            break;
        }
        let Some((word, len)) = encoded_word(&rest[start..]) else {
            out.push_str(&plain(&rest[..start + 2]));
            (rest, follows_word) = (&rest[start + 2..], false);
            continue;
        };
        if !follows_word || !rest[..start].iter().all(u8::is_ascii_whitespace) {
            out.push_str(&plain(&rest[..start]));
        }
        out.push_str(&word);
        (rest, follows_word) = (&rest[start + len..], true);
    }
    out.push_str(&plain(rest));
    out
}

/// Bytes of a header outside encoded words.
fn plain(bytes: &[u8]) -> String {
    match is_utf8(bytes) {
        true => String::from_utf8_lossy(bytes).into_owned(),
        false => crate::text::guess_eight_bit(bytes).decode(bytes),
    }
}

/// Decodes `=?set?B?code?=`, and says how long it is.
fn encoded_word(bytes: &[u8]) -> Option<(String, usize)> {
    let inner = bytes.strip_prefix(b"=?")?;
    let mut parts = inner.splitn(3, |byte| *byte == b'?');
    let (set, encoding, rest) = (parts.next()?, parts.next()?, parts.next()?);
    let len = memchr::memmem::find(rest, b"?=")?;
    let code = &rest[..len];
    let decoded = match encoding {
        b"B" | b"b" => transfer::base64(code, 0).bytes,
        b"Q" | b"q" => {
            let spaced: Vec<u8> = code.iter().map(|byte| if *byte == b'_' { b' ' } else { *byte }).collect();
            transfer::quoted_printable(&spaced, 0).bytes
        }
        _ => return None,
    };
    let set = set.split(|byte| *byte == b'*').next().unwrap_or(set);
    let total = 2 + set_len(inner) + encoding.len() + 1 + len + 2;
    Some((charset_of(set).decode(&decoded), total))
}

/// Length of the set's name and its mark.
fn set_len(inner: &[u8]) -> usize {
    memchr::memchr(b'?', inner).map_or(0, |at| at + 1)
}

fn charset_of(label: &[u8]) -> Charset {
    Charset::from_label(&String::from_utf8_lossy(label)).unwrap_or(Charset::Utf8)
}

/// A value such as `text/plain; charset=utf-8`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Structured {
    /// What stands before the first semicolon, in lower case.
    pub(super) head: String,
    /// Names in lower case and decoded values. A name that is stated twice is here twice.
    pub(super) parameters: Vec<(String, String)>,
}

impl Structured {
    pub(super) fn parse(value: &[u8]) -> Self {
        let mut pieces = semicolons(value).into_iter();
        let head = pieces.next().unwrap_or_default().trim_ascii().to_ascii_lowercase();
        let raw: Vec<(String, Vec<u8>)> = pieces.take(PIECES_MAX).filter_map(|piece| parameter(&piece)).collect();
        Self { head: String::from_utf8_lossy(&head).into_owned(), parameters: joined(raw) }
    }

    /// All values of a parameter.
    pub(super) fn all<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s str> {
        self.parameters.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Splits at semicolons outside quotes; comments in parentheses are left out.
fn semicolons(value: &[u8]) -> Vec<Vec<u8>> {
    let mut pieces = vec![Vec::new()];
    let (mut is_quoted, mut comments, mut is_escaped) = (false, 0_u32, false);
    for byte in value {
        let is_plain = !is_quoted && comments == 0;
        match byte {
            _ if std::mem::take(&mut is_escaped) => {}
            b'\\' if is_quoted => is_escaped = true,
            b'"' if comments == 0 => is_quoted = !is_quoted,
            b'(' if !is_quoted => comments += 1,
            b')' if comments > 0 => {
                comments -= 1;
                continue;
            }
            b';' if is_plain => {
                pieces.push(Vec::new());
                continue;
            }
            _ => {}
        }
        if comments == 0
            && let Some(piece) = pieces.last_mut()
        {
            piece.push(*byte);
        }
    }
    pieces
}

fn parameter(piece: &[u8]) -> Option<(String, Vec<u8>)> {
    let equals = memchr::memchr(b'=', piece)?;
    let name = String::from_utf8_lossy(piece[..equals].trim_ascii()).to_ascii_lowercase();
    Some((name, unquoted(piece[equals + 1..].trim_ascii())))
}

fn unquoted(value: &[u8]) -> Vec<u8> {
    let Some(inner) = value.strip_prefix(b"\"") else { return value.to_vec() };
    let inner = inner.strip_suffix(b"\"").unwrap_or(inner);
    let mut out = Vec::with_capacity(inner.len());
    let mut is_escaped = false;
    for byte in inner {
        if *byte == b'\\' && !is_escaped {
            is_escaped = true;
        } else {
            is_escaped = false;
            out.push(*byte);
        }
    }
    out
}

/// Joins `name*0*`, `name*1` and decodes what is marked as encoded.
fn joined(raw: Vec<(String, Vec<u8>)>) -> Vec<(String, String)> {
    let mut joined = Vec::new();
    let mut pieces: Vec<(String, u32, bool, Vec<u8>)> = Vec::new();
    for (name, value) in raw {
        let Some((base, section)) = name.split_once('*') else {
            joined.push((name, text(&value)));
            continue;
        };
        let number = section.trim_end_matches('*').parse().unwrap_or(0);
        pieces.push((base.to_owned(), number, name.ends_with('*'), value));
    }
    pieces.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
    for same in pieces.chunk_by(|a, b| a.0 == b.0) {
        let mut bytes = Vec::new();
        for (_, _, is_encoded, value) in same {
            if *is_encoded { percent(value, &mut bytes) } else { bytes.extend_from_slice(value) }
        }
        let mut marks = bytes.splitn(3, |byte| *byte == b'\'');
        let value = match (same[0].2, marks.next(), marks.next(), marks.next()) {
            (true, Some(set), Some(_), Some(value)) => charset_of(set).decode(value),
            _ => plain(&bytes),
        };
        joined.push((same[0].0.clone(), value));
    }
    joined
}

fn percent(value: &[u8], out: &mut Vec<u8>) {
    let mut at = 0;
    while let Some(byte) = value.get(at) {
        match (byte, value.get(at + 1..).and_then(hex_pair)) {
            (b'%', Some(decoded)) => {
                out.push(decoded);
                at += 3;
            }
            _ => {
                out.push(*byte);
                at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_end_where_they_should() {
        type Row = (&'static str, usize, &'static [(&'static str, &'static str)]);
        let rows: [Row; 7] = [
            ("A: b\r\n\r\nbody", 8, &[("a", "b")]),
            ("A: b\nC: d\n\nbody", 11, &[("a", "b"), ("c", "d")]),
            ("A: b\n  folded\n\nx", 15, &[("a", "b  folded")]),
            ("A: b\nno field\n", 5, &[("a", "b")]),
            ("\nbody", 1, &[]),
            ("body", 0, &[]),
            ("A: b", 4, &[("a", "b")]),
        ];
        for (bytes, len, expected) in rows {
            let (found, fields) = read(bytes.as_bytes());
            let fields: Vec<(String, String)> = fields
                .into_iter()
                .map(|field| (field.name, String::from_utf8_lossy(&field.value).into_owned()))
                .collect();
            let fields: Vec<(&str, &str)> =
                fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            assert_eq!((found, fields.as_slice()), (len, expected), "{bytes:?}");
        }
    }

    #[test]
    fn encoded_words_are_decoded() {
        let rows: [(&[u8], &str); 10] = [
            (b"plain", "plain"),
            (b"=?utf-8?B?xbzDs8WCdw==?=", "żółw"),
            (b"=?ISO-8859-2?Q?=BF=F3=B3w_i_osa?= x", "żółw i osa x"),
            (b"a =?utf-8?q?4405?= =?utf-8?q?1401458?= b", "a 44051401458 b"),
            (b"=?utf-8?q?a?=\r\n =?utf-8?q?b?=", "ab"),
            (b"=?utf-8*pl?Q?=C5=BC?=", "ż"),
            (b"=?utf-8?X?a?=", "=?utf-8?X?a?="),
            (b"=?utf-8?Q?open", "=?utf-8?Q?open"),
            (b"=?unknown?Q?a?=", "a"),
            (b"Prosz\xea o przes\xb3anie", "Proszę o przesłanie"),
        ];
        for (value, expected) in rows {
            assert_eq!(text(value), expected);
        }
    }

    #[test]
    fn words_that_never_end_are_looked_at_once() {
        // Looking for the end of each took seconds.
        let open = "=?a?b?x".repeat(150_000);
        assert_eq!(text(open.as_bytes()), open);
        let closed = format!("=?utf-8?Q?a?= {open}");
        assert_eq!(text(closed.as_bytes()), format!("a {open}"));
    }

    #[test]
    fn parameters_are_joined_and_decoded() {
        type Row = (&'static str, &'static str, &'static [(&'static str, &'static str)]);
        let rows: [Row; 9] = [
            ("Text/Plain", "text/plain", &[]),
            ("text/plain; charset=utf-8", "text/plain", &[("charset", "utf-8")]),
            ("a/b; name=\"x; \\\"y\\\".txt\"", "a/b", &[("name", "x; \"y\".txt")]),
            ("a/b (note; x=y); z=1", "a/b", &[("z", "1")]),
            ("a; filename*=UTF-8''%C5%BC%20x.txt", "a", &[("filename", "ż x.txt")]),
            ("a; filename*0*=iso-8859-2''%BF; filename*1=\"x.txt\"", "a", &[("filename", "żx.txt")]),
            ("a; filename*1=b; filename*0=a", "a", &[("filename", "ab")]),
            ("a; boundary=x; boundary=\"y\"", "a", &[("boundary", "x"), ("boundary", "y")]),
            ("a; name=\"=?utf-8?B?xbw=?=\"", "a", &[("name", "ż")]),
        ];
        for (value, head, parameters) in rows {
            let found = Structured::parse(value.as_bytes());
            let found_parameters: Vec<(&str, &str)> =
                found.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            assert_eq!((found.head.as_str(), found_parameters.as_slice()), (head, parameters), "{value}");
        }
    }
}
