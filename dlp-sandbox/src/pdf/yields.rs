//! Judges a reading: is the text that came out in proportion to what the page shows?
//!
//! Engines return success with nothing in their hands when they do not understand a font. A page that shows text and
//! gives none must not look empty.

/// Shown codes below which nothing is concluded: page numbers, stamps.
const CODES_MIN: usize = 20;
/// Share of the shown codes that must come out as characters. Ligatures and decorative glyphs take some.
const YIELD_MIN: f64 = 0.3;
/// Share of characters that may be unreadable.
const GARBAGE_MAX: f64 = 0.2;

/// Whether a text is as good as can be expected of a page that shows this many codes.
pub(super) fn is_enough(text: &str, codes: usize) -> bool {
    if codes < CODES_MIN {
        return codes == 0 || readable(text) > 0 && garbage(text) <= GARBAGE_MAX;
    }
    let characters = text.chars().filter(|character| !character.is_whitespace()).count();
    characters as f64 >= YIELD_MIN * codes as f64 && garbage(text) <= GARBAGE_MAX
}

/// Whether nothing at all is left to be wished for.
pub(super) fn is_clean(text: &str, codes: usize) -> bool {
    is_enough(text, codes) && garbage(text) == 0.0
}

/// Readable characters of a text.
pub(super) fn readable(text: &str) -> usize {
    text.chars().filter(|character| !character.is_whitespace() && !is_garbage(*character)).count()
}

/// Share of the characters that are no text.
fn garbage(text: &str) -> f64 {
    let (mut all, mut bad) = (0_usize, 0_usize);
    for character in text.chars().filter(|character| !character.is_whitespace()) {
        all += 1;
        bad += usize::from(is_garbage(character));
    }
    if all == 0 { 0.0 } else { bad as f64 / all as f64 }
}

/// Replacement, private use and control characters.
fn is_garbage(character: char) -> bool {
    matches!(character, '\u{FFFD}' | '\u{E000}'..='\u{F8FF}' | '\u{F0000}'..='\u{10FFFD}') || character.is_control()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yield_is_in_proportion() {
        let check = |text: &str, codes, expected| assert_eq!(is_enough(text, codes), expected, "{text} of {codes}");
        check("", 0, true);
        check("", 5, false);
        check("12", 5, true);
        check("\u{FFFD}\u{FFFD}", 2, false);
        check("", 20, false);
        check("twenty characters it is", 23, true);
        check("few", 200, false);
        check("\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}abcdefghij", 20, false);
        check("\u{E001}\u{E002}\u{E003}\u{E004}\u{E005}abcdefghijklmnopqrstuvwxy", 30, true);
        check("     \n      ", 20, false);
    }
}
