//! Texts with characters written in other ways: percent signs, entities, escapes of programs, quoted-printable, and
//! characters that look like others or like nothing.
//!
//! Only the surroundings of such characters are made anew, so a text without them costs nothing but the look for them.

use super::transfer::{hex_pair, sextet};
use super::{Derived, Places};
use std::ops::Range;

/// Bytes around an escape that are made anew with it: what decides about a match there.
const AROUND_BYTES: usize = 256;
/// Bytes in which a blank is looked for, so that no word is cut.
const WORD_BYTES_MAX: usize = 256;
/// Bytes of a run in UTF-7.
const UTF7_BYTES_MAX: usize = 4096;
/// Bytes around a letter that tell whether its word has Latin ones too.
const WORD_AROUND_BYTES: usize = 24;
/// Bytes around a mark in which the digit stands that it is put on.
const MARKED_BYTES: usize = 16;
/// Bytes of a form field before and behind a plus sign that are looked at.
const FIELD_BYTES: usize = 256;
/// Letters that are drawn like Latin ones: Greek, then Cyrillic, then those of the phonetic alphabet.
const ALIKE: [(char, char); 50] = [
    ('Α', 'A'),
    ('Β', 'B'),
    ('Ε', 'E'),
    ('Ζ', 'Z'),
    ('Η', 'H'),
    ('Ι', 'I'),
    ('Κ', 'K'),
    ('Μ', 'M'),
    ('Ν', 'N'),
    ('Ο', 'O'),
    ('Ρ', 'P'),
    ('Τ', 'T'),
    ('Υ', 'Y'),
    ('Χ', 'X'),
    ('ο', 'o'),
    ('ν', 'v'),
    ('А', 'A'),
    ('В', 'B'),
    ('Е', 'E'),
    ('К', 'K'),
    ('М', 'M'),
    ('Н', 'H'),
    ('О', 'O'),
    ('Р', 'P'),
    ('С', 'C'),
    ('Т', 'T'),
    ('У', 'Y'),
    ('Х', 'X'),
    ('І', 'I'),
    ('Ј', 'J'),
    ('Ѕ', 'S'),
    ('а', 'a'),
    ('е', 'e'),
    ('о', 'o'),
    ('р', 'p'),
    ('с', 'c'),
    ('у', 'y'),
    ('х', 'x'),
    ('і', 'i'),
    ('ј', 'j'),
    ('ѕ', 's'),
    ('һ', 'h'),
    ('ԁ', 'd'),
    ('ԛ', 'q'),
    ('ԝ', 'w'),
    ('ӏ', 'l'),
    ('ρ', 'p'),
    ('α', 'a'),
    ('ɡ', 'g'),
    ('ɑ', 'a'),
];
/// What an escape stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Escape {
    /// Nothing for characters that are to be left out.
    c: Option<Stands>,
    len: usize,
    kind: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stands {
    Char(char),
    Byte(u8),
    /// The characters that base64 digits behind a plus sign are.
    Utf7,
}

/// A part of a text made anew.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::content) struct Rewritten {
    /// The first way of writing that occurred.
    pub(in crate::content) kind: &'static str,
    pub(in crate::content) content: Derived,
}

/// All parts of a text in which characters are written in other ways.
pub(in crate::content) fn rewrite(text: &[u8], places: &Places) -> Vec<Rewritten> {
    let mut windows: Vec<Range<usize>> = Vec::new();
    let mut at = 0;
    for start in places.escapes().iter() {
        let Some(escape) = Some(start).filter(|start| *start >= at).and_then(|start| escape(text, start)) else {
            continue;
        };
        at = start + escape.len;
        match windows.last_mut() {
            Some(window) if start <= window.end + AROUND_BYTES => window.end = at + AROUND_BYTES,
            _ => windows.push(start.saturating_sub(AROUND_BYTES)..at + AROUND_BYTES),
        }
    }
    let mut done = 0;
    let mut rewritten = Vec::new();
    for window in windows {
        let window = whole_words(text, window);
        let window = window.start.max(done)..window.end.max(done);
        done = window.end;
        let (taken, is_mixed) = rewrite_window(text, places, window.clone(), places.has_quoted());
        rewritten.push(taken);
        // Beside other escapes, `=` may just as well be what it looks like: `page=12&card=4000%20…`.
        if is_mixed {
            rewritten.push(rewrite_window(text, places, window, false).0);
        }
    }
    rewritten
}

fn is_hex(byte: u8) -> bool {
    byte.wrapping_sub(b'0') < 10 || (byte | 0x20).wrapping_sub(b'a') < 6
}

fn is_upper_hex(byte: u8) -> bool {
    byte.wrapping_sub(b'0') < 10 || byte.wrapping_sub(b'A') < 6
}

/// The escape that stands here.
fn escape(text: &[u8], at: usize) -> Option<Escape> {
    let rest = &text[at..];
    match rest.first()? {
        b'%' => percent(rest),
        b'&' => entity(rest),
        b'\\' => backslash(rest),
        b'=' => quoted(rest),
        b'+' => utf7_run(rest, true).or_else(|| form_blank(text, at)).or_else(|| utf7_run(rest, false)),
        0xC9 | 0xCE..=0xD4 => letter_alike(text, at),
        _ => look_alike(text, at),
    }
}

fn percent(rest: &[u8]) -> Option<Escape> {
    if let Some(b'u' | b'U') = rest.get(1) {
        return code(rest.get(2..6)?).map(|c| Escape { c: Some(Stands::Char(c)), len: 6, kind: "percent" });
    }
    let byte = hex_pair(rest.get(1..3)?)?;
    Some(Escape { c: Some(Stands::Byte(byte)), len: 3, kind: "percent" })
}

fn quoted(rest: &[u8]) -> Option<Escape> {
    let kind = "quoted-printable";
    match rest.get(1..3) {
        Some(b"\r\n") => Some(Escape { c: None, len: 3, kind }),
        Some([b'\n', _]) => Some(Escape { c: None, len: 2, kind }),
        Some(pair) if pair.iter().all(|byte| is_upper_hex(*byte)) => {
            Some(Escape { c: Some(Stands::Byte(hex_pair(pair)?)), len: 3, kind })
        }
        _ => None,
    }
}

/// The character of hexadecimal digits.
fn code(digits: &[u8]) -> Option<char> {
    let text = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(is_hex))?;
    char::from_u32(u32::from_str_radix(text, 16).ok()?)
}

fn entity(rest: &[u8]) -> Option<Escape> {
    const NAMES: [(&[u8], char); 26] = [
        (b"amp", '&'),
        (b"lt", '<'),
        (b"gt", '>'),
        (b"quot", '"'),
        (b"apos", '\''),
        (b"nbsp", ' '),
        (b"ensp", ' '),
        (b"emsp", ' '),
        (b"thinsp", ' '),
        (b"ndash", '-'),
        (b"mdash", '-'),
        (b"hyphen", '-'),
        (b"dash", '-'),
        (b"colon", ':'),
        (b"period", '.'),
        (b"comma", ','),
        (b"commat", '@'),
        (b"sol", '/'),
        (b"lowbar", '_'),
        (b"equals", '='),
        (b"plus", '+'),
        (b"num", '#'),
        (b"oacute", 'ó'),
        (b"Oacute", 'Ó'),
        (b"lstrok", 'ł'),
        (b"NewLine", '\n'),
    ];
    const INVISIBLE: [&[u8]; 5] = [b"shy", b"zwj", b"zwnj", b"ZeroWidthSpace", b"NoBreak"];
    let kind = "entity";
    if let Some(number) = rest.strip_prefix(b"&#") {
        let is_hexadecimal = matches!(number.first(), Some(b'x' | b'X'));
        let digits = &number[usize::from(is_hexadecimal)..];
        let is_digit = |byte: &u8| if is_hexadecimal { is_hex(*byte) } else { byte.is_ascii_digit() };
        let count = digits.iter().take(16).take_while(|byte| is_digit(byte)).count();
        let text = std::str::from_utf8(&digits[..count]).ok()?;
        let c = char::from_u32(u32::from_str_radix(text, if is_hexadecimal { 16 } else { 10 }).ok()?)?;
        let end = 2 + usize::from(is_hexadecimal) + count;
        return Some(Escape { c: Some(Stands::Char(c)), len: end + usize::from(rest.get(end) == Some(&b';')), kind });
    }
    let count = rest[1..].iter().take(16).take_while(|byte| byte.is_ascii_alphabetic()).count();
    let name = rest.get(1..=count).filter(|_| rest.get(1 + count) == Some(&b';'))?;
    if INVISIBLE.contains(&name) {
        return Some(Escape { c: None, len: count + 2, kind });
    }
    let (_, c) = NAMES.iter().find(|(known, _)| *known == name)?;
    Some(Escape { c: Some(Stands::Char(*c)), len: count + 2, kind })
}

/// A blank in the value of a form field, which forms write as a plus sign (the URL standard, section 5): behind a name
/// and `=`, where `&` or `?` tells of fields.
fn form_blank(text: &[u8], at: usize) -> Option<Escape> {
    let is_value = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+%.-_*~".contains(byte);
    let is_name = |byte: &&u8| byte.is_ascii_alphanumeric() || !byte.is_ascii() || b"%.-_[]".contains(byte);
    let before = &text[at.saturating_sub(FIELD_BYTES)..at];
    let value = before.iter().rev().take_while(is_value).count();
    let name = before[..before.len() - value].strip_suffix(b"=")?;
    let len = name.iter().rev().take_while(is_name).count();
    let behind = &text[at..text.len().min(at + FIELD_BYTES)];
    let goes_on = || behind.iter().find(|byte| !is_value(byte)) == Some(&b'&');
    let is_field = match name[..name.len() - len].last() {
        Some(b'&' | b'?') => true,
        Some(byte) => (byte.is_ascii_whitespace() || *byte == b'"') && goes_on(),
        None => goes_on(),
    };
    (is_field && len > 0).then_some(Escape { c: Some(Stands::Char(' ')), len: 1, kind: "form" })
}

/// Characters in UTF-7; in a form, where a plus sign may be a blank, only those whose end is marked are.
fn utf7_run(rest: &[u8], is_ended: bool) -> Option<Escape> {
    let (len, _) = utf7(rest).filter(|(len, _)| !is_ended || rest[len - 1] == b'-')?;
    Some(Escape { c: Some(Stands::Utf7), len, kind: "utf-7" })
}

/// The length of characters in UTF-7 (RFC 2152) and what they are: at least one, none of them a control character.
fn utf7(rest: &[u8]) -> Option<(usize, String)> {
    let run = &rest[1..rest.len().min(UTF7_BYTES_MAX)];
    let digits = run.iter().take_while(|byte| **byte != b'-' && sextet(**byte).is_some()).count();
    if digits < 3 || digits * 6 % 16 >= 6 {
        return None;
    }
    let bytes = super::transfer::base64(&run[..digits], 0).bytes;
    let units = bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
    let text: String = char::decode_utf16(units).collect::<Result<_, _>>().ok()?;
    let is_text = text.chars().all(|c| matches!(c, ' '..='~' | '\n' | '\r' | '\t' | '\u{A0}'..='\u{17F}'));
    let len = 1 + digits + usize::from(run.get(digits) == Some(&b'-'));
    is_text.then_some((len, text))
}

/// A letter of another script that is drawn like a Latin one, in a word that has Latin letters or digits too.
fn letter_alike(text: &[u8], at: usize) -> Option<Escape> {
    let c = std::str::from_utf8(text.get(at..at + 2)?).ok()?.chars().next()?;
    let (_, latin) = ALIKE.iter().find(|(other, _)| *other == c)?;
    // A line may end the prefix of a token, which is of such letters alone.
    let is_word = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte == b'_' || !byte.is_ascii();
    let before = text[..at].iter().rev().take(WORD_AROUND_BYTES).take_while(is_word);
    let behind = text[at + 2..].iter().take(WORD_AROUND_BYTES).take_while(is_word);
    let is_mixed = before.chain(behind).any(u8::is_ascii_alphanumeric);
    is_mixed.then_some(Escape { c: Some(Stands::Char(*latin)), len: 2, kind: "look-alike" })
}

fn backslash(rest: &[u8]) -> Option<Escape> {
    let kind = "escape";
    let found = |c: char, len: usize| Some(Escape { c: Some(Stands::Char(c)), len, kind });
    match rest.get(1)? {
        b'x' => Some(Escape { c: Some(Stands::Byte(hex_pair(rest.get(2..4)?)?)), len: 4, kind }),
        b'u' if rest.get(2) == Some(&b'{') => {
            let count = rest[3..].iter().take(8).take_while(|byte| is_hex(**byte)).count();
            rest.get(3 + count).filter(|byte| **byte == b'}')?;
            found(code(&rest[3..3 + count])?, 4 + count)
        }
        b'u' => {
            let unit = u16::from_str_radix(std::str::from_utf8(rest.get(2..6)?).ok()?, 16).ok()?;
            let low =
                rest.get(6..8).filter(|mark| *mark == b"\\u").and_then(|_| std::str::from_utf8(rest.get(8..12)?).ok());
            let low = low.and_then(|digits| u16::from_str_radix(digits, 16).ok());
            match (char::from_u32(unit.into()), low) {
                (Some(c), _) => found(c, 6),
                (None, Some(low)) => found(char::decode_utf16([unit, low]).next()?.ok()?, 12),
                (None, None) => None,
            }
        }
        b'U' => found(code(rest.get(2..10)?)?, 10),
        b'0'..=b'3' => {
            let digits = rest.get(1..4).filter(|digits| digits.iter().all(|digit| matches!(digit, b'0'..=b'7')))?;
            let byte = digits.iter().fold(0, |byte, digit| byte << 3 | (digit - b'0'));
            Some(Escape { c: Some(Stands::Byte(byte)), len: 4, kind })
        }
        _ => None,
    }
}

/// Characters that are drawn like others or not at all, where that matters: inside words and numbers.
fn look_alike(text: &[u8], at: usize) -> Option<Escape> {
    let rest = &text[at..];
    let len = look_alike_len(rest)?;
    let c = std::str::from_utf8(rest.get(..len)?).ok()?.chars().next()?;
    let digit_beside = |at: Option<&u8>| at.is_some_and(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase());
    let before = at.checked_sub(1).and_then(|at| text.get(at));
    let behind = rest.get(len);
    let between_digits = digit_beside(before) && digit_beside(behind);
    let (c, kind) = match c {
        '\u{AD}'
        | '\u{34F}'
        | '\u{200B}'..='\u{200F}'
        | '\u{202A}'..='\u{202E}'
        | '\u{180E}'
        | '\u{2060}'..='\u{206F}'
        | '\u{FEFF}'
            if at > 0 && behind.is_some() =>
        {
            (None, "invisible")
        }
        '\u{300}'..='\u{36F}' | '\u{20DD}'..='\u{20E3}' | '\u{FE00}'..='\u{FE0F}' if marks_digit(text, at) => {
            (None, "mark")
        }
        '\u{FF01}'..='\u{FF5E}' => (char::from_u32(u32::from(c) - 0xFEE0), "full-width"),
        '\u{A0}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{205F}' | '\u{3000}' if between_digits => {
            (Some(' '), "blank")
        }
        '\u{2010}'..='\u{2015}' | '\u{2212}' if between_digits => (Some('-'), "hyphen"),
        '\u{B2}' | '\u{B3}' | '\u{B9}' | '\u{2070}'..='\u{2089}' => {
            let raised = |bytes: Option<&[u8]>| bytes.is_some_and(|bytes| bytes.iter().any(|byte| !byte.is_ascii()));
            let is_number =
                between_digits || raised(text.get(at.saturating_sub(2)..at)) || raised(rest.get(len..len + 2));
            (Some(digit(c).filter(|_| is_number)?), "digit")
        }
        c => (Some(digit(c)?), "digit"),
    };
    Some(Escape { c: c.map(Stands::Char), len, kind })
}

/// Whether a mark is put on a digit or stands in a word that has some. Elsewhere marks belong to letters and pictures.
fn marks_digit(text: &[u8], at: usize) -> bool {
    let is_word = |byte: &&u8| byte.is_ascii_alphanumeric() || !byte.is_ascii();
    let before = text[..at].iter().rev().take(MARKED_BYTES).take_while(is_word);
    let behind = text[at..].iter().take(MARKED_BYTES).take_while(is_word);
    before.clone().next().is_some() && before.chain(behind).any(u8::is_ascii_digit)
}

/// The length of a character that may look like another one. Letters of whole scripts begin with the same bytes, so
/// most are left here.
fn look_alike_len(rest: &[u8]) -> Option<usize> {
    let [first, second, ..] = rest else { return None };
    let third = rest.get(2).copied().unwrap_or(0);
    match (first, second, third) {
        (0xC2, 0xA0 | 0xAD | 0xB2 | 0xB3 | 0xB9, _)
        | (0xCC, 0x80..=0xBF, _)
        | (0xCD, 0x80..=0xAF, _)
        | (0xD9, 0xA0..=0xA9, _)
        | (0xDB, 0xB0..=0xB9, _) => Some(2),
        (0xE2, 0x80, 0x80..=0x95 | 0xAA..=0xAF) | (0xE2, 0x81, 0x9F..=0xAF) | (0xE2, 0x88, 0x92) => Some(3),
        (0xE2, 0x81, 0xB0..=0xB9) | (0xE2, 0x82, 0x80..=0x89) | (0xE2, 0x83, 0x9D..=0xA3) => Some(3),
        (0xE2, 0x91, 0xA0..=0xA8) | (0xE2, 0x93, 0xAA) => Some(3),
        (0xEF, 0xB8, 0x80..=0x8F) | (0xEF, 0xBB..=0xBD, _) => Some(3),
        (0xE0, _, 0x90..=0x99 | 0xA0..=0xAF) | (0xE1, 0xA0, 0x8E) | (0xE3, 0x80, 0x80) => Some(3),
        (0xF0, 0x9D, 0x9F) | (0xF0, 0x9F, 0xAF) => Some(4),
        _ => None,
    }
}

/// The ASCII digit that a digit of another script is.
fn digit(c: char) -> Option<char> {
    const ZEROS: [u32; 16] = [
        0x660, 0x6F0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66, 0xE50, 0xED0, 0xF20, 0x1D7CE,
        0x1FBF0,
    ];
    // Mathematical digits come in five shapes.
    const MATHEMATICAL: Range<u32> = 0x1D7CE..0x1D800;
    let code = u32::from(c);
    match c {
        '\u{B2}' | '\u{B3}' => return char::from_digit(code - 0xB0, 10),
        '\u{B9}' => return Some('1'),
        '\u{24EA}' => return Some('0'),
        '\u{2070}' | '\u{2074}'..='\u{2079}' => return char::from_digit(code - 0x2070, 10),
        '\u{2080}'..='\u{2089}' => return char::from_digit(code - 0x2080, 10),
        '\u{2460}'..='\u{2468}' => return char::from_digit(code - 0x245F, 10),
        _ => {}
    }
    if MATHEMATICAL.contains(&code) {
        return char::from_digit((code - MATHEMATICAL.start) % 10, 10);
    }
    ZEROS
        .iter()
        .find_map(|zero| code.checked_sub(*zero).filter(|value| *value < 10))
        .and_then(|value| char::from_digit(value, 10))
}

/// A window that begins and ends at blanks, as far as there are some.
fn whole_words(text: &[u8], window: Range<usize>) -> Range<usize> {
    let end = window.end.min(text.len());
    let lead = &text[window.start.saturating_sub(WORD_BYTES_MAX)..window.start];
    let before = lead.iter().rev().position(u8::is_ascii_whitespace).unwrap_or(lead.len());
    let tail = &text[end..text.len().min(end + WORD_BYTES_MAX)];
    let behind = tail.iter().position(u8::is_ascii_whitespace).unwrap_or(tail.len());
    window.start - before..end + behind
}

/// A part of a text made anew, and whether codes of quoted-printable and others stand in it.
fn rewrite_window(text: &[u8], places: &Places, window: Range<usize>, takes_quoted: bool) -> (Rewritten, bool) {
    let mut content = Derived::default();
    let mut kind = None;
    let (mut has_quoted, mut has_others) = (false, false);
    let mut at = window.start;
    while at < window.end {
        let lead = places.escapes().next(at).map_or(window.end, |lead| lead.min(window.end));
        content.copy(&text[at..lead], at as u64);
        at = lead;
        if at == window.end {
            break;
        }
        match escape(text, at).filter(|_| takes_quoted || text[at] != b'=') {
            Some(escape) => {
                kind = kind.or(Some(escape.kind));
                let is_quoted = text[at] == b'=';
                (has_quoted, has_others) = (has_quoted | is_quoted, has_others | !is_quoted);
                match escape.c {
                    Some(Stands::Char(c)) => content.share(c.encode_utf8(&mut [0; 4]).as_bytes(), at as u64),
                    Some(Stands::Byte(byte)) => content.push(byte, at as u64, escape.len as u8),
                    Some(Stands::Utf7) => {
                        let (_, characters) = utf7(&text[at..]).unwrap_or_default();
                        content.share(characters.as_bytes(), at as u64);
                    }
                    None => {}
                }
                at += escape.len;
            }
            None => {
                content.copy(&text[at..=at], at as u64);
                at += 1;
            }
        }
    }
    content.end(at as u64);
    (Rewritten { kind: kind.unwrap_or("escape"), content }, has_quoted && has_others)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::original_offset;

    /// What is made of the first part of a text that is written in another way, if there is one.
    fn check(text: &str, expected: Option<(&str, &str)>) {
        let found = rewrite(text.as_bytes(), &Places::of(text.as_bytes()));
        let found = found.first().map(|found| (found.kind, String::from_utf8_lossy(&found.content.bytes).into_owned()));
        assert_eq!(found.as_ref().map(|(kind, text)| (*kind, text.as_str())), expected, "{text}");
    }

    #[test]
    fn other_ways_of_writing_are_read() {
        let rows: [(&str, Option<(&str, &str)>); 59] = [
            ("plain text, 100% of it & more = less \\ x", None),
            ("pesel%3D44051401458", Some(("percent", "pesel=44051401458"))),
            ("%34%34051401458", Some(("percent", "44051401458"))),
            ("%u0034405", Some(("percent", "4405"))),
            ("100%25", Some(("percent", "100%"))),
            ("&#52;4051401458", Some(("entity", "44051401458"))),
            ("&#x34;4051401458", Some(("entity", "44051401458"))),
            ("&#0000052 4", Some(("entity", "4 4"))),
            ("4405&nbsp;1401458", Some(("entity", "4405 1401458"))),
            ("4405&shy;1401458", Some(("entity", "44051401458"))),
            ("a&amp;b", Some(("entity", "a&b"))),
            ("a&b; c&unknown;", None),
            ("&#99999999;", None),
            ("\\u0034405", Some(("escape", "4405"))),
            ("\\x34405", Some(("escape", "4405"))),
            ("\\u{34}405", Some(("escape", "4405"))),
            ("\\U00000034405", Some(("escape", "4405"))),
            ("\\ud83d\\ude00", Some(("escape", "😀"))),
            ("\\ud83d alone", None),
            ("C:\\users\\x", None),
            ("z=C5=82y", Some(("quoted-printable", "zły"))),
            ("pid=15441 tid=127569354146251", None),
            ("id=2044051401458&page=24", None),
            ("id=3D44051401458 x=C5=82", Some(("quoted-printable", "id=44051401458 xł"))),
            ("nr=34=34051401458", Some(("quoted-printable", "nr44051401458"))),
            ("44=305=31401458", Some(("quoted-printable", "44051401458"))),
            ("=34=34=\n05", Some(("quoted-printable", "4405"))),
            ("a=B5 only one", None),
            ("4405\u{200B}1401458", Some(("invisible", "44051401458"))),
            ("4405\u{AD}1401458", Some(("invisible", "44051401458"))),
            ("\u{FEFF}at the start", None),
            ("４４０５1401458", Some(("full-width", "44051401458"))),
            ("٤٤٠٥1401458", Some(("digit", "44051401458"))),
            ("𝟒𝟜05", Some(("digit", "4405"))),
            ("4405\u{A0}1401458", Some(("blank", "4405 1401458"))),
            ("4405\u{3000}1401458", Some(("blank", "4405 1401458"))),
            ("4405\u{180E}1401458", Some(("invisible", "44051401458"))),
            ("4405\u{2011}1401458", Some(("hyphen", "4405-1401458"))),
            ("\\064\\064051", Some(("escape", "44051"))),
            ("\\1 and \\09", None),
            ("+ADQANAAwADU-1", Some(("utf-7", "44051"))),
            ("a+Abc and 1+A1", None),
            ("x=12+34;", None),
            ("sum = 12+34 & 5", None),
            ("12:00:00+02:00 a&b", None),
            ("4\u{FE0F}405", Some(("mark", "4405"))),
            ("4\u{332}4\u{332}05", Some(("mark", "4405"))),
            ("cafe\u{301} ❤\u{FE0F}", None),
            ("⁴⁴05 ²", Some(("digit", "4405 ²"))),
            ("10 m² of it", None),
            ("④④05", Some(("digit", "4405"))),
            ("РESЕL", Some(("look-alike", "PESEL"))),
            ("ɡһр_Zq8wT1nB5r", Some(("look-alike", "ghp_Zq8wT1nB5r"))),
            ("Привет, как дела_или", None),
            ("Привет, как дела", None),
            ("PL61 and кот", None),
            ("“quoted” – text… żółw 漢字 😀", None),
            ("a\u{A0}b", None),
            ("", None),
        ];
        rows.into_iter().for_each(|(text, expected)| check(text, expected));
    }

    #[test]
    fn plus_signs_in_values_of_forms_are_blanks() {
        let rows = [
            ("nrb=69+9161+0173&city=Rome", Some(("form", "nrb=69 9161 0173&city=Rome"))),
            ("numéro=A+1+b&x=y", Some(("form", "numéro=A 1 b&x=y"))),
            ("/pay?nrb=69+9161", Some(("form", "/pay?nrb=69 9161"))),
            ("?x=+ADQANAAwADU-1", Some(("utf-7", "?x=44051"))),
            (
                "?text=word-word-word-word-word-word-word-word-word-word-word-word-word-word-word-word-word-word-word-word-word-word-+nr+1",
                Some((
                    "form",
                    "?text=word-word-word-word-word-word-word-word-word-word-word-word-word-word-word-word-word-word-word-word-word-word- nr 1",
                )),
            ),
            ("name=Ann&nr=TCH+849773", Some(("form", "name=Ann&nr=TCH 849773"))),
        ];
        rows.into_iter().for_each(|(text, expected)| check(text, expected));
    }

    #[test]
    fn beside_other_escapes_an_equals_sign_is_read_in_both_ways() {
        let text = b"name=C3=B6&card=4000%200100%200007%201234";
        let found = rewrite(text, &Places::of(text));
        let texts: Vec<_> =
            found.iter().map(|found| String::from_utf8_lossy(&found.content.bytes).into_owned()).collect();
        assert_eq!(texts, ["name\u{f6}&card@00 0100 0007 1234", "name=C3=B6&card=4000 0100 0007 1234"]);
    }

    #[test]
    fn every_character_that_stands_for_another_one_is_looked_at() {
        let all: Vec<char> = ('\u{80}'..=char::MAX).collect();
        let mut taken = 0;
        for some in all.chunks(1000) {
            let text: String = some.iter().map(|c| format!("4{c}5 ")).collect();
            let places = Places::of(text.as_bytes());
            let ats = text.char_indices().filter(|(at, c)| !c.is_ascii() && escape(text.as_bytes(), *at).is_some());
            for (at, c) in ats {
                taken += 1;
                assert_eq!(places.escapes().next(at), Some(at), "{c:?}");
            }
        }
        assert!(taken > 200, "{taken}");
    }

    #[test]
    fn only_the_surroundings_are_made_anew_and_lead_back() {
        let filler = "word ".repeat(200);
        let text = format!("{filler}%34%34051401458 {filler}{filler}&#52;4051401458 {filler}");
        let found = rewrite(text.as_bytes(), &Places::of(text.as_bytes()));
        assert_eq!(found.len(), 2);
        for rewritten in found {
            let made = String::from_utf8_lossy(&rewritten.content.bytes).into_owned();
            assert!(made.len() < 2 * (AROUND_BYTES + WORD_BYTES_MAX) && made.starts_with([' ', 'w']), "{made}");
            let at = made.find("44051401458").expect("it is made anew");
            let original = original_offset(&rewritten.content.runs, at as u32).expect("it leads back") as usize;
            assert!(text[original..].starts_with("%34%34051401458") || text[original..].starts_with("&#52;4051401458"));
        }
    }
}
