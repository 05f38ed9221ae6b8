//! The published check systems by themselves, for detectors that users write.

use super::compact::Compact;
use super::sums;

/// Luhn's test over the digits.
pub(super) fn luhn(value: &[u8]) -> Option<bool> {
    varied(value).map(|digits| sums::luhn(&digits))
}

/// Verhoeff's test over the digits.
pub(super) fn verhoeff(value: &[u8]) -> Option<bool> {
    varied(value).map(|digits| sums::verhoeff(&digits))
}

/// ISO 7064 mod 11,10 over the digits.
pub(super) fn mod_11_10(value: &[u8]) -> Option<bool> {
    varied(value).map(|digits| sums::mod_11_10(&digits))
}

/// ISO 7064 mod 97-10 over letters and digits.
pub(super) fn mod_97_10(value: &[u8]) -> Option<bool> {
    Some(sums::mod97(Compact::alnum(value)?.iter())? == 1)
}

/// GS1 check digit over the digits.
pub(super) fn gs1(value: &[u8]) -> Option<bool> {
    varied(value).map(|digits| sums::gs1(&digits))
}

/// The digits, when there are at least two different ones: a row of zeros passes every sum.
fn varied(value: &[u8]) -> Option<Compact> {
    Compact::digits(value).filter(|digits| digits.windows(2).any(|pair| pair[0] != pair[1]))
}
