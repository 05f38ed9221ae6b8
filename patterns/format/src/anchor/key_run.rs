//! Whether each match has a key beside a literal: an unbroken run as long as keys and tokens are.
//!
//! Half of all literals are names of providers, beside which a key of 32 characters and more has to stand. Such a name is
//! a word of any text, such a run is rare in text and is read from a mask. So of these literals it is asked first
//! whether a run is near.

use super::class_bytes;
use super::literals::Place;
use crate::MATCH_LEN_MAX;
use regex_syntax::hir::{Hir, HirKind, Repetition};

/// Bytes of a key run: letters, digits, `-` and `_`. Names of programs are shorter, keys of 128 bits are not.
pub const KEY_RUN_LEN: usize = 32;

/// A key run begins at most so many bytes before a literal that needs one ...
pub const KEY_RUN_BEFORE: usize = 64;

/// ... and at most so many behind the start of the literal.
pub const KEY_RUN_BEHIND: usize = 448;

/// Turns of a repetition that are followed one by one.
const TURNS_MAX: u32 = 2 * KEY_RUN_LEN as u32;

/// Whether a byte belongs to a key run.
#[must_use]
pub const fn is_key_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// Whether a key run begins near each literal that stands at a place of an expression.
pub(super) fn is_beside(branch: &Hir, place: &Place) -> bool {
    let begins_at_most = Run::of(branch).begins_at_most;
    let is_near = |behind: usize| behind <= place.min + KEY_RUN_BEHIND;
    place.max <= KEY_RUN_BEFORE && begins_at_most.is_some_and(is_near)
}

/// What every match of an expression has of a key run.
#[derive(Clone, Copy, Debug)]
struct Run {
    len_min: usize,
    len_max: usize,
    /// Whether it consists of key bytes.
    is_all: bool,
    /// Key bytes that it begins with, at least, and ends with.
    first: usize,
    last: usize,
    /// The greatest distance from the start at which a whole run begins.
    begins_at_most: Option<usize>,
}

impl Run {
    const EMPTY: Self = Self { len_min: 0, len_max: 0, is_all: true, first: 0, last: 0, begins_at_most: None };

    fn of(hir: &Hir) -> Self {
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => Self::EMPTY,
            HirKind::Literal(literal) => {
                literal.0.iter().fold(Self::EMPTY, |run, byte| run.then(Self::byte(is_key_byte(*byte))))
            }
            HirKind::Class(class) => match class_bytes(class) {
                Some(bytes) => Self::byte(bytes.bytes().all(is_key_byte)),
                None => Self::marks(hir),
            },
            HirKind::Capture(capture) => Self::of(&capture.sub),
            HirKind::Concat(subs) => subs.iter().fold(Self::EMPTY, |run, sub| run.then(Self::of(sub))),
            HirKind::Alternation(subs) => subs.iter().map(Self::of).reduce(Self::or).unwrap_or(Self::EMPTY),
            HirKind::Repetition(repetition) => Self::repeated(repetition),
        }
    }

    fn byte(is_key: bool) -> Self {
        let keys = usize::from(is_key);
        Self { len_min: 1, len_max: 1, is_all: is_key, first: keys, last: keys, begins_at_most: None }
    }

    /// Of something without a run.
    fn marks(hir: &Hir) -> Self {
        let properties = hir.properties();
        Self {
            len_min: properties.minimum_len().unwrap_or(0),
            len_max: properties.maximum_len().unwrap_or(MATCH_LEN_MAX),
            is_all: false,
            first: 0,
            last: 0,
            begins_at_most: None,
        }
    }

    fn then(self, next: Self) -> Self {
        let first = self.first + if self.is_all { next.first } else { 0 };
        let last = next.last + if next.is_all { self.last } else { 0 };
        let joined = (self.last + next.first >= KEY_RUN_LEN).then(|| self.len_max - self.last.min(self.len_max));
        let later = next.begins_at_most.map(|at| self.len_max.saturating_add(at));
        Self {
            len_min: self.len_min + next.len_min,
            len_max: self.len_max.saturating_add(next.len_max),
            is_all: self.is_all && next.is_all,
            first,
            last,
            begins_at_most: [self.begins_at_most, joined, later].into_iter().flatten().min(),
        }
    }

    fn or(self, other: Self) -> Self {
        Self {
            len_min: self.len_min.min(other.len_min),
            len_max: self.len_max.max(other.len_max),
            is_all: self.is_all && other.is_all,
            first: self.first.min(other.first),
            last: self.last.min(other.last),
            begins_at_most: self.begins_at_most.zip(other.begins_at_most).map(|(mine, theirs)| mine.max(theirs)),
        }
    }

    fn repeated(repetition: &Repetition) -> Self {
        let once = Self::of(&repetition.sub);
        let demanded = repetition.min.min(TURNS_MAX);
        let more = repetition.max.map_or(MATCH_LEN_MAX, |max| (max - demanded) as usize);
        let optional = Self { len_min: 0, first: 0, last: 0, begins_at_most: None, ..once };
        let rest = Self { len_max: once.len_max.saturating_mul(more), ..optional };
        (0..demanded).fold(Self::EMPTY, |run, _| run.then(once)).then(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::parse_pattern;

    #[test]
    fn a_run_is_found_where_every_match_has_one() {
        let rows = [
            ("acme[0-9a-z]{32}", Some(0)),
            ("acme=[0-9a-z]{32}", Some(5)),
            ("acme=[0-9a-z]{31}", None),
            ("acme[^\\n]{0,60}=[0-9A-F]{16}-[0-9a-f_]{15}", Some(65)),
            ("(?:acme[0-9a-z]{28}|acme=[0-9]{40})", Some(5)),
            ("(?:acme[0-9a-z]{28}|acme=[0-9]{4})", None),
            ("a{0,9}[a-z]{32,64}", Some(9)),
            ("(?:[0-9a-f]{8}){4}", Some(0)),
            ("(?:[0-9a-f]{8}:){4}", None),
            ("=[a-z]{9}x{0,4}[a-z]{23}", Some(5)),
            ("[a-z]{9}[^a]?[a-z]{23}", None),
            ("=[0-9a-z]{0,99}", None),
            ("=[0-9a-z]{2000}", Some(1)),
        ];
        for (pattern, expected) in rows {
            let found = Run::of(&parse_pattern(pattern).expect("a pattern")).begins_at_most;
            assert_eq!(found, expected, "{pattern}");
        }
    }

    #[test]
    fn a_run_far_from_the_literal_is_not_beside_it() {
        let place = |min, max| Place { min, max, ..Place::default() };
        let branch = parse_pattern("[^=]{0,500}=[0-9a-z]{32}").expect("a pattern");
        for (place, expected) in [(place(0, 0), false), (place(60, 64), true), (place(60, 65), false)] {
            assert_eq!(is_beside(&branch, &place), expected, "{place:?}");
        }
    }
}
