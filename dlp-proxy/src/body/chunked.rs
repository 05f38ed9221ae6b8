//! The `aws-chunked` framing of signed uploads to S3: the framing is removed, the signatures are not checked.
//!
//! ```text
//! 10000;chunk-signature=… CRLF  65,536 bytes  CRLF  …  0;chunk-signature=… CRLF  trailers CRLF
//! ```

use super::coding::Bounds;
use super::unpacked::{CHUNK_BYTES, Unpacked};
use dlp_core::content::ReadSeek;
use http::HeaderMap;
use std::io::{self, BufRead, BufReader, Read, SeekFrom};

/// Longest chunk header line; a signature takes about a hundred bytes.
const LINE_BYTES_MAX: u64 = 4 * 1024;

/// Whether the head says that the body is framed this way.
pub(super) fn is_declared(head: &HeaderMap) -> bool {
    let digest = head.get("x-amz-content-sha256").and_then(|value| value.to_str().ok()).unwrap_or("");
    digest.starts_with("STREAMING-") || head.contains_key("x-amz-decoded-content-length")
}

/// Length of the body without its framing, as the head gives it.
pub(super) fn declared_len_bytes(head: &HeaderMap) -> Option<u64> {
    head.get("x-amz-decoded-content-length")?.to_str().ok()?.trim().parse().ok()
}

/// A body without its framing.
pub(super) struct Unframed {
    pub(super) spool: Unpacked,
    /// Bytes behind the last chunk: trailers.
    pub(super) trailer_start: u64,
    pub(super) end: End,
}

/// How the framing ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Complete,
    /// A chunk is cut off or a size is no number.
    Damaged,
    /// The decoded bytes reached their bound.
    Full,
}

/// Removes the framing from a body.
///
/// # Errors
/// The body could not be read, or the spool not written.
pub(super) fn unframe(body: &mut dyn ReadSeek, bounds: Bounds<'_>) -> io::Result<Unframed> {
    body.seek(SeekFrom::Start(0))?;
    let mut reader = BufReader::with_capacity(CHUNK_BYTES, &mut *body);
    let mut spool = Unpacked::new(bounds.limits, bounds.room_bytes);
    let mut position = 0;
    let end = loop {
        if bounds.cancel.is_tripped() {
            break End::Damaged;
        }
        let mut line = Vec::new();
        position += (&mut reader).take(LINE_BYTES_MAX).read_until(b'\n', &mut line)? as u64;
        let Some(size) = chunk_size(&line) else { break End::Damaged };
        if size == 0 {
            break End::Complete;
        }
        let copied = copy(&mut reader, size, &mut spool)?;
        position += copied.len_bytes;
        if !copied.fits {
            break End::Full;
        }
        if copied.len_bytes < size {
            break End::Damaged;
        }
        position += skip_line_end(&mut reader)?;
    };
    Ok(Unframed { spool, trailer_start: position, end })
}

/// The size in a chunk's header line.
fn chunk_size(line: &[u8]) -> Option<u64> {
    let line = line.strip_suffix(b"\n")?;
    let digits = line.split(|&byte| byte == b';' || byte == b'\r').next()?.trim_ascii();
    let digits = std::str::from_utf8(digits).ok()?;
    if digits.starts_with('+') {
        return None;
    }
    u64::from_str_radix(digits, 16).ok()
}

struct Copied {
    len_bytes: u64,
    fits: bool,
}

fn copy(reader: &mut impl BufRead, size: u64, spool: &mut Unpacked) -> io::Result<Copied> {
    let mut left = size;
    while left > 0 {
        let available = reader.fill_buf()?;
        if available.is_empty() {
            break;
        }
        let len = available.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let fits = spool.push(&available[..len])?;
        reader.consume(len);
        left -= len as u64;
        if !fits {
            return Ok(Copied { len_bytes: size - left, fits });
        }
    }
    Ok(Copied { len_bytes: size - left, fits: true })
}

fn skip_line_end(reader: &mut impl BufRead) -> io::Result<u64> {
    let mut skipped = 0;
    for expected in *b"\r\n" {
        if reader.fill_buf()?.first() == Some(&expected) {
            reader.consume(1);
            skipped += 1;
        }
    }
    Ok(skipped)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::BodyLimits;
    use dlp_core::base::Cancel;
    use std::io::Cursor;

    fn check(framed: &str, expected: &str, end: End, trailer: &str) {
        let limits = BodyLimits::default();
        let cancel = Cancel::default();
        let bounds = Bounds { limits: &limits, room_bytes: 100, cancel: &cancel };
        let mut body = Cursor::new(framed.as_bytes().to_vec());
        let unframed = unframe(&mut body, bounds).unwrap();
        assert_eq!(unframed.end, end, "{framed:?}");
        assert_eq!(&framed[unframed.trailer_start as usize..], trailer, "{framed:?}");
        let mut text = String::new();
        unframed.spool.into_reader().unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, expected, "{framed:?}");
    }

    #[test]
    fn chunks_become_one_body() {
        let long = format!("c8\r\n{}", "x".repeat(200));
        let rows = [
            ("3;chunk-signature=ab\r\nabc\r\n0;chunk-signature=cd\r\n\r\n", "abc", End::Complete, "\r\n"),
            (
                "3\r\nabc\r\n2\r\nde\r\n0\r\nx-amz-checksum-crc32:AA==\r\n\r\n",
                "abcde",
                End::Complete,
                "x-amz-checksum-crc32:AA==\r\n\r\n",
            ),
            ("3\nabc\n0\n", "abc", End::Complete, ""),
            ("A\r\n0123456789\r\n0\r\n\r\n", "0123456789", End::Complete, "\r\n"),
            ("5\r\nabc", "abc", End::Damaged, ""),
            ("zz\r\nabc", "", End::Damaged, "abc"),
            ("", "", End::Damaged, ""),
            ("+3\r\nabc\r\n0\r\n", "", End::Damaged, "abc\r\n0\r\n"),
            ("ffffffffffffffffff\r\nabc", "", End::Damaged, "abc"),
            (&long, &"x".repeat(100), End::Full, ""),
        ];
        for (framed, expected, end, trailer) in rows {
            check(framed, expected, end, trailer);
        }
    }
}
