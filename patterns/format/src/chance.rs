//! How unlikely a match of a pattern is in random bytes.
//!
//! In data that is no text, a ciphertext or the machine code of a program, every short shape turns up sooner or later.
//! The syntax tree of a pattern tells how soon: each byte of a class of `n` out of 256 values costs `8 - log2 n` bits,
//! repetitions cost as often as they must, and alternatives share one chance. Comes in: a syntax tree; goes out: bits,
//! so that a pattern of `b` bits matches by chance once in `2^b` places. What is done about it is decided by matching.

use regex_syntax::hir::{Class, Hir, HirKind};

/// Bits beyond which it makes no difference: no medium holds `2^250` places.
const BITS_MAX: f64 = 250.0;

/// Chance of a match at one place, as bits: `-log2 p`, rounded down.
pub(crate) fn bits(hir: &Hir) -> u8 {
    cost(hir).clamp(0.0, BITS_MAX) as u8
}

fn cost(hir: &Hir) -> f64 {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => 0.0,
        HirKind::Literal(literal) => 8.0 * literal.0.len() as f64,
        HirKind::Class(class) => class_cost(class),
        HirKind::Repetition(repetition) => f64::from(repetition.min) * cost(&repetition.sub),
        HirKind::Capture(capture) => cost(&capture.sub),
        HirKind::Concat(parts) => parts.iter().map(cost).sum(),
        HirKind::Alternation(branches) => {
            let chance: f64 = branches.iter().map(|branch| (-cost(branch)).exp2()).sum();
            -chance.log2()
        }
    }
}

/// A class of characters is rated by the bytes of its shortest members.
fn class_cost(class: &Class) -> f64 {
    let members: u32 = match class {
        Class::Bytes(bytes) => bytes.ranges().iter().map(|r| u32::from(r.end()) - u32::from(r.start()) + 1).sum(),
        Class::Unicode(chars) => chars.ranges().iter().map(|r| u32::from(r.end()) - u32::from(r.start()) + 1).sum(),
    };
    (8.0 - f64::from(members.max(1)).log2()).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::parse_pattern;

    #[test]
    fn patterns_are_rated_by_their_likeliest_match() {
        let rows = [
            ("abc", 24),
            ("[0-9]{11}", 51),
            ("[0-9]{11,19}", 51),
            ("a|b", 7),
            ("(?:abc)?d", 8),
            ("(?i)a", 7),
            ("(?-u:[\\x00-\\xff]{9})", 0),
            ("ghp_[0-9A-Za-z]{36}", 105),
            ("[a-z]{400}", 250),
        ];
        for (pattern, expected) in rows {
            assert_eq!(bits(&parse_pattern(pattern).expect("pattern")), expected, "{pattern}");
        }
    }
}
