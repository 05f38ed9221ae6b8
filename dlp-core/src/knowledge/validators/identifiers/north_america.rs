//! The United States and Canada.

use super::compact::{Compact, alnum, ascii_digits, digits, number, two};
use super::dates::is_short_date;
use super::sums::{complement, ends_with, luhn, weighted};

/// Social Security number: areas 000, 666 and 9xx, group 00 and serial 0000 are never issued (20 CFR 422.103).
pub(super) fn us_ssn(value: &[u8]) -> Option<bool> {
    let d = digits::<9>(value)?;
    let area = number(&d[..3]);
    let sequence = d.windows(2).all(|pair| pair[0] == pair[1]);
    Some(!matches!(area, 0 | 666 | 900..) && two(&d, 3) != 0 && number(&d[5..]) != 0 && !sequence)
}

/// Individual Taxpayer Identification Number: area 9xx and the groups that the IRS assigns.
pub(super) fn us_itin(value: &[u8]) -> Option<bool> {
    let d = digits::<9>(value)?;
    Some(d[0] == 9 && matches!(two(&d, 3), 50..=65 | 70..=88 | 90..=92 | 94..=99))
}

/// Employer Identification Number: the prefixes that the IRS assigns to its campuses and the internet.
pub(super) fn us_ein(value: &[u8]) -> Option<bool> {
    let d = digits::<9>(value)?;
    let prefix = two(&d, 0);
    let campus =
        matches!(prefix, 1..=6 | 10..=16 | 20..=27 | 30..=48 | 50..=68 | 71..=77 | 80..=88 | 90..=95 | 98 | 99);
    Some(campus && number(&d[2..]) != 0)
}

/// National Provider Identifier: Luhn with the issuer prefix 80840 (45 CFR 162.406).
pub(super) fn us_npi(value: &[u8]) -> Option<bool> {
    let d = digits::<10>(value)?;
    let mut prefixed = [8, 0, 8, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    prefixed[5..].copy_from_slice(&d);
    Some(matches!(d[0], 1 | 2) && luhn(&prefixed))
}

/// DEA registration number: sums of alternate digits.
pub(super) fn us_dea(value: &[u8]) -> Option<bool> {
    let c = alnum::<9>(value)?;
    let d = ascii_digits::<7>(&c[2..])?;
    let kind = b"ABCDEFGHJKLMPRSTUX".contains(&c[0]) && (c[1].is_ascii_uppercase() || c[1] == b'9');
    Some(kind && number(&d) != 0 && ends_with(&d, weighted(&d[..6], &[1, 2, 1, 2, 1, 2]) % 10))
}

/// Medicare Beneficiary Identifier: eleven places with a fixed class each (CMS, 2017).
pub(super) fn us_mbi(value: &[u8]) -> Option<bool> {
    let c = alnum::<11>(value)?;
    let is_letter = |b: u8| b.is_ascii_uppercase() && !b"SLOIBZ".contains(&b);
    let fits = c.iter().zip(b"NAXNAXNAANN").all(|(byte, class)| match class {
        b'N' => byte.is_ascii_digit(),
        b'A' => is_letter(*byte),
        _ => byte.is_ascii_digit() || is_letter(*byte),
    });
    Some(fits && c[0] != b'0')
}

/// Canadian Social Insurance Number: Luhn; numbers do not start with zero or eight.
pub(super) fn ca_sin(value: &[u8]) -> Option<bool> {
    let d = digits::<9>(value)?;
    Some(!matches!(d[0], 0 | 8) && luhn(&d))
}

/// Ontario health number: Luhn.
pub(super) fn ca_ohip(value: &[u8]) -> Option<bool> {
    let d: [u8; 10] = ascii_digits(Compact::alnum(value)?.get(..10)?)?;
    Some(d[0] != 0 && luhn(&d))
}

/// Canadian business number with its program account: Luhn over the nine digits.
pub(super) fn ca_business(value: &[u8]) -> Option<bool> {
    let c = alnum::<15>(value)?;
    let d = ascii_digits::<9>(&c[..9])?;
    ascii_digits::<4>(&c[11..])?;
    Some(matches!(&c[9..11], b"RC" | b"RM" | b"RP" | b"RT" | b"RR" | b"RZ") && number(&d) != 0 && luhn(&d))
}

/// Personal health number of British Columbia: it starts with nine, a check of ten is not issued.
pub(super) fn ca_bc_health(value: &[u8]) -> Option<bool> {
    let d = digits::<10>(value)?;
    Some(d[0] == 9 && ends_with(&d, complement(weighted(&d[1..9], &[2, 4, 8, 5, 10, 9, 7, 3]), 11)))
}

/// Health insurance number of Quebec (RAMQ): letters of the name and the birth date, its month plus fifty for women.
pub(super) fn ca_ramq(value: &[u8]) -> Option<bool> {
    let c = alnum::<12>(value)?;
    let birth = ascii_digits::<8>(&c[4..])?;
    let month = two(&birth, 2);
    let month = if month > 50 { month - 50 } else { month };
    let name = c[..4].iter().all(u8::is_ascii_uppercase);
    Some(name && is_short_date(two(&birth, 0), month, two(&birth, 4)))
}
