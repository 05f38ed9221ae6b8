//! Sorting more entries than memory holds: sorted runs in temporary files, merged.

use dlp_core::known::Entry;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read as _, Seek as _, Write as _};

/// Entries that are sorted in memory at once: 128 MiB.
const RUN_ENTRIES: usize = 8 * 1024 * 1024;
/// Bytes of an entry in a run.
const ENTRY_LEN: usize = 12;

/// Takes entries in any order.
pub(crate) struct Sorter {
    open: Vec<Entry>,
    runs: Vec<File>,
    len: u64,
    run_entries: usize,
}

impl Sorter {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self::with_run(RUN_ENTRIES)
    }

    fn with_run(run_entries: usize) -> Self {
        Self { open: Vec::new(), runs: Vec::new(), len: 0, run_entries }
    }

    /// Entries so far.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Adds what `fill` appends.
    pub(crate) fn add(&mut self, fill: impl FnOnce(&mut Vec<Entry>)) -> io::Result<()> {
        let before = self.open.len();
        fill(&mut self.open);
        self.len += (self.open.len() - before) as u64;
        if self.open.len() >= self.run_entries { self.spill() } else { Ok(()) }
    }

    /// Gives every entry in order.
    pub(crate) fn merge(mut self, mut each: impl FnMut(Entry) -> io::Result<()>) -> io::Result<()> {
        self.open.sort_unstable();
        if self.runs.is_empty() {
            return self.open.into_iter().try_for_each(each);
        }
        self.spill()?;
        let mut runs: Vec<_> = self.runs.into_iter().map(BufReader::new).collect();
        let mut next = BinaryHeap::new();
        for (at, run) in runs.iter_mut().enumerate() {
            run.rewind()?;
            next.extend(read(run)?.map(|entry| Reverse((entry, at))));
        }
        while let Some(Reverse((entry, at))) = next.pop() {
            each(entry)?;
            next.extend(read(&mut runs[at])?.map(|entry| Reverse((entry, at))));
        }
        Ok(())
    }

    fn spill(&mut self) -> io::Result<()> {
        self.open.sort_unstable();
        let mut run = BufWriter::new(tempfile::tempfile()?);
        for entry in self.open.drain(..) {
            run.write_all(&entry.hash.to_le_bytes())?;
            run.write_all(&entry.owner.to_le_bytes())?;
        }
        self.runs.push(run.into_inner().map_err(io::IntoInnerError::into_error)?);
        Ok(())
    }
}

/// The next entry of a run; `None` at its end.
fn read(run: &mut BufReader<File>) -> io::Result<Option<Entry>> {
    let mut bytes = [0; ENTRY_LEN];
    match run.read_exact(&mut bytes) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let hash = u64::from_le_bytes(*bytes.first_chunk().expect("twelve bytes"));
    let owner = u32::from_le_bytes(*bytes.last_chunk().expect("twelve bytes"));
    Ok(Some(Entry { hash, owner }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_in_order_however_many_runs_there_are() {
        for run_entries in [1, 7, 1000] {
            let mut sorter = Sorter::with_run(run_entries);
            let entry = |n: u64| Entry { hash: n.wrapping_mul(0x9e37_79b9_7f4a_7c15), owner: n as u32 };
            (0..100).for_each(|n| sorter.add(|entries| entries.push(entry(n))).expect("temporary files"));
            assert_eq!(sorter.len(), 100);
            let mut merged = Vec::new();
            sorter
                .merge(|entry| {
                    merged.push(entry);
                    Ok(())
                })
                .expect("temporary files");
            let mut expected: Vec<_> = (0..100).map(entry).collect();
            expected.sort_unstable();
            assert_eq!(merged, expected, "{run_entries}");
        }
    }
}
