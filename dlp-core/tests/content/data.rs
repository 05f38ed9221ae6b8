//! Files of data: tables in columns and in records, packs of git, notebooks and stores of mail.

use crate::support::*;
use dlp_core::content::{Completeness, Kind, Role};

const FILES: &[u8] = include_bytes!("fixtures/data.tar.xz");

/// A file of the fixture.
fn file(name: &str) -> Vec<u8> {
    let mut archive = tar::Archive::new(lzma_rust2::XzReader::new(FILES, true));
    let mut entries = archive.entries().expect("the archive is whole").flatten();
    let mut entry = entries.find(|entry| entry.path().is_ok_and(|path| path.ends_with(name))).expect("it is there");
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut entry, &mut bytes).expect("the archive is whole");
    bytes
}

#[test]
fn what_programs_write_is_read() {
    let parquet = |name: &str| ["First", "Second", "List"].map(|place| format!("MarkerParquet{name}{place}")).to_vec();
    let avro = |name: &str| ["List", "Map", "Text"].map(|place| format!("MarkerAvro{name}{place}")).to_vec();
    let list = |names: &[&str]| names.iter().map(|name| format!("MarkerList{name}")).collect::<Vec<_>>();
    let places = ["FirstCommit", "MessageOfTheFirstCommit", "SecondCommit", "MessageOfTheSecondCommit"];
    let git = places.map(|place| format!("Marker{place}")).to_vec();
    let rows = [
        ("plain.parquet", Kind::Parquet, parquet("Plain")),
        ("dictionary.parquet", Kind::Parquet, parquet("Dictionary")),
        ("gzip.parquet", Kind::Parquet, parquet("Gzip")),
        ("brotli.parquet", Kind::Parquet, parquet("Brotli")),
        ("zstd.parquet", Kind::Parquet, parquet("Zstd")),
        ("lz4.parquet", Kind::Parquet, parquet("Lz4")),
        ("lengths.parquet", Kind::Parquet, parquet("Lengths")),
        ("fronts.parquet", Kind::Parquet, parquet("Fronts")),
        ("null.avro", Kind::Avro, avro("Null")),
        ("deflate.avro", Kind::Avro, avro("Deflate")),
        ("bzip2.avro", Kind::Avro, avro("Bzip2")),
        ("xz.avro", Kind::Avro, avro("Xz")),
        ("snappy.avro", Kind::Avro, avro("Snappy")),
        ("zstandard.avro", Kind::Avro, avro("Zstandard")),
        ("all.bundle", Kind::GitBundle, git.clone()),
        ("objects.pack", Kind::GitPack, git),
        ("settings.plist", Kind::PropertyList, list(&["Text", "Wide", "Nested", "InList", "Bytes", "Member"])),
        ("archive.plist", Kind::PropertyList, list(&["Archived", "Unnamed"])),
        ("stream.txt.br", Kind::Brotli, vec!["MarkerBrotliStream".to_owned()]),
        ("stream.txt.sz", Kind::Snappy, vec!["MarkerSnappyStream".to_owned()]),
    ];
    for (name, kind, markers) in rows {
        let seen = walk(name, &file(name));
        assert_eq!(seen.items[0].kind, kind, "{name}");
        assert_eq!(seen.completeness(), Completeness::Complete, "{name}: {:?}", seen.reasons);
        let body = seen.role(Role::Body);
        for marker in markers {
            assert!(body.contains(&marker), "{name}: {marker} in {body}");
        }
    }
}

#[test]
fn values_stand_behind_the_names_of_their_fields() {
    let check = |name: &str, expected: &str| {
        let body = walk(name, &file(name)).role(Role::Body);
        assert!(body.contains(expected), "{name}: {expected} in {body}");
    };
    check("plain.parquet", "text: MarkerParquetPlainFirst PESEL ");
    check("plain.parquet", "number: 3");
    check("dictionary.parquet", "number: 3");
    check("plain.parquet", "lists.list.");
    check("null.avro", "text: MarkerAvroNullText PESEL ");
    check("null.avro", "key: MarkerAvroNullMap PESEL ");
    check("null.avro", "number: -1");
    for line in ["text: MarkerListText PESEL ", "negative: -7", "day: 1985-03-09", "number: 44051401359", "żółw"] {
        check("settings.plist", line);
    }
    check("settings.plist", "accounts: MarkerListInList PESEL ");
    check("archive.plist", "note: MarkerListArchived PESEL ");
}

#[test]
fn values_of_lists_stand_under_the_path_to_them() {
    let names = |name: &str, marker: &str| {
        let seen = walk(name, &file(name));
        let parts = seen.text.iter().filter(|(_, text)| text.contains(marker)).map(|((_, _, part), _)| part.clone());
        parts.collect::<Vec<_>>()
    };
    assert_eq!(names("settings.plist", "MarkerListText"), [""]);
    assert_eq!(names("settings.plist", "MarkerListNested"), ["accounts/0"]);
    assert_eq!(names("settings.plist", "MarkerListInList"), ["accounts/1"]);
    assert_eq!(names("archive.plist", "MarkerListArchived"), ["$top/root/owner"]);
    assert_eq!(names("archive.plist", "MarkerListUnnamed"), ["$objects"]);
    let seen = walk("settings.plist", &file("settings.plist"));
    assert_eq!(seen.items[1].path, "settings.plist/file");
}

/// A property list of these objects, the first of which is the top.
fn property_list(objects: &[&[u8]]) -> Vec<u8> {
    let mut bytes = b"bplist00".to_vec();
    let mut table = Vec::new();
    for object in objects {
        table.extend((bytes.len() as u32).to_be_bytes());
        bytes.extend_from_slice(object);
    }
    let table_at = bytes.len() as u64;
    bytes.extend(table);
    bytes.extend([0, 0, 0, 0, 0, 0, 4, 2]);
    bytes.extend([objects.len() as u64, 0, table_at].map(u64::to_be_bytes).concat());
    bytes
}

#[test]
fn lists_that_lie_end_and_say_so() {
    let text = b"\x5C unseen-words"; // twelve characters
    let check = |bytes: &[u8], expected: &[&str], marker: &str| {
        let seen = walk("a.plist", bytes);
        assert_eq!(seen.reasons, expected);
        assert!(seen.holds(marker), "{seen:?}");
    };
    // A list that holds itself and a text; one whose text nothing names; one that names what is not there.
    check(&property_list(&[b"\xA2\0\0\0\x01", text]), &[], "unseen-word");
    check(&property_list(&[b"\xA1\0\0", text]), &[], "unseen-word");
    check(&property_list(&[b"\xA2\0\x09\0\x01", text]), &["bad_structure"], "unseen-word");
    // Objects that break off, of no kind, or with lengths that are none.
    for broken in [&b"\x5F\x13\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF"[..], b"\xF0", b"\xDF\x50", b"\x1F", b"\x6F\x10\xFF"] {
        check(&property_list(&[b"\xA2\0\x01\0\x02", broken, text]), &["bad_structure"], "unseen-word");
    }
    // The trailer names no table.
    let whole = property_list(&[b"\xA1\0\x01", text]);
    check(&whole[..whole.len() - 9], &["bad_structure"], "unseen-word");
    let mut far = whole.clone();
    far[whole.len() - 24..whole.len() - 16].fill(0xFF);
    check(&far, &["bad_structure"], "unseen-word");
    // A text that only begins like one.
    assert_eq!(walk("a.txt", b"bplist00 is how property lists begin\n").items[0].kind, Kind::Text);
}

#[test]
fn lists_in_lists_and_lists_that_share_their_bytes_end() {
    let lists: Vec<Vec<u8>> = (1..=2_000_u16).map(|next| [&[0xA1][..], &next.to_be_bytes()].concat()).collect();
    let mut deep: Vec<&[u8]> = lists.iter().map(Vec::as_slice).collect();
    deep.push(b"\x5Cin-the-depth");
    let seen = walk("a.plist", &property_list(&deep));
    assert_eq!(seen.reasons, ["plist_depth_max"]);
    assert!(seen.holds("in-the-depth"));

    // A thousand lists that are the same thousand numbers.
    let row = [&[0xAF, 0x11, 0x03, 0xE8][..], &(0..1_000_u16).flat_map(|_| 999_u16.to_be_bytes()).collect::<Vec<_>>()]
        .concat();
    let mut objects: Vec<&[u8]> = vec![b""; 999];
    objects.push(&row);
    let seen = walk("a.plist", &property_list(&objects));
    assert_eq!(seen.reasons, ["overlap"]);
}

#[test]
fn broken_files_are_named_and_read_as_far_as_they_go() {
    for name in ["gzip.parquet", "deflate.avro", "all.bundle", "objects.pack", "stream.txt.sz"] {
        let whole = file(name);
        for len in [whole.len() / 4, whole.len() / 2, whole.len() - 21] {
            let seen = walk(name, &whole[..len]);
            assert_ne!(seen.completeness(), Completeness::Complete, "{name} of {len} bytes");
        }
    }
    // What nothing but its name calls brotli is read as what it is, and named.
    let seen = walk("a.br", b"\x91\x01\x02marker\0\0\x91\x80\x01");
    assert!(seen.holds("marker"), "{seen:?}");
    assert_eq!(seen.reasons, ["bad_data"]);
}

#[test]
fn columns_that_are_not_read_are_named() {
    let rows: [(&str, &[u8], Kind); 4] = [
        ("a.arrow", b"ARROW1\0\0\xff\xff\xff\xffmarker", Kind::Other("arrow")),
        ("a.feather", b"FEA1\0\0\0\0marker", Kind::Other("feather")),
        ("a.orc", b"ORC\x0a\x06\x12\x04\x08\x03marker", Kind::Other("orc")),
        ("a.txt", b"ORC\nmarker of a text about columns", Kind::Text),
    ];
    for (name, bytes, kind) in rows {
        let seen = walk(name, bytes);
        assert_eq!(seen.items[0].kind, kind, "{name}");
        assert_eq!(seen.reasons.is_empty(), kind == Kind::Text, "{name}: {:?}", seen.reasons);
        assert!(seen.holds("marker"), "{name}: {seen:?}");
    }
}

#[test]
fn a_difference_without_its_base_gives_what_it_adds() {
    let delta = b"\x40\x0a\x90\x03\x07amarker";
    let mut pack = [&b"PACK\0\0\0\x02\0\0\0\x01"[..], &[0x70 | delta.len() as u8 & 0xF], &[7; 20]].concat();
    pack.extend(zlib(delta));
    pack.extend([0; 20]);
    let seen = walk("a.pack", &pack);
    assert_eq!(seen.reasons, ["delta"]);
    assert!(seen.holds("amarker"), "{seen:?}");
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut encoder, bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

/// A notebook with a file in it, and how many bytes stand behind the content of the file.
pub(crate) fn notebook() -> (Vec<u8>, usize) {
    let mark = b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3";
    let start = b"\xe7\x16\xe3\xbd\x65\x26\x11\x45\xa4\xc4\x8d\x4d\x0b\x7a\x9e\xac";
    let end = b"\x22\xa7\xfb\x71\x79\x0f\x0b\x4a\xbb\x13\x89\x92\x56\x42\x6b\x24";
    let inner = zip(&[("a.txt", b"inner-marker")]);
    let text: Vec<u8> = "wide-marker".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let len = (inner.len() as u64).to_le_bytes();
    ([&mark[..], &[0; 8], start, &len, &[0; 12], &inner, end, &text].concat(), end.len() + text.len())
}

#[test]
fn files_in_notebooks_are_items() {
    let (note, rest) = notebook();
    let seen = walk("a.one", &note);
    assert_eq!(seen.completeness(), Completeness::Complete, "{:?}", seen.reasons);
    assert!(seen.holds("inner-marker") && seen.holds("wide-marker"), "{seen:?}");
    assert_eq!(seen.items[1].kind, Kind::Zip);
    let cut = walk("a.one", &note[..note.len() - rest]);
    assert_eq!(cut.completeness(), Completeness::Damaged, "{cut:?}");
}

/// A store of mail as the tests write it: blocks behind each other, one page for each tree.
#[derive(Default)]
struct Store {
    blocks: Vec<Vec<u8>>,
    nodes: Vec<[u64; 3]>,
}

impl Store {
    const BLOCKS_AT: usize = 2_048;

    /// A block, and its number. The second bit says that it leads to others.
    fn block(&mut self, bytes: Vec<u8>, is_internal: bool) -> u64 {
        self.blocks.push(bytes);
        4 * self.blocks.len() as u64 + 2 * u64::from(is_internal)
    }

    /// A list of nodes that belong to another.
    fn below(&mut self, nodes: &[[u64; 3]]) -> u64 {
        let mut list = [&[2, 0][..], &(nodes.len() as u16).to_le_bytes(), &[0; 4]].concat();
        list.extend(nodes.iter().flatten().flat_map(|number| number.to_le_bytes()));
        self.block(list, true)
    }

    fn build(&self) -> Vec<u8> {
        self.write(b"\x17\0", &Form { page_bytes: 512, info_at: 488, blocks_at: Self::BLOCKS_AT }, |block| {
            block.to_vec()
        })
    }

    /// The same as Outlook writes it since 2013: in larger pages, and each block ends with what it is.
    fn build_large(&self, pack: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
        let form = Form { page_bytes: 4_096, info_at: 4_056, blocks_at: 3 * 4_096 };
        self.write(b"\x24\0", &form, |block| {
            let packed = pack(block);
            let taken = (packed.len() + 24).next_multiple_of(512);
            let sizes = [packed.len() as u16, block.len() as u16].map(u16::to_le_bytes);
            let mut written = packed;
            written.resize(taken - 24, 0);
            written.extend([&sizes[0][..], &[0; 16], &sizes[1], &[0; 4]].concat());
            written
        })
    }

    fn write(&self, version: &[u8], form: &Form, written: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
        let is_large = form.page_bytes > 512;
        let trees_at = form.blocks_at - 2 * form.page_bytes;
        let mut bytes = vec![0; form.blocks_at];
        bytes[..10].copy_from_slice(b"!BDN\0\0\0\0SM");
        bytes[10..12].copy_from_slice(version);
        bytes[224..232].copy_from_slice(&(trees_at as u64).to_le_bytes());
        bytes[240..248].copy_from_slice(&((trees_at + form.page_bytes) as u64).to_le_bytes());
        let mut blocks = Vec::new();
        for (index, block) in self.blocks.iter().enumerate() {
            let internal = 2 * u64::from(block.starts_with(&[2, 0]) || block.starts_with(&[1, 1]));
            blocks.extend((4 * (index as u64 + 1) + internal).to_le_bytes());
            blocks.extend((bytes.len() as u64).to_le_bytes());
            let written = written(block);
            let len = if is_large {
                [written[written.len() - 24], written[written.len() - 23]]
            } else {
                (block.len() as u16).to_le_bytes()
            };
            blocks.extend([&len[..], &[1, 0, 0, 0, 0, 0]].concat());
            bytes.extend(written);
        }
        let nodes: Vec<u8> =
            self.nodes.iter().flat_map(|node| [node.map(u64::to_le_bytes).concat(), vec![0; 8]].concat()).collect();
        for (page, entries, count, entry_bytes) in
            [(0, nodes, self.nodes.len(), 32), (1, blocks, self.blocks.len(), 24)]
        {
            let at = trees_at + page * form.page_bytes;
            bytes[at..at + entries.len()].copy_from_slice(&entries);
            let info: &[u8] =
                if is_large { &[count as u8, 0, 169, 0, entry_bytes, 0] } else { &[count as u8, 20, entry_bytes, 0] };
            bytes[at + form.info_at..][..info.len()].copy_from_slice(info);
        }
        bytes
    }
}

/// How large the pages of a store are, where they say what they hold, and where the blocks begin.
struct Form {
    page_bytes: usize,
    info_at: usize,
    blocks_at: usize,
}

/// Number, kind, and a value in the heap or the number of a node.
type Property<'v> = (u16, u16, Result<&'v [u8], u32>);

/// A heap with properties.
fn properties(list: &[Property<'_>]) -> Vec<u8> {
    let mut entries = Vec::new();
    let mut pieces: Vec<Vec<u8>> = vec![vec![0xB5, 2, 6, 0, 0x40, 0, 0, 0], Vec::new()];
    for (number, kind, value) in list {
        let value = match value {
            Ok(bytes) => {
                pieces.push(bytes.to_vec());
                (pieces.len() as u32) << 5
            }
            Err(node) => *node,
        };
        entries.extend([&number.to_le_bytes()[..], &kind.to_le_bytes(), &value.to_le_bytes()].concat());
    }
    pieces[1] = entries;
    let mut heap = vec![0, 0, 0xEC, 0xBC, 0x20, 0, 0, 0, 0, 0, 0, 0];
    let mut places = Vec::new();
    for piece in &pieces {
        places.push(heap.len() as u16);
        heap.extend_from_slice(piece);
    }
    places.push(heap.len() as u16);
    let list = (heap.len() as u16).to_le_bytes();
    heap[..2].copy_from_slice(&list);
    heap.extend([&(pieces.len() as u16).to_le_bytes()[..], &[0; 2]].concat());
    heap.extend(places.into_iter().flat_map(u16::to_le_bytes));
    heap
}

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

pub(crate) fn store() -> Vec<u8> {
    message_store().build()
}

pub(crate) fn large_store() -> Vec<u8> {
    message_store().build_large(zlib)
}

fn message_store() -> Store {
    let mut store = Store::default();
    let file = store.block(zip(&[("a.txt", b"inner-marker")]), false);
    let attached = properties(&[(0x3707, 0x1F, Ok(&wide("annex.zip"))), (0x3701, 0x102, Err(0x3F))]);
    let attached = store.block(attached, false);
    let attached_below = store.below(&[[0x3F, file, 0]]);
    let body = store.block(wide("body-marker in a block of its own"), false);
    let message = properties(&[
        (0x0037, 0x1F, Ok(&wide("\u{1}\u{5}RE: subject-marker"))),
        (0x1000, 0x1F, Err(0x5F)),
        (0x1013, 0x102, Ok(b"<html><p>html-<b>marker</b></html>")),
    ]);
    let message = store.block(message, false);
    let below = store.below(&[[0x5F, body, 0], [0x8025, attached, attached_below]]);
    store.block(wide("deleted-marker"), false);
    store.nodes.push([0x20_0024, message, below]);
    store
}

#[test]
fn messages_in_stores_are_items() {
    check_messages("a.pst", &store());
    let large = message_store();
    check_messages("a.ost", &large.build_large(<[u8]>::to_vec));
    check_messages("a.ost", &large_store());
}

fn check_messages(name: &str, store: &[u8]) {
    let seen = walk(name, store);
    assert_eq!(seen.completeness(), Completeness::Complete, "{:?}", seen.reasons);
    let paths: Vec<&str> = seen.items.iter().map(|item| item.path.as_str()).collect();
    let message = format!("{name}/RE: subject-marker");
    assert_eq!(paths[..2], [name, message.as_str()], "{paths:?}");
    assert!(paths.contains(&format!("{message}/annex.zip/a.txt").as_str()), "{paths:?}");
    for marker in ["subject-marker", "body-marker", "html-marker", "inner-marker", "deleted-marker"] {
        assert!(seen.holds(marker), "{marker} in {seen:?}");
    }
}

#[test]
fn deflated_blocks_that_are_broken_are_said() {
    let cut = |block: &[u8]| {
        let mut packed = zlib(block);
        packed.truncate(packed.len() / 2);
        packed
    };
    let seen = walk("a.ost", &message_store().build_large(cut));
    assert_eq!(seen.completeness(), Completeness::Damaged, "{:?}", seen.reasons);
}

#[test]
fn broken_stores_end_and_say_so() {
    let whole = store();
    let check = |bytes: &[u8], expected: Completeness| {
        let seen = walk("a.pst", bytes);
        assert_eq!(seen.completeness(), expected, "{:?}", seen.reasons);
        seen
    };
    check(&whole[..300], Completeness::Damaged);
    check(&whole[..whole.len() - 10], Completeness::Damaged);
    let patched = |at: usize, bytes: &[u8]| {
        let mut patched = whole.clone();
        patched[at..at + bytes.len()].copy_from_slice(bytes);
        patched
    };
    // A page that leads to itself, and one whose entries are as long as nothing.
    check(&patched(1536 + 488, &[6, 20, 24, 1]), Completeness::Damaged);
    check(&patched(1024 + 490, &[0]), Completeness::Damaged);
    // Keys of a user, and pages that are not as large as the header says.
    let locked = check(&patched(513, &[0x10]), Completeness::Encrypted);
    assert!(locked.reasons.contains(&"pst"), "{locked:?}");
    check(&patched(10, &[36, 0]), Completeness::Damaged);
}

#[test]
fn stores_whose_blocks_share_their_bytes_end_and_say_so() {
    let mut shared = Store::default();
    shared.block(b"first-marker".repeat(5_000), false);
    let mut bytes = shared.build();
    // Twenty blocks that are the same bytes.
    let entry = bytes[1536..1560].to_vec();
    for index in 1..20_usize {
        let at = 1536 + 24 * index;
        bytes[at..at + 24].copy_from_slice(&entry);
        bytes[at..at + 8].copy_from_slice(&(4 * (index as u64 + 1)).to_le_bytes());
    }
    bytes[1536 + 488] = 20;
    let seen = walk("a.pst", &bytes);
    assert_eq!(seen.reasons, ["overlap"]);
    assert!(seen.role(Role::Raw).len() < 6 * bytes.len(), "{}", seen.role(Role::Raw).len());
}

#[test]
fn values_over_the_ends_of_blocks_are_read() {
    let halves = || {
        let mut first = vec![b'.'; 8_176];
        first[8_171..].copy_from_slice(b" over");
        [first, b"-the-end ".to_vec()]
    };
    // Of a node that is no message, and of blocks that no node leads to.
    let mut deleted = Store::default();
    halves().into_iter().for_each(|half| _ = deleted.block(half, false));
    let mut node = Store::default();
    let blocks = halves().map(|half| node.block(half, false));
    let list = [&[1, 1, 2, 0, 0, 0, 0, 0][..], &blocks.map(u64::to_le_bytes).concat()].concat();
    let list = node.block(list, true);
    node.nodes.push([0x20_0024, list, 0]);
    for store in [deleted, node] {
        let seen = walk("a.pst", &store.build());
        assert!(seen.role(Role::Raw).contains("over-the-end"), "{:?}", seen.reasons);
    }
}

/// An object of a pack: its kind, what stands in front of its content, and the content.
fn object(kind: u8, head: &[u8], content: &[u8]) -> Vec<u8> {
    let len = content.len();
    let mut object = vec![kind << 4 | (len & 0xF) as u8];
    let mut left = len >> 4;
    while left > 0 {
        *object.last_mut().expect("it has a byte") |= 0x80;
        object.push((left & 0x7F) as u8);
        left >>= 7;
    }
    [&object[..], head, &zlib(content)].concat()
}

fn pack(objects: &[Vec<u8>]) -> Vec<u8> {
    [&b"PACK\0\0\0\x02"[..], &(objects.len() as u32).to_be_bytes(), &objects.concat(), &[0; 20]].concat()
}

#[test]
fn differences_find_their_base_by_its_sum_wherever_it_stands() {
    // Sums of the blobs `0123456789` and `0123456789amarker`, as `git hash-object` gives them.
    let sums = ["ad471007bd7f5983d273b9584e5629230150fd54", "e107754a3415367501faf615a5abb21bfc3698fb"];
    let [first, second] = sums.map(from_hex);
    let base = object(3, &[], b"0123456789");
    let by_first = object(7, &first, b"\x0a\x11\x90\x0a\x07amarker");
    let by_second = object(7, &second, b"\x11\x17\x90\x11\x06bsecon");
    for objects in [
        [base.clone(), by_first.clone(), by_second.clone()],
        [by_second.clone(), by_first.clone(), base.clone()],
        [by_first.clone(), base.clone(), by_second.clone()],
    ] {
        let seen = walk("a.pack", &pack(&objects));
        assert_eq!(seen.reasons, [""; 0]);
        assert!(seen.holds("0123456789amarkerbsecon"), "{seen:?}");
    }
    let seen = walk("a.pack", &pack(&[by_second, by_first]));
    assert_eq!(seen.reasons, ["delta"]);
    assert!(seen.holds("amarker") && seen.holds("bsecon"), "{seen:?}");
}

#[test]
fn bases_that_may_not_be_held_are_a_limit() {
    let small = object(3, &[], b"0123456789");
    // A copy of ten bytes and an addition, to the object right in front.
    let difference = |base: &Vec<u8>, lens: &[u8]| {
        let distance = base.len();
        let short = [distance as u8];
        let long = [(((distance >> 7) as u8).wrapping_sub(1)) | 0x80, (distance & 0x7F) as u8];
        let head: &[u8] = if distance < 0x80 { &short } else { &long };
        object(6, head, &[lens, b"\x90\x0a\x07amarker"].concat())
    };
    let near = [small.clone(), difference(&small, b"\x0a\x11")];
    let seen = walk("a.pack", &pack(&near));
    assert_eq!((&seen.reasons[..], seen.holds("0123456789amarker")), (&[][..], true), "{seen:?}");
    let broken = walk("a.pack", &pack(&[small.clone(), difference(&small, b"\x09\x11")]));
    assert_eq!(broken.reasons, ["bad_structure"]);
    let large = object(6, &[small.len() as u8], b"\x0a\xFF\xFF\xFF\xFF\x0F\x07amarker");
    let large = walk("a.pack", &pack(&[small.clone(), large]));
    assert_eq!(large.reasons, ["held_bytes_max"]);
}

#[test]
fn versions_that_may_not_be_held_at_once_are_put_together_again() {
    // Each is forgotten when the next one comes, and is what an addition at the end of the pack differs from.
    let versions: Vec<_> = (b'a'..b'k').map(|letter| object(3, &[], &[letter; 30_000])).collect();
    let mut objects = versions.clone();
    for index in 0..versions.len() {
        let distance: usize = objects[index..].iter().map(Vec::len).sum();
        let head = [(((distance >> 7) as u8).wrapping_sub(1)) | 0x80, (distance & 0x7F) as u8];
        let number = format!("marker{index:02}");
        objects.push(object(6, &head, &[b"\xB0\xEA\x01\x12\x90\x0a\x08", number.as_bytes()].concat()));
        // To the one before, which has to be put together again as well.
        let last = objects.last().map_or(0, Vec::len);
        objects.push(object(6, &[last as u8], b"\x12\x14\x90\x12\x02\x00\x01"));
    }
    let bounds = dlp_core::base::Limits { held_bytes_max: 40_000, ..limits() };
    for bounds in [bounds, limits()] {
        let seen = walk_with("a.pack", &pack(&objects), &bounds, None);
        assert_eq!(seen.reasons, [""; 0]);
        for (index, letter) in (b'a'..b'k').enumerate() {
            let whole = format!("{}marker{index:02}", char::from(letter).to_string().repeat(10));
            assert!(seen.holds(&whole), "{whole}");
        }
    }
    // The work counts as unpacking.
    let bounds = dlp_core::base::Limits { held_bytes_max: 40_000, inflated_bytes_max: 400_000, ..limits() };
    assert_eq!(walk_with("a.pack", &pack(&objects), &bounds, None).reasons, ["inflated_bytes_max"]);
}

#[test]
fn rows_of_differences_have_a_bound_of_their_own() {
    // What is large makes all before it forgotten.
    let large = object(3, &[], &[b'.'; 90_000]);
    let same = |distance: usize, addition: &[u8]| {
        let long = [(((distance >> 7) as u8).wrapping_sub(1)) | 0x80, (distance & 0x7F) as u8];
        let head: &[u8] = if distance < 0x80 { &[distance as u8] } else { &long };
        object(6, head, &[&[0x0a, 0x0a + addition.len().saturating_sub(1) as u8, 0x90, 0x0a], addition].concat())
    };
    let bounds = dlp_core::base::Limits { held_bytes_max: 100_000, ..limits() };
    for (count, reasons, expected) in [(4_096, &[][..], "0123456789marker"), (4_097, &["delta_chain_max"], "marker")] {
        let mut objects = vec![object(3, &[], b"0123456789")];
        for _ in 0..count {
            let base = objects.last().map_or(0, Vec::len);
            objects.push(same(base, b""));
        }
        let base = objects.last().map_or(0, Vec::len);
        objects.extend([large.clone(), large.clone()]);
        objects.push(same(base + 2 * large.len(), b"\x06marker"));
        let seen = walk_with("a.pack", &pack(&objects), &bounds, None);
        assert_eq!((seen.reasons.as_slice(), seen.holds(expected)), (reasons, true), "{count}");
    }
}

#[test]
fn differences_to_what_waits_wait_with_it() {
    let first = from_hex("ad471007bd7f5983d273b9584e5629230150fd54");
    let base = object(3, &[], b"0123456789");
    let by_first = object(7, &first, b"\x0a\x11\x90\x0a\x07amarker");
    let behind = object(6, &[by_first.len() as u8], b"\x11\x17\x90\x11\x06bsecon");
    let seen = walk("a.pack", &pack(&[by_first.clone(), behind.clone(), base.clone()]));
    assert_eq!(seen.reasons, [""; 0]);
    assert!(seen.holds("0123456789amarkerbsecon"), "{seen:?}");
    // As in a pack that is sent to somebody who has the base.
    let seen = walk("a.pack", &pack(&[by_first.clone(), behind.clone()]));
    assert_eq!(seen.reasons, ["delta"]);
    assert!(seen.holds("amarker") && seen.holds("bsecon"), "{seen:?}");
    // One that does not fit its base when that comes.
    let torn = object(7, &first, b"\x09\x11\x90\x0a\x07amarker");
    let seen = walk("a.pack", &pack(&[torn.clone(), object(6, &[torn.len() as u8], b"\x11\x17\x06bsecon"), base]));
    assert_eq!(seen.reasons, ["bad_structure"]);
    assert!(seen.holds("bsecon"), "{seen:?}");
}

#[test]
fn differences_to_what_was_forgotten_find_it_in_any_order() {
    // Both may not be held at once.
    let [first, full] = [b"abd", b"abc"].map(|text| object(3, &[], &text.repeat(10_000)));
    let by_sum =
        object(7, &from_hex("e3a77e8a03ea846573c1c3984d1fa9b8034b5bb1"), b"\xB0\xEA\x01\x11\x90\x0a\x07amarker");
    let behind = object(6, &[by_sum.len() as u8], b"\x11\x17\x90\x11\x06bsecon");
    let bounds = dlp_core::base::Limits { held_bytes_max: 40_000, ..limits() };
    for objects in
        [[&first, &by_sum, &behind, &full], [&first, &full, &by_sum, &behind], [&full, &first, &by_sum, &behind]]
    {
        let objects = objects.map(Vec::clone);
        let seen = walk_with("a.pack", &pack(&objects), &bounds, None);
        assert_eq!(seen.reasons, [""; 0]);
        assert!(seen.holds("abcabcabcaamarkerbsecon"));
    }
}

#[test]
fn differences_that_wait_take_room_beside_their_bytes() {
    let waiting: Vec<_> =
        (0..1_000_u16).map(|n| object(7, &n.to_be_bytes().repeat(10), b"\x0a\x07\x07amarker")).collect();
    let bounds = dlp_core::base::Limits { held_bytes_max: 40_000, ..limits() };
    let seen = walk_with("a.pack", &pack(&waiting), &bounds, None);
    assert_eq!(seen.reasons, ["held_bytes_max", "delta"]);
}

/// A number as Avro writes it, of those that take up to three bytes.
fn long(number: i64) -> Vec<u8> {
    let mut left = ((number << 1) ^ (number >> 63)) as u64;
    let mut bytes = Vec::new();
    while left >= 0x80 {
        bytes.push(left as u8 | 0x80);
        left >>= 7;
    }
    bytes.push(left as u8);
    bytes
}

fn avro(schema: &str, codec: &str, count: i64, block: &[u8]) -> Vec<u8> {
    let text = |text: &str| [long(text.len() as i64), text.as_bytes().to_vec()].concat();
    let entries = [long(2), text("avro.schema"), text(schema), text("avro.codec"), text(codec), long(0)].concat();
    let block = [long(count), long(block.len() as i64), block.to_vec()].concat();
    [&b"Obj\x01"[..], &entries, &[7; 16], &block, &[7; 16]].concat()
}

#[test]
fn sparse_tables_are_whole() {
    let schema = r#"{"type":"record","name":"r","fields":[{"name":"a","type":["null","string"]},
        {"name":"b","type":["null","string"]},{"name":"c","type":"boolean"},{"name":"d","type":["null","string"]}]}"#;
    let sparse = [0, 0, 1, 0].repeat(3_000);
    let last = [&[0, 2][..], &long(6), b"marker", &[0, 0]].concat();
    let seen = walk("a.avro", &avro(schema, "null", 3_001, &[sparse, last].concat()));
    assert_eq!(seen.completeness(), Completeness::Complete, "{:?}", seen.reasons);
    assert_eq!(seen.cells, [("r".to_owned(), 3_001, 2, "b: marker".to_owned())]);
    let empty = r#"{"type":"record","name":"r","fields":[{"name":"a","type":"null"}]}"#;
    assert_eq!(walk("a.avro", &avro(empty, "null", 1 << 40, b"")).reasons, ["avro_empty_values_max"]);
    assert_eq!(walk("a.avro", &avro(schema, "lz4", 1, b"marker")).reasons, ["avro_codec"]);
}

/// A Parquet file of one column of texts with one page of this kind.
fn parquet(kind: i64, encoding: i64, page: &[u8]) -> Vec<u8> {
    packed_parquet(0, (kind, encoding), (page, page.len()))
}

/// The same with a page that this codec unpacks to so many bytes.
fn packed_parquet(codec: i64, (kind, encoding): (i64, i64), (page, unpacked): (&[u8], usize)) -> Vec<u8> {
    let number = |head: u8, value: i64| [vec![head], long(value)].concat();
    let len = page.len() as i64;
    let about = [&[0x2C][..], &number(0x15, 1), &number(0x15, encoding), &[0x15, 0, 0x15, 0, 0, 0]].concat();
    let page = [number(0x15, kind), number(0x15, unpacked as i64), number(0x15, len), about, page.to_vec()].concat();
    let schema = [&[0x29, 0x2C, 0x48, 1, b'r'][..], &number(0x15, 1), &[0], &number(0x15, 6), b"\x25\0\x18\x04text\0"];
    let chunk =
        [&[0x29, 0x1C, 0x19, 0x1C, 0x3C][..], &number(0x45, codec), &number(0x36, page.len() as i64), &number(0x26, 4)];
    let footer = [&schema.concat()[..], &chunk.concat(), &[0; 4]].concat();
    [b"PAR1", &page[..], &footer, &(footer.len() as u32).to_le_bytes(), b"PAR1"].concat()
}

/// Kind and encoding of a page, its bytes, and what is to be said and read of it.
type PageRow<'r> = (i64, i64, &'r [u8], &'r [&'r str], Role);

#[test]
fn pages_that_are_not_read_as_values_are_read_raw() {
    let rows: [PageRow<'_>; 5] = [
        (0, 0, b"\x06\0\0\0marker", &[], Role::Body),
        // A wrong length in front of the rest, an unknown encoding, an unknown kind of page.
        (0, 0, b"\x02\0\0\0ab\xFF\0\0\0marker", &["bad_structure"], Role::Raw),
        (0, 99, b"marker", &[], Role::Raw),
        (7, 0, b"\x06\0\0\0marker", &[], Role::Raw),
        // More lengths than the bound, of nothing.
        (0, 6, b"\x80\x01\x01\xFF\xFF\xFF\x7F\0marker", &["bad_structure"], Role::Raw),
    ];
    for (kind, encoding, page, reasons, role) in rows {
        let seen = walk("a.parquet", &parquet(kind, encoding, page));
        assert_eq!(seen.reasons, reasons, "{kind} {encoding}");
        assert!(seen.role(role).contains("marker"), "{kind} {encoding}: {seen:?}");
    }
}

#[test]
fn blocks_of_lz4_are_read_with_their_lengths_and_without() {
    let values = [&[6, 0, 0, 0][..], b"first-", &[6, 0, 0, 0], b"marker"].concat();
    let block = |bytes: &[u8]| lz4_flex::block::compress(bytes);
    let piece = |bytes: &[u8]| {
        let packed = block(bytes);
        [&(bytes.len() as u32).to_be_bytes()[..], &(packed.len() as u32).to_be_bytes(), &packed].concat()
    };
    let rows = [
        ("one piece", piece(&values)),
        ("two pieces", [piece(&values[..10]), piece(&values[10..])].concat()),
        ("a block alone", block(&values)),
    ];
    for (case, page) in rows {
        let seen = walk("a.parquet", &packed_parquet(5, (0, 0), (&page, values.len())));
        assert_eq!(seen.completeness(), Completeness::Complete, "{case}: {:?}", seen.reasons);
        assert!(seen.role(Role::Body).contains("text: marker"), "{case}: {:?}", seen.text);
    }
    let broken = [&[0xFF; 8][..], b"behind-marker"].concat();
    let seen = walk("a.parquet", &packed_parquet(5, (0, 0), (&broken, 100)));
    assert!(seen.completeness() == Completeness::Damaged && seen.holds("behind-marker"), "{seen:?}");
}

#[test]
fn footers_that_take_too_much_memory_are_a_limit() {
    let footer = [&[0x19, 0xFC, 0x80, 0x80, 4][..], &[0; 0x1_0001]].concat();
    let file = [b"PAR1", &footer[..], &(footer.len() as u32).to_le_bytes(), b"PAR1"].concat();
    let bounds = dlp_core::base::Limits { held_bytes_max: 1_000_000, ..limits() };
    assert_eq!(walk_with("a.parquet", &file, &bounds, None).reasons, ["held_bytes_max"]);
}

#[test]
fn values_that_differ_by_nothing_end_at_a_limit() {
    // A text of 32 bytes, then a million that begin as it does and add nothing.
    let count = [0x80, 0x80, 0x40];
    let fronts = [&[0x80, 1, 1][..], &count, &[0, 64, 0, 0]].concat();
    let fronts = [fronts, [0, 0].repeat(8_191)].concat();
    let lens = [&[0x80, 1, 1][..], &count, &[64, 63, 0, 0]].concat();
    let lens = [lens, [0, 0].repeat(8_191)].concat();
    let page = [fronts, lens, b"marker".to_vec()].concat();
    let seen = walk("a.parquet", &parquet(0, 7, &page));
    assert!(seen.holds("marker") && seen.completeness() != Completeness::Complete, "{:?}", seen.reasons);
}
