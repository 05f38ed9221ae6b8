//! Distinct values by number, for tables that hold a number where a value would be long.

use std::hash::{Hash, Hasher};

/// Fewest slots.
const SLOTS_MIN: usize = 64;

/// Distinct values in the order of their first use.
#[derive(Debug)]
pub struct Distinct<T> {
    values: Vec<T>,
    /// At the place of a value's hash or behind it, one more than its number; 0 where there is none. Values are large, so
    /// they do not stand here.
    slots: Vec<u32>,
}

impl<T> Default for Distinct<T> {
    fn default() -> Self {
        Self { values: Vec::new(), slots: vec![0; SLOTS_MIN] }
    }
}

impl<T: Clone + Eq + Hash> Distinct<T> {
    /// The number of a value.
    pub fn number(&mut self, value: &T) -> u32 {
        let slot = self.slot(value);
        if let Some(number) = self.slots[slot].checked_sub(1) {
            return number;
        }
        self.values.push(value.clone());
        self.slots[slot] = self.values.len() as u32;
        if 2 * self.values.len() > self.slots.len() {
            self.grow();
        }
        self.values.len() as u32 - 1
    }

    /// The slot of a value, or the one that it would take. There always is one, since half of them are free.
    fn slot(&self, value: &T) -> usize {
        let mut mixer = Mixer::default();
        value.hash(&mut mixer);
        let mut slot = mixer.finish() as usize & (self.slots.len() - 1);
        while self.slots[slot].checked_sub(1).is_some_and(|number| self.values[number as usize] != *value) {
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        slot
    }

    fn grow(&mut self) {
        self.slots = vec![0; 2 * self.slots.len()];
        for number in 0..self.values.len() {
            let slot = self.slot(&self.values[number]);
            self.slots[slot] = number as u32 + 1;
        }
    }

    /// The values by number.
    #[must_use]
    pub fn values(&self) -> &[T] {
        &self.values
    }

    /// Gives the values away.
    #[must_use]
    pub fn into_values(self) -> Vec<T> {
        self.values
    }
}

/// A hash of values that detectors are made of, whose authors gain nothing from a slow start: tens of thousands of them are
/// told apart whenever the program starts.
#[derive(Debug, Default)]
struct Mixer(u64);

impl Hasher for Mixer {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks();
        words.iter().for_each(|word| self.write_u64(u64::from_le_bytes(*word)));
        rest.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn write_u32(&mut self, word: u32) {
        self.write_u64(u64::from(word));
    }

    fn write_usize(&mut self, word: usize) {
        self.write_u64(word as u64);
    }

    fn finish(&self) -> u64 {
        // A product's high bits depend on all of a word, and tables look at the low ones.
        self.0 ^ self.0 >> 32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_have_one_number() {
        let mut distinct = Distinct::default();
        let numbers = [[1u64, 2], [1, 3], [1, 2], [2, 1], [1, 3]].map(|value| distinct.number(&value));
        assert_eq!(numbers, [0, 1, 0, 2, 1]);
        assert_eq!(distinct.values(), [[1, 2], [1, 3], [2, 1]]);
        assert_eq!(distinct.into_values().len(), 3);
    }

    #[test]
    fn many_values_keep_their_numbers() {
        let mut distinct = Distinct::default();
        for turn in 0..2 {
            let numbers = (0..1_000u64).map(|value| distinct.number(&[value << 40, value % 7]));
            assert!(numbers.eq(0..1_000), "turn {turn}");
        }
    }
}
