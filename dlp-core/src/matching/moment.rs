//! Numbers that are moments in time: what clocks write looks like the numbers of people, which begin with a day of birth.
//!
//! A value that no word names and that a clock may have written is worth less; beside others of its form that all tell a
//! day and a time it is one of them.

use super::company::is_digits;
use std::ops::Range;

/// Bytes on either side in which others are looked for.
const WINDOW_BYTES: usize = 256;

/// Seconds since 1970 that clocks of these decades tell: 1998 to 2030. Behind them, milliseconds begin with years of birth.
const SECONDS: Range<u64> = 900_000_000..1_900_000_000;
/// Digits of milliseconds, microseconds and nanoseconds since then. Seconds alone have as many as many numbers of people.
const FRACTION_DIGITS: [u32; 3] = [3, 6, 9];
const SECONDS_DIGITS: u32 = 10;

/// Digits of a time of day, behind a hyphen.
const TIME_DIGITS: usize = 4;

/// What a value tells of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    None,
    /// A clock may have written it.
    Perhaps,
    /// Clocks wrote it and the others like it around.
    AmongOthers,
}

/// Whether a value is a moment: parts of a second since 1970, or a day and a time of day as in `240131-2359`.
pub(super) fn of(text: &[u8], value: &Range<usize>) -> Moment {
    let bytes = &text[value.clone()];
    if is_since_1970(bytes) {
        return Moment::Perhaps;
    }
    if !is_day_and_time(bytes) {
        return Moment::None;
    }
    let sides =
        [value.start.saturating_sub(WINDOW_BYTES)..value.start, value.end..text.len().min(value.end + WINDOW_BYTES)];
    let mut others =
        sides.into_iter().flat_map(|side| alike(text, side, bytes.len())).filter(|other| *other != bytes).peekable();
    let has_others = others.peek().is_some();
    if has_others && others.all(is_day_and_time) { Moment::AmongOthers } else { Moment::Perhaps }
}

fn is_since_1970(value: &[u8]) -> bool {
    let number = || std::str::from_utf8(value).ok()?.parse::<u64>().ok();
    FRACTION_DIGITS.into_iter().any(|digits| {
        value.len() == (SECONDS_DIGITS + digits) as usize
            && is_digits(value)
            && number().is_some_and(|number| SECONDS.contains(&(number / 10_u64.pow(digits))))
    })
}

/// Whether digits of a day, which nobody asks for here, a hyphen and a time of day are all of it.
fn is_day_and_time(value: &[u8]) -> bool {
    is_form(value) && {
        let [h1, h2, m1, m2] = value[value.len() - TIME_DIGITS..] else { return false };
        (h1 - b'0') * 10 + (h2 - b'0') < 24 && m1 < b'6' && m2 <= b'9'
    }
}

/// Six or eight digits, a hyphen and four digits.
fn is_form(value: &[u8]) -> bool {
    let Some(day) = value.len().checked_sub(TIME_DIGITS + 1) else { return false };
    matches!(day, 6 | 8) && value[day] == b'-' && is_digits(&value[..day]) && is_digits(&value[day + 1..])
}

/// Values of the same form that stand as a whole in a part of a text.
fn alike(text: &[u8], side: Range<usize>, len: usize) -> impl Iterator<Item = &[u8]> {
    let is_word = |at: usize| text.get(at).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'-');
    let last = side.end.saturating_sub(len);
    (side.start..=last).filter_map(move |at| {
        let goes_on = at > 0 && is_word(at - 1) || is_word(at + len);
        text.get(at..at + len).filter(|value| !goes_on && is_form(value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_told_from_numbers() {
        let rows = [
            ("[1577836800000]", Moment::Perhaps),
            ("[1577836800000123]", Moment::Perhaps),
            ("[1577836800000123456]", Moment::Perhaps),
            ("[1577836800]", Moment::None),
            ("[4539148803436467]", Moment::None),
            ("[2840315123456]", Moment::None),
            ("[1913091173122]", Moment::None),
            ("[310124-2359]", Moment::Perhaps),
            ("[20240131-0930]", Moment::Perhaps),
            ("[310124-2360]", Moment::None),
            ("[310124-2459]", Moment::None),
            ("[310124-93Z4]", Moment::None),
            ("020224-1200\n[310124-2359]\n010124-0001", Moment::AmongOthers),
            ("020224-1200\n[310124-2359]\n010124-9876", Moment::Perhaps),
            ("310124-2359\n[310124-2359]", Moment::Perhaps),
            ("x020224-1200 [310124-2359] 010124-00012", Moment::Perhaps),
        ];
        for (marked, expected) in rows {
            let start = marked.find('[').expect("mark");
            let end = marked.find(']').expect("mark") - 1;
            let text = marked.replace(['[', ']'], "");
            assert_eq!(of(text.as_bytes(), &(start..end)), expected, "{marked}");
        }
    }
}
