//! Markup for browsers: HTML, XHTML, SVG.
//!
//! The source is handed out as the text that it is, so comments, scripts and attributes are read in their lines. Then
//! the text that a browser shows is handed out besides, because tags and entities tear words and numbers apart. Tags
//! are told from text and nothing more, so no broken markup ends the reading.

use super::decode::Derived;
use super::walk::{Step, Walk};
use super::{Input, Origin, Place, SourceLines, plain, views};
use crate::matching::LineCounter;
use crate::text::{Charset, Detected, Transcoded, Transcoder};

/// Bytes in which markup tells what it is.
const HEAD_BYTES: usize = 1024;
/// How markup may begin, behind blanks and comments.
const BEGINNINGS: [&[u8]; 6] = [b"<!doctype html", b"<html", b"<head", b"<body", b"<svg", b"<!doctype svg"];
/// Elements in the middle of a line of text.
const INLINE: [&[u8]; 38] = [
    b"a", b"abbr", b"acronym", b"b", b"bdi", b"bdo", b"big", b"cite", b"code", b"data", b"del", b"dfn", b"em", b"font",
    b"i", b"ins", b"kbd", b"label", b"mark", b"nobr", b"o:p", b"q", b"s", b"samp", b"small", b"span", b"strike",
    b"strong", b"sub", b"sup", b"time", b"tspan", b"tt", b"u", b"var", b"wbr", b"ruby", b"rb",
];
/// Elements whose content is no text that is shown.
const UNSHOWN: [&[u8]; 2] = [b"script", b"style"];
const NAME_BYTES_MAX: usize = 16;
/// Ends of lines in a row, between which a line is empty, and with them borders of cells, of which an empty cell has two.
const LINE_ENDS_MAX: usize = 2;
const BLANKS_MAX: usize = 128;
/// Longest value in quotes. Images in addresses are long.
const QUOTED_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Whether a text is markup.
pub(super) fn is_markup(head: &[u8]) -> bool {
    let head = head[..head.len().min(HEAD_BYTES)].to_ascii_lowercase();
    let text = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&head).trim_ascii_start();
    text.starts_with(b"<") && BEGINNINGS.iter().any(|beginning| memchr::memmem::find(text, beginning).is_some())
}

/// Walks the source, then the text in it.
pub(super) fn walk(walk: &mut Walk<'_>, detected: Option<Detected>, input: Input<'_>) -> Step {
    walk.with_held(input, |walk, bytes| {
        let charset = detected.as_ref().map_or(Charset::Utf8, |detected| detected.charset.clone());
        plain::text(walk, detected, Input::Bytes(bytes))?;
        if charset == Charset::Utf8 {
            return made_from(walk, bytes, Origin::Bytes(0));
        }
        let mut recoded = Transcoded::default();
        Transcoder::new(&charset, 0).push(bytes, true, &mut recoded);
        made_from(walk, recoded.text.as_bytes(), Origin::Mapped(&recoded.runs))
    })
}

/// Hands out the text that a source shows.
fn made_from(walk: &mut Walk<'_>, source: &[u8], origin: Origin<'_>) -> Step {
    let lines = SourceLines::new(source, origin, LineCounter::new());
    views::made_from(walk, "markup", shown(source), (origin, Place::Source(&lines)))
}

/// The text that is shown. Entities are left for those who look at any text.
fn shown(source: &[u8]) -> Derived {
    let mut out = Derived::default();
    let mut believes_quotes = true;
    let mut at = 0;
    while at < source.len() {
        let rest = &source[at..];
        let text = memchr::memchr(b'<', rest).unwrap_or(rest.len());
        out.copy(&rest[..text], at as u64);
        at += text;
        let Some(tag) = Tag::read(&source[at..], &mut believes_quotes) else {
            // A sign that opens no tag.
            out.copy(&source[at..source.len().min(at + 1)], at as u64);
            at += 1;
            continue;
        };
        let space: &[u8] = match tag.name.as_slice() {
            b"" => b"",
            b"td" | b"th" => b"\t",
            name if INLINE.contains(&name) => b"",
            _ => b"\n",
        };
        // More of them say nothing, and would give the text of markup without any a map of many times its size.
        let line_ends = out.bytes.iter().rev().take_while(|byte| **byte == b'\n').take(LINE_ENDS_MAX).count();
        let blanks = out.bytes.iter().rev().take_while(|byte| matches!(byte, b'\n' | b'\t')).take(BLANKS_MAX).count();
        if blanks < BLANKS_MAX && (space != b"\n" || line_ends < LINE_ENDS_MAX) {
            out.share(space, at as u64);
        }
        at += tag.len;
        if !tag.is_end && UNSHOWN.contains(&tag.name.as_slice()) {
            at += unshown(&source[at..], &tag.name);
        }
    }
    out.end(source.len() as u64);
    out
}

/// A tag, a comment or a declaration; those have no name.
struct Tag {
    name: Vec<u8>,
    is_end: bool,
    len: usize,
}

impl Tag {
    fn read(bytes: &[u8], believes_quotes: &mut bool) -> Option<Self> {
        let inner = bytes.strip_prefix(b"<")?;
        if inner.starts_with(b"!--") {
            let len = memchr::memmem::find(inner, b"-->").map_or(bytes.len(), |at| at + 4);
            return Some(Self { name: Vec::new(), is_end: false, len });
        }
        if let Some(b'!' | b'?') = inner.first() {
            return Some(Self { name: Vec::new(), is_end: false, len: tag_len(bytes, believes_quotes) });
        }
        let is_end = inner.first() == Some(&b'/');
        let name = &inner[usize::from(is_end)..];
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'-');
        let len = name.iter().take(NAME_BYTES_MAX).take_while(|byte| is_name(byte)).count();
        name.first().filter(|first| first.is_ascii_alphabetic())?;
        Some(Self { name: name[..len].to_ascii_lowercase(), is_end, len: tag_len(bytes, believes_quotes) })
    }
}

/// Where a tag ends: at the first sign that stands in no quotes, or where the next tag begins. A quote that nothing
/// closes means that quotes are not to be believed from there on, so each byte is looked at about once.
fn tag_len(bytes: &[u8], believes_quotes: &mut bool) -> usize {
    let mut at = 1;
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr::memchr3(b'>', b'<', b'=', rest)) {
        at += found + 1;
        match bytes[at - 1] {
            b'>' => return at,
            b'<' => return at - 1,
            _ => {}
        }
        let blanks = bytes[at..].iter().take(8).take_while(|byte| byte.is_ascii_whitespace()).count();
        let Some(quote @ (b'"' | b'\'')) = bytes.get(at + blanks).filter(|_| *believes_quotes) else { continue };
        let value = &bytes[at + blanks + 1..];
        match memchr::memchr(*quote, &value[..value.len().min(QUOTED_BYTES_MAX)]) {
            Some(len) => at += blanks + len + 2,
            None => *believes_quotes = false,
        }
    }
    bytes.len()
}

/// Length of content that is not shown, up to the tag that ends it.
fn unshown(bytes: &[u8], name: &[u8]) -> usize {
    let is_end = |at: &usize| bytes[at + 2..].get(..name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name));
    memchr::memmem::find_iter(bytes, b"</").find(is_end).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::original_offset;

    #[test]
    fn tags_vanish_and_blocks_end_lines() {
        let rows = [
            ("", ""),
            ("plain", "plain"),
            ("4405<b>14</b>01<!-- x -->458", "44051401458"),
            ("<p>a</p><p>b<br>c</p>", "\na\n\nb\nc\n"),
            ("<td>a</td><td>b</td>", "\ta\t\tb\t"),
            ("<a href=\"x>y\">link</a>", "link"),
            ("<a href=\"open>link", "link"),
            ("a < b and <3", "a < b and <3"),
            ("<script>if (a < b) {}</script>shown<style>p</style>", "\n\nshown\n\n"),
            ("<script>open", "\nopen"),
            ("<a<a<b>text", "text"),
            ("<a b='c d=\"e>text", "text"),
            ("<!DOCTYPE html><?xml x?>a", "a"),
            ("<!-- open", ""),
            ("<SPAN>4405</SPAN><tspan>1401458", "44051401458"),
            ("a<div><div><div><div>b<p>c", "a\n\nb\nc"),
        ];
        for (source, expected) in rows {
            let found = shown(source.as_bytes());
            assert_eq!(String::from_utf8_lossy(&found.bytes), expected, "{source}");
        }
        let found = shown(b"<p>4405<b>1401458</b>");
        assert_eq!([1, 4, 5, 12].map(|at| original_offset(&found.runs, at)), [Some(3), Some(6), Some(10), Some(21)]);
    }

    #[test]
    fn markup_without_text_gives_little_to_hold() {
        for (tag, len_max) in [("<div>", LINE_ENDS_MAX), ("<td>", BLANKS_MAX), ("<b>", 0), ("<td><p>", BLANKS_MAX)] {
            let found = shown(tag.repeat(10_000).as_bytes());
            assert_eq!((found.bytes.len(), found.runs.len()), (len_max, len_max + 1), "{tag}");
        }
        assert_eq!(shown(&b"<td></td>".repeat(30)).bytes.len(), 60);
    }

    #[test]
    fn markup_is_told_by_how_it_begins() {
        let rows: [(&[u8], bool); 8] = [
            (b"<!DOCTYPE HTML><p>", true),
            (b"\xEF\xBB\xBF\n<html lang=pl>", true),
            (b"<?xml version='1.0'?>\n<svg xmlns='x'>", true),
            (b"<!-- saved --><html>", true),
            (b"<?xml version='1.0'?><data/>", false),
            (b"text about <html>", false),
            (b"<", false),
            (b"", false),
        ];
        for (head, expected) in rows {
            assert_eq!(is_markup(head), expected, "{}", String::from_utf8_lossy(head));
        }
    }
}
