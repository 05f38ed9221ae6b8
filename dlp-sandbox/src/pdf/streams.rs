//! Unpacks streams within a bound. The loader's own unpacking has none, so only filters that cannot multiply their
//! input without end are left to it.

use super::objects;
use flate2::read::{DeflateDecoder, ZlibDecoder};
use pdf_extract::{Dictionary, Document, Object, Stream};
use std::io::{ErrorKind, Read};

/// Filters in a row. One is usual, two occur, more is an attempt to hide or to blow up.
const FILTERS_MAX: usize = 8;

/// What came of unpacking.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unpacked {
    /// The content, possibly cut where the packing is broken.
    Bytes(Vec<u8>),
    /// It would be larger than the bound.
    TooLarge,
    /// The filter is for images, or not known.
    Opaque,
}

/// Unpacks a stream of a document.
pub(super) fn unpack(document: &Document, stream: &Stream, bytes_max: u64) -> Unpacked {
    let filters = names(document, &stream.dict);
    if filters.len() > FILTERS_MAX {
        return Unpacked::TooLarge;
    }
    if has_predictor(document, &stream.dict) {
        return unpack_with_predictor(stream, &filters, bytes_max);
    }
    unpack_chain(&filters, &stream.content, bytes_max)
}

/// Unpacks bytes through a row of filters.
pub(super) fn unpack_chain(filters: &[Vec<u8>], packed: &[u8], bytes_max: u64) -> Unpacked {
    let mut bytes = packed.to_vec();
    for filter in filters.iter().take(FILTERS_MAX) {
        bytes = match unpack_one(filter, &bytes, bytes_max) {
            Unpacked::Bytes(bytes) => bytes,
            other => return other,
        };
    }
    Unpacked::Bytes(bytes)
}

fn unpack_one(filter: &[u8], packed: &[u8], bytes_max: u64) -> Unpacked {
    match filter {
        b"FlateDecode" | b"Fl" => inflate(packed, bytes_max),
        b"LZWDecode" | b"LZW" => by_loader("LZWDecode", packed, bytes_max),
        b"ASCII85Decode" | b"A85" => by_loader("ASCII85Decode", packed, bytes_max),
        b"ASCIIHexDecode" | b"AHx" => Unpacked::Bytes(from_hex(packed)),
        b"RunLengthDecode" | b"RL" => run_lengths(packed, bytes_max),
        b"Crypt" => Unpacked::Bytes(packed.to_vec()),
        _ => Unpacked::Opaque,
    }
}

/// Names of the filters in the order in which they unpack.
pub(super) fn names(document: &Document, dictionary: &Dictionary) -> Vec<Vec<u8>> {
    let filter = objects::get(document, dictionary, b"Filter").or_else(|| objects::get(document, dictionary, b"F"));
    match filter {
        Some(Object::Name(name)) => vec![name.clone()],
        Some(Object::Array(names)) => names
            .iter()
            .filter_map(|name| {
                objects::resolve(document, name).and_then(|name| name.as_name().ok()).map(<[u8]>::to_vec)
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn has_predictor(document: &Document, dictionary: &Dictionary) -> bool {
    let has = |parameters: &Object| {
        let parameters = objects::resolve(document, parameters).and_then(|parameters| parameters.as_dict().ok());
        let predictor = parameters.and_then(|parameters| objects::get(document, parameters, b"Predictor"));
        predictor.and_then(|predictor| predictor.as_i64().ok()).is_some_and(|predictor| predictor > 1)
    };
    match objects::get(document, dictionary, b"DecodeParms") {
        Some(Object::Array(all)) => all.iter().any(has),
        Some(parameters) => has(parameters),
        None => false,
    }
}

/// Predictors do not change sizes much, so it is safe to leave them to the loader once the size is known.
fn unpack_with_predictor(stream: &Stream, filters: &[Vec<u8>], bytes_max: u64) -> Unpacked {
    match unpack_chain(filters, &stream.content, bytes_max) {
        Unpacked::Bytes(plain) => Unpacked::Bytes(stream.decompressed_content().unwrap_or(plain)),
        other => other,
    }
}

/// Deflate data with its header, without it when the header is broken. What comes out before an error is kept.
pub(super) fn inflate(packed: &[u8], bytes_max: u64) -> Unpacked {
    match read_all(ZlibDecoder::new(packed), bytes_max) {
        Unpacked::Bytes(bytes) if bytes.is_empty() && packed.len() > 2 => {
            read_all(DeflateDecoder::new(&packed[2..]), bytes_max)
        }
        unpacked => unpacked,
    }
}

fn read_all(source: impl Read, bytes_max: u64) -> Unpacked {
    let mut bytes = Vec::new();
    match source.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes) {
        Err(error) if error.kind() == ErrorKind::OutOfMemory => Unpacked::TooLarge,
        // Any other error means that the rest is broken; what was read stays.
        _ => bounded(bytes, bytes_max),
    }
}

fn by_loader(filter: &str, packed: &[u8], bytes_max: u64) -> Unpacked {
    let dictionary = Dictionary::from_iter([("Filter", Object::Name(filter.as_bytes().to_vec()))]);
    match Stream::new(dictionary, packed.trim_ascii_end().to_vec()).decompressed_content() {
        Ok(bytes) => bounded(bytes, bytes_max),
        Err(_) => Unpacked::Opaque,
    }
}

fn bounded(bytes: Vec<u8>, bytes_max: u64) -> Unpacked {
    if bytes.len() as u64 > bytes_max { Unpacked::TooLarge } else { Unpacked::Bytes(bytes) }
}

/// Hexadecimal digits up to `>`; anything else between them is skipped.
pub(super) fn from_hex(text: &[u8]) -> Vec<u8> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let digits: Vec<u8> = text.iter().take_while(|byte| **byte != b'>').filter_map(digit).collect();
    digits.chunks(2).map(|pair| (pair[0] << 4) | pair.get(1).copied().unwrap_or(0)).collect()
}

fn run_lengths(packed: &[u8], bytes_max: u64) -> Unpacked {
    /// Marks the end of the data.
    const END: u8 = 128;
    let mut bytes = Vec::new();
    let mut rest = packed;
    while let Some((length, tail)) = rest.split_first() {
        let count = usize::from(*length);
        rest = match *length {
            END => break,
            0..END => {
                let run = tail.get(..=count).unwrap_or(tail);
                bytes.extend_from_slice(run);
                &tail[run.len()..]
            }
            _ => {
                let Some((byte, tail)) = tail.split_first() else { break };
                bytes.resize(bytes.len() + 257 - count, *byte);
                tail
            }
        };
        if bytes.len() as u64 > bytes_max {
            return Unpacked::TooLarge;
        }
    }
    Unpacked::Bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_unpack_within_their_bound() {
        let check = |filter: &str, packed: &[u8], expected| {
            assert_eq!(unpack_one(filter.as_bytes(), packed, 8), expected, "{filter}");
        };
        check("ASCIIHexDecode", b"41 42 4>zz", Unpacked::Bytes(b"AB@".to_vec()));
        check("RunLengthDecode", &[1, b'a', b'b', 254, b'c', 128, 9], Unpacked::Bytes(b"abccc".to_vec()));
        check("RunLengthDecode", &[129, b'c'], Unpacked::TooLarge);
        check("RunLengthDecode", &[5, b'a'], Unpacked::Bytes(b"a".to_vec()));
        check("DCTDecode", b"", Unpacked::Opaque);
        check("ASCII85Decode", b"87cURD]~>", Unpacked::Bytes(b"Hello".to_vec()));
    }
}
