//! Secrets that stand in files of their own, readable by their owner alone.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Bytes of a secret.
const SECRET_BYTES_MAX: u64 = 64 * 1024;

/// Why a secret cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// The file could not be read.
    #[error("{key}: cannot read {}: {source}", path.display())]
    Read {
        /// The key that names it.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Somebody other than the owner can read or change the file.
    #[error("{key}: {path} has mode {mode:04o}, expected 0600; run: chmod 600 {path}", path = path.display())]
    Mode {
        /// The key that names it.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// What stands in it is no such secret.
    #[error("{key}: {}: {message}", path.display())]
    Content {
        /// The key that names it.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// Expected and got, without the secret.
        message: String,
    },
}

/// Reads a secret of at least `bytes_min`. White space around it does not count.
pub(crate) fn read(key: &'static str, path: &Path, bytes_min: usize) -> Result<Zeroizing<String>, SecretError> {
    let failed = |source| SecretError::Read { key, path: path.into(), source };
    let wrong = |message| SecretError::Content { key, path: path.into(), message };
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(wrong("expected a regular file".into()));
    }
    if let Some(mode) = shared_mode(&metadata) {
        return Err(SecretError::Mode { key, path: path.into(), mode });
    }
    let mut text = Zeroizing::new(String::new());
    file.take(SECRET_BYTES_MAX).read_to_string(&mut text).map_err(failed)?;
    let secret = Zeroizing::new(text.trim().to_owned());
    match secret.len() >= bytes_min {
        true => Ok(secret),
        false => Err(wrong(format!("expected at least {bytes_min} bytes, got {}", secret.len()))),
    }
}

/// The permission bits of a file that others than its owner can use.
pub(crate) fn shared_mode(metadata: &Metadata) -> Option<u32> {
    let mode = metadata.permissions().mode() & 0o7777;
    (mode & 0o077 != 0).then_some(mode)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::OpenOptionsExt;

    #[test]
    fn a_secret_is_long_and_its_owners() {
        let folder = tempfile::tempdir().unwrap();
        let rows = [
            ("  twelve bytes\n", 0o600, Ok("twelve bytes")),
            ("twelve bytes", 0o400, Ok("twelve bytes")),
            ("twelve bytes", 0o640, Err("chmod 600")),
            ("short\n", 0o600, Err("expected at least 12 bytes, got 5")),
        ];
        for (index, (text, mode, expected)) in rows.into_iter().enumerate() {
            let path = folder.path().join(index.to_string());
            let mut file = std::fs::OpenOptions::new().write(true).create(true).mode(mode).open(&path).unwrap();
            io::Write::write_all(&mut file, text.as_bytes()).unwrap();
            match (read("a.key", &path, 12).map_err(|error| error.to_string()), expected) {
                (Ok(got), Ok(expected)) => assert_eq!(*got, expected),
                (Err(got), Err(expected)) => assert!(got.starts_with("a.key: ") && got.contains(expected), "{got}"),
                (got, _) => panic!("{text:?} {mode:o}: {got:?}"),
            }
        }
        assert!(read("a.key", folder.path(), 1).is_err());
        assert!(read("a.key", &folder.path().join("none"), 1).is_err());
    }
}
