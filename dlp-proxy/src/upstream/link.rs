//! One open connection to an origin, in either version of HTTP.
//!
//! A request comes here in a form that belongs to no version: origin-form target, `Host`, the one framing field that
//! fits its body. [`Link::try_send`] turns it into what the connection speaks, so that a request which was not sent over
//! one connection can be sent over another.

use crate::body_stream::GatewayBody;
use crate::fault::Fault;
use crate::http::h2;
use crate::tls::Protocol;
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, TE, TRANSFER_ENCODING};
use http::uri::{Parts as UriParts, PathAndQuery, Scheme};
use http::{HeaderValue, Request, Response, Uri};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};

/// Fields of an answer.
const ANSWER_FIELDS_MAX: usize = 200;
/// Bytes of an answer head that are buffered.
const ANSWER_BUFFER_MAX: usize = 128 * 1024;

/// An open connection. Clones of one that speaks HTTP/2 share it.
#[derive(Debug)]
pub(crate) enum Link {
    /// One request at a time.
    Http1(http1::SendRequest<GatewayBody>),
    /// Many at a time.
    Http2(http2::SendRequest<GatewayBody>),
}

/// A request that did not get an answer.
pub(crate) enum NotSent {
    /// Nothing of it left; it can be sent again. The version of its form does not matter.
    Unsent(Box<Request<GatewayBody>>),
    /// It may have left.
    Lost,
}

impl Link {
    /// Starts HTTP on a connection and drives it in the background.
    pub(crate) async fn start<T>(io: T, protocol: Protocol) -> Result<Self, Fault>
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let io = TokioIo::new(io);
        match protocol {
            Protocol::Http1 => {
                let mut builder = http1::Builder::new();
                builder.max_headers(ANSWER_FIELDS_MAX).max_buf_size(ANSWER_BUFFER_MAX).preserve_header_case(true);
                let (link, connection) = builder.handshake(io).await.map_err(|_| Fault::BadAnswer)?;
                drive(connection.with_upgrades());
                Ok(Self::Http1(link))
            }
            Protocol::Http2 => {
                let mut builder = http2::Builder::new(TokioExecutor::new());
                h2::configure_client(builder.timer(TokioTimer::new()));
                let (link, connection) = builder.handshake(io).await.map_err(|_| Fault::BadAnswer)?;
                drive(connection);
                Ok(Self::Http2(link))
            }
        }
    }

    /// What is spoken.
    pub(crate) fn protocol(&self) -> Protocol {
        match self {
            Self::Http1(_) => Protocol::Http1,
            Self::Http2(_) => Protocol::Http2,
        }
    }

    /// Whether it can take a request now.
    pub(crate) fn is_ready(&self) -> bool {
        match self {
            Self::Http1(link) => link.is_ready(),
            Self::Http2(link) => link.is_ready(),
        }
    }

    /// Whether it has ended.
    pub(crate) fn is_closed(&self) -> bool {
        match self {
            Self::Http1(link) => link.is_closed(),
            Self::Http2(link) => link.is_closed(),
        }
    }

    /// Waits until it can take a request; false when it has ended.
    pub(crate) async fn ready(&mut self) -> bool {
        match self {
            Self::Http1(link) => link.ready().await.is_ok(),
            Self::Http2(link) => link.ready().await.is_ok(),
        }
    }

    /// The same connection, if several requests can share it.
    pub(crate) fn shared(&self) -> Option<Self> {
        match self {
            Self::Http1(_) => None,
            Self::Http2(link) => Some(Self::Http2(link.clone())),
        }
    }

    /// Sends a request to an origin and waits for the head of the answer.
    pub(crate) async fn try_send(
        &mut self,
        request: Request<GatewayBody>,
        authority: &str,
        is_tls: bool,
    ) -> Result<Response<Incoming>, NotSent> {
        let request = match self.protocol() {
            Protocol::Http1 => for_http1(request, authority),
            Protocol::Http2 => for_http2(request, authority, is_tls),
        };
        let Ok(request) = request else { return Err(NotSent::Lost) };
        let answer = match self {
            Self::Http1(link) => link.try_send_request(request).await,
            Self::Http2(link) => link.try_send_request(request).await,
        };
        answer.map_err(|mut error| match error.take_message() {
            Some(unsent) => NotSent::Unsent(Box::new(unsent)),
            None => {
                tracing::debug!(error = %error.error(), "a request was not answered");
                NotSent::Lost
            }
        })
    }
}

/// Drives a connection until it ends.
fn drive(connection: impl Future<Output = hyper::Result<()>> + Send + 'static) {
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection to an origin ended");
        }
    });
}

/// Origin-form target and `Host`.
fn for_http1(mut request: Request<GatewayBody>, authority: &str) -> Result<Request<GatewayBody>, http::Error> {
    if request.uri().authority().is_some() {
        let target = request.uri().path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        *request.uri_mut() = Uri::from(target);
    }
    if !request.headers().contains_key(HOST) {
        request.headers_mut().insert(HOST, HeaderValue::try_from(authority)?);
    }
    if request.headers().contains_key(TE) {
        request.headers_mut().insert(CONNECTION, HeaderValue::from_static("TE"));
    }
    let is_unframed =
        !request.headers().contains_key(CONTENT_LENGTH) && !hyper::body::Body::is_end_stream(request.body());
    if is_unframed {
        request.headers_mut().insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
    Ok(request)
}

/// `:scheme` and `:authority` instead of `Host`, and no field that concerns a connection (RFC 9113 8.2.2).
fn for_http2(
    mut request: Request<GatewayBody>,
    authority: &str,
    is_tls: bool,
) -> Result<Request<GatewayBody>, http::Error> {
    let mut parts = UriParts::default();
    parts.scheme = Some(if is_tls { Scheme::HTTPS } else { Scheme::HTTP });
    let named = request.headers_mut().remove(HOST);
    let named = named.as_ref().and_then(|host| host.to_str().ok()).unwrap_or(authority);
    parts.authority = Some(named.parse()?);
    parts.path_and_query = request.uri().path_and_query().cloned().or(Some(PathAndQuery::from_static("/")));
    *request.uri_mut() = Uri::from_parts(parts)?;
    for field in [CONNECTION, TRANSFER_ENCODING] {
        request.headers_mut().remove(field);
    }
    Ok(request)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn neutral(body: GatewayBody) -> Request<GatewayBody> {
        let request = Request::builder().method("POST").uri("/a?b").header(HOST, "a.example:8443");
        request.header(TE, "trailers").header(CONNECTION, "TE").body(body).unwrap()
    }

    fn shown(request: &Request<GatewayBody>) -> String {
        let mut fields: Vec<_> =
            request.headers().iter().map(|(n, v)| format!("{n}: {}", v.to_str().unwrap())).collect();
        fields.sort();
        format!("{} {}", request.uri(), fields.join(", "))
    }

    #[test]
    fn one_request_has_a_form_for_each_version() {
        let full = || GatewayBody::full(Bytes::from_static(b"abc"));
        let h1 = "/a?b connection: TE, host: a.example:8443, te: trailers, transfer-encoding: chunked";
        let h2 = "https://a.example:8443/a?b te: trailers";
        let as_h1 = for_http1(neutral(full()), "a.example:8443").unwrap();
        assert_eq!(shown(&as_h1), h1);
        let as_h2 = for_http2(as_h1, "a.example:8443", true).unwrap();
        assert_eq!(shown(&as_h2), h2);
        // Sent over another connection after it was not sent over the first.
        assert_eq!(shown(&for_http1(as_h2, "a.example:8443").unwrap()), h1);
        let empty = for_http1(neutral(GatewayBody::empty()), "a.example:8443").unwrap();
        assert!(!empty.headers().contains_key(TRANSFER_ENCODING));
    }

    #[test]
    fn an_asterisk_stays_one() {
        let request = Request::builder().method("OPTIONS").uri("*").body(GatewayBody::empty()).unwrap();
        let request = for_http2(request, "a.example", true).unwrap();
        assert_eq!(request.uri().path(), "*");
        assert_eq!(for_http1(request, "a.example").unwrap().uri(), "*");
    }
}
