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

/// Mexican population number (CURP): date, sex, state, check digit over an alphabet with the letter n-tilde.
pub(super) fn mx_curp(value: &[u8]) -> Option<bool> {
    let c = alnum::<18>(value)?;
    let birth = ascii_digits::<6>(&c[4..10])?;
    let century = if c[16].is_ascii_digit() { 1900 } else { 2000 };
    let sum = c[..17].iter().zip((2..=18).rev()).map(|(byte, weight)| curp_value(*byte) * weight).sum();
    let check = digit(c[17]).map(i32::from) == Some(complement(sum, 10));
    Some(check && is_date(century + two(&birth, 0), two(&birth, 2), two(&birth, 4)))
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
