//! Holds a body until the decision: small ones in memory, the rest in a sealed file.
//!
//! A file is written in batches by threads that may wait for the disk, one batch while the next one arrives. When many
//! bodies are held at once, less of each stays in memory.
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
use tokio::task::JoinHandle;

/// Bytes that go to a file at a time.
const BATCH_BYTES: usize = 256 * 1024;
/// Bytes that mostly arrive at a time.
const PIECE_BYTES: usize = 16 * 1024;
/// Bytes of all bodies in memory, from which on those that arrive keep only [`SMALL_BYTES`] there.
const RAM_TOTAL_BYTES: u64 = 128 * 1024 * 1024;
/// Bytes of a body that stay in memory in any case: as much as a file would have in its buffers.
const SMALL_BYTES: usize = 64 * 1024;

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
    in_ram: AtomicU64,
    shown: Gauge,
}

/// Bytes that one body takes of the total, and of the memory, given back when dropped.
#[derive(Debug)]
pub(crate) struct Share {
    place: Arc<SpoolPlace>,
    bytes: u64,
    in_ram: u64,
}

/// Memory that reading a body ahead takes, given back when dropped.
#[derive(Debug)]
pub(crate) struct ReadAhead {
    place: Arc<SpoolPlace>,
    bytes: u64,
}

impl Drop for ReadAhead {
    fn drop(&mut self) {
        self.place.in_ram.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Takes a body while it arrives.
#[derive(Debug)]
pub(crate) struct Spool {
    share: Share,
    /// What has not been given to a writer.
    memory: Vec<u8>,
    /// The file, once there is one, and what is being written to it.
    writing: Option<JoinHandle<io::Result<SealedWriter>>>,
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
        Arc::new(Self {
            dir: dir.into(),
            ram_max,
            total_max,
            used: AtomicU64::new(0),
            in_ram: AtomicU64::new(0),
            shown,
        })
    }

    /// An empty spool.
    pub(crate) fn spool(self: &Arc<Self>) -> Spool {
        Spool { share: self.share(), memory: Vec::new(), writing: None }
    }

    /// No bytes yet.
    pub(crate) fn share(self: &Arc<Self>) -> Share {
        Share { place: self.clone(), bytes: 0, in_ram: 0 }
    }

    /// Where files go.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Bytes of one body that may stay in memory now.
    fn ram_max(&self) -> usize {
        let is_crowded = self.in_ram.load(Ordering::Relaxed) > RAM_TOTAL_BYTES;
        if is_crowded { self.ram_max.min(SMALL_BYTES) } else { self.ram_max }
    }
}

impl Share {
    /// Takes more.
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<(), SpoolError> {
        let (place, bytes) = (&self.place, bytes as u64);
        let add = |used: u64| used.checked_add(bytes).filter(|sum| *sum <= place.total_max);
        place.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).map_err(|_| SpoolError::Full)?;
        self.bytes += bytes;
        place.shown.inc_by(i64::try_from(bytes).unwrap_or(i64::MAX));
        Ok(())
    }

    /// Bytes so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Says how much of the body is in memory.
    fn keep_in_ram(&mut self, bytes: u64) {
        // Wraps where less is kept than before, as the sum of all does.
        self.place.in_ram.fetch_add(bytes.wrapping_sub(self.in_ram), Ordering::Relaxed);
        self.in_ram = bytes;
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.keep_in_ram(0);
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
        self.memory.extend_from_slice(&bytes);
        let kept_max = if self.writing.is_some() { BATCH_BYTES } else { self.share.place.ram_max() };
        if self.memory.len() > kept_max {
            let batch = std::mem::replace(&mut self.memory, Vec::with_capacity(BATCH_BYTES + PIECE_BYTES));
            let file = self.written().await?;
            self.writing = Some(self.write(file, batch));
        }
        self.share.keep_in_ram(self.memory.len() as u64);
        Ok(())
    }

    /// The file with all batches so far, if there is one.
    async fn written(&mut self) -> io::Result<Option<SealedWriter>> {
        match self.writing.take() {
            Some(writing) => Ok(Some(writing.await??)),
            None => Ok(None),
        }
    }

    /// Begins to append a batch to a file.
    fn write(&self, file: Option<SealedWriter>, batch: Vec<u8>) -> JoinHandle<io::Result<SealedWriter>> {
        let place = self.share.place.clone();
        tokio::task::spawn_blocking(move || {
            let mut file = file.map_or_else(|| SealedWriter::create(Some(&place.dir)), Ok)?;
            file.push(&batch)?;
            Ok(file)
        })
    }

    /// Ends the body.
    pub(crate) async fn finish(mut self) -> io::Result<Spooled> {
        let rest = std::mem::take(&mut self.memory);
        let reader = match self.written().await? {
            None => Reader::Memory(io::Cursor::new(rest.into())),
            Some(file) => {
                let file = self.write(Some(file), rest).await??;
                let file = tokio::task::spawn_blocking(move || file.finish()).await??;
                self.share.keep_in_ram(0);
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

    /// Counts what somebody who sends it reads ahead as memory that bodies take.
    pub(crate) fn read_ahead(&self, bytes: u64) -> ReadAhead {
        let place = self.share.place.clone();
        place.in_ram.fetch_add(bytes, Ordering::Relaxed);
        ReadAhead { place, bytes }
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
        assert_eq!(place.in_ram.load(Ordering::Relaxed), 0);
        place.spool().push(Bytes::from_static(b"0123456789")).await.unwrap();
    }

    #[tokio::test]
    async fn when_many_are_held_less_of_each_stays_in_memory() {
        let dir = tempfile::tempdir().unwrap();
        let place = SpoolPlace::new(dir.path(), 1 << 20, u64::MAX, Gauge::default());
        let held = async |len: usize| {
            let mut spool = place.spool();
            spool.push(vec![b'x'; len].into()).await.unwrap();
            spool.finish().await.unwrap()
        };
        let is_in_memory = |spooled: &Spooled| matches!(spooled.stored(), Stored::Memory(_));
        let first = held(SMALL_BYTES + 1).await;
        place.in_ram.fetch_add(RAM_TOTAL_BYTES, Ordering::Relaxed);
        let (second, small) = (held(SMALL_BYTES + 1).await, held(SMALL_BYTES).await);
        assert_eq!([&first, &second, &small].map(is_in_memory), [true, false, true]);
        assert_eq!(second.len(), SMALL_BYTES as u64 + 1);
        place.in_ram.fetch_sub(RAM_TOTAL_BYTES, Ordering::Relaxed);
        assert_eq!(place.in_ram.load(Ordering::Relaxed), 2 * SMALL_BYTES as u64 + 1);
        let ahead = second.read_ahead(1000);
        assert_eq!(place.in_ram.load(Ordering::Relaxed), 2 * SMALL_BYTES as u64 + 1001);
        drop((first, second, small, ahead));
        assert_eq!(place.in_ram.load(Ordering::Relaxed), 0);
    }
}
