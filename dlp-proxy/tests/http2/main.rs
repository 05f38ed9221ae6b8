//! HTTP/2 on both sides, and the ways between its two versions.
#![allow(clippy::unwrap_used)]

mod frames;
#[path = "../support/mod.rs"]
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
