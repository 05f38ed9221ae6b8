//! The ICAP server, spoken to by a client of this test, by c-icap-client and by squid.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod support;

use std::process::{Command, Stdio};
use std::time::Duration;
use support::{Origin, Running, TestCa, archive, find};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const CARD: &str = "Please charge my credit card number 4000 0100 0007 1234, Visa, expiry 12/29.\n";

async fn gateway(config: &str) -> Running {
    Running::start(&TestCa::new(), &format!("listen.icap = [\"127.0.0.1:0\"]\n{config}")).await
}

/// A request with what is encapsulated in it.
struct Message<'a> {
    method: &'a str,
    fields: &'a str,
    http: String,
    body: &'a [u8],
    /// Where the body is cut by the preview.
    preview: Option<usize>,
}

fn upload(body: &[u8]) -> Message<'_> {
    let http = format!(
        "POST http://files.example/upload HTTP/1.1\r\nHost: files.example\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    Message { method: "REQMOD", fields: "", http, body, preview: None }
}

fn chunk(bytes: &[u8]) -> Vec<u8> {
    match bytes.len() {
        0 => Vec::new(),
        length => [format!("{length:x}\r\n").as_bytes(), bytes, b"\r\n"].concat(),
    }
}

impl Message<'_> {
    /// What is sent at once, and what follows a 100.
    fn wire(&self) -> (Vec<u8>, Vec<u8>) {
        let Self { method, fields, http, body, preview } = self;
        let service = method.to_ascii_lowercase();
        let (list, has_body) = match (*method, body.is_empty()) {
            ("RESPMOD", _) => (format!("res-hdr=0, res-body={}", http.len()), true),
            (_, true) => (format!("req-hdr=0, null-body={}", http.len()), false),
            _ => (format!("req-hdr=0, req-body={}", http.len()), true),
        };
        let shown = preview.map_or(String::new(), |bytes| format!("Preview: {bytes}\r\n"));
        let head = format!(
            "{method} icap://gw.example/{service} ICAP/1.0\r\nHost: gw.example\r\n{fields}{shown}Encapsulated: {list}\r\n\r\n{http}"
        );
        let mut first = head.into_bytes();
        let mut rest = Vec::new();
        match preview.filter(|_| has_body) {
            Some(bytes) if bytes < body.len() => {
                first.extend(chunk(&body[..bytes]));
                first.extend_from_slice(b"0\r\n\r\n");
                rest = [chunk(&body[bytes..]), b"0\r\n\r\n".to_vec()].concat();
            }
            Some(_) => {
                first.extend(chunk(body));
                first.extend_from_slice(b"0; ieof\r\n\r\n");
            }
            None if has_body => {
                for piece in body.chunks(50_000) {
                    first.extend(chunk(piece));
                }
                first.extend_from_slice(b"0\r\n\r\n");
            }
            None => {}
        }
        (first, rest)
    }
}

/// Reads one answer: head, encapsulated head, and body without its chunks.
async fn read_answer(stream: &mut TcpStream) -> (String, String, Vec<u8>) {
    let head = read_until(stream, b"\r\n\r\n").await;
    let list = head.lines().find_map(|line| line.strip_prefix("Encapsulated: ")).unwrap_or("null-body=0").to_owned();
    let length: usize = list.rsplit('=').next().unwrap().parse().unwrap();
    let mut http = vec![0; length];
    stream.read_exact(&mut http).await.unwrap();
    let mut body = Vec::new();
    if list.contains("-body=") && !list.contains("null-body") {
        loop {
            let line = read_until(stream, b"\r\n").await;
            let size = usize::from_str_radix(line.trim().split(';').next().unwrap(), 16).unwrap();
            let mut piece = vec![0; size + 2];
            stream.read_exact(&mut piece).await.unwrap();
            body.extend_from_slice(&piece[..size]);
            if size == 0 {
                break;
            }
        }
    }
    (head, String::from_utf8(http).unwrap(), body)
}

async fn read_until(stream: &mut TcpStream, end: &[u8]) -> String {
    let mut bytes = Vec::new();
    while !bytes.ends_with(end) {
        let byte = tokio::time::timeout(Duration::from_secs(20), stream.read_u8()).await.expect("an answer");
        bytes.push(byte.expect("the connection is open"));
    }
    String::from_utf8(bytes).unwrap()
}

/// Sends a message over an open connection. The answer comes with whether it asked for the rest.
async fn exchange(stream: &mut TcpStream, message: &Message<'_>) -> (bool, String, String, Vec<u8>) {
    let (first, rest) = message.wire();
    stream.write_all(&first).await.unwrap();
    let (head, http, body) = read_answer(stream).await;
    if !head.starts_with("ICAP/1.0 100 ") {
        return (false, head, http, body);
    }
    stream.write_all(&rest).await.unwrap();
    let (head, http, body) = read_answer(stream).await;
    (true, head, http, body)
}

fn code(head: &str) -> u16 {
    head.split(' ').nth(1).unwrap().parse().unwrap()
}

fn large(end: &str) -> Vec<u8> {
    let mut body: Vec<u8> = b"all work and no play makes a dull day\n".iter().copied().cycle().take(300_000).collect();
    body.extend_from_slice(end.as_bytes());
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn services_are_told_whose_accounts_may_be_used() {
    let gateway = gateway("[tenant.restrict]\ngoogle_domains = ['corp.example']\n").await;
    let mut stream = TcpStream::connect(gateway.icap.unwrap()).await.unwrap();
    let request = |method: &str, host: &str, length: usize| {
        let fields =
            format!("Host: {host}\r\nX-GoogApps-Allowed-Domains: evil.example\r\nContent-Length: {length}\r\n\r\n");
        format!("{method} https://{host}/x HTTP/1.1\r\n{fields}")
    };
    let body = large("");
    /// What the client offers, the body, the status, and how many bytes of a body come back.
    type Row<'r> = (&'r str, Option<usize>, &'r [u8], u16, usize);
    let rows: [Row<'_>; 5] = [
        ("Allow: 204\r\n", None, b"", 200, 0),
        ("Allow: 204\r\n", None, &body, 200, body.len()),
        ("", Some(1024), &body, 200, body.len()),
        ("Allow: 204, 206\r\n", Some(1024), b"hello", 206, 0),
        ("Allow: 204, 206\r\n", None, &body, 206, 0),
    ];
    for (fields, preview, sent, status, returned) in rows {
        let method = if sent.is_empty() { "GET" } else { "POST" };
        let http = request(method, "drive.google.com", sent.len());
        let message = Message { method: "REQMOD", fields, http, body: sent, preview };
        let (_, head, http, body) = exchange(&mut stream, &message).await;
        assert_eq!((code(&head), body.len()), (status, returned), "{fields} {preview:?}: {head}");
        assert!(http.contains("x-googapps-allowed-domains: corp.example\r\n"), "{http}");
        assert!(!http.contains("evil.example"), "{http}");
    }
    let elsewhere = Message {
        method: "REQMOD",
        fields: "Allow: 204\r\n",
        http: request("GET", "a.example", 0),
        body: b"",
        preview: None,
    };
    assert_eq!(code(&exchange(&mut stream, &elsewhere).await.1), 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_are_judged_over_one_connection() {
    let gateway = gateway("").await;
    let mut stream = TcpStream::connect(gateway.icap.unwrap()).await.unwrap();
    let (clean, secret) = (large(""), large(CARD));
    let small = b"good morning".as_slice();
    let allow = "Allow: 204\r\n";
    let partial = "Allow: 206\r\n";
    // Fields, body, preview; then: was the rest asked for, code, is a page given.
    type Row<'a> = (&'a str, &'a [u8], Option<usize>, bool, u16, bool);
    let rows: [Row<'_>; 16] = [
        (allow, small, None, false, 204, false),
        (allow, small, Some(4096), false, 204, false),
        ("", small, Some(4096), false, 204, false),
        (allow, &clean, Some(4096), true, 200, false),
        (allow, &clean, Some(0), true, 200, false),
        ("", &clean, Some(4096), true, 200, false),
        ("", small, None, false, 200, false),
        ("", &clean, None, false, 200, false),
        (partial, &clean, None, false, 206, false),
        (partial, &clean, Some(100), true, 200, false),
        (allow, CARD.as_bytes(), None, false, 200, true),
        (allow, CARD.as_bytes(), Some(4096), false, 200, true),
        (allow, &secret, Some(4096), true, 200, true),
        ("", &secret, None, false, 200, true),
        (partial, &secret, Some(0), true, 200, true),
        (allow, b"", None, false, 204, false),
    ];
    for (index, (fields, body, preview, asked, expected, refused)) in rows.into_iter().enumerate() {
        let message = Message { fields, preview, ..upload(body) };
        let (was_asked, head, http, answered) = exchange(&mut stream, &message).await;
        assert_eq!((was_asked, code(&head)), (asked, expected), "{index}: {head}{http}");
        assert!(head.contains("\r\nISTag: \""), "{head}");
        if refused {
            assert!(
                http.starts_with("HTTP/1.1 403 ") && head.contains("res-hdr=0, res-body="),
                "{index}: {head}{http}"
            );
            assert!(!answered.is_empty() && find(&answered, b"0007 1234").is_none());
        } else if expected == 200 {
            assert!(http == message.http && answered == body, "{index}: {head}{http}");
        } else if expected == 206 {
            assert!(http == message.http && answered.is_empty());
        }
    }
    assert_eq!(gateway.incidents().len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_that_was_all_is_answered_at_once() {
    let gateway = gateway("").await;
    let mut stream = TcpStream::connect(gateway.icap.unwrap()).await.unwrap();
    exchange(&mut stream, &Message { preview: Some(64), ..upload(b"the first one warms up") }).await;
    let begin = std::time::Instant::now();
    for _ in 0..20 {
        let (asked, head, ..) = exchange(&mut stream, &Message { preview: Some(64), ..upload(b"tiny") }).await;
        assert_eq!((asked, code(&head)), (false, 204));
    }
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn users_and_destinations_count() {
    let gateway = gateway("tenant.corporate.hosts = [\"files.corp.example\"]").await;
    let mut stream = TcpStream::connect(gateway.icap.unwrap()).await.unwrap();
    let user = "Allow: 204\r\nX-Client-IP: 192.0.2.7\r\nX-Authenticated-User: TG9jYWw6Ly9hbm5h\r\n";
    let message = Message { fields: user, ..upload(CARD.as_bytes()) };
    assert_eq!(code(&exchange(&mut stream, &message).await.1), 200);
    let incident = &gateway.incidents()[0];
    assert!(incident.to_string().contains("anna") && incident.to_string().contains("192.0.2.7"), "{incident}");
    let corporate = Message { http: message.http.replace("files.example", "files.corp.example"), ..message };
    assert_eq!(code(&exchange(&mut stream, &corporate).await.1), 204);
    let get = |url: &str, host: &str| format!("GET {url} HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let rows = [
        (get("https://mega.nz/", "mega.nz"), Some("403")),
        (get("https://site.example/", "site.example"), None),
        ("CONNECT mega.nz:443 HTTP/1.1\r\nHost: mega.nz:443\r\n\r\n".to_owned(), Some("403")),
        ("CONNECT site.example:443 HTTP/1.1\r\nHost: site.example:443\r\n\r\n".to_owned(), None),
        (get("http://site.example/", "site.example\r\nUpgrade: websocket\r\nConnection: Upgrade"), Some("501")),
        (get("http://u@site.example/", "site.example"), Some("400")),
        (get("http://site.example/", "a\r\nHost: b"), Some("400")),
        (get("ftp://site.example/", "site.example"), Some("400")),
    ];
    for (http, expected) in rows {
        let message = Message { method: "REQMOD", fields: "Allow: 204\r\n", http, body: b"", preview: None };
        let (_, head, answer, _) = exchange(&mut stream, &message).await;
        assert_eq!(code(&head), if expected.is_some() { 200 } else { 204 }, "{}: {head}{answer}", message.http);
        assert_eq!(answer.split(' ').nth(1), expected, "{}", message.http);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_not_use_the_gateway_is_refused() {
    let gateway = gateway("identity.anonymous = \"deny\"").await;
    let mut stream = TcpStream::connect(gateway.icap.unwrap()).await.unwrap();
    let anna = Message { fields: "Allow: 204\r\nX-Authenticated-User: anna\r\n", ..upload(b"a clean line") };
    assert_eq!(code(&exchange(&mut stream, &anna).await.1), 204);
    let people = gateway.state().join("people.toml");
    std::fs::write(&people, "[[person]]\nid = \"anna\"\nvalid_until = 2020-01-01\n").unwrap();
    let mut config = dlp_proxy::config::Config::default();
    config.identity.people = Some(people);
    gateway.reloader.reload(&config).unwrap();
    let (_, icap, http, _) = exchange(&mut stream, &anna).await;
    assert_eq!((code(&icap), code(&http)), (200, 403));
    assert!(http.to_ascii_lowercase().contains("x-dlp-reason: access_ended"), "{http}");
}

#[tokio::test(flavor = "multi_thread")]
async fn downloads_are_judged_when_asked_to() {
    for (config, expected) in [("", 204), ("icap.respmod = \"inspect\"", 200)] {
        let gateway = gateway(config).await;
        let mut stream = TcpStream::connect(gateway.icap.unwrap()).await.unwrap();
        for (body, expected) in [(CARD.as_bytes(), expected), (b"good morning", 204)] {
            let http = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n".to_owned();
            let message = Message { method: "RESPMOD", fields: "Allow: 204\r\n", http, body, preview: Some(1024) };
            let (_, head, http, _) = exchange(&mut stream, &message).await;
            assert_eq!(code(&head), expected, "{config}: {head}{http}");
            assert!(expected == 204 || http.starts_with("HTTP/1.1 403 "));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_icap_is_refused_by_name() {
    let gateway = gateway("inspection.gate_max = \"64KiB\"\nidentity.anonymous = \"allow\"").await;
    let rows = [
        ("OPTIONS icap://gw/reqmod ICAP/1.0\r\n\r\n", 200, "Methods: REQMOD\r\n"),
        ("OPTIONS icap://gw/respmod?a=b ICAP/1.0\r\nHost: gw\r\n\r\n", 200, "Methods: RESPMOD\r\n"),
        ("OPTIONS icap://gw/reqmod ICAP/1.0\r\n\r\n", 200, "Allow: 204, 206\r\n"),
        ("OPTIONS icap://gw/reqmod ICAP/1.0\r\n\r\n", 200, "Preview: 4096\r\n"),
        ("OPTIONS icap://gw/nothing ICAP/1.0\r\n\r\n", 404, ""),
        ("RESPMOD icap://gw/reqmod ICAP/1.0\r\nEncapsulated: null-body=0\r\n\r\n", 405, ""),
        ("OPTIONS icap://gw/reqmod ICAP/2.0\r\n\r\n", 505, ""),
        ("GET / HTTP/1.1\r\nHost: gw\r\n\r\n", 400, ""),
        ("OPTIONS icap://gw/reqmod ICAP/1.0\nHost: gw\n\n", 400, ""),
        ("REQMOD icap://gw/reqmod ICAP/1.0\r\nEncapsulated: req-hdr=0, req-body=99999999\r\n\r\n", 400, ""),
    ];
    for (text, expected, contained) in rows {
        let mut stream = TcpStream::connect(gateway.icap.unwrap()).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        let (head, ..) = read_answer(&mut stream).await;
        assert_eq!(code(&head), expected, "{text}: {head}");
        assert!(head.contains(contained), "{head}");
    }
    // A body beyond what is held: the policy refuses it; where it is allowed but has to be echoed, nobody can.
    let mut stream = TcpStream::connect(gateway.icap.unwrap()).await.unwrap();
    let body = large("");
    let (_, head, http, _) = exchange(&mut stream, &Message { fields: "Allow: 204\r\n", ..upload(&body) }).await;
    assert!(code(&head) == 200 && http.starts_with("HTTP/1.1 403 "), "{head}{http}");
    let stranger = self::gateway("icap.peers = [\"192.0.2.0/24\"]").await;
    let mut stream = TcpStream::connect(stranger.icap.unwrap()).await.unwrap();
    let _ = stream.write_all(b"OPTIONS icap://gw/reqmod ICAP/1.0\r\n\r\n").await;
    assert!(matches!(stream.read(&mut [0; 16]).await, Ok(0) | Err(_)), "a peer that is not listed is not answered");
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_of_several_requests_are_judged_as_a_whole() {
    let list = [1, 2].map(|part| format!("<Part><PartNumber>{part}</PartNumber></Part>")).concat();
    let list = format!("<CompleteMultipartUpload>{list}</CompleteMultipartUpload>");
    for (text, expected) in [("Nothing to see.\n", [204, 204, 204, 204]), (CARD, [204, 204, 200, 200])] {
        let gateway = gateway("").await;
        let mut stream = TcpStream::connect(gateway.icap.unwrap()).await.unwrap();
        let file = archive(text);
        let (first, second) = file.split_at(file.len() / 2);
        let part = |number: u8| format!("PUT https://stash.s3.amazonaws.com/k?partNumber={number}&uploadId=u HTTP/1.1");
        let end = "POST https://stash.s3.amazonaws.com/k?uploadId=u HTTP/1.1".to_owned();
        // The parts, the call that completes the upload, and a part that comes again.
        let calls = [(part(1), first), (part(2), second), (end, list.as_bytes()), (part(1), first)];
        let mut codes = Vec::new();
        for (line, body) in calls {
            let http = format!("{line}\r\nHost: stash.s3.amazonaws.com\r\nContent-Length: {}\r\n\r\n", body.len());
            let message = Message { method: "REQMOD", fields: "Allow: 204\r\n", http, body, preview: None };
            let (_, head, http, _) = exchange(&mut stream, &message).await;
            assert!(code(&head) == 204 || http.starts_with("HTTP/1.1 403 "), "{http}");
            codes.push(code(&head));
        }
        assert_eq!(codes, expected, "{text}: {:?}", gateway.incidents());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_saved_again_under_its_name() {
    let gateway = gateway("").await;
    let mut stream = TcpStream::connect(gateway.icap.unwrap()).await.unwrap();
    let url = "https://stash.blob.core.windows.net/c/letter.txt";
    let block = |name: &str| format!("{url}?comp=block&blockid={name}");
    let list = "<BlockList><Latest>QQ==</Latest><Latest>Qg==</Latest></BlockList>";
    for second in ["one end", "another end", "a third end"] {
        let blocks = [(block("QQ=="), "a beginning, "), (block("Qg=="), second)];
        for (url, body) in blocks.into_iter().chain([(format!("{url}?comp=blocklist"), list)]) {
            let head = format!("PUT {url} HTTP/1.1\r\nHost: stash.blob.core.windows.net\r\n");
            let http = format!("{head}Content-Length: {}\r\n\r\n", body.len());
            let message =
                Message { method: "REQMOD", fields: "Allow: 204\r\n", http, body: body.as_bytes(), preview: None };
            let (_, head, http, _) = exchange(&mut stream, &message).await;
            assert_eq!(code(&head), 204, "{url} {second}: {http} {:?}", gateway.incidents());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn content_that_nobody_sends_is_not_let_through() {
    let gateway = gateway("tenant.corporate.s3_buckets = [\"corp-backup\"]").await;
    let mut stream = TcpStream::connect(gateway.icap.unwrap()).await.unwrap();
    let json = "Content-Type: application/json\r\n";
    let copy = "x-amz-copy-source: /corp-backup/a.zip\r\n";
    let rows = [
        (
            "POST",
            "www.jottacloud.com/jfs/me/Jotta/Archive/a",
            json,
            r#"{"md5":"0cc175b9c0f1b6a831c399e269772661"}"#,
            200,
        ),
        ("PUT", "stash.s3.amazonaws.com/k", copy, "", 200),
        ("POST", "api.box.com/2.0/files/1/copy", json, r#"{"parent":{"id":"0"}}"#, 200),
        ("PUT", "corp-backup.s3.amazonaws.com/k", copy, "", 204),
    ];
    for (method, url, fields, body, expected) in rows {
        let host = url.split('/').next().unwrap();
        let length = body.len();
        let http =
            format!("{method} https://{url} HTTP/1.1\r\nHost: {host}\r\n{fields}Content-Length: {length}\r\n\r\n");
        let message =
            Message { method: "REQMOD", fields: "Allow: 204\r\n", http, body: body.as_bytes(), preview: None };
        let (_, head, http, _) = exchange(&mut stream, &message).await;
        assert_eq!(code(&head), expected, "{url}: {http} {:?}", gateway.incidents());
    }
}

/// Says that a program is not there, which fails the test where clients are required.
fn missing(name: &str) {
    assert!(std::env::var_os("DLP_REQUIRE_CLIENTS").is_none(), "{name} is not installed");
    eprintln!("skipped: {name} is not installed");
}

/// Runs a program, or says that it is not there.
async fn run(mut command: Command) -> Option<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    match tokio::task::spawn_blocking(move || command.output()).await.unwrap() {
        Ok(output) => {
            Some(format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)))
        }
        Err(_) => {
            missing(&name);
            None
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c_icap_client_gets_its_answers() {
    let gateway = gateway("").await;
    let port = gateway.icap.unwrap().port().to_string();
    let rows: [(&str, &[&str], bool); 6] = [
        ("good morning\n", &[], true),
        ("good morning\n", &["-nopreview", "-no204"], true),
        ("good morning\n", &["-206"], true),
        (CARD, &[], false),
        (CARD, &["-nopreview"], false),
        (CARD, &["-w", "16"], false),
    ];
    for (body, options, passes) in rows {
        let file = gateway.state().join("upload.txt");
        std::fs::write(&file, body).unwrap();
        let mut command = Command::new("c-icap-client");
        command.args(["-i", "127.0.0.1", "-p", &port, "-s", "reqmod", "-req", "http://files.example/x", "-v", "-f"]);
        command.arg(&file).args(options);
        let Some(shown) = run(command).await else { return };
        assert_eq!(!shown.contains("HTTP/1.1 403"), passes, "{options:?}: {shown}");
        assert!(passes || !shown.contains("0007 1234"), "{shown}");
    }
    let mut command = Command::new("c-icap-client");
    command.args(["-i", "127.0.0.1", "-p", &port, "-s", "reqmod"]);
    if let Some(shown) = run(command).await {
        assert!(shown.contains("Allow 204: Yes") && shown.contains("4096"), "{shown}");
    }
}

/// Stops a child that is not waited for otherwise.
struct Stopped(std::process::Child);

impl Drop for Stopped {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn squid_asks_before_it_sends() {
    let gateway = gateway("").await;
    let origin = Origin::plain().await;
    // Nothing else of the tests takes a port at this address.
    let address = std::net::TcpListener::bind("127.0.7.4:0").unwrap().local_addr().unwrap().to_string();
    let dir = gateway.state().join("squid");
    std::fs::create_dir(&dir).unwrap();
    // Started as root it becomes another user, who writes here.
    std::fs::set_permissions(&dir, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    std::fs::set_permissions(gateway.state(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let shown = dir.display();
    let config = format!(
        "http_port {address}\nhttp_access allow all\ncache deny all\npid_filename {shown}/pid\naccess_log none\ncache_log {shown}/cache.log\ncoredump_dir {shown}\nshutdown_lifetime 0 seconds\nicap_enable on\nicap_preview_enable on\nicap_service dlp_req reqmod_precache icap://{icap}/reqmod bypass=off\nadaptation_access dlp_req allow all\nadaptation_send_client_ip on\n",
        icap = gateway.icap.unwrap()
    );
    std::fs::write(dir.join("squid.conf"), config).unwrap();
    let mut command = Command::new("squid");
    command
        .args(["-N", "-f"])
        .arg(dir.join("squid.conf"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let Ok(child) = command.spawn() else { return missing("squid") };
    let _squid = Stopped(child);
    let mut tries = 0;
    while TcpStream::connect(&address).await.is_err() {
        tries += 1;
        assert!(tries < 200, "squid listens: {:?}", std::fs::read_to_string(dir.join("cache.log")));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let mut sent = 0;
    for (body, expected) in
        [(b"good morning".to_vec(), 200), (CARD.as_bytes().to_vec(), 403), (large(""), 200), (large(CARD), 403)]
    {
        let request = format!(
            "POST http://{}/up HTTP/1.1\r\nHost: {}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            origin.address,
            origin.address,
            body.len()
        );
        let bytes = [request.as_bytes(), &body].concat();
        let answer = support::exchange(TcpStream::connect(&address).await.unwrap(), &bytes).await;
        assert_eq!(
            support::status(&answer),
            expected,
            "{answer}\n{:?}",
            std::fs::read_to_string(dir.join("cache.log"))
        );
        if expected == 200 {
            sent += body.len();
        }
        let received = origin.all();
        assert!(received.len() >= sent && find(&received, b"credit card").is_none());
    }
}
