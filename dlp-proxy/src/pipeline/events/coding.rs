//! Undoes the compression of an answer while it comes.
//!
//! Servers flush their encoder behind each event, so what has come can be decoded as far as it goes. An answer in a coding that
//! is not known here is held until it ends.

use super::zstd::Zstd;
use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use dlp_core::content::starts_zlib;
use flate2::{Decompress, FlushDecompress, Status};
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING};
use http::{HeaderMap, HeaderValue};

/// Decoded bytes at a time.
const STEP_BYTES: usize = 64 * 1024;
/// Window of gzip, 32 KiB.
const WINDOW_BITS: u8 = 15;
/// Bytes of the head of zlib (RFC 1950 2.2).
const ZLIB_HEAD_BYTES: usize = 2;
/// What an origin may compress answers with when they may have to be read while they come.
const CODINGS: [&str; 6] = ["gzip", "x-gzip", "deflate", "br", "zstd", "identity"];

/// The compression is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::pipeline) struct Damaged;

/// The decoder of one answer.
pub(in crate::pipeline) struct Decoder {
    coding: Coding,
    /// Whether something has come whose end has not.
    is_inside: bool,
}

enum Coding {
    Plain,
    Gzip(Box<Decompress>),
    /// It begins with the head of zlib, or not, which some servers leave out.
    Deflate {
        state: Option<Box<Decompress>>,
        head: Vec<u8>,
    },
    Brotli(Box<BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>>),
    Zstd(Box<Zstd>),
}

impl Decoder {
    /// The decoder for what an answer says of itself; none when it cannot be read while it comes.
    pub(in crate::pipeline) fn of(fields: &HeaderMap) -> Option<Self> {
        let mut codings = fields.get_all(CONTENT_ENCODING).iter();
        let coding = codings.next().map_or("", |coding| coding.to_str().unwrap_or("?")).trim().to_ascii_lowercase();
        let coding = match coding.as_str() {
            _ if codings.next().is_some() => return None,
            "" | "identity" => Coding::Plain,
            "gzip" | "x-gzip" => Coding::Gzip(Box::new(Decompress::new_gzip(WINDOW_BITS))),
            "deflate" => Coding::Deflate { state: None, head: Vec::new() },
            "br" => {
                let alloc = StandardAlloc::default;
                Coding::Brotli(Box::new(BrotliState::new_strict(alloc(), alloc(), alloc())))
            }
            "zstd" => Coding::Zstd(Box::default()),
            _ => return None,
        };
        Some(Self { coding, is_inside: false })
    }

    /// Whether what came is compressed data that has not come to its end.
    pub(super) fn is_inside(&self) -> bool {
        self.is_inside
    }

    /// Decodes some of the input behind `out`. False when all of it was used and nothing more comes of it.
    pub(super) fn step(&mut self, input: &mut &[u8], out: &mut Vec<u8>) -> Result<bool, Damaged> {
        match &mut self.coding {
            Coding::Plain => {
                let count = input.len().min(STEP_BYTES);
                out.extend_from_slice(&input[..count]);
                *input = &input[count..];
                Ok(count > 0)
            }
            Coding::Gzip(state) => {
                let is_end = inflate(state, input, (out, &mut self.is_inside))?;
                if is_end == Some(true) && !input.is_empty() {
                    // Another member follows.
                    self.is_inside = true;
                    **state = Decompress::new_gzip(WINDOW_BITS);
                    return Ok(true);
                }
                Ok(is_end == Some(false))
            }
            Coding::Deflate { state, head } => undeflate((state, head), input, (out, &mut self.is_inside)),
            Coding::Brotli(state) => unbrotli(state, input, (out, &mut self.is_inside)),
            Coding::Zstd(state) => {
                let is_more = state.step(input, out)?;
                self.is_inside = state.is_inside();
                Ok(is_more)
            }
        }
    }
}

/// Undoes deflate, once enough of it is here to tell in which of its two forms it comes.
fn undeflate(
    (state, head): (&mut Option<Box<Decompress>>, &mut Vec<u8>),
    input: &mut &[u8],
    (out, is_inside): (&mut Vec<u8>, &mut bool),
) -> Result<bool, Damaged> {
    *is_inside |= !input.is_empty();
    if let Some(state) = state {
        return match inflate(state, input, (out, is_inside))? {
            // Nothing may follow the end.
            Some(true) if !input.is_empty() => Err(Damaged),
            is_end => Ok(is_end == Some(false)),
        };
    }
    let missing = ZLIB_HEAD_BYTES.saturating_sub(head.len()).min(input.len());
    head.extend_from_slice(&input[..missing]);
    *input = &input[missing..];
    if head.len() < ZLIB_HEAD_BYTES {
        return Ok(false);
    }
    let state = state.insert(Box::new(Decompress::new(starts_zlib(head))));
    let mut begin = &head[..];
    while inflate(state, &mut begin, (out, is_inside))? == Some(false) {}
    if begin.is_empty() { Ok(true) } else { Err(Damaged) }
}

/// One step. Some when something came of it, true with the end; none when more input is needed.
fn inflate(
    state: &mut Decompress,
    input: &mut &[u8],
    (out, is_inside): (&mut Vec<u8>, &mut bool),
) -> Result<Option<bool>, Damaged> {
    *is_inside |= !input.is_empty();
    let mut room = vec![0; STEP_BYTES];
    let (read, written) = (state.total_in(), state.total_out());
    let status = state.decompress(input, &mut room, FlushDecompress::Sync).map_err(|_| Damaged)?;
    let used = usize::try_from(state.total_in() - read).map_err(|_| Damaged)?;
    let made = usize::try_from(state.total_out() - written).map_err(|_| Damaged)?;
    *input = &input[used..];
    out.extend_from_slice(&room[..made]);
    let is_end = status == Status::StreamEnd;
    *is_inside &= !is_end;
    match used + made {
        _ if is_end => Ok(Some(true)),
        0 if !input.is_empty() => Err(Damaged),
        moved => Ok((moved > 0).then_some(false)),
    }
}

fn unbrotli(
    state: &mut BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>,
    input: &mut &[u8],
    (out, is_inside): (&mut Vec<u8>, &mut bool),
) -> Result<bool, Damaged> {
    *is_inside |= !input.is_empty();
    let mut room = vec![0; STEP_BYTES];
    let (mut input_len, mut used, mut room_len, mut made, mut total) = (input.len(), 0, room.len(), 0, 0);
    let result = BrotliDecompressStream(
        &mut input_len,
        &mut used,
        input,
        &mut room_len,
        &mut made,
        &mut room,
        &mut total,
        state,
    );
    *input = &input[used..];
    out.extend_from_slice(&room[..made]);
    *is_inside &= !matches!(result, BrotliResult::ResultSuccess);
    match result {
        // Nothing may follow the end (RFC 7932).
        BrotliResult::ResultFailure => Err(Damaged),
        BrotliResult::ResultSuccess if input.is_empty() => Ok(false),
        BrotliResult::ResultSuccess => Err(Damaged),
        // It says so with output left, too, when there was no room for all of it.
        BrotliResult::NeedsMoreInput => Ok(made == STEP_BYTES),
        BrotliResult::NeedsMoreOutput => Ok(true),
    }
}

/// Asks for nothing that could not be read while it comes.
pub(in crate::pipeline) fn limit_accepted(headers: &mut HeaderMap) {
    if !headers.contains_key(ACCEPT_ENCODING) {
        return;
    }
    let values = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let is_readable = |item: &&str| {
        let name = item.split(';').next().unwrap_or_default().trim();
        CODINGS.iter().any(|coding| coding.eq_ignore_ascii_case(name))
    };
    let kept: Vec<&str> = values.flat_map(|value| value.split(',')).map(str::trim).filter(is_readable).collect();
    let kept = if kept.is_empty() { "identity".to_owned() } else { kept.join(", ") };
    if let Ok(value) = HeaderValue::try_from(kept) {
        headers.insert(ACCEPT_ENCODING, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::write::GzEncoder;
    use std::io::Write;

    fn decoder(coding: &str) -> Option<Decoder> {
        let mut fields = HeaderMap::new();
        fields.insert(CONTENT_ENCODING, coding.parse().unwrap());
        Decoder::of(&fields)
    }

    fn decoded(coding: &str, input: &[u8], piece: usize) -> Result<Vec<u8>, Damaged> {
        decoded_to_end(coding, input, piece).map(|(out, _)| out)
    }

    /// What comes of some input, and whether it breaks off in the middle.
    fn decoded_to_end(coding: &str, input: &[u8], piece: usize) -> Result<(Vec<u8>, bool), Damaged> {
        let (mut decoder, mut out) = (decoder(coding).unwrap(), Vec::new());
        for mut piece in input.chunks(piece) {
            while decoder.step(&mut piece, &mut out)? {}
        }
        Ok((out, decoder.is_inside()))
    }

    #[test]
    fn an_end_in_the_middle_shows() {
        let mut gzip = GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(&b"data: good morning\n\n".repeat(100)).unwrap();
        let gzip = gzip.finish().unwrap();
        let two = [&gzip[..], &gzip[..]].concat();
        let br: &[u8] = b"\x0b\x01\x80abc\x03";
        let [zlib, bare] = [true, false].map(|has_head| deflated(b"data: good morning\n\n", has_head));
        let rows: [(&str, &[u8], bool); 15] = [
            ("deflate", b"", false),
            ("deflate", &zlib[..1], true),
            ("deflate", &zlib, false),
            ("deflate", &zlib[..zlib.len() - 1], true),
            ("deflate", &bare, false),
            ("deflate", &bare[..bare.len() - 1], true),
            ("identity", b"data: a", false),
            ("gzip", b"", false),
            ("gzip", &gzip, false),
            ("gzip", &gzip[..5], true),
            ("gzip", &gzip[..gzip.len() - 1], true),
            ("gzip", &two, false),
            ("gzip", &two[..gzip.len() + 1], true),
            ("br", br, false),
            ("br", &br[..6], true),
        ];
        for (coding, input, expected) in rows {
            for piece in [1, 7, 100_000] {
                let is_inside = decoded_to_end(coding, input, piece).map(|(_, is_inside)| is_inside);
                assert_eq!(is_inside, Ok(expected), "{coding} {} of {piece}", input.len());
            }
        }
    }

    #[test]
    fn a_large_flush_of_brotli_is_there_at_once() {
        // Stored blocks of 64 KiB, each with its head of 16 or 20 bits: window 2^22, no last block.
        let text = b"data: good morning\n\n".repeat(30_000);
        let mut bits = Bits::default();
        bits.push(0b1011, 4);
        for block in text.chunks(1 << 16) {
            // ISLAST, MNIBBLES (four), MLEN - 1, ISUNCOMPRESSED.
            bits.push(0, 1);
            bits.push(0, 2);
            bits.push(u32::try_from(block.len() - 1).unwrap(), 16);
            bits.push(1, 1);
            bits.align();
            bits.0.extend_from_slice(block);
        }
        for piece in [1_000, 10_000_000] {
            let (out, is_inside) = decoded_to_end("br", &bits.0, piece).unwrap();
            assert!(out == text && is_inside, "{} of {}", out.len(), text.len());
        }
    }

    /// Bits, the lowest first.
    #[derive(Default)]
    struct Bits(Vec<u8>, usize);

    impl Bits {
        fn push(&mut self, value: u32, count: usize) {
            for bit in 0..count {
                if self.1 == 0 {
                    self.0.push(0);
                }
                *self.0.last_mut().unwrap() |= u8::from(value >> bit & 1 == 1) << self.1;
                self.1 = (self.1 + 1) % 8;
            }
        }

        fn align(&mut self) {
            self.1 = 0;
        }
    }

    /// Deflate in one of its two forms.
    fn deflated(text: &[u8], has_head: bool) -> Vec<u8> {
        let mut deflate = flate2::Compress::new(flate2::Compression::default(), has_head);
        let mut out = Vec::with_capacity(text.len() + 100);
        deflate.compress_vec(text, &mut out, flate2::FlushCompress::Finish).unwrap();
        out
    }

    #[test]
    fn deflate_is_read_with_its_head_and_without() {
        let text = b"data: good morning\n\n".repeat(9_000);
        for has_head in [true, false] {
            let mut deflate = flate2::Compress::new(flate2::Compression::default(), has_head);
            let mut flushed = Vec::with_capacity(text.len());
            deflate.compress_vec(&text, &mut flushed, flate2::FlushCompress::Sync).unwrap();
            for piece in [1, 7, 100_000] {
                assert!(decoded("deflate", &flushed, piece) == Ok(text.clone()), "{has_head} {piece}");
            }
            // Nothing may follow the end.
            let more = [&deflated(b"abc", has_head)[..], b"x"].concat();
            assert_eq!([1, 100].map(|piece| decoded("deflate", &more, piece)), [Err(Damaged), Err(Damaged)]);
        }
        assert_eq!(decoded("deflate", b"\x78\x9c\xff\xff", 100), Err(Damaged));
    }

    #[test]
    fn what_was_flushed_is_there_at_once() {
        let text = b"data: good morning\n\n".repeat(9_000);
        let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(&text).unwrap();
        encoder.flush().unwrap();
        let flushed = encoder.get_ref().clone();
        let whole = [encoder.finish().unwrap(), {
            let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all(b"end").unwrap();
            encoder.finish().unwrap()
        }]
        .concat();
        for piece in [1, 7, 100_000] {
            assert_eq!(decoded("gzip", &flushed, piece), Ok(text.clone()));
            assert_eq!(decoded("x-gzip", &whole, piece), Ok([&text[..], b"end"].concat()));
            assert_eq!(decoded("identity", &text, piece), Ok(text.clone()));
        }
        // The text `abc` as a brotli stream of one stored block.
        for piece in [1, 100] {
            assert_eq!(decoded("br", b"\x0b\x01\x80abc\x03", piece), Ok(b"abc".to_vec()));
        }
        assert_eq!(decoded("gzip", b"no gzip at all", 100), Err(Damaged));
        assert_eq!(decoded("br", b"\x11\0\0\0", 100), Err(Damaged));
        assert_eq!(decoded("zstd", b"no zstd at all", 100), Err(Damaged));
        assert!(decoder("compress").is_none() && decoder("gzip, br").is_none());
    }

    #[test]
    fn only_what_can_be_read_is_asked_for() {
        let rows = [
            ("gzip, deflate, br, zstd, dcb", "gzip, deflate, br, zstd"),
            ("dcz;q=1, GZIP;q=0.5", "GZIP;q=0.5"),
            ("*", "identity"),
            ("identity", "identity"),
        ];
        for (asked, expected) in rows {
            let mut fields = HeaderMap::new();
            fields.insert(ACCEPT_ENCODING, asked.parse().unwrap());
            limit_accepted(&mut fields);
            assert_eq!(fields[ACCEPT_ENCODING], expected, "{asked}");
        }
        let mut nothing = HeaderMap::new();
        limit_accepted(&mut nothing);
        assert!(nothing.is_empty());
    }
}
