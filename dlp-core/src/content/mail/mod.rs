//! Mail: messages, mailboxes, saved web pages. Everything that is built of MIME parts.
//!
//! Headers are handed out as they stand, then once more where words in them are encoded. Texts are decoded with maps
//! back to their encoded bytes; files and messages inside are walked as children. Parts are kept on a stack of their
//! own. Where declarations contradict each other, each is believed once and the message is ambiguous.

mod header;
mod mailbox;
mod sniff;

pub(super) use mailbox::walk as walk_mailbox;
pub(super) use sniff::{is_mailbox, is_message};

use super::decode::{Derived, compose, transfer};
use super::walk::{Step, Walk};
use super::{Input, Join, MapRun, Origin, Part, Place, Relation, Role, Segment, SourceLines, doubts, views};
use crate::base::{MIME_BOUNDARIES_MAX, MIME_DEPTH_MAX, MIME_PARTS_MAX, Problem, ProblemClass};
use crate::matching::LineCounter;
use crate::text::{self, Charset, Transcoded, Transcoder, is_utf8};
use header::{Field, Structured};
use std::borrow::Cow;
use std::cell::Cell;
use std::ops::Range;

/// Walks one message.
pub(super) fn walk(walk: &mut Walk<'_>, input: Input<'_>) -> Step {
    walk.with_held(input, |walk, bytes| {
        // Some programs store a message behind its length, and data of their own behind it.
        let Range { start, end } = sniff::stored_range(bytes);
        raw(walk, bytes, 0..start)?;
        message(walk, bytes, start..end)?;
        match bytes.get(end..) {
            Some(rest) if !rest.is_empty() => walk.child("", Relation::Gap, Input::Bytes(rest)),
            _ => Ok(()),
        }
    })
}

/// A part that is still to be read.
struct Entity {
    range: Range<usize>,
    /// Numbers of the parts that lead here: `2.1`.
    path: String,
    depth: usize,
    /// The kind of content when nothing is declared.
    is_digest: bool,
}

/// What is left to read of a message.
struct Message<'d> {
    bytes: &'d [u8],
    waiting: Vec<Entity>,
    /// A byte and the line in which it stands.
    counted: Cell<(usize, u64)>,
    lines: SourceLines<'d>,
}

fn message(walk: &mut Walk<'_>, bytes: &[u8], range: Range<usize>) -> Step {
    let root = Entity { range, path: String::new(), depth: 0, is_digest: false };
    let lines = SourceLines::new(bytes, Origin::Bytes(0), LineCounter::new());
    let mut message = Message { bytes, waiting: vec![root], counted: Cell::new((0, 1)), lines };
    let mut parts = 0;
    while let Some(entity) = message.waiting.pop() {
        parts += 1;
        walk.check_budget()?;
        if parts > MIME_PARTS_MAX {
            let text = "the message has more parts than the bound; the rest was scanned as it is";
            walk.problem(Problem::limit("mime_parts_max", MIME_PARTS_MAX as u64, text));
            return raw(walk, bytes, entity.range.start..bytes.len());
        }
        message.entity(walk, &entity)?;
    }
    Ok(())
}

impl Message<'_> {
    fn entity(&mut self, walk: &mut Walk<'_>, entity: &Entity) -> Step {
        let bytes = &self.bytes[entity.range.clone()];
        let (header_len, fields) = header::read(bytes);
        self.header(walk, entity, header_len, &fields)?;
        let body = entity.range.start + header_len..entity.range.end;
        let declared = Declared::of(&fields, entity.is_digest);
        if declared.is_multipart() {
            if entity.depth < MIME_DEPTH_MAX {
                return self.multipart(walk, entity, body, &declared);
            }
            let text = "multiparts nest deeper than the bound; the rest was scanned as it is";
            walk.problem(Problem::limit("mime_depth_max", MIME_DEPTH_MAX as u64, text));
            return raw(walk, self.bytes, body);
        }
        self.leaf(walk, entity, body, &declared)
    }

    /// The header as it stands, then the fields whose text reads differently.
    fn header(&self, walk: &mut Walk<'_>, entity: &Entity, len: usize, fields: &[Field]) -> Step {
        let start = entity.range.start;
        let name = if entity.path.is_empty() { "header".to_owned() } else { format!("header {}", entity.path) };
        let part = Part { role: Role::Property, name: &name };
        let place = Place::Lines(self.line(start));
        let text = &self.bytes[start..start + len];
        walk.emit(&Segment { text, part, place, join: Join::Line, origin: Origin::Bytes(start as u64) })?;
        for field in fields {
            walk.check_budget()?;
            let structured = Structured::parse(&field.value);
            let names = structured.parameters.iter().map(|(_, value)| value.clone());
            let whole = std::iter::once(header::text(&field.value));
            for text in whole.chain(names).filter(|text| !is_part_of(text, &field.value)) {
                let part = Part { role: Role::Property, name: &field.name };
                let text = format!("{}: {text}", field.name);
                let (place, origin) = (Place::None, Origin::None);
                walk.emit(&Segment { text: text.as_bytes(), part, place, join: Join::Line, origin })?;
            }
        }
        Ok(())
    }

    /// The line in which a byte stands. Parts come in order, so every byte is counted about once.
    fn line(&self, at: usize) -> u64 {
        let (from, line) = self.counted.get();
        let (from, line) = if from <= at { (from, line) } else { (0, 1) };
        let line = line + memchr::memchr_iter(b'\n', &self.bytes[from..at]).count() as u64;
        self.counted.set((at, line));
        line
    }

    /// Puts the parts of a multipart on the stack; what stands around them is text.
    fn multipart(&mut self, walk: &mut Walk<'_>, entity: &Entity, body: Range<usize>, declared: &Declared) -> Step {
        if declared.boundaries.len() > 1 {
            walk.problem(conflict("a multipart declares several boundaries; parts end at each of them"));
        }
        if declared.has_more_boundaries {
            let message = "a multipart declares more boundaries than the bound; parts do not end at the others";
            walk.problem(Problem::limit("mime_boundaries_max", MIME_BOUNDARIES_MAX as u64, message));
        }
        let pieces = pieces(self.bytes, body.clone(), &declared.boundaries, &mut || walk.check_budget())?;
        if pieces.parts.is_empty() {
            walk.problem(Problem::new(ProblemClass::Damaged, "mime_boundary", "a multipart has no parts"));
            return self.leaf(walk, entity, body, &Declared::default());
        }
        for around in pieces.around {
            raw(walk, self.bytes, around)?;
        }
        let number = |index: usize| match entity.path.as_str() {
            "" => (index + 1).to_string(),
            path => format!("{path}.{}", index + 1),
        };
        let (depth, is_digest) = (entity.depth + 1, declared.kind == "multipart/digest");
        let children = pieces.parts.into_iter().enumerate();
        let children = children.map(|(index, range)| Entity { range, path: number(index), depth, is_digest });
        self.waiting.extend(children.rev());
        Ok(())
    }

    fn leaf(&self, walk: &mut Walk<'_>, entity: &Entity, body: Range<usize>, declared: &Declared) -> Step {
        if declared.encodings.len() > 1 {
            walk.problem(conflict("a part declares several transfer encodings; all were read"));
        }
        if declared.kind == "message/partial" {
            let text = "the message is a piece of a larger one; this piece was read";
            walk.problem(Problem::new(ProblemClass::Unsupported, "message_partial", text));
        }
        if let Some(label) = &declared.unknown_charset {
            let message = format!("no reader for the character set `{label}`; the bytes were scanned as they are");
            walk.problem(Problem::new(ProblemClass::Unsupported, "mime_charset", message));
        }
        for encoding in &declared.encodings {
            let content = Content::decode(*encoding, &self.bytes[body.clone()], body.start as u64);
            match declared.is_text() {
                true => self.body_text(walk, entity, &content, declared)?,
                false => file(walk, entity, &content.bytes, declared)?,
            }
        }
        Ok(())
    }

    /// A text, and the files in uuencode and yEnc that stand in it.
    fn body_text(&self, walk: &mut Walk<'_>, entity: &Entity, content: &Content<'_>, declared: &Declared) -> Step {
        let name = if entity.path.is_empty() { String::new() } else { format!("part {}", entity.path) };
        let part = Part { role: Role::Body, name: &name };
        walk.views.skips_uuencode = true;
        let step = content.emit(walk, part, declared.charset.as_ref(), self);
        walk.views.skips_uuencode = false;
        step?;
        if declared.is_flowed {
            content.emit_flowed(walk, Place::Source(&self.lines))?;
        }
        for start in memchr::memmem::find_iter(&content.bytes, b"begin ") {
            let is_line_start = start == 0 || content.bytes[start - 1] == b'\n';
            if let Some(found) = transfer::uuencode(&content.bytes[start..], 0).filter(|_| is_line_start) {
                let name = super::names::decode(found.name, false).primary;
                walk.child(&name, Relation::Attachment, Input::Bytes(&found.content.bytes))?;
            }
        }
        // A code takes what looks like the beginning of another one for its own.
        let mut end = 0;
        for start in memchr::memmem::find_iter(&content.bytes, b"=ybegin ") {
            if start < end || start > 0 && content.bytes[start - 1] != b'\n' {
                continue;
            }
            if let Some(found) = transfer::yenc(&content.bytes[start..]) {
                end = start + found.len;
                let name = super::names::decode(found.name, false).primary;
                walk.child(&name, Relation::Attachment, Input::Bytes(&found.bytes))?;
            }
        }
        Ok(())
    }
}

/// A file or message: an item of its own.
fn file(walk: &mut Walk<'_>, entity: &Entity, bytes: &[u8], declared: &Declared) -> Step {
    let numbered = format!("part {}", if entity.path.is_empty() { "1" } else { &entity.path });
    let name = declared.file_names.first().map_or(numbered.as_str(), String::as_str);
    for other in declared.file_names.iter().skip(1) {
        walk.emit_name(other)?;
    }
    // Markup seldom states the set that its message states.
    let recoded = match &declared.charset {
        Some(charset) if declared.kind.starts_with("text/") && !is_utf8(bytes) => Some(charset.decode(bytes)),
        _ => None,
    };
    let bytes = recoded.as_ref().map_or(bytes, |text| text.as_bytes());
    walk.child(name, Relation::Attachment, Input::Bytes(bytes))
}

/// Bytes that belong to no part.
fn raw(walk: &mut Walk<'_>, bytes: &[u8], range: Range<usize>) -> Step {
    let start = range.start as u64;
    let text = bytes.get(range).unwrap_or_default();
    if text.iter().all(u8::is_ascii_whitespace) {
        return Ok(());
    }
    let part = Part { role: Role::Data, name: "between parts" };
    walk.emit(&Segment { text, part, place: Place::None, join: Join::Line, origin: Origin::Bytes(start) })
}

fn conflict(message: &str) -> Problem {
    Problem::new(ProblemClass::Ambiguous, "mime_conflict", message)
}

/// Whether a text stands in a value as it is.
fn is_part_of(text: &str, value: &[u8]) -> bool {
    text.is_empty() || memchr::memmem::find(value, text.as_bytes()).is_some()
}

/// What the header of a part says about its body.
struct Declared {
    kind: String,
    boundaries: Vec<String>,
    /// More boundaries were declared than [`MIME_BOUNDARIES_MAX`].
    has_more_boundaries: bool,
    charset: Option<Charset>,
    /// A name of a character set that says nothing to us.
    unknown_charset: Option<String>,
    /// Each encoding that is stated, at least one.
    encodings: Vec<Encoding>,
    file_names: Vec<String>,
    is_attachment: bool,
    /// Lines end in a space where they go on, and the space is no part of the text.
    is_flowed: bool,
}

/// Characters of an unknown name that a report shows.
const LABEL_SHOWN_MAX: usize = 40;

/// How bytes are packed for the journey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    None,
    Base64,
    QuotedPrintable,
    Uuencode,
}

impl Default for Declared {
    fn default() -> Self {
        Self {
            kind: "text/plain".to_owned(),
            boundaries: Vec::new(),
            has_more_boundaries: false,
            charset: None,
            unknown_charset: None,
            encodings: vec![Encoding::None],
            file_names: Vec::new(),
            is_attachment: false,
            is_flowed: false,
        }
    }
}

impl Declared {
    fn of(fields: &[Field], is_digest: bool) -> Self {
        let values = |name: &'static str| fields.iter().filter(move |field| field.name == name);
        let kinds: Vec<Structured> = values("content-type").map(|field| Structured::parse(&field.value)).collect();
        let dispositions = values("content-disposition").map(|field| Structured::parse(&field.value));
        let mut declared = Self::default();
        if is_digest {
            "message/rfc822".clone_into(&mut declared.kind);
        }
        // A kind with parts wins, because its parts are read in any case.
        let multipart = kinds.iter().find(|kind| kind.head.starts_with("multipart/"));
        if let Some(kind) = multipart.or(kinds.first()).filter(|kind| !kind.head.is_empty()) {
            declared.kind.clone_from(&kind.head);
        }
        for kind in &kinds {
            declared.is_flowed |= kind.all("delsp").any(|value| value.eq_ignore_ascii_case("yes"));
            kind.all("boundary").filter(|value| !value.is_empty()).for_each(|boundary| declared.add_boundary(boundary));
            declared.file_names.extend(kind.all("name").map(str::to_owned));
            for label in kind.all("charset") {
                match Charset::from_label(label) {
                    Some(charset) => _ = declared.charset.get_or_insert(charset),
                    None => declared.unknown_charset = Some(label.chars().take(LABEL_SHOWN_MAX).collect()),
                }
            }
        }
        for disposition in dispositions {
            declared.is_attachment |= disposition.head == "attachment";
            declared.file_names.extend(disposition.all("filename").map(str::to_owned));
        }
        declared.file_names.retain(|name| !name.is_empty());
        declared.file_names.dedup();
        let mut encodings: Vec<Encoding> =
            values("content-transfer-encoding").filter_map(|field| Encoding::of(&field.value)).collect();
        encodings.dedup();
        if !encodings.is_empty() {
            declared.encodings = encodings;
        }
        declared
    }

    fn add_boundary(&mut self, boundary: &str) {
        if self.boundaries.iter().any(|known| known == boundary) {
            return;
        }
        if self.boundaries.len() == MIME_BOUNDARIES_MAX {
            self.has_more_boundaries = true;
            return;
        }
        self.boundaries.push(boundary.to_owned());
    }

    fn is_multipart(&self) -> bool {
        self.kind.starts_with("multipart/") && !self.boundaries.is_empty()
    }

    /// Whether the part is text of the message itself and not a file.
    fn is_text(&self) -> bool {
        let is_plain = matches!(self.kind.as_str(), "text/plain" | "text" | "text/enriched" | "text/richtext");
        is_plain && !self.is_attachment && self.file_names.is_empty()
    }
}

impl Encoding {
    fn of(value: &[u8]) -> Option<Self> {
        let name = value.split(|byte| matches!(byte, b';' | b' ' | b'(')).next()?.to_ascii_lowercase();
        Some(match name.as_slice() {
            b"base64" => Self::Base64,
            b"quoted-printable" => Self::QuotedPrintable,
            b"x-uuencode" | b"uuencode" | b"x-uue" | b"uue" => Self::Uuencode,
            b"7bit" | b"8bit" | b"binary" => Self::None,
            _ => return None,
        })
    }
}

/// A decoded body.
struct Content<'d> {
    bytes: Cow<'d, [u8]>,
    /// Leads back to the message; without it the bytes are a copy from `start` on.
    runs: Option<Vec<MapRun>>,
    start: u64,
}

impl<'d> Content<'d> {
    fn decode(encoding: Encoding, source: &'d [u8], start: u64) -> Self {
        let derived = match encoding {
            Encoding::None => return Self { bytes: Cow::Borrowed(source), runs: None, start },
            Encoding::Base64 => transfer::base64(source, start),
            Encoding::QuotedPrintable => transfer::quoted_printable(source, start),
            Encoding::Uuencode => {
                let begin = memchr::memmem::find(source, b"begin ").unwrap_or(0);
                match transfer::uuencode(&source[begin..], start + begin as u64) {
                    Some(found) => found.content,
                    None => return Self { bytes: Cow::Borrowed(source), runs: None, start },
                }
            }
        };
        let Derived { bytes, runs } = derived;
        Self { bytes: Cow::Owned(bytes), runs: Some(runs), start }
    }

    /// Hands the text out in UTF-8. Where the declared set can be a lie, because the bytes are text as they are, both
    /// readings.
    fn emit(&self, walk: &mut Walk<'_>, part: Part<'_>, charset: Option<&Charset>, message: &Message<'_>) -> Step {
        let join = Join::Line;
        let is_text = is_utf8(&self.bytes) && memchr::memchr(0, &self.bytes).is_none();
        let other = self.other_charset(charset, is_text);
        if other.is_none() || is_text {
            let (place, origin) = match &self.runs {
                Some(runs) => (Place::Source(&message.lines), Origin::Mapped(runs)),
                None => (Place::Lines(message.line(self.start as usize)), Origin::Bytes(self.start)),
            };
            walk.emit(&Segment { text: &self.bytes, part, place, join, origin })?;
        }
        let Some(charset) = other else { return Ok(()) };
        let part = if is_text { Part { name: "as declared", ..part } } else { part };
        let mut recoded = Transcoded::default();
        let start = if self.runs.is_some() { 0 } else { self.start };
        Transcoder::new(&charset, start).push(&self.bytes, true, &mut recoded);
        let (place, runs) = match &self.runs {
            Some(runs) => (Place::Source(&message.lines), compose(&recoded.runs, runs)),
            None => (Place::Lines(message.line(self.start as usize)), recoded.runs),
        };
        let origin = Origin::Mapped(&runs);
        walk.emit(&Segment { text: recoded.text.as_bytes(), part, place, join, origin })?;
        self.emit_doubts(walk, &charset, message)
    }

    /// Hands the text out as the programs of Windows would write it, if its words may begin and end elsewhere.
    fn emit_doubts(&self, walk: &mut Walk<'_>, charset: &Charset, message: &Message<'_>) -> Step {
        let Some(content) = doubts::other_reading(charset, &self.bytes) else { return Ok(()) };
        let origin = self.runs.as_deref().map_or(Origin::Bytes(self.start), Origin::Mapped);
        views::made_from(walk, doubts::NAME, content, (origin, Place::Source(&message.lines)))
    }

    /// Hands the text out with its lines put together as the reader's program does.
    fn emit_flowed(&self, walk: &mut Walk<'_>, place: Place<'_>) -> Step {
        let mut flowed = Derived::default();
        let mut at = 0;
        for line in self.bytes.split_inclusive(|byte| *byte == b'\n') {
            let text = header::trim_end(line);
            let goes_on = text.len() < line.len() && text != b"-- ";
            let kept = text.strip_suffix(b" ").filter(|_| goes_on).unwrap_or(line);
            flowed.copy(kept, at);
            at += line.len() as u64;
        }
        if flowed.bytes.len() == self.bytes.len() {
            return Ok(());
        }
        flowed.end(at);
        let origin = match &self.runs {
            Some(runs) => Origin::Mapped(runs),
            None => Origin::Bytes(self.start),
        };
        views::made_from(walk, "flowed", flowed, (origin, place))
    }

    /// The set to decode, if the bytes may be something else than UTF-8. `is_text`: they are UTF-8 as they are.
    fn other_charset(&self, declared: Option<&Charset>, is_text: bool) -> Option<Charset> {
        const ESCAPE: u8 = 0x1b;
        match declared {
            // Without its escapes such a text is ASCII.
            Some(Charset::Multi(_)) if self.bytes.is_ascii() && memchr::memchr(ESCAPE, &self.bytes).is_none() => None,
            Some(charset) if charset.is_wide() || matches!(charset, Charset::Multi(_)) => Some(charset.clone()),
            _ if is_text => None,
            Some(Charset::Utf8) | None => text::detect(&self.bytes, true).map(|detected| detected.charset),
            Some(charset) => Some(charset.clone()),
        }
        .filter(|charset| *charset != Charset::Utf8)
    }
}

/// Where the parts of a multipart lie, and what is around them.
#[derive(Debug, PartialEq, Eq)]
struct Pieces {
    parts: Vec<Range<usize>>,
    around: Vec<Range<usize>>,
}

/// Splits a body at its boundaries: lines that hold nothing but a boundary. Asks now and then whether to go on.
fn pieces(bytes: &[u8], body: Range<usize>, boundaries: &[String], goes_on: &mut dyn FnMut() -> Step) -> Step<Pieces> {
    const BYTES_UNTIL_ASKED: usize = 1024 * 1024;
    let mut asked = body.start;
    let mut pieces = Pieces { parts: Vec::new(), around: Vec::new() };
    let mut start = body.start;
    let mut is_part = false;
    let mut at = body.start;
    while at < body.end {
        let len = header::line_len(&bytes[at..body.end]);
        if let Some(is_last) = boundary(&bytes[at..at + len], boundaries) {
            let list = if is_part { &mut pieces.parts } else { &mut pieces.around };
            list.push(start..at);
            (start, is_part) = (at + len, !is_last);
        }
        at += len;
        if at - asked > BYTES_UNTIL_ASKED {
            goes_on()?;
            asked = at;
        }
    }
    let list = if is_part { &mut pieces.parts } else { &mut pieces.around };
    list.push(start..body.end);
    Ok(pieces)
}

/// Whether a line is a boundary, and the last one.
fn boundary(line: &[u8], boundaries: &[String]) -> Option<bool> {
    let text = line.strip_prefix(b"--")?.trim_ascii_end();
    boundaries.iter().find_map(|boundary| {
        let rest = text.strip_prefix(boundary.trim_end().as_bytes())?;
        match rest {
            b"" => Some(false),
            b"--" => Some(true),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boundaries_are_whole_lines() {
        type Texts = &'static [&'static str];
        let rows: [(&str, Texts, Texts, Texts); 7] = [
            ("no parts", &["b"], &[], &["no parts"]),
            ("pre\n--b\none\n--b\ntwo\n--b--\npost", &["b"], &["one\n", "two\n"], &["pre\n", "post"]),
            ("--b\r\none\r\n--b--", &["b"], &["one\r\n"], &["", ""]),
            ("--b\none", &["b"], &["one"], &[""]),
            ("--b\none\n--bb\ntwo\n--b--", &["b"], &["one\n--bb\ntwo\n"], &["", ""]),
            ("--a\none\n--b\ntwo\n--a--", &["a", "b"], &["one\n", "two\n"], &["", ""]),
            ("--b \none\n--b--\n--b\nthree", &["b"], &["one\n", "three"], &["", ""]),
        ];
        for (body, boundaries, parts, around) in rows {
            let boundaries: Vec<String> = boundaries.iter().map(|name| (*name).to_owned()).collect();
            let found = pieces(body.as_bytes(), 0..body.len(), &boundaries, &mut || Ok(())).expect("nobody stops it");
            let text =
                |ranges: &[Range<usize>]| ranges.iter().map(|range| body[range.clone()].to_owned()).collect::<Vec<_>>();
            assert_eq!(text(&found.parts), parts, "{body:?}");
            assert_eq!(text(&found.around), around, "{body:?}");
        }
    }
}
