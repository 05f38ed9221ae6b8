//! A set of byte values: what can stand at one place of a match.

use serde::{Deserialize, Serialize};

/// A set of byte values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
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
