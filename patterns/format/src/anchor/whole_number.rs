//! Numbers that a pattern has as a whole or not at all, told by how many digits they have.
//!
//! Where digits alone make up a token, and no mark that may follow them belongs to a match, a match that begins with them is
//! the number itself. Then a check of the number tells what the pattern would find, before the pattern is tried.

use super::automaton::Automaton;
use super::byte_set::ByteSet;
use crate::Boundary;
use regex_syntax::hir::{Hir, HirKind};

/// Lengths that are told apart: bits of a set.
pub const WHOLE_NUMBER_LENS: usize = u32::BITS as usize;

/// The lengths, one bit each, for which a match that begins with a token of so many digits is that token. None where a part
/// of the match is its value, where a match may end inside of a token, or where none begins with a digit.
pub(crate) fn derive(hir: &Hir, boundary: Boundary, first: Option<&ByteSet>) -> u32 {
    let begins_with_digit = first.is_none_or(|first| first.bytes().any(|byte| byte.is_ascii_digit()));
    if boundary == Boundary::None || !begins_with_digit || has_value(hir) {
        return 0;
    }
    let Some(automaton) = Automaton::new(hir) else { return 0 };
    let mut states = automaton.start();
    let mut lens = 0;
    for len in 1..WHOLE_NUMBER_LENS {
        states = automaton.step(&states, |byte| byte.is_ascii_digit());
        // Of what a match may go on with, letters and digits do not stand behind the token.
        let is_whole = automaton.bytes(&states).bytes().all(|byte| byte.is_ascii_alphanumeric());
        lens |= u32::from(is_whole) << len;
    }
    lens
}

/// Whether a group is named: what it marks is the value.
fn has_value(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Capture(capture) => capture.name.is_some() || has_value(&capture.sub),
        HirKind::Repetition(repetition) => has_value(&repetition.sub),
        HirKind::Concat(subs) | HirKind::Alternation(subs) => subs.iter().any(has_value),
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::parse_pattern;

    #[test]
    fn a_number_is_whole_where_no_mark_behind_it_belongs_to_a_match() {
        // Some lengths that are told, and some that are not.
        let rows: &[(&str, &[usize], &[usize])] = &[
            ("[0-9]{10}", &[1, 9, 10, 11, 31], &[]),
            ("[1-9][0-9]{11,18}", &[11, 12, 15, 19, 20], &[]),
            ("[0-9]{3}-?[0-9]{3}-?[0-9]{4}", &[2, 4, 9, 10, 11], &[3, 6]),
            ("(?:PL ?)?[0-9]{3}-?[0-9]{7}", &[10], &[3]),
            ("[0-9]{9}(?:[ /-]?[0-9])?", &[10, 11], &[9]),
            ("[0-9]{5} ?[0-9]{5}K?", &[10], &[5]),
            ("[0-9]{8}-[0-9]", &[7, 9], &[8]),
            ("[0-9]{8}\u{f3}", &[7, 9], &[8]),
            ("[0-9]{4}[^x]{3}", &[3], &[4, 5, 6]),
            ("no [0-9]{10}", &[], &[10]),
            ("(?P<value>[0-9]{10})", &[], &[10]),
        ];
        for (pattern, whole, others) in rows {
            let hir = parse_pattern(pattern).expect("test pattern");
            let first = super::super::window::derive(&hir, true);
            let lens = derive(&hir, Boundary::Identifier, first.first());
            let is_told = |len: &usize| lens >> len & 1 == 1;
            assert!(whole.iter().all(is_told) && !others.iter().any(is_told), "{pattern} {lens:b}");
            assert_eq!(derive(&hir, Boundary::None, first.first()), 0, "{pattern}");
        }
    }
}
