//! Indexes of records and documents that the configuration names, and the detectors with them.
//!
//! Files are opened and authenticated when the gateway starts and at each SIGHUP; look-ups read them where they lie, so
//! an index is exchanged by putting another file in its place (`mv`), never by writing into it.

use crate::config::KnownConfig;
use crate::gateway::StartError;
use dlp_core::knowledge::Catalogue;
use dlp_core::known::{IndexError, Known, KnownKey, Source, edm, fingerprint};
use dlp_core::matching::DetectorSet;
use dlp_governance::files::{self, KeyError};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why what is known cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KnownError {
    /// A file cannot be read.
    #[error("known: cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The key file holds no key.
    #[error("known.key_file: {}: {source}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: KeyError,
    },
    /// An index is none, or of another key.
    #[error("known: {}: {source}", path.display())]
    Index {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: IndexError,
    },
}

/// The built-in detectors with those of the indexes, and the indexes.
pub(crate) fn detectors(config: &KnownConfig) -> Result<(DetectorSet, Known), StartError> {
    let Some(key_file) = &config.key_file else { return Ok((DetectorSet::builtin()?, Known::default())) };
    let key = key(key_file)?;
    let records = indexes(&config.edm, |source| edm::Index::open(source, &key))?;
    let documents = indexes(&config.fingerprints, |source| fingerprint::Index::open(source, &key))?;
    let mut catalogue = Catalogue::builtin()?;
    let of_records = config.edm.iter().zip(records.iter().map(|index| index.schema().detector()));
    let of_documents = config.fingerprints.iter().zip(documents.iter().map(fingerprint::Index::detector));
    for (path, detector) in of_records.chain(of_documents) {
        catalogue.add_detector(&path.display().to_string(), detector)?;
    }
    let set = DetectorSet::compile(catalogue)?;
    let known = Known::new(&set, records, documents);
    Ok((set, known))
}

fn indexes<I>(
    paths: &[PathBuf],
    open: impl Fn(Arc<dyn Source>) -> Result<I, IndexError>,
) -> Result<Vec<I>, KnownError> {
    let index = |path: &PathBuf| {
        let failed = |source| KnownError::Read { path: path.clone(), source };
        let source = File::open(path).and_then(files::index).map_err(failed)?;
        open(source).map_err(|source| KnownError::Index { path: path.clone(), source })
    };
    paths.iter().map(index).collect()
}

fn key(path: &Path) -> Result<KnownKey, KnownError> {
    let wrong = |source| KnownError::Key { path: path.into(), source };
    let file = File::open(path).map_err(|error| wrong(error.into()))?;
    files::read_key(file).map(|key| KnownKey::new(*key)).map_err(wrong)
}
