//! Files of Avro: the schema, and the values of every record with the names of their fields.
//!
//! A file is a header with the schema in JSON, then blocks of records, each packed on its own. The schema says how the
//! bytes of a block are to be read; where it cannot be, or a block does not fit it, the unpacked block is scanned as
//! raw bytes. Avro 1.12, object container files.

use super::budget::{Metered, Pieces};
use super::cells::Cells;
use super::walk::{Step, Walk};
use super::zstd::ZstdFrame;
use super::{Input, Join, Origin, Part, Place, Relation, Role, Segment, document, plain, recognise, snappy};
use crate::base::bytes::{take_varint, zigzag};
use crate::base::{AVRO_EMPTY_VALUES_MAX, DICTIONARY_BYTES_MAX, Problem, ProblemClass};
use crate::text::is_utf8;
use bzip2::bufread::BzDecoder;
use flate2::bufread::DeflateDecoder;
use lzma_rust2::XzReader;
use schema::{Schema, Type};
use std::borrow::Cow;
use std::cell::Cell;
use std::io::{self, Read};

mod schema;

const MARK: &[u8] = b"Obj\x01";
const SYNC_BYTES: usize = 16;
/// Values in values of one record. Schemas may name themselves, as lists do.
const DEPTH_MAX: u32 = 64;
/// Bytes from this length on are items; shorter ones are only if they are files.
const ITEM_BYTES_MIN: usize = 256;
/// Memory of the decoder of xz.
const XZ_MEMORY_KIB_MAX: u32 = (DICTIONARY_BYTES_MAX / 1024) as u32 + 1024;

/// Walks a file.
pub(super) fn walk(walk: &mut Walk<'_>, input: Input<'_>) -> Step {
    walk.with_held(input, |walk, bytes| {
        let mut fields = Fields(bytes.get(MARK.len()..).unwrap_or_default());
        let Some(header) = header(&mut fields) else {
            return document::unsupported(walk, "avro", Input::Bytes(bytes));
        };
        for (key, value) in &header.entries {
            property(walk, key, value)?;
        }
        File { codec: header.find(b"avro.codec").unwrap_or(b"null"), schema: header.schema(), sync: header.sync }
            .blocks(walk, fields)
    })
}

fn property(walk: &mut Walk<'_>, key: &[u8], value: &[u8]) -> Step {
    let name = String::from_utf8_lossy(key);
    let text = format!("{name}: {}", String::from_utf8_lossy(value));
    let (part, place) = (Part { role: Role::Property, name: &name }, Place::None);
    walk.emit(&Segment { text: text.as_bytes(), part, place, join: Join::Line, origin: Origin::None })
}

struct Header<'d> {
    entries: Vec<(&'d [u8], &'d [u8])>,
    sync: &'d [u8],
}

impl<'d> Header<'d> {
    fn find(&self, key: &[u8]) -> Option<&'d [u8]> {
        self.entries.iter().find(|(known, _)| *known == key).map(|(_, value)| *value)
    }

    fn schema(&self) -> Option<Schema> {
        Schema::parse(self.find(b"avro.schema")?)
    }
}

fn header<'d>(fields: &mut Fields<'d>) -> Option<Header<'d>> {
    let mut entries = Vec::new();
    loop {
        let count = fields.count()?;
        if count == 0 {
            return Some(Header { entries, sync: fields.take(SYNC_BYTES)? });
        }
        // Each entry has two lengths, so this ends with the bytes.
        for _ in 0..count {
            entries.push((fields.bytes()?, fields.bytes()?));
        }
    }
}

struct File<'d> {
    codec: &'d [u8],
    schema: Option<Schema>,
    sync: &'d [u8],
}

impl File<'_> {
    fn blocks(&self, walk: &mut Walk<'_>, mut fields: Fields<'_>) -> Step {
        let table = self.schema.as_ref().map_or("", Schema::name);
        let (mut rows, mut pieces) = (Cells::new(table), Pieces::default());
        if self.schema.is_none() {
            walk.bad_structure("the schema of the file is broken; unpacked blocks were scanned as raw bytes");
        }
        while !fields.0.is_empty() {
            let before = fields;
            let Some((count, packed)) = fields.long().zip(fields.bytes()) else {
                walk.bad_structure("a block of the file breaks off; what is left of it was scanned as raw bytes");
                return plain::raw_at(walk, before.0, 0);
            };
            match self.unpack(walk, packed, &mut pieces)? {
                Some(block) => {
                    let _held = matches!(block, Cow::Owned(_)).then(|| walk.budget.hold(block.len() as u64));
                    self.block(walk, &block, count, &mut rows)?;
                }
                None => plain::raw_at(walk, packed, 0)?,
            }
            if fields.take(SYNC_BYTES).is_none_or(|sync| sync != self.sync) {
                walk.bad_structure("the mark behind a block is missing; the rest was scanned as raw bytes");
                return plain::raw_at(walk, fields.0, 0);
            }
        }
        Ok(())
    }

    /// The content of a block, as far as it can be unpacked and held; nothing if it is packed in an unknown way.
    fn unpack<'p>(&self, walk: &mut Walk<'_>, packed: &'p [u8], pieces: &mut Pieces) -> Step<Option<Cow<'p, [u8]>>> {
        let reader: Box<dyn Read + '_> = match self.codec {
            b"null" => return Ok(Some(Cow::Borrowed(packed))),
            b"deflate" => Box::new(DeflateDecoder::new(packed)),
            b"bzip2" => Box::new(BzDecoder::new(packed)),
            b"xz" => Box::new(XzReader::new_mem_limit(packed, true, XZ_MEMORY_KIB_MAX)),
            b"zstandard" => match ZstdFrame::open(packed) {
                Ok(decoder) => Box::new(decoder),
                Err(_) => Box::new(Broken),
            },
            b"snappy" => {
                // Behind the block stands its sum.
                const SUM_BYTES: usize = 4;
                let packed = &packed[..packed.len().saturating_sub(SUM_BYTES)];
                let room = usize::try_from(walk.budget.room_to_hold()).unwrap_or(usize::MAX);
                match snappy::unpack(packed, room) {
                    Some(block) => Box::new(io::Cursor::new(block)),
                    None => Box::new(Broken),
                }
            }
            _ => {
                let message = "blocks are packed in a way that is not read; their bytes were scanned";
                walk.problem(Problem::new(ProblemClass::Unsupported, "avro_codec", message));
                return Ok(None);
            }
        };
        let (budget, count, mut block) = (walk.budget, Cell::new(packed.len() as u64), Vec::new());
        let room = budget.room_to_hold();
        if let Err(error) = Metered::new(reader, budget, &count).take(room).read_to_end(&mut block) {
            // What came out before is read; a bound of the job ends it with the next text.
            let _ = walk.read_failed(&error);
        } else if block.len() as u64 == room {
            let held_bytes_max = budget.limits.held_bytes_max;
            let message = "a block is larger than what may be held in memory; its beginning was read";
            walk.problem(Problem::limit("held_bytes_max", held_bytes_max, message));
        }
        pieces.take(budget, packed.len(), block.len()).map_err(|hit| walk.limit(hit))?;
        Ok(Some(Cow::Owned(block)))
    }

    /// Hands out the records of a block, or its bytes where they are no records.
    fn block(&self, walk: &mut Walk<'_>, block: &[u8], count: i64, rows: &mut Cells<'_>) -> Step {
        let Some(schema) = &self.schema else { return plain::raw_at(walk, block, 0) };
        let mut reading = Reading { schema, fields: Fields(block), empty_values: 0 };
        for _ in 0..count {
            let before = reading.fields;
            rows.next_row();
            if reading.value(walk, Schema::ROOT, "", (rows, 0))?.is_none() {
                reading.say_why(walk);
                return plain::raw_at(walk, before.0, 0);
            }
        }
        if reading.fields.0.is_empty() { Ok(()) } else { plain::raw_at(walk, reading.fields.0, 0) }
    }
}

/// What fails whenever it is read.
struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::InvalidData.into())
    }
}

/// A block that is read along its schema.
struct Reading<'s, 'd> {
    schema: &'s Schema,
    fields: Fields<'d>,
    /// Values that took no bytes.
    empty_values: usize,
}

impl<'s, 'd> Reading<'s, 'd> {
    /// Says why a record was not read.
    fn say_why(&self, walk: &mut Walk<'_>) {
        if self.empty_values <= AVRO_EMPTY_VALUES_MAX {
            return walk
                .bad_structure("a record does not fit the schema; the rest of its block was scanned as raw bytes");
        }
        let message = "a block has more values without bytes than the bound; the rest of it was scanned as raw bytes";
        walk.problem(Problem::limit("avro_empty_values_max", AVRO_EMPTY_VALUES_MAX as u64, message));
    }

    /// Reads a value and hands out what it holds; nothing if the bytes are no such value. The bytes bound how many
    /// values there are, and those that take none are counted.
    fn value(
        &mut self,
        walk: &mut Walk<'_>,
        at: usize,
        field: &str,
        (rows, depth): (&mut Cells<'_>, u32),
    ) -> Step<Option<()>> {
        let bytes_left = self.fields.0.len();
        let read = self.any(walk, at, field, (rows, depth))?;
        self.empty_values += usize::from(self.fields.0.len() == bytes_left);
        Ok(read.filter(|()| self.empty_values <= AVRO_EMPTY_VALUES_MAX))
    }

    fn any(
        &mut self,
        walk: &mut Walk<'_>,
        at: usize,
        field: &str,
        (rows, depth): (&mut Cells<'_>, u32),
    ) -> Step<Option<()>> {
        let schema = self.schema;
        let Some(kind) = schema.get(at).filter(|_| depth < DEPTH_MAX) else { return Ok(None) };
        match kind {
            Type::Record(members) => {
                for (index, (name, member)) in members.iter().enumerate() {
                    if depth == 0 {
                        rows.column(index);
                    }
                    if self.value(walk, *member, name, (rows, depth + 1))?.is_none() {
                        return Ok(None);
                    }
                }
                Ok(Some(()))
            }
            Type::Union(branches) => {
                let branch = self.fields.index().and_then(|index| branches.get(index));
                match branch {
                    // The number of the branch took bytes, so a null behind it does not count.
                    Some(branch) => self.any(walk, *branch, field, (rows, depth + 1)),
                    None => Ok(None),
                }
            }
            Type::List { element, has_keys } => self.list(walk, (*element, *has_keys), field, (rows, depth)),
            leaf => match self.leaf(leaf) {
                Some(leaf) => self.give(walk, leaf, field, rows).map(Some),
                None => Ok(None),
            },
        }
    }

    /// Arrays, and maps from keys to values: in runs, each behind its number of values.
    fn list(
        &mut self,
        walk: &mut Walk<'_>,
        (element, has_keys): (usize, bool),
        field: &str,
        (rows, depth): (&mut Cells<'_>, u32),
    ) -> Step<Option<()>> {
        loop {
            let Some(count) = self.fields.count() else { return Ok(None) };
            if count == 0 {
                return Ok(Some(()));
            }
            for _ in 0..count {
                let key = if has_keys { self.fields.bytes().map(String::from_utf8_lossy) } else { Some(field.into()) };
                let Some(key) = key else { return Ok(None) };
                if self.value(walk, element, &key, (rows, depth + 1))?.is_none() {
                    return Ok(None);
                }
            }
        }
    }

    fn leaf(&mut self, kind: &'s Type) -> Option<Leaf<'d>> {
        Some(match kind {
            Type::Null => Leaf::Nothing,
            Type::Boolean => self.fields.take(1).map(|_| Leaf::Nothing)?,
            Type::Integer => Leaf::Number(self.fields.long()?.to_string()),
            Type::Float => Leaf::Number(f32::from_le_bytes(self.fields.take(4)?.try_into().ok()?).to_string()),
            Type::Double => Leaf::Number(f64::from_le_bytes(self.fields.take(8)?.try_into().ok()?).to_string()),
            Type::Bytes => Leaf::Bytes(self.fields.bytes()?),
            Type::Fixed(len) => Leaf::Bytes(self.fields.take(*len)?),
            Type::Enumeration(symbols) => Leaf::Number(symbols.get(self.fields.index()?)?.clone()),
            Type::Record(_) | Type::Union(_) | Type::List { .. } => return None,
        })
    }

    fn give(&self, walk: &mut Walk<'_>, leaf: Leaf<'_>, field: &str, rows: &mut Cells<'_>) -> Step {
        match leaf {
            Leaf::Nothing => Ok(()),
            Leaf::Number(text) => rows.cell(walk, field, &text),
            Leaf::Bytes(bytes)
                if recognise::has_signature(bytes) || bytes.len() >= ITEM_BYTES_MIN && !is_utf8(bytes) =>
            {
                let name = format!("{field} {}", rows.row());
                walk.child(&name, Relation::Embedded, Input::Bytes(bytes))
            }
            Leaf::Bytes(bytes) => rows.cell(walk, field, &String::from_utf8_lossy(bytes)),
        }
    }
}

/// A value without values in it.
enum Leaf<'d> {
    Nothing,
    Number(String),
    Bytes(&'d [u8]),
}

/// Takes values from the front.
#[derive(Clone, Copy)]
struct Fields<'d>(&'d [u8]);

impl<'d> Fields<'d> {
    fn take(&mut self, len: usize) -> Option<&'d [u8]> {
        let (bytes, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(bytes)
    }

    /// A number of seven bits a byte, the lowest first, whose lowest bit is the sign.
    fn long(&mut self) -> Option<i64> {
        take_varint(&mut self.0).map(zigzag)
    }

    fn index(&mut self) -> Option<usize> {
        usize::try_from(self.long()?).ok()
    }

    fn bytes(&mut self) -> Option<&'d [u8]> {
        let len = self.index()?;
        self.take(len)
    }

    /// How many values follow. Below zero, the number of their bytes stands behind it.
    fn count(&mut self) -> Option<u64> {
        let count = self.long()?;
        if count < 0 {
            self.long()?;
        }
        Some(count.unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    use super::Fields;

    #[test]
    fn numbers_have_their_sign_last() {
        let check = |bytes: &[u8], expected: Option<i64>| assert_eq!(Fields(bytes).long(), expected, "{bytes:?}");
        check(&[0], Some(0));
        check(&[1], Some(-1));
        check(&[2], Some(1));
        check(&[0x80, 1], Some(64));
        check(&[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1], Some(i64::MIN));
        check(&[0x80; 11], None);
        check(&[0x80], None);
    }
}
