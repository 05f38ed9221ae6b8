//! The content of one member as a stream: a window of the file, a decoder, and the check of its sum.

use super::directory::Entry;
use super::old::{self, Old};
use crate::base::{DICTIONARY_BYTES_MAX, seek_target};
use crate::content::ReadSeek;
use crate::content::budget::Counted;
use crate::content::packed;
use crate::content::walk::Failing;
use flate2::bufread::DeflateDecoder;
use lzma_rust2::XzReader;
use std::fmt;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};
use zip::read::{ZipFile, read_zipfile_from_stream};

const BUFFER_BYTES: usize = 32 * 1024;
const DEFLATE: u16 = 8;
const LZMA: u16 = 14;
const XZ: u16 = 95;
const PPMD: u16 = 98;

/// A window of a file that reads and seeks like a file of its own.
pub(in crate::content) struct Section<'r> {
    inner: &'r mut dyn ReadSeek,
    start: u64,
    len: u64,
    at: u64,
}

impl<'r> Section<'r> {
    pub(super) fn new(inner: &'r mut dyn ReadSeek, range: std::ops::Range<u64>) -> Self {
        Self { inner, start: range.start, len: range.end.saturating_sub(range.start), at: 0 }
    }
}

impl Read for Section<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = self.len.saturating_sub(self.at);
        let room = buf.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        if room == 0 {
            return Ok(0);
        }
        self.inner.seek(SeekFrom::Start(self.start + self.at))?;
        let len = self.inner.read(&mut buf[..room])?;
        self.at += len as u64;
        Ok(len)
    }
}

impl Seek for Section<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = seek_target(to, self.at, self.len)?;
        Ok(self.at)
    }
}

/// The data of a member, as decoders read it.
pub(super) type Data<'r, 'c> = BufReader<Counted<'c, Section<'r>>>;

pub(super) fn buffered<'r, 'c>(section: Counted<'c, Section<'r>>) -> Data<'r, 'c> {
    BufReader::with_capacity(BUFFER_BYTES, section)
}

/// Decodes one member.
pub(in crate::content) enum Decoder<'r, 'c> {
    Stored(Counted<'c, Section<'r>>),
    Deflate(Box<DeflateDecoder<Data<'r, 'c>>>),
    Old(Box<Old<Data<'r, 'c>>>),
    Xz(Box<XzReader<Data<'r, 'c>>>),
}

impl Decoder<'_, '_> {
    /// Bytes of the file that belong to the member, once it was read to its end.
    fn consumed(&self) -> Option<u64> {
        match self {
            Self::Deflate(decoder) => Some(decoder.total_in()),
            _ => None,
        }
    }
}

impl Read for Decoder<'_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Stored(reader) => reader.read(buf),
            Self::Deflate(reader) => reader.read(buf),
            Self::Old(reader) => reader.read(buf),
            Self::Xz(reader) => reader.read(buf),
        }
    }
}

/// Methods that are decoded here.
pub(in crate::content) fn is_streamed(method: u16) -> bool {
    matches!(method, 0 | DEFLATE | XZ) || old::is_old(method)
}

/// Opens a member in one of these methods, whatever its entry says that it is.
pub(in crate::content) fn decoder<'r, 'c>(
    method: u16,
    entry: &Entry,
    section: Counted<'c, Section<'r>>,
) -> Decoder<'r, 'c> {
    match method {
        DEFLATE => Decoder::Deflate(Box::new(DeflateDecoder::new(buffered(section)))),
        XZ => Decoder::Xz(Box::new(XzReader::new_mem_limit(buffered(section), true, packed::MEMORY_KIB_MAX))),
        method if old::is_old(method) => {
            Decoder::Old(Box::new(Old::new(buffered(section), (method, entry.flags), entry.size_bytes)))
        }
        _ => Decoder::Stored(section),
    }
}

/// Runs a function on the content of a member in one of the rarer methods (deflate64, bzip2, LZMA, PPMd), which
/// the `zip` crate decodes: it is given a local header that states what was found out. Where the member asks for more
/// memory than the bound, that is the error of its reader. `None` when the crate does not take the member.
pub(super) fn with_rare<T>(
    entry: &Entry,
    section: Counted<'_, Section<'_>>,
    run: impl FnOnce(&mut dyn Read) -> T,
) -> Option<T> {
    let mut section = section;
    let mut prefix = Vec::new();
    (&mut section).take(9).read_to_end(&mut prefix).ok()?;
    if memory_bytes(entry.method, &prefix)? > DICTIONARY_BYTES_MAX {
        return Some(run(&mut Failing(Some(io::ErrorKind::OutOfMemory.into()))));
    }
    let mut source = Cursor::new(local_header(entry)?).chain(Cursor::new(prefix)).chain(section);
    let mut file: ZipFile<'_, _> = read_zipfile_from_stream(&mut source).ok()??;
    Some(run(&mut file))
}

/// Whether [`with_rare`] may be tried.
pub(super) fn is_rare(method: u16) -> bool {
    matches!(method, 9 | 12 | LZMA | PPMD)
}

/// What the decoder of a member reserves at once, as the first bytes of its data say.
fn memory_bytes(method: u16, prefix: &[u8]) -> Option<u64> {
    match method {
        LZMA => Some(u32::from_le_bytes(prefix.get(5..9)?.try_into().ok()?).into()),
        // Four bits of order, eight of memory in MiB, and four of what to do when it is full.
        PPMD => {
            Some(u64::from(u16::from_le_bytes(prefix.get(..2)?.try_into().ok()?) >> 4 & 0xFF) + 1).map(|mib| mib << 20)
        }
        _ => Some(0),
    }
}

fn local_header(entry: &Entry) -> Option<Vec<u8>> {
    let (compressed, size) = (u32::try_from(entry.compressed_bytes).ok()?, u32::try_from(entry.size_bytes).ok()?);
    let mut header = b"PK\x03\x04\x3f\x00".to_vec();
    // The end marker bit of LZMA is the only flag that the decoder needs.
    header.extend_from_slice(&(entry.flags & 2).to_le_bytes());
    header.extend_from_slice(&entry.method.to_le_bytes());
    header.extend_from_slice(&[0, 0, 0x21, 0]);
    for number in [entry.crc, compressed, size] {
        header.extend_from_slice(&number.to_le_bytes());
    }
    header.extend_from_slice(b"\x01\x00\x00\x00x");
    Some(header)
}

/// Says at the end of a member that its sum is none of those that the headers state.
#[derive(Debug)]
pub(in crate::content) struct SumMismatch;

impl fmt::Display for SumMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the check sum differs")
    }
}

impl std::error::Error for SumMismatch {}

/// Says that the rest of a member lies in another file of a split archive.
#[derive(Debug)]
pub(in crate::content) struct OtherVolume;

impl fmt::Display for OtherVolume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the rest lies in another file")
    }
}

impl std::error::Error for OtherVolume {}

/// Compares the sum of what was read with the stated ones when the end comes. The bytes are out by then.
pub(in crate::content) struct Checked<R> {
    inner: R,
    hasher: crc32fast::Hasher,
    stated: Vec<u32>,
    /// Whether the rest of the member lies in another file.
    lies_elsewhere: bool,
    done: bool,
}

impl<R> Checked<R> {
    pub(super) fn new(inner: R, stated: Vec<u32>, entry: &Entry) -> Self {
        let lies_elsewhere = entry.lies_elsewhere;
        Self { inner, hasher: crc32fast::Hasher::new(), stated, lies_elsewhere, done: false }
    }
}

impl Checked<Decoder<'_, '_>> {
    pub(super) fn consumed(&self) -> Option<u64> {
        self.inner.consumed().filter(|_| self.done)
    }
}

impl<R> Checked<R> {
    pub(super) fn into_inner(self) -> R {
        self.inner
    }
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.done || buf.is_empty() {
            return Ok(0);
        }
        let len = match self.inner.read(buf) {
            Err(_) if self.lies_elsewhere => return Err(io::Error::other(OtherVolume)),
            result => result?,
        };
        self.hasher.update(&buf[..len]);
        if len == 0 {
            self.done = true;
            if self.lies_elsewhere {
                return Err(io::Error::other(OtherVolume));
            }
            if !self.stated.contains(&self.hasher.clone().finalize()) {
                return Err(io::Error::new(io::ErrorKind::InvalidData, SumMismatch));
            }
        }
        Ok(len)
    }
}
