//! What reaches an origin, byte by byte, while a body is on its way: nothing where it is held, never all of it where it is
//! refused. The origin of these tests reads the wire itself, so no library hides what has come.
#![allow(clippy::unwrap_used)]

mod support;

use bytes::Bytes;
use http::Request;
use hyper::body::Frame;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;
use support::{Running, TestCa, find, status};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

const HOST: &str = "files.example";
const MIB: usize = 1024 * 1024;
const CARD: &[u8] = b"\nPlease charge my credit card number 4000 0100 0007 1234, Visa, expiry 12/29.\n";
/// Time in which what should not have left would have come.
const WHILE: Duration = Duration::from_millis(300);

/// What has come of the only request.
#[derive(Clone, Debug, Default)]
struct Seen {
    /// Heads of requests.
    heads: usize,
    /// Bytes of the body, without their framing.
    body: Vec<u8>,
    /// Whether the message was ended as one that is whole.
    is_complete: bool,
    /// Whether the stream was taken back, or the connection ended in the middle of the message.
    is_broken: bool,
}

/// An origin that counts.
struct Origin {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

impl Origin {
    async fn start(ca: &TestCa, protocol: &str) -> Self {
        let mut config = (*ca.server(&[HOST], |_| {})).clone();
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, seen) = (listener.local_addr().unwrap(), Arc::<Mutex<Seen>>::default());
        let (log, is_h2) = (seen.clone(), protocol == "h2");
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, log) = (acceptor.clone(), log.clone());
                tokio::spawn(async move {
                    let Ok(tls) = acceptor.accept(stream).await else { return };
                    let _ = if is_h2 { frames(tls, &log).await } else { lines(tls, &log).await };
                    let mut seen = log.lock().unwrap();
                    seen.is_broken |= seen.heads > 0 && !seen.is_complete;
                });
            }
        });
        Self { address, seen }
    }

    fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }

    /// Waits for something to have come.
    async fn until(&self, has_come: impl Fn(&Seen) -> bool) -> Seen {
        for _ in 0..1_000 {
            if has_come(&self.seen()) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.seen()
    }
}

/// HTTP/1.1: a head, then a body by its length or in chunks.
async fn lines<T: AsyncRead + AsyncWrite + Unpin>(mut io: T, log: &Mutex<Seen>) -> std::io::Result<()> {
    let line = async |io: &mut T| {
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            line.push(io.read_u8().await?);
        }
        std::io::Result::Ok(String::from_utf8_lossy(&line).trim().to_ascii_lowercase())
    };
    let (mut length, mut is_chunked) = (0, false);
    loop {
        let field = line(&mut io).await?;
        length = field.strip_prefix("content-length: ").map_or(length, |value| value.parse().unwrap());
        is_chunked |= field == "transfer-encoding: chunked";
        if field.is_empty() {
            break;
        }
    }
    log.lock().unwrap().heads += 1;
    loop {
        let left = if is_chunked { usize::from_str_radix(&line(&mut io).await?, 16).unwrap() } else { length };
        let (mut left, is_last) = (left, !is_chunked || left == 0);
        let mut piece = vec![0; 16 * 1024];
        while left > 0 {
            let room = left.min(piece.len());
            let count = io.read(&mut piece[..room]).await?;
            if count == 0 {
                return Ok(());
            }
            log.lock().unwrap().body.extend_from_slice(&piece[..count]);
            left -= count;
        }
        if is_chunked && !line(&mut io).await?.is_empty() || is_last {
            break;
        }
    }
    log.lock().unwrap().is_complete = true;
    io.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await?;
    io.flush().await
}

/// One frame: type, flags, stream, payload.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = &(payload.len() as u32).to_be_bytes()[1..];
    [length, &[kind, flags], &stream.to_be_bytes()[..], payload].concat()
}

/// HTTP/2: the frames of one connection, with windows so wide that nothing waits for them.
async fn frames<T: AsyncRead + AsyncWrite + Unpin>(mut io: T, log: &Mutex<Seen>) -> std::io::Result<()> {
    const WIDE: u32 = 1 << 30;
    io.read_exact(&mut [0; 24]).await?;
    let window = [&[0, 4][..], &WIDE.to_be_bytes()].concat();
    io.write_all(&[frame(4, 0, 0, &window), frame(8, 0, 0, &WIDE.to_be_bytes())].concat()).await?;
    io.flush().await?;
    loop {
        let mut head = [0; 9];
        io.read_exact(&mut head).await?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let (kind, flags) = (head[3], head[4]);
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        let mut payload = vec![0; length];
        io.read_exact(&mut payload).await?;
        match kind {
            0 => log.lock().unwrap().body.extend_from_slice(&payload),
            1 => log.lock().unwrap().heads += 1,
            3 => log.lock().unwrap().is_broken = true,
            4 if flags == 0 => io.write_all(&frame(4, 1, 0, &[])).await?,
            6 if flags == 0 => io.write_all(&frame(6, 1, 0, &payload)).await?,
            _ => {}
        }
        if kind <= 1 && flags & 1 != 0 {
            log.lock().unwrap().is_complete = true;
            // `:status: 200` stands in the static table.
            io.write_all(&frame(1, 5, stream, &[0x88])).await?;
        }
        io.flush().await?;
    }
}

/// How a request is sent.
#[derive(Clone, Copy, Debug)]
struct Way {
    client: &'static str,
    origin: &'static str,
    /// Whether the length is said at the beginning.
    states_length: bool,
}

fn ways() -> impl Iterator<Item = Way> {
    let pairs = [("http/1.1", "http/1.1"), ("h2", "h2"), ("h2", "http/1.1"), ("http/1.1", "h2")];
    let both = |(client, origin)| [true, false].map(|states_length| Way { client, origin, states_length });
    pairs.into_iter().flat_map(both)
}

/// An upload that is under way.
struct Upload {
    pieces: mpsc::UnboundedSender<Option<Bytes>>,
    answer: tokio::task::JoinHandle<u16>,
}

impl Upload {
    async fn begin(gateway: &Running, way: Way, length: usize) -> Self {
        let tls = gateway.tls_offering(&format!("{HOST}:443"), &[way.client]).await.unwrap();
        let length = way.states_length.then_some(length);
        let (pieces, taken) = mpsc::unbounded_channel();
        let answer = match way.client {
            "h2" => tokio::spawn(send_frames(tls, length, taken)),
            _ => tokio::spawn(send_lines(tls, length, taken)),
        };
        Self { pieces, answer }
    }

    fn send(&self, bytes: &[u8]) {
        // The gateway may have answered already.
        let _ = self.pieces.send(Some(Bytes::copy_from_slice(bytes)));
    }

    async fn status(self) -> u16 {
        let _ = self.pieces.send(None);
        tokio::time::timeout(Duration::from_secs(30), self.answer).await.expect("an answer").unwrap()
    }
}

async fn send_lines<T: AsyncRead + AsyncWrite + Unpin>(
    io: T,
    length: Option<usize>,
    mut pieces: mpsc::UnboundedReceiver<Option<Bytes>>,
) -> u16 {
    let (mut read, mut write) = tokio::io::split(io);
    let framing = length.map_or("Transfer-Encoding: chunked".to_owned(), |length| format!("Content-Length: {length}"));
    let fields = format!("Host: {HOST}\r\nConnection: close\r\nContent-Type: text/plain\r\n{framing}\r\n\r\n");
    let sending = async {
        write.write_all(format!("PUT /f HTTP/1.1\r\n{fields}").as_bytes()).await?;
        while let Some(piece) = pieces.recv().await {
            let piece = match (&piece, length) {
                (Some(piece), Some(_)) => piece.to_vec(),
                (Some(piece), None) => [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat(),
                (None, Some(_)) => break,
                (None, None) => b"0\r\n\r\n".to_vec(),
            };
            write.write_all(&piece).await?;
            write.flush().await?;
        }
        std::io::Result::Ok(())
    };
    let reading = async {
        let mut out = Vec::new();
        let _ = read.read_to_end(&mut out).await;
        status(&String::from_utf8_lossy(&out))
    };
    tokio::pin!(sending);
    tokio::select! {
        status = reading => status,
        // It has been sent; only the answer is waited for.
        never = async { let _ = sending.await; std::future::pending().await } => never,
    }
}

/// A body that comes when it is given.
struct Given(mpsc::UnboundedReceiver<Option<Bytes>>);

impl hyper::body::Body for Given {
    type Data = Bytes;
    type Error = Infallible;
    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(cx).map(|piece| piece.flatten().map(|piece| Ok(Frame::data(piece))))
    }
}

async fn send_frames<T>(io: T, length: Option<usize>, pieces: mpsc::UnboundedReceiver<Option<Bytes>>) -> u16
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut client, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(io)).await.unwrap();
    tokio::spawn(connection);
    let mut request = Request::builder().method("PUT").uri(format!("https://{HOST}/f"));
    request = request.header("content-type", "text/plain");
    if let Some(length) = length {
        request = request.header("content-length", length);
    }
    client.send_request(request.body(Given(pieces)).unwrap()).await.unwrap().status().as_u16()
}

async fn scene(way: Way, settings: &str) -> (Origin, Running) {
    let ca = TestCa::new();
    let origin = Origin::start(&ca, way.origin).await;
    let config = format!("{settings}\nresolver.override = {{ \"{HOST}\" = \"{}\" }}", origin.address);
    let gateway = Running::start(&ca, &config).await;
    (origin, gateway)
}

fn harmless(len: usize) -> Vec<u8> {
    b"all work and no play makes a dull day\n".iter().copied().cycle().take(len).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_does_not_begin_before_its_judgement() {
    for mode in ["gate", "commit", "strict", "auto"] {
        // How a body is sent on is the same in each of them.
        for way in ways().take(if mode == "gate" { 8 } else { 4 }) {
            // Some of it lies on the disk, from where it is sent later.
            let settings = format!("inspection.ram_max = \"64KiB\"\ninspection.modes = [{{ mode = \"{mode}\" }}]");
            let (origin, gateway) = scene(way, &settings).await;
            for is_clean in [false, true] {
                let body = [&harmless(150_000)[..], if is_clean { b"" } else { CARD }].concat();
                let upload = Upload::begin(&gateway, way, body.len()).await;
                let (most, last) = body.split_at(body.len() - 1);
                upload.send(most);
                tokio::time::sleep(WHILE).await;
                let seen = origin.seen();
                assert_eq!((seen.heads, seen.body.len()), (0, 0), "{mode} {way:?}: before the last byte");
                upload.send(last);
                assert_eq!(upload.status().await, if is_clean { 200 } else { 403 }, "{mode} {way:?}");
                let seen = origin.seen();
                assert!(!is_clean || seen.body == body && seen.is_complete, "{mode} {way:?}: all of it arrives");
                let left = (seen.heads, seen.body.len());
                assert!(is_clean || left == (0, 0), "{mode} {way:?}: {left:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_leaves_of_what_is_too_large_for_the_gate() {
    for way in ways().take(4) {
        let settings = "inspection.gate_max = \"256KiB\"\ninspection.modes = [{ mode = \"gate\" }]";
        let (origin, gateway) = scene(way, settings).await;
        let body = harmless(MIB);
        let upload = Upload::begin(&gateway, way, body.len()).await;
        upload.send(&body);
        assert_eq!(upload.status().await, 403, "{way:?}");
        let seen = origin.seen();
        assert_eq!((seen.heads, seen.body.len()), (0, 0), "{way:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_passes_while_it_is_inspected_is_completed_after_its_judgement_only() {
    for way in ways() {
        let settings = "inspection.ram_max = \"64KiB\"\ninspection.modes = [{ mode = \"pipelined\" }]";
        let (origin, gateway) = scene(way, settings).await;
        for is_clean in [true, false] {
            *origin.seen.lock().unwrap() = Seen::default();
            let body = [&harmless(5 * MIB)[..], if is_clean { b"" } else { CARD }].concat();
            let upload = Upload::begin(&gateway, way, body.len()).await;
            let (most, rest) = body.split_at(9 * MIB / 2);
            most.chunks(50_000).for_each(|piece| upload.send(piece));
            let seen = origin.until(|seen| seen.body.len() >= MIB / 2).await;
            assert!(seen.body.len() >= MIB / 2, "{way:?}: {} bytes while the upload goes on", seen.body.len());
            assert!(!seen.is_complete && seen.body == body[..seen.body.len()], "{way:?}");
            upload.send(rest);
            assert_eq!(upload.status().await, if is_clean { 200 } else { 403 }, "{way:?}");
            let seen = origin.until(|seen| seen.is_complete || seen.is_broken).await;
            assert_eq!((seen.is_complete, seen.is_broken), (is_clean, !is_clean), "{way:?}");
            assert!(!is_clean || seen.body == body, "{way:?}");
            assert!(is_clean || find(&seen.body, b"credit card").is_none() && seen.body.len() < body.len(), "{way:?}");
        }
    }
}
