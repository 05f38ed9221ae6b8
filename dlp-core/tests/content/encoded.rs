//! What is encoded in texts: found, led back to its bytes, bounded, reported once.

use crate::support::*;
use data_encoding::{BASE32, BASE64, BASE64URL_NOPAD, HEXLOWER};
use dlp_core::base::{Cancel, ConfidenceLevel, Limits};
use dlp_core::content::{
    Completeness, Finding, Flow, Input, ItemReport, Kind, LocatedProblem, Observer, OffsetBase, Relation, Role,
};
use dlp_core::inspect::{Collected, Inspector, Job};
use dlp_core::knowledge::{generate::generate, validators};
use dlp_core::matching::{DetectorSet, Scratch};

const NUMBER: &str = "44051401458";
const LINE: &str = "PESEL: 44051401458";

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut encoder, bytes).expect("memory");
    encoder.finish().expect("memory")
}

fn mime(bytes: &[u8]) -> String {
    data_encoding::BASE64_MIME.encode(bytes)
}

fn percent(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn utf16_escapes(text: &str) -> String {
    text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect()
}

#[test]
fn encoded_texts_are_read() {
    let base64 = |text: &str| BASE64.encode(text.as_bytes());
    let long = format!("{} {LINE}", "some words in front of it ".repeat(20));
    let rows: Vec<(&str, String)> = vec![
        ("base64", format!("data {} end", base64(LINE))),
        ("base64 in JSON", format!("{{\"a\":\"{}\"}}", base64(LINE))),
        ("base64 for addresses", format!("https://example.com/?q={}", BASE64URL_NOPAD.encode(LINE.as_bytes()))),
        ("base64 in lines", format!("key:\n{}\n", mime(long.as_bytes()))),
        ("base64 in JSON with line ends", format!("\"{}\"", mime(long.as_bytes()).replace("\r\n", "\\u000a"))),
        ("hexadecimal", format!("x={}", HEXLOWER.encode(LINE.as_bytes()))),
        ("base32", format!("x {}", BASE32.encode(LINE.as_bytes()))),
        ("percent", percent(LINE)),
        ("percent twice", percent(&percent(LINE))),
        ("entities", LINE.chars().map(|c| format!("&#{};", u32::from(c))).collect()),
        ("escapes", utf16_escapes(LINE)),
        ("quoted-printable", LINE.bytes().map(|byte| format!("={byte:02X}")).collect()),
        ("base64 twice", base64(&base64(LINE))),
        ("base64 in percent", percent(&base64(LINE))),
        ("percent in base64", base64(&percent(LINE))),
        ("zero width", "PESEL: 4405\u{200B}1401\u{200B}458".to_owned()),
        ("soft hyphen", "PESEL: 440514\u{AD}01458".to_owned()),
        ("full width", "ＰＥＳＥＬ: ４４０５１４０１４５８".to_owned()),
        ("arabic digits", "PESEL: ٤٤٠٥١٤٠١٤٥٨".to_owned()),
        // The reference encoder made it of a sentence with the number.
        ("brotli", "x: GzsA+B0JNo5yqxo75za2rmMqKES/1wiqtLcym+tBFMmGIn3ADRLl5N38bMNmZMoptENSLs9AAA==".to_owned()),
    ];
    for (case, text) in rows {
        for seen in [walk("a.txt", text.as_bytes()), stream("a.txt", text.as_bytes())] {
            assert_eq!(seen.role(Role::Body), text, "{case}");
            assert!(seen.role(Role::Decoded).contains(NUMBER), "{case}: {:?}", seen.text);
            assert_eq!(seen.completeness(), Completeness::Complete, "{case}");
        }
    }
}

#[test]
fn encoded_files_are_walked_wherever_a_reader_cuts_them() {
    // Not as even as encrypted bytes, which are named.
    let noise: Vec<u8> = (0..300_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8 | 1).collect();
    let archive = zip_with(&[("noise", &noise), ("in.txt", LINE.as_bytes())], zip::CompressionMethod::Stored);
    let packed = gzip(LINE.as_bytes());
    for before in [0, 10, 131_060, 131_072, 200_000] {
        for (case, code) in
            [("long", BASE64.encode(&archive)), ("lines", mime(&archive)), ("gzip", BASE64.encode(&packed))]
        {
            let text = format!("{}\n\"{code}\" behind", "word ".repeat(before / 5));
            for seen in [walk("a.txt", text.as_bytes()), stream("a.txt", text.as_bytes())] {
                let child = seen.items.iter().find(|item| item.relation == Relation::Decoded);
                let kind = if case == "gzip" { Kind::Gzip } else { Kind::Zip };
                assert_eq!(child.map(|child| child.kind), Some(kind), "{case} behind {before}");
                assert!(seen.holds(LINE), "{case} behind {before}");
                assert_eq!(seen.completeness(), Completeness::Complete, "{case} behind {before}: {:?}", seen.reasons);
            }
        }
    }
}

#[test]
fn texts_without_encodings_are_handed_out_once() {
    let texts = [
        "Zażółć gęślą jaźń, „cudzysłów” – myślnik. 100% of R&D = 5\n",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709  file.txt\n",
        "internationalisation getElementsByTagName SOME_CONSTANT_NAME a/long/path/to/some/file.rs\n",
        "let x = &foo; if a == b { c %= 5 } else { \"\\n\" }\n",
    ];
    for text in texts {
        let seen = walk("a.txt", text.repeat(3_000).as_bytes());
        assert_eq!(seen.role(Role::Decoded), "", "{text}");
        assert_eq!(seen.items.len(), 1, "{text}");
    }
}

#[test]
fn disguises_are_read_where_they_are_asked_for() {
    let plain = Inspector::new(DetectorSet::builtin().expect("built-in detectors"), Limits::inline());
    let audit = plain.clone().with_disguises();
    let token = generate("ghp_[0-9A-Za-z]{36}", 5, validators::find("github-token")).expect("recipe");
    let turned: String = format!("token: {token}").chars().rev().collect();
    let moved: String = token
        .chars()
        .map(|c| match c {
            'a'..='m' | 'A'..='M' => char::from(c as u8 + 13),
            'n'..='z' | 'N'..='Z' => char::from(c as u8 - 13),
            other => other,
        })
        .collect();
    for (line, part) in [(turned, "decoded:reversed"), (format!("gbxra: {moved}"), "decoded:rot13")] {
        let text = format!("first\n{line}\nlast\n");
        let [usual, asked] = [&plain, &audit].map(|inspector| {
            let mut collected = Collected::default();
            let job = Job { name: "a.txt", input: Input::Bytes(text.as_bytes()), cancel: &Cancel::default() };
            inspector.inspect(&mut Scratch::new(), job, &mut collected);
            let sure = collected.findings.into_iter().filter(|f| f.confidence.level() >= ConfidenceLevel::Medium);
            sure.map(|finding| finding.location).collect::<Vec<_>>()
        });
        let [location] = asked.as_slice() else { panic!("{line}: {asked:?}") };
        let place = &text[location.span.start.0 as usize..location.span.end.0 as usize];
        assert_eq!((location.part.as_deref(), location.start.map(|start| start.line)), (Some(part), Some(2)));
        assert!(line.contains(place.trim_end()) && place.len() > 10, "{place}");
        assert!(usual.is_empty(), "{line}: {usual:?}");
    }
}

#[test]
fn decoding_is_bounded_in_depth_and_size() {
    let mut nested = LINE.to_owned();
    for _ in 0..5 {
        nested = BASE64.encode(nested.as_bytes());
    }
    assert!(walk("a.txt", nested.as_bytes()).holds(LINE));
    let seen = walk("a.txt", BASE64.encode(nested.as_bytes()).as_bytes());
    assert_eq!(seen.reasons, ["decoding_depth_max"]);
    assert_eq!(seen.completeness(), Completeness::Partial);
    // Deflated again and again; what is inside may begin like such a stream.
    for (text, times, reasons) in
        [(LINE, 5, &[][..]), ("x^2 + y^2 is the square of it", 5, &[]), (LINE, 6, &["decoding_depth_max"])]
    {
        let deflated = (0..times).fold(text.as_bytes().to_vec(), |bytes, _| zlib(&bytes));
        let seen = walk("a.txt", format!("code: {}", BASE64.encode(&deflated)).as_bytes());
        assert_eq!((seen.reasons.as_slice(), seen.holds(text)), (reasons, reasons.is_empty()), "{text}: {times}");
    }
    // Every escape is escaped again and again, and each layer has the text around it.
    let mut layers = "%41".to_owned();
    for _ in 0..4 {
        layers = format!("{} {}", layers.replace('%', "%25"), "filler ".repeat(20));
    }
    let seen = walk("a.txt", layers.repeat(4_000).as_bytes());
    assert!(seen.role(Role::Decoded).len() < 9 * 4_000 * layers.len(), "{}", seen.role(Role::Decoded).len());
}

#[test]
fn codes_beside_each_other_are_each_decoded_once() {
    let (count, value) = (1_000, |n: u32| format!("value {n:05} of it"));
    for label in ["secret: ", "row "] {
        let line = |n: u32| format!("{label}{}\n", BASE64.encode(value(n).as_bytes()));
        let text: String = (0..count).map(line).collect();
        let seen = walk("a.txt", text.as_bytes());
        assert_eq!((seen.reasons.as_slice(), seen.completeness()), (&[][..], Completeness::Complete), "{label}");
        let decoded = seen.role(Role::Decoded);
        let times = |n: u32| decoded.matches(&value(n)).count();
        assert!((0..count).all(|n| times(n) == 1), "{label}");
    }
    // What was decoded is looked at in turn, beside what stands around it.
    let twice = BASE64.encode(BASE64.encode(LINE.as_bytes()).as_bytes());
    let escaped = BASE64.encode(b"mail%3A jane%40acme.pl");
    let text = format!("a: {twice}\nb: {escaped}\nc: {twice}\n");
    let seen = walk("a.txt", text.as_bytes());
    assert!(seen.holds(&format!("a: {LINE}")) && seen.holds("mail: jane@acme.pl"), "{}", seen.role(Role::Decoded));
    assert_eq!(seen.completeness(), Completeness::Complete);
}

#[test]
fn findings_lead_back_to_the_encoded_bytes_and_come_once() {
    let detectors = DetectorSet::builtin().expect("built-in detectors");
    let inspector = Inspector::new(detectors, Limits::inline());
    let encoded = BASE64.encode(LINE.as_bytes());
    let before = "a line of text\n".repeat(10_000);
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let rows: Vec<(&str, Vec<u8>, usize, usize)> = vec![
        ("plain", format!("{before}{LINE}").into(), before.len() + 7, 11),
        ("base64", format!("{before}x {encoded}\n").into(), before.len() + 2 + 8, 16),
        ("percent", format!("{before}{}\n", percent(LINE)).into(), before.len() + 21, 33),
        ("escapes", format!("{before}{}\n", utf16_escapes(LINE)).into(), before.len() + 42, 66),
        (
            "percent in utf-16",
            [vec![0xFF, 0xFE], wide(&format!("{before}{}\n", percent(LINE)))].concat(),
            2 + 2 * (before.len() + 21),
            66,
        ),
        ("markup", format!("<html><p>{before}<b>PESEL</b>: 4405<i>1401</i>458</p>").into(), before.len() + 9 + 14, 18),
        ("entities in markup", b"<html>PESEL: 4405&#49;<b>401458</b>".to_vec(), 13, 18),
        ("a plain value in markup", format!("<html><p>{before}{LINE}</p>").into(), before.len() + 16, 11),
        ("escape near a plain value", format!("{before}a%20b {LINE} c%20d").into(), before.len() + 13, 11),
    ];
    for (case, bytes, start, len) in rows {
        let mut collected = Collected::default();
        let job = Job { name: "a.txt", input: Input::Bytes(&bytes), cancel: &Cancel::default() };
        let _ = inspector.inspect(&mut Scratch::new(), job, &mut collected);
        let found: Vec<_> = collected
            .findings
            .iter()
            .filter(|finding| finding.confidence.level() >= ConfidenceLevel::Medium)
            .map(|finding| (&finding.location, String::from_utf8_lossy(finding.value.expose()).into_owned()))
            .collect();
        assert_eq!(found.len(), 1, "{case}: {found:?}");
        let (location, value) = &found[0];
        assert_eq!((value.as_str(), location.offset_base), (NUMBER, OffsetBase::File), "{case}");
        let span = (location.span.start.0 as usize, location.span.end.0 as usize);
        assert_eq!(span, (start, start + len), "{case}: {}", String::from_utf8_lossy(&bytes[span.0..span.1]));
    }
}

/// Keeps the findings, or counts them as gateways do.
struct Levels {
    only_counts: bool,
    found: Vec<ConfidenceLevel>,
}

impl Observer for Levels {
    fn finding(&mut self, finding: Finding) -> Flow {
        self.found.push(finding.confidence.level());
        Flow::Continue
    }

    fn problem(&mut self, problem: LocatedProblem) {
        panic!("no problem was expected: {problem:?}");
    }

    fn item(&mut self, _item: ItemReport) {}

    fn only_counts(&self) -> bool {
        self.only_counts
    }
}

/// Bytes as dumps show them.
fn dump(bytes: &[u8]) -> String {
    let line = |(at, row): (usize, &[u8])| {
        let digits = |half: &[u8]| half.iter().map(|byte| format!("{byte:02x} ")).collect::<String>();
        let (first, second) = row.split_at(row.len().min(8));
        let digits = format!("{} {}", digits(first), digits(second));
        format!("{:08x}  {digits:<50}|{}|\n", at * 16, String::from_utf8_lossy(row))
    };
    bytes.chunks(16).enumerate().map(line).collect()
}

#[test]
fn of_several_readings_of_a_value_the_surest_counts() {
    let inspector = Inspector::new(DetectorSet::builtin().expect("built-in detectors"), Limits::inline());
    let (low, sure) = ("the reference is 44051401458 of that", "PESEL klienta: 44051401458 ok");
    let (low_code, code) = (BASE64.encode(low.as_bytes()), BASE64.encode(sure.as_bytes()));
    let filler = "words that mean nothing at all in this place";
    let document = |first: &str, last: &str| {
        let paragraphs = [&[first], &[filler; 40][..], &[last]].concat();
        let body: String = paragraphs.iter().map(|text| format!("<w:p><w:r><w:t>{text}</w:t></w:r></w:p>")).collect();
        let main = format!("<w:document xmlns:w='x'><w:body>{body}</w:body></w:document>");
        zip(&[("[Content_Types].xml", b"<Types/>"), ("word/document.xml", main.as_bytes())])
    };
    let mut rows: Vec<(String, Vec<u8>, usize)> = vec![
        ("bare, code".into(), document(low, &code), 1),
        ("code, bare".into(), document(&code, low), 1),
        ("low code, code".into(), document(&low_code, &code), 1),
        ("code, low code".into(), document(&code, &low_code), 1),
    ];
    for before in 0..16 {
        let text = format!("{}PESEL 44051401458 yes and on", " ".repeat(before));
        // It stands in the column of characters as well.
        rows.push((format!("dump with {before} bytes before"), dump(text.as_bytes()).into(), 2));
    }
    for (case, bytes, count_max) in rows {
        for only_counts in [false, true] {
            let mut levels = Levels { only_counts, found: Vec::new() };
            let job = Job { name: "a", input: Input::Bytes(&bytes), cancel: &Cancel::default() };
            let _ = inspector.inspect(&mut Scratch::new(), job, &mut levels);
            let sure = levels.found.iter().filter(|level| **level == ConfidenceLevel::High).count();
            assert!((1..=count_max).contains(&sure), "{case}, counted: {only_counts}: {:?}", levels.found);
        }
    }
}

#[test]
fn findings_in_encoded_texts_have_the_line_and_column_of_their_code() {
    let detectors = DetectorSet::builtin().expect("built-in detectors");
    let inspector = Inspector::new(detectors, Limits::inline());
    let encoded = BASE64.encode(LINE.as_bytes());
    let lines = "a line of text\n".repeat(10_000);
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let long = mime(format!("{} {LINE}", "some words in front of it ".repeat(20)).as_bytes());
    let cut = "x".repeat(131_000);
    let flowed = format!(
        "From: a@b.pl\nContent-Type: text/plain; format=flowed; delsp=yes\n\n{}PESEL: 4405 \n1401458\n",
        "a\n".repeat(9)
    );
    let transferred = |encoding: &str, text: &str| {
        let charset = if encoding == "base64" { "iso-8859-2" } else { "utf-8" };
        let kind = format!("Content-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: {encoding}");
        format!("From: a@b.pl\nSubject: x\nMIME-Version: 1.0\n{kind}\n\n{text}").into_bytes()
    };
    let long_text = format!("{} PESEL: 44051401458\n", "ż and words that fill lines\n".repeat(14));
    let latin = |text: &str| encoding_rs::ISO_8859_2.encode(text).0.into_owned();
    type Row = (&'static str, Vec<u8>, Option<(u64, u64)>);
    let rows: Vec<Row> = vec![
        ("base64", format!("{lines}x {encoded}\n").into(), Some((10_001, 11))),
        ("line ends of two bytes", format!("a\r\nb\r\nx {encoded}\n").into(), Some((3, 11))),
        ("base64 in lines", format!("key:\r\n{long}\r\n").into(), Some((11, 21))),
        (
            "base64 in base64",
            format!("a\nb {}\n", BASE64.encode(format!("x\ny {encoded}").as_bytes())).into(),
            Some((2, 19)),
        ),
        ("percent", format!("{lines}ż {}\n", percent(LINE)).into(), Some((10_001, 24))),
        ("over the end of a piece", format!("a\n{cut} {encoded}{encoded}{encoded}\n").into(), Some((2, 131_058))),
        ("utf-16", [vec![0xFF, 0xFE], wide(&format!("{lines}ż {}\n", percent(LINE)))].concat(), Some((10_001, 24))),
        ("markup", format!("<html>\n<p>{lines}<b>PESEL</b>: 4405<i>1401</i>458</p>").into(), Some((10_002, 15))),
        ("entities in markup", b"<html>\n<p>PESEL: 4405&#49;<b>401458</b>".to_vec(), Some((2, 11))),
        ("flowed", flowed.into(), Some((13, 8))),
        ("a part in base64", transferred("base64", &mime(long_text.as_bytes())), Some((14, 21))),
        ("a part in base64 and another set", transferred("base64", &mime(&latin(&long_text))), Some((14, 1))),
        (
            "a part in quoted-printable",
            transferred("quoted-printable", "z=C5=BC\nPESEL: =34405140=\n1458\n"),
            Some((8, 8)),
        ),
    ];
    for (case, bytes, expected) in rows {
        for is_stream in [false, true] {
            let mut collected = Collected::default();
            let mut reader = bytes.as_slice();
            let input = if is_stream { Input::Stream(&mut reader) } else { Input::Bytes(&bytes) };
            let job = Job { name: "a.txt", input, cancel: &Cancel::default() };
            let _ = inspector.inspect(&mut Scratch::new(), job, &mut collected);
            let found = collected.findings.iter().find(|finding| finding.confidence.level() >= ConfidenceLevel::Medium);
            let start = found.and_then(|found| found.location.start).map(|at| (at.line, at.column));
            assert_eq!(start, expected, "{case}: {found:?}");
            let end = found.and_then(|found| found.location.end).map(|at| (at.line, at.column));
            assert!(end > start, "{case}: {found:?}");
        }
    }
}

#[test]
fn what_is_known_is_found_in_encoded_texts() {
    use dlp_core::knowledge::Catalogue;
    use dlp_core::known::edm::{Index, Indexer, Schema};
    use dlp_core::known::{Known, KnownKey};

    let schema = "name = \"customers\"\nsecondary_min = 1\n[[column]]\nname = \"number\"\nprimary = true\n\
                  [[column]]\nname = \"name\"\n";
    let key = KnownKey::new([7; 32]);
    let mut indexer = Indexer::new(Schema::parse(schema).expect("schema"), &key, [7; 16]);
    let mut entries = Vec::new();
    indexer.row(["AC-11223344", "Jane Doe"], &mut entries);
    entries.sort_unstable();
    let mut writer = indexer.writer(entries.len() as u64, Vec::new()).expect("memory");
    entries.into_iter().for_each(|entry| writer.push(entry).expect("sorted"));
    let index = Index::parse(writer.finish().expect("memory"), &key).expect("index");
    let set = || {
        let mut catalogue = Catalogue::empty();
        catalogue.add_detector("index", index.schema().detector()).expect("free id");
        DetectorSet::compile(catalogue).expect("set")
    };
    let (found_by, set) = (set(), set());
    let known = Known::new(&found_by, vec![index], Vec::new());
    let inspector = Inspector::new(set, limits()).with_known(known);
    let row = "Customer AC-11223344, Jane Doe.";
    for text in [row.to_owned(), format!("note {}", BASE64.encode(row.as_bytes()))] {
        let mut collected = Collected::default();
        let job = Job { name: "a.txt", input: Input::Bytes(text.as_bytes()), cancel: &Cancel::default() };
        inspector.inspect(&mut Scratch::new(), job, &mut collected);
        let found: Vec<&[u8]> = collected.findings.iter().map(|finding| finding.value.expose()).collect();
        assert_eq!(found, [b"AC-11223344"], "{text}");
    }
}

#[test]
fn what_is_inflated_costs_whether_it_can_be_read_or_not() {
    let line = data_encoding::BASE64.encode(&deflate(&[0; 100_000]));
    for (count, expected) in [(5, false), (15, true)] {
        let seen = walk("a.txt", vec![line.as_str(); count].join(" ; ").as_bytes());
        assert_eq!(seen.reasons.contains(&"decoded_ratio_max"), expected, "{count}: {:?}", seen.reasons);
    }
}

#[test]
fn what_stands_whole_is_not_put_together_with_the_next_line() {
    let catalogue = r#"
[[detector]]
id = "test.key"
title = "Key"
description = ""
category = "secret"
severity = "low"
patterns = ['acme_[0-9A-Z]{20}']
score = { pattern = 80 }

[[detector]]
id = "test.key-longer"
title = "Key in another length"
description = ""
category = "secret"
severity = "low"
patterns = ['acme_[0-9A-Z]{25,40}']
score = { pattern = 60 }
"#;
    let mut detectors = dlp_core::knowledge::Catalogue::empty();
    detectors.add_file("test", catalogue).expect("detectors");
    let inspector = Inspector::new(DetectorSet::compile(detectors).expect("a set"), Limits::inline());
    let whole = "acme_A1B2C3D4E5F6G7H8J9K0";
    let rows = [
        (format!("key {whole} end"), 1),
        (format!("key {whole}\nMN12PQ34 of it"), 1),
        (format!("key {}\n{} of it", &whole[..15], &whole[15..]), 1),
    ];
    for (text, count) in rows {
        let mut collected = Collected::default();
        let job = Job { name: "a.txt", input: Input::Bytes(text.as_bytes()), cancel: &Cancel::default() };
        let _ = inspector.inspect(&mut Scratch::new(), job, &mut collected);
        let found: Vec<_> = collected.findings.iter().map(|finding| finding.value.expose().len()).collect();
        assert_eq!(found, vec![whole.len(); count], "{text}");
    }
}

#[test]
fn signs_of_windows_hide_no_value_in_any_set() {
    let inspector = Inspector::new(DetectorSet::builtin().expect("built-in detectors"), Limits::inline());
    let signs: [(u8, u8); 14] = [
        (0x93, 0x94),
        (0x84, 0x94),
        (0x91, 0x92),
        (0x82, 0x91),
        (0x84, 0x93),
        (0xAB, 0xBB),
        (0x8B, 0x9B),
        (0xA0, 0xA0),
        (0x96, 0x97),
        (0x85, 0x85),
        (0x95, b' '),
        (0xA0, 0x94),
        (0xB7, 0xB7),
        (0xA7, 0xB6),
    ];
    let texts: [(&[u8], &[u8]); 6] = [
        (b"PESEL: ", b""),
        (b"His number (PESEL) is ", b", said John\x92s friend"),
        (b"caf\xe9 PESEL ", b" na\xefve"),
        (b"Za\xbf\xf3\xb3\xe6 g\xea\x9cl\xb9 PESEL ", b" ja\x9f\xf1"),
        (b"Gr\xf6\xdfe PESEL ", b" M\xfcller Stra\xdfe"),
        (b"za\xbe\xa2\x88\x86 g\xa9\x98l\xa5 PESEL ", b" ja\xab\xe4"),
    ];
    // The third stands over the end of a piece that readers hand on.
    let heads = ["a\n".to_owned(), format!("a\n{}", "b\n".repeat(65_520)), mail("iso-8859-2"), mail("shift_jis")];
    let cases = heads.iter().flat_map(|head| signs.map(|signs| (head, signs)));
    for ((head, (open, close)), (before, after)) in cases.flat_map(|case| texts.map(|text| (case, text))) {
        let bytes = [head.as_bytes(), before, &[open], NUMBER.as_bytes(), &[close], after, b"\r\n"].concat();
        let mut collected = Collected::default();
        let job = Job { name: "a.txt", input: Input::Bytes(&bytes), cancel: &Cancel::default() };
        let _ = inspector.inspect(&mut Scratch::new(), job, &mut collected);
        let sure = collected.findings.iter().filter(|finding| finding.confidence.level() >= ConfidenceLevel::Medium);
        let places: Vec<_> = sure
            .map(|finding| &finding.location)
            .map(|location| (location.span.start.0, location.span.end.0, location.start.map(|at| at.line)))
            .collect();
        let start = (head.len() + before.len() + 1) as u64;
        let line = 1 + head.bytes().filter(|byte| *byte == b'\n').count() as u64;
        let expected = [(start, start + NUMBER.len() as u64, Some(line))];
        assert_eq!(places, expected, "{open:x} {close:x} {}", String::from_utf8_lossy(before));
    }
}

/// The head of a message that declares a set.
fn mail(charset: &str) -> String {
    format!("From: a@b.pl\nSubject: x\nMIME-Version: 1.0\nContent-Type: text/plain; charset={charset}\n\n")
}
