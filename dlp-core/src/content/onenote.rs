//! Notebooks of OneNote: the files in them, and their texts.
//!
//! A file that was put into a notebook stands whole between two marks and is an item. Texts stand in properties, in
//! UTF-16 or in bytes, and their remains where they were edited; both readings of raw bytes find them. MS-ONESTORE
//! 2.6.13.

use super::walk::{Step, Walk};
use super::{Input, Relation, plain};
use crate::base::bytes::array;
use crate::base::{Problem, ProblemClass};

/// Marks in front of a file and behind it, as they stand in the bytes.
const START: &[u8] = b"\xe7\x16\xe3\xbd\x65\x26\x11\x45\xa4\xc4\x8d\x4d\x0b\x7a\x9e\xac";
const END: &[u8] = b"\x22\xa7\xfb\x71\x79\x0f\x0b\x4a\xbb\x13\x89\x92\x56\x42\x6b\x24";
/// Mark, length, and what is not used.
const HEAD_BYTES: usize = 36;

/// Walks a notebook.
pub(super) fn walk(walk: &mut Walk<'_>, input: Input<'_>) -> Step {
    walk.with_held(input, |walk, bytes| {
        let (mut at, mut count) = (0, 0);
        while let Some(found) = memchr::memmem::find(&bytes[at..], START) {
            let start = at + found;
            let Some(content) = content(bytes, start) else {
                // The mark alone is no file; what follows it is scanned like the rest.
                plain::raw_at(walk, &bytes[at..start + START.len()], at as u64)?;
                at = start + START.len();
                let message = "a file in the notebook breaks off; its bytes were scanned";
                walk.problem(Problem::new(ProblemClass::Damaged, "truncated", message));
                continue;
            };
            plain::raw_at(walk, &bytes[at..start], at as u64)?;
            count += 1;
            walk.child(&format!("file {count}"), Relation::Embedded, Input::Bytes(content))?;
            at = start + HEAD_BYTES + content.len();
        }
        plain::raw_at(walk, &bytes[at..], at as u64)
    })
}

/// The file behind a mark: its length is stated, and the other mark stands behind it, filled up to eight bytes.
fn content(bytes: &[u8], start: usize) -> Option<&[u8]> {
    const PADDING_BYTES: usize = 8;
    let len = usize::try_from(u64::from_le_bytes(array(bytes, start + START.len())?)).ok()?;
    let content = bytes.get(start + HEAD_BYTES..)?.get(..len)?;
    let behind = &bytes[start + HEAD_BYTES + len..];
    let behind = &behind[..behind.len().min(PADDING_BYTES + END.len())];
    memchr::memmem::find(behind, END).map(|_| content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_stand_between_their_marks() {
        let whole = [START, &4_u64.to_le_bytes(), &[0; 12], b"file", &[0; 4], END].concat();
        let check = |bytes: &[u8], expected: Option<&[u8]>| assert_eq!(content(bytes, 0), expected);
        check(&whole, Some(b"file"));
        check(&whole[..whole.len() - 1], None);
        check(&[START, &u64::MAX.to_le_bytes(), &[0; 12], b"file", END].concat(), None);
        check(START, None);
    }
}
