//! Places of a text: taken from a mask, and kept where a look into a table says so.
//!
//! The kernels mark one byte in seven of source code, one in four of prose, and what the stages behind do for each of
//! them is most of the work of a scan. So the first questions are asked of eight or sixteen places at once, and answered
//! without a branch, because no processor foretells such answers. [`WordFilter::holds`] and those of a [`TokenFilter`]
//! are the specifications.

use super::Isa;
use super::lanes::LANES_MAX as LANES;
use super::tokens::{SEEN_BITS, TokenFilter};
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};

/// Words of a mask whose bits are looked at together: few enough for the places to stay in the fastest cache.
pub(in crate::matching) const STRETCH_WORDS: usize = 64;

/// Greatest place that a stretch may begin with: what is looked at behind its places has a number as well.
const PLACE_MAX: usize = i32::MAX as usize - STRETCH_WORDS * 64 - SEEN_BITS as usize;

/// Letters in any case, hashed alike: sets the bit in which they differ, in every byte.
pub(in crate::matching) const CASE_BITS: u32 = 0x2020_2020;

/// The same for eight bytes.
pub(in crate::matching) const CASE_BITS_OF_EIGHT: u64 = (CASE_BITS as u64) << u32::BITS | CASE_BITS as u64;

/// The bytes of a short word.
pub(in crate::matching) const SHORT_MASK: u32 = 0x00ff_ffff;

/// Bits of a hash that address the bitmap of a [`WordSet`]: 16 KiB, which fit the fastest cache.
pub(super) const HASH_BITS: u32 = 17;

/// The same of the bitmap that is asked six times of each place that is left: 64 KiB, so that few pass by chance.
pub(super) const BESIDE_HASH_BITS: u32 = 19;

/// Of a multiplicative hash, whose high bits depend on all bytes.
pub(in crate::matching) const MULTIPLIER: u32 = 0x9e37_79b1;

/// The same for what stands beside a word.
pub(super) const BESIDE_MULTIPLIER: u32 = 0x85eb_ca77;

/// Places in a stretch of text, in ascending order, of which ever fewer are kept.
#[derive(Debug, Default)]
pub(in crate::matching) struct Places {
    places: Vec<u32>,
    len: usize,
}

/// Goes through places in their order, and keeps those that pass. Those that it has not come to are dropped.
#[derive(Debug)]
pub(in crate::matching) struct Sieve<'p> {
    places: &'p mut Places,
    seen: usize,
    kept: usize,
}

impl Sieve<'_> {
    /// The next place.
    #[inline(always)]
    pub(in crate::matching) fn place(&self) -> Option<usize> {
        self.places.places[..self.places.len].get(self.seen).map(|place| *place as usize)
    }

    /// Keeps the place or drops it, and goes on to the next one. It costs no branch, because which way it would go is
    /// not to be foretold.
    #[inline(always)]
    pub(in crate::matching) fn keep(&mut self, passes: bool) {
        if self.seen < self.places.len {
            self.places.places[self.kept] = self.places.places[self.seen];
            self.kept += usize::from(passes);
            self.seen += 1;
        }
    }
}

impl Drop for Sieve<'_> {
    fn drop(&mut self) {
        self.places.len = self.kept;
    }
}

/// How to take and keep, by the instruction set. Functions of vectors may only be called on processors that have the
/// instructions. Each gets as many places as there are, with [`LANES`] more to write to, and gives the number of those
/// that it took or kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Functions {
    /// Room for 64 places is left for each word.
    pub(super) take: unsafe fn(&mut [u32], &[u64], u32) -> usize,
    pub(super) keep_words: unsafe fn(&mut [u32], &WordFilter<'_>) -> usize,
    pub(super) keep_beside: unsafe fn(&mut [u32], &WordFilter<'_>) -> usize,
    pub(super) keep_pairs: unsafe fn(&mut [u32], &TokenFilter<'_>) -> usize,
    pub(super) keep_shapes: unsafe fn(&mut [u32], &TokenFilter<'_>) -> usize,
}

const PORTABLE: Functions = Functions { take, keep_words, keep_beside, keep_pairs, keep_shapes };

impl Functions {
    fn of(isa: Isa) -> Self {
        match isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => avx512::places().unwrap_or(PORTABLE),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => avx2::places().unwrap_or(PORTABLE),
            _ => PORTABLE,
        }
    }
}

#[allow(unsafe_code, reason = "calls of functions that need processor features")]
impl Places {
    /// Takes the set bits of a stretch of a mask, of which the first bit stands for the place `first`.
    ///
    /// # Panics
    /// When the stretch has more words than [`STRETCH_WORDS`].
    pub(in crate::matching) fn take(&mut self, isa: Isa, words: &[u64], first: usize) {
        assert!(words.len() <= STRETCH_WORDS, "expected at most {STRETCH_WORDS} words, got {}", words.len());
        // Vectors take places for signed numbers.
        assert!(first <= PLACE_MAX, "expected a stretch at {PLACE_MAX} at most, got {first}");
        self.places.resize(STRETCH_WORDS * 64 + LANES, 0);
        // SAFETY: `of` gives functions out only where the processor has what they need.
        self.len = unsafe { (Functions::of(isa).take)(&mut self.places, words, first as u32) };
    }

    /// Keeps the places where some word of a set may stand, first without and then with what stands beside it.
    pub(in crate::matching) fn keep_words(&mut self, isa: Isa, filter: &WordFilter<'_>) {
        let functions = Functions::of(isa);
        for keep in [functions.keep_words, functions.keep_beside] {
            // SAFETY: as above.
            self.len = unsafe { keep(&mut self.places[..self.len + LANES], filter) };
        }
    }

    /// Keeps the places of tokens whose first two bytes a pattern can have, or behind a lead.
    pub(in crate::matching) fn keep_pairs(&mut self, isa: Isa, filter: &TokenFilter<'_>) {
        // SAFETY: as above.
        self.len = unsafe { (Functions::of(isa).keep_pairs)(&mut self.places[..self.len + LANES], filter) };
    }

    /// Keeps the places of tokens whose runs a pattern can have, or behind a lead.
    pub(in crate::matching) fn keep_shapes(&mut self, isa: Isa, filter: &TokenFilter<'_>) {
        // SAFETY: as above.
        self.len = unsafe { (Functions::of(isa).keep_shapes)(&mut self.places[..self.len + LANES], filter) };
    }

    /// Goes through the places, to keep some.
    pub(in crate::matching) fn sieve(&mut self) -> Sieve<'_> {
        Sieve { places: self, seen: 0, kept: 0 }
    }

    pub(in crate::matching) fn iter(&self) -> impl Iterator<Item = usize> {
        self.places[..self.len].iter().map(|place| *place as usize)
    }
}

/// Keeps of the places from `seen` on those that pass, behind the `kept` ones. What does not pass costs no branch.
#[inline]
pub(super) fn keep_from(places: &mut [u32], seen: usize, mut kept: usize, passes: impl Fn(u32) -> bool) -> usize {
    for index in seen..places.len() {
        let place = places[index];
        places[kept] = place;
        kept += usize::from(passes(place));
    }
    kept
}

fn take(places: &mut [u32], words: &[u64], first: u32) -> usize {
    let mut len = 0;
    for (index, word) in words.iter().enumerate() {
        let (mut word, at) = (*word, first + index as u32 * u64::BITS);
        while word != 0 {
            places[len] = at + word.trailing_zeros();
            len += 1;
            word &= word - 1;
        }
    }
    len
}

fn keep_words(places: &mut [u32], filter: &WordFilter<'_>) -> usize {
    let len = places.len() - LANES;
    keep_from(&mut places[..len], 0, 0, |place| filter.holds(place as usize))
}

fn keep_beside(places: &mut [u32], filter: &WordFilter<'_>) -> usize {
    let len = places.len() - LANES;
    keep_from(&mut places[..len], 0, 0, |place| filter.holds_beside(place as usize))
}

fn keep_pairs(places: &mut [u32], filter: &TokenFilter<'_>) -> usize {
    let len = places.len() - LANES;
    keep_from(&mut places[..len], 0, 0, |place| filter.has_pair(place as usize))
}

fn keep_shapes(places: &mut [u32], filter: &TokenFilter<'_>) -> usize {
    let len = places.len() - LANES;
    keep_from(&mut places[..len], 0, 0, |place| filter.has_shape(place as usize))
}

/// Words of four bytes and of three, by their hashes: it knows each that was added in any ASCII case, and few others.
#[derive(Clone, Debug)]
pub(in crate::matching) struct WordSet {
    /// The words.
    pub(super) words: Box<[u32]>,
    /// The words with what stands beside them.
    pub(super) beside: Box<[u32]>,
}

/// What is known of the two bytes before a word and the two behind it, as the bits of each that count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::matching) struct Beside(pub(super) u32);

impl Beside {
    /// From the most that can be known to nothing.
    pub(super) const ALL: [Self; 5] =
        [Self(0xffff_0000), Self(0x0000_ffff), Self(0x00ff_0000), Self(0x0000_ff00), Self(0)];

    /// What is known of a word at an offset of a longer text.
    fn of(text_len: usize, offset: usize) -> Self {
        match (offset, text_len.saturating_sub(offset + size_of::<u32>())) {
            (_, 2..) => Self::ALL[0],
            (2.., _) => Self::ALL[1],
            (_, 1) => Self::ALL[2],
            (1, _) => Self::ALL[3],
            _ => Self::ALL[4],
        }
    }
}

impl WordSet {
    pub(in crate::matching) fn new() -> Self {
        let bits = |of_hash: u32| vec![0; 1 << (of_hash - u32::BITS.ilog2())].into();
        Self { words: bits(HASH_BITS), beside: bits(BESIDE_HASH_BITS) }
    }

    /// Adds the word at an offset of a text, of three bytes when that ends behind them; of such a word nothing beside
    /// it is known.
    pub(in crate::matching) fn insert(&mut self, text: &[u8], offset: usize) {
        let is_short = text.len() < offset + size_of::<u32>();
        let word = word_at(text, offset) & if is_short { SHORT_MASK } else { u32::MAX };
        let beside = if is_short { 0 } else { beside_at(text, offset) & Beside::of(text.len(), offset).0 };
        let [of_word, of_both] = [bit(word, 0, HASH_BITS), bit(word, beside, BESIDE_HASH_BITS)];
        for (bits, bit) in [(&mut self.words, of_word), (&mut self.beside, of_both)] {
            bits[bit >> 5] |= 1 << (bit & 31);
        }
    }
}

/// Place of the bit of a word with what stands beside it, of a hash of so many bits.
fn bit(word: u32, beside: u32, hash_bits: u32) -> usize {
    let mixed = (word ^ beside.wrapping_mul(BESIDE_MULTIPLIER)).wrapping_mul(MULTIPLIER);
    (mixed >> (u32::BITS - hash_bits)) as usize
}

fn holds(bits: &[u32], bit: usize) -> bool {
    bits[bit >> 5] >> (bit & 31) & 1 == 1
}

/// The two bytes before a word and the two behind it with letters in one case; bytes outside of the text are zero.
fn beside_at(text: &[u8], at: usize) -> u32 {
    let byte = |at: Option<usize>| at.and_then(|at| text.get(at)).copied().unwrap_or(0);
    let bytes = [at.checked_sub(2), at.checked_sub(1), Some(at + 4), Some(at + 5)].map(byte);
    u32::from_le_bytes(bytes) | CASE_BITS
}

/// The four bytes from `at` with letters in one case; bytes behind the end are zero.
#[inline]
pub(in crate::matching) fn word_at(text: &[u8], at: usize) -> u32 {
    let bytes = match text[at..].first_chunk() {
        Some(bytes) => *bytes,
        None => std::array::from_fn(|offset| text.get(at + offset).copied().unwrap_or(0)),
    };
    u32::from_le_bytes(bytes) | CASE_BITS
}

/// Whether a word of a set may stand at a place of a text.
#[derive(Debug)]
pub(in crate::matching) struct WordFilter<'t> {
    pub(in crate::matching) text: &'t [u8],
    pub(in crate::matching) words: &'t WordSet,
}

impl WordFilter<'_> {
    pub(super) fn holds(&self, place: usize) -> bool {
        let word = word_at(self.text, place);
        let holds = |word| holds(&self.words.words, bit(word, 0, HASH_BITS));
        holds(word) | holds(word & SHORT_MASK)
    }

    pub(super) fn holds_beside(&self, place: usize) -> bool {
        let (word, beside) = (word_at(self.text, place), beside_at(self.text, place));
        let holds = |word, beside| holds(&self.words.beside, bit(word, beside, BESIDE_HASH_BITS));
        Beside::ALL.iter().any(|known| holds(word, beside & known.0)) | holds(word & SHORT_MASK, 0)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::tests::property_config;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn places_are_taken_and_kept_in_order() {
        for isa in Isa::available() {
            let mut places = Places::default();
            places.take(isa, &[1 << 5 | 1 << 63, 0, 1 | 1 << 3], 640);
            assert_eq!(places.iter().collect::<Vec<_>>(), [645, 703, 768, 771]);
            let mut sieve = places.sieve();
            while let Some(place) = sieve.place() {
                sieve.keep(place % 2 == 1);
            }
            drop(sieve);
            assert_eq!(places.iter().collect::<Vec<_>>(), [645, 703, 771]);
            places.sieve().keep(true);
            assert_eq!(places.iter().collect::<Vec<_>>(), [645], "what is not looked at is dropped");
            places.take(isa, &[u64::MAX; STRETCH_WORDS], 64);
            assert!(places.iter().eq(64..64 + STRETCH_WORDS * 64), "{isa:?}");
        }
    }

    #[test]
    fn words_are_known_in_any_case() {
        let mut words = WordSet::new();
        words.insert(b"aKi1", 0);
        words.insert(b"AB_", 0);
        words.insert(b"xyaKi2", 2);
        let text = b"Aki1 ab_ ?KI1 abc aki2 xYaki2";
        let filter = WordFilter { text, words: &words };
        let known = |holds: &dyn Fn(usize) -> bool| (0..text.len()).filter(|place| holds(*place)).collect::<Vec<_>>();
        assert_eq!(known(&|place| filter.holds(place)), [0, 5, 18, 25]);
        assert_eq!(known(&|place| filter.holds_beside(place)), [0, 5, 25], "what stands before is not as it should be");
    }

    #[test]
    fn as_much_is_known_beside_a_word_as_the_text_has() {
        let rows = [(3, 0, 4), (4, 0, 4), (5, 0, 2), (5, 1, 3), (6, 0, 0), (6, 1, 2), (6, 2, 1), (9, 5, 1), (9, 2, 0)];
        for (text_len, offset, expected) in rows {
            assert_eq!(Beside::of(text_len, offset), Beside::ALL[expected], "{text_len} {offset}");
        }
    }

    fn words() -> impl Strategy<Value = Vec<u64>> {
        let word = prop_oneof![any::<u64>(), Just(0), Just(u64::MAX), (0..64u32).prop_map(|bit| 1 << bit)];
        prop::collection::vec(word, 0..=STRETCH_WORDS)
    }

    pub(in super::super) fn text(bytes: &'static [u8], most: usize) -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(prop::sample::select(bytes), 1..most)
    }

    /// What each instruction set keeps of all places of a text.
    pub(in super::super) fn check(
        text: &[u8],
        first: usize,
        keep: impl Fn(Isa, &mut Places),
        holds: impl Fn(usize) -> bool,
    ) {
        let count = text.len().min(STRETCH_WORDS * 64);
        let words: Vec<u64> = (0..count.div_ceil(64))
            .map(|word| (0..64).filter(|bit| word * 64 + bit < count).fold(0, |bits, bit| bits | 1 << bit))
            .collect();
        let expected: Vec<usize> = (first..first + count).filter(|place| holds(*place)).collect();
        for isa in Isa::available() {
            let mut places = Places::default();
            places.take(isa, &words, first);
            keep(isa, &mut places);
            assert_eq!(places.iter().collect::<Vec<_>>(), expected, "{isa:?}");
        }
    }

    proptest! {
        #![proptest_config(property_config(256))]

        #[test]
        fn every_instruction_set_takes_all_bits(words in words(), first in 0..1000usize) {
            let bits = words.iter().enumerate().flat_map(|(index, word)| (0..64).filter(move |bit| word >> bit & 1 == 1).map(move |bit| first + index * 64 + bit));
            let expected: Vec<usize> = bits.collect();
            for isa in Isa::available() {
                let mut places = Places::default();
                places.take(isa, &words, first);
                prop_assert_eq!(places.iter().collect::<Vec<_>>(), expected.clone(), "{:?}", isa);
            }
        }

        #[test]
        fn every_instruction_set_keeps_the_same_words(
            known in prop::collection::vec((text(b"abAB_1", 9), 0..4usize), 0..9),
            text in text(b"abAB_1 ", 300),
        ) {
            let mut words = WordSet::new();
            for (word, offset) in known.iter().filter(|(word, offset)| word.len() >= offset + 3) {
                words.insert(word, *offset);
                // Each that was added is found again.
                let filter = WordFilter { text: word, words: &words };
                prop_assert!(filter.holds(*offset) && filter.holds_beside(*offset));
            }
            let filter = WordFilter { text: &text, words: &words };
            let holds = |place| filter.holds(place) && filter.holds_beside(place);
            check(&text, 0, |isa, places| places.keep_words(isa, &filter), holds);
        }
    }
}
