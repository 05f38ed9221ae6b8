//! Requests that were broken at random: whatever of them goes on is one message for every reader.
//!
//! A judge of its own reads what the origin got, byte by byte, and knows nothing of the gateway's parser. It takes one spelling
//! only, so a message that two readers could take in two ways does not pass it. `DLP_FRAMING_MUTANTS` asks for more of them.
#![allow(clippy::unwrap_used)]

mod support;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::{Running, TestCa, find, status};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

const HOST: &str = "site.example";
const MUTANTS: usize = 1_500;
const AT_ONCE: usize = 16;
/// Honest requests; what is broken begins as one or two of them.
const HONEST: [&str; 5] = [
    "GET http://site.example/a?b=c HTTP/1.1\r\nHost: site.example\r\nAccept: */*\r\n\r\n",
    "POST http://site.example/a HTTP/1.1\r\nHost: site.example\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello",
    "PUT http://site.example/a HTTP/1.1\r\nHost: site.example\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "DELETE http://site.example/a HTTP/1.1\r\nHost: site.example\r\nCookie: a=b\r\nConnection: close, X-A\r\nX-A: 1\r\n\r\n",
    "PROPFIND http://site.example/ HTTP/1.1\r\nHost: site.example\r\nDepth: 1\r\nContent-Length: 0\r\n\r\n",
];
/// What comes behind each mutant.
const LAST: &str = "GET http://site.example/last HTTP/1.1\r\nHost: site.example\r\nConnection: close\r\n\r\n";
/// What is put between two bytes of them.
const PUT_IN: [&[u8]; 34] = [
    b"\r\n",
    b"\n",
    b"\r",
    b"\0",
    b" ",
    b"\t",
    b"\x0b",
    b"\x7f",
    b"\x80",
    b":",
    b",",
    b";",
    b"+",
    b"0x",
    b"0",
    b"_",
    b"\r\n ",
    b"0\r\n\r\n",
    b"5;a=b\r\n",
    b"HTTP/1.0",
    b"Content-Length: 5\r\n",
    b"Content-Length: 0\r\n",
    b"Content-Length: 5, 5\r\n",
    b"Content_Length: 5\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding:\tchunked\r\n",
    b"Transfer-Encoding: identity\r\n",
    b"Transfer-Encoding : chunked\r\n",
    b"Host: other.example\r\n",
    b"Connection: Content-Length\r\n",
    b"Connection: Upgrade\r\nUpgrade: h2c\r\n",
    b"Expect: 100-continue\r\n",
    b"GET /hidden HTTP/1.1\r\nHost: site.example\r\n\r\n",
    b"\r\n\r\n",
];

/// Numbers that are the same in every run (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }
}

fn mutant(numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..=numbers.below(2)).flat_map(|_| HONEST[numbers.below(HONEST.len())].bytes()).collect();
    for _ in 0..=numbers.below(3) {
        let (from, at) = (numbers.below(bytes.len()), numbers.below(bytes.len() + 1));
        match numbers.below(6) {
            0 | 1 => drop(bytes.splice(at..at, PUT_IN[numbers.below(PUT_IN.len())].iter().copied())),
            2 => drop(bytes.remove(from)),
            3 => bytes[from] = numbers.below(256) as u8,
            // A line stands twice, or in another place.
            which => {
                let line = line_at(&bytes, from);
                let copy = if which == 4 { bytes[line].to_vec() } else { bytes.drain(line).collect() };
                let at = line_at(&bytes, at.min(bytes.len())).start;
                bytes.splice(at..at, copy);
            }
        }
        if bytes.is_empty() {
            break;
        }
    }
    bytes
}

/// The line with this byte, its end included.
fn line_at(bytes: &[u8], at: usize) -> std::ops::Range<usize> {
    let start = bytes[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |before| before + 1);
    let len = bytes[start..].iter().position(|byte| *byte == b'\n').map_or(bytes.len() - start, |end| end + 1);
    start..start + len
}

type Log = Arc<Mutex<Vec<Vec<u8>>>>;

/// An origin that keeps what each connection brings, and answers what the judge takes for whole requests.
async fn origin() -> (SocketAddr, Log) {
    let (listener, log) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), Log::default());
    let (address, received) = (listener.local_addr().unwrap(), log.clone());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let index = {
                let mut log = log.lock().unwrap();
                log.push(Vec::new());
                log.len() - 1
            };
            tokio::spawn(answer_all(stream, log.clone(), index));
        }
    });
    (address, received)
}

async fn answer_all(mut stream: TcpStream, log: Log, index: usize) {
    let (mut buffer, mut piece) = (Vec::new(), vec![0; 64 * 1024]);
    while let Ok(count @ 1..) = stream.read(&mut piece).await {
        log.lock().unwrap()[index].extend_from_slice(&piece[..count]);
        buffer.extend_from_slice(&piece[..count]);
        while let Some(end) = find(&buffer, b"\r\n\r\n")
            && let Ok(body) = body_length(&buffer[..end], &buffer[end + 4..])
            && buffer.len() >= end + 4 + body
        {
            buffer.drain(..end + 4 + body);
            if stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.is_err() {
                return;
            }
        }
    }
}

/// How many requests these bytes are, in the only spelling that is taken.
fn judge(mut bytes: &[u8]) -> Result<usize, String> {
    let mut count = 0;
    while !bytes.is_empty() {
        let end = find(bytes, b"\r\n\r\n").ok_or("a head that does not end")?;
        let body = body_length(&bytes[..end], &bytes[end + 4..])?;
        bytes = bytes.get(end + 4 + body..).ok_or("a body that does not end")?;
        count += 1;
    }
    Ok(count)
}

/// The length of the body behind a head.
fn body_length(head: &[u8], rest: &[u8]) -> Result<usize, String> {
    let head = head.iter().map(|byte| char::from(*byte)).collect::<String>();
    let mut lines = head.split("\r\n");
    let words: Vec<&str> = lines.next().unwrap_or_default().split(' ').collect();
    let [method, target, "HTTP/1.1"] = words[..] else { return Err(format!("a request line: {words:?}")) };
    if !is_token(method) || !target.starts_with('/') || target.chars().any(|c| c <= ' ' || c == '\u{7f}') {
        return Err(format!("a request line: {words:?}"));
    }
    let (mut hosts, mut lengths, mut codings) = (Vec::new(), Vec::new(), Vec::new());
    for line in lines {
        let (name, value) = line.split_once(": ").ok_or_else(|| format!("a field: {line:?}"))?;
        if !is_token(name)
            || value.chars().any(|c| c < ' ' && c != '\t' || c == '\u{7f}')
            || value.trim_matches([' ', '\t']) != value
        {
            return Err(format!("a field: {line:?}"));
        }
        match name.to_ascii_lowercase().replace('_', "-").as_str() {
            "host" => hosts.push(value),
            "content-length" => lengths.push(value),
            "transfer-encoding" => codings.push(value),
            "upgrade" | "te" | "trailer" | "expect" => return Err(format!("a field of a connection: {line:?}")),
            _ => {}
        }
    }
    match (&hosts[..], &lengths[..], &codings[..]) {
        ([HOST], [], []) => Ok(0),
        ([HOST], [length], []) if length.chars().all(|c| c.is_ascii_digit()) => {
            length.parse().map_err(|_| format!("a length: {length}"))
        }
        ([HOST], [], ["chunked"]) => chunks_length(rest),
        framing => Err(format!("{framing:?}")),
    }
}

fn chunks_length(bytes: &[u8]) -> Result<usize, String> {
    let mut at = 0;
    loop {
        let rest = bytes.get(at..).ok_or("chunks that do not end")?;
        let line = &rest[..find(rest, b"\r\n").ok_or("a chunk without a size")?];
        let digits = std::str::from_utf8(line).map_err(|_| "a size")?;
        if digits.is_empty() || !digits.chars().all(|c| c.is_ascii_hexdigit()) {
            return Err(format!("a size: {digits:?}"));
        }
        let size = usize::from_str_radix(digits, 16).map_err(|_| "a size")?;
        at += line.len() + 2 + size + 2;
        if bytes.get(at - 2..at) != Some(&b"\r\n"[..]) {
            return Err("a chunk with another length".to_owned());
        }
        if size == 0 {
            return Ok(at);
        }
    }
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c))
}

#[test]
fn the_judge_takes_one_spelling_only() {
    let head = |fields: &str| format!("POST / HTTP/1.1\r\nHost: site.example\r\n{fields}\r\n");
    let rows = [
        (head(""), Ok(1)),
        (head("") + &head("Content-Length: 3\r\n") + "abc", Ok(2)),
        (head("Transfer-Encoding: chunked\r\n") + "3\r\nabc\r\n0\r\n\r\n", Ok(1)),
        (head("Content-Length: 3\r\n") + "ab", Err(())),
        (head("Content-Length: +3\r\n") + "abc", Err(())),
        (head("Content-Length: 3\r\nContent-Length: 3\r\n") + "abc", Err(())),
        (head("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n") + "0\r\n\r\n", Err(())),
        (head("Transfer-Encoding: gzip, chunked\r\n") + "0\r\n\r\n", Err(())),
        (head("Transfer-Encoding: chunked\r\n") + "3;a\r\nabc\r\n0\r\n\r\n", Err(())),
        (head("Transfer-Encoding: chunked\r\n") + "2\r\nabc\r\n0\r\n\r\n", Err(())),
        (head("Transfer-Encoding: chunked\r\n") + "3\r\nabc\r\n0\r\nX: y\r\n\r\n", Err(())),
        (head("Host: other.example\r\n"), Err(())),
        (head("X : y\r\n"), Err(())),
        (head("X: a\nY: b\r\n"), Err(())),
        (head("X: a\r\n b\r\n"), Err(())),
        (head("Content_Length: 3\r\nContent-Length: 0\r\n"), Err(())),
        (head("").replace("HTTP/1.1", "HTTP/1.0"), Err(())),
        (head("").replace("POST /", "POST  /"), Err(())),
        (head("").replace("POST /", "POST http://site.example/"), Err(())),
    ];
    for (text, expected) in rows {
        assert_eq!(judge(text.as_bytes()).map_err(|_| ()), expected, "{text:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_goes_on_of_a_broken_request_has_one_reading() {
    let (address, received) = origin().await;
    let config = format!("resolver.override = {{ \"{HOST}\" = \"{address}\" }}");
    let gateway = Running::start(&TestCa::new(), &config).await;
    let count = std::env::var("DLP_FRAMING_MUTANTS").map_or(MUTANTS, |count| count.parse().unwrap());
    let (mut numbers, places, mut sending) = (Numbers(1), Arc::new(Semaphore::new(AT_ONCE)), JoinSet::new());
    for _ in 0..count {
        let (bytes, proxy, place) =
            (mutant(&mut numbers), gateway.proxy, places.clone().acquire_owned().await.unwrap());
        sending.spawn(async move {
            let answer = send(proxy, &bytes, Duration::from_millis(500)).await;
            drop(place);
            u32::from(answer.starts_with("HTTP/1.1 200"))
        });
    }
    let served: u32 = sending.join_all().await.into_iter().sum();
    let mut arrived = 0;
    for connection in received.lock().unwrap().iter() {
        let shown = connection.escape_ascii();
        arrived += judge(connection).unwrap_or_else(|why| panic!("{why}: {shown}"));
    }
    assert!(served as usize > count / 20 && arrived >= served as usize, "{served} were served, {arrived} arrived");
    assert!((served as usize) < count, "nothing was refused");
    assert_eq!(status(&send(gateway.proxy, b"", Duration::from_secs(60)).await), 200);
}

/// What is answered to these bytes and an honest request behind them, which ends the connection. Where it is taken for the rest
/// of what came before it, nobody answers any more; the client goes when it has heard nothing for so long.
async fn send(proxy: SocketAddr, bytes: &[u8], silence: Duration) -> String {
    let mut stream = TcpStream::connect(proxy).await.unwrap();
    let (mut answer, mut piece) = (Vec::new(), vec![0; 16 * 1024]);
    // The gateway may be the first to close.
    if stream.write_all(&[bytes, LAST.as_bytes()].concat()).await.is_ok() {
        while let Ok(Ok(count @ 1..)) = tokio::time::timeout(silence, stream.read(&mut piece)).await {
            answer.extend_from_slice(&piece[..count]);
        }
    }
    String::from_utf8_lossy(&answer).into_owned()
}
