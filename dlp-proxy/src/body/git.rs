//! What `git push` sends (gitprotocol-pack, gitformat-pack): commands in lines, then a pack of compressed objects.
//!
//! Commits, tags, trees and files are unpacked and inspected one by one. An object that is told as a difference to another
//! one gives what it adds: what it copies is at the other side already, or stands in an object of the same pack.

use super::unpacked::{CHUNK_BYTES, Unpacked};
use super::walk::{View, Walk};
use dlp_core::base::{Problem, ProblemClass};
use dlp_core::content::{Input, ReadSeek};
use flate2::bufread::ZlibDecoder;
use std::io::{self, BufRead, BufReader, Cursor, Read, SeekFrom};

/// How a pack of the versions that exist begins.
const MAGICS: [&[u8; 8]; 2] = [b"PACK\0\0\0\x02", b"PACK\0\0\0\x03"];
/// Bytes of one line of commands (gitprotocol-common).
const LINE_BYTES_MAX: usize = 65_520;
/// Bytes of all commands together.
const COMMANDS_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Bytes of one difference, which is held to be read.
const DELTA_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Whether the first bytes of a body are those of a push.
pub(super) fn looks_like_push(first: &[u8]) -> bool {
    let at = memchr::memmem::find(first, b"PACK\0\0\0");
    at.is_some_and(|at| {
        MAGICS.iter().any(|magic| first[at..].starts_with(*magic)) && (at == 0 || is_flush(&first[..at]))
    })
}

fn is_flush(commands: &[u8]) -> bool {
    commands.ends_with(b"0000") && commands.len() >= 8
}

/// Inspects a push. `false` says that it is none from end to end, and asks for a raw scan.
pub(super) fn walk_push(walk: &mut Walk<'_>, body: &mut dyn ReadSeek) -> bool {
    let rewound = body.seek(SeekFrom::Start(0)).map_err(Stop::Io);
    let read = rewound.and_then(|_| read_push(walk, &mut BufReader::with_capacity(CHUNK_BYTES, body)));
    match read {
        Ok(()) => true,
        Err(Stop::Bound) => true,
        Err(Stop::Io(error)) => {
            tracing::debug!(%error, "a push could not be read");
            let message =
                "The push is no pack that can be read to its end; what could be read and the raw bytes were inspected.";
            walk.problem(Problem::new(ProblemClass::Damaged, "git_pack", message));
            false
        }
    }
}

/// Why the reading ends before the push does.
enum Stop {
    /// A bound was reached, and has been reported.
    Bound,
    /// It is broken.
    Io(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

fn broken() -> io::Error {
    io::ErrorKind::InvalidData.into()
}

fn read_push(walk: &mut Walk<'_>, input: &mut impl BufRead) -> Result<(), Stop> {
    let commands = read_commands(input)?;
    walk.within("commands".to_owned(), |walk| walk.examine("", Input::Bytes(&commands), View::Plain));
    if input.fill_buf()?.is_empty() {
        // It takes branches away.
        return Ok(());
    }
    let mut head = [0; 12];
    input.read_exact(&mut head)?;
    if !MAGICS.iter().any(|magic| head.starts_with(*magic)) {
        return Err(broken().into());
    }
    let count = u32::from_be_bytes([head[8], head[9], head[10], head[11]]);
    let limit = walk.setup.limits.documents_max;
    for number in 0..u64::from(count) {
        if walk.is_over() {
            return Err(Stop::Bound);
        }
        if number >= limit {
            walk.problem(Problem::limit("documents_max", limit, "The push holds more objects than are inspected."));
            return Err(Stop::Bound);
        }
        read_object(walk, input, number)?;
    }
    // The digest of the pack, and nothing else.
    let mut rest = Vec::new();
    input.take(64).read_to_end(&mut rest)?;
    if matches!(rest.len(), 20 | 32) { Ok(()) } else { Err(broken().into()) }
}

/// The lines before the pack, without their lengths.
fn read_commands(input: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut commands = Vec::new();
    loop {
        let mut start = [0; 4];
        if input.fill_buf()?.starts_with(b"PACK") || input.fill_buf()?.is_empty() {
            return Ok(commands);
        }
        input.read_exact(&mut start)?;
        let length = std::str::from_utf8(&start).ok().and_then(|digits| usize::from_str_radix(digits, 16).ok());
        match length.ok_or_else(broken)? {
            0..4 => {}
            length if length > LINE_BYTES_MAX || commands.len() > COMMANDS_BYTES_MAX => return Err(broken()),
            length => {
                let end = commands.len() + length - 4;
                input.take(length as u64 - 4).read_to_end(&mut commands)?;
                if commands.len() != end {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                commands.push(b'\n');
            }
        }
    }
}

fn read_object(walk: &mut Walk<'_>, input: &mut impl BufRead, number: u64) -> Result<(), Stop> {
    const OFFSET_DELTA: u8 = 6;
    const REFERENCE_DELTA: u8 = 7;
    let first = byte(input)?;
    let mut last = first;
    while last & 0x80 != 0 {
        last = byte(input)?;
    }
    let kind = first >> 4 & 7;
    match kind {
        1..=4 => {}
        OFFSET_DELTA => while byte(input)? & 0x80 != 0 {},
        REFERENCE_DELTA => input.read_exact(&mut [0; 20])?,
        _ => return Err(broken().into()),
    }
    let content = inflate(walk, input)?;
    let name = format!("git object {}", number + 1);
    if kind < OFFSET_DELTA {
        let mut content = content.into_reader()?;
        walk.within(name, |walk| walk.examine_from_start("", &mut content, View::Plain));
        return Ok(());
    }
    let mut delta = Vec::new();
    content.into_reader()?.take(DELTA_BYTES_MAX + 1).read_to_end(&mut delta)?;
    if delta.len() as u64 > DELTA_BYTES_MAX {
        walk.problem(Problem::limit(
            "git_delta_bytes_max",
            DELTA_BYTES_MAX,
            "A change in the push is too large to be read.",
        ));
        return Ok(());
    }
    let added = added_by(&delta).ok_or_else(broken)?;
    walk.within(name, |walk| walk.examine_from_start("", &mut Cursor::new(added), View::Plain));
    Ok(())
}

fn byte(input: &mut impl Read) -> io::Result<u8> {
    let mut byte = [0];
    input.read_exact(&mut byte)?;
    Ok(byte[0])
}

/// The content of one object. The input stands behind it afterwards.
fn inflate(walk: &mut Walk<'_>, input: &mut impl BufRead) -> Result<Unpacked, Stop> {
    let limit = walk.setup.limits.decoded_bytes_max;
    let mut content = Unpacked::new(walk.setup.limits, limit.saturating_sub(walk.decoded_bytes));
    let mut decoder = ZlibDecoder::new(input);
    let mut piece = vec![0; CHUNK_BYTES];
    loop {
        let count = decoder.read(&mut piece)?;
        if count == 0 {
            walk.decoded_bytes += content.len_bytes();
            return Ok(content);
        }
        if !content.push(&piece[..count])? {
            walk.problem(Problem::limit("decoded_bytes_max", limit, "The push is larger than its bound."));
            return Err(Stop::Bound);
        }
        if walk.is_over() {
            return Err(Stop::Bound);
        }
    }
}

/// What a difference adds, with a line end wherever it copies. None when it is no difference.
fn added_by(delta: &[u8]) -> Option<Vec<u8>> {
    let mut rest = delta;
    for _length_of_old_and_new in 0..2 {
        while rest.split_off_first()? & 0x80 != 0 {}
    }
    let mut added = Vec::new();
    while let Some(order) = rest.split_off_first() {
        match order {
            0 => return None,
            copy if copy & 0x80 != 0 => {
                rest = rest.get((copy & 0x7f).count_ones() as usize..)?;
                added.push(b'\n');
            }
            length => {
                added.extend_from_slice(rest.get(..usize::from(*length))?);
                rest = &rest[usize::from(*length)..];
            }
        }
    }
    Some(added)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_gives_what_it_adds() {
        let long = [&[0x90, 0x01, 0x80, 0x01][..], &[127], &[b'a'; 127], &[1, b'b']].concat();
        let rows: [(&[u8], Option<Vec<u8>>); 6] = [
            (b"\x05\x05\x05hello", Some(b"hello".to_vec())),
            // Copies of one and of three bytes of place and length.
            (b"\x05\x07\x02ab\x91\x00\x04\x01c\xb3\x00\x00\x01\x00\x01d", Some(b"ab\nc\nd".to_vec())),
            (&long, Some([&[b'a'; 127][..], b"b"].concat())),
            (b"\x05\x05\x05hell", None),
            (b"\x05\x05\x00", None),
            (b"\x85", None),
        ];
        for (delta, expected) in rows {
            assert_eq!(added_by(delta), expected, "{delta:?}");
        }
    }

    #[test]
    fn a_push_is_told_by_its_pack() {
        let rows: [(&[u8], bool); 5] = [
            (b"PACK\0\0\0\x02\0\0\0\x01", true),
            (b"0006ab0000PACK\0\0\0\x02", true),
            (b"some PACK\0\0\0\x02", false),
            (b"0006ab0000PACK\0\0\0\x07", false),
            (b"0006ab0000", false),
        ];
        for (first, expected) in rows {
            assert_eq!(looks_like_push(first), expected, "{first:?}");
        }
    }
}
