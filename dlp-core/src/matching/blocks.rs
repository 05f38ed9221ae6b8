//! The blocks of a stretch of text, each searched apart, by one thread or by several.
//!
//! What is found in a block depends on the text around it and on nothing that was found before, and so does the work that
//! may be done for it. So a thread that searches a stretch may hand blocks to others: the results are put back into their
//! order, and are the same however many there were. Nobody waits for help to come: who asked may do something else meanwhile,
//! and takes in the end what nobody has taken, and back what a helper gave up.

use super::budget::BLOCK_BYTES;
use super::compile::DetectorSet;
use super::evidence::{self, Ground, Judged};
use super::found::DetectorIndex;
use super::material::Material;
use super::scratch::{Candidate, Scratch};
use super::table::Table;
use super::{candidates, confirm};
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Work that a helper does with memory of its own. It ends by itself and needs nothing from whoever asked.
pub type HelperJob = Box<dyn FnOnce(&mut Scratch) + Send>;

/// Threads that help with a search when they have nothing else to do.
pub trait Helpers: fmt::Debug + Send + Sync {
    /// Hands a job to a thread that is idle now. False, and the job is dropped, when none is.
    fn lend(&self, job: HelperJob) -> bool;
}

/// What one block gave.
#[derive(Debug, Default)]
pub(super) struct Searched {
    /// Offsets count in the text that was searched.
    pub(super) found: Vec<Judged>,
    /// Detectors that were not tried everywhere.
    pub(super) degraded: Vec<DetectorIndex>,
    pub(super) steps: u64,
}

/// The blocks of a part of a text that begins where a block does.
pub(super) fn blocks_of(part: Range<usize>) -> impl ExactSizeIterator<Item = Range<usize>> {
    let end = part.end;
    part.step_by(BLOCK_BYTES).map(move |start| start..end.min(start + BLOCK_BYTES))
}

/// Finds the matches that start in a block.
pub(super) fn search(set: &DetectorSet, scratch: &mut Scratch, ground: Ground<'_>, block: Range<usize>) -> Searched {
    candidates::find(set, scratch, ground, block);
    scratch.own_name.forget();
    let places = std::mem::take(&mut scratch.candidates);
    let mut searched = Searched::default();
    for place in &places {
        if evidence::may_be_named(set, scratch, ground, *place) {
            try_at(set, scratch, ground, (*place, &mut searched));
        }
    }
    scratch.candidates = places;
    searched.steps = scratch.budget.end_block();
    scratch.end_block(searched.steps);
    searched
}

/// Tries a place, and what was passed over there.
fn try_at(
    set: &DetectorSet,
    scratch: &mut Scratch,
    ground: Ground<'_>,
    ((start, number), searched): (Candidate, &mut Searched),
) {
    let mut previous = None;
    loop {
        if !scratch.budget.allows(number) {
            searched.degraded.push(set.patterns()[number as usize].detector);
            return;
        }
        // Each match ends before the value of the one before it, so there are no more than bytes of the longest.
        let accepted = match &previous {
            None => confirm::confirm(set, scratch, ground.text, (start, number)),
            Some(later) => confirm::passed_over(set, scratch, ground.text, (number, later)),
        };
        let Some(accepted) = accepted else { return };
        searched.found.extend(evidence::judge(set, scratch, ground, (number, &accepted)));
        if accepted.value.start == start {
            return;
        }
        previous = Some(accepted);
    }
}

/// A stretch of text whose blocks several threads search.
#[derive(Debug)]
pub(super) struct Shared {
    set: DetectorSet,
    material: Material,
    table: Option<Arc<Table>>,
    text: Vec<u8>,
    blocks: Vec<Range<usize>>,
    state: Mutex<State>,
    /// Told whenever a block was searched or given up.
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    /// Numbers of blocks that nobody has taken.
    left: Vec<usize>,
    results: Vec<Option<Searched>>,
    missing: usize,
}

impl Shared {
    pub(super) fn new(
        (set, material, table): (&DetectorSet, Material, &Option<Arc<Table>>),
        text: Vec<u8>,
        part: Range<usize>,
    ) -> Self {
        let blocks: Vec<_> = blocks_of(part).collect();
        let count = blocks.len();
        let state =
            State { left: (0..count).rev().collect(), results: (0..count).map(|_| None).collect(), missing: count };
        Self {
            set: set.clone(),
            material,
            table: table.clone(),
            text,
            blocks,
            state: Mutex::new(state),
            changed: Condvar::new(),
        }
    }

    /// Asks for help with blocks that nobody has taken, except for the last `own` of them. False when nobody helps.
    pub(super) fn lend(self: &Arc<Self>, helpers: &dyn Helpers, own: usize) -> bool {
        let wanted = self.state().left.len().saturating_sub(own);
        let help = || {
            // A helper that comes when all is done finds nothing any more.
            let work = Arc::downgrade(self);
            Box::new(move |scratch: &mut Scratch| {
                if let Some(work) = work.upgrade() {
                    scratch.fit(&work.set);
                    while work.search_one(scratch) {}
                }
            })
        };
        (0..wanted).take_while(|_| helpers.lend(help())).count() > 0
    }

    /// Searches all blocks that are left, with whoever helps, and gives what each of them gave.
    pub(super) fn search(self: &Arc<Self>, scratch: &mut Scratch, helpers: &dyn Helpers) -> Vec<Searched> {
        loop {
            // Whoever was busy before may be idle by now.
            self.lend(helpers, 1);
            if self.search_one(scratch) {
                continue;
            }
            let mut state = self.state();
            while state.missing > 0 && state.left.is_empty() {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            if state.missing == 0 {
                return state.results.iter_mut().filter_map(Option::take).collect();
            }
        }
    }

    /// Searches a block that nobody has taken; false when there is none.
    fn search_one(&self, scratch: &mut Scratch) -> bool {
        let ground = Ground { text: &self.text, material: self.material, table: self.table.as_deref() };
        let Some(mut taken) = self.take() else { return false };
        taken.searched = Some(search(&self.set, scratch, ground, self.blocks[taken.number].clone()));
        true
    }

    fn take(&self) -> Option<Taken<'_>> {
        Some(Taken { number: self.state().left.pop()?, shared: self, searched: None })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The text.
    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    /// The text from an offset on, in the same memory unless a late helper still looks at it.
    pub(super) fn into_text_from(self: Arc<Self>, start: usize) -> Vec<u8> {
        match Arc::try_unwrap(self) {
            Ok(Self { mut text, .. }) => {
                text.drain(..start);
                text
            }
            Err(shared) => {
                let mut text = Vec::with_capacity(shared.text.len());
                text.extend_from_slice(&shared.text[start..]);
                text
            }
        }
    }
}

/// A block that one thread searches. Given up without a result it is left to the others.
struct Taken<'s> {
    number: usize,
    shared: &'s Shared,
    searched: Option<Searched>,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        match self.searched.take() {
            Some(searched) => {
                state.results[self.number] = Some(searched);
                state.missing -= 1;
            }
            None => state.left.push(self.number),
        }
        drop(state);
        self.shared.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};

    /// Takes a block and fails.
    #[derive(Debug)]
    struct Failing(Mutex<Option<Arc<Shared>>>, AtomicBool);

    impl Helpers for Failing {
        fn lend(&self, _job: HelperJob) -> bool {
            let shared = self.0.lock().expect("nobody fails with it").take();
            let Some(shared) = shared else { return false };
            let failed = std::thread::spawn(move || {
                let _taken = shared.take().expect("a block");
                panic!("a search that fails, on purpose");
            });
            self.1.store(failed.join().is_err(), Ordering::Relaxed);
            true
        }
    }

    #[test]
    fn what_a_helper_gave_up_is_searched() {
        let set = DetectorSet::builtin().expect("built-in detectors");
        let key = ["AKIA", "Z7QWERTYUIOPASDF"].concat();
        let text = format!("{key}\n{}{key}\n", "nothing\n".repeat(BLOCK_BYTES / 8)).into_bytes();
        let part = 0..text.len();
        let shared = Arc::new(Shared::new((&set, Material::Text, &None), text, part));
        let helpers = Failing(Mutex::new(Some(shared.clone())), AtomicBool::new(false));
        let mut scratch = Scratch::new();
        scratch.fit(&set);
        let searched = shared.search(&mut scratch, &helpers);
        assert!(helpers.1.load(Ordering::Relaxed), "the helper failed");
        assert_eq!(searched.iter().map(|block| usize::from(!block.found.is_empty())).collect::<Vec<_>>(), [1, 1]);
    }
}
