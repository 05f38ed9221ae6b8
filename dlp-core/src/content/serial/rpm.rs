//! rpm: a lead, two headers of tagged values, and a packed cpio, whose packing is told by its own bytes.

use super::{Tape, truncated};
use crate::base::{Problem, ProblemClass, bytes::u32_be};
use crate::content::walk::{Step, Walk, with_reader};
use crate::content::{Input, Join, Origin, Part, Place, Relation, Role, Segment, names, plain};
use std::ops::Range;

const LEAD_BYTES: u64 = 96;
/// The name in the lead, which nobody shows, and bytes that stand for nothing.
const LEAD_TEXTS: [Range<usize>; 2] = [10..76, 80..96];
const HEADER_MARK: &[u8] = b"\x8e\xad\xe8\x01";
const HEADER_START_BYTES: usize = 16;
const ENTRY_BYTES: usize = 16;
/// Bytes of one header. The packaging program itself stops there.
const HEADER_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Kinds of values that are strings: one, several, several in languages.
const STRINGS: [u32; 3] = [6, 8, 9];
/// Tags of scripts that run when the package comes and goes.
const SCRIPTS: [u32; 4] = [1023, 1024, 1025, 1026];
const NAMES: [(u32, &str); 12] = [
    (1000, "name"),
    (1004, "summary"),
    (1005, "description"),
    (1007, "build-host"),
    (1011, "vendor"),
    (1014, "license"),
    (1015, "packager"),
    (1020, "url"),
    (1044, "source"),
    (1081, "changelog-author"),
    (1082, "changelog"),
    (1118, "directory"),
];

/// Walks a package.
pub(in crate::content) fn walk(walk: &mut Walk<'_>, input: Input<'_>) -> Step {
    with_reader(input, |reader| {
        let mut tape = Tape::new(reader);
        let lead = tape.take(walk, LEAD_BYTES)?;
        if (lead.len() as u64) < LEAD_BYTES {
            return Err(truncated(walk));
        }
        for field in LEAD_TEXTS {
            let from = field.start as u64;
            let text = &lead[field];
            if text.iter().any(u8::is_ascii_graphic) {
                plain::raw_at(walk, text, from)?;
            }
        }
        // The first header holds sums and signatures, the second what people wrote.
        for _ in 0..2 {
            tape.align(walk, 8)?;
            let start = tape.take(walk, HEADER_START_BYTES as u64)?;
            let Some((entries, store_bytes)) = sizes(&start) else { return tape.rest(walk, &start) };
            let bytes_max = HEADER_BYTES_MAX.min(walk.budget.room_to_hold());
            if (entries * ENTRY_BYTES as u64).saturating_add(store_bytes) > bytes_max {
                let message = "a header of the package is larger than the bound; it was scanned by itself";
                walk.problem(Problem::limit("held_bytes_max", bytes_max, message));
                return tape.rest(walk, &start);
            }
            let index = tape.take(walk, entries * ENTRY_BYTES as u64)?;
            let store = tape.take(walk, store_bytes)?;
            texts(walk, &index, &store)?;
            if (store.len() as u64) < store_bytes {
                return Err(truncated(walk));
            }
        }
        walk.child("payload", Relation::Member, Input::Stream(&mut tape.reader))
    })
}

/// The count of values and the length of the store.
fn sizes(start: &[u8]) -> Option<(u64, u64)> {
    let number = |at: usize| u32_be(start, at).map(u64::from);
    start.starts_with(HEADER_MARK).then(|| Some((number(8)?, number(12)?))).flatten()
}

/// Hands out the values that are text.
fn texts(walk: &mut Walk<'_>, index: &[u8], store: &[u8]) -> Step {
    let mut given_bytes = 0;
    let mut given: Vec<Range<usize>> = Vec::new();
    for entry in index.chunks_exact(ENTRY_BYTES) {
        let field = |at: usize| u32::from_be_bytes([entry[at], entry[at + 1], entry[at + 2], entry[at + 3]]);
        let (tag, kind, offset, count) = (field(0), field(4), field(8), field(12));
        let Some(rest) = store.get(offset as usize..).filter(|_| STRINGS.contains(&kind)) else { continue };
        let count = if kind == STRINGS[0] { 1 } else { count as usize };
        let mut at = offset as usize;
        for text in rest.split(|byte| *byte == 0).take(count) {
            // Values may share their bytes, but an honest header does not. Empty ones have their zero, and only the
            // last one of the store may lack it.
            given_bytes += text.len() + 1;
            at += text.len() + 1;
            if given_bytes > store.len() + 1 {
                let message = "values of the header share their bytes; the rest was scanned as it is";
                walk.problem(Problem::new(ProblemClass::Ambiguous, "overlap", message));
                return walk.child("", Relation::Gap, Input::Bytes(store));
            }
            if !text.is_empty() {
                value(walk, tag, text)?;
            }
        }
        given.push(offset as usize..at);
    }
    others(walk, store, given)
}

/// Walks what of the store was no text: numbers, sums, and what no entry leads to.
fn others(walk: &mut Walk<'_>, store: &[u8], mut given: Vec<Range<usize>>) -> Step {
    given.sort_unstable_by_key(|range| range.start);
    let (mut rest, mut at) = (Vec::new(), 0);
    for range in given.into_iter().chain(std::iter::once(store.len()..store.len())) {
        if let Some(gap) = store.get(at..range.start).filter(|gap| gap.iter().any(|byte| *byte != 0)) {
            rest.extend_from_slice(gap);
            rest.push(b'\n');
        }
        at = at.max(range.end);
    }
    if rest.is_empty() { Ok(()) } else { walk.child("", Relation::Gap, Input::Bytes(&rest)) }
}

fn value(walk: &mut Walk<'_>, tag: u32, text: &[u8]) -> Step {
    let known = NAMES.iter().find(|(known, _)| *known == tag);
    let name = known.map_or_else(|| format!("tag {tag}"), |(_, name)| (*name).to_owned());
    let role = if SCRIPTS.contains(&tag) { Role::Script } else { Role::Property };
    let text = names::decode(text, true).primary;
    let (part, place) = (Part { role, name: &name }, Place::None);
    walk.emit(&Segment { text: text.as_bytes(), part, place, join: Join::Line, origin: Origin::None })
}
