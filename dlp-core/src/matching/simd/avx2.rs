//! The kernel for AVX2: a word as two halves of 32 bytes.
//!
//! `VPSHUFB` knows tables of 16 entries only, and yields 0 where the high bit of the index is set. So the 64 entries
//! are looked up in quarters, with indices that are valid in one quarter each, and the four results are united. This
//! costs more than the usual pair of nibble tables but admits exactly what the table says, not mixtures of nibbles:
//! the stages behind would pay for these.

#![allow(unsafe_code, reason = "vector loads, and calls of functions that need processor features")]

use super::table::{Bank, KEYED_BANKS, OPEN_BANKS, WINDOW_BYTES, WindowTable};
use super::words::{WORD_BYTES, Words, blocks, part};
use super::{ByteClasses, Task, portable};
use std::arch::is_x86_feature_detected;
use std::arch::x86_64::*;

/// Bytes of a vector.
const HALF_BYTES: usize = WORD_BYTES / 2;
/// Bytes that are read for a half.
const HALF_READ_BYTES: usize = HALF_BYTES + WINDOW_BYTES - 1;
/// Entries of a quarter of a table.
const QUARTER: usize = 16;
/// Quarters of a table.
const QUARTERS: usize = 4;

/// Whether the processor and the operating system have all that the kernel uses.
pub(super) fn is_available() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("lzcnt")
        && is_x86_feature_detected!("popcnt")
}

/// Fills `words` from `text`, which holds [`super::words::read_len`] bytes for them.
pub(super) fn scan(table: &WindowTable, text: &[u8], words: Words<'_>) {
    if !is_available() {
        return portable::scan(table, text, words);
    }
    // SAFETY: the processor has the feature that the function enables, as was just asked.
    unsafe { kernel(table, text, words) }
}

/// Fills `classes`, one for each block.
pub(super) fn classify(blocks: &[[u8; WORD_BYTES]], classes: &mut [ByteClasses]) {
    if !is_available() {
        return portable::classify(blocks, classes);
    }
    // SAFETY: the processor has the feature that the function enables, as was just asked.
    unsafe { class_kernel(blocks, classes) }
}

/// Does a task, compiled for the processor.
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
pub(super) fn run<T: Task>(task: T) -> T::Output {
    task.run()
}

#[target_feature(enable = "avx2")]
fn kernel(table: &WindowTable, text: &[u8], words: Words<'_>) {
    let (open, keyed) = table.banks().split_at(OPEN_BANKS);
    let (open, keyed): (&[Bank; OPEN_BANKS], &[Bank; KEYED_BANKS]) =
        (open.first_chunk().expect("so many are split off"), keyed.first_chunk().expect("the others"));
    for (word, block) in words.slots().zip(blocks(text)) {
        (*word.literal, *word.keyed) = (0, 0);
        let halves = [part(block, 0), part(block, HALF_BYTES)];
        for (half, first_bit) in halves.into_iter().zip([0, HALF_BYTES]) {
            let indices = window_indices(half);
            *word.literal |= u64::from(admitted(open, &indices)) << first_bit;
            *word.keyed |= u64::from(admitted(keyed, &indices)) << first_bit;
        }
        let (low, high) = (load(part(block, 0)), load(part(block, HALF_BYTES)));
        let is = |byte| join(equal(low, splat(byte)), equal(high, splat(byte)));
        *word.digit = join(within(low, b'0', b'9'), within(high, b'0', b'9'));
        *word.alnum = *word.digit | join(letters(low), letters(high));
        *word.at = is(b'@');
        *word.key = *word.alnum | is(b'-') | is(b'_');
    }
}

#[target_feature(enable = "avx2")]
fn class_kernel(blocks: &[[u8; WORD_BYTES]], classes: &mut [ByteClasses]) {
    for (block, classes) in blocks.iter().zip(classes) {
        let (low, high) = (load(part(block, 0)), load(part(block, HALF_BYTES)));
        let is = |byte| join(equal(low, splat(byte)), equal(high, splat(byte)));
        let blank = join(within(low, b'\t', b'\r'), within(high, b'\t', b'\r'));
        classes.digit = join(within(low, b'0', b'9'), within(high, b'0', b'9'));
        let alnum = classes.digit | join(letters(low), letters(high));
        classes.base64 = ByteClasses::BASE64_MARKS.into_iter().fold(alnum, |any, byte| any | is(byte));
        classes.equals = is(b'=');
        classes.quote = ByteClasses::QUOTES.into_iter().fold(0, |any, byte| any | is(byte));
        classes.joint = ByteClasses::JOINTS.into_iter().fold(blank, |any, byte| any | is(byte));
        classes.feed = is(b'\n');
        classes.upper = join(within(low, b'A', b'Z'), within(high, b'A', b'Z'));
        classes.code = is(b'%') | is(b'\\');
        let [first, second] = [low, high].map(|half| within(_mm256_or_si256(half, splat(0x20)), b'a', b'f'));
        let coded = classes.digit | join(first, second);
        classes.coded = ByteClasses::CODED_MARKS.into_iter().fold(coded, |any, byte| any | is(byte));
        classes.ampersand = is(b'&');
        classes.hash = is(b'#');
        classes.semicolon = is(b';');
        classes.plus = is(b'+');
        classes.a = is(b'A');
        let [first, second] = [low, high].map(|half| _mm256_movemask_epi8(half).cast_unsigned());
        classes.wide = join(first, second);
    }
}

/// What windows that begin in the first 32 bytes are looked up by.
#[inline]
#[target_feature(enable = "avx2")]
fn window_indices(half: &[u8; HALF_READ_BYTES]) -> [[__m256i; QUARTERS]; WINDOW_BYTES] {
    let mut indices = [[splat(0); QUARTERS]; WINDOW_BYTES];
    for (offset, indices) in indices.iter_mut().enumerate() {
        *indices = quarter_indices(load(part(half, offset)));
    }
    indices
}

/// The windows that some bucket of the banks admits.
#[inline]
#[target_feature(enable = "avx2")]
fn admitted<const BANKS: usize>(banks: &[Bank; BANKS], indices: &[[__m256i; QUARTERS]; WINDOW_BYTES]) -> u32 {
    let mut admitted = [splat(u8::MAX); BANKS];
    for (offset, indices) in indices.iter().enumerate() {
        for (buckets, bank) in admitted.iter_mut().zip(banks) {
            *buckets = _mm256_and_si256(*buckets, look_up(&bank.0[offset], *indices));
        }
    }
    let mut any = splat(0);
    for buckets in admitted {
        any = _mm256_or_si256(any, buckets);
    }
    !equal(any, splat(0))
}

/// For each quarter of the table, indices whose high bit is set where the symbol lies in another one.
///
/// A symbol is a byte without its bits 7 and 5. With these cleared instead of squeezed out, the quarters begin at
/// 0x00, 0x10, 0x40 and 0x50. What lies in the first stays below 0x80 when 0x70 is added, all else does not; what lies
/// in the last does not become negative when 0x50 is taken away, all else does; and flipping bit 4 makes the first
/// quarter of the second, the last of the third.
#[inline]
#[target_feature(enable = "avx2")]
fn quarter_indices(bytes: __m256i) -> [__m256i; QUARTERS] {
    let folded = _mm256_and_si256(bytes, splat(0x5f));
    let flipped = _mm256_xor_si256(folded, splat(0x10));
    let (first, last) = (splat(0x70), splat(0x50));
    [
        _mm256_add_epi8(folded, first),
        _mm256_add_epi8(flipped, first),
        _mm256_sub_epi8(flipped, last),
        _mm256_sub_epi8(folded, last),
    ]
}

#[inline]
#[target_feature(enable = "avx2")]
fn look_up(table: &[u8; QUARTER * QUARTERS], indices: [__m256i; QUARTERS]) -> __m256i {
    let (quarters, _) = table.as_chunks::<QUARTER>();
    let mut buckets = splat(0);
    for (quarter, index) in quarters.iter().zip(indices) {
        buckets = _mm256_or_si256(buckets, _mm256_shuffle_epi8(load_twice(quarter), index));
    }
    buckets
}

#[inline]
#[target_feature(enable = "avx2")]
fn letters(bytes: __m256i) -> u32 {
    within(_mm256_or_si256(bytes, splat(0x20)), b'a', b'z')
}

/// Which bytes lie between `low` and `high`, both included.
#[inline]
#[target_feature(enable = "avx2")]
fn within(bytes: __m256i, low: u8, high: u8) -> u32 {
    let above = _mm256_sub_epi8(bytes, splat(low));
    equal(_mm256_min_epu8(above, splat(high - low)), above)
}

#[inline]
#[target_feature(enable = "avx2")]
fn equal(left: __m256i, right: __m256i) -> u32 {
    _mm256_movemask_epi8(_mm256_cmpeq_epi8(left, right)).cast_unsigned()
}

#[inline]
fn join(low: u32, high: u32) -> u64 {
    u64::from(low) | (u64::from(high) << u32::BITS)
}

#[inline]
#[target_feature(enable = "avx2")]
fn splat(byte: u8) -> __m256i {
    _mm256_set1_epi8(byte.cast_signed())
}

#[inline]
#[target_feature(enable = "avx2")]
fn load(bytes: &[u8; HALF_BYTES]) -> __m256i {
    // SAFETY: the reference covers the 32 bytes that are read, and the load asks for no alignment.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

/// The quarter in both halves of the vector, as `VPSHUFB` looks up in each half apart.
#[inline]
#[target_feature(enable = "avx2")]
fn load_twice(quarter: &[u8; QUARTER]) -> __m256i {
    // SAFETY: the reference covers the 16 bytes that are read, and the load asks for no alignment.
    _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(quarter.as_ptr().cast()) })
}
