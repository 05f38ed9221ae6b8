//! Eight bytes of a text at once, in one number: which of them are letters, digits or parts of wider characters.
//!
//! Marks are numbers with the highest bit set of each byte that they mark. The first byte of the text is the lowest of the
//! number, so the first marked one is found by counting zeros, and a whole word of most languages takes one step.

/// A one in each byte.
const EACH: u64 = u64::MAX / 0xff;
/// The highest bit of each byte.
pub(super) const MARKS: u64 = EACH * 0x80;
/// What makes a capital letter a small one, and leaves digits as they are.
const SMALL: u64 = EACH * 0x20;

/// The next bytes of a text; behind its end zeros.
#[inline]
pub(super) fn eight(bytes: &[u8]) -> u64 {
    if let Some(bytes) = bytes.first_chunk() {
        return u64::from_le_bytes(*bytes);
    }
    bytes.iter().rev().fold(0, |block, byte| block << 8 | u64::from(*byte))
}

/// Marks ASCII letters.
#[inline]
pub(super) fn letters(block: u64) -> u64 {
    within(block | SMALL, b'a', b'z')
}

/// Marks ASCII digits.
#[inline]
pub(super) fn digits(block: u64) -> u64 {
    within(block, b'0', b'9')
}

/// Marks bytes of characters that are not ASCII.
#[inline]
pub(super) fn wide(block: u64) -> u64 {
    block & MARKS
}

/// Marks bytes that continue a character which is not ASCII.
#[inline]
pub(super) fn continuing(block: u64) -> u64 {
    block & !(block << 1) & MARKS
}

/// Marks one byte of ASCII.
#[inline]
pub(super) fn equal(block: u64, byte: u8) -> u64 {
    within(block, byte, byte)
}

/// How many of the first bytes are marked, up to the first that is not.
#[inline]
pub(super) fn leading(marks: u64) -> usize {
    (!marks & MARKS).trailing_zeros() as usize / 8
}

/// The first bytes, with zeros in place of the others.
#[inline]
pub(super) fn first(block: u64, count: usize) -> u64 {
    block & !u64::MAX.checked_shl(8 * count as u32).unwrap_or(0)
}

/// Capital letters as small ones, digits as they are; other bytes come out as something else.
#[inline]
pub(super) fn small(block: u64) -> u64 {
    block | SMALL
}

/// Marks bytes of ASCII from one to another. Without their highest bits, sums do not reach the next byte.
#[inline]
fn within(block: u64, from: u8, to: u8) -> u64 {
    let ascii = block & !MARKS;
    let is_from = ascii + EACH * u64::from(0x80 - from);
    let is_behind = ascii + EACH * u64::from(0x7f - to);
    is_from & !is_behind & !block & MARKS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_marked_as_what_it_is_at_every_place() {
        let marked = |marks: u64, place: usize| marks >> (8 * place + 7) & 1 == 1;
        for byte in 0..=u8::MAX {
            for place in 0..8 {
                for others in [0, u64::MAX, EACH * u64::from(b'z'), EACH * u64::from(b'0')] {
                    let here = 0xff << (8 * place);
                    let block = others & !here | u64::from(byte) << (8 * place);
                    assert_eq!(marked(letters(block), place), byte.is_ascii_alphabetic(), "letter {byte:#x}");
                    assert_eq!(marked(digits(block), place), byte.is_ascii_digit(), "digit {byte:#x}");
                    assert_eq!(marked(wide(block), place), !byte.is_ascii(), "wide {byte:#x}");
                    assert_eq!(marked(continuing(block), place), byte & 0xc0 == 0x80, "continuing {byte:#x}");
                    assert_eq!(marked(equal(block, b'_'), place), byte == b'_', "equal {byte:#x}");
                }
            }
        }
    }

    #[test]
    fn bytes_are_counted_and_cut_from_the_first() {
        for count in 0..=8 {
            let text = &b"Ab3dEfg8"[..count];
            let block = eight(text);
            assert_eq!(leading(letters(block) | digits(block)), count);
            assert_eq!(first(eight(b"Ab3dEfg8"), count), block);
        }
        assert_eq!(small(eight(b"Ab3dEfg8")), eight(b"ab3defg8"));
    }
}
