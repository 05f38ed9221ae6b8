//! JSON and NDJSON as a stream of fields, without a tree.
//!
//! The reader is as forgiving as the most forgiving receiver is likely to be: any number of documents, separators that
//! are missing or doubled, bytes that are no UTF-8. What it does not accept (bare words, comments, a key without a
//! value) makes the body damaged, and its raw bytes are scanned.

mod text;
mod tokens;

use super::BodyLimits;
use super::fields::{Field, Fields, FieldsEnd, LABEL_BYTES_MAX, PATH_BYTES_MAX};
use data_encoding::BASE64;
use std::io::BufRead;
use tokens::{Token, Tokens};

/// Opens the fields of JSON text.
pub(super) fn open<'b>(input: Box<dyn BufRead + 'b>, limits: &'b BodyLimits) -> Box<dyn Fields + 'b> {
    Box::new(JsonFields {
        tokens: Tokens::new(input, limits.held_value_bytes_max),
        limits,
        path: Vec::new(),
        documents: 0,
        tokens_read: 0,
        open_string: None,
        spelled: Spelled::No,
    })
}

/// Whether bytes are JSON from end to end, within bounds.
pub(super) fn is_json(text: &[u8], limits: &BodyLimits) -> bool {
    let mut fields = open(Box::new(text), limits);
    loop {
        match fields.next_field() {
            Ok(Some(_)) => {}
            Ok(None) => return true,
            Err(_) => return false,
        }
    }
}

/// Whether the first bytes of a body, without leading space, start like a JSON document.
pub(super) fn looks_like_json(text: &[u8]) -> bool {
    let Some((&first, rest)) = text.split_first() else { return false };
    let second = rest.trim_ascii_start().first();
    match first {
        b'{' => matches!(second, Some(b'"' | b'}')),
        b'[' => matches!(second, Some(b'"' | b'{' | b'[' | b']' | b'-' | b'0'..=b'9')),
        _ => false,
    }
}

/// How content begins that is more than its text: archives and documents, gzip, PDF, older documents of Office, xz, 7z,
/// bzip2, zstd, XML, HTML, RTF.
const CONTENT_STARTS: [&[u8]; 11] = [
    b"PK\x03\x04",
    b"\x1f\x8b",
    b"%PDF",
    b"\xd0\xcf\x11\xe0",
    b"\xfd7zXZ",
    b"7z\xbc\xaf",
    b"BZh",
    b"\x28\xb5\x2f\xfd",
    b"<?xml",
    b"<!DOCTYPE",
    b"{\\rtf",
];
/// Elements of an array, or members of an object, from which on they are taken for bytes or letters: the length of the
/// shortest value that is found with certainty.
const SPELLED_MIN: usize = 9;
/// Numbers from which on they are bytes whatever characters they are. Fewer are a row of a table, in which numbers from 32
/// to 126 are common, unless the characters are those of which names and numbers consist.
const TEXT_MIN: usize = 24;
/// Longest letter, in UTF-8.
const LETTER_BYTES_MAX: usize = 4;

/// An array or object that spells a text, as numbers of bytes (`[80, 108, …]`, and `{"0": 80, "1": 108, …}`, which is how
/// browsers write binary content) or as letters.
#[derive(Default)]
enum Spelled {
    /// It holds something else, or there is none.
    #[default]
    No,
    Bytes(Vec<u8>),
    Letters(Vec<u8>, usize),
}

impl Spelled {
    fn number(&mut self, digits: &[u8]) {
        let byte = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
        match (self, byte) {
            (Self::Bytes(bytes), Some(byte)) => bytes.push(byte),
            (this, _) => *this = Self::No,
        }
    }

    fn string(&mut self, text: &[u8]) {
        match self {
            Self::Bytes(bytes) if bytes.is_empty() && text.len() <= LETTER_BYTES_MAX => {
                *self = Self::Letters(text.to_vec(), 1);
            }
            Self::Letters(letters, count) if text.len() <= LETTER_BYTES_MAX => {
                letters.extend_from_slice(text);
                *count += 1;
            }
            _ => *self = Self::No,
        }
    }

    /// The value that is spelled. Bytes of content are given in the form in which values hold documents, and text as it is:
    /// it may be rows of a table, of which there are more than documents in one body. Other numbers are numbers.
    fn value(self) -> Option<Vec<u8>> {
        match self {
            Self::Bytes(bytes) if bytes.len() < SPELLED_MIN => None,
            Self::Bytes(bytes) if is_content(&bytes) => {
                Some(["data:;base64,", &BASE64.encode(&bytes)].concat().into_bytes())
            }
            Self::Bytes(bytes) if is_text(&bytes) => Some(bytes),
            Self::Letters(letters, count) if count >= SPELLED_MIN => Some(letters),
            _ => None,
        }
    }
}

fn is_content(bytes: &[u8]) -> bool {
    CONTENT_STARTS.iter().any(|start| bytes.starts_with(start))
}

fn is_text(bytes: &[u8]) -> bool {
    let is_long = bytes.len() >= TEXT_MIN;
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '+' | '-' | '.' | '/' | ':' | '=' | '@' | '_');
    let is_character = |c: char| if is_long { !c.is_control() || matches!(c, '\t' | '\r' | '\n') } else { is_part(c) };
    std::str::from_utf8(bytes).is_ok_and(|text| text.chars().all(is_character))
}

/// A step of the path to the current value.
enum Step {
    /// In an object: the key, and whether the value behind it is still to come.
    Object { key: String, awaits_value: bool },
    /// In an array: index of the current or next element.
    Array { index: u64 },
}

struct JsonFields<'b> {
    tokens: Tokens<'b>,
    limits: &'b BodyLimits,
    path: Vec<Step>,
    documents: u64,
    tokens_read: u64,
    /// Path and label of a string whose rest follows in pieces, and whether a piece was given already.
    open_string: Option<(String, String)>,
    /// What the innermost array or object spells so far.
    spelled: Spelled,
}

impl JsonFields<'_> {
    fn next_token(&mut self) -> Result<Option<Token>, FieldsEnd> {
        self.tokens_read += 1;
        if self.tokens_read > self.limits.json_tokens_max {
            return Err(FieldsEnd::Limit("json_tokens_max", self.limits.json_tokens_max));
        }
        self.tokens.next_token()
    }

    /// The JSON pointer (RFC 6901) of the current value; documents behind the first are numbered.
    fn pointer(&self) -> String {
        let mut pointer = if self.documents > 0 { format!("#{}", self.documents + 1) } else { String::new() };
        for step in &self.path {
            if pointer.len() > PATH_BYTES_MAX {
                break;
            }
            pointer.push('/');
            match step {
                Step::Object { key, .. } => pointer.push_str(&key.replace('~', "~0").replace('/', "~1")),
                Step::Array { index } => pointer.push_str(&index.to_string()),
            }
        }
        pointer
    }

    fn label(&self) -> String {
        let key = self.path.iter().rev().find_map(|step| match step {
            Step::Object { key, .. } => Some(key.clone()),
            Step::Array { .. } => None,
        });
        key.unwrap_or_default()
    }

    fn field(&self, value: Vec<u8>, is_text: bool) -> Field {
        Field { path: self.pointer(), label: self.label(), value, is_first: true, is_last: true, is_text }
    }

    fn awaits_key(&self) -> bool {
        matches!(self.path.last(), Some(Step::Object { awaits_value: false, .. }))
    }

    /// Moves on behind a value.
    fn close_value(&mut self) {
        match self.path.last_mut() {
            Some(Step::Object { awaits_value, .. }) => *awaits_value = false,
            Some(Step::Array { index }) => *index += 1,
            None => self.documents += 1,
        }
    }

    fn enter(&mut self, step: Step) -> Result<Option<Field>, FieldsEnd> {
        if self.awaits_key() {
            return Err(FieldsEnd::Damaged);
        }
        // A key in front of a container has no value on its line, but may itself be what is looked for.
        let is_keyed = matches!(self.path.last(), Some(Step::Object { .. }));
        let field = if is_keyed { Some(self.field(Vec::new(), false)) } else { None };
        self.path.push(step);
        if self.path.len() > self.limits.json_depth_max {
            return Err(FieldsEnd::Limit("json_depth_max", self.limits.json_depth_max as u64));
        }
        Ok(field)
    }

    fn leave(&mut self, is_object: bool) -> Result<(), FieldsEnd> {
        match self.path.pop() {
            Some(Step::Object { awaits_value: false, .. }) if is_object => {}
            Some(Step::Array { .. }) if !is_object => {}
            _ => return Err(FieldsEnd::Damaged),
        }
        self.close_value();
        Ok(())
    }

    fn string(&mut self, piece: Vec<u8>, is_last: bool) -> Result<Option<Field>, FieldsEnd> {
        if self.awaits_key() {
            return self.key(piece, is_last);
        }
        let mut field = self.field(piece, true);
        field.is_last = is_last;
        if is_last {
            self.close_value();
        } else {
            self.open_string = Some((field.path.clone(), field.label.clone()));
        }
        Ok(Some(field))
    }

    /// A key. One that is longer than what is held makes the document damaged, so it is scanned raw; one that is longer
    /// than what is shown is a field of its own, so that all of it is scanned and paths stay short.
    fn key(&mut self, piece: Vec<u8>, is_last: bool) -> Result<Option<Field>, FieldsEnd> {
        if !is_last || !self.tokens.skip_colon()? {
            return Err(FieldsEnd::Damaged);
        }
        let whole = String::from_utf8_lossy(&piece);
        let shown = whole[..whole.floor_char_boundary(LABEL_BYTES_MAX)].to_owned();
        if let Some(Step::Object { key, awaits_value }) = self.path.last_mut() {
            *key = shown;
            *awaits_value = true;
        }
        let is_long = piece.len() > LABEL_BYTES_MAX;
        Ok(is_long.then(|| Field { label: String::new(), ..self.field(piece, false) }))
    }

    fn next_piece(&mut self, (path, label): (String, String)) -> Result<Option<Field>, FieldsEnd> {
        let (value, is_last) = self.tokens.next_piece()?;
        if is_last {
            self.close_value();
        } else {
            self.open_string = Some((path.clone(), label.clone()));
        }
        Ok(Some(Field { path, label, value, is_first: false, is_last, is_text: true }))
    }

    /// Takes note of what an array or object spells; gives it at its end.
    fn spell(&mut self, token: &Token) -> Option<Vec<u8>> {
        match token {
            Token::ArrayStart | Token::ObjectStart => self.spelled = Spelled::Bytes(Vec::new()),
            Token::String { .. } if self.awaits_key() => {}
            Token::Number(digits) => self.spelled.number(digits),
            Token::String { piece, is_last: true } => self.spelled.string(piece),
            Token::ArrayEnd | Token::ObjectEnd => return std::mem::take(&mut self.spelled).value(),
            _ => self.spelled = Spelled::No,
        }
        None
    }

    /// A value of the array or object as a whole.
    fn field_of_all(&mut self, value: Vec<u8>) -> Field {
        let step = self.path.pop();
        let field = self.field(value, true);
        self.path.extend(step);
        field
    }

    /// What one token gives; `Ok(None)` asks for the next.
    fn accept(&mut self, token: Token) -> Result<Option<Field>, FieldsEnd> {
        let spelled = self.spell(&token);
        match token {
            Token::ObjectStart => self.enter(Step::Object { key: String::new(), awaits_value: false }),
            Token::ArrayStart => self.enter(Step::Array { index: 0 }),
            Token::ObjectEnd | Token::ArrayEnd => {
                let field = spelled.map(|value| self.field_of_all(value));
                self.leave(token == Token::ObjectEnd).map(|()| field)
            }
            Token::String { piece, is_last } => self.string(piece, is_last),
            Token::Number(_) | Token::Word if self.awaits_key() => Err(FieldsEnd::Damaged),
            Token::Number(digits) => {
                let field = self.field(digits, false);
                self.close_value();
                Ok(Some(field))
            }
            Token::Word => {
                let field = self.field(Vec::new(), false);
                self.close_value();
                Ok(Some(field))
            }
        }
    }
}

impl Fields for JsonFields<'_> {
    fn next_field(&mut self) -> Result<Option<Field>, FieldsEnd> {
        if let Some(open) = self.open_string.take() {
            return self.next_piece(open);
        }
        loop {
            match self.next_token()? {
                Some(token) => {
                    if let Some(field) = self.accept(token)? {
                        return Ok(Some(field));
                    }
                }
                None if self.path.is_empty() => return Ok(None),
                None => return Err(FieldsEnd::Damaged),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::{BufReader, Read};

    /// Reads one byte at a time, so that every token crosses a buffer edge.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let len = self.0.len().min(1).min(buffer.len());
            buffer[..len].copy_from_slice(&self.0[..len]);
            self.0 = &self.0[len..];
            Ok(len)
        }
    }

    fn read(text: &[u8], limits: &BodyLimits) -> (Vec<(String, String)>, String) {
        collect(open(Box::new(BufReader::with_capacity(1, Slow(text))), limits))
    }

    fn collect(mut fields: Box<dyn Fields + '_>) -> (Vec<(String, String)>, String) {
        let mut found = Vec::new();
        loop {
            match fields.next_field() {
                Ok(Some(field)) => found.push((field.path, String::from_utf8_lossy(&field.value).into_owned())),
                Ok(None) => return (found, "complete".to_owned()),
                Err(FieldsEnd::Limit(name, _)) => return (found, name.to_owned()),
                Err(_) => return (found, "damaged".to_owned()),
            }
        }
    }

    /// The elements that twelve tokens leave room for, the bracket counted.
    const ELEMENTS: [(&str, &str); 11] = [
        ("/0", "0"),
        ("/1", "1"),
        ("/2", "2"),
        ("/3", "3"),
        ("/4", "4"),
        ("/5", "5"),
        ("/6", "6"),
        ("/7", "7"),
        ("/8", "8"),
        ("/9", "9"),
        ("/10", "10"),
    ];

    fn check(text: &str, expected: &[(&str, &str)], end: &str) {
        let (found, ended) =
            read(text.as_bytes(), &BodyLimits { json_depth_max: 4, json_tokens_max: 12, ..BodyLimits::default() });
        let found: Vec<_> = found.iter().map(|(path, value)| (path.as_str(), value.as_str())).collect();
        assert_eq!(found, expected, "{text}");
        assert_eq!(ended, end, "{text}");
    }

    #[test]
    fn documents_become_fields_with_pointers() {
        check("[0,1,2,3,4,5,6,7,8,9,10,11]", &ELEMENTS, "json_tokens_max");
        check(r#"{"a":"x","b":[1,"y"]}"#, &[("/a", "x"), ("/b", ""), ("/b/0", "1"), ("/b/1", "y")], "complete");
        let spelled = |text: &str| {
            let (fields, end) = read(text.as_bytes(), &BodyLimits::default());
            assert_eq!(end, "complete");
            fields.into_iter().filter(|(path, _)| path == "/a").map(|(_, value)| value).collect::<Vec<_>>()
        };
        let text = "the minutes of the meeting";
        let bytes = format!("{{\"a\":{:?}}}", text.as_bytes());
        assert_eq!(spelled(&bytes), ["", text]);
        let archive = b"PK\x03\x04 and so on";
        let bytes = format!("{{\"a\":{archive:?}}}");
        assert_eq!(spelled(&bytes), [String::new(), format!("data:;base64,{}", BASE64.encode(archive))]);
        assert_eq!(spelled(&format!("{{\"a\":{:?}}}", b"44051401458")), ["", "44051401458"]);
        let letters = format!("{{\"a\":{:?}}}", text.chars().map(String::from).collect::<Vec<_>>());
        assert_eq!(spelled(&letters), ["", text]);
        for other in [vec![300; 30], vec![1; 30], vec![65; 8], (36..60).take(23).collect()] {
            assert_eq!(spelled(&format!("{{\"a\":{other:?}}}")), [""], "{other:?}");
        }
        // The members of an object, whatever they are called.
        let members: String = text.bytes().enumerate().map(|(at, byte)| format!(r#","{at}":{byte}"#)).collect();
        assert_eq!(spelled(&format!(r#"{{"a":{{{}}}}}"#, &members[1..])), ["", text]);
        let members: String = text.chars().map(|c| format!(r#","key {c}":"{c}""#)).collect();
        assert_eq!(spelled(&format!(r#"{{"a":{{{}}}}}"#, &members[1..])), ["", text]);
        let other = r#"{"a":{"b":"1","c":"2","d":{},"e":"4","f":"5","g":"6","h":"7","i":"8","j":"9","k":"10"}}"#;
        assert_eq!(spelled(other), [""]);
        check(r#"{"a/b":{"m~n":-1.5e3}}"#, &[("/a~1b", ""), ("/a~1b/m~0n", "-1.5e3")], "complete");
        check("\u{feff} \"x\"", &[("", "x")], "complete");
        check("{\"a\":1}\n{\"a\":2}\n", &[("/a", "1"), ("#2/a", "2")], "complete");
        check("", &[], "complete");
        check("[]", &[], "complete");
        check("[1,,2,]", &[("/0", "1"), ("/1", "2")], "complete");
        check(r#"{"a":tru}"#, &[], "damaged");
        check(r#"{"a" 1}"#, &[], "damaged");
        check(r#"{1:2}"#, &[], "damaged");
        check(r#"["a""#, &[("/0", "a")], "damaged");
        check(r#"["a"#, &[("/0", "a")], "damaged");
        check("[1}", &[("/0", "1")], "damaged");
        check(r#"{"a":}"#, &[], "damaged");
        check("]", &[], "damaged");
        check("// c", &[], "damaged");
        check("[[[[[1]]]]]", &[], "json_depth_max");
    }

    #[test]
    fn strings_are_unescaped() {
        check(r#"["a\"\\\/\b\f\n\r\tz"]"#, &[("/0", "a\"\\/\u{8}\u{c}\n\r\tz")], "complete");
        check(r#"["\u0041\u00df\u20AC\ud83d\ude00"]"#, &[("/0", "Aß€😀")], "complete");
        check(r#"["\ud83dx\udc00"]"#, &[("/0", "\u{fffd}x\u{fffd}")], "complete");
        check(r#"["\ud83d\u0041"]"#, &[("/0", "\u{fffd}A")], "complete");
        check(r#"["\q"]"#, &[("/0", "")], "damaged");
        check(r#"["\u12g4"]"#, &[("/0", "")], "damaged");
    }

    #[test]
    fn long_keys_are_fields_and_paths_stay_short() {
        let limits = BodyLimits::default();
        let key = "k".repeat(1_000);
        let (found, end) = read(format!(r#"{{"{key}":{{"a":1}}}}"#).as_bytes(), &limits);
        assert_eq!(end, "complete");
        assert_eq!(found[0].1, key);
        assert!(found.iter().all(|(path, _)| path.len() <= LABEL_BYTES_MAX + 3));
        let deep = format!("{}1{}", format!(r#"{{"{}":"#, "k".repeat(200)).repeat(100), "}".repeat(100));
        let (found, _) = read(deep.as_bytes(), &limits);
        assert!(found.iter().all(|(path, _)| path.len() <= PATH_BYTES_MAX + LABEL_BYTES_MAX + 2));
    }

    #[test]
    fn long_strings_come_in_pieces() {
        let limits = BodyLimits { held_value_bytes_max: 4, ..BodyLimits::default() };
        let mut fields = open(Box::new(&b"[\"0123456789\",\"x\"]"[..]), &limits);
        let mut pieces = Vec::new();
        while let Ok(Some(field)) = fields.next_field() {
            pieces.push((field.path, String::from_utf8(field.value).unwrap(), field.is_first, field.is_last));
        }
        let row = |path: &str, text: &str, first, last| (path.to_owned(), text.to_owned(), first, last);
        assert_eq!(
            pieces,
            [
                row("/0", "0123", true, false),
                row("/0", "4567", false, false),
                row("/0", "89", false, true),
                row("/1", "x", true, true)
            ]
        );
    }

    proptest! {
        #[test]
        fn every_value_that_serde_writes_is_read_back(strings in proptest::collection::vec(".{0,20}", 0..8), pretty: bool) {
            let value = serde_json::json!({ "list": strings });
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
            let limits = BodyLimits::default();
            let (found, end) = read(text.as_bytes(), &limits);
            prop_assert_eq!(end, "complete");
            let values: Vec<String> = found.into_iter().skip(1).map(|(_, value)| value).collect();
            prop_assert_eq!(values, strings);
        }

        #[test]
        fn chunking_changes_nothing_and_bytes_never_panic(text in proptest::collection::vec(proptest::sample::select(b"{}[],:\"\\u01nae \xff".to_vec()), 0..60)) {
            let limits = BodyLimits::default();
            prop_assert_eq!(read(&text, &limits), collect(open(Box::new(text.as_slice()), &limits)));
        }
    }
}
