//! Africa.

use super::compact::{Compact, alnum, ascii_digits, digits, letter_value, number, two};
use super::dates::{is_date, is_short_date};
use super::sums::{ends_with, luhn, weighted};

/// South African identity number: date, citizenship digit, Luhn.
pub(super) fn za_id(value: &[u8]) -> Option<bool> {
    let d = digits::<13>(value)?;
    Some(is_short_date(two(&d, 0), two(&d, 2), two(&d, 4)) && d[10] <= 2 && luhn(&d))
}

/// Mauritian national number: date after the initial of the surname, check character modulo 17.
pub(super) fn mu_national(value: &[u8]) -> Option<bool> {
    let c = alnum::<14>(value)?;
    let birth = ascii_digits::<6>(&c[1..7])?;
    let sum = c[..13]
        .iter()
        .zip((2..=14u32).rev())
        .try_fold(0, |sum, (byte, weight)| Some(sum + u32::from(letter_value(*byte)?) * weight))?;
    let real = is_short_date(two(&birth, 4), two(&birth, 2), two(&birth, 0));
    Some(real && c[0].is_ascii_uppercase() && u32::from(letter_value(c[13])?) == (17 - sum % 17) % 17)
}

/// Zimbabwean national number: the letter checks the eight or nine digits before it.
pub(super) fn zw_national(value: &[u8]) -> Option<bool> {
    let all = Compact::alnum(value)?;
    let at = all.iter().position(u8::is_ascii_uppercase)?;
    let body = Compact::digits(all.get(..at)?)?;
    let district = ascii_digits::<2>(all.get(at + 1..)?)?;
    let check = b"ZABCDEFGHJKLMNPQRSTVWXY".get((number(&body) % 23) as usize);
    Some(matches!(body.len(), 8 | 9) && number(&district) != 0 && all.get(at) == check)
}

/// Egyptian national number: century, date, governorate. The algorithm of its check digit is not published.
pub(super) fn eg_national(value: &[u8]) -> Option<bool> {
    let d = digits::<14>(value)?;
    let century = match d[0] {
        2 => 1900,
        3 => 2000,
        _ => return None,
    };
    let governorate = matches!(two(&d, 7), 1..=4 | 11..=19 | 21..=29 | 31..=35 | 88);
    Some(governorate && is_date(century + two(&d, 1), two(&d, 3), two(&d, 5)))
}

/// South African tax number: Luhn, after a first digit that the revenue service assigns.
pub(super) fn za_tax(value: &[u8]) -> Option<bool> {
    let d = digits::<10>(value)?;
    Some(matches!(d[0], 0..=3 | 9) && number(&d) != 0 && luhn(&d))
}

/// Ghanaian taxpayer number: a letter for the kind of holder, `00`, and X for a check of ten.
pub(super) fn gh_taxpayer(value: &[u8]) -> Option<bool> {
    let c = alnum::<11>(value)?;
    let d = ascii_digits::<9>(&c[1..10])?;
    let check = match weighted(&d, &[1, 2, 3, 4, 5, 6, 7, 8, 9]) % 11 {
        10 => b'X',
        rest => b'0' + rest as u8,
    };
    Some(b"PCGQV".contains(&c[0]) && two(&d, 0) == 0 && number(&d) != 0 && c[10] == check)
}

/// Moroccan company number (ICE): a multiple of 97.
pub(super) fn ma_company(value: &[u8]) -> Option<bool> {
    let d = digits::<15>(value)?;
    Some(number(&d) != 0 && number(&d).is_multiple_of(97))
}

/// Mozambican taxpayer number (NUIT): one for a check of ten.
pub(super) fn mz_taxpayer(value: &[u8]) -> Option<bool> {
    let d = digits::<9>(value)?;
    let check = weighted(&d[..8], &[8, 9, 4, 5, 6, 7, 8, 9]) % 11;
    Some(number(&d) != 0 && ends_with(&d, if check == 10 { 1 } else { check }))
}

/// Senegalese taxpayer number (NINEA), padded to nine digits: weights 1 and 2 make a multiple of ten.
pub(super) fn sn_taxpayer(value: &[u8]) -> Option<bool> {
    let all = Compact::digits(value)?;
    let mut d = [0; 9];
    d.get_mut(9usize.checked_sub(all.len())?..)?.copy_from_slice(&all);
    Some(all.len() >= 7 && number(&d) != 0 && weighted(&d, &[1, 2, 1, 2, 1, 2, 1, 2, 1]) % 10 == 0)
}
