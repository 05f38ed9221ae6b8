//! The byte scan: finds streams and strings without any structure, and hands out what no other reading did.
//!
//! It sees objects that nothing refers to, earlier revisions that an update has replaced, and documents whose tables
//! are broken. It needs no parser but the tokenizer, so it works where the engine's process has died.
//!
//! Of a document that was encrypted the bytes are noise, so there the loaded objects are looked at in the same way.

use super::bombs::plain_names;
use super::fonts::{is_wide, without_font};
use super::repair::find;
use super::seen::Seen;
use super::streams::{Filter, Packing, UNPACKED_BYTES_MAX, Unpacked, packing, unpack, unpack_found};
use super::tokens::{Token, Tokens};
use super::yields;
use super::{objects, photos};
use crate::trouble::Trouble;
use crate::wire::{Bounds, Frame, WirePart};
use crate::worker::{At, Output};
use pdf_extract::{Dictionary, Document, Object};
use std::io;

/// What a stream costs that is larger than an honest one.
const TOO_LARGE_BYTES: u64 = 32 * 1024 * 1024;
/// The dictionary in front of a stream is looked for in so many bytes.
const DICTIONARY_BYTES_MAX: usize = 16 * 1024;
/// Share of readable characters below which a string is data.
const READABLE_MIN: f64 = 0.8;
/// Share of characters that are ASCII or not Latin at all.
const TELLING_MIN: f64 = 0.6;

/// What shown strings of two-byte codes are taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WideStrings {
    /// Characters, because nothing better is known.
    Characters,
    /// Glyph numbers, because the pages were read well and that is what they are nearly always. Taken for characters
    /// they would give every page a second time, shifted by thirty letters or so.
    Glyphs,
}

/// Scans the document.
pub(super) fn read(
    document: &[u8],
    wide: WideStrings,
    bounds: &Bounds,
    seen: &mut Seen,
    output: &mut Output,
) -> io::Result<()> {
    output.send(&Frame::Bytes)?;
    let mut unpacked_bytes = 0_u64;
    let mut gap_from = 0;
    let (mut torn, mut opaque, mut too_large) = (false, false, false);
    while let Some(stream) = next_stream(document, gap_from) {
        give(&strings(&document[gap_from..stream.keyword], wide), seen, output)?;
        gap_from = stream.end;
        if output.is_full() {
            return Ok(());
        }
        let dictionary = &document[stream.dictionary..stream.keyword];
        let filters = filters(&plain_names(dictionary));
        if is_no_text(dictionary) {
            if filters.first().is_some_and(Filter::is_photo) {
                give_photo(&document[stream.start..stream.end], seen, output)?;
            }
            continue;
        }
        let unpacked = unpack_found(&filters, &document[stream.start..stream.end], bounds.stream_bytes);
        match &unpacked {
            Unpacked::Torn(_) => torn = true,
            Unpacked::Opaque => opaque |= !filters.iter().any(Filter::is_for_images),
            Unpacked::TooLarge => {
                too_large = true;
                unpacked_bytes = unpacked_bytes.saturating_add(TOO_LARGE_BYTES);
            }
            Unpacked::Bytes(_) => {}
        }
        if let Some(bytes) = unpacked.readable() {
            unpacked_bytes = unpacked_bytes.saturating_add(bytes.len() as u64);
            give(&stream_text(dictionary, &bytes, wide), seen, output)?;
        }
        if unpacked_bytes > UNPACKED_BYTES_MAX {
            if too_large {
                output.trouble(Trouble::StreamTooLarge)?;
            }
            return output.trouble(Trouble::Streams);
        }
    }
    if too_large {
        output.trouble(Trouble::StreamTooLarge)?;
    }
    // What a page lost was reported with the page.
    if torn && !seen.has_losses() {
        output.trouble(Trouble::BrokenStream)?;
    }
    if opaque && !seen.has_losses() {
        output.trouble(Trouble::UnknownFilter)?;
    }
    give(&strings(&document[gap_from..], wide), seen, output)
}

/// Scans the objects of a document that the loader has deciphered.
pub(super) fn read_objects(
    document: &Document,
    wide: WideStrings,
    bounds: &Bounds,
    seen: &mut Seen,
    output: &mut Output,
) -> io::Result<()> {
    let mut unpacked_bytes = 0_u64;
    for object in document.objects.values() {
        give(&strings_of(object), seen, output)?;
        let Object::Stream(stream) = object else { continue };
        if output.is_full() {
            return Ok(());
        }
        if holds_no_text(&stream.dict) {
            if packing(document, &stream.dict) == Packing::Jpeg {
                give_photo(&stream.content, seen, output)?;
            }
            continue;
        }
        match unpack(document, stream, bounds.stream_bytes) {
            Unpacked::TooLarge => return output.trouble(Trouble::StreamTooLarge),
            unpacked => {
                let bytes = unpacked.readable().unwrap_or_default();
                unpacked_bytes = unpacked_bytes.saturating_add(bytes.len() as u64);
                give(&stream_text(b"", &bytes, wide), seen, output)?;
            }
        }
        if unpacked_bytes > UNPACKED_BYTES_MAX {
            return output.trouble(Trouble::Streams);
        }
    }
    Ok(())
}

/// The readable strings of an object, a line each.
fn strings_of(object: &Object) -> String {
    let mut text = String::new();
    let mut open = vec![object];
    while let Some(object) = open.pop() {
        match object {
            Object::Array(items) => open.extend(items.iter().rev()),
            Object::Dictionary(dictionary) => open.extend(dictionary.iter().map(|(_, value)| value)),
            Object::Stream(stream) => open.extend(stream.dict.iter().map(|(_, value)| value)),
            Object::String(..) => flush(&mut objects::text(object).unwrap_or_default(), &mut text),
            _ => {}
        }
    }
    text
}

/// [`is_no_text`] of a loaded dictionary. Embedded files are items of their own.
fn holds_no_text(dictionary: &Dictionary) -> bool {
    let keys = [&b"Length1"[..], b"Alternate"];
    let is_any = |key: &[u8], names: &[&[u8]]| {
        dictionary.get(key).and_then(Object::as_name).is_ok_and(|name| names.contains(&name))
    };
    keys.iter().any(|key| dictionary.has(key))
        || is_any(b"Subtype", &[b"Image", b"Type1C", b"CIDFontType0C", b"OpenType"])
        || is_any(b"Type", &[b"XRef", b"ObjStm", b"EmbeddedFile"])
}

/// Hands out what is new in a text.
fn give(text: &str, seen: &mut Seen, output: &mut Output) -> io::Result<()> {
    let news = seen.news(text);
    if news.is_empty() {
        return Ok(());
    }
    seen.add(&news);
    output.text(At::part(WirePart::Raw, ""), &news)
}

/// Hands out what a photograph says besides its pixels. The same camera says the same of each.
fn give_photo(photo: &[u8], seen: &mut Seen, output: &mut Output) -> io::Result<()> {
    for (name, text) in photos::texts(photo) {
        let news = seen.news(&text);
        seen.add(&news);
        output.text(At::part(WirePart::Property, name), &news)?;
    }
    Ok(())
}

/// Offsets of a stream.
struct Found {
    dictionary: usize,
    keyword: usize,
    start: usize,
    end: usize,
}

fn next_stream(document: &[u8], from: usize) -> Option<Found> {
    let mut search = from;
    loop {
        let keyword = find(document, b"stream", search)?;
        search = keyword + b"stream".len();
        // `endstream` of a stream that was not recognised.
        if document[..keyword].ends_with(b"end") {
            continue;
        }
        let start = match document.get(search..) {
            Some([b'\r', b'\n', ..]) => search + 2,
            Some([b'\r' | b'\n', ..]) => search + 1,
            _ => continue,
        };
        let end = find(document, b"endstream", start).unwrap_or(document.len());
        let window = keyword.saturating_sub(DICTIONARY_BYTES_MAX).max(from);
        let dictionary = memchr::memmem::rfind(&document[window..keyword], b"obj").map_or(window, |at| window + at);
        return Some(Found { dictionary, keyword, start, end });
    }
}

/// Pictures, colour profiles and font programs hold no text, and their bytes look like some.
fn is_no_text(dictionary: &[u8]) -> bool {
    [&b"/Image"[..], b"/Length1", b"/Type1C", b"/CIDFontType0C", b"/OpenType", b"/XRef", b"/Alternate"]
        .into_iter()
        .any(|mark| find(dictionary, mark, 0).is_some())
}

/// Filters behind `/Filter`, which may be a name or a list.
pub(super) fn filters(dictionary: &[u8]) -> Vec<Filter> {
    let Some(at) = find(dictionary, b"/Filter", 0) else { return Vec::new() };
    let mut tokens = Tokens::new(&dictionary[at + b"/Filter".len()..]);
    match tokens.next() {
        Some(Token::Name(name)) => vec![Filter::new(name)],
        Some(Token::Open) => tokens
            .map_while(|token| match token {
                Token::Name(name) => Some(Filter::new(name)),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// The text of an unpacked stream: strings that a page description shows, strings of packed objects, or plain text.
fn stream_text(dictionary: &[u8], bytes: &[u8], wide: WideStrings) -> String {
    if find(bytes, b"begincmap", 0).is_some() {
        return String::new();
    }
    let strings = strings(bytes, wide);
    if !strings.is_empty() || find(dictionary, b"/ObjStm", 0).is_some() {
        return strings;
    }
    // Compressed or encrypted data has a null or another control byte soon.
    let is_text = |byte: &u8| *byte >= b' ' || matches!(byte, b'\t' | b'\n' | b'\r' | 12);
    match std::str::from_utf8(bytes) {
        Ok(text) if !draws(bytes) && bytes.iter().all(is_text) => text.to_owned(),
        _ => String::new(),
    }
}

/// Whether this is a page description without strings: all drawing, no text.
fn draws(bytes: &[u8]) -> bool {
    /// Drawing operators come soon.
    const LOOK_TOKENS: usize = 64;
    let is_drawing = |token: Token<'_>| match token {
        Token::Word(word) => [&b"BT"[..], b"re", b"cm", b"l", b"m", b"Do", b"f", b"gs", b"q"].contains(&word),
        _ => false,
    };
    Tokens::new(bytes).take(LOOK_TOKENS).any(is_drawing)
}

/// All readable strings, one line for each run of strings without an operator between them.
fn strings(bytes: &[u8], wide: WideStrings) -> String {
    let mut text = String::new();
    let mut line = String::new();
    let mut has_wide = false;
    let mut tokens = Tokens::new(bytes);
    while let Some(token) = tokens.next() {
        match token {
            Token::Text(bytes) | Token::Hex(bytes) => {
                has_wide |= is_wide(&bytes);
                line.push_str(&without_font(&bytes).text);
                continue;
            }
            // A wide gap between two pieces of one line is a space; kerning is narrower.
            Token::Number(number) if number < -200.0 && !line.is_empty() => {
                line.push(' ');
                continue;
            }
            Token::Number(_) | Token::Open | Token::Close => continue,
            Token::Word(b"ID") => tokens.skip_image_data(),
            Token::Word(b"Tj" | b"TJ" | b"'" | b"\"") if has_wide && wide == WideStrings::Glyphs => line.clear(),
            Token::Word(_) | Token::Name(_) | Token::Dictionary => {}
        }
        flush(&mut line, &mut text);
        has_wide = false;
    }
    flush(&mut line, &mut text);
    text
}

fn flush(line: &mut String, text: &mut String) {
    let all = line.chars().filter(|character| !character.is_whitespace()).count();
    // Bytes of data look like a random choice of Latin-1; text of Western languages is ASCII for the most part.
    let telling = line.chars().filter(|character| character.is_ascii_graphic() || *character > 'ÿ').count();
    let readable = yields::readable(line) as f64 >= READABLE_MIN * all as f64;
    if all > 0 && readable && telling as f64 >= TELLING_MIN * all as f64 {
        text.push_str(line);
        text.push('\n');
    }
    line.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_found_without_structure() {
        let check = |bytes: &[u8], expected: &str| {
            assert_eq!(strings(bytes, WideStrings::Characters), expected, "{}", String::from_utf8_lossy(bytes));
        };
        check(b"BT (Hello) Tj (World) Tj ET", "Hello\nWorld\n");
        check(b"[(He) -20 (llo) -300 (World)] TJ", "Hello World\n");
        check(b"<</Contents <FEFF00410042> /T (x)>>", "AB\nx\n");
        check(b"<0001020304> Tj", "");
        check(b"(unclosed", "unclosed\n");
        check(b"<00410042> Tj <</V <00430044>>>", "AB\nCD\n");
        assert_eq!(strings(b"[<0041> 5 <0042>] TJ (a) Tj <</V <00430044>>>", WideStrings::Glyphs), "a\nCD\n");
    }

    #[test]
    fn streams_are_found_without_a_table() {
        let document = b"1 0 obj <</Filter [/FlateDecode /ASCIIHexDecode]>>\nstream\nABC\nendstream endobj";
        let found = next_stream(document, 0).unwrap();
        assert_eq!(
            filters(&document[found.dictionary..found.keyword]),
            [Filter::new(b"FlateDecode".to_vec()), Filter::new(b"ASCIIHexDecode".to_vec()),]
        );
        assert_eq!(&document[found.start..found.end], b"ABC\n");
        assert!(next_stream(document, found.end).is_none());
        assert!(next_stream(b"upstream of it", 0).is_none());
        assert_eq!(next_stream(b"stream\nopen end", 0).unwrap().end, 15);
    }
}
