//! Where a key run is near: an unbroken run of letters, digits, `-` and `_` as long as keys and tokens are.
//!
//! Literals of which every match has such a run beside them count there alone. That is told by words of the masks, for
//! less than a byte of text costs, and spares most of the looks at names of providers in text without keys.

use dlp_detector_format::{KEY_RUN_BEFORE, KEY_RUN_BEHIND, KEY_RUN_LEN};

/// Bytes of a word of the masks.
const WORD_BYTES: usize = u64::BITS as usize;

/// Bytes behind the start of a match that tell whether a key run is near its literal.
pub(super) const KEY_REACH: usize = KEY_RUN_BEFORE + KEY_RUN_BEHIND + KEY_RUN_LEN;

/// Most bytes of a literal before its window, up to a word. The window is looked at where the literal is not known yet.
const WINDOW_OFFSET_BYTES: usize = WORD_BYTES;

/// Words before the one in which a run begins for which it is near ...
const WORDS_BEFORE: usize = KEY_RUN_BEHIND.div_ceil(WORD_BYTES);

/// ... and words behind it.
const WORDS_BEHIND: usize = (KEY_RUN_BEFORE + WINDOW_OFFSET_BYTES).div_ceil(WORD_BYTES);

/// For each word of the masks, all bits where a key run is near.
#[derive(Debug, Default)]
pub(super) struct KeyRuns(Vec<u64>);

impl KeyRuns {
    /// Reads the mask of key bytes; behind its end there are none.
    pub(super) fn read(&mut self, key: &[u64]) {
        let Self(near) = self;
        near.clear();
        near.resize(key.len(), 0);
        for (word, low) in key.iter().enumerate() {
            let high = key.get(word + 1).copied().unwrap_or(0);
            if begins_in(*low, high) {
                let end = near.len().min(word + WORDS_BEHIND + 1);
                near[word.saturating_sub(WORDS_BEFORE)..end].fill(u64::MAX);
            }
        }
    }

    /// The bits of a word: all or none.
    #[inline]
    pub(super) fn near(&self, word: usize) -> u64 {
        self.0.get(word).copied().unwrap_or(0)
    }

    /// Whether a run is near a place of the masks.
    #[inline]
    pub(super) fn is_near(&self, bit: usize) -> bool {
        self.near(bit / WORD_BYTES) != 0
    }
}

/// Whether a run begins in a word of the mask. The next word is that behind it.
#[inline]
fn begins_in(word: u64, next: u64) -> bool {
    const { assert!(KEY_RUN_LEN == 32, "as the shifts below have it") };
    let wide = u128::from(next) << WORD_BYTES | u128::from(word);
    let two = wide & wide >> 1;
    let four = two & two >> 2;
    let eight = four & four >> 4;
    let sixteen = eight & eight >> 8;
    (sixteen & sixteen >> 16) as u64 != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_near_as_far_as_a_literal_may_stand() {
        for begin in [0, 1, 31, 32, 33, 63, 64, 700, 1024 - 32] {
            for len in [KEY_RUN_LEN - 1, KEY_RUN_LEN] {
                let mut mask = [0u64; 16];
                (begin..begin + len).for_each(|bit| mask[bit / 64] |= 1 << (bit % 64));
                let mut runs = KeyRuns::default();
                runs.read(&mask);
                for bit in 0..1024usize {
                    let within = bit <= begin + KEY_RUN_BEFORE && begin <= bit + KEY_RUN_BEHIND;
                    assert!(!within || len < KEY_RUN_LEN || runs.is_near(bit), "{begin} {len} {bit}");
                    assert!(len == KEY_RUN_LEN || !runs.is_near(bit), "{begin} {len} {bit}");
                }
                let far =
                    [begin + KEY_RUN_BEFORE + WINDOW_OFFSET_BYTES + 128, begin.saturating_sub(KEY_RUN_BEHIND + 128)];
                let is_far = |bit: &&usize| bit.abs_diff(begin) > KEY_RUN_BEHIND.min(KEY_RUN_BEFORE + 128);
                far.iter().filter(is_far).for_each(|bit| assert!(!runs.is_near(*bit), "{begin} {bit}"));
            }
        }
    }
}
