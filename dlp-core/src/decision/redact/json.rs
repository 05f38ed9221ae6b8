//! Whether a stream is JSON (RFC 8259), one document or several behind each other, wherever it is cut.

/// Deepest nesting that is followed. What is deeper is taken as it comes.
const DEPTH_MAX: usize = 64 * 1024;
/// Longest number or word whose characters are looked at.
const WORD_MAX: usize = 64;

/// What may come next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expects {
    Value,
    ValueOrEnd,
    Key,
    KeyOrEnd,
    Colon,
    CommaOrEnd,
}

/// What is under way.
#[derive(Debug)]
enum Token {
    None,
    Text { is_key: bool, is_escaped: bool },
    Word(Vec<u8>),
}

/// The state of the check.
#[derive(Debug)]
pub(super) struct Check {
    /// Brackets that are open.
    open: Vec<u8>,
    expects: Expects,
    token: Token,
    at: u64,
}

impl Check {
    /// At the start of a stream.
    pub(super) fn new() -> Self {
        Self { open: Vec::new(), expects: Expects::Value, token: Token::None, at: 0 }
    }

    /// Offset of the next byte.
    pub(super) fn offset(&self) -> u64 {
        self.at
    }

    /// Whether the stream is inside a string.
    pub(super) fn is_in_text(&self) -> bool {
        matches!(self.token, Token::Text { .. })
    }

    /// Takes the next byte; false when it cannot stand there.
    pub(super) fn push(&mut self, byte: u8) -> bool {
        let at = self.at;
        self.at += 1;
        match &mut self.token {
            Token::Text { is_key, is_escaped } => {
                let is_key = *is_key;
                let is_end = byte == b'"' && !*is_escaped;
                *is_escaped = byte == b'\\' && !*is_escaped;
                if is_end {
                    self.token = Token::None;
                    if is_key { self.expects = Expects::Colon } else { self.end_value() }
                }
                byte >= b' '
            }
            Token::Word(word) if is_word(byte) => {
                if word.len() <= WORD_MAX {
                    word.push(byte);
                }
                true
            }
            Token::Word(word) => {
                let is_whole = is_value(word);
                self.token = Token::None;
                self.end_value();
                is_whole && self.between(byte)
            }
            // A mark of byte order, which some writers put in front.
            Token::None if at < 3 && byte == b"\xef\xbb\xbf"[at as usize] => true,
            Token::None => self.between(byte),
        }
    }

    /// Ends the stream; false when something is open.
    pub(super) fn finish(&self) -> bool {
        let is_whole = match &self.token {
            Token::None => true,
            Token::Word(word) => is_value(word),
            Token::Text { .. } => false,
        };
        is_whole && self.open.is_empty()
    }

    fn between(&mut self, byte: u8) -> bool {
        use Expects::{Colon, CommaOrEnd, Key, KeyOrEnd, Value, ValueOrEnd};
        match (byte, self.expects) {
            (b' ' | b'\t' | b'\r' | b'\n', _) => {}
            (b'{' | b'[', Value | ValueOrEnd) if self.open.len() < DEPTH_MAX => {
                self.open.push(byte);
                self.expects = if byte == b'{' { KeyOrEnd } else { ValueOrEnd };
            }
            (b'"', Value | ValueOrEnd) => self.token = Token::Text { is_key: false, is_escaped: false },
            (b'"', Key | KeyOrEnd) => self.token = Token::Text { is_key: true, is_escaped: false },
            (b':', Colon) => self.expects = Value,
            (b',', CommaOrEnd) => self.expects = if self.open.last() == Some(&b'{') { Key } else { Value },
            (b'}', KeyOrEnd | CommaOrEnd) if self.open.last() == Some(&b'{') => self.close(),
            (b']', ValueOrEnd | CommaOrEnd) if self.open.last() == Some(&b'[') => self.close(),
            (_, Value | ValueOrEnd) if is_word(byte) => self.token = Token::Word(vec![byte]),
            _ => return false,
        }
        true
    }

    fn close(&mut self) {
        self.open.pop();
        self.end_value();
    }

    fn end_value(&mut self) {
        self.expects = if self.open.is_empty() { Expects::Value } else { Expects::CommaOrEnd };
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)
}

/// Whether a word is a number, or one of the three that have a name.
fn is_value(word: &[u8]) -> bool {
    word.len() > WORD_MAX || serde_json::from_slice::<serde::de::IgnoredAny>(word).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Offset of the first byte that cannot stand there, the length when something is open, nothing when all is well.
    fn broken_at(text: &str) -> Option<usize> {
        let mut check = Check::new();
        let at = text.bytes().position(|byte| !check.push(byte));
        at.or_else(|| (!check.finish()).then_some(text.len()))
    }

    #[test]
    fn what_is_broken_is_told_with_its_place() {
        let rows = [
            (r#"{"a": [1, -2.5e3, true, null, "x\"y"], "b": {}}"#, None),
            ("{\"a\": 1}\n{\"b\": []}\n", None),
            ("\u{feff}[]", None),
            ("", None),
            ("{a: 1}", Some(1)),
            (r#"{"a": 1,}"#, Some(8)),
            (r#"{"a": 1"#, Some(7)),
            (r#"{"a" 1}"#, Some(5)),
            ("[1 2]", Some(3)),
            ("[tru]", Some(4)),
            ("[\"line\nbreak\"]", Some(6)),
            ("[1]]", Some(3)),
        ];
        for (text, expected) in rows {
            assert_eq!(broken_at(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_reader_of_json(text in r#"[\[\]{}:,"a1\\ ]{0,12}"#) {
            let read = serde_json::Deserializer::from_str(&text).into_iter::<serde::de::IgnoredAny>();
            // Documents behind each other need no space here, and escapes are not looked into.
            if read.into_iter().all(|document| document.is_ok()) {
                prop_assert_eq!(broken_at(&text), None);
            } else if !text.contains('\\') && !text.contains('a') && !text.contains('1') {
                prop_assert!(broken_at(&text).is_some(), "{}", text);
            }
        }
    }
}
