//! Words that stand alone on top and bottom of a page, in capitals.
//!
//! A word such as SECRET or INTERN alone in a line may be the title of anything. Where it is the first and the last line
//! of a page, stands alone in a header or footer, or on most pages, somebody marked them. Such words are handed out once
//! more behind a name, which detectors of markings ask for; what words are markings is theirs to say.

use super::decode::Derived;
use super::walk::{Step, Walk};
use super::{Origin, Place, Role, Segment, views};
use std::ops::Range;

/// What is handed out in front of them.
const NAME: &[u8] = b"page banner: ";
/// The way of writing, as reports call it.
const KIND: &str = "banner";
/// Bytes of a page on either edge that are looked at.
const EDGE_BYTES: usize = 256;
/// Bytes of a line that may be a marking.
const LINE_BYTES_MAX: usize = 64;
/// Lines of a page below which the first and the last one are all there is.
const LINES_MIN: usize = 3;
/// Different ones that are remembered for an item.
const WORDS_MAX: usize = 8;
/// Pages from which on one that stands on half of them counts.
const PAGES_MIN: u32 = 2;

/// The page that passes, and what stood on those before it.
#[derive(Default)]
pub(super) struct Banners {
    page: Option<Page>,
    pages: u32,
    /// What was on an edge of pages, on how many, and whether it was handed out.
    words: Vec<(String, u32, bool)>,
}

struct Page {
    role: Role,
    name: String,
    number: Option<u32>,
    top: Edge,
    bottom: Edge,
    len: u64,
}

/// Bytes of an edge, where the first of them stands in the item, and how many are known to stand behind it.
#[derive(Default)]
struct Edge {
    text: Vec<u8>,
    start: Option<u64>,
    known_bytes: usize,
}

/// Takes note of a text that was handed out.
pub(super) fn look(walk: &mut Walk<'_>, segment: &Segment<'_>) -> Step {
    if !matches!(segment.part.role, Role::Body | Role::Header | Role::Footer) {
        return Ok(());
    }
    let number = if let Place::Page(number) = segment.place { Some(number) } else { None };
    let part = segment.part;
    let is_same = |page: &Page| page.role == part.role && page.number == number && page.name == part.name;
    if !walk.banners.page.as_ref().is_some_and(is_same) {
        end_page(walk)?;
    }
    let page = walk.banners.page.get_or_insert_with(|| Page {
        role: part.role,
        name: part.name.to_owned(),
        number,
        top: Edge::default(),
        bottom: Edge::default(),
        len: 0,
    });
    page.push(segment);
    Ok(())
}

/// Ends the pages of an item.
pub(super) fn finish(walk: &mut Walk<'_>) -> Step {
    end_page(walk)?;
    let Banners { pages, words, .. } = std::mem::take(&mut walk.banners);
    let is_on_most = |(_, count, is_told): &(String, u32, bool)| !is_told && *count >= PAGES_MIN && 2 * count >= pages;
    for (word, ..) in words.iter().filter(|word| is_on_most(word)) {
        tell(walk, (word.as_bytes(), None), Place::None)?;
    }
    Ok(())
}

/// Hands out what marks the page that ends here.
fn end_page(walk: &mut Walk<'_>) -> Step {
    let Some(page) = walk.banners.page.take() else { return Ok(()) };
    let place = page.number.map_or(Place::None, Place::Page);
    let found = page.words();
    walk.banners.pages += u32::from(page.role == Role::Body);
    for Found { word, start, is_marking } in found {
        let words = &mut walk.banners.words;
        let index = words.iter().position(|(known, ..)| *known == word).unwrap_or(words.len());
        if index == WORDS_MAX {
            continue;
        }
        if index == words.len() {
            words.push((word.clone(), 0, false));
        }
        let (_, count, is_told) = &mut words[index];
        *count += 1;
        if is_marking && !std::mem::replace(is_told, true) {
            tell(walk, (word.as_bytes(), start), place)?;
        }
    }
    Ok(())
}

/// Hands out a word behind the name.
fn tell(walk: &mut Walk<'_>, (word, start): (&[u8], Option<u64>), place: Place<'_>) -> Step {
    let (at, origin) = start.map_or((0, Origin::None), |start| (start, Origin::Bytes(0)));
    let mut content = Derived::default();
    content.share(NAME, at);
    content.copy(word, at);
    content.end(at + word.len() as u64);
    views::made_from(walk, KIND, content, (origin, place))
}

/// A word on an edge of a page.
struct Found {
    word: String,
    start: Option<u64>,
    /// Whether it marks this page, and not only most of them.
    is_marking: bool,
}

impl Edge {
    /// Adds what there is room for.
    fn push(&mut self, join: &[u8], segment: &Segment<'_>) {
        let room = EDGE_BYTES.saturating_sub(self.text.len() + join.len());
        if room == 0 {
            return;
        }
        let text = &segment.text[..segment.text.len().min(room)];
        if let Origin::Bytes(start) = segment.origin {
            let is_first = self.text.is_empty();
            self.start = if is_first { Some(start) } else { self.start };
            let goes_on = join.is_empty() && self.known_bytes == self.text.len();
            if is_first || goes_on && self.start.map(|first| first + self.known_bytes as u64) == Some(start) {
                self.known_bytes += text.len();
            }
        }
        self.text.extend_from_slice(join);
        self.text.extend_from_slice(text);
    }

    /// Where a line stands in the item.
    fn place(&self, line: &Range<usize>) -> Option<u64> {
        self.start.filter(|_| line.end <= self.known_bytes).map(|start| start + line.start as u64)
    }
}

impl Page {
    fn push(&mut self, segment: &Segment<'_>) {
        let join = if self.len > 0 { segment.join.as_bytes() } else { b"" };
        self.top.push(join, segment);
        self.bottom.text.extend_from_slice(join);
        self.bottom.text.extend_from_slice(&segment.text[segment.text.len().saturating_sub(EDGE_BYTES)..]);
        let over = self.bottom.text.len().saturating_sub(EDGE_BYTES);
        self.bottom.text.drain(..over);
        self.len += (join.len() + segment.text.len()) as u64;
    }

    fn words(&self) -> Vec<Found> {
        let is_margin = self.role != Role::Body;
        let tops = lines(&self.top.text);
        let found = |line: &Range<usize>, is_marking: bool| {
            let (before, word) = word(&self.top.text[line.clone()])?;
            let start = self.top.place(line).map(|start| start + before as u64);
            Some(Found { word: word.to_owned(), start, is_marking })
        };
        if is_margin {
            return tops.iter().filter_map(|line| found(line, true)).take(WORDS_MAX).collect();
        }
        let is_long = self.len > EDGE_BYTES as u64;
        if !is_long && tops.len() < LINES_MIN {
            return Vec::new();
        }
        let bottoms = lines(&self.bottom.text);
        let (Some(top), Some(bottom)) = (tops.first(), bottoms.last()) else { return Vec::new() };
        let last = word(&self.bottom.text[bottom.clone()]).map(|(_, word)| word);
        let first = found(top, false).map(|top| Found { is_marking: last == Some(top.word.as_str()), ..top });
        let is_both = first.as_ref().is_some_and(|first| first.is_marking);
        let last = last.filter(|_| !is_both);
        let last = last.map(|word| Found { word: word.to_owned(), start: None, is_marking: false });
        first.into_iter().chain(last).collect()
    }
}

/// Lines of an edge that are not blank.
fn lines(text: &[u8]) -> Vec<Range<usize>> {
    let mut start = 0;
    let mut found = Vec::new();
    for line in text.split(|byte| matches!(byte, b'\n' | b'\x0c')) {
        if !line.trim_ascii().is_empty() {
            found.push(start..start + line.len());
        }
        start += line.len() + 1;
    }
    found
}

/// What a line says between ornaments, if it is in capitals or in a script without them, and the bytes in front of it.
fn word(line: &[u8]) -> Option<(usize, &str)> {
    let is_ornament = |c: char| {
        c.is_whitespace() || matches!(c, '*' | '=' | '#' | '|' | '<' | '>' | '[' | ']' | '(' | ')' | '_' | '~' | '-')
    };
    let line = std::str::from_utf8(line).ok()?;
    let behind = line.trim_start_matches(is_ornament);
    let text = behind.trim_end_matches(is_ornament);
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    let is_marking = letters > 0 && text.len() <= LINE_BYTES_MAX && !text.chars().any(char::is_lowercase);
    is_marking.then_some((line.len() - behind.len(), text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::{Join, Part};

    fn page(role: Role) -> Page {
        let edge = Edge::default;
        Page { role, name: String::new(), number: None, top: edge(), bottom: edge(), len: 0 }
    }

    fn words(role: Role, pieces: &[&str]) -> Vec<(String, bool)> {
        let part = Part { role, name: "" };
        let mut page = page(role);
        for text in pieces {
            let (place, origin) = (Place::None, Origin::None);
            page.push(&Segment { text: text.as_bytes(), part, place, join: Join::None, origin });
        }
        page.words().into_iter().map(|found| (found.word, found.is_marking)).collect()
    }

    #[test]
    fn a_word_leads_back_to_its_bytes_in_whatever_pieces() {
        let text = "\n*** SECRET ***\nsome words\nmore of them\nSECRET\n";
        for piece in [3, 7, text.len()] {
            let mut page = page(Role::Body);
            for (index, bytes) in text.as_bytes().chunks(piece).enumerate() {
                let (part, place, join) = (Part::BODY, Place::None, Join::None);
                page.push(&Segment {
                    text: bytes,
                    part,
                    place,
                    join,
                    origin: Origin::Bytes(100 + (index * piece) as u64),
                });
            }
            assert_eq!(page.words().first().and_then(|found| found.start), Some(105), "{piece}");
        }
    }

    #[test]
    fn words_on_both_edges_mark_a_page_and_any_in_a_margin() {
        let long = format!("SECRET\n{}\n*** SECRET ***\n", "words of the page ".repeat(90));
        type Row<'a> = (Role, &'a str, &'a [(&'a str, bool)]);
        let rows: &[Row<'_>] = &[
            (Role::Body, "SECRET\nsome words\nSECRET\n", &[("SECRET", true)]),
            (Role::Body, &long, &[("SECRET", true)]),
            (Role::Body, "\r\n  [GEHEIM]\r\nText\r\n\r\nGEHEIM\r\n\r\n", &[("GEHEIM", true)]),
            (Role::Body, "SECRET\nsome words\nmore words\n", &[("SECRET", false)]),
            (Role::Body, "Secret\nsome words\nSecret\n", &[]),
            (Role::Body, "SECRET\nSECRET\n", &[]),
            (Role::Body, "=====\nsome words\n=====\n", &[]),
            (Role::Body, "秘\n会議資料\n秘\n", &[("秘", true)]),
            (Role::Header, "ACME Ltd\nINTERN\n", &[("INTERN", true)]),
            (Role::Footer, "Page 1 of 7", &[]),
        ];
        for (role, text, expected) in rows {
            let expected: Vec<_> = expected.iter().map(|(word, marks)| ((*word).to_owned(), *marks)).collect();
            assert_eq!(words(*role, &[text]), expected, "{text}");
            let middle = text.floor_char_boundary(text.len() / 2);
            assert_eq!(words(*role, &[&text[..middle], &text[middle..]]), expected, "{text} in two pieces");
        }
    }
}
