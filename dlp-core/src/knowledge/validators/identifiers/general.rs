//! The published check systems by themselves, for detectors that users write.

use super::compact::{Compact, ascii_digits, letter_value};
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

/// Book number, ISO 2108: thirteen digits with a GS1 check digit, or ten places with X for a check of ten.
pub(super) fn isbn(value: &[u8]) -> Option<bool> {
    let c = Compact::alnum(value)?;
    if let Some(d) = ascii_digits::<13>(&c) {
        return Some(d[..2] == [9, 7] && matches!(d[2], 8 | 9) && sums::gs1(&d));
    }
    let (check, body) = c.split_last()?;
    let d = ascii_digits::<9>(body)?;
    let expected = match sums::complement(sums::weighted(&d, &[10, 9, 8, 7, 6, 5, 4, 3, 2]), 11) {
        10 => b'X',
        rest => b'0' + rest as u8,
    };
    Some(d.windows(2).any(|pair| pair[0] != pair[1]) && *check == expected)
}

/// Energy identification code (ENTSO-E EIC): sixteen places, the hyphen being worth 36.
pub(super) fn energy_code(value: &[u8]) -> Option<bool> {
    let c: &[u8; 16] = value.try_into().ok()?;
    let worth = |byte: u8| if byte == b'-' { Some(36) } else { letter_value(byte).map(u32::from) };
    let sum = c[..15].iter().zip((2..=16).rev()).try_fold(0, |sum, (byte, w)| Some(sum + worth(*byte)? * w))?;
    let check = 36 - (sum + 36) % 37;
    Some(ascii_digits::<2>(&c[..2]).is_some() && check < 36 && worth(c[15])? == check)
}
