//! Opening what the user names, without waiting for anybody.
//!
//! Opening a named pipe waits until somebody writes into it, which may be never. So only regular files are opened by
//! name. A descriptor that the process already has is another matter: `/dev/stdin`, and the `/dev/fd/63` that a shell
//! makes of `<(command)`, have a writer.

use crate::error::CliError;
use dlp_core::known::Source;
use dlp_governance::files::{self, Key};
use std::fs::{File, FileType, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;

/// Where descriptors have names.
const DESCRIPTORS: [&str; 3] = ["/dev/fd/", "/proc/self/fd/", "/dev/stdin"];

/// A file that was opened.
pub(crate) enum Opened {
    /// A regular file.
    File(File),
    /// An open descriptor, such as a pipe, that can be read once.
    Stream(File),
}

/// Opens a regular file or an open descriptor. `hint` says what to do with anything else.
pub(crate) fn open(path: &Path, hint: &'static str) -> Result<Opened, CliError> {
    let failed = |source| CliError::Read { path: path.to_owned(), source };
    let is_descriptor = path.to_str().is_some_and(|path| DESCRIPTORS.iter().any(|place| path.starts_with(place)));
    let file = if is_descriptor { File::open(path) } else { without_waiting().open(path) }.map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if metadata.is_file() {
        return Ok(Opened::File(file));
    }
    if metadata.is_dir() {
        return Err(failed(io::ErrorKind::IsADirectory.into()));
    }
    if is_descriptor {
        return Ok(Opened::Stream(file));
    }
    Err(CliError::NotAFile { path: path.to_owned(), kind: kind(&metadata), hint })
}

/// An error when the path is something that [`open`] refuses; what cannot be read at all is left to the reader.
pub(crate) fn check_waits_for_nobody(path: &Path, hint: &'static str) -> Result<(), CliError> {
    match open(path, hint) {
        Err(error @ CliError::NotAFile { .. }) => Err(error),
        _ => Ok(()),
    }
}

/// An index, which stays where it is; what comes through a pipe is kept in memory.
pub(crate) fn open_index(path: &Path) -> Result<Arc<dyn Source>, CliError> {
    let failed = |source| CliError::Read { path: path.to_owned(), source };
    match open(path, "name a file")? {
        Opened::File(file) => files::index(file).map_err(failed),
        Opened::Stream(mut file) => {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).map_err(failed)?;
            Ok(Arc::new(bytes))
        }
    }
}

/// Reads a text that the command needs, such as a detector file.
pub(crate) fn read_text(path: &Path) -> Result<String, CliError> {
    let (Opened::File(mut file) | Opened::Stream(mut file)) = open(path, "name a file")?;
    let mut text = String::new();
    match file.read_to_string(&mut text) {
        Ok(_) => Ok(text),
        Err(source) => Err(CliError::Read { path: path.to_owned(), source }),
    }
}

/// Reads a key that the command needs.
pub(crate) fn read_key(path: &Path) -> Result<Key, CliError> {
    let opened = open(path, "name a file").map_err(|error| match error {
        CliError::Read { path, source } if source.kind() == io::ErrorKind::NotFound => CliError::NoKeyFile { path },
        error => error,
    });
    let (Opened::File(file) | Opened::Stream(file)) = opened?;
    files::read_key(file).map_err(|source| CliError::KeyFile { path: path.to_owned(), source })
}

#[cfg(unix)]
fn without_waiting() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(rustix::fs::OFlags::NONBLOCK.bits() as i32);
    options
}

#[cfg(not(unix))]
fn without_waiting() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true);
    options
}

fn kind(metadata: &Metadata) -> &'static str {
    if is_pipe(metadata.file_type()) { "named pipe" } else { "device" }
}

#[cfg(unix)]
fn is_pipe(kind: FileType) -> bool {
    std::os::unix::fs::FileTypeExt::is_fifo(&kind)
}

#[cfg(not(unix))]
fn is_pipe(_kind: FileType) -> bool {
    false
}
