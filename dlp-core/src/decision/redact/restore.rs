//! Tokens back to values.

use super::key::RedactKey;
use super::token;
use crate::matching::stand_in::{END, LEN_MAX, NUMBER_TOKEN, START, TOKEN};
use memchr::memmem;

/// What was restored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Restored {
    /// Tokens that became values again.
    pub values: u64,
    /// Tokens that stayed: made with another key, or altered.
    pub left: u64,
}

/// Puts the values back into a stream of text.
pub struct Restorer<'a> {
    key: &'a RedactKey,
    held: Vec<u8>,
    restored: Restored,
}

impl<'a> Restorer<'a> {
    /// A restorer at the start of a text.
    #[must_use]
    pub fn new(key: &'a RedactKey) -> Self {
        Self { key, held: Vec::new(), restored: Restored::default() }
    }

    /// Takes the next bytes, and appends to `out` what is complete.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        self.held.extend_from_slice(bytes);
        self.advance(false, out);
    }

    /// Ends the text.
    pub fn finish(mut self, out: &mut Vec<u8>) -> Restored {
        self.advance(true, out);
        self.restored
    }

    fn advance(&mut self, is_end: bool, out: &mut Vec<u8>) {
        let held = std::mem::take(&mut self.held);
        let mut rest = &held[..];
        while let Some(start) = memmem::find(rest, START.as_bytes()) {
            let (before, from) = rest.split_at(start);
            match memmem::find(&from[..from.len().min(LEN_MAX)], END.as_bytes()) {
                Some(end) if is_end || from.len() > end + END.len() => {
                    let len = self.token(before, from, end + END.len(), out);
                    rest = &from[len..];
                }
                // The end may come with the next bytes, and a quote behind it too.
                _ if !is_end && from.len() < LEN_MAX => break,
                _ => {
                    out.extend_from_slice(before);
                    out.extend_from_slice(START.as_bytes());
                    rest = &from[START.len()..];
                }
            }
        }
        let keep = if is_end { 0 } else { kept(rest) };
        out.extend_from_slice(&rest[..rest.len() - keep]);
        self.held = rest[rest.len() - keep..].to_vec();
    }

    /// Writes what stands before a token, and its value. Bytes of `from` that are done with.
    fn token(&mut self, before: &[u8], from: &[u8], len: usize, out: &mut Vec<u8>) -> usize {
        let text = &from[START.len()..len - END.len()];
        let number = text.strip_prefix(NUMBER_TOKEN.as_bytes());
        let opened = number.or_else(|| text.strip_prefix(TOKEN.as_bytes())).map(|inside| token::open(self.key, inside));
        let is_quoted = number.is_some() && before.ends_with(b"\"") && from.get(len) == Some(&b'"');
        match opened {
            Some(Some(value)) => {
                self.restored.values += 1;
                out.extend_from_slice(if is_quoted { &before[..before.len() - 1] } else { before });
                out.extend_from_slice(&value);
                len + usize::from(is_quoted)
            }
            // Something else between braces, such as a hash, is no token.
            other => {
                self.restored.left += u64::from(other.is_some());
                out.extend_from_slice(before);
                out.extend_from_slice(&from[..len]);
                len
            }
        }
    }
}

/// How many bytes at the end may belong to a token that goes on.
fn kept(rest: &[u8]) -> usize {
    match memmem::find(rest, START.as_bytes()) {
        // The quote before it belongs to it.
        Some(start) => rest.len() - start + usize::from(rest[..start].ends_with(b"\"")),
        None => rest.len().min(START.len() + 1),
    }
}
