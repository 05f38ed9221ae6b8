//! What literals are used for: which pattern may start how far before each, and what can stand behind it.
//!
//! A hit of a literal is most often none of its patterns, and the bytes behind it tell so. Byte sets are few and large, so
//! each list of them stands once.

use super::boundary::END;
use super::literals::LiteralIndex;
use crate::knowledge::ByteSet;
use std::collections::HashMap;

/// Offsets behind a literal that are looked at before its uses.
const BEHIND_BYTES: usize = 2;

/// How a literal places a pattern.
#[derive(Clone, Copy, Debug)]
pub(super) struct LiteralUse {
    pub(super) pattern: u32,
    pub(super) before_min: u32,
    pub(super) before_max: u32,
    /// Whether each match has a key run near the literal.
    pub(super) needs_key_run: bool,
    /// Bytes that can stand between the start of the match and the literal.
    pub(super) between: SetNumber,
    /// Bytes that can stand at each of the first offsets behind the literal.
    pub(super) after: ListNumber,
}

/// Number of a set among those of all uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SetNumber(u32);

impl SetNumber {
    /// The empty set.
    pub(super) const EMPTY: Self = Self(0);
}

/// Number of a list among those of all uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ListNumber(u32);

/// The uses of all literals.
#[derive(Debug, Default)]
pub(super) struct Uses {
    /// Those of one literal side by side.
    uses: Vec<LiteralUse>,
    /// By literal, the end of its uses.
    ends: Vec<u32>,
    /// By literal, a number of `behind`.
    behind_of: Vec<u32>,
    /// The bytes that can stand at each of the first offsets behind a literal, whatever its use.
    behind: Vec<[ByteSet; BEHIND_BYTES]>,
    sets: Vec<ByteSet>,
    lists: Vec<Box<[ByteSet]>>,
}

impl Uses {
    /// The uses of a literal.
    #[inline]
    pub(super) fn of(&self, literal: LiteralIndex) -> &[LiteralUse] {
        let literal = literal as usize;
        let start = literal.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.uses[start as usize..self.ends[literal] as usize]
    }

    /// Whether the text behind a literal that ends at `end` is one that a match of any of its uses can have there.
    #[inline]
    pub(super) fn any_goes_on(&self, literal: LiteralIndex, text: &[u8], end: usize) -> bool {
        goes_on(&self.behind[self.behind_of[literal as usize] as usize], text, end)
    }

    /// Whether the text behind the literal that ends at `end` is one that a match can have there.
    #[inline]
    pub(super) fn goes_on(&self, used: &LiteralUse, text: &[u8], end: usize) -> bool {
        goes_on(&self.lists[used.after.0 as usize], text, end)
    }

    /// Whether a byte can stand between the start of the match and the literal.
    #[inline]
    pub(super) fn lies_between(&self, used: &LiteralUse, byte: u8) -> bool {
        self.sets[used.between.0 as usize].contains(byte)
    }

    /// Greatest distance of a literal from the start of a match.
    pub(super) fn before_max(&self) -> usize {
        self.uses.iter().map(|used| used.before_max as usize).max().unwrap_or(0)
    }
}

/// Whether bytes of a text are in sets, one by one.
#[inline]
fn goes_on(sets: &[ByteSet], text: &[u8], at: usize) -> bool {
    sets.iter().enumerate().all(|(offset, set)| set.contains(text.get(at + offset).copied().unwrap_or(END)))
}

/// Collects uses.
#[derive(Debug)]
pub(super) struct Builder {
    uses: Vec<(LiteralIndex, LiteralUse)>,
    sets: Vec<ByteSet>,
    lists: Vec<Box<[ByteSet]>>,
}

impl Default for Builder {
    fn default() -> Self {
        Self { uses: Vec::new(), sets: vec![ByteSet::default()], lists: Vec::new() }
    }
}

impl Builder {
    /// Adds a set.
    pub(super) fn set(&mut self, set: ByteSet) -> SetNumber {
        self.sets.push(set);
        SetNumber(self.sets.len() as u32 - 1)
    }

    /// Adds a list.
    pub(super) fn list(&mut self, sets: impl Iterator<Item = ByteSet>) -> ListNumber {
        self.lists.push(sets.collect());
        ListNumber(self.lists.len() as u32 - 1)
    }

    /// Adds a use.
    pub(super) fn add(&mut self, literal: LiteralIndex, used: LiteralUse) {
        self.uses.push((literal, used));
    }

    /// The uses of so many literals.
    pub(super) fn build(self, literals: usize) -> Uses {
        let mut ends = vec![0; literals];
        self.uses.iter().for_each(|(literal, _)| ends[*literal as usize] += 1);
        let mut end = 0;
        for count in &mut ends {
            end += *count;
            *count = end;
        }
        let mut next: Vec<u32> = std::iter::once(0).chain(ends.iter().copied()).collect();
        // Each goes to the next place of its literal, so that those of one stay in their order.
        let mut uses: Vec<LiteralUse> = self.uses.iter().map(|(_, used)| *used).collect();
        for (literal, used) in &self.uses {
            uses[next[*literal as usize] as usize] = *used;
            next[*literal as usize] += 1;
        }
        let Self { sets, lists, .. } = self;
        let mut built = Uses { uses, ends, behind_of: Vec::new(), behind: Vec::new(), sets, lists };
        built.tell_behind(literals);
        built
    }
}

impl Uses {
    /// Tells what can stand behind each literal. Most have one use, and many uses the same list.
    fn tell_behind(&mut self, literals: usize) {
        let mut of_list: HashMap<ListNumber, u32> = HashMap::new();
        let mut behind_of = Vec::with_capacity(literals);
        for literal in 0..literals {
            let uses = self.of(literal as LiteralIndex);
            let next = self.behind.len() as u32;
            let number = match uses {
                [first, others @ ..] if others.iter().all(|other| other.after == first.after) => {
                    *of_list.entry(first.after).or_insert(next)
                }
                _ => next,
            };
            let behind = (number == next).then(|| self.behind(uses));
            self.behind.extend(behind);
            behind_of.push(number);
        }
        self.behind_of = behind_of;
    }

    /// The bytes that can stand behind a literal in any of these uses.
    fn behind(&self, uses: &[LiteralUse]) -> [ByteSet; BEHIND_BYTES] {
        std::array::from_fn(|offset| {
            let sets = uses.iter().map(|used| self.lists[used.after.0 as usize].get(offset));
            sets.fold(ByteSet::default(), |mut all, set| {
                all.extend(set.copied().unwrap_or(ByteSet::ALL));
                all
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(bytes: &[u8]) -> ByteSet {
        bytes.iter().copied().collect()
    }

    #[test]
    fn uses_are_those_of_their_literal_and_what_stands_behind_is_that_of_any() {
        let mut builder = Builder::default();
        let (colon, dash) = (builder.set(set(b":")), builder.set(set(b"-")));
        let digits = builder.list([set(b"0123456789")].into_iter());
        let letters = builder.list([set(b"ab"), set(b"c")].into_iter());
        let used = |pattern, between, after| LiteralUse {
            pattern,
            before_min: 0,
            before_max: pattern,
            needs_key_run: false,
            between,
            after,
        };
        builder.add(2, used(5, colon, digits));
        builder.add(0, used(6, dash, letters));
        builder.add(2, used(7, dash, letters));
        builder.add(3, used(8, dash, letters));
        let uses = builder.build(4);
        let patterns = |literal| uses.of(literal).iter().map(|used| used.pattern).collect::<Vec<_>>();
        assert_eq!([0, 1, 2, 3].map(patterns), [vec![6], vec![], vec![5, 7], vec![8]]);
        assert_eq!(uses.before_max(), 8);
        // The last one is a mixture, which the uses themselves tell apart.
        let rows = [
            (b"ac", [true, false, true, true]),
            (b"1x", [false, false, true, false]),
            (b"ax", [false, false, true, false]),
        ];
        for (text, expected) in rows {
            assert_eq!([0, 1, 2, 3].map(|literal| uses.any_goes_on(literal, text, 0)), expected, "{text:?}");
        }
        let [of_digits, of_letters] = uses.of(2) else { panic!("two uses") };
        assert!(uses.goes_on(of_digits, b"1x", 0) && !uses.goes_on(of_letters, b"1x", 0));
        assert!(uses.lies_between(of_digits, b':') && !uses.lies_between(of_letters, b':'));
    }
}
