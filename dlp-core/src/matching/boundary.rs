//! What may stand directly beside a match: the cheapest precision there is.

use dlp_detector_format::Boundary;
use memchr::{memchr2, memrchr2};

/// Bytes on either side of a match that a boundary looks at. The stream scan keeps at least that many.
pub(super) const LOOK_BYTES: usize = 64;

/// The byte that stands for the end of the text, which every boundary accepts.
pub(super) const END: u8 = b'\n';

/// Whether a match may start at `at`.
pub(super) fn left_holds(boundary: Boundary, text: &[u8], at: usize) -> bool {
    match boundary {
        Boundary::None => true,
        Boundary::Token => !is_alnum_before(text, at) || is_escape_before(text, at),
        Boundary::Name => {
            !is_alnum_before(text, at)
                || is_escape_before(text, at)
                || is_hump(text, at)
                || is_behind_define(&text[..at])
        }
        Boundary::Word => !is_word_char_before(text, at) || is_escape_before(text, at),
        Boundary::Identifier => {
            (!is_word_char_before(text, at) || is_escape_before(text, at)) && !continues_number_before(text, at)
        }
    }
}

/// Whether a match may end at `at`.
pub(super) fn right_holds(boundary: Boundary, text: &[u8], at: usize) -> bool {
    match boundary {
        Boundary::None => true,
        Boundary::Token => !text.get(at).is_some_and(u8::is_ascii_alphanumeric),
        Boundary::Name => !text.get(at).is_some_and(u8::is_ascii_alphanumeric) && !goes_on(&text[at..]),
        Boundary::Word => !is_word_char_after(text, at),
        Boundary::Identifier => !is_word_char_after(text, at) && !continues_number_after(text, at),
    }
}

fn is_alnum_before(text: &[u8], at: usize) -> bool {
    at > 0 && text[at - 1].is_ascii_alphanumeric()
}

/// Whether a word of a name in camel case starts at a place: `setAcmeKey` at its `A`. Base 64 has capitals behind small
/// letters, too, but soon a digit before them.
fn is_hump(text: &[u8], at: usize) -> bool {
    let before = &text[at.saturating_sub(LOOK_BYTES)..at];
    let is_part = |byte: &&u8| byte.is_ascii_alphanumeric();
    let word = before.iter().rev().take_while(is_part);
    let is_word = before.last().is_some_and(u8::is_ascii_lowercase) && text.get(at).is_some_and(u8::is_ascii_uppercase);
    is_word && word.clone().count() <= HEAD_OF_NAME_MAX && word.clone().all(u8::is_ascii_alphabetic)
}

/// Letters of a name in camel case before the word at which a match starts.
const HEAD_OF_NAME_MAX: usize = 32;

/// Whether a text ends with the option that sets a property: `-D`, of Java and of build tools; `-P`, of Gradle.
fn is_behind_define(text: &[u8]) -> bool {
    match text {
        [head @ .., b'-', b'D' | b'P'] => head.last().is_none_or(|byte| !byte.is_ascii_alphanumeric()),
        _ => false,
    }
}

/// Whether a text goes on as a key does that is longer than was thought: with a mark of base 64 or a dash, and behind it
/// letters of both cases with digits among them; or with the sign that fills up base 64, and an end.
fn goes_on(text: &[u8]) -> bool {
    let [mark, rest @ ..] = text else { return false };
    let rest = &rest[..rest.len().min(LOOK_BYTES - 1)];
    match mark {
        b'+' | b'-' | b'_' => {
            let run = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"+/-_".contains(byte));
            let has = |test: fn(&u8) -> bool| run.clone().any(test);
            run.clone().count() >= MORE_LEN_MIN
                && has(u8::is_ascii_digit)
                && has(u8::is_ascii_lowercase)
                && has(u8::is_ascii_uppercase)
        }
        b'=' => !matches!(rest.first(), Some(byte) if byte.is_ascii_alphanumeric() || b"\"'$>[{(\\".contains(byte)),
        _ => false,
    }
}

/// Characters that show that a key goes on. Fewer are the end of a name.
const MORE_LEN_MIN: usize = 8;

/// The longest tail of letters and digits that an escape has: `u003d`.
pub(super) const ESCAPE_TAIL_MAX: usize = 5;

/// The bytes before the tail of an escape: those of a character written out, and those of a colour.
pub(super) const ESCAPE_LEADS: [u8; 4] = *b"\\%[;";

/// Parameters of a colour sequence that are looked at: `38;2;255;255;255`.
const COLOUR_PARAMETERS_MAX: usize = 16;

/// Whether the letters and digits before `at` belong to an escape: `\n` written as two characters, `%3D`, `\x3d`,
/// `\u003d` as encoders of JSON write `=`, or the colour of a terminal in a log.
fn is_escape_before(text: &[u8], at: usize) -> bool {
    let before = &text[..at];
    let is_hex = |digits: &[u8]| digits.iter().all(u8::is_ascii_hexdigit);
    match before {
        [.., b'\\', b'n' | b'r' | b't' | b'f' | b'b'] => true,
        [.., b'%', a, b] if is_hex(&[*a, *b]) => true,
        [.., b'\\', b'x', a, b] => is_hex(&[*a, *b]),
        [.., b'\\', b'u', a, b, c, d] => is_hex(&[*a, *b, *c, *d]),
        [head @ .., b'm'] => is_colour(head),
        _ => false,
    }
}

/// Whether a text ends with a colour sequence but for its `m`: the escape character, raw or written out, a bracket, and
/// numbers.
fn is_colour(text: &[u8]) -> bool {
    let is_parameter = |byte: &&u8| byte.is_ascii_digit() || **byte == b';';
    let parameters = text.iter().rev().take(COLOUR_PARAMETERS_MAX).take_while(is_parameter).count();
    let Some(head) = text[..text.len() - parameters].strip_suffix(b"[") else { return false };
    matches!(head, [.., 0x1b] | [.., b'1', b'b' | b'B'] | [.., b'0', b'3', b'3'] | [.., b'\\', b'e'])
}

/// Whether a token at `at` may begin with the tail of an escape, by the byte before it and its first one.
#[inline]
pub(super) fn may_begin_with_escape(text: &[u8], at: usize) -> bool {
    let first = text[at];
    at.checked_sub(1).is_some_and(|before| match text[before] {
        b'\\' => b"nrtfbxu".contains(&first),
        b'%' => first.is_ascii_hexdigit(),
        b'[' | b';' => {
            let mut bytes = text[at..].iter().take(ESCAPE_TAIL_MAX);
            bytes.find(|byte| !byte.is_ascii_digit()) == Some(&b'm')
        }
        _ => false,
    })
}

/// How many letters and digits at the start of a token, at `at`, belong to an escape, if the token goes on behind it.
pub(super) fn escape_tail(text: &[u8], at: usize) -> usize {
    if !may_begin_with_escape(text, at) {
        return 0;
    }
    let goes_on = |tail: &usize| text.get(at + tail).is_some_and(u8::is_ascii_alphanumeric);
    let tails = (1..=ESCAPE_TAIL_MAX).take_while(goes_on);
    tails.filter(|tail| is_escape_before(text, at + tail)).last().unwrap_or(0)
}

fn is_word_char_before(text: &[u8], at: usize) -> bool {
    let Some(last) = at.checked_sub(1).map(|i| text[i]) else { return false };
    if last.is_ascii() {
        return last.is_ascii_alphanumeric() || last == b'_';
    }
    let start = (at.saturating_sub(4)..at).rev().find(|i| text[*i] & 0xc0 != 0x80);
    start.is_some_and(|start| first_char(&text[start..at]).is_some_and(joins_words))
}

fn is_word_char_after(text: &[u8], at: usize) -> bool {
    let rest = &text[at..];
    match rest.first() {
        None => false,
        Some(byte) if byte.is_ascii() => byte.is_ascii_alphanumeric() || *byte == b'_',
        Some(_) => first_char(&rest[..rest.len().min(4)]).is_some_and(joins_words),
    }
}

/// The first character, if the bytes start with a whole one.
fn first_char(bytes: &[u8]) -> Option<char> {
    bytes.utf8_chunks().next()?.valid().chars().next()
}

/// Letters and digits of scripts that put spaces between words. Han, Kana, Hangul and Thai do not: there, a character
/// beside a number is a boundary.
fn joins_words(c: char) -> bool {
    c.is_alphanumeric() && !has_no_word_spaces(c)
}

/// Whether a character belongs to a script that puts no spaces between words.
pub(super) fn has_no_word_spaces(c: char) -> bool {
    matches!(c as u32,
        0x0e00..=0x0eff | 0x1000..=0x109f | 0x1780..=0x17ff | 0x3040..=0x30ff | 0x3400..=0x4dbf | 0x4e00..=0x9fff
        | 0xac00..=0xd7af | 0xf900..=0xfaff | 0x20000..=0x3ffff)
}

/// A decimal fraction, a dotted or dashed number, a UUID that reaches over the left edge.
fn continues_number_before(text: &[u8], at: usize) -> bool {
    let before = &text[..at];
    let [rest @ .., separator] = before else { return false };
    match separator {
        b',' if rest.last().is_some_and(u8::is_ascii_digit) => {
            // What starts with a letter or a plus is the next field.
            text.get(at).is_some_and(u8::is_ascii_digit)
                && (is_group(&text[at..]) || is_zero(rest))
                && !is_row(text, at - 1)
        }
        b'.' | b':' | b'/' | b'-' if rest.last().is_some_and(u8::is_ascii_digit) => true,
        b'-' | b'+' if is_in_powers_of_ten(&text[at..]) => true,
        b'-' => ends_with_uuid_group(rest),
        // `13~+2021…`, `6.2+2020…`: the versions of packages.
        b'~' => true,
        b'+' => text.get(at) == Some(&b'+') || rest.last().is_some_and(|byte| byte.is_ascii_digit() || *byte == b'~'),
        _ => false,
    }
}

/// Whether a text starts with a number in powers of ten, as `635806667E27` behind its sign.
fn is_in_powers_of_ten(text: &[u8]) -> bool {
    let digits = |from: usize| text[from..].iter().take(LOOK_BYTES).take_while(|byte| byte.is_ascii_digit()).count();
    let mantissa = digits(0);
    let Some(b'E' | b'e') = text.get(mantissa) else { return false };
    let sign = usize::from(matches!(text.get(mantissa + 1), Some(b'+' | b'-')));
    let power = digits(mantissa + 1 + sign);
    let end = mantissa + 1 + sign + power;
    mantissa > 0 && (1..=POWER_DIGITS_MAX).contains(&power) && !text.get(end).is_some_and(u8::is_ascii_alphanumeric)
}

/// Digits of the largest power of ten that a number has.
const POWER_DIGITS_MAX: usize = 3;

/// Whether a text starts with at most three digits and no letter behind them, as behind a comma that separates thousands
/// or decimals. More digits, or digits and letters, are the next field of a list.
fn is_group(text: &[u8]) -> bool {
    let digits = text.iter().take(GROUP_DIGITS_MAX + 1).take_while(|byte| byte.is_ascii_digit()).count();
    digits <= GROUP_DIGITS_MAX && !text.get(digits).is_some_and(u8::is_ascii_alphabetic)
}

/// Whether a text starts with decimals and a unit stuck on, as in `50EUR`. One letter alone is that of a house.
fn is_amount(text: &[u8]) -> bool {
    let digits = text.iter().take(GROUP_DIGITS_MAX + 1).take_while(|byte| byte.is_ascii_digit()).count();
    let is_letter = |byte: &&u8| byte.is_ascii_alphabetic() || !byte.is_ascii();
    let letters = text[digits..].iter().take(LOOK_BYTES).take_while(is_letter).count();
    digits <= GROUP_DIGITS_MAX && letters >= 2 && !text.get(digits + letters).is_some_and(u8::is_ascii_digit)
}

/// Digits of a group of thousands.
const GROUP_DIGITS_MAX: usize = 3;

/// Whether the last token of a text starts with a digit, as numbers do that a comma may go on.
fn ends_with_number(text: &[u8]) -> bool {
    let token = text.iter().rev().take(LOOK_BYTES).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    text[text.len() - token..].first().is_some_and(u8::is_ascii_digit)
}

/// Whether a text ends with the number zero, behind which a comma is a decimal one.
fn is_zero(text: &[u8]) -> bool {
    matches!(text, [b'0'] | [.., b'\0'..=b'/' | b':'..=b'\x7f', b'0'])
}

/// Whether a comma between digits stands in a row of comma-separated fields: near it on its line another one stands tight
/// between two characters of which one belongs to a word or is a quote, as no comma of a number or of prose does.
fn is_row(text: &[u8], comma: usize) -> bool {
    let near = comma.saturating_sub(LOOK_BYTES - 1)..text.len().min(comma + LOOK_BYTES);
    let start = memrchr2(b'\n', b'\r', &text[near.start..comma]).map_or(near.start, |feed| near.start + feed + 1);
    let end = memchr2(b'\n', b'\r', &text[comma..near.end]).map_or(near.end, |feed| comma + feed);
    let is_word = |byte: u8| byte.is_ascii_alphabetic() || byte == b'"' || !byte.is_ascii();
    let is_tight = |three: &[u8]| {
        let [before, b',', behind] = three else { return false };
        !behind.is_ascii_whitespace() && !before.is_ascii_whitespace() && (is_word(*before) || is_word(*behind))
    };
    text[start..end].windows(3).any(is_tight)
}

/// The same over the right edge. A full stop or comma before a space or the end is punctuation.
fn continues_number_after(text: &[u8], at: usize) -> bool {
    let [separator, rest @ ..] = &text[at..] else { return false };
    match separator {
        b',' if rest.first().is_some_and(u8::is_ascii_digit) => {
            (is_group(rest) || is_amount(rest)) && ends_with_number(&text[..at]) && !is_row(text, at)
        }
        b'.' | b':' | b'/' | b'-' if rest.first().is_some_and(u8::is_ascii_digit) => true,
        b'-' => starts_with_uuid_group(rest),
        b'~' => true,
        _ => false,
    }
}

/// `…-a71f` before a dash, as in a UUID.
fn ends_with_uuid_group(text: &[u8]) -> bool {
    text.len() > 4 && text[text.len() - 5] == b'-' && text[text.len() - 4..].iter().all(u8::is_ascii_hexdigit)
}

fn starts_with_uuid_group(text: &[u8]) -> bool {
    text.len() > 4 && text[4] == b'-' && text[..4].iter().all(u8::is_ascii_hexdigit)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks the boundary of the bytes between the last `[` and `]`.
    fn holds(boundary: Boundary, marked: &str) -> bool {
        let start = marked.rfind('[').expect("mark");
        let end = marked.find(']').expect("mark") - 1;
        let mut text = marked.to_owned();
        text.remove(end + 1);
        text.remove(start);
        left_holds(boundary, text.as_bytes(), start) && right_holds(boundary, text.as_bytes(), end)
    }

    #[test]
    fn identifiers_end_where_numbers_end() {
        let rows = [
            ("PESEL: [44051401458].", true),
            ("[44051401458]", true),
            ("0.[123456789]", false),
            ("[123456789].25", false),
            ("[123456789], and", true),
            ("1,[44051401458],Jan", true),
            ("85041512345,[44051401458],85041512346", true),
            ("0,[123456789]", false),
            ("-0,[123456789]", false),
            ("10,[123456789]", true),
            ("[123456789],50", false),
            ("[123456789],50zł", false),
            ("[123456789],00EUR", false),
            ("[123456789],5kg", false),
            ("[123456789],5A", true),
            ("[123456789],2PK4", true),
            ("Ann,[123456789],50zł", true),
            ("1,[234]", false),
            ("1,[12-3456789],Paris", true),
            ("1,[2PK4-DU8]", true),
            ("1,[23]e5", false),
            ("Rome,1,[12-3456789],4", true),
            ("0,[4539148803436467],Ann", true),
            ("\"Ann\",[44051401458],35", true),
            ("Ann,2\n0,[123456789]", false),
            ("cost 1,[234] or 5, and so", false),
            ("Paris;0,[123456789];Ann", false),
            ("f(0,[123456789], x)", false),
            ("1,[PL61109010140000071219812874]", true),
            ("[PL61109010140000071219812874],4", true),
            ("4,[+48601234567]", true),
            ("4.[ABA300000]", false),
            ("[123],456", false),
            ("1-[234567890]", false),
            ("550e8400-e29b-41d4-a716-[446655440000]", false),
            ("550e8400-e29b-41d4-a71f-[446655440000]", false),
            ("[12345678]-abcd-", false),
            ("a[123456789]", false),
            ("ł[123456789]", false),
            ("号[123456789]号", true),
            ("\\n[123456789]", true),
            ("id%3D[123456789]", true),
            ("id\\u003d[123456789]", true),
            ("id\\x3d[123456789]", true),
            ("\x1b[1;31m[123456789]", true),
            ("id\\u00[123456789]", false),
            ("u003d[123456789]", false),
            ("31m[123456789]", false),
            ("nr_[123456789]", false),
            ("tel-[123456789]", true),
            ("12~+[20210309259]", false),
            ("12~[+20210309259]", false),
            ("c+[+20210309259]", false),
            ("6.2+[20200212]", false),
            ("name+[20200212]", true),
            ("[20200212]~exp1", false),
        ];
        for (marked, expected) in rows {
            assert_eq!(holds(Boundary::Identifier, marked), expected, "{marked}");
        }
    }

    #[test]
    fn tokens_and_words_differ_in_their_neighbours() {
        let rows = [
            (Boundary::Token, "KEY_[ghp_a]", true),
            (Boundary::Token, "x[ghp_a]", false),
            (Boundary::Token, "[ghp_a]b", false),
            (Boundary::Token, "[ghp_a]\u{142}", true),
            (Boundary::Token, "set[Acme]", false),
            (Boundary::Name, "set[Acme]", true),
            (Boundary::Name, "withMy[Acme]", true),
            (Boundary::Name, "a1[Acme]", false),
            (Boundary::Name, "SET[Acme]", false),
            (Boundary::Name, "set[acme]", false),
            (Boundary::Name, "java -D[acme]", true),
            (Boundary::Name, "\"-D[acme]", true),
            (Boundary::Name, "x-D[acme]", false),
            (Boundary::Name, "gradle -P[acme]", true),
            (Boundary::Name, "KEY_[acme]", true),
            (Boundary::Name, "[acme]-prod", true),
            (Boundary::Name, "[acme]_2", true),
            (Boundary::Name, "[acme]-4fKq90xZ", false),
            (Boundary::Name, "[acme]+4fKq90xZ", false),
            (Boundary::Name, "[acme]_4fKq90x", true),
            (Boundary::Name, "[acme]=", false),
            (Boundary::Name, "[acme]==\n", false),
            (Boundary::Name, "[acme]=x", true),
            (Boundary::Name, "[acme]/4fKq90xZ", true),
            (Boundary::Word, "_[poufne]", false),
            (Boundary::Word, "\\n[poufne]", true),
            (Boundary::Word, "%20[poufne]", true),
            (Boundary::Word, "[poufne]\u{142}", false),
            (Boundary::Word, "([poufne])", true),
            (Boundary::None, "x[y]z", true),
        ];
        for (boundary, marked, expected) in rows {
            assert_eq!(holds(boundary, marked), expected, "{boundary:?} {marked}");
        }
    }
}
