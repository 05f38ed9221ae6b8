//! What the codes of a font mean, and how wide they are.
//!
//! In order: the font's own map to Unicode; for fonts with codes of several bytes the predefined maps that are plain
//! character sets; for simple fonts their encoding, or that of the font program, and the glyph names that differ from
//! it.

use super::cmap::{CharacterMap, code};
use super::metrics::Family;
use super::streams::unpack;
use super::{glyphs, japanese, objects, programs};
use encoding_rs::{BIG5, EUC_KR, Encoding, GBK, SHIFT_JIS, UTF_16BE};
use pdf_extract::{Dictionary, Document, Object};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Bytes of a map to Unicode; a map of all characters has about a million.
const MAP_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// Bytes of a font program; those of all Chinese characters have some twenty million.
const FONT_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// Width of a glyph that nothing is known about, in thousandths.
const WIDTH_OTHERWISE: f64 = 500.0;

/// A font as far as reading needs it.
#[derive(Debug)]
pub(super) struct Font {
    family: Family,
    map: CharacterMap,
    codes: Codes,
    widths: BTreeMap<u32, f64>,
    /// Part of the font size that a width of one means; a thousandth but for fonts that draw their own glyphs.
    width_unit: f64,
    /// Parts of the font size that a letter is high; one but for fonts that draw their own glyphs.
    em: f64,
    /// What the codes mean is a guess.
    guessed: bool,
}

/// What codes mean where the font has no map to Unicode.
#[derive(Debug)]
enum Codes {
    /// Characters of one-byte codes.
    Table(Vec<Option<String>>),
    /// Codes of the characters of a character set.
    Charset(&'static Encoding),
    /// Glyph numbers, with the characters of the glyphs.
    Glyphs(BTreeMap<u32, char>),
    /// Numbers of characters in the collection of Japanese.
    Japanese,
    /// Two-byte codes that are most likely Unicode: the font brings a map from them to its glyphs.
    Unicode,
}

/// A shown string: its text, its width in thousandths of the font size, and the number of its codes and spaces.
#[derive(Debug, Default)]
pub(super) struct Shown {
    pub(super) text: String,
    pub(super) width: f64,
    pub(super) codes: usize,
    pub(super) spaces: usize,
    /// What the codes mean is a guess.
    pub(super) guessed: bool,
}

impl Font {
    /// Reads a font dictionary.
    pub(super) fn of(document: &Document, font: &Dictionary) -> Self {
        let family = Family::of(objects::name(document, font, b"BaseFont").unwrap_or_default());
        let map = unicode_map(document, font);
        if objects::name(document, font, b"Subtype") == Some(b"Type0") {
            let descendant = objects::array(document, font, b"DescendantFonts").first();
            let descendant = descendant.and_then(|font| objects::resolve(document, font));
            let descendant = descendant.and_then(objects::as_dictionary).unwrap_or(font);
            let widths = composite_widths(document, descendant);
            let codes = composite_codes(document, font, descendant, map.is_empty());
            let guessed = map.is_empty() && matches!(codes, Codes::Unicode);
            return Self { family, map, codes, widths, width_unit: 0.001, em: 1.0, guessed };
        }
        let (table, guessed) = table(document, font);
        let guessed = map.is_empty() && guessed;
        let widths = simple_widths(document, font);
        let width_unit = width_unit(document, font);
        let em = if font.has(b"FontMatrix") { own_em(&widths, width_unit) } else { 1.0 };
        Self { family, map, codes: Codes::Table(table), widths, width_unit, em, guessed }
    }

    /// Parts of the font size that a letter is high, against which gaps are measured.
    pub(super) fn em(&self) -> f64 {
        self.em
    }

    /// Decodes a string. Codes without a known character become U+FFFD.
    pub(super) fn show(&self, bytes: &[u8]) -> Shown {
        if self.map.is_empty()
            && let Codes::Charset(charset) = self.codes
        {
            return show_in_charset(bytes, charset);
        }
        let mut shown = Shown { guessed: self.guessed, ..Shown::default() };
        let otherwise = if matches!(self.codes, Codes::Table(_)) { 1 } else { 2 };
        for code in self.map.codes(bytes, otherwise) {
            let text = self.map.text(code).filter(|text| !text.is_empty()).or_else(|| self.without_map(code));
            shown.spaces += usize::from(text.as_deref() == Some(" "));
            shown.codes += 1;
            shown.width += self.width(code, text.as_deref());
            push_letters(&mut shown.text, text.as_deref().unwrap_or("\u{FFFD}"));
        }
        shown
    }

    fn without_map(&self, code: u32) -> Option<Cow<'_, str>> {
        match &self.codes {
            Codes::Table(table) => table.get(usize::try_from(code).ok()?)?.as_deref().map(Cow::Borrowed),
            Codes::Glyphs(characters) => characters.get(&code).map(|character| Cow::Owned(character.to_string())),
            Codes::Unicode => {
                let character = char::from_u32(code).filter(|character| !character.is_control());
                character.map(|character| Cow::Owned(character.to_string()))
            }
            Codes::Japanese => japanese::character(code).map(|character| Cow::Owned(character.to_string())),
            Codes::Charset(_) => None,
        }
    }

    /// Width of a code in thousandths of the font size.
    fn width(&self, code: u32, text: Option<&str>) -> f64 {
        match self.widths.get(&code) {
            Some(width) => width * self.width_unit * 1_000.0,
            None if !matches!(self.codes, Codes::Table(_)) => 1_000.0,
            None => text.and_then(|text| text.chars().next()).map_or(WIDTH_OTHERWISE, |c| self.family.width(c)),
        }
    }
}

/// Adds a text, ligatures as the letters that they are: words are looked for by letters.
fn push_letters(shown: &mut String, text: &str) {
    const LIGATURES: [&str; 7] = ["ff", "fi", "fl", "ffi", "ffl", "st", "st"];
    const FIRST: u32 = 0xFB00;
    for character in text.chars() {
        let index = u32::from(character).checked_sub(FIRST).and_then(|index| usize::try_from(index).ok());
        match index.and_then(|index| LIGATURES.get(index)) {
            Some(letters) => shown.push_str(letters),
            None => shown.push(character),
        }
    }
}

fn show_in_charset(bytes: &[u8], charset: &'static Encoding) -> Shown {
    let text = charset.decode_without_bom_handling(bytes).0.into_owned();
    let codes = text.chars().count();
    let spaces = text.matches(' ').count();
    Shown { width: codes as f64 * 1_000.0, codes, spaces, text, guessed: false }
}

/// What the codes of a composite font mean.
fn composite_codes(document: &Document, font: &Dictionary, descendant: &Dictionary, needed: bool) -> Codes {
    // Some producers name a predefined map where the font's own belongs: codes are characters.
    if objects::name(document, font, b"ToUnicode").is_some_and(|name| name.starts_with(b"Identity")) {
        return Codes::Charset(UTF_16BE);
    }
    if let Some(charset) = charset(objects::name(document, font, b"Encoding")) {
        return Codes::Charset(charset);
    }
    if !needed {
        return Codes::Glyphs(BTreeMap::new());
    }
    let collection = objects::dictionary(document, descendant, b"CIDSystemInfo");
    let ordering = collection.and_then(|collection| objects::get(document, collection, b"Ordering"));
    if ordering.is_some_and(|ordering| ordering.as_str().is_ok_and(|name| name == japanese::ORDERING)) {
        return Codes::Japanese;
    }
    if objects::stream(document, descendant, b"CIDToGIDMap").is_some() {
        return Codes::Unicode;
    }
    let program = objects::dictionary(document, descendant, b"FontDescriptor")
        .and_then(|descriptor| objects::stream(document, descriptor, b"FontFile2"))
        .and_then(|program| unpack(document, program, FONT_BYTES_MAX).readable());
    Codes::Glyphs(program.map_or_else(BTreeMap::new, |program| glyphs::characters(&program)))
}

/// Whether an embedded font program has codes of its own.
fn has_own_codes(document: &Document, font: &Dictionary) -> bool {
    let descriptor = objects::dictionary(document, font, b"FontDescriptor");
    let embedded = descriptor.is_some_and(|all| [&b"FontFile"[..], b"FontFile3"].iter().any(|key| all.has(key)));
    let named = match objects::get(document, font, b"Encoding") {
        Some(Object::Dictionary(encoding)) => encoding.has(b"BaseEncoding"),
        Some(_) => true,
        None => false,
    };
    embedded && !named
}

/// Fonts that draw their glyphs themselves may do so at any size. Letters are half as wide as high.
fn own_em(widths: &BTreeMap<u32, f64>, unit: f64) -> f64 {
    let (sum, count) = widths.values().filter(|width| **width > 0.0).fold((0.0, 0.0), |(s, n), w| (s + w, n + 1.0));
    if count > 0.0 { 2.0 * unit * sum / count } else { 1.0 }
}

/// Fonts that draw their glyphs themselves say how large their units are.
fn width_unit(document: &Document, font: &Dictionary) -> f64 {
    let first = objects::array(document, font, b"FontMatrix").first();
    first.and_then(|first| width_of(document, first)).filter(|unit| *unit > 0.0).unwrap_or(0.001)
}

/// The predefined maps that are the codes of a character set.
fn charset(name: Option<&[u8]>) -> Option<&'static Encoding> {
    let name = std::str::from_utf8(name?).ok()?;
    let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
    match name {
        _ if has(&["UCS2", "UTF16"]) => Some(UTF_16BE),
        _ if has(&["RKSJ"]) => Some(SHIFT_JIS),
        _ if has(&["GBK", "GB-EUC", "GBpc"]) => Some(GBK),
        _ if has(&["B5", "ETen", "HKscs"]) => Some(BIG5),
        _ if has(&["KSC"]) => Some(EUC_KR),
        _ => None,
    }
}

fn unicode_map(document: &Document, font: &Dictionary) -> CharacterMap {
    let map = objects::stream(document, font, b"ToUnicode");
    let map = map.and_then(|map| unpack(document, map, MAP_BYTES_MAX).readable());
    map.map_or_else(CharacterMap::default, |map| CharacterMap::parse(&map))
}

/// The characters of a simple font's 256 codes, and whether some are guesses: a glyph without a telling name most
/// often is the character of its code.
fn table(document: &Document, font: &Dictionary) -> (Vec<Option<String>>, bool) {
    let (base, differences) = match objects::get(document, font, b"Encoding") {
        Some(Object::Name(name)) => (Some(name.as_slice()), &[][..]),
        Some(Object::Dictionary(encoding)) => {
            (objects::name(document, encoding, b"BaseEncoding"), objects::array(document, encoding, b"Differences"))
        }
        _ => (None, &[][..]),
    };
    let otherwise: &[u8] = match objects::name(document, font, b"Subtype") {
        Some(b"TrueType" | b"Type3") => b"WinAnsiEncoding",
        _ => b"StandardEncoding",
    };
    let mut table = base_table(document, base.unwrap_or(otherwise));
    let mut guessed = false;
    if has_own_codes(document, font) {
        let own = programs::glyph_names(document, font);
        guessed = own.is_empty();
        for (code, name) in own {
            match (table.get_mut(code), glyph_text(document, &name)) {
                (Some(entry), Some(text)) => *entry = Some(text),
                _ => guessed = true,
            }
        }
    }
    let mut next = 0_usize;
    for difference in differences.iter().filter_map(|difference| objects::resolve(document, difference)) {
        match difference {
            Object::Integer(code) => next = usize::try_from(*code).unwrap_or(usize::MAX),
            Object::Name(name) => {
                match (table.get_mut(next), glyph_text(document, name)) {
                    (Some(entry), Some(text)) => *entry = Some(text),
                    _ => guessed |= name != b".notdef",
                }
                next = next.saturating_add(1);
            }
            _ => {}
        }
    }
    (table, guessed)
}

/// The loader knows the standard encodings; it is asked code by code.
fn base_table(document: &Document, name: &[u8]) -> Vec<Option<String>> {
    let known = matches!(name, b"StandardEncoding" | b"WinAnsiEncoding" | b"MacRomanEncoding" | b"MacExpertEncoding");
    let name = if known { name } else { b"StandardEncoding" };
    let font =
        Dictionary::from_iter([("Type", Object::Name(b"Font".to_vec())), ("Encoding", Object::Name(name.to_vec()))]);
    let encoding = font.get_font_encoding(document).ok();
    let character = |byte: u8| encoding.as_ref()?.bytes_to_string(&[byte]).ok().filter(|text| !text.is_empty());
    (0..=u8::MAX).map(character).collect()
}

/// The text of a glyph name, by the rules of the Adobe Glyph List: a suffix behind a full stop does not count, parts
/// joined by `_` stand in a row, and `uni0041` and `u1F600` name their code.
fn glyph_text(document: &Document, name: &[u8]) -> Option<String> {
    let name = std::str::from_utf8(name).ok()?;
    let stem = name.split('.').next().filter(|stem| !stem.is_empty())?;
    let parts: Option<Vec<String>> = stem.split('_').map(|part| glyph_part(document, part)).collect();
    parts.map(|parts| parts.concat())
}

fn glyph_part(document: &Document, part: &str) -> Option<String> {
    let by_code = |digits: &str| {
        let valid = (4..=6).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        valid.then(|| u32::from_str_radix(digits, 16).ok().and_then(char::from_u32)).flatten().map(String::from)
    };
    by_list(document, part)
        .or_else(|| part.strip_prefix("uni").and_then(by_code))
        .or_else(|| part.strip_prefix('u').and_then(by_code))
}

/// The loader holds the glyph list but shows it only through a font: here one whose code 0 is the glyph.
fn by_list(document: &Document, glyph: &str) -> Option<String> {
    let differences = vec![Object::Integer(0), Object::Name(glyph.as_bytes().to_vec())];
    let encoding = Dictionary::from_iter([
        ("Type", Object::Name(b"Encoding".to_vec())),
        ("Differences", Object::Array(differences)),
    ]);
    let font =
        Dictionary::from_iter([("Type", Object::Name(b"Font".to_vec())), ("Encoding", Object::Dictionary(encoding))]);
    // An unknown glyph makes it fall back to the standard encoding, which has nothing at code 0.
    let text = font.get_font_encoding(document).ok()?.bytes_to_string(&[0]).ok()?;
    (!text.is_empty()).then_some(text)
}

fn simple_widths(document: &Document, font: &Dictionary) -> BTreeMap<u32, f64> {
    let first = objects::get(document, font, b"FirstChar").and_then(|first| first.as_i64().ok()).unwrap_or(0);
    let first = u32::try_from(first).unwrap_or(0);
    let widths = objects::array(document, font, b"Widths").iter().take(256);
    (first..).zip(widths.filter_map(|width| width_of(document, width))).collect()
}

fn width_of(document: &Document, object: &Object) -> Option<f64> {
    super::matrix::number(objects::resolve(document, object)?)
}

/// Widths of a composite font: `first [w w w]` or `first last w`.
fn composite_widths(document: &Document, font: &Dictionary) -> BTreeMap<u32, f64> {
    /// Glyphs of one font.
    const GLYPHS_MAX: u32 = 65_536;
    let mut widths = BTreeMap::new();
    let mut entries = objects::array(document, font, b"W").iter().filter_map(|entry| objects::resolve(document, entry));
    let code = |object: &Object| object.as_i64().ok().and_then(|code| u32::try_from(code).ok());
    while let (Some(first), Some(second)) = (entries.next().and_then(code), entries.next()) {
        match second {
            Object::Array(list) => widths.extend((first..).zip(list.iter().filter_map(|w| width_of(document, w)))),
            last => {
                let (Some(last), Some(width)) = (code(last), entries.next().and_then(|w| width_of(document, w))) else {
                    return widths;
                };
                let last = last.min(first.saturating_add(GLYPHS_MAX)).min(GLYPHS_MAX);
                widths.extend((first..=last).map(|code| (code, width)));
            }
        }
    }
    widths
}

/// Bytes as text when no font is known: printable ones as they are.
pub(super) fn without_font(bytes: &[u8]) -> Shown {
    let text: String = match bytes {
        [0xFE, 0xFF, rest @ ..] => UTF_16BE.decode_without_bom_handling(rest).0.into_owned(),
        _ if is_wide(bytes) => bytes.chunks(2).map(|pair| char::from_u32(code(pair)).unwrap_or('\u{FFFD}')).collect(),
        _ => bytes.iter().map(|byte| char::from(*byte)).collect(),
    };
    let codes = text.chars().count();
    let spaces = text.matches(' ').count();
    Shown { width: codes as f64 * WIDTH_OTHERWISE, codes, spaces, text, guessed: false }
}

/// Whether every other byte is zero.
pub(super) fn is_wide(bytes: &[u8]) -> bool {
    bytes.len() >= 2 && bytes.len().is_multiple_of(2) && bytes.iter().step_by(2).all(|byte| *byte == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn glyph_names_become_text() {
        let document = Document::new();
        let check = |name: &str, expected: Option<&str>| {
            assert_eq!(glyph_text(&document, name.as_bytes()).as_deref(), expected, "{name}");
        };
        check("A", Some("A"));
        check("eacute", Some("é"));
        check("uni0041", Some("A"));
        check("u1F600", Some("\u{1F600}"));
        check("A.sc", Some("A"));
        check("f_i", Some("fi"));
        check("nonsense", None);
        check(".notdef", None);
        check("uniD800", None);
    }

    #[test]
    fn simple_fonts_follow_their_encoding() {
        let document = Document::new();
        let differences = Dictionary::from_iter([
            ("BaseEncoding", Object::Name(b"WinAnsiEncoding".to_vec())),
            (
                "Differences",
                Object::Array(vec![Object::Integer(1), Object::Name(b"X".to_vec()), Object::Name(b"Y".to_vec())]),
            ),
        ]);
        let font = Dictionary::from_iter([
            ("Type", Object::Name(b"Font".to_vec())),
            ("Subtype", Object::Name(b"Type1".to_vec())),
            ("Encoding", Object::Dictionary(differences)),
        ]);
        let shown = Font::of(&document, &font).show(b"\x01\x02a \x80\x03");
        assert_eq!((shown.text.as_str(), shown.codes, shown.spaces), ("XYa €\u{FFFD}", 6, 1));
    }

    #[test]
    fn predefined_maps_are_character_sets() {
        let check = |name: &str, bytes: &[u8], expected: &str| {
            let font = Dictionary::from_iter([
                ("Subtype", Object::Name(b"Type0".to_vec())),
                ("Encoding", Object::Name(name.as_bytes().to_vec())),
            ]);
            assert_eq!(Font::of(&Document::new(), &font).show(bytes).text, expected, "{name}");
        };
        check("UniJIS-UCS2-H", &[0x65, 0xE5], "日");
        check("90ms-RKSJ-H", &[0x93, 0xFA], "日");
        check("GBK-EUC-H", &[0xC8, 0xD5], "日");
        check("ETen-B5-V", &[0xA4, 0xE9], "日");
        check("Identity-H", &[0, 5], "\u{FFFD}");
    }

    #[test]
    fn numbers_of_a_known_collection_are_characters() {
        let check = |ordering: &str, expected: &str| {
            let name = |name: &str| Object::Name(name.as_bytes().to_vec());
            let collection = Dictionary::from_iter([("Ordering", Object::string_literal(ordering))]);
            let descendant = Dictionary::from_iter([("CIDSystemInfo", Object::Dictionary(collection))]);
            let font = Dictionary::from_iter([
                ("Subtype", name("Type0")),
                ("Encoding", name("Identity-H")),
                ("DescendantFonts", Object::Array(vec![Object::Dictionary(descendant)])),
            ]);
            assert_eq!(Font::of(&Document::new(), &font).show(&[3, 0x4B, 3, 0xA2]).text, expected, "{ordering}");
        };
        check("Japan1", "あウ");
        check("Identity", "\u{FFFD}\u{FFFD}");
    }
}
