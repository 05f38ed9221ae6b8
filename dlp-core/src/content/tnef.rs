//! TNEF: a message of Outlook packed into one attachment, mostly called `winmail.dat`.
//!
//! Attributes stand in a row, each with its length and a sum; two of them hold properties as they are numbered in any
//! message of that family. An attachment is several attributes, so it is walked when the next one begins. Values that
//! are neither text nor a file are an item of their own at the end.

use super::walk::{Step, Walk};
use super::{Input, Join, Origin, Part, Place, Relation, Role, Segment, mapi, strings};
use crate::base::bytes::{u16_le, u32_le};
use crate::base::{Problem, ProblemClass};
use crate::text::{Charset, is_utf8};

const START_BYTES: usize = 6;
const HEAD_BYTES: usize = 9;
const SUM_BYTES: usize = 2;
const MARK: &[u8] = b"\x78\x9f\x3e\x22";
/// Attributes by number.
const SUBJECT: u16 = 0x8004;
const BODY: u16 = 0x800C;
const ATTACHED: u16 = 0x800F;
const ATTACHED_NAME: u16 = 0x8010;
const ATTACHMENT_START: u16 = 0x9002;
const PROPERTIES: u16 = 0x9003;
const RECIPIENTS: u16 = 0x9004;
const ATTACHMENT_PROPERTIES: u16 = 0x9005;
const CODE_PAGE: u16 = 0x9007;
/// Kinds of attributes that are text.
const TEXT_KINDS: [u16; 2] = [1, 2];
/// In front of an object in a property stands what it is.
const OBJECT_ID_BYTES: usize = 16;

/// Walks a packed message.
pub(super) fn walk(walk: &mut Walk<'_>, input: Input<'_>) -> Step {
    walk.with_held(input, |walk, bytes| {
        let mut message = Message {
            charset: Charset::from_encoding(encoding_rs::WINDOWS_1252),
            attachment: Attachment::default(),
            rest: Vec::new(),
        };
        let (attributes, end) = attributes(bytes);
        for attribute in &attributes {
            message.attribute(walk, attribute)?;
        }
        message.end_attachment(walk)?;
        if end != Some(bytes.len()) {
            let text = "an attribute of the message breaks off; what could be read was scanned";
            walk.problem(Problem::new(ProblemClass::Damaged, "truncated", text));
            message.keep(end.and_then(|end| bytes.get(end..)).unwrap_or_default());
        }
        if message.rest.is_empty() {
            return Ok(());
        }
        walk.child("", Relation::Gap, Input::Bytes(&message.rest))
    })
}

/// An attribute of the message or of an attachment.
struct Attribute<'d> {
    number: u16,
    kind: u16,
    content: &'d [u8],
    has_sum: bool,
}

/// All attributes, and where they end. The last one may break off; then its end is nowhere.
fn attributes(bytes: &[u8]) -> (Vec<Attribute<'_>>, Option<usize>) {
    let (mut attributes, mut at) = (Vec::new(), START_BYTES);
    while let Some(head) = bytes.get(at..at + HEAD_BYTES) {
        let mut fields = Fields(&head[1..]);
        let (Some(number), Some(kind), Some(len)) = (fields.u16(), fields.u16(), fields.u32()) else { break };
        let mut rest = Fields(&bytes[at + HEAD_BYTES..]);
        let Some((content, sum)) = rest.take(len as usize).and_then(|content| Some((content, rest.u16()?))) else {
            attributes.push(Attribute { number, kind, content: &bytes[at + HEAD_BYTES..], has_sum: true });
            return (attributes, None);
        };
        let added = content.iter().fold(0_u16, |sum, byte| sum.wrapping_add(u16::from(*byte)));
        attributes.push(Attribute { number, kind, content, has_sum: sum == added });
        at += HEAD_BYTES + content.len() + SUM_BYTES;
    }
    (attributes, Some(at))
}

/// What is known of the attachment whose attributes pass.
#[derive(Default)]
struct Attachment<'d> {
    name: Option<String>,
    content: Option<&'d [u8]>,
    properties: Vec<Property<'d>>,
}

struct Message<'d> {
    /// The set of strings of bytes.
    charset: Charset,
    attachment: Attachment<'d>,
    /// Values that nothing here reads.
    rest: Vec<u8>,
}

impl<'d> Message<'d> {
    fn attribute(&mut self, walk: &mut Walk<'_>, attribute: &Attribute<'d>) -> Step {
        if !attribute.has_sum {
            let message = "the check sum of an attribute differs from what was read";
            walk.problem(Problem::new(ProblemClass::Damaged, "crc", message));
        }
        let content = attribute.content;
        match attribute.number {
            CODE_PAGE => {
                let page = Fields(content).u32().and_then(Charset::from_code_page);
                self.charset = page.unwrap_or_else(|| self.charset.clone());
            }
            SUBJECT => return mapi::text(walk, 0x0037, &self.decode(content)),
            BODY => return mapi::text(walk, 0x1000, &self.decode(content)),
            ATTACHMENT_START => return self.end_attachment(walk),
            ATTACHED_NAME => self.attachment.name = Some(self.decode(content)),
            ATTACHED => {
                if self.attachment.content.is_some() {
                    self.end_attachment(walk)?;
                }
                self.attachment.content = Some(content);
            }
            PROPERTIES => {
                let set = properties(Fields(content));
                self.keep(set.behind);
                return self.properties(walk, &set.found);
            }
            ATTACHMENT_PROPERTIES => {
                let set = properties(Fields(content));
                self.keep(set.behind);
                self.attachment.properties.extend(set.found);
            }
            RECIPIENTS => return self.recipients(walk, content),
            _ if TEXT_KINDS.contains(&attribute.kind) => {
                let part = Part { role: Role::Property, name: "attribute" };
                let (text, place, origin) = (self.decode(content), Place::None, Origin::None);
                return walk.emit(&Segment { text: text.as_bytes(), part, place, join: Join::Line, origin });
            }
            _ => self.keep(content),
        }
        Ok(())
    }

    /// A table of sets of properties. Nobody knows where the set behind a broken one begins, and to read on inside the
    /// broken property would give its values again and again.
    fn recipients(&mut self, walk: &mut Walk<'_>, content: &'d [u8]) -> Step {
        let mut fields = Fields(content);
        let count = fields.u32().unwrap_or(0);
        for _ in 0..count {
            let set = properties(fields);
            if set.found.is_empty() {
                break;
            }
            self.properties(walk, &set.found)?;
            fields = Fields(set.behind);
            if !set.is_whole {
                break;
            }
        }
        self.keep(fields.0);
        Ok(())
    }

    /// Hands out properties of the message or a recipient.
    fn properties(&mut self, walk: &mut Walk<'_>, properties: &[Property<'d>]) -> Step {
        for property in properties {
            match self.text(property) {
                Some(text) => mapi::text(walk, property.number, &text)?,
                None if mapi::is_body(property.number, property.kind) => {
                    mapi::body(walk, property.number, property.value)?
                }
                None => self.keep(property.value),
            }
        }
        Ok(())
    }

    /// Walks the attachment whose attributes have passed.
    fn end_attachment(&mut self, walk: &mut Walk<'_>) -> Step {
        let Attachment { name, content, properties } = std::mem::take(&mut self.attachment);
        let find = |number: &u16| properties.iter().find(|property| property.number == *number);
        let long_name = mapi::ATTACHED_NAMES.iter().filter_map(find).find_map(|property| self.text(property));
        let name = long_name.or(name).filter(|name| !name.is_empty()).unwrap_or_else(|| "attachment".to_owned());
        let is_file = |property: &&Property<'_>| property.number == mapi::ATTACHED;
        let mut others = Vec::new();
        for property in properties {
            match property.kind {
                mapi::OBJECT | mapi::BINARY if is_file(&&property) => {
                    let inner = property.value.get(OBJECT_ID_BYTES..).filter(|inner| inner.starts_with(MARK));
                    let inner = inner.unwrap_or(property.value);
                    walk.child(&name, Relation::Attachment, Input::Bytes(inner))?;
                }
                _ => others.push(property),
            }
        }
        self.properties(walk, &others)?;
        match content {
            Some(content) => walk.child(&name, Relation::Attachment, Input::Bytes(content)),
            None => Ok(()),
        }
    }

    fn text(&self, property: &Property<'_>) -> Option<String> {
        match property.kind {
            mapi::WIDE_TEXT => {
                Some(strings::decode(property.value, &Charset::Utf16Le).trim_end_matches('\0').to_owned())
            }
            mapi::BYTE_TEXT => Some(self.decode(property.value)),
            _ => None,
        }
    }

    fn decode(&self, bytes: &[u8]) -> String {
        let charset = if is_utf8(bytes) { &Charset::Utf8 } else { &self.charset };
        strings::decode(bytes, charset).trim_end_matches('\0').to_owned()
    }

    fn keep(&mut self, bytes: &[u8]) {
        // Numbers and dates are as long as this. Those that hold no more than a few characters hold no value.
        const NUMBER_BYTES: usize = 16;
        const CHARACTERS_MIN: usize = 6;
        let is_text = |bytes: &[u8]| bytes.iter().filter(|byte| byte.is_ascii_graphic()).count() >= CHARACTERS_MIN;
        if bytes.len() > NUMBER_BYTES || is_text(bytes) {
            self.rest.extend_from_slice(bytes);
            self.rest.push(b'\n');
        }
    }
}

/// One value of a property.
struct Property<'d> {
    number: u16,
    kind: u16,
    value: &'d [u8],
}

/// A set of properties.
struct Set<'d> {
    found: Vec<Property<'d>>,
    /// What stands behind them: from a broken property on, or from the end of the set.
    behind: &'d [u8],
    is_whole: bool,
}

/// Reads a set of properties.
fn properties(mut fields: Fields<'_>) -> Set<'_> {
    let mut found = Vec::new();
    let count = fields.u32().unwrap_or(0);
    for _ in 0..count {
        let before = fields;
        if one(&mut fields, &mut found).is_none() {
            return Set { found, behind: before.0, is_whole: false };
        }
    }
    Set { found, behind: fields.0, is_whole: true }
}

/// Reads one property with all its values.
fn one<'d>(fields: &mut Fields<'d>, found: &mut Vec<Property<'d>>) -> Option<()> {
    const SEVERAL: u16 = 0x1000;
    const NAMED: u16 = 0x8000;
    let (kind, number) = (fields.u16()?, fields.u16()?);
    if number >= NAMED {
        fields.take(OBJECT_ID_BYTES)?;
        // A name is a number or a text.
        match fields.u32()? {
            0 => _ = fields.u32()?,
            _ => {
                let len = fields.u32()? as usize;
                let value = fields.padded(len)?;
                found.push(Property { number, kind: mapi::WIDE_TEXT, value });
            }
        }
    }
    let single = kind & !SEVERAL;
    let fixed = match single {
        0x0002 | 0x0003 | 0x0004 | 0x000A | 0x000B => Some(4),
        0x0005 | 0x0006 | 0x0007 | 0x0014 | 0x0040 => Some(8),
        0x0048 => Some(16),
        0x0001 => Some(0),
        mapi::BYTE_TEXT | mapi::WIDE_TEXT | mapi::OBJECT | mapi::BINARY => None,
        _ => return None,
    };
    let count = if fixed.is_none() || kind & SEVERAL != 0 { fields.u32()? } else { 1 };
    for _ in 0..count {
        let len = match fixed {
            Some(0) => return Some(()),
            Some(len) => len,
            None => fields.u32()? as usize,
        };
        let value = fields.padded(len)?;
        found.push(Property { number, kind: single, value });
    }
    Some(())
}

/// Takes numbers and values from the front, the lowest byte first.
#[derive(Clone, Copy)]
struct Fields<'d>(&'d [u8]);

impl<'d> Fields<'d> {
    fn u16(&mut self) -> Option<u16> {
        self.take(2).and_then(|bytes| u16_le(bytes, 0))
    }

    fn u32(&mut self) -> Option<u32> {
        self.take(4).and_then(|bytes| u32_le(bytes, 0))
    }

    fn take(&mut self, len: usize) -> Option<&'d [u8]> {
        let (bytes, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(bytes)
    }

    /// A value that is filled up to a multiple of four bytes.
    fn padded(&mut self, len: usize) -> Option<&'d [u8]> {
        let value = self.take(len)?;
        let padding = (len.next_multiple_of(4) - len).min(self.0.len());
        self.0 = &self.0[padding..];
        Some(value)
    }
}
