//! Fields: the view of JSON and of forms that the inspector reads.
//!
//! A document of fields becomes text with one line for each value, `label: value`, where the label is the nearest key.
//! So a key such as `iban` supports the value beside it. The [`FieldIndex`] leads from a place in that text back to the
//! field's path. Values that hold a document of their own (JSON in a string, base64, `data:` URIs) are left for a
//! second pass, in which they are walked as entities; two passes over a seekable body hold one value in memory, not all.

use super::entity::{Declared, walk_entity};
use super::walk::{View, Walk};
use super::{BodyLimits, json};
use data_encoding::{Encoding, Specification};
use dlp_core::base::{Problem, Span};
use dlp_core::content::{Input, Location, OffsetBase, ReadSeek};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Cursor, Read, SeekFrom};
use std::sync::LazyLock;

/// Bytes of field paths that are kept to place findings. The inspector reports a finding soon after it has read it, so
/// the latest fields are enough; a finding whose field was forgotten keeps its place in the view.
const INDEX_BYTES_MAX: usize = 4 << 20;
/// Bytes of a field's path that are shown.
const PATH_BYTES_MAX: usize = 512;
/// Bytes of a key that stand before its value.
const LABEL_BYTES_MAX: usize = 256;

/// One value, or a piece of a value that is too long to be held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Field {
    /// Path for people: a JSON pointer, or the name of a form field.
    pub(super) path: String,
    /// The nearest key.
    pub(super) label: String,
    /// The decoded value.
    pub(super) value: Vec<u8>,
    /// The first piece of its value.
    pub(super) is_first: bool,
    /// The last piece of its value.
    pub(super) is_last: bool,
    /// Text rather than a number, so it may hold a document.
    pub(super) is_text: bool,
}

/// Reads fields one after the other.
pub(super) trait Fields {
    /// The next field; `None` at the end.
    fn next_field(&mut self) -> Result<Option<Field>, FieldsEnd>;
}

/// How the reading of fields ended.
#[derive(Debug)]
pub(super) enum FieldsEnd {
    /// All fields were read.
    Complete,
    /// The syntax is broken from some place on.
    Damaged,
    /// A bound was reached: its name and value.
    Limit(&'static str, u64),
    /// The body could not be read.
    Unreadable(io::Error),
}

impl From<io::Error> for FieldsEnd {
    fn from(error: io::Error) -> Self {
        Self::Unreadable(error)
    }
}

/// Opens a reader of fields.
pub(super) type Open = for<'b> fn(Box<dyn BufRead + 'b>, &'b BodyLimits) -> Box<dyn Fields + 'b>;

/// Inspects all fields of a body: their text as one input, then each document in a value.
pub(super) fn walk_fields(walk: &mut Walk<'_>, body: &mut dyn ReadSeek, open: Open) -> FieldsEnd {
    let limits = walk.setup.limits;
    let nests = walk.json_nesting < limits.json_nesting_max;
    if let Err(error) = body.seek(SeekFrom::Start(0)) {
        return FieldsEnd::Unreadable(error);
    }
    let index = RefCell::new(FieldIndex::default());
    let fields = open(Box::new(BufReader::new(&mut *body)), limits);
    let mut view = FieldText {
        fields,
        limits,
        nests,
        index: &index,
        text: Vec::new(),
        taken: 0,
        children: 0,
        hides_document: false,
        end: None,
    };
    walk.examine("", Input::Stream(&mut view), View::Fields(&index));
    let (children, hides_document, end) = (view.children, view.hides_document, view.finish());
    if hides_document {
        let limit = limits.held_value_bytes_max as u64;
        let message = "A value is too long to be decoded; it was scanned as text only.";
        walk.problem(Problem::limit("held_value_bytes_max", limit, message));
    }
    if children > 0
        && let Err(error) = walk_children(walk, body, open, nests)
    {
        return FieldsEnd::Unreadable(error);
    }
    end
}

/// The second pass: values that hold a document.
fn walk_children(walk: &mut Walk<'_>, body: &mut dyn ReadSeek, open: Open, nests: bool) -> io::Result<()> {
    let limits = walk.setup.limits;
    body.seek(SeekFrom::Start(0))?;
    let mut fields = open(Box::new(BufReader::new(body)), limits);
    walk.json_nesting += 1;
    while let Ok(Some(field)) = fields.next_field() {
        if walk.is_over() {
            break;
        }
        match child_of(&field, limits, nests) {
            Some(Child::Json) => walk.within(field.path, |walk| {
                let declared = Declared { content_type: "application/json".to_owned(), ..Declared::default() };
                walk_entity(walk, &declared, &mut Cursor::new(field.value));
            }),
            Some(Child::Encoded(bytes)) => walk.within(format!("{} (decoded)", field.path), |walk| {
                walk_entity(walk, &Declared::default(), &mut Cursor::new(bytes));
            }),
            None => {}
        }
    }
    walk.json_nesting -= 1;
    Ok(())
}

/// A document in a value.
enum Child {
    Json,
    Encoded(Vec<u8>),
}

fn child_of(field: &Field, limits: &BodyLimits, nests: bool) -> Option<Child> {
    if !(field.is_first && field.is_last && field.is_text) {
        return None;
    }
    if is_nested_json(field, limits, nests) {
        return Some(Child::Json);
    }
    decode_value(&field.value, limits.base64_chars_min).map(Child::Encoded)
}

fn is_nested_json(field: &Field, limits: &BodyLimits, nests: bool) -> bool {
    let is_whole_text = field.is_first && field.is_last && field.is_text;
    let text = field.value.trim_ascii();
    let is_enclosed = matches!((text.first(), text.last()), (Some(b'{'), Some(b'}')) | (Some(b'['), Some(b']')));
    nests && is_whole_text && text.len() > 2 && is_enclosed && json::is_json(text, limits)
}

/// Decodes a value that is base64 throughout, or a `data:` URI.
fn decode_value(value: &[u8], chars_min: usize) -> Option<Vec<u8>> {
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
    if text.len() < chars_min { None } else { decode_base64(text) }
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

/// The text view of fields.
struct FieldText<'v> {
    fields: Box<dyn Fields + 'v>,
    limits: &'v BodyLimits,
    nests: bool,
    index: &'v RefCell<FieldIndex>,
    text: Vec<u8>,
    taken: usize,
    children: u64,
    hides_document: bool,
    end: Option<FieldsEnd>,
}

impl FieldText<'_> {
    /// Puts the next fields into the buffer; an empty buffer afterwards means the end.
    fn refill(&mut self) {
        self.text.clear();
        self.taken = 0;
        while self.text.len() < super::spool::CHUNK_BYTES && self.end.is_none() {
            match self.fields.next_field() {
                Ok(Some(field)) => self.append(&field),
                Ok(None) => self.end = Some(FieldsEnd::Complete),
                Err(end) => self.end = Some(end),
            }
        }
    }

    fn append(&mut self, field: &Field) {
        let is_document = is_nested_json(field, self.limits, self.nests);
        let is_encoded = !is_document && field.is_first && field.is_last && may_be_encoded(field, self.limits);
        self.hides_document |= hides_document(field, self.limits);
        self.children += u64::from(is_document || is_encoded);
        let label_start = self.text.len() as u64;
        if field.is_first {
            push_label(&mut self.text, &field.label);
        }
        self.index.borrow_mut().push(&field.path, label_start, self.text.len() as u64);
        if !is_document {
            self.text.extend_from_slice(&field.value);
        }
        if field.is_last {
            self.text.push(b'\n');
        }
    }

    /// How the reading ended; an inspector that stopped early has said so itself.
    fn finish(self) -> FieldsEnd {
        self.end.unwrap_or(FieldsEnd::Complete)
    }
}

/// Whether a value is worth the second pass, in which decoding tells.
fn may_be_encoded(field: &Field, limits: &BodyLimits) -> bool {
    let text = field.value.trim_ascii();
    let is_data = text.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"data:"));
    field.is_text && (is_data || text.len() >= limits.base64_chars_min && is_base64(text))
}

/// Whether the first piece of a value that is too long to be held starts a document that is not opened therefore.
fn hides_document(field: &Field, limits: &BodyLimits) -> bool {
    let is_open = matches!(field.value.trim_ascii_start().first(), Some(b'{' | b'['));
    field.is_first && !field.is_last && (is_open || may_be_encoded(field, limits))
}

fn push_label(text: &mut Vec<u8>, label: &str) {
    if !label.is_empty() {
        let shown = label.floor_char_boundary(LABEL_BYTES_MAX);
        text.extend_from_slice(&label.as_bytes()[..shown]);
        text.extend_from_slice(b": ");
    }
}

impl Read for FieldText<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.text.len() {
            self.index.borrow_mut().text_before += self.text.len() as u64;
            self.refill();
        }
        let len = buffer.len().min(self.text.len() - self.taken);
        buffer[..len].copy_from_slice(&self.text[self.taken..self.taken + len]);
        self.taken += len;
        Ok(len)
    }
}

/// A short value with its label before it, and the way back to the value's own offsets.
pub(super) fn labelled(label: &str, value: &[u8]) -> (Vec<u8>, RefCell<FieldIndex>) {
    let mut text = Vec::with_capacity(label.len() + value.len() + 2);
    push_label(&mut text, label);
    let mut index = FieldIndex { keeps_lines: true, ..FieldIndex::default() };
    index.label_chars = String::from_utf8_lossy(&text).chars().count() as u64;
    index.push("", 0, text.len() as u64);
    text.extend_from_slice(value);
    (text, RefCell::new(index))
}

/// Leads from offsets in the text view back to fields.
#[derive(Default)]
pub(super) struct FieldIndex {
    entries: VecDeque<Entry>,
    bytes: usize,
    /// Text that was handed out before the buffer that is being filled.
    text_before: u64,
    /// The view is one value, whose lines are the value's lines.
    keeps_lines: bool,
    label_chars: u64,
}

struct Entry {
    label_start: u64,
    value_start: u64,
    path: String,
}

impl FieldIndex {
    /// Adds a field by the offsets of its label and its value in the buffer that is being filled.
    fn push(&mut self, path: &str, label_start: u64, value_start: u64) {
        let path = path[..path.floor_char_boundary(PATH_BYTES_MAX)].to_owned();
        self.bytes += path.len() + size_of::<Entry>();
        let before = self.text_before;
        self.entries.push_back(Entry { label_start: before + label_start, value_start: before + value_start, path });
        while self.bytes > INDEX_BYTES_MAX {
            let Some(oldest) = self.entries.pop_front() else { break };
            self.bytes -= oldest.path.len() + size_of::<Entry>();
        }
    }

    /// Replaces a place in the view by the field and the offset in its value.
    pub(super) fn place(&self, location: &mut Location) {
        if self.keeps_lines {
            return self.place_in_value(location);
        }
        location.start = None;
        location.end = None;
        location.offset_base = OffsetBase::Text;
        // A finding may begin in the field before: the field is that of its last byte.
        let last = location.span.end.0.saturating_sub(1);
        let behind = self.entries.partition_point(|entry| entry.label_start <= last);
        if let Some(entry) = behind.checked_sub(1).and_then(|at| self.entries.get(at)) {
            location.part = Some(entry.path.clone());
            location.span = shifted(location.span, entry.value_start);
        }
    }

    fn place_in_value(&self, location: &mut Location) {
        let value_start = self.entries.front().map_or(0, |entry| entry.value_start);
        location.span = shifted(location.span, value_start);
        for place in [&mut location.start, &mut location.end].into_iter().flatten() {
            if place.line == 1 {
                place.column = place.column.saturating_sub(self.label_chars).max(1);
            }
        }
    }
}

fn shifted(span: Span, by: u64) -> Span {
    Span::new(span.start.0.saturating_sub(by), span.end.0.saturating_sub(by))
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
            ("aGVsbG8=", None),
            (&"word ".repeat(100), Some(data_encoding::BASE64.decode("word".repeat(100).as_bytes()).unwrap())),
            (&"no, text! ".repeat(100), None),
        ];
        for (value, expected) in rows {
            assert_eq!(decode_value(value.as_bytes(), 256), expected, "{value}");
        }
    }

    #[test]
    fn places_lead_back_to_the_field() {
        let mut index = FieldIndex::default();
        index.push("/a", 1, 3);
        index.push("/b", 17, 20);
        let mut location = Location { span: Span::new(21, 25), ..Location::default() };
        index.place(&mut location);
        assert_eq!((location.part.as_deref(), location.span), (Some("/b"), Span::new(1, 5)));
        let mut before = Location { span: Span::new(0, 1), ..Location::default() };
        index.place(&mut before);
        assert_eq!(before.part, None);
    }
}
