//! Memory that a thread reuses from text to text.

use super::compile::DetectorSet;
use super::context::Folded;
use regex_automata::meta::Cache;

/// Working memory of one thread. The set itself is immutable and shared; everything that changes lives here.
#[derive(Debug, Default)]
pub struct Scratch {
    /// The set that the caches belong to.
    owner: Option<DetectorSet>,
    /// One regex cache per pattern, made when the pattern is first tried.
    pub(super) caches: Vec<Option<Box<Cache>>>,
    /// Places to try: `(start, pattern)`.
    pub(super) candidates: Vec<(usize, u32)>,
    /// Words around a match.
    pub(super) folded: Folded,
}

impl Scratch {
    /// Empty memory, fit for any set; it grows with use.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes the caches fit the set. Texts of one set after another keep them.
    pub(super) fn fit(&mut self, set: &DetectorSet) {
        if self.owner.as_ref().is_some_and(|owner| owner.is_same(set)) {
            return;
        }
        self.caches.clear();
        self.caches.resize_with(set.patterns().len(), || None);
        self.owner = Some(set.clone());
    }
}
