//! Compound files: documents, workbooks, presentations and messages of older Office versions, and the wrapper around
//! encrypted new ones.
//!
//! A file holds one document in its root and may hold others in storages; each is an item. What no reader takes is
//! walked as a child, and so are bytes that belong to nothing, so every byte is looked at.

mod excel;
mod file;
mod macros;
mod message;
mod password;
mod pictures;
mod powerpoint;
mod properties;
mod records;
mod word;

pub(super) use excel::packed_number;

use super::walk::{Step, Walk};
use super::xml::{self, data::Properties};
use super::{Input, ItemStart, Join, Kind, Origin, Part, Place, Relation, Role, Segment, document, ole};
use crate::base::{Problem, ProblemClass};
use file::{Compound, EntryKind};
use std::collections::HashSet;

/// Directory names of an encrypted Office Open XML document.
const ENCRYPTED_STREAMS: [&str; 2] = ["EncryptionInfo", "EncryptedPackage"];
/// The storage that tells how a package is encrypted, and its stream of sensitivity labels, which is not encrypted.
const DATA_SPACES: &str = "\u{6}DataSpaces";
const LABELS_STREAM: &str = "LabelInfo";
/// Streams by which documents are told.
const MAIN_STREAMS: [(&str, Kind); 5] = [
    ("WordDocument", Kind::Doc),
    ("Workbook", Kind::Xls),
    ("Book", Kind::Xls),
    ("PowerPoint Document", Kind::Ppt),
    ("__properties_version1.0", Kind::Msg),
];
/// A directory entry: name of 64 bytes, then its length in bytes, terminator included.
const ENTRY_BYTES: usize = 128;
/// Only the object types storage, stream and root storage occur.
const OBJECT_TYPES: [u8; 3] = [1, 2, 5];
/// Streams may share sectors, but not so many that a small file becomes a large one.
const READ_RATIO_MAX: u64 = 4;

/// What a compound file is to people.
pub(super) fn kind(bytes: &[u8]) -> Kind {
    Compound::open(bytes).map_or(Kind::Cfb, |file| kind_of(&file, 0).unwrap_or(Kind::Cfb))
}

fn kind_of(file: &Compound<'_>, storage: usize) -> Option<Kind> {
    let has = |name: &str| file.find(storage, name).is_some_and(|index| file.entries[index].kind == EntryKind::Stream);
    MAIN_STREAMS.iter().find(|(name, _)| has(name)).map(|(_, kind)| *kind)
}

/// Walks a compound file.
pub(super) fn walk(walk: &mut Walk<'_>, bytes: &[u8]) -> Step {
    let file = Compound::open(bytes);
    let bytes_max = (bytes.len() as u64).saturating_mul(READ_RATIO_MAX);
    let mut reading = file.as_ref().map(|file| Reading { file, read: HashSet::new(), bytes_read: 0, bytes_max });
    // Where a server of rights holds the key, nothing says how to derive one.
    let is_package = has_stream(bytes, ENCRYPTED_STREAMS[1])
        && (has_stream(bytes, ENCRYPTED_STREAMS[0]) || has_stream(bytes, DATA_SPACES));
    if is_package && !reading.as_mut().map_or(Ok(false), |reading| reading.package(walk))? {
        let message = "the document is encrypted; its content was not read";
        walk.problem(Problem::new(ProblemClass::Encrypted, "ooxml_encrypted", message));
    }
    let Some((file, mut reading)) = file.as_ref().zip(reading) else {
        return document::unsupported(walk, Kind::Cfb.as_str(), Input::Bytes(bytes));
    };
    reading.document(walk, 0)?;
    for storage in reading.inner_documents() {
        let kind = kind_of(file, storage).unwrap_or(Kind::Cfb);
        let name = file.path(storage);
        let start = ItemStart { name: &name, kind, relation: Relation::Embedded };
        walk.inner(start, |walk| reading.document(walk, storage))?;
    }
    reading.rest(walk)?;
    if file.is_cut() {
        let message = "the file ends before its streams do; what could be read was scanned";
        walk.problem(Problem::new(ProblemClass::Damaged, "truncated", message));
    }
    gap(walk, "", &file.unclaimed())
}

/// Walks what a reader left of a stream, if it left anything.
fn gap(walk: &mut Walk<'_>, name: &str, rest: &[u8]) -> Step {
    let rest = pictures::walk(walk, rest)?;
    if rest.is_empty() { Ok(()) } else { walk.child(name, Relation::Gap, Input::Bytes(&rest)) }
}

/// A file and what of it was read.
struct Reading<'f> {
    file: &'f Compound<'f>,
    read: HashSet<usize>,
    bytes_read: u64,
    bytes_max: u64,
}

impl Reading<'_> {
    /// Storages below the root that hold a document. Recipients and attachments have properties like messages, but
    /// only an attached message lies in a property.
    fn inner_documents(&self) -> Vec<usize> {
        let entries = self.file.entries.iter().enumerate().skip(1);
        let storages = entries.filter(|(_, entry)| entry.kind == EntryKind::Storage);
        let is_document = |(index, entry): &(usize, &file::Entry)| match kind_of(self.file, *index) {
            Some(Kind::Msg) => entry.name.starts_with("__substg"),
            kind => kind.is_some(),
        };
        storages.filter(is_document).map(|(index, _)| index).collect()
    }

    /// The content of a stream; nothing when streams that share bytes would give too much.
    fn stream(&mut self, walk: &mut Walk<'_>, index: usize) -> Option<Vec<u8>> {
        if self.bytes_read > self.bytes_max {
            return None;
        }
        let stream = self.file.stream(index);
        self.bytes_read += stream.len() as u64;
        self.read.insert(index);
        if self.bytes_read > self.bytes_max {
            let message = "streams share their bytes; the rest of them was not read";
            walk.problem(Problem::new(ProblemClass::Ambiguous, "overlap", message));
        }
        Some(stream)
    }

    fn named(&mut self, walk: &mut Walk<'_>, storage: usize, name: &str) -> Option<Vec<u8>> {
        self.file.find(storage, name).and_then(|index| self.stream(walk, index))
    }

    /// Walks the package that an encrypted document is, if everybody's password opens it.
    fn package(&mut self, walk: &mut Walk<'_>) -> Step<bool> {
        let file = self.file;
        let [info, package] = ENCRYPTED_STREAMS.map(|name| file.find(0, name));
        let Some((info, package)) = info.zip(package) else { return Ok(false) };
        let streams = self.stream(walk, info).zip(self.stream(walk, package));
        walk.check_budget()?;
        let opened = streams.and_then(|(info, package)| password::open_package(&info, &package, walk.budget));
        if let Some(hit) = walk.budget.take_hit() {
            walk.problem(hit.problem());
        }
        let Some(opened) = opened else {
            // Their bytes are looked at with those of the other streams.
            self.read.retain(|index| ![info, package].contains(index));
            return Ok(false);
        };
        walk.problem(password::opened());
        walk_package(walk, &opened)?;
        Ok(true)
    }

    /// Reads the document of a storage.
    fn document(&mut self, walk: &mut Walk<'_>, storage: usize) -> Step {
        for (name, is_document) in [("\u{5}SummaryInformation", false), ("\u{5}DocumentSummaryInformation", true)] {
            if let Some(stream) = self.named(walk, storage, name) {
                properties::walk(walk, &stream, is_document)?;
            }
        }
        match kind_of(self.file, storage) {
            Some(Kind::Doc) => self.word(walk, storage),
            Some(Kind::Xls) => self.excel(walk, storage),
            Some(Kind::Ppt) => self.powerpoint(walk, storage),
            Some(Kind::Msg) => message::walk(walk, self.file, storage, &mut self.read),
            _ => Ok(()),
        }
    }

    fn word(&mut self, walk: &mut Walk<'_>, storage: usize) -> Step {
        let main = self.named(walk, storage, "WordDocument").unwrap_or_default();
        // Their bytes are looked at with those of the other streams, too.
        let table = |name: &str| self.file.find(storage, name).map(|index| self.file.stream(index));
        let streams = word::Streams { tables: [table("0Table"), table("1Table")], main };
        let rest = word::walk(walk, &streams)?;
        gap(walk, "WordDocument", &rest)
    }

    fn excel(&mut self, walk: &mut Walk<'_>, storage: usize) -> Step {
        for name in ["Workbook", "Book"] {
            if let Some(stream) = self.named(walk, storage, name) {
                let rest = excel::walk(walk, &stream)?;
                gap(walk, name, &rest)?;
            }
        }
        Ok(())
    }

    fn powerpoint(&mut self, walk: &mut Walk<'_>, storage: usize) -> Step {
        let user = self.named(walk, storage, "Current User").unwrap_or_default();
        let stream = self.named(walk, storage, "PowerPoint Document").unwrap_or_default();
        if powerpoint::is_encrypted(&user) {
            walk.problem(powerpoint::encrypted());
            return gap(walk, "PowerPoint Document", &stream);
        }
        let rest = powerpoint::walk(walk, &stream)?;
        gap(walk, "PowerPoint Document", &rest)
    }

    /// Walks the streams that no reader took.
    fn rest(&mut self, walk: &mut Walk<'_>) -> Step {
        let is_stream = |index: &usize| {
            let entry = &self.file.entries[*index];
            entry.kind == EntryKind::Stream && !entry.name.is_empty()
        };
        let streams: Vec<usize> = (1..self.file.entries.len()).filter(is_stream).collect();
        for index in streams {
            if self.read.contains(&index) {
                continue;
            }
            let Some(stream) = self.stream(walk, index) else { return Ok(()) };
            self.stray(walk, index, &stream)?;
        }
        Ok(())
    }

    fn stray(&self, walk: &mut Walk<'_>, index: usize, stream: &[u8]) -> Step {
        let entry = &self.file.entries[index];
        let path = self.file.path(index);
        if entry.name == "\u{1}Ole10Native"
            && let Some(wrapped) = ole::package(stream)
        {
            return walk.child(&wrapped.name, Relation::Embedded, Input::Bytes(wrapped.bytes));
        }
        if entry.name == LABELS_STREAM {
            xml::visit(walk, &mut &stream[..], &path, &mut Properties::default())?;
        }
        let is_macro = self.file.entries[entry.parent].name.eq_ignore_ascii_case("VBA");
        if is_macro && let Some(source) = macros::source(stream) {
            let part = Part { role: Role::Script, name: &path };
            let (place, origin) = (Place::None, Origin::None);
            walk.emit(&Segment { text: &source, part, place, join: Join::Line, origin })?;
        }
        let rest = pictures::walk(walk, stream)?;
        if rest.is_empty() { Ok(()) } else { walk.child(&path, Relation::Embedded, Input::Bytes(&rest)) }
    }
}

/// Walks a package, and what the length in front of it leaves out.
fn walk_package(walk: &mut Walk<'_>, package: &password::Package) -> Step {
    let password::Package { content, rest, is_cut } = package;
    let _held = walk.budget.hold((content.len() + rest.len()) as u64);
    walk.child(ENCRYPTED_STREAMS[1], Relation::Embedded, Input::Bytes(content))?;
    if *is_cut {
        walk.bad_structure("the package in the document is shorter than it says");
    }
    if rest.len() > password::BLOCK_BYTES {
        walk.bad_structure(
            "the package in the document is longer than it says; what is behind it was scanned by itself",
        );
    }
    if rest.iter().all(|byte| *byte == 0) { Ok(()) } else { walk.child("", Relation::Gap, Input::Bytes(rest)) }
}

/// Whether a directory entry bears the name. Entries are found by their shape, so a broken chain of sectors hides none.
fn has_stream(bytes: &[u8], name: &str) -> bool {
    let wide: Vec<u8> = name.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
    memchr::memmem::find_iter(bytes, &wide).any(|at| {
        let Some(entry) = bytes.get(at..at + ENTRY_BYTES) else { return false };
        at % ENTRY_BYTES == 0
            && usize::from(u16::from_le_bytes([entry[64], entry[65]])) == wide.len()
            && OBJECT_TYPES.contains(&entry[66])
    })
}
