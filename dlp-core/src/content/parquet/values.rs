//! The values of a page, in the ways in which they are written.
//!
//! Parquet format, Encodings.md.

use super::thrift::{unsigned, zigzag};
use crate::base::bytes::{array, u32_le};

/// Types of columns.
const BOOLEAN: i64 = 0;
const INT32: i64 = 1;
const INT64: i64 = 2;
const INT96: i64 = 3;
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
pub(super) enum Value {
    Number(String),
    Bytes(Vec<u8>),
}

/// Reads all values of a page; nothing where they are written in a way that is not read. What is broken ends them.
pub(super) fn values(shape: Shape, encoding: i64, bytes: &[u8]) -> Option<Vec<Value>> {
    Some(match (encoding, shape.kind) {
        // A page of truth values holds nothing to find.
        (_, BOOLEAN) => Vec::new(),
        (PLAIN, _) => plain(shape, bytes),
        (DELTA, INT32 | INT64) => {
            let mut rest = bytes;
            deltas(&mut rest).into_iter().map(|number| Value::Number(number.to_string())).collect()
        }
        (DELTA_LENGTHS, BYTES) => {
            let mut rest = bytes;
            let lens = deltas(&mut rest);
            pieces(&lens, rest).into_iter().map(|piece| Value::Bytes(piece.to_vec())).collect()
        }
        (DELTA_BYTES, BYTES | FIXED) => delta_bytes(bytes),
        _ => return None,
    })
}

fn plain(shape: Shape, bytes: &[u8]) -> Vec<Value> {
    let number = |text: Option<String>| text.map(Value::Number);
    match shape.kind {
        BYTES => {
            let (mut rest, mut found) = (bytes, Vec::new());
            while let Some(len) = u32_le(rest, 0) {
                let Some(value) = rest.get(4..).and_then(|rest| rest.get(..len as usize)) else { break };
                found.push(Value::Bytes(value.to_vec()));
                rest = &rest[4 + value.len()..];
            }
            found
        }
        INT32 => bytes
            .chunks_exact(4)
            .filter_map(|b| number(array(b, 0).map(|b| i32::from_le_bytes(b).to_string())))
            .collect(),
        INT64 => bytes
            .chunks_exact(8)
            .filter_map(|b| number(array(b, 0).map(|b| i64::from_le_bytes(b).to_string())))
            .collect(),
        FLOAT => bytes
            .chunks_exact(4)
            .filter_map(|b| number(array(b, 0).map(|b| f32::from_le_bytes(b).to_string())))
            .collect(),
        DOUBLE => bytes
            .chunks_exact(8)
            .filter_map(|b| number(array(b, 0).map(|b| f64::from_le_bytes(b).to_string())))
            .collect(),
        FIXED if shape.len > 0 => bytes.chunks_exact(shape.len).map(|value| Value::Bytes(value.to_vec())).collect(),
        // Points in time.
        INT96 => Vec::new(),
        _ => Vec::new(),
    }
}

/// Pieces of these lengths behind each other.
fn pieces<'d>(lens: &[i64], bytes: &'d [u8]) -> Vec<&'d [u8]> {
    let (mut rest, mut found) = (bytes, Vec::new());
    for len in lens {
        let Some((piece, behind)) = usize::try_from(*len).ok().and_then(|len| rest.split_at_checked(len)) else {
            break;
        };
        found.push(piece);
        rest = behind;
    }
    found
}

/// Values that begin as the one before does.
fn delta_bytes(bytes: &[u8]) -> Vec<Value> {
    /// Times the bytes of the page that its values may have together.
    const GROWTH_MAX: usize = 64;
    let mut rest = bytes;
    let fronts = deltas(&mut rest);
    let lens = deltas(&mut rest);
    let (mut found, mut before, mut total) = (Vec::new(), Vec::new(), 0);
    for (front, ending) in fronts.into_iter().zip(pieces(&lens, rest)) {
        let Some(front) = usize::try_from(front).ok().and_then(|len| before.get(..len)) else { break };
        let value: Vec<u8> = [front, ending].concat();
        total += value.len();
        if total > bytes.len().saturating_mul(GROWTH_MAX) {
            break;
        }
        found.push(Value::Bytes(value.clone()));
        before = value;
    }
    found
}

/// Numbers as differences in small blocks; what stands behind them is left in the rest.
fn deltas(rest: &mut &[u8]) -> Vec<i64> {
    /// Values of one page; those of no difference take no bytes.
    const VALUES_MAX: u64 = 1 << 20;
    let mut read = || -> Option<Vec<i64>> {
        let (block, parts) = (unsigned(rest)?, unsigned(rest)?);
        let count = unsigned(rest)?.min(VALUES_MAX);
        let mut last = zigzag(unsigned(rest)?);
        let part = usize::try_from(block.checked_div(parts)?).ok().filter(|part| part % 8 == 0 && *part > 0)?;
        let count = usize::try_from(count).ok()?;
        let mut numbers = Vec::new();
        if count > 0 {
            numbers.push(last);
        }
        while numbers.len() < count {
            let (Some(least), Some(widths)) = (unsigned(rest).map(zigzag), take(rest, usize::try_from(parts).ok()?))
            else {
                return Some(numbers);
            };
            for width in widths {
                if numbers.len() >= count {
                    break;
                }
                let Some(packed) = take(rest, part / 8 * usize::from(*width)) else { return Some(numbers) };
                for index in 0..part.min(count - numbers.len()) {
                    last = last.wrapping_add(least).wrapping_add(bits(packed, index, *width).cast_signed());
                    numbers.push(last);
                }
            }
        }
        Some(numbers)
    };
    read().unwrap_or_default()
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

    fn shown(kind: i64, encoding: i64, bytes: &[u8]) -> Option<Vec<String>> {
        let values = values(Shape { kind, len: 3 }, encoding, bytes)?;
        Some(
            values
                .into_iter()
                .map(|value| match value {
                    Value::Number(text) => text,
                    Value::Bytes(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
                })
                .collect(),
        )
    }

    #[test]
    fn values_are_read_as_they_are_written() {
        let check = |kind, encoding, bytes: &[u8], expected: &[&str]| {
            assert_eq!(shown(kind, encoding, bytes).unwrap(), expected, "{kind} {encoding} {bytes:?}");
        };
        check(BYTES, PLAIN, b"\x02\0\0\0ab\x01\0\0\0c", &["ab", "c"]);
        check(BYTES, PLAIN, b"\x02\0\0\0ab\x09\0\0\0c", &["ab"]);
        check(INT32, PLAIN, &[1, 0, 0, 0, 255, 255, 255, 255, 9], &["1", "-1"]);
        check(INT64, PLAIN, &44_051_401_359_i64.to_le_bytes(), &["44051401359"]);
        check(DOUBLE, PLAIN, &1.5_f64.to_le_bytes(), &["1.5"]);
        check(FIXED, PLAIN, b"abcdefg", &["abc", "def"]);
        check(BOOLEAN, PLAIN, b"\xFF", &[]);
        // Blocks of 128 in four parts: 7, then 5 differences of -2 with two bits each on top.
        let mut numbers = vec![0x80, 1, 4, 5, 14, 3, 2, 0, 0, 0, 0b1101_1000];
        numbers.extend([0; 7]);
        check(INT32, DELTA, &numbers, &["7", "5", "5", "4", "5"]);
        let lens = [0x80, 1, 4, 2, 4, 1, 0, 0, 0, 0];
        check(BYTES, DELTA_LENGTHS, &[&lens[..], b"abc"].concat(), &["ab", "c"]);
        let fronts = [0x80, 1, 4, 2, 0, 2, 0, 0, 0, 0];
        check(BYTES, DELTA_BYTES, &[&fronts[..], &lens, b"abc"].concat(), &["ab", "ac"]);
        check(INT32, DELTA, &[0x80, 1, 0, 5, 14], &[]);
        check(INT32, DELTA, &[], &[]);
        assert_eq!(shown(FLOAT, 9, b""), None);
    }
}
