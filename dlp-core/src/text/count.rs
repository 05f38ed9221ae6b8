//! Counting bytes at the speed of memory.
//!
//! A counter of one byte lets compilers count as many bytes at once as a vector holds, and a group is as long as such a
//! counter can take.

/// Bytes of a group: the largest multiple of any vector up to 255.
const GROUP_BYTES: usize = 192;

/// How many bytes pass. The test should have no branches.
pub(crate) fn count(bytes: &[u8], passes: impl Fn(u8) -> bool) -> usize {
    let in_group = |group: &[u8]| group.iter().map(|byte| u8::from(passes(*byte))).sum::<u8>();
    bytes.chunks(GROUP_BYTES).map(|group| usize::from(in_group(group))).sum()
}

/// How many bytes pass together with the one behind them. The test should have no branches.
pub(crate) fn count_pairs(bytes: &[u8], passes: impl Fn(u8, u8) -> bool) -> usize {
    let next = bytes.get(1..).unwrap_or_default();
    let in_group = |(group, next): (&[u8], &[u8])| {
        group.iter().zip(next).map(|(byte, next)| u8::from(passes(*byte, *next))).sum::<u8>()
    };
    bytes.chunks(GROUP_BYTES).zip(next.chunks(GROUP_BYTES)).map(|groups| usize::from(in_group(groups))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_counts_once_at_every_place_and_length() {
        let bytes: Vec<u8> = (0..5).cycle().take(3 * GROUP_BYTES).collect();
        for start in 0..64 {
            for end in start..=bytes.len() {
                let bytes = &bytes[start..end];
                assert_eq!(count(bytes, |byte| byte < 2), bytes.iter().filter(|byte| **byte < 2).count());
                let pairs = bytes.windows(2).filter(|pair| pair == &[1, 2]).count();
                assert_eq!(count_pairs(bytes, |byte, next| (byte == 1) & (next == 2)), pairs, "{start}..{end}");
            }
        }
    }

    #[test]
    fn no_group_overflows() {
        let bytes = [7; 4 * GROUP_BYTES + 1];
        assert_eq!(count(&bytes, |_| true), bytes.len());
        assert_eq!(count_pairs(&bytes, |_, _| true), bytes.len() - 1);
        assert_eq!((count(&[], |_| true), count_pairs(&[], |_, _| true)), (0, 0));
    }
}
