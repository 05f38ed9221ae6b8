//! One detector in full: prose, patterns, anchors, checks, words, and the arithmetic of its confidence.

use super::test::expand;
use crate::cli::DetectorChoice;
use crate::engine;
use crate::error::CliError;
use crate::exit;
use dlp_core::base::{Confidence, ConfidenceLevel};
use dlp_core::knowledge::{Anchor, Boundary, CounterExample, Detector, Example, Failure, Pattern, builtin_examples};
use dlp_core::output::escape;
use dlp_core::output::pretty::plural;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::PathBuf;

/// Which of the values that a recipe makes is shown.
const SAMPLE_SEED: u64 = 1;

/// Prints the explanation.
pub(super) fn run(id: &str, files: &[PathBuf]) -> Result<u8, CliError> {
    let (catalogue, read) = engine::catalogue_with_examples(&DetectorChoice {
        detector_file: files.to_owned(),
        ..DetectorChoice::default()
    })?;
    let detector = catalogue
        .detectors()
        .find(|detector| detector.id == id)
        .ok_or_else(|| CliError::NoDetector { id: id.to_owned(), nearest: nearest(id, catalogue.ids()) })?;
    let own = read.into_iter().find(|r| r.detector.id == id).map(|r| (r.examples, r.counter_examples));
    let builtin = || builtin_examples().map(|all| all.into_iter().find(|(of, ..)| of == id).map(|(_, e, c)| (e, c)));
    let (examples, counters) = match own {
        Some(examples) => examples,
        None => builtin()?.unwrap_or_default(),
    };
    let mut text = Text(String::new());
    text.head(&detector);
    text.matching(&detector);
    text.scoring(&detector);
    text.examples(&detector, &examples, &counters);
    io::stdout().lock().write_all(text.0.as_bytes()).map_err(CliError::stdout)?;
    Ok(exit::CLEAN)
}

/// The id that is spelled most like another, if it differs in few characters.
fn nearest<'a>(id: &str, ids: impl Iterator<Item = &'a str>) -> Option<String> {
    let typos_max = 1 + id.len() / 6;
    let near = ids.map(|other| (typos(id, other), other));
    near.filter(|(typos, _)| *typos <= typos_max).min().map(|(_, id)| id.to_owned())
}

/// Characters that are inserted, left out or exchanged between two ids (Levenshtein's distance).
fn typos(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, a) in one.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], line + 1);
        for (column, b) in other.bytes().enumerate() {
            let kept = diagonal + usize::from(a != b);
            diagonal = row[column + 1];
            row[column + 1] = kept.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
}

/// A text on one line, as a person would see it.
fn shown(text: &str) -> String {
    escape(&text.trim_end_matches('\n').replace('\n', " ⏎ ")).into_owned()
}

/// The explanation while it is written.
struct Text(String);

impl Text {
    fn line(&mut self, line: impl std::fmt::Display) {
        writeln!(self.0, "{line}").expect("writing to a string succeeds");
    }

    fn field(&mut self, name: &str, value: impl std::fmt::Display) {
        self.line(format_args!("  {name:<12}  {value}"));
    }

    fn heading(&mut self, text: &str) {
        self.line(format_args!("\n{text}"));
    }

    fn head(&mut self, detector: &Detector) {
        self.line(format_args!("{}\n{}\n", detector.id, detector.title));
        self.line(&detector.description);
        self.heading("About");
        self.field("category", detector.category);
        self.field("severity", detector.severity);
        self.field("label", detector.label);
        for (name, value) in [
            ("tags", detector.tags.join(", ")),
            ("remedy", detector.remedy.clone()),
            ("reference", detector.reference.clone()),
        ] {
            if !value.is_empty() {
                self.field(name, value);
            }
        }
    }

    fn matching(&mut self, detector: &Detector) {
        self.heading("Looks for");
        for pattern in &detector.patterns {
            self.field(if pattern.is_wide { "wide" } else { "pattern" }, &pattern.regex);
            looked_for(pattern).iter().for_each(|line| self.field("tried at", line));
        }
        self.field("beside it", beside(detector.boundary));
        if let Some(validator) = &detector.validator {
            let failure = match validator.failure {
                Failure::Drop => "a value that fails is dropped",
                Failure::Low => "a value that fails is kept at low confidence",
            };
            self.field("validator", format_args!("{}; {failure}", validator.name));
        }
        if !detector.companions.is_empty() {
            self.field("belongs to", detector.companions.join(", "));
        }
        if detector.entropy_min > 0.0 {
            self.field("entropy", format_args!("at least {} bits per byte", detector.entropy_min));
        }
        let context = &detector.context;
        for (name, words) in [("strong", &context.strong), ("weak", &context.weak), ("negative", &context.negative)] {
            if !words.is_empty() {
                self.field(&format!("{name} words"), words.join(", "));
            }
        }
        if !(context.strong.is_empty() && context.weak.is_empty() && context.negative.is_empty()) {
            let required = if context.required { "; a strong word is required" } else { "" };
            let (before, after) = (context.before_bytes, context.after_bytes);
            self.field("searched", format_args!("{before} bytes before, {after} bytes after{required}"));
        }
    }

    /// Every sum that the evidence can come to, weakest first.
    fn scoring(&mut self, detector: &Detector) {
        let score = &detector.score;
        let steps = [
            ("validator passes", score.validator),
            ("weak word", score.weak),
            ("strong word", score.strong),
            ("negative word", score.negative),
            ("nothing of its kind nearby", score.alone),
            ("its id nearby", score.companion),
        ];
        self.heading("Confidence");
        self.sum("pattern alone", score.pattern);
        for (name, points) in steps.into_iter().filter(|(_, points)| *points != 0) {
            self.sum(&format!("pattern and {name}"), score.pattern + points);
        }
        if score.validator != 0 && score.strong != 0 {
            self.sum("pattern, validator and strong word", score.pattern + score.validator + score.strong);
        }
        if !detector.specimens.is_empty() {
            self.line(format_args!("  published specimens are kept as low: {}", detector.specimens.join(", ")));
        }
    }

    fn sum(&mut self, name: &str, points: i16) {
        let confidence = Confidence::from_points(i32::from(points));
        self.line(format_args!("  {name:<36}{:>4}  {}", confidence.score(), confidence.level()));
    }

    fn examples(&mut self, detector: &Detector, examples: &[Example], counters: &[CounterExample]) {
        if !examples.is_empty() {
            self.heading("Fires on");
        }
        for example in examples {
            let or_higher = if example.level == ConfidenceLevel::High.as_str() { "" } else { " or higher" };
            let text = match example.bytes.as_slice() {
                [] => shown(
                    &expand(detector, example, SAMPLE_SEED).map_or_else(|_| example.text.clone(), |(text, _)| text),
                ),
                bytes => format!(
                    "a file of {} that begins with {:02x?}",
                    plural(bytes.len() as u64, "byte"),
                    &bytes[..bytes.len().min(8)]
                ),
            };
            self.line(format_args!("  {text} ({}{or_higher})", example.level));
        }
        if !counters.is_empty() {
            self.heading("Stays silent on");
        }
        for counter in counters {
            self.line(format_args!("  {} ({})", shown(&counter.text), counter.reason));
        }
    }
}

/// Where the pattern is tried at all, in a person's words.
fn looked_for(pattern: &Pattern) -> Vec<String> {
    let mut lines: Vec<(String, Vec<String>)> = Vec::new();
    for (place, what) in pattern.anchors.iter().map(describe) {
        match lines.iter_mut().find(|(at, _)| *at == place) {
            Some((_, list)) => list.push(what),
            None => lines.push((place, vec![what])),
        }
    }
    lines.into_iter().map(|(place, list)| format!("{}{place}", list.join(" or "))).collect()
}

/// Where an anchor stands, and what it is.
fn describe(anchor: &Anchor) -> (String, String) {
    match anchor {
        Anchor::Literal { bytes, before_min, before_max, .. } => {
            let literal = format!("`{}`", String::from_utf8_lossy(bytes).escape_debug());
            let place = match (before_min, before_max) {
                (0, 0) => " at its start, in upper or lower case".to_owned(),
                (min, max) if min == max => format!(" {} into it, in upper or lower case", characters(*min)),
                (min, max) => format!(" {min} to {} into it, in upper or lower case", characters(*max)),
            };
            (place, literal)
        }
        Anchor::Start { skip_max, run_min, digit_within, .. } => {
            let letters = match run_min {
                1 => "a letter or digit".to_owned(),
                min => format!("at least {min} letters and digits in a row"),
            };
            let digit = match digit_within {
                None => String::new(),
                Some(0) => ", of which the first is a digit".to_owned(),
                Some(within) => format!(", with a digit among the first {}", within + 1),
            };
            let behind = match skip_max {
                0 => String::new(),
                max => format!(", behind up to {}", plural(u64::from(*max), "other character")),
            };
            (format!("{digit}{behind}"), letters)
        }
    }
}

fn characters(count: u32) -> String {
    plural(u64::from(count), "character")
}

/// What may stand directly beside a match.
fn beside(boundary: Boundary) -> &'static str {
    match boundary {
        Boundary::None => "anything, as far as the pattern itself does not say otherwise",
        Boundary::Token => "no letter or digit on either side",
        Boundary::Name => {
            "no letter or digit on either side, but for a name in camel case or `-D` before, and nothing that goes on as keys do"
        }
        Boundary::Identifier => "no letter or digit on either side, and no longer number or name of which it is a part",
        Boundary::Word => "no letter of any script, digit or underscore on either side",
    }
}
