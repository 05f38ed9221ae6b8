//! Where a text may have something in it that is written in another way: one pass over it for all decoders.
//!
//! Most texts have nothing of the kind, so what each decoder looks for first is asked of 64 bytes at a time; the
//! decoders themselves only ever look at the places that are left.

use super::stretch::{Mark, Masks, Stretch};
use super::transfer::hex_pair;
use std::ops::Range;

/// Codes of quoted-printable that are surely such, below which `=` is what it looks like.
const QUOTED_MIN: u32 = 2;
/// Such codes from which, where they are a part of all codes, all of a text is written so.
const QUOTED_MANY: u32 = 4;
/// One in so many of all codes.
const QUOTED_SHARE: u32 = 4;
/// Words of a mask, on either side, in which one of them makes others what they look like: 256 bytes.
const QUOTED_NEAR_WORDS: usize = 4;
/// Digits of a number before `=` that are looked at.
const NUMBER_BYTES_MAX: usize = 16;

/// Places of a text, as masks; what each of them marks stands at the method of the same name.
#[derive(Default)]
pub(in crate::content) struct Places {
    stretch: Box<Stretch>,
    /// What stands beside what. `=` of quoted-printable, with codes and at the ends of lines, are escapes where there are
    /// enough codes.
    masks: Masks,
    /// The codes of quoted-printable that are surely such: `page=17` is none.
    surely_quoted: Vec<u64>,
    /// Letters of scripts with letters that are drawn like Latin ones, which are escapes where they stand among these.
    alike: Vec<u64>,
    has_quoted: bool,
}

impl Places {
    /// Places of a text.
    pub(in crate::content) fn of(text: &[u8]) -> Self {
        let mut places = Self::default();
        places.read(text);
        places
    }

    /// Finds those of a text; those of the text before are forgotten.
    pub(in crate::content) fn read(&mut self, text: &[u8]) {
        self.stretch.read(text, &mut self.masks);
        let has_any = |mark: Mark| self.masks.of(mark).iter().any(|word| *word != 0);
        let (has_quoted, has_wide) = (has_any(Mark::Quoted), has_any(Mark::Wide));
        self.has_quoted = false;
        if has_wide {
            self.add_wide(text);
        }
        if has_quoted {
            self.add_quoted(text);
        }
    }

    /// Adds characters of the text beyond ASCII that may be drawn like others, or like nothing. Where no letter stands among
    /// Latin ones, the script is what it looks like.
    fn add_wide(&mut self, text: &[u8]) {
        let [wide, escapes] = self.masks.two_of([Mark::Wide, Mark::Escapes]);
        self.alike.clear();
        self.alike.resize(wide.len(), 0);
        let mut is_mixed = false;
        for (index, wide) in wide.iter().enumerate().filter(|(_, wide)| **wide != 0) {
            let found = wide_escapes(text, (index, *wide));
            escapes[index] |= found.escapes;
            self.alike[index] = found.alike;
            is_mixed |= found.is_mixed;
        }
        if is_mixed {
            let escapes = self.masks.of_mut(Mark::Escapes).iter_mut();
            escapes.zip(&self.alike).for_each(|(escapes, alike)| *escapes |= alike);
        }
    }

    /// Adds codes of quoted-printable, which count only because of the whole text.
    fn add_quoted(&mut self, text: &[u8]) {
        let sure = |(index, codes): (usize, &u64)| {
            let sure = places_of(index, *codes).filter(|at| is_surely_quoted(text, *at));
            sure.fold(0, |sure, at| sure | 1 << (at % 64))
        };
        self.surely_quoted.clear();
        self.surely_quoted.extend(self.masks.of(Mark::Quoted).iter().enumerate().map(sure));
        let surely_quoted = &self.surely_quoted;
        let count = |codes: &[u64]| codes.iter().map(|codes| codes.count_ones()).sum::<u32>();
        let (sure, all) = (count(surely_quoted), count(self.masks.of(Mark::Quoted)));
        self.has_quoted = sure >= QUOTED_MIN;
        if !self.has_quoted {
            return;
        }
        let is_everywhere = sure >= QUOTED_MANY && sure.saturating_mul(QUOTED_SHARE) >= all;
        let is_near = |index: usize| {
            let near = index.saturating_sub(QUOTED_NEAR_WORDS)..surely_quoted.len().min(index + QUOTED_NEAR_WORDS + 1);
            surely_quoted[near].iter().any(|codes| *codes != 0)
        };
        for mark in [Mark::Quoted, Mark::QuotedEnds] {
            let [codes, escapes] = self.masks.two_of([mark, Mark::Escapes]);
            for (index, (codes, escapes)) in
                codes.iter().zip(escapes).enumerate().filter(|(_, (codes, _))| **codes != 0)
            {
                if is_everywhere || is_near(index) {
                    *escapes |= codes;
                }
            }
        }
    }

    /// Digits of base64.
    pub(super) fn digits(&self) -> Marked<'_> {
        Marked(self.masks.of(Mark::Digits))
    }

    /// Digits of base64 and `=`: what words, numbers and keys are made of.
    pub(super) fn words(&self) -> Marked<'_> {
        Marked(self.masks.of(Mark::Words))
    }

    /// Digits and capitals, which words of a language have few of.
    pub(super) fn strong(&self) -> Marked<'_> {
        Marked(self.masks.of(Mark::Strong))
    }

    /// Digits behind which something else stands, and near it another digit.
    pub(super) fn apart(&self) -> Marked<'_> {
        Marked(self.masks.of(Mark::Apart))
    }

    /// First digits of runs of base64 that are long enough for a value.
    pub(super) fn runs(&self) -> Marked<'_> {
        Marked(self.masks.of(Mark::Runs))
    }

    /// Quotes that may end a string which another one goes on with.
    pub(super) fn borders(&self) -> Marked<'_> {
        Marked(self.masks.of(Mark::Borders))
    }

    /// Line feeds.
    pub(super) fn feeds(&self) -> Marked<'_> {
        Marked(self.masks.of(Mark::Feeds))
    }

    /// Line feeds that may stand inside a value, which has a digit.
    pub(super) fn breaks(&self) -> Marked<'_> {
        Marked(self.masks.of(Mark::Breaks))
    }

    /// First bytes of characters that may be written in another way.
    pub(super) fn escapes(&self) -> Marked<'_> {
        Marked(self.masks.of(Mark::Escapes))
    }

    /// Whether `=` may begin codes of quoted-printable.
    pub(super) fn has_quoted(&self) -> bool {
        self.has_quoted
    }
}

/// What characters beyond ASCII are in a word.
struct Wide {
    escapes: u64,
    alike: u64,
    /// Whether a letter of a script with letters that are drawn like Latin ones stands beside such a letter.
    is_mixed: bool,
}

fn wide_escapes(text: &[u8], (index, wide): (usize, u64)) -> Wide {
    let (mut is_mixed, mut escapes, mut alike) = (false, 0, 0);
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let is_word = |at: Option<usize>| at.and_then(|at| text.get(at)).is_some_and(is_part);
    for at in places_of(index, wide) {
        match text[at] {
            0xC2 | 0xCC | 0xCD | 0xD9 | 0xDB | 0xE0 | 0xE2 | 0xEF | 0xF0 => escapes |= 1 << (at % 64),
            // Whole scripts begin with these bytes, and only one character of each stands for another.
            0xE1 if text[at..].starts_with(b"\xE1\xA0\x8E") => escapes |= 1 << (at % 64),
            0xE3 if text[at..].starts_with(b"\xE3\x80\x80") => escapes |= 1 << (at % 64),
            0xC9 | 0xCE..=0xD4 => {
                alike |= 1 << (at % 64);
                is_mixed |= is_word(at.checked_sub(1)) || is_word(Some(at + 2));
            }
            _ => {}
        }
    }
    Wide { escapes, alike, is_mixed }
}

/// A mask over a text.
#[derive(Clone, Copy)]
pub(super) struct Marked<'p>(&'p [u64]);

impl<'p> Marked<'p> {
    /// The first marked place at or behind this one.
    pub(super) fn next(self, from: usize) -> Option<usize> {
        let mut index = from / 64;
        let mut word = self.0.get(index)? >> (from % 64) << (from % 64);
        while word == 0 {
            index += 1;
            word = *self.0.get(index)?;
        }
        Some(index * 64 + word.trailing_zeros() as usize)
    }

    /// The last marked place before this one.
    pub(super) fn last_before(self, end: usize) -> Option<usize> {
        let last = self.0.get(end / 64).map_or(0, |word| word & ((1 << (end % 64)) - 1));
        let words = self.0[..self.0.len().min(end / 64)].iter().copied().enumerate().rev();
        let (index, word) = std::iter::once((end / 64, last)).chain(words).find(|(_, word)| *word != 0)?;
        Some(index * 64 + word.ilog2() as usize)
    }

    /// The number of marked places from this one on, without a gap, up to so many.
    pub(super) fn run_from(self, from: usize, most: usize) -> usize {
        let mut len = 0;
        while let Some(word) = self.0.get((from + len) / 64).filter(|_| len < most) {
            let (shift, rest) = ((from + len) % 64, 64 - (from + len) % 64);
            let ones = (word >> shift).trailing_ones() as usize;
            len += ones;
            if ones < rest {
                break;
            }
        }
        len.min(most)
    }

    /// The number of marked places right before this one, without a gap, up to so many.
    pub(super) fn run_before(self, end: usize, most: usize) -> usize {
        let mut len = 0;
        while let Some(last) = (end - len).checked_sub(1).filter(|_| len < most) {
            let room = last % 64 + 1;
            let ones = (self.0.get(last / 64).copied().unwrap_or(0) << (64 - room)).leading_ones() as usize;
            len += ones;
            if ones < room {
                break;
            }
        }
        len.min(most)
    }

    /// Whether a place of the range is marked.
    pub(super) fn any(self, range: Range<usize>) -> bool {
        self.next(range.start).is_some_and(|at| at < range.end)
    }

    /// All marked places in order.
    pub(super) fn iter(self) -> impl Iterator<Item = usize> + 'p {
        self.0.iter().enumerate().flat_map(|(index, word)| places_of(index, *word))
    }
}

/// The places of the bits of a word.
fn places_of(index: usize, mut word: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let bit = (word != 0).then(|| word.trailing_zeros() as usize)?;
        word &= word - 1;
        Some(index * 64 + bit)
    })
}

/// Whether `=` at a place begins a code of quoted-printable and surely nothing else, as in `page=17`: beside it stands another
/// one or the end of a line that goes on, it is a character that has to be written so or a code that no decimal number is, or
/// it stands inside of a number.
fn is_surely_quoted(text: &[u8], at: usize) -> bool {
    let code = |at: usize| match text.get(at..at + 3)? {
        [b'=', pair @ ..] if pair.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F')) => hex_pair(pair),
        _ => None,
    };
    let Some(byte) = code(at) else { return false };
    let next = text.get(at + 3);
    let has_letter = text[at + 1..at + 3].iter().any(u8::is_ascii_uppercase);
    let is_beside = next == Some(&b'=') || at.checked_sub(3).and_then(code).is_some();
    let is_in_number = || {
        let mut before = text[..at].iter().rev().take_while(|byte| byte.is_ascii_alphanumeric()).take(NUMBER_BYTES_MAX);
        let has_digits = at > 0 && text[at - 1].is_ascii_digit() && before.all(u8::is_ascii_digit);
        let is_part = byte.is_ascii_digit() || matches!(byte, b' ' | b'-' | b'.' | b'/' | b',');
        is_part && has_digits && next.is_some_and(u8::is_ascii_digit)
    };
    let is_special =
        byte == b'=' || byte >= 0xA0 || has_letter && next.is_none_or(|next| !next.is_ascii_alphanumeric());
    is_special || is_beside || is_in_number()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_wherever_they_stand() {
        type Of = fn(&Places) -> Marked<'_>;
        let rows: [(&str, Of, Option<usize>); 29] = [
            ("4.5", Places::apart, Some(0)),
            ("440a 5", Places::apart, None),
            ("4A 5", Places::apart, Some(0)),
            ("440514014.58", Places::apart, None),
            ("44051401.58", Places::apart, Some(7)),
            ("4.440514014", Places::apart, None),
            ("4. 440514014", Places::apart, Some(0)),
            ("4c:5a", Places::apart, Some(0)),
            ("x4c:5a", Places::apart, Some(1)),
            ("4ch:5a", Places::apart, Some(0)),
            ("4.....5", Places::apart, Some(0)),
            ("4......5", Places::apart, None),
            ("12345 abcdef 6", Places::apart, None),
            ("NDQwNTE0MDE0NTg", Places::runs, Some(0)),
            ("NDQwNTE0MDE0Nw==", Places::runs, Some(0)),
            ("NDQwNTE0MDE0", Places::runs, Some(0)),
            ("NDQwNTE0MDE", Places::runs, None),
            (".NDQwNTE0M+/-_wNTg.", Places::runs, Some(1)),
            ("a\" + \"b", Places::borders, Some(1)),
            ("a\", \"b", Places::borders, None),
            ("(\" + \"b", Places::borders, None),
            ("no quote", Places::borders, None),
            ("a line\n", Places::feeds, Some(6)),
            ("4 line\n", Places::breaks, Some(6)),
            ("4 line \\\r\n", Places::breaks, Some(9)),
            ("line\n4", Places::breaks, Some(4)),
            ("a line\n", Places::breaks, None),
            ("4 line;\n", Places::breaks, None),
            (";\n4", Places::breaks, None),
        ];
        for (text, of, expected) in rows {
            for start in 0..140 {
                let text = format!("{}{text}{}", ".".repeat(start), ".".repeat(150 - start));
                let places = Places::of(text.as_bytes());
                let expected: Vec<usize> = expected.into_iter().map(|at| start + at).collect();
                assert_eq!(of(&places).iter().collect::<Vec<_>>(), expected, "{text}");
                assert_eq!(of(&places).next(0), expected.first().copied(), "{text}");
            }
        }
    }

    #[test]
    fn escapes_are_found_wherever_they_stand() {
        let rows: [(&str, &[usize]); 26] = [
            ("%41", &[0]),
            ("%u0041", &[0]),
            ("100% of", &[]),
            ("\\x41\\n\\\"", &[0]),
            ("&amp;", &[0]),
            ("&ZeroWidthSpace;", &[0]),
            ("&self, &mut", &[]),
            ("&#52 4", &[0]),
            ("+ADQ-", &[0]),
            ("4+5 + a", &[1]),
            ("1 + A", &[]),
            ("=C5=82", &[0, 3]),
            ("=C5", &[]),
            ("=34=34", &[0, 3]),
            ("44=305=314", &[2, 6]),
            ("p1=30&p2=31", &[]),
            ("4539=201488=200343", &[4, 11]),
            ("card=3A 4539 password=3A x", &[4, 21]),
            ("color=3A4F5E&fill=2C3D4E", &[]),
            ("a=3D9 b=3D9", &[1, 7]),
            ("page=17&id=18&x=19", &[]),
            ("gr=FC=DFe =20", &[2, 5, 10]),
            ("4\u{200B}5", &[1]),
            ("za\u{17c}\u{f3}\u{142}\u{107}", &[]),
            ("\u{420}ESEL", &[0]),
            ("\u{43a}\u{43e}\u{442}", &[]),
        ];
        for (text, expected) in rows {
            for start in 0..140 {
                let text = format!("{}{text}{}", ".".repeat(start), ".".repeat(150 - start));
                let found: Vec<usize> = Places::of(text.as_bytes()).escapes().iter().map(|at| at - start).collect();
                assert_eq!(found, expected, "{text}");
            }
        }
    }

    #[test]
    fn a_digit_is_near_up_to_64_bytes_away() {
        for (distance, start) in (1..130).flat_map(|distance| (0..64).map(move |start| (distance, start))) {
            let (before, between) = ("a".repeat(start), "a".repeat(distance - 1));
            for (text, feed) in [(format!("a{before}\n{between}4"), 1), (format!("{before}4{between}\n"), distance)] {
                let expected = (distance <= 64).then_some(start + feed);
                assert_eq!(Places::of(text.as_bytes()).breaks().next(0), expected, "{distance} {text}");
            }
        }
    }

    #[test]
    fn runs_of_a_mask_are_counted_up_to_a_bound() {
        for (start, len) in (0..130).flat_map(|start| [0, 1, 30, 63, 64, 65, 150].map(|len| (start, len))) {
            let text = format!("{}{}.", ".".repeat(start), "a".repeat(len));
            let places = Places::of(text.as_bytes());
            for most in [0, 1, 40, 64, 100, 500] {
                assert_eq!(places.words().run_from(start, most), len.min(most), "{start} {len} {most}");
                assert_eq!(places.words().run_before(start + len, most), len.min(most), "{start} {len} {most}");
            }
            assert!(!places.words().any(0..start));
            assert_eq!(places.words().any(0..start + 1), len > 0);
            assert!(!places.words().any(start + len..text.len()));
        }
        assert_eq!(Places::of(b"aa").words().run_from(1, 9), 1, "the text ends");
    }

    #[test]
    fn stretches_are_read_as_one_text() {
        let text = "4.4 a\" + \"b &#65; %41\n".repeat(900);
        type Of = fn(&Places) -> Marked<'_>;
        let rows: [(Of, &str); 4] =
            [(Places::apart, "4.4"), (Places::borders, "\" + \"b"), (Places::feeds, "\n"), (Places::escapes, "%41")];
        for len in [63, 64, 65, 4095, 4096, 4097, 4160, 8192, text.len()] {
            let text = &text[..len];
            let places = Places::of(text.as_bytes());
            for (of, mark) in rows {
                let expected: Vec<usize> = text.match_indices(mark).map(|(at, _)| at).collect();
                let found: Vec<usize> = of(&places).iter().filter(|at| text[*at..].starts_with(mark)).collect();
                assert_eq!(found, expected, "{len} {mark}");
            }
        }
    }

    #[test]
    fn the_next_place_is_at_or_behind() {
        let places = Places::of("\n".repeat(200).as_bytes());
        for from in 0..=300 {
            assert_eq!(places.feeds().next(from), (from < 200).then_some(from));
        }
        assert_eq!(Places::of(b"").feeds().next(0), None);
        let places = Places::of(format!("\n{}\n", " ".repeat(150)).as_bytes());
        for (end, expected) in
            [(0, None), (1, Some(0)), (64, Some(0)), (151, Some(0)), (152, Some(151)), (900, Some(151))]
        {
            assert_eq!(places.feeds().last_before(end), expected, "{end}");
        }
    }
}
