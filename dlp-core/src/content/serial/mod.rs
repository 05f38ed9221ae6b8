//! Archives without a directory: members in a row, each behind its header. ar (with deb), cpio, rpm around a cpio, and
//! what crawlers keep of the web (WARC).
//!
//! They are read once from front to back in constant memory. A header is believed as far as the bytes reach: a member
//! that breaks off is walked as far as it goes, and what follows a broken header is recognised by itself.

mod ar;
mod cpio;
mod rpm;
mod warc;

pub(super) use ar::walk as walk_ar;
pub(super) use cpio::{is_cpio, walk as walk_cpio};
pub(super) use rpm::walk as walk_rpm;
pub(super) use warc::walk as walk_warc;

use super::walk::{Break, Step, Walk};
use super::{Input, Relation, names};
use std::io::{self, BufRead, BufReader, Cursor, Read};

const BUFFER_BYTES: usize = 32 * 1024;

/// The front of what is left of an archive.
struct Tape<'r> {
    reader: BufReader<&'r mut dyn Read>,
    /// Bytes that were taken, for formats that align their records.
    at: u64,
}

impl<'r> Tape<'r> {
    fn new(reader: &'r mut dyn Read) -> Self {
        Self { reader: BufReader::with_capacity(BUFFER_BYTES, reader), at: 0 }
    }

    /// Takes so many bytes; fewer where the archive ends. `len` is bounded by the caller, what is kept by the archive.
    fn take(&mut self, walk: &mut Walk<'_>, len: u64) -> Step<Vec<u8>> {
        let mut bytes = Vec::new();
        let result = (&mut self.reader).take(len).read_to_end(&mut bytes);
        self.at += bytes.len() as u64;
        result.map(|_| bytes).map_err(|error| walk.read_failed(&error))
    }

    /// Skips up to the next multiple. What stands in between has no room for a value.
    fn align(&mut self, walk: &mut Walk<'_>, multiple: u64) -> Step {
        let rest = self.at.next_multiple_of(multiple) - self.at;
        self.take(walk, rest).map(|_| ())
    }

    /// Skips zeros and says whether anything follows them.
    fn skip_zeros(&mut self, walk: &mut Walk<'_>) -> Step<bool> {
        loop {
            let bytes = self.reader.fill_buf().map_err(|error| walk.read_failed(&error))?;
            let (len, zeros) = (bytes.len(), bytes.iter().take_while(|byte| **byte == 0).count());
            self.reader.consume(zeros);
            self.at += zeros as u64;
            if zeros < len || len == 0 {
                return Ok(len > 0);
            }
        }
    }

    /// Walks the next bytes as a member, and says whether they are all there.
    fn member(&mut self, walk: &mut Walk<'_>, name: &str, len: u64) -> Step {
        let mut content = (&mut self.reader).take(len);
        walk.child(name, Relation::Member, Input::Stream(&mut content))?;
        // A handler leaves what it does not understand; the next header stands behind it.
        let drained = io::copy(&mut content, &mut io::sink());
        let missing = content.limit();
        self.at += len - missing;
        match drained {
            Err(error) => Err(walk.read_failed(&error)),
            Ok(_) if missing > 0 => Err(truncated(walk)),
            Ok(_) => Ok(()),
        }
    }

    /// Walks the rest of the archive as an item of its own, behind a header that says nothing.
    fn rest(&mut self, walk: &mut Walk<'_>, header: &[u8]) -> Step {
        let message = "a header of the archive is broken; what follows was scanned by itself";
        walk.bad_structure(message);
        walk.child("", Relation::Gap, Input::Stream(&mut Cursor::new(header).chain(&mut self.reader)))
    }
}

/// The archive ends before its structure does.
fn truncated(walk: &mut Walk<'_>) -> Break {
    walk.read_failed(&io::ErrorKind::UnexpectedEof.into())
}

/// Hands out the name of what is no file, such as a directory.
fn emit_name(walk: &mut Walk<'_>, name: &[u8]) -> Step {
    let name = names::decode(name, true).primary;
    let name = walk.clip_name(&name);
    walk.emit_name(name)
}

/// A number in digits with spaces around it.
fn number(field: &[u8], radix: u32) -> Option<u64> {
    u64::from_str_radix(std::str::from_utf8(field).ok()?.trim(), radix).ok()
}
