//! What may stand directly beside a match: the cheapest precision there is.

use dlp_detector_format::Boundary;

/// Bytes on either side of a match that a boundary looks at. The stream scan keeps at least that many.
pub(super) const LOOK_BYTES: usize = 64;

/// Whether a match may start at `at`.
pub(super) fn left_holds(boundary: Boundary, text: &[u8], at: usize) -> bool {
    match boundary {
        Boundary::None => true,
        Boundary::Token => !is_alnum_before(text, at) || is_escape_before(text, at),
        Boundary::Word => !is_word_char_before(text, at),
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
        Boundary::Word => !is_word_char_after(text, at),
        Boundary::Identifier => !is_word_char_after(text, at) && !continues_number_after(text, at),
    }
}

fn is_alnum_before(text: &[u8], at: usize) -> bool {
    at > 0 && text[at - 1].is_ascii_alphanumeric()
}

/// `\n`, `\t`, `\r` written as two characters, or a percent escape: the letter before belongs to the escape.
fn is_escape_before(text: &[u8], at: usize) -> bool {
    let before = &text[..at];
    let is_backslash_escape = matches!(before, [.., b'\\', b'n' | b'r' | b't']);
    let is_percent_escape = matches!(before, [.., b'%', a, b] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit());
    is_backslash_escape || is_percent_escape
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
    let has_no_word_spaces = matches!(c as u32,
        0x0e00..=0x0eff | 0x1000..=0x109f | 0x1780..=0x17ff | 0x3040..=0x30ff | 0x3400..=0x4dbf | 0x4e00..=0x9fff
        | 0xac00..=0xd7af | 0xf900..=0xfaff | 0x20000..=0x3ffff);
    c.is_alphanumeric() && !has_no_word_spaces
}

/// A decimal fraction, a dotted or dashed number, a UUID that reaches over the left edge.
fn continues_number_before(text: &[u8], at: usize) -> bool {
    let before = &text[..at];
    let [rest @ .., separator] = before else { return false };
    match separator {
        b'.' | b',' | b':' | b'/' | b'-' if rest.last().is_some_and(u8::is_ascii_digit) => true,
        b'-' => ends_with_uuid_group(rest),
        // `13~+2021…`, `6.2+2020…`: the versions of packages.
        b'~' => true,
        b'+' => text.get(at) == Some(&b'+') || rest.last().is_some_and(|byte| byte.is_ascii_digit() || *byte == b'~'),
        _ => false,
    }
}

/// The same over the right edge. A full stop or comma before a space or the end is punctuation.
fn continues_number_after(text: &[u8], at: usize) -> bool {
    let [separator, rest @ ..] = &text[at..] else { return false };
    match separator {
        b'.' | b',' | b':' | b'/' | b'-' if rest.first().is_some_and(u8::is_ascii_digit) => true,
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

    /// Checks the boundary of the bytes between `[` and `]`.
    fn holds(boundary: Boundary, marked: &str) -> bool {
        let start = marked.find('[').expect("mark");
        let end = marked.find(']').expect("mark") - 1;
        let text = marked.replace(['[', ']'], "");
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
            ("1-[234567890]", false),
            ("550e8400-e29b-41d4-a716-[446655440000]", false),
            ("550e8400-e29b-41d4-a71f-[446655440000]", false),
            ("[12345678]-abcd-", false),
            ("a[123456789]", false),
            ("ł[123456789]", false),
            ("号[123456789]号", true),
            ("\\n[123456789]", true),
            ("id%3D[123456789]", true),
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
            (Boundary::Word, "_[poufne]", false),
            (Boundary::Word, "[poufne]\u{142}", false),
            (Boundary::Word, "([poufne])", true),
            (Boundary::None, "x[y]z", true),
        ];
        for (boundary, marked, expected) in rows {
            assert_eq!(holds(boundary, marked), expected, "{boundary:?} {marked}");
        }
    }
}
