//! Packed streams other than gzip: bzip2, xz, lzip, lzma, zstd, lz4 and compress. Their content is one child.
//!
//! The decoders say when something stands behind the last stream that is no stream, or when one is broken; both end the
//! child with a problem, behind what was read.

use super::budget::{Counted, Metered};
use super::frames::{self, Frames, Lz4, Zstd};
use super::lzw::Lzw;
use super::snappy::SnappyReader;
use super::walk::{Item, Step, Walk, with_reader};
use super::{Input, Kind, Relation, gzip, plain};
use crate::base::{DICTIONARY_BYTES_MAX, Problem, ProblemClass, SNAPPY_SKIPPED_BYTES_MAX};
use brotli_decompressor::Decompressor;
use bzip2::bufread::MultiBzDecoder;
use lzma_rust2::{LzipReader, LzmaReader, XzReader};
use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read};

/// File names: what the suffix of a packed file becomes.
const SUFFIXES: [(&str, &str); 17] = [
    (".bz2", ""),
    (".tbz2", ".tar"),
    (".tbz", ".tar"),
    (".xz", ""),
    (".txz", ".tar"),
    (".lz", ""),
    (".tlz", ".tar"),
    (".lzma", ""),
    (".zst", ""),
    (".tzst", ".tar"),
    (".lz4", ""),
    (".tgz", ".tar"),
    (".taz", ".tar"),
    (".tz", ".tar"),
    (".z", ""),
    (".sz", ""),
    (".br", ""),
];
/// The largest dictionary, and what decoders need beside it. Headers claim, so the claim is bounded.
pub(super) const MEMORY_KIB_MAX: u32 = (DICTIONARY_BYTES_MAX / 1024) as u32 + 1024;
const BUFFER_BYTES: usize = 32 * 1024;

/// Whether the bytes are a stream of lzma without a container: no signature, but few headers are possible.
pub(super) fn is_lzma(head: &[u8]) -> bool {
    const USUAL_PROPERTIES: u8 = 0x5D;
    const SIZE_MAX: u64 = 1 << 38;
    let Some((&[properties, d0, d1, d2, d3, size @ ..], [0, ..])) = head.split_first_chunk::<13>() else {
        return false;
    };
    let size = u64::from_le_bytes(size);
    let dictionary = u32::from_le_bytes([d0, d1, d2, d3]);
    let is_usual = dictionary.is_power_of_two() || dictionary == u32::MAX;
    properties == USUAL_PROPERTIES && is_usual && dictionary >= 1 << 12 && (size == u64::MAX || size < SIZE_MAX)
}

/// Walks a packed stream of this kind.
pub(super) fn walk(walk: &mut Walk<'_>, kind: Kind, item: Item<'_, '_>) -> Step {
    let name = gzip::inner_name(item.name, &SUFFIXES);
    with_reader(item.input, |reader| {
        let (budget, count) = (walk.budget, Cell::new(0));
        let buffered = BufReader::with_capacity(BUFFER_BYTES, Counted::new(reader, &count));
        match kind {
            Kind::Zstd => frames::walk(walk, &name, Metered::new(Frames::<_, Zstd>::new(buffered), budget, &count)),
            Kind::Lz4 => frames::walk(walk, &name, Metered::new(Frames::<_, Lz4>::new(buffered), budget, &count)),
            Kind::Lzma => {
                lzma(walk, &name, Metered::new(Late { reader: Some(buffered), decoder: None }, budget, &count))
            }
            Kind::Snappy => {
                let mut metered = Metered::new(SnappyReader::new(buffered), budget, &count);
                walk.child(&name, Relation::Member, Input::Stream(&mut metered))?;
                let skipped = metered.into_inner().into_skipped();
                if skipped.is_cut {
                    let message = "the stream has more bytes that are marked to be skipped than the bound";
                    let bytes_max = SNAPPY_SKIPPED_BYTES_MAX as u64;
                    walk.problem(Problem::limit("snappy_skipped_bytes_max", bytes_max, message));
                }
                if skipped.bytes.iter().all(|byte| *byte == 0) {
                    return Ok(());
                }
                let _held = walk.budget.hold(skipped.bytes.len() as u64);
                walk.child("", Relation::Gap, Input::Bytes(&skipped.bytes))
            }
            _ => {
                let decoder = decoder(kind, buffered);
                walk.child(&name, Relation::Member, Input::Stream(&mut Metered::new(decoder, budget, &count)))
            }
        }
    })
}

/// Walks a stream of lzma, and what stands behind it.
fn lzma<R: io::BufRead>(walk: &mut Walk<'_>, name: &str, mut metered: Metered<'_, '_, Late<R>>) -> Step {
    walk.child(name, Relation::Member, Input::Stream(&mut metered))?;
    let is_cut = metered.is_cut();
    let Some(decoder) = metered.into_inner().decoder.filter(|_| !is_cut) else { return Ok(()) };
    let (rest, ahead) = decoder.into_parts();
    let mut behind = io::Cursor::new(ahead).chain(rest);
    match behind.fill_buf() {
        Ok(bytes) if !bytes.is_empty() => walk.child("", Relation::Gap, Input::Stream(&mut behind)),
        _ => Ok(()),
    }
}

fn decoder<'r>(kind: Kind, reader: impl io::BufRead + 'r) -> Box<dyn Read + 'r> {
    match kind {
        Kind::Xz => Box::new(XzReader::new_mem_limit(reader, true, MEMORY_KIB_MAX)),
        Kind::Lzip => Box::new(LzipReader::new(reader)),
        Kind::Compress => Box::new(Lzw::new(reader)),
        _ => Box::new(MultiBzDecoder::new(reader)),
    }
}

/// Walks a stream of brotli, which nothing but its name tells. What is none is named and scanned as raw bytes.
pub(super) fn walk_brotli(walk: &mut Walk<'_>, item: Item<'_, '_>) -> Step {
    let name = gzip::inner_name(item.name, &SUFFIXES);
    walk.with_held(item.input, |walk, bytes| {
        if !unpacks(bytes) {
            let message = "named as brotli, and no stream of it or a broken one; raw bytes were scanned";
            walk.problem(Problem::new(ProblemClass::Damaged, "bad_data", message));
            return plain::raw(walk, Input::Bytes(bytes));
        }
        let (budget, count) = (walk.budget, Cell::new(bytes.len() as u64));
        let decoder = Decompressor::new(bytes, BUFFER_BYTES);
        walk.child(&name, Relation::Member, Input::Stream(&mut Metered::new(decoder, budget, &count)))
    })
}

/// Whether bytes begin as a stream of brotli does.
fn unpacks(bytes: &[u8]) -> bool {
    const PROBE_BYTES: u64 = 4 * 1024;
    io::copy(&mut Decompressor::new(bytes, BUFFER_BYTES).take(PROBE_BYTES), &mut io::sink()).is_ok()
}

/// A decoder that reads its header when it is first read, so that a broken header is a failure of reading.
struct Late<R> {
    reader: Option<R>,
    decoder: Option<LzmaReader<R>>,
}

impl<R: Read> Read for Late<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if let Some(reader) = self.reader.take() {
            self.decoder = Some(LzmaReader::new_mem_limit(reader, MEMORY_KIB_MAX, None)?);
        }
        match &mut self.decoder {
            Some(decoder) => decoder.read(buf),
            None => Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lzma_is_told_by_its_header() {
        let usual: &[u8] = b"\x5d\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\xff\0data";
        let sized: &[u8] = b"\x5d\0\0\x01\0\x05\0\0\0\0\0\0\0\0data";
        let rows: [(&[u8], bool); 6] = [
            (usual, true),
            (sized, true),
            (b"\x5d\0\0\x81\0\xff\xff\xff\xff\xff\xff\xff\xff\0data", false),
            (b"\x5d\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\x7f\0data", false),
            (b"]text in brackets[", false),
            (b"", false),
        ];
        for (head, expected) in rows {
            assert_eq!(is_lzma(head), expected, "{head:?}");
        }
    }
}
