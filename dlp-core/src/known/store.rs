//! A file of sorted entries with a directory: hashes and what they belong to. Indexes of all kinds are such files.
//!
//! ```text
//! magic | entries: hash u64, owner u32 | directory: first entry of each bucket, u64 | header JSON | footer
//! ```
//!
//! All numbers are little-endian. The footer holds the numbers that lead to the parts, and an authenticator over
//! everything before it, under the index's own key: a wrong key and an altered file are refused alike. In memory there is
//! a filter alone, two bytes for each entry, which sends nearly every hash away that is none of the index; what passes
//! it costs two short reads.

use super::filter::Filter;
use super::key::KnownKey;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{self, Write};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use thiserror::Error;

/// Bytes of an entry.
const ENTRY_LEN: usize = 12;
/// Bytes of the authenticator.
const AUTHENTICATOR_LEN: usize = 32;
/// Bytes of the footer: entries, bits of the directory, length of the header, authenticator.
const FOOTER_LEN: usize = 8 + 4 + 4 + AUTHENTICATOR_LEN;
/// Entries that share a bucket, on average.
const BUCKET_ENTRIES: u64 = 8;
/// Most leading bits of the directory.
const BITS_MAX: u32 = 28;
/// Bytes that are read at once when a store is opened: a multiple of an entry's.
const BLOCK_LEN: u64 = 64 * 1024 * ENTRY_LEN as u64;
/// Bytes that are written at once.
const WRITE_LEN: usize = 64 * 1024;
/// Entries that are read at once in a look-up: a bucket has eight.
const READ_ENTRIES_MAX: u64 = 64;

/// Room for the entries of one read.
type Room = [[u8; ENTRY_LEN]; READ_ENTRIES_MAX as usize];
const ROOM: Room = [[0; ENTRY_LEN]; READ_ENTRIES_MAX as usize];

/// First bytes of a file, which tell its kind.
pub(super) type Magic = [u8; 8];

/// A hash and its owner: a row or a document. Ordered as indexes want them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Keyed hash.
    pub hash: u64,
    /// Number of its owner.
    pub owner: u32,
}

/// Why an index cannot be used.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum IndexError {
    /// It is something else, or damaged in its frame.
    #[error("expected an index made by `{expected}`, found something else or a part of one")]
    NotAnIndex {
        /// The command that makes such indexes.
        expected: &'static str,
    },
    /// It was made by a product that compares values differently.
    #[error("expected an index of version {expected}, found version {found}: build it again")]
    Version {
        /// What this product makes.
        expected: u32,
        /// What the file says.
        found: u32,
    },
    /// The key is another one, or the file was altered.
    #[error("the key does not fit this index, or the index was altered")]
    Key,
    /// Its bytes cannot be had.
    #[error("cannot be read: {0}")]
    Unreadable(io::ErrorKind),
}

/// Writes a store, entry by entry.
pub(super) struct StoreWriter<W> {
    out: W,
    /// What goes through the authenticator and out together, since both are slow for a few bytes.
    block: Vec<u8>,
    authenticator: blake3::Hasher,
    bits: u32,
    /// Entries of each bucket, until the end.
    directory: Vec<u64>,
    written: u64,
    last: Option<Entry>,
}

impl<W: Write> StoreWriter<W> {
    /// Starts a store of about `entries` entries.
    pub(super) fn start(magic: &Magic, key: &KnownKey, entries: u64, mut out: W) -> io::Result<Self> {
        let mut authenticator = key.authenticator();
        authenticator.update(magic);
        out.write_all(magic)?;
        let bits = (entries / BUCKET_ENTRIES).checked_ilog2().unwrap_or(0).min(BITS_MAX);
        let block = Vec::with_capacity(WRITE_LEN);
        Ok(Self { out, block, authenticator, bits, directory: vec![0; (1 << bits) + 1], written: 0, last: None })
    }

    /// Writes the next entry. One that equals the last is left out.
    pub(super) fn push(&mut self, entry: Entry) -> io::Result<()> {
        if self.last == Some(entry) {
            return Ok(());
        }
        if self.last.is_some_and(|last| entry < last) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "entries of an index come in their order"));
        }
        self.last = Some(entry);
        self.written += 1;
        self.directory[bucket(entry.hash, self.bits) + 1] += 1;
        let mut bytes = [0; ENTRY_LEN];
        bytes[..8].copy_from_slice(&entry.hash.to_le_bytes());
        bytes[8..].copy_from_slice(&entry.owner.to_le_bytes());
        self.write(&bytes)
    }

    /// Writes what stands behind the entries.
    pub(super) fn finish(mut self, header: &impl Serialize) -> io::Result<W> {
        let mut first = 0;
        for entries in std::mem::take(&mut self.directory) {
            first += entries;
            self.write(&first.to_le_bytes())?;
        }
        let header = serde_json::to_vec(header)?;
        self.write(&header)?;
        let footer =
            [&self.written.to_le_bytes()[..], &self.bits.to_le_bytes(), &(header.len() as u32).to_le_bytes()].concat();
        self.write(&footer)?;
        self.pass()?;
        let authenticator = *self.authenticator.finalize().as_bytes();
        self.out.write_all(&authenticator)?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.block.len() + bytes.len() > WRITE_LEN {
            self.pass()?;
        }
        self.block.extend_from_slice(bytes);
        Ok(())
    }

    /// Authenticates and writes what was gathered.
    fn pass(&mut self) -> io::Result<()> {
        self.authenticator.update(&self.block);
        self.out.write_all(&self.block)?;
        self.block.clear();
        Ok(())
    }
}

/// Where the bytes of an index come from. An index of a hundred million cells takes more than a gigabyte, so it is read
/// block by block, and by the few bytes of a look-up later on. It may not change while it is used.
pub trait Source: Send + Sync {
    /// How many bytes there are.
    fn len_bytes(&self) -> u64;

    /// Fills `into` with the bytes from `at` on.
    ///
    /// # Errors
    /// When they cannot be had.
    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<()>;
}

impl Source for Vec<u8> {
    fn len_bytes(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        let start = usize::try_from(at).map_err(io::Error::other)?;
        let bytes = self.get(start..).and_then(|rest| rest.get(..into.len()));
        into.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

/// A store that is read.
#[derive(Clone)]
pub(super) struct Store {
    source: Arc<dyn Source>,
    filter: Arc<Filter>,
    entries: u64,
    bits: u32,
    /// Whether bytes could not be had after the store was opened: then it knows less than it should.
    has_failed: Arc<AtomicBool>,
}

impl Store {
    /// Reads a store and its header. The key of the index is told by the header, so it comes from the caller. Everything
    /// is read once, which authenticates it and makes the filter.
    pub(super) fn open<H: DeserializeOwned>(
        source: Arc<dyn Source>,
        magic: &Magic,
        expected: &'static str,
        key_of: impl FnOnce(&H) -> Result<KnownKey, IndexError>,
    ) -> Result<(Self, H, KnownKey), IndexError> {
        let frame = Frame::read(&*source, magic, expected)?;
        let header = read(&*source, frame.header.clone())?;
        let header: H = serde_json::from_slice(&header).map_err(|_| IndexError::NotAnIndex { expected })?;
        let key = key_of(&header)?;
        let mut filter = Filter::of(frame.entries);
        authenticate(&*source, &frame, &key, &mut filter)?;
        let (filter, has_failed) = (filter.into(), Arc::default());
        Ok((Self { source, filter, entries: frame.entries, bits: frame.bits, has_failed }, header, key))
    }

    /// Entries.
    pub(super) fn len(&self) -> u64 {
        self.entries
    }

    /// Whether a look-up failed.
    pub(super) fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::Relaxed)
    }

    /// Whether there may be entries of a hash.
    #[inline]
    pub(super) fn may_hold(&self, hash: u64) -> bool {
        self.filter.may_hold(hash)
    }

    /// The entries of a hash, as a range of places. Empty when there is none.
    pub(super) fn find(&self, hash: u64) -> Range<u64> {
        if !self.filter.may_hold(hash) {
            return 0..0;
        }
        let bucket = self.bucket(bucket(hash, self.bits));
        if bucket.end - bucket.start <= READ_ENTRIES_MAX {
            // All of it in one read.
            let mut room = ROOM;
            let entries = self.entries(bucket.clone(), &mut room);
            let start = entries.partition_point(|bytes| entry(bytes).hash < hash) as u64;
            let end = entries.partition_point(|bytes| entry(bytes).hash <= hash) as u64;
            return bucket.start + start..bucket.start + end;
        }
        let start = self.partition(bucket.clone(), |entry| entry.hash < hash);
        start..self.partition(start..bucket.end, |entry| entry.hash <= hash)
    }

    /// The owners of entries.
    pub(super) fn owners(&self, places: Range<u64>) -> Vec<u32> {
        let mut owners = Vec::new();
        self.each_owner(places, &mut |owner| owners.push(owner));
        owners
    }

    /// Gives the owners of entries.
    pub(super) fn each_owner(&self, mut places: Range<u64>, each: &mut impl FnMut(u32)) {
        let mut room = ROOM;
        while places.start < places.end {
            let end = places.end.min(places.start + READ_ENTRIES_MAX);
            self.entries(places.start..end, &mut room).iter().for_each(|bytes| each(entry(bytes).owner));
            places.start = end;
        }
    }

    /// Gives the owners of a hash, and says whether it has any.
    pub(super) fn each_owner_of(&self, hash: u64, each: &mut impl FnMut(u32)) -> bool {
        let bucket = self.bucket(bucket(hash, self.bits));
        if bucket.end - bucket.start > READ_ENTRIES_MAX {
            let places = self.find(hash);
            self.each_owner(places.clone(), each);
            return !places.is_empty();
        }
        let mut room = ROOM;
        let entries = self.entries(bucket, &mut room).iter().map(entry);
        let mut is_there = false;
        for entry in entries.filter(|entry| entry.hash == hash) {
            is_there = true;
            each(entry.owner);
        }
        is_there
    }

    /// Whether one of the entries of one hash, which are sorted by their owner, belongs to an owner.
    pub(super) fn holds(&self, places: Range<u64>, owner: u32) -> bool {
        let mut room = ROOM;
        if places.end - places.start <= READ_ENTRIES_MAX {
            return self.entries(places, &mut room).iter().any(|bytes| entry(bytes).owner == owner);
        }
        let at = self.partition(places.clone(), |entry| entry.owner < owner);
        at < places.end && self.entries(at..at + 1, &mut room).iter().any(|bytes| entry(bytes).owner == owner)
    }

    /// The first of the places whose entry is not before. Halves the places until one read has them all.
    fn partition(&self, mut places: Range<u64>, is_before: impl Fn(&Entry) -> bool) -> u64 {
        let mut room = ROOM;
        while places.end - places.start > READ_ENTRIES_MAX {
            let middle = places.start + (places.end - places.start) / 2;
            if self.entries(middle..middle + 1, &mut room).first().is_some_and(|bytes| is_before(&entry(bytes))) {
                places.start = middle + 1;
            } else {
                places.end = middle;
            }
        }
        let entries = self.entries(places.clone(), &mut room);
        places.start + entries.partition_point(|bytes| is_before(&entry(bytes))) as u64
    }

    /// Reads entries, at most as many as there is room for. None when they cannot be had, which is remembered.
    fn entries<'r>(&self, places: Range<u64>, room: &'r mut Room) -> &'r [[u8; ENTRY_LEN]] {
        let start = size_of::<Magic>() as u64 + places.start * ENTRY_LEN as u64;
        let len = places.end.saturating_sub(places.start).min(READ_ENTRIES_MAX) as usize;
        if self.fill(start, room[..len].as_flattened_mut()) { &room[..len] } else { &[] }
    }

    /// The places of a bucket.
    fn bucket(&self, bucket: usize) -> Range<u64> {
        let start = size_of::<Magic>() as u64 + self.entries * ENTRY_LEN as u64 + bucket as u64 * 8;
        let mut pair = [[0; 8]; 2];
        if !self.fill(start, pair.as_flattened_mut()) {
            return 0..0;
        }
        let [start, end] = pair.map(u64::from_le_bytes);
        let end = end.min(self.entries);
        start.min(end)..end
    }

    /// Fills bytes from a place on. Whether that succeeded is remembered.
    fn fill(&self, at: u64, into: &mut [u8]) -> bool {
        let is_read = self.source.read_at(at, into).is_ok();
        if !is_read {
            self.has_failed.store(true, Ordering::Relaxed);
        }
        is_read
    }
}

/// Where the parts of a file lie.
struct Frame {
    entries: u64,
    bits: u32,
    header: Range<u64>,
    /// What the authenticator covers.
    signed: u64,
    stated: [u8; AUTHENTICATOR_LEN],
}

impl Frame {
    fn read(source: &dyn Source, magic: &Magic, expected: &'static str) -> Result<Self, IndexError> {
        let not_an_index = || IndexError::NotAnIndex { expected };
        let len = source.len_bytes();
        let body =
            len.checked_sub(FOOTER_LEN as u64).filter(|body| *body >= magic.len() as u64).ok_or_else(not_an_index)?;
        if read(source, 0..magic.len() as u64)? != magic {
            return Err(not_an_index());
        }
        let footer = read(source, body..len)?;
        let number = |range: Range<usize>| footer[range].iter().rev().fold(0, |n: u64, byte| n << 8 | u64::from(*byte));
        let (entries, bits, header_len) = (number(0..8), number(8..12) as u32, number(12..16));
        if bits > BITS_MAX {
            return Err(not_an_index());
        }
        let start = body.checked_sub(header_len).ok_or_else(not_an_index)?;
        let around = ((1u64 << bits) + 1) * 8 + magic.len() as u64;
        if entries.checked_mul(ENTRY_LEN as u64).and_then(|len| len.checked_add(around)) != Some(start) {
            return Err(not_an_index());
        }
        let stated = *footer.last_chunk().ok_or_else(not_an_index)?;
        Ok(Self { entries, bits, header: start..body, signed: len - AUTHENTICATOR_LEN as u64, stated })
    }
}

/// Reads everything, block by block.
fn authenticate(source: &dyn Source, frame: &Frame, key: &KnownKey, filter: &mut Filter) -> Result<(), IndexError> {
    let mut authenticator = key.authenticator();
    let first = size_of::<Magic>() as u64;
    let end_of_entries = first + frame.entries * ENTRY_LEN as u64;
    let mut at = 0;
    while at < frame.signed {
        let part = [first, end_of_entries, frame.signed].into_iter().find(|end| at < *end).unwrap_or(frame.signed);
        let block = read(source, at..part.min(at + BLOCK_LEN))?;
        authenticator.update(&block);
        if part == end_of_entries && at >= first {
            block.as_chunks().0.iter().for_each(|bytes| filter.add(entry(bytes).hash));
        }
        at += block.len() as u64;
    }
    // Hashes of this crate are compared in the same time wherever they differ.
    if authenticator.finalize() == blake3::Hash::from_bytes(frame.stated) { Ok(()) } else { Err(IndexError::Key) }
}

fn read(source: &dyn Source, range: Range<u64>) -> Result<Vec<u8>, IndexError> {
    let len =
        usize::try_from(range.end - range.start).map_err(|_| IndexError::Unreadable(io::ErrorKind::OutOfMemory))?;
    let mut bytes = vec![0; len];
    source.read_at(range.start, &mut bytes).map_err(|error| IndexError::Unreadable(error.kind()))?;
    Ok(bytes)
}

fn entry(bytes: &[u8; ENTRY_LEN]) -> Entry {
    let hash = u64::from_le_bytes(*bytes.first_chunk().expect("twelve bytes"));
    let owner = u32::from_le_bytes(*bytes.last_chunk().expect("twelve bytes"));
    Entry { hash, owner }
}

fn bucket(hash: u64, bits: u32) -> usize {
    hash.checked_shr(64 - bits).unwrap_or(0) as usize
}
