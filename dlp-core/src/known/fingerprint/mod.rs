//! Document fingerprints: confidential documents and source code, recognised in part, reformatted or renamed.
//!
//! A document is read as tokens: words of a text without case and diacritics, or code with every identifier as one
//! class, so that renaming and formatting hide nothing ([`code`]). Every run of tokens has a hash, and winnowing
//! ([`grams`], after Schleimer, Wilkerson and Aiken, 2003) keeps those that any copy of a passage keeps too. What many of
//! the documents share, or a document that was given as common, is boilerplate and left out.
//!
//! A text is read in both ways, since nobody says what it is. Its fingerprints count for the documents that have them;
//! reported is how much of a document they are, so a small excerpt of a small document counts as much as a large one.

mod code;
mod grams;
mod index;
mod scan;
#[cfg(test)]
mod tests;

pub use index::{COMMON_OWNER, Document, Index, IndexWriter, Indexer, Kind};
pub(super) use scan::Scan;
