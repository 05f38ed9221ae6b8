//! The portable kernel against the words of the specification, every other kernel against the portable one.

use super::table::{BANKS, BUCKETS_PER_BANK};
use super::{Isa, Masks, WINDOW_BYTES, WindowTable, classify, symbol};
use proptest::collection::vec;
use proptest::prelude::*;
use std::ops::Range;

/// Words that the tables of these tests look for, one after the other in the buckets of all banks.
const LITERALS: [&str; 12] =
    ["key-", "tokn", "AUTH", "sk_l", "a1b2", "====", "://x", "@ex.", "PESE", "\0\0\0\0", "x\0\0\0", "\u{142}\u{f3}"];

/// What the interpreter of the nightly toolchain can do in a bearable time.
pub(super) const fn scaled(native: usize, interpreted: usize) -> usize {
    if cfg!(miri) { interpreted } else { native }
}

/// So many cases of a property, and few where they are interpreted.
pub(super) fn property_config(cases: usize) -> ProptestConfig {
    let mut config = ProptestConfig::with_cases(scaled(cases, 8) as u32);
    if cfg!(miri) {
        // The interpreter has no file system to keep regressions in.
        config.failure_persistence = None;
    }
    config
}

fn table_of(banks: usize, literals: &[&[u8]]) -> WindowTable {
    let mut table = WindowTable::new();
    for (index, literal) in literals.iter().enumerate() {
        // The step shares no factor with the number of buckets, so that no bank stays empty.
        let bucket = index * 11 % (banks * BUCKETS_PER_BANK);
        for (offset, &byte) in literal.iter().take(WINDOW_BYTES).enumerate() {
            table.admit(bucket, offset, symbol(byte));
        }
    }
    table
}

fn literal_table(banks: usize) -> WindowTable {
    table_of(banks, &LITERALS.map(str::as_bytes))
}

/// A table that admits many windows, so that a random text has both answers often.
fn dense_table(banks: usize, seed: u64) -> WindowTable {
    let mut table = WindowTable::new();
    let mut random = Random(seed);
    for bucket in 0..banks * BUCKETS_PER_BANK {
        // Some of both kinds: the step shares no factor with the number of buckets.
        let bucket = bucket * 11 % (BANKS * BUCKETS_PER_BANK);
        for offset in 0..WINDOW_BYTES {
            for symbol in 0..64 {
                // Three in eight: with 32 buckets about every second window is admitted, with 8 every seventh.
                if random.next() % 8 < 3 {
                    table.admit(bucket, offset, symbol);
                }
            }
        }
    }
    table
}

/// A splitmix64 sequence: the tables stay the same from run to run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next() as u8).collect()
    }
}

fn masks_of(isa: Isa, table: &WindowTable, text: &[u8], range: Range<usize>) -> [Vec<u64>; 6] {
    let mut masks = Masks::default();
    classify(isa, table, text, range, &mut masks);
    parts(masks)
}

fn parts(masks: Masks) -> [Vec<u64>; 6] {
    [masks.literal, masks.keyed, masks.alnum, masks.digit, masks.at, masks.key]
}

/// The specification, word for word.
fn specified(table: &WindowTable, text: &[u8], range: Range<usize>) -> [Vec<u64>; 6] {
    let mut masks = [const { Vec::new() }; 6];
    for mask in &mut masks {
        mask.resize(range.len().div_ceil(64), 0u64);
    }
    for (bit, at) in range.enumerate() {
        let window = [0, 1, 2, 3].map(|offset| text.get(at + offset).copied().unwrap_or(0));
        let byte = text[at];
        let [open, keyed] = table.admits(window);
        let is_key = byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let answers = [open, keyed, byte.is_ascii_alphanumeric(), byte.is_ascii_digit(), byte == b'@', is_key];
        for (mask, answer) in masks.iter_mut().zip(answers) {
            mask[bit / 64] |= u64::from(answer) << (bit % 64);
        }
    }
    masks
}

/// Every instruction set that the processor has must say what the specification says.
fn check(table: &WindowTable, text: &[u8], range: Range<usize>) {
    let expected = specified(table, text, range.clone());
    for isa in Isa::available() {
        let found = masks_of(isa, table, text, range.clone());
        assert_eq!(
            found,
            expected,
            "{isa:?}, {range:?} of {} bytes: {:?}",
            text.len(),
            text.escape_ascii().to_string()
        );
    }
}

#[test]
fn instruction_sets_without_a_processor_are_named() {
    let available: Vec<_> = Isa::available().collect();
    for isa in Isa::ALL {
        if !available.contains(&isa) {
            eprintln!("skipped: this processor has no {isa:?}");
        }
    }
    assert_eq!(available.first(), Some(&Isa::Portable));
    assert_eq!(available.last(), Some(&Isa::detect()));
}

#[test]
fn any_instruction_set_may_be_asked_for() {
    let (table, text) = (literal_table(2), b"an api key-1 of a@ex.org".repeat(9));
    for isa in Isa::ALL {
        assert_eq!(masks_of(isa, &table, &text, 0..text.len()), specified(&table, &text, 0..text.len()), "{isa:?}");
    }
}

#[test]
fn symbols_fold_case_and_keep_the_rest_of_text_apart() {
    for byte in 0..=u8::MAX {
        assert!(symbol(byte) < 64);
        assert_eq!(symbol(byte), symbol(byte & 0x7f), "the high bit is dropped");
        if byte.is_ascii_alphabetic() {
            assert_eq!(symbol(byte), symbol(byte ^ 0x20), "case of {}", char::from(byte));
        }
    }
    let apart = b"abcdefghijklmnopqrstuvwxyz0123456789_- !\"#$%&'()*+,./:;<=>?";
    let distinct: std::collections::BTreeSet<u8> = apart.iter().copied().map(symbol).collect();
    assert_eq!(distinct.len(), apart.len());
}

#[test]
fn admits_asks_one_bucket_for_all_four_bytes() {
    let mut table = WindowTable::new();
    for (bucket, window) in [(0, b"abcd"), (0, b"efgh"), (9, b"ijkl"), (31, b"mnop"), (32, b"qrst"), (47, b"uvwx")] {
        for (offset, &byte) in window.iter().enumerate() {
            table.admit(bucket, offset, symbol(byte));
        }
    }
    let rows = [
        (b"abcd", [true, false]),
        (b"ABCD", [true, false]),
        (b"abgh", [true, false]), // a mixture within a bucket
        (b"ijkl", [true, false]),
        (b"mnop", [true, false]),
        (b"qrst", [false, true]),
        (b"uvwx", [false, true]),
        (b"abkl", [false, false]), // a mixture of buckets of different banks
        (b"abop", [false, false]),
        (b"bacd", [false, false]),
        (b"abc\0", [false, false]),
        (b"    ", [false, false]),
    ];
    for (window, expected) in rows {
        assert_eq!(table.admits(*window), expected, "{}", window.escape_ascii());
    }
}

#[test]
fn masks_of_known_texts() {
    let table = literal_table(1);
    let rows: [(&[u8], Range<usize>, [u64; 6]); 8] = [
        (b"Key-1@", 0..6, [0b1, 0, 0b1_0111, 0b1_0000, 0b10_0000, 0b1_1111]),
        // The window reads behind the range, but the bits there stay zero.
        (b"Key-1@", 0..1, [0b1, 0, 0b1, 0, 0, 0b1]),
        (b"..key-", 2..4, [0b1, 0, 0b11, 0, 0, 0b11]),
        // Behind the text stand zeros.
        (b"x", 0..1, [0b1, 0, 0b1, 0, 0, 0b1]),
        (b"x\0", 0..2, [0b11, 0, 0b1, 0, 0, 0b1]),
        (b"key", 0..3, [0, 0, 0b111, 0, 0, 0b111]),
        // Neighbours of the classes.
        (b"/0:9@A[_az{Zg\xe1\xc1\xb0", 0..16, [0, 0, 0b0001_1011_0010_1010, 0b1010, 0b1_0000, 0b0001_1011_1010_1010]),
        (b"@@", 1..2, [0, 0, 0, 0, 0b1, 0]),
    ];
    for (text, range, expected) in rows {
        assert_eq!(specified(&table, text, range.clone()), expected.map(|word| vec![word]), "{}", text.escape_ascii());
        check(&table, text, range);
    }
}

#[test]
fn an_empty_range_has_no_words() {
    let table = literal_table(1);
    for (text, range) in [(&b""[..], 0..0), (b"key-", 4..4), (b"key-", 2..2)] {
        check(&table, text, range.clone());
        assert!(masks_of(Isa::detect(), &table, text, range).iter().all(Vec::is_empty));
    }
}

#[test]
fn every_byte_value_at_every_place_of_a_word() {
    let tables = [literal_table(1), dense_table(BANKS, 1)];
    for first in (0..64).step_by(scaled(1, 21)) {
        let text: Vec<u8> = (0..=u8::MAX).map(|byte| byte.wrapping_add(first)).collect();
        for table in &tables {
            check(table, &text, 0..text.len());
        }
    }
}

#[test]
fn every_length_with_and_without_text_behind() {
    let text = Random(2).bytes(400);
    for banks in [1, BANKS] {
        let table = dense_table(banks, 3);
        for len in (0..=300).step_by(scaled(1, 43)) {
            check(&table, &text[..len], 0..len);
            for behind in [1, 2, 3, 64, 67] {
                check(&table, &text[..len + behind], 0..len);
            }
        }
    }
}

#[test]
fn every_start_of_the_range() {
    let text = Random(4).bytes(300);
    let table = dense_table(2, 5);
    for start in (0..64).step_by(scaled(1, 17)) {
        for len in [0, 1, 60, 61, 62, 63, 64, 65, 125, 128, 192, 236] {
            check(&table, &text, start..start + len);
            check(&table, &text[..start + len], start..start + len);
        }
    }
}

#[test]
fn literals_are_found_across_the_edges_of_words() {
    for banks in (1..=BANKS).step_by(scaled(1, BANKS - 1)) {
        let table = literal_table(banks);
        for literal in LITERALS.into_iter().step_by(scaled(1, 5)) {
            for at in (58..=68).chain(122..=132).step_by(scaled(1, 5)) {
                let mut text = vec![b'.'; at];
                text.extend_from_slice(literal.to_ascii_uppercase().as_bytes());
                let expected = specified(&table, &text, 0..text.len());
                assert_eq!((expected[0][at / 64] | expected[1][at / 64]) >> (at % 64) & 1, 1, "{literal:?} at {at}");
                check(&table, &text, 0..text.len());
            }
        }
    }
}

#[test]
fn masks_that_held_a_longer_text_are_overwritten() {
    let table = dense_table(3, 6);
    let text = Random(7).bytes(1_000);
    for isa in Isa::available() {
        let mut masks = Masks::default();
        for len in [1_000, 0, 70, 1, 640, 63, 64, 65, 999] {
            classify(isa, &table, &text, 0..len, &mut masks);
            assert_eq!(parts(masks.clone()), specified(&table, &text, 0..len), "{isa:?}, {len} bytes");
            assert!(masks.literal.capacity() >= 16, "the capacity is kept");
        }
    }
}

#[test]
#[should_panic(expected = "out of range")]
fn a_range_lies_within_the_text() {
    classify(Isa::detect(), &literal_table(1), b"short", 0..6, &mut Masks::default());
}

/// Text as the detectors meet it: literals, numbers with separators, addresses, and any bytes between them.
fn texts() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        3 => vec(any::<u8>(), 0..20),
        3 => "[0-9]{1,4}([ ./:-]?[0-9]{2,4}){0,5}".prop_map(String::into_bytes),
        2 => "[a-z]{1,6}@[a-z]{1,6}[.]com".prop_map(String::into_bytes),
        3 => (0..LITERALS.len(), any::<bool>()).prop_map(|(index, upper)| {
            let literal = LITERALS[index];
            if upper { literal.to_ascii_uppercase() } else { literal.to_owned() }.into_bytes()
        }),
        1 => (any::<u8>(), 0..70usize).prop_map(|(byte, len)| vec![byte; len]),
    ];
    vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn range_of(text: &[u8], cuts: [usize; 2]) -> Range<usize> {
    let [one, other] = cuts.map(|cut| cut % (text.len() + 1));
    one.min(other)..one.max(other)
}

proptest! {
    #![proptest_config(property_config(1_000))]

    #[test]
    fn random_bytes(
        text in vec(any::<u8>(), 0..700), cuts: [usize; 2], banks in 1..=BANKS, seed: u64,
    ) {
        check(&dense_table(banks, seed), &text, range_of(&text, cuts));
    }

    #[test]
    fn texts_of_literals_and_numbers(text in texts(), cuts: [usize; 2], banks in 1..=BANKS, seed: u64) {
        let range = range_of(&text, cuts);
        check(&literal_table(banks), &text, range.clone());
        check(&dense_table(banks, seed), &text, range);
    }

    #[test]
    fn tables_of_windows_cut_from_the_text(text in texts(), places in vec(any::<usize>(), 1..40), banks in 1..=BANKS) {
        let windows: Vec<&[u8]> = places.iter().map(|place| &text[place % (text.len() + 1)..]).collect();
        check(&table_of(banks, &windows), &text, 0..text.len());
    }
}
