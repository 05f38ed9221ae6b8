//! HTTP/2 on both sides, and the ways between its two versions.
#![allow(clippy::unwrap_used)]

mod support;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, Version};
use http_body_util::{BodyExt, Full};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http2::SendRequest;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::{Running, TestCa, find, status};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Barrier;
use tokio_rustls::TlsAcceptor;

const HOST: &str = "files.example";
/// Requests that wait for each other at the origin.
const TOGETHER: usize = 8;
const CARD: &str = "Please charge my credit card number 4000 0100 0007 1234, Visa, expiry 12/29.\n";

/// A request as an origin has understood it.
struct Seen {
    version: Version,
    method: Method,
    uri: String,
    headers: HeaderMap,
    body: Bytes,
}

/// An origin that speaks some versions of HTTP.
struct Origin {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    connections: Arc<Mutex<usize>>,
}

impl Origin {
    async fn start(ca: &TestCa, alpn: &[&str]) -> Self {
        let mut config = (*ca.server(&[HOST], |_| {})).clone();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, connections): (Arc<Mutex<Vec<Seen>>>, Arc<Mutex<usize>>) = Default::default();
        let (log, count) = (seen.clone(), connections.clone());
        let together = Arc::new(Barrier::new(TOGETHER));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, log, together) = (acceptor.clone(), log.clone(), together.clone());
                *count.lock().unwrap() += 1;
                tokio::spawn(async move {
                    let Ok(tls) = acceptor.accept(stream).await else { return };
                    let is_h2 = tls.get_ref().1.alpn_protocol() == Some(b"h2");
                    let service = service_fn(move |request| answer(log.clone(), together.clone(), request));
                    let io = TokioIo::new(tls);
                    let _ = match is_h2 {
                        true => {
                            hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                                .serve_connection(io, service)
                                .await
                        }
                        false => hyper::server::conn::http1::Builder::new().serve_connection(io, service).await,
                    };
                });
            }
        });
        Self { address, seen, connections }
    }

    fn only(&self) -> Seen {
        let mut seen = self.seen.lock().unwrap();
        assert_eq!(seen.len(), 1);
        seen.pop().unwrap()
    }
}

type Answer = http_body_util::combinators::BoxBody<Bytes, Infallible>;

async fn answer(
    log: Arc<Mutex<Vec<Seen>>>,
    together: Arc<Barrier>,
    request: Request<Incoming>,
) -> Result<Response<Answer>, Infallible> {
    let (parts, body) = request.into_parts();
    let Ok(body) = body.collect().await else { return Ok(Response::new(Full::default().boxed())) };
    let path = parts.uri.path().to_owned();
    let seen = Seen {
        version: parts.version,
        method: parts.method,
        uri: parts.uri.to_string(),
        headers: parts.headers,
        body: body.to_bytes(),
    };
    log.lock().unwrap().push(seen);
    let mut response = Response::new(Full::new(Bytes::from_static(b"ok")).boxed());
    if path == "/trailers" {
        let trailers = HeaderMap::from_iter([("grpc-status".parse().unwrap(), "0".parse().unwrap())]);
        *response.body_mut() = Frames::of([Frame::data(Bytes::from_static(b"ok")), Frame::trailers(trailers)]);
    }
    if path == "/long" {
        *response.body_mut() = Full::new(Bytes::from(vec![b'x'; 4 << 20])).boxed();
    }
    if path == "/together" {
        together.wait().await;
    }
    response.headers_mut().insert("alt-svc", "h3=\":443\"".parse().unwrap());
    response.headers_mut().insert("x-origin", "yes".parse().unwrap());
    Ok(response)
}

/// A body of frames, of which nobody knows the length before its end.
struct Frames(VecDeque<Frame<Bytes>>);

impl Frames {
    fn of(frames: impl IntoIterator<Item = Frame<Bytes>>) -> Answer {
        Self(frames.into_iter().collect()).boxed()
    }
}

impl hyper::body::Body for Frames {
    type Data = Bytes;
    type Error = Infallible;
    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        std::task::Poll::Ready(self.0.pop_front().map(Ok))
    }
}

async fn scene(alpn: &[&str]) -> (Origin, Running) {
    let ca = TestCa::new();
    let origin = Origin::start(&ca, alpn).await;
    let config = format!("resolver.override = {{ \"{HOST}\" = \"{}\" }}", origin.address);
    let gateway = Running::start(&ca, &config).await;
    (origin, gateway)
}

type Client = SendRequest<Answer>;

async fn speak<T: AsyncRead + AsyncWrite + Unpin + Send + 'static>(io: T) -> Client {
    let (client, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(io)).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn client(gateway: &Running) -> Client {
    let tls = gateway.tls_offering(&format!("{HOST}:443"), &["h2", "http/1.1"]).await.unwrap();
    assert_eq!(tls.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
    speak(tls).await
}

fn put(path: &str, body: impl Into<Bytes>) -> Request<Answer> {
    let request = Request::builder().method("PUT").uri(format!("https://{HOST}{path}"));
    request.header("content-type", "text/plain").body(Full::new(body.into()).boxed()).unwrap()
}

fn reason(response: &Response<Incoming>) -> &str {
    response.headers().get("x-dlp-reason").map_or("", |value| value.to_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_spoken_follows_the_origin() {
    type Row = (&'static [&'static str], &'static [&'static str], Option<&'static str>, Version);
    let rows: [Row; 6] = [
        (&["h2", "http/1.1"], &["h2", "http/1.1"], Some("h2"), Version::HTTP_2),
        (&["h2", "http/1.1"], &["http/1.1"], Some("http/1.1"), Version::HTTP_11),
        (&["http/1.1"], &["h2", "http/1.1"], Some("http/1.1"), Version::HTTP_11),
        (&["h2"], &["http/1.1"], Some("h2"), Version::HTTP_11),
        (&["http/1.1"], &["h2"], Some("http/1.1"), Version::HTTP_2),
        (&[], &["h2", "http/1.1"], None, Version::HTTP_11),
    ];
    for (offered, origin_speaks, expected, at_origin) in rows {
        let (origin, gateway) = scene(origin_speaks).await;
        let tls = gateway.tls_offering(&format!("{HOST}:443"), offered).await.unwrap();
        let chosen = tls.get_ref().1.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned());
        assert_eq!(chosen.as_deref(), expected, "{offered:?} {origin_speaks:?}");
        if chosen.as_deref() == Some("h2") {
            let answer = speak(tls).await.send_request(put("/f", "hello")).await.unwrap();
            assert_eq!((answer.status().as_u16(), answer.headers()["x-origin"].as_bytes()), (200, &b"yes"[..]));
            assert!(!answer.headers().contains_key("alt-svc"));
        } else {
            let request =
                format!("PUT /f HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello");
            assert_eq!(status(&support::exchange(tls, request.as_bytes()).await), 200);
        }
        let seen = origin.only();
        assert_eq!((seen.version, &seen.body[..]), (at_origin, &b"hello"[..]), "{offered:?} {origin_speaks:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_written_anew_for_each_version() {
    for (origin_speaks, uri) in [("h2", "https://files.example/a?b=c"), ("http/1.1", "/a?b=c")] {
        let (origin, gateway) = scene(&[origin_speaks]).await;
        let tls = gateway.tls_offering(&format!("{HOST}:443"), &["h2"]).await.unwrap();
        let request = Request::builder()
            .method("GET")
            .uri(format!("https://{HOST}/a?b=c"))
            .header("cookie", "a=1")
            .header("cookie", "b=2")
            .header("te", "trailers")
            .header("expect", "100-continue")
            .header("x-twice", "1")
            .header("x-twice", "2");
        // A body of unknown length on a method that rarely has one.
        let request = request.body(Frames::of([Frame::data(Bytes::from_static(b"body"))])).unwrap();
        let answer = speak(tls).await.send_request(request).await.unwrap();
        assert_eq!(answer.status(), 200, "{}", reason(&answer));
        let seen = origin.only();
        assert_eq!((seen.method.as_str(), seen.uri.as_str(), &seen.body[..]), ("GET", uri, &b"body"[..]));
        let all = |name| seen.headers.get_all(name).iter().map(|v| v.to_str().unwrap()).collect::<Vec<_>>();
        assert_eq!(all("cookie"), ["a=1; b=2"]);
        assert_eq!(all("te"), ["trailers"]);
        assert_eq!(all("x-twice"), ["1", "2"]);
        assert_eq!(all("content-length"), ["4"]);
        for gone in ["expect", "transfer-encoding"] {
            assert!(all(gone).is_empty(), "{gone}");
        }
        assert_eq!(all("connection"), if origin_speaks == "h2" { vec![] } else { vec!["TE"] });
        assert_eq!(all("host"), if origin_speaks == "h2" { vec![] } else { vec![HOST] });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clean_bodies_arrive_and_sensitive_ones_do_not() {
    for origin_speaks in ["h2", "http/1.1"] {
        let (origin, gateway) = scene(&[origin_speaks]).await;
        let tls = gateway.tls_offering(&format!("{HOST}:443"), &["h2"]).await.unwrap();
        let mut client = speak(tls).await;
        let large: Bytes = b"all work and no play makes a dull day\n".iter().copied().cycle().take(5 << 20).collect();
        let answer = client.send_request(put("/f", large.clone())).await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), answer.into_body().collect().await.unwrap().to_bytes()),
            (200, "ok".into())
        );
        assert!(origin.only().body == large);
        for padding in [0, 3 << 20] {
            let body = [&large[..padding], CARD.as_bytes()].concat();
            let answer = client.send_request(put("/f", body)).await.unwrap();
            assert_eq!(answer.status(), 403);
            let text = answer.into_body().collect().await.unwrap().to_bytes();
            assert!(!text.is_empty() && find(&text, b"0007").is_none(), "{text:?}");
        }
        // The connection lives on.
        let answer = client.send_request(put("/f", "fine")).await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(&origin.only().body[..], b"fine");
        assert_eq!(gateway.incidents().len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_do_not_wait_for_each_other() {
    for (origin_speaks, connections) in [("h2", 1..=1), ("http/1.1", 2..=8)] {
        let (origin, gateway) = scene(&[origin_speaks]).await;
        let tls = gateway.tls_offering(&format!("{HOST}:443"), &["h2"]).await.unwrap();
        let client = speak(tls).await;
        // None is answered before all of them are there.
        let tasks: Vec<_> = (0..TOGETHER)
            .map(|_| {
                let mut client = client.clone();
                tokio::spawn(async move { client.send_request(put("/together", "x")).await.unwrap().status().as_u16() })
            })
            .collect();
        for task in tasks {
            let answered = tokio::time::timeout(Duration::from_secs(60), task).await;
            assert_eq!(answered.expect("nobody waits for the others").unwrap(), 200);
        }
        let used = *origin.connections.lock().unwrap();
        assert!(connections.contains(&used), "{origin_speaks}: {used} connections");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_nobody_reads_leave_room_for_the_others() {
    let (origin, gateway) = scene(&["h2"]).await;
    let tls = gateway.tls_offering(&format!("{HOST}:443"), &["h2"]).await.unwrap();
    // Windows of a client that has room for all of them.
    let (mut client, connection) = hyper::client::conn::http2::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(65_535)
        .initial_connection_window_size(16 << 20)
        .handshake::<_, Answer>(TokioIo::new(tls))
        .await
        .unwrap();
    tokio::spawn(connection);
    let mut unread = Vec::new();
    for _ in 0..8 {
        unread.push(client.send_request(put("/long", "x")).await.unwrap());
    }
    // The gateway takes of them what it holds.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let read =
        async { client.send_request(put("/", "x")).await.unwrap().into_body().collect().await.unwrap().to_bytes() };
    let read = tokio::time::timeout(Duration::from_secs(30), read).await;
    assert_eq!(read.expect("it waits for nobody's reading"), "ok");
    assert_eq!((unread.len(), *origin.connections.lock().unwrap()), (8, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_never_opens_its_window_is_cut_off() {
    let ca = TestCa::new();
    let origin = Origin::start(&ca, &["h2"]).await;
    let config = format!(
        "limits.body_stall_download = \"400ms\"\nresolver.override = {{ \"{HOST}\" = \"{}\" }}",
        origin.address
    );
    let gateway = Running::start(&ca, &config).await;
    let tls = gateway.tls_offering(&format!("{HOST}:443"), &["h2"]).await.unwrap();
    let (mut client, connection) = hyper::client::conn::http2::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(0)
        .handshake::<_, Answer>(TokioIo::new(tls))
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    // The head comes without a window. What the body needs never does.
    let answer = client.send_request(put("/long", "x")).await.unwrap();
    assert_eq!(answer.status(), 200);
    let ended = tokio::time::timeout(Duration::from_secs(30), connection).await;
    assert!(ended.is_ok(), "the connection of a client that takes nothing ends");
    let metrics = gateway.admin("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n").await;
    assert!(metrics.contains("dlp_faults_total{reason=\"answer_unread\"} 1"), "{metrics}");
    drop((client, answer));
}

#[tokio::test(flavor = "multi_thread")]
async fn trailers_of_an_answer_pass() {
    let (_origin, gateway) = scene(&["h2"]).await;
    let mut client = client(&gateway).await;
    let mut request = put("/trailers", "x");
    request.headers_mut().insert("te", "trailers".parse().unwrap());
    let answer = client.send_request(request).await.unwrap();
    let body = answer.into_body().collect().await.unwrap();
    assert_eq!(body.trailers().unwrap()["grpc-status"], "0");
    assert_eq!(body.to_bytes(), "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn trailers_of_a_request_are_refused_by_name() {
    let (origin, gateway) = scene(&["h2"]).await;
    let mut client = client(&gateway).await;
    let trailers = HeaderMap::from_iter([("x-note".parse().unwrap(), "something".parse().unwrap())]);
    let frames = [Frame::data(Bytes::from_static(b"abc")), Frame::trailers(trailers)];
    let request = put("/", "").map(|_| Frames::of(frames));
    let answer = client.send_request(request).await.unwrap();
    assert_eq!((answer.status().as_u16(), reason(&answer)), (400, "request_trailers"));
    assert!(origin.seen.lock().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_names_one_host() {
    let (origin, gateway) = scene(&["h2"]).await;
    let mut client = client(&gateway).await;
    let rows = [
        ("https://other.example/", None, 421, "name_mismatch"),
        ("https://files.example:444/", None, 421, "name_mismatch"),
        ("http://files.example/", None, 421, "name_mismatch"),
        ("https://u@files.example/", None, 400, "host"),
        ("https://files.example/", Some("other.example"), 400, "host_differs"),
        ("https://files.example/", Some("FILES.example.:443"), 200, ""),
        ("https://FILES.example:443/", None, 200, ""),
    ];
    for (uri, host, code, expected) in rows {
        let mut request = Request::builder().uri(uri);
        if let Some(host) = host {
            request = request.header("host", host);
        }
        let answer = client.send_request(request.body(Full::default().boxed()).unwrap()).await.unwrap();
        assert_eq!((answer.status().as_u16(), reason(&answer)), (code, expected), "{uri} {host:?}");
    }
    let seen = origin.seen.lock().unwrap();
    assert_eq!(seen.len(), 2);
    assert!(seen.iter().all(|seen| seen.uri == "https://files.example/"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_host_is_answered_in_the_offered_version() {
    let (_origin, gateway) = scene(&["h2"]).await;
    for offered in ["h2", "http/1.1"] {
        let tls = gateway.tls_offering("mega.nz:443", &[offered]).await.unwrap();
        assert_eq!(tls.get_ref().1.alpn_protocol(), Some(offered.as_bytes()));
        if offered == "h2" {
            let request = Request::builder().uri("https://mega.nz/").body(Full::default().boxed()).unwrap();
            assert_eq!(speak(tls).await.send_request(request).await.unwrap().status(), 403);
        }
    }
    let none = gateway.tls_offering(&format!("{HOST}:443"), &["imap", "xmpp-client"]).await;
    assert!(none.is_err(), "what is no HTTP is not served");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_proxy_itself_speaks_both_versions_inside_tls() {
    let ca = TestCa::new();
    let origin = Origin::start(&ca, &["h2", "http/1.1"]).await;
    let dir = tempfile::tempdir().unwrap();
    let own = rcgen::generate_simple_self_signed(vec!["gw.example".into()]).unwrap();
    std::fs::write(dir.path().join("gw.pem"), own.cert.pem()).unwrap();
    std::fs::write(dir.path().join("gw.key"), own.signing_key.serialize_pem()).unwrap();
    let config = format!(
        "listen.proxy_tls = [\"127.0.0.1:0\"]\ntls.cert = \"{{dir}}/gw.pem\"\ntls.key = \"{{dir}}/gw.key\"\nresolver.override = {{ \"{HOST}\" = \"{}\" }}",
        origin.address
    );
    let gateway = Running::start_in(dir, &ca, &config).await;
    let connect = async |alpn: &str| {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(own.cert.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![alpn.as_bytes().to_vec()];
        let stream = TcpStream::connect(gateway.proxy_tls.unwrap()).await.unwrap();
        let name = "gw.example".try_into().unwrap();
        tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
    };
    let target = format!("{HOST}:443");
    // CONNECT over HTTP/1.1.
    let mut hop = connect("http/1.1").await;
    hop.write_all(format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n").as_bytes()).await.unwrap();
    let mut head = vec![0; 12];
    hop.read_exact(&mut head).await.unwrap();
    assert_eq!(head, b"HTTP/1.1 200");
    while find(&head, b"\r\n\r\n").is_none() {
        head.push(hop.read_u8().await.unwrap());
    }
    let tls = gateway.tls_over(hop, HOST, &["h2"]).await.unwrap();
    assert_eq!(speak(tls).await.send_request(put("/1", "a")).await.unwrap().status(), 200);
    // CONNECT over HTTP/2: several tunnels share one connection.
    let mut hop = speak(connect("h2").await).await;
    for body in ["b", CARD] {
        let request = Request::builder().method("CONNECT").uri(&target).body(Full::default().boxed()).unwrap();
        let answer = hop.send_request(request).await.unwrap();
        assert_eq!(answer.status(), 200);
        let tunnel = TokioIo::new(hyper::upgrade::on(answer).await.unwrap());
        let tls = gateway.tls_over(tunnel, HOST, &["h2"]).await.unwrap();
        let answer = speak(tls).await.send_request(put("/2", body)).await.unwrap();
        assert_eq!(answer.status().as_u16(), if body == CARD { 403 } else { 200 });
    }
    let refused = Request::builder().method("CONNECT").uri(format!("{HOST}:25")).body(Full::default().boxed()).unwrap();
    let refused = hop.send_request(refused).await.unwrap();
    assert_eq!((refused.status().as_u16(), reason(&refused)), (403, "port"));
    let pac = gateway.admin("GET /proxy.pac HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n").await;
    assert!(
        pac.contains(&format!("return \"HTTPS {}; PROXY {}\"", gateway.proxy_tls.unwrap(), gateway.proxy)),
        "{pac}"
    );
    assert_eq!(origin.seen.lock().unwrap().len(), 2);
}

/// One frame: type, flags, stream, payload.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut out = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    out.extend_from_slice(&[kind, flags]);
    out.extend_from_slice(&stream.to_be_bytes());
    out.extend_from_slice(payload);
    out
}

/// A literal field that is not indexed, with a name of less than 127 bytes.
fn literal(name: &str, value: &[u8]) -> Vec<u8> {
    assert!(name.len() < 127);
    let mut out = vec![0, name.len() as u8];
    out.extend_from_slice(name.as_bytes());
    let mut length = value.len();
    if length < 127 {
        out.push(length as u8);
    } else {
        out.push(127);
        length -= 127;
        while length >= 128 {
            out.push((length % 128) as u8 | 128);
            length /= 128;
        }
        out.push(length as u8);
    }
    out.extend_from_slice(value);
    out
}

fn get_fields() -> Vec<u8> {
    [(":method", "GET"), (":scheme", "https"), (":authority", HOST), (":path", "/")]
        .iter()
        .flat_map(|(name, value)| literal(name, value.as_bytes()))
        .collect()
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

/// Writes until the gateway ends the connection or everything was written and a while has passed. True when it ended.
async fn is_ended_by(gateway: &Running, frames: impl IntoIterator<Item = Vec<u8>>) -> bool {
    let tls = gateway.tls_offering(&format!("{HOST}:443"), &["h2"]).await.unwrap();
    let (mut read, mut write) = tokio::io::split(tls);
    let reading = tokio::spawn(async move {
        let mut sink = vec![0; 64 * 1024];
        while read.read(&mut sink).await.is_ok_and(|count| count > 0) {}
    });
    let start = [PREFACE.to_vec(), frame(SETTINGS, 0, 0, &[])].concat();
    let mut is_open = write.write_all(&start).await.is_ok();
    for bytes in frames {
        is_open = is_open && write.write_all(&bytes).await.is_ok();
    }
    let _ = write.flush().await;
    tokio::time::timeout(Duration::from_secs(3), reading).await.is_ok()
}

/// Frames that come one after the other.
type Flood = Box<dyn Iterator<Item = Vec<u8>>>;

/// What clients send to exhaust a gateway, and whether it ends the connection. The others cost nothing but to be read.
fn floods() -> Vec<(&'static str, bool, Flood)> {
    let request = |stream| frame(HEADERS, 0x5, stream, &get_fields());
    let upload = |stream| frame(HEADERS, 0x4, stream, &get_fields());
    let reset = |stream| frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes());
    let odd = |count: u32| (0..count).map(|n| 2 * n + 1);
    let on_requests = move |count, second: fn(u32) -> Vec<u8>| -> Flood {
        Box::new(odd(count).flat_map(move |stream| [request(stream), second(stream)]))
    };
    let behind = |first: Vec<u8>, then: Vec<u8>, count| -> Flood {
        Box::new(std::iter::once(first).chain(std::iter::repeat_n(then, count)))
    };
    let setting =
        |id: u16, value: u32| frame(SETTINGS, 0, 0, &[&id.to_be_bytes()[..], &value.to_be_bytes()].concat()).repeat(50);
    let padding = literal("x-pad", &[b'y'; 8_000]);
    // One entry of the dynamic table, named again and again: 64 KiB become 12 MB.
    let entry = [&[0x40], &literal("x-a", &[b'v'; 3_000])[1..]].concat();
    let bomb = frame(HEADERS, 0x5, 1, &[get_fields(), entry, vec![0xbe; 4_000]].concat());
    vec![
        ("a few requests are taken back", false, Box::new(odd(20).flat_map(move |n| [request(n), reset(n)]))),
        ("rapid reset", true, Box::new(odd(20_000).flat_map(move |n| [request(n), reset(n)]))),
        ("uploads that are taken back", true, Box::new(odd(20_000).flat_map(move |n| [upload(n), reset(n)]))),
        ("resets for a window of nothing", true, on_requests(2_000, |n| frame(WINDOW_UPDATE, 0, n, &[0; 4]))),
        (
            "resets for a window that overflows",
            true,
            on_requests(2_000, |n| frame(WINDOW_UPDATE, 0, n, &[0x7f, 0xff, 0xff, 0xff]).repeat(2)),
        ),
        ("resets for data behind the end", true, on_requests(2_000, |n| frame(DATA, 0, n, b"x"))),
        (
            "resets for a stream that waits for itself",
            true,
            on_requests(2_000, |n| frame(PRIORITY, 0, n, &[&n.to_be_bytes()[..], &[1]].concat())),
        ),
        (
            "CONTINUATION without end",
            true,
            behind(frame(HEADERS, 0x1, 1, &get_fields()), frame(CONTINUATION, 0, 1, &padding), 2_000),
        ),
        (
            "CONTINUATION of nothing",
            true,
            behind(frame(HEADERS, 0x1, 1, &get_fields()), frame(CONTINUATION, 0, 1, &[]), 200_000),
        ),
        ("fields that grow when they are unpacked", true, Box::new(std::iter::once(bomb).chain(odd(200).map(request)))),
        ("more streams than there may be", true, Box::new(odd(20_000).map(upload))),
        ("data of nothing", true, behind(upload(1), frame(DATA, 0, 1, &[]), 200_000)),
        ("a stream that clients cannot open", true, Box::new(std::iter::once(frame(HEADERS, 0x5, 2, &get_fields())))),
        ("settings", false, Box::new((0..1_000).map(move |n| setting(4, 65_535 + n)))),
        ("sizes of the table", false, Box::new((0..1_000).map(move |n| setting(1, n % 2 * 4_096)))),
        ("pings", false, Box::new((0..1_000).map(|_| frame(PING, 0, 0, &[0; 8]).repeat(50)))),
        (
            "priorities",
            false,
            Box::new(odd(1_000).map(|n| frame(PRIORITY, 0, n, &[0, 0, 0, 0, (n % 255) as u8]).repeat(50))),
        ),
        ("frames that nobody knows", false, Box::new((0..1_000).map(|_| frame(0xbe, 0, 0, &[0; 8]).repeat(50)))),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn floods_end_the_connection_and_nothing_else() {
    let (_origin, gateway) = scene(&["h2", "http/1.1"]).await;
    for (name, is_ended, frames) in floods() {
        assert_eq!(is_ended_by(&gateway, frames).await, is_ended, "{name}");
    }
    let answer = client(&gateway).await.send_request(put("/f", "fine")).await.unwrap();
    assert_eq!(answer.status(), 200, "others are served");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_reads_nothing_is_not_read_for_ever() {
    let (_origin, gateway) = scene(&["h2"]).await;
    // Each of these asks for an answer; what is not read of answers holds up the reading of more.
    for asking in [frame(PING, 0, 0, &[0; 8]), frame(SETTINGS, 0, 0, &[])] {
        let mut tls = gateway.tls_offering(&format!("{HOST}:443"), &["h2"]).await.unwrap();
        tls.write_all(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).await.unwrap();
        let piece = asking.repeat(4_096);
        let mut sent = 0;
        // What the sockets of both sides hold is a few megabytes.
        while sent < 64 << 20
            && matches!(tokio::time::timeout(Duration::from_secs(2), tls.write_all(&piece)).await, Ok(Ok(())))
        {
            sent += piece.len();
        }
        assert!(sent < 64 << 20, "{sent} bytes were read, and their answers kept");
        let answer = client(&gateway).await.send_request(put("/f", "fine")).await.unwrap();
        assert_eq!(answer.status(), 200, "others are served");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_streams_reach_nobody() {
    let (origin, gateway) = scene(&["h2"]).await;
    let with = |name: &str, value: &[u8]| [get_fields(), literal(name, value)].concat();
    let without = |index: usize| {
        let fields = [(":method", "GET"), (":scheme", "https"), (":authority", HOST), (":path", "/")];
        let kept = fields.iter().enumerate().filter(|(at, _)| *at != index);
        kept.flat_map(|(_, (name, value))| literal(name, value.as_bytes())).collect::<Vec<_>>()
    };
    let rows: Vec<Vec<u8>> = vec![
        with("connection", b"close"),
        with("transfer-encoding", b"chunked"),
        with("keep-alive", b"x"),
        with("upgrade", b"websocket"),
        with("te", b"gzip"),
        with("Upper", b"x"),
        with("x y", b"x"),
        with("x", b"a\r\nb: c"),
        with("x", b"a\0b"),
        with(":path", b"/again"),
        with(":unknown", b"x"),
        with("content-length", b"3"),
        with("content-length", b"x"),
        with("", b"x"),
        without(0),
        without(1),
        without(3),
    ];
    let streams = rows.iter().map(|fields| (HEADERS, fields));
    for (kind, fields) in streams {
        let _ = is_ended_quickly(&gateway, frame(kind, 0x5, 1, fields)).await;
    }
    // One with data that does not fit its length.
    let post = with("content-length", b"3");
    for data in [&b"ab"[..], b"abcd"] {
        let frames = [frame(HEADERS, 0x4, 1, &post), frame(0, 1, 1, data)].concat();
        is_ended_quickly(&gateway, frames).await;
    }
    let seen: Vec<_> =
        origin.seen.lock().unwrap().iter().map(|seen| format!("{} {:?}", seen.uri, seen.headers)).collect();
    assert!(seen.is_empty(), "{seen:?}");
}

/// Sends frames and reads for a moment.
async fn is_ended_quickly(gateway: &Running, frames: Vec<u8>) {
    let mut tls = gateway.tls_offering(&format!("{HOST}:443"), &["h2"]).await.unwrap();
    let start = [PREFACE.to_vec(), frame(SETTINGS, 0, 0, &[]), frames].concat();
    let _ = tls.write_all(&start).await;
    let _ = tls.flush().await;
    let mut sink = vec![0; 64 * 1024];
    let reading = async { while tls.read(&mut sink).await.is_ok_and(|count| count > 0) {} };
    let _ = tokio::time::timeout(Duration::from_millis(150), reading).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_is_ended() {
    let ca = TestCa::new();
    let origin = Origin::start(&ca, &["h2"]).await;
    let config =
        format!("limits.idle_timeout = \"200ms\"\nresolver.override = {{ \"{HOST}\" = \"{}\" }}", origin.address);
    let gateway = Running::start(&ca, &config).await;
    assert!(is_ended_by(&gateway, []).await);
    let mut client = client(&gateway).await;
    // An answer under way is no idleness.
    assert_eq!(client.send_request(put("/slow", "x")).await.unwrap().status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
#[allow(clippy::print_stderr, reason = "a client that is not there is no silent success")]
async fn curl_uploads_over_http2() {
    let (origin, gateway) = scene(&["h2", "http/1.1"]).await;
    for (flag, version, body, expected) in [
        ("--http2", "2", "a clean line", "200"),
        ("--http2", "2", CARD, "403"),
        ("--http1.1", "1.1", "a clean line", "200"),
        ("--http1.1", "1.1", CARD, "403"),
    ] {
        let file = gateway.state().join("upload.txt");
        std::fs::write(&file, body).unwrap();
        let mut curl = std::process::Command::new("curl");
        curl.env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .args(["-sS", "-o", "/dev/null", "-w", "%{http_version} %{http_code}", flag, "-x"])
            .arg(format!("http://{}", gateway.proxy))
            .arg("--cacert")
            .arg(gateway.ca())
            .arg("-T")
            .arg(&file)
            .arg(format!("https://{HOST}/f"));
        let run = tokio::task::spawn_blocking(move || curl.output());
        let Ok(output) = run.await.unwrap() else { return eprintln!("skipped: curl is not installed") };
        let shown = String::from_utf8_lossy(&output.stdout);
        assert_eq!(shown, format!("{version} {expected}"), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let bodies: Vec<_> = origin.seen.lock().unwrap().iter().map(|seen| (seen.version, seen.body.clone())).collect();
    assert_eq!(bodies, [(Version::HTTP_2, "a clean line".into()), (Version::HTTP_11, "a clean line".into())]);
}

/// The next frame of a connection: kind, flags, payload. What gives credit to the connection as a whole is left out.
async fn next_frame(tls: &mut (impl AsyncRead + Unpin)) -> Option<(u8, u8, Vec<u8>)> {
    loop {
        let (stream, frame) = any_frame(tls).await?;
        if stream != 0 || frame.0 != WINDOW_UPDATE {
            return Some(frame);
        }
    }
}

async fn any_frame(tls: &mut (impl AsyncRead + Unpin)) -> Option<(u32, (u8, u8, Vec<u8>))> {
    let mut head = [0; 9];
    tls.read_exact(&mut head).await.ok()?;
    let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
    tls.read_exact(&mut payload).await.ok()?;
    Some((u32::from_be_bytes([head[5], head[6], head[7], head[8]]), (head[3], head[4], payload)))
}

/// Begins an upload of `announced` bytes, sends `pieces` of 16 KiB, and reads frames until the answer is complete.
async fn refused_upload(tls: &mut (impl AsyncRead + AsyncWrite + Unpin), announced: usize, pieces: usize) {
    let length = announced.to_string();
    let fields =
        [(":method", "PUT"), (":scheme", "https"), (":authority", HOST), (":path", "/f"), ("content-length", &length)];
    let fields: Vec<u8> = fields.iter().flat_map(|(name, value)| literal(name, value.as_bytes())).collect();
    let start = [PREFACE.to_vec(), frame(SETTINGS, 0, 0, &[]), frame(HEADERS, 0x4, 1, &fields)].concat();
    tls.write_all(&start).await.unwrap();
    for _ in 0..pieces {
        tls.write_all(&frame(DATA, 0, 1, &[b'x'; 16 * 1024])).await.unwrap();
    }
    tls.flush().await.unwrap();
    loop {
        match next_frame(tls).await.expect("an answer") {
            (HEADERS, _, fields) => {
                // ":status: 403" in the code of HPACK.
                assert!(fields.starts_with(&[0x48, 0x83, 0x68, 0x0c, 0xff]), "{fields:x?}");
            }
            (DATA, flags, body) => {
                assert!(!body.is_empty());
                if flags & 1 == 1 {
                    return;
                }
            }
            (RST_STREAM, _, code) => panic!("a reset before the answer: {code:x?}"),
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_refused_early_may_end_without_a_reset() {
    let ca = TestCa::new();
    let origin = Origin::start(&ca, &["h2"]).await;
    let config =
        format!("inspection.gate_max = \"64KiB\"\nresolver.override = {{ \"{HOST}\" = \"{}\" }}", origin.address);
    let gateway = Running::start(&ca, &config).await;
    let mut tls = gateway.tls_offering(&format!("{HOST}:443"), &["h2"]).await.unwrap();
    // A client that looks at answers only when it has sent everything.
    refused_upload(&mut tls, 4 << 20, 3).await;
    // The window of 2 MiB holds from here on.
    tls.write_all(&frame(SETTINGS, 1, 0, &[])).await.unwrap();
    let mut window = 2 << 20;
    let mut sent = 3 * 16 * 1024;
    while sent < 4 << 20 {
        if sent + 16 * 1024 > window {
            match next_frame(&mut tls).await.expect("more frames") {
                (WINDOW_UPDATE, _, payload) => {
                    window += u32::from_be_bytes(payload.try_into().unwrap()) as usize;
                }
                (RST_STREAM, _, code) => panic!("a reset after {sent} bytes: {code:x?}"),
                _ => {}
            }
            continue;
        }
        sent += 16 * 1024;
        tls.write_all(&frame(DATA, u8::from(sent == 4 << 20), 1, &[b'x'; 16 * 1024])).await.unwrap();
        tls.flush().await.unwrap();
    }
    // The stream has ended on both sides; the answer to a ping is the next thing to come.
    tls.write_all(&frame(PING, 0, 0, &[7; 8])).await.unwrap();
    tls.flush().await.unwrap();
    loop {
        match next_frame(&mut tls).await.expect("an answer to the ping") {
            (PING, 1, _) => break,
            (RST_STREAM, _, code) => panic!("a reset after the end: {code:x?}"),
            _ => {}
        }
    }
    assert!(origin.seen.lock().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_falls_silent_is_reset_without_an_error() {
    let ca = TestCa::new();
    let origin = Origin::start(&ca, &["h2"]).await;
    let config =
        format!("inspection.gate_max = \"64KiB\"\nresolver.override = {{ \"{HOST}\" = \"{}\" }}", origin.address);
    let gateway = Running::start(&ca, &config).await;
    let mut tls = gateway.tls_offering(&format!("{HOST}:443"), &["h2"]).await.unwrap();
    refused_upload(&mut tls, 4 << 20, 1).await;
    let reset = async {
        loop {
            if let (RST_STREAM, _, code) = next_frame(&mut tls).await.expect("a reset") {
                return code;
            }
        }
    };
    let code = tokio::time::timeout(Duration::from_secs(20), reset).await.expect("a reset in time");
    assert_eq!(code, [0; 4], "NO_ERROR");
}

#[tokio::test(flavor = "multi_thread")]
async fn extended_connect_is_neither_offered_nor_taken() {
    let (origin, gateway) = scene(&["h2"]).await;
    let mut tls = gateway.tls_offering(&format!("{HOST}:443"), &["h2"]).await.unwrap();
    let fields = [
        (":method", "CONNECT"),
        (":protocol", "websocket"),
        (":scheme", "https"),
        (":authority", HOST),
        (":path", "/"),
    ];
    let fields: Vec<u8> = fields.iter().flat_map(|(name, value)| literal(name, value.as_bytes())).collect();
    let start = [PREFACE.to_vec(), frame(SETTINGS, 0, 0, &[]), frame(HEADERS, 0x4, 1, &fields)].concat();
    tls.write_all(&start).await.unwrap();
    tls.flush().await.unwrap();
    let mut received = Vec::new();
    let mut piece = vec![0; 16 * 1024];
    while let Ok(Ok(count @ 1..)) = tokio::time::timeout(Duration::from_millis(500), tls.read(&mut piece)).await {
        received.extend_from_slice(&piece[..count]);
    }
    let mut frames = Vec::new();
    let mut rest = received.as_slice();
    while let [a, b, c, kind, _, _, _, _, _, tail @ ..] = rest {
        let length = u32::from_be_bytes([0, *a, *b, *c]) as usize;
        frames.push((*kind, &tail[..length]));
        rest = &tail[length..];
    }
    let settings = frames.iter().find(|(kind, payload)| *kind == SETTINGS && !payload.is_empty()).unwrap().1;
    assert!(settings.chunks(6).all(|one| one[..2] != [0, 8]), "SETTINGS_ENABLE_CONNECT_PROTOCOL: {settings:x?}");
    let is_refused =
        |(kind, payload): &(u8, &[u8])| *kind == RST_STREAM || *kind == HEADERS && payload.first() != Some(&0x88);
    assert!(frames.iter().any(is_refused), "{frames:x?}");
    assert!(origin.seen.lock().unwrap().is_empty());
}
