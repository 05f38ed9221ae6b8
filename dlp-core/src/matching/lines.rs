//! Lines and columns of a text that passes by once.

use memchr::{memchr, memchr_iter, memchr2_iter, memrchr};

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
pub(super) struct LineCounter {
    at: LineColumn,
    after_cr: bool,
}

impl LineCounter {
    /// At the first byte of a text.
    pub(super) fn new() -> Self {
        Self { at: LineColumn { line: 1, column: 1 }, after_cr: false }
    }

    /// Passes over bytes.
    pub(super) fn advance(&mut self, bytes: &[u8]) {
        if memchr(b'\r', bytes).is_none() && !self.after_cr {
            return self.advance_by_line_feeds(bytes);
        }
        let mut rest_start = 0;
        for end in memchr2_iter(b'\n', b'\r', bytes) {
            let completes_crlf = bytes[end] == b'\n' && if end == 0 { self.after_cr } else { bytes[end - 1] == b'\r' };
            if !completes_crlf {
                self.at.line += 1;
            }
            self.at.column = 1;
            rest_start = end + 1;
        }
        self.at.column += characters(&bytes[rest_start..]);
        if let Some(last) = bytes.last() {
            self.after_cr = *last == b'\r';
        }
    }

    /// The same for bytes without a carriage return in or before them, which are nearly all.
    fn advance_by_line_feeds(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        if let Some(last) = memrchr(b'\n', bytes) {
            self.at.line += memchr_iter(b'\n', bytes).count() as u64;
            self.at.column = 1;
            rest = &bytes[last + 1..];
        }
        self.at.column += characters(rest);
    }

    /// The place of the next byte.
    pub(super) fn place(&self) -> LineColumn {
        self.at
    }
}

fn characters(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| *byte & 0xc0 != 0x80).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

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
