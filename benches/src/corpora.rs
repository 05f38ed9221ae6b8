//! The four corpora as buffers.
//!
//! Built ones lie under `target/corpora`, a folder of files for each; the bin `corpora` makes them. Quick ones are made
//! from this repository, a seed and the running program, and need nothing: they show that the benches work, and what is
//! wrong by a lot.

use crate::make::logs;
use std::io;
use std::path::{Path, PathBuf};

/// Bytes of a corpus that a full run scans: past the caches, so that memory speed counts.
pub const FULL_BYTES: usize = 64 * 1024 * 1024;
/// Bytes of a corpus that a quick run scans.
pub const QUICK_BYTES: usize = 2 * 1024 * 1024;

/// Kinds of text that matching meets; each floods another stage of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Corpus {
    /// Program text: many words that look like names of keys.
    Source,
    /// Prose in English, German and Polish.
    Prose,
    /// Logs and CSV: many digits, few identifiers.
    Logs,
    /// Programs and libraries.
    Binary,
}

impl Corpus {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Source, Self::Prose, Self::Logs, Self::Binary];

    /// Name of the folder and in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Prose => "prose",
            Self::Logs => "logs",
            Self::Binary => "binary",
        }
    }

    /// The folder of its files.
    #[must_use]
    pub fn folder(self) -> PathBuf {
        target_folder().join("corpora").join(self.name())
    }

    /// The first [`FULL_BYTES`] of its files, in the order of their paths.
    ///
    /// # Errors
    /// When the corpus has not been built or is smaller; the message says how to build it.
    pub fn load(self) -> io::Result<Vec<u8>> {
        let hint = "build the corpora first: cargo run --release -p dlp-benches --bin corpora";
        let folder = self.folder();
        if !folder.is_dir() {
            return Err(io::Error::new(io::ErrorKind::NotFound, format!("no {} corpus; {hint}", self.name())));
        }
        let mut bytes = Vec::with_capacity(FULL_BYTES);
        for path in files_of(&folder)? {
            bytes.extend(std::fs::read(path)?);
            if bytes.len() >= FULL_BYTES {
                bytes.truncate(FULL_BYTES);
                return Ok(bytes);
            }
        }
        let message = format!("the {} corpus has {} bytes, expected {FULL_BYTES}; {hint}", self.name(), bytes.len());
        Err(io::Error::new(io::ErrorKind::UnexpectedEof, message))
    }

    /// [`QUICK_BYTES`] of the same kind that need no package.
    ///
    /// # Errors
    /// When this repository or the running program cannot be read.
    pub fn quick(self) -> io::Result<Vec<u8>> {
        let once = match self {
            Self::Source => repository_files("rs")?,
            Self::Prose => repository_files("md")?,
            Self::Logs => logs::text(1, QUICK_BYTES),
            Self::Binary => std::fs::read(std::env::current_exe()?)?,
        };
        Ok(once.iter().copied().cycle().take(QUICK_BYTES).collect())
    }
}

/// Every file below a folder, sorted by path, so that each run reads the same bytes. Links are left out.
///
/// # Errors
/// When a folder cannot be read.
pub fn files_of(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    Ok(files)
}

/// The root of this repository.
#[must_use]
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("benches stands in the workspace")
}

/// Where cargo builds.
#[must_use]
pub fn target_folder() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| repository().join("target"), PathBuf::from)
}

fn repository_files(extension: &str) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for folder in ["docs", "dlp-core/src", "patterns/format/src", "patterns/policy", "patterns/destination"] {
        for path in files_of(&repository().join(folder))? {
            if path.extension().is_some_and(|found| found == extension) {
                bytes.extend(std::fs::read(path)?);
            }
        }
    }
    Ok(bytes)
}
