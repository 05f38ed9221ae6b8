//! The head of a request in the form in which it is compared with the catalogue.

use super::account::Evidence;
use http::HeaderMap;
use std::borrow::Cow;

/// The head of a request.
#[derive(Clone, Copy, Debug)]
pub struct RequestHead<'a> {
    /// Method as sent.
    pub method: &'a str,
    /// Host that the connection goes to, with or without port.
    pub host: &'a str,
    /// Path and query as sent.
    pub target: &'a str,
    /// Header lines.
    pub headers: &'a HeaderMap,
    /// What earlier answers proved about the account behind this request's credential. Empty when nothing is known.
    pub learnt: &'a [Evidence],
}

/// A request head taken apart once.
pub(super) struct Parsed<'a> {
    pub(super) method: String,
    pub(super) method_override: Option<String>,
    pub(super) host: String,
    pub(super) path: ComparedPath,
    pub(super) query: &'a str,
    pub(super) headers: &'a HeaderMap,
    pub(super) learnt: &'a [Evidence],
}

/// A path as it is compared: percent-decoded once, dot segments resolved.
pub(super) struct ComparedPath {
    pub(super) text: String,
    /// Whether every server reads the path the same way: no encoded separators, no dot segments, no broken escapes.
    pub(super) is_plain: bool,
}

impl<'a> Parsed<'a> {
    pub(super) fn new(head: &RequestHead<'a>) -> Self {
        let target = head.target.split('#').next().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Self {
            method: head.method.to_ascii_uppercase(),
            method_override: method_override(head.headers, query),
            host: compared_host(head.host),
            path: compared_path(path),
            query,
            headers: head.headers,
            learnt: head.learnt,
        }
    }

    /// The value of a header that stands exactly once. Repeated lines are read differently by different servers.
    pub(super) fn header(&self, name: &str) -> Option<&'a str> {
        let mut lines = self.headers.get_all(name).iter();
        let value = lines.next()?;
        if lines.next().is_some() { None } else { value.to_str().ok() }
    }

    /// The decoded value of a query parameter; the first one of that name.
    pub(super) fn query_value(&self, name: &str) -> Option<Cow<'a, str>> {
        let pairs = self.query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        pairs.into_iter().find(|(key, _)| percent_decode(key).0 == name).map(|(_, value)| percent_decode(value).0)
    }

    /// Whether a body follows.
    pub(super) fn has_body(&self) -> bool {
        let mut lengths = self.headers.get_all(http::header::CONTENT_LENGTH).iter();
        self.headers.contains_key(http::header::TRANSFER_ENCODING)
            || lengths.any(|length| length.to_str().map_or(true, |length| length.trim() != "0"))
    }

    /// Whether the request asks for a connection on which anything may follow.
    pub(super) fn opens_websocket(&self) -> bool {
        let mut lines = self.headers.get_all(http::header::UPGRADE).iter();
        lines.any(|line| line.to_str().is_ok_and(|line| line.to_ascii_lowercase().contains("websocket")))
    }

    /// The media type of the body without parameters, lower case; empty when not stated.
    pub(super) fn media_type(&self) -> String {
        let value = self.header("content-type").unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }
}

/// Methods can be tunnelled through `POST`.
fn method_override(headers: &HeaderMap, query: &str) -> Option<String> {
    let names = ["x-http-method-override", "x-http-method", "x-method-override"];
    let from_header = names.iter().find_map(|name| headers.get(*name)?.to_str().ok());
    let from_query = || query.split('&').find_map(|pair| pair.strip_prefix("$httpMethod="));
    from_header.or_else(from_query).map(|method| method.trim().to_ascii_uppercase())
}

/// Lower case, without port and one trailing dot.
pub(super) fn compared_host(host: &str) -> String {
    let without_port = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !name.ends_with(':') => {
            if name.contains(':') && !name.ends_with(']') { host } else { name }
        }
        _ => host,
    };
    without_port.strip_suffix('.').unwrap_or(without_port).to_ascii_lowercase()
}

fn compared_path(path: &str) -> ComparedPath {
    let (decoded, escapes_valid) = percent_decode(path);
    let lower = path.to_ascii_lowercase();
    let encodes_separator = ["%2f", "%5c", "%00", "%3f", "%23"].iter().any(|escape| lower.contains(escape));
    let has_dots = decoded.split('/').any(|segment| matches!(segment, "." | ".."));
    let has_odd_separator = decoded.contains('\\') || decoded.contains("//");
    ComparedPath {
        is_plain: escapes_valid && !encodes_separator && !has_dots && !has_odd_separator && path.starts_with('/'),
        text: if has_dots { without_dot_segments(&decoded) } else { decoded.into_owned() },
    }
}

/// RFC 3986, 5.2.4 for an absolute path.
fn without_dot_segments(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/').skip(1) {
        match segment {
            "." => {}
            ".." => {
                kept.pop();
            }
            _ => kept.push(segment),
        }
    }
    let ends_in_dots = path.ends_with("/.") || path.ends_with("/..");
    let tail = if ends_in_dots && !kept.is_empty() { "/" } else { "" };
    format!("/{}{tail}", kept.join("/"))
}

/// Decodes once. Broken escapes stay as they stand, and the flag says so; bytes that are not UTF-8 become U+FFFD.
pub(super) fn percent_decode(text: &str) -> (Cow<'_, str>, bool) {
    if !text.contains('%') {
        return (Cow::Borrowed(text), true);
    }
    let (bytes, mut decoded, mut valid) = (text.as_bytes(), Vec::with_capacity(text.len()), true);
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let escape = (byte == b'%').then(|| bytes.get(at + 1..at + 3).and_then(hex_pair));
        at += match escape {
            Some(Some(value)) => {
                decoded.push(value);
                3
            }
            other => {
                valid &= other.is_none();
                decoded.push(byte);
                1
            }
        };
    }
    let is_utf8 = std::str::from_utf8(&decoded).is_ok();
    (Cow::Owned(String::from_utf8_lossy(&decoded).into_owned()), valid && is_utf8)
}

fn hex_pair(pair: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let value = digit(*pair.first()?)? * 16 + digit(*pair.get(1)?)?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_compared_without_case_port_and_trailing_dot() {
        let rows = [
            ("Dropbox.COM", "dropbox.com"),
            ("dropbox.com.:443", "dropbox.com"),
            ("dropbox.com:443", "dropbox.com"),
            ("[2001:db8::1]:443", "[2001:db8::1]"),
            ("2001:db8::1", "2001:db8::1"),
            ("dropbox.com..", "dropbox.com."),
        ];
        for (host, expected) in rows {
            assert_eq!(compared_host(host), expected, "{host}");
        }
    }

    #[test]
    fn paths_are_compared_decoded_and_without_dots() {
        let rows = [
            ("/a/b", "/a/b", true),
            ("/a%20b", "/a b", true),
            ("/%61/b", "/a/b", true),
            ("/a/../b", "/b", false),
            ("/a/%2e%2E/b", "/b", false),
            ("/a/..", "/", false),
            ("/a/b/..", "/a/", false),
            ("/../../b", "/b", false),
            ("/a%2fb", "/a/b", false),
            ("/a%252fb", "/a%2fb", true),
            ("/a%zz", "/a%zz", false),
            ("/a%", "/a%", false),
            ("/a%ff", "/a\u{fffd}", false),
            ("//a", "//a", false),
            ("a", "a", false),
        ];
        for (path, expected, is_plain) in rows {
            let compared = compared_path(path);
            assert_eq!((compared.text.as_str(), compared.is_plain), (expected, is_plain), "{path}");
        }
    }
}
