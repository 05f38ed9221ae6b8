//! The neighbourhood of a value: where on either side of it another one may start.
//!
//! It is read once from the masks of the first pass, and then asked by every pattern of every detector that accepts the
//! value; a table of numbers asks for each of its cells.

use super::boundary::{self, ESCAPE_TAIL_MAX};
use super::candidates::Tokens;
use super::compile::CompiledPattern;
use super::simd::Masks;
use std::ops::Range;

/// A place where a match may start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    at: usize,
    /// Digits from there on; the most that can be said where it is not known.
    digits: u8,
}

/// As many digits as a pattern may ask for: a place of which nothing is known.
const UNKNOWN: u8 = u8::MAX;

/// Where a match that begins with a token may start on both sides of a value, in ascending order.
#[derive(Debug, Default)]
pub(super) struct Neighbourhood {
    places: Vec<Place>,
}

impl Neighbourhood {
    /// Reads the sides of a value. What the first pass knows of tokens ends somewhere before and behind the block; beyond,
    /// every place is one.
    pub(super) fn read(&mut self, text: &[u8], (tokens, masks): (&Tokens, &Masks), sides: &[Range<usize>; 2]) {
        self.places.clear();
        for side in sides {
            // A token may start before the side and be the rest of an escape up to a place in it.
            let known = side.start.max(tokens.start + ESCAPE_TAIL_MAX)..side.end.min(tokens.end);
            if known.is_empty() {
                self.add_unknown(side.clone());
                continue;
            }
            self.add_unknown(side.start..known.start);
            for (at, digits) in tokens.within(masks, known.start - ESCAPE_TAIL_MAX..known.end) {
                let tail = boundary::escape_tail(text, at);
                let places = [Place { at, digits }, Place { at: at + tail, digits: UNKNOWN }];
                let places = places.into_iter().take(1 + usize::from(tail > 0));
                self.places.extend(places.filter(|place| known.contains(&place.at)));
            }
            self.add_unknown(known.end..side.end);
        }
    }

    fn add_unknown(&mut self, range: Range<usize>) {
        self.places.extend(range.map(|at| Place { at, digits: UNKNOWN }));
    }

    /// The places of a side where a pattern may start.
    pub(super) fn places(&self, pattern: &CompiledPattern, side: &Range<usize>) -> impl Iterator<Item = usize> {
        let (everywhere, places) =
            if pattern.starts_with_token { (0..0, self.of(side)) } else { (side.clone(), [].as_slice()) };
        let digits = pattern.digits_first;
        everywhere.chain(places.iter().filter(move |place| usize::from(place.digits) >= digits).map(|place| place.at))
    }

    /// The different numbers of so many digits that stand as a whole on one of the sides, without letters.
    pub(super) fn numbers<'t>(
        &self,
        text: &'t [u8],
        len: usize,
        sides: &[Range<usize>; 2],
    ) -> impl Iterator<Item = &'t [u8]> {
        let mut seen: Vec<&[u8]> = Vec::new();
        let numbers = sides.iter().flat_map(move |side| {
            let places =
                self.of(side).iter().filter(move |place| usize::from(place.digits) == len || place.digits == UNKNOWN);
            places.filter_map(move |place| {
                number_at(&text[..side.end], place.at, len).filter(|_| !goes_on(text, place.at + len))
            })
        });
        numbers.filter(move |number| {
            let is_new = !seen.contains(number);
            if is_new {
                seen.push(number);
            }
            is_new
        })
    }

    fn of(&self, side: &Range<usize>) -> &[Place] {
        let [start, end] = [side.start, side.end].map(|edge| self.places.partition_point(|place| place.at < edge));
        &self.places[start..end]
    }
}

/// A token of so many digits that starts at a place, without what stands behind it.
fn number_at(text: &[u8], at: usize, len: usize) -> Option<&[u8]> {
    let number = text.get(at..at + len)?;
    let is_start = at == 0 || !text[at - 1].is_ascii_alphanumeric();
    (is_start && number.iter().all(u8::is_ascii_digit)).then_some(number)
}

fn goes_on(text: &[u8], at: usize) -> bool {
    text.get(at).is_some_and(u8::is_ascii_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knowledge::Boundary;
    use crate::matching::boundary::left_holds;
    use crate::matching::simd::{Isa, WindowTable, classify};

    /// The sides of the middle of a text, with what the first pass knows of a part of it.
    fn read(text: &[u8], known: Range<usize>) -> (Neighbourhood, [Range<usize>; 2]) {
        let mut masks = Masks::default();
        classify(Isa::Portable, &WindowTable::new(), text, known.clone(), &mut masks);
        let sides = [0..text.len() / 2, text.len() / 2..text.len()];
        let mut neighbourhood = Neighbourhood::default();
        neighbourhood.read(text, (&Tokens { start: known.start, end: known.end }, &masks), &sides);
        (neighbourhood, sides)
    }

    #[test]
    fn a_match_may_start_where_a_token_does_and_nowhere_else_in_what_is_known() {
        let text = b"no 44051401458, \\n79927398713 x%3D7 4-5-6 a1 \\u003d99 end of 12 it".repeat(3);
        let is_start = |at: &usize| text[*at].is_ascii_alphanumeric() && left_holds(Boundary::Token, &text, *at);
        for known in [0..text.len(), 10..text.len() - 7, 70..130, 5..5] {
            let (neighbourhood, sides) = read(&text, known.clone());
            let found: Vec<usize> = neighbourhood.places.iter().map(|place| place.at).collect();
            assert!(found.is_sorted(), "{known:?}");
            let lost: Vec<usize> = (0..text.len()).filter(is_start).filter(|at| !found.contains(at)).collect();
            assert_eq!(lost, [0; 0], "{known:?}");
            let digits = |at: usize| text[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            for Place { at, digits: told } in neighbourhood.places.iter().filter(|place| place.digits != UNKNOWN) {
                let cut = digits(*at).min(known.end - at);
                assert_eq!(usize::from(*told), cut, "{known:?} {at}");
            }
            assert_eq!(sides.iter().map(|side| neighbourhood.of(side).len()).sum::<usize>(), found.len());
        }
        assert!(read(&text, 0..text.len()).0.places.len() < text.len() / 3, "most places are none");
    }

    #[test]
    fn numbers_of_one_length_count_once() {
        let rows: [(&str, &[&str]); 5] = [
            ("44051401458 44051401458", &["44051401458"]),
            ("11111111116, 11111111116; 22222222222 333", &["11111111116", "22222222222"]),
            ("02070803628 1", &["02070803628"]),
            ("a11111111116 11111111116b 111-11111116", &[]),
            ("", &[]),
        ];
        for (text, expected) in rows {
            // The middle, where the value would stand, is behind all of it.
            let text = format!("{text}{}", " ".repeat(text.len()));
            for known in [0..text.len(), 0..0] {
                let (neighbourhood, sides) = read(text.as_bytes(), known);
                let found: Vec<&[u8]> = neighbourhood.numbers(text.as_bytes(), 11, &sides).collect();
                assert_eq!(found, expected.iter().map(|n| n.as_bytes()).collect::<Vec<_>>(), "{text}");
            }
        }
    }
}
