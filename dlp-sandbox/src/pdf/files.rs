//! Files embedded in the document, unpacked and handed to the parent, which inspects them like any other file.

use super::objects;
use super::streams::{Unpacked, unpack_file};
use crate::trouble::Trouble;
use crate::wire::Bounds;
use crate::worker::Output;
use pdf_extract::{Dictionary, Document, Object, ObjectId, Stream};
use std::collections::{BTreeMap, BTreeSet};
use std::io;

/// Hands out every embedded file once, also those that no name tree lists.
pub(super) fn read(document: &Document, bounds: &Bounds, output: &mut Output) -> io::Result<()> {
    let names = names(document);
    let mut given = BTreeSet::new();
    for (id, name) in &names {
        if let Ok(stream) = document.get_object(*id).and_then(Object::as_stream)
            && given.insert(*id)
        {
            give(document, stream, name, bounds, output)?;
        }
    }
    for (id, object) in &document.objects {
        if let Object::Stream(stream) = object
            && stream.dict.has_type(b"EmbeddedFile")
            && !given.contains(id)
        {
            give(document, stream, "", bounds, output)?;
        }
    }
    Ok(())
}

fn give(document: &Document, stream: &Stream, name: &str, bounds: &Bounds, output: &mut Output) -> io::Result<()> {
    match unpack_file(document, stream, bounds.child_bytes) {
        Unpacked::Bytes(bytes) => output.child(name, &bytes),
        Unpacked::Torn(bytes) => {
            output.trouble(Trouble::BrokenStream)?;
            output.child(name, &bytes)
        }
        Unpacked::TooLarge => output.trouble(Trouble::ChildTooLarge),
        Unpacked::Opaque => output.trouble(Trouble::UnknownFilter),
    }
}

/// Names of the streams that file specifications point to.
fn names(document: &Document) -> BTreeMap<ObjectId, String> {
    let mut names = BTreeMap::new();
    for object in document.objects.values() {
        let mut open = vec![object];
        while let Some(object) = open.pop() {
            match object {
                Object::Array(items) => open.extend(items),
                Object::Dictionary(dictionary) => {
                    names.extend(specified(document, dictionary));
                    open.extend(dictionary.iter().map(|(_, value)| value));
                }
                _ => {}
            }
        }
    }
    names
}

/// The streams of one file specification: the same file for different systems.
fn specified(document: &Document, specification: &Dictionary) -> Vec<(ObjectId, String)> {
    let Some(files) = objects::dictionary(document, specification, b"EF") else { return Vec::new() };
    let name = [&b"UF"[..], b"F", b"Unix", b"DOS", b"Mac"]
        .into_iter()
        .find_map(|key| objects::get(document, specification, key).and_then(objects::text))
        .unwrap_or_default();
    files.iter().filter_map(|(_, file)| Some((file.as_reference().ok()?, name.clone()))).collect()
}
