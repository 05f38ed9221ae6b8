//! The source corpus: the packages of `Cargo.lock` as a tree of small files.

use super::{packages, write};
use crate::corpora::files_of;
use std::fs;
use std::io;
use std::path::Path;

/// Extensions of text that people write.
const EXTENSIONS: &[&str] = &[
    "rs", "c", "cc", "h", "hpp", "S", "asm", "py", "pl", "js", "ts", "sh", "toml", "yml", "yaml", "json", "html",
    "css", "cmake", "txt", "stderr",
];

pub(super) fn build(folder: &Path) -> io::Result<()> {
    for package in packages()? {
        for path in files_of(&package.folder)? {
            let extension = path.extension().and_then(|extension| extension.to_str());
            if extension.is_some_and(|extension| EXTENSIONS.contains(&extension)) {
                let relative = path.strip_prefix(&package.folder).map_err(io::Error::other)?;
                write(&folder.join(&package.id).join(relative), &fs::read(&path)?)?;
            }
        }
    }
    Ok(())
}
