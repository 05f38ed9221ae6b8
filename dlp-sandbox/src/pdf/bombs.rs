//! Looks for streams that unpack to more than an honest one, before any parser sees the document.
//!
//! The loader and the engine unpack what they come across, wherever a reference leads, and know no bound. So every
//! stream is tried once, whatever its object is called and wherever its table says that it lies, and in a copy for them
//! those are made empty that go beyond the bound. The end of a stream is not believed either: packed data knows its
//! own, and the bytes `endstream` may stand in the middle of it. Pictures are left as they are: no reading of text
//! unpacks them.

use super::bytes::filters;
use super::repair::find;
use super::streams::{
    Filter, Packing, Room, UNPACKED_BYTES_MAX, Unpacked, filters as stream_filters, packing, unpack_counted,
};
use crate::trouble::Trouble;
use pdf_extract::{Document, Object};
use std::borrow::Cow;
use std::ops::Range;

/// Bombs of one document that are made empty. With more it is not loaded.
const BOMBS_MAX: usize = 16;
/// Unpacked bytes of a large document that are looked at, for each of its own. With more than these and than
/// [`UNPACKED_BYTES_MAX`] it is not loaded.
const UNPACKED_RATIO_MAX: u64 = 16;

/// What came of the search.
pub(super) enum Search {
    /// No stream is a bomb.
    Honest,
    /// A copy in which those that are one are empty.
    Defused(Vec<u8>),
    /// There is too much of it, for this reason.
    TooMuch(Trouble),
}

/// Searches a document for streams that unpack to more than the bound.
pub(super) fn search(document: &[u8], stream_bytes_max: u64) -> Search {
    let mut bombs: Vec<(usize, &[u8])> = Vec::new();
    let mut left = room(document.len() as u64);
    for stream in Streams::new(document) {
        // A dictionary may hold anything in its strings, so a filter is looked for in all there is.
        let has_filter = |bytes: &[u8]| [&b"Filter"[..], b"#"].iter().any(|mark| find(bytes, mark, 0).is_some());
        if !has_filter(&document[stream.before.clone()]) {
            continue;
        }
        let dictionary = plain_names(&document[stream.dictionary.clone()]);
        if is_picture(&dictionary) {
            continue;
        }
        let filters = filters(&dictionary);
        let room = Room::honest(stream.data.len() as u64, stream_bytes_max);
        let (nothing, unpacked_bytes) = judge(&filters, &document[stream.data.start..], room);
        bombs.extend(nothing.map(|nothing| (stream.data.start, nothing)));
        if bombs.len() > BOMBS_MAX {
            return Search::TooMuch(Trouble::StreamTooLarge);
        }
        let Some(rest) = left.checked_sub(unpacked_bytes) else {
            return Search::TooMuch(Trouble::Streams);
        };
        left = rest;
    }
    if bombs.is_empty() {
        return Search::Honest;
    }
    let mut copy = document.to_vec();
    for (at, nothing) in bombs {
        if let Some(start) = copy.get_mut(at..at + nothing.len()) {
            start.copy_from_slice(nothing);
        }
    }
    Search::Defused(copy)
}

/// Bytes that all streams of a document may unpack to.
fn room(document_bytes: u64) -> u64 {
    UNPACKED_RATIO_MAX.saturating_mul(document_bytes).max(UNPACKED_BYTES_MAX)
}

/// Makes the streams empty that are bombs, in a document that was deciphered as it was loaded, so that nobody could see
/// them before. Says so, and also if there is too much in all of them; then the rest is as it was.
pub(super) fn defuse(document: &mut Document, document_bytes: u64, stream_bytes_max: u64) -> Option<Trouble> {
    let mut left = room(document_bytes);
    let mut bombs = Vec::new();
    for (id, object) in &document.objects {
        let Object::Stream(stream) = object else { continue };
        if packing(document, &stream.dict) != Packing::Samples || stream.dict.has_type(b"XRef") {
            continue;
        }
        let room = Room::honest(stream.content.len() as u64, stream_bytes_max);
        let mut unpacked_bytes = 0;
        let filters = stream_filters(document, &stream.dict);
        if matches!(unpack_counted(&filters, &stream.content, room, &mut unpacked_bytes), Unpacked::TooLarge) {
            bombs.push(*id);
        }
        let Some(rest) = left.checked_sub(unpacked_bytes) else { return Some(Trouble::Streams) };
        left = rest;
    }
    for id in &bombs {
        if let Some(Object::Stream(stream)) = document.objects.get_mut(id) {
            stream.dict.remove(b"Filter");
            stream.set_content(Vec::new());
        }
    }
    (!bombs.is_empty()).then_some(Trouble::StreamTooLarge)
}

/// Whether a stream is a picture, and none of those that the loader unpacks whatever else they say they are.
fn is_picture(dictionary: &[u8]) -> bool {
    let has = |name: &[u8]| find(dictionary, name, 0).is_some();
    let is_image =
        |at: usize| dictionary[at..].trim_ascii_start().strip_prefix(b"/Image").is_some_and(|rest| !is_named(rest));
    let mut subtypes = memchr::memmem::find_iter(dictionary, b"/Subtype").map(|at| at + b"/Subtype".len());
    subtypes.any(is_image) && !has(b"/XRef") && !has(b"/ObjStm")
}

/// Whether a name goes on here.
fn is_named(rest: &[u8]) -> bool {
    rest.first().is_some_and(u8::is_ascii_alphanumeric)
}

/// What takes the place of packed bytes that unpack to more than the bound, and how much was unpacked to learn that.
/// Deflate is tried whatever is stated, because the statement may stand where it is not seen.
fn judge(filters: &[Filter], packed: &[u8], room: Room) -> (Option<&'static [u8]>, u64) {
    let mut unpacked_bytes = 0;
    let mut unpack = |filters: &[Filter], packed: &[u8]| unpack_counted(filters, packed, room, &mut unpacked_bytes);
    let is_deflate = |filter: &Filter| matches!(filter.name(), b"FlateDecode" | b"Fl");
    let stated = match filters.first().map(Filter::name) {
        None => Unpacked::Opaque,
        // Digits whose end is missing go on to the next word, not through all there is.
        Some(b"ASCIIHexDecode" | b"AHx") => unpack(filters, &packed[..hex_len(packed)]),
        Some(_) => unpack(filters, packed),
    };
    let nothing = match stated {
        Unpacked::TooLarge => Some(nothing(filters.first())),
        Unpacked::Bytes(_) if filters.first().is_some_and(is_deflate) => None,
        _ => {
            matches!(unpack(&[Filter::new(b"FlateDecode".to_vec())], packed), Unpacked::TooLarge).then(|| nothing(None))
        }
    };
    (nothing, unpacked_bytes)
}

/// Bytes of hexadecimal digits and blanks.
fn hex_len(text: &[u8]) -> usize {
    let is_none = |byte: &u8| !byte.is_ascii_hexdigit() && !byte.is_ascii_whitespace() && *byte != 0;
    text.iter().position(is_none).unwrap_or(text.len())
}

/// Packed bytes of nothing.
fn nothing(filter: Option<&Filter>) -> &'static [u8] {
    match filter.map(Filter::name) {
        Some(b"LZWDecode" | b"LZW") => &[0x80, 0x40, 0x40],
        Some(b"ASCII85Decode" | b"A85") => b"~>",
        Some(b"ASCIIHexDecode" | b"AHx") => b">",
        Some(b"RunLengthDecode" | b"RL") => &[128],
        _ => &[0x78, 0x9C, 3, 0, 0, 0, 0, 1],
    }
}

/// A dictionary whose names have no escapes.
pub(super) fn plain_names(dictionary: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'#', dictionary).is_none() {
        return Cow::Borrowed(dictionary);
    }
    let digit = |at: usize| char::from(*dictionary.get(at)?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut plain = Vec::with_capacity(dictionary.len());
    let mut at = 0;
    while let Some(byte) = dictionary.get(at) {
        let escaped = (*byte == b'#').then(|| digit(at + 1).zip(digit(at + 2))).flatten();
        plain.push(escaped.map_or(*byte, |(high, low)| high << 4 | low));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    Cow::Owned(plain)
}

/// Where a stream lies.
struct Stream {
    /// What stands between the stream before and this one.
    before: Range<usize>,
    dictionary: Range<usize>,
    /// Up to the first `endstream`.
    data: Range<usize>,
}

/// All places where a stream may begin. One that is found in the data of another counts as well.
struct Streams<'d> {
    document: &'d [u8],
    at: usize,
    /// Where the stream before began.
    before: usize,
    /// Where the object begins that is open.
    object: usize,
    /// Where the last `endstream` that was looked for stands, or the document ends.
    end: usize,
}

impl<'d> Streams<'d> {
    fn new(document: &'d [u8]) -> Self {
        Self { document, at: 0, before: 0, object: 0, end: 0 }
    }
}

impl Iterator for Streams<'_> {
    type Item = Stream;

    fn next(&mut self) -> Option<Stream> {
        const KEYWORD: &[u8] = b"stream";
        loop {
            let keyword = find(self.document, KEYWORD, self.at)?;
            let gap = &self.document[self.at..keyword];
            self.object = memchr::memmem::rfind(gap, b"obj").map_or(self.object, |at| self.at + at);
            self.at = keyword + KEYWORD.len();
            let blanks =
                self.document[self.at..].iter().take_while(|byte| matches!(byte, b' ' | b'\t' | 0 | 12)).count();
            let start = match self.document.get(self.at + blanks..) {
                Some([b'\r', b'\n', ..]) => self.at + blanks + 2,
                Some([b'\r' | b'\n', ..]) => self.at + blanks + 1,
                _ => continue,
            };
            if gap.ends_with(b"end") {
                continue;
            }
            // Looked for once, however many streams begin in front of it.
            if self.end < start {
                self.end = find(self.document, b"endstream", start).unwrap_or(self.document.len());
            }
            let dictionary = self.object..keyword;
            self.object = keyword;
            let before = std::mem::replace(&mut self.before, keyword)..keyword;
            return Some(Stream { before, dictionary, data: start..self.end });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn packed(text: &[u8], level: u32) -> Vec<u8> {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::new(level));
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn bombs_are_found_whatever_they_are_called() {
        let zeros = vec![0; 32 << 20];
        let once = packed(&zeros, 9);
        // Its first block is stored, and holds what looks like the end of the stream.
        let stored = b"endstream endobj ";
        let len = stored.len() as u8;
        let quoted = [&[0x78, 1, 0, len, 0, !len, 0xFF], &stored[..], &once[2..]].concat();
        let rows: [(&str, &[u8], bool); 12] = [
            ("/Filter /FlateDecode", &packed(b"text", 9), false),
            ("/Filter /FlateDecode", &once, true),
            ("/F#69lter /Fl#61teDecode", &once, true),
            ("/Filter [/FlateDecode /FlateDecode]", &packed(&once, 9), true),
            ("(/Filter /AHx) /Filter 7 0 R", &once, true),
            ("/Filter /FlateDecode /Length 20", &quoted, true),
            ("/Filter /FlateDecode /Subtype /Image", &once, false),
            ("/Filter /FlateDecode /Subtype/Image/Width 9", &once, false),
            ("/Filter /FlateDecode /Subtype /Form /Title /Image", &once, true),
            ("/Filter /FlateDecode /Subtype /Image /Type /XRef", &once, true),
            ("/Filter /FlateDecode /Title (stream of an obj)", &once, true),
            ("", b"plain text", false),
        ];
        for (dictionary, data, expected) in rows {
            let document = [b"1 0 obj <<", dictionary.as_bytes(), b">> stream\n", data, b"\nendstream endobj"].concat();
            let found = search(&document, 64 << 20);
            assert_eq!(matches!(found, Search::Defused(_)), expected, "{dictionary}");
            if let Search::Defused(copy) = found {
                assert!(matches!(search(&copy, 64 << 20), Search::Honest), "{dictionary}");
                assert_eq!(copy.len(), document.len());
            }
        }
        let many =
            [b"1 0 obj <</Filter /FlateDecode>> stream\n", &once[..], b"\nendstream endobj "].concat().repeat(17);
        assert!(matches!(search(&many, 64 << 20), Search::TooMuch(Trouble::StreamTooLarge)));
        // Each is an honest one.
        let honest = packed(&zeros[..15 << 20], 9);
        let many = [b"1 0 obj <</Filter /Unknown>> stream\n", &honest[..], b"\nendstream endobj "].concat().repeat(35);
        assert!(matches!(search(&many, 64 << 20), Search::TooMuch(Trouble::Streams)));
    }

    #[test]
    fn streams_without_an_end_are_found_in_one_go() {
        let count = 200_000;
        let document = b"stream\n".repeat(count);
        let started = Streams::new(&document);
        assert_eq!(started.filter(|stream| stream.data.end == document.len()).count(), count);
        let two = b"stream\nendstream stream\n endstream";
        let ends: Vec<_> = Streams::new(two).map(|stream| stream.data).collect();
        assert_eq!(ends, [7..7, 24..25]);
    }

    #[test]
    fn all_that_is_unpacked_in_trials_counts() {
        let once = packed(&[0; 100_000], 9);
        let twice = packed(&once, 9);
        let len = once.len() as u64;
        let torn = &once[..once.len() - 20];
        type Row<'t> = (&'t [&'t [u8]], &'t [u8], std::ops::RangeInclusive<u64>);
        let rows: [Row<'_>; 5] = [
            (&[b"Fl"], &once, 100_000..=100_000),
            (&[b"Unknown"], &once, 100_000..=100_000),
            (&[], &once, 100_000..=100_000),
            (&[b"Fl", b"Fl"], &twice, 100_000 + len..=100_000 + len),
            (&[b"Fl"], torn, 100_000..=200_000),
        ];
        for (names, packed, expected) in rows {
            let filters: Vec<Filter> = names.iter().map(|name| Filter::new(name.to_vec())).collect();
            let (nothing, unpacked_bytes) = judge(&filters, packed, Room::honest(1 << 20, 1 << 20));
            assert!(nothing.is_none() && expected.contains(&unpacked_bytes), "{names:?}: {unpacked_bytes}");
        }
    }

    #[test]
    fn what_is_looked_at_counts_though_it_gives_nothing() {
        let blanks = [b' '; 100_000];
        // Codes of LZW that clear the table, and blocks of deflate that hold nothing.
        let clears = [0x80, 0x40, 0x20, 0x10, 0x08, 0x04, 0x02, 0x01, 0x00].repeat(10_000);
        let empty = [&[0x78, 1][..], &[0, 0, 0, 0xFF, 0xFF].repeat(20_000)].concat();
        let rows: [(&[u8], &[u8], std::ops::RangeInclusive<u64>); 4] = [
            (b"A85", &blanks, 99_000..=200_000),
            (b"LZW", &clears, 89_000..=200_000),
            (b"Fl", &empty, 100_000..=500_000),
            // These end with the first byte that is no digit, wherever the next stream begins.
            (b"AHx", &[b"41 42 endstream", &blanks[..]].concat(), 0..=20),
        ];
        for (name, packed, expected) in rows {
            let (_, counted) = judge(&[Filter::new(name.to_vec())], packed, Room::honest(1 << 20, 1 << 20));
            assert!(expected.contains(&counted), "{}: {counted}", String::from_utf8_lossy(name));
        }
    }

    #[test]
    fn names_lose_their_escapes() {
        let check = |bytes: &[u8], expected: &[u8]| assert_eq!(*plain_names(bytes), *expected);
        check(b"/Filter", b"/Filter");
        check(b"/F#69lter /A#", b"/Filter /A#");
        check(b"#4z#41", b"#4zA");
    }
}
