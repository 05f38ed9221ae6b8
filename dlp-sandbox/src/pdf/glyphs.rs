//! Reads the character table (`cmap`) of an embedded TrueType font backwards: from glyphs to characters.
//!
//! Fonts with two-byte codes often number their glyphs and say nothing about characters. The font program then is the
//! only place where they can be found.

use dlp_core::base::bytes::{u16_be as u16_at, u32_be as u32_at};
use std::collections::BTreeMap;

/// Entries of one table; a font has at most so many glyphs.
const ENTRIES_MAX: usize = 65_536;

/// Characters by glyph number; empty when the font has no table or a broken one.
pub(super) fn characters(font: &[u8]) -> BTreeMap<u32, char> {
    let mut characters = BTreeMap::new();
    let Some(table) = table(font, b"cmap") else { return characters };
    let count = u16_at(table, 2).unwrap_or(0);
    for record in 0..usize::from(count).min(64) {
        let at = 4 + record * 8;
        let platform = u16_at(table, at);
        let offset = u32_at(table, at + 4).and_then(|offset| table.get(offset as usize..));
        // Windows and Unicode tables hold Unicode; that of the Macintosh does not.
        if let (Some(0 | 3), Some(subtable)) = (platform, offset) {
            read_subtable(subtable, &mut characters);
        }
    }
    characters
}

/// Bytes of a table of the font.
fn table<'a>(font: &'a [u8], tag: &[u8; 4]) -> Option<&'a [u8]> {
    let count = usize::from(u16_at(font, 4)?);
    let records = font.get(12..)?.chunks_exact(16).take(count);
    let record = records.into_iter().find(|record| record.starts_with(tag))?;
    font.get(u32_at(record, 8)? as usize..)
}

fn read_subtable(table: &[u8], characters: &mut BTreeMap<u32, char>) {
    match u16_at(table, 0) {
        Some(4) => read_segments(table, characters),
        Some(12) => read_groups(table, characters),
        _ => {}
    }
}

/// Format 4: segments of the first plane.
fn read_segments(table: &[u8], characters: &mut BTreeMap<u32, char>) {
    let double = usize::from(u16_at(table, 6).unwrap_or(0));
    for segment in (0..double).step_by(2) {
        let (Some(last), Some(first), Some(delta), Some(offset)) = (
            u16_at(table, 14 + segment),
            u16_at(table, 16 + double + segment),
            u16_at(table, 16 + 2 * double + segment),
            u16_at(table, 16 + 3 * double + segment),
        ) else {
            return;
        };
        for code in first..=last {
            let glyph = match offset {
                0 => Some(code.wrapping_add(delta)),
                // The offset counts from its own place.
                offset => {
                    u16_at(table, 16 + 3 * double + segment + usize::from(offset) + usize::from(code - first) * 2)
                        .map(|glyph| if glyph == 0 { 0 } else { glyph.wrapping_add(delta) })
                }
            };
            keep(u32::from(glyph.unwrap_or(0)), u32::from(code), characters);
        }
    }
}

/// Format 12: groups of all planes.
fn read_groups(table: &[u8], characters: &mut BTreeMap<u32, char>) {
    let count = u32_at(table, 12).unwrap_or(0) as usize;
    for group in table.get(16..).unwrap_or(&[]).chunks_exact(12).take(count.min(ENTRIES_MAX)) {
        let (Some(first), Some(last), Some(glyph)) = (u32_at(group, 0), u32_at(group, 4), u32_at(group, 8)) else {
            return;
        };
        let last = last.min(first.saturating_add(ENTRIES_MAX as u32));
        for (glyph, code) in (glyph..).zip(first..=last) {
            keep(glyph, code, characters);
        }
        if characters.len() >= ENTRIES_MAX {
            return;
        }
    }
}

/// The first character of a glyph counts: tables are in ascending order, and compatibility forms come late.
fn keep(glyph: u32, code: u32, characters: &mut BTreeMap<u32, char>) {
    let character = char::from_u32(code).filter(|_| glyph != 0 && code != 0xFFFF);
    if let Some(character) = character {
        characters.entry(glyph).or_insert(character);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn font(subtable: &[u16]) -> Vec<u8> {
        let header = [0_u16, 1, 1, 0, 0, 0];
        let record = [u16::from_be_bytes(*b"cm"), u16::from_be_bytes(*b"ap"), 0, 0, 0, 28, 0, 100];
        let cmap = [0_u16, 1, 3, 1, 0, 12];
        let words = [&header[..], &record, &cmap, subtable].concat();
        words.into_iter().flat_map(u16::to_be_bytes).collect()
    }

    #[test]
    fn glyphs_lead_back_to_characters() {
        let check = |subtable: &[u16], expected: &[(u32, char)]| {
            assert_eq!(characters(&font(subtable)).into_iter().collect::<Vec<_>>(), expected);
        };
        // One segment A..B with delta -60, and the closing one.
        check(&[4, 32, 0, 4, 0, 0, 0, 66, 0xFFFF, 0, 65, 0xFFFF, 0xFFC4, 1, 0, 0], &[(5, 'A'), (6, 'B')]);
        check(&[12, 0, 0, 28, 0, 0, 0, 1, 1, 0xF600, 1, 0xF601, 0, 7], &[(7, '\u{1F600}'), (8, '\u{1F601}')]);
        check(&[4, 32, 0, 4], &[]);
        check(&[12, 0, 0, 28, 0, 0, 0xFFFF, 0xFFFF], &[]);
        check(&[], &[]);
    }

    #[test]
    fn broken_fonts_have_no_characters() {
        for font in [&b""[..], b"\0\x01\0\0\xFF\xFF", &[0xFF; 64]] {
            assert!(characters(font).is_empty());
        }
    }
}
