//! Detectors and allow entries as TOML, written as a person would.

use super::draft::AllowDraft;
use std::fmt::Write as _;

/// A detector on its way into a file.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) description: String,
    pub(super) reference: String,
    pub(super) tags: Vec<String>,
    pub(super) patterns: Vec<String>,
    pub(super) boundary: &'static str,
    /// Words of which one must be near.
    pub(super) words: Vec<String>,
    pub(super) entropy_min: f64,
    pub(super) points: i16,
    /// Ids of detectors whose values belong to this one's.
    pub(super) companions: Vec<String>,
    /// Whether it is worth reporting beside them only.
    pub(super) needs_companion: bool,
    /// Texts, the values to be found in each, and how surely.
    pub(super) examples: Vec<(String, Vec<String>, String)>,
    pub(super) counter_examples: Vec<String>,
    /// What is said above it.
    pub(super) remarks: Vec<String>,
}

/// Bytes on either side in which the keywords of a rule are looked for: the most there is.
pub(super) const KEYWORD_WINDOW_BYTES: u16 = 1024;

/// Points for a value nearby that the rule depends on.
const COMPANION_POINTS: i16 = 10;

/// Points that a rule has only beside what it demands: from low to medium.
const NEEDED_POINTS: i16 = 20;

/// Appends a detector.
pub(super) fn detector(out: &mut String, table: &Table) {
    let mut text = String::from("\n");
    table.remarks.iter().for_each(|remark| text.push_str(&comment(remark)));
    text.push_str("[[detector]]\n");
    for (key, value) in [("id", &table.id), ("title", &table.title), ("description", &table.description)] {
        field(&mut text, key, &quoted(value));
    }
    if !table.reference.is_empty() {
        field(&mut text, "reference", &quoted(&table.reference));
    }
    text.push_str("category = \"secret\"\nseverity = \"high\"\n");
    if !table.tags.is_empty() {
        field(&mut text, "tags", &list(&table.tags));
    }
    field(&mut text, "patterns", &list(&table.patterns));
    field(&mut text, "boundary", &quoted(table.boundary));
    if !table.words.is_empty() {
        let (words, window) = (list(&table.words), KEYWORD_WINDOW_BYTES);
        let context =
            format!("{{ strong = {words}, required = true, before_bytes = {window}, after_bytes = {window} }}");
        field(&mut text, "context", &context);
    }
    if table.entropy_min > 0.0 {
        field(&mut text, "entropy_min", &format!("{:.2}", table.entropy_min));
    }
    if table.companions.is_empty() {
        field(&mut text, "score", &format!("{{ pattern = {} }}", table.points));
    } else {
        field(&mut text, "companions", &list(&table.companions));
        let lacking = if table.needs_companion { NEEDED_POINTS } else { 0 };
        let (alone, beside) = (table.points - lacking, lacking.max(COMPANION_POINTS));
        field(&mut text, "score", &format!("{{ pattern = {alone}, companion = {beside} }}"));
    }
    if !table.examples.is_empty() {
        text.push_str("examples = [\n");
        for (example, finds, level) in &table.examples {
            let line = format!("{{ text = {}, finds = {}, level = {} }}", quoted(example), list(finds), quoted(level));
            writeln!(text, "  {line},").expect("writing to a string succeeds");
        }
        text.push_str("]\n");
    }
    if !table.counter_examples.is_empty() {
        text.push_str("counter_examples = [\n");
        for counter in &table.counter_examples {
            let line = format!("{{ text = {}, reason = \"a negative example of the rule\" }}", quoted(counter));
            writeln!(text, "  {line},").expect("writing to a string succeeds");
        }
        text.push_str("]\n");
    }
    out.push_str(&text);
}

/// Appends an allow entry.
pub(super) fn allow(out: &mut String, draft: &AllowDraft) {
    out.push_str("\n[[allow]]\n");
    field(out, "reason", &quoted(&draft.reason));
    field(out, "detectors", &list(&draft.detectors));
    let tests = &draft.tests;
    for (key, texts) in [
        ("paths", &tests.paths),
        ("except_paths", &tests.except_paths),
        ("values", &tests.values),
        ("lines", &tests.lines),
        ("words", &tests.words),
        ("commits", &tests.commits),
    ] {
        if !texts.is_empty() {
            field(out, key, &list(texts));
        }
    }
    if draft.all {
        out.push_str("require = \"all\"\n");
    }
}

fn field(out: &mut String, key: &str, value: &str) {
    writeln!(out, "{key} = {value}").expect("writing to a string succeeds");
}

fn comment(text: &str) -> String {
    text.lines().map(|line| format!("# {}\n", line.trim_end())).collect()
}

fn list(texts: &[String]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
    match texts.as_slice() {
        [] => "[]".to_owned(),
        [one] => format!("[{one}]"),
        many if many.iter().map(String::len).sum::<usize>() < 90 => format!("[{}]", many.join(", ")),
        many => format!("[\n  {},\n]", many.join(",\n  ")),
    }
}

/// Within single quotes where nothing has to be escaped, as regexes are best read.
pub(crate) fn quoted(text: &str) -> String {
    let is_literal = !text.contains(|c: char| c == '\'' || c.is_control());
    if is_literal && text.contains(['\\', '"']) {
        return format!("'{text}'");
    }
    let is_plain = !text.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\t'));
    let fits = !text.contains("'''") && !text.starts_with('\n') && !text.ends_with('\'');
    if is_plain && fits && text.contains('\\') {
        return format!("'''{text}'''");
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() => write!(out, "\\u{:04X}", u32::from(c)).expect("writing to a string succeeds"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_back_as_they_were() {
        for text in [
            "",
            "plain",
            r"a\b",
            "say \"x\"",
            "it's",
            r"['\x60\s]",
            r"a\'''b",
            r"a\'",
            "\na\\",
            "(?x)\n a\\s\n",
            "it's \\ \"x\"",
            "a\nb\tc\u{7}",
            "zażółć",
        ] {
            let read: toml::Table = toml::from_str(&format!("x = {}", quoted(text))).expect(text);
            assert_eq!(read["x"].as_str(), Some(text), "{text}");
        }
    }
}
