//! Attribute values that say something: captions, values of filters and fields, what a writer keeps beside the text.
//!
//! Which attributes hold words differs by format, version and program. So all are handed out, each value once for a
//! part, but for those that are plainly settings: numbers with units, short codes, identifiers that no person wrote.

use super::Element;
use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

/// Shorter values are switches and units.
const VALUE_BYTES_MIN: usize = 4;
/// Numbers with fewer digits measure something.
const DIGITS_MIN: usize = 9;
/// Longest numbers in hexadecimal digits that writers give to paragraphs, revisions and colours.
const CODE_BYTES_MAX: usize = 8;
/// Values of a part that are remembered. What comes later is handed out as often as it stands there.
const REMEMBERED_MAX: usize = 16 * 1024;

/// The attribute values of one part.
#[derive(Default)]
pub(in crate::content) struct Attributes {
    /// Hashes of the values that were handed out.
    seen: HashSet<u64>,
    state: RandomState,
}

impl Attributes {
    /// Calls for each value of the element that says something and is new in the part, with the name of its attribute.
    pub(in crate::content) fn each_new(&mut self, element: &Element<'_>, mut take: impl FnMut(&str, &str)) {
        for attribute in element.raw_attributes() {
            if is_setting(attribute.value.as_bytes()) || !self.is_new(&attribute.value) {
                continue;
            }
            take(attribute.key.local_name().into_inner(), &element.replaced(&attribute.value));
        }
    }

    fn is_new(&mut self, value: &str) -> bool {
        let hash = self.state.hash_one(value);
        if self.seen.len() < REMEMBERED_MAX { self.seen.insert(hash) } else { !self.seen.contains(&hash) }
    }
}

/// Whether a value is plainly no text.
fn is_setting(value: &[u8]) -> bool {
    value.len() < VALUE_BYTES_MIN || is_code(value) || is_measure(value) || is_guid(value)
}

fn is_code(value: &[u8]) -> bool {
    value.len() <= CODE_BYTES_MAX && value.strip_prefix(b"#").unwrap_or(value).iter().all(u8::is_ascii_hexdigit)
}

/// A number with a unit, such as `12.5pt`, or several of them.
fn is_measure(value: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_digit() || b"+-.,%* ".contains(byte);
    let unit = value.iter().rev().take_while(|byte| byte.is_ascii_lowercase()).count();
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    unit <= 2 && digits < DIGITS_MIN && value[..value.len() - unit].iter().all(is_part)
}

/// `{00000000-0000-0000-0000-000000000000}`.
fn is_guid(value: &[u8]) -> bool {
    let inner = value.strip_prefix(b"{").and_then(|rest| rest.strip_suffix(b"}"));
    inner.is_some_and(|inner| inner.len() == 36 && inner.iter().all(|byte| byte.is_ascii_hexdigit() || *byte == b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_told_from_words() {
        let rows = [
            ("auto", false),
            ("Kowalski", false),
            ("Anna", false),
            ("44051401359", false),
            ("123 456 789", false),
            ("123-456-789", false),
            ("+48123456789", false),
            ("zażółć", false),
            ("deadbeefcafe", false),
            ("{\"pesel\":1}", false),
            ("", true),
            ("on", true),
            ("00A77B3E", true),
            ("#FFCC00", true),
            ("1828800", true),
            ("-0.25in", true),
            ("12.5pt", true),
            ("100%", true),
            ("4 4 8 8", true),
            ("{5C22544A-7EE6-4342-B048-85BDC9FD1C3A}", true),
        ];
        for (value, expected) in rows {
            assert_eq!(is_setting(value.as_bytes()), expected, "{value}");
        }
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut attributes = Attributes::default();
        for number in 0..REMEMBERED_MAX + 10 {
            assert!(attributes.is_new(&format!("value {number}")));
        }
        assert_eq!(attributes.seen.len(), REMEMBERED_MAX);
        assert!(!attributes.is_new("value 0"));
        assert!(attributes.is_new(&format!("value {}", REMEMBERED_MAX + 5)), "handed out again, not left out");
    }
}
