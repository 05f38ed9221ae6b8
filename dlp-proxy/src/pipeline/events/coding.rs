//! Undoes the compression of an answer while it comes.
//!
//! Servers flush their encoder behind each event, so what has come can be decoded as far as it goes. Only codings that give
//! everything back at once are read here; an answer in another one is held until it ends.

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use flate2::{Decompress, FlushDecompress, Status};
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING};
use http::{HeaderMap, HeaderValue};

/// Decoded bytes at a time.
const STEP_BYTES: usize = 64 * 1024;
/// Window of gzip, 32 KiB.
const WINDOW_BITS: u8 = 15;
/// What an origin may compress answers with when they may have to be read while they come.
const CODINGS: [&str; 4] = ["gzip", "x-gzip", "br", "identity"];

/// The compression is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::pipeline) struct Damaged;

/// The decoder of one answer.
pub(in crate::pipeline) enum Decoder {
    Plain,
    Gzip(Box<Decompress>),
    Brotli(Box<BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>>),
}

impl Decoder {
    /// The decoder for what an answer says of itself; none when it cannot be read while it comes.
    pub(in crate::pipeline) fn of(fields: &HeaderMap) -> Option<Self> {
        let mut codings = fields.get_all(CONTENT_ENCODING).iter();
        let coding = codings.next().map_or("", |coding| coding.to_str().unwrap_or("?")).trim().to_ascii_lowercase();
        match coding.as_str() {
            _ if codings.next().is_some() => None,
            "" | "identity" => Some(Self::Plain),
            "gzip" | "x-gzip" => Some(Self::Gzip(Box::new(Decompress::new_gzip(WINDOW_BITS)))),
            "br" => {
                let alloc = StandardAlloc::default;
                Some(Self::Brotli(Box::new(BrotliState::new_strict(alloc(), alloc(), alloc()))))
            }
            _ => None,
        }
    }

    /// Decodes some of the input behind `out`. False when all of it was used and nothing more comes of it.
    pub(super) fn step(&mut self, input: &mut &[u8], out: &mut Vec<u8>) -> Result<bool, Damaged> {
        match self {
            Self::Plain => {
                let count = input.len().min(STEP_BYTES);
                out.extend_from_slice(&input[..count]);
                *input = &input[count..];
                Ok(count > 0)
            }
            Self::Gzip(state) => gunzip(state, input, out),
            Self::Brotli(state) => unbrotli(state, input, out),
        }
    }
}

fn gunzip(state: &mut Decompress, input: &mut &[u8], out: &mut Vec<u8>) -> Result<bool, Damaged> {
    let mut room = vec![0; STEP_BYTES];
    let (read, written) = (state.total_in(), state.total_out());
    let status = state.decompress(input, &mut room, FlushDecompress::Sync).map_err(|_| Damaged)?;
    let used = usize::try_from(state.total_in() - read).map_err(|_| Damaged)?;
    let made = usize::try_from(state.total_out() - written).map_err(|_| Damaged)?;
    *input = &input[used..];
    out.extend_from_slice(&room[..made]);
    if status == Status::StreamEnd && !input.is_empty() {
        // Another member follows.
        *state = Decompress::new_gzip(WINDOW_BITS);
        return Ok(true);
    }
    match used + made {
        0 if !input.is_empty() => Err(Damaged),
        moved => Ok(moved > 0 && status != Status::StreamEnd),
    }
}

fn unbrotli(
    state: &mut BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>,
    input: &mut &[u8],
    out: &mut Vec<u8>,
) -> Result<bool, Damaged> {
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
    match result {
        // Nothing may follow the end (RFC 7932).
        BrotliResult::ResultFailure => Err(Damaged),
        BrotliResult::ResultSuccess if input.is_empty() => Ok(false),
        BrotliResult::ResultSuccess => Err(Damaged),
        BrotliResult::NeedsMoreInput => Ok(false),
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
        let (mut decoder, mut out) = (decoder(coding).unwrap(), Vec::new());
        for mut piece in input.chunks(piece) {
            while decoder.step(&mut piece, &mut out)? {}
        }
        Ok(out)
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
        assert!(decoder("zstd").is_none() && decoder("gzip, br").is_none());
    }

    #[test]
    fn only_what_can_be_read_is_asked_for() {
        let rows = [
            ("gzip, deflate, br, zstd", "gzip, br"),
            ("zstd;q=1, GZIP;q=0.5", "GZIP;q=0.5"),
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
