//! Structures in the compact protocol of Thrift, read without knowing what they mean.

use std::collections::BTreeMap;

/// Structures in structures.
const DEPTH_MAX: u32 = 16;
/// Values of one structure, all levels together. Files of a thousand columns and groups have some millions.
const VALUES_MAX: usize = 4_000_000;

/// Kinds of values, as the protocol numbers them.
const TRUE: u8 = 1;
const FALSE: u8 = 2;
const BYTE: u8 = 3;
const NUMBERS: std::ops::RangeInclusive<u8> = 4..=6;
const DOUBLE: u8 = 7;
const BYTES: u8 = 8;
const LISTS: std::ops::RangeInclusive<u8> = 9..=10;
const STRUCTURE: u8 = 12;

/// A value.
#[derive(Debug, PartialEq)]
pub(super) enum Value<'d> {
    Number(i64),
    Bytes(&'d [u8]),
    List(Vec<Value<'d>>),
    Structure(Structure<'d>),
}

/// A structure: values by the number of their field.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Structure<'d>(BTreeMap<i16, Value<'d>>);

impl<'d> Structure<'d> {
    pub(super) fn number(&self, field: i16) -> Option<i64> {
        match self.0.get(&field)? {
            Value::Number(number) => Some(*number),
            _ => None,
        }
    }

    pub(super) fn bytes(&self, field: i16) -> Option<&'d [u8]> {
        match self.0.get(&field)? {
            Value::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    pub(super) fn list(&self, field: i16) -> &[Value<'d>] {
        match self.0.get(&field) {
            Some(Value::List(list)) => list,
            _ => &[],
        }
    }

    pub(super) fn structure(&self, field: i16) -> Option<&Structure<'d>> {
        match self.0.get(&field)? {
            Value::Structure(structure) => Some(structure),
            _ => None,
        }
    }

    /// The structures of a list.
    pub(super) fn structures(&self, field: i16) -> impl Iterator<Item = &Structure<'d>> {
        self.list(field).iter().filter_map(|value| match value {
            Value::Structure(structure) => Some(structure),
            _ => None,
        })
    }
}

/// Reads a structure, and tells how many bytes it takes.
pub(super) fn structure(bytes: &[u8]) -> Option<(Structure<'_>, usize)> {
    let mut reader = Reader { rest: bytes, values_left: VALUES_MAX };
    let structure = reader.structure(0)?;
    Some((structure, bytes.len() - reader.rest.len()))
}

struct Reader<'d> {
    rest: &'d [u8],
    values_left: usize,
}

impl<'d> Reader<'d> {
    fn structure(&mut self, depth: u32) -> Option<Structure<'d>> {
        if depth > DEPTH_MAX {
            return None;
        }
        let (mut fields, mut field) = (BTreeMap::new(), 0_i16);
        loop {
            let head = self.byte()?;
            if head == 0 {
                return Some(Structure(fields));
            }
            // The distance to the field before, or its number where that is too far.
            field = match i16::from(head >> 4) {
                0 => i16::try_from(self.signed()?).ok()?,
                distance => field.checked_add(distance)?,
            };
            let value = match head & 0xF {
                TRUE => Value::Number(1),
                FALSE => Value::Number(0),
                kind => self.value(kind, depth)?,
            };
            fields.insert(field, value);
        }
    }

    fn value(&mut self, kind: u8, depth: u32) -> Option<Value<'d>> {
        self.values_left = self.values_left.checked_sub(1)?;
        Some(match kind {
            // In lists, these stand in a byte of their own.
            TRUE | FALSE | BYTE => Value::Number(i64::from(self.byte()?.cast_signed())),
            kind if NUMBERS.contains(&kind) => Value::Number(self.signed()?),
            DOUBLE => Value::Bytes(self.take(8)?),
            BYTES => {
                let len = usize::try_from(self.unsigned()?).ok()?;
                Value::Bytes(self.take(len)?)
            }
            kind if LISTS.contains(&kind) => Value::List(self.list(depth)?),
            STRUCTURE => Value::Structure(self.structure(depth + 1)?),
            _ => return None,
        })
    }

    fn list(&mut self, depth: u32) -> Option<Vec<Value<'d>>> {
        const LONG: u8 = 15;
        if depth > DEPTH_MAX {
            return None;
        }
        let head = self.byte()?;
        let count = if head >> 4 == LONG { self.unsigned()? } else { u64::from(head >> 4) };
        (0..count).map(|_| self.value(head & 0xF, depth + 1)).collect()
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn take(&mut self, len: usize) -> Option<&'d [u8]> {
        let (bytes, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(bytes)
    }

    fn unsigned(&mut self) -> Option<u64> {
        unsigned(&mut self.rest)
    }

    fn signed(&mut self) -> Option<i64> {
        self.unsigned().map(zigzag)
    }
}

/// A number of seven bits a byte, the lowest first.
pub(super) fn unsigned(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, behind) = rest.split_first()?;
        *rest = behind;
        number |= u64::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// A number whose lowest bit is its sign.
pub(super) fn zigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stand_at_a_distance_or_by_their_number() {
        // Field 1: 150; field 3: "ab"; field 40: [1, 2]; field 41: {1: true}.
        let bytes = [0x15, 0xAC, 2, 0x28, 2, b'a', b'b', 0x09, 80, 0x25, 2, 4, 0x1C, 0x11, 0, 0, 99];
        let (structure, len) = structure(&bytes).unwrap();
        assert_eq!((structure.number(1), structure.bytes(3)), (Some(150), Some(&b"ab"[..])));
        assert_eq!(structure.list(40), [Value::Number(1), Value::Number(2)]);
        assert_eq!(structure.structure(41).and_then(|inner| inner.number(1)), Some(1));
        assert_eq!(len, bytes.len() - 1);
    }

    #[test]
    fn broken_structures_are_none() {
        let nested = [[0x1C].repeat(100), vec![0; 100]].concat();
        for bytes in [&b""[..], &[0x15], &[0x18, 9, 1], &[0x19, 0xF5, 0xFF, 0xFF], &[0x1D, 0], &nested] {
            assert!(structure(bytes).is_none(), "{bytes:?}");
        }
    }
}
