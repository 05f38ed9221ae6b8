//! Tokens, asked about many at once: can a pattern without literals have one that starts here?
//!
//! Two questions, the cheaper one first. With which two bytes the token starts, by what lies ahead; and how long its
//! first two runs of letters or digits are and what follows the first. That is most of what tells the numbers that
//! people carry from each other and from whatever else a text has, and all but a few bytes of it stand in masks.
//! [`TokenFilter::has_pair`] and [`TokenFilter::has_shape`] are the specifications.

use super::Masks;
use crate::knowledge::{RUN_LEN_MAX, RUN_MIN_MAX, Shape, follower, run_place};
use crate::matching::runs::bits_at;

/// Bits of a mask that are looked at from the start of a token on: what four bytes of it hold wherever they begin.
pub(super) const SEEN_BITS: u32 = 25;

/// The bits that are looked at.
pub(super) const SEEN: u32 = (1 << SEEN_BITS) - 1;

/// A digit is near when it is one of this many bytes.
const DIGIT_NEAR: u32 = 8;

/// A digit is far when it is one of this many bytes and not near.
const DIGIT_FAR: u32 = 24;

/// Bytes of a long token.
const TOKEN_LONG: u32 = RUN_MIN_MAX;

/// The digits that are near, the digits that are near or far, and the letters and digits of a long token.
pub(super) const NEAR: u32 = (1 << DIGIT_NEAR) - 1;
pub(super) const FAR: u32 = (1 << DIGIT_FAR) - 1;
pub(super) const LONG: u32 = (1 << TOKEN_LONG) - 1;

/// What lies ahead of the start of a token, as far as masks tell at once: 0, 2 and 4 where a digit is near, far and
/// neither, and one more where the token is long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::matching) struct Ahead(u32);

impl Ahead {
    /// How many there are.
    pub(super) const COUNT: u32 = 6;

    pub(in crate::matching) fn all() -> impl Iterator<Item = Self> {
        (0..Self::COUNT).map(Self)
    }

    /// By masks of letters and digits from the start of a token on, as far as they are seen.
    #[inline]
    fn of(alnum: u32, digit: u32) -> Self {
        let reach = u32::from(digit & NEAR != 0) + u32::from(digit & FAR != 0);
        Self(4 - 2 * reach + u32::from(alnum & LONG == LONG))
    }

    /// Whether a row can start here that demands a token of so many bytes, and a digit within so many.
    pub(in crate::matching) fn lets(self, run_min: usize, digit_within: Option<usize>) -> bool {
        let least = [0, DIGIT_NEAR, DIGIT_FAR][self.0 as usize / 2] as usize;
        let is_long = self.0 % 2 == 1;
        digit_within.is_none_or(|within| within >= least) && (is_long || run_min < TOKEN_LONG as usize)
    }
}

/// What is asked of a token beside its runs.
#[derive(Clone, Copy, Debug)]
pub(in crate::matching) struct TokenKind {
    pub(in crate::matching) ahead: Ahead,
    pub(in crate::matching) behind: Behind,
}

/// What a token stands behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::matching) enum Behind {
    /// Whatever is none of the others.
    Other,
    /// A name or number with which the token goes on.
    Rest,
    /// A plus, as numbers of telephones do.
    Plus,
}

impl Behind {
    pub(in crate::matching) const ALL: [Self; 3] = [Self::Other, Self::Rest, Self::Plus];
}

impl TokenKind {
    /// How many there are.
    const COUNT: u32 = Ahead::COUNT * Behind::ALL.len() as u32;

    pub(in crate::matching) fn all() -> impl Iterator<Item = Self> {
        Ahead::all().flat_map(|ahead| Behind::ALL.map(|behind| Self { ahead, behind }))
    }

    fn number(self) -> u32 {
        Ahead::COUNT * self.behind as u32 + self.ahead.0
    }
}

/// Words of a set of pairs of bytes.
const PAIR_WORDS: usize = 1 << 11;

/// Sets of pairs of bytes, one for each [`Ahead`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::matching) struct PairSets(pub(super) Box<[u32]>);

impl Default for PairSets {
    fn default() -> Self {
        Self(vec![0; Ahead::COUNT as usize * PAIR_WORDS].into())
    }
}

impl PairSets {
    /// Adds the pairs of a first byte with each second one of a set, given as bits.
    pub(in crate::matching) fn insert(&mut self, ahead: Ahead, first: u8, seconds: &[u64; 4]) {
        let halves = seconds.iter().flat_map(|word| [*word as u32, (*word >> u32::BITS) as u32]);
        let words = &mut self.0[ahead.0 as usize * PAIR_WORDS + usize::from(first) * 2 * seconds.len()..];
        words.iter_mut().zip(halves).for_each(|(word, seconds)| *word |= seconds);
    }

    pub(in crate::matching) fn holds(&self, ahead: Ahead, first: u8, second: u8) -> bool {
        let bit = usize::from(first) << 8 | usize::from(second);
        self.0[ahead.0 as usize * PAIR_WORDS + (bit >> 5)] >> (bit & 31) & 1 == 1
    }
}

/// Lengths of the first run that are told apart: the greatest stands for itself and whatever is longer, of which it
/// is not told what follows.
pub(super) const FIRST_LEN_MAX: u32 = 24;

/// The same of the second run.
pub(super) const SECOND_LEN_MAX: u32 = 10;

/// The second run where it is not told.
pub(super) const SECOND_UNTOLD: u32 = 31;

/// Bits of the number of what follows a run.
pub(super) const FOLLOWER_BITS: u32 = 4;

/// Bytes that begin each kind of run: digits, letters that begin with a capital, and with a small one.
const KINDS: [u8; 3] = *b"0Aa";

/// Words for tokens of one kind: by first run, with room for none, and follower.
pub(super) const OF_KIND: u32 = (1 + KINDS.len() as u32 * FIRST_LEN_MAX) << FOLLOWER_BITS;

/// Lengths of the first run that are told apart where what follows the second one is looked at, too: the greatest stands
/// for whatever is longer.
pub(super) const END_LEN_MAX: u32 = 8;

/// Bits of the number of a second run.
pub(super) const SECOND_BITS: u32 = 5;

/// Words of the ends of second runs behind one first run with its follower.
const ENDS_OF_FIRST: usize = 1 << (SECOND_BITS + FOLLOWER_BITS - u32::BITS.ilog2());

/// First runs that are told apart there.
pub(super) const END_FIRSTS: u32 = KINDS.len() as u32 * END_LEN_MAX;

/// The bit of a token of which it is not told how its second run ends.
pub(super) const END_UNTOLD: u32 =
    (Behind::ALL.len() as u32 * END_FIRSTS) << (FOLLOWER_BITS + SECOND_BITS + FOLLOWER_BITS);

/// The shapes of tokens, by their first two runs.
#[derive(Clone, Debug)]
pub(in crate::matching) struct ShapeSets {
    /// By kind of token, first run and follower: a bit for each second run.
    pub(super) seconds: Box<[u32]>,
    /// By what stands behind the token, first run with follower and second run: a bit for each follower of that. One more
    /// stands for tokens of which it is not told.
    pub(super) ends: Box<[u32]>,
    /// By the byte behind a run, its follower where no letter or digit stands behind that, where a digit does, and
    /// where a letter does, [`FOLLOWER_BITS`] each.
    pub(super) followers: Box<[u32; 256]>,
}

impl Default for ShapeSets {
    fn default() -> Self {
        let followers = |byte: usize| {
            let behind = [b'\n', b'0', b'a'].map(|behind| follower(byte as u8, behind) as u32);
            behind[0] | behind[1] << FOLLOWER_BITS | behind[2] << (2 * FOLLOWER_BITS)
        };
        Self {
            seconds: vec![0; (TokenKind::COUNT * OF_KIND) as usize].into(),
            ends: (0..=END_UNTOLD / u32::BITS).map(|word| u32::from(word == END_UNTOLD / u32::BITS)).collect(),
            followers: Box::new(std::array::from_fn(followers)),
        }
    }
}

impl ShapeSets {
    /// Adds the tokens of some kinds that have a shape.
    pub(in crate::matching) fn insert(&mut self, shape: &Shape, kinds: &[TokenKind]) {
        let seconds = seconds(shape);
        for first in 1..OF_KIND >> FOLLOWER_BITS {
            let followers = first_followers(shape, first);
            if followers == 0 {
                continue;
            }
            // Whole rows of words at a time, which is done for each row of the detectors at every start of the program.
            let added: [u32; 1 << FOLLOWER_BITS] =
                std::array::from_fn(|follower| if followers >> follower & 1 == 1 { seconds } else { 0 });
            for kind in kinds {
                let words = &mut self.seconds[(kind.number() * OF_KIND + (first << FOLLOWER_BITS)) as usize..];
                words.iter_mut().zip(added).for_each(|(word, added)| *word |= added);
            }
        }
        self.insert_ends(shape, kinds);
    }

    fn insert_ends(&mut self, shape: &Shape, kinds: &[TokenKind]) {
        let ends = ends(shape);
        for behind in Behind::ALL.into_iter().filter(|behind| kinds.iter().any(|kind| kind.behind == *behind)) {
            for first in 0..END_FIRSTS {
                let mut followers = end_followers(shape, first);
                while followers != 0 {
                    let row = (behind as u32 * END_FIRSTS + first) << FOLLOWER_BITS | followers.trailing_zeros();
                    let words = &mut self.ends[row as usize * ENDS_OF_FIRST..];
                    words.iter_mut().zip(ends).for_each(|(word, ends)| *word |= ends);
                    followers &= followers - 1;
                }
            }
        }
    }
}

/// The followers that a first run can have, of a kind and length as they are told apart for ends.
fn end_followers(shape: &Shape, first: u32) -> u16 {
    let (kind, len) = ((first / END_LEN_MAX) as usize, first % END_LEN_MAX + 1);
    let lens = len..=if len < END_LEN_MAX { len } else { LEN_MAX };
    lens.fold(0, |all, len| all | shape.followers(0, run_place(KINDS[kind], len as usize)))
}

/// The followers that second runs can have, a bit for each behind each run.
fn ends(shape: &Shape) -> [u32; ENDS_OF_FIRST] {
    let mut ends = [0; ENDS_OF_FIRST];
    let mut add = |second: u32, followers: u16| {
        let bit = second << FOLLOWER_BITS;
        ends[(bit / u32::BITS) as usize] |= u32::from(followers) << (bit % u32::BITS);
    };
    add(0, u16::from(shape.followers(1, 0) != 0));
    for (kind, first) in KINDS.iter().enumerate() {
        for len in 1..=LEN_MAX {
            let second = kind as u32 * SECOND_LEN_MAX + len.min(SECOND_LEN_MAX);
            add(second, shape.followers(1, run_place(*first, len as usize)));
        }
    }
    ends
}

/// Greatest length of a run that a shape tells.
const LEN_MAX: u32 = RUN_LEN_MAX as u32;

/// The followers that a first run can have, one bit each.
fn first_followers(shape: &Shape, first: u32) -> u16 {
    let (kind, len) = ((first - 1) / FIRST_LEN_MAX, (first - 1) % FIRST_LEN_MAX + 1);
    let of_len = |len: u32| shape.followers(0, run_place(KINDS[kind as usize], len as usize));
    if len < FIRST_LEN_MAX { of_len(len) } else { u16::from((len..=LEN_MAX).any(|len| of_len(len) != 0)) }
}

/// The second runs that a shape can have, one bit each.
fn seconds(shape: &Shape) -> u32 {
    let has = |run: usize| u32::from(shape.followers(1, run) != 0);
    let of_kind = |(number, first): (usize, &u8)| {
        let of_len = |len: u32| has(run_place(*first, len as usize));
        let told = (1..SECOND_LEN_MAX).fold(0, |bits, len| bits | of_len(len) << len);
        let more = (SECOND_LEN_MAX..=LEN_MAX).fold(0, |any, len| any | of_len(len));
        (told | more << SECOND_LEN_MAX) << (number as u32 * SECOND_LEN_MAX)
    };
    KINDS.iter().enumerate().map(of_kind).fold(has(0) | 1 << SECOND_UNTOLD, |all, bits| all | bits)
}

/// Whether a place of a text, where a token starts, is behind a lead, or a pattern can have such a token.
#[derive(Clone, Copy, Debug)]
pub(in crate::matching) struct TokenFilter<'t> {
    pub(in crate::matching) text: &'t [u8],
    pub(in crate::matching) masks: &'t Masks,
    /// The byte of the text that the place 0 stands for, and the first bit of each mask.
    pub(in crate::matching) from: usize,
    pub(in crate::matching) pairs: &'t PairSets,
    pub(in crate::matching) shapes: &'t ShapeSets,
    /// Places behind these bytes are kept.
    pub(in crate::matching) leads: [u8; 4],
    /// The byte that stands before and behind the text.
    pub(in crate::matching) end: u8,
}

/// The first run of a token, and what follows it and the second one.
struct End {
    first: u32,
    first_follower: u32,
    second_follower: u32,
}

impl TokenFilter<'_> {
    /// Whether a pattern can have a token with these two first bytes.
    pub(super) fn has_pair(&self, place: usize) -> bool {
        let (alnum, digit) = self.seen(place);
        let at = self.from + place;
        self.is_behind_lead(at) | self.pairs.holds(Ahead::of(alnum, digit), self.byte(at), self.byte(at + 1))
    }

    /// Whether a pattern can have a token with these two first runs.
    pub(super) fn has_shape(&self, place: usize) -> bool {
        let (alnum, digit) = self.seen(place);
        let at = self.from + place;
        let before = |bytes: usize| at.checked_sub(bytes).map_or(self.end, |at| self.text[at]);
        let behind = match before(1) {
            b'_' => Behind::Rest,
            b'-'..=b'/' | b':' if before(2).is_ascii_digit() => Behind::Rest,
            b'+' => Behind::Plus,
            _ => Behind::Other,
        };
        let (first, second) = self.runs((alnum, digit), at);
        let word = TokenKind { ahead: Ahead::of(alnum, digit), behind }.number() * OF_KIND + first;
        let end = self.end((alnum, digit), at).map_or(END_UNTOLD, |end| {
            let first = behind as u32 * END_FIRSTS + end.first;
            ((first << FOLLOWER_BITS | end.first_follower) << SECOND_BITS | second) << FOLLOWER_BITS
                | end.second_follower
        });
        let has_end = self.shapes.ends[(end / u32::BITS) as usize] >> (end % u32::BITS) & 1 == 1;
        self.is_behind_lead(at) | (self.shapes.seconds[word as usize] >> second & 1 == 1) & has_end
    }

    /// How the second run ends, where that is seen.
    fn end(&self, (alnum, digit): (u32, u32), at: usize) -> Option<End> {
        let (kind, first_len) = self.run((alnum, digit), at);
        let skip = first_len + (!(alnum >> first_len) & 1);
        let has_second = alnum >> skip & 1 == 1;
        let second_len = if has_second { self.run((alnum >> skip, digit >> skip), at + skip as usize).1 } else { 0 };
        let end = skip + second_len;
        let second_follower = if has_second { self.follower((alnum, digit), at, end) } else { 0 };
        (end + 2 <= SEEN_BITS).then(|| End {
            first: kind * END_LEN_MAX + first_len.min(END_LEN_MAX) - 1,
            first_follower: self.follower((alnum, digit), at, first_len),
            second_follower,
        })
    }

    /// What follows a run that ends so many bytes behind a place.
    fn follower(&self, (alnum, digit): (u32, u32), at: usize, end: u32) -> u32 {
        let behind = |mask: u32| mask.checked_shr(end + 1).unwrap_or(0) & 1;
        let followers = self.shapes.followers[usize::from(self.byte(at + end as usize))];
        let told = FOLLOWER_BITS * (behind(digit) + 2 * behind(alnum & !digit));
        followers >> told & ((1 << FOLLOWER_BITS) - 1)
    }

    /// The letters and digits, and the digits, from a place on.
    fn seen(&self, place: usize) -> (u32, u32) {
        let seen = |mask: &[u64]| bits_at(mask, place) as u32 & SEEN;
        (seen(&self.masks.alnum), seen(&self.masks.digit))
    }

    fn is_behind_lead(&self, at: usize) -> bool {
        at > 0 && self.leads.contains(&self.text[at - 1])
    }

    fn byte(&self, at: usize) -> u8 {
        self.text.get(at).copied().unwrap_or(self.end)
    }

    /// The first run with its follower, and the second.
    fn runs(&self, (alnum, digit): (u32, u32), at: usize) -> (u32, u32) {
        let (kind, len) = self.run((alnum, digit), at);
        let first = (kind * FIRST_LEN_MAX + len.min(FIRST_LEN_MAX)) << FOLLOWER_BITS;
        if len >= FIRST_LEN_MAX {
            return (first, SECOND_UNTOLD);
        }
        let first = first + self.follower((alnum, digit), at, len);
        let skip = len + (!(alnum >> len) & 1);
        if alnum >> skip & 1 == 0 {
            return (first, 0);
        }
        let (kind, len) = self.run((alnum >> skip, digit >> skip), at + skip as usize);
        let is_told = len < SEEN_BITS - skip || len >= SECOND_LEN_MAX;
        (first, if is_told { kind * SECOND_LEN_MAX + len.min(SECOND_LEN_MAX) } else { SECOND_UNTOLD })
    }

    /// Number of the kind and length of the run that begins with the first bits and at a place of the text.
    fn run(&self, (alnum, digit): (u32, u32), at: usize) -> (u32, u32) {
        if digit & 1 == 1 {
            return (0, digit.trailing_ones());
        }
        (if self.byte(at).is_ascii_lowercase() { 2 } else { 1 }, (alnum & !digit).trailing_ones())
    }
}

#[cfg(test)]
mod tests {
    use super::super::places::tests::{check, text};
    use super::super::tests::property_config;
    use super::super::{Isa, WindowTable, classify};
    use super::*;
    use crate::knowledge::{FOLLOWERS, RUNS};
    use proptest::prelude::*;

    fn masks(text: &[u8], from: usize) -> Masks {
        let mut masks = Masks::default();
        classify(Isa::Portable, &WindowTable::new(), text, from..text.len(), &mut masks);
        masks
    }

    #[test]
    fn what_lies_ahead_is_read_from_masks() {
        let rows = [
            ("a", 4),
            ("1", 0),
            ("abcdefg1", 0),
            ("abcdefgh1", 2),
            ("abcdefghijklmno1", 3),
            ("abcdefghijklmnop", 5),
            ("a 45678901234567890123 1", 0),
            ("a/////////////////////1/", 2),
            ("a//////////////////////.1", 4),
        ];
        for (text, expected) in rows {
            let masks = masks(text.as_bytes(), 0);
            let seen = |mask: &[u64]| mask[0] as u32 & SEEN;
            assert_eq!(Ahead::of(seen(&masks.alnum), seen(&masks.digit)), Ahead(expected), "{text}");
        }
    }

    #[test]
    fn a_row_starts_where_its_token_and_digit_can_stand() {
        let lets = |run_min, digit| Ahead::all().filter(move |ahead| ahead.lets(run_min, digit)).map(|ahead| ahead.0);
        assert!(lets(1, None).eq(0..6));
        assert!(lets(16, None).eq([1, 3, 5]));
        assert!(lets(1, Some(3)).eq([0, 1]), "near");
        assert!(lets(1, Some(8)).eq([0, 1, 2, 3]), "far");
        assert!(lets(16, Some(24)).eq([1, 3, 5]), "beyond what is seen");
    }

    /// The first two runs of a token, as a filter reads them.
    fn runs(text: &str) -> (u32, u32) {
        let masks = masks(text.as_bytes(), 0);
        let (pairs, shapes) = (PairSets::default(), ShapeSets::default());
        let (text, leads) = (text.as_bytes(), *b"\\%[;");
        let filter = TokenFilter { text, masks: &masks, from: 0, pairs: &pairs, shapes: &shapes, leads, end: b'\n' };
        filter.runs(filter.seen(0), 0)
    }

    #[test]
    fn runs_are_told_as_far_as_they_are_seen() {
        let first = |kind: u32, len: u32, behind: &[u8; 2]| {
            (kind * FIRST_LEN_MAX + len) << FOLLOWER_BITS | follower(behind[0], behind[1]) as u32
        };
        let open = |kind: u32| ((kind + 1) * FIRST_LEN_MAX) << FOLLOWER_BITS;
        let rows = [
            ("7", first(0, 1, b"\n\n"), 0),
            ("12-345", first(0, 2, b"-3"), 3),
            ("Ab 1", first(1, 2, b" 1"), 1),
            ("ab CD", first(2, 2, b" C"), SECOND_LEN_MAX + 2),
            ("ab12", first(2, 2, b"12"), 2),
            ("12ab", first(0, 2, b"ab"), 2 * SECOND_LEN_MAX + 2),
            ("12--345", first(0, 2, b"--"), 0),
            ("1 234567890", first(0, 1, b" 2"), 9),
            ("1 2345678901", first(0, 1, b" 2"), 10),
            ("1 23456789012", first(0, 1, b" 2"), 10),
            ("12345678901234567890123-4", first(0, 23, b"-4"), SECOND_UNTOLD),
            ("12345678901234567890123-x", first(0, 23, b"-x"), SECOND_UNTOLD),
            ("12345678901234567890123--", first(0, 23, b"--"), 0),
            ("123456789012345678901234-5", open(0), SECOND_UNTOLD),
            ("abcdefghijklmnopqrstuvwxyz", open(2), SECOND_UNTOLD),
        ];
        for (text, first, second) in rows {
            assert_eq!(runs(text), (first, second), "{text}");
        }
    }

    #[test]
    fn what_follows_the_second_run_and_stands_behind_the_token_is_told() {
        let mark = |mark: u8| follower(mark, b'1');
        let shape = Shape::from_fn(|number, run, follower| match number {
            0 => run == run_place(b'1', 3) && follower == mark(b'.'),
            1 => run == run_place(b'1', 3) && follower == mark(b'-'),
            _ => true,
        });
        let has_shape = |text: &str, behind: Behind| {
            let (pairs, mut shapes) = (PairSets::default(), ShapeSets::default());
            shapes.insert(&shape, &TokenKind::all().filter(|kind| kind.behind == behind).collect::<Vec<_>>());
            let masks = masks(text.as_bytes(), 0);
            let (text, leads) = (text.as_bytes(), *b"\\%[;");
            let filter =
                TokenFilter { text, masks: &masks, from: 0, pairs: &pairs, shapes: &shapes, leads, end: b'\n' };
            let at = text.iter().position(u8::is_ascii_digit).expect("a digit");
            filter.has_shape(at)
        };
        let rows = [
            ("123.456-7", Behind::Other, true),
            ("123.456.7", Behind::Other, false),
            ("123.456-", Behind::Other, false),
            ("123.456", Behind::Other, false),
            ("123.45-7", Behind::Other, false),
            ("123-456-7", Behind::Other, false),
            ("+123.456-7", Behind::Other, false),
            ("+123.456-7", Behind::Plus, true),
            ("_123.456-7", Behind::Plus, false),
            ("_123.456-7", Behind::Rest, true),
            ("123.456-7", Behind::Rest, false),
        ];
        for (text, behind, expected) in rows {
            assert_eq!(has_shape(text, behind), expected, "{text} {behind:?}");
        }
    }

    proptest! {
        #![proptest_config(property_config(128))]

        #[test]
        fn every_instruction_set_keeps_the_same_tokens(
            pairs in prop::collection::vec((0..Ahead::COUNT, any::<u8>(), any::<u64>()), 0..400),
            seeds in prop::collection::vec((any::<u64>(), 0..TokenKind::COUNT as usize), 0..3),
            text in prop_oneof![
                text(b"aZ19_-.:+ ", 600),
                text(b"a1b2c3Z \\", 90),
                text(b"0123456789abcdefghijklmnopq", 300),
                prop::collection::vec(any::<u8>(), 70..500),
            ],
            from in 0..70usize,
        ) {
            let (mut sets, mut shapes) = (PairSets::default(), ShapeSets::default());
            for (ahead, first, seconds) in pairs {
                for first in [first, b'a', b'1'] {
                    sets.insert(Ahead(ahead), first, &[seconds, seconds.rotate_left(7), 0, seconds]);
                }
            }
            for (seed, kind) in seeds {
                let holds = |number: usize, run: usize, follower: usize| {
                    let mixed = seed ^ (number * RUNS * FOLLOWERS + run * FOLLOWERS + follower) as u64;
                    mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 62 != 0
                };
                let kinds: Vec<TokenKind> = TokenKind::all().skip(kind).collect();
                shapes.insert(&Shape::from_fn(holds), &kinds);
            }
            for from in [from.min(text.len() - 1), 0] {
                let masks = masks(&text, from);
                let (text, leads) = (&text[..], *b"\\%[;");
                let filter = TokenFilter { text, masks: &masks, from, pairs: &sets, shapes: &shapes, leads, end: b'\n' };
                check(&text[from..], 0, |isa, places| places.keep_pairs(isa, &filter), |place| filter.has_pair(place));
                check(&text[from..], 0, |isa, places| places.keep_shapes(isa, &filter), |place| filter.has_shape(place));
            }
        }
    }
}
