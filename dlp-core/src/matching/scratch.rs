//! Memory that a thread reuses from text to text.

use super::budget::Budget;
use super::candidates::Places;
use super::compile::DetectorSet;
use super::context::Folded;
use super::simd::Masks;
use crate::knowledge::pattern::Memory;

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
    pub(super) places: Places,
    pub(super) candidates: Vec<Candidate>,
    pub(super) budget: Budget,
    /// Words around a match.
    pub(super) folded: Folded,
}

impl Scratch {
    /// Empty memory, fit for any set; it grows with use.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes the memories fit the set. Texts of one set after another keep them.
    pub(super) fn fit(&mut self, set: &DetectorSet) {
        if self.owner.as_ref().is_some_and(|owner| owner.is_same(set)) {
            return;
        }
        self.memories.clear();
        self.memories.resize_with(set.patterns().len(), || None);
        self.budget.fit(set.patterns().len());
        self.owner = Some(set.clone());
    }
}
