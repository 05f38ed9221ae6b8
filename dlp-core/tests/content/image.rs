//! Images: what is written about them, in files of a few segments.

use crate::support::*;
use dlp_core::content::{Completeness, Kind, Relation, Role};

fn segment(marker: u8, content: &[u8]) -> Vec<u8> {
    [&[0xFF, marker][..], &(content.len() as u16 + 2).to_be_bytes(), content].concat()
}

/// A JPEG of these segments, with some pixels.
fn jpeg(segments: &[Vec<u8>]) -> Vec<u8> {
    let pixels = [segment(0xDA, &[1, 1, 0, 0, 63, 0]), vec![0x12, 0xFF, 0, 0xFF, 0xD0, 0x34, 0xFF, 0xD9]].concat();
    [vec![0xFF, 0xD8], segments.concat(), pixels].concat()
}

fn chunk(name: &[u8], content: &[u8]) -> Vec<u8> {
    [&(content.len() as u32).to_be_bytes()[..], name, content, &[0; 4]].concat()
}

fn png(chunks: &[Vec<u8>]) -> Vec<u8> {
    [b"\x89PNG\r\n\x1a\n".to_vec(), chunk(b"IHDR", &[0; 13]), chunks.concat(), chunk(b"IEND", b"")].concat()
}

fn webp(chunks: &[(&[u8], &[u8])]) -> Vec<u8> {
    let mut body = b"WEBPVP8X\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0".to_vec();
    for (name, content) in chunks {
        body.extend([name, &(content.len() as u32).to_le_bytes()[..], content].concat());
        body.resize(body.len().next_multiple_of(2), 0);
    }
    [b"RIFF", &(body.len() as u32).to_le_bytes()[..], &body].concat()
}

fn blocks(content: &[u8]) -> Vec<u8> {
    let pieces = content.chunks(255).flat_map(|piece| [&[piece.len() as u8][..], piece].concat());
    pieces.chain([0]).collect()
}

fn gif(extensions: &[Vec<u8>]) -> Vec<u8> {
    let colours = [0; 6];
    let picture = [&b"\x2c\0\0\0\0\x01\0\x01\0\0\x02"[..], &blocks(&[0x44, 1])].concat();
    [&b"GIF89a\x01\0\x01\0\x80\0\0"[..], &colours, &extensions.concat(), &picture, b"\x3b"].concat()
}

/// A tag, its type, and the bytes of its values.
type Entry = (u16, u16, Vec<u8>);
/// A tag that leads to a directory with these entries.
type Below<'e> = (u16, &'e [Entry]);

/// A TIFF directory with these values of type and bytes, and directories below it.
fn tiff(is_big: bool, entries: &[Entry], below: &[Below<'_>]) -> Vec<u8> {
    let mut bytes = if is_big { b"MM\0*\0\0\0\x08".to_vec() } else { b"II*\0\x08\0\0\0".to_vec() };
    directory(&mut bytes, is_big, entries, below);
    bytes
}

fn directory(bytes: &mut Vec<u8>, is_big: bool, entries: &[Entry], below: &[Below<'_>]) {
    let short = |number: u16| if is_big { number.to_be_bytes() } else { number.to_le_bytes() };
    let long = |number: u32| if is_big { number.to_be_bytes() } else { number.to_le_bytes() };
    let count = entries.len() + below.len();
    let start = bytes.len();
    bytes.extend(short(count as u16));
    bytes.resize(start + 2 + 12 * count + 4, 0);
    for (index, (tag, kind, value)) in entries.iter().enumerate() {
        let size = if *kind == 5 { 8 } else { 1 };
        let mut entry = [short(*tag), short(*kind)].concat();
        entry.extend(long((value.len() / size) as u32));
        if value.len() <= 4 {
            entry.extend(value);
            entry.resize(12, 0);
        } else {
            entry.extend(long(bytes.len() as u32));
            bytes.extend_from_slice(value);
        }
        bytes[start + 2 + 12 * index..][..12].copy_from_slice(&entry);
    }
    for (index, (tag, entries)) in below.iter().enumerate() {
        let entry = [&short(*tag)[..], &short(4), &long(1), &long(bytes.len() as u32)].concat();
        bytes[start + 2 + 12 * (entries_before(count, below) + index)..][..12].copy_from_slice(&entry);
        directory(bytes, is_big, entries, &[]);
    }
}

fn entries_before(count: usize, below: &[Below<'_>]) -> usize {
    count - below.len()
}

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn exif() -> Vec<u8> {
    let degrees = |parts: [(u32, u32); 3]| {
        parts.iter().flat_map(|(over, under)| [over.to_le_bytes(), under.to_le_bytes()].concat()).collect::<Vec<u8>>()
    };
    let comment = [b"UNICODE\0", wide("user-comment-marker").as_slice()].concat();
    let place = [
        (1, 2, b"N\0".to_vec()),
        (2, 5, degrees([(52, 1), (13, 1), (4692, 100)])),
        (3, 2, b"W\0".to_vec()),
        (4, 5, degrees([(21, 1), (0, 1), (4392, 100)])),
    ];
    tiff(
        false,
        &[(0x010E, 2, b"description-marker\0".to_vec()), (0x9C9C, 1, wide("xp-comment-marker\0"))],
        &[(0x8769, &[(0x9286, 7, comment)]), (0x8825, &place)],
    )
}

const XMP: &str = "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:li>xmp-marker</rdf:li></x:xmpmeta>";

fn iptc() -> Vec<u8> {
    let field = |number: u8, text: &str| [&[0x1C, 2, number, 0, text.len() as u8][..], text.as_bytes()].concat();
    [field(120, "caption-marker"), field(80, "Żółwiński")].concat()
}

/// What it is, its kind, its bytes, and what has to be found.
type Row = (&'static str, Kind, Vec<u8>, &'static [&'static str]);

const EXIF_MARKERS: &[&str] =
    &["description-marker", "user-comment-marker", "xp-comment-marker", "52.229700, -21.012200"];

fn jpegs() -> Vec<Row> {
    let resources = [&b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0"[..], &[iptc().len() as u8], &iptc()].concat();
    let extended = |at: u32, text: &str| {
        let head = [&b"http://ns.adobe.com/xmp/extension/\0"[..], &[b'0'; 32], &[0; 4], &at.to_be_bytes()].concat();
        segment(0xE1, &[head.as_slice(), text.as_bytes()].concat())
    };
    vec![
        ("exif in jpeg", Kind::Jpeg, jpeg(&[segment(0xE1, &[b"Exif\0\0", exif().as_slice()].concat())]), EXIF_MARKERS),
        ("comment", Kind::Jpeg, jpeg(&[segment(0xFE, b"comment-marker")]), &["comment: comment-marker"]),
        (
            "xmp",
            Kind::Jpeg,
            jpeg(&[segment(0xE1, &[b"http://ns.adobe.com/xap/1.0/\0", XMP.as_bytes()].concat())]),
            &["xmp-marker"],
        ),
        ("xmp in pieces", Kind::Jpeg, jpeg(&[extended(0, &XMP[..50]), extended(50, &XMP[50..])]), &["xmp-marker"]),
        ("iptc", Kind::Jpeg, jpeg(&[segment(0xED, &resources)]), &["caption: caption-marker", "author: Żółwiński"]),
    ]
}

fn other_images() -> Vec<Row> {
    let packed = |name: &[u8], text: &str| chunk(b"zTXt", &[name, b"\0\0", &deflate(text.as_bytes())].concat());
    let mut trailer = vec![1];
    trailer.extend((0..=255_u8).rev());
    trailer.push(0);
    let gif_xmp = [&b"\x21\xff\x0bXMP DataXMP"[..], XMP.as_bytes(), &trailer].concat();
    vec![
        ("tEXt", Kind::Png, png(&[chunk(b"tEXt", b"Author\0author-marker")]), &["Author: author-marker"]),
        ("zTXt", Kind::Png, png(&[packed(b"Comment", "packed-marker")]), &["Comment: packed-marker"]),
        (
            "iTXt",
            Kind::Png,
            png(&[chunk(b"iTXt", "Title\0\0\0pl\0Tytuł\0tytuł-marker".as_bytes())]),
            &["Title Tytuł: tytuł-marker"],
        ),
        (
            "iTXt, packed",
            Kind::Png,
            png(&[chunk(b"iTXt", &[&b"T\0\x01\0\0\0"[..], &deflate(b"packed-marker")].concat())]),
            &["packed-marker"],
        ),
        (
            "xmp in png",
            Kind::Png,
            png(&[chunk(b"iTXt", &[b"XML:com.adobe.xmp\0\0\0\0\0", XMP.as_bytes()].concat())]),
            &["xmp-marker"],
        ),
        ("exif in png", Kind::Png, png(&[chunk(b"eXIf", &exif())]), EXIF_MARKERS),
        (
            "comment in gif",
            Kind::Gif,
            gif(&[[&b"\x21\xfe"[..], &blocks(&[&[b'x'; 250][..], b" comment-marker"].concat())].concat()]),
            &["comment-marker"],
        ),
        ("xmp in gif", Kind::Gif, gif(&[gif_xmp]), &["xmp-marker"]),
        (
            "webp",
            Kind::Webp,
            webp(&[(b"EXIF", &exif()), (b"XMP ", XMP.as_bytes())]),
            &["user-comment-marker", "xmp-marker"],
        ),
        ("tiff", Kind::Tiff, exif(), EXIF_MARKERS),
        (
            "tiff, high byte first",
            Kind::Tiff,
            tiff(true, &[(0x013B, 2, b"artist-marker\0".to_vec()), (0x02BC, 1, XMP.into()), (0x83BB, 7, iptc())], &[]),
            &["artist: artist-marker", "xmp-marker", "caption-marker"],
        ),
    ]
}

/// Images with everything that can be written about them.
pub(crate) fn samples() -> Vec<Vec<u8>> {
    [jpegs(), other_images()].concat().into_iter().map(|(_, _, bytes, _)| bytes).collect()
}

#[test]
fn what_is_written_about_an_image_is_read() {
    for (case, kind, bytes, markers) in [jpegs(), other_images()].concat() {
        for seen in [walk("image", &bytes), stream("image", &bytes)] {
            assert_eq!(
                (seen.items[0].kind, seen.completeness()),
                (kind, Completeness::Complete),
                "{case}: {:?}",
                seen.reasons
            );
            for marker in markers {
                assert!(seen.holds(marker), "{case}: {marker}: {:?}", seen.text);
                assert!(!seen.role(Role::Raw).contains(marker), "{case}: {marker} is not read twice");
            }
        }
    }
}

#[test]
fn what_stands_in_and_behind_an_image_is_read() {
    let note = "text-behind-marker";
    let rows: Vec<(&str, Kind, Vec<u8>)> = vec![
        ("jpeg", Kind::Jpeg, jpeg(&[segment(0xE5, b"\0raw-marker\0")])),
        ("png", Kind::Png, png(&[chunk(b"teSt", b"\0raw-marker\0")])),
        (
            "gif",
            Kind::Gif,
            gif(&[[&b"\x21\xff"[..], &blocks(b"APPLICATION"), &b"\x21\xff"[..], &blocks(b"\0raw-marker")].concat()]),
        ),
        ("webp", Kind::Webp, webp(&[(b"DATA", b"\0raw-marker\0")])),
    ];
    for (case, kind, image) in rows {
        let seen = walk("image", &[&image[..], note.as_bytes()].concat());
        assert!(seen.role(Role::Raw).contains("raw-marker"), "{case}: {:?}", seen.text);
        assert!(seen.role(Role::Body).contains(note), "{case}: {:?}", seen.text);
        let tail = seen.items.last().expect("there is an item");
        assert_eq!((tail.kind, tail.relation), (Kind::Text, Relation::Gap), "{case}");
        let with_archive = [&image[..], &zip(&[("x.txt", b"in-archive-marker")])].concat();
        let seen = walk("image", &with_archive);
        assert_eq!(seen.items[0].kind, kind, "{case}");
        assert_eq!(seen.role(Role::Body).matches("in-archive-marker").count(), 1, "{case}: {:?}", seen.text);
        assert_eq!(seen.completeness(), Completeness::Ambiguous, "{case}");
        let half = walk("image", &image[..image.len() / 2]);
        assert_eq!(half.items[0].kind, kind, "{case}: a cut image hides nothing");
    }
    let many = jpeg(&[segment(0xFE, b"comment-marker")]).repeat(50);
    let seen = walk("many", &many);
    assert_eq!((seen.items.len(), seen.completeness()), (1, Completeness::Complete), "{:?}", seen.reasons);
    assert_eq!(seen.role(Role::Property).matches("comment-marker").count(), 50);
}

#[test]
fn hostile_images_are_bounded() {
    // Every entry of a directory points at the same long text.
    let shared = {
        let mut bytes = tiff(false, &vec![(0x010E, 2, vec![b'a'; 4]); 5_000], &[]);
        let at = bytes.len() as u32;
        bytes.extend(vec![b'x'; 50_000]);
        for index in 0..5_000 {
            let entry = 8 + 2 + 12 * index;
            bytes[entry + 4..entry + 8].copy_from_slice(&50_000_u32.to_le_bytes());
            bytes[entry + 8..entry + 12].copy_from_slice(&at.to_le_bytes());
        }
        bytes
    };
    let seen = walk("a.tif", &shared);
    assert_eq!(seen.completeness(), Completeness::Ambiguous, "{:?}", seen.reasons);
    assert!(seen.role(Role::Property).len() < 400_000);
    let mut circle = tiff(false, &[(0x010E, 2, b"text-marker\0".to_vec())], &[]);
    circle[22..26].copy_from_slice(&8_u32.to_le_bytes());
    let seen = walk("a.tif", &circle);
    assert_eq!(seen.role(Role::Property).matches("text-marker").count(), 1);
    let bomb = png(&[chunk(b"zTXt", &[&b"a\0\0"[..], &deflate(&vec![b'a'; 40_000_000])].concat())]);
    assert_eq!(walk("a.png", &bomb).reasons, ["image_packed_text_bytes_max"]);
    let broken = png(&[chunk(b"zTXt", b"a\0\0no packed text")]);
    assert_eq!(walk("a.png", &broken).completeness(), Completeness::Damaged);
}

/// A directory whose entries all lead to the places of one list.
fn shared_list(entries: usize, list: &[u32]) -> Vec<u8> {
    let mut bytes = tiff(false, &vec![(0x014A, 4, vec![0; 4]); entries], &[]);
    let at = bytes.len() as u32;
    for entry in (10..).step_by(12).take(entries) {
        bytes[entry + 4..entry + 8].copy_from_slice(&(list.len() as u32).to_le_bytes());
        bytes[entry + 8..entry + 12].copy_from_slice(&at.to_le_bytes());
    }
    bytes.extend(list.iter().flat_map(|place| place.to_le_bytes()));
    bytes
}

/// A TIFF file whose entries with this tag all give the same value, and the value.
fn shared_value(entries: usize, tag: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = tiff(false, &vec![(tag, 7, vec![0; 4]); entries], &[]);
    let at = bytes.len() as u32;
    for entry in (10..).step_by(12).take(entries) {
        bytes[entry + 4..entry + 8].copy_from_slice(&(value.len() as u32).to_le_bytes());
        bytes[entry + 8..entry + 12].copy_from_slice(&at.to_le_bytes());
    }
    [&bytes, value].concat()
}

#[test]
fn what_an_image_repeats_is_read_once() {
    let same = shared_list(500, &[8; 4_096]);
    let places: Vec<u32> = (0..6_000).map(|index| 16 + 4 * index).collect();
    let many = [shared_list(1, &places), vec![0; 24_000]].concat();
    // Directories that begin in one another have the same entries.
    let inside: Vec<u32> = (0..2_000).map(|index| 8_026 + 4 * index).collect();
    let nested = [shared_list(1, &inside), [0xFF, 0x7F].repeat(10_000)].concat();
    let record = [0x1C, 1, 0, 0, 0];
    let resource = b"8BIM\x04\0\0\0\0\0\0\0";
    let rows: Vec<(&str, Vec<u8>, &str)> = vec![
        ("places of directories", same, "overlap"),
        ("more directories than the bound", many, "image_directories_max"),
        ("entries", nested, "overlap"),
        ("records", shared_value(100, 0x83BB, &record.repeat(1_000)), "overlap"),
        ("resources", shared_value(100, 0x8649, &resource.repeat(1_000)), "overlap"),
    ];
    for (case, bytes, reason) in rows {
        assert_eq!(walk("a.tif", &[&bytes[..], b"raw-marker"].concat()).reasons, [reason], "{case}");
    }
    // Each image of a file gives what its own bytes hold, however long the file is.
    let exif = shared_value(2_000, 0xA430, b"").len();
    let mut value = vec![b'x'; 20_000];
    value[0] = b'y';
    let mut shared = shared_value(2_000, 0xA430, &value);
    (10..exif - 4).step_by(12).for_each(|entry| shared[entry + 2] = 2);
    let image = jpeg(&[segment(0xE1, &[b"Exif\0\0", shared.as_slice()].concat())]);
    let text = walk("a.jpg", &image.repeat(20)).role(Role::Property);
    assert!(text.matches("yxx").count() <= 60, "{}", text.matches("yxx").count());
}

#[test]
fn bytes_behind_packed_texts_are_read() {
    let packed = [deflate(b"packed-marker"), b"behind-marker".to_vec()].concat();
    let compressed = chunk(b"zTXt", &[&b"Comment\0\0"[..], &packed].concat());
    let international = chunk(b"iTXt", &[&b"Comment\0\x01\0en\0\0"[..], &packed].concat());
    for (case, chunk) in [("zTXt", compressed), ("iTXt", international)] {
        let seen = walk("a.png", &png(&[chunk]));
        for marker in ["packed-marker", "behind-marker"] {
            assert!(seen.holds(marker), "{case} {marker}: {:?}", seen.text);
        }
        assert_eq!(seen.completeness(), Completeness::Complete, "{case}");
    }
}

#[test]
fn texts_in_another_encoding_than_stated_are_read() {
    let big = |text: &str| text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>();
    let marker = "łąka-marker 4111";
    let marked = [b"\xFF\xFE", wide(marker).as_slice()].concat();
    let comment = |bytes: &[u8]| gif(&[[&[0x21, 0xFE][..], &blocks(bytes)].concat()]);
    let title = |bytes: Vec<u8>| tiff(false, &[(0x9C9B, 1, bytes)], &[]);
    let rows = [
        ("a comment of JPEG in UTF-16", jpeg(&[segment(0xFE, &wide(marker))])),
        ("a comment of JPEG in UTF-16, high byte first", jpeg(&[segment(0xFE, &big(marker))])),
        ("a comment of JPEG in UTF-16 with its mark", jpeg(&[segment(0xFE, &marked)])),
        ("a comment of GIF in UTF-16", comment(&wide(marker))),
        ("a wide title in UTF-8", title(marker.as_bytes().to_vec())),
        ("a wide title, high byte first", title(big(marker))),
        ("a wide title", title(wide(marker))),
        ("a description in UTF-16", tiff(false, &[(0x010E, 2, wide(marker))], &[])),
    ];
    for (case, bytes) in rows {
        let seen = walk("image", &bytes);
        assert!(seen.role(Role::Property).contains(marker), "{case}: {:?}", seen.text);
    }
}
