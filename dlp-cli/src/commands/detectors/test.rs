//! Examples and counter-examples through the whole scan, with every detector switched on as in real life.

use crate::engine;
use crate::error::CliError;
use crate::{exit, say};
use dlp_core::base::{Cancel, ConfidenceLevel};
use dlp_core::content::{Finding, Input};
use dlp_core::inspect::{Collected, Inspector, Job};
use dlp_core::knowledge::{
    Catalogue, CounterExample, Detector, Example, Examples, Read, builtin_examples, generate::generate, validators,
};
use dlp_core::matching::Scratch;
use dlp_core::output::pretty::plural;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Values that are tried for each generated example.
const SEEDS: std::ops::Range<u64> = 0..8;

/// Runs the examples and prints the failures.
pub(super) fn run(files: &[PathBuf]) -> Result<u8, CliError> {
    let mut catalogue = Catalogue::builtin()?;
    let mut cases = Vec::new();
    for file in files {
        let read = engine::add_file(&mut catalogue, file)?;
        cases.extend(read.into_iter().map(|read| Case::of_file(file, read)));
    }
    if files.is_empty() {
        cases.extend(builtin_examples()?.into_iter().map(Case::built_in));
    }
    let mut bench = Bench { inspector: engine::with_catalogue(catalogue)?, scratch: Scratch::new(), checked: 0 };
    let failures: Vec<String> = cases.iter().flat_map(|case| bench.case(case)).collect();
    let mut out = io::stdout().lock();
    failures.iter().try_for_each(|failure| writeln!(out, "{failure}")).map_err(CliError::stdout)?;
    let bare = cases.iter().filter(|case| case.examples.is_empty()).count();
    if bare > 0 {
        let they_find = if bare == 1 { "it finds" } else { "they find" };
        let bare = plural(bare as u64, "detector");
        say(&format!("{bare} without examples: nothing shows that {they_find} anything"));
    }
    let counts = [(cases.len(), "detector"), (bench.checked, "text"), (failures.len(), "failure")];
    say(&counts.map(|(count, noun)| plural(count as u64, noun)).join(", "));
    Ok(if failures.is_empty() { exit::CLEAN } else { exit::FINDINGS })
}

/// The examples of one detector.
struct Case {
    id: String,
    /// Put before a failure of each: the place in the user's file.
    examples: Vec<(String, Example)>,
    counters: Vec<(String, CounterExample)>,
}

impl Case {
    fn of_file(file: &Path, read: Read) -> Self {
        let place = |line: &usize| format!("{}:{line}: ", file.display());
        Self {
            id: read.detector.id,
            examples: read.lines.examples.iter().map(place).zip(read.examples).collect(),
            counters: read.lines.counter_examples.iter().map(place).zip(read.counter_examples).collect(),
        }
    }

    fn built_in((id, examples, counters): Examples) -> Self {
        Self {
            id,
            examples: examples.into_iter().map(|example| (String::new(), example)).collect(),
            counters: counters.into_iter().map(|counter| (String::new(), counter)).collect(),
        }
    }
}

/// Everything that a test needs.
struct Bench {
    inspector: Inspector,
    scratch: Scratch,
    checked: usize,
}

impl Bench {
    fn case(&mut self, Case { id, examples, counters }: &Case) -> Vec<String> {
        let Some(detector) = self.inspector.detectors().detectors().find(|d| d.id == *id).cloned() else {
            return vec![format!("{id}: has examples but is not in the set")];
        };
        let mut failures = Vec::new();
        for (place, example) in examples {
            let mut seeds = if example.generate.is_empty() { 0..1 } else { SEEDS };
            let failure = seeds.find_map(|seed| self.example(&detector, example, seed));
            failures.extend(failure.map(|failure| place.clone() + &failure));
        }
        for (place, counter) in counters {
            failures.extend(self.counter(&detector, counter).map(|failure| place.clone() + &failure));
        }
        failures
    }

    fn example(&mut self, detector: &Detector, example: &Example, seed: u64) -> Option<String> {
        if !example.bytes.is_empty() {
            return self.file(detector, example);
        }
        let (text, expected) = match expand(detector, example, seed) {
            Ok(expanded) => expanded,
            Err(message) => return Some(format!("{}: {message}", detector.id)),
        };
        let level = ConfidenceLevel::from_word(&example.level)?;
        let (found, others) = self.findings_and_others(&detector.id, text.as_bytes());
        let enough = found.iter().filter(|f| f.confidence.level() >= level);
        let values: Vec<_> = enough.map(|f| String::from_utf8_lossy(f.value.expose()).into_owned()).collect();
        let scores: Vec<_> = found.iter().map(|f| f.confidence.score()).collect();
        let reached = values.iter().filter(|value| expected.contains(value)).count();
        (values != expected).then(|| {
            let (id, text, wanted) =
                (&detector.id, example.text.escape_debug(), plural(expected.len() as u64, "value"));
            let or_higher = or_higher(level);
            let surplus = values.len() - reached;
            let got = match (&scores[..], surplus) {
                ([], _) if others.is_empty() => "found nothing".to_owned(),
                ([], _) => format!("found nothing: what stands there is reported by {} instead", others.join(", ")),
                (_, 0) => format!("{reached} reached it; scores: {}", joined(&scores)),
                _ => format!("found {} that `finds` does not name", plural(surplus as u64, "value")),
            };
            format!("{id}: in `{text}`, expected {wanted} with {level} confidence{or_higher}, but {got}")
        })
    }

    /// An example of a file that is no text: something has to be found in it.
    fn file(&mut self, detector: &Detector, example: &Example) -> Option<String> {
        let level = ConfidenceLevel::from_word(&example.level)?;
        let found = self.findings(&detector.id, &example.bytes);
        let is_found = found.iter().any(|f| f.confidence.level() >= level);
        let (id, len, or_higher) = (&detector.id, example.bytes.len(), or_higher(level));
        let message =
            || format!("{id}: in {len} bytes, expected a value with {level} confidence{or_higher}, but found none");
        (!is_found).then(message)
    }

    fn counter(&mut self, detector: &Detector, counter: &CounterExample) -> Option<String> {
        let found = self.findings(&detector.id, counter.content());
        let shown = found.iter().find(|f| f.confidence.level() >= ConfidenceLevel::Medium)?;
        let (id, score, text) = (&detector.id, shown.confidence.score(), counter.text.escape_debug());
        Some(format!("{id}: expected silence on `{text}` ({}), found a value with score {score}", counter.reason))
    }

    fn findings(&mut self, id: &str, content: &[u8]) -> Vec<Finding> {
        self.findings_and_others(id, content).0
    }

    /// The findings of a detector, and the ids of others that find something.
    fn findings_and_others(&mut self, id: &str, content: &[u8]) -> (Vec<Finding>, Vec<String>) {
        self.checked += 1;
        let mut collected = Collected::default();
        let job = Job { name: "example.txt", input: Input::Bytes(content), cancel: &Cancel::default() };
        self.inspector.inspect(&mut self.scratch, job, &mut collected);
        let id_of = |found: &Finding| self.inspector.detectors().detector(found.detector).id.clone();
        let (own, others): (Vec<_>, Vec<_>) = collected.findings.into_iter().partition(|found| id_of(found) == id);
        let mut others: Vec<String> = others.iter().map(id_of).collect();
        others.dedup();
        (own, others)
    }
}

/// Nothing is above the highest level.
fn or_higher(level: ConfidenceLevel) -> &'static str {
    if level == ConfidenceLevel::High { "" } else { " or higher" }
}

fn joined(scores: &[u8]) -> String {
    scores.iter().map(u8::to_string).collect::<Vec<_>>().join(", ")
}

/// The example's text and the values to be found in it, generated ones included.
pub(super) fn expand(detector: &Detector, example: &Example, seed: u64) -> Result<(String, Vec<String>), String> {
    if example.generate.is_empty() {
        return Ok((example.text.clone(), example.finds.clone()));
    }
    let check = detector.validator.as_ref().and_then(|v| validators::find(&v.name));
    let value = generate(&example.generate, seed, check).map_err(|error| error.to_string())?;
    let finds = if example.finds.is_empty() { vec![value.clone()] } else { example.finds.clone() };
    Ok((example.text.replace("{{value}}", &value), finds))
}
