//! How often a literal is expected in the text of others.
//!
//! The model is `frequency.bin`, built by `examples/frequency.rs` from equal parts of source code, prose, machine code
//! and digit-heavy logs. It works on the 64 symbols of the first pass, in which both cases of a letter are one. Its
//! bytes, each of which is minus the binary logarithm of a probability in eighths of a bit, unless told otherwise:
//!
//! | bytes | what they hold |
//! |---|---|
//! | 64 | each symbol |
//! | 64 times 64 | each symbol behind another |
//! | 3 for each row | the most frequent rows of four symbols, six bits a symbol, sorted |
//! | 1 for each row | that row, in source code or prose, wherever it is more frequent |
//!
//! A chain of pairs guesses well how rare a made-up prefix is, and badly how frequent a word is, since the letters of a
//! word belong together. Four symbols in a row are measured, and bound each literal that holds them.

use super::byte_set::ByteSet;
use std::collections::HashMap;
use std::sync::LazyLock;

static MODEL: &[u8] = include_bytes!("frequency.bin");

/// Values of a symbol.
const SYMBOLS: usize = 64;
/// Where the pairs begin.
const PAIRS: usize = SYMBOLS;
/// Where the rows of four begin.
const QUADGRAMS: usize = PAIRS + SYMBOLS * SYMBOLS;
/// Bytes of a row of four.
const CODE_BYTES: usize = 3;
/// Bytes of a row of four and its frequency.
const QUADGRAM_BYTES: usize = 4;
/// Bytes of a megabyte, as frequencies count it.
const MEGABYTE: f64 = 1e6;

/// The expected number of hits of a lower-case literal in a megabyte of mixed text.
#[must_use]
pub fn expected_per_mb(literal: &[u8]) -> f64 {
    let mut rows = literal.windows(4);
    let Some(first) = rows.next() else { return chain_per_mb(literal).max(told_with(literal)) };
    let begin = quadgram_per_mb(first).unwrap_or_else(|| chain_per_mb(first).min(untold_per_mb()));
    rows.fold(begin, |expected, four| {
        let most = quadgram_per_mb(four).unwrap_or_else(untold_per_mb);
        most.min(expected * goes_on(four))
    })
}

/// How often the first three of four bytes are followed by the fourth, by the rows that are told.
fn goes_on(four: &[u8]) -> f64 {
    let Some(row) = quadgram_per_mb(four) else { return probability_of(pair(four[2], four[3])) };
    let three = code(four) >> 6;
    let begin = partition(three << 6);
    row / (begin..partition((three + 1) << 6)).map(frequency).sum::<f64>()
}

/// Six-bit symbol of a byte, by which the first pass tells bytes apart. Letters lose their case; digits, `_`, `-` and
/// the common separators stay apart from each other. A control byte shares its symbol with a digit or punctuation, a
/// byte above ASCII with the one below it.
#[inline]
#[must_use]
pub const fn symbol(byte: u8) -> u8 {
    (byte & 0x1f) | ((byte >> 1) & 0x20)
}

/// The probability that a byte of mixed text has this [`symbol`].
///
/// # Panics
/// When the symbol has more than six bits.
#[must_use]
pub fn symbol_probability(symbol: u8) -> f64 {
    assert!(usize::from(symbol) < SYMBOLS, "a symbol has six bits");
    probability_of(MODEL[usize::from(symbol)])
}

/// The probability that a byte of mixed text is in the set.
pub(super) fn probability(set: &ByteSet) -> f64 {
    static OF_SYMBOLS: LazyLock<[f64; SYMBOLS]> = LazyLock::new(|| std::array::from_fn(|at| probability_of(MODEL[at])));
    let symbols = set.bytes().fold(0_u64, |symbols, byte| symbols | 1 << symbol(byte));
    let share = |(at, share): (usize, &f64)| if symbols >> at & 1 == 1 { *share } else { 0.0 };
    OF_SYMBOLS.iter().enumerate().map(share).sum::<f64>().min(1.0)
}

fn chain_per_mb(literal: &[u8]) -> f64 {
    let Some(first) = literal.first() else { return MEGABYTE };
    let pairs = literal.windows(2).map(|two| pair(two[0], two[1]));
    let eighths: u32 = pairs.map(u32::from).sum::<u32>() + u32::from(MODEL[usize::from(symbol(*first))]);
    MEGABYTE * (-f64::from(eighths) / 8.0).exp2()
}

fn pair(first: u8, second: u8) -> u8 {
    MODEL[PAIRS + usize::from(symbol(first)) * SYMBOLS + usize::from(symbol(second))]
}

/// At most so often stand four symbols in a row that are not in the table.
fn untold_per_mb() -> f64 {
    static UNTOLD: LazyLock<f64> = LazyLock::new(|| {
        let rarest = MODEL[QUADGRAMS + quadgrams() * CODE_BYTES..].iter().max();
        rarest.map_or(MEGABYTE, |eighths| MEGABYTE * probability_of(*eighths))
    });
    *UNTOLD
}

/// The frequent rows of four that begin or end with three bytes: those cannot be rarer than the rows together.
fn told_with(literal: &[u8]) -> f64 {
    static ENDS: LazyLock<HashMap<u32, f64>> = LazyLock::new(|| {
        let mut ends = HashMap::new();
        (0..quadgrams()).for_each(|row| *ends.entry(quadgram(row) & 0x3_ffff).or_default() += frequency(row));
        ends
    });
    let [a, b, c] = literal else { return 0.0 };
    let three = code(&[*a, *b, *c]);
    let begin: f64 = (partition(three << 6)..partition((three + 1) << 6)).map(frequency).sum();
    begin.max(ENDS.get(&three).copied().unwrap_or(0.0))
}

/// The rows of four symbols that are told, and the share of places at which each stands.
pub(super) fn rows_of_four() -> impl Iterator<Item = ([u8; 4], f32)> {
    let symbols = |code: u32| [code >> 18, code >> 12, code >> 6, code].map(|symbol| (symbol & 0x3f) as u8);
    (0..quadgrams()).map(move |row| (symbols(quadgram(row)), (frequency(row) / MEGABYTE) as f32))
}

fn quadgram_per_mb(four: &[u8]) -> Option<f64> {
    let code = code(four);
    let place = partition(code);
    (place < quadgrams() && quadgram(place) == code).then(|| frequency(place))
}

/// The number of rows below a code.
fn partition(code: u32) -> usize {
    let (mut low, mut high) = (0, quadgrams());
    while low < high {
        let middle = low.midpoint(high);
        if quadgram(middle) < code { low = middle + 1 } else { high = middle }
    }
    low
}

fn quadgrams() -> usize {
    (MODEL.len() - QUADGRAMS) / QUADGRAM_BYTES
}

fn quadgram(index: usize) -> u32 {
    let at = QUADGRAMS + index * CODE_BYTES;
    MODEL[at..at + CODE_BYTES].iter().fold(0, |code, byte| code << 8 | u32::from(*byte))
}

fn frequency(index: usize) -> f64 {
    MEGABYTE * probability_of(MODEL[QUADGRAMS + quadgrams() * CODE_BYTES + index])
}

fn code(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |code, byte| code << 6 | u32::from(symbol(*byte)))
}

fn probability_of(eighths: u8) -> f64 {
    (-f64::from(eighths) / 8.0).exp2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_is_whole_and_sorted() {
        assert_eq!(MODEL.len(), QUADGRAMS + quadgrams() * QUADGRAM_BYTES);
        assert!((1..quadgrams()).all(|index| quadgram(index - 1) < quadgram(index)));
        let sum: f64 = MODEL[..SYMBOLS].iter().map(|eighths| probability_of(*eighths)).sum();
        assert!((0.9..1.1).contains(&sum), "{sum}");
    }

    #[test]
    fn words_are_frequent_and_prefixes_rare() {
        let rows = [
            ("key", 100.0, 5_000.0),
            ("token", 30.0, 2_000.0),
            ("http", 30.0, 5_000.0),
            ("test", 100.0, 5_000.0),
            ("user", 30.0, 5_000.0),
            ("@", 500.0, 20_000.0),
            ("ghp_", 0.0, 5.0),
            ("glpat-", 0.0, 0.5),
            ("akia", 0.0, 100.0),
            ("xoxb-", 0.0, 0.5),
            ("-----begin ", 0.0, 50.0),
        ];
        for (literal, least, most) in rows {
            let expected = expected_per_mb(literal.as_bytes());
            assert!((least..=most).contains(&expected), "{literal}: {expected}");
        }
    }

    #[test]
    fn letters_are_likelier_than_marks() {
        let set = |bytes: &[u8]| bytes.iter().copied().collect::<ByteSet>();
        assert!(probability(&set(b"etaoin")) > 10.0 * probability(&set(b"~^#")));
        assert!((probability(&ByteSet::ALL) - 1.0).abs() < 0.1);
    }
}
