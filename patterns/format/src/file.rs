//! From the text of one file to checked detectors.
//!
//! Reading has two steps: serde takes the TOML apart (unknown keys and words end here, with line, column and the
//! allowed ones), then each detector is checked against itself: its id against the file's place, its patterns for
//! bounds and anchors, its points against the scale.

use crate::abbreviation::expand;
use crate::allow::{Allow, AllowToml};
use crate::anchor::{self, MATCH_LEN_MAX};
use crate::model::{Boundary, Context, CounterExample, Detector, Example, Failure, Pattern, Score, Validator};
use crate::{Anchor, Category, FormatError, SensitivityLabel, Severity, chance, program, wide};
use regex_syntax::hir::Hir;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Where a file stands: the family folder and the file's name without ending, for example `secret` and `github`.
#[derive(Clone, Copy, Debug)]
pub struct FileId<'a> {
    /// Name for messages.
    pub name: &'a str,
    /// Prefix that each id in the file must have, for example `secret.github`; empty for files of users, whose ids are
    /// free.
    pub id_prefix: &'a str,
}

impl FileId<'_> {
    fn is_built_in(&self) -> bool {
        !self.id_prefix.is_empty()
    }
}

/// A detector with its examples, as read from a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Read {
    /// The detector.
    pub detector: Detector,
    /// Texts in which it must fire.
    pub examples: Vec<Example>,
    /// Texts in which it must not fire.
    pub counter_examples: Vec<CounterExample>,
    /// Lines of the file on which these texts stand.
    pub lines: ExampleLines,
}

/// Where the examples of a detector stand in its file, counted from 1.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExampleLines {
    /// One line for each example.
    pub examples: Vec<usize>,
    /// One line for each counter-example.
    pub counter_examples: Vec<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileToml {
    #[serde(default)]
    detector: Vec<toml::Spanned<DetectorToml>>,
    #[serde(default)]
    allow: Vec<toml::Spanned<AllowToml>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DetectorToml {
    id: String,
    title: String,
    description: String,
    #[serde(default)]
    remedy: String,
    #[serde(default)]
    reference: String,
    category: Category,
    severity: Severity,
    label: Option<SensitivityLabel>,
    #[serde(default)]
    tags: Vec<String>,
    patterns: Vec<String>,
    #[serde(default)]
    wide: Vec<String>,
    boundary: Option<Boundary>,
    validator: Option<String>,
    on_failure: Option<Failure>,
    #[serde(default)]
    context: ContextToml,
    score: ScoreToml,
    #[serde(default)]
    entropy_min: f32,
    #[serde(default)]
    specimens: Vec<String>,
    #[serde(default)]
    companions: Vec<String>,
    #[serde(default = "default_reveal_last")]
    reveal_last: u8,
    #[serde(default)]
    examples: Vec<toml::Spanned<ExampleToml>>,
    #[serde(default)]
    counter_examples: Vec<toml::Spanned<CounterExampleToml>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ContextToml {
    strong: Vec<String>,
    weak: Vec<String>,
    negative: Vec<String>,
    before_bytes: Option<u16>,
    after_bytes: Option<u16>,
    required: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScoreToml {
    pattern: i16,
    #[serde(default)]
    companion: i16,
    #[serde(default)]
    validator: i16,
    #[serde(default)]
    strong: i16,
    #[serde(default)]
    weak: i16,
    #[serde(default)]
    negative: i16,
    #[serde(default)]
    alone: i16,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExampleToml {
    #[serde(default)]
    text: String,
    #[serde(default)]
    hex: String,
    #[serde(default)]
    finds: Vec<String>,
    #[serde(default)]
    generate: String,
    #[serde(default = "default_level")]
    level: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CounterExampleToml {
    #[serde(default)]
    text: String,
    #[serde(default)]
    hex: String,
    reason: String,
}

/// Bytes before a match that are searched for context, unless the detector says otherwise: about one line.
const CONTEXT_BEFORE_BYTES: u16 = 80;
/// Bytes after a match that are searched for context, unless the detector says otherwise.
const CONTEXT_AFTER_BYTES: u16 = 40;
/// Widest context window, a bound of what the stream scan carries over.
const CONTEXT_BYTES_MAX: u16 = 1024;
/// Shortest match that a pattern may have: shorter ones are everywhere.
const MATCH_LEN_MIN: usize = 3;

fn default_reveal_last() -> u8 {
    4
}

fn default_level() -> String {
    "medium".to_owned()
}

/// Reads one detector file.
///
/// # Errors
/// [`FormatError::Syntax`] for wrong TOML, unknown keys or words; [`FormatError::Detector`] for the first detector that
/// contradicts itself.
pub fn parse_file(file: FileId<'_>, text: &str) -> Result<Vec<Read>, FormatError> {
    let parsed = syntax(file, text)?;
    let lines = Lines::of(text);
    if let Some(entry) = parsed.allow.first().filter(|_| file.is_built_in()) {
        let message = "expected detectors alone in a built-in file".to_owned();
        return Err(FormatError::Allow { file: file.name.to_owned(), line: lines.of_value(entry), message });
    }
    if parsed.detector.is_empty() && parsed.allow.is_empty() {
        let message = "expected at least one `[[detector]]` or `[[allow]]` table, found none".to_owned();
        return Err(FormatError::Syntax { file: file.name.to_owned(), message });
    }
    parsed
        .detector
        .into_iter()
        .map(|spanned| {
            let line = lines.of_value(&spanned);
            let raw = spanned.into_inner();
            let lines = ExampleLines {
                examples: raw.examples.iter().map(|example| lines.of_value(example)).collect(),
                counter_examples: raw.counter_examples.iter().map(|counter| lines.of_value(counter)).collect(),
            };
            let failed = |detector: &str, line, message| FormatError::Detector {
                file: file.name.to_owned(),
                line,
                detector: detector.to_owned(),
                message,
            };
            let id = raw.id.clone();
            check_examples(file, &raw, &lines).map_err(|(at, message)| failed(&id, at.unwrap_or(line), message))?;
            check(file, raw, lines).map_err(|message| failed(&id, line, message))
        })
        .collect()
}

/// Reads the allow entries of a user's file.
///
/// # Errors
/// [`FormatError::Syntax`] for wrong TOML, unknown keys or words; [`FormatError::Allow`] for the first entry that says
/// nothing.
pub fn parse_allow(file: FileId<'_>, text: &str) -> Result<Vec<Allow>, FormatError> {
    let lines = Lines::of(text);
    let entry = |spanned: toml::Spanned<AllowToml>| {
        let line = lines.of_value(&spanned);
        let failed = |message| FormatError::Allow { file: file.name.to_owned(), line, message };
        spanned.into_inner().checked(line).map_err(failed)
    };
    syntax(file, text)?.allow.into_iter().map(entry).collect()
}

fn syntax(file: FileId<'_>, text: &str) -> Result<FileToml, FormatError> {
    toml::from_str(text).map_err(|error| FormatError::Syntax { file: file.name.to_owned(), message: error.to_string() })
}

/// The lines of a file, by the places of their ends.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Self(text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at).collect())
    }

    /// The line on which a value starts, from 1.
    fn of_value<T>(&self, value: &toml::Spanned<T>) -> usize {
        1 + self.0.partition_point(|end| *end < value.span().start)
    }
}

fn check(file: FileId<'_>, raw: DetectorToml, lines: ExampleLines) -> Result<Read, String> {
    check_id(file, &raw.id)?;
    if raw.companions.is_empty() != (raw.score.companion == 0) {
        return Err("expected `companions` and `score.companion` together".to_owned());
    }
    let (boundary, patterns) = patterns(&raw, file.is_built_in())?;
    if patterns.is_empty() {
        return Err("expected at least one entry in `patterns`, found none".to_owned());
    }
    let is_secret = raw.category == Category::Secret;
    let failure = raw.on_failure.unwrap_or(if is_secret { Failure::Low } else { Failure::Drop });
    let label = raw.label.unwrap_or(default_label(raw.category));
    Ok(Read {
        examples: raw.examples.into_iter().map(|e| example(e.into_inner())).collect(),
        counter_examples: raw
            .counter_examples
            .into_iter()
            .map(toml::Spanned::into_inner)
            .map(counter_example)
            .collect(),
        lines,
        detector: Detector {
            id: raw.id,
            title: raw.title,
            description: raw.description.trim().to_owned(),
            remedy: raw.remedy,
            reference: raw.reference,
            category: raw.category,
            severity: raw.severity,
            label,
            tags: raw.tags,
            patterns,
            boundary,
            validator: raw.validator.map(|name| Validator { name, failure }),
            context: context(raw.context)?,
            score: score(&raw.score)?,
            entropy_min: raw.entropy_min,
            specimens: raw.specimens,
            companions: raw.companions,
            reveal_last: raw.reveal_last,
        },
    })
}

/// `secret/github.toml` holds `secret.github` itself or `secret.github.<name>`, in kebab-case.
fn check_id(file: FileId<'_>, id: &str) -> Result<(), String> {
    let word = |w: &str| !w.is_empty() && w.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !id.contains('.') || !id.split('.').all(word) {
        return Err("expected an id of lower-case words joined by `.` and `-`, like `pii.pl.pesel`".to_owned());
    }
    let rest = id.strip_prefix(file.id_prefix);
    if rest.is_none_or(|rest| !(file.id_prefix.is_empty() || rest.is_empty() || rest.starts_with('.'))) {
        return Err(format!("expected an id that starts with the file's place, `{}.`", file.id_prefix));
    }
    Ok(())
}

/// What is wrong with the examples, and on which line when it is one of them. Users may leave them out, because rules that
/// are taken over from elsewhere come without.
fn check_examples(file: FileId<'_>, raw: &DetectorToml, lines: &ExampleLines) -> Result<(), (Option<usize>, String)> {
    let (found, least) = (raw.examples.len().min(raw.counter_examples.len()), examples_min(raw.category));
    if file.is_built_in() && found < least {
        let message = format!("expected at least {least} each in `examples` and `counter_examples`, found {found}");
        return Err((None, message));
    }
    if file.is_built_in() {
        check_distinct(raw, lines)?;
    }
    for (example, line) in raw.examples.iter().zip(&lines.examples) {
        check_example(example.get_ref()).map_err(|message| (Some(*line), message))?;
    }
    for (counter, line) in raw.counter_examples.iter().zip(&lines.counter_examples) {
        check_counter_example(counter.get_ref()).map_err(|message| (Some(*line), message))?;
    }
    Ok(())
}

/// That no text stands twice: a repetition shows nothing more.
fn check_distinct(raw: &DetectorToml, lines: &ExampleLines) -> Result<(), (Option<usize>, String)> {
    let examples = raw.examples.iter().map(|example| example.get_ref());
    let counters = raw.counter_examples.iter().map(|counter| counter.get_ref());
    let shown = examples.map(|example| [&example.text, &example.generate, &example.hex]);
    check_no_doubles(shown.zip(&lines.examples))?;
    check_no_doubles(counters.map(|counter| [&counter.text, &counter.hex]).zip(&lines.counter_examples))
}

fn check_no_doubles<'l, T: Ord>(shown: impl Iterator<Item = (T, &'l usize)>) -> Result<(), (Option<usize>, String)> {
    let mut first = BTreeMap::new();
    for (entry, line) in shown {
        if let Some(before) = first.insert(entry, *line) {
            return Err((Some(*line), format!("expected another text, found the one of line {before} again")));
        }
    }
    Ok(())
}

/// Entries that a built-in detector has at least of each kind. A credential has few marks but those of its place, so several
/// places are shown.
fn examples_min(category: Category) -> usize {
    if category == Category::Secret { 3 } else { 1 }
}

fn check_counter_example(counter: &CounterExampleToml) -> Result<(), String> {
    let shown = if counter.hex.is_empty() { &counter.text } else { &counter.hex };
    match (counter.text.is_empty(), counter.hex.is_empty()) {
        _ if counter.reason.trim().is_empty() => Err(format!("expected a `reason` for counter-example `{shown}`")),
        (true, false) if bytes_of(&counter.hex).is_none() => {
            Err(format!("expected `hex` to hold pairs of hexadecimal digits, found `{shown}`"))
        }
        (true, false) | (false, true) => Ok(()),
        _ => Err("expected either `text` or `hex` in a counter-example".to_owned()),
    }
}

fn check_example(example: &ExampleToml) -> Result<(), String> {
    if !example.hex.is_empty() {
        let is_alone = example.text.is_empty() && example.finds.is_empty() && example.generate.is_empty();
        return match bytes_of(&example.hex) {
            Some(_) if is_alone => check_level(example),
            Some(_) => Err("expected `hex` without `text`, `finds` and `generate`".to_owned()),
            None => Err(format!("expected `hex` to hold pairs of hexadecimal digits, found `{}`", example.hex)),
        };
    }
    if example.text.contains("{{value}}") == example.generate.is_empty() {
        return Err(format!("expected `{{{{value}}}}` and `generate` together in example `{}`", example.text));
    }
    if example.finds.is_empty() && example.generate.is_empty() {
        return Err(format!("expected `finds` or `generate` in example `{}`", example.text));
    }
    check_level(example)
}

fn check_level(example: &ExampleToml) -> Result<(), String> {
    let is_level = ["low", "medium", "high"].contains(&example.level.as_str());
    let message = || format!("expected `level` to be low, medium or high, found `{}`", example.level);
    if is_level { Ok(()) } else { Err(message()) }
}

fn example(raw: ExampleToml) -> Example {
    let bytes = bytes_of(&raw.hex).unwrap_or_default();
    Example { text: raw.text, finds: raw.finds, generate: raw.generate, level: raw.level, bytes }
}

fn counter_example(raw: CounterExampleToml) -> CounterExample {
    let bytes = bytes_of(&raw.hex).unwrap_or_default();
    CounterExample { text: raw.text, bytes, reason: raw.reason }
}

/// The bytes that pairs of hexadecimal digits stand for; spaces between them do not count.
fn bytes_of(hex: &str) -> Option<Vec<u8>> {
    let digits: Vec<u32> =
        hex.chars().filter(|c| !c.is_ascii_whitespace()).map(|c| c.to_digit(16)).collect::<Option<_>>()?;
    digits.len().is_multiple_of(2).then(|| digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect())
}

/// The patterns of a detector, and what may stand beside their matches.
fn patterns(raw: &DetectorToml, is_built_in: bool) -> Result<(Boundary, Vec<Pattern>), String> {
    let has_twins = is_built_in && raw.category == Category::Secret;
    let twins = raw.patterns.iter().filter(|pattern| has_twins && !has_wider_sibling(pattern, &raw.patterns));
    let twins = twins.filter_map(|pattern| wide::twin(pattern));
    let wide: Vec<String> = raw.wide.iter().cloned().chain(twins).collect();
    let compile = |boundary| {
        let narrow = raw.patterns.iter().map(|pattern| (pattern, false));
        let all = narrow.chain(wide.iter().map(|pattern| (pattern, true)));
        let compiled = all.map(|(pattern, is_wide)| {
            let pattern = compile_pattern(pattern, boundary, is_built_in)?;
            Ok(Pattern { is_wide, ..pattern })
        });
        compiled.collect::<Result<Vec<_>, String>>().map(|patterns| (boundary, patterns))
    };
    let calls_name = raw.patterns.iter().all(|pattern| pattern.contains("(?&"));
    let (boundary, patterns) =
        compile(raw.boundary.unwrap_or(if calls_name { Boundary::Name } else { Boundary::Token }))?;
    // Without a literal, matches are looked for where tokens start, which is not inside of a name.
    let starts = |pattern: &Pattern| pattern.anchors.iter().any(|anchor| matches!(anchor, Anchor::Start { .. }));
    match (boundary, raw.boundary, patterns.iter().any(starts)) {
        (Boundary::Name, Some(_), true) => {
            Err("expected a literal in every pattern, because `boundary` is `name`".to_owned())
        }
        (Boundary::Name, None, true) => compile(Boundary::Token),
        _ => Ok((boundary, patterns)),
    }
}

/// Whether the same value is looked for behind any setting of its vendor, whose twin takes what this one's would.
fn has_wider_sibling(pattern: &str, patterns: &[String]) -> bool {
    pattern.contains("(?&near)") && patterns.contains(&pattern.replace("(?&near)", "(?&key)"))
}

/// The syntax tree of a pattern, with ASCII classes unless the pattern says `(?u)`.
pub(crate) fn parse_pattern(pattern: &str) -> Result<Hir, String> {
    regex_syntax::ParserBuilder::new()
        .unicode(false)
        .utf8(false)
        .build()
        .parse(pattern)
        .map_err(|error| format!("pattern cannot be read: {error}"))
}

fn compile_pattern(source: &str, boundary: Boundary, is_built_in: bool) -> Result<Pattern, String> {
    let pattern = &*expand(source)?;
    let hir = parse_pattern(pattern)?;
    let properties = hir.properties();
    let len_max = properties.maximum_len().filter(|len| *len <= MATCH_LEN_MAX).ok_or_else(|| {
        format!("expected a pattern of at most {MATCH_LEN_MAX} bytes; give repetitions an upper bound: `{pattern}`")
    })?;
    if properties.minimum_len().is_none_or(|len| len < MATCH_LEN_MIN) {
        return Err(format!("expected a pattern that takes at least {MATCH_LEN_MIN} bytes: `{pattern}`"));
    }
    let anchor::Derived { anchors, window, demand } =
        anchor::derive(&hir, boundary, is_built_in).map_err(|message| format!("{message}: `{pattern}`"))?;
    let chance_bits = chance::bits(&hir);
    let program = program::derive(&hir);
    let whole_numbers = anchor::whole_number::derive(&hir, boundary, window.first());
    let (regex, len_max, is_wide) = (source.to_owned(), len_max as u32, false);
    Ok(Pattern { regex, anchors, len_max, window, demand, chance_bits, program, whole_numbers, is_wide })
}

fn context(raw: ContextToml) -> Result<Context, String> {
    let before_bytes = raw.before_bytes.unwrap_or(CONTEXT_BEFORE_BYTES);
    let after_bytes = raw.after_bytes.unwrap_or(CONTEXT_AFTER_BYTES);
    if before_bytes.max(after_bytes) > CONTEXT_BYTES_MAX {
        return Err(format!("expected context windows of at most {CONTEXT_BYTES_MAX} bytes"));
    }
    if raw.required && raw.strong.is_empty() {
        return Err("expected `context.strong` words, because `context.required` is set".to_owned());
    }
    Ok(Context {
        strong: raw.strong,
        weak: raw.weak,
        negative: raw.negative,
        before_bytes,
        after_bytes,
        required: raw.required,
    })
}

fn score(raw: &ScoreToml) -> Result<Score, String> {
    let in_scale = |points: i16| (0..=100).contains(&points);
    if ![raw.pattern, raw.validator, raw.strong, raw.weak, raw.companion].into_iter().all(in_scale) {
        return Err("expected `score` points from 0 to 100 (`negative`, `alone`: from -100 to 0)".to_owned());
    }
    for (key, points) in [("negative", raw.negative), ("alone", raw.alone)] {
        if !(-100..=0).contains(&points) {
            return Err(format!("expected `score.{key}` from -100 to 0, found {points}"));
        }
    }
    Ok(Score {
        pattern: raw.pattern,
        companion: raw.companion,
        validator: raw.validator,
        strong: raw.strong,
        weak: raw.weak,
        negative: raw.negative,
        alone: raw.alone,
    })
}

/// What one finding of a category says of the item that holds it, unless the detector says otherwise.
fn default_label(category: Category) -> SensitivityLabel {
    match category {
        Category::Pii | Category::GovernmentId | Category::Finance | Category::Health | Category::Edm => {
            SensitivityLabel::Regulated
        }
        Category::Secret | Category::SourceCode | Category::DocumentFingerprint => SensitivityLabel::Confidential,
        Category::Label | Category::Custom => SensitivityLabel::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINIMAL: &str = r#"
[[detector]]
id = "secret.acme.key"
title = "Acme key"
description = "A key."
category = "secret"
severity = "high"
patterns = ['acme_[a-z]{8}']
score = { pattern = 90 }
examples = [{ text = "acme_abcdefgh", finds = ["acme_abcdefgh"] }, { text = "k=acme_abcdefgh", finds = ["acme_abcdefgh"] }, { text = "(acme_abcdefgh)", finds = ["acme_abcdefgh"] }]
counter_examples = [{ text = "acme_", reason = "too short" }, { text = "acme", reason = "a name" }, { text = "acme_x", reason = "cut" }]
"#;

    const FILE: FileId<'_> = FileId { name: "secret/acme.toml", id_prefix: "secret.acme" };

    #[test]
    fn a_minimal_detector_gets_the_defaults_of_its_category() {
        let read = parse_file(FILE, MINIMAL).expect("valid file");
        let detector = &read[0].detector;
        assert_eq!(detector.label, SensitivityLabel::Confidential);
        assert_eq!(detector.boundary, Boundary::Token);
        assert_eq!(detector.context.before_bytes, CONTEXT_BEFORE_BYTES);
        assert_eq!(detector.patterns[0].len_max, 13);
    }

    #[test]
    fn users_may_leave_examples_out_and_allow_findings() {
        let user = FileId { name: "own.toml", id_prefix: "" };
        let bare: String = MINIMAL.lines().filter(|line| !line.contains("examples")).collect::<Vec<_>>().join("\n");
        let allow = "\n[[allow]]\nreason = \"tests\"\npaths = ['^tests/']\nrequire = \"all\"\n";
        let text = format!("{bare}{allow}");
        assert_eq!(parse_file(user, &text).expect("valid file").len(), 1);
        let entries = parse_allow(user, &text).expect("valid file");
        assert_eq!((entries[0].tests.paths.as_slice(), entries[0].all), (&["^tests/".to_owned()][..], true));
        assert_eq!(parse_allow(user, allow).expect("entries alone")[0].line, 2);
        let rows = [
            (parse_file(FILE, &bare).err(), "examples"),
            (parse_file(FILE, &format!("{MINIMAL}{allow}")).err(), "detectors alone"),
            (parse_file(user, "").err(), "at least one"),
            (
                parse_allow(user, "[[allow]]\nreason = \"x\"\n").err(),
                "own.toml:1: allow entry: expected at least one of",
            ),
            (parse_allow(user, "[[allow]]\nreason = \"\"\nwords = [\"a\"]\n").err(), "`reason`"),
            (parse_allow(user, "[[allow]]\nreason = \"x\"\nwords = [\"\"]\n").err(), "empty text"),
            (parse_allow(user, "[[allow]]\nreason = \"x\"\npath = [\"a\"]\n").err(), "expected one of"),
        ];
        for (error, expected) in rows {
            let message = error.expect(expected).to_string();
            assert!(message.contains(expected), "expected `{expected}` in: {message}");
        }
    }

    #[test]
    fn mistakes_are_named_with_place_and_expectation() {
        let rows: &[(&str, &str, &[&str])] = &[
            ("severity = \"high\"", "severity = \"hihg\"", &["line 7", "hihg", "critical"]),
            ("title =", "titel =", &["line 4", "titel", "expected one of", "title"]),
            ("secret.acme.key", "secret.other.key", &["secret/acme.toml:2", "secret.acme."]),
            ("secret.acme.key", "secret.acmekey", &["starts with the file's place"]),
            ("{8}", "+", &["upper bound"]),
            ("acme_[a-z]{8}", "[a-z", &["pattern cannot be read"]),
            ("pattern = 90", "pattern = 190", &["from 0 to 100"]),
            ("reason = \"too short\"", "reason = \"\"", &["`reason`"]),
            (", finds = [\"acme_abcdefgh\"]", "", &["`finds` or `generate`"]),
            (", { text = \"acme_x\", reason = \"cut\" }", "", &["at least 3", "found 2"]),
            ("text = \"acme_x\"", "text = \"acme_\"", &["acme.toml:11", "another text", "line 11 again"]),
            ("text = \"(acme_abcdefgh)\"", "text = \"acme_abcdefgh\"", &["another text"]),
            ("pattern = 90", "pattern = 90, companion = 5", &["`companions` and `score.companion` together"]),
            ("finds =", "hex = \"0g\", finds =", &["pairs of hexadecimal digits"]),
            ("finds =", "hex = \"00\", finds =", &["`hex` without `text`"]),
        ];
        for (from, to, expected) in rows {
            let text = MINIMAL.replace(from, to);
            assert_ne!(text, MINIMAL, "row `{from}` changes nothing");
            let message = parse_file(FILE, &text).expect_err(from).to_string();
            for word in *expected {
                assert!(message.contains(word), "`{to}`: expected `{word}` in:\n{message}");
            }
        }
    }
}
