//! Files of Parquet: the values of every column, with its name.
//!
//! The footer tells where the pages of each column lie. A column that has a dictionary hands out the values of that,
//! each once: pages of the column only number them. What is written in a way that is not read here is scanned as raw
//! bytes, and so is what lies between pages. Columns are read one after the other, so that there is no more than one
//! page in memory beside the file. Cells have no place: pages leave out what is null, and dictionaries have no rows.

mod thrift;
mod values;

use super::budget::{Metered, Pieces};
use super::cells;
use super::walk::{Break, Step, Walk};
use super::zstd::ZstdFrame;
use super::{Input, Join, Origin, Part, Place, Relation, Role, Segment, plain, recognise, snappy};
use crate::base::bytes::{u32_be, u32_le};
use crate::base::{PARQUET_PAGE_VALUES_MAX, Problem, ProblemClass};
use crate::text::is_utf8;
use brotli_decompressor::Decompressor;
use flate2::bufread::MultiGzDecoder;
use std::cell::Cell;
use std::io::{Cursor, Read};
use std::ops::Range;
use thrift::{Fault, Structure, VALUE_BYTES};
use values::{DICTIONARY, End, PLAIN, Shape, Value};

const MARK: &[u8] = b"PAR1";
/// Behind the footer stand its length and the mark.
const TAIL_BYTES: usize = 8;
/// Kinds of pages.
const DATA: i64 = 0;
const DICTIONARY_PAGE: i64 = 2;
const DATA_2: i64 = 3;
/// Ways in which a column repeats: always there, or a list.
const REQUIRED: i64 = 0;
const REPEATED: i64 = 2;
/// Bytes from this length on are items; shorter ones are only if they are files.
const ITEM_BYTES_MIN: usize = 256;
/// Bytes of the path to a column; one with a longer path bears its own name.
const PATH_BYTES_MAX: usize = 512;
/// Columns in columns.
const DEPTH_MAX: usize = 64;
const BUFFER_BYTES: usize = 32 * 1024;

/// Walks a file.
pub(super) fn walk(walk: &mut Walk<'_>, input: Input<'_>) -> Step {
    walk.with_held(input, |walk, bytes| {
        let values_max = walk.budget.room_to_hold() / VALUE_BYTES;
        let (footer, start) = match footer(bytes, values_max) {
            Ok(footer) => footer,
            Err(fault) => {
                match fault {
                    Fault::Broken => {
                        walk.bad_structure("the file has no footer that can be read; its bytes were scanned")
                    }
                    Fault::TooMany => held_too_much(walk, "the footer is larger than what may be held in memory"),
                }
                return plain::raw(walk, Input::Bytes(bytes));
            }
        };
        let _held = walk.budget.hold(footer.values * VALUE_BYTES);
        let read = vec![0..MARK.len(), start..bytes.len()];
        let pieces = Pieces::default();
        File { bytes, read, given_bytes: 0, pieces, values: 0, page_bytes: 0, text_bytes: 0 }
            .all(walk, &footer.structure)
    })
}

/// The footer, and where it starts.
fn footer(bytes: &[u8], values_max: u64) -> Result<(thrift::Read<'_>, usize), Fault> {
    let tail = bytes.len().checked_sub(TAIL_BYTES).filter(|_| bytes.ends_with(MARK)).ok_or(Fault::Broken)?;
    let len = u32_le(bytes, tail).ok_or(Fault::Broken)?;
    let start = tail.checked_sub(len as usize).ok_or(Fault::Broken)?;
    thrift::structure(&bytes[start..tail], values_max).map(|footer| (footer, start))
}

fn held_too_much(walk: &mut Walk<'_>, message: &'static str) {
    let held_bytes_max = walk.budget.limits.held_bytes_max;
    walk.problem(Problem::limit("held_bytes_max", held_bytes_max, message));
}

/// A column as the schema tells of it.
#[derive(Clone, Debug)]
struct Column {
    name: String,
    shape: Shape,
    /// Bits of the numbers that say where a list goes on, and how deep a value is there.
    is_repeated: bool,
    is_optional: bool,
}

/// The columns with values, in order.
fn columns(footer: &Structure<'_>) -> Vec<Column> {
    let mut found = Vec::new();
    // For each open level: how many columns are left in it, its path, and what it says of those in it.
    let mut open: Vec<(i64, String, bool, bool)> = Vec::new();
    for element in footer.structures(2).skip(1) {
        while open.last().is_some_and(|(left, ..)| *left == 0) {
            open.pop();
        }
        let (mut is_repeated, mut is_optional) = (false, false);
        let mut name = String::from_utf8_lossy(element.bytes(4).unwrap_or_default()).into_owned();
        if let Some((left, path, repeated, optional)) = open.last_mut() {
            *left -= 1;
            (is_repeated, is_optional) = (*repeated, *optional);
            if path.len() + name.len() < PATH_BYTES_MAX {
                name = format!("{path}.{name}");
            }
        }
        let repetition = element.number(3).unwrap_or(REQUIRED);
        is_repeated |= repetition == REPEATED;
        is_optional |= repetition != REQUIRED;
        match element.number(5) {
            Some(children) if children > 0 && open.len() < DEPTH_MAX => {
                open.push((children, name, is_repeated, is_optional));
            }
            _ => {
                let len = element.number(2).and_then(|len| usize::try_from(len).ok()).unwrap_or(0);
                let shape = Shape { kind: element.number(1).unwrap_or(-1), len };
                found.push(Column { name, shape, is_repeated, is_optional });
            }
        }
    }
    found
}

struct File<'d> {
    bytes: &'d [u8],
    /// What was read of it.
    read: Vec<Range<usize>>,
    /// Bytes of pages that were read, also twice.
    given_bytes: usize,
    pieces: Pieces,
    /// Values that were handed out, for the names of those that are items.
    values: u64,
    /// Bytes of pages without what packs them, and of the texts that they led to.
    page_bytes: u64,
    text_bytes: u64,
}

impl<'d> File<'d> {
    fn all(mut self, walk: &mut Walk<'_>, footer: &Structure<'_>) -> Step {
        for (key, value) in footer.structures(5).map(|entry| (entry.bytes(1), entry.bytes(2))) {
            let name = String::from_utf8_lossy(key.unwrap_or_default());
            let text = format!("{name}: {}", String::from_utf8_lossy(value.unwrap_or_default()));
            let (part, place) = (Part { role: Role::Property, name: &name }, Place::None);
            walk.emit(&Segment { text: text.as_bytes(), part, place, join: Join::Line, origin: Origin::None })?;
        }
        let columns = columns(footer);
        for group in footer.structures(4) {
            for (index, chunk) in group.structures(1).enumerate() {
                walk.check_budget()?;
                match columns.get(index) {
                    Some(column) => self.chunk(walk, column, chunk)?,
                    None => walk
                        .bad_structure("the file has more columns than its schema; the rest was scanned as raw bytes"),
                }
            }
        }
        self.rest(walk)
    }

    /// Reads the pages of a column in one group.
    fn chunk(&mut self, walk: &mut Walk<'_>, column: &Column, chunk: &Structure<'_>) -> Step {
        let plain = chunk.structure(3).filter(|_| chunk.structure(8).is_none());
        let Some(about) = plain else {
            let message = format!("the column {} is encrypted; its values were not read", column.name);
            walk.problem(Problem::new(ProblemClass::Encrypted, "parquet", message));
            return Ok(());
        };
        let place = |field: i16| about.number(field).and_then(|at| usize::try_from(at).ok());
        let starts = [place(9), place(11).filter(|at| *at > 0)].into_iter().flatten();
        let (Some(start), Some(len)) = (starts.min(), place(7)) else { return Ok(()) };
        let end = start.saturating_add(len).min(self.bytes.len());
        let mut at = start;
        while at < end {
            let next = self.page(walk, (column, about.number(4).unwrap_or(0)), at..end)?;
            let Some(next) = next else {
                walk.bad_structure("a page of the file is broken; what is left of its column was scanned as raw bytes");
                return Ok(());
            };
            at = next;
        }
        Ok(())
    }

    /// Reads a page, and tells where the next one starts.
    fn page(
        &mut self,
        walk: &mut Walk<'_>,
        (column, codec): (&Column, i64),
        range: Range<usize>,
    ) -> Step<Option<usize>> {
        let bytes = self.bytes;
        // Columns that name the same pages again give nothing new.
        if self.given_bytes > 2 * self.bytes.len() {
            let message = "columns share their pages; not all of them were read";
            walk.problem(Problem::new(ProblemClass::Ambiguous, "overlap", message));
            return Ok(Some(range.end));
        }
        let header = thrift::structure(&bytes[range.clone()], walk.budget.room_to_hold() / VALUE_BYTES);
        let content = header.as_ref().ok().and_then(|header| {
            let start = range.start + header.len;
            let len = usize::try_from(header.structure.number(3)?).ok()?;
            start.checked_add(len).filter(|end| *end <= range.end).map(|end| start..end)
        });
        let Some((header, content)) = header.ok().zip(content) else {
            self.given_bytes += range.len();
            return Ok(None);
        };
        let end = content.end;
        self.given_bytes += end - range.start;
        // What is no page that is known is scanned with what lies between pages.
        let Some(page) = Page::of(&header.structure, &bytes[content]) else { return Ok(Some(end)) };
        self.read.push(range.start..end);
        let content = unpack(walk, codec, &page)?;
        self.pieces.take(walk.budget, page.bytes.len(), content.len()).map_err(|hit| walk.limit(hit))?;
        let _held = walk.budget.hold(content.len() as u64);
        match page.values(column, &content) {
            Some(_) if DICTIONARY.contains(&page.encoding) && !page.is_dictionary => {}
            Some(values) => self.values(walk, column, page.encoding, values)?,
            None => {
                walk.bad_structure("a page of the file does not fit its column; it was scanned as raw bytes");
                plain::raw_at(walk, &content, 0)?;
            }
        }
        Ok(Some(end))
    }

    /// Hands out the values of a page.
    fn values(&mut self, walk: &mut Walk<'_>, column: &Column, encoding: i64, bytes: &[u8]) -> Step {
        let (budget, mut hit) = (walk.budget, None);
        self.page_bytes += bytes.len() as u64;
        let end = values::values(column.shape, encoding, bytes, &mut |value| {
            self.values += 1;
            self.text_bytes += (column.name.len() + value.len()) as u64;
            hit = budget.check_ratio(self.page_bytes, self.text_bytes).err();
            if hit.is_none() {
                give(walk, column, value, self.values)?;
            }
            Ok(hit.is_none())
        })?;
        match (end, hit) {
            (_, Some(hit)) => {
                if walk.limit(hit) == Break::Job {
                    return Err(Break::Job);
                }
                plain::raw_at(walk, bytes, 0)
            }
            (End::Whole, _) => Ok(()),
            (End::Unread, _) => plain::raw_at(walk, bytes, 0),
            (End::Broken(rest), _) => {
                walk.bad_structure("values of a page do not fit their column; the rest was scanned as raw bytes");
                plain::raw_at(walk, rest, (bytes.len() - rest.len()) as u64)
            }
            (End::Cut, _) => {
                let message = "a page has more values than the bound; it was scanned as raw bytes";
                walk.problem(Problem::limit("parquet_page_values_max", PARQUET_PAGE_VALUES_MAX as u64, message));
                plain::raw_at(walk, bytes, 0)
            }
        }
    }

    /// Scans what no page covers.
    fn rest(&mut self, walk: &mut Walk<'_>) -> Step {
        self.read.sort_unstable_by_key(|range| range.start);
        let mut at = 0;
        for range in std::mem::take(&mut self.read) {
            if range.start > at {
                plain::raw_at(walk, &self.bytes[at..range.start], at as u64)?;
            }
            at = at.max(range.end);
        }
        Ok(())
    }
}

/// A page as its header tells of it.
struct Page<'d> {
    is_dictionary: bool,
    encoding: i64,
    /// In front of the values, how deep they are: written plainly, and what is packed.
    levels_bytes: usize,
    has_levels_inside: bool,
    is_packed: bool,
    /// What its header says it unpacks to.
    unpacked_bytes: usize,
    bytes: &'d [u8],
}

impl<'d> Page<'d> {
    fn of(header: &Structure<'_>, bytes: &'d [u8]) -> Option<Self> {
        let page = Self {
            is_dictionary: false,
            encoding: PLAIN,
            levels_bytes: 0,
            has_levels_inside: false,
            is_packed: true,
            unpacked_bytes: header.number(2).and_then(|len| usize::try_from(len).ok()).unwrap_or(0),
            bytes,
        };
        let encoding = |about: &Structure<'_>, field| about.number(field).unwrap_or(PLAIN);
        match header.number(1)? {
            DATA => {
                let about = header.structure(5)?;
                Some(Self { encoding: encoding(about, 2), has_levels_inside: true, ..page })
            }
            // The number of a dictionary in its own page stands for plain values.
            DICTIONARY_PAGE => Some(Self { is_dictionary: true, ..page }),
            DATA_2 => {
                let about = header.structure(8)?;
                let len = |field| about.number(field).and_then(|len| usize::try_from(len).ok()).unwrap_or(0);
                let levels_bytes = len(5).saturating_add(len(6)).min(bytes.len());
                let is_packed = about.number(7) != Some(0);
                Some(Self { encoding: encoding(about, 4), levels_bytes, is_packed, ..page })
            }
            _ => None,
        }
    }

    /// The values behind the numbers that say how deep they are; nothing if those break off.
    fn values<'c>(&self, column: &Column, content: &'c [u8]) -> Option<&'c [u8]> {
        let mut rest = content;
        if self.has_levels_inside && !rest.is_empty() {
            for _ in 0..usize::from(column.is_repeated) + usize::from(column.is_optional) {
                let len = u32_le(rest, 0)? as usize;
                rest = rest[4..].get(len..)?;
            }
        }
        Some(rest)
    }
}

/// The content of a page without the numbers that stand in front of it unpacked. What cannot be is scanned as it is.
fn unpack(walk: &mut Walk<'_>, codec: i64, page: &Page<'_>) -> Step<Vec<u8>> {
    /// Times its packed bytes that a block of these packings may have.
    const BLOCK_RATIO_MAX: usize = 256;
    let packed = &page.bytes[page.levels_bytes..];
    let room = usize::try_from(walk.budget.room_to_hold()).unwrap_or(usize::MAX);
    let broken = || Box::new(Cursor::new(Vec::new())) as Box<dyn Read>;
    let block = |block: Option<Vec<u8>>| block.map_or_else(broken, |block| Box::new(Cursor::new(block)));
    let is_block = page.is_packed && matches!(codec, 1 | 5 | 7);
    if is_block && page.unpacked_bytes > room {
        held_too_much(walk, "a page of the file is larger than what may be held in memory; it was not unpacked");
        plain::raw_at(walk, packed, 0)?;
        return Ok(Vec::new());
    }
    let unpacked_bytes = page.unpacked_bytes.min(packed.len().saturating_mul(BLOCK_RATIO_MAX));
    let reader: Box<dyn Read + '_> = match codec {
        _ if !page.is_packed => return Ok(packed.to_vec()),
        0 => return Ok(packed.to_vec()),
        1 => block(snappy::unpack(packed, room)),
        2 => Box::new(MultiGzDecoder::new(packed)),
        5 => block(lz4_in_pieces(packed, unpacked_bytes)),
        7 => block(lz4_flex::block::decompress(packed, unpacked_bytes).ok()),
        4 => Box::new(Decompressor::new(packed, BUFFER_BYTES)),
        6 => match ZstdFrame::open(packed) {
            Ok(decoder) => Box::new(decoder),
            Err(_) => broken(),
        },
        _ => {
            let message = "pages are packed in a way that is not read; their bytes were scanned";
            walk.problem(Problem::new(ProblemClass::Unsupported, "parquet_codec", message));
            plain::raw_at(walk, packed, 0)?;
            return Ok(Vec::new());
        }
    };
    let (budget, count, mut content) = (walk.budget, Cell::new(packed.len() as u64), Vec::new());
    let read = Metered::new(reader, budget, &count).take(room as u64).read_to_end(&mut content);
    if let Err(error) = read {
        // What came out before is read; a bound of the job ends it with the next text.
        let _ = walk.read_failed(&error);
    } else if content.len() == room {
        held_too_much(walk, "a page of the file is larger than what may be held in memory; its beginning was read");
    } else if content.is_empty() && !packed.is_empty() && page.unpacked_bytes > 0 {
        walk.bad_structure("a page of the file cannot be unpacked; it was scanned as raw bytes");
        plain::raw_at(walk, packed, 0)?;
    }
    Ok(content)
}

/// Blocks of LZ4 as Hadoop writes them, each behind its lengths; programs that left those out wrote one block.
fn lz4_in_pieces(packed: &[u8], bytes_max: usize) -> Option<Vec<u8>> {
    let pieces = || {
        let (mut rest, mut content) = (packed, Vec::new());
        while !rest.is_empty() {
            let (len, packed_len) = (u32_be(rest, 0)? as usize, u32_be(rest, 4)? as usize);
            let piece = rest[8..].get(..packed_len)?;
            bytes_max.checked_sub(content.len()).filter(|room| len <= *room)?;
            content.extend(lz4_flex::block::decompress(piece, len).ok()?);
            rest = &rest[8 + packed_len..];
        }
        Some(content)
    };
    pieces().or_else(|| lz4_flex::block::decompress(packed, bytes_max).ok())
}

/// Hands out a value; its number among those of the file names it where it is an item.
fn give(walk: &mut Walk<'_>, column: &Column, value: &Value<'_>, index: u64) -> Step {
    let cell = |walk: &mut Walk<'_>, text: &str| {
        let part = Part { role: Role::Body, name: &column.name };
        cells::value(walk, (&column.name, text), (part, Place::None, Join::Line))
    };
    match value {
        Value::Number(text) => cell(walk, text),
        Value::Bytes([]) => Ok(()),
        Value::Bytes(bytes) if recognise::has_signature(bytes) || bytes.len() >= ITEM_BYTES_MIN && !is_utf8(bytes) => {
            let name = format!("{} {index}", column.name);
            walk.child(&name, Relation::Embedded, Input::Bytes(bytes))
        }
        Value::Bytes(bytes) => cell(walk, &String::from_utf8_lossy(bytes)),
    }
}
