//! Members of archives, and what is said of those that cannot be read.

mod support;

use dlp_core::base::{Cancel, Limits, Problem};
use dlp_core::content::{
    Completeness, Extraction, Flow, Input, ItemStart, Kind, Outcome, RiskyFrame, RiskyParser, Segment, Sink, extract,
};
use rars::{ArchiveVersion, Builder};
use sevenz_rust2::encoder_options::{AesEncoderOptions, Lzma2Options};
use sevenz_rust2::{ArchiveEntry, ArchiveWriter, EncoderConfiguration, EncoderMethod, Password, SourceReader};
use std::io::Cursor;
use support::{Read, parser, read_kind};

const FILES: [(&str, &[u8]); 3] =
    [("first.txt", b"first-marker "), ("empty", b""), ("folder/second.txt", b"second-marker ")];

fn read(kind: Kind, archive: &[u8]) -> Read {
    read_kind(&parser(), kind, archive, &Limits::inline())
}

/// Whether the files of the test came, whatever their order.
#[track_caller]
fn assert_whole(case: &str, read: &Read) {
    assert_eq!(read.outcome, Outcome::COMPLETE, "{case}: {read:?}");
    for (name, content) in FILES {
        let found = read.children.iter().find(|(found, _)| found.replace('\\', "/") == name);
        assert_eq!(found.map(|(_, bytes)| bytes.as_slice()), Some(content), "{case}: {name}");
    }
}

fn sevenz(methods: Vec<EncoderConfiguration>, is_solid: bool, hides_names: bool) -> Vec<u8> {
    let mut writer = ArchiveWriter::new(Cursor::new(Vec::new())).expect("memory takes it");
    writer.set_content_methods(methods);
    writer.set_encrypt_header(hides_names);
    let entries = FILES.map(|(name, bytes)| (ArchiveEntry::new_file(name), bytes));
    if is_solid {
        let (entries, readers): (Vec<_>, Vec<_>) =
            entries.into_iter().map(|(entry, bytes)| (entry, SourceReader::from(bytes))).unzip();
        writer.push_archive_entries(entries, readers).expect("memory takes it");
    } else {
        for (entry, bytes) in entries {
            writer.push_archive_entry(entry, (!bytes.is_empty()).then_some(bytes)).expect("memory takes it");
        }
    }
    writer.finish().expect("memory takes it").into_inner()
}

fn lzma2() -> Vec<EncoderConfiguration> {
    vec![Lzma2Options::from_level(1).into()]
}

fn aes() -> Vec<EncoderConfiguration> {
    vec![AesEncoderOptions::new(Password::from("password")).into(), Lzma2Options::from_level(1).into()]
}

fn rar(version: ArchiveVersion, change: impl FnOnce(Builder) -> Builder) -> Vec<u8> {
    let mut builder = change(Builder::new(version));
    for (name, bytes) in FILES {
        builder.add_bytes(name.into(), bytes.to_vec(), None, None).expect("memory takes it");
    }
    builder.to_bytes().expect("memory takes it")
}

/// A cabinet of one folder, whose blocks are packed.
fn cabinet(method: u16, blocks: &[(Vec<u8>, usize)], files: &[(&str, usize, usize)]) -> Vec<u8> {
    let names: usize = files.iter().map(|(name, ..)| 16 + name.len() + 1).sum();
    let data = 36 + 8 + names;
    let total = data + blocks.iter().map(|(packed, _)| 8 + packed.len()).sum::<usize>();
    let long = |number: usize| (number as u32).to_le_bytes();
    let short = |number: usize| (number as u16).to_le_bytes();
    let mut bytes = [&b"MSCF\0\0\0\0"[..], &long(total), &[0; 4], &long(44), &[0; 4], &[3, 1]].concat();
    [1, files.len(), 0, 7, 0].iter().for_each(|number| bytes.extend(short(*number)));
    bytes.extend([&long(data)[..], &short(blocks.len()), &method.to_le_bytes()].concat());
    for (name, start, len) in files {
        bytes.extend([&long(*len)[..], &long(*start), &[0; 8], name.as_bytes(), &[0]].concat());
    }
    for (packed, len) in blocks {
        bytes.extend([&[0; 4][..], &short(packed.len()), &short(*len), packed].concat());
    }
    bytes
}

/// The files of the test behind each other, and where they lie.
fn stream() -> (Vec<u8>, Vec<(&'static str, usize, usize)>) {
    let mut bytes = Vec::new();
    let files = FILES.map(|(name, content)| {
        bytes.extend_from_slice(content);
        (name, bytes.len() - content.len(), content.len())
    });
    (bytes, files.to_vec())
}

/// A block of deflate without anything to look back at.
fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::Compress::new(flate2::Compression::best(), false);
    let mut packed = Vec::with_capacity(bytes.len() + 100);
    encoder.compress_vec(bytes, &mut packed, flate2::FlushCompress::Finish).expect("memory takes it");
    [b"CK", packed.as_slice()].concat()
}

/// A block of LZX that holds its bytes as they are: the mark of no translation, the kind, the length, three distances.
fn lzx(bytes: &[u8]) -> Vec<u8> {
    let bits = 0b011_u32 << 28 | (bytes.len() as u32) << 4;
    let head = [(bits >> 16) as u16, bits as u16].map(u16::to_le_bytes).concat();
    let padding = if bytes.len() % 2 == 1 { &[0][..] } else { &[] };
    [&head, [1_u32, 1, 1].map(u32::to_le_bytes).concat().as_slice(), bytes, padding].concat()
}

#[test]
fn members_of_every_packing_come_whole() {
    let (bytes, files) = stream();
    let (first, second) = bytes.split_at(7);
    let rows: Vec<(&str, Kind, Vec<u8>)> = vec![
        ("7z", Kind::SevenZip, sevenz(lzma2(), false, false)),
        ("7z, solid", Kind::SevenZip, sevenz(lzma2(), true, false)),
        ("7z, stored", Kind::SevenZip, sevenz(vec![EncoderMethod::COPY.into()], false, false)),
        ("7z, bzip2", Kind::SevenZip, sevenz(vec![EncoderMethod::BZIP2.into()], false, false)),
        ("7z, ppmd", Kind::SevenZip, sevenz(vec![EncoderMethod::PPMD.into()], true, false)),
        ("rar 2.9", Kind::Rar, rar(ArchiveVersion::Rar29, |builder| builder)),
        ("rar 5", Kind::Rar, rar(ArchiveVersion::Rar50, |builder| builder)),
        ("rar 5, solid", Kind::Rar, rar(ArchiveVersion::Rar50, |builder| builder.solid(true))),
        ("rar 5, stored", Kind::Rar, rar(ArchiveVersion::Rar50, |builder| builder.store(true))),
        ("cab, stored", Kind::Cabinet, cabinet(0, &[(first.to_vec(), 7), (second.to_vec(), second.len())], &files)),
        ("cab, deflate", Kind::Cabinet, cabinet(1, &[(deflated(first), 7), (deflated(second), second.len())], &files)),
        ("cab, lzx", Kind::Cabinet, cabinet(15 << 8 | 3, &[(lzx(&bytes), bytes.len())], &files)),
    ];
    for (case, kind, archive) in rows {
        assert_whole(case, &read(kind, &archive));
    }
    let commented =
        read(Kind::Rar, &rar(ArchiveVersion::Rar50, |builder| builder.comment(Some(b"comment-marker".to_vec()))));
    assert_eq!(commented.at("comment:archive"), "comment-marker");
}

#[test]
fn blocks_of_a_cabinet_look_back() {
    let text = b"0123456789abcdef".repeat(2_000);
    let mut encoder = flate2::Compress::new(flate2::Compression::best(), false);
    encoder.set_dictionary(&text).expect("memory takes it");
    let mut packed = b"CK".to_vec();
    packed.reserve(40_000);
    encoder.compress_vec(&text, &mut packed, flate2::FlushCompress::Finish).expect("memory takes it");
    assert!(packed.len() < 200, "it repeats what came before");
    let archive = cabinet(1, &[(deflated(&text), text.len()), (packed, text.len())], &[("a.txt", 0, 2 * text.len())]);
    let read = read(Kind::Cabinet, &archive);
    assert_eq!(read.outcome, Outcome::COMPLETE, "{:?}", read.problems);
    assert!(read.children[0].1 == text.repeat(2));
}

#[test]
fn locked_members_are_named() {
    let locked = |builder: Builder| builder.password(Some(b"password".to_vec()));
    let hidden = move |builder: Builder| locked(builder).header_encryption(true);
    let rows: Vec<(&str, Kind, Vec<u8>, &str, bool)> = vec![
        ("7z", Kind::SevenZip, sevenz(aes(), false, false), "7z", true),
        ("7z, solid", Kind::SevenZip, sevenz(aes(), true, false), "7z", true),
        ("7z, names too", Kind::SevenZip, sevenz(aes(), false, true), "7z_headers", false),
        ("rar 2.9", Kind::Rar, rar(ArchiveVersion::Rar29, locked), "rar", true),
        ("rar 4, names too", Kind::Rar, rar(ArchiveVersion::Rar40, hidden), "rar_headers", false),
        ("rar 5", Kind::Rar, rar(ArchiveVersion::Rar50, locked), "rar", true),
        (
            "rar 5, solid",
            Kind::Rar,
            rar(ArchiveVersion::Rar50, move |builder| locked(builder).solid(true)),
            "rar",
            true,
        ),
        ("rar 5, names too", Kind::Rar, rar(ArchiveVersion::Rar50, hidden), "rar_headers", false),
    ];
    for (case, kind, archive, reason, is_named) in rows {
        let read = read(kind, &archive);
        assert_eq!(
            (read.outcome.completeness, read.outcome.reason),
            (Completeness::Encrypted, reason),
            "{case}: {read:?}"
        );
        let is_closed = |name: &str| read.closed.iter().any(|closed| *closed == (name.to_owned(), reason));
        assert_eq!(is_closed("first.txt") && is_closed("folder/second.txt"), is_named, "{case}: {read:?}");
        assert!(read.children.iter().all(|(_, bytes)| bytes.is_empty()), "{case}: {read:?}");
    }
}

#[test]
fn broken_archives_give_what_they_hold() {
    let (bytes, files) = stream();
    let broken = |mut archive: Vec<u8>, marker: &[u8]| {
        let at = archive.windows(marker.len()).position(|window| window == marker).expect("it is stored");
        archive[at] ^= 0xFF;
        archive
    };
    let stored = sevenz(vec![EncoderMethod::COPY.into()], false, false);
    let rar = rar(ArchiveVersion::Rar50, |builder| builder.store(true));
    let next = cabinet(0, &[(bytes[..20].to_vec(), 20), (b"more".to_vec(), 0)], &files);
    let rows: Vec<(&str, Kind, Vec<u8>, &str, bool)> = vec![
        ("7z, another byte", Kind::SevenZip, broken(stored.clone(), b"first-marker"), "bad_data", true),
        ("7z, cut", Kind::SevenZip, stored[..stored.len() - 10].to_vec(), "bad_structure", false),
        ("7z, no archive", Kind::SevenZip, stored[..40].to_vec(), "bad_structure", false),
        ("rar, another byte", Kind::Rar, broken(rar.clone(), b"first-marker"), "bad_data", true),
        (
            "cab, cut in a block",
            Kind::Cabinet,
            cabinet(0, &[(bytes.clone(), bytes.len())], &files)[..140].to_vec(),
            "bad_data",
            false,
        ),
        ("cab, goes on elsewhere", Kind::Cabinet, next, "multi_volume", false),
        ("cab, quantum", Kind::Cabinet, cabinet(2, &[(bytes.clone(), bytes.len())], &files), "archive_method", false),
        ("cab, no lists", Kind::Cabinet, cabinet(0, &[], &files)[..37].to_vec(), "bad_structure", false),
    ];
    for (case, kind, archive, reason, has_second) in rows {
        let read = read(kind, &archive);
        assert_eq!(read.outcome.reason, reason, "{case}: {read:?}");
        let second = read.children.iter().any(|(_, bytes)| bytes == b"second-marker ");
        assert_eq!(second, has_second, "{case}: {read:?}");
    }
}

/// An archive of one file.
fn packed(kind: Kind, content: &[u8]) -> Vec<u8> {
    match kind {
        Kind::SevenZip => {
            let mut writer = ArchiveWriter::new(Cursor::new(Vec::new())).expect("memory takes it");
            writer.push_archive_entry(ArchiveEntry::new_file("large"), Some(content)).expect("memory takes it");
            writer.finish().expect("memory takes it").into_inner()
        }
        Kind::Rar => {
            let mut builder = Builder::new(ArchiveVersion::Rar50);
            builder.add_bytes(b"large".to_vec(), content.to_vec(), None, None).expect("memory takes it");
            builder.to_bytes().expect("memory takes it")
        }
        _ => cabinet(0, &[(content.to_vec(), content.len())], &[("large", 0, content.len())]),
    }
}

#[test]
fn large_members_come_in_pieces_or_are_cut_and_say_so() {
    let limits = Limits { held_bytes_max: 1_000, ..Limits::inline() };
    let content = b"0123456789".repeat(1_000);
    for kind in [Kind::SevenZip, Kind::Rar] {
        let read = read_kind(&parser(), kind, &packed(kind, &content), &limits);
        assert_eq!(read.outcome, Outcome::COMPLETE, "{kind}: {read:?}");
        assert!(read.children[0].1 == content, "{kind}");
        let long: Vec<u8> = (0..800_000_u32).flat_map(u32::to_le_bytes).collect();
        let read = read_kind(&parser(), kind, &packed(kind, &long), &Limits::inline());
        assert!(read.children.len() == 1 && read.children[0].1 == long, "{kind}: {:?}", read.problems);
        let archive = packed(kind, &long);
        let broken = read_kind(&parser(), kind, &archive[..archive.len() * 2 / 3], &Limits::inline());
        assert_ne!(broken.outcome, Outcome::COMPLETE, "{kind}: {:?}", broken.problems);
    }
    let read = read_kind(&parser(), Kind::Cabinet, &packed(Kind::Cabinet, &content), &limits);
    assert_eq!(read.reasons(), ["held_bytes_max"], "{read:?}");
    assert!(read.children[0].1 == content[..1_000]);
}

#[test]
fn files_that_nobody_reads_are_passed_over() {
    let long = vec![b'x'; 5_000_000];
    let mut writer = ArchiveWriter::new(Cursor::new(Vec::new())).expect("memory takes it");
    for name in ["first", "second"] {
        writer.push_archive_entry(ArchiveEntry::new_file(name), Some(long.as_slice())).expect("memory takes it");
    }
    let archive = writer.finish().expect("memory takes it").into_inner();
    let mut names = Vec::new();
    let outcome = parser().parse(Kind::SevenZip, &archive, &Limits::inline(), &mut |frame| {
        if let RiskyFrame::File { name, .. } = frame {
            names.push(name.to_owned());
        }
        Flow::Continue
    });
    assert_eq!((outcome, names), (Outcome::COMPLETE, vec!["first".to_owned(), "second".to_owned()]));
}

/// Remembers the items and their text.
#[derive(Default)]
struct Items {
    names: Vec<String>,
    text: String,
    reasons: Vec<&'static str>,
}

impl Sink for Items {
    fn enter(&mut self, item: &ItemStart<'_>) -> Flow {
        self.names.push(format!("{} {}", item.kind, item.name));
        Flow::Continue
    }

    fn text(&mut self, segment: &Segment<'_>) -> Flow {
        self.text.push_str(&String::from_utf8_lossy(segment.text));
        Flow::Continue
    }

    fn problem(&mut self, problem: Problem) {
        self.reasons.push(problem.reason);
    }

    fn leave(&mut self, _: &Outcome) {}
}

fn walk(bytes: &[u8], limits: &Limits) -> (Items, Outcome) {
    let (parser, cancel, mut items) = (parser(), Cancel::default(), Items::default());
    let extraction = Extraction { limits, cancel: &cancel, risky: Some(&parser) };
    let outcome = extract("archive", Input::Bytes(bytes), extraction, &mut items);
    (items, outcome)
}

#[test]
fn members_are_inspected_like_any_other_file() {
    let mut inner = Builder::new(ArchiveVersion::Rar50);
    inner.add_bytes(b"note.txt".to_vec(), b"inner-marker".to_vec(), None, None).expect("memory takes it");
    let mut writer = ArchiveWriter::new(Cursor::new(Vec::new())).expect("memory takes it");
    let inner = inner.to_bytes().expect("memory takes it");
    writer.push_archive_entry(ArchiveEntry::new_file("inner.rar"), Some(inner.as_slice())).expect("memory takes it");
    let archive = [writer.finish().expect("memory takes it").into_inner(), b"behind-marker".to_vec()].concat();
    let (items, outcome) = walk(&archive, &Limits::inline());
    assert_eq!(outcome, Outcome::COMPLETE, "{:?}", items.reasons);
    assert_eq!(items.names, ["7z archive", "rar inner.rar", "text note.txt", "text "]);
    assert!(items.text.contains("inner-marker") && items.text.contains("behind-marker"), "{}", items.text);
}

#[test]
fn bombs_end_at_a_bound() {
    let zeros = vec![0; 1_000_000];
    let mut writer = ArchiveWriter::new(Cursor::new(Vec::new())).expect("memory takes it");
    for index in 0..6 {
        let entry = ArchiveEntry::new_file(&format!("{index}"));
        writer.push_archive_entry(entry, Some(zeros.as_slice())).expect("memory takes it");
    }
    let bomb = writer.finish().expect("memory takes it").into_inner();
    let limits = Limits { ratio_grace_bytes: 2_000_000, ..Limits::inline() };
    let (items, outcome) = walk(&bomb, &limits);
    assert_eq!((outcome.completeness, items.reasons), (Completeness::Partial, vec!["ratio_max"]));
    let limits = Limits::inline();
    for kind in [Kind::SevenZip, Kind::Rar] {
        let (items, outcome) = walk(&packed(kind, &vec![b'0'; 40_000_000]), &limits);
        assert_eq!((outcome.completeness, outcome.reason), (Completeness::Partial, "ratio_max"), "{:?}", items.reasons);
        assert!(items.text.len() as u64 <= limits.ratio_grace_bytes + 1_000_000, "{kind}: {}", items.text.len());
    }
    let limits = Limits { inflated_bytes_max: 2_500_000, ratio_max: u64::MAX, ..Limits::inline() };
    let (items, outcome) = walk(&bomb, &limits);
    assert_eq!((outcome.completeness, items.reasons), (Completeness::Partial, vec!["inflated_bytes_max"]));
}

#[test]
fn what_stands_behind_a_bomb_is_read() {
    let mut writer = ArchiveWriter::new(Cursor::new(Vec::new())).expect("memory takes it");
    let zeros = vec![b'0'; 40_000_000];
    for (name, content) in [("a.bin", zeros.as_slice()), ("b.txt", b"behind-marker")] {
        writer.push_archive_entry(ArchiveEntry::new_file(name), Some(content)).expect("memory takes it");
    }
    let (items, outcome) = walk(&writer.finish().expect("memory takes it").into_inner(), &Limits::inline());
    assert_eq!((outcome.completeness, outcome.reason), (Completeness::Partial, "ratio_max"), "{:?}", items.reasons);
    assert!(items.text.contains("behind-marker"), "{:?}", items.names);
}

#[test]
fn what_stands_behind_a_bomb_in_rar_is_read_or_named() {
    let archive = |zeros: &[usize], is_solid: bool| {
        let mut builder = Builder::new(ArchiveVersion::Rar50).solid(is_solid);
        for (index, len) in zeros.iter().enumerate() {
            builder.add_bytes(format!("{index}.bin").into(), vec![b'0'; *len], None, None).expect("memory takes it");
        }
        builder.add_bytes("z.txt".into(), b"behind-marker".to_vec(), None, None).expect("memory takes it");
        builder.to_bytes().expect("memory takes it")
    };
    let limits = Limits { ratio_grace_bytes: 2_000_000, ..Limits::inline() };
    for is_solid in [false, true] {
        let (items, outcome) = walk(&archive(&[10_000_000], is_solid), &limits);
        assert_eq!((outcome.completeness, items.reasons.as_slice()), (Completeness::Partial, &["ratio_max"][..]));
        assert!(items.text.contains("behind-marker"), "{is_solid}: {:?}", items.names);
    }
    // More than is unpacked for what stands behind: members that need none of it are read all the same.
    let large = [150_000_000];
    let (items, _) = walk(&archive(&large, false), &limits);
    assert!(items.text.contains("behind-marker"), "{:?}", items.names);
    let (items, _) = walk(&archive(&large, true), &limits);
    assert!(!items.text.contains("behind-marker"), "{:?}", items.names);
    assert_eq!(items.reasons, ["ratio_max", "passed_bytes_max"]);
}

#[test]
fn bytes_of_cabinets_that_no_file_covers_are_read() {
    let holds = |bytes: &[u8], marker: &str| {
        let read = read(Kind::Cabinet, bytes);
        read.children.iter().any(|(_, bytes)| memchr::memmem::find(bytes, marker.as_bytes()).is_some())
    };
    let content = b"file-marker and behind-marker";
    let files = [("a.txt", 0, 11)];
    let stored = cabinet(0, &[(content.to_vec(), content.len())], &files);
    assert!(holds(&stored, "behind-marker"), "behind the last file of a folder");
    let packed = [deflated(b"file-marker"), b"behind-marker".to_vec()].concat();
    assert!(holds(&cabinet(1, &[(packed, 11)], &files), "behind-marker"), "behind the packed bytes of a block");
    // Room between the list of files and the blocks.
    let mut gap = cabinet(0, &[(b"file-marker".to_vec(), 11)], &files);
    let data = gap.len() - 19;
    gap.splice(data..data, *b"gap-marker");
    let long = |number: usize| (number as u32).to_le_bytes();
    gap[36..40].copy_from_slice(&long(data + 10));
    let total = gap.len();
    gap[8..12].copy_from_slice(&long(total));
    assert!(holds(&gap, "gap-marker"), "between the parts of the cabinet");
    assert!(holds(&gap, "file-marker"));
    let plain = read(Kind::Cabinet, &cabinet(0, &[(b"file-marker".to_vec(), 11)], &files));
    assert_eq!(plain.children.len(), 1, "{plain:?}");
}

#[test]
fn folders_without_files_that_share_their_blocks_are_read_once() {
    let content = b"file-marker and behind-marker";
    let mut bytes = cabinet(0, &[(content.to_vec(), content.len())], &[("a.txt", 0, 11)]);
    // Two hundred folders more, all of them with the same blocks.
    let (count, short) = (200, |number: usize| (number as u16).to_le_bytes());
    let moved = |bytes: &mut Vec<u8>, at: usize| {
        let number = u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
        bytes[at..at + 4].copy_from_slice(&(number + 8 * count as u32).to_le_bytes());
    };
    [8, 16, 36].iter().for_each(|at| moved(&mut bytes, *at));
    bytes[26..28].copy_from_slice(&short(1 + count));
    let folder = bytes[36..44].to_vec();
    bytes.splice(44..44, folder.repeat(count));
    let read = read(Kind::Cabinet, &bytes);
    let holding: usize =
        read.children.iter().map(|(_, bytes)| memchr::memmem::find_iter(bytes, b"behind-marker").count()).sum();
    assert_eq!(holding, 1, "{read:?}");
    assert!(read.problems.iter().any(|problem| problem.reason == "overlap"), "{:?}", read.problems);
}

/// A cabinet of stored blocks with a folder for each entry: its first block and how many, and one file in all of it.
fn cabinet_of_folders(blocks: &[&[u8]], folders: &[(usize, usize)]) -> Vec<u8> {
    let (long, short) = (|number: usize| (number as u32).to_le_bytes(), |number: usize| (number as u16).to_le_bytes());
    let (files_at, name) = (36 + 8 * folders.len(), b"f\0");
    let data_at = files_at + folders.len() * (16 + name.len());
    let starts: Vec<usize> =
        (0..=blocks.len()).map(|n| data_at + blocks[..n].iter().map(|b| 8 + b.len()).sum::<usize>()).collect();
    let mut bytes =
        [&b"MSCF\0\0\0\0"[..], &long(starts[blocks.len()]), &[0; 4], &long(files_at), &[0; 4], &[3, 1]].concat();
    [folders.len(), folders.len(), 0, 0, 0].iter().for_each(|number| bytes.extend(short(*number)));
    for (first, count) in folders {
        bytes.extend([&long(starts[*first])[..], &short(*count), &short(0)].concat());
    }
    for (folder, (first, count)) in folders.iter().enumerate() {
        let len = blocks[*first..first + count].iter().map(|block| block.len()).sum();
        bytes.extend([&long(len)[..], &long(0), &short(folder), &[0; 6], name].concat());
    }
    for block in blocks {
        bytes.extend([&[0; 4][..], &short(block.len()), &short(block.len()), block].concat());
    }
    bytes
}

#[test]
fn folders_with_files_that_share_their_blocks_cost_no_more_than_a_few_readings() {
    let block = [b'x'; 30_000];
    let blocks: Vec<&[u8]> = (0..20).map(|_| &block[..]).chain([&b"last-marker"[..]]).collect();
    let check = |folders: &[(usize, usize)], readings: std::ops::RangeInclusive<usize>| {
        let read = read(Kind::Cabinet, &cabinet_of_folders(&blocks, folders));
        let all = read.children.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() / (20 * block.len());
        assert!(readings.contains(&all), "{folders:?}: read {all} times, {:?}", read.problems);
        let shared = folders.len() > 1;
        assert_eq!(read.problems.iter().any(|problem| problem.reason == "overlap"), shared, "{:?}", read.problems);
        assert_eq!(read.children.len() + read.closed.len(), folders.len(), "each file is named");
    };
    check(&[(0, 21)], 1..=1);
    check(&[(0, 21), (0, 20)], 1..=2);
    // A folder from each block on: half of twenty readings without a bound.
    let shifted: Vec<(usize, usize)> = (0..20).map(|first| (first, 21 - first)).collect();
    check(&shifted, 3..=6);
}
