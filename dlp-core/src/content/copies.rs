//! Archives that one job holds several times.
//!
//! A number of copies are opened like any other, so that each of their findings has its place, and so are further ones
//! as long as together they are no larger than a few times the input. Copies of copies are how a small file becomes a
//! large one, so from then on a copy is entered, bears the outcome of the ones before, and is not unpacked again, which
//! is a problem of its own: what judges by places was not asked about this one.
//!
//! A copy that met a bound may have been read only in part for where it stood. It counts for copies of the same depth
//! alone, so one that stands elsewhere is opened.

use super::walk::{Step, Walk};
use super::{Completeness, Outcome};
use crate::base::{ARCHIVES_REMEMBERED_MAX, COPIES_OPENED_FREE, Problem};
use std::collections::HashMap;

/// What a copy that is not opened is reported as.
const REASON: &str = "copies_max";

/// The archives of a job by the hash of their bytes, and by their depth where a bound was met in them.
#[derive(Default)]
pub(super) struct Copies {
    opened: HashMap<(blake3::Hash, Option<u32>), Opened>,
    /// Bounds that were met in the job so far, but that on copies.
    bounds_met: u64,
}

/// How often an archive was opened, and what came of it.
#[derive(Clone, Copy)]
struct Opened {
    count: u32,
    outcome: Outcome,
}

impl Opened {
    const NEVER: Self = Self { count: 0, outcome: Outcome::COMPLETE };

    fn and(self, other: Self) -> Self {
        Self { count: self.count.saturating_add(other.count), outcome: self.outcome.worse(other.outcome) }
    }
}

impl Copies {
    /// Takes note of what an item came to.
    pub(super) fn note(&mut self, outcome: Outcome) {
        if outcome.completeness == Completeness::Partial && outcome.reason != REASON {
            self.bounds_met += 1;
        }
    }

    fn opened(&self, hash: blake3::Hash, depth: u32) -> Opened {
        let known = |depth| self.opened.get(&(hash, depth)).copied().unwrap_or(Opened::NEVER);
        known(None).and(known(Some(depth)))
    }

    fn add(&mut self, key: (blake3::Hash, Option<u32>), outcome: Outcome) {
        if self.opened.len() < ARCHIVES_REMEMBERED_MAX || self.opened.contains_key(&key) {
            let opened = self.opened.entry(key).or_insert(Opened::NEVER);
            *opened = opened.and(Opened { count: 1, outcome });
        }
    }
}

impl Walk<'_> {
    /// Walks the archive of the item that is open, unless as many copies of it were walked as are worth it.
    pub(super) fn unless_known(&mut self, bytes: &[u8], handler: impl FnOnce(&mut Self) -> Step) -> Step {
        let (hash, depth) = (blake3::hash(bytes), self.depth());
        let opened = self.copies.opened(hash, depth);
        if opened.count >= COPIES_OPENED_FREE && !self.budget.take_copy(bytes.len() as u64) {
            self.raise(opened.outcome);
            let message = "as many copies of this archive were opened as the bound allows; this one was not";
            self.problem(Problem::limit(REASON, u64::from(COPIES_OPENED_FREE), message));
            return Ok(());
        }
        let bounds_met = self.copies.bounds_met;
        let step = handler(self);
        let has_met_bound = self.copies.bounds_met > bounds_met;
        self.copies.add((hash, has_met_bound.then_some(depth)), self.outcome());
        step
    }
}
