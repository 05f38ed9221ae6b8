//! What origins send is inspected where that is asked for.
#![allow(clippy::unwrap_used)]

mod support;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use support::{Running, TestCa, find, status};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const CARD: &str = "Charge my credit card 4000 0100 0007 1234, please.";

/// An origin that gives one answer to everything, and keeps the heads of requests.
async fn origin(answer: Vec<u8>) -> (SocketAddr, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen: Arc<Mutex<Vec<u8>>> = Arc::default();
    let log = seen.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while find(&head, b"\r\n\r\n").is_none() {
                head.push(stream.read_u8().await.unwrap());
            }
            log.lock().unwrap().extend(head);
            let _ = stream.write_all(&answer).await;
        }
    });
    (address, seen)
}

fn with_length(kind: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into()
}

fn chunked(kind: &str, body: &str, trailers: &str) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n");
    format!("{head}{:x}\r\n{body}\r\n0\r\n{trailers}\r\n", body.len()).into()
}

async fn fetch(answer: Vec<u8>, settings: &str, fields: &str) -> (String, Running, String) {
    let (address, seen) = origin(answer).await;
    let config = format!("resolver.override = {{ \"files.example\" = \"{address}\" }}\n{settings}");
    let gateway = Running::start(&TestCa::new(), &config).await;
    let head = "GET http://files.example/list HTTP/1.1\r\nHost: files.example\r\nConnection: close\r\n";
    let got = gateway.raw(format!("{head}{fields}\r\n").as_bytes()).await;
    let seen = String::from_utf8(seen.lock().unwrap().clone()).unwrap().to_ascii_lowercase();
    (got, gateway, seen)
}

const INSPECT: &str = "inspection.downloads = \"inspect\"";

#[tokio::test(flavor = "multi_thread")]
async fn downloads_are_inspected_when_asked_to() {
    let harmless = "The minutes of the meeting. ".repeat(8192);
    let hidden = format!("{harmless}{CARD}");
    let rows = [
        (with_length("text/plain", CARD), "", 200),
        (with_length("text/plain", CARD), INSPECT, 403),
        (with_length("text/plain", &hidden), INSPECT, 403),
        (chunked("text/plain", &hidden, ""), INSPECT, 403),
        (with_length("text/plain", &harmless), INSPECT, 200),
        (chunked("text/plain", &harmless, ""), INSPECT, 200),
        (with_length("text/plain", ""), INSPECT, 200),
    ];
    for (answer, settings, expected) in rows {
        let shown = String::from_utf8_lossy(&answer[..60]).into_owned();
        let body = answer[find(&answer, b"\r\n\r\n").unwrap() + 4..].to_vec();
        let (got, gateway, _) = fetch(answer, settings, "").await;
        assert_eq!(status(&got), expected, "{shown}: {settings}");
        let body = String::from_utf8(body).unwrap();
        match expected {
            200 => assert!(got.ends_with(&body) || got.contains(body.lines().nth(1).unwrap()), "{shown}"),
            _ => {
                assert!(!got.contains("0007"), "{got}");
                assert_eq!(gateway.incidents().len(), 1, "{shown}");
                assert_eq!(gateway.incidents()[0]["activity"], "download", "{shown}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_document_is_asked_for_and_trailers_stay() {
    let fields = "Range: bytes=5-9\r\nIf-Range: \"a\"\r\nTE: trailers\r\n";
    let answer = chunked("text/plain", "good morning", "X-Sum: 7\r\n");
    let (got, _, seen) = fetch(answer.clone(), INSPECT, fields).await;
    assert!(status(&got) == 200 && !seen.contains("range:"), "{seen}");
    let (as_it_comes, _, seen) = fetch(answer, "", fields).await;
    assert!(seen.contains("\r\nrange: bytes=5-9\r\n"), "{seen}");
    assert_eq!(got.to_ascii_lowercase().contains("x-sum: 7"), as_it_comes.to_ascii_lowercase().contains("x-sum: 7"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_to_be_held_is_a_question_of_policy() {
    let large = "Nothing to see. ".repeat(16 * 1024);
    let settings = format!("{INSPECT}\ninspection.gate_max = \"64KiB\"\npolicy.files = [\"{{dir}}/p.toml\"]");
    for (fail_mode, expected) in [("open", 200), ("closed", 403)] {
        for answer in [with_length("text/plain", &large), chunked("text/plain", &large, "")] {
            let dir = tempfile::tempdir().unwrap();
            let policy = format!(
                "[policy]\nid = \"p\"\ntitle = \"P\"\nversion = 1\nstage = \"block\"\ndefault = \"log\"\n\
                 fail_mode = \"{fail_mode}\"\n[[rule]]\nid = \"cards\"\ntitle = \"Cards\"\nseverity = \"high\"\n\
                 channel = {{ activities = [\"download\"] }}\nwhat = {{ categories = [\"finance\"], unique_min = 1 }}\n\
                 action = {{ decision = \"block\", fail_mode = \"{fail_mode}\" }}\n"
            );
            std::fs::write(dir.path().join("p.toml"), policy).unwrap();
            let (address, _) = origin(answer).await;
            let config = format!("resolver.override = {{ \"files.example\" = \"{address}\" }}\n{settings}");
            let gateway = Running::start_in(dir, &TestCa::new(), &config).await;
            let get = "GET http://files.example/ HTTP/1.1\r\nHost: files.example\r\nConnection: close\r\n\r\n";
            let got = gateway.raw(get.as_bytes()).await;
            assert_eq!(status(&got), expected, "{fail_mode}");
            assert!(expected != 200 || got.matches("Nothing to see. ").count() == 16 * 1024, "all of it arrives");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_judged_one_by_one() {
    let harmless = "data: Good morning.\n\n".repeat(300);
    let card = format!("data: {CARD}\n\n");
    let (begin, end) = CARD.split_at(30);
    // Events, settings, and what does not reach the client.
    let rows = [
        (harmless.clone(), INSPECT, None),
        (format!("{harmless}{card}"), "", None),
        (format!("{harmless}{card}data: after\n\n"), INSPECT, Some("0007")),
        (card.replace('\n', "\r\n"), INSPECT, Some("0007")),
        (format!("data: {begin}{end}"), INSPECT, Some("0007")),
        (format!("{}{card}", "x".repeat(70_000)), INSPECT, Some("0007")),
    ];
    for (events, settings, hidden) in rows {
        let (got, gateway, _) = fetch(chunked("text/event-stream", &events, ""), settings, "").await;
        assert_eq!(status(&got), 200);
        match hidden {
            Some(hidden) => {
                assert!(!got.contains(hidden) && !got.contains("after"), "{got}");
                assert_eq!(gateway.incidents()[0]["activity"], "download");
            }
            None => assert_eq!(got.matches("data: ").count(), events.matches("data: ").count()),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_is_written_bit_by_bit_is_found() {
    let bits = |wrap: &dyn Fn(&str) -> String| {
        let words = ["My credit card", " number is ", "40", "00 01", "00 0007", " 1234", ", thank", " you"];
        words.map(|bit| format!("data: {}\n\n", wrap(bit))).concat()
    };
    let openai = |bit: &str| {
        format!(
            "{{\"id\":\"c-1\",\"object\":\"chunk\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{bit}\"}}}}]}}"
        )
    };
    let plain = |bit: &str| bit.to_owned();
    for events in [bits(&openai), bits(&plain)] {
        let (got, gateway) = listen(events, "", tempfile::tempdir().unwrap()).await;
        assert!(got.contains("0007") && !got.contains("1234") && !got.contains("thank"), "{got}");
        assert_eq!(gateway.incidents().len(), 1);
        assert_eq!(gateway.incidents()[0]["activity"], "download");
    }
}

/// Asks for events that come one by one; gives all that arrives.
async fn listen(events: String, settings: &str, dir: tempfile::TempDir) -> (String, Running) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while find(&head, b"\r\n\r\n").is_none() {
            head.push(stream.read_u8().await.unwrap());
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n").await.unwrap();
        for event in events.split_inclusive("\n\n") {
            let _ = stream.write_all(event.as_bytes()).await;
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
    });
    let config = format!("resolver.override = {{ \"files.example\" = \"{address}\" }}\n{INSPECT}\n{settings}");
    let gateway = Running::start_in(dir, &TestCa::new(), &config).await;
    let get = b"GET http://files.example/ HTTP/1.1\r\nHost: files.example\r\nConnection: close\r\n\r\n";
    (gateway.raw(get).await, gateway)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_told_of_once_however_many_events_it_has() {
    let policy = "[policy]\nid = \"p\"\ntitle = \"P\"\nversion = 1\nstage = \"block\"\ndefault = \"allow\"\nfail_mode = \"open\"\n\
                  [[rule]]\nid = \"cards\"\ntitle = \"Cards\"\nwhat = { categories = [\"finance\"], unique_min = 1 }\n\
                  action = { decision = \"log\", fail_mode = \"open\" }\n";
    // A value that nobody has published, or it would be low.
    let other = "Or my credit card 4716 2385 0194 7264, please.";
    for (texts, expected) in [
        (["Good morning.", CARD, "Good day.", CARD, "Good night."], 1),
        (["Good morning.", CARD, other, CARD, other], 2),
    ] {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("p.toml"), policy).unwrap();
        let events: String = texts.map(|text| format!("data: {text}\n\n")).concat();
        let (got, gateway) = listen(events, "policy.files = [\"{dir}/p.toml\"]", dir).await;
        assert_eq!(got.matches("data: ").count(), 5, "{got}");
        let incidents = gateway.incidents();
        assert_eq!(incidents.len(), expected, "{incidents:?}");
        assert!(incidents.iter().all(|incident| incident["decision"] == "log"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_event_shows_weakly_hides_nothing_of_the_text() {
    let dir = tempfile::tempdir().unwrap();
    let policy = "[policy]\nid = \"p\"\ntitle = \"P\"\nversion = 1\nstage = \"block\"\ndefault = \"allow\"\nfail_mode = \"open\"\n\
                  [[rule]]\nid = \"cards\"\ntitle = \"Cards\"\n\
                  what = { detectors = [\"finance.card.pan\"], confidence_min = \"high\", unique_min = 1 }\n\
                  action = { decision = \"block\", fail_mode = \"open\" }\n";
    std::fs::write(dir.path().join("p.toml"), policy).unwrap();
    let bits =
        ["{\"id\":\"4111 1111 1111 1111\"}", "{\"t\":\"my credit card 4000 0100 \"}", "{\"t\":\"0007 1234 please\"}"];
    let events = bits.map(|bit| format!("data: {bit}\n\n")).concat();
    let (got, gateway) = listen(events, "policy.files = [\"{dir}/p.toml\"]", dir).await;
    assert!(got.contains("4111") && got.contains("0100") && !got.contains("0007 1234"), "{got}");
    assert_eq!(gateway.incidents().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn values_are_counted_over_the_events_of_an_answer() {
    let policy = "[policy]\nid = \"p\"\ntitle = \"P\"\nversion = 1\nstage = \"block\"\ndefault = \"allow\"\nfail_mode = \"open\"\n\
                  [[rule]]\nid = \"addresses\"\ntitle = \"Addresses\"\n\
                  what = { detectors = [\"pii.intl.email\"], confidence_min = \"low\", unique_min = 3 }\n\
                  action = { decision = \"block\", fail_mode = \"open\" }\n";
    let filler = "All work and no play makes a dull day. ".repeat(200);
    let event = |name: &str| format!("data: Write to {name}@corp-mail.pl about {filler}\n\n");
    let bits = |name: &str| {
        ["Write to ", name, "@corp-mail.pl", " or "].map(|bit| format!("data: {{\"t\":\"{bit}\"}}\n\n")).concat()
    };
    let rows: [(Vec<String>, &[&str], &[&str]); 3] = [
        (["anna", "jan", "ewa", "olga"].map(event).to_vec(), &["anna", "jan"], &["ewa", "olga"]),
        (["anna", "jan", "anna", "jan"].map(event).to_vec(), &["anna", "jan"], &[]),
        (["anna", "jan", "ewa", "olga"].map(bits).to_vec(), &["anna", "jan", "ewa"], &["olga"]),
    ];
    for (events, passing, stopped) in rows {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("p.toml"), policy).unwrap();
        let (got, gateway) = listen(events.concat(), "policy.files = [\"{dir}/p.toml\"]", dir).await;
        assert!(
            passing.iter().all(|name| got.contains(name)) && !stopped.iter().any(|name| got.contains(name)),
            "{got}"
        );
        assert_eq!(gateway.incidents().len(), usize::from(!stopped.is_empty()));
    }
}

/// Compresses a piece, up to its end.
type Encode = Box<dyn FnMut(&str) -> Vec<u8> + Send>;

fn gzip_pieces() -> Encode {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    Box::new(move |piece| {
        std::io::Write::write_all(&mut encoder, piece.as_bytes()).unwrap();
        std::io::Write::flush(&mut encoder).unwrap();
        std::mem::take(encoder.get_mut())
    })
}

/// Blocks that are not packed, in a frame with a window of 1 MiB.
fn zstd_pieces() -> Encode {
    let mut frame = b"\x28\xb5\x2f\xfd\x00\x50".to_vec();
    Box::new(move |piece| {
        frame.extend_from_slice(&u32::try_from(piece.len() << 3).unwrap().to_le_bytes()[..3]);
        frame.extend_from_slice(piece.as_bytes());
        std::mem::take(&mut frame)
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn compressed_events_go_one_by_one() {
    for (coding, encode) in [("gzip", gzip_pieces()), ("zstd", zstd_pieces())] {
        go_one_by_one(coding, encode).await;
    }
}

async fn go_one_by_one(coding: &'static str, mut encode: Encode) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (next, mut asked) = tokio::sync::mpsc::channel::<String>(1);
    let (heads, mut head_of) = tokio::sync::mpsc::channel::<String>(1);
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while find(&head, b"\r\n\r\n").is_none() {
            head.push(stream.read_u8().await.unwrap());
        }
        heads.send(String::from_utf8(head).unwrap()).await.unwrap();
        let fields = format!("Content-Type: text/event-stream\r\nContent-Encoding: {coding}");
        stream.write_all(format!("HTTP/1.1 200 OK\r\n{fields}\r\n\r\n").as_bytes()).await.unwrap();
        while let Some(event) = asked.recv().await {
            let _ = stream.write_all(&encode(&event)).await;
        }
        std::future::pending::<()>().await;
    });
    let config = format!("resolver.override = {{ \"files.example\" = \"{address}\" }}\n{INSPECT}");
    let gateway = Running::start(&TestCa::new(), &config).await;
    let mut client = tokio::net::TcpStream::connect(gateway.proxy).await.unwrap();
    let fields = format!("Host: files.example\r\nAccept-Encoding: {coding}, dcb");
    client.write_all(format!("GET http://files.example/e HTTP/1.1\r\n{fields}\r\n\r\n").as_bytes()).await.unwrap();
    let asked = head_of.recv().await.unwrap().to_ascii_lowercase();
    assert!(asked.contains(&format!("\r\naccept-encoding: {coding}\r\n")), "{asked}");
    let mut got = Vec::new();
    for word in ["first", "second"] {
        next.send(format!("data: {word}\n\n")).await.unwrap();
        let reading = async {
            while find(&got, word.as_bytes()).is_none() {
                got.push(client.read_u8().await.unwrap());
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(20), reading).await.expect("the event arrives");
    }
    assert!(find(&got.to_ascii_lowercase(), b"content-encoding").is_none());
    next.send(format!("data: {CARD}\n\n")).await.unwrap();
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(std::time::Duration::from_secs(20), client.read_to_end(&mut rest)).await;
    assert!(ended.is_ok() && find(&rest, b"0007").is_none(), "{ended:?}");
    assert_eq!(gateway.incidents().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn compressed_events_that_break_off_are_no_whole_answer() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut encoder, b"data: good morning\n\n").unwrap();
    std::io::Write::flush(&mut encoder).unwrap();
    let begun = encoder.get_ref().clone();
    for (body, is_whole) in [(encoder.finish().unwrap(), true), (begun, false)] {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\n";
        let head = format!("{head}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n", body.len());
        let answer = [head.as_bytes(), &body, b"\r\n0\r\n\r\n"].concat();
        let (got, ..) = fetch(answer, INSPECT, "Accept-Encoding: gzip\r\n").await;
        assert!(got.contains("good morning") || !is_whole, "{got}");
        assert_eq!(got.ends_with("0\r\n\r\n"), is_whole, "{got}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_does_not_wait_for_the_next_one() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        // An answer ahead of its request would be none.
        let mut request = Vec::new();
        while find(&request, b"\r\n\r\n").is_none() {
            request.push(stream.read_u8().await.unwrap());
        }
        let head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: first\n\ndata: sec";
        stream.write_all(head).await.unwrap();
        std::future::pending::<()>().await;
    });
    let config = format!("resolver.override = {{ \"files.example\" = \"{address}\" }}\n{INSPECT}");
    let gateway = Running::start(&TestCa::new(), &config).await;
    let mut client = tokio::net::TcpStream::connect(gateway.proxy).await.unwrap();
    client.write_all(b"GET http://files.example/e HTTP/1.1\r\nHost: files.example\r\n\r\n").await.unwrap();
    let mut got = Vec::new();
    let reading = async {
        while find(&got, b"data: first\n\n").is_none() {
            got.push(client.read_u8().await.unwrap());
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), reading).await.expect("the first event arrives");
    assert!(find(&got, b"data: sec").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_download_is_a_block_in_the_log_and_in_the_numbers() {
    let settings = format!("{INSPECT}\nadmin.request_log = \"{{dir}}/requests.jsonl\"");
    let (got, gateway, _) = fetch(with_length("text/plain", CARD), &settings, "").await;
    assert_eq!(status(&got), 403);
    let path = gateway.state().join("requests.jsonl");
    let mut line = String::new();
    for _ in 0..200 {
        line = std::fs::read_to_string(&path).unwrap_or_default();
        if line.ends_with('\n') {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&line["decision"], &line["activity"]), (&"block".into(), &"download".into()), "{line}");
    let metrics = gateway.admin("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n").await;
    assert!(metrics.contains("dlp_overhead_seconds_count 1"), "{metrics}");
    let shown = |name: &str| metrics.lines().any(|line| line.starts_with(name));
    assert!(shown("dlp_ca_not_after_seconds 2") && shown("dlp_transfers_open 0"), "{metrics}");
}
