//! The kernel without vectors, for any processor; the vector kernels are its twins, bit for bit.
//!
//! Windows are followed as a shift-and automaton: the state holds, for each offset, the buckets that have admitted
//! every byte up to there. One shift moves each of them an offset on, one AND asks the next byte.

use super::table::{ROW_OFFSET_BITS, WINDOW_BYTES, WindowTable};
use super::words::{READ_BYTES, WORD_BYTES, Words, blocks};

/// Class bits of each byte value.
static CLASSES: [u8; 256] = class_table();
const ALNUM: u8 = 1;
const DIGIT: u8 = 2;
const AT: u8 = 4;

/// All buckets of one offset.
const ALL_BUCKETS: u128 = (1 << ROW_OFFSET_BITS) - 1;
/// Where the buckets of the last offset begin.
const LAST_OFFSET_BITS: usize = (WINDOW_BYTES - 1) * ROW_OFFSET_BITS;

/// Fills `words` from `text`, which holds [`super::words::read_len`] bytes for them.
pub(super) fn scan(table: &WindowTable, text: &[u8], words: Words<'_>) {
    for (word, block) in words.slots().zip(blocks(text)) {
        *word.literal = literal_word(table, block);
        let classes = |class| class_word(block, class);
        *word.alnum = classes(ALNUM);
        *word.digit = classes(DIGIT);
        *word.at = classes(AT);
    }
}

fn literal_word(table: &WindowTable, block: &[u8; READ_BYTES]) -> u64 {
    let (lead, ends) = block.split_at(WINDOW_BYTES - 1);
    let step = |state: u128, byte: u8| ((state << ROW_OFFSET_BITS) | ALL_BUCKETS) & table.row(byte);
    let mut state = lead.iter().fold(0, |state, &byte| step(state, byte));
    let mut word = 0;
    for (bit, &byte) in ends.iter().enumerate() {
        state = step(state, byte);
        word |= u64::from(state >> LAST_OFFSET_BITS != 0) << bit;
    }
    word
}

fn class_word(block: &[u8; READ_BYTES], class: u8) -> u64 {
    let bytes = block[..WORD_BYTES].iter().enumerate();
    bytes.fold(0, |word, (bit, &byte)| word | (u64::from(CLASSES[usize::from(byte)] & class != 0) << bit))
}

const fn class_table() -> [u8; 256] {
    let mut table = [0; 256];
    let mut value = 0;
    while value < table.len() {
        let byte = value as u8;
        if byte.is_ascii_alphanumeric() {
            table[value] |= ALNUM;
        }
        if byte.is_ascii_digit() {
            table[value] |= DIGIT;
        }
        if byte == b'@' {
            table[value] |= AT;
        }
        value += 1;
    }
    table
}
