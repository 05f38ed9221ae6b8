//! Workbooks of 1993 to 2003: cells with their places, comments, headers, names; and what no cell shows any more.

use super::file::{f64_at, u16_at, u32_at};
use super::records::{CONTINUE, Pieces, Record, Records, string};
use super::{password, pictures};
use crate::base::{Limit, Problem, ProblemClass};
use crate::content::budget::Hit;
use crate::content::number_formats::NumberFormats;
use crate::content::walk::{Step, Walk};
use crate::content::xml::side::Side;
use crate::content::{Join, Origin, Part, Place, Role, Segment, cells};
use crate::text::{Charset, guess_eight_bit, runs};
use std::collections::HashMap;

/// Sheets, comments and shapes that are kept by their number.
const NUMBERED_MAX: usize = 100_000;
/// Bytes of records that no rule knows, which are looked at for texts.
const UNKNOWN_BYTES_MIN: usize = 8;

pub(super) mod id {
    pub(in crate::content::cfb) const FORMULA: u16 = 0x0006;
    pub(in crate::content::cfb) const DRAWINGS: u16 = 0x00EB;
    pub(in crate::content::cfb) const HEADER: u16 = 0x0014;
    pub(in crate::content::cfb) const FOOTER: u16 = 0x0015;
    pub(in crate::content::cfb) const NAME: u16 = 0x0018;
    pub(in crate::content::cfb) const NOTE: u16 = 0x001C;
    pub(in crate::content::cfb) const DATEMODE: u16 = 0x0022;
    pub(in crate::content::cfb) const FILEPASS: u16 = 0x002F;
    pub(in crate::content::cfb) const CODEPAGE: u16 = 0x0042;
    pub(in crate::content::cfb) const WRITEACCESS: u16 = 0x005C;
    pub(in crate::content::cfb) const OBJ: u16 = 0x005D;
    pub(in crate::content::cfb) const BOUNDSHEET: u16 = 0x0085;
    pub(in crate::content::cfb) const XF: u16 = 0x00E0;
    pub(in crate::content::cfb) const FORMAT: u16 = 0x041E;
    pub(in crate::content::cfb) const MULRK: u16 = 0x00BD;
    pub(in crate::content::cfb) const RSTRING: u16 = 0x00D6;
    pub(in crate::content::cfb) const SST: u16 = 0x00FC;
    pub(in crate::content::cfb) const LABELSST: u16 = 0x00FD;
    pub(in crate::content::cfb) const TXO: u16 = 0x01B6;
    pub(in crate::content::cfb) const NUMBER: u16 = 0x0203;
    pub(in crate::content::cfb) const LABEL: u16 = 0x0204;
    pub(in crate::content::cfb) const STRING: u16 = 0x0207;
    pub(in crate::content::cfb) const RK: u16 = 0x027E;
    pub(in crate::content::cfb) const BOF: u16 = 0x0809;
    pub(in crate::content::cfb) const SERIESTEXT: u16 = 0x100D;
    /// Records about looks, which hold no text: formats, rows, colours.
    pub(in crate::content::cfb) const LOOKS: [u16; 11] =
        [0x0031, 0x0208, 0x0201, 0x00BE, 0x0092, 0x003D, 0x0200, 0x00D7, 0x0293, 0x087D, 0x0892];
}

/// A workbook on its way through.
struct Workbook<'d> {
    /// The set of bytes in strings; new files need none.
    charset: Option<Charset>,
    strings: Vec<String>,
    used: Vec<bool>,
    /// Where the sheets start, their names, and whether they are hidden.
    sheets: HashMap<usize, (String, bool)>,
    sheet: String,
    is_hidden: bool,
    row: Option<u16>,
    /// The cell whose formula gives a text.
    formula: Option<(u16, u16)>,
    object: Option<u16>,
    /// Texts of shapes; comments are some of them.
    shapes: HashMap<u16, String>,
    formats: NumberFormats,
    side: Side,
    unknown: Vec<u8>,
    /// What drawings have in common, their pictures too; it goes on from record to record.
    drawings: Vec<u8>,
    is_in_drawings: bool,
    records: Records<'d>,
}

/// Walks the records, in plain if everybody's password opens them, and returns what stands in those that no rule knows.
pub(super) fn walk(walk: &mut Walk<'_>, stream: &[u8]) -> Step<Vec<u8>> {
    let mut passwords = Records::new(stream).filter(|record| record.id == id::FILEPASS);
    let Some(first) = passwords.next() else { return records(walk, stream) };
    let Some(opened) = password::open_workbook(stream, first.at, first.data) else { return records(walk, stream) };
    let _held = walk.budget.hold(opened.len() as u64);
    // A workbook has one password. What stands behind another was not meant for this one.
    if let Some(second) = passwords.next() {
        walk.problem(encrypted(second.data));
    }
    walk.problem(password::opened());
    records(walk, &opened)
}

/// Walks records up to that of a password.
fn records(walk: &mut Walk<'_>, stream: &[u8]) -> Step<Vec<u8>> {
    let mut workbook = Workbook {
        charset: None,
        strings: Vec::new(),
        used: Vec::new(),
        sheets: HashMap::new(),
        sheet: String::new(),
        is_hidden: false,
        row: None,
        formula: None,
        object: None,
        shapes: HashMap::new(),
        formats: NumberFormats::default(),
        side: Side::default(),
        unknown: Vec::new(),
        drawings: Vec::new(),
        is_in_drawings: false,
        records: Records::new(stream),
    };
    while let Some(record) = workbook.records.next() {
        if record.id == id::FILEPASS {
            walk.problem(encrypted(record.data));
            return Ok(stream[record.at..].to_vec());
        }
        workbook.record(walk, record)?;
    }
    workbook.finish(walk)?;
    let rest = pictures::walk(walk, &workbook.drawings)?;
    workbook.keep(&rest);
    Ok(workbook.unknown)
}

/// Whether bytes hold a run of characters of either width.
fn holds_text(bytes: &[u8]) -> bool {
    runs::next_ascii(bytes, 0, bytes.len()).is_some() || runs::next_wide(bytes, 0, bytes.len()).is_some()
}

fn encrypted(data: &[u8]) -> Problem {
    let reason = match (u16_at(data, 0), u16_at(data, 2)) {
        (Some(1), Some(1)) => "cfb_rc4",
        (Some(1), _) => "cfb_cryptoapi",
        _ => "cfb_xor",
    };
    Problem::new(ProblemClass::Encrypted, reason, "the workbook needs a password; its cells were not read")
}

impl Workbook<'_> {
    fn record(&mut self, walk: &mut Walk<'_>, record: Record<'_>) -> Step {
        let Record { at, id, data } = record;
        self.is_in_drawings = id == id::DRAWINGS || self.is_in_drawings && id == CONTINUE;
        if self.is_in_drawings {
            self.drawings.extend_from_slice(data);
            return Ok(());
        }
        match id {
            id::BOF => self.start(walk, at, data)?,
            id::CODEPAGE if self.charset.is_some() => {
                let page = u16_at(data, 0).map_or(1252, u32::from);
                self.charset = Charset::from_code_page(page).or(self.charset.take());
            }
            id::DATEMODE if u16_at(data, 0) == Some(1) => self.formats.count_from_1904(),
            id::FORMAT => self.format(data),
            id::XF => {
                self.formats.add_style(u16_at(data, 2).map_or(0, u32::from));
                if holds_text(data) {
                    self.keep(data);
                }
            }
            id::BOUNDSHEET => self.bound_sheet(walk, data)?,
            id::SST => self.shared_strings(walk, data)?,
            id::LABELSST => self.shared(walk, data)?,
            id::LABEL | id::RSTRING => self.label(walk, data)?,
            id::NUMBER => self.number(walk, data, f64_at(data, 6))?,
            id::RK => self.number(walk, data, u32_at(data, 6).map(packed_number))?,
            id::MULRK => self.numbers(walk, data)?,
            id::FORMULA => self.formula(walk, data)?,
            id::STRING => self.formula_text(walk, data)?,
            id::HEADER | id::FOOTER => self.header(walk, id, data)?,
            id::NAME => self.name(data),
            id::OBJ => self.object = u16_at(data, 6),
            id::TXO => self.shape(data),
            id::NOTE => self.note(walk, data)?,
            id::SERIESTEXT => {
                let text = data.get(2..).and_then(<[u8]>::split_first);
                let text = text.map(|(chars, rest)| string(rest, usize::from(*chars), self.charset.as_ref()));
                self.side.add(Role::Drawing, &text.unwrap_or_default());
            }
            id::WRITEACCESS => {
                let text = string(data.get(2..).unwrap_or_default(), data.len(), self.charset.as_ref());
                self.side.add(Role::Property, text.trim());
            }
            _ if id::LOOKS.contains(&id) && !holds_text(data) || data.len() < UNKNOWN_BYTES_MIN => {}
            _ => self.keep(data),
        }
        let tail = data.get(self.known_bytes(id, data)..).unwrap_or_default();
        if holds_text(tail) {
            self.keep(tail);
        }
        if self.side.is_full() { self.side.flush(walk, &self.sheet, Place::None) } else { Ok(()) }
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.unknown.extend_from_slice(bytes);
        self.unknown.extend_from_slice(&[0; 4]);
    }

    /// How much of a record its rule reads.
    fn known_bytes(&self, id: u16, data: &[u8]) -> usize {
        /// Marks of strings in which more than characters follows.
        const IS_RICH: u8 = 0x0C;
        let string = |at: usize| {
            let chars = u16_at(data, at).map_or(0, usize::from);
            match data.get(at + 2) {
                Some(flags) if self.charset.is_none() && flags & IS_RICH != 0 => usize::MAX,
                Some(flags) if self.charset.is_none() => at + 3 + chars * (1 + usize::from(flags & 1)),
                _ => at + 2 + chars,
            }
        };
        match id {
            id::CODEPAGE => 2,
            id::RK | id::LABELSST => 10,
            id::NUMBER => 14,
            id::BOF => 16,
            // The tokens behind it hold the texts that a formula states.
            id::FORMULA => 22,
            id::LABEL => string(6),
            id::STRING => string(0),
            _ => usize::MAX,
        }
    }

    /// A sheet, a chart or the part that all sheets share begins.
    fn start(&mut self, walk: &mut Walk<'_>, at: usize, data: &[u8]) -> Step {
        const BIFF8: u16 = 0x0600;
        if at == 0 {
            let windows_1252 = Charset::from_encoding(encoding_rs::WINDOWS_1252);
            self.charset = (u16_at(data, 0) != Some(BIFF8)).then_some(windows_1252);
        }
        // Charts stand inside their sheet.
        if let Some((name, is_hidden)) = self.sheets.remove(&at) {
            self.end_sheet(walk)?;
            (self.sheet, self.is_hidden, self.row) = (name, is_hidden, None);
        }
        Ok(())
    }

    fn end_sheet(&mut self, walk: &mut Walk<'_>) -> Step {
        let mut shapes: Vec<(u16, String)> = self.shapes.drain().collect();
        shapes.sort_unstable();
        for (_, text) in shapes {
            self.side.add(Role::Drawing, &text);
        }
        self.object = None;
        self.side.flush(walk, &self.sheet, Place::None)
    }

    fn finish(&mut self, walk: &mut Walk<'_>) -> Step {
        self.end_sheet(walk)?;
        for (text, _) in self.strings.iter().zip(&self.used).filter(|(_, is_used)| !**is_used) {
            let part = Part { role: Role::Data, name: "strings without a cell" };
            let (place, origin) = (Place::None, Origin::None);
            walk.emit(&Segment { text: text.as_bytes(), part, place, join: Join::Line, origin })?;
        }
        Ok(())
    }

    fn bound_sheet(&mut self, walk: &mut Walk<'_>, data: &[u8]) -> Step {
        let (Some(start), Some(state), Some(chars)) = (u32_at(data, 0), data.get(4), data.get(6)) else {
            return Ok(());
        };
        let name = string(&data[7..], usize::from(*chars), self.charset.as_ref());
        walk.emit_name(&name)?;
        if self.sheets.len() < NUMBERED_MAX {
            self.sheets.insert(start as usize, (name, state & 3 != 0));
        }
        Ok(())
    }

    fn shared_strings(&mut self, walk: &mut Walk<'_>, data: &[u8]) -> Step {
        let mut pieces = Pieces::new(data, self.records.continued());
        let (_total, count) = (pieces.u32(), pieces.u32().unwrap_or(0));
        let max = walk.budget.room_for_strings();
        let mut bytes = 0;
        for _ in 0..count {
            let Some(text) = pieces.rich_string() else { break };
            // An empty string takes memory too.
            bytes += text.len() as u64 + 32;
            if bytes > max {
                let limit = Limit { name: "shared_strings_bytes_max", value: max };
                return Err(walk.limit(Hit::Bound(limit)));
            }
            self.strings.push(text);
        }
        self.used = vec![false; self.strings.len()];
        Ok(())
    }

    fn shared(&mut self, walk: &mut Walk<'_>, data: &[u8]) -> Step {
        let Some(index) = u32_at(data, 6).map(|index| index as usize) else { return Ok(()) };
        let Some(text) = self.strings.get_mut(index).map(std::mem::take) else { return Ok(()) };
        let is_used = std::mem::replace(&mut self.used[index], true);
        let step = self.cell(walk, place(data), cells::shown(&text, is_used));
        self.strings[index] = text;
        step
    }

    fn label(&mut self, walk: &mut Walk<'_>, data: &[u8]) -> Step {
        let Some(chars) = u16_at(data, 6) else { return Ok(()) };
        let text = string(&data[8..], usize::from(chars), self.charset.as_ref());
        self.cell(walk, place(data), &text)
    }

    fn number(&mut self, walk: &mut Walk<'_>, data: &[u8], number: Option<f64>) -> Step {
        let style = u16_at(data, 4).map_or(0, usize::from);
        number.map_or(Ok(()), |number| self.number_cell(walk, place(data), (number, style)))
    }

    fn numbers(&mut self, walk: &mut Walk<'_>, data: &[u8]) -> Step {
        let Some((row, first)) = place(data) else { return Ok(()) };
        let cells = data.get(4..data.len().saturating_sub(2)).unwrap_or_default();
        for (index, cell) in cells.chunks_exact(6).enumerate() {
            let column = first.saturating_add(index as u16);
            let number = u32_at(cell, 2).map(packed_number).unwrap_or_default();
            let style = u16_at(cell, 0).map_or(0, usize::from);
            self.number_cell(walk, Some((row, column)), (number, style))?;
        }
        Ok(())
    }

    fn number_cell(&mut self, walk: &mut Walk<'_>, at: Option<(u16, u16)>, (number, style): (f64, usize)) -> Step {
        let number = number.to_string();
        let shown = self.formats.shown(style, &number);
        self.cell(walk, at, &shown.unwrap_or(number))
    }

    /// How numbers are shown; its literal texts are data.
    fn format(&mut self, data: &[u8]) {
        let Some((id, chars)) = u16_at(data, 0).zip(u16_at(data, 2)) else { return };
        let code = match &self.charset {
            Some(charset) => charset.decode(&data[3..]),
            None => string(&data[4..], usize::from(chars), None),
        };
        self.formats.add_format(id.into(), &code);
        self.keep(data);
    }

    fn formula(&mut self, walk: &mut Walk<'_>, data: &[u8]) -> Step {
        const TEXT_RESULT: u8 = 0;
        let is_number = u16_at(data, 12) != Some(0xFFFF);
        self.formula = None;
        match (is_number, data.get(6)) {
            (true, _) => self.number(walk, data, f64_at(data, 6)),
            (false, Some(&TEXT_RESULT)) => {
                self.formula = place(data);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn formula_text(&mut self, walk: &mut Walk<'_>, data: &[u8]) -> Step {
        let mut continued = self.records.continued();
        let Some(chars) = u16_at(data, 0).map(usize::from) else { return Ok(()) };
        let text = match &self.charset {
            Some(charset) => string(&data[2..], chars, Some(charset)),
            None => {
                let Some((options, rest)) = data[2..].split_first() else { return Ok(()) };
                Pieces::new(rest, std::mem::take(&mut continued)).characters(chars, options & 1 != 0)
            }
        };
        let place = self.formula.take();
        self.cell(walk, place, &text)
    }

    fn cell(&mut self, walk: &mut Walk<'_>, place: Option<(u16, u16)>, text: &str) -> Step {
        let role = if self.is_hidden { Role::Hidden } else { Role::Body };
        let Some((row, column)) = place else { return Ok(()) };
        let join = if self.row.replace(row) == Some(row) { Join::Cell } else { Join::Line };
        let part = Part { role, name: if self.is_hidden { &self.sheet } else { "" } };
        let place = Place::Cell { sheet: &self.sheet, row: u32::from(row) + 1, column: u32::from(column) + 1 };
        walk.emit(&Segment { text: text.as_bytes(), part, place, join, origin: Origin::None })
    }

    fn header(&mut self, walk: &mut Walk<'_>, id: u16, data: &[u8]) -> Step {
        let text = match &self.charset {
            Some(charset) => data.split_first().map(|(_, rest)| charset.decode(rest)),
            None => u16_at(data, 0).map(|chars| string(&data[2..], usize::from(chars), None)),
        };
        let text = without_codes(&text.unwrap_or_default());
        let role = if id == id::HEADER { Role::Header } else { Role::Footer };
        let part = Part { role, name: &self.sheet };
        walk.emit(&Segment { text: text.as_bytes(), part, place: Place::None, join: Join::Line, origin: Origin::None })
    }

    /// A defined name; what it stands for is a formula.
    fn name(&mut self, data: &[u8]) {
        let (Some(chars), Some(rest)) = (data.get(3), data.get(14..)) else { return };
        let text = string(rest, usize::from(*chars), self.charset.as_ref());
        self.side.add(Role::Formula, &text);
        self.unknown.extend_from_slice(rest);
        self.unknown.extend_from_slice(&[0; 4]);
    }

    /// The text of a shape stands in the records that continue it: first the characters, then their formats.
    fn shape(&mut self, data: &[u8]) {
        let continued = self.records.continued();
        let Some(chars) = u16_at(data, 10).filter(|_| !continued.is_empty()) else { return };
        let text = match &self.charset {
            Some(_) => guess_eight_bit(continued[0]).decode(continued[0]),
            None => {
                let Some((options, rest)) = continued[0].split_first() else { return };
                Pieces::new(rest, continued[1..].to_vec()).characters(usize::from(chars), options & 1 != 0)
            }
        };
        match self.object.take() {
            Some(object) if self.shapes.len() < NUMBERED_MAX => {
                self.shapes.insert(object, text);
            }
            _ => self.side.add(Role::Drawing, &text),
        }
    }

    fn note(&mut self, walk: &mut Walk<'_>, data: &[u8]) -> Step {
        let Some((row, column)) = place(data) else { return Ok(()) };
        let text = match &self.charset {
            Some(charset) => charset.decode(data.get(6..).unwrap_or_default()),
            None => {
                let shape = u16_at(data, 6).and_then(|object| self.shapes.remove(&object)).unwrap_or_default();
                let author = u16_at(data, 8).map(|chars| string(&data[10..], usize::from(chars), None));
                match author.filter(|author| !author.is_empty()) {
                    Some(author) => format!("{author}: {shape}"),
                    None => shape,
                }
            }
        };
        let part = Part { role: Role::Comment, name: &self.sheet };
        let place = Place::Cell { sheet: &self.sheet, row: u32::from(row) + 1, column: u32::from(column) + 1 };
        walk.emit(&Segment { text: text.as_bytes(), part, place, join: Join::Line, origin: Origin::None })
    }
}

/// Row and column, from 0.
fn place(data: &[u8]) -> Option<(u16, u16)> {
    Some((u16_at(data, 0)?, u16_at(data, 2)?))
}

/// A number packed into 30 bits: an integer, or the upper half of a float, and whether it counts hundredths.
pub(in crate::content) fn packed_number(packed: u32) -> f64 {
    let number = match packed & 2 {
        0 => f64::from_bits(u64::from(packed & !3) << 32),
        _ => f64::from(packed as i32 >> 2),
    };
    if packed & 1 != 0 { number / 100.0 } else { number }
}

/// A header without the codes for its parts, fonts and sizes.
fn without_codes(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '&' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('&') => out.push('&'),
            Some('L' | 'C' | 'R') => out.push('\n'),
            Some('"') => while chars.next().is_some_and(|c| c != '"') {},
            Some(c) if c.is_ascii_digit() => while chars.next_if(char::is_ascii_digit).is_some() {},
            _ => {}
        }
    }
    out.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_numbers_are_unpacked() {
        let whole = |number: i32, hundredths: u32| (number as u32) << 2 | 2 | hundredths;
        let float = |number: f64| (number.to_bits() >> 32) as u32;
        for (packed, expected) in [
            (whole(123, 0), 123.0),
            (whole(-5, 0), -5.0),
            (whole(123, 1), 1.23),
            (float(1.5), 1.5),
            (float(150.0) | 1, 1.5),
        ] {
            assert!((packed_number(packed) - expected).abs() < 1e-9, "{packed:x}");
        }
    }

    #[test]
    fn headers_lose_their_codes() {
        let rows = [
            ("plain", "plain"),
            ("&Lleft&Cmiddle&Rright", "left\nmiddle\nright"),
            ("&\"Arial,Bold\"&12title &P", "title"),
            ("R&&D", "R&D"),
            ("&", ""),
            ("&\"open", ""),
        ];
        for (text, expected) in rows {
            assert_eq!(without_codes(text), expected, "{text}");
        }
    }
}
