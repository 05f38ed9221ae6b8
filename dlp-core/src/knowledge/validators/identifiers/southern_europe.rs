//! Italy, Spain, Portugal, Greece, Cyprus and Malta.

use super::compact::{Compact, alnum, ascii_digits, digit, digits, letter_value, number, two, without_prefix};
use super::dates::is_short_date;
use super::sums::{complement, ends_with, luhn, weighted};

/// Values of characters at odd positions in Italian and Cypriot check letters, by digit or letter index.
const ODD_VALUES: [u32; 26] =
    [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];
/// Letters that stand for digits 0 to 9 when two people would get the same codice fiscale.
const OMOCODIA: &[u8] = b"LMNPQRSTUV";
/// Letters of the months January to December.
const IT_MONTHS: &[u8] = b"ABCDEHLMPRST";
/// Check letters of Spanish DNI and NIE.
const DNI_LETTERS: &[u8] = b"TRWAGMYFPDXBNJZSQVHLCKE";

/// Italian codice fiscale (decree of 23 December 1976): check letter and birth date, with digits replaced by letters.
pub(super) fn it_codice_fiscale(value: &[u8]) -> Option<bool> {
    let c = alnum::<16>(value)?;
    let plain = |at: usize| digit(c[at]).or_else(|| OMOCODIA.iter().position(|l| *l == c[at]).map(|n| n as u8));
    let pair = |at: usize| Some(u32::from(plain(at)? * 10 + plain(at + 1)?));
    let month = IT_MONTHS.iter().position(|l| *l == c[8])? as u32 + 1;
    let day = pair(9)?;
    let place = plain(12).and(plain(13)).and(plain(14)).is_some();
    let check = mixed_sum(&c[..15])? % 26;
    let real = is_short_date(pair(6)?, month, if day > 40 { day - 40 } else { day });
    Some(real && place && u32::from(letter_value(c[15])?) == check + 10)
}

/// Odd positions by table, even positions plain, letters from A = 0.
fn mixed_sum(ascii: &[u8]) -> Option<u32> {
    ascii.iter().enumerate().try_fold(0, |sum, (at, byte)| {
        let value = letter_value(*byte)?;
        let plain = if byte.is_ascii_digit() { value } else { value - 10 };
        Some(sum + if at % 2 == 0 { *ODD_VALUES.get(usize::from(plain))? } else { u32::from(plain) })
    })
}

/// Italian VAT number: Luhn, and a province code in digits eight to ten.
pub(super) fn it_vat(value: &[u8]) -> Option<bool> {
    let d = digits::<11>(without_prefix(value, b"IT"))?;
    let province = matches!(number(&d[7..10]), 1..=100 | 120 | 121 | 888 | 999);
    Some(province && number(&d[..7]) != 0 && luhn(&d))
}

/// Spanish personal tax number: DNI, NIE (X, Y, Z) and the K, L, M series.
pub(super) fn es_nif(value: &[u8]) -> Option<bool> {
    let mut c = alnum::<9>(value)?;
    match c[0] {
        b'X' | b'Y' | b'Z' => c[0] = c[0] - b'X' + b'0',
        b'K' | b'L' | b'M' => c[0] = b'0',
        _ => {}
    }
    let d = ascii_digits::<8>(&c[..8])?;
    Some(number(&d) != 0 && DNI_LETTERS.get((number(&d) % 23) as usize) == Some(&c[8]))
}

/// Spanish company tax number: a Luhn check digit, or a letter in its place, as the kind of company demands.
pub(super) fn es_cif(value: &[u8]) -> Option<bool> {
    let c = alnum::<9>(value)?;
    if !b"ABCDEFGHJNPQRSUVW".contains(&c[0]) {
        return None;
    }
    let d = ascii_digits::<7>(&c[1..8])?;
    let sum: i32 = d
        .iter()
        .enumerate()
        .map(|(at, n)| i32::from(*n) * if at % 2 == 0 { 2 } else { 1 })
        .map(|p| p / 10 + p % 10)
        .sum();
    let check = complement(sum, 10);
    let as_digit = digit(c[8]).map(i32::from) == Some(check) && !b"NPQRSW".contains(&c[0]);
    let as_letter = b"JABCDEFGHI".get(check as usize) == Some(&c[8]) && !b"ABEH".contains(&c[0]);
    Some(as_digit || as_letter)
}

/// Spanish social security number: 97 test over province and number; both ways of joining them are in use.
pub(super) fn es_social_security(value: &[u8]) -> Option<bool> {
    let d = digits::<12>(value)?;
    let (province, serial, check) = (number(&d[..2]), number(&d[2..10]), number(&d[10..]));
    let short = serial < 10_000_000 && (province * 10_000_000 + serial) % 97 == check;
    Some(province != 0 && (short || (province * 100_000_000 + serial) % 97 == check))
}

/// Portuguese tax number.
pub(super) fn pt_nif(value: &[u8]) -> Option<bool> {
    let d = digits::<9>(without_prefix(value, b"PT"))?;
    let check = complement(weighted(&d[..8], &[9, 8, 7, 6, 5, 4, 3, 2]), 11);
    Some(d[0] != 0 && ends_with(&d, if check == 10 { 0 } else { check }))
}

/// Portuguese citizen card: Luhn with letters as 10 to 35.
pub(super) fn pt_citizen_card(value: &[u8]) -> Option<bool> {
    let c = alnum::<12>(value)?;
    let sum = c.iter().enumerate().try_fold(0, |sum, (at, byte)| {
        let value = u32::from(letter_value(*byte)?);
        let doubled = if value > 4 { value * 2 - 9 } else { value * 2 };
        Some(sum + if at % 2 == 0 { doubled } else { value })
    })?;
    Some(ascii_digits::<9>(&c[..9]).is_some() && c[11].is_ascii_digit() && sum % 10 == 0)
}

/// Portuguese social security number: prime weights.
pub(super) fn pt_social_security(value: &[u8]) -> Option<bool> {
    let d = digits::<11>(value)?;
    let sum = weighted(&d[..10], &[29, 23, 19, 17, 13, 11, 7, 5, 3, 2]);
    Some(matches!(d[0], 1 | 2) && ends_with(&d, 9 - sum % 10))
}

/// Greek social security number (AMKA): Luhn and a birth date.
pub(super) fn gr_amka(value: &[u8]) -> Option<bool> {
    let d = digits::<11>(value)?;
    Some(is_short_date(two(&d, 4), two(&d, 2), two(&d, 0)) && luhn(&d))
}

/// Greek tax number (AFM).
pub(super) fn gr_afm(value: &[u8]) -> Option<bool> {
    let d = digits::<9>(without_prefix(without_prefix(value, b"EL"), b"GR"))?;
    let sum = weighted(&d[..8], &[256, 128, 64, 32, 16, 8, 4, 2]);
    Some(number(&d) != 0 && ends_with(&d, sum % 11 % 10))
}

/// Cypriot tax number: the letter by the table of the Italian one.
pub(super) fn cy_tax(value: &[u8]) -> Option<bool> {
    let c = alnum::<9>(without_prefix(value, b"CY"))?;
    let d = ascii_digits::<8>(&c[..8])?;
    let check = mixed_sum(&c[..8])? % 26;
    Some(two(&d, 0) != 12 && u32::from(letter_value(c[8])?) == check + 10)
}

/// Maltese VAT number.
pub(super) fn mt_vat(value: &[u8]) -> Option<bool> {
    let d = digits::<8>(without_prefix(value, b"MT"))?;
    Some(d[0] != 0 && weighted(&d, &[3, 4, 6, 7, 8, 9, 10, 1]) % 37 == 0)
}

/// Spanish energy supply point (CUPS): sixteen digits modulo 529, quotient and remainder by 23 as letters of the DNI.
pub(super) fn es_supply_point(value: &[u8]) -> Option<bool> {
    let all = Compact::alnum(value)?;
    let c: [u8; 20] = all.get(..20)?.try_into().ok()?;
    let d = ascii_digits::<16>(&c[2..18])?;
    let rest = (number(&d) % 529) as usize;
    let letters = [DNI_LETTERS[rest / 23], DNI_LETTERS[rest % 23]];
    Some(c.starts_with(b"ES") && matches!(all.len(), 20 | 22) && c[18..] == letters)
}

/// Spanish cadastral reference: each half of the plot, with the unit's number, is checked by one letter.
pub(super) fn es_cadastral(value: &[u8]) -> Option<bool> {
    const WEIGHTS: [u32; 11] = [13, 15, 12, 5, 4, 17, 9, 21, 3, 7, 1];
    let c = alnum::<20>(value)?;
    // The letter n-tilde stands fifteenth in the alphabet of the register.
    let worth = |byte: &u8| match byte {
        b'0'..=b'9' => byte - b'0',
        b'A'..=b'N' => byte - b'A' + 1,
        _ => byte - b'A' + 2,
    };
    let letter = |half: &[u8]| {
        let sum: u32 = half.iter().chain(&c[14..18]).zip(WEIGHTS).map(|(byte, w)| u32::from(worth(byte)) * w).sum();
        b"MQWERTYUIOPASDFGHJKLBZX"[(sum % 23) as usize]
    };
    let unit = ascii_digits::<4>(&c[14..18]).is_some();
    Some(unit && c[18] == letter(&c[..7]) && c[19] == letter(&c[7..14]))
}

/// Andorran tax number (NRT): the letter of the kind of holder bounds the number.
pub(super) fn ad_tax(value: &[u8]) -> Option<bool> {
    let c = alnum::<8>(value)?;
    let n = number(&ascii_digits::<6>(&c[1..7])?);
    let range = match c[0] {
        b'F' => n <= 699_999,
        b'A' | b'L' => (700_000..800_000).contains(&n),
        b'C' | b'D' | b'E' | b'G' | b'O' | b'P' | b'U' => true,
        _ => return None,
    };
    Some(range && c[7].is_ascii_uppercase())
}

/// Italian bank account (BBAN): the first letter checks bank, branch and account (ABI, coordinate bancarie).
pub(super) fn it_account(value: &[u8]) -> Option<bool> {
    let c = alnum::<23>(value)?;
    ascii_digits::<10>(&c[1..11])?;
    let check = mixed_sum(&c[1..])? % 26;
    Some(u32::from(letter_value(c[0])?) == check + 10)
}
