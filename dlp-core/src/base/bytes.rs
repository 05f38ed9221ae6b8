//! Numbers in the bytes of files, the lowest byte first (`le`) or the highest (`be`). Nothing where the bytes end before
//! the number does.

/// A number of two bytes, the lowest first.
#[must_use]
pub fn u16_le(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_le_bytes)
}

/// A number of two bytes, the highest first.
#[must_use]
pub fn u16_be(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_be_bytes)
}

/// A number of four bytes, the lowest first.
#[must_use]
pub fn u32_le(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_le_bytes)
}

/// A number of four bytes, the highest first.
#[must_use]
pub fn u32_be(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_be_bytes)
}

/// Takes a number of seven bits a byte from the front, the lowest first. Nothing where the bytes end before it does.
pub fn take_varint(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..u64::BITS).step_by(7) {
        let (byte, behind) = rest.split_first()?;
        *rest = behind;
        number |= u64::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// A number whose lowest bit is its sign.
#[must_use]
pub fn zigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

/// So many bytes at a place.
#[must_use]
pub fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_seven_bits_a_byte_end_where_they_say() {
        let rows: [(&[u8], Option<u64>, &[u8]); 6] = [
            (&[5, 6], Some(5), &[6]),
            (&[0xAC, 2], Some(300), &[]),
            (&[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1], Some(u64::MAX), &[]),
            (&[0x80; 12], None, &[0x80, 0x80]),
            (&[0x80], None, &[]),
            (&[], None, &[]),
        ];
        for (bytes, expected, behind) in rows {
            let mut rest = bytes;
            assert_eq!((take_varint(&mut rest), rest), (expected, behind), "{bytes:?}");
        }
        assert_eq!([0, 1, 2, u64::MAX].map(zigzag), [0, -1, 1, i64::MIN]);
    }

    #[test]
    fn numbers_are_read_inside_their_bytes_only() {
        let bytes = [1, 2, 3, 4, 5];
        assert_eq!((u16_le(&bytes, 0), u16_be(&bytes, 0)), (Some(0x0201), Some(0x0102)));
        assert_eq!((u32_le(&bytes, 1), u32_be(&bytes, 1)), (Some(0x0504_0302), Some(0x0203_0405)));
        assert_eq!((u16_le(&bytes, 4), u32_be(&bytes, 2), u16_be(&bytes, usize::MAX)), (None, None, None));
        assert_eq!(array::<0>(&bytes, 5), Some([]));
    }
}
