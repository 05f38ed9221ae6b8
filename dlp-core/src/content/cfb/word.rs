//! Word documents of 1997 to 2003, by their table of pieces; older ones as one piece of bytes.
//!
//! All texts of a document lie behind each other in one row of characters: body, notes, headers, comments, text boxes.

use super::file::{u16_at, u32_at};
use crate::base::{Problem, ProblemClass};
use crate::content::walk::{Step, Walk};
use crate::content::xml::side::Side;
use crate::content::{Join, Origin, Part, Place, Role, Segment};
use crate::text::{Charset, guess_eight_bit};

/// Pieces of one document. Word merges them long before.
const PIECES_MAX: usize = 1_000_000;
/// Text that is handed out at once.
const PIECE_BYTES: usize = 64 * 1024;
/// Where the counts of characters stand, and what the text is that they count.
const COUNTS: [(usize, Role); 8] = [
    (0x4C, Role::Body),
    (0x50, Role::Note),
    (0x54, Role::Header),
    (0x58, Role::Script),
    (0x5C, Role::Comment),
    (0x60, Role::Note),
    (0x64, Role::Drawing),
    (0x68, Role::Drawing),
];

/// The streams of a document.
pub(super) struct Streams {
    pub(super) main: Vec<u8>,
    /// `0Table` and `1Table`.
    pub(super) tables: [Option<Vec<u8>>; 2],
}

/// Walks the texts, and returns what of the main stream they do not cover.
pub(super) fn walk(walk: &mut Walk<'_>, streams: &Streams) -> Step<Vec<u8>> {
    let main = &streams.main;
    let flags = u16_at(main, 0x0A).unwrap_or(0);
    if flags & 0x0100 != 0 {
        let reason = if flags & 0x8000 != 0 { "cfb_xor" } else { "cfb_rc4" };
        let message = "the document needs a password; its text was not read";
        walk.problem(Problem::new(ProblemClass::Encrypted, reason, message));
        return Ok(main.clone());
    }
    let pieces = match streams.tables[usize::from(flags & 0x0200 != 0)].as_deref().and_then(|table| pieces(main, table))
    {
        Some(pieces) => pieces,
        None => old_pieces(main),
    };
    if pieces.is_empty() {
        let message = "the document has no readable table of pieces; its bytes were scanned";
        walk.bad_structure(message);
    }
    let mut text = Text::default();
    let mut counts = COUNTS.iter().map(|(at, role)| (u32_at(main, *at).unwrap_or(0), *role));
    let mut left = 0;
    for piece in &pieces {
        for c in piece.decode(main).chars() {
            while left == 0 {
                text.end(walk)?;
                let Some((count, role)) = counts.next() else {
                    (left, text.role) = (u32::MAX, Role::Body);
                    break;
                };
                (left, text.role) = (count, role);
            }
            left -= c.len_utf16().min(left as usize) as u32;
            text.push(walk, c)?;
        }
    }
    text.end(walk)?;
    text.side.flush(walk, "", Place::None)?;
    Ok(uncovered(main, &pieces))
}

/// A run of characters in the main stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece {
    start: usize,
    chars: usize,
    encoding: Encoding,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Utf16,
    Windows1252,
    /// The set of the system that wrote it.
    Unknown,
}

impl Piece {
    fn end(&self) -> usize {
        let width = if self.encoding == Encoding::Utf16 { 2 } else { 1 };
        self.start.saturating_add(self.chars.saturating_mul(width))
    }

    fn decode(&self, main: &[u8]) -> String {
        let bytes = main.get(self.start..self.end().min(main.len())).unwrap_or_default();
        match self.encoding {
            Encoding::Utf16 => Charset::Utf16Le.decode(bytes),
            Encoding::Windows1252 => Charset::from_encoding(encoding_rs::WINDOWS_1252).decode(bytes),
            Encoding::Unknown => guess_eight_bit(bytes).decode(bytes),
        }
    }
}

/// The table of pieces: positions of characters, then a descriptor for each piece.
fn pieces(main: &[u8], table: &[u8]) -> Option<Vec<Piece>> {
    const DESCRIPTOR_BYTES: usize = 8;
    let (start, len) = (u32_at(main, 0x1A2)? as usize, u32_at(main, 0x1A6)? as usize);
    let mut clx = table.get(start..start.checked_add(len)?.min(table.len()))?;
    // Properties stand in front of the table.
    while let [1, rest @ ..] = clx {
        clx = rest.get(2 + usize::from(u16_at(rest, 0)?)..)?;
    }
    let [2, rest @ ..] = clx else { return None };
    let len = u32_at(rest, 0)? as usize;
    let table = rest.get(4..)?;
    let table = &table[..len.min(table.len())];
    let count = (table.len().checked_sub(4)? / (4 + DESCRIPTOR_BYTES)).min(PIECES_MAX);
    let descriptors = table.get(4 * (count + 1)..)?;
    let piece = |index: usize| {
        let (from, to) = (u32_at(table, 4 * index)?, u32_at(table, 4 * index + 4)?);
        let place = u32_at(descriptors, DESCRIPTOR_BYTES * index + 2)?;
        let chars = to.checked_sub(from)? as usize;
        Some(match place & 0x4000_0000 {
            0 => Piece { start: place as usize, chars, encoding: Encoding::Utf16 },
            _ => Piece { start: (place & 0x3FFF_FFFF) as usize / 2, chars, encoding: Encoding::Windows1252 },
        })
    };
    let pieces: Vec<Piece> = (0..count).filter_map(piece).filter(|piece| piece.start < main.len()).collect();
    // Pieces that overlap each other without end would repeat a small file for ever.
    let mut room = main.len().saturating_mul(2);
    let is_within = |piece: &Piece| {
        let len = piece.end().min(main.len()).saturating_sub(piece.start);
        room.checked_sub(len).is_some_and(|rest| {
            room = rest;
            true
        })
    };
    Some(pieces.into_iter().take_while(is_within).collect())
}

/// The text of older versions, in one run of bytes.
fn old_pieces(main: &[u8]) -> Vec<Piece> {
    let range = u32_at(main, 0x18).zip(u32_at(main, 0x1C));
    let Some((start, end)) = range.map(|(start, end)| (start as usize, end as usize)) else { return Vec::new() };
    let is_old = matches!(u16_at(main, 0), Some(0xA5DC | 0xA59B | 0xA59C | 0xA5DB | 0xA5EC));
    if !is_old || start >= end || start < 0x20 || start >= main.len() {
        return Vec::new();
    }
    vec![Piece { start, chars: end.min(main.len()) - start, encoding: Encoding::Unknown }]
}

/// The bytes behind the header that belong to no piece: what was deleted may stay there.
fn uncovered(main: &[u8], pieces: &[Piece]) -> Vec<u8> {
    let mut ranges: Vec<(usize, usize)> =
        pieces.iter().map(|piece| (piece.start, piece.end().min(main.len()))).collect();
    ranges.sort_unstable();
    let mut rest = Vec::new();
    let mut at = 0;
    for (start, end) in ranges {
        if start > at {
            rest.extend_from_slice(&main[at..start]);
            // What stood apart must not be read as one.
            rest.extend_from_slice(&[0; 4]);
        }
        at = at.max(end);
    }
    rest.extend_from_slice(main.get(at..).unwrap_or_default());
    rest
}

/// The text that is collected.
struct Text {
    role: Role,
    piece: String,
    join: Join,
    side: Side,
    /// Open fields; true where the instruction has ended and the result is shown.
    fields: Vec<bool>,
    was_cell: bool,
}

impl Default for Text {
    fn default() -> Self {
        let (piece, side, fields) = (String::new(), Side::default(), Vec::new());
        Self { role: Role::Body, piece, join: Join::Line, side, fields, was_cell: false }
    }
}

impl Text {
    fn push(&mut self, walk: &mut Walk<'_>, c: char) -> Step {
        const FIELDS_MAX: usize = 1_000;
        let was_cell = std::mem::take(&mut self.was_cell);
        let shown = match c {
            '\u{13}' => {
                if self.fields.len() < FIELDS_MAX {
                    self.fields.push(false);
                    self.side.open(Role::Formula);
                }
                return Ok(());
            }
            '\u{14}' => {
                if let Some(is_result) = self.fields.last_mut() {
                    *is_result = true;
                }
                return Ok(());
            }
            '\u{15}' => {
                self.fields.pop();
                return Ok(());
            }
            '\u{7}' => {
                self.was_cell = !was_cell;
                if was_cell { '\n' } else { '\t' }
            }
            '\u{b}' | '\u{c}' | '\r' | '\u{e}' => '\n',
            '\u{1e}' => '-',
            '\u{a0}' => ' ',
            '\u{1f}' | '\u{ad}' | '\0' => return Ok(()),
            '\t' => '\t',
            c if c.is_control() => return Ok(()),
            c => c,
        };
        if self.fields.iter().any(|is_result| !is_result) {
            self.side.push(Role::Formula, shown.encode_utf8(&mut [0; 4]));
            return if self.side.is_full() { self.side.flush(walk, "", Place::None) } else { Ok(()) };
        }
        self.piece.push(shown);
        if self.piece.len() >= PIECE_BYTES { self.hand_out(walk) } else { Ok(()) }
    }

    /// Ends one of the texts.
    fn end(&mut self, walk: &mut Walk<'_>) -> Step {
        self.fields.clear();
        self.hand_out(walk)?;
        self.join = Join::Line;
        Ok(())
    }

    fn hand_out(&mut self, walk: &mut Walk<'_>) -> Step {
        let part = Part { role: self.role, name: "" };
        let join = std::mem::replace(&mut self.join, Join::None);
        let (place, origin) = (Place::None, Origin::None);
        let step = walk.emit(&Segment { text: self.piece.as_bytes(), part, place, join, origin });
        self.piece.clear();
        step
    }
}
