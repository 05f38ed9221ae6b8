//! Dependencies run one way, between the crates of the workspace and between the layers of dlp-core.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Crates from the lowest up; each may use those before it.
const CRATES: &[(&str, &str)] = &[
    ("dlp-detector-format", "patterns/format"),
    ("dlp-patterns", "patterns"),
    ("dlp-core", "dlp-core"),
    ("dlp-sandbox", "dlp-sandbox"),
    ("dlp-governance", "dlp-governance"),
    ("dlp-proxy", "dlp-proxy"),
    ("dlp-cli", "dlp-cli"),
];

/// Neighbours on one level: neither may use the other.
const APART: (&str, &str) = ("dlp-governance", "dlp-sandbox");

/// Layers of dlp-core from the lowest up; each may use those before it.
const LAYERS: &[&str] = &["base", "text", "knowledge", "matching", "known", "content", "inspect", "decision", "output"];

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("dlp-core stands in the workspace").to_owned()
}

#[test]
fn crates_use_only_lower_crates() {
    for (level, (name, folder)) in CRATES.iter().enumerate() {
        let manifest = fs::read_to_string(workspace().join(folder).join("Cargo.toml")).expect("manifest");
        let dependencies = manifest.split("[dev-dependencies]").next().expect("a first part");
        for (other_level, (other, _)) in CRATES.iter().enumerate() {
            let uses = dependencies
                .lines()
                .any(|line| line.strip_prefix(other).is_some_and(|rest| rest.starts_with([' ', '.', '='])));
            let is_apart = (*name, *other) == APART || (*other, *name) == APART;
            assert!(!uses || (other_level < level && !is_apart), "{name} uses {other}, which does not stand below it");
        }
    }
}

#[test]
fn layers_of_the_core_use_only_lower_layers() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut seen = BTreeSet::new();
    for file in rust_files(&source) {
        let place = file.strip_prefix(&source).expect("below src");
        let first = place.iter().next().expect("a name").to_string_lossy().replace(".rs", "");
        let Some(level) = LAYERS.iter().position(|layer| *layer == first) else {
            assert_eq!(first, "lib", "{} belongs to no layer", place.display());
            continue;
        };
        seen.insert(level);
        for used in layers_named(&fs::read_to_string(&file).expect("source")) {
            let used_level = LAYERS.iter().position(|layer| *layer == used);
            let used_level = used_level.unwrap_or_else(|| panic!("{} uses unknown crate::{used}", place.display()));
            assert!(used_level <= level, "{} uses {used}, which stands above it", place.display());
        }
    }
    assert!(seen.len() > 3, "the layers were not found: {seen:?}");
}

/// First path segments behind `crate::`, groups included.
fn layers_named(source: &str) -> Vec<String> {
    let code: String =
        source.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    code.split("crate::").skip(1).flat_map(segments).collect()
}

fn segments(rest: &str) -> Vec<String> {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let Some(group) = rest.strip_prefix('{') else { return vec![word(rest)] };
    let mut depth = 0;
    let mut items = vec![String::new()];
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => items.push(String::new()),
            _ => items.last_mut().expect("never empty").push(c),
        }
    }
    items.iter().map(|item| word(item.trim())).filter(|item| !item.is_empty()).collect()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("folder").map(|entry| entry.expect("entry").path()) {
        if entry.is_dir() {
            files.extend(rust_files(&entry));
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            files.push(entry);
        }
    }
    files
}

#[test]
fn the_reader_of_imports_sees_what_it_must() {
    let source = "use crate::{base::Span, content::{Kind, Flow}};\nfn f() { crate::output::x() }\n// crate::decision";
    assert_eq!(layers_named(source), ["base", "content", "output"]);
}
