//! A set of byte values: what can stand at one place of a match.

/// A set of byte values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ByteSet([u64; 4]);

impl ByteSet {
    /// Every byte.
    pub const ALL: Self = Self([u64::MAX; 4]);

    /// Adds a byte.
    pub fn insert(&mut self, byte: u8) {
        self.0[usize::from(byte >> 6)] |= 1 << (byte & 63);
    }

    /// Adds the bytes of another set.
    pub fn extend(&mut self, other: ByteSet) {
        self.0.iter_mut().zip(other.0).for_each(|(mine, theirs)| *mine |= theirs);
    }

    /// Adds every byte.
    pub fn fill(&mut self) {
        *self = Self::ALL;
    }

    /// Whether the byte is in the set.
    #[must_use]
    pub fn contains(&self, byte: u8) -> bool {
        self.0[usize::from(byte >> 6)] >> (byte & 63) & 1 == 1
    }

    /// Whether no byte is in the set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0 == [0; 4]
    }

    /// The bytes of which this is one and the byte before is none, or the other way round.
    #[must_use]
    pub fn edges(&self) -> Self {
        let mut carry = self.0[0] & 1;
        Self(self.0.map(|word| {
            let edges = word ^ (word << 1 | carry);
            carry = word >> 63;
            edges
        }))
    }

    /// The bytes in ascending order.
    pub fn bytes(&self) -> impl Iterator<Item = u8> + '_ {
        [0u8, 64, 128, 192].into_iter().zip(self.0).flat_map(|(first, mut word)| {
            std::iter::from_fn(move || {
                let byte = (word != 0).then(|| first + word.trailing_zeros() as u8)?;
                word &= word - 1;
                Some(byte)
            })
        })
    }

    /// A set by its bits, the byte 0 first.
    #[must_use]
    pub const fn from_words(words: [u64; 4]) -> Self {
        Self(words)
    }

    /// The set as bits, the byte 0 first.
    #[must_use]
    pub fn words(&self) -> &[u64; 4] {
        &self.0
    }
}

impl FromIterator<u8> for ByteSet {
    fn from_iter<I: IntoIterator<Item = u8>>(bytes: I) -> Self {
        let mut set = Self::default();
        bytes.into_iter().for_each(|byte| set.insert(byte));
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_are_where_a_byte_differs_from_the_one_before() {
        let sets: [Vec<u8>; 5] =
            [vec![], vec![0, 1, 2, 63, 64, 65], vec![255], (64..=191).collect(), (0..=255).collect()];
        for bytes in sets {
            let set: ByteSet = bytes.iter().copied().collect();
            let differs = |byte: &u8| set.contains(*byte) != set.contains(*byte - 1);
            let expected: Vec<u8> = (1..=255).filter(differs).collect();
            assert_eq!(set.edges().bytes().collect::<Vec<_>>(), expected, "{bytes:?}");
        }
    }
}
