//! Multipart bodies: finds the delimiters in one pass, then inspects each part as a range of the body.
//!
//! Nothing is left out: the preamble, the epilogue, parts without a name, parts behind the closing delimiter, and the
//! last part of a body that lacks its end are inspected like all others.

mod delimiter;
mod head;
mod transfer;

pub(super) use delimiter::sniff_boundary;
pub(super) use head::{PartHead, file_names};
pub(super) use transfer::decode_transfer;

use super::entity::{Declared, walk_entity};
use super::field_index::FieldIndex;
use super::fields::{self, Field, Fields, FieldsEnd};
use super::joined;
use super::unpacked::{self, Window};
use super::walk::{View, Walk};
use delimiter::{Found, Segment};
use dlp_core::base::{Problem, ProblemClass};
use dlp_core::content::{Input, ReadSeek};
use std::cell::RefCell;
use std::io;

/// Bytes that a line end takes; a preamble or epilogue of that size says nothing.
const LINE_END_BYTES: u64 = 2;

/// Walks a multipart body. `false` asks for a raw scan of the whole body as well.
pub(super) fn walk_multipart(walk: &mut Walk<'_>, content_type: &str, first: &[u8], body: &mut dyn ReadSeek) -> bool {
    let limits = walk.setup.limits;
    if walk.multipart_depth >= limits.multipart_depth_max {
        let message = "Multiparts are nested too deeply; the inner one was scanned raw.";
        walk.problem(Problem::limit("multipart_depth_max", u64::from(limits.multipart_depth_max), message));
        return false;
    }
    let found = match find(walk, content_type, first, body) {
        Ok(found) => found,
        Err(error) => {
            walk.unreadable(&error);
            return false;
        }
    };
    walk.multipart_depth += 1;
    let (mut parts, mut short) = (0, ShortFields::default());
    for segment in &found.segments {
        if walk.is_over() {
            break;
        }
        parts += usize::from(segment.is_part);
        walk_segment(walk, parts, (*segment, &mut *body), &mut short);
    }
    short.examine(walk);
    walk.multipart_depth -= 1;
    if found.segments.iter().filter(|segment| segment.is_part).count() > 1 && !walk.is_over() {
        let limits = walk.setup.limits;
        let fields = PartFields { segments: found.segments.iter(), body, header_max: limits.part_header_bytes_max };
        walk.within("fields, joined".to_owned(), |walk| joined::walk_joined_fields(walk, Box::new(fields)));
    }
    report(walk, &found)
}

/// Short text fields that follow each other, inspected together as those of other forms are: what a number is, the others
/// beside it tell.
#[derive(Default)]
struct ShortFields {
    text: Vec<u8>,
    index: RefCell<FieldIndex>,
}

impl ShortFields {
    /// Takes the content of a part in, if it is short text that nothing is packed in.
    fn take(&mut self, label: &str, declared: &Declared, content: &mut Window<'_>) -> bool {
        let Some(name) = &declared.field else { return false };
        let len_max = joined::PIECE_BYTES_MAX as u64;
        let is_short = unpacked::len_of(content).is_ok_and(|len| len <= len_max);
        let Some(value) = unpacked::peek(content, len_max).ok().filter(|value| is_short && declared.is_text(value))
        else {
            return false;
        };
        let label_start = self.text.len() as u64;
        fields::push_label(&mut self.text, name);
        self.index.get_mut().push(label, label_start, self.text.len() as u64);
        self.text.extend_from_slice(&value);
        self.text.push(b'\n');
        true
    }

    /// Inspects what was taken in.
    fn examine(&mut self, walk: &mut Walk<'_>) {
        let Self { text, index } = std::mem::take(self);
        if !text.is_empty() {
            walk.examine("", Input::Bytes(&text), View::Parts(&index));
        }
    }
}

/// The parts of a form as fields, for values that it has divided over several of them.
struct PartFields<'f> {
    segments: std::slice::Iter<'f, Segment>,
    body: &'f mut dyn ReadSeek,
    header_max: u64,
}

impl Fields for PartFields<'_> {
    fn next_field(&mut self) -> Result<Option<Field>, FieldsEnd> {
        let Some(segment) = self.segments.by_ref().find(|segment| segment.is_part) else { return Ok(None) };
        let mut part = Window::new(self.body, segment.start, segment.end);
        let (head, start) = read_head(&mut part, self.header_max)?;
        let mut value = Window::new(self.body, segment.start + start, segment.end);
        // A file, or what is longer than any piece, has none of a value that is divided.
        let is_piece = head.file_names.is_empty() && unpacked::len_of(&mut value)? <= joined::PIECE_BYTES_MAX as u64;
        let value = if is_piece { unpacked::peek(&mut value, joined::PIECE_BYTES_MAX as u64)? } else { vec![b' '] };
        Ok(Some(Field { value, is_first: is_piece, is_last: is_piece, is_text: true, ..Field::default() }))
    }
}

/// Finds the parts by the declared boundary, or, when the body does not have it, by the one that the body shows.
fn find(walk: &Walk<'_>, content_type: &str, first: &[u8], body: &mut dyn ReadSeek) -> io::Result<Found> {
    let parts_left = walk.setup.limits.parts_max.saturating_sub(walk.parts);
    let declared = head::parameter(content_type, "boundary").unwrap_or_default();
    if delimiter::is_boundary(declared.as_bytes()) {
        let found = delimiter::find(body, declared.as_bytes(), parts_left)?;
        if found.has_delimiter {
            return Ok(found);
        }
    }
    let Some(boundary) = sniff_boundary(first) else { return Ok(Found::default()) };
    let found = delimiter::find(body, &boundary, parts_left)?;
    let is_multipart_declared =
        content_type.trim_start().get(..10).is_some_and(|kind| kind.eq_ignore_ascii_case("multipart/"));
    Ok(Found { is_boundary_wrong: is_multipart_declared && found.has_delimiter, ..found })
}

/// Reports what was wrong with the structure; `true` means that the parts cover the body beyond doubt.
fn report(walk: &mut Walk<'_>, found: &Found) -> bool {
    if !found.has_delimiter {
        let message = "The multipart body has no delimiter; its raw bytes were scanned.";
        walk.problem(Problem::new(ProblemClass::Damaged, "multipart_boundary", message));
        return false;
    }
    if found.is_over_limit {
        let message = "The body has more parts than its bound; the rest was inspected in one piece.";
        walk.problem(Problem::limit("parts_max", walk.setup.limits.parts_max, message));
    }
    if !found.is_closed {
        let message = "The multipart body lacks its final delimiter; its last part was inspected up to the end.";
        walk.problem(Problem::new(ProblemClass::Damaged, "multipart_end", message));
    }
    let is_doubtful = found.has_near_delimiter || found.has_parts_behind_end || found.is_boundary_wrong;
    if is_doubtful {
        let message = "The multipart body can be read in two ways; its raw bytes were scanned as well.";
        walk.problem(Problem::new(ProblemClass::Ambiguous, "multipart_delimiter", message));
    }
    !is_doubtful
}

/// `number` counts parts from 1; before the first part it is 0.
fn walk_segment(
    walk: &mut Walk<'_>,
    number: usize,
    (segment, body): (Segment, &mut dyn ReadSeek),
    short: &mut ShortFields,
) {
    let mut window = Window::new(body, segment.start, segment.end);
    if segment.is_part {
        walk.parts += 1;
        return walk_part(walk, number, &mut window, short);
    }
    short.examine(walk);
    if segment.end - segment.start > LINE_END_BYTES {
        let name = if number == 0 { "preamble" } else { "epilogue" };
        walk.within(name.to_owned(), |walk| walk.examine_from_start(name, &mut window, View::Plain));
    }
}

fn walk_part(walk: &mut Walk<'_>, number: usize, part: &mut Window<'_>, short: &mut ShortFields) {
    let limit = walk.setup.limits.part_header_bytes_max;
    let (head, body_start) = match read_head(part, limit) {
        Ok(read) => read,
        Err(error) => return walk.unreadable(&error),
    };
    if head.is_cut {
        let message = "The header of a part is longer than its bound; the part was scanned raw.";
        walk.problem(Problem::limit("part_header_bytes_max", limit, message));
    }
    for name in &head.file_names {
        walk.file_name(name);
    }
    let label = head.label(number);
    walk.within(label.clone(), |walk| walk_head_text(walk, &head));
    let end = unpacked::len_of(part).unwrap_or(body_start);
    let (mut body, declared) = (Window::new(part, body_start, end), Declared::of_part(&head));
    if !short.take(&label, &declared, &mut body) {
        short.examine(walk);
        walk.within(label, |walk| walk_entity(walk, &declared, &mut body));
    }
}

fn read_head(part: &mut Window<'_>, limit: u64) -> io::Result<(PartHead, u64)> {
    let first = unpacked::peek(part, limit)?;
    let is_whole = unpacked::len_of(part)? <= first.len() as u64;
    Ok(PartHead::read(&first, is_whole))
}

/// Names and other header text of a part can carry what is looked for.
fn walk_head_text(walk: &mut Walk<'_>, head: &PartHead) {
    let text = head.text();
    if !text.is_empty() {
        walk.within("header".to_owned(), |walk| {
            walk.examine("", Input::Bytes(text.as_bytes()), View::Plain);
        });
    }
}

/// Walks an `application/http` message, as batch requests hold them: a head, then an entity.
pub(super) fn walk_http_message(walk: &mut Walk<'_>, body: &mut dyn ReadSeek) -> bool {
    let limit = walk.setup.limits.part_header_bytes_max;
    let Ok(first) = unpacked::peek(body, limit) else { return false };
    let line_end = memchr::memchr(b'\n', &first).map_or(first.len(), |at| at + 1);
    let is_whole = (first.len() as u64) < limit;
    let (head, head_len) = PartHead::read(&first[line_end..], is_whole);
    let request_line = String::from_utf8_lossy(first[..line_end].trim_ascii()).into_owned();
    walk.within("http message".to_owned(), |walk| {
        walk.examine("request line", Input::Bytes(request_line.as_bytes()), View::Plain);
        walk_head_text(walk, &head);
        let end = unpacked::len_of(body).unwrap_or(0);
        let mut inner = Window::new(body, line_end as u64 + head_len, end);
        walk_entity(walk, &Declared::of_part(&head), &mut inner);
    });
    true
}
