//! Where literals go among the buckets of the first pass.
//!
//! The first pass looks at four neighbouring bytes of a literal, its *window*, and knows buckets of windows: a bucket
//! admits at each of the four offsets the symbols that any of its windows has there, so that it also admits mixtures of
//! them. Which window each literal chooses, and which literals share a bucket, decides how many places of a text are
//! looked at again. Words share letters, so the frequencies of single symbols tell little of mixtures; the table of
//! frequent rows of four tells nearly all of it. Choosing so takes part of a second for thousands of literals, and is
//! done when detectors are packed; literals of the user join the arrangement as they find it.

use super::Anchor;
use super::frequency::{self, expected_per_mb, symbol, symbol_probability};
use crate::Detector;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Bytes of a window.
pub const WINDOW_BYTES: usize = 4;

/// Buckets of literals that are looked at wherever they may stand.
pub const OPEN_BUCKETS: usize = 32;

/// Buckets of literals that are looked at where a key run is near: always fewer places, so that fewer will do.
const KEYED_BUCKETS: usize = 16;

/// All buckets, the open ones first.
pub const BUCKETS: usize = OPEN_BUCKETS + KEYED_BUCKETS;

/// Windows of a literal that are looked at, from its start.
const WINDOWS_SEEN_MAX: usize = 12;

/// The rarest of them, which are tried in every bucket.
const WINDOWS_TRIED_MAX: usize = 4;

/// What the comparison of a literal costs, in places that are looked at again.
const COMPARISON: f32 = 0.1;

/// How often each literal moves to where it adds least, once all have a place.
const TURNS: usize = 2;

/// Values of a symbol.
const SYMBOLS: usize = 64;

/// Where the window of a literal begins, and its bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WindowPlace {
    /// Bytes of the literal before the window.
    pub offset: u8,
    /// One of [`BUCKETS`].
    pub bucket: u8,
}

impl WindowPlace {
    /// Whether the bucket is one of those that count near key runs only.
    #[must_use]
    pub fn is_keyed(self) -> bool {
        usize::from(self.bucket) >= OPEN_BUCKETS
    }
}

/// Gives each literal of some detectors its place.
pub fn arrange(detectors: &mut [Detector]) {
    let mut literals: BTreeMap<Vec<u8>, bool> = BTreeMap::new();
    each_literal(detectors, |bytes, needs_key_run, _| {
        literals.entry(bytes.to_vec()).and_modify(|keyed| *keyed &= needs_key_run).or_insert(needs_key_run);
    });
    let mut literals: Vec<(Vec<u8>, bool)> = literals.into_iter().filter(|(bytes, _)| has_window(bytes)).collect();
    // The short ones first: they have no choice.
    literals.sort_by_key(|(bytes, _)| bytes.len());
    let mut arrangement = Arrangement::new();
    let mut places: Vec<WindowPlace> = literals.iter().map(|(bytes, keyed)| arrangement.add(bytes, *keyed)).collect();
    for _ in 0..TURNS {
        for ((bytes, keyed), place) in literals.iter().zip(&mut places) {
            arrangement.remove(bytes, *place);
            *place = arrangement.add(bytes, *keyed);
        }
    }
    let places: BTreeMap<&[u8], WindowPlace> = literals.iter().map(|(bytes, _)| bytes.as_slice()).zip(places).collect();
    each_literal(detectors, |bytes, _, place| *place = places.get(bytes).copied());
}

fn each_literal(detectors: &mut [Detector], mut each: impl FnMut(&[u8], bool, &mut Option<WindowPlace>)) {
    let patterns = detectors.iter_mut().flat_map(|detector| &mut detector.patterns);
    for anchor in patterns.flat_map(|pattern| &mut pattern.anchors) {
        if let Anchor::Literal { bytes, needs_key_run, window, .. } = anchor {
            each(bytes, *needs_key_run, window);
        }
    }
}

/// Whether a literal is long enough for a window, whose last byte may be any.
fn has_window(literal: &[u8]) -> bool {
    literal.len() + 1 >= WINDOW_BYTES
}

/// The buckets, and what they admit of the frequent rows of four symbols.
#[derive(Debug)]
pub struct Arrangement {
    buckets: Vec<Bucket>,
    /// By row, the number of buckets that admit it; apart for the open ones and the others.
    admitting: [Vec<u16>; 2],
}

#[derive(Clone, Debug)]
struct Bucket {
    /// By offset and symbol, the number of windows.
    windows: [[u16; SYMBOLS]; WINDOW_BYTES],
    /// By offset, the symbols as a bit set, and the sum of their shares.
    symbols: [u64; WINDOW_BYTES],
    shares: [f32; WINDOW_BYTES],
    /// By offset, the rows with one of the symbols there.
    rows: [Box<[u64]>; WINDOW_BYTES],
}

impl Default for Arrangement {
    fn default() -> Self {
        Self::new()
    }
}

impl Arrangement {
    /// Empty buckets.
    #[must_use]
    pub fn new() -> Self {
        let rows = &*ROWS;
        let bucket = Bucket {
            windows: [[0; SYMBOLS]; WINDOW_BYTES],
            symbols: [0; WINDOW_BYTES],
            shares: [0.0; WINDOW_BYTES],
            rows: std::array::from_fn(|_| vec![0; rows.words()].into()),
        };
        Self { buckets: vec![bucket; BUCKETS], admitting: [vec![0; rows.shares.len()], vec![0; rows.shares.len()]] }
    }

    /// Buckets with literals at their places. Thousands of them are there whenever a literal of a user joins, so what a
    /// bucket admits is told once all of its own are in it.
    pub fn of<'l>(literals: impl Iterator<Item = (&'l [u8], WindowPlace)>) -> Self {
        let Self { mut buckets, mut admitting } = Self::new();
        for (literal, place) in literals {
            for (offset, windows) in buckets[usize::from(place.bucket)].windows.iter_mut().enumerate() {
                let symbols = symbols_at(literal, usize::from(place.offset) + offset);
                symbols.for_each(|symbol| windows[symbol] += 1);
            }
        }
        for (number, bucket) in buckets.iter_mut().enumerate() {
            (0..WINDOW_BYTES).for_each(|offset| bucket.refresh(offset));
            let admitting = &mut admitting[usize::from(number >= OPEN_BUCKETS)];
            bucket.each_row(|row| admitting[row] += 1);
        }
        Self { buckets, admitting }
    }

    /// Adds a lower-case literal of three bytes or more where it costs least, and gives its place.
    pub fn add(&mut self, literal: &[u8], is_keyed: bool) -> WindowPlace {
        let place = self.choose(literal, is_keyed);
        self.put(literal, place);
        place
    }

    /// Adds a literal at its place.
    fn put(&mut self, literal: &[u8], place: WindowPlace) {
        self.change(literal, place, |windows| *windows += 1);
    }

    fn remove(&mut self, literal: &[u8], place: WindowPlace) {
        self.change(literal, place, |windows| *windows -= 1);
    }

    fn change(&mut self, literal: &[u8], place: WindowPlace, change: impl Fn(&mut u16)) {
        let bucket = &mut self.buckets[usize::from(place.bucket)];
        let admitting = &mut self.admitting[usize::from(place.is_keyed())];
        bucket.each_row(|row| admitting[row] -= 1);
        for offset in 0..WINDOW_BYTES {
            let symbols = symbols_at(literal, usize::from(place.offset) + offset);
            symbols.for_each(|symbol| change(&mut bucket.windows[offset][symbol]));
            bucket.refresh(offset);
        }
        bucket.each_row(|row| admitting[row] += 1);
    }

    /// The place that costs least: places that are looked at again, and comparisons of the literal.
    fn choose(&self, literal: &[u8], is_keyed: bool) -> WindowPlace {
        let last = literal.len().saturating_sub(WINDOW_BYTES).min(WINDOWS_SEEN_MAX - 1);
        let compared = |offset: usize| {
            let window = &literal[offset..literal.len().min(offset + WINDOW_BYTES)];
            COMPARISON * (expected_per_mb(window) / 1e6) as f32
        };
        let mut windows: Vec<(f32, usize)> = (0..=last).map(|offset| (compared(offset), offset)).collect();
        windows.sort_by(|a, b| a.0.total_cmp(&b.0));
        windows.truncate(WINDOWS_TRIED_MAX);
        let buckets = if is_keyed { OPEN_BUCKETS..BUCKETS } else { 0..OPEN_BUCKETS };
        let (mut least, mut place) = (f32::INFINITY, WindowPlace { offset: 0, bucket: buckets.start as u8 });
        for (compared, offset) in windows {
            // The windows behind it are compared more often still.
            if compared >= least {
                break;
            }
            let mut is_empty_seen = false;
            for bucket in buckets.clone() {
                // One empty bucket is as good as another.
                let is_empty = self.buckets[bucket].symbols[0] == 0;
                if is_empty && std::mem::replace(&mut is_empty_seen, true) {
                    continue;
                }
                let cost = compared + self.cost(literal, offset, bucket, least - compared);
                if cost < least {
                    (least, place) = (cost, WindowPlace { offset: offset as u8, bucket: bucket as u8 });
                }
            }
        }
        place
    }

    /// The share of places that are looked at again once this window joins a bucket, and were not before. Counted as far
    /// as it stays below a bound.
    fn cost(&self, literal: &[u8], offset: usize, bucket: usize, bound: f32) -> f32 {
        let admitting = &self.admitting[usize::from(bucket >= OPEN_BUCKETS)];
        let bucket = &self.buckets[bucket];
        let rows = &*ROWS;
        let (mut before, mut after, mut is_known) = (1.0, 1.0, true);
        let mut added: [&[u64]; WINDOW_BYTES] = [&[]; WINDOW_BYTES];
        for (at, added) in added.iter_mut().enumerate() {
            let share = bucket.shares[at];
            before *= share;
            after *= match literal.get(offset + at).map(|byte| usize::from(symbol(*byte))) {
                Some(symbol) => {
                    *added = &rows.with[at * SYMBOLS + symbol];
                    let is_new = bucket.symbols[at] >> symbol & 1 == 0;
                    is_known &= !is_new;
                    share + if is_new { symbol_probability(symbol as u8) as f32 } else { 0.0 }
                }
                None => {
                    is_known &= bucket.symbols[at] == u64::MAX;
                    1.0
                }
            };
        }
        let mut cost = rows.untold * (after - before);
        for word in 0..if is_known { 0 } else { rows.words() } {
            let (mut all, mut joined) = (u64::MAX, u64::MAX);
            for (known, added) in bucket.rows.iter().zip(added) {
                all &= known[word];
                joined &= known[word] | added.get(word).copied().unwrap_or(u64::MAX);
            }
            each_bit(joined & !all, |bit| {
                let row = word * 64 + bit;
                cost += if admitting[row] == 0 { rows.shares[row] } else { 0.0 };
            });
            if cost >= bound {
                break;
            }
        }
        cost
    }
}

impl Bucket {
    /// Makes the rest agree with the windows at an offset.
    fn refresh(&mut self, offset: usize) {
        let rows = &*ROWS;
        let has = |symbol: &usize| self.windows[offset][*symbol] > 0;
        let symbols = (0..SYMBOLS).filter(has).fold(0, |all, symbol| all | 1 << symbol);
        if symbols == self.symbols[offset] {
            return;
        }
        self.symbols[offset] = symbols;
        self.shares[offset] = 0.0;
        self.rows[offset].fill(0);
        each_bit(symbols, |symbol| {
            self.shares[offset] += symbol_probability(symbol as u8) as f32;
            let with = &rows.with[offset * SYMBOLS + symbol];
            self.rows[offset].iter_mut().zip(with).for_each(|(all, with)| *all |= with);
        });
    }

    /// The frequent rows that it admits.
    fn each_row(&self, mut each: impl FnMut(usize)) {
        for word in 0..self.rows[0].len() {
            let admitted = self.rows.iter().fold(u64::MAX, |all, rows| all & rows[word]);
            each_bit(admitted, |bit| each(word * 64 + bit));
        }
    }
}

/// The symbols that a literal has at an offset: all behind its end.
fn symbols_at(literal: &[u8], offset: usize) -> std::ops::Range<usize> {
    literal.get(offset).map_or(0..SYMBOLS, |byte| {
        let symbol = usize::from(symbol(*byte));
        symbol..symbol + 1
    })
}

fn each_bit(mut word: u64, mut each: impl FnMut(usize)) {
    while word != 0 {
        each(word.trailing_zeros() as usize);
        word &= word - 1;
    }
}

/// The frequent rows of four symbols.
struct Rows {
    /// By row, its share of the places of a text.
    shares: Vec<f32>,
    /// By offset and symbol, the rows with the symbol there, as a bit set.
    with: Vec<Vec<u64>>,
    /// The share of all other rows.
    untold: f32,
}

static ROWS: LazyLock<Rows> = LazyLock::new(|| {
    /// The model rounds frequencies to an eighth of a bit, so that its rows may seem to be all there is.
    const UNTOLD_MIN: f32 = 0.02;
    let told: Vec<([u8; WINDOW_BYTES], f32)> = frequency::rows_of_four().collect();
    let mut with = vec![vec![0u64; told.len().div_ceil(64)]; WINDOW_BYTES * SYMBOLS];
    for (row, (symbols, _)) in told.iter().enumerate() {
        for (offset, symbol) in symbols.iter().enumerate() {
            with[offset * SYMBOLS + usize::from(*symbol)][row / 64] |= 1 << (row % 64);
        }
    }
    let shares: Vec<f32> = told.into_iter().map(|(_, share)| share).collect();
    let untold = (1.0 - shares.iter().sum::<f32>()).max(UNTOLD_MIN);
    Rows { shares, with, untold }
});

impl Rows {
    fn words(&self) -> usize {
        self.shares.len().div_ceil(64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_goes_where_it_adds_least() {
        let mut arrangement = Arrangement::new();
        // The rarest window is taken, not the first.
        let place = arrangement.add(b"the the zqxj", false);
        assert_eq!(place, WindowPlace { offset: 8, bucket: 0 });
        assert_eq!(arrangement.cost(b"zqxj", 0, 0, f32::INFINITY), 0.0, "what is admitted already costs nothing");
        assert_eq!(arrangement.choose(b"ZQXJ", false).bucket, 0, "in either case");
        let cost = |bucket| arrangement.cost(b"ethe", 0, bucket, f32::INFINITY);
        assert!(cost(0) > cost(1), "mixtures are costed");
        assert!(arrangement.choose(b"zqxj", true).is_keyed());
    }

    #[test]
    fn literals_at_their_places_are_those_that_were_put_there() {
        let literals: [&[u8]; 5] = [b"then", b"ghp_", b"key", b"acme_token", b"@id"];
        let mut one_by_one = Arrangement::new();
        let places: Vec<WindowPlace> =
            (0..).zip(literals).map(|(turn, literal)| one_by_one.add(literal, turn % 2 == 0)).collect();
        let at_once = Arrangement::of(literals.into_iter().zip(places.iter().copied()));
        assert_eq!(format!("{at_once:?}"), format!("{one_by_one:?}"));
    }

    #[test]
    fn what_is_removed_leaves_nothing() {
        let mut arrangement = Arrangement::new();
        arrangement.add(b"then", false);
        let costs = |arrangement: &Arrangement| {
            [b"ther", b"ache"].map(|literal| arrangement.cost(literal, 0, 0, f32::INFINITY))
        };
        let before = costs(&arrangement);
        let place = arrangement.add(b"ach", false);
        arrangement.put(b"ache", WindowPlace { offset: 0, bucket: 0 });
        assert_ne!(costs(&arrangement), before);
        arrangement.remove(b"ache", WindowPlace { offset: 0, bucket: 0 });
        arrangement.remove(b"ach", place);
        assert_eq!(costs(&arrangement), before);
    }
}
