//! The encoding that an embedded font program brings along: which glyph each of its 256 codes is.
//!
//! Documents may leave the encoding to the font, and those of typesetting programs often do: their fonts number
//! ligatures and accents in ways of their own. A Type 1 program states its encoding as text in front of its encrypted
//! part; the compact form (CFF) is read by ttf-parser, which panics on nothing and is part of the engine's dependencies
//! as it is.

use super::objects;
use super::streams::unpack;
use super::tokens::{Token, Tokens};
use pdf_extract::{Dictionary, Document};
use std::collections::BTreeMap;
use ttf_parser::{RawFace, Tag, cff};

/// Bytes of a font program.
const PROGRAM_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// Tokens between the start of an encoding and its end: four for each code, and a few around them.
const TOKENS_MAX: usize = 4_096;

/// Names of glyphs by code; empty where the font brings no program or none with an encoding of its own.
pub(super) fn glyph_names(document: &Document, font: &Dictionary) -> BTreeMap<usize, Vec<u8>> {
    let Some(descriptor) = objects::dictionary(document, font, b"FontDescriptor") else { return BTreeMap::new() };
    let program = |key: &[u8]| {
        let stream = objects::stream(document, descriptor, key)?;
        unpack(document, stream, PROGRAM_BYTES_MAX).readable()
    };
    if let Some(program) = program(b"FontFile") {
        return of_type1(&program);
    }
    program(b"FontFile3").map_or_else(BTreeMap::new, |program| of_compact(&program))
}

/// The encoding of a Type 1 program: `dup 65 /A put` for each code.
fn of_type1(program: &[u8]) -> BTreeMap<usize, Vec<u8>> {
    let clear = memchr::memmem::find(program, b"eexec").map_or(program, |end| &program[..end]);
    let mut names = BTreeMap::new();
    let Some(start) = memchr::memmem::find(clear, b"/Encoding") else { return names };
    let mut code = None;
    for token in Tokens::new(&clear[start..]).take(TOKENS_MAX) {
        match token {
            Token::Word(b"def" | b"StandardEncoding") => break,
            Token::Number(number) => code = (0.0..256.0).contains(&number).then_some(number as usize),
            Token::Name(name) => {
                if let Some(code) = code.take().filter(|_| name != b".notdef") {
                    names.insert(code, name);
                }
            }
            _ => {}
        }
    }
    names
}

/// The encoding of a compact program, alone or wrapped as OpenType.
fn of_compact(program: &[u8]) -> BTreeMap<usize, Vec<u8>> {
    let wrapped = RawFace::parse(program, 0).ok().and_then(|face| face.table(Tag::from_bytes(b"CFF ")));
    let Some(table) = cff::Table::parse(wrapped.unwrap_or(program)) else { return BTreeMap::new() };
    let name = |code: u8| table.glyph_index(code).filter(|glyph| glyph.0 > 0).and_then(|glyph| table.glyph_name(glyph));
    (0..=u8::MAX).filter_map(|code| Some((usize::from(code), name(code)?.as_bytes().to_vec()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type1_programs_state_their_encoding() {
        let check = |program: &str, expected: &[(usize, &str)]| {
            let names = of_type1(program.as_bytes());
            let names: Vec<_> = names.iter().map(|(code, name)| (*code, std::str::from_utf8(name).unwrap())).collect();
            assert_eq!(names, expected, "{program}");
        };
        let list =
            "/Encoding 256 array\n0 1 255 {1 index exch /.notdef put} for\ndup 11 /ff put\ndup 65 /A put\nreadonly def";
        check(list, &[(11, "ff"), (65, "A")]);
        check("/Encoding StandardEncoding def dup 1 /A put", &[]);
        check("/Encoding 256 array dup 11 /ff put eexec dup 12 /fi put", &[(11, "ff")]);
        check("dup 11 /ff put", &[]);
        check("/Encoding dup 300 /ff put dup -1 /fi put", &[]);
    }

    #[test]
    fn broken_programs_have_no_encoding() {
        for program in [&b""[..], b"\x01\0\x04\x01", b"OTTO\0\x01", &[1; 64]] {
            assert!(of_compact(program).is_empty());
        }
    }
}
