//! Removes the fields that concern one connection only (RFC 9110 7.6.1), in both directions.

use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue};

/// Removed whether or not `Connection` names them. `Alt-Svc` and its predecessor would move clients to HTTP/3, past the
/// gateway; `Expect` is answered by the gateway itself.
const ALWAYS: [HeaderName; 9] = [
    header::CONNECTION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::EXPECT,
    header::ALT_SVC,
];
/// The same, for names that the library has no constant for.
const ALWAYS_BY_NAME: [&str; 4] = ["keep-alive", "proxy-connection", "http2-settings", "alternate-protocol"];

/// Removes hop-by-hop fields and everything that `Connection` names. Framing is set anew by whoever sends the message,
/// so `Content-Length` is left for the caller to judge.
pub(crate) fn strip_hop_by_hop(headers: &mut HeaderMap) {
    let nominated: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .filter(|name| *name != header::CONTENT_LENGTH && *name != header::HOST)
        .collect();
    for name in nominated.into_iter().chain(ALWAYS) {
        headers.remove(name);
    }
    for name in ALWAYS_BY_NAME {
        headers.remove(name);
    }
}

/// Lets the origin know that the client reads trailer fields, when it does. To be called with what the client sent and,
/// after [`strip_hop_by_hop`], what is passed on.
pub(crate) fn keep_trailers_wish(received: &HeaderMap, passed_on: &mut HeaderMap) {
    let lines = received.get_all(header::TE).iter().filter_map(|value| value.to_str().ok());
    let mut codings = lines.flat_map(|line| line.split(','));
    if codings.any(|coding| coding.trim().eq_ignore_ascii_case("trailers")) {
        passed_on.insert(header::TE, HeaderValue::from_static("trailers"));
        passed_on.insert(header::CONNECTION, HeaderValue::from_static("TE"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_end_to_end_fields_are_left() {
        let mut headers = HeaderMap::new();
        let rows = [
            ("connection", "close, X-Mine"),
            ("connection", "keep-alive, host"),
            ("x-mine", "1"),
            ("keep-alive", "timeout=5"),
            ("proxy-connection", "keep-alive"),
            ("proxy-authorization", "Basic eDp5"),
            ("alt-svc", "h3=\":443\""),
            ("te", "trailers"),
            ("upgrade", "h2c"),
            ("expect", "100-continue"),
            ("host", "a.example"),
            ("content-type", "text/plain"),
            ("set-cookie", "a=1"),
            ("set-cookie", "b=2"),
        ];
        for (name, value) in rows {
            headers.append(name, value.parse().unwrap());
        }
        strip_hop_by_hop(&mut headers);
        let mut left: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        left.sort_unstable();
        let expected =
            [("content-type", "text/plain"), ("host", "a.example"), ("set-cookie", "a=1"), ("set-cookie", "b=2")];
        assert_eq!(left, expected);
    }
}
