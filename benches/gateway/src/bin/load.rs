//! A client: `load <what> --key=value ...`; what it has measured comes as one line of JSON.
//!
//! - `latency`: requests one after the other on a warm connection.
//! - `uploads`: many uploads at once, each on a connection of its own.
//! - `steady`: as many requests as possible on some connections, for some time.
//! - `active`: a request a second on each of some connections, for some time.
//! - `idle`: open connections that say nothing, until standard input ends.

use bytes::Bytes;
use gateway_bench::{Failure, HOST, client_config};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::{http1, http2};
use hyper::{Request, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls_pki_types::ServerName;
use std::collections::HashMap;
use std::fmt::Display;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_rustls::{TlsConnector, rustls};

/// Connections from one address of the loopback network.
const OF_ONE_ADDRESS: usize = 400;
/// The first of the connections that are not idle: others than these have the same numbers.
const ACTIVE_FROM: usize = 40_000;
/// Handshakes at a time.
const OPENING_MAX: usize = 64;
/// Time for one request: a failure shows as one and does not hang.
const REQUEST_TIME_MAX: Duration = Duration::from_secs(120);

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let what = arguments.next().unwrap_or_default();
    let options = Options::read(arguments)?;
    let target = Arc::new(Target::of(&options)?);
    let report = match what.as_str() {
        "latency" => latency(&target, &options).await?,
        "uploads" => uploads(target, &options).await?,
        "steady" => steady(target, &options).await?,
        "active" => active(target, &options).await?,
        "idle" => return idle(target, &options).await,
        _ => return Err("usage: load latency|uploads|steady|active|idle --key=value ...".into()),
    };
    println!("{report}");
    Ok(())
}

/// `--key=value`.
struct Options(HashMap<String, String>);

impl Options {
    fn read(arguments: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let pair = |argument: String| {
            let (key, value) = argument.strip_prefix("--")?.split_once('=')?;
            Some((key.to_owned(), value.to_owned()))
        };
        let pairs: Option<HashMap<_, _>> = arguments.map(pair).collect();
        Ok(Self(pairs.ok_or("expected --key=value")?))
    }

    fn get<T: FromStr<Err: Display>>(&self, key: &str) -> Result<T, Failure> {
        let value = self.0.get(key).ok_or_else(|| format!("expected --{key}=..."))?;
        value.parse().map_err(|error| format!("--{key}: {error}").into())
    }
}

/// Where requests go, and how.
struct Target {
    origin_port: u16,
    /// Port of the proxy; none without one.
    proxy: Option<u16>,
    is_http2: bool,
    /// None for plain HTTP.
    tls: Option<TlsConnector>,
}

impl Target {
    fn of(options: &Options) -> Result<Self, Failure> {
        let http = options.get::<String>("http")?;
        let is_http2 = http == "h2";
        let mut tls =
            client_config(Path::new(&options.get::<String>("ca")?), &[if is_http2 { "h2" } else { "http/1.1" }])?;
        // Each connection is a new one, as those of different clients are.
        tls.resumption = rustls::client::Resumption::disabled();
        let proxy = options.0.contains_key("proxy").then(|| options.get("proxy")).transpose()?;
        let tls = (http != "plain").then(|| TlsConnector::from(Arc::new(tls)));
        Ok(Self { origin_port: options.get("origin")?, proxy, is_http2, tls })
    }

    /// A connection to the origin, through the proxy if there is one. `number` chooses the address that it comes from.
    async fn connect(&self, number: usize) -> Result<Box<dyn Duplex>, Failure> {
        let socket = TcpSocket::new_v4()?;
        let block = u8::try_from(1 + number / OF_ONE_ADDRESS)?;
        socket.bind(SocketAddr::from((Ipv4Addr::new(127, 0, 0, block), 0)))?;
        let port = self.proxy.unwrap_or(self.origin_port);
        let mut stream = socket.connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
        stream.set_nodelay(true)?;
        let Some(tls) = &self.tls else { return Ok(Box::new(stream)) };
        if self.proxy.is_some() {
            let authority = format!("{HOST}:{}", self.origin_port);
            stream.write_all(format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n").as_bytes()).await?;
            let mut answer = Vec::new();
            while !answer.ends_with(b"\r\n\r\n") {
                answer.push(stream.read_u8().await?);
            }
            if !answer.starts_with(b"HTTP/1.1 200") {
                return Err(format!("CONNECT was answered {}", String::from_utf8_lossy(&answer)).into());
            }
        }
        Ok(Box::new(tls.connect(ServerName::try_from(HOST)?, stream).await?))
    }

    async fn open(&self, number: usize) -> Result<Sender, Failure> {
        let io = TokioIo::new(self.connect(number).await?);
        if self.is_http2 {
            let (sender, connection) = http2::Builder::new(TokioExecutor::new()).handshake(io).await?;
            tokio::spawn(connection);
            Ok(Sender::Http2(sender))
        } else {
            let (sender, connection) = http1::handshake(io).await?;
            tokio::spawn(connection);
            Ok(Sender::Http1(sender))
        }
    }

    /// Sends a body and makes sure that all of it has arrived.
    async fn post(&self, sender: &mut Sender, body: Bytes) -> Result<(), Failure> {
        let length = body.len().to_string();
        let authority = format!("{HOST}:{}", self.origin_port);
        let target = match (self.is_http2, &self.tls) {
            (true, _) => format!("https://{authority}/notes"),
            (false, None) => format!("http://{authority}/notes"),
            (false, Some(_)) => "/notes".to_owned(),
        };
        let mut request = Request::post(target).header("content-type", "text/plain");
        if !self.is_http2 {
            request = request.header("host", authority);
        }
        let request = request.body(Full::new(body))?;
        let answering = async {
            let answer = match sender {
                Sender::Http1(sender) => {
                    sender.ready().await?;
                    sender.send_request(request).await?
                }
                Sender::Http2(sender) => {
                    sender.ready().await?;
                    sender.send_request(request).await?
                }
            };
            let status = answer.status();
            Ok::<_, Failure>((status, answer.into_body().collect().await?.to_bytes()))
        };
        match tokio::time::timeout(REQUEST_TIME_MAX, answering).await?? {
            (StatusCode::OK, counted) if counted == length => Ok(()),
            (status, answer) => Err(format!("{status}: {}", String::from_utf8_lossy(&answer)).into()),
        }
    }
}

/// A connection, inside TLS or not.
trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

enum Sender {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

/// Lines that hold nothing to be found.
fn text(bytes: usize) -> Bytes {
    let line = b"The minutes of the meeting are to be read by everybody who was there, and by nobody else.\n";
    line.iter().copied().cycle().take(bytes).collect()
}

/// `--count=`, `--bytes=`.
async fn latency(target: &Target, options: &Options) -> Result<String, Failure> {
    let (count, body) = (options.get::<usize>("count")?, text(options.get("bytes")?));
    let mut sender = target.open(0).await?;
    for _ in 0..count.min(100) {
        target.post(&mut sender, body.clone()).await?;
    }
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let begin = Instant::now();
        target.post(&mut sender, body.clone()).await?;
        times.push(begin.elapsed());
    }
    Ok(format!("{{{}}}", shares(times)))
}

/// The times in the middle, near the end and at it.
fn shares(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let last = times.len() - 1;
    let at = |share: f64| times[((times.len() as f64 * share) as usize).min(last)].as_micros();
    format!(r#""p50_us":{},"p99_us":{},"max_us":{}"#, at(0.5), at(0.99), at(1.0))
}

/// `--count=`, `--bytes=`: all are open before the first byte of a body is sent.
async fn uploads(target: Arc<Target>, options: &Options) -> Result<String, Failure> {
    let (count, body) = (options.get::<usize>("count")?, text(options.get("bytes")?));
    let mut opening = JoinSet::new();
    let places = Arc::new(Semaphore::new(OPENING_MAX));
    for number in 0..count {
        let (target, places) = (target.clone(), places.clone());
        opening.spawn(async move {
            let _place = places.acquire_owned().await?;
            target.open(number).await
        });
    }
    let mut senders = Vec::new();
    let mut failures = Failures::default();
    while let Some(opened) = opening.join_next().await {
        match opened? {
            Ok(sender) => senders.push(sender),
            Err(failure) => failures.count(&failure),
        }
    }
    let begin = Instant::now();
    let mut running = JoinSet::new();
    for mut sender in senders {
        let (target, body) = (target.clone(), body.clone());
        running.spawn(async move { target.post(&mut sender, body).await });
    }
    let mut done = 0;
    while let Some(ended) = running.join_next().await {
        match ended? {
            Ok(()) => done += 1,
            Err(failure) => failures.count(&failure),
        }
    }
    Ok(format!(r#"{{"done":{done},"failed":{},"seconds":{:.2}}}"#, failures.0, begin.elapsed().as_secs_f64()))
}

/// `--connections=`, `--bytes=`, `--seconds=`.
async fn steady(target: Arc<Target>, options: &Options) -> Result<String, Failure> {
    let (connections, body) = (options.get::<usize>("connections")?, text(options.get("bytes")?));
    let end = Instant::now() + Duration::from_secs(options.get("seconds")?);
    let mut running = JoinSet::new();
    for number in 0..connections {
        let (target, body) = (target.clone(), body.clone());
        running.spawn(async move {
            let (mut done, mut failures) = (0, Failures::default());
            while Instant::now() < end {
                // A new connection now and then, so that opening one is under test too.
                let mut sender = match target.open(number).await {
                    Ok(sender) => sender,
                    Err(failure) => {
                        failures.count(&failure);
                        continue;
                    }
                };
                for _ in 0..100 {
                    match target.post(&mut sender, body.clone()).await {
                        Ok(()) => done += 1,
                        Err(failure) => {
                            failures.count(&failure);
                            break;
                        }
                    }
                }
            }
            (done, failures.0)
        });
    }
    let (mut done, mut failed) = (0, 0);
    while let Some(ended) = running.join_next().await {
        let of_one = ended?;
        (done, failed) = (done + of_one.0, failed + of_one.1);
    }
    Ok(format!(r#"{{"done":{done},"failed":{failed}}}"#))
}

/// `--connections=`, `--bytes=`, `--seconds=`: those of many people who work, so their requests do not come together.
async fn active(target: Arc<Target>, options: &Options) -> Result<String, Failure> {
    let (connections, body) = (options.get::<u32>("connections")?, text(options.get("bytes")?));
    let seconds = options.get::<u32>("seconds")?;
    let begin = tokio::time::Instant::now() + Duration::from_secs(2);
    let mut running = JoinSet::new();
    for number in 0..connections {
        let (target, body) = (target.clone(), body.clone());
        running.spawn(async move {
            let (mut times, mut failures) = (Vec::new(), Failures::default());
            let mut sender = target.open(ACTIVE_FROM + number as usize).await?;
            let first = begin + Duration::from_secs(1) * number / connections;
            for second in 0..seconds {
                tokio::time::sleep_until(first + Duration::from_secs(second.into())).await;
                let begin = Instant::now();
                match target.post(&mut sender, body.clone()).await {
                    Ok(()) => times.push(begin.elapsed()),
                    Err(failure) => failures.count(&failure),
                }
            }
            Ok::<_, Failure>((times, failures.0))
        });
    }
    let (mut times, mut failed) = (Vec::new(), 0);
    while let Some(ended) = running.join_next().await {
        let of_one = ended??;
        times.extend(of_one.0);
        failed += of_one.1;
    }
    if times.is_empty() {
        return Err("no request was answered".into());
    }
    Ok(format!(r#"{{"done":{},"failed":{failed},{}}}"#, times.len(), shares(times)))
}

/// `--count=`.
async fn idle(target: Arc<Target>, options: &Options) -> Result<(), Failure> {
    let mut opening = JoinSet::new();
    let places = Arc::new(Semaphore::new(OPENING_MAX));
    for number in 0..options.get("count")? {
        let (target, places) = (target.clone(), places.clone());
        opening.spawn(async move {
            let _place = places.acquire_owned().await?;
            let mut sender = target.open(number).await?;
            target.post(&mut sender, Bytes::from_static(b"hello")).await?;
            Ok::<_, Failure>(sender)
        });
    }
    let (mut open, mut failures) = (Vec::new(), Failures::default());
    while let Some(opened) = opening.join_next().await {
        match opened? {
            Ok(sender) => open.push(sender),
            Err(failure) => failures.count(&failure),
        }
    }
    println!(r#"{{"open":{},"failed":{}}}"#, open.len(), failures.0);
    tokio::io::stdin().read_to_end(&mut Vec::new()).await?;
    Ok(())
}

/// Counts failures and shows the first few.
#[derive(Default)]
struct Failures(usize);

impl Failures {
    fn count(&mut self, failure: &Failure) {
        if self.0 < 3 {
            eprintln!("failed: {failure}");
        }
        self.0 += 1;
    }
}
