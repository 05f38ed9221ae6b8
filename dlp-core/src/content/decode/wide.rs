//! UTF-16 that a code stands for: programs of one large family encode their strings so.

use super::Derived;
use crate::content::MapRun;
use crate::text::original_offset;

/// Units that tell whether bytes are UTF-16.
const UNITS_MIN: usize = 4;
/// Units of one hundred that must be letters, digits or signs of European scripts.
const LIKELY_PERCENT: usize = 95;

/// Whether bytes are UTF-16 of a European script, and whether their high bytes come first.
pub(super) fn order(bytes: &[u8]) -> Option<fn([u8; 2]) -> u16> {
    let (units, _) = bytes.as_chunks::<2>();
    // Most bytes are none, which the first of them tell.
    let others_max = units.len() * (100 - LIKELY_PERCENT) / 100;
    let is_wide = |read: fn([u8; 2]) -> u16| {
        let mut others = units.iter().filter(|unit| !is_likely(read(**unit)));
        units.len() >= UNITS_MIN && others.nth(others_max).is_none()
    };
    if is_wide(u16::from_le_bytes) {
        Some(u16::from_le_bytes)
    } else if is_wide(u16::from_be_bytes) {
        Some(u16::from_be_bytes)
    } else {
        None
    }
}

/// Whether UTF-16 may begin so.
pub(super) fn may_begin(unit: [u8; 2]) -> bool {
    is_likely(u16::from_le_bytes(unit)) || is_likely(u16::from_be_bytes(unit))
}

fn is_likely(unit: u16) -> bool {
    // Latin letters, Greek and Cyrillic ones, and signs between words.
    let is_letter = matches!(unit, 0x20..=0x7E | 0xA0..=0x17F | 0x386..=0x3CE | 0x400..=0x45F);
    is_letter || matches!(unit, 0x9 | 0xA | 0xD | 0x2010..=0x2030 | 0xFEFF)
}

/// The characters that bytes are in UTF-16 of an order, with the place of each.
fn chars(bytes: &[u8], read: fn([u8; 2]) -> u16) -> impl Iterator<Item = (usize, char)> {
    let units = bytes.as_chunks::<2>().0.iter().map(move |unit| read(*unit));
    let chars = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER));
    let placed = chars.scan(0, |at, c| Some((std::mem::replace(at, *at + 2 * c.len_utf16()), c)));
    placed.filter(|(_, c)| *c != '\u{FEFF}')
}

/// The text that bytes are in UTF-16 of an order.
pub(super) fn text(bytes: &[u8], read: fn([u8; 2]) -> u16) -> String {
    chars(bytes, read).map(|(_, c)| c).collect()
}

/// The text that bytes are in UTF-16; `None` when they are none.
pub(super) fn narrow(content: &Derived) -> Option<Derived> {
    let read = order(&content.bytes)?;
    let place = |at: usize| original_offset(&content.runs, at as u32).unwrap_or(0);
    let mut out = Derived { bytes: Vec::with_capacity(content.bytes.len() / 2), runs: Vec::new() };
    for (at, c) in chars(&content.bytes, read) {
        out.share(c.encode_utf8(&mut [0; 4]).as_bytes(), place(at));
    }
    let end = content.runs.last().map_or(0, |run| run.original_start);
    out.runs.push(MapRun { text_start: out.bytes.len() as u32, original_start: end, stride: 1, group: 1 });
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_order_is_read_and_leads_back() {
        let little: Vec<u8> = "Zażółć 44051".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = "Zażółć 44051".encode_utf16().flat_map(u16::to_be_bytes).collect();
        for (bytes, expected) in [
            (little, Some("Zażółć 44051")),
            (big, Some("Zażółć 44051")),
            ("ИНН 44051".encode_utf16().flat_map(u16::to_le_bytes).collect(), Some("ИНН 44051")),
            (b"plain text".to_vec(), None),
            (vec![], None),
        ] {
            let mut content = Derived::default();
            content.copy(&bytes, 100);
            content.end(100 + bytes.len() as u64);
            let narrow = narrow(&content);
            assert_eq!(
                narrow.as_ref().map(|narrow| String::from_utf8_lossy(&narrow.bytes).into_owned()).as_deref(),
                expected
            );
            let Some(narrow) = narrow else { continue };
            let digits = narrow.bytes.len() as u32 - 5;
            assert_eq!(original_offset(&narrow.runs, digits), Some(100 + bytes.len() as u64 - 10));
        }
    }
}
