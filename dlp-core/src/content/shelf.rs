//! Bytes that are held in memory packed, and read again from any place.
//!
//! What comes once and has to be sought is held; what was packed densely before packs densely again. So a database that
//! a member of an archive holds at a hundredth of its size is read like any other, and takes little more than that.

use crate::base::seek_target;
use std::io::{self, Read, Seek, SeekFrom};

/// Bytes that are packed together. One piece is unpacked for each page that is asked for out of turn.
const PIECE_BYTES: usize = 64 * 1024;

/// Held bytes, at a place.
#[derive(Default)]
pub(super) struct Shelf {
    pieces: Vec<Box<[u8]>>,
    len: u64,
    packed_bytes: u64,
    at: u64,
    /// The piece that was read last.
    open: Option<(usize, Vec<u8>)>,
}

impl Shelf {
    /// Puts the next bytes on it: whole pieces, and what is left as the last one.
    pub(super) fn put(&mut self, bytes: &[u8]) {
        for piece in bytes.chunks(PIECE_BYTES) {
            let packed = lz4_flex::block::compress(piece).into_boxed_slice();
            self.packed_bytes += packed.len() as u64;
            self.len += piece.len() as u64;
            self.pieces.push(packed);
        }
    }

    /// Bytes of a piece, of which only the last one put may have fewer.
    pub(super) const fn piece_bytes() -> usize {
        PIECE_BYTES
    }

    /// Bytes of memory that it takes.
    pub(super) fn packed_bytes(&self) -> u64 {
        self.packed_bytes
    }

    fn piece(&mut self, index: usize) -> io::Result<&[u8]> {
        if self.open.as_ref().is_none_or(|(open, _)| *open != index) {
            let left = self.len - (index * PIECE_BYTES) as u64;
            let len = usize::try_from(left).map_or(PIECE_BYTES, |left| left.min(PIECE_BYTES));
            let piece = lz4_flex::block::decompress(&self.pieces[index], len).map_err(io::Error::other)?;
            self.open = Some((index, piece));
        }
        Ok(self.open.as_ref().map_or(&[], |(_, piece)| piece))
    }
}

impl Read for Shelf {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.len || buf.is_empty() {
            return Ok(0);
        }
        let at = usize::try_from(self.at).map_err(io::Error::other)?;
        let mut rest = self.piece(at / PIECE_BYTES)?.get(at % PIECE_BYTES..).unwrap_or_default();
        let len = rest.read(buf)?;
        self.at += len as u64;
        Ok(len)
    }
}

impl Seek for Shelf {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = seek_target(to, self.at, self.len)?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_on_it_is_read_from_any_place() {
        let bytes: Vec<u8> = (0..200_001_u32).flat_map(|number| (number % 1_000).to_le_bytes()).collect();
        let mut shelf = Shelf::default();
        bytes.chunks(4 * PIECE_BYTES).for_each(|chunk| shelf.put(chunk));
        assert!(shelf.packed_bytes() < bytes.len() as u64 / 12, "{}", shelf.packed_bytes());
        let mut read = Vec::new();
        shelf.read_to_end(&mut read).unwrap();
        assert!(read == bytes);
        let end = bytes.len() as u64;
        for start in [0, 1, 65_535, 65_536, 400_000, end - 1, end, end + 9] {
            assert_eq!(shelf.seek(SeekFrom::Start(start)).unwrap(), start);
            let mut read = Vec::new();
            (&mut shelf).take(70_000).read_to_end(&mut read).unwrap();
            let from = bytes.len().min(start as usize);
            assert!(read == bytes[from..bytes.len().min(from + 70_000)], "{start}");
        }
        assert_eq!(shelf.seek(SeekFrom::End(-4)).unwrap(), end - 4);
        assert!(shelf.seek(SeekFrom::Current(-i64::MAX)).is_err());
        assert_eq!(Shelf::default().read(&mut [0; 4]).unwrap(), 0);
    }
}
