//! Files that lie, break off, blow up or hide something. Nothing may be lost, nothing may be called complete.

use crate::support::*;
use crate::{image, serial, sqlite, wrapped};
use dlp_core::base::{Cancel, ConfidenceLevel, HANDED_OUT_BYTES_FREE, Limits, Problem};
use dlp_core::content::{
    Completeness, Extraction, Finding, Flow, Input, ItemReport, ItemStart, Kind, LocatedProblem, Observer, Outcome,
    Role, Segment, Sink, extract,
};
use dlp_core::inspect::{Inspector, Job};
use dlp_core::matching::{DetectorSet, Scratch};
use proptest::prelude::*;
use std::io::Write as _;

const LOCAL: &[u8] = b"PK\x03\x04";
const CENTRAL: &[u8] = b"PK\x01\x02";
const END: &[u8] = b"PK\x05\x06";

fn two() -> Vec<u8> {
    zip(&[("one.txt", b"marker-one"), ("two.txt", b"marker-two")])
}

/// Removes the first record of the directory.
fn ghost() -> Vec<u8> {
    let mut bytes = two();
    let centrals = places(&bytes, CENTRAL);
    bytes.drain(centrals[0]..centrals[1]);
    let removed = (centrals[1] - centrals[0]) as u32;
    let end = places(&bytes, END)[0];
    let size = u32::from_le_bytes(bytes[end + 12..end + 16].try_into().expect("four bytes")) - removed;
    bytes[end + 12..end + 16].copy_from_slice(&size.to_le_bytes());
    bytes[end + 8..end + 12].copy_from_slice(&[1, 0, 1, 0]);
    bytes
}

/// Twelve bytes before the directory, as many as a descriptor has.
fn few_bytes_between() -> Vec<u8> {
    let mut bytes = two();
    let directory = places(&bytes, CENTRAL)[0];
    bytes.splice(directory..directory, *b"44051401458.");
    let end = places(&bytes, END)[0];
    bytes[end + 16..end + 20].copy_from_slice(&(directory as u32 + 12).to_le_bytes());
    bytes
}

fn patched(signature: &[u8], distance: usize, new: &[u8]) -> Vec<u8> {
    let mut bytes = two();
    patch(&mut bytes, signature, distance, new);
    bytes
}

#[test]
fn zip_lies_are_told_and_all_content_is_found() {
    use Completeness::{Ambiguous, Complete, Damaged};
    let cut = two();
    let cut = cut[..places(&cut, CENTRAL)[0]].to_vec();
    let mut miscount = two();
    let end = places(&miscount, END)[0];
    miscount[end + 8..end + 12].copy_from_slice(&[9, 0, 9, 0]);
    let rows: Vec<(&str, Vec<u8>, Completeness, &str)> = vec![
        ("honest", two(), Complete, ""),
        ("ghost entry", ghost(), Ambiguous, "unlisted_entry"),
        ("renamed", patched(CENTRAL, 46, b"XXX.txt"), Ambiguous, "name_conflict"),
        ("short sizes in the directory", patched(CENTRAL, 20, &[2, 0, 0, 0, 2]), Ambiguous, "size_conflict"),
        ("short sizes in the local headers", patched(LOCAL, 18, &[2, 0, 0, 0, 2]), Ambiguous, "size_conflict"),
        ("giant sizes", patched(CENTRAL, 20, &[0xF0, 0xFF, 0xFF, 0xFF, 0xF0, 0xFF, 0xFF, 0xFF]), Damaged, "truncated"),
        ("directory says stored", patched(CENTRAL, 10, &[0, 0]), Ambiguous, "method_conflict"),
        ("local header says stored", patched(LOCAL, 8, &[0, 0]), Ambiguous, "method_conflict"),
        ("fake encryption in the directory", patched(CENTRAL, 8, &[1]), Ambiguous, "encryption_conflict"),
        ("fake encryption in the local headers", patched(LOCAL, 6, &[1]), Ambiguous, "encryption_conflict"),
        (
            "wrong sums",
            {
                let mut b = two();
                patch(&mut b, CENTRAL, 16, &[1, 2, 3, 4]);
                patch(&mut b, LOCAL, 14, &[1, 2, 3, 4]);
                b
            },
            Damaged,
            "crc",
        ),
        ("no directory", cut.clone(), Damaged, "truncated"),
        ("wrong count", miscount, Ambiguous, "count_conflict"),
        (
            "twins",
            {
                let mut b = two();
                for at in places(&b, b"two.txt") {
                    b[at..at + 3].copy_from_slice(b"one");
                }
                b
            },
            Ambiguous,
            "duplicate_name",
        ),
        ("text in front", [b"text in front\n".to_vec(), vec![0; 9], two()].concat(), Complete, ""),
        ("two glued together", [two(), two()].concat(), Ambiguous, "unlisted_entry"),
        ("few bytes between", few_bytes_between(), Complete, ""),
        ("text behind", [two(), b"behind-marker".repeat(9)].concat(), Complete, ""),
    ];
    for (case, bytes, completeness, reason) in rows {
        let seen = walk("a.zip", &bytes);
        assert!(seen.holds("marker-one") && seen.holds("marker-two"), "{case}: {seen:#?}");
        assert!(seen.completeness() >= completeness, "{case}: {:?} {:?}", seen.outcome, seen.reasons);
        assert!(reason.is_empty() || seen.reasons.contains(&reason), "{case}: {:?}", seen.reasons);
        if completeness == Complete {
            assert_eq!(seen.completeness(), Complete, "{case}: {:?}", seen.reasons);
        }
        assert!(case != "few bytes between" || seen.holds("44051401458."), "{case}");
        assert!(case != "text behind" || seen.holds("behind-marker"), "{case}");
        assert!(case != "text in front" || seen.holds("text in front"), "{case}");
    }
}

#[test]
fn encrypted_members_are_named_and_their_siblings_read() {
    let rows: [(&[u8], &[u8], &str); 2] = [(&[1, 0, 8, 0], &[], "zip_crypto"), (&[1, 0, 99, 0], &[], "zip_aes")];
    for (flags_and_method, _, reason) in rows {
        let mut bytes = two();
        let (local, central) = (places(&bytes, LOCAL)[0], places(&bytes, CENTRAL)[0]);
        bytes[local + 6..local + 10].copy_from_slice(flags_and_method);
        bytes[central + 8..central + 12].copy_from_slice(flags_and_method);
        let seen = walk("a.zip", &bytes);
        assert_eq!(seen.outcome, Some(Outcome { completeness: Completeness::Encrypted, reason }));
        let closed = seen.items.iter().find(|item| item.path == "a.zip/one.txt").expect("the member is named");
        assert_eq!(closed.outcome.map(|outcome| outcome.reason), Some(reason));
        assert!(seen.holds("marker-two") && seen.holds("one.txt"));
    }
}

#[test]
fn bytes_that_break_off_are_read_up_to_there() {
    let long = "marker at the start\n".repeat(5_000);
    let rows: Vec<(&str, Vec<u8>)> = vec![
        ("a.gz", gzip(long.as_bytes())),
        ("a.tar", tar(&[("x.txt", long.as_bytes())])),
        ("a.zip", zip_with(&[("x.txt", long.as_bytes())], zip::CompressionMethod::Stored)),
        ("b.zip", zip(&[("x.txt", long.as_bytes())])),
        ("a.tgz", gzip(&tar(&[("x.txt", long.as_bytes())]))),
    ];
    for (name, bytes) in rows {
        let cut = &bytes[..bytes.len() * 2 / 3];
        for seen in [walk(name, cut), stream(name, cut)] {
            assert!(seen.holds("marker at the start"), "{name}");
            assert_eq!(seen.completeness(), Completeness::Damaged, "{name}: {:?}", seen.reasons);
        }
    }
}

#[test]
fn bombs_end_at_their_bound() {
    let zeros = vec![b'0'; 4_000_000];
    let small = Limits { ratio_grace_bytes: 100_000, ratio_max: 100, ..limits() };
    let total = Limits { inflated_bytes_max: 1_000_000, ..limits() };
    let member = Limits { member_bytes_max: 1_000_000, ..limits() };
    let nested = zip(&[("inner.zip", &zip(&[("zeros.txt", &zeros)])), ("last.txt", b"last-marker")]);
    let rows: Vec<(&str, Vec<u8>, &Limits, &str)> = vec![
        ("a.gz", gzip(&zeros), &small, "ratio_max"),
        ("a.zip", zip(&[("zeros.txt", &zeros)]), &small, "ratio_max"),
        ("nested.zip", nested.clone(), &small, "ratio_max"),
        ("twice.gz", gzip(&gzip(&zeros)), &total, "inflated_bytes_max"),
        ("tar.gz", gzip(&tar(&[("zeros.txt", &zeros)])), &member, "member_bytes_max"),
    ];
    for (name, bytes, limits, reason) in rows {
        let seen = walk_with(name, &bytes, limits, None);
        assert_eq!(seen.outcome, Some(Outcome { completeness: Completeness::Partial, reason }), "{name}");
        let text: usize = seen.text.values().map(String::len).sum();
        assert!(text < 1_500_000, "{name}: {text} bytes came out");
    }
    assert!(
        walk_with("nested.zip", &nested, &small, None).holds("last-marker"),
        "a member's bound does not end the job"
    );
}

#[test]
fn files_of_split_archives_are_read_and_named() {
    let noise: Vec<u8> = (0..60_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()).collect();
    let long = [b"long-marker ", noise.as_slice()].concat();
    let last = [b"last-marker ", noise.as_slice()].concat();
    let members: [(&str, &[u8]); 3] = [("one.txt", b"marker-one"), ("long.bin", &long), ("last.bin", &last)];
    for method in [zip::CompressionMethod::Deflated, zip::CompressionMethod::Stored] {
        let whole = [b"PK\x07\x08", zip_with(&members, method).as_slice()].concat();
        // The second file begins in the middle of the second member.
        let cut = 100_000;
        let first = &whole[..cut];
        let mut second = whole[cut..].to_vec();
        let third = places(&whole, LOCAL)[2] - cut;
        let centrals = places(&second, CENTRAL);
        for (central, (disk, offset)) in centrals.iter().zip([(0_u16, 4), (0, 60), (1, third as u32)]) {
            second[central + 34..central + 36].copy_from_slice(&disk.to_le_bytes());
            second[central + 42..central + 46].copy_from_slice(&offset.to_le_bytes());
        }
        let end = places(&second, END)[0];
        second[end + 4..end + 8].copy_from_slice(&[1, 0, 1, 0]);
        second[end + 16..end + 20].copy_from_slice(&(centrals[0] as u32).to_le_bytes());
        for (name, bytes, markers) in [
            ("a.z01", first, &["marker-one", "long-marker"][..]),
            ("a.zip", second.as_slice(), &["last-marker", "one.txt", "long.bin"]),
        ] {
            let seen = walk(name, bytes);
            let expected = Outcome { completeness: Completeness::Partial, reason: "multi_volume" };
            assert_eq!(seen.outcome, Some(expected), "{name} {method}: {:?}", seen.reasons);
            for marker in markers {
                let is_named = seen.items.iter().any(|item| item.path.ends_with(marker));
                assert!(seen.holds(marker) || is_named, "{name} {method}: {marker}");
            }
        }
    }
}

/// Counts what comes out and keeps nothing of it.
#[derive(Default)]
struct Counting {
    text_bytes: usize,
    reasons: Vec<&'static str>,
}

impl Sink for Counting {
    fn enter(&mut self, _: &ItemStart<'_>) -> Flow {
        Flow::Continue
    }

    fn text(&mut self, segment: &Segment<'_>) -> Flow {
        self.text_bytes += segment.text.len();
        Flow::Continue
    }

    fn problem(&mut self, problem: Problem) {
        self.reasons.push(problem.reason);
    }

    fn leave(&mut self, _: &Outcome) {}
}

#[test]
fn cells_that_share_a_long_text_end_at_a_bound() {
    let strings = format!("<sst><si><t>{}</t></si></sst>", "a b ".repeat(250_000));
    let rows = "<row><c t=\"s\"><v>0</v></c></row>".repeat(100_000);
    let sheet = format!("<worksheet><sheetData>{rows}</sheetData></worksheet>");
    let workbook = "<workbook><sheets><sheet name=\"a\" sheetId=\"1\" id=\"rId1\"/></sheets></workbook>";
    let bytes = zip(&[
        ("[Content_Types].xml", b"<Types/>"),
        ("xl/workbook.xml", workbook.as_bytes()),
        ("xl/sharedStrings.xml", strings.as_bytes()),
        ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
    ]);
    let mut sink = Counting::default();
    let extraction = Extraction { limits: &limits(), cancel: &Cancel::default(), risky: None };
    let outcome = extract("a.xlsx", Input::Bytes(&bytes), extraction, &mut sink);
    assert_eq!(outcome, Outcome { completeness: Completeness::Partial, reason: "handed_out_bytes_max" });
    assert_eq!(sink.reasons, ["handed_out_bytes_max"]);
    let max = (HANDED_OUT_BYTES_FREE as usize).max(16 * (bytes.len() + strings.len() + sheet.len() + 1_000));
    assert!(sink.text_bytes < max + 2_000_000, "{} bytes came out", sink.text_bytes);
}

/// What `compress` makes of four million and a half equal bytes: each code is the one that was made last.
fn lzw_of_equal_bytes() -> Vec<u8> {
    let (mut bytes, mut bits, mut held) = (b"\x1f\x9d\x90".to_vec(), 0, 0_u64);
    for index in 0..3_000_u64 {
        let code = if index == 0 { u64::from(b'0') } else { 256 + index };
        let width =
            [(256, 9), (768, 10), (1_792, 11)].iter().find(|(end, _)| index < *end).map_or(12, |(_, width)| *width);
        held |= code << bits;
        bits += width;
        while bits >= 8 {
            bytes.push(held as u8);
            (held, bits) = (held >> 8, bits - 8);
        }
    }
    bytes.push(held as u8);
    bytes
}

#[test]
fn every_packing_ends_at_the_ratio() {
    let zeros = vec![b'0'; 4_000_000];
    let lzma = |write: &dyn Fn(&mut Vec<u8>) -> std::io::Result<()>| {
        let mut bytes = Vec::new();
        write(&mut bytes).expect("memory takes it");
        bytes
    };
    let options = lzma_rust2::LzmaOptions { dict_size: 1 << 20, ..Default::default() };
    let alone = lzma(&|out| {
        let mut writer = lzma_rust2::LzmaWriter::new_use_header(out, &options, None)?;
        writer.write_all(&zeros)?;
        writer.finish().map(|_| ())
    });
    let lzip = lzma(&|out| {
        let options = lzma_rust2::LzipOptions { lzma_options: options.clone(), ..Default::default() };
        let mut writer = lzma_rust2::LzipWriter::new(out, options);
        writer.write_all(&zeros)?;
        writer.finish().map(|_| ())
    });
    let mut lz4 = lz4_flex::frame::FrameEncoder::new(Vec::new());
    lz4.write_all(&zeros).expect("memory takes it");
    let lz4 = lz4.finish().expect("memory takes it");
    // Snappy packs to a twentieth at best.
    let copies = [&[&[0, b'0'][..], &[0xFE, 1, 0].repeat(999)].concat()[..]].concat();
    let chunk = [&[0xC1, 0xF3, 3][..], &copies].concat();
    let len = ((chunk.len() + 4) as u32).to_le_bytes();
    let snappy = [b"\xff\x06\0\0sNaPpY", &[&[0][..], &len[..3], &[0; 4], &chunk].concat().repeat(40)[..]].concat();
    let rows: Vec<(&str, Kind, Vec<u8>)> = vec![
        ("a.bz2", Kind::Bzip2, bzip2(&zeros)),
        ("a.xz", Kind::Xz, xz(&zeros)),
        ("a.lzma", Kind::Lzma, alone),
        ("a.lz", Kind::Lzip, lzip),
        ("a.lz4", Kind::Lz4, lz4),
        ("a.br", Kind::Brotli, from_hex("9bff083df82560e2b1402017a007")),
        (
            "a.zst",
            Kind::Zstd,
            from_hex(
                "28b52ffda000093d004c000008300100fcff391002020010300200103002001030020010300200103002001030020010300200103002001030020010300200103002001030020010300200103002001030020010300200103002001030020010300200103002001030020010300200103002001030020010300200103002001030020010300200103003480830",
            ),
        ),
        ("a.Z", Kind::Compress, lzw_of_equal_bytes()),
        ("a.sz", Kind::Snappy, snappy),
    ];
    for (name, kind, bytes) in rows {
        let ratio_max = if kind == Kind::Snappy { 10 } else { 100 };
        let small = Limits { ratio_grace_bytes: 100_000, ratio_max, ..limits() };
        let inside = zip_with(&[("in", &bytes)], zip::CompressionMethod::Stored);
        for seen in [walk_with(name, &bytes, &small, None), walk_with(name, &inside, &small, None)] {
            if kind == Kind::Brotli && seen.items[0].kind == Kind::Zip {
                continue;
            }
            assert!(seen.items.iter().any(|item| item.kind == kind), "{name}: {:?}", seen.items);
            assert_eq!(
                seen.outcome,
                Some(Outcome { completeness: Completeness::Partial, reason: "ratio_max" }),
                "{name}"
            );
            let text: usize = seen.text.values().map(String::len).sum();
            // What a decoder reads ahead counts as read.
            assert!(text < 2_000_000, "{name}: {text} bytes came out");
        }
    }
}

#[test]
fn nesting_is_read_to_the_bound_and_then_named() {
    let nest = |levels: u32| (0..levels).fold(b"deep-marker".to_vec(), |inner, _| zip(&[("n", &inner)]));
    let seen = walk("a.zip", &nest(12));
    assert!(seen.holds("deep-marker"));
    assert_eq!(seen.completeness(), Completeness::Complete);
    let seen = walk("a.zip", &nest(40));
    assert_eq!(seen.outcome, Some(Outcome { completeness: Completeness::Partial, reason: "depth_max" }));
    let mixed = (0..8).fold(b"deep-marker".to_vec(), |inner, _| gzip(&tar(&[("z", &zip(&[("n", &inner)]))])));
    assert!(walk_with("a.gz", &mixed, &Limits::batch(), None).holds("deep-marker"), "24 levels fit on a small stack");
    let gzips = (0..40).fold(b"deep".to_vec(), |inner, _| gzip(&inner));
    assert_eq!(walk("a.gz", &gzips).completeness(), Completeness::Partial);
}

#[test]
fn copies_of_archives_are_opened_a_few_times_only() {
    let few = zip(&[("a.zip", &zip(&[("n", b"inner-marker")])), ("b.zip", &zip(&[("n", b"inner-marker")]))]);
    let seen = walk("a.zip", &few);
    assert_eq!(seen.items.iter().filter(|item| item.path.ends_with(".zip/n")).count(), 2, "each has its place");
    // Sixteen copies a level: a million of them at the bottom.
    let wide = |bottom: Vec<u8>| {
        (0..5).fold(bottom, |inner, _| {
            let names: Vec<String> = (0..16).map(|index| format!("{index}.zip")).collect();
            zip(&names.iter().map(|name| (name.as_str(), inner.as_slice())).collect::<Vec<_>>())
        })
    };
    let seen = walk("a.zip", &wide(zip(&[("n", b"deep-marker")])));
    assert!(seen.holds("deep-marker"));
    assert_eq!(seen.outcome, Some(Outcome { completeness: Completeness::Partial, reason: "copies_max" }));
    assert!(seen.items.len() < 2_000, "{} items", seen.items.len());
    // A copy that is not opened is no better than the others.
    let mut locked = two();
    for (signature, distance) in [(LOCAL, 6), (CENTRAL, 8)] {
        patch(&mut locked, signature, distance, &[1]);
    }
    let seen = walk("a.zip", &wide(locked));
    assert!(seen.items.len() < 2_000, "{} items", seen.items.len());
    let copies: Vec<_> = seen.items.iter().filter(|item| item.path.matches(".zip").count() == 6).collect();
    assert!(copies.len() >= 16 && copies.iter().all(|item| item.outcome.map(|o| o.reason) == Some("zip_crypto")));
}

#[test]
fn copies_are_opened_as_far_as_the_input_pays_for_them() {
    // The text does not pack, so each copy is a part of the archive; a copy in a copy is not.
    let text: Vec<u8> = (0..4_000_u32).map(|at| b'!' + (at.wrapping_mul(2_654_435_761) >> 20) as u8 % 90).collect();
    let copy = zip(&[("n", &text)]);
    let many = |count: usize, copy: &[u8]| {
        let names: Vec<String> = (0..count).map(|index| format!("vendor/{index}.zip")).collect();
        zip(&names.iter().map(|name| (name.as_str(), copy)).collect::<Vec<_>>())
    };
    for (bytes, is_whole) in [(many(40, &copy), true), (many(12, &many(12, &copy)), false)] {
        let seen = walk("a.zip", &bytes);
        let reason = if is_whole { "" } else { "copies_max" };
        let last = seen.items.iter().rfind(|item| item.path.ends_with(".zip")).expect("there are copies");
        assert_eq!(last.outcome.map(|outcome| outcome.reason), Some(reason));
        assert_eq!(seen.outcome.map(|outcome| outcome.reason), Some(reason), "{:?}", seen.reasons);
    }
}

#[test]
fn copies_that_met_a_bound_do_not_keep_others_closed() {
    let text: Vec<u8> = (0..4_000_u32).map(|at| b'!' + (at.wrapping_mul(2_654_435_761) >> 20) as u8 % 90).collect();
    let copy = zip(&[("n.zip", &zip(&[("s.txt", b"deep-marker")])), ("t.txt", &text)]);
    let names: Vec<String> = (0..60).map(|index| format!("{index}.zip")).collect();
    // Packed once more, so that copies are more than the input pays for.
    let copies =
        zip(&[("c.zip", &zip(&names.iter().map(|name| (name.as_str(), copy.as_slice())).collect::<Vec<_>>()))]);
    let small = Limits { depth_max: 6, ..limits() };
    let deep = |copies: Vec<u8>| (0..2).fold(copies, |inner, _| zip(&[("d.zip", &inner)]));
    let seen = walk_with("a.zip", &zip(&[("0.zip", &deep(copies.clone())), ("1.zip", &copy)]), &small, None);
    assert!(seen.reasons.contains(&"depth_max"), "the deep ones are too deep: {:?}", seen.reasons);
    assert!(seen.reasons.contains(&"copies_max"), "they are opened a few times only: {:?}", seen.reasons);
    assert!(seen.holds("deep-marker"), "the other one is not: {:?}", seen.items);
    assert_eq!(seen.completeness(), Completeness::Partial);
}

#[test]
fn empty_shared_strings_count() {
    let strings = format!("<sst>{}<si><t>last-marker</t></si></sst>", "<si><t/></si>".repeat(10_000));
    let small = Limits { shared_strings_bytes_max: 20_000, ..limits() };
    let bytes = zip(&[("[Content_Types].xml", b"<Types/>"), ("xl/sharedStrings.xml", strings.as_bytes())]);
    let seen = walk_with("a.xlsx", &bytes, &small, None);
    assert_eq!(seen.reasons, ["shared_strings_bytes_max"]);
    assert!(seen.holds("last-marker"), "what has no cell is scanned all the same");
}

#[test]
fn many_members_end_at_the_bound() {
    let names: Vec<String> = (0..70_000).map(|index| index.to_string()).collect();
    let members: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b"x"[..])).collect();
    let bytes = zip_with(&members, zip::CompressionMethod::Stored);
    let small = Limits { items_max: 500, ..limits() };
    let seen = walk_with("a.zip", &bytes, &small, None);
    assert_eq!(seen.outcome, Some(Outcome { completeness: Completeness::Partial, reason: "items_max" }));
    assert!(seen.items.len() <= 501, "{} items", seen.items.len());
}

#[test]
fn members_that_share_bytes_are_inflated_once() {
    let mut bytes = zip(&[("a", &[b'z'; 50_000]), ("b", b"short")]);
    let centrals = places(&bytes, CENTRAL);
    let (first, second) = (bytes[centrals[0]..centrals[1]].to_vec(), centrals[1]);
    bytes[second..second + first.len()].copy_from_slice(&first);
    let seen = walk("a.zip", &bytes);
    assert!(seen.reasons.contains(&"overlap"), "{:?}", seen.reasons);
    assert!(seen.holds("short"), "the member that the directory forgot is found");
    assert_eq!(seen.text.values().map(|text| text.matches('z').count()).sum::<usize>() / 50_000, 1);
}

#[test]
fn containers_that_may_not_be_held_are_scanned_raw() {
    let bytes = zip_with(&[("x.txt", &b"marker ".repeat(2_000))], zip::CompressionMethod::Stored);
    let small = Limits { held_bytes_max: 1_000, ..limits() };
    let seen = walk_input("a.zip", Input::Stream(&mut bytes.as_slice()), &small, None);
    assert_eq!(seen.outcome, Some(Outcome { completeness: Completeness::Partial, reason: "held_bytes_max" }));
    assert!(seen.holds("marker marker"));
}

#[test]
fn deep_and_expanding_xml_is_read_without_its_tags() {
    let part = |xml: String| zip(&[("[Content_Types].xml", b"<Types/>"), ("word/document.xml", xml.as_bytes())]);
    let deep = format!("{}<w:t>deep-marker</w:t>", "<w:p>".repeat(100_000));
    let seen = walk("a.docx", &part(deep));
    assert!(seen.holds("deep-marker"));
    assert_eq!(seen.outcome, Some(Outcome { completeness: Completeness::Partial, reason: "xml_depth_max" }));
    let ten = |n: u32| format!("<!ENTITY l{} '{}'>", n + 1, format!("&l{n};").repeat(10));
    let declarations: String = (0..12).map(ten).collect();
    let laughs = format!("<!DOCTYPE x [<!ENTITY l0 'lol'>{declarations}]><w:t>&l12;{} marker</w:t>", "&l4;".repeat(99));
    let seen = walk("a.docx", &part(laughs));
    assert!(seen.holds("&l12;lol") && seen.holds("&l4; marker"), "what exceeds the bound stays as it is");
    assert!(seen.role(Role::Body).len() < 1_100_000, "{} bytes", seen.role(Role::Body).len());
    assert_ne!(seen.completeness(), Completeness::Complete);
    let long = format!("<w:t>{}</w:t><w:t>behind-marker</w:t>", "x".repeat(9_000_000));
    let seen = walk("a.docx", &part(long));
    assert!(seen.holds("behind-marker"));
    assert_ne!(seen.completeness(), Completeness::Complete);
}

#[test]
fn a_tripped_token_ends_the_job() {
    let bytes = two();
    let (limits, cancel) = (limits(), Cancel::default());
    cancel.trip();
    let mut seen = Seen::default();
    let extraction = Extraction { limits: &limits, cancel: &cancel, risky: None };
    let outcome = extract("a.zip", Input::Bytes(&bytes), extraction, &mut seen);
    assert_eq!(outcome, Outcome { completeness: Completeness::Partial, reason: "wall_time_max" });
}

#[test]
fn a_failing_reader_is_reported() {
    struct Failing(usize);
    impl std::io::Read for Failing {
        fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
            if self.0 == 0 {
                return Err(std::io::ErrorKind::PermissionDenied.into());
            }
            let len = self.0.min(buf.len());
            buf[..len].fill(b'm');
            self.0 -= len;
            Ok(len)
        }
    }
    for len in [0, 10, 300_000] {
        let seen = walk_input("a.txt", Input::Stream(&mut Failing(len)), &limits(), None);
        assert_eq!(seen.outcome, Some(Outcome { completeness: Completeness::Partial, reason: "read_error" }), "{len}");
        assert_eq!(seen.text.values().map(String::len).sum::<usize>(), len);
    }
}

#[test]
fn encrypted_blobs_are_named() {
    let armour = format!("-----BEGIN {} MESSAGE-----\n\nabc", "PGP");
    let rows: [(&[u8], &str); 3] = [
        (armour.as_bytes(), "pgp"),
        (b"Salted__\x01\x02\x03\x04\xff\xfe", "openssl_salted"),
        (b"LUKS\xba\xbe\0\x01", "luks"),
    ];
    for (bytes, reason) in rows {
        let outcome = walk("x", bytes).outcome;
        assert_eq!(outcome, Some(Outcome { completeness: Completeness::Encrypted, reason }));
    }
}

#[test]
fn files_that_are_two_things_are_read_as_both() {
    let script = b"#!/bin/sh\n# script-marker\n".repeat(4_000);
    let rows: [(&str, Vec<u8>, Kind); 2] =
        [("a.sh", script, Kind::Text), ("a.pdf", b"%PDF-1.7 script-marker ".to_vec(), Kind::Pdf)];
    for (name, front, kind) in rows {
        let bytes = [front, two()].concat();
        let seen = walk(name, &bytes);
        assert_eq!(seen.items[0].kind, kind);
        assert!(seen.holds("script-marker") && seen.holds("marker-one") && seen.holds("marker-two"), "{name}");
        assert_eq!(seen.outcome, Some(Outcome { completeness: Completeness::Ambiguous, reason: "polyglot" }), "{name}");
    }
    // A self-extractor is no riddle: its archive is what it is.
    let program = [b"MZ\x90\0\x03\0\0\0\x04\0".repeat(50), two()].concat();
    let seen = walk("setup.exe", &program);
    assert_eq!((seen.items[0].kind, seen.completeness()), (Kind::Zip, Completeness::Complete));
    assert!(seen.holds("marker-two"));
}

#[test]
fn encrypted_open_documents_are_named() {
    let manifest = b"<manifest:manifest><manifest:encryption-data/></manifest:manifest>";
    let seen = walk("a.odt", &zip(&[("content.xml", b"\x01\x02\x03"), ("META-INF/manifest.xml", manifest)]));
    assert_eq!(seen.outcome, Some(Outcome { completeness: Completeness::Encrypted, reason: "odf" }));
    let seen = walk("a.jar", &zip(&[("a.txt", b"text"), ("META-INF/manifest.xml", b"<manifest/>")]));
    assert_eq!(seen.completeness(), Completeness::Complete);
}

/// One of the documents that a real program wrote.
fn office(name: &str) -> Vec<u8> {
    let packed: &[u8] = include_bytes!("fixtures/office.tar.xz");
    let mut archive = tar::Archive::new(lzma_rust2::XzReader::new(packed, true));
    let entries = archive.entries().expect("the archive is whole").flatten();
    let mut found = entries.filter(|entry| entry.path().is_ok_and(|path| path.ends_with(name)));
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut found.next().expect("it is in the archive"), &mut bytes).expect("it is whole");
    bytes
}

fn seeds() -> Vec<Vec<u8>> {
    let part = b"<w:document xmlns:w='x'><w:p><w:t>text</w:t></w:p></w:document>";
    vec![
        two(),
        gzip(b"some text"),
        tar(&[("a.txt", b"some text"), ("b.txt", b"more")]),
        zip(&[("[Content_Types].xml", b"<Types/>"), ("word/document.xml", part), ("docProps/core.xml", part)]),
        zip(&[("[Content_Types].xml", b"<Types/>"), ("xl/workbook.xml", part), ("xl/worksheets/sheet1.xml", part)]),
        zip_with(&[("a", &two())], zip::CompressionMethod::Stored),
        office("a.doc"),
        office("b.xls"),
        b"{\\rtf1\\ansi{\\fonttbl{\\f0\\fcharset238 A;}}{\\header x}\\f0 z\\'b3 \\u322?{\\*\\objdata 504b0304}}".to_vec(),
        b"From: a\nTo: b\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Transfer-Encoding: base64\n\nUEsDBA==\n--b--\n".to_vec(),
        b"<?xml version='1.0'?><office:document><text:p>a<text:s text:c='9'/></text:p><table:table/></office:document>".to_vec(),
        b"<html><p title='x'>4405<b>1401&#52;58</b><!-- c --><script>s</script>%41 NDQwNTE0MDE0NTg=".to_vec(),
        b"\x1f\x9d\x90\x61\x02\x02".to_vec(),
        b"\x28\xb5\x2f\xfd\x20\x07\x39\0\0packed ".to_vec(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        walk("x", &bytes);
    }

    #[test]
    fn no_mutation_panics(
        seed in 0_usize..14,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        cut in any::<prop::sample::Index>(),
        is_cut: bool,
    ) {
        let mut bytes = seeds().swap_remove(seed);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if is_cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let seen = walk("x", &bytes);
        prop_assert!(seen.items.len() < 100);
        let streamed = stream("x", &bytes);
        prop_assert!(streamed.items[0].kind != Kind::Zip || streamed.items[0].kind == seen.items[0].kind);
    }
}

#[test]
fn changed_bytes_of_binary_formats_end_the_walk_in_order() {
    let samples = [serial::samples(), image::samples(), wrapped::samples(), vec![sqlite::sample()]].concat();
    for sample in samples {
        let step = (sample.len() / 150).max(1);
        for at in (0..sample.len()).step_by(step) {
            for value in [0, 0x01, 0x7F, 0xFF, sample[at] ^ 0x80] {
                let mut changed = sample.clone();
                changed[at] = value;
                let seen = walk("a", &changed);
                assert!(seen.items.len() < 500, "at {at}: {} items", seen.items.len());
            }
            let _ = walk("a", &sample[..at]);
        }
    }
}

/// Shows findings from a confidence on, and counts others.
struct Shown {
    from: ConfidenceLevel,
    counts: [usize; 2],
    limits: Vec<&'static str>,
}

impl Observer for Shown {
    fn finding(&mut self, finding: Finding) -> Flow {
        self.counts[usize::from(finding.confidence.level() >= self.from)] += 1;
        Flow::Continue
    }

    fn problem(&mut self, problem: LocatedProblem) {
        self.limits.extend(problem.problem.limit.map(|limit| limit.name));
    }

    fn item(&mut self, _item: ItemReport) {}

    fn takes_any_number_of(&self, level: ConfidenceLevel) -> bool {
        level < self.from
    }
}

#[test]
fn findings_are_left_out_only_where_they_would_be_shown() {
    use ConfidenceLevel::{High, Low, Medium};
    let limits = Limits { findings_max: 3, ..Limits::inline() };
    let inspector = Inspector::new(DetectorSet::builtin().expect("built-in detectors"), limits);
    let bare = "the reference is 44051401458 of that, and words that mean nothing at all in this place\n".repeat(8);
    let labelled = "PESEL 44051401458 and words that mean nothing at all in this place\n".repeat(8);
    let rows = [
        (&bare, Medium, [8, 0], vec![]),
        (&bare, Low, [0, 3], vec!["findings_max"]),
        (&labelled, Medium, [0, 3], vec!["findings_max"]),
        (&labelled, High, [0, 3], vec!["findings_max"]),
    ];
    for (text, from, counts, limits) in rows {
        let mut shown = Shown { from, counts: [0; 2], limits: Vec::new() };
        let job = Job { name: "a.txt", input: Input::Bytes(text.as_bytes()), cancel: &Cancel::default() };
        let inspected = inspector.inspect(&mut Scratch::new(), job, &mut shown);
        let completeness = if limits.is_empty() { Completeness::Complete } else { Completeness::Partial };
        assert_eq!(inspected.outcome.completeness, completeness, "{text}");
        assert_eq!((shown.counts, shown.limits), (counts, limits), "from {from}: {text}");
    }
}
