//! Poland.

use super::compact::{alnum, ascii_digits, digits, letter_value, number, two, without_prefix};
use super::dates::is_date;
use super::sums::{complement, ends_with, weighted};

/// PESEL: weights 1, 3, 7, 9; the month carries the century (Act on the population register, article 15).
pub(super) fn pesel(value: &[u8]) -> Option<bool> {
    let d = digits::<11>(value)?;
    let (century, month) = match two(&d, 2) {
        month @ 81..=92 => (1800, month - 80),
        month @ 1..=12 => (1900, month),
        month @ 21..=32 => (2000, month - 20),
        month @ 41..=52 => (2100, month - 40),
        month @ 61..=72 => (2200, month - 60),
        _ => return None,
    };
    let check = complement(weighted(&d[..10], &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3]), 10);
    Some(is_date(century + two(&d, 0), month, two(&d, 4)) && ends_with(&d, check))
}

/// NIP: a remainder of ten is not issued; no tax office has the code 000.
pub(super) fn nip(value: &[u8]) -> Option<bool> {
    let d = digits::<10>(without_prefix(value, b"PL"))?;
    Some(number(&d[..3]) != 0 && ends_with(&d, weighted(&d[..9], &[6, 5, 7, 2, 3, 4, 5, 6, 7]) % 11))
}

/// REGON with nine digits, or fourteen of a local unit, whose first nine are a REGON themselves.
pub(super) fn regon(value: &[u8]) -> Option<bool> {
    let Some(d) = digits::<14>(value) else { return Some(regon9(&digits::<9>(value)?)) };
    let sum = weighted(&d[..13], &[2, 4, 8, 5, 0, 9, 7, 3, 6, 1, 2, 4, 8]);
    Some(regon9(d.first_chunk()?) && ends_with(&d, sum % 11 % 10))
}

fn regon9(d: &[u8; 9]) -> bool {
    number(d) != 0 && ends_with(d, weighted(&d[..8], &[8, 9, 2, 3, 4, 5, 6, 7]) % 11 % 10)
}

/// Identity card: letters as 10 to 35, weights over all nine characters, the first digit being the check digit.
pub(super) fn id_card(value: &[u8]) -> Option<bool> {
    let c = alnum::<9>(value)?;
    document(&c, 3, &[7, 3, 1, 9, 7, 3, 1, 7, 3])
}

/// Passport: as the identity card, with two letters.
pub(super) fn passport(value: &[u8]) -> Option<bool> {
    let c = alnum::<9>(value)?;
    document(&c, 2, &[7, 3, 9, 1, 7, 3, 1, 7, 3])
}

fn document(c: &[u8; 9], letters: usize, weights: &[i32; 9]) -> Option<bool> {
    let shape = c.iter().enumerate().all(|(at, byte)| byte.is_ascii_uppercase() == (at < letters));
    let mut values = [0; 9];
    for (slot, byte) in values.iter_mut().zip(c) {
        *slot = letter_value(*byte)?;
    }
    Some(shape && number(&values[letters..]) != 0 && weighted(&values, weights) % 10 == 0)
}

/// Land and mortgage register: court code, number, check digit over the values that the register assigns to letters.
pub(super) fn land_register(value: &[u8]) -> Option<bool> {
    /// Letters in the order of their values from ten on; `Q` and `V` are not used.
    const LETTERS: &[u8] = b"XABCDEFGHIJKLMNOPRSTUWYZ";
    let c = alnum::<13>(value)?;
    let mut values = [0; 12];
    for (slot, byte) in values.iter_mut().zip(&c) {
        let letter = || LETTERS.iter().position(|l| l == byte).map(|at| at as u8 + 10);
        *slot = super::compact::digit(*byte).or_else(letter)?;
    }
    let check = weighted(&values, &[1, 3, 7, 1, 3, 7, 1, 3, 7, 1, 3, 7]) % 10;
    Some(ascii_digits::<1>(&c[12..]).is_some_and(|last| ends_with(&last, check)))
}

/// Physician licence (PWZ): the first digit checks the other six.
pub(super) fn pwz(value: &[u8]) -> Option<bool> {
    let d = digits::<7>(value)?;
    Some(d[0] != 0 && weighted(&d[1..], &[1, 2, 3, 4, 5, 6]) % 11 == i32::from(d[0]))
}
