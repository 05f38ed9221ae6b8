//! Cryptographic messages (CMS, PKCS #7): a signature wraps a document, which is walked; an envelope is encrypted.
//!
//! Only what leads to the content is understood. Certificates and signatures around it are scanned as raw bytes.

use super::budget::Metered;
use super::walk::{Step, Walk};
use super::{Input, Relation, plain};
use crate::base::{Problem, ProblemClass};
use flate2::bufread::ZlibDecoder;
use std::cell::Cell;
use std::io;
use std::ops::Range;

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const IDENTIFIER: u8 = 0x06;
const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
/// Octets in several pieces.
const PIECES: u8 = 0x24;
/// The content of its field, whose kind an identifier tells.
const EXPLICIT: u8 = 0xA0;
/// What all kinds of contents of PKCS #7 begin with; the last byte is the kind.
const PKCS7: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07";
const COMPRESSED: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x09";
const AUTHENTICATED_ENVELOPE: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x17";
/// Elements in elements that are skipped.
const DEPTH_MAX: usize = 64;

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrapping {
    Data,
    Signed,
    Compressed,
    Encrypted,
}

/// Whether bytes begin like a message.
pub(super) fn is_cms(head: &[u8]) -> bool {
    start(head).is_some()
}

/// Walks a message.
pub(super) fn walk(walk: &mut Walk<'_>, input: Input<'_>) -> Step {
    walk.with_held(input, |walk, bytes| {
        let Some((wrapping, inside)) = start(bytes) else { return plain::raw(walk, Input::Bytes(bytes)) };
        if wrapping == Wrapping::Encrypted {
            let message = "the message is enveloped for its recipients; its content was not read";
            walk.problem(Problem::new(ProblemClass::Encrypted, "cms_enveloped", message));
            return plain::raw(walk, Input::Bytes(bytes));
        }
        // A signature may stand alone, apart from what it signs.
        let Some(pieces) = content(bytes, inside, wrapping) else { return plain::raw(walk, Input::Bytes(bytes)) };
        let content: Vec<u8> = pieces.iter().flat_map(|piece| &bytes[piece.clone()]).copied().collect();
        if wrapping == Wrapping::Compressed {
            let input_bytes = Cell::new(content.len() as u64);
            let mut metered = Metered::new(ZlibDecoder::new(content.as_slice()), walk.budget, &input_bytes);
            walk.child("content", Relation::Member, Input::Stream(&mut metered))?;
            // A handler leaves what it does not understand. What failed here has been reported there.
            let _ = io::copy(&mut metered, &mut io::sink());
            let packed_bytes = usize::try_from(metered.into_inner().total_in()).unwrap_or(usize::MAX);
            let behind = content.get(packed_bytes..).unwrap_or_default();
            if !behind.is_empty() {
                walk.child("", Relation::Gap, Input::Bytes(behind))?;
            }
        } else {
            walk.child("content", Relation::Member, Input::Bytes(&content))?;
        }
        let (first, last) = (pieces[0].start, pieces[pieces.len() - 1].end);
        plain::raw_at(walk, &bytes[..first], 0)?;
        plain::raw_at(walk, &bytes[last..], last as u64)
    })
}

/// The kind of a message, and the place of its content.
fn start(bytes: &[u8]) -> Option<(Wrapping, usize)> {
    let at = enter(bytes, 0, SEQUENCE)?;
    let (IDENTIFIER, at, Some(len)) = head(bytes, at)? else { return None };
    let identifier = bytes.get(at..at.checked_add(len)?)?;
    let wrapping = match identifier.strip_prefix(PKCS7) {
        Some([1]) => Wrapping::Data,
        Some([2]) => Wrapping::Signed,
        Some([3 | 4 | 6]) => Wrapping::Encrypted,
        _ if identifier == COMPRESSED => Wrapping::Compressed,
        _ if identifier == AUTHENTICATED_ENVELOPE => Wrapping::Encrypted,
        _ => return None,
    };
    enter(bytes, at + len, EXPLICIT).map(|inside| (wrapping, inside))
}

/// The pieces of the content that lies at a place; nothing when there is none.
fn content(bytes: &[u8], inside: usize, wrapping: Wrapping) -> Option<Vec<Range<usize>>> {
    let mut at = inside;
    if wrapping != Wrapping::Data {
        at = enter(bytes, at, SEQUENCE)?;
        at = skip(bytes, at, INTEGER)?;
        at = skip(bytes, at, if wrapping == Wrapping::Signed { SET } else { SEQUENCE })?;
        at = enter(bytes, at, SEQUENCE)?;
        at = skip(bytes, at, IDENTIFIER)?;
        at = enter(bytes, at, EXPLICIT)?;
    }
    let mut pieces = Vec::new();
    while let Some((tag, inside, len)) = head(bytes, at) {
        match (tag, len) {
            (PIECES, _) => at = inside,
            (OCTETS, Some(len)) => {
                // What is cut off or claims too much is read as far as it goes.
                at = inside.saturating_add(len).min(bytes.len());
                pieces.push(inside..at);
            }
            _ => break,
        }
    }
    (!pieces.is_empty()).then_some(pieces)
}

/// The inside of an element with this tag.
fn enter(bytes: &[u8], at: usize, tag: u8) -> Option<usize> {
    head(bytes, at).filter(|(found, ..)| *found == tag).map(|(_, inside, _)| inside)
}

/// The place behind an element with this tag.
fn skip(bytes: &[u8], at: usize, tag: u8) -> Option<usize> {
    let (_, inside, len) = head(bytes, at).filter(|(found, ..)| *found == tag)?;
    if let Some(len) = len {
        return inside.checked_add(len);
    }
    // An open length ends at two zeros, which elements inside may have as well.
    let (mut at, mut depth) = (inside, 1);
    while depth > 0 {
        let (tag, inside, len) = head(bytes, at)?;
        match len {
            Some(0) if tag == 0 => (at, depth) = (inside, depth - 1),
            Some(len) => at = inside.checked_add(len)?,
            None if depth < DEPTH_MAX => (at, depth) = (inside, depth + 1),
            None => return None,
        }
    }
    Some(at)
}

/// The tag of an element, the place of its inside, and its length unless that is open.
fn head(bytes: &[u8], at: usize) -> Option<(u8, usize, Option<usize>)> {
    let (tag, first) = (*bytes.get(at)?, *bytes.get(at + 1)?);
    match first {
        0..=0x7F => Some((tag, at + 2, Some(usize::from(first)))),
        0x80 => Some((tag, at + 2, None)),
        _ => {
            let digits = bytes.get(at + 2..at + 2 + usize::from(first & 0x7F)).filter(|digits| digits.len() <= 8)?;
            let len = digits.iter().fold(0_u64, |len, digit| len << 8 | u64::from(*digit));
            Some((tag, at + 2 + digits.len(), Some(usize::try_from(len).ok()?)))
        }
    }
}
