//! From a catalogue to an immutable set that any number of threads search with.

use super::boundary::LOOK_BYTES;
use super::company;
use super::context::{NEIGHBOUR_BYTES, Phrases};
use super::found::{DetectorIndex, Match};
use super::material::{Material, PASSAGE_BYTES};
use super::report::SURROUNDINGS_BYTES;
use super::scratch::Scratch;
use super::starts::Starts;
use super::stream::StreamScan;
use crate::knowledge::validators::{self, Check};
use crate::knowledge::{Anchor, Boundary, Catalogue, CatalogueError, Detector, pattern};
use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use regex_automata::meta::Regex;
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
    /// The table of literals cannot be built: there are too many.
    #[error("the literals of all detectors do not fit one table: {0}")]
    Literals(#[from] aho_corasick::BuildError),
}

/// A compiled, immutable set of detectors. Clones share it.
#[derive(Clone, Debug)]
pub struct DetectorSet(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    detectors: Vec<CompiledDetector>,
    patterns: Vec<CompiledPattern>,
    literals: AhoCorasick,
    literal_uses: Vec<Vec<LiteralUse>>,
    starts: Starts,
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
    pub(super) len_max: usize,
    /// How unlikely a match is in random bytes: one in `2^chance_bits` places.
    pub(super) chance_bits: u8,
    source: String,
    regex: OnceLock<Option<Regex>>,
}

impl CompiledPattern {
    /// The regex. `None` only if the source does not compile, which loading it into a catalogue rules out.
    pub(super) fn regex(&self) -> Option<&Regex> {
        self.regex.get_or_init(|| pattern::compile(&self.source).ok()).as_ref()
    }
}

/// How a literal places a pattern.
#[derive(Clone, Copy, Debug)]
pub(super) struct LiteralUse {
    pub(super) pattern: u32,
    pub(super) boundary: Boundary,
    pub(super) before_min: usize,
    pub(super) before_max: usize,
}

/// How far from its start a match depends on the text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach {
    /// Bytes before.
    pub(super) before: usize,
    /// Bytes after.
    pub(super) after: usize,
}

/// Literals up to which the faster, larger table is used: it takes some tens of kilobytes for each.
const FAST_TABLE_LITERALS_MAX: usize = 4_000;

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
    /// [`CompileError::Literals`] when the detectors have more literals than a table holds.
    pub fn compile(catalogue: Catalogue) -> Result<Self, CompileError> {
        let mut builder = Builder::default();
        for detector in catalogue.into_detectors() {
            builder.add(detector);
        }
        builder.finish()
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
        let detectors: Vec<_> = self.detectors().cloned().collect();
        let packed = dlp_detector_format::pack(&detectors).unwrap_or_default();
        blake3::hash(&packed).to_hex()[..32].to_owned()
    }

    /// Searches a whole text and gives each match, in order of its place.
    pub fn scan(&self, scratch: &mut Scratch, text: &[u8], each: &mut dyn FnMut(Match)) {
        StreamScan::whole(self, scratch, text, each);
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

    pub(super) fn literals(&self) -> &AhoCorasick {
        &self.0.literals
    }

    pub(super) fn literal_uses(&self, literal: usize) -> &[LiteralUse] {
        &self.0.literal_uses[literal]
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

#[derive(Default)]
struct Builder {
    detectors: Vec<CompiledDetector>,
    patterns: Vec<CompiledPattern>,
    literals: Vec<Vec<u8>>,
    literal_uses: Vec<Vec<LiteralUse>>,
    starts: super::starts::Builder,
}

impl Builder {
    fn add(&mut self, data: Detector) {
        let index = DetectorIndex(self.detectors.len() as u32);
        let first = self.patterns.len();
        for source in &data.patterns {
            let number = self.patterns.len() as u32;
            for anchor in &source.anchors {
                self.add_anchor((number, data.boundary), anchor);
            }
            self.patterns.push(CompiledPattern {
                detector: index,
                len_max: source.len_max as usize,
                chance_bits: source.chance_bits,
                source: source.regex.clone(),
                regex: OnceLock::new(),
            });
        }
        self.detectors.push(CompiledDetector {
            check: data.validator.as_ref().and_then(|v| validators::find(&v.name)),
            phrases: Phrases::new(&data.context),
            patterns: first..self.patterns.len(),
            data,
        });
    }

    fn add_anchor(&mut self, (pattern, boundary): (u32, Boundary), anchor: &Anchor) {
        match anchor {
            Anchor::Literal { bytes, before_min, before_max } => {
                let literal = self.literals.iter().position(|known| known == bytes).unwrap_or_else(|| {
                    self.literals.push(bytes.clone());
                    self.literal_uses.push(Vec::new());
                    self.literals.len() - 1
                });
                self.literal_uses[literal].push(LiteralUse {
                    pattern,
                    boundary,
                    before_min: *before_min as usize,
                    before_max: *before_max as usize,
                });
            }
            Anchor::Start { window, digit_within } => self.starts.add(pattern, window, *digit_within),
        }
    }

    fn finish(self) -> Result<DetectorSet, CompileError> {
        let kind = (self.literals.len() <= FAST_TABLE_LITERALS_MAX).then_some(AhoCorasickKind::DFA);
        let literals = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .kind(kind)
            .build(&self.literals)?;
        let len_max = self.patterns.iter().map(|pattern| pattern.len_max).max().unwrap_or(0);
        let windows = self.detectors.iter().map(|detector| &detector.data.context);
        let window_max = windows.map(|context| context.before_bytes.max(context.after_bytes)).max().unwrap_or(0);
        let window_max = usize::from(window_max).max(company::WINDOW_BYTES).max(PASSAGE_BYTES);
        let around = window_max + NEIGHBOUR_BYTES.max(LOOK_BYTES) + SURROUNDINGS_BYTES;
        Ok(DetectorSet(Arc::new(Inner {
            detectors: self.detectors,
            patterns: self.patterns,
            literals,
            literal_uses: self.literal_uses,
            starts: self.starts.build(),
            reach: Reach { before: around, after: len_max + around },
        })))
    }
}
