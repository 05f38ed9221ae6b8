//! Bytes of JSON to tokens. Strings are unescaped on the way and come in pieces when they are longer than what is held.

use super::super::fields::FieldsEnd;
use super::text::{Fed, Unescaper};
use std::io::{self, BufRead};

/// Longest number or word; a longer run is not JSON that anybody reads as a number.
const BARE_BYTES_MAX: usize = 1024;

/// A token. Commas and space are skipped.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Token {
    ObjectStart,
    ObjectEnd,
    ArrayStart,
    ArrayEnd,
    /// A string, or its first piece.
    String {
        piece: Vec<u8>,
        is_last: bool,
    },
    /// A number as it is written.
    Number(Vec<u8>),
    /// `true`, `false` or `null`.
    Word,
}

/// Reads tokens.
pub(super) struct Tokens<'b> {
    input: Box<dyn BufRead + 'b>,
    piece_bytes_max: usize,
    unescaper: Unescaper,
    is_at_start: bool,
    is_broken: bool,
}

impl<'b> Tokens<'b> {
    pub(super) fn new(input: Box<dyn BufRead + 'b>, piece_bytes_max: usize) -> Self {
        Self { input, piece_bytes_max, unescaper: Unescaper::default(), is_at_start: true, is_broken: false }
    }

    fn peek(&mut self) -> io::Result<Option<u8>> {
        Ok(self.input.fill_buf()?.first().copied())
    }

    fn bump(&mut self) -> io::Result<Option<u8>> {
        let byte = self.peek()?;
        self.input.consume(usize::from(byte.is_some()));
        Ok(byte)
    }

    fn skip_byte_order_mark(&mut self) -> Result<(), FieldsEnd> {
        self.is_at_start = false;
        if self.peek()? == Some(0xef) {
            for expected in *b"\xef\xbb\xbf" {
                if self.bump()? != Some(expected) {
                    return Err(FieldsEnd::Damaged);
                }
            }
        }
        Ok(())
    }

    /// The next token; `None` at the end.
    pub(super) fn next_token(&mut self) -> Result<Option<Token>, FieldsEnd> {
        if self.is_at_start {
            self.skip_byte_order_mark()?;
        }
        if self.is_broken {
            return Err(FieldsEnd::Damaged);
        }
        loop {
            let Some(byte) = self.peek()? else { return Ok(None) };
            let token = match byte {
                // 0x1e separates records of JSON text sequences, RFC 7464.
                b' ' | b'\t' | b'\r' | b'\n' | b',' | 0x1e => {
                    self.input.consume(1);
                    continue;
                }
                b'{' => Token::ObjectStart,
                b'}' => Token::ObjectEnd,
                b'[' => Token::ArrayStart,
                b']' => Token::ArrayEnd,
                b'"' => {
                    self.input.consume(1);
                    let (piece, is_last) = self.next_piece()?;
                    return Ok(Some(Token::String { piece, is_last }));
                }
                _ => return self.bare().map(Some),
            };
            self.input.consume(1);
            return Ok(Some(token));
        }
    }

    /// The next piece of the string that is open, and whether it is the last. A string that is cut off or has a wrong
    /// escape ends there, and the next token is an error.
    pub(super) fn next_piece(&mut self) -> Result<(Vec<u8>, bool), FieldsEnd> {
        let mut piece = Vec::new();
        loop {
            let available = self.input.fill_buf()?;
            let (used, fed) = match available {
                [] => (0, Fed::Broken),
                _ => self.unescaper.feed(available, self.piece_bytes_max, &mut piece),
            };
            self.input.consume(used);
            match fed {
                Fed::More => continue,
                Fed::Full => return Ok((piece, false)),
                Fed::Closed => {}
                Fed::Broken => self.is_broken = true,
            }
            self.unescaper = Unescaper::default();
            return Ok((piece, true));
        }
    }

    /// Skips space and the colon behind a key; `false` when there is none.
    pub(super) fn skip_colon(&mut self) -> io::Result<bool> {
        while let Some(byte) = self.bump()? {
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' => {}
                _ => return Ok(byte == b':'),
            }
        }
        Ok(false)
    }

    fn bare(&mut self) -> Result<Token, FieldsEnd> {
        let mut text = Vec::new();
        while let Some(byte) = self.peek()? {
            if !(byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')) {
                break;
            }
            if text.len() == BARE_BYTES_MAX {
                return Err(FieldsEnd::Damaged);
            }
            text.push(byte);
            self.input.consume(1);
        }
        match text.as_slice() {
            b"true" | b"false" | b"null" => Ok(Token::Word),
            [b'-' | b'0'..=b'9', rest @ ..] if rest.iter().all(is_number_byte) => Ok(Token::Number(text)),
            _ => Err(FieldsEnd::Damaged),
        }
    }
}

fn is_number_byte(byte: &u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E')
}
