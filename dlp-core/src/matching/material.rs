//! What the bytes are that are searched, and how much evidence that demands.
//!
//! In text, a shape means something. In a ciphertext, an image or the code of a program, short shapes turn up by
//! chance: 256 MiB of random bytes hold some e-mail addresses. There a match must be so unlikely that chance cannot
//! have made it, unless it stands in a passage that is text after all: the strings of a program, a log with a few stray
//! bytes.

use std::ops::Range;

/// What the searched bytes are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Material {
    /// Text, or text taken from a document.
    #[default]
    Text,
    /// Bytes of a format that nobody read as text.
    Binary,
    /// The name of a file, of a directory on the way to it, or of a member.
    Name,
}

/// Bits of evidence that a match in binary data needs: chance makes one in `2^47` places, 256 MiB have `2^28`. A
/// password in a setting has as many, a number of ten digits and an e-mail address have fewer.
pub(super) const BITS_MIN: u32 = 47;

/// Bits that a word near the match adds: three letters in either case, at any place of its window.
pub(super) const WORD_BITS: u32 = 14;

/// Bytes on either side that must be text for a passage to count as text.
pub(super) const PASSAGE_BYTES: usize = 64;

/// Bytes of a UTF-8 character behind its first one.
const CONTINUATIONS_MAX: usize = 3;

/// Whether the bytes around a span, the span included, are text as far as the input reaches.
pub(super) fn is_in_text(bytes: &[u8], span: Range<usize>) -> bool {
    let window = &bytes[span.start.saturating_sub(PASSAGE_BYTES)..bytes.len().min(span.end + PASSAGE_BYTES)];
    // The window may cut a character in two, at either end.
    let cut = window.iter().take(CONTINUATIONS_MAX).take_while(|byte| **byte & 0xc0 == 0x80).count();
    let is_control = |byte: &u8| byte.is_ascii_control() && !matches!(byte, b'\t' | b'\n' | b'\r');
    let mut chunks = window[cut..].utf8_chunks().peekable();
    while let Some(chunk) = chunks.next() {
        let is_broken = !chunk.invalid().is_empty() && chunks.peek().is_some();
        if is_broken || chunk.valid().as_bytes().iter().any(is_control) {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passage_is_text_when_its_surroundings_are() {
        let (long, polish, letters) = ("lorem ipsum ".repeat(8), "zażółć gęślą jaźń ".repeat(8), "ł".repeat(50));
        let rows: &[(&[u8], &[u8], bool)] = &[
            (long.as_bytes(), long.as_bytes(), true),
            (b"", b"", true),
            (polish.as_bytes(), letters.as_bytes(), true),
            (b"\0lorem ", long.as_bytes(), false),
            (long.as_bytes(), b" ipsum\0", false),
            (b"a\xffb", b"", false),
            (&[0xb3; 8], b"", false),
        ];
        for (before, after, expected) in rows {
            let bytes = [before, b"#".as_slice(), after].concat();
            let at = before.len();
            assert_eq!(is_in_text(&bytes, at..at + 1), *expected, "{:?}", String::from_utf8_lossy(&bytes));
        }
    }
}
