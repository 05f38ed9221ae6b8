//! SipHash-2-4 (J.-P. Aumasson, D. J. Bernstein: SipHash, a fast short-input PRF, 2012): a pseudo-random function for
//! values of a few bytes, of which a text has one at each word.

use zeroize::{Zeroize, ZeroizeOnDrop};

/// A key of the function.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(super) struct Sip {
    state: [u64; 4],
}

impl std::fmt::Debug for Sip {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sip(..)")
    }
}

impl Sip {
    /// The function under a key.
    pub(super) fn new(key: [u8; 16]) -> Self {
        let half = |at: usize| u64::from_le_bytes(*key[at..].first_chunk().expect("16 bytes"));
        let (low, high) = (half(0), half(8));
        Self {
            state: [
                low ^ 0x736f_6d65_7073_6575,
                high ^ 0x646f_7261_6e64_6f6d,
                low ^ 0x6c79_6765_6e65_7261,
                high ^ 0x7465_6462_7974_6573,
            ],
        }
    }

    /// Its value for some bytes.
    #[inline]
    pub(super) fn hash(&self, bytes: &[u8]) -> u64 {
        let mut state = self.state;
        let blocks = bytes.chunks_exact(8);
        let rest = blocks.remainder();
        for block in blocks {
            absorb(&mut state, u64::from_le_bytes(*block.first_chunk().expect("eight bytes")));
        }
        let last = rest.iter().rev().fold(0, |last: u64, byte| last << 8 | u64::from(*byte));
        absorb(&mut state, last | (bytes.len() as u64) << 56);
        state[2] ^= 0xff;
        (0..4).for_each(|_| round(&mut state));
        state[0] ^ state[1] ^ state[2] ^ state[3]
    }
}

fn absorb(state: &mut [u64; 4], block: u64) {
    state[3] ^= block;
    round(state);
    round(state);
    state[0] ^= block;
}

fn round([a, b, c, d]: &mut [u64; 4]) {
    *a = a.wrapping_add(*b);
    *b = b.rotate_left(13) ^ *a;
    *a = a.rotate_left(32);
    *c = c.wrapping_add(*d);
    *d = d.rotate_left(16) ^ *c;
    *a = a.wrapping_add(*d);
    *d = d.rotate_left(21) ^ *a;
    *c = c.wrapping_add(*b);
    *b = b.rotate_left(17) ^ *c;
    *c = c.rotate_left(32);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_gives_the_values_of_its_paper() {
        let key: [u8; 16] = std::array::from_fn(|at| at as u8);
        let message: Vec<u8> = (0..15).collect();
        // Appendix A of the paper, and the first vectors of the reference implementation.
        let rows: [(usize, u64); 3] =
            [(15, 0xa129_ca61_49be_45e5), (0, 0x726f_db47_dd0e_0e31), (1, 0x74f8_39c5_93dc_67fd)];
        for (len, expected) in rows {
            assert_eq!(Sip::new(key).hash(&message[..len]), expected, "{len} bytes");
        }
    }
}
