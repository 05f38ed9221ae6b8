//! The changed files of a difference, and which of their lines were added.
//!
//! Two runs of `git diff`: one lists files in a form that no file name can disturb, one gives the hunks. They are joined
//! by the ids of the old and the new content, so names in the second are never read.

use super::{Difference, output};
use crate::error::CliError;
use std::collections::HashMap;
use std::ops::Range;

/// Mode of an entry that is a commit of another repository.
const MODE_SUBMODULE: &str = "160000";

/// A changed file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// Path from the root of the repository, as raw bytes.
    pub(crate) path: Vec<u8>,
    /// Id of the new content.
    pub(crate) blob: String,
    /// Lines that were added, from 1; `None` when everything is new or git sees no lines.
    pub(crate) added: Option<Vec<Range<u64>>>,
}

/// The ids of old and new content.
type Pair = (String, String);

/// The files that a difference adds or changes. Deleted files and submodules have no content to scan.
pub(crate) fn changes(difference: &Difference, whole_files: bool) -> Result<Vec<Change>, CliError> {
    let mut flags = vec!["--raw", "-z", "--abbrev=64"];
    flags.extend(COMMON);
    let raw = output("diff", &[&flags[..], &[difference.selector(), "--"]].concat())?;
    let entries = parse_raw(&raw);
    let mut hunks = HashMap::new();
    if !whole_files && entries.iter().any(|(pair, _)| !is_null(&pair.0)) {
        let mut flags = vec!["--patch", "--unified=0", "--inter-hunk-context=0", "--full-index", "--no-color"];
        flags.extend(COMMON);
        hunks = parse_patch(&output("diff", &[&flags[..], &[difference.selector(), "--"]].concat())?);
    }
    Ok(entries.into_iter().map(|(pair, path)| Change { added: hunks.remove(&pair), blob: pair.1, path }).collect())
}

/// What the configuration of a user must not change: renames hide content, tools and filters rewrite it.
const COMMON: [&str; 6] = [
    "--no-renames",
    "--no-ext-diff",
    "--no-textconv",
    "--no-relative",
    "--ignore-submodules=none",
    "--submodule=short",
];

/// `:<old mode> <new mode> <old id> <new id> <status>NUL<path>NUL`, over and over.
fn parse_raw(raw: &[u8]) -> Vec<(Pair, Vec<u8>)> {
    let mut fields = raw.split(|byte| *byte == 0);
    let mut entries = Vec::new();
    while let (Some(meta), Some(path)) = (fields.next(), fields.next()) {
        let meta = String::from_utf8_lossy(meta);
        let words: Vec<&str> = meta.trim_start_matches(':').split(' ').collect();
        let [_, mode, old, new, _] = words[..] else { continue };
        if mode != MODE_SUBMODULE && !is_null(new) {
            entries.push(((old.to_owned(), new.to_owned()), path.to_owned()));
        }
    }
    entries
}

/// Hunks by pair of ids. Lines of content start with `+`, `-`, `\` or a blank, so headers cannot be forged by content;
/// binary files have no hunks and do not appear.
fn parse_patch(patch: &[u8]) -> HashMap<Pair, Vec<Range<u64>>> {
    let mut all: HashMap<Pair, Vec<Range<u64>>> = HashMap::new();
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

fn is_null(id: &str) -> bool {
    id.bytes().all(|byte| byte == b'0')
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
        let expected = [((a, b.clone()), b"src/x\ny.rs".to_vec()), ((null, b), b"diff --git a/x b/x".to_vec())];
        assert_eq!(parse_raw(raw.as_bytes()), expected);
        assert_eq!(parse_raw(b""), []);
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
