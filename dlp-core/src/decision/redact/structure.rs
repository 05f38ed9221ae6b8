//! What of a text is structure and must stay: quotes, brackets and separators of JSON and CSV.

use super::TextFormat;
use std::ops::Range;

/// A part of a value that is to be replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Structure.
    Kept(Range<usize>),
    /// Content.
    Value {
        /// Where it stands.
        range: Range<usize>,
        /// Whether it is a number of JSON, which becomes a string.
        is_number: bool,
    },
}

/// Follows a text as far as its structure goes.
#[derive(Debug)]
pub(super) struct Lexer {
    format: TextFormat,
    /// Inside a string of JSON.
    in_string: bool,
    /// Behind a backslash in one.
    is_escaped: bool,
}

impl Lexer {
    /// At the start of a text.
    pub(super) fn new(format: TextFormat) -> Self {
        Self { format, in_string: false, is_escaped: false }
    }

    /// Passes bytes that stay as they are.
    pub(super) fn pass(&mut self, bytes: &[u8]) {
        if self.format == TextFormat::Json {
            bytes.iter().for_each(|byte| {
                self.step(*byte);
            });
        }
    }

    /// Takes a value apart, and passes it.
    pub(super) fn pieces(&mut self, value: &[u8]) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for (at, byte) in value.iter().enumerate() {
            let (is_content, is_number) = match self.format {
                TextFormat::Text => (true, false),
                TextFormat::Csv => (!b",;\t|\"\r\n".contains(byte), false),
                TextFormat::Json => self.step(*byte),
            };
            extend(&mut pieces, at, is_content, is_number);
        }
        pieces
    }

    /// Whether a byte is content, and whether it is that of a number.
    fn step(&mut self, byte: u8) -> (bool, bool) {
        if !self.in_string {
            self.in_string = byte == b'"';
            let is_number = byte.is_ascii_digit() || b"+-.eE".contains(&byte);
            return (is_number, is_number);
        }
        let is_end = byte == b'"' && !self.is_escaped;
        self.is_escaped = byte == b'\\' && !self.is_escaped;
        self.in_string = !is_end;
        (!is_end, false)
    }
}

/// Adds a byte to the last piece, or starts another one.
fn extend(pieces: &mut Vec<Piece>, at: usize, is_content: bool, is_number: bool) {
    match pieces.last_mut() {
        Some(Piece::Kept(range)) if !is_content => range.end = at + 1,
        Some(Piece::Value { range, is_number: same }) if is_content && *same == is_number => range.end = at + 1,
        _ if is_content => pieces.push(Piece::Value { range: at..at + 1, is_number }),
        _ => pieces.push(Piece::Kept(at..at + 1)),
    }
}
