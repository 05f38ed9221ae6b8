//! Makes untrusted text safe to show on a terminal.
//!
//! A file name may hold line feeds that fake further findings, escape sequences that recolour or erase the screen, and
//! bidirectional controls that show `gpj.exe` as `exe.jpg`. All of them are shown as escapes instead.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The text with every character that could act on a terminal written as `\n`, `\t`, `\r` or `\u{...}`.
///
/// Backslashes stay as they are, so ordinary names are shown unchanged; the result is for reading, not for parsing.
#[must_use]
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.chars().any(acts_on_terminal) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if acts_on_terminal(c) => {
                write!(out, "\\u{{{:x}}}", u32::from(c)).expect("writing to a string succeeds");
            }
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Running text with every such character written as an escape, except line ends and tabs, which belong to text.
#[must_use]
pub fn escape_lines(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| acts_on_terminal(c) && !matches!(c, '\n' | '\t')) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for piece in text.split_inclusive(['\n', '\t']) {
        let end = ["\r\n", "\n", "\t"].into_iter().find(|end| piece.ends_with(end)).unwrap_or_default();
        out.push_str(&escape(&piece[..piece.len() - end.len()]));
        out.push_str(end);
    }
    Cow::Owned(out)
}

/// Control characters, line and paragraph separators, and everything that changes the direction of text or has no
/// width (Unicode Standard Annex 9 and the format characters of general category Cf that fonts do not draw).
fn acts_on_terminal(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_become_visible() {
        let rows = [
            ("plain/żółć 🔑.txt", "plain/żółć 🔑.txt"),
            ("a\nb:1:1  high", "a\\nb:1:1  high"),
            ("\u{1b}[2Jx", "\\u{1b}[2Jx"),
            ("photo\u{202e}gpj.exe", "photo\\u{202e}gpj.exe"),
            ("c1\u{9b}31m", "c1\\u{9b}31m"),
            ("tab\tcr\r", "tab\\tcr\\r"),
            ("zero\u{200b}width\u{e0041}", "zero\\u{200b}width\\u{e0041}"),
            ("nul\0", "nul\\u{0}"),
        ];
        for (text, expected) in rows {
            assert_eq!(escape(text), expected, "{text:?}");
        }
    }

    #[test]
    fn running_text_keeps_its_lines() {
        let rows = [
            ("plain\tżółć\nnext\r\nlast\n", "plain\tżółć\nnext\r\nlast\n"),
            ("a\t\u{1b}[2J\nb\u{202e}\n", "a\t\\u{1b}[2J\nb\\u{202e}\n"),
            ("over\rwritten\r\n\u{7}", "over\\rwritten\r\n\\u{7}"),
            ("\r", "\\r"),
        ];
        for (text, expected) in rows {
            assert_eq!(escape_lines(text), expected, "{text:?}");
        }
    }
}
