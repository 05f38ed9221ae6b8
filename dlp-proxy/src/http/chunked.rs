//! Follows a chunked body byte by byte and says where it ends, or that it is malformed (RFC 9112 7.1).
//!
//! It copies nothing: the library decodes the body afterwards. Its only work is to make sure that there is one way to
//! decode it: sizes are plain hexadecimal numbers, every line ends in CR LF, extensions are bounded and hold no control
//! byte. Trailer fields are refused: nobody inspects what comes after the decision on a body, and taking them away
//! silently would break a sender that relies on them.

use super::head::Violation;
use http::StatusCode;

/// Bytes of chunk extensions in one body. They carry nothing that is forwarded.
const EXTENSION_BYTES_MAX: u32 = 16 * 1024;
/// Bytes of the name of a trailer field.
const TRAILER_NAME_BYTES_MAX: u32 = 256;
/// Digits of a chunk size; sixteen are 64 bits.
const SIZE_DIGITS_MAX: u8 = 16;

/// The body cannot be delimited.
pub(crate) const BAD_CHUNK: Violation = Violation {
    status: StatusCode::BAD_REQUEST,
    reason: "chunked_body",
    message: "The chunked body is malformed, so its end is not certain.",
};

/// The body ends in trailer fields.
pub(crate) const TRAILERS: Violation = Violation {
    status: StatusCode::BAD_REQUEST,
    reason: "request_trailers",
    message: "Trailer fields behind a request body are not passed on; send them as header fields.",
};

/// Where in the body the next byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Size { digits: u8, value: u64 },
    Extension { value: u64 },
    SizeEnd { value: u64 },
    Data { left: u64 },
    DataCr,
    DataLf,
    TrailerStart,
    TrailerName,
    FinalLf,
    Done,
}

/// Walks one chunked body.
#[derive(Debug)]
pub(crate) struct ChunkWalker {
    state: State,
    extension_bytes: u32,
    trailer_name_bytes: u32,
}

impl ChunkWalker {
    /// At the first chunk size.
    pub(crate) fn new() -> Self {
        Self { state: State::Size { digits: 0, value: 0 }, extension_bytes: 0, trailer_name_bytes: 0 }
    }

    /// Whether the final line end has been seen.
    pub(crate) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Takes bytes; returns how many belong to this body. Fewer than given means that the body ended.
    pub(crate) fn walk(&mut self, bytes: &[u8]) -> Result<usize, Violation> {
        let mut at = 0;
        while at < bytes.len() && self.state != State::Done {
            if let State::Data { left } = self.state {
                let taken = left.min((bytes.len() - at) as u64);
                at += taken as usize;
                self.state = if taken == left { State::DataCr } else { State::Data { left: left - taken } };
            } else {
                if self.state == State::TrailerName && bytes[at] == b':' {
                    return Err(TRAILERS);
                }
                self.state = self.step(bytes[at]).ok_or(BAD_CHUNK)?;
                at += 1;
            }
        }
        Ok(at)
    }

    /// One byte outside chunk data.
    fn step(&mut self, byte: u8) -> Option<State> {
        Some(match (self.state, byte) {
            (State::Size { digits, value }, _) if byte.is_ascii_hexdigit() => {
                let digit = (byte as char).to_digit(16)?;
                let value = value.checked_mul(16)?.checked_add(u64::from(digit))?;
                (digits < SIZE_DIGITS_MAX).then_some(State::Size { digits: digits + 1, value })?
            }
            (State::Size { digits: 1.., value }, b'\r') => State::SizeEnd { value },
            (State::Size { digits: 1.., value }, b';') => State::Extension { value },
            (State::Extension { value }, b'\r') => State::SizeEnd { value },
            (State::Extension { value }, _) => {
                self.extension_bytes += 1;
                (is_text(byte) && self.extension_bytes <= EXTENSION_BYTES_MAX).then_some(State::Extension { value })?
            }
            (State::SizeEnd { value: 0 }, b'\n') => State::TrailerStart,
            (State::SizeEnd { value }, b'\n') => State::Data { left: value },
            (State::DataCr, b'\r') => State::DataLf,
            (State::DataLf, b'\n') => State::Size { digits: 0, value: 0 },
            (State::TrailerStart, b'\r') => State::FinalLf,
            (State::FinalLf, b'\n') => State::Done,
            (State::TrailerStart | State::TrailerName, _) => {
                self.trailer_name_bytes += 1;
                let is_name = byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
                (is_name && self.trailer_name_bytes <= TRAILER_NAME_BYTES_MAX).then_some(State::TrailerName)?
            }
            _ => return None,
        })
    }
}

/// Whether a byte may stand in an extension.
fn is_text(byte: u8) -> bool {
    byte == b'\t' || (byte >= 0x20 && byte != 0x7f)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds the body whole and byte by byte; both must agree. `None` means malformed, `Some(n)` ended after n bytes.
    fn check(body: &[u8], expected: Option<usize>) {
        let mut whole = ChunkWalker::new();
        let got = whole.walk(body).ok().filter(|_| whole.is_done());
        assert_eq!(got, expected, "{:?} whole", String::from_utf8_lossy(body));
        let mut single = ChunkWalker::new();
        let mut used = 0;
        let mut is_bad = false;
        for byte in body {
            match single.walk(std::slice::from_ref(byte)) {
                Ok(n) => used += n,
                Err(_) => is_bad = true,
            }
            if is_bad {
                break;
            }
        }
        let got = (!is_bad && single.is_done()).then_some(used);
        assert_eq!(got, expected, "{:?} byte by byte", String::from_utf8_lossy(body));
    }

    #[test]
    fn bodies_end_where_they_say() {
        check(b"0\r\n\r\n", Some(5));
        check(b"3\r\nabc\r\n0\r\n\r\nGET", Some(13));
        check(b"A;name=\"v\"\r\n0123456789\r\n0\r\n\r\n", Some(29));
        check(b"0003\r\nabc\r\n0\r\n\r\n", Some(16));
    }

    #[test]
    fn extensions_have_a_bound_over_the_whole_body() {
        let chunk = |len: usize| format!("1;{}\r\nx\r\n", "e".repeat(len));
        let body = |len: usize| format!("{}0\r\n\r\n", chunk(len).repeat(4));
        for (len, expected) in [(4_000, true), (4_200, false)] {
            let mut walker = ChunkWalker::new();
            assert_eq!(walker.walk(body(len).as_bytes()).is_ok() && walker.is_done(), expected, "{len}");
        }
    }

    #[test]
    fn trailers_are_refused_by_name() {
        for (body, expected) in [
            (b"0\r\nX-Sum: 1\r\n\r\n".as_slice(), TRAILERS),
            (b"3\r\nabc\r\n0\r\na:b\r\n\r\n", TRAILERS),
            (b"0\r\nGET / HTTP/1.1\r\n\r\n", BAD_CHUNK),
            (b"0\r\n: x\r\n\r\n", BAD_CHUNK),
        ] {
            assert_eq!(ChunkWalker::new().walk(body), Err(expected), "{:?}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn malformed_bodies_are_refused() {
        let rows: [&[u8]; 25] = [
            b"\r\n\r\n",
            b"0x3\r\nabc\r\n0\r\n\r\n",
            b"+3\r\nabc\r\n0\r\n\r\n",
            b" 3\r\nabc\r\n0\r\n\r\n",
            b"3 \r\nabc\r\n0\r\n\r\n",
            b"3\nabc\r\n0\r\n\r\n",
            b"3\r\nabc\n0\r\n\r\n",
            b"3\r\nabcd\r\n0\r\n\r\n",
            b"3\r\nab\r\n0\r\n\r\n",
            b"10000000000000000\r\n",
            b"-3\r\nabc\r\n0\r\n\r\n",
            b"0_3\r\nabc\r\n0\r\n\r\n",
            b"3\0\r\nabc\r\n0\r\n\r\n",
            b"3h\r\nabc\r\n0\r\n\r\n",
            b"3\rabc\r\n0\r\n\r\n",
            b"3\r\nabcXX0\r\n\r\n",
            b"3;a=\"\n\"\r\nabc\r\n0\r\n\r\n",
            b"3\r\nabc\r\n",
            b"3;a\nb\r\nabc\r\n0\r\n\r\n",
            b"3;a\rb\r\nabc\r\n0\r\n\r\n",
            b"0\r\nGET / HTTP/1.1\r\n\r\n",
            b"0\r\nX : y\r\n\r\n",
            b"0\r\n X: y\r\n\r\n",
            b"0\r\nX: y\n\r\n",
            b"0\r\n\r",
        ];
        for body in rows {
            check(body, None);
        }
    }
}
