//! Check-digit arithmetic that many identifiers share. All functions take numbers, not ASCII.

use super::compact::letter_value;

/// The sum of products of digits and weights, over the shorter of both.
pub(super) fn weighted(digits: &[u8], weights: &[i32]) -> i32 {
    digits.iter().zip(weights).map(|(digit, weight)| i32::from(*digit) * weight).sum()
}

/// As [`weighted`], with the decimal digits of each product added up.
pub(super) fn weighted_digit_sums(digits: &[u8], weights: &[i32]) -> i32 {
    digits.iter().zip(weights).map(|(digit, weight)| i32::from(*digit) * weight).map(|p| p / 10 + p % 10).sum()
}

/// `-sum` modulo `modulus`: the check digit that completes a sum to a multiple.
pub(super) fn complement(sum: i32, modulus: i32) -> i32 {
    (-sum).rem_euclid(modulus)
}

/// Whether the last digit equals the number; a number of ten or more never does.
pub(super) fn ends_with(digits: &[u8], check: i32) -> bool {
    digits.last().is_some_and(|last| i32::from(*last) == check)
}

/// Luhn's test, ISO/IEC 7812-1 annex B, over all digits including the check digit.
pub(super) fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(index, digit)| match (index % 2, u32::from(*digit)) {
            (0, digit) => digit,
            (_, digit) if digit > 4 => digit * 2 - 9,
            (_, digit) => digit * 2,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// GS1 check digit (EAN-13 and relatives): weights 1, 3 from the right, over all digits.
pub(super) fn gs1(digits: &[u8]) -> bool {
    let sum: u32 =
        digits.iter().rev().zip([1, 3].iter().cycle()).map(|(digit, weight)| u32::from(*digit) * weight).sum();
    sum.is_multiple_of(10)
}

/// Remainder modulo 97 of upper-case letters (A = 10) and digits read as one number: ISO 7064 mod 97-10.
pub(super) fn mod97<'a>(ascii: impl IntoIterator<Item = &'a u8>) -> Option<u32> {
    // As many characters as fit are taken before it is divided.
    const FULL: u64 = u64::MAX / 100 - 100;
    let number = ascii.into_iter().try_fold(0, |rest: u64, byte| {
        let value = u64::from(letter_value(*byte)?);
        let rest = if rest > FULL { rest % 97 } else { rest };
        Some(rest * if value > 9 { 100 } else { 10 } + value)
    });
    number.map(|number| (number % 97) as u32)
}

/// ISO 7064 mod 11,10 over all digits including the check digit.
pub(super) fn mod_11_10(digits: &[u8]) -> bool {
    let Some((check, body)) = digits.split_last() else { return false };
    let product = body.iter().fold(10u32, |product, digit| {
        let sum = (product + u32::from(*digit)) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    (11 - product) % 10 == u32::from(*check)
}

/// Verhoeff's permutation of position one; position `i` applies it `i` times.
const VERHOEFF_PERMUTATION: [u8; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];

/// Verhoeff's test (J. Verhoeff, Error Detecting Decimal Codes, 1969) over all digits including the check digit.
pub(super) fn verhoeff(digits: &[u8]) -> bool {
    let sum = digits.iter().rev().enumerate().fold(0, |sum, (index, digit)| dihedral(sum, permuted(*digit, index % 8)));
    sum == 0
}

fn permuted(digit: u8, times: usize) -> u8 {
    (0..times).fold(digit, |digit, _| VERHOEFF_PERMUTATION.get(usize::from(digit)).copied().unwrap_or(0))
}

/// Product in the dihedral group of order ten.
fn dihedral(a: u8, b: u8) -> u8 {
    match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => 5 + (a + b - 5) % 5,
        (false, true) => 5 + (a - 5 + 5 - b) % 5,
        (false, false) => (a + 5 - b) % 5,
    }
}

/// The check digit of identifiers that repeat a sum with other weights when the first gives ten; ten again becomes
/// zero.
pub(super) fn two_pass(digits: &[u8], first: &[i32], second: &[i32]) -> i32 {
    match weighted(digits, first) % 11 {
        10 => weighted(digits, second) % 11 % 10,
        check => check,
    }
}

/// The check character of ICAO 9303 and others: weights 7, 3, 1 repeated, over letters and digits, modulo 10.
pub(super) fn sum_731(ascii: &[u8]) -> Option<u32> {
    let values = ascii.iter().map(|byte| if *byte == b'<' { Some(0) } else { letter_value(*byte) });
    values
        .zip([7, 3, 1].iter().cycle())
        .try_fold(0, |sum, (value, weight)| Some((sum + u32::from(value?) * weight) % 10))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knowledge::validators::identifiers::compact::Compact;

    #[test]
    fn published_specimens_of_the_check_systems_pass_and_their_neighbours_fail() {
        type Row<'a> = (&'a str, fn(&[u8]) -> bool, &'a str, &'a str);
        let rows: &[Row<'_>] = &[
            ("luhn", luhn, "79927398713", "79927398714"),
            ("gs1", gs1, "4006381333931", "4006381333930"),
            ("mod 11,10", mod_11_10, "12345678903", "12345678904"),
            ("verhoeff", verhoeff, "2363", "2364"),
        ];
        for (name, test, valid, invalid) in rows {
            assert!(test(&Compact::digits(valid.as_bytes()).expect("digits")), "{name}: {valid}");
            assert!(!test(&Compact::digits(invalid.as_bytes()).expect("digits")), "{name}: {invalid}");
        }
        assert_eq!(mod97(b"3214282912345698765432161182"), Some(1), "ISO 13616 worked example");
        assert_eq!(sum_731(b"L898902C3"), Some(6), "ICAO 9303 specimen");
    }
}
