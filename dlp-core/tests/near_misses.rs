//! Counter-examples that could have been credentials: each detector of credentials has at least one whose shape is nearly
//! right, for a counter-example that nothing comes close to proves nothing, and they do not all fail in the same way.
//!
//! Nearly right is what the pattern matches, so that the check, the entropy or the words beside it decide, or what it
//! would match if its repetitions were allowed to be shorter or longer: a value cut off, a value too long.

use dlp_core::knowledge::{Catalogue, builtin_examples};
use dlp_detector_format::expand;
use regex_automata::meta::Regex;
use regex_automata::util::syntax;
use regex_syntax::hir::{Capture, Hir, HirKind, Repetition};
use std::collections::BTreeSet;

/// How a counter-example fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// It has the shape: a check, the entropy, a placeholder or the words beside it decide.
    Judged,
    /// It would have the shape if it were longer or shorter.
    OtherLength,
    /// It has another alphabet, another name, or no value.
    OtherShape,
}

/// Kinds that the counter-examples of a detector are of at least: three ways of writing `xxxx` show one thing three times.
const KINDS_MIN: usize = 2;

#[test]
fn every_credential_has_counter_examples_that_nearly_are_one_and_fail_in_different_ways() {
    let detectors: Vec<_> = Catalogue::builtin().expect("built-in detectors").detectors().collect();
    let mut bare = Vec::new();
    for (id, _, counters) in builtin_examples().expect("built-in examples") {
        if !id.starts_with("secret.") {
            continue;
        }
        let detector = detectors.iter().find(|detector| detector.id == id).expect("it has examples");
        let compiled = |change: fn(&Hir) -> Hir| -> Vec<Regex> {
            detector.patterns.iter().map(|pattern| changed(&pattern.regex, change)).collect()
        };
        let (exact, loose) = (compiled(Hir::clone), compiled(loosen));
        let kinds: BTreeSet<Kind> = counters.iter().map(|counter| kind(counter.content(), &exact, &loose)).collect();
        if kinds.len() < KINDS_MIN || kinds.iter().all(|kind| *kind == Kind::OtherShape) {
            bare.push(format!("{id}: {kinds:?}"));
        }
    }
    assert!(bare.is_empty(), "{} show too little:\n{}", bare.len(), bare.join("\n"));
}

fn kind(content: &[u8], exact: &[Regex], loose: &[Regex]) -> Kind {
    let is_any = |regexes: &[Regex]| regexes.iter().any(|regex| regex.is_match(content));
    match (is_any(exact), is_any(loose)) {
        (true, _) => Kind::Judged,
        (_, true) => Kind::OtherLength,
        _ => Kind::OtherShape,
    }
}

/// The pattern, with a change to its syntax tree.
fn changed(pattern: &str, change: fn(&Hir) -> Hir) -> Regex {
    let pattern = expand(pattern).expect("known abbreviations");
    let hir = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(&pattern).expect("a pattern");
    let config = Regex::config().utf8_empty(false).nfa_size_limit(None).onepass(false);
    let syntax = syntax::Config::new().unicode(false).utf8(false);
    Regex::builder().configure(config).syntax(syntax).build_from_hir(&change(&hir)).expect("a pattern")
}

/// A quarter of the demanded turns, and twice the allowed ones.
fn loosen(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Repetition(repetition) => {
            let few = if repetition.min > 3 { repetition.min.div_ceil(4).max(2) } else { repetition.min.min(1) };
            let many = repetition.max.filter(|max| *max > 3 && *max < 100).map(|max| max * 2).or(repetition.max);
            let sub = Box::new(loosen(&repetition.sub));
            Hir::repetition(Repetition { min: few, max: many, greedy: repetition.greedy, sub })
        }
        HirKind::Capture(capture) => {
            Hir::capture(Capture { index: capture.index, name: None, sub: Box::new(loosen(&capture.sub)) })
        }
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(loosen).collect()),
        HirKind::Alternation(parts) => Hir::alternation(parts.iter().map(loosen).collect()),
        _ => hir.clone(),
    }
}
