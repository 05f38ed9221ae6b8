//! The first pass: places where a pattern may start.
//!
//! Literals come from one aho-corasick pass. Patterns without literals (most numbers that people carry) start where a
//! token starts; those that need a digit are looked for from each token that holds one, back over the digit-free groups
//! before it (`AB 12 34 56 C`).

use super::boundary::left_holds;
use super::compile::DetectorSet;
use super::scratch::Scratch;
use super::starts::DIGIT_WITHIN_MAX;
use std::ops::Range;

/// Digit-free groups before the first digit that can belong to the same identifier.
const GROUPS_BEFORE_DIGIT_MAX: usize = 3;

/// Fills the scratch with the places to try whose start lies in `owned`, sorted and without repetition.
pub(super) fn find(set: &DetectorSet, scratch: &mut Scratch, text: &[u8], owned: Range<usize>) {
    scratch.candidates.clear();
    from_literals(set, scratch, text, &owned);
    if !set.starts().is_empty() {
        from_tokens(set, scratch, text, &owned);
    }
    scratch.candidates.sort_unstable();
    scratch.candidates.dedup();
}

/// A match that starts in `owned` can have its literal as far behind as the longest match.
fn from_literals(set: &DetectorSet, scratch: &mut Scratch, text: &[u8], owned: &Range<usize>) {
    let end = text.len().min(owned.end.saturating_add(set.reach().after));
    let mut input = aho_corasick::Input::new(text);
    input.set_range(owned.start..end);
    for hit in set.literals().find_overlapping_iter(input) {
        for place in set.literal_uses(hit.pattern().as_usize()) {
            let Some(latest) = hit.start().checked_sub(place.before_min) else { continue };
            let earliest = hit.start().saturating_sub(place.before_max).max(owned.start);
            let starts = earliest..=latest.min(owned.end.saturating_sub(1));
            // Confirming looks at the boundary again; here it keeps the many places between two words off the list.
            let starts = starts.filter(|start| left_holds(place.boundary, text, *start));
            scratch.candidates.extend(starts.map(|start| (start, place.pattern)));
        }
    }
}

fn from_tokens(set: &DetectorSet, scratch: &mut Scratch, text: &[u8], owned: &Range<usize>) {
    let starts = set.starts();
    let end = text.len().min(owned.end + 2 * DIGIT_WITHIN_MAX);
    let mut recent = [usize::MAX; GROUPS_BEFORE_DIGIT_MAX + 1];
    let mut at = token_boundary(&text[..end], owned.start);
    while at < end {
        if !is_token_byte(text[at]) {
            at += 1;
            continue;
        }
        let first = at + escape_tail(text, at);
        let token_end = at + text[at..end].iter().take_while(|byte| is_token_byte(**byte)).count();
        recent.rotate_right(1);
        recent[0] = first;
        let reach_end = token_end.min(first + DIGIT_WITHIN_MAX + 1);
        let digit = text[first..reach_end].iter().position(u8::is_ascii_digit).map(|offset| first + offset);
        let mut candidate = |start: usize, has_digit| {
            starts.fitting(text, start, has_digit, &mut |pattern, skip| {
                let begin = start.checked_sub(skip).filter(|begin| owned.contains(begin));
                scratch.candidates.extend(begin.map(|begin| (begin, pattern)));
            });
        };
        if starts.starts_without_digit(text[first]) {
            candidate(first, false);
        }
        if let Some(digit) = digit {
            for start in recent.into_iter().filter(|start| *start != usize::MAX) {
                if starts.reaches_digit(text[start], digit - start) {
                    candidate(start, true);
                }
            }
        }
        at = token_end;
    }
}

/// Bytes at the start of a token that belong to an escape before it: the `n` of `\n` written as two characters, the
/// `3D` of `%3D`. The same escapes that a boundary lets pass.
fn escape_tail(text: &[u8], at: usize) -> usize {
    match (at.checked_sub(1).map(|before| text[before]), &text[at..]) {
        (Some(b'\\'), [b'n' | b'r' | b't', rest @ ..]) if rest.first().is_some_and(|b| is_token_byte(*b)) => 1,
        (Some(b'%'), [a, b, c, ..]) if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() && is_token_byte(*c) => 2,
        _ => 0,
    }
}

/// Where to begin, so that what counts as a token start does not depend on the window: at the start of a token whose
/// escape may reach over the edge, else behind the token that the edge cuts.
fn token_boundary(text: &[u8], at: usize) -> usize {
    let before = text[..at].iter().rev().take(ESCAPE_TAIL_MAX + 1).take_while(|byte| is_token_byte(**byte)).count();
    if before <= ESCAPE_TAIL_MAX {
        return at - before;
    }
    at + text[at..].iter().take_while(|byte| is_token_byte(**byte)).count()
}

/// Longest escape tail in bytes.
const ESCAPE_TAIL_MAX: usize = 2;

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}
