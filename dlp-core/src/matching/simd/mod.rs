//! The first pass over text: one bit for each byte, in six masks.
//!
//! | mask | a bit says |
//! |---|---|
//! | `literal` | the four bytes from here may begin a literal: some open bucket of the [`WindowTable`] admits them |
//! | `keyed` | the same of the literals that count beside a key run alone |
//! | `alnum` | an ASCII letter or digit |
//! | `digit` | an ASCII digit |
//! | `at` | `@` |
//! | `key` | an ASCII letter, digit, `-` or `_` |
//!
//! The pass serves all detectors at once and never branches on what it reads, so its speed does not depend on the
//! text. What the bits mean together (runs of digits, the literal that really stands there) is the work of the stages
//! behind it.
//!
//! There is one kernel for each instruction set ([`Isa`]), all with the same result; [`portable`] is the
//! one that reads like the table above. [`Places`] and [`RowSet`] bring the same vectors to the stages behind, and
//! [`classes_of`] to the readers of texts beside it.
//!
//! This module is the only home of `unsafe` in the crate, and confines it to five kinds of places: a load or store
//! through a reference to an array of the vector's length, a gather whose farthest address was compared with the end of
//! what it reads from, a prefetch, the entry of each function behind the question whether the processor has the
//! instructions, and the instructions of [`lanes`], which a value proves that it has.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod classes;
#[cfg(target_arch = "x86_64")]
mod keep;
mod lanes;
mod places;
mod portable;
mod rows;
mod table;
#[cfg(test)]
mod tests;
mod tokens;
mod words;

pub(crate) use classes::{ByteClasses, classes_of};
pub(super) use places::{
    CASE_BITS, CASE_BITS_OF_EIGHT, MULTIPLIER, Places, SHORT_MASK, STRETCH_WORDS, WordFilter, WordSet, word_at,
};
pub(super) use rows::RowSet;
pub(super) use table::{WINDOW_BYTES, WindowTable, symbol};
pub(super) use tokens::{Ahead, Behind, PairSets, ShapeSets, TokenFilter, TokenKind};

use std::ops::Range;
use words::{READ_BYTES, WORD_BYTES, Words, read_len};

/// Instruction sets that the first pass is written for. All of them find the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Isa {
    /// No vectors: any processor.
    Portable,
    /// 32 bytes at a time, on x86-64 processors since 2013 (Intel) and 2015 (AMD).
    Avx2,
    /// 64 bytes at a time with VBMI2, on x86-64 processors since 2019 (Intel) and 2022 (AMD).
    Avx512,
}

impl Isa {
    /// All of them, the best one last.
    const ALL: [Self; 3] = [Self::Portable, Self::Avx2, Self::Avx512];

    /// The best one that this processor has.
    #[must_use]
    pub fn detect() -> Self {
        Self::available().last().unwrap_or(Self::Portable)
    }

    /// Every one that this processor has, `Portable` first, the best one last.
    pub fn available() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|isa| isa.is_available())
    }

    fn is_available(self) -> bool {
        match self {
            Self::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => avx2::is_available(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => avx512::is_available(),
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx2 | Self::Avx512 => false,
        }
    }

    /// Does a task, compiled for the instruction set; without the instructions it is compiled for any processor.
    #[allow(unsafe_code, reason = "calls of functions that need processor features")]
    pub(crate) fn run<T: Task>(self, task: T) -> T::Output {
        match self {
            // SAFETY: the processor has each feature that the function enables, as is asked before.
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 if avx2::is_available() => unsafe { avx2::run(task) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 if avx512::is_available() => unsafe { avx512::run(task) },
            _ => task.run(),
        }
    }

    /// Runs the kernel; without the instructions it is the portable one.
    fn scan(self, table: &WindowTable, text: &[u8], words: Words<'_>) {
        assert!(text.len() >= read_len(words.len()), "a kernel needs all the bytes of its words");
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => avx2::scan(table, text, words),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => avx512::scan(table, text, words),
            _ => portable::scan(table, text, words),
        }
    }
}

/// What is compiled for an instruction set: plain code that becomes vectors. Only what is inlined into [`Self::run`] is,
/// so that it and whatever it calls in its loops is marked `#[inline(always)]`.
pub(crate) trait Task {
    /// What it gives.
    type Output;

    /// Does it.
    fn run(self) -> Self::Output;
}

/// The outcome of [`classify`]: bit `i` of word `w` stands for the byte at `64 * w + i` of the range.
#[derive(Clone, Default, Debug)]
pub(super) struct Masks {
    pub(super) literal: Vec<u64>,
    pub(super) keyed: Vec<u64>,
    pub(super) alnum: Vec<u64>,
    pub(super) digit: Vec<u64>,
    pub(super) at: Vec<u64>,
    pub(super) key: Vec<u64>,
}

impl Masks {
    /// So many words of each mask. What they hold may stem from the text before.
    fn words(&mut self, words: usize) -> Words<'_> {
        self.all().into_iter().for_each(|mask| mask.resize(words, 0));
        let Self { literal, keyed, alnum, digit, at, key } = self;
        Words { literal, keyed, alnum, digit, at, key }
    }

    fn all(&mut self) -> [&mut Vec<u64>; 6] {
        let Self { literal, keyed, alnum, digit, at, key } = self;
        [literal, keyed, alnum, digit, at, key]
    }

    /// How many bytes of a range are marked for literals.
    pub(super) fn marked(&self, range: Range<usize>) -> usize {
        let words = self.literal.iter().zip(&self.keyed).enumerate().take(range.end.div_ceil(WORD_BYTES));
        let counts = words.skip(range.start / WORD_BYTES).map(|(index, (literal, keyed))| {
            let first = range.start.saturating_sub(index * WORD_BYTES);
            let behind = (range.end - index * WORD_BYTES).min(WORD_BYTES);
            ((literal | keyed) >> first << first << (WORD_BYTES - behind)).count_ones() as usize
        });
        counts.sum()
    }

    /// Clears the last word from bit `bits` on.
    fn keep_in_last_word(&mut self, bits: usize) {
        for mask in self.all() {
            if let Some(last) = mask.last_mut() {
                *last &= (1 << bits) - 1;
            }
        }
    }
}

/// Fills `masks` for `text[range]`, whatever they held before; their capacity is used again.
///
/// Each mask has `range.len().div_ceil(64)` words, and its bits behind the range are zero. A window that begins in the
/// range sees the bytes behind it; behind the end of `text` it sees zeros.
///
/// # Panics
///
/// When the range does not lie within the text.
pub(super) fn classify(isa: Isa, table: &WindowTable, text: &[u8], range: Range<usize>, masks: &mut Masks) {
    let len = text[range.clone()].len();
    let text = &text[range.start..];
    let words = masks.words(len.div_ceil(WORD_BYTES));
    // Words whose reads all lie within the text; behind them come two at most.
    let whole = words.len().min(text.len().saturating_sub(READ_BYTES - WORD_BYTES) / WORD_BYTES);
    let (whole_words, last_words) = words.split_at(whole);
    isa.scan(table, text, whole_words);
    scan_padded(isa, table, &text[whole * WORD_BYTES..], last_words);
    if !len.is_multiple_of(WORD_BYTES) {
        masks.keep_in_last_word(len % WORD_BYTES);
    }
}

/// The last words, from a copy of the text's end with zeros behind it.
fn scan_padded(isa: Isa, table: &WindowTable, end: &[u8], words: Words<'_>) {
    if words.len() == 0 {
        return;
    }
    let mut padded = [0; read_len(2)];
    padded[..end.len()].copy_from_slice(end);
    isa.scan(table, &padded, words);
}
