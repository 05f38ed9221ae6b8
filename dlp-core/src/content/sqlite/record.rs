//! Rows of SQLite as they are packed: the kinds of all values, then the values.

/// A value of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value<'p> {
    Null,
    Integer(i64),
    Real(f64),
    /// Text in the character set of the database.
    Text(&'p [u8]),
    Blob(&'p [u8]),
}

/// Values of a row. This is the most that SQLite itself can be built for.
const VALUES_MAX: usize = 32_767;

/// The values of a row, as many as are there and may be, and what stands behind them if these are all.
pub(super) fn values(payload: &[u8]) -> (Vec<Value<'_>>, Option<&[u8]>) {
    let mut values = Vec::new();
    let Some((header_bytes, mut at)) = varint(payload) else { return (values, None) };
    let header_end = usize::try_from(header_bytes).unwrap_or(usize::MAX);
    let Some(mut rest) = payload.get(header_end..) else { return (values, None) };
    while at < header_end {
        if values.len() == VALUES_MAX {
            return (values, None);
        }
        let Some((kind, len)) = payload.get(at..header_end).and_then(varint) else { return (values, None) };
        at += len;
        let Some((value, behind)) = value(kind, rest) else { return (values, None) };
        values.push(value);
        rest = behind;
    }
    (values, Some(rest))
}

/// The kinds of the values of a row, by the bytes in which they stand. Nothing where these are not whole or too many.
pub(super) fn kinds(header: &[u8]) -> Option<Vec<u64>> {
    let (header_bytes, mut at) = varint(header)?;
    let mut kinds = Vec::new();
    while at < header.len() {
        let (kind, len) = varint(&header[at..])?;
        at += len;
        kinds.push(kind);
    }
    (kinds.len() <= VALUES_MAX && header_bytes == header.len() as u64).then_some(kinds)
}

/// Bytes of a value of this kind; nothing for kinds that there are none of.
pub(super) fn len_of(kind: u64) -> Option<u64> {
    Some(match kind {
        0 | 8 | 9 => 0,
        1..=4 => kind,
        5 => 6,
        6 | 7 => 8,
        10 | 11 => return None,
        _ => (kind - 12) / 2,
    })
}

/// A value of this kind, and the bytes behind it.
pub(super) fn value(kind: u64, bytes: &[u8]) -> Option<(Value<'_>, &[u8])> {
    let len = len_of(kind)?;
    let (bytes, behind) = bytes.split_at_checked(usize::try_from(len).ok()?)?;
    let value = match kind {
        0 => Value::Null,
        1..=6 => Value::Integer(integer(bytes)),
        7 => Value::Real(f64::from_be_bytes(bytes.try_into().ok()?)),
        8 => Value::Integer(0),
        9 => Value::Integer(1),
        _ if kind.is_multiple_of(2) => Value::Blob(bytes),
        _ => Value::Text(bytes),
    };
    Some((value, behind))
}

/// A number of up to eight bytes, the highest first, whose first bit is its sign.
fn integer(bytes: &[u8]) -> i64 {
    let sign = if bytes.first().is_some_and(|first| first & 0x80 != 0) { -1 } else { 0 };
    bytes.iter().fold(sign, |number, byte| number << 8 | i64::from(*byte))
}

/// A number of one to nine bytes, and how many they are.
pub(super) fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut number = 0_u64;
    for (index, byte) in bytes.iter().enumerate().take(8) {
        number = number << 7 | u64::from(byte & 0x7F);
        if byte & 0x80 == 0 {
            return Some((number, index + 1));
        }
    }
    // The ninth byte gives all its bits.
    bytes.get(8).map(|last| (number << 8 | u64::from(*last), 9))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_many_lengths() {
        type Found = Option<(u64, usize)>;
        let rows: [(&[u8], Found); 6] = [
            (&[0x05], Some((5, 1))),
            (&[0x81, 0x00, 7], Some((128, 2))),
            (&[0xFF; 9], Some((u64::MAX, 9))),
            (&[0x80; 8], None),
            (&[0x81], None),
            (&[], None),
        ];
        for (bytes, expected) in rows {
            assert_eq!(varint(bytes), expected, "{bytes:?}");
        }
    }

    #[test]
    fn rows_of_all_kinds() {
        let all = [&[9, 0, 1, 2, 7, 8, 9, 14, 17, 0xFF, 0x01, 0x00][..], &1.5_f64.to_be_bytes(), b"bxy"].concat();
        let expected = [
            Value::Null,
            Value::Integer(-1),
            Value::Integer(256),
            Value::Real(1.5),
            Value::Integer(0),
            Value::Integer(1),
            Value::Blob(b"b"),
            Value::Text(b"xy"),
        ];
        assert_eq!(values(&all), (expected.to_vec(), Some(&[][..])));
        assert_eq!(values(&all[..all.len() - 1]), (expected[..7].to_vec(), None));
        let rows: [&[u8]; 4] = [&[], &[9], &[2, 10], &[0x82]];
        for bytes in rows {
            assert_eq!(values(bytes), (Vec::new(), None), "{bytes:?}");
        }
    }
}
