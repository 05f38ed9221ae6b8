//! The structure of a SQLite file: pages that are trees of cells, and chains of pages for what is too long for a cell.
//!
//! Pages are read as they are asked for, so no more of a file is in memory than one of them and the cells that it has.
//! Each page is read once, whatever leads to it, and its cells end when they have given more bytes than it has, so the
//! work is bounded by the file. What no cell covers is kept: rows that were deleted stay there.

use super::record::varint;
use crate::base::bytes::{u16_be, u32_be as u32_at};
use crate::content::ReadSeek;
use std::io::{self, Read, SeekFrom};
use std::ops::Range;

/// What a database starts with.
const HEADER_BYTES: usize = 100;
/// Bytes of it that stand for nothing yet.
const RESERVED: Range<usize> = 72..92;
/// Unused bytes that may hold a value.
const GAP_BYTES_MIN: usize = 4;
/// A payload that is longer is read as its values are asked for.
const PAYLOAD_BYTES_MAX: usize = 1024 * 1024;

/// A database, and what of it was read.
pub(super) struct Database<'d> {
    reader: &'d mut dyn ReadSeek,
    /// Why pages could not be read, the first time.
    pub(super) failed: Option<io::Error>,
    len_bytes: u64,
    page_bytes: usize,
    /// Bytes of a page that the format itself uses.
    usable_bytes: usize,
    pub(super) encoding: u32,
    is_read: Vec<bool>,
    /// Bytes that belong to no cell.
    pub(super) gaps: Vec<u8>,
    /// Whether something did not fit together.
    pub(super) is_broken: bool,
    /// Whether cells share so many bytes that some of them were not read.
    pub(super) is_shared: bool,
}

/// A cell with a row.
pub(super) struct Cell {
    /// The number of the row; rows of indexes have none.
    pub(super) row_id: Option<i64>,
    /// All of it, or its beginning where it is long.
    pub(super) payload: Vec<u8>,
    pub(super) rest: Option<Rest>,
}

/// What is left of a long payload.
pub(super) struct Rest {
    /// The page where it goes on.
    page: u32,
    len_bytes: usize,
}

/// What a page of a tree is.
#[derive(Clone, Copy, PartialEq, Eq)]
struct PageKind {
    is_leaf: bool,
    is_index: bool,
}

impl<'d> Database<'d> {
    /// Reads the header; nothing when it cannot be one.
    pub(super) fn open(reader: &'d mut dyn ReadSeek) -> io::Result<Option<Self>> {
        let len_bytes = reader.seek(SeekFrom::End(0))?;
        reader.seek(SeekFrom::Start(0))?;
        let mut header = Vec::new();
        (&mut *reader).take(HEADER_BYTES as u64).read_to_end(&mut header)?;
        let Some((page_bytes, usable_bytes)) = page_sizes(&header) else { return Ok(None) };
        let pages = usize::try_from(len_bytes.div_ceil(page_bytes as u64)).map_err(io::Error::other)?;
        let mut database = Self {
            reader,
            failed: None,
            len_bytes,
            page_bytes,
            usable_bytes,
            encoding: u32_at(&header, 56).unwrap_or(0),
            is_read: vec![false; pages],
            gaps: Vec::new(),
            is_broken: !len_bytes.is_multiple_of(page_bytes as u64),
            is_shared: false,
        };
        database.keep(&header[RESERVED]);
        Ok(Some(database))
    }

    /// Numbers of pages that nothing has led to yet.
    pub(super) fn next_unread(&self, from: u32) -> Option<u32> {
        let unread = (from.max(1)..).zip(self.is_read.get(from.max(1) as usize - 1..)?).find(|(_, is_read)| !**is_read);
        unread.map(|(number, _)| number)
    }

    /// Keeps a page that belongs to no tree.
    pub(super) fn keep_page(&mut self, number: u32) {
        if let Some(page) = self.take_page(number) {
            self.keep(&page);
        }
    }

    /// Whether a page looks like one of a tree.
    pub(super) fn is_tree(&mut self, number: u32) -> bool {
        self.page(number).is_some_and(|page| kind(&page, number).is_some())
    }

    /// The cells with rows of one page, and the pages below it, the first one last.
    pub(super) fn read_tree_page(&mut self, number: u32) -> (Vec<Cell>, Vec<u32>) {
        let (mut cells, mut below) = (Vec::new(), Vec::new());
        let Some(page) = self.take_page(number) else { return (cells, below) };
        let page = page.as_slice();
        let start = if number == 1 { HEADER_BYTES } else { 0 };
        let Some(kind) = kind(page, number) else {
            self.is_broken = true;
            self.keep(page);
            return (cells, below);
        };
        let count = u16_at(page, start + 3).unwrap_or(0);
        let list = start + if kind.is_leaf { 8 } else { 12 };
        let mut used = vec![0..list, list..list + 2 * count];
        let mut cell_bytes = 0;
        for index in 0..count {
            let at = u16_at(page, list + 2 * index);
            let Some((cell, child, range)) = at.and_then(|at| self.cell(page, at, kind)) else {
                self.is_broken = true;
                continue;
            };
            cell_bytes += range.len();
            used.push(range);
            cells.extend(cell);
            below.extend(child);
            if cell_bytes > page.len() {
                // What the cells left out would have given stands in the page as it is. A count for which the page has
                // no room is damage.
                let has_room = list + 2 * count <= page.len();
                self.is_shared |= has_room;
                self.is_broken |= !has_room;
                used.clear();
                break;
            }
        }
        if !kind.is_leaf {
            below.extend(u32_at(page, start + 8));
        }
        below.reverse();
        self.keep_unused(page, used);
        (cells, below)
    }

    /// A cell, the page below it, and the bytes that it takes.
    fn cell(&mut self, page: &[u8], start: usize, kind: PageKind) -> Option<(Option<Cell>, Option<u32>, Range<usize>)> {
        let mut at = start;
        let child = if kind.is_leaf { None } else { Some(u32_at(page, at)?) };
        at += if kind.is_leaf { 0 } else { 4 };
        if !kind.is_leaf && !kind.is_index {
            let (_, len) = varint(page.get(at..)?)?;
            return Some((None, child, start..at + len));
        }
        let (payload_bytes, len) = varint(page.get(at..)?)?;
        at += len;
        let mut row_id = None;
        if !kind.is_index {
            let (number, len) = varint(page.get(at..)?)?;
            row_id = Some(number.cast_signed());
            at += len;
        }
        let payload_bytes = usize::try_from(payload_bytes).ok()?;
        let local_bytes = self.local_bytes(payload_bytes, kind.is_index);
        let local = page.get(at..at.checked_add(local_bytes)?)?;
        at += local_bytes;
        let mut cell = Cell { row_id, payload: local.to_vec(), rest: None };
        if local_bytes < payload_bytes {
            let mut rest = Rest { page: u32_at(page, at)?, len_bytes: payload_bytes - local_bytes };
            at += 4;
            if payload_bytes <= PAYLOAD_BYTES_MAX {
                while self.next_of(&mut rest, &mut cell.payload) {}
            } else {
                cell.rest = Some(rest);
            }
        }
        Some((Some(cell), child, start..at))
    }

    /// How much of a payload stands in the cell itself.
    fn local_bytes(&self, payload_bytes: usize, is_index: bool) -> usize {
        let usable = self.usable_bytes;
        let max = if is_index { (usable - 12) * 64 / 255 - 23 } else { usable - 35 };
        if payload_bytes <= max {
            return payload_bytes;
        }
        let min = (usable - 12) * 32 / 255 - 23;
        let fitting = min + (payload_bytes - min) % (usable - 4);
        if fitting <= max { fitting } else { min }
    }

    /// Takes the next piece of a payload that goes on in pages of its own; false when it has none.
    fn next_of(&mut self, rest: &mut Rest, payload: &mut Vec<u8>) -> bool {
        if rest.len_bytes == 0 {
            return false;
        }
        let Some(page) = self.take_page(rest.page) else {
            self.is_broken = true;
            rest.len_bytes = 0;
            return false;
        };
        let content = page.get(4..).unwrap_or_default();
        let len = content.len().min(self.usable_bytes - 4).min(rest.len_bytes);
        payload.extend_from_slice(&content[..len]);
        // The last page holds what older payloads left behind this one.
        self.keep(&content[len..]);
        *rest = Rest { page: u32_at(&page, 0).unwrap_or(0), len_bytes: rest.len_bytes - len };
        true
    }

    fn page(&mut self, number: u32) -> Option<Vec<u8>> {
        let start = u64::from(number).checked_sub(1)?.checked_mul(self.page_bytes as u64)?;
        let len = self.len_bytes.checked_sub(start).filter(|len| *len > 0)?.min(self.page_bytes as u64);
        let mut page = Vec::with_capacity(self.page_bytes);
        let read =
            self.reader.seek(SeekFrom::Start(start)).and_then(|_| (&mut *self.reader).take(len).read_to_end(&mut page));
        match read {
            Ok(0) => None,
            Ok(_) => Some(page),
            Err(error) => {
                self.failed.get_or_insert(error);
                None
            }
        }
    }

    /// A page that was not read before.
    fn take_page(&mut self, number: u32) -> Option<Vec<u8>> {
        let index = (number as usize).checked_sub(1);
        let was_read =
            index.and_then(|index| self.is_read.get_mut(index)).map(|is_read| std::mem::replace(is_read, true));
        self.is_broken |= was_read != Some(false);
        if was_read == Some(false) { self.page(number) } else { None }
    }

    /// Keeps what lies between the ranges.
    fn keep_unused(&mut self, page: &[u8], mut used: Vec<Range<usize>>) {
        used.sort_unstable_by_key(|range| range.start);
        let mut at = 0;
        for range in used {
            self.keep(page.get(at..range.start).unwrap_or_default());
            at = at.max(range.end);
        }
        self.keep(page.get(at..).unwrap_or_default());
    }

    /// Keeps bytes that may hold a value.
    pub(super) fn keep(&mut self, bytes: &[u8]) {
        if bytes.iter().filter(|byte| **byte != 0).count() >= GAP_BYTES_MIN {
            self.gaps.extend_from_slice(bytes);
            self.gaps.push(b'\n');
        }
    }
}

/// A long payload, from its beginning to its end.
pub(super) struct Chain<'f, 'd> {
    file: &'f mut Database<'d>,
    rest: Rest,
    piece: Vec<u8>,
    at: usize,
}

impl<'f, 'd> Chain<'f, 'd> {
    pub(super) fn new(file: &'f mut Database<'d>, beginning: Vec<u8>, rest: Rest) -> Self {
        Self { file, rest, piece: beginning, at: 0 }
    }

    /// So many bytes, or fewer where it ends.
    pub(super) fn next_bytes(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        while bytes.len() < len && self.fill() {
            let piece = &self.piece[self.at..];
            let taken = piece.len().min(len - bytes.len());
            bytes.extend_from_slice(&piece[..taken]);
            self.at += taken;
        }
        bytes
    }

    /// Whether there are bytes in front.
    fn fill(&mut self) -> bool {
        if self.at == self.piece.len() {
            self.piece.clear();
            self.at = 0;
            self.file.next_of(&mut self.rest, &mut self.piece);
        }
        self.at < self.piece.len()
    }
}

impl Read for Chain<'_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() || !self.fill() {
            return Ok(0);
        }
        let mut piece = &self.piece[self.at..];
        let len = piece.read(buf)?;
        self.at += len;
        Ok(len)
    }
}

/// Bytes of a page, and those that the format itself uses; nothing where these cannot be any.
fn page_sizes(header: &[u8]) -> Option<(usize, usize)> {
    let header = header.get(..HEADER_BYTES)?;
    let page_bytes = match u16_at(header, 16)? {
        1 => 65_536,
        len => len,
    };
    let usable_bytes = page_bytes.checked_sub(usize::from(header[20]))?;
    // The format asks for 480 usable bytes, from which all lengths follow.
    let is_possible = page_bytes.is_power_of_two() && page_bytes >= 512 && usable_bytes >= 480;
    is_possible.then_some((page_bytes, usable_bytes))
}

fn kind(page: &[u8], number: u32) -> Option<PageKind> {
    let flag = page.get(if number == 1 { HEADER_BYTES } else { 0 })?;
    let (is_leaf, is_index) = match flag {
        0x0D => (true, false),
        0x05 => (false, false),
        0x0A => (true, true),
        0x02 => (false, true),
        _ => return None,
    };
    Some(PageKind { is_leaf, is_index })
}

fn u16_at(bytes: &[u8], at: usize) -> Option<usize> {
    u16_be(bytes, at).map(usize::from)
}
