//! Bits of a stream, the lowest one of each byte first.

use std::io::{self, BufRead};

pub(super) struct Bits<R> {
    reader: R,
    /// Bits that were taken from the reader and not yet asked for.
    ahead: u32,
    ahead_len: u32,
}

impl<R: BufRead> Bits<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, ahead: 0, ahead_len: 0 }
    }

    /// So many bits as a number, 16 at most; nothing when fewer are left.
    pub(super) fn take(&mut self, len: u32) -> io::Result<Option<u32>> {
        while self.ahead_len < len {
            let Some(byte) = self.reader.fill_buf()?.first().copied() else { return Ok(None) };
            self.reader.consume(1);
            self.ahead |= u32::from(byte) << self.ahead_len;
            self.ahead_len += 8;
        }
        let number = self.ahead & ((1 << len) - 1);
        self.ahead >>= len;
        self.ahead_len -= len;
        Ok(Some(number))
    }

    /// The same where what ends here is cut.
    pub(super) fn need(&mut self, len: u32) -> io::Result<u32> {
        self.take(len)?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    /// Whether no whole byte is left.
    pub(super) fn is_at_end(&mut self) -> io::Result<bool> {
        Ok(self.ahead_len < 8 && self.reader.fill_buf()?.is_empty())
    }
}
