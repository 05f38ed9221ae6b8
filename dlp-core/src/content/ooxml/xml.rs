//! XML parts as events, in bounded memory.
//!
//! Entities are never expanded beyond the five of the standard and character references. A part that breaks the
//! grammar is read on by a tokenizer that only knows tags from text, so nothing behind the break is lost.

use crate::base::{Problem, ProblemClass};
use crate::content::walk::{Break, Step, Walk};
use crate::content::{Join, Origin, Part, Place, Role, Segment};
use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};
use std::borrow::Cow;
use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read};

/// Bytes of one tag or text run. Longer ones are read by the tokenizer, which keeps nothing.
const EVENT_BYTES_MAX: usize = 8 * 1024 * 1024;
const BUFFER_BYTES: usize = 32 * 1024;

/// Takes the events of a part. Names come without prefix, because transitional and strict documents differ in it.
pub(super) trait Visit {
    fn start(&mut self, walk: &mut Walk<'_>, element: &Element<'_>) -> Step;
    fn text(&mut self, walk: &mut Walk<'_>, text: &str) -> Step;
    fn end(&mut self, walk: &mut Walk<'_>, local_name: &str) -> Step;
}

/// A start tag.
pub(super) struct Element<'e>(BytesStart<'e>);

impl Element<'_> {
    pub(super) fn local_name(&self) -> &str {
        self.0.local_name().into_inner()
    }

    /// The value of an attribute by its name without prefix.
    pub(super) fn attribute(&self, local_name: &str) -> Option<String> {
        self.attributes().find(|(name, _)| name == local_name).map(|(_, value)| value)
    }

    /// Whether an on/off element is on: it is unless it says otherwise.
    pub(super) fn is_on(&self) -> bool {
        !matches!(self.attribute("val").as_deref(), Some("0" | "false" | "off"))
    }

    /// Names without prefix and values. Namespace declarations are left out.
    pub(super) fn attributes(&self) -> impl Iterator<Item = (String, String)> {
        let mut attributes = self.0.html_attributes();
        attributes.with_checks(false);
        attributes.flatten().filter(|attribute| !attribute.key.0.starts_with("xmlns")).map(|attribute| {
            let value = quick_xml::escape::unescape(&attribute.value).unwrap_or(Cow::Borrowed(&attribute.value));
            (attribute.key.local_name().into_inner().to_owned(), value.into_owned())
        })
    }
}

/// Feeds a part to a visitor.
pub(super) fn visit(walk: &mut Walk<'_>, content: &mut dyn Read, name: &str, visitor: &mut dyn Visit) -> Step {
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
    loop {
        buffer.clear();
        room.set(EVENT_BYTES_MAX);
        let error = match reader.read_event_into(&mut buffer) {
            Ok(Event::Eof) => return Ok(()),
            Ok(event) => {
                depth = depth_after(depth, &event);
                if depth <= walk.budget.limits.xml_depth_max {
                    pass(walk, event, visitor)?;
                    continue;
                }
                None
            }
            Err(error) => Some(error),
        };
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

fn pass(walk: &mut Walk<'_>, event: Event<'_>, visitor: &mut dyn Visit) -> Step {
    match event {
        Event::Start(tag) | Event::Empty(tag) => visitor.start(walk, &Element(tag)),
        Event::End(tag) => visitor.end(walk, tag.local_name().into_inner()),
        Event::Text(text) => visitor.text(walk, &text),
        Event::CData(text) => visitor.text(walk, &text),
        Event::GeneralRef(reference) => visitor.text(walk, &resolve(&reference)),
        Event::Comment(text) => visitor.text(walk, &text),
        _ => Ok(()),
    }
}

/// The text of a reference: a character, one of the five entities, or the reference itself.
fn resolve(reference: &BytesRef<'_>) -> String {
    if let Ok(Some(c)) = reference.resolve_char_ref() {
        return c.to_string();
    }
    match &**reference {
        "amp" => "&".to_owned(),
        "lt" => "<".to_owned(),
        "gt" => ">".to_owned(),
        "quot" => "\"".to_owned(),
        "apos" => "'".to_owned(),
        other => format!("&{other};"),
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
