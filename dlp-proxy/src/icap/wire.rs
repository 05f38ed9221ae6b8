//! ICAP on the wire: heads, the list of what is encapsulated, chunked bodies with their preview.

use crate::spool::{SpoolError, Spooled};
use bytes::Bytes;
use data_encoding::BASE64;
use std::io::Read;
use std::net::IpAddr;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::time::timeout;

/// Name of the service that judges requests.
pub(super) const REQMOD: &str = "reqmod";
/// Name of the service that judges responses.
pub(super) const RESPMOD: &str = "respmod";

/// Bytes of a head, and of all encapsulated heads.
pub(super) const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Bytes of the line that starts a chunk.
const CHUNK_LINE_BYTES_MAX: usize = 256;
/// Bytes of a body that are handed on at a time.
const PIECE_BYTES: usize = 64 * 1024;
/// Characters of a user's name.
const USER_CHARS_MAX: usize = 256;

/// Why a request is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// It is malformed.
    Bad,
    /// There is no such service.
    NotFound,
    /// The service has no such method.
    Method,
    /// It did not arrive in time.
    Timeout,
    /// The body has to be echoed and is larger than what is held.
    TooLarge,
    /// The version is not spoken.
    Version,
    /// There is no place for more.
    Busy,
    /// The gateway failed.
    Internal,
    /// The client has gone.
    Gone,
}

impl Refused {
    /// Code and phrase; none when nobody listens.
    pub(super) fn status(self) -> Option<&'static str> {
        Some(match self {
            Self::Bad => "400 Bad Request",
            Self::NotFound => "404 ICAP Service Not Found",
            Self::Method => "405 Method Not Allowed For Service",
            Self::Timeout => "408 Request Timeout",
            Self::TooLarge => "413 Request Entity Too Large",
            Self::Version => "505 ICAP Version Not Supported",
            Self::Busy => "503 Service Unavailable",
            Self::Internal => "500 Server Error",
            Self::Gone => return None,
        })
    }

    /// The word for logs and metrics.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Bad => "icap_bad_request",
            Self::NotFound => "icap_service",
            Self::Method => "icap_method",
            Self::Timeout => "icap_timeout",
            Self::TooLarge => "icap_too_large",
            Self::Version => "icap_version",
            Self::Busy => "icap_busy",
            Self::Internal => "icap_internal",
            Self::Gone => "icap_gone",
        }
    }
}

impl From<SpoolError> for Refused {
    fn from(error: SpoolError) -> Self {
        match error {
            SpoolError::Full => Self::Busy,
            SpoolError::Io(error) => {
                tracing::error!(%error, "a body could not be held; is the state directory full?");
                Self::Internal
            }
        }
    }
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Options,
    ReqMod,
    RespMod,
}

/// Whether a body follows the encapsulated heads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Body,
    NoBody,
}

/// Where the encapsulated parts begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// Bytes of the head of the request, if it is there.
    pub(super) request_head: Option<usize>,
    /// Bytes of the head of the response, if it is there.
    pub(super) response_head: Option<usize>,
    /// What follows them.
    pub(super) section: Section,
}

/// The head of a request to this server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) method: Method,
    pub(super) service: &'static str,
    pub(super) layout: Option<Layout>,
    pub(super) preview: Option<u64>,
    pub(super) allows_204: bool,
    pub(super) allows_206: bool,
    pub(super) closes: bool,
    /// Address of the client behind the proxy.
    pub(super) client: Option<IpAddr>,
    /// User of that client.
    pub(super) user: Option<String>,
}

impl Head {
    /// Reads a head, for which its first byte is waited for `idle` and the rest no longer than `limit`. None when the
    /// client has ended the connection.
    pub(super) async fn read<T: AsyncRead + AsyncWrite + Unpin>(
        io: &mut BufReader<T>,
        idle: Duration,
        limit: Duration,
    ) -> Result<Option<Self>, Refused> {
        match timeout(idle, io.fill_buf()).await {
            Ok(Ok(bytes)) if !bytes.is_empty() => {}
            _ => return Ok(None),
        }
        let text = timeout(limit, read_head(io)).await.map_err(|_elapsed| Refused::Timeout)??;
        Self::parse(&text).map(Some)
    }

    fn parse(text: &str) -> Result<Self, Refused> {
        let mut lines = text.split("\r\n");
        let mut words = lines.next().unwrap_or("").split(' ');
        let (Some(method), Some(target), Some(version), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(Refused::Bad);
        };
        if version != "ICAP/1.0" {
            return Err(if version.starts_with("ICAP/") { Refused::Version } else { Refused::Bad });
        }
        let service = service_of(target)?;
        let method = method_of(method, service)?;
        let mut head = Self {
            method,
            service,
            layout: None,
            preview: None,
            allows_204: false,
            allows_206: false,
            closes: false,
            client: None,
            user: None,
        };
        for line in lines.filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once(':').ok_or(Refused::Bad)?;
            head.take(&name.to_ascii_lowercase(), value.trim())?;
        }
        if method != Method::Options && head.layout.is_none() {
            return Err(Refused::Bad);
        }
        Ok(head)
    }

    fn take(&mut self, name: &str, value: &str) -> Result<(), Refused> {
        let mut words = value.split(',').map(str::trim);
        match name {
            "encapsulated" if self.layout.is_some() => return Err(Refused::Bad),
            "encapsulated" if self.method != Method::Options => self.layout = Some(layout_of(value, self.method)?),
            "preview" => self.preview = Some(value.parse().map_err(|_| Refused::Bad)?),
            "allow" => {
                let codes: Vec<_> = words.collect();
                self.allows_204 |= codes.contains(&"204");
                self.allows_206 |= codes.contains(&"206");
            }
            "connection" => self.closes |= words.any(|word| word.eq_ignore_ascii_case("close")),
            "x-client-ip" => self.client = value.parse().ok(),
            "x-authenticated-user" => self.user = user_of(value),
            // The name that squid uses by itself; the other one says more when both are there.
            "x-client-username" if self.user.is_none() => self.user = user_of(value),
            _ => {}
        }
        Ok(())
    }
}

/// Lines up to and including the empty one, which is left out.
async fn read_head<T: AsyncRead + AsyncWrite + Unpin>(io: &mut BufReader<T>) -> Result<String, Refused> {
    let mut bytes = Vec::new();
    loop {
        let start = bytes.len();
        let room = (HEAD_BYTES_MAX - start) as u64;
        (&mut *io).take(room).read_until(b'\n', &mut bytes).await?;
        if !bytes.ends_with(b"\r\n") {
            return Err(Refused::Bad);
        }
        // Empty lines between requests are tolerated, as in HTTP.
        if bytes.len() == start + 2 {
            if start > 0 {
                break;
            }
            bytes.clear();
        }
    }
    let is_text = |byte: &u8| (0x20..0x7f).contains(byte) || *byte >= 0x80 || matches!(byte, b'\t' | b'\r' | b'\n');
    let text = String::from_utf8(bytes).map_err(|_| Refused::Bad)?;
    let is_clean = text.bytes().all(|byte| is_text(&byte)) && !text.replace("\r\n", "").contains(['\r', '\n']);
    if is_clean { Ok(text) } else { Err(Refused::Bad) }
}

/// `icap://host/service?arguments`, or the path alone.
fn service_of(target: &str) -> Result<&'static str, Refused> {
    let path = match target.strip_prefix("icap://") {
        Some(rest) => rest.split_once('/').map_or("", |(_, path)| path),
        None => target.strip_prefix('/').ok_or(Refused::Bad)?,
    };
    match path.split('?').next().unwrap_or("").trim_end_matches('/') {
        REQMOD => Ok(REQMOD),
        RESPMOD => Ok(RESPMOD),
        _ => Err(Refused::NotFound),
    }
}

fn method_of(method: &str, service: &str) -> Result<Method, Refused> {
    match (method, service) {
        ("OPTIONS", _) => Ok(Method::Options),
        ("REQMOD", REQMOD) => Ok(Method::ReqMod),
        ("RESPMOD", RESPMOD) => Ok(Method::RespMod),
        _ => Err(Refused::Method),
    }
}

/// The list of RFC 3507 4.4.1: heads in order from 0 on, then one body or none.
fn layout_of(value: &str, method: Method) -> Result<Layout, Refused> {
    let mut starts = Vec::new();
    for entry in value.split(',') {
        let (name, offset) = entry.trim().split_once('=').ok_or(Refused::Bad)?;
        let offset: usize = offset.trim().parse().map_err(|_| Refused::Bad)?;
        if starts.last().is_some_and(|(_, before)| offset < *before) || offset > HEAD_BYTES_MAX {
            return Err(Refused::Bad);
        }
        starts.push((name.trim().to_ascii_lowercase(), offset));
    }
    let names: Vec<&str> = starts.iter().map(|(name, _)| name.as_str()).collect();
    let at = |index: usize| starts.get(index).map_or(0, |(_, offset)| *offset);
    let section = match (method, names.last()) {
        (_, Some(&"null-body")) => Section::NoBody,
        (Method::ReqMod, Some(&"req-body")) | (Method::RespMod, Some(&"res-body")) => Section::Body,
        _ => return Err(Refused::Bad),
    };
    let (request_head, response_head) = match (method, &names[..names.len() - 1]) {
        (Method::ReqMod, ["req-hdr"]) => (Some(at(1)), None),
        (Method::RespMod, ["req-hdr", "res-hdr"]) => (Some(at(1)), Some(at(2) - at(1))),
        (Method::RespMod, ["res-hdr"]) => (None, Some(at(1))),
        _ => return Err(Refused::Bad),
    };
    if at(0) == 0 { Ok(Layout { request_head, response_head, section }) } else { Err(Refused::Bad) }
}

/// A name, in base 64 or as it is, with the scheme and directory that may stand before it taken away.
fn user_of(value: &str) -> Option<String> {
    let decoded = BASE64.decode(value.as_bytes()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let decoded = decoded.filter(|text| text.contains("://"));
    let text = decoded.as_deref().unwrap_or(value);
    let name = text.split_once("://").map_or(text, |(_, rest)| rest.rsplit('/').next().unwrap_or(""));
    let is_name = !name.is_empty() && name.chars().count() <= USER_CHARS_MAX && !name.contains(char::is_control);
    is_name.then(|| name.to_owned())
}

/// How a body ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyEnd {
    /// With its last chunk: the end of the body, or of its preview.
    Chunk,
    /// With the sign that the preview was all there is.
    Whole,
}

/// A chunked body that is being read.
#[derive(Debug)]
pub(super) struct ChunkedBody {
    left: u64,
    end: Option<BodyEnd>,
}

impl ChunkedBody {
    /// At the first chunk.
    pub(super) fn new() -> Self {
        Self { left: 0, end: None }
    }

    /// How it ended, once it has.
    pub(super) fn end(&self) -> Option<BodyEnd> {
        self.end
    }

    /// The next piece; none at the end.
    pub(super) async fn next<T: AsyncRead + Unpin>(&mut self, io: &mut BufReader<T>) -> Result<Option<Bytes>, Refused> {
        if self.end.is_some() {
            return Ok(None);
        }
        if self.left == 0 {
            let (size, is_whole) = size_of(&read_line(io).await?).ok_or(Refused::Bad)?;
            if size == 0 {
                // Trailers are refused as in HTTP: nobody looks at them.
                if !read_line(io).await?.is_empty() {
                    return Err(Refused::Bad);
                }
                self.end = Some(if is_whole { BodyEnd::Whole } else { BodyEnd::Chunk });
                return Ok(None);
            }
            self.left = size;
        }
        let mut piece = vec![0; PIECE_BYTES.min(usize::try_from(self.left).unwrap_or(PIECE_BYTES))];
        let count = io.read(&mut piece).await?;
        if count == 0 {
            return Err(Refused::Gone);
        }
        piece.truncate(count);
        self.left -= count as u64;
        if self.left == 0 && !read_line(io).await?.is_empty() {
            return Err(Refused::Bad);
        }
        Ok(Some(piece.into()))
    }
}

/// One line without its end.
async fn read_line<T: AsyncRead + Unpin>(io: &mut BufReader<T>) -> Result<String, Refused> {
    let mut line = Vec::new();
    (&mut *io).take(CHUNK_LINE_BYTES_MAX as u64).read_until(b'\n', &mut line).await?;
    let line = line.strip_suffix(b"\r\n").ok_or(Refused::Bad)?;
    if line.contains(&b'\r') {
        return Err(Refused::Bad);
    }
    String::from_utf8(line.to_vec()).map_err(|_| Refused::Bad)
}

/// The size of a chunk, and whether it says that a preview was all.
fn size_of(line: &str) -> Option<(u64, bool)> {
    let (digits, extension) = line.split_once(';').map_or((line, ""), |(digits, rest)| (digits, rest.trim()));
    let is_number = (1..=16).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let size = is_number.then(|| u64::from_str_radix(digits, 16).ok())??;
    Some((size, size == 0 && extension.eq_ignore_ascii_case("ieof")))
}

/// Writes a held body in chunks.
pub(super) async fn write_body<T>(io: &mut BufReader<T>, spooled: &Spooled) -> Result<(), Refused>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let mut left = spooled.len();
    let mut reader = spooled.clone();
    while left > 0 {
        let wanted = PIECE_BYTES.min(usize::try_from(left).unwrap_or(PIECE_BYTES));
        let reading = move || {
            let mut piece = vec![0; wanted];
            reader.read_exact(&mut piece).map(|()| (reader, piece))
        };
        let (back, piece) = tokio::task::spawn_blocking(reading).await.map_err(|_| Refused::Internal)??;
        reader = back;
        left -= piece.len() as u64;
        let chunk = [format!("{:x}\r\n", piece.len()).as_bytes(), &piece, b"\r\n"].concat();
        io.write_all(&chunk).await?;
    }
    io.write_all(b"0\r\n\r\n").await?;
    io.flush().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Head, Refused> {
        Head::parse(&text.replace('|', "\r\n"))
    }

    #[test]
    fn heads_are_read_or_refused_by_name() {
        let rows = [
            ("OPTIONS icap://gw:1344/reqmod ICAP/1.0|Host: gw", Ok((Method::Options, REQMOD))),
            ("OPTIONS /respmod?x=y ICAP/1.0", Ok((Method::Options, RESPMOD))),
            ("REQMOD icap://gw/reqmod/ ICAP/1.0|Encapsulated: req-hdr=0, null-body=9", Ok((Method::ReqMod, REQMOD))),
            ("RESPMOD icap://gw/respmod ICAP/1.0|Encapsulated: res-hdr=0, res-body=9", Ok((Method::RespMod, RESPMOD))),
            ("REQMOD icap://gw/other ICAP/1.0|Encapsulated: null-body=0", Err(Refused::NotFound)),
            ("REQMOD icap://gw/respmod ICAP/1.0|Encapsulated: null-body=0", Err(Refused::Method)),
            ("GET icap://gw/reqmod ICAP/1.0", Err(Refused::Method)),
            ("REQMOD icap://gw/reqmod ICAP/1.0", Err(Refused::Bad)),
            ("REQMOD icap://gw/reqmod ICAP/2.0|Encapsulated: req-hdr=0, null-body=9", Err(Refused::Version)),
            ("GET / HTTP/1.1", Err(Refused::Bad)),
            ("REQMOD  icap://gw/reqmod ICAP/1.0", Err(Refused::Bad)),
            ("OPTIONS icap://gw/reqmod ICAP/1.0|no colon", Err(Refused::Bad)),
            ("OPTIONS icap://gw/reqmod ICAP/1.0|Preview: many", Err(Refused::Bad)),
        ];
        for (text, expected) in rows {
            assert_eq!(parsed(text).map(|head| (head.method, head.service)), expected, "{text}");
        }
    }

    #[test]
    fn fields_say_what_the_client_allows_and_for_whom_it_asks() {
        let head = parsed(
            "OPTIONS /reqmod ICAP/1.0|Allow: 204, 206|Preview: 0|Connection: keep-alive, Close|X-Client-IP: 192.0.2.7|X-Client-Username: bob|X-Authenticated-User: TG9jYWw6Ly9hbm5h",
        )
        .unwrap();
        assert_eq!((head.allows_204, head.allows_206, head.preview, head.closes), (true, true, Some(0), true));
        assert_eq!((head.client, head.user.as_deref()), ("192.0.2.7".parse().ok(), Some("anna")));
        for (value, expected) in [
            ("LDAP://dc.example/ou=x/anna", Some("anna")),
            ("anna", Some("anna")),
            // This is base 64, but of no name.
            ("abcd", Some("abcd")),
            ("", None),
            ("Local://", None),
        ] {
            assert_eq!(user_of(value).as_deref(), expected, "{value}");
        }
    }

    #[test]
    fn the_list_of_parts_has_an_order() {
        use Method::{ReqMod, RespMod};
        let some = |request_head, response_head, section| Ok(Layout { request_head, response_head, section });
        let rows = [
            (ReqMod, "req-hdr=0, req-body=92", some(Some(92), None, Section::Body)),
            (ReqMod, "req-hdr=0,null-body=92", some(Some(92), None, Section::NoBody)),
            (RespMod, "req-hdr=0, res-hdr=137, res-body=296", some(Some(137), Some(159), Section::Body)),
            (RespMod, "res-hdr=0, null-body=20", some(None, Some(20), Section::NoBody)),
            (ReqMod, "req-body=0", Err(Refused::Bad)),
            (ReqMod, "req-hdr=1, req-body=92", Err(Refused::Bad)),
            (ReqMod, "req-hdr=0, res-body=92", Err(Refused::Bad)),
            (ReqMod, "req-hdr=0", Err(Refused::Bad)),
            (ReqMod, "req-hdr=0, req-body=999999", Err(Refused::Bad)),
            (RespMod, "req-hdr=0, res-hdr=137, res-body=100", Err(Refused::Bad)),
            (RespMod, "res-hdr=0, req-hdr=10, res-body=100", Err(Refused::Bad)),
            (ReqMod, "req-hdr=0, req-body=-1", Err(Refused::Bad)),
            (ReqMod, "", Err(Refused::Bad)),
        ];
        for (method, value, expected) in rows {
            assert_eq!(layout_of(value, method), expected, "{value}");
        }
    }

    #[test]
    fn sizes_are_plain_numbers() {
        let rows = [
            ("1e", Some((30, false))),
            ("0", Some((0, false))),
            ("0; ieof", Some((0, true))),
            ("0;IEOF", Some((0, true))),
            ("5; ieof", Some((5, false))),
            ("5;name=value", Some((5, false))),
            ("", None),
            ("+5", None),
            ("0x5", None),
            ("5 ", None),
            ("10000000000000000", None),
        ];
        for (line, expected) in rows {
            assert_eq!(size_of(line), expected, "{line:?}");
        }
    }

    #[tokio::test]
    async fn bodies_end_where_they_say() {
        let rows = [
            ("3\r\nabc\r\n0\r\n\r\nREST", Ok(("abc", BodyEnd::Chunk))),
            ("3\r\nabc\r\n2\r\nde\r\n0; ieof\r\n\r\n", Ok(("abcde", BodyEnd::Whole))),
            ("0\r\n\r\n", Ok(("", BodyEnd::Chunk))),
            ("3\r\nabcd\r\n0\r\n\r\n", Err(Refused::Bad)),
            ("3\nabc\n0\n\n", Err(Refused::Bad)),
            ("3\r\nab", Err(Refused::Gone)),
            ("0\r\nX: y\r\n\r\n", Err(Refused::Bad)),
        ];
        for (text, expected) in rows {
            let mut io = BufReader::new(text.as_bytes());
            let mut body = ChunkedBody::new();
            let mut content = Vec::new();
            let ended = loop {
                match body.next(&mut io).await {
                    Ok(Some(bytes)) => content.extend_from_slice(&bytes),
                    Ok(None) => break Ok(body.end().unwrap()),
                    Err(refused) => break Err(refused),
                }
            };
            let got = ended.map(|end| (std::str::from_utf8(&content).unwrap(), end));
            assert_eq!(got, expected, "{text:?}");
        }
    }
}
