//! Layer 4: from bytes to text with places, and from matches to findings.
//!
//! [`extract()`] starts a walk. `walk` enters and leaves items, `recognise` tells what they are, `budget` bounds the
//! work of the whole job, and one module for each format hands out text or goes down into children: `plain` (text and
//! raw bytes, with `second` for text of another width in them, `doubts` for texts that a set other than the stated or guessed
//! one reads differently, and `rows` for tables of credentials), `zip`, `gzip`, `packed` (other compressed streams, with `frames` and `lzw`),
//! `tarball`, `serial` (ar, cpio, rpm, WARC), `iso` (images of disks), `ooxml` and `odf` (over `xml`), `cfb` (older
//! Office documents) and `tnef` (over `mapi`), `pst` (stores of such messages), `cms`, `rtf`, `html`, `mail`,
//! `onenote`, `sqlite`, `plist`, `parquet` and `avro` (over `rows`), `git` (packs and bundles), `image` (with `picture` for the
//! text in its pixels), and `document` for what a worker parses, with `pdf` for what stands around its objects. `views`
//! looks at every text that passes for what is encoded in it, with the decoders of `decode`, and at rows of tables
//! (`neighbours`); `labels` tells which labels in properties are off; `readings` gives the same to those who replace it.

mod avro;
mod banners;
mod budget;
mod cells;
mod cfb;
mod cms;
mod copies;
mod decode;
mod disguises;
mod document;
mod doubts;
mod extract;
mod finding;
mod frames;
mod git;
mod gzip;
mod html;
mod image;
mod iso;
mod joining;
mod kind;
mod labels;
mod lzw;
mod mail;
mod mapi;
mod matching_sink;
mod metafile;
mod names;
mod neighbours;
mod number_formats;
mod odf;
mod ole;
mod onenote;
mod ooxml;
mod outcome;
mod packed;
mod parquet;
mod pdf;
mod picture;
mod plain;
mod plist;
mod pst;
mod readings;
mod recognise;
mod risky;
mod rows;
mod rtf;
mod sealed;
mod second;
mod serial;
mod shelf;
mod sink;
mod snappy;
mod source_lines;
mod sqlite;
mod strings;
mod tarball;
mod tnef;
mod views;
mod walk;
mod xml;
mod zip;
mod zstd;

pub use crate::matching::LineColumn;
pub use decode::runs::starts_zlib;
pub(crate) use disguises::Disguises;
pub use extract::{Extraction, Input, ReadSeek, extract};
pub use finding::{Finding, ItemReport, LocatedProblem, Location, Observer, OffsetBase, Related};
pub(crate) use joining::{Joining, PairsOnce};
pub use kind::Kind;
pub use matching_sink::MatchingSink;
pub use outcome::{Completeness, Outcome};
pub(crate) use readings::{Reading, cut_run, readings};
pub use risky::{FileContent, PictureReader, RiskyFrame, RiskyParser};
pub(crate) use rows::Rows;
pub use sink::{Flow, ItemStart, Join, MapRun, Origin, Part, Place, Relation, Role, Segment, Sink};
pub use source_lines::SourceLines;
