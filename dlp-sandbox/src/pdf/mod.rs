//! Reads one PDF document inside a worker.
//!
//! No single reading finds everything, so there are several: a plain reading of our own with a guard on everything, the
//! engine (pdf-extract) for pages that the plain reading does not understand, the document's structures (properties,
//! comments, form fields, links, scripts, embedded files), and a byte scan that needs no structure at all. The engine
//! runs last on a page, because it is what kills workers; the next worker then continues at that page without it.
//!
//! The order was measured: of 91 public documents with known words, the plain reading has all words of 81, the engine
//! of 77, and no document is read better by the engine alone.

mod bombs;
mod bytes;
mod cmap;
mod content;
mod engine;
mod files;
mod folded;
mod fonts;
mod glyphs;
mod japanese;
mod load;
mod matrix;
mod metrics;
mod objects;
mod pages;
mod photos;
mod pictures;
mod programs;
mod repair;
mod seen;
mod streams;
mod structure;
mod tokens;
mod unlock;
mod yields;

use crate::trouble::Trouble;
use crate::wire::{Bounds, Start};
use crate::worker::Output;
use bombs::Search;
use bytes::WideStrings;
use load::Loaded;
use pages::Range;
use seen::Seen;
use std::io;

pub(crate) use folded::{OBJECTS_FREE, UNFOLDED_BYTES_FREE, UNFOLDED_RATIO_MAX};
pub(crate) use pages::{DESCRIBED_BYTES_FREE, DESCRIBED_RATIO_MAX};
pub(crate) use streams::{STREAM_RATIO_MAX, UNPACKED_BYTES_MAX};

/// What is wanted of a document.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) start: Start,
    /// Pictures are handed out, too.
    pub(crate) pictures: bool,
}

/// Reads the document from where it is to be started, and sends what is found.
pub(crate) fn read(document: &[u8], asked: Asked, bounds: &Bounds, output: &mut Output) -> io::Result<()> {
    let Asked { start, pictures } = asked;
    let mut seen = Seen::default();
    if start == Start::BytesOnly {
        return bytes::read(document, WideStrings::Characters, bounds, &mut seen, output);
    }
    let is_first = start == Start::Beginning;
    let search = bombs::search(document, bounds.stream_bytes);
    let trouble = match &search {
        Search::Honest => None,
        Search::Defused(_) => Some(Trouble::StreamTooLarge),
        Search::TooMuch(trouble) => Some(*trouble),
    };
    if let Some(trouble) = trouble.filter(|_| is_first) {
        output.trouble(trouble)?;
    }
    let document = match &search {
        Search::Honest => document,
        Search::Defused(copy) => copy,
        Search::TooMuch(_) => return bytes::read(document, WideStrings::Characters, bounds, &mut seen, output),
    };
    let mut pdf = match load::load(document) {
        Loaded::Document(pdf) => pdf,
        Loaded::Locked(trouble) => {
            output.trouble(trouble)?;
            return structure::read_open_metadata(document, output);
        }
        Loaded::Broken => {
            output.trouble(Trouble::Structure)?;
            return bytes::read(document, WideStrings::Characters, bounds, &mut seen, output);
        }
    };
    if pdf.repaired {
        output.trouble(Trouble::Structure)?;
    }
    if let Some(trouble) = pdf.unfolding.filter(|_| is_first) {
        output.trouble(trouble)?;
    }
    if pdf.was_encrypted
        && let Some(trouble) = bombs::defuse(&mut pdf.document, document.len() as u64, bounds.stream_bytes)
    {
        if is_first {
            output.trouble(trouble)?;
        }
        if trouble != Trouble::StreamTooLarge {
            return bytes::read_objects(&pdf.document, WideStrings::Characters, bounds, &mut seen, output);
        }
    }
    let first_page = match start {
        Start::Page(page) => Some(page),
        Start::Beginning | Start::BytesOnly => None,
    };
    if first_page.is_none() {
        structure::read(&pdf.document, bounds, &mut seen, output)?;
        files::read(&pdf.document, bounds, output)?;
    }
    let range = Range { first: first_page, pictures, document_bytes: document.len() as u64 };
    let understood = pages::read(&pdf.document, range, bounds, &mut seen, output)?;
    let wide = if understood { WideStrings::Glyphs } else { WideStrings::Characters };
    if pdf.was_encrypted {
        // Its bytes are noise to everything but the loader.
        return bytes::read_objects(&pdf.document, wide, bounds, &mut seen, output);
    }
    bytes::read(document, wide, bounds, &mut seen, output)
}
