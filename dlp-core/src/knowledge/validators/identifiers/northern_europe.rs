//! The Nordic and the Baltic states.

use super::compact::{Compact, alnum, ascii_digits, digits, number, two, without_prefix};
use super::dates::{is_date, is_short_date};
use super::sums::{complement, ends_with, luhn, two_pass, weighted};

/// Swedish personal number of ten or twelve digits, also the coordination number with its day plus sixty.
pub(super) fn se_personal_number(value: &[u8]) -> Option<bool> {
    let all = Compact::digits(value)?;
    let d: [u8; 10] = all.get(all.len().checked_sub(10)?..)?.try_into().ok()?;
    let day = two(&d, 4);
    let day = if day > 60 { day - 60 } else { day };
    let real = match all.len() {
        10 => is_short_date(two(&d, 0), two(&d, 2), day),
        12 => matches!(two(&all, 0), 18..=20) && is_date(number(&all[..4]) as u32, two(&d, 2), day),
        _ => return None,
    };
    Some(real && luhn(&d))
}

/// Swedish organisation number: Luhn; the third digit, two or more, tells it from a birth month.
pub(super) fn se_organisation(value: &[u8]) -> Option<bool> {
    let d = digits::<10>(value)?;
    Some(d[2] >= 2 && luhn(&d))
}

/// Swedish VAT number: organisation or personal number and `01`.
pub(super) fn se_vat(value: &[u8]) -> Option<bool> {
    let d = digits::<12>(without_prefix(value, b"SE"))?;
    Some(d[10..] == [0, 1] && luhn(&d[..10]))
}

/// Norwegian birth number, D-number (day plus forty) and H-number (month plus forty): two check digits, and a serial
/// that gives the century (Skatteetaten, in force until 2031).
/// The shifted months of synthetic test numbers are no person's.
pub(super) fn no_birth_number(value: &[u8]) -> Option<bool> {
    let d = digits::<11>(value)?;
    let day = two(&d, 0);
    let day = if day > 40 { day - 40 } else { day };
    let month = match two(&d, 2) {
        month @ 41..=52 => month - 40,
        month => month,
    };
    let first = complement(weighted(&d, &[3, 7, 6, 1, 8, 9, 4, 5, 2]), 11);
    let second = complement(weighted(&d, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]), 11);
    let year = two(&d, 4);
    let century = match (number(&d[6..9]), year) {
        (0..=499, _) | (900.., 40..) => 1900,
        (500..=749, 54..) => 1800,
        (500.., 0..=39) => 2000,
        _ => return Some(false),
    };
    let checks = i32::from(d[9]) == first && i32::from(d[10]) == second;
    Some(checks && is_date(century + year, month, day))
}

/// Norwegian organisation number.
pub(super) fn no_organisation(value: &[u8]) -> Option<bool> {
    let d = digits::<9>(value)?;
    Some(number(&d) != 0 && ends_with(&d, complement(weighted(&d[..8], &[3, 2, 7, 6, 5, 4, 3, 2]), 11)))
}

/// Danish CPR number: a date in the century that the seventh digit gives. The old eleven test no longer holds.
pub(super) fn dk_cpr(value: &[u8]) -> Option<bool> {
    let d = digits::<10>(value)?;
    let year = two(&d, 4);
    let century = match (d[6], year) {
        (0..=3, _) => 1900,
        (4 | 9, 0..=36) => 2000,
        (4 | 9, _) => 1900,
        (_, 0..=57) => 2000,
        _ => 1800,
    };
    Some(is_date(century + year, two(&d, 2), two(&d, 0)))
}

/// Danish company number.
pub(super) fn dk_cvr(value: &[u8]) -> Option<bool> {
    let d = digits::<8>(without_prefix(value, b"DK"))?;
    Some(d[0] != 0 && weighted(&d, &[2, 7, 6, 5, 4, 3, 2, 1]) % 11 == 0)
}

/// Finnish personal identity code: date, century sign, individual number, check character modulo 31.
pub(super) fn fi_personal_identity_code(value: &[u8]) -> Option<bool> {
    let value: &[u8; 11] = value.try_into().ok()?;
    let birth = ascii_digits::<6>(&value[..6])?;
    let serial = ascii_digits::<3>(&value[7..10])?;
    let century = match value[6].to_ascii_uppercase() {
        b'+' => 1800,
        b'-' | b'U'..=b'Y' => 1900,
        b'A'..=b'F' => 2000,
        _ => return None,
    };
    let real = is_date(century + two(&birth, 4), two(&birth, 2), two(&birth, 0));
    let rest = (number(&birth) * 1000 + number(&serial)) % 31;
    let check = b"0123456789ABCDEFHJKLMNPRSTUVWXY".get(rest as usize).copied();
    Some(real && number(&serial) >= 2 && check == Some(value[10].to_ascii_uppercase()))
}

/// Finnish business id.
pub(super) fn fi_business_id(value: &[u8]) -> Option<bool> {
    let d = digits::<8>(without_prefix(value, b"FI"))?;
    Some(number(&d) != 0 && weighted(&d, &[7, 9, 10, 5, 8, 4, 2, 1]) % 11 == 0)
}

/// Icelandic kennitala: check digit in ninth place, century in the last; organisations add forty to the day.
pub(super) fn is_kennitala(value: &[u8]) -> Option<bool> {
    let d = digits::<10>(value)?;
    let century = match d[9] {
        8 => 1800,
        9 => 1900,
        0 => 2000,
        _ => return None,
    };
    let day = two(&d, 0);
    let real = is_date(century + two(&d, 4), two(&d, 2), if day > 40 { day - 40 } else { day });
    Some(real && ends_with(&d[..9], complement(weighted(&d, &[3, 2, 7, 6, 5, 4, 3, 2]), 11)))
}

/// Estonian and Lithuanian personal code: century and sex, date, two-pass check digit. Lithuania's ninth series has no
/// date.
pub(super) fn baltic_personal_code(value: &[u8]) -> Option<bool> {
    let d = digits::<11>(value)?;
    let century = match d[0] {
        1 | 2 => 1800,
        3 | 4 => 1900,
        5 | 6 => 2000,
        7 | 8 => 2100,
        _ => return None,
    };
    let check = two_pass(&d[..10], &[1, 2, 3, 4, 5, 6, 7, 8, 9, 1], &[3, 4, 5, 6, 7, 8, 9, 1, 2, 3]);
    Some(is_date(century + two(&d, 1), two(&d, 3), two(&d, 5)) && ends_with(&d, check))
}

/// Latvian personal code of the dated form, or of the form since 2017, which starts with 32 to 39 and has no date.
pub(super) fn lv_personal_code(value: &[u8]) -> Option<bool> {
    let d = digits::<11>(value)?;
    if matches!(two(&d, 0), 32..=39) {
        return Some(true);
    }
    let century = match d[6] {
        0 => 1800,
        1 => 1900,
        2 => 2000,
        _ => return None,
    };
    let check = (1 + weighted(&d, &[10, 5, 8, 4, 2, 1, 6, 3, 7, 9])) % 11 % 10;
    Some(is_date(century + two(&d, 4), two(&d, 2), two(&d, 0)) && ends_with(&d, check))
}

/// Estonian VAT number.
pub(super) fn ee_vat(value: &[u8]) -> Option<bool> {
    let d = digits::<9>(without_prefix(value, b"EE"))?;
    Some(number(&d) != 0 && weighted(&d, &[3, 7, 1, 3, 7, 1, 3, 7, 1]) % 10 == 0)
}

/// Lithuanian VAT number of nine or twelve digits.
pub(super) fn lt_vat(value: &[u8]) -> Option<bool> {
    let value = without_prefix(value, b"LT");
    if let Some(d) = digits::<9>(value) {
        let check = two_pass(&d[..8], &[1, 2, 3, 4, 5, 6, 7, 8], &[3, 4, 5, 6, 7, 8, 9, 1]);
        return Some(d[7] == 1 && ends_with(&d, check));
    }
    let d = digits::<12>(value)?;
    let check = two_pass(&d[..11], &[1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2], &[3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4]);
    Some(d[10] == 1 && ends_with(&d, check))
}

/// Latvian VAT number of a company, or a personal code.
pub(super) fn lv_vat(value: &[u8]) -> Option<bool> {
    let c = alnum::<11>(without_prefix(value, b"LV"))?;
    let d = ascii_digits::<11>(&c)?;
    let company = d[0] >= 4 && weighted(&d, &[9, 1, 4, 8, 3, 10, 2, 5, 7, 6, 1]) % 11 == 3;
    Some(company || (d[0] < 4 && lv_personal_code(&c) == Some(true)))
}

/// Estonian company code.
pub(super) fn ee_company(value: &[u8]) -> Option<bool> {
    let d = digits::<8>(value)?;
    let check = two_pass(&d[..7], &[1, 2, 3, 4, 5, 6, 7], &[3, 4, 5, 6, 7, 8, 9]);
    Some(matches!(d[0], 1 | 7..=9) && ends_with(&d, check))
}
