//! Deflated data without a header, as browsers carry it in addresses after a sign-in (SAML 2.0 bindings, 3.4.4.1).
//!
//! It has no signature, and most characters that could be base64 are none, so its first bits are looked at before anything is
//! inflated: a code of its own must be complete, and what the fixed code copies must stand there.

use super::runs::is_text;
use crate::content::recognise::has_signature;
use std::io::Read as _;

/// Bytes of data and of text that are looked at; shorter text is not worth deflating.
const BYTES_MIN: usize = 12;
/// Bytes that tell what comes out.
const PROBE_BYTES: u64 = 4 * 1024;
/// Bytes that the fixed code must make where it breaks off.
const LITERALS_MIN: u32 = 8;
/// Symbols of the fixed code that must make sense.
const SYMBOLS_MIN: usize = 16;
/// Lengths that a code of lengths has at most (RFC 1951, 3.2.7).
const CODE_LENGTHS_MAX: usize = 19;

/// Whether bytes are deflated text or a deflated file, without a header.
pub(super) fn is_deflated_barely(bytes: &[u8]) -> bool {
    bytes.len() >= BYTES_MIN && may_begin(bytes) && inflates(bytes)
}

/// What bytes inflate to, so many at most.
pub(super) fn inflate_bare(bytes: &[u8], bytes_max: u64) -> Vec<u8> {
    let mut out = Vec::new();
    // What was read before an error is what there is.
    let _ = flate2::bufread::DeflateDecoder::new(bytes).take(bytes_max).read_to_end(&mut out);
    out
}

fn inflates(bytes: &[u8]) -> bool {
    let mut decoder = flate2::bufread::DeflateDecoder::new(bytes);
    let mut out = Vec::new();
    let read = decoder.by_ref().take(PROBE_BYTES).read_to_end(&mut out);
    let is_whole = (out.len() as u64) == PROBE_BYTES || decoder.total_in() == bytes.len() as u64;
    read.is_ok() && is_whole && out.len() >= BYTES_MIN && (is_text(&out) || has_signature(&out))
}

/// Whether the first bits can be those of deflated data. Few others pass.
pub(super) fn may_begin(bytes: &[u8]) -> bool {
    let mut bits = Bits { bytes, at: 1 };
    match bits.take(2) {
        Some(1) => has_fixed_symbols(&mut bits),
        Some(2) => has_code_of_lengths(&mut bits),
        _ => false,
    }
}

/// Whether a code of its own begins here: as many symbols as there may be, and a complete code of their lengths.
fn has_code_of_lengths(bits: &mut Bits<'_>) -> bool {
    let (Some(literals), Some(distances), Some(count)) = (bits.take(5), bits.take(5), bits.take(4)) else {
        return false;
    };
    let lengths = (0..CODE_LENGTHS_MAX.min(count as usize + 4)).map(|_| bits.take(3));
    let room: Option<u32> = lengths.map(|len| len.map(|len| if len == 0 { 0 } else { 1 << (7 - len) })).sum();
    literals <= 29 && distances <= 29 && room == Some(1 << 7)
}

/// Whether symbols of the fixed code stand here that copy nothing from before the beginning.
fn has_fixed_symbols(bits: &mut Bits<'_>) -> bool {
    const BASES: [u32; 29] = [
        3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227,
        258,
    ];
    let mut made = 0;
    for _ in 0..SYMBOLS_MIN {
        // The first bytes of a short code may end before it does.
        let Some(symbol) = bits.fixed_symbol() else { return made >= LITERALS_MIN };
        if symbol < 256 {
            made += 1;
            continue;
        }
        let Some(index) = symbol.checked_sub(257).map(|index| index as usize) else { return made >= BYTES_MIN as u32 };
        let length_bits = if (8..28).contains(&index) { (index as u32 - 4) / 4 } else { 0 };
        let (Some(base), Some(more), Some(code)) = (BASES.get(index), bits.take(length_bits), bits.take_code(5)) else {
            return false;
        };
        let distance_bits = if code < 4 { 0 } else { code / 2 - 1 };
        let Some(behind) = bits.take(distance_bits).filter(|_| code < 30) else { return false };
        let distance = if code < 4 { code + 1 } else { ((2 + code % 2) << distance_bits) + 1 + behind };
        if distance > made {
            return false;
        }
        made += base + more;
    }
    true
}

/// Bits, the lowest of a byte first.
struct Bits<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl Bits<'_> {
    fn bit(&mut self) -> Option<u32> {
        let byte = self.bytes.get(self.at / 8)?;
        let bit = byte >> (self.at % 8) & 1;
        self.at += 1;
        Some(bit.into())
    }

    /// A number, its lowest bit first.
    fn take(&mut self, count: u32) -> Option<u32> {
        (0..count).try_fold(0, |number, index| Some(number | self.bit()? << index))
    }

    /// A code, its highest bit first.
    fn take_code(&mut self, count: u32) -> Option<u32> {
        (0..count).try_fold(0, |code, _| Some(code << 1 | self.bit()?))
    }

    /// A symbol of the fixed code (RFC 1951, 3.2.6).
    fn fixed_symbol(&mut self) -> Option<u32> {
        let code = self.take_code(7)?;
        if code < 0x18 {
            return Some(256 + code);
        }
        let code = code << 1 | self.bit()?;
        match code {
            0x30..=0xBF => Some(code - 0x30),
            0xC0..=0xC7 => Some(280 + code - 0xC0),
            _ => Some(144 + (code << 1 | self.bit()?) - 0x190),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn deflated(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(text).expect("memory");
        encoder.finish().expect("memory")
    }

    #[test]
    fn text_that_was_deflated_without_a_header_is_known() {
        let shortest = b"NIP: 1234563218".to_vec();
        assert!(may_begin(&deflated(&shortest)[..15]), "without its end");
        let short = b"card 4539 1488 0343 6467 of the client, card 4539 1488 0343 6467".to_vec();
        let long: Vec<u8> = (0..4_000).flat_map(|n: u32| format!("{n}: {}\n", n * n % 9_973).into_bytes()).collect();
        for text in [shortest, short, b"<samlp:AuthnRequest ID=\"44051401458\" Version=\"2.0\"/>".repeat(5), long] {
            let packed = deflated(&text);
            assert!(is_deflated_barely(&packed), "{} bytes", text.len());
            assert_eq!(inflate_bare(&packed, 1 << 20), text);
            assert_eq!(inflate_bare(&packed, 9), text[..9]);
            assert!(!is_deflated_barely(&packed[..packed.len() / 2]) || text.len() > 4_096);
        }
        assert!(!is_deflated_barely(&deflated(&[1, 2, 3, 200].repeat(99))), "it is no text");
    }

    #[test]
    fn other_bytes_are_told_by_their_first_bits() {
        let mut next = crate::content::decode::noise();
        let passed = (0..20_000).filter(|_| may_begin(&std::array::from_fn::<u8, 64, _>(|_| next()))).count();
        assert!(passed < 400, "{passed} of 20,000");
    }
}
