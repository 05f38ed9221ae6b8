//! Anchors: what the first pass looks for, derived from a pattern's syntax tree.
//!
//! An anchor is a condition that every match of the pattern fulfils, so looking only where an anchor is present loses
//! nothing. Each alternation branch gets its own. Two kinds exist: a literal at a known distance from the start of the
//! match, and, where no literal of three bytes is required, the bytes that can stand at each of the first offsets of a
//! match that starts at a boundary.
//! Literals are compared without ASCII case, which only adds candidates.

mod byte_set;
mod start;
mod window;

pub use byte_set::ByteSet;
pub use start::{RUN_MIN_MAX, SKIP_MAX};

use regex_syntax::hir::{Class, Hir, HirKind, literal};
use serde::{Deserialize, Serialize};

/// Longest match in bytes that a pattern may have. Larger than a PEM-encoded RSA-8192 private key; it bounds what the
/// stream scan carries over from one chunk to the next.
pub const MATCH_LEN_MAX: usize = 16 * 1024;

/// Shortest literal that is used as an anchor, apart from the rare byte `@`. Two-byte literals stand everywhere in text.
pub const LITERAL_LEN_MIN: usize = 3;

/// Longest part of a literal that is used: more bytes select hardly better and cost table space.
const LITERAL_LEN_MAX: usize = 24;

/// Most literals that one position of a pattern may expand to, for example through a small class.
const LITERALS_MAX: usize = 64;

/// Offsets from the start of a match for which the possible bytes are told.
pub const WINDOW_LEN: usize = 32;

/// Distance between the least and the greatest place of a literal up to which it is a good anchor: every place between
/// has to be tried. Literals farther apart are used only when there is nothing better.
const SPREAD_GOOD: usize = 64;

/// Distance beyond which a literal is no anchor at all.
const SPREAD_MAX: usize = 512;

/// A condition that each match of a pattern fulfils.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Anchor {
    /// The match holds these bytes, in any ASCII case, `before_min..=before_max` bytes after its start.
    Literal {
        /// Lower-case bytes.
        bytes: Vec<u8>,
        /// Least distance from the start of the match.
        before_min: u32,
        /// Greatest distance from the start of the match.
        before_max: u32,
        /// The bytes that can stand between the start of the match and the literal; `None` when `before_max` is 0.
        /// Packed apart, see [`pack`](crate::pack).
        #[serde(skip)]
        between: Option<ByteSet>,
    },
    /// The match starts `skip_min..=skip_max` bytes before the start of a token: an unbroken run of ASCII letters and
    /// digits, of which an escape that a boundary lets pass is no part. The bytes skipped are none of these, nor the
    /// `\\` or `%` of an escape. The detector's boundary is judged at the start of the match.
    Start {
        /// Fewest bytes before the token.
        skip_min: u32,
        /// Most bytes before the token, at most [`SKIP_MAX`].
        skip_max: u32,
        /// The token has at least this many bytes: 1 to [`RUN_MIN_MAX`].
        run_min: u32,
        /// A digit stands at most this many bytes after the start of the token, when the pattern demands one.
        digit_within: Option<u32>,
    },
}

/// Literals of which one must be present, with their distance from the start of the match.
struct Required {
    literals: Vec<Vec<u8>>,
    before: (usize, usize),
}

/// What is derived from a pattern for the first pass.
pub(crate) struct Derived {
    pub(crate) anchors: Vec<Anchor>,
    pub(crate) window: Vec<ByteSet>,
}

/// Derives anchors and window of a pattern, or says in the author's terms why there are none.
pub(crate) fn derive(hir: &Hir, has_boundary: bool) -> Result<Derived, String> {
    let folded = fold_case(hir);
    let mut anchors = Vec::new();
    for branch in branches(&folded) {
        match best_literals(branch, (0, 0)) {
            Some(required) if required.before.1 - required.before.0 <= SPREAD_MAX => {
                anchors.extend(literal_anchors(required));
            }
            _ if has_boundary => anchors.push(start::derive(branch).ok_or_else(|| start_refusal(branch))?),
            _ => {
                return Err(format!(
                    "expected a literal of at least {LITERAL_LEN_MIN} bytes in each alternative, at most {SPREAD_MAX} \
                     bytes from its nearest to its farthest place, or a `boundary` other than `none`; found neither in \
                     `{branch}`"
                ));
            }
        }
    }
    Ok(Derived { anchors, window: window::derive(hir, has_boundary) })
}

fn start_refusal(branch: &Hir) -> String {
    format!(
        "expected a pattern without a literal of {LITERAL_LEN_MIN} bytes to start with an ASCII letter or digit, or with \
         at most {SKIP_MAX} marks before it: `{branch}`"
    )
}

fn literal_anchors(required: Required) -> impl Iterator<Item = Anchor> {
    let (before_min, before_max) = required.before;
    required.literals.into_iter().map(move |bytes| Anchor::Literal {
        bytes,
        before_min: before_min as u32,
        before_max: before_max as u32,
        between: (before_max > 0).then_some(ByteSet::ALL),
    })
}

/// The top-level alternatives of a pattern, looking through groups.
fn branches(hir: &Hir) -> Vec<&Hir> {
    match hir.kind() {
        HirKind::Capture(capture) => branches(&capture.sub),
        HirKind::Alternation(subs) => subs.iter().flat_map(branches).collect(),
        _ => vec![hir],
    }
}

/// The most selective set of literals that each match must hold, searched at every position of the concatenation.
fn best_literals(hir: &Hir, before: (usize, usize)) -> Option<Required> {
    let candidates: Vec<Required> = match hir.kind() {
        HirKind::Concat(subs) => concat_candidates(subs, before),
        HirKind::Capture(capture) => best_literals(&capture.sub, before).into_iter().collect(),
        HirKind::Repetition(repetition) if repetition.min > 0 => {
            best_literals(&repetition.sub, before).into_iter().collect()
        }
        HirKind::Alternation(subs) => union_of_branches(subs, before).into_iter().collect(),
        _ => prefix_literals(hir, before).into_iter().collect(),
    };
    candidates.into_iter().max_by_key(selectivity)
}

fn concat_candidates(subs: &[Hir], mut before: (usize, usize)) -> Vec<Required> {
    let mut candidates = Vec::new();
    for (index, sub) in subs.iter().enumerate() {
        candidates.extend(prefix_literals(&Hir::concat(subs[index..].to_vec()), before));
        candidates.extend(best_literals(sub, before));
        let properties = sub.properties();
        let (Some(shortest), Some(longest)) = (properties.minimum_len(), properties.maximum_len()) else { break };
        before = (before.0 + shortest, before.1 + longest);
    }
    candidates
}

/// One literal set from every branch; distances widen to cover all of them.
fn union_of_branches(subs: &[Hir], before: (usize, usize)) -> Option<Required> {
    let mut all = Required { literals: Vec::new(), before: (usize::MAX, 0) };
    for sub in subs {
        let required = best_literals(sub, before)?;
        all.before = (all.before.0.min(required.before.0), all.before.1.max(required.before.1));
        all.literals.extend(required.literals);
    }
    (all.literals.len() <= LITERALS_MAX).then_some(all)
}

fn prefix_literals(hir: &Hir, before: (usize, usize)) -> Option<Required> {
    let mut extractor = literal::Extractor::new();
    extractor.limit_class(10).limit_repeat(8).limit_literal_len(LITERAL_LEN_MAX).limit_total(LITERALS_MAX);
    let mut sequence = extractor.extract(hir);
    sequence.dedup();
    let mut literals: Vec<Vec<u8>> = sequence.literals()?.iter().map(|l| l.as_bytes().to_vec()).collect();
    literals.sort();
    literals.dedup();
    let usable = |l: &Vec<u8>| l.len() >= LITERAL_LEN_MIN || l == b"@";
    (!literals.is_empty() && literals.iter().all(usable)).then_some(Required { literals, before })
}

/// A known place beats a spread one; longer is better up to eight bytes, marks and digits beat letters, few beat many.
fn selectivity(required: &Required) -> (bool, usize, std::cmp::Reverse<usize>) {
    let weigh = |l: &Vec<u8>| {
        let rare = l.iter().filter(|b| !b.is_ascii_lowercase() && **b != b' ').count();
        l.len().min(8) * 2 + rare.min(3)
    };
    let weakest = required.literals.iter().map(weigh).min().unwrap_or(0);
    let spread = required.before.1 - required.before.0;
    (spread <= SPREAD_GOOD, weakest * 64 / (63 + required.literals.len()), std::cmp::Reverse(spread))
}

/// Maps both cases of a letter to the lower one, so that `(?i)` patterns have literals.
fn fold_case(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Literal(l) => Hir::literal(l.0.to_ascii_lowercase()),
        HirKind::Class(class) => single_letter(class).map_or_else(|| hir.clone(), |byte| Hir::literal([byte])),
        HirKind::Concat(subs) => Hir::concat(subs.iter().map(fold_case).collect()),
        HirKind::Alternation(subs) => Hir::alternation(subs.iter().map(fold_case).collect()),
        HirKind::Capture(capture) => fold_case(&capture.sub),
        HirKind::Repetition(repetition) => {
            let mut folded = repetition.clone();
            folded.sub = Box::new(fold_case(&repetition.sub));
            Hir::repetition(folded)
        }
        HirKind::Empty | HirKind::Look(_) => hir.clone(),
    }
}

/// The lower-case letter when the class holds exactly its two cases.
fn single_letter(class: &Class) -> Option<u8> {
    let bytes = class_bytes(class)?;
    let mut members = (0..=255u8).filter(|b| bytes.contains(*b));
    let (first, second) = (members.next()?, members.next()?);
    (members.next().is_none() && first.is_ascii_uppercase() && second == first.to_ascii_lowercase()).then_some(second)
}

/// First bytes of each character of a class.
fn class_bytes(class: &Class) -> Option<ByteSet> {
    let mut set = ByteSet::default();
    match class {
        Class::Bytes(bytes) => bytes.iter().for_each(|r| (r.start()..=r.end()).for_each(|b| set.insert(b))),
        Class::Unicode(chars) if chars.is_ascii() => {
            chars.iter().for_each(|r| (r.start() as u32..=r.end() as u32).for_each(|c| set.insert(c as u8)))
        }
        Class::Unicode(_) => return None,
    }
    Some(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anchors(pattern: &str) -> Result<Vec<Anchor>, String> {
        derive(&crate::file::parse_pattern(pattern).expect("test pattern"), true).map(|derived| derived.anchors)
    }

    fn literals(pattern: &str) -> Vec<(String, u32, u32)> {
        anchors(pattern)
            .expect("anchors")
            .into_iter()
            .map(|anchor| match anchor {
                Anchor::Literal { bytes, before_min, before_max, .. } => {
                    (String::from_utf8_lossy(&bytes).into_owned(), before_min, before_max)
                }
                Anchor::Start { .. } => panic!("start anchor for {pattern}"),
            })
            .collect()
    }

    #[test]
    fn literals_are_found_at_their_distance() {
        type Row<'a> = (&'a str, &'a [(&'a str, u32, u32)]);
        let rows: &[Row<'_>] = &[
            ("ghp_[0-9A-Za-z]{36}", &[("ghp_", 0, 0)]),
            ("(?i)bearer [a-z]{4}", &[("bearer ", 0, 0)]),
            ("[a-z]{2,5}://[a-z]{3}", &[("://", 2, 5)]),
            ("[a-z0-9]{1,64}@[a-z]{2,9}", &[("@", 1, 64)]),
            ("AKIA[A-Z]{16}|ASIA[A-Z]{16}", &[("akia", 0, 0), ("asia", 0, 0)]),
            ("gh[ps]_[a-z]{9}", &[("ghp_", 0, 0), ("ghs_", 0, 0)]),
            ("(?:secret_)?[a-z]{4}-token", &[("-token", 4, 11)]),
        ];
        for (pattern, expected) in rows {
            let expected: Vec<_> = expected.iter().map(|(l, a, b)| ((*l).to_owned(), *a, *b)).collect();
            assert_eq!(literals(pattern), expected, "{pattern}");
        }
    }

    #[test]
    fn a_match_without_literal_must_start_a_token() {
        let message = anchors(r"[+-]{5}[0-9]{9}").expect_err("refused");
        assert!(message.contains("start with an ASCII letter or digit"), "{message}");
    }

    #[test]
    fn a_pattern_without_literal_and_boundary_is_refused() {
        let hir = crate::file::parse_pattern("[0-9]{11}").expect("test pattern");
        let message = derive(&hir, false).err().expect("refused");
        assert!(message.contains("literal of at least 3 bytes"), "{message}");
    }
}
