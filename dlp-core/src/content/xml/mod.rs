//! XML parts as events, in bounded memory.
//!
//! Parts in UTF-16 or another set are transcoded first. What stands in no element (comments, instructions, the document
//! type with its [entities]) is handed out behind the part as data. A part that breaks the grammar is
//! read on by a tokenizer that only knows tags from text, so nothing behind the break is lost.

pub(in crate::content) mod attributes;
pub(in crate::content) mod data;
mod entities;
pub(in crate::content) mod side;

use self::entities::{Entities, character};
use self::side::Side;
use crate::base::{Problem, ProblemClass};
use crate::content::walk::{Break, Failing, Step, Walk};
use crate::content::{Join, Origin, Part, Place, Role, Segment};
use crate::text::{self, Charset, Transcoded, Transcoder};
use quick_xml::Reader;
use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesStart, Event};
use std::borrow::Cow;
use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Cursor, Read};

/// Bytes of one tag or text run. Longer ones are read by the tokenizer, which keeps nothing.
const EVENT_BYTES_MAX: usize = 8 * 1024 * 1024;
const BUFFER_BYTES: usize = 32 * 1024;
/// Bytes that tell the character set of a part.
const HEAD_BYTES: u64 = 4 * 1024;

/// Takes the events of a part. Names come without prefix, because transitional and strict documents differ in it.
pub(in crate::content) trait Visit {
    fn start(&mut self, walk: &mut Walk<'_>, element: &Element<'_>) -> Step;
    fn text(&mut self, walk: &mut Walk<'_>, text: &str) -> Step;
    fn end(&mut self, walk: &mut Walk<'_>, local_name: &str) -> Step;

    /// Hands out what was kept back, however the part ended.
    fn finish(&mut self, _walk: &mut Walk<'_>) -> Step {
        Ok(())
    }
}

/// A start tag.
pub(in crate::content) struct Element<'e> {
    tag: BytesStart<'e>,
    entities: &'e Entities,
}

impl Element<'_> {
    pub(in crate::content) fn local_name(&self) -> &str {
        self.tag.local_name().into_inner()
    }

    /// The value of an attribute by its name without prefix.
    pub(in crate::content) fn attribute(&self, local_name: &str) -> Option<String> {
        self.attributes().find(|(name, _)| name == local_name).map(|(_, value)| value)
    }

    /// Whether an on/off element is on: it is unless it says otherwise.
    pub(in crate::content) fn is_on(&self) -> bool {
        !matches!(self.attribute("val").as_deref(), Some("0" | "false" | "off"))
    }

    /// Names without prefix and values. Namespace declarations are left out.
    pub(in crate::content) fn attributes(&self) -> impl Iterator<Item = (String, String)> {
        self.raw_attributes().map(|attribute| {
            let value = self.replaced(&attribute.value).into_owned();
            (attribute.key.local_name().into_inner().to_owned(), value)
        })
    }

    /// Attributes as they stand in the tag. Namespace declarations are left out.
    fn raw_attributes(&self) -> impl Iterator<Item = Attribute<'_>> {
        let mut attributes = self.tag.html_attributes();
        attributes.with_checks(false);
        attributes.flatten().filter(|attribute| !attribute.key.0.starts_with("xmlns"))
    }

    /// A value with its references replaced.
    fn replaced<'v>(&self, value: &'v str) -> Cow<'v, str> {
        let replaced = quick_xml::escape::unescape_with(value, |name| self.entities.replace(name));
        replaced.unwrap_or(Cow::Borrowed(value))
    }
}

/// Feeds a part to a visitor.
pub(in crate::content) fn visit(
    walk: &mut Walk<'_>,
    content: &mut dyn Read,
    name: &str,
    visitor: &mut dyn Visit,
) -> Step {
    let mut head = Vec::new();
    let failed = content.take(HEAD_BYTES).read_to_end(&mut head).err();
    let detected = text::detect(&head, (head.len() as u64) < HEAD_BYTES);
    // Bytes that are no UTF-8 without a word on it are damage, which the reader reports.
    let other = detected.filter(|detected| detected.charset.is_wide() || declares_other_set(&head));
    head.drain(..other.as_ref().map_or(0, |detected| detected.bom_len));
    let mut content = Cursor::new(head).chain(Failing(failed)).chain(content);
    let step = match other {
        Some(other) => visit_utf8(walk, &mut Recoded::new(&mut content, &other.charset), name, visitor),
        None => visit_utf8(walk, &mut content, name, visitor),
    };
    let kept = visitor.finish(walk);
    step.and(kept)
}

/// Whether the first line says that the part is in another set than UTF-8.
fn declares_other_set(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    let line = head.split(|byte| *byte == b'>').next().unwrap_or_default().to_ascii_lowercase();
    let encoding = memchr::memmem::find(&line, b"encoding").map_or(&[][..], |at| &line[at..]);
    line.starts_with(b"<?xml") && !encoding.is_empty() && memchr::memmem::find(encoding, b"utf-8").is_none()
}

fn visit_utf8(walk: &mut Walk<'_>, content: &mut dyn Read, name: &str, visitor: &mut dyn Visit) -> Step {
    let room = Cell::new(EVENT_BYTES_MAX);
    let bounded = Bounded { inner: BufReader::with_capacity(BUFFER_BYTES, content), room: &room };
    let mut reader = Reader::from_reader(bounded);
    let config = reader.config_mut();
    config.expand_empty_elements = true;
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    config.allow_dangling_amp = true;
    let mut buffer = Vec::new();
    let mut depth = 0_u32;
    let mut passage = Passage::new(walk, visitor);
    loop {
        buffer.clear();
        room.set(EVENT_BYTES_MAX);
        let error = match reader.read_event_into(&mut buffer) {
            Ok(Event::Eof) => return passage.finish(walk, name),
            Ok(event) => {
                depth = depth_after(depth, &event);
                if depth <= walk.budget.limits.xml_depth_max {
                    passage.pass(walk, event, name)?;
                    continue;
                }
                None
            }
            Err(error) => Some(error),
        };
        passage.finish(walk, name)?;
        let problem = match error {
            None => {
                let depth_max = u64::from(walk.budget.limits.xml_depth_max);
                Problem::limit(
                    "xml_depth_max",
                    depth_max,
                    "elements nest deeper than the bound; tags were stripped instead",
                )
            }
            Some(quick_xml::Error::Io(error)) if room.get() > 0 => return Err(walk.read_failed(&error)),
            Some(_) => Problem::new(ProblemClass::Damaged, "bad_xml", "broken XML; tags were stripped instead"),
        };
        walk.problem(problem);
        loose(walk, std::str::from_utf8(&buffer).unwrap_or_default().as_bytes(), name)?;
        room.set(usize::MAX);
        return loose_rest(walk, reader.into_inner(), name);
    }
}

fn depth_after(depth: u32, event: &Event<'_>) -> u32 {
    match event {
        Event::Start(_) => depth + 1,
        Event::End(_) => depth.saturating_sub(1),
        _ => depth,
    }
}

/// Events on their way to a visitor, and what stands in no element.
struct Passage<'v> {
    visitor: &'v mut dyn Visit,
    entities: Entities,
    /// Comments in the middle of a word must not tear it apart, so they wait.
    aside: Side,
}

impl<'v> Passage<'v> {
    fn new(walk: &Walk<'_>, visitor: &'v mut dyn Visit) -> Self {
        Self { visitor, entities: Entities::new(walk.budget.limits.xml_entity_bytes_max), aside: Side::default() }
    }

    fn pass(&mut self, walk: &mut Walk<'_>, event: Event<'_>, name: &str) -> Step {
        match event {
            Event::Start(tag) | Event::Empty(tag) => {
                self.entities.prepare(tag.attributes_raw());
                self.visitor.start(walk, &Element { tag, entities: &self.entities })?;
            }
            Event::End(tag) => self.visitor.end(walk, tag.local_name().into_inner())?,
            Event::Text(text) => self.visitor.text(walk, &text)?,
            Event::CData(text) => self.visitor.text(walk, &text)?,
            Event::GeneralRef(reference) => self.refer(walk, &reference)?,
            Event::Comment(text) => self.aside.add(Role::Data, &text),
            Event::PI(instruction) => self.aside.add(Role::Data, &instruction),
            Event::DocType(document_type) => {
                for text in self.entities.declare(&document_type) {
                    self.aside.add(Role::Data, &text);
                }
            }
            Event::Decl(_) | Event::Eof => {}
        }
        if let Some(problem) = self.entities.take_problem() {
            walk.problem(problem);
        }
        if self.aside.is_full() { self.finish(walk, name) } else { Ok(()) }
    }

    /// A reference: a character, an entity, or itself.
    fn refer(&mut self, walk: &mut Walk<'_>, reference: &str) -> Step {
        if let Some(c) = character(reference) {
            return self.visitor.text(walk, c.encode_utf8(&mut [0; 4]));
        }
        match self.entities.text(reference) {
            Some(text) => self.visitor.text(walk, text),
            None => self.visitor.text(walk, &format!("&{reference};")),
        }
    }

    /// Hands out what stands in no element.
    fn finish(&mut self, walk: &mut Walk<'_>, name: &str) -> Step {
        self.aside.flush(walk, name, Place::None)
    }
}

/// Text between tags, chunk by chunk.
fn loose_rest(walk: &mut Walk<'_>, mut reader: impl Read, name: &str) -> Step {
    let mut chunk = Vec::new();
    loop {
        chunk.clear();
        let result = (&mut reader).take(BUFFER_BYTES as u64).read_to_end(&mut chunk);
        loose(walk, &chunk, name)?;
        match result {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) => return Err::<(), Break>(walk.read_failed(&error)),
        }
    }
}

/// Hands out a chunk of broken XML twice: as it is, and with its tags taken out so that split words join.
fn loose(walk: &mut Walk<'_>, chunk: &[u8], name: &str) -> Step {
    let mut stripped = Vec::with_capacity(chunk.len());
    let mut rest = chunk;
    while let Some(at) = memchr::memchr(b'<', rest) {
        stripped.extend_from_slice(&rest[..at]);
        rest = match memchr::memchr(b'>', &rest[at..]) {
            Some(end) => {
                if rest[at..at + end].ends_with(b":p") {
                    stripped.push(b'\n');
                }
                &rest[at + end + 1..]
            }
            None => &[],
        };
    }
    stripped.extend_from_slice(rest);
    for (role, text) in [(Role::Data, stripped.as_slice()), (Role::Raw, chunk)] {
        let part = Part { role, name };
        walk.emit(&Segment { text, part, place: Place::None, join: Join::None, origin: Origin::None })?;
    }
    Ok(())
}

/// A reader of another character set as UTF-8.
struct Recoded<'r> {
    inner: &'r mut dyn Read,
    transcoder: Transcoder,
    transcoded: Transcoded,
    /// Bytes of the transcoded text that were read.
    at: usize,
}

impl<'r> Recoded<'r> {
    fn new(inner: &'r mut dyn Read, charset: &Charset) -> Self {
        Self { inner, transcoder: Transcoder::new(charset, 0), transcoded: Transcoded::default(), at: 0 }
    }
}

impl Read for Recoded<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut raw = [0; HEAD_BYTES as usize];
        while self.at == self.transcoded.text.len() {
            let len = self.inner.read(&mut raw)?;
            self.transcoder.push(&raw[..len], len == 0, &mut self.transcoded);
            self.at = 0;
            if len == 0 && self.transcoded.text.is_empty() {
                return Ok(0);
            }
        }
        let mut rest = &self.transcoded.text.as_bytes()[self.at..];
        let len = rest.read(buf)?;
        self.at += len;
        Ok(len)
    }
}

/// A reader that fails when one event takes more bytes than there is room for.
struct Bounded<'c, R> {
    inner: R,
    room: &'c Cell<usize>,
}

impl<R: BufRead> BufRead for Bounded<'_, R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.room.get() == 0 {
            return Err(io::Error::other("one tag or text run is longer than the bound"));
        }
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.room.set(self.room.get().saturating_sub(amount));
        self.inner.consume(amount);
    }
}

impl<R: BufRead> Read for Bounded<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buf)
    }
}
