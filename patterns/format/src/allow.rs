//! Allow entries: what a user's file says of findings that are known to be none.
//!
//! A detector says what to look for; an `[[allow]]` table beside it says which of its findings do not count in a scan: by
//! path, by value, by a word in it, by its line, by commit. Regexes are checked when the entries are put to use, by the
//! crate that can run them; here they are text.

use serde::Deserialize;

/// One entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allow {
    /// Why, for whoever reads the report.
    pub reason: String,
    /// Detector ids, in which `*` stands for any characters; empty means every detector.
    pub detectors: Vec<String>,
    /// What a finding is asked for.
    pub tests: AllowTests,
    /// Whether every test that is given has to hold; otherwise one is enough.
    pub all: bool,
    /// The line of the file on which the entry stands, from 1.
    pub line: usize,
}

/// The tests of an entry. One test holds when one of its texts does; one without texts is not made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowTests {
    /// Regexes of paths.
    pub paths: Vec<String>,
    /// Regexes of paths: holds for every path that none of them matches.
    pub except_paths: Vec<String>,
    /// Regexes of values.
    pub values: Vec<String>,
    /// Regexes of the line on which the value starts.
    pub lines: Vec<String>,
    /// Texts that stand in the value, in any case.
    pub words: Vec<String>,
    /// Ids of commits, as long as they are written.
    pub commits: Vec<String>,
}

impl AllowTests {
    fn is_empty(&self) -> bool {
        let all = [&self.paths, &self.except_paths, &self.values, &self.lines, &self.words, &self.commits];
        all.into_iter().all(Vec::is_empty)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AllowToml {
    reason: String,
    #[serde(default)]
    detectors: Vec<String>,
    #[serde(default)]
    paths: Vec<String>,
    #[serde(default)]
    except_paths: Vec<String>,
    #[serde(default)]
    values: Vec<String>,
    #[serde(default)]
    lines: Vec<String>,
    #[serde(default)]
    words: Vec<String>,
    #[serde(default)]
    commits: Vec<String>,
    #[serde(default)]
    require: Require,
}

#[derive(Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum Require {
    #[default]
    Any,
    All,
}

impl AllowToml {
    /// The entry, or what is wrong with it.
    pub(crate) fn checked(self, line: usize) -> Result<Allow, String> {
        let Self { reason, detectors, paths, except_paths, values, lines, words, commits, require } = self;
        let tests = AllowTests { paths, except_paths, values, lines, words, commits };
        if reason.trim().is_empty() {
            return Err("expected a `reason`".to_owned());
        }
        if tests.is_empty() {
            let keys = "`paths`, `except_paths`, `values`, `lines`, `words`, `commits`";
            return Err(format!("expected at least one of {keys}; to leave detectors out, choose others"));
        }
        if tests.words.iter().any(String::is_empty) {
            return Err("expected no empty text in `words`: it stands in every value".to_owned());
        }
        Ok(Allow { reason, detectors, tests, all: require == Require::All, line })
    }
}
