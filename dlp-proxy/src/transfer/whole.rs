//! An upload put together from its pieces.

use super::store::Kept;
use crate::sealed_file::SealedReader;
use dlp_core::base::seek_target;
use dlp_core::decision::{DetectorSummary, SAMPLES_MAX};
use std::io::{self, Read, Seek, SeekFrom};

/// An upload at its end.
#[derive(Clone, Debug)]
pub(crate) struct Whole {
    /// Its pieces in order, as far as they are here.
    pub(crate) content: Joined,
    /// Why it cannot be judged as a whole.
    pub(crate) missing: Option<&'static str>,
    /// What was found in its pieces, one by one. A value that stands in several of them counts several times.
    pub(crate) findings: Vec<DetectorSummary>,
    /// Pieces that had come when it was put together.
    pub(crate) came: u64,
}

/// Pieces, read as one content.
#[derive(Debug, Default)]
pub(crate) struct Joined {
    /// Each piece with the place at which it ends.
    pieces: Vec<(u64, Kept)>,
    position: u64,
    /// The piece that is being read. One at a time, because each takes memory.
    open: Option<(usize, SealedReader)>,
}

impl Joined {
    /// Adds the first bytes of a piece.
    pub(super) fn push(&mut self, piece: Kept, len: u64) {
        if len > 0 {
            self.pieces.push((self.len() + len, piece));
        }
    }

    /// Length in bytes.
    pub(crate) fn len(&self) -> u64 {
        self.pieces.last().map_or(0, |(end, _)| *end)
    }
}

impl Clone for Joined {
    fn clone(&self) -> Self {
        Self { pieces: self.pieces.clone(), position: self.position, open: None }
    }
}

impl Read for Joined {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let index = self.pieces.partition_point(|(end, _)| *end <= self.position);
        let Some((end, piece)) = self.pieces.get(index) else { return Ok(0) };
        let start = index.checked_sub(1).map_or(0, |before| self.pieces[before].0);
        let reader = match &mut self.open {
            Some((open, reader)) if *open == index => reader,
            other => &mut other.insert((index, piece.reader())).1,
        };
        reader.seek(SeekFrom::Start(self.position - start))?;
        let left = usize::try_from(end - self.position).unwrap_or(usize::MAX).min(buffer.len());
        let count = reader.read(&mut buffer[..left])?;
        if count == 0 && left > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for Joined {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = seek_target(to, self.position, self.len())?;
        Ok(self.position)
    }
}

/// Adds what was found in one piece to what was found in others.
pub(super) fn add(sums: &mut Vec<DetectorSummary>, found: Vec<DetectorSummary>) {
    for summary in found {
        match sums.iter_mut().find(|sum| sum.detector == summary.detector) {
            None => sums.push(summary),
            Some(sum) => {
                sum.count = sum.count.saturating_add(summary.count);
                let (all, more) = (&mut sum.unique, summary.unique);
                all.low = all.low.saturating_add(more.low);
                all.medium = all.medium.saturating_add(more.medium);
                all.high = all.high.saturating_add(more.high);
                sum.confidence_max = sum.confidence_max.max(summary.confidence_max);
                for sample in summary.samples_masked {
                    if sum.samples_masked.len() < SAMPLES_MAX && !sum.samples_masked.contains(&sample) {
                        sum.samples_masked.push(sample);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::SpoolPlace;
    use crate::transfer::Store;
    use prometheus_client::metrics::gauge::Gauge;

    #[test]
    fn pieces_read_as_one_content() {
        let dir = tempfile::tempdir().unwrap();
        let place = SpoolPlace::new(dir.path(), 0, u64::MAX, Gauge::default());
        let store = Store::create(&place, u64::MAX).unwrap();
        let mut joined = Joined::default();
        let mut expected = Vec::new();
        for (byte, len, used) in [(b'a', 70_000, 70_000), (b'b', 3, 2), (b'c', 5, 0), (b'd', 200_000, 130_000)] {
            joined.push(store.append(&mut &vec![byte; len][..]).unwrap(), used as u64);
            expected.extend(vec![byte; used]);
        }
        assert_eq!(joined.len(), expected.len() as u64);
        for start in [0, 1, 69_999, 70_000, 70_002, 200_001, expected.len()] {
            let mut back = Vec::new();
            joined.seek(SeekFrom::Start(start as u64)).unwrap();
            joined.clone().read_to_end(&mut back).unwrap();
            assert!(back == expected[start..], "from {start}");
        }
        assert_eq!(joined.seek(SeekFrom::End(-1)).unwrap(), expected.len() as u64 - 1);
        assert!(joined.seek(SeekFrom::Current(i64::MIN)).is_err());
    }
}
