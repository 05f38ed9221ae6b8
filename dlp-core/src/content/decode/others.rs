//! All that a text can be read as besides itself, one decoder after the other.

use super::bare::{inflate_bare, is_deflated_barely};
use super::runs::{self, is_deflated, is_packed_barely, is_text};
use super::torn::{self, Mended};
use super::{Derived, Places, brotli, dumps, escapes, transfer, wide};
use crate::base::DECODING_DEPTH_MAX;
use crate::content::MapRun;
use crate::content::recognise::has_signature;
use crate::text::original_offset;
use std::io::Read as _;
use std::ops::Range;

/// Bytes of a text that are read where they stand, and those of its surroundings, which name what it is.
const INLINED_BYTES_MAX: usize = 64;
const INLINED_BEFORE_BYTES: usize = 128;
const INLINED_BEHIND_BYTES: usize = 32;

/// The way of writing of what was torn apart.
pub(in crate::content) const JOINED: &str = "joined";

/// What a text or a part of it was decoded to.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::content) struct Other<'t> {
    /// The way of writing.
    pub(in crate::content) kind: &'static str,
    /// The bytes, which lead back to those of the text.
    pub(in crate::content) content: Derived,
    /// What they are.
    pub(in crate::content) made: Made<'t>,
    /// The bytes that are new, and worth looking at in turn; the others were looked at where they stand. `None` for all.
    pub(in crate::content) part: Option<Range<usize>>,
}

/// What came out of a decoder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::content) enum Made<'t> {
    /// Text, made character by character: a part of it stands for the same part of the source.
    Characters,
    /// Text of a code of which no character can be exchanged alone.
    Text,
    /// The same in its surroundings: these bytes are the text, the others were copied.
    Inlined(Range<usize>),
    /// A file, perhaps with its name.
    File(Option<&'t [u8]>),
    /// Text or a file, to be inflated.
    Deflated,
}

/// A text that is read in other ways.
#[derive(Clone, Copy)]
pub(in crate::content) struct Given<'t> {
    pub(in crate::content) text: &'t [u8],
    /// Where something may stand in it.
    pub(in crate::content) places: &'t Places,
    /// Whether it was put together already.
    pub(in crate::content) is_mended: bool,
    /// The bytes of it that were not looked at yet; `None` for all. What touches none of them is not given.
    pub(in crate::content) part: Option<&'t Range<usize>>,
}

/// Gives every reading of a text; of one that was mended already, those of the other decoders.
///
/// # Errors
/// What `each` returns, which ends it.
pub(in crate::content) fn others<'t, E>(
    Given { text, places, is_mended, part }: Given<'t>,
    each: &mut dyn FnMut(Other<'t>) -> Result<(), E>,
) -> Result<(), E> {
    let each = &mut |other: Other<'t>| match part {
        None => each(other),
        Some(part) => in_part(text, part, other).map_or(Ok(()), &mut *each),
    };
    for rewritten in escapes::rewrite(text, places) {
        each(Other { kind: rewritten.kind, content: rewritten.content, made: Made::Characters, part: None })?;
    }
    let mended = if is_mended { Mended::default() } else { torn::mend(text, places) };
    for content in mended.joined {
        each(Other { kind: JOINED, content, made: Made::Characters, part: None })?;
    }
    for content in mended.hex {
        give(text, "hex", content, each)?;
    }
    let mut at = 0;
    while let Some(run) = runs::next(text, places, at) {
        at = run.end;
        for (start, decoded) in runs::decode_lines(&text[run.clone()]) {
            let mut content = decoded.content;
            content.runs.iter_mut().for_each(|part| part.original_start += (run.start + start) as u64);
            give(text, decoded.kind, content, each)?;
        }
    }
    for content in dumps::dumps(text).into_iter().flat_map(|dump| dump.readings) {
        give(text, "hexdump", content, each)?;
    }
    for start in memchr::memmem::find_iter(text, b"begin ") {
        let is_line_start = start == 0 || text[start - 1] == b'\n';
        let found = if is_line_start { transfer::uuencode(&text[start..], start as u64) } else { None };
        if let Some(found) = found.filter(|found| !found.content.bytes.is_empty()) {
            each(Other { kind: "uuencode", content: found.content, made: Made::File(Some(found.name)), part: None })?;
        }
    }
    Ok(())
}

/// Gives what bytes are that a part of a text was decoded to, unless they are nothing that can be read.
fn give<'t, E>(
    text: &[u8],
    kind: &'static str,
    content: Derived,
    each: &mut dyn FnMut(Other<'t>) -> Result<(), E>,
) -> Result<(), E> {
    let bytes = &content.bytes;
    if has_signature(bytes) {
        each(Other { kind, content, made: Made::File(None), part: None })
    } else if is_deflated(bytes) || is_packed_barely(bytes) {
        each(Other { kind, content, made: Made::Deflated, part: None })
    } else if let Some(content) = wide::narrow(&content) {
        each(in_place(text, kind, content))
    } else if is_text(bytes) {
        each(in_place(text, kind, content))
    } else {
        Ok(())
    }
}

/// What a part of a text was decoded to, in its surroundings where it is short: a value alone, which a word in front
/// names.
fn in_place<'t>(text: &[u8], kind: &'static str, content: Derived) -> Other<'t> {
    let place = |run: Option<&MapRun>| run.map(|run| run.original_start as usize);
    let (Some(start), Some(end)) = (place(content.runs.first()), place(content.runs.last())) else {
        return Other { kind, content, made: Made::Text, part: None };
    };
    if content.bytes.len() > INLINED_BYTES_MAX {
        return Other { kind, content, made: Made::Text, part: None };
    }
    // What marks hexadecimal digits is no part of the value.
    let start = if text[..start].ends_with(b"0x") || text[..start].ends_with(b"0X") { start - 2 } else { start };
    let before = start.saturating_sub(INLINED_BEFORE_BYTES);
    let behind = text.len().min(end + INLINED_BEHIND_BYTES);
    let mut inlined = Derived::default();
    inlined.copy(&text[before..start], before as u64);
    let range = inlined.append(content);
    inlined.copy(&text[end..behind], end as u64);
    inlined.end(behind as u64);
    Other { kind, content: inlined, made: Made::Inlined(range.clone()), part: Some(range) }
}

/// What was made of a text, if some of it is made of this part, and which of its bytes are. Surroundings are read with each
/// of the values that stand in them: what they hold themselves was given there, and would be given again inside of each
/// other in every order.
fn in_part<'t>(text: &[u8], part: &Range<usize>, other: Other<'t>) -> Option<Other<'t>> {
    let runs = &other.content.runs;
    let original = |at: usize| original_offset(runs, u32::try_from(at).ok()?).map(|at| at as usize);
    match &other.made {
        Made::Characters => {
            // Where the bytes begin that stand at this place of the source or behind it.
            let place = |source: usize| (0..other.content.bytes.len()).find(|at| original(*at) >= Some(source));
            let len = other.content.bytes.len();
            let made = place(part.start).unwrap_or(len)..place(part.end).unwrap_or(len);
            let is_new = text.get(part.clone()) != other.content.bytes.get(made.clone());
            is_new.then_some(Other { part: Some(made), ..other })
        }
        Made::Inlined(_) | Made::Text | Made::File(_) | Made::Deflated => {
            let made = other.part.clone().unwrap_or(0..other.content.bytes.len());
            let touches = original(made.start)? < part.end && part.start < original(made.end)?;
            touches.then_some(other)
        }
    }
}

/// What was inflated.
pub(in crate::content) struct Inflated {
    /// How it was packed.
    pub(in crate::content) kind: &'static str,
    /// The bytes, all of which lead back to the whole.
    pub(in crate::content) content: Derived,
    /// Whether there was more of them than room.
    pub(in crate::content) is_cut: bool,
    /// Whether they are deflated still, deeper than the bound.
    pub(in crate::content) is_too_deep: bool,
}

/// Inflates bytes as far as there is room. Streams that follow each other are one, what was deflated several times is
/// inflated as often, and UTF-16 is narrowed.
pub(in crate::content) fn inflate(content: &Derived, room: u64) -> Inflated {
    const DEFLATE: &str = "deflate";
    let (packed, bytes_max) = (content.bytes.as_slice(), room.saturating_add(1));
    let (kind, mut bytes) = match () {
        () if is_deflated(packed) => (DEFLATE, inflated(packed, room)),
        () if is_deflated_barely(packed) => (DEFLATE, inflate_bare(packed, bytes_max)),
        () => ("brotli", brotli::unpack(packed, bytes_max)),
    };
    for _ in 1..DECODING_DEPTH_MAX {
        let inner = inflated(&bytes, room);
        if inner.is_empty() {
            break;
        }
        bytes = inner;
    }
    // Text may begin like such a stream, and nothing comes out of it.
    let is_too_deep = !inflated(&bytes, room).is_empty();
    let is_cut = bytes.len() as u64 > room;
    bytes.truncate(usize::try_from(room).unwrap_or(usize::MAX));
    if let Some(read) = wide::order(&bytes) {
        bytes = wide::text(&bytes, read).into_bytes();
    }
    let (first, last) = (content.runs.first(), content.runs.last());
    let mut out = Derived::default();
    out.share(&bytes, first.map_or(0, |run| run.original_start));
    out.end(last.map_or(0, |run| run.original_start));
    Inflated { kind, content: out, is_cut, is_too_deep }
}

/// What streams that follow each other inflate to, one byte more than there is room at most.
fn inflated(mut bytes: &[u8], room: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while runs::is_deflated(bytes) && out.len() as u64 <= room {
        let mut decoder = flate2::bufread::ZlibDecoder::new(bytes);
        let left = room.saturating_add(1) - out.len() as u64;
        // What was read before an error is what there is.
        let ended = decoder.by_ref().take(left).read_to_end(&mut out);
        bytes = &bytes[usize::try_from(decoder.total_in()).map_or(bytes.len(), |used| used.min(bytes.len()))..];
        if ended.is_err() {
            break;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn what_was_deflated_twice_or_wide_or_in_several_streams_is_inflated() {
        let deflated = |bytes: &[u8]| {
            let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all(bytes).expect("memory");
            encoder.finish().expect("memory")
        };
        let text = "PESEL 44051401458";
        let wide = |of: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(of).collect::<Vec<u8>>();
        let rows = [
            (deflated(text.as_bytes()), text),
            (deflated(&deflated(text.as_bytes())), text),
            (deflated(&wide(u16::to_le_bytes)), text),
            (deflated(&wide(u16::to_be_bytes)), text),
            ([deflated(b"PESEL "), deflated(b"44051401458"), b"and more".to_vec()].concat(), text),
            // Begins like such a stream, and is none.
            (deflated(b"x^2 + y^2"), "x^2 + y^2"),
        ];
        for (bytes, expected) in rows {
            let mut content = Derived::default();
            content.copy(&bytes, 7);
            content.end(7 + bytes.len() as u64);
            let found = inflate(&content, 1_000);
            assert_eq!(String::from_utf8_lossy(&found.content.bytes), expected);
            assert!(!found.is_cut && !found.is_too_deep, "{expected}");
        }
        let mut content = Derived::default();
        content.copy(&[deflated(text.as_bytes()), deflated(text.as_bytes())].concat(), 0);
        let found = inflate(&content, 20);
        assert_eq!((found.content.bytes.len(), found.is_cut), (20, true));
    }

    fn kinds(text: &str) -> Vec<(&'static str, Made<'static>)> {
        let mut found = Vec::new();
        let made = |made: Made<'_>| match made {
            Made::File(_) => Made::File(None),
            Made::Characters => Made::Characters,
            Made::Text => Made::Text,
            Made::Inlined(range) => Made::Inlined(range),
            Made::Deflated => Made::Deflated,
        };
        let given = Given { text: text.as_bytes(), places: &Places::of(text.as_bytes()), is_mended: false, part: None };
        let _ = others(given, &mut |other| {
            found.push((other.kind, made(other.made)));
            Ok::<(), ()>(())
        });
        found
    }

    #[test]
    fn every_decoder_is_asked() {
        let base64 = |bytes: &[u8]| data_encoding::BASE64.encode(bytes);
        let wide: Vec<u8> = "PESEL 44051".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let rows: Vec<(String, Vec<(&str, Made<'_>)>)> = vec![
            ("plain words".to_owned(), vec![]),
            ("a%20b".to_owned(), vec![("percent", Made::Characters)]),
            ("4405/1401/458".to_owned(), vec![("joined", Made::Characters)]),
            ("50 45 53 45 4c 3a 20 34".to_owned(), vec![("hex", Made::Inlined(0..8))]),
            (format!("x: {}", base64(b"PESEL 44051401458")), vec![("base64", Made::Inlined(3..20))]),
            (base64(&b"PESEL 44051401458 ".repeat(4)), vec![("base64", Made::Text)]),
            (base64(&wide), vec![("base64", Made::Inlined(0..11))]),
            (base64(b"PK\x03\x04 of some kind\0\0\x01\x02"), vec![("base64", Made::File(None))]),
            ("begin 644 a\n#0V%T\n`\nend\n".to_owned(), vec![("uuencode", Made::File(None))]),
        ];
        for (text, expected) in rows {
            assert_eq!(kinds(&text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_deflated_is_inflated_within_its_room() {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(&[b'a'; 5_000]).expect("memory");
        let mut content = Derived::default();
        content.copy(&encoder.finish().expect("memory"), 7);
        content.end(60);
        assert!(is_deflated(&content.bytes) && !is_deflated(b"x text") && !is_deflated(b""));
        for (room, len, is_cut) in [(9_999, 5_000, false), (5_000, 5_000, false), (100, 100, true)] {
            let found = inflate(&content, room);
            assert_eq!((found.content.bytes.len(), found.is_cut), (len, is_cut), "{room}");
            assert_eq!(found.content.runs.last().map(|run| run.original_start), Some(60));
        }
    }
}
