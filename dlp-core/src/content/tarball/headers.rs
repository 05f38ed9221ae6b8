//! What stands in front of entries: records of POSIX with comments and the attributes of file systems.
//!
//! Records state their length, so their values may hold line feeds. What does not fit is handed out as it is, and
//! named.

use super::BLOCK_BYTES;
use crate::base::{Problem, ProblemClass};
use crate::content::walk::{Step, Walk};
use crate::content::{Input, Join, Origin, Part, Place, Relation, Role, Segment, names};
use std::io::Read;

/// Digits of the length of a record; longer ones exceed every archive.
const LENGTH_DIGITS_MAX: usize = 20;
/// Longer values are no times, sizes or numbers of users.
const NUMBER_BYTES_MAX: usize = 32;
/// Records that hold numbers by the standard, or in what star, libarchive and GNU add to it.
const NUMBERS: [&[u8]; 10] = [
    b"atime",
    b"ctime",
    b"mtime",
    b"size",
    b"uid",
    b"gid",
    b"SCHILY.dev",
    b"SCHILY.ino",
    b"SCHILY.nlink",
    b"LIBARCHIVE.creationtime",
];

/// What the library made of the headers of an entry.
pub(super) struct Understood {
    name: Vec<u8>,
    target: Option<Vec<u8>>,
    /// The size that the entry itself states.
    own_bytes: Option<u64>,
    stored_bytes: u64,
}

impl Understood {
    pub(super) fn of<R: Read>(entry: &tar::Entry<'_, R>, stored_bytes: u64) -> Self {
        Self {
            name: entry.path_bytes().into_owned(),
            target: entry.link_name_bytes().map(std::borrow::Cow::into_owned),
            own_bytes: entry.header().entry_size().ok(),
            stored_bytes,
        }
    }

    /// Whether a record says nothing that was not read already.
    fn knows(&self, record: &Record<'_>) -> bool {
        match record.key {
            b"path" => record.value == self.name,
            b"linkpath" => self.target.as_deref() == Some(record.value),
            _ => false,
        }
    }
}

/// Hands out what the headers before an entry say besides its name, size and times.
pub(super) fn emit(walk: &mut Walk<'_>, mut bytes: &[u8], entry: &Understood) -> Step {
    let mut size = entry.own_bytes;
    while let Some(Header { kind, body, rest }) = Header::read(bytes) {
        bytes = rest;
        if !kind.is_pax_local_extensions() {
            continue;
        }
        let sizes = Records(body).filter(|record| record.key == b"size");
        size = sizes.filter_map(|record| std::str::from_utf8(record.value).ok()?.parse().ok()).last().or(size);
        emit_records(walk, body, |record| entry.knows(record))?;
    }
    if size.is_some_and(|size| size != entry.stored_bytes) {
        // Other programs would find the next entry elsewhere.
        broken(walk, "records before an entry state another size than was read");
    }
    Ok(())
}

/// Hands out headers that no entry follows, and gives back what stands behind them.
pub(super) fn emit_all<'b>(walk: &mut Walk<'_>, mut bytes: &'b [u8]) -> Step<&'b [u8]> {
    while let Some(Header { kind, body, rest }) = Header::read(bytes) {
        bytes = rest;
        if kind.is_pax_local_extensions() {
            emit_records(walk, body, |_| false)?;
        } else {
            emit_text(walk, Role::ArchiveComment, body)?;
        }
    }
    // The broken header alone looks like an archive, so it is not walked with what follows.
    let (header, rest) = bytes.split_at(bytes.len().min(BLOCK_BYTES));
    emit_text(walk, Role::Raw, header)?;
    Ok(rest)
}

/// A header that has its whole body.
struct Header<'b> {
    kind: tar::EntryType,
    body: &'b [u8],
    rest: &'b [u8],
}

impl<'b> Header<'b> {
    fn read(bytes: &'b [u8]) -> Option<Self> {
        let (block, rest) = bytes.split_at_checked(BLOCK_BYTES)?;
        let header = tar::Header::from_byte_slice(block);
        let len = usize::try_from(header.entry_size().ok()?).ok()?;
        let body = rest.get(..len)?;
        let rest = rest.get(len.checked_next_multiple_of(BLOCK_BYTES)?..).unwrap_or_default();
        Some(Self { kind: header.entry_type(), body, rest })
    }
}

/// One record: `length key=value` and a line feed.
struct Record<'b> {
    key: &'b [u8],
    value: &'b [u8],
}

impl Record<'_> {
    fn is_number(&self) -> bool {
        let is_digit = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'+' | b'-');
        let is_numeric = NUMBERS.contains(&self.key) || self.key.starts_with(b"GNU.sparse.");
        is_numeric && self.value.len() <= NUMBER_BYTES_MAX && self.value.iter().all(is_digit)
    }
}

/// The records of a body; what is left when they end does not fit.
struct Records<'b>(&'b [u8]);

impl<'b> Iterator for Records<'b> {
    type Item = Record<'b>;

    fn next(&mut self) -> Option<Record<'b>> {
        let digits = self.0.iter().take(LENGTH_DIGITS_MAX).position(|byte| !byte.is_ascii_digit())?;
        let len = std::str::from_utf8(&self.0[..digits]).ok()?.parse().ok()?;
        let (record, rest) = self.0.split_at_checked(len)?;
        let record = record.get(digits..)?.strip_prefix(b" ")?.strip_suffix(b"\n")?;
        let equals = record.iter().position(|byte| *byte == b'=')?;
        self.0 = rest;
        Some(Record { key: &record[..equals], value: &record[equals + 1..] })
    }
}

fn emit_records(walk: &mut Walk<'_>, body: &[u8], is_known: impl Fn(&Record<'_>) -> bool) -> Step {
    let mut records = Records(body);
    for record in records.by_ref() {
        if record.is_number() || is_known(&record) {
            continue;
        }
        let is_text = std::str::from_utf8(record.value).is_ok() && !record.value.contains(&0);
        if is_text {
            emit_text(walk, Role::ArchiveComment, &[record.key, b": ", record.value].concat())?;
        } else {
            // Attributes may hold whole files.
            let key = names::decode(record.key, true).primary;
            walk.child(&key, Relation::Member, Input::Bytes(record.value))?;
        }
    }
    if records.0.iter().all(|byte| *byte == 0) {
        return Ok(());
    }
    broken(walk, "records before an entry do not have the length that they state");
    walk.child("", Relation::Gap, Input::Bytes(records.0))
}

fn broken(walk: &mut Walk<'_>, message: &'static str) {
    walk.problem(Problem::new(ProblemClass::Damaged, "pax_record", message));
}

/// Hands out a text without the zeros around it.
fn emit_text(walk: &mut Walk<'_>, role: Role, bytes: &[u8]) -> Step {
    let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(start, |last| last + 1);
    let text = names::decode(&bytes[start..end], false).primary;
    let (part, place, join, origin) = (Part { role, name: "" }, Place::None, Join::Line, Origin::None);
    walk.emit(&Segment { text: text.as_bytes(), part, place, join, origin })
}
