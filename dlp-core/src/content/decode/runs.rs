//! Runs of characters that may be bytes in base64, base32 or hexadecimal digits, and what they decode to.

use super::transfer::{hex_pair, sextet};
use super::{Derived, Places};
use super::{bare, brotli, wide};
use crate::content::recognise::{has_signature, may_have_signature};
use std::ops::Range;

/// Characters of a run that is looked at: eleven digits take fifteen and padding.
pub(super) const CHARS_MIN: usize = 15;
/// Hexadecimal digits of a run: eleven digits take twenty-two.
const HEX_CHARS_MIN: usize = 22;
const BASE32_CHARS_MIN: usize = 24;
/// The same of a run that is a short value alone: nine digits. Most words of that length are no code.
pub(super) const VALUE_CHARS_MIN: usize = 12;
const VALUE_HEX_CHARS_MIN: usize = 18;
const VALUE_BASE32_CHARS_MIN: usize = 15;
/// Characters of such a value, and digits among them.
const VALUE_CHARS: Range<usize> = 9..17;
const VALUE_DIGITS_MIN: usize = 5;
/// Characters of a line behind which a run goes on in the next line. Programs break at 60 to 76.
const LINE_CHARS_MIN: usize = 40;
/// Bytes between two lines of a run.
const BREAK_BYTES_MAX: usize = 6;
/// Decoded bytes that tell whether a run is text.
const PROBE_BYTES: usize = 24;
/// Characters of a run in which separators are looked for, behind which a code may start, and how many of them.
const SEARCHED_CHARS: usize = 256;
const SEPARATORS_MAX: usize = 8;
/// The first byte of deflated data in the usual window of zlib (RFC 1950, 2.2).
const ZLIB_METHOD: u8 = 0x78;
/// Characters of packed data without a header, and bytes of it that tell whether it can be.
const BARE_CHARS_MIN: usize = 18;
const BARE_PROBE_BYTES: usize = 48;
/// Share of text, in one hundredth, that decoded bytes must have.
const TEXT_PERCENT: usize = 90;

/// The next run at or behind `from`, which is not inside one.
pub(super) fn next(text: &[u8], places: &Places, from: usize) -> Option<Range<usize>> {
    let mut at = from;
    while let Some(start) = places.runs().next(at) {
        let end = run_end(text, places, start);
        // Codes of text have them: blanks and digits give capitals. Names in programs and paths have none.
        let is_long = end - start >= CHARS_MIN || has_group_of_digits(&text[start..end]);
        if is_long && places.strong().any(start..end) {
            return Some(start..end);
        }
        at = end;
    }
    None
}

/// Where a run ends, padding and line breaks in it included.
fn run_end(text: &[u8], places: &Places, start: usize) -> usize {
    let mut at = start;
    loop {
        let line = at;
        at += places.digits().run_from(at, text.len() - at);
        let is_long = at - line >= LINE_CHARS_MIN;
        // Mail quotes lines behind such signs.
        let is_break = |byte: &&u8| matches!(byte, b'\r' | b'\n' | b' ' | b'\t' | b'>');
        let breaks = text[at..].iter().take(BREAK_BYTES_MAX).take_while(is_break).count();
        let goes_on = text.get(at + breaks).is_some_and(|byte| sextet(*byte).is_some());
        let has_break = text[at..at + breaks].contains(&b'\n');
        if !(is_long && has_break && goes_on) {
            return at + text[at..].iter().take(2).take_while(|byte| **byte == b'=').count();
        }
        at += breaks;
    }
}

/// Whether a run that began before goes on to the end of a text.
pub(in crate::content) fn goes_on_through(text: &[u8]) -> bool {
    let is_part = |byte: &u8| sextet(*byte).is_some() || matches!(byte, b'\r' | b'\n');
    let second_line = memchr::memchr(b'\n', text).map_or(text.len(), |at| at + 1);
    text.iter().all(is_part) && cut_run(&text[second_line..]) == 0
}

/// Where the run begins that the end of a text may cut; the end itself when there is none.
pub(in crate::content) fn cut_run(text: &[u8]) -> usize {
    let is_part = |byte: &u8| sextet(*byte).is_some() || matches!(byte, b'\r' | b'\n' | b'=');
    let mut start = text.iter().rposition(|byte| !is_part(byte)).map_or(0, |at| at + 1);
    // Short lines are no part of a run.
    loop {
        let line = &text[start..];
        match memchr::memchr(b'\n', line) {
            Some(len) if len < LINE_CHARS_MIN => start += len + 1,
            _ => return start,
        }
    }
}

/// What a run decodes to.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::content) struct Decoded {
    pub(in crate::content) kind: &'static str,
    pub(in crate::content) content: Derived,
}

/// Decodes a run of digits over one line or more, with the offset at which each part of it begins. Where the lines make
/// no sense together, the first or the last of them may be a word that only looks like one, or each may be a code of
/// its own.
pub(in crate::content) fn decode_lines(run: &[u8]) -> Vec<(usize, Decoded)> {
    let part = |range: Range<usize>| {
        let start = range.start;
        decode(run[range].trim_ascii_end()).map(|decoded| (start, decoded))
    };
    let whole = part(0..run.len());
    let feeds: Vec<usize> = memchr::memchr_iter(b'\n', run).collect();
    let (Some(first), Some(last), None) = (feeds.first(), feeds.last(), &whole) else {
        return whole.into_iter().collect();
    };
    for (apart, together) in [(last + 1..run.len(), 0..last + 1), (0..first + 1, first + 1..run.len())] {
        if let Some(found) = part(together) {
            return std::iter::once(found).chain(part(apart)).collect();
        }
    }
    let starts = std::iter::once(0).chain(feeds.iter().map(|feed| feed + 1));
    let ends = feeds.iter().copied().chain([run.len()]);
    starts.zip(ends).filter_map(|(start, end)| part(start..end)).collect()
}

/// Decodes a run of digits, when what comes out is text or a file, perhaps deflated. Where bytes stand in front that
/// belong to something else, the digits start later.
fn decode(run: &[u8]) -> Option<Decoded> {
    let passes =
        |bytes: &[u8]| has_signature(bytes) || is_deflated(bytes) || is_text(bytes) || wide::order(bytes).is_some();
    let mark = if matches!(run, [b'0', b'x' | b'X', ..]) { 2 } else { 0 };
    let digits = &run[mark..];
    if digits.len() >= VALUE_HEX_CHARS_MIN && digits.iter().all(u8::is_ascii_hexdigit) {
        let probe: Vec<u8> = digits.chunks_exact(2).take(PROBE_BYTES).filter_map(hex_pair).collect();
        let content = passes(&probe).then(|| hex(digits, mark as u64)).filter(|content| passes(&content.bytes));
        let content = content.filter(|content| digits.len() >= HEX_CHARS_MIN || is_value(&content.bytes));
        if content.is_some() || digits.len() >= HEX_CHARS_MIN {
            return content.map(|content| Decoded { kind: "hex", content });
        }
    }
    let is_base32 = |byte: &u8| matches!(byte, b'A'..=b'Z' | b'2'..=b'7' | b'=');
    if run.len() >= VALUE_BASE32_CHARS_MIN && run.iter().all(is_base32) {
        let content = base32(run);
        if is_value(&content.bytes) || run.len() >= BASE32_CHARS_MIN && passes(&content.bytes) {
            return Some(Decoded { kind: "base32", content });
        }
    }
    let separators = separators(&run[..run.len().min(SEARCHED_CHARS)]);
    let starts = [0, 1, 2, 3].into_iter().chain(separators.map(|at| at + 1).take(SEPARATORS_MAX));
    for start in starts {
        let Some(rest) = run.get(start..).filter(|rest| rest.len() >= VALUE_CHARS_MIN) else { continue };
        if rest.len() < CHARS_MIN {
            let content = has_group_of_digits(rest).then(|| super::transfer::base64(rest, start as u64));
            if let Some(content) = content.filter(|content| is_value(&content.bytes)) {
                return Some(Decoded { kind: "base64", content });
            }
        } else if may_be_read(rest) && passes(probe(rest, &mut [0; PROBE_BYTES])) {
            let content = super::transfer::base64(rest, start as u64);
            if passes(&content.bytes) {
                return Some(Decoded { kind: "base64", content });
            }
        }
    }
    packed_barely(run)
}

/// Decodes digits of base64 that stand for packed data without a header.
fn packed_barely(run: &[u8]) -> Option<Decoded> {
    let mut bytes = [0; BARE_PROBE_BYTES];
    let head = probe(run, &mut bytes);
    let may_begin = bare::may_begin(head) || brotli::may_begin(head, run.len() / 4 * 3);
    if run.len() < BARE_CHARS_MIN || !may_begin {
        return None;
    }
    let content = super::transfer::base64(run, 0);
    is_packed_barely(&content.bytes).then_some(Decoded { kind: "base64", content })
}

/// Whether bytes are packed without a header that says so.
pub(super) fn is_packed_barely(bytes: &[u8]) -> bool {
    bare::is_deflated_barely(bytes) || brotli::is_packed(bytes)
}

/// Where characters stand in a run that may set something apart from a code. Most runs have none.
fn separators(run: &[u8]) -> impl Iterator<Item = usize> {
    let is_separator = |byte: u8| matches!(byte, b'/' | b'-' | b'_' | b'+');
    let run = if has_any(run, is_separator) { run } else { &[] };
    run.iter().enumerate().filter(move |(_, byte)| is_separator(**byte)).map(|(at, _)| at)
}

/// Whether some byte is one of these. Without an early end, many bytes are asked at once.
fn has_any(run: &[u8], is_one: impl Fn(u8) -> bool) -> bool {
    run.iter().fold(false, |any, byte| any | is_one(*byte))
}

/// Whether four characters of a run, from a fourth on, stand for three decimal digits in base64. Few words have such.
fn has_group_of_digits(run: &[u8]) -> bool {
    // What a decimal digit begins is one of three capitals.
    let begins = |byte: u8| matches!(byte, b'M' | b'N' | b'O');
    let is_group =
        |group: &[u8]| begins(group[0]) && group_of(group).is_some_and(|bytes| bytes.iter().all(u8::is_ascii_digit));
    if !has_any(run, begins) || !run.windows(4).any(is_group) {
        return false;
    }
    let starts = std::iter::once(0).chain(separators(run).map(|at| at + 1).take(SEPARATORS_MAX));
    starts.into_iter().any(|start| run[start..].chunks_exact(4).any(is_group))
}

/// The three bytes of four characters in base64.
fn group_of(group: &[u8]) -> Option<[u8; 3]> {
    let [a, b, c, d] = *group else { return None };
    let bits = [a, b, c, d].into_iter().try_fold(0_u32, |bits, byte| Some(bits << 6 | u32::from(sextet(byte)?)))?;
    let [_, bytes @ ..] = bits.to_be_bytes();
    Some(bytes)
}

/// Whether bytes are a number, or an identifier of digits and a few capitals.
fn is_value(bytes: &[u8]) -> bool {
    let digits = bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
    let is_part =
        |byte: &u8| byte.is_ascii_digit() || byte.is_ascii_uppercase() || matches!(byte, b' ' | b'-' | b'.' | b'/');
    VALUE_CHARS.contains(&bytes.len())
        && digits >= VALUE_DIGITS_MIN
        && 2 * digits >= bytes.len()
        && bytes.iter().all(is_part)
}

/// Whether digits of base64 may stand for anything that is read, by the first four of them. Most runs are no code,
/// which has to be seen fast.
fn may_be_read(run: &[u8]) -> bool {
    let Some(first @ [a, b, _]) = run.get(..4).and_then(group_of) else { return false };
    let shown = behind_nul(&first);
    let is_character = || match std::str::from_utf8(shown) {
        _ if first.is_ascii() => !shown.contains(&0),
        _ if matches!(a, 0x80..=0xC1 | 0xF5..) => false,
        Ok(text) => !text.contains('\0'),
        Err(error) => error.error_len().is_none(),
    };
    may_have_signature(a) || a == ZLIB_METHOD || is_character() || wide::may_begin([a, b])
}

/// The first bytes of a run in base64.
fn probe<'p, const LEN: usize>(run: &[u8], bytes: &'p mut [u8; LEN]) -> &'p [u8] {
    let mut len = 0;
    for (group, out) in run.chunks_exact(4).zip(bytes.chunks_exact_mut(3)) {
        let Some(group) = group_of(group) else { break };
        out.copy_from_slice(&group);
        len += 3;
    }
    &bytes[..len]
}

fn hex(digits: &[u8], offset: u64) -> Derived {
    let mut out = Derived::default();
    for (index, pair) in digits.chunks_exact(2).enumerate() {
        out.push(hex_pair(pair).unwrap_or(0), offset + 2 * index as u64, 2);
    }
    out.end(offset + digits.len() as u64);
    out
}

fn base32(run: &[u8]) -> Derived {
    let mut out = Derived::default();
    let (mut bits, mut count) = (0_u32, 0);
    // Eight characters stand for five bytes, which share their place.
    let (mut place, mut bytes, mut len) = (0, [0; 5], 0);
    for (at, byte) in run.iter().enumerate() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'2'..=b'7' => byte - b'2' + 26,
            _ => continue,
        };
        bits = bits << 5 | u32::from(value);
        count += 5;
        if count >= 8 {
            count -= 8;
            if at / 8 * 8 != place || len == bytes.len() {
                out.group(&bytes[..len], place as u64);
                (place, len) = (at / 8 * 8, 0);
            }
            bytes[len] = (bits >> count) as u8;
            len += 1;
        }
    }
    out.group(&bytes[..len], place as u64);
    out.end(run.len() as u64);
    out
}

/// Whether bytes begin like a stream of zlib as programs write it: in the usual window, without a dictionary.
pub(super) fn is_deflated(bytes: &[u8]) -> bool {
    matches!(bytes, [ZLIB_METHOD, flags, ..] if flags & 0x20 == 0) && starts_zlib(bytes)
}

/// Whether bytes have the head of a stream of zlib (RFC 1950, 2.2): deflate, a window that may be, and the sum of both.
#[must_use]
pub fn starts_zlib(bytes: &[u8]) -> bool {
    let [method, flags, ..] = bytes else { return false };
    let is_sum = u16::from_be_bytes([*method, *flags]).is_multiple_of(31);
    method & 0x0f == 8 && method >> 4 <= 7 && is_sum
}

/// Whether bytes are a text of people: UTF-8, or UTF-16 with European letters, nearly without control characters.
pub(in crate::content) fn is_text(bytes: &[u8]) -> bool {
    let bytes = behind_nul(bytes);
    let cut = &bytes[..crate::text::utf8_cut(bytes)];
    let Ok(text) = std::str::from_utf8(cut) else { return false };
    let is_shown = |c: &char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
    let (shown, all) = text.chars().fold((0, 0), |(shown, all), c| (shown + usize::from(is_shown(&c)), all + 1));
    all > 0 && shown * 100 >= all * TEXT_PERCENT && !text.contains('\0')
}

/// Text that a NUL stands before, as mail programs write names and passwords.
fn behind_nul(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\0").unwrap_or(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_found_and_decoded() {
        type Row = (&'static str, Option<(Range<usize>, Option<(&'static str, &'static str)>)>);
        let rows: [Row; 26] = [
            ("", None),
            ("plain words of any kind and nothing else", None),
            ("internationalisation", None),
            ("internationalisationTest", Some((0..24, None))),
            ("NDQwNTE0MDE0NTg=", Some((0..16, Some(("base64", "44051401458"))))),
            ("AFBFU0VMIDQ0MDUxNDAxNDU4", Some((0..24, Some(("base64", "\0PESEL 44051401458"))))),
            ("AAAAAFBFU0VMIDQ0MDUxNDAxNDU4", Some((0..28, None))),
            ("x: NDQwNTE0MDE0NTg= y", Some((3..19, Some(("base64", "44051401458"))))),
            ("\"NDQwNTE0MDE0NTg\"", Some((1..16, Some(("base64", "44051401458"))))),
            ("path/NDQwNTE0MDE0NTg", Some((0..20, Some(("base64", "44051401458"))))),
            ("aNDQwNTE0MDE0NTg=", Some((0..17, Some(("base64", "44051401458"))))),
            ("5045534c3434303531343031343538", Some((0..30, Some(("hex", "PESL44051401458"))))),
            ("0x5045534c3434303531343031343538", Some((0..32, Some(("hex", "PESL44051401458"))))),
            ("id NTI2MDI1MDk5", Some((3..15, Some(("base64", "526025099"))))),
            ("id/NTI2MDI1MDk5", Some((0..15, Some(("base64", "526025099"))))),
            ("353236303235303939", Some((0..18, Some(("hex", "526025099"))))),
            ("GUZDMMBSGUYDSOI=", Some((0..16, Some(("base32", "526025099"))))),
            ("informationTheory", Some((0..17, None))),
            ("getElement12", None),
            ("da39a3ee5e6b4b0d3255bfef95601890afd80709", Some((0..40, None))),
            ("KBCVGRKMEA2DIMBVGE2DAMJUGU4A====", Some((0..30, Some(("base32", "PESEL 44051401458"))))),
            ("8J+YgPCfmIDwn5iA", Some((0..16, Some(("base64", "😀😀😀"))))),
            ("8J-YgPCfmIDwn5iA", Some((0..16, Some(("base64", "😀😀😀"))))),
            (
                "c29tZSB0ZXh0IHRoYXQgaXMgbG9uZyBlbm91Z2g\nZm9yIHR3byBsaW5lcw==",
                Some((0..39, Some(("base64", "some text that is long enough")))),
            ),
            (
                "c29tZSB0ZXh0IHRoYXQgaXMgbG9uZyBlbm91Z2gg\r\nZm9yIHR3byBsaW5lcw==",
                Some((0..62, Some(("base64", "some text that is long enough for two lines")))),
            ),
            ("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", Some((0..44, None))),
        ];
        for (text, expected) in rows {
            let run = next(text.as_bytes(), &Places::of(text.as_bytes()), 0);
            assert_eq!(run, expected.as_ref().map(|(run, _)| run.clone()), "{text}");
            let Some((run, expected)) = run.zip(expected.map(|(_, decoded)| decoded)) else { continue };
            let decoded = decode_lines(&text.as_bytes()[run]).into_iter().next().map(|(_, found)| found);
            let found =
                decoded.as_ref().map(|found| (found.kind, String::from_utf8_lossy(&found.content.bytes).into_owned()));
            assert_eq!(found.as_ref().map(|(kind, text)| (*kind, text.as_str())), expected, "{text}");
        }
    }

    #[test]
    fn a_word_beside_a_code_hides_nothing() {
        let card = "Y2FyZCA0MDAwIDAxMDAgMDAwNyAxMjM0IG9mIHRoZSBvbmUgd2hvIHBhaWQgZm9yIGl0";
        let long = "x".repeat(71);
        let hex = "63617264203430303020303130302030303037203132333420616e6420736f6d65206d6f7265";
        let rows = [
            (format!("{card}\nregards"), 1),
            (format!("{long}\n{card}\n"), 1),
            (format!("{long}\n{card}\nregards"), 1),
            (format!("{card}\n{card}x\n{card}"), 2),
            (format!("{hex}\nbeefbee"), 1),
            (format!("{}\n{hex}", "ab".repeat(35)), 1),
            (format!("{card}\n{card}\n"), 1),
        ];
        for (text, expected) in rows {
            let run = next(text.as_bytes(), &Places::of(text.as_bytes()), 0).expect("a run");
            let parts = decode_lines(&text.as_bytes()[run]);
            let with_card = parts.iter().filter(|(_, found)| found.content.bytes.windows(9).any(|w| w == b"0007 1234"));
            assert_eq!(with_card.count(), expected, "{text}");
        }
    }

    #[test]
    fn a_run_is_found_at_every_place() {
        for start in 0..40 {
            let text = [vec![b' '; start], b"NDQwNTE0MDE0NTg=".to_vec(), vec![b' '; 9]].concat();
            assert_eq!(next(&text, &Places::of(&text), 0), Some(start..start + 16), "at {start}");
        }
    }
}
