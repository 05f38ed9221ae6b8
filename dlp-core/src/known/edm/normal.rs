//! What is done to a value before it is hashed, the same for cells of a table and words of a text.

use super::super::words::Word;
use super::schema::Kind;

/// Changes when a value comes out differently; an index says by which version it was made.
pub(super) const VERSION: u32 = 2;
/// Most words of one value: an e-mail address with dots on both sides has seven.
pub(super) const WORDS_MAX: usize = 8;
/// Longest value.
const LEN_MAX: usize = 64;
/// Shortest value that is looked for everywhere.
const PRIMARY_LEN_MIN: usize = 5;
/// Shortest value beside another one.
const SECONDARY_LEN_MIN: usize = 2;
/// Digits of a telephone number that count.
const PHONE_DIGITS: usize = 9;
/// Fewest digits of a telephone number.
const PHONE_DIGITS_MIN: usize = 7;

/// A normalised value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Normal {
    bytes: [u8; LEN_MAX],
    len: u8,
}

impl Normal {
    fn new(bytes: &[u8]) -> Option<Self> {
        let mut value = Self { bytes: [0; LEN_MAX], len: 0 };
        value.bytes.get_mut(..bytes.len())?.copy_from_slice(bytes);
        value.len = bytes.len() as u8;
        Some(value)
    }

    /// Its bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    /// Whether it is long enough to say anything.
    pub(super) fn is_findable(&self, primary: bool) -> bool {
        self.bytes().len() >= if primary { PRIMARY_LEN_MIN } else { SECONDARY_LEN_MIN }
    }

    /// Length and make of a value, as a place among 256: values of an index take few of them, words of a text many.
    pub(super) fn shape(&self) -> u8 {
        let digits = self.bytes().iter().filter(|byte| byte.is_ascii_digit()).count();
        shape(self.bytes().len(), digits)
    }
}

/// Kinds of values by what they are made of.
pub(super) const MAKES: usize = 3;

/// The shape of a value of so many bytes, of which so many are digits.
#[inline]
pub(super) fn shape(len: usize, digits: usize) -> u8 {
    let make = match digits {
        all if all == len => 0,
        0 => 1,
        _ => 2,
    };
    make * 64 + len.saturating_sub(1).min(LEN_MAX - 1) as u8
}

/// The value that words make together. `None` when they make none of this kind.
pub(super) fn normal(kind: Kind, words: &[Word]) -> Option<Normal> {
    if words.is_empty() || words.len() > WORDS_MAX {
        return None;
    }
    match kind {
        Kind::Date => date(words, false),
        Kind::DateUs => date(words, true),
        Kind::Text | Kind::Number | Kind::Phone => {
            let mut joined = [0; LEN_MAX];
            let mut len = 0;
            for word in words {
                let folded = word.folded();
                joined.get_mut(len..len + folded.len())?.copy_from_slice(folded);
                len += folded.len();
            }
            numeric(kind, &joined[..len])
        }
    }
}

fn numeric(kind: Kind, joined: &[u8]) -> Option<Normal> {
    let is_digits = joined.iter().all(u8::is_ascii_digit);
    match kind {
        Kind::Number if is_digits => Normal::new(joined.trim_ascii_start().strip_prefix_zeros()),
        Kind::Phone if is_digits && joined.len() >= PHONE_DIGITS_MIN => {
            Normal::new(&joined[joined.len().saturating_sub(PHONE_DIGITS)..])
        }
        Kind::Number | Kind::Phone => None,
        _ => Normal::new(joined),
    }
}

trait StripZeros {
    fn strip_prefix_zeros(&self) -> &Self;
}

impl StripZeros for [u8] {
    fn strip_prefix_zeros(&self) -> &Self {
        let zeros = self.iter().take_while(|byte| **byte == b'0').count();
        &self[zeros.min(self.len().saturating_sub(1))..]
    }
}

/// `yyyymmdd` of one word of eight digits, or of three.
fn date(words: &[Word], is_month_first: bool) -> Option<Normal> {
    let number = |word: &Word| std::str::from_utf8(word.folded()).ok()?.parse::<u32>().ok();
    let (year, month, day) = match words {
        [whole] if whole.folded().len() == 8 => {
            let number = number(whole)?;
            (number / 10_000, number / 100 % 100, number % 100)
        }
        [first, second, third] if first.folded().len() == 4 => (number(first)?, number(second)?, number(third)?),
        [first, second, third] if third.folded().len() == 4 => {
            let (a, b) = (number(first)?, number(second)?);
            if is_month_first { (number(third)?, a, b) } else { (number(third)?, b, a) }
        }
        _ => return None,
    };
    let is_day = (1800..2200).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    is_day.then(|| Normal::new(format!("{year:04}{month:02}{day:02}").as_bytes()))?
}

#[cfg(test)]
mod tests {
    use super::super::super::words::Words;
    use super::*;

    #[test]
    fn values_that_people_call_equal_are_equal() {
        let rows = [
            (Kind::Text, "PL 282-848-32-39", Some("pl2828483239")),
            (Kind::Text, "Łucja Żuk", Some("lucjazuk")),
            (Kind::Text, "Jane.Doe@Acme.PL", Some("janedoeacmepl")),
            (Kind::Text, "a b c d e f g h i", None),
            (Kind::Number, "000471", Some("471")),
            (Kind::Number, "47a", None),
            (Kind::Phone, "+48 512-345-678", Some("512345678")),
            (Kind::Phone, "0048512345678", Some("512345678")),
            (Kind::Phone, "12 34", None),
            (Kind::Date, "12.03.1911", Some("19110312")),
            (Kind::Date, "1911-03-12", Some("19110312")),
            (Kind::Date, "19110312", Some("19110312")),
            (Kind::DateUs, "03/12/1911", Some("19110312")),
            (Kind::Date, "32.03.1911", None),
            (Kind::Date, "12.03", None),
        ];
        for (kind, text, expected) in rows {
            let value = normal(kind, &Words::of(text));
            let value = value.map(|value| String::from_utf8_lossy(value.bytes()).into_owned());
            assert_eq!(value.as_deref(), expected, "{kind:?} {text}");
        }
    }
}
