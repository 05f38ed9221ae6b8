//! RTF as a row of tokens. Every byte string is one: what is no control word is text.

/// Longest control word that is looked at as one; the format allows 32 letters.
const WORD_BYTES_MAX: usize = 64;

/// A token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'d> {
    /// `{`
    Open,
    /// `}`
    Close,
    /// A control word with its number: `\u261`.
    Word(&'d str, Option<i32>),
    /// A backslash and one other character.
    Symbol(u8),
    /// A byte in two hexadecimal digits.
    Hex(u8),
    /// Bytes behind `\bin`, which are no RTF.
    Binary(&'d [u8]),
    /// Anything else, without line ends, which mean nothing.
    Text(&'d [u8]),
}

/// Cuts a document into tokens.
pub(super) struct Tokens<'d> {
    bytes: &'d [u8],
    at: usize,
}

impl<'d> Tokens<'d> {
    pub(super) fn new(bytes: &'d [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Where the next token starts.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// The next token and where it starts.
    pub(super) fn next(&mut self) -> Option<(usize, Token<'d>)> {
        while matches!(self.bytes.get(self.at), Some(b'\r' | b'\n')) {
            self.at += 1;
        }
        let start = self.at;
        let token = match *self.bytes.get(start)? {
            b'{' => self.single(Token::Open),
            b'}' => self.single(Token::Close),
            b'\\' => self.control(),
            _ => self.text(),
        };
        Some((start, token))
    }

    fn single(&mut self, token: Token<'d>) -> Token<'d> {
        self.at += 1;
        token
    }

    fn text(&mut self) -> Token<'d> {
        let rest = &self.bytes[self.at..];
        let len =
            rest.iter().position(|byte| matches!(byte, b'{' | b'}' | b'\\' | b'\r' | b'\n')).unwrap_or(rest.len());
        self.at += len;
        Token::Text(&rest[..len])
    }

    fn control(&mut self) -> Token<'d> {
        let rest = &self.bytes[self.at + 1..];
        match rest.first() {
            None => {
                self.at += 1;
                Token::Symbol(b'\\')
            }
            Some(b'\'') => {
                let digit = |at: usize| rest.get(at).and_then(|byte| char::from(*byte).to_digit(16));
                match (digit(1), digit(2)) {
                    (Some(high), Some(low)) => {
                        self.at += 4;
                        Token::Hex((high * 16 + low) as u8)
                    }
                    _ => {
                        self.at += 2;
                        Token::Symbol(b'\'')
                    }
                }
            }
            Some(byte) if byte.is_ascii_alphabetic() => self.word(rest),
            Some(byte) => {
                self.at += 2;
                Token::Symbol(*byte)
            }
        }
    }

    fn word(&mut self, rest: &'d [u8]) -> Token<'d> {
        let len = rest.iter().take(WORD_BYTES_MAX).take_while(|byte| byte.is_ascii_alphabetic()).count();
        let name = std::str::from_utf8(&rest[..len]).unwrap_or_default();
        let (number, number_len) = number(&rest[len..]);
        let mut end = len + number_len;
        if rest.get(end) == Some(&b' ') {
            end += 1;
        }
        self.at += 1 + end;
        if name != "bin" {
            return Token::Word(name, number);
        }
        let claimed = usize::try_from(number.unwrap_or(0)).unwrap_or(0);
        let bytes = &rest[end..];
        let bytes = &bytes[..claimed.min(bytes.len())];
        self.at += bytes.len();
        Token::Binary(bytes)
    }
}

/// A number with sign and how long it is. What overflows is no number that means anything.
fn number(bytes: &[u8]) -> (Option<i32>, usize) {
    let sign = usize::from(bytes.first() == Some(&b'-'));
    let digits = bytes[sign..].iter().take(WORD_BYTES_MAX).take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 {
        return (None, 0);
    }
    let text = std::str::from_utf8(&bytes[..sign + digits]).unwrap_or_default();
    (text.parse().ok(), sign + digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_become_tokens() {
        let rows: [(&[u8], &[Token<'_>]); 12] = [
            (b"", &[]),
            (b"a\r\nb", &[Token::Text(b"a"), Token::Text(b"b")]),
            (b"{\\b x}", &[Token::Open, Token::Word("b", None), Token::Text(b"x"), Token::Close]),
            (b"\\u-12?", &[Token::Word("u", Some(-12)), Token::Text(b"?")]),
            (b"\\fs24text", &[Token::Word("fs", Some(24)), Token::Text(b"text")]),
            (b"\\fs99999999999 x", &[Token::Word("fs", None), Token::Text(b"x")]),
            (b"\\'b9\\'zz", &[Token::Hex(0xB9), Token::Symbol(b'\''), Token::Text(b"zz")]),
            (b"\\{\\~", &[Token::Symbol(b'{'), Token::Symbol(b'~')]),
            (b"\\bin3 {{}x", &[Token::Binary(b"{{}"), Token::Text(b"x")]),
            (b"\\bin900 ab", &[Token::Binary(b"ab")]),
            (b"\\bin-1 ab", &[Token::Binary(b""), Token::Text(b"ab")]),
            (b"a\\", &[Token::Text(b"a"), Token::Symbol(b'\\')]),
        ];
        for (bytes, expected) in rows {
            let mut tokens = Tokens::new(bytes);
            let found: Vec<Token<'_>> = std::iter::from_fn(|| tokens.next().map(|(_, token)| token)).collect();
            assert_eq!(found, expected, "{}", String::from_utf8_lossy(bytes));
        }
    }
}
