//! Follows a chunked body byte by byte and says where it ends, or that it is malformed (RFC 9112 7.1).
//!
//! It copies nothing: the library decodes the body afterwards. Its only work is to make sure that there is one way to
//! decode it: sizes are plain hexadecimal numbers, every line ends in CR LF, extensions and trailers are bounded and
//! hold no control byte.

use super::head::Violation;
use http::StatusCode;

/// Bytes of chunk extensions in one body. They carry nothing that is forwarded.
const EXTENSION_BYTES_MAX: u32 = 16 * 1024;
/// Bytes of the trailer section.
const TRAILER_BYTES_MAX: u32 = 8 * 1024;
/// Digits of a chunk size; sixteen are 64 bits.
const SIZE_DIGITS_MAX: u8 = 16;

/// The body cannot be delimited.
pub(crate) const BAD_CHUNK: Violation = Violation {
    status: StatusCode::BAD_REQUEST,
    reason: "chunked_body",
    message: "The chunked body is malformed, so its end is not certain.",
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
    TrailerValue,
    TrailerLf,
    FinalLf,
    Done,
}

/// Walks one chunked body.
#[derive(Debug)]
pub(crate) struct ChunkWalker {
    state: State,
    extension_bytes: u32,
    trailer_bytes: u32,
}

impl ChunkWalker {
    /// At the first chunk size.
    pub(crate) fn new() -> Self {
        Self { state: State::Size { digits: 0, value: 0 }, extension_bytes: 0, trailer_bytes: 0 }
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
            (State::TrailerStart | State::TrailerName | State::TrailerValue | State::TrailerLf, _) => {
                self.trailer_step(byte)?
            }
            _ => return None,
        })
    }

    /// One byte of the trailer section.
    fn trailer_step(&mut self, byte: u8) -> Option<State> {
        self.trailer_bytes += 1;
        if self.trailer_bytes > TRAILER_BYTES_MAX {
            return None;
        }
        match (self.state, byte) {
            (State::TrailerName, b':') => Some(State::TrailerValue),
            (State::TrailerStart | State::TrailerName, _) => {
                (byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)).then_some(State::TrailerName)
            }
            (State::TrailerValue, b'\r') => Some(State::TrailerLf),
            (State::TrailerValue, _) => is_text(byte).then_some(State::TrailerValue),
            (State::TrailerLf, b'\n') => Some(State::TrailerStart),
            _ => None,
        }
    }
}

/// Whether a byte may stand in an extension or a trailer value.
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
        check(b"0\r\nX-Sum: 1\r\n\r\n", Some(15));
        check(b"0003\r\nabc\r\n0\r\n\r\n", Some(16));
    }

    #[test]
    fn malformed_bodies_are_refused() {
        let rows: [&[u8]; 17] = [
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
