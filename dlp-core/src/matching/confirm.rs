//! From a place to a span: boundary, regex anchored at the place, boundary again.

use super::boundary;
use super::compile::DetectorSet;
use super::scratch::Scratch;
use regex_automata::{Anchored, Input};
use std::ops::Range;

/// What a pattern accepted: the whole match, and the sensitive part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Accepted {
    pub(super) whole: Range<usize>,
    pub(super) value: Range<usize>,
}

/// Name of the group that marks the sensitive part.
const VALUE_GROUP: &str = "value";

/// Tries one pattern at one place.
pub(super) fn confirm(
    set: &DetectorSet,
    scratch: &mut Scratch,
    text: &[u8],
    (start, number): (usize, u32),
) -> Option<Accepted> {
    let pattern = &set.patterns()[number as usize];
    let edges = set.compiled(pattern.detector).data.boundary;
    if !boundary::left_holds(edges, text, start) {
        return None;
    }
    let regex = pattern.regex()?;
    let cache = scratch.caches[number as usize].get_or_insert_with(|| Box::new(regex.create_cache()));
    let end = text.len().min(start + pattern.len_max);
    let input = Input::new(text).range(start..end).anchored(Anchored::Yes);
    let whole = regex.search_with(cache, &input)?.range();
    if whole.is_empty() || !boundary::right_holds(edges, text, whole.end) {
        return None;
    }
    let value = match regex.group_info().to_index(regex_automata::PatternID::ZERO, VALUE_GROUP) {
        None => whole.clone(),
        Some(group) => {
            let mut captures = regex.create_captures();
            regex.search_captures_with(cache, &input, &mut captures);
            captures.get_group(group).map_or_else(|| whole.clone(), |span| span.range())
        }
    };
    (!value.is_empty()).then_some(Accepted { whole, value })
}
