//! Connections frame by frame: floods, malformed streams, and clients that do what no library does.

use super::support::{Running, TestCa};
use super::{HOST, Origin, client, put, scene};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

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

/// An origin, a gateway that holds bodies up to 64 KiB, and a connection through it.
async fn refusing_early() -> (Origin, Running, impl AsyncRead + AsyncWrite + Unpin) {
    let ca = TestCa::new();
    let origin = Origin::start(&ca, &["h2"]).await;
    let config =
        format!("inspection.gate_max = \"64KiB\"\nresolver.override = {{ \"{HOST}\" = \"{}\" }}", origin.address);
    let gateway = Running::start(&ca, &config).await;
    let tls = gateway.tls_offering(&format!("{HOST}:443"), &["h2"]).await.unwrap();
    (origin, gateway, tls)
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
    let (origin, _gateway, mut tls) = refusing_early().await;
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
    let (_origin, _gateway, mut tls) = refusing_early().await;
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
