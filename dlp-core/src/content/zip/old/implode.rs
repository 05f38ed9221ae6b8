//! Implode: bytes and repetitions, in codes of Shannon and Fano whose lengths stand in front.

use super::bits::Bits;
use super::{Made, broken};
use std::io::{self, BufRead};

const LARGE_WINDOW: u16 = 1 << 1;
const BYTES_HAVE_CODES: u16 = 1 << 2;
const CODE_BITS_MAX: usize = 16;
/// The length behind which the rest of it stands.
const LONG: u16 = 63;

pub(super) struct Implode {
    bytes: Option<Codes>,
    lens: Codes,
    distances: Codes,
    /// Bits of a distance that are no code.
    distance_bits: u32,
    len_min: usize,
}

impl Implode {
    /// Reads the codes, which stand in front.
    pub(super) fn read(flags: u16, bits: &mut Bits<impl BufRead>) -> io::Result<Self> {
        let has_byte_codes = flags & BYTES_HAVE_CODES != 0;
        Ok(Self {
            bytes: if has_byte_codes { Some(Codes::read(256, bits)?) } else { None },
            lens: Codes::read(64, bits)?,
            distances: Codes::read(64, bits)?,
            distance_bits: if flags & LARGE_WINDOW != 0 { 7 } else { 6 },
            len_min: if has_byte_codes { 3 } else { 2 },
        })
    }

    pub(super) fn step(&self, bits: &mut Bits<impl BufRead>, made: &mut Made) -> io::Result<bool> {
        match (bits.take(1)?, &self.bytes) {
            (None, _) => Ok(false),
            (Some(0), _) => self.repetition(bits, made),
            (Some(_), None) => Ok(bits.take(8)?.map(|byte| made.push(byte as u8)).is_some()),
            (Some(_), Some(codes)) => Ok(codes.next(bits)?.map(|byte| made.push(byte as u8)).is_some()),
        }
    }

    /// The last bits of a member may look like the beginning of a repetition.
    fn repetition(&self, bits: &mut Bits<impl BufRead>, made: &mut Made) -> io::Result<bool> {
        let Some(low) = bits.take(self.distance_bits)? else { return Ok(false) };
        let Some(high) = self.distances.next(bits)? else { return Ok(false) };
        let Some(len) = self.lens.next(bits)? else { return Ok(false) };
        let more = if len == LONG { bits.take(8)? } else { Some(0) };
        let Some(more) = more else { return Ok(false) };
        let distance = (usize::from(high) << self.distance_bits) + low as usize + 1;
        made.repeat(distance, usize::from(len) + more as usize + self.len_min);
        Ok(true)
    }
}

/// Codes for numbers: those of one length follow each other, and longer ones are lower.
struct Codes {
    /// For each length in bits the lowest code, how many there are, and where the numbers of these begin.
    lens: [(u32, u32, usize); CODE_BITS_MAX + 1],
    numbers: Vec<u16>,
}

impl Codes {
    /// Reads how long the code of each number is: a byte for some numbers of the same length.
    fn read(count: usize, bits: &mut Bits<impl BufRead>) -> io::Result<Self> {
        let mut code_bits = Vec::with_capacity(count);
        for _ in 0..=bits.need(8)? {
            let run = bits.need(8)?;
            let (len, times) = (run & 0xF, (run >> 4) + 1);
            code_bits.extend(std::iter::repeat_n(len as usize + 1, times as usize));
        }
        if code_bits.len() != count {
            return Err(broken("codes for more or fewer numbers than there are"));
        }
        Self::new(&code_bits)
    }

    fn new(code_bits: &[usize]) -> io::Result<Self> {
        let mut codes = Self { lens: [(0, 0, 0); CODE_BITS_MAX + 1], numbers: Vec::with_capacity(code_bits.len()) };
        // The lowest code of a length, in as many bits: half of what the longer ones reach to.
        let mut next = 0_u32;
        for len in (1..=CODE_BITS_MAX).rev() {
            let numbers = (0..code_bits.len()).rev().filter(|number| code_bits[*number] == len);
            let start = codes.numbers.len();
            codes.numbers.extend(numbers.map(|number| number as u16));
            let count = (codes.numbers.len() - start) as u32;
            codes.lens[len] = (next, count, start);
            next += count;
            if next > 1 << len {
                return Err(broken("more codes than their lengths allow"));
            }
            next = next.div_ceil(2);
        }
        Ok(codes)
    }

    /// The number of the next code; nothing where the input ends before.
    fn next(&self, bits: &mut Bits<impl BufRead>) -> io::Result<Option<u16>> {
        let mut code = 0;
        for (first, count, start) in &self.lens[1..] {
            let Some(bit) = bits.take(1)? else { return Ok(None) };
            code = code << 1 | bit;
            if let Some(index) = code.checked_sub(*first).filter(|index| index < count) {
                return Ok(Some(self.numbers[start + index as usize]));
            }
        }
        Err(broken("no code of this table"))
    }
}
