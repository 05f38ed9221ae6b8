//! Messages of Outlook: every property that is text, the bodies as documents, recipients and attachments.

use super::file::{Compound, EntryKind, u32_at};
use crate::content::walk::{Step, Walk};
use crate::content::{Input, Relation, mapi, strings};
use crate::text::Charset;
use std::collections::HashSet;

/// What the streams of properties are called: the mark, then the number and the kind in hexadecimal digits.
const PREFIX: &str = "__substg1.0_";
const PROPERTIES: &str = "__properties_version1.0";
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
            if mapi::is_body(property.number, property.kind) {
                read.insert(property.index);
                mapi::body(walk, property.number, &file.stream(property.index))?;
            }
            continue;
        };
        read.insert(property.index);
        mapi::text(walk, property.number, &text)?;
    }
    Ok(())
}

fn text(file: &Compound<'_>, property: &Property, charset: &Charset) -> Option<String> {
    let charset = match property.kind {
        mapi::WIDE_TEXT => &Charset::Utf16Le,
        mapi::BYTE_TEXT => charset,
        _ => return None,
    };
    Some(strings::decode(&file.stream(property.index), charset).trim_end_matches('\0').to_owned())
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
    let Some(data) = find(mapi::ATTACHED).filter(|data| file.entries[data.index].kind == EntryKind::Stream) else {
        return Ok(());
    };
    let names = mapi::ATTACHED_NAMES.into_iter().filter_map(find);
    let name = names.into_iter().find_map(|property| text(file, property, charset)).filter(|name| !name.is_empty());
    read.insert(data.index);
    let bytes = file.stream(data.index);
    walk.child(name.as_deref().unwrap_or("attachment"), Relation::Attachment, Input::Bytes(&bytes))
}
