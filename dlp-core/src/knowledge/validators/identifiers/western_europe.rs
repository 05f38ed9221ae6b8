//! Germany, Austria, Switzerland, France, Belgium, the Netherlands, Luxembourg, the United Kingdom and Ireland.

use super::compact::{Compact, alnum, ascii_digits, digit, digits, letter_value, number, two, without_prefix};
use super::dates::{is_date, is_short_date};
use super::sums::{
    complement, ends_with, gs1, luhn, mod_11_10, mod97, sum_731, verhoeff, weighted, weighted_digit_sums,
};

/// German tax id: ISO 7064 mod 11,10; of the first ten digits one occurs twice, or one three times, all others once.
pub(super) fn de_tax_id(value: &[u8]) -> Option<bool> {
    let d = digits::<11>(value)?;
    let mut counts = [0u8; 10];
    for digit in &d[..10] {
        counts[usize::from(*digit)] += 1;
    }
    let distinct = counts.iter().filter(|count| **count > 0).count();
    let most = counts.iter().max().copied();
    let spread = (distinct == 9 && most == Some(2)) || (distinct == 8 && most == Some(3));
    Some(d[0] != 0 && spread && mod_11_10(&d))
}

/// German VAT number: ISO 7064 mod 11,10 after `DE`.
pub(super) fn de_vat(value: &[u8]) -> Option<bool> {
    let d = digits::<9>(without_prefix(value, b"DE"))?;
    Some(d[0] != 0 && mod_11_10(&d))
}

/// German pension number: area, birth date (day plus fifty possible), letter as two digits, serial, check digit.
pub(super) fn de_pension(value: &[u8]) -> Option<bool> {
    let c = alnum::<12>(value)?;
    let birth = ascii_digits::<8>(&c[..8])?;
    let serial = ascii_digits::<3>(&c[9..])?;
    let letter = letter_value(c[8])?.checked_sub(9)?;
    let mut d = [0; 12];
    d[..8].copy_from_slice(&birth);
    (d[8], d[9]) = (letter / 10, letter % 10);
    d[10..].copy_from_slice(&serial[..2]);
    let day = two(&birth, 2);
    let real = is_short_date(two(&birth, 6), two(&birth, 4), if day > 50 { day - 50 } else { day });
    let sum = weighted_digit_sums(&d, &[2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1]);
    Some(real && two(&birth, 0) > 1 && ends_with(&serial, sum % 10))
}

/// German health insurance number: letter as two digits, eight digits, check digit; the card adds insurer and a check.
pub(super) fn de_health_insurance(value: &[u8]) -> Option<bool> {
    let all = Compact::alnum(value)?;
    let (head, rest) = all.split_at_checked(10)?;
    let letter = letter_value(head[0])?.checked_sub(9)?;
    let body = ascii_digits::<9>(&head[1..])?;
    let mut d = [0; 10];
    (d[0], d[1]) = (letter / 10, letter % 10);
    d[2..].copy_from_slice(&body[..8]);
    let sum = weighted_digit_sums(&d, &[1, 2, 1, 2, 1, 2, 1, 2, 1, 2]);
    let complete = rest.is_empty() || ascii_digits::<10>(rest).is_some();
    Some(complete && ends_with(&body, sum % 10))
}

/// German identity card or passport with its check digit: weights 7, 3, 1 of ICAO 9303.
pub(super) fn de_document(value: &[u8]) -> Option<bool> {
    let c = alnum::<10>(value)?;
    let check = ascii_digits::<1>(&c[9..])?;
    Some(sum_731(&c[..9])? == u32::from(check[0]))
}

/// Austrian social insurance number: the fourth digit checks the serial and the birth date; months run to 15.
pub(super) fn at_social_insurance(value: &[u8]) -> Option<bool> {
    let d = digits::<10>(value)?;
    let sum = weighted(&d, &[3, 7, 9, 0, 5, 8, 4, 2, 1, 6]);
    let date = (1..=31).contains(&two(&d, 4)) && (1..=15).contains(&two(&d, 6));
    Some(d[0] != 0 && date && sum % 11 == i32::from(d[3]))
}

/// Austrian VAT number: `ATU` and eight digits.
pub(super) fn at_vat(value: &[u8]) -> Option<bool> {
    let d = digits::<8>(without_prefix(value, b"ATU"))?;
    let sum = weighted_digit_sums(&d[..7], &[1, 2, 1, 2, 1, 2, 1]);
    Some(ends_with(&d, complement(sum + 4, 10)))
}

/// Swiss AHV number: an EAN-13 with the country code 756.
pub(super) fn ch_ahv(value: &[u8]) -> Option<bool> {
    let d = digits::<13>(value)?;
    Some(d[..3] == [7, 5, 6] && gs1(&d))
}

/// Swiss enterprise number (UID), eCH-0097.
pub(super) fn ch_uid(value: &[u8]) -> Option<bool> {
    let c = Compact::alnum(value)?;
    let d = ascii_digits::<9>(without_prefix(&c, b"CHE").get(..9)?)?;
    Some(ends_with(&d, complement(weighted(&d[..8], &[5, 4, 3, 2, 7, 6, 5, 4]), 11)))
}

/// French social security number: 97 minus the remainder of thirteen digits; Corsica counts as 19 and 18.
pub(super) fn fr_nir(value: &[u8]) -> Option<bool> {
    let mut c = alnum::<15>(value)?;
    match &c[5..7] {
        b"2A" => c[5..7].copy_from_slice(b"19"),
        b"2B" => c[5..7].copy_from_slice(b"18"),
        _ => {}
    }
    let d = ascii_digits::<15>(&c)?;
    let sex = matches!(d[0], 1..=4 | 7 | 8);
    let month = matches!(two(&d, 3), 1..=12 | 20..=42 | 50..=99);
    Some(sex && month && 97 - number(&d[..13]) % 97 == number(&d[13..]))
}

/// French tax number (SPI): the first ten digits modulo 511 are the last three.
pub(super) fn fr_spi(value: &[u8]) -> Option<bool> {
    let d = digits::<13>(value)?;
    Some(d[0] <= 3 && number(&d[..10]) != 0 && number(&d[..10]) % 511 == number(&d[10..]))
}

/// French company number (SIREN): Luhn.
pub(super) fn fr_siren(value: &[u8]) -> Option<bool> {
    let d = digits::<9>(value)?;
    Some(number(&d) != 0 && luhn(&d))
}

/// French establishment number (SIRET): Luhn over all and over the SIREN; the post office sums to a multiple of five.
pub(super) fn fr_siret(value: &[u8]) -> Option<bool> {
    let d = digits::<14>(value)?;
    let post_office = d[..9] == [3, 5, 6, 0, 0, 0, 0, 0, 0] && d.iter().map(|n| u32::from(*n)).sum::<u32>() % 5 == 0;
    Some(number(&d[..9]) != 0 && luhn(&d[..9]) && (luhn(&d) || post_office))
}

/// French VAT number: a key of two characters, then the SIREN. Digits are computed from it; with a letter among them,
/// the key numbers the holder and the remainder modulo 11 checks both. Numbers of Monaco start with 000 and have no
/// SIREN.
pub(super) fn fr_vat(value: &[u8]) -> Option<bool> {
    const ALPHABET: &[u8] = b"0123456789ABCDEFGHJKLMNPQRSTUVWXYZ";
    let c = alnum::<11>(without_prefix(value, b"FR"))?;
    let d = ascii_digits::<9>(&c[2..])?;
    let place = |byte: u8| ALPHABET.iter().position(|known| *known == byte).map(|at| at as u64);
    let (first, second, siren) = (place(c[0])?, place(c[1])?, number(&d));
    let checked = match (first, second) {
        (0..=9, 0..=9) => (12 + 3 * (siren % 97)) % 97 == first * 10 + second,
        _ => {
            let holder = if first < 10 { first * 24 + second - 10 } else { first * 34 + second - 100 };
            (siren + 1 + holder / 11) % 11 == holder % 11
        }
    };
    Some(checked && siren != 0 && (luhn(&d) || d[..3] == [0, 0, 0]))
}

/// Belgian national number, also the BIS number with its shifted month; both centuries are tried.
pub(super) fn be_national_number(value: &[u8]) -> Option<bool> {
    let d = digits::<11>(value)?;
    let (body, check) = (number(&d[..9]), number(&d[9..]));
    let month = match two(&d, 2) {
        month @ 20..=32 => month - 20,
        month @ 40..=52 => month - 40,
        month => month,
    };
    let day = two(&d, 4);
    let dated =
        |century| is_date(century + two(&d, 0), month, day) || (month <= 12 && day <= 31 && (month == 0 || day == 0));
    let fits = |century, body: u64| dated(century) && 97 - body % 97 == check;
    Some(fits(1900, body) || fits(2000, 2_000_000_000 + body))
}

/// Belgian enterprise number.
pub(super) fn be_vat(value: &[u8]) -> Option<bool> {
    let d = digits::<10>(without_prefix(value, b"BE"))?;
    Some(d[0] <= 1 && number(&d[..8]) != 0 && 97 - number(&d[..8]) % 97 == number(&d[8..]))
}

/// Dutch citizen service number: the eleven test.
pub(super) fn nl_bsn(value: &[u8]) -> Option<bool> {
    let d = digits::<9>(value)?;
    Some(number(&d) != 0 && weighted(&d, &[9, 8, 7, 6, 5, 4, 3, 2, -1]).rem_euclid(11) == 0)
}

/// Dutch VAT number: the eleven test on the nine digits, or mod 97-10 over the whole for sole traders.
pub(super) fn nl_vat(value: &[u8]) -> Option<bool> {
    let c = alnum::<14>(value)?;
    let shape = c.starts_with(b"NL") && c[11] == b'B';
    let branch = number(&ascii_digits::<2>(&c[12..])?);
    Some(shape && branch != 0 && (nl_bsn(&c[2..11]) == Some(true) || mod97(&c)? == 1))
}

/// Luxembourg national number: Luhn over twelve digits, Verhoeff over eleven and the last.
pub(super) fn lu_matricule(value: &[u8]) -> Option<bool> {
    let d = digits::<13>(value)?;
    let mut second = [0; 12];
    second[..11].copy_from_slice(&d[..11]);
    second[11] = d[12];
    Some(is_date(number(&d[..4]) as u32, two(&d, 4), two(&d, 6)) && luhn(&d[..12]) && verhoeff(&second))
}

/// Luxembourg VAT number.
pub(super) fn lu_vat(value: &[u8]) -> Option<bool> {
    let d = digits::<8>(without_prefix(value, b"LU"))?;
    Some(number(&d) != 0 && number(&d[..6]) % 89 == number(&d[6..]))
}

/// British National Insurance number: the prefixes that HMRC does not issue are refused.
pub(super) fn gb_nino(value: &[u8]) -> Option<bool> {
    let c = alnum::<9>(value)?;
    let issued = !b"DFIQUV".contains(&c[0]) && !b"DFIOQUV".contains(&c[1]);
    let reserved = matches!(&c[..2], b"BG" | b"GB" | b"KN" | b"NK" | b"NT" | b"TN" | b"ZZ");
    let digits = ascii_digits::<6>(&c[2..8])?;
    Some(issued && !reserved && number(&digits) != 0 && (b'A'..=b'D').contains(&c[8]))
}

/// NHS number: a check of ten is not issued.
pub(super) fn gb_nhs(value: &[u8]) -> Option<bool> {
    let d = digits::<10>(value)?;
    let check = complement(weighted(&d[..9], &[10, 9, 8, 7, 6, 5, 4, 3, 2]), 11);
    Some(number(&d) != 0 && ends_with(&d, check))
}

/// British Unique Taxpayer Reference: the first digit checks the other nine.
pub(super) fn gb_utr(value: &[u8]) -> Option<bool> {
    let d = digits::<10>(value)?;
    let rest = weighted(&d[1..], &[6, 7, 8, 9, 10, 5, 4, 3, 2]) % 11;
    Some(b"21987654321".get(rest as usize).is_some_and(|check| check - b'0' == d[0]))
}

/// British VAT number: nine digits, or twelve of a branch; sums of the 9755 series, which began at 100, have the
/// remainder 42.
pub(super) fn gb_vat(value: &[u8]) -> Option<bool> {
    let all = Compact::digits(without_prefix(without_prefix(value, b"GB"), b"XI"))?;
    let d: [u8; 9] = all.get(..9)?.try_into().ok()?;
    let sum = weighted(&d[..7], &[8, 7, 6, 5, 4, 3, 2]) + two(&d, 7) as i32;
    let checked = sum % 97 == 0 || (sum % 97 == 42 && d[0] != 0);
    Some(matches!(all.len(), 9 | 12) && number(&d) != 0 && checked)
}

/// British driving licence: surname padded with nines, decade, month (plus fifty for women), day.
pub(super) fn gb_driving_licence(value: &[u8]) -> Option<bool> {
    let c = alnum::<16>(value)?;
    let letters = c[..5].iter().take_while(|b| b.is_ascii_uppercase()).count();
    let padded = letters > 0 && c[letters..5].iter().all(|b| *b == b'9');
    let d = ascii_digits::<6>(&c[5..11])?;
    let month = two(&d, 1);
    let month = if month > 50 { month - 50 } else { month };
    Some(padded && (1..=12).contains(&month) && (1..=31).contains(&two(&d, 3)))
}

/// Irish PPS number: the check letter counts a second letter too.
pub(super) fn ie_pps(value: &[u8]) -> Option<bool> {
    let all = Compact::alnum(without_prefix(value, b"IE"))?;
    let d = ascii_digits::<7>(all.get(..7)?)?;
    let second = match all.get(8) {
        None | Some(b'W' | b'T' | b'X') => 0,
        Some(letter @ b'A'..=b'I') => i32::from(letter - b'A' + 1),
        Some(_) => return None,
    };
    let sum = weighted(&d, &[8, 7, 6, 5, 4, 3, 2]) + 9 * second;
    let check = b"WABCDEFGHIJKLMNOPQRSTUV".get((sum % 23) as usize);
    Some(all.len() <= 9 && number(&d) != 0 && all.get(7) == check)
}

/// European health insurance card: 80 for health, the number of a member state, institution and serial.
pub(super) fn eu_health_card(value: &[u8]) -> Option<bool> {
    /// ISO 3166-1 numeric codes of the states that take part.
    const STATES: &[u64] = &[
        40, 56, 100, 191, 196, 203, 208, 233, 246, 250, 276, 300, 348, 352, 372, 380, 428, 438, 440, 442, 470, 528,
        578, 616, 620, 642, 703, 705, 724, 752, 756, 826,
    ];
    let d = digits::<20>(value)?;
    Some(d[..2] == [8, 0] && STATES.contains(&number(&d[2..5])) && number(&d[10..]) != 0)
}

/// German physician number (LANR): the seventh digit checks the first six.
pub(super) fn de_physician(value: &[u8]) -> Option<bool> {
    let d = digits::<9>(value)?;
    Some(number(&d[..6]) != 0 && ends_with(&d[..7], complement(weighted(&d[..6], &[4, 9, 4, 9, 4, 9]), 10)))
}

/// Scottish community health index number (CHI): an NHS number that starts with the birth date.
pub(super) fn gb_chi(value: &[u8]) -> Option<bool> {
    let d = digits::<10>(value)?;
    Some(is_short_date(two(&d, 4), two(&d, 2), two(&d, 0)) && gb_nhs(value) == Some(true))
}

/// English unique pupil number (UPN): the first letter checks the rest, whose last place may be a letter too.
pub(super) fn gb_pupil(value: &[u8]) -> Option<bool> {
    const LETTERS: &[u8] = b"ABCDEFGHJKLMNPQRTUVWXYZ";
    let c = alnum::<13>(value)?;
    ascii_digits::<11>(&c[1..12])?;
    let letter = |byte: u8| LETTERS.iter().position(|known| *known == byte);
    let number = |byte: u8| digit(byte).map(usize::from).or_else(|| letter(byte));
    let sum = c[1..].iter().zip(2..).try_fold(0, |sum, (byte, weight)| Some(sum + number(*byte)? * weight))?;
    Some(LETTERS.get(sum % 23) == Some(&c[0]))
}

/// Belgian identity card and structured payment reference: ten digits modulo 97, zero being written as 97.
pub(super) fn be_modulo_97(value: &[u8]) -> Option<bool> {
    let d = digits::<12>(value)?;
    let rest = number(&d[..10]) % 97;
    Some(number(&d[..10]) != 0 && number(&d[10..]) == if rest == 0 { 97 } else { rest })
}

/// Dutch education number: the citizen service number's sum with the remainder five.
pub(super) fn nl_education(value: &[u8]) -> Option<bool> {
    let d = digits::<9>(value)?;
    Some(d[..2] == [1, 0] && weighted(&d, &[9, 8, 7, 6, 5, 4, 3, 2, -1]).rem_euclid(11) == 5)
}

/// French health professional number (RPPS): Luhn.
pub(super) fn fr_health_professional(value: &[u8]) -> Option<bool> {
    let d = digits::<11>(value)?;
    Some(matches!(d[0], 1 | 8) && luhn(&d))
}
