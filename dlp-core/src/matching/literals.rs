//! The literals of all detectors, arranged for the first pass, and the exact check of what the first pass points at.
//!
//! Each literal has four neighbouring bytes, its *window*, and a bucket, [arranged](dlp_detector_format::arrange) so that
//! few places are marked. The kernel marks a place when some bucket admits the four bytes there; with the literals of all
//! built-in detectors that is one byte in seven of source code, one in four of prose, those included that count beside a
//! key run alone. A marked place is looked up by a hash of its four bytes in a bitmap that fits the fastest cache, then of
//! these and what stands beside them in a larger one, and only then compared. What remains is exact:
//! [`Literals::each_hit`] gives the hits that a search for every literal in any ASCII case gives, overlapping ones
//! included.

use super::simd::{
    CASE_BITS_OF_EIGHT, MULTIPLIER, SHORT_MASK, WINDOW_BYTES, WindowTable, WordFilter, WordSet, symbol, word_at,
};
use dlp_detector_format::{Arrangement, WindowPlace};

/// Bits of a hash that address the list of entries.
const HEAD_BITS: u32 = 12;

/// Index of a literal in the order in which it was added.
pub(super) type LiteralIndex = u32;

/// A literal of three bytes or more, or `@`, in lower case.
#[derive(Clone, Debug, Default)]
pub(super) struct Literal {
    pub(super) text: Vec<u8>,
    /// Whether it counts beside a key run alone.
    pub(super) is_keyed: bool,
    /// Its place among the buckets, when it came with one.
    pub(super) place: Option<WindowPlace>,
}

impl Literal {
    /// The place that it came with, unless that is for places beside key runs and the literal counts elsewhere too.
    fn known_place(&self) -> Option<WindowPlace> {
        self.place.filter(|place| self.is_keyed || !place.is_keyed())
    }
}

/// The places of literals that have a window.
fn places(literals: &[Literal]) -> Vec<(usize, WindowPlace)> {
    let windowed = || literals.iter().enumerate().filter(|(_, literal)| literal.text.len() + 1 >= WINDOW_BYTES);
    let mut places: Vec<_> = windowed().filter_map(|(index, literal)| Some((index, literal.known_place()?))).collect();
    let mut others: Vec<_> = windowed().filter(|(_, literal)| literal.known_place().is_none()).collect();
    if others.is_empty() {
        return places;
    }
    let placed = places.iter().map(|(index, place)| (literals[*index].text.as_slice(), *place));
    let mut arrangement = Arrangement::of(placed);
    // The short ones first: they have no choice.
    others.sort_by_key(|(index, literal)| (literal.text.len(), *index));
    let added = others.into_iter().map(|(index, literal)| (index, arrangement.add(&literal.text, literal.is_keyed)));
    places.extend(added);
    places
}

/// Lets a bucket admit a window; what stands behind the end of a literal may be anything.
fn admit(table: &mut WindowTable, window: &[u8], bucket: usize) {
    for offset in 0..WINDOW_BYTES {
        let symbols = window.get(offset).map_or(0..64, |byte| symbol(*byte)..symbol(*byte) + 1);
        symbols.for_each(|symbol| table.admit(bucket, offset, symbol));
    }
}

/// Literals, compiled.
#[derive(Debug)]
pub(super) struct Literals {
    table: WindowTable,
    texts: Vec<Box<[u8]>>,
    /// The windows of all literals.
    filter: WordSet,
    full: Lookup,
    short: Lookup,
    len_max: usize,
    /// The literal `@`, which the kernel has a mask of its own for.
    at_sign: Option<LiteralIndex>,
}

impl Literals {
    /// Compiles literals.
    pub(super) fn new(literals: Vec<Literal>) -> Self {
        let mut table = WindowTable::new();
        let (mut full, mut short) = (Vec::new(), Vec::new());
        let mut filter = WordSet::new();
        for (index, place) in places(&literals) {
            let text = &literals[index].text;
            let offset = usize::from(place.offset);
            admit(&mut table, &text[offset..], usize::from(place.bucket));
            let entry = Entry::new(index as LiteralIndex, text, offset);
            let entries = if text.len() < WINDOW_BYTES { &mut short } else { &mut full };
            filter.insert(text, offset);
            entries.push(entry);
        }
        Self {
            table,
            filter,
            full: Lookup::new(full, u32::MAX),
            short: Lookup::new(short, SHORT_MASK),
            len_max: literals.iter().map(|literal| literal.text.len()).max().unwrap_or(0),
            at_sign: literals.iter().position(|literal| literal.text == b"@").map(|index| index as LiteralIndex),
            texts: literals.into_iter().map(|literal| literal.text.into_boxed_slice()).collect(),
        }
    }

    /// What the kernel looks for.
    pub(super) fn table(&self) -> &WindowTable {
        &self.table
    }

    /// Bytes of the longest literal.
    pub(super) fn len_max(&self) -> usize {
        self.len_max
    }

    /// Bytes of a literal.
    pub(super) fn len(&self, literal: LiteralIndex) -> usize {
        self.texts[literal as usize].len()
    }

    /// The literal `@`, if there is one.
    pub(super) fn at_sign(&self) -> Option<LiteralIndex> {
        self.at_sign
    }

    /// Where some literal may have its window. Asked of each place that the kernel marks, so that few are looked up.
    pub(super) fn filter<'t>(&'t self, text: &'t [u8]) -> WordFilter<'t> {
        WordFilter { text, words: &self.filter }
    }

    /// Gives each literal whose window stands at `at`, with the place where the literal starts.
    #[inline]
    pub(super) fn each_hit(&self, text: &[u8], at: usize, each: &mut impl FnMut(usize, LiteralIndex)) {
        let window = word_at(text, at);
        for lookup in [&self.full, &self.short] {
            for entry in lookup.entries(window) {
                let Some(start) = at.checked_sub(entry.offset as usize) else { continue };
                if !entry.may_start(text, start) {
                    continue;
                }
                let literal = &self.texts[entry.literal as usize];
                if text.get(start..start + literal.len()).is_some_and(|bytes| bytes.eq_ignore_ascii_case(literal)) {
                    each(start, entry.literal);
                }
            }
        }
    }
}

/// A literal under its window.
#[derive(Clone, Copy, Debug)]
struct Entry {
    window: u32,
    literal: LiteralIndex,
    /// Of the window in the literal.
    offset: u32,
    /// The first bytes of the literal with the bit set in which cases differ, and which bits of them it has: most others of
    /// the same window are told from it without a look at its text, which lies far away.
    head: u64,
    told: u64,
}

impl Entry {
    fn new(literal: LiteralIndex, text: &[u8], offset: usize) -> Self {
        let bytes = |byte: &dyn Fn(u8) -> u8| {
            u64::from_le_bytes(std::array::from_fn(|place| text.get(place).copied().map_or(0, byte)))
        };
        let told = bytes(&|_| u8::MAX);
        let head = (bytes(&|byte| byte) | CASE_BITS_OF_EIGHT) & told;
        Self { window: word_at(text, offset), literal, offset: offset as u32, head, told }
    }

    /// Whether the literal may start at a place, as far as its first bytes tell.
    #[inline]
    fn may_start(&self, text: &[u8], start: usize) -> bool {
        let Some(eight) = text[start..].first_chunk() else { return true };
        (u64::from_le_bytes(*eight) | CASE_BITS_OF_EIGHT) & self.told == self.head
    }
}

/// Entries by the hash of their window.
#[derive(Debug)]
struct Lookup {
    mask: u32,
    /// Where the entries of each hash begin; one more than there are hashes.
    heads: Box<[u32]>,
    entries: Box<[Entry]>,
}

impl Lookup {
    fn new(mut entries: Vec<Entry>, mask: u32) -> Self {
        entries.iter_mut().for_each(|entry| entry.window &= mask);
        if entries.is_empty() {
            return Self { mask, heads: Box::default(), entries: Box::default() };
        }
        let mut heads = vec![0u32; (1 << HEAD_BITS) + 1];
        entries.sort_by_key(|entry| (head(entry.window), entry.literal));
        for entry in &entries {
            heads[head(entry.window) + 1] += 1;
        }
        for index in 1..heads.len() {
            heads[index] += heads[index - 1];
        }
        Self { mask, heads: heads.into(), entries: entries.into() }
    }

    #[inline]
    fn entries(&self, window: u32) -> impl Iterator<Item = &Entry> {
        let window = window & self.mask;
        let head = head(window);
        let entries = match self.heads.get(head..head + 2) {
            Some([begin, end]) => &self.entries[*begin as usize..*end as usize],
            _ => &[],
        };
        entries.iter().filter(move |entry| entry.window == window)
    }
}

/// Multiplicative hash; its high bits depend on all bytes.
fn hash(window: u32) -> u32 {
    window.wrapping_mul(MULTIPLIER)
}

fn head(window: u32) -> usize {
    (hash(window) >> (32 - HEAD_BITS)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matching::simd::{Isa, Masks, classify};
    use aho_corasick::AhoCorasick;
    use proptest::prelude::*;

    /// Every hit as the kernel and the exact check find it.
    fn hits(literals: &Literals, isa: Isa, text: &[u8]) -> Vec<(usize, usize)> {
        let mut masks = Masks::default();
        classify(isa, literals.table(), text, 0..text.len(), &mut masks);
        let mut found = Vec::new();
        let marked = |at: &usize| (masks.literal[at / 64] | masks.keyed[at / 64]) >> (at % 64) & 1 == 1;
        for at in (0..text.len()).filter(marked) {
            literals.each_hit(text, at, &mut |start, literal| found.push((start, literal as usize)));
        }
        found.sort_unstable();
        found
    }

    /// Literals, some of which count beside key runs alone.
    fn literals(texts: &[Vec<u8>], is_keyed: impl Fn(usize) -> bool) -> Literals {
        let literal =
            |(index, text): (usize, &Vec<u8>)| Literal { text: text.clone(), is_keyed: is_keyed(index), place: None };
        Literals::new(texts.iter().enumerate().map(literal).collect())
    }

    fn reference(texts: &[Vec<u8>], text: &[u8]) -> Vec<(usize, usize)> {
        let searcher = AhoCorasick::builder().ascii_case_insensitive(true).build(texts).expect("small table");
        let mut found: Vec<_> =
            searcher.find_overlapping_iter(text).map(|hit| (hit.start(), hit.pattern().as_usize())).collect();
        found.sort_unstable();
        found
    }

    proptest! {
        #[test]
        fn hits_equal_those_of_aho_corasick(
            texts in prop::collection::btree_set("[a-d_@1\\-ł]{3,9}", 1..60),
            text in prop::collection::vec("[a-dA-D_@1\\-łq]{0,9}", 0..60),
        ) {
            let texts: Vec<_> = texts.into_iter().map(String::into_bytes).collect();
            let text = text.concat().into_bytes();
            let literals = literals(&texts, |index| index % 3 == 0);
            let expected = reference(&texts, &text);
            for isa in Isa::available() {
                prop_assert_eq!(hits(&literals, isa, &text), expected.clone(), "{:?}", isa);
            }
        }
    }

    #[test]
    fn the_last_bytes_of_a_text_are_searched() {
        let literals = literals(&[b"abc".to_vec(), b"wxyz".to_vec()], |_| false);
        for (text, expected) in
            [("abc", vec![(0, 0)]), ("..ABC", vec![(2, 0)]), ("wxyZ", vec![(0, 1)]), ("wxy", vec![])]
        {
            for isa in Isa::available() {
                assert_eq!(hits(&literals, isa, text.as_bytes()), expected, "{text} {isa:?}");
            }
        }
    }

    #[test]
    fn the_at_sign_has_no_window() {
        let literals = literals(&[b"abcd".to_vec(), b"@".to_vec()], |_| false);
        assert_eq!((literals.at_sign(), literals.len_max()), (Some(1), 4));
        assert_eq!(hits(&literals, Isa::Portable, b"@@@@ abcd"), [(5, 0)]);
        assert_eq!(Literals::new(Vec::new()).at_sign(), None);
    }

    #[test]
    fn a_literal_keeps_its_place_unless_it_counts_everywhere() {
        let place = Some(WindowPlace { offset: 2, bucket: 40 });
        let literal = |text: &[u8], is_keyed, place| Literal { text: text.to_vec(), is_keyed, place };
        let known =
            [literal(b"acme_key", true, place), literal(b"other_key", false, place), literal(b"new", true, None)];
        let found = places(&known);
        assert_eq!(found[0], (0, WindowPlace { offset: 2, bucket: 40 }));
        let [(2, new), (1, moved)] = found[1..] else { panic!("{found:?}") };
        assert!(new.is_keyed() && !moved.is_keyed());
    }

    #[test]
    fn a_lookup_gives_the_entries_of_a_window_and_no_others() {
        let windows: Vec<u32> = (0..3_000u32).map(|n| word_at(&n.wrapping_mul(0x0101_4567).to_le_bytes(), 0)).collect();
        let entry = |(literal, window): (usize, &u32)| Entry {
            window: *window,
            literal: literal as u32,
            ..Entry::new(0, b"abcd", 0)
        };
        for mask in [u32::MAX, SHORT_MASK] {
            let lookup = Lookup::new(windows.iter().enumerate().map(entry).collect(), mask);
            for window in windows.iter().flat_map(|window| [*window, window ^ 1, window ^ 1 << 24]) {
                let found: Vec<u32> = lookup.entries(window).map(|entry| entry.literal).collect();
                let same = windows.iter().enumerate().filter(|(_, known)| **known & mask == window & mask);
                assert_eq!(found, same.map(|(literal, _)| literal as u32).collect::<Vec<_>>(), "{window:x} {mask:x}");
            }
            assert!(Lookup::new(Vec::new(), mask).entries(windows[0]).next().is_none());
        }
    }
}
