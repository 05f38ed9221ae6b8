//! What stands around a value that no word names: others of its kind, or numbers that only look like it.
//!
//! A check digit lets one random number in ten to thirty pass. A table of numbers therefore holds some that pass,
//! beside many of the same shape that do not; a list of identifiers holds many that pass. The same detector is tried on
//! the neighbourhood of a value, and the others found there vote. Only values that no word names come here, numbers
//! with a check and those of detectors that set `alone`, so the cost is small.

use super::compile::DetectorSet;
use super::confirm;
use super::found::DetectorIndex;
use super::neighbourhood::Neighbourhood;
use super::scratch::Scratch;
use super::table::Table;
use crate::knowledge::validators::{Check, Verdict};
use std::ops::Range;

/// Bytes on either side in which others are looked for: the rows above and below in a table of people.
pub(super) const WINDOW_BYTES: usize = 256;

/// Matches of one pattern that are looked at in the window.
const OTHERS_MAX: usize = 16;

/// Others that make a list.
const LIST_MIN: usize = 2;
/// Others that make a list of addresses behind names, `Jane Doe <jane@..>`: so texts tell who wrote what, and three who
/// wrote something are no list of customers.
const NAMED_LIST_MIN: usize = 10;

/// Different numbers of the same length that are not known to pass, for each that is and for this one: a table has as many
/// where the shape alone turns most away, as moments in time that could be dates of birth.
const OTHERS_EACH: usize = 2;

/// What the others say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Company {
    /// Nobody is there.
    None,
    /// At least [`LIST_MIN`] different others pass ([`NAMED_LIST_MIN`] of named ones), and no more than these fail: a list.
    Peers,
    /// More numbers of the same length fail than others pass, or there are many more of that length: this one passed by
    /// chance.
    Strangers,
}

/// Looks around a value that the detector accepted.
pub(super) fn around(
    set: &DetectorSet,
    scratch: &mut Scratch,
    text: &[u8],
    (index, value): (DetectorIndex, Range<usize>),
) -> Company {
    let sides =
        [value.start.saturating_sub(WINDOW_BYTES)..value.start, value.end..text.len().min(value.end + WINDOW_BYTES)];
    let list_min = if before_bracket(text, &value).is_some() { NAMED_LIST_MIN } else { LIST_MIN };
    // Nothing fails beside what is no number, so that a list is known as soon as it is long enough.
    let passing_max = if is_digits(&text[value.clone()]) { usize::MAX } else { list_min };
    let mut votes = Votes { passing_max, ..Votes::default() };
    let mut neighbourhood = std::mem::take(&mut scratch.neighbourhood);
    neighbourhood.read(text, (&scratch.tokens, &scratch.masks), &sides);
    for side in &sides {
        votes.count(set, (scratch, &neighbourhood), text, (index, &text[value.clone()], side));
    }
    let passing = votes.passing.len();
    let is_among_others = || {
        let value = &text[value.clone()];
        let numbers = neighbourhood.numbers(text, value.len(), &sides);
        let mut others = numbers.filter(|number| *number != value && !votes.passing.contains(number));
        others.nth(OTHERS_EACH * (passing + 1) - 1).is_some()
    };
    let company = if votes.failing > passing || is_digits(&text[value.clone()]) && is_among_others() {
        Company::Strangers
    } else if passing >= list_min {
        Company::Peers
    } else {
        Company::None
    };
    scratch.neighbourhood = neighbourhood;
    company
}

/// Numbers of a column that fail before it is said to hold something else, and how many for each that passes: a digit turns
/// away nine of ten, while a table of people with some rows of nonsense in it is still one.
const COLUMN_FAILING_MIN: usize = 8;
const COLUMN_FAILING_EACH: usize = 4;

/// Whether a number that passes its check does so by chance: nearly all numbers of its length in the rows around it fail
/// there, whatever the header of the column says.
pub(super) fn is_chance_of_column(check: &Check, (table, text): (&Table, &[u8]), value: &Range<usize>) -> bool {
    let len = value.len();
    let others = table.cells_around(text, value, WINDOW_BYTES).filter(|cell| cell.len() == len && is_digits(cell));
    let (mut passing, mut failing) = (0, 0);
    for other in others {
        let is_passing = (check.verdict)(other) == Verdict::Valid;
        *(if is_passing { &mut passing } else { &mut failing }) += 1;
    }
    failing >= COLUMN_FAILING_MIN && failing >= COLUMN_FAILING_EACH * (passing + 1)
}

/// Different others that pass, and numbers of the same length that fail beside a number.
#[derive(Default)]
struct Votes<'t> {
    passing: Vec<&'t [u8]>,
    /// How many of them are enough.
    passing_max: usize,
    failing: usize,
}

impl<'t> Votes<'t> {
    fn count(
        &mut self,
        set: &DetectorSet,
        (scratch, neighbourhood): (&mut Scratch, &Neighbourhood),
        text: &'t [u8],
        (index, value, side): (DetectorIndex, &[u8], &Range<usize>),
    ) {
        let detector = set.compiled(index);
        let mut steps = 0;
        for number in set.patterns_of(index) {
            let (mut next, mut others) = (side.start, 0);
            let pattern = &set.patterns()[number];
            for at in neighbourhood.places(pattern, side) {
                if others == OTHERS_MAX || self.passing.len() >= self.passing_max {
                    break;
                }
                if at < next || !pattern.can_start(text, at) {
                    continue;
                }
                let Some(end) = confirm::end(set, scratch, text, (at..side.end, number as u32), &mut steps) else {
                    continue;
                };
                let other = &text[at..end];
                (next, others) = (end, others + 1);
                if other == value || self.passing.contains(&other) {
                    continue;
                }
                if detector.check.is_none_or(|check| (check.verdict)(other) == Verdict::Valid) {
                    self.passing.push(other);
                } else if other.len() == value.len() && is_digits(other) && is_digits(value) {
                    self.failing += 1;
                }
            }
        }
        scratch.budget.add_around(steps);
    }
}

/// Whether a value consists of digits alone.
pub(super) fn is_digits(value: &[u8]) -> bool {
    value.iter().all(u8::is_ascii_digit)
}

/// Whether a number counts up or down by one from digit to digit, is mostly one digit, or is a round one: people invent such
/// numbers.
pub(super) fn is_invented(value: &[u8]) -> bool {
    let step = |by: u8| value.windows(2).all(|pair| (pair[1] - b'0') == (pair[0] - b'0' + by) % 10);
    is_digits(value) && value.len() > 1 && (step(1) || step(9) || is_mostly_one(value) || is_round(value))
}

/// Whether more than two thirds of a number are one digit.
fn is_mostly_one(number: &[u8]) -> bool {
    let mut counts = [0usize; 10];
    number.iter().for_each(|byte| counts[usize::from(byte - b'0')] += 1);
    counts.iter().any(|count| count * 3 > number.len() * 2)
}

/// Zeros at the end of a number that was rounded, or counts in small units. One drawn number in ten thousand has them.
const ROUND_ZEROS: &[u8] = b"0000";

fn is_round(value: &[u8]) -> bool {
    value.ends_with(ROUND_ZEROS)
}

/// Shortest stretch of hexadecimal digits that is told from a number with a letter behind it.
const HEX_LEN_MIN: usize = 8;

/// Whether a value is what sums and commits are cut to: hexadecimal digits, with small letters among them.
pub(super) fn is_hexadecimal(value: &[u8]) -> bool {
    let is_digit = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
    value.len() >= HEX_LEN_MIN && value.iter().all(is_digit) && !is_digits(value)
}

/// Whether a value of groups is a stretch of a longer row of such groups: the widths of a font, the columns of a table.
pub(super) fn is_stretch(text: &[u8], value: &Range<usize>) -> bool {
    let bytes = &text[value.clone()];
    let (Some(first), Some(last)) = (bytes.iter().position(|b| *b == b' '), bytes.iter().rposition(|b| *b == b' '))
    else {
        return false;
    };
    let (first_len, last_len) = (first, bytes.len() - last - 1);
    let before = text[..value.start].strip_suffix(b" ").map(|rest| digits_at_end(rest, first_len + 1));
    let after = text[value.end..].strip_prefix(b" ").map(|rest| digits_at_start(rest, last_len + 1));
    before == Some(first_len) || after == Some(last_len)
}

/// Whether a value is glued to a name, as in a path, an address or the name of a file: `issues/…`, `fuzzer-…`, `….pdf`.
pub(super) fn is_part_of_name(text: &[u8], value: &Range<usize>) -> bool {
    let is_glue = |byte: &u8| matches!(byte, b'-' | b'/' | b'.' | b'#');
    let before = matches!(&text[..value.start], [.., name, glue] if is_glue(glue) && name.is_ascii_alphanumeric());
    let after = matches!(&text[value.end..], [glue, name, ..] if is_glue(glue) && name.is_ascii_alphanumeric());
    before || after
}

/// Whether an address in angle brackets signs an entry of a change log: a date, a name and the address, or two dashes,
/// a name and the address.
pub(super) fn signs_change(text: &[u8], value: &Range<usize>) -> bool {
    let Some(before) = before_bracket(text, value) else { return false };
    let line = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii_start();
    match line {
        [b'-', b'-', b' ', ..] => true,
        [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, ..] => {
            [y1, y2, y3, y4, m1, m2, d1, d2].into_iter().all(u8::is_ascii_digit)
        }
        _ => line.get(..3).is_some_and(|word| WEEKDAYS.contains(&word)),
    }
}

/// What stands before an address in angle brackets.
fn before_bracket<'t>(text: &'t [u8], value: &Range<usize>) -> Option<&'t [u8]> {
    // The same address is also accepted from behind a dot in it, so the bracket may stand farther before.
    let is_mailbox = |byte: &u8| byte.is_ascii_alphanumeric() || b"._%+-'".contains(byte);
    let head = &text[value.start.saturating_sub(WINDOW_BYTES)..value.start];
    let cut = head.iter().rev().take_while(|byte| is_mailbox(byte)).count();
    let before = head[..head.len() - cut].strip_suffix(b"<")?;
    (text.get(value.end) == Some(&b'>')).then_some(before)
}

const WEEKDAYS: &[&[u8]] = &[b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"];

fn digits_at_end(text: &[u8], max: usize) -> usize {
    text.iter().rev().take(max).take_while(|byte| byte.is_ascii_digit()).count()
}

fn digits_at_start(text: &[u8], max: usize) -> usize {
    text.iter().take(max).take_while(|byte| byte.is_ascii_digit()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text without its marks, and the span between them.
    fn unmarked(marked: &str) -> (String, Range<usize>) {
        let start = marked.find('[').expect("mark");
        let end = marked.find(']').expect("mark") - 1;
        (marked.replace(['[', ']'], ""), start..end)
    }

    #[test]
    fn numbers_in_names_and_paths_are_told() {
        let rows = [
            ("runs/[9427112650]", true),
            ("comment-[9427112650]", true),
            ("[9427112650].pdf", true),
            ("key=[9427112650]", false),
            ("no. [9427112650]. Then", false),
            ("- [9427112650]", false),
        ];
        for (marked, expected) in rows {
            let (text, span) = unmarked(marked);
            assert_eq!(is_part_of_name(text.as_bytes(), &span), expected, "{marked}");
        }
    }

    #[test]
    fn signatures_of_changes_are_told() {
        let rows = [
            ("fix\n2010-01-26  Jane Doe  <[jane@acme.pl]>\n", true),
            ("2012-05-14  Jane Doe  <jane.[doe@acme.pl]>", true),
            (" -- Jane Doe <[jane@acme.pl]>  Thu, 27 Feb 2020", true),
            ("Mon Jan  9 12:48:01 1995  Jane  <[jane@acme.pl]>", true),
            ("To: Jane Doe <[jane@acme.pl]>", false),
            ("On Mon Jane Doe <[jane@acme.pl]> wrote", false),
            ("2010-01-26;[jane@acme.pl];7", false),
        ];
        for (marked, expected) in rows {
            let (text, span) = unmarked(marked);
            assert_eq!(signs_change(text.as_bytes(), &span), expected, "{marked}");
        }
    }

    #[test]
    fn counting_and_repeating_numbers_are_invented() {
        let rows = [
            ("1234567890", true),
            ("01234567890", true),
            ("9876543210", true),
            ("10000000000", true),
            ("44051401458", false),
            ("4111111111111112", true),
            ("12345678Z", false),
            ("132847210670000", true),
            ("13284721067000", false),
        ];
        for (value, expected) in rows {
            assert_eq!(is_invented(value.as_bytes()), expected, "{value}");
        }
    }

    #[test]
    fn hexadecimal_digits_are_told_by_their_small_letters() {
        let rows = [
            ("69751741d", true),
            ("69751741D", false),
            ("69751741", false),
            ("6975174d", true),
            ("697517d", false),
            ("69751741z", false),
        ];
        rows.iter().for_each(|(value, expected)| assert_eq!(is_hexadecimal(value.as_bytes()), *expected, "{value}"));
    }

    #[test]
    fn a_row_of_groups_of_one_length_is_no_value() {
        let rows = [
            ("[5226 5259 5292 5325] 5358", true),
            ("5193 [5226 5259 5292 5325]", true),
            ("[4539 1488 0343 6467] 12 25", false),
            ("[4539 1488 0343 6467] paid", false),
            ("[4539148803436467] 5226", false),
            ("no 7 [4539 1488 0343 6467]", false),
        ];
        for (marked, expected) in rows {
            let (text, span) = unmarked(marked);
            assert_eq!(is_stretch(text.as_bytes(), &span), expected, "{marked}");
        }
    }
}
