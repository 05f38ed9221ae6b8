//! The structure of a ZIP file: what its central directory lists, or without one what its local headers say.
//!
//! Own code, because members must not vanish: readers that key members by name keep one of several twins, and refuse
//! files that are cut or have much behind their end. Every number here is a claim of the file; a claim that cannot be
//! right costs a failed read, never an allocation.

use crate::base::{Limits, Problem, ProblemClass};
use crate::content::{Kind, ReadSeek};
use std::io::{self, BufReader, Read, SeekFrom};

const LOCAL: &[u8; 4] = b"PK\x03\x04";
const CENTRAL: &[u8; 4] = b"PK\x01\x02";
const END: &[u8; 4] = b"PK\x05\x06";
const END64: &[u8; 4] = b"PK\x06\x06";
const LOCATOR64: &[u8; 4] = b"PK\x06\x07";
const LOCAL_BYTES: usize = 30;
const CENTRAL_BYTES: usize = 46;
const END_BYTES: usize = 22;
/// The end record and the longest comment.
const TAIL_BYTES: u64 = END_BYTES as u64 + 65_535;
/// Bytes that a search reads at once, at first and later.
const SEARCH_BYTES_MIN: u64 = 4 * 1024;
const SEARCH_BYTES_MAX: u64 = 256 * 1024;
/// Signatures that are looked at for each member that may be found; false ones are rare outside of attacks.
const TRIES_PER_ITEM: u64 = 4;
/// Version of the specification beyond which a local header is no header.
const VERSION_MAX: u16 = 99;
/// Name length beyond which a header found by searching is no header.
const NAME_BYTES_MAX: u16 = 4096;

/// Shorter texts in extra fields are numbers by chance.
const REMARK_BYTES_MIN: usize = 4;

/// What a header says of a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::content) struct Entry {
    /// Where its local header stands.
    pub(in crate::content) header_offset: u64,
    pub(in crate::content) name: Vec<u8>,
    /// Comment on the member; only the directory has one.
    pub(in crate::content) comment: Vec<u8>,
    /// What its extra fields say besides numbers and times.
    pub(super) remarks: Vec<u8>,
    pub(in crate::content) flags: u16,
    pub(in crate::content) method: u16,
    pub(in crate::content) crc: u32,
    pub(in crate::content) compressed_bytes: u64,
    pub(in crate::content) size_bytes: u64,
    /// Number of the file of a split archive in which it begins.
    pub(super) volume: u16,
    /// Whether its data begins or ends in another file of a split archive.
    pub(super) lies_elsewhere: bool,
}

impl Entry {
    pub(in crate::content) fn is_encrypted(&self) -> bool {
        self.flags & 1 != 0
    }

    /// Whether the sizes stand behind the data, so that those of the local header mean nothing.
    pub(in crate::content) fn has_descriptor(&self) -> bool {
        self.flags & 8 != 0
    }

    pub(in crate::content) fn is_utf8(&self) -> bool {
        self.flags & 0x800 != 0
    }
}

/// A local header and where the data behind it starts.
pub(super) struct Local {
    pub(super) entry: Entry,
    pub(super) data_start: u64,
}

/// The structure of a file.
pub(in crate::content) struct Directory {
    /// Members in the order of the directory.
    pub(in crate::content) entries: Vec<Entry>,
    pub(super) comment: Vec<u8>,
    /// Whether a central directory was found.
    pub(super) listed: bool,
    /// Number of the file in a split archive, if it is one of several.
    pub(super) volume: Option<u16>,
    /// Where the directory and its end record stand.
    pub(super) records: std::ops::Range<u64>,
    pub(super) len_bytes: u64,
    pub(super) problems: Vec<Problem>,
    /// Bytes at the start that another handler has read.
    pub(super) known: std::ops::Range<u64>,
}

impl Directory {
    /// Reads the structure. Failed reads leave it smaller, never wrong.
    pub(in crate::content) fn read(reader: &mut dyn ReadSeek, limits: &Limits) -> Self {
        let len_bytes = reader.seek(SeekFrom::End(0)).unwrap_or(0);
        let listed = read_listed(reader, len_bytes, limits.items_max).ok().flatten();
        let mut directory = listed.unwrap_or_else(|| Self {
            entries: search_locals(reader, len_bytes, limits.items_max),
            comment: Vec::new(),
            listed: false,
            volume: is_first_volume(reader).then_some(0),
            records: len_bytes..len_bytes,
            len_bytes,
            problems: Vec::new(),
            known: 0..0,
        });
        directory.mark_elsewhere(reader);
        if directory.entries.len() as u64 > limits.items_max {
            let message = "the archive lists more members than the bound; the rest was not read";
            directory.problems.push(Problem::limit("items_max", limits.items_max, message));
            directory.entries.truncate(limits.items_max as usize);
        }
        directory
    }

    /// Marks the members of a split archive that do not lie in this file.
    fn mark_elsewhere(&mut self, reader: &mut dyn ReadSeek) {
        let Some(volume) = self.volume else { return };
        for entry in &mut self.entries {
            let local = read_local(reader, entry.header_offset).ok().flatten();
            let end = local.map_or(u64::MAX, |local| local.data_start.saturating_add(entry.compressed_bytes));
            // The sizes of a member that is written as it is packed stand behind it.
            let is_open = !self.listed && entry.has_descriptor() && entry.compressed_bytes == 0;
            entry.lies_elsewhere = entry.volume != volume || end > self.len_bytes || is_open;
        }
    }

    /// Whether members are listed behind something else at the start of the file.
    pub(in crate::content) fn is_behind_prefix(&self) -> bool {
        self.listed && self.entries.iter().map(|entry| entry.header_offset).min().is_some_and(|first| first > 0)
    }

    /// Says that the bytes before the first member were read by another handler, and returns their number.
    pub(in crate::content) fn know_prefix(&mut self) -> u64 {
        self.known = 0..self.entries.iter().map(|entry| entry.header_offset).min().unwrap_or(0);
        self.known.end
    }

    /// What the file is to people, told by the names of its members.
    pub(in crate::content) fn kind(&self) -> Kind {
        let has = |prefix: &[u8]| self.entries.iter().any(|entry| entry.name.starts_with(prefix));
        let has_part = |name: &[u8]| self.entries.iter().any(|entry| entry.name == name);
        if has_part(b"content.xml") && (has_part(b"META-INF/manifest.xml") || has_part(b"mimetype")) {
            return Kind::OpenDocument;
        }
        if !has(b"[Content_Types].xml") && !has(b"_rels/.rels") {
            return Kind::Zip;
        }
        let families: [(&[u8], Kind); 3] = [(b"word/", Kind::Docx), (b"xl/", Kind::Xlsx), (b"ppt/", Kind::Pptx)];
        families.into_iter().find(|(prefix, _)| has(prefix)).map_or(Kind::Zip, |(_, kind)| kind)
    }
}

/// Whether a file without a directory is the first of a split archive.
fn is_first_volume(reader: &mut dyn ReadSeek) -> bool {
    let mut head = [0; 8];
    let read = reader.seek(SeekFrom::Start(0)).and_then(|_| reader.read_exact(&mut head));
    read.is_ok() && head == *b"PK\x07\x08PK\x03\x04"
}

/// Reads the local header at an offset.
pub(super) fn read_local(reader: &mut dyn ReadSeek, offset: u64) -> io::Result<Option<Local>> {
    reader.seek(SeekFrom::Start(offset))?;
    let mut fixed = [0; LOCAL_BYTES];
    reader.read_exact(&mut fixed)?;
    if !fixed.starts_with(LOCAL) {
        return Ok(None);
    }
    let fields = Fields(&fixed);
    let (name_len, extra_len) = (fields.u16(26), fields.u16(28));
    let mut name = vec![0; usize::from(name_len)];
    let mut extra = vec![0; usize::from(extra_len)];
    reader.read_exact(&mut name)?;
    reader.read_exact(&mut extra)?;
    let mut entry = Entry {
        header_offset: offset,
        name,
        comment: Vec::new(),
        remarks: remarks(&extra),
        flags: fields.u16(6),
        method: fields.u16(8),
        crc: fields.u32(14),
        compressed_bytes: u64::from(fields.u32(18)),
        size_bytes: u64::from(fields.u32(22)),
        volume: 0,
        lies_elsewhere: false,
    };
    widen(&mut entry, &extra);
    let data_start = offset + (LOCAL_BYTES + usize::from(name_len) + usize::from(extra_len)) as u64;
    Ok(Some(Local { entry, data_start }))
}

/// The first place of a signature in a range.
pub(super) fn find(
    reader: &mut dyn ReadSeek,
    range: std::ops::Range<u64>,
    signature: &[u8; 4],
) -> io::Result<Option<u64>> {
    let mut at = range.start;
    // The next record is mostly near, so reads start small.
    let mut window = SEARCH_BYTES_MIN;
    let mut buffer = Vec::new();
    while at + 4 <= range.end {
        buffer.clear();
        reader.seek(SeekFrom::Start(at))?;
        reader.take((range.end - at).min(window)).read_to_end(&mut buffer)?;
        if let Some(found) = memchr::memmem::find(&buffer, signature) {
            return Ok(Some(at + found as u64));
        }
        if buffer.len() < 4 {
            break;
        }
        // The signature may lie across two reads.
        at += buffer.len() as u64 - 3;
        window = SEARCH_BYTES_MAX.min(window * 4);
    }
    Ok(None)
}

fn read_listed(reader: &mut dyn ReadSeek, len_bytes: u64, items_max: u64) -> io::Result<Option<Directory>> {
    let tail_start = len_bytes.saturating_sub(TAIL_BYTES);
    let mut tail = Vec::new();
    reader.seek(SeekFrom::Start(tail_start))?;
    reader.take(TAIL_BYTES).read_to_end(&mut tail)?;
    let mut end = tail.len();
    let mut fallback = None;
    // Each round looks before the place found last, so the tail bounds the loop.
    while let Some(at) = memchr::memmem::rfind(&tail[..end], END) {
        end = at;
        let Some(record) = tail.get(at..at + END_BYTES) else { continue };
        let found = read_candidate(reader, tail_start + at as u64, record, items_max)?;
        let Some((entries, start, declared)) = found else { continue };
        let comment_len = usize::from(Fields(record).u16(20)).min(tail.len() - at - END_BYTES);
        let comment = tail[at + END_BYTES..at + END_BYTES + comment_len].to_vec();
        let records = start..tail_start + (at + END_BYTES + comment_len) as u64;
        let mut problems = Vec::new();
        if declared != entries.len() as u64 && (entries.len() as u64) <= items_max {
            problems.push(conflict("count_conflict", "the directory holds another number of members than it states"));
        }
        let volume = Some(Fields(record).u16(4)).filter(|number| !matches!(*number, 0 | u16::MAX));
        let directory = Directory { entries, comment, listed: true, volume, records, len_bytes, problems, known: 0..0 };
        if !directory.entries.is_empty() {
            return Ok(Some(directory));
        }
        fallback.get_or_insert(directory);
    }
    // An empty directory is only believed of a file without local headers.
    Ok(fallback.filter(|directory| directory.records.start == 0))
}

type Candidate = (Vec<Entry>, u64, u64);

fn read_candidate(reader: &mut dyn ReadSeek, at: u64, record: &[u8], items_max: u64) -> io::Result<Option<Candidate>> {
    let fields = Fields(record);
    let (mut count, mut size, mut declared) =
        (u64::from(fields.u16(10)), u64::from(fields.u32(12)), u64::from(fields.u32(16)));
    let mut directory_end = at;
    if let Some((wide_at, wide)) = read_end64(reader, at)? {
        let wide = Fields(&wide);
        (count, size, declared) = (wide.u64(32), wide.u64(40), wide.u64(48));
        directory_end = wide_at;
    }
    // Bytes before the archive move everything by their length, and the place before the end record tells by how much.
    for start in [directory_end.checked_sub(size), Some(declared)].into_iter().flatten() {
        let shift = start.wrapping_sub(declared);
        let entries = read_central(reader, start..directory_end, shift, items_max)?;
        if !entries.is_empty() || (count == 0 && size == 0) {
            return Ok(Some((entries, start, count)));
        }
    }
    Ok(None)
}

/// The wide end record, found through its locator.
fn read_end64(reader: &mut dyn ReadSeek, end_at: u64) -> io::Result<Option<(u64, [u8; 56])>> {
    let Some(locator_at) = end_at.checked_sub(20) else { return Ok(None) };
    let mut locator = [0; 20];
    reader.seek(SeekFrom::Start(locator_at))?;
    reader.read_exact(&mut locator)?;
    if !locator.starts_with(LOCATOR64) {
        return Ok(None);
    }
    // Its usual place right before the locator holds in files with a prefix too.
    for at in [locator_at.checked_sub(56), Some(Fields(&locator).u64(8))].into_iter().flatten() {
        let mut record = [0; 56];
        reader.seek(SeekFrom::Start(at))?;
        if reader.read_exact(&mut record).is_ok() && record.starts_with(END64) {
            return Ok(Some((at, record)));
        }
    }
    Ok(None)
}

fn read_central(
    reader: &mut dyn ReadSeek,
    range: std::ops::Range<u64>,
    shift: u64,
    items_max: u64,
) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    reader.seek(SeekFrom::Start(range.start))?;
    let mut records = BufReader::new(reader.take(range.end.saturating_sub(range.start)));
    let mut fixed = [0; CENTRAL_BYTES];
    while entries.len() as u64 <= items_max && records.read_exact(&mut fixed).is_ok() && fixed.starts_with(CENTRAL) {
        let fields = Fields(&fixed);
        let mut name = vec![0; usize::from(fields.u16(28))];
        let mut extra = vec![0; usize::from(fields.u16(30))];
        let mut comment = vec![0; usize::from(fields.u16(32))];
        let read = records
            .read_exact(&mut name)
            .and_then(|()| records.read_exact(&mut extra))
            .and_then(|()| records.read_exact(&mut comment));
        if read.is_err() {
            break;
        }
        let mut entry = Entry {
            header_offset: u64::from(fields.u32(42)),
            name,
            comment,
            remarks: remarks(&extra),
            flags: fields.u16(8),
            method: fields.u16(10),
            crc: fields.u32(16),
            compressed_bytes: u64::from(fields.u32(20)),
            size_bytes: u64::from(fields.u32(24)),
            volume: fields.u16(34),
            lies_elsewhere: false,
        };
        widen(&mut entry, &extra);
        entry.header_offset = entry.header_offset.wrapping_add(shift);
        entries.push(entry);
    }
    Ok(entries)
}

/// Members by their local headers, for files without a directory.
fn search_locals(reader: &mut dyn ReadSeek, len_bytes: u64, items_max: u64) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut at = 0;
    // What this leaves behind is walked as a gap, so the bound hides nothing.
    for _ in 0..items_max.saturating_mul(TRIES_PER_ITEM) {
        if entries.len() as u64 > items_max {
            break;
        }
        let Ok(Some(found)) = find(reader, at..len_bytes, LOCAL) else { break };
        at = found + 4;
        let Ok(Some(local)) = read_local(reader, found) else { continue };
        if !is_plausible(reader, found, &local.entry) {
            continue;
        }
        let mut entry = local.entry;
        let data_end = local.data_start.saturating_add(entry.compressed_bytes);
        at = if entry.has_descriptor() || data_end > len_bytes { local.data_start } else { data_end };
        entry.header_offset = found;
        entries.push(entry);
    }
    entries
}

/// Whether bytes that look like a header can be one.
fn is_plausible(reader: &mut dyn ReadSeek, at: u64, entry: &Entry) -> bool {
    let mut fixed = [0; LOCAL_BYTES];
    let read = reader.seek(SeekFrom::Start(at)).and_then(|_| reader.read_exact(&mut fixed));
    let fields = Fields(&fixed);
    read.is_ok()
        && fields.u16(4) & 0xFF <= VERSION_MAX
        && (1..=NAME_BYTES_MAX).contains(&fields.u16(26))
        && (entry.method <= 20 || (93..=99).contains(&entry.method))
}

/// Replaces sizes and offset that do not fit 32 bits by those of the extra field 0x0001.
fn widen(entry: &mut Entry, extra: &[u8]) {
    for (_, body) in extra_fields(extra).filter(|(id, _)| *id == 1) {
        let mut numbers = body.chunks_exact(8).map(|bytes| Fields(bytes).u64(0));
        for field in [&mut entry.size_bytes, &mut entry.compressed_bytes, &mut entry.header_offset] {
            if *field == u64::from(u32::MAX) {
                *field = numbers.next().unwrap_or(*field);
            }
        }
    }
}

/// The fields of an extra field by their numbers. What is no field any more has the number 0.
fn extra_fields(extra: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut rest = extra;
    std::iter::from_fn(move || {
        let whole = (!rest.is_empty()).then(|| std::mem::take(&mut rest))?;
        let field = whole.split_at_checked(4).and_then(|(head, tail)| {
            let (body, next) = tail.split_at_checked(usize::from(Fields(head).u16(2)))?;
            Some((Fields(head).u16(0), body, next))
        });
        let (id, body, next) = field.unwrap_or((0, whole, &[]));
        rest = next;
        Some((id, body))
    })
}

/// Whether a field holds sizes, times, owners or the parameters of a cipher, in the length that these have.
fn is_numbers(id: u16, body: &[u8]) -> bool {
    let has_length = match id {
        0x0001 => matches!(body.len(), 8 | 16 | 24 | 28),
        // Times of Windows stand behind four bytes of zeros, their mark and their length.
        0x000A => body.len() == 32 && body.starts_with(b"\0\0\0\0\x01\0\x18\0"),
        0x5455 => matches!(body.len(), 5 | 9 | 13),
        0x5855 => matches!(body.len(), 8 | 12),
        0x7855 => body.len() == 4,
        // Two numbers, each behind its length.
        0x7875 => matches!(body.len(), 11 | 19) && body.starts_with(b"\x01"),
        0x9901 => body.len() == 7,
        _ => false,
    };
    has_length && !body.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ')
}

/// The fields that may hold words, one on each line.
fn remarks(extra: &[u8]) -> Vec<u8> {
    let mut remarks = Vec::new();
    for (id, body) in extra_fields(extra) {
        let text = match id {
            _ if is_numbers(id, body) => continue,
            // Names and comments in Unicode stand behind a version and a sum.
            0x6375 | 0x7075 => body.get(5..).unwrap_or_default(),
            _ => body,
        };
        if text.iter().filter(|byte| byte.is_ascii_graphic()).count() >= REMARK_BYTES_MIN {
            remarks.extend_from_slice(text);
            remarks.push(b'\n');
        }
    }
    remarks
}

pub(super) fn conflict(reason: &'static str, message: &str) -> Problem {
    Problem::new(ProblemClass::Ambiguous, reason, message)
}

/// Little-endian numbers in a record; places behind its end read as zero.
struct Fields<'f>(&'f [u8]);

impl Fields<'_> {
    fn u16(&self, at: usize) -> u16 {
        self.0.get(at..at + 2).and_then(|bytes| bytes.try_into().ok()).map_or(0, u16::from_le_bytes)
    }

    fn u32(&self, at: usize) -> u32 {
        self.0.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes)
    }

    fn u64(&self, at: usize) -> u64 {
        self.0.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_le_bytes)
    }
}
