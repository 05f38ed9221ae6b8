//! Code as tokens that renaming and formatting leave alone.
//!
//! No language is known here: comments after `//`, `#` and between `/*` and `*/` are passed over, strings and numbers
//! are one token each, and so is every identifier that is no common keyword. What is left is the order of operators,
//! brackets and keywords, which is what a copy keeps.

use super::grams::Token;
use crate::known::KnownKey;
use crate::matching::LineColumn;
use std::collections::HashMap;

/// Place among the columns of hashes that no column of a table has.
const HASH_COLUMN: u8 = 255;
/// Longest keyword.
const KEYWORD_LEN_MAX: usize = 12;
/// Words that languages share: they stay what they are.
#[rustfmt::skip]
const KEYWORDS: &[&str] = &[
    "abstract", "and", "as", "assert", "async", "await", "begin", "bool", "boolean", "break", "byte", "case", "catch",
    "char", "class", "const", "continue", "def", "default", "delete", "do", "double", "elif", "else", "elsif", "end",
    "enum", "except", "export", "extends", "false", "final", "finally", "float", "fn", "for", "foreach", "from", "func",
    "function", "global", "goto", "if", "impl", "implements", "import", "in", "inline", "insert", "int", "interface",
    "into", "is", "lambda", "let", "long", "loop", "match", "mod", "mut", "namespace", "new", "nil", "none", "not", "null",
    "operator", "or", "override", "package", "pass", "private", "protected", "pub", "public", "raise", "return", "select",
    "self", "short", "signed", "sizeof", "static", "str", "string", "struct", "super", "switch", "template", "then",
    "this", "throw", "throws", "trait", "true", "try", "type", "typedef", "typename", "union", "unless", "unsafe",
    "unsigned", "update", "use", "using", "val", "var", "virtual", "void", "volatile", "where", "while", "with", "yield",
];

/// Hashes of all tokens that there are.
#[derive(Debug)]
pub(super) struct Vocabulary {
    keywords: HashMap<&'static [u8], u64>,
    signs: [u64; 256],
}

impl Vocabulary {
    /// The vocabulary under a key.
    pub(super) fn new(key: &KnownKey) -> Self {
        let keywords = KEYWORDS.iter().map(|word| (word.as_bytes(), key.hash(HASH_COLUMN, word.as_bytes()))).collect();
        Self { keywords, signs: std::array::from_fn(|sign| key.hash(HASH_COLUMN, &[sign as u8])) }
    }

    /// The hash of a token.
    pub(super) fn hash(&self, token: &CodeToken) -> u64 {
        match token.what {
            What::Sign(sign) => self.signs[usize::from(sign)],
            What::Word { bytes, len } => {
                let keyword = bytes.get(..usize::from(len)).and_then(|word| self.keywords.get(word));
                // Letters stand for classes, as they are no signs: an identifier, a number, a string.
                keyword.copied().unwrap_or(self.signs[usize::from(b'i')])
            }
        }
    }
}

/// A token before it is hashed.
#[derive(Clone, Copy, Debug)]
pub(super) struct CodeToken {
    what: What,
    start: u64,
    end: u64,
    at: LineColumn,
    until: LineColumn,
}

impl CodeToken {
    /// With its hash.
    pub(super) fn hashed(&self, vocabulary: &Vocabulary) -> Token {
        let Self { start, end, at, until, .. } = *self;
        Token { hash: vocabulary.hash(self), start, end, at, until }
    }
}

#[derive(Clone, Copy, Debug)]
enum What {
    /// A sign, or `n` for a number, `s` for a string.
    Sign(u8),
    /// A word, as far as keywords go.
    Word { bytes: [u8; KEYWORD_LEN_MAX], len: u8 },
}

/// What the next byte belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Between,
    Word,
    Number,
    Quoted {
        quote: u8,
        is_escaped: bool,
    },
    /// Behind a slash that may start a comment.
    Slash,
    LineComment,
    BlockComment {
        after_star: bool,
    },
}

/// Cuts code into tokens.
#[derive(Debug)]
pub(super) struct Code {
    state: State,
    open: CodeToken,
    offset: u64,
    place: LineColumn,
}

impl Code {
    /// At the start of a text.
    pub(super) fn new() -> Self {
        let place = LineColumn { line: 1, column: 1 };
        let open = CodeToken { what: What::Sign(0), start: 0, end: 0, at: place, until: place };
        Self { state: State::Between, open, offset: 0, place }
    }

    /// Takes the next bytes and gives the tokens that end in them.
    pub(super) fn push(&mut self, bytes: &[u8], each: &mut dyn FnMut(CodeToken)) {
        for byte in bytes {
            self.take(*byte, each);
            self.offset += 1;
            match byte {
                b'\n' => self.place = LineColumn { line: self.place.line + 1, column: 1 },
                0x80..=0xbf => {}
                _ => self.place.column += 1,
            }
        }
    }

    /// Ends the text.
    pub(super) fn finish(&mut self, each: &mut dyn FnMut(CodeToken)) {
        self.take(b'\n', each);
    }

    fn take(&mut self, byte: u8, each: &mut dyn FnMut(CodeToken)) {
        match self.state {
            State::Between => self.begin(byte, each),
            State::Word if is_word(byte) => {
                if let What::Word { bytes, len } = &mut self.open.what {
                    if let Some(slot) = bytes.get_mut(usize::from(*len)) {
                        *slot = byte.to_ascii_lowercase();
                    }
                    *len = len.saturating_add(1);
                }
            }
            State::Number if is_word(byte) || byte == b'.' => {}
            State::Word | State::Number => {
                self.close(each);
                self.begin(byte, each);
            }
            State::Quoted { quote, is_escaped } => {
                // A string that runs over its line was no string: an apostrophe in prose.
                if (byte == quote && !is_escaped) || (byte == b'\n' && quote != b'`') {
                    self.offset += 1;
                    self.close(each);
                    self.offset -= 1;
                } else {
                    self.state = State::Quoted { quote, is_escaped: byte == b'\\' && !is_escaped };
                }
            }
            State::Slash if byte == b'/' => self.state = State::LineComment,
            State::Slash if byte == b'*' => self.state = State::BlockComment { after_star: false },
            State::Slash => {
                self.close(each);
                self.begin(byte, each);
            }
            State::LineComment if byte == b'\n' => self.state = State::Between,
            State::BlockComment { after_star: true } if byte == b'/' => self.state = State::Between,
            State::BlockComment { .. } => self.state = State::BlockComment { after_star: byte == b'*' },
            State::LineComment => {}
        }
    }

    fn begin(&mut self, byte: u8, each: &mut dyn FnMut(CodeToken)) {
        let mut what = What::Sign(byte);
        self.state = match byte {
            b' ' | b'\t' | b'\r' | b'\n' => return self.state = State::Between,
            b'#' => return self.state = State::LineComment,
            b'"' | b'\'' | b'`' => {
                what = What::Sign(b's');
                State::Quoted { quote: byte, is_escaped: false }
            }
            b'0'..=b'9' => {
                what = What::Sign(b'n');
                State::Number
            }
            b'/' => State::Slash,
            _ if is_word(byte) => {
                let mut bytes = [0; KEYWORD_LEN_MAX];
                bytes[0] = byte.to_ascii_lowercase();
                what = What::Word { bytes, len: 1 };
                State::Word
            }
            _ => State::Between,
        };
        self.open = CodeToken { what, start: self.offset, end: self.offset, at: self.place, until: self.place };
        if self.state == State::Between {
            self.offset += 1;
            self.close(each);
            self.offset -= 1;
        }
    }

    fn close(&mut self, each: &mut dyn FnMut(CodeToken)) {
        self.open.end = self.offset;
        self.open.until = self.place;
        self.state = State::Between;
        each(self.open);
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}
