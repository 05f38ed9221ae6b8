//! The first pass: places where a pattern may start.
//!
//! The kernel turns the text into bit masks, one bit for each byte: where a literal may stand, letters and digits,
//! digits, `@`. Literals are then checked exactly. Patterns without literals (most numbers that people carry) start where
//! a token starts; arithmetic on the masks gives the first digit of each token, and patterns that need a digit are
//! looked for from there, back over the digit-free groups before it (`AB 12 34 56 C`).

use super::boundary;
use super::compile::{DetectorSet, LiteralUse};
use super::scratch::{Candidate, Scratch};
use super::simd::{Masks, classify};
use super::starts::{DIGIT_WITHIN_MAX, Kind};
use crate::knowledge::RUN_MIN_MAX;
use std::ops::Range;

/// Digit-free groups before the first digit that can belong to the same identifier.
const GROUPS_BEFORE_DIGIT_MAX: usize = 3;

/// Bytes before the owned range that are classified, so that a token which reaches over its edge is seen from its start.
const LOOK_BEHIND: usize = 64;

/// Fills the scratch with the places to try whose start lies in `owned`, in an order that depends on the text alone. A
/// place that two anchors give may stand there twice.
pub(super) fn find(set: &DetectorSet, scratch: &mut Scratch, text: &[u8], owned: Range<usize>) {
    let from = owned.start.saturating_sub(LOOK_BEHIND);
    let to = text.len().min(owned.end + set.look_ahead());
    let mut masks = std::mem::take(&mut scratch.masks);
    let mut tokens = std::mem::take(&mut scratch.tokens);
    classify(set.isa(), set.literals().table(), text, from..to, &mut masks);
    scratch.candidates.clear();
    let mut pass = Pass { set, text, from, owned, candidates: &mut scratch.candidates };
    pass.literals(&masks);
    if !set.starts().is_empty() {
        tokens.fill(&masks, from > 0 && is_token_byte(text[from - 1]));
        pass.tokens_with_digit(&tokens);
        pass.tokens_without_digit(&tokens);
    }
    scratch.candidates.dedup();
    scratch.masks = masks;
    scratch.tokens = tokens;
}

/// One run over the owned part of a text.
struct Pass<'a> {
    set: &'a DetectorSet,
    text: &'a [u8],
    /// The byte that bit 0 of each mask stands for.
    from: usize,
    owned: Range<usize>,
    candidates: &'a mut Vec<Candidate>,
}

impl Pass<'_> {
    fn literals(&mut self, masks: &Masks) {
        let (set, text, from) = (self.set, self.text, self.from);
        let first = self.owned.start - from;
        for bit in bits(&masks.literal, first) {
            set.literals().each_hit(text, from + bit, &mut |hit, literal| {
                for place in set.literal_uses(literal) {
                    self.starts_before(hit, place);
                }
            });
        }
        if let Some(literal) = set.literals().at_sign() {
            for bit in bits(&masks.at, first) {
                for place in set.literal_uses(literal) {
                    self.starts_before(from + bit, place);
                }
            }
        }
    }

    /// The starts of a match that has its literal at `hit`: as far back as the bytes between can belong to it.
    fn starts_before(&mut self, hit: usize, place: &LiteralUse) {
        let Some(latest) = hit.checked_sub(place.before_min) else { return };
        let earliest = hit.saturating_sub(place.before_max).max(self.owned.start);
        let mut start = hit;
        loop {
            if start <= latest && start < self.owned.end && start >= earliest {
                let can_start = self.set.patterns()[place.pattern as usize].can_start(self.text, start);
                if can_start {
                    self.candidates.push((start, place.pattern));
                }
            }
            if start <= earliest || !place.between.contains(self.text[start - 1]) {
                return;
            }
            start -= 1;
        }
    }

    fn tokens_with_digit(&mut self, tokens: &Tokens) {
        let mut previous_digit = None;
        for digit in bits(&tokens.first_digits, 0) {
            self.starts_with_digit(tokens, digit, previous_digit);
            previous_digit = Some(digit);
        }
    }

    /// Tries the token of the first digit at bit `digit`, then the digit-free tokens before it.
    fn starts_with_digit(&mut self, tokens: &Tokens, digit: usize, previous_digit: Option<usize>) {
        let mut behind = digit;
        for _ in 0..=GROUPS_BEFORE_DIGIT_MAX {
            let Some(token) = last_bit(&tokens.starts, behind, digit.saturating_sub(DIGIT_WITHIN_MAX)) else { return };
            for first in self.places_in(token) {
                let own_digit = if first > digit { self.digit_behind(first) } else { Some(digit) };
                if let Some(digit) = own_digit.filter(|_| previous_digit.is_none_or(|previous| first > previous)) {
                    let byte = self.text[self.from + first];
                    if self.set.starts().reaches_digit(byte, digit - first) {
                        self.try_token(first, Kind::WithDigit);
                    }
                }
            }
            if token == 0 || previous_digit.is_some_and(|previous| token <= previous) {
                return;
            }
            behind = token - 1;
        }
    }

    /// The next digit of the token in which bit `first` lies.
    fn digit_behind(&self, first: usize) -> Option<usize> {
        let rest = &self.text[self.from + first..];
        let token = rest.iter().take(DIGIT_WITHIN_MAX + 1).take_while(|byte| is_token_byte(**byte));
        token.copied().position(|byte| byte.is_ascii_digit()).map(|offset| first + offset)
    }

    fn tokens_without_digit(&mut self, tokens: &Tokens) {
        for (word, (starts, long)) in tokens.starts.iter().zip(&tokens.long_starts).enumerate() {
            for bit in bits_of(*starts) {
                let kind = if long >> bit & 1 == 1 { Kind::Long } else { Kind::Short };
                for first in self.places_in(word * 64 + bit) {
                    if self.set.starts().can_start(self.text, self.from + first, kind) {
                        self.try_token(first, kind);
                    }
                }
            }
        }
    }

    /// Where a match can start in a token: at its start, and behind what may be the rest of an escape.
    fn places_in(&self, token: usize) -> impl Iterator<Item = usize> + use<> {
        let tail = boundary::escape_tail(self.text, self.from + token);
        [Some(token), (tail > 0).then_some(token + tail)].into_iter().flatten()
    }

    fn try_token(&mut self, first: usize, kind: Kind) {
        let (set, at) = (self.set, self.from + first);
        set.starts().fitting(self.text, at, kind, &mut |pattern, skip| {
            let Some(start) = at.checked_sub(skip).filter(|start| self.owned.contains(start)) else { return };
            if skip == 0 || set.patterns()[pattern as usize].can_start(self.text, start) {
                self.candidates.push((start, pattern));
            }
        });
    }
}

/// Where tokens start, as bit masks. A token is an unbroken run of ASCII letters and digits.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    starts: Vec<u64>,
    /// Starts of tokens of at least [`RUN_MIN_MAX`] bytes.
    long_starts: Vec<u64>,
    /// The first digit of each token that has one.
    first_digits: Vec<u64>,
}

impl Tokens {
    /// `continues`: the byte before the masks belongs to a token.
    fn fill(&mut self, masks: &Masks, continues: bool) {
        self.starts.clear();
        self.first_digits.clear();
        let (mut token_before, mut is_open) = (u64::from(continues), false);
        for (token, digit) in masks.alnum.iter().zip(&masks.digit) {
            let starts = token & !(token << 1 | token_before);
            let letters = token & !digit;
            // Adding the start of a run of letters carries through the run and sets the bit behind it.
            let seeds = (starts | u64::from(is_open)) & letters;
            let (sum, carries) = letters.overflowing_add(seeds);
            self.first_digits.push(((sum & !letters) | starts | u64::from(is_open)) & digit);
            self.starts.push(starts);
            token_before = token >> 63;
            is_open = carries;
        }
        self.fill_long_starts(&masks.alnum);
    }

    fn fill_long_starts(&mut self, alnum: &[u64]) {
        self.long_starts.clear();
        let mut runs = alnum.iter().copied().chain([0]);
        let mut run = runs.next().unwrap_or(0);
        for starts in &self.starts {
            let next = runs.next().unwrap_or(0);
            let mut wide = u128::from(next) << 64 | u128::from(run);
            let mut reached = 1;
            while reached < RUN_MIN_MAX as usize {
                wide &= wide >> reached;
                reached *= 2;
            }
            self.long_starts.push(starts & wide as u64);
            run = next;
        }
    }
}

const _: () = assert!(RUN_MIN_MAX.is_power_of_two(), "runs are counted by doubling");

/// The set bits of a mask from bit `first` on.
fn bits(mask: &[u64], first: usize) -> impl Iterator<Item = usize> {
    let words = mask.iter().enumerate().skip(first / 64);
    words.flat_map(move |(index, word)| {
        let kept = if index == first / 64 { u64::MAX << (first % 64) } else { u64::MAX };
        bits_of(word & kept).map(move |bit| index * 64 + bit)
    })
}

/// The set bits of one word.
fn bits_of(mut word: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let bit = (word != 0).then(|| word.trailing_zeros() as usize)?;
        word &= word - 1;
        Some(bit)
    })
}

/// The last set bit at or before `at`, not before `least`.
fn last_bit(mask: &[u64], at: usize, least: usize) -> Option<usize> {
    let mut index = at / 64;
    let mut word = mask[index] & (u64::MAX >> (63 - at % 64));
    while word == 0 && index > least / 64 {
        index -= 1;
        word = mask[index];
    }
    let bit = index * 64 + 63usize.checked_sub(word.leading_zeros() as usize)?;
    (bit >= least).then_some(bit)
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knowledge::Boundary;
    use crate::matching::boundary::left_holds;
    use crate::matching::simd::{Isa, WindowTable};
    use std::collections::BTreeSet;

    fn tokens(text: &str) -> (Vec<usize>, Vec<usize>, Vec<usize>) {
        let mut masks = Masks::default();
        classify(Isa::Portable, &WindowTable::new(1), text.as_bytes(), 0..text.len(), &mut masks);
        let mut tokens = Tokens::default();
        tokens.fill(&masks, false);
        let all = |mask: &[u64]| bits(mask, 0).collect::<Vec<_>>();
        (all(&tokens.starts), all(&tokens.first_digits), all(&tokens.long_starts))
    }

    /// The same, byte by byte.
    fn tokens_slowly(text: &str) -> (Vec<usize>, Vec<usize>, Vec<usize>) {
        let bytes = text.as_bytes();
        let (mut starts, mut digits, mut long_starts) = (Vec::new(), Vec::new(), Vec::new());
        for at in (0..bytes.len()).filter(|at| {
            is_token_byte(bytes[*at]) && at.checked_sub(1).is_none_or(|before| !is_token_byte(bytes[before]))
        }) {
            let token: Vec<_> = bytes[at..].iter().take_while(|byte| is_token_byte(**byte)).collect();
            starts.push(at);
            digits.extend(token.iter().position(|byte| byte.is_ascii_digit()).map(|offset| at + offset));
            if token.len() >= RUN_MIN_MAX as usize {
                long_starts.push(at);
            }
        }
        (starts, digits, long_starts)
    }

    #[test]
    fn the_arithmetic_of_tokens_equals_reading_them() {
        let long_token = "a".repeat(200) + "7b8";
        let pieces = [
            "",
            "a",
            "1",
            "ab12",
            "12ab",
            "-",
            " ",
            "a1a1",
            &long_token,
            "x",
            "_9",
            "abcdefghijklmnop",
            "abcdefghijklmno",
        ];
        for shift in 0..130 {
            for (index, piece) in pieces.iter().enumerate() {
                let text = format!("{}{piece} {}{piece}", ".".repeat(shift), pieces[(index + 5) % pieces.len()]);
                assert_eq!(tokens(&text), tokens_slowly(&text), "{text}");
            }
        }
    }

    #[test]
    fn the_last_bit_is_found_over_words() {
        let mask = [1 << 5 | 1 << 63, 0, 1 << 3];
        let rows =
            [(5, 0, Some(5)), (4, 0, None), (190, 0, Some(131)), (130, 0, Some(63)), (130, 64, None), (62, 5, Some(5))];
        for (at, least, expected) in rows {
            assert_eq!(last_bit(&mask, at, least), expected, "{at} {least}");
        }
    }

    #[test]
    fn a_token_that_goes_on_from_before_has_no_start() {
        let rows: &[(&str, &[usize], &[usize])] =
            &[("ab1 c2", &[4], &[5]), ("1a", &[], &[]), (" a1", &[1], &[2]), ("", &[], &[])];
        for (text, starts, first_digits) in rows {
            let mut masks = Masks::default();
            classify(Isa::Portable, &WindowTable::new(1), text.as_bytes(), 0..text.len(), &mut masks);
            let mut tokens = Tokens::default();
            tokens.fill(&masks, true);
            assert_eq!(bits(&tokens.starts, 0).collect::<Vec<_>>(), *starts, "{text}");
            assert_eq!(bits(&tokens.first_digits, 0).collect::<Vec<_>>(), *first_digits, "{text}");
        }
    }

    #[test]
    fn bits_are_given_from_the_first_that_is_wanted() {
        let mask = [1 << 5 | 1 << 63, 0, 1 | 1 << 3];
        let rows: &[(usize, &[usize])] =
            &[(0, &[5, 63, 128, 131]), (5, &[5, 63, 128, 131]), (6, &[63, 128, 131]), (64, &[128, 131]), (132, &[])];
        for (first, expected) in rows {
            assert_eq!(bits(&mask, *first).collect::<Vec<_>>(), *expected, "{first}");
        }
    }

    #[test]
    fn tokens_start_where_a_boundary_lets_them() {
        const BYTES: &[u8] = b"\\%n3Da-";
        const LEN: u32 = 5;
        for number in 0..BYTES.len().pow(LEN) {
            let text: Vec<u8> = (0..LEN).map(|place| BYTES[number / BYTES.len().pow(place) % BYTES.len()]).collect();
            let is_start = |at: usize| is_token_byte(text[at]) && (at == 0 || !is_token_byte(text[at - 1]));
            let starts = (0..text.len()).filter(|at| is_start(*at));
            let found: BTreeSet<usize> = starts.flat_map(|at| [at, at + boundary::escape_tail(&text, at)]).collect();
            let expected: BTreeSet<usize> = (0..text.len())
                .filter(|at| is_token_byte(text[*at]) && left_holds(Boundary::Token, &text, *at))
                .collect();
            assert_eq!(found, expected, "{}", text.escape_ascii());
        }
    }
}
