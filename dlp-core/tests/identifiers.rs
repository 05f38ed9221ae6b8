//! Identifiers where people put them: the example values of every detector of people, money and health, under the words
//! that name them, in each way of writing a record.
//!
//! Detectors show a sentence or two themselves. A number that is found in a sentence and missed in the column, the element
//! or the form field of the same name leaves the house with the next export.

use dlp_core::base::{Cancel, ConfidenceLevel, Limits};
use dlp_core::content::Input;
use dlp_core::inspect::{Collected, Inspector, Job};
use dlp_core::knowledge::{Catalogue, Detector, builtin_examples};
use dlp_core::matching::{DetectorSet, Scratch};

/// A way of writing a record.
struct Form {
    name: &'static str,
    /// With `@L` for the label as people write it, `@s` as `nr_konta`, `@c` as `nrKonta`, `@P` as `NrKonta`, and `@@` for
    /// the value.
    text: &'static str,
    /// How the value is spelt in it.
    spelling: Spelling,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Spelling {
    Plain,
    Form,
    Json,
    Xml,
}

const fn form(name: &'static str, text: &'static str, spelling: Spelling) -> Form {
    Form { name, text, spelling }
}

const FORMS: &[Form] = &[
    form("label", "Customer record. @L: @@ was noted on the form.\n", Spelling::Plain),
    form("sentence", "According to our files, the @L is @@, please check it.\n", Spelling::Plain),
    form("label behind", "We wrote down @@ (@L) yesterday.\n", Spelling::Plain),
    form("line", "Anna Nowak\n@L @@\nParis\n", Spelling::Plain),
    form("CSV", "id,@L,city\n1,\"@@\",Paris\n0,\"@@\",Rome\n", Spelling::Plain),
    form("CSV with numbers beside", "id,@s,count,city\n1,@@,35,Paris\n0,@@,4,Rome\n", Spelling::Plain),
    form("CSV of semicolons", "city;@s\nParis;@@\nRome 2;@@\n", Spelling::Plain),
    form("Markdown table", "| name | @L |\n|---|---|\n| Ann 1 | @@ |\n| Bob 2 | @@ |\n", Spelling::Plain),
    form("JSON", "{\"id\": 1, \"@s\": \"@@\", \"city\": \"Paris\"}\n", Spelling::Json),
    form("JSON of programs", "{\"customer\": {\"id\": 1, \"@c\": \"@@\"}}\n", Spelling::Json),
    form("XML", "<?xml version=\"1.0\"?>\n<c><n>Ann</n><@s>@@</@s></c>\n", Spelling::Xml),
    form("XML of programs", "<Customer><Name>Ann</Name><@P>@@</@P></Customer>\n", Spelling::Xml),
    form("form", "name=Ann&@s=@@&city=Paris", Spelling::Form),
    form("HTML table", "<table><tr><td>Ann</td></tr><tr><th>@L</th><td>@@</td></tr></table>\n", Spelling::Xml),
    form("SQL", "INSERT INTO people (id, @s, city) VALUES (1, '@@', 'Paris');\n", Spelling::Plain),
    form("YAML", "name: Ann\n@s: @@\ncity: Paris\n", Spelling::Plain),
    form("log", "2026-03-01 12:00:00 INFO saved user name=ann @s=@@ status=ok\n", Spelling::Plain),
];

/// The least share of values that is shown by default in each way, in percent.
const SHOWN_MIN: usize = 99;

#[test]
fn identifiers_are_found_in_every_way_of_writing_a_record() {
    let inspector = Inspector::new(DetectorSet::builtin().expect("built-in detectors"), Limits::batch());
    let named = named_values();
    assert!(named.len() > 500, "only {} values have a word that names them", named.len());
    let mut scratch = Scratch::new();
    let mut failures = Vec::new();
    for form in FORMS {
        let held: Vec<&Named> = named.iter().filter(|named| form.can_hold(named)).collect();
        let missed: Vec<String> = held
            .iter()
            .filter(|named| !is_shown(&inspector, &mut scratch, &form.fill(named), named))
            .map(|Named { detector, label, .. }| format!("{detector} as `{label}`"))
            .collect();
        let share = (held.len() - missed.len()) * 100 / held.len();
        println!("{:24} {share:3} % of {} shown", form.name, held.len());
        if share < SHOWN_MIN {
            failures.push(format!("{}: {share} % shown; missed: {missed:?}", form.name));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// A value and a word that names it.
struct Named {
    detector: String,
    label: String,
    value: String,
}

/// The first example value of each detector, under the first and the last of the words that name it.
fn named_values() -> Vec<Named> {
    let detectors: Vec<_> = Catalogue::builtin().expect("built-in detectors").detectors().collect();
    let examples = builtin_examples().expect("built-in examples");
    let mut named = Vec::new();
    for (id, examples, _) in examples.iter().filter(|(id, ..)| is_identifier(id)) {
        let detector = detectors.iter().find(|detector| detector.id == *id).expect("it has examples");
        let shown = examples.iter().filter(|example| example.level != "low");
        let value = shown.flat_map(|example| &example.finds).find(|value| !value.contains(['\n', ',', '"', '\'']));
        let Some(value) = value.filter(|_| !names_itself(detector)) else { continue };
        let strong = &detector.context.strong;
        let labels = [strong.first(), strong.last().filter(|_| strong.len() > 1)];
        named.extend(labels.into_iter().flatten().map(|label| Named {
            detector: id.clone(),
            label: label.trim_end_matches('*').to_owned(),
            value: value.clone(),
        }));
    }
    named
}

fn is_identifier(id: &str) -> bool {
    ["pii.", "finance.", "health."].iter().any(|family| id.starts_with(family))
}

/// Whether the word for the value is a part of the pattern, so that no other way of writing it is meant.
fn names_itself(detector: &Detector) -> bool {
    detector.patterns.iter().all(|pattern| pattern.regex.contains("(?P<value>"))
}

impl Form {
    /// Names in small and capital letters are only made of words that have some, and whose parts are words.
    fn can_hold(&self, named: &Named) -> bool {
        let is_glued = self.text.contains("@c") || self.text.contains("@P");
        let has_words = |label: &str| label.is_ascii() && words(label).iter().all(|word| word.len() > 1);
        !is_glued || has_words(&named.label)
    }

    fn fill(&self, Named { label, value, .. }: &Named) -> String {
        let words = words(label);
        let capital = |word: &String| word[..1].to_ascii_uppercase() + &word[1..];
        let mut text = self.text.replace("@L", label).replace("@s", &words.join("_"));
        if label.is_ascii() {
            let capitals: String = words.iter().map(capital).collect();
            text = text.replace("@c", &(words[0].clone() + &capitals[words[0].len()..])).replace("@P", &capitals);
        }
        text.replace("@@", &self.spelling.of(value))
    }
}

fn words(label: &str) -> Vec<String> {
    label.split([' ', '-', '.', '\'', '/']).filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

impl Spelling {
    fn of(self, value: &str) -> String {
        match self {
            Self::Plain => value.to_owned(),
            Self::Json => value.replace('\\', "\\\\").replace('"', "\\\""),
            Self::Xml => value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"),
            Self::Form => value.bytes().map(form_byte).collect(),
        }
    }
}

/// A byte as forms of browsers write it.
fn form_byte(byte: u8) -> String {
    match byte {
        b' ' => "+".to_owned(),
        b'*' | b'-' | b'.' | b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    }
}

/// Whether a finding that is shown by default holds most of the value, whatever detector found it.
fn is_shown(inspector: &Inspector, scratch: &mut Scratch, text: &str, Named { value, .. }: &Named) -> bool {
    let mut collected = Collected::default();
    let job = Job { name: "record.txt", input: Input::Bytes(text.as_bytes()), cancel: &Cancel::default() };
    inspector.inspect(scratch, job, &mut collected);
    let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
    let value = letters(value);
    collected.findings.iter().any(|finding| {
        let found = letters(&String::from_utf8_lossy(finding.value.expose()));
        finding.confidence.level() >= ConfidenceLevel::Medium
            && 2 * found.len() > value.len()
            && (value.contains(&found) || found.contains(&value))
    })
}
