//! The values of a page, in the ways in which they are written, one after the other.
//!
//! Parquet format, Encodings.md.

use crate::base::PARQUET_PAGE_VALUES_MAX;
use crate::base::bytes::{array, take_varint, u32_le, zigzag};
use crate::content::walk::Step;

/// Types of columns.
const INT32: i64 = 1;
const INT64: i64 = 2;
const FLOAT: i64 = 4;
const DOUBLE: i64 = 5;
const BYTES: i64 = 6;
const FIXED: i64 = 7;
/// Ways in which values are written.
pub(super) const PLAIN: i64 = 0;
pub(super) const DICTIONARY: [i64; 2] = [2, 8];
const DELTA: i64 = 5;
const DELTA_LENGTHS: i64 = 6;
const DELTA_BYTES: i64 = 7;

/// How the values of a column look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) kind: i64,
    /// Bytes of a value of fixed length.
    pub(super) len: usize,
}

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value<'d> {
    Number(String),
    Bytes(&'d [u8]),
}

impl Value<'_> {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Number(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
        }
    }
}

/// How far the values of a page were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End<'d> {
    Whole,
    /// These bytes are left: they are no values as the column has them.
    Broken(&'d [u8]),
    /// There are more values than the bound.
    Cut,
    /// The page is written in a way that is not read, or holds no texts and no numbers.
    Unread,
}

/// Takes values; false ends them.
pub(super) type Give<'g> = dyn FnMut(&Value<'_>) -> Step<bool> + 'g;

/// Hands out the values of a page.
pub(super) fn values<'d>(shape: Shape, encoding: i64, bytes: &'d [u8], give: &mut Give<'_>) -> Step<End<'d>> {
    if bytes.is_empty() {
        return Ok(End::Whole);
    }
    match (encoding, shape.kind) {
        (PLAIN, BYTES) => texts(bytes, give),
        (PLAIN, INT32) => fixed(bytes, 4, give, |b| Some(number(i32::from_le_bytes(array(b, 0)?)))),
        (PLAIN, INT64) => fixed(bytes, 8, give, |b| Some(number(i64::from_le_bytes(array(b, 0)?)))),
        (PLAIN, FLOAT) => fixed(bytes, 4, give, |b| Some(number(f32::from_le_bytes(array(b, 0)?)))),
        (PLAIN, DOUBLE) => fixed(bytes, 8, give, |b| Some(number(f64::from_le_bytes(array(b, 0)?)))),
        (PLAIN, FIXED) if shape.len > 0 => fixed(bytes, shape.len, give, |b| Some(Value::Bytes(b))),
        (DELTA, INT32 | INT64) => numbers(bytes, give),
        (DELTA_LENGTHS, BYTES) => pieces(bytes, give),
        (DELTA_BYTES, BYTES | FIXED) => endings(bytes, give),
        _ => Ok(End::Unread),
    }
}

fn number<'d>(number: impl ToString) -> Value<'d> {
    Value::Number(number.to_string())
}

/// Values behind their lengths.
fn texts<'d>(bytes: &'d [u8], give: &mut Give<'_>) -> Step<End<'d>> {
    let mut rest = bytes;
    while !rest.is_empty() {
        let value = u32_le(rest, 0).and_then(|len| rest[4..].get(..len as usize));
        let Some(value) = value else { return Ok(End::Broken(rest)) };
        if !give(&Value::Bytes(value))? {
            return Ok(End::Cut);
        }
        rest = &rest[4 + value.len()..];
    }
    Ok(End::Whole)
}

/// Values of one length.
fn fixed<'d>(
    bytes: &'d [u8],
    len: usize,
    give: &mut Give<'_>,
    value: fn(&'d [u8]) -> Option<Value<'d>>,
) -> Step<End<'d>> {
    let values = bytes.chunks_exact(len);
    let rest = values.remainder();
    for value in values.filter_map(value) {
        if !give(&value)? {
            return Ok(End::Cut);
        }
    }
    Ok(if rest.is_empty() { End::Whole } else { End::Broken(rest) })
}

fn numbers<'d>(bytes: &'d [u8], give: &mut Give<'_>) -> Step<End<'d>> {
    let Some(mut deltas) = Deltas::new(bytes) else { return Ok(End::Broken(bytes)) };
    for delta in &mut deltas {
        if !give(&number(delta))? {
            return Ok(End::Cut);
        }
    }
    Ok(deltas.end())
}

/// Values behind each other, after the lengths of all of them.
fn pieces<'d>(bytes: &'d [u8], give: &mut Give<'_>) -> Step<End<'d>> {
    let Some((lens, mut rest)) = Deltas::split(bytes) else { return Ok(End::Broken(bytes)) };
    let is_cut = lens.is_cut;
    for len in lens {
        let Some((piece, behind)) = piece(len, rest) else { return Ok(End::Broken(rest)) };
        if !give(&Value::Bytes(piece))? {
            return Ok(End::Cut);
        }
        rest = behind;
    }
    Ok(if is_cut { End::Cut } else { End::of(rest) })
}

fn piece(len: i64, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    usize::try_from(len).ok().and_then(|len| bytes.split_at_checked(len))
}

/// Values that begin as the one before does.
fn endings<'d>(bytes: &'d [u8], give: &mut Give<'_>) -> Step<End<'d>> {
    let split = Deltas::split(bytes).and_then(|(fronts, rest)| Some((fronts, Deltas::split(rest)?)));
    let Some((fronts, (lens, mut rest))) = split else { return Ok(End::Broken(bytes)) };
    let is_cut = fronts.is_cut || lens.is_cut;
    let mut value = Vec::new();
    for (front, len) in fronts.zip(lens) {
        let front = usize::try_from(front).ok().filter(|front| *front <= value.len());
        let Some((front, (ending, behind))) = front.zip(piece(len, rest)) else { return Ok(End::Broken(rest)) };
        value.truncate(front);
        value.extend_from_slice(ending);
        if !give(&Value::Bytes(&value))? {
            return Ok(End::Cut);
        }
        rest = behind;
    }
    Ok(if is_cut { End::Cut } else { End::of(rest) })
}

impl<'d> End<'d> {
    fn of(rest: &'d [u8]) -> Self {
        if rest.is_empty() { Self::Whole } else { Self::Broken(rest) }
    }
}

/// Numbers as differences in small blocks, each of parts whose differences are equally wide.
#[derive(Clone)]
struct Deltas<'d> {
    rest: &'d [u8],
    /// Values that are left, and those of one part.
    left: usize,
    part: usize,
    parts: usize,
    last: i64,
    is_first: bool,
    least: i64,
    widths: &'d [u8],
    packed: &'d [u8],
    width: u8,
    /// The next value of the part.
    index: usize,
    is_broken: bool,
    is_cut: bool,
}

impl<'d> Deltas<'d> {
    fn new(bytes: &'d [u8]) -> Option<Self> {
        let mut rest = bytes;
        let (block, parts) = (take_varint(&mut rest)?, take_varint(&mut rest)?);
        let count = usize::try_from(take_varint(&mut rest)?).unwrap_or(usize::MAX);
        let last = zigzag(take_varint(&mut rest)?);
        let part = usize::try_from(block.checked_div(parts)?).ok()?;
        if part == 0 || part % 8 != 0 || block > PARQUET_PAGE_VALUES_MAX as u64 {
            return None;
        }
        Some(Self {
            rest,
            left: count.min(PARQUET_PAGE_VALUES_MAX),
            part,
            parts: usize::try_from(parts).ok()?,
            last,
            is_first: true,
            least: 0,
            widths: &[],
            packed: &[],
            width: 0,
            index: part,
            is_broken: false,
            is_cut: count > PARQUET_PAGE_VALUES_MAX,
        })
    }

    /// Numbers, and what stands behind them.
    fn split(bytes: &'d [u8]) -> Option<(Self, &'d [u8])> {
        let numbers = Self::new(bytes)?;
        let mut ahead = numbers.clone();
        ahead.by_ref().for_each(drop);
        // A last block is as long as the others, whose widths are told.
        while let Some((width, widths)) = ahead.widths.split_first() {
            take(&mut ahead.rest, (ahead.part / 8).checked_mul(usize::from(*width))?)?;
            ahead.widths = widths;
        }
        (!ahead.is_broken).then_some((numbers, ahead.rest))
    }

    fn end(&self) -> End<'d> {
        match () {
            () if self.is_cut => End::Cut,
            () if self.is_broken => End::Broken(self.rest),
            () => End::Whole,
        }
    }

    /// Goes on to the next part.
    fn next_part(&mut self) -> Option<()> {
        const WIDTH_MAX: u8 = 64;
        if self.widths.is_empty() {
            self.least = zigzag(take_varint(&mut self.rest)?);
            self.widths = take(&mut self.rest, self.parts)?;
        }
        let (width, widths) = self.widths.split_first().filter(|(width, _)| **width <= WIDTH_MAX)?;
        self.packed = take(&mut self.rest, (self.part / 8).checked_mul(usize::from(*width))?)?;
        (self.width, self.widths, self.index) = (*width, widths, 0);
        Some(())
    }
}

impl Iterator for Deltas<'_> {
    type Item = i64;

    fn next(&mut self) -> Option<i64> {
        self.left = self.left.checked_sub(1)?;
        if std::mem::take(&mut self.is_first) {
            return Some(self.last);
        }
        if self.index == self.part && self.next_part().is_none() {
            (self.left, self.is_broken) = (0, true);
            return None;
        }
        let difference = bits(self.packed, self.index, self.width).cast_signed();
        self.last = self.last.wrapping_add(self.least).wrapping_add(difference);
        self.index += 1;
        Some(self.last)
    }
}

/// A number of so many bits, the lowest first.
fn bits(packed: &[u8], index: usize, width: u8) -> u64 {
    let (start, width) = (index * usize::from(width), usize::from(width).min(64));
    (0..width).fold(0, |number, bit| {
        let at = start + bit;
        let set = packed.get(at / 8).is_some_and(|byte| byte >> (at % 8) & 1 == 1);
        number | u64::from(set) << bit
    })
}

fn take<'d>(rest: &mut &'d [u8], len: usize) -> Option<&'d [u8]> {
    let (bytes, behind) = rest.split_at_checked(len)?;
    *rest = behind;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(kind: i64, encoding: i64, bytes: &[u8]) -> (Vec<String>, End<'_>) {
        let mut shown = Vec::new();
        let mut give = |value: &Value<'_>| {
            shown.push(match value {
                Value::Number(text) => text.clone(),
                Value::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            });
            Ok(true)
        };
        let end = values(Shape { kind, len: 3 }, encoding, bytes, &mut give).unwrap();
        (shown, end)
    }

    fn check(kind: i64, encoding: i64, bytes: &[u8], (values, end): (&[&str], End<'_>)) {
        let expected = (values.iter().map(|value| (*value).to_owned()).collect(), end);
        assert_eq!(shown(kind, encoding, bytes), expected, "{kind} {encoding} {bytes:?}");
    }

    #[test]
    fn values_are_read_as_they_are_written() {
        let check = |kind, encoding, bytes: &[u8], expected| check(kind, encoding, bytes, (expected, End::Whole));
        check(BYTES, PLAIN, b"\x02\0\0\0ab\x01\0\0\0c", &["ab", "c"]);
        check(INT32, PLAIN, &[1, 0, 0, 0, 255, 255, 255, 255], &["1", "-1"]);
        check(INT64, PLAIN, &44_051_401_359_i64.to_le_bytes(), &["44051401359"]);
        check(DOUBLE, PLAIN, &1.5_f64.to_le_bytes(), &["1.5"]);
        check(FIXED, PLAIN, b"abcdef", &["abc", "def"]);
        // Blocks of 128 in four parts: 7, then 5 differences of -2 with two bits each on top.
        let mut numbers = vec![0x80, 1, 4, 5, 14, 3, 2, 0, 0, 0, 0b1101_1000];
        numbers.extend([0; 7]);
        check(INT32, DELTA, &numbers, &["7", "5", "5", "4", "5"]);
        let lens = [0x80, 1, 4, 2, 4, 1, 0, 0, 0, 0];
        check(BYTES, DELTA_LENGTHS, &[&lens[..], b"abc"].concat(), &["ab", "c"]);
        let fronts = [0x80, 1, 4, 2, 0, 2, 0, 0, 0, 0];
        check(BYTES, DELTA_BYTES, &[&fronts[..], &lens, b"abc"].concat(), &["ab", "ac"]);
        check(INT32, DELTA, &[], &[]);
        check(FLOAT, 9, b"", &[]);
    }

    #[test]
    fn what_is_left_of_a_broken_page_is_told() {
        check(BYTES, PLAIN, b"\x02\0\0\0ab\x09\0\0\0c", (&["ab"], End::Broken(b"\x09\0\0\0c")));
        check(INT32, PLAIN, &[1, 0, 0, 0, 9], (&["1"], End::Broken(&[9])));
        check(FIXED, PLAIN, b"abcd", (&["abc"], End::Broken(b"d")));
        let lens = [0x80, 1, 4, 2, 4, 1, 0, 0, 0, 0];
        check(BYTES, DELTA_LENGTHS, &[&lens[..], b"ab"].concat(), (&["ab"], End::Broken(b"")));
        check(BYTES, DELTA_LENGTHS, &[&lens[..], b"abcde"].concat(), (&["ab", "c"], End::Broken(b"de")));
        for broken in [
            // No parts, parts that are wider than numbers, and blocks that are larger than any page.
            &[0x80, 1, 0, 5, 14][..],
            &[&[0xFF; 9][..], &[1, 1, 5, 14, 3, 200]].concat(),
        ] {
            check(INT32, DELTA, broken, (&[], End::Broken(broken)));
        }
        let wide = [&[0x80, 1, 4, 5, 14, 3, 65, 0, 0, 0][..], &[0; 300]].concat();
        check(INT32, DELTA, &wide, (&["7"], End::Broken(&wide[10..])));
        // Truth values, points in time, and what is written in an unknown way.
        for (kind, encoding) in [(0, PLAIN), (3, PLAIN), (FLOAT, 9)] {
            check(kind, encoding, b"abc", (&[], End::Unread));
        }
    }

    #[test]
    fn values_beyond_the_bound_are_told() {
        // Blocks of 1,048,576 that differ by nothing.
        let mut page = vec![0x80, 0x80, 0x40, 1, 0x80, 0x80, 0x80, 1, 14];
        page.extend([0; 8]);
        let (values, end) = shown(INT32, DELTA, &page);
        assert_eq!((values.len(), end), (PARQUET_PAGE_VALUES_MAX, End::Cut));
    }
}
