//! tar: entries in a row, with the long names of GNU and POSIX. Concatenated archives are read through.
//!
//! The library finds the entries. What stands in headers before them it keeps to itself, or leaves out where it does
//! not understand it, so a [`Tape`] keeps those bytes as they pass, and [`headers`] reads them.

mod headers;
mod tape;

use super::budget::Metered;
use super::walk::{Step, Walk, with_reader};
use super::{Input, Relation, names};
use crate::base::{Problem, TAR_HEADERS_BYTES_MAX};
use std::cell::Cell;
use std::io::{Cursor, Read};
use tape::{Tape, Taped};

/// Headers and the ends of contents stand at multiples of this.
const BLOCK_BYTES: usize = 512;

/// Walks an archive; every file is a child, other entries only have names.
pub(super) fn walk(walk: &mut Walk<'_>, input: Input<'_>) -> Step {
    with_reader(input, |reader| {
        let (tape, budget) = (Tape::default(), walk.budget);
        let mut archive = tar::Archive::new(Taped::new(reader, &tape));
        archive.set_ignore_zeros(true);
        let failed = match archive.entries() {
            Ok(entries) => entries_of(walk, entries, &tape)?,
            Err(error) => Some(error),
        };
        let Some(error) = failed else { return Ok(()) };
        if budget.is_exhausted() {
            return Err(walk.read_failed(&error));
        }
        if tape.is_full() {
            let message = "headers before an entry are longer than the bound; the rest was scanned by itself";
            walk.problem(Problem::limit("tar_headers_bytes_max", TAR_HEADERS_BYTES_MAX, message));
        } else {
            let _ = walk.read_failed(&error);
        }
        // What follows a broken header is not lost: it is recognised by itself.
        let kept = tape.take();
        let rest = headers::emit_all(walk, &kept)?;
        walk.child("", Relation::Gap, Input::Stream(&mut Cursor::new(rest).chain(archive.into_inner().into_inner())))
    })
}

fn entries_of<R: Read>(walk: &mut Walk<'_>, entries: tar::Entries<'_, R>, tape: &Tape) -> Step<Option<std::io::Error>> {
    for entry in entries {
        match entry {
            Ok(mut entry) => one(walk, &mut entry, tape)?,
            Err(error) => return Ok(Some(error)),
        }
    }
    Ok(None)
}

fn one<R: Read>(walk: &mut Walk<'_>, entry: &mut tar::Entry<'_, R>, tape: &Tape) -> Step {
    let name = names::decode(&entry.path_bytes(), true).primary;
    if let Some(target) = entry.link_name_bytes() {
        let target = names::decode(&target, true).primary;
        walk.emit_name(&target)?;
    }
    let headers = tape.take_until(entry.raw_header_position());
    let stored_bytes = stored_bytes(entry);
    tape.keep_behind(stored_bytes);
    headers::emit(walk, &headers, &headers::Understood::of(entry, stored_bytes))?;
    let kind = entry.header().entry_type();
    if kind.is_dir() || (kind.is_hard_link() || kind.is_symlink()) && entry.size() == 0 {
        return walk.emit_name(&name);
    }
    if kind.is_gnu_sparse() {
        // Holes of a sparse file come as zeros that are nowhere in the archive, so they are charged like inflation.
        let (budget, before) = (walk.budget, tape.at());
        let input_bytes = Cell::new(before.max(1));
        let mut metered = Metered::new(entry, budget, &input_bytes);
        return walk.child(&name, Relation::Member, Input::Stream(&mut metered));
    }
    walk.child(&name, Relation::Member, Input::Stream(entry))
}

/// How many bytes of the archive the library takes for the content of an entry; a sparse one has more, in holes.
fn stored_bytes<R: Read>(entry: &mut tar::Entry<'_, R>) -> u64 {
    if !entry.header().entry_type().is_gnu_sparse() {
        return entry.size();
    }
    // The library stops at the first record that it cannot split.
    let records = entry.pax_extensions().ok().flatten().into_iter().flatten().map_while(Result::ok);
    let size = records.filter(|record| record.key() == Ok("size")).map(|record| record.value()).next();
    let size = size.and_then(|size| size.ok()?.parse().ok());
    size.unwrap_or_else(|| entry.header().entry_size().unwrap_or_default())
}
