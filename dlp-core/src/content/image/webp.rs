//! The chunks of WebP.

use super::{Layout, Piece, PieceKind, u32_le};

const HEADER_BYTES: usize = 12;
const HEAD_BYTES: usize = 8;
const EXIF: &[u8] = b"Exif\0\0";

/// Walks the chunks; nothing when the header cannot be right.
pub(super) fn layout(bytes: &[u8], start: usize) -> Option<Layout> {
    let end = start.checked_add(HEAD_BYTES)?.checked_add(u32_le(bytes, start + 4)?)?.min(bytes.len());
    let mut layout = Layout { pieces: Vec::new(), end: end.max(start + HEADER_BYTES).min(bytes.len()) };
    let mut at = start + HEADER_BYTES;
    while let Some(len) = u32_le(bytes, at + 4) {
        let from = at + HEAD_BYTES;
        let Some(to) = from.checked_add(len).filter(|to| *to <= layout.end) else { break };
        match &bytes[at..at + 4] {
            b"EXIF" => {
                // Some programs write the mark of JPEG in front.
                let mark = if bytes[from..to].starts_with(EXIF) { EXIF.len() } else { 0 };
                layout.pieces.push(Piece::new(PieceKind::Exif, "", from + mark..to));
            }
            b"XMP " => layout.pieces.push(Piece::new(PieceKind::Xmp, "", from..to)),
            _ => {}
        }
        at = to.next_multiple_of(2);
    }
    Some(layout)
}
