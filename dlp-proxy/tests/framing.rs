//! Requests with more than one reading are refused before anything of them leaves.

mod support;

use support::{Origin, Running, TestCa, status};

/// One row: what follows the request line, with `|` for CR LF, and the refusal's status and reason.
type Row = (&'static str, u16, &'static str);

const HEADS: [Row; 22] = [
    ("Host: H|Content-Length: 3|Transfer-Encoding: chunked||0||", 400, "length_and_chunked"),
    ("Host: H|Transfer-Encoding: chunked|Content-Length: 3||0||", 400, "length_and_chunked"),
    ("Host: H|Content-Length: 3|Content-Length: 4||abcd", 400, "content_length_repeated"),
    ("Host: H|Content-Length: 3|Content-Length: 3||abc", 400, "content_length_repeated"),
    ("Host: H|Content-Length: 3, 3||abc", 400, "content_length"),
    ("Host: H|Content-Length: +3||abc", 400, "content_length"),
    ("Host: H|Transfer-Encoding: gzip, chunked||0||", 400, "transfer_encoding"),
    ("Host: H|Transfer-Encoding: identity||", 400, "transfer_encoding"),
    ("Host: H|Transfer-Encoding: chunked|Transfer-Encoding: chunked||0||", 400, "transfer_encoding_repeated"),
    ("Host: H|Transfer-Encoding : chunked||0||", 400, "field_name"),
    ("Host: H|X: a| b||", 400, "folded_field"),
    (" Host: H||", 400, "folded_field"),
    ("Host: H|X: a\rb||", 400, "bare_line_end"),
    ("Host: H\nX: a||", 400, "bare_line_end"),
    ("Host: H|X: a\0b||", 400, "not_http"),
    ("Host: H|Host: H||", 400, "host_repeated"),
    ("X: y||", 400, "host_missing"),
    ("Host: u@H||", 400, "host"),
    ("Host: H|Connection: Content-Length|Content-Length: 3||abc", 400, "connection_nomination"),
    ("Host: H|Content_Length: 3||", 400, "underscore_field"),
    ("Host: H|Expect: something||", 417, "expect"),
    ("Host: H|Content-Type: a/b|Content-Type: c/d||", 400, "content_fields_differ"),
];

const LINES: [Row; 9] = [
    ("POST / HTTP/1.0|Host: H|Transfer-Encoding: chunked||0||", 400, "chunked_http_10"),
    ("GET / HTTP/0.9|Host: H||", 400, "version"),
    ("GET / HTTP/2.0|Host: H||", 505, "version"),
    ("GET / HTTP/1.1 |Host: H||", 400, "request_line"),
    ("GET  / HTTP/1.1|Host: H||", 400, "request_line"),
    ("GET /|Host: H||", 400, "request_line"),
    ("G@T / HTTP/1.1|Host: H||", 400, "request_line"),
    ("AMETHODTHATISLONGERTHANTHIRTYTWOBYTES / HTTP/1.1|Host: H||", 501, "method_too_long"),
    ("\x16\x03\x01|", 400, "not_http"),
];

const BODIES: [&str; 8] = [
    "0x3|abc|0||",
    "3 |abc|0||",
    "3\nabc\n0\n\n",
    "3|abcd|0||",
    "3|ab|0||",
    "3;a\nb|abc|0||",
    "10000000000000000|",
    "3|abc|0|GET / HTTP/1.1||",
];

const HOST: &str = "site.example";
/// Must never be read as a request of its own.
const HIDDEN: &str = "GET /hidden HTTP/1.1\r\nHost: site.example\r\n\r\n";

fn wire(text: &str) -> Vec<u8> {
    text.replace('|', "\r\n")
        .replace("Host: H", &format!("Host: {HOST}"))
        .replace("@H", &format!("@{HOST}"))
        .into_bytes()
}

async fn scene() -> (Origin, Running) {
    let ca = TestCa::new();
    let origin = Origin::tls(ca.server(&[HOST], |_| {})).await;
    let gateway = Running::start(&ca, &format!("resolver.override = {{ \"{HOST}\" = \"{}\" }}", origin.address)).await;
    (origin, gateway)
}

async fn check(gateway: &Running, bytes: &[u8], code: u16, reason: &str) {
    let bytes = [bytes, HIDDEN.as_bytes()].concat();
    let answer = gateway.https("site.example:443", &bytes).await;
    let shown = String::from_utf8_lossy(&bytes).into_owned();
    assert_eq!(status(&answer), code, "{shown:?}: {answer}");
    assert!(answer.to_ascii_lowercase().contains(&format!("x-dlp-reason: {reason}\r\n")), "{shown:?}: {answer}");
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{shown:?}: one answer, then the end: {answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ambiguous_heads_are_refused_and_nothing_leaves() {
    let (origin, gateway) = scene().await;
    for (fields, code, reason) in HEADS {
        check(&gateway, &wire(&format!("POST / HTTP/1.1|{fields}")), code, reason).await;
    }
    for (text, code, reason) in LINES {
        check(&gateway, &wire(text), code, reason).await;
    }
    assert_eq!(String::from_utf8_lossy(&origin.all()), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_holds_on_the_proxy_port() {
    let (_origin, gateway) = scene().await;
    for (fields, code, reason) in HEADS {
        let text = format!("POST http://site.example/ HTTP/1.1|{fields}");
        let answer = gateway.raw(&wire(&text)).await;
        assert_eq!(status(&answer), code, "{text:?}: {answer}");
        assert!(answer.contains(reason), "{text:?}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_chunks_are_refused_and_nothing_leaves() {
    let (origin, gateway) = scene().await;
    for body in BODIES {
        let head = "PUT / HTTP/1.1|Host: H|Transfer-Encoding: chunked||";
        check(&gateway, &wire(&format!("{head}{body}")), 400, "body_broken").await;
    }
    assert_eq!(String::from_utf8_lossy(&origin.all()), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_request_behind_a_good_one_is_answered_in_order() {
    let (origin, gateway) = scene().await;
    let good = "GET /good HTTP/1.1|Host: H||";
    let bad = "POST /bad HTTP/1.1|Host: H|Content-Length: 3|Transfer-Encoding: chunked||0||";
    let answer = gateway.https("site.example:443", &wire(&format!("{good}{bad}{good}"))).await;
    let codes: Vec<_> = answer.match_indices("HTTP/1.1 ").map(|(at, _)| &answer[at + 9..at + 12]).collect();
    assert_eq!(codes, ["200", "400"], "{answer}");
    assert_eq!(String::from_utf8_lossy(&origin.all()).matches("GET /good").count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_is_a_body_whatever_the_method() {
    for method in ["GET", "HEAD", "DELETE", "OPTIONS", "PROPFIND"] {
        let (origin, gateway) = scene().await;
        let length = HIDDEN.len();
        let chunks = format!("Transfer-Encoding: chunked\r\n\r\n{length:x}\r\n{HIDDEN}\r\n0\r\n\r\n");
        for framed in [format!("Content-Length: {length}\r\n\r\n{HIDDEN}"), chunks] {
            let request = format!("{method} /own HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n{framed}");
            let answer = gateway.https("site.example:443", request.as_bytes()).await;
            assert_eq!((status(&answer), answer.matches("HTTP/1.1 ").count()), (200, 1), "{request}: {answer}");
        }
        let seen = String::from_utf8_lossy(&origin.all()).into_owned();
        // What was sent as a body arrives as one, with its length before it.
        assert_eq!(seen.matches(&format!("{method} /own HTTP/1.1")).count(), 2, "{seen}");
        let lengths = seen.to_ascii_lowercase().matches(&format!("content-length: {length}\r\n")).count();
        assert_eq!((lengths, seen.matches("\r\n\r\nGET /hidden").count()), (2, 2), "{seen}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_read_behind_the_last_request() {
    let (origin, gateway) = scene().await;
    let last = "GET /last HTTP/1.1|Host: H|X: y|Connection: x, CLOSE||";
    let answer = gateway.https("site.example:443", &[wire(last), HIDDEN.as_bytes().to_vec()].concat()).await;
    assert_eq!((status(&answer), answer.matches("HTTP/1.1 ").count()), (200, 1), "{answer}");
    assert!(!String::from_utf8_lossy(&origin.all()).contains("hidden"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_length_costs_nothing_and_completes_nothing() {
    let (origin, gateway) = scene().await;
    let head = format!("PUT / HTTP/1.1|Host: H|Content-Length: {}||abc", u64::MAX);
    // The client goes away in the middle, as nobody could send so much.
    let answer = gateway.https("site.example:443", &wire(&head)).await;
    assert!(answer.is_empty() || status(&answer) >= 400, "{answer}");
    assert_eq!(String::from_utf8_lossy(&origin.all()), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_to_connect_has_no_framing() {
    let (_origin, gateway) = scene().await;
    // What follows is neither TLS nor HTTP, so the tunnel ends at once.
    let answer = gateway.raw(b"CONNECT site.example:443 HTTP/1.1\r\nHost: site.example:443\r\n\r\n\0").await;
    let lower = answer.to_ascii_lowercase();
    assert_eq!(status(&answer), 200, "{answer}");
    assert!(!lower.contains("content-length") && !lower.contains("transfer-encoding"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn large_heads_are_refused_by_name() {
    let (_origin, gateway) = scene().await;
    let rows = [
        (format!("GET /{} HTTP/1.1|Host: H||", "x".repeat(17_000)), 414, "target_too_long"),
        (format!("GET / HTTP/1.1|Host: H|{}|", "X: y|".repeat(201)), 431, "head_too_large"),
        (format!("GET / HTTP/1.1|Host: H|X: {}||", "y".repeat(33_000)), 431, "head_too_large"),
        (format!("GET / HTTP/1.1|Host: H|X: {}", "y".repeat(70_000)), 431, "head_too_large"),
    ];
    for (text, code, reason) in rows {
        check(&gateway, &wire(&text), code, reason).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn trailers_of_a_request_are_refused_by_name() {
    let (origin, gateway) = scene().await;
    for head in ["PUT / HTTP/1.1|Host: H|", "POST / HTTP/1.1|Host: H|Trailer: X-Note|"] {
        let body = "Transfer-Encoding: chunked||3|abc|0|X-Note: something|X-More: y||";
        check(&gateway, &wire(&format!("{head}{body}")), 400, "request_trailers").await;
    }
    assert_eq!(String::from_utf8_lossy(&origin.all()), "");
}
