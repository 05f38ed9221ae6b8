//! Redaction: a text goes in, the same text comes out with what detectors found in it replaced.
//!
//! [`Redactor`] works on a stream. It hands bytes on once nothing undecided can stand in them, so it holds what the
//! engine holds and a block of text. Only UTF-8 text is taken, because what is found must be replaced where it stands;
//! JSON and CSV keep their structure, a number of JSON that is replaced becomes a string. [`Restorer`] puts values back
//! that were replaced by tokens, for those who have the key.
//!
//! | method | a value becomes | can be restored |
//! |---|---|---|
//! | mask | as many stars | no |
//! | token | the value, encrypted deterministically: equal values give equal tokens | with the key |
//! | hash | a keyed hash: equal values give equal hashes | no |
//! | format | other letters and digits in the same layout that no detector takes for genuine | no |
//!
//! Equal values get equal tokens and hashes, however they are spelled: a token gives the normal spelling back, which
//! for numbers is the one without separators. What stands encoded in the text, like a number in base64, is replaced
//! with the code around it as far as needed, and a token gives that back as it was.
//!
//! The format is kept by drawing, not by an encryption of formats: a result that no detector takes for genuine leaves
//! no room for every value to have one of its own, so there is nothing to go back by.

mod encoded;
mod json;
mod key;
mod method;
mod restore;
mod spelling;
mod structure;
mod token;
mod utf8;

pub use key::RedactKey;
pub use restore::{Restored, Restorer};

use crate::base::ConfidenceLevel;
use crate::knowledge::MATCH_LEN_MAX;
use crate::known::edm::Cell;
use crate::known::{Known, KnownScan};
use crate::matching::{DetectorIndex, DetectorSet, Match, Scratch, StreamScan};
use encoded::{Encoded, Judge};
use method::Draw;
use std::collections::BTreeMap;
use std::ops::Range;
use structure::{Lexer, Piece};
use thiserror::Error;

/// What becomes of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Stars.
    Mask,
    /// A token that the key turns back into the value.
    Token,
    /// A keyed hash.
    Hash,
    /// Other letters and digits in the same layout.
    Format,
}

/// What the text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextFormat {
    /// Plain text, logs, source.
    Text,
    /// One JSON document or one on each line: strings stay strings, numbers become strings.
    Json,
    /// Rows of fields: separators, quotes and line ends stay.
    Csv,
}

/// What is replaced, by what, in what.
#[derive(Clone, Copy, Debug)]
pub struct Redaction {
    /// What becomes of a value.
    pub method: Method,
    /// What the text is.
    pub format: TextFormat,
    /// Least confidence of a finding that is replaced.
    pub confidence_min: ConfidenceLevel,
}

/// Why a text cannot be redacted.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum RedactError {
    /// What cannot be read as text cannot be replaced in place.
    #[error("expected UTF-8 text, found other bytes at offset {at}")]
    NotUtf8 {
        /// Offset of the first such byte.
        at: u64,
    },
}

/// What was replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Redacted {
    /// Values by detector.
    pub values: BTreeMap<DetectorIndex, u64>,
    /// Values that were masked, because their layout could not be kept, they are too long for a token, or what would
    /// stand for them is taken for a value itself.
    pub masked_instead: u64,
    /// Values that stood encoded in the text.
    pub encoded: u64,
    /// Offset of the first code in the text that could not be looked into completely, and stayed.
    pub unread_at: Option<u64>,
    /// Passages of known documents whose start had been handed on before the document was recognised.
    pub late: u64,
    /// Offset from which on a text that was said to be JSON is none, and was taken as text.
    pub broken_at: Option<u64>,
    /// Findings that were left because their confidence is lower than demanded.
    pub left: u64,
    /// Detectors that were not tried everywhere: the result may hold more of what they look for.
    pub degraded: Vec<DetectorIndex>,
}

/// A span to be replaced.
#[derive(Clone)]
struct Region {
    start: u64,
    end: u64,
    detector: DetectorIndex,
    /// The value, when it stands encoded there.
    decoded: Option<Vec<u8>>,
}

/// Replaces what is found in a stream of text.
pub struct Redactor<'a> {
    set: &'a DetectorSet,
    scratch: &'a mut Scratch,
    redaction: Redaction,
    key: &'a RedactKey,
    scan: StreamScan,
    known: Known,
    known_scan: Option<KnownScan>,
    encoded: Encoded,
    encoding: utf8::Check,
    /// Original bytes that were not handed on yet, from `base` on.
    held: Vec<u8>,
    base: u64,
    /// Decided and not yet replaced, by their start.
    regions: Vec<Region>,
    lexer: Lexer,
    draw: Draw,
    redacted: Redacted,
}

impl<'a> Redactor<'a> {
    /// A redactor at the start of a text.
    pub fn new(set: &'a DetectorSet, scratch: &'a mut Scratch, redaction: Redaction, key: &'a RedactKey) -> Self {
        Self {
            set,
            scratch,
            redaction,
            key,
            scan: set.stream(),
            known: Known::default(),
            known_scan: None,
            encoded: Encoded::default(),
            encoding: utf8::Check::default(),
            held: Vec::new(),
            base: 0,
            regions: Vec::new(),
            lexer: Lexer::new(redaction.format),
            draw: Draw::default(),
            redacted: Redacted::default(),
        }
    }

    /// Replaces what the organisation knows to be its own too; its detectors must stand in the set.
    #[must_use]
    pub fn with_known(self, known: &Known) -> Self {
        Self { known: known.clone(), known_scan: known.scan_with_cells(), ..self }
    }

    /// Takes the next bytes, and appends to `out` what is decided.
    ///
    /// # Errors
    /// [`RedactError::NotUtf8`]; what was appended so far is redacted, the rest is not there.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), RedactError> {
        self.encoding.push(bytes)?;
        self.held.extend_from_slice(bytes);
        let mut found = Vec::new();
        self.scan.push(self.scratch, bytes, &mut |m| found.push(m));
        let mut safe = self.scan.safe_until();
        if let Some(known) = &mut self.known_scan {
            known.push(bytes, &mut |m| found.push(m));
            safe = safe.min(known.safe_until());
            let cells = known.take_cells();
            self.take_cells(&cells);
        }
        self.take(&found);
        self.look(bytes, false);
        self.emit(safe.min(self.encoded.safe_until()), out);
        Ok(())
    }

    /// Ends the text.
    ///
    /// # Errors
    /// [`RedactError::NotUtf8`] when it ends inside of a character.
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<Redacted, RedactError> {
        self.encoding.finish()?;
        let mut found = Vec::new();
        let scan = std::mem::replace(&mut self.scan, self.set.stream());
        let end = scan.finish(self.scratch, &mut |m| found.push(m));
        if let Some(known) = self.known_scan.take() {
            let cells = known.finish_with_cells(&mut |m| found.push(m));
            self.take_cells(&cells);
        }
        self.take(&found);
        self.look(&[], true);
        self.emit(u64::MAX, out);
        self.redacted.degraded = end.degraded;
        if self.known.has_failed() {
            self.redacted.degraded.extend(self.known.detectors());
        }
        self.redacted.unread_at = self.encoded.unread_at;
        self.redacted.broken_at = self.lexer.finish();
        Ok(self.redacted)
    }

    /// Looks for what stands encoded.
    fn look(&mut self, bytes: &[u8], is_end: bool) {
        let (set, redaction) = (self.set, self.redaction);
        let mut judge = Judge { set, scratch: &mut *self.scratch, known: &self.known, redaction };
        let regions = self.encoded.push(&mut judge, bytes, is_end);
        self.add(regions);
    }

    fn take(&mut self, found: &[Match]) {
        let is_replaced = |m: &&Match| m.confidence.level() >= self.redaction.confidence_min;
        let replaced: Vec<&Match> = found.iter().filter(is_replaced).collect();
        self.redacted.left += (found.len() - replaced.len()) as u64;
        let region =
            |m: &Match| Region { start: m.span.start.0, end: m.span.end.0, detector: m.detector, decoded: None };
        let regions = replaced.into_iter().map(region).collect();
        self.add(regions);
    }

    /// Takes the other cells of rows that were found: a customer's name goes with the number.
    fn take_cells(&mut self, cells: &[Cell]) {
        let replaced = cells.iter().filter(|cell| cell.confidence.level() >= self.redaction.confidence_min);
        let region = |cell: &Cell| Region {
            start: cell.span.start.0,
            end: cell.span.end.0,
            detector: cell.detector,
            decoded: None,
        };
        self.add(replaced.map(region).collect());
    }

    /// Keeps regions in their order: of those that start together, the longest first, and the plain before the encoded.
    fn add(&mut self, regions: Vec<Region>) {
        self.regions.extend(regions);
        self.regions.sort_by_key(|region| (region.start, u64::MAX - region.end, region.decoded.is_some()));
    }

    /// Hands on everything before `safe`, and the whole of a value that starts there.
    fn emit(&mut self, safe: u64, out: &mut Vec<u8>) {
        let regions = std::mem::take(&mut self.regions);
        let (now, later) = regions.split_at(regions.partition_point(|region| region.start < safe));
        let mut at = self.base;
        for region in now {
            // Values can overlap; what the one before has replaced is gone already.
            let start = region.start.max(at);
            if region.end <= start {
                continue;
            }
            self.redacted.late += u64::from(region.start < self.base);
            self.copy(at..start, out);
            self.replace(&Region { start, ..region.clone() }, out);
            at = region.end;
        }
        let until = safe.min(self.base + self.held.len() as u64).max(at);
        self.copy(at..until, out);
        self.regions = later.to_vec();
        self.held.drain(..(until - self.base) as usize);
        self.base = until;
    }

    fn copy(&mut self, span: Range<u64>, out: &mut Vec<u8>) {
        let bytes = &self.held[(span.start - self.base) as usize..(span.end - self.base) as usize];
        self.lexer.pass(bytes);
        self.draw.remember(bytes);
        out.extend_from_slice(bytes);
    }

    fn replace(&mut self, region: &Region, out: &mut Vec<u8>) {
        let span = (region.start - self.base) as usize..(region.end - self.base) as usize;
        let value = self.held[span.clone()].to_vec();
        *self.redacted.values.entry(region.detector).or_default() += 1;
        self.redacted.encoded += u64::from(region.decoded.is_some());
        for piece in self.lexer.pieces(&value) {
            let from = out.len();
            match piece {
                Piece::Kept(range) => out.extend_from_slice(&value[range]),
                Piece::Value { range, is_number } => {
                    let behind = span.start + range.end..self.held.len();
                    let text = match &region.decoded {
                        Some(decoded) => self.replacement_of_code(&value[range], (region.detector, decoded), behind),
                        None => self.replacement(&value[range], (region.detector, is_number), behind),
                    };
                    out.extend_from_slice(&text);
                }
            }
            let written = out[from..].to_vec();
            self.draw.remember(&written);
        }
    }

    /// What stands for one value. `behind`: where the held text goes on.
    fn replacement(&mut self, value: &[u8], about: (DetectorIndex, bool), behind: Range<usize>) -> Vec<u8> {
        let (index, is_number) = about;
        let (set, key) = (self.set, self.key);
        let detector = set.detector(index);
        let id = &detector.id;
        let quoted = |text: Vec<u8>| if is_number { [b"\"", &text[..], b"\""].concat() } else { text };
        let replacement = match self.redaction.method {
            Method::Mask => return quoted(method::mask(value)),
            Method::Hash => {
                let spellings = token::hash(key, id, &spelling::compared(detector, value)).map(quoted);
                self.unfound(spellings, behind)
            }
            Method::Token if value.len() > MATCH_LEN_MAX => None,
            Method::Token => {
                let spellings = token::seal(key, id, &spelling::normal(detector, value), is_number).map(quoted);
                self.unfound(spellings, behind)
            }
            Method::Format => {
                let around = method::Around { set, behind: &self.held[behind], min: self.redaction.confidence_min };
                self.draw.layout(self.scratch, key, around, value)
            }
        };
        replacement.unwrap_or_else(|| {
            self.redacted.masked_instead += 1;
            quoted(method::mask(value))
        })
    }

    /// The first spelling in which nothing is found again: a name before it may say that a key follows.
    fn unfound(&mut self, mut spellings: impl Iterator<Item = Vec<u8>>, behind: Range<usize>) -> Option<Vec<u8>> {
        let around = method::Around { set: self.set, behind: &self.held[behind], min: self.redaction.confidence_min };
        spellings.find(|spelling| self.draw.is_free(self.scratch, around, spelling))
    }

    /// What stands for code that holds a value: a hash is that of the value, a token gives the code back as it was.
    fn replacement_of_code(
        &mut self,
        code: &[u8],
        (index, decoded): (DetectorIndex, &[u8]),
        behind: Range<usize>,
    ) -> Vec<u8> {
        let (key, detector) = (self.key, self.set.detector(index));
        let replacement = match self.redaction.method {
            Method::Mask => return method::mask(code),
            Method::Hash => {
                let spellings = token::hash(key, &detector.id, &spelling::compared(detector, decoded));
                self.unfound(spellings, behind)
            }
            Method::Token if code.len() <= MATCH_LEN_MAX => {
                self.unfound(token::seal(key, &detector.id, code, false), behind)
            }
            Method::Token | Method::Format => None,
        };
        replacement.unwrap_or_else(|| {
            self.redacted.masked_instead += 1;
            method::mask(code)
        })
    }
}

#[cfg(test)]
mod tests;
