//! From packed detectors to the tables of a set.
//!
//! Read from left to right, without memory for each detector: the program starts as often as it is called. What detectors
//! share stands once in a packed set and is taken over once.

use super::boundary::LOOK_BYTES;
use super::company;
use super::compile::{CompiledDetector, CompiledPattern, Inner, Reach};
use super::context::{NEIGHBOUR_BYTES, Widths};
use super::found::DetectorIndex;
use super::key_runs::KEY_REACH;
use super::literals::{Literal, LiteralIndex, Literals};
use super::material::PASSAGE_BYTES;
use super::report::SURROUNDINGS_BYTES;
use super::runs::RUNS_REACH;
use super::simd::Isa;
use super::starts::{self, Named, Start};
use super::table::ROW_BYTES_MAX;
use super::uses::{self, ListNumber, LiteralUse, SetNumber};
use super::vocabulary::{self, PhraseId, Phrases};
use crate::knowledge::{Entry, PACKED};
use dlp_detector_format::{AnchorHead, ContextHead, DetectorHead, Heads, Packed, PatternHead};
use std::collections::HashMap;
use std::sync::Arc;

/// A packed set, and what of it has been taken over.
#[derive(Debug)]
struct Source {
    packed: Arc<Packed>,
    contexts: Vec<Option<Context>>,
    phrases: Vec<Option<PhraseId>>,
    literals: Vec<Option<LiteralIndex>>,
    sets: Vec<Option<SetNumber>>,
    lists: Vec<Option<ListNumber>>,
}

/// A context that has been taken over.
#[derive(Clone, Debug)]
struct Context {
    phrases: Arc<Phrases>,
    before: u16,
    after: u16,
    required: bool,
}

impl Source {
    fn new(packed: &Arc<Packed>) -> Self {
        let counts = packed.counts();
        Self {
            packed: Arc::clone(packed),
            contexts: vec![None; counts.contexts],
            phrases: vec![None; counts.phrases],
            literals: vec![None; counts.literals],
            sets: vec![None; counts.sets],
            lists: vec![None; counts.lists],
        }
    }
}

/// Collects detectors.
#[derive(Debug, Default)]
pub(super) struct Builder {
    detectors: Vec<CompiledDetector>,
    patterns: Vec<CompiledPattern>,
    vocabulary: vocabulary::Builder,
    literals: Vec<Literal>,
    /// The literals by their text, once there are several sources.
    literal_of: HashMap<Vec<u8>, LiteralIndex>,
    uses: uses::Builder,
    starts: starts::Builder,
    sources: Vec<Source>,
    len_max: usize,
    window_max: usize,
}

impl Builder {
    /// For so many detectors.
    pub(super) fn for_detectors(count: usize) -> Self {
        // Each has two patterns or three.
        Self { detectors: Vec::with_capacity(count), patterns: Vec::with_capacity(3 * count), ..Self::default() }
    }

    /// Adds a detector.
    pub(super) fn add(&mut self, entry: Entry) {
        let packed = Arc::clone(&entry.packed);
        let source = self.source(&packed);
        let mut heads = packed.heads(entry.number).expect(PACKED);
        let DetectorHead { context, first_pattern, patterns, .. } = *heads.detector();
        let context = self.context(source, context);
        let index = DetectorIndex(self.detectors.len() as u32);
        let first = self.patterns.len();
        for number in first_pattern..first_pattern + patterns {
            self.add_pattern(source, &mut heads, &context);
            let boundary = heads.detector().boundary;
            self.patterns.push(CompiledPattern::new(Arc::clone(&packed), number, (index, boundary)));
        }
        let demands_within = context.required.then_some(Widths { before: context.before, after: context.after });
        let context = (context.phrases, demands_within);
        self.detectors.push(CompiledDetector::new(entry, context, first..self.patterns.len()));
    }

    /// The place of a source. Detectors of one mostly follow each other.
    fn source(&mut self, packed: &Arc<Packed>) -> usize {
        let known = self.sources.iter().position(|source| Arc::ptr_eq(&source.packed, packed));
        known.unwrap_or_else(|| {
            if self.sources.len() == 1 {
                let literals = (0..).zip(&self.literals).map(|(index, literal)| (literal.text.clone(), index));
                self.literal_of = literals.collect();
            }
            self.sources.push(Source::new(packed));
            self.sources.len() - 1
        })
    }

    fn add_pattern(&mut self, source: usize, heads: &mut Heads<'_>, context: &Context) {
        let PatternHead { window, len_max, anchors } = heads.pattern().expect(PACKED);
        self.len_max = self.len_max.max(len_max as usize);
        let pattern = self.patterns.len() as u32;
        let packed = Arc::clone(&self.sources[source].packed);
        for _ in 0..anchors {
            match heads.anchor().expect(PACKED) {
                AnchorHead::Literal { literal, before_min, before_max, between, after, needs_key_run } => {
                    let between = self.between(source, between);
                    let after = self.after(source, after);
                    let used = LiteralUse { pattern, before_min, before_max, needs_key_run, between, after };
                    let literal = self.literal(source, literal, needs_key_run);
                    self.uses.add(literal, used);
                }
                AnchorHead::Start { skip_min, skip_max, run_min, digit_within, shape } => {
                    let start = Start {
                        skip: (skip_min as usize, skip_max as usize),
                        run_min: run_min as usize,
                        digit_within: digit_within.map(|within| within as usize),
                        shape: packed.shape(shape).expect(PACKED),
                    };
                    let window = packed.list(window).expect(PACKED);
                    let named = context.named(len_max as usize);
                    self.starts.add((pattern, heads.detector().boundary), &window, (start, named));
                }
            }
        }
    }

    /// Takes a context over.
    fn context(&mut self, source: usize, number: u32) -> Context {
        let Source { packed, contexts, phrases, .. } = &mut self.sources[source];
        if let Some(context) = &contexts[number as usize] {
            return context.clone();
        }
        let ContextHead { strong, weak, negative, before_bytes, after_bytes, required } =
            packed.context(number).expect(PACKED);
        let mut ids = |numbers: Vec<u32>| -> Vec<PhraseId> {
            let of = |number: u32| {
                let known = &mut phrases[number as usize];
                *known.get_or_insert_with(|| self.vocabulary.phrase(packed.phrase(number).expect(PACKED)))
            };
            numbers.into_iter().map(of).collect()
        };
        let lists = [ids(strong), ids(weak), ids(negative)];
        if required {
            self.vocabulary.demand(&lists[0]);
        }
        let (before, after) = (before_bytes, after_bytes);
        self.window_max = self.window_max.max(before.max(after).into());
        let context = Context { phrases: Arc::new(Phrases::new(lists)), before, after, required };
        contexts[number as usize] = Some(context.clone());
        context
    }

    /// Takes a literal over.
    fn literal(&mut self, source: usize, number: u32, is_keyed: bool) -> LiteralIndex {
        let has_others = self.sources.len() > 1;
        let Source { packed, literals, .. } = &mut self.sources[source];
        let next = self.literals.len() as LiteralIndex;
        let literal = *literals[number as usize].get_or_insert_with(|| {
            let (text, place) = packed.literal(number).expect(PACKED);
            let index = if has_others { *self.literal_of.entry(text.to_vec()).or_insert(next) } else { next };
            if index == next {
                self.literals.push(Literal { text: text.to_vec(), is_keyed, place });
            }
            index
        });
        self.literals[literal as usize].is_keyed &= is_keyed;
        literal
    }

    /// Takes the set of what stands before a literal over.
    fn between(&mut self, source: usize, number: Option<u32>) -> SetNumber {
        let Source { packed, sets, .. } = &mut self.sources[source];
        // Nothing stands before the others.
        let Some(number) = number else { return SetNumber::EMPTY };
        *sets[number as usize].get_or_insert_with(|| self.uses.set(packed.set(number).expect(PACKED)))
    }

    /// Takes the list of what stands behind a literal over.
    fn after(&mut self, source: usize, number: u32) -> ListNumber {
        let Source { packed, lists, .. } = &mut self.sources[source];
        *lists[number as usize].get_or_insert_with(|| self.uses.list(packed.list(number).expect(PACKED).into_iter()))
    }

    /// The tables.
    pub(super) fn finish(self, isa: Isa) -> Inner {
        let uses = self.uses.build(self.literals.len());
        let literals = Literals::new(self.literals);
        let window_max = self.window_max.max(company::WINDOW_BYTES).max(PASSAGE_BYTES);
        let around = window_max + NEIGHBOUR_BYTES.max(LOOK_BYTES) + SURROUNDINGS_BYTES;
        Inner {
            isa,
            detectors: self.detectors,
            patterns: self.patterns,
            look_ahead: (uses.before_max() + literals.len_max()).max(RUNS_REACH).max(KEY_REACH),
            starts: self.starts.build(self.vocabulary.len()),
            vocabulary: self.vocabulary.build(),
            literals,
            uses,
            reach: Reach { before: around.max(ROW_BYTES_MAX), after: self.len_max + around },
        }
    }
}

impl Context {
    /// What a pattern waits for, of which a match is at most so long.
    fn named(&self, len_max: usize) -> Option<Named> {
        if self.required {
            Named::of(&self.phrases, (self.before.into(), len_max + usize::from(self.after)))
        } else {
            None
        }
    }
}
