//! Messages of Outlook: every property that is text, the bodies as documents, recipients and attachments.

use super::file::{Compound, EntryKind, u32_at};
use crate::content::decode::rtf_compressed;
use crate::content::walk::{Step, Walk};
use crate::content::{Input, Join, Origin, Part, Place, Relation, Role, Segment};
use crate::text::Charset;
use std::collections::HashSet;

/// What the streams of properties are called: the mark, then the number and the kind in hexadecimal digits.
const PREFIX: &str = "__substg1.0_";
const PROPERTIES: &str = "__properties_version1.0";
/// Names of properties that people know.
const NAMES: [(u16, &str); 16] = [
    (0x0037, "subject"),
    (0x0042, "sent-for"),
    (0x007D, "headers"),
    (0x0C1A, "sender"),
    (0x0C1F, "sender-address"),
    (0x0E02, "bcc"),
    (0x0E03, "cc"),
    (0x0E04, "to"),
    (0x0E1D, "normalized-subject"),
    (0x1000, "body"),
    (0x3001, "name"),
    (0x3003, "address"),
    (0x39FE, "smtp-address"),
    (0x3704, "file"),
    (0x3707, "file"),
    (0x5D01, "sender-smtp-address"),
];
const BODY: u16 = 0x1000;
const BODY_RTF: u16 = 0x1009;
const BODY_HTML: u16 = 0x1013;
const ATTACHED: u16 = 0x3701;

/// A property with a stream of its own.
struct Property {
    index: usize,
    number: u16,
    kind: u16,
}

/// Walks a message that lies in a storage, and remembers the streams that it read.
pub(super) fn walk(walk: &mut Walk<'_>, file: &Compound<'_>, storage: usize, read: &mut HashSet<usize>) -> Step {
    let charset = charset(file, storage);
    let held: Vec<usize> =
        file.children(storage).filter(|index| file.entries[*index].kind == EntryKind::Storage).collect();
    properties(walk, file, storage, &charset, read)?;
    for inner in held {
        // A message in an attachment is walked as an item of its own.
        properties(walk, file, inner, &charset, read)?;
        attachment(walk, file, inner, &charset, read)?;
    }
    Ok(())
}

/// The set of strings of bytes, as the properties without streams of their own say.
fn charset(file: &Compound<'_>, storage: usize) -> Charset {
    const ENTRY_BYTES: usize = 16;
    const CODE_PAGES: [u32; 2] = [0x3FFD_0003, 0x3FDE_0003];
    let bytes = file.find(storage, PROPERTIES).map(|index| file.stream(index)).unwrap_or_default();
    // The header is 8, 24 or 32 bytes long, so entries start at multiples of 8.
    let starts = (0..(bytes.len() + 1).saturating_sub(ENTRY_BYTES)).step_by(8);
    let page = starts.into_iter().find_map(|at| {
        let tag = u32_at(&bytes, at)?;
        CODE_PAGES.contains(&tag).then(|| u32_at(&bytes, at + 8))?
    });
    page.and_then(Charset::from_code_page).unwrap_or_else(|| Charset::from_encoding(encoding_rs::WINDOWS_1252))
}

fn of_storage(file: &Compound<'_>, storage: usize) -> Vec<Property> {
    let number = |digits: Option<&str>| u16::from_str_radix(digits?, 16).ok();
    let property = |index: usize| {
        let name = file.entries[index].name.strip_prefix(PREFIX)?;
        Some(Property { index, number: number(name.get(..4))?, kind: number(name.get(4..8))? })
    };
    let mut found: Vec<Property> = file.children(storage).filter_map(property).collect();
    found.sort_by_key(|property| property.number);
    found
}

/// Hands out the properties of a message, a recipient or an attachment.
fn properties(
    walk: &mut Walk<'_>,
    file: &Compound<'_>,
    storage: usize,
    charset: &Charset,
    read: &mut HashSet<usize>,
) -> Step {
    for property in of_storage(file, storage) {
        let Some(text) = text(file, &property, charset) else {
            if matches!(property.number, BODY_RTF | BODY_HTML) && property.kind == 0x0102 {
                read.insert(property.index);
                body(walk, &property, &file.stream(property.index))?;
            }
            continue;
        };
        read.insert(property.index);
        let name = NAMES.iter().find(|(number, _)| *number == property.number);
        let name = name.map_or_else(|| format!("property {:04x}", property.number), |(_, name)| (*name).to_owned());
        let (role, text) = match property.number {
            BODY => (Role::Body, text),
            _ => (Role::Property, format!("{name}: {text}")),
        };
        let part = Part { role, name: if role == Role::Body { "" } else { &name } };
        walk.emit(&Segment {
            text: text.as_bytes(),
            part,
            place: Place::None,
            join: Join::Line,
            origin: Origin::None,
        })?;
    }
    Ok(())
}

fn text(file: &Compound<'_>, property: &Property, charset: &Charset) -> Option<String> {
    let charset = match property.kind {
        0x001F => &Charset::Utf16Le,
        0x001E => charset,
        _ => return None,
    };
    Some(charset.decode(&file.stream(property.index)).trim_end_matches('\0').to_owned())
}

/// A body with its looks: markup, or packed RTF.
fn body(walk: &mut Walk<'_>, property: &Property, bytes: &[u8]) -> Step {
    match property.number {
        BODY_HTML => walk.child("body.html", Relation::Embedded, Input::Bytes(bytes)),
        _ => match rtf_compressed(bytes) {
            Some(rtf) => walk.child("body.rtf", Relation::Embedded, Input::Bytes(&rtf)),
            None => walk.child("body.rtf", Relation::Embedded, Input::Bytes(bytes)),
        },
    }
}

fn attachment(
    walk: &mut Walk<'_>,
    file: &Compound<'_>,
    storage: usize,
    charset: &Charset,
    read: &mut HashSet<usize>,
) -> Step {
    let properties = of_storage(file, storage);
    let find = |number: u16| properties.iter().find(|property| property.number == number);
    let Some(data) = find(ATTACHED).filter(|data| file.entries[data.index].kind == EntryKind::Stream) else {
        return Ok(());
    };
    let names = [0x3707, 0x3704, 0x3001].into_iter().filter_map(find);
    let name = names.into_iter().find_map(|property| text(file, property, charset)).filter(|name| !name.is_empty());
    read.insert(data.index);
    let bytes = file.stream(data.index);
    walk.child(name.as_deref().unwrap_or("attachment"), Relation::Attachment, Input::Bytes(&bytes))
}
