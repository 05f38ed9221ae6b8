//! Presentations of 1997 to 2003: a tree of records, whose text atoms are read wherever they stand.
//!
//! The whole stream is walked and not only what is live: old edits stay in it. Records are kept on a stack of their
//! own.

use super::file::{u16_at, u32_at};
use crate::base::{Problem, ProblemClass};
use crate::content::budget::{Counted, Metered};
use crate::content::walk::{Step, Walk};
use crate::content::{Input, Join, Origin, Part, Place, Relation, Role, Segment};
use crate::text::Charset;
use std::cell::Cell;

const HEADER_BYTES: usize = 8;
/// Containers in containers that are told apart.
const DEPTH_MAX: usize = 256;
/// Bytes of records that no rule knows, which are looked at for texts.
const UNKNOWN_BYTES_MIN: usize = 8;
/// The token of a file whose records are encrypted.
const ENCRYPTED_TOKEN: u32 = 0xF3D1_C4DF;

mod kind {
    pub(super) const SLIDE: u16 = 0x03EE;
    pub(super) const NOTES: u16 = 0x03F0;
    pub(super) const SLIDE_PLACE: u16 = 0x03F3;
    pub(super) const MASTER: u16 = 0x03F8;
    pub(super) const SLIDE_SHOW: u16 = 0x03F9;
    pub(super) const TEXT_UTF16: u16 = 0x0FA0;
    pub(super) const TEXT_LATIN: u16 = 0x0FA8;
    pub(super) const FONT: u16 = 0x0FB7;
    pub(super) const STRING: u16 = 0x0FBA;
    pub(super) const HANDOUT: u16 = 0x0FC9;
    pub(super) const LINK: u16 = 0x0FD7;
    pub(super) const HEADERS: u16 = 0x0FD9;
    pub(super) const SLIDE_LIST: u16 = 0x0FF0;
    pub(super) const OBJECT: u16 = 0x1011;
    pub(super) const COMMENT: u16 = 0x2EE0;
}

/// A container that is open.
#[derive(Clone, Copy)]
struct Open {
    end: usize,
    role: Role,
    page: Option<u32>,
}

/// Whether the stream `Current User` says that the records are encrypted.
pub(super) fn is_encrypted(current_user: &[u8]) -> bool {
    u32_at(current_user, 12) == Some(ENCRYPTED_TOKEN)
}

/// Walks the records, and returns what stands in those that no rule knows.
pub(super) fn walk(walk: &mut Walk<'_>, stream: &[u8]) -> Step<Vec<u8>> {
    let mut open = vec![Open { end: stream.len(), role: Role::Body, page: None }];
    let mut unknown = Vec::new();
    let mut slides = 0;
    let mut at = 0;
    while at + HEADER_BYTES <= stream.len() {
        while open.len() > 1 && open.last().is_some_and(|container| container.end <= at) {
            open.pop();
        }
        let Some(container) = open.last().copied() else { break };
        let (Some(head), Some(id), Some(len)) = (u16_at(stream, at), u16_at(stream, at + 2), u32_at(stream, at + 4))
        else {
            break;
        };
        let start = at + HEADER_BYTES;
        let end = start.saturating_add(len as usize).min(stream.len());
        let is_container = head & 0xF == 0xF;
        if is_container {
            let mut inner = Open { end, ..container };
            inside(&mut inner, id, head >> 4, &mut slides);
            // Deeper ones are read like the one around them.
            if open.len() < DEPTH_MAX {
                open.push(inner);
            }
            at = start;
            continue;
        }
        let data = &stream[start..end];
        match id {
            kind::SLIDE_PLACE => {
                if let Some(container) = open.last_mut().filter(|container| container.page.is_some()) {
                    container.page = container.page.map(|page| page + 1);
                }
            }
            kind::SLIDE_SHOW if u16_at(data, 10).is_some_and(|flags| flags & 4 != 0) => {
                if let Some(container) = open.last_mut() {
                    container.role = Role::Hidden;
                }
            }
            kind::OBJECT => object(walk, data, head >> 4)?,
            _ => {
                let unread = atom(walk, id, data, container)?;
                if unread.len() >= UNKNOWN_BYTES_MIN {
                    unknown.extend_from_slice(unread);
                    unknown.extend_from_slice(&[0; 4]);
                }
            }
        }
        at = end.max(start);
    }
    unknown.extend_from_slice(stream.get(at..).unwrap_or_default());
    Ok(unknown)
}

/// What the texts inside a container are.
fn inside(inner: &mut Open, id: u16, instance: u16, slides: &mut u32) {
    match id {
        kind::SLIDE => {
            *slides += 1;
            (inner.role, inner.page) = (Role::Body, Some(*slides));
        }
        // The list of slides counts its own; the lists of masters and notes come with other instances.
        kind::SLIDE_LIST => match instance {
            0 => (inner.role, inner.page) = (Role::Body, Some(0)),
            2 => inner.role = Role::SpeakerNotes,
            _ => inner.role = Role::Layout,
        },
        kind::NOTES => inner.role = Role::SpeakerNotes,
        kind::MASTER | kind::HANDOUT => inner.role = Role::Layout,
        kind::HEADERS => inner.role = Role::Header,
        kind::COMMENT => inner.role = Role::Comment,
        kind::LINK => inner.role = Role::Link,
        _ => {}
    }
}

/// A record that may hold text. What it holds besides is returned.
fn atom<'d>(walk: &mut Walk<'_>, id: u16, data: &'d [u8], container: Open) -> Step<&'d [u8]> {
    let mut unread: &[u8] = &[];
    let (text, role) = match id {
        kind::TEXT_UTF16 => (Charset::Utf16Le.decode(data), container.role),
        kind::TEXT_LATIN => (data.iter().map(|byte| char::from(*byte)).collect(), container.role),
        kind::STRING => {
            let role = if container.role == Role::Body { Role::Data } else { container.role };
            (Charset::Utf16Le.decode(data), role)
        }
        kind::FONT => {
            let (name, behind) = data.split_at_checked(64).unwrap_or((data, &[]));
            unread = behind;
            (Charset::Utf16Le.decode(name), Role::Data)
        }
        _ => return Ok(data),
    };
    let shown = |c: char| match c {
        '\r' | '\u{b}' => Some('\n'),
        '\t' | '\n' => Some(c),
        '\u{1f}' | '\u{ad}' => None,
        c if c.is_control() => None,
        c => Some(c),
    };
    let text: String = text.chars().filter_map(shown).collect();
    let place = match container.page {
        Some(page) if page > 0 => Place::Page(page),
        _ => Place::None,
    };
    let part = Part { role, name: "" };
    walk.emit(&Segment { text: text.as_bytes(), part, place, join: Join::Line, origin: Origin::None })?;
    Ok(unread)
}

/// An embedded file, mostly deflated behind its length.
fn object(walk: &mut Walk<'_>, data: &[u8], instance: u16) -> Step {
    let deflated = data.get(4..).filter(|_| instance == 1);
    let Some(deflated) = deflated else {
        return walk.child("object", Relation::Embedded, Input::Bytes(data));
    };
    let (budget, count) = (walk.budget, Cell::new(0));
    let decoder = flate2::bufread::ZlibDecoder::new(std::io::BufReader::new(Counted::new(deflated, &count)));
    walk.child("object", Relation::Embedded, Input::Stream(&mut Metered::new(decoder, budget, &count)))
}

/// The problem of a file whose records are encrypted.
pub(super) fn encrypted() -> Problem {
    let message = "the presentation needs a password; its text was not read";
    Problem::new(ProblemClass::Encrypted, "cfb_cryptoapi", message)
}
