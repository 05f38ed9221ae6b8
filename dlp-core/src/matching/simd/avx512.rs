//! The kernel for AVX-512 with VBMI and VBMI2: 64 bytes at a time.
//!
//! `VPERMB` looks all 64 bytes up in a table of 64 entries held in one register, and it ignores the two high bits of
//! its indices, so a symbol costs a shift and a merge. Each bank takes four look-ups, one for each offset of the
//! window, on four overlapping loads. There is no branch on the text.

#![allow(unsafe_code, reason = "vector loads, prefetches, and calls of functions that need processor features")]

use super::lanes::{LANES_MAX as LANES, Lanes, first, first_mut, instructions};
use super::places::{Functions, WordFilter};
use super::table::{OPEN_BANKS, WINDOW_BYTES, WindowTable};
use super::tokens::TokenFilter;
use super::words::{READ_BYTES, WORD_BYTES, Words, blocks, part};
use super::{ByteClasses, Task, keep, portable};
use std::arch::is_x86_feature_detected;
use std::arch::x86_64::*;

/// How far ahead of the block memory is asked for. The work for a block fills the processor's window before it would
/// reach the next misses, and its own prefetching stops at each page: asking a page ahead doubles the speed on text
/// that is in no cache, and costs nothing measurable on text that is.
const PREFETCH_BYTES: usize = 4096;
/// Truth table of `(a & b) | (!a & c)`.
const SELECT: i32 = 0xca;
/// Truth table of `a & b & c`.
const AND: i32 = 0x80;
/// Truth table of `(a & b) | c`.
const AND_OR: i32 = 0xea;

/// Whether the processor and the operating system have all that the kernel uses.
pub(super) fn is_available() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512cd")
        && is_x86_feature_detected!("avx512vbmi")
        && is_x86_feature_detected!("avx512vbmi2")
        && is_x86_feature_detected!("avx512vl")
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
    // SAFETY: the processor has each feature that the function enables, as was just asked.
    unsafe { kernel(table, text, words) }
}

/// Gives the classes of each block.
pub(super) fn classify(blocks: &[[u8; WORD_BYTES]], each: &mut impl FnMut(ByteClasses)) {
    if !is_available() {
        return portable::classify(blocks, each);
    }
    // SAFETY: the processor has each feature that the function enables, as was just asked.
    unsafe { class_kernel(blocks, each) }
}

/// Does a task, compiled for the processor.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,bmi1,bmi2,lzcnt,popcnt")]
pub(super) fn run<T: Task>(task: T) -> T::Output {
    task.run()
}

/// Takes and keeps places, if the processor can.
pub(super) fn places() -> Option<Functions> {
    is_available().then_some(Functions { take, keep_words, keep_beside, keep_pairs, keep_shapes })
}

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi2")]
fn take(places: &mut [u32], words: &[u64], first: u32) -> usize {
    let numbers: [u8; WORD_BYTES] = std::array::from_fn(|bit| bit as u8);
    let numbers = load(&numbers);
    let mut len = 0;
    for (index, word) in words.iter().enumerate() {
        let bits = _mm512_maskz_compress_epi8(*word, numbers);
        let at = splat_u32(first + index as u32 * u64::BITS);
        let count = word.count_ones() as usize;
        let quarters = [
            _mm512_castsi512_si128(bits),
            _mm512_extracti32x4_epi32::<1>(bits),
            _mm512_extracti32x4_epi32::<2>(bits),
            _mm512_extracti32x4_epi32::<3>(bits),
        ];
        // Most words have few bits; the first quarter is stored even when they have none.
        for (quarter, bits) in quarters.into_iter().enumerate().take(count.div_ceil(LANES).max(1)) {
            store_places(&mut places[len + quarter * LANES..], _mm512_add_epi32(_mm512_cvtepu8_epi32(bits), at));
        }
        len += count;
    }
    len
}

#[target_feature(enable = "avx512f,avx512cd")]
fn keep_words(places: &mut [u32], filter: &WordFilter<'_>) -> usize {
    keep::words(Avx512(()), places, filter)
}

#[target_feature(enable = "avx512f,avx512cd")]
fn keep_beside(places: &mut [u32], filter: &WordFilter<'_>) -> usize {
    keep::beside(Avx512(()), places, filter)
}

#[target_feature(enable = "avx512f,avx512cd")]
fn keep_pairs(places: &mut [u32], filter: &TokenFilter<'_>) -> usize {
    keep::pairs(Avx512(()), places, filter)
}

#[target_feature(enable = "avx512f,avx512cd")]
fn keep_shapes(places: &mut [u32], filter: &TokenFilter<'_>) -> usize {
    keep::shapes(Avx512(()), places, filter)
}

/// The proof that a function is compiled for the processor, which has the features that the module asks for.
#[derive(Clone, Copy)]
struct Avx512(());

impl Lanes for Avx512 {
    type Vector = __m512i;
    type Mask = __mmask16;

    const COUNT: usize = 16;

    instructions! {
        splat(value: u32) -> __m512i { _mm512_set1_epi32(value.cast_signed()) }
        load(numbers: &[u32]) -> __m512i { _mm512_loadu_si512(first::<{ Self::COUNT }>(numbers).as_ptr().cast()) }
        and(left: __m512i, right: __m512i) -> __m512i { _mm512_and_si512(left, right) }
        or(left: __m512i, right: __m512i) -> __m512i { _mm512_or_si512(left, right) }
        xor(left: __m512i, right: __m512i) -> __m512i { _mm512_xor_si512(left, right) }
        and_not(left: __m512i, right: __m512i) -> __m512i { _mm512_andnot_si512(left, right) }
        add(left: __m512i, right: __m512i) -> __m512i { _mm512_add_epi32(left, right) }
        sub(left: __m512i, right: __m512i) -> __m512i { _mm512_sub_epi32(left, right) }
        mul(left: __m512i, right: __m512i) -> __m512i { _mm512_mullo_epi32(left, right) }
        min(left: __m512i, right: __m512i) -> __m512i { _mm512_min_epu32(left, right) }
        shl(left: __m512i, by: __m512i) -> __m512i { _mm512_sllv_epi32(left, by) }
        shr(left: __m512i, by: __m512i) -> __m512i { _mm512_srlv_epi32(left, by) }
        equal(left: __m512i, right: __m512i) -> __mmask16 { _mm512_cmpeq_epi32_mask(left, right) }
        at_most(left: __m512i, right: __m512i) -> __mmask16 { _mm512_cmple_epu32_mask(left, right) }
        select(mask: __mmask16, yes: __m512i, no: __m512i) -> __m512i { _mm512_mask_mov_epi32(no, mask, yes) }
    }

    #[inline(always)]
    fn store_passing(self, to: &mut [u32], numbers: __m512i, passes: __mmask16) -> usize {
        // SAFETY: the processor has the instructions; the reference covers the 64 bytes that are written.
        unsafe {
            let passing = _mm512_maskz_compress_epi32(passes, numbers);
            _mm512_storeu_si512(first_mut::<{ Self::COUNT }>(to).as_mut_ptr().cast(), passing);
        }
        passes.count_ones() as usize
    }

    #[inline(always)]
    unsafe fn gather(self, bytes: *const u8, offsets: __m512i) -> __m512i {
        // SAFETY: as the caller promises.
        unsafe { _mm512_i32gather_epi32::<1>(offsets, bytes.cast()) }
    }

    #[inline(always)]
    fn look_up(self, table: &[u32], indexes: __m512i) -> __m512i {
        // SAFETY: the processor has the instructions; entries that the table does not have are not read.
        unsafe {
            let known = _mm512_cmplt_epu32_mask(indexes, self.splat(table.len() as u32));
            _mm512_mask_i32gather_epi32::<4>(self.splat(0), known, indexes, table.as_ptr().cast())
        }
    }

    #[inline(always)]
    fn meets(self, numbers: __m512i, bits: u32) -> __mmask16 {
        // SAFETY: the processor has the instruction.
        unsafe { _mm512_test_epi32_mask(numbers, self.splat(bits)) }
    }

    #[inline(always)]
    fn trailing_ones(self, numbers: __m512i) -> __m512i {
        let behind = self.and_not(numbers, self.add(numbers, self.splat(1)));
        // SAFETY: the processor has the instruction.
        self.sub(self.splat(u32::BITS - 1), unsafe { _mm512_lzcnt_epi32(behind) })
    }

    #[inline(always)]
    fn any(self, left: __mmask16, right: __mmask16) -> __mmask16 {
        left | right
    }

    #[inline(always)]
    fn both(self, left: __mmask16, right: __mmask16) -> __mmask16 {
        left & right
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn splat_u32(value: u32) -> __m512i {
    _mm512_set1_epi32(value.cast_signed())
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store_places(places: &mut [u32], vector: __m512i) {
    let places: &mut [u32; Avx512::COUNT] = first_mut(places);
    // SAFETY: the reference covers the 64 bytes that are written.
    unsafe { _mm512_storeu_si512(places.as_mut_ptr().cast(), vector) };
}

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn kernel(table: &WindowTable, text: &[u8], words: Words<'_>) {
    let tables = table.banks().each_ref().map(|bank| bank.0.each_ref().map(|of_offset| load(of_offset)));
    let (open, keyed) = tables.split_at(OPEN_BANKS);
    for (word, block) in words.slots().zip(blocks(text)) {
        prefetch(block);
        let bytes = load(part(block, 0));
        let symbols = [
            symbols(bytes),
            symbols(load(part(block, 1))),
            symbols(load(part(block, 2))),
            symbols(load(part(block, 3))),
        ];
        *word.literal = admitted(open, symbols);
        *word.keyed = admitted(keyed, symbols);
        *word.digit = within(bytes, b'0', b'9');
        *word.alnum = *word.digit | within(_mm512_or_si512(bytes, splat(0x20)), b'a', b'z');
        *word.at = _mm512_cmpeq_epi8_mask(bytes, splat(b'@'));
        let marks = _mm512_cmpeq_epi8_mask(bytes, splat(b'-')) | _mm512_cmpeq_epi8_mask(bytes, splat(b'_'));
        *word.key = *word.alnum | marks;
    }
}

#[target_feature(enable = "avx512f,avx512bw")]
fn class_kernel(blocks: &[[u8; WORD_BYTES]], each: &mut impl FnMut(ByteClasses)) {
    for block in blocks {
        let bytes = load(block);
        let mut classes = ByteClasses::default();
        let is = |byte| _mm512_cmpeq_epi8_mask(bytes, splat(byte));
        classes.digit = within(bytes, b'0', b'9');
        classes.alnum = classes.digit | within(_mm512_or_si512(bytes, splat(0x20)), b'a', b'z');
        classes.base64 = ByteClasses::BASE64_MARKS.into_iter().fold(classes.alnum, |any, byte| any | is(byte));
        classes.equals = is(b'=');
        classes.quote = ByteClasses::QUOTES.into_iter().fold(0, |any, byte| any | is(byte));
        classes.joint = ByteClasses::JOINTS.into_iter().fold(within(bytes, b'\t', b'\r'), |any, byte| any | is(byte));
        classes.feed = is(b'\n');
        classes.upper = within(bytes, b'A', b'Z');
        classes.code = is(b'%') | is(b'\\');
        let coded = classes.digit | within(_mm512_or_si512(bytes, splat(0x20)), b'a', b'f');
        classes.coded = ByteClasses::CODED_MARKS.into_iter().fold(coded, |any, byte| any | is(byte));
        classes.ampersand = is(b'&');
        classes.hash = is(b'#');
        classes.semicolon = is(b';');
        classes.plus = is(b'+');
        classes.wide = _mm512_movepi8_mask(bytes);
        each(classes);
    }
}

/// The windows that some bucket of the banks admits.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn admitted(tables: &[[__m512i; WINDOW_BYTES]], [s0, s1, s2, s3]: [__m512i; WINDOW_BYTES]) -> u64 {
    let mut admitted = _mm512_setzero_si512();
    for [t0, t1, t2, t3] in tables {
        let first = _mm512_permutexvar_epi8(s0, *t0);
        let second = _mm512_permutexvar_epi8(s1, *t1);
        let third = _mm512_permutexvar_epi8(s2, *t2);
        let fourth = _mm512_permutexvar_epi8(s3, *t3);
        let three = _mm512_ternarylogic_epi32::<AND>(first, second, third);
        admitted = _mm512_ternarylogic_epi32::<AND_OR>(three, fourth, admitted);
    }
    _mm512_test_epi8_mask(admitted, admitted)
}

/// Symbols in the low six bits; what stands in the two above is of no account to `VPERMB`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn symbols(bytes: __m512i) -> __m512i {
    _mm512_ternarylogic_epi32::<SELECT>(splat(0x20), _mm512_srli_epi16::<1>(bytes), bytes)
}

/// Which bytes lie between `low` and `high`, both included.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn within(bytes: __m512i, low: u8, high: u8) -> u64 {
    _mm512_cmple_epu8_mask(_mm512_sub_epi8(bytes, splat(low)), splat(high - low))
}

/// Asks for the memory [`PREFETCH_BYTES`] ahead.
#[inline]
fn prefetch(block: &[u8; READ_BYTES]) {
    let ahead = block.as_ptr().wrapping_add(PREFETCH_BYTES);
    // SAFETY: a prefetch is a hint; whatever the address, it neither faults nor counts as an access.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(ahead.cast()) };
}

#[inline]
#[target_feature(enable = "avx512f")]
fn splat(byte: u8) -> __m512i {
    _mm512_set1_epi8(byte.cast_signed())
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load(bytes: &[u8; WORD_BYTES]) -> __m512i {
    // SAFETY: the reference covers the 64 bytes that are read, and the load asks for no alignment.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
}
