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
/// Memory that the model of PPMd can take for each byte that it has made. Programs that make it small for small files ask
/// for sixteen times their size.
const PPMD_MEMORY_RATIO: u64 = 1024;
/// Bytes that a member in PPMd may make for each of its own, and that any may make, with that memory.
const PPMD_RATIO_MAX: u64 = 200;
const PPMD_BYTES_FREE: u64 = 4 * 1024;
const MIB: u64 = 1024 * 1024;

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
    let bytes_max =
        if entry.method == PPMD { ask_for_less((entry.compressed_bytes, entry.size_bytes), &mut prefix) } else { None };
    let mut source = Cursor::new(local_header(entry)?).chain(Cursor::new(prefix)).chain(section);
    let mut file: ZipFile<'_, _> = read_zipfile_from_stream(&mut source).ok()??;
    match bytes_max {
        None => Some(run(&mut file)),
        Some(bytes_max) => {
            let mut behind = Failing(Some(io::ErrorKind::OutOfMemory.into()));
            Some(run(&mut UpTo { inner: &mut file, left: bytes_max, behind: &mut behind }))
        }
    }
}

/// Lets a member in PPMd ask for no more memory than its model can fill, because the decoder takes at once what is asked
/// for. With less it would read the same, up to so many bytes; `None` where it asks for no more.
fn ask_for_less((compressed_bytes, size_bytes): (u64, u64), prefix: &mut [u8]) -> Option<u64> {
    let parameters = u16::from_le_bytes(prefix.get(..2)?.try_into().ok()?);
    let by_ratio = PPMD_RATIO_MAX.saturating_mul(compressed_bytes);
    let stated = if size_bytes == 0 { by_ratio } else { size_bytes };
    let bytes_max = stated.min(by_ratio).max(PPMD_BYTES_FREE);
    let mib = u16::try_from(bytes_max.saturating_mul(PPMD_MEMORY_RATIO).div_ceil(MIB)).ok()?;
    if mib > parameters >> 4 & 0xFF {
        return None;
    }
    prefix[..2].copy_from_slice(&(parameters & 0xF00F | (mib - 1) << 4).to_le_bytes());
    Some(bytes_max)
}

/// A reader up to a place, behind which more of it is the error of another one.
struct UpTo<'r> {
    inner: &'r mut dyn Read,
    left: u64,
    behind: &'r mut Failing,
}

impl Read for UpTo<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let room = buf.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        if room == 0 && !buf.is_empty() {
            return match self.inner.read(&mut [0])? {
                0 => Ok(0),
                _ => self.behind.read(buf),
            };
        }
        let len = self.inner.read(&mut buf[..room])?;
        self.left -= len as u64;
        Ok(len)
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_in_ppmd_ask_for_what_they_can_fill() {
        // Packed bytes, stated size, MiB that are asked for; what is left of these, and bytes up to which that will do.
        let rows = [
            (128, 500, 128, Some((4, 4 * 1024))),
            (128, 1 << 32, 128, Some((25, 25_600))),
            (128, 0, 128, Some((25, 25_600))),
            (20_000, 60_000, 128, Some((59, 60_000))),
            (128, 500, 4, None),
            (1 << 20, 4 << 20, 16, None),
        ];
        for (compressed_bytes, size_bytes, mib, expected) in rows {
            let mut prefix = (0x2005_u16 | (mib - 1) << 4).to_le_bytes();
            let bytes_max = ask_for_less((compressed_bytes, size_bytes), &mut prefix);
            let parameters = u16::from_le_bytes(prefix);
            assert_eq!(parameters & 0xF00F, 0x2005);
            let left = (parameters >> 4 & 0xFF) + 1;
            assert_eq!(bytes_max.map(|bytes_max| (left, bytes_max)), expected, "{compressed_bytes} {size_bytes} {mib}");
        }
    }
}
