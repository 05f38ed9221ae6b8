//! The tables of starts against reading every pattern byte by byte.

use super::*;
use crate::knowledge::{ByteSet, RUN_LEN_MAX, SHAPE_RUNS, Shape, follower, run_place};
use crate::matching::candidates::Tokens;
use crate::matching::simd::{Isa, Masks, Places, WindowTable, classify};
use crate::matching::spotted::{Classified, Spotted};
use crate::matching::vocabulary::{self, PhraseId};
use proptest::prelude::*;

/// What a pattern hands to the builder.
#[derive(Clone, Debug)]
struct Given {
    boundary: Boundary,
    window: Vec<ByteSet>,
    start: Start,
}

impl Given {
    fn accepts(&self, skip: usize, offset: usize, byte: u8) -> bool {
        self.window.get(skip + offset).is_none_or(|set| set.contains(byte))
    }

    /// Whether the pattern can stand at a token, byte by byte.
    fn fits(&self, skip: usize, text: &[u8], at: usize) -> bool {
        let before = at.checked_sub(1).map_or(END, |before| text[before]);
        let token = text[at..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        (0..WINDOW_LEN).all(|offset| self.accepts(skip, offset, byte_at(text, at + offset)))
            && (if skip == 0 { left_holds(self.boundary, text, at) } else { self.window[skip - 1].contains(before) })
            && token >= self.start.run_min
            && self.has_shape(text, at)
    }

    fn has_shape(&self, text: &[u8], mut at: usize) -> bool {
        for number in 0..SHAPE_RUNS {
            let is_digit = byte_at(text, at).is_ascii_digit();
            let of_run = |byte: u8| if is_digit { byte.is_ascii_digit() } else { byte.is_ascii_alphabetic() };
            let len = (at..).take_while(|at| of_run(byte_at(text, *at))).count();
            if len == 0 || len >= RUN_LEN_MAX {
                let place = if len == 0 { 0 } else { run_place(text[at], len) };
                return self.start.shape.holds(number, place, 0);
            }
            let follower = follower(byte_at(text, at + len), byte_at(text, at + len + 1));
            if !self.start.shape.holds(number, run_place(text[at], len), follower) {
                return false;
            }
            at += len + usize::from(!byte_at(text, at + len).is_ascii_alphanumeric());
        }
        true
    }
}

fn built(given: &[Given]) -> Starts {
    let mut builder = Builder::default();
    for (pattern, Given { boundary, window, start }) in given.iter().enumerate() {
        builder.add((pattern as u32, *boundary), window, (start.clone(), None));
    }
    builder.build(0)
}

/// Each pattern with each number of bytes before its token.
fn with_skips(given: &[Given]) -> impl Iterator<Item = (u32, usize, &Given)> {
    given.iter().enumerate().flat_map(|(pattern, given)| {
        (given.start.skip.0..=given.start.skip.1).map(move |skip| (pattern as u32, skip, given))
    })
}

fn byte_at(text: &[u8], at: usize) -> u8 {
    text.get(at).copied().unwrap_or(END)
}

fn masks(text: &[u8]) -> Masks {
    let mut masks = Masks::default();
    classify(Isa::Portable, &WindowTable::new(), text, 0..text.len(), &mut masks);
    masks
}

fn fitting(starts: &Starts, text: &[u8], at: usize) -> Vec<(u32, usize)> {
    let masks = masks(text);
    let runs = Runs { masks: &masks, from: 0 };
    let mut found = Vec::new();
    if starts.takes_bytes(text, at, &NamedFamilies::ALL) {
        let (vocabulary, tokens) = (vocabulary::Builder::default().build(), Tokens { start: 0, end: text.len() });
        let known = Classified { text, masks: &masks, tokens: &tokens, vocabulary: &vocabulary, table: None };
        let mut spotted = Spotted::default();
        spotted.forget(masks.alnum.len());
        let mut near = spotted.near(known);
        starts.fitting((text, at, &NamedFamilies::ALL), runs, &mut near, &mut |pattern, skip| {
            found.push((pattern, skip))
        });
    }
    found.sort_unstable();
    found
}

/// The places that the filters of tokens keep, of all places of a text.
fn kept(starts: &Starts, isa: Isa, text: &[u8]) -> Vec<usize> {
    let masks = masks(text);
    let filter = starts.filter(text, Runs { masks: &masks, from: 0 });
    let mut places = Places::default();
    places.take(isa, &masks.alnum, 0);
    places.keep_pairs(isa, &filter);
    places.keep_shapes(isa, &filter);
    places.iter().collect()
}

/// Places of a text where a match can begin a token: not inside of one, but behind an escape.
fn tokens(text: &[u8]) -> impl Iterator<Item = usize> {
    (0..text.len()).filter(|at| text[*at].is_ascii_alphanumeric() && left_holds(Boundary::Token, text, *at))
}

fn set_of(bytes: &[u8]) -> ByteSet {
    bytes.iter().copied().collect()
}

/// Sets that often hold a byte of the texts below, and often do not.
fn set() -> impl Strategy<Value = ByteSet> {
    prop_oneof![
        3 => Just(ByteSet::ALL),
        3 => Just((0..=255u8).filter(u8::is_ascii_alphanumeric).collect()),
        1 => Just((0..=255u8).filter(u8::is_ascii_digit).collect()),
        1 => Just(set_of(b"ab \n-._")),
        1 => prop::collection::vec(any::<u8>(), 1..200).prop_map(|bytes| set_of(&bytes)),
    ]
}

/// Shapes that leave out some runs, by a seed.
fn shape() -> impl Strategy<Value = Shape> {
    prop_oneof![
        1 => Just(Shape::default()),
        2 => any::<u64>().prop_map(|seed| Shape::from_fn(move |number, run, follower| {
            let mixed = (seed ^ (number * 31 + run * 7 + follower) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            run == 0 || mixed >> 61 != 0
        })),
    ]
}

fn given() -> impl Strategy<Value = Given> {
    let boundary = prop::sample::select(vec![Boundary::Token, Boundary::Word, Boundary::Identifier]);
    let start = (0..3usize, 0..2usize, 1..=RUN_MIN_MAX as usize, shape());
    let window = prop::collection::vec(set(), 4..WINDOW_LEN);
    (boundary, window, start).prop_map(|(boundary, window, (skip, more, run_min, shape))| Given {
        boundary,
        window,
        start: Start { skip: (skip, skip + more), run_min: run_min.min(4), digit_within: None, shape },
    })
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(b"aaBbn11122 -_./:\\%~\n\xc5\x82".to_vec()), 1..90)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn fitting_equals_reading_every_pattern(given in prop::collection::vec(given(), 0..40), text in text()) {
        let starts = built(&given);
        prop_assert!(starts.is_empty() || !given.is_empty());
        for at in tokens(&text) {
            let expected: Vec<_> = with_skips(&given)
                .filter(|(_, skip, given)| given.fits(*skip, &text, at))
                .map(|(pattern, skip, _)| (pattern, skip))
                .collect();
            prop_assert_eq!(fitting(&starts, &text, at), expected, "{}", at);
        }
    }

    #[test]
    fn the_filters_of_tokens_keep_all_that_fit(
        given in prop::collection::vec((given(), prop::option::of(0..40usize), 1..=RUN_MIN_MAX as usize), 1..9),
        text in text(),
    ) {
        let given: Vec<Given> = given
            .into_iter()
            .map(|(given, digit_within, run_min)| Given { start: Start { digit_within, run_min, ..given.start }, ..given })
            .collect();
        let starts = built(&given);
        let has_digit = |given: &Given, at: usize| {
            let digit = text[at..].iter().position(u8::is_ascii_digit).unwrap_or(usize::MAX);
            given.start.digit_within.is_none_or(|within| digit <= within)
        };
        for isa in Isa::available() {
            let kept = kept(&starts, isa, &text);
            for at in tokens(&text) {
                let fits = with_skips(&given).any(|(_, skip, given)| given.fits(skip, &text, at) && has_digit(given, at));
                prop_assert!(!fits || kept.contains(&at), "{} {:?}", at, isa);
            }
        }
    }
}

/// Patterns of three digits, of which each number but the first waits for a phrase of its own.
fn waiting(patterns: PhraseId) -> Starts {
    let mut builder = Builder::default();
    let digit: ByteSet = (b'0'..=b'9').collect();
    for number in 0..patterns {
        let first = set_of(&[b'0' + (number % 10) as u8]);
        let start = Start { skip: (0, 0), run_min: 3, digit_within: Some(0), shape: Shape::default() };
        let named = (number > 0).then(|| Named::new(vec![number], (9, 9)));
        builder.add((number, Boundary::Token), &[first, digit, digit], (start, named));
    }
    builder.build(patterns as usize)
}

#[test]
fn tokens_are_asked_for_the_rows_whose_phrases_were_met() {
    let starts = waiting(3);
    let text = b"012 112 212 312";
    let masks = masks(text);
    let runs = Runs { masks: &masks, from: 0 };
    let kept = |filter: &TokenFilter<'_>| {
        let mut places = Places::default();
        places.take(Isa::Portable, &[1 | 1 << 4 | 1 << 8 | 1 << 12], 0);
        places.keep_pairs(Isa::Portable, filter);
        places.iter().map(|place| text[place]).collect::<Vec<u8>>()
    };
    assert_eq!(kept(&starts.filter(text, runs)), b"012");
    assert_eq!(kept(&starts.filter_unnamed(text, runs)), b"0");
    let mut near = AskedNear::default();
    assert_eq!(kept(&near.filter(&starts, text, runs)), b"0");
    near.meet(&starts, 2);
    assert_eq!(kept(&near.filter(&starts, text, runs)), b"02");
    near.meet(&starts, 1);
    assert_eq!(kept(&near.filter(&starts, text, runs)), b"012");
}

#[test]
fn where_too_many_phrases_are_met_all_rows_ask_for_some_blocks() {
    let starts = waiting(200);
    let text = b"112";
    let masks = masks(text);
    let keeps = |near: &AskedNear| {
        let mut places = Places::default();
        places.take(Isa::Portable, &[1], 0);
        places.keep_pairs(Isa::Portable, &near.filter(&starts, text, Runs { masks: &masks, from: 0 }));
        places.iter().count() == 1
    };
    let mut near = AskedNear::default();
    // Every tenth of the patterns begins with this digit; none of these is met.
    (2..150).filter(|phrase| phrase % 10 != 1).for_each(|phrase| near.meet(&starts, phrase));
    assert!(keeps(&near), "all rows ask");
    let passed = (1..100).find(|_| {
        near.begin_block();
        !keeps(&near)
    });
    assert!(passed.is_some_and(|blocks| blocks > 1), "{passed:?}");
}

#[test]
fn patterns_of_several_groups_are_all_given() {
    let start = Start { skip: (0, 0), run_min: 1, digit_within: None, shape: Shape::default() };
    let of = |byte: u8| Given { boundary: Boundary::Token, window: vec![set_of(&[byte])], start: start.clone() };
    let count = 2 * RowSet::ROWS + 3;
    let given: Vec<Given> = (0..count).map(|index| of(b"ab"[index % 2])).collect();
    let starts = built(&given);
    assert_eq!((starts.of_letters.groups.len(), starts.of_digits.groups.len()), (3, 0));
    let expected: Vec<(u32, usize)> = (1..count as u32).step_by(2).map(|pattern| (pattern, 0)).collect();
    assert_eq!(fitting(&starts, b"b", 0), expected);
    assert_eq!(fitting(&starts, b"xb", 1), [], "the boundary refuses all groups");
}

#[test]
fn more_families_than_are_told_apart_are_all_found() {
    let start = Start { skip: (0, 0), run_min: 1, digit_within: None, shape: Shape::default() };
    let texts: Vec<Vec<u8>> = (0..1000).map(|number| format!("a{number:03}").into_bytes()).collect();
    let of = |text: &Vec<u8>| Given {
        boundary: Boundary::Token,
        window: text.iter().map(|byte| set_of(&[*byte])).collect(),
        start: start.clone(),
    };
    let starts = built(&texts.iter().map(of).collect::<Vec<_>>());
    for (number, text) in texts.iter().enumerate() {
        assert_eq!(fitting(&starts, text, 0), [(number as u32, 0)], "{}", text.escape_ascii());
    }
    assert_eq!(fitting(&starts, b"b000", 0), []);
}
