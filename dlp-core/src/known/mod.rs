//! Layer 4: what an organisation knows to be its own. Not what looks like a customer's number, but the customers.
//!
//! An index is made once, by those who own the data, and holds keyed hashes alone ([`edm`]). Scans and gateways load it
//! with its key; a [`KnownScan`] follows a text beside the detectors' [`StreamScan`](crate::matching::StreamScan), and
//! gives matches of the same kind. Each index has a detector without patterns in the catalogue, so that its findings
//! have an id, a severity and a label as all others do, and policies can name them.

pub mod edm;
mod key;
mod words;

pub use key::KnownKey;

use crate::matching::{DetectorIndex, DetectorSet, Match};
use std::sync::Arc;

/// The indexes of an organisation. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Known {
    records: Arc<[(DetectorIndex, edm::Index)]>,
}

impl Known {
    /// Indexes whose detectors stand in a set; the others, which the user did not choose, are left out.
    #[must_use]
    pub fn new(set: &DetectorSet, indexes: Vec<edm::Index>) -> Self {
        let place = |id: &str| set.detectors().position(|detector| detector.id == id);
        let records = indexes.into_iter().filter_map(|index| {
            let at = place(&index.schema().detector_id())?;
            Some((DetectorIndex(at as u32), index))
        });
        Self { records: records.collect() }
    }

    /// Starts to follow a text; `None` when nothing is known.
    #[must_use]
    pub fn scan(&self) -> Option<KnownScan> {
        (!self.records.is_empty()).then(|| KnownScan { known: self.clone(), scan: edm::Scan::new(&self.records) })
    }
}

/// A text that is followed.
#[derive(Debug)]
pub struct KnownScan {
    known: Known,
    scan: edm::Scan,
}

impl KnownScan {
    /// Takes the next bytes and gives the matches that are decided by them.
    pub fn push(&mut self, bytes: &[u8], each: &mut dyn FnMut(Match)) {
        self.scan.push(&self.known.records, bytes, each);
    }

    /// Ends the text and gives the remaining matches.
    pub fn finish(mut self, each: &mut dyn FnMut(Match)) {
        self.scan.finish(&self.known.records, each);
    }

    /// Offset up to which nothing undecided stands.
    #[must_use]
    pub fn safe_until(&self) -> u64 {
        self.scan.safe_until()
    }
}
