//! The structure of a SQLite file: pages that are trees of cells, and chains of pages for what is too long for a cell.
//!
//! Each page is read once, whatever leads to it, and its cells end when they have given more bytes than it has, so the
//! work is bounded by the file. What no cell covers is kept: rows that were deleted stay there.

use super::record::varint;
use crate::base::bytes::{u16_be, u32_be as u32_at};
use std::borrow::Cow;
use std::ops::Range;

/// What a database starts with.
const HEADER_BYTES: usize = 100;
/// Bytes of it that stand for nothing yet.
const RESERVED: Range<usize> = 72..92;
/// Unused bytes that may hold a value.
const GAP_BYTES_MIN: usize = 4;

/// A database, and what of it was read.
pub(super) struct Database<'d> {
    bytes: &'d [u8],
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
pub(super) struct Cell<'d> {
    /// The number of the row; rows of indexes have none.
    pub(super) row_id: Option<i64>,
    pub(super) payload: Cow<'d, [u8]>,
}

/// What a page of a tree is.
#[derive(Clone, Copy, PartialEq, Eq)]
struct PageKind {
    is_leaf: bool,
    is_index: bool,
}

impl<'d> Database<'d> {
    /// Reads the header; nothing when it cannot be one.
    pub(super) fn open(bytes: &'d [u8]) -> Option<Self> {
        let header = bytes.get(..HEADER_BYTES)?;
        let page_bytes = match u16_at(header, 16)? {
            1 => 65_536,
            len => len,
        };
        let usable_bytes = page_bytes.checked_sub(usize::from(header[20]))?;
        // The format asks for 480 usable bytes, from which all lengths below follow.
        if !page_bytes.is_power_of_two() || page_bytes < 512 || usable_bytes < 480 {
            return None;
        }
        let pages = bytes.len().div_ceil(page_bytes);
        let mut database = Self {
            bytes,
            page_bytes,
            usable_bytes,
            encoding: u32_at(header, 56)?,
            is_read: vec![false; pages],
            gaps: Vec::new(),
            is_broken: !bytes.len().is_multiple_of(page_bytes),
            is_shared: false,
        };
        database.keep(&header[RESERVED]);
        Some(database)
    }

    /// Numbers of pages that nothing has led to yet.
    pub(super) fn next_unread(&self, from: u32) -> Option<u32> {
        let unread = (from.max(1)..).zip(self.is_read.get(from.max(1) as usize - 1..)?).find(|(_, is_read)| !**is_read);
        unread.map(|(number, _)| number)
    }

    /// Keeps a page that belongs to no tree.
    pub(super) fn keep_page(&mut self, number: u32) {
        if let Some(page) = self.take_page(number) {
            self.keep(page);
        }
    }

    /// Whether a page looks like one of a tree.
    pub(super) fn is_tree(&self, number: u32) -> bool {
        self.page(number).is_some_and(|page| kind(page, number).is_some())
    }

    /// The cells with rows of one page, and the pages below it, the first one last.
    pub(super) fn read_tree_page(&mut self, number: u32) -> (Vec<Cell<'d>>, Vec<u32>) {
        let (mut cells, mut below) = (Vec::new(), Vec::new());
        let Some(page) = self.take_page(number) else { return (cells, below) };
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
    fn cell(
        &mut self,
        page: &'d [u8],
        start: usize,
        kind: PageKind,
    ) -> Option<(Option<Cell<'d>>, Option<u32>, Range<usize>)> {
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
        let payload = if local_bytes == payload_bytes {
            Cow::Borrowed(local)
        } else {
            let next = u32_at(page, at)?;
            at += 4;
            Cow::Owned(self.chain(local, next, payload_bytes))
        };
        Some((Some(Cell { row_id, payload }), child, start..at))
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

    /// A payload that goes on in pages of its own, as far as they lead.
    fn chain(&mut self, local: &[u8], first: u32, payload_bytes: usize) -> Vec<u8> {
        let mut payload = local.to_vec();
        let mut next = first;
        while payload.len() < payload_bytes {
            let Some(page) = self.take_page(next) else { break };
            let content = page.get(4..).unwrap_or_default();
            let len = content.len().min(self.usable_bytes - 4).min(payload_bytes - payload.len());
            payload.extend_from_slice(&content[..len]);
            // The last page holds what older payloads left behind this one.
            self.keep(&content[len..]);
            next = u32_at(page, 0).unwrap_or(0);
        }
        self.is_broken |= payload.len() < payload_bytes;
        payload
    }

    fn page(&self, number: u32) -> Option<&'d [u8]> {
        let start = (number as usize).checked_sub(1)?.checked_mul(self.page_bytes)?;
        let rest = self.bytes.get(start..).filter(|rest| !rest.is_empty())?;
        Some(&rest[..rest.len().min(self.page_bytes)])
    }

    /// A page that was not read before.
    fn take_page(&mut self, number: u32) -> Option<&'d [u8]> {
        let page = self.page(number);
        let was_read = match page {
            Some(_) => self.is_read.get_mut(number as usize - 1).map(|is_read| std::mem::replace(is_read, true)),
            None => None,
        };
        self.is_broken |= was_read != Some(false);
        page.filter(|_| was_read == Some(false))
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
