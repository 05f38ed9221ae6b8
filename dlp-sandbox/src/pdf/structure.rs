//! Text outside the page descriptions: properties, comments, form fields, links, scripts, outlines.
//!
//! Every loaded object is looked at, whether anything refers to it or not: a form value that no page shows is still in
//! the document. Objects are walked with a list, not by recursion, so nesting costs nothing.

use super::objects;
use super::seen::Seen;
use super::streams::unpack;
use crate::trouble::Trouble;
use crate::wire::{Bounds, WirePart};
use crate::worker::{At, Output};
use pdf_extract::{Dictionary, Document, Object, ObjectId};
use std::collections::BTreeMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A piece of text and what it is.
struct Piece {
    part: WirePart,
    name: &'static str,
    text: String,
}

/// Hands out everything.
pub(super) fn read(document: &Document, bounds: &Bounds, seen: &mut Seen, output: &mut Output) -> io::Result<()> {
    read_metadata(document, bounds, seen, output)?;
    let pages = pages_of_objects(document, bounds);
    let info = info_id(document);
    for (id, object) in document.objects.iter().filter(|(id, _)| Some(**id) != info) {
        let Ok(pieces) = catch_unwind(AssertUnwindSafe(|| pieces(document, object, bounds))) else {
            output.trouble(Trouble::DocumentPanic)?;
            continue;
        };
        for piece in pieces {
            let at = At { part: piece.part, name: piece.name, page: pages.get(id).copied() };
            seen.add(&piece.text);
            output.text(at, &piece.text)?;
        }
    }
    Ok(())
}

/// Hands out the properties of a document that is locked, if they were left open on purpose: archives want that.
pub(super) fn read_open_metadata(bytes: &[u8], output: &mut Output) -> io::Result<()> {
    let (start, end) = (&b"<x:xmpmeta"[..], &b"</x:xmpmeta>"[..]);
    let Some(from) = memchr::memmem::find(bytes, start) else { return Ok(()) };
    let Some(len) = memchr::memmem::find(&bytes[from..], end) else { return Ok(()) };
    give_properties(&String::from_utf8_lossy(&bytes[from..from + len]), &mut Seen::default(), output)
}

fn read_metadata(document: &Document, bounds: &Bounds, seen: &mut Seen, output: &mut Output) -> io::Result<()> {
    if let Some(info) = objects::dictionary(document, &document.trailer, b"Info") {
        for (name, value) in info {
            let name = String::from_utf8_lossy(name);
            let value = objects::resolve(document, value).and_then(objects::text);
            if let Some(value) = value.filter(|value| !value.trim().is_empty()) {
                seen.add(&value);
                output.text(At::part(WirePart::Property, &name), &format!("{name}: {value}"))?;
            }
        }
    }
    let catalog = document.catalog().ok();
    if let Some(metadata) = catalog.and_then(|catalog| objects::stream(document, catalog, b"Metadata"))
        && let Some(xmp) = unpack(document, metadata, bounds.stream_bytes).readable()
        && xmp.trim_ascii_start().starts_with(b"<")
    {
        return give_properties(&String::from_utf8_lossy(&xmp), seen, output);
    }
    Ok(())
}

fn give_properties(xmp: &str, seen: &mut Seen, output: &mut Output) -> io::Result<()> {
    for (name, value) in xml_values(xmp) {
        seen.add(&value);
        output.text(At::part(WirePart::Property, &name), &format!("{name}: {value}"))?;
    }
    Ok(())
}

fn info_id(document: &Document) -> Option<ObjectId> {
    document.trailer.get(b"Info").and_then(Object::as_reference).ok()
}

/// Which page an object belongs to: pages themselves and their annotations.
fn pages_of_objects(document: &Document, bounds: &Bounds) -> BTreeMap<ObjectId, u32> {
    /// Annotations of all pages together; pages may share a list of them.
    const ANNOTATIONS_MAX: usize = 1_000_000;
    let mut pages = BTreeMap::new();
    let mut left = ANNOTATIONS_MAX;
    for (number, id) in (1..=bounds.pages).zip(document.page_iter()) {
        pages.insert(id, number);
        let Ok(page) = document.get_dictionary(id) else { continue };
        let annotations = objects::array(document, page, b"Annots").iter().take(left);
        left -= annotations.len();
        pages.extend(annotations.filter_map(|annotation| Some((annotation.as_reference().ok()?, number))));
    }
    pages
}

/// Everything that the dictionaries of one object say.
fn pieces(document: &Document, object: &Object, bounds: &Bounds) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut open = vec![object];
    while let Some(object) = open.pop() {
        match object {
            Object::Array(items) => open.extend(items.iter().rev()),
            Object::Dictionary(dictionary) => {
                describe(document, dictionary, bounds, &mut pieces);
                open.extend(dictionary.iter().map(|(_, value)| value));
            }
            Object::Stream(stream) => open.extend(stream.dict.iter().map(|(_, value)| value)),
            _ => {}
        }
    }
    pieces
}

fn describe(document: &Document, dictionary: &Dictionary, bounds: &Bounds, pieces: &mut Vec<Piece>) {
    let mut add = |part, name, text: String| {
        if !text.trim().is_empty() {
            pieces.push(Piece { part, name, text });
        }
    };
    let string = |key: &[u8]| match objects::get(document, dictionary, key) {
        Some(object @ Object::String(..)) => objects::text(object),
        _ => None,
    };
    let is_field = dictionary.has(b"FT") || (dictionary.has(b"T") && dictionary.has(b"V"));
    if is_field {
        add(WirePart::Form, "field", field(document, dictionary));
    } else if dictionary.has(b"Subtype") {
        for (key, name) in [(&b"T"[..], "author"), (b"Subj", "subject"), (b"Contents", "contents")] {
            add(WirePart::Comment, name, string(key).unwrap_or_default());
        }
        add(WirePart::Comment, "rich-contents", string(b"RC").map(|rich| without_tags(&rich)).unwrap_or_default());
    }
    add(WirePart::Link, "uri", string(b"URI").unwrap_or_default());
    if objects::name(document, dictionary, b"S") == Some(b"Launch") {
        add(WirePart::Link, "launch", string(b"F").unwrap_or_default());
    }
    if dictionary.has(b"Title") && (dictionary.has(b"Parent") || dictionary.has(b"Dest")) {
        add(WirePart::Property, "outline", string(b"Title").unwrap_or_default());
    }
    for (key, name) in [(&b"ActualText"[..], "actual-text"), (b"Alt", "alternative-text"), (b"E", "expansion")] {
        add(WirePart::Data, name, string(key).unwrap_or_default());
    }
    add(WirePart::Script, "javascript", string_or_stream(document, dictionary, b"JS", bounds));
    if let Some(forms) = objects::get(document, dictionary, b"XFA") {
        add(WirePart::Form, "xfa", xfa(document, forms, bounds));
    }
}

/// A form field as `name: value`, with its tooltip, default and options.
fn field(document: &Document, field: &Dictionary) -> String {
    let values = |key: &[u8]| {
        let mut values = Vec::new();
        // Options are strings or pairs of strings.
        let mut open: Vec<&Object> = objects::get(document, field, key).into_iter().collect();
        while let Some(value) = open.pop() {
            match value {
                Object::Array(items) => open.extend(items.iter().rev()),
                Object::Reference(_) => open.extend(objects::resolve(document, value)),
                value => values.extend(objects::text(value)),
            }
            /// Options of one field; lists of all countries have 250.
            const VALUES_MAX: usize = 10_000;
            if values.len() >= VALUES_MAX {
                break;
            }
        }
        values.join("\n")
    };
    let name = values(b"T");
    let lines = [values(b"V"), values(b"DV"), values(b"TU"), values(b"Opt")];
    let value = lines.into_iter().filter(|line| !line.trim().is_empty()).collect::<Vec<_>>().join("\n");
    if name.is_empty() || value.is_empty() { value } else { format!("{name}: {value}") }
}

fn string_or_stream(document: &Document, dictionary: &Dictionary, key: &[u8], bounds: &Bounds) -> String {
    match objects::get(document, dictionary, key) {
        Some(Object::Stream(stream)) => {
            let script = unpack(document, stream, bounds.stream_bytes).readable().unwrap_or_default();
            String::from_utf8_lossy(&script).into_owned()
        }
        Some(object @ Object::String(..)) => objects::text(object).unwrap_or_default(),
        _ => String::new(),
    }
}

/// An XML form: one stream, or a list of names and streams.
fn xfa(document: &Document, forms: &Object, bounds: &Bounds) -> String {
    let parts: Vec<&Object> = match forms {
        Object::Array(parts) => parts.iter().filter_map(|part| objects::resolve(document, part)).collect(),
        form => vec![form],
    };
    let mut text = String::new();
    for part in parts {
        if let Object::Stream(stream) = part
            && let Some(bytes) = unpack(document, stream, bounds.stream_bytes).readable()
        {
            for (name, value) in xml_values(&String::from_utf8_lossy(&bytes)) {
                text.push_str(&format!("{name}: {value}\n"));
            }
        }
    }
    text
}

fn without_tags(xml: &str) -> String {
    xml_values(xml).into_iter().map(|(_, value)| value).collect::<Vec<_>>().join(" ")
}

/// The texts of an XML document with the names of their elements, and its attributes. Enough for metadata, and safe
/// for anything: names and values are what stands between the angle brackets.
pub(super) fn xml_values(xml: &str) -> Vec<(String, String)> {
    let mut values = Vec::new();
    let mut open: Vec<&str> = Vec::new();
    let mut rest = xml;
    while let Some(start) = rest.find('<') {
        let (text, tail) = rest.split_at(start);
        // Lists hold their values in elements of their own; the element around the list has the telling name.
        let name = open.iter().rev().find(|name| !matches!(**name, "li" | "Alt" | "Seq" | "Bag")).unwrap_or(&"");
        push_value(&mut values, name, text);
        let end = tail.find('>').map_or(tail.len(), |end| end + 1);
        let (tag, behind) = tail.split_at(end);
        rest = behind;
        enter_tag(tag, &mut open, &mut values);
    }
    values
}

fn enter_tag<'a>(tag: &'a str, open: &mut Vec<&'a str>, values: &mut Vec<(String, String)>) {
    /// Elements in elements; deeper ones only lose their names.
    const OPEN_MAX: usize = 256;
    let inner = tag.trim_start_matches('<').trim_end_matches('>');
    if inner.starts_with('/') {
        open.pop();
        return;
    }
    if inner.starts_with(['?', '!']) {
        return;
    }
    let name = local_name(inner.split(|c: char| c.is_whitespace() || c == '/').next().unwrap_or(""));
    attributes(inner, values);
    if !inner.ends_with('/') && open.len() < OPEN_MAX {
        open.push(name);
    }
}

fn attributes(tag: &str, values: &mut Vec<(String, String)>) {
    let mut rest = tag;
    while let Some((before, behind)) = rest.split_once('=') {
        let name = before.rsplit(|c: char| c.is_whitespace()).next().unwrap_or("");
        let behind = behind.trim_start();
        let Some(quote) = behind.chars().next().filter(|quote| matches!(quote, '"' | '\'')) else { break };
        let Some((value, tail)) = behind[1..].split_once(quote) else { break };
        // Names of vocabularies, not of anything in the document.
        if !name.starts_with("xmlns") && !name.starts_with("rdf:") {
            push_value(values, local_name(name), value);
        }
        rest = tail;
    }
}

fn local_name(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

fn push_value(values: &mut Vec<(String, String)>, name: &str, value: &str) {
    let value = value.trim();
    if !value.is_empty() {
        values.push((name.to_owned(), unescape(value)));
    }
}

fn unescape(text: &str) -> String {
    // The ampersand comes last, so that `&amp;lt;` stays `&lt;`.
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")]
        .into_iter()
        .fold(text.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain))
}

#[cfg(test)]
mod tests {
    use super::xml_values;

    #[test]
    fn metadata_keeps_names_and_values() {
        let check = |xml: &str, expected: &[(&str, &str)]| {
            let values = xml_values(xml);
            let values: Vec<_> = values.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            assert_eq!(values, expected, "{xml}");
        };
        check(
            "<dc:title><rdf:Alt><rdf:li xml:lang='x'>A &amp; B</rdf:li></rdf:Alt></dc:title>",
            &[("lang", "x"), ("title", "A & B")],
        );
        check("<rdf:Description xmlns:a=\"urn:x\" a:Label='secret'/>", &[("Label", "secret")]);
        check("<a>1<b>2</b>3</a>", &[("a", "1"), ("b", "2"), ("a", "3")]);
        check("<a b=>x", &[]);
        check("<a b='>", &[]);
        check("<<<</>>", &[]);
        check("&amp;lt;<", &[("", "&lt;")]);
    }
}
