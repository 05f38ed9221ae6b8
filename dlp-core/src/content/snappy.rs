//! Snappy: blocks as other formats use them, and the format of frames.

use crate::base::SNAPPY_SKIPPED_BYTES_MAX;
use crate::base::bytes::take_varint;
use std::io::{self, BufRead, Read};

/// Kinds of chunks in the format of frames.
const PACKED: u8 = 0x00;
const PLAIN: u8 = 0x01;
const SKIPPABLE_MIN: u8 = 0x80;
/// In front of the content of a chunk stands its sum.
const SUM_BYTES: usize = 4;
/// The chunk that says what the stream is.
const MARK: u8 = 0xFF;
const MARK_CONTENT: &[u8] = b"sNaPpY";
/// What a chunk unpacks to at most.
const CHUNK_BYTES_MAX: usize = 64 * 1024;

/// Unpacks a block; nothing if it is broken or longer than the bound.
pub(super) fn unpack(packed: &[u8], bytes_max: usize) -> Option<Vec<u8>> {
    let mut rest = packed;
    let len = usize::try_from(take_varint(&mut rest)?).ok().filter(|len| *len <= bytes_max)?;
    // The length is a claim: memory follows what comes out.
    let mut out = Vec::new();
    while let Some((&tag, behind)) = rest.split_first() {
        rest = behind;
        if tag & 3 == 0 {
            let count = literal_length(tag >> 2, &mut rest)?;
            let (literal, behind) = rest.split_at_checked(count)?;
            out.extend_from_slice(literal);
            rest = behind;
        } else {
            let (count, distance) = copy(tag, &mut rest)?;
            let start = out.len().checked_sub(distance).filter(|_| distance > 0)?;
            // What is copied may reach into what was just copied.
            (start..start + count).for_each(|at| out.push(out[at]));
        }
        if out.len() > len {
            return None;
        }
    }
    (out.len() == len).then_some(out)
}

fn literal_length(code: u8, rest: &mut &[u8]) -> Option<usize> {
    const CODE_OF_ONE_BYTE: u8 = 60;
    let less_one = match code.checked_sub(CODE_OF_ONE_BYTE) {
        None => u64::from(code),
        Some(more) => take(rest, usize::from(more) + 1)?,
    };
    usize::try_from(less_one).ok()?.checked_add(1)
}

/// Length and distance of a copy.
fn copy(tag: u8, rest: &mut &[u8]) -> Option<(usize, usize)> {
    let long = usize::from(tag >> 2) + 1;
    Some(match tag & 3 {
        1 => (usize::from(tag >> 2 & 7) + 4, usize::from(tag >> 5) << 8 | take(rest, 1)? as usize),
        2 => (long, take(rest, 2)? as usize),
        _ => (long, take(rest, 4)? as usize),
    })
}

/// A number of up to four bytes, the lowest first.
fn take(rest: &mut &[u8], len: usize) -> Option<u64> {
    let (bytes, behind) = rest.split_at_checked(len)?;
    *rest = behind;
    Some(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

/// Unpacks the format of frames. Sums are not compared: what is broken breaks the packing.
pub(super) struct SnappyReader<R> {
    reader: R,
    content: Vec<u8>,
    at: usize,
    skipped: Skipped,
}

/// What stood in chunks that are no content.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Skipped {
    pub(super) bytes: Vec<u8>,
    /// There was more than the bound.
    pub(super) is_cut: bool,
}

impl Skipped {
    fn push(&mut self, chunk: &[u8]) {
        let kept = chunk.len().min(SNAPPY_SKIPPED_BYTES_MAX - self.bytes.len());
        self.bytes.extend_from_slice(&chunk[..kept]);
        // Padding may be longer.
        self.is_cut |= chunk[kept..].iter().any(|byte| *byte != 0);
    }
}

impl<R: BufRead> SnappyReader<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, content: Vec::new(), at: 0, skipped: Skipped::default() }
    }

    /// What stood in chunks that are no content.
    pub(super) fn into_skipped(self) -> Skipped {
        self.skipped
    }

    /// Reads the next chunk; false when there is none.
    fn next_chunk(&mut self) -> io::Result<bool> {
        if self.reader.fill_buf()?.is_empty() {
            return Ok(false);
        }
        let mut head = [0; 4];
        self.reader.read_exact(&mut head)?;
        let [kind, low, middle, high] = head;
        let len = u64::from(u32::from_le_bytes([low, middle, high, 0]));
        let mut chunk = Vec::new();
        if (&mut self.reader).take(len).read_to_end(&mut chunk)? as u64 != len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let content = chunk.get(SUM_BYTES..);
        self.at = 0;
        self.content = match kind {
            PACKED => content.and_then(|packed| unpack(packed, CHUNK_BYTES_MAX)).ok_or(io::ErrorKind::InvalidData)?,
            PLAIN => content.ok_or(io::ErrorKind::InvalidData)?.to_vec(),
            MARK if chunk == MARK_CONTENT => Vec::new(),
            SKIPPABLE_MIN.. => {
                self.skipped.push(&chunk);
                Vec::new()
            }
            _ => return Err(io::ErrorKind::InvalidData.into()),
        };
        Ok(true)
    }
}

impl<R: BufRead> Read for SnappyReader<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.at == self.content.len() {
            if !self.next_chunk()? {
                return Ok(0);
            }
        }
        let len = (&self.content[self.at..]).read(buf)?;
        self.at += len;
        Ok(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_literals_and_copies() {
        let check = |packed: &[u8], expected: Option<&[u8]>| {
            assert_eq!(unpack(packed, 100).as_deref(), expected, "{packed:?}");
        };
        check(b"\x03\x08abc", Some(b"abc"));
        check(b"\x00", Some(b""));
        // Three letters, then six more from three back.
        check(b"\x09\x08abc\x09\x03", Some(b"abcabcabc"));
        check(b"\x07\x08abc\x0e\x03\0", Some(b"abcabca"));
        check(b"\x07\x08abc\x0f\x03\0\0\0", Some(b"abcabca"));
        check(b"\x03\xf0\x02abc", Some(b"abc"));
        check(b"\x03\x08ab", None);
        check(b"\x04\x08abc", None);
        check(b"\x02\x08abc", None);
        check(b"\x09\x08abc\x09\x04", None);
        check(b"\x09\x08abc\x09\0", None);
        check(b"\xC8\x01\x08abc", None);
        check(b"", None);
        check(b"\xff\xff\xff\xff\xff\xff", None);
    }

    #[test]
    fn frames_are_read_one_after_the_other() {
        let read = |bytes: &[u8]| {
            let mut content = String::new();
            SnappyReader::new(bytes).read_to_string(&mut content).map(|_| content).map_err(|error| error.kind())
        };
        let start = b"\xff\x06\0\0sNaPpY";
        let whole = [&start[..], b"\0\x09\0\0sums\x03\x08abc", b"\xfe\x02\0\0xy\x01\x07\0\0sumsdef"].concat();
        assert_eq!(read(&whole), Ok("abcdef".to_owned()));
        assert_eq!(read(&whole[..whole.len() - 1]), Err(io::ErrorKind::UnexpectedEof));
        assert_eq!(read(b"\x02\0\0\0"), Err(io::ErrorKind::InvalidData));
        assert_eq!(read(b"\x01\x01\0\0a"), Err(io::ErrorKind::InvalidData));
    }

    #[test]
    fn chunks_that_are_no_content_are_kept() {
        let check = |chunks: &[u8], bytes: &[u8], is_cut| {
            let mut reader = SnappyReader::new(chunks);
            assert_eq!(reader.read_to_end(&mut Vec::new()).unwrap(), 0);
            let skipped = reader.into_skipped();
            assert!(skipped.bytes == bytes && skipped.is_cut == is_cut, "{} {}", skipped.bytes.len(), skipped.is_cut);
        };
        let chunk =
            |kind: u8, content: &[u8]| [&[kind][..], &(content.len() as u32).to_le_bytes()[..3], content].concat();
        check(&chunk(MARK, b"sNaPpY"), b"", false);
        check(&chunk(MARK, b"secret"), b"secret", false);
        check(&chunk(0x80, b"secret"), b"secret", false);
        let full = chunk(0xFE, &[0; 0xFF_FFFF]);
        let padding = [full.clone(), full.clone()].concat();
        check(&padding, &vec![0; SNAPPY_SKIPPED_BYTES_MAX], false);
        check(&[padding, chunk(0xFE, b"secret")].concat(), &vec![0; SNAPPY_SKIPPED_BYTES_MAX], true);
    }
}
