//! cpio: the new form with and without sums, the portable one, and the old binary one in both byte orders.
//!
//! Behind the mark of its end an archive may be followed by another, as images for starting Linux are.

use super::{Tape, emit_name, number, truncated};
use crate::base::{Problem, ProblemClass};
use crate::content::walk::{Step, Walk, with_reader};
use crate::content::{Input, Relation, names};
use std::io::{self, Cursor, Read};

const MARK_BYTES: usize = 6;
const END: &[u8] = b"TRAILER!!!";
const KIND_MASK: u64 = 0o170_000;
const DIRECTORY: u64 = 0o040_000;
const LINK: u64 = 0o120_000;
/// Longer names are no names. Linux knows paths of 4,096 bytes.
const NAME_BYTES_MAX: u64 = 64 * 1024;

/// How headers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Hexadecimal digits; with a sum of the content's bytes or zero.
    New { has_sum: bool },
    /// Octal digits.
    Portable,
    /// Numbers of two bytes, the larger half of long ones first.
    Binary { is_big: bool },
}

/// What a header says.
struct Header {
    mode: u64,
    name_bytes: u64,
    file_bytes: u64,
    sum: Option<u32>,
}

/// Whether bytes begin with a header. The marks alone are short, so the rest of the header has to fit.
pub(in crate::content) fn is_cpio(head: &[u8]) -> bool {
    let Some(form) = Form::of(head) else { return false };
    let Some(header) = head.get(..form.header_bytes()).and_then(|header| form.header(header)) else { return false };
    let name = usize::try_from(header.name_bytes).ok().and_then(|len| head[form.header_bytes()..].get(..len));
    let is_name = |name: &[u8]| name.split_last().is_some_and(|(last, name)| *last == 0 && !name.contains(&0));
    name.is_none_or(is_name)
}

/// Walks an archive and those behind it.
pub(in crate::content) fn walk(walk: &mut Walk<'_>, input: Input<'_>) -> Step {
    with_reader(input, |reader| {
        let mut tape = Tape::new(reader);
        let mut start = tape.take(walk, MARK_BYTES as u64)?;
        loop {
            let Some(form) = Form::of(&start) else {
                return if start.is_empty() { Err(truncated(walk)) } else { tape.rest(walk, &start) };
            };
            let rest = tape.take(walk, (form.header_bytes() - MARK_BYTES) as u64)?;
            let header = [start, rest].concat();
            let Some(fields) = form.header(&header) else { return tape.rest(walk, &header) };
            let goes_on = one(walk, &mut tape, form, &fields)?;
            // The end is filled up with zeros.
            if !goes_on && !tape.skip_zeros(walk)? {
                return Ok(());
            }
            start = tape.take(walk, MARK_BYTES as u64)?;
            if !goes_on && Form::of(&start).is_none() {
                return walk.child("", Relation::Gap, Input::Stream(&mut Cursor::new(start).chain(&mut tape.reader)));
            }
        }
    })
}

/// Reads a member behind its header; false at the end of the archive.
fn one(walk: &mut Walk<'_>, tape: &mut Tape<'_>, form: Form, header: &Header) -> Step<bool> {
    let name = tape.take(walk, header.name_bytes)?;
    let name = name.strip_suffix(b"\0").unwrap_or(&name);
    tape.align(walk, form.alignment())?;
    if name == END {
        return Ok(false);
    }
    let is_link = header.mode & KIND_MASK == LINK && header.file_bytes <= NAME_BYTES_MAX;
    if header.file_bytes == 0 && header.mode & KIND_MASK == DIRECTORY || is_link {
        emit_name(walk, name)?;
        let target = tape.take(walk, header.file_bytes)?;
        emit_name(walk, &target)?;
    } else {
        member(walk, tape, &names::decode(name, true).primary, header)?;
    }
    tape.align(walk, form.alignment())?;
    Ok(true)
}

/// A member, whose bytes are added up where the header states a sum.
fn member(walk: &mut Walk<'_>, tape: &mut Tape<'_>, name: &str, header: &Header) -> Step {
    let Some(sum) = header.sum else { return tape.member(walk, name, header.file_bytes) };
    let mut content = Summed { inner: (&mut tape.reader).take(header.file_bytes), sum: 0 };
    walk.child(name, Relation::Member, Input::Stream(&mut content))?;
    let drained = io::copy(&mut content, &mut io::sink());
    let missing = content.inner.limit();
    let differs = content.sum != sum;
    tape.at += header.file_bytes - missing;
    match drained {
        Err(error) => return Err(walk.read_failed(&error)),
        Ok(_) if missing > 0 => return Err(truncated(walk)),
        Ok(_) => {}
    }
    if differs {
        walk.problem(Problem::new(
            ProblemClass::Damaged,
            "crc",
            "the check sum of a member differs from what was read",
        ));
    }
    Ok(())
}

/// Adds up bytes that pass.
struct Summed<R> {
    inner: R,
    sum: u32,
}

impl<R: Read> Read for Summed<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let len = self.inner.read(buf)?;
        self.sum = buf[..len].iter().fold(self.sum, |sum, byte| sum.wrapping_add(u32::from(*byte)));
        Ok(len)
    }
}

impl Form {
    fn of(head: &[u8]) -> Option<Self> {
        match head {
            [b'0', b'7', b'0', b'7', b'0', b'1', ..] => Some(Self::New { has_sum: false }),
            [b'0', b'7', b'0', b'7', b'0', b'2', ..] => Some(Self::New { has_sum: true }),
            [b'0', b'7', b'0', b'7', b'0', b'7', ..] => Some(Self::Portable),
            [0xC7, 0x71, ..] => Some(Self::Binary { is_big: false }),
            [0x71, 0xC7, ..] => Some(Self::Binary { is_big: true }),
            _ => None,
        }
    }

    fn header_bytes(self) -> usize {
        match self {
            Self::New { .. } => 110,
            Self::Portable => 76,
            Self::Binary { .. } => 26,
        }
    }

    /// Names and contents end at multiples of this.
    fn alignment(self) -> u64 {
        match self {
            Self::New { .. } => 4,
            Self::Portable => 1,
            Self::Binary { .. } => 2,
        }
    }

    fn header(self, bytes: &[u8]) -> Option<Header> {
        let header = match self {
            Self::New { has_sum } => {
                let field = |index: usize| number(bytes.get(MARK_BYTES + 8 * index..MARK_BYTES + 8 * (index + 1))?, 16);
                let (mode, file_bytes, name_bytes) = (field(1)?, field(6)?, field(11)?);
                // Only files have a sum.
                let sum = field(12).filter(|_| has_sum && mode & KIND_MASK != LINK);
                Header { mode, name_bytes, file_bytes, sum: sum.and_then(|sum| u32::try_from(sum).ok()) }
            }
            Self::Portable => {
                let field = |at: usize, len: usize| number(bytes.get(at..at + len)?, 8);
                Header { mode: field(18, 6)?, name_bytes: field(59, 6)?, file_bytes: field(65, 11)?, sum: None }
            }
            Self::Binary { is_big } => {
                let field = |index: usize| {
                    let pair = [*bytes.get(2 * index)?, *bytes.get(2 * index + 1)?];
                    Some(u64::from(if is_big { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) }))
                };
                let file_bytes = field(11)? << 16 | field(12)?;
                Header { mode: field(3)?, name_bytes: field(10)?, file_bytes, sum: None }
            }
        };
        (1..=NAME_BYTES_MAX).contains(&header.name_bytes).then_some(header)
    }
}
