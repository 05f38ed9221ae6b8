//! The file of a store: its header, the two trees that name its blocks and nodes, and the blocks themselves.
//!
//! MS-PST 2.2. Numbers are 64 bits wide in newer stores and 32 in older ones. The newest stores (`.ost` since Outlook 2013) have
//! larger pages and blocks, and blocks may be deflated. Everything else is alike.

use super::cipher::Cipher;
use crate::base::PST_BLOCKS_MAX;
use crate::base::bytes::{array, u16_le, u32_le};
use crate::content::ReadSeek;
use crate::content::budget::{Budget, Metered};
use crate::content::starts_zlib;
use std::cell::Cell;
use std::collections::{BTreeMap, HashSet};
use std::io::{self, Read, SeekFrom};

const HEADER_BYTES: u64 = 564;
/// Versions: older stores, newer ones, and those whose pages are larger.
const NARROW_VERSIONS: std::ops::RangeInclusive<u16> = 14..=15;
const WIDE_VERSION_MIN: u16 = 20;
const LARGE_PAGES_VERSION: u16 = 36;
/// A bit of block numbers: the block holds numbers of others, and is not encoded.
const IS_INTERNAL: u64 = 2;
/// Kinds of internal blocks.
const DATA_TREE: u8 = 1;
const SUBNODES: u8 = 2;

/// A store that is open.
pub(super) struct Store<'r> {
    reader: &'r mut dyn ReadSeek,
    budget: &'r Budget<'r>,
    pub(super) len: u64,
    form: Form,
    pub(super) cipher: Cipher,
    blocks: BTreeMap<u64, Block>,
    /// Nodes that stand in the tree, in its order.
    pub(super) nodes: Vec<Node>,
    /// Something does not fit together.
    pub(super) is_broken: bool,
    /// There are more blocks or nodes than the bound.
    pub(super) is_cut: bool,
    /// Bytes of blocks that were read.
    given_bytes: u64,
}

#[derive(Clone, Copy)]
struct Block {
    at: u64,
    len: u16,
    is_read: bool,
}

/// A node: a message, a folder, a table, or what belongs to one of these.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    pub(super) number: u32,
    data: u64,
    below: u64,
}

/// The ages of the format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Form {
    /// Numbers of 32 bits.
    Narrow,
    /// Numbers of 64 bits.
    #[default]
    Wide,
    /// The same with larger pages.
    Large,
}

impl Form {
    fn of(version: u16) -> Option<Self> {
        match version {
            LARGE_PAGES_VERSION => Some(Self::Large),
            version if NARROW_VERSIONS.contains(&version) => Some(Self::Narrow),
            version if version >= WIDE_VERSION_MIN => Some(Self::Wide),
            _ => None,
        }
    }

    /// Bytes of a number of a block or a place.
    fn number_bytes(self) -> usize {
        if self == Self::Narrow { 4 } else { 8 }
    }

    /// A number of a block or a place.
    fn number(self, bytes: &[u8], at: usize) -> Option<u64> {
        match self {
            Self::Narrow => u32_le(bytes, at).map(u64::from),
            Self::Wide | Self::Large => array(bytes, at).map(u64::from_le_bytes),
        }
    }

    /// Bytes of a page of a tree.
    fn page_bytes(self) -> u64 {
        if self == Self::Large { 4_096 } else { 512 }
    }

    /// What a page of a tree holds.
    fn page(self, page: &[u8]) -> Option<Page<'_>> {
        let info = match self {
            Self::Narrow => 496,
            Self::Wide => 488,
            Self::Large => 4_056,
        };
        let entries = page.get(..info)?;
        let (count, [entry_bytes, level]) = match self {
            Self::Large => (usize::from(u16_le(page, info)?), array(page, info + 4)?),
            Self::Narrow | Self::Wide => (usize::from(*page.get(info)?), array(page, info + 2)?),
        };
        Some(Page { entries, count, entry_bytes: usize::from(entry_bytes).max(1), level })
    }

    /// Bits of the number of a piece of a heap that tell which one of its block it is.
    pub(super) fn piece_bits(self) -> u32 {
        if self == Self::Large { 14 } else { 11 }
    }

    /// A block with as many bytes is full: the next one may go on with what it holds.
    fn full_bytes(self) -> usize {
        if self == Self::Large { 65_512 } else { 8_176 }
    }
}

/// A page of a tree.
struct Page<'p> {
    entries: &'p [u8],
    count: usize,
    entry_bytes: usize,
    level: u8,
}

/// Blocks that were read, up to a bound.
#[derive(Default)]
pub(super) struct Data {
    pub(super) form: Form,
    pub(super) blocks: Vec<Vec<u8>>,
    pub(super) bytes: u64,
    /// More was there than may be held.
    pub(super) is_cut: bool,
}

impl<'r> Store<'r> {
    /// Opens a store; nothing if it is broken from its header on.
    pub(super) fn open(reader: &'r mut dyn ReadSeek, budget: &'r Budget<'r>) -> io::Result<Option<Self>> {
        let len = reader.seek(SeekFrom::End(0))?;
        let header = read_at(reader, 0, HEADER_BYTES)?;
        let Some(form) = u16_le(&header, 10).and_then(Form::of) else { return Ok(None) };
        let (nodes_at, blocks_at, cipher_at) = if form == Form::Narrow { (188, 196, 461) } else { (224, 240, 513) };
        let (Some(nodes_at), Some(blocks_at), Some(method)) =
            (form.number(&header, nodes_at), form.number(&header, blocks_at), header.get(cipher_at))
        else {
            return Ok(None);
        };
        let mut store = Self {
            reader,
            budget,
            len,
            form,
            cipher: Cipher::of(*method),
            blocks: BTreeMap::new(),
            nodes: Vec::new(),
            is_broken: false,
            is_cut: false,
            given_bytes: 0,
        };
        store.read_tree(blocks_at, Store::take_block)?;
        store.read_tree(nodes_at, Store::take_node)?;
        Ok(Some(store).filter(|store| !store.blocks.is_empty()))
    }

    /// Reads the entries of all leaves below a page. Each page is read once, whatever leads to it.
    fn read_tree(&mut self, root: u64, take: fn(&mut Self, &[u8]) -> Option<()>) -> io::Result<()> {
        let (mut waiting, mut seen) = (vec![root], HashSet::new());
        while let Some(at) = waiting.pop() {
            if !seen.insert(at) {
                self.is_broken = true;
                continue;
            }
            if seen.len() > PST_BLOCKS_MAX {
                self.is_cut = true;
                break;
            }
            let page = read_at(self.reader, at, self.form.page_bytes())?;
            let Some(page) = self.form.page(&page) else {
                self.is_broken = true;
                continue;
            };
            let entries = page.entries.chunks_exact(page.entry_bytes).take(page.count);
            // The number of what is below stands behind the key and the number of the block.
            let below = |entry: &[u8]| self.form.number(entry, 2 * self.form.number_bytes());
            if page.level > 0 {
                let places: Option<Vec<u64>> = entries.map(below).collect();
                self.is_broken |= places.is_none();
                waiting.extend(places.unwrap_or_default().into_iter().rev());
                continue;
            }
            for entry in entries {
                self.is_broken |= take(self, entry).is_none();
            }
        }
        Ok(())
    }

    fn take_block(&mut self, entry: &[u8]) -> Option<()> {
        let wide = self.form.number_bytes();
        let (number, at) = (self.form.number(entry, 0)?, self.form.number(entry, wide)?);
        let len = u16_le(entry, 2 * wide)?;
        if self.blocks.len() >= PST_BLOCKS_MAX {
            self.is_cut = true;
            return Some(());
        }
        self.blocks.insert(number & !1, Block { at, len, is_read: false });
        Some(())
    }

    fn take_node(&mut self, entry: &[u8]) -> Option<()> {
        let node = self.node(entry)?;
        if self.nodes.len() >= PST_BLOCKS_MAX {
            self.is_cut = true;
            return Some(());
        }
        self.nodes.push(node);
        Some(())
    }

    fn node(&self, entry: &[u8]) -> Option<Node> {
        let wide = self.form.number_bytes();
        let number = u32_le(entry, 0)?;
        Some(Node { number, data: self.form.number(entry, wide)?, below: self.form.number(entry, 2 * wide)? })
    }

    /// Whether more was read than honest stores share.
    pub(super) fn is_shared(&self) -> bool {
        const SHARED_MAX: u64 = 4;
        self.given_bytes > self.len.saturating_mul(SHARED_MAX)
    }

    /// The data of a node, block by block.
    pub(super) fn data(&mut self, node: Node, bytes_max: u64) -> io::Result<Data> {
        /// Levels of a tree of data.
        const LEVELS: u8 = 2;
        let mut data = Data { form: self.form, ..Data::default() };
        let mut waiting = vec![(node.data, LEVELS)];
        while let Some((number, levels)) = waiting.pop() {
            if number == 0 {
                continue;
            }
            if self.is_shared() || data.bytes >= bytes_max {
                data.is_cut = true;
                break;
            }
            let Some(bytes) = self.block(number)? else { continue };
            if number & IS_INTERNAL == 0 {
                data.bytes += bytes.len() as u64;
                data.blocks.push(bytes);
                continue;
            }
            let count = u16_le(&bytes, 2).filter(|_| bytes[0] == DATA_TREE && levels > 0);
            self.is_broken |= count.is_none();
            let wide = self.form.number_bytes();
            let numbers = (0..usize::from(count.unwrap_or(0))).rev();
            let numbers = numbers.filter_map(|index| self.form.number(&bytes, 8 + index * wide));
            waiting.extend(numbers.map(|number| (number, levels.saturating_sub(1))));
        }
        Ok(data)
    }

    /// The nodes that belong to a node, by number.
    pub(super) fn below(&mut self, node: Node) -> io::Result<BTreeMap<u32, Node>> {
        let (mut found, mut waiting, mut seen) = (BTreeMap::new(), vec![node.below], HashSet::new());
        while let Some(number) = waiting.pop() {
            if number == 0 || !seen.insert(number) || self.is_shared() {
                continue;
            }
            let Some(bytes) = self.block(number)? else { continue };
            let (Some(&[SUBNODES, level]), Some(count)) = (bytes.get(..2), u16_le(&bytes, 2)) else {
                self.is_broken = true;
                continue;
            };
            let wide = self.form.number_bytes();
            let (start, entry_bytes) = (if wide == 8 { 8 } else { 4 }, if level > 0 { 2 * wide } else { 3 * wide });
            let entries = bytes.get(start..).unwrap_or_default().chunks_exact(entry_bytes).take(usize::from(count));
            for entry in entries {
                match self.node(entry) {
                    Some(node) if level == 0 => _ = found.insert(node.number, node),
                    _ => waiting.extend(self.form.number(entry, wide)),
                }
            }
        }
        Ok(found)
    }

    /// The content of a block, decoded; nothing if there is no such block.
    fn block(&mut self, number: u64) -> io::Result<Option<Vec<u8>>> {
        let Some(block) = self.blocks.get_mut(&(number & !1)) else {
            self.is_broken = true;
            return Ok(None);
        };
        block.is_read = true;
        let block = *block;
        let mut bytes = read_at(self.reader, block.at, u64::from(block.len))?;
        self.is_broken |= bytes.len() < usize::from(block.len);
        self.given_bytes += bytes.len() as u64;
        let cipher = if number & IS_INTERNAL == 0 { self.cipher } else { Cipher::None };
        let unpacked_bytes = self.unpacked_bytes(block)?;
        if unpacked_bytes == 0 {
            cipher.decode(&mut bytes, number);
            return Ok(Some(bytes).filter(|bytes| !bytes.is_empty()));
        }
        // Published descriptions leave open whether such a block is encoded before it is deflated or behind that.
        let is_decoded = !starts_zlib(&bytes);
        if is_decoded {
            cipher.decode(&mut bytes, number);
        }
        let mut unpacked = self.inflated(&bytes, unpacked_bytes)?;
        if !is_decoded {
            cipher.decode(&mut unpacked, number);
        }
        Ok(Some(unpacked).filter(|bytes| !bytes.is_empty()))
    }

    /// Bytes of a block that is deflated; none if it is not. They stand at the end of what the block takes in the file, which
    /// is a multiple of 512 bytes.
    fn unpacked_bytes(&mut self, block: Block) -> io::Result<u16> {
        const UNIT_BYTES: u64 = 512;
        const END_BYTES: u64 = 24;
        const UNPACKED_AT: usize = 18;
        if self.form != Form::Large {
            return Ok(0);
        }
        let taken = (u64::from(block.len) + END_BYTES).next_multiple_of(UNIT_BYTES);
        let end = read_at(self.reader, block.at.saturating_add(taken - END_BYTES), END_BYTES)?;
        let unpacked = u16_le(&end, UNPACKED_AT).unwrap_or(0);
        Ok(if unpacked == block.len { 0 } else { unpacked })
    }

    /// What a block inflates to; as far as it goes, if it is broken.
    fn inflated(&mut self, bytes: &[u8], unpacked_bytes: u16) -> io::Result<Vec<u8>> {
        let taken = Cell::new(bytes.len() as u64);
        let mut metered = Metered::new(flate2::bufread::ZlibDecoder::new(bytes), self.budget, &taken);
        let mut unpacked = Vec::new();
        let read = metered.by_ref().take(u64::from(unpacked_bytes)).read_to_end(&mut unpacked);
        match read {
            Err(error) if metered.is_cut() => Err(error),
            _ => {
                self.is_broken |= unpacked.len() < usize::from(unpacked_bytes);
                Ok(unpacked)
            }
        }
    }

    /// The next block from a number on that no node led to, and the number behind it. Blocks that share their bytes end
    /// this.
    pub(super) fn next_unread(&mut self, mut from: u64) -> io::Result<Option<(Vec<u8>, u64)>> {
        let unread = |(number, block): &(&u64, &Block)| !block.is_read && *number & IS_INTERNAL == 0;
        while let Some((&number, _)) = self.blocks.range(from..).find(unread).filter(|_| !self.is_shared()) {
            from = number + 1;
            if let Some(bytes) = self.block(number)? {
                return Ok(Some((bytes, from)));
            }
        }
        Ok(None)
    }
}

/// The content of all blocks that no node led to, one after the other.
pub(super) struct Unread<'s, 'r> {
    store: &'s mut Store<'r>,
    next: u64,
    bytes: io::Cursor<Vec<u8>>,
}

impl<'s, 'r> Unread<'s, 'r> {
    pub(super) fn new(store: &'s mut Store<'r>) -> Self {
        Self { store, next: 0, bytes: io::Cursor::default() }
    }
}

impl Read for Unread<'_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let len = self.bytes.read(buf)?;
        if len > 0 || buf.is_empty() {
            return Ok(len);
        }
        let is_full = self.bytes.get_ref().len() >= self.store.form.full_bytes();
        let Some((bytes, next)) = self.store.next_unread(self.next)? else { return Ok(0) };
        self.next = next;
        self.bytes = io::Cursor::new(bytes);
        if is_full {
            return self.bytes.read(buf);
        }
        buf[0] = b'\n';
        Ok(1)
    }
}

fn read_at(reader: &mut dyn ReadSeek, at: u64, len: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.seek(SeekFrom::Start(at))?;
    reader.take(len).read_to_end(&mut bytes)?;
    Ok(bytes)
}
