//! Calls that make content appear somewhere without sending it are refused where accounts are not the organisation's.
#![allow(clippy::unwrap_used)]

mod support;

use support::{Origin, Running, TestCa, find, status};

#[tokio::test(flavor = "multi_thread")]
async fn content_that_nobody_sends_is_not_let_through() {
    let json = "Content-Type: application/json\r\n";
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    // Host, request line, fields, body, and the status of the answer.
    let rows = [
        // By digest.
        (
            "www.jottacloud.com",
            "POST /jfs/me/Jotta/Archive/a",
            json,
            r#"{"md5":"0cc175b9c0f1b6a831c399e269772661"}"#,
            403,
        ),
        ("www.mediafire.com", "POST /api/1.5/upload/instant.php", form, "hash=e3b0c44298fc1c14&size=7", 403),
        ("api-drive.mypikpak.com", "POST /drive/v1/files", json, r#"{"hash":"0CC175B9C0F1B6A831C399E269772661"}"#, 403),
        // By a copy that the service makes.
        ("stash.s3.amazonaws.com", "PUT /k", "x-amz-copy-source: /corp-backup/a.zip\r\n", "", 403),
        ("stash.s3.amazonaws.com", "PUT /k?partNumber=1&uploadId=u", "x-amz-copy-source: /corp/a\r\n", "", 403),
        ("stash.blob.core.windows.net", "PUT /c/b", "x-ms-copy-source: https://corp.example/a\r\n", "", 403),
        ("www.googleapis.com", "POST /drive/v3/files/1/copy", json, "{}", 403),
        ("api.dropboxapi.com", "POST /2/files/copy_v2", json, r#"{"from_path":"/a","to_path":"/b"}"#, 409),
        ("api.dropboxapi.com", "POST /2/files/save_url", json, r#"{"path":"/a","url":"https://corp.example/a"}"#, 409),
        ("api.box.com", "POST /2.0/files/1/copy", json, r#"{"parent":{"id":"0"}}"#, 403),
        // Asking whether an upload would be taken brings nothing.
        ("api.box.com", "OPTIONS /2.0/files/content", json, r#"{"name":"a","size":1}"#, 200),
        // The organisation's own bucket.
        ("corp-backup.s3.amazonaws.com", "PUT /k", "x-amz-copy-source: /corp-backup/a.zip\r\n", "", 200),
    ];
    for (host, line, fields, body, expected) in rows {
        let ca = TestCa::new();
        let origin = Origin::tls(ca.server(&[host], |_| {})).await;
        let settings = format!(
            "resolver.override = {{ \"{host}\" = \"{}\" }}\ntenant.corporate.s3_buckets = [\"corp-backup\"]",
            origin.address
        );
        let gateway = Running::start(&ca, &settings).await;
        let head = format!("{line} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{fields}");
        let request = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
        let got = gateway.https(&format!("{host}:443"), request.as_bytes()).await;
        assert_eq!(status(&got), expected, "{host} {line}: {:?}", gateway.incidents());
        assert_eq!(find(&origin.all(), b"HTTP/1.1").is_some(), expected == 200, "{host} {line}");
    }
}
