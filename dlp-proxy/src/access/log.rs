//! The file of changes of access: one JSON object a line, appended, never rewritten.
//!
//! It is record and memory in one: who was revoked and not restored since is read from it at the start. A line that cannot
//! be read stops the start, since it may be the one that took somebody's access away; only what follows the last line end,
//! which nobody was told is kept, is taken out.

use crate::secret_file::shared_mode;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Bytes of the file, which is read whole at the start. A change takes about 200.
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
    /// There is no room for more.
    #[error(
        "the access log {} is full: expected at most {bytes_max} bytes; stop the gateway, keep a copy of the file, and take \
         out the lines with \"change\":\"ended\"",
        path.display()
    )]
    Full {
        /// The file.
        path: PathBuf,
        /// Bytes that it can have.
        bytes_max: u64,
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
    bytes_max: u64,
    revoked: BTreeMap<String, String>,
}

impl AccessLog {
    /// Opens the file, creating it for its owner alone when there is none, and reads who is revoked.
    pub(super) fn open(path: &Path) -> Result<Self, AccessLogError> {
        Self::open_within(path, FILE_BYTES_MAX)
    }

    fn open_within(path: &Path, bytes_max: u64) -> Result<Self, AccessLogError> {
        let failed = |source| AccessLogError::Io { path: path.into(), source };
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true).mode(0o600);
        let file = options.open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if !metadata.is_file() {
            return Err(failed(io::Error::other("expected a regular file")));
        }
        if metadata.len() > bytes_max {
            return Err(AccessLogError::Full { path: path.into(), bytes_max });
        }
        if let Some(mode) = shared_mode(&metadata) {
            return Err(AccessLogError::Mode { path: path.into(), mode });
        }
        let mut bytes = Vec::new();
        (&file).take(bytes_max).read_to_end(&mut bytes).map_err(failed)?;
        // What follows the last line end may be torn anywhere, inside a character too, and goes with the next append.
        bytes.truncate(bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1));
        let revoked =
            revoked_in(&bytes).map_err(|(line, message)| AccessLogError::Line { path: path.into(), line, message })?;
        Ok(Self { path: path.into(), file, len_bytes: bytes.len() as u64, bytes_max, revoked })
    }

    /// Who was revoked when the file was opened, see [`key_of`], with the reason.
    pub(super) fn revoked(&self) -> &BTreeMap<String, String> {
        &self.revoked
    }

    /// Appends a line and waits until it is on the disk.
    pub(super) fn append(&mut self, record: &Record) -> Result<(), AccessLogError> {
        let failed = |source| AccessLogError::Io { path: self.path.clone(), source };
        let mut line = serde_json::to_vec(record).map_err(|error| failed(error.into()))?;
        line.push(b'\n');
        let len_bytes = self.len_bytes + line.len() as u64;
        // A longer file would stop the next start.
        if len_bytes > self.bytes_max {
            return Err(AccessLogError::Full { path: self.path.clone(), bytes_max: self.bytes_max });
        }
        let written = self.file.set_len(self.len_bytes).and_then(|()| self.file.write_all(&line));
        if let Err(error) = written.and_then(|()| self.file.sync_data()) {
            // Whoever asked is told that it is not kept. If this fails too, the next append takes it out.
            let _ = self.file.set_len(self.len_bytes);
            return Err(failed(error));
        }
        self.len_bytes = len_bytes;
        Ok(())
    }
}

/// What a name is known by here: letters of ASCII in both cases are one, and white space around it does not count.
pub(super) fn key_of(name: &str) -> String {
    name.trim().to_ascii_lowercase()
}

/// Who is revoked after all of these lines; an error is the line and what is wrong with it.
fn revoked_in(lines: &[u8]) -> Result<BTreeMap<String, String>, (usize, String)> {
    let mut revoked = BTreeMap::new();
    for (index, line) in lines.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let record: Record = serde_json::from_slice(line).map_err(|error| (index + 1, error.to_string()))?;
        let person = key_of(&record.person);
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
    use std::os::unix::fs::PermissionsExt;

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
        let torn = "{\"record\":\"access\",\"person\":\"Zoë".as_bytes();
        let bob = serde_json::to_vec(&Record::new(Change::Revoked, "bob", "", 0)).unwrap();
        for tail in [&b"{\"record\":"[..], &torn[..torn.len() - 1], &bob] {
            std::fs::write(&path, [whole.as_bytes(), tail].concat()).unwrap();
            let mut log = AccessLog::open(&path).unwrap();
            assert_eq!(log.revoked().len(), 1, "{tail:?}");
            log.append(&Record::new(Change::Revoked, "carol", "", 0)).unwrap();
            let names: Vec<String> = AccessLog::open(&path).unwrap().revoked().keys().cloned().collect();
            assert_eq!(names, ["anna", "carol"], "{tail:?}");
        }
        std::fs::write(&path, format!("{whole}{{\"record\":\n{whole}")).unwrap();
        let error = AccessLog::open(&path).unwrap_err().to_string();
        assert!(error.contains("line 2"), "{error}");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(AccessLog::open(&path).unwrap_err().to_string().contains("chmod 600"));
    }

    #[test]
    fn a_full_log_takes_no_more_and_opens_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("access.jsonl");
        let record = Record::new(Change::Revoked, "anna", "", 0);
        let line_bytes = serde_json::to_vec(&record).unwrap().len() as u64 + 1;
        let mut log = AccessLog::open_within(&path, 2 * line_bytes).unwrap();
        log.append(&record).unwrap();
        log.append(&record).unwrap();
        assert!(log.append(&record).unwrap_err().to_string().contains("is full"));
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 2 * line_bytes);
        assert_eq!(AccessLog::open_within(&path, 2 * line_bytes).unwrap().revoked().len(), 1);
        let error = AccessLog::open_within(&path, 2 * line_bytes - 1).unwrap_err().to_string();
        assert!(error.contains("is full"), "{error}");
    }
}
