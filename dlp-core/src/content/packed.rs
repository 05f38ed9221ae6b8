//! bzip2 and xz: one packed stream, or several in a row, whose content is one child.
//!
//! The decoders say when something stands behind the last stream that is no stream, or when one is broken; both end the
//! child with a problem, behind what was read.

use super::budget::{Counted, Metered};
use super::walk::{Item, Step, Walk, with_reader};
use super::{Input, Kind, Relation, gzip};
use bzip2::bufread::MultiBzDecoder;
use lzma_rust2::XzReader;
use std::cell::Cell;
use std::io::{BufReader, Read};

/// File names: what the suffix of a packed file becomes.
const SUFFIXES: [(&str, &str); 5] = [(".bz2", ""), (".tbz2", ".tar"), (".tbz", ".tar"), (".xz", ""), (".txz", ".tar")];
const BUFFER_BYTES: usize = 32 * 1024;

/// Walks a packed stream of this kind.
pub(super) fn walk(walk: &mut Walk<'_>, kind: Kind, item: Item<'_, '_>) -> Step {
    let name = gzip::inner_name(item.name, &SUFFIXES);
    with_reader(item.input, |reader| {
        let (budget, count) = (walk.budget, Cell::new(0));
        let buffered = BufReader::with_capacity(BUFFER_BYTES, Counted::new(reader, &count));
        let decoder: Box<dyn Read + '_> = match kind {
            Kind::Xz => {
                // The dictionary is allocated as the header claims, so the claim is bounded.
                let held_kib = u32::try_from(budget.limits.held_bytes_max / 1024).unwrap_or(u32::MAX);
                Box::new(XzReader::new_mem_limit(buffered, true, held_kib))
            }
            _ => Box::new(MultiBzDecoder::new(buffered)),
        };
        walk.child(&name, Relation::Member, Input::Stream(&mut Metered::new(decoder, budget, &count)))
    })
}
