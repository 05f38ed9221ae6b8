//! A file of sorted entries with a directory: hashes and what they belong to. Indexes of all kinds are such files.
//!
//! ```text
//! magic | entries: hash u64, owner u32 | directory: first entry of each bucket, u64 | header JSON | footer
//! ```
//!
//! All numbers are little-endian. The footer holds the numbers that lead to the parts, and an authenticator over
//! everything before it, under the index's own key: a wrong key and an altered file are refused alike.

use super::key::KnownKey;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{self, Write};
use std::ops::Range;
use std::sync::Arc;
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
}

/// Writes a store, entry by entry.
pub(super) struct StoreWriter<W> {
    out: W,
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
        Ok(Self { out, authenticator, bits, directory: vec![0; (1 << bits) + 1], written: 0, last: None })
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
        let authenticator = *self.authenticator.finalize().as_bytes();
        self.out.write_all(&authenticator)?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.authenticator.update(bytes);
        self.out.write_all(bytes)
    }
}

/// A store that is read.
#[derive(Clone)]
pub(super) struct Store {
    bytes: Arc<[u8]>,
    entries: u64,
    bits: u32,
}

impl Store {
    /// Reads a store and its header. The key of the index is told by the header, so it comes from the caller.
    pub(super) fn parse<H: DeserializeOwned>(
        bytes: Vec<u8>,
        magic: &Magic,
        expected: &'static str,
        key_of: impl FnOnce(&H) -> Result<KnownKey, IndexError>,
    ) -> Result<(Self, H, KnownKey), IndexError> {
        let not_an_index = || IndexError::NotAnIndex { expected };
        let body = bytes.len().checked_sub(FOOTER_LEN).ok_or_else(not_an_index)?;
        let footer = &bytes[body..];
        let number = |range: Range<usize>| footer[range].iter().rev().fold(0, |n: u64, byte| n << 8 | u64::from(*byte));
        let (entries, bits, header_len) = (number(0..8), number(8..12) as u32, number(12..16) as usize);
        if bits > BITS_MAX || !bytes.starts_with(magic) {
            return Err(not_an_index());
        }
        let start = body.checked_sub(header_len).ok_or_else(not_an_index)?;
        let around = ((1u64 << bits) + 1) * 8 + magic.len() as u64;
        let len = entries.checked_mul(ENTRY_LEN as u64).and_then(|len| len.checked_add(around));
        if len != Some(start as u64) {
            return Err(not_an_index());
        }
        let header: H = serde_json::from_slice(&bytes[start..body]).map_err(|_| not_an_index())?;
        let key = key_of(&header)?;
        let (signed, stated) = bytes.split_at(bytes.len() - AUTHENTICATOR_LEN);
        let mut authenticator = key.authenticator();
        authenticator.update(signed);
        // Hashes of this crate are compared in the same time wherever they differ.
        let stated: [u8; AUTHENTICATOR_LEN] = stated.try_into().map_err(|_| not_an_index())?;
        if authenticator.finalize() != blake3::Hash::from_bytes(stated) {
            return Err(IndexError::Key);
        }
        Ok((Self { bytes: bytes.into(), entries, bits }, header, key))
    }

    /// Entries.
    pub(super) fn len(&self) -> u64 {
        self.entries
    }

    /// The entries of a hash, as a range of places. Empty when there is none.
    pub(super) fn find(&self, hash: u64) -> Range<u64> {
        let bucket = bucket(hash, self.bits);
        let (first, end) = (self.first_of(bucket), self.first_of(bucket + 1));
        let start = self.partition(first..end, |entry| entry.hash < hash);
        start..self.partition(start..end, |entry| entry.hash <= hash)
    }

    /// The owner of an entry.
    pub(super) fn owner_at(&self, place: u64) -> u32 {
        self.entry(place).owner
    }

    /// Whether one of the entries of one hash, which are sorted by their owner, belongs to an owner.
    pub(super) fn holds(&self, places: Range<u64>, owner: u32) -> bool {
        let at = self.partition(places.clone(), |entry| entry.owner < owner);
        at < places.end && self.entry(at).owner == owner
    }

    fn partition(&self, mut places: Range<u64>, is_before: impl Fn(Entry) -> bool) -> u64 {
        while places.start < places.end {
            let middle = places.start + (places.end - places.start) / 2;
            if is_before(self.entry(middle)) {
                places.start = middle + 1;
            } else {
                places.end = middle;
            }
        }
        places.start
    }

    fn entry(&self, place: u64) -> Entry {
        let at = size_of::<Magic>() + place as usize * ENTRY_LEN;
        let bytes: &[u8; ENTRY_LEN] = self.bytes[at..].first_chunk().expect("places lie in the entries");
        let hash = u64::from_le_bytes(*bytes.first_chunk().expect("twelve bytes"));
        let owner = u32::from_le_bytes(*bytes.last_chunk().expect("twelve bytes"));
        Entry { hash, owner }
    }

    fn first_of(&self, bucket: usize) -> u64 {
        let at = size_of::<Magic>() + self.entries as usize * ENTRY_LEN + bucket * 8;
        let first = self.bytes[at..].first_chunk().expect("the directory has one place more than buckets");
        u64::from_le_bytes(*first).min(self.entries)
    }
}

fn bucket(hash: u64, bits: u32) -> usize {
    hash.checked_shr(64 - bits).unwrap_or(0) as usize
}
