//! Structures in the compact protocol of Thrift, read without knowing what they mean.

use crate::base::bytes::{take_varint, zigzag};

/// Structures in structures.
const DEPTH_MAX: u32 = 16;
/// Memory of one value at most, with what its list takes while it grows.
pub(super) const VALUE_BYTES: u64 = 128;

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
    List(Box<[Value<'d>]>),
    Structure(Structure<'d>),
}

/// A structure: values with the numbers of their fields, which ascend.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Structure<'d>(Box<[(i16, Value<'d>)]>);

impl<'d> Structure<'d> {
    fn get(&self, field: i16) -> Option<&Value<'d>> {
        self.0.binary_search_by_key(&field, |(number, _)| *number).ok().map(|index| &self.0[index].1)
    }

    pub(super) fn number(&self, field: i16) -> Option<i64> {
        match self.get(field)? {
            Value::Number(number) => Some(*number),
            _ => None,
        }
    }

    pub(super) fn bytes(&self, field: i16) -> Option<&'d [u8]> {
        match self.get(field)? {
            Value::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    pub(super) fn list(&self, field: i16) -> &[Value<'d>] {
        match self.get(field) {
            Some(Value::List(list)) => list,
            _ => &[],
        }
    }

    pub(super) fn structure(&self, field: i16) -> Option<&Structure<'d>> {
        match self.get(field)? {
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

/// Why a structure is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Broken,
    /// It has more values than the bound.
    TooMany,
}

/// A structure that was read.
#[derive(Debug)]
pub(super) struct Read<'d> {
    pub(super) structure: Structure<'d>,
    /// How many bytes it takes.
    pub(super) len: usize,
    /// Its values, all levels together.
    pub(super) values: u64,
}

/// Reads a structure of so many values at most.
pub(super) fn structure(bytes: &[u8], values_max: u64) -> Result<Read<'_>, Fault> {
    let mut reader = Reader { rest: bytes, values_left: values_max, is_full: false };
    match reader.structure(0) {
        Some(structure) => {
            Ok(Read { structure, len: bytes.len() - reader.rest.len(), values: values_max - reader.values_left })
        }
        None if reader.is_full => Err(Fault::TooMany),
        None => Err(Fault::Broken),
    }
}

struct Reader<'d> {
    rest: &'d [u8],
    values_left: u64,
    is_full: bool,
}

impl<'d> Reader<'d> {
    fn structure(&mut self, depth: u32) -> Option<Structure<'d>> {
        if depth > DEPTH_MAX {
            return None;
        }
        let (mut fields, mut field) = (Vec::new(), 0_i16);
        loop {
            let head = self.byte()?;
            if head == 0 {
                // The numbers may be written in any order; of two that are the same, the first counts.
                fields.sort_by_key(|(number, _)| *number);
                fields.dedup_by_key(|(number, _)| *number);
                return Some(Structure(fields.into_boxed_slice()));
            }
            // The distance to the field before, or its number where that is too far.
            field = match i16::from(head >> 4) {
                0 => i16::try_from(self.signed()?).ok()?,
                distance => field.checked_add(distance)?,
            };
            let value = match head & 0xF {
                TRUE | FALSE => {
                    self.count()?;
                    Value::Number(i64::from(head & 0xF == TRUE))
                }
                kind => self.value(kind, depth)?,
            };
            fields.push((field, value));
        }
    }

    /// Counts a value.
    fn count(&mut self) -> Option<()> {
        self.is_full = self.values_left == 0;
        self.values_left = self.values_left.checked_sub(1)?;
        Some(())
    }

    fn value(&mut self, kind: u8, depth: u32) -> Option<Value<'d>> {
        self.count()?;
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

    fn list(&mut self, depth: u32) -> Option<Box<[Value<'d>]>> {
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
        take_varint(&mut self.rest)
    }

    fn signed(&mut self) -> Option<i64> {
        self.unsigned().map(zigzag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stand_at_a_distance_or_by_their_number() {
        // Field 1: 150; field 3: "ab"; field 40: [1, 2]; field 41: {1: true}.
        let bytes = [0x15, 0xAC, 2, 0x28, 2, b'a', b'b', 0x09, 80, 0x25, 2, 4, 0x1C, 0x11, 0, 0, 99];
        let Read { structure, len, values } = structure(&bytes, 100).unwrap();
        assert_eq!((structure.number(1), structure.bytes(3)), (Some(150), Some(&b"ab"[..])));
        assert_eq!(structure.list(40), [Value::Number(1), Value::Number(2)]);
        assert_eq!(structure.structure(41).and_then(|inner| inner.number(1)), Some(1));
        assert_eq!((len, values), (bytes.len() - 1, 7));
    }

    #[test]
    fn broken_structures_are_none() {
        let nested = [[0x1C].repeat(100), vec![0; 100]].concat();
        for bytes in [&b""[..], &[0x15], &[0x18, 9, 1], &[0x19, 0xF5, 0xFF, 0xFF], &[0x1D, 0], &nested] {
            assert_eq!(structure(bytes, 1_000).unwrap_err(), Fault::Broken, "{bytes:?}");
        }
    }

    #[test]
    fn every_value_counts() {
        // Truth values in a structure, and structures of nothing in a list.
        let truths = [&[0x11; 50][..], &[0]].concat();
        let list = [&[0x19, 0xFC, 50][..], &[0; 51]].concat();
        for bytes in [truths, list] {
            assert!(structure(&bytes, 60).is_ok());
            assert_eq!(structure(&bytes, 40).unwrap_err(), Fault::TooMany);
        }
        assert!(2 * (size_of::<(i16, Value<'_>)>() as u64) <= VALUE_BYTES);
    }
}
