//! Runs of letters and of digits, read from the masks of the first pass.

use super::boundary::END;
use super::simd::Masks;
use crate::knowledge::{RUN_LEN_MAX, follower, run_place};

/// Bytes behind the start of a token from which its runs are told: each run of a shape, the marks between them, and
/// the word of the mask in which the last one lies.
pub(super) const RUNS_REACH: usize = 4 * 64;

/// The masks of a stretch of text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Runs<'m> {
    pub(super) masks: &'m Masks,
    /// The byte that bit 0 of the masks stands for.
    pub(super) from: usize,
}

/// An unbroken run of letters, or of digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// Kind and length; 0 where neither a letter nor a digit stands.
    pub(super) place: usize,
    pub(super) follower: usize,
    /// Where the next run begins, unless this one is none or longer than can be told.
    pub(super) next: Option<usize>,
}

impl Runs<'_> {
    /// The number of letters and digits from an offset of the text on, up to 64.
    #[inline]
    pub(super) fn token_len(self, at: usize) -> usize {
        bits_at(&self.masks.alnum, at - self.from).trailing_ones() as usize
    }

    /// The number at an offset of the text, where a token begins, if the token is digits alone, up to 63; else nothing.
    #[inline]
    pub(super) fn number<'t>(&self, text: &'t [u8], at: usize) -> &'t [u8] {
        let [token, digits] =
            [&self.masks.alnum, &self.masks.digit].map(|mask| bits_at(mask, at - self.from).trailing_ones());
        if token == digits && token < u64::BITS { &text[at..at + token as usize] } else { &[] }
    }

    /// The run at an offset of the text.
    #[inline(always)]
    pub(super) fn run(self, text: &[u8], at: usize) -> Run {
        let bit = at - self.from;
        let (alnum, digit) = (bits_at(&self.masks.alnum, bit), bits_at(&self.masks.digit, bit));
        if alnum & 1 == 0 {
            return Run { place: 0, follower: 0, next: None };
        }
        let run = if digit & 1 == 1 { digit } else { alnum & !digit };
        let len = run.trailing_ones() as usize;
        let place = run_place(text[at], len);
        if len >= RUN_LEN_MAX {
            return Run { place, follower: 0, next: None };
        }
        let byte = |offset: usize| text.get(at + len + offset).copied().unwrap_or(END);
        let follower = follower(byte(0), byte(1));
        let marks = usize::from(!byte(0).is_ascii_alphanumeric());
        Run { place, follower, next: Some(at + len + marks) }
    }
}

/// The 64 bits of a mask from bit `bit` on; behind its end they are zero.
#[inline]
pub(super) fn bits_at(mask: &[u64], bit: usize) -> u64 {
    let (index, shift) = (bit / 64, bit % 64);
    match mask.get(index..) {
        // Shifted twice, because a shift by all 64 bits is none.
        Some([low, high, ..]) => low >> shift | high << 1 << (63 - shift),
        Some([low]) => low >> shift,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matching::simd::{Isa, WindowTable, classify};

    #[test]
    fn runs_equal_reading_the_text() {
        let long = "7".repeat(30) + " " + &"8".repeat(31) + "-" + &"x".repeat(90) + "1";
        let texts = ["a", "12ab", "ab-12.", "1.5", "--", "u64", &long, "x 1", "9"];
        for (text, shift) in texts.iter().flat_map(|text| (0..130).map(move |shift| (text, shift))) {
            let text = [".".repeat(shift).as_bytes(), text.as_bytes()].concat();
            let mut masks = Masks::default();
            classify(Isa::Portable, &WindowTable::new(), &text, 0..text.len(), &mut masks);
            for at in 0..text.len() {
                let runs = Runs { masks: &masks, from: 0 };
                assert_eq!(runs.run(&text, at), run_slowly(&text, at), "{} {at}", text.escape_ascii());
                let token = text[at..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
                assert_eq!(runs.token_len(at), token.min(64), "{} {at}", text.escape_ascii());
            }
        }
    }

    fn run_slowly(text: &[u8], at: usize) -> Run {
        let is_digit = text[at].is_ascii_digit();
        let of_run = |byte: &&u8| if is_digit { byte.is_ascii_digit() } else { byte.is_ascii_alphabetic() };
        let len = text[at..].iter().take_while(of_run).count();
        if len == 0 {
            return Run { place: 0, follower: 0, next: None };
        }
        let place = run_place(text[at], len);
        if len >= RUN_LEN_MAX {
            return Run { place, follower: 0, next: None };
        }
        let byte = |at: usize| text.get(at).copied().unwrap_or(END);
        let next = at + len + usize::from(!byte(at + len).is_ascii_alphanumeric());
        Run { place, follower: follower(byte(at + len), byte(at + len + 1)), next: Some(next) }
    }

    #[test]
    fn bits_are_read_over_words_and_beyond_the_end() {
        let mask = [1 << 63, 0b101];
        let rows = [(0, 1 << 63), (63, 0b1011), (64, 0b101), (66, 1), (127, 0), (128, 0), (1000, 0)];
        rows.into_iter().for_each(|(bit, expected)| assert_eq!(bits_at(&mask, bit), expected, "{bit}"));
    }
}
