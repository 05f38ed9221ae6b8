//! Allow entries at work: findings that a user's file says do not count.
//!
//! Entries come from `[[allow]]` tables beside detectors. They speak to scans, as marks and baselines do: what they allow
//! stays in the reports as suppressed, and the gateway does not know them. An entry that asks for the line of a finding is
//! judged where the line is at hand, which is in text files of a moderate size; elsewhere it allows nothing.

use super::record::Suppression;
use crate::knowledge::{Allow, AllowTests, glob_matches};
use regex_automata::meta::Regex;
use regex_automata::util::syntax;
use thiserror::Error;

/// An entry cannot be used.
#[derive(Debug, Error)]
#[error("{file}:{line}: allow entry: expected a regex in `{key}`, found `{regex}`: {message}")]
pub struct AllowError {
    /// Name of the file.
    file: String,
    /// Line of the entry.
    line: usize,
    /// The list that it stands in.
    key: &'static str,
    /// The text.
    regex: String,
    /// What is wrong with it.
    message: String,
}

/// What is known of a finding when it is judged.
#[derive(Clone, Copy, Debug)]
pub struct AllowSubject<'a> {
    /// Detector id.
    pub detector: &'a str,
    /// Path as reports show it, members of archives behind `!`.
    pub path: &'a str,
    /// The commit, in scans of a history.
    pub commit: Option<&'a str>,
    /// The value.
    pub value: &'a [u8],
    /// The line on which it starts, where it is at hand.
    pub line: Option<&'a [u8]>,
}

/// Every entry of a run.
#[derive(Debug, Default)]
pub struct AllowList {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    file: String,
    allow: Allow,
    paths: Vec<Regex>,
    except_paths: Vec<Regex>,
    values: Vec<Regex>,
    lines: Vec<Regex>,
    /// In lower case.
    words: Vec<Vec<u8>>,
    /// Stands before paths that are asked about: the way from the directory of the file to what they are relative to.
    way: String,
}

impl AllowList {
    /// The entries, each with the name of its file.
    ///
    /// # Errors
    /// [`AllowError`] for the first regex that cannot be compiled.
    pub fn new(entries: &[(String, Allow)]) -> Result<Self, AllowError> {
        Ok(Self { entries: entries.iter().map(|(file, allow)| Entry::new(file, allow)).collect::<Result<_, _>>()? })
    }

    /// Says how to get from the directory of each file to the directory that paths of findings are relative to, as
    /// `services/web/`, so that an entry means the same files whichever part of a tree is scanned. Paths that are not
    /// relative stay as they are.
    pub fn set_ways(&mut self, way: impl Fn(&str) -> String) {
        self.entries.iter_mut().for_each(|entry| entry.way = way(&entry.file));
    }

    /// Whether an entry asks for lines.
    #[must_use]
    pub fn asks_for_lines(&self) -> bool {
        self.entries.iter().any(|entry| !entry.lines.is_empty())
    }

    /// The first entry that allows a finding.
    #[must_use]
    pub fn verdict(&self, subject: AllowSubject<'_>) -> Option<Suppression> {
        let Entry { file, allow, .. } = self.entries.iter().find(|entry| entry.allows(subject))?;
        let entry = format!("{file}:{}", allow.line);
        Some(Suppression { by: "allowlist", reason: allow.reason.clone(), until: None, entry })
    }
}

impl Entry {
    fn new(file: &str, allow: &Allow) -> Result<Self, AllowError> {
        let AllowTests { paths, except_paths, values, lines, words, .. } = &allow.tests;
        let compile = |key: &'static str, sources: &[String]| -> Result<Vec<Regex>, AllowError> {
            let error = |regex: &String, message| AllowError {
                file: file.to_owned(),
                line: allow.line,
                key,
                regex: regex.clone(),
                message,
            };
            sources.iter().map(|source| regex(source).map_err(|message| error(source, message))).collect()
        };
        Ok(Self {
            file: file.to_owned(),
            paths: compile("paths", paths)?,
            except_paths: compile("except_paths", except_paths)?,
            values: compile("values", values)?,
            lines: compile("lines", lines)?,
            words: words.iter().map(|word| word.to_ascii_lowercase().into_bytes()).collect(),
            way: String::new(),
            allow: allow.clone(),
        })
    }

    fn allows(&self, subject: AllowSubject<'_>) -> bool {
        let detectors = &self.allow.detectors;
        if !detectors.is_empty() && !detectors.iter().any(|glob| glob_matches(glob, subject.detector)) {
            return false;
        }
        let any = |regexes: &[Regex], text: &[u8]| regexes.iter().any(|regex| regex.is_match(text));
        let is_whole = subject.path.starts_with('/');
        let whole = if is_whole { subject.path.to_owned() } else { format!("{}{}", self.way, subject.path) };
        let path = whole.as_bytes();
        let holds_word = || {
            let value = subject.value.to_ascii_lowercase();
            self.words.iter().any(|word| memchr::memmem::find(&value, word).is_some())
        };
        let commits = &self.allow.tests.commits;
        let is_of_commit = || subject.commit.is_some_and(|id| commits.iter().any(|start| id.starts_with(&**start)));
        let tests: [(bool, &dyn Fn() -> bool); 6] = [
            (!self.paths.is_empty(), &|| any(&self.paths, path)),
            (!self.except_paths.is_empty(), &|| !any(&self.except_paths, path)),
            (!self.values.is_empty(), &|| any(&self.values, subject.value)),
            (!self.lines.is_empty(), &|| subject.line.is_some_and(|line| any(&self.lines, line))),
            (!self.words.is_empty(), &holds_word),
            (!commits.is_empty(), &is_of_commit),
        ];
        let mut given = tests.iter().filter(|(is_given, _)| *is_given);
        if self.allow.all { given.all(|(_, holds)| holds()) } else { given.any(|(_, holds)| holds()) }
    }
}

/// ASCII classes, as in the patterns of detectors.
fn regex(source: &str) -> Result<Regex, String> {
    let syntax = syntax::Config::new().unicode(false).utf8(false);
    let config = Regex::config().utf8_empty(false);
    Regex::builder().configure(config).syntax(syntax).build(source).map_err(|error| {
        std::error::Error::source(&error).map_or_else(|| error.to_string(), |source| source.to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(change: impl Fn(&mut Allow)) -> AllowList {
        let mut allow = Allow { reason: "known".to_owned(), line: 3, ..Allow::default() };
        change(&mut allow);
        AllowList::new(&[("own.toml".to_owned(), allow)]).expect("regexes")
    }

    fn one(text: &str) -> Vec<String> {
        vec![text.to_owned()]
    }

    #[test]
    fn an_entry_allows_what_its_tests_say() {
        let subject = AllowSubject {
            detector: "custom.acme.key",
            path: "tests/a.env",
            commit: Some("abc123def"),
            value: b"ACME-Sample-77",
            line: Some(b"key = ACME-Sample-77 # fine"),
        };
        type Row = (fn(&mut Allow), bool);
        let rows: &[Row] = &[
            (|a| a.tests.paths = one("^tests/"), true),
            (|a| a.tests.paths = one("^src/"), false),
            (|a| a.tests.except_paths = one(r"\.env$"), false),
            (|a| a.tests.except_paths = one(r"\.yml$"), true),
            (|a| a.tests.values = one("-[0-9]{2}$"), true),
            (|a| a.tests.words = one("sample"), true),
            (|a| a.tests.words = one("other"), false),
            (|a| a.tests.lines = one("# fine"), true),
            (|a| a.tests.commits = one("abc123"), true),
            (|a| a.tests.commits = one("def"), false),
            (|a| (a.tests.paths, a.detectors) = (one("^tests/"), one("custom.*")), true),
            (|a| (a.tests.paths, a.detectors) = (one("^tests/"), one("secret.*")), false),
            (|a| (a.tests.paths, a.tests.words) = (one("^src/"), one("sample")), true),
            (|a| (a.tests.paths, a.tests.words, a.all) = (one("^src/"), one("sample"), true), false),
            (|a| (a.tests.paths, a.tests.words, a.all) = (one("^tests/"), one("sample"), true), true),
        ];
        for (index, (change, expected)) in rows.iter().enumerate() {
            assert_eq!(list(change).verdict(subject).is_some(), *expected, "row {index}");
        }
        let mut above = list(|a| a.tests.paths = one("^services/web/tests/"));
        assert!(above.verdict(subject).is_none());
        above.set_ways(|file| if file == "own.toml" { "services/web/".to_owned() } else { String::new() });
        assert!(above.verdict(subject).is_some());
        assert!(above.verdict(AllowSubject { path: "/tests/a.env", ..subject }).is_none());
        let lines = list(|a| a.tests.lines = one("# fine"));
        assert!(lines.asks_for_lines() && lines.verdict(AllowSubject { line: None, ..subject }).is_none());
        let found = list(|a| a.tests.words = one("sample")).verdict(subject).expect("allowed");
        assert_eq!((found.by, found.reason.as_str(), found.entry.as_str()), ("allowlist", "known", "own.toml:3"));
    }

    #[test]
    fn a_wrong_regex_is_named_with_its_place() {
        let mut allow = Allow { line: 7, ..Allow::default() };
        allow.tests.values = one("[a");
        let error = AllowList::new(&[("own.toml".to_owned(), allow)]).expect_err("no regex").to_string();
        assert!(error.starts_with("own.toml:7: allow entry: expected a regex in `values`"), "{error}");
    }
}
