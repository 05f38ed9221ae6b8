//! What rows ask of many tokens at once, near the phrases of a text.
//!
//! Most rows wait for a phrase, and of those that wait for none few can have a token as short as those of dates, times and
//! addresses. So where numbers stand in rows, tokens are asked for the rows that wait for nothing and for those whose
//! phrases the text has. A log has the same few phrases in each of its lines: what their rows ask is added as they are
//! met, and kept from block to block.

use super::build::Row;
use super::{Starts, TokenFilter};
use crate::matching::boundary::{END, ESCAPE_LEADS};
use crate::matching::runs::Runs;
use crate::matching::simd::{PairSets, ShapeSets};
use crate::matching::vocabulary::PhraseId;

/// Rows that are added for their phrases, and phrases that are remembered. A text that names more than these is one of words,
/// and adding them takes longer than it spares.
const ROWS_MAX: usize = 32;
const PHRASES_MAX: usize = 32;

/// Blocks of such a text for which nothing is added again.
const BLOCKS_PASSED: usize = 16;

/// What rows ask of a token, as far as is asked of many tokens at once.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    /// The pairs of bytes with which a row can start.
    pub(super) pairs: PairSets,
    /// The shapes with which a row can start.
    pub(super) shapes: ShapeSets,
}

impl Asked {
    /// Keeps the tokens that a row can have.
    pub(super) fn filter<'t>(&'t self, text: &'t [u8], runs: Runs<'t>) -> TokenFilter<'t> {
        TokenFilter {
            text,
            masks: runs.masks,
            from: runs.from,
            pairs: &self.pairs,
            shapes: &self.shapes,
            leads: ESCAPE_LEADS,
            end: END,
        }
    }
}

/// What is asked by the rows that wait for nothing, and by those that wait for phrases which were met.
#[derive(Debug, Default)]
pub(in crate::matching) struct AskedNear {
    /// Made when the first phrase is met.
    asked: Option<Box<Asked>>,
    phrases: Vec<PhraseId>,
    rows: Vec<usize>,
    /// Blocks for which all rows ask, since too many phrases were met.
    passed: usize,
}

impl AskedNear {
    /// Another block follows.
    pub(in crate::matching) fn begin_block(&mut self) {
        self.passed = self.passed.saturating_sub(1);
    }

    /// Adds the rows that wait for a phrase.
    pub(in crate::matching) fn meet(&mut self, starts: &Starts, phrase: PhraseId) {
        if self.passed > 0 || self.phrases.contains(&phrase) {
            return;
        }
        self.phrases.push(phrase);
        let asked = self.asked.get_or_insert_with(|| Box::new(starts.open.clone()));
        let is_named = |row: &Row| row.phrases().any(|other| other == phrase);
        for (number, row) in starts.waiting.iter().enumerate().filter(|(_, row)| is_named(row)) {
            if !self.rows.contains(&number) {
                self.rows.push(number);
                asked.add(std::iter::once(row), &starts.sets);
            }
        }
        if self.rows.len() > ROWS_MAX || self.phrases.len() > PHRASES_MAX {
            *self = Self { passed: BLOCKS_PASSED, ..Self::default() };
        }
    }

    /// Keeps the tokens that a row can have near the phrases that were met.
    pub(in crate::matching) fn filter<'t>(
        &'t self,
        starts: &'t Starts,
        text: &'t [u8],
        runs: Runs<'t>,
    ) -> TokenFilter<'t> {
        let asked = if self.passed > 0 { &starts.any } else { self.asked.as_deref().unwrap_or(&starts.open) };
        asked.filter(text, runs)
    }
}
