//! Latin America and the Caribbean.

use super::compact::{Compact, alnum, ascii_digits, digit, digits, number, two};
use super::dates::is_date;
use super::sums::{complement, ends_with, luhn, weighted};

/// Brazilian person number (CPF): two check digits modulo 11; numbers of one repeated digit are not issued.
pub(super) fn br_cpf(value: &[u8]) -> Option<bool> {
    let d = digits::<11>(value)?;
    let first = modulo_11(weighted(&d[..9], &[10, 9, 8, 7, 6, 5, 4, 3, 2]));
    let second = modulo_11(weighted(&d[..10], &[11, 10, 9, 8, 7, 6, 5, 4, 3, 2]));
    let varied = d.windows(2).any(|pair| pair[0] != pair[1]);
    Some(varied && i32::from(d[9]) == first && ends_with(&d, second))
}

/// Brazilian company number (CNPJ), whose first twelve characters may be letters since July 2026.
pub(super) fn br_cnpj(value: &[u8]) -> Option<bool> {
    let mut c = alnum::<14>(value)?;
    c.iter_mut().for_each(|byte| *byte -= b'0');
    let first = modulo_11(weighted(&c[..12], &[5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]));
    let second = modulo_11(weighted(&c[..13], &[6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]));
    let varied = c.windows(2).any(|pair| pair[0] != pair[1]);
    Some(varied && i32::from(c[12]) == first && ends_with(&c, second))
}

fn modulo_11(sum: i32) -> i32 {
    complement(sum, 11) % 10 * i32::from(complement(sum, 11) != 10)
}

/// Brazilian social number (PIS, PASEP, NIS).
pub(super) fn br_pis(value: &[u8]) -> Option<bool> {
    let d = digits::<11>(value)?;
    Some(number(&d) != 0 && ends_with(&d, modulo_11(weighted(&d[..10], &[3, 2, 9, 8, 7, 6, 5, 4, 3, 2]))))
}

/// Argentine tax number (CUIT, CUIL): the type comes first; a check of ten is written as nine.
pub(super) fn ar_cuit(value: &[u8]) -> Option<bool> {
    let d = digits::<11>(value)?;
    let kind = matches!(two(&d, 0), 20 | 23..=27 | 30 | 33 | 34 | 50 | 51 | 55);
    let check = complement(weighted(&d[..10], &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]), 11);
    Some(kind && ends_with(&d, if check == 10 { 9 } else { check }))
}

/// Chilean number (RUT, RUN): weights 2 to 7 from the right, K for ten.
pub(super) fn cl_rut(value: &[u8]) -> Option<bool> {
    let all = Compact::alnum(value)?;
    let (check, body) = all.split_last()?;
    let body = Compact::digits(body)?;
    let sum: i32 = body.iter().rev().zip([2, 3, 4, 5, 6, 7].iter().cycle()).map(|(n, w)| i32::from(*n) * w).sum();
    let expected = match complement(sum, 11) {
        10 => b'K',
        rest => b'0' + rest as u8,
    };
    Some((7..=8).contains(&body.len()) && number(&body) != 0 && *check == expected)
}

/// Colombian tax number (NIT): prime weights from the right.
pub(super) fn co_nit(value: &[u8]) -> Option<bool> {
    let all = Compact::digits(value)?;
    let (_, body) = all.split_last()?;
    let weights = [3, 7, 13, 17, 19, 23, 29, 37, 41, 43];
    let rest = body.iter().rev().zip(&weights).map(|(n, w)| i32::from(*n) * w).sum::<i32>() % 11;
    Some((8..=10).contains(&body.len()) && ends_with(&all, if rest < 2 { rest } else { 11 - rest }))
}

/// Peruvian tax number (RUC).
pub(super) fn pe_ruc(value: &[u8]) -> Option<bool> {
    let d = digits::<11>(value)?;
    let check = (11 - weighted(&d[..10], &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 10;
    Some(matches!(two(&d, 0), 10 | 15 | 16 | 17 | 20) && ends_with(&d, check))
}

/// Ecuadorian identity number: province, third digit below seven, Luhn.
pub(super) fn ec_cedula(value: &[u8]) -> Option<bool> {
    let d = digits::<10>(value)?;
    Some(matches!(two(&d, 0), 1..=24 | 30 | 50) && d[2] <= 6 && luhn(&d))
}

/// Codes of the Mexican states in a CURP, `QO` being written for Querétaro too, and `NE` for people born abroad.
const MX_STATES: &[u8] = b"ASBCBSCCCLCMCSCHDFDGGTGRHGJCMCMNMSNTNLOCPLQTQRQOSPSLSRTCTSTLVZYNZSNE";

/// Mexican population number (CURP): date, sex, state, check digit over an alphabet with the letter n-tilde.
pub(super) fn mx_curp(value: &[u8]) -> Option<bool> {
    let c = alnum::<18>(value)?;
    let birth = ascii_digits::<6>(&c[4..10])?;
    let century = if c[16].is_ascii_digit() { 1900 } else { 2000 };
    let sum = c[..17].iter().zip((2..=18).rev()).map(|(byte, weight)| curp_value(*byte) * weight).sum();
    let check = digit(c[17]).map(i32::from) == Some(complement(sum, 10));
    let state = MX_STATES.chunks_exact(2).any(|state| state == &c[11..13]);
    let sex = matches!(c[10], b'H' | b'M' | b'X');
    Some(check && state && sex && is_date(century + two(&birth, 0), two(&birth, 2), two(&birth, 4)))
}

/// Digits as they are, A to N from ten, O to Z one higher because of the n-tilde between them.
fn curp_value(byte: u8) -> i32 {
    match byte {
        b'A'..=b'N' => i32::from(byte - b'A') + 10,
        b'O'..=b'Z' => i32::from(byte - b'A') + 11,
        _ => i32::from(byte.saturating_sub(b'0')),
    }
}

/// Mexican taxpayer registry (RFC): the date must be real. The check character decides only about the confidence of
/// others, since many that are in use fail it.
pub(super) fn mx_rfc(value: &[u8]) -> Option<bool> {
    let letters = value.iter().take_while(|byte| !byte.is_ascii_digit()).filter(|b| !b" -".contains(b)).count();
    let (_, tail) = value.split_at_checked(value.iter().position(u8::is_ascii_digit)?)?;
    let c = alnum::<9>(tail)?;
    let birth = ascii_digits::<6>(&c[..6])?;
    let real = super::dates::is_short_date(two(&birth, 0), two(&birth, 2), two(&birth, 4));
    Some((3..=5).contains(&letters) && real)
}

/// Dominican identity number: Luhn.
pub(super) fn do_cedula(value: &[u8]) -> Option<bool> {
    let d = digits::<11>(value)?;
    Some(number(&d) != 0 && luhn(&d))
}

/// Uruguayan identity number of seven or eight digits, padded to eight.
pub(super) fn uy_ci(value: &[u8]) -> Option<bool> {
    let all = Compact::digits(value)?;
    let mut d = [0; 8];
    d.get_mut(8usize.checked_sub(all.len())?..)?.copy_from_slice(&all);
    Some(all.len() >= 7 && number(&d) != 0 && ends_with(&d, complement(weighted(&d[..7], &[2, 9, 8, 7, 6, 3, 4]), 10)))
}

/// Venezuelan tax number (RIF): the letter of the kind of holder counts first.
pub(super) fn ve_rif(value: &[u8]) -> Option<bool> {
    let c = alnum::<10>(value)?;
    let d = ascii_digits::<9>(&c[1..])?;
    let kind = match c[0] {
        b'V' => 4,
        b'E' => 8,
        b'J' => 12,
        b'P' => 16,
        b'G' => 20,
        _ => return None,
    };
    let rest = (kind + weighted(&d[..8], &[3, 2, 7, 6, 5, 4, 3, 2])) % 11;
    Some(b"00987654321".get(rest as usize).is_some_and(|check| check - b'0' == d[8]))
}

/// Salvadoran identity number (DUI).
pub(super) fn sv_dui(value: &[u8]) -> Option<bool> {
    let d = digits::<9>(value)?;
    Some(number(&d) != 0 && ends_with(&d, complement(weighted(&d[..8], &[9, 8, 7, 6, 5, 4, 3, 2]), 10)))
}

/// Brazilian driving licence (CNH): the second check digit is lowered by two when the first would have been ten.
pub(super) fn br_cnh(value: &[u8]) -> Option<bool> {
    let d = digits::<11>(value)?;
    let first = weighted(&d[..9], &[9, 8, 7, 6, 5, 4, 3, 2, 1]) % 11;
    let (first, lowered) = if first == 10 { (0, 2) } else { (first, 0) };
    let second = (weighted(&d[..9], &[1, 2, 3, 4, 5, 6, 7, 8, 9]) % 11 - lowered).rem_euclid(11) % 10;
    let varied = d.windows(2).any(|pair| pair[0] != pair[1]);
    Some(varied && i32::from(d[9]) == first && ends_with(&d, second))
}

/// Brazilian voter number: serial, state, two check digits; in the two largest states a check of zero is written as
/// one.
pub(super) fn br_voter(value: &[u8]) -> Option<bool> {
    let d = digits::<12>(value)?;
    let state = two(&d, 8);
    let check = |sum: i32| match sum % 11 % 10 {
        0 if sum % 11 == 0 && state <= 2 => 1,
        rest => rest,
    };
    let first = check(weighted(&d[..8], &[2, 3, 4, 5, 6, 7, 8, 9]));
    let second = check(weighted(&d[8..10], &[7, 8]) + 9 * first);
    Some(matches!(state, 1..=28) && i32::from(d[10]) == first && ends_with(&d, second))
}

/// Brazilian health card (CNS): falling weights over all fifteen digits make a multiple of eleven.
pub(super) fn br_health_card(value: &[u8]) -> Option<bool> {
    let d = digits::<15>(value)?;
    let sum = weighted(&d, &[15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
    Some(matches!(d[0], 1 | 2 | 7..=9) && sum % 11 == 0)
}

/// Brazilian vehicle register (RENAVAM), padded to eleven digits.
pub(super) fn br_vehicle(value: &[u8]) -> Option<bool> {
    let all = Compact::digits(value)?;
    let mut d = [0; 11];
    d.get_mut(11usize.checked_sub(all.len())?..)?.copy_from_slice(&all);
    let check = 10 * weighted(&d[..10], &[3, 2, 9, 8, 7, 6, 5, 4, 3, 2]) % 11 % 10;
    Some(all.len() >= 9 && number(&d) != 0 && ends_with(&d, check))
}

/// Brazilian identity card (RG) of the state of São Paulo: X for a check of ten.
pub(super) fn br_rg(value: &[u8]) -> Option<bool> {
    let c = alnum::<9>(value)?;
    let d = ascii_digits::<8>(&c[..8])?;
    let check = match complement(weighted(&d, &[2, 3, 4, 5, 6, 7, 8, 9]), 11) {
        10 => b'X',
        rest => b'0' + rest as u8,
    };
    Some(number(&d) != 0 && c[8] == check)
}

/// Peruvian identity number (DNI) with its check digit, or the letter that stands for it.
pub(super) fn pe_dni(value: &[u8]) -> Option<bool> {
    let c = alnum::<9>(value)?;
    let d = ascii_digits::<8>(&c[..8])?;
    let rest = (weighted(&d, &[3, 2, 7, 6, 5, 4, 3, 2]) % 11) as usize;
    Some(number(&d) != 0 && (b"65432110987"[rest] == c[8] || b"KJIHGFEDCBA"[rest] == c[8]))
}

/// Ecuadorian taxpayer number (RUC): the third digit tells persons, public bodies (6, with some persons) and companies
/// (9) apart.
pub(super) fn ec_ruc(value: &[u8]) -> Option<bool> {
    let d = digits::<13>(value)?;
    let province = matches!(two(&d, 0), 1..=24 | 30 | 50);
    let checked = match d[2] {
        0..=5 => luhn(&d[..10]),
        6 => weighted(&d[..9], &[3, 2, 7, 6, 5, 4, 3, 2, 1]) % 11 == 0 || luhn(&d[..10]),
        9 => weighted(&d[..10], &[4, 3, 2, 7, 6, 5, 4, 3, 2, 1]) % 11 == 0,
        _ => return None,
    };
    Some(province && checked && number(&d[10..]) != 0)
}

/// Uruguayan taxpayer number (RUT): office, serial, `001`, check digit.
pub(super) fn uy_rut(value: &[u8]) -> Option<bool> {
    let d = digits::<12>(value)?;
    let shape = matches!(two(&d, 0), 1..=22) && number(&d[2..8]) != 0 && number(&d[8..11]) == 1;
    Some(shape && ends_with(&d, complement(weighted(&d[..11], &[4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]), 11)))
}

/// The sum of a body's digits with the weights 2, 3, 4 and so on from the right.
fn rising_from_right(body: &[u8]) -> i32 {
    body.iter().rev().zip(2..).map(|(digit, weight)| i32::from(*digit) * weight).sum()
}

/// Paraguayan taxpayer number (RUC).
pub(super) fn py_ruc(value: &[u8]) -> Option<bool> {
    let all = Compact::digits(value)?;
    let (_, body) = all.split_last()?;
    Some((5..=8).contains(&body.len()) && body[0] != 0 && ends_with(&all, complement(rising_from_right(body), 11) % 10))
}

/// Guatemalan taxpayer number (NIT): K for a check of ten.
pub(super) fn gt_nit(value: &[u8]) -> Option<bool> {
    let all = Compact::alnum(value)?;
    let (check, body) = all.split_last()?;
    let body = Compact::digits(body)?;
    let expected = match complement(rising_from_right(&body), 11) {
        10 => b'K',
        rest => b'0' + rest as u8,
    };
    Some((4..=11).contains(&body.len()) && number(&body) != 0 && *check == expected)
}

/// Salvadoran taxpayer number (NIT): the weights were changed with serial 100.
pub(super) fn sv_nit(value: &[u8]) -> Option<bool> {
    let d = digits::<14>(value)?;
    let check = if number(&d[10..13]) <= 100 {
        weighted(&d[..13], &[14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11 % 10
    } else {
        complement(weighted(&d[..13], &[2, 7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]), 11) % 10
    };
    let day = matches!(two(&d, 4), 1..=31) && matches!(two(&d, 6), 1..=12);
    // Departments are 01 to 14; what was issued abroad starts with nine.
    let place = matches!(two(&d, 0), 1..=14 | 90..=99);
    Some(day && place && ends_with(&d, check))
}

/// Dominican taxpayer number (RNC).
pub(super) fn do_rnc(value: &[u8]) -> Option<bool> {
    let d = digits::<9>(value)?;
    let check = (10 - weighted(&d[..8], &[7, 9, 8, 6, 5, 4, 3, 2]) % 11).rem_euclid(9) + 1;
    Some(number(&d) != 0 && ends_with(&d, check))
}

/// Mexican voter key (clave de elector): consonants of the name, date of birth, state, sex.
pub(super) fn mx_voter(value: &[u8]) -> Option<bool> {
    let c = alnum::<18>(value)?;
    let birth = ascii_digits::<8>(&c[6..14])?;
    ascii_digits::<3>(&c[15..])?;
    let name = c[..6].iter().all(|byte| byte.is_ascii_uppercase() && !b"AEIOU".contains(byte));
    let real = super::dates::is_short_date(two(&birth, 0), two(&birth, 2), two(&birth, 4));
    Some(name && real && matches!(two(&birth, 6), 1..=32 | 87 | 88) && matches!(c[14], b'H' | b'M'))
}

/// Cuban identity number: the seventh digit gives the century of the date. No check digit is published.
pub(super) fn cu_identity(value: &[u8]) -> Option<bool> {
    let d = digits::<11>(value)?;
    let century = match d[6] {
        9 => 1800,
        0..=5 => 1900,
        _ => 2000,
    };
    Some(is_date(century + two(&d, 0), two(&d, 2), two(&d, 4)))
}
