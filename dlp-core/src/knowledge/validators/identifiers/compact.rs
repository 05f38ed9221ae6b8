//! Compact forms: the letters and digits of a value without what people write between them.
//!
//! Values arrive as they stand in the text, with spaces, hyphens, dots, slashes or no-break spaces. The pattern of the
//! detector has already fixed where such marks may be, so everything that is no ASCII letter or digit is skipped here.
//! Nothing is allocated.

use std::ops::Deref;

/// Longest compact form: an IBAN has 34 characters, an uncompressed MRZ goes its own way.
const COMPACT_LEN_MAX: usize = 48;

/// The letters (in upper case) and digits of a value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Compact {
    bytes: [u8; COMPACT_LEN_MAX],
    len: usize,
}

impl Deref for Compact {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

impl Compact {
    /// Letters in upper case and digits, as ASCII. `None` when there are too many.
    pub(super) fn alnum(value: &[u8]) -> Option<Self> {
        let mut compact = Self { bytes: [0; COMPACT_LEN_MAX], len: 0 };
        for byte in value {
            // No branch: where the marks stand is not to be foretold. One that comes last is written behind the end.
            let is_kept = byte.is_ascii_alphanumeric();
            match compact.bytes.get_mut(compact.len) {
                Some(place) => *place = byte.to_ascii_uppercase(),
                None if is_kept => return None,
                None => {}
            }
            compact.len += usize::from(is_kept);
        }
        Some(compact)
    }

    /// Digits as numbers 0 to 9. `None` when there are too many, or a letter stands among them.
    pub(super) fn digits(value: &[u8]) -> Option<Self> {
        // Most numbers that are checked stand without marks.
        if value.len() <= COMPACT_LEN_MAX && are_digits(value) {
            let mut compact = Self { bytes: [0; COMPACT_LEN_MAX], len: value.len() };
            compact.bytes.iter_mut().zip(value).for_each(|(digit, byte)| *digit = byte - b'0');
            return Some(compact);
        }
        let mut compact = Self::alnum(value)?;
        if !are_digits(&compact) {
            return None;
        }
        compact.bytes.iter_mut().for_each(|byte| *byte = byte.wrapping_sub(b'0'));
        Some(compact)
    }
}

/// Exactly `N` digits as numbers 0 to 9, with no letter among them.
#[inline]
pub(super) fn digits<const N: usize>(value: &[u8]) -> Option<[u8; N]> {
    // As most numbers that are checked stand.
    ascii_digits(value).or_else(|| Compact::digits(value)?.deref().try_into().ok())
}

/// Whether all bytes are digits, told without a branch for each.
#[inline]
fn are_digits(value: &[u8]) -> bool {
    value.iter().fold(true, |all, byte| all & byte.is_ascii_digit())
}

/// Exactly `N` letters and digits, as upper-case ASCII.
pub(super) fn alnum<const N: usize>(value: &[u8]) -> Option<[u8; N]> {
    Compact::alnum(value)?.deref().try_into().ok()
}

/// The value after a prefix of letters (and the separators after it), or the value itself when it has none.
pub(super) fn without_prefix<'a>(value: &'a [u8], prefix: &[u8]) -> &'a [u8] {
    match value.split_at_checked(prefix.len()) {
        Some((head, rest)) if head.eq_ignore_ascii_case(prefix) => rest,
        _ => value,
    }
}

/// The number of an ASCII digit.
pub(super) fn digit(byte: u8) -> Option<u8> {
    byte.is_ascii_digit().then(|| byte - b'0')
}

/// 0 to 9 for digits, 10 to 35 for upper-case letters: the values of ISO 7064 and ICAO 9303.
pub(super) fn letter_value(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'Z' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// The number that decimal digits 0 to 9 spell. At most 18 of them.
pub(super) fn number(digits: &[u8]) -> u64 {
    digits.iter().take(18).fold(0, |sum, digit| sum * 10 + u64::from(*digit))
}

/// The two-digit number at an index, zero beyond the end.
pub(super) fn two(digits: &[u8], at: usize) -> u32 {
    digits.get(at..at + 2).map_or(0, |pair| number(pair) as u32)
}

/// ASCII digits of a slice as numbers, in an array of `N`.
#[inline]
pub(super) fn ascii_digits<const N: usize>(ascii: &[u8]) -> Option<[u8; N]> {
    let bytes: [u8; N] = ascii.try_into().ok()?;
    are_digits(&bytes).then(|| bytes.map(|byte| byte - b'0'))
}
