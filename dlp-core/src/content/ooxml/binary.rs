//! Binary workbooks (`.xlsb`): the same parts as in others, as records.
//!
//! Each record has a number and a length, both of seven bits a byte. Cells, shared strings, sheets, formats and
//! comments are read; of other records, those that hold text are scanned as raw bytes behind their part.
//!
//! [MS-XLSB] 2.1.4 and 2.4.

use super::styles::Styles;
use super::workbook::{Sheet, Strings, Workbook};
use crate::base::bytes::{array, u32_le};
use crate::content::cfb::packed_number;
use crate::content::walk::{Step, Walk};
use crate::content::{Input, Join, Origin, Part, Place, Relation, Role, Segment, plain};
use crate::text::{Charset, runs};
use std::io::{self, BufRead, BufReader, Read};

/// Bytes of one record. The longest hold a string of 32,767 characters and its formats.
const RECORD_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Bytes of records without a rule that are kept before they are handed out.
const OTHERS_BYTES_MAX: usize = 1024 * 1024;
const BUFFER_BYTES: usize = 32 * 1024;

mod id {
    pub(super) const ROW: u32 = 0;
    /// Cells: with their column, and such that follow the cell before.
    pub(super) const CELLS: std::ops::RangeInclusive<u32> = 1..=18;
    pub(super) const PACKED: u32 = 2;
    pub(super) const NUMBER: u32 = 5;
    pub(super) const TEXT: u32 = 6;
    pub(super) const SHARED: u32 = 7;
    pub(super) const FORMULA_TEXT: u32 = 8;
    pub(super) const FORMULA_NUMBER: u32 = 9;
    pub(super) const SHORT_MIN: u32 = 12;
    pub(super) const SHORT_PACKED: u32 = 13;
    pub(super) const SHORT_NUMBER: u32 = 16;
    pub(super) const SHORT_TEXT: u32 = 17;
    pub(super) const SHORT_SHARED: u32 = 18;
    pub(super) const STRING: u32 = 19;
    pub(super) const CACHED_NUMBER: u32 = 21;
    pub(super) const CACHED_STRING: u32 = 24;
    pub(super) const FORMAT: u32 = 44;
    pub(super) const STYLE: u32 = 47;
    pub(super) const RICH_CELL: u32 = 62;
    pub(super) const PROPERTIES: u32 = 153;
    pub(super) const SHEET: u32 = 156;
    pub(super) const CELL_STYLES: u32 = 617;
    pub(super) const CELL_STYLES_END: u32 = 618;
    pub(super) const AUTHOR: u32 = 632;
    pub(super) const COMMENT: u32 = 635;
    pub(super) const COMMENT_TEXT: u32 = 637;
}

/// Takes the records of a part; tells how many bytes of one it read.
pub(super) trait Records {
    fn record(&mut self, walk: &mut Walk<'_>, id: u32, data: &[u8]) -> Step<usize>;
}

/// Feeds a part to a reader of its records.
pub(super) fn visit(walk: &mut Walk<'_>, content: &mut dyn Read, path: &str, records: &mut dyn Records) -> Step {
    let mut reader = BufReader::with_capacity(BUFFER_BYTES, content);
    let (mut data, mut others) = (Vec::new(), Vec::new());
    loop {
        let head = match head(&mut reader) {
            Ok(head) => head,
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                hand_out(walk, path, &mut others)?;
                let message = "broken records; the rest of the part was scanned as raw bytes";
                walk.bad_structure(message);
                return plain::raw(walk, Input::Stream(&mut reader));
            }
            Err(error) => {
                hand_out(walk, path, &mut others)?;
                return Err(walk.read_failed(&error));
            }
        };
        let Some((id, len)) = head else { return hand_out(walk, path, &mut others) };
        data.clear();
        let failed = (&mut reader).take(len).read_to_end(&mut data).err();
        let known = records.record(walk, id, &data)?;
        let rest = data.get(known..).unwrap_or_default();
        if holds_text(rest) {
            others.extend_from_slice(rest);
            // What stood apart must not be read as one.
            others.extend_from_slice(&[0; 4]);
        }
        if others.len() > OTHERS_BYTES_MAX {
            hand_out(walk, path, &mut others)?;
        }
        if failed.is_some() || (data.len() as u64) < len {
            hand_out(walk, path, &mut others)?;
            return Err(walk.read_failed(&failed.unwrap_or_else(|| io::ErrorKind::UnexpectedEof.into())));
        }
    }
}

/// Number and length of the next record; nothing at the end.
fn head(reader: &mut impl BufRead) -> io::Result<Option<(u32, u64)>> {
    const ID_BYTES_MAX: u32 = 2;
    const LEN_BYTES_MAX: u32 = 4;
    let mut bytes = reader.bytes().peekable();
    if bytes.peek().is_none() {
        return Ok(None);
    }
    let id = number(&mut bytes, ID_BYTES_MAX)?;
    let len = u64::from(number(&mut bytes, LEN_BYTES_MAX)?);
    if len > RECORD_BYTES_MAX { Err(io::ErrorKind::InvalidData.into()) } else { Ok(Some((id, len))) }
}

/// A number of seven bits a byte, the lowest first.
fn number(bytes: &mut impl Iterator<Item = io::Result<u8>>, bytes_max: u32) -> io::Result<u32> {
    let mut number = 0;
    for index in 0..bytes_max {
        let byte = bytes.next().unwrap_or(Err(io::ErrorKind::UnexpectedEof.into()))?;
        number |= u32::from(byte & 0x7F) << (7 * index);
        if byte & 0x80 == 0 {
            break;
        }
    }
    Ok(number)
}

fn holds_text(bytes: &[u8]) -> bool {
    runs::next_ascii(bytes, 0, bytes.len()).is_some() || runs::next_wide(bytes, 0, bytes.len()).is_some()
}

/// Scans what no rule took.
fn hand_out(walk: &mut Walk<'_>, path: &str, others: &mut Vec<u8>) -> Step {
    let bytes = std::mem::take(others);
    if bytes.is_empty() { Ok(()) } else { walk.child(path, Relation::Embedded, Input::Bytes(&bytes)) }
}

/// A string behind its length in characters, and where it ends.
fn string(data: &[u8], at: usize) -> Option<(String, usize)> {
    let start = at.checked_add(4)?;
    let bytes = (u32_le(data, at)? as usize).checked_mul(2)?;
    let end = start.checked_add(bytes)?;
    Some((Charset::Utf16Le.decode(data.get(start..end)?), end))
}

impl Records for Workbook {
    fn record(&mut self, _: &mut Walk<'_>, id: u32, data: &[u8]) -> Step<usize> {
        const NAMES_AT: usize = 8;
        if id == id::PROPERTIES && data.first().is_some_and(|bits| bits & 1 != 0) {
            self.count_from_1904();
        }
        let sheet = || {
            let (relation, at) = string(data, NAMES_AT)?;
            let (name, end) = string(data, at)?;
            Some((relation, name, u32_le(data, 0)? != 0, end))
        };
        let Some((relation, name, is_hidden, end)) = (id == id::SHEET).then(sheet).flatten() else { return Ok(0) };
        self.add_sheet(relation, name, is_hidden);
        Ok(end)
    }
}

impl Records for Strings {
    fn record(&mut self, walk: &mut Walk<'_>, id: u32, data: &[u8]) -> Step<usize> {
        match string(data, 1).filter(|_| id == id::STRING) {
            Some((text, end)) => self.add(walk, &text).map(|()| end),
            None => Ok(0),
        }
    }
}

impl Records for Styles {
    fn record(&mut self, _: &mut Walk<'_>, id: u32, data: &[u8]) -> Step<usize> {
        const FORMAT_AT: usize = 2;
        let format_at = |at| array(data, at).map(|bytes| u32::from(u16::from_le_bytes(bytes)));
        match id {
            id::CELL_STYLES | id::CELL_STYLES_END => self.are_cell_formats(id == id::CELL_STYLES),
            id::STYLE => self.add_cell_format(format_at(FORMAT_AT).unwrap_or(0)),
            id::FORMAT => {
                let format = format_at(0).zip(string(data, 2));
                if let Some((id, (code, _))) = format {
                    self.formats().add_format(id, &code);
                }
            }
            _ => {}
        }
        Ok(0)
    }
}

impl Records for Sheet<'_> {
    fn record(&mut self, walk: &mut Walk<'_>, id: u32, data: &[u8]) -> Step<usize> {
        /// Of the bits of a row, the one that hides it.
        const HIDDEN: u8 = 0x10;
        const ROW_NUMBER_BYTES: usize = 4;
        if id == id::ROW {
            let row = u32_le(data, 0).map(|row| row.saturating_add(1));
            self.open_row(row, data.get(11).is_some_and(|bits| bits & HIDDEN != 0));
            // The rest is numbers, unless somebody put a text there.
            return Ok(ROW_NUMBER_BYTES.min(data.len()));
        }
        if !id::CELLS.contains(&id) && id != id::RICH_CELL {
            return Ok(0);
        }
        // Such that follow the cell before have everything but the column.
        let is_short = (id::SHORT_MIN..=*id::CELLS.end()).contains(&id);
        let (column, at) = if is_short { (None, 0) } else { (u32_le(data, 0), 4) };
        let style = u32_le(data, at).map_or(0, |bits| (bits & 0x00FF_FFFF) as usize);
        self.open_cell(column.map(|column| column.saturating_add(1)), style);
        let (value, end) = value(id, data, at + 4);
        match value {
            Some(Value::Number(number)) => self.number(walk, &number.to_string())?,
            Some(Value::Shared(index)) => self.shared(walk, index as usize)?,
            Some(Value::Text(text)) => self.cell(walk, &text)?,
            None => {}
        }
        Ok(end)
    }
}

enum Value {
    Number(f64),
    Shared(u32),
    Text(String),
}

/// The value of a cell, and where it ends.
fn value(id: u32, data: &[u8], at: usize) -> (Option<Value>, usize) {
    let float = || Some(Value::Number(f64::from_le_bytes(array(data, at)?)));
    let text = |at| string(data, at).map_or((None, at), |(text, end)| (Some(Value::Text(text)), end));
    match id {
        id::PACKED | id::SHORT_PACKED => (u32_le(data, at).map(|number| Value::Number(packed_number(number))), at + 4),
        id::NUMBER | id::FORMULA_NUMBER | id::SHORT_NUMBER => (float(), at + 8),
        id::SHARED | id::SHORT_SHARED => (u32_le(data, at).map(Value::Shared), at + 4),
        id::TEXT | id::FORMULA_TEXT | id::SHORT_TEXT => text(at),
        id::RICH_CELL => text(at + 1),
        _ => (None, at),
    }
}

/// Comments, and values that tables keep of their source.
#[derive(Debug)]
pub(super) struct Aside<'p> {
    path: &'p str,
    role: Role,
    place: Place<'p>,
}

impl<'p> Aside<'p> {
    pub(super) fn new(path: &'p str, role: Role) -> Self {
        Self { path, role, place: Place::None }
    }

    fn emit(&self, walk: &mut Walk<'_>, text: &str) -> Step {
        let part = Part { role: self.role, name: self.path };
        let (place, origin) = (self.place, Origin::None);
        walk.emit(&Segment { text: text.as_bytes(), part, place, join: Join::Line, origin })
    }
}

impl Records for Aside<'_> {
    fn record(&mut self, walk: &mut Walk<'_>, id: u32, data: &[u8]) -> Step<usize> {
        let text_at = match id {
            id::COMMENT => {
                let place = u32_le(data, 4).zip(u32_le(data, 12));
                let cell = |(row, column): (u32, u32)| Place::Cell {
                    sheet: "",
                    row: row.saturating_add(1),
                    column: column.saturating_add(1),
                };
                self.place = place.map_or(Place::None, cell);
                return Ok(0);
            }
            id::CACHED_NUMBER => {
                let number = array(data, 0).map(f64::from_le_bytes);
                number.map_or(Ok(()), |number| self.emit(walk, &number.to_string()))?;
                return Ok(data.len().min(8));
            }
            id::COMMENT_TEXT => 1,
            id::AUTHOR | id::CACHED_STRING => 0,
            _ => return Ok(0),
        };
        let Some((text, end)) = string(data, text_at) else { return Ok(0) };
        self.emit(walk, &text)?;
        Ok(end)
    }
}
