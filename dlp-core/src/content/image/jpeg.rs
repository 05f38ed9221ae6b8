//! The segments of JPEG: markers with lengths up to the pixels, and the search for the end behind them.

use super::{Layout, Piece, PieceKind, u16_be};

pub(super) const START: &[u8] = b"\xff\xd8\xff";
const END: u8 = 0xD9;
const SCAN: u8 = 0xDA;
const COMMENT: u8 = 0xFE;
const APP1: u8 = 0xE1;
const APP13: u8 = 0xED;
const EXIF: &[u8] = b"Exif\0\0";
const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
const MORE_XMP: &[u8] = b"http://ns.adobe.com/xmp/extension/\0";
/// In front of a piece of more XMP: its sum, the whole length, its offset.
const MORE_XMP_HEADER_BYTES: usize = 40;
const RESOURCES: &[u8] = b"Photoshop 3.0\0";

/// Walks the segments. When they do not lead to an end, the image has what was found and takes all bytes.
pub(super) fn layout(bytes: &[u8], start: usize) -> Layout {
    let mut layout = Layout { pieces: Vec::new(), end: bytes.len() };
    let mut more_xmp = Vec::new();
    let mut at = start + 2;
    while let Some(marker) = marker(bytes, &mut at) {
        match marker {
            END => {
                layout.end = at;
                break;
            }
            // Markers without content.
            0x01 | 0xD0..=0xD8 => continue,
            _ => {}
        }
        let Some(len) = u16_be(bytes, at).filter(|len| *len >= 2 && at + len <= bytes.len()) else { break };
        let (from, to) = (at + 2, at + len);
        at = to;
        let content = &bytes[from..to];
        match marker {
            SCAN => at = behind_scan(bytes, at),
            COMMENT => layout.pieces.push(Piece::new(PieceKind::Text, "comment", from..to)),
            APP1 if content.starts_with(EXIF) => {
                layout.pieces.push(Piece::new(PieceKind::Exif, "", from + EXIF.len()..to));
            }
            APP1 if content.starts_with(XMP) => {
                layout.pieces.push(Piece::new(PieceKind::Xmp, "", from + XMP.len()..to));
            }
            APP1 if content.starts_with(MORE_XMP) => {
                let from = from + MORE_XMP.len() + MORE_XMP_HEADER_BYTES;
                more_xmp.extend((from < to).then_some(from..to));
            }
            APP13 if content.starts_with(RESOURCES) => {
                layout.pieces.push(Piece::new(PieceKind::Resources, "", from + RESOURCES.len()..to));
            }
            _ => {}
        }
    }
    if !more_xmp.is_empty() {
        layout.pieces.push(Piece { kind: PieceKind::Xmp, name: String::new(), ranges: more_xmp });
    }
    layout
}

/// The next marker, any number of fill bytes before it.
fn marker(bytes: &[u8], at: &mut usize) -> Option<u8> {
    if *bytes.get(*at)? != 0xFF {
        return None;
    }
    while *bytes.get(*at)? == 0xFF {
        *at += 1;
    }
    let marker = *bytes.get(*at)?;
    *at += 1;
    Some(marker)
}

/// The first marker behind pixels. In pixels a byte of ones is followed by zero or a restart.
fn behind_scan(bytes: &[u8], from: usize) -> usize {
    let is_marker = |at: &usize| bytes.get(at + 1).is_some_and(|next| !matches!(next, 0 | 0xD0..=0xD7 | 0xFF));
    memchr::memchr_iter(0xFF, &bytes[from..]).map(|at| from + at).find(is_marker).unwrap_or(bytes.len())
}
