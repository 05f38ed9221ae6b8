//! Holds a body until the decision: small ones in memory, the rest in a sealed file.
//!
//! All held bodies together have a bound, so that many large uploads at once fill neither memory nor disk: the one
//! that would exceed it is refused, and what was held for it is given back.

use crate::sealed_file::{SealedFile, SealedReader, SealedWriter};
use bytes::Bytes;
use prometheus_client::metrics::gauge::Gauge;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Why a body could not be held.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SpoolError {
    /// All held bodies together reach the bound.
    #[error("inspection.spool_total_max is reached")]
    Full,
    /// The disk.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Where bodies are held, and how much of them.
#[derive(Debug)]
pub(crate) struct SpoolPlace {
    dir: PathBuf,
    ram_max: usize,
    total_max: u64,
    used: AtomicU64,
    shown: Gauge,
}

/// Bytes that one body takes of the total, given back when dropped.
#[derive(Debug)]
struct Share {
    place: Arc<SpoolPlace>,
    bytes: u64,
}

/// Takes a body while it arrives.
#[derive(Debug)]
pub(crate) struct Spool {
    share: Share,
    memory: Vec<u8>,
    file: Option<SealedWriter>,
}

/// A held body. Clones read the same bytes, each at its own position.
#[derive(Clone, Debug)]
pub(crate) struct Spooled {
    reader: Reader,
    share: Arc<Share>,
}

#[derive(Clone, Debug)]
enum Reader {
    Memory(io::Cursor<Bytes>),
    File(SealedReader, SealedFile),
}

/// Where a held body lies, for whoever sends it.
#[derive(Debug)]
pub(crate) enum Stored {
    /// In memory.
    Memory(Bytes),
    /// In a file.
    File(SealedFile),
}

impl SpoolPlace {
    /// Files go to `dir`, from `ram_max` bytes of a body on; `shown` tells how much is held.
    pub(crate) fn new(dir: &Path, ram_max: u64, total_max: u64, shown: Gauge) -> Arc<Self> {
        let ram_max = usize::try_from(ram_max).unwrap_or(usize::MAX);
        Arc::new(Self { dir: dir.into(), ram_max, total_max, used: AtomicU64::new(0), shown })
    }

    /// An empty spool.
    pub(crate) fn spool(self: &Arc<Self>) -> Spool {
        Spool { share: Share { place: self.clone(), bytes: 0 }, memory: Vec::new(), file: None }
    }
}

impl Share {
    fn grow(&mut self, bytes: usize) -> Result<(), SpoolError> {
        let (place, bytes) = (&self.place, bytes as u64);
        let add = |used: u64| used.checked_add(bytes).filter(|sum| *sum <= place.total_max);
        place.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).map_err(|_| SpoolError::Full)?;
        self.bytes += bytes;
        place.shown.inc_by(i64::try_from(bytes).unwrap_or(i64::MAX));
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.place.used.fetch_sub(self.bytes, Ordering::Relaxed);
        self.place.shown.dec_by(i64::try_from(self.bytes).unwrap_or(i64::MAX));
    }
}

impl Spool {
    /// Bytes so far.
    pub(crate) fn len(&self) -> u64 {
        self.share.bytes
    }

    /// Appends.
    pub(crate) async fn push(&mut self, bytes: Bytes) -> Result<(), SpoolError> {
        self.share.grow(bytes.len())?;
        match &mut self.file {
            None if self.memory.len() + bytes.len() <= self.share.place.ram_max => {
                self.memory.extend_from_slice(&bytes)
            }
            Some(file) if file.has_room(bytes.len()) => file.push(&bytes)?,
            _ => self.write(bytes).await?,
        }
        Ok(())
    }

    /// Appends to the file, which begins with what was in memory.
    async fn write(&mut self, bytes: Bytes) -> io::Result<()> {
        let (file, memory) = (self.file.take(), std::mem::take(&mut self.memory));
        let place = self.share.place.clone();
        let writing = move || {
            let mut file = file.map_or_else(|| SealedWriter::create(Some(&place.dir)), Ok)?;
            file.push(&memory)?;
            file.push(&bytes)?;
            Ok::<_, io::Error>(file)
        };
        self.file = Some(tokio::task::spawn_blocking(writing).await??);
        Ok(())
    }

    /// Ends the body.
    pub(crate) async fn finish(self) -> io::Result<Spooled> {
        let reader = match self.file {
            None => Reader::Memory(io::Cursor::new(self.memory.into())),
            Some(file) => {
                let file = tokio::task::spawn_blocking(move || file.finish()).await??;
                Reader::File(file.reader(), file)
            }
        };
        Ok(Spooled { reader, share: Arc::new(self.share) })
    }
}

impl Spooled {
    /// Length in bytes.
    pub(crate) fn len(&self) -> u64 {
        self.share.bytes
    }

    /// Where the body lies. It is there as long as this or a clone lives.
    pub(crate) fn stored(&self) -> Stored {
        match &self.reader {
            Reader::Memory(bytes) => Stored::Memory(bytes.get_ref().clone()),
            Reader::File(_, file) => Stored::File(file.clone()),
        }
    }
}

impl Read for Spooled {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.reader {
            Reader::Memory(bytes) => bytes.read(buffer),
            Reader::File(reader, _) => reader.read(buffer),
        }
    }
}

impl Seek for Spooled {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match &mut self.reader {
            Reader::Memory(bytes) => bytes.seek(to),
            Reader::File(reader, _) => reader.seek(to),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn check(body: &[u8], piece: usize, ram_max: u64) {
        let dir = tempfile::tempdir().unwrap();
        let place = SpoolPlace::new(dir.path(), ram_max, u64::MAX, Gauge::default());
        let mut spool = place.spool();
        for part in body.chunks(piece) {
            spool.push(Bytes::copy_from_slice(part)).await.unwrap();
        }
        let mut spooled = spool.finish().await.unwrap();
        assert_eq!(spooled.len(), body.len() as u64);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "the file has no name");
        let mut all = Vec::new();
        spooled.clone().read_to_end(&mut all).unwrap();
        assert!(all == body);
        spooled.seek(SeekFrom::End(-3)).unwrap();
        let mut tail = Vec::new();
        spooled.read_to_end(&mut tail).unwrap();
        assert_eq!(tail, body[body.len() - 3..]);
        assert!(spooled.seek(SeekFrom::End(-(body.len() as i64) - 1)).is_err());
    }

    #[tokio::test]
    async fn bodies_come_back_as_they_went_in() {
        let body: Vec<u8> = (0..300_000u32).map(|i| (i % 251) as u8).collect();
        check(&body, 7_000, 1 << 20).await;
        check(&body, 7_000, 100_000).await;
        check(&body, 300_000, 1).await;
        check(&body[..10], 3, 10).await;
        check(&body[..10], 3, 9).await;
    }

    #[tokio::test]
    async fn all_bodies_together_have_a_bound() {
        let dir = tempfile::tempdir().unwrap();
        let place = SpoolPlace::new(dir.path(), 4, 10, Gauge::default());
        let (mut first, mut second) = (place.spool(), place.spool());
        let six = || Bytes::from_static(b"123456");
        first.push(six()).await.unwrap();
        assert!(matches!(second.push(six()).await, Err(SpoolError::Full)));
        second.push(Bytes::from_static(b"1234")).await.unwrap();
        assert_eq!(place.shown.get(), 10);
        let held = first.finish().await.unwrap();
        let copy = held.clone();
        drop(held);
        assert_eq!(place.shown.get(), 10, "a clone still holds it");
        drop((copy, second));
        assert_eq!((place.shown.get(), place.used.load(Ordering::Relaxed)), (0, 0));
        place.spool().push(Bytes::from_static(b"0123456789")).await.unwrap();
    }
}
