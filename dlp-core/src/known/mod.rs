//! Layer 4: what an organisation knows to be its own. Not what looks like a customer's number, but the customers.
//!
//! An index is made once, by those who own the data, and holds keyed hashes alone ([`edm`] of tables, [`fingerprint`] of
//! documents, whose names are encrypted in it). Scans load it with its key; a [`KnownScan`] follows a text beside the detectors' [`StreamScan`](crate::matching::StreamScan), and
//! gives matches of the same kind. Each index has a detector without patterns in the catalogue, so that its findings
//! have an id, a severity and a label as all others do, and policies can name them.

pub mod edm;
mod eight;
mod filter;
pub mod fingerprint;
mod key;
mod sip;
mod store;
mod words;

pub use key::KnownKey;
pub use store::{Entry, IndexError, Source};

use crate::base::{Category, SensitivityLabel, Severity};
use crate::knowledge::{Boundary, Context, Detector, Score};
use crate::matching::{DetectorIndex, DetectorSet, Match};
use std::sync::Arc;

/// What is said of the findings of an index.
struct FindingDetector {
    id: String,
    title: String,
    description: &'static str,
    category: Category,
    severity: Severity,
    label: SensitivityLabel,
}

/// The detector of an index: without patterns and scores, since the index finds and rates.
fn finding_detector(said: FindingDetector) -> Detector {
    Detector {
        id: said.id,
        title: said.title,
        description: said.description.to_owned(),
        remedy: String::new(),
        reference: String::new(),
        category: said.category,
        severity: said.severity,
        label: said.label,
        tags: Vec::new(),
        patterns: Vec::new(),
        boundary: Boundary::default(),
        validator: None,
        context: Context::default(),
        score: Score { pattern: 0, companion: 0, validator: 0, strong: 0, weak: 0, negative: 0, alone: 0 },
        entropy_min: 0.0,
        specimens: Vec::new(),
        companions: Vec::new(),
        reveal_last: 0,
    }
}

/// The indexes of an organisation. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Known {
    records: Arc<[(DetectorIndex, edm::Index)]>,
    documents: Arc<[(DetectorIndex, fingerprint::Index)]>,
}

impl Known {
    /// Indexes whose detectors stand in a set; the others, which the user did not choose, are left out.
    #[must_use]
    pub fn new(set: &DetectorSet, records: Vec<edm::Index>, documents: Vec<fingerprint::Index>) -> Self {
        let place = |id: &str| set.ids().position(|known| known == id).map(|at| DetectorIndex(at as u32));
        let with_records = |index: edm::Index| Some((place(&index.schema().detector_id())?, index));
        let with_documents = |index: fingerprint::Index| Some((place(&index.detector_id())?, index));
        Self {
            records: records.into_iter().filter_map(with_records).collect(),
            documents: documents.into_iter().filter_map(with_documents).collect(),
        }
    }

    /// The detectors of the indexes.
    pub fn detectors(&self) -> impl Iterator<Item = DetectorIndex> {
        let records = self.records.iter().map(|(detector, _)| *detector);
        records.chain(self.documents.iter().map(|(detector, _)| *detector))
    }

    /// Whether values of records are looked for. Then what stands around other findings may hold such values, whether or not
    /// enough of their record stands there to be a finding.
    pub(crate) fn has_records(&self) -> bool {
        !self.records.is_empty()
    }

    /// A text with the values of records in it masked, whatever column they stand in.
    pub(crate) fn without_values(&self, text: &str) -> String {
        let mut is_hidden = vec![false; text.len()];
        for (_, index) in self.records.iter() {
            edm::mark(index, text, &mut is_hidden);
        }
        text.char_indices().map(|(at, c)| if is_hidden[at] { '*' } else { c }).collect()
    }

    /// Whether an index could not be read after it was opened. Then scans since may have found less than there is.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.records.iter().any(|(_, index)| index.has_failed())
            || self.documents.iter().any(|(_, index)| index.has_failed())
    }

    /// Starts to follow a text; `None` when nothing is known.
    #[must_use]
    pub fn scan(&self) -> Option<KnownScan> {
        self.follow(false)
    }

    /// Like [`scan`](Self::scan), and collects where the other cells of found rows stand.
    #[must_use]
    pub fn scan_with_cells(&self) -> Option<KnownScan> {
        self.follow(true)
    }

    fn follow(&self, with_cells: bool) -> Option<KnownScan> {
        let is_empty = self.records.is_empty() && self.documents.is_empty();
        (!is_empty).then(|| KnownScan {
            records: edm::Scan::new(&self.records, with_cells),
            documents: fingerprint::Scan::new(&self.documents),
            known: self.clone(),
        })
    }
}

/// A text that is followed.
#[derive(Debug)]
pub struct KnownScan {
    known: Known,
    records: edm::Scan,
    documents: fingerprint::Scan,
}

impl KnownScan {
    /// Takes the next bytes and gives the matches that are decided by them.
    pub fn push(&mut self, bytes: &[u8], each: &mut dyn FnMut(Match)) {
        if !self.known.records.is_empty() {
            self.records.push(&self.known.records, bytes, each);
        }
        if !self.known.documents.is_empty() {
            self.documents.push(&self.known.documents, bytes);
        }
    }

    /// The cells beside the primary values of rows that were found since the last call, for a scan that collects them.
    pub fn take_cells(&mut self) -> Vec<edm::Cell> {
        self.records.take_cells()
    }

    /// Ends the text and gives the remaining matches.
    pub fn finish(self, each: &mut dyn FnMut(Match)) {
        let _ = self.finish_with_cells(each);
    }

    /// Ends the text, gives the remaining matches, and returns the remaining cells.
    pub fn finish_with_cells(mut self, each: &mut dyn FnMut(Match)) -> Vec<edm::Cell> {
        self.records.finish(&self.known.records, each);
        self.documents.finish(&self.known.documents, each);
        self.records.take_cells()
    }

    /// Offset up to which nothing undecided stands.
    #[must_use]
    pub fn safe_until(&self) -> u64 {
        let records = if self.known.records.is_empty() { u64::MAX } else { self.records.safe_until() };
        records.min(self.documents.safe_until())
    }
}
