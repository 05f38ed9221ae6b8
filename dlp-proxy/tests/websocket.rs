//! Messages of a WebSocket are inspected before they leave.
#![allow(clippy::unwrap_used)]

mod support;

use data_encoding::BASE64;
use flate2::{Compress, Compression, FlushCompress};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::{Running, TestCa, find, status};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::client::TlsStream;

const HOST: &str = "chat.example";
const CARD: &[u8] = b"Please charge my credit card number 4000 0100 0007 1234, Visa, expiry 12/29.\n";
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const HELLO: &[u8] = b"\x81\x05hello";

/// An origin that switches, says hello, and keeps every byte behind the handshake.
struct Origin {
    config: String,
    received: Arc<Mutex<Vec<u8>>>,
}

impl Origin {
    /// `answer` stands for what is answered to the handshake, with `ACCEPT` for the proof.
    async fn start(ca: &TestCa, answer: &str) -> Self {
        let acceptor = TlsAcceptor::from(ca.server(&[HOST], |_| {}));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let config = format!("resolver.override = {{ \"{HOST}\" = \"{}\" }}", listener.local_addr().unwrap());
        let received: Arc<Mutex<Vec<u8>>> = Arc::default();
        let (log, answer) = (received.clone(), answer.replace("ACCEPT", &proof()));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, log, answer) = (acceptor.clone(), log.clone(), answer.clone());
                tokio::spawn(async move {
                    let Ok(mut tls) = acceptor.accept(stream).await else { return };
                    let mut head = Vec::new();
                    while find(&head, b"\r\n\r\n").is_none() {
                        let Ok(byte) = tls.read_u8().await else { return };
                        head.push(byte);
                    }
                    tls.write_all(answer.as_bytes()).await.unwrap();
                    if answer.contains(" 101 ") {
                        tls.write_all(HELLO).await.unwrap();
                    }
                    if answer.contains("X-Tells-Compressed") {
                        tls.write_all(&told_compressed().concat()).await.unwrap();
                    } else if answer.contains("X-Tells") {
                        tls.write_all(&told()).await.unwrap();
                    }
                    tls.flush().await.unwrap();
                    let mut piece = vec![0; 4096];
                    while let Ok(count) = tls.read(&mut piece).await {
                        if count == 0 {
                            break;
                        }
                        log.lock().unwrap().extend_from_slice(&piece[..count]);
                    }
                });
            }
        });
        Self { config, received }
    }

    /// What has come, once it ends in this or a while has passed.
    async fn received(&self, end: &[u8]) -> Vec<u8> {
        for _ in 0..100 {
            let all = self.received.lock().unwrap().clone();
            if all.ends_with(end) {
                return all;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.received.lock().unwrap().clone()
    }
}

/// What an origin says that tells too much: a message, compressed or not, and another one.
fn told() -> Vec<u8> {
    [&[0x82, CARD.len() as u8][..], CARD, b"\x81\x03end"].concat()
}

/// The same compressed: a harmless message, and one that is told in the words of the one before.
fn told_compressed() -> [Vec<u8>; 2] {
    let mut state = Compress::new(Compression::best(), false);
    [b"Please charge my credit card number later.".as_slice(), CARD].map(|text| {
        let payload = deflated(&mut state, text);
        [&[0xc2, payload.len() as u8][..], &payload].concat()
    })
}

fn proof() -> String {
    let joined = format!("{KEY}258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    BASE64.encode(ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, joined.as_bytes()).as_ref())
}

const SWITCHED: &str =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ACCEPT\r\n";

fn switched(fields: &str) -> String {
    format!("{SWITCHED}{fields}\r\n")
}

fn handshake(fields: &str) -> String {
    format!(
        "GET /socket HTTP/1.1\r\nHost: {HOST}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n{fields}\r\n"
    )
}

async fn scene(answer: &str, config: &str) -> (Origin, Running) {
    let ca = TestCa::new();
    let origin = Origin::start(&ca, answer).await;
    let gateway = Running::start(&ca, &format!("{config}\n{}", origin.config)).await;
    (origin, gateway)
}

/// A connection that has switched.
async fn open(gateway: &Running, fields: &str) -> TlsStream<TcpStream> {
    let mut tls = gateway.tls(&format!("{HOST}:443"), HOST).await.unwrap();
    tls.write_all(handshake(fields).as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while find(&head, b"\r\n\r\n").is_none() {
        head.push(tls.read_u8().await.unwrap());
    }
    let text = String::from_utf8_lossy(&head).to_ascii_lowercase();
    assert!(text.starts_with("http/1.1 101") && text.contains("upgrade: websocket"), "{text}");
    assert!(text.contains(&proof().to_ascii_lowercase()), "{text}");
    let mut hello = vec![0; HELLO.len()];
    tls.read_exact(&mut hello).await.unwrap();
    assert_eq!(hello, HELLO);
    tls
}

/// A masked frame.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [0x5a, 0x01, 0xff, 0x33];
    let mut out = vec![first];
    match payload.len() {
        length @ 0..126 => out.push(0x80 | length as u8),
        length => {
            out.push(0x80 | 126);
            out.extend_from_slice(&u16::try_from(length).unwrap().to_be_bytes());
        }
    }
    out.extend_from_slice(&mask);
    out.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key));
    out
}

fn deflated(state: &mut Compress, text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 1_000);
    state.compress_vec(text, &mut out, FlushCompress::Sync).unwrap();
    out.truncate(out.len() - 4);
    out
}

/// Sends frames one by one; all of them arrive as they are.
async fn passes(frames: &[Vec<u8>], negotiated: &str) {
    let (origin, gateway) = scene(&switched(negotiated), "").await;
    let mut socket = open(&gateway, negotiated).await;
    for one in frames {
        socket.write_all(one).await.unwrap();
    }
    let close = frame(0x88, &1000u16.to_be_bytes());
    socket.write_all(&close).await.unwrap();
    socket.flush().await.unwrap();
    let expected = [frames.concat(), close.clone()].concat();
    assert!(origin.received(&close).await == expected, "{frames:x?}");
    assert_eq!(gateway.incidents().len(), 0);
}

/// Sends frames; the last message does not arrive, and both sides are told why.
async fn is_closed(frames: &[Vec<u8>], passing: usize, code: u16, (negotiated, config): (&str, &str)) {
    let (origin, gateway) = scene(&switched(negotiated), config).await;
    let mut socket = open(&gateway, negotiated).await;
    for one in frames {
        socket.write_all(one).await.unwrap();
    }
    socket.flush().await.unwrap();
    let mut rest = Vec::new();
    let reading = tokio::time::timeout(Duration::from_secs(20), socket.read_to_end(&mut rest)).await;
    assert!(reading.is_ok(), "the connection ends: {rest:x?}");
    let end = code.to_be_bytes();
    assert!(rest.len() >= 4 && rest[0] == 0x88 && rest[2..4] == end, "{code}: {rest:x?} {frames:x?}");
    let close = [&[0x88, 0x82, 0, 0, 0, 0], &end[..]].concat();
    let expected = [frames[..passing].concat(), close.clone()].concat();
    assert_eq!(origin.received(&close).await, expected, "{code}: {frames:x?}");
    let incidents = gateway.incidents();
    // Half a number may look like something that is only logged.
    let blocks = incidents.iter().filter(|incident| incident["decision"] == "block").count();
    assert_eq!(blocks, usize::from(code == 1008), "{incidents:?}");
    assert!(incidents.iter().all(|incident| !incident.to_string().contains("0007")), "{incidents:?}");
}

const DEFLATE: &str = "Sec-WebSocket-Extensions: permessage-deflate\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn clean_messages_arrive_as_they_were_sent() {
    let large: Vec<u8> = b"all work and no play makes a dull day\n".iter().copied().cycle().take(60_000).collect();
    passes(
        &[
            frame(0x81, b"good morning"),
            frame(0x82, &[0, 1, 2, 0xff]),
            frame(0x01, b"in "),
            frame(0x00, b"three "),
            frame(0x80, b"parts"),
            frame(0x81, b""),
            frame(0x89, b"still there?"),
            frame(0x82, &large),
        ],
        "",
    )
    .await;
    let mut state = Compress::new(Compression::best(), false);
    let compressed: Vec<_> = [&large[..], b"more of the same", b"all work and no play"]
        .iter()
        .map(|text| frame(0xc1, &deflated(&mut state, text)))
        .chain([frame(0x81, b"a plain one")])
        .collect();
    passes(&compressed, DEFLATE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sensitive_messages_do_not_leave() {
    let plain = ("", "");
    let first = frame(0x81, b"good morning");
    is_closed(&[first.clone(), frame(0x81, CARD)], 1, 1008, plain).await;
    is_closed(&[frame(0x82, CARD)], 0, 1008, plain).await;
    // Pings, pongs and the reason of a close frame are messages as well.
    is_closed(&[first.clone(), frame(0x89, CARD)], 1, 1008, plain).await;
    is_closed(&[frame(0x8a, CARD)], 0, 1008, plain).await;
    is_closed(&[frame(0x88, &[&1000u16.to_be_bytes()[..], CARD].concat())], 0, 1008, plain).await;
    // A number in several of them.
    let (one, two) = CARD.split_at(45);
    is_closed(&[first.clone(), frame(0x89, one), frame(0x89, two)], 2, 1008, plain).await;
    // A number cut by a frame, and another message's worth of text before it.
    let (one, two) = CARD.split_at(45);
    is_closed(&[frame(0x01, one), frame(0x80, two)], 0, 1008, plain).await;
    // A number in two messages, and one that is written letter by letter.
    is_closed(&[frame(0x81, one), frame(0x81, two)], 1, 1008, plain).await;
    let [one, two] =
        [one, two].map(|half| format!("{{\"op\":\"write\",\"text\":{:?}}}", String::from_utf8_lossy(half)));
    is_closed(&[frame(0x81, one.as_bytes()), frame(0x81, two.as_bytes())], 1, 1008, plain).await;
    let words: Vec<_> = CARD.split(|byte| *byte == b' ').collect();
    let completing = words.iter().position(|word| word.starts_with(b"1234")).unwrap();
    let frames: Vec<_> = words[..=completing].iter().map(|word| frame(0x81, word)).collect();
    is_closed(&frames, completing, 1008, plain).await;
    let json = format!("42[\"message\",{{\"text\":\"{}\"}}]", String::from_utf8_lossy(CARD).trim());
    is_closed(&[frame(0x81, json.as_bytes())], 0, 1008, plain).await;
    let mut state = Compress::new(Compression::best(), false);
    let clean = frame(0xc1, &deflated(&mut state, b"a message before"));
    let secret = deflated(&mut state, CARD);
    let (one, two) = secret.split_at(10);
    is_closed(&[clean, frame(0x41, one), frame(0x80, two)], 1, 1008, (DEFLATE, "")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ping_does_not_wait_for_a_message() {
    let (origin, gateway) = scene(&switched(""), "").await;
    let mut socket = open(&gateway, "").await;
    let (start, ping, end) = (frame(0x01, b"a "), frame(0x89, b"x"), frame(0x80, b"message"));
    socket.write_all(&[start.clone(), ping.clone()].concat()).await.unwrap();
    socket.flush().await.unwrap();
    assert_eq!(origin.received(&ping).await, ping, "the message is held, the ping is not");
    socket.write_all(&end).await.unwrap();
    socket.flush().await.unwrap();
    assert_eq!(origin.received(&end).await, [ping, start, end].concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_control_frame_shows_is_recorded_once() {
    let (origin, gateway) = scene(&switched(""), "").await;
    let mut socket = open(&gateway, "").await;
    // It goes on, and is judged again with each one that follows.
    let telling = frame(0x89, b"please write to anna.kowalska@corp-mail.pl");
    let mut sent = telling.clone();
    socket.write_all(&telling).await.unwrap();
    for letter in b'a'..=b'h' {
        let ping = frame(0x89, &[b' ', letter]);
        socket.write_all(&ping).await.unwrap();
        sent.extend_from_slice(&ping);
    }
    let last = frame(0x89, b" good evening");
    socket.write_all(&last).await.unwrap();
    socket.flush().await.unwrap();
    assert_eq!(origin.received(&last).await, [sent, last].concat());
    let incidents = gateway.incidents();
    assert_eq!(incidents.len(), 1, "{incidents:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_standard_forbids_ends_the_connection() {
    let small = ("", "limits.websocket_message = \"1KiB\"");
    let unmasked = b"\x81\x02hi".to_vec();
    is_closed(&[unmasked], 0, 1002, ("", "")).await;
    is_closed(&[frame(0xc1, b"x")], 0, 1002, ("", "")).await;
    is_closed(&[frame(0x91, b"x")], 0, 1002, ("", "")).await;
    is_closed(&[frame(0x83, b"x")], 0, 1002, ("", "")).await;
    is_closed(&[frame(0x80, b"x")], 0, 1002, ("", "")).await;
    is_closed(&[frame(0x81, b"\xff\xfe")], 0, 1007, ("", "")).await;
    is_closed(&[frame(0xc1, b"\x07\xff")], 0, 1007, (DEFLATE, "")).await;
    is_closed(&[frame(0x82, &[0; 1025])], 0, 1009, small).await;
    let bomb = deflated(&mut Compress::new(Compression::best(), false), &[b'a'; 60_000]);
    is_closed(&[frame(0xc1, &bomb)], 0, 1009, (DEFLATE, small.1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn handshakes_that_are_not_agreed_on_switch_nothing() {
    let rows = [
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned(), "", 404),
        (switched("").replace("ACCEPT", "AAAA"), "", 502),
        (switched("").replace("Upgrade: websocket\r\n", ""), "", 502),
        (switched(DEFLATE), "", 502),
        (switched("Sec-WebSocket-Extensions: x-mux\r\n"), "Sec-WebSocket-Extensions: x-mux\r\n", 502),
    ];
    for (answer, fields, expected) in rows {
        let (origin, gateway) = scene(&answer, "").await;
        let request = handshake(fields).replace("Connection: Upgrade", "Connection: Upgrade, close");
        let got = gateway.https(&format!("{HOST}:443"), request.as_bytes()).await;
        assert_eq!(status(&got), expected, "{answer}: {got}");
        assert!(origin.received.lock().unwrap().is_empty());
    }
    let (_origin, gateway) = scene(&switched(""), "").await;
    for (from, to) in [
        ("Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 8"),
        ("GET ", "POST "),
        ("Upgrade: websocket", "Upgrade: websocket\r\nUpgrade: h2c"),
        ("Upgrade: websocket", "Upgrade: spdy"),
    ] {
        let request = handshake("").replace(from, to).replace("Connection: Upgrade", "Connection: Upgrade, close");
        let got = gateway.https(&format!("{HOST}:443"), request.as_bytes()).await;
        assert_eq!(status(&got), 501, "{to}: {got}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_ahead_of_the_switch_reach_nobody() {
    let (origin, gateway) = scene(&switched(""), "").await;
    let early = [handshake("").as_bytes(), &frame(0x81, CARD), &frame(0x81, b"\r\n\r\n")].concat();
    let _ = gateway.https(&format!("{HOST}:443"), &early).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(origin.received.lock().unwrap().as_slice(), b"");
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_to_the_organisation_pass_and_messages_to_a_refused_host_do_not_begin() {
    let config = format!("tenant.corporate.hosts = [\"{HOST}\"]");
    let (origin, gateway) = scene(&switched(""), &config).await;
    let mut socket = open(&gateway, "").await;
    let message = frame(0x81, CARD);
    socket.write_all(&message).await.unwrap();
    socket.flush().await.unwrap();
    assert_eq!(origin.received(&message).await, message);
    let request = handshake("").replace(HOST, "mega.nz").replace("Connection: Upgrade", "Connection: Upgrade, close");
    assert_eq!(status(&gateway.https("mega.nz:443", request.as_bytes()).await), 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_ends_with_the_access_of_its_user() {
    let (_origin, gateway) = scene(&switched(""), "").await;
    let mut socket = open(&gateway, "").await;
    let users = gateway.state().join("users");
    std::fs::write(&users, format!("anna:{}\n", "0".repeat(64))).unwrap();
    let mut reloaded = dlp_proxy::config::Config::default();
    reloaded.identity.anonymous = dlp_proxy::config::AnonymousAccess::Deny;
    reloaded.identity.users = Some(users);
    gateway.reloader.reload(&reloaded).unwrap();
    let mut byte = [0];
    let ended = tokio::time::timeout(Duration::from_secs(1), socket.read(&mut byte)).await;
    assert!(matches!(ended, Ok(Ok(0) | Err(_))), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_the_origin_are_judged_where_downloads_are() {
    for (settings, is_refused) in [("", false), ("inspection.downloads = \"inspect\"", true)] {
        let (_origin, gateway) = scene(&switched("X-Tells: yes\r\n"), settings).await;
        let mut tls = open(&gateway, "").await;
        let mut got = Vec::new();
        let mut piece = [0; 1024];
        while let Ok(Ok(count)) = tokio::time::timeout(Duration::from_secs(2), tls.read(&mut piece)).await
            && count > 0
        {
            got.extend_from_slice(&piece[..count]);
        }
        if is_refused {
            // A close frame with code 1008, and nothing of the message.
            assert!(got[0] == 0x88 && got[2..4] == 1008u16.to_be_bytes(), "{got:?}");
            assert_eq!(gateway.incidents()[0]["activity"], "download");
        } else {
            assert_eq!(got, told());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn compressed_messages_of_the_origin_are_judged_too() {
    let tells = "X-Tells-Compressed: yes\r\n";
    for inspects in [true, false] {
        let settings = if inspects { "inspection.downloads = \"inspect\"" } else { "" };
        let (_origin, gateway) = scene(&switched(&format!("{DEFLATE}{tells}")), settings).await;
        let mut tls = open(&gateway, DEFLATE).await;
        let [clean, card] = told_compressed();
        let mut got = vec![0; clean.len()];
        tls.read_exact(&mut got).await.unwrap();
        assert_eq!(got, clean, "what may pass is as it was");
        let mut next = vec![0; 4];
        tls.read_exact(&mut next).await.unwrap();
        if inspects {
            assert!(next[0] == 0x88 && next[2..] == 1008u16.to_be_bytes(), "{next:x?}");
            assert_eq!(gateway.incidents()[0]["activity"], "download");
        } else {
            assert_eq!(next, card[..4]);
        }
    }
}
