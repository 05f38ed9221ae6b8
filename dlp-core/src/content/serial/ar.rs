//! ar: the archive of libraries and of Debian packages, with the long names of GNU and BSD.

use super::{Tape, number};
use crate::content::walk::{Step, Walk, with_reader};
use crate::content::{Input, names, plain};
use std::ops::Range;

const MARK_BYTES: u64 = 8;
/// Archives that only name their members.
const THIN: &[u8] = b"!<thin>\n";
const HEADER_BYTES: usize = 60;
const HEADER_END: &[u8] = b"`\n";
/// Bytes of the member that holds names too long for a header. A library with a million of them has less.
const LONG_NAMES_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Walks an archive.
pub(in crate::content) fn walk(walk: &mut Walk<'_>, input: Input<'_>) -> Step {
    with_reader(input, |reader| {
        let mut tape = Tape::new(reader);
        let is_thin = tape.take(walk, MARK_BYTES)? == THIN;
        let mut long_names = Vec::new();
        loop {
            // Members start at even places; programs differ in what they put between.
            tape.align(walk, 2)?;
            let header = tape.take(walk, HEADER_BYTES as u64)?;
            if header.is_empty() {
                return Ok(());
            }
            let Some((field, size)) = fields(&header) else { return tape.rest(walk, &header) };
            odd_fields(walk, &header, tape.at - HEADER_BYTES as u64)?;
            match Name::of(field) {
                Name::LongNames => {
                    long_names = tape.take(walk, size.min(LONG_NAMES_BYTES_MAX))?;
                    walk.child("//", crate::content::Relation::Member, Input::Bytes(&long_names))?;
                    if (long_names.len() as u64) < size {
                        return tape.rest(walk, &[]);
                    }
                }
                Name::Index => tape.member(walk, "/", size)?,
                _ if is_thin => super::emit_name(walk, &long_name(walk, field, &long_names))?,
                Name::Inside(len) => {
                    let len = len.min(size).min(walk.budget.limits.name_bytes_max as u64);
                    let name = tape.take(walk, len)?;
                    let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
                    tape.member(walk, &names::decode(name, true).primary, size - len)?;
                }
                Name::Plain => {
                    let name = long_name(walk, field, &long_names);
                    tape.member(walk, &names::decode(&name, true).primary, size)?;
                }
            }
        }
    })
}

/// The field of the name and the length of the member.
fn fields(header: &[u8]) -> Option<(&[u8], u64)> {
    let is_whole = header.len() == HEADER_BYTES && header.ends_with(HEADER_END);
    Some((header[..16.min(header.len())].trim_ascii_end(), number(header.get(48..58)?, 10)?)).filter(|_| is_whole)
}

/// Hands out the fields of time, owner and mode if they are not the short numbers that they are meant to be.
fn odd_fields(walk: &mut Walk<'_>, header: &[u8], start: u64) -> Step {
    const FIELDS: Range<usize> = 16..48;
    /// Seconds of a time have ten digits until the year 2286.
    const DIGITS_MAX: usize = 10;
    let fields = &header[FIELDS];
    let mut words = fields.split(|byte| *byte == b' ');
    if words.all(|word| word.len() <= DIGITS_MAX && word.iter().all(u8::is_ascii_digit)) {
        return Ok(());
    }
    plain::raw_at(walk, fields, start + FIELDS.start as u64)
}

/// What the field of a name means.
enum Name {
    /// The name, or a place among the long names.
    Plain,
    /// This many bytes in front of the content.
    Inside(u64),
    /// The member that holds the long names.
    LongNames,
    /// The member that lists symbols.
    Index,
}

impl Name {
    fn of(field: &[u8]) -> Self {
        match field {
            b"//" => Self::LongNames,
            b"/" | b"/SYM64/" => Self::Index,
            _ => field.strip_prefix(b"#1/").and_then(|len| number(len, 10)).map_or(Self::Plain, Self::Inside),
        }
    }
}

/// The name that a field gives: itself up to the slash, or what stands at a place among the long names. Many fields may
/// lead to one place, so no more is read there than a name may have.
fn long_name(walk: &Walk<'_>, field: &[u8], long_names: &[u8]) -> Vec<u8> {
    let at = field.strip_prefix(b"/").and_then(|at| number(at, 10)).and_then(|at| usize::try_from(at).ok());
    let name = match at {
        Some(at) => {
            let rest = long_names.get(at..).unwrap_or(field);
            // One byte more tells that the bound cuts it.
            let rest = &rest[..rest.len().min(walk.budget.limits.name_bytes_max + 1)];
            rest.split(|byte| *byte == b'\n').next().unwrap_or_default()
        }
        None => field,
    };
    name.strip_suffix(b"/").unwrap_or(name).to_vec()
}
