//! The kernel for AVX-512 with VBMI: 64 bytes at a time.
//!
//! `VPERMB` looks all 64 bytes up in a table of 64 entries held in one register, and it ignores the two high bits of
//! its indices, so a symbol costs a shift and a merge. Each bank takes four look-ups, one for each offset of the
//! window, on four overlapping loads. There is no branch on the text.

#![allow(unsafe_code, reason = "vector loads, prefetches, and calls of functions that need processor features")]

use super::portable;
use super::rows::{Functions, RowSet, SETS_AT_ONCE};
use super::table::{Bank, WINDOW_BYTES, WindowTable};
use super::words::{READ_BYTES, WORD_BYTES, Words, blocks, part};
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
        && is_x86_feature_detected!("avx512vbmi")
}

/// Fills `words` from `text`, which holds [`super::words::read_len`] bytes for them.
pub(super) fn scan(table: &WindowTable, text: &[u8], words: Words<'_>) {
    if !is_available() {
        return portable::scan(table, text, words);
    }
    // SAFETY: the processor has each feature that the function enables, as was just asked.
    unsafe { scan_by_banks(table, text, words) }
}

/// Intersects sets of rows, if the processor can.
pub(super) fn intersect() -> Option<Functions> {
    is_available().then_some(Functions { all, keep })
}

#[target_feature(enable = "avx512f")]
fn all(rows: &mut RowSet, [first, second, others @ ..]: [&RowSet; SETS_AT_ONCE]) -> bool {
    store_and(rows, _mm512_and_si512(load_set(first), load_set(second)), others)
}

#[target_feature(enable = "avx512f")]
fn keep(rows: &mut RowSet, [a, b, others @ ..]: [&RowSet; SETS_AT_ONCE]) -> bool {
    let kept = _mm512_ternarylogic_epi64::<AND>(load_set(rows), load_set(a), load_set(b));
    store_and(rows, kept, others)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store_and(rows: &mut RowSet, kept: __m512i, [a, b]: [&RowSet; 2]) -> bool {
    let kept = _mm512_ternarylogic_epi64::<AND>(kept, load_set(a), load_set(b));
    // SAFETY: the reference covers the 64 bytes that are written, and a set is aligned to as many.
    unsafe { _mm512_store_si512((&raw mut rows.0).cast(), kept) };
    _mm512_test_epi64_mask(kept, kept) != 0
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load_set(set: &RowSet) -> __m512i {
    // SAFETY: the reference covers the 64 bytes that are read, and a set is aligned to as many.
    unsafe { _mm512_load_si512((&raw const set.0).cast()) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn scan_by_banks(table: &WindowTable, text: &[u8], words: Words<'_>) {
    match table.banks().len() {
        1 => kernel::<1>(table.first_banks(), text, words),
        2 => kernel::<2>(table.first_banks(), text, words),
        3 => kernel::<3>(table.first_banks(), text, words),
        _ => kernel::<4>(table.first_banks(), text, words),
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn kernel<const BANKS: usize>(banks: &[Bank; BANKS], text: &[u8], words: Words<'_>) {
    let mut tables = [[_mm512_setzero_si512(); WINDOW_BYTES]; BANKS];
    for (registers, bank) in tables.iter_mut().zip(banks) {
        for (register, of_offset) in registers.iter_mut().zip(&bank.0) {
            *register = load(of_offset);
        }
    }
    for (word, block) in words.slots().zip(blocks(text)) {
        prefetch(block);
        let bytes = load(part(block, 0));
        let [s0, s1, s2, s3] = [
            symbols(bytes),
            symbols(load(part(block, 1))),
            symbols(load(part(block, 2))),
            symbols(load(part(block, 3))),
        ];
        let mut admitted = _mm512_setzero_si512();
        for [t0, t1, t2, t3] in &tables {
            let first = _mm512_permutexvar_epi8(s0, *t0);
            let second = _mm512_permutexvar_epi8(s1, *t1);
            let third = _mm512_permutexvar_epi8(s2, *t2);
            let fourth = _mm512_permutexvar_epi8(s3, *t3);
            let three = _mm512_ternarylogic_epi32::<AND>(first, second, third);
            admitted = _mm512_ternarylogic_epi32::<AND_OR>(three, fourth, admitted);
        }
        *word.literal = _mm512_test_epi8_mask(admitted, admitted);
        *word.digit = within(bytes, b'0', b'9');
        *word.alnum = *word.digit | within(_mm512_or_si512(bytes, splat(0x20)), b'a', b'z');
        *word.at = _mm512_cmpeq_epi8_mask(bytes, splat(b'@'));
    }
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
