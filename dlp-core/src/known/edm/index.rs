//! The index: made from sorted entries, read back, looked up.
//!
//! ```text
//! magic | entries: hash u64, row u32 | directory: first entry of each bucket, u64 | header JSON | footer
//! ```
//!
//! All numbers are little-endian. The footer holds the numbers that lead to the parts, and an authenticator over
//! everything before it, under the index's own key: a wrong key and an altered file are refused alike.

use super::super::key::KnownKey;
use super::super::words::Words;
use super::normal::{self, Normal};
use super::schema::Schema;
use serde::{Deserialize, Serialize};
use std::io::{self, Write};
use thiserror::Error;

const MAGIC: &[u8; 8] = b"DLPEDM1\n";
/// Bytes of an entry.
const ENTRY_LEN: usize = 12;
/// Bytes of the footer: entries, bits of the directory, length of the header, authenticator.
const FOOTER_LEN: usize = 8 + 4 + 4 + 32;
/// Entries that share a bucket, on average.
const BUCKET_ENTRIES: u64 = 8;
/// Most leading bits of the directory.
const BITS_MAX: u32 = 28;
/// Use of the organisation's key.
const USAGE: &str = "dlp.edm.v1";

/// A cell: hash of column and value, and the row it stands in. Ordered as the index wants them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Keyed hash of column and value.
    pub hash: u64,
    /// Row, from 1.
    pub row: u32,
}

/// Why an index cannot be used.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum IndexError {
    /// It is something else, or damaged in its frame.
    #[error("expected an index made by `dlp edm build`, found something else or a part of one")]
    NotAnIndex,
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

/// What stands before the entries are of use.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Header {
    version: u32,
    schema: Schema,
    salt: String,
    rows: u32,
    /// Shapes that values of each column have, as 256 bits in hexadecimal.
    shapes: Vec<String>,
}

/// Shapes of values, one bit each.
type Shapes = [u64; 4];

/// Turns rows into entries.
pub struct Indexer {
    schema: Schema,
    key: KnownKey,
    salt: [u8; 16],
    rows: u32,
    shapes: Vec<Shapes>,
}

impl Indexer {
    /// An indexer. The salt must be random.
    #[must_use]
    pub fn new(schema: Schema, key: &KnownKey, salt: [u8; 16]) -> Self {
        let shapes = vec![[0; 4]; schema.columns.len()];
        Self { key: key.of_index(USAGE, &salt), schema, salt, rows: 0, shapes }
    }

    /// The entries of the next row, whose cells stand in the order of the schema's columns. Empty cells, and those too
    /// short or too long to be found, have none.
    pub fn row<'c>(&mut self, cells: impl IntoIterator<Item = &'c str>, entries: &mut Vec<Entry>) {
        self.rows = self.rows.saturating_add(1);
        for (column, cell) in cells.into_iter().enumerate().take(self.schema.columns.len()) {
            let Some(value) = self.schema.cell(column, &Words::of(cell)) else { continue };
            set(&mut self.shapes[column], value.shape());
            entries.push(Entry { hash: self.key.hash(column as u8, value.bytes()), row: self.rows });
        }
    }

    /// Rows so far.
    #[must_use]
    pub fn rows(&self) -> u32 {
        self.rows
    }

    /// Starts to write the index of `entries` entries.
    ///
    /// # Errors
    /// When `out` fails.
    pub fn writer<W: Write>(self, entries: u64, mut out: W) -> io::Result<IndexWriter<W>> {
        let mut authenticator = self.key.authenticator();
        authenticator.update(MAGIC);
        out.write_all(MAGIC)?;
        let bits = (entries / BUCKET_ENTRIES).checked_ilog2().unwrap_or(0).min(BITS_MAX);
        let header = Header {
            version: normal::VERSION,
            schema: self.schema,
            salt: data_encoding::HEXLOWER.encode(&self.salt),
            rows: self.rows,
            shapes: self.shapes.iter().map(to_hex).collect(),
        };
        Ok(IndexWriter {
            out,
            authenticator,
            header,
            bits,
            directory: vec![0; (1 << bits) + 1],
            written: 0,
            last: None,
        })
    }
}

/// Writes an index, entry by entry.
pub struct IndexWriter<W> {
    out: W,
    authenticator: blake3::Hasher,
    header: Header,
    bits: u32,
    /// Entries of each bucket, until the end.
    directory: Vec<u64>,
    written: u64,
    last: Option<Entry>,
}

impl<W: Write> IndexWriter<W> {
    /// Writes the next entry. Entries come in their order; one that equals the last is left out.
    ///
    /// # Errors
    /// When the output fails, or entries are out of order.
    pub fn push(&mut self, entry: Entry) -> io::Result<()> {
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
        bytes[8..].copy_from_slice(&entry.row.to_le_bytes());
        self.write(&bytes)
    }

    /// Writes what stands behind the entries.
    ///
    /// # Errors
    /// When the output fails.
    pub fn finish(mut self) -> io::Result<W> {
        let mut first = 0;
        for bucket in std::mem::take(&mut self.directory) {
            first += bucket;
            self.write(&first.to_le_bytes())?;
        }
        let header = serde_json::to_vec(&self.header)?;
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

/// An index, ready to be looked up.
#[derive(Clone)]
pub struct Index {
    bytes: std::sync::Arc<[u8]>,
    header: std::sync::Arc<Header>,
    shapes: Vec<Shapes>,
    key: KnownKey,
    entries: u64,
    bits: u32,
}

impl Index {
    /// Reads an index.
    ///
    /// # Errors
    /// [`IndexError`] for another file, another key, or another version.
    pub fn parse(bytes: Vec<u8>, key: &KnownKey) -> Result<Self, IndexError> {
        let body = bytes.len().checked_sub(FOOTER_LEN).ok_or(IndexError::NotAnIndex)?;
        let footer = &bytes[body..];
        let number = |range: std::ops::Range<usize>| {
            footer[range].iter().rev().fold(0u64, |number, byte| number << 8 | u64::from(*byte))
        };
        let (entries, bits, header_len) = (number(0..8), number(8..12) as u32, number(12..16) as usize);
        let start = body.checked_sub(header_len).ok_or(IndexError::NotAnIndex)?;
        let directory = if bits <= BITS_MAX { ((1u64 << bits) + 1) * 8 } else { return Err(IndexError::NotAnIndex) };
        let expected =
            entries.checked_mul(ENTRY_LEN as u64).and_then(|len| len.checked_add(directory + MAGIC.len() as u64));
        if expected != Some(start as u64) || !bytes.starts_with(MAGIC) {
            return Err(IndexError::NotAnIndex);
        }
        let header: Header = serde_json::from_slice(&bytes[start..body]).map_err(|_| IndexError::NotAnIndex)?;
        if header.version != normal::VERSION {
            return Err(IndexError::Version { expected: normal::VERSION, found: header.version });
        }
        let salt = data_encoding::HEXLOWER.decode(header.salt.as_bytes()).map_err(|_| IndexError::NotAnIndex)?;
        let key = key.of_index(USAGE, &salt);
        let mut authenticator = key.authenticator();
        authenticator.update(&bytes[..body + FOOTER_LEN - 32]);
        // The comparison of BLAKE3 hashes takes the same time wherever they differ.
        let stated: [u8; 32] = bytes[bytes.len() - 32..].try_into().map_err(|_| IndexError::NotAnIndex)?;
        if authenticator.finalize() != blake3::Hash::from_bytes(stated) {
            return Err(IndexError::Key);
        }
        let shapes = header.shapes.iter().map(|hex| from_hex(hex)).collect::<Option<Vec<_>>>();
        let shapes =
            shapes.filter(|shapes| shapes.len() == header.schema.columns.len()).ok_or(IndexError::NotAnIndex)?;
        Ok(Self { bytes: bytes.into(), header: header.into(), shapes, key, entries, bits })
    }

    /// The table's schema.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.header.schema
    }

    /// Rows of the table.
    #[must_use]
    pub fn rows(&self) -> u32 {
        self.header.rows
    }

    /// Cells in the index.
    #[must_use]
    pub fn cells(&self) -> u64 {
        self.entries
    }

    /// The entries of a value in a column, as a range of places. Empty when there is none.
    pub(super) fn find(&self, column: usize, value: &Normal) -> std::ops::Range<u64> {
        let shape = value.shape();
        if self.shapes[column][usize::from(shape >> 6)] >> (shape & 63) & 1 == 0 {
            return 0..0;
        }
        let hash = self.key.hash(column as u8, value.bytes());
        let bucket = bucket(hash, self.bits);
        let (first, end) = (self.first_of(bucket), self.first_of(bucket + 1));
        let start = self.partition(first..end, |entry| entry.hash < hash);
        start..self.partition(start..end, |entry| entry.hash <= hash)
    }

    /// The row of an entry.
    pub(super) fn row_at(&self, place: u64) -> u32 {
        self.entry(place).row
    }

    /// Whether one of the entries, which are sorted by their row, stands in a row.
    pub(super) fn holds(&self, places: std::ops::Range<u64>, row: u32) -> bool {
        let at = self.partition(places.clone(), |entry| entry.row < row);
        at < places.end && self.entry(at).row == row
    }

    fn partition(&self, mut places: std::ops::Range<u64>, is_before: impl Fn(Entry) -> bool) -> u64 {
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
        let at = MAGIC.len() + place as usize * ENTRY_LEN;
        let bytes: &[u8; ENTRY_LEN] = self.bytes[at..].first_chunk().expect("places lie in the entries");
        let hash = u64::from_le_bytes(*bytes.first_chunk().expect("twelve bytes"));
        let row = u32::from_le_bytes(*bytes.last_chunk().expect("twelve bytes"));
        Entry { hash, row }
    }

    fn first_of(&self, bucket: usize) -> u64 {
        let at = MAGIC.len() + self.entries as usize * ENTRY_LEN + bucket * 8;
        u64::from_le_bytes(*self.bytes[at..].first_chunk().expect("the directory has one place more than buckets"))
            .min(self.entries)
    }
}

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Index({}, {} cells)", self.header.schema.name, self.entries)
    }
}

fn bucket(hash: u64, bits: u32) -> usize {
    hash.checked_shr(64 - bits).unwrap_or(0) as usize
}

fn set(shapes: &mut Shapes, shape: u8) {
    shapes[usize::from(shape >> 6)] |= 1 << (shape & 63);
}

fn to_hex(shapes: &Shapes) -> String {
    shapes.iter().map(|bits| format!("{bits:016x}")).collect()
}

fn from_hex(hex: &str) -> Option<Shapes> {
    let mut shapes = [0; 4];
    for (at, bits) in shapes.iter_mut().enumerate() {
        *bits = u64::from_str_radix(hex.get(at * 16..at * 16 + 16)?, 16).ok()?;
    }
    (hex.len() == 64).then_some(shapes)
}
