//! The page about attacks names tests that exist.
#![allow(clippy::unwrap_used)]

use std::path::Path;

/// Tests that a row names: a file in back quotes, and the function behind it.
fn named(row: &str) -> Vec<(&str, &str)> {
    let cell = row.trim_end().trim_end_matches('|').rsplit(" | ").next().unwrap_or_default();
    let tests = cell.split(';').map(str::trim);
    tests.map(|test| test.strip_prefix('`').and_then(|test| test.split_once("` ")).unwrap_or(("", test))).collect()
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
            let is_there = text.match_indices(&format!("fn {function}(")).any(|(at, _)| {
                let before = &text[text[..at].rfind("\n\n").unwrap_or(0)..at];
                before.contains("test]") || before.contains("#[tokio::test(")
            });
            assert!(is_there, "no test {function} in {file}");
        }
    }
}
