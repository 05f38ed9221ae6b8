//! XML as a stream of fields: text and attributes with their element's path, predefined entities and character
//! references decoded, no document type, nothing external.
//!
//! The reader checks no more than it needs to keep its place. A document type declaration, an unclosed construct or a
//! tag longer than its bound makes the body damaged, and its raw bytes are scanned.

use super::BodyLimits;
use super::fields::{Field, Fields, FieldsEnd, LABEL_BYTES_MAX, PATH_BYTES_MAX};
use std::collections::VecDeque;
use std::io::BufRead;

/// Longest tag, attributes included.
const TAG_BYTES_MAX: usize = 256 * 1024;
/// Longest character reference or entity, `&#x10FFFF;`.
const ENTITY_BYTES_MAX: usize = 10;
/// Bytes of a text that comments and the like divide, put together again; of a longer one its parts with as much of what lies
/// before them.
const RUN_BYTES_MAX: usize = 64 * 1024;
const RUN_OVERLAP_BYTES: usize = 4 * 1024;

/// Opens the fields of XML text.
pub(super) fn open<'b>(input: Box<dyn BufRead + 'b>, limits: &'b BodyLimits) -> Box<dyn Fields + 'b> {
    Box::new(XmlFields {
        input,
        limits,
        path: Vec::new(),
        ready: VecDeque::new(),
        carried: Vec::new(),
        in_text: false,
        run: DividedText::default(),
    })
}

struct XmlFields<'b> {
    input: Box<dyn BufRead + 'b>,
    limits: &'b BodyLimits,
    /// Names of the open elements.
    path: Vec<String>,
    /// Fields of a tag that was read.
    ready: VecDeque<Field>,
    /// Start of an entity whose end is in the next piece.
    carried: Vec<u8>,
    /// The text of an element goes on in pieces.
    in_text: bool,
    run: DividedText,
}

/// The text between two tags, which is one text to whoever reads it, whatever comments, instructions and CDATA sections
/// stand in it.
#[derive(Default)]
struct DividedText {
    text: Vec<u8>,
    /// Its parts that are not blank, the pieces of a long one counted as one.
    parts: usize,
}

impl DividedText {
    fn push(&mut self, part: &[u8], is_first: bool) {
        self.parts += usize::from(is_first && !part.trim_ascii().is_empty());
        self.text.extend_from_slice(part);
    }

    /// What its parts are together, if there are several.
    fn together(&self) -> Option<Vec<u8>> {
        (self.parts > 1).then(|| self.text.clone())
    }
}

/// How a run of bytes ended.
#[derive(PartialEq, Eq)]
enum Run {
    Found,
    Full,
    End,
}

impl XmlFields<'_> {
    /// Reads up to `stop`, which is consumed and left out.
    fn read_until(&mut self, stop: u8, len_max: usize, out: &mut Vec<u8>) -> Result<Run, FieldsEnd> {
        loop {
            let available = self.input.fill_buf()?;
            if available.is_empty() {
                return Ok(Run::End);
            }
            let run = memchr::memchr(stop, available).unwrap_or(available.len());
            let taken = run.min(len_max.saturating_sub(out.len()));
            out.extend_from_slice(&available[..taken]);
            let is_found = taken == run && run < available.len();
            self.input.consume(taken + usize::from(is_found));
            if is_found {
                return Ok(Run::Found);
            }
            if taken < run {
                return Ok(Run::Full);
            }
        }
    }

    /// Reads up to a longer end such as `-->`.
    fn read_until_end(&mut self, end: &[u8], out: &mut Vec<u8>) -> Result<(), FieldsEnd> {
        while !out.ends_with(end) {
            let mut piece = Vec::new();
            let room = self.limits.held_value_bytes_max.saturating_sub(out.len());
            if self.read_until(b'>', room, &mut piece)? != Run::Found {
                return Err(FieldsEnd::Damaged);
            }
            out.extend_from_slice(&piece);
            out.push(b'>');
        }
        out.truncate(out.len() - end.len());
        Ok(())
    }

    fn pointer(&self) -> String {
        let mut pointer = String::new();
        for name in &self.path {
            if pointer.len() > PATH_BYTES_MAX {
                break;
            }
            pointer.push('/');
            pointer.push_str(name);
        }
        pointer
    }

    fn field(&self, value: Vec<u8>) -> Field {
        let label = self.path.last().cloned().unwrap_or_default();
        Field { path: self.pointer(), label, value, is_first: true, is_last: true, is_text: true }
    }

    /// Text up to the next tag, in pieces when it is long.
    fn text(&mut self) -> Result<Option<Field>, FieldsEnd> {
        let mut raw = std::mem::take(&mut self.carried);
        let end = self.read_until(b'<', self.limits.held_value_bytes_max.max(ENTITY_BYTES_MAX + 1), &mut raw)?;
        if end == Run::Full
            && let Some(at) = memchr::memrchr(b'&', &raw).filter(|&at| raw.len() - at < ENTITY_BYTES_MAX)
        {
            self.carried = raw.split_off(at);
        }
        let is_first = !std::mem::replace(&mut self.in_text, end == Run::Full);
        let is_empty = raw.trim_ascii().is_empty() && is_first && end != Run::Full;
        let field = Field { is_first, is_last: end != Run::Full, ..self.field(unescaped(&raw)) };
        self.join(&field.value, is_first);
        match end {
            Run::Full => {}
            Run::Found => self.markup()?,
            Run::End if self.path.is_empty() => self.end_run(),
            Run::End => return Err(FieldsEnd::Damaged),
        }
        Ok((!is_empty).then_some(field))
    }

    /// Takes a part of a text that may be divided.
    fn join(&mut self, part: &[u8], is_first: bool) {
        self.run.push(part, is_first);
        if self.run.text.len() > RUN_BYTES_MAX {
            self.give_run();
            let surplus = self.run.text.len().saturating_sub(RUN_OVERLAP_BYTES);
            self.run.text.drain(..surplus);
            self.run.parts = self.run.parts.min(1);
        }
    }

    fn give_run(&mut self) {
        let together = self.run.together().map(|text| self.field(text));
        self.ready.extend(together);
    }

    fn end_run(&mut self) {
        self.give_run();
        self.run = DividedText::default();
    }

    /// What follows a `<`.
    fn markup(&mut self) -> Result<(), FieldsEnd> {
        let mut tag = Vec::new();
        self.read_tag(&mut tag)?;
        match tag.as_slice() {
            [b'!', b'-', b'-', ..] => self.special(tag, 3, b"-->"),
            [b'!', b'[', b'C', b'D', b'A', b'T', b'A', b'[', ..] => self.special(tag, 8, b"]]>"),
            [b'?', b'x', b'm', b'l', b' ', ..] if tag.ends_with(b"?") => Ok(()),
            [b'?', ..] => self.special(tag, 1, b"?>"),
            [b'!', ..] | [] => Err(FieldsEnd::Damaged),
            [b'/', name @ ..] if name.trim_ascii_end().iter().any(u8::is_ascii_whitespace) => Err(FieldsEnd::Damaged),
            [b'/', ..] => {
                self.end_run();
                self.path.pop().map(|_| ()).ok_or(FieldsEnd::Damaged)
            }
            _ => {
                self.end_run();
                self.start_tag(&tag)
            }
        }
    }

    /// A tag up to a `>` that stands in no quotes.
    fn read_tag(&mut self, tag: &mut Vec<u8>) -> Result<(), FieldsEnd> {
        let (mut quote, mut judged) = (None, 0);
        loop {
            if self.read_until(b'>', TAG_BYTES_MAX, tag)? != Run::Found {
                return Err(FieldsEnd::Damaged);
            }
            quote = open_quote(quote, &tag[judged..]);
            judged = tag.len();
            if quote.is_none() || tag.starts_with(b"!") || tag.starts_with(b"?") {
                return Ok(());
            }
            tag.push(b'>');
        }
    }

    /// A comment, CDATA section or processing instruction: its first part is read, the rest up to its own end follows.
    fn special(&mut self, mut text: Vec<u8>, start: usize, end: &[u8]) -> Result<(), FieldsEnd> {
        text.push(b'>');
        text.drain(..start);
        self.read_until_end(end, &mut text)?;
        if end == b"]]>" {
            self.join(&text, true);
        }
        let field = self.field(text);
        self.ready.push_back(field);
        Ok(())
    }

    fn start_tag(&mut self, tag: &[u8]) -> Result<(), FieldsEnd> {
        let is_closed = tag.ends_with(b"/");
        let inner = tag.strip_suffix(b"/").unwrap_or(tag);
        let name_end = inner.iter().position(u8::is_ascii_whitespace).unwrap_or(inner.len());
        let name = String::from_utf8_lossy(&inner[..name_end]).into_owned();
        if name.is_empty() || name.len() > LABEL_BYTES_MAX || name.contains(['"', '\'', '<', '=']) {
            return Err(FieldsEnd::Damaged);
        }
        self.path.push(name);
        if self.path.len() > self.limits.xml_depth_max {
            return Err(FieldsEnd::Limit("xml_depth_max", self.limits.xml_depth_max as u64));
        }
        let element = self.pointer();
        for (name, value) in attributes(&inner[name_end..]).ok_or(FieldsEnd::Damaged)? {
            let path = format!("{element}/@{name}");
            let value = unescaped(value);
            self.ready.push_back(Field { path, label: name, value, is_first: true, is_last: true, is_text: true });
        }
        if is_closed {
            self.path.pop();
        }
        Ok(())
    }
}

impl Fields for XmlFields<'_> {
    fn next_field(&mut self) -> Result<Option<Field>, FieldsEnd> {
        loop {
            if let Some(field) = self.ready.pop_front() {
                return Ok(Some(field));
            }
            let is_at_end = !self.in_text && self.carried.is_empty() && self.input.fill_buf()?.is_empty();
            if is_at_end {
                return if self.path.is_empty() { Ok(None) } else { Err(FieldsEnd::Damaged) };
            }
            // The text comes before the fields of the tag behind it.
            if let Some(field) = self.text()? {
                return Ok(Some(field));
            }
        }
    }
}

/// The quote that is open behind some bytes of a tag.
fn open_quote(mut open: Option<u8>, bytes: &[u8]) -> Option<u8> {
    for &byte in bytes {
        match open {
            Some(quote) if quote == byte => open = None,
            None if matches!(byte, b'"' | b'\'') => open = Some(byte),
            _ => {}
        }
    }
    open
}

/// Names and raw values of the attributes of a tag; `None` when anything else stands in it.
fn attributes(mut text: &[u8]) -> Option<Vec<(String, &[u8])>> {
    let mut found = Vec::new();
    while !text.trim_ascii().is_empty() {
        let equals = memchr::memchr(b'=', text)?;
        let name = text[..equals].trim_ascii();
        let (&quote, quoted) = text[equals + 1..].trim_ascii_start().split_first()?;
        let is_name = (1..=LABEL_BYTES_MAX).contains(&name.len()) && !name.iter().any(u8::is_ascii_whitespace);
        if !is_name || !matches!(quote, b'"' | b'\'') {
            return None;
        }
        let end = memchr::memchr(quote, quoted)?;
        found.push((String::from_utf8_lossy(name).into_owned(), &quoted[..end]));
        text = &quoted[end + 1..];
    }
    Some(found)
}

/// Decodes predefined entities and character references; others stay as they are.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'&', rest) {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at..];
        let window = &rest[..rest.len().min(ENTITY_BYTES_MAX)];
        let decoded = memchr::memchr(b';', window).and_then(|end| Some((entity(&rest[1..end])?, end)));
        match decoded {
            Some((character, end)) => {
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                rest = &rest[end + 1..];
            }
            None => {
                out.push(b'&');
                rest = &rest[1..];
            }
        }
    }
    out.extend_from_slice(rest);
    out
}

fn entity(name: &[u8]) -> Option<char> {
    let number = |digits: &[u8], radix| u32::from_str_radix(std::str::from_utf8(digits).ok()?, radix).ok();
    match name {
        b"amp" => Some('&'),
        b"lt" => Some('<'),
        b"gt" => Some('>'),
        b"quot" => Some('"'),
        b"apos" => Some('\''),
        [b'#', b'x' | b'X', digits @ ..] => char::from_u32(number(digits, 16)?),
        [b'#', digits @ ..] => char::from_u32(number(digits, 10)?),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::BufReader;

    fn read(text: &[u8], buffer_bytes: usize, limits: &BodyLimits) -> (Vec<(String, String)>, &'static str) {
        let mut fields = open(Box::new(BufReader::with_capacity(buffer_bytes, text)), limits);
        let mut found = Vec::new();
        loop {
            match fields.next_field() {
                Ok(Some(field)) => found.push((field.path, String::from_utf8_lossy(&field.value).into_owned())),
                Ok(None) => return (found, "complete"),
                Err(FieldsEnd::Limit(name, _)) => return (found, name),
                Err(_) => return (found, "damaged"),
            }
        }
    }

    fn check(text: &str, expected: &[(&str, &str)], end: &str) {
        let limits = BodyLimits { xml_depth_max: 3, ..BodyLimits::default() };
        for buffer_bytes in [1, 5, 4096] {
            let (found, ended) = read(text.as_bytes(), buffer_bytes, &limits);
            let found: Vec<_> = found.iter().map(|(path, value)| (path.as_str(), value.as_str())).collect();
            assert_eq!((found.as_slice(), ended), (expected, end), "{text}");
        }
    }

    #[test]
    fn text_and_attributes_become_fields() {
        check("<?xml version=\"1.0\"?>\n<a><b>x</b><b>y</b></a>", &[("/a/b", "x"), ("/a/b", "y")], "complete");
        check("<a k=\"1 &gt; 0\" l='>'>t</a>", &[("/a/@k", "1 > 0"), ("/a/@l", ">"), ("/a", "t")], "complete");
        check("<a>x&amp;&#52;&#x34;&zz;&</a>", &[("/a", "x&44&zz;&")], "complete");
        check("<a>t<b/>u</a>", &[("/a", "t"), ("/a", "u")], "complete");
        check("<a><![CDATA[<x> ]] ]]><!-- c > d --></a>", &[("/a", "<x> ]] "), ("/a", " c > d ")], "complete");
        let divided = "<a>4000 01<!-- x -->00<![CDATA[ 0007]]> <?p?>1234</a>";
        let parts = [("/a", "4000 01"), ("/a", " x "), ("/a", "00"), ("/a", " 0007"), ("/a", "p"), ("/a", "1234")];
        check(divided, &[&parts[..], &[("/a", "4000 0100 0007 1234")]].concat(), "complete");
        check(
            "<a>\n<!-- x -->t<b/><!-- y -->u</a>",
            &[("/a", " x "), ("/a", "t"), ("/a", " y "), ("/a", "u")],
            "complete",
        );
        check("<?note > x?><a/>", &[("", "note > x")], "complete");
        check("<a>x</a y>", &[], "damaged");
        check("<a k=1/>", &[], "damaged");
        check("<a k='1' x/>", &[], "damaged");
        check("<a>x", &[], "damaged");
        check("<a", &[], "damaged");
        check("</a>", &[], "damaged");
        check("<!DOCTYPE a><a/>", &[], "damaged");
        check("<a><b><c><d>x</d></c></b></a>", &[], "xml_depth_max");
        check("", &[], "complete");
    }

    proptest! {
        #[test]
        fn chunking_changes_nothing_and_bytes_never_panic(
            text in proptest::collection::vec(proptest::sample::select(b"<>/!-[]CDATA?&;#x4\"'= ab\xff".to_vec()), 0..80),
            held_value_bytes_max in 1_usize..40,
        ) {
            let limits = BodyLimits { held_value_bytes_max, ..BodyLimits::default() };
            prop_assert_eq!(read(&text, 1, &limits), read(&text, 4096, &limits));
        }
    }
}
