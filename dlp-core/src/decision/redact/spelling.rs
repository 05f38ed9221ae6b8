//! One spelling for all spellings of a value, so that equal values get equal tokens and hashes.
//!
//! Which marks between letters and digits mean nothing is known to the check of a detector: if it takes the letters and
//! digits alone for the same kind of value, they are the value. Of an e-mail address the case means nothing. Whatever
//! has no check, or changes by it, like a key or an address on a network, keeps its spelling.

use crate::base::Category;
use crate::knowledge::Detector;
use crate::knowledge::validators::{Verdict, find};
use std::borrow::Cow;

/// The normal spelling of a value.
pub(super) fn normal<'v>(detector: &Detector, value: &'v [u8]) -> Cow<'v, [u8]> {
    let check = detector.validator.as_ref().and_then(|validator| find(&validator.name));
    let Some(check) = check.filter(|_| detector.category != Category::Secret) else { return value.into() };
    let is_same_kind = |spelling: &[u8]| (check.verdict)(spelling) == Verdict::Valid;
    let plain = if value.contains(&b'@') { value.to_ascii_lowercase() } else { letters_and_digits(value) };
    if plain != value && is_same_kind(&plain) { plain.into() } else { value.into() }
}

/// What a hash is made of: nobody gets it back, so values of a table are compared as the table compares them.
pub(super) fn compared<'v>(detector: &Detector, value: &'v [u8]) -> Cow<'v, [u8]> {
    match detector.category {
        Category::Edm => letters_and_digits(value).into(),
        _ => normal(detector, value),
    }
}

/// Letters in upper case and digits. Other characters than those of ASCII are marks between them.
fn letters_and_digits(value: &[u8]) -> Vec<u8> {
    value.iter().filter(|byte| byte.is_ascii_alphanumeric()).map(u8::to_ascii_uppercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matching::DetectorSet;

    #[test]
    fn spellings_of_one_value_are_one_and_others_stay() {
        let set = DetectorSet::builtin().expect("built-in detectors");
        let rows: &[(&str, &str, &str)] = &[
            ("pii.pl.pesel", "44 0514 01458", "44051401458"),
            ("pii.pl.pesel", "44051401458", "44051401458"),
            ("finance.iban", "pl68 7689 7041 3143 0069 8989 8475", "PL68768970413143006989898475"),
            ("finance.iban", "DE73\u{a0}5075 0146 8807 2938 14", "DE73507501468807293814"),
            ("pii.intl.email", "Jane.Doe@Acme.PL", "jane.doe@acme.pl"),
        ];
        for (id, value, expected) in rows {
            let detector = set.detectors().find(|detector| detector.id == *id).unwrap_or_else(|| panic!("no {id}"));
            assert_eq!(normal(detector, value.as_bytes()), expected.as_bytes(), "{id}: {value}");
        }
        for detector in set.detectors().filter(|detector| detector.category == Category::Secret) {
            assert_eq!(normal(detector, b"aB-c_D 1"), &b"aB-c_D 1"[..], "{}", detector.id);
        }
    }
}
