//! The first pass: places where a pattern may start.
//!
//! The kernel turns the text into bit masks, one bit for each byte: where a literal may stand, letters and digits,
//! digits, `@`. Literals are then checked exactly. Patterns without literals (most numbers that people carry) start where
//! a token starts, an unbroken run of ASCII letters and digits, and are chosen there by the shape of what follows.

use super::compile::DetectorSet;
use super::evidence::Ground;
use super::key_runs::KeyRuns;
use super::runs::{Runs, bits_at};
use super::scratch::{Candidate, Scratch};
use super::simd::{Masks, Places, STRETCH_WORDS, Task, TokenFilter, classify};
use super::spotted::{Classified, Naming, Spotted};
use super::starts::{AskedNear, NamedFamilies};
use super::uses::LiteralUse;
use super::{boundary, company};
use crate::knowledge::SKIP_MAX;
use std::ops::Range;

/// Bytes before the owned range that are classified: a token that reaches over its edge is seen from its start, and what
/// stands around a value is looked at by tokens.
const LOOK_BEHIND: usize = 64 + company::WINDOW_BYTES;

/// As many numbers in a stretch, and its phrases are read first: where numbers stand in rows, nearly all turn out to have no
/// name. Where they are few, most are told without phrases.
pub(super) const DENSE_NUMBERS: u32 = 2 * STRETCH_WORDS as u32;

/// Fills the scratch with the places to try whose start lies in `owned`, in an order that depends on the text alone. A
/// place that two anchors give may stand there twice.
pub(super) fn find(set: &DetectorSet, scratch: &mut Scratch, ground: Ground<'_>, owned: Range<usize>) {
    let text = ground.text;
    let Range { start, end } = classify_for(set, scratch, text, &owned);
    let masks = std::mem::take(&mut scratch.masks);
    scratch.candidates.clear();
    scratch.spotted.forget(masks.alnum.len());
    scratch.tokens = Tokens { start, end };
    scratch.asked.begin_block();
    let Scratch { candidates, places, spotted, tokens, key_runs, asked, .. } = scratch;
    key_runs.read(&masks.key);
    let known = Classified { text, masks: &masks, tokens, vocabulary: set.vocabulary(), table: ground.table };
    set.isa().run(Find(Pass { set, known, owned, key_runs, asked, candidates, spotted }, places));
    candidates.dedup();
    scratch.masks = masks;
}

/// Fills the masks of a part of a text, with what is looked at around it. Gives the range that the masks are of.
pub(super) fn classify_for(
    set: &DetectorSet,
    scratch: &mut Scratch,
    text: &[u8],
    owned: &Range<usize>,
) -> Range<usize> {
    let seen = owned.start.saturating_sub(LOOK_BEHIND)..text.len().min(owned.end + set.look_ahead());
    classify(set.isa(), set.literals().table(), text, seen.clone(), &mut scratch.masks);
    seen
}

/// The part of a text whose tokens are known from masks.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Tokens {
    /// The starts of tokens in a range that lies within the part, of whose first byte it is not known whether it is one,
    /// each with the digits that it begins with, up to 64.
    #[inline]
    pub(super) fn within(&self, masks: &Masks, range: Range<usize>) -> impl Iterator<Item = (usize, u8)> {
        let (base, first) = (self.start, range.start.saturating_sub(self.start));
        let words = first / 64..masks.alnum.len().min(range.end.saturating_sub(base).div_ceil(64));
        let places = words.flat_map(move |index| {
            let before = index.checked_sub(1).map_or(0, |before| masks.alnum[before] >> 63);
            bits_of(token_starts(masks.alnum[index], before)).map(move |bit| index * 64 + bit)
        });
        let places = places.map(move |place| (base + place, bits_at(&masks.digit, place).trailing_ones() as u8));
        places.filter(move |(at, _)| range.contains(at))
    }
}

/// One run over the owned part of a text.
struct Pass<'a> {
    set: &'a DetectorSet,
    known: Classified<'a>,
    owned: Range<usize>,
    key_runs: &'a KeyRuns,
    asked: &'a mut AskedNear,
    candidates: &'a mut Vec<Candidate>,
    spotted: &'a mut Spotted,
}

/// The whole of it, with memory for places.
struct Find<'a>(Pass<'a>, &'a mut Places);

impl Task for Find<'_> {
    type Output = ();

    #[inline(always)]
    fn run(mut self) {
        self.0.literals(self.1);
        if !self.0.set.starts().is_empty() {
            self.0.tokens(self.1);
        }
    }
}

impl Pass<'_> {
    #[inline(always)]
    fn literals(&mut self, places: &mut Places) {
        let (set, Classified { text, masks, .. }, from) = (self.set, self.known, self.from());
        let literals = set.literals();
        let filter = literals.filter(&text[from..]);
        // What stands before the owned part begins no match of it.
        let first = self.owned.start - from;
        let first_word = first / 64;
        for first in (first_word..masks.literal.len()).step_by(STRETCH_WORDS) {
            let words = first..masks.literal.len().min(first + STRETCH_WORDS);
            places.take(set.isa(), &self.literal_words(words.clone())[..words.len()], first * 64);
            places.keep_words(set.isa(), &filter);
            for place in places.iter() {
                literals.each_hit(text, from + place, &mut |hit, literal| {
                    let end = hit + literals.len(literal);
                    if !set.uses().any_goes_on(literal, text, end) {
                        return;
                    }
                    let has_key = self.key_runs.is_near(hit.saturating_sub(from));
                    let uses = set.uses().of(literal).iter().filter(|used| has_key || !used.needs_key_run);
                    for used in uses.filter(|used| set.uses().goes_on(used, text, end)) {
                        self.starts_before(hit, used);
                    }
                });
            }
        }
        if let Some(literal) = literals.at_sign() {
            for bit in bits(&masks.at, first) {
                for used in set.uses().of(literal).iter().filter(|used| set.uses().goes_on(used, text, from + bit + 1))
                {
                    self.starts_before(from + bit, used);
                }
            }
        }
    }

    /// Words of the mask of literals, with those that count beside a key run where one is near.
    #[inline(always)]
    fn literal_words(&self, words: Range<usize>) -> [u64; STRETCH_WORDS] {
        let masks = self.known.masks;
        let mut all = [0; STRETCH_WORDS];
        for (all, word) in all.iter_mut().zip(words) {
            *all = masks.literal[word] | masks.keyed[word] & self.key_runs.near(word);
        }
        all
    }

    /// The starts of a match that has its literal at `hit`: as far back as the bytes between can belong to it.
    fn starts_before(&mut self, hit: usize, place: &LiteralUse) {
        let Some(latest) = hit.checked_sub(place.before_min as usize) else { return };
        let earliest = hit.saturating_sub(place.before_max as usize).max(self.owned.start);
        let mut start = hit;
        loop {
            if start <= latest && start < self.owned.end && start >= earliest {
                let can_start = self.set.patterns()[place.pattern as usize].can_start(self.known.text, start);
                if can_start {
                    self.candidates.push((start, place.pattern));
                }
            }
            if start <= earliest || !self.set.uses().lies_between(place, self.known.text[start - 1]) {
                return;
            }
            start -= 1;
        }
    }

    #[inline(always)]
    fn tokens(&mut self, places: &mut Places) {
        let (starts, Classified { text, masks, .. }, from) = (self.set.starts(), self.known, self.from());
        let runs = Runs { masks, from };
        // Where a token starts that a match of the owned part can have.
        let words = (self.owned.end + SKIP_MAX as usize - from).div_ceil(64).min(masks.alnum.len());
        let (any, unnamed) = (starts.filter(text, runs), starts.filter_unnamed(text, runs));
        let mut before = u64::from(from > 0 && text[from - 1].is_ascii_alphanumeric());
        for first in (0..words).step_by(STRETCH_WORDS) {
            let stretch = first..words.min(first + STRETCH_WORDS);
            let token_starts = token_starts_in(&masks.alnum[stretch.clone()], &mut before);
            let token_starts = &token_starts[..stretch.len()];
            if numbers_in(token_starts, &masks.digit[stretch]) < DENSE_NUMBERS {
                self.tokens_at(places, (token_starts, first), &any, &[NamedFamilies::ALL; _]);
                continue;
            }
            let named = self.named(first);
            let open = starts.unnamed();
            let asked = std::mem::take(self.asked);
            let near = asked.filter(starts, text, runs);
            let kind =
                |named: &NamedFamilies| if *named == open { 0 } else { 1 + usize::from(*named == NamedFamilies::ALL) };
            for (number, filter) in [&unnamed, &near, &any].into_iter().enumerate() {
                let mut chosen = [0; STRETCH_WORDS];
                for ((chosen, starts), named) in chosen.iter_mut().zip(token_starts).zip(&named) {
                    *chosen = if kind(named) == number { *starts } else { 0 };
                }
                self.tokens_at(places, (&chosen[..token_starts.len()], first), filter, &named);
            }
            *self.asked = asked;
        }
    }

    /// Looks at the tokens of a stretch that start where bits are set in its words, of which the first one has a number.
    /// `named`: what may name those of each word.
    #[inline(always)]
    fn tokens_at(
        &mut self,
        places: &mut Places,
        (token_starts, first): (&[u64], usize),
        filter: &TokenFilter<'_>,
        named: &[NamedFamilies; STRETCH_WORDS],
    ) {
        let (set, Classified { text, masks, .. }, from) = (self.set, self.known, self.from());
        places.take(set.isa(), token_starts, first * 64);
        places.keep_pairs(set.isa(), filter);
        places.keep_shapes(set.isa(), filter);
        let named = |place: usize| &named[place / 64 - first];
        let mut sieve = places.sieve();
        while let Some(place) = sieve.place() {
            let at = from + place;
            let is_taken = set.starts().takes_bytes(text, at, named(place));
            sieve.keep(is_taken | boundary::may_begin_with_escape(text, at));
        }
        drop(sieve);
        let runs = Runs { masks, from };
        for place in places.iter() {
            let at = from + place;
            self.try_token((at, named(place)), runs);
            let tail = boundary::escape_tail(text, at);
            if tail > 0 {
                self.try_token((at + tail, &NamedFamilies::ALL), runs);
            }
        }
    }

    /// What may name the tokens of each part of a stretch, which begins with the part `first`.
    #[inline(always)]
    fn named(&mut self, first: usize) -> [NamedFamilies; STRETCH_WORDS] {
        let starts = self.set.starts();
        let unnamed = starts.unnamed();
        let (before, behind) = starts.named_reach();
        let (before, behind) = (before.div_ceil(64), behind.div_ceil(64));
        let mut all = [unnamed; STRETCH_WORDS];
        let mut near = self.spotted.near(self.known);
        // Of what stands before the masks nothing is known, even where the text begins with them.
        for reached in 0..before + STRETCH_WORDS + behind {
            let part = (first + reached).checked_sub(before);
            let own = match part.map(|part| near.phrases_of(part)) {
                Some(Naming::Nothing) => continue,
                Some(naming @ Naming::Some(..)) => {
                    let vocabulary = self.set.vocabulary();
                    let phrases = naming.phrases().filter(|phrase| vocabulary.is_demanded(*phrase));
                    starts.named(phrases.inspect(|phrase| self.asked.meet(starts, *phrase)))
                }
                Some(Naming::Unknown) | None => NamedFamilies::ALL,
            };
            let reaching = reached.saturating_sub(before + behind)..STRETCH_WORDS.min(reached + 1);
            all[reaching].iter_mut().for_each(|all| *all = all.with(&own));
        }
        all
    }

    #[inline(always)]
    fn try_token(&mut self, (at, named): (usize, &NamedFamilies), runs: Runs<'_>) {
        let Self { set, known, owned, candidates, spotted, .. } = self;
        let text = known.text;
        let number = runs.number(text, at);
        set.starts().fitting((text, at, named), runs, &mut spotted.near(*known), &mut |pattern, skip| {
            let Some(start) = at.checked_sub(skip).filter(|start| owned.contains(start)) else { return };
            if skip == 0 && set.refuses(pattern, number) {
                return;
            }
            if skip == 0 || set.patterns()[pattern as usize].can_start(text, start) {
                candidates.push((start, pattern));
            }
        });
    }

    /// The byte that bit 0 of each mask stands for.
    fn from(&self) -> usize {
        self.known.tokens.start
    }
}

/// The starts of tokens in a stretch of the mask of letters and digits. `before`: 1 when a token reaches into it, and then
/// when one reaches out of it.
fn token_starts_in(stretch: &[u64], before: &mut u64) -> [u64; STRETCH_WORDS] {
    let mut starts = [0; STRETCH_WORDS];
    for (starts, alnum) in starts.iter_mut().zip(stretch) {
        *starts = token_starts(*alnum, *before);
        *before = *alnum >> 63;
    }
    starts
}

/// How many tokens of a stretch start with a digit.
fn numbers_in(token_starts: &[u64], digit: &[u64]) -> u32 {
    token_starts.iter().zip(digit).map(|(starts, digit)| (starts & digit).count_ones()).sum()
}

/// The starts of tokens in a word of the mask of letters and digits. `before`: 1 when a token reaches into it.
#[inline]
fn token_starts(alnum: u64, before: u64) -> u64 {
    alnum & !(alnum << 1 | before)
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knowledge::Boundary;
    use crate::matching::boundary::left_holds;
    use crate::matching::simd::{Isa, WindowTable};
    use std::collections::BTreeSet;

    fn is_token_byte(byte: u8) -> bool {
        byte.is_ascii_alphanumeric()
    }

    fn starts_of(text: &[u8], continues: bool) -> Vec<usize> {
        let mut masks = Masks::default();
        classify(Isa::Portable, &WindowTable::new(), text, 0..text.len(), &mut masks);
        let starts = token_starts_in(&masks.alnum, &mut u64::from(continues));
        bits(&starts, 0).collect()
    }

    #[test]
    fn the_arithmetic_of_tokens_equals_reading_them() {
        let long_token = "a".repeat(200) + "7b8";
        let pieces = ["", "a", "1", "ab12", "12ab", "-", " ", "a1a1", &long_token, "x", "_9", "abcdefghijklmnop"];
        for shift in 0..130 {
            for (index, piece) in pieces.iter().enumerate() {
                let text = format!("{}{piece} {}{piece}", ".".repeat(shift), pieces[(index + 5) % pieces.len()]);
                let text = text.as_bytes();
                let is_token = |at: usize| is_token_byte(text[at]);
                let expected: Vec<usize> =
                    (0..text.len()).filter(|at| is_token(*at) && (*at == 0 || !is_token(at - 1))).collect();
                assert_eq!(starts_of(text, false), expected, "{}", text.escape_ascii());
            }
        }
    }

    #[test]
    fn a_token_that_goes_on_from_before_has_no_start() {
        let rows: &[(&str, &[usize])] = &[("ab1 c2", &[4]), ("1a", &[]), (" a1", &[1]), ("", &[])];
        for (text, starts) in rows {
            assert_eq!(starts_of(text.as_bytes(), true), *starts, "{text}");
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
        let alphabets: [(&[u8], u32); 2] = [(b"\\%n3Da-", 5), (b"\x1b[3;mA", 6)];
        let texts = alphabets.into_iter().flat_map(|(bytes, len)| {
            let byte = move |number: usize, place: u32| bytes[number / bytes.len().pow(place) % bytes.len()];
            (0..bytes.len().pow(len)).map(move |number| (0..len).map(|place| byte(number, place)).collect::<Vec<u8>>())
        });
        for text in texts {
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
