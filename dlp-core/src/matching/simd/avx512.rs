//! The kernel for AVX-512 with VBMI and VBMI2: 64 bytes at a time.
//!
//! `VPERMB` looks all 64 bytes up in a table of 64 entries held in one register, and it ignores the two high bits of
//! its indices, so a symbol costs a shift and a merge. Each bank takes four look-ups, one for each offset of the
//! window, on four overlapping loads. There is no branch on the text.

#![allow(unsafe_code, reason = "vector loads, prefetches, and calls of functions that need processor features")]

use super::places::{
    self, BESIDE_MULTIPLIER, Beside, CASE_BITS, Functions, HASH_BITS, LANES, MULTIPLIER, SHORT_MASK, WordFilter,
};
use super::table::{OPEN_BANKS, WINDOW_BYTES, WindowTable};
use super::tokens::{
    FAR, FIRST_LEN_MAX, FOLLOWER_BITS, LONG, NEAR, OF_KIND, SECOND_LEN_MAX, SECOND_UNTOLD, SEEN, SEEN_BITS, TokenFilter,
};
use super::words::{READ_BYTES, WORD_BYTES, Words, blocks, part};
use super::{Ahead, ByteClasses, Task, portable};
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

/// Fills `classes`, one for each block.
pub(super) fn classify(blocks: &[[u8; WORD_BYTES]], classes: &mut [ByteClasses]) {
    if !is_available() {
        return portable::classify(blocks, classes);
    }
    // SAFETY: the processor has each feature that the function enables, as was just asked.
    unsafe { class_kernel(blocks, classes) }
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

#[target_feature(enable = "avx512f")]
fn keep_words(places: &mut [u32], filter: &WordFilter<'_>) -> usize {
    let len = places.len() - LANES;
    let (mut seen, mut kept) = (0, 0);
    // Places ascend, so that the last one of a vector is the first to lie too near to the end.
    while seen + LANES <= len && places[seen + LANES - 1] as usize + size_of::<u32>() <= filter.text.len() {
        let chosen = load_places(&places[seen..]);
        // SAFETY: four bytes from each of the places lie within the text, as was just asked.
        let word = unsafe { gather_words(chosen, filter.text.as_ptr()) };
        let full = has_bit(&*filter.words.words, hash(word));
        let short = has_bit(&*filter.words.words, hash(_mm512_and_si512(word, splat_u32(SHORT_MASK))));
        kept += store_passing(&mut places[kept..], chosen, full | short);
        seen += LANES;
    }
    places::keep(&mut places[..len], seen, kept, |place| filter.holds(place as usize))
}

#[target_feature(enable = "avx512f")]
fn keep_beside(places: &mut [u32], filter: &WordFilter<'_>) -> usize {
    let len = places.len() - LANES;
    // Before the first ones may be less than is looked at.
    let mut seen = places[..len].iter().take_while(|place| **place < 2).count();
    let mut kept = places::keep(&mut places[..seen], 0, 0, |place| filter.holds_beside(place as usize));
    while seen + LANES <= len && places[seen + LANES - 1] as usize + 2 * size_of::<u32>() <= filter.text.len() {
        let chosen = load_places(&places[seen..]);
        let text = filter.text.as_ptr();
        // SAFETY: two bytes before the first of the places, and eight from each of them, lie within the text.
        let [before, word, behind] = unsafe {
            [
                gather_words(chosen, text.wrapping_sub(2)),
                gather_words(chosen, text),
                gather_words(chosen, text.wrapping_add(4)),
            ]
        };
        let before = _mm512_and_si512(before, splat_u32(0xffff));
        let beside = _mm512_or_si512(before, _mm512_slli_epi32::<16>(behind));
        let short = has_bit(&*filter.words.beside, hash(_mm512_and_si512(word, splat_u32(SHORT_MASK))));
        let mut passes = short;
        for known in Beside::ALL {
            let beside = _mm512_and_si512(beside, splat_u32(known.0));
            let mixed = _mm512_xor_si512(word, _mm512_mullo_epi32(beside, splat_u32(BESIDE_MULTIPLIER)));
            passes |= has_bit(&*filter.words.beside, hash(mixed));
        }
        kept += store_passing(&mut places[kept..], chosen, passes);
        seen += LANES;
    }
    places::keep(&mut places[..len], seen, kept, |place| filter.holds_beside(place as usize))
}

/// The four bytes that stand so far behind the start of the text as each number says, with letters in one case.
///
/// # Safety
/// The bytes must be readable.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn gather_words(places: __m512i, text: *const u8) -> __m512i {
    // SAFETY: as the caller promises.
    let bytes = unsafe { _mm512_i32gather_epi32::<1>(places, text.cast()) };
    _mm512_or_si512(bytes, splat_u32(CASE_BITS))
}

#[inline]
#[target_feature(enable = "avx512f")]
fn hash(mixed: __m512i) -> __m512i {
    _mm512_srli_epi32::<{ u32::BITS - HASH_BITS }>(_mm512_mullo_epi32(mixed, splat_u32(MULTIPLIER)))
}

/// Stores the places that pass, and gives their number. What is overwritten has been loaded: as many places at least
/// were seen as are kept.
#[inline]
#[target_feature(enable = "avx512f")]
fn store_passing(places: &mut [u32], chosen: __m512i, passes: __mmask16) -> usize {
    store_places(places, _mm512_maskz_compress_epi32(passes, chosen));
    passes.count_ones() as usize
}

#[target_feature(enable = "avx512f,avx512cd")]
fn keep_pairs(places: &mut [u32], filter: &TokenFilter<'_>) -> usize {
    // SAFETY: of each vector it is asked before whether all may be read.
    keep_tokens(places, filter, |tokens| unsafe { tokens.have_pair() }, |place| filter.has_pair(place))
}

#[target_feature(enable = "avx512f,avx512cd")]
fn keep_shapes(places: &mut [u32], filter: &TokenFilter<'_>) -> usize {
    // SAFETY: as above.
    keep_tokens(places, filter, |tokens| unsafe { tokens.have_shape() }, |place| filter.has_shape(place))
}

/// Keeps the tokens that `have` something, of which only vectors are asked that lie well within the text, and those which it
/// `has` at other places.
#[inline]
#[target_feature(enable = "avx512f,avx512cd")]
fn keep_tokens(
    places: &mut [u32],
    filter: &TokenFilter<'_>,
    have: impl Fn(&Tokens<'_>) -> __mmask16,
    has: impl Fn(usize) -> bool,
) -> usize {
    let len = places.len() - LANES;
    // Before the first ones may be less than is looked at.
    let mut seen = places[..len].iter().take_while(|place| filter.from + (**place as usize) < 2).count();
    let mut kept = places::keep(&mut places[..seen], 0, 0, |place| has(place as usize));
    // Places ascend, so that the last one of a vector is the first to lie too near to the end.
    let readable = Tokens::readable(filter);
    while seen + LANES <= len && (places[seen + LANES - 1] as usize) < readable {
        let chosen = load_places(&places[seen..]);
        // SAFETY: the first and the last place of the vector lie where all that is looked at is readable.
        let passes = have(&unsafe { Tokens::new(chosen, filter) });
        kept += store_passing(&mut places[kept..], chosen, passes);
        seen += LANES;
    }
    places::keep(&mut places[..len], seen, kept, |place| has(place as usize))
}

/// Sixteen tokens, and what is seen of them.
struct Tokens<'t> {
    places: __m512i,
    filter: &'t TokenFilter<'t>,
    /// The byte that the place 0 stands for.
    text: *const u8,
    alnum: __m512i,
    digit: __m512i,
    /// The two bytes before each, and its first two.
    bytes: __m512i,
}

impl<'t> Tokens<'t> {
    /// The place from which on not all that is looked at is readable: four bytes behind as many as are seen of the text,
    /// four of the masks.
    fn readable(filter: &TokenFilter<'_>) -> usize {
        let masks = filter.masks.alnum.len().min(filter.masks.digit.len()) * size_of::<u64>();
        let text = filter.text.len() - filter.from;
        text.saturating_sub(SEEN_BITS as usize + size_of::<u32>() - 1)
            .min(masks.saturating_sub(size_of::<u32>() - 1) * u8::BITS as usize)
    }

    /// # Safety
    /// The places must be below what is [`readable`](Self::readable), and two bytes of the text or more stand before each.
    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn new(places: __m512i, filter: &'t TokenFilter<'t>) -> Self {
        let text = filter.text.as_ptr().wrapping_add(filter.from);
        let seen = |mask: &[u64]| {
            // SAFETY: as the caller promises.
            let bits = unsafe { _mm512_i32gather_epi32::<1>(_mm512_srli_epi32::<3>(places), mask.as_ptr().cast()) };
            _mm512_and_si512(_mm512_srlv_epi32(bits, _mm512_and_si512(places, splat_u32(7))), splat_u32(SEEN))
        };
        // SAFETY: as the caller promises.
        let bytes = unsafe { _mm512_i32gather_epi32::<1>(places, text.wrapping_sub(2).cast()) };
        Self { places, filter, text, alnum: seen(&filter.masks.alnum), digit: seen(&filter.masks.digit), bytes }
    }

    /// Which of them [have one of the pairs](TokenFilter::has_pair).
    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn have_pair(&self) -> __mmask16 {
        let first = _mm512_and_si512(_mm512_srli_epi32::<8>(self.bytes), splat_u32(0xff00));
        let pair = _mm512_or_si512(first, _mm512_srli_epi32::<24>(self.bytes));
        let pair = _mm512_or_si512(pair, _mm512_slli_epi32::<16>(self.ahead()));
        has_bit(&self.filter.pairs.0, pair) | self.are_behind_lead()
    }

    /// Which of them [have one of the shapes](TokenFilter::has_shape).
    ///
    /// # Safety
    /// Of the text must be readable what [`new`](Self::new) demands.
    #[inline]
    #[target_feature(enable = "avx512f,avx512cd")]
    unsafe fn have_shape(&self) -> __mmask16 {
        let (first, second) = unsafe { self.runs() };
        let word = _mm512_add_epi32(first, _mm512_mullo_epi32(self.ahead(), splat_u32(OF_KIND)));
        let word = _mm512_mask_add_epi32(word, self.go_on(), word, splat_u32(Ahead::COUNT * OF_KIND));
        // SAFETY: the table has a word for each kind of token, first run and follower.
        let seconds = unsafe { _mm512_i32gather_epi32::<4>(word, self.filter.shapes.seconds.as_ptr().cast()) };
        _mm512_test_epi32_mask(_mm512_srlv_epi32(seconds, second), splat_u32(1)) | self.are_behind_lead()
    }

    /// What lies ahead of each.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn ahead(&self) -> __m512i {
        let has = |bits| _mm512_test_epi32_mask(self.digit, splat_u32(bits));
        let is_short = _mm512_test_epi32_mask(_mm512_andnot_si512(self.alnum, splat_u32(LONG)), splat_u32(LONG));
        let (two, reach) = (splat_u32(2), splat_u32(4));
        let reach = _mm512_mask_sub_epi32(reach, has(NEAR), reach, two);
        let reach = _mm512_mask_sub_epi32(reach, has(FAR), reach, two);
        _mm512_mask_add_epi32(reach, !is_short, reach, splat_u32(1))
    }

    /// Which of them stand behind a lead.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn are_behind_lead(&self) -> __mmask16 {
        let before = self.byte_before();
        let leads = self.filter.leads.map(|lead| _mm512_cmpeq_epi32_mask(before, splat_u32(lead.into())));
        leads.into_iter().fold(0, |any, is| any | is)
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn byte_before(&self) -> __m512i {
        _mm512_and_si512(_mm512_srli_epi32::<8>(self.bytes), splat_u32(0xff))
    }

    /// Which of them go on with a name or number before them.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn go_on(&self) -> __mmask16 {
        let within = |bytes, low: u8, high: u8| {
            _mm512_cmple_epu32_mask(_mm512_sub_epi32(bytes, splat_u32(low.into())), splat_u32((high - low).into()))
        };
        let before = self.byte_before();
        let is = |known: u8| _mm512_cmpeq_epi32_mask(before, splat_u32(known.into()));
        let are_behind_digit = within(_mm512_and_si512(self.bytes, splat_u32(0xff)), b'0', b'9');
        is(b'_') | are_behind_digit & (within(before, b'-', b'/') | is(b':'))
    }

    /// The first run of each with its follower, and the second.
    ///
    /// # Safety
    /// As above.
    #[inline]
    #[target_feature(enable = "avx512f,avx512cd")]
    unsafe fn runs(&self) -> (__m512i, __m512i) {
        let Self { alnum, digit, .. } = *self;
        let one = splat_u32(1);
        let (first, len) = run_of((alnum, digit), _mm512_srli_epi32::<16>(self.bytes), FIRST_LEN_MAX);
        let is_open = _mm512_cmpge_epu32_mask(len, splat_u32(FIRST_LEN_MAX));
        // SAFETY: as the caller promises; no run is longer than what is seen.
        let behind = unsafe { _mm512_i32gather_epi32::<1>(_mm512_add_epi32(self.places, len), self.text.cast()) };
        let first = _mm512_slli_epi32::<FOLLOWER_BITS>(first);
        let first = _mm512_mask_add_epi32(first, !is_open, first, self.followers(behind, len));

        let mark = _mm512_andnot_si512(_mm512_srlv_epi32(alnum, len), one);
        let skip = _mm512_add_epi32(len, mark);
        let (alnum, digit) = (_mm512_srlv_epi32(alnum, skip), _mm512_srlv_epi32(digit, skip));
        let bytes = _mm512_srlv_epi32(behind, _mm512_slli_epi32::<3>(mark));
        let (second, len) = run_of((alnum, digit), bytes, SECOND_LEN_MAX);
        let second = _mm512_maskz_mov_epi32(_mm512_test_epi32_mask(alnum, one), second);
        let reaches_end = _mm512_cmpge_epu32_mask(_mm512_add_epi32(len, skip), splat_u32(SEEN_BITS));
        let is_untold = is_open | reaches_end & _mm512_cmplt_epu32_mask(len, splat_u32(SECOND_LEN_MAX));
        (first, _mm512_mask_mov_epi32(second, is_untold, splat_u32(SECOND_UNTOLD)))
    }

    /// What follows the first runs, of this length and with these bytes behind them.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn followers(&self, behind: __m512i, len: __m512i) -> __m512i {
        let byte = _mm512_and_si512(behind, splat_u32(0xff));
        // SAFETY: the table has an entry for each byte.
        let followers = unsafe { _mm512_i32gather_epi32::<4>(byte, self.filter.shapes.followers.as_ptr().cast()) };
        let next = _mm512_add_epi32(len, splat_u32(1));
        let is_next = |mask| _mm512_test_epi32_mask(_mm512_srlv_epi32(mask, next), splat_u32(1));
        let letter = _mm512_andnot_si512(self.digit, self.alnum);
        let told = _mm512_maskz_mov_epi32(is_next(self.digit), splat_u32(FOLLOWER_BITS));
        let told = _mm512_mask_mov_epi32(told, is_next(letter), splat_u32(2 * FOLLOWER_BITS));
        _mm512_and_si512(_mm512_srlv_epi32(followers, told), splat_u32((1 << FOLLOWER_BITS) - 1))
    }
}

/// The runs that begin with the first bits and bytes: their numbers where as many lengths are told apart, and their lengths.
#[inline]
#[target_feature(enable = "avx512f,avx512cd")]
fn run_of((alnum, digit): (__m512i, __m512i), bytes: __m512i, len_max: u32) -> (__m512i, __m512i) {
    let is_digit = _mm512_test_epi32_mask(digit, splat_u32(1));
    let is_small = _mm512_test_epi32_mask(bytes, splat_u32(0x20));
    let bits = _mm512_mask_mov_epi32(_mm512_andnot_si512(digit, alnum), is_digit, digit);
    let behind = _mm512_andnot_si512(bits, _mm512_add_epi32(bits, splat_u32(1)));
    let len = _mm512_sub_epi32(splat_u32(31), _mm512_lzcnt_epi32(behind));
    let kind = _mm512_mask_mov_epi32(splat_u32(len_max), is_small, splat_u32(2 * len_max));
    let kind = _mm512_maskz_mov_epi32(!is_digit, kind);
    (_mm512_add_epi32(kind, _mm512_min_epu32(len, splat_u32(len_max))), len)
}

/// Which of the bits of a bitmap are set. Bits that it does not have are not.
#[inline]
#[target_feature(enable = "avx512f")]
fn has_bit(bitmap: &[u64], bit: __m512i) -> __mmask16 {
    let word = _mm512_srli_epi32::<5>(bit);
    let known = _mm512_cmplt_epu32_mask(word, splat_u32(2 * bitmap.len() as u32));
    // SAFETY: words that the bitmap does not have are not read; in memory the low half of a word comes first.
    let words =
        unsafe { _mm512_mask_i32gather_epi32::<4>(_mm512_setzero_si512(), known, word, bitmap.as_ptr().cast()) };
    let bit = _mm512_sllv_epi32(splat_u32(1), _mm512_and_si512(bit, splat_u32(31)));
    _mm512_test_epi32_mask(words, bit)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn splat_u32(value: u32) -> __m512i {
    _mm512_set1_epi32(value.cast_signed())
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load_places(places: &[u32]) -> __m512i {
    let places: &[u32; LANES] = places.first_chunk().expect("room for a vector is left behind the last place");
    // SAFETY: the reference covers the 64 bytes that are read.
    unsafe { _mm512_loadu_si512(places.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store_places(places: &mut [u32], vector: __m512i) {
    let places: &mut [u32; LANES] = places.first_chunk_mut().expect("room for a vector is left behind the last place");
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
fn class_kernel(blocks: &[[u8; WORD_BYTES]], classes: &mut [ByteClasses]) {
    for (block, classes) in blocks.iter().zip(classes) {
        let bytes = load(block);
        let is = |byte| _mm512_cmpeq_epi8_mask(bytes, splat(byte));
        classes.digit = within(bytes, b'0', b'9');
        let letter = within(_mm512_or_si512(bytes, splat(0x20)), b'a', b'z');
        classes.base64 = ByteClasses::BASE64_MARKS.into_iter().fold(classes.digit | letter, |any, byte| any | is(byte));
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
        classes.a = is(b'A');
        classes.wide = _mm512_movepi8_mask(bytes);
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
