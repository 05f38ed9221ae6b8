//! Values that stand encoded in a text: in base64 or hexadecimal digits, with percent signs, entities or escapes.
//!
//! The text is looked at in blocks whose ends depend on the text alone, with the end of the block before in front of
//! each. A value that was made character by character is replaced where it stands; of a run of code no part can be
//! exchanged alone, so the run goes as a whole.

use super::{Redaction, Region};
use crate::base::{Cancel, ConfidenceLevel, Limits, Span};
use crate::content::{
    Completeness, Extraction, Finding, Flow, Input, ItemReport, LocatedProblem, MatchingSink, Observer, Reading, Rows,
    cut_run, extract, readings,
};
use crate::known::Known;
use crate::matching::{DetectorIndex, DetectorSet, Match, Scratch};
use std::convert::Infallible;
use std::ops::Range;

/// Bytes of a block, unless a run of code goes on.
const BLOCK_BYTES: usize = 32 * 1024;
/// Longest block: a run that is longer is looked at in parts.
const BLOCK_BYTES_MAX: usize = 1024 * 1024;
/// Bytes in front of a block that have a say in what is found in it.
const BEFORE_BYTES: usize = 1024;

/// Looks at a text in blocks.
#[derive(Default)]
pub(super) struct Encoded {
    /// Offset up to which the text was looked at.
    looked: u64,
    /// The bytes in front of it.
    before: Vec<u8>,
    /// The bytes from it on.
    fresh: Vec<u8>,
    /// The rows of a table of credentials.
    rows: Option<Rows>,
    /// Offset of the first code that could not be looked into completely.
    pub(super) unread_at: Option<u64>,
}

/// What judges.
pub(super) struct Judge<'a> {
    pub(super) set: &'a DetectorSet,
    pub(super) scratch: &'a mut Scratch,
    pub(super) known: &'a Known,
    pub(super) redaction: Redaction,
}

impl Encoded {
    /// Offset up to which the text was looked at.
    pub(super) fn safe_until(&self) -> u64 {
        self.looked
    }

    /// Takes the next bytes, and looks at the blocks that are complete.
    pub(super) fn push(&mut self, judge: &mut Judge<'_>, bytes: &[u8], is_end: bool) -> Vec<Region> {
        self.fresh.extend_from_slice(bytes);
        let mut regions = Vec::new();
        while let Some(len) = block_len(&self.fresh, is_end) {
            let text = [&self.before[..], &self.fresh[..len]].concat();
            let start = self.looked - self.before.len() as u64;
            regions.extend(self.block(judge, &text, start));
            self.rows(judge, &text[text.len() - len..], is_end && len == self.fresh.len(), &mut regions);
            self.looked += len as u64;
            self.fresh.drain(..len);
            self.before = text[text.len().saturating_sub(BEFORE_BYTES)..].to_vec();
        }
        regions
    }

    fn block(&mut self, judge: &mut Judge<'_>, text: &[u8], start: u64) -> Vec<Region> {
        let (readings, is_partial) = readings(text);
        let mut regions = Vec::new();
        if is_partial {
            self.unread_at.get_or_insert(start);
        }
        for reading in &readings {
            if reading.is_file {
                self.file(judge, reading, start, &mut regions);
            } else {
                text_of(judge, reading, start, &mut regions);
            }
        }
        // What leads to no bytes cannot be replaced.
        if let Some(region) = regions.iter().find(|region| region.end <= region.start) {
            self.unread_at.get_or_insert(region.start);
        }
        // What ends before was looked at with the block before.
        regions.retain(|region| region.end > self.looked);
        regions
    }

    /// Rows of tables stand behind the names of their columns; a table begins with the text.
    fn rows(&mut self, judge: &mut Judge<'_>, block: &[u8], is_end: bool, regions: &mut Vec<Region>) {
        let min = judge.redaction.confidence_min;
        let read = self.rows.get_or_insert_with(|| Rows::new(0)).push(block, is_end, &mut |rows| {
            let _ = judge.set.scan(judge.scratch, rows.text(), &mut |found| {
                if found.confidence.level() >= min {
                    let Range { start, end } = rows.origin(found.span.start.0..found.span.end.0);
                    regions.push(Region { start, end, detector: found.detector, decoded: None });
                }
            });
            Ok::<(), Infallible>(())
        });
        read.expect("nothing fails that cannot");
    }

    /// An encoded file goes as a whole when something is found in it.
    fn file(&mut self, judge: &mut Judge<'_>, reading: &Reading, start: u64, regions: &mut Vec<Region>) {
        let (limits, cancel) = (Limits::batch(), Cancel::default());
        let mut sure = Sure { min: judge.redaction.confidence_min, detector: None };
        let mut sink = MatchingSink::new(judge.set, judge.scratch, &limits, &mut sure).with_known(judge.known);
        let extraction = Extraction { limits: &limits, cancel: &cancel, risky: None };
        let outcome = extract("", Input::Bytes(&reading.bytes), extraction, &mut sink);
        let (outcome, _) = sink.finish(outcome);
        let origin = reading.origin(0..reading.bytes.len() as u64);
        if let Some(detector) = sure.detector {
            let (start, end) = (start + origin.start, start + origin.end);
            regions.push(Region { start, end, detector, decoded: Some(reading.bytes.clone()) });
        } else if outcome.completeness > Completeness::Unsupported {
            self.unread_at.get_or_insert(start + origin.start);
        }
    }
}

fn text_of(judge: &mut Judge<'_>, reading: &Reading, start: u64, regions: &mut Vec<Region>) {
    let min = judge.redaction.confidence_min;
    let region = |detector, span: Span, value: &[u8]| {
        let origin = reading.origin(span.start.0..span.end.0);
        Region { start: start + origin.start, end: start + origin.end, detector, decoded: Some(value.to_vec()) }
    };
    let mut each = |found: Match| {
        let found = if reading.is_mended { found.joined() } else { found };
        if found.confidence.level() >= min {
            regions.push(region(found.detector, found.span, found.value.expose()));
        }
    };
    let _ = judge.set.scan(judge.scratch, &reading.bytes, &mut each);
    if let Some(mut known) = judge.known.scan_with_cells() {
        known.push(&reading.bytes, &mut each);
        let mut cells = known.take_cells();
        cells.extend(known.finish_with_cells(&mut each));
        let cells = cells.into_iter().filter(|cell| cell.confidence.level() >= min);
        regions.extend(cells.filter_map(|cell| {
            let value = reading.bytes.get(cell.span.start.0 as usize..cell.span.end.0 as usize)?;
            Some(region(cell.detector, cell.span, value))
        }));
    }
}

/// How much of the text is a block: up to the last line end of so many bytes, and not into a run of code.
fn block_len(fresh: &[u8], is_end: bool) -> Option<usize> {
    let mut size = BLOCK_BYTES;
    loop {
        if fresh.len() < size {
            return (is_end && !fresh.is_empty()).then_some(fresh.len());
        }
        let block = &fresh[..size];
        let lines = memchr::memrchr(b'\n', block).map_or(size, |at| at + 1);
        match cut_run(&block[..lines]) {
            0 if size < BLOCK_BYTES_MAX => size *= 2,
            0 => return Some(size),
            len => return Some(len),
        }
    }
}

/// Keeps the detector of the first finding that is sure enough.
struct Sure {
    min: ConfidenceLevel,
    detector: Option<DetectorIndex>,
}

impl Observer for Sure {
    fn finding(&mut self, finding: Finding) -> Flow {
        if finding.confidence.level() >= self.min {
            self.detector.get_or_insert(finding.detector);
        }
        if self.detector.is_some() { Flow::Stop } else { Flow::Continue }
    }

    fn problem(&mut self, _problem: LocatedProblem) {}

    fn item(&mut self, _item: ItemReport) {}
}
