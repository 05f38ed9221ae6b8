//! What can stand behind a literal: most words that a pattern begins with go on in another way.

use super::automaton::{Automaton, States};
use super::byte_set::ByteSet;
use super::literals::Place;

/// Offsets behind a literal for which the possible bytes are told.
const AFTER_LEN: usize = 4;

/// Distance from the start of the match up to which the automaton is followed. Farther ones are taken to be anywhere.
const FOLLOWED_MAX: usize = 64;

/// For the literals of one branch that stand at one place.
pub(super) struct After {
    automaton: Automaton,
    /// Where the automaton can be when a literal begins.
    at: States,
    has_boundary: bool,
}

impl After {
    pub(super) fn new(automaton: Automaton, place: &Place, has_boundary: bool) -> Self {
        if place.max > FOLLOWED_MAX {
            return Self { at: automaton.everywhere(), automaton, has_boundary };
        }
        let (mut at, mut places) = (automaton.start(), States::default());
        for before in 0..=place.max {
            if before >= place.min {
                places.extend(&at);
            }
            at = automaton.step(&at, |_| true);
        }
        Self { at: places, automaton, has_boundary }
    }

    /// The bytes that can stand at each of the first offsets behind a literal in any ASCII case, as far as they are
    /// told.
    pub(super) fn derive(&self, literal: &[u8]) -> Vec<ByteSet> {
        let takes = |at: States, byte: &u8| self.automaton.step(&at, |other| other.eq_ignore_ascii_case(byte));
        let mut at = literal.iter().fold(self.at.clone(), takes);
        let mut after = Vec::new();
        while after.len() < AFTER_LEN {
            let mut bytes = self.automaton.bytes(&at);
            let is_end = self.automaton.is_match(&at);
            if is_end && !self.has_boundary {
                break;
            }
            if is_end {
                // Every boundary refuses a letter or digit here.
                bytes.extend((0..=255u8).filter(|byte| !byte.is_ascii_alphanumeric()).collect());
            }
            after.push(bytes);
            if is_end {
                break;
            }
            at = self.automaton.step(&at, |_| true);
        }
        after
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_a_literal_is_told_until_the_match_can_end() {
        // Pattern, literal and its distance from the start, boundary; examples of what may follow, and of what may not.
        type Row = (&'static str, &'static str, (usize, usize), bool, &'static [&'static str], &'static [&'static str]);
        let rows: &[Row] = &[
            ("user ?=[a-z]{2}", "user", (0, 0), false, &["=ab", " =ab", "=ax,"], &["s=ab", "  =", "=1"]),
            ("(?i)pin[0-9]{2}", "pin", (0, 0), true, &["12", "12,"], &["1", "1a", "12a"]),
            ("(?i)pin[0-9]{2}", "pin", (0, 0), false, &["12", "12a"], &["1", "1a"]),
            ("[0-9]{1,2}kg(?:net| dry)", "kg", (1, 2), false, &["net", " dry"], &["nett dry", "dry"]),
            ("[a-z]{0,99}key=[0-9]{4}", "key", (0, 99), false, &["=123", "keyk"], &["1", " ="]),
        ];
        for (pattern, literal, (min, max), has_boundary, followers, others) in rows {
            let hir = crate::file::parse_pattern(pattern).expect("test pattern");
            let place = Place { min: *min, max: *max, between: ByteSet::ALL };
            let after =
                After::new(Automaton::new(&hir).expect("small"), &place, *has_boundary).derive(literal.as_bytes());
            let may_follow =
                |text: &str| after.iter().zip(text.bytes().chain([b'\n'])).all(|(set, byte)| set.contains(byte));
            followers.iter().for_each(|text| assert!(may_follow(text), "{pattern} {text}"));
            let is_told = |text: &&&str| text.len() <= AFTER_LEN;
            others.iter().filter(is_told).for_each(|text| assert!(!may_follow(text), "{pattern} {text}"));
        }
    }
}
