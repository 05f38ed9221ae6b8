//! Bits of a block of zstd, read from its front, or from its back as most of them are (RFC 8878 4.1, 4.2.2).

/// Reads from the front, the lowest bit of each byte first.
pub(super) struct Forward<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Forward<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The next bits, of which 16 are the most; zeros behind the end.
    pub(super) fn take(&mut self, count: u32) -> u32 {
        let first = self.at / 8;
        let word = (0..3).fold(0, |word, index| {
            word | u32::from(self.bytes.get(first + index).copied().unwrap_or(0)) << (8 * index)
        });
        let bits = word >> (self.at % 8) & ((1 << count) - 1);
        self.at += count as usize;
        bits
    }

    /// Gives the last bit back.
    pub(super) fn give_back(&mut self) {
        self.at -= 1;
    }

    /// Bytes of which something was taken; none when there were not as many.
    pub(super) fn taken_bytes(&self) -> Option<usize> {
        Some(self.at.div_ceil(8)).filter(|count| *count <= self.bytes.len())
    }
}

/// Reads from the back, from the bit before the highest one that is set.
pub(super) struct Backward<'b> {
    bytes: &'b [u8],
    /// Bits that are left; less than none when more were taken than there were.
    left: i64,
}

impl<'b> Backward<'b> {
    /// None without the bit that marks the end.
    pub(super) fn new(bytes: &'b [u8]) -> Option<Self> {
        let last = bytes.last().filter(|last| **last != 0)?;
        let left = (bytes.len() * 8) as i64 - i64::from(last.leading_zeros()) - 1;
        Some(Self { bytes, left })
    }

    pub(super) fn left(&self) -> i64 {
        self.left
    }

    /// The next bits, of which 32 are the most; zeros before the front.
    pub(super) fn take(&mut self, count: u32) -> u32 {
        let bits = self.peek(count);
        self.left -= i64::from(count);
        bits
    }

    /// The same, without taking them.
    pub(super) fn peek(&self, count: u32) -> u32 {
        let start = self.left - i64::from(count);
        if start < 0 {
            // Fewer are there than are asked for.
            return match u32::try_from(self.left) {
                Ok(left) => self.at(0, left) << (count - left),
                Err(_none_left) => 0,
            };
        }
        self.at(start as usize, count)
    }

    fn at(&self, start: usize, count: u32) -> u32 {
        let mut word = [0; 8];
        let bytes = self.bytes.get(start / 8..).unwrap_or_default();
        let len = bytes.len().min(word.len());
        word[..len].copy_from_slice(&bytes[..len]);
        (u64::from_le_bytes(word) >> (start % 8) & ((1 << count) - 1)) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_come_from_the_front() {
        let mut bits = Forward::new(&[0b1010_0110, 0b0000_0011]);
        assert_eq!([bits.take(3), bits.take(6), bits.take(1)], [0b110, 0b11_0100, 1]);
        assert_eq!(bits.taken_bytes(), Some(2));
        bits.give_back();
        assert_eq!((bits.take(8), bits.taken_bytes()), (1, None));
    }

    #[test]
    fn bits_come_from_the_back() {
        let mut bits = Backward::new(&[0b1010_0110, 0b0000_0110]).unwrap();
        assert_eq!((bits.left(), bits.take(3), bits.peek(4)), (10, 0b101, 0b0100));
        assert_eq!((bits.take(4), bits.take(5), bits.left()), (0b0100, 0b1_1000, -2));
        assert_eq!(bits.take(3), 0);
        assert!(Backward::new(&[1, 0]).is_none() && Backward::new(&[]).is_none());
    }
}
