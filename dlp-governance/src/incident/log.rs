//! The incident file: one JSON object a line, appended, never rewritten.
//!
//! **Durability.** Each record is one `write` of one line to a file opened for appending, followed by `fdatasync`
//! before [`IncidentLog::append`] returns. Incidents are rare beside requests, so the cost is bearable, and a record
//! that was acknowledged survives a power cut. The log never rotates and never deletes: the records are kept for
//! review, and who may destroy them is not decided here.
//!
//! **Failure.** Every error is typed and leaves the log usable: the caller decides whether to refuse traffic or to
//! raise an alarm, and the next `append` tries again. A line that a full disk cut in half is closed with a line feed
//! before the next record, so one failure costs one record. Half a line left by an earlier process is closed the same
//! way at opening.

use super::Incident;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Longest line. Names, reasons and samples are bounded one by one; this is the promise to readers.
const LINE_BYTES_MAX: usize = 1024 * 1024;

/// Why an incident was not kept.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum IncidentLogError {
    /// The file cannot be opened or created.
    #[error("cannot open the incident log {path}: {error}")]
    Open {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        error: io::Error,
    },
    /// Somebody other than the owner can read or change the file.
    #[error("the incident log {path} has mode {mode:04o}, expected 0600; run: chmod 600 {path}")]
    Mode {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The disk did not take the record.
    #[error("cannot write to the incident log {path}: {error}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        error: io::Error,
    },
    /// The record cannot be written as a line of at most 1 MiB.
    #[error("incident {id} takes {found} bytes, expected at most {LINE_BYTES_MAX}")]
    TooLong {
        /// The incident.
        id: String,
        /// Length of its line.
        found: usize,
    },
    /// The record has no JSON form, which is a mistake in this crate.
    #[error("incident has no JSON form: {0}")]
    Form(#[from] serde_json::Error),
}

/// Where the lines go; a file, or something that fails on purpose in tests.
trait Disk: Write + Send {
    fn sync(&mut self) -> io::Result<()>;
}

impl Disk for File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

/// An append-only file of incidents. Whoever shares it puts it behind a lock or in one task.
pub struct IncidentLog {
    path: PathBuf,
    disk: Box<dyn Disk>,
    /// Whether the last write may have left half a line.
    torn: bool,
}

impl std::fmt::Debug for IncidentLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IncidentLog").field("path", &self.path).field("torn", &self.torn).finish_non_exhaustive()
    }
}

impl IncidentLog {
    /// Opens the file, creating it with mode 0600 when absent.
    ///
    /// # Errors
    /// [`IncidentLogError::Open`], and [`IncidentLogError::Mode`] for a file that others can read or change.
    pub fn open(path: &Path) -> Result<Self, IncidentLogError> {
        let failed = |error| IncidentLogError::Open { path: path.to_owned(), error };
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(failed)?;
        if !file.metadata().map_err(failed)?.is_file() {
            return Err(failed(io::Error::other("expected a regular file, found something else")));
        }
        check_mode(path, &file)?;
        let torn = ends_in_half_a_line(&mut file).map_err(failed)?;
        Ok(Self { path: path.to_owned(), disk: Box::new(file), torn })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends one incident and waits until it is on the disk.
    ///
    /// # Errors
    /// [`IncidentLogError::Write`] when the disk did not take it: the record counts as not kept. The log stays usable.
    pub fn append(&mut self, incident: &Incident) -> Result<(), IncidentLogError> {
        let mut line = Vec::with_capacity(2048);
        if self.torn {
            line.push(b'\n');
        }
        let start = line.len();
        serde_json::to_writer(&mut line, incident)?;
        line.push(b'\n');
        let found = line.len() - start;
        if found > LINE_BYTES_MAX {
            return Err(IncidentLogError::TooLong { id: incident.incident_id.to_string(), found });
        }
        self.torn = true;
        let written = self.disk.write_all(&line).and_then(|()| {
            self.torn = false;
            self.disk.sync()
        });
        written.map_err(|error| IncidentLogError::Write { path: self.path.clone(), error })
    }
}

#[cfg(unix)]
fn check_mode(path: &Path, file: &File) -> Result<(), IncidentLogError> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = file.metadata().map_err(|error| IncidentLogError::Open { path: path.to_owned(), error })?;
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(IncidentLogError::Mode { path: path.to_owned(), mode });
    }
    Ok(())
}

#[cfg(not(unix))]
fn check_mode(_path: &Path, _file: &File) -> Result<(), IncidentLogError> {
    Ok(())
}

fn ends_in_half_a_line(file: &mut File) -> io::Result<bool> {
    if file.seek(SeekFrom::End(0))? == 0 {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0u8];
    file.read_exact(&mut last)?;
    Ok(last != [b'\n'])
}
