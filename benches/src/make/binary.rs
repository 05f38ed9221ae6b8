//! The binary corpus: libraries and programs that cargo built here.

use super::{WANTED_BYTES, write};
use crate::corpora::target_folder;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

pub(super) fn build(folder: &Path) -> io::Result<()> {
    let mut bytes = 0;
    for path in built_files()? {
        if bytes >= WANTED_BYTES {
            return Ok(());
        }
        let content = fs::read(&path)?;
        bytes += content.len() as u64;
        write(&folder.join(path.file_name().unwrap_or_default()), &content)?;
    }
    if bytes >= WANTED_BYTES {
        return Ok(());
    }
    let message = format!("target holds {bytes} bytes of libraries and programs, expected {WANTED_BYTES}: build first");
    Err(io::Error::other(message))
}

/// Programs and libraries in turn, release builds first, so that the corpus holds both kinds.
fn built_files() -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for profile in ["release", "debug"] {
        let deps = target_folder().join(profile).join("deps");
        if !deps.is_dir() {
            continue;
        }
        let mut paths = fs::read_dir(deps)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
        paths.sort();
        let (libraries, others): (Vec<_>, Vec<_>) = paths.into_iter().partition(|path| has_extension(path, "rlib"));
        let mut programs = others.into_iter().filter(|path| is_program(path));
        for library in libraries {
            files.push(library);
            // A program is some twenty times a library.
            if files.len().is_multiple_of(20) {
                files.extend(programs.next());
            }
        }
        files.extend(programs);
    }
    Ok(files)
}

fn is_program(path: &Path) -> bool {
    has_extension(path, "so") || (path.extension().is_none() && starts_as_program(path).unwrap_or(false))
}

fn starts_as_program(path: &Path) -> io::Result<bool> {
    let mut start = [0; 4];
    fs::File::open(path)?.read_exact(&mut start)?;
    Ok(start == *b"\x7fELF")
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found == extension)
}
