//! From a catalogue to an immutable set that any number of threads search with.

use super::boundary::{END, LOOK_BYTES};
use super::company;
use super::context::NEIGHBOUR_BYTES;
use super::evidence;
use super::found::{DetectorIndex, Match, ScanEnd};
use super::key_runs::KEY_REACH;
use super::literals::{Literal, LiteralIndex, Literals};
use super::material::{Material, PASSAGE_BYTES};
use super::name;
use super::report::SURROUNDINGS_BYTES;
use super::runs::RUNS_REACH;
use super::scratch::Scratch;
use super::simd::Isa;
use super::starts::{Named, Start, Starts};
use super::stream::StreamScan;
use super::table::ROW_BYTES_MAX;
use super::vocabulary::{self, Phrases, Vocabulary};
use super::whole_number::WholeNumbers;
use crate::knowledge::pattern::Compiled;
use crate::knowledge::validators::{self, Check};
use crate::knowledge::{Anchor, Boundary, ByteSet, Catalogue, CatalogueError, Demand, Detector, Failure, Program};
use dlp_detector_format::WindowPlace;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};
use thiserror::Error;

/// Why a catalogue cannot be compiled.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CompileError {
    /// The catalogue itself cannot be read.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
}

/// A compiled, immutable set of detectors. Clones share it.
#[derive(Clone, Debug)]
pub struct DetectorSet(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    isa: Isa,
    detectors: Vec<CompiledDetector>,
    patterns: Vec<CompiledPattern>,
    vocabulary: Vocabulary,
    literals: Literals,
    literal_uses: Vec<Vec<LiteralUse>>,
    /// By literal, the bytes that can stand at each of the first offsets behind it, whatever its use.
    behind: Vec<[ByteSet; BEHIND_BYTES]>,
    /// What can stand behind literals; many share a list.
    afters: Vec<Vec<ByteSet>>,
    starts: Starts,
    look_ahead: usize,
    reach: Reach,
}

/// A detector with what its matches are judged by.
#[derive(Debug)]
pub(super) struct CompiledDetector {
    pub(super) data: Detector,
    pub(super) check: Option<&'static Check>,
    pub(super) phrases: Phrases,
    /// Its patterns, as a range of the set's.
    patterns: Range<usize>,
}

/// A pattern; its regex is built when it is first tried, since most never are.
#[derive(Debug)]
pub(super) struct CompiledPattern {
    pub(super) detector: DetectorIndex,
    pub(super) boundary: Boundary,
    /// Bytes that can stand at each of the first offsets of a match.
    pub(super) window: Vec<ByteSet>,
    pub(super) len_max: usize,
    /// Digits that each match starts with, at least.
    pub(super) digits_first: usize,
    /// Whether each match starts where a token does, or behind an escape in it.
    pub(super) starts_with_token: bool,
    /// How unlikely a match is in random bytes: one in `2^chance_bits` places.
    pub(super) chance_bits: u8,
    /// Whether it takes more than what is issued.
    pub(super) is_wide: bool,
    /// What every match holds, if little text does.
    pub(super) demand: Option<Demand>,
    /// What does as well as the regex, where there is such a thing.
    pub(super) program: Option<Program>,
    /// What it accepts of numbers without marks.
    pub(super) whole_numbers: WholeNumbers,
    source: String,
    /// Large, and built for the few that are tried.
    regex: OnceLock<Option<Box<Compiled>>>,
}

impl CompiledPattern {
    /// The regex. `None` only if the source does not compile, which loading it into a catalogue rules out.
    pub(super) fn regex(&self) -> Option<&Compiled> {
        self.regex.get_or_init(|| Compiled::new(&self.source).ok().map(Box::new)).as_deref()
    }
}

/// Offsets behind a literal that are looked at before its uses.
const BEHIND_BYTES: usize = 2;

/// How a literal places a pattern.
#[derive(Clone, Copy, Debug)]
pub(super) struct LiteralUse {
    pub(super) pattern: u32,
    pub(super) before_min: usize,
    pub(super) before_max: usize,
    /// Whether each match has a key run near the literal.
    pub(super) needs_key_run: bool,
    /// Bytes that can stand between the start of the match and the literal.
    pub(super) between: ByteSet,
    /// Bytes that can stand at each of the first offsets behind the literal, as an index of the set's lists.
    after: u32,
}

/// How far from its start a match depends on the text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach {
    /// Bytes before.
    pub(super) before: usize,
    /// Bytes after.
    pub(super) after: usize,
}

impl DetectorSet {
    /// The built-in detectors.
    ///
    /// # Errors
    /// [`CompileError`] when the build of the product is broken.
    pub fn builtin() -> Result<Self, CompileError> {
        Self::compile(Catalogue::builtin()?)
    }

    /// Compiles a catalogue.
    ///
    /// # Errors
    /// None today; a catalogue has been checked.
    pub fn compile(catalogue: Catalogue) -> Result<Self, CompileError> {
        Ok(Self::compile_for(Isa::detect(), catalogue))
    }

    /// Compiles a catalogue for a given instruction set, to compare them. Matches do not depend on it.
    #[must_use]
    pub fn compile_for(isa: Isa, catalogue: Catalogue) -> Self {
        let detectors = catalogue.into_detectors();
        let mut builder = Builder::default();
        builder.detectors.reserve_exact(detectors.len());
        builder.patterns.reserve_exact(detectors.iter().map(|detector| detector.patterns.len()).sum());
        for detector in detectors {
            builder.add(detector);
        }
        builder.finish(isa)
    }

    /// The detectors, in the order of their ids.
    pub fn detectors(&self) -> impl ExactSizeIterator<Item = &Detector> {
        self.0.detectors.iter().map(|compiled| &compiled.data)
    }

    /// The detector with this index, which must come from this set.
    #[must_use]
    pub fn detector(&self, index: DetectorIndex) -> &Detector {
        &self.compiled(index).data
    }

    /// Hash of the detectors, for reports: equal hashes mean equal results.
    #[must_use]
    pub fn hash(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for detector in self.detectors() {
            // A hasher takes all that is written to it.
            let _ = dlp_detector_format::write_detector(detector, &mut hasher);
        }
        hasher.finalize().to_hex()[..32].to_owned()
    }

    /// Searches a whole text and gives each match, in order of its place.
    pub fn scan(&self, scratch: &mut Scratch, text: &[u8], each: &mut dyn FnMut(Match)) -> ScanEnd {
        StreamScan::whole(self, scratch, text, each)
    }

    /// Starts the search of a text that comes in pieces.
    #[must_use]
    pub fn stream(&self) -> StreamScan {
        self.stream_of(Material::Text)
    }

    /// Starts the search of bytes that come in pieces. In binary data, short shapes prove nothing.
    #[must_use]
    pub fn stream_of(&self, material: Material) -> StreamScan {
        StreamScan::new(self.clone(), material)
    }

    /// Searches the name of a file or member, in which `_` and `/` separate. Names are meant to be short: a few KiB.
    #[must_use]
    pub fn scan_name(&self, scratch: &mut Scratch, name: &[u8]) -> Vec<Match> {
        name::scan(self, scratch, name)
    }

    pub(super) fn compiled(&self, index: DetectorIndex) -> &CompiledDetector {
        &self.0.detectors[index.0 as usize]
    }

    pub(super) fn patterns(&self) -> &[CompiledPattern] {
        &self.0.patterns
    }

    /// The patterns of a detector.
    pub(super) fn patterns_of(&self, index: DetectorIndex) -> Range<usize> {
        self.compiled(index).patterns.clone()
    }

    pub(super) fn isa(&self) -> Isa {
        self.0.isa
    }

    pub(super) fn vocabulary(&self) -> &Vocabulary {
        &self.0.vocabulary
    }

    pub(super) fn literals(&self) -> &Literals {
        &self.0.literals
    }

    pub(super) fn literal_uses(&self, literal: LiteralIndex) -> &[LiteralUse] {
        &self.0.literal_uses[literal as usize]
    }

    /// Whether the text behind a literal that ends at `end` is one that a match of any of its uses can have there.
    #[inline]
    pub(super) fn any_goes_on(&self, literal: LiteralIndex, text: &[u8], end: usize) -> bool {
        goes_on(&self.0.behind[literal as usize], text, end)
    }

    /// Whether the text behind the literal that ends at `end` is one that a match can have there.
    #[inline]
    pub(super) fn goes_on(&self, used: &LiteralUse, text: &[u8], end: usize) -> bool {
        goes_on(&self.0.afters[used.after as usize], text, end)
    }

    /// Bytes behind its start that tell whether a match can start at a place.
    pub(super) fn look_ahead(&self) -> usize {
        self.0.look_ahead
    }

    pub(super) fn starts(&self) -> &Starts {
        &self.0.starts
    }

    pub(super) fn reach(&self) -> Reach {
        self.0.reach
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// Whether bytes of a text are in sets, one by one.
#[inline]
fn goes_on(sets: &[ByteSet], text: &[u8], at: usize) -> bool {
    sets.iter().enumerate().all(|(offset, set)| set.contains(text.get(at + offset).copied().unwrap_or(END)))
}

#[derive(Default)]
struct Builder {
    detectors: Vec<CompiledDetector>,
    patterns: Vec<CompiledPattern>,
    vocabulary: vocabulary::Builder,
    literals: Vec<Literal>,
    literal_of: HashMap<Vec<u8>, usize>,
    literal_uses: Vec<Vec<LiteralUse>>,
    afters: Vec<Vec<ByteSet>>,
    after_of: HashMap<Vec<ByteSet>, u32>,
    starts: super::starts::Builder,
    before_max: usize,
}

impl Builder {
    fn add(&mut self, mut data: Detector) {
        let index = DetectorIndex(self.detectors.len() as u32);
        let first = self.patterns.len();
        let phrases = self.vocabulary.phrases(&data.context);
        let check = data.validator.as_ref().and_then(|v| validators::find(&v.name));
        let dropping = check.filter(|_| evidence::failure(&data) == Failure::Drop);
        for source in &mut data.patterns {
            let number = self.patterns.len() as u32;
            for anchor in &mut source.anchors {
                match anchor {
                    Anchor::Literal { bytes, before_min, before_max, between, after, needs_key_run, window } => {
                        let used = LiteralUse {
                            pattern: number,
                            before_min: *before_min as usize,
                            before_max: *before_max as usize,
                            needs_key_run: *needs_key_run,
                            between: between.unwrap_or_default(),
                            after: self.after(std::mem::take(after)),
                        };
                        self.add_literal(bytes, *window, used);
                    }
                    Anchor::Start { skip_min, skip_max, run_min, digit_within, shape } => {
                        let start = Start {
                            skip: (*skip_min as usize, *skip_max as usize),
                            run_min: *run_min as usize,
                            digit_within: digit_within.map(|within| within as usize),
                            shape: std::mem::take(shape),
                        };
                        let named = Named::of(&data.context, &phrases, source.len_max as usize);
                        self.starts.add((number, data.boundary), &source.window, (&start, named));
                    }
                }
            }
            let begins = source.window.first();
            self.patterns.push(CompiledPattern {
                detector: index,
                starts_with_token: data.boundary != Boundary::None
                    && begins.is_some_and(|bytes| bytes.bytes().all(|byte| byte.is_ascii_alphanumeric())),
                boundary: data.boundary,
                digits_first: source.window.iter().take_while(|set| set.bytes().all(|b| b.is_ascii_digit())).count(),
                window: std::mem::take(&mut source.window),
                len_max: source.len_max as usize,
                chance_bits: source.chance_bits,
                is_wide: source.is_wide,
                demand: source.demand.take(),
                whole_numbers: dropping
                    .map_or_else(WholeNumbers::default, |check| WholeNumbers::new(source.whole_numbers, check)),
                program: source.program.take(),
                source: source.regex.clone(),
                regex: OnceLock::new(),
            });
        }
        self.detectors.push(CompiledDetector { check, phrases, patterns: first..self.patterns.len(), data });
    }

    /// The index of a list of what can stand behind a literal.
    fn after(&mut self, after: Vec<ByteSet>) -> u32 {
        let next = self.afters.len() as u32;
        *self.after_of.entry(after).or_insert_with_key(|after| {
            self.afters.push(after.clone());
            next
        })
    }

    fn add_literal(&mut self, bytes: &[u8], place: Option<WindowPlace>, used: LiteralUse) {
        self.before_max = self.before_max.max(used.before_max);
        let next = self.literals.len();
        let literal = *self.literal_of.entry(bytes.to_vec()).or_insert(next);
        if literal == next {
            self.literals.push(Literal { text: bytes.to_vec(), is_keyed: used.needs_key_run, place });
            self.literal_uses.push(Vec::new());
        }
        self.literals[literal].is_keyed &= used.needs_key_run;
        self.literal_uses[literal].push(used);
    }

    /// The bytes that can stand behind a literal in any of its uses.
    fn behind(&self, uses: &[LiteralUse]) -> [ByteSet; BEHIND_BYTES] {
        std::array::from_fn(|offset| {
            let sets = uses.iter().map(|used| self.afters[used.after as usize].get(offset));
            sets.fold(ByteSet::default(), |mut all, set| {
                all.extend(set.copied().unwrap_or(ByteSet::ALL));
                all
            })
        })
    }

    fn finish(self, isa: Isa) -> DetectorSet {
        let behind = self.literal_uses.iter().map(|uses| self.behind(uses)).collect();
        let literals = Literals::new(self.literals);
        let len_max = self.patterns.iter().map(|pattern| pattern.len_max).max().unwrap_or(0);
        let windows = self.detectors.iter().map(|detector| &detector.data.context);
        let window_max = windows.map(|context| context.before_bytes.max(context.after_bytes)).max().unwrap_or(0);
        let window_max = usize::from(window_max).max(company::WINDOW_BYTES).max(PASSAGE_BYTES);
        let around = window_max + NEIGHBOUR_BYTES.max(LOOK_BYTES) + SURROUNDINGS_BYTES;
        DetectorSet(Arc::new(Inner {
            isa,
            detectors: self.detectors,
            patterns: self.patterns,
            look_ahead: (self.before_max + literals.len_max()).max(RUNS_REACH).max(KEY_REACH),
            starts: self.starts.build(self.vocabulary.len()),
            vocabulary: self.vocabulary.build(),
            literals,
            literal_uses: self.literal_uses,
            behind,
            afters: self.afters,
            reach: Reach { before: around.max(ROW_BYTES_MAX), after: len_max + around },
        }))
    }
}
