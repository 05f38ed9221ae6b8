//! Lines and columns of a text that passes by once.

use crate::text::count::{count, count_pairs};
use memchr::{memchr, memchr_iter, memrchr, memrchr2};

/// A place in lines; both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineColumn {
    /// Line; ends at LF, CRLF or CR.
    pub line: u64,
    /// Column in Unicode scalar values; bytes that are not UTF-8 continue the character before them or count as one.
    pub column: u64,
}

/// Counts lines and columns up to a byte that moves forward.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LineCounter {
    at: LineColumn,
    after_cr: bool,
}

/// Bytes of a value or of what stands between two: few enough to ask of each whether it is a plain character.
const PLAIN_BYTES: usize = 32;

/// Bytes of a few lines, of which a counter of one byte counts any.
const PLAIN_LINES_BYTES: usize = 255;

impl LineCounter {
    /// At the first byte of a text.
    pub(crate) fn new() -> Self {
        Self { at: LineColumn { line: 1, column: 1 }, after_cr: false }
    }

    /// At the first byte of a line, counted from 1.
    pub(crate) fn at_line(line: u64) -> Self {
        Self { at: LineColumn { line, column: 1 }, after_cr: false }
    }

    /// Passes over bytes.
    pub(crate) fn advance(&mut self, bytes: &[u8]) {
        let Some(last) = bytes.last() else { return };
        if bytes.len() <= PLAIN_BYTES && bytes.iter().fold(true, |all, byte| all & matches!(byte, b' '..=b'~')) {
            self.at.column += bytes.len() as u64;
            self.after_cr = false;
            return;
        }
        if let Some(feeds) = plain_feeds(bytes).filter(|_| !self.after_cr) {
            let line = memrchr(b'\n', bytes).map_or(bytes, |end| &bytes[end + 1..]);
            self.at.column = line.len() as u64 + if feeds > 0 { 1 } else { self.at.column };
            self.at.line += feeds;
            return;
        }
        self.at.line += line_ends(bytes, self.after_cr) as u64;
        let mut rest = bytes;
        if let Some(end) = memrchr2(b'\n', b'\r', bytes) {
            self.at.column = 1;
            rest = &bytes[end + 1..];
        }
        self.at.column += count(rest, |byte| byte & 0xc0 != 0x80) as u64;
        self.after_cr = *last == b'\r';
    }

    /// The place of the next byte.
    pub(crate) fn place(&self) -> LineColumn {
        self.at
    }
}

/// How many line feeds stand in a few bytes, if all of them are ASCII and none is a carriage return.
fn plain_feeds(bytes: &[u8]) -> Option<u64> {
    if bytes.len() > PLAIN_LINES_BYTES {
        return None;
    }
    // No branch, and a counter of one byte: as many at once as a vector holds.
    let (mut feeds, mut others) = (0_u8, 0);
    for byte in bytes {
        feeds += u8::from(*byte == b'\n');
        others |= u8::from(*byte == b'\r') | *byte & 0x80;
    }
    (others == 0).then_some(feeds.into())
}

/// How many lines end in bytes. Every line is counted in every text, so this does not go from one to the next.
fn line_ends(bytes: &[u8], after_cr: bool) -> usize {
    let completes_crlf = after_cr && bytes.first() == Some(&b'\n');
    let feeds = memchr_iter(b'\n', bytes).count() - usize::from(completes_crlf);
    if memchr(b'\r', bytes).is_none() {
        return feeds;
    }
    let returns = memchr_iter(b'\r', bytes).count();
    feeds + returns - count_pairs(bytes, |byte, next| (byte == b'\r') & (next == b'\n'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn line_ends_are_counted_as_one_would(text in "[\r\na]{0,80}", after_cr: bool) {
            let mut before = after_cr;
            let mut expected = 0;
            for byte in text.bytes() {
                expected += usize::from(byte == b'\r' || byte == b'\n' && !before);
                before = byte == b'\r';
            }
            prop_assert_eq!(line_ends(text.as_bytes(), after_cr), expected);
        }
    }

    proptest! {
        #[test]
        fn places_are_those_of_the_characters(text in "[\r\nab\u{e9}]{0,300}", cuts in prop::collection::vec(0..300usize, 0..4)) {
            let (mut line, mut column, mut before) = (1, 1, ' ');
            for c in text.chars() {
                let is_end = c == '\r' || c == '\n';
                line += u64::from(is_end && !(c == '\n' && before == '\r'));
                column = if is_end { 1 } else { column + 1 };
                before = c;
            }
            let (mut counter, mut rest) = (LineCounter::new(), text.as_bytes());
            for cut in cuts {
                let (now, later) = rest.split_at(cut.min(rest.len()));
                counter.advance(now);
                rest = later;
            }
            counter.advance(rest);
            prop_assert_eq!(counter.place(), LineColumn { line, column });
        }
    }

    #[test]
    fn lines_end_at_lf_crlf_and_cr_in_any_chunking() {
        let rows: &[(&str, u64, u64)] = &[
            ("", 1, 1),
            ("abc", 1, 4),
            ("a\nb", 2, 2),
            ("a\r\nb", 2, 2),
            ("a\rb", 2, 2),
            ("a\r\rb", 3, 2),
            ("zażółć", 1, 7),
            ("\n\r\n\r", 4, 1),
        ];
        for (text, line, column) in rows {
            for cut in 0..=text.len() {
                let mut counter = LineCounter::new();
                counter.advance(&text.as_bytes()[..cut]);
                counter.advance(&text.as_bytes()[cut..]);
                assert_eq!(counter.place(), LineColumn { line: *line, column: *column }, "{text:?} cut at {cut}");
            }
        }
    }
}
