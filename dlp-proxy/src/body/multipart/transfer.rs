//! Transfer encodings of parts (base64, quoted-printable) and encoded words in their headers.

use super::super::coding::{Bounds, Decoded};
use super::super::unpacked::{CHUNK_BYTES, Unpacked};
use data_encoding::{BASE64, Encoding, Specification};
use dlp_core::base::{Problem, ProblemClass};
use dlp_core::content::ReadSeek;
use std::io::{self, BufRead, BufReader, SeekFrom};
use std::sync::LazyLock;

/// base64 that forgives trailing bits, as mail readers do.
static LENIENT: LazyLock<Encoding> = LazyLock::new(|| {
    let mut specification = Specification::new();
    specification.symbols.push_str("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
    specification.check_trailing_bits = false;
    specification.encoding().expect("64 distinct symbols make an encoding")
});

/// Decodes a part whose transfer encoding is `base64` or `quoted-printable`.
///
/// # Errors
/// The body could not be read, or the spool not written.
pub(in super::super) fn decode_transfer(
    name: &str,
    body: &mut dyn ReadSeek,
    bounds: Bounds<'_>,
) -> io::Result<Decoded> {
    body.seek(SeekFrom::Start(0))?;
    let mut reader = BufReader::with_capacity(CHUNK_BYTES, body);
    let mut decoder = if name == "base64" { Decoder::Base64(Vec::new()) } else { Decoder::Quoted(Vec::new()) };
    let mut decoded = Decoded { spool: Unpacked::new(bounds.limits, bounds.room_bytes), consumed: 0, problem: None };
    loop {
        let chunk = reader.fill_buf()?;
        let (len, is_end) = (chunk.len(), chunk.is_empty());
        let (bytes, is_clean) = if is_end { decoder.finish() } else { decoder.feed(chunk) };
        reader.consume(len);
        decoded.consumed += len as u64;
        if !is_clean {
            let message = "The transfer encoding of a part is broken; its raw bytes were scanned as well.";
            decoded.problem = Some(Problem::new(ProblemClass::Damaged, "transfer_encoding", message));
        }
        if !decoded.spool.push(&bytes)? {
            let message = "The decoded body is larger than its bound; only its first part was inspected.";
            let limit = bounds.limits.decoded_bytes_max;
            decoded.problem = Some(Problem::limit("decoded_bytes_max", limit, message));
            return Ok(decoded);
        }
        if is_end || bounds.cancel.is_tripped() {
            return Ok(decoded);
        }
    }
}

/// A decoder with the bytes that wait for more.
enum Decoder {
    Base64(Vec<u8>),
    Quoted(Vec<u8>),
}

impl Decoder {
    /// Decodes what is complete; the flag says whether all of it was well formed.
    fn feed(&mut self, chunk: &[u8]) -> (Vec<u8>, bool) {
        match self {
            Self::Base64(held) => {
                let (mut bytes, mut is_clean) = (Vec::new(), true);
                for &byte in chunk {
                    let is_symbol = byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
                    if is_symbol {
                        held.push(byte);
                    }
                    if byte == b'=' {
                        // Another text may follow its end.
                        bytes.extend(text_of(held));
                    }
                    is_clean &= is_symbol || byte.is_ascii_whitespace() || byte == b'=';
                }
                let whole = held.len() / 4 * 4;
                bytes.extend(LENIENT.decode(&held[..whole]).unwrap_or_default());
                held.drain(..whole);
                (bytes, is_clean)
            }
            Self::Quoted(held) => {
                held.extend_from_slice(chunk);
                // An escape may reach over the edge of the chunk by two bytes.
                let from = held.len().saturating_sub(2);
                let keep = memchr::memchr(b'=', &held[from..]).map_or(0, |at| held.len() - from - at);
                let whole = held.len() - keep;
                let result = quoted_printable(&held[..whole]);
                held.drain(..whole);
                result
            }
        }
    }

    fn finish(&mut self) -> (Vec<u8>, bool) {
        match self {
            Self::Base64(held) => {
                let is_clean = held.len() != 1;
                if !is_clean {
                    held.clear();
                }
                (LENIENT.decode(held).unwrap_or_default(), is_clean)
            }
            Self::Quoted(held) => quoted_printable(held),
        }
    }
}

/// Decodes a text that ends here. One symbol alone is less than a byte.
fn text_of(held: &mut Vec<u8>) -> Vec<u8> {
    let whole = held.len() - usize::from(held.len() % 4 == 1);
    let bytes = LENIENT.decode(&held[..whole]).unwrap_or_default();
    held.clear();
    bytes
}

/// Decodes quoted-printable (RFC 2045 section 6.7); a wrong escape stays as it is.
fn quoted_printable(text: &[u8]) -> (Vec<u8>, bool) {
    let mut decoded = Vec::with_capacity(text.len());
    let mut is_clean = true;
    let mut rest = text;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte != b'=' {
            decoded.push(byte);
            continue;
        }
        let digit = |at: usize| tail.get(at).and_then(|&byte| char::from(byte).to_digit(16));
        match (digit(0), digit(1), tail) {
            (Some(high), Some(low), _) => {
                decoded.extend(u8::try_from(high << 4 | low).ok());
                rest = &tail[2..];
            }
            (_, _, [b'\r', b'\n', behind @ ..] | [b'\n', behind @ ..]) => rest = behind,
            (_, _, []) => {}
            _ => {
                decoded.push(byte);
                is_clean = false;
            }
        }
    }
    (decoded, is_clean)
}

/// Decodes encoded words (RFC 2047) in UTF-8; others stay as they are.
pub(super) fn decode_words(text: &str) -> String {
    let mut decoded = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("=?") {
        let Some((word, len)) = decode_word(&rest[start..]) else { break };
        decoded.push_str(rest[..start].trim_end_matches(' '));
        decoded.push_str(&word);
        rest = &rest[start + len..];
    }
    decoded + rest
}

/// `=?utf-8?B?…?=` or `=?utf-8?Q?…?=` at the start of the text, and its length.
fn decode_word(text: &str) -> Option<(String, usize)> {
    let mut fields = text.strip_prefix("=?")?.splitn(4, '?');
    let (charset, method, payload, rest) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    if !charset.eq_ignore_ascii_case("utf-8") || !rest.starts_with('=') {
        return None;
    }
    let bytes = match method {
        "B" | "b" => BASE64.decode(payload.as_bytes()).ok()?,
        "Q" | "q" => quoted_printable(payload.replace('_', " ").as_bytes()).0,
        _ => return None,
    };
    let len = text.len() - rest.len() + 1;
    Some((String::from_utf8(bytes).ok()?, len))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::BodyLimits;
    use dlp_core::base::Cancel;
    use std::io::{Cursor, Read};

    fn check(name: &str, encoded: &str, expected: &str, is_clean: bool) {
        let (limits, cancel) = (BodyLimits::default(), Cancel::default());
        let bounds = Bounds { limits: &limits, room_bytes: 1_000, cancel: &cancel };
        let decoded = decode_transfer(name, &mut Cursor::new(encoded.as_bytes()), bounds).unwrap();
        assert_eq!(decoded.problem.is_none(), is_clean, "{encoded:?}");
        let mut text = String::new();
        decoded.spool.into_reader().unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, expected, "{encoded:?}");
    }

    #[test]
    fn parts_are_decoded() {
        check("base64", "aGVs\r\nbG8=\r\n", "hello", true);
        check("base64", "aGVsbG8", "hello", true);
        check("base64", "aGVs*bG8=", "hello", false);
        check("base64", "aGVsb", "hel", false);
        check("quoted-printable", "a=3Db=\r\nc =C5=BC=", "a=bc ż", true);
        check("quoted-printable", "50=% =zz", "50=% =zz", false);
    }

    #[test]
    fn escapes_may_cross_chunks() {
        for cut in 0..12 {
            let text = b"ab=3D=\r\ncd=20";
            let mut decoder = Decoder::Quoted(Vec::new());
            let mut decoded = decoder.feed(&text[..cut]).0;
            decoded.extend(decoder.feed(&text[cut..]).0);
            decoded.extend(decoder.finish().0);
            assert_eq!(decoded, b"ab=cd ", "{cut}");
        }
    }
}
