//! Character maps: from the codes of a font to Unicode.

use super::tokens::{Token, Tokens};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Entries kept of one map; the biggest honest ones have one for each character of Unicode's first plane.
const ENTRIES_MAX: usize = 200_000;

/// A `ToUnicode` map.
#[derive(Debug, Default)]
pub(super) struct CharacterMap {
    /// Number of bytes, first and last code of each code space.
    spaces: Vec<(usize, u32, u32)>,
    single: BTreeMap<u32, String>,
    ranges: Vec<Range>,
}

#[derive(Debug)]
struct Range {
    first: u32,
    last: u32,
    /// UTF-16 units for the first code; the last unit grows with the code.
    units: Vec<u16>,
}

impl CharacterMap {
    /// Reads a map; what is broken in it is skipped.
    pub(super) fn parse(bytes: &[u8]) -> Self {
        let mut map = Self::default();
        let mut tokens = Tokens::new(bytes);
        while let Some(token) = tokens.next() {
            match token {
                Token::Word(b"begincodespacerange") => map.read_spaces(&mut tokens),
                Token::Word(b"beginbfchar") => map.read_singles(&mut tokens),
                Token::Word(b"beginbfrange") => map.read_ranges(&mut tokens),
                _ => {}
            }
        }
        map
    }

    /// Whether it maps nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.single.is_empty() && self.ranges.is_empty()
    }

    fn is_full(&self) -> bool {
        self.single.len() + self.ranges.len() >= ENTRIES_MAX
    }

    fn read_spaces(&mut self, tokens: &mut Tokens<'_>) {
        while let (Some(Token::Hex(first)), Some(Token::Hex(last))) = (tokens.next(), tokens.next()) {
            if (1..=4).contains(&first.len()) && !self.is_full() {
                self.spaces.push((first.len(), code(&first), code(&last)));
            }
        }
        // The shortest code space that fits wins.
        self.spaces.sort_unstable();
        self.spaces.dedup();
        /// The standard's own maps have four.
        const SPACES_MAX: usize = 64;
        self.spaces.truncate(SPACES_MAX);
    }

    fn read_singles(&mut self, tokens: &mut Tokens<'_>) {
        while let Some(Token::Hex(from)) = tokens.next() {
            match tokens.next() {
                Some(Token::Hex(to)) if !self.is_full() => {
                    self.single.insert(code(&from), utf16(&units(&to)));
                }
                Some(Token::Hex(_) | Token::Name(_)) => {}
                _ => return,
            }
        }
    }

    fn read_ranges(&mut self, tokens: &mut Tokens<'_>) {
        while let (Some(Token::Hex(first)), Some(Token::Hex(last))) = (tokens.next(), tokens.next()) {
            let (first, last) = (code(&first), code(&last));
            match tokens.next() {
                Some(Token::Hex(to)) if !self.is_full() => {
                    self.ranges.push(Range { first, last, units: units(&to) });
                }
                Some(Token::Open) => self.read_list(first, tokens),
                Some(_) => {}
                None => return,
            }
        }
    }

    fn read_list(&mut self, first: u32, tokens: &mut Tokens<'_>) {
        let mut next = first;
        for token in tokens.by_ref() {
            match token {
                Token::Hex(to) if !self.is_full() => {
                    self.single.insert(next, utf16(&units(&to)));
                }
                Token::Close | Token::Word(_) => return,
                _ => {}
            }
            next = next.saturating_add(1);
        }
    }

    /// Splits bytes into codes: value and length.
    pub(super) fn codes<'a>(&'a self, bytes: &'a [u8], otherwise: usize) -> impl Iterator<Item = u32> + 'a {
        let mut rest = bytes;
        std::iter::from_fn(move || {
            let len = self.code_len(rest, otherwise).min(rest.len());
            let (front, tail) = rest.split_at(len);
            rest = tail;
            (!front.is_empty()).then(|| code(front))
        })
    }

    fn code_len(&self, bytes: &[u8], otherwise: usize) -> usize {
        let fits = |(len, first, last): &&(usize, u32, u32)| {
            bytes.get(..*len).is_some_and(|front| (*first..=*last).contains(&code(front)))
        };
        self.spaces.iter().find(fits).map_or(otherwise, |(len, ..)| *len)
    }

    /// The text of a code.
    pub(super) fn text(&self, code: u32) -> Option<Cow<'_, str>> {
        if let Some(text) = self.single.get(&code) {
            return Some(Cow::Borrowed(text));
        }
        let range = self.ranges.iter().find(|range| (range.first..=range.last).contains(&code))?;
        let (last, front) = range.units.split_last()?;
        let step = u16::try_from(code - range.first).ok()?;
        Some(Cow::Owned(utf16(&[front, &[last.wrapping_add(step)]].concat())))
    }
}

/// Up to four bytes as a number; of more, the last four.
pub(super) fn code(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |code, byte| (code << 8) | u32::from(*byte))
}

fn units(bytes: &[u8]) -> Vec<u16> {
    match bytes {
        [byte] => vec![u16::from(*byte)],
        _ => bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect(),
    }
}

fn utf16(units: &[u16]) -> String {
    String::from_utf16_lossy(units)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_are_read_as_far_as_they_make_sense() {
        let check = |map: &str, bytes: &[u8], expected: &str| {
            let map = CharacterMap::parse(map.as_bytes());
            let text: String = map.codes(bytes, 2).map(|code| map.text(code).unwrap_or("?".into())).collect();
            assert_eq!(text, expected);
        };
        let wide = "1 begincodespacerange <0000> <FFFF> endcodespacerange ";
        check(&format!("{wide} 1 beginbfchar <0003> <0041> endbfchar"), &[0, 3, 0, 4], "A?");
        check(&format!("{wide} 1 beginbfrange <0003> <0005> <0041> endbfrange"), &[0, 3, 0, 5, 0, 6], "AC?");
        check(&format!("{wide} 1 beginbfrange <0003> <0004> [<0041> <00660069>] endbfrange"), &[0, 3, 0, 4], "Afi");
        check(&format!("{wide} 1 beginbfchar <0003> <D83DDE00> endbfchar"), &[0, 3], "\u{1F600}");
        check("1 begincodespacerange <00> <FF> endcodespacerange 1 beginbfchar <41> <5A> endbfchar", b"A", "Z");
        check(&format!("{wide} 1 beginbfrange <0005> <0003> <0041> endbfrange"), &[0, 4], "?");
        check(&format!("{wide} 1 beginbfrange <0005> <0006>"), &[0, 5], "?");
        check("", &[0, 3], "?");
    }
}
