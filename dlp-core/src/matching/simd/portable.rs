//! The kernel without vectors, for any processor; the vector kernels are its twins, bit for bit.
//!
//! Windows are followed as a shift-and automaton: the state holds, for each offset, the buckets that have admitted
//! every byte up to there. One shift moves each of them an offset on, one AND asks the next byte.

use super::ByteClasses;
use super::table::{WINDOW_BYTES, WindowTable};
use super::words::{READ_BYTES, WORD_BYTES, Words, blocks};
use dlp_detector_format::OPEN_BUCKETS;

/// Class bits of each byte value.
static CLASSES: [u8; 256] = class_table();
const ALNUM: u8 = 1;
const DIGIT: u8 = 2;
const AT: u8 = 4;
const KEY: u8 = 8;

/// Fills `words` from `text`, which holds [`super::words::read_len`] bytes for them.
pub(super) fn scan(table: &WindowTable, text: &[u8], words: Words<'_>) {
    for (word, block) in words.slots().zip(blocks(text)) {
        (*word.literal, *word.keyed) = literal_words(table, block);
        let classes = |class| class_word(block, class);
        *word.alnum = classes(ALNUM);
        *word.digit = classes(DIGIT);
        *word.at = classes(AT);
        *word.key = classes(KEY);
    }
}

/// Gives the classes of each block.
pub(super) fn classify(blocks: &[[u8; WORD_BYTES]], each: &mut impl FnMut(ByteClasses)) {
    for block in blocks {
        let mut classes = ByteClasses::default();
        for (bit, &byte) in block.iter().enumerate() {
            let set = |mask: &mut u64, is: bool| *mask |= u64::from(is) << bit;
            let digit = byte.is_ascii_digit();
            let letter = byte.is_ascii_alphabetic();
            set(&mut classes.digit, digit);
            set(&mut classes.alnum, digit | letter);
            set(&mut classes.base64, digit | letter | ByteClasses::BASE64_MARKS.contains(&byte));
            set(&mut classes.equals, byte == b'=');
            set(&mut classes.quote, ByteClasses::QUOTES.contains(&byte));
            set(&mut classes.joint, matches!(byte, b'\t'..=b'\r') | ByteClasses::JOINTS.contains(&byte));
            set(&mut classes.feed, byte == b'\n');
            set(&mut classes.upper, byte.is_ascii_uppercase());
            set(&mut classes.code, matches!(byte, b'%' | b'\\'));
            set(&mut classes.coded, byte.is_ascii_hexdigit() | ByteClasses::CODED_MARKS.contains(&byte));
            set(&mut classes.ampersand, byte == b'&');
            set(&mut classes.hash, byte == b'#');
            set(&mut classes.semicolon, byte == b';');
            set(&mut classes.plus, byte == b'+');
            set(&mut classes.wide, !byte.is_ascii());
        }
        each(classes);
    }
}

/// The masks of the open buckets and of the others.
fn literal_words(table: &WindowTable, block: &[u8; READ_BYTES]) -> (u64, u64) {
    let (lead, ends) = block.split_at(WINDOW_BYTES - 1);
    let step = |[first, second, third, _]: [u64; WINDOW_BYTES], byte: u8| {
        let [a, b, c, d] = table.row(byte);
        [*a, first & b, second & c, third & d]
    };
    let mut state = lead.iter().fold([0; WINDOW_BYTES], |state, &byte| step(state, byte));
    let (mut open, mut keyed) = (0, 0);
    for (bit, &byte) in ends.iter().enumerate() {
        state = step(state, byte);
        let [.., admitted] = state;
        open |= u64::from(admitted << (u64::BITS as usize - OPEN_BUCKETS) != 0) << bit;
        keyed |= u64::from(admitted >> OPEN_BUCKETS != 0) << bit;
    }
    (open, keyed)
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
        if dlp_detector_format::is_key_byte(byte) {
            table[value] |= KEY;
        }
        if byte == b'@' {
            table[value] |= AT;
        }
        value += 1;
    }
    table
}
