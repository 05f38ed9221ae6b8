//! The chunks of PNG.

use super::{Layout, Piece, PieceKind, u32_be};

pub(super) const START: &[u8] = b"\x89PNG\r\n\x1a\n";
/// A length and a name in front of each chunk, a sum behind it.
const HEAD_BYTES: usize = 8;
const SUM_BYTES: usize = 4;
/// The keyword under which programs write XMP.
const XMP: &[u8] = b"XML:com.adobe.xmp";

/// Walks the chunks. When they do not lead to an end, the image has what was found and takes all bytes.
pub(super) fn layout(bytes: &[u8], start: usize) -> Layout {
    let mut layout = Layout { pieces: Vec::new(), end: bytes.len() };
    let mut at = start + START.len();
    while let Some(len) = u32_be(bytes, at) {
        let from = at + HEAD_BYTES;
        let Some(to) = from.checked_add(len).filter(|to| *to <= bytes.len()) else { break };
        match &bytes[at + 4..from] {
            b"tEXt" => layout.pieces.extend(text(bytes, from, to)),
            b"zTXt" => layout.pieces.extend(packed(bytes, from, to)),
            b"iTXt" => layout.pieces.extend(international(bytes, from, to)),
            b"eXIf" => layout.pieces.push(Piece::new(PieceKind::Exif, "", from..to)),
            b"IEND" => {
                layout.end = bytes.len().min(to + SUM_BYTES);
                break;
            }
            _ => {}
        }
        at = to + SUM_BYTES;
    }
    layout
}

/// A keyword and a text.
fn text(bytes: &[u8], from: usize, to: usize) -> Option<Piece> {
    let (name, behind) = field(bytes, from, to)?;
    Some(Piece::new(PieceKind::Text, name, behind..to))
}

/// A keyword, the way of packing, a packed text.
fn packed(bytes: &[u8], from: usize, to: usize) -> Option<Piece> {
    let (name, behind) = field(bytes, from, to)?;
    (behind < to).then(|| Piece::new(PieceKind::Packed, name, behind + 1..to))
}

/// A keyword, whether and how the text is packed, its language, the keyword in that language, the text.
fn international(bytes: &[u8], from: usize, to: usize) -> Option<Piece> {
    let (name, behind) = field(bytes, from, to)?;
    let is_packed = *bytes.get(behind)? == 1;
    let (_language, behind) = field(bytes, behind + 2, to)?;
    let (translated, behind) = field(bytes, behind, to)?;
    let kind = match is_packed {
        true => PieceKind::Packed,
        false if name.as_bytes() == XMP => PieceKind::Xmp,
        false => PieceKind::Text,
    };
    let name = if translated.is_empty() { name } else { format!("{name} {translated}") };
    Some(Piece::new(kind, name, behind..to))
}

/// A text up to its zero, and the place behind it.
fn field(bytes: &[u8], from: usize, to: usize) -> Option<(String, usize)> {
    let field = bytes.get(from..to)?;
    let len = memchr::memchr(0, field)?;
    Some((String::from_utf8_lossy(&field[..len]).into_owned(), from + len + 1))
}
