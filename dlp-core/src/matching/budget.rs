//! Bounds on the work of confirming, so that a text made of beginnings costs a bounded multiple of its length.
//!
//! Work is counted in steps of automata, one for each byte that is looked at, within blocks that are aligned to the
//! stream: what is spent does not depend on how the text was cut. A pattern whose share of a block is spent is not
//! tried again in that block, and the scan says so: it is degraded, not clean.

use crate::base::{CONFIRM_STEPS_PER_BYTE_MAX, CONFIRM_STEPS_PER_PATTERN_MAX};

/// Bytes of a block.
pub(super) const BLOCK_BYTES: usize = 64 * 1024;

/// Steps that one pattern may take for a block.
const PATTERN_STEPS_MAX: u64 = CONFIRM_STEPS_PER_PATTERN_MAX * BLOCK_BYTES as u64;

/// Steps that all patterns together may take for a block.
const BLOCK_STEPS_MAX: u64 = CONFIRM_STEPS_PER_BYTE_MAX * BLOCK_BYTES as u64;

/// Steps taken in one block.
#[derive(Debug, Default)]
pub(super) struct Budget {
    patterns: Vec<u64>,
    /// Patterns with steps.
    touched: Vec<u32>,
    block: u64,
}

impl Budget {
    /// Makes room for this many patterns.
    pub(super) fn fit(&mut self, patterns: usize) {
        *self = Self { patterns: vec![0; patterns], ..Self::default() };
    }

    /// Whether a pattern may be tried once more in this block.
    pub(super) fn allows(&self, pattern: u32) -> bool {
        self.patterns[pattern as usize] < PATTERN_STEPS_MAX && self.block < BLOCK_STEPS_MAX
    }

    /// Adds the steps of one try.
    pub(super) fn add(&mut self, pattern: u32, steps: u64) {
        let known = &mut self.patterns[pattern as usize];
        if *known == 0 {
            self.touched.push(pattern);
        }
        // One for the try itself.
        *known += steps + 1;
        self.block += steps + 1;
    }

    /// Adds the steps of looking around a value that a pattern accepted. They count for the block alone: the neighbours
    /// of each value in a long list are read again for each of them, and with the pattern's own share the list would
    /// spend it on its first values.
    pub(super) fn add_around(&mut self, steps: u64) {
        self.block += steps;
    }

    /// Ends the block and gives the steps taken in it.
    pub(super) fn end_block(&mut self) -> u64 {
        self.touched.drain(..).for_each(|pattern| self.patterns[pattern as usize] = 0);
        std::mem::take(&mut self.block)
    }
}
