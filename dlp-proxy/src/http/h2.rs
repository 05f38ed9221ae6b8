//! HTTP/2: its bounds on both sides, and the judgement of request heads.
//!
//! The library takes care of frames, of field names and values, of pseudo-fields and of lengths that do not fit the data
//! (RFC 9113 8.1.1, 8.2, 8.3). It leaves to us what [`judge`] checks: that the request names one host, that no field
//! stands twice with two meanings, and the same bounds as for HTTP/1.1. [`Resets`] bounds what a client may start and
//! take back.
//!
//! Extended CONNECT (RFC 8441) is not offered. Browsers then open a connection of HTTP/1.1 for a WebSocket, where its
//! messages can be read.

use super::head::{
    self, FIELD_BYTES_MAX, FIELDS_MAX, HEAD_BYTES_MAX, HEAD_TOO_LARGE, METHOD_BYTES_MAX, NO_UNDERSCORE_TWIN, Violation,
};
use crate::names::Authority;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, EXPECT, HOST};
use http::request::Parts;
use http::uri::Scheme;
use http::{HeaderMap, HeaderValue};
use hyper::{client, server};
use hyper_util::rt::TokioExecutor;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

const KIB: u32 = 1024;
const MIB: u32 = 1024 * KIB;

/// Requests of one connection at a time.
const STREAMS_MAX: u32 = 128;
/// Bytes that a client may send on one stream before they are read. Small windows slow uploads down.
const STREAM_WINDOW_BYTES: u32 = 2 * MIB;
/// The same for all streams of a connection: several streams may wait for their inspection without stopping the rest.
const CONNECTION_WINDOW_BYTES: u32 = 16 * MIB;
/// Bytes that an origin may send on one stream before they are read: 10 MB/s over a line of 50 ms.
const ANSWER_WINDOW_BYTES: u32 = 512 * KIB;
/// The same for all streams of a connection. Answers that wait for their reader must leave room for the others, so this is
/// that of 32. Clients that read nothing of their answers make the gateway hold as much for each of their connections.
const ANSWERS_WINDOW_BYTES: u32 = 32 * ANSWER_WINDOW_BYTES;
/// Bytes of one frame. Larger ones mean fewer wake-ups.
const FRAME_BYTES_MAX: u32 = 64 * KIB;
/// Bytes of a field section, as RFC 9113 6.5.2 counts them. The library ends a connection at four times as many.
const HEADER_LIST_BYTES_MAX: u32 = 64 * KIB;
/// The same for answers.
const ANSWER_LIST_BYTES_MAX: u32 = 128 * KIB;
/// Bytes waiting to be sent on one stream, whose reader may be slow.
const SEND_BUFFER_BYTES_MAX: usize = 512 * 1024;
/// Streams that were reset before anybody looked at them (CVE-2023-44487).
const PENDING_RESETS_MAX: usize = 20;
/// Streams that we had to reset because of errors of the peer (CVE-2025-8671).
const LOCAL_ERROR_RESETS_MAX: usize = 128;
/// Time without a frame after which a peer is asked whether it lives, and to answer that.
const PING_INTERVAL: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// Requests that may be taken back at once. A browser that closes many tabs takes back as many as it has open.
const TAKEN_BACK_BURST: f64 = 256.0;
/// The same by the second, for longer.
const TAKEN_BACK_PER_SECOND: f64 = 16.0;

/// Sets the bounds towards clients.
pub(crate) fn configure_server(builder: &mut server::conn::http2::Builder<TokioExecutor>) {
    builder
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_frame_size(FRAME_BYTES_MAX)
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(HEADER_LIST_BYTES_MAX)
        .max_send_buf_size(SEND_BUFFER_BYTES_MAX)
        .max_pending_accept_reset_streams(PENDING_RESETS_MAX)
        .max_local_error_reset_streams(LOCAL_ERROR_RESETS_MAX)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT);
}

/// Sets the bounds towards origins.
pub(crate) fn configure_client(builder: &mut client::conn::http2::Builder<TokioExecutor>) {
    builder
        .initial_stream_window_size(ANSWER_WINDOW_BYTES)
        .initial_connection_window_size(ANSWERS_WINDOW_BYTES)
        .max_frame_size(FRAME_BYTES_MAX)
        .max_header_list_size(ANSWER_LIST_BYTES_MAX)
        .max_send_buf_size(SEND_BUFFER_BYTES_MAX)
        .max_pending_accept_reset_streams(PENDING_RESETS_MAX)
        .max_local_error_reset_streams(LOCAL_ERROR_RESETS_MAX)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT);
}

/// Judges a head that the library has accepted.
pub(crate) fn judge(parts: &Parts) -> Result<(), Violation> {
    if parts.method.as_str().len() > METHOD_BYTES_MAX {
        return Err(head::METHOD_TOO_LONG);
    }
    if let Some(target) = parts.uri.path_and_query() {
        head::check_target(target.as_str().as_bytes())?;
    }
    let bytes = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len());
    let is_large_field =
        |(name, value): (&http::HeaderName, &HeaderValue)| name.as_str().len() + value.len() > FIELD_BYTES_MAX;
    if parts.headers.len() > FIELDS_MAX
        || bytes.sum::<usize>() > HEAD_BYTES_MAX
        || parts.headers.iter().any(is_large_field)
    {
        return Err(HEAD_TOO_LARGE);
    }
    check_host(parts)?;
    check_fields(&parts.headers)
}

/// The host is named once, or twice in the same way (RFC 9113 8.3.1).
fn check_host(parts: &Parts) -> Result<(), Violation> {
    let mut lines = parts.headers.get_all(HOST).iter();
    let (line, authority) = (lines.next(), parts.uri.authority());
    if lines.next().is_some() {
        return Err(head::HOST_REPEATED);
    }
    let default_port = if parts.uri.scheme() == Some(&Scheme::HTTP) { 80 } else { 443 };
    let parse = |text: &str| Authority::parse(text, Some(default_port)).map_err(|_| head::HOST);
    let host = line.map(|line| parse(line.to_str().map_err(|_| head::HOST)?)).transpose()?;
    let named = authority.map(|authority| parse(authority.as_str())).transpose()?;
    match (host, named) {
        (None, None) => Err(head::HOST_MISSING),
        (Some(host), Some(named)) if host != named => Err(head::HOST_DIFFERS),
        _ => Ok(()),
    }
}

fn check_fields(headers: &HeaderMap) -> Result<(), Violation> {
    let is_repeated = |name| headers.get_all(name).iter().nth(1).is_some();
    if is_repeated(CONTENT_LENGTH) {
        return Err(head::CONTENT_LENGTH_REPEATED);
    }
    for name in [CONTENT_TYPE, CONTENT_ENCODING] {
        let mut lines = headers.get_all(name).iter();
        let first = lines.next();
        if lines.any(|line| Some(line) != first) {
            return Err(head::CONTENT_FIELDS_DIFFER);
        }
    }
    if headers.get_all(EXPECT).iter().any(|value| !value.as_bytes().eq_ignore_ascii_case(b"100-continue")) {
        return Err(head::EXPECT);
    }
    if headers.keys().any(|name| NO_UNDERSCORE_TWIN.contains(&name.as_str())) {
        return Err(head::UNDERSCORE_FIELD);
    }
    Ok(())
}

/// Puts the crumbs of a cookie together again (RFC 9113 8.2.3), for whatever comes next.
pub(crate) fn join_cookies(headers: &mut HeaderMap) {
    let crumbs: Vec<&[u8]> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if crumbs.len() > 1
        && let Ok(cookie) = HeaderValue::from_bytes(&crumbs.join(b"; ".as_slice()))
    {
        headers.insert(COOKIE, cookie);
    }
}

/// How many requests a connection may still take back before their answer. Each one cost the work of a request and
/// gave its place among the streams free at once, so the bound on streams does not hold them.
#[derive(Debug)]
pub(crate) struct Resets {
    left: Mutex<(f64, Instant)>,
}

impl Resets {
    /// A full budget.
    pub(crate) fn new(now: Instant) -> Self {
        Self { left: Mutex::new((TAKEN_BACK_BURST, now)) }
    }

    /// Counts one; false when it was one too many.
    pub(crate) fn count(&self, now: Instant) -> bool {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = now.saturating_duration_since(left.1).as_secs_f64();
        *left = ((left.0 + passed * TAKEN_BACK_PER_SECOND).min(TAKEN_BACK_BURST) - 1.0, now);
        left.0 >= 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn check(uri: &str, fields: &[(&str, &str)], expected: Result<(), &str>) {
        let mut request = Request::builder().method("POST").uri(uri);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        assert_eq!(judge(&parts).map_err(|violation| violation.reason), expected, "{uri} {fields:?}");
    }

    #[test]
    fn a_head_has_one_reading() {
        let own = "https://a.example/x";
        check(own, &[], Ok(()));
        check("https://a.example:443/x?y=%20", &[("host", "A.example.:443")], Ok(()));
        check("/x", &[("host", "a.example")], Ok(()));
        check(own, &[("cookie", "a=1"), ("cookie", "b=2"), ("content-type", "a/b"), ("content-type", "a/b")], Ok(()));
        check("/x", &[], Err("host_missing"));
        check(own, &[("host", "b.example")], Err("host_differs"));
        check(own, &[("host", "a.example:80")], Err("host_differs"));
        check(own, &[("host", "a.example"), ("host", "a.example")], Err("host_repeated"));
        check(own, &[("host", "u@a.example")], Err("host"));
        check("https://u@a.example/x", &[], Err("host"));
        check("https://2130706433/x", &[], Err("host"));
        check(own, &[("content-length", "3"), ("content-length", "3")], Err("content_length_repeated"));
        check(own, &[("content-type", "a/b"), ("content-type", "c/d")], Err("content_fields_differ"));
        check(own, &[("content-encoding", "gzip"), ("content-encoding", "br")], Err("content_fields_differ"));
        check(own, &[("expect", "100-continue")], Ok(()));
        check(own, &[("expect", "something")], Err("expect"));
        check(own, &[("content_length", "3")], Err("underscore_field"));
        check(own, &[("x", &"y".repeat(33_000))], Err("head_too_large"));
        check(own, &[("x", "y"); FIELDS_MAX + 1], Err("head_too_large"));
        check(own, &[("x", "y".repeat(30_000).as_str()); 3], Err("head_too_large"));
        check(&format!("https://a.example/{}", "x".repeat(17_000)), &[], Err("target_too_long"));
    }

    #[test]
    fn crumbs_become_one_cookie() {
        let rows: [(&[&str], &[&str]); 3] =
            [(&["a=1", "b=2", "c"], &["a=1; b=2; c"]), (&["a=1"], &["a=1"]), (&[], &[])];
        for (crumbs, expected) in rows {
            let mut headers = HeaderMap::new();
            for crumb in crumbs {
                headers.append(COOKIE, crumb.parse().unwrap());
            }
            join_cookies(&mut headers);
            let left: Vec<_> = headers.get_all(COOKIE).iter().collect();
            assert_eq!(left, expected, "{crumbs:?}");
        }
    }

    #[test]
    fn a_connection_may_take_back_a_tab_full_of_requests_and_no_flood() {
        let start = Instant::now();
        let resets = Resets::new(start);
        assert!((0..256).all(|_| resets.count(start)));
        assert!(!resets.count(start));
        assert!(resets.count(start + Duration::from_secs(1)), "it fills up again");
        let slow = Resets::new(start);
        assert!((0..10_000).all(|n| slow.count(start + Duration::from_millis(100 * n))));
    }
}
