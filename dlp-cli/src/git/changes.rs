//! The changed files of a difference, and which of their lines were added.
//!
//! Two runs of git: one lists files in a form that no file name can disturb, one gives the hunks. They are joined by
//! the ids of the old and the new content, so names in the second are never read.

use super::{Commit, is_null, output, output_for};
use crate::error::CliError;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

/// Mode of an entry that is a commit of another repository.
const MODE_SUBMODULE: &str = "160000";

/// Commits that one run of git is asked about: few enough for their differences to fit into memory.
pub(crate) const BATCH_LEN: usize = 64;

/// A changed file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// The commit; `None` for what is staged.
    pub(crate) commit: Option<String>,
    /// Path from the root of the repository, as raw bytes.
    pub(crate) path: Vec<u8>,
    /// Id of the new content.
    pub(crate) blob: String,
    /// Whether there was no file of this name before.
    pub(crate) is_new: bool,
    /// Lines that were added, from 1; `None` when everything is new or git sees no lines.
    pub(crate) added: Option<Vec<Range<u64>>>,
}

/// The ids of old and new content.
type Pair = (String, String);
/// Added lines by the contents between which they were added.
type Hunks = HashMap<Pair, Vec<Range<u64>>>;

/// A file that differs between two trees.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    pair: Pair,
    path: Vec<u8>,
}

/// The files that the index adds or changes. Deleted files and submodules have no content to scan.
pub(crate) fn staged(whole_files: bool) -> Result<Vec<Change>, CliError> {
    let git = |flags: &[&str]| output("diff", &[flags, &COMMON, &["--cached", "--"]].concat());
    let entries = parse_raw(&git(&RAW)?).remove(&None).unwrap_or_default();
    let needs_hunks = !whole_files && entries.iter().any(|entry| !entry.is_new());
    let hunks = if needs_hunks { parse_patch(&git(&PATCH)?) } else { Hunks::new() };
    let changes = entries.into_iter().map(|entry| {
        let added = if whole_files { None } else { hunks.get(&entry.pair).cloned() };
        Change { commit: None, is_new: entry.is_new(), added, blob: entry.pair.1, path: entry.path }
    });
    Ok(changes.collect())
}

/// The files that commits add or change, commit by commit. Of a merge, that is what none of its parents has.
pub(crate) fn of_commits(commits: &[Commit], whole_files: bool) -> Result<Vec<Change>, CliError> {
    let requests = requests(commits);
    let git = |flags: &[&str]| {
        let flags = [&["--stdin", "-r", "--root"], flags, &COMMON].concat();
        output_for("diff-tree", &flags, requests.as_bytes())
    };
    let mut entries = parse_raw(&git(&RAW)?);
    let hunks = if whole_files { Hunks::new() } else { parse_patch(&git(&PATCH)?) };
    let mut changes = Vec::new();
    for commit in commits {
        let of_commit = entries.remove(&Some(commit.id.clone())).unwrap_or_default();
        changes.extend(joined(commit, of_commit, (!whole_files).then_some(&hunks)));
    }
    Ok(changes)
}

/// A line for each commit and each of its parents.
fn requests(commits: &[Commit]) -> String {
    let mut lines = String::new();
    for Commit { id, parents } in commits {
        if parents.is_empty() {
            lines.push_str(&format!("{id}\n"));
        }
        parents.iter().for_each(|parent| lines.push_str(&format!("{id} {parent}\n")));
    }
    lines
}

/// The changes of one commit from its differences to each parent.
fn joined(commit: &Commit, entries: Vec<Entry>, hunks: Option<&Hunks>) -> Vec<Change> {
    let mut by_path: BTreeMap<Vec<u8>, Vec<Pair>> = BTreeMap::new();
    entries.into_iter().for_each(|entry| by_path.entry(entry.path).or_default().push(entry.pair));
    let differs_from_all = |pairs: &Vec<Pair>| pairs.len() >= commit.parents.len();
    let changes = by_path.into_iter().filter(|(_, pairs)| differs_from_all(pairs)).map(|(path, pairs)| {
        let added = hunks.and_then(|hunks| pairs.iter().map(|pair| hunks.get(pair).cloned()).reduce(both).flatten());
        let is_new = pairs.iter().all(|pair| is_null(&pair.0));
        let blob = pairs.into_iter().next().map(|pair| pair.1).unwrap_or_default();
        Change { commit: Some(commit.id.clone()), path, blob, is_new, added }
    });
    changes.collect()
}

/// Lines in both; `None` stands for all lines.
fn both(a: Option<Vec<Range<u64>>>, b: Option<Vec<Range<u64>>>) -> Option<Vec<Range<u64>>> {
    let (Some(a), Some(b)) = (&a, &b) else { return a.or(b) };
    let cut = |a: &Range<u64>, b: &Range<u64>| a.start.max(b.start)..a.end.min(b.end);
    let (mut i, mut j, mut shared) = (0, 0, Vec::new());
    while let (Some(left), Some(right)) = (a.get(i), b.get(j)) {
        let range = cut(left, right);
        if !range.is_empty() {
            shared.push(range);
        }
        if left.end <= right.end { i += 1 } else { j += 1 }
    }
    Some(shared)
}

impl Entry {
    fn is_new(&self) -> bool {
        is_null(&self.pair.0)
    }
}

/// One entry for each file, in a form that no file name can disturb.
const RAW: [&str; 3] = ["--raw", "-z", "--abbrev=64"];
/// The hunks, without lines around them.
const PATCH: [&str; 5] = ["--patch", "--unified=0", "--inter-hunk-context=0", "--full-index", "--no-color"];

/// What the configuration of a user must not change: renames hide content, tools and filters rewrite it.
const COMMON: [&str; 6] = [
    "--no-renames",
    "--no-ext-diff",
    "--no-textconv",
    "--no-relative",
    "--ignore-submodules=none",
    "--submodule=short",
];

/// `:<old mode> <new mode> <old id> <new id> <status>NUL<path>NUL`, over and over; for commits, `<id>NUL` before
/// those of each. A file whose mode alone changed has nothing new.
fn parse_raw(raw: &[u8]) -> HashMap<Option<String>, Vec<Entry>> {
    let mut fields = raw.split(|byte| *byte == 0);
    let mut entries: HashMap<_, Vec<_>> = HashMap::new();
    let mut commit = None;
    while let Some(field) = fields.next() {
        let field = String::from_utf8_lossy(field);
        let Some(meta) = field.strip_prefix(':') else {
            commit = Some(field.into_owned());
            continue;
        };
        let Some(path) = fields.next() else { break };
        let words: Vec<&str> = meta.split(' ').collect();
        let [_, mode, old, new, _] = words[..] else { continue };
        if mode != MODE_SUBMODULE && !is_null(new) && old != new {
            let entry = Entry { pair: (old.to_owned(), new.to_owned()), path: path.to_owned() };
            entries.entry(commit.clone()).or_default().push(entry);
        }
    }
    entries
}

/// Hunks by pair of ids. Lines of content start with `+`, `-`, `\` or a blank, so headers cannot be forged by content;
/// binary files have no hunks and do not appear.
fn parse_patch(patch: &[u8]) -> Hunks {
    let mut all = Hunks::new();
    let mut current = None;
    for line in patch.split(|byte| *byte == b'\n') {
        if line.starts_with(b"diff --git ") {
            current = None;
        } else if let Some(rest) = line.strip_prefix(b"index ") {
            current = pair(&String::from_utf8_lossy(rest));
        } else if let (Some(rest), Some(pair)) = (line.strip_prefix(b"@@ "), &current) {
            let added = added(&String::from_utf8_lossy(rest));
            all.entry(pair.clone()).or_default().extend(added);
        }
    }
    all
}

/// `<old>..<new> <mode>`; the mode is absent when it changes too.
fn pair(text: &str) -> Option<Pair> {
    let (old, new) = text.split(' ').next()?.split_once("..")?;
    Some((old.to_owned(), new.to_owned()))
}

/// `-a,b +c,d @@`: lines `c..c+d`.
fn added(text: &str) -> Option<Range<u64>> {
    let new = text.split(' ').find_map(|word| word.strip_prefix('+'))?;
    let (first, count) = new.split_once(',').unwrap_or((new, "1"));
    let (first, count): (u64, u64) = (first.parse().ok()?, count.parse().ok()?);
    (count > 0).then(|| first..first.saturating_add(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(digit: char) -> String {
        digit.to_string().repeat(40)
    }

    #[test]
    fn raw_entries_give_ids_and_raw_paths() {
        let (a, b, null) = (id('a'), id('b'), id('0'));
        let raw = format!(
            ":100644 100644 {a} {b} M\0src/x\ny.rs\0:100644 000000 {a} {null} D\0gone\0:000000 160000 {null} {b} A\0sub\0\
             :000000 100644 {null} {b} A\0diff --git a/x b/x\0"
        );
        let entry = |old: &str, new: &str, path: &str| Entry {
            pair: (old.to_owned(), new.to_owned()),
            path: path.as_bytes().to_owned(),
        };
        let expected = vec![entry(&a, &b, "src/x\ny.rs"), entry(&null, &b, "diff --git a/x b/x")];
        assert_eq!(parse_raw(raw.as_bytes()), HashMap::from([(None, expected.clone())]));
        let of_commit = parse_raw(format!("{a}\0{raw}").as_bytes());
        assert_eq!(of_commit, HashMap::from([(Some(a.clone()), expected)]));
        assert_eq!(parse_raw(format!(":100644 100755 {a} {a} M\0chmod\0").as_bytes()), HashMap::new());
        assert_eq!(parse_raw(b"").values().flatten().count(), 0);
    }

    #[test]
    fn a_merge_adds_the_lines_that_no_parent_has() {
        type Lines = Option<&'static [(u64, u64)]>;
        let ranges = |lines: Lines| lines.map(|all| all.iter().map(|(start, end)| *start..*end).collect::<Vec<_>>());
        let rows: &[(Lines, Lines, Lines)] = &[
            (None, None, None),
            (Some(&[(1, 3)]), None, Some(&[(1, 3)])),
            (Some(&[(1, 3), (7, 9)]), Some(&[(2, 8)]), Some(&[(2, 3), (7, 8)])),
            (Some(&[(1, 3)]), Some(&[(3, 4)]), Some(&[])),
        ];
        for (a, b, expected) in rows {
            assert_eq!(both(ranges(*a), ranges(*b)), ranges(*expected), "{a:?} {b:?}");
            assert_eq!(both(ranges(*b), ranges(*a)), ranges(*expected));
        }
    }

    #[test]
    fn hunks_are_read_and_content_cannot_forge_them() {
        let patch = format!(
            "diff --git a/x b/x\nindex {}..{} 100644\n--- a/x\n+++ b/x\n@@ -1,2 +3 @@ fn f()\n+one\n@@ -9 +11,2 @@\n\
             +@@ -1 +500 @@\n+index {}..{}\n@@ -20,3 +22,0 @@\n-gone\ndiff --git a/y b/y\nindex {}..{}\nBinary files differ\n",
            id('a'),
            id('b'),
            id('c'),
            id('d'),
            id('e'),
            id('f')
        );
        let parsed = parse_patch(patch.as_bytes());
        assert_eq!(parsed.get(&(id('a'), id('b'))), Some(&vec![3..4, 11..13]));
        assert_eq!(parsed.len(), 1, "{parsed:?}");
    }
}
