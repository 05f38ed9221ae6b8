//! Reads every detector file, checks it, and writes the packed detectors and their examples to `OUT_DIR`.
//!
//! A mistake in a built-in file is a compile error here, with file, line and expectation. Destination and policy files
//! are embedded as text; the crates that own their formats check them in their tests.

use dlp_detector_format::{FileId, Read, arrange, pack, pack_examples, parse_file};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// Folders of detector files; each is the first word of the ids in it.
const FAMILIES: &[&str] = &["secret", "pii", "finance", "health", "label"];

/// Folders embedded as text.
const TEXT_FOLDERS: &[&str] = &["destination", "policy", "profile"];

fn main() {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    match detectors(&root) {
        Ok(read) => write_detectors(&out, read),
        Err(message) => {
            for line in message.lines() {
                println!("cargo::error={line}");
            }
        }
    }
    let tables: String = TEXT_FOLDERS.iter().map(|folder| text_table(&root, folder)).collect();
    fs::write(out.join("texts.rs"), tables).expect("OUT_DIR can be written");
}

fn detectors(root: &Path) -> Result<Vec<Read>, String> {
    let mut all = Vec::new();
    for family in FAMILIES {
        for path in toml_files(&root.join(family)) {
            let stem = path.file_stem().expect("toml files have a stem").to_string_lossy().into_owned();
            let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            let name = format!("patterns/{family}/{stem}.toml");
            let id_prefix = format!("{family}.{stem}");
            all.extend(
                parse_file(FileId { name: &name, id_prefix: &id_prefix }, &text).map_err(|error| error.to_string())?,
            );
        }
    }
    all.sort_by(|a, b| a.detector.id.cmp(&b.detector.id));
    match all.windows(2).find(|pair| pair[0].detector.id == pair[1].detector.id) {
        Some(pair) => Err(format!("detector id `{}` is used twice", pair[0].detector.id)),
        None => Ok(all),
    }
}

fn write_detectors(out: &Path, read: Vec<Read>) {
    let examples = pack_examples(&read).expect("examples can be packed");
    let mut detectors: Vec<_> = read.into_iter().map(|r| r.detector).collect();
    arrange(&mut detectors);
    fs::write(out.join("detectors.bin"), pack(&detectors).expect("detectors can be packed")).expect("OUT_DIR");
    fs::write(out.join("examples.bin"), examples).expect("OUT_DIR can be written");
}

/// A table of `(file stem, text)` for one folder.
fn text_table(root: &Path, folder: &str) -> String {
    let mut table = format!("pub(crate) static {}: &[(&str, &str)] = &[\n", folder.to_uppercase());
    for path in toml_files(&root.join(folder)) {
        let stem = path.file_stem().expect("toml files have a stem").to_string_lossy().into_owned();
        writeln!(table, "    ({stem:?}, include_str!({path:?})),").expect("writing to a string succeeds");
    }
    table + "];\n"
}

fn toml_files(folder: &Path) -> Vec<PathBuf> {
    println!("cargo::rerun-if-changed={}", folder.display());
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some_and(|e| e == "toml")).collect();
    files.sort();
    for file in &files {
        println!("cargo::rerun-if-changed={}", file.display());
    }
    files
}
