//! RTF: running text with its bytes, and everything that stands beside it.
//!
//! No destination is dropped: what no rule knows is handed out as data. Characters are decoded in the set of their
//! font, embedded objects and pictures are walked as children. Groups are kept on a stack of their own, so nesting
//! costs no recursion; broken nesting is normal and read on.

mod destination;
mod tokens;

use super::ole;
use super::walk::{Step, Walk};
use super::xml::side::Side;
use super::{Input, Join, Origin, Part, Place, Relation, Role, Segment};
use crate::base::{Problem, RTF_GROUPS_MAX};
use crate::text::{Charset, MapRun, Transcoded};
use destination::Destination;
use std::collections::HashMap;
use tokens::{Token, Tokens};

/// Fonts whose character sets are kept.
const FONTS_MAX: usize = 10_000;
/// Longest honest fallback for one character; longer ones hide text.
const FALLBACK_CHARS: usize = 4;
/// Running text that is collected before it is handed out.
const PIECE_BYTES: usize = 64 * 1024;

/// Walks a document.
pub(super) fn walk(walk: &mut Walk<'_>, input: Input<'_>) -> Step {
    walk.with_held(input, |walk, bytes| {
        let mut document = Document::new();
        let mut tokens = Tokens::new(bytes);
        while let Some((at, token)) = tokens.next() {
            document.take(walk, at, token)?;
            if document.is_over {
                break;
            }
        }
        document.finish(walk)?;
        let rest = &bytes[tokens.position()..];
        if rest.iter().all(|byte| byte.is_ascii_whitespace() || *byte == 0) {
            return Ok(());
        }
        walk.child("", Relation::Gap, Input::Bytes(rest))
    })
}

/// What a group changes and gives back at its end.
#[derive(Clone, Copy)]
struct Group {
    destination: Destination,
    font: Option<i32>,
    /// Characters that follow a `\u` for readers that do not know it.
    fallback_chars: u32,
    is_hidden: bool,
    is_deleted: bool,
    /// Whether this group opened its destination.
    is_opener: bool,
}

struct Document {
    group: Group,
    outer: Vec<Group>,
    /// Groups beyond the bound that are open.
    too_deep: u64,
    /// The document's last brace was closed.
    is_over: bool,
    is_starred: bool,
    default_charset: Charset,
    default_font: Option<i32>,
    fonts: HashMap<i32, Charset>,
    /// Bytes of characters that wait for the rest of them, and where they stand.
    pending: Vec<u8>,
    pending_at: u64,
    /// Characters still to be passed over behind a `\u`.
    to_skip: u32,
    high_surrogate: Option<u16>,
    main: Transcoded,
    side: Side,
    /// Bytes of the object or picture that is open, and the half of the next one.
    object: Vec<u8>,
    half: Option<u8>,
}

impl Document {
    fn new() -> Self {
        let group = Group {
            destination: Destination::Main,
            font: None,
            fallback_chars: 1,
            is_hidden: false,
            is_deleted: false,
            is_opener: false,
        };
        Self {
            group,
            outer: Vec::new(),
            too_deep: 0,
            is_over: false,
            is_starred: false,
            default_charset: windows_1252(),
            default_font: None,
            fonts: HashMap::new(),
            pending: Vec::new(),
            pending_at: 0,
            to_skip: 0,
            high_surrogate: None,
            main: Transcoded::default(),
            side: Side::default(),
            object: Vec::new(),
            half: None,
        }
    }

    fn take(&mut self, walk: &mut Walk<'_>, at: usize, token: Token<'_>) -> Step {
        let at = at as u64;
        match token {
            Token::Open => {
                self.end_character();
                self.open(walk);
            }
            Token::Close => {
                self.end_character();
                self.close(walk)?;
            }
            Token::Word(word, number) => {
                self.end_character();
                self.word(walk, at, word, number)?;
            }
            Token::Symbol(symbol) => {
                self.end_character();
                self.symbol(at, symbol);
            }
            Token::Hex(byte) if self.to_skip == 0 => self.encoded(at, byte),
            Token::Hex(_) => self.to_skip -= 1,
            Token::Binary(bytes) => self.binary(walk, at, bytes)?,
            Token::Text(bytes) => self.text(at, bytes),
        }
        self.hand_out(walk)
    }

    fn finish(&mut self, walk: &mut Walk<'_>) -> Step {
        self.end_character();
        if !self.object.is_empty() {
            self.end_object(walk)?;
        }
        self.hand_out_main(walk)?;
        self.side.flush(walk, "", Place::None)
    }

    fn open(&mut self, walk: &mut Walk<'_>) {
        (self.to_skip, self.is_starred) = (0, false);
        if self.outer.len() < RTF_GROUPS_MAX {
            self.outer.push(self.group);
            self.group.is_opener = false;
            return;
        }
        if self.too_deep == 0 {
            let message = "groups nest deeper than the bound; they were read like the one around them";
            walk.problem(Problem::limit("rtf_groups_max", RTF_GROUPS_MAX as u64, message));
        }
        self.too_deep += 1;
    }

    fn close(&mut self, walk: &mut Walk<'_>) -> Step {
        (self.to_skip, self.is_starred) = (0, false);
        if self.too_deep > 0 {
            self.too_deep -= 1;
            return Ok(());
        }
        if self.group.is_opener {
            match self.group.destination {
                Destination::Bytes => self.end_object(walk)?,
                Destination::Beside(role) => self.side.push(role, " "),
                _ => {}
            }
        }
        if let Some(outer) = self.outer.pop() {
            self.group = outer;
        }
        self.is_over = self.outer.is_empty();
        Ok(())
    }

    fn word(&mut self, walk: &mut Walk<'_>, at: u64, word: &str, number: Option<i32>) -> Step {
        let is_starred = std::mem::take(&mut self.is_starred);
        if let Some(text) = destination::character(word) {
            match self.to_skip {
                0 => self.known(at, word.len() + 1, text),
                _ => self.to_skip -= 1,
            }
            return Ok(());
        }
        // Any other word is no fallback for a character, so it is obeyed.
        self.to_skip = 0;
        if let Some(destination) = destination::of(word, is_starred) {
            self.enter(walk, destination)?;
            return Ok(());
        }
        let is_on = number != Some(0);
        match (word, number) {
            ("u", Some(code)) => self.unicode(at, code),
            ("uc", Some(chars)) => self.group.fallback_chars = u32::try_from(chars).unwrap_or(0).min(64),
            ("f", Some(font)) => self.group.font = Some(font),
            ("plain", _) => (self.group.font, self.group.is_hidden) = (None, false),
            ("deff", font) => self.default_font = font,
            ("ansicpg", Some(page)) => self.set_default(u32::try_from(page).ok().and_then(Charset::from_code_page)),
            ("mac", _) => self.set_default(Charset::from_code_page(10_000)),
            ("pc", _) => self.set_default(Charset::from_code_page(437)),
            ("pca", _) => self.set_default(Charset::from_code_page(850)),
            ("fcharset", Some(set)) => self.set_font(destination::code_page(set)),
            ("cpg", Some(page)) => self.set_font(u32::try_from(page).ok()),
            ("v" | "webhidden" | "spv", _) => self.group.is_hidden = is_on,
            ("deleted", _) => self.group.is_deleted = is_on,
            _ => {}
        }
        Ok(())
    }

    fn set_default(&mut self, charset: Option<Charset>) {
        if let Some(charset) = charset {
            self.default_charset = charset;
        }
    }

    /// The set of the font that the table is at.
    fn set_font(&mut self, page: Option<u32>) {
        let charset = page.and_then(Charset::from_code_page);
        if let (Some(font), Some(charset)) = (self.group.font, charset)
            && self.fonts.len() < FONTS_MAX
        {
            self.fonts.insert(font, charset);
        }
    }

    /// The destination of this group from here on.
    fn enter(&mut self, walk: &mut Walk<'_>, destination: Destination) -> Step {
        if destination == Destination::Bytes && !self.object.is_empty() {
            self.end_object(walk)?;
        }
        (self.group.destination, self.group.is_opener) = (destination, true);
        match destination {
            Destination::Beside(role) => self.side.open(role),
            Destination::Property(name) => {
                self.side.open(Role::Property);
                if !name.is_empty() {
                    self.side.push(Role::Property, &format!("{name}: "));
                }
            }
            Destination::Value => self.side.push(Role::Property, ": "),
            Destination::Main | Destination::Fonts | Destination::Bytes => {}
        }
        Ok(())
    }

    fn symbol(&mut self, at: u64, symbol: u8) {
        if self.to_skip > 0 {
            self.to_skip -= 1;
            return;
        }
        match symbol {
            b'*' => self.is_starred = true,
            b'{' | b'}' | b'\\' => self.known(at, 2, char::from(symbol).encode_utf8(&mut [0; 4])),
            b'~' => self.known(at, 2, " "),
            b'_' => self.known(at, 2, "-"),
            b'\r' | b'\n' => self.known(at, 2, "\n"),
            b'\t' => self.known(at, 2, "\t"),
            // An optional hyphen, and marks of indexes.
            _ => {}
        }
    }

    /// Text of ASCII and older sets.
    fn text(&mut self, at: u64, bytes: &[u8]) {
        let skipped = bytes.len().min(self.to_skip as usize);
        self.to_skip -= skipped as u32;
        self.is_starred = false;
        if skipped > FALLBACK_CHARS {
            self.side.add(Role::Hidden, &String::from_utf8_lossy(&bytes[..skipped]));
        }
        let (mut at, mut bytes) = (at + skipped as u64, &bytes[skipped..]);
        if self.group.destination == Destination::Bytes {
            return self.hex(bytes);
        }
        while let Some((first, rest)) = bytes.split_first() {
            if !first.is_ascii() || self.is_cut() {
                self.encoded(at, *first);
                (at, bytes) = (at + 1, rest);
                continue;
            }
            self.end_character();
            let len = bytes.iter().take_while(|byte| byte.is_ascii()).count();
            self.ascii(at, &bytes[..len]);
            (at, bytes) = (at + len as u64, &bytes[len..]);
        }
    }

    fn ascii(&mut self, at: u64, bytes: &[u8]) {
        if self.is_main() && bytes.iter().all(|byte| *byte >= b' ') {
            return self.main.push_ascii(bytes, at, 1);
        }
        for (index, byte) in bytes.iter().enumerate().filter(|(_, byte)| **byte >= b' ' || **byte == b'\t') {
            self.push(at + index as u64, 1, char::from(*byte));
        }
    }

    /// One byte of a character in the set of the font.
    fn encoded(&mut self, at: u64, byte: u8) {
        if self.group.destination == Destination::Bytes {
            return;
        }
        if self.pending.is_empty() {
            self.pending_at = at;
        }
        self.pending.push(byte);
        if self.pending.len() > 64 || !matches!(self.charset(), Charset::Multi(_)) {
            self.end_character();
        }
    }

    /// Whether a character of several bytes waits for its second one.
    fn is_cut(&self) -> bool {
        if self.pending.is_empty() {
            return false;
        }
        match self.charset() {
            Charset::Multi(encoding) => encoding.decode_without_bom_handling(&self.pending).1,
            _ => false,
        }
    }

    /// Decodes the bytes that wait. They share the place of the first.
    fn end_character(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        let pending = std::mem::take(&mut self.pending);
        let (text, at) = (self.charset().decode(&pending), self.pending_at);
        for c in text.chars().filter(|c| !c.is_control()) {
            self.push(at, 0, c);
        }
    }

    fn charset(&self) -> &Charset {
        let font = self.group.font.or(self.default_font);
        font.and_then(|font| self.fonts.get(&font)).unwrap_or(&self.default_charset)
    }

    fn unicode(&mut self, at: u64, code: i32) {
        self.to_skip = self.group.fallback_chars;
        // Numbers above 32,767 are written as negative ones.
        let Ok(unit) = u16::try_from(if code < 0 { code + 65_536 } else { code }) else {
            if let Some(c) = u32::try_from(code).ok().and_then(char::from_u32) {
                self.push(at, 0, c);
            }
            return;
        };
        match (self.high_surrogate.take(), unit) {
            (_, 0xD800..=0xDBFF) => self.high_surrogate = Some(unit),
            (high, unit) => {
                let units = high.into_iter().chain([unit]);
                for c in char::decode_utf16(units).flatten().filter(|c| !c.is_control()) {
                    // Symbol fonts sit in a private area whose lower byte is the character.
                    let c = match c {
                        '\u{F020}'..='\u{F07E}' => char::from((u32::from(c) & 0x7F) as u8),
                        c => c,
                    };
                    self.push(at, 0, c);
                }
            }
        }
    }

    /// Text that a control word or symbol stands for.
    fn known(&mut self, at: u64, len: usize, text: &str) {
        let stride = if text.len() == 1 { len.min(255) as u8 } else { 0 };
        for c in text.chars() {
            self.push(at, stride, c);
        }
    }

    fn is_main(&self) -> bool {
        self.group.destination == Destination::Main && !self.group.is_hidden && !self.group.is_deleted
    }

    /// One character to where the group wants it.
    fn push(&mut self, at: u64, len: u8, c: char) {
        let mut buffer = [0; 4];
        let text = &*c.encode_utf8(&mut buffer);
        match self.group.destination {
            Destination::Main if self.group.is_hidden => self.side.push(Role::Hidden, text),
            Destination::Main if self.group.is_deleted => self.side.push(Role::Deleted, text),
            Destination::Main => {
                self.main.push(c, at, len);
                if c == '\n' {
                    self.side.end_paragraph();
                }
            }
            Destination::Beside(role) => self.side.push(role, text),
            Destination::Property(_) | Destination::Value => self.side.push(Role::Property, text),
            Destination::Fonts => self.side.push(Role::Data, text),
            Destination::Bytes => {}
        }
    }

    /// Hexadecimal digits of an object; everything else between them means nothing.
    fn hex(&mut self, bytes: &[u8]) {
        for digit in bytes.iter().filter_map(|byte| char::from(*byte).to_digit(16)) {
            match self.half.take() {
                Some(high) => self.object.push(high * 16 + digit as u8),
                None => self.half = Some(digit as u8),
            }
        }
    }

    /// Bytes that are no RTF: part of an object, or hidden in a text.
    fn binary(&mut self, walk: &mut Walk<'_>, at: u64, bytes: &[u8]) -> Step {
        self.end_character();
        if self.group.destination == Destination::Bytes {
            self.object.extend_from_slice(bytes);
            return Ok(());
        }
        if self.to_skip > 0 {
            self.to_skip -= 1;
        }
        let part = Part { role: Role::Raw, name: "bin" };
        walk.emit(&Segment { text: bytes, part, place: Place::None, join: Join::Line, origin: Origin::Bytes(at) })
    }

    /// Walks the object that is complete.
    fn end_object(&mut self, walk: &mut Walk<'_>) -> Step {
        self.half = None;
        let object = std::mem::take(&mut self.object);
        if object.is_empty() {
            return Ok(());
        }
        match ole::object(&object) {
            Some(file) => walk.child(&file.name, Relation::Embedded, Input::Bytes(file.bytes)),
            None => walk.child("object", Relation::Embedded, Input::Bytes(&object)),
        }
    }

    fn hand_out(&mut self, walk: &mut Walk<'_>) -> Step {
        if self.main.text.len() >= PIECE_BYTES {
            self.hand_out_main(walk)?;
        }
        if self.side.is_full() { self.side.flush(walk, "", Place::None) } else { Ok(()) }
    }

    fn hand_out_main(&mut self, walk: &mut Walk<'_>) -> Step {
        let len = self.main.text.len() as u64;
        let end = |run: &MapRun| run.original_start + (len - u64::from(run.text_start)) * u64::from(run.stride.max(1));
        let end = self.main.runs.last().map_or(0, end);
        self.main.end(end);
        let origin = Origin::Mapped(&self.main.runs);
        let step = walk.emit(&Segment { origin, ..Segment::body(self.main.text.as_bytes()) });
        self.main.clear();
        step
    }
}

fn windows_1252() -> Charset {
    Charset::from_encoding(encoding_rs::WINDOWS_1252)
}
