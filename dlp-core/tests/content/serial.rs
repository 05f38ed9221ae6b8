//! ar, cpio and rpm, in archives that the tests build.

use crate::support::*;
use dlp_core::content::{Completeness, Kind, Relation, Role};

/// A header and its member in ar.
fn record(name: &str, content: &[u8]) -> Vec<u8> {
    let header = format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, 100_644, content.len());
    let padding: &[u8] = if content.len() % 2 == 1 { b"\n" } else { b"" };
    [header.as_bytes(), content, padding].concat()
}

fn ar(records: &[Vec<u8>]) -> Vec<u8> {
    [b"!<arch>\n".to_vec(), records.concat()].concat()
}

/// A header and its member in the new form of cpio.
fn newc(name: &str, mode: u32, content: &[u8], sum: Option<u32>) -> Vec<u8> {
    let mark = if sum.is_some() { "070702" } else { "070701" };
    let fields = [1, mode, 0, 0, 1, 0, content.len() as u32, 0, 0, 0, 0, name.len() as u32 + 1, sum.unwrap_or(0)];
    let mut bytes = mark.as_bytes().to_vec();
    fields.iter().for_each(|field| bytes.extend_from_slice(format!("{field:08X}").as_bytes()));
    for part in [[name.as_bytes(), b"\0"].concat().as_slice(), content] {
        bytes.extend_from_slice(part);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    bytes
}

fn odc(name: &str, content: &[u8]) -> Vec<u8> {
    let numbers = format!("{:06o}{:06o}{:06o}{:06o}{:06o}{:06o}{:06o}", 1, 1, 0o100_644, 0, 0, 1, 0);
    let header = format!("070707{numbers}{:011o}{:06o}{:011o}{name}\0", 0, name.len() + 1, content.len());
    [header.as_bytes(), content].concat()
}

fn binary(name: &str, content: &[u8], write: fn(u16) -> [u8; 2]) -> Vec<u8> {
    let len = content.len() as u32;
    let fields = [0o070_707, 1, 1, 0o100_644, 0, 0, 1, 0, 0, 0, name.len() as u16 + 1, (len >> 16) as u16, len as u16];
    let mut bytes: Vec<u8> = fields.into_iter().flat_map(write).collect();
    for part in [[name.as_bytes(), b"\0"].concat().as_slice(), content] {
        bytes.extend_from_slice(part);
        bytes.resize(bytes.len().next_multiple_of(2), 0);
    }
    bytes
}

const END: &str = "TRAILER!!!";

/// A header of rpm with these strings.
fn header(values: &[(u32, &str)]) -> Vec<u8> {
    let (mut index, mut store) = (Vec::new(), Vec::new());
    for (tag, text) in values {
        [*tag, 6, store.len() as u32, 1].iter().for_each(|field| index.extend_from_slice(&field.to_be_bytes()));
        store.extend_from_slice(text.as_bytes());
        store.push(0);
    }
    let counts = [0, values.len() as u32, store.len() as u32].map(u32::to_be_bytes).concat();
    [b"\x8e\xad\xe8\x01", counts.as_slice(), &index, &store].concat()
}

fn rpm(payload: &[u8]) -> Vec<u8> {
    let mut bytes = b"\xed\xab\xee\xdb\x03".to_vec();
    bytes.resize(96, 0);
    bytes.extend(header(&[(267, "signed")]));
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes.extend(header(&[(1004, "summary-marker"), (1024, "rm script-marker")]));
    bytes.extend_from_slice(payload);
    bytes
}

/// One archive of each kind, small enough to be changed byte by byte.
pub(crate) fn samples() -> Vec<Vec<u8>> {
    let text = b"secret-marker";
    let new = [newc("x.txt", 0o100_644, text, Some(7)), newc(END, 0, b"", None)].concat();
    vec![
        ar(&[record("//", b"long-name.txt/\n"), record("/0", text), record("#1/4", b"namecontent")]),
        rpm(&new),
        new,
        [odc("x.txt", text), odc(END, b"")].concat(),
        [binary("x.txt", text, u16::to_le_bytes), binary(END, b"", u16::to_le_bytes)].concat(),
    ]
}

#[test]
fn members_are_walked_with_their_names() {
    let text = b"secret-marker";
    let long = "a-name-that-is-longer-than-sixteen.txt";
    let names = record("//", format!("{long}/\n").as_bytes());
    let inside = record("#1/40", &[format!("{long}\0\0").as_bytes(), text].concat());
    let new = |name: &str| [newc(name, 0o100_644, text, None), newc(END, 0, b"", None)].concat();
    let sum = text.iter().map(|byte| u32::from(*byte)).sum();
    let package = ar(&[
        record("debian-binary", b"2.0\n"),
        record("control.tar.gz", &gzip(&tar(&[("control", b"Package: x\n")]))),
        record("data.tar.xz", &xz(&tar(&[("usr/x.txt", text)]))),
    ]);
    let rows: Vec<(&str, Vec<u8>, &str, Kind)> = vec![
        ("ar", ar(&[record("x.txt/", text)]), "x.txt", Kind::Ar),
        ("odd length before", ar(&[record("a/", b"odd"), record("x.txt/", text)]), "x.txt", Kind::Ar),
        ("long names of GNU", ar(&[record("/", b"symbols\0"), names, record("/0", text)]), long, Kind::Ar),
        ("long names of BSD", ar(&[inside]), long, Kind::Ar),
        ("deb", package, "usr/x.txt", Kind::Ar),
        ("newc", new("dir/x.txt"), "dir/x.txt", Kind::Cpio),
        ("crc", [newc("x", 0o100_644, text, Some(sum)), newc(END, 0, b"", Some(0))].concat(), "x", Kind::Cpio),
        ("odc", [odc("x.txt", text), odc(END, b"")].concat(), "x.txt", Kind::Cpio),
        (
            "binary",
            [binary("x.txt", text, u16::to_le_bytes), binary(END, b"", u16::to_le_bytes)].concat(),
            "x.txt",
            Kind::Cpio,
        ),
        (
            "binary, high byte first",
            [binary("x", text, u16::to_be_bytes), binary(END, b"", u16::to_be_bytes)].concat(),
            "x",
            Kind::Cpio,
        ),
        ("one behind the other", [new("first"), vec![0; 200], new("x.txt")].concat(), "x.txt", Kind::Cpio),
        ("rpm", rpm(&xz(&new("./x.txt"))), "x.txt", Kind::Rpm),
    ];
    for (case, bytes, name, kind) in rows {
        for seen in [walk("archive", &bytes), stream("archive", &bytes)] {
            assert_eq!(seen.items[0].kind, kind, "{case}");
            assert!(seen.role(Role::Body).contains("secret-marker"), "{case}: {seen:?}");
            let last = seen.items.last().expect("there is an item");
            assert!(last.path.ends_with(name) && last.relation == Relation::Member, "{case}: {last:?}");
            assert_eq!(seen.completeness(), Completeness::Complete, "{case}: {:?}", seen.reasons);
        }
    }
}

#[test]
fn values_around_the_members_are_read() {
    let package = walk("a.rpm", &rpm(b""));
    assert!(package.role(Role::Property).contains("summary-marker"));
    assert!(package.role(Role::Script).contains("script-marker"));
    let others = [newc("dir-marker", 0o040_755, b"", None), newc("link", 0o120_777, b"target-marker", None)].concat();
    let seen = walk("a.cpio", &[others, newc(END, 0, b"", None), b"behind-marker".to_vec()].concat());
    let names = seen.role(Role::FileName);
    assert!(names.contains("dir-marker") && names.contains("target-marker"), "{names}");
    assert!(seen.role(Role::Body).contains("behind-marker"));
    let thin = [b"!<thin>\n", record("//", b"far/away-marker.o/\n").as_slice(), &record("/0", b"")[..60]].concat();
    assert!(walk("a.a", &thin).role(Role::FileName).contains("away-marker.o"));
}

#[test]
fn what_breaks_off_is_damaged_and_read() {
    let whole_ar = ar(&[record("x.txt/", b"secret-marker and more")]);
    let whole_cpio = newc("x.txt", 0o100_644, b"secret-marker and more", None);
    let junk =
        |bytes: &[u8]| [bytes, b"junk where a header should be: secret-marker, and enough of it to be one"].concat();
    let wrong_sum = [newc("x", 0o100_644, b"secret-marker", Some(1)), newc(END, 0, b"", Some(0))].concat();
    let rows: Vec<(&str, Vec<u8>, &str)> = vec![
        ("ar, cut", whole_ar[..whole_ar.len() - 5].to_vec(), "truncated"),
        ("cpio, cut", whole_cpio[..whole_cpio.len() - 6].to_vec(), "truncated"),
        ("cpio without an end", whole_cpio.clone(), "truncated"),
        ("ar, junk behind", junk(&ar(&[record("x.txt/", b"12")])), "bad_structure"),
        ("cpio, junk behind", junk(&newc("x.txt", 0o100_644, b"12", None)), "bad_structure"),
        ("wrong sum", wrong_sum, "crc"),
        ("rpm without headers", [rpm(b"")[..96].to_vec(), b"secret-marker".to_vec()].concat(), "bad_structure"),
    ];
    for (case, bytes, reason) in rows {
        let seen = walk("archive", &bytes);
        assert!(seen.holds("secret-marker"), "{case}: {seen:?}");
        assert_eq!(
            (seen.completeness(), seen.reasons.contains(&reason)),
            (Completeness::Damaged, true),
            "{case}: {:?}",
            seen.reasons
        );
    }
}

#[test]
fn digits_that_look_like_a_mark_are_text() {
    for text in ["070701 and more", "07070144051401458", "070707", "0707010000000000000000000000000000000000000000000"]
    {
        assert_eq!(walk("a.txt", text.as_bytes()).items[0].kind, Kind::Text, "{text}");
    }
}

#[test]
fn archives_behind_archives_are_found_wherever_a_read_ends() {
    let first = [odc("first.txt", b"12"), odc(END, b"")].concat();
    let second = [odc("second.txt", b"secret-marker"), odc(END, b"")].concat();
    for before in 0..8 {
        let mut bytes = first.clone();
        bytes.resize(32 * 1024 - before, 0);
        bytes.extend_from_slice(&second);
        for seen in [walk("a.cpio", &bytes), stream("a.cpio", &bytes)] {
            let paths: Vec<&str> = seen.items.iter().map(|item| item.path.as_str()).collect();
            assert_eq!(paths, ["a.cpio", "a.cpio/first.txt", "a.cpio/second.txt"], "{before}");
        }
    }
}

#[test]
fn long_names_and_empty_values_are_bounded() {
    // A name in the list has no end but that of the list.
    let list = [b"a".repeat(100_000), b"\n".to_vec()].concat();
    let thin = [b"!<thin>\n".to_vec(), record("//", &list), record("/0", b"")[..60].repeat(50)].concat();
    let names = walk("a.a", &thin).role(Role::FileName);
    assert!((50 * 1_000..50 * 5_000).contains(&names.len()), "{}", names.len());
    // Each value is all strings of the same store, and all of them are empty.
    let (entries, store) = (40, 1_000);
    let entry = [1_000_u32, 8, 0, u32::MAX].map(u32::to_be_bytes).concat();
    let counts = [0, entries as u32, store as u32].map(u32::to_be_bytes).concat();
    let empty = [b"\x8e\xad\xe8\x01", counts.as_slice(), &entry.repeat(entries), &vec![0; store]].concat();
    let bytes = [&rpm(b"")[..96], &empty, &header(&[(1004, "summary-marker")])].concat();
    let seen = walk("a.rpm", &bytes);
    assert!(seen.reasons.contains(&"overlap"), "{:?}", seen.reasons);
    assert!(seen.holds("summary-marker"), "{:?}", seen.text);
}

#[test]
fn fields_around_members_are_read() {
    let mut archive = ar(&[record("x.txt/", b"text")]);
    archive[8 + 16..8 + 16 + 28].copy_from_slice(b"owner-and-time-marker-x 1006");
    let mut package = rpm(&[newc("x.txt", 0o100_644, b"text", None), newc(END, 0, b"", None)].concat());
    package[10..21].copy_from_slice(b"lead-marker");
    package[80..94].copy_from_slice(b"reserve-marker");
    let mut unlisted = rpm(b"");
    let store = places(&unlisted, b"signed")[0];
    unlisted[store - 12..store - 8].copy_from_slice(&7_u32.to_be_bytes());
    for (case, bytes, markers) in [
        ("ar", &archive, &["owner-and-time-marker"][..]),
        ("lead of rpm", &package, &["lead-marker", "reserve-marker"]),
        ("values of rpm that are no text", &unlisted, &["signed"]),
    ] {
        let seen = walk("a", bytes);
        for marker in markers {
            assert!(seen.holds(marker), "{case} {marker}: {:?}", seen.text);
        }
    }
    // Honest headers are numbers and not worth a word.
    let seen = walk("a", &ar(&[record("x.txt/", b"text")]));
    assert!(!seen.text.keys().any(|(_, role, _)| *role == "raw"), "{:?}", seen.text);
}

#[test]
fn names_beyond_the_bound_are_named() {
    let long = "n".repeat(5_000);
    let rows = [
        ("a file in cpio", [newc(&long, 0o100_644, b"text", None), newc(END, 0, b"", None)].concat()),
        ("a folder in cpio", [newc(&long, 0o040_755, b"", None), newc(END, 0, b"", None)].concat()),
        ("ar", ar(&[record("//", format!("{long}/\n").as_bytes()), record("/0", b"text")])),
        ("zip", zip(&[(&long, b"text")])),
    ];
    for (case, bytes) in rows {
        let seen = walk("a", &bytes);
        assert!(seen.reasons.contains(&"name_bytes_max"), "{case}: {:?}", seen.reasons);
    }
}

/// A record of a crawler.
fn crawled(name: &str, content: &[u8]) -> Vec<u8> {
    let fields = format!(
        "WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: {name}\r\nContent-Length: {}\r\n\r\n",
        content.len()
    );
    [fields.as_bytes(), content, b"\r\n\r\n"].concat()
}

#[test]
fn pages_of_crawlers_are_read() {
    let chunk = |bytes: &[u8]| [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat();
    let packed = gzip(b"<p>packed-marker</p>");
    let (first, second) = packed.split_at(10);
    let pieces = [
        b"HTTP/1.1 200 OK\r\nX-A: field-marker\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec(),
        chunk(first),
        chunk(second),
        b"0\r\n\r\n".to_vec(),
    ];
    let plain = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html><b>plain</b>-marker</html>";
    let archive = [
        crawled("https://a.example/first-name", &pieces.concat()),
        crawled("https://a.example/b", plain),
        crawled("", b"software: info-marker"),
    ];
    for bytes in [archive.concat(), archive.iter().flat_map(|record| gzip(record)).collect()] {
        let seen = walk("a.warc", &bytes);
        assert_eq!(seen.completeness(), Completeness::Complete, "{:?}", seen.reasons);
        for marker in ["packed-marker", "plain-marker", "info-marker", "field-marker", "first-name"] {
            assert!(seen.holds(marker), "{marker}: {:?}", seen.text);
        }
        assert!(seen.items.iter().any(|item| item.kind == Kind::Warc));
    }
    let cut = walk("a.warc", &archive[1][..archive[1].len() - 20]);
    assert_eq!(cut.completeness(), Completeness::Damaged);
    assert!(cut.holds("plain"), "{:?}", cut.text);
    let lines = [archive[1].clone(), b"\r\n".repeat(100_000), archive[2].clone()].concat();
    let seen = walk("a.warc", &lines);
    assert_eq!(seen.completeness(), Completeness::Complete, "{:?}", seen.reasons);
    assert!(seen.holds("info-marker"), "what follows many empty lines is read");
    let broken = [b"WARC/1.0\r\nContent-Length: many\r\n\r\n".to_vec(), b"behind-marker".to_vec()].concat();
    let seen = walk("a.warc", &broken);
    assert_eq!((seen.completeness(), seen.items.len()), (Completeness::Damaged, 2));
    assert!(seen.holds("behind-marker") && seen.holds("many"), "{:?}", seen.text);
}
