//! Code as tokens that renaming and formatting leave alone.
//!
//! No language is known here: comments after `//`, `#` and between `/*` and `*/` are passed over, strings and numbers
//! are one token each, and so is every identifier that is no common keyword. What is left is the order of operators,
//! brackets and keywords, which is what a copy keeps.

use super::grams::Token;
use crate::known::KnownKey;
use crate::matching::LineColumn;
use crate::text::count::count;

/// Use of an index's key.
const USAGE: &[u8] = b"tokens of code";
/// Longest keyword.
const KEYWORD_LEN_MAX: usize = 12;
/// Words that languages share: they stay what they are. In their order.
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

/// Tokens that are no keyword: signs, and letters that stand for classes, as they are no signs.
const SIGNS: usize = 256;
const IDENTIFIER: u16 = b'i' as u16;
const NUMBER: u16 = b'n' as u16;
const STRING: u16 = b's' as u16;

/// Hashes of all tokens that there are.
#[derive(Debug)]
pub(super) struct Vocabulary(Vec<u64>);

impl Vocabulary {
    /// The vocabulary under a key.
    pub(super) fn new(key: &KnownKey) -> Self {
        let function = key.function(USAGE);
        let signs = (0..SIGNS).map(|sign| function.hash(&[sign as u8]));
        Self(signs.chain(KEYWORDS.iter().map(|word| function.hash(word.as_bytes()))).collect())
    }

    /// The hash of a token.
    pub(super) fn hash(&self, token: &CodeToken) -> u64 {
        self.0[usize::from(token.what)]
    }
}

/// A token before it is hashed.
#[derive(Clone, Copy, Debug)]
pub(super) struct CodeToken {
    /// A sign, or a keyword behind all signs.
    what: u16,
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
    /// The word that is open, as far as keywords go.
    word: [u8; PACKED_BYTES],
    word_len: usize,
    offset: u64,
    line: u64,
    /// What an offset in this line is more than its column.
    ahead: u64,
}

impl Code {
    /// At the start of a text.
    pub(super) fn new() -> Self {
        let place = LineColumn { line: 1, column: 1 };
        let open = CodeToken { what: 0, start: 0, end: 0, at: place, until: place };
        Self { state: State::Between, open, word: [0; PACKED_BYTES], word_len: 0, offset: 0, line: 1, ahead: 0 }
    }

    /// Takes the next bytes and gives the tokens that end in them.
    pub(super) fn push(&mut self, mut bytes: &[u8], each: &mut impl FnMut(&CodeToken)) {
        while let Some(first) = bytes.first() {
            let len = match self.state {
                State::Between => self.begin(*first, each),
                State::Word => self.word(bytes, each),
                State::Number => self.number(bytes, each),
                State::Quoted { quote, is_escaped } => self.quoted(bytes, (quote, is_escaped), each),
                State::Slash => self.slash(*first, each),
                State::LineComment => self.line_comment(bytes),
                State::BlockComment { after_star } => self.block_comment(bytes, after_star),
            };
            bytes = &bytes[len..];
        }
    }

    /// Ends the text.
    pub(super) fn finish(&mut self, each: &mut impl FnMut(&CodeToken)) {
        self.push(b"\n", each);
    }

    /// Passes over bytes without a line end.
    fn pass(&mut self, bytes: &[u8]) -> usize {
        self.offset += bytes.len() as u64;
        if !bytes.is_ascii() {
            self.ahead += count(bytes, |byte| byte & 0xc0 == 0x80) as u64;
        }
        bytes.len()
    }

    fn pass_line_end(&mut self) -> usize {
        self.offset += 1;
        self.line += 1;
        self.ahead = self.offset;
        1
    }

    /// A byte between two tokens, which may begin one.
    fn begin(&mut self, byte: u8, each: &mut impl FnMut(&CodeToken)) -> usize {
        let mut what = u16::from(byte);
        self.state = match byte {
            b'\n' => return self.pass_line_end(),
            b' ' | b'\t' | b'\r' => return self.pass(&[byte]),
            b'#' => State::LineComment,
            b'"' | b'\'' | b'`' => {
                what = STRING;
                State::Quoted { quote: byte, is_escaped: false }
            }
            b'0'..=b'9' => {
                what = NUMBER;
                State::Number
            }
            b'/' => State::Slash,
            _ if is_word(byte) => {
                (self.word, self.word_len) = ([0; PACKED_BYTES], 0);
                self.open(IDENTIFIER);
                self.state = State::Word;
                return 0;
            }
            _ => State::Between,
        };
        if self.state == State::LineComment {
            return self.pass(&[byte]);
        }
        self.open(what);
        let len = self.pass(&[byte]);
        if self.state == State::Between {
            self.close(each);
        }
        len
    }

    fn word(&mut self, bytes: &[u8], each: &mut impl FnMut(&CodeToken)) -> usize {
        let mut len = 0;
        while let Some(byte) = bytes.get(len).filter(|byte| is_word(**byte)) {
            if let Some(slot) = self.word.get_mut(self.word_len) {
                *slot = byte.to_ascii_lowercase();
            }
            self.word_len += 1;
            len += 1;
        }
        self.pass(&bytes[..len]);
        if len < bytes.len() {
            self.open.what = keyword(&self.word, self.word_len).unwrap_or(IDENTIFIER);
            self.close(each);
        }
        len
    }

    fn number(&mut self, bytes: &[u8], each: &mut impl FnMut(&CodeToken)) -> usize {
        let len = bytes.iter().take_while(|byte| is_word(**byte) || **byte == b'.').count();
        self.pass(&bytes[..len]);
        if len < bytes.len() {
            self.close(each);
        }
        len
    }

    fn quoted(&mut self, bytes: &[u8], state: (u8, bool), each: &mut impl FnMut(&CodeToken)) -> usize {
        let (quote, mut is_escaped) = state;
        for (at, byte) in bytes.iter().enumerate() {
            // A string that runs over its line was no string: an apostrophe in prose.
            let is_end = (*byte == quote && !is_escaped) || (*byte == b'\n' && quote != b'`');
            if !is_end && *byte != b'\n' {
                is_escaped = *byte == b'\\' && !is_escaped;
                continue;
            }
            let is_line_end = *byte == b'\n';
            self.pass(&bytes[..at + usize::from(!is_line_end)]);
            self.state = State::Quoted { quote, is_escaped: false };
            if is_end {
                self.close(each);
            }
            return at + if is_line_end { self.pass_line_end() } else { 1 };
        }
        self.state = State::Quoted { quote, is_escaped };
        self.pass(bytes)
    }

    /// Behind a slash.
    fn slash(&mut self, byte: u8, each: &mut impl FnMut(&CodeToken)) -> usize {
        match byte {
            b'/' => self.state = State::LineComment,
            b'*' => self.state = State::BlockComment { after_star: false },
            _ => {
                self.close(each);
                return 0;
            }
        }
        self.pass(&[byte])
    }

    fn line_comment(&mut self, bytes: &[u8]) -> usize {
        let Some(end) = memchr::memchr(b'\n', bytes) else { return self.pass(bytes) };
        self.state = State::Between;
        self.pass(&bytes[..end]) + self.pass_line_end()
    }

    fn block_comment(&mut self, bytes: &[u8], mut after_star: bool) -> usize {
        for (at, byte) in bytes.iter().enumerate() {
            if *byte == b'\n' {
                self.state = State::BlockComment { after_star: false };
                return self.pass(&bytes[..at]) + self.pass_line_end();
            }
            if after_star && *byte == b'/' {
                self.state = State::Between;
                return self.pass(&bytes[..=at]);
            }
            after_star = *byte == b'*';
        }
        self.state = State::BlockComment { after_star };
        self.pass(bytes)
    }

    fn place(&self) -> LineColumn {
        LineColumn { line: self.line, column: self.offset - self.ahead + 1 }
    }

    fn open(&mut self, what: u16) {
        let at = self.place();
        self.open = CodeToken { what, start: self.offset, end: self.offset, at, until: at };
    }

    fn close(&mut self, each: &mut impl FnMut(&CodeToken)) {
        self.open.end = self.offset;
        self.open.until = self.place();
        self.state = State::Between;
        each(&self.open);
    }
}

/// The number of a keyword, of a word and its length. Most words are left at their first letter and length.
fn keyword(word: &[u8; PACKED_BYTES], len: usize) -> Option<u16> {
    let letter = word[0].wrapping_sub(b'a');
    let letters = LETTERS_OF_LENGTH.get(len)?;
    if letters.checked_shr(letter.into()).unwrap_or(0) & 1 == 0 {
        return None;
    }
    let at = PACKED.binary_search(&u128::from_be_bytes(*word)).ok()?;
    Some((SIGNS + at) as u16)
}

/// Bytes of a keyword that is padded with zeros, which keeps the order.
const PACKED_BYTES: usize = 16;
const PACKED: [u128; KEYWORDS.len()] = packed();

const fn packed() -> [u128; KEYWORDS.len()] {
    let mut table = [0; KEYWORDS.len()];
    let mut at = 0;
    while at < KEYWORDS.len() {
        let word = KEYWORDS[at].as_bytes();
        let mut bytes = [0; PACKED_BYTES];
        let mut byte = 0;
        while byte < word.len() {
            bytes[byte] = word[byte];
            byte += 1;
        }
        table[at] = u128::from_be_bytes(bytes);
        at += 1;
    }
    table
}

/// The first letters of keywords of each length, one bit each.
const LETTERS_OF_LENGTH: [u32; KEYWORD_LEN_MAX + 1] = letters_of_length();

const fn letters_of_length() -> [u32; KEYWORD_LEN_MAX + 1] {
    let mut table = [0; KEYWORD_LEN_MAX + 1];
    let mut at = 0;
    while at < KEYWORDS.len() {
        let word = KEYWORDS[at].as_bytes();
        table[word.len()] |= 1 << (word[0] - b'a');
        at += 1;
    }
    table
}

fn is_word(byte: u8) -> bool {
    WORD_BYTES[usize::from(byte)]
}

const WORD_BYTES: [bool; 256] = word_bytes();

const fn word_bytes() -> [bool; 256] {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = (byte as u8).is_ascii_alphanumeric() || byte == b'_' as usize || byte >= 0x80;
        byte += 1;
    }
    table
}
