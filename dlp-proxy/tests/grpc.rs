//! gRPC calls go message by message, and nobody waits for their end.
#![allow(clippy::unwrap_used)]

mod support;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;
use support::{Running, TestCa, find};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

const HOST: &str = "api.example";
const CARD: &str = "Please charge my credit card number 4000 0100 0007 1234, Visa, expiry 12/29.\n";

/// A body that is written while it is sent.
struct Written(mpsc::Receiver<Bytes>);

impl Body for Written {
    type Data = Bytes;
    type Error = Infallible;
    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(cx).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}

/// An origin that sends back what comes, as it comes, and keeps it.
async fn scene(config: &str) -> (Arc<Mutex<Vec<u8>>>, Running) {
    let ca = TestCa::new();
    let mut server = (*ca.server(&[HOST], |_| {})).clone();
    server.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(server));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = format!("{config}\nresolver.override = {{ \"{HOST}\" = \"{}\" }}", listener.local_addr().unwrap());
    let received: Arc<Mutex<Vec<u8>>> = Arc::default();
    let log = received.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, log) = (acceptor.clone(), log.clone());
            tokio::spawn(async move {
                let Ok(tls) = acceptor.accept(stream).await else { return };
                let service = service_fn(move |request: Request<Incoming>| {
                    let log = log.clone();
                    async move {
                        let body = request.into_body().map_frame(move |frame| {
                            if let Some(data) = frame.data_ref() {
                                log.lock().unwrap().extend_from_slice(data);
                            }
                            frame
                        });
                        Ok::<_, Infallible>(
                            Response::builder().header("content-type", "application/grpc").body(body).unwrap(),
                        )
                    }
                });
                let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                let _ = builder.serve_connection(TokioIo::new(tls), service).await;
            });
        }
    });
    (received, Running::start(&ca, &config).await)
}

fn message(flag: u8, content: &[u8]) -> Bytes {
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&[flag][..], &length, content].concat().into()
}

/// A field of a protobuf message: number 1, a string.
fn text(value: &str) -> Bytes {
    assert!(value.len() < 128);
    message(0, &[&[0x0a, value.len() as u8], value.as_bytes()].concat())
}

/// Opens a call; the answer comes when its first message has passed.
async fn call(
    gateway: &Running,
    encoding: Option<&str>,
) -> (mpsc::Sender<Bytes>, tokio::task::JoinHandle<hyper::Result<Response<Incoming>>>) {
    let tls = gateway.tls_offering(&format!("{HOST}:443"), &["h2"]).await.unwrap();
    let (mut client, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(tls)).await.unwrap();
    tokio::spawn(connection);
    let (sender, receiver) = mpsc::channel(8);
    let mut request = Request::builder().method("POST").uri(format!("https://{HOST}/chat.Chat/Talk"));
    request = request.header("content-type", "application/grpc").header("te", "trailers");
    if let Some(encoding) = encoding {
        request = request.header("grpc-encoding", encoding);
    }
    let request = request.body(Written(receiver)).unwrap();
    (sender, tokio::spawn(async move { client.send_request(request).await }))
}

async fn next(body: &mut Incoming) -> Option<Bytes> {
    let frame = tokio::time::timeout(Duration::from_secs(10), body.frame()).await.expect("nobody waits for the end");
    frame.and_then(Result::ok).and_then(|frame| frame.into_data().ok())
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_pass_while_the_call_is_open_until_one_is_refused() {
    let (received, gateway) = scene("").await;
    let (sender, answer) = call(&gateway, None).await;
    sender.send(text("good morning")).await.unwrap();
    let answer = answer.await.unwrap().unwrap();
    assert_eq!(answer.status(), 200);
    let mut body = answer.into_body();
    let mut echoed = Vec::new();
    while echoed != text("good morning") {
        echoed.extend_from_slice(&next(&mut body).await.unwrap());
    }
    // One message in two pieces.
    let two = text("how are you");
    sender.send(two.slice(..7)).await.unwrap();
    sender.send(two.slice(7..)).await.unwrap();
    while !echoed.ends_with(&two) {
        echoed.extend_from_slice(&next(&mut body).await.unwrap());
    }
    sender.send(text(CARD)).await.unwrap();
    while let Some(more) = next(&mut body).await {
        echoed.extend_from_slice(&more);
    }
    let passed = [text("good morning"), two].concat();
    assert_eq!(echoed, passed);
    assert_eq!(*received.lock().unwrap(), passed);
    assert_eq!(gateway.incidents().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_message_that_is_refused_gets_a_status_of_grpc() {
    let gzip = |text: &str| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        std::io::Write::write_all(&mut encoder, text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let small = "limits.websocket_message = \"1KiB\"";
    let rows = [
        (text(CARD), None, ""),
        (message(1, &gzip(CARD)), Some("gzip"), ""),
        (message(1, &gzip("clean")), Some("x-unknown"), ""),
        (message(1, &gzip("clean")), None, ""),
        (message(0, &[b'x'; 2_000]), None, small),
    ];
    for (first, encoding, config) in rows {
        let (received, gateway) = scene(config).await;
        let (sender, answer) = call(&gateway, encoding).await;
        sender.send(first.clone()).await.unwrap();
        let answer = tokio::time::timeout(Duration::from_secs(10), answer).await.unwrap().unwrap().unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["grpc-status"], "7", "{first:?}");
        assert!(received.lock().unwrap().is_empty(), "{first:?}");
        assert_eq!(gateway.incidents().len(), 1, "{first:?}");
    }
    let (received, gateway) = scene("").await;
    let (sender, answer) = call(&gateway, Some("gzip")).await;
    let clean = message(1, &gzip("a clean message"));
    sender.send(clean.clone()).await.unwrap();
    drop(sender);
    let answer = answer.await.unwrap().unwrap().into_body().collect().await.unwrap().to_bytes();
    assert_eq!(answer, clean);
    assert!(find(&received.lock().unwrap(), &clean).is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn unfinished_messages_do_not_fill_the_memory() {
    let (received, gateway) = scene("limits.websocket_message = \"256KiB\"").await;
    // All of a message but its end, in many calls at once.
    let most = message(0, &[b'x'; 200_000]).slice(..199_000);
    let mut calls = Vec::new();
    for _ in 0..40 {
        let (sender, answer) = call(&gateway, None).await;
        sender.send(most.clone()).await.unwrap();
        calls.push((sender, answer));
    }
    // Those for which there is no room end, whether or not their head has gone to the origin; the others wait for the rest.
    let is_over = async |answer: tokio::task::JoinHandle<hyper::Result<Response<Incoming>>>| {
        let Ok(answer) = answer.await.unwrap() else { return true };
        let is_told = answer.headers().get("x-dlp-reason").is_some_and(|reason| reason == "messages_full");
        is_told || answer.into_body().collect().await.is_err()
    };
    let (mut senders, mut over) = (Vec::new(), tokio::task::JoinSet::new());
    for (sender, answer) in calls {
        senders.push(sender);
        over.spawn(async move { is_over(answer).await });
    }
    // Sixteen times 256 KiB, and what is not counted of each, are room for twelve.
    for _ in 0..28 {
        let ended = tokio::time::timeout(Duration::from_secs(30), over.join_next()).await.expect("it ends");
        assert!(ended.unwrap().unwrap(), "nothing ends well");
    }
    assert_eq!(over.len(), 12);
    drop(senders);
    assert!(received.lock().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_a_server_are_not_waited_for() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = format!("resolver.override = {{ \"events.example\" = \"{}\" }}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut [0; 4096]).await;
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
        stream.write_all(format!("{head}c\r\ndata: first\n\r\n").as_bytes()).await.unwrap();
        std::future::pending::<()>().await;
    });
    let gateway = Running::start(&TestCa::new(), &config).await;
    let mut stream = tokio::net::TcpStream::connect(gateway.proxy).await.unwrap();
    let request = "GET http://events.example/ HTTP/1.1\r\nHost: events.example\r\nAccept: text/event-stream\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut received = Vec::new();
    while find(&received, b"data: first\n").is_none() {
        let byte =
            tokio::time::timeout(Duration::from_secs(10), stream.read_u8()).await.expect("an event comes at once");
        received.push(byte.unwrap());
    }
}
