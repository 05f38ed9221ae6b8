//! Which words may stand around a value, without folding the text around it.
//!
//! A number that passes a check by chance stands among words that name nothing, and folding these would be most of the
//! work of judging it. So the beginnings of the words of each part of 64 bytes are noted once, whoever asks, and a window
//! is folded only when a phrase begins like a word of the parts that it touches.

use super::candidates::Tokens;
use super::context::{AsciiClass, Beginning, Phrases};
use super::simd::Masks;
use std::ops::Range;

/// Bytes of a part: a word of the masks.
const PART_BYTES: usize = 64;

/// Marks behind a letter that stands alone, up to which its next word is looked for.
const MARKS_MAX: usize = 64;

/// What is known of the parts of the text that the masks are of.
#[derive(Debug, Default)]
pub(super) struct Glances {
    /// Of each part that was looked at, the place of its words.
    parts: Vec<Option<(u32, u32)>>,
    /// The beginnings of words, part by part.
    words: Vec<Beginning>,
}

impl Glances {
    /// Other masks follow.
    pub(super) fn forget(&mut self) {
        self.parts.clear();
        self.words.clear();
    }

    /// Whether a phrase may begin in a range of the text. Of what the masks are not of, nothing is known.
    pub(super) fn may_hold(
        &mut self,
        (masks, tokens): (&Masks, &Tokens),
        text: &[u8],
        range: Range<usize>,
        phrases: &Phrases,
    ) -> bool {
        if range.start < tokens.start || range.end > tokens.end {
            return true;
        }
        self.parts.resize(masks.alnum.len(), None);
        let parts = (range.start - tokens.start) / PART_BYTES..(range.end - tokens.start).div_ceil(PART_BYTES);
        parts
            .into_iter()
            .any(|part| self.words_of(masks, part, &text[tokens.start..]).iter().any(|word| phrases.may_begin(*word)))
    }

    fn words_of(&mut self, masks: &Masks, part: usize, text: &[u8]) -> &[Beginning] {
        let words = &mut self.words;
        let (start, end) = *self.parts[part].get_or_insert_with(|| {
            let start = words.len() as u32;
            note_part(masks, part, text, words);
            (start, words.len() as u32)
        });
        &self.words[start as usize..end as usize]
    }
}

/// Notes the beginnings of the words that folding finds to start in a part: no less, and little more.
fn note_part(masks: &Masks, part: usize, text: &[u8], found: &mut Vec<Beginning>) {
    let at = part * PART_BYTES;
    let bytes = &text[at..text.len().min(at + PART_BYTES + Beginning::BYTES)];
    if !bytes.is_ascii() {
        return found.push(Beginning::ANY);
    }
    let letters = |part: usize| masks.alnum[part] & !masks.digit[part];
    let before = part.checked_sub(1).map_or(0, |before| letters(before) >> 63);
    let mut runs = letters(part);
    let mut is_inside = before == 1;
    while runs != 0 {
        let start = runs.trailing_zeros() as usize;
        let len = (runs >> start).trailing_ones() as usize;
        let mut previous = if is_inside && start == 0 { AsciiClass::of(text[at - 1]) } else { AsciiClass::Mark };
        for offset in start..start + len {
            let class = AsciiClass::of(bytes[offset]);
            if previous == AsciiClass::Mark || class.starts_part_behind(previous) {
                note(&text[at + offset..], found);
            }
            previous = class;
        }
        is_inside = false;
        runs = if start + len == PART_BYTES { 0 } else { runs & (u64::MAX << (start + len)) };
    }
}

/// Notes the beginning of a word as it is and, because such words are known in both forms, without its parts.
fn note(text: &[u8], found: &mut Vec<Beginning>) {
    let mut parted = Folding::default();
    let mut whole = Folding::default();
    let mut previous = AsciiClass::Mark;
    for byte in text.iter().take(MARKS_MAX + Beginning::BYTES) {
        let class = AsciiClass::of(*byte);
        if class == AsciiClass::Mark {
            parted.end_word();
            whole.end_word();
        } else {
            if previous != AsciiClass::Mark && class.starts_part_behind(previous) {
                parted.end_word();
            }
            parted.push(byte.to_ascii_lowercase());
            whole.push(byte.to_ascii_lowercase());
        }
        previous = class;
        if parted.is_full() && whole.is_full() {
            break;
        }
    }
    found.push(parted.beginning());
    if whole.bytes != parted.bytes {
        found.push(whole.beginning());
    }
}

/// The first bytes of words.
#[derive(Default)]
struct Folding {
    bytes: [u8; Beginning::BYTES],
    len: usize,
}

impl Folding {
    fn is_full(&self) -> bool {
        self.len == self.bytes.len()
    }

    fn push(&mut self, byte: u8) {
        if !self.is_full() {
            self.bytes[self.len] = byte;
            self.len += 1;
        }
    }

    fn end_word(&mut self) {
        if self.len > 0 && self.bytes[self.len - 1] != b' ' {
            self.push(b' ');
        }
    }

    fn beginning(&self) -> Beginning {
        if self.is_full() { Beginning::of(&self.bytes) } else { Beginning::ANY }
    }
}

#[cfg(test)]
mod tests {
    use super::super::context::{Folded, first_found};
    use super::super::simd::{Isa, WindowTable, classify};
    use super::*;
    use dlp_detector_format::Context;
    use proptest::prelude::*;

    /// Whether a phrase may stand and does stand around the mark.
    fn may_and_does(phrase: &str, text: &str, width: u16) -> (bool, bool) {
        let at = text.find('#').expect("mark");
        let strong = vec![phrase.to_owned()];
        let context = Context { before_bytes: width, after_bytes: width, strong, ..Context::default() };
        let phrases = Phrases::new(&context);
        let mut masks = Masks::default();
        classify(Isa::detect(), &WindowTable::new(1), text.as_bytes(), 0..text.len(), &mut masks);
        let tokens = Tokens { start: 0, end: text.len() };
        let window = at.saturating_sub(usize::from(width))..text.len().min(at + 1 + usize::from(width));
        let may = Glances::default().may_hold((&masks, &tokens), text.as_bytes(), window, &phrases);
        let mut folded = Folded::default();
        folded.fill(text.as_bytes(), at..at + 1, &context);
        (may, first_found(&phrases.strong, &folded).is_some())
    }

    #[test]
    fn most_phrases_are_ruled_out_at_a_glance() {
        let long = format!("GET {}/1 customerPesel: #", "x".repeat(130));
        let rows = [
            ("pesel", "Numer PESEL: #", true),
            ("pesel", "customerPesel=#", true),
            ("pesel", &long, true),
            ("pesel", "GET /orders/1 HTTP/1.1 #", false),
            ("pesel", "nr2pesel3 #", true),
            ("nr konta", "nr-konta #", true),
            ("a b", "a - b #", true),
            ("a b", "aB#", true),
            ("ab", "aB#", true),
            ("cvv", "orders 12345 #", false),
            ("cvv", "\u{105} orders 12345 #", true),
        ];
        for (phrase, text, expected) in rows {
            assert_eq!(may_and_does(phrase, text, 60).0, expected, "{phrase} {text}");
        }
    }

    proptest! {
        #[test]
        fn a_glance_misses_no_phrase(
            before in "[abAB1\u{e9} _.\n-]{0,90}",
            behind in "[abAB1 _.\n-]{0,90}",
            phrase in "[ab1]{1,4}( [ab]{1,3})?\\*?",
            width in 0..80u16,
        ) {
            let (may, does) = may_and_does(&phrase, &format!("{before}#{behind}"), width);
            prop_assert!(may || !does);
        }
    }
}
