//! Streams of brotli (RFC 7932) that were encoded as text.
//!
//! They have no signature. Their first bits say how long the first block is, which no other bytes say so that it fits, and
//! then the whole of it has to become text or a file, to its last byte: a dictionary makes words of almost anything.

use super::runs::is_text;
use crate::content::recognise::has_signature;
use brotli_decompressor::Decompressor;
use std::io::Read as _;

/// Bytes of a stream and of text that are looked at; shorter text is not worth packing.
const BYTES_MIN: usize = 12;
/// Bytes that tell what comes out.
const PROBE_BYTES: u64 = 4 * 1024;
/// Bytes that are read at once: few, so that what the stream leaves behind its end is seen.
const BUFFER_BYTES: usize = 32;
/// The same where that does not matter.
const LARGE_BUFFER_BYTES: usize = 4 * 1024;
/// Bytes of a block for each one of the stream. Text packs to a tenth, repetitions to less.
const RATIO_MAX: u64 = 256;

/// Whether bytes are text or a file, packed by brotli.
pub(super) fn is_packed(bytes: &[u8]) -> bool {
    bytes.len() >= BYTES_MIN && may_begin(bytes, bytes.len()) && unpacks(bytes)
}

/// What a stream unpacks to, so many bytes at most.
pub(super) fn unpack(bytes: &[u8], bytes_max: u64) -> Vec<u8> {
    let mut out = Vec::new();
    // What was read before an error is what there is.
    let _ = Decompressor::new(bytes, LARGE_BUFFER_BYTES).take(bytes_max).read_to_end(&mut out);
    out
}

fn unpacks(mut bytes: &[u8]) -> bool {
    let mut out = Vec::new();
    let read = Decompressor::new(&mut bytes, BUFFER_BYTES).take(PROBE_BYTES).read_to_end(&mut out);
    let is_whole = out.len() as u64 == PROBE_BYTES || bytes.is_empty();
    read.is_ok() && is_whole && out.len() >= BYTES_MIN && (is_text(&out) || has_signature(&out))
}

/// Whether the first bytes can be those of a stream that has so many: a window, and a block whose length it can be.
pub(super) fn may_begin(bytes: &[u8], stream_len: usize) -> bool {
    let Some(head) = bytes.first_chunk::<8>().map(|head| u64::from_le_bytes(*head)) else { return false };
    let window_bits = match head & 0x7f {
        bits if bits & 1 == 0 => 1,
        bits if bits & 0x0e != 0 => 4,
        // A window larger than the standard knows.
        0x11 => return false,
        _ => 7,
    };
    let bits = head >> window_bits;
    let (is_last, bits) = (bits & 1 == 1, bits >> 1);
    // The last block may be empty, and then nothing was packed.
    let (is_empty, bits) = if is_last { (bits & 1 == 1, bits >> 1) } else { (false, bits) };
    let digits = match bits & 3 {
        count @ 0..=2 => 4 + count,
        _ => return false,
    };
    let block_len = (bits >> 2 & ((1 << (4 * digits)) - 1)) + 1;
    // No more digits than the length needs.
    let is_shortest = digits == 4 || block_len > 1 << (4 * (digits - 1));
    let len_max = (stream_len as u64).saturating_mul(RATIO_MAX);
    !is_empty && is_shortest && (BYTES_MIN as u64..=len_max).contains(&block_len)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "the card of the client is 4539 1488 0343 6467, and the card of the other client is 4000 0100 0007 1234\n";
    const PACKED_22: &str =
        "G2YAKIzUWU1dnCNUepah0YGOrVvSQjz+AjrlgL21Eg8wCy9gzwVF15ySyiiHvQC8jP/I86eyixzT6WkkaPvhKwmVRHuo6xw=";
    const PACKED_16: &str =
        "wgwAhZE6q6mLc4RKzzI0OtCxdUtaiMdfQKccsLdW4gFm4QXsuaDomlNSGeWwF4CX8R95/lR2kWM6PY0EbT98JaGSaA91nQM=";
    const PACKED_10: &str =
        "oTADQGGkzmrq4hyh0rMMjQ50bN2SFuLxF9ApB+ytlXiAWXgBey4ouuaUVEY57AXgZfxHnj+VXeSYTk8jQdsPX0moJNpDXecA";
    const PACKED_TWICE: &str =
        "ixMA+I2Uq+lqQQe6sVQXovILNwbBFoQQURSSCzjEU3+0AN7w49HSTihZ4QOASsBN1i2JEI8yhA04cCvzbdzsxpBaMqem/wdheVwDwiDy5b0M";

    /// Streams that the reference encoder made of a text, in windows of 22, 16 and 10 bits, and of the same text in two
    /// blocks.
    const PACKED: [&str; 4] = [PACKED_22, PACKED_16, PACKED_10, PACKED_TWICE];

    #[test]
    fn text_that_was_packed_is_known() {
        for packed in PACKED {
            let bytes = data_encoding::BASE64.decode(packed.as_bytes()).expect("base 64");
            assert!(is_packed(&bytes), "{packed}");
            assert_eq!(unpack(&bytes, 1 << 20), TEXT.as_bytes(), "{packed}");
            assert_eq!(unpack(&bytes, 9), &TEXT.as_bytes()[..9]);
            assert!(!is_packed(&bytes[..bytes.len() - 3]), "without its end: {packed}");
            assert!(!is_packed(&[&bytes[..], &[0x5a; 64]].concat()), "with more behind: {packed}");
        }
    }

    #[test]
    fn other_bytes_are_told_by_their_first_bits() {
        let mut next = crate::content::decode::noise();
        let runs: Vec<[u8; 64]> = (0..20_000).map(|_| std::array::from_fn(|_| next())).collect();
        let passed = runs.iter().filter(|run| may_begin(*run, run.len())).count();
        let packed = runs.iter().filter(|run| is_packed(*run)).count();
        assert!(passed < 2_000 && packed == 0, "{passed} and {packed} of 20,000");
        assert!(!may_begin(b"text", 4) && !is_packed(b"some text that is none of it"));
    }
}
