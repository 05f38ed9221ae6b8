//! Splits page descriptions and character maps into tokens.
//!
//! Never fails and never recurses: brackets are tokens of their own, so a hundred thousand nested arrays are a hundred
//! thousand tokens and nothing more.

use super::streams::from_hex;

/// A piece of PDF syntax.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token<'a> {
    Number(f64),
    /// A literal string, escapes resolved.
    Text(Vec<u8>),
    /// A hexadecimal string.
    Hex(Vec<u8>),
    Name(Vec<u8>),
    Open,
    Close,
    /// `<<` or `>>`.
    Dictionary,
    /// Operators and keywords.
    Word(&'a [u8]),
}

/// Walks over bytes.
#[derive(Clone, Debug)]
pub(super) struct Tokens<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Jumps behind the data of an inline image, which starts behind the word `ID`.
    pub(super) fn skip_image_data(&mut self) {
        let rest = self.rest();
        let is_end = |at: &usize| {
            let before = at.checked_sub(1).and_then(|index| rest.get(index)).is_none_or(|byte| is_space(*byte));
            before && rest.get(at + 2).is_none_or(|byte| is_space(*byte))
        };
        let end = memchr::memmem::find_iter(rest, b"EI").find(is_end);
        self.at = end.map_or(self.bytes.len(), |end| self.at + end + 2);
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or(&[])
    }

    fn skip_space(&mut self) {
        while let Some(byte) = self.rest().first() {
            match byte {
                b'%' => self.at += self.rest().iter().take_while(|byte| !matches!(byte, b'\n' | b'\r')).count(),
                byte if is_space(*byte) => self.at += 1,
                _ => return,
            }
        }
    }

    /// A literal string; the opening parenthesis is behind us. An unclosed one ends with the bytes.
    fn literal(&mut self) -> Vec<u8> {
        let mut text = Vec::new();
        let mut depth = 0_u32;
        while let Some(byte) = self.rest().first() {
            self.at += 1;
            match byte {
                b')' if depth == 0 => break,
                b')' => depth -= 1,
                b'(' => depth = depth.saturating_add(1),
                b'\\' => {
                    self.escape(&mut text);
                    continue;
                }
                _ => {}
            }
            text.push(*byte);
        }
        text
    }

    fn escape(&mut self, text: &mut Vec<u8>) {
        let Some(byte) = self.rest().first() else { return };
        self.at += 1;
        match byte {
            b'n' => text.push(b'\n'),
            b'r' => text.push(b'\r'),
            b't' => text.push(b'\t'),
            b'b' => text.push(8),
            b'f' => text.push(12),
            b'\r' => self.at += usize::from(self.rest().first() == Some(&b'\n')),
            b'\n' => {}
            b'0'..=b'7' => {
                self.at -= 1;
                let digits = self.rest().iter().take(3).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
                let value =
                    self.rest()[..digits].iter().fold(0_u32, |value, digit| value * 8 + u32::from(digit - b'0'));
                self.at += digits;
                // Codes above 255 keep their low byte, as the standard asks.
                text.push((value & 0xFF) as u8);
            }
            other => text.push(*other),
        }
    }

    fn hex(&mut self) -> Vec<u8> {
        let rest = self.rest();
        let len = memchr::memchr(b'>', rest).unwrap_or(rest.len());
        self.at += (len + 1).min(rest.len());
        from_hex(&rest[..len])
    }

    fn name(&mut self) -> Vec<u8> {
        let raw = self.regular();
        let mut name = Vec::with_capacity(raw.len());
        let mut rest = raw;
        while let Some((byte, tail)) = rest.split_first() {
            rest = tail;
            match (byte, tail.get(..2).map(from_hex)) {
                (b'#', Some(code)) if tail[..2].iter().all(u8::is_ascii_hexdigit) => {
                    name.extend_from_slice(&code);
                    rest = &tail[2..];
                }
                _ => name.push(*byte),
            }
        }
        name
    }

    /// The run of regular characters from here on.
    fn regular(&mut self) -> &'a [u8] {
        let rest = self.rest();
        let len = rest.iter().take_while(|byte| !is_space(**byte) && !is_delimiter(**byte)).count();
        self.at += len;
        &rest[..len]
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.skip_space();
        let rest = self.rest();
        let (first, tail) = rest.split_first()?;
        let token = match first {
            b'<' | b'>' if tail.first() == Some(first) => {
                self.at += 2;
                return Some(Token::Dictionary);
            }
            b'(' | b'<' | b'/' | b'[' | b']' | b')' | b'>' | b'{' | b'}' => {
                self.at += 1;
                first
            }
            _ => {
                let word = self.regular();
                return Some(number(word).map_or(Token::Word(word), Token::Number));
            }
        };
        Some(match token {
            b'(' => Token::Text(self.literal()),
            b'<' => Token::Hex(self.hex()),
            b'/' => Token::Name(self.name()),
            b'[' => Token::Open,
            b']' => Token::Close,
            _ => Token::Word(&rest[..1]),
        })
    }
}

/// Numbers as they occur, also the `--5`, `-` and `1-2` of broken producers: signs without digits are nothing, and of
/// two numbers the first counts.
fn number(word: &[u8]) -> Option<f64> {
    if !word.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+')) {
        return None;
    }
    let text = std::str::from_utf8(word).ok()?;
    let digits = text.trim_start_matches(['+', '-']);
    let value: f64 = digits.split(['-', '+']).next()?.parse().unwrap_or(0.0);
    Some(if text.starts_with('-') { -value } else { value })
}

fn is_space(byte: u8) -> bool {
    matches!(byte, 0 | b'\t' | b'\n' | 12 | b'\r' | b' ')
}

fn is_delimiter(byte: u8) -> bool {
    matches!(byte, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syntax_falls_into_tokens() {
        let check = |bytes: &[u8], expected: &[Token<'_>]| {
            assert_eq!(Tokens::new(bytes).collect::<Vec<_>>(), expected, "{}", String::from_utf8_lossy(bytes));
        };
        let text = |text: &[u8]| Token::Text(text.to_vec());
        check(b"(a(b)c) Tj", &[text(b"a(b)c"), Token::Word(b"Tj")]);
        check(b"(\\101\\)\\\n\\n) '", &[text(b"A)\n"), Token::Word(b"'")]);
        check(b"(open", &[text(b"open")]);
        check(b"<41 4", &[Token::Hex(b"A@".to_vec())]);
        check(
            b"[<41>-12.5]TJ",
            &[Token::Open, Token::Hex(b"A".to_vec()), Token::Number(-12.5), Token::Close, Token::Word(b"TJ")],
        );
        check(b"/F#31 % comment\n--5 +.5", &[Token::Name(b"F1".to_vec()), Token::Number(-5.0), Token::Number(0.5)]);
        check(b"<</A 1>>", &[Token::Dictionary, Token::Name(b"A".to_vec()), Token::Number(1.0), Token::Dictionary]);
        check(b"[-(a)]", &[Token::Open, Token::Number(0.0), text(b"a"), Token::Close]);
        check(b") > }", &[Token::Word(b")"), Token::Word(b">"), Token::Word(b"}")]);
        check(b"\\", &[Token::Word(b"\\")]);
        check(b"", &[]);
    }

    #[test]
    fn image_data_is_skipped() {
        let mut tokens = Tokens::new(b"ID \x00(EIEI\xFF EI Q");
        assert_eq!(tokens.next(), Some(Token::Word(b"ID")));
        tokens.skip_image_data();
        assert_eq!(tokens.next(), Some(Token::Word(b"Q")));
    }
}
