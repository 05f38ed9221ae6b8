//! Which anchor a branch gets: the one with the fewest expected hits, or a refusal that tells its author what to do.

use super::after::After;
use super::automaton::Automaton;
use super::byte_set::ByteSet;
use super::literals::{self, Place, Required};
use super::{Anchor, LITERAL_LEN_MIN, RUN_MIN_MAX, SKIP_MAX, frequency, key_run, shape, start, window};
use crate::Boundary;
use regex_syntax::hir::Hir;

/// Hits in a megabyte of mixed text up to which a literal is accepted. A hit costs about as much as passing a hundred
/// bytes, so that one literal may slow the first pass by a hundredth; few come near.
pub(super) const HITS_PER_MB_MAX: f64 = 100.0;

/// The same in files of users, who know whether a slower scan is worth it to them: rules of other scanners are often led
/// by words like `key`.
pub(super) const OWN_HITS_PER_MB_MAX: f64 = 2_000.0;

/// Literals that may be more frequent, and why there is nothing rarer.
const FREQUENT: &[(&[u8], &str)] = &[
    (b"@", "an e-mail address has no other fixed byte"),
    (b"https://", "a password in a URL stands behind its scheme"),
    (b"://", "a password in a URL stands behind its scheme"),
    (b"server", "a connection string begins with its first key"),
    (b"addr", "a connection string begins with its first key"),
    (b"user", "a pair of user and password begins with the word"),
    (b"token", "a token without a shape of its own is known by the word before it"),
    (b"ses", "an SES password has no shape of its own, and the service no other name"),
    (b":::", "a line of a Windows password dump has no other fixed bytes"),
    (b"st.", "an Infisical token begins with it and goes on with digits that are spelled in no way"),
];

/// Places in a megabyte that are tried for a branch without literals up to which it is accepted.
const TRIES_PER_MB_MAX: f64 = 20_000.0;

/// Anchors of one branch, or why it has none that is rare enough.
pub(super) fn anchors(branch: &Hir, boundary: Boundary, hits_max: f64) -> Result<Vec<Anchor>, String> {
    let start = if boundary == Boundary::None { None } else { start::derive(branch) };
    let start_cost = start.as_ref().map_or(f64::INFINITY, |start| start_cost(start, &window::derive(branch, true)));
    let is_refused = |required: &Required| {
        let literals = &required.literals;
        literals.iter().any(|l| is_repetition(l)) || (start.is_some() && literals.iter().any(|l| is_number_part(l)))
    };
    let cost = |required: &Required| if is_refused(required) { f64::INFINITY } else { literals_cost(required) };
    let search = |spells_digits| literals::Search { cost: &cost, spells_digits }.cheapest(branch, Place::default());
    // Where nothing else is left, a few literals with each digit are better than nothing: `%B[0-9]`.
    match (search(false).or_else(|| if start.is_none() { search(true) } else { None }), start.clone()) {
        (Some(required), _) if literals_cost(&required) <= start_cost => {
            check_literals(&required, hits_max)?;
            Ok(literal_anchors(required, branch, boundary))
        }
        (_, Some(start)) if start_cost <= TRIES_PER_MB_MAX => Ok(vec![with_shape(start, branch, boundary)]),
        (_, Some(_)) => Err(refuse_start(start_cost)),
        (_, None) => Err(refuse_bare()),
    }
}

/// The start with the shape of its branch, which takes long to derive.
fn with_shape(mut start: Anchor, branch: &Hir, boundary: Boundary) -> Anchor {
    if let Anchor::Start { skip_min, skip_max, shape, .. } = &mut start {
        *shape = shape::derive(branch, boundary, (*skip_min, *skip_max));
    }
    start
}

/// Expected places that are tried for a set of literals, plus what its rows in a table cost.
fn literals_cost(required: &Required) -> f64 {
    const ROW: f64 = 0.1;
    /// Marks between start and literal end most walks back after a few places.
    const PLACES_MAX: usize = 4;
    /// Beyond it a walk back is long enough to count whatever stands between.
    const SPREAD_GOOD: usize = 64;
    let spread = required.place.spread();
    let places = if spread > SPREAD_GOOD { spread } else { (spread + 1).min(PLACES_MAX) };
    let row = |literal: &Vec<u8>| frequency::expected_per_mb(literal) * places as f64 + ROW;
    required.literals.iter().map(row).sum()
}

/// Expected places that are tried for a start anchor: tokens of the demanded kind whose first bytes fit the window,
/// plus a share of looking at such tokens at all. The figures are estimates: they have to rank anchors, not to foretell
/// counts.
fn start_cost(start: &Anchor, window: &[ByteSet]) -> f64 {
    const DIGIT_TOKENS_PER_MB: f64 = 20_000.0;
    const TOKENS_PER_MB: f64 = 150_000.0;
    /// Of the tokens with n letters or digits, about so many have one more.
    const GOES_ON: f64 = 0.8;
    /// Looking at tokens at all, shared by all such anchors: cheap where a digit or a long run is demanded, of which
    /// the first pass keeps masks.
    const LOOK_MASKED: f64 = 20.0;
    const LOOK_EACH: f64 = 600.0;
    /// Offsets whose bytes count.
    const OFFSETS: usize = 4;
    let Anchor::Start { skip_max, run_min, digit_within, .. } = start else { return f64::INFINITY };
    let tokens = if digit_within.is_some() { DIGIT_TOKENS_PER_MB } else { TOKENS_PER_MB };
    let long = GOES_ON.powi(*run_min as i32 - 1);
    let token_bytes: ByteSet = (0..=255u8).filter(u8::is_ascii_alphanumeric).collect();
    let in_token = |set: &ByteSet| (frequency::probability(set) / frequency::probability(&token_bytes)).min(1.0);
    let fits = window.iter().skip(*skip_max as usize).take(OFFSETS).enumerate();
    let fit = fits.map(|(at, set)| if at < *run_min as usize { in_token(set) } else { frequency::probability(set) });
    let is_masked = digit_within.is_some() || *run_min == RUN_MIN_MAX;
    tokens * long * fit.product::<f64>() + if is_masked { LOOK_MASKED } else { LOOK_EACH }
}

/// One letter or digit again and again: base64 of zeros consists of it, and each place in that would have to be looked
/// back from.
fn is_repetition(literal: &[u8]) -> bool {
    literal.len() > 1 && literal[0].is_ascii_alphanumeric() && literal.windows(2).all(|pair| pair[0] == pair[1])
}

/// Digits and the marks between them: part of any number or date.
fn is_number_part(literal: &[u8]) -> bool {
    literal.iter().all(|byte| byte.is_ascii_digit() || b" +-.,/()".contains(byte))
}

fn literal_anchors(Required { literals, place }: Required, branch: &Hir, boundary: Boundary) -> Vec<Anchor> {
    let after = Automaton::new(branch).map(|automaton| After::new(automaton, &place, boundary != Boundary::None));
    let needs_key_run = key_run::is_beside(branch, &place);
    let anchor = |bytes: Vec<u8>| Anchor::Literal {
        after: after.as_ref().map_or_else(Vec::new, |after| after.derive(&bytes)),
        bytes,
        before_min: place.min as u32,
        before_max: place.max as u32,
        between: (place.max > 0).then_some(place.between),
        needs_key_run,
        window: None,
    };
    literals.into_iter().map(anchor).collect()
}

fn check_literals(required: &Required, hits_max: f64) -> Result<(), String> {
    let is_allowed = |literal: &[u8]| FREQUENT.iter().any(|(allowed, _)| *allowed == literal);
    let counted = required.literals.iter().filter(|literal| !is_allowed(literal));
    let counted = counted.map(|literal| (frequency::expected_per_mb(literal), literal));
    match counted.max_by(|(a, _), (b, _)| a.total_cmp(b)) {
        Some((hits, literal)) if hits > hits_max => Err(format!(
            "the rarest text that every match holds is `{}`, which is expected {hits:.0} times in a megabyte of mixed \
             text; expected at most {hits_max}. Make the fixed text longer, demand a rarer prefix before it, or \
             set a `boundary` other than `none`, so that the pattern can be looked for at the start of a token",
            literal.escape_ascii()
        )),
        _ => Ok(()),
    }
}

fn refuse_start(tries: f64) -> String {
    format!(
        "an alternative holds no literal of at least {LITERAL_LEN_MIN} bytes, and its start fits {tries:.0} tokens in a \
         megabyte of mixed text; expected at most {TRIES_PER_MB_MAX}. Demand fixed text, a digit, or narrower classes at \
         its start"
    )
}

fn refuse_bare() -> String {
    format!(
        "expected in each alternative a literal of at least {LITERAL_LEN_MIN} bytes, at most {} bytes from its nearest to \
         its farthest place; or a `boundary` other than `none` and a match that starts with an ASCII letter or digit, \
         with at most {SKIP_MAX} marks before it; found neither",
        literals::SPREAD_MAX
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_literal_that_may_be_frequent_is() {
        for (literal, reason) in FREQUENT {
            let hits = frequency::expected_per_mb(literal);
            assert!(hits > HITS_PER_MB_MAX, "`{}` needs no leave ({reason}): {hits:.0}", literal.escape_ascii());
        }
    }
}
