//! Counter-examples that could have been credentials: each detector of credentials has at least one whose shape is nearly
//! right, for a counter-example that nothing comes close to proves nothing.
//!
//! Nearly right is what the pattern matches, so that the check, the entropy or the words beside it decide, or what it
//! would match if its repetitions were allowed to be shorter or longer: a value cut off, a value too long.

use dlp_core::knowledge::{Catalogue, builtin_examples};
use dlp_detector_format::expand;
use regex_automata::meta::Regex;
use regex_automata::util::syntax;
use regex_syntax::hir::{Capture, Hir, HirKind, Repetition};

#[test]
fn every_credential_has_a_near_miss_among_its_counter_examples() {
    let catalogue = Catalogue::builtin().expect("built-in detectors");
    let mut bare = Vec::new();
    for (id, _, counters) in builtin_examples().expect("built-in examples") {
        if !id.starts_with("secret.") {
            continue;
        }
        let detector = catalogue.detectors().iter().find(|detector| detector.id == id).expect("it has examples");
        let loose: Vec<Regex> = detector.patterns.iter().map(|pattern| loosened(&pattern.regex)).collect();
        let is_near = |content: &[u8]| loose.iter().any(|regex| regex.is_match(content));
        if !counters.iter().any(|counter| is_near(counter.content())) {
            bare.push(id);
        }
    }
    assert!(bare.is_empty(), "{} have none:\n{}", bare.len(), bare.join("\n"));
}

/// The pattern with a quarter of its demanded turns, and twice the allowed ones.
fn loosened(pattern: &str) -> Regex {
    let pattern = expand(pattern).expect("known abbreviations");
    let hir = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(&pattern).expect("a pattern");
    let config = Regex::config().utf8_empty(false).nfa_size_limit(None).onepass(false);
    let syntax = syntax::Config::new().unicode(false).utf8(false);
    Regex::builder().configure(config).syntax(syntax).build_from_hir(&loosen(&hir)).expect("a pattern")
}

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
