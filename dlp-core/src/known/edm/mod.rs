//! Exact data match: the records of a table, found again in a text.
//!
//! ```text
//! table -> rows -> cells, normalised -> keyed hashes with their row, sorted -> index
//! text  -> words -> values of a primary column -> cells of the same row around it -> match
//! ```
//!
//! A value of a primary column (a customer number, an e-mail address) is looked for at every place. Once one is found,
//! the words around it are looked up in the other columns, and only cells **of the same row** count: that is what tells
//! a leaked record from a text in which a common name stands beside somebody else's number. What both sides do to a
//! value before it is hashed stands in one place, `normal`, and its version in the index.
//!
//! The index holds 64 bits of a keyed hash and a row number for each cell, sorted, with a directory over the leading
//! bits: a look-up asks a filter in memory, and reads two places of the file when that says yes. It holds no value, no key, and nothing that could be tried out without the key.

mod index;
mod mask;
mod normal;
mod scan;
mod schema;
#[cfg(test)]
mod tests;

pub use index::{Index, IndexWriter, Indexer};
pub(super) use mask::mark;
pub use scan::Cell;
pub(super) use scan::Scan;
pub use schema::{Column, Kind, Schema, SchemaError};
