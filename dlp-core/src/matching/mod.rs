//! Layer 3: a compiled set of detectors over text.
//!
//! The stages, in the order in which a byte meets them:
//!
//! | stage | module | what it does |
//! |---|---|---|
//! | anchors | `simd`, `literals`, `key_runs`, `runs`, `starts`, `candidates` | one pass over the bytes gives masks; from them, places where a pattern may start |
//! | confirm | `confirm`, `budget` | boundary, first bytes, the pattern's regex anchored at the place, boundary again; bounded work |
//! | evidence | `evidence`, `notes`, `vocabulary`, `spotted`, `any_words`, `context`, `stand_in`, `table`, `company`, `neighbourhood`, `pasted` | validator, entropy, context words, company, material: a score with its reasons |
//! | resolve | `resolve` | of matches that cover each other, the surest one stays |
//! | report | `report` | line and column, surroundings with every value masked |
//!
//! What a text holds is defined locally: a pattern matches at a place if its regex, anchored there, does, whatever
//! stands farther away than the longest match and the context windows; the header of a table, at the beginning of a text, is
//! the one thing that counts from afar. That is why [`StreamScan`] can give the same
//! matches for any chunking while it holds a bounded part of the stream. A whole buffer is a stream of one piece that
//! is not copied. Blocks of a stream are searched apart (`blocks`), by helpers too where there are any.

mod any_words;
mod assemble;
mod blocks;
mod boundary;
mod budget;
mod candidates;
mod company;
mod compile;
mod confirm;
mod context;
mod evidence;
mod found;
mod key_name;
mod key_runs;
mod lines;
mod literals;
mod material;
mod moment;
mod name;
mod neighbourhood;
mod notes;
mod own_name;
mod pasted;
mod report;
mod resolve;
mod runs;
mod scratch;
mod simd;
mod spotted;
mod stages;
pub(crate) mod stand_in;
mod starts;
mod stream;
mod table;
#[cfg(test)]
mod tests;
mod uses;
mod vocabulary;
mod whole_number;

pub use blocks::{HelperJob, Helpers};
pub use compile::{CompileError, DetectorSet};
pub use found::{DetectorIndex, Match, Reason, ScanEnd, Step, TableCell, ValidatorResult};
pub use lines::LineColumn;
pub(crate) use lines::LineCounter;
pub use material::Material;
pub(crate) use notes::ALONE;
pub use scratch::Scratch;
pub use simd::Isa;
pub(crate) use simd::{ByteClasses, Task, classes_of};
pub use stages::Stage;
pub use stream::{GIVEN_WITHIN_BYTES, StreamScan};
