//! Words of a text that passes by in pieces: letters and digits without case, diacritics and width, with their places.
//!
//! What a cell of a table holds and what stands in a text go through the same code, so they are equal when people would
//! call them equal.

use crate::matching::LineColumn;
use crate::text::push_folded;

/// Bytes of a word that count; what is longer is no word of a record.
pub(super) const WORD_BYTES_MAX: usize = 40;
/// Bytes between two words of one value: a separator, perhaps with blanks around it.
const GAP_BYTES_MAX: u64 = 3;
/// Bytes of a character that is not complete yet.
const REST_BYTES_MAX: usize = 3;

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
    bytes: [u8; WORD_BYTES_MAX],
    len: u8,
}

impl Word {
    /// Its letters and digits, folded.
    pub(super) fn folded(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

/// Cuts a text into words.
#[derive(Debug)]
pub(super) struct Words {
    offset: u64,
    at: LineColumn,
    after_cr: bool,
    rest: Vec<u8>,
    open: Option<Word>,
    /// A word that is too long is passed over.
    is_overlong: bool,
    last_end: Option<u64>,
    buffer: Vec<u8>,
}

impl Words {
    /// At the start of a text.
    pub(super) fn new() -> Self {
        Self {
            offset: 0,
            at: LineColumn { line: 1, column: 1 },
            after_cr: false,
            rest: Vec::new(),
            open: None,
            is_overlong: false,
            last_end: None,
            buffer: Vec::new(),
        }
    }

    /// The words of a short text.
    pub(super) fn of(text: &str) -> Vec<Word> {
        let (mut words, mut cutter) = (Vec::new(), Self::new());
        cutter.push(text.as_bytes(), &mut |word| words.push(word));
        cutter.finish(&mut |word| words.push(word));
        words
    }

    /// Bytes that went through.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Takes the next bytes and gives the words that end in them.
    pub(super) fn push(&mut self, bytes: &[u8], each: &mut dyn FnMut(Word)) {
        if self.rest.is_empty() {
            return self.pass(bytes, each);
        }
        let joined = [std::mem::take(&mut self.rest), bytes.to_vec()].concat();
        self.pass(&joined, each);
    }

    /// Ends the text.
    pub(super) fn finish(&mut self, each: &mut dyn FnMut(Word)) {
        self.close(each);
    }

    fn pass(&mut self, bytes: &[u8], each: &mut dyn FnMut(Word)) {
        let mut taken = 0;
        for chunk in bytes.utf8_chunks() {
            for c in chunk.valid().chars() {
                self.take(c, each);
            }
            taken += chunk.valid().len() + chunk.invalid().len();
            let is_cut = taken == bytes.len() && chunk.invalid().len() <= REST_BYTES_MAX && may_go_on(chunk.invalid());
            if is_cut {
                self.rest = chunk.invalid().to_vec();
            } else if !chunk.invalid().is_empty() {
                self.close(each);
                self.offset += chunk.invalid().len() as u64;
                self.at.column += 1;
            }
        }
    }

    fn take(&mut self, c: char, each: &mut dyn FnMut(Word)) {
        let before = (self.offset, self.at);
        self.offset += c.len_utf8() as u64;
        self.count(c);
        if is_invisible(c) {
            return;
        }
        if !c.is_alphanumeric() {
            return self.close(each);
        }
        self.buffer.clear();
        match c {
            '０'..='９' => self.buffer.push(b'0' + (c as u32 - '０' as u32) as u8),
            _ => push_folded(c, &mut self.buffer),
        }
        let joins = self.last_end.is_some_and(|end| before.0 - end <= GAP_BYTES_MAX);
        let word = self.open.get_or_insert(Word {
            start: before.0,
            end: before.0,
            at: before.1,
            until: before.1,
            joins,
            bytes: [0; WORD_BYTES_MAX],
            len: 0,
        });
        let len = usize::from(word.len);
        match word.bytes.get_mut(len..len + self.buffer.len()) {
            Some(room) => {
                room.copy_from_slice(&self.buffer);
                word.len += self.buffer.len() as u8;
            }
            None => self.is_overlong = true,
        }
        word.end = self.offset;
        word.until = self.at;
    }

    fn count(&mut self, c: char) {
        let is_crlf = c == '\n' && std::mem::replace(&mut self.after_cr, c == '\r');
        self.after_cr = c == '\r';
        match c {
            '\n' if is_crlf => {}
            '\n' | '\r' => self.at = LineColumn { line: self.at.line + 1, column: 1 },
            _ => self.at.column += 1,
        }
    }

    fn close(&mut self, each: &mut dyn FnMut(Word)) {
        let Some(word) = self.open.take() else { return };
        self.last_end = (!self.is_overlong).then_some(word.end);
        if !std::mem::take(&mut self.is_overlong) {
            each(word);
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
    }

    #[test]
    fn cutting_changes_nothing() {
        let text = "Zażółć gęślą, 護照 12-34 \u{1f980}x".as_bytes();
        let whole: Vec<_> =
            Words::of(std::str::from_utf8(text).expect("UTF-8")).iter().map(|w| (w.start, w.end)).collect();
        for cut in 0..=text.len() {
            let (mut words, mut cutter) = (Vec::new(), Words::new());
            cutter.push(&text[..cut], &mut |w| words.push((w.start, w.end)));
            cutter.push(&text[cut..], &mut |w| words.push((w.start, w.end)));
            cutter.finish(&mut |w| words.push((w.start, w.end)));
            assert_eq!(words, whole, "{cut}");
        }
    }
}
