//! One gateway for each state directory: two would write into the same logs, and what one revokes the other would not know.
//!
//! The lock is one of the system on an open file, so it goes with the process, however that ends.

use rustix::fs::{FlockOperation, flock};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Name of the file in the state directory. It holds the number of the process.
const NAME: &str = "lock";

/// Why the state directory cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateLockError {
    /// Another gateway has it.
    #[error("the state directory {} is in use by {holder}; give each gateway its own by state.dir or --state-dir", path.display())]
    Taken {
        /// The directory.
        path: PathBuf,
        /// Who has it.
        holder: String,
    },
    /// The file cannot be used.
    #[error("cannot lock the state directory {}: {source}; set state.dir or use --state-dir", path.display())]
    Io {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// The right to write to a state directory, given back when dropped.
#[derive(Debug)]
pub(crate) struct StateLock {
    _file: File,
}

impl StateLock {
    /// Takes the directory, which must exist.
    pub(crate) fn take(dir: &Path) -> Result<Self, StateLockError> {
        let failed = |source| StateLockError::Io { path: dir.into(), source };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(dir.join(NAME)).map_err(failed)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                return Err(StateLockError::Taken { path: dir.into(), holder: holder(&mut file) });
            }
            Err(error) => return Err(failed(error.into())),
        }
        let written = file.set_len(0).and_then(|()| file.rewind());
        written.and_then(|()| writeln!(file, "{}", std::process::id())).map_err(failed)?;
        Ok(Self { _file: file })
    }
}

/// Who has written their number into the file.
fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let read = file.take(32).read_to_string(&mut text);
    let number = read.ok().and_then(|_| text.trim().parse::<u32>().ok());
    number.map_or_else(|| "another gateway".to_owned(), |number| format!("process {number}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_has_one_gateway_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let first = StateLock::take(dir.path()).unwrap();
        let error = StateLock::take(dir.path()).unwrap_err().to_string();
        let expected = format!("is in use by process {};", std::process::id());
        assert!(error.contains(&expected) && error.contains("--state-dir"), "{error}");
        drop(first);
        StateLock::take(dir.path()).unwrap();
        assert!(matches!(StateLock::take(&dir.path().join("none")), Err(StateLockError::Io { .. })));
    }
}
