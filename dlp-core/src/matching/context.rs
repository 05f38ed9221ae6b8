//! Supporting words near a match.
//!
//! The bytes around a match are folded to lower-case words without diacritics, joined by single spaces; words glued by
//! case change (`customerSSN`), or to a script without spaces, are split, and kept whole as well. A phrase stands in a
//! window when it stands there as whole words.

use super::boundary::{LOOK_BYTES, has_no_word_spaces};
use crate::text::push_folded;
use dlp_detector_format::Context;
use memchr::memmem::Finder;
use std::ops::Range;
use std::sync::OnceLock;

/// Letters that `*` at the end of a phrase accepts, for inflected languages.
const INFLECTION_LETTERS_MAX: usize = 4;

/// A folded phrase, with a space in front, and one behind unless it is open.
#[derive(Debug)]
pub(super) struct Phrase {
    folded: Box<[u8]>,
    /// Made when it is first used: most phrases never are.
    finder: OnceLock<Box<Finder<'static>>>,
    is_open: bool,
    /// Of the first word.
    beginning: Beginning,
}

impl Phrase {
    pub(super) fn new(source: &str) -> Self {
        let is_open = source.ends_with('*');
        let mut folded = Folded::default();
        folded.fold_words(source.trim_end_matches('*').as_bytes());
        let mut bytes = folded.words;
        if is_open {
            bytes.pop();
        }
        // Words are known by the runs of letters that they begin with.
        let words = bytes.get(1..).filter(|words| !words.first().is_some_and(u8::is_ascii_digit));
        let beginning = words.map_or(Beginning::ANY, Beginning::of);
        Self { folded: bytes.into(), finder: OnceLock::new(), is_open, beginning }
    }

    fn stands_in(&self, folded: &Folded) -> bool {
        if !folded.beginnings.may_hold(self.beginning) {
            return false;
        }
        let words = folded.words.as_slice();
        let finder = self.finder.get_or_init(|| Box::new(Finder::new(&self.folded).into_owned()));
        if !self.is_open {
            return finder.find(words).is_some();
        }
        finder.find_iter(words).any(|at| {
            let rest = &words[at + self.folded.len()..];
            rest.iter().position(|b| *b == b' ').is_some_and(|letters| letters <= INFLECTION_LETTERS_MAX)
        })
    }
}

/// The first bytes of a word and what follows a short one, as a hash; `None` where they are not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Beginning(Option<u16>);

impl Beginning {
    /// Bytes that count.
    pub(super) const BYTES: usize = 3;

    /// What nothing is known of.
    pub(super) const ANY: Self = Self(None);

    /// Of folded words from the start of one.
    pub(super) fn of(words: &[u8]) -> Self {
        let first: Option<&[u8; Self::BYTES]> = words.first_chunk();
        Self(first.map(|[a, b, c]| {
            let word = u32::from_le_bytes([*a, *b, *c, 0]);
            (word.wrapping_mul(0x9e37_79b1) >> 16) as u16
        }))
    }
}

/// The beginnings of the words of a window: most phrases are ruled out by them.
#[derive(Clone, Copy, Debug, Default)]
struct Beginnings([u64; 4]);

impl Beginnings {
    fn insert(&mut self, beginning: Beginning) {
        match beginning.0 {
            Some(hash) => self.0[usize::from(hash >> 14)] |= 1 << (hash >> 8 & 63),
            None => self.0 = [u64::MAX; 4],
        }
    }

    fn may_hold(&self, beginning: Beginning) -> bool {
        beginning.0.is_none_or(|hash| self.0[usize::from(hash >> 14)] >> (hash >> 8 & 63) & 1 == 1)
    }
}

/// The phrases of one detector.
#[derive(Debug)]
pub(super) struct Phrases {
    pub(super) strong: Vec<Phrase>,
    pub(super) weak: Vec<Phrase>,
    pub(super) negative: Vec<Phrase>,
    /// Of all of them, the distinct ones in order.
    beginnings: Vec<Beginning>,
    /// The same, to rule most others out.
    any_beginning: Beginnings,
}

impl Phrases {
    pub(super) fn new(context: &Context) -> Self {
        let all = |words: &[String]| words.iter().map(|word| Phrase::new(word)).collect::<Vec<_>>();
        let [strong, weak, negative] = [&context.strong, &context.weak, &context.negative].map(|words| all(words));
        let phrases = [&strong, &weak, &negative].into_iter().flatten();
        let mut beginnings: Vec<Beginning> = phrases.map(|phrase: &Phrase| phrase.beginning).collect();
        beginnings.sort_unstable();
        beginnings.dedup();
        let mut any_beginning = Beginnings::default();
        beginnings.iter().for_each(|beginning| any_beginning.insert(*beginning));
        Self { strong, weak, negative, beginnings, any_beginning }
    }

    /// Whether a phrase may begin with a word that begins so.
    pub(super) fn may_begin(&self, word: Beginning) -> bool {
        let knows = |beginning| self.beginnings.binary_search(&beginning).is_ok();
        self.any_beginning.may_hold(word) && (word == Beginning::ANY || knows(Beginning::ANY) || knows(word))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.strong.is_empty() && self.weak.is_empty() && self.negative.is_empty()
    }
}

/// Index of the first phrase that stands in the folded words.
pub(super) fn first_found(phrases: &[Phrase], words: &Folded) -> Option<usize> {
    phrases.iter().position(|phrase| phrase.stands_in(words))
}

/// Folded words of a window, reused from match to match. Many detectors look around the same value.
#[derive(Debug, Default)]
pub(super) struct Folded {
    words: Vec<u8>,
    glued: Vec<u8>,
    beginnings: Beginnings,
    /// The value and the widths of the window that the words are those of.
    filled_for: Option<(Range<usize>, u16, u16)>,
}

impl Folded {
    /// Another text follows, in which the same places mean something else.
    pub(super) fn forget(&mut self) {
        self.filled_for = None;
    }

    /// Folds the windows before and after a match. Both stop at a blank line, and at words that the window cuts.
    pub(super) fn fill(&mut self, text: &[u8], span: Range<usize>, context: &Context) {
        let filled_for = Some((span.clone(), context.before_bytes, context.after_bytes));
        if self.filled_for == filled_for {
            return;
        }
        self.filled_for = filled_for;
        self.words.clear();
        self.glued.clear();
        let start = span.start.saturating_sub(usize::from(context.before_bytes));
        let end = text.len().min(span.end + usize::from(context.after_bytes));
        self.fold_words(
            &text[paragraph_start(text, whole_word_start(text, start, span.start), span.start)..span.start],
        );
        self.fold_words(&text[span.end..paragraph_end(text, span.end, whole_word_end(text, span.end, end))]);
        let glued = std::mem::take(&mut self.glued);
        self.words.extend_from_slice(&glued);
        self.glued = glued;
        self.beginnings = Beginnings::default();
        let mut previous = b' ';
        for (at, byte) in self.words.iter().enumerate() {
            if previous == b' ' && *byte != b' ' {
                self.beginnings.insert(Beginning::of(&self.words[at..]));
            }
            previous = *byte;
        }
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
        for c in text
            .utf8_chunks()
            .flat_map(|chunk| chunk.valid().chars().chain((!chunk.invalid().is_empty()).then_some(' ')))
        {
            if !c.is_alphanumeric() {
                self.end_word(&mut word_start, &mut is_split);
            } else {
                let starts_part = (previous.is_lowercase() && c.is_uppercase())
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
        }
        self.end_word(&mut word_start, &mut is_split);
    }

    /// The same for ASCII, as most text is.
    fn fold_ascii_words(&mut self, text: &[u8]) {
        self.words.reserve(2 * text.len() + 2);
        self.words.push(b' ');
        let (mut word_start, mut is_split) = (self.words.len(), false);
        let mut previous = AsciiClass::Mark;
        for byte in text {
            let class = AsciiClass::of(*byte);
            if class == AsciiClass::Mark {
                if previous != AsciiClass::Mark {
                    self.end_word(&mut word_start, &mut is_split);
                }
            } else {
                if previous != AsciiClass::Mark && class.starts_part_behind(previous) {
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

    /// Whether a new part of a word starts with it behind another letter or digit.
    pub(super) fn starts_part_behind(self, previous: Self) -> bool {
        self != previous && (previous, self) != (Self::Upper, Self::Lower)
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
    use super::*;

    fn finds(phrase: &str, text: &str) -> bool {
        let at = text.find('#').expect("mark");
        let mut folded = Folded::default();
        let context = Context { before_bytes: 40, after_bytes: 20, ..Context::default() };
        folded.fill(text.as_bytes(), at..at + 1, &context);
        Phrase::new(phrase).stands_in(&folded)
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
            ("ssn", "# is my SSN", true),
            ("dowod*", "dowodem #", true),
            ("dowod*", "dowodzeniem #", false),
            ("pesel", "pesel\n\nother #", false),
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
        const BYTES: &[u8] = b"aB1 -_Zz9.";
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
