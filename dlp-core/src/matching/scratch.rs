//! Memory that a thread reuses from text to text.

use super::blocks::Helpers;
use super::budget::{BLOCK_BYTES, Budget};
use super::candidates::Tokens;
use super::compile::DetectorSet;
use super::key_runs::KeyRuns;
use super::neighbourhood::Neighbourhood;
use super::own_name::OwnName;
use super::simd::{Masks, Places};
use super::spotted::Spotted;
use super::starts::AskedNear;
use crate::knowledge::pattern::Memory;
use std::sync::Arc;

/// Bytes that the automata of all patterns together may keep in each thread, at first and at most. Texts of many kinds one
/// after the other grow all automata once, and are done with most of them; a text that needs more than the least over and
/// over is given more.
const AUTOMATA_BYTES_MIN: usize = 24 * 1024 * 1024;
const AUTOMATA_BYTES_MAX: usize = 96 * 1024 * 1024;

/// Steps between two times that automata are given back from which they were not given back too soon: growing them again
/// takes about as long as a tenth of these.
const STEPS_KEPT_MIN: u64 = 64 * 1024 * 1024;

/// Steps after which the automata are looked at: they grow by steps alone, and looking takes a while.
const STEPS_BETWEEN_LOOKS: u64 = BLOCK_BYTES as u64;

/// A place to try: where a match may start, and the pattern.
pub(super) type Candidate = (usize, u32);

/// Working memory of one thread. The set itself is immutable and shared; everything that changes lives here.
#[derive(Debug, Default)]
pub struct Scratch {
    /// The set that the memories belong to.
    owner: Option<DetectorSet>,
    /// One for each pattern, made when the pattern is first tried.
    pub(super) memories: Vec<Option<Box<Memory>>>,
    /// What the kernel found.
    pub(super) masks: Masks,
    pub(super) tokens: Tokens,
    /// Where key runs are near.
    pub(super) key_runs: KeyRuns,
    pub(super) places: Places,
    pub(super) candidates: Vec<Candidate>,
    /// What is asked of tokens near phrases.
    pub(super) asked: AskedNear,
    pub(super) budget: Budget,
    /// Steps since the automata were looked at.
    steps: u64,
    kept: Kept,
    /// Where others may start near a value.
    pub(super) neighbourhood: Neighbourhood,
    /// Phrases around a match.
    pub(super) spotted: Spotted,
    /// What a value is called where it stands.
    pub(super) own_name: OwnName,
    /// Who may search blocks of a stream beside this thread.
    helpers: Option<Arc<dyn Helpers>>,
    /// Whether a slice is searched before more of the text is taken, though helpers could search it meanwhile.
    is_prompt: bool,
}

impl Scratch {
    /// Empty memory, fit for any set; it grows with use.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with threads that help when a long text is searched.
    #[must_use]
    pub fn with_helpers(self, helpers: Arc<dyn Helpers>) -> Self {
        Self { helpers: Some(helpers), ..self }
    }

    /// The same, but nothing of a text waits for more of it while helpers search: what a slice holds is given with its last
    /// byte. For whoever lets go of a text by how far it was taken.
    #[must_use]
    pub fn prompt(self) -> Self {
        Self { is_prompt: true, ..self }
    }

    pub(super) fn is_prompt(&self) -> bool {
        self.is_prompt
    }

    pub(super) fn helpers(&self) -> Option<Arc<dyn Helpers>> {
        self.helpers.clone()
    }

    /// Called after each block with the steps that were taken in it. After many, what the automata have grown to is
    /// looked at, and given back when it is too much: a text that names every provider grows thousands.
    pub(super) fn end_block(&mut self, steps: u64) {
        self.steps += steps;
        if self.steps < STEPS_BETWEEN_LOOKS {
            return;
        }
        let steps_taken = std::mem::take(&mut self.steps);
        let bytes: usize = self.memories.iter().flatten().map(|memory| memory.bytes()).sum();
        if self.kept.are_too_many(bytes, steps_taken) {
            self.memories.iter_mut().for_each(|memory| *memory = None);
        }
    }

    /// Makes the memories fit the set. Texts of one set after another keep them.
    pub(super) fn fit(&mut self, set: &DetectorSet) {
        if self.owner.as_ref().is_some_and(|owner| owner.is_same(set)) {
            return;
        }
        self.memories.clear();
        self.memories.resize_with(set.patterns().len(), || None);
        self.budget.fit(set.patterns().len());
        self.asked = AskedNear::default();
        self.owner = Some(set.clone());
    }
}

/// How much memory automata keep.
#[derive(Debug)]
struct Kept {
    bytes_max: usize,
    /// Since they were given back.
    steps: u64,
}

impl Default for Kept {
    fn default() -> Self {
        Self { bytes_max: AUTOMATA_BYTES_MIN, steps: 0 }
    }
}

impl Kept {
    /// Whether automata of so many bytes are to be given back, so many steps after they were looked at last. Where that
    /// comes too soon, they may keep more from now on.
    fn are_too_many(&mut self, bytes: usize, steps: u64) -> bool {
        self.steps = self.steps.saturating_add(steps);
        if bytes <= self.bytes_max {
            return false;
        }
        if self.steps < STEPS_KEPT_MIN && self.bytes_max < AUTOMATA_BYTES_MAX {
            self.bytes_max = (2 * self.bytes_max).min(AUTOMATA_BYTES_MAX);
            return bytes > self.bytes_max;
        }
        self.steps = 0;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn automata_are_given_back_unless_they_grow_again_at_once() {
        const MIB: usize = 1024 * 1024;
        let mut kept = Kept::default();
        assert!(!kept.are_too_many(24 * MIB, 1));
        // Texts one after the other: what they took is given back.
        for _ in 0..3 {
            assert!(!kept.are_too_many(20 * MIB, STEPS_KEPT_MIN));
            assert!(kept.are_too_many(25 * MIB, 1));
        }
        // A text that needs more at once is given more, up to a bound.
        for (bytes, are_too_many) in [(25, false), (49, false), (96, false), (97, true)] {
            assert_eq!(kept.are_too_many(bytes * MIB, 1), are_too_many, "{bytes}");
        }
        assert!(kept.are_too_many(97 * MIB, 1));
    }
}
