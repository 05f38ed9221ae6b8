//! From a place to a span: boundary, window, the pattern anchored at the place as a program or as a regex, boundary
//! again.
//!
//! A pattern that reaches from a name over other text to a value takes the last value that it reaches, if its gap is
//! greedy, so what it passed over is tried again.

use super::boundary;
use super::compile::{CompiledPattern, DetectorSet};
use super::scratch::{Candidate, Scratch};
use crate::knowledge::run_program;
use std::ops::Range;

/// What a pattern accepted: the whole match, and the sensitive part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Accepted {
    pub(super) whole: Range<usize>,
    pub(super) value: Range<usize>,
    /// Whether the name of its vendor is all that says what it is.
    pub(super) is_beside: bool,
}

/// Tries one pattern at a place where it [can start](CompiledPattern::can_start).
pub(super) fn confirm(
    set: &DetectorSet,
    scratch: &mut Scratch,
    text: &[u8],
    (start, number): Candidate,
) -> Option<Accepted> {
    within(set, scratch, text, (start..text.len(), number))
}

/// The match that a pattern has at the same place before the value that it had there: another value of the line, that a
/// greedy gap passed over.
pub(super) fn passed_over(
    set: &DetectorSet,
    scratch: &mut Scratch,
    text: &[u8],
    (number, accepted): (u32, &Accepted),
) -> Option<Accepted> {
    let gap = accepted.whole.start..accepted.value.start;
    if gap.is_empty() { None } else { within(set, scratch, text, (gap, number)) }
}

/// The match that a pattern has at the start of a range, if it ends within the range.
fn within(
    set: &DetectorSet,
    scratch: &mut Scratch,
    text: &[u8],
    (range, number): (Range<usize>, u32),
) -> Option<Accepted> {
    let (start, mut steps) = (range.start, 0);
    let end = end(set, scratch, text, (range, number), &mut steps);
    scratch.budget.add(number, steps);
    let end = end?;
    let pattern = &set.patterns()[number as usize];
    if pattern.program.is_some() {
        return Some(Accepted { whole: start..end, value: start..end, is_beside: false });
    }
    let regex = pattern.regex()?;
    let memory = scratch.memories[number as usize].get_or_insert_default();
    let value = regex.value(memory, text, start..end);
    (!value.range.is_empty()).then_some(Accepted { whole: start..end, value: value.range, is_beside: value.is_beside })
}

/// The end of the match that a pattern has at the start of a range, where it can start, if it ends within the range.
/// Adds the steps it took.
pub(super) fn end(
    set: &DetectorSet,
    scratch: &mut Scratch,
    text: &[u8],
    (Range { start, end: limit }, number): (Range<usize>, u32),
    steps: &mut u64,
) -> Option<usize> {
    let pattern = &set.patterns()[number as usize];
    let range = start..limit.min(start + pattern.len_max);
    let end = match &pattern.program {
        Some(program) => {
            let end = run_program(program, &text[range]);
            *steps += end.unwrap_or_else(|at| at + 1) as u64;
            end.ok().map(|len| start + len)
        }
        None => {
            if let Some(looks) = pattern.demand.as_ref().and_then(|demand| demand.lacks(&text[range.clone()])) {
                *steps += looks as u64;
                return None;
            }
            let regex = pattern.regex()?;
            let memory = scratch.memories[number as usize].get_or_insert_default();
            regex.end(memory, text, range, steps)
        }
    };
    end.filter(|end| *end > start && boundary::right_holds(pattern.boundary, text, *end))
}

impl CompiledPattern {
    /// What can be told of a start without the regex: the first bytes, and the boundary before them.
    pub(super) fn can_start(&self, text: &[u8], start: usize) -> bool {
        let (rest, window) = (&text[start..], self.window.as_slice());
        let fits = |bytes: &[u8]| window.iter().zip(bytes).all(|(set, byte)| set.contains(*byte));
        // Behind the end of the text stands one byte that every boundary accepts; nothing is known of those behind it.
        let ends_rightly = rest.len() >= window.len() || window[rest.len()].contains(boundary::END);
        let begins_line = || start == 0 || text[start - 1] == b'\n';
        let begins_rightly = || self.unless_line.is_none_or(|set| set.contains(rest[0]) || begins_line());
        fits(rest) && ends_rightly && begins_rightly() && boundary::left_holds(self.boundary, text, start)
    }
}
