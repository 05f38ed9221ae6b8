//! The file of changes of access: one JSON object a line, appended, never rewritten.
//!
//! It is record and memory in one: who was revoked and not restored since is read from it at the start. A line that cannot
//! be read stops the start, since it may be the one that took somebody's access away; only half a line at the end, which
//! nobody was told is kept, is taken out.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Bytes of the file. A change takes about 200.
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Why changes of access cannot be kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccessLogError {
    /// The file cannot be opened, read or written.
    #[error("cannot use the access log {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Somebody other than the owner can read or change the file.
    #[error("the access log {path} has mode {mode:04o}, expected 0600; run: chmod 600 {path}", path = path.display())]
    Mode {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A line is no record.
    #[error("the access log {}, line {line}: expected a change of access, got {message}; nobody can tell who is revoked", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What is wrong with it.
        message: String,
    },
}

/// What happened to somebody's access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Change {
    /// Taken away by somebody.
    Revoked,
    /// Given back by somebody.
    Restored,
    /// Ended by a date, a file or a token while there were connections.
    Ended,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    record: String,
    time: String,
    change: Change,
    person: String,
    reason: String,
    connections_cut: usize,
}

impl Record {
    /// A change of this moment.
    pub(crate) fn new(change: Change, person: &str, reason: &str, connections_cut: usize) -> Self {
        let time = format!("{:.3}", jiff::Timestamp::now());
        Self { record: "access".into(), time, change, person: person.into(), reason: reason.into(), connections_cut }
    }
}

/// The open file.
#[derive(Debug)]
pub(crate) struct AccessLog {
    path: PathBuf,
    file: File,
    /// Bytes of whole lines. A write that failed may have left more.
    len_bytes: u64,
    revoked: BTreeMap<String, String>,
}

impl AccessLog {
    /// Opens the file, creating it for its owner alone when there is none, and reads who is revoked.
    pub(super) fn open(path: &Path) -> Result<Self, AccessLogError> {
        let failed = |source| AccessLogError::Io { path: path.into(), source };
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true).mode(0o600);
        let file = options.open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if !metadata.is_file() || metadata.len() > FILE_BYTES_MAX {
            let message = format!("expected a regular file of at most {FILE_BYTES_MAX} bytes");
            return Err(failed(io::Error::other(message)));
        }
        let mode = metadata.permissions().mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(AccessLogError::Mode { path: path.into(), mode });
        }
        let mut text = String::new();
        (&file).take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(failed)?;
        let revoked =
            revoked_in(&text).map_err(|(line, message)| AccessLogError::Line { path: path.into(), line, message })?;
        let len_bytes = text.rfind('\n').map_or(0, |end| end as u64 + 1);
        Ok(Self { path: path.into(), file, len_bytes, revoked })
    }

    /// Who was revoked when the file was opened, in lower case, with the reason.
    pub(super) fn revoked(&self) -> &BTreeMap<String, String> {
        &self.revoked
    }

    /// Appends a line and waits until it is on the disk.
    pub(super) fn append(&mut self, record: &Record) -> Result<(), AccessLogError> {
        let failed = |source| AccessLogError::Io { path: self.path.clone(), source };
        let mut line = serde_json::to_vec(record).map_err(|error| failed(error.into()))?;
        line.push(b'\n');
        let written = self.file.set_len(self.len_bytes).and_then(|()| self.file.write_all(&line));
        written.and_then(|()| self.file.sync_data()).map_err(failed)?;
        self.len_bytes += line.len() as u64;
        Ok(())
    }
}

/// Who is revoked after all of this; an error is the line and what is wrong with it.
fn revoked_in(text: &str) -> Result<BTreeMap<String, String>, (usize, String)> {
    let mut revoked = BTreeMap::new();
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let record: Record = match serde_json::from_str(line) {
            Ok(record) => record,
            Err(_) if !line.ends_with('\n') => break,
            Err(error) => return Err((index + 1, error.to_string())),
        };
        let person = record.person.to_ascii_lowercase();
        match record.change {
            Change::Revoked => drop(revoked.insert(person, record.reason)),
            Change::Restored => drop(revoked.remove(&person)),
            Change::Ended => {}
        }
    }
    Ok(revoked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_revoked_stays_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("access.jsonl");
        let changes =
            [(Change::Revoked, "Anna"), (Change::Revoked, "bob"), (Change::Ended, "carol"), (Change::Restored, "BOB")];
        for (change, person) in changes {
            AccessLog::open(&path).unwrap().append(&Record::new(change, person, "why", 1)).unwrap();
        }
        let names: Vec<String> = AccessLog::open(&path).unwrap().revoked().keys().cloned().collect();
        assert_eq!(names, ["anna"]);
    }

    #[test]
    fn half_a_line_goes_and_a_wrong_one_stops() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("access.jsonl");
        AccessLog::open(&path).unwrap().append(&Record::new(Change::Revoked, "anna", "", 0)).unwrap();
        let whole = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("{whole}{{\"record\":")).unwrap();
        let mut log = AccessLog::open(&path).unwrap();
        assert_eq!(log.revoked().len(), 1);
        log.append(&Record::new(Change::Revoked, "bob", "", 0)).unwrap();
        assert_eq!(AccessLog::open(&path).unwrap().revoked().len(), 2);
        std::fs::write(&path, format!("{whole}{{\"record\":\n{whole}")).unwrap();
        let error = AccessLog::open(&path).unwrap_err().to_string();
        assert!(error.contains("line 2"), "{error}");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(AccessLog::open(&path).unwrap_err().to_string().contains("chmod 600"));
    }
}
