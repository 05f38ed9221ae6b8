//! The law of the stream scan: any chunking of a text gives the matches of the whole text.

use dlp_core::knowledge::Catalogue;
use dlp_core::matching::{DetectorSet, HelperJob, Helpers, Match, ScanEnd, Scratch};
use proptest::prelude::*;
use std::sync::{Arc, Mutex};

/// Detectors of every anchor kind, with context, company, value groups, boundaries and overlapping matches.
const DETECTORS: &str = r#"
[[detector]]
id = "test.token"
title = "Token"
description = "A literal and a class."
category = "secret"
severity = "high"
patterns = ['tok_[0-9a-f]{8,40}']
score = { pattern = 90 }
examples = [{ text = "tok_01234567", finds = ["tok_01234567"] }]
counter_examples = [{ text = "tok_", reason = "too short" }]

[[detector]]
id = "test.number"
title = "Number"
description = "Digits with context."
category = "government-id"
severity = "high"
patterns = ['[0-9]{6}', '[A-Z]{2} ?[0-9]{4}']
boundary = "identifier"
context = { strong = ["number"], weak = ["nr"], negative = ["order"] }
score = { pattern = 40, strong = 50, weak = 25, negative = -20 }
examples = [{ text = "number 123456", finds = ["123456"] }]
counter_examples = [{ text = "12345", reason = "too short" }]

[[detector]]
id = "test.checked"
title = "Checked"
description = "A number that depends on what stands around it."
category = "government-id"
severity = "high"
patterns = ['[0-9]{11}']
boundary = "identifier"
validator = "pl-pesel"
score = { pattern = 50, validator = 22, alone = -18 }
examples = [{ text = "44051401458", finds = ["44051401458"], level = "low" }]
counter_examples = [{ text = "44051401459", reason = "the check digit is wrong" }]

[[detector]]
id = "test.assignment"
title = "Assignment"
description = "A value group behind a literal in the middle."
category = "secret"
severity = "high"
patterns = ['[a-z]{1,8}://[a-z]{1,8}:(?P<value>[a-z0-9]{3,20})@[a-z]{1,20}']
boundary = "none"
score = { pattern = 70 }
examples = [{ text = "db://me:secret7@host", finds = ["secret7"] }]
counter_examples = [{ text = "db://host", reason = "no password" }]

[[detector]]
id = "test.block"
title = "Block"
description = "A long match."
category = "secret"
severity = "high"
patterns = ['-----BEGIN KEY-----[a-z\n]{1,15000}-----END KEY-----']
boundary = "none"
score = { pattern = 95 }
examples = [{ text = "-----BEGIN KEY-----a-----END KEY-----", finds = ["-----BEGIN KEY-----a-----END KEY-----"] }]
counter_examples = [{ text = "-----BEGIN KEY-----", reason = "no end" }]
"#;

fn set() -> DetectorSet {
    let mut catalogue = Catalogue::empty();
    catalogue.add_file("test.toml", DETECTORS).expect("test detectors");
    DetectorSet::compile(catalogue).expect("test set")
}

fn whole(set: &DetectorSet, text: &[u8]) -> (Vec<Match>, ScanEnd) {
    let mut found = Vec::new();
    let end = set.scan(&mut Scratch::new(), text, &mut |m| found.push(m));
    (found, end)
}

fn in_chunks(set: &DetectorSet, text: &[u8], lens: &[usize]) -> (Vec<Match>, ScanEnd) {
    with_scratch(Scratch::new(), set, text, lens)
}

fn with_scratch(mut scratch: Scratch, set: &DetectorSet, text: &[u8], lens: &[usize]) -> (Vec<Match>, ScanEnd) {
    let mut found = Vec::new();
    let mut stream = set.stream();
    let mut rest = text;
    for len in lens.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (now, later) = rest.split_at((*len).clamp(1, rest.len()));
        stream.push(&mut scratch, now, &mut |m| found.push(m));
        assert!(stream.safe_until() <= (text.len() - later.len()) as u64);
        rest = later;
    }
    let end = stream.finish(&mut scratch, &mut |m| found.push(m));
    (found, end)
}

/// Helpers of several characters: each is a law of its own that the matches stay the same.
#[derive(Debug)]
enum Helping {
    /// Starts at once, beside whoever asked.
    Beside,
    /// Does all of it before whoever asked begins.
    Before,
    /// Comes when everything is done.
    Late(Mutex<Vec<LateJob>>),
    /// Has something else to do.
    Never,
}

struct LateJob(HelperJob);

impl std::fmt::Debug for LateJob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LateJob")
    }
}

impl Helpers for Helping {
    fn lend(&self, job: HelperJob) -> bool {
        match self {
            Self::Beside => drop(std::thread::spawn(move || job(&mut Scratch::new()))),
            Self::Before => job(&mut Scratch::new()),
            Self::Late(jobs) => jobs.lock().expect("no job fails").push(LateJob(job)),
            Self::Never => return false,
        }
        true
    }
}

/// Pieces that matter to the detectors, joined by filler of very different lengths.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("tok_0123456789abcdef".to_owned()),
        Just("number ".to_owned()),
        Just("order nr ".to_owned()),
        Just("123456".to_owned()),
        Just("AB 1234".to_owned()),
        Just("44051401458 ".to_owned()),
        Just("02070803628, 90090515836; ".to_owned()),
        Just("44051401459\n".to_owned()),
        Just("pg://user:hunter22@host".to_owned()),
        Just("tok_aaaa0000tok_bbbb1111".to_owned()),
        Just("\r\n".to_owned()),
        Just("\n\n".to_owned()),
        Just("zażółć ".to_owned()),
        Just("-----BEGIN KEY-----".to_owned()),
        Just("-----END KEY-----".to_owned()),
        (1usize..20_000).prop_map(|n| "abc\n".repeat(n / 4)),
        (1usize..400_000).prop_map(|n| " ".repeat(n)),
        "[ -~]{1,30}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_chunking_gives_the_same_matches(
        pieces in prop::collection::vec(piece(), 1..40),
        lens in prop::collection::vec(1usize..300_000, 1..6),
    ) {
        let text = pieces.concat();
        let set = set();
        prop_assert_eq!(in_chunks(&set, text.as_bytes(), &lens), whole(&set, text.as_bytes()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn helpers_change_nothing(
        pieces in prop::collection::vec(piece(), 1..40),
        lens in prop::collection::vec(1usize..600_000, 1..4),
    ) {
        let text = pieces.concat();
        let set = set();
        let expected = whole(&set, text.as_bytes());
        for helping in [Helping::Beside, Helping::Before, Helping::Late(Mutex::default()), Helping::Never] {
            let helpers = Arc::new(helping);
            let scratch = Scratch::new().with_helpers(helpers.clone());
            prop_assert_eq!(&with_scratch(scratch, &set, text.as_bytes(), &lens), &expected);
            if let Helping::Late(jobs) = &*helpers {
                jobs.lock().expect("no job fails").drain(..).for_each(|LateJob(job)| job(&mut Scratch::new()));
            }
        }
    }
}

#[test]
fn helpers_are_asked_for_long_texts() {
    let (set, text) = (set(), "number 123456, ".repeat(40_000));
    let helpers = Arc::new(Helping::Late(Mutex::default()));
    let scratch = Scratch::new().with_helpers(helpers.clone());
    assert_eq!(with_scratch(scratch, &set, text.as_bytes(), &[100_000]).0.len(), 40_000);
    let Helping::Late(jobs) = &*helpers else { panic!("they are late") };
    assert!(jobs.lock().expect("no job fails").len() > 3);
}

#[test]
fn single_bytes_give_the_same_matches() {
    let set = set();
    let text = format!(
        "number 123456, tok_0123456789abcdef {} pg://user:hunter22@host\n-----BEGIN KEY-----{}-----END KEY-----\nnr AB1234",
        "x".repeat(300_000),
        "abc\n".repeat(3_000),
    );
    let expected = whole(&set, text.as_bytes());
    assert_eq!(expected.0.len(), 5, "{expected:?}");
    assert_eq!(in_chunks(&set, text.as_bytes(), &[1]), expected);
}

#[test]
fn an_escape_before_a_value_does_not_hide_it() {
    let set = set();
    for text in ["number\\n123456", "number%3D123456 ", "\\ttok_01234567", "x%20tok_01234567"] {
        assert_eq!(whole(&set, text.as_bytes()).0.len(), 1, "{text}");
    }
}

#[test]
fn matches_tell_place_and_masked_surroundings() {
    let set = set();
    let (found, _) = whole(&set, "a\r\nżó number: 123456 tok_0123456789abcdef".as_bytes());
    let places: Vec<_> = found.iter().map(|m| (m.start.line, m.start.column, m.end.column)).collect();
    assert_eq!(places, [(2, 12, 18), (2, 19, 39)]);
    for m in &found {
        assert!(!m.surroundings.contains("123456"), "{}", m.surroundings);
        assert!(m.surroundings.contains("number"), "{}", m.surroundings);
    }
    assert_eq!(found[0].confidence.score(), 90);
    assert_eq!(found[0].reasons.iter().map(|r| r.change).sum::<i32>(), 90);
}
