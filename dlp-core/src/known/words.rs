//! Words of a text that passes by in pieces: letters and digits without case, diacritics and width, with their places.
//!
//! What a cell of a table holds and what stands in a text go through the same code, so they are equal when people would
//! call them equal.

use super::eight::{self, eight};
use super::key::KnownKey;
use crate::matching::LineColumn;
use crate::text::push_folded;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Bytes of a word that count; what is longer is no word of a record.
pub(super) const WORD_BYTES_MAX: usize = 40;
/// Bytes between two words of one value: a separator, perhaps with blanks around it, signs of a password, or a line end and
/// the margin of the next line.
const GAP_BYTES_MAX: u64 = 8;
/// Bytes of a character that is not complete yet.
const REST_BYTES_MAX: usize = 3;

/// What a byte is: a folded letter or digit, or one of these.
const SEPARATOR: u8 = 0;
const LINE_END: u8 = 1;
const WIDE: u8 = 2;
const CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [SEPARATOR; 256];
    let mut byte = 0;
    while byte < 256 {
        let value = byte as u8;
        if value >= 0x80 {
            table[byte] = WIDE;
        } else if value.is_ascii_alphanumeric() {
            table[byte] = value.to_ascii_lowercase();
        } else if matches!(value, b'\n' | b'\r') {
            table[byte] = LINE_END;
        }
        byte += 1;
    }
    table
}

/// A word.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word {
    /// Offset of its first byte in the text.
    pub(super) start: u64,
    /// Offset behind its last byte.
    pub(super) end: u64,
    /// Line and column of its first character.
    pub(super) at: LineColumn,
    /// Line and column behind its last character.
    pub(super) until: LineColumn,
    /// Whether it may belong to one value with the word before it.
    pub(super) joins: bool,
    /// Letters and digits; what stands behind its length is of no meaning.
    bytes: [u8; ROOM_BYTES],
    len: u8,
    digits: u8,
}

/// Room for the longest word, and for eight bytes at its end.
const ROOM_BYTES: usize = WORD_BYTES_MAX + 8;

impl Word {
    /// Its letters and digits, folded.
    #[inline]
    pub(super) fn folded(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    /// How many bytes are folded.
    #[inline]
    pub(super) fn len(&self) -> usize {
        usize::from(self.len)
    }

    /// How many of them are digits.
    #[inline]
    pub(super) fn digits(&self) -> usize {
        usize::from(self.digits)
    }

    /// Its blocks of eight bytes, with zeros behind its end.
    #[inline]
    fn blocks(&self) -> impl Iterator<Item = u64> {
        let len = self.len();
        let blocks = self.bytes.as_chunks::<8>().0.iter().zip((0..len).step_by(8));
        blocks.map(move |(block, at)| eight::first(u64::from_le_bytes(*block), (len - at).min(8)))
    }
}

/// Blocks of eight bytes in a word, and its length.
const BLOCKS: usize = WORD_BYTES_MAX / 8 + 1;

/// A keyed hash of words: strongly universal, so two words are equal by chance alone to anybody without the key (D. Lemire,
/// O. Kaser: Faster 64-bit universal hashing using carry-less multiplications, 2014, section 2, multilinear hashing).
#[derive(Zeroize, ZeroizeOnDrop)]
pub(super) struct WordHash([u128; BLOCKS + 1]);

impl WordHash {
    /// The hash under a key.
    pub(super) fn new(key: &KnownKey) -> Self {
        let bytes: [u8; 16 * (BLOCKS + 1)] = key.secret(b"words");
        Self(std::array::from_fn(|at| u128::from_le_bytes(*bytes[16 * at..].first_chunk().expect("16 bytes each"))))
    }

    /// The hash of a word.
    #[inline]
    pub(super) fn of(&self, word: &Word) -> u64 {
        let sum = self.0[0].wrapping_add(self.0[1].wrapping_mul(word.len() as u128));
        let add = |sum: u128, (block, factor): (u64, &u128)| sum.wrapping_add(factor.wrapping_mul(block.into()));
        (word.blocks().zip(&self.0[2..]).fold(sum, add) >> 64) as u64
    }
}

impl std::fmt::Debug for WordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WordHash(..)")
    }
}

/// Cuts a text into words.
#[derive(Debug)]
pub(super) struct Words {
    offset: u64,
    line: u64,
    /// What an offset in this line is more than its column.
    ahead: u64,
    after_cr: bool,
    rest: Vec<u8>,
    word: Word,
    is_open: bool,
    /// A word that is too long is passed over.
    is_overlong: bool,
    last_end: Option<u64>,
    buffer: Vec<u8>,
}

impl Words {
    /// At the start of a text.
    pub(super) fn new() -> Self {
        let at = LineColumn { line: 1, column: 1 };
        Self {
            offset: 0,
            line: 1,
            ahead: 0,
            after_cr: false,
            rest: Vec::new(),
            word: Word { start: 0, end: 0, at, until: at, joins: false, bytes: [0; ROOM_BYTES], len: 0, digits: 0 },
            is_open: false,
            is_overlong: false,
            last_end: None,
            buffer: Vec::new(),
        }
    }

    /// The words of a short text.
    pub(super) fn of(text: &str) -> Vec<Word> {
        let (mut words, mut cutter) = (Vec::new(), Self::new());
        cutter.push(text.as_bytes(), &mut |word| words.push(*word));
        cutter.finish(&mut |word| words.push(*word));
        words
    }

    /// Where the word starts that is open, or the next one may.
    pub(super) fn open_since(&self) -> u64 {
        if self.is_open { self.word.start } else { self.offset }
    }

    /// Takes the next bytes and gives the words that end in them.
    pub(super) fn push(&mut self, bytes: &[u8], each: &mut impl FnMut(&Word)) {
        if self.rest.is_empty() {
            return self.pass(bytes, each);
        }
        let joined = [std::mem::take(&mut self.rest), bytes.to_vec()].concat();
        self.pass(&joined, each);
    }

    /// Ends the text.
    pub(super) fn finish(&mut self, each: &mut impl FnMut(&Word)) {
        self.close(each);
    }

    fn pass(&mut self, bytes: &[u8], each: &mut impl FnMut(&Word)) {
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            at += match CLASSES[usize::from(*byte)] {
                SEPARATOR => self.separators(&bytes[at..], each),
                LINE_END => self.line_end(*byte, each),
                WIDE => match self.wide(&bytes[at..], each) {
                    Some(len) => len,
                    None => return self.rest.extend_from_slice(&bytes[at..]),
                },
                _ => self.letters(&bytes[at..]),
            };
        }
    }

    /// Letters and digits of ASCII.
    #[inline]
    fn letters(&mut self, bytes: &[u8]) -> usize {
        if !self.is_open {
            self.open();
        }
        let mut len = 0;
        loop {
            let block = eight(bytes.get(len..).unwrap_or_default());
            let digits = eight::digits(block);
            let count = eight::leading(eight::letters(block) | digits);
            self.append(eight::first(eight::small(block), count), count, eight::first(digits, count).count_ones());
            len += count;
            if count < 8 {
                break;
            }
        }
        self.offset += len as u64;
        self.after_cr = false;
        self.mark_end();
        len
    }

    /// Adds up to eight folded bytes to the word, so many of them digits.
    #[inline]
    fn append(&mut self, block: u64, count: usize, digits: u32) {
        let start = self.word.len();
        self.is_overlong |= start + count > WORD_BYTES_MAX;
        if let Some(room) = self.word.bytes.get_mut(start..start + 8).filter(|_| !self.is_overlong) {
            room.copy_from_slice(&block.to_le_bytes());
            self.word.len += count as u8;
            self.word.digits += digits as u8;
        }
    }

    #[inline]
    fn separators(&mut self, bytes: &[u8], each: &mut impl FnMut(&Word)) -> usize {
        self.close(each);
        self.after_cr = false;
        let len = bytes.iter().take_while(|byte| CLASSES[usize::from(**byte)] == SEPARATOR).count();
        self.offset += len as u64;
        len
    }

    #[inline]
    fn line_end(&mut self, byte: u8, each: &mut impl FnMut(&Word)) -> usize {
        self.close(each);
        let completes = byte == b'\n' && self.after_cr;
        self.after_cr = byte == b'\r';
        self.line += u64::from(!completes);
        self.offset += 1;
        self.ahead = self.offset;
        1
    }

    /// A character that is not ASCII, or bytes that are none; `None` where the rest of it is still to come.
    fn wide(&mut self, bytes: &[u8], each: &mut impl FnMut(&Word)) -> Option<usize> {
        let head = &bytes[..bytes.len().min(REST_BYTES_MAX + 1)];
        let chunk = head.utf8_chunks().next()?;
        let Some(c) = chunk.valid().chars().next() else {
            let is_cut = head.len() == chunk.invalid().len() && bytes.len() == head.len() && may_go_on(chunk.invalid());
            if is_cut {
                return None;
            }
            self.close(each);
            return Some(self.step(chunk.invalid().len()));
        };
        if is_invisible(c) {
            return Some(self.step(c.len_utf8()));
        }
        if !c.is_alphanumeric() {
            self.close(each);
            return Some(self.step(c.len_utf8()));
        }
        if !self.is_open {
            self.open();
        }
        self.fold(c);
        let len = self.step(c.len_utf8());
        self.mark_end();
        Some(len)
    }

    /// Passes over bytes that take one column.
    fn step(&mut self, len: usize) -> usize {
        self.after_cr = false;
        self.offset += len as u64;
        self.ahead += len as u64 - 1;
        len
    }

    fn fold(&mut self, c: char) {
        self.buffer.clear();
        match c {
            '０'..='９' => self.buffer.push(b'0' + (c as u32 - '０' as u32) as u8),
            _ => push_folded(c, &mut self.buffer),
        }
        let folded = std::mem::take(&mut self.buffer);
        for bytes in folded.chunks(8) {
            let block = eight(bytes);
            self.append(block, bytes.len(), eight::digits(block).count_ones());
        }
        self.buffer = folded;
    }

    #[inline]
    fn place(&self) -> LineColumn {
        LineColumn { line: self.line, column: self.offset - self.ahead + 1 }
    }

    #[inline]
    fn open(&mut self) {
        self.is_open = true;
        self.word.start = self.offset;
        self.word.at = self.place();
        self.word.joins = self.last_end.is_some_and(|end| self.offset - end <= GAP_BYTES_MAX);
        (self.word.len, self.word.digits) = (0, 0);
    }

    #[inline]
    fn mark_end(&mut self) {
        self.word.end = self.offset;
        self.word.until = self.place();
    }

    #[inline]
    fn close(&mut self, each: &mut impl FnMut(&Word)) {
        if !std::mem::take(&mut self.is_open) {
            return;
        }
        self.last_end = (!self.is_overlong).then_some(self.word.end);
        if !std::mem::take(&mut self.is_overlong) {
            each(&self.word);
        }
    }
}

/// Whether bytes are the start of a character.
fn may_go_on(bytes: &[u8]) -> bool {
    !bytes.is_empty() && std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}

/// Characters that take no room, and that nobody sees who reads a number.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(text: &str) -> Vec<String> {
        Words::of(text).iter().map(|word| String::from_utf8_lossy(word.folded()).into_owned()).collect()
    }

    #[test]
    fn words_are_folded_and_placed() {
        assert_eq!(folded("Łódź-2: Straße １２"), ["lodz", "2", "strasse", "12"]);
        assert_eq!(folded("06\u{200b}03\u{ad}17"), ["060317"]);
        assert_eq!(folded(&format!("a {} b", "x".repeat(41))), ["a", "b"]);
        let words = Words::of("ab\r\ncd  ef");
        let places: Vec<_> = words.iter().map(|w| (w.start, w.end, w.at.line, w.at.column, w.joins)).collect();
        assert_eq!(places, [(0, 2, 1, 1, false), (4, 6, 2, 1, true), (8, 10, 2, 5, true)]);
        let words = Words::of("ż ó\rx\n\u{200b}é😀y");
        let places: Vec<_> = words.iter().map(|w| (w.at.line, w.at.column, w.until.column)).collect();
        assert_eq!(places, [(1, 1, 2), (1, 3, 4), (2, 1, 2), (3, 2, 3), (3, 4, 5)]);
    }

    #[test]
    fn cutting_changes_nothing() {
        let text = "Zażółć gęślą, 護照 12-34 \u{1f980}x".as_bytes();
        let whole: Vec<_> =
            Words::of(std::str::from_utf8(text).expect("UTF-8")).iter().map(|w| (w.start, w.end)).collect();
        for cut in 0..=text.len() {
            let (mut words, mut cutter) = (Vec::new(), Words::new());
            cutter.push(&text[..cut], &mut |w: &Word| words.push((w.start, w.end)));
            cutter.push(&text[cut..], &mut |w: &Word| words.push((w.start, w.end)));
            cutter.finish(&mut |w: &Word| words.push((w.start, w.end)));
            assert_eq!(words, whole, "{cut}");
        }
    }
}
