//! The coding of `compress`: references to what came before, in codes that grow from 9 to 16 bits.

use std::io::{self, BufRead, Read};

/// Header: two bytes of signature, then flags with the longest code and whether the table can be cleared.
const HEADER_BYTES: usize = 3;
const BITS_MIN: u32 = 9;
const BITS_MAX: u32 = 16;
const CLEAR: u16 = 256;

/// Decodes a stream.
pub(super) struct Lzw<R> {
    reader: R,
    /// The table: what stands before each entry, and its last byte.
    prefixes: Vec<u16>,
    suffixes: Vec<u8>,
    is_open: bool,
    has_clear: bool,
    bits_max: u32,
    bits: u32,
    /// The entry that is made next.
    next: u32,
    previous: Option<u16>,
    first: u8,
    /// Codes come in groups of eight; a change of their length begins a new group.
    group: Vec<u8>,
    group_bit: usize,
    /// Decoded bytes of the last code, last one first.
    decoded: Vec<u8>,
}

impl<R: BufRead> Lzw<R> {
    pub(super) fn new(reader: R) -> Self {
        Self {
            reader,
            prefixes: Vec::new(),
            suffixes: Vec::new(),
            is_open: false,
            has_clear: false,
            bits_max: BITS_MAX,
            bits: BITS_MIN,
            next: 0,
            previous: None,
            first: 0,
            group: Vec::new(),
            group_bit: 0,
            decoded: Vec::new(),
        }
    }

    fn open(&mut self) -> io::Result<()> {
        let mut header = [0; HEADER_BYTES];
        self.reader.read_exact(&mut header)?;
        self.bits_max = u32::from(header[2] & 0x1F);
        self.has_clear = header[2] & 0x80 != 0;
        if !(BITS_MIN..=BITS_MAX).contains(&self.bits_max) {
            return Err(broken());
        }
        self.prefixes = vec![0; 1 << self.bits_max];
        self.suffixes = vec![0; 1 << self.bits_max];
        self.next = self.first_entry();
        self.is_open = true;
        Ok(())
    }

    fn first_entry(&self) -> u32 {
        256 + u32::from(self.has_clear)
    }

    /// The next code; nothing at the end.
    fn code(&mut self) -> io::Result<Option<u16>> {
        if self.next > (1 << self.bits) - 1 && self.bits < self.bits_max {
            self.bits += 1;
            self.group.clear();
        }
        let bits = self.bits as usize;
        if self.group_bit + bits > 8 * self.group.len() || self.group.is_empty() {
            self.group.clear();
            self.group_bit = 0;
            (&mut self.reader).take(self.bits.into()).read_to_end(&mut self.group)?;
            if 8 * self.group.len() < bits {
                return Ok(None);
            }
        }
        let at = self.group_bit / 8;
        let byte = |index: usize| u32::from(self.group.get(at + index).copied().unwrap_or(0));
        let window = byte(0) | byte(1) << 8 | byte(2) << 16;
        self.group_bit += bits;
        Ok(Some((window >> ((self.group_bit - bits) % 8) & ((1 << bits) - 1)) as u16))
    }

    /// Decodes one code; false at the end.
    fn step(&mut self) -> io::Result<bool> {
        let Some(code) = self.code()? else { return Ok(false) };
        if code == CLEAR && self.has_clear {
            (self.bits, self.next, self.previous) = (BITS_MIN, self.first_entry(), None);
            self.group.clear();
            return Ok(true);
        }
        let mut entry = code;
        if u32::from(code) >= self.next {
            // The code that is just being made: what came before and its first byte again.
            entry = self.previous.filter(|_| u32::from(code) == self.next).ok_or_else(broken)?;
            self.decoded.push(self.first);
        }
        // Every entry leads to a lower one.
        while entry >= 256 {
            self.decoded.push(self.suffixes[usize::from(entry)]);
            entry = self.prefixes[usize::from(entry)];
        }
        self.first = entry as u8;
        self.decoded.push(self.first);
        if let Some(previous) = self.previous.filter(|_| self.next < 1 << self.bits_max) {
            self.prefixes[self.next as usize] = previous;
            self.suffixes[self.next as usize] = self.first;
            self.next += 1;
        }
        self.previous = Some(code);
        Ok(true)
    }
}

impl<R: BufRead> Read for Lzw<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if !self.is_open {
            self.open()?;
        }
        let mut len = 0;
        while len < buf.len() {
            match self.decoded.pop() {
                Some(byte) => {
                    buf[len] = byte;
                    len += 1;
                }
                None => match self.step() {
                    Ok(true) => {}
                    Ok(false) => break,
                    // What was decoded is handed out first; the next call fails.
                    Err(_) if len > 0 => break,
                    Err(error) => return Err(error),
                },
            }
        }
        Ok(len)
    }
}

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "no code of this table")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decompress(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        Lzw::new(bytes).read_to_end(&mut out).map(|_| out)
    }

    #[test]
    fn codes_are_read_and_broken_ones_named() {
        let rows: [(&[u8], Option<&[u8]>); 8] = [
            (b"\x1f\x9d\x90", Some(b"")),
            (b"\x1f\x9d\x90\x61\x14\x00", Some(b"a\n")),
            // A code that is just being made: `aaa`.
            (b"\x1f\x9d\x90\x61\x02\x02", Some(b"aaa")),
            (b"\x1f\x9d", None),
            (b"\x1f\x9d\x88ab", None),
            (b"\x1f\x9d\x91ab", None),
            (b"\x1f\x9d\x90\xff\xff\xff\xff", None),
            (b"", None),
        ];
        for (bytes, expected) in rows {
            assert_eq!(decompress(bytes).ok().as_deref(), expected, "{bytes:?}");
        }
    }
}
