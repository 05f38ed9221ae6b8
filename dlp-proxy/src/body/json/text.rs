//! Unescaping of JSON strings (RFC 8259 section 7), in whatever portions the bytes come.

use memchr::memchr2;

/// The state between two portions.
#[derive(Default)]
pub(super) struct Unescaper {
    state: State,
    /// A high surrogate that waits for its low one.
    high: Option<u16>,
}

#[derive(Clone, Copy, Default)]
enum State {
    #[default]
    Plain,
    Escape,
    Hex {
        value: u16,
        digits: u8,
    },
}

/// Why [`Unescaper::feed`] returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fed {
    /// The portion is used up.
    More,
    /// The closing quote was read.
    Closed,
    /// The output is full.
    Full,
    /// An escape that does not exist.
    Broken,
}

impl Unescaper {
    /// Unescapes into `out` until it holds `len_max` bytes; one character may overshoot. Says how many bytes were used.
    pub(super) fn feed(&mut self, bytes: &[u8], len_max: usize, out: &mut Vec<u8>) -> (usize, Fed) {
        let mut at = 0;
        while at < bytes.len() {
            if out.len() >= len_max && !matches!(bytes[at], b'"') {
                return (at, Fed::Full);
            }
            match self.state {
                State::Plain => match self.plain(&bytes[at..], len_max, out) {
                    (used, true) => return (at + used, Fed::Closed),
                    (used, false) => at += used,
                },
                State::Escape => {
                    if !self.escape(bytes[at], out) {
                        return (at, Fed::Broken);
                    }
                    at += 1;
                }
                State::Hex { value, digits } => {
                    let Some(digit) = char::from(bytes[at]).to_digit(16) else { return (at, Fed::Broken) };
                    self.hex(value << 4 | digit as u16, digits + 1, out);
                    at += 1;
                }
            }
        }
        (at, Fed::More)
    }

    /// Copies up to the next quote or backslash; `true` says that the quote closed the string.
    fn plain(&mut self, bytes: &[u8], len_max: usize, out: &mut Vec<u8>) -> (usize, bool) {
        let run = memchr2(b'"', b'\\', bytes).unwrap_or(bytes.len());
        if run > 0 {
            self.end_surrogate(out);
            let taken = run.min(len_max.saturating_sub(out.len()).max(1));
            out.extend_from_slice(&bytes[..taken]);
            return (taken, false);
        }
        if bytes[0] == b'\\' {
            self.state = State::Escape;
            return (1, false);
        }
        self.end_surrogate(out);
        (1, true)
    }

    fn escape(&mut self, byte: u8, out: &mut Vec<u8>) -> bool {
        let plain = match byte {
            b'"' | b'\\' | b'/' => byte,
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                self.state = State::Hex { value: 0, digits: 0 };
                return true;
            }
            _ => return false,
        };
        self.end_surrogate(out);
        out.push(plain);
        self.state = State::Plain;
        true
    }

    fn hex(&mut self, value: u16, digits: u8, out: &mut Vec<u8>) {
        if digits < 4 {
            self.state = State::Hex { value, digits };
            return;
        }
        self.state = State::Plain;
        match (self.high.take(), value) {
            (Some(high), 0xdc00..=0xdfff) => {
                let code = 0x1_0000 + (u32::from(high - 0xd800) << 10) + u32::from(value - 0xdc00);
                push(char::from_u32(code), out);
            }
            (high, 0xd800..=0xdbff) => {
                if high.is_some() {
                    push(None, out);
                }
                self.high = Some(value);
            }
            (high, _) => {
                if high.is_some() {
                    push(None, out);
                }
                push(char::from_u32(u32::from(value)), out);
            }
        }
    }

    /// A high surrogate without its low one is no character.
    fn end_surrogate(&mut self, out: &mut Vec<u8>) {
        if self.high.take().is_some() {
            push(None, out);
        }
    }
}

fn push(character: Option<char>, out: &mut Vec<u8>) {
    let character = character.unwrap_or(char::REPLACEMENT_CHARACTER);
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}
