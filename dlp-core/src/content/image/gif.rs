//! The blocks of GIF.

use super::{Layout, Piece, PieceKind};
use std::ops::Range;

const SCREEN_BYTES: usize = 13;
const PICTURE_BYTES: usize = 10;
/// Bytes of the first block of a text: where it is drawn and how.
const TEXT_GRID_BYTES: usize = 12;
const XMP: &[u8] = b"XMP DataXMP";
/// Behind XMP stand bytes that lead any reader of blocks to the end.
const XMP_TRAILER_BYTES: usize = 257;

/// Walks the blocks; nothing when they do not lead to an end.
pub(super) fn layout(bytes: &[u8], start: usize) -> Option<Layout> {
    let mut layout = Layout { pieces: Vec::new(), end: bytes.len() };
    let mut at = start + SCREEN_BYTES;
    at += colours(*bytes.get(start + 10)?);
    while let Some(mark) = bytes.get(at) {
        match mark {
            0x21 => at = extension(bytes, at, &mut layout.pieces)?,
            0x2C => {
                at += PICTURE_BYTES + colours(*bytes.get(at + 9)?);
                at = blocks(bytes, at + 1)?.1;
            }
            0x3B => {
                layout.end = at + 1;
                break;
            }
            _ => break,
        }
    }
    Some(layout)
}

/// Bytes of the table of colours that flags announce.
fn colours(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}

/// Reads an extension and says where the next block starts.
fn extension(bytes: &[u8], at: usize, pieces: &mut Vec<Piece>) -> Option<usize> {
    let (mut ranges, end) = blocks(bytes, at + 2)?;
    match bytes.get(at + 1)? {
        0xFE => pieces.push(Piece { kind: PieceKind::Text, name: "comment".to_owned(), ranges }),
        0x01 if ranges.first().is_some_and(|range| range.len() == TEXT_GRID_BYTES) => {
            ranges.remove(0);
            pieces.push(Piece { kind: PieceKind::Text, name: "text".to_owned(), ranges });
        }
        0xFF if ranges.first().is_some_and(|range| bytes[range.clone()] == *XMP) => {
            // It stands there as it is and not in blocks.
            let from = ranges[0].end;
            let to = end.saturating_sub(XMP_TRAILER_BYTES + 1).max(from);
            pieces.push(Piece::new(PieceKind::Xmp, "", from..to));
        }
        _ => {}
    }
    Some(end)
}

/// The content of blocks up to the empty one, and the place behind it.
fn blocks(bytes: &[u8], from: usize) -> Option<(Vec<Range<usize>>, usize)> {
    let (mut ranges, mut at) = (Vec::new(), from);
    loop {
        let len = usize::from(*bytes.get(at)?);
        if len == 0 {
            return Some((ranges, at + 1));
        }
        let range = at + 1..at + 1 + len;
        bytes.get(range.clone())?;
        at = range.end;
        ranges.push(range);
    }
}
