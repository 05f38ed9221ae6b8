//! The structure of compound files: sectors in chains, streams in storages.
//!
//! Nothing in a file is believed further than its bytes reach: chains end at a sector that they have seen before,
//! entries that no tree reaches are kept. What cannot be found this way is left to the raw scan.

use crate::base::bytes::array;
pub(super) use crate::base::bytes::{u16_le as u16_at, u32_le as u32_at};
use std::cell::Cell;
use std::collections::HashSet;

const SIGNATURE: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";
const HEADER_BYTES: usize = 512;
const ENTRY_BYTES: usize = 128;
/// Table entries of the header itself.
const HEADER_TABLES: usize = 109;
/// Sector numbers from here on are marks.
const SECTOR_MAX: u32 = 0xFFFF_FFFA;
const NO_ENTRY: u32 = 0xFFFF_FFFF;
/// Entries of the directory that are read.
const ENTRIES_MAX: usize = 100_000;

/// A compound file.
pub(super) struct Compound<'d> {
    bytes: &'d [u8],
    sector_bytes: usize,
    mini_bytes: usize,
    mini_cutoff: u64,
    fat: Vec<u32>,
    mini_fat: Vec<u32>,
    mini_stream: Vec<u8>,
    pub(super) entries: Vec<Entry>,
    /// Sectors of the tables themselves.
    tables: Vec<u32>,
    /// The start of the list of sectors of small streams.
    mini_fat_start: u32,
    directory_start: u32,
    /// Whether a chain ends before what it holds does.
    is_cut: Cell<bool>,
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EntryKind {
    Storage,
    Stream,
    Root,
}

/// An entry of the directory.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) kind: EntryKind,
    /// The storage that holds it.
    pub(super) parent: usize,
    start: u32,
    len: u64,
    left: u32,
    right: u32,
    child: u32,
}

impl<'d> Compound<'d> {
    /// Reads the tables and the directory; nothing when there is no directory to be found.
    pub(super) fn open(bytes: &'d [u8]) -> Option<Self> {
        let header = bytes.get(..HEADER_BYTES).filter(|header| header.starts_with(SIGNATURE))?;
        let (sector_shift, mini_shift) = (u16_at(header, 30)?, u16_at(header, 32)?);
        if !(7..=16).contains(&sector_shift) || !(3..=12).contains(&mini_shift) {
            return None;
        }
        let mut file = Self {
            bytes,
            sector_bytes: 1 << sector_shift,
            mini_bytes: 1 << mini_shift,
            mini_cutoff: u64::from(u32_at(header, 56)?),
            fat: Vec::new(),
            mini_fat: Vec::new(),
            mini_stream: Vec::new(),
            entries: Vec::new(),
            tables: Vec::new(),
            mini_fat_start: u32_at(header, 60)?,
            directory_start: u32_at(header, 48)?,
            is_cut: Cell::new(false),
        };
        file.read_fat(header)?;
        let directory = file.chain(file.directory_start);
        file.entries = directory.chunks_exact(ENTRY_BYTES).take(ENTRIES_MAX).map(entry).collect();
        file.mini_fat = numbers(&file.chain(file.mini_fat_start));
        let root = file.entries.first().filter(|entry| entry.kind == EntryKind::Root)?.clone();
        file.mini_stream = file.chain(root.start);
        file.find_parents();
        Some(file)
    }

    /// The allocation table, whose sectors are listed in the header and in sectors of their own.
    fn read_fat(&mut self, header: &[u8]) -> Option<()> {
        let mut sectors = numbers(&header[76..76 + 4 * HEADER_TABLES]);
        let mut next = u32_at(header, 68)?;
        let mut seen = HashSet::new();
        while next < SECTOR_MAX && seen.insert(next) {
            let Some(list) = self.sector(next) else { break };
            self.tables.push(next);
            let mut list = numbers(list);
            next = list.pop().unwrap_or(SECTOR_MAX);
            sectors.extend(list);
        }
        let sectors_max = self.bytes.len() / self.sector_bytes + 1;
        for sector in sectors.into_iter().filter(|sector| *sector < SECTOR_MAX).take(sectors_max) {
            match self.sector(sector) {
                Some(bytes) => self.fat.extend(numbers(bytes)),
                None => self.is_cut.set(true),
            }
            self.tables.push(sector);
        }
        Some(())
    }

    /// The bytes of a sector; the last one of a file may be cut.
    fn sector(&self, number: u32) -> Option<&'d [u8]> {
        let start = (number as usize).checked_add(1)?.checked_mul(self.sector_bytes)?;
        let rest = self.bytes.get(start..).filter(|rest| !rest.is_empty())?;
        Some(&rest[..rest.len().min(self.sector_bytes)])
    }

    /// All bytes of a chain of sectors.
    fn chain(&self, start: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        for sector in chain(&self.fat, start) {
            match self.sector(sector) {
                Some(sector) => bytes.extend_from_slice(sector),
                None => {
                    self.is_cut.set(true);
                    break;
                }
            }
        }
        bytes
    }

    /// Whether something that was read lies behind the end of the file.
    pub(super) fn is_cut(&self) -> bool {
        self.is_cut.get()
    }

    /// The content of a stream, as much as there is of it.
    pub(super) fn stream(&self, index: usize) -> Vec<u8> {
        let Some(entry) = self.entries.get(index) else { return Vec::new() };
        let mut bytes = if entry.len < self.mini_cutoff {
            let mut bytes = Vec::new();
            for sector in chain(&self.mini_fat, entry.start) {
                let start = sector as usize * self.mini_bytes;
                let Some(rest) = self.mini_stream.get(start..) else { break };
                bytes.extend_from_slice(&rest[..rest.len().min(self.mini_bytes)]);
            }
            bytes
        } else {
            self.chain(entry.start)
        };
        if (bytes.len() as u64) < entry.len && entry.kind == EntryKind::Stream {
            self.is_cut.set(true);
        }
        bytes.truncate(usize::try_from(entry.len).unwrap_or(usize::MAX));
        bytes
    }

    /// Bytes that belong to nothing: what was deleted stays in them. Sectors that no chain takes, and the ends of those
    /// that are not filled.
    pub(super) fn unclaimed(&self) -> Vec<u8> {
        let sectors = self.bytes.len().saturating_sub(self.sector_bytes).div_ceil(self.sector_bytes);
        let mut large =
            Claims { table: &self.fat, unit: self.sector_bytes, used: vec![false; sectors], slack: Vec::new() };
        let (fat, mini_fat) = (&self.fat, &self.mini_fat);
        let minis = self.mini_stream.len().div_ceil(self.mini_bytes);
        let mut small = Claims { table: mini_fat, unit: self.mini_bytes, used: vec![false; minis], slack: Vec::new() };
        self.tables.iter().for_each(|sector| large.take(*sector));
        let root = self.entries.first().map(|root| root.start);
        for start in [Some(self.directory_start), Some(self.mini_fat_start), root].into_iter().flatten() {
            chain(fat, start).into_iter().for_each(|sector| large.take(sector));
        }
        for entry in self.entries.iter().filter(|entry| entry.kind == EntryKind::Stream && !entry.name.is_empty()) {
            if entry.len < self.mini_cutoff {
                small.take_stream(entry, |sector| self.mini_sector(sector));
            } else {
                large.take_stream(entry, |sector| self.sector(sector));
            }
        }
        let mut bytes = large.left(|sector| self.sector(sector));
        bytes.extend(small.left(|sector| self.mini_sector(sector)));
        if bytes.iter().all(|byte| matches!(byte, 0 | 0xFF | b'\n')) { Vec::new() } else { bytes }
    }

    /// The bytes of a sector of small streams.
    fn mini_sector(&self, number: u32) -> Option<&[u8]> {
        let start = (number as usize).checked_mul(self.mini_bytes)?;
        let rest = self.mini_stream.get(start..).filter(|rest| !rest.is_empty())?;
        Some(&rest[..rest.len().min(self.mini_bytes)])
    }

    /// Walks the trees of the storages. An entry that is in none belongs to the root.
    fn find_parents(&mut self) {
        let mut seen = vec![false; self.entries.len()];
        let mut waiting = vec![(self.entries[0].child, 0)];
        seen[0] = true;
        while let Some((number, parent)) = waiting.pop() {
            let index = number as usize;
            if number == NO_ENTRY || seen.get(index).is_none_or(|seen| *seen) {
                continue;
            }
            seen[index] = true;
            let entry = &mut self.entries[index];
            entry.parent = parent;
            waiting.extend([(entry.left, parent), (entry.right, parent), (entry.child, index)]);
        }
    }

    /// The entry of this name in a storage.
    pub(super) fn find(&self, storage: usize, name: &str) -> Option<usize> {
        self.children(storage).find(|index| self.entries[*index].name.eq_ignore_ascii_case(name))
    }

    /// The entries of a storage.
    pub(super) fn children(&self, storage: usize) -> impl Iterator<Item = usize> {
        let is_child =
            move |(index, entry): &(usize, &Entry)| *index > 0 && entry.parent == storage && !entry.name.is_empty();
        self.entries.iter().enumerate().filter(is_child).map(|(index, _)| index)
    }

    /// The names that lead from the root to an entry.
    pub(super) fn path(&self, index: usize) -> String {
        let mut names = Vec::new();
        let mut at = index;
        // Parents come from one walk of the tree, so they lead to the root.
        while at != 0 && names.len() < 64 {
            names.push(shown(&self.entries[at].name));
            at = self.entries[at].parent;
        }
        names.reverse();
        names.join("/")
    }
}

/// Which sectors of one size belong to something.
struct Claims<'t> {
    table: &'t [u32],
    unit: usize,
    used: Vec<bool>,
    /// What stands behind the ends of streams.
    slack: Vec<u8>,
}

impl Claims<'_> {
    fn take(&mut self, sector: u32) {
        if let Some(used) = self.used.get_mut(sector as usize) {
            *used = true;
        }
    }

    /// Takes as many sectors of a chain as a stream needs.
    fn take_stream<'s>(&mut self, entry: &Entry, sector: impl Fn(u32) -> Option<&'s [u8]>) {
        let mut left = usize::try_from(entry.len).unwrap_or(usize::MAX);
        for number in chain(self.table, entry.start) {
            if left == 0 {
                break;
            }
            self.take(number);
            if left < self.unit {
                let slack = sector(number).and_then(|bytes| bytes.get(left..)).unwrap_or_default();
                if slack.iter().any(|byte| !matches!(byte, 0 | 0xFF)) {
                    self.slack.extend_from_slice(slack);
                    self.slack.push(b'\n');
                }
            }
            left = left.saturating_sub(self.unit);
        }
    }

    /// The sectors that nothing took, and the slack.
    fn left<'s>(mut self, sector: impl Fn(u32) -> Option<&'s [u8]>) -> Vec<u8> {
        let unused = self.used.iter().enumerate().filter(|(_, used)| !**used);
        let mut bytes: Vec<u8> =
            unused.filter_map(|(number, _)| sector(u32::try_from(number).ok()?)).flatten().copied().collect();
        if !self.slack.is_empty() {
            bytes.push(b'\n');
            bytes.append(&mut self.slack);
        }
        bytes
    }
}

/// The sectors of a chain, each once.
fn chain(table: &[u32], start: u32) -> Vec<u32> {
    let mut sectors = Vec::new();
    let mut seen = HashSet::new();
    let mut next = start;
    while next < SECTOR_MAX && seen.insert(next) {
        sectors.push(next);
        next = table.get(next as usize).copied().unwrap_or(SECTOR_MAX);
    }
    sectors
}

fn entry(bytes: &[u8]) -> Entry {
    let name_bytes = usize::from(u16_at(bytes, 64).unwrap_or(0)).saturating_sub(2).min(62);
    let units: Vec<u16> =
        bytes[..name_bytes].chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    let kind = match bytes[66] {
        5 => EntryKind::Root,
        1 => EntryKind::Storage,
        _ => EntryKind::Stream,
    };
    let number = |at: usize| u32_at(bytes, at).unwrap_or(NO_ENTRY);
    // The upper half of the length is not kept clean by old writers.
    let len = u64::from(number(120));
    let name = if bytes[66] == 0 { String::new() } else { String::from_utf16_lossy(&units) };
    Entry { name, kind, parent: 0, start: number(116), len, left: number(68), right: number(72), child: number(76) }
}

/// A name without the control characters that some begin with.
fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).collect()
}

fn numbers(bytes: &[u8]) -> Vec<u32> {
    bytes.chunks_exact(4).map(|bytes| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])).collect()
}

pub(super) fn f64_at(bytes: &[u8], at: usize) -> Option<f64> {
    array(bytes, at).map(f64::from_le_bytes)
}
