//! Start anchors: matches that begin a token, apart from a few marks before it.

use super::byte_set::ByteSet;
use super::walk::{Counts, Taken, Walk};
use super::{Anchor, Shape, class_bytes};
use regex_syntax::hir::{Hir, HirKind};

/// Most bytes of marks before the first token of a match: `+(`, a quote, a bracket.
pub const SKIP_MAX: u32 = 4;

/// Longest first token that is told: longer ones select no better.
pub const RUN_MIN_MAX: u32 = 16;

/// The start anchor of a branch, with the shape of everything. `None` when a match can begin with more marks than
/// [`SKIP_MAX`], has no token at all, or can begin with a mark that starts an escape, behind which a boundary sees another
/// token.
pub(super) fn derive(hir: &Hir) -> Option<Anchor> {
    let mut skips = Skips::default();
    let passed = Walk { turns_max: SKIP_MAX + 1, step: |from, taken| skips.step(from, taken) }.walk(hir, 1);
    if skips.is_refused || passed != 0 || skips.at_token == 0 {
        return None;
    }
    let skip_min = skips.at_token.trailing_zeros();
    let mut runs = Runs { closed_min: RUN_MIN_MAX };
    let open = Walk { turns_max: RUN_MIN_MAX + 1, step: |from, taken| runs.step(from, taken) }.walk(hir, 1);
    Some(Anchor::Start {
        skip_min,
        skip_max: skips.at_token.ilog2(),
        run_min: runs.closed_min.min(least(open)).clamp(1, RUN_MIN_MAX),
        digit_within: digit_within(hir).map(|offset| (offset as u32).saturating_sub(skip_min)),
        shape: Shape::default(),
    })
}

/// How many marks can stand before the first token.
#[derive(Default)]
struct Skips {
    at_token: Counts,
    is_refused: bool,
}

impl Skips {
    /// Takes a byte behind each count of marks, and gives the counts with which the token has still not begun.
    fn step(&mut self, from: Counts, taken: Taken) -> Counts {
        let Taken::Byte(bytes) = taken else {
            self.is_refused = true;
            return 0;
        };
        if bytes.bytes().any(|byte| byte.is_ascii_alphanumeric()) {
            self.at_token |= from;
        }
        let mut marks = bytes.bytes().filter(|byte| !byte.is_ascii_alphanumeric()).peekable();
        if marks.peek().is_none() {
            return 0;
        }
        self.is_refused |= marks.any(|mark| matches!(mark, b'\\' | b'%')) || from >> SKIP_MAX & 1 == 1;
        (from << 1) & ((2 << SKIP_MAX) - 1)
    }
}

/// How long the first token is at least.
struct Runs {
    closed_min: u32,
}

impl Runs {
    /// Takes a byte behind each length that the first token can have so far (zero: not begun), and gives the lengths
    /// with which the token is still open.
    fn step(&mut self, from: Counts, taken: Taken) -> Counts {
        let bytes = match taken {
            Taken::Byte(bytes) => bytes,
            Taken::Character => ByteSet::ALL,
        };
        let mut open = 0;
        if bytes.bytes().any(|byte| byte.is_ascii_alphanumeric()) {
            let longest = 1 << RUN_MIN_MAX;
            open |= (from << 1 | from & longest) & (2 * longest - 1);
        }
        if bytes.bytes().any(|byte| !byte.is_ascii_alphanumeric()) {
            self.closed_min = self.closed_min.min(least(from & !1));
            open |= from & 1;
        }
        open
    }
}

/// The least count in a set; more than any count when it is empty.
fn least(counts: Counts) -> u32 {
    counts.trailing_zeros()
}

/// Greatest offset at which the first certain digit of a match can stand.
fn digit_within(hir: &Hir) -> Option<usize> {
    match hir.kind() {
        HirKind::Literal(l) => l.0.iter().position(u8::is_ascii_digit),
        HirKind::Class(class) => class_bytes(class)?.bytes().all(|byte| byte.is_ascii_digit()).then_some(0),
        HirKind::Capture(capture) => digit_within(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => digit_within(&repetition.sub),
        HirKind::Concat(subs) => {
            let mut before = 0;
            for sub in subs {
                if let Some(offset) = digit_within(sub) {
                    return Some(before + offset);
                }
                before += sub.properties().maximum_len()?;
            }
            None
        }
        HirKind::Alternation(subs) => subs.iter().map(digit_within).collect::<Option<Vec<_>>>()?.into_iter().max(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(pattern: &str) -> Option<(u32, u32, u32, Option<u32>)> {
        match derive(&crate::file::parse_pattern(pattern).expect("test pattern"))? {
            Anchor::Start { skip_min, skip_max, run_min, digit_within, .. } => {
                Some((skip_min, skip_max, run_min, digit_within))
            }
            Anchor::Literal { .. } => None,
        }
    }

    #[test]
    fn skip_run_and_digit_come_from_the_syntax_tree() {
        let rows = [
            ("[0-9]{11}", Some((0, 0, 11, Some(0)))),
            ("[A-Z]{2} ?[0-9]{6}", Some((0, 0, 2, Some(3)))),
            ("[A-Z]{2}[0-9]{6}", Some((0, 0, 8, Some(2)))),
            ("[A-Z]{4,90}", Some((0, 0, 4, None))),
            ("[a-z]{40}", Some((0, 0, 16, None))),
            (r"\+?[0-9]{9}", Some((0, 1, 9, Some(1)))),
            (r"\+1[ .-]?\(?[2-9][0-9]{2}", Some((1, 1, 1, Some(0)))),
            (r"\(0[0-9]{2}\)", Some((1, 1, 3, Some(0)))),
            (r"(?:\+48|0048)[0-9]{9}", Some((0, 1, 11, Some(1)))),
            (r"[ +(]{0,4}[0-9]{3}", Some((0, 4, 3, Some(4)))),
            (r"[ +(]{0,5}[0-9]{3}", None),
            (r"[+-]{3}", None),
            ("[%]?[0-9]{9}", None),
            (r"[a-z]{3}|\+\+\+", None),
            ("[0-9A-F]{2}:[0-9A-F]{2}", Some((0, 0, 2, None))),
            (r"[a-z_]{3}[0-9]", Some((0, 3, 1, Some(3)))),
        ];
        for (pattern, expected) in rows {
            assert_eq!(start(pattern), expected, "{pattern}");
        }
    }
}
