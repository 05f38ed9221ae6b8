//! Programs: patterns of which each byte of a text tells how they go on.
//!
//! Most numbers and many tokens are classes of bytes side by side, each a number of times, some of which may be left out:
//! `[A-Z]{2} ?[0-9]{6,9}(?:-[0-9]{2})?`. Where no byte can belong to two of the steps that may come next, nor both to a
//! class that may go on and to what comes behind it, there is one way through the pattern for each text. A regex takes it as
//! far as it can, and the match ends at the last place on it where one may; that needs no automaton.

use crate::ByteSet;
use crate::anchor::class_bytes;
use regex_syntax::hir::{Hir, HirKind, Repetition};
use serde::{Deserialize, Serialize};

/// Most steps of a program, its start included. Longer ones are left to the regex.
const STEPS_MAX: usize = 128;

/// The steps of a pattern, in its order, behind a first one that is its start.
pub type Program = Vec<Step>;

/// As many bytes of a class as there are, at least `min` and at most `max`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The class. Packed apart, see [`pack`](crate::pack).
    #[serde(skip)]
    pub bytes: ByteSet,
    /// Fewest bytes.
    pub min: u32,
    /// Most bytes.
    pub max: u32,
    /// What may come next: a bit for the end of the match, and then one for each of the steps behind this one.
    pub next: u32,
}

/// The bit of [`Step::next`] that says that the match may end.
const ENDS: u32 = 1;

/// The end of the match that a program has at the start of `text`, or the bytes behind which there is none.
///
/// # Errors
/// Where the text has no match: the offset of the first byte that cannot belong to one.
#[inline]
pub fn run(program: &[Step], text: &[u8]) -> Result<usize, usize> {
    let (mut at, mut number, mut end) = (0, 0, None);
    while let Some(step) = program.get(number) {
        let most = text.len().min(at + step.max as usize);
        let taken = text[at..most].iter().take_while(|byte| step.bytes.contains(**byte)).count();
        at += taken;
        if taken < step.min as usize {
            break;
        }
        if step.next & ENDS != 0 {
            end = Some(at);
        }
        let Some(next) = next_of(program, (number, step.next & !ENDS), text.get(at)) else { break };
        number = next;
    }
    end.ok_or(at)
}

/// The step of those that may come behind one that a byte belongs to; where there is but one, its own bytes tell.
#[inline]
fn next_of(program: &[Step], (number, mut rest): (usize, u32), byte: Option<&u8>) -> Option<usize> {
    while rest != 0 {
        let next = number + rest.trailing_zeros() as usize;
        rest &= rest - 1;
        let is_only = rest == 0;
        let takes = |step: &Step| byte.is_some_and(|byte| step.bytes.contains(*byte));
        if is_only || program.get(next).is_some_and(takes) {
            return Some(next);
        }
    }
    None
}

/// The program of a pattern, if there is one way through it for each text and no group in it that matters.
pub(crate) fn derive(hir: &Hir) -> Option<Program> {
    let mut ways = Ways { steps: vec![Way::default()] };
    let all = ways.add(hir)?;
    ways.connect(&[0], &all.first);
    let ends = if all.is_empty { all.last.into_iter().chain([0]).collect() } else { all.last };
    (0..ways.steps.len()).all(|number| ways.is_told(number)).then_some(())?;
    (0..ways.steps.len()).map(|number| ways.step(number, ends.contains(&number))).collect()
}

/// A step, and the numbers of those that may come next.
#[derive(Default)]
struct Way {
    bytes: ByteSet,
    min: u32,
    max: u32,
    next: Vec<usize>,
}

/// The steps of a part of a pattern: with which it may begin and end, and whether it may be empty.
#[derive(Default)]
struct Section {
    first: Vec<usize>,
    last: Vec<usize>,
    is_empty: bool,
}

/// The steps that were taken over.
struct Ways {
    steps: Vec<Way>,
}

impl Ways {
    fn add(&mut self, hir: &Hir) -> Option<Section> {
        match hir.kind() {
            HirKind::Empty => Some(Section { is_empty: true, ..Section::default() }),
            HirKind::Literal(literal) => {
                let mut all = Section { is_empty: true, ..Section::default() };
                for byte in &literal.0 {
                    let next = self.class([*byte].into_iter().collect(), 1, 1)?;
                    all = self.behind(all, next);
                }
                Some(all)
            }
            HirKind::Class(class) => self.class(class_bytes(class)?, 1, 1),
            HirKind::Capture(capture) if capture.name.is_none() => self.add(&capture.sub),
            HirKind::Concat(subs) => {
                let mut all = Section { is_empty: true, ..Section::default() };
                for sub in subs {
                    let next = self.add(sub)?;
                    all = self.behind(all, next);
                }
                Some(all)
            }
            HirKind::Alternation(subs) => {
                let mut all = Section::default();
                for sub in subs {
                    let other = self.add(sub).filter(|other| !other.is_empty)?;
                    all.first.extend(other.first);
                    all.last.extend(other.last);
                }
                Some(all)
            }
            HirKind::Repetition(repetition) => self.repeat(repetition),
            HirKind::Capture(_) | HirKind::Look(_) => None,
        }
    }

    fn class(&mut self, bytes: ByteSet, min: u32, max: u32) -> Option<Section> {
        let number = self.steps.len();
        self.steps.push(Way { bytes, min, max, next: Vec::new() });
        (self.steps.len() <= STEPS_MAX).then(|| Section { first: vec![number], last: vec![number], is_empty: false })
    }

    /// One section behind another.
    fn behind(&mut self, one: Section, mut next: Section) -> Section {
        self.connect(&one.last, &next.first);
        let first = if one.is_empty { [one.first, next.first].concat() } else { one.first };
        if next.is_empty {
            next.last.extend(one.last);
        }
        Section { first, last: next.last, is_empty: one.is_empty && next.is_empty }
    }

    fn connect(&mut self, last: &[usize], first: &[usize]) {
        last.iter().for_each(|number| self.steps[*number].next.extend(first));
    }

    fn repeat(&mut self, repetition: &Repetition) -> Option<Section> {
        let Repetition { min, max: Some(max), greedy, sub, .. } = repetition else { return None };
        let is_class =
            matches!(sub.kind(), HirKind::Class(_)) || matches!(sub.kind(), HirKind::Literal(l) if l.0.len() == 1);
        if *max == 0 || !(*greedy || min == max) {
            return None;
        }
        if is_class {
            let all = self.add(sub)?;
            let step = self.steps.last_mut()?;
            (step.min, step.max) = ((*min).max(1), *max);
            return Some(Section { is_empty: *min == 0, ..all });
        }
        let mut all = Section { is_empty: *min == 0, ..Section::default() };
        let mut before = Vec::new();
        for turn in 1..=*max {
            let next = self.add(sub).filter(|next| !next.is_empty)?;
            self.connect(&before, &next.first);
            if turn == 1 {
                all.first = next.first;
            }
            if turn >= *min {
                all.last.extend_from_slice(&next.last);
            }
            before = next.last;
        }
        Some(all)
    }

    /// Whether each byte tells which step comes behind this one, and where it ends.
    fn is_told(&self, number: usize) -> bool {
        let Way { bytes, min, max, next } = &self.steps[number];
        let meets = |one: &ByteSet, other: usize| self.steps[other].bytes.bytes().any(|byte| one.contains(byte));
        let is_open = min != max;
        next.iter().enumerate().all(|(place, step)| {
            let is_like_other = next[..place].iter().any(|other| meets(&self.steps[*step].bytes, *other));
            let goes_on = is_open && meets(bytes, *step);
            !is_like_other && !goes_on
        })
    }

    /// A step with what may come next; `None` where that is too far behind it.
    fn step(&self, number: usize, ends: bool) -> Option<Step> {
        let Way { bytes, min, max, next } = &self.steps[number];
        let bits = next.iter().map(|step| 1_u32.checked_shl(u32::try_from(step - number).ok()?));
        let next = bits.sum::<Option<u32>>()?;
        Some(Step { bytes: *bytes, min: *min, max: *max, next: next | if ends { ENDS } else { 0 } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::parse_pattern;

    #[test]
    fn programs_end_where_the_pattern_does() {
        type Row = (&'static str, &'static [(&'static str, Option<usize>)]);
        let rows: &[Row] = &[
            (
                "[A-Z]{2}[0-9]{6,9}",
                &[("AB123456", Some(8)), ("AB1234567890", Some(11)), ("AB12345", None), ("A", None)],
            ),
            (
                r"[0-9]{1,2}\.[0-9]{4,9}[, ]{1,3}-?[0-9]{1,3}",
                &[("12.3456, -1", Some(11)), ("12.3456,1234", Some(11)), ("123.4567, 1", None), ("1.2345 x", None)],
            ),
            ("(?:ab){3}c?", &[("abababc", Some(7)), ("ababab", Some(6)), ("abab", None)]),
            ("(?:[0-9]{2}-){2}[0-9]", &[("12-34-5", Some(7)), ("12-345", None)]),
            ("a{0,2}b", &[("b", Some(1)), ("aab", Some(3)), ("aaab", None)]),
        ];
        for (pattern, texts) in rows {
            let program = derive(&parse_pattern(pattern).expect("test pattern")).expect("a program");
            for (text, end) in *texts {
                assert_eq!(run(&program, text.as_bytes()).ok(), *end, "{pattern} {text}");
            }
        }
    }

    #[test]
    fn a_pattern_with_a_choice_is_no_program() {
        let patterns = [
            "[0-9]{3,5}[0-9a-f]",
            "a?a",
            "a?b?a",
            "ab|ac",
            "|a",
            "(?:ab)?ac",
            "(?:a?){2}",
            "a{2,}b",
            r"\bab",
            "a{1,2}?b",
            "(?P<value>a)b",
            "a{0,9}b?c?[abd]",
            "(?:[0-9]{1,2}){2}",
        ];
        for pattern in patterns {
            assert_eq!(derive(&parse_pattern(pattern).expect("test pattern")), None, "{pattern}");
        }
    }
}
