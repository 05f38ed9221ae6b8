//! Judges one request head: either it has exactly one reading, or it is refused with a reason.
//!
//! The HTTP library behind this accepts more than a gateway may: it drops a `Content-Length` that stands beside a
//! `Transfer-Encoding`, looks at the last transfer coding only, and tolerates missing, repeated or odd `Host` lines.
//! Two recipients that read a message in two ways are how requests are smuggled past a policy, so doubt means refusal.
//! The rules follow RFC 9110 and RFC 9112; each refusal names its own.

use crate::names::Authority;
use http::StatusCode;

/// Bytes of one head, request line included.
pub(crate) const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Field lines of one head.
pub(crate) const FIELDS_MAX: usize = 200;
/// Bytes of one field line.
pub(super) const FIELD_BYTES_MAX: usize = 32 * 1024;
/// Bytes of a request target. RFC 9112 3 asks for 8,000 at least.
const TARGET_BYTES_MAX: usize = 16 * 1024;
/// Bytes of a method.
pub(super) const METHOD_BYTES_MAX: usize = 32;

/// Fields that `Connection` must not name: removing them would change what the message means.
const NOT_HOP_BY_HOP: [&str; 8] = [
    "host",
    "content-length",
    "transfer-encoding",
    "content-type",
    "content-encoding",
    "authorization",
    "cookie",
    "cache-control",
];

/// Fields whose underscore spelling some back ends read as the real name.
pub(super) const NO_UNDERSCORE_TWIN: [&str; 6] = [
    "content_length",
    "transfer_encoding",
    "content_type",
    "content_encoding",
    "proxy_authorization",
    "proxy_connection",
];

/// Why a request was refused before anybody looked at its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    /// Answer status.
    pub(crate) status: StatusCode,
    /// Short machine-readable reason for logs and metrics.
    pub(crate) reason: &'static str,
    /// One sentence for the client.
    pub(crate) message: &'static str,
}

/// How the body that follows a head is delimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// No body, or a body of this many bytes.
    Length(u64),
    /// Chunked coding.
    Chunked,
    /// A CONNECT request: what follows is no HTTP until somebody answers.
    Tunnel,
}

/// A refusal with status 400.
pub(super) const fn bad(reason: &'static str, message: &'static str) -> Violation {
    Violation { status: StatusCode::BAD_REQUEST, reason, message }
}

/// The head does not fit.
pub(crate) const HEAD_TOO_LARGE: Violation = Violation {
    status: StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
    reason: "head_too_large",
    message: "The request head exceeds 64 KiB, 200 fields or 32 KiB in one field.",
};

pub(super) const METHOD_TOO_LONG: Violation = Violation {
    status: StatusCode::NOT_IMPLEMENTED,
    reason: "method_too_long",
    message: "The method is longer than 32 bytes.",
};
pub(super) const EXPECT: Violation = Violation {
    status: StatusCode::EXPECTATION_FAILED,
    reason: "expect",
    message: "The only expectation that is understood is 100-continue.",
};
pub(super) const HOST_MISSING: Violation = bad("host_missing", "The request names no host.");
pub(super) const HOST_REPEATED: Violation = bad("host_repeated", "There is more than one Host field.");
pub(crate) const HOST_DIFFERS: Violation = bad("host_differs", "The request names two hosts.");
pub(super) const HOST: Violation = bad("host", "The host is not one well-formed host with an optional port.");
pub(super) const CONTENT_LENGTH_REPEATED: Violation =
    bad("content_length_repeated", "There is more than one Content-Length field.");
pub(super) const CONTENT_FIELDS_DIFFER: Violation =
    bad("content_fields_differ", "Content-Type or Content-Encoding stands twice with different values.");
pub(super) const UNDERSCORE_FIELD: Violation =
    bad("underscore_field", "A field name with '_' that some servers read as a framing field.");

/// The head did not arrive in time.
pub(crate) const HEAD_TIMEOUT: Violation = Violation {
    status: StatusCode::REQUEST_TIMEOUT,
    reason: "head_timeout",
    message: "The request head did not arrive in time.",
};

/// Judges a head: everything up to and including the empty line, without empty lines before it.
pub(crate) fn judge(head: &[u8]) -> Result<Framing, Violation> {
    let mut lines = Lines { rest: head };
    let request = RequestLine::parse(lines.next_line()?)?;
    let mut fields = Fields::default();
    let mut count = 0;
    loop {
        let line = lines.next_line()?;
        if line.is_empty() {
            break;
        }
        count += 1;
        if count > FIELDS_MAX || line.len() > FIELD_BYTES_MAX {
            return Err(HEAD_TOO_LARGE);
        }
        fields.take(line)?;
    }
    fields.check_host(&request)?;
    fields.check_connection()?;
    fields.framing(&request)
}

/// Splits at CRLF and refuses a CR or LF that stands alone.
struct Lines<'a> {
    rest: &'a [u8],
}

impl<'a> Lines<'a> {
    fn next_line(&mut self) -> Result<&'a [u8], Violation> {
        const BARE: Violation =
            bad("bare_line_end", "A line must end in CR LF; a lone CR or LF has no place in a head.");
        let end = self.rest.iter().position(|&b| b == b'\r' || b == b'\n').ok_or(BARE)?;
        let (line, tail) = self.rest.split_at(end);
        self.rest = tail.strip_prefix(b"\r\n").ok_or(BARE)?;
        Ok(line)
    }
}

/// The first line, as far as framing depends on it.
struct RequestLine<'a> {
    is_connect: bool,
    is_http_10: bool,
    target: &'a [u8],
}

impl<'a> RequestLine<'a> {
    fn parse(line: &'a [u8]) -> Result<Self, Violation> {
        const SHAPE: Violation =
            bad("request_line", "The request line must be: method, one space, target, one space, HTTP/1.1.");
        let mut words = line.split(|&b| b == b' ');
        let (Some(method), Some(target), Some(version), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(SHAPE);
        };
        if method.is_empty() || !method.iter().all(|&b| is_token_byte(b)) {
            return Err(SHAPE);
        }
        if method.len() > METHOD_BYTES_MAX {
            return Err(METHOD_TOO_LONG);
        }
        check_target(target)?;
        let is_http_10 = parse_version(version)?;
        Ok(Self { is_connect: method == b"CONNECT", is_http_10, target })
    }

    /// Whether the target names its authority itself.
    fn has_authority(&self) -> bool {
        !self.target.starts_with(b"/") && self.target != b"*"
    }
}

/// Length and bytes of a target.
pub(super) fn check_target(target: &[u8]) -> Result<(), Violation> {
    if target.is_empty() {
        return Err(bad("target", "The request target is empty."));
    }
    if target.len() > TARGET_BYTES_MAX {
        return Err(Violation {
            status: StatusCode::URI_TOO_LONG,
            reason: "target_too_long",
            message: "The request target is longer than 16 KiB.",
        });
    }
    // A fragment is not part of a target (RFC 9112 3.2), and the library would drop it silently.
    if !target.iter().all(|&b| b.is_ascii_graphic() && b != b'#') {
        return Err(bad("target", "The request target has a byte that a target cannot hold."));
    }
    Ok(())
}

/// Whether it is HTTP/1.0; only 1.0 and 1.1 are spoken.
fn parse_version(version: &[u8]) -> Result<bool, Violation> {
    match version {
        b"HTTP/1.1" => Ok(false),
        b"HTTP/1.0" => Ok(true),
        [b'H', b'T', b'T', b'P', b'/', b'2'..=b'9', b'.', b'0'..=b'9'] => Err(Violation {
            status: StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            reason: "version",
            message: "This connection speaks HTTP/1.1.",
        }),
        _ => Err(bad("version", "The version must be HTTP/1.1 or HTTP/1.0.")),
    }
}

/// What the field lines say about framing.
#[derive(Default)]
struct Fields {
    host: Option<Vec<u8>>,
    length: Option<u64>,
    is_chunked: bool,
    content_type: Option<Vec<u8>>,
    content_encoding: Option<Vec<u8>>,
    nominated: Vec<Vec<u8>>,
}

impl Fields {
    /// Takes one field line.
    fn take(&mut self, line: &[u8]) -> Result<(), Violation> {
        if matches!(line.first(), Some(b' ' | b'\t')) {
            return Err(bad("folded_field", "A field line must not begin with white space (obsolete line folding)."));
        }
        let colon = line.iter().position(|&b| b == b':').ok_or(bad("field", "A field line has no colon."))?;
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.is_empty() || !name.iter().all(|&b| is_token_byte(b)) {
            return Err(bad(
                "field_name",
                "A field name has a byte that a name cannot hold, or white space before the colon.",
            ));
        }
        if line[colon + 1..].iter().any(|&b| (b < 0x20 && b != b'\t') || b == 0x7f) {
            return Err(bad("field_value", "A field value holds a control byte."));
        }
        self.note(&name.to_ascii_lowercase(), value)
    }

    /// Remembers the fields that matter for framing.
    fn note(&mut self, name: &[u8], value: &[u8]) -> Result<(), Violation> {
        match name {
            b"host" => once(&mut self.host, value, HOST_REPEATED),
            b"content-type" => agree(&mut self.content_type, value),
            b"content-encoding" => agree(&mut self.content_encoding, value),
            b"content-length" => self.note_length(value),
            b"transfer-encoding" => self.note_coding(value),
            b"expect" if !value.eq_ignore_ascii_case(b"100-continue") => Err(EXPECT),
            b"connection" => {
                let names = value.split(|&b| b == b',').map(|n| n.trim_ascii().to_ascii_lowercase());
                self.nominated.extend(names.filter(|n| !n.is_empty()));
                Ok(())
            }
            _ if NO_UNDERSCORE_TWIN.iter().any(|twin| twin.as_bytes() == name) => Err(UNDERSCORE_FIELD),
            _ => Ok(()),
        }
    }

    fn note_length(&mut self, value: &[u8]) -> Result<(), Violation> {
        const LENGTH: Violation = bad("content_length", "Content-Length must be one plain decimal number.");
        if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
            return Err(LENGTH);
        }
        let number = value.iter().try_fold(0u64, |sum, b| sum.checked_mul(10)?.checked_add(u64::from(b - b'0')));
        let number = number.ok_or(LENGTH)?;
        if self.length.is_some() {
            return Err(CONTENT_LENGTH_REPEATED);
        }
        self.length = Some(number);
        Ok(())
    }

    fn note_coding(&mut self, value: &[u8]) -> Result<(), Violation> {
        if self.is_chunked {
            return Err(bad("transfer_encoding_repeated", "There is more than one Transfer-Encoding field."));
        }
        if !value.eq_ignore_ascii_case(b"chunked") {
            return Err(bad(
                "transfer_encoding",
                "The only transfer coding that is understood is chunked, named once.",
            ));
        }
        self.is_chunked = true;
        Ok(())
    }

    /// Exactly one well-formed `Host` in HTTP/1.1.
    fn check_host(&self, request: &RequestLine<'_>) -> Result<(), Violation> {
        match &self.host {
            None if request.is_http_10 => Ok(()),
            None => Err(HOST_MISSING),
            Some(host) if host.is_empty() && request.has_authority() => Ok(()),
            Some(host) => {
                let text = std::str::from_utf8(host).unwrap_or("");
                Authority::parse(text, Some(80)).map(drop).map_err(|_| HOST)
            }
        }
    }

    /// `Connection` may only name fields of this connection.
    fn check_connection(&self) -> Result<(), Violation> {
        let forbidden = |name: &Vec<u8>| NOT_HOP_BY_HOP.iter().any(|field| field.as_bytes() == name.as_slice());
        if self.nominated.iter().any(forbidden) {
            return Err(bad(
                "connection_nomination",
                "The Connection field names a field that belongs to the message.",
            ));
        }
        Ok(())
    }

    fn framing(&self, request: &RequestLine<'_>) -> Result<Framing, Violation> {
        if self.is_chunked && self.length.is_some() {
            return Err(bad(
                "length_and_chunked",
                "Content-Length and Transfer-Encoding must not stand in one request.",
            ));
        }
        if self.is_chunked && request.is_http_10 {
            return Err(bad("chunked_http_10", "HTTP/1.0 has no transfer codings."));
        }
        if request.is_connect {
            return match (self.is_chunked, self.length) {
                (false, None) => Ok(Framing::Tunnel),
                _ => Err(bad("connect_body", "A CONNECT request has no body.")),
            };
        }
        Ok(if self.is_chunked { Framing::Chunked } else { Framing::Length(self.length.unwrap_or(0)) })
    }
}

/// Stores a value that may come once.
fn once(slot: &mut Option<Vec<u8>>, value: &[u8], refusal: Violation) -> Result<(), Violation> {
    if slot.is_some() {
        return Err(refusal);
    }
    *slot = Some(value.to_vec());
    Ok(())
}

/// Stores a value that may come again only if it says the same.
fn agree(slot: &mut Option<Vec<u8>>, value: &[u8]) -> Result<(), Violation> {
    if slot.as_ref().is_some_and(|first| first != value) {
        return Err(CONTENT_FIELDS_DIFFER);
    }
    *slot = Some(value.to_vec());
    Ok(())
}

/// RFC 9110 5.6.2.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `|` stands for CR LF, and the empty line is added.
    fn check(text: &str, expected: Result<Framing, &str>) {
        let head = format!("{}\r\n\r\n", text.replace('|', "\r\n"));
        let got = judge(head.as_bytes()).map_err(|violation| violation.reason);
        assert_eq!(got, expected, "{text:?}");
    }

    #[test]
    fn honest_heads_pass() {
        check("GET / HTTP/1.1|Host: a.example", Ok(Framing::Length(0)));
        check("GET http://a.example/x?y HTTP/1.1|Host: a.example", Ok(Framing::Length(0)));
        check("POST / HTTP/1.1|host:a.example:8080|content-length: 0012", Ok(Framing::Length(12)));
        check("PROPFIND / HTTP/1.1|Host: [2001:db8::1]:80|Transfer-Encoding: \tCHUNKED ", Ok(Framing::Chunked));
        check("CONNECT a.example:443 HTTP/1.1|Host: a.example:443", Ok(Framing::Tunnel));
        check("GET / HTTP/1.0", Ok(Framing::Length(0)));
        check("PUT /a HTTP/1.1|Host: a|Expect: 100-Continue|Content-Length: 3", Ok(Framing::Length(3)));
        check("GET / HTTP/1.1|Host: a|X: caf\u{e9}\t!", Ok(Framing::Length(0)));
        check("GET / HTTP/1.1|Host: a|Connection: keep-alive, X-Trace", Ok(Framing::Length(0)));
    }

    #[test]
    fn ambiguous_framing_is_refused() {
        let h = "POST / HTTP/1.1|Host: a|";
        let rows = [
            ("Content-Length: 3|Transfer-Encoding: chunked", "length_and_chunked"),
            ("Transfer-Encoding: chunked|Content-Length: 3", "length_and_chunked"),
            ("Content-Length: 3|Content-Length: 3", "content_length_repeated"),
            ("Content-Length: 3|Content-Length: 4", "content_length_repeated"),
            ("Content-Length: 3, 3", "content_length"),
            ("Content-Length: +3", "content_length"),
            ("Content-Length: 0x3", "content_length"),
            ("Content-Length:", "content_length"),
            ("Content-Length: 18446744073709551616", "content_length"),
            ("Content-Length: -3", "content_length"),
            ("Content-Length: 3.0", "content_length"),
            ("Content-Length: 3e0", "content_length"),
            ("Content-Length: 1_0", "content_length"),
            ("Content-Length: 3 4", "content_length"),
            ("Content-Length: 3;a=b", "content_length"),
            ("Content-Length: \"3\"", "content_length"),
            ("Content-Length: \u{663}", "content_length"),
            ("Content-Length: 3\u{b}", "field_value"),
            ("Content-Length : 3", "field_name"),
            ("Content-Length\u{0}: 3", "field_name"),
            ("Content-Length\u{e9}: 3", "field_name"),
            ("Content-Length 3", "field"),
            ("X: a\u{7f}b", "field_value"),
            ("X: a\u{c}b", "field_value"),
            ("Transfer-Encoding: gzip, chunked", "transfer_encoding"),
            ("Transfer-Encoding: chunked, chunked", "transfer_encoding"),
            ("Transfer-Encoding: identity", "transfer_encoding"),
            ("Transfer-Encoding: \"chunked\"", "transfer_encoding"),
            ("Transfer-Encoding: chunked;q=1", "transfer_encoding"),
            ("Transfer-Encoding: chunked,", "transfer_encoding"),
            ("Transfer-Encoding: , chunked", "transfer_encoding"),
            ("Transfer-Encoding: xchunked", "transfer_encoding"),
            ("Transfer-Encoding: chun\u{212a}ed", "transfer_encoding"),
            ("Transfer-Encoding: chunked, gzip", "transfer_encoding"),
            ("Transfer_Encoding: chunked", "underscore_field"),
            ("Transfer-Encoding\u{0}: chunked", "field_name"),
            ("Transfer-Encoding:", "transfer_encoding"),
            ("Transfer-Encoding: chunked|Transfer-Encoding: chunked", "transfer_encoding_repeated"),
            ("Transfer-Encoding : chunked", "field_name"),
            ("Transfer-Encoding\t: chunked", "field_name"),
            ("Transfer-Encoding: \u{b}chunked", "field_value"),
            ("Transfer-Encoding:| chunked", "transfer_encoding"),
            ("X: a| folded", "folded_field"),
            ("Connection: close, Content-Length", "connection_nomination"),
            ("Content_Length: 3", "underscore_field"),
            ("Connection: Transfer-Encoding", "connection_nomination"),
            ("Connection: x|Connection: HOST", "connection_nomination"),
            ("Expect: 200-ok", "expect"),
            ("Expect: 100-continue, x", "expect"),
            ("Content-Encoding: gzip|Content-Encoding: br", "content_fields_differ"),
            ("no colon here", "field"),
            (": empty", "field_name"),
            ("X: a\u{0}b", "field_value"),
            ("X: a\rb", "bare_line_end"),
            ("X: a\nY: b", "bare_line_end"),
            ("Host: a", "host_repeated"),
        ];
        for (fields, expected) in rows {
            check(&format!("{h}{fields}"), Err(expected));
        }
    }

    #[test]
    fn odd_request_lines_are_refused() {
        let rows = [
            ("GET  / HTTP/1.1|Host: a", "request_line"),
            ("GET / HTTP/1.1 |Host: a", "request_line"),
            (" GET / HTTP/1.1|Host: a", "request_line"),
            ("GET\t/ HTTP/1.1|Host: a", "request_line"),
            ("GET /", "request_line"),
            ("G(T / HTTP/1.1|Host: a", "request_line"),
            ("GET / http/1.1|Host: a", "version"),
            ("GET / HTTP/1.10|Host: a", "version"),
            ("GET / HTTP/1.257|Host: a", "version"),
            ("GET / HTTP/1.1x|Host: a", "version"),
            ("GET / x HTTP/1.1|Host: a", "request_line"),
            ("GET /caf\u{e9} HTTP/1.1|Host: a", "target"),
            ("GET / HTTP/1.1|Host: a/b", "host"),
            ("GET / HTTP/1.1|Host: a b", "host"),
            ("GET / HTTP/1.1|Host: 0x7f.1", "host"),
            ("GET / HTTP/0.9|Host: a", "version"),
            ("GET / HTTP/2.0|Host: a", "version"),
            ("GET /a#b HTTP/1.1|Host: a", "target"),
            ("GET /\u{7f} HTTP/1.1|Host: a", "target"),
            ("GET / HTTP/1.1", "host_missing"),
            ("GET / HTTP/1.1|Host: a,b", "host"),
            ("GET / HTTP/1.1|Host: u@a", "host"),
            ("GET / HTTP/1.1|Host:", "host"),
            ("POST / HTTP/1.0|Host: a|Transfer-Encoding: chunked", "chunked_http_10"),
            ("CONNECT a:443 HTTP/1.1|Host: a:443|Content-Length: 3", "connect_body"),
        ];
        for (text, expected) in rows {
            check(text, Err(expected));
        }
        check(&format!("{} / HTTP/1.1|Host: a", "M".repeat(33)), Err("method_too_long"));
        check(&format!("GET /{} HTTP/1.1|Host: a", "x".repeat(TARGET_BYTES_MAX)), Err("target_too_long"));
        check(&format!("GET / HTTP/1.1|Host: a{}", "|X: y".repeat(FIELDS_MAX)), Err("head_too_large"));
    }
}
