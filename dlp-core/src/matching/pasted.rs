//! A drawn value that stands alone with the name of its vendor, as people paste it into a note: `acme VALUE`, or the name on
//! one line and the value on the next.
//!
//! What stands beside a vendor's name may be anything of that vendor's: a digest, an id, a name in a program. Where the lines
//! hold nothing else, and the value has small letters, capitals and digits as only chance mixes them, it is none of these.

use std::ops::Range;

/// Shortest value: ids of videos and documents, and names of parts, are shorter.
const LEN_MIN: usize = 20;

/// Bytes that may stand before the name on its line: `// `, `- `, `* `, `# `.
const MARKS_MAX: usize = 6;

/// Bytes behind the value that are looked at for the end of its line: where more blanks stand, it is not alone.
const BLANKS_MAX: usize = 64;

/// Whether the match is all that its lines hold, and its value is drawn.
pub(super) fn is_pasted(text: &[u8], whole: &Range<usize>, value: &Range<usize>) -> bool {
    stands_alone(text, whole, value) && is_drawn(&text[value.clone()])
}

fn stands_alone(text: &[u8], whole: &Range<usize>, value: &Range<usize>) -> bool {
    let before = &text[whole.start.saturating_sub(MARKS_MAX)..whole.start];
    let starts_line = before.contains(&b'\n') || before.len() == whole.start;
    let marks = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    let is_mark = |byte: &u8| b"#*-/>; \t\r".contains(byte);
    let label = &text[whole.start..value.start];
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b" \t\r\n:.-_".contains(byte);
    let behind = &text[value.end..];
    let blanks = behind.iter().take(BLANKS_MAX).take_while(|byte| b" \t".contains(byte)).count();
    starts_line
        && marks.iter().all(is_mark)
        && label.iter().all(is_name)
        && behind.get(blanks).is_none_or(|byte| b"\r\n\0".contains(byte))
}

/// Small letters, capitals and digits, of which one is followed by one of another kind as often as chance has it: two times in
/// three. In names and in words joined to one it is one time in five.
fn is_drawn(value: &[u8]) -> bool {
    let kind = |byte: &u8| match byte {
        b'a'..=b'z' => 0,
        b'A'..=b'Z' => 1,
        b'0'..=b'9' => 2,
        _ => 3,
    };
    let mut counts = [0; 4];
    value.iter().for_each(|byte| counts[kind(byte)] += 1);
    let changes = value.windows(2).filter(|pair| kind(&pair[0]) != kind(&pair[1])).count();
    value.len() >= LEN_MIN && counts[..3].iter().all(|count| *count >= 2) && changes * 5 >= value.len() * 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pasted_value_stands_alone_and_is_drawn() {
        let drawn = "7hGno6Kbzy5hdRs4Klpv9qXwm2tB8cfJ";
        let wide = format!("acme @{}\n", " ".repeat(BLANKS_MAX + 1));
        let rows = [
            ("acme @", drawn, true),
            ("acme @\n", drawn, true),
            ("notes\n# acme @\r\nmore", drawn, true),
            ("acme:\n  @\n", drawn, true),
            ("acme @ \t\n", drawn, true),
            (&wide, drawn, false),
            ("of acme @\n", drawn, false),
            ("acme @ and more\n", drawn, false),
            ("acme(@)\n", drawn, false),
            ("acme/@\n", drawn, false),
            ("acme @\n", "0f1e2d3c4b5a69788796a5b4c3d2e1f0", false),
            ("acme @\n", "searchContentUsingQuery2Of3Parts", false),
            ("acme @\n", "7hGno6Kbzy5hdRs4", false),
        ];
        for (text, value, expected) in rows {
            let start = text.find('@').expect("a place for the value");
            let name = text.find("acme").expect("a name");
            let text = text.replace('@', value);
            let span = start..start + value.len();
            assert_eq!(is_pasted(text.as_bytes(), &(name..span.end), &span), expected, "{text}");
        }
    }
}
