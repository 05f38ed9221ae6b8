//! Request bodies in all their layers: which parts reach the inspector, and under which path findings appear.
//!
//! The examiner of these tests reports every word that starts with `HIT` and keeps what it was given, so a test states
//! what a body holds without any detector.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use dlp_core::base::{Cancel, Confidence, Secret, SensitivityLabel, Span};
use dlp_core::content::{
    Completeness, Finding, Flow, Input, ItemReport, LocatedProblem, Location, Observer, Outcome, ReadSeek,
};
use dlp_core::inspect::{Inspected, Job};
use dlp_core::matching::DetectorIndex;
use dlp_proxy::body::{BodyLimits, BodyReport, BodySetup, Examine, Opaque, inspect, inspect_head};
use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;
use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};

/// Reports words that start with `HIT`, and keeps its inputs.
#[derive(Default)]
struct Recorder {
    inputs: Vec<Vec<u8>>,
}

impl Examine for Recorder {
    fn examine(&mut self, job: Job<'_>, observer: &mut dyn Observer) -> Inspected {
        let mut text = Vec::new();
        match job.input {
            Input::Bytes(bytes) => text.extend_from_slice(bytes),
            Input::Seekable(body) => {
                body.read_to_end(&mut text).unwrap();
            }
            Input::Stream(stream) => {
                stream.read_to_end(&mut text).unwrap();
            }
        }
        for at in memchr::memmem::find_iter(&text, b"HIT") {
            let len = text[at..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
            if observer.finding(finding(&text[at..at + len], at as u64)) == Flow::Stop {
                break;
            }
        }
        let text_bytes = text.len() as u64;
        self.inputs.push(text);
        Inspected { outcome: Outcome::COMPLETE, label: SensitivityLabel::Public, text_bytes }
    }
}

fn finding(value: &[u8], at: u64) -> Finding {
    Finding {
        related: Vec::new(),
        detector: DetectorIndex(0),
        confidence: Confidence::from_points(90),
        reasons: Vec::new(),
        validator: None,
        value: Secret::new(value),
        context_masked: String::new(),
        cell: None,
        location: Location { span: Span::new(at, at + value.len() as u64), ..Location::default() },
    }
}

/// Keeps findings as `path > part: value@offset`.
#[derive(Default)]
struct Seen {
    findings: Vec<String>,
    problems: Vec<String>,
    stops: bool,
}

impl Observer for Seen {
    fn finding(&mut self, finding: Finding) -> Flow {
        let mut place = finding.location.container.join(" > ");
        if let Some(part) = &finding.location.part {
            place.push_str(&format!(" [{part}]"));
        }
        let value = String::from_utf8_lossy(finding.value.expose()).into_owned();
        self.findings.push(format!("{place}: {value}@{}", finding.location.span.start.0).trim_start().to_owned());
        if self.stops { Flow::Stop } else { Flow::Continue }
    }

    fn problem(&mut self, problem: LocatedProblem) {
        self.problems.push(problem.problem.reason.to_owned());
    }

    fn item(&mut self, _item: ItemReport) {}
}

/// Finds something in a file inside its input, and then has no time left.
struct OutOfTime(Cancel);

impl Examine for OutOfTime {
    fn examine(&mut self, _job: Job<'_>, observer: &mut dyn Observer) -> Inspected {
        let mut inside = finding(b"HIT1", 0);
        inside.location.container.push("a.zip".to_owned());
        let _ = observer.finding(inside);
        self.0.trip();
        Inspected { outcome: Outcome::COMPLETE, label: SensitivityLabel::Public, text_bytes: 4 }
    }
}

#[test]
fn what_was_found_is_told_when_time_runs_out() {
    let (cancel, mut seen, limits) = (Cancel::default(), Seen::default(), BodyLimits::default());
    let setup = BodySetup { examiner: &mut OutOfTime(cancel.clone()), limits: &limits, cancel: &cancel };
    let head = header(&[("content-type", "application/json")]);
    let report = inspect(&head, &mut Cursor::new(br#"{"a":"b"}"#), setup, &mut seen);
    assert_eq!(seen.findings, ["a.zip: HIT1@0"]);
    assert_eq!(report.outcome.completeness, Completeness::Partial);
}

struct Ran {
    report: BodyReport,
    seen: Seen,
    inputs: Vec<Vec<u8>>,
}

fn header(fields: &[(&str, &str)]) -> HeaderMap {
    let field = |(name, value): &(&str, &str)| {
        (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_bytes(value.as_bytes()).unwrap())
    };
    fields.iter().map(field).collect()
}

fn run_with(fields: &[(&str, &str)], body: &mut dyn ReadSeek, limits: &BodyLimits) -> Ran {
    let (mut recorder, mut seen) = (Recorder::default(), Seen::default());
    let setup = BodySetup { examiner: &mut recorder, limits, cancel: &Cancel::default() };
    let report = inspect(&header(fields), body, setup, &mut seen);
    Ran { report, seen, inputs: recorder.inputs }
}

fn run(fields: &[(&str, &str)], body: &[u8]) -> Ran {
    run_with(fields, &mut Cursor::new(body), &BodyLimits::default())
}

/// Checks findings and problems; a body without problems is complete, and one with problems is not.
fn check(fields: &[(&str, &str)], body: &[u8], findings: &[&str], problems: &[&str]) -> Ran {
    let ran = run(fields, body);
    let shown = String::from_utf8_lossy(&body[..body.len().min(400)]).into_owned();
    assert_eq!(ran.seen.findings, findings, "{fields:?} {shown}");
    assert_eq!(ran.seen.problems, problems, "{fields:?} {shown}");
    let is_complete = ran.report.outcome.completeness == Completeness::Complete;
    assert_eq!(is_complete, problems.is_empty(), "{fields:?} {shown}");
    ran
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

/// `HIT1 words ` twenty times, written by a brotli encoder.
fn brotli() -> Vec<u8> {
    data_encoding::HEXLOWER.decode(BROTLI_HEX.as_bytes()).unwrap()
}

const BROTLI_HEX: &str = "1bdb00f88d94eea692120489aa62926a95c52a0020745e00";
const TEXT: &str = "text/plain";
const GZIP: (&str, &str) = ("content-encoding", "gzip");

#[test]
fn plain_bodies_are_one_input() {
    check(&[("content-type", TEXT)], b"a HIT1 b", &[": HIT1@2"], &[]);
    check(&[("content-type", "application/octet-stream")], b"\x00\xff HIT1", &[": HIT1@3"], &[]);
    check(&[], b"", &[], &[]);
    let ran = check(&[("content-disposition", "attachment; filename=a.bin")], b"HIT1", &[": HIT1@0"], &[]);
    assert_eq!(ran.report.text_bytes, 4);
}

#[test]
fn content_codings_are_undone() {
    let text = b"a HIT1 b".as_slice();
    let rows: [(&str, Vec<u8>); 12] = [
        ("gzip", gzip(text)),
        ("X-GZIP", gzip(text)),
        ("gzip", [gzip(b"a HI"), gzip(b"T1 b")].concat()),
        ("deflate", zlib(text)),
        ("deflate", deflate(text)),
        ("zstd", zstd(text)),
        ("zstd", [zstd(b"a HI"), vec![0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 9, 9], zstd(b"T1 b")].concat()),
        ("gzip, deflate", zlib(&gzip(text))),
        ("gzip, zstd, deflate", zlib(&zstd(&gzip(text)))),
        ("identity", text.to_vec()),
        ("", text.to_vec()),
        ("identity, gzip", gzip(text)),
    ];
    for (coding, body) in rows {
        check(&[("content-encoding", coding), ("content-type", TEXT)], &body, &[": HIT1@2"], &[]);
    }
    let ran = run(&[("content-encoding", "br")], &brotli());
    assert_eq!((ran.seen.findings.len(), ran.seen.problems.len()), (20, 0));
    assert_eq!(ran.inputs, ["HIT1 words ".repeat(20).into_bytes()]);
    check(&[], &zstd(b"a HIT1 b"), &["zstd: HIT1@2"], &[]);
    check(&[GZIP], b"", &[], &[]);
}

#[test]
fn messages_in_envelopes_are_undone() {
    let message = |flags: u8, content: &[u8]| {
        [&[flags][..], &u32::try_from(content.len()).unwrap().to_be_bytes(), content].concat()
    };
    let text = b"a HIT1 b";
    let both = [message(0, b"nothing"), message(1, &gzip(text))].concat();
    for (kind, coding) in [
        ("application/grpc-web+proto", "grpc-encoding"),
        ("application/grpc", "grpc-encoding"),
        ("application/connect+json", "connect-content-encoding"),
    ] {
        check(&[("content-type", kind), (coding, "gzip")], &both, &["message 1: HIT1@2"], &[]);
        check(&[("content-type", kind)], &message(1, b"\x01\x02"), &[], &["opaque_coding"]);
        check(&[("content-type", kind)], &message(0, text)[..8], &[], &["messages"]);
    }
    // The field of the protocol alone counts, and what does not name one coding is none that anybody knows.
    let compressed = message(1, &gzip(text));
    let connect = ("content-type", "application/connect+json");
    let both = [connect, ("grpc-encoding", "identity"), ("connect-content-encoding", "gzip")];
    check(&both, &compressed, &["message 0: HIT1@2"], &[]);
    for fields in [
        &[connect, ("grpc-encoding", "gzip")][..],
        &[connect, ("connect-content-encoding", "identity")],
        &[connect, ("connect-content-encoding", "identity"), ("connect-content-encoding", "gzip")],
        &[("content-type", "application/grpc-web"), ("grpc-encoding", "")],
    ] {
        check(fields, &message(1, b"\x01\x02"), &[], &["opaque_coding"]);
    }
    // Each message in a base 64 of its own, with its end.
    let encoded =
        [message(0, b"nothing"), message(1, &gzip(text))].map(|one| data_encoding::BASE64.encode(&one)).concat();
    let fields = [("content-type", "application/grpc-web-text"), ("grpc-encoding", "gzip")];
    check(&fields, encoded.as_bytes(), &["message 1: HIT1@2"], &[]);
}

#[test]
fn codings_that_lie_or_break_leave_nothing_out() {
    let damaged = |coding: &str, body: &[u8], findings: &[&str], problems: &[&str]| {
        check(&[("content-encoding", coding)], body, findings, problems)
    };
    damaged("gzip", b"plain HIT1", &[": HIT1@6"], &["coding_gzip"]);
    damaged("zstd", b"plain HIT1", &[": HIT1@6"], &["coding_zstd"]);
    damaged("br", b"\xffplain HIT1", &[": HIT1@7"], &["coding_br"]);
    damaged("deflate", b"\xff\xffplain HIT1", &[": HIT1@8"], &["coding_deflate"]);
    let trailing = [gzip(b"HIT1"), b"behind HIT2".to_vec()].concat();
    damaged("gzip", &trailing, &[": HIT1@0", "behind the coding: HIT2@7"], &["coding_trailing_bytes"]);
    let trailing = [brotli(), b"behind HIT2".to_vec()].concat();
    assert_eq!(run(&[("content-encoding", "br")], &trailing).seen.findings.len(), 21);
    let mut cut = gzip(b"HIT1 and some more text");
    cut.truncate(cut.len() - 6);
    let ran = damaged("gzip", &cut, &[": HIT1@0"], &["coding_gzip"]);
    assert_eq!(ran.report.outcome.completeness, Completeness::Damaged);
    // An unknown coding is opaque, and no reason to skip the bytes.
    let ran = damaged("gzip, sdch", b"x HIT1", &[": HIT1@2"], &["opaque_coding"]);
    assert_eq!(ran.report.opaque, Some(Opaque::Coding));
    assert_eq!(ran.report.outcome.reason, "opaque_coding");
    let ran = damaged("gzip,gzip,gzip,gzip", b"x HIT1", &[": HIT1@2"], &["coding_layers_max"]);
    assert_eq!(ran.report.outcome.completeness, Completeness::Partial);
}

#[test]
fn bombs_end_at_their_bound() {
    let limits = BodyLimits { coding_grace_bytes: 100_000, decoded_bytes_max: 400_000, ..BodyLimits::default() };
    let zeros = vec![b'0'; 4 << 20];
    for (coding, body) in [("gzip", gzip(&zeros)), ("deflate", zlib(&zeros)), ("zstd", zstd(&zeros))] {
        let ran = run_with(&[("content-encoding", coding)], &mut Cursor::new(body), &limits);
        assert_eq!(ran.report.outcome.completeness, Completeness::Partial, "{coding}");
        assert!(matches!(ran.seen.problems[0].as_str(), "coding_ratio_max" | "decoded_bytes_max"), "{coding}");
        let total: usize = ran.inputs.iter().map(Vec::len).sum();
        assert!(total <= 400_000 && total > 0, "{coding}: {total}");
    }
    // Nested bombs share one budget.
    let nested = gzip(&gzip(&zeros));
    let ran = run_with(&[("content-encoding", "gzip, gzip")], &mut Cursor::new(nested), &limits);
    assert_eq!(ran.report.outcome.completeness, Completeness::Partial);
    assert!(ran.inputs.iter().map(Vec::len).sum::<usize>() <= 400_000);
}

const FORM: (&str, &str) = ("content-type", "multipart/form-data; boundary=XX");

#[test]
fn parts_of_forms_are_inspected_by_name() {
    let body = b"--XX\r\nContent-Disposition: form-data; name=\"iban\"\r\n\r\nHIT1\r\n\
        --XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"report.zip\"\r\nContent-Type: application/zip\r\n\r\nPK HIT2\r\n\
        --XX\r\n\r\nno name HIT3\r\n--XX--\r\n";
    let ran =
        check(&[FORM], body, &["part \"iban\": HIT1@0", "part \"file\" report.zip: HIT2@3", "part 3: HIT3@8"], &[]);
    assert_eq!(ran.report.file_names, ["report.zip"]);
    assert!(ran.inputs.contains(&b"iban: HIT1\n".to_vec()), "the field's name stands before its value");
}

#[test]
fn multipart_framing_is_forgiven_and_nothing_is_skipped() {
    let part = "Content-Disposition: form-data; name=\"a\"\r\n\r\nHIT1";
    let rows: [(String, &[&str], &[&str]); 9] = [
        (format!("--XX\r\n{part}\r\n--XX--"), &["part \"a\": HIT1@0"], &[]),
        (format!("--XX\n{}\n--XX--\n", part.replace('\r', "")), &["part \"a\": HIT1@0"], &[]),
        (
            format!("HIT0 preamble\r\n--XX\r\n{part}\r\n--XX--\r\nHIT2"),
            &["preamble: HIT0@0", "part \"a\": HIT1@0", "epilogue: HIT2@0"],
            &[],
        ),
        (format!("--XX\r\n{part}"), &["part \"a\": HIT1@0"], &["multipart_end"]),
        (format!("--XX\r\n{part}\r\nx --XX not a line\r\n--XX--"), &["part \"a\": HIT1@0"], &[]),
        (format!("--XX\r\n{part}\r\n--XXY\r\n--XX--"), &["part \"a\": HIT1@0"], &["multipart_delimiter"]),
        (
            format!("--XX\r\n{part}\r\n--XX--\r\n--XX\r\n\r\nHIT2\r\n--XX--"),
            &["part \"a\": HIT1@0", "part 2: HIT2@0"],
            &["multipart_delimiter"],
        ),
        (format!("--YY\r\n{part}\r\n--YY--"), &["part \"a\": HIT1@0"], &["multipart_delimiter"]),
        ("no parts but HIT1".to_owned(), &[": HIT1@13"], &["multipart_boundary"]),
    ];
    for (body, findings, problems) in rows {
        check(&[FORM], body.as_bytes(), findings, problems);
    }
    // The same body under a type that hides what it is.
    let body = format!("--XX\r\n{part}\r\n--XX--\r\n");
    check(&[("content-type", TEXT)], body.as_bytes(), &["part \"a\": HIT1@0"], &[]);
    check(&[], body.as_bytes(), &["part \"a\": HIT1@0"], &[]);
}

#[test]
fn parts_are_decoded_and_nest() {
    let inner = "--YY\r\nContent-Type: text/plain\r\n\r\nHIT1\r\n--YY--";
    let body = format!("--XX\r\nContent-Type: multipart/mixed; boundary=\"YY\"\r\n\r\n{inner}\r\n--XX--");
    check(&[("content-type", "multipart/mixed; boundary=XX")], body.as_bytes(), &["part 1 > part 1: HIT1@0"], &[]);
    let body = b"--XX\r\nContent-Transfer-Encoding: BASE64\r\n\r\nSElU\r\nMQ==\r\n--XX\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nHI=\r\nT2=3D\r\n--XX--";
    check(&[("content-type", "multipart/related; boundary=XX")], body, &["part 1: HIT1@0", "part 2: HIT2@0"], &[]);
    let body = [b"--XX\r\nContent-Encoding: gzip\r\n\r\n".as_slice(), &gzip(b"HIT1"), b"\r\n--XX--"].concat();
    check(&[("content-type", "multipart/mixed; boundary=XX")], &body, &["part 1: HIT1@0"], &[]);
    let batch = "--XX\r\nContent-Type: application/http\r\n\r\nPOST /files?q=HIT0 HTTP/1.1\r\nContent-Type: application/json\r\n\r\n{\"name\":\"HIT1\"}\r\n--XX--";
    check(
        &[("content-type", "multipart/mixed; boundary=XX")],
        batch.as_bytes(),
        &["part 1 > http message: HIT0@14", "part 1 > http message [/name]: HIT1@0"],
        &[],
    );
    let mut deep = "Content-Type: text/plain\r\n\r\nHIT1".to_owned();
    for level in 0..5 {
        let inner = format!("--B{level}\r\n{deep}\r\n--B{level}--");
        deep = format!("Content-Type: multipart/mixed; boundary=B{level}\r\n\r\n{inner}");
    }
    let (_, deep) = deep.split_once("\r\n\r\n").unwrap();
    let ran = run(&[("content-type", "multipart/mixed; boundary=B4")], deep.as_bytes());
    assert_eq!(ran.seen.findings.len(), 1);
    assert_eq!(ran.seen.problems, ["multipart_depth_max"]);
}

#[test]
fn bounds_of_multipart_are_reported_and_the_rest_is_inspected() {
    let limits = BodyLimits { parts_max: 2, part_header_bytes_max: 64, ..BodyLimits::default() };
    let body = b"--XX\r\n\r\nHIT1\r\n--XX\r\n\r\nHIT2\r\n--XX\r\n\r\nHIT3\r\n--XX--";
    let ran = run_with(&[FORM], &mut Cursor::new(body), &limits);
    assert_eq!(ran.seen.findings.len(), 3);
    assert_eq!(ran.seen.problems, ["parts_max"]);
    assert_eq!(ran.report.outcome.completeness, Completeness::Partial);
    let long = format!("--XX\r\nX-Long: {}HIT1\r\n\r\nHIT2\r\n--XX--", "x".repeat(100));
    let ran = run_with(&[FORM], &mut Cursor::new(long), &limits);
    assert_eq!(ran.seen.problems, ["part_header_bytes_max"]);
    assert_eq!(ran.seen.findings.len(), 2);
}

#[test]
fn file_names_beyond_their_bound_are_reported() {
    let limits = BodyLimits { file_names_max: 2, ..BodyLimits::default() };
    let mut body = String::new();
    for name in ["a", "b", "a", "c", "d", "c"] {
        body.push_str(&format!("--XX\r\nContent-Disposition: form-data; filename={name}\r\n\r\nx\r\n"));
    }
    body.push_str("--XX--");
    let ran = run_with(&[FORM], &mut Cursor::new(body), &limits);
    assert_eq!(ran.report.file_names, ["a", "b"]);
    assert_eq!(ran.seen.problems, ["file_names_max"]);
}

#[test]
fn forms_are_seen_decoded_and_raw() {
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let ran = check(&form, b"to=x&note=a+%48IT1&b=HIT2", &["[note]: HIT1@2", "[b]: HIT2@0"], &[]);
    assert_eq!(ran.inputs[0], b"to: x\nnote: a HIT1\nb: HIT2\n");
    check(&form, b"json=%7B%22a%22%3A%22HIT1%22%7D", &["json [/a]: HIT1@0"], &[]);
    check(&[], b"a=1&note=%48IT1", &["[note]: HIT1@0"], &[]);
    check(&form, b"a=HIT1&a=HIT1", &["[a]: HIT1@0", "[a]: HIT1@0"], &[]);
}

const JSON: (&str, &str) = ("content-type", "application/json");

#[test]
fn json_is_seen_as_fields() {
    let ran = check(
        &[JSON],
        br#"{"pesel":"HIT1","list":[1,"HIT2"],"HIT3":{}}"#,
        &["[/pesel]: HIT1@0", "[/list/1]: HIT2@0", "[/HIT3]: HIT3@0"],
        &[],
    );
    assert_eq!(ran.inputs[0], b"pesel: HIT1\nlist: \nlist: 1\nlist: HIT2\nHIT3: \n");
    check(&[JSON], br#"{"a":"\u0048IT1"}"#, &["[/a]: HIT1@0"], &[]);
    check(&[("content-type", "application/x-ndjson")], b"{\"a\":1}\n{\"a\":\"HIT1\"}\n", &["[#2/a]: HIT1@0"], &[]);
    check(&[("content-type", TEXT)], br#"{"a":"\u0048IT1"}"#, &["[/a]: HIT1@0"], &[]);
    check(&[("content-type", "application/vnd.api+json")], br#"["HIT1"]"#, &["[/0]: HIT1@0"], &[]);
}

#[test]
fn xml_is_seen_as_fields() {
    let encoded = data_encoding::BASE64.encode(format!("HIT1 {}", "x".repeat(300)).as_bytes());
    let body = format!(
        "<m:Create xmlns:m=\"urn:x\"><Content>{encoded}</Content><Name note='&#72;IT2'>HI&#84;3</Name></m:Create>"
    );
    let findings =
        ["[/m:Create/Name/@note]: HIT2@0", "[/m:Create/Name]: HIT3@0", "/m:Create/Content (decoded): HIT1@0"];
    check(&[("content-type", "application/soap+xml")], body.as_bytes(), &findings, &[]);
    check(&[("content-type", "text/xml; charset=utf-8")], b"<a>HIT1", &[": HIT1@3"], &["xml_syntax"]);
    check(&[("content-type", "text/plain")], b"<?xml version='1.0'?><a>HI&#84;1</a>", &["[/a]: HIT1@0"], &[]);
}

#[test]
fn documents_in_json_strings_are_opened() {
    check(&[JSON], br#"{"body":"{\"inner\":\"\\u0048IT1\"}"}"#, &["/body [/inner]: HIT1@0"], &[]);
    let encoded = data_encoding::BASE64.encode(format!("HIT1 {}", "x".repeat(300)).as_bytes());
    check(
        &[JSON],
        format!(r#"{{"file":{{"content":"{encoded}"}}}}"#).as_bytes(),
        &["/file/content (decoded): HIT1@0"],
        &[],
    );
    let url = data_encoding::BASE64URL_NOPAD.encode(format!("HIT1 {}\u{ff}", "~?".repeat(200)).as_bytes());
    check(&[JSON], format!(r#"["{url}"]"#).as_bytes(), &["/0 (decoded): HIT1@0"], &[]);
    check(&[JSON], br#"{"image":"data:text/plain;base64,SElUMQ=="}"#, &["/image (decoded): HIT1@0"], &[]);
    let batch =
        data_encoding::BASE64.encode(format!("{{\"x\":\"\\u0048IT1\",\"pad\":\"{}\"}}", "y".repeat(300)).as_bytes());
    check(&[JSON], format!(r#"{{"body":"{batch}"}}"#).as_bytes(), &["/body (decoded) [/x]: HIT1@0"], &[]);
    // What is nested deeper than is opened stays text.
    let mut deep = "HIT1".to_owned();
    for _ in 0..6 {
        deep = serde_json::json!({ "d": deep }).to_string();
    }
    let ran = run(&[JSON], deep.as_bytes());
    assert_eq!(ran.seen.findings.len(), 1);
}

#[test]
fn broken_json_is_scanned_raw_and_nothing_is_counted_twice() {
    check(&[JSON], br#"{"a":"HIT1", oops HIT2 }"#, &["[/a]: HIT1@0", ": HIT2@18"], &["json_syntax"]);
    check(&[JSON], b"not json HIT1", &[": HIT1@9"], &["json_syntax"]);
    check(&[], br#"{"a":"HIT1" oops HIT1"#, &["[/a]: HIT1@0", ": HIT1@17"], &[]);
    let limits = BodyLimits { json_tokens_max: 3, ..BodyLimits::default() };
    let ran = run_with(&[JSON], &mut Cursor::new(br#"{"a":"HIT1","b":"HIT2"}"#), &limits);
    assert_eq!(ran.seen.problems, ["json_tokens_max"]);
    assert_eq!(ran.seen.findings, ["[/a]: HIT1@0", ": HIT2@17"]);
    let deep = format!("{}\"HIT1\"{}", "[".repeat(200), "]".repeat(200));
    let ran = run(&[JSON], deep.as_bytes());
    assert_eq!(ran.seen.problems, ["json_depth_max"]);
    assert_eq!(ran.seen.findings.len(), 1);
}

#[test]
fn a_declared_type_that_lies_does_not_hide_the_format() {
    let form = ("content-type", "application/x-www-form-urlencoded");
    check(&[form], br#"{"a":"\u0048IT1"}"#, &["[/a]: HIT1@0"], &[]);
    check(&[form], b"PK\x03\x04 a=HIT1", &[": HIT1@7"], &[]);
    check(&[FORM], br#"{"a":"\u0048IT1"}"#, &["[/a]: HIT1@0"], &["multipart_boundary"]);
    let body = b"--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nHIT1\r\n--XX--";
    check(&[JSON], body, &["part \"a\": HIT1@0"], &["json_syntax"]);
}

#[test]
fn a_document_too_long_to_be_held_is_reported() {
    let limits = BodyLimits { held_value_bytes_max: 300, ..BodyLimits::default() };
    for (value, problems) in
        [("QUJD".repeat(200), 1), ("words, not code. ".repeat(50), 0), (r#"{\"a\":\"b\"} "#.repeat(50), 1)]
    {
        let ran = run_with(&[JSON], &mut Cursor::new(format!(r#"{{"v":"{value} HIT1"}}"#)), &limits);
        assert_eq!(ran.seen.problems.len(), problems, "{value}");
        assert_eq!(ran.seen.findings.len(), 1, "{value}");
    }
}

#[test]
fn signed_chunks_are_joined() {
    let body = b"5;chunk-signature=ab\r\nxx HI\r\n2;chunk-signature=cd\r\nT1\r\n0;chunk-signature=ef\r\nx-amz-trailer-HIT2:1\r\n\r\n";
    let fields = [("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"), ("content-encoding", "aws-chunked")];
    check(&fields, body, &[": HIT1@3", "trailers: HIT2@14"], &[]);
    check(&fields[1..], b"3\r\nabc\r\nHIT1", &[": HIT1@8"], &["aws_chunked"]);
    let compressed = gzip(b"HIT1");
    let framed = [format!("{:x}\r\n", compressed.len()).as_bytes(), &compressed, b"\r\n0\r\n\r\n"].concat();
    check(&[("content-encoding", "aws-chunked,gzip")], &framed, &[": HIT1@0"], &[]);
    let wrong = [("content-encoding", "aws-chunked"), ("x-amz-decoded-content-length", "9")];
    check(&wrong, b"4\r\nHIT1\r\n0\r\n\r\n", &[": HIT1@0"], &["aws_chunked_length"]);
}

#[test]
fn an_observer_that_stops_ends_the_walk() {
    let (mut recorder, mut seen) = (Recorder::default(), Seen { stops: true, ..Seen::default() });
    let setup = BodySetup { examiner: &mut recorder, limits: &BodyLimits::default(), cancel: &Cancel::default() };
    let body = b"--XX\r\n\r\nHIT1\r\n--XX\r\n\r\nHIT2\r\n--XX--";
    let report = inspect(&header(&[FORM]), &mut Cursor::new(body), setup, &mut seen);
    assert!(report.stopped);
    assert_eq!(seen.findings, ["part 1: HIT1@0"]);
}

#[test]
fn a_cancelled_walk_is_partial() {
    let (mut recorder, mut seen) = (Recorder::default(), Seen::default());
    let cancel = Cancel::default();
    cancel.trip();
    let setup = BodySetup { examiner: &mut recorder, limits: &BodyLimits::default(), cancel: &cancel };
    let report = inspect(&header(&[]), &mut Cursor::new(b"HIT1"), setup, &mut seen);
    assert_eq!(report.outcome.completeness, Completeness::Partial);
    assert!(recorder.inputs.is_empty());
}

#[test]
fn heads_carry_content_too() {
    let check_head = |uri: &str, fields: &[(&str, &str)], findings: &[&str], names: &[&str]| {
        let mut request = http::Request::builder().uri(uri).body(()).unwrap();
        *request.headers_mut() = header(fields);
        let (mut recorder, mut seen) = (Recorder::default(), Seen::default());
        let setup = BodySetup { examiner: &mut recorder, limits: &BodyLimits::default(), cancel: &Cancel::default() };
        let report = inspect_head(&request.into_parts().0, setup, &mut seen);
        assert_eq!(seen.findings, findings, "{uri} {fields:?}");
        assert_eq!(report.file_names, names, "{uri} {fields:?}");
    };
    check_head("/up/%48IT1.txt", &[], &["url path: HIT1@4"], &["HIT1.txt"]);
    check_head("/s?q=a+HIT1&name=x%20y.pdf", &[], &["url query [q]: HIT1@2"], &["x y.pdf"]);
    check_head("/s?access_token=HIT1&X-Amz-Signature=HIT2", &[], &["url query [access_token]: HIT1@0"], &[]);
    check_head("/s?x=%48IT1&%73ig=HIT2", &[], &["url query [x]: HIT1@0", "url query [sig]: HIT2@0"], &[]);
    let dropbox = [("dropbox-api-arg", r#"{"path":"/dir/HIT1.txt","mode":"add"}"#)];
    check_head("/", &dropbox, &["header dropbox-api-arg [/path]: HIT1@5"], &["HIT1.txt"]);
    check_head("/", &[("content-disposition", "attachment; filename=a.txt")], &[], &["a.txt"]);
    check_head("/", &[("x-amz-meta-note", "HIT1")], &["header x-amz-meta-note: HIT1@0"], &[]);
    check_head(
        "/",
        &[("upload-metadata", "filename SElUMS50eHQ=,type dGV4dA==")],
        &["header upload-metadata: HIT1@10"],
        &["HIT1.txt"],
    );
    check_head("/", &[("authorization", "Bearer HIT1"), ("cookie", "HIT3"), ("if-match", "HIT4")], &[], &[]);
    for name in ["x-api-key", "private-token", "x-auth-token", "user-agent", "referer", "x-session"] {
        check_head("/", &[(name, "HIT2")], &[&format!("header {name}: HIT2@0")], &[]);
    }
}

/// Reads one byte at a time.
struct Slow(Cursor<Vec<u8>>);

impl Read for Slow {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = buffer.len().min(1);
        self.0.read(&mut buffer[..len])
    }
}

impl Seek for Slow {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

fn any_type() -> impl Strategy<Value = Vec<(&'static str, &'static str)>> {
    let types = [
        "multipart/form-data; boundary=b",
        "application/json",
        "application/x-www-form-urlencoded",
        "application/http",
        "application/xml",
        "text/plain",
    ];
    let codings = ["gzip", "deflate", "br", "zstd", "aws-chunked", "identity", "gzip, br"];
    (proptest::sample::select(types.to_vec()), proptest::option::of(proptest::sample::select(codings.to_vec())))
        .prop_map(|(kind, coding)| {
            let mut fields = vec![("content-type", kind)];
            fields.extend(coding.map(|coding| ("content-encoding", coding)));
            fields
        })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_never_panic(fields in any_type(), body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = run(&fields, &body);
    }

    #[test]
    fn how_the_bytes_come_changes_nothing(
        fields in any_type(),
        pieces in proptest::collection::vec(proptest::sample::select(vec!["--b", "\r\n", "--", "HIT1", "{", "}", "\"", ":", "a=", "&", "%48", "Content-Type: text/plain", "[", "]", ",", "\\u0048", "4", ";"]), 0..40),
    ) {
        let body = pieces.concat().into_bytes();
        let whole = run(&fields, &body);
        let slow = run_with(&fields, &mut Slow(Cursor::new(body)), &BodyLimits::default());
        prop_assert_eq!(whole.seen.findings, slow.seen.findings);
        prop_assert_eq!(whole.seen.problems, slow.seen.problems);
        prop_assert_eq!(whole.inputs, slow.inputs);
    }

    #[test]
    fn every_part_that_is_sent_is_inspected(values in proptest::collection::vec("[a-z]{0,12}", 1..6), has_gzip: bool) {
        let mut body = String::new();
        for (at, value) in values.iter().enumerate() {
            body.push_str(&format!("--XX\r\nContent-Disposition: form-data; name=\"f{at}\"\r\n\r\n{value}HIT{at}\r\n"));
        }
        body.push_str("--XX--\r\n");
        let body = if has_gzip { gzip(body.as_bytes()) } else { body.into_bytes() };
        let fields = if has_gzip { vec![FORM, GZIP] } else { vec![FORM] };
        let expected: Vec<String> = values.iter().enumerate().map(|(at, value)| format!("part \"f{at}\": HIT{at}@{}", value.len())).collect();
        prop_assert_eq!(run(&fields, &body).seen.findings, expected);
    }
}
