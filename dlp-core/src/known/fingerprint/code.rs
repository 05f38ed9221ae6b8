//! Code as tokens that renaming and formatting leave alone.
//!
//! No language is known here: comments after `//`, `#` and between `/*` and `*/` are passed over, strings and numbers
//! are one token each, and so is every identifier that is no common keyword. What is left is the order of operators,
//! brackets and keywords, which is what a copy keeps.

use super::grams::Token;
use crate::known::KnownKey;
use crate::known::eight::{self, eight};
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
    #[inline]
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
    #[inline]
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
    word: [u8; PACKED_BYTES + 8],
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
        Self { state: State::Between, open, word: [0; PACKED_BYTES + 8], word_len: 0, offset: 0, line: 1, ahead: 0 }
    }

    /// Takes the next bytes and gives the tokens that end in them.
    pub(super) fn push(&mut self, bytes: &[u8], each: &mut impl FnMut(&CodeToken)) {
        let mut at = 0;
        while let Some(first) = bytes.get(at) {
            let rest = &bytes[at..];
            at += match self.state {
                State::Between => self.begin(*first, rest, each),
                State::Word => self.word(rest, each),
                State::Number => self.number(rest, each),
                State::Quoted { quote, is_escaped } => self.quoted(rest, (quote, is_escaped), each),
                State::Slash => self.slash(*first, each),
                State::LineComment => self.line_comment(rest),
                State::BlockComment { after_star } => self.block_comment(rest, after_star),
            };
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

    /// Passes over a byte of ASCII that ends no line.
    #[inline]
    fn pass_one(&mut self) -> usize {
        self.offset += 1;
        1
    }

    #[inline]
    fn pass_line_end(&mut self) -> usize {
        self.offset += 1;
        self.line += 1;
        self.ahead = self.offset;
        1
    }

    /// A byte between two tokens, which may begin one.
    #[inline]
    fn begin(&mut self, byte: u8, rest: &[u8], each: &mut impl FnMut(&CodeToken)) -> usize {
        match byte {
            b'\n' => self.pass_line_end(),
            b' ' | b'\t' | b'\r' => self.pass_one(),
            b'#' => {
                self.state = State::LineComment;
                self.pass_one()
            }
            b'"' | b'\'' | b'`' => {
                self.open(STRING, State::Quoted { quote: byte, is_escaped: false });
                self.pass_one()
            }
            b'0'..=b'9' => {
                self.open(NUMBER, State::Number);
                self.number(rest, each)
            }
            b'/' => {
                self.open(byte.into(), State::Slash);
                self.pass_one()
            }
            _ if is_word(byte) => {
                (self.word, self.word_len) = ([0; PACKED_BYTES + 8], 0);
                self.open(IDENTIFIER, State::Word);
                self.word(rest, each)
            }
            _ => {
                self.open(byte.into(), State::Between);
                self.pass_one();
                self.close(each);
                1
            }
        }
    }

    /// The bytes of a word, and its end when it stands there.
    #[inline]
    fn word(&mut self, bytes: &[u8], each: &mut impl FnMut(&CodeToken)) -> usize {
        let len = self.run(bytes, 0, |code, block, count| {
            if let Some(room) = code.word.get_mut(code.word_len..code.word_len + 8) {
                room.copy_from_slice(&eight::first(eight::small(block), count).to_le_bytes());
            }
            code.word_len += count;
        });
        if len < bytes.len() {
            let word = self.word.first_chunk().expect("a word has room for more");
            self.open.what = keyword(word, self.word_len).unwrap_or(IDENTIFIER);
            self.close(each);
        }
        len
    }

    #[inline]
    fn number(&mut self, bytes: &[u8], each: &mut impl FnMut(&CodeToken)) -> usize {
        let len = self.run(bytes, b'.', |_, _, _| {});
        if len < bytes.len() {
            self.close(each);
        }
        len
    }

    /// Passes over bytes of words, and over one other byte, and gives them in blocks.
    #[inline]
    fn run(&mut self, bytes: &[u8], other: u8, mut take: impl FnMut(&mut Self, u64, usize)) -> usize {
        let mut len = 0;
        loop {
            let block = eight(bytes.get(len..).unwrap_or_default());
            let narrow = eight::letters(block) | eight::digits(block) | eight::equal(block, b'_');
            let others = if other == 0 { 0 } else { eight::equal(block, other) };
            let count = eight::leading(narrow | eight::wide(block) | others);
            self.ahead += u64::from(eight::first(eight::continuing(block), count).count_ones());
            take(self, block, count);
            len += count;
            if count < 8 {
                break;
            }
        }
        self.offset += len as u64;
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
        self.pass_one()
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

    #[inline]
    fn open(&mut self, what: u16, state: State) {
        let at = self.place();
        (self.open.what, self.open.start, self.open.at) = (what, self.offset, at);
        self.state = state;
    }

    #[inline]
    fn close(&mut self, each: &mut impl FnMut(&CodeToken)) {
        self.open.end = self.offset;
        self.open.until = self.place();
        self.state = State::Between;
        each(&self.open);
    }
}

/// The number of a keyword, of a word and its length. Most words are left at their first letter and length.
#[inline]
fn keyword(word: &[u8; PACKED_BYTES], len: usize) -> Option<u16> {
    let letter = word[0].wrapping_sub(b'a');
    let letters = LETTERS_OF_LENGTH.get(len)?;
    if letters.checked_shr(letter.into()).unwrap_or(0) & 1 == 0 {
        return None;
    }
    let word = u128::from_le_bytes(*word);
    let mut slot = slot(word);
    loop {
        let number = usize::from(SLOTS[slot].checked_sub(1)?);
        if PACKED[number] == word {
            return Some((SIGNS + number) as u16);
        }
        slot = (slot + 1) % SLOTS.len();
    }
}

/// Bytes of a keyword that is padded with zeros.
const PACKED_BYTES: usize = 16;
static PACKED: [u128; KEYWORDS.len()] = packed();

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
        table[at] = u128::from_le_bytes(bytes);
        at += 1;
    }
    table
}

/// One more than the numbers of keywords, each at the first free place from its own on. Most places are free.
static SLOTS: [u8; 512] = slots();

const fn slots() -> [u8; 512] {
    let (mut table, packed) = ([0; 512], packed());
    let mut number = 0;
    while number < packed.len() {
        let mut at = slot(packed[number]);
        while table[at] != 0 {
            at = (at + 1) % table.len();
        }
        table[at] = number as u8 + 1;
        number += 1;
    }
    table
}

/// The place of a word among 512.
const fn slot(word: u128) -> usize {
    let mixed = (word as u64 ^ (word >> 64) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 55) as usize
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
