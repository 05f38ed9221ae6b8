//! From a catalogue to an immutable set that any number of threads search with.

use super::assemble::Builder;
use super::context::Widths;
use super::evidence::{self, Specimen};
use super::found::{DetectorIndex, Match, ScanEnd};
use super::literals::Literals;
use super::material::Material;
use super::name;
use super::scratch::Scratch;
use super::simd::Isa;
use super::starts::Starts;
use super::stream::StreamScan;
use super::uses::Uses;
use super::vocabulary::{Phrases, Vocabulary};
use super::whole_number::WholeNumbers;
use crate::knowledge::pattern::{self, Compiled};
use crate::knowledge::validators::{self, Check, Verdict};
use crate::knowledge::{
    Boundary, ByteSet, Catalogue, CatalogueError, Demand, Detector, Entry, Failure, PACKED, Pattern, Program, Role,
};
use dlp_detector_format::Packed;
use std::ops::{Deref, Range};
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
pub(super) struct Inner {
    pub(super) isa: Isa,
    pub(super) detectors: Vec<CompiledDetector>,
    pub(super) patterns: Vec<CompiledPattern>,
    pub(super) vocabulary: Vocabulary,
    pub(super) literals: Literals,
    pub(super) uses: Uses,
    pub(super) starts: Starts,
    pub(super) look_ahead: usize,
    pub(super) reach: Reach,
}

/// A detector. What its matches are judged by is read when the first of them is: most detectors find nothing.
#[derive(Debug)]
pub(super) struct CompiledDetector {
    entry: Entry,
    pub(super) phrases: Arc<Phrases>,
    /// Where it looks for the strong ones, if it finds nothing without.
    pub(super) demands_within: Option<Widths>,
    /// Its patterns, as a range of the set's.
    patterns: Range<usize>,
    judged_by: OnceLock<Box<JudgedBy>>,
}

/// What the matches of a detector are judged by.
#[derive(Debug)]
pub(super) struct JudgedBy {
    /// The detector; of its patterns the expressions.
    pub(super) data: Detector,
    pub(super) check: Option<&'static Check>,
    /// Whether what fails the check is no finding.
    is_dropped: bool,
    pub(super) specimens: Vec<Specimen>,
}

impl CompiledDetector {
    pub(super) fn new(
        entry: Entry,
        (phrases, demands_within): (Arc<Phrases>, Option<Widths>),
        patterns: Range<usize>,
    ) -> Self {
        Self { entry, phrases, demands_within, patterns, judged_by: OnceLock::new() }
    }

    fn read(&self) -> Box<JudgedBy> {
        let data = self.entry.packed.description(self.entry.number).expect(PACKED);
        Box::new(JudgedBy {
            check: data.validator.as_ref().and_then(|v| validators::find(&v.name)),
            is_dropped: evidence::failure(&data) == Failure::Drop,
            specimens: Specimen::all(&data.specimens),
            data,
        })
    }
}

impl Deref for CompiledDetector {
    type Target = JudgedBy;

    #[inline]
    fn deref(&self) -> &JudgedBy {
        self.judged_by.get_or_init(|| self.read())
    }
}

/// A pattern, which is read when it is first tried: most never are.
#[derive(Debug)]
pub(super) struct CompiledPattern {
    packed: Arc<Packed>,
    /// Its number among those of all detectors there.
    number: u32,
    pub(super) detector: DetectorIndex,
    pub(super) boundary: Boundary,
    read: OnceLock<Box<ReadPattern>>,
}

/// What is asked of a place where a pattern may start.
#[derive(Debug)]
pub(super) struct ReadPattern {
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
    /// What may begin a match that does not begin with a line, if none else does.
    pub(super) unless_line: Option<ByteSet>,
    /// What every match holds, if little text does.
    pub(super) demand: Option<Demand>,
    /// What does as well as the regex, where there is such a thing.
    pub(super) program: Option<Program>,
    /// Whether a match is its value, and ends where letters and digits do.
    pub(super) is_whole_value: bool,
    /// What it accepts of numbers without marks.
    pub(super) whole_numbers: WholeNumbers,
    source: String,
    /// Large, and built for the few that get so far.
    regex: OnceLock<Option<Box<Compiled>>>,
}

impl CompiledPattern {
    pub(super) fn new(packed: Arc<Packed>, number: u32, (detector, boundary): (DetectorIndex, Boundary)) -> Self {
        Self { packed, number, detector, boundary, read: OnceLock::new() }
    }

    #[cold]
    fn read(&self) -> Box<ReadPattern> {
        let Pattern { regex, len_max, window, demand, chance_bits, program, whole_numbers, is_wide, .. } =
            self.packed.pattern(self.number).expect(PACKED);
        let begins = window.first();
        Box::new(ReadPattern {
            starts_with_token: self.boundary != Boundary::None
                && begins.is_some_and(|bytes| bytes.bytes().all(|byte| byte.is_ascii_alphanumeric())),
            digits_first: window.iter().take_while(|set| set.bytes().all(|b| b.is_ascii_digit())).count(),
            window,
            len_max: len_max as usize,
            chance_bits,
            is_wide,
            unless_line: pattern::unless_line(&regex),
            is_whole_value: self.boundary != Boundary::None && !pattern::may_have_value(&regex),
            demand,
            program,
            whole_numbers: WholeNumbers::new(whole_numbers),
            source: regex,
            regex: OnceLock::new(),
        })
    }
}

impl Deref for CompiledPattern {
    type Target = ReadPattern;

    #[inline]
    fn deref(&self) -> &ReadPattern {
        self.read.get_or_init(|| self.read())
    }
}

impl ReadPattern {
    /// The regex. `None` only if the source does not compile, which loading it into a catalogue rules out.
    pub(super) fn regex(&self) -> Option<&Compiled> {
        self.regex.get_or_init(|| Compiled::new(&self.source).ok().map(Box::new)).as_deref()
    }
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
        let entries = catalogue.into_entries();
        let mut builder = Builder::for_detectors(entries.len());
        entries.into_iter().for_each(|entry| builder.add(entry));
        Self(Arc::new(builder.finish(isa)))
    }

    /// The ids of the detectors, in their order.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.detectors.iter().map(|compiled| compiled.entry.id())
    }

    /// What each detector has to do with others.
    pub(crate) fn roles(&self) -> impl Iterator<Item = Role<'_>> {
        self.0.detectors.iter().map(|compiled| compiled.entry.packed.role(compiled.entry.number).expect(PACKED))
    }

    /// The detectors in the order of their ids; of their patterns they have the expressions, not what is derived. Where the
    /// id is enough, [`ids`](Self::ids) costs less.
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
        for CompiledDetector { entry, .. } in &self.0.detectors {
            // Each part with its length, so that none is taken for another.
            let mut add = |part: &[u8]| {
                hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
            };
            entry.packed.each_part(entry.number, &mut add).expect(PACKED);
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

    /// Whether a number that is a token by itself is none that a pattern finds, since it fails the check.
    #[inline]
    pub(super) fn refuses(&self, pattern: u32, number: &[u8]) -> bool {
        let pattern = &self.patterns()[pattern as usize];
        if !pattern.whole_numbers.tells(number.len()) {
            return false;
        }
        let detector = self.compiled(pattern.detector);
        detector.is_dropped && detector.check.is_some_and(|check| (check.verdict)(number) == Verdict::Invalid)
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

    pub(super) fn uses(&self) -> &Uses {
        &self.0.uses
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
