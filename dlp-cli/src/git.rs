//! What changed in a repository, read from git's own store by running `git`.
//!
//! [`changes`] lists the changed files and the lines that were added to them; [`blobs`] reads their contents. Nothing
//! is read from the work tree: what will be committed may differ from what lies there.

pub(crate) mod blobs;
pub(crate) mod changes;

use crate::error::CliError;
use std::io::Write as _;
use std::process::{Command, Output, Stdio};

/// Digits of an id: fewer zeros may be the name of a branch.
const NULL_LEN_MIN: usize = 40;

/// What is scanned.
#[derive(Clone, Debug)]
pub(crate) enum Difference {
    /// What is staged, against the last commit.
    Staged,
    /// Every commit of a range, each against its parents.
    Range(Range),
}

/// A range of commits.
#[derive(Clone, Debug)]
pub(crate) struct Range {
    /// As the user typed it.
    pub(crate) text: String,
    from: String,
    to: String,
}

/// A commit and what it stands on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Commit {
    /// Id.
    pub(crate) id: String,
    /// Ids of its parents; none for a first commit.
    pub(crate) parents: Vec<String>,
}

impl Difference {
    /// A range as the user typed it. Words that git would take for an option are refused.
    ///
    /// `A...B` means the same as `A..B`: the commits that B has and A has not. Ids of zeros are what git hands to a
    /// pre-push hook: for A when the other side does not have the branch, and then it is everything that no remote has;
    /// for B when it is deleted.
    pub(crate) fn range(text: &str) -> Result<Self, CliError> {
        let ends = text.split_once("...").or_else(|| text.split_once(".."));
        let Some((from, to)) = ends.filter(|_| !text.starts_with('-')) else {
            return Err(CliError::Range { text: dlp_core::output::escape(text).into_owned() });
        };
        let or_head = |end: &str| if end.is_empty() { "HEAD".to_owned() } else { end.to_owned() };
        Ok(Self::Range(Range { text: text.to_owned(), from: or_head(from), to: or_head(to) }))
    }
}

impl Range {
    /// The commits, oldest first.
    pub(crate) fn commits(&self) -> Result<Vec<Commit>, CliError> {
        if is_null(&self.to) {
            return Ok(Vec::new());
        }
        let (to, without) = (format!("{}^{{commit}}", self.to), format!("^{}^{{commit}}", self.from));
        let ends =
            if is_null(&self.from) { vec![to.as_str(), "--not", "--remotes"] } else { vec![to.as_str(), &without] };
        let flags = ["--reverse", "--topo-order", "--parents"];
        let listed = output("rev-list", &[&flags, &ends[..], &["--"]].concat());
        let listed = listed.map_err(|error| self.named(error, &to, &without))?;
        Ok(parse_commits(&String::from_utf8_lossy(&listed)))
    }

    /// An end that git does not know, in the words of the user and not in those that git was given.
    fn named(&self, error: CliError, to: &str, without: &str) -> CliError {
        let CliError::Git { message, .. } = &error else { return error };
        let quotes = |end: &str| message.contains(&format!("'{}'", dlp_core::output::escape(end)));
        let end = if quotes(without) { &self.from } else { &self.to };
        if !quotes(without) && !quotes(to) {
            return error;
        }
        let end = dlp_core::output::escape(end).into_owned();
        CliError::NoCommit { end, range: dlp_core::output::escape(&self.text).into_owned() }
    }
}

/// The id that stands for nothing.
fn is_null(id: &str) -> bool {
    id.len() >= NULL_LEN_MIN && id.bytes().all(|byte| byte == b'0')
}

/// `<id> <parent> <parent>`, a line each.
fn parse_commits(lines: &str) -> Vec<Commit> {
    let words = lines.lines().map(|line| line.split(' ').map(str::to_owned));
    words.filter_map(|mut ids| Some(Commit { id: ids.next()?, parents: ids.collect() })).collect()
}

/// Runs git to its end and gives what it printed.
pub(crate) fn output(what: &'static str, args: &[&str]) -> Result<Vec<u8>, CliError> {
    output_for(what, args, b"")
}

/// Runs git to its end with lines on its standard input, written while it answers so that no pipe fills up.
pub(crate) fn output_for(what: &'static str, args: &[&str], input: &[u8]) -> Result<Vec<u8>, CliError> {
    let mut command = Command::new("git");
    // Messages are looked at below, so they must not be translated.
    command.env("LC_ALL", "C").arg(what).args(args);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(cannot_run)?;
    let pipe = child.stdin.take();
    let ended = std::thread::scope(|scope| {
        // A git that does not read to the end says why below.
        scope.spawn(|| pipe.map(|mut pipe| pipe.write_all(input)));
        child.wait_with_output()
    });
    let Output { status, stdout, stderr } = ended.map_err(cannot_run)?;
    if status.success() {
        return Ok(stdout);
    }
    let message = String::from_utf8_lossy(&stderr);
    if message.contains("not a git repository") {
        return Err(CliError::NoRepository);
    }
    let first = message.lines().next().unwrap_or("failed without a message").to_owned();
    Err(CliError::Git { what, message: dlp_core::output::escape(&first).into_owned() })
}

fn cannot_run(source: std::io::Error) -> CliError {
    CliError::System { what: "git cannot be run; is it installed and on the PATH?", source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_have_two_ends() {
        let rows = [
            ("a..b", Some(("a", "b"))),
            ("a...b", Some(("a", "b"))),
            ("a..", Some(("a", "HEAD"))),
            ("..b", Some(("HEAD", "b"))),
            ("a", None),
            ("--output=x..y", None),
        ];
        for (text, expected) in rows {
            let range = Difference::range(text).ok();
            let ends = range.and_then(|difference| match difference {
                Difference::Range(range) => Some((range.from, range.to)),
                Difference::Staged => None,
            });
            assert_eq!(ends, expected.map(|(from, to)| (from.to_owned(), to.to_owned())), "{text}");
        }
    }

    #[test]
    fn commits_come_with_their_parents() {
        let commit = |id: &str, parents: &[&str]| Commit {
            id: id.to_owned(),
            parents: parents.iter().map(|&parent| parent.to_owned()).collect(),
        };
        assert_eq!(parse_commits("a\nb a\nc b a\n"), [commit("a", &[]), commit("b", &["a"]), commit("c", &["b", "a"])]);
        assert_eq!(parse_commits(""), []);
    }
}
