//! Property sets: title, author, company, and what organisations add to them, such as labels.

use super::file::{u16_at, u32_at};
use crate::content::labels::SwitchedOff;
use crate::content::walk::{Step, Walk};
use crate::content::{Join, Origin, Part, Place, Role, Segment, strings};
use crate::text::Charset;
use std::collections::HashMap;

/// Properties of one set, and elements of one list.
const PROPERTIES_MAX: usize = 10_000;
/// Names of properties that every program knows, by the set's place in its stream.
const SUMMARY: [(u32, &str); 8] = [
    (2, "title"),
    (3, "subject"),
    (4, "author"),
    (5, "keywords"),
    (6, "comments"),
    (7, "template"),
    (8, "last-author"),
    (18, "application"),
];
const DOCUMENT: [(u32, &str); 6] =
    [(2, "category"), (14, "manager"), (15, "company"), (13, "titles-of-parts"), (26, "content-type"), (27, "status")];

/// Walks a stream of property sets.
pub(super) fn walk(walk: &mut Walk<'_>, stream: &[u8], is_document: bool) -> Step {
    for set in sets(stream) {
        let known = if is_document { &DOCUMENT[..] } else { &SUMMARY[..] };
        let mut labels = SwitchedOff::default();
        set.texts.iter().filter_map(|(id, value)| Some((set.names.get(id)?, value))).for_each(|(name, value)| {
            labels.see(name, value);
        });
        for (id, value) in set.texts {
            let standard = known.iter().find(|(known, _)| *known == id).map(|(_, name)| (*name).to_owned());
            let name = set.names.get(&id).cloned().or(standard).unwrap_or_else(|| format!("property {id}"));
            let text = format!("{name}{}: {value}", labels.mark(&name));
            let part = Part { role: Role::Property, name: &name };
            let (place, origin) = (Place::None, Origin::None);
            walk.emit(&Segment { text: text.as_bytes(), part, place, join: Join::Line, origin })?;
        }
    }
    Ok(())
}

/// One set.
#[derive(Debug, Default, PartialEq)]
struct Set {
    names: HashMap<u32, String>,
    texts: Vec<(u32, String)>,
}

fn sets(stream: &[u8]) -> Vec<Set> {
    if u16_at(stream, 0) != Some(0xFFFE) {
        return Vec::new();
    }
    let count = u32_at(stream, 24).unwrap_or(0).min(16) as usize;
    let offsets = (0..count).filter_map(|index| u32_at(stream, 28 + 20 * index + 16));
    offsets.filter_map(|offset| stream.get(offset as usize..)).map(set).collect()
}

fn set(section: &[u8]) -> Set {
    let count = (u32_at(section, 4).unwrap_or(0) as usize).min(PROPERTIES_MAX);
    let places: Vec<(u32, usize)> = (0..count)
        .filter_map(|index| Some((u32_at(section, 8 + 8 * index)?, u32_at(section, 12 + 8 * index)? as usize)))
        .collect();
    let at = |id: u32| places.iter().find(|(known, _)| *known == id).and_then(|(_, at)| section.get(*at..));
    let page = at(1).and_then(|value| u16_at(value, 4)).map_or(1252, u32::from);
    let charset = Charset::from_code_page(page).unwrap_or(Charset::Utf8);
    let mut set = Set { names: at(0).map(|bytes| names(bytes, &charset)).unwrap_or_default(), texts: Vec::new() };
    for (id, place) in &places {
        let Some(value) = section.get(*place..).filter(|_| *id > 1) else { continue };
        let texts = texts(value, &charset);
        set.texts.extend(texts.into_iter().filter(|text| !text.trim().is_empty()).map(|text| (*id, text)));
    }
    set
}

/// The names that users gave to properties.
fn names(bytes: &[u8], charset: &Charset) -> HashMap<u32, String> {
    let mut names = HashMap::new();
    let mut at = 4;
    for _ in 0..u32_at(bytes, 0).unwrap_or(0).min(PROPERTIES_MAX as u32) {
        let (Some(id), Some(len)) = (u32_at(bytes, at), u32_at(bytes, at + 4)) else { break };
        let width = if charset.is_wide() { 2 } else { 1 };
        let len = (len as usize).saturating_mul(width);
        let Some(name) = bytes.get(at + 8..).and_then(|rest| rest.get(..len)) else { break };
        names.insert(id, decode(charset, name));
        at += 8 + if width == 2 { len.next_multiple_of(4) } else { len };
    }
    names
}

/// The texts of a value. Numbers are texts where people write them: labels bear some.
fn texts(value: &[u8], charset: &Charset) -> Vec<String> {
    const VECTOR: u32 = 0x1000;
    let Some(kind) = u32_at(value, 0) else { return Vec::new() };
    if kind & VECTOR == 0 {
        return text(value, 4, kind & 0xFFFF, charset).map(|(text, _)| text).into_iter().collect();
    }
    let count = u32_at(value, 4).unwrap_or(0).min(PROPERTIES_MAX as u32);
    let mut at = 8;
    let mut found = Vec::new();
    for _ in 0..count {
        let mut kind = kind & 0xFFF;
        if kind == 0x0C {
            // Each element of a mixed list states its kind.
            kind = u32_at(value, at).unwrap_or(0);
            at += 4;
        }
        match text(value, at, kind, charset) {
            Some((text, len)) => {
                found.push(text);
                at += len;
                // The standard fills each text up to four bytes, and the programs that everybody has do not. No length
                // begins with a zero but that of an empty text.
                if value.get(at) == Some(&0) {
                    at = at.next_multiple_of(4);
                }
            }
            None => at += 4,
        }
        if at >= value.len() {
            break;
        }
    }
    found
}

/// A text and the bytes that it takes.
fn text(value: &[u8], at: usize, kind: u32, charset: &Charset) -> Option<(String, usize)> {
    let len = u32_at(value, at)? as usize;
    let rest = value.get(at + 4..)?;
    match kind {
        0x1E | 0x08 => Some((decode(charset, &rest[..len.min(rest.len())]), 4 + len)),
        0x1F => {
            let len = len.saturating_mul(2);
            Some((decode(&Charset::Utf16Le, &rest[..len.min(rest.len())]), 4 + len))
        }
        _ => None,
    }
}

fn decode(charset: &Charset, bytes: &[u8]) -> String {
    strings::decode(bytes, charset).trim_end_matches('\0').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A list of texts, each filled up to a multiple.
    fn list(titles: &[&str], multiple: usize) -> Vec<u8> {
        let mut value = [0x101E_u32, titles.len() as u32].map(u32::to_le_bytes).concat();
        for title in titles {
            value.extend((title.len() as u32 + 1).to_le_bytes());
            value.extend([title.as_bytes(), b"\0"].concat());
            value.resize(value.len().next_multiple_of(multiple), 0);
        }
        value
    }

    #[test]
    fn lists_are_read_with_and_without_padding() {
        let titles = ["Arial", "Calibri", "Default Design", "x", ""];
        for multiple in [1, 4] {
            assert_eq!(texts(&list(&titles, multiple), &Charset::Utf8), titles, "filled up to {multiple}");
        }
    }
}
