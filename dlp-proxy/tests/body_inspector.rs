//! Bodies as clients send them, inspected with the detectors of the product.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use dlp_core::base::{Cancel, Limits};
use dlp_core::inspect::{Collected, Inspector};
use dlp_core::matching::{DetectorSet, Scratch};
use dlp_proxy::body::{BodyLimits, BodyReport, BodySetup, PartInspector, inspect};
use http::{HeaderMap, HeaderName, HeaderValue};
use std::io::{Cursor, Write};
use std::sync::LazyLock;

static INSPECTOR: LazyLock<Inspector> =
    LazyLock::new(|| Inspector::new(DetectorSet::builtin().unwrap(), Limits::inline()));

/// A published specimen number.
const PESEL: &str = "44051401458";

fn run(fields: &[(&'static str, &'static str)], body: &[u8]) -> (BodyReport, Vec<String>) {
    let head: HeaderMap =
        fields.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect();
    let (mut scratch, mut collected) = (Scratch::new(), Collected::default());
    let mut examiner = PartInspector { inspector: &INSPECTOR, scratch: &mut scratch };
    let setup = BodySetup { examiner: &mut examiner, limits: &BodyLimits::default(), cancel: &Cancel::default() };
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
    ];
    for (fields, body, place) in rows {
        let (report, places) = run(&fields, &body);
        assert_eq!(places.last().map(String::as_str), Some(place), "{fields:?}");
        // A document in a value is read with the text around it and, by the value's path, on its own, and told once.
        assert_eq!(places.len(), 1, "{fields:?} {places:?}");
        assert_eq!(report.outcome.completeness.as_str(), "complete", "{fields:?}");
    }
}
