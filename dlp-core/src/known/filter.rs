//! A set of hashes that may say yes by mistake, and never no.
//!
//! A blocked Bloom filter (F. Putze, P. Sanders, J. Singler: Cache-, Hash- and Space-Efficient Bloom Filters, 2007) with
//! blocks of one word: a question reads one place of memory.

/// Bits for each hash.
const BITS_EACH: u64 = 16;
/// Bits that a hash sets in its word.
const BITS_SET: u32 = 6;

/// The filter.
#[derive(Debug)]
pub(super) struct Filter(Box<[u64]>);

impl Filter {
    /// An empty one for so many hashes.
    pub(super) fn of(hashes: u64) -> Self {
        let words = usize::try_from((hashes * BITS_EACH).div_ceil(64)).unwrap_or(usize::MAX).max(1);
        Self(vec![0; words].into())
    }

    /// Adds a hash.
    pub(super) fn add(&mut self, hash: u64) {
        let (word, bits) = self.place(hash);
        self.0[word] |= bits;
    }

    /// Whether a hash may have been added.
    #[inline]
    pub(super) fn may_hold(&self, hash: u64) -> bool {
        let (word, bits) = self.place(hash);
        self.0[word] & bits == bits
    }

    /// The word of a hash, by its leading bits, and its bits there, by the others.
    #[inline]
    fn place(&self, hash: u64) -> (usize, u64) {
        let word = (u128::from(hash) * self.0.len() as u128) >> 64;
        let mixed = hash.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let bits = (0..BITS_SET).fold(0, |bits, at| bits | 1 << (mixed >> (28 + 6 * at) & 63));
        (word as usize, bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(n: u64) -> u64 {
        u64::from_le_bytes(*blake3::hash(&n.to_le_bytes()).as_bytes().first_chunk().expect("32 bytes"))
    }

    #[test]
    fn it_never_says_no_and_seldom_says_yes_by_mistake() {
        let mut filter = Filter::of(20_000);
        (0..20_000).for_each(|n| filter.add(hash(n)));
        assert!((0..20_000).all(|n| filter.may_hold(hash(n))));
        let mistakes = (20_000..220_000).filter(|n| filter.may_hold(hash(*n))).count();
        assert!(mistakes < 1_000, "less than one in two hundred: {mistakes}");
        assert!(!Filter::of(0).may_hold(hash(1)));
    }
}
