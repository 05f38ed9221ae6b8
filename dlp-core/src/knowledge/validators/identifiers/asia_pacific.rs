//! The Middle East, Asia and Oceania.

use super::compact::{Compact, alnum, ascii_digits, digit, digits, letter_value, number, two};
use super::dates::{is_date, is_short_date};
use super::sums::{complement, ends_with, luhn, verhoeff, weighted};

/// Israeli identity number: Luhn.
pub(super) fn il_identity(value: &[u8]) -> Option<bool> {
    let d = digits::<9>(value)?;
    Some(number(&d) != 0 && luhn(&d))
}

/// Emirates ID: country code 784, year, Luhn.
pub(super) fn ae_emirates_id(value: &[u8]) -> Option<bool> {
    let d = digits::<15>(value)?;
    Some(d[..3] == [7, 8, 4] && matches!(number(&d[3..7]), 1850..=2100) && luhn(&d))
}

/// Saudi national id (1) or residence number (2): Luhn.
pub(super) fn sa_id(value: &[u8]) -> Option<bool> {
    let d = digits::<10>(value)?;
    Some(matches!(d[0], 1 | 2) && luhn(&d))
}

/// Iranian national code.
pub(super) fn ir_national_code(value: &[u8]) -> Option<bool> {
    let d = digits::<10>(value)?;
    let rest = weighted(&d[..9], &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    let varied = d.windows(2).any(|pair| pair[0] != pair[1]);
    Some(varied && ends_with(&d, if rest < 2 { rest } else { 11 - rest }))
}

/// Australian tax file number of nine digits.
pub(super) fn au_tfn(value: &[u8]) -> Option<bool> {
    let d = digits::<9>(value)?;
    Some(number(&d) != 0 && weighted(&d, &[1, 4, 3, 7, 5, 8, 6, 9, 10]) % 11 == 0)
}

/// Australian Medicare card: the ninth digit checks the first eight, the tenth counts the issues.
pub(super) fn au_medicare(value: &[u8]) -> Option<bool> {
    let all = Compact::digits(value)?;
    let d: [u8; 10] = all.get(..10)?.try_into().ok()?;
    let check = weighted(&d[..8], &[1, 3, 7, 9, 1, 3, 7, 9]) % 10;
    Some(all.len() <= 11 && matches!(d[0], 2..=6) && d[9] != 0 && ends_with(&d[..9], check))
}

/// Australian business number: modulo 89 after taking one from the first digit.
pub(super) fn au_abn(value: &[u8]) -> Option<bool> {
    let mut d = digits::<11>(value)?;
    d[0] = d[0].checked_sub(1)?;
    Some(weighted(&d, &[10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19]) % 89 == 0)
}

/// Australian company number.
pub(super) fn au_acn(value: &[u8]) -> Option<bool> {
    let d = digits::<9>(value)?;
    Some(number(&d) != 0 && ends_with(&d, complement(weighted(&d[..8], &[8, 7, 6, 5, 4, 3, 2, 1]), 10)))
}

/// Australian healthcare identifier: prefix 80036 and Luhn.
pub(super) fn au_healthcare_identifier(value: &[u8]) -> Option<bool> {
    let d = digits::<16>(value)?;
    Some(matches!(number(&d[..6]), 800_360..=800_362) && luhn(&d))
}

/// New Zealand tax number (IRD): second weights when the first give ten.
pub(super) fn nz_ird(value: &[u8]) -> Option<bool> {
    let all = Compact::digits(value)?;
    let mut d = [0; 9];
    d.get_mut(9usize.checked_sub(all.len())?..)?.copy_from_slice(&all);
    let check = match complement(weighted(&d[..8], &[3, 2, 7, 6, 5, 4, 3, 2]), 11) {
        10 => complement(weighted(&d[..8], &[7, 4, 3, 2, 5, 2, 7, 6]), 11),
        check => check,
    };
    Some((10_000_000..150_000_000).contains(&number(&d)) && ends_with(&d, check))
}

/// Aadhaar: Verhoeff; palindromes are not issued.
pub(super) fn in_aadhaar(value: &[u8]) -> Option<bool> {
    let d = digits::<12>(value)?;
    Some(d[0] >= 2 && verhoeff(&d) && !d.iter().eq(d.iter().rev()))
}

/// Indian permanent account number: the fourth letter names the kind of holder.
pub(super) fn in_pan(value: &[u8]) -> Option<bool> {
    let c = alnum::<10>(value)?;
    let d = ascii_digits::<4>(&c[5..9])?;
    let letters = c[..5].iter().chain(&c[9..]).all(u8::is_ascii_uppercase);
    Some(letters && b"ABCFGHJKLPT".contains(&c[3]) && number(&d) != 0)
}

/// Indian GST number: state, PAN, and a base-36 form of Luhn.
pub(super) fn in_gstin(value: &[u8]) -> Option<bool> {
    let c = alnum::<15>(value)?;
    let state = two(&ascii_digits::<2>(&c[..2])?, 0);
    let sum = c[..14].iter().zip([1u32, 2].iter().cycle()).try_fold(0, |sum, (byte, weight)| {
        let product = u32::from(letter_value(*byte)?) * weight;
        Some(sum + product / 36 + product % 36)
    })?;
    let check = (36 - sum % 36) % 36;
    Some(matches!(state, 1..=38 | 97 | 99) && c[13] == b'Z' && u32::from(letter_value(c[14])?) == check)
}

/// Japanese individual number (My Number).
pub(super) fn jp_my_number(value: &[u8]) -> Option<bool> {
    let d = digits::<12>(value)?;
    let check = complement(weighted(&d[..11], &[6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]), 11);
    Some(number(&d) != 0 && ends_with(&d, if check == 10 { 0 } else { check }))
}

/// South Korean resident or foreigner number: date and century digit; the check digit of numbers since October 2020 is
/// random.
pub(super) fn kr_resident(value: &[u8]) -> Option<bool> {
    let d = digits::<13>(value)?;
    let (century, foreign) = match d[6] {
        9 | 0 => (1800, false),
        1 | 2 => (1900, false),
        3 | 4 => (2000, false),
        5 | 6 => (1900, true),
        _ => (2000, true),
    };
    let year = century + two(&d, 0);
    let sum = weighted(&d[..12], &[2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]);
    let check = ((if foreign { 13 } else { 11 }) - sum % 11).rem_euclid(10);
    // Foreigners have the number of an office of their own there.
    let office = foreign || two(&d, 7) <= 96;
    Some(is_date(year, two(&d, 2), two(&d, 4)) && ((office && ends_with(&d, check)) || year >= 2020))
}

/// Chinese resident identity number, GB 11643: region, date, ISO 7064 mod 11-2.
pub(super) fn cn_resident_identity(value: &[u8]) -> Option<bool> {
    let c = alnum::<18>(value)?;
    let d = ascii_digits::<17>(&c[..17])?;
    let region = matches!(two(&d, 0), 11..=15 | 21..=23 | 31..=37 | 41..=46 | 50..=54 | 61..=65 | 71 | 81..=83);
    let sum = weighted(&d, &[7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]);
    let check = b"10X98765432".get((sum % 11) as usize);
    let year = number(&d[6..10]) as u32;
    Some(region && (1800..2100).contains(&year) && is_date(year, two(&d, 10), two(&d, 12)) && check == c.last())
}

/// Chinese social credit code, GB 32100: base 31 with powers of three.
pub(super) fn cn_social_credit(value: &[u8]) -> Option<bool> {
    const ALPHABET: &[u8] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
    let c = alnum::<18>(value)?;
    let mut weight = 1;
    let mut sum = 0;
    for byte in &c[..17] {
        sum += ALPHABET.iter().position(|letter| letter == byte)? * weight;
        weight = weight * 3 % 31;
    }
    Some(ALPHABET.get((31 - sum % 31) % 31) == Some(&c[17]))
}

/// Taiwanese identity number or resident certificate: the first letter counts as two digits.
pub(super) fn tw_identity(value: &[u8]) -> Option<bool> {
    /// Letters in the order of their numbers from ten on.
    const LETTERS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVXYWZIO";
    let c = alnum::<10>(value)?;
    let first = LETTERS.iter().position(|letter| *letter == c[0])? as u8 + 10;
    let d = ascii_digits::<9>(&c[1..])?;
    let sum = i32::from(first / 10) + i32::from(first % 10) * 9 + weighted(&d, &[8, 7, 6, 5, 4, 3, 2, 1, 1]);
    Some(matches!(d[0], 1 | 2 | 8 | 9) && sum % 10 == 0)
}

/// Hong Kong identity card: one or two letters, six digits, check digit or A.
pub(super) fn hk_identity(value: &[u8]) -> Option<bool> {
    let all = Compact::alnum(value)?;
    let letters = all.iter().take_while(|b| b.is_ascii_uppercase()).count();
    let d = ascii_digits::<6>(all.get(letters..letters + 6)?)?;
    let head = |at: usize| all.get(at).copied().and_then(letter_value).map(i32::from);
    let front = match letters {
        1 => 36 * 9 + head(0)? * 8,
        2 => head(0)? * 9 + head(1)? * 8,
        _ => return None,
    };
    let check = complement(front + weighted(&d, &[7, 6, 5, 4, 3, 2]), 11);
    let (tail, len) = (letter_value(*all.get(letters + 6)?)?, all.len());
    Some(len == letters + 7 && i32::from(tail) == check)
}

/// Singapore NRIC and FIN.
pub(super) fn sg_nric(value: &[u8]) -> Option<bool> {
    let c = alnum::<9>(value)?;
    let d = ascii_digits::<7>(&c[1..8])?;
    let (offset, letters): (i32, &[u8]) = match c[0] {
        b'S' => (0, b"JZIHGFEDCBA"),
        b'T' => (4, b"JZIHGFEDCBA"),
        b'F' => (0, b"XWUTRQPNMLK"),
        b'G' => (4, b"XWUTRQPNMLK"),
        b'M' => (3, b"XWUTRQPNJLK"),
        _ => return None,
    };
    let rest = (weighted(&d, &[2, 7, 6, 5, 4, 3, 2]) + offset) % 11;
    Some(letters.get(rest as usize) == Some(&c[8]))
}

/// Thai citizen number.
pub(super) fn th_citizen(value: &[u8]) -> Option<bool> {
    let d = digits::<13>(value)?;
    let check = (11 - weighted(&d[..12], &[13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 10;
    Some(matches!(d[0], 1..=8) && ends_with(&d, check))
}

/// Malaysian identity card: date and place code.
pub(super) fn my_nric(value: &[u8]) -> Option<bool> {
    let d = digits::<12>(value)?;
    let place = matches!(two(&d, 6), 1..=16 | 21..=68 | 71 | 72 | 74..=79 | 82..=93 | 98 | 99);
    Some(place && is_short_date(two(&d, 0), two(&d, 2), two(&d, 4)))
}

/// Indonesian identity number (NIK): province, date with the day plus forty for women, serial.
pub(super) fn id_nik(value: &[u8]) -> Option<bool> {
    let d = digits::<16>(value)?;
    let day = two(&d, 6);
    let real = is_short_date(two(&d, 10), two(&d, 8), if day > 40 { day - 40 } else { day });
    let province = matches!(two(&d, 0), 11..=19 | 21 | 31..=36 | 51..=53 | 61..=65 | 71..=76 | 81 | 82 | 91..=97);
    Some(province && real && number(&d[12..]) != 0)
}

/// Sri Lankan identity number of twelve digits: year, day of the year (plus 500 for women), check digit.
pub(super) fn lk_nic(value: &[u8]) -> Option<bool> {
    let d = digits::<12>(value)?;
    let day = number(&d[4..7]);
    let check = (11 - weighted(&d[..11], &[8, 4, 3, 2, 7, 6, 5, 7, 4, 3, 2]) % 11) % 10;
    Some(matches!(number(&d[..4]), 1850..=2100) && matches!(day, 1..=366 | 501..=866) && ends_with(&d, check))
}

/// Pakistani identity number (CNIC): region 1 to 7, last digit not zero.
pub(super) fn pk_cnic(value: &[u8]) -> Option<bool> {
    let d = digits::<13>(value)?;
    Some(matches!(d[0], 1..=7) && d[12] != 0 && number(&d[5..12]) != 0)
}

/// Indian voter number (EPIC): Luhn over its seven digits.
pub(super) fn in_epic(value: &[u8]) -> Option<bool> {
    let c = alnum::<10>(value)?;
    let d = ascii_digits::<7>(&c[3..])?;
    Some(digit(c[0]).is_none() && number(&d) != 0 && luhn(&d))
}

/// Kuwaiti civil number: century, date, check digit; checks of ten and eleven are not issued.
pub(super) fn kw_civil(value: &[u8]) -> Option<bool> {
    let d = digits::<12>(value)?;
    let century = match d[0] {
        2 => 1900,
        3 => 2000,
        _ => return None,
    };
    let check = 11 - weighted(&d[..11], &[2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]) % 11;
    Some(is_date(century + two(&d, 1), two(&d, 3), two(&d, 5)) && ends_with(&d, check))
}

/// New Zealand health number (NHI), old form with a digit and new form with a letter at the end.
pub(super) fn nz_nhi(value: &[u8]) -> Option<bool> {
    const LETTERS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ";
    let c = alnum::<7>(value)?;
    let mut values = [0; 7];
    for (slot, byte) in values.iter_mut().zip(&c) {
        let letter = || LETTERS.iter().position(|known| known == byte).map(|at| at as u8 + 1);
        *slot = digit(*byte).or_else(letter)?;
    }
    let sum = weighted(&values[..6], &[7, 6, 5, 4, 3, 2]);
    let last = i32::from(values[6]);
    Some(if c[6].is_ascii_digit() { sum % 11 != 0 && (11 - sum % 11) % 10 == last } else { 23 - sum % 23 == last })
}

/// Vietnamese citizen number: province, century and sex, year; the rest is a serial.
pub(super) fn vn_citizen(value: &[u8]) -> Option<bool> {
    let d = digits::<12>(value)?;
    Some(matches!(number(&d[..3]), 1..=96) && d[3] <= 3 && number(&d[6..]) != 0)
}

/// Qatari identity number: century, year, numeric code of the country of birth, serial.
pub(super) fn qa_identity(value: &[u8]) -> Option<bool> {
    let d = digits::<11>(value)?;
    Some(matches!(d[0], 2 | 3) && (4..=894).contains(&number(&d[3..6])) && number(&d[6..]) != 0)
}

/// Aadhaar virtual id: sixteen digits with Verhoeff's test.
pub(super) fn in_virtual_id(value: &[u8]) -> Option<bool> {
    let d = digits::<16>(value)?;
    Some(d[0] >= 2 && verhoeff(&d) && !d.iter().eq(d.iter().rev()))
}

/// Indian driving licence: state, office, year of issue, serial.
pub(super) fn in_driving_licence(value: &[u8]) -> Option<bool> {
    const STATES: &[u8] = b"ANAPARASBRCGCHDDDLDNGAGJHPHRJHJKKAKLLALDMHMLMNMPMZNLODORPBPYRJSKTGTNTRTSUAUKUPWB";
    let c = alnum::<15>(value)?;
    let d = ascii_digits::<13>(&c[2..])?;
    let state = STATES.chunks_exact(2).any(|known| known == &c[..2]);
    Some(state && matches!(number(&d[2..6]), 1950..=2100) && number(&d[6..]) != 0)
}

/// Japanese corporate number: the first digit checks the other twelve.
pub(super) fn jp_corporate(value: &[u8]) -> Option<bool> {
    let c = Compact::alnum(value)?;
    let d = ascii_digits::<13>(c.strip_prefix(b"T").unwrap_or(&c))?;
    let sum = weighted(&d[1..], &[2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1]);
    Some(number(&d) != 0 && i32::from(d[0]) == 9 - sum % 9)
}

/// South Korean business number.
pub(super) fn kr_business(value: &[u8]) -> Option<bool> {
    let d = digits::<10>(value)?;
    let sum = weighted(&d[..9], &[1, 3, 7, 1, 3, 7, 1, 3, 5]) + i32::from(d[8]) * 5 / 10;
    Some(number(&d[..3]) >= 101 && ends_with(&d, complement(sum, 10)))
}

/// Taiwanese business number: digit sums of products; a seventh digit of seven counts twice.
pub(super) fn tw_business(value: &[u8]) -> Option<bool> {
    let d = digits::<8>(value)?;
    let sum = super::sums::weighted_digit_sums(&d, &[1, 2, 1, 2, 1, 2, 4, 1]);
    Some(number(&d) != 0 && (sum % 5 == 0 || (d[6] == 7 && (sum + 1) % 5 == 0)))
}

/// Singapore entity number (UEN) of businesses, local companies and other entities.
pub(super) fn sg_entity(value: &[u8]) -> Option<bool> {
    const ALPHABET: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWX0123456789";
    let c = Compact::alnum(value)?;
    let (check, body) = c.split_last()?;
    let letter = |letters: &[u8], sum: i32| letters.get((sum % 11) as usize) == Some(check);
    if let Some(d) = ascii_digits::<8>(body) {
        return Some(number(&d) != 0 && letter(b"XMKECAWLJDB", weighted(&d, &[10, 4, 9, 3, 8, 2, 7, 1])));
    }
    if let Some(d) = ascii_digits::<9>(body) {
        let year = matches!(number(&d[..4]), 1..=2100);
        return Some(year && letter(b"ZKCMDNERGWH", weighted(&d, &[10, 8, 6, 4, 9, 7, 5, 3, 1])));
    }
    let mut values = [0; 9];
    for (slot, byte) in values.iter_mut().zip(<&[u8; 9]>::try_from(body).ok()?) {
        *slot = ALPHABET.iter().position(|known| known == byte)? as u8;
    }
    let shape = matches!(body[0], b'T' | b'S' | b'R') && ascii_digits::<2>(&body[1..3]).is_some();
    let sum = (weighted(&values, &[4, 3, 5, 3, 10, 2, 2, 5, 7]) - 5).rem_euclid(11);
    Some(shape && ALPHABET.get(sum as usize) == Some(check))
}

/// Indonesian taxpayer number (NPWP): Luhn over the first nine of fifteen digits.
pub(super) fn id_taxpayer(value: &[u8]) -> Option<bool> {
    let d = digits::<15>(value)?;
    Some(number(&d[..9]) != 0 && luhn(&d[..9]))
}

/// Philippine taxpayer number: the ninth digit checks the first eight; a branch code may follow.
pub(super) fn ph_taxpayer(value: &[u8]) -> Option<bool> {
    let all = Compact::digits(value)?;
    let d: [u8; 9] = all.get(..9)?.try_into().ok()?;
    let check = weighted(&d[..8], &[9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    Some(matches!(all.len(), 9 | 12..=14) && number(&d) != 0 && ends_with(&d, check))
}

/// Thai company number: as a citizen's, with a leading zero.
pub(super) fn th_company(value: &[u8]) -> Option<bool> {
    let d = digits::<13>(value)?;
    let check = (11 - weighted(&d[..12], &[13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 10;
    Some(d[0] == 0 && number(&d) != 0 && ends_with(&d, check))
}

/// Vietnamese tax code, with or without the three digits of a branch.
pub(super) fn vn_tax(value: &[u8]) -> Option<bool> {
    let all = Compact::digits(value)?;
    let d: [u8; 10] = all.get(..10)?.try_into().ok()?;
    let check = 10 - weighted(&d[..9], &[31, 29, 23, 19, 17, 13, 7, 5, 3]) % 11;
    Some(matches!(all.len(), 10 | 13) && number(&d) != 0 && ends_with(&d, check))
}
