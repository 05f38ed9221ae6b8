//! Where the pieces of one upload lie until it ends: one sealed file, one content after the other.

use crate::sealed_file::{SealedFile, SealedReader, SealedWriter};
use crate::spool::{Share, SpoolError, SpoolPlace};
use std::io::{self, Read};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes moved at once.
const COPY_BYTES: usize = 64 * 1024;

/// Why a piece is not kept. What it belongs to cannot be judged as a whole then.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotKept {
    /// The upload is larger than what is kept of one.
    #[error("inspection.transfer_max is reached")]
    Transfer,
    /// There is no room for what is held in all.
    #[error("inspection.spool_total_max is reached")]
    Spool,
    /// The disk.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl NotKept {
    /// The word in reports: the bound that was reached.
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::Transfer => "transfer_max",
            Self::Spool => "spool_total_max",
            Self::Io(_) => "transfer_unreadable",
        }
    }
}

impl From<SpoolError> for NotKept {
    fn from(error: SpoolError) -> Self {
        match error {
            SpoolError::Full => Self::Spool,
            SpoolError::Io(error) => Self::Io(error),
        }
    }
}

/// The pieces of one upload. Nothing is taken out of it: what was sent again lies there twice, and counts twice.
#[derive(Debug)]
pub(crate) struct Store {
    inner: Mutex<Inner>,
    bytes: AtomicU64,
    bytes_max: u64,
}

/// One content in a store, which lives as long: what it takes of the disk is counted until then.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    file: SealedFile,
    pub(super) store: Arc<Store>,
}

impl Kept {
    /// Reads it.
    pub(super) fn reader(&self) -> SealedReader {
        self.file.reader()
    }
}

#[derive(Debug)]
struct Inner {
    file: SealedWriter,
    share: Share,
    /// The file is behind what it should hold, so nothing more goes into it.
    is_broken: bool,
}

impl Store {
    /// An empty one for up to `bytes_max`.
    pub(crate) fn create(place: &Arc<SpoolPlace>, bytes_max: u64) -> io::Result<Arc<Self>> {
        let file = SealedWriter::create(Some(place.dir()))?;
        let inner = Inner { file, share: place.share(), is_broken: false };
        Ok(Arc::new(Self { inner: Mutex::new(inner), bytes: AtomicU64::new(0), bytes_max }))
    }

    /// Appends a piece. Waits for the disk.
    pub(crate) fn append(self: &Arc<Self>, content: &mut dyn Read) -> Result<Kept, NotKept> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.is_broken {
            return Err(NotKept::Transfer);
        }
        let appended = inner.append(content, self.bytes_max);
        inner.is_broken = appended.is_err();
        self.bytes.store(inner.share.bytes(), Ordering::Relaxed);
        Ok(Kept { file: appended?, store: Arc::clone(self) })
    }

    /// Bytes so far.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

impl Inner {
    fn append(&mut self, content: &mut dyn Read, bytes_max: u64) -> Result<SealedFile, NotKept> {
        let mut buffer = vec![0; COPY_BYTES];
        loop {
            let count = match content.read(&mut buffer) {
                Ok(0) => return Ok(self.file.end_content()?),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            if self.share.bytes() + count as u64 > bytes_max {
                return Err(NotKept::Transfer);
            }
            self.share.grow(count)?;
            self.file.push(&buffer[..count])?;
        }
    }
}
