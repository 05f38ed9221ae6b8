//! Shrink: codes of 9 to 13 bits for what came before, and a table of them that is thinned out when it is full.

use super::bits::Bits;
use super::{Made, broken};
use std::io::{self, BufRead};

const BITS_MIN: u32 = 9;
const BITS_MAX: u32 = 13;
const CODES: usize = 1 << BITS_MAX;
/// The code behind which an order stands.
const CONTROL: u16 = 256;
const LONGER_CODES: u32 = 1;
const THIN_OUT: u32 = 2;
/// How often a table may be thinned out for nothing, and bytes for which it may be once more. Programs do it when the
/// table is full; each time costs as much as thousands of codes, and makes nothing.
const THINNED_FREE: u64 = 512;
const THINNED_EVERY_BYTES: u64 = 8;
/// Instead of the code before: an entry that is free.
const FREE: u16 = u16::MAX;
/// Instead of the code before: a byte.
const BYTE: u16 = CONTROL;

pub(super) struct Shrink {
    /// What stands before the last byte of each code, and that byte.
    prefixes: [u16; CODES],
    suffixes: [u8; CODES],
    bits: u32,
    /// No lower code is free.
    free_from: usize,
    previous: Option<u16>,
    first: u8,
    /// Bytes of the last code, last one first.
    decoded: Vec<u8>,
    made_bytes: u64,
    thinned: u64,
}

impl Default for Shrink {
    fn default() -> Self {
        let mut table = Self {
            prefixes: [FREE; CODES],
            suffixes: [0; CODES],
            bits: BITS_MIN,
            free_from: usize::from(CONTROL) + 1,
            previous: None,
            first: 0,
            decoded: Vec::new(),
            made_bytes: 0,
            thinned: 0,
        };
        for byte in 0..=u8::MAX {
            table.prefixes[usize::from(byte)] = BYTE;
            table.suffixes[usize::from(byte)] = byte;
        }
        table
    }
}

impl Shrink {
    pub(super) fn step(&mut self, bits: &mut Bits<impl BufRead>, made: &mut Made) -> io::Result<bool> {
        let Some(code) = bits.take(self.bits)? else { return Ok(false) };
        if code == u32::from(CONTROL) {
            match bits.need(self.bits)? {
                LONGER_CODES if self.bits < BITS_MAX => self.bits += 1,
                THIN_OUT => self.thin_out()?,
                _ => return Err(broken("no order of this method")),
            }
            return Ok(true);
        }
        self.decode(code as u16)?;
        self.made_bytes += self.decoded.len() as u64;
        made.bytes.extend(self.decoded.drain(..).rev());
        if let Some(previous) = self.previous {
            self.add(previous);
        }
        self.previous = Some(code as u16);
        Ok(true)
    }

    /// The bytes of a code, last one first.
    fn decode(&mut self, code: u16) -> io::Result<()> {
        let mut at = code;
        while at != BYTE {
            // Each entry of a chain is another one, or the table is broken.
            if self.decoded.len() > CODES {
                return Err(broken("a code that stands for itself"));
            }
            if self.prefixes[usize::from(at)] == FREE {
                // The code that is just being made, or one that was: what came before and its first byte again.
                self.decoded.push(self.first);
                at = self.previous.ok_or_else(|| broken("no code of this table"))?;
                continue;
            }
            self.decoded.push(self.suffixes[usize::from(at)]);
            at = self.prefixes[usize::from(at)];
        }
        self.first = self.decoded.last().copied().unwrap_or(0);
        Ok(())
    }

    /// Makes the lowest free code stand for what came before and one byte. A full table takes no more.
    fn add(&mut self, previous: u16) {
        let free = self.prefixes[self.free_from..].iter().position(|prefix| *prefix == FREE);
        let Some(code) = free.map(|index| self.free_from + index) else {
            self.free_from = CODES;
            return;
        };
        self.prefixes[code] = previous;
        self.suffixes[code] = self.first;
        self.free_from = code + 1;
    }

    /// Frees the codes that no other one goes on from.
    fn thin_out(&mut self) -> io::Result<()> {
        self.thinned += 1;
        if self.thinned > THINNED_FREE + self.made_bytes / THINNED_EVERY_BYTES {
            return Err(broken("a table that is thinned out more often than it fills"));
        }
        let first = usize::from(CONTROL) + 1;
        let mut goes_on = [false; CODES];
        for prefix in self.prefixes[first..].iter().filter(|prefix| **prefix != FREE) {
            goes_on[usize::from(*prefix)] = true;
        }
        for (prefix, goes_on) in self.prefixes.iter_mut().zip(goes_on).skip(first) {
            if !goes_on {
                *prefix = FREE;
            }
        }
        self.free_from = first;
        Ok(())
    }
}
