//! Undoes zstd while it comes (RFC 8878): each block is given back as soon as all of it is here.
//!
//! Servers end a block behind each event. The decoder that bodies are read with gives back only what its window no longer
//! needs; here the window is a copy of what was given, at most 8 MiB of it, as RFC 9659 has it for HTTP. The sum at the end of
//! a frame is not compared: what the client gets is what was judged. A frame that needs a dictionary is none that can be read.

mod bits;
mod fse;
mod huffman;
mod sequences;

use super::coding::Damaged;
use huffman::Tree;
use sequences::{Made, Sequences};

/// The first bytes of a frame.
const MAGIC: u32 = 0xfd2f_b528;
/// The first bytes of a frame that is left out, but for the lowest bits.
const SKIPPED_MAGIC: u32 = 0x184d_2a50;
/// Bytes that a frame may look back.
const WINDOW_BYTES_MAX: u64 = 8 << 20;
/// Bytes of a block, before and after.
const BLOCK_BYTES_MAX: usize = 128 * 1024;
/// Bytes that are kept beyond the window, so that not each block moves all of them.
const SLACK_BYTES: usize = 512 * 1024;
/// Bytes of the sum behind a frame.
const SUM_BYTES: usize = 4;

/// The decoder of one answer.
#[derive(Debug, Default)]
pub(super) struct Zstd {
    next: Next,
    /// What came of the next unit.
    held: Vec<u8>,
    frame: Frame,
}

/// What comes next.
#[derive(Clone, Copy, Debug, Default)]
enum Next {
    #[default]
    Magic,
    SkippedLen,
    Skipped(u32),
    Descriptor,
    Header(Descriptor),
    BlockHeader,
    Block(Block),
    Sum,
}

/// What the first byte of a frame says of the rest of its header.
#[derive(Clone, Copy, Debug)]
struct Descriptor(u8);

/// The header of a block.
#[derive(Clone, Copy, Debug)]
struct Block {
    is_last: bool,
    kind: u8,
    len: usize,
}

/// The frame that is being read.
#[derive(Debug, Default)]
struct Frame {
    has_sum: bool,
    window: usize,
    history: Vec<u8>,
    tree: Option<Tree>,
    sequences: Sequences,
}

impl Zstd {
    /// Whether something has come whose end has not.
    pub(super) fn is_inside(&self) -> bool {
        !self.held.is_empty() || !matches!(self.next, Next::Magic)
    }

    /// Decodes up to one block of the input behind `out`. False when all of it was used and nothing more comes of it.
    pub(super) fn step(&mut self, input: &mut &[u8], out: &mut Vec<u8>) -> Result<bool, Damaged> {
        loop {
            let wanted = self.next.len();
            if let Next::Skipped(left) = &mut self.next {
                let count = wanted.min(input.len());
                *input = &input[count..];
                *left -= count as u32;
                if *left > 0 {
                    return Ok(false);
                }
                self.next = Next::Magic;
                continue;
            }
            let count = (wanted - self.held.len()).min(input.len());
            self.held.extend_from_slice(&input[..count]);
            *input = &input[count..];
            if self.held.len() < wanted {
                return Ok(false);
            }
            let unit = std::mem::take(&mut self.held);
            let made = out.len();
            self.next = self.frame.read(self.next, &unit, out).ok_or(Damaged)?;
            if out.len() > made {
                return Ok(true);
            }
        }
    }
}

impl Next {
    /// Bytes of it.
    fn len(self) -> usize {
        match self {
            Self::Magic | Self::SkippedLen => 4,
            Self::Skipped(left) => left as usize,
            Self::Descriptor => 1,
            Self::Header(descriptor) => descriptor.header_len(),
            Self::BlockHeader => 3,
            Self::Block(Block { kind: 1, .. }) => 1,
            Self::Block(block) => block.len,
            Self::Sum => SUM_BYTES,
        }
    }
}

impl Descriptor {
    fn is_single_segment(self) -> bool {
        self.0 & 0x20 != 0
    }

    fn content_len_bytes(self) -> usize {
        match self.0 >> 6 {
            0 => usize::from(self.is_single_segment()),
            power => 1 << power,
        }
    }

    fn dictionary_bytes(self) -> usize {
        [0, 1, 2, 4][usize::from(self.0 & 3)]
    }

    fn header_len(self) -> usize {
        usize::from(!self.is_single_segment()) + self.dictionary_bytes() + self.content_len_bytes()
    }

    /// How far back the frame may look, by the rest of its header. None for more than there may be, and for a dictionary.
    fn window(self, header: &[u8]) -> Option<usize> {
        let (content_at, dictionary_at) =
            (header.len() - self.content_len_bytes(), usize::from(!self.is_single_segment()));
        let has_dictionary = header[dictionary_at..content_at].iter().any(|byte| *byte != 0);
        let window = if self.is_single_segment() {
            let mut len = [0; 8];
            len[..header.len() - content_at].copy_from_slice(&header[content_at..]);
            u64::from_le_bytes(len) + if self.content_len_bytes() == 2 { 256 } else { 0 }
        } else {
            let base = 1_u64 << (10 + (header[0] >> 3));
            base + base / 8 * u64::from(header[0] & 7)
        };
        let is_read = window <= WINDOW_BYTES_MAX && !has_dictionary && self.0 & 8 == 0;
        usize::try_from(window).ok().filter(|_| is_read)
    }
}

impl Frame {
    /// Reads a unit; gives what comes behind it. None when it is broken.
    fn read(&mut self, next: Next, unit: &[u8], out: &mut Vec<u8>) -> Option<Next> {
        let number = || unit.iter().rev().fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
        match next {
            Next::Magic if number() == MAGIC => Some(Next::Descriptor),
            Next::Magic if number() & !15 == SKIPPED_MAGIC => Some(Next::SkippedLen),
            Next::Magic => None,
            Next::SkippedLen => Some(Next::Skipped(number())),
            Next::Descriptor => Some(Next::Header(Descriptor(*unit.first()?))),
            Next::Header(descriptor) => {
                let window = descriptor.window(unit)?;
                *self = Self { has_sum: descriptor.0 & 4 != 0, window, ..Self::default() };
                Some(Next::BlockHeader)
            }
            Next::BlockHeader => {
                let (is_last, kind, len) = (number() & 1 != 0, (number() >> 1 & 3) as u8, (number() >> 3) as usize);
                (kind < 3 && len <= self.block_max()).then_some(Next::Block(Block { is_last, kind, len }))
            }
            Next::Block(block) => {
                self.read_block(block, unit, out)?;
                Some(match block.is_last {
                    false => Next::BlockHeader,
                    true if self.has_sum => Next::Sum,
                    true => Next::Magic,
                })
            }
            Next::Sum | Next::Skipped(_) => Some(Next::Magic),
        }
    }

    fn block_max(&self) -> usize {
        self.window.min(BLOCK_BYTES_MAX)
    }

    /// Makes a block into what it stands for.
    fn read_block(&mut self, block: Block, bytes: &[u8], out: &mut Vec<u8>) -> Option<()> {
        let excess = self.history.len().saturating_sub(self.window);
        if excess > SLACK_BYTES {
            self.history.drain(..excess);
        }
        let start = self.history.len();
        match block.kind {
            0 => self.history.extend_from_slice(bytes),
            1 => self.history.resize(start + block.len, *bytes.first()?),
            _ => {
                let (literals, rest) = self.literals(bytes)?;
                let len_max = start + self.block_max();
                let made = Made { history: &mut self.history, window: self.window, len_max };
                self.sequences.run(rest, &literals, made)?;
            }
        }
        out.extend_from_slice(&self.history[start..]);
        if block.is_last {
            self.history = Vec::new();
        }
        Some(())
    }

    /// The literals of a block, and what follows them.
    fn literals<'b>(&mut self, bytes: &'b [u8]) -> Option<(Vec<u8>, &'b [u8])> {
        let head = LiteralsHead::read(bytes)?;
        let rest = bytes.get(head.len..)?;
        if head.made > self.block_max() {
            return None;
        }
        match head.kind {
            0 => rest.split_at_checked(head.made).map(|(literals, rest)| (literals.to_vec(), rest)),
            1 => rest.split_first().map(|(byte, rest)| (vec![*byte; head.made], rest)),
            kind => {
                let (mut packed, rest) = rest.split_at_checked(head.packed)?;
                if kind == 2 {
                    let (tree, len) = Tree::read(packed)?;
                    packed = packed.get(len..)?;
                    self.tree = Some(tree);
                }
                let mut literals = Vec::with_capacity(head.made);
                unpack(self.tree.as_ref()?, packed, &head, &mut literals)?;
                Some((literals, rest))
            }
        }
    }
}

/// The header of literals.
struct LiteralsHead {
    /// As they are, one again and again, with a tree, with the tree of the block before.
    kind: u8,
    len: usize,
    made: usize,
    packed: usize,
    has_one_stream: bool,
}

impl LiteralsHead {
    fn read(bytes: &[u8]) -> Option<Self> {
        let first = *bytes.first()?;
        let (kind, size) = (first & 3, first >> 2 & 3);
        // Bytes of the header, bits before the lengths, and bits of each of them.
        let (len, before, width) = match (kind, size) {
            (0 | 1, 0 | 2) => (1, 3, 5),
            (0 | 1, 1) => (2, 4, 12),
            (0 | 1, _) => (3, 4, 20),
            (_, 0 | 1) => (3, 4, 10),
            (_, 2) => (4, 4, 14),
            _ => (5, 4, 18),
        };
        let number = bytes.get(..len)?.iter().rev().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        let part = |at: u32| (number >> at & ((1 << width) - 1)) as usize;
        let packed = if kind > 1 { part(before + width) } else { 0 };
        Some(Self { kind, len, made: part(before), packed, has_one_stream: size == 0 })
    }
}

/// Decodes the one stream of literals, or the four of them.
fn unpack(tree: &Tree, packed: &[u8], head: &LiteralsHead, out: &mut Vec<u8>) -> Option<()> {
    if head.has_one_stream {
        return tree.decode(packed, head.made, out);
    }
    let (jumps, mut rest) = packed.split_at_checked(6)?;
    let each = head.made.div_ceil(4);
    for jump in jumps.chunks_exact(2) {
        let (stream, later) = rest.split_at_checked(usize::from(u16::from_le_bytes([jump[0], jump[1]])))?;
        tree.decode(stream, each, out)?;
        rest = later;
    }
    tree.decode(rest, head.made.checked_sub(3 * each)?, out)
}

#[cfg(test)]
mod tests;
