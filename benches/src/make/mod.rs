//! Builds the four corpora under `target/corpora`.
//!
//! | corpus | from |
//! |---|---|
//! | source | text files of the packages in `Cargo.lock`, without generated bindings |
//! | prose | their Markdown and documentation comments; Debian documentation packages in English, German and Polish |
//! | logs | a seed |
//! | binary | what cargo built here: libraries and programs |
//!
//! A corpus that is there is left alone. Source depends on `Cargo.lock` and logs on the seed alone; prose follows the
//! Debian release, and binaries the machine, so a listing with a hash for each file is written beside each corpus.

mod binary;
pub mod logs;
mod prose;
mod source;

use crate::corpora::{Corpus, files_of};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Least size of a corpus, with a little room for files that a later version leaves out.
const WANTED_BYTES: u64 = 66 * 1024 * 1024;

/// What was built.
#[derive(Debug)]
pub struct Made {
    /// Number of files.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// BLAKE3 over the listing: equal hashes mean equal corpora.
    pub hash: String,
    /// The corpus was there already.
    pub was_there: bool,
}

/// Builds a corpus unless its folder is there. A run that was cut short leaves no folder behind.
///
/// # Errors
/// When a package cannot be had or a file not be written.
pub fn corpus(corpus: Corpus) -> io::Result<Made> {
    let folder = corpus.folder();
    let was_there = folder.is_dir();
    if !was_there {
        let unfinished = folder.with_extension("unfinished");
        if unfinished.is_dir() {
            fs::remove_dir_all(&unfinished)?;
        }
        fs::create_dir_all(&unfinished)?;
        match corpus {
            Corpus::Source => source::build(&unfinished)?,
            Corpus::Prose => prose::build(&unfinished)?,
            Corpus::Logs => logs::build(&unfinished)?,
            Corpus::Binary => binary::build(&unfinished)?,
        }
        fs::rename(&unfinished, &folder)?;
    }
    let (listing, files, bytes) = listing(&folder)?;
    fs::write(folder.with_extension("blake3"), &listing)?;
    Ok(Made { files, bytes, hash: blake3::hash(listing.as_bytes()).to_hex()[..32].to_owned(), was_there })
}

/// A line for each file: hash, size, path.
fn listing(folder: &Path) -> io::Result<(String, usize, u64)> {
    let paths = files_of(folder)?;
    let (mut lines, mut bytes) = (String::new(), 0);
    for path in &paths {
        let content = fs::read(path)?;
        let relative = path.strip_prefix(folder).map_err(io::Error::other)?;
        lines += &format!("{} {} {}\n", blake3::hash(&content).to_hex(), content.len(), relative.display());
        bytes += content.len() as u64;
    }
    Ok((lines, paths.len(), bytes))
}

/// A package that cargo has unpacked.
struct Package {
    /// Name and version.
    id: String,
    folder: PathBuf,
}

/// The packages of `Cargo.lock` in the order of their ids; cargo fetches what is missing.
fn packages() -> io::Result<Vec<Package>> {
    let arguments = ["metadata", "--locked", "--format-version", "1"];
    let output = run("cargo", &arguments, crate::corpora::repository())?;
    let metadata: serde_json::Value = serde_json::from_slice(&output)?;
    let mut packages: Vec<_> = metadata["packages"].as_array().into_iter().flatten().filter_map(package).collect();
    packages.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(packages)
}

/// `None` for the members of the workspace and for generated bindings, which are one pattern repeated for megabytes.
fn package(data: &serde_json::Value) -> Option<Package> {
    data["source"].as_str()?;
    let (name, version) = (data["name"].as_str()?, data["version"].as_str()?);
    let is_generated = name.starts_with("windows") || ["winapi", "linux-raw-sys"].contains(&name);
    let folder = Path::new(data["manifest_path"].as_str()?).parent()?.to_owned();
    (!is_generated).then(|| Package { id: format!("{name}-{version}"), folder })
}

/// Standard output of a program that must succeed.
fn run(program: &str, arguments: &[&str], folder: &Path) -> io::Result<Vec<u8>> {
    let output = std::process::Command::new(program).args(arguments).current_dir(folder).output()?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("{program} {}: {}", arguments.join(" "), errors.trim_end())))
}

/// Writes a file and the folders above it.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, bytes)
}
