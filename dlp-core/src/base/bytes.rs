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

/// So many bytes at a place.
#[must_use]
pub fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_inside_their_bytes_only() {
        let bytes = [1, 2, 3, 4, 5];
        assert_eq!((u16_le(&bytes, 0), u16_be(&bytes, 0)), (Some(0x0201), Some(0x0102)));
        assert_eq!((u32_le(&bytes, 1), u32_be(&bytes, 1)), (Some(0x0504_0302), Some(0x0203_0405)));
        assert_eq!((u16_le(&bytes, 4), u32_be(&bytes, 2), u16_be(&bytes, usize::MAX)), (None, None, None));
        assert_eq!(array::<0>(&bytes, 5), Some([]));
    }
}
