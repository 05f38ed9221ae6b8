//! Values that were torn apart: put together from strings in code, broken over two lines, or set apart in groups.
//!
//! Most of such places are what they look like: a sum of strings, the end of a line, a row of numbers. So a place
//! counts only where the parts may be one value, and its surroundings are made anew, as with escapes.

use super::chains::{Chain, chains, is_named};
use super::{Derived, Places};
use std::ops::Range;

/// Bytes around a place that are made anew with it: what decides about a match there.
const AROUND_BYTES: usize = 256;
/// Bytes between two strings: an operator and a new line, moved in.
const BETWEEN_STRINGS_MAX: usize = 96;
/// Characters that are looked at of what two strings end and begin with.
const STRING_CHARS_MAX: usize = 64;
/// Blanks and marks of quotes and comments in front of a line.
const MARGIN_BYTES_MAX: usize = 24;
/// Characters of a word that a line end may have broken.
const WORD_CHARS_MAX: usize = 256;
/// Characters of a broken number, both parts together.
const NUMBER_CHARS: Range<usize> = 9..35;
/// The same where a label names it.
const NAMED_NUMBER_CHARS: Range<usize> = 7..41;
/// Digits that a part of it has, of so many characters.
const NAMED_DIGIT_SHARE: usize = 4;
/// Characters of a broken key, both parts together, and of the shorter one.
const KEY_CHARS_MIN: usize = 16;
const KEY_PART_CHARS_MIN: usize = 3;
/// Characters of both parts where a label names the key, which may be of small letters.
const NAMED_KEY_CHARS_MIN: usize = 24;

/// What was found in a text.
#[derive(Debug, Default)]
pub(in crate::content) struct Mended {
    /// Surroundings of what was torn apart, made anew.
    pub(in crate::content) joined: Vec<Derived>,
    /// Bytes that stood there in hexadecimal pairs, with their place.
    pub(in crate::content) hex: Vec<Derived>,
}

/// Bytes that tear a value apart, and what takes their place.
#[derive(Debug, PartialEq, Eq)]
struct Gap {
    range: Range<usize>,
    stands: &'static [u8],
}

impl Gap {
    fn of(range: Range<usize>) -> Self {
        Self { range, stands: b"" }
    }
}

/// Looks for everything that was torn apart.
pub(in crate::content) fn mend(text: &[u8], places: &Places) -> Mended {
    let mut mended = Mended::default();
    let (mut gaps, mut replaced) = (Vec::new(), Vec::new());
    for chain in chains(text, places) {
        match chain {
            Chain::Hex(_, content) => mended.hex.push(content),
            Chain::Value(_, between) => gaps.extend(between.into_iter().map(Gap::of)),
            Chain::Replaced(_, between) => {
                // Some values are written with separators alone, most of them with hyphens.
                replaced.extend(between.iter().map(|range| Gap { range: range.clone(), stands: b"-" }));
                gaps.extend(between.into_iter().map(Gap::of));
            }
        }
    }
    between_strings(text, places, &mut gaps);
    between_lines(text, places, [&mut gaps, &mut replaced]);
    for mut gaps in [gaps, replaced] {
        gaps.sort_by_key(|gap| gap.range.start);
        gaps.dedup_by(|next, kept| next.range.start < kept.range.end);
        without_gaps(text, &gaps, &mut mended.joined);
    }
    mended
}

/// Makes the surroundings of gaps anew, in one piece where they are near each other.
fn without_gaps(text: &[u8], gaps: &[Gap], joined: &mut Vec<Derived>) {
    let mut rest = gaps;
    while let Some(first) = rest.first() {
        let reaches = |pair: &[Gap]| pair[1].range.start <= pair[0].range.end + 2 * AROUND_BYTES;
        let count = 1 + rest.windows(2).take_while(|pair| reaches(pair)).count();
        let window = first.range.start.saturating_sub(AROUND_BYTES)..rest[count - 1].range.end + AROUND_BYTES;
        joined.push(without(text, window.start..window.end.min(text.len()), &rest[..count]));
        rest = &rest[count..];
    }
}

/// A part of a text without its gaps.
fn without(text: &[u8], window: Range<usize>, gaps: &[Gap]) -> Derived {
    let mut content = Derived::default();
    let mut at = window.start;
    for gap in gaps {
        content.copy(&text[at..gap.range.start], at as u64);
        content.share(gap.stands, gap.range.start as u64);
        at = gap.range.end;
    }
    content.copy(&text[at..window.end], at as u64);
    content.end(window.end as u64);
    content
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+' | b'/' | b'=')
}

/// Finds strings that code puts together, with a value across the border.
fn between_strings(text: &[u8], places: &Places, gaps: &mut Vec<Gap>) {
    let mut from = 0;
    for at in places.borders().iter() {
        if at < from {
            continue;
        }
        let Some(border) = Border::at(&text[at..]) else { continue };
        let end = at + border.len;
        let (Some(before), Some(behind)) = (at.checked_sub(1).map(|at| text[at]), text.get(end)) else { continue };
        let touches_digit = |blank: u8, digit: Option<&u8>| blank == b' ' && digit.is_some_and(u8::is_ascii_digit);
        let is_inside = is_word(before) && is_word(*behind) && joins_strings((text, places), at..end, &border)
            || touches_digit(before, at.checked_sub(2).and_then(|at| text.get(at))) && behind.is_ascii_digit()
            || touches_digit(*behind, text.get(end + 1)) && before.is_ascii_digit();
        if is_inside {
            gaps.push(Gap::of(at..end));
            from = end;
        }
    }
}

/// Whether the words at the ends of two strings may be parts of one value. Fields of a log beside each other are paths and
/// names of programs (`"https://example.org/a" "client/4.3"`), or empty (`"-"`).
fn joins_strings((text, places): (&[u8], &Places), gap: Range<usize>, border: &Border) -> bool {
    let before = places.words().run_before(gap.start, STRING_CHARS_MAX);
    let behind = places.words().run_from(gap.end, STRING_CHARS_MAX);
    let (word, next) = (&text[gap.start - before..gap.start], &text[gap.end..gap.end + behind]);
    let has_part = |word: &[u8]| word.iter().any(u8::is_ascii_alphanumeric);
    let is_path = |word: &[u8]| word.contains(&b'/');
    has_part(word) && has_part(next) && !(border.is_blank && (is_path(word) || is_path(next)))
}

/// What stands between two strings: the end of one, an operator or blanks, the beginning of the next.
struct Border {
    len: usize,
    /// Whether it is blanks of one line, as between the fields of a log.
    is_blank: bool,
}

impl Border {
    /// The border that a text begins with.
    fn at(rest: &[u8]) -> Option<Self> {
        let quote = *rest.first()?;
        let rest = &rest[..rest.len().min(BETWEEN_STRINGS_MAX)];
        let blanks =
            |from: usize| rest[from..].iter().take_while(|byte| byte.is_ascii_whitespace() || **byte == b'\\').count();
        let operator = 1 + blanks(1);
        let operator_len = match rest.get(operator..)? {
            [b'.', b'.', ..] | [b'|', b'|', ..] | [b'<', b'>', ..] => 2,
            [b'+' | b'.' | b'&' | b'~', ..] => 1,
            _ => 0,
        };
        let next = operator + operator_len + blanks(operator + operator_len);
        let is_blank = operator_len == 0 && !rest[..next.min(rest.len())].contains(&b'\n');
        // Two quotes beside each other are one that is quoted.
        (next > 1 && rest.get(next) == Some(&quote)).then_some(Self { len: next + 1, is_blank })
    }
}

/// What a line end is.
enum LineEnd {
    /// No value goes on behind it.
    Plain,
    /// One of a list, or of a code over many lines.
    Listed,
    /// A value may go on behind it; two readings, where it may stand inside of a group or between two.
    Broken(Gap, Option<Gap>),
}

/// Finds line ends inside a value, and those that can be read in a second way.
fn between_lines(text: &[u8], places: &Places, mut gaps: [&mut Vec<Gap>; 2]) {
    // What the last line end was, and whether the one before it was another than a plain one.
    let mut last = (LineEnd::Plain, false);
    let mut last_feed = None;
    for feed in places.breaks().iter() {
        let feed_before = places.feeds().last_before(feed);
        let end = line_end((text, places), feed_before.map_or(0, |feed| feed + 1), feed);
        if feed_before != last_feed {
            push_broken(std::mem::replace(&mut last, (LineEnd::Plain, false)), &mut gaps);
        }
        // Line after line of such ends is a list of numbers.
        let was_other = !matches!(last.0, LineEnd::Plain);
        if matches!(end, LineEnd::Plain) {
            push_broken(last, &mut gaps);
        }
        (last, last_feed) = ((end, was_other), Some(feed));
    }
    push_broken(last, &mut gaps);
}

/// Adds the gap of a line end inside a value, unless the line end before it was one as well.
fn push_broken((end, follows_other): (LineEnd, bool), [gaps, others]: &mut [&mut Vec<Gap>; 2]) {
    if let LineEnd::Broken(gap, other) = end
        && !follows_other
    {
        gaps.push(gap);
        others.extend(other);
    }
}

/// What the end of a line is. Where it may stand inside a value, the margin of the next line belongs to it.
fn line_end((text, places): (&[u8], &Places), line_start: usize, feed: usize) -> LineEnd {
    let line = &text[line_start..feed];
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let is_joint = |byte: &u8| matches!(byte, b'\\' | b'=');
    let left = line.split_last().filter(|(last, _)| is_joint(last)).map_or(line, |(_, left)| left).trim_ascii_end();
    let Some(left_end) = left.last().copied().filter(|byte| is_word(*byte)) else { return LineEnd::Plain };
    let margin = text[feed + 1..].iter().take(MARGIN_BYTES_MAX);
    let right = feed + 1 + margin.take_while(|b| matches!(b, b' ' | b'\t' | b'>' | b'#' | b'*' | b'|')).count();
    let Some(right_start) = text.get(right).copied().filter(|byte| is_word(*byte) || *byte == b'.') else {
        return LineEnd::Plain;
    };
    // Most lines of prose end here: no digit is near.
    let is_part = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_uppercase() || matches!(byte, b'-' | b'.' | b'/');
    // Behind the sign of a remark begins another one; a number goes on with its digits.
    let is_remark = text[feed + 1..right].contains(&b'#');
    let is_number = is_part(left_end) && is_part(right_start) && (!is_remark || right_start.is_ascii_digit());
    let behind = places.words().run_from(right, WORD_CHARS_MAX);
    if !is_number && !places.strong().any(right..right + behind) {
        return LineEnd::Plain;
    }
    let next = &text[right..right + behind];
    let before = places.words().run_before(line_start + left.len(), WORD_CHARS_MAX.min(left.len()));
    let word = &left[left.len() - before..];
    let is_whole = before == left.trim_ascii_start().len() && is_line_end(&text[right + behind..]);
    let range = line_start + left.len()..right;
    let gap = |stands: &'static [u8]| Gap { range: range.clone(), stands };
    let rest = &text[right..];
    let (gap, other) = match () {
        () if is_number && behind > 0 && joins_number(word, next) => (gap(b""), None),
        () if is_number && joins_groups(left, rest) && cuts_group(left, rest) => (gap(b""), None),
        () if is_number && joins_named(left, rest) => (gap(b""), Some(gap(b" "))),
        () if is_number && joins_groups(left, rest) => (gap(b" "), None),
        () if joins_key(word, next) && !is_name(&text[right + behind..]) => (gap(b""), None),
        () if joins_named_key(left, word, next) => (gap(b""), None),
        () => return LineEnd::Plain,
    };
    if is_whole { LineEnd::Listed } else { LineEnd::Broken(gap, other) }
}

fn is_line_end(rest: &[u8]) -> bool {
    rest.first().is_none_or(|byte| matches!(byte, b'\r' | b'\n'))
}

/// Whether two words are one number, or an identifier of digits and capitals.
fn joins_number(word: &[u8], next: &[u8]) -> bool {
    let count = |test: fn(&u8) -> bool| word.iter().chain(next).filter(|byte| test(byte)).count();
    let (digits, chars) = (count(u8::is_ascii_digit), count(u8::is_ascii_alphanumeric));
    NUMBER_CHARS.contains(&chars)
        && digits * 3 >= chars
        && count(u8::is_ascii_lowercase) == 0
        && count(|b| matches!(b, b'/' | b'+' | b'=')) == 0
}

/// Whether a line ends, and the next one begins, with groups of digits.
fn joins_groups(left: &[u8], right: &[u8]) -> bool {
    // Where a line ends inside of a group, its parts tell that they belong together.
    let is_cut = cuts_group(left, right);
    let is_group =
        |byte: &u8| byte.is_ascii_digit() || matches!(byte, b' ' | b'-') || is_cut && matches!(byte, b'.' | b'/');
    let before = left.iter().rev().take(NUMBER_CHARS.end).take_while(|byte| is_group(byte)).count();
    let behind = right.iter().take(NUMBER_CHARS.end).take_while(|byte| is_group(byte)).count();
    let (before, behind) = (&left[left.len() - before..], &right[..behind]);
    let digits = |bytes: &[u8]| bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
    let groups = |bytes: &[u8]| bytes.trim_ascii().iter().any(|byte| !byte.is_ascii_digit());
    let (first, second) = (digits(before), digits(behind));
    NUMBER_CHARS.contains(&(first + second)) && first >= 4 && second >= 2 && (groups(before) || groups(behind))
}

/// Whether a line ends inside of a group of digits: what stands on both sides is together as long as the group before
/// it.
fn cuts_group(left: &[u8], right: &[u8]) -> bool {
    let mut before = left.rsplit(|byte| !byte.is_ascii_digit()).map(<[u8]>::len);
    let (last, other) = (before.next().unwrap_or(0), before.next().unwrap_or(0));
    let next = right.iter().take(NUMBER_CHARS.end).take_while(|byte| byte.is_ascii_digit()).count();
    last < other && last + next == other
}

/// Whether a line ends inside of a value that a label names: groups of digits and capitals of any length.
fn joins_named(left: &[u8], right: &[u8]) -> bool {
    let is_part = |byte: &&u8| byte.is_ascii_digit() || byte.is_ascii_uppercase();
    let is_group = |byte: &&u8| is_part(byte) || matches!(byte, b' ' | b'-' | b'.' | b'/');
    let before = left.iter().rev().take(NAMED_NUMBER_CHARS.end).take_while(is_group).count();
    let (label, before) = left.split_at(left.len() - before);
    let behind = &right[..right.iter().take(NAMED_NUMBER_CHARS.end).take_while(is_group).count()];
    // A word that goes on behind the groups is no part of a value; one that begins with a capital stands behind them.
    let ends_so = right.get(behind.len()).is_none_or(|byte| !byte.is_ascii_alphanumeric());
    let behind = match memchr::memrchr(b' ', behind) {
        _ if ends_so => behind,
        Some(blank) => &behind[..blank],
        None => return false,
    };
    let count = |test: fn(&u8) -> bool| before.iter().chain(behind).filter(|byte| test(byte)).count();
    let (digits, chars) = (count(u8::is_ascii_digit), count(u8::is_ascii_alphanumeric));
    digits * NAMED_DIGIT_SHARE >= chars
        && NAMED_NUMBER_CHARS.contains(&chars)
        && before.iter().any(u8::is_ascii_alphanumeric)
        && behind.iter().any(u8::is_ascii_digit)
        && is_named(label.trim_ascii_end())
}

/// Whether what stands behind a word makes it the name of a setting.
fn is_name(rest: &[u8]) -> bool {
    let rest = rest.trim_ascii_start();
    rest.first().is_some_and(|byte| matches!(byte, b'=' | b':'))
}

/// Whether a word has neither digits nor capitals.
fn is_plain(word: &[u8]) -> bool {
    !word.iter().any(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
}

/// Whether two words are one key: long, of letters and digits, neither part a word of a language.
fn joins_key(word: &[u8], next: &[u8]) -> bool {
    let any = |test: fn(&u8) -> bool| word.iter().chain(next).any(test);
    if is_plain(word) || is_plain(next) {
        return false;
    }
    let is_long = word.len() + next.len() >= KEY_CHARS_MIN && word.len().min(next.len()) >= KEY_PART_CHARS_MIN;
    is_long && any(u8::is_ascii_digit) && any(u8::is_ascii_uppercase) && !any(|byte| matches!(byte, b'/'))
}

/// Whether two words are one key that a label names, as addresses of currencies are: of small letters, perhaps.
fn joins_named_key(left: &[u8], word: &[u8], next: &[u8]) -> bool {
    let has_digit = |word: &[u8]| word.iter().any(u8::is_ascii_digit);
    let is_plain = |word: &[u8]| word.iter().all(u8::is_ascii_alphanumeric);
    word.len() + next.len() >= NAMED_KEY_CHARS_MIN
        && word.len().min(next.len()) >= KEY_PART_CHARS_MIN
        && has_digit(word)
        && has_digit(next)
        && is_plain(word)
        && is_plain(next)
        && is_named(left[..left.len() - word.len()].trim_ascii_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::original_offset;

    fn joined(text: &str) -> Vec<String> {
        let show = |content: &Derived| String::from_utf8_lossy(&content.bytes).into_owned();
        mend(text.as_bytes(), &Places::of(text.as_bytes())).joined.iter().map(show).collect()
    }

    #[test]
    fn strings_of_code_are_put_together() {
        let rows: &[(&str, Option<&str>)] = &[
            ("x = \"AKIA\" + \"IOSF\"", Some("x = \"AKIAIOSF\"")),
            ("x = 'AKIA' . 'IOSF'", Some("x = 'AKIAIOSF'")),
            ("x = \"AKIA\" .. \"IOSF\"", Some("x = \"AKIAIOSF\"")),
            ("x = \"AKIA\" & _\n  \"IOSF\"", None),
            ("x = \"AKIA\" & \"IOSF\"", Some("x = \"AKIAIOSF\"")),
            ("x = (\"AKIA\"\n     \"IOSF\")", Some("x = (\"AKIAIOSF\")")),
            ("x = \"4000 \" + \"0100\"", Some("x = \"4000 0100\"")),
            ("x = \"some words \" + \"and more\"", None),
            ("x = \"say \"\"yes\"\"\"", None),
            ("f(\"a\", \"b\")", None),
            ("x = \"44051\" \"401458\"", Some("x = \"44051401458\"")),
            ("x = \"ghp_a1B2c3D4\" \"e5F6g7H8\"", Some("x = \"ghp_a1B2c3D4e5F6g7H8\"")),
            ("x = \"ghp_\" \"a1B2c3D4e5F6g7H8\"", Some("x = \"ghp_a1B2c3D4e5F6g7H8\"")),
            ("x = \"440\" \"514\" \"01458\"", Some("x = \"44051401458\"")),
            ("GET / 200 \"-\" \"client/4.3.9\"", None),
            ("GET / 200 \"site.example/a1\" \"Client/4.3.9\"", None),
            ("x = \"a\" + b + \"c\"", None),
        ];
        for (text, expected) in rows {
            assert_eq!(joined(text).first().map(String::as_str), *expected, "{text}");
        }
    }

    #[test]
    fn values_over_two_lines_are_told_from_lists() {
        let rows: &[(&str, Option<&str>)] = &[
            ("pesel 44051\n401458 of", Some("pesel 44051401458 of")),
            ("> pesel 44051\r\n> 401458 of", Some("> pesel 44051401458 of")),
            ("card 4000 0100\n0007 1234 of", Some("card 4000 0100 0007 1234 of")),
            ("card 4000 01\n00 0007 1234 of", Some("card 4000 0100 0007 1234 of")),
            ("sin 046 45\n4 286 of", Some("sin 046 454 286 of")),
            ("cpf 585.233.8\n83-46 of", Some("cpf 585.233.883-46 of")),
            ("version 12.10.3\n46-1 of", None),
            ("iban: GB63 EVGA 393\n1 2383 8347 73 of", Some("iban: GB63 EVGA 3931 2383 8347 73 of")),
            ("konto: 8299.0\n4.30302 of", Some("konto: 8299.04.30302 of")),
            ("iban GB63 EVGA 393\n1 2383 8347 73 of", None),
            ("sedol: 549\n0822 of", Some("sedol: 5490822 of")),
            ("nino: AB 12\n34 56 C of", Some("nino: AB 1234 56 C of")),
            ("cpf: 585.233\n.883-46 of", Some("cpf: 585.233.883-46 of")),
            (
                "wallet: bc1qw508d6qejxtdg4y5r\n3zarvary0c5xw7kv8f3t4 of",
                Some("wallet: bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4 of"),
            ),
            ("in bc1qw508d6qejxtdg4y5r\n3zarvary0c5xw7kv8f3t4 of", None),
            ("sedol 549\n0822 of", None),
            ("44051401458\n.of", None),
            ("pesel 44051=\n401458 of", Some("pesel 44051401458 of")),
            ("key sk1Live_abcdef\n0123456789abcdef end", Some("key sk1Live_abcdef0123456789abcdef end")),
            ("pesel 44051\\\n401458 of", Some("pesel 44051401458 of")),
            ("44051\n401458\n", None),
            ("1 a 4405140\n4405141 b 4405142\n4405143 c 4405144\n4405145 d", None),
            ("some words\nand more words", None),
            ("in 2024\n10 of them", None),
            ("old = ghp_a1B2c3D4e5F6g7H8\nnew = 1", None),
            ("old = ghp_a1B2c3D4e5F6g7H8\nNEW2 = 1", None),
            ("old = ghp_a1B2c3D4e5F6g7H8\nnew words", None),
        ];
        for (text, expected) in rows {
            assert_eq!(joined(text).first().map(String::as_str), *expected, "{text}");
        }
    }

    #[test]
    fn odd_signs_behind_a_label_may_stand_for_hyphens() {
        assert_eq!(joined("ein: 35*1248942 of"), ["ein: 351248942 of", "ein: 35-1248942 of"]);
        assert_eq!(joined("hetu: 020304  434R of"), ["hetu: 020304434R of", "hetu: 020304-434R of"]);
        assert!(joined("3*1248942 of").is_empty());
    }

    #[test]
    fn a_line_may_end_inside_of_a_group_or_between_two() {
        assert_eq!(
            joined("ccc: 9298 2686 0\n3 2351258432 of"),
            ["ccc: 9298 2686 03 2351258432 of", "ccc: 9298 2686 0 3 2351258432 of"]
        );
        assert_eq!(joined("ssn: 529 68\n3112 of"), ["ssn: 529 683112 of", "ssn: 529 68 3112 of"]);
    }

    #[test]
    fn only_surroundings_are_made_anew_and_lead_back() {
        let filler = "word ".repeat(400);
        let text = format!("{filler}pesel 4405/1401/458 {filler}\"44051\" + \"401458\"{filler}");
        let mended = mend(text.as_bytes(), &Places::of(text.as_bytes()));
        assert_eq!(mended.joined.len(), 2);
        for content in mended.joined {
            let made = String::from_utf8_lossy(&content.bytes).into_owned();
            assert!(made.len() < 3 * AROUND_BYTES, "{made}");
            let at = made.find("44051401458").expect("it is made anew") as u32;
            let [start, end] = [at, at + 11].map(|at| original_offset(&content.runs, at).expect("leads back") as usize);
            assert!(["4405/1401/458", "44051\" + \"401458"].contains(&&text[start..end]), "{}", &text[start..end]);
        }
    }
}
