//! Examples and counter-examples through the whole scan, with every detector switched on as in real life.

use crate::engine;
use crate::error::CliError;
use crate::{exit, say};
use dlp_core::base::{Cancel, ConfidenceLevel};
use dlp_core::content::{Finding, Input};
use dlp_core::inspect::{Collected, Inspector, Job};
use dlp_core::knowledge::{
    Catalogue, CounterExample, Detector, Example, Examples, builtin_examples, generate::generate, validators,
};
use dlp_core::matching::Scratch;
use std::io::{self, Write as _};
use std::path::PathBuf;

/// Values that are tried for each generated example.
const SEEDS: std::ops::Range<u64> = 0..8;

/// Runs the examples and prints the failures.
pub(super) fn run(files: &[PathBuf]) -> Result<u8, CliError> {
    let mut catalogue = Catalogue::builtin()?;
    let read = engine::add_files(&mut catalogue, files)?;
    let cases: Vec<Examples> = if files.is_empty() {
        builtin_examples()?
    } else {
        read.into_iter().map(|r| (r.detector.id, r.examples, r.counter_examples)).collect()
    };
    let mut bench = Bench { inspector: engine::with_catalogue(catalogue)?, scratch: Scratch::new(), checked: 0 };
    let failures: Vec<String> = cases.iter().flat_map(|case| bench.case(case)).collect();
    let mut out = io::stdout().lock();
    failures.iter().try_for_each(|failure| writeln!(out, "{failure}")).map_err(CliError::stdout)?;
    say(&format!("{} detectors, {} texts, {} failures", cases.len(), bench.checked, failures.len()));
    Ok(if failures.is_empty() { exit::CLEAN } else { exit::FINDINGS })
}

/// Everything that a test needs.
struct Bench {
    inspector: Inspector,
    scratch: Scratch,
    checked: usize,
}

impl Bench {
    fn case(&mut self, (id, examples, counters): &Examples) -> Vec<String> {
        let Some(detector) = self.inspector.detectors().detectors().find(|d| d.id == *id).cloned() else {
            return vec![format!("{id}: has examples but is not in the set")];
        };
        let mut failures = Vec::new();
        for example in examples {
            let seeds = if example.generate.is_empty() { 0..1 } else { SEEDS };
            failures.extend(seeds.filter_map(|seed| self.example(&detector, example, seed)).next());
        }
        failures.extend(counters.iter().filter_map(|counter| self.counter(&detector, counter)));
        failures
    }

    fn example(&mut self, detector: &Detector, example: &Example, seed: u64) -> Option<String> {
        let (text, expected) = match expand(detector, example, seed) {
            Ok(expanded) => expanded,
            Err(message) => return Some(format!("{}: {message}", detector.id)),
        };
        let level = ConfidenceLevel::from_word(&example.level)?;
        let found = self.findings(&detector.id, &text);
        let enough = found.iter().filter(|f| f.confidence.level() >= level);
        let values: Vec<_> = enough.map(|f| String::from_utf8_lossy(f.value.expose()).into_owned()).collect();
        let scores: Vec<_> = found.iter().map(|f| f.confidence.score()).collect();
        let text = example.text.escape_debug();
        let counted =
            format!("{} of {} values", values.iter().filter(|v| expected.contains(v)).count(), expected.len());
        let id = &detector.id;
        (values != expected).then(|| {
            format!("{id}: expected all values at {level} or higher in `{text}`, found {counted}; scores {scores:?}")
        })
    }

    fn counter(&mut self, detector: &Detector, counter: &CounterExample) -> Option<String> {
        let found = self.findings(&detector.id, &counter.text);
        let shown = found.iter().find(|f| f.confidence.level() >= ConfidenceLevel::Medium)?;
        let (id, score, text) = (&detector.id, shown.confidence.score(), counter.text.escape_debug());
        Some(format!("{id}: expected silence on `{text}` ({}), found a value with score {score}", counter.reason))
    }

    fn findings(&mut self, id: &str, text: &str) -> Vec<Finding> {
        self.checked += 1;
        let mut collected = Collected::default();
        let job = Job { name: "example.txt", input: Input::Bytes(text.as_bytes()), cancel: &Cancel::default() };
        self.inspector.inspect(&mut self.scratch, job, &mut collected);
        collected.findings.retain(|f| self.inspector.detectors().detector(f.detector).id == id);
        collected.findings
    }
}

/// The example's text and the values to be found in it, generated ones included.
fn expand(detector: &Detector, example: &Example, seed: u64) -> Result<(String, Vec<String>), String> {
    if example.generate.is_empty() {
        return Ok((example.text.clone(), example.finds.clone()));
    }
    let check = detector.validator.as_ref().and_then(|v| validators::find(&v.name));
    let value = generate(&example.generate, seed, check).map_err(|error| error.to_string())?;
    let finds = if example.finds.is_empty() { vec![value.clone()] } else { example.finds.clone() };
    Ok((example.text.replace("{{value}}", &value), finds))
}
