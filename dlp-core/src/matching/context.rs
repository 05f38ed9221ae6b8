//! Supporting words near a match: what a window is, and what its words are.
//!
//! The bytes around a match are folded to lower-case words without diacritics, joined by single spaces; words glued by
//! case change (`customerSSN`, `VATNumber`), or to a script without spaces, are split, and kept whole as well. A phrase stands in a
//! window when it stands there as whole words. Folding is the specification, and what is done where letters are not
//! plain ASCII; `spotted` finds the same phrases in ASCII text without it.

use super::boundary::{LOOK_BYTES, has_no_word_spaces};
use crate::text::push_folded;
use dlp_detector_format::Context;
use memchr::memmem;
use std::ops::Range;

/// How far a window reaches before and behind a value, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Widths {
    pub(super) before: u16,
    pub(super) after: u16,
}

impl Widths {
    pub(super) fn of(context: &Context) -> Self {
        Self { before: context.before_bytes, after: context.after_bytes }
    }

    /// The bytes that the window may take, the value among them.
    pub(super) fn around(self, text: &[u8], span: &Range<usize>) -> Range<usize> {
        span.start.saturating_sub(usize::from(self.before))..text.len().min(span.end + usize::from(self.after))
    }

    /// The windows before and behind a value. Both stop at a blank line, at words that they would cut, and at what stands for
    /// a value that was redacted, which names that value; the first one behind an instruction like `<?xml version="1.0"?>`,
    /// whose words are about the text and not about a value.
    pub(super) fn windows(self, text: &[u8], span: &Range<usize>) -> [Range<usize>; 2] {
        let Range { start, end } = self.around(text, span);
        let start = paragraph_start(text, whole_word_start(text, start, span.start), span.start);
        let start = instruction_end(text, start, span.start);
        let start = redacted_end(text, start, span.start);
        let end = paragraph_end(text, span.end, whole_word_end(text, span.end, end));
        let end = redacted_start(text, span.end, end);
        [start..span.start, span.end..end]
    }
}

/// Folded words, reused from window to window.
#[derive(Debug, Default)]
pub(super) struct Folded {
    words: Vec<u8>,
    glued: Vec<u8>,
}

impl Folded {
    /// The words of a text, each followed by a space.
    pub(super) fn of(text: &[u8]) -> Vec<u8> {
        let mut folded = Self::default();
        folded.fold_words(text);
        folded.words.split_off(1)
    }

    /// The words of two windows, and behind them those that were split, whole.
    pub(super) fn fill(&mut self, windows: [&[u8]; 2]) -> &[u8] {
        self.words.clear();
        self.glued.clear();
        windows.into_iter().for_each(|window| self.fold_words(window));
        self.words.extend_from_slice(&self.glued);
        &self.words
    }

    /// Appends the words of a text, each followed by a space, the first one preceded by one.
    fn fold_words(&mut self, text: &[u8]) {
        if text.is_ascii() {
            self.fold_ascii_words(text);
        } else {
            self.fold_any_words(text);
        }
    }

    fn fold_any_words(&mut self, text: &[u8]) {
        self.words.push(b' ');
        let mut word_start = self.words.len();
        let mut is_split = false;
        let mut previous = ' ';
        let mut chars = text
            .utf8_chunks()
            .flat_map(|chunk| chunk.valid().chars().chain((!chunk.invalid().is_empty()).then_some(' ')));
        let mut ahead: [Option<char>; 1 + CAPITALISED_LETTERS] = std::array::from_fn(|_| chars.next());
        while let [Some(c), behind @ ..] = ahead {
            if !c.is_alphanumeric() {
                self.end_word(&mut word_start, &mut is_split);
            } else {
                let is_capitalised = c.is_uppercase() && behind.iter().all(|c| c.is_some_and(char::is_lowercase));
                let starts_part = (previous.is_lowercase() && c.is_uppercase())
                    || (previous.is_uppercase() && is_capitalised)
                    || (previous.is_alphabetic() && c.is_numeric())
                    || (previous.is_numeric() && c.is_alphabetic())
                    || has_no_word_spaces(previous) != has_no_word_spaces(c);
                if starts_part && self.words.len() > word_start {
                    self.words.push(b' ');
                    is_split = true;
                }
                push_folded(c, &mut self.words);
            }
            previous = c;
            ahead.rotate_left(1);
            ahead[CAPITALISED_LETTERS] = chars.next();
        }
        self.end_word(&mut word_start, &mut is_split);
    }

    /// The same for ASCII, as most text is.
    fn fold_ascii_words(&mut self, text: &[u8]) {
        self.words.reserve(2 * text.len() + 2);
        self.words.push(b' ');
        let (mut word_start, mut is_split) = (self.words.len(), false);
        let mut previous = AsciiClass::Mark;
        for (at, byte) in text.iter().enumerate() {
            let class = AsciiClass::of(*byte);
            if class == AsciiClass::Mark {
                if previous != AsciiClass::Mark {
                    self.end_word(&mut word_start, &mut is_split);
                }
            } else {
                if previous != AsciiClass::Mark && starts_part(text, at, previous) {
                    self.words.push(b' ');
                    is_split = true;
                }
                self.words.push(byte.to_ascii_lowercase());
            }
            previous = class;
        }
        self.end_word(&mut word_start, &mut is_split);
    }

    /// Ends a word; one that was split at case changes is remembered whole.
    fn end_word(&mut self, word_start: &mut usize, is_split: &mut bool) {
        if self.words.len() > *word_start {
            if *is_split {
                self.glued.push(b' ');
                self.glued.extend(self.words[*word_start..].iter().filter(|b| **b != b' '));
                self.glued.push(b' ');
            }
            self.words.push(b' ');
        }
        *word_start = self.words.len();
        *is_split = false;
    }
}

/// What a byte of ASCII is to a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AsciiClass {
    Mark,
    Upper,
    Lower,
    Digit,
}

impl AsciiClass {
    pub(super) fn of(byte: u8) -> Self {
        const CLASSES: [AsciiClass; 256] = {
            let mut classes = [AsciiClass::Mark; 256];
            let mut value = 0;
            while value < classes.len() {
                classes[value] = match value as u8 {
                    b'0'..=b'9' => AsciiClass::Digit,
                    b'A'..=b'Z' => AsciiClass::Upper,
                    b'a'..=b'z' => AsciiClass::Lower,
                    _ => AsciiClass::Mark,
                };
                value += 1;
            }
            classes
        };
        CLASSES[usize::from(byte)]
    }
}

/// Letters in lower case that tell a capitalised word behind an acronym, as in `VATNumber`: one is an ending of the acronym, as
/// in `NIPu` and `IDs`.
pub(super) const CAPITALISED_LETTERS: usize = 2;

/// Whether a new part of a word starts at a place of ASCII text, behind a letter or digit of the class `previous`.
pub(super) fn starts_part(text: &[u8], at: usize, previous: AsciiClass) -> bool {
    match (previous, AsciiClass::of(text[at])) {
        (AsciiClass::Upper, AsciiClass::Upper) => {
            let behind = text.get(at + 1..at + 1 + CAPITALISED_LETTERS);
            behind.is_some_and(|behind| behind.iter().all(u8::is_ascii_lowercase))
        }
        (AsciiClass::Upper, AsciiClass::Lower) => false,
        (previous, class) => class != previous,
    }
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80
}

/// Leaves out a word that starts before the window.
fn whole_word_start(text: &[u8], start: usize, end: usize) -> usize {
    if start == 0 || !is_word_byte(text[start - 1]) {
        return start;
    }
    (start..end).find(|i| !is_word_byte(text[*i])).unwrap_or(end)
}

/// Leaves out a word that ends behind the window.
fn whole_word_end(text: &[u8], start: usize, end: usize) -> usize {
    if end == text.len() || !is_word_byte(text[end]) {
        return end;
    }
    (start..end).rev().find(|i| !is_word_byte(text[*i])).unwrap_or(start)
}

/// Behind the last blank line of the range.
fn paragraph_start(text: &[u8], start: usize, end: usize) -> usize {
    let window = &text[start..end];
    let behind_blank = |feed: &usize| window[..*feed].ends_with(b"\n") || window[..*feed].ends_with(b"\r\n\r");
    start + memchr::memrchr_iter(b'\n', window).find(behind_blank).map_or(0, |feed| feed + 1)
}

/// Behind the last instruction of XML in the range. Other languages write `?>` behind values, too.
fn instruction_end(text: &[u8], start: usize, end: usize) -> usize {
    let window = &text[start.saturating_sub(LOOK_BYTES)..end];
    // Question marks are rare, and to look for one takes no preparation.
    let openings = memchr::memrchr_iter(b'?', window).filter_map(|mark| mark.checked_sub(1));
    let Some(opening) = openings.into_iter().find(|at| window[*at..].starts_with(b"<?xml")) else { return start };
    let closing = memmem::find(&window[opening..], b"?>");
    closing.map_or(start, |closing| start.max(end - window.len() + opening + closing + 2))
}

/// How the tokens and hashes of redaction begin, and what ends them.
const REDACTED: (&[u8], &[u8]) = (b"{{dlp", b"}}");

/// Behind the last token of redaction in the range.
fn redacted_end(text: &[u8], start: usize, end: usize) -> usize {
    let window = &text[start..end];
    let begins = |at: &usize| window[*at..].starts_with(REDACTED.0);
    let Some(opening) = memchr::memrchr_iter(b'{', window).find(begins) else { return start };
    let closing = memmem::find(&window[opening..], REDACTED.1);
    closing.map_or(end, |closing| start + opening + closing + REDACTED.1.len())
}

/// Before the first token of redaction in the range.
fn redacted_start(text: &[u8], start: usize, end: usize) -> usize {
    let window = &text[start..end];
    memchr::memchr_iter(b'{', window).find(|at| window[*at..].starts_with(REDACTED.0)).map_or(end, |at| start + at)
}

/// Before the first blank line of the range.
fn paragraph_end(text: &[u8], start: usize, end: usize) -> usize {
    let window = &text[start..end];
    let blank_start = |feed: usize| {
        let (before, behind) = (&window[..feed], &window[feed..]);
        if behind.starts_with(b"\n\n") {
            return Some(feed);
        }
        (before.ends_with(b"\r") && behind.starts_with(b"\n\r\n")).then(|| feed - 1)
    };
    memchr::memchr_iter(b'\n', window).find_map(blank_start).map_or(end, |blank| start + blank)
}

/// Bytes beyond the window that folding looks at: the neighbour that tells whether a word is cut.
pub(super) const NEIGHBOUR_BYTES: usize = LOOK_BYTES;

#[cfg(test)]
mod tests {
    use super::super::vocabulary::Builder;
    use super::*;

    fn finds(phrase: &str, text: &str) -> bool {
        let at = text.find('#').expect("mark");
        let context = Context { strong: vec![phrase.to_owned()], ..Context::default() };
        let mut builder = Builder::default();
        builder.phrases(&context);
        let windows = Widths { before: 40, after: 20 }.windows(text.as_bytes(), &(at..at + 1));
        let mut is_found = false;
        let mut folded = Folded::default();
        let words = folded.fill(windows.map(|window| &text.as_bytes()[window]));
        builder.build().spell(words, &mut |_| is_found = true);
        is_found
    }

    #[test]
    fn phrases_are_found_as_whole_words() {
        let rows = [
            ("pesel", "Numer PESEL: #", true),
            ("pesel", "apesel #", false),
            ("nr konta", "Nr  konta: #", true),
            ("nr konta", "nr-konta #", true),
            ("zastrzeżone", "ZASTRZEŻONE #", true),
            ("ssn", "customerSSN=#", true),
            ("customerssn", "customerSSN=#", true),
            ("vat number", "VATNumber=#", true),
            ("vatnumber", "VATNumber=#", true),
            ("iban", "clientIBANCode=#", true),
            ("pesel", "PESELNumbér: #", true),
            ("pesel*", "PESELem #", true),
            ("nr pesel*", "nr PESELu #", true),
            ("ssn", "# is my SSN", true),
            ("dowod*", "dowodem #", true),
            ("dowod*", "dowodzeniem #", false),
            ("pesel", "pesel\n\nother #", false),
            ("version", "<?xml version=\"1.0\"?><n>#", false),
            ("pesel", "{{dlp:pii.pl.pesel:bcdf~ghjk}} #", false),
            ("nip", "NIP {{dlp:pii.pl.nip:bcdf~ghjk}} {x} #", false),
            ("pesel", "{{dlp:pii.pl.nip:bcdf~ghjk}} PESEL #", true),
            ("mail", "# {{dlp-hash:label.mail.s:bcdf}}", false),
            ("mail", "# mail {{dlp-hash:label.mail.s:bcdf}}", true),
            ("secret", "secret: Map<String, String?> = #", true),
            ("secret", "<?= $secret ?>#", true),
            ("pesel", "pesel? > #", true),
            ("nr", "nr12 #", true),
            ("strasse", "Straße #", true),
            ("pesel", "pesel                                          #", false),
            ("паспорт", "ПАСПОРТ #", true),
            ("pesel", "我的PESEL是#", true),
            ("pesel", "我的PESELA是#", false),
        ];
        for (phrase, text, expected) in rows {
            assert_eq!(finds(phrase, text), expected, "`{phrase}` in `{text}`");
        }
    }

    #[test]
    fn paragraphs_end_at_lines_that_are_blank_in_one_style() {
        const PIECES: [&str; 3] = ["\n", "\r", "a"];
        for number in 0..3usize.pow(6) {
            let text: String = (0..6).map(|place| PIECES[number / 3usize.pow(place) % 3]).collect();
            let blanks = ["\n\n", "\r\n\r\n"];
            let first = blanks.iter().filter_map(|blank| text.find(blank)).min().unwrap_or(text.len());
            let last = blanks.iter().filter_map(|blank| Some(text.rfind(blank)? + blank.len())).max().unwrap_or(0);
            assert_eq!(paragraph_end(text.as_bytes(), 0, text.len()), first, "{text:?}");
            assert_eq!(paragraph_start(text.as_bytes(), 0, text.len()), last, "{text:?}");
        }
    }

    #[test]
    fn words_of_ascii_are_folded_as_those_of_any_text() {
        const BYTES: &[u8] = b"aB1 -ZabCz9";
        let mut state = 7u64;
        for _ in 0..2000 {
            let next = |state: &mut u64| {
                *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                BYTES[(*state >> 33) as usize % BYTES.len()]
            };
            let ascii: Vec<u8> = (0..12).map(|_| next(&mut state)).collect();
            let (mut fast, mut general) = (Folded::default(), Folded::default());
            fast.fold_ascii_words(&ascii);
            general.fold_any_words(&ascii);
            assert_eq!((fast.words, fast.glued), (general.words, general.glued), "{}", ascii.escape_ascii());
        }
    }

    #[test]
    fn a_word_cut_by_the_window_does_not_count() {
        assert!(!finds("pesel", &format!("xpesel{}#", " ".repeat(35))));
        assert!(finds("pesel", &format!(" pesel{}#", " ".repeat(35))));
    }
}
