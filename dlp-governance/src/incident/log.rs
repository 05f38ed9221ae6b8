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

#[cfg(test)]
mod tests {
    use super::super::tests::incident;
    use super::*;
    use std::collections::VecDeque;
    use std::fs;
    use std::sync::{Arc, Mutex};

    fn lines(path: &Path) -> Vec<String> {
        fs::read_to_string(path).expect("log").lines().map(str::to_owned).collect()
    }

    #[test]
    fn each_incident_is_a_line_and_reopening_appends() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("incidents.jsonl");
        for _ in 0..2 {
            let mut log = IncidentLog::open(&path).expect("opens");
            log.append(&incident(&[])).expect("appends");
            log.append(&incident(&[])).expect("appends");
        }
        let lines = lines(&path);
        assert_eq!(lines.len(), 4);
        for line in lines {
            assert_eq!(serde_json::from_str::<Incident>(&line).expect("record"), incident(&[]));
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("incidents.jsonl");
        drop(IncidentLog::open(&path).expect("opens"));
        assert_eq!(fs::metadata(&path).expect("metadata").permissions().mode() & 0o777, 0o600);

        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("chmod");
        let error = IncidentLog::open(&path).expect_err("readable by the group").to_string();
        assert!(error.contains("0640") && error.contains("chmod 600"), "{error}");
    }

    #[test]
    fn a_place_that_cannot_be_opened_is_named() {
        let folder = tempfile::tempdir().expect("folder");
        for path in [folder.path().join("absent/incidents.jsonl"), folder.path().to_owned()] {
            let error = IncidentLog::open(&path).expect_err("no file");
            assert!(matches!(error, IncidentLogError::Open { .. }), "{error}");
            assert!(error.to_string().contains(&path.display().to_string()), "{error}");
        }
    }

    #[test]
    fn half_a_line_of_an_earlier_run_is_closed() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("incidents.jsonl");
        drop(IncidentLog::open(&path).expect("creates"));
        fs::write(&path, "{\"half\":").expect("writes");
        IncidentLog::open(&path).expect("opens").append(&incident(&[])).expect("appends");
        let lines = lines(&path);
        assert_eq!(lines[0], "{\"half\":");
        assert!(serde_json::from_str::<Incident>(&lines[1]).is_ok());
    }

    /// What a disk does with the next call.
    enum Step {
        Takes,
        /// Takes some bytes, then is full.
        FullAfter(usize),
        CannotSync,
    }

    #[derive(Clone, Default)]
    struct FakeDisk {
        kept: Arc<Mutex<Vec<u8>>>,
        steps: Arc<Mutex<VecDeque<Step>>>,
        left: Option<usize>,
    }

    impl Write for FakeDisk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if let Some(Step::FullAfter(left)) = self.steps.lock().expect("steps").front() {
                self.left.get_or_insert(*left);
            }
            let taken = self.left.map_or(bytes.len(), |left| left.min(bytes.len()));
            if taken == 0 {
                self.left = None;
                self.steps.lock().expect("steps").pop_front();
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.left = self.left.map(|left| left - taken);
            self.kept.lock().expect("kept").extend(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Disk for FakeDisk {
        fn sync(&mut self) -> io::Result<()> {
            match self.steps.lock().expect("steps").pop_front() {
                Some(Step::CannotSync) => Err(io::Error::other("the disk went away")),
                _ => Ok(()),
            }
        }
    }

    #[test]
    fn a_failing_disk_costs_the_records_it_refused_and_no_other() {
        let disk = FakeDisk::default();
        let steps = [Step::Takes, Step::FullAfter(10), Step::FullAfter(0), Step::Takes, Step::CannotSync, Step::Takes];
        disk.steps.lock().expect("steps").extend(steps);
        let kept = Arc::clone(&disk.kept);
        let mut log = IncidentLog { path: PathBuf::from("fake"), disk: Box::new(disk), torn: false };

        let results: Vec<_> = (0..6).map(|_| log.append(&incident(&[])).is_ok()).collect();
        assert_eq!(results, [true, false, false, true, false, true]);
        let error = {
            let full = FakeDisk::default();
            full.steps.lock().expect("steps").push_back(Step::FullAfter(0));
            let mut log = IncidentLog { path: PathBuf::from("fake"), disk: Box::new(full), torn: false };
            log.append(&incident(&[])).expect_err("full")
        };
        assert!(matches!(error, IncidentLogError::Write { .. }), "{error}");

        let text = String::from_utf8(kept.lock().expect("kept").clone()).expect("UTF-8");
        let whole = text.lines().filter(|line| serde_json::from_str::<Incident>(line).is_ok()).count();
        // The record that could not be synced was written and may survive; the caller was told not to rely on it.
        assert_eq!(whole, 4, "{text}");
    }
}
