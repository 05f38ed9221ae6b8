//! Following an expression byte by byte from several places at once.
//!
//! Windows, marks before a token and the length of a token are all counts of bytes from the start of a match. A set of
//! counts is a bit set, so one walk over the syntax tree follows every match; what a byte does to the counts is told by
//! whoever walks.

use super::byte_set::ByteSet;
use super::class_bytes;
use regex_syntax::hir::{Class, ClassUnicode, Hir, HirKind, Repetition};
use regex_syntax::utf8::Utf8Sequences;

/// Numbers of bytes as a bit set.
pub(super) type Counts = u64;

/// What one step of a match takes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Taken {
    /// One byte of a set.
    Byte(ByteSet),
    /// A character of a large class with characters of several bytes: one to four bytes.
    Character,
}

/// Most sequences of bytes that a class of characters is spelled out as. A space of either kind is two.
const SEQUENCES_MAX: usize = 32;

/// A walk, and what it does at each step.
pub(super) struct Walk<F> {
    /// Turns of a repetition beyond which nothing can change: one more than the greatest count that is kept.
    pub(super) turns_max: u32,
    /// Takes something behind each count of a set, which is not empty, and gives the counts behind it.
    pub(super) step: F,
}

impl<F: FnMut(Counts, Taken) -> Counts> Walk<F> {
    /// Walks an expression from each count of a set, and gives the counts at which it can end.
    pub(super) fn walk(&mut self, hir: &Hir, from: Counts) -> Counts {
        if from == 0 {
            return 0;
        }
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => from,
            HirKind::Literal(literal) => literal.0.iter().fold(from, |at, byte| self.take(at, byte_set(*byte))),
            HirKind::Class(class) => self.walk_class(class, from),
            HirKind::Capture(capture) => self.walk(&capture.sub, from),
            HirKind::Concat(subs) => subs.iter().fold(from, |at, sub| self.walk(sub, at)),
            HirKind::Alternation(subs) => subs.iter().fold(0, |ends, sub| ends | self.walk(sub, from)),
            HirKind::Repetition(repetition) => self.repeat(repetition, from),
        }
    }

    fn walk_class(&mut self, class: &Class, from: Counts) -> Counts {
        match (class_bytes(class), class) {
            (Some(bytes), _) => self.take(from, Taken::Byte(bytes)),
            (None, Class::Unicode(characters)) if sequences(characters).nth(SEQUENCES_MAX).is_none() => {
                sequences(characters).fold(0, |ends, bytes| {
                    ends | bytes.into_iter().fold(from, |at, bytes| self.take(at, Taken::Byte(bytes)))
                })
            }
            (None, _) => self.take(from, Taken::Character),
        }
    }

    /// Walks the turns of a repetition, of which no more than `turns_max` beyond the demanded ones can matter.
    fn repeat(&mut self, repetition: &Repetition, from: Counts) -> Counts {
        let min = repetition.min.min(self.turns_max);
        let max = repetition.max.unwrap_or(u32::MAX).min(min + self.turns_max);
        let (mut at, mut ends) = (from, if min == 0 { from } else { 0 });
        for count in 1..=max {
            at = self.walk(&repetition.sub, at);
            if count >= min {
                ends |= at;
            }
        }
        ends
    }

    fn take(&mut self, from: Counts, taken: Taken) -> Counts {
        if from == 0 { 0 } else { (self.step)(from, taken) }
    }
}

/// The characters of a class in UTF-8, as sequences of sets of bytes.
pub(super) fn sequences(characters: &ClassUnicode) -> impl Iterator<Item = Vec<ByteSet>> {
    let ranges = characters.iter().flat_map(|range| Utf8Sequences::new(range.start(), range.end()));
    ranges.map(|sequence| sequence.as_slice().iter().map(|range| (range.start..=range.end).collect()).collect())
}

fn byte_set(byte: u8) -> Taken {
    Taken::Byte([byte].into_iter().collect())
}
