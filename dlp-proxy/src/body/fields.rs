//! Fields: the view of JSON and of forms that the inspector reads.
//!
//! A document of fields becomes text with one line for each value, `label: value`, where the label is the nearest key.
//! So a key such as `iban` supports the value beside it. The [`FieldIndex`] leads from a place in that text back to the
//! field's path. Values that hold a document of their own (JSON in a string, base64, `data:` URIs) are left for a
//! second pass, in which they are walked as entities; two passes over a seekable body hold one value in memory, not all.

use super::BodyLimits;
use super::entity::{Declared, walk_entity};
use super::field_index::FieldIndex;
use super::nested::{self, Opener, Opens};
use super::walk::{View, Walk};
use dlp_core::base::Problem;
use dlp_core::content::{Input, ReadSeek};
use std::cell::RefCell;
use std::io::{self, BufRead, BufReader, Cursor, Read, SeekFrom};

/// Bytes of a field's path that are built and shown.
pub(super) const PATH_BYTES_MAX: usize = 512;
/// Bytes of a key that stand before its value.
pub(super) const LABEL_BYTES_MAX: usize = 256;

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
    let opener = Opener::new(limits, nests, limits.documents_max.saturating_sub(walk.documents));
    if let Err(error) = body.seek(SeekFrom::Start(0)) {
        return FieldsEnd::Unreadable(error);
    }
    let index = RefCell::new(FieldIndex::default());
    let fields = open(Box::new(BufReader::new(&mut *body)), limits);
    let mut view = FieldText { fields, opener, index: &index, text: Vec::new(), taken: 0, end: None };
    walk.examine("", Input::Stream(&mut view), View::Fields(&index));
    let (judged, end) = (view.opener, view.finish());
    report_closed(walk, &judged);
    walk.documents += judged.opened;
    // What waits belongs to these fields, and not to those of documents inside.
    let waiting = walk.take_deferred();
    let opened = if judged.opened > 0 { open_documents(walk, body, open, opener) } else { Ok(()) };
    walk.report_deferred(waiting);
    opened.map_or_else(FieldsEnd::Unreadable, |()| end)
}

/// Values that a bound left closed were scanned as text only.
fn report_closed(walk: &mut Walk<'_>, judged: &Opener<'_>) {
    let limits = walk.setup.limits;
    if judged.is_over_length {
        let message = "A value is too long to be decoded; it was scanned as text only.";
        walk.problem(Problem::limit("held_value_bytes_max", limits.held_value_bytes_max as u64, message));
    }
    if judged.is_over_number {
        let message = "The body holds more documents in values than its bound; the rest was scanned as text only.";
        walk.problem(Problem::limit("documents_max", limits.documents_max, message));
    }
}

/// The second pass: values that hold a document.
fn open_documents(walk: &mut Walk<'_>, body: &mut dyn ReadSeek, open: Open, mut opener: Opener<'_>) -> io::Result<()> {
    body.seek(SeekFrom::Start(0))?;
    let mut fields = open(Box::new(BufReader::new(body)), walk.setup.limits);
    walk.json_nesting += 1;
    while let Ok(Some(field)) = fields.next_field() {
        if walk.is_over() {
            break;
        }
        match opener.judge(&field) {
            Opens::No => {}
            Opens::Json => walk.within(field.path, |walk| {
                let declared = Declared { content_type: "application/json".to_owned(), ..Declared::default() };
                walk_entity(walk, &declared, &mut Cursor::new(field.value));
            }),
            Opens::Encoded => {
                let Some(bytes) = nested::decode_value(&field.value) else { continue };
                walk.within(format!("{} (decoded)", field.path), |walk| {
                    // The inspector may have decoded it in the text already.
                    walk.repeating(|walk| walk_entity(walk, &Declared::default(), &mut Cursor::new(bytes)));
                });
            }
        }
    }
    walk.json_nesting -= 1;
    Ok(())
}

/// The text view of fields.
struct FieldText<'v> {
    fields: Box<dyn Fields + 'v>,
    opener: Opener<'v>,
    index: &'v RefCell<FieldIndex>,
    text: Vec<u8>,
    taken: usize,
    end: Option<FieldsEnd>,
}

impl FieldText<'_> {
    /// Puts the next fields into the buffer; an empty buffer afterwards means the end.
    fn refill(&mut self) {
        self.text.clear();
        self.taken = 0;
        while self.text.len() < super::unpacked::CHUNK_BYTES && self.end.is_none() {
            match self.fields.next_field() {
                Ok(Some(field)) => self.append(&field),
                Ok(None) => self.end = Some(FieldsEnd::Complete),
                Err(end) => self.end = Some(end),
            }
        }
    }

    fn append(&mut self, field: &Field) {
        let is_document = self.opener.judge(field) == Opens::Json;
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

/// Writes the name of a field before its value.
pub(super) fn push_label(text: &mut Vec<u8>, label: &str) {
    if !label.is_empty() {
        let shown = label.floor_char_boundary(LABEL_BYTES_MAX);
        text.extend_from_slice(&label.as_bytes()[..shown]);
        text.extend_from_slice(b": ");
    }
}

impl Read for FieldText<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.text.len() {
            self.index.borrow_mut().advance(self.text.len() as u64);
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
    let index = FieldIndex::of_value(&text);
    text.extend_from_slice(value);
    (text, RefCell::new(index))
}
