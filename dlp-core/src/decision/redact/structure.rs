//! What of a text is structure and must stay: quotes, brackets and separators of JSON and CSV.

use super::{TextFormat, json};
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
    json: json::Check,
    /// Where the text turned out to be no JSON; from there on it is taken as text.
    broken_at: Option<u64>,
}

impl Lexer {
    /// At the start of a text.
    pub(super) fn new(format: TextFormat) -> Self {
        Self { format, json: json::Check::new(), broken_at: None }
    }

    /// Passes bytes that stay as they are.
    pub(super) fn pass(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if self.format != TextFormat::Json {
                break;
            }
            self.step(*byte);
        }
    }

    /// Ends the text: where it turned out to be no JSON, if it was said to be.
    pub(super) fn finish(&self) -> Option<u64> {
        let is_open = self.format == TextFormat::Json && !self.json.finish();
        self.broken_at.or_else(|| is_open.then(|| self.json.offset()))
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
        let was_in_text = self.json.is_in_text();
        let at = self.json.offset();
        if !self.json.push(byte) {
            self.broken_at = Some(at);
            self.format = TextFormat::Text;
            return (true, false);
        }
        let is_number = !was_in_text && (byte.is_ascii_digit() || b"+-.eE".contains(&byte));
        (is_number || (was_in_text && self.json.is_in_text()), is_number)
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
