//! Digits with something between them: hexadecimal pairs, and one value in groups that somebody set apart.
//!
//! `50 45 53`, `0x50, 0x45` and `44.05.14/01458` have in common that a digit stands near a digit and something else
//! between. Such places are found for many bytes at once; what stands there is looked at one chain after the other, so
//! every byte is looked at a bounded number of times.

use super::transfer::hex_pair;
use super::{Derived, Places};
use std::ops::Range;

/// Bytes between two digits of a chain, as far as they are looked for.
const APART_BYTES_MAX: usize = 7;
/// Hexadecimal pairs that make a text.
const PAIRS_MIN: usize = 8;
/// Bytes between two pairs: a comma, a line end and blanks.
const PAIR_SEPARATOR_BYTES_MAX: usize = 24;
/// Letters and digits of one value.
const VALUE_CHARS: Range<usize> = 9..41;
/// Letters and digits of one group.
pub(super) const GROUP_CHARS_MAX: usize = 8;
/// Groups of a value: two are a number with a fraction, a quotient, a pair.
const GROUPS_MIN: usize = 3;
/// The same where a label names what signs set apart that stand between no other numbers.
const NAMED_VALUE_CHARS: Range<usize> = 7..41;
const NAMED_GROUPS_MIN: usize = 2;
/// Letters and digits of one of its groups: numbers of accounts have long ones.
const NAMED_GROUP_CHARS_MAX: usize = 16;
/// Letters and digits of a named key in groups of one length: addresses of currencies are long.
const NAMED_KEY_CHARS: Range<usize> = 24..112;
/// Characters of a cell that names those behind it.
const CELL_LABEL_CHARS: Range<usize> = 2..33;
/// Arcs of an object identifier, of which algorithms and attributes have six and more.
const OBJECT_ARCS_MIN: usize = 5;
/// Groups of a value in single characters.
const SINGLE_GROUPS_MIN: usize = 9;
/// Blanks, quotes and brackets between a label, its mark and a value.
const LABEL_OPEN_BYTES_MAX: usize = 4;
/// Bytes of the lines above and below that are looked at.
const LINE_BYTES_MAX: usize = 256;

/// What was found at digits that stand apart.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::content) enum Chain {
    /// Hexadecimal pairs, and the bytes that they are.
    Hex(Range<usize>, Derived),
    /// One value: what stands between its groups.
    Value(Range<usize>, Vec<Range<usize>>),
    /// The same, where signs stand between the groups that take the place of others: of hyphens, perhaps.
    Replaced(Range<usize>, Vec<Range<usize>>),
}

impl Chain {
    fn range(&self) -> &Range<usize> {
        match self {
            Self::Hex(range, _) | Self::Value(range, _) | Self::Replaced(range, _) => range,
        }
    }
}

/// All chains of a text, in order.
pub(super) fn chains(text: &[u8], places: &Places) -> Vec<Chain> {
    let mut found: Vec<Chain> = Vec::new();
    let (mut at, mut groups) = (0, Vec::new());
    while let Some(place) = places.apart().next(at) {
        let from = found.last().map_or(0, |chain| chain.range().end);
        let hex = hex_chain(text, from, place).map(|(range, content)| Chain::Hex(range, content));
        // Pairs of decimal digits may be one value in groups of two as well.
        let value = match &hex {
            Some(hex) if text[hex.range().clone()].iter().any(u8::is_ascii_alphabetic) => Err(hex.range().end),
            _ => value_chain(text, (from, place), &mut groups),
        };
        let ends = [hex.as_ref(), value.as_ref().ok()].map(|chain| chain.map(|chain| chain.range().end));
        at = ends.into_iter().flatten().chain(value.as_ref().err().copied()).fold(place + 1, usize::max);
        found.extend(hex.into_iter().chain(value.ok()));
    }
    found
}

fn is_digit(byte: u8) -> bool {
    byte.wrapping_sub(b'0') < 10
}

/// Hexadecimal pairs around a place.
fn hex_chain(text: &[u8], from: usize, place: usize) -> Option<(Range<usize>, Derived)> {
    let start = pair_start(text, from, place)?;
    // Most pairs stand alone, and are not worth the memory.
    pairs(text, start).nth(PAIRS_MIN - 1)?;
    let mut content = Derived::default();
    let mut end = start;
    for (at, pair) in pairs(text, start) {
        content.push(pair, at as u64, 2);
        end = at + 2;
    }
    content.end(end as u64);
    Some((start..end, content))
}

/// The places of hexadecimal pairs, one behind the other, and the bytes that they are.
fn pairs(text: &[u8], start: usize) -> impl Iterator<Item = (usize, u8)> {
    let mut next = Some(start);
    std::iter::from_fn(move || {
        let at = next?;
        let pair = hex_pair(text.get(at..)?)?;
        let end = at + 2;
        let is_longer = text.get(end).is_some_and(u8::is_ascii_alphanumeric) && text[end] != b'h';
        next = separator_len(&text[end..]).map(|len| end + len);
        (!is_longer).then_some((at, pair))
    })
}

/// Where the pair begins that a digit is part of; `None` when it is none.
fn pair_start(text: &[u8], from: usize, place: usize) -> Option<usize> {
    let is_hex = |at: usize| text.get(at).is_some_and(u8::is_ascii_hexdigit);
    let start = if place > from && is_hex(place - 1) { place - 1 } else { place };
    let before = start.checked_sub(1).and_then(|at| text.get(at));
    let is_first = before.is_none_or(|byte| !byte.is_ascii_alphanumeric() || matches!(byte, b'x' | b'X' | b'H'));
    (is_first && is_hex(start + 1)).then_some(start)
}

/// Bytes between two pairs, a mark of hexadecimal digits included.
fn separator_len(rest: &[u8]) -> Option<usize> {
    let is_separator =
        |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b',' | b';' | b':' | b'-' | b'"' | b'\'' | b'h');
    let len = rest.iter().take(PAIR_SEPARATOR_BYTES_MAX).take_while(|byte| is_separator(byte)).count();
    let mark = match rest.get(len..)? {
        [b'0' | b'\\' | b'&', b'x' | b'X' | b'H', ..] => 2,
        [b'$', ..] => 1,
        _ => 0,
    };
    (len > 0).then_some(len + mark)
}

/// The groups of a value.
struct Groups<'t> {
    text: &'t [u8],
    groups: &'t [Range<usize>],
}

/// One value in groups around a place, or where to go on. `groups` is memory.
fn value_chain(text: &[u8], (from, place): (usize, usize), groups: &mut Vec<Range<usize>>) -> Result<Chain, usize> {
    groups.clear();
    // Capitals may stand behind the digit.
    let is_upper = |byte: &&u8| byte.is_ascii_digit() || byte.is_ascii_uppercase();
    let letters = text[place + 1..].iter().take(GROUP_CHARS_MAX).take_while(is_upper).count();
    let group_end = place + 1 + letters;
    let Some(mut separator) = Separator::at(&text[group_end..]) else { return Err(place + 1) };
    let labelled = labelled_cells(text, (from, place), &separator);
    let mut at = labelled.unwrap_or_else(|| first_group(text, from, (group_end, &separator)));
    match separator.usual {
        _ if labelled.is_some() => (separator.usual, separator.is_labelled) = (Usual::Named, true),
        Usual::Named if !is_named(&text[..at]) => return Err(place + 1),
        // Behind a label and its mark stands a value, in a table or not.
        Usual::Cells if separator.is_of_list() && is_named(&text[..at]) => separator.usual = Usual::Named,
        _ => {}
    }
    let group_chars_max = separator.group_chars_max();
    loop {
        let len = text[at..].iter().take(group_chars_max + 1).take_while(|byte| byte.is_ascii_alphanumeric()).count();
        let first_len = groups.first().map_or(len, Range::len);
        if !separator.takes(&text[at..at + len], first_len) {
            break;
        }
        groups.push(at..at + len);
        let end = at + len;
        let goes_on = separator.begins(&text[end..]) && groups.len() <= VALUE_CHARS.end;
        // Where groups are as long as the first one, a shorter one is the last.
        if !goes_on || (!separator.usual.is_free() && len < first_len) {
            break;
        }
        at = end + separator.bytes.len();
    }
    let groups = Groups { text, groups };
    let end = groups.range().end.max(group_end);
    if !groups.is_value(&separator) {
        return Err(end);
    }
    let gaps = groups.groups.windows(2).map(|pair| pair[0].end..pair[1].start).collect();
    let is_replaced = separator.is_labelled || separator.is_odd() && groups.is_named();
    Ok(if is_replaced { Chain::Replaced(groups.range(), gaps) } else { Chain::Value(groups.range(), gaps) })
}

/// Where the first group of a chain begins that stands alone behind a cell which names it: `| PESEL | 4405 | 1401 | 458 |`.
fn labelled_cells(text: &[u8], (from, place): (usize, usize), separator: &Separator<'_>) -> Option<usize> {
    if separator.usual != Usual::Cells {
        return None;
    }
    let line_start = place - last_line(&text[..place]).len();
    let is_margin = |byte: &u8| matches!(byte, b' ' | b'|' | b'"');
    let label_start = line_start + text[line_start..place].iter().take_while(|byte| is_margin(byte)).count();
    let is_label = |byte: &u8| byte.is_ascii_alphabetic() || !byte.is_ascii() || matches!(byte, b' ' | b'.' | b'-');
    let label = text[label_start..place].iter().take(CELL_LABEL_CHARS.end).take_while(|byte| is_label(byte)).count();
    let label = text[label_start..label_start + label].trim_ascii_end();
    let behind = label_start + label.len();
    let at = behind + separator.bytes.len();
    let is_first =
        label.first().is_some_and(|byte| !matches!(byte, b'.' | b'-')) && text[behind..].starts_with(separator.bytes);
    (is_first && CELL_LABEL_CHARS.contains(&label.len()) && (from..=place).contains(&at)).then_some(at)
}

/// Where the first group of a chain begins, of which one group ends here.
fn first_group(text: &[u8], from: usize, (end, separator): (usize, &Separator<'_>)) -> usize {
    let group_chars_max = separator.group_chars_max();
    let group_start = |end: usize| {
        let group = text[from..end].iter().rev().take(group_chars_max + 1);
        end - group.take_while(|byte| byte.is_ascii_alphanumeric()).count()
    };
    let mut start = group_start(end);
    let mut without_label = start;
    let len = end - start;
    for _ in 0..VALUE_CHARS.end {
        if start == end || !separator.ends(&text[from..start]) {
            break;
        }
        let earlier_end = start - separator.bytes.len();
        let earlier = group_start(earlier_end);
        let group = &text[earlier..earlier_end];
        let is_short = !separator.usual.is_free() && group.len() != len;
        if is_short || !separator.takes(group, len) {
            break;
        }
        start = earlier;
        // A label may be set apart like a group.
        let may_be_label = separator.usual == Usual::Cells && len > 1 || separator.bytes.contains(&b':');
        if !may_be_label || group.iter().any(u8::is_ascii_digit) {
            without_label = start;
        }
    }
    if without_label == start || is_named(&text[..start]) { start } else { without_label }
}

/// How much has to speak for a value with such separators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Usual {
    /// Between numbers of any text: blanks, hyphens.
    Everywhere,
    /// Between cells of tables.
    Cells,
    /// Seldom between numbers.
    Seldom,
    /// Anything else, as between parts of times and addresses: a value only where a label names it.
    Named,
}

impl Usual {
    /// Whether groups may be of any length.
    fn is_free(self) -> bool {
        matches!(self, Self::Seldom | Self::Named)
    }
}

/// What stands between two groups.
struct Separator<'t> {
    bytes: &'t [u8],
    usual: Usual,
    /// Whether it stands between cells of a row that begins with their name.
    is_labelled: bool,
}

impl<'t> Separator<'t> {
    /// Whether letters and digits may be a group behind others, the first of which is so long.
    fn takes(&self, group: &[u8], first_len: usize) -> bool {
        let has_digit = || group.iter().any(u8::is_ascii_digit);
        let is_upper = || group.iter().all(u8::is_ascii_uppercase);
        let fits = || match self.usual {
            Usual::Seldom => true,
            Usual::Named => group.iter().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase()),
            Usual::Everywhere | Usual::Cells => {
                group.len() <= first_len && (first_len == 1 || has_digit() || is_upper())
            }
        };
        (1..=self.group_chars_max()).contains(&group.len()) && fits()
    }

    /// Letters and digits of a group, if all else speaks for a value.
    fn group_chars_max(&self) -> usize {
        if self.is_labelled || self.is_odd() { NAMED_GROUP_CHARS_MAX } else { GROUP_CHARS_MAX }
    }

    /// Whether a text begins with it. Most do not, which one byte tells, and most are one byte.
    fn begins(&self, text: &[u8]) -> bool {
        text.first() == self.bytes.first() && (self.bytes.len() == 1 || text.starts_with(self.bytes))
    }

    fn ends(&self, text: &[u8]) -> bool {
        text.last() == self.bytes.last() && (self.bytes.len() == 1 || text.ends_with(self.bytes))
    }

    /// Whether it stands between cells of tables or strings of a list, and in sentences nowhere.
    fn is_of_list(&self) -> bool {
        matches!(self.bytes.trim_ascii(), b"|") || self.bytes == b"\t" || matches!(self.bytes, [b'"' | b'\'', ..])
    }

    /// Whether it stands between numbers that are no value nearly never.
    fn is_odd(&self) -> bool {
        let is_common = |byte: &u8| matches!(byte, b'.' | b'/' | b',' | b';' | b':');
        match self.usual {
            Usual::Seldom => !self.bytes.iter().any(is_common),
            Usual::Named => !self.bytes.iter().any(|byte| is_common(byte) || matches!(byte, b'-' | b'\n')),
            Usual::Everywhere | Usual::Cells => false,
        }
    }

    /// The separator that a text begins with.
    fn at(rest: &'t [u8]) -> Option<Self> {
        let is_part = |byte: &u8| !byte.is_ascii_alphanumeric();
        let len = rest.iter().take(APART_BYTES_MAX).take_while(|byte| is_part(byte)).count();
        let bytes = &rest[..len];
        let (mut core, mut core_len) = ([0; APART_BYTES_MAX], 0);
        for byte in bytes.iter().filter(|byte| !matches!(byte, b' ' | b'"' | b'\'')) {
            core[core_len] = *byte;
            core_len += 1;
        }
        let core = &core[..core_len];
        let has_quotes = bytes.iter().any(|byte| matches!(byte, b'"' | b'\''));
        let usual = match core {
            [] if has_quotes => Usual::Named,
            [] if len == 1 => Usual::Everywhere,
            [] if len == 2 => Usual::Seldom,
            [b'-'] if len == 1 => Usual::Everywhere,
            [b',' | b';' | b'|'] | [b'\t', ..] if core.iter().all(|byte| *byte == core[0]) => Usual::Cells,
            [b'.' | b'/' | b'_' | b'*' | b'~'] | [0xC2, 0xB7] | [0xE2, 0x80, 0xA2] if !has_quotes => Usual::Seldom,
            _ if !(1..APART_BYTES_MAX).contains(&len) || bytes.iter().any(Self::makes_no_value) => return None,
            _ => Usual::Named,
        };
        Some(Self { bytes, usual, is_labelled: false })
    }

    /// Whether a byte makes numbers beside it parts of an expression, a string or a path.
    fn makes_no_value(byte: &u8) -> bool {
        matches!(byte, b'+' | b'=' | b'<' | b'>' | b'&' | b'%' | b'^' | b'!' | b'?' | b'@' | b'$' | b'"' | b'\\' | b'`')
            || byte.is_ascii_control() && !byte.is_ascii_whitespace()
    }
}

impl Groups<'_> {
    fn range(&self) -> Range<usize> {
        let (first, last) = (self.groups.first(), self.groups.last());
        first.map_or(0, |group| group.start)..last.map_or(0, |group| group.end)
    }

    /// Whether the groups look like one value that was set apart, and like nothing else.
    fn is_value(&self, separator: &Separator<'_>) -> bool {
        let lens = || self.groups.iter().map(Range::len);
        let chars: usize = lens().sum();
        let is_named = separator.is_odd() && self.is_named();
        let (chars_range, groups_min, group_chars_max) = match is_named {
            _ if separator.is_labelled => (NAMED_VALUE_CHARS, GROUPS_MIN, NAMED_GROUP_CHARS_MAX),
            true => (NAMED_VALUE_CHARS, NAMED_GROUPS_MIN, NAMED_GROUP_CHARS_MAX),
            false => (VALUE_CHARS, GROUPS_MIN, GROUP_CHARS_MAX),
        };
        let regular = self.regular_len();
        let is_key = is_named && regular.is_some_and(|len| len > 1) && NAMED_KEY_CHARS.contains(&chars);
        if self.groups.len() < groups_min
            || !(chars_range.contains(&chars) || is_key)
            || lens().any(|len| len == 0 || len > group_chars_max)
            || separator.is_labelled && !self.ends_line()
            || separator.bytes == b"_" && self.is_constant()
        {
            return false;
        }
        let in_groups = |test: fn(&u8) -> bool| {
            self.groups.iter().flat_map(|group| &self.text[group.clone()]).filter(|byte| test(byte)).count()
        };
        let digits = in_groups(u8::is_ascii_digit);
        let is_plain = digits == chars;
        let is_of_upper = is_plain || (digits * 3 >= chars && in_groups(u8::is_ascii_lowercase) == 0);
        let is_token = digits >= 2 && self.groups.len() >= 4 && regular.is_some_and(|len| len > 1);
        let is_regular = match (separator.usual, regular) {
            (_, Some(1)) => self.groups.len() >= SINGLE_GROUPS_MIN && (is_of_upper || digits >= 2),
            (Usual::Everywhere | Usual::Cells, Some(_)) => {
                let may_count = matches!(separator.bytes, b" " | b"-" | b",") && self.may_be_thousands();
                is_of_upper && (!may_count || self.is_named() && !self.is_thousands())
            }
            (Usual::Seldom, Some(_)) => is_of_upper || is_token,
            (Usual::Seldom, None) => is_plain || is_named && is_of_upper,
            // Pairs of hexadecimal digits are an address.
            (Usual::Named, _) if separator.bytes == b":" && !is_plain && in_groups(u8::is_ascii_hexdigit) == chars => {
                false
            }
            (Usual::Named, _) => is_of_upper && !self.is_thousands(),
            (_, None) => false,
        };
        let is_thousands = matches!(separator.bytes, b"." | b"_") && self.is_thousands();
        is_regular
            && !is_thousands
            && !self.is_address(separator)
            && !self.is_object_identifier(separator)
            && self.stands_apart(separator)
            && (separator.usual == Usual::Seldom
                || separator.is_labelled
                || separator.bytes.contains(&b'\n')
                || self.is_alone(separator))
    }

    /// Whether they are the name of a constant: a word and a number.
    fn is_constant(&self) -> bool {
        let [first, _] = self.groups else { return false };
        self.text[first.clone()].iter().all(u8::is_ascii_alphabetic)
    }

    /// Whether nothing stands behind them in their line but what closes a row.
    fn ends_line(&self) -> bool {
        let behind = self.text[self.range().end..].iter().take(LABEL_OPEN_BYTES_MAX);
        let is_close = |byte: &u8| matches!(byte, b' ' | b'|' | b'"' | b'\t' | b',' | b';');
        let rest = behind.copied().find(|byte| !is_close(byte));
        rest.is_none_or(|byte| matches!(byte, b'\r' | b'\n'))
    }

    /// The length of all groups but the last or the first, which may be shorter.
    fn regular_len(&self) -> Option<usize> {
        let [first, inner @ .., last] = self.groups else { return None };
        let (first, last) = (first.len(), last.len());
        let len = inner.first().map_or(first.max(last), Range::len);
        let fits = inner.iter().all(|inner| inner.len() == len) && first <= len && last <= len;
        (fits && (first == len || last == len)).then_some(len)
    }

    /// Whether a label stands in front of them.
    fn is_named(&self) -> bool {
        is_named(&self.text[..self.range().start])
    }

    /// Whether they are the address of a computer.
    fn is_address(&self, separator: &Separator<'_>) -> bool {
        let is_number = |group: &Range<usize>| {
            let digits = &self.text[group.clone()];
            let value = digits.iter().fold(0_u32, |value, digit| 10 * value + u32::from(digit & 0x0F));
            digits.iter().all(u8::is_ascii_digit) && value <= u8::MAX.into()
        };
        separator.bytes == b"." && self.groups.len() == 4 && self.groups.iter().all(is_number)
    }

    /// Whether they are an object identifier (ITU-T X.660): arcs of any length, the first one 0, 1 or 2, and the second below
    /// 40, but for joint ones.
    fn is_object_identifier(&self, separator: &Separator<'_>) -> bool {
        let [first, second, ..] = self.groups else { return false };
        let second = &self.text[second.clone()];
        let is_below_40 = second.len() == 1 || second.len() == 2 && second[0] < b'4';
        separator.bytes == b"."
            && self.groups.len() >= OBJECT_ARCS_MIN
            && self.regular_len().is_none()
            && matches!(&self.text[first.clone()], b"0" | b"1" | b"2" if is_below_40)
    }

    /// Whether they can be a number with its thousands set apart: all groups behind the first have three digits.
    fn may_be_thousands(&self) -> bool {
        self.groups.iter().skip(1).all(|group| group.len() == 3)
    }

    /// Whether they are a number with its thousands set apart. A first group of three digits may be part of an
    /// identifier.
    fn is_thousands(&self) -> bool {
        let [first, rest @ ..] = self.groups else { return false };
        first.len() < 3 && rest.iter().all(|group| group.len() == 3)
    }

    /// Whether nothing goes on on either side.
    fn stands_apart(&self, separator: &Separator<'_>) -> bool {
        let range = self.range();
        let (before, behind) = (&self.text[..range.start], &self.text[range.end..]);
        let cell = separator.usual == Usual::Cells;
        let may_touch = |byte: u8| {
            !byte.is_ascii_alphanumeric()
                && (cell || !matches!(byte, b'.' | b'-' | b'_' | b'/' | b'@' | b'*' | b'~' | b'%' | b'+' | b'='))
        };
        let ends_so = |byte: Option<&u8>, next: Option<&u8>| match byte {
            None => true,
            // A full stop or a comma that nothing follows ends a sentence.
            Some(b'.' | b',' | b'-' | b'_' | b'/' | b'*') if !cell => {
                next.is_none_or(|next| next.is_ascii_whitespace())
            }
            Some(byte) => may_touch(*byte),
        };
        let starts_so = before.last().is_none_or(|byte| may_touch(*byte) || *byte == b'=');
        let number_before =
            before.strip_suffix(separator.bytes).is_some_and(|rest| rest.last().is_some_and(|byte| is_digit(*byte)));
        let number_behind =
            behind.strip_prefix(separator.bytes).is_some_and(|rest| rest.first().is_some_and(|byte| is_digit(*byte)));
        starts_so && ends_so(behind.first(), behind.get(1)) && !number_before && !number_behind
    }

    /// Whether the lines above and below have no such chain: in a table of numbers each line has one.
    fn is_alone(&self, separator: &Separator<'_>) -> bool {
        let range = self.range();
        let above = &self.text[..range.start];
        let above = memchr::memrchr(b'\n', above).map_or(&[][..], |feed| last_line(&above[..feed]));
        let below = &self.text[range.end..];
        let below = memchr::memchr(b'\n', &below[..below.len().min(LINE_BYTES_MAX)]).map_or(&[][..], |feed| {
            let rest = &below[feed + 1..];
            let len = rest.len().min(LINE_BYTES_MAX);
            &rest[..memchr::memchr(b'\n', &rest[..len]).unwrap_or(len)]
        });
        !has_chain(above, separator.bytes) && !has_chain(below, separator.bytes)
    }
}

/// Whether a text ends with a word and a mark that assigns, perhaps in quotes: what follows has a label.
pub(super) fn is_named(before: &[u8]) -> bool {
    let is_open = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'(' | b'[' | b'{');
    let opened = before.iter().rev().take(LABEL_OPEN_BYTES_MAX).take_while(|byte| is_open(byte)).count();
    let Some((b':' | b'=', word)) = before[..before.len() - opened].split_last() else { return false };
    let is_close = |byte: &u8| *byte == b' ' || matches!(byte, b'"' | b'\'' | b')' | b']' | b'.');
    let closed = word.iter().rev().take(LABEL_OPEN_BYTES_MAX).take_while(|byte| is_close(byte)).count();
    let is_letter = |byte: &u8| byte.is_ascii_alphabetic() || !byte.is_ascii();
    matches!(&word[..word.len() - closed], [.., a, b] if is_letter(a) && is_letter(b))
}

/// The last line of a text, as far as it is looked at.
fn last_line(text: &[u8]) -> &[u8] {
    let text = &text[text.len().saturating_sub(LINE_BYTES_MAX)..];
    memchr::memrchr(b'\n', text).map_or(text, |feed| &text[feed + 1..])
}

/// Whether a line has two numbers with this between them.
fn has_chain(line: &[u8], separator: &[u8]) -> bool {
    let Some(first) = separator.first() else { return false };
    memchr::memchr_iter(*first, line).any(|at| {
        let is_digit_at = |at: Option<usize>| at.and_then(|at| line.get(at)).is_some_and(|byte| is_digit(*byte));
        is_digit_at(at.checked_sub(1)) && is_digit_at(Some(at + separator.len())) && line[at..].starts_with(separator)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(text: &str) -> Vec<String> {
        let text = text.as_bytes();
        let show = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let chains = chains(text, &Places::of(text)).into_iter();
        chains
            .map(|chain| match chain {
                Chain::Hex(_, content) => format!("hex {}", show(&content.bytes)),
                Chain::Value(range, gaps) | Chain::Replaced(range, gaps) => {
                    let is_kept = |at: &usize| !gaps.iter().any(|gap| gap.contains(at));
                    show(&range.filter(is_kept).map(|at| text[at]).collect::<Vec<_>>())
                }
            })
            .collect()
    }

    #[test]
    fn values_in_groups_are_told_from_other_numbers() {
        let rows: &[(&str, &[&str])] = &[
            ("4405.1401.458", &["44051401458"]),
            ("no 44.051401.458.", &["44051401458"]),
            ("4405/1401/458", &["44051401458"]),
            ("id=4405_1401_458;", &["44051401458"]),
            ("4405·1401·458", &["44051401458"]),
            ("4405 • 1401 • 458", &["44051401458"]),
            ("4405  1401  458", &["44051401458"]),
            ("4405 1401 458", &["44051401458"]),
            ("440 514 014 58", &["44051401458"]),
            ("440.514.014.58", &["44051401458"]),
            ("4 4 0 5 1 4 0 1 4 5 8", &["44051401458"]),
            ("4-4-0-5-1-4-0-1-4-5-8", &["44051401458"]),
            ("| PESEL | 4405 | 1401 | 458 |", &["44051401458"]),
            ("PESEL\t4405\t1401\t458\n", &["44051401458"]),
            ("[\"4405\", \"1401\", \"458\"]", &["44051401458"]),
            ("PL61 1090 1014 0000 0712 1981 2874", &["PL61109010140000071219812874"]),
            ("FRRR.ML88.C50G.791Y", &["FRRRML88C50G791Y"]),
            ("PESEL: 4405:1401:458", &["44051401458"]),
            ("pesel=44#05#14#01458;", &["44051401458"]),
            ("pesel:4405:1401:458", &["44051401458"]),
            ("PESEL:4405:1401:458", &["44051401458"]),
            ("Number (PESEL): 4405 - 1401 - 458", &["44051401458"]),
            ("номер: 4405\u{3000}1401\u{3000}458", &["44051401458"]),
            ("pesel: 4405'1401'458", &["44051401458"]),
            ("pesel: (4405) (1401) (458)", &["44051401458"]),
            ("pesel: 4405\n1401\n458 of", &["44051401458"]),
            ("pesel: 4405\r\n1401\r\n458 of", &["44051401458"]),
            ("pesel: 4405-\n1401-\n458 of", &["44051401458"]),
            ("pesel: 440 514 014 581 of", &["440514014581"]),
            ("nino: AB#12#34#56#C of", &["AB123456C"]),
            ("pesel: 44 05 14 01 45 81 23 62", &["hex D\u{5}\u{14}\u{1}E\u{FFFD}#b", "4405140145812362"]),
            ("code: FR|RR|ML|88|C5|0G|79|1Y", &["FRRRML88C50G791Y"]),
            ("code FRR RML 88C 50G 791 Y", &["FRRRML88C50G791Y"]),
            ("4405\n1401\n458 of", &[]),
            ("sum = 4405 + 1401 + 458", &[]),
            ("total: 1'234'567'890", &[]),
            ("total: 12 345 678 901", &[]),
            ("mac: 00:1B:44:11:3A:B7", &[]),
            ("4405:1401:458", &[]),
            ("at 2024:05:12:10:11", &[]),
            ("time: 10:11:12", &[]),
            ("addr: 2001:0db8:85a3:0042", &[]),
            ("512.330017", &[]),
            ("192.168.100.200", &[]),
            ("12.05.2024", &[]),
            ("2024/05/12 10:11:12.123", &[]),
            ("/2024/05/123456/", &[]),
            ("1.234.567.890 and 1_000_000_000", &[]),
            ("1 234 567 890 and 234 567 890", &[]),
            ("1,234,567,890", &[]),
            ("v1.2.3.4.5.6.7.8.9.10.11", &[]),
            ("1000 2000 3000\n4000 5000 6000\n", &[]),
            ("1000,2000,3000\n4000,5000,6000\n", &[]),
            ("550e8400-e29b-41d4-a716-446655440000", &[]),
            ("10 of 20 and 30, or 5", &[]),
            ("1.5 2.5 3.5 4.5", &[]),
            ("2026-11-22", &[]),
        ];
        for (text, expected) in rows {
            assert_eq!(joined(text), *expected, "{text}");
        }
    }

    #[test]
    fn a_label_takes_odd_signs_for_separators_and_object_identifiers_are_none() {
        let rows: &[(&str, &[&str])] = &[
            ("pps: 550*2462H of", &["5502462H"]),
            ("account: 69|2161|0673|24", &["692161067324"]),
            ("rvnr: 55·181004·N·577 of", &["55181004N577"]),
            ("sedol: 549 • 082 • 2", &["5490822"]),
            ("nip 549 • 082 • 2", &[]),
            ("3*4405140", &[]),
            ("size: 1024/768000", &[]),
            ("at: 12:3045678", &[]),
            ("case = ABC_1234567", &[]),
            ("nid: 1.2.840.10045.4.3.2", &[]),
            ("nid 2.16.840.1.113733.1.7.23.3", &[]),
            ("nir 1.84.12.76.451.089.46", &["184127645108946"]),
            ("ccc: 9298_2686_03_2351258432 of", &["92982686032351258432"]),
            ("rib: 72417*93942*2CBQ7WNTH9G*93 of", &["72417939422CBQ7WNTH9G93"]),
            ("ein: 35_1248942 of", &["351248942"]),
            ("wallet: 1Bv*BMS*EYs*tWe*tqT*Fn5*Au4*m4G*Fg7*xJa*NVN*2 of", &["1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"]),
            ("9298_2686_03_2351258432 of", &[]),
        ];
        for (text, expected) in rows {
            assert_eq!(joined(text), *expected, "{text}");
        }
    }

    #[test]
    fn cells_behind_their_name_are_one_value() {
        let rows: &[(&str, &[&str])] = &[
            ("routing,243,173,642\n", &["243173642"]),
            ("\"routing\",\"243\",\"173\",\"642\"\r\n", &["243173642"]),
            ("| tax id | 243 | 173 | 642 |\n", &["243173642"]),
            ("sedol;549;082;2\n", &["5490822"]),
            ("nrb\t69216106\t73240718\t0351151605\n", &["69216106732407180351151605"]),
            ("nip,243,173,642\nssn,529,68,3112\n", &["243173642", "529683112"]),
            ("routing,243,173,642,Warsaw\n", &[]),
            ("243,173,642\n", &[]),
            ("2024-05-01,243,173,642\n", &[]),
            ("routing 243,173,642\n", &[]),
        ];
        for (text, expected) in rows {
            assert_eq!(joined(text), *expected, "{text}");
        }
    }

    #[test]
    fn hexadecimal_pairs_are_read_with_anything_between() {
        let rows: &[(&str, &[&str])] = &[
            ("50 45 53 45 4c 3a 20 34", &["hex PESEL: 4"]),
            ("50:45:53:45:4c:3a:20:34", &["hex PESEL: 4"]),
            ("x = { 0x50, 0x45, 0x53, 0x45,\n      0x4C, 0x3a, 0x20, 0x34 };", &["hex PESEL: 4"]),
            ("50-45-53-45-4C-3A-20-34", &["hex PESEL: 4"]),
            ("50 45 53 45", &[]),
            ("00:1b:44:11:3a:b7", &[]),
        ];
        for (text, expected) in rows {
            assert_eq!(joined(text), *expected, "{text}");
        }
    }
}
