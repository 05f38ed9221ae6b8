//! Differences between objects: copies from a base, and bytes that are added.

use crate::base::bytes::take_varint;

/// A step of a difference.
enum Edit<'d> {
    Copy { start: usize, len: usize },
    Add(&'d [u8]),
}

/// Why no object is put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The difference does not fit the base.
    Broken,
    /// It leads to more than the bound.
    Large,
}

/// Puts an object together.
pub(super) fn apply(base: &[u8], difference: &[u8], bytes_max: u64) -> Result<Vec<u8>, Fault> {
    let mut rest = difference;
    let lengths = take_varint(&mut rest).zip(take_varint(&mut rest));
    match lengths.filter(|(base_bytes, _)| *base_bytes == base.len() as u64) {
        None => Err(Fault::Broken),
        Some((_, bytes)) if bytes > bytes_max => Err(Fault::Large),
        Some((_, bytes)) => edited(base, rest, bytes).ok_or(Fault::Broken),
    }
}

fn edited(base: &[u8], edits: &[u8], bytes: u64) -> Option<Vec<u8>> {
    let mut rest = edits;
    let mut object = Vec::new();
    while !rest.is_empty() {
        match edit(&mut rest)? {
            Edit::Copy { start, len } => object.extend_from_slice(base.get(start..start.checked_add(len)?)?),
            Edit::Add(bytes) => object.extend_from_slice(bytes),
        }
        // Copies may be repeated without end.
        if object.len() as u64 > bytes {
            return None;
        }
    }
    (object.len() as u64 == bytes).then_some(object)
}

/// What a difference adds, a piece on each line.
pub(super) fn additions(difference: &[u8]) -> Vec<u8> {
    let (mut rest, mut added) = (difference, Vec::new());
    if take_varint(&mut rest).and_then(|_| take_varint(&mut rest)).is_none() {
        return difference.to_vec();
    }
    while !rest.is_empty() {
        match edit(&mut rest) {
            Some(Edit::Add(bytes)) => {
                added.extend_from_slice(bytes);
                added.push(b'\n');
            }
            Some(Edit::Copy { .. }) => {}
            None => {
                added.extend_from_slice(rest);
                break;
            }
        }
    }
    added
}

fn edit<'d>(rest: &mut &'d [u8]) -> Option<Edit<'d>> {
    /// The length that stands for zero.
    const LONGEST: usize = 0x1_0000;
    let (&code, behind) = rest.split_first()?;
    let mut after = behind;
    if code & 0x80 == 0 {
        let (bytes, behind) = after.split_at_checked(usize::from(code)).filter(|_| code > 0)?;
        *rest = behind;
        return Some(Edit::Add(bytes));
    }
    let mut number = |bits: std::ops::Range<u8>| {
        let mut number = 0;
        for (place, _) in bits.enumerate().filter(|(_, bit)| code >> bit & 1 == 1) {
            let (&byte, behind) = after.split_first()?;
            after = behind;
            number |= usize::from(byte) << (8 * place);
        }
        Some(number)
    };
    let (start, len) = (number(0..4)?, number(4..7)?);
    *rest = after;
    Some(Edit::Copy { start, len: if len == 0 { LONGEST } else { len } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_copies_and_additions() {
        let check = |difference: &[u8], expected: Option<&[u8]>, added: &[u8]| {
            assert_eq!(apply(b"0123456789", difference, 100).ok().as_deref(), expected, "{difference:?}");
            assert_eq!(additions(difference), added, "{difference:?}");
        };
        check(b"\x0a\x05\x91\x02\x03\x02ab", Some(b"234ab"), b"ab\n");
        check(b"\x0a\x03\x90\x03", Some(b"012"), b"");
        check(b"\x0a\x03\x91\x08\x03", None, b"");
        check(b"\x0a\x03\x90\x04", None, b"");
        check(b"\x09\x03\x90\x03", None, b"");
        check(b"\x0a\x02\x02a", None, b"\x02a");
        check(b"\x0a\x02\0", None, b"\0");
        check(b"\x0a\xff\x7f\x90\x01", None, b"");
        check(b"\x8a", None, b"\x8a");
        assert_eq!(apply(b"0123456789", b"\x0a\x05\x91\x02\x03\x02ab", 4), Err(Fault::Large));
    }
}
