//! Records of press agencies (IPTC), alone or among the resources of one image program.

use super::{Image, u16_be, u32_be};
use crate::content::walk::{Step, Walk};
use std::ops::Range;

const MARK: u8 = 0x1C;
const HEAD_BYTES: usize = 5;
/// The record that people fill in, and names of its fields.
const APPLICATION: u8 = 2;
const NAMES: [(u8, &str); 12] = [
    (5, "title"),
    (25, "keyword"),
    (40, "instructions"),
    (80, "author"),
    (90, "city"),
    (92, "location"),
    (101, "country"),
    (105, "headline"),
    (110, "credit"),
    (116, "copyright"),
    (118, "contact"),
    (120, "caption"),
];
/// The number of the resource with the records.
const RECORDS: usize = 0x0404;

/// Walks records.
pub(super) fn walk(walk: &mut Walk<'_>, image: &mut Image<'_>, range: Range<usize>) -> Step {
    let bytes = image.bytes;
    let mut at = range.start;
    while at + HEAD_BYTES <= range.end && bytes[at] == MARK {
        let (record, field) = (bytes[at + 1], bytes[at + 2]);
        // The highest bit stands for lengths that no text has.
        let Some(len) = u16_be(bytes, at + 3).filter(|len| len & 0x8000 == 0) else { break };
        let content = at + HEAD_BYTES..range.end.min(at + HEAD_BYTES + len);
        at = content.end;
        if record != APPLICATION || content.is_empty() || !image.claim(walk, std::slice::from_ref(&content)) {
            continue;
        }
        let known = NAMES.iter().find(|(number, _)| *number == field);
        let name = known.map_or_else(|| format!("iptc {field}"), |(_, name)| (*name).to_owned());
        image.text(walk, &name, &bytes[content])?;
    }
    Ok(())
}

/// Walks resources: a mark, a number, a name, a length, the content.
pub(super) fn walk_resources(walk: &mut Walk<'_>, image: &mut Image<'_>, range: Range<usize>) -> Step {
    let bytes = image.bytes;
    let mut at = range.start;
    while at < range.end && bytes[at..range.end].starts_with(b"8BIM") {
        let Some((number, name_bytes)) = u16_be(bytes, at + 4).zip(bytes.get(at + 6)) else { break };
        // Names and contents fill up to even lengths.
        let head = at + 6 + (1 + usize::from(*name_bytes)).next_multiple_of(2);
        let Some(len) = u32_be(bytes, head) else { break };
        let from = head + 4;
        let Some(to) = from.checked_add(len).filter(|to| *to <= range.end) else { break };
        if number == RECORDS {
            self::walk(walk, image, from..to)?;
        }
        at = to + len % 2;
    }
    Ok(())
}
