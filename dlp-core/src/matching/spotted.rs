//! Which phrases stand around a value, without folding the text around it.
//!
//! A number that passes a check by chance stands among words that name nothing, and folding these would be most of the
//! work of judging it. So each part of 64 bytes is read once, whoever asks, and the phrases that begin in it are noted.
//! Near letters of other scripts a part is read by its characters. Where the value is cut out of a word, or its windows
//! reach beyond what the first pass has classified, they are folded instead.

use super::any_words::{AnyWords, cuts_word};
use super::boundary::LOOK_BYTES;
use super::candidates::Tokens;
use super::context::{self, AsciiClass, CAPITALISED_LETTERS, Folded, Widths, Windows, starts_part};
use super::simd::{Masks, word_at};
use super::table::Table;
use super::vocabulary::{GLUED_BYTES_MAX, KEY_BYTES, Key, Nearby, PhraseId, Phrases, Vocabulary};
use std::ops::Range;

/// Bytes of a part: a word of the masks.
const PART_BYTES: usize = 64;

/// The text that the first pass has classified, and what it found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Classified<'t> {
    pub(super) text: &'t [u8],
    pub(super) masks: &'t Masks,
    pub(super) tokens: &'t Tokens,
    pub(super) vocabulary: &'t Vocabulary,
    /// What the headers of its columns say.
    pub(super) table: Option<&'t Table>,
}

impl Classified<'_> {
    /// The parts that a range touches; `None` where it reaches beyond them.
    #[inline]
    fn parts(&self, range: Range<usize>) -> Option<Range<usize>> {
        let Tokens { start, end } = *self.tokens;
        let is_within = start <= range.start && range.end <= end;
        is_within.then(|| (range.start - start) / PART_BYTES..(range.end - start).div_ceil(PART_BYTES))
    }
}

/// A phrase in the text.
#[derive(Clone, Copy, Debug)]
struct Hit {
    phrase: PhraseId,
    start: usize,
    end: usize,
}

/// What is known of a part.
#[derive(Clone, Copy, Debug, Default)]
enum Part {
    /// Nobody has asked.
    #[default]
    Unread,
    /// The phrases that begin in it, as a range of the hits.
    Ascii { first: u32, end: u32 },
    /// It is not ASCII.
    Other,
}

/// How a part is read for the windows of values.
#[derive(Clone, Copy, Debug, Default)]
enum Reading {
    /// Nobody has asked.
    #[default]
    Unknown,
    /// By its bytes, as for everybody else.
    Bytes,
    /// By its characters, which gave these of the hits.
    Characters { first: u32, end: u32 },
}

/// Whether something in a part ends a window or is cut out of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Course {
    /// Nobody has asked.
    #[default]
    Unknown,
    /// Nothing.
    Open,
    /// There may be something.
    Broken,
}

/// Windows whose phrases are remembered: many detectors look around the same value, some of them farther than others, and
/// others around the number in it.
const REMEMBERED: usize = 4;

/// The phrases around a value, and the window that they stand in.
#[derive(Debug, Default)]
struct Remembered {
    around: Option<(Range<usize>, Widths)>,
    nearby: Nearby,
}

/// What is known of the parts of the text that the masks are of, and of the values that were asked about last.
#[derive(Debug, Default)]
pub(super) struct Spotted {
    parts: Vec<Part>,
    hits: Vec<Hit>,
    /// The parts that are ASCII and have been read.
    read: Bits,
    /// Those of them in which a phrase begins that a detector demands.
    names: Bits,
    folded: Folded,
    /// Of each part, for the windows of values.
    readings: Vec<Reading>,
    any_words: AnyWords,
    /// Of each part, for the windows of values.
    courses: Vec<Course>,
    remembered: [Remembered; REMEMBERED],
    /// Which of them is forgotten next.
    oldest: usize,
}

/// Which phrases that a detector demands begin in a range.
#[derive(Debug)]
pub(super) enum Naming<'s> {
    /// None.
    Nothing,
    /// Nobody knows.
    Unknown,
    /// Those of some parts, and those that the headers of a table have.
    Some(&'s Spotted, Range<usize>, &'s [PhraseId]),
}

impl Naming<'_> {
    /// Every phrase that begins there.
    pub(super) fn phrases(&self) -> impl Iterator<Item = PhraseId> {
        let some = match self {
            Self::Some(spotted, parts, headers) => Some((spotted, parts.clone(), headers.iter().copied())),
            _ => None,
        };
        some.into_iter()
            .flat_map(|(spotted, parts, headers)| spotted.hits_in(parts).map(|hit| hit.phrase).chain(headers))
    }
}

/// Tells what names a place of a text.
#[derive(Debug)]
pub(super) struct Near<'s, 't> {
    spotted: &'s mut Spotted,
    known: Classified<'t>,
}

impl Near<'_, '_> {
    /// Whether phrases that a detector demands begin in a range of the text.
    #[inline]
    pub(super) fn naming(&mut self, range: Range<usize>) -> Naming<'_> {
        let Some(parts) = self.spotted.read(self.known, range) else { return Naming::Unknown };
        self.naming_in(parts)
    }

    /// The same where it is known already.
    #[inline]
    pub(super) fn known_naming(&mut self, range: Range<usize>) -> Naming<'_> {
        let Some(parts) = self.known.parts(range) else { return Naming::Unknown };
        if self.spotted.read.has_all(&parts) { self.naming_in(parts) } else { Naming::Unknown }
    }

    /// What names values near a part: what begins in it, and all headers. Behind the end of the text begins nothing.
    pub(super) fn phrases_of(&mut self, part: usize) -> Naming<'_> {
        let Self { spotted, known } = self;
        let count = known.masks.alnum.len();
        if part >= count && known.tokens.end < known.text.len() {
            return Naming::Unknown;
        }
        if part < count && !spotted.read_once(*known, part) {
            return Naming::Unknown;
        }
        self.naming_in(part.min(count)..(part + 1).min(count))
    }

    #[inline]
    fn naming_in(&mut self, parts: Range<usize>) -> Naming<'_> {
        let headers = self.known.table.map_or(&[][..], Table::phrases);
        let any = !headers.is_empty() || self.spotted.names.has_any(&parts);
        if any { Naming::Some(self.spotted, parts, headers) } else { Naming::Nothing }
    }
}

impl Spotted {
    /// Other masks follow, of so many parts.
    pub(super) fn forget(&mut self, parts: usize) {
        self.parts.clear();
        self.hits.clear();
        self.read.clear();
        self.names.clear();
        self.parts.resize(parts, Part::Unread);
        self.readings.clear();
        self.readings.resize(parts, Reading::Unknown);
        self.courses.clear();
        self.courses.resize(parts, Course::Unknown);
        self.read.resize(parts);
        self.names.resize(parts);
        self.remembered.iter_mut().for_each(|remembered| remembered.around = None);
    }

    /// The phrases around a value.
    pub(super) fn around(&mut self, known: Classified<'_>, span: &Range<usize>, widths: Widths) -> &Nearby {
        let is_of =
            |remembered: &Remembered| remembered.around.as_ref().is_some_and(|(of, by)| (of, *by) == (span, widths));
        if let Some(place) = self.remembered.iter().position(is_of) {
            return &self.remembered[place].nearby;
        }
        let place = self.oldest;
        self.oldest = (place + 1) % REMEMBERED;
        let mut nearby = std::mem::take(&mut self.remembered[place].nearby);
        nearby.clear();
        let range = widths.around(known.text, span);
        let is_whole = ![span.start, span.end].into_iter().any(|edge| cuts_word(known.text, edge));
        match known.parts(range) {
            Some(parts) if is_whole => self.gather(known, (span, widths), parts, &mut nearby),
            _ => self.fold(known, span, widths, &mut nearby),
        }
        for phrase in known.table.map_or(&[][..], |table| table.phrases_of(known.text, span)) {
            nearby.insert_header(*phrase);
        }
        let remembered = &mut self.remembered[place];
        *remembered = Remembered { around: Some((span.clone(), widths)), nearby };
        &remembered.nearby
    }

    /// To ask what names a place of the text.
    pub(super) fn near<'s, 't>(&'s mut self, known: Classified<'t>) -> Near<'s, 't> {
        Near { spotted: self, known }
    }

    /// The parts that a range touches, read. `None` where they cannot be, or are not ASCII.
    #[inline]
    fn read(&mut self, known: Classified<'_>, range: Range<usize>) -> Option<Range<usize>> {
        let parts = known.parts(range)?;
        if self.read.has_all(&parts) {
            return Some(parts);
        }
        for part in parts.clone() {
            if !self.read_once(known, part) {
                return None;
            }
        }
        Some(parts)
    }

    /// Reads a part that nobody has asked for yet. Whether it is ASCII.
    #[inline]
    fn read_once(&mut self, known: Classified<'_>, part: usize) -> bool {
        if let Part::Unread = self.parts[part] {
            self.parts[part] = self.read_part(known, part);
        }
        !matches!(self.parts[part], Part::Other)
    }

    /// Notes the phrases that begin in a part.
    fn read_part(&mut self, known: Classified<'_>, part: usize) -> Part {
        let Classified { text, masks, tokens, vocabulary, .. } = known;
        let at = tokens.start + part * PART_BYTES;
        let Some(letters) = Letters::of(text, (masks, at), part) else { return Part::Other };
        let first = self.hits.len();
        let mut names = false;
        let mut note = |phrase, start, end| {
            names |= vocabulary.is_demanded(phrase);
            self.hits.push(Hit { phrase, start, end });
        };
        let mut starts = letters.starts(vocabulary);
        while starts != 0 {
            let bit = starts.trailing_zeros() as usize;
            starts &= starts - 1;
            let start = at + bit;
            let len = letters.len(bit);
            let told = len.unwrap_or_else(|| letters.told_len(text, start, bit));
            let key = Key::of_letters(word_at(text, start), told.min(KEY_BYTES));
            if vocabulary.may_know(key) {
                vocabulary.read((text, start), (key, len), &mut |phrase, end| note(phrase, start, end));
            }
            if letters.run_starts >> bit & 1 == 1 && letters.has_hump(text, start, bit) {
                let run = start..run_end(text, start);
                vocabulary.read_glued(&text[run.clone()], &mut |phrase| note(phrase, run.start, run.end));
            }
        }
        self.read.insert(part);
        if names {
            self.names.insert(part);
        }
        Part::Ascii { first: first as u32, end: self.hits.len() as u32 }
    }

    fn hits_in(&self, parts: Range<usize>) -> impl Iterator<Item = &Hit> + Clone {
        self.parts[parts].iter().flat_map(|part| match part {
            Part::Ascii { first, end } => &self.hits[*first as usize..*end as usize],
            Part::Unread | Part::Other => &[],
        })
    }

    /// Takes the phrases that stand in the windows of a value, from what begins in the parts that they touch.
    fn gather(
        &mut self,
        known: Classified<'_>,
        (span, widths): (&Range<usize>, Widths),
        parts: Range<usize>,
        nearby: &mut Nearby,
    ) {
        let mut windows = None;
        for part in parts {
            let hits = self.range_of(known, part);
            if hits.is_empty() {
                continue;
            }
            let windows = windows.get_or_insert_with(|| self.windows(known, (span, widths)));
            for hit in &self.hits[hits] {
                if windows.hold(&(hit.start..hit.end)) {
                    nearby.insert(hit.phrase);
                }
            }
        }
    }

    /// The windows of a value.
    fn windows(&mut self, known: Classified<'_>, (span, widths): (&Range<usize>, Widths)) -> Windows {
        let around = widths.around(known.text, span);
        let parts = known.parts(around.start.saturating_sub(LOOK_BYTES)..around.end);
        let is_open = parts.is_some_and(|mut parts| parts.all(|part| self.is_open(known, part)));
        if is_open { widths.open_windows(known.text, span) } else { widths.windows(known.text, span) }
    }

    /// Whether nothing that begins in a part ends a window or is cut out of it.
    fn is_open(&mut self, known: Classified<'_>, part: usize) -> bool {
        if self.courses[part] == Course::Unknown {
            let at = known.tokens.start + part * PART_BYTES;
            let is_open = context::is_open(&known.text[at..known.text.len().min(at + PART_BYTES + 1)]);
            self.courses[part] = if is_open { Course::Open } else { Course::Broken };
        }
        self.courses[part] == Course::Open
    }

    /// Whether one of a detector's strong phrases may stand beside a value that is a match which starts at a place, where
    /// letters and digits end that go before it, and has so many bytes at most.
    pub(super) fn may_name(
        &mut self,
        known: Classified<'_>,
        (start, len_max): (usize, usize),
        (widths, phrases): (Widths, &Phrases),
    ) -> bool {
        let text = known.text;
        let longest = start..text.len().min(start + len_max);
        let around = widths.around(text, &longest);
        let Some(parts) = known.parts(around.clone()) else { return true };
        // An edge within a run of letters makes other words of it. ASCII has none at the end of a match.
        if cuts_word(text, start) || !text[start..text.len().min(longest.end + 1)].is_ascii() {
            return true;
        }
        let headers = known.table.map_or(&[][..], Table::phrases);
        headers.iter().any(|phrase| phrases.is_strong(*phrase))
            || parts.into_iter().any(|part| {
                let hits = self.range_of(known, part);
                let is_near = |hit: &&Hit| around.start <= hit.start && hit.end <= around.end;
                self.hits[hits].iter().filter(is_near).any(|hit| phrases.is_strong(hit.phrase))
            })
    }

    /// The phrases that begin in a part, whatever letters it has, as a range of the hits.
    #[inline]
    fn range_of(&mut self, known: Classified<'_>, part: usize) -> Range<usize> {
        if let Reading::Unknown = self.readings[part] {
            self.readings[part] = self.reading(known, part);
        }
        let (first, end) = match (self.readings[part], self.parts[part]) {
            (Reading::Characters { first, end }, _) | (_, Part::Ascii { first, end }) => (first, end),
            _ => (0, 0),
        };
        first as usize..end as usize
    }

    /// Reads a part by its bytes, or by its characters where it takes these to tell its words.
    #[cold]
    fn reading(&mut self, known: Classified<'_>, part: usize) -> Reading {
        let Classified { text, tokens, vocabulary, .. } = known;
        let at = tokens.start + part * PART_BYTES;
        let end = text.len().min(at + PART_BYTES);
        // The byte behind the run of letters that reaches over the end. Those farther on are asked whether they are ASCII as
        // they are looked at.
        let behind = if text[end - 1].is_ascii_alphanumeric() { run_end(text, end) } else { text.len() };
        let is_plain = |at: usize| text.get(at).is_none_or(u8::is_ascii);
        if is_plain(at.saturating_sub(1)) && is_plain(behind) && self.read_once(known, part) {
            return Reading::Bytes;
        }
        let Self { any_words, hits, .. } = self;
        let first = hits.len();
        any_words.read(vocabulary, (text, at..end), &mut |phrase, place| {
            hits.push(Hit { phrase, start: place.start, end: place.end });
        });
        Reading::Characters { first: first as u32, end: hits.len() as u32 }
    }

    /// The same from the folded words of the windows.
    fn fold(&mut self, known: Classified<'_>, span: &Range<usize>, widths: Widths, nearby: &mut Nearby) {
        let windows = widths.windows(known.text, span);
        let pieces = windows.pieces().map(|piece| &known.text[piece]);
        known.vocabulary.spell(self.folded.fill(pieces), &mut |phrase| nearby.insert(phrase));
    }
}

/// A set of parts.
#[derive(Debug, Default)]
struct Bits(Vec<u64>);

impl Bits {
    fn clear(&mut self) {
        self.0.clear();
    }

    fn resize(&mut self, parts: usize) {
        // One more than is needed, so that each word has a next one.
        self.0.resize(parts / 64 + 2, 0);
    }

    fn insert(&mut self, part: usize) {
        self.0[part / 64] |= 1 << (part % 64);
    }

    /// The bits of a range of up to 64 parts, and all that could be set.
    #[inline]
    fn of(&self, parts: &Range<usize>) -> Option<(u64, u64)> {
        let all = 1u64.checked_shl(parts.len() as u32)? - 1;
        let word = parts.start / 64;
        let [low, high] = [self.0.get(word)?, self.0.get(word + 1)?].map(|word| u128::from(*word));
        Some((((high << 64 | low) >> (parts.start % 64)) as u64 & all, all))
    }

    #[inline]
    fn has_all(&self, parts: &Range<usize>) -> bool {
        self.of(parts).is_some_and(|(set, all)| set == all)
    }

    /// Whether there is one, or may be for all that is known.
    #[inline]
    fn has_any(&self, parts: &Range<usize>) -> bool {
        self.of(parts).is_none_or(|(set, _)| set != 0)
    }
}

/// The end of the run of ASCII letters and digits that begins at a place, as far as a phrase may reach.
fn run_end(text: &[u8], start: usize) -> usize {
    let run = text[start..].iter().take(GLUED_BYTES_MAX);
    start + run.take_while(|byte| byte.is_ascii_alphanumeric()).count()
}

/// The letters of a part that is ASCII, and where words begin and end among them; one bit for each byte.
struct Letters {
    letters: u64,
    digits: u64,
    /// Where runs of digits begin.
    numbers: u64,
    /// Letters of which another word begins behind the one before, though no mark stands between.
    humps: u64,
    /// Where words of letters begin.
    word_starts: u64,
    /// Where runs of letters and digits begin with a letter.
    run_starts: u64,
}

impl Letters {
    /// Those of the part that begins at a place of the text. `None` when it is not ASCII.
    fn of(text: &[u8], (masks, at): (&Masks, usize), part: usize) -> Option<Self> {
        let upper = upper_case(&text[at..text.len().min(at + PART_BYTES)])?;
        let (alnum, digits) = (masks.alnum[part], masks.digit[part]);
        let letters = alnum & !digits;
        let before = at.checked_sub(1).map_or(AsciiClass::Mark, |before| AsciiClass::of(text[before]));
        let is = |class: bool| u64::from(class);
        let is_letter = before == AsciiClass::Upper || before == AsciiClass::Lower;
        let lower = letters & !upper;
        let is_lower = |at: usize| is(text.get(at).is_some_and(u8::is_ascii_lowercase));
        let capitalised = (1..=CAPITALISED_LETTERS).fold(upper, |capitalised, far| {
            let beyond = (0..far)
                .fold(0, |beyond, place| beyond | is_lower(at + PART_BYTES + place) << (PART_BYTES - far + place));
            capitalised & (lower >> far | beyond)
        });
        let behind_lower = upper & (lower << 1 | is(before == AsciiClass::Lower));
        let behind_upper = capitalised & (upper << 1 | is(before == AsciiClass::Upper));
        let humps = behind_lower | behind_upper;
        let word_starts = letters & !(letters << 1 | is(is_letter)) | humps;
        let numbers = digits & !(digits << 1 | is(before == AsciiClass::Digit));
        let run_starts = letters & !(alnum << 1 | is(before != AsciiClass::Mark));
        Some(Self { letters, digits, numbers, humps, word_starts, run_starts })
    }

    /// Where a phrase may begin.
    fn starts(&self, vocabulary: &Vocabulary) -> u64 {
        self.word_starts | if vocabulary.has_numbers() { self.numbers } else { 0 }
    }

    /// Bytes of the word that begins at a bit of the part, if it ends in it.
    #[inline]
    fn len(&self, bit: usize) -> Option<usize> {
        let is_digit = self.digits >> bit & 1 == 1;
        let kind = if is_digit { self.digits } else { self.letters };
        let ends = !(kind >> bit) | (self.humps >> bit & !1);
        let len = ends.trailing_zeros() as usize;
        (bit + len < PART_BYTES).then_some(len)
    }

    /// Bytes of the word that begins at a place, whose bit is that of the part, up to those of a key.
    #[inline]
    fn told_len(&self, text: &[u8], start: usize, bit: usize) -> usize {
        if bit + KEY_BYTES < PART_BYTES {
            return KEY_BYTES;
        }
        let mut last = AsciiClass::of(text[start]);
        let rest = start + 1..text.len().min(start + KEY_BYTES);
        let goes_on = |at: &usize| {
            let class = AsciiClass::of(text[*at]);
            let same = class != AsciiClass::Mark && !starts_part(text, *at, last);
            last = class;
            same
        };
        1 + rest.take_while(goes_on).count()
    }

    /// Whether a word begins with a hump in the run that begins at a place, whose bit is that of the part.
    #[inline]
    fn has_hump(&self, text: &[u8], start: usize, bit: usize) -> bool {
        let run = (!((self.letters | self.digits) >> bit)).trailing_zeros() as usize;
        if bit + run < PART_BYTES {
            return self.humps >> bit & ((1 << run) - 1) & !1 != 0;
        }
        let is_hump = |at: usize| text[at].is_ascii_uppercase() && starts_part(text, at, AsciiClass::of(text[at - 1]));
        (start + 1..run_end(text, start)).any(is_hump)
    }
}

/// A bit for each upper-case letter of up to 64 bytes; `None` when they are not ASCII.
fn upper_case(bytes: &[u8]) -> Option<u64> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x80 * ONES;
    const FROM_A: u64 = (0x80 - b'A' as u64) * ONES;
    const BEHIND_Z: u64 = (0x80 - b'Z' as u64 - 1) * ONES;
    /// Brings the high bits of eight bytes together in the highest one.
    const GATHER: u64 = 0x0002_0408_1020_4081;
    let (mut upper, mut any) = (0, 0);
    for (index, chunk) in bytes.chunks(8).enumerate() {
        let eight = match chunk.first_chunk() {
            Some(eight) => u64::from_le_bytes(*eight),
            None => chunk.iter().rev().fold(0, |eight, byte| eight << 8 | u64::from(*byte)),
        };
        any |= eight;
        let high = (eight & !HIGH).wrapping_add(FROM_A) & !(eight & !HIGH).wrapping_add(BEHIND_Z) & HIGH;
        upper |= (high.wrapping_mul(GATHER) >> 56) << (8 * index);
    }
    (any & HIGH == 0).then_some(upper)
}

#[cfg(test)]
mod tests {
    use super::super::simd::{Isa, WindowTable, classify};
    use super::super::vocabulary::Builder;
    use super::*;
    use dlp_detector_format::Context;
    use proptest::prelude::*;

    /// The phrases, in the order given, that are spotted around a span and those that folding finds, and whether some
    /// phrase may name the span.
    fn around(phrases: &[&str], text: &str, span: Range<usize>, width: u16) -> (Vec<usize>, Vec<usize>, bool) {
        let strong: Vec<String> = phrases.iter().map(|phrase| (*phrase).to_owned()).collect();
        let context = Context { strong, required: true, ..Context::default() };
        let mut builder = Builder::default();
        let of_detector = builder.phrases(&context);
        let ids = &of_detector.strong;
        let vocabulary = builder.build();
        let text = text.as_bytes();
        let mut masks = Masks::default();
        classify(Isa::detect(), &WindowTable::new(), text, 0..text.len(), &mut masks);
        let tokens = Tokens { start: 0, end: text.len() };
        let known = Classified { text, masks: &masks, tokens: &tokens, vocabulary: &vocabulary, table: None };
        let widths = Widths { before: width, after: width };
        let index =
            |nearby: &Nearby| ids.iter().enumerate().filter(|(_, id)| nearby.holds(**id)).map(|(at, _)| at).collect();
        let (mut spotted, mut folded) = (Spotted::default(), Spotted::default());
        spotted.forget(masks.alnum.len());
        let found = index(spotted.around(known, &span, widths));
        let mut by_folding = Nearby::default();
        folded.fold(known, &span, widths, &mut by_folding);
        let may = !matches!(spotted.near(known).naming(widths.around(text, &span)), Naming::Nothing);
        // No match of those that it is asked for ends within a word.
        let may_match = cuts_word(text, span.end)
            || spotted.may_name(known, (span.start, span.len()), (widths, &of_detector))
                && spotted.may_name(known, (span.start, span.len() + 3), (widths, &of_detector));
        (found, index(&by_folding), may && may_match)
    }

    #[test]
    fn phrases_are_spotted_as_folding_finds_them() {
        let long = format!("GET {}/1 customerPesel: #", "x".repeat(130));
        let rows: &[(&str, &str, bool)] = &[
            ("pesel", "Numer PESEL: #", true),
            ("pesel", "customerPesel=#", true),
            ("customerpesel", "customerPesel=#", true),
            ("customerpesel", "customerPESEL9=#", false),
            ("pesel", &long, true),
            ("pesel", "GET /orders/1 HTTP/1.1 #", false),
            ("pesel", "nr2pesel3 #", true),
            ("nr konta", "nr-konta #", true),
            ("nr konta", "nr\n\nkonta #", false),
            ("a b", "aB#", true),
            ("vat number", "VATNumber #", true),
            ("vatnumber", "VATNumber #", true),
            ("nr pesel*", "nr PESELu #", true),
            ("ab", "aB#", true),
            ("form 1040", "Form1040 #", true),
            ("2 factor", "2Factor #", true),
            ("numer*", "numerami #", true),
            ("numer*", "numeracyjny #", false),
            ("nr*", "nr #", true),
            ("cvv", "\u{105} cvv #", true),
            ("karta platnicza", "Karta p\u{142}atnicza: #", true),
            ("karta platnicza", "Karta, \u{201e}p\u{142}atnicza\u{201d} #", true),
            ("karta", "karta\u{17c} #", false),
            ("karta", "\u{17c}karta #", false),
            ("karta*", "karta\u{17c} #", true),
            ("va", "VAT\u{142}e #", true),
            ("strasse", "Stra\u{df}e #", true),
            ("kartyvisy", "KartyVisy\u{2013}#", true),
            ("pesel", "\u{662f}PESEL#", true),
            ("pesel", "PESEL\u{662f}#", true),
            ("kod", "KOD\u{d3}#", false),
            ("nip", "\u{105} NIP {{dlp}} #", true),
            ("nip", "\u{105} {{dlp:a.nip:bcdf~ghjk~lmnp~qrst~bcdf}} #", false),
            ("nip", "NIP {{dlp}} #", true),
            ("nip", "{{dlp:a.nip:bcdf~ghjk~lmnp~qrst~bcdf}} #", false),
            ("nip", "nip {{dlp:a:bcdf~ghjk~lmnp~qrst~bcdf}} #", true),
            ("nr nip", "nr {{dlp:a:bcdf~ghjk~lmnp~qrst~bcdf}} nip #", false),
        ];
        for (phrase, text, expected) in rows {
            let at = text.find('#').expect("mark");
            let (spotted, folded, may) = around(&[phrase], text, at..at + 1, 60);
            assert_eq!((spotted.len() == 1, folded.len() == 1), (*expected, *expected), "{phrase} {text}");
            assert!(may || !expected, "{phrase} {text}");
        }
    }

    #[test]
    fn a_match_without_its_phrase_beside_it_is_told() {
        let rows = [
            ("PESEL: #", true),
            ("# (PESEL)", true),
            ("PESEL of somebody who lives far away from all of us: #", false),
            ("order: #", false),
            ("\u{105} order: #", false),
            ("\u{105} PESEL: #", true),
            ("\u{105}#", true),
        ];
        for (text, expected) in rows {
            let at = text.find('#').expect("mark");
            assert_eq!(around(&["pesel"], &text.replace('#', "44"), at..at + 2, 30).2, expected, "{text}");
        }
    }

    #[test]
    fn phrases_over_the_edges_of_parts_are_spotted_as_folding_finds_them() {
        let phrases = ["karta platnicza", "numer karty", "kartyvisa", "nr*", "lodz"];
        let pieces = [
            "Karta p\u{142}atnicza ",
            "numer \u{201e}karty\u{201d} ",
            "KartyVisa \u{105} ",
            "\u{141}\u{f3}d\u{17a} nr3 ",
        ];
        for shift in 0..2 * PART_BYTES {
            for piece in pieces {
                let text = format!("{}{piece}{}#{}{piece}", ".".repeat(shift), " ".repeat(40), ".".repeat(shift % 23));
                let at = text.find('#').expect("mark");
                let (spotted, folded, _) = around(&phrases, &text, at..at + 1, 100);
                assert_eq!(spotted, folded, "{text}");
                assert!(!folded.is_empty(), "{text}");
            }
        }
    }

    #[test]
    fn upper_case_is_told_by_eight_bytes_at_once() {
        let bytes: Vec<u8> = (0..128).collect();
        for chunk in bytes.chunks(64).chain(bytes.chunks(13)) {
            let expected =
                chunk.iter().enumerate().filter(|(_, b)| b.is_ascii_uppercase()).fold(0, |m, (i, _)| m | 1 << i);
            assert_eq!(upper_case(chunk), Some(expected), "{chunk:?}");
        }
        assert_eq!(upper_case("zażółć".as_bytes()), None);
    }

    proptest! {
        #[test]
        fn spotting_equals_folding(
            text in "[abABabss12\u{e9}\u{c9}\u{df}\u{662f}\u{201e} _.\n-]{1,200}",
            phrases in prop::collection::vec("[abes1]{1,6}( [abes1]{1,3}){0,2}\\*?", 1..6),
            at in any::<prop::sample::Index>(),
            len in 0..6usize,
            width in 0..90u16,
        ) {
            let text: String = text.chars().take(190).collect();
            let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
            let start = *at.get(&starts);
            let end = (start + len).min(text.len());
            prop_assume!(text.is_char_boundary(end));
            let phrases: Vec<&str> = phrases.iter().map(String::as_str).collect();
            let (spotted, folded, may) = around(&phrases, &text, start..end, width);
            prop_assert_eq!(&spotted, &folded);
            prop_assert!(may || folded.is_empty());
        }
    }
}
