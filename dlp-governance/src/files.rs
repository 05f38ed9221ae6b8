//! Files that every door of the product reads alike: keys of 32 bytes, and indexes of records and documents.
//!
//! How a path is opened, and what is said of a file that cannot be, is left to the door: a command line may be given a
//! pipe, a gateway names the key of its configuration.

use dlp_core::known::Source;
use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::sync::Arc;
use thiserror::Error;
use zeroize::Zeroizing;

/// Bytes of a key.
pub const KEY_LEN: usize = 32;
/// Bytes of a key file that are looked at: hexadecimal digits, a line end, and one that is too many.
const KEY_FILE_BYTES_MAX: u64 = 2 * KEY_LEN as u64 + 3;

/// Why a file holds no key that can be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Read(#[from] io::Error),
    /// Others than its owner may read it.
    #[error("others may read this key; take it from them with `chmod 600`")]
    Shared,
    /// Something else stands in it.
    #[error("expected 32 bytes or 64 hexadecimal digits; make one with `head -c 32 /dev/urandom`")]
    Content,
}

/// A key, wiped from memory when it is dropped.
pub type Key = Zeroizing<[u8; KEY_LEN]>;

/// Reads a key: 32 bytes, or as many in hexadecimal digits, that nobody else may read.
///
/// # Errors
/// [`KeyError`] when the file cannot be read, others may read it, or it holds something else.
pub fn read_key(file: File) -> Result<Key, KeyError> {
    if is_readable_by_others(&file.metadata()?) {
        return Err(KeyError::Shared);
    }
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(KEY_FILE_BYTES_MAX).read_to_end(&mut bytes)?;
    key(&bytes).ok_or(KeyError::Content)
}

fn key(bytes: &[u8]) -> Option<Key> {
    if let Ok(key) = bytes.try_into() {
        return Some(Zeroizing::new(key));
    }
    let digits = Zeroizing::new(data_encoding::HEXLOWER_PERMISSIVE.decode(bytes.trim_ascii_end()).ok()?);
    digits[..].try_into().ok().map(Zeroizing::new)
}

#[cfg(unix)]
fn is_readable_by_others(metadata: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.is_file() && metadata.permissions().mode() & 0o077 != 0
}

#[cfg(not(unix))]
fn is_readable_by_others(_metadata: &Metadata) -> bool {
    false
}

/// An index that stays in its file, where look-ups of any thread read it.
///
/// # Errors
/// When the file's length cannot be had.
pub fn index(file: File) -> io::Result<Arc<dyn Source>> {
    let len_bytes = file.metadata()?.len();
    Ok(Arc::new(IndexFile { file, len_bytes }))
}

/// A file that is read at any place by any thread.
struct IndexFile {
    file: File,
    len_bytes: u64,
}

impl Source for IndexFile {
    fn len_bytes(&self) -> u64 {
        self.len_bytes
    }

    #[cfg(unix)]
    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(&self.file, into, at)
    }

    #[cfg(windows)]
    fn read_at(&self, mut at: u64, mut into: &mut [u8]) -> io::Result<()> {
        while !into.is_empty() {
            let len = std::os::windows::fs::FileExt::seek_read(&self.file, into, at)?;
            if len == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            (at, into) = (at + len as u64, &mut into[len..]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    /// A file that only its owner may read.
    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::NamedTempFile::new().expect("temporary file");
        file.write_all(bytes).expect("room");
        file.reopen().expect("it is there")
    }

    #[test]
    fn keys_are_32_bytes_or_their_digits() {
        let rows: [(&[u8], bool); 7] = [
            (&[7; 32], true),
            (&[b'0'; 64], true),
            (b"00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF\r\n", true),
            (&[7; 33], false),
            (&[b'0'; 65], false),
            (&[b'g'; 64], false),
            (b"", false),
        ];
        for (bytes, expected) in rows {
            assert_eq!(read_key(file(bytes)).is_ok(), expected, "{bytes:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn keys_that_others_may_read_are_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let file = file(&[7; 32]);
        file.set_permissions(std::fs::Permissions::from_mode(0o640)).expect("own file");
        assert!(matches!(read_key(file), Err(KeyError::Shared)));
    }

    #[test]
    fn an_index_is_read_at_any_place_and_not_behind_its_end() {
        let source = index(file(b"0123456789")).expect("a file");
        let mut bytes = [0; 3];
        source.read_at(4, &mut bytes).expect("inside");
        assert_eq!((&bytes, source.len_bytes()), (b"456", 10));
        assert!(source.read_at(8, &mut bytes).is_err());
    }
}
