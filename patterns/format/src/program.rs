//! Programs: patterns that are read from left to right without a choice.
//!
//! Most numbers and many tokens are classes of bytes side by side, each a number of times: `[A-Z]{2}[0-9]{6,9}`. Where no
//! byte can belong both to a class that may go on and to what comes behind it, taking as many bytes as each class accepts
//! is all that a regex would do, and needs no automaton.

use crate::ByteSet;
use crate::anchor::class_bytes;
use regex_syntax::hir::{Hir, HirKind, Repetition};
use serde::{Deserialize, Serialize};

/// Most steps of a program. Longer ones are left to the regex.
const STEPS_MAX: usize = 48;

/// The steps that each match takes, in order.
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
}

/// The end of the match that a program has at the start of `text`, or the bytes behind which there is none.
///
/// # Errors
/// Where the text has no match: the offset of the first byte that cannot belong to one.
#[inline]
pub fn run(program: &[Step], text: &[u8]) -> Result<usize, usize> {
    let mut at = 0;
    for step in program {
        let taken = text[at..].iter().take(step.max as usize).take_while(|byte| step.bytes.contains(**byte)).count();
        at += taken;
        if taken < step.min as usize {
            return Err(at);
        }
    }
    Ok(at)
}

/// The program of a pattern, if it is one without a choice and without a group that matters.
pub(crate) fn derive(hir: &Hir) -> Option<Program> {
    let mut program = Program::new();
    add(hir, &mut program)?;
    let has_choice = (0..program.len()).any(|at| may_go_on_wrongly(&program[at..]));
    (!has_choice).then_some(program)
}

/// Whether a byte that the first step may or may not take can also belong to what comes behind it.
fn may_go_on_wrongly(steps: &[Step]) -> bool {
    let Some((first, rest)) = steps.split_first() else { return false };
    if first.min == first.max {
        return false;
    }
    let reached = rest.iter().position(|step| step.min > 0).map_or(rest.len(), |demanded| demanded + 1);
    rest[..reached].iter().any(|step| step.bytes.bytes().any(|byte| first.bytes.contains(byte)))
}

fn add(hir: &Hir, program: &mut Program) -> Option<()> {
    match hir.kind() {
        HirKind::Empty => {}
        HirKind::Literal(literal) => {
            literal
                .0
                .iter()
                .for_each(|byte| program.push(Step { bytes: [*byte].into_iter().collect(), min: 1, max: 1 }));
        }
        HirKind::Class(class) => program.push(Step { bytes: class_bytes(class)?, min: 1, max: 1 }),
        HirKind::Capture(capture) if capture.name.is_none() => add(&capture.sub, program)?,
        HirKind::Concat(subs) => subs.iter().try_for_each(|sub| add(sub, program))?,
        HirKind::Repetition(repetition) => repeat(repetition, program)?,
        HirKind::Capture(_) | HirKind::Look(_) | HirKind::Alternation(_) => return None,
    }
    (program.len() <= STEPS_MAX).then_some(())
}

fn repeat(repetition: &Repetition, program: &mut Program) -> Option<()> {
    let (min, max) = (repetition.min, repetition.max?);
    let mut turn = Program::new();
    add(&repetition.sub, &mut turn)?;
    match turn.as_slice() {
        [step] if step.min == 1 && step.max == 1 && (repetition.greedy || min == max) => {
            program.push(Step { bytes: step.bytes, min, max });
        }
        _ if min == max && turn.len() * max as usize <= STEPS_MAX => {
            (0..max).for_each(|_| program.extend_from_slice(&turn));
        }
        _ => return None,
    }
    Some(())
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
            "(?:ab)?c",
            "ab|cd",
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
