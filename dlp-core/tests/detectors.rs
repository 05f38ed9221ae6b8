//! Every built-in detector fires on its examples and stays silent on its counter-examples, on the whole pipeline.

use dlp_core::base::{Cancel, ConfidenceLevel, Limits};
use dlp_core::content::{Finding, Input};
use dlp_core::inspect::{Collected, Inspector, Job};
use dlp_core::knowledge::validators::{Check, Verdict};
use dlp_core::knowledge::{CounterExample, Detector, Example, builtin_examples, generate::generate, validators};
use dlp_core::matching::{DetectorSet, Scratch};
use std::collections::BTreeSet;

fn inspector() -> Inspector {
    Inspector::new(DetectorSet::builtin().expect("built-in detectors"), Limits::batch())
}

/// Findings of one detector in a text.
fn findings(inspector: &Inspector, scratch: &mut Scratch, (id, content): (&str, &[u8])) -> Vec<Finding> {
    let mut collected = Collected::default();
    let job = Job { name: "example.txt", input: Input::Bytes(content), cancel: &Cancel::default() };
    inspector.inspect(scratch, job, &mut collected);
    collected.findings.retain(|f| inspector.detectors().detector(f.detector).id == id);
    collected.findings
}

/// The example's text and the values to be found, generated ones included.
fn expand(detector: &Detector, example: &Example, seed: u64) -> (String, Vec<String>) {
    if example.generate.is_empty() {
        return (example.text.clone(), example.finds.clone());
    }
    let check = detector.validator.as_ref().and_then(|v| validators::find(&v.name));
    let value = generate(&example.generate, seed, check).expect("recipe");
    let finds = if example.finds.is_empty() { vec![value.clone()] } else { example.finds.clone() };
    (example.text.replace("{{value}}", &value), finds)
}

fn check_example(
    inspector: &Inspector,
    scratch: &mut Scratch,
    (detector, example): (&Detector, &Example),
) -> Option<String> {
    let (text, expected) = expand(detector, example, 7);
    let level = ConfidenceLevel::from_word(&example.level).expect("checked when the file was read");
    if !example.bytes.is_empty() {
        let found = findings(inspector, scratch, (&detector.id, &example.bytes));
        let is_found = found.iter().any(|f| f.confidence.level() >= level);
        return (!is_found)
            .then(|| format!("{}: expected a finding at {level} in {:02x?}", detector.id, example.bytes));
    }
    let found = findings(inspector, scratch, (&detector.id, text.as_bytes()));
    let values: Vec<_> = found
        .iter()
        .filter(|f| f.confidence.level() >= level)
        .map(|f| String::from_utf8_lossy(f.value.expose()).into_owned())
        .collect();
    let all: Vec<_> = found.iter().map(|f| (f.confidence.score(), &f.reasons)).collect();
    (values != expected).then(|| {
        format!("{}: expected {expected:?} at {level}, found {values:?} in `{text}`; all: {all:?}", detector.id)
    })
}

fn check_counter(
    inspector: &Inspector,
    scratch: &mut Scratch,
    (detector, counter): (&Detector, &CounterExample),
) -> Option<String> {
    let found = findings(inspector, scratch, (&detector.id, counter.content()));
    let shown = found.iter().find(|f| f.confidence.level() >= ConfidenceLevel::Medium)?;
    Some(format!("{}: fired with {} in `{}` ({})", detector.id, shown.confidence.score(), counter.text, counter.reason))
}

#[test]
fn examples_are_found_and_counter_examples_are_not() {
    let inspector = inspector();
    let mut scratch = Scratch::new();
    let mut failures = Vec::new();
    let mut checked = 0;
    for (id, examples, counters) in builtin_examples().expect("built-in examples") {
        let detector =
            inspector.detectors().detectors().find(|d| d.id == id).expect("examples belong to a detector").clone();
        checked += examples.len() + counters.len();
        failures.extend(examples.iter().filter_map(|e| check_example(&inspector, &mut scratch, (&detector, e))));
        failures.extend(counters.iter().filter_map(|c| check_counter(&inspector, &mut scratch, (&detector, c))));
    }
    assert!(checked > 0);
    assert!(failures.is_empty(), "{} of {checked} fail:\n{}", failures.len(), failures.join("\n"));
}

/// What stands between two records in one line.
const BETWEEN: [&str; 3] = [", ", " ", "\t"];

/// Whether a detector finds something in both halves of a text that is two texts with something between.
fn is_found_in_both(
    inspector: &Inspector,
    scratch: &mut Scratch,
    id: &str,
    (first, between, second): (&str, &str, &str),
) -> bool {
    let text = [first, between, second].concat();
    let mut halves = [false; 2];
    let _ = inspector.detectors().scan(scratch, text.as_bytes(), &mut |m| {
        if inspector.detectors().detector(m.detector).id == id {
            halves[usize::from(m.span.start.0 as usize >= first.len())] = true;
        }
    });
    halves == [true; 2]
}

/// A pattern with a greedy gap would take the last value of a line for the one behind its name. Labels of documents stand
/// alone in their line or field.
#[test]
fn of_two_values_in_a_line_both_are_found() {
    let inspector = inspector();
    let mut scratch = Scratch::new();
    let (mut failures, mut tried) = (Vec::new(), 0);
    let all = builtin_examples().expect("built-in examples");
    for (id, examples, _) in all.into_iter().filter(|(id, ..)| !id.starts_with("label.")) {
        let detector =
            inspector.detectors().detectors().find(|d| d.id == id).expect("examples belong to a detector").clone();
        for example in examples.iter().filter(|example| example.bytes.is_empty() && !example.text.contains('\n')) {
            let [(first, _), (second, _)] = [7, 8].map(|seed| expand(&detector, example, seed));
            for between in BETWEEN {
                tried += 1;
                if !is_found_in_both(&inspector, &mut scratch, &id, (&first, between, &second)) {
                    failures.push(format!("{id}: {first}{between}{second}"));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{} of {tried} fail:\n{}", failures.len(), failures.join("\n"));
}

/// Findings of credentials in a text that are shown by default.
fn shown(inspector: &Inspector, scratch: &mut Scratch, text: &str) -> Vec<(String, Finding)> {
    let mut collected = Collected::default();
    let job = Job { name: "example.txt", input: Input::Bytes(text.as_bytes()), cancel: &Cancel::default() };
    inspector.inspect(scratch, job, &mut collected);
    let findings = collected.findings.into_iter().filter(|f| f.confidence.level() >= ConfidenceLevel::Medium);
    let named = findings.map(|f| (inspector.detectors().detector(f.detector).id.clone(), f));
    named.filter(|(id, _)| id.starts_with("secret.")).collect()
}

/// Copies of a value with one letter or digit altered, so that its check fails.
fn altered(value: &str, check: &Check) -> Vec<String> {
    let places: Vec<usize> =
        value.char_indices().filter(|(_, c)| c.is_ascii_alphanumeric()).map(|(at, _)| at).collect();
    let other = |byte: &u8| match byte {
        b'7' => '3',
        b'0'..=b'9' => '7',
        b'a' => 'b',
        b'a'..=b'z' => 'a',
        b'A' => 'B',
        _ => 'A',
    };
    let copy = |at: &usize| format!("{}{}{}", &value[..*at], other(&value.as_bytes()[*at]), &value[at + 1..]);
    let copies = [places.len() / 3, places.len() / 2, places.len().saturating_sub(1)].map(|n| places.get(n).map(copy));
    copies.into_iter().flatten().filter(|copy| (check.verdict)(copy.as_bytes()) == Verdict::Invalid).collect()
}

/// Who shows an altered value all the same, without proof of its own. A form without a mark may be something else: there only
/// the detector itself is asked.
fn rescuers(
    inspector: &Inspector,
    scratch: &mut Scratch,
    (id, check): (&str, &Check),
    row: (&str, &str),
) -> Vec<String> {
    let (text, value) = row;
    let is_of_value = |f: &Finding| {
        let found = String::from_utf8_lossy(f.value.expose());
        value.contains(&*found) || found.contains(value)
    };
    let proof = |f: &Finding| f.validator.as_ref().filter(|v| v.verdict == Verdict::Valid).map(|v| v.name);
    let is_proven =
        |f: &Finding| proof(f).and_then(|name| validators::find(name)).is_some_and(|check| check.complete.is_some());
    let claims = shown(inspector, scratch, text).into_iter().filter(|(_, f)| is_of_value(f) && !is_proven(f));
    claims.map(|(claimed_by, _)| claimed_by).filter(|claimed_by| check.is_marked || claimed_by == id).collect()
}

/// Detectors with a check that one altered letter fails.
const ALTERED_MIN: usize = 40;

/// A token whose check fails is no token, and no other detector may take it for one of its own: not for one of another length
/// or an older form, not for what the name beside it says.
#[test]
fn altered_tokens_are_low_whoever_sees_them() {
    let (inspector, mut scratch) = (inspector(), Scratch::new());
    let (mut failures, mut tried) = (Vec::new(), BTreeSet::new());
    for (id, examples, _) in builtin_examples().expect("built-in examples") {
        let detector = inspector.detectors().detectors().find(|d| d.id == id).expect("examples belong to a detector");
        let check = detector.validator.as_ref().and_then(|v| validators::find(&v.name));
        let Some(check) = check.filter(|_| id.starts_with("secret.")) else { continue };
        for (text, values) in examples.iter().map(|example| expand(detector, example, 7)) {
            for value in values.iter().filter(|value| (check.verdict)(value.as_bytes()) == Verdict::Valid) {
                for altered in altered(value, check) {
                    tried.insert(id.clone());
                    let text = text.replace(value.as_str(), &altered);
                    let by = rescuers(&inspector, &mut scratch, (&id, check), (&text, &altered));
                    failures.extend((!by.is_empty()).then(|| format!("{id}: {altered} in `{text}` by {by:?}")));
                }
            }
        }
    }
    assert!(tried.len() >= ALTERED_MIN, "{} detectors tried", tried.len());
    assert!(failures.is_empty(), "{} fail:\n{}", failures.len(), failures.join("\n"));
}

/// The same under names of vendors, whose detectors would take any token.
#[test]
fn no_name_makes_an_altered_token_genuine() {
    let (inspector, mut scratch, mut failures) = (inspector(), Scratch::new(), Vec::new());
    let kinds = [
        ("ghp_[0-9A-Za-z]{36}", "github-token"),
        ("gho_[0-9A-Za-z]{36}", "github-token"),
        ("ghr_[0-9A-Za-z]{36}", "github-token"),
        ("npm_[0-9A-Za-z]{36}", "npm-token"),
        ("cfut_[0-9A-Za-z]{40}[0-9a-f]{8}", "cloudflare-token"),
        ("cflt[0-9A-Za-z+/]{60}", "confluent-secret"),
        ("glpat-[0-9A-Za-z_-]{27}[.]01[.]0z[0-9a-z]{7}", "gitlab-routable-token"),
        ("[0-9A-Za-z]{76}[+]ASt[0-9A-Za-z]{6}==", "azure-signed-key"),
        ("cmVmdGtuOjAxOj[0-9A-Za-z]{50}", "jfrog-reference-token"),
    ];
    let texts = [
        "value: \"@\"\n",
        "CONFLUENT_API_SECRET=@\n",
        "azure_storage_account_key: @\n",
        "JFROG_TOKEN=@\n",
        "gitlab_runner_token = \"@\"\n",
        "Authorization: Bearer @\n",
        "password: \"@\"\n",
        "https://user:@@db.internal.net/main\n",
    ];
    for (pattern, check) in kinds {
        let check = validators::find(check).expect("a check of the product");
        let issued = generate(pattern, 11, Some(check)).expect("recipe");
        let bare = |value: &str| texts[0].replace('@', value);
        assert!(!shown(&inspector, &mut scratch, &bare(&issued)).is_empty(), "{pattern}");
        for altered in altered(&issued, check) {
            for text in texts {
                let text = text.replacen('@', &altered, 1);
                let by: Vec<_> = shown(&inspector, &mut scratch, &text).into_iter().map(|(id, _)| id).collect();
                failures.extend((!by.is_empty()).then(|| format!("{text} by {by:?}")));
            }
        }
    }
    assert!(failures.is_empty(), "{} fail:\n{}", failures.len(), failures.join("\n"));
}

/// What a value of a form usually has, and nobody promises, costs points where it is missing; the value is shown all the
/// same, and a report says why.
#[test]
fn a_doubtful_value_costs_points_and_is_shown() {
    let (inspector, mut scratch) = (inspector(), Scratch::new());
    // The last character of 32 bytes in base 64 has two bits beyond them.
    let rows = [
        ("Zu8", Verdict::Valid, 97, "swarm-key check passed"),
        ("Zu9", Verdict::Doubtful, 85, "swarm-key check is doubtful"),
    ];
    for (end, verdict, points, reason) in rows {
        let text = format!("swarm: SWMKEY-1-7c37Cc8654o6p38HnroywCi19pllOnGtbdZEgtKx{end}\n");
        let found = shown(&inspector, &mut scratch, &text);
        let [(_, finding)] = found.as_slice() else { panic!("{text} {found:?}") };
        assert_eq!(finding.validator.as_ref().map(|found| found.verdict), Some(verdict), "{text}");
        assert_eq!(finding.confidence.score(), points, "{text}");
        assert!(finding.reasons.iter().any(|found| found.detail == reason), "{:?}", finding.reasons);
    }
}

/// Beside the name of its vendor a value is found; a word that says what it is, or a call of the vendor's, is what makes it
/// surer.
#[test]
fn a_value_beside_the_name_of_its_vendor_is_low() {
    let (inspector, mut scratch) = (inspector(), Scratch::new());
    let value = "7hGno6Kbzy5hdRs4Klpv9qXwm2tB8cfJ";
    let rows = [
        ("see agora @", false),
        ("agora @, which works", false),
        ("agora\n@ works\n", false),
        ("https://api.agora.com/@/items", false),
        ("AgoraApi(@)", false),
        ("agora secret @", true),
        ("agora_secret = \\\n  \"@\"", true),
        ("client = AgoraClient(\"@\")", true),
        ("client := agora.NewClient(\"@\")", true),
        ("agora.init('@')", true),
    ];
    for (row, is_shown) in rows {
        let text = format!("{}\n", row.replace('@', value));
        let found = ["secret.agora.customer-secret", "secret.agora.app-certificate"]
            .map(|id| findings(&inspector, &mut scratch, (id, text.as_bytes())))
            .concat();
        assert!(!found.is_empty(), "{row}");
        assert_eq!(found.iter().any(|f| f.confidence.level() >= ConfidenceLevel::Medium), is_shown, "{row}");
    }
}

/// On lines of their own they are shown, if nothing but chance mixes letters like that.
#[test]
fn a_drawn_value_alone_with_the_name_of_its_vendor_is_shown() {
    let (inspector, mut scratch) = (inspector(), Scratch::new());
    let (drawn, digest) = ("7hGno6Kbzy5hdRs4Klpv9qXwm2tB8cfJ", "0f1e2d3c4b5a69788796a5b4c3d2e1f0");
    let rows = [
        ("agora @\n", drawn, true),
        ("agora\n@\n", drawn, true),
        ("todo\n- Agora:\n  @\n", drawn, true),
        ("agora @\n", digest, false),
        ("agora\n@\n", digest, false),
    ];
    for (row, value, is_shown) in rows {
        let text = row.replace('@', value);
        let found = ["secret.agora.customer-secret", "secret.agora.app-certificate"]
            .map(|id| findings(&inspector, &mut scratch, (id, text.as_bytes())))
            .concat();
        assert!(!found.is_empty(), "{row}");
        assert_eq!(found.iter().any(|f| f.confidence.level() >= ConfidenceLevel::Medium), is_shown, "{row}");
    }
}
