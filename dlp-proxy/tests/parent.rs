//! Origins behind another proxy.
#![allow(clippy::unwrap_used)]

mod support;

use data_encoding::BASE64;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::{Arc, Mutex};
use support::{Origin, Running, TestCa, exchange, find, status};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const HOST: &str = "files.example";
const UNREAD: &str = "pinned.example";
const CARD: &str = "Please charge my credit card number 4000 0100 0007 1234, Visa, expiry 12/29.\n";

/// A proxy that leads everywhere to one origin, or answers something else.
struct Parent {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Parent {
    async fn start(origin: SocketAddr, answer: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heads: Arc<Mutex<Vec<String>>> = Arc::default();
        let log = heads.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let log = log.clone();
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    while find(&head, b"\r\n\r\n").is_none() {
                        let Ok(byte) = stream.read_u8().await else { return };
                        head.push(byte);
                    }
                    log.lock().unwrap().push(String::from_utf8(head).unwrap());
                    stream.write_all(answer.as_bytes()).await.unwrap();
                    if answer.contains(" 200 ") {
                        let mut origin = TcpStream::connect(origin).await.unwrap();
                        let _ = tokio::io::copy_bidirectional(&mut stream, &mut origin).await;
                    } else if answer.is_empty() {
                        std::future::pending::<()>().await;
                    }
                });
            }
        });
        Self { address, heads }
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

const ESTABLISHED: &str = "HTTP/1.1 200 Connection established\r\nVia: 1.1 parent\r\n\r\n";

async fn start(ca: &TestCa, parent: &Parent, more: &str) -> Running {
    let dir = tempfile::tempdir().unwrap();
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).mode(0o600).open(dir.path().join("parent")).unwrap();
    std::io::Write::write_all(&mut file, b"gateway:secret\n").unwrap();
    let config = format!("upstream.parent = \"{}\"\nupstream.connect_timeout = \"500ms\"\n{more}", parent.address);
    Running::start_in(dir, ca, &config).await
}

fn put(host: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let fields = format!("Host: {host}\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\nConnection: close");
    format!("PUT /f HTTP/1.1\r\n{fields}\r\n\r\n{body}").into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn inspected_requests_go_over_the_parent() {
    let ca = TestCa::new();
    let origin = Origin::tls(ca.server(&[HOST, UNREAD], |_| {})).await;
    let parent = Parent::start(origin.address, ESTABLISHED).await;
    let more = "upstream.parent_credentials = \"{dir}/parent\"";
    let gateway = start(&ca, &parent, more).await;
    assert_eq!(status(&gateway.https(&format!("{HOST}:443"), &put(HOST, "a clean line")).await), 200);
    assert_eq!(status(&gateway.https(&format!("{HOST}:443"), &put(HOST, CARD)).await), 403);
    let received = origin.all();
    assert!(find(&received, b"a clean line").is_some() && find(&received, b"0007").is_none());
    assert!(find(&received, b"secret").is_none());
    let credentials = BASE64.encode(b"gateway:secret");
    let expected =
        format!("CONNECT {HOST}:443 HTTP/1.1\r\nHost: {HOST}:443\r\nProxy-Authorization: Basic {credentials}\r\n\r\n");
    assert!(parent.heads().iter().all(|head| *head == expected), "{:?}", parent.heads());
    assert_eq!(parent.heads().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn so_do_unread_tunnels_and_plain_requests() {
    let ca = TestCa::new();
    let origin = Origin::tls(ca.server(&[UNREAD], |_| {})).await;
    let parent = Parent::start(origin.address, ESTABLISHED).await;
    let gateway = start(&ca, &parent, &format!("bypass.hosts = [\"{UNREAD}\"]")).await;
    // The client sees the origin's own certificate, which it does not trust.
    assert!(gateway.tls(&format!("{UNREAD}:443"), UNREAD).await.is_err());
    assert_eq!(parent.heads(), [format!("CONNECT {UNREAD}:443 HTTP/1.1\r\nHost: {UNREAD}:443\r\n\r\n")]);

    let origin = Origin::plain().await;
    let parent = Parent::start(origin.address, ESTABLISHED).await;
    let more = "upstream.allow_private = true\nupstream.parent_except = [\"127.0.0.1\", \"*.corp.example\"]";
    let gateway = start(&ca, &parent, more).await;
    let get = |target: &str| format!("GET http://{target}/ HTTP/1.1\r\nHost: {target}\r\nConnection: close\r\n\r\n");
    assert_eq!(status(&gateway.raw(get(HOST).as_bytes()).await), 200);
    assert_eq!(parent.heads(), [format!("CONNECT {HOST}:80 HTTP/1.1\r\nHost: {HOST}:80\r\n\r\n")]);
    // Named in the list, so dialled.
    assert_eq!(status(&gateway.raw(get(&origin.address.to_string()).as_bytes()).await), 200);
    assert_eq!(parent.heads().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_parent_refuses_has_a_name() {
    let rows = [
        ("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n", 502, "parent_authentication"),
        ("HTTP/1.1 403 Forbidden\r\n\r\n", 502, "parent_refused"),
        ("SSH-2.0-server\r\n\r\n", 502, "parent_refused"),
        ("", 504, "upstream_timeout"),
    ];
    for (answer, code, reason) in rows {
        let parent = Parent::start("127.0.0.1:9".parse().unwrap(), answer).await;
        let gateway = start(&TestCa::new(), &parent, "").await;
        let tls = gateway.tls(&format!("{HOST}:443"), HOST).await.unwrap();
        let got = exchange(tls, &put(HOST, "a clean line")).await;
        assert_eq!(status(&got), code, "{answer:?}");
        assert!(got.contains(&format!("x-dlp-reason: {reason}\r\n")), "{answer:?}: {got}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_parent_is_not_asked_for_private_places() {
    let parent = Parent::start("127.0.0.1:9".parse().unwrap(), ESTABLISHED).await;
    let gateway = start(&TestCa::new(), &parent, "").await;
    for target in ["10.0.0.1:443", "[::1]:443", "169.254.169.254:80", "localhost:443", "a.localhost:443"] {
        let refused = gateway.tunnel(target).await.unwrap_err();
        assert!(status(&refused) == 403 && refused.contains("x-dlp-reason: private_address"), "{target}: {refused}");
    }
    assert!(parent.heads().is_empty());
}
