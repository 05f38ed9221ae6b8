//! Uploads that take several requests: a value that was cut in two does not get through, in whatever order it comes.
#![allow(clippy::unwrap_used)]

mod support;

use support::{Origin, Running, TestCa, find, status};

const FIRST: &[u8] = b"Please charge my credit card number 4000 0100";
const SECOND: &[u8] = b" 0007 1234, Visa, expiry 12/29, as agreed.\n";

/// A request of an upload: method, target and fields.
type Call = (&'static str, &'static str, &'static str);

/// A service: its host, the two pieces, the call that ends the upload, and the status of a refusal.
struct Service {
    host: &'static str,
    pieces: [Call; 2],
    commit: Option<Call>,
    refusal: u16,
}

const SERVICES: [Service; 12] = [
    Service {
        host: "stash.s3.amazonaws.com",
        pieces: [("PUT", "/k?partNumber=1&uploadId=u", ""), ("PUT", "/k?partNumber=2&uploadId=u", "")],
        commit: Some(("POST", "/k?uploadId=u", "Content-Type: application/xml\r\n")),
        refusal: 403,
    },
    Service {
        host: "www.googleapis.com",
        pieces: [
            ("PUT", "/upload/drive/v3/files?uploadType=resumable&upload_id=x", "Content-Range: bytes 0-44/*\r\n"),
            ("POST", "/upload/drive/v3/files?uploadType=resumable&upload_id=x", "Content-Range: bytes 45-87/88\r\n"),
        ],
        commit: None,
        refusal: 403,
    },
    Service {
        host: "content.dropboxapi.com",
        pieces: [
            (
                "POST",
                "/2/files/upload_session/append_v2",
                "Dropbox-API-Arg: {\"cursor\":{\"session_id\":\"s\",\"offset\":0}}\r\n",
            ),
            (
                "POST",
                "/2/files/upload_session/append_v2",
                "Dropbox-API-Arg: {\"cursor\":{\"session_id\":\"s\",\"offset\":45}}\r\n",
            ),
        ],
        commit: Some((
            "POST",
            "/2/files/upload_session/finish",
            "Dropbox-API-Arg: {\"cursor\":{\"session_id\":\"s\",\"offset\":88},\"commit\":{\"path\":\"/a\"}}\r\n",
        )),
        refusal: 409,
    },
    Service {
        // The session gets its name from the answer to the request with the first piece.
        host: "content.dropboxapi.com",
        pieces: [
            ("POST", "/2/files/upload_session/start", "Dropbox-API-Arg: {\"close\":false}\r\n"),
            (
                "POST",
                "/2/files/upload_session/append_v2",
                "Dropbox-API-Arg: {\"cursor\":{\"session_id\":\"n\",\"offset\":45}}\r\n",
            ),
        ],
        commit: None,
        refusal: 409,
    },
    Service {
        host: "upload.box.com",
        pieces: [
            ("PUT", "/api/2.0/files/upload_sessions/F00", "Content-Range: bytes 0-44/88\r\n"),
            ("PUT", "/api/2.0/files/upload_sessions/F00", "Content-Range: bytes 45-87/88\r\n"),
        ],
        commit: Some(("POST", "/api/2.0/files/upload_sessions/F00/commit", "Content-Type: application/json\r\n")),
        refusal: 403,
    },
    Service {
        host: "pod-000-1000-00.backblaze.com",
        pieces: [
            ("POST", "/b2api/v3/b2_upload_part/4_z1/c001", "X-Bz-Part-Number: 1\r\n"),
            ("POST", "/b2api/v3/b2_upload_part/4_z1/c002", "X-Bz-Part-Number: 2\r\n"),
        ],
        commit: None,
        refusal: 403,
    },
    Service {
        host: "stash.blob.core.windows.net",
        pieces: [("PUT", "/c/b?comp=block&blockid=AA", ""), ("PUT", "/c/b?comp=block&blockid=AB", "")],
        commit: Some(("PUT", "/c/b?comp=blocklist", "Content-Type: application/xml\r\n")),
        refusal: 403,
    },
    Service {
        host: "a.up.1drv.com",
        pieces: [
            ("PUT", "/up/token", "Content-Range: bytes 0-44/88\r\n"),
            ("PUT", "/up/token", "Content-Range: bytes 45-87/88\r\n"),
        ],
        commit: None,
        refusal: 403,
    },
    Service {
        host: "files.example",
        pieces: [
            (
                "PATCH",
                "/tus/1",
                "Tus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\nContent-Type: application/offset+octet-stream\r\n",
            ),
            (
                "PATCH",
                "/tus/1",
                "Tus-Resumable: 1.0.0\r\nUpload-Offset: 45\r\nContent-Type: application/offset+octet-stream\r\n",
            ),
        ],
        commit: None,
        refusal: 403,
    },
    Service {
        host: "cloud.example",
        pieces: [
            ("PUT", "/remote.php/dav/uploads/me/web-1/00001", ""),
            ("PUT", "/remote.php/dav/uploads/me/web-1/00002", ""),
        ],
        commit: Some(("MOVE", "/remote.php/dav/uploads/me/web-1/.file", "Destination: /remote.php/dav/files/me/a\r\n")),
        refusal: 403,
    },
    Service {
        host: "www.googleapis.com",
        pieces: [
            ("PUT", "/upload/drive/v3/files?uploadType=resumable&upload_id=y", "Content-Range: bytes 0-44/88\r\n"),
            ("PUT", "/upload/drive/v3/files?upload_id=y", "Content-Range: bytes 45-87/88\r\n"),
        ],
        commit: None,
        refusal: 403,
    },
    Service {
        host: "unknown.example",
        pieces: [
            ("PUT", "/put/here?id=1", "Content-Range: bytes 0-44/88\r\n"),
            ("PUT", "/put/here?id=1", "Content-Range: bytes 45-87/88\r\n"),
        ],
        commit: None,
        refusal: 403,
    },
];

/// Whether the service takes pieces one after the other only. The last one alone is no upload to be judged there.
fn takes_them_in_turn(host: &str) -> bool {
    ["www.googleapis.com", "a.up.1drv.com"].contains(&host)
}

async fn scene(host: &str) -> (Origin, Running) {
    let ca = TestCa::new();
    let origin = Origin::tls(ca.server(&[host], |_| {})).await;
    let gateway = Running::start(&ca, &format!("resolver.override = {{ \"{host}\" = \"{}\" }}", origin.address)).await;
    (origin, gateway)
}

async fn send(gateway: &Running, host: &str, (method, target, fields): Call, body: &[u8]) -> u16 {
    let head = format!(
        "{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{fields}Content-Length: {}\r\n\r\n",
        body.len()
    );
    status(&gateway.https(&format!("{host}:443"), &[head.as_bytes(), body].concat()).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_was_cut_in_two_is_found_before_its_second_half_leaves() {
    for service in &SERVICES {
        for order in [[0, 1], [1, 0]] {
            let Service { host, pieces, commit, refusal } = service;
            // A session that the answer names begins with its first piece; blocks without a number come as they come.
            let is_ordered =
                pieces[0].1.ends_with("/start") || pieces[0].1.contains("comp=block") || takes_them_in_turn(host);
            if is_ordered && order == [1, 0] {
                continue;
            }
            let (origin, gateway) = scene(host).await;
            let bodies = [FIRST, SECOND];
            let shown = format!("{host} {} {order:?}", pieces[1].1);
            let [one, two] = order;
            assert_eq!(send(&gateway, host, pieces[one], bodies[one]).await, 200, "{shown}");
            assert_eq!(send(&gateway, host, pieces[two], bodies[two]).await, *refusal, "{shown}");
            assert!(find(&origin.all(), bodies[two]).is_none(), "{shown}");
            if let Some(commit) = commit {
                assert_eq!(send(&gateway, host, *commit, b"").await, *refusal, "{shown}: the upload stays refused");
            }
            let incidents = gateway.incidents();
            // A half alone may be worth a note; what stops the upload is the whole.
            assert!(incidents.iter().any(|incident| incident["decision"] == "block"), "{incidents:?}");
            assert!(incidents.iter().all(|incident| !incident.to_string().contains("0007 1234")), "{incidents:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_may_be_spread_over_many_small_pieces() {
    let (origin, gateway) = scene("files.example").await;
    let whole = [FIRST, SECOND].concat();
    let mut refused = false;
    for (index, piece) in whole.chunks(9).enumerate() {
        let head = format!("Upload-Offset: {}\r\nTus-Resumable: 1.0.0\r\n", index * 9);
        let head = format!(
            "PATCH /tus/2 HTTP/1.1\r\nHost: files.example\r\nConnection: close\r\n{head}Content-Length: {}\r\n\r\n",
            piece.len()
        );
        let answer = gateway.https("files.example:443", &[head.as_bytes(), piece].concat()).await;
        refused |= status(&answer) == 403;
    }
    assert!(refused);
    let sent: Vec<u8> = origin.all().split(|byte| *byte == b'\n').next_back().unwrap_or_default().to_vec();
    assert!(find(&sent, b"1234").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn clean_pieces_pass_in_any_order() {
    for service in &SERVICES {
        for order in [[0, 1], [1, 0]] {
            if takes_them_in_turn(service.host) && order == [1, 0] {
                continue;
            }
            let (origin, gateway) = scene(service.host).await;
            let bodies: [&[u8]; 2] =
                [b"the first half of a clean little text that is", b" followed by the other one, a second half.\n"];
            assert_eq!(bodies.map(<[u8]>::len), [FIRST.len(), SECOND.len()]);
            for index in order {
                assert_eq!(send(&gateway, service.host, service.pieces[index], bodies[index]).await, 200);
            }
            if let Some(commit) = service.commit {
                assert_eq!(send(&gateway, service.host, commit, b"").await, 200, "{}", service.host);
            }
            assert!(bodies.iter().all(|body| find(&origin.all(), body).is_some()));
            assert!(gateway.incidents().is_empty());
        }
    }
}
