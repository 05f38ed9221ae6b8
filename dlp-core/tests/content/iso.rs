//! Images of disks, sector by sector as the tests write them.

use crate::support::*;
use dlp_core::content::{Completeness, Kind, Relation, Role};

const SECTOR: usize = 2_048;

/// A record of a directory.
fn record(name: &[u8], sector: u32, len: usize, flags: u8, extensions: &[u8]) -> Vec<u8> {
    let both = |number: u32| [number.to_le_bytes(), number.to_be_bytes()].concat();
    let mut bytes = [&[0, 0][..], &both(sector), &both(len as u32), &[0; 7], &[flags, 0, 0, 1, 0, 0, 1]].concat();
    bytes.push(name.len() as u8);
    bytes.extend_from_slice(name);
    bytes.resize(bytes.len().next_multiple_of(2), 0);
    bytes.extend_from_slice(extensions);
    bytes[0] = bytes.len() as u8;
    bytes
}

fn directory(sector: u32, records: &[Vec<u8>]) -> Vec<u8> {
    let own = [record(b"\0", sector, SECTOR, 2, &[]), record(b"\x01", sector, SECTOR, 2, &[])];
    filled([own.concat(), records.concat()].concat())
}

fn filled(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.resize(bytes.len().next_multiple_of(SECTOR), 0);
    bytes
}

fn descriptor(kind: u8, root: u32) -> Vec<u8> {
    let mut bytes = filled([&[kind], &b"CD001\x01"[..]].concat());
    bytes.resize(SECTOR, 0);
    bytes[40..53].copy_from_slice(b"volume-marker");
    if kind == 2 {
        bytes[8..814].fill(0);
        bytes[88..91].copy_from_slice(b"%/E");
    }
    bytes[156..190].copy_from_slice(&record(b"\0", root, SECTOR, 2, &[]));
    bytes
}

fn extension(mark: &[u8], content: &[u8]) -> Vec<u8> {
    [mark, &[content.len() as u8 + 4, 1], content].concat()
}

/// An image with a plain and a wide tree over one file, which the plain tree's extensions name as well.
pub(crate) fn sample() -> Vec<u8> {
    let named = extension(b"NM", b"\0Long Name.txt");
    let link = [
        extension(b"NM", b"\0link"),
        extension(b"SL", &[0, 0, 11, b'l', b'i', b'n', b'k', b'-', b't', b'a', b'r', b'g', b'e', b't']),
    ];
    let wide: Vec<u8> = "Długa nazwa.txt;1".encode_utf16().flat_map(u16::to_be_bytes).collect();
    let sectors = [
        vec![0; 16 * SECTOR],
        descriptor(1, 19),
        descriptor(2, 20),
        descriptor(255, 0),
        directory(
            19,
            &[
                record(b"LONG.TXT;1", 22, 11, 0, &named),
                record(b"LINK.;1", 0, 0, 0, &link.concat()),
                record(b"SUB", 21, SECTOR, 2, &[]),
                record(b"TWO.TXT;1", 23, 2_048, 0x80, &[]),
                record(b"TWO.TXT;1", 24, 13, 0, &[]),
            ],
        ),
        directory(20, &[record(&wide, 22, 11, 0, &[])]),
        directory(21, &[record(b"LOOP", 19, SECTOR, 2, &[])]),
        filled(b"file-marker slack-marker".to_vec()),
        vec![b'x'; SECTOR],
        filled(b"second-marker".to_vec()),
        filled(b"free-marker".to_vec()),
    ];
    sectors.concat()
}

#[test]
fn files_of_all_trees_and_what_lies_between_are_read() {
    for seen in [walk("a.iso", &sample()), stream("a.iso", &sample())] {
        assert_eq!(
            (seen.items[0].kind, seen.completeness()),
            (Kind::Iso, Completeness::Complete),
            "{:?}",
            seen.reasons
        );
        let members: Vec<&str> =
            seen.items.iter().filter(|item| item.relation == Relation::Member).map(|item| item.path.as_str()).collect();
        assert_eq!(members, ["a.iso/Długa nazwa.txt", "a.iso/TWO.TXT"]);
        for (role, marker) in [
            (Role::Body, "file-marker"),
            (Role::Body, "xsecond-marker"),
            (Role::Property, "volume-marker"),
            (Role::FileName, "Long Name.txt"),
            (Role::FileName, "link-target"),
        ] {
            assert!(seen.role(role).contains(marker), "{marker}: {:?}", seen.text);
        }
        assert!(seen.holds("slack-marker") && seen.holds("free-marker"));
        assert!(!seen.role(Role::Body).contains("file-marker slack"), "a file has its length");
    }
}

#[test]
fn broken_images_give_what_they_hold() {
    let whole = sample();
    let cut = walk("a.iso", &whole[..23 * SECTOR]);
    assert_eq!(cut.completeness(), Completeness::Damaged, "{:?}", cut.reasons);
    assert!(cut.holds("file-marker"));
    let at = places(&whole, b"LONG.TXT")[0] - 33;
    let mut large = whole.clone();
    large[at + 10..at + 14].copy_from_slice(&u32::MAX.to_le_bytes());
    let seen = walk("a.iso", &large);
    assert_ne!(seen.completeness(), Completeness::Complete);
    assert!(seen.holds("file-marker") && seen.holds("second-marker"), "{:?}", seen.text);
    let mut packed = whole;
    let name = places(&packed, b"NM\x12")[0];
    packed[name..name + 2].copy_from_slice(b"ZF");
    assert!(walk("a.iso", &packed).reasons.contains(&"zisofs"));
}
