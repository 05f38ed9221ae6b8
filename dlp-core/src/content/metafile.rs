//! Drawings of Windows (EMF and WMF): the texts that their records write.
//!
//! Programs write a line in one record or letter by letter, and where a word ends is told by places alone. So the
//! pieces of a line are handed out twice where there are several: with spaces between them, and as one. Everything else
//! in the file is raw bytes.

use super::walk::{Step, Walk};
use super::{Input, Join, Origin, Part, Place, Role, Segment, plain};
use crate::base::bytes::{array, u16_le, u32_le};
use crate::text::{self, Charset};
use std::ops::Range;

/// Records with text: of the newer format, where characters are wide or not, and of the older one.
const WIDE_TEXT: u32 = 84;
const BYTE_TEXT: u32 = 83;
const SMALL_TEXT: u32 = 108;
const OLD_TEXT: u16 = 0x0521;
const OLD_PLACED_TEXT: u16 = 0x0A32;
/// Marks of the newer format, of the older one, and of what may stand in front of that.
const NEW_MARK: &[u8] = b" EMF";
const NEW_MARK_AT: usize = 40;
const OLD_MARKS: [&[u8]; 2] = [b"\x01\0\x09\0\0\x03", b"\x01\0\x09\0\0\x01"];
const OLD_FRONT: &[u8] = b"\xd7\xcd\xc6\x9a";
const OLD_FRONT_BYTES: usize = 22;
const OLD_HEAD_BYTES: usize = 18;

/// A text that a record writes.
#[derive(Debug, PartialEq, Eq)]
struct Piece {
    text: String,
    /// How far down it stands.
    line: i32,
    range: Range<usize>,
}

/// Whether bytes start like a drawing.
pub(super) fn is_metafile(head: &[u8]) -> bool {
    let is_new = head.starts_with(&[1, 0, 0, 0]) && head.get(NEW_MARK_AT..).is_some_and(|at| at.starts_with(NEW_MARK));
    is_new || old_start(head).is_some()
}

fn old_start(bytes: &[u8]) -> Option<usize> {
    let start = if bytes.starts_with(OLD_FRONT) { OLD_FRONT_BYTES } else { 0 };
    let head = bytes.get(start..)?;
    OLD_MARKS.iter().any(|mark| head.starts_with(mark)).then_some(start + OLD_HEAD_BYTES)
}

/// Walks a drawing.
pub(super) fn walk(walk: &mut Walk<'_>, input: Input<'_>) -> Step {
    walk.with_held(input, |walk, bytes| {
        let pieces = match old_start(bytes) {
            Some(start) => old_pieces(bytes, start),
            None => new_pieces(bytes),
        };
        for line in pieces.chunk_by(|one, other| one.line == other.line) {
            let texts: Vec<&str> = line.iter().map(|piece| piece.text.as_str()).collect();
            emit(walk, &texts.join(" "))?;
            if texts.len() > 1 {
                emit(walk, &texts.concat())?;
            }
        }
        let mut at = 0;
        for piece in &pieces {
            if piece.range.start > at {
                plain::raw_at(walk, &bytes[at..piece.range.start], at as u64)?;
            }
            at = at.max(piece.range.end);
        }
        plain::raw_at(walk, &bytes[at..], at as u64)
    })
}

fn emit(walk: &mut Walk<'_>, text: &str) -> Step {
    let (part, place) = (Part { role: Role::Drawing, name: "" }, Place::None);
    walk.emit(&Segment { text: text.as_bytes(), part, place, join: Join::Line, origin: Origin::None })
}

/// The texts of the newer format: records of kind and length, both of four bytes.
fn new_pieces(bytes: &[u8]) -> Vec<Piece> {
    let (mut at, mut found) = (0, Vec::new());
    while let (Some(kind), Some(len)) = (u32_le(bytes, at), u32_le(bytes, at + 4)) {
        let Some(record) = bytes.get(at..).and_then(|rest| rest.get(..len as usize)).filter(|all| all.len() >= 8)
        else {
            break;
        };
        found.extend(new_piece(record, kind, at));
        at += record.len();
    }
    found
}

fn new_piece(record: &[u8], kind: u32, at: usize) -> Option<Piece> {
    /// Options of a short text: no frame around it, and bytes for characters.
    const NO_FRAME: u32 = 0x100;
    const BYTES: u32 = 0x200;
    let (line_at, start, count, is_wide) = match kind {
        WIDE_TEXT | BYTE_TEXT => (40, u32_le(record, 48)? as usize, u32_le(record, 44)?, kind == WIDE_TEXT),
        SMALL_TEXT => {
            let options = u32_le(record, 20)?;
            (12, if options & NO_FRAME == 0 { 52 } else { 36 }, u32_le(record, 16)?, options & BYTES == 0)
        }
        _ => return None,
    };
    let len = (count as usize).checked_mul(1 + usize::from(is_wide))?;
    let bytes = record.get(start..)?.get(..len).filter(|bytes| !bytes.is_empty())?;
    let text = if is_wide { Charset::Utf16Le.decode(bytes) } else { eight_bit(bytes) };
    let line = array(record, line_at).map(i32::from_le_bytes)?;
    Some(Piece { text, line, range: at + start..at + start + len })
}

/// The texts of the older format: records of a length in words, and a kind.
fn old_pieces(bytes: &[u8], start: usize) -> Vec<Piece> {
    let (mut at, mut found) = (start, Vec::new());
    while let (Some(words), Some(kind)) = (u32_le(bytes, at), u16_le(bytes, at + 4)) {
        let len = (words as usize).checked_mul(2);
        let record = len.and_then(|len| bytes.get(at..)?.get(..len)).filter(|record| record.len() >= 6);
        let Some(record) = record else { break };
        found.extend(old_piece(record, kind, at));
        at += record.len();
    }
    found
}

fn old_piece(record: &[u8], kind: u16, at: usize) -> Option<Piece> {
    /// Options of a placed text that say that a frame stands in front of it.
    const FRAMES: u16 = 6;
    let (line_at, start, count) = match kind {
        OLD_TEXT => {
            let count = usize::from(u16_le(record, 6)?);
            (8 + count.next_multiple_of(2), 8, count)
        }
        OLD_PLACED_TEXT => {
            let has_frame = u16_le(record, 12)? & FRAMES != 0;
            (6, if has_frame { 22 } else { 14 }, usize::from(u16_le(record, 10)?))
        }
        _ => return None,
    };
    let bytes = record.get(start..start + count).filter(|bytes| !bytes.is_empty())?;
    let line = array(record, line_at).map(i16::from_le_bytes)?;
    Some(Piece { text: eight_bit(bytes), line: i32::from(line), range: at + start..at + start + count })
}

fn eight_bit(bytes: &[u8]) -> String {
    if text::is_utf8(bytes) { Charset::Utf8.decode(bytes) } else { text::guess_eight_bit(bytes).decode(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(pieces: Vec<Piece>) -> Vec<(String, i32)> {
        pieces.into_iter().map(|piece| (piece.text, piece.line)).collect()
    }

    #[test]
    fn records_write_texts() {
        let wide: Vec<u8> = "łąka".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let record = |kind: u32, head: &[u32], text: &[u8]| {
            let len = 8 + 4 * head.len() + text.len();
            let head: Vec<u8> = head.iter().flat_map(|number| number.to_le_bytes()).collect();
            [&kind.to_le_bytes()[..], &(len as u32).to_le_bytes(), &head, text].concat()
        };
        let long = record(WIDE_TEXT, &[0, 0, 0, 0, 0, 0, 0, 5, 7, 4, 52], &wide);
        let short = record(SMALL_TEXT, &[1, 9, 3, 0x300, 0, 0, 0], b"abc");
        let framed = record(SMALL_TEXT, &[1, 9, 3, 0x200, 0, 0, 0, 0, 0, 0, 0], b"abc");
        let all = [long.clone(), record(1, &[0], b""), short, framed].concat();
        let expected = [("łąka", 7), ("abc", 9), ("abc", 9)].map(|(text, line)| (text.to_owned(), line));
        assert_eq!(shown(new_pieces(&all)), expected);
        assert!(new_pieces(&long[..59]).is_empty());
        assert!(new_pieces(&[0; 64]).is_empty());
    }

    #[test]
    fn records_of_the_older_format_write_texts() {
        let head = [OLD_MARKS[0], &[0; 12]].concat();
        let plain = [&7_u32.to_le_bytes()[..], &OLD_TEXT.to_le_bytes(), &[3, 0], b"abc\0", &[8, 0]].concat();
        let placed = [&9_u32.to_le_bytes()[..], &OLD_PLACED_TEXT.to_le_bytes(), &[9, 0, 1, 0, 3, 0, 0, 0], b"def\0"];
        let all = [head, plain, placed.concat()].concat();
        assert!(is_metafile(&all));
        assert_eq!(shown(old_pieces(&all, 18)), [("abc".to_owned(), 8), ("def".to_owned(), 9)]);
        assert!(!is_metafile(b"\x01\0\x09\0"));
    }
}
