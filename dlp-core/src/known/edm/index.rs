//! The index of a table: a store of cells, with the schema in its header.

use super::super::key::KnownKey;
use super::super::sip::Sip;
use super::super::store::{Entry, IndexError, Magic, Source, Store, StoreWriter};
use super::super::words::{Word, Words};
use super::normal::{self, Normal, shape};
use super::schema::{Column, Kind, Schema};
use serde::{Deserialize, Serialize};
use std::io::{self, Write};
use std::ops::Range;
use std::sync::Arc;

const MAGIC: &Magic = b"DLPEDM1\n";
/// What makes such indexes.
const MADE_BY: &str = "dlp edm build";
/// Use of the organisation's key.
const USAGE: &str = "dlp.edm.v1";

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

/// A primary column, and how its values are told from most words without a look at the index.
#[derive(Clone, Copy, Debug)]
pub(super) struct Primary {
    /// Number of the column.
    pub(super) at: usize,
    /// How its values are compared.
    pub(super) kind: Kind,
    shapes: Shapes,
    len_max: usize,
}

impl Primary {
    fn of(schema: &Schema, shapes: &[Shapes]) -> Vec<Self> {
        let columns = schema.columns.iter().zip(shapes).enumerate().filter(|(_, (column, _))| column.primary);
        let primary = |(at, (column, shapes)): (usize, (&Column, &Shapes))| {
            let lens = shapes.iter().take(normal::MAKES).fold(0, |lens, of_make| lens | of_make);
            Self { at, kind: column.kind, shapes: *shapes, len_max: 64 - lens.leading_zeros() as usize }
        };
        columns.map(primary).collect()
    }

    /// How many of the last words may make a value together: each number of them that gives a shape of the column.
    #[inline]
    pub(super) fn counts(&self, words: &[Word]) -> impl Iterator<Item = usize> + use<> {
        let mut found = 0_u16;
        let (mut len, mut digits) = (0, 0);
        for (before, word) in words.iter().rev().take(normal::WORDS_MAX).enumerate() {
            len += word.len();
            digits += word.digits();
            let goes_on = match self.kind {
                Kind::Text => len <= self.len_max,
                // Their values are shorter than what stands in the text.
                Kind::Number | Kind::Phone => digits == len,
                Kind::Date | Kind::DateUs => before < 3,
            };
            if !goes_on {
                break;
            }
            let has_shape = self.kind != Kind::Text || has(&self.shapes, shape(len, digits));
            found |= u16::from(has_shape) << before;
            if !word.joins {
                break;
            }
        }
        std::iter::from_fn(move || {
            let count = found.trailing_zeros();
            found &= found.wrapping_sub(1);
            (count < u16::BITS).then_some(count as usize + 1)
        })
    }
}

/// Turns rows into entries.
pub struct Indexer {
    schema: Schema,
    key: KnownKey,
    salt: [u8; 16],
    rows: u32,
    shapes: Vec<Shapes>,
    columns: Vec<Sip>,
}

impl Indexer {
    /// An indexer. The salt must be random.
    #[must_use]
    pub fn new(schema: Schema, key: &KnownKey, salt: [u8; 16]) -> Self {
        let shapes = vec![[0; 4]; schema.columns.len()];
        let key = key.of_index(USAGE, data_encoding::HEXLOWER.encode(&salt).as_bytes());
        Self { columns: columns(&key, &schema), key, schema, salt, rows: 0, shapes }
    }

    /// The entries of the next row, whose cells stand in the order of the schema's columns. Empty cells, and those too
    /// short or too long to be found, have none.
    pub fn row<'c>(&mut self, cells: impl IntoIterator<Item = &'c str>, entries: &mut Vec<Entry>) {
        self.rows = self.rows.saturating_add(1);
        for (column, cell) in cells.into_iter().enumerate().take(self.schema.columns.len()) {
            let Some(value) = self.schema.cell(column, &Words::of(cell)) else { continue };
            set(&mut self.shapes[column], value.shape());
            entries.push(Entry { hash: self.columns[column].hash(value.bytes()), owner: self.rows });
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
    pub fn writer<W: Write>(self, entries: u64, out: W) -> io::Result<IndexWriter<W>> {
        let store = StoreWriter::start(MAGIC, &self.key, entries, out)?;
        let header = Header {
            version: normal::VERSION,
            schema: self.schema,
            salt: data_encoding::HEXLOWER.encode(&self.salt),
            rows: self.rows,
            shapes: self.shapes.iter().map(to_hex).collect(),
        };
        Ok(IndexWriter { store, header })
    }
}

/// Writes an index, entry by entry.
pub struct IndexWriter<W> {
    store: StoreWriter<W>,
    header: Header,
}

impl<W: Write> IndexWriter<W> {
    /// Writes the next entry. Entries come in their order; one that equals the last is left out.
    ///
    /// # Errors
    /// When the output fails, or entries are out of order.
    pub fn push(&mut self, entry: Entry) -> io::Result<()> {
        self.store.push(entry)
    }

    /// Writes what stands behind the entries.
    ///
    /// # Errors
    /// When the output fails.
    pub fn finish(self) -> io::Result<W> {
        self.store.finish(&self.header)
    }
}

/// An index, ready to be looked up.
#[derive(Clone)]
pub struct Index {
    store: Store,
    header: Arc<Header>,
    shapes: Vec<Shapes>,
    columns: Arc<[Sip]>,
    primary: Arc<[Primary]>,
}

impl Index {
    /// Reads an index from memory.
    ///
    /// # Errors
    /// [`IndexError`] for another file, another key, or another version.
    pub fn parse(bytes: Vec<u8>, key: &KnownKey) -> Result<Self, IndexError> {
        Self::open(Arc::new(bytes), key)
    }

    /// Opens an index, which stays where it is.
    ///
    /// # Errors
    /// [`IndexError`] for another file, another key, or another version, and when it cannot be read.
    pub fn open(source: Arc<dyn Source>, key: &KnownKey) -> Result<Self, IndexError> {
        let (store, header, key) = Store::open(source, MAGIC, MADE_BY, |header: &Header| {
            if header.version != normal::VERSION {
                return Err(IndexError::Version { expected: normal::VERSION, found: header.version });
            }
            Ok(key.of_index(USAGE, header.salt.as_bytes()))
        })?;
        let shapes = header.shapes.iter().map(|hex| from_hex(hex)).collect::<Option<Vec<_>>>();
        let shapes = shapes.filter(|shapes| shapes.len() == header.schema.columns.len());
        let shapes = shapes.ok_or(IndexError::NotAnIndex { expected: MADE_BY })?;
        let columns = columns(&key, &header.schema).into();
        let primary = Primary::of(&header.schema, &shapes).into();
        Ok(Self { store, header: header.into(), shapes, columns, primary })
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
        self.store.len()
    }

    /// The columns whose values are looked for everywhere.
    pub(super) fn primary_columns(&self) -> &[Primary] {
        &self.primary
    }

    /// The entries of a value in a column, as a range of places. Empty when there is none.
    pub(super) fn find(&self, column: usize, value: &Normal) -> Range<u64> {
        self.hash(column, value).map_or(0..0, |hash| self.store.find(hash))
    }

    /// What entries of a value in a column have; `None` when there are none, which its shape tells.
    #[inline]
    pub(super) fn hash(&self, column: usize, value: &Normal) -> Option<u64> {
        has(&self.shapes[column], value.shape()).then(|| self.columns[column].hash(value.bytes()))
    }

    /// Whether there may be entries of a hash.
    #[inline]
    pub(super) fn may_hold(&self, hash: u64) -> bool {
        self.store.may_hold(hash)
    }

    /// The entries of a hash, as a range of places. Empty when there is none.
    pub(super) fn find_hash(&self, hash: u64) -> Range<u64> {
        self.store.find(hash)
    }

    /// Whether words may make a value of a column, as far as their length and their digits tell.
    pub(super) fn may_make(&self, column: usize, words: &[Word]) -> bool {
        let sum = |(len, digits), word: &Word| (len + word.len(), digits + word.digits());
        let (len, digits) = words.iter().fold((0, 0), sum);
        self.header.schema.columns[column].kind != Kind::Text || has(&self.shapes[column], shape(len, digits))
    }

    /// The rows of entries.
    pub(super) fn rows_of(&self, places: Range<u64>) -> Vec<u32> {
        self.store.owners(places)
    }

    /// Whether the index could not be read after it was opened.
    pub(in crate::known) fn has_failed(&self) -> bool {
        self.store.has_failed()
    }

    /// Whether one of the entries of a value stands in a row.
    pub(super) fn holds(&self, places: Range<u64>, row: u32) -> bool {
        self.store.holds(places, row)
    }
}

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Index({}, {} cells)", self.header.schema.name, self.cells())
    }
}

/// The hash of the values of each column.
fn columns(key: &KnownKey, schema: &Schema) -> Vec<Sip> {
    (0..schema.columns.len()).map(|column| key.function(&[b"column ", &[column as u8][..]].concat())).collect()
}

fn set(shapes: &mut Shapes, shape: u8) {
    shapes[usize::from(shape >> 6)] |= 1 << (shape & 63);
}

fn has(shapes: &Shapes, shape: u8) -> bool {
    shapes[usize::from(shape >> 6)] >> (shape & 63) & 1 == 1
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
