//! Runs of text of another width inside bytes: UTF-16 among bytes, ASCII among wider characters.
//!
//! Most bytes of a program are not near any text in UTF-16, so the search first classes whole blocks of bytes in loops
//! without branches, which compilers turn into vector code, and reads units one by one only where four in a row may be
//! text.

use super::is_likely_unit;
use std::ops::Range;

/// Characters from which a run of UTF-16 inside other bytes is text.
pub(crate) const WIDE_CHARS_MIN: usize = 4;
/// Characters from which a run of ASCII inside UTF-16 or UTF-32 is text. Chinese in UTF-16 has shorter ones everywhere.
pub(crate) const ASCII_CHARS_MIN: usize = 8;

/// Bytes of the shortest run of UTF-16.
const WIDE_BYTES_MIN: usize = 2 * WIDE_CHARS_MIN;
/// Places that are classed at once.
const BLOCK_BYTES: usize = 512;
/// Units that are classed for the places of a block: those of a run from its last place on are included, and the
/// number is a multiple of any vector.
const CLASSED: usize = BLOCK_BYTES + 64;

/// The next run of enough bytes of ASCII text from `from` on, cut at `len_max` bytes.
pub(crate) fn next_ascii(bytes: &[u8], from: usize, len_max: usize) -> Option<Range<usize>> {
    let mut start = from;
    while let Some(shortest) = bytes.get(start..start + ASCII_CHARS_MIN) {
        // Read backwards, because the last byte that is none is the one behind which a run may start.
        if let Some(other) = shortest.iter().rposition(|byte| !is_ascii_text(*byte)) {
            start += other + 1;
            continue;
        }
        let len = bytes[start..].iter().take(len_max).take_while(|byte| is_ascii_text(**byte)).count();
        return Some(start..start + len);
    }
    None
}

/// Whether a byte is a printable character of ASCII, a tabulator or a line end.
pub(crate) fn is_ascii_text(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\t' | b'\n' | b'\r')
}

/// The next run of enough letters, digits and marks of European scripts in UTF-16, low byte first, from `from` on. It
/// ends with the first unit that reaches `len_max` bytes.
pub(crate) fn next_wide(bytes: &[u8], from: usize, len_max: usize) -> Option<Range<usize>> {
    let mut at = from;
    while let Some(block) = bytes.get(at..).and_then(|rest| rest.first_chunk()) {
        let starts = possible_starts(block);
        let run = memchr::memchr_iter(1, &starts).find_map(|start| wide_run(bytes, at + start, len_max));
        if run.is_some() {
            return run;
        }
        at += BLOCK_BYTES;
    }
    (at..bytes.len()).find_map(|start| wide_run(bytes, start, len_max))
}

/// The run that starts at a place, when it is long enough.
fn wide_run(bytes: &[u8], start: usize, len_max: usize) -> Option<Range<usize>> {
    let unit = |at: usize| Some(u16::from_le_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]));
    let mut end = start;
    while end - start < len_max && unit(end).is_some_and(is_likely_unit) {
        end += 2;
    }
    // The unit that ends a short run may be one byte off, so the search goes on byte by byte.
    (end - start >= WIDE_BYTES_MIN).then_some(start..end)
}

/// One for each place of a block where a run may start, else zero.
fn possible_starts(block: &[u8; CLASSED + 1]) -> [u8; BLOCK_BYTES] {
    let mut units = [0; CLASSED];
    for (unit, pair) in units.iter_mut().zip(block.windows(2)) {
        *unit = u8::from(may_be_likely(pair[0], pair[1]));
    }
    let mut starts = [0; BLOCK_BYTES];
    for (at, start) in starts.iter_mut().enumerate() {
        *start = units[at] & units[at + 2] & units[at + 4] & units[at + 6];
    }
    starts
}

/// Whether a unit may be [likely](is_likely_unit). All that are likely pass, and so few others that looking closer is
/// cheap.
fn may_be_likely(low: u8, high: u8) -> bool {
    (high <= 4) & ((low >= b'\t') | (high != 0)) | (high == 0x20)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The search as it is meant: every place, one after the other.
    fn next_wide_plainly(bytes: &[u8], from: usize, len_max: usize) -> Option<Range<usize>> {
        (from..bytes.len()).find_map(|start| wide_run(bytes, start, len_max))
    }

    /// The search as it is meant: one run after the other.
    fn next_ascii_plainly(bytes: &[u8], from: usize, len_max: usize) -> Option<Range<usize>> {
        let run = |start: usize| bytes[start..].iter().take(len_max).take_while(|byte| is_ascii_text(**byte)).count();
        let runs = (from..bytes.len()).map(|start| start..start + run(start));
        runs.into_iter().find(|run| run.len() >= ASCII_CHARS_MIN)
    }

    /// Bytes of which most look like halves of units.
    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![
            4 => Just(0_u8),
            3 => prop::sample::select(&b"aZ9 \n\x01\x03\x04\x20\x7f\xa0\xac"[..]),
            1 => any::<u8>(),
        ];
        prop::collection::vec(byte, 0..3 * BLOCK_BYTES)
    }

    proptest! {
        #[test]
        fn blocks_find_what_single_places_do(
            bytes in bytes(), from in 0..BLOCK_BYTES, len_max in prop::sample::select(vec![8, 20, 1_000]),
        ) {
            prop_assert_eq!(next_wide(&bytes, from, len_max), next_wide_plainly(&bytes, from, len_max));
        }

        #[test]
        fn runs_of_ascii_are_found_backwards_too(
            bytes in prop::collection::vec(prop::sample::select(&b"aaaaaaa \n\x00\xff"[..]), 0..80),
            from in 0_usize..20, len_max in prop::sample::select(vec![8, 20, 1_000]),
        ) {
            prop_assert_eq!(next_ascii(&bytes, from, len_max), next_ascii_plainly(&bytes, from, len_max));
        }
    }

    #[test]
    fn runs_are_found_at_every_place_of_a_block() {
        let run: Vec<u8> = "word".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for filler in [0, 0xFF] {
            for start in 0..2 * BLOCK_BYTES {
                let mut bytes = vec![filler; 3 * BLOCK_BYTES];
                bytes[start..start + run.len()].copy_from_slice(&run);
                assert_eq!(next_wide(&bytes, 0, 1_000), Some(start..start + run.len()), "at {start} in {filler}");
            }
        }
    }

    #[test]
    fn every_likely_unit_passes_the_classes() {
        for unit in (0..=u16::MAX).filter(|unit| is_likely_unit(*unit)) {
            let [low, high] = unit.to_le_bytes();
            assert!(may_be_likely(low, high), "{unit:04x}");
        }
    }
}
