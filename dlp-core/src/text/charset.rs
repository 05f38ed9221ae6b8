//! Which character set a text is in, told from its first bytes; or that it is no text.
//!
//! Order: byte order mark, UTF-32 and UTF-16 by statistics, valid UTF-8, then a guess among the older sets. The guess
//! comes from chardetng and is checked for plausibility against the sets that Polish is found in, because short texts
//! with few accents mislead every statistic: a reading with symbols inside words is wrong.
//!
//! A mark is a claim like any other: where plain bytewise text stands behind the mark of UTF-16, the text is believed.

use super::count::{count, count_pairs};
use super::{CodePage, Transcoded, Transcoder};
use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, ISO_8859_2, WINDOWS_1250, WINDOWS_1252};

/// Bytes that the guess among the older sets looks at.
const GUESS_BYTES: usize = 64 * 1024;
/// Bytes before the first one that is not ASCII that are looked at too.
const GUESS_LEAD_BYTES: usize = 64;
/// Share of control characters, in one hundredth, from which bytes are no text.
const CONTROL_PERCENT: usize = 1;
/// Units of UTF-16 and UTF-32 that are looked at.
const WIDE_UNITS: usize = 2048;
/// Share of units, in one hundredth, that must be likely in a text of wide units without a mark.
const LIKELY_PERCENT: usize = 90;
/// Share of ASCII, in one hundredth, from which bytes behind a mark of UTF-16 are no UTF-16. Chinese in UTF-16 has
/// about 45.
const ASCII_PERCENT: usize = 75;

/// Quotes, dashes, dots, spaces and the signs of sections and paragraphs of windows-1252; those of windows-1250 are the same.
const WINDOWS_SIGNS: [u8; 18] =
    [0x82, 0x84, 0x85, 0x8B, 0x91, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x9B, 0xA0, 0xA7, 0xAB, 0xB6, 0xB7, 0xBB];

/// A character set that can be transcoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Charset {
    /// UTF-8, ASCII included.
    Utf8,
    /// UTF-16, low byte first.
    Utf16Le,
    /// UTF-16, high byte first.
    Utf16Be,
    /// UTF-32, low byte first.
    Utf32Le,
    /// UTF-32, high byte first.
    Utf32Be,
    /// A set with one byte for each character.
    Single(CodePage),
    /// An older set with characters of several bytes.
    Multi(&'static Encoding),
}

impl Charset {
    /// Whether every character takes at least two bytes, so that ASCII in it is not ASCII in the bytes.
    #[must_use]
    pub fn is_wide(&self) -> bool {
        matches!(self, Self::Utf16Le | Self::Utf16Be | Self::Utf32Le | Self::Utf32Be)
    }

    /// The set that a label such as `iso-8859-2` names.
    #[must_use]
    pub fn from_label(label: &str) -> Option<Self> {
        let label = label.trim();
        let number = |prefix: &str| {
            let head = label.get(..prefix.len())?;
            head.eq_ignore_ascii_case(prefix)
                .then(|| label[prefix.len()..].trim_start_matches(['-', '_']).parse().ok())?
        };
        // UTF-32 and the DOS sets are no part of the WHATWG standard.
        let by_number = number("cp").or_else(|| number("ibm")).or_else(|| number("dos")).and_then(Self::from_code_page);
        // Some labels stand for sets that nobody may decode, because what they show depends on who does.
        match Encoding::for_label_no_replacement(label.as_bytes()) {
            Some(encoding) => Some(Self::from_encoding(encoding)),
            None if label.eq_ignore_ascii_case("utf-32") || label.eq_ignore_ascii_case("utf-32le") => {
                Some(Self::Utf32Le)
            }
            None if label.eq_ignore_ascii_case("utf-32be") => Some(Self::Utf32Be),
            None => by_number,
        }
    }

    /// The set of a code page number of Windows or DOS, as old documents state it.
    #[must_use]
    pub fn from_code_page(number: u32) -> Option<Self> {
        let label = match number {
            437 | 850 => return Some(Self::Single(CodePage::cp437())),
            852 => return Some(Self::Single(CodePage::cp852())),
            10_029 => return Some(Self::Single(CodePage::mac_central_europe())),
            620 | 667 | 790 | 991 => return Some(Self::Single(CodePage::mazovia())),
            866 => "ibm866",
            874 => "windows-874",
            932 | 10001 => "shift_jis",
            936 | 10008 | 20936 => "gbk",
            949 | 1361 | 10003 | 51949 => "euc-kr",
            950 | 10002 => "big5",
            1200 => return Some(Self::Utf16Le),
            1201 => return Some(Self::Utf16Be),
            1250..=1258 => return Encoding::for_label(format!("windows-{number}").as_bytes()).map(Self::from_encoding),
            10000 | 32768 => "macintosh",
            10007 => "x-mac-cyrillic",
            12000 => return Some(Self::Utf32Le),
            12001 => return Some(Self::Utf32Be),
            20866 => "koi8-r",
            21866 => "koi8-u",
            28591..=28606 => {
                return Encoding::for_label(format!("iso-8859-{}", number - 28590).as_bytes()).map(Self::from_encoding);
            }
            50220..=50222 => "iso-2022-jp",
            51932 => "euc-jp",
            54936 => "gb18030",
            65000 | 65001 | 20127 => return Some(Self::Utf8),
            _ => return None,
        };
        Encoding::for_label(label.as_bytes()).map(Self::from_encoding)
    }

    /// The set of an encoding.
    #[must_use]
    pub fn from_encoding(encoding: &'static Encoding) -> Self {
        match encoding {
            _ if encoding == encoding_rs::UTF_8 => Self::Utf8,
            _ if encoding == encoding_rs::UTF_16LE => Self::Utf16Le,
            _ if encoding == encoding_rs::UTF_16BE => Self::Utf16Be,
            _ => CodePage::from_encoding(encoding).map_or(Self::Multi(encoding), Self::Single),
        }
    }

    /// Decodes a whole string.
    #[must_use]
    pub fn decode(&self, bytes: &[u8]) -> String {
        match self {
            Self::Utf8 => String::from_utf8_lossy(bytes).into_owned(),
            Self::Single(page) => page.decode(bytes),
            Self::Multi(encoding) => encoding.decode_without_bom_handling(bytes).0.into_owned(),
            Self::Utf16Le | Self::Utf16Be | Self::Utf32Le | Self::Utf32Be => {
                let mut out = Transcoded::default();
                Transcoder::new(self, 0).push(bytes, true, &mut out);
                out.text
            }
        }
    }
}

/// A detected character set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detected {
    /// The set.
    pub charset: Charset,
    /// Length of the byte order mark in bytes.
    pub bom_len: usize,
}

/// Tells the character set from the first bytes; `whole` says that there are no more. `None` means: no text.
#[must_use]
pub fn detect(head: &[u8], whole: bool) -> Option<Detected> {
    if let Some((charset, bom_len)) = by_mark(head) {
        let text = head.get(bom_len..).unwrap_or_default();
        let charset =
            if charset.is_wide() && is_plain(text, whole) { detect_bytewise(text, whole) } else { Some(charset) };
        return charset.map(|charset| Detected { charset, bom_len });
    }
    let has_zero = memchr::memchr(0, head).is_some();
    let charset = if has_zero { detect_wide(head)? } else { detect_bytewise(head, whole)? };
    Some(Detected { charset, bom_len: 0 })
}

/// The set that a byte order mark claims, and the length of the mark. The mark of UTF-32 is that of UTF-16 and a zero;
/// what follows decides between them.
fn by_mark(head: &[u8]) -> Option<(Charset, usize)> {
    match head {
        [0xEF, 0xBB, 0xBF, ..] => Some((Charset::Utf8, 3)),
        [0xFF, 0xFE, 0, 0, rest @ ..] if share_of(rest, is_character(u32::from_le_bytes)) => {
            Some((Charset::Utf32Le, 4))
        }
        [0, 0, 0xFE, 0xFF, rest @ ..] if share_of(rest, is_character(u32::from_be_bytes)) => {
            Some((Charset::Utf32Be, 4))
        }
        [0xFF, 0xFE, ..] => Some((Charset::Utf16Le, 2)),
        [0xFE, 0xFF, ..] => Some((Charset::Utf16Be, 2)),
        _ => None,
    }
}

/// Whether bytes are plain text with one byte for a character of ASCII: UTF-8, or mostly ASCII. Bytes of real UTF-16
/// are full of control bytes.
fn is_plain(bytes: &[u8], whole: bool) -> bool {
    if bytes.is_empty() || has_controls(bytes) {
        return false;
    }
    let ascii = count(bytes, |byte| byte.is_ascii());
    let cut = if whole { bytes.len() } else { utf8_cut(bytes) };
    ascii * 100 >= bytes.len() * ASCII_PERCENT || is_utf8(&bytes[..cut])
}

/// The best older set for bytes that are not UTF-8.
#[must_use]
pub fn guess_eight_bit(bytes: &[u8]) -> Charset {
    // The bytes that tell anything may come late; the word they start in belongs to them.
    let first = bytes.iter().position(|byte| !byte.is_ascii()).unwrap_or(0).saturating_sub(GUESS_LEAD_BYTES);
    let bytes = &bytes[first..bytes.len().min(first + GUESS_BYTES)];
    if let Some(page) = seldom_polish(bytes) {
        return Charset::Single(page);
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(bytes, true);
    let guess = detector.guess(None, Utf8Detection::Deny);
    let Some(guess) = CodePage::from_encoding(guess) else { return Charset::Multi(guess) };
    let rivals = [WINDOWS_1250, WINDOWS_1252, ISO_8859_2].into_iter().filter_map(CodePage::from_encoding);
    let mut best = (plausibility(&guess, bytes), guess);
    for rival in rivals.chain([CodePage::cp852()]) {
        let score = plausibility(&rival, bytes);
        if score > best.0 {
            best = (score, rival);
        }
    }
    Charset::Single(best.1)
}

/// Where the words and numbers of a text would begin or end elsewhere if its signs were those of Windows: bytes that are
/// quotes, dashes or spaces there, letters or halves of them in this set, and stand beside a letter or digit of ASCII.
/// No statistic is right about every text, so such places are read both ways; but where pairs of bytes are characters
/// and stand in words of such, the set is the right one.
pub(crate) fn doubts<'t>(charset: &Charset, bytes: &'t [u8]) -> impl Iterator<Item = usize> + 't {
    let is_in_pairs = matches!(charset, Charset::Multi(encoding) if is_in_pairs(encoding, bytes));
    let is_other = |byte: u8| match charset {
        Charset::Single(page) => page.char(byte).is_alphanumeric(),
        Charset::Multi(_) => !is_in_pairs,
        _ => false,
    };
    let mut is_doubtful = [false; 256];
    for byte in WINDOWS_SIGNS {
        is_doubtful[usize::from(byte)] = is_other(byte);
    }
    let is_of_word = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_alphanumeric);
    let doubtful = bytes.iter().enumerate().filter(move |(_, byte)| is_doubtful[usize::from(**byte)]);
    doubtful.map(|(at, _)| at).filter(move |at| is_of_word(at + 1) || at.checked_sub(1).is_some_and(is_of_word))
}

/// Whether bytes are text in a set that has pairs of bytes for its characters: none of the pairs is broken, and most
/// of the characters stand beside others. Signs of Windows make a pair with the letter behind them, which stands alone,
/// or a broken one with what is no letter.
fn is_in_pairs(encoding: &'static Encoding, bytes: &[u8]) -> bool {
    /// Bytes of the longest character, half of which may stand at the end.
    const CHARACTER_BYTES: usize = 4;
    /// The first character that is half of none. The text may begin with half of one, and pairs be wrong up to there.
    const SURE_BELOW: char = '0';
    let (text, _) = encoding.decode_without_bom_handling(bytes);
    let sure = text.find(|c| c < SURE_BELOW).unwrap_or(0)..text.len().saturating_sub(CHARACTER_BYTES);
    let (mut before, mut pairs, mut alone) = (' ', 0_usize, 0_usize);
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        if character == char::REPLACEMENT_CHARACTER && sure.contains(&at) {
            return false;
        }
        if !character.is_ascii() {
            pairs += 1;
            let is_next = characters.peek().is_some_and(|(_, next)| !next.is_ascii());
            alone += usize::from(before.is_ascii() && !is_next);
        }
        before = character;
    }
    alone * 2 <= pairs
}

/// A set in which Polish is seldom written, if bytes are Polish in it and in none of the usual ones. Nearly all of their
/// bytes are letters, so the quotes of other sets would pass as some; only the letters of Polish count.
fn seldom_polish(bytes: &[u8]) -> Option<CodePage> {
    let usual = [WINDOWS_1250, ISO_8859_2].into_iter().filter_map(CodePage::from_encoding);
    let mut seldom = [CodePage::mac_central_europe(), CodePage::mazovia()].into_iter();
    let found = seldom.find(|page| is_polish(page, bytes))?;
    let is_usual = usual.chain([CodePage::cp852()]).any(|page| is_polish(&page, bytes));
    (!is_usual).then_some(found)
}

/// Whether all that is beyond ASCII are letters of Polish, and not a few of them alone.
fn is_polish(page: &CodePage, bytes: &[u8]) -> bool {
    const LETTERS: &str = "ąćęłńóśźżĄĆĘŁŃÓŚŹŻ";
    const DIFFERENT_MIN: usize = 4;
    let mut seen = [false; 256];
    for byte in bytes.iter().filter(|byte| !byte.is_ascii()) {
        seen[usize::from(*byte)] = true;
    }
    let letters = (0x80..=0xFF_u8).filter(|byte| seen[usize::from(*byte)]).map(|byte| page.char(byte));
    letters.clone().all(|c| LETTERS.contains(c)) && letters.count() >= DIFFERENT_MIN
}

/// Whether all of it is UTF-8. The check of the standard library gives the same answer, but takes longer for text that
/// is not ASCII than searching it does: for Polish twenty times as long as this one.
#[must_use]
pub fn is_utf8(bytes: &[u8]) -> bool {
    Encoding::utf8_valid_up_to(bytes) == bytes.len()
}

/// Length of the prefix that does not end inside a UTF-8 character.
#[must_use]
pub fn utf8_cut(bytes: &[u8]) -> usize {
    for back in 1..=bytes.len().min(3) {
        let at = bytes.len() - back;
        let len = match bytes[at] {
            0x80..=0xBF => continue,
            0xC2..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xF4 => 4,
            _ => 1,
        };
        return if len > back { at } else { bytes.len() };
    }
    bytes.len()
}

/// Whether bytes with errors are UTF-8 all the same: more characters of several bytes are right than wrong.
#[must_use]
pub fn utf8_dominates(bytes: &[u8]) -> bool {
    // Every right character holds a first byte with a continuation behind it, and at most four bytes that are not
    // ASCII; an error holds at most three. So the text of an older set shows itself before its bytes are read in order.
    let high = count(bytes, |byte| !byte.is_ascii());
    let right_max = count_pairs(bytes, |byte, next| (byte >= 0xC0) & (next & 0xC0 == 0x80));
    if 3 * right_max <= high.saturating_sub(4 * right_max) {
        return false;
    }
    utf8_is_mostly_right(bytes)
}

/// Reads characters and errors in order.
fn utf8_is_mostly_right(bytes: &[u8]) -> bool {
    let (mut right, mut wrong) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        right += chunk.valid().bytes().filter(|byte| *byte >= 0xC0).count();
        wrong += usize::from(!chunk.invalid().is_empty());
    }
    right > wrong
}

fn detect_bytewise(head: &[u8], whole: bool) -> Option<Charset> {
    if has_controls(head) {
        return None;
    }
    let cut = if whole { head.len() } else { utf8_cut(head) };
    if is_utf8(&head[..cut]) || utf8_dominates(&head[..cut]) {
        return Some(Charset::Utf8);
    }
    Some(guess_eight_bit(head))
}

/// Whether there are more control bytes than a text has.
fn has_controls(bytes: &[u8]) -> bool {
    count(bytes, is_control) * 100 > bytes.len() * CONTROL_PERCENT
}

/// Control bytes that texts do not hold. Escape and form feed occur in terminal logs and listings. Without branches,
/// because every byte of a head is looked at.
fn is_control(byte: u8) -> bool {
    (byte <= 0x07) | ((0x0E..=0x1F).contains(&byte) & (byte != 0x1B)) | (byte == 0x7F)
}

/// UTF-32 or UTF-16 without a mark: in one width and byte order nearly all units are letters of European scripts.
fn detect_wide(head: &[u8]) -> Option<Charset> {
    // One unit of four bytes is any small number.
    let is_long = head.len() >= 8;
    if is_long && share_of(head, is_likely(u32::from_le_bytes)) {
        return Some(Charset::Utf32Le);
    }
    if is_long && share_of(head, is_likely(u32::from_be_bytes)) {
        return Some(Charset::Utf32Be);
    }
    let units = || head.chunks_exact(2).take(WIDE_UNITS).map(|pair| [pair[0], pair[1]]);
    let total = units().count();
    // Most programs end here after a few units, and nothing has to be counted.
    let is_none = |read: fn([u8; 2]) -> u16| {
        units().filter(|pair| !is_likely_unit(read(*pair))).nth(unlikely_max(total)).is_some()
    };
    let share = |read: fn([u8; 2]) -> u16| match is_none(read) {
        true => 0,
        false => units().filter(|pair| is_likely_unit(read(*pair))).count(),
    };
    let (little, big) = (share(u16::from_le_bytes), share(u16::from_be_bytes));
    let (charset, likely) = if little >= big { (Charset::Utf16Le, little) } else { (Charset::Utf16Be, big) };
    (total >= 2 && likely * 100 >= total * LIKELY_PERCENT).then_some(charset)
}

/// How many of all units may be unlikely in a text.
fn unlikely_max(total: usize) -> usize {
    total - (total * LIKELY_PERCENT).div_ceil(100)
}

/// Whether nearly all groups of four bytes pass.
fn share_of(bytes: &[u8], passes: impl Fn([u8; 4]) -> bool) -> bool {
    let units = || bytes.chunks_exact(4).take(WIDE_UNITS).map(|unit| [unit[0], unit[1], unit[2], unit[3]]);
    let total = units().count();
    total >= 1 && units().filter(|unit| !passes(*unit)).nth(unlikely_max(total)).is_none()
}

fn is_likely(read: fn([u8; 4]) -> u32) -> impl Fn([u8; 4]) -> bool {
    move |unit| u16::try_from(read(unit)).is_ok_and(is_likely_unit)
}

/// Whether a unit is any character. Zero is none: two zeros are what UTF-16 has in the place of the longer mark.
fn is_character(read: fn([u8; 4]) -> u32) -> impl Fn([u8; 4]) -> bool {
    move |unit| read(unit) != 0 && char::from_u32(read(unit)).is_some()
}

/// Whether a UTF-16 unit is a letter, digit or mark of a European script.
#[must_use]
pub fn is_likely_unit(unit: u16) -> bool {
    matches!(unit, 9 | 10 | 13 | 0x20..=0x7E | 0xA0..=0x17F | 0x370..=0x4FF | 0x2010..=0x203A | 0x20AC)
}

/// Letters beside letters speak for a reading, and so do quotes around words and numbers; symbols inside words, letters
/// at numbers and control characters against it.
fn plausibility(page: &CodePage, bytes: &[u8]) -> i64 {
    let char_at = |at: Option<usize>| at.and_then(|at| bytes.get(at)).map(|byte| page.char(*byte));
    let high = bytes.iter().enumerate().filter(|(_, byte)| **byte >= 0x80);
    high.map(|(at, byte)| {
        let (c, before, after) = (page.char(*byte), char_at(at.checked_sub(1)), char_at(at.checked_add(1)));
        let is_any = |is: fn(char) -> bool| before.is_some_and(is) || after.is_some_and(is);
        match (c.is_alphabetic(), is_any(char::is_alphabetic)) {
            _ if c.is_control() || c == '\u{fffd}' => -5,
            (true, true) if is_capital_inside(c, before) => -1,
            (true, true) => 1,
            (true, false) if is_any(|c| c.is_ascii_digit()) => -1,
            (true, false) => 0,
            (false, _) if is_at_its_place(c, before, after) => 1,
            (false, true) if !SPACES_AND_DASHES.contains(&c) => -2,
            (false, _) => 0,
        }
    })
    .sum()
}

/// Signs that may stand between letters.
const SPACES_AND_DASHES: [char; 5] = ['\u{a0}', '–', '—', '…', '\u{ad}'];

/// Whether a quote stands on one side of a word or number, as quotes do, or is an apostrophe.
fn is_at_its_place(c: char, before: Option<char>, after: Option<char>) -> bool {
    let is_of_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    match c {
        '’' => is_of_word(before),
        '“' | '‘' => is_of_word(before) != is_of_word(after),
        '”' | '»' | '›' => is_of_word(before) && !is_of_word(after),
        '„' | '‚' | '«' | '‹' => is_of_word(after) && !is_of_word(before),
        _ => false,
    }
}

/// Whether it is a capital behind a small letter: a sign of a wrong reading.
fn is_capital_inside(c: char, before: Option<char>) -> bool {
    c.is_uppercase() && before.is_some_and(|before| before.is_alphabetic() && !before.is_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn older_sets_are_told_by_counting(
            bytes in prop::collection::vec(prop::sample::select(&b"a\x80\xbf\xc4\xe2\xf0\xb3\xff"[..]), 0..12),
            letters in "[aż漢😀]{0,4}",
        ) {
            let bytes = [bytes.as_slice(), letters.as_bytes()].concat();
            prop_assert_eq!(utf8_dominates(&bytes), utf8_is_mostly_right(&bytes));
        }
    }

    fn utf32(text: &str, write: fn(u32) -> [u8; 4]) -> Vec<u8> {
        text.chars().flat_map(|c| write(u32::from(c))).collect()
    }

    fn utf16(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn sets_have_labels_and_numbers() {
        let rows: [(Option<Charset>, &[u8], &str); 12] = [
            (Charset::from_code_page(1250), b"\xb9\x9c", "ąś"),
            (Charset::from_code_page(28592), b"\xb1\xb6", "ąś"),
            (Charset::from_code_page(852), b"\xa5", "ą"),
            (Charset::from_code_page(10_029), b"\x88", "ą"),
            (Charset::from_label("cp667"), b"\x86", "ą"),
            (Charset::from_code_page(932), b"\x83\x41", "ア"),
            (Charset::from_code_page(1200), b"a\0\x05\x01", "aą"),
            (Charset::from_label("ISO-8859-2"), b"\xb1", "ą"),
            (Charset::from_label(" cp1250 "), b"\xb9", "ą"),
            (Charset::from_label("IBM852"), b"\xa5", "ą"),
            (Charset::from_label("us-ascii"), b"a", "a"),
            (Charset::from_label("utf-16le"), b"a\0", "a"),
        ];
        for (charset, bytes, expected) in rows {
            assert_eq!(charset.expect("the set is known").decode(bytes), expected);
        }
        assert!(Charset::from_label("unknown").is_none() && Charset::from_code_page(7).is_none());
    }

    #[test]
    fn quotes_are_no_letters_of_seldom_sets() {
        let english = b"It\x92s \x93here\x94, they\x92re \x91there\x92 \x96 caf\xe9";
        assert_eq!(seldom_polish(english).map(|page| page.name()), None);
        assert_eq!(seldom_polish(b"it\x92s \x91so\x92").map(|page| page.name()), None);
    }

    #[test]
    fn sets_are_told_apart() {
        let polish = "Zażółć gęślą jaźń, proszę o przesłanie świadectwa";
        let utf16le: Vec<u8> = polish.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let utf16be: Vec<u8> = polish.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let rows: Vec<(&str, Vec<u8>, Option<&str>)> = vec![
            ("empty", vec![], Some("UTF-8")),
            ("ascii", b"plain\r\n".to_vec(), Some("UTF-8")),
            ("polish utf-8", polish.as_bytes().to_vec(), Some("UTF-8")),
            ("mark", b"\xEF\xBB\xBFabc".to_vec(), Some("UTF-8")),
            ("utf-16 le", utf16le.clone(), Some("UTF-16LE")),
            ("utf-16 be", utf16be, Some("UTF-16BE")),
            ("utf-16 le with mark", [vec![0xFF, 0xFE], utf16le].concat(), Some("UTF-16LE")),
            ("utf-32 le", utf32(polish, u32::to_le_bytes), Some("UTF-32LE")),
            ("utf-32 be", utf32(polish, u32::to_be_bytes), Some("UTF-32BE")),
            ("utf-32 le with mark", utf32("\u{feff}漢字", u32::to_le_bytes), Some("UTF-32LE")),
            ("utf-32 be with mark", utf32("\u{feff}漢字", u32::to_be_bytes), Some("UTF-32BE")),
            ("utf-16 that starts with zero", b"\xff\xfe\0\0A\0B\0C\0D\0".to_vec(), Some("UTF-16LE")),
            ("chinese utf-16", utf16("\u{feff}中文文件，第一页。"), Some("UTF-16LE")),
            ("false mark le", b"\xff\xfeplain text".to_vec(), Some("UTF-8")),
            ("false mark be", b"\xfe\xffplain text".to_vec(), Some("UTF-8")),
            ("false mark utf-8", [b"\xff\xfe", polish.as_bytes()].concat(), Some("UTF-8")),
            (
                "false mark windows-1250",
                [&b"\xff\xfe"[..], &WINDOWS_1250.encode("Proszę o przesłanie świadectwa pracy").0].concat(),
                Some("windows-1250"),
            ),
            ("only a mark", b"\xff\xfe".to_vec(), Some("UTF-16LE")),
            ("windows-1250", WINDOWS_1250.encode(polish).0.into_owned(), Some("windows-1250")),
            ("short windows-1250", WINDOWS_1250.encode("Łódź, ąę").0.into_owned(), Some("windows-1250")),
            ("iso-8859-2", ISO_8859_2.encode(polish).0.into_owned(), Some("ISO-8859-2")),
            ("cp852", b"za\xbe\xa2\x88\x86 g\xa9\x98l\xa5 ja\xab\xe4".to_vec(), Some("cp852")),
            ("mac", b"za\xfd\x97\xb8\x8d g\xab\xe6l\x88 ja\x90\xc4".to_vec(), Some("x-mac-ce")),
            ("mazovia", b"za\xa7\xa2\x92\x8d g\x91\x9el\x86 ja\xa6\xa4".to_vec(), Some("mazovia")),
            (
                "german",
                encoding_rs::WINDOWS_1252.encode("größere Straße für Köln").0.into_owned(),
                Some("windows-1252"),
            ),
            ("quotes of windows", b"said John\x92s \x93friend\x94 \x97 his".to_vec(), Some("windows-1252")),
            ("a number in quotes", b"his number is \xab44051401458\xbb\n".to_vec(), Some("windows-1250")),
            ("polish in quotes", b"\x84Za\xbf\xf3\xb3\xe6\x94 g\xea\x9cl\xb9".to_vec(), Some("windows-1250")),
            (
                "russian",
                encoding_rs::WINDOWS_1251.encode("Привет, это обычный текст").0.into_owned(),
                Some("windows-1251"),
            ),
            ("zeros", vec![0; 64], None),
            ("program", b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0\x01".to_vec(), None),
            ("controls", (0..=255).collect(), None),
        ];
        for (case, bytes, expected) in rows {
            let found = detect(&bytes, true).map(|detected| match detected.charset {
                Charset::Utf8 => "UTF-8",
                Charset::Utf16Le => "UTF-16LE",
                Charset::Utf16Be => "UTF-16BE",
                Charset::Utf32Le => "UTF-32LE",
                Charset::Utf32Be => "UTF-32BE",
                Charset::Single(page) => page.name(),
                Charset::Multi(encoding) => encoding.name(),
            });
            assert_eq!(found, expected, "{case}");
        }
    }

    #[test]
    fn doubts_are_signs_of_windows_that_a_set_reads_as_letters_of_a_word() {
        let set = |label: &str| Charset::from_label(label).expect("the set is known");
        let rows: [(Charset, &[u8], &[usize]); 13] = [
            (set("cp852"), b"\x93value\x94 \x93 \x92", &[0, 6]),
            (set("cp667"), b"a\x92", &[1]),
            (set("windows-1250"), b"\x93value\x94", &[]),
            (set("iso-8859-2"), b"\xabvalue\xbb \x93x\x94", &[0, 6]),
            (set("shift_jis"), b" \x93AKIA", &[1]),
            (set("shift_jis"), b"it\x92s a \x93value\x94 of it", &[2, 7, 13]),
            // Words of Japanese and Chinese, whose second bytes are letters of ASCII too.
            (set("shift_jis"), b"A\x83R\x81[\x83h\x94\xd4\x8d\x86 \x94Z", &[]),
            (set("gbk"), b"AK\x96\x7c\x97y\x94a\x93z1 \x93zB", &[]),
            (set("big5"), b"a\xa7\xda\xab\x48\xb6\xc7\xa7\x41b", &[]),
            // Half a character at either end.
            (set("shift_jis"), b"\x94 \x83R\x81[\x83h\x94\xd4\x8d\x86\x94", &[]),
            // The same text with a sign that is half of none.
            (set("shift_jis"), b"A\x83R\x81[\x83h\x94\xd4\x8d\x86 x\x94 a\x96b c\x96d", &[7, 13, 16, 20]),
            (Charset::Utf8, b"\x93AKIA", &[]),
            (set("cp852"), b"", &[]),
        ];
        for (charset, bytes, expected) in rows {
            assert_eq!(doubts(&charset, bytes).collect::<Vec<_>>(), expected, "{charset:?} {bytes:x?}");
        }
    }

    #[test]
    fn controls_are_those_that_no_text_holds() {
        for byte in 0..=u8::MAX {
            let expected = matches!(byte, 0..=7 | 0x0E..=0x1A | 0x1C..=0x1F | 0x7F);
            assert_eq!(is_control(byte), expected, "{byte:#x}");
        }
    }

    #[test]
    fn cuts_stand_between_characters() {
        let rows: [(&[u8], usize); 7] = [
            (b"", 0),
            (b"abc", 3),
            (b"ab\xc4", 2),
            (b"ab\xc4\x85", 4),
            (b"ab\xe2\x82", 2),
            (b"ab\xf0\x9f\x98", 2),
            (b"\x80\x80\x80\x80", 4),
        ];
        for (bytes, expected) in rows {
            assert_eq!(utf8_cut(bytes), expected, "{bytes:x?}");
        }
    }

    #[test]
    fn a_few_broken_bytes_do_not_make_utf8_another_set() {
        assert!(utf8_dominates("zażółć gęślą \u{0}".as_bytes()));
        assert!(utf8_dominates(b"za\xc5\xbc\xc3\xb3\xc5\x82\xc4\x87 \xff"));
        assert!(!utf8_dominates(b"za\xbf\xf3\xb3\xe6"));
    }
}
