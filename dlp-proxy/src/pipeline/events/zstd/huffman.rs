//! Literals in a Huffman code: its tree, and the streams that are written in it (RFC 8878 4.2).

use super::bits::Backward;
use super::fse::Table;

/// Bits of the longest code.
const BITS_MAX: u32 = 11;
/// The largest table of weights, as a power of two.
const WEIGHTS_LOG_MAX: u32 = 6;
/// From here on the first byte says how many weights follow as they are.
const WEIGHTS_PLAIN: u8 = 128;
/// Symbols with a weight of their own; the last one has what is left.
const WEIGHTS_MAX: usize = 255;

/// What each beginning of as many bits as the longest code has stands for.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    bits_max: u32,
    /// A symbol, and the bits of its code.
    codes: Vec<(u8, u8)>,
}

impl Tree {
    /// Reads a tree, and how many bytes it takes. None when there is no such tree.
    pub(super) fn read(bytes: &[u8]) -> Option<(Self, usize)> {
        let (&first, rest) = bytes.split_first()?;
        let (weights, len) = if first < WEIGHTS_PLAIN {
            let len = usize::from(first);
            (packed_weights(rest.get(..len)?)?, len)
        } else {
            let count = usize::from(first - WEIGHTS_PLAIN) + 1;
            let len = count.div_ceil(2);
            let halves = rest.get(..len)?.iter().flat_map(|byte| [byte >> 4, byte & 15]);
            (halves.take(count).collect(), len)
        };
        Some((Self::of_weights(weights)?, 1 + len))
    }

    fn of_weights(mut weights: Vec<u8>) -> Option<Self> {
        let share = |weight: u8| if weight == 0 { 0 } else { 1_u32 << (weight - 1) };
        if weights.iter().any(|weight| u32::from(*weight) > BITS_MAX) {
            return None;
        }
        let sum: u32 = weights.iter().map(|weight| share(*weight)).sum();
        let bits_max = sum.checked_ilog2()? + 1;
        let left = (1 << bits_max) - sum;
        if bits_max > BITS_MAX || !left.is_power_of_two() {
            return None;
        }
        weights.push(left.ilog2() as u8 + 1);
        let mut codes = Vec::with_capacity(1 << bits_max);
        for weight in 1..=bits_max as u8 {
            let of_weight = (0_u8..=u8::MAX).zip(&weights).filter(|(_, other)| **other == weight);
            for (symbol, _) in of_weight {
                let bits = (bits_max + 1) as u8 - weight;
                codes.extend((0..share(weight)).map(|_| (symbol, bits)));
            }
        }
        (codes.len() == 1 << bits_max).then_some(Self { bits_max, codes })
    }

    /// Adds so many symbols of a stream to `out`. None when it has more or fewer.
    pub(super) fn decode(&self, stream: &[u8], count: usize, out: &mut Vec<u8>) -> Option<()> {
        let mut bits = Backward::new(stream)?;
        for _ in 0..count {
            let (symbol, len) = self.codes[bits.peek(self.bits_max) as usize];
            bits.take(len.into());
            out.push(symbol);
        }
        (bits.left() == 0).then_some(())
    }
}

/// Weights that are packed themselves: two states take turns until the bits have run out.
fn packed_weights(bytes: &[u8]) -> Option<Vec<u8>> {
    let (table, len) = Table::read(bytes, WEIGHTS_LOG_MAX, BITS_MAX as u8 + 1)?;
    let mut bits = Backward::new(&bytes[len..])?;
    let (mut now, mut other) = (table.walk(&mut bits), table.walk(&mut bits));
    let mut weights = Vec::new();
    while weights.len() < WEIGHTS_MAX {
        weights.push(now.symbol());
        now.go_on(&mut bits);
        if bits.left() < 0 {
            weights.push(other.symbol());
            return (weights.len() <= WEIGHTS_MAX).then_some(weights);
        }
        std::mem::swap(&mut now, &mut other);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_make_a_code() {
        // Weights 2, 1 and what is left, 1: codes of one bit and twice two.
        let (tree, len) = Tree::read(&[WEIGHTS_PLAIN + 1, 0x21]).unwrap();
        assert_eq!((len, tree.codes), (2, vec![(1, 2), (2, 2), (0, 1), (0, 1)]));
        for broken in [&[][..], &[WEIGHTS_PLAIN + 3, 0x21], &[WEIGHTS_PLAIN, 0x00], &[WEIGHTS_PLAIN + 1, 0xc1]] {
            assert!(Tree::read(broken).is_none(), "{broken:?}");
        }
        // Three and two of eighths leave three, which is no code.
        assert!(Tree::of_weights(vec![2, 1, 2]).is_none());
    }

    #[test]
    fn a_stream_has_as_many_symbols_as_it_says() {
        let tree = Tree::of_weights(vec![2, 1]).unwrap();
        // From the back behind the mark: 1, 00, 01.
        let stream = [0b0011_0001];
        let decoded = |count| {
            let mut out = Vec::new();
            tree.decode(&stream, count, &mut out).map(|()| out)
        };
        assert_eq!(decoded(3), Some(vec![0, 1, 2]));
        assert_eq!((decoded(2), decoded(4), tree.decode(&[0], 1, &mut Vec::new())), (None, None, None));
    }
}
