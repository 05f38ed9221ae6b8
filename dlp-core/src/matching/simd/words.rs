//! What the kernels share: the slots that they fill and the blocks that they read.
//!
//! A kernel fills one word of each mask from 64 bytes of text and the three behind them. It is only ever given text
//! that holds all of these, so that no kernel knows about ends; [`super::classify`] sees to that.

use super::table::WINDOW_BYTES;
use std::iter;

/// Bytes of text behind one mask word: a bit for each.
pub(super) const WORD_BYTES: usize = u64::BITS as usize;
/// Bytes that a kernel reads for one mask word: the last window reaches beyond the word.
pub(super) const READ_BYTES: usize = WORD_BYTES + WINDOW_BYTES - 1;

/// Bytes that a kernel reads for so many words.
pub(super) const fn read_len(words: usize) -> usize {
    match words {
        0 => 0,
        _ => words * WORD_BYTES + WINDOW_BYTES - 1,
    }
}

/// A stretch of mask words, equally long in each mask.
pub(super) struct Words<'a> {
    pub(super) literal: &'a mut [u64],
    pub(super) keyed: &'a mut [u64],
    pub(super) alnum: &'a mut [u64],
    pub(super) digit: &'a mut [u64],
    pub(super) at: &'a mut [u64],
    pub(super) key: &'a mut [u64],
}

/// One word of each mask.
pub(super) struct Slot<'a> {
    pub(super) literal: &'a mut u64,
    pub(super) keyed: &'a mut u64,
    pub(super) alnum: &'a mut u64,
    pub(super) digit: &'a mut u64,
    pub(super) at: &'a mut u64,
    pub(super) key: &'a mut u64,
}

impl<'a> Words<'a> {
    pub(super) fn len(&self) -> usize {
        self.literal.len()
    }

    /// The first `words` words and the others.
    pub(super) fn split_at(self, words: usize) -> (Self, Self) {
        let (literal, literal_rest) = self.literal.split_at_mut(words);
        let (keyed, keyed_rest) = self.keyed.split_at_mut(words);
        let (alnum, alnum_rest) = self.alnum.split_at_mut(words);
        let (digit, digit_rest) = self.digit.split_at_mut(words);
        let (at, at_rest) = self.at.split_at_mut(words);
        let (key, key_rest) = self.key.split_at_mut(words);
        let rest = Words {
            literal: literal_rest,
            keyed: keyed_rest,
            alnum: alnum_rest,
            digit: digit_rest,
            at: at_rest,
            key: key_rest,
        };
        (Words { literal, keyed, alnum, digit, at, key }, rest)
    }

    /// Word by word.
    #[inline]
    pub(super) fn slots(self) -> impl Iterator<Item = Slot<'a>> {
        let classes = self.alnum.iter_mut().zip(self.digit).zip(self.at).zip(self.key);
        let words = self.literal.iter_mut().zip(self.keyed).zip(classes);
        words.map(|((literal, keyed), (((alnum, digit), at), key))| Slot { literal, keyed, alnum, digit, at, key })
    }
}

/// What a kernel reads for each word, one after the other.
#[inline]
pub(super) fn blocks(mut text: &[u8]) -> impl Iterator<Item = &[u8; READ_BYTES]> {
    iter::from_fn(move || {
        let block = text.first_chunk()?;
        text = &text[WORD_BYTES..];
        Some(block)
    })
}

/// `PART` bytes of the block from `start`.
#[inline]
#[cfg(target_arch = "x86_64")]
pub(super) fn part<const PART: usize, const BLOCK: usize>(block: &[u8; BLOCK], start: usize) -> &[u8; PART] {
    block[start..].first_chunk().expect("vectors at all window offsets lie within the block")
}
