//! Reads the pages one by one, each with as many readings as it takes.

use super::content::{self, Fonts, PageText};
use super::engine::{self, Engine};
use super::pictures;
use super::seen::Seen;
use super::yields;
use crate::trouble::Trouble;
use crate::wire::{Bounds, Frame, PICTURES_MAX, WirePart};
use crate::worker::{At, Output};
use pdf_extract::{Dictionary, Document, Object, ObjectId};
use std::collections::BTreeSet;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What the pages have in common: their sum, and the fonts met so far.
#[derive(Default)]
struct Tally {
    characters: usize,
    images: usize,
    unreadable: bool,
    described_bytes: u64,
    fonts: Fonts,
    /// Pictures that were handed out or could not be.
    pictures: BTreeSet<ObjectId>,
    /// A picture was not handed out.
    unread: bool,
}

/// Which pages are read, and what of them.
#[derive(Clone, Copy)]
pub(super) struct Range {
    /// The first page; all of them without one.
    pub(super) first: Option<u32>,
    /// Pictures are handed out.
    pub(super) pictures: bool,
    /// Bytes of the document.
    pub(super) document_bytes: u64,
}

/// Bytes of descriptions that the pages of every document may have together, and for each byte of the document: pages
/// may share one.
pub(crate) const DESCRIBED_BYTES_FREE: u64 = 64 * 1024 * 1024;
pub(crate) const DESCRIBED_RATIO_MAX: u64 = 16;

/// Reads all pages, or those from the first of a range on, which is then read without the engine: it is the page on
/// which the worker before this one died. Tells whether all text of all pages was understood.
pub(super) fn read(
    document: &Document,
    range: Range,
    bounds: &Bounds,
    seen: &mut Seen,
    output: &mut Output,
) -> io::Result<bool> {
    let (pages, in_tree) = content::pages(document);
    if pages.is_empty() || !in_tree {
        output.trouble(Trouble::NoPages)?;
    }
    let Range { first, pictures, document_bytes } = range;
    let described_bytes_max = DESCRIBED_RATIO_MAX.saturating_mul(document_bytes).max(DESCRIBED_BYTES_FREE);
    let mut tally = Tally::default();
    for (number, id) in (1_u32..).zip(pages).skip_while(|(number, _)| first.is_some_and(|first| *number < first)) {
        if output.is_full() {
            return Ok(false);
        }
        if number > bounds.pages {
            output.trouble(Trouble::Pages)?;
            return Ok(false);
        }
        if tally.described_bytes > described_bytes_max {
            output.trouble(Trouble::Descriptions)?;
            return Ok(false);
        }
        output.send(&Frame::Page(number))?;
        let with_engine = in_tree && first != Some(number);
        let page = Page { document, id, number, with_engine, with_pictures: pictures };
        page.read(bounds, &mut tally, seen, output)?;
    }
    let whole = first.is_none();
    if whole && tally.characters == 0 && tally.images > 0 && (!pictures || tally.pictures.is_empty()) {
        output.trouble(Trouble::ImageOnly { with_ocr: pictures })?;
    }
    Ok(whole && tally.characters > 0 && !tally.unreadable)
}

/// One page.
struct Page<'a> {
    document: &'a Document,
    id: ObjectId,
    number: u32,
    with_engine: bool,
    with_pictures: bool,
}

impl Page<'_> {
    fn read(&self, bounds: &Bounds, tally: &mut Tally, seen: &mut Seen, output: &mut Output) -> io::Result<()> {
        let Ok(dictionary) = self.document.get_dictionary(self.id) else { return Ok(()) };
        let plain = self.plainly(dictionary, bounds, &mut tally.fonts, output)?;
        if plain.opaque || plain.torn {
            seen.lose();
        }
        tally.images += plain.images;
        tally.described_bytes = tally.described_bytes.saturating_add(plain.description_bytes);
        if self.with_pictures {
            self.give_pictures(&plain.pictures, bounds, tally, output)?;
        }
        let engine = self.by_engine(&plain, output)?;
        let (codes, appearances) = (plain.codes, plain.appearances);
        let text = choose(engine, plain.text, codes);
        if !yields::is_enough(&text, codes) {
            tally.unreadable = true;
            output.trouble(Trouble::UnreadableText(self.number))?;
        }
        tally.characters += yields::readable(&text) + yields::readable(&appearances);
        if yields::readable(&text) > 0 {
            output.text(At::page(WirePart::Body, self.number), &text)?;
            seen.add(&text);
            let joined = joined_words(&text);
            output.text(At::page(WirePart::Data, self.number), &joined)?;
        }
        let news = seen.news(&appearances);
        seen.add(&news);
        output.text(At::page(WirePart::Form, self.number), &news)
    }

    fn plainly(
        &self,
        page: &Dictionary,
        bounds: &Bounds,
        fonts: &mut Fonts,
        output: &mut Output,
    ) -> io::Result<PageText> {
        let read = || content::read(self.document, page, fonts, bounds.stream_bytes);
        let Ok(plain) = catch_unwind(AssertUnwindSafe(read)) else {
            output.trouble(Trouble::PagePanic(self.number))?;
            return Ok(PageText::default());
        };
        if plain.too_large {
            output.trouble(Trouble::StreamTooLarge)?;
        }
        if plain.opaque {
            output.trouble(Trouble::PageFilter(self.number))?;
        }
        if plain.torn {
            output.trouble(Trouble::PageBroken(self.number))?;
        }
        if plain.too_much {
            output.trouble(Trouble::Work)?;
        }
        Ok(plain)
    }

    /// Hands out the pictures that no page before this one has.
    fn give_pictures(
        &self,
        ids: &[ObjectId],
        bounds: &Bounds,
        tally: &mut Tally,
        output: &mut Output,
    ) -> io::Result<()> {
        for id in ids {
            if !tally.pictures.insert(*id) || tally.unread {
                continue;
            }
            if tally.pictures.len() > PICTURES_MAX as usize {
                tally.unread = true;
                return output.trouble(Trouble::Pictures);
            }
            let Ok(stream) = self.document.get_object(*id).and_then(Object::as_stream) else { continue };
            match pictures::file(self.document, stream, bounds.child_bytes) {
                Some(bytes) => output.send(&Frame::Picture { page: self.number, bytes: &bytes })?,
                None => output.trouble(Trouble::Picture(self.number))?,
            }
        }
        Ok(())
    }

    /// Asks the engine where the plain reading is not sure of itself. It is spared what it is known not to survive.
    fn by_engine(&self, plain: &PageText, output: &mut Output) -> io::Result<Option<String>> {
        let sure = yields::is_clean(&plain.text, plain.codes) && !plain.guessed;
        if sure || !self.with_engine || plain.too_large || plain.too_much || plain.circular {
            return Ok(None);
        }
        match engine::read(self.document, self.number) {
            Engine::Text(text) => Ok(Some(text)),
            Engine::Failed(text) | Engine::Panicked(text) => {
                // Where the plain reading got everything, nothing was lost.
                if !yields::is_enough(&plain.text, plain.codes) {
                    output.trouble(Trouble::PagePanic(self.number))?;
                }
                Ok(Some(text))
            }
        }
    }
}

/// The engine's text if it is good and lacks nothing that the plain reading has; else the one with more in it. Where
/// both read the same characters, the plain reading has the better spaces.
fn choose(engine: Option<String>, plain: String, codes: usize) -> String {
    let Some(engine) = engine else { return plain };
    let (by_engine, by_plain) = (yields::readable(&engine), yields::readable(&plain));
    if letters(&engine).eq(letters(&plain)) {
        return plain;
    }
    let complete = yields::is_enough(&engine, codes) && by_engine * 10 >= by_plain * 9;
    if complete || by_engine > by_plain { engine } else { plain }
}

/// Words that a hyphen breaks at the end of a line, put together again.
fn joined_words(text: &str) -> String {
    const HYPHENS: [char; 3] = ['-', '\u{AD}', '\u{2010}'];
    let mut joined = String::new();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty()).peekable();
    while let (Some(line), Some(next)) = (lines.next(), lines.peek()) {
        let Some(front) = line.strip_suffix(HYPHENS).and_then(|line| line.split_whitespace().next_back()) else {
            continue;
        };
        let Some(ending) = next.split_whitespace().next() else { continue };
        // Elsewhere a hyphen ends a dash, or a list begins with one.
        if front.ends_with(char::is_alphabetic) && ending.starts_with(char::is_lowercase) {
            joined.push_str(front);
            joined.push_str(ending);
            joined.push('\n');
        }
    }
    joined
}

fn letters(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|character| !character.is_whitespace())
}

#[cfg(test)]
mod tests {
    use super::joined_words;

    #[test]
    fn broken_words_are_put_together() {
        let check = |text: &str, expected: &str| assert_eq!(joined_words(text), expected, "{text}");
        check("a confi-\ndential letter", "confidential\n");
        check("poświad\u{AD}\n  czenie\n\nkom-\n\nputer", "poświadczenie\nkomputer\n");
        check("hel-\nLo, - \nx\n12-\n34 a-b\nc", "");
        check("at the end-", "");
    }
}
