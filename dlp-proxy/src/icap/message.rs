//! The HTTP heads inside an ICAP message, and the answers that take their place.

use super::wire::{Head, Method, Refused, Section};
use crate::fault::Fault;
use crate::http::head;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use tokio::io::{AsyncRead, AsyncReadExt, BufReader};

/// The heads of one message.
pub(super) struct Heads {
    /// The request; or why it cannot be judged.
    pub(super) request: Result<Parts, Fault>,
    /// Fields of the response, if there is one.
    pub(super) response_fields: HeaderMap,
    /// All as it came.
    pub(super) original: Original,
}

/// What has to be given back when a message stays as it is.
pub(super) struct Original {
    head: Vec<u8>,
    is_response: bool,
    /// Whether the head is not as it came, so that the client has to be given it.
    pub(super) is_changed: bool,
    /// What follows the heads.
    pub(super) section: Section,
}

impl Heads {
    /// Reads the heads that the list has announced.
    pub(super) async fn read<T: AsyncRead + Unpin>(io: &mut BufReader<T>, head: &Head) -> Result<Self, Refused> {
        let layout = head.layout.ok_or(Refused::Bad)?;
        let request = read_bytes(io, layout.request_head.unwrap_or(0)).await?;
        let response = read_bytes(io, layout.response_head.unwrap_or(0)).await?;
        let response_fields = fields_of(&response).unwrap_or_default();
        let parts = if layout.request_head.is_some() { request_of(&request) } else { unknown_request() };
        let is_response = head.method == Method::RespMod;
        let head = if is_response { response } else { request };
        let original = Original { head, is_response, is_changed: false, section: layout.section };
        Ok(Self { request: parts, response_fields, original })
    }
}

impl Original {
    /// The head that goes on.
    pub(super) fn head(&self) -> &[u8] {
        &self.head
    }

    /// Puts another head in its place.
    pub(super) fn change(&mut self, head: Vec<u8>) {
        self.head = head;
        self.is_changed = true;
    }

    /// The head that the client wants back, and the list that announces it.
    pub(super) fn back(&self) -> (&[u8], String) {
        let (head, body) = if self.is_response { ("res-hdr", "res-body") } else { ("req-hdr", "req-body") };
        let body = if self.section == Section::Body { body } else { "null-body" };
        (&self.head, format!("Encapsulated: {head}=0, {body}={}\r\n", self.head.len()))
    }
}

/// The bytes are few by the bound of the list, and arrive before they are waited for longer than a body.
async fn read_bytes<T: AsyncRead + Unpin>(io: &mut BufReader<T>, len: usize) -> Result<Vec<u8>, Refused> {
    let mut bytes = Vec::new();
    (&mut *io).take(len as u64).read_to_end(&mut bytes).await?;
    if bytes.len() == len { Ok(bytes) } else { Err(Refused::Gone) }
}

/// A request whose head has one reading.
fn request_of(bytes: &[u8]) -> Result<Parts, Fault> {
    head::judge(&without_repetition(bytes)).map_err(Fault::Framing)?;
    let line = bytes.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let mut words = line.split(|byte| *byte == b' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut request = Request::builder().method(method).uri(target).body(()).map_err(|_| Fault::BadTarget)?;
    *request.headers_mut() = fields_of(bytes).ok_or(Fault::BadTarget)?;
    Ok(request.into_parts().0)
}

/// The head without second copies of one length. The proxy has read the message already, so they leave no doubt here as
/// they would on a connection of our own; two lengths do.
fn without_repetition(bytes: &[u8]) -> Vec<u8> {
    let mut first = None;
    let mut kept = Vec::with_capacity(bytes.len());
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let is_length = line.get(..15).is_some_and(|name| name.eq_ignore_ascii_case(b"content-length:"));
        if is_length && first == Some(line) {
            continue;
        }
        if is_length && first.is_none() {
            first = Some(line);
        }
        kept.extend_from_slice(line);
    }
    kept
}

fn unknown_request() -> Result<Parts, Fault> {
    let request = Request::builder().uri("http://unknown.invalid/").body(());
    request.map(|request| request.into_parts().0).map_err(|_| Fault::Internal)
}

/// The field lines of a head.
fn fields_of(bytes: &[u8]) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    for line in bytes.split(|byte| *byte == b'\n').skip(1) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            continue;
        }
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = HeaderName::from_bytes(line[..colon].trim_ascii()).ok()?;
        headers.append(name, HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?);
    }
    Some(headers)
}

/// Head and body of an answer on the wire.
pub(super) fn response(answer: Response<Bytes>) -> (Vec<u8>, Bytes) {
    let (parts, body) = answer.into_parts();
    let phrase = parts.status.canonical_reason().unwrap_or("Refused");
    let mut head = format!("HTTP/1.1 {} {phrase}\r\n", parts.status.as_u16()).into_bytes();
    for (name, value) in &parts.headers {
        head.extend_from_slice(name.as_str().as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    (head, body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_have_one_reading_here_too() {
        let rows = [
            ("POST http://a.example/x HTTP/1.1|Host: a.example|Content-Length: 3", Ok("POST http://a.example/x")),
            ("GET https://a.example/ HTTP/1.1|Host: a.example|X: caf\u{e9}", Ok("GET https://a.example/")),
            ("GET / HTTP/1.0", Ok("GET /")),
            ("PUT / HTTP/1.1|Host: a|Content-Length: 3|X: y|Content-Length: 3", Ok("PUT /")),
            ("PUT / HTTP/1.1|Host: a|Content-Length: 3|Content-Length: 4", Err("content_length_repeated")),
            ("CONNECT a.example:443 HTTP/1.1|Host: a.example:443", Ok("CONNECT a.example:443")),
            ("POST / HTTP/1.1|Host: a|Content-Length: 3|Transfer-Encoding: chunked", Err("length_and_chunked")),
            ("GET / HTTP/1.1|Host: a|Host: b", Err("host_repeated")),
            ("GET /a b HTTP/1.1|Host: a", Err("request_line")),
            ("", Err("bare_line_end")),
        ];
        for (text, expected) in rows {
            let text = if text.is_empty() { String::new() } else { format!("{}\r\n\r\n", text.replace('|', "\r\n")) };
            let got = request_of(text.as_bytes()).map(|parts| format!("{} {}", parts.method, parts.uri));
            assert_eq!(got.as_deref().map_err(|fault| fault.reason()), expected.as_deref().map_err(|r| *r), "{text}");
        }
    }
}
