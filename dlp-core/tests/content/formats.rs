//! Text in its character sets, archives, and what is inside what.

use crate::support::*;
use dlp_core::content::{Completeness, Input, Kind, Relation, Role};
use dlp_core::text::original_offset;
use dlp_core::{base::Problem, content};

const POLISH: &str = "Zażółć gęślą jaźń. Numer PESEL świadka: 44051401458.\n";

fn utf16(text: &str, mark: bool) -> Vec<u8> {
    let units = mark.then_some(0xFEFF).into_iter().chain(text.encode_utf16());
    units.flat_map(u16::to_le_bytes).collect()
}

#[test]
fn texts_of_every_set_become_utf8() {
    let rows: Vec<(&str, Vec<u8>)> = vec![
        ("utf-8", POLISH.as_bytes().to_vec()),
        ("utf-8 with mark", [b"\xEF\xBB\xBF", POLISH.as_bytes()].concat()),
        ("utf-16 le with mark", utf16(POLISH, true)),
        ("utf-16 le", utf16(POLISH, false)),
        ("utf-16 be", POLISH.encode_utf16().flat_map(u16::to_be_bytes).collect()),
        ("utf-32 le", utf32(POLISH, u32::to_le_bytes)),
        ("utf-32 be", utf32(POLISH, u32::to_be_bytes)),
        ("utf-32 le with mark", utf32(&format!("\u{feff}{POLISH}"), u32::to_le_bytes)),
        ("utf-32 be with mark", utf32(&format!("\u{feff}{POLISH}"), u32::to_be_bytes)),
        ("utf-8 behind the mark of utf-16 le", [b"\xFF\xFE", POLISH.as_bytes()].concat()),
        ("utf-8 behind the mark of utf-16 be", [b"\xFE\xFF", POLISH.as_bytes()].concat()),
        ("windows-1250", encoding_rs::WINDOWS_1250.encode(POLISH).0.into_owned()),
        ("iso-8859-2", encoding_rs::ISO_8859_2.encode(POLISH).0.into_owned()),
    ];
    for (case, bytes) in rows {
        for seen in [walk("a.txt", &bytes), stream("a.txt", &bytes)] {
            assert_eq!(seen.items[0].kind, Kind::Text, "{case}");
            assert_eq!(seen.role(Role::Raw), "", "{case}");
            assert_eq!(seen.role(Role::Body), POLISH, "{case}");
            assert_eq!(seen.completeness(), Completeness::Complete, "{case}");
        }
    }
}

fn utf32(text: &str, write: fn(u32) -> [u8; 4]) -> Vec<u8> {
    text.chars().flat_map(|c| write(u32::from(c))).collect()
}

#[test]
fn text_of_another_width_is_read_too() {
    let number = "pesel 44051401458";
    let (wide, big) = (utf16(number, false), number.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>());
    let lines = "a line of a log\n".repeat(20_000);
    let rows: Vec<(&str, Vec<u8>, bool)> = vec![
        ("ascii behind utf-16", [utf16(POLISH, true), number.into()].concat(), true),
        ("ascii behind much utf-16", [utf16(&lines, true), number.into()].concat(), true),
        ("ascii in utf-32", [utf32(POLISH, u32::to_le_bytes), number.into()].concat(), true),
        ("utf-16 behind much ascii", [lines.as_bytes(), &wide].concat(), true),
        ("utf-16 behind much ascii, high byte first", [lines.as_bytes(), &big].concat(), true),
        ("a false mark, then utf-16 behind much ascii", [b"\xff\xfe", lines.as_bytes(), &wide].concat(), true),
        ("utf-16 in a program", [&[0x7f, 1, 2, 3, 0, 0, 1][..], &wide, &[3, 4]].concat(), false),
        ("utf-16 in a program, high byte first", [&[0x7f, 1, 2, 3, 9, 9, 1][..], &big, &[3, 4]].concat(), false),
    ];
    for (case, bytes, is_text) in rows {
        let in_archive = zip(&[("a.bin", &bytes)]);
        for seen in [walk("a", &bytes), stream("a", &bytes), walk("a.zip", &in_archive), stream("a.zip", &in_archive)] {
            let item = seen.items.last().expect("there is an item");
            assert_eq!(item.kind, if is_text { Kind::Text } else { Kind::Binary }, "{case}");
            assert!(seen.role(Role::Raw).contains(number), "{case}: {:?}", seen.role(Role::Raw));
            assert_eq!(seen.completeness(), Completeness::Complete, "{case}");
        }
    }
}

#[test]
fn a_set_that_changes_half_way_is_followed() {
    let ascii = "plain line\n".repeat(20_000);
    let late = encoding_rs::WINDOWS_1250.encode("świadectwo żółwia\n").0.repeat(10);
    let bytes = [ascii.as_bytes(), &late, ascii.as_bytes()].concat();
    let expected = format!("{ascii}{}{ascii}", "świadectwo żółwia\n".repeat(10));
    let found = walk("a.log", &bytes).role(Role::Body);
    let differs = found.bytes().zip(expected.bytes()).position(|(a, b)| a != b).unwrap_or(0);
    assert!(found == expected, "{:?}", found.get(differs.saturating_sub(20)..differs + 40));
    assert!(stream("a.log", &bytes).role(Role::Body) == expected);
}

/// Collects where the characters of a text come from.
struct Places {
    found: Vec<(char, u64)>,
}

impl content::Sink for Places {
    fn enter(&mut self, _: &content::ItemStart<'_>) -> content::Flow {
        content::Flow::Continue
    }

    fn text(&mut self, segment: &content::Segment<'_>) -> content::Flow {
        let text = std::str::from_utf8(segment.text).expect("these texts are UTF-8");
        for (at, c) in text.char_indices() {
            let offset = match segment.origin {
                content::Origin::Bytes(start) => start + at as u64,
                content::Origin::Mapped(runs) => original_offset(runs, at as u32).expect("every character has a run"),
                content::Origin::None => panic!("plain texts have origins"),
            };
            self.found.push((c, offset));
        }
        content::Flow::Continue
    }

    fn problem(&mut self, problem: Problem) {
        panic!("{problem:?}");
    }

    fn leave(&mut self, _: &content::Outcome) {}
}

#[test]
fn offsets_of_transcoded_text_point_at_the_same_character() {
    let text = POLISH.repeat(9_000);
    type Encode = fn(char) -> Vec<u8>;
    let sets: [(&str, Vec<u8>, Encode); 3] = [
        ("utf-16", utf16(&text, true), |c| utf16(&c.to_string(), false)),
        ("windows-1250", encoding_rs::WINDOWS_1250.encode(&text).0.into_owned(), |c| {
            encoding_rs::WINDOWS_1250.encode(&c.to_string()).0.into_owned()
        }),
        ("utf-8", text.clone().into_bytes(), |c| c.to_string().into_bytes()),
    ];
    for (case, bytes, encode) in sets {
        let (limits, cancel) = (limits(), dlp_core::base::Cancel::default());
        let mut places = Places { found: Vec::new() };
        let extraction = content::Extraction { limits: &limits, cancel: &cancel, risky: None };
        content::extract("a.txt", Input::Stream(&mut bytes.as_slice()), extraction, &mut places);
        assert_eq!(places.found.len(), text.chars().count(), "{case}");
        for (c, offset) in places.found {
            assert!(bytes[offset as usize..].starts_with(&encode(c)), "{case}: {c:?} at {offset}");
        }
    }
}

#[test]
fn long_texts_pass_in_small_pieces() {
    let mut reader = std::io::Read::take(std::io::repeat(b'a'), 40_000_000);
    struct Count(u64, usize);
    impl content::Sink for Count {
        fn enter(&mut self, _: &content::ItemStart<'_>) -> content::Flow {
            content::Flow::Continue
        }
        fn text(&mut self, segment: &content::Segment<'_>) -> content::Flow {
            self.0 += segment.text.len() as u64;
            self.1 = self.1.max(segment.text.len());
            content::Flow::Continue
        }
        fn problem(&mut self, _: Problem) {}
        fn leave(&mut self, _: &content::Outcome) {}
    }
    let (limits, cancel) = (limits(), dlp_core::base::Cancel::default());
    let extraction = content::Extraction { limits: &limits, cancel: &cancel, risky: None };
    let mut count = Count(0, 0);
    let outcome = content::extract("long", Input::Stream(&mut reader), extraction, &mut count);
    assert_eq!((outcome, count.0), (content::Outcome::COMPLETE, 40_000_000));
    assert!(count.1 <= 256 * 1024, "{} bytes at once", count.1);
}

#[test]
fn containers_are_entered_and_named() {
    let text = b"secret-marker";
    let rows: Vec<(&str, &str, Vec<u8>)> = vec![
        ("zip", "a.zip", zip(&[("dir/x.txt", text)])),
        ("stored zip", "a.zip", zip_with(&[("dir/x.txt", text)], zip::CompressionMethod::Stored)),
        ("bzip2 in zip", "a.zip", zip_with(&[("dir/x.txt", text)], zip::CompressionMethod::Bzip2)),
        ("xz in zip", "a.zip", zip_with(&[("dir/x.txt", text)], zip::CompressionMethod::Xz)),
        ("PPMd in zip", "a.zip", zip_with(&[("dir/x.txt", text)], zip::CompressionMethod::Ppmd)),
        ("tar", "a.tar", tar(&[("dir/x.txt", text)])),
        ("gzip", "dir/x.txt.gz", gzip(text)),
        ("bzip2", "dir/x.txt.bz2", bzip2(text)),
        ("two bzip2 streams", "dir/x.txt.bz2", [bzip2(b"first "), bzip2(text)].concat()),
        ("tar.bz2", "a.tbz2", bzip2(&tar(&[("dir/x.txt", text)]))),
        ("xz", "dir/x.txt.xz", xz(text)),
        ("two xz streams", "dir/x.txt.xz", [xz(b"first "), xz(text)].concat()),
        ("tar.xz", "a.txz", xz(&tar(&[("dir/x.txt", text)]))),
        ("tar.gz", "a.tgz", gzip(&tar(&[("dir/x.txt", text)]))),
        ("zip in zip", "a.zip", zip(&[("b.zip", &zip(&[("dir/x.txt", text)]))])),
        ("gzip in tar in zip", "a.zip", zip(&[("b.tar", &tar(&[("x.txt.gz", &gzip(text))]))])),
    ];
    for (case, name, bytes) in rows {
        for seen in [walk(name, &bytes), stream(name, &bytes)] {
            assert!(seen.role(Role::Body).contains("secret-marker"), "{case}: {seen:?}");
            let last = seen.items.last().expect("there is an item");
            assert!(last.path.ends_with("x.txt") && last.relation == Relation::Member, "{case}: {last:?}");
            assert_eq!(seen.completeness(), Completeness::Complete, "{case}: {:?}", seen.reasons);
            assert!(seen.role(Role::FileName).contains("x.txt"), "{case}");
        }
    }
}

/// An archive whose one member has this method, data and content.
fn zip_of_method(method: u16, data: &[u8], content: &[u8]) -> Vec<u8> {
    let mut bytes = zip_with(&[("dir/x.txt", data)], zip::CompressionMethod::Stored);
    let central = bytes.windows(4).position(|window| window == b"PK\x01\x02").expect("there is a directory");
    for (at, sizes) in [(8, 14), (central + 10, central + 16)] {
        bytes[at..at + 2].copy_from_slice(&method.to_le_bytes());
        bytes[sizes..sizes + 4].copy_from_slice(&crc32fast::hash(content).to_le_bytes());
        bytes[sizes + 8..sizes + 12].copy_from_slice(&(content.len() as u32).to_le_bytes());
    }
    bytes
}

#[test]
fn members_of_zstd_are_read_with_what_their_frames_hide() {
    let frame = [&b"\x28\xb5\x2f\xfd\x20\x07\x39\0\0"[..], b"packed "].concat();
    let skipped = [&b"\x50\x2a\x4d\x18\x0d\0\0\0"[..], b"hidden-marker"].concat();
    for method in [93, 20] {
        let seen = walk("a.zip", &zip_of_method(method, &[frame.clone(), frame.clone()].concat(), b"packed packed "));
        assert_eq!((seen.reasons.as_slice(), seen.holds("packed packed ")), (&[][..], true), "{:?}", seen.items);
        let seen = walk("a.zip", &zip_of_method(method, &[frame.clone(), skipped.clone()].concat(), b"packed "));
        assert!(seen.holds("packed ") && seen.holds("hidden-marker"), "{seen:?}");
        let seen = walk("a.zip", &zip_of_method(method, &frame, b"other"));
        assert_eq!((seen.reasons.as_slice(), seen.holds("packed ")), (&["crc"][..], true));
    }
}

#[test]
fn members_that_ask_for_much_memory_are_not_unpacked() {
    // Order 16, 256 MiB; and a dictionary of 1 GiB.
    let ppmd = [&0x0FFF_u16.to_le_bytes()[..], &[0; 60]].concat();
    let lzma = [&b"\x09\x14\x05\0\x5d\0\0\0\x40"[..], &[0; 60]].concat();
    for (method, data) in [(98, ppmd), (14, lzma)] {
        let seen = walk("a.zip", &zip_of_method(method, &data, b"some text"));
        assert_eq!(seen.reasons, ["dictionary_bytes_max"], "{method}");
    }
}

#[test]
fn packed_streams_that_break_are_damaged_and_bounded() {
    // Digits that do not pack well: xz gives nothing of the 64 KiB in which its data breaks.
    let text = (0..60_000_u32).map(|number| number.wrapping_mul(2_654_435_761).to_string()).collect::<String>();
    for (case, name, packed) in [("bzip2", "a.bz2", bzip2(text.as_bytes())), ("xz", "a.xz", xz(text.as_bytes()))] {
        let cut = walk(name, &packed[..packed.len() / 2]);
        assert_eq!(cut.completeness(), Completeness::Damaged, "{case}: {:?}", cut.reasons);
        let read = cut.role(Role::Body);
        assert!(read.len() > 100_000 && text.starts_with(&read), "{case}: {} bytes before the break", read.len());
        let behind = walk(name, &[&packed[..], b"something else"].concat());
        assert_ne!(behind.completeness(), Completeness::Complete, "{case}");
        let small = dlp_core::base::Limits { member_bytes_max: 100_000, ..limits() };
        let bounded = walk_with(name, &packed, &small, None);
        assert_eq!(bounded.completeness(), Completeness::Partial, "{case}: {:?}", bounded.reasons);
    }
}

#[test]
fn streams_of_real_programs_are_unpacked() {
    let text: String = (0..4000_u64).map(|i| format!("{}\n", i * i % 9973)).collect();
    let seen = walk("streams.tar.xz", include_bytes!("fixtures/streams.tar.xz"));
    assert_eq!(seen.completeness(), Completeness::Complete, "{:?}", seen.reasons);
    let kinds = [
        ("text.Z", Kind::Compress),
        ("cleared.Z", Kind::Compress),
        ("text.lz", Kind::Lzip),
        ("text.lzma", Kind::Lzma),
        ("text.lz4", Kind::Lz4),
        ("old.lz4", Kind::Lz4),
        ("text.zst", Kind::Zstd),
    ];
    for (name, kind) in kinds {
        let path = format!("streams.tar.xz/streams.tar/{name}");
        let at = seen.items.iter().position(|item| item.path == path).expect("it is in the archive");
        assert_eq!(seen.items[at].kind, kind);
        let inner = &seen.items[at + 1].path;
        let found = seen.text.iter().filter(|((of, role, _), _)| of == inner && *role != "file-name");
        let found: String = found.map(|(_, text)| text.as_str()).collect();
        match name {
            "cleared.Z" => assert!(found.starts_with(&text) && found.ends_with(&text), "{name}"),
            _ => assert!(found == text, "{name}"),
        }
    }
}

#[test]
fn what_headers_of_archives_say_besides_is_read() {
    let says = "pesel 44051401458";
    let field = |id: u16, body: &[u8]| [&id.to_le_bytes()[..], &(body.len() as u16).to_le_bytes(), body].concat();
    // Fields of known numbers are not taken by the writer, so the number is put in later.
    let with_field = |id: u16, body: &[u8]| {
        let mut options = zip::write::FullFileOptions::default();
        options.add_extra_field(0x4141, body.to_vec().into_boxed_slice(), false).expect("the field is short");
        let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        writer.start_file("a.txt", options).expect("memory takes every file");
        let mut bytes = writer.finish().expect("memory takes the end").into_inner();
        let (written, wanted) = (field(0x4141, body), field(id, body));
        let is_written = |at: &usize| bytes[*at..].starts_with(&written);
        let places: Vec<_> = (0..bytes.len()).filter(is_written).collect();
        assert!(!places.is_empty(), "the field was written");
        places.into_iter().for_each(|at| bytes[at..at + wanted.len()].copy_from_slice(&wanted));
        bytes
    };
    let pax = |key: &str, value: &str| {
        let mut builder = tar::Builder::new(Vec::new());
        builder.append_pax_extensions([(key, value.as_bytes())]).expect("memory takes every record");
        let mut header = tar::Header::new_ustar();
        header.set_size(0);
        header.set_cksum();
        builder.append_data(&mut header, "a.txt", &b""[..]).expect("memory takes every file");
        builder.into_inner().expect("memory takes the end")
    };
    let packed = flate2::GzBuilder::new().extra(field(0x4141, says.as_bytes()));
    let packed = packed.write(Vec::new(), flate2::Compression::fast()).finish().expect("memory takes the end");
    let rows: Vec<(&str, Vec<u8>, bool)> = vec![
        ("a.zip", with_field(0x4141, says.as_bytes()), true),
        ("a.zip", with_field(0x9999, b"\0\0\x01\x02"), false),
        // Times and keys of ciphers say nothing; words in their place do.
        ("a.zip", with_field(0x5855, b"\x41\x42\x43\x61\x44\x45\x46\x61\0\x10\0\x10"), false),
        ("a.zip", with_field(0x5455, says.as_bytes()), true),
        ("a.zip", with_field(0x5855, says.as_bytes()), true),
        ("a.zip", with_field(0x7875, says.as_bytes()), true),
        ("a.zip", with_field(0x000A, says.as_bytes()), true),
        ("a.zip", with_field(0xCAFE, says.as_bytes()), true),
        ("a.tar", pax("comment", says), true),
        ("a.tar", pax("SCHILY.xattr.user.note", says), true),
        ("a.tar", pax("mtime", "1700000000.123"), false),
        ("a.gz", packed, true),
    ];
    for (name, bytes, is_said) in rows {
        let seen = walk(name, &bytes);
        assert_eq!(seen.completeness(), Completeness::Complete, "{name}: {:?}", seen.reasons);
        assert_eq!(seen.role(Role::ArchiveComment).contains(says), is_said, "{name}: {:?}", seen.text);
        assert_eq!(seen.role(Role::ArchiveComment).is_empty(), !is_said, "{name}: {:?}", seen.text);
    }
}

/// An archive of a header of a type with a body, and of one file behind it.
fn tar_with(kind: u8, body: &[u8], file: Option<&[u8]>) -> Vec<u8> {
    let entry = |kind: u8, name: &str, body: &[u8]| {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(tar::EntryType::new(kind));
        header.set_path(name).expect("the name is short");
        header.set_size(body.len() as u64);
        header.set_cksum();
        let padding = vec![0; body.len().next_multiple_of(512) - body.len()];
        [header.as_bytes(), body, &padding].concat()
    };
    let file = file.map(|file| entry(b'0', "a.txt", file)).unwrap_or_default();
    [entry(kind, "headers", body), file, vec![0; 1024]].concat()
}

/// A record as its length says.
fn pax_record(key: &str, value: &[u8]) -> Vec<u8> {
    let rest = 3 + key.len() + value.len();
    let len = (rest..).find(|len| rest + len.to_string().len() == *len).expect("some length fits");
    [format!("{len} {key}=").as_bytes(), value, b"\n"].concat()
}

#[test]
fn records_of_tar_headers_are_split_as_they_say_and_the_rest_is_handed_out() {
    use Completeness::{Complete, Damaged};
    let says = "pesel 44051401458";
    let record = |key: &str| pax_record(key, says.as_bytes());
    let lines = pax_record("comment", format!("first\n{says}\nlast").as_bytes());
    let raw = |front: &str| format!("{front}{says}\n").into_bytes();
    let utf16: Vec<u8> = [0xFEFF].into_iter().chain(says.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let packed = pax_record("SCHILY.xattr.user.file", &zip(&[("b.txt", says.as_bytes())]));
    let size = |len: &str| [pax_record("size", len.as_bytes()), record("comment")].concat();
    let rows: Vec<(&str, Vec<u8>, Completeness)> = vec![
        ("lines", tar_with(b'x', &lines, Some(b"text")), Complete),
        (
            "lines before more",
            tar_with(b'x', &[pax_record("a", b"\n\n"), record("b")].concat(), Some(b"text")),
            Complete,
        ),
        ("too long", tar_with(b'x', &raw("999 comment="), Some(b"text")), Damaged),
        ("too short", tar_with(b'x', &raw("5 comment="), Some(b"text")), Damaged),
        ("no length", tar_with(b'x', &raw("comment="), Some(b"text")), Damaged),
        ("zeros", tar_with(b'x', &raw("\0\0"), Some(b"text")), Damaged),
        ("behind a right one", tar_with(b'x', &[pax_record("a", b"b"), raw("")].concat(), Some(b"text")), Damaged),
        ("key ends in id", tar_with(b'x', &record("SCHILY.xattr.user.customerid"), Some(b"text")), Complete),
        ("key ends in time", tar_with(b'x', &record("SCHILY.xattr.user.lunchtime"), Some(b"text")), Complete),
        ("number", tar_with(b'x', &record("uid"), Some(b"text")), Complete),
        ("charset", tar_with(b'x', &record("charset"), Some(b"text")), Complete),
        ("path", tar_with(b'x', &[pax_record("path", b"a.txt"), record("path")].concat(), Some(b"text")), Complete),
        ("UTF-16", tar_with(b'x', &pax_record("comment", &utf16), Some(b"text")), Complete),
        ("file in an attribute", tar_with(b'x', &packed, Some(b"text")), Complete),
        ("size as read", tar_with(b'x', &size("4"), Some(b"text")), Complete),
        ("other size", tar_with(b'x', &[pax_record("a", b"\n"), size("2")].concat(), Some(b"text")), Damaged),
        ("no entry", tar_with(b'x', &record("comment"), None), Damaged),
        ("no entry for a name", tar_with(b'L', says.as_bytes(), None), Damaged),
        ("global", tar_with(b'g', &record("comment"), Some(b"text")), Complete),
        ("global text", tar_with(b'g', says.as_bytes(), Some(b"text")), Complete),
        ("global archive", tar_with(b'g', &zip(&[("b.txt", says.as_bytes())]), Some(b"text")), Complete),
        ("global at the end", tar_with(b'g', says.as_bytes(), None), Complete),
    ];
    for (name, bytes, expected) in rows {
        let seen = walk("a.tar", &bytes);
        assert!(seen.holds(says), "{name}: {:?}", seen.text);
        assert_eq!(seen.completeness(), expected, "{name}: {:?}", seen.reasons);
    }
    let numbers = ["mtime", "size", "uid", "LIBARCHIVE.creationtime"].map(|key| pax_record(key, b"4")).concat();
    let seen = walk("a.tar", &tar_with(b'x', &numbers, Some(b"text")));
    assert!(seen.role(Role::ArchiveComment).is_empty(), "{:?}", seen.text);
}

#[test]
fn long_tar_headers_meet_a_bound_and_the_rest_is_scanned() {
    let long = pax_record("comment", &b"some words ".repeat(600_000));
    let seen = walk("a.tar", &tar_with(b'x', &long, Some(b"pesel 44051401458")));
    assert_eq!(seen.completeness(), Completeness::Partial, "{:?}", seen.reasons);
    assert!(seen.reasons.contains(&"tar_headers_bytes_max"), "{:?}", seen.reasons);
    assert!(seen.holds("pesel 44051401458"));
}

#[test]
fn frames_follow_each_other_and_skipped_ones_are_read_too() {
    let skipped = |bytes: &[u8]| [&[0x5A, 0x2A, 0x4D, 0x18], &(bytes.len() as u32).to_le_bytes()[..], bytes].concat();
    let mut lz4 = lz4_flex::frame::FrameEncoder::new(Vec::new());
    std::io::Write::write_all(&mut lz4, b"packed ").expect("memory takes every byte");
    let lz4 = lz4.finish().expect("memory takes the end");
    // One raw block of seven bytes, the last one.
    let zstd = [&b"\x28\xb5\x2f\xfd\x20\x07\x39\0\0"[..], b"packed "].concat();
    for (name, frame) in [("a.zst", zstd), ("a.lz4", lz4)] {
        let bytes = [frame.clone(), skipped(b"hidden text"), frame.clone(), b"behind".to_vec()].concat();
        let seen = walk(name, &bytes);
        assert_eq!(seen.role(Role::Body).lines().next(), Some("hidden textbehind"), "{name}: {:?}", seen.text);
        assert!(seen.holds("packed packed "), "{name}: {:?}", seen.text);
        let in_front = [skipped(b"first hidden"), skipped(&[b'x'; 100_000]), frame.clone()].concat();
        let seen = walk(name, &in_front);
        assert!(seen.holds("first hidden") && seen.holds("packed "), "{name}: {:?}", seen.text.keys());
        let cut = walk(name, &frame[..frame.len() - 6]);
        assert_eq!(cut.completeness(), Completeness::Damaged, "{name}");
    }
}

#[test]
fn what_stands_behind_a_stream_of_lzma_is_read() {
    for has_size in [true, false] {
        let options = lzma_rust2::LzmaOptions { dict_size: 1 << 16, ..Default::default() };
        let size = has_size.then_some(13);
        let mut writer =
            lzma_rust2::LzmaWriter::new_use_header(Vec::new(), &options, size).expect("the options are right");
        std::io::Write::write_all(&mut writer, b"packed-marker").expect("memory takes every byte");
        let packed = writer.finish().expect("memory takes the end");
        for (case, behind) in [("text", b"behind-marker".to_vec()), ("archive", zip(&[("x", b"behind-marker")]))] {
            let bytes = [&packed[..], &behind].concat();
            for seen in [walk("a.lzma", &bytes), stream("a.lzma", &bytes)] {
                assert!(seen.holds("packed-marker") && seen.holds("behind-marker"), "{case}: {:?}", seen.text);
                assert_eq!(seen.completeness(), Completeness::Complete, "{case}: {:?}", seen.reasons);
            }
        }
    }
}

#[test]
fn gzip_goes_on_behind_its_first_member() {
    let both = [gzip(b"first "), gzip(b"second")].concat();
    assert_eq!(walk("a.gz", &both).role(Role::Body), "first second");
    let padded = [gzip(b"first "), vec![0; 700], gzip(b"second"), vec![0; 9]].concat();
    assert_eq!(walk("a.gz", &padded).role(Role::Body), "first second");
    let trailing = [gzip(b"first"), b"text behind the end".to_vec()].concat();
    let seen = walk("a.gz", &trailing);
    assert!(seen.holds("text behind the end"));
    assert_eq!(seen.items.last().map(|item| item.relation), Some(Relation::Gap));
}

#[test]
fn gzip_gives_its_name_and_comment() {
    let mut encoder = flate2::GzBuilder::new()
        .filename("original.csv")
        .comment("for the auditor")
        .write(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, b"a;b").expect("memory takes every byte");
    let seen = walk("renamed.bin", &encoder.finish().expect("memory takes the end"));
    assert_eq!(seen.items[1].path, "renamed.bin/original.csv");
    assert!(seen.role(Role::ArchiveComment).contains("for the auditor"));
}

#[test]
fn zip_names_and_comments_are_text() {
    let mut bytes = zip(&[("xxxxxx.txt", b"content"), ("plain.txt", b"content")]);
    // "zażółć" in the DOS set of Central Europe.
    let dos_name = b"za\xbe\xa2\x88\x86";
    for at in places(&bytes, b"xxxxxx") {
        bytes[at..at + 6].copy_from_slice(dos_name);
    }
    // A comment on the last member stands before the end record, which counts the bytes of the directory.
    let end = places(&bytes, b"PK\x05\x06")[0];
    let last = places(&bytes, b"PK\x01\x02")[1];
    bytes[last + 32] = 12;
    bytes[end + 12] += 12;
    bytes.splice(end..end, *b"member-notes");
    let mut comment = b"klucz w komentarzu".to_vec();
    let at = bytes.len() - 2;
    bytes[at..].copy_from_slice(&(comment.len() as u16).to_le_bytes());
    bytes.append(&mut comment);
    let seen = walk("a.zip", &bytes);
    assert!(seen.items.iter().any(|item| item.path == "a.zip/zażółć.txt"), "{:?}", seen.items);
    assert!(seen.role(Role::ArchiveComment).contains("klucz w komentarzu"));
    assert!(seen.role(Role::ArchiveComment).contains("member-notes"));
    assert_eq!(seen.completeness(), Completeness::Complete, "{:?}", seen.reasons);
}

#[test]
fn long_tar_names_and_links_are_read() {
    let long = format!("{}/pesel-44051401458.txt", "d".repeat(180));
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(4);
    header.set_cksum();
    builder.append_data(&mut header, &long, &b"text"[..]).expect("memory takes every file");
    let mut link = tar::Header::new_gnu();
    link.set_entry_type(tar::EntryType::Symlink);
    link.set_size(0);
    builder.append_link(&mut link, "link", "/home/jan.kowalski/x").expect("memory takes every link");
    let bytes = builder.into_inner().expect("memory takes the end");
    let twice = [bytes.clone(), bytes].concat();
    let seen = walk("a.tar", &twice);
    assert_eq!(seen.items.iter().filter(|item| item.path.ends_with("pesel-44051401458.txt")).count(), 2);
    assert!(seen.role(Role::FileName).contains("jan.kowalski"));
}

#[test]
fn formats_without_handler_are_named_and_scanned() {
    let rows: [(&[u8], &str); 4] = [
        (b"7z\xbc\xaf\x27\x1c\x00\x04 marker", "7z"),
        (b"Rar!\x1a\x07\x01\x00 marker", "rar"),
        (b"\x89LZO\0\r\n\x1a\n marker", "lzop"),
        (b"%PDF-1.7 marker", "pdf"),
    ];
    for (bytes, kind) in rows {
        let seen = walk("unknown", bytes);
        assert_eq!(seen.items[0].kind.as_str(), kind);
        assert_eq!(seen.completeness(), Completeness::Unsupported, "{kind}");
        assert!(seen.role(Role::Raw).contains("marker"), "{kind}");
    }
    let seen = walk("noise", b"\x00\x01\x02\x03marker\x00\xff\xfe\x80");
    assert_eq!((seen.items[0].kind, seen.completeness()), (Kind::Binary, Completeness::Complete));
    assert!(seen.role(Role::Raw).contains("marker"));
}

#[test]
fn bytes_that_nothing_reads_are_no_clean_ones() {
    let even: Vec<u8> = (0..100_000_u64)
        .map(|at| (at.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(at.rotate_left(40)) >> 29) as u8)
        .collect();
    let even: Vec<u8> = even
        .iter()
        .scan(1_u64, |state, byte| {
            *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(u64::from(*byte) + 1);
            Some((*state >> 56) as u8)
        })
        .collect();
    let message = [b"\xc3\x0d\x04\x09\x03\x0212345678\xff\xd2\xc0\x55\x01", &even[..1_000]].concat();
    let rows: [(&str, &[u8], &[&str]); 6] = [
        ("a.bin", &even, &["opaque_high_entropy"]),
        ("a.bin", &even[..50_000], &[]),
        ("a.7z.002", &even[..50_000], &["multi_volume"]),
        ("a.gpg", &message, &["pgp"]),
        ("a.lzh", b"\x1a\x20-lh5-\0\0\x01\0 marker \xff\xfe\0", &["format"]),
        ("a.arj", b"\x60\xea\x29\0\x22\x0b\x01\x0b\x10\0\x02 marker \xff\xfe\0", &["format"]),
    ];
    for (name, bytes, expected) in rows {
        assert_eq!(walk(name, bytes).reasons, expected, "{name}");
    }
}

#[test]
fn wide_strings_inside_programs_are_text() {
    let noise = [0x00_u8, 0xFF, 0x01, 0x90, 0x80].repeat(13_107);
    for shift in [0, 1] {
        let mut bytes = vec![0xC3; shift];
        for _ in 0..3 {
            bytes.extend_from_slice(&noise);
            bytes.extend(utf16("hasło żółwia 44051401458", false));
        }
        let seen = walk("a.exe", &bytes);
        assert_eq!(seen.role(Role::Raw).matches("hasło żółwia 44051401458").count(), 3, "shift {shift}");
    }
}

struct TwoFrames;

impl content::RiskyParser for TwoFrames {
    fn supports(&self, kind: Kind) -> bool {
        kind == Kind::Pdf
    }

    fn parse(
        &self,
        _: Kind,
        document: &[u8],
        _: &dlp_core::base::Limits,
        each: &mut dyn FnMut(content::RiskyFrame<'_>) -> content::Flow,
    ) -> content::Outcome {
        let page = content::Segment { place: content::Place::Page(3), ..content::Segment::body(b"page text") };
        let _ = each(content::RiskyFrame::Text(page));
        let attachment = zip(&[("in.txt", &document[9..])]);
        let _ = each(content::RiskyFrame::Child { name: "attached.zip", bytes: &attachment });
        content::Outcome::COMPLETE
    }
}

#[test]
fn risky_formats_go_to_their_parser_and_its_children_are_walked() {
    let seen = walk_with("a.pdf", b"%PDF-1.7 whatever", &limits(), Some(&TwoFrames));
    assert_eq!(seen.pages, [(3, "page text".to_owned())]);
    assert_eq!(seen.items.last().map(|item| item.path.as_str()), Some("a.pdf/attached.zip/in.txt"));
    assert!(seen.role(Role::Body).contains("whatever"), "the attachment holds the end of the document");
    assert_eq!(seen.completeness(), Completeness::Complete);
}

/// Reads nothing of a document and is content with that.
struct Blind;

impl content::RiskyParser for Blind {
    fn supports(&self, kind: Kind) -> bool {
        kind == Kind::Pdf
    }

    fn parse(
        &self,
        _: Kind,
        _: &[u8],
        _: &dlp_core::base::Limits,
        _: &mut dyn FnMut(content::RiskyFrame<'_>) -> content::Flow,
    ) -> content::Outcome {
        content::Outcome::COMPLETE
    }
}

#[test]
fn what_lies_outside_the_objects_of_a_pdf_is_read() {
    let pdf: &[u8] =
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< /Length 5 >>\nstream\n(%%EOF)\nendstream\nendobj\nxref\n0 2\n\
        0000000000 65535 f \n0000000015 00000 n \ntrailer\n<< /Size 2 >>\nstartxref\n60\n%%EOF\n";
    let number: &[u8] = b"pesel 44051401458";
    let archive = zip(&[("in.txt", number)]);
    let wide = utf16("pesel 44051401458", true);
    let rows: Vec<(&str, Vec<u8>, usize, Completeness)> = vec![
        ("nothing", pdf.to_vec(), 1, Completeness::Complete),
        ("space behind", [pdf, &b"\n\0 \r\n"[..]].concat(), 1, Completeness::Complete),
        ("behind", [pdf, number].concat(), 2, Completeness::Complete),
        ("behind, in utf-16", [pdf, wide.as_slice()].concat(), 2, Completeness::Complete),
        ("behind, in an archive", [pdf, archive.as_slice()].concat(), 3, Completeness::Ambiguous),
        ("in front", [number, b"\n", pdf].concat(), 2, Completeness::Complete),
        ("between two revisions", [pdf, number, b"\n", pdf].concat(), 1, Completeness::Complete),
        ("before another end mark", [pdf, number, b"\n%%EOF"].concat(), 1, Completeness::Complete),
        ("in a comment", [pdf, b"% ", number, b"\n%%EOF"].concat(), 1, Completeness::Complete),
    ];
    for (case, bytes, items, completeness) in rows {
        let in_archive = zip(&[("a.pdf", &bytes)]);
        let once = walk_input("a.pdf", Input::Stream(&mut bytes.as_slice()), &limits(), Some(&Blind));
        let packed = walk_with("a.zip", &in_archive, &limits(), Some(&Blind));
        for (seen, wrappers) in [(walk_with("a.pdf", &bytes, &limits(), Some(&Blind)), 0), (once, 0), (packed, 1)] {
            assert_eq!(seen.items[wrappers].kind, Kind::Pdf, "{case}");
            assert_eq!(seen.items.len(), items + wrappers, "{case}: {:?}", seen.items);
            let found: usize = seen.text.values().map(|text| text.matches("pesel 44051401458").count()).sum();
            let expected = usize::from(!matches!(case, "nothing" | "space behind"));
            assert_eq!(found, expected, "{case}: {:?}", seen.text);
            assert_eq!(seen.completeness(), completeness, "{case}: {:?}", seen.reasons);
        }
    }
}

#[test]
fn a_sink_can_skip_and_stop() {
    struct Picky(Vec<String>, content::Flow);
    impl content::Sink for Picky {
        fn enter(&mut self, item: &content::ItemStart<'_>) -> content::Flow {
            self.0.push(item.name.to_owned());
            if item.name == "b" { self.1 } else { content::Flow::Continue }
        }
        fn text(&mut self, segment: &content::Segment<'_>) -> content::Flow {
            assert_ne!(segment.text, b"bb", "the text of a skipped item stays away");
            content::Flow::Continue
        }
        fn problem(&mut self, _: Problem) {}
        fn leave(&mut self, _: &content::Outcome) {}
    }
    let bytes = tar(&[("a", b"aa"), ("b", b"bb"), ("c", b"cc")]);
    let rows = [(content::Flow::SkipItem, vec!["x", "a", "b", "c"]), (content::Flow::Stop, vec!["x", "a", "b"])];
    for (flow, expected) in rows {
        let (limits, cancel) = (limits(), dlp_core::base::Cancel::default());
        let mut picky = Picky(Vec::new(), flow);
        let extraction = content::Extraction { limits: &limits, cancel: &cancel, risky: None };
        content::extract("x", Input::Bytes(&bytes), extraction, &mut picky);
        assert_eq!(picky.0, expected);
    }
}
