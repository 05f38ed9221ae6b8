//! ZIP archives: every member that any header tells of, and every byte between them.
//!
//! Where the directory and a local header disagree, both readings are scanned and the archive is `ambiguous`. Data that
//! no header covers is walked as an item of its own.

mod directory;
mod member;
mod old;

pub(super) use directory::{Directory, Entry};
pub(super) use member::{OtherVolume, SumMismatch};

use super::budget::{Counted, Metered};
use super::frames::{self, Frames, Zstd};
use super::walk::{Step, Walk};
use super::{Input, Join, Kind, Origin, Part, Place, ReadSeek, Relation, Role, Segment, names, plain};
use crate::base::{Problem, ProblemClass};
use directory::{Local, conflict, read_local};
use member::{Checked, Decoder, Section};
use std::cell::Cell;
use std::io::Read;
use std::ops::Range;

/// Part of an OpenDocument package that says which of its parts are encrypted.
const MANIFEST: &[u8] = b"META-INF/manifest.xml";
/// Reason of what lies in another file of a split archive.
const MULTI_VOLUME: &str = "multi_volume";
/// Bytes of the manifest that are looked at.
const MANIFEST_BYTES: u64 = 1024 * 1024;
/// Methods of zstd, the older number too.
const ZSTD: [u16; 2] = [93, 20];
/// Longest data descriptor.
const DESCRIPTOR_BYTES: u64 = 24;

/// Walks an archive whose directory was read.
pub(super) fn walk(walk: &mut Walk<'_>, reader: &mut dyn ReadSeek, directory: &Directory, relation: Relation) -> Step {
    preamble(walk, directory, relation)?;
    let members: Vec<Member<'_>> =
        distinct(walk, directory).into_iter().map(|(entry, next)| Member { entry, next }).collect();
    has_encrypted_parts(walk, reader, &members)?;
    walk_members(walk, reader, directory, &members)
}

/// Walks the members of an archive whose structure was judged before.
pub(super) fn walk_members(
    walk: &mut Walk<'_>,
    reader: &mut dyn ReadSeek,
    directory: &Directory,
    members: &[Member<'_>],
) -> Step {
    let mut covered = vec![directory.records.clone(), directory.known.clone()];
    for Member { entry, next } in members {
        covered.push(one(walk, reader, entry, *next..directory.len_bytes)?);
    }
    gaps(walk, reader, directory, covered)
}

/// What is known before any member is read.
fn preamble(walk: &mut Walk<'_>, directory: &Directory, relation: Relation) -> Step {
    for problem in &directory.problems {
        walk.problem(problem.clone());
    }
    if directory.volume.is_some() {
        walk.problem(other_volume("the file is one of a split archive; what lies in the others was not read"));
    } else if !directory.listed && relation != Relation::Gap {
        let message = "no central directory; members were read by their local headers";
        walk.problem(Problem::new(ProblemClass::Damaged, "truncated", message));
    }
    let comments = directory.entries.iter().map(|entry| &entry.comment);
    comments.chain([&directory.comment]).try_for_each(|comment| emit_comment(walk, comment))
}

pub(super) fn other_volume(message: &str) -> Problem {
    Problem::new(ProblemClass::Unreadable, MULTI_VOLUME, message)
}

fn emit_comment(walk: &mut Walk<'_>, comment: &[u8]) -> Step {
    let part = Part { role: Role::ArchiveComment, name: "" };
    let text = names::decode(comment, false).primary;
    walk.emit(&Segment { text: text.as_bytes(), part, place: Place::None, join: Join::Line, origin: Origin::None })
}

/// What the extra fields of a member say, in either header.
fn emit_remarks(walk: &mut Walk<'_>, entry: &Entry, local: &Local) -> Step {
    emit_comment(walk, &entry.remarks)?;
    if local.entry.remarks == entry.remarks { Ok(()) } else { emit_comment(walk, &local.entry.remarks) }
}

/// Encrypted OpenDocument parts look like any stored or deflated member; only the manifest tells.
pub(super) fn has_encrypted_parts(
    walk: &mut Walk<'_>,
    reader: &mut dyn ReadSeek,
    members: &[Member<'_>],
) -> Step<bool> {
    let Some(member) = members.iter().find(|member| member.entry.name == MANIFEST) else { return Ok(false) };
    let mut bytes = Vec::new();
    with_part(walk, reader, member, |_, content| {
        // A broken manifest is reported when it is read as a member.
        let _ = content.take(MANIFEST_BYTES).read_to_end(&mut bytes);
        Ok(())
    })?;
    let is_encrypted = memchr::memmem::find(&bytes, b"encryption-data").is_some();
    if is_encrypted {
        let message = "the manifest lists encrypted parts; their content was not read";
        walk.problem(Problem::new(ProblemClass::Encrypted, "odf", message));
    }
    Ok(is_encrypted)
}

/// Entries in file order, one for each local header, with the place where the next record starts.
fn distinct<'d>(walk: &mut Walk<'_>, directory: &'d Directory) -> Vec<(&'d Entry, u64)> {
    let mut entries: Vec<&Entry> = directory.entries.iter().collect();
    entries.sort_by_key(|entry| entry.header_offset);
    let before = entries.len();
    entries.dedup_by_key(|entry| entry.header_offset);
    if entries.len() < before {
        walk.problem(conflict("overlap", "several members share one local header; it was read once"));
    }
    let mut names: Vec<&[u8]> = entries.iter().map(|entry| entry.name.as_slice()).collect();
    names.sort_unstable();
    if !names.is_sorted_by(|a, b| a < b) {
        walk.problem(conflict("duplicate_name", "several members have the same name; all were read"));
    }
    let starts: Vec<u64> = entries.iter().skip(1).map(|entry| entry.header_offset).collect();
    with_next(entries, starts, directory)
}

fn with_next<'d>(entries: Vec<&'d Entry>, starts: Vec<u64>, directory: &Directory) -> Vec<(&'d Entry, u64)> {
    let last = |entry: &Entry| match directory.records.start {
        start if start > entry.header_offset => start,
        _ => directory.len_bytes,
    };
    let mut starts = starts.into_iter();
    entries.into_iter().map(|entry| (entry, starts.next().unwrap_or_else(|| last(entry)))).collect()
}

/// Walks one member and returns the bytes that it covers. `bounds` are where the next record starts and the file ends.
fn one(walk: &mut Walk<'_>, reader: &mut dyn ReadSeek, entry: &Entry, bounds: Range<u64>) -> Step<Range<u64>> {
    let nothing = entry.header_offset..entry.header_offset;
    let Ok(Some(local)) = read_local(reader, entry.header_offset) else {
        let name = names::decode(&entry.name, entry.is_utf8()).primary;
        if entry.lies_elsewhere {
            let problem = other_volume("the member lies in another file of a split archive; it was not read");
            return walk.closed_child(&name, Kind::Binary, problem).map(|()| nothing);
        }
        walk.problem(conflict("dangling_central", "the directory lists a member that has no local header"));
        walk.emit_name(&name)?;
        return Ok(nothing);
    };
    let name = announce(walk, entry, &local)?;
    emit_remarks(walk, entry, &local)?;
    let window = window(walk, entry, &local, &bounds);
    let mut end = window.end.min(local.data_start.saturating_add(entry.compressed_bytes)).max(local.data_start);
    if entry.is_encrypted() && local.entry.is_encrypted() {
        walk.closed_child(&name, Kind::Binary, encrypted(entry))?;
        return Ok(entry.header_offset..end);
    }
    if entry.name.ends_with(b"/") && entry.size_bytes == 0 && local.entry.size_bytes == 0 {
        walk.emit_name(&name)?;
        return Ok(entry.header_offset..end);
    }
    let mut readings = vec![entry.method];
    if local.entry.method != entry.method {
        walk.problem(conflict(
            "method_conflict",
            "directory and local header state different methods; both were tried",
        ));
        readings.push(local.entry.method);
    }
    for method in readings {
        let opened = Opened { name: &name, entry, local: &local, method, window: window.clone() };
        if let Some(consumed) = read_member(walk, reader, &opened)? {
            end = end.max(local.data_start + consumed);
        }
    }
    Ok(entry.header_offset..end)
}

/// Hands out every reading of the name and returns the one that people see.
fn announce(walk: &mut Walk<'_>, entry: &Entry, local: &Local) -> Step<String> {
    let decoded = names::decode(&entry.name, entry.is_utf8());
    for other in &decoded.others {
        walk.emit_name(other)?;
    }
    if local.entry.name != entry.name {
        walk.problem(conflict("name_conflict", "directory and local header state different names"));
        walk.emit_name(&names::decode(&local.entry.name, local.entry.is_utf8()).primary)?;
    }
    if local.entry.is_encrypted() != entry.is_encrypted() {
        walk.problem(conflict(
            "encryption_conflict",
            "only one header says that a member is encrypted; it was read as plain",
        ));
    }
    Ok(decoded.primary)
}

/// The bytes in which the data of a member can lie.
fn window(walk: &mut Walk<'_>, entry: &Entry, local: &Local, bounds: &Range<u64>) -> Range<u64> {
    let start = local.data_start;
    let mut claimed = entry.compressed_bytes;
    if !local.entry.has_descriptor() && local.entry.compressed_bytes != entry.compressed_bytes {
        walk.problem(conflict(
            "size_conflict",
            "directory and local header state different sizes; the larger was read",
        ));
        claimed = claimed.max(local.entry.compressed_bytes);
    }
    let next = bounds.start.clamp(start.min(bounds.end), bounds.end);
    let claimed_end = start.saturating_add(claimed);
    if claimed_end > bounds.end {
        if !entry.lies_elsewhere {
            walk.problem(Problem::new(ProblemClass::Damaged, "truncated", "a member is longer than the file"));
        }
    } else if claimed_end > next {
        walk.problem(conflict("overlap", "a member reaches into the next record"));
    }
    // A stream with an end of its own is read to that end, whatever the sizes claim; so is data of unstated size.
    let open_ended = entry.method == 8 || local.entry.method == 8 || (entry.has_descriptor() && claimed == 0);
    let end = if open_ended { next.max(claimed_end) } else { claimed_end };
    start..end.min(bounds.end)
}

fn encrypted(entry: &Entry) -> Problem {
    let reason = match (entry.method, entry.flags & 0x40) {
        (99, _) => "zip_aes",
        (_, 0) => "zip_crypto",
        _ => "zip_strong",
    };
    Problem::new(ProblemClass::Encrypted, reason, "the member needs a password; its content was not read")
}

/// A member ready to be read in one of its readings.
struct Opened<'m> {
    name: &'m str,
    entry: &'m Entry,
    local: &'m Local,
    method: u16,
    window: Range<u64>,
}

impl Opened<'_> {
    /// The sums that the headers state.
    fn sums(&self) -> Vec<u32> {
        let local = (!self.local.entry.has_descriptor()).then_some(self.local.entry.crc);
        std::iter::once(self.entry.crc).chain(local).collect()
    }

    /// A decoder of one of the methods that are decoded here.
    fn decoder<'r, 'c>(&self, section: Counted<'c, Section<'r>>) -> Decoder<'r, 'c> {
        member::decoder(self.method, self.entry, section)
    }
}

/// Walks the content and returns the bytes that the decoder took, if it knows them.
fn read_member(walk: &mut Walk<'_>, reader: &mut dyn ReadSeek, opened: &Opened<'_>) -> Step<Option<u64>> {
    let (budget, count) = (walk.budget, Cell::new(0));
    let section = Counted::new(Section::new(reader, opened.window.clone()), &count);
    if member::is_streamed(opened.method) {
        let checked = Checked::new(opened.decoder(section), opened.sums(), opened.entry);
        let mut metered = Metered::new(checked, budget, &count);
        walk.child(opened.name, Relation::Member, Input::Stream(&mut metered))?;
        return Ok(metered.into_inner().consumed());
    }
    if ZSTD.contains(&opened.method) {
        let frames = Frames::<_, Zstd>::new(member::buffered(section));
        let mut metered = Metered::new(Checked::new(frames, opened.sums(), opened.entry), budget, &count);
        walk.child(opened.name, Relation::Member, Input::Stream(&mut metered))?;
        let is_cut = metered.is_cut();
        return frames::walk_rest(walk, metered.into_inner().into_inner(), is_cut).map(|()| None);
    }
    if member::is_rare(opened.method) {
        let entry = Entry { method: opened.method, ..opened.entry.clone() };
        let step = member::with_rare(&entry, section, |content| {
            walk.child(opened.name, Relation::Member, Input::Stream(&mut Metered::new(content, budget, &count)))
        });
        if let Some(step) = step {
            return step.map(|()| None);
        }
    }
    let message = format!("no decoder for compression method {}; raw bytes were scanned", opened.method);
    walk.problem(Problem::new(ProblemClass::Unsupported, "zip_method", message));
    walk.child(opened.name, Relation::Member, Input::Seekable(&mut Section::new(reader, opened.window.clone())))?;
    Ok(None)
}

/// Walks what no header covers.
fn gaps(walk: &mut Walk<'_>, reader: &mut dyn ReadSeek, directory: &Directory, mut covered: Vec<Range<u64>>) -> Step {
    covered.sort_by_key(|range| range.start);
    covered.push(directory.len_bytes..directory.len_bytes);
    let mut at = 0;
    for range in covered {
        if range.start > at {
            gap(walk, reader, at..range.start, directory)?;
        }
        at = at.max(range.end);
    }
    Ok(())
}

fn gap(walk: &mut Walk<'_>, reader: &mut dyn ReadSeek, range: Range<u64>, directory: &Directory) -> Step {
    let mut head = Vec::new();
    let read = Section::new(reader, range.clone()).take(DESCRIPTOR_BYTES + 1).read_to_end(&mut head);
    let len = range.end - range.start;
    if read.is_ok() && len <= DESCRIPTOR_BYTES {
        // Mostly the sizes behind a member, too small for an item of its own.
        let part = Part { role: Role::Raw, name: "" };
        let origin = Origin::Bytes(range.start);
        return walk.emit(&Segment { text: &head, part, place: Place::None, join: Join::Line, origin });
    }
    if directory.listed && head.starts_with(b"PK\x03\x04") {
        walk.problem(conflict("unlisted_entry", "a member is not in the directory; it was read by its local header"));
    }
    let mut section = Section::new(reader, range.clone());
    if range.start == 0 && range.end == directory.len_bytes {
        return plain::raw(walk, Input::Stream(&mut section));
    }
    walk.child("", Relation::Gap, Input::Seekable(&mut section))
}

/// A member of a package and where the record behind it starts.
pub(super) struct Member<'e> {
    pub(super) entry: &'e Entry,
    pub(super) next: u64,
}

/// The parts of a package, and the trouble that its structure shows.
pub(super) fn members<'d>(walk: &mut Walk<'_>, directory: &'d Directory) -> Step<Vec<Member<'d>>> {
    preamble(walk, directory, Relation::Root)?;
    Ok(distinct(walk, directory).into_iter().map(|(entry, next)| Member { entry, next }).collect())
}

/// Walks the bytes of a package that belong to no part.
pub(super) fn uncovered(
    walk: &mut Walk<'_>,
    reader: &mut dyn ReadSeek,
    directory: &Directory,
    members: &[Member<'_>],
) -> Step {
    let mut covered = vec![directory.records.clone(), directory.known.clone()];
    for Member { entry, .. } in members {
        if let Ok(Some(local)) = read_local(reader, entry.header_offset) {
            let claimed = entry.compressed_bytes.max(local.entry.compressed_bytes);
            covered.push(entry.header_offset..local.data_start.saturating_add(claimed));
        }
    }
    gaps(walk, reader, directory, covered)
}

/// Opens a part of a package for reading in this process; `None` when it is encrypted, missing or rarely packed.
pub(super) fn with_part<T>(
    walk: &mut Walk<'_>,
    reader: &mut dyn ReadSeek,
    member: &Member<'_>,
    run: impl FnOnce(&mut Walk<'_>, &mut dyn Read) -> Step<T>,
) -> Step<Option<T>> {
    let entry = member.entry;
    let Ok(Some(local)) = read_local(reader, entry.header_offset) else {
        walk.problem(conflict("dangling_central", "the directory lists a part that has no local header"));
        return Ok(None);
    };
    if entry.is_encrypted() && local.entry.is_encrypted() {
        walk.problem(encrypted(entry));
        return Ok(None);
    }
    if !member::is_streamed(entry.method) || local.entry.method != entry.method {
        let bounds = member.next..reader_len(reader);
        one(walk, reader, entry, bounds)?;
        return Ok(None);
    }
    if let Err(hit) = walk.budget.take_item() {
        return Err(walk.limit(hit));
    }
    emit_remarks(walk, entry, &local)?;
    let window = window(walk, entry, &local, &(member.next..reader_len(reader)));
    let opened = Opened { name: "", entry, local: &local, method: entry.method, window };
    let (budget, count) = (walk.budget, Cell::new(0));
    let section = Counted::new(Section::new(reader, opened.window.clone()), &count);
    let checked: Checked<Decoder<'_, '_>> = Checked::new(opened.decoder(section), opened.sums(), entry);
    let mut metered = Metered::new(checked, budget, &count);
    run(walk, &mut metered).map(Some)
}

/// Walks a member of a package as a child: an embedded file.
pub(super) fn embedded(walk: &mut Walk<'_>, reader: &mut dyn ReadSeek, member: &Member<'_>) -> Step {
    let name = names::decode(&member.entry.name, member.entry.is_utf8()).primary;
    with_part(walk, reader, member, |walk, content| walk.child(&name, Relation::Embedded, Input::Stream(content)))?;
    Ok(())
}

fn reader_len(reader: &mut dyn ReadSeek) -> u64 {
    reader.seek(std::io::SeekFrom::End(0)).unwrap_or(0)
}
