//! One detector in full: prose, patterns, anchors, checks, words, and the arithmetic of its confidence.

use crate::cli::DetectorChoice;
use crate::engine;
use crate::error::CliError;
use crate::exit;
use dlp_core::base::{Confidence, ConfidenceLevel};
use dlp_core::knowledge::{Anchor, ByteSet, CounterExample, Detector, Example, Failure, Pattern, builtin_examples};
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::PathBuf;

/// Prints the explanation.
pub(super) fn run(id: &str, files: &[PathBuf]) -> Result<u8, CliError> {
    let (catalogue, read) = engine::catalogue_with_examples(&DetectorChoice {
        detector_file: files.to_owned(),
        ..DetectorChoice::default()
    })?;
    let detector = catalogue
        .detectors()
        .iter()
        .find(|detector| detector.id == id)
        .ok_or_else(|| CliError::NoDetector { id: id.to_owned() })?;
    let own = read.into_iter().find(|r| r.detector.id == id).map(|r| (r.examples, r.counter_examples));
    let builtin = || builtin_examples().map(|all| all.into_iter().find(|(of, ..)| of == id).map(|(_, e, c)| (e, c)));
    let (examples, counters) = match own {
        Some(examples) => examples,
        None => builtin()?.unwrap_or_default(),
    };
    let mut text = Text(String::new());
    text.head(detector);
    text.matching(detector);
    text.scoring(detector);
    text.examples(&examples, &counters);
    io::stdout().lock().write_all(text.0.as_bytes()).map_err(CliError::stdout)?;
    Ok(exit::CLEAN)
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
            self.field("pattern", &pattern.regex);
            anchors(pattern).iter().for_each(|line| self.field("anchor", line));
        }
        self.field("boundary", format!("{:?}", detector.boundary).to_lowercase());
        if let Some(validator) = &detector.validator {
            let failure = match validator.failure {
                Failure::Drop => "a value that fails is dropped",
                Failure::Low => "a value that fails is kept at low confidence",
            };
            self.field("validator", format_args!("{}; {failure}", validator.name));
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

    fn examples(&mut self, examples: &[Example], counters: &[CounterExample]) {
        self.heading("Fires on");
        for example in examples {
            let or_higher = if example.level == ConfidenceLevel::High.as_str() { "" } else { " or higher" };
            self.line(format_args!("  {} ({}{or_higher})", example.text.escape_debug(), example.level));
        }
        self.heading("Stays silent on");
        for counter in counters {
            self.line(format_args!("  {} ({})", counter.text.escape_debug(), counter.reason));
        }
    }
}

/// What must be present for the pattern to be tried: literals at one distance stand on one line.
fn anchors(pattern: &Pattern) -> Vec<String> {
    let mut lines: Vec<(String, Vec<String>)> = Vec::new();
    for (place, what) in pattern.anchors.iter().map(|anchor| describe(anchor, &pattern.window)) {
        match lines.iter_mut().find(|(at, _)| *at == place) {
            Some((_, list)) => list.push(what),
            None => lines.push((place, vec![what])),
        }
    }
    lines.into_iter().map(|(place, list)| format!("{} {place}", list.join(" or "))).collect()
}

/// Where an anchor stands, and what it is. Where a token is the anchor, the window tells what is tried.
fn describe(anchor: &Anchor, window: &[ByteSet]) -> (String, String) {
    match anchor {
        Anchor::Literal { bytes, before_min, before_max, .. } => {
            let literal = format!("`{}`", String::from_utf8_lossy(bytes).escape_debug());
            (behind_start(*before_min, *before_max), literal)
        }
        Anchor::Start { skip_min, skip_max, run_min, digit_within, .. } => {
            let digit = digit_within.map_or_else(String::new, |within| format!(", with a digit within {within} bytes"));
            let token = format!("a token of {run_min} bytes or more{digit}, in `{}`", classes(window));
            (behind_start(*skip_min, *skip_max), token)
        }
    }
}

fn behind_start(min: u32, max: u32) -> String {
    match (min, max) {
        (0, 0) => "at the start".to_owned(),
        (min, max) if min == max => format!("{min} bytes behind the start"),
        (min, max) => format!("{min} to {max} bytes behind the start"),
    }
}

/// The bytes that can stand at each place, as a regex writes them: `[A-Z]{2}[0-9]{3}`.
fn classes(window: &[ByteSet]) -> String {
    let runs = window.chunk_by(|a, b| a == b);
    runs.map(|run| match run.len() {
        1 => format!("[{}]", byte_ranges(&run[0])),
        count => format!("[{}]{{{count}}}", byte_ranges(&run[0])),
    })
    .collect()
}

/// A set of bytes as in a character class: `0-9A-F`.
fn byte_ranges(set: &ByteSet) -> String {
    let mut text = String::new();
    let mut at = 0u16;
    while at < 256 {
        let run = (at..256).take_while(|byte| set.contains(*byte as u8)).count() as u16;
        let shown = |byte: u16| (byte as u8).escape_ascii().to_string();
        match run {
            0 => {}
            1 | 2 => text.extend((at..at + run).map(shown)),
            _ => text.push_str(&format!("{}-{}", shown(at), shown(at + run - 1))),
        }
        at += run + 1;
    }
    text
}
