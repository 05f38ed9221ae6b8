//! tar: entries in a row, with the long names of GNU and POSIX. Concatenated archives are read through.

use super::budget::{Counted, Metered};
use super::walk::{Step, Walk, with_reader};
use super::{Input, Join, Origin, Part, Place, Relation, Role, Segment, names};
use std::cell::Cell;
use std::io::Read;

/// Walks an archive; every file is a child, other entries only have names.
pub(super) fn walk(walk: &mut Walk<'_>, input: Input<'_>) -> Step {
    with_reader(input, |reader| {
        let (count, budget) = (Cell::new(0), walk.budget);
        let mut archive = tar::Archive::new(Counted::new(reader, &count));
        archive.set_ignore_zeros(true);
        let failed = match archive.entries() {
            Ok(entries) => entries_of(walk, entries, &count)?,
            Err(error) => Some(error),
        };
        let Some(error) = failed else { return Ok(()) };
        if budget.is_exhausted() {
            return Err(walk.read_failed(&error));
        }
        // What follows a broken header is not lost: it is recognised by itself.
        let _ = walk.read_failed(&error);
        walk.child("", Relation::Gap, Input::Stream(&mut archive.into_inner()))
    })
}

fn entries_of<R: Read>(
    walk: &mut Walk<'_>,
    entries: tar::Entries<'_, R>,
    count: &Cell<u64>,
) -> Step<Option<std::io::Error>> {
    for entry in entries {
        match entry {
            Ok(mut entry) => one(walk, &mut entry, count)?,
            Err(error) => return Ok(Some(error)),
        }
    }
    Ok(None)
}

fn one<R: Read>(walk: &mut Walk<'_>, entry: &mut tar::Entry<'_, R>, count: &Cell<u64>) -> Step {
    let name = names::decode(&entry.path_bytes(), true).primary;
    if let Some(target) = entry.link_name_bytes() {
        let target = names::decode(&target, true).primary;
        walk.emit_name(&target)?;
    }
    emit_remarks(walk, entry)?;
    let kind = entry.header().entry_type();
    if kind.is_dir() || (kind.is_hard_link() || kind.is_symlink()) && entry.size() == 0 {
        return walk.emit_name(&name);
    }
    if kind.is_gnu_sparse() {
        // Holes of a sparse file come as zeros that are nowhere in the archive, so they are charged like inflation.
        let (budget, before) = (walk.budget, count.get());
        let input_bytes = Cell::new(before.max(1));
        let mut metered = Metered::new(entry, budget, &input_bytes);
        return walk.child(&name, Relation::Member, Input::Stream(&mut metered));
    }
    walk.child(&name, Relation::Member, Input::Stream(entry))
}

/// What the records of an entry say besides its name, size and times: comments and the attributes of its file system.
fn emit_remarks<R: Read>(walk: &mut Walk<'_>, entry: &mut tar::Entry<'_, R>) -> Step {
    // Broken records are reported when the entry is read.
    let Ok(Some(records)) = entry.pax_extensions() else { return Ok(()) };
    let is_number = |key: &[u8]| key.ends_with(b"time") || key.ends_with(b"id") || key == b"size" || key == b"charset";
    let is_name = |key: &[u8]| key == b"path" || key == b"linkpath";
    let remarks = records.flatten().map(|record| (record.key_bytes().to_vec(), record.value_bytes().to_vec()));
    let remarks: Vec<_> = remarks.filter(|(key, _)| !is_number(key) && !is_name(key)).collect();
    for (key, value) in remarks {
        let (key, value) = (names::decode(&key, true).primary, names::decode(&value, false).primary);
        let (text, part) = (format!("{key}: {value}"), Part { role: Role::ArchiveComment, name: "" });
        let (place, join, origin) = (Place::None, Join::Line, Origin::None);
        walk.emit(&Segment { text: text.as_bytes(), part, place, join, origin })?;
    }
    Ok(())
}
