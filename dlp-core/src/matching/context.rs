//! Supporting words near a match: what a window is, and what its words are.
//!
//! The bytes around a match are folded to lower-case words without diacritics, joined by single spaces; words glued by
//! case change (`customerSSN`, `VATNumber`), or to a script without spaces, are split, and kept whole as well. A phrase
//! stands in a window when it stands there as whole words. What stands for a redacted value names that value alone, so
//! its bytes are cut out of a window. Folding is the specification, and what is done where letters are not plain ASCII;
//! `spotted` finds the same phrases in ASCII text without it.

use super::boundary::{LOOK_BYTES, has_no_word_spaces};
use super::stand_in::{self, StandIn};
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

    /// The windows before and behind a value. Both stop at a blank line and at words that they would cut; the first one
    /// behind an instruction like `<?xml version="1.0"?>`, whose words are about the text and not about a value.
    pub(super) fn windows(self, text: &[u8], span: &Range<usize>) -> Windows {
        let Range { start, end } = self.around(text, span);
        let start = paragraph_start(text, whole_word_start(text, start, span.start), span.start);
        let start = instruction_end(text, start, span.start);
        let end = paragraph_end(text, span.end, whole_word_end(text, span.end, end));
        let sides = [start..span.start, span.end..end];
        Windows { stand_ins: stand_ins(text, &sides), sides }
    }

    /// The same where all that begins in the windows, and in the bytes before them that are looked at, is [open](is_open).
    pub(super) fn open_windows(self, text: &[u8], span: &Range<usize>) -> Windows {
        let Range { start, end } = self.around(text, span);
        let sides =
            [whole_word_start(text, start, span.start)..span.start, span.end..whole_word_end(text, span.end, end)];
        Windows { stand_ins: Vec::new(), sides }
    }
}

/// Whether no pair of bytes begins a blank line, an instruction or what stands for a value.
pub(super) fn is_open(bytes: &[u8]) -> bool {
    let breaks = |pair: (&u8, &u8)| {
        let (byte, next) = pair;
        (*byte == b'\n') & ((*next == b'\n') | (*next == b'\r'))
            | (*byte == b'<') & (*next == b'?')
            | (*byte == b'{') & (*next == b'{')
    };
    // All are looked at, since as many at once as a vector holds are sooner seen than the first one of them.
    !bytes.iter().zip(&bytes[bytes.len().min(1)..]).fold(false, |any, pair| any | breaks(pair))
}

/// The windows before and behind a value, and what in them stands for values that were redacted.
#[derive(Debug)]
pub(super) struct Windows {
    sides: [Range<usize>; 2],
    /// In ascending order, none of them in two windows.
    stand_ins: Vec<Range<usize>>,
}

impl Windows {
    /// Whether a phrase stands in a window, and not in what stands for a value.
    pub(super) fn hold(&self, phrase: &Range<usize>) -> bool {
        let is_apart = |other: &Range<usize>| other.end <= phrase.start || phrase.end <= other.start;
        self.sides.iter().any(|side| side.start <= phrase.start && phrase.end <= side.end)
            && self.stand_ins.iter().all(is_apart)
    }

    /// The windows without what stands for values.
    pub(super) fn pieces(&self) -> impl Iterator<Item = Range<usize>> {
        self.sides.iter().flat_map(|side| {
            let cut = self.stand_ins.iter().filter(|cut| side.start < cut.end && cut.start < side.end);
            let starts = std::iter::once(side.start).chain(cut.clone().map(|cut| cut.end.min(side.end)));
            let ends = cut.map(|cut| cut.start.max(side.start)).chain(std::iter::once(side.end));
            starts.zip(ends).map(|(start, end)| start..end)
        })
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

    /// The words of some pieces of text, and behind them those that were split, whole.
    pub(super) fn fill<'t>(&mut self, pieces: impl Iterator<Item = &'t [u8]>) -> &[u8] {
        self.words.clear();
        self.glued.clear();
        pieces.for_each(|piece| self.fold_words(piece));
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
        self.words.reserve(2 * text.len() + 2);
        self.words.push(b' ');
        let (mut word_start, mut is_split) = (self.words.len(), false);
        let (mut previous, mut at) = (' ', 0);
        while at < text.len() {
            let (c, len) = char_at(text, at);
            at += len;
            if is_letter_or_digit(c) {
                if self.words.len() > word_start && starts_any_part(previous, c, &text[at..]) {
                    self.words.push(b' ');
                    is_split = true;
                }
                push_folded(c, &mut self.words);
            } else {
                self.end_word(&mut word_start, &mut is_split);
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

/// Whether a new part of a word starts with a letter or digit behind another one, and before `behind`.
pub(super) fn starts_any_part(previous: char, c: char, behind: &[u8]) -> bool {
    if previous.is_ascii() && c.is_ascii() {
        return match [previous, c].map(|c| AsciiClass::of(c as u8)) {
            [AsciiClass::Upper, AsciiClass::Upper] => is_lower_behind(behind),
            [AsciiClass::Upper, AsciiClass::Lower] => false,
            [previous, class] => class != previous,
        };
    }
    (previous.is_lowercase() && c.is_uppercase())
        || (previous.is_uppercase() && c.is_uppercase() && is_lower_behind(behind))
        || (previous.is_alphabetic() && c.is_numeric())
        || (previous.is_numeric() && c.is_alphabetic())
        || has_no_word_spaces(previous) != has_no_word_spaces(c)
}

/// Whether as many letters in lower case begin a text as tell a capitalised word.
fn is_lower_behind(text: &[u8]) -> bool {
    let mut at = 0;
    (0..CAPITALISED_LETTERS).all(|_| {
        let next = (at < text.len()).then(|| char_at(text, at));
        at += next.map_or(0, |(_, len)| len);
        next.is_some_and(|(c, _)| c.is_lowercase())
    })
}

/// The character at a place of a text and its length in bytes; a space for a byte that is none.
pub(super) fn char_at(text: &[u8], at: usize) -> (char, usize) {
    let len = match text[at] {
        byte @ 0..=0x7f => return (char::from(byte), 1),
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => 1,
    };
    let bytes = text.get(at..at + len).and_then(|bytes| str::from_utf8(bytes).ok());
    bytes.and_then(|bytes| bytes.chars().next()).map_or((' ', 1), |c| (c, len))
}

pub(super) fn is_letter_or_digit(c: char) -> bool {
    match c {
        // As most are, without a look at tables.
        '\0'..='\x7f' => c.is_ascii_alphanumeric(),
        '×' | '÷' => false,
        'À'..='ɏ' | 'Ѐ'..='ҁ' => true,
        _ => c.is_alphanumeric(),
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

/// What in the windows stands for values that were redacted. One may begin before the first window or end behind the
/// second one; one that the value cuts is none.
fn stand_ins(text: &[u8], [before, behind]: &[Range<usize>; 2]) -> Vec<Range<usize>> {
    let mut found = stand_ins_in(text, before.start.saturating_sub(LOOK_BYTES)..before.end, before.end);
    found.retain(|cut| before.start < cut.end);
    let seen = text.len().min(behind.end + LOOK_BYTES);
    found.extend(stand_ins_in(text, behind.clone(), seen));
    found
}

/// Those that begin in a range, in a text that is seen up to a place.
fn stand_ins_in(text: &[u8], range: Range<usize>, seen: usize) -> Vec<Range<usize>> {
    let openings = memchr::memchr_iter(b'{', &text[range.clone()]).map(|at| range.start + at);
    let may_go_on = range.end < seen && seen < text.len();
    let found = openings.filter_map(|at| match stand_in::read(&text[at..seen])? {
        StandIn::Whole(len) => Some(at..at + len),
        StandIn::Cut => may_go_on.then_some(at..seen),
    });
    found.collect()
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
        let words = folded.fill(windows.pieces().map(|piece| &text.as_bytes()[piece]));
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

    /// A text that is long enough for what redaction writes.
    fn finds_far(phrase: &str, text: &str) -> bool {
        let text = text.replace("bcdf", "bcdf~ghjk~lmnp~qrst~bcdf");
        let text = text.as_str();
        let at = text.find('#').expect("mark");
        let spans = |widths: Widths| widths.windows(text.as_bytes(), &(at..at + 1));
        let windows = spans(Widths { before: 90, after: 60 });
        let start = text.to_lowercase().rfind(phrase).expect("the phrase");
        let is_held = windows.hold(&(start..start + phrase.len()));
        let is_in_piece = windows.pieces().any(|piece| text[piece].to_lowercase().contains(phrase));
        assert_eq!(is_held, is_in_piece, "`{phrase}` in `{text}`");
        is_held
    }

    #[test]
    fn what_stands_for_a_redacted_value_names_nothing_and_hides_nothing() {
        let rows = [
            ("pesel", "{{dlp:pii.pl.pesel:bcdf}} #", false),
            ("pesel", "{{dlpn:pii.pl.pesel:bcdf}} #", false),
            ("pesel", "PESEL {{dlp:pii.pl.nip:bcdf}}, #", true),
            ("pesel", "{{dlp:pii.pl.nip:bcdf}} PESEL #", true),
            ("pesel", "{{dlp:pii.pl.nip:bcdf}} PESEL {{dlp:pii.pl.nip:bcdf}} #", true),
            ("mail", "# {{dlp-hash:label.mail.s:bcdf}}", false),
            ("mail", "# mail {{dlp-hash:label.xy.s:bcdf}}", true),
            ("mail", "# {{dlp-hash:label.xy.s:bcdf}} mail", true),
            // Cut by the end of the window.
            ("mail", "#                                            {{dlp:label.mail.s:bcdf~ghjk~bcdf}}", false),
            // What redaction does not write.
            ("pesel", "PESEL {{dlp #", true),
            ("pesel", "PESEL {{dlp}} #", true),
            ("pesel", "{{dlp PESEL #", true),
            ("pesel", "{{dlp:pesel:#", true),
            ("pesel", "{{dlp:a.pesel:ghjk}} #", true),
            ("pesel", "# {{dlp:a.pesel", true),
            ("pesel", "# {{dlp pesel}}", true),
        ];
        for (phrase, text, expected) in rows {
            assert_eq!(finds_far(phrase, text), expected, "`{phrase}` in `{text}`");
        }
    }

    #[test]
    fn what_begins_before_the_window_stands_for_a_value_too() {
        let text = b"{{dlp:pii.pl.pesel:bcdf~ghjk~lmnp~qrst~bcdf}} x #";
        for before in 10..text.len() as u16 {
            let windows = Widths { before, after: 0 }.windows(text, &(text.len() - 1..text.len()));
            let pieces: Vec<_> = windows.pieces().map(|piece| text[piece].trim_ascii()).collect();
            assert!(pieces.concat().is_empty() || pieces.concat() == b"x", "{before}");
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
    fn windows_of_open_text_are_those_of_any() {
        let pieces = ["\n", "\r\n", " pesel ", "x", "<?xml?>", "<?", "{", "{{dlp:a.b:bcdf~ghjk~lmnp~qrst~bcdf}}"];
        let mut open = 0;
        for number in 0..pieces.len().pow(4) {
            let text: String = (0..4).map(|place| pieces[number / pieces.len().pow(place) % pieces.len()]).collect();
            if !is_open(text.as_bytes()) {
                continue;
            }
            open += 1;
            let span = text.len() / 2..text.len() / 2 + 1;
            for width in [0, 3, 60] {
                let widths = Widths { before: width, after: width };
                let [one, other] = [Widths::windows, Widths::open_windows].map(|of| of(widths, text.as_bytes(), &span));
                assert_eq!((one.sides, one.stand_ins), (other.sides, other.stand_ins), "{text:?} {width}");
            }
        }
        assert!(open > 100 && is_open(b"") && is_open(b"{ <"), "{open}");
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

    /// Folding by whole characters, each with those behind it.
    fn fold_slowly(folded: &mut Folded, text: &[u8]) {
        folded.words.push(b' ');
        let mut word_start = folded.words.len();
        let mut is_split = false;
        let mut previous = ' ';
        let mut chars = text
            .utf8_chunks()
            .flat_map(|chunk| chunk.valid().chars().chain((!chunk.invalid().is_empty()).then_some(' ')));
        let mut ahead: [Option<char>; 1 + CAPITALISED_LETTERS] = std::array::from_fn(|_| chars.next());
        while let [Some(c), behind @ ..] = ahead {
            if !c.is_alphanumeric() {
                folded.end_word(&mut word_start, &mut is_split);
            } else {
                let is_capitalised = c.is_uppercase() && behind.iter().all(|c| c.is_some_and(char::is_lowercase));
                let starts_part = (previous.is_lowercase() && c.is_uppercase())
                    || (previous.is_uppercase() && is_capitalised)
                    || (previous.is_alphabetic() && c.is_numeric())
                    || (previous.is_numeric() && c.is_alphabetic())
                    || has_no_word_spaces(previous) != has_no_word_spaces(c);
                if starts_part && folded.words.len() > word_start {
                    folded.words.push(b' ');
                    is_split = true;
                }
                push_folded(c, &mut folded.words);
            }
            previous = c;
            ahead.rotate_left(1);
            ahead[CAPITALISED_LETTERS] = chars.next();
        }
        folded.end_word(&mut word_start, &mut is_split);
    }

    #[test]
    fn words_of_any_text_are_those_of_its_characters() {
        let pieces = [
            "a", "B", "Zz", "1", " ", "-", "ł", "Ż", "é", "ÉA", "ß", "ÿ", "×", "÷", "ɏ", "ə", "п", "ПА", "ҁ", "是",
            "ไ", "٣", "²", "\u{301}", "\u{200b}", "𝔸", "K",
        ];
        let mut random = 7u64;
        let mut next = |below: usize| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (random >> 33) as usize % below
        };
        for _ in 0..3000 {
            let mut text: Vec<u8> = (0..8).flat_map(|_| pieces[next(pieces.len())].bytes()).collect();
            if next(3) == 0 {
                let at = next(text.len());
                text[at] = [0x80, 0xc3, 0xe2, 0xff, 0xf0][next(5)];
            }
            let (mut fast, mut slow) = (Folded::default(), Folded::default());
            fast.fold_any_words(&text);
            fold_slowly(&mut slow, &text);
            assert_eq!((fast.words, fast.glued), (slow.words, slow.glued), "{}", text.escape_ascii());
        }
        for c in (0..0x3000).filter_map(char::from_u32) {
            assert_eq!(is_letter_or_digit(c), c.is_alphanumeric(), "{c:?}");
        }
    }

    #[test]
    fn a_word_cut_by_the_window_does_not_count() {
        assert!(!finds("pesel", &format!("xpesel{}#", " ".repeat(35))));
        assert!(finds("pesel", &format!(" pesel{}#", " ".repeat(35))));
    }
}
