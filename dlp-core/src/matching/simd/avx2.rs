//! The kernel for AVX2: a word as two halves of 32 bytes.
//!
//! `VPSHUFB` knows tables of 16 entries only, and yields 0 where the high bit of the index is set. So the 64 entries
//! are looked up in quarters, with indices that are valid in one quarter each, and the four results are united. This
//! costs more than the usual pair of nibble tables but admits exactly what the table says, not mixtures of nibbles:
//! the stages behind would pay for these.

#![allow(unsafe_code, reason = "vector loads, and calls of functions that need processor features")]

use super::lanes::{Lanes, first, first_mut, instructions};
use super::places::{Functions, WordFilter};
use super::table::{Bank, KEYED_BANKS, OPEN_BANKS, WINDOW_BYTES, WindowTable};
use super::tokens::TokenFilter;
use super::words::{WORD_BYTES, Words, blocks, part};
use super::{ByteClasses, Task, keep, portable};
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

/// Gives the classes of each block.
pub(super) fn classify(blocks: &[[u8; WORD_BYTES]], each: &mut impl FnMut(ByteClasses)) {
    if !is_available() {
        return portable::classify(blocks, each);
    }
    // SAFETY: the processor has the feature that the function enables, as was just asked.
    unsafe { class_kernel(blocks, each) }
}

/// Does a task, compiled for the processor.
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
pub(super) fn run<T: Task>(task: T) -> T::Output {
    task.run()
}

/// Takes and keeps places, if the processor can.
pub(super) fn places() -> Option<Functions> {
    is_available().then_some(Functions { take, keep_words, keep_beside, keep_pairs, keep_shapes })
}

/// For each byte, the numbers of its set bits side by side.
static BITS: [u64; 1 << 8] = {
    let mut all = [0; 1 << 8];
    let mut byte = 0;
    while byte < all.len() {
        let (mut bit, mut place) = (0, 0);
        while bit < 8 {
            if byte >> bit & 1 == 1 {
                all[byte] |= bit << (8 * place);
                place += 1;
            }
            bit += 1;
        }
        byte += 1;
    }
    all
};

#[target_feature(enable = "avx2,popcnt")]
fn take(places: &mut [u32], words: &[u64], first: u32) -> usize {
    let mut len = 0;
    for (index, word) in words.iter().enumerate() {
        for (part, byte) in word.to_le_bytes().into_iter().enumerate() {
            let at = first + index as u32 * u64::BITS + part as u32 * u8::BITS;
            let bits = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(BITS[usize::from(byte)].cast_signed()));
            store(first_mut(&mut places[len..]), _mm256_add_epi32(bits, _mm256_set1_epi32(at.cast_signed())));
            len += byte.count_ones() as usize;
        }
    }
    len
}

#[inline]
#[target_feature(enable = "avx2")]
fn store(numbers: &mut [u32; Avx2::COUNT], vector: __m256i) {
    // SAFETY: the reference covers the 32 bytes that are written.
    unsafe { _mm256_storeu_si256(numbers.as_mut_ptr().cast(), vector) };
}

#[target_feature(enable = "avx2,popcnt")]
fn keep_words(places: &mut [u32], filter: &WordFilter<'_>) -> usize {
    keep::words(Avx2(()), places, filter)
}

#[target_feature(enable = "avx2,popcnt")]
fn keep_beside(places: &mut [u32], filter: &WordFilter<'_>) -> usize {
    keep::beside(Avx2(()), places, filter)
}

#[target_feature(enable = "avx2,popcnt")]
fn keep_pairs(places: &mut [u32], filter: &TokenFilter<'_>) -> usize {
    keep::pairs(Avx2(()), places, filter)
}

#[target_feature(enable = "avx2,popcnt")]
fn keep_shapes(places: &mut [u32], filter: &TokenFilter<'_>) -> usize {
    keep::shapes(Avx2(()), places, filter)
}

/// The proof that a function is compiled for the processor, which has the features that the module asks for.
#[derive(Clone, Copy)]
struct Avx2(());

impl Lanes for Avx2 {
    type Vector = __m256i;
    /// All bits of a number are set where it says yes.
    type Mask = __m256i;

    const COUNT: usize = 8;

    instructions! {
        splat(value: u32) -> __m256i { _mm256_set1_epi32(value.cast_signed()) }
        load(numbers: &[u32]) -> __m256i { _mm256_loadu_si256(first::<{ Self::COUNT }>(numbers).as_ptr().cast()) }
        and(left: __m256i, right: __m256i) -> __m256i { _mm256_and_si256(left, right) }
        or(left: __m256i, right: __m256i) -> __m256i { _mm256_or_si256(left, right) }
        xor(left: __m256i, right: __m256i) -> __m256i { _mm256_xor_si256(left, right) }
        and_not(left: __m256i, right: __m256i) -> __m256i { _mm256_andnot_si256(left, right) }
        add(left: __m256i, right: __m256i) -> __m256i { _mm256_add_epi32(left, right) }
        sub(left: __m256i, right: __m256i) -> __m256i { _mm256_sub_epi32(left, right) }
        mul(left: __m256i, right: __m256i) -> __m256i { _mm256_mullo_epi32(left, right) }
        min(left: __m256i, right: __m256i) -> __m256i { _mm256_min_epu32(left, right) }
        shl(left: __m256i, by: __m256i) -> __m256i { _mm256_sllv_epi32(left, by) }
        shr(left: __m256i, by: __m256i) -> __m256i { _mm256_srlv_epi32(left, by) }
        equal(left: __m256i, right: __m256i) -> __m256i { _mm256_cmpeq_epi32(left, right) }
        at_most(left: __m256i, right: __m256i) -> __m256i { _mm256_cmpeq_epi32(_mm256_min_epu32(left, right), left) }
        any(left: __m256i, right: __m256i) -> __m256i { _mm256_or_si256(left, right) }
        both(left: __m256i, right: __m256i) -> __m256i { _mm256_and_si256(left, right) }
        select(mask: __m256i, yes: __m256i, no: __m256i) -> __m256i { _mm256_blendv_epi8(no, yes, mask) }
    }

    #[inline(always)]
    fn store_passing(self, to: &mut [u32], numbers: __m256i, passes: __m256i) -> usize {
        // SAFETY: the processor has the instructions.
        unsafe {
            let passes = _mm256_movemask_ps(_mm256_castsi256_ps(passes)).cast_unsigned() as usize;
            let order = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(BITS[passes].cast_signed()));
            store(first_mut(to), _mm256_permutevar8x32_epi32(numbers, order));
            passes.count_ones() as usize
        }
    }

    #[inline(always)]
    unsafe fn gather(self, bytes: *const u8, offsets: __m256i) -> __m256i {
        // SAFETY: as the caller promises.
        unsafe { _mm256_i32gather_epi32::<1>(bytes.cast(), offsets) }
    }

    #[inline(always)]
    fn look_up(self, table: &[u32], indexes: __m256i) -> __m256i {
        let last = self.splat((table.len() as u32).wrapping_sub(1));
        let known = if table.is_empty() { self.splat(0) } else { self.at_most(indexes, last) };
        // SAFETY: the processor has the instruction; entries that the table does not have are not read.
        unsafe { _mm256_mask_i32gather_epi32::<4>(self.splat(0), table.as_ptr().cast(), indexes, known) }
    }

    #[inline(always)]
    fn meets(self, numbers: __m256i, bits: u32) -> __m256i {
        // SAFETY: the processor has the instruction.
        unsafe { _mm256_cmpgt_epi32(self.and(numbers, self.splat(bits)), self.splat(0)) }
    }

    #[inline(always)]
    fn trailing_ones(self, numbers: __m256i) -> __m256i {
        let behind = self.and_not(numbers, self.add(numbers, self.splat(1)));
        // A power of two is exact as a floating-point number, whose exponent it is.
        // SAFETY: the processor has the instructions.
        let exponents = unsafe { _mm256_srli_epi32::<23>(_mm256_castps_si256(_mm256_cvtepi32_ps(behind))) };
        self.sub(exponents, self.splat(127))
    }
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
fn class_kernel(blocks: &[[u8; WORD_BYTES]], each: &mut impl FnMut(ByteClasses)) {
    for block in blocks {
        let mut classes = ByteClasses::default();
        let (low, high) = (load(part(block, 0)), load(part(block, HALF_BYTES)));
        let is = |byte| join(equal(low, splat(byte)), equal(high, splat(byte)));
        let blank = join(within(low, b'\t', b'\r'), within(high, b'\t', b'\r'));
        classes.digit = join(within(low, b'0', b'9'), within(high, b'0', b'9'));
        classes.alnum = classes.digit | join(letters(low), letters(high));
        classes.base64 = ByteClasses::BASE64_MARKS.into_iter().fold(classes.alnum, |any, byte| any | is(byte));
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
        let [first, second] = [low, high].map(|half| _mm256_movemask_epi8(half).cast_unsigned());
        classes.wide = join(first, second);
        each(classes);
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
