//! Text from outside, made safe to show: file names, paths, hosts and user names are chosen by others.

/// Longest text from outside that a record keeps, in characters.
const TEXT_CHARS_MAX: usize = 1_024;

/// Escapes control characters and those that change the writing direction, so that a name can neither end a line, nor
/// move a cursor, nor show itself backwards. Cuts what is longer than anybody reads.
pub(super) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len().min(TEXT_CHARS_MAX));
    for (index, c) in text.chars().enumerate() {
        if index == TEXT_CHARS_MAX {
            shown.push('…');
            break;
        }
        if needs_escape(c) { shown.extend(c.escape_unicode()) } else { shown.push(c) }
    }
    shown
}

fn needs_escape(c: char) -> bool {
    let changes_direction = matches!(
        c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    c.is_control() || changes_direction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_and_direction_characters_are_escaped() {
        let rows = [
            ("raport końcowy.pdf", "raport końcowy.pdf"),
            ("a\nb\u{1b}[2J", "a\\u{a}b\\u{1b}[2J"),
            ("fdp.\u{202e}exe", "fdp.\\u{202e}exe"),
            ("\u{2028}", "\\u{2028}"),
        ];
        for (text, expected) in rows {
            assert_eq!(printable(text), expected, "{text:?}");
        }
    }

    #[test]
    fn long_text_is_cut() {
        assert_eq!(printable(&"x".repeat(5_000)).chars().count(), TEXT_CHARS_MAX + 1);
    }
}
