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

#[test]
fn a_broken_image_is_never_complete() {
    let whole = sample();
    let changed = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut image = whole.clone();
        change(&mut image);
        image
    };
    let root = |at: usize, value: u32| {
        changed(&|image| {
            for descriptor in [16, 17] {
                let at = descriptor * SECTOR + 156 + at;
                image[at..at + 4].copy_from_slice(&value.to_le_bytes());
            }
        })
    };
    let rows: [(&str, Vec<u8>, &str); 11] = [
        ("cut in the second descriptor", whole[..17 * SECTOR + 1_000].to_vec(), "truncated"),
        ("cut behind the second descriptor", whole[..18 * SECTOR].to_vec(), "truncated"),
        ("cut in the root", whole[..19 * SECTOR + 500].to_vec(), "truncated"),
        ("cut behind the directories", whole[..22 * SECTOR].to_vec(), "truncated"),
        ("a root outside", root(2, 1_000_000), "truncated"),
        ("a root without bytes", root(10, 0), "bad_structure"),
        ("a root that is none", changed(&|image| image[16 * SECTOR + 156..][..34].fill(0)), "bad_structure"),
        ("a root of zeros", changed(&|image| image[19 * SECTOR..20 * SECTOR].fill(0)), "bad_structure"),
        ("a broken record", changed(&|image| image[19 * SECTOR + 34 * 2] = 3), "bad_structure"),
        ("no last descriptor", changed(&|image| image[18 * SECTOR..19 * SECTOR].fill(0)), "bad_structure"),
        ("shorter than stated", changed(&|image| image[16 * SECTOR + 80] = 200), "truncated"),
    ];
    for (name, image, reason) in rows {
        let seen = walk("a.iso", &image);
        assert_eq!(seen.completeness(), Completeness::Damaged, "{name}: {:?}", seen.reasons);
        assert!(seen.reasons.contains(&reason), "{name}: {:?}", seen.reasons);
    }
}

/// An image whose directories stand one in the other, each with a name from one place that serves all of them.
fn nested(levels: u32, name_bytes: usize) -> Vec<u8> {
    let shared = 19 + levels;
    let names: Vec<u8> =
        std::iter::repeat_n(extension(b"NM", &[&[0][..], &[b'n'; 200]].concat()), name_bytes / 200).flatten().collect();
    let place = [shared, 0, names.len() as u32].map(|number| [number.to_le_bytes(), number.to_be_bytes()].concat());
    let more = extension(b"CE", &place.concat());
    let mut image = [vec![0; 16 * SECTOR], descriptor(1, 19), descriptor(255, 0), vec![0; SECTOR]].concat();
    for level in 0..levels {
        let below = match level + 1 {
            next if next == levels => record(b"LAST.TXT", shared + 1, 11, 0, &[]),
            next => record(b"D", 19 + next, SECTOR, 2, if name_bytes > 0 { &more } else { &[] }),
        };
        image.extend(directory(19 + level, &[below]));
    }
    [image, filled(names), filled(b"file-marker".to_vec())].concat()
}

#[test]
fn a_path_stops_growing_where_names_end() {
    let seen = walk("a.iso", &nested(400, 1_800));
    assert_ne!(seen.completeness(), Completeness::Complete);
    assert!(seen.reasons.contains(&"name_bytes_max"), "{:?}", seen.reasons);
    let longest = seen.items.iter().map(|item| item.path.len()).max();
    assert!(longest <= Some("a.iso/".len() + limits().name_bytes_max), "{longest:?}");
    let longest = seen.role(Role::FileName).lines().map(str::len).max();
    assert!(longest <= Some(limits().name_bytes_max), "{longest:?}");
    assert!(seen.holds("file-marker"));
    let deep = walk("a.iso", &nested(3_000, 0));
    assert!(deep.reasons.contains(&"name_bytes_max"), "{:?}", deep.reasons);
}

#[test]
fn names_in_one_place_for_all_are_bounded_by_the_image() {
    // Each directory has many records that take their names from the same sector.
    let names = extension(b"NM", &[&[0][..], &[b'n'; 240]].concat()).repeat(8);
    let place = [20, 0, names.len() as u32].map(|number| [number.to_le_bytes(), number.to_be_bytes()].concat());
    let more = extension(b"CE", &place.concat());
    let files: Vec<Vec<u8>> = (0..30).map(|_| record(b"F", 21, 11, 0, &more)).collect();
    let image = [
        vec![0; 16 * SECTOR],
        descriptor(1, 19),
        descriptor(255, 0),
        vec![0; SECTOR],
        directory(19, &files),
        filled(names),
        filled(b"file-marker".to_vec()),
    ];
    let seen = walk("a.iso", &image.concat());
    assert!(seen.reasons.contains(&"overlap"), "{:?}", seen.reasons);
    assert!(seen.holds("file-marker"));
}

#[test]
fn directories_count_as_items() {
    let bounds = dlp_core::base::Limits { items_max: 50, ..limits() };
    let seen = walk_with("a.iso", &nested(100, 0), &bounds, None);
    assert!(seen.reasons.contains(&"items_max"), "{:?}", seen.reasons);
}

#[test]
fn names_that_grow_with_their_depth_are_bounded_by_the_image() {
    // Each of a thousand files is called by eighty directories with long names.
    const LEVELS: u32 = 80;
    let name = vec![b'n'; 200];
    let leaf = 18 + LEVELS;
    let files: Vec<Vec<u8>> =
        (0..1_000).map(|number| record(format!("{number:06}").as_bytes(), leaf, 5, 0, &[])).collect();
    let leaf_bytes: Vec<u8> = files.chunks(20).flat_map(|files| directory(leaf, files)).collect();
    let mut image = vec![0; 16 * 2048];
    image.extend(descriptor(1, 18));
    image.extend(descriptor(255, 0));
    for level in 0..LEVELS {
        let len = if level + 1 < LEVELS { 2048 } else { leaf_bytes.len() };
        image.extend(directory(18 + level, &[record(&name, 19 + level, len, 2, &[])]));
    }
    image.extend(leaf_bytes);
    let seen = walk("a.iso", &image);
    let names = seen.role(Role::FileName).len();
    assert!(names < 8 * image.len(), "{names} bytes of names of {}", image.len());
    assert!(seen.reasons.contains(&"overlap"), "{:?}", seen.reasons);
    let clipped = seen.reasons.iter().filter(|reason| **reason == "name_bytes_max").count();
    assert_eq!(clipped, 1, "{:?}", seen.reasons);
}
