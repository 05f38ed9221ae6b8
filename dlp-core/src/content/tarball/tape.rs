//! Keeps the headers of an archive as they pass; contents are not kept.

use super::BLOCK_BYTES;
use crate::base::TAR_HEADERS_BYTES_MAX;
use std::cell::{Cell, RefCell};
use std::io::{self, Read};

/// The headers since the content of the last entry, from whole blocks of zeros on.
#[derive(Default)]
pub(super) struct Tape {
    /// Bytes of the archive that were read.
    at: Cell<u64>,
    /// Where the kept bytes begin in the archive; contents in front of it are not kept.
    from: Cell<u64>,
    kept: RefCell<Vec<u8>>,
}

impl Tape {
    /// How many bytes of the archive were read.
    pub(super) fn at(&self) -> u64 {
        self.at.get()
    }

    /// Whether reading ended because headers are too long.
    pub(super) fn is_full(&self) -> bool {
        self.kept.borrow().len() as u64 > TAR_HEADERS_BYTES_MAX
    }

    /// What was kept.
    pub(super) fn take(&self) -> Vec<u8> {
        self.from.set(self.at());
        self.kept.take()
    }

    /// What was kept of the archive up to an offset.
    pub(super) fn take_until(&self, end: u64) -> Vec<u8> {
        let len = usize::try_from(end.saturating_sub(self.from.get())).unwrap_or(usize::MAX);
        let mut kept = self.take();
        kept.truncate(len);
        kept
    }

    /// Begins again behind a content of so many bytes that begins here.
    pub(super) fn keep_behind(&self, content_bytes: u64) {
        let end = self.at().saturating_add(content_bytes).checked_next_multiple_of(BLOCK_BYTES as u64);
        self.from.set(end.unwrap_or(u64::MAX));
    }

    fn push(&self, bytes: &[u8]) {
        let start = self.at.replace(self.at() + bytes.len() as u64);
        let content = usize::try_from(self.from.get().saturating_sub(start)).unwrap_or(usize::MAX);
        let mut kept = self.kept.borrow_mut();
        kept.extend_from_slice(&bytes[content.min(bytes.len())..]);
        // Archives are filled up with zeros, which say nothing and may be many.
        let is_zero = |block: &[u8]| block.len() == BLOCK_BYTES && block.iter().all(|byte| *byte == 0);
        let zeros = kept.chunks(BLOCK_BYTES).take_while(|block| is_zero(block)).count() * BLOCK_BYTES;
        kept.drain(..zeros);
        self.from.set(self.from.get() + zeros as u64);
    }
}

/// A reader of an archive that shows a tape what passes.
pub(super) struct Taped<'t, R> {
    inner: R,
    tape: &'t Tape,
}

impl<'t, R> Taped<'t, R> {
    pub(super) fn new(inner: R, tape: &'t Tape) -> Self {
        Self { inner, tape }
    }

    pub(super) fn into_inner(self) -> R {
        self.inner
    }
}

impl<R: Read> Read for Taped<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.tape.is_full() {
            return Err(io::Error::other("headers of the archive are too long"));
        }
        let len = self.inner.read(buf)?;
        self.tape.push(&buf[..len]);
        Ok(len)
    }
}
