//! Where a text may have something in it that is written in another way: one pass over it for all decoders.
//!
//! Most texts have nothing of the kind, so what each decoder looks for first is asked of 64 bytes at a time; the
//! decoders themselves only ever look at the places that are left.

use crate::matching::{ByteClasses, Isa, classes_of};

/// Digits of base64 of the shortest run that is looked at, with padding and without.
const PADDED_RUN_DIGITS: u32 = 13;
const RUN_DIGITS: u32 = 15;

/// Places of a text, as masks.
pub(in crate::content) struct Places {
    isa: Isa,
    classes: Vec<ByteClasses>,
    apart: Vec<u64>,
    runs: Vec<u64>,
    borders: Vec<u64>,
    feeds: Vec<u64>,
    breaks: Vec<u64>,
}

impl Default for Places {
    fn default() -> Self {
        let [apart, runs, borders, feeds, breaks] = [const { Vec::new() }; 5];
        Self { isa: Isa::detect(), classes: Vec::new(), apart, runs, borders, feeds, breaks }
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
        let Self { isa, classes, apart, runs, borders, feeds, breaks } = self;
        classes_of(*isa, text, classes);
        for masks in [&mut *apart, runs, borders, feeds, breaks] {
            masks.clear();
            masks.reserve(classes.len());
        }
        let mut before = ByteClasses::default();
        for (index, now) in classes.iter().enumerate() {
            let next = classes.get(index + 1).copied().unwrap_or_default();
            apart.push(digits_apart(now.digit, next.digit));
            runs.push(run_starts(before.base64, *now, next));
            borders.push(string_ends(&before, now, &next));
            feeds.push(now.feed);
            breaks.push(now.feed & (may_stand_before(now) << 1 | may_stand_before(&before) >> 63));
            before = *now;
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

    /// Whether a place is marked.
    pub(super) fn has(self, at: usize) -> bool {
        self.0.get(at / 64).is_some_and(|word| word >> (at % 64) & 1 != 0)
    }

    /// All marked places in order.
    pub(super) fn iter(self) -> impl Iterator<Item = usize> + 'p {
        self.0.iter().enumerate().flat_map(|(index, word)| {
            let mut word = *word;
            std::iter::from_fn(move || {
                let bit = (word != 0).then(|| word.trailing_zeros() as usize)?;
                word &= word - 1;
                Some(index * 64 + bit)
            })
        })
    }
}

/// A mask and the one behind it.
fn joined(now: u64, next: u64) -> u128 {
    u128::from(next) << 64 | u128::from(now)
}

fn digits_apart(now: u64, next: u64) -> u64 {
    if now == 0 {
        return 0;
    }
    let digits = joined(now, next);
    let near = digits >> 2 | digits >> 3 | digits >> 4 | digits >> 5 | digits >> 6;
    now & !(digits >> 1) as u64 & near as u64
}

fn run_starts(before: u64, now: ByteClasses, next: ByteClasses) -> u64 {
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

/// Bytes that may stand before a place at which a value is torn apart: parts of words, blanks, and other joints.
fn may_stand_before(classes: &ByteClasses) -> u64 {
    classes.base64 | classes.equals | classes.joint & !classes.feed
}

fn string_ends(before: &ByteClasses, now: &ByteClasses, next: &ByteClasses) -> u64 {
    if now.quote == 0 {
        return 0;
    }
    let joint = joined(now.joint, next.joint) >> 1;
    now.quote & (may_stand_before(now) << 1 | may_stand_before(before) >> 63) & joint as u64
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
    fn the_next_place_is_at_or_behind() {
        let places = Places::of("\n".repeat(200).as_bytes());
        for from in 0..=300 {
            assert_eq!(places.feeds().next(from), (from < 200).then_some(from));
            assert_eq!(places.feeds().has(from), from < 200);
        }
        assert_eq!(Places::of(b"").feeds().next(0), None);
    }
}
