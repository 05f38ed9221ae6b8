//! Archives that one job holds several times.
//!
//! A few copies are opened like any other, so that each of their findings has its place. More of them say nothing new, and
//! copies of copies are how a small file becomes a large one: from then on a copy is entered, bears the outcome of the
//! ones before, and is not unpacked again.

use super::Outcome;
use super::walk::{Step, Walk};
use crate::base::{ARCHIVES_REMEMBERED_MAX, COPIES_OPENED_MAX};
use std::collections::HashMap;

/// The archives of a job by the hash of their bytes.
#[derive(Default)]
pub(super) struct Copies(HashMap<blake3::Hash, Opened>);

/// How often an archive was opened, and what came of it.
struct Opened {
    count: u32,
    outcome: Outcome,
}

impl Walk<'_> {
    /// Walks the archive of the item that is open, unless as many copies of it were walked as are worth it.
    pub(super) fn unless_known(&mut self, bytes: &[u8], handler: impl FnOnce(&mut Self) -> Step) -> Step {
        let hash = blake3::hash(bytes);
        let has_room = self.copies.0.len() < ARCHIVES_REMEMBERED_MAX;
        match self.copies.0.get_mut(&hash) {
            Some(opened) if opened.count >= COPIES_OPENED_MAX => {
                let outcome = opened.outcome;
                self.raise(outcome);
                return Ok(());
            }
            Some(opened) => opened.count += 1,
            None if has_room => {
                self.copies.0.insert(hash, Opened { count: 1, outcome: Outcome::COMPLETE });
            }
            None => {}
        }
        let step = handler(self);
        let outcome = self.outcome();
        if let Some(opened) = self.copies.0.get_mut(&hash) {
            opened.outcome = opened.outcome.worse(outcome);
        }
        step
    }
}
