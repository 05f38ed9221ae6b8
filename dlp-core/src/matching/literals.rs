//! The literals of all detectors, arranged for the first pass, and the exact check of what the first pass points at.
//!
//! Each literal chooses four neighbouring bytes, its *window*, and a bucket. The kernel marks a place when some bucket
//! admits the four bytes there; with the literals of all built-in detectors spread over the buckets that is one byte in
//! six of prose and source code. A marked place is looked up by a hash of its four bytes, then of these and what stands
//! beside them, in bitmaps that fit the fastest caches, and only then compared. What remains is exact:
//! [`Literals::each_hit`] gives the hits that a search for every literal in any ASCII case gives, overlapping ones
//! included.

use dlp_detector_format::{expected_per_mb, symbol_probability};

use super::simd::{
    BUCKETS_PER_BANK, MULTIPLIER, SHORT_MASK, WINDOW_BYTES, WindowTable, WordFilter, WordSet, symbol, word_at,
};

/// Banks of eight buckets. More banks admit fewer places and cost more instructions for each byte.
const BANKS: usize = 4;

const BUCKETS: usize = BANKS * BUCKETS_PER_BANK;

/// Windows of a literal that are looked at, from its start.
const WINDOWS_SEEN_MAX: usize = 12;

/// The rarest of them, which are tried in every bucket.
const WINDOWS_TRIED_MAX: usize = 6;

/// Bits of a hash that address the list of entries.
const HEAD_BITS: u32 = 12;

/// Index of a literal in the order in which it was added.
pub(super) type LiteralIndex = u32;

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
    /// Compiles literals of three bytes or more, or `@`, in lower case.
    pub(super) fn new(texts: Vec<Vec<u8>>) -> Self {
        let mut buckets = Buckets::new();
        let mut table = WindowTable::new(BANKS);
        let (mut full, mut short) = (Vec::new(), Vec::new());
        let mut filter = WordSet::new();
        // The short ones first: they have no choice.
        let mut order: Vec<_> = (0..texts.len()).collect();
        order.sort_by_key(|index| (texts[*index].len(), *index));
        for index in order.into_iter().filter(|index| texts[*index].len() >= WINDOW_BYTES - 1) {
            let (text, literal) = (&texts[index], index as LiteralIndex);
            let (offset, bucket) = buckets.choose(text);
            buckets.add(&text[offset..], bucket, &mut table);
            let entry = Entry { window: word_at(text, offset), literal, offset: offset as u32 };
            let entries = if text.len() < WINDOW_BYTES { &mut short } else { &mut full };
            filter.insert(text, offset);
            entries.push(entry);
        }
        Self {
            table,
            filter,
            full: Lookup::new(full, u32::MAX),
            short: Lookup::new(short, SHORT_MASK),
            len_max: texts.iter().map(Vec::len).max().unwrap_or(0),
            at_sign: texts.iter().position(|text| text == b"@").map(|index| index as LiteralIndex),
            texts: texts.into_iter().map(Vec::into_boxed_slice).collect(),
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
    pub(super) fn each_hit(&self, text: &[u8], at: usize, each: &mut dyn FnMut(usize, LiteralIndex)) {
        let window = word_at(text, at);
        for lookup in [&self.full, &self.short] {
            for entry in lookup.entries(window) {
                let Some(start) = at.checked_sub(entry.offset as usize) else { continue };
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

/// What a comparison of a literal costs, in marked places.
const COMPARISON: f32 = 1.0;

/// Where literals go, chosen so that the kernel marks few places.
///
/// Of a bucket, the share of places that it admits is estimated as the product over the four offsets of the shares of
/// the symbols admitted there. A literal goes where it adds least.
struct Buckets {
    /// Symbols of each bucket and offset, as a bit set, and the sum of their shares.
    symbols: [[u64; WINDOW_BYTES]; BUCKETS],
    shares: [[f32; WINDOW_BYTES]; BUCKETS],
    share_of: [f32; 64],
}

impl Buckets {
    fn new() -> Self {
        Self {
            symbols: [[0; WINDOW_BYTES]; BUCKETS],
            shares: [[0.0; WINDOW_BYTES]; BUCKETS],
            share_of: std::array::from_fn(|symbol| symbol_probability(symbol as u8) as f32),
        }
    }

    /// The offset of the window and the bucket that cost least: places that the kernel marks, and places where the four
    /// bytes stand and the literal has to be compared.
    fn choose(&self, text: &[u8]) -> (usize, usize) {
        let last = text.len().saturating_sub(WINDOW_BYTES).min(WINDOWS_SEEN_MAX - 1);
        let compared = |offset: usize| {
            let window = &text[offset..text.len().min(offset + WINDOW_BYTES)];
            COMPARISON * (expected_per_mb(window) / 1e6) as f32
        };
        let mut windows: Vec<(f32, usize)> = (0..=last).map(|offset| (compared(offset), offset)).collect();
        windows.sort_by(|a, b| a.0.total_cmp(&b.0));
        windows.truncate(WINDOWS_TRIED_MAX);
        let (mut least, mut place) = (f32::INFINITY, (0, 0));
        for (compared, offset) in windows {
            // The windows behind it are compared more often still.
            if compared >= least {
                break;
            }
            for bucket in 0..BUCKETS {
                let cost = compared + self.cost(&text[offset..], bucket);
                if cost < least {
                    (least, place) = (cost, (offset, bucket));
                }
            }
        }
        place
    }

    /// Share of places that the bucket admits more when this window joins it.
    fn cost(&self, window: &[u8], bucket: usize) -> f32 {
        let (mut before, mut after) = (1.0, 1.0);
        for offset in 0..WINDOW_BYTES {
            let share = self.shares[bucket][offset];
            before *= share;
            after *= match window.get(offset).map(|byte| symbol(*byte)) {
                Some(symbol) if self.symbols[bucket][offset] >> symbol & 1 == 1 => share,
                Some(symbol) => share + self.share_of[usize::from(symbol)],
                None => 1.0,
            };
        }
        after - before
    }

    fn add(&mut self, window: &[u8], bucket: usize, table: &mut WindowTable) {
        for offset in 0..WINDOW_BYTES {
            let symbols = window.get(offset).map_or(0..64, |byte| symbol(*byte)..symbol(*byte) + 1);
            for symbol in symbols {
                table.admit(bucket, offset, symbol);
                let known = &mut self.symbols[bucket][offset];
                if *known >> symbol & 1 == 0 {
                    *known |= 1 << symbol;
                    self.shares[bucket][offset] += self.share_of[usize::from(symbol)];
                }
            }
        }
    }
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
        for at in (0..text.len()).filter(|at| masks.literal[at / 64] >> (at % 64) & 1 == 1) {
            literals.each_hit(text, at, &mut |start, literal| found.push((start, literal as usize)));
        }
        found.sort_unstable();
        found
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
            let literals = Literals::new(texts.clone());
            let expected = reference(&texts, &text);
            for isa in Isa::available() {
                prop_assert_eq!(hits(&literals, isa, &text), expected.clone(), "{:?}", isa);
            }
        }
    }

    #[test]
    fn the_last_bytes_of_a_text_are_searched() {
        let literals = Literals::new(vec![b"abc".to_vec(), b"wxyz".to_vec()]);
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
        let literals = Literals::new(vec![b"abcd".to_vec(), b"@".to_vec()]);
        assert_eq!((literals.at_sign(), literals.len_max()), (Some(1), 4));
        assert_eq!(hits(&literals, Isa::Portable, b"@@@@ abcd"), [(5, 0)]);
        assert_eq!(Literals::new(Vec::new()).at_sign(), None);
    }

    #[test]
    fn a_literal_goes_where_it_adds_least() {
        let mut buckets = Buckets::new();
        let mut table = WindowTable::new(BANKS);
        // The rarest window is taken, not the first.
        let (offset, bucket) = buckets.choose(b"the the zqxj");
        assert_eq!(offset, 8);
        buckets.add(b"zqxj", bucket, &mut table);
        assert_eq!(buckets.cost(b"zqxj", bucket), 0.0, "what is admitted already costs nothing");
        assert_eq!(buckets.choose(b"ZQXJ"), (0, bucket), "in either case");
        let other = (bucket + 1) % BUCKETS;
        assert!(buckets.cost(b"ethe", bucket) > buckets.cost(b"ethe", other), "mixtures are costed");
        assert!(table.admits(*b"zQxJ") && !table.admits(*b"ethe"));
    }

    #[test]
    fn a_lookup_gives_the_entries_of_a_window_and_no_others() {
        let windows: Vec<u32> = (0..3_000u32).map(|n| word_at(&n.wrapping_mul(0x0101_4567).to_le_bytes(), 0)).collect();
        let entry = |(literal, window): (usize, &u32)| Entry { window: *window, literal: literal as u32, offset: 0 };
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
