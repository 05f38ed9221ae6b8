//! Places for decoded bytes, and ranges of them. The body as it was sent is held elsewhere, see `crate::spool`.
//!
//! An [`Unpacked`] takes what a layer decodes: in memory while it is small, then in a sealed file. A [`Window`] is a
//! range of a seekable body that reads like a body of its own; parts are inspected through it without a copy.

use super::BodyLimits;
use crate::sealed_file::{SealedReader, SealedWriter};
use dlp_core::base::seek_target;
use dlp_core::content::ReadSeek;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::PathBuf;

/// Bytes moved at once.
pub(super) const CHUNK_BYTES: usize = 64 * 1024;

/// Decoded bytes with a bound.
pub(super) struct Unpacked {
    memory: Vec<u8>,
    memory_max: usize,
    dir: Option<PathBuf>,
    file: Option<SealedWriter>,
    len_bytes: u64,
    len_bytes_max: u64,
}

/// Reads what such a place took.
pub(super) enum UnpackedReader {
    Memory(Cursor<Vec<u8>>),
    File(SealedReader),
}

impl Unpacked {
    /// An empty place that takes at most `len_bytes_max`.
    pub(super) fn new(limits: &BodyLimits, len_bytes_max: u64) -> Self {
        let (memory_max, dir) = (limits.spool_memory_bytes, limits.spool_dir.clone());
        Self { memory: Vec::new(), memory_max, dir, file: None, len_bytes: 0, len_bytes_max }
    }

    pub(super) fn len_bytes(&self) -> u64 {
        self.len_bytes
    }

    /// Appends; `false` says that the bound was reached and what did not fit was dropped.
    pub(super) fn push(&mut self, bytes: &[u8]) -> io::Result<bool> {
        let room = usize::try_from(self.len_bytes_max - self.len_bytes).unwrap_or(usize::MAX);
        let taken = bytes.len().min(room);
        self.append(&bytes[..taken])?;
        self.len_bytes += taken as u64;
        Ok(taken == bytes.len())
    }

    /// The bytes, from the start.
    pub(super) fn into_reader(self) -> io::Result<UnpackedReader> {
        Ok(match self.file {
            None => UnpackedReader::Memory(Cursor::new(self.memory)),
            Some(file) => UnpackedReader::File(file.finish()?.reader()),
        })
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.file.is_none() && self.memory.len() + bytes.len() <= self.memory_max {
            self.memory.extend_from_slice(bytes);
            return Ok(());
        }
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                let file = none.insert(SealedWriter::create(self.dir.as_deref())?);
                file.push(&std::mem::take(&mut self.memory))?;
                file
            }
        };
        file.push(bytes)
    }
}

impl Read for UnpackedReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Memory(bytes) => bytes.read(buffer),
            Self::File(file) => file.read(buffer),
        }
    }
}

impl Seek for UnpackedReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Self::Memory(bytes) => bytes.seek(to),
            Self::File(file) => file.seek(to),
        }
    }
}

/// A range of a seekable body.
pub(super) struct Window<'a> {
    body: &'a mut dyn ReadSeek,
    start: u64,
    len: u64,
    position: u64,
}

impl<'a> Window<'a> {
    /// The range `start..end` of `body`.
    pub(super) fn new(body: &'a mut dyn ReadSeek, start: u64, end: u64) -> Self {
        Self { body, start, len: end.saturating_sub(start), position: 0 }
    }
}

impl Read for Window<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.len.saturating_sub(self.position)).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        if wanted == 0 {
            return Ok(0);
        }
        self.body.seek(SeekFrom::Start(self.start + self.position))?;
        let read = self.body.read(&mut buffer[..wanted])?;
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for Window<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = seek_target(to, self.position, self.len)?;
        Ok(self.position)
    }
}

/// Reads up to `len_max` bytes from the start of a body, and seeks back.
pub(super) fn peek(body: &mut dyn ReadSeek, len_max: u64) -> io::Result<Vec<u8>> {
    body.seek(SeekFrom::Start(0))?;
    let mut head = Vec::new();
    Read::take(&mut *body, len_max).read_to_end(&mut head)?;
    body.seek(SeekFrom::Start(0))?;
    Ok(head)
}

/// Length of a body.
pub(super) fn len_of(body: &mut dyn ReadSeek) -> io::Result<u64> {
    body.seek(SeekFrom::End(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    #[test]
    fn a_window_reads_like_a_body_of_its_own() {
        let mut body = Cursor::new(b"0123456789".to_vec());
        let mut window = Window::new(&mut body, 3, 7);
        let mut text = String::new();
        window.read_to_string(&mut text).unwrap();
        assert_eq!(text, "3456");
        assert_eq!(window.seek(SeekFrom::End(-2)).unwrap(), 2);
        text.clear();
        window.read_to_string(&mut text).unwrap();
        assert_eq!(text, "56");
        assert!(window.seek(SeekFrom::Current(-9)).is_err());
        assert_eq!(window.seek(SeekFrom::Start(99)).unwrap(), 99);
        assert_eq!(window.read(&mut [0; 4]).unwrap(), 0);
    }

    #[test]
    fn a_spool_stops_at_its_bound() {
        let mut spool = Unpacked::new(&BodyLimits { spool_memory_bytes: 2, ..BodyLimits::default() }, 5);
        assert!(spool.push(b"abc").unwrap());
        assert!(!spool.push(b"defg").unwrap());
        assert!(!spool.push(b"h").unwrap());
        let mut text = String::new();
        spool.into_reader().unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "abcde");
    }
}
