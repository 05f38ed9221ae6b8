//! Laws of the engine as a whole: what the first pass leaves out, nothing would have accepted; the kernel does not
//! matter; work is bounded.

use super::blocks::{HelperJob, Helpers};
use super::budget::Budget;
use super::confirm::{self, Accepted};
use super::context::{Folded, Widths};
use super::evidence::{self, Ground};
use super::scratch::Scratch;
use super::simd::{Isa, Masks, STRETCH_WORDS, classify};
use super::stream::GIVEN_WITHIN_BYTES;
use super::{DetectorSet, Match, Material, boundary, candidates};
use crate::base::ConfidenceLevel;
use crate::knowledge::pattern::Memory;
use crate::knowledge::validators::Verdict;
use crate::knowledge::{Catalogue, Failure, builtin_examples, run_program};
use std::collections::BTreeSet;
use std::ops::Range;

/// Lower for debug builds of the whole catalogue; every place is tried with every pattern.
const REFERENCE_BYTES: usize = 6_000;

/// Example texts of the built-in detectors, joined, up to so many bytes, from the `skip`-th on.
fn example_text(skip: usize, bytes: usize) -> Vec<u8> {
    let examples = builtin_examples().expect("built-in examples");
    let texts = examples.iter().flat_map(|(_, examples, counter_examples)| {
        examples.iter().map(|e| e.text.as_str()).chain(counter_examples.iter().map(|e| e.text.as_str()))
    });
    let mut joined = Vec::new();
    for text in texts.skip(skip).step_by(7) {
        joined.extend_from_slice(text.as_bytes());
        joined.push(b'\n');
        if joined.len() >= bytes {
            break;
        }
    }
    joined
}

/// Whether a value may be a finding: it has the words around it without which its detector finds nothing, and does not fail
/// a check without which it finds nothing either.
fn may_be_found(set: &DetectorSet, text: &[u8], pattern: u32, value: &Range<usize>) -> bool {
    let detector = set.compiled(set.patterns()[pattern as usize].detector);
    let is_invalid = detector.check.is_some_and(|check| (check.verdict)(&text[value.clone()]) == Verdict::Invalid);
    if is_invalid && evidence::failure(&detector.data) == Failure::Drop {
        return false;
    }
    let context = &detector.data.context;
    let windows = Widths::of(context).windows(text, value);
    let pieces = windows.pieces().map(|piece| &text[piece]);
    let mut is_named = !context.required;
    let mut folded = Folded::default();
    set.vocabulary().spell(folded.fill(pieces), &mut |id| is_named |= detector.phrases.strong.contains(&id));
    is_named
}

/// What the patterns accept at the places that the first pass gives.
fn accepted(set: &DetectorSet, text: &[u8]) -> BTreeSet<(u32, usize, usize)> {
    let mut scratch = Scratch::new();
    scratch.fit(set);
    let ground = Ground { text, material: Material::Text, table: None };
    candidates::find(set, &mut scratch, ground, 0..text.len());
    let places = std::mem::take(&mut scratch.candidates);
    let mut found = BTreeSet::new();
    for place in places {
        scratch.budget = Budget::default();
        scratch.budget.fit(set.patterns().len());
        let accepted = confirm::confirm(set, &mut scratch, text, place);
        if let Some(Accepted { whole, .. }) =
            accepted.filter(|accepted| may_be_found(set, text, place.1, &accepted.value))
        {
            found.insert((place.1, whole.start, whole.end));
        }
    }
    found
}

/// What the regexes of the patterns accept anywhere.
fn accepted_anywhere(set: &DetectorSet, text: &[u8]) -> BTreeSet<(u32, usize, usize)> {
    let mut found = BTreeSet::new();
    for (number, pattern) in set.patterns().iter().enumerate() {
        let regex = pattern.regex().expect("a loaded pattern compiles");
        let mut memory = Memory::default();
        for start in (0..text.len()).filter(|at| boundary::left_holds(pattern.boundary, text, *at)) {
            let range = start..text.len().min(start + pattern.len_max);
            let end = regex.end(&mut memory, text, range, &mut 0);
            let end = end.filter(|end| *end > start && boundary::right_holds(pattern.boundary, text, *end));
            let Some(end) = end else { continue };
            let value = regex.value(&mut memory, text, start..end).range;
            if !value.is_empty() && may_be_found(set, text, number as u32, &value) {
                found.insert((number as u32, start, end));
            }
        }
    }
    found
}

fn matches(set: &DetectorSet, text: &[u8]) -> Vec<Match> {
    let mut found = Vec::new();
    let end = set.scan(&mut Scratch::new(), text, &mut |m| found.push(m));
    assert!(end.degraded.is_empty(), "{:?}", end.degraded);
    found
}

#[test]
fn the_first_pass_loses_nothing_that_a_pattern_accepts() {
    let set = DetectorSet::builtin().expect("built-in detectors");
    for skip in [0, 3] {
        let text = example_text(skip, REFERENCE_BYTES);
        let (found, expected) = (accepted(&set, &text), accepted_anywhere(&set, &text));
        assert!(expected.len() > 50, "the text holds values: {}", expected.len());
        let lost = expected.difference(&found).map(|(pattern, start, end)| {
            let detector = set.detector(set.patterns()[*pattern as usize].detector);
            (detector.id.as_str(), String::from_utf8_lossy(&text[*start..*end]).into_owned())
        });
        let lost: Vec<_> = lost.collect();
        assert!(lost.is_empty(), "{lost:?}");
        assert_eq!(
            found.difference(&expected).collect::<Vec<_>>(),
            Vec::<&(u32, usize, usize)>::new(),
            "a program says more"
        );
    }
}

/// What stands before a value when a text was escaped on its way.
const BEFORE: &[&str] = &[
    "",
    "\0",
    "\u{142} ",
    "\u{53f7}",
    "\\n",
    "\\t",
    "%3D",
    "%20",
    "\\u003d",
    "\\x3d",
    "\x1b[31m",
    "\x1b[1;38;5;9m",
    "\\u001b[0m",
];

#[test]
fn the_first_pass_loses_nothing_behind_escapes() {
    let set = DetectorSet::builtin().expect("built-in detectors");
    let examples = builtin_examples().expect("built-in examples");
    let mut text = Vec::new();
    for (number, (_, examples, _)) in examples.iter().enumerate().filter(|(number, _)| number % 23 == 5) {
        for example in examples {
            let Some(value) = example.finds.first() else { continue };
            text.extend_from_slice(BEFORE[number % BEFORE.len()].as_bytes());
            text.extend_from_slice(value.as_bytes());
            text.push(b'\n');
        }
    }
    text.truncate(REFERENCE_BYTES);
    let (found, expected) = (accepted(&set, &text), accepted_anywhere(&set, &text));
    assert!(expected.len() > 20, "the text holds values: {}", expected.len());
    assert_eq!(expected.difference(&found).collect::<Vec<_>>(), Vec::<&(u32, usize, usize)>::new());
}

#[test]
fn the_first_pass_loses_nothing_among_rows_of_numbers() {
    let set = DetectorSet::builtin().expect("built-in detectors");
    let examples = builtin_examples().expect("built-in examples");
    let demands = |id: &str| set.detectors().any(|detector| detector.id == id && detector.context.required);
    let named: Vec<&str> = examples
        .iter()
        .filter(|(id, ..)| demands(id))
        .flat_map(|(_, examples, _)| examples.iter().map(|example| example.text.as_str()))
        .collect();
    for (skip, gap) in [(0, 40), (2, 90)] {
        let row = b"12 345 67\n".iter().copied().cycle().take(gap);
        let parts = named.iter().skip(skip).step_by(9).map(|text| [text.as_bytes(), b"\n"].concat());
        let mut text: Vec<u8> = parts.flat_map(|part| part.into_iter().chain(row.clone())).collect();
        text.truncate(REFERENCE_BYTES);
        let tokens = text.split(|byte| !byte.is_ascii_digit()).filter(|token| !token.is_empty()).count();
        let per_stretch = STRETCH_WORDS * 64;
        let dense = candidates::DENSE_NUMBERS as usize;
        assert!(tokens * per_stretch > dense * text.len(), "{tokens} numbers are too few");
        let (found, expected) = (accepted(&set, &text), accepted_anywhere(&set, &text));
        assert!(expected.len() > 20, "the text holds values: {}", expected.len());
        assert_eq!(expected.difference(&found).collect::<Vec<_>>(), Vec::<&(u32, usize, usize)>::new());
    }
}

#[test]
fn patterns_have_whole_numbers_as_a_whole_or_not_at_all() {
    let set = DetectorSet::builtin().expect("built-in detectors");
    let numbers = ["8001015009087", "4401", "44051401458", "123456782", "5261040828", "4539148803436467", "20240131"];
    let behind = ["", ",1", "\t9 9", " 123 456 789", "-8", ".5", "/12345", "\u{a0}12345678", "\n44051401458"];
    let mut told = 0;
    for (number, tail) in numbers.iter().flat_map(|number| behind.map(|tail| (number, tail))) {
        let text = [number, tail].concat().into_bytes();
        for (index, pattern) in set.patterns().iter().enumerate() {
            if !pattern.whole_numbers.tells(number.len()) || !pattern.can_start(&text, 0) {
                continue;
            }
            let mut scratch = Scratch::new();
            scratch.fit(&set);
            if let Some(accepted) = confirm::confirm(&set, &mut scratch, &text, (0, index as u32)) {
                assert_eq!(accepted.value, 0..number.len(), "{} {}", pattern.detector.0, text.escape_ascii());
                told += 1;
            }
        }
    }
    assert!(told > 100, "{told}");
}

#[test]
fn many_patterns_are_programs_and_end_where_their_regexes_do() {
    let set = DetectorSet::builtin().expect("built-in detectors");
    let text =
        [example_text(1, REFERENCE_BYTES), b"12,3 AB12 34-5 ".repeat(9), vec![b'7'; 90], vec![b'F'; 90]].concat();
    let (mut programs, mut ends) = (0, 0);
    for pattern in set.patterns() {
        let (Some(program), Some(regex)) = (&pattern.program, pattern.regex()) else { continue };
        programs += 1;
        let mut memory = Memory::default();
        for start in 0..text.len() {
            let range = start..text.len().min(start + pattern.len_max);
            let end = run_program(program, &text[range.clone()]).ok().map(|len| start + len);
            assert_eq!(end, regex.end(&mut memory, &text, range, &mut 0), "{program:?} {start}");
            ends += usize::from(end.is_some());
        }
    }
    assert!(programs > 500 && ends > 1_000, "{programs} {ends}");
}

#[test]
fn the_kernel_marks_few_places() {
    let set = DetectorSet::builtin().expect("built-in detectors");
    let source = include_bytes!("stream.rs").as_slice();
    // The examples consist of what is looked for, so that many of their places are worth a closer look.
    for (text, most_percent) in [(source, 25), (&example_text(0, usize::MAX), 40)] {
        let mut masks = Masks::default();
        classify(Isa::Portable, set.literals().table(), text, 0..text.len(), &mut masks);
        let marked: usize = masks.literal.iter().map(|word| word.count_ones() as usize).sum();
        assert!(marked * 100 < text.len() * most_percent, "{marked} of {} places", text.len());
    }
}

#[test]
fn every_instruction_set_gives_the_same_matches() {
    let text = example_text(0, usize::MAX);
    let sets = Isa::available().map(|isa| DetectorSet::compile_for(isa, Catalogue::builtin().expect("catalogue")));
    let mut found = sets.map(|set| matches(&set, &text));
    let portable = found.next().expect("the portable kernel");
    assert!(portable.len() > 50, "{}", portable.len());
    for other in found {
        assert_eq!(other, portable);
    }
    for isa in [Isa::Avx2, Isa::Avx512].into_iter().filter(|isa| !Isa::available().any(|a| a == *isa)) {
        eprintln!("skipped: this processor has no {isa:?}");
    }
}

#[test]
fn work_is_linear_on_texts_made_of_beginnings() {
    let set = DetectorSet::builtin().expect("built-in detectors");
    let rows: &[(&str, &str)] = &[
        ("at signs", "@"),
        ("short mails", "a@a."),
        ("assignments", "password="),
        ("keys", "-----BEGIN RSA PRIVATE KEY-----\n"),
        ("digits", "1234567890"),
        ("one digit", "1"),
        ("digit groups", "12 34-56 "),
        ("tokens", "eyJ.eyJ"),
        ("prefixes", "ghp_AKIAxoxb-"),
        ("schemes", "a://b:c@"),
        ("hex", "deadbeef01"),
        ("country codes", "+48 22 "),
    ];
    for (name, unit) in rows {
        let steps = |bytes: usize| {
            let text: Vec<u8> = unit.bytes().cycle().take(bytes).collect();
            set.scan(&mut Scratch::new(), &text, &mut |_| {}).steps
        };
        let (short, long) = (steps(64 * 1024), steps(256 * 1024));
        let bound = crate::base::CONFIRM_STEPS_PER_BYTE_MAX * 256 * 1024 + 64 * 16 * 1024;
        assert!(long <= bound, "{name}: {long} steps");
        assert!(long <= 5 * short + 100_000, "{name}: {short} steps for a block, {long} for four");
    }
}

/// The detectors of one file.
fn set_of(toml: &str) -> DetectorSet {
    let mut catalogue = Catalogue::empty();
    catalogue.add_file("test.toml", toml).expect("test detectors");
    DetectorSet::compile(catalogue).expect("test set")
}

#[test]
fn a_spent_budget_is_told() {
    let set = set_of(
        r#"
[[detector]]
id = "test.nested"
title = "Nested"
description = "Every beginning reads to the end of the text."
category = "secret"
severity = "high"
patterns = ['key:[a-z:]{1,16000}!']
boundary = "none"
score = { pattern = 90 }
examples = [{ text = "key:a!", finds = ["key:a!"] }]
counter_examples = [{ text = "key:", reason = "no end" }]
"#,
    );
    let end = set.scan(&mut Scratch::new(), "key:".repeat(40_000).as_bytes(), &mut |_| {});
    assert_eq!(end.degraded.len(), 1);
    let end = set.scan(&mut Scratch::new(), "key: ".repeat(40_000).as_bytes(), &mut |_| {});
    assert_eq!(end.degraded.len(), 0);
}

#[test]
fn what_a_greedy_gap_passes_over_is_found() {
    let set = set_of(
        r#"
[[detector]]
id = "test.greedy"
title = "A number behind its name"
description = "The gap between name and number takes as much as it can."
category = "secret"
severity = "high"
patterns = ['ticket[^\n]{0,60} (?P<value>[0-9]{6,8})']
boundary = "identifier"
score = { pattern = 90 }
examples = [{ text = "ticket 839201", finds = ["839201"] }]
counter_examples = [{ text = "839201", reason = "no name" }]
"#,
    );
    let rows: &[(&str, &[&str])] = &[
        ("ticket 839201", &["839201"]),
        ("ticket 839201, ticket 55102934", &["839201", "55102934"]),
        ("ticket 839201 571930 and 1029384", &["839201", "571930", "1029384"]),
        ("ticket 839201\nticket 571930", &["839201", "571930"]),
        ("ticket 8392012345, 571930", &["571930"]),
    ];
    for (text, expected) in rows {
        let found = matches(&set, text.as_bytes());
        let values: Vec<_> = found.iter().map(|m| String::from_utf8_lossy(m.value.expose())).collect();
        assert_eq!(values, *expected, "{text}");
    }
}

/// The `n`-th of many different valid PESEL numbers.
fn pesel(n: u32) -> String {
    let digits = format!("{:02}{:02}{:02}{:04}", 40 + n % 59, 1 + n / 7 % 12, 1 + n / 59 % 28, (n * 7919) % 10_000);
    let sum: u32 = digits.bytes().zip([1, 3, 7, 9].into_iter().cycle()).map(|(d, w)| u32::from(d - b'0') * w).sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}

#[test]
fn a_long_list_of_values_without_a_word_is_found_to_its_end() {
    let set = DetectorSet::builtin().expect("built-in detectors");
    let count = 11_000;
    for separator in ["\n", "\r\n", ";\n"] {
        let text: String = (0..count).map(|n| pesel(n) + separator).collect();
        let found = matches(&set, text.as_bytes());
        let is_pesel = |m: &&Match| set.detector(m.detector).id.as_str() == "pii.pl.pesel";
        let sure = found.iter().filter(is_pesel).filter(|m| m.confidence.level() >= ConfidenceLevel::Medium).count();
        assert!(sure > count as usize * 9 / 10, "{sure} of {count} behind {separator:?}");
    }
}

#[test]
fn the_header_of_a_column_names_values_far_below_it() {
    let set = DetectorSet::builtin().expect("built-in detectors");
    let filler = "1;2;3\n".repeat(60_000);
    let table = |header: &str| format!("{header}\n{filler}8;92071504321;9\n4;7;1\n");
    for (header, expected) in
        [("id;PESEL;n", true), ("id;customerPesel;n", true), ("id;PESELNumber;n", true), ("PESEL;id;n", false)]
    {
        let text = table(header);
        let is_pesel = |m: &&Match| set.detector(m.detector).id == "pii.pl.pesel";
        let whole = matches(&set, text.as_bytes());
        let found = whole.iter().find(is_pesel).expect("its check digit holds");
        let says_so = found.reasons.iter().any(|reason| reason.detail.ends_with("in the header of its column"));
        assert_eq!((says_so, found.confidence.level() == ConfidenceLevel::High), (expected, expected), "{header}");
        let (mut stream, mut scratch, mut pieces) = (set.stream(), Scratch::new(), Vec::new());
        for piece in text.as_bytes().chunks(997) {
            stream.push(&mut scratch, piece, &mut |m| pieces.push(m));
        }
        assert!(stream.finish(&mut scratch, &mut |m| pieces.push(m)).degraded.is_empty());
        assert_eq!(pieces, whole, "{header}");
    }
}

#[test]
fn what_may_not_wait_is_given_with_its_slice() {
    /// Idle whenever asked, and done at once.
    #[derive(Debug)]
    struct Idle;
    impl Helpers for Idle {
        fn lend(&self, job: HelperJob) -> bool {
            job(&mut Scratch::new());
            true
        }
    }
    let set = DetectorSet::builtin().expect("built-in detectors");
    let card = "Please charge my credit card number 4000 0100 0007 1234, Visa, expiry 12/29.\n";
    let filler = "all work and no play makes a dull day\n".repeat(240);
    let text = [&*filler, card].concat().repeat(100);
    let latest = |mut scratch: Scratch| {
        let (mut stream, mut taken, mut latest, mut count) = (set.stream(), 0, 0, 0);
        for piece in text.as_bytes().chunks(4_096) {
            taken += piece.len() as u64;
            stream.push(&mut scratch, piece, &mut |m| {
                latest = latest.max(taken - m.span.start.0);
                count += 1;
            });
        }
        assert!(count > 30, "{count}");
        latest
    };
    let within = GIVEN_WITHIN_BYTES as u64;
    let helped = || Scratch::new().with_helpers(std::sync::Arc::new(Idle));
    assert!(latest(Scratch::new()) <= within && latest(helped().prompt()) <= within);
    assert!(latest(helped()) > within, "what may wait does");
}
