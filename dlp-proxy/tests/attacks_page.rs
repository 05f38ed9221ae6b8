//! The page about attacks names tests that exist.
#![allow(clippy::unwrap_used)]

use std::path::Path;

/// Tests that a row names: a file in back quotes, and the function behind it.
fn named(row: &str) -> Vec<(&str, &str)> {
    let cell = row.trim_end().trim_end_matches('|').rsplit(" | ").next().unwrap_or_default();
    let tests = cell.split(';').map(str::trim);
    tests.map(|test| test.strip_prefix('`').and_then(|test| test.split_once("` ")).unwrap_or(("", test))).collect()
}

/// Whether a test of this name runs.
fn has_test(text: &str, function: &str) -> bool {
    text.match_indices(&format!("fn {function}(")).any(|(at, _)| {
        let before = &text[text[..at].rfind("\n\n").unwrap_or(0)..at];
        let is_test = ["#[test]", "#[tokio::test]", "#[tokio::test("].iter().any(|mark| before.contains(mark));
        is_test && !before.contains("#[ignore")
    })
}

#[test]
fn what_does_not_run_is_no_test() {
    assert!(has_test("\n\n#[test]\nfn one() {", "one") && has_test("\n\n#[tokio::test]\nasync fn one() {", "one"));
    for text in ["#[test]\n#[ignore]\nfn one() {", "/// as in [test]\nfn one() {", "#[test]\nfn two() {}\n\nfn one() {"]
    {
        assert!(!has_test(&format!("\n\n{text}"), "one"), "{text}");
    }
}

#[test]
fn every_test_on_the_page_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let page = std::fs::read_to_string(root.join("docs/ATTACKS.md")).unwrap();
    let is_row = |line: &&str| line.starts_with("| ") && !line.starts_with("| class");
    let rows: Vec<_> = page.lines().filter(is_row).collect();
    assert!(rows.len() > 80, "{} rows", rows.len());
    for row in rows {
        let tests = named(row);
        assert!(!tests.is_empty(), "{row}");
        for (file, function) in tests {
            let path = if file.contains('/') { root.join(file) } else { root.join("dlp-proxy/tests").join(file) };
            let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error} in {row}"));
            assert!(has_test(&text, function), "no test {function} in {file}");
        }
    }
}
