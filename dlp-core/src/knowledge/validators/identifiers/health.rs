//! Codes of clinical vocabularies.

use super::compact::Compact;
use super::sums::{luhn, verhoeff};

/// LOINC code of a laboratory test: Luhn over the digits.
pub(super) fn loinc(value: &[u8]) -> Option<bool> {
    let d = Compact::digits(value)?;
    Some((2..=8).contains(&d.len()) && d[0] != 0 && luhn(&d))
}

/// SNOMED CT identifier: Verhoeff, and a partition that names a kind of component.
pub(super) fn snomed(value: &[u8]) -> Option<bool> {
    let d = Compact::digits(value)?;
    let (_, head) = d.split_last()?;
    let [.., first, second] = head else { return None };
    let partition = matches!((first, second), (0, 0..=5) | (1, 0..=5));
    Some((6..=18).contains(&d.len()) && d[0] != 0 && partition && verhoeff(&d))
}
