//! Matched bytes, which show a mask wherever they are printed and are wiped when dropped.

use std::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Longest mask in characters; longer values are shown shortened, which also hides their length.
pub(crate) const MASK_LEN_MAX: usize = 24;

/// As many stars as a mask has at most.
const STARS: &str = "************************";
const _: () = assert!(STARS.len() == MASK_LEN_MAX, "a mask is made of stars");

/// A matched value. `Debug` prints its length only, `Display` does not exist; [`Secret::masked`] is what people see.
#[derive(Clone, PartialEq, Eq, Hash, Zeroize, ZeroizeOnDrop)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Takes a copy of the bytes.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    /// The raw bytes. Only for validation, keyed hashing and `--reveal`.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Length in characters; bytes that are not UTF-8 count as one each.
    #[must_use]
    pub fn chars(&self) -> usize {
        String::from_utf8_lossy(&self.0).chars().count()
    }

    /// The value with all but its last `reveal_last` characters starred, and never more than a quarter shown.
    /// Control characters are starred too, so a mask is safe on a terminal.
    #[must_use]
    pub fn masked(&self, reveal_last: u8) -> String {
        let mut mask = String::with_capacity(MASK_LEN_MAX);
        self.push_mask(reveal_last, &mut mask);
        mask
    }

    /// Appends the same to a text.
    pub(crate) fn push_mask(&self, reveal_last: u8, text: &mut String) {
        // Most values are ASCII, whose bytes are their characters.
        if self.0.is_ascii() {
            let (stars, shown) = mask_of(self.0.len(), reveal_last);
            text.push_str(&STARS[..stars]);
            text.extend(self.0[self.0.len() - shown..].iter().map(|byte| shown_as(char::from(*byte))));
            return;
        }
        let value = String::from_utf8_lossy(&self.0);
        let (stars, shown) = mask_of(value.chars().count(), reveal_last);
        text.push_str(&STARS[..stars]);
        let tail = value.chars().rev().take(shown).collect::<Vec<_>>();
        text.extend(tail.into_iter().rev().map(shown_as));
    }
}

/// A character at the end of a value as a mask shows it.
fn shown_as(c: char) -> char {
    if c.is_ascii_graphic() { c } else { '*' }
}

/// The stars in the mask of so many characters, and how many of the last ones it shows.
fn mask_of(total: usize, reveal_last: u8) -> (usize, usize) {
    let shown = usize::from(reveal_last).min(total / 4);
    ((total - shown).min(MASK_LEN_MAX - shown.min(MASK_LEN_MAX)), shown)
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_never_show_more_than_a_quarter() {
        let rows = [
            ("44051401458", 4, "*********58"),
            ("abc", 4, "***"),
            ("", 4, ""),
            (concat!("ghp_", "0123456789012345678901234567890123"), 4, "********************0123"),
            ("zażółć gęślą jaźń", 2, "*****************"),
            ("1234567\u{1b}", 2, "******7*"),
        ];
        for (value, reveal, expected) in rows {
            assert_eq!(Secret::new(value.as_bytes()).masked(reveal), expected, "{value:?}");
        }
    }

    #[test]
    fn debug_shows_no_byte_of_the_value() {
        assert_eq!(format!("{:?}", Secret::new(b"hunter2")), "Secret(7 bytes)");
    }
}
