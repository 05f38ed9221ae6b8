//! The content of a file: small files as a whole in memory that is used again, larger ones through their reader.
//!
//! A small file costs more for being opened, asked for its size and read in pieces than for being searched. So it is
//! read in one call, searched where it lies, and never read again, not even for the marks around findings.

use dlp_core::content::Input;
use std::fs::File;
use std::io::{self, Read as _, Seek as _};

/// Largest file that is read as a whole: it still fits into the cache that it is searched in.
const WHOLE_BYTES_MAX: usize = 256 * 1024;

/// Memory for files, used again from one to the next.
#[derive(Default)]
pub(crate) struct Memory(Vec<u8>);

/// The content of one file.
pub(crate) enum Content<'a> {
    /// All of it.
    Whole(&'a [u8]),
    /// It is read piece by piece.
    Pieces(&'a mut File),
}

impl<'a> Content<'a> {
    /// The content of a file that was just opened and has about this length.
    ///
    /// # Errors
    /// When the file was touched and cannot be set back to its start.
    pub(crate) fn of(memory: &'a mut Memory, file: &'a mut File, len_bytes: u64) -> io::Result<Self> {
        let len = usize::try_from(len_bytes).ok().filter(|len| *len <= WHOLE_BYTES_MAX);
        let Some(len) = len else { return Ok(Self::Pieces(file)) };
        match memory.fill(file, len) {
            Some(filled) => Ok(Self::Whole(&memory.0[..filled])),
            None => {
                file.rewind()?;
                Ok(Self::Pieces(file))
            }
        }
    }

    /// For the inspection.
    pub(crate) fn input(&mut self) -> Input<'_> {
        match self {
            Self::Whole(bytes) => Input::Bytes(bytes),
            Self::Pieces(file) => Input::Seekable(*file),
        }
    }
}

impl Memory {
    /// Reads to the end of a file. `None` when there is more than its length says, or when it cannot be read: whoever
    /// reads it in pieces gets as far as possible.
    fn fill(&mut self, file: &mut File, len: usize) -> Option<usize> {
        // One byte more shows where the end is.
        if self.0.len() <= len {
            self.0.resize(len + 1, 0);
        }
        let mut filled = 0;
        while filled < self.0.len() {
            match file.read(&mut self.0[filled..]) {
                Ok(0) => return Some(filled),
                Ok(more) => filled += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return None,
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn every_length_comes_complete() {
        let rows = [
            // Bytes in the file, length that it is said to have, whether it is read as a whole.
            (0, 0, true),
            (5, 5, true),
            (3, 9, true),
            (200_000, 0, false),
            (WHOLE_BYTES_MAX, WHOLE_BYTES_MAX, true),
            (WHOLE_BYTES_MAX + 1, WHOLE_BYTES_MAX, false),
            (WHOLE_BYTES_MAX + 1, WHOLE_BYTES_MAX + 1, false),
        ];
        for (len, stated, expected) in rows {
            let bytes: Vec<u8> = (0..=250).cycle().take(len).collect();
            let mut file = tempfile::tempfile().expect("a temporary file");
            file.write_all(&bytes).and_then(|()| file.rewind()).expect("writing to it");
            let mut memory = Memory::default();
            let content = Content::of(&mut memory, &mut file, stated as u64).expect("it can be set back");
            let (is_whole, read) = match content {
                Content::Whole(all) => (true, all.to_vec()),
                Content::Pieces(file) => {
                    let mut all = Vec::new();
                    file.read_to_end(&mut all).expect("reading it");
                    (false, all)
                }
            };
            assert_eq!((is_whole, read == bytes), (expected, true), "{len} bytes, {stated} stated");
        }
    }
}
