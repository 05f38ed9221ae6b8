//! Bodies as clients send them, inspected with the detectors of the product.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use dlp_core::base::{Cancel, ConfidenceLevel, Limits};
use dlp_core::inspect::{Collected, Inspector};
use dlp_core::knowledge::{generate::generate, validators};
use dlp_core::matching::{DetectorSet, Scratch};
use dlp_proxy::body::{BodyLimits, BodyReport, BodySetup, PartInspector, inspect, inspect_head};
use http::{HeaderMap, HeaderName, HeaderValue};
use std::io::{Cursor, Write};
use std::sync::LazyLock;

static INSPECTOR: LazyLock<Inspector> =
    LazyLock::new(|| Inspector::new(DetectorSet::builtin().unwrap(), Limits::inline()));

/// A published specimen number.
const PESEL: &str = "44051401458";

fn run(fields: &[(&'static str, &'static str)], body: &[u8]) -> (BodyReport, Vec<String>) {
    run_within(&BodyLimits::default(), fields, body)
}

fn run_within(limits: &BodyLimits, fields: &[(&'static str, &'static str)], body: &[u8]) -> (BodyReport, Vec<String>) {
    let head: HeaderMap =
        fields.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect();
    let (mut scratch, mut collected) = (Scratch::new(), Collected::default());
    let mut examiner = PartInspector { inspector: &INSPECTOR, scratch: &mut scratch };
    let setup = BodySetup { examiner: &mut examiner, limits, cancel: &Cancel::default() };
    let report = inspect(&head, &mut Cursor::new(body), setup, &mut collected);
    let places = collected.findings.iter().filter(|finding| finding.value.expose() == PESEL.as_bytes());
    let shown = places.map(|finding| {
        let part = finding.location.part.as_deref().map(|part| format!(" [{part}]")).unwrap_or_default();
        format!("{}{part}", finding.location.container.join(" > "))
    });
    (report, shown.collect())
}

/// A push of one file: as such, and as a difference to a file that the other side has.
fn push_of(content: &str, is_difference: bool) -> Vec<u8> {
    let mut deflated = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    let (kind, object) = match is_difference {
        // The old file has nine bytes, of which all are copied.
        true => (7, [&[9, content.len() as u8 + 9, 0x90, 9, content.len() as u8], content.as_bytes()].concat()),
        false => (3, content.as_bytes().to_vec()),
    };
    deflated.write_all(&object).unwrap();
    let size = object.len();
    let head = [0x80 | kind << 4 | (size & 15) as u8, (size >> 4) as u8];
    let base: &[u8] = if is_difference { &[7; 20] } else { &[] };
    let commands = b"0024one two refs/heads/main\0 atomic\n0000";
    let pack = b"PACK\0\0\0\x02\0\0\0\x01";
    [&commands[..], pack, &head, base, &deflated.finish().unwrap(), &[0; 20]].concat()
}

fn zip_with(name: &str, content: &[u8]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    archive.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
    archive.write_all(content).unwrap();
    archive.finish().unwrap().into_inner()
}

#[test]
fn values_are_found_with_their_path() {
    let note = format!("PESEL: {PESEL}\n");
    let zip = zip_with("people.csv", note.as_bytes());
    let form = |head: &str, content: &[u8]| {
        [format!("--XX\r\n{head}\r\n\r\n").as_bytes(), content, b"\r\n--XX--\r\n"].concat()
    };
    let multipart = ("content-type", "multipart/form-data; boundary=XX");
    let json = ("content-type", "application/json");
    let push = ("content-type", "application/x-git-receive-pack-request");
    let rows = [
        (vec![push], push_of(&note, false), "git object 1"),
        (vec![push], push_of(&note, true), "git object 1"),
        (vec![], push_of(&note, false), "git object 1"),
        (vec![], note.clone().into_bytes(), ""),
        (vec![("content-type", "application/zip")], zip.clone(), "people.csv"),
        (vec![multipart], form("Content-Disposition: form-data; name=\"pesel\"", PESEL.as_bytes()), "part \"pesel\""),
        (
            vec![multipart],
            form("Content-Disposition: form-data; name=\"f\"; filename=\"a.zip\"", &zip),
            "part \"f\" a.zip > people.csv",
        ),
        (vec![json], format!(r#"{{"person":{{"pesel":"{PESEL}"}}}}"#).into_bytes(), " [/person/pesel]"),
        (vec![json], format!(r#"{{"person":{{"pesel":{PESEL}}}}}"#).into_bytes(), " [/person/pesel]"),
        (
            vec![("content-type", "application/x-www-form-urlencoded")],
            format!("a=b&pesel={PESEL}").into_bytes(),
            " [pesel]",
        ),
        (
            vec![json],
            format!(r#"{{"file":"data:application/zip;base64,{}"}}"#, data_encoding::BASE64.encode(&zip)).into_bytes(),
            "/file (decoded) > people.csv",
        ),
        // A field of a form that is text, and decoded by the inspector alone.
        (
            vec![multipart],
            form("Content-Disposition: form-data; name=\"note\"", data_encoding::BASE64.encode(&zip).as_bytes()),
            "part \"note\" > base64 > people.csv",
        ),
    ];
    for (fields, body, place) in rows {
        let (report, places) = run(&fields, &body);
        assert_eq!(places.last().map(String::as_str), Some(place), "{fields:?}");
        // A document in a value is read with the text around it and, by the value's path, on its own, and told once.
        assert_eq!(places.len(), 1, "{fields:?} {places:?}");
        assert_eq!(report.outcome.completeness.as_str(), "complete", "{fields:?}");
    }
}

#[test]
fn what_is_deflated_without_a_word_is_read() {
    let deflated = |text: &str, has_frame: bool| {
        let level = flate2::Compression::default();
        if has_frame {
            let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), level);
            encoder.write_all(text.as_bytes()).unwrap();
            return encoder.finish().unwrap();
        }
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), level);
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let short = format!("PESEL: {PESEL}\n");
    let wide = |of: fn(u16) -> [u8; 2]| format!("{short}{short}").encode_utf16().flat_map(of).collect::<Vec<u8>>();
    let other = framed(b"Nothing of interest stands in this one.");
    let rows = [
        (framed(format!("\0{short}").as_bytes()), "deflate"),
        (framed(&wide(u16::to_le_bytes)), "deflate"),
        (framed(&wide(u16::to_be_bytes)), "deflate"),
        (framed(&framed(short.as_bytes())), "deflate > deflate"),
        ([other.clone(), framed(short.as_bytes())].concat(), "deflate"),
        ([&other[..], b"\n\0\0\x2a", &framed(short.as_bytes())].concat(), "deflate"),
        ([&b"\0\0\0\x13"[..], &framed(short.as_bytes())].concat(), "deflate"),
    ];
    for (body, place) in rows {
        let (report, places) = run(&[], &body);
        let found = places.first().and_then(|place| place.split(" [").next());
        assert_eq!((found, report.outcome.completeness.as_str()), (Some(place), "complete"));
        assert!(!dlp_proxy::body::is_one_piece(&HeaderMap::new(), &body));
    }
    let long: String = (0..4_000).map(|n| format!("line {n}, {}\n", n * 7919 % 10_007)).collect::<String>() + &short;
    for (text, has_frame) in [(&short, true), (&short, false), (&long, true), (&long, false)] {
        let body = deflated(text, has_frame);
        for tail in [&b""[..], b"and more \xff\xfe"] {
            for fields in [vec![], vec![("content-type", "application/octet-stream")]] {
                let (report, places) = run(&fields, &[&body, tail].concat());
                assert_eq!(places, ["deflate"], "{has_frame} {} {}", text.len(), tail.len());
                assert_eq!(report.outcome.completeness.as_str(), "complete");
            }
        }
        assert!(!dlp_proxy::body::is_one_piece(&HeaderMap::new(), &body[..body.len().min(4_096)]));
    }
    let layers = |count| (0..count).fold(short.clone().into_bytes(), |body, _| framed(&body));
    for (count, expected) in [(4, (1, "complete")), (5, (1, "complete")), (8, (1, "complete")), (20, (0, "partial"))] {
        let (report, places) = run(&[], &layers(count));
        assert_eq!((places.len(), report.outcome.completeness.as_str()), expected, "{count}");
        assert!(!dlp_proxy::body::is_one_piece(&HeaderMap::new(), &layers(count)));
    }
    // What only looks like it is what it is.
    let noise: Vec<u8> = (0_u32..4_096).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let (report, places) = run(&[], &[&b"\x78\x9c"[..], &noise].concat());
    assert_eq!((places, report.outcome.completeness.as_str()), (Vec::new(), "complete"));
    assert!(dlp_proxy::body::is_one_piece(&HeaderMap::new(), &noise));
}

#[test]
fn deflated_streams_beyond_their_bound_are_named() {
    let limits = BodyLimits { deflated_streams_max: 3, ..BodyLimits::default() };
    let streams = |count| framed(b"Nothing of interest stands in this one.").repeat(count);
    for (count, expected) in [(2, "complete"), (4, "partial")] {
        let (report, _) = run_within(&limits, &[], &streams(count));
        assert_eq!(report.outcome.completeness.as_str(), expected, "{count}");
    }
}

#[test]
fn a_value_that_a_form_divides_is_found() {
    let token = generate("ghp_[0-9A-Za-z]{36}", 5, validators::find("github-token")).unwrap();
    let (begin, rest) = token.split_at(13);
    let (middle, end) = rest.split_at(12);
    let count = |body: &str| {
        let kind = if body.starts_with("--") {
            "multipart/form-data; boundary=b"
        } else {
            "application/x-www-form-urlencoded"
        };
        let head = HeaderMap::from_iter([(http::header::CONTENT_TYPE, HeaderValue::from_static(kind))]);
        let (mut scratch, mut collected) = (Scratch::new(), Collected::default());
        let mut examiner = PartInspector { inspector: &INSPECTOR, scratch: &mut scratch };
        let limits = BodyLimits { form_runs_bytes_max: 256 << 10, ..BodyLimits::default() };
        let setup = BodySetup { examiner: &mut examiner, limits: &limits, cancel: &Cancel::default() };
        let report = inspect(&head, &mut Cursor::new(body.as_bytes()), setup, &mut collected);
        let is_joined = |finding: &&dlp_core::content::Finding| {
            finding.location.container.iter().any(|step| step == "fields, joined")
        };
        (report.outcome.completeness.as_str(), collected.findings.iter().filter(is_joined).count())
    };
    assert_eq!(count(&format!("a=x&b={begin}&c={middle}&d={end}&e=y")).1, 1);
    assert_eq!(count(&format!("a={token}&b=x")).1, 0, "one that is whole is found as such");
    let part = |head: &str, value: &str| format!("--b\r\nContent-Disposition: form-data; {head}\r\n\r\n{value}\r\n");
    let parts = |heads: [&str; 3]| {
        let values = [begin, middle, end];
        let divided: String = heads.iter().zip(values).map(|(head, value)| part(head, value)).collect();
        format!("{}{divided}--b--\r\n", part("name=\"a\"", "x"))
    };
    assert_eq!(count(&parts(["name=\"b\"", "name=\"c\"", "name=\"d\""])), ("complete", 1));
    let apart = ["name=\"b\"", "name=\"c\"; filename=\"c\"", "name=\"d\""];
    assert_eq!(count(&parts(apart)), ("complete", 0), "a file is no piece");
    let many: String = (0..500).map(|n| format!("field{n}=value{n}&")).collect();
    assert_eq!(count(&format!("{many}b={begin}&c={middle}&d={end}")), ("complete", 1));
    let too_many: String = (0..1_500).map(|n| format!("field{n}=value{n}&")).collect();
    assert_eq!(count(&too_many).0, "partial");
    // Words take no room, and all forms of a body have the same.
    let words: String = (0..2_500).map(|n| format!("field{n}=words&")).collect();
    assert_eq!(count(&format!("{words}b={begin}&c={middle}&d={end}")), ("complete", 1));
    let form = format!("--b\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n{many}\r\n");
    assert_eq!(count(&format!("{form}--b--\r\n")).0, "complete");
    assert_eq!(count(&format!("{form}{form}{form}--b--\r\n")).0, "partial");
}

#[test]
fn rows_of_numbers_are_no_documents() {
    let json = [("content-type", "application/json")];
    let row = |n: usize| (0..12).map(|column| (32 + (n * 7 + column * 31) % 68).to_string()).collect::<Vec<_>>();
    let arrays: Vec<_> = (0..10_050).map(|n| format!("[{}]", row(n).join(","))).collect();
    let named = |n| row(n).iter().enumerate().map(|(m, cell)| format!("\"month{m}\":{cell}")).collect::<Vec<_>>();
    let objects: Vec<_> = (0..10_050).map(|n| format!("{{{}}}", named(n).join(","))).collect();
    // Rows that are long enough to be any text.
    let long: Vec<_> = (0..10_050).map(|n| format!("[{}]", [row(n), row(n + 1)].concat().join(","))).collect();
    for rows in [arrays, objects, long] {
        let (report, places) = run(&json, format!("[{}]", rows.join(",")).as_bytes());
        assert_eq!((report.outcome.completeness.as_str(), places), ("complete", Vec::new()), "{}", rows[0]);
    }
    let spelled = format!("{{\"pesel\":{:?}}}", PESEL.as_bytes());
    assert_eq!(run(&json, spelled.as_bytes()).1.len(), 1);
}

/// A push whose lines before the pack have this length together.
fn push_after(commands_len: usize, push: &[u8]) -> Vec<u8> {
    let pack = memchr::memmem::find(push, b"PACK").unwrap();
    let line = |len: usize| format!("{len:04x}{}", "x".repeat(len - 4));
    let lines = line(60_000) + &line(commands_len - 60_004) + "0000";
    [lines.as_bytes(), &push[pack..]].concat()
}

#[test]
fn a_push_is_read_wherever_its_pack_begins() {
    let note = format!("PESEL: {PESEL}\n");
    for len in 65_530..65_545 {
        let fields = [("content-type", "application/x-git-receive-pack-request")];
        let (report, places) = run(&fields, &push_after(len, &push_of(&note, false)));
        assert_eq!(places, ["git object 1"], "{len}");
        assert_eq!(report.outcome.completeness.as_str(), "complete", "{len}");
    }
}

fn framed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// An entry of a pack: its kind, what names its base, and its content.
fn entry(kind: u8, base: &[u8], content: &[u8]) -> Vec<u8> {
    let head = [0x80 | kind << 4 | (content.len() & 15) as u8, (content.len() >> 4) as u8];
    [&head, base, &framed(content)].concat()
}

fn pack_of(commands: &str, entries: &[Vec<u8>], digest: usize) -> Vec<u8> {
    let line =
        format!("{:04x}{commands}0000PACK\0\0\0\x02\0\0\0{}", commands.len() + 4, char::from(entries.len() as u8));
    [line.as_bytes(), &entries.concat(), &vec![0; digest]].concat()
}

#[test]
fn what_a_difference_makes_of_its_base_is_inspected() {
    // One half of the number stands in the base, and the other one in the difference.
    let base = format!("PESEL: {}\n", &PESEL[..6]);
    let object = format!("blob {}\0{base}", base.len());
    let digest = |algorithm| ring::digest::digest(algorithm, object.as_bytes()).as_ref().to_vec();
    let sha1 = digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY);
    let sha256 = digest(&ring::digest::SHA256);
    let copied = base.len() as u8 - 1;
    let difference = [&[base.len() as u8, copied + 5, 0x90, copied, 5], &PESEL.as_bytes()[6..]].concat();
    let whole = entry(3, b"", base.as_bytes());
    let behind = entry(6, &[whole.len() as u8], &difference);
    let text = format!("PESEL: {PESEL}");
    let same = [&[text.len() as u8, text.len() as u8, 0x90, text.len() as u8][..]].concat();
    let on_it = entry(6, &[behind.len() as u8], &same);
    let old = "one two refs/heads/main\0 atomic";
    let new = "one two refs/heads/main\0 object-format=sha256";
    type Row<'a> = (&'a str, Vec<Vec<u8>>, usize, &'a [&'a str]);
    let rows: [Row<'_>; 6] = [
        (old, vec![whole.clone(), behind.clone()], 20, &["git object 2"]),
        (old, vec![whole.clone(), behind, on_it], 20, &["git object 2", "git object 3"]),
        (old, vec![whole.clone(), entry(7, &sha1, &difference)], 20, &["git object 2"]),
        (old, vec![entry(7, &sha1, &difference), whole.clone()], 20, &["git object 1"]),
        (new, vec![whole.clone(), entry(7, &sha256, &difference)], 32, &["git object 2"]),
        // A base that only the other side has: what the difference adds is no number.
        (new, vec![entry(7, &[7; 32], &difference), whole], 32, &[]),
    ];
    for (commands, entries, digest, expected) in rows {
        let (report, places) = run(&[], &pack_of(commands, &entries, digest));
        assert_eq!(
            (&places[..], report.outcome.completeness.as_str()),
            (&expected.iter().map(|p| (*p).to_owned()).collect::<Vec<_>>()[..], "complete"),
            "{commands:?} {}",
            entries.len()
        );
    }
    // A base outside the pack's objects, or that the difference does not fit.
    for place in [&[0x7f][..], &[0], &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80]] {
        let entries = [entry(3, b"", b"x"), entry(6, place, &difference)];
        let (report, _) = run(&[], &pack_of(old, &entries, 20));
        assert_eq!(report.outcome.completeness.as_str(), "damaged", "{place:?}");
    }
}

/// Counts findings and keeps none.
#[derive(Default)]
struct Counting(usize);

impl dlp_core::content::Observer for Counting {
    fn finding(&mut self, _finding: dlp_core::content::Finding) -> dlp_core::content::Flow {
        self.0 += 1;
        dlp_core::content::Flow::Continue
    }
    fn problem(&mut self, _problem: dlp_core::content::LocatedProblem) {}
    fn item(&mut self, _item: dlp_core::content::ItemReport) {}
    fn only_counts(&self) -> bool {
        true
    }
}

#[test]
fn what_is_encoded_is_counted_once_where_more_of_it_is_put_together() {
    let text = format!("PESEL: {PESEL} of hers, key = \"ABCD1\" + \"EFGH2\" of theirs");
    let digits: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut counting = Counting::default();
    let mut scratch = Scratch::new();
    let mut examiner = PartInspector { inspector: &INSPECTOR, scratch: &mut scratch };
    let setup = BodySetup { examiner: &mut examiner, limits: &BodyLimits::default(), cancel: &Cancel::default() };
    let _ = inspect(&HeaderMap::new(), &mut Cursor::new(digits.as_bytes()), setup, &mut counting);
    assert_eq!(counting.0, 1);
}

#[test]
fn findings_that_are_only_counted_have_no_bound() {
    let many = usize::try_from(Limits::inline().findings_max).unwrap() + 100;
    let text = format!("PESEL: {PESEL}\n").repeat(many);
    let inspect_with = |observer: &mut dyn dlp_core::content::Observer| {
        let mut scratch = Scratch::new();
        let mut examiner = PartInspector { inspector: &INSPECTOR, scratch: &mut scratch };
        let setup = BodySetup { examiner: &mut examiner, limits: &BodyLimits::default(), cancel: &Cancel::default() };
        let report = inspect(&HeaderMap::new(), &mut Cursor::new(text.as_bytes()), setup, observer);
        report.outcome.completeness.as_str()
    };
    let (mut counting, mut kept) = (Counting::default(), Collected::default());
    assert_eq!(inspect_with(&mut counting), "complete");
    assert!(counting.0 >= many, "{}", counting.0);
    assert_eq!(inspect_with(&mut kept), "partial");
}

/// Containers in which something is found in a head.
fn found_in_head(uri: &str, fields: &[(&'static str, &str)]) -> Vec<String> {
    found_in_call("GET", uri, fields)
}

fn found_in_call(method: &str, uri: &str, fields: &[(&'static str, &str)]) -> Vec<String> {
    let mut request = http::Request::builder().method(method).uri(uri);
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    let (mut scratch, mut collected) = (Scratch::new(), Collected::default());
    let mut examiner = PartInspector { inspector: &INSPECTOR, scratch: &mut scratch };
    let setup = BodySetup { examiner: &mut examiner, limits: &BodyLimits::default(), cancel: &Cancel::default() };
    let _ = inspect_head(&request.body(()).unwrap().into_parts().0, setup, &mut collected);
    let sure = collected.findings.iter().filter(|finding| finding.confidence.level() == ConfidenceLevel::High);
    sure.map(|finding| finding.location.container.join(" > ")).collect()
}

#[test]
fn values_spread_over_a_head_are_put_together() {
    // A token with a check of its own, made here.
    let token = generate("ghp_[0-9A-Za-z]{36}", 5, validators::find("github-token")).unwrap();
    let (a, rest) = token.split_at(7);
    let (b, c) = rest.split_at(15);
    let check = |uri: &str, fields: &[(&'static str, &str)], expected: &str| {
        let found = found_in_head(uri, fields);
        assert!(
            found.iter().any(|place| place == expected) || expected.is_empty() && found.is_empty(),
            "{uri} {fields:?}: {found:?}"
        );
    };
    check(&format!("/up/{a}/{b}/{c}/x.txt"), &[], "url path, joined");
    check(&format!("/s?a={a}&b={b}&c={c}&d=1"), &[], "url query, joined");
    check("/", &[("x-a", a), ("x-b", b), ("x-c", c)], "headers, joined");
    // Tokens in cookies are what the site gave.
    check("/", &[("cookie", &format!("a={a}; b={b}; c={c}"))], "");
    check("/", &[("cookie", &format!("session={token}"))], "");
    check("/up/2026/11/22/report.pdf?page=1&of=2&id=12345678", &[("accept", "*/*"), ("user-agent", "a/1.0")], "");
}

#[test]
fn methods_names_of_fields_and_words_are_looked_at() {
    // Tokens with few digits, made here.
    let has_few = |token: &String| token.bytes().filter(u8::is_ascii_digit).count() < 6;
    let tokens =
        (0..100).filter_map(|seed| generate("ghp_[0-9A-Za-z]{36}", seed, validators::find("github-token")).ok());
    let token = tokens.into_iter().find(has_few).unwrap();
    assert_eq!(found_in_call(&token, "/", &[]), ["names"]);
    let hexadecimal = data_encoding::HEXLOWER.encode(b"credit card 4000 0100 0007 1234, Visa");
    let name: &'static str = hexadecimal.leak();
    assert_eq!(found_in_call("GET", "/", &[(name, "a")]), ["names"]);
    assert_eq!(found_in_call("PROPFIND", "/", &[("x-very-long-name-of-a-field", "a"), ("x-b3-traceid", "1")]), [""; 0]);
}

#[test]
fn values_of_one_name_are_put_together() {
    let text = "Please charge my credit card 4000 0100 0007 1234, Visa.";
    let found = |body: &serde_json::Value| {
        let head = HeaderMap::from_iter([(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        let (mut scratch, mut collected) = (Scratch::new(), Collected::default());
        let mut examiner = PartInspector { inspector: &INSPECTOR, scratch: &mut scratch };
        let limits = BodyLimits::default();
        let setup = BodySetup { examiner: &mut examiner, limits: &limits, cancel: &Cancel::default() };
        let report = inspect(&head, &mut Cursor::new(body.to_string().as_bytes()), setup, &mut collected);
        assert_eq!(report.outcome.completeness.as_str(), "complete");
        let sure = collected.findings.iter().filter(|finding| finding.confidence.level() == ConfidenceLevel::High);
        sure.map(|finding| finding.location.container.join(" > ")).collect::<Vec<_>>()
    };
    let messages = |texts: &[&str]| {
        let message = |text: &&str| serde_json::json!({"role": "user", "content": [{"type": "text", "text": text}]});
        serde_json::json!({"model": "m", "messages": texts.iter().map(message).collect::<Vec<_>>()})
    };
    let joined = ["values of one name, joined"];
    for at in [33, 34, 40, 44] {
        assert_eq!(found(&messages(&[&text[..at], &text[at..]])), joined, "{at}");
    }
    assert_eq!(found(&messages(&text.split(' ').collect::<Vec<_>>())), joined);
    let letters: Vec<_> = (0..text.len()).map(|at| &text[at..=at]).collect();
    assert_eq!(found(&messages(&letters)), joined);
    assert_eq!(found(&messages(&[text, "and thank you"])), [""], "what is whole is found as such");
    // Numbers of lists make none by chance.
    let rows: Vec<_> =
        (0..2_000_u32).map(|n| serde_json::json!({"card": n, "code": format!("{:05}", n * 7_919)})).collect();
    assert_eq!(found(&serde_json::json!({"visa": rows})), [""; 0]);
}

#[test]
fn fields_of_a_fixed_grammar_hide_nothing() {
    let text = "Please charge my credit card 4000 0100 0007 1234, Visa";
    let [base64, base32] = [&data_encoding::BASE64, &data_encoding::BASE32].map(|base| base.encode(text.as_bytes()));
    let rows = [
        ("range", text.to_owned(), "header range"),
        ("range", format!("bytes={base64}"), "header range"),
        ("if-none-match", format!("\"{base64}\""), "header if-none-match, decoded"),
        ("if-match", format!("W/\"{base32}\""), "header if-match, decoded"),
        ("origin", format!("https://{base64}"), "header origin, decoded"),
        ("origin", format!("https://{base32}.example"), "header origin, decoded"),
        ("content-type", format!("text/plain; boundary={base64}"), "header content-type, decoded"),
        ("x-forwarded-for", base64.clone(), "header x-forwarded-for, decoded"),
        (
            "traceparent",
            format!("00-{}-00f067aa0ba902b7-01", base32.trim_end_matches('=')),
            "header traceparent, decoded",
        ),
        ("sec-websocket-key", base64.clone(), "header sec-websocket-key, decoded"),
    ];
    for (name, value, place) in rows {
        let found = found_in_head("/", &[(name, &value)]);
        assert!(found.iter().any(|found| found == place), "{name}: {value}: {found:?}");
    }
    assert_eq!(found_in_head(&format!("/{}", text.replace(' ', "+")), &[]), ["url path"]);
    assert_eq!(found_in_head(&format!("/a/{base32}/b"), &[]), ["url path, decoded"]);
    let plain = [
        ("range", "bytes=0-1048575, 2097152-3145727"),
        ("date", "Tue, 24 Nov 2026 00:00:00 GMT"),
        ("if-none-match", "\"33a64df551425fcc55e4d42a148795d9f25f89d4\""),
        ("content-type", "multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW3"),
        ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("content-md5", "Q2hlY2sgSW50ZWdyaXR5IQ=="),
    ];
    assert_eq!(found_in_head("/a+b/c", &plain), [""; 0]);
}

#[test]
fn values_behind_many_pieces_are_found_or_the_head_is_incomplete() {
    let token = generate("ghp_[0-9A-Za-z]{36}", 5, validators::find("github-token")).unwrap();
    let (a, b) = token.split_at(19);
    let rows = [
        // More than one head's worth of small parameters, and some long ones.
        (100, 4, true, "complete"),
        (40, 200, true, "complete"),
        (200, 200, false, "partial"),
    ];
    for (count, len, is_found, expected) in rows {
        let uri = format!("/s?{}a={a}&b={b}", format!("p={}&", "-".repeat(len)).repeat(count));
        let request = http::Request::builder().uri(uri).body(()).unwrap();
        let (mut scratch, mut collected) = (Scratch::new(), Collected::default());
        let mut examiner = PartInspector { inspector: &INSPECTOR, scratch: &mut scratch };
        let setup = BodySetup { examiner: &mut examiner, limits: &BodyLimits::default(), cancel: &Cancel::default() };
        let report = inspect_head(&request.into_parts().0, setup, &mut collected);
        let got = (!collected.findings.is_empty(), report.outcome.completeness.as_str());
        assert_eq!(got, (is_found, expected), "{count} pieces of {len} bytes");
        let reasons: Vec<_> = collected.problems.iter().map(|problem| problem.problem.reason).collect();
        assert_eq!(reasons.contains(&"joined_bytes_max"), !is_found, "{reasons:?}");
    }
}

/// How a client may send a number of values.
fn as_bodies(values: &[String]) -> [(&'static str, String); 5] {
    let named: Vec<_> = values.iter().enumerate().map(|(n, value)| (format!("k{n}"), value)).collect();
    let pairs: Vec<_> = named.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let members: Vec<_> = named.iter().map(|(name, value)| format!("\"{name}\":\"{value}\"")).collect();
    let head = "--b\r\nContent-Disposition: form-data; name=";
    let parts: String = named.iter().map(|(name, value)| format!("{head}\"{name}\"\r\n\r\n{value}\r\n")).collect();
    [
        ("application/x-www-form-urlencoded", pairs.join("&")),
        ("multipart/form-data; boundary=b", format!("{parts}--b--\r\n")),
        ("application/json", format!("{{{}}}", members.join(","))),
        ("application/json", format!("{{\"ids\":[{}]}}", values.join(","))),
        ("text/plain", values.join("\n")),
    ]
}

/// Cards in a body of which it is likely that they are some.
fn likely_cards(kind: &'static str, body: &str) -> usize {
    let head = HeaderMap::from_iter([(http::header::CONTENT_TYPE, HeaderValue::from_static(kind))]);
    let (mut scratch, mut collected) = (Scratch::new(), Collected::default());
    let mut examiner = PartInspector { inspector: &INSPECTOR, scratch: &mut scratch };
    let limits = BodyLimits::default();
    let setup = BodySetup { examiner: &mut examiner, limits: &limits, cancel: &Cancel::default() };
    let _ = inspect(&head, &mut Cursor::new(body.as_bytes()), setup, &mut collected);
    let detectors = INSPECTOR.detectors();
    let is_card = |finding: &&dlp_core::content::Finding| {
        detectors.detector(finding.detector).id.as_str() == "finance.card.pan"
            && finding.confidence.level() >= ConfidenceLevel::Medium
    };
    collected.findings.iter().filter(is_card).count()
}

#[test]
fn numbers_beside_others_in_a_form_are_no_cards() {
    // Of drawn numbers of 16 and 19 digits one in forty begins like a card and passes its check. That others beside it do not
    // tells that this is chance, in whatever a client sends them.
    let mut state = 5_u64;
    let mut drawn = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) % below
    };
    for _ in 0..60 {
        let count = 6 + drawn(5);
        let lowest = |drawn: &mut dyn FnMut(u64) -> u64| 10_u64.pow(if drawn(2) == 0 { 15 } else { 18 });
        let values: Vec<String> = (0..count)
            .map(|_| {
                let lowest = lowest(&mut drawn);
                (lowest + drawn(9 * lowest)).to_string()
            })
            .collect();
        for (kind, body) in as_bodies(&values) {
            assert_eq!(likely_cards(kind, &body), 0, "{body}");
        }
    }
    let cards: Vec<_> = (1..5).map(|seed| generate("4000[0-9]{12}", seed, validators::find("card")).unwrap()).collect();
    for (kind, body) in as_bodies(&cards) {
        assert_eq!(likely_cards(kind, &body), cards.len(), "{body}");
    }
    for (kind, body) in as_bodies(&cards[..1]) {
        assert_eq!(likely_cards(kind, &body), 1, "one alone may be one: {body}");
    }
}
