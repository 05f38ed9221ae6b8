//! Pictures in the drawings of older Office documents.
//!
//! They stand behind heads that no other bytes look like: four bytes say what kind of picture follows and whether it
//! has one name or two. So they are found wherever they stand, in streams of their own, in records of workbooks and in
//! what a reader left over. Those made of lines are packed with zlib. MS-ODRAW 2.2.23 to 2.2.31.

use crate::base::bytes::{u16_le, u32_le};
use crate::content::budget::Metered;
use crate::content::walk::{Step, Walk};
use crate::content::{Input, Relation};
use flate2::bufread::ZlibDecoder;
use std::cell::Cell;
use std::io::Read;

const HEAD_BYTES: usize = 8;
/// Bytes of the name of a picture, which is a sum of its content.
const NAME_BYTES: usize = 16;
/// Kinds of pictures made of lines, with the head that says that they have one name. One more says two.
const DRAWN: [(u16, u16, &str); 3] = [(0xF01A, 0x3D4, "emf"), (0xF01B, 0x216, "wmf"), (0xF01C, 0x542, "pict")];
/// The same for pictures made of dots.
const PAINTED: [(u16, u16, &str); 7] = [
    (0xF01D, 0x46A, "jpeg"),
    (0xF01D, 0x6E2, "jpeg"),
    (0xF01E, 0x6E0, "png"),
    (0xF01F, 0x7A8, "dib"),
    (0xF029, 0x6E4, "tiff"),
    (0xF02A, 0x46A, "jpeg"),
    (0xF02A, 0x6E2, "jpeg"),
];
/// What stands in front of a drawn picture: sizes, and last how it is packed.
const DRAWN_HEAD_BYTES: usize = 34;
const PACKED_AT: usize = 32;
/// In front of a file of this old format stand bytes that no drawing brings along.
const PICT_FRONT_BYTES: usize = 512;

/// A picture and where its record lies.
#[derive(Debug, PartialEq, Eq)]
struct Picture<'d> {
    start: usize,
    end: usize,
    ending: &'static str,
    content: &'d [u8],
    is_packed: bool,
}

/// Walks the pictures in some bytes, and returns what stands between them.
pub(super) fn walk(walk: &mut Walk<'_>, bytes: &[u8]) -> Step<Vec<u8>> {
    let (mut rest, mut at, mut count) = (Vec::new(), 0, 0);
    while let Some(picture) = next(bytes, at) {
        rest.extend_from_slice(&bytes[at..picture.start]);
        count += 1;
        let name = format!("picture {count}.{}", picture.ending);
        match picture.is_packed {
            true => unpacked(walk, &name, &picture)?,
            false => walk.child(&name, Relation::Embedded, Input::Bytes(picture.content))?,
        }
        at = picture.end;
    }
    rest.extend_from_slice(&bytes[at..]);
    Ok(rest)
}

fn unpacked(walk: &mut Walk<'_>, name: &str, picture: &Picture<'_>) -> Step {
    let (budget, count) = (walk.budget, Cell::new(picture.content.len() as u64));
    let mut metered = Metered::new(ZlibDecoder::new(picture.content), budget, &count);
    if picture.ending != "pict" {
        return walk.child(name, Relation::Embedded, Input::Stream(&mut metered));
    }
    let front = [0; PICT_FRONT_BYTES];
    walk.child(name, Relation::Embedded, Input::Stream(&mut front.as_slice().chain(metered)))
}

/// The next picture from a place on.
fn next(bytes: &[u8], from: usize) -> Option<Picture<'_>> {
    // Of the four bytes that tell a picture, the last is the same for all.
    memchr::memchr_iter(0xF0, bytes.get(from..)?).find_map(|found| at(bytes, (from + found).checked_sub(3)?, from))
}

fn at(bytes: &[u8], start: usize, from: usize) -> Option<Picture<'_>> {
    let (head, kind, len) = (u16_le(bytes, start)?, u16_le(bytes, start + 2)?, u32_le(bytes, start + 4)?);
    if start < from || head & 0xF != 0 {
        return None;
    }
    let has =
        |(known, one, _): &&(u16, u16, &'static str)| *known == kind && (head >> 4 == *one || head >> 4 == one + 1);
    let drawn = DRAWN.iter().find(has);
    let (_, one, ending) = drawn.or_else(|| PAINTED.iter().find(has))?;
    let names = NAME_BYTES * (1 + usize::from((head >> 4) - one));
    let record = bytes.get(start + HEAD_BYTES..)?;
    let record = &record[..record.len().min(len as usize)];
    let front = names + if drawn.is_some() { DRAWN_HEAD_BYTES } else { 1 };
    let is_packed = drawn.is_some() && record.get(names + PACKED_AT) == Some(&0);
    let content = record.get(front..).filter(|content| !content.is_empty())?;
    Some(Picture { start, end: start + HEAD_BYTES + record.len(), ending, content, is_packed })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_told_by_their_heads() {
        let record = |head: u16, kind: u16, content: &[u8]| {
            [&(head << 4).to_le_bytes()[..], &kind.to_le_bytes(), &(content.len() as u32).to_le_bytes(), content]
                .concat()
        };
        let check = |bytes: &[u8], expected: Option<(usize, &str, &[u8], bool)>| {
            let found = next(bytes, 0).map(|found| (found.start, found.ending, found.content, found.is_packed));
            assert_eq!(found, expected, "{bytes:?}");
        };
        let png = record(0x6E0, 0xF01E, &[&[7; 17][..], b"png"].concat());
        check(&png, Some((0, "png", b"png", false)));
        check(&[b"ab\xF0\xF0", png.as_slice()].concat(), Some((4, "png", b"png", false)));
        check(&record(0x6E1, 0xF01E, &[&[7; 33][..], b"png"].concat()), Some((0, "png", b"png", false)));
        let emf = [&[7; 16][..], &[1; 32], &[0, 0xFE], b"emf"].concat();
        check(&record(0x3D4, 0xF01A, &emf), Some((0, "emf", b"emf", true)));
        check(&record(0x3D4, 0xF01E, &emf), None);
        check(&record(0x6E0, 0xF01E, &[7; 17]), None);
        check(&png[..10], None);
        check(b"\xF0", None);
        check(b"", None);
    }
}
