//! Every built-in detector fires on its examples and stays silent on its counter-examples, on the whole pipeline.

use dlp_core::base::{Cancel, ConfidenceLevel, Limits};
use dlp_core::content::{Finding, Input};
use dlp_core::inspect::{Collected, Inspector, Job};
use dlp_core::knowledge::{CounterExample, Detector, Example, builtin_examples, generate::generate, validators};
use dlp_core::matching::{DetectorSet, Scratch};

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
fn shown(inspector: &Inspector, scratch: &mut Scratch, text: &str) -> Vec<String> {
    let mut collected = Collected::default();
    let job = Job { name: "example.txt", input: Input::Bytes(text.as_bytes()), cancel: &Cancel::default() };
    inspector.inspect(scratch, job, &mut collected);
    let findings = collected.findings.iter().filter(|f| f.confidence.level() >= ConfidenceLevel::Medium);
    let ids = findings.map(|f| inspector.detectors().detector(f.detector).id.clone());
    ids.filter(|id| id.starts_with("secret.")).collect()
}

/// A token whose sum is wrong is no token, and no other detector may take it for one of another length.
#[test]
fn altered_tokens_are_low_whoever_sees_them() {
    let inspector = inspector();
    let mut scratch = Scratch::new();
    let kinds = [
        ("ghp_[0-9A-Za-z]{36}", "github-token"),
        ("gho_[0-9A-Za-z]{36}", "github-token"),
        ("ghr_[0-9A-Za-z]{36}", "github-token"),
        ("cfut_[0-9A-Za-z]{40}[0-9a-f]{8}", "cloudflare-token"),
    ];
    for (pattern, check) in kinds {
        let issued = generate(pattern, 11, validators::find(check)).expect("recipe");
        let last = if issued.ends_with('a') { 'b' } else { 'a' };
        let altered = format!("{}{last}", &issued[..issued.len() - 1]);
        assert!(!shown(&inspector, &mut scratch, &format!("value: \"{issued}\"\n")).is_empty(), "{pattern}");
        assert_eq!(shown(&inspector, &mut scratch, &format!("value: \"{altered}\"\n")), [""; 0], "{pattern}");
    }
}

/// Beside the name of its vendor a value is found; a word that says what it is, or a call of the vendor's, is what makes it
/// surer.
#[test]
fn a_value_beside_the_name_of_its_vendor_is_low() {
    let (inspector, mut scratch) = (inspector(), Scratch::new());
    let value = "7hGno6Kbzy5hdRs4Klpv9qXwm2tB8cfJ";
    let rows = [
        ("agora @", false),
        ("agora\n@\n", false),
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
