//! Bodies that are too large to be held leave while they are inspected, and are cut when something is found.
#![allow(clippy::unwrap_used)]

mod support;

use std::io::Write;
use std::time::Duration;
use support::{Origin, Running, TestCa, find, status};
use tokio::io::AsyncWriteExt;

const HOST: &str = "files.example";
const MIB: usize = 1024 * 1024;
const CARD: &[u8] = b"Please charge my credit card number 4000 0100 0007 1234, Visa, expiry 12/29.\n";

async fn scene(mode: &str) -> (Origin, Running) {
    let ca = TestCa::new();
    let origin = Origin::tls(ca.server(&[HOST], |_| {})).await;
    let config = format!(
        "scan.threads = 2\ninspection.gate_max = \"1MiB\"\ninspection.large = {{ unknown = \"{mode}\" }}\nlimits.body_stall_upload = \"2s\"\nresolver.override = {{ \"{HOST}\" = \"{}\" }}",
        origin.address
    );
    let gateway = Running::start(&ca, &config).await;
    (origin, gateway)
}

fn head(fields: &str) -> String {
    format!("PUT /f HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n{fields}\r\n")
}

fn with_length(fields: &str, body: &[u8]) -> Vec<u8> {
    [head(&format!("{fields}Content-Length: {}\r\n", body.len())).as_bytes(), body].concat()
}

fn chunked(fields: &str, body: &[u8]) -> Vec<u8> {
    let mut out = head(&format!("{fields}Transfer-Encoding: chunked\r\n")).into_bytes();
    for piece in body.chunks(60_000) {
        out.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        out.extend_from_slice(piece);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"0\r\n\r\n");
    out
}

fn harmless(len: usize) -> Vec<u8> {
    b"all work and no play makes a dull day\n".iter().copied().cycle().take(len).collect()
}

/// Bytes of no known kind.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 7u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8 | 1
    };
    std::iter::repeat_with(next).take(len).collect()
}

const TEXT: &str = "Content-Type: text/plain\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn clean_bodies_arrive_byte_for_byte() {
    for body in [harmless(5 * MIB + 17), noise(3 * MIB)] {
        for message in [with_length as fn(&str, &[u8]) -> Vec<u8>, chunked] {
            let (origin, gateway) = scene("stream").await;
            let answer = gateway.https("files.example:443", &message(TEXT, &body)).await;
            assert_eq!(status(&answer), 200, "{answer}");
            assert!(origin.only_body() == body);
            assert!(gateway.incidents().is_empty());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_cut_before_what_is_found() {
    for at in [0, 100_000, 3 * MIB, 6 * MIB - CARD.len()] {
        for message in [with_length as fn(&str, &[u8]) -> Vec<u8>, chunked] {
            let (origin, gateway) = scene("stream").await;
            let mut body = harmless(6 * MIB);
            body[at..at + CARD.len()].copy_from_slice(CARD);
            let answer = gateway.https("files.example:443", &message(TEXT, &body)).await;
            assert_eq!(status(&answer), 403, "{at}: {answer}");
            let received = origin.all();
            assert!(find(&received, b"credit card").is_none() && find(&received, b"0007").is_none(), "{at}");
            assert!(received.len() <= at + 20_000 + at / 1_000, "{at}: {} bytes left", received.len());
            assert!(!received.ends_with(b"0\r\n\r\n"), "{at}: the message is not completed");
            let incidents = gateway.incidents();
            assert_eq!(incidents.len(), 1, "{incidents:?}");
            assert_eq!(incidents[0]["decision"], "block");
            assert!(!incidents[0].to_string().contains("0007 1234"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_in_a_wide_character_set_is_cut_before_what_is_found() {
    let rows = [("UTF-16", &b"\xff\xfe"[..], 2), ("UTF-16 without a mark", b"", 2), ("UTF-32", b"\xff\xfe\0\0", 4)];
    for (name, mark, width) in rows {
        let encode =
            |text: &[u8]| text.iter().flat_map(|byte| [*byte, 0, 0, 0].into_iter().take(width)).collect::<Vec<_>>();
        for at in [MIB, MIB + 150_000, MIB + 300_000] {
            let (origin, gateway) = scene("stream").await;
            let body = [mark, &encode(&harmless(at)), &encode(CARD), &encode(&harmless(2 * MIB))].concat();
            let answer = gateway.https("files.example:443", &with_length(TEXT, &body)).await;
            assert_eq!(status(&answer), 403, "{name} {at}: {answer}");
            assert!(find(&origin.all(), &encode(b"credit card")).is_none(), "{name} {at}: it has left");
            assert_eq!(gateway.incidents().len(), 1);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_cut_before_what_is_encoded_in_it() {
    let digits: String = CARD.iter().map(|byte| format!("{byte:02x}")).collect();
    let coded = format!("\n{digits}\n");
    for at in [0, 100_000] {
        let (origin, gateway) = scene("stream").await;
        let mut body = harmless(6 * MIB);
        body[at..at + coded.len()].copy_from_slice(coded.as_bytes());
        let answer = gateway.https("files.example:443", &with_length(TEXT, &body)).await;
        assert_eq!(status(&answer), 403, "{at}: {answer}");
        let received = origin.all();
        assert!(find(&received, &digits.as_bytes()[..40]).is_none(), "{at}");
        assert!(received.len() <= at + 20_000 + at / 1_000, "{at}: {} bytes left", received.len());
        assert_eq!(gateway.incidents().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_judged_in_passing_does_not_leave() {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    zip.start_file("noise.bin", stored).unwrap();
    zip.write_all(&noise(2 * MIB)).unwrap();
    let zip = zip.finish().unwrap().into_inner();
    let json = format!("{{\"text\":\"{}\"}}", "words ".repeat(400_000)).into_bytes();
    let parts =
        [b"--b\r\nContent-Disposition: form-data; name=\"f\"\r\n\r\n", &harmless(2 * MIB)[..], b"\r\n--b--\r\n"]
            .concat();
    let rows: [(&str, Vec<u8>); 6] = [
        ("Content-Type: application/zip\r\n", zip.clone()),
        (TEXT, zip.clone()),
        ("Content-Type: application/json\r\n", json),
        ("Content-Type: multipart/form-data; boundary=b\r\n", parts),
        ("Content-Encoding: gzip\r\n", noise(2 * MIB)),
        ("Content-Encoding: aws-chunked\r\n", harmless(2 * MIB)),
    ];
    for (fields, body) in rows {
        let (origin, gateway) = scene("stream").await;
        let answer = gateway.https("files.example:443", &with_length(fields, &body)).await;
        assert_eq!(status(&answer), 403, "{fields}: {answer}");
        let received = origin.all();
        assert!(received.len() < 1_000, "{fields}: {} bytes", received.len());
        assert_eq!(gateway.incidents().len(), 1);
    }
    // An archive behind something harmless shows at the end only, and then the rest does not follow.
    let (origin, gateway) = scene("stream").await;
    let body = [harmless(3 * MIB), zip].concat();
    let answer = gateway.https("files.example:443", &with_length(TEXT, &body)).await;
    assert_eq!(status(&answer), 403, "{answer}");
    assert!(origin.all().len() < body.len() - MIB / 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_leave_to_stream_a_large_body_is_not_begun() {
    let (origin, gateway) = scene("refuse").await;
    let answer = gateway.https("files.example:443", &with_length(TEXT, &harmless(2 * MIB))).await;
    assert_eq!(status(&answer), 403);
    assert!(origin.all().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn values_are_counted_over_the_whole_body() {
    let (origin, gateway) = scene("stream").await;
    let mut body = harmless(4 * MIB);
    for index in 0..12 {
        let line = format!("\ncontact: person{index}.name@some-company{index}.com, phone\n");
        let at = index * 300_000;
        body[at..at + line.len()].copy_from_slice(line.as_bytes());
    }
    let answer = gateway.https("files.example:443", &with_length(TEXT, &body)).await;
    assert_eq!(status(&answer), 403, "{answer}");
    let left = origin.all().len();
    assert!(left < 10 * 300_000, "{left} bytes: the tenth one ends it");
    assert_eq!(gateway.incidents()[0]["rule"], "contact-lists");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_breaks_off_or_stalls_is_not_completed() {
    for closes in [true, false] {
        let (origin, gateway) = scene("stream").await;
        let mut tls = gateway.tls("files.example:443", HOST).await.unwrap();
        let message = with_length(TEXT, &harmless(6 * MIB));
        tls.write_all(&message[..4 * MIB]).await.unwrap();
        tls.flush().await.unwrap();
        if closes {
            drop(tls);
            tokio::time::sleep(Duration::from_millis(500)).await;
        } else {
            let answer = support::exchange(tls, b"").await;
            assert_eq!(status(&answer), 408, "{answer}");
        }
        assert!(origin.all().len() < 4 * MIB);
    }
}
