//! Indexes of records and documents that the configuration names, and the detectors with them.
//!
//! Files are opened and authenticated when the gateway starts and at each SIGHUP; look-ups read them where they lie, so
//! an index is exchanged by putting another file in its place (`mv`), never by writing into it.

use crate::config::KnownConfig;
use crate::gateway::StartError;
use crate::secret_file;
use dlp_core::knowledge::Catalogue;
use dlp_core::known::{IndexError, Known, KnownKey, Source, edm, fingerprint};
use dlp_core::matching::DetectorSet;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes of a key.
const KEY_LEN: usize = 32;
/// Longest key file: hexadecimal digits and a line end.
const KEY_FILE_BYTES_MAX: u64 = 2 * KEY_LEN as u64 + 2;

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
    #[error("known.key_file: {}: {message}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// Expected and got.
        message: &'static str,
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
        let file = File::open(path).map_err(failed)?;
        let len_bytes = file.metadata().map_err(failed)?.len();
        let source = Arc::new(IndexFile { file, len_bytes });
        open(source).map_err(|source| KnownError::Index { path: path.clone(), source })
    };
    paths.iter().map(index).collect()
}

/// 32 bytes, or as many in hexadecimal digits, that nobody else may read.
fn key(path: &Path) -> Result<KnownKey, KnownError> {
    let failed = |source| KnownError::Read { path: path.into(), source };
    let wrong = |message| KnownError::Key { path: path.into(), message };
    let file = File::open(path).map_err(failed)?;
    if secret_file::shared_mode(&file.metadata().map_err(failed)?).is_some() {
        return Err(wrong("others may read this key; take it from them with `chmod 600`"));
    }
    let mut bytes = Vec::new();
    file.take(KEY_FILE_BYTES_MAX).read_to_end(&mut bytes).map_err(failed)?;
    let digits = || data_encoding::HEXLOWER_PERMISSIVE.decode(bytes.trim_ascii_end()).ok();
    let whole = <[u8; KEY_LEN]>::try_from(&bytes[..]).ok();
    let key = whole.or_else(|| digits().and_then(|key| key.try_into().ok()));
    key.map(KnownKey::new).ok_or_else(|| wrong("expected 32 bytes or 64 hexadecimal digits"))
}

/// A file that is read at any place by any thread.
struct IndexFile {
    file: File,
    len_bytes: u64,
}

impl Source for IndexFile {
    fn len_bytes(&self) -> u64 {
        self.len_bytes
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(into, at)
    }
}
