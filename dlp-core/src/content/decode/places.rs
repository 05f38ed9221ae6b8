//! Where a text may have something in it that is written in another way: one pass over it for all decoders.
//!
//! Most texts have nothing of the kind, so what each decoder looks for first is asked of 64 bytes at a time; the
//! decoders themselves only ever look at the places that are left.

use super::runs::CHARS_MIN;
use crate::matching::{ByteClasses, Isa, classes_of};

/// Digits of base64 of the shortest run that is looked at, without padding and with it.
const RUN_DIGITS: usize = CHARS_MIN;
const PADDED_RUN_DIGITS: usize = CHARS_MIN - 2;
/// Codes of quoted-printable below which `=` is what it looks like.
const QUOTED_MIN: u32 = 2;

/// Places of a text, as masks; what each of them marks stands at the method of the same name.
pub(in crate::content) struct Places {
    isa: Isa,
    classes: Vec<ByteClasses>,
    apart: Vec<u64>,
    runs: Vec<u64>,
    borders: Vec<u64>,
    feeds: Vec<u64>,
    breaks: Vec<u64>,
    escapes: Vec<u64>,
    /// `=` of quoted-printable, which is an escape where there are enough of them.
    quoted: Vec<u64>,
    /// Letters of scripts with letters that are drawn like Latin ones, which are escapes where they stand among these.
    alike: Vec<u64>,
    has_quoted: bool,
}

impl Default for Places {
    fn default() -> Self {
        let [apart, runs, borders, feeds, breaks, escapes, quoted, alike] = [const { Vec::new() }; 8];
        let (isa, classes, has_quoted) = (Isa::detect(), Vec::new(), false);
        Self { isa, classes, apart, runs, borders, feeds, breaks, escapes, quoted, alike, has_quoted }
    }
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
        let mut classes = std::mem::take(&mut self.classes);
        classes_of(self.isa, text, &mut classes);
        fill(&mut self.apart, &classes, |[_, now, next]| digits_apart(now.digit, next.digit));
        fill(&mut self.runs, &classes, |[before, now, next]| run_starts(before.base64, now, next));
        fill(&mut self.borders, &classes, |[before, now, next]| string_ends(before, now, next));
        fill(&mut self.feeds, &classes, |[_, now, _]| now.feed);
        fill(&mut self.breaks, &classes, |[before, now, _]| now.feed & behind_part(before, now));
        fill(&mut self.escapes, &classes, |[_, now, next]| escapes(now, next));
        fill(&mut self.quoted, &classes, |[_, now, next]| quoted_codes(now, next));
        self.add_wide(text, &classes);
        self.has_quoted = self.quoted.iter().map(|codes| codes.count_ones()).sum::<u32>() >= QUOTED_MIN;
        if self.has_quoted {
            self.escapes.iter_mut().zip(&self.quoted).for_each(|(escapes, codes)| *escapes |= codes);
            fill(&mut self.quoted, &classes, |[_, now, next]| now.equals & (now.joint >> 1 | next.joint << 63));
            self.escapes.iter_mut().zip(&self.quoted).for_each(|(escapes, breaks)| *escapes |= breaks);
        }
        self.classes = classes;
    }

    /// Adds characters beyond ASCII that may be drawn like others, or like nothing.
    fn add_wide(&mut self, text: &[u8], classes: &[ByteClasses]) {
        self.alike.clear();
        self.alike.resize(classes.len(), 0);
        let mut is_mixed = false;
        let is_alnum = |at: Option<usize>| at.and_then(|at| text.get(at)).is_some_and(u8::is_ascii_alphanumeric);
        for (index, classes) in classes.iter().enumerate().filter(|(_, classes)| classes.wide != 0) {
            for at in places_of(index, classes.wide) {
                match text[at] {
                    0xC2 | 0xCC | 0xCD | 0xD9 | 0xDB | 0xE0 | 0xE2 | 0xEF | 0xF0 => {
                        self.escapes[index] |= 1 << (at % 64)
                    }
                    0xCE..=0xD1 => {
                        self.alike[index] |= 1 << (at % 64);
                        is_mixed |= is_alnum(at.checked_sub(1)) || is_alnum(Some(at + 2));
                    }
                    _ => {}
                }
            }
        }
        // Where no letter stands among Latin ones, the script is what it looks like.
        if is_mixed {
            self.escapes.iter_mut().zip(&self.alike).for_each(|(escapes, alike)| *escapes |= alike);
        }
    }

    /// Digits behind which something else stands, and near it another digit.
    pub(super) fn apart(&self) -> Marked<'_> {
        Marked(&self.apart)
    }

    /// First digits of runs of base64 that are long enough for a value.
    pub(super) fn runs(&self) -> Marked<'_> {
        Marked(&self.runs)
    }

    /// Quotes that may end a string which another one goes on with.
    pub(super) fn borders(&self) -> Marked<'_> {
        Marked(&self.borders)
    }

    /// Line feeds.
    pub(super) fn feeds(&self) -> Marked<'_> {
        Marked(&self.feeds)
    }

    /// Line feeds that may stand inside a value.
    pub(super) fn breaks(&self) -> Marked<'_> {
        Marked(&self.breaks)
    }

    /// First bytes of characters that may be written in another way.
    pub(super) fn escapes(&self) -> Marked<'_> {
        Marked(&self.escapes)
    }

    /// Whether `=` may begin codes of quoted-printable.
    pub(super) fn has_quoted(&self) -> bool {
        self.has_quoted
    }
}

/// A mask over a text.
#[derive(Clone, Copy)]
pub(super) struct Marked<'p>(&'p [u64]);

impl<'p> Marked<'p> {
    /// The first marked place at or behind this one.
    pub(super) fn next(self, from: usize) -> Option<usize> {
        let first = self.0.get(from / 64)? >> (from % 64) << (from % 64);
        let rest = self.0.iter().enumerate().skip(from / 64 + 1).map(|(index, word)| (index, *word));
        let (index, word) = std::iter::once((from / 64, first)).chain(rest).find(|(_, word)| *word != 0)?;
        Some(index * 64 + word.trailing_zeros() as usize)
    }

    /// The last marked place before this one.
    pub(super) fn last_before(self, end: usize) -> Option<usize> {
        let last = self.0.get(end / 64).map_or(0, |word| word & ((1 << (end % 64)) - 1));
        let words = self.0[..self.0.len().min(end / 64)].iter().copied().enumerate().rev();
        let (index, word) = std::iter::once((end / 64, last)).chain(words).find(|(_, word)| *word != 0)?;
        Some(index * 64 + word.ilog2() as usize)
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

/// A mask and the one behind it.
fn joined(now: u64, next: u64) -> u128 {
    u128::from(next) << 64 | u128::from(now)
}

/// Fills a mask with what each word of classes gives, beside the one before and the next.
fn fill(mask: &mut Vec<u64>, classes: &[ByteClasses], of: impl Fn([&ByteClasses; 3]) -> u64) {
    let none = ByteClasses::default();
    mask.clear();
    mask.reserve(classes.len());
    match classes {
        [] => {}
        [only] => mask.push(of([&none, only, &none])),
        [first, second, ..] => {
            mask.push(of([&none, first, second]));
            mask.extend(classes.array_windows().map(|[before, now, next]| of([before, now, next])));
            let [.., before, last] = classes else { return };
            mask.push(of([before, last, &none]));
        }
    }
}

fn digits_apart(now: u64, next: u64) -> u64 {
    if now == 0 {
        return 0;
    }
    let digits = joined(now, next);
    let near = digits >> 2 | digits >> 3 | digits >> 4 | digits >> 5 | digits >> 6;
    now & !(digits >> 1) as u64 & near as u64
}

fn run_starts(before: u64, now: &ByteClasses, next: &ByteClasses) -> u64 {
    let (digits, equals) = (joined(now.base64, next.base64), joined(now.equals, next.equals));
    let two = digits & digits >> 1;
    let four = two & two >> 2;
    let eight = four & four >> 4;
    let padded = eight & eight >> (PADDED_RUN_DIGITS - 8);
    let is_padded = equals >> PADDED_RUN_DIGITS | equals >> (PADDED_RUN_DIGITS + 1);
    let long = padded & padded >> (RUN_DIGITS - PADDED_RUN_DIGITS);
    let starts = now.base64 & !(now.base64 << 1 | before >> 63);
    starts & (long | padded & is_padded) as u64
}

/// What stands behind a byte that may stand before a place at which a value is torn apart: a part of a word, a blank, or
/// another joint.
fn behind_part(before: &ByteClasses, now: &ByteClasses) -> u64 {
    let part = |classes: &ByteClasses| classes.base64 | classes.equals | classes.joint & !classes.feed;
    part(now) << 1 | part(before) >> 63
}

fn string_ends(before: &ByteClasses, now: &ByteClasses, next: &ByteClasses) -> u64 {
    now.quote & behind_part(before, now) & (now.joint >> 1 | next.joint << 63)
}

/// ASCII with which characters are written in other ways.
fn escapes(now: &ByteClasses, next: &ByteClasses) -> u64 {
    let behind = |now: u64, next: u64| now >> 1 | next << 63;
    let coded = now.code & behind(now.coded, next.coded);
    let utf7 = now.plus & behind(now.a, next.a);
    // A blank of a form between two words.
    let blank = now.plus & behind(now.base64, next.base64);
    let plain = coded | utf7 | blank;
    if now.ampersand == 0 {
        return plain;
    }
    let ends = joined(now.semicolon, next.semicolon);
    let ends = ends | ends >> 1;
    let ends = ends | ends >> 2;
    let ends = ends | ends >> 4;
    let ends = ends | ends >> 8;
    // The longest name, and what stands around it.
    let ends = ends | ends >> 3;
    plain | now.ampersand & (behind(now.hash, next.hash) | ends as u64)
}

/// `=` of codes of quoted-printable.
fn quoted_codes(now: &ByteClasses, next: &ByteClasses) -> u64 {
    let digits = |classes: &ByteClasses| classes.digit | classes.upper & classes.coded;
    now.equals & (digits(now) >> 1 | digits(next) << 63)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_wherever_they_stand() {
        type Of = fn(&Places) -> Marked<'_>;
        let rows: [(&str, Of, Option<usize>); 18] = [
            ("4.5", Places::apart, Some(0)),
            ("4.....5", Places::apart, Some(0)),
            ("4......5", Places::apart, None),
            ("12345 abcdef 6", Places::apart, None),
            ("NDQwNTE0MDE0NTg", Places::runs, Some(0)),
            ("NDQwNTE0MDE0Nw==", Places::runs, Some(0)),
            ("NDQwNTE0MDE0N+=", Places::runs, Some(0)),
            ("NDQwNTE0MDE0Nw", Places::runs, None),
            (".NDQwNTE0M+/-_wNTg.", Places::runs, Some(1)),
            ("a\" + \"b", Places::borders, Some(1)),
            ("a\", \"b", Places::borders, None),
            ("(\" + \"b", Places::borders, None),
            ("no quote", Places::borders, None),
            ("a line\n", Places::feeds, Some(6)),
            ("a line\n", Places::breaks, Some(6)),
            ("a line \\\r\n", Places::breaks, Some(9)),
            ("a line;\n", Places::breaks, None),
            (";\n", Places::breaks, None),
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
        let rows: [(&str, &[usize]); 17] = [
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
