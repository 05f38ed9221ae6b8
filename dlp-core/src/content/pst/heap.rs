//! What the data of a node holds: a heap of small pieces, and in it a table of properties.
//!
//! MS-PST 2.3.1 to 2.3.3.

use super::file::Data;
use crate::base::PST_PROPERTIES_MAX;
use crate::base::bytes::{u16_le, u32_le};
use crate::content::mapi;
use std::collections::HashSet;

/// Marks of a heap, of a tree in it, and of one that holds properties.
const HEAP: u8 = 0xEC;
const TREE: u8 = 0xB5;
const PROPERTIES: u8 = 0xBC;
/// Numbers with these bits are no pieces of the heap but nodes.
const NODE_BITS: u32 = 0x1F;
/// Bytes of an entry: number, kind, value.
const ENTRY_BYTES: usize = 8;
const KEY_BYTES: usize = 2;
/// Levels of a tree of properties. Honest ones have two.
const LEVELS_MAX: u8 = 8;

/// A property of a node.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Property<'d> {
    pub(super) number: u16,
    pub(super) kind: u16,
    pub(super) value: Value<'d>,
}

/// Where a value stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value<'d> {
    Number(u32),
    Bytes(&'d [u8]),
    /// In another node that belongs to this one.
    Node(u32),
}

/// The properties of a node.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Properties<'d> {
    pub(super) list: Vec<Property<'d>>,
    /// There are more of them, or more pieces of their tree, than the bound.
    pub(super) is_cut: bool,
}

/// The properties that the data of a node holds; nothing if it holds something else.
pub(super) fn properties(data: &Data) -> Option<Properties<'_>> {
    let head = data.blocks.first()?;
    if head.get(2..4)? != [HEAP, PROPERTIES] {
        return None;
    }
    let tree = piece(data, u32_le(head, 4)?)?;
    let &[TREE, key_bytes, _, levels, ..] = tree else { return None };
    if usize::from(key_bytes) != KEY_BYTES || levels > LEVELS_MAX {
        return None;
    }
    Some(leaves(data, (u32_le(tree, 4)?, levels)))
}

/// Reads the leaves below a piece. Each piece is read once on each level, and no more of them than there may be
/// properties: many may lead to the same one, so that nothing else ends a tree that is a net.
fn leaves(data: &Data, root: (u32, u8)) -> Properties<'_> {
    let (mut found, mut waiting, mut seen) = (Properties::default(), vec![root], HashSet::new());
    while let Some((number, level)) = waiting.pop() {
        if !seen.insert((number, level)) {
            continue;
        }
        let Some(entries) = piece(data, number) else { continue };
        let (entry_bytes, held) =
            if level > 0 { (KEY_BYTES + 4, waiting.len()) } else { (ENTRY_BYTES, found.list.len()) };
        let room = PST_PROPERTIES_MAX.saturating_sub(held);
        found.is_cut |= entries.len() / entry_bytes > room || seen.len() > PST_PROPERTIES_MAX;
        if level > 0 {
            let below = entries.chunks_exact(entry_bytes).take(room).filter_map(|entry| u32_le(entry, KEY_BYTES));
            let below = below.map(|number| (number, level - 1)).filter(|below| !seen.contains(below));
            waiting.extend(below.collect::<Vec<_>>().into_iter().rev());
        } else {
            let entries = entries.chunks_exact(entry_bytes).take(room);
            found.list.extend(entries.filter_map(|entry| property(data, entry)));
        }
        if found.is_cut {
            break;
        }
    }
    found
}

fn property<'d>(data: &'d Data, entry: &[u8]) -> Option<Property<'d>> {
    let (number, kind, value) = (u16_le(entry, 0)?, u16_le(entry, 2)?, u32_le(entry, 4)?);
    let value = match kind {
        _ if is_small(kind) => Value::Number(value),
        _ if value & NODE_BITS != 0 => Value::Node(value),
        _ => Value::Bytes(piece(data, value)?),
    };
    Some(Property { number, kind, value })
}

/// Kinds whose values stand in the entry itself.
fn is_small(kind: u16) -> bool {
    matches!(kind, 0x0002 | 0x0003 | 0x0004 | 0x000A | 0x000B)
}

/// The node that an object is: its number stands in front of its length.
pub(super) fn object_node(property: &Property<'_>) -> Option<u32> {
    match property.value {
        Value::Bytes(bytes) if property.kind == mapi::OBJECT => u32_le(bytes, 0),
        _ => None,
    }
}

/// A piece of the heap by its number: the block, and the place in that block's list of pieces.
fn piece(data: &Data, number: u32) -> Option<&[u8]> {
    if number & NODE_BITS != 0 {
        return None;
    }
    let bits = data.form.piece_bits();
    let (block, index) = ((number >> (5 + bits)) as usize, (number >> 5 & ((1 << bits) - 1)) as usize);
    let block = data.blocks.get(block)?;
    let list = usize::from(u16_le(block, 0)?);
    let count = usize::from(u16_le(block, list)?);
    let index = index.checked_sub(1).filter(|index| *index < count)?;
    let start = u16_le(block, list + 4 + 2 * index)?;
    let end = u16_le(block, list + 6 + 2 * index)?;
    block.get(usize::from(start)..usize::from(end))
}

#[cfg(test)]
mod tests {
    use super::super::file::Form;
    use super::*;

    /// A heap of one block with these pieces.
    fn heap(pieces: &[&[u8]], root: u32) -> Data {
        let mut block = vec![0, 0, HEAP, PROPERTIES];
        block.extend(root.to_le_bytes());
        block.extend([0; 4]);
        let mut places = Vec::new();
        for piece in pieces {
            places.push(block.len() as u16);
            block.extend_from_slice(piece);
        }
        places.push(block.len() as u16);
        let list = (block.len() as u16).to_le_bytes();
        block[..2].copy_from_slice(&list);
        block.extend((pieces.len() as u16).to_le_bytes());
        block.extend([0; 2]);
        block.extend(places.into_iter().flat_map(u16::to_le_bytes));
        Data { bytes: block.len() as u64, blocks: vec![block], ..Data::default() }
    }

    #[test]
    fn properties_are_small_or_elsewhere() {
        let tree = [TREE, 2, 6, 0, 0x40, 0, 0, 0];
        let entries = [
            &[0x37, 0, 0x1F, 0, 0x60, 0, 0, 0][..],
            &[0xFD, 0x3F, 3, 0, 0xE4, 4, 0, 0],
            &[0x01, 0x37, 2, 1, 0x3F, 0x80, 0, 0],
            &[0x01, 0x30, 0x1F, 0, 0xE0, 0xFF, 0, 0],
        ]
        .concat();
        let data = heap(&[&tree, &entries, b"t\0"], 0x20);
        let expected = [
            Property { number: 0x37, kind: 0x1F, value: Value::Bytes(b"t\0") },
            Property { number: 0x3FFD, kind: 3, value: Value::Number(1252) },
            Property { number: 0x3701, kind: 0x102, value: Value::Node(0x803F) },
        ];
        assert_eq!(properties(&data).unwrap().list, expected);
    }

    #[test]
    fn pieces_of_large_blocks_have_longer_numbers() {
        // A heap of two blocks, the second of which has a piece.
        let block = || heap(&[b"piece"], 0x20).blocks.remove(0);
        for (form, number) in [(Form::Narrow, 1 << 16), (Form::Wide, 1 << 16), (Form::Large, 1 << 19)] {
            let data = Data { form, blocks: vec![heap(&[], 0).blocks.remove(0), block()], ..Data::default() };
            assert_eq!(piece(&data, number | 1 << 5), Some(&b"piece"[..]), "{form:?}");
            assert_eq!(piece(&data, 1 << 5), None);
        }
    }

    #[test]
    fn other_data_holds_no_properties() {
        assert!(properties(&Data::default()).is_none());
        for root in [0, 0x20, 0x7FFF_FFE0, 0x21] {
            assert!(properties(&heap(&[b"\xB5\x08"], root)).is_none());
        }
        // A tree that leads to itself.
        let looping = heap(&[&[TREE, 2, 6, 8, 0x40, 0, 0, 0], &[0, 0, 0x40, 0, 0, 0]], 0x20);
        assert_eq!(properties(&looping), Some(Properties::default()));
    }

    #[test]
    fn pieces_that_many_lead_to_are_read_once() {
        let tree = |levels| [TREE, 2, 6, levels, 0x40, 0, 0, 0];
        // Each of eight levels leads to the next one a hundred times.
        let net: Vec<Vec<u8>> = (3_u8..=10).map(|number| [0, 0, number << 5, number >> 3, 0, 0].repeat(100)).collect();
        let leaf = [1, 0, 3, 0, 7, 0, 0, 0];
        let root = tree(8);
        let pieces: Vec<&[u8]> =
            [&root[..]].into_iter().chain(net.iter().map(Vec::as_slice)).chain([&leaf[..]]).collect();
        let data = heap(&pieces, 0x20);
        let list = vec![Property { number: 1, kind: 3, value: Value::Number(7) }];
        assert_eq!(properties(&data), Some(Properties { list, is_cut: false }));
    }

    #[test]
    fn more_properties_than_the_bound_are_said() {
        // Pieces that are all the same three thousand entries.
        let entries = [1, 0, 3, 0, 7, 0, 0, 0].repeat(3_000);
        let mut node = Vec::new();
        for number in 3..=82_u32 {
            node.extend([&[0, 0][..], &(number << 5).to_le_bytes()].concat());
        }
        let root = [TREE, 2, 6, 1, 0x40, 0, 0, 0];
        let mut data = heap(&[&root, &node, &entries], 0x20);
        let block = &mut data.blocks[0];
        let list = usize::from(u16_le(block, 0).unwrap());
        let (start, end) = (u16_le(block, list + 8).unwrap(), u16_le(block, list + 10).unwrap());
        block[list..list + 2].copy_from_slice(&100_u16.to_le_bytes());
        block.extend([start, end].repeat(50).into_iter().flat_map(u16::to_le_bytes));
        let found = properties(&data).unwrap();
        assert!(found.is_cut && found.list.len() <= PST_PROPERTIES_MAX, "{}", found.list.len());
    }
}
