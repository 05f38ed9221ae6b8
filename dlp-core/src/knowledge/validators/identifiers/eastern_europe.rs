//! Central, South-East and Eastern Europe, and Turkey.

use super::compact::{Compact, alnum, ascii_digits, digit, digits, letter_value, number, two, without_prefix};
use super::dates::{is_date, is_short_date};
use super::sums::{complement, ends_with, mod_11_10, sum_731, two_pass, weighted};

/// Czech and Slovak birth number with its check digit; without it (before 1954) the date alone decides.
pub(super) fn cz_birth_number(value: &[u8]) -> Option<bool> {
    let all = Compact::digits(value)?;
    let month = match two(&all, 2) {
        month @ 21..=32 => month - 20,
        month @ 51..=62 => month - 50,
        month @ 71..=82 => month - 70,
        month => month,
    };
    let (year, day) = (two(&all, 0), two(&all, 4));
    match all.len() {
        9 => Some(year < 54 && is_date(1900 + year, month, day) && number(&all[6..]) != 0),
        10 => {
            let check = (number(&all[..9]) % 11 % 10) as i32;
            let century = if year < 54 { 2000 } else { 1900 };
            Some(is_date(century + year, month, day) && ends_with(&all, check))
        }
        _ => None,
    }
}

/// Czech and Slovak company number.
pub(super) fn cz_company(value: &[u8]) -> Option<bool> {
    let d = digits::<8>(without_prefix(value, b"CZ"))?;
    let check = (11 - weighted(&d[..7], &[8, 7, 6, 5, 4, 3, 2]) % 11) % 10;
    Some(number(&d) != 0 && ends_with(&d, check))
}

/// Czech VAT number of a company: its company number, none of which starts with nine.
pub(super) fn cz_vat(value: &[u8]) -> Option<bool> {
    let d = digits::<8>(value)?;
    Some(d[0] != 9 && cz_company(value) == Some(true))
}

/// Slovak VAT number.
pub(super) fn sk_vat(value: &[u8]) -> Option<bool> {
    let d = digits::<10>(without_prefix(value, b"SK"))?;
    Some(d[0] != 0 && matches!(d[2], 2..=4 | 7..=9) && number(&d).is_multiple_of(11))
}

/// Hungarian personal identifier; the weights were turned round for people born from 1997 on.
pub(super) fn hu_personal_id(value: &[u8]) -> Option<bool> {
    let d = digits::<11>(value)?;
    let rising = weighted(&d, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]) % 11;
    let falling = weighted(&d, &[10, 9, 8, 7, 6, 5, 4, 3, 2, 1]) % 11;
    let check = |sum| ends_with(&d, sum);
    Some(
        matches!(d[0], 1..=8) && is_short_date(two(&d, 1), two(&d, 3), two(&d, 5)) && (check(rising) || check(falling)),
    )
}

/// Hungarian health insurance number (TAJ).
pub(super) fn hu_taj(value: &[u8]) -> Option<bool> {
    let d = digits::<9>(value)?;
    Some(number(&d) != 0 && ends_with(&d, weighted(&d[..8], &[3, 7, 3, 7, 3, 7, 3, 7]) % 10))
}

/// Hungarian tax identifier of a person: it starts with eight.
pub(super) fn hu_tax_id(value: &[u8]) -> Option<bool> {
    let d = digits::<10>(value)?;
    Some(d[0] == 8 && ends_with(&d, weighted(&d[..9], &[1, 2, 3, 4, 5, 6, 7, 8, 9]) % 11))
}

/// Hungarian VAT number: the first eight digits of the company's tax number.
pub(super) fn hu_vat(value: &[u8]) -> Option<bool> {
    let d = digits::<8>(without_prefix(value, b"HU"))?;
    Some(number(&d) != 0 && ends_with(&d, complement(weighted(&d[..7], &[9, 7, 3, 1, 9, 7, 3]), 10)))
}

/// Hungarian tax number of a company: as the VAT number, or with the kind of tax and the county behind it.
pub(super) fn hu_company_tax(value: &[u8]) -> Option<bool> {
    let all = Compact::alnum(value)?;
    let kind = matches!(all.len(), 8) || (all.len() == 11 && matches!(all[8], b'1'..=b'5'));
    Some(kind && hu_vat(all.get(..8)?) == Some(true))
}

/// Romanian personal number: sex and century, date, county, check digit.
pub(super) fn ro_cnp(value: &[u8]) -> Option<bool> {
    let d = digits::<13>(value)?;
    let (year, month, day) = (two(&d, 1), two(&d, 3), two(&d, 5));
    let real = match d[0] {
        1 | 2 => is_date(1900 + year, month, day),
        3 | 4 => is_date(1800 + year, month, day),
        5 | 6 => is_date(2000 + year, month, day),
        7..=9 => is_short_date(year, month, day),
        _ => return None,
    };
    let county = matches!(two(&d, 7), 1..=48 | 51 | 52 | 70 | 80..=83);
    let check = weighted(&d[..12], &[2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11;
    Some(real && county && ends_with(&d, if check == 10 { 1 } else { check }))
}

/// Romanian company number of two to ten digits, padded to nine before the check digit.
pub(super) fn ro_company(value: &[u8]) -> Option<bool> {
    let all = Compact::digits(without_prefix(value, b"RO"))?;
    let (_, body) = all.split_last()?;
    let mut padded = [0; 9];
    padded.get_mut(9usize.checked_sub(body.len())?..)?.copy_from_slice(body);
    let check = 10 * weighted(&padded, &[7, 5, 3, 2, 1, 7, 5, 3, 2]) % 11 % 10;
    Some(all.len() >= 2 && all[0] != 0 && ends_with(&all, check))
}

/// Bulgarian personal number (EGN): the month carries the century.
pub(super) fn bg_egn(value: &[u8]) -> Option<bool> {
    let d = digits::<10>(value)?;
    let (century, month) = match two(&d, 2) {
        month @ 21..=32 => (1800, month - 20),
        month @ 41..=52 => (2000, month - 40),
        month => (1900, month),
    };
    let check = weighted(&d[..9], &[2, 4, 8, 5, 10, 9, 7, 3, 6]) % 11 % 10;
    Some(is_date(century + two(&d, 0), month, two(&d, 4)) && ends_with(&d, check))
}

/// Bulgarian company number (EIK) of nine digits.
pub(super) fn bg_company(value: &[u8]) -> Option<bool> {
    let d = digits::<9>(without_prefix(value, b"BG"))?;
    let check = two_pass(&d[..8], &[1, 2, 3, 4, 5, 6, 7, 8], &[3, 4, 5, 6, 7, 8, 9, 10]);
    Some(number(&d) != 0 && ends_with(&d, check))
}

/// Croatian personal identification number (OIB): ISO 7064 mod 11,10.
pub(super) fn hr_oib(value: &[u8]) -> Option<bool> {
    let d = digits::<11>(without_prefix(value, b"HR"))?;
    Some(number(&d) != 0 && mod_11_10(&d))
}

/// JMBG and EMSO of the states of former Yugoslavia: date with three digits of the year, region, check digit.
pub(super) fn yu_jmbg(value: &[u8]) -> Option<bool> {
    let d = digits::<13>(value)?;
    let year = number(&d[4..7]) as u32;
    let year = if year < 800 { 2000 + year } else { 1000 + year };
    // Some issuers write a check of ten as zero, others pass over the serial.
    let check = complement(weighted(&d[..12], &[7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]), 11) % 10;
    Some(is_date(year, two(&d, 2), two(&d, 0)) && ends_with(&d, check))
}

/// Slovenian tax number: a check of eleven is not issued.
pub(super) fn si_tax(value: &[u8]) -> Option<bool> {
    let d = digits::<8>(without_prefix(value, b"SI"))?;
    let check = 11 - weighted(&d[..7], &[8, 7, 6, 5, 4, 3, 2]) % 11;
    Some(d[0] != 0 && ends_with(&d, if check == 10 { 0 } else { check }))
}

/// Russian insurance number (SNILS): numbers up to 001-001-998 carry no check.
pub(super) fn ru_snils(value: &[u8]) -> Option<bool> {
    let d = digits::<11>(value)?;
    let sum = weighted(&d[..9], &[9, 8, 7, 6, 5, 4, 3, 2, 1]);
    Some(number(&d[..9]) > 1_001_998 && sum % 101 % 100 == two(&d, 9) as i32)
}

/// Russian taxpayer number (INN) of a person, twelve digits with two checks, or of a company, ten digits.
pub(super) fn ru_inn(value: &[u8]) -> Option<bool> {
    if let Some(d) = digits::<10>(value) {
        return Some(number(&d) != 0 && ends_with(&d, weighted(&d[..9], &[2, 4, 10, 3, 5, 9, 4, 6, 8]) % 11 % 10));
    }
    let d = digits::<12>(value)?;
    let first = weighted(&d[..10], &[7, 2, 4, 10, 3, 5, 9, 4, 6, 8]) % 11 % 10;
    let second = weighted(&d[..11], &[3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8]) % 11 % 10;
    Some(number(&d) != 0 && i32::from(d[10]) == first && ends_with(&d, second))
}

/// Ukrainian tax number (RNOKPP).
pub(super) fn ua_tax(value: &[u8]) -> Option<bool> {
    let d = digits::<10>(value)?;
    let sum = weighted(&d[..9], &[-1, 5, 7, 9, 4, 6, 10, 5, 7]);
    Some(number(&d[..5]) != 0 && ends_with(&d, sum.rem_euclid(11) % 10))
}

/// Kazakh individual number (IIN): date, century digit, two-pass check; ten twice is not issued.
pub(super) fn kz_iin(value: &[u8]) -> Option<bool> {
    let d = digits::<12>(value)?;
    let century = match d[6] {
        1 | 2 => 1800,
        3 | 4 => 1900,
        5 | 6 => 2000,
        _ => return None,
    };
    let check = match weighted(&d[..11], &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]) % 11 {
        10 => weighted(&d[..11], &[3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2]) % 11,
        check => check,
    };
    Some(is_date(century + two(&d, 0), two(&d, 2), two(&d, 4)) && ends_with(&d, check))
}

/// Moldovan personal number (IDNP).
pub(super) fn md_idnp(value: &[u8]) -> Option<bool> {
    let d = digits::<13>(value)?;
    Some(number(&d) != 0 && ends_with(&d, weighted(&d[..12], &[7, 3, 1, 7, 3, 1, 7, 3, 1, 7, 3, 1]) % 10))
}

/// Turkish identity number: two check digits.
pub(super) fn tr_identity(value: &[u8]) -> Option<bool> {
    let d = digits::<11>(value)?;
    let tenth = weighted(&d, &[7, -1, 7, -1, 7, -1, 7, -1, 7]).rem_euclid(10);
    let last = d[..10].iter().map(|n| i32::from(*n)).sum::<i32>() % 10;
    Some(d[0] != 0 && i32::from(d[9]) == tenth && ends_with(&d, last))
}

/// Turkish tax number.
pub(super) fn tr_tax(value: &[u8]) -> Option<bool> {
    let d = digits::<10>(value)?;
    let sum: i32 = d[..9]
        .iter()
        .zip((1..=9).rev())
        .map(|(digit, power)| match ((i32::from(*digit) + power) % 10, (1 << power) % 9) {
            (0, _) => 0,
            (shifted, factor) => match shifted * factor % 9 {
                0 => 9,
                rest => rest,
            },
        })
        .sum();
    Some(number(&d) != 0 && ends_with(&d, complement(sum, 10)))
}

/// Belarusian personal number: sex and century, date, region letter, check digit with the weights 7, 3, 1.
pub(super) fn by_personal(value: &[u8]) -> Option<bool> {
    let c = alnum::<14>(value)?;
    let birth = ascii_digits::<7>(&c[..7])?;
    let century = match birth[0] {
        1 | 2 => 1800,
        3 | 4 => 1900,
        5 | 6 => 2000,
        _ => return None,
    };
    let real = is_date(century + two(&birth, 5), two(&birth, 3), two(&birth, 1));
    let kind = b"ABCHKEM".contains(&c[7]) && matches!(&c[11..13], b"PB" | b"BA" | b"BI");
    Some(real && kind && digit(c[13]).map(u32::from) == sum_731(&c[..13]))
}

/// Bulgarian number of a foreigner (LNC).
pub(super) fn bg_foreigner(value: &[u8]) -> Option<bool> {
    let d = digits::<10>(value)?;
    Some(number(&d) != 0 && ends_with(&d, weighted(&d[..9], &[21, 19, 17, 13, 11, 9, 7, 3, 1]) % 10))
}

/// Tax number of Serbia (nine digits, ISO 7064), Montenegro (eight) or North Macedonia (thirteen).
pub(super) fn yu_tax(value: &[u8]) -> Option<bool> {
    let all = Compact::digits(without_prefix(value, b"MK"))?;
    let (_, body) = all.split_last()?;
    let modulo_11 = |weights: &[i32]| ends_with(&all, complement(weighted(body, weights), 11) % 10);
    let checked = match all.len() {
        8 => modulo_11(&[8, 7, 6, 5, 4, 3, 2]),
        9 => mod_11_10(&all),
        13 => modulo_11(&[7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]),
        _ => return None,
    };
    Some(number(&all) != 0 && checked)
}

/// Albanian identity number: letter of the decade, year, month (plus fifty for women), day. Its letter at the end is
/// not checked, as the rule is not published.
pub(super) fn al_identity(value: &[u8]) -> Option<bool> {
    let c = alnum::<10>(value)?;
    let d = ascii_digits::<8>(&c[1..9])?;
    let decade = u32::from(c[0].checked_sub(b'A')?);
    let month = two(&d, 1);
    let month = if month > 50 { month - 50 } else { month };
    let real = decade < 24 && is_date(1800 + decade * 10 + u32::from(d[0]), month, two(&d, 3));
    Some(real && c[9].is_ascii_uppercase())
}

/// Romanian trade register number in the form since 2024: kind, year, serial, county, check digit. New entries have no
/// county, old ones keep theirs.
pub(super) fn ro_trade_register(value: &[u8]) -> Option<bool> {
    let c = alnum::<14>(value)?;
    let d = ascii_digits::<13>(&c[1..])?;
    let sum = i32::from(c[0] % 10) + d[..12].iter().map(|n| i32::from(*n)).sum::<i32>();
    let entry = matches!((number(&d[..4]), two(&d, 10)), (1990..=2024, 1..=40 | 51 | 52) | (2024..=2100, 0));
    Some(matches!(c[0], b'J' | b'F' | b'C') && entry && ends_with(&d, sum % 10))
}

/// Russian state registration number of companies (OGRN, modulo 11) and of sole traders (OGRNIP, modulo 13).
pub(super) fn ru_ogrn(value: &[u8]) -> Option<bool> {
    let all = Compact::digits(value)?;
    let (_, body) = all.split_last()?;
    match (all.len(), all[0]) {
        (13, 1 | 2 | 5) => Some(ends_with(&all, (number(body) % 11 % 10) as i32)),
        (15, 3) => Some(ends_with(&all, (number(body) % 13 % 10) as i32)),
        _ => None,
    }
}

/// Ukrainian company number (EDRPOU): other weights between thirty and sixty million, and again when the first give
/// ten.
pub(super) fn ua_company(value: &[u8]) -> Option<bool> {
    let d = digits::<8>(value)?;
    let is_middle = (30_000_000..60_000_000).contains(&number(&d));
    let (first, second) = if is_middle {
        ([7, 1, 2, 3, 4, 5, 6], [9, 3, 4, 5, 6, 7, 8])
    } else {
        ([1, 2, 3, 4, 5, 6, 7], [3, 4, 5, 6, 7, 8, 9])
    };
    Some(number(&d) != 0 && ends_with(&d, two_pass(&d[..7], &first, &second)))
}

/// Belarusian taxpayer number (UNP): nine digits, or two letters before seven digits; the region comes first.
pub(super) fn by_taxpayer(value: &[u8]) -> Option<bool> {
    const LETTERS: &[u8] = b"ABCEHKMOPT";
    let c = alnum::<9>(value)?;
    let mut values = [0; 9];
    for (slot, byte) in values.iter_mut().zip(&c) {
        *slot = letter_value(*byte)?;
    }
    let region = match LETTERS.iter().position(|letter| *letter == c[1]) {
        Some(second) => {
            values[1] = second as u8;
            b"ABCEHKM".contains(&c[0])
        }
        None => matches!(c[0], b'1'..=b'7') && c[1].is_ascii_digit(),
    };
    let shape = region && ascii_digits::<7>(&c[2..]).is_some();
    let sum = weighted(&values[..8], &[29, 23, 19, 17, 13, 7, 5, 3]);
    Some(shape && number(&values[2..]) != 0 && ends_with(&values, sum % 11))
}

/// Azerbaijani taxpayer number (VÖEN): the last digit tells companies from persons, the one before it checks the rest.
pub(super) fn az_taxpayer(value: &[u8]) -> Option<bool> {
    let d = digits::<10>(value)?;
    let sum = weighted(&d[..8], &[4, 1, 8, 6, 2, 7, 5, 3]);
    Some(matches!(d[9], 1 | 2) && number(&d[..8]) != 0 && ends_with(&d[..9], sum % 11))
}
