//! Uploads that take several requests are judged as a whole before the request that completes them goes on.
#![allow(clippy::unwrap_used)]

mod support;

use std::sync::atomic::{AtomicBool, Ordering};
use support::{Origin, Running, TestCa, archive, find, status};

const ONE_CARD: &str = "Please charge my credit card number 4000 0100 0007 1234, Visa, expiry 12/29, as agreed.\n";
const OTHER_CARD: &str = "Or my other credit card, Mastercard, number 5555 5555 5555 4444, expiry 11/28.\n";

/// Blocks two cards. One, and what cannot be opened, is let through by itself in a piece, never at the end.
const POLICY: &str = r#"
[policy]
id = "cards"
title = "Cards"
stage = "block"
default = "log"
fail_mode = "closed"

[[rule]]
id = "no-content"
title = "Requests that bring no content"
channel = { activities = ["browse", "delete"] }
action = { decision = "allow", fail_mode = "open" }

[[rule]]
id = "two-cards"
title = "Two cards"
what = { detectors = ["finance.card.pan"], confidence_min = "low", unique_min = 2 }
action = { decision = "block", fail_mode = "closed" }
"#;

/// Text that is longer than what is kept of the edges of a piece.
fn filler() -> String {
    "Nothing to see in this line of an ordinary letter.\n".repeat(500)
}

/// A file, whether it may be uploaded, and whether its first part may be.
struct File {
    name: &'static str,
    content: Vec<u8>,
    is_clean: bool,
}

fn files() -> Vec<File> {
    let file = |name, content, is_clean| File { name, content, is_clean };
    vec![
        file("cards far from each other", [ONE_CARD, &filler(), &filler(), OTHER_CARD].concat().into_bytes(), false),
        file("one card", [ONE_CARD, &filler(), &filler()].concat().into_bytes(), true),
        file("cards in an archive", archive(&[ONE_CARD, OTHER_CARD].concat()), false),
        file("a clean archive", archive("Nothing to see.\n"), true),
    ]
}

/// A request of an upload: method, target, fields.
type Call = (&'static str, String, String);

/// The call that ends an upload, and its body.
type End = fn(usize, usize) -> (Call, String);

/// A service: its host, the calls with the two parts of a file that is cut at a place, and the call that ends the upload
/// with its body.
struct Service {
    host: &'static str,
    calls: fn(usize, usize) -> [Call; 2],
    commit: Option<End>,
    refusal: u16,
    is_ordered: bool,
}

fn call(method: &'static str, target: &str, fields: impl Into<String>) -> Call {
    (method, target.to_owned(), fields.into())
}

fn ranges(method: &'static str, target: &str, (cut, len): (usize, usize)) -> [Call; 2] {
    [(0, cut), (cut, len)]
        .map(|(first, end)| call(method, target, format!("Content-Range: bytes {first}-{}/{len}\r\n", end - 1)))
}

fn dropbox(cursor: usize) -> String {
    format!("Dropbox-API-Arg: {{\"cursor\":{{\"session_id\":\"named\",\"offset\":{cursor}}}}}\r\n")
}

const SERVICES: [Service; 9] = [
    Service {
        host: "stash.s3.amazonaws.com",
        calls: |_, _| [1, 2].map(|part| call("PUT", &format!("/k?partNumber={part}&uploadId=u"), "")),
        commit: Some(|_, _| {
            let parts = [1, 2].map(|part| format!("<Part><PartNumber>{part}</PartNumber><ETag>e</ETag></Part>"));
            let body = format!("<CompleteMultipartUpload>{}</CompleteMultipartUpload>", parts.concat());
            (call("POST", "/k?uploadId=u", "Content-Type: application/xml\r\n"), body)
        }),
        refusal: 403,
        is_ordered: false,
    },
    Service {
        host: "stash.blob.core.windows.net",
        calls: |_, _| {
            ["QQ==", "Qg=="].map(|id| call("PUT", &format!("/c/b?comp=block&blockid={}", id.replace('=', "%3D")), ""))
        },
        commit: Some(|_, _| {
            let body = "<BlockList><Latest>QQ==</Latest><Latest>Qg==</Latest></BlockList>".to_owned();
            (call("PUT", "/c/b?comp=blocklist", "Content-Type: application/xml\r\n"), body)
        }),
        refusal: 403,
        is_ordered: false,
    },
    Service {
        host: "upload.box.com",
        calls: |cut, len| ranges("PUT", "/api/2.0/files/upload_sessions/F00", (cut, len)),
        commit: Some(|cut, _| {
            let body =
                format!("{{\"parts\":[{{\"part_id\":\"A\",\"offset\":0}},{{\"part_id\":\"B\",\"offset\":{cut}}}]}}");
            (call("POST", "/api/2.0/files/upload_sessions/F00/commit", "Content-Type: application/json\r\n"), body)
        }),
        refusal: 403,
        is_ordered: false,
    },
    Service {
        host: "www.googleapis.com",
        calls: |cut, len| ranges("PUT", "/upload/drive/v3/files?uploadType=resumable&upload_id=x", (cut, len)),
        commit: None,
        refusal: 403,
        is_ordered: true,
    },
    Service {
        host: "a.up.1drv.com",
        calls: |cut, len| ranges("PUT", "/up/token", (cut, len)),
        commit: None,
        refusal: 403,
        is_ordered: true,
    },
    Service {
        host: "content.dropboxapi.com",
        calls: |cut, _| {
            [
                call("POST", "/2/files/upload_session/start", "Dropbox-API-Arg: {\"close\":false}\r\n"),
                call("POST", "/2/files/upload_session/append_v2", dropbox(cut)),
            ]
        },
        commit: Some(|_, len| (call("POST", "/2/files/upload_session/finish", dropbox(len)), String::new())),
        refusal: 409,
        is_ordered: true,
    },
    Service {
        // Several uploads are completed by one call, at another host.
        host: "content.dropboxapi.com",
        calls: |cut, _| {
            [
                call("POST", "/2/files/upload_session/start", "Dropbox-API-Arg: {\"close\":false}\r\n"),
                call("POST", "/2/files/upload_session/append_v2", dropbox(cut)),
            ]
        },
        commit: Some(|_, len| {
            let body = format!("{{\"entries\":[{{\"cursor\":{{\"session_id\":\"named\",\"offset\":{len}}}}}]}}");
            let target = "https://api.dropboxapi.com/2/files/upload_session/finish_batch_v2";
            (call("POST", target, "Content-Type: application/json\r\n"), body)
        }),
        refusal: 409,
        is_ordered: true,
    },
    Service {
        host: "pod-000-1000-00.backblaze.com",
        calls: |_, _| {
            ["1", "2"]
                .map(|part| call("POST", "/b2api/v3/b2_upload_part/4_z1/c001", format!("X-Bz-Part-Number: {part}\r\n")))
        },
        commit: Some(|_, _| {
            let target = "https://api001.backblazeb2.com/b2api/v3/b2_finish_large_file";
            (
                call("POST", target, "Content-Type: application/json\r\n"),
                "{\"fileId\":\"4_z1\",\"partSha1Array\":[]}".into(),
            )
        }),
        refusal: 403,
        is_ordered: false,
    },
    Service {
        // S3 with the framing that its clients use.
        host: "stash.s3.amazonaws.com",
        calls: |_, _| {
            [1, 2].map(|part| {
                call(
                    "PUT",
                    &format!("/f?partNumber={part}&uploadId=f"),
                    "X-Amz-Content-Sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\r\n",
                )
            })
        },
        commit: Some(|_, _| (call("POST", "/f?uploadId=f", "Content-Type: application/xml\r\n"), String::new())),
        refusal: 403,
        is_ordered: false,
    },
];

/// The origin's answers name the uploads that it opens.
fn answer(head: &str) -> String {
    let body = if head.contains("upload_session/start") { "{\"session_id\":\"named\"}" } else { "ok" };
    let location = if head.to_ascii_lowercase().contains("upload-length") { "Location: /tus/7\r\n" } else { "" };
    format!(
        "HTTP/1.1 200 OK\r\n{location}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

async fn scene(hosts: &[&str], settings: &str) -> (Origin, Running) {
    scene_with(hosts, settings, POLICY).await
}

async fn scene_with(hosts: &[&str], settings: &str, policy: &str) -> (Origin, Running) {
    let ca = TestCa::new();
    let origin = Origin::answering(ca.server(hosts, |_| {}), answer).await;
    let names: Vec<String> = hosts.iter().map(|host| format!("\"{host}\" = \"{}\"", origin.address)).collect();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("policy.toml"), policy).unwrap();
    let config =
        format!("policy.files = [\"{{dir}}/policy.toml\"]\nresolver.override = {{ {} }}\n{settings}", names.join(", "));
    (origin, Running::start_in(dir, &ca, &config).await)
}

/// Sends a request; one with a URL goes to the host of that.
async fn send(gateway: &Running, host: &str, (method, target, fields): &Call, body: &[u8]) -> u16 {
    let (host, target) = match target.strip_prefix("https://").and_then(|rest| rest.split_once('/')) {
        Some((host, path)) => (host, format!("/{path}")),
        None => (host, target.clone()),
    };
    let is_framed = fields.contains("STREAMING") && !body.is_empty();
    let body = if is_framed { framed(body) } else { body.to_vec() };
    let head = format!(
        "{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{fields}Content-Length: {}\r\n\r\n",
        body.len()
    );
    status(&gateway.https(&format!("{host}:443"), &[head.as_bytes(), &body].concat()).await)
}

/// A body in the framing of signed uploads.
fn framed(body: &[u8]) -> Vec<u8> {
    let chunks = body.chunks(9_000).map(|chunk| [format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat());
    chunks.chain([b"0\r\nx-amz-checksum-crc32: AAAAAA==\r\n\r\n".to_vec()]).collect::<Vec<_>>().concat()
}

fn hosts_of(service: &Service) -> Vec<&'static str> {
    vec![service.host, "api.dropboxapi.com", "api001.backblazeb2.com"]
}

/// Uploads a file in two parts; gives the status of each request, the end last.
async fn upload(gateway: &Running, service: &Service, file: &File, order: [usize; 2]) -> Vec<u16> {
    let cut = file.content.len() / 2;
    let parts = [&file.content[..cut], &file.content[cut..]];
    let calls = (service.calls)(cut, file.content.len());
    let mut statuses = Vec::new();
    for index in order {
        statuses.push(send(gateway, service.host, &calls[index], parts[index]).await);
    }
    if let Some(commit) = service.commit {
        let (call, body) = commit(cut, file.content.len());
        statuses.push(send(gateway, service.host, &call, body.as_bytes()).await);
    }
    statuses
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_an_upload_waits_for_the_judgement_of_the_whole() {
    for service in &SERVICES {
        for order in [[0, 1], [1, 0]] {
            if service.is_ordered && order == [1, 0] {
                continue;
            }
            // Texts are put together in the same way as archives.
            for file in files().into_iter().skip(if order == [1, 0] { 2 } else { 0 }) {
                let (origin, gateway) = scene(&hosts_of(service), "").await;
                let statuses = upload(&gateway, service, &file, order).await;
                let shown = format!("{} {} {order:?} {statuses:?}", service.host, file.name);
                let end = if file.is_clean { 200 } else { service.refusal };
                // Where each part says how long the whole is, the last part is the end already.
                assert_eq!((statuses[0], statuses.last()), (200, Some(&end)), "{shown}: {:?}", gateway.incidents());
                assert!(!file.is_clean || statuses.iter().all(|status| *status == 200), "{shown}");
                let all = origin.all();
                let ends = [&b"finish"[..], b"comp=blocklist", b"/commit", b"POST /k?uploadId", b"POST /f?uploadId"];
                let ended = ends.iter().any(|end| find(&all, end).is_some());
                assert!(file.is_clean || !ended, "{shown}");
            }
        }
    }
}

/// The first service of the table whose pieces have numbers.
const S3: &Service = &SERVICES[0];

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_put_together_is_no_clean_upload() {
    let text = File { name: "a clean text", content: filler().into_bytes(), is_clean: true };
    let list = |parts: &[u64]| {
        let parts: Vec<String> =
            parts.iter().map(|part| format!("<Part><PartNumber>{part}</PartNumber></Part>")).collect();
        format!("<CompleteMultipartUpload>{}</CompleteMultipartUpload>", parts.concat())
    };
    // Settings, the body of the call that ends the upload, its status, and the reason that the incident names.
    let rows = [
        ("", list(&[1, 2]), 200, None),
        ("", list(&[2, 1]), 200, None),
        ("", list(&[1, 2, 3]), 403, Some("unseen_parts")),
        ("", list(&[u64::MAX]), 403, Some("unseen_parts")),
        ("", "<CompleteMultipartUpload><Part>".to_owned(), 403, Some("xml_syntax")),
        ("", list(&[1, 2]).replace("2<", "<!-- -->2<"), 403, Some("part_list")),
        ("inspection.transfer_max = \"20KiB\"", list(&[1, 2]), 403, Some("transfer_max")),
        ("tenant.corporate.s3_buckets = [\"stash\"]", list(&[1, 2, 3]), 403, Some("unseen_parts")),
    ];
    for (settings, body, expected, reason) in rows {
        let (_origin, gateway) = scene(&[S3.host], settings).await;
        let parts = Service { commit: None, ..*S3 };
        assert_eq!(upload(&gateway, &parts, &text, [0, 1]).await, [200, 200], "{settings} {body}");
        let end = call("POST", "/k?uploadId=u", "Content-Type: application/xml\r\n");
        assert_eq!(send(&gateway, S3.host, &end, body.as_bytes()).await, expected, "{settings} {body}");
        let incidents = gateway.incidents();
        let named = reason.is_none_or(|reason| incidents.iter().any(|incident| incident.to_string().contains(reason)));
        assert!(named, "{settings} {body}: {incidents:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_an_upload_that_nobody_has_seen_is_refused() {
    for service in SERVICES.iter().filter(|service| service.commit.is_some()) {
        let (origin, gateway) = scene(&hosts_of(service), "").await;
        let (call, body) = service.commit.unwrap()(10, 20);
        assert_eq!(send(&gateway, service.host, &call, body.as_bytes()).await, service.refusal, "{}", service.host);
        assert!(find(&origin.all(), call.0.as_bytes()).is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mode_says_what_may_leave_before_the_end() {
    let archive = || File { name: "a clean archive", content: archive("Nothing to see.\n"), is_clean: true };
    let cards = || {
        let content = [ONE_CARD, &filler(), &filler(), OTHER_CARD].concat().into_bytes();
        File { name: "cards", content, is_clean: false }
    };
    let mode = |mode: &str, rest: &str| format!("inspection.modes = [{{ mode = \"{mode}\"{rest} }}]");
    let unknown = Service {
        host: "unknown.example",
        calls: |cut, len| ranges("PUT", "/put/here", (cut, len)),
        commit: None,
        refusal: 403,
        is_ordered: false,
    };
    // Service, settings, file, statuses.
    let rows: [(&Service, String, File, &[u16]); 9] = [
        (S3, mode("commit", ""), archive(), &[200, 200, 200]),
        (S3, mode("gate", ""), archive(), &[200, 200, 200]),
        // Nobody can open the first half of an archive.
        (S3, mode("strict", ""), archive(), &[403, 403, 403]),
        (S3, mode("strict", ", zones = [\"personal\"]"), archive(), &[200, 200, 200]),
        (S3, mode("strict", ", apps = [\"amazon-s3\"]"), archive(), &[403, 403, 403]),
        // What is counted is counted at the end, or, in the strict mode, as it comes.
        (S3, mode("commit", ""), cards(), &[200, 200, 403]),
        (S3, mode("strict", ", hosts = [\"*.amazonaws.com\"]"), cards(), &[200, 403, 403]),
        // Nobody knows what a server that nobody knows does with pieces.
        (&unknown, String::new(), archive(), &[403, 403]),
        (&unknown, mode("commit", ""), archive(), &[200, 200]),
    ];
    for (service, settings, file, expected) in rows {
        let (_origin, gateway) = scene(&[service.host], &settings).await;
        let statuses = upload(&gateway, service, &file, [0, 1]).await;
        assert_eq!(statuses, expected, "{} {settings} {}", service.host, file.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resumable_upload_is_judged_when_it_is_as_long_as_it_was_to_be() {
    let (origin, gateway) = scene(&["files.example"], "").await;
    let content = [ONE_CARD, &filler(), &filler(), OTHER_CARD].concat().into_bytes();
    let (first, second) = content.split_at(content.len() / 2);
    let open = call("POST", "/tus", format!("Tus-Resumable: 1.0.0\r\nUpload-Length: {}\r\n", content.len()));
    assert_eq!(send(&gateway, "files.example", &open, b"").await, 200);
    let patch = |offset: usize| {
        let kind = "Content-Type: application/offset+octet-stream";
        call("PATCH", "/tus/7", format!("Tus-Resumable: 1.0.0\r\nUpload-Offset: {offset}\r\n{kind}\r\n"))
    };
    assert_eq!(send(&gateway, "files.example", &patch(0), first).await, 200);
    assert_eq!(send(&gateway, "files.example", &patch(first.len()), second).await, 403);
    assert!(find(&origin.all(), OTHER_CARD.as_bytes()).is_none());
}

/// A body at a place of a file, and what its request says of the length of the whole.
struct Sent {
    first: usize,
    says: (usize, usize),
    bytes: Vec<u8>,
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_ends_by_its_length_has_no_gap() {
    let zip = archive(&[ONE_CARD, OTHER_CARD].concat());
    let (len, cut) = (zip.len(), zip.len() / 2);
    let piece =
        |first: usize, end: usize, total: usize| Sent { first, says: (end, total), bytes: zip[first..end].to_vec() };
    let longer = Sent { first: cut, says: (len, len), bytes: [&zip[cut..], b"\n"].concat() };
    // Pieces, their statuses, and the reason that the incident names.
    let rows: [(&str, Vec<Sent>, &[u16], &str); 6] = [
        ("second half only", vec![piece(cut, len, len)], &[403], "unseen_parts"),
        (
            "a gap before the end",
            vec![piece(0, 1_000, len), piece(2_000, cut, len), piece(cut, len, len)],
            &[200, 200, 403],
            "unseen_parts",
        ),
        ("a beginning again", vec![piece(0, cut, len), piece(0, 10, len)], &[200, 403], "sent_again"),
        ("longer than it says", vec![piece(0, cut, len), longer], &[200, 403], "unseen_parts"),
        ("another length", vec![piece(0, cut, len), piece(cut, len, len + 1)], &[200, 403], "unseen_parts"),
        ("a length that was passed", vec![piece(0, cut, 1)], &[403], "unseen_parts"),
    ];
    for (name, pieces, expected, reason) in rows {
        for (host, target) in
            [("a.up.1drv.com", "/up/token"), ("www.googleapis.com", "/upload/drive/v3/files?upload_id=x")]
        {
            let (_origin, gateway) = scene(&[host], "").await;
            let mut statuses = Vec::new();
            for Sent { first, says: (end, total), bytes } in &pieces {
                let put = call("PUT", target, format!("Content-Range: bytes {first}-{}/{total}\r\n", end - 1));
                statuses.push(send(&gateway, host, &put, bytes).await);
            }
            assert_eq!(statuses, expected, "{host} {name}");
            let incidents = gateway.incidents();
            assert!(incidents.iter().any(|incident| incident.to_string().contains(reason)), "{name}: {incidents:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_ends_with_a_piece_that_is_too_large_to_be_held() {
    let policy = POLICY.replace("fail_mode = \"closed\"", "fail_mode = \"open\"");
    for (texts, expected) in [([ONE_CARD, OTHER_CARD], 403), ([ONE_CARD, ""], 200)] {
        let (_origin, gateway) = scene_with(&["a.up.1drv.com"], "inspection.gate_max = \"64KiB\"", &policy).await;
        let mut pieces: Vec<Vec<u8>> = texts.map(|text| [text, &filler()].concat().into_bytes()).to_vec();
        pieces.push(filler().repeat(4).into_bytes());
        let total: usize = pieces.iter().map(Vec::len).sum();
        let (mut first, mut statuses) = (0, Vec::new());
        for piece in &pieces {
            let end = first + piece.len();
            let put = call("PUT", "/up/token", format!("Content-Range: bytes {first}-{}/{total}\r\n", end - 1));
            statuses.push(send(&gateway, "a.up.1drv.com", &put, piece).await);
            first = end;
        }
        assert_eq!(statuses, [200, 200, expected]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_without_a_place_is_no_part_of_a_whole() {
    let (_origin, gateway) = scene(&["www.googleapis.com"], "").await;
    let half = &archive(ONE_CARD)[..20_000];
    let put = call("PUT", "/upload/drive/v3/files?uploadType=resumable&upload_id=x", "");
    assert_eq!(send(&gateway, "www.googleapis.com", &put, half).await, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_piece_that_is_sent_again_takes_the_place_of_nothing() {
    let (bad, good) = (archive(&[ONE_CARD, OTHER_CARD].concat()), archive("Nothing to see.\n"));
    let halves = |file: &[u8]| [file[..file.len() / 2].to_vec(), file[file.len() / 2..].to_vec()];
    let ([bad_1, bad_2], [good_1, good_2]) = (halves(&bad), halves(&good));
    let end = "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber></Part><Part><PartNumber>2</PartNumber></Part>\
               </CompleteMultipartUpload>";
    // The two parts of the archives share their first half, so each part 1 has another last byte.
    let other_1 = [&good_1[..good_1.len() - 1], b"~"].concat();
    type Parts<'a> = &'a [(u8, &'a Vec<u8>)];
    // Parts, their statuses, and that of the call that ends the upload.
    let rows: [(Parts<'_>, &[u16], u16); 3] = [
        (&[(1, &bad_1), (2, &bad_2), (1, &other_1), (2, &good_2)], &[200, 200, 403, 403], 403),
        (&[(1, &bad_1), (1, &bad_1), (2, &bad_2)], &[200, 200, 200], 403),
        (&[(1, &good_1), (1, &good_1), (2, &good_2), (2, &good_2)], &[200, 200, 200, 200], 200),
    ];
    for (parts, expected, ended) in rows {
        let (_origin, gateway) = scene(&[S3.host], "").await;
        let mut statuses = Vec::new();
        for (part, bytes) in parts {
            let put = call("PUT", &format!("/k?partNumber={part}&uploadId=u"), "");
            statuses.push(send(&gateway, S3.host, &put, bytes).await);
        }
        assert_eq!(statuses, expected);
        let call = call("POST", "/k?uploadId=u", "Content-Type: application/xml\r\n");
        assert_eq!(send(&gateway, S3.host, &call, end.as_bytes()).await, ended, "{expected:?}");
    }
}

/// Sends a request over a connection that speaks HTTP/2.
async fn send_h2(gateway: &Running, host: &str, (method, target, fields): &Call, body: &[u8]) -> u16 {
    let (host, target) = match target.strip_prefix("https://").and_then(|rest| rest.split_once('/')) {
        Some((host, path)) => (host, format!("/{path}")),
        None => (host, target.clone()),
    };
    let tls = gateway.tls_offering(&format!("{host}:443"), &["h2"]).await.unwrap();
    let io = hyper_util::rt::TokioIo::new(tls);
    let executor = hyper_util::rt::TokioExecutor::new();
    let (mut client, connection) = hyper::client::conn::http2::handshake(executor, io).await.unwrap();
    tokio::spawn(connection);
    let mut request = http::Request::builder().method(*method).uri(format!("https://{host}{target}"));
    for (name, value) in fields.lines().filter_map(|line| line.split_once(": ")) {
        request = request.header(name, value);
    }
    let body = http_body_util::Full::new(bytes::Bytes::copy_from_slice(body));
    client.send_request(request.body(body).unwrap()).await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn ends_of_uploads_are_judged_over_http2_as_well() {
    // Parts in a list, parts that the call does not list, and the last piece of the length.
    for service in [&SERVICES[0], &SERVICES[7], &SERVICES[4]] {
        for is_clean in [true, false] {
            let (origin, gateway) = scene(&hosts_of(service), "").await;
            let text = if is_clean { "Nothing to see.\n".to_owned() } else { [ONE_CARD, OTHER_CARD].concat() };
            let content = archive(&text);
            let cut = content.len() / 2;
            let [first, last] = (service.calls)(cut, content.len());
            let mut statuses = vec![
                send_h2(&gateway, service.host, &first, &content[..cut]).await,
                send_h2(&gateway, service.host, &last, &content[cut..]).await,
            ];
            if let Some(commit) = service.commit {
                let (call, body) = commit(cut, content.len());
                statuses.push(send_h2(&gateway, service.host, &call, body.as_bytes()).await);
            }
            let end = if is_clean { 200 } else { service.refusal };
            assert_eq!((statuses[0], statuses.last()), (200, Some(&end)), "{} {statuses:?}", service.host);
            let ended = [&b"finish"[..], b"POST /k?uploadId"].iter().any(|end| find(&origin.all(), end).is_some());
            assert!(is_clean || !ended, "{}", service.host);
        }
    }
}

/// Whether the test has looked for what must not come before the end of the upload was answered.
static HAS_LOOKED: AtomicBool = AtomicBool::new(false);

/// An origin that takes its time to put an upload together.
fn slow_end(head: &str) -> String {
    if head.starts_with("POST /k?uploadId") {
        tokio::task::block_in_place(|| {
            for _ in 0..3_000 {
                if HAS_LOOKED.load(Ordering::Relaxed) {
                    break;
                }
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
        });
    }
    answer(head)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_piece_waits_for_the_answer_to_the_end_of_its_upload() {
    let ca = TestCa::new();
    let origin = Origin::answering(ca.server(&[S3.host], |_| {}), slow_end).await;
    let config = format!("resolver.override = {{ \"{}\" = \"{}\" }}", S3.host, origin.address);
    let gateway = Running::start(&ca, &config).await;
    let part = |number: u8| call("PUT", &format!("/k?partNumber={number}&uploadId=u"), "");
    assert_eq!(send(&gateway, S3.host, &part(1), b"the first part").await, 200);
    let end = call("POST", "/k?uploadId=u", "Content-Type: application/xml\r\n");
    let list = b"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber></Part></CompleteMultipartUpload>";
    let late = async {
        while find(&origin.all(), b"POST /k?uploadId").is_none() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        let watched = async {
            tokio::time::sleep(std::time::Duration::from_millis(1_200)).await;
            assert!(find(&origin.all(), b"partNumber=2").is_none(), "the late part is held");
            HAS_LOOKED.store(true, Ordering::Relaxed);
        };
        let late = part(2);
        tokio::join!(send(&gateway, S3.host, &late, b"a late part"), watched).0
    };
    assert_eq!(tokio::join!(send(&gateway, S3.host, &end, list), late), (200, 200));
    assert!(find(&origin.all(), b"partNumber=2").is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_without_content_is_a_part() {
    let (_origin, gateway) = scene(&[S3.host], "").await;
    let part = |number: u8| call("PUT", &format!("/k?partNumber={number}&uploadId=u"), "");
    assert_eq!(send(&gateway, S3.host, &part(1), b"a clean part").await, 200);
    assert_eq!(send(&gateway, S3.host, &part(2), b"").await, 200);
    let parts = [1, 2].map(|part| format!("<Part><PartNumber>{part}</PartNumber></Part>")).concat();
    let list = format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>");
    let end = call("POST", "/k?uploadId=u", "Content-Type: application/xml\r\n");
    assert_eq!(send(&gateway, S3.host, &end, list.as_bytes()).await, 200, "{:?}", gateway.incidents());
}
