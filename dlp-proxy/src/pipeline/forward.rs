//! Sends an allowed request and hands the answer back.
//!
//! The message is written anew: method, target, the fields that are left after the hop-by-hop ones, and one framing
//! that fits the body as it is sent. The body itself is byte for byte the client's. Trailer fields of an answer are
//! passed on to a client that said it reads them; those of a request are refused before they come here.

use super::Client;
use super::events::coding;
use super::gate::Held;
use super::site::Site;
use crate::body_stream::{GatewayBody, Stall};
use crate::config::Downloads;
use crate::fault::Fault;
use crate::http::client_body::ClientBody;
use crate::http::fields::{keep_trailers_wish, strip_hop_by_hop};
use crate::http::h2::join_cookies;
use crate::services::Services;
use crate::upstream::Route;
use http::header::{ACCEPT_ENCODING, CONTENT_LENGTH, HOST, IF_RANGE, RANGE, TRAILER, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Request, Response, Version};
use hyper::body::{Body, Incoming};

/// An allowed request.
pub(super) struct Outgoing<'a> {
    /// Its head as received.
    pub(super) parts: &'a Parts,
    /// Its origin.
    pub(super) site: &'a Site,
    /// Its body.
    pub(super) content: Content,
    /// Whether the gateway itself reads the answer, which must not be compressed then.
    pub(super) is_answer_read: bool,
}

/// A body that may leave.
pub(super) enum Content {
    /// As it arrives.
    Stream(ClientBody),
    /// None.
    Empty,
    /// As it is let go.
    Piped(GatewayBody),
    /// From the hold, and then the rest as it arrives.
    Held(Held),
}

impl Content {
    /// A body that nobody looked at.
    pub(super) fn untouched(body: ClientBody) -> Self {
        Self::Stream(body)
    }
}

impl From<Held> for Content {
    fn from(held: Held) -> Self {
        Self::Held(held)
    }
}

/// Sends the request and waits for the head of the answer.
pub(super) async fn forward(
    services: &Services,
    client: &Client,
    route: &Route,
    outgoing: Outgoing<'_>,
) -> Result<Response<GatewayBody>, Fault> {
    let request = build(services, outgoing)?.map(|body| body.until(client.lease.token()));
    let answer = client.links.send(&services.upstream, route, request).await?;
    Ok(pass_back(services, answer))
}

/// An answer as the client gets it. Its body streams.
pub(super) fn pass_back(services: &Services, answer: Response<Incoming>) -> Response<GatewayBody> {
    let stall = Stall::new(services.config.limits.body_stall_download, services.metrics.clone());
    let mut answer = answer.map(|body| GatewayBody::answer(body, stall));
    *answer.version_mut() = Version::HTTP_11;
    let announced: Vec<HeaderValue> = answer.headers().get_all(TRAILER).iter().cloned().collect();
    strip_hop_by_hop(answer.headers_mut());
    for trailers in announced {
        answer.headers_mut().append(TRAILER, trailers);
    }
    answer
}

/// The message that leaves, in a form that belongs to no version of HTTP.
pub(super) fn build(services: &Services, outgoing: Outgoing<'_>) -> Result<Request<GatewayBody>, Fault> {
    let Outgoing { parts, site, content, is_answer_read } = outgoing;
    let mut headers = parts.headers.clone();
    let framing = framing(&headers, &content);
    strip_hop_by_hop(&mut headers);
    keep_trailers_wish(&parts.headers, &mut headers);
    join_cookies(&mut headers);
    services.restrictions.apply(&site.authority.host.to_string(), &mut headers);
    if services.config.inspection.downloads == Downloads::Inspect {
        // A piece of a document shows less than the document.
        headers.remove(RANGE);
        headers.remove(IF_RANGE);
        coding::limit_accepted(&mut headers);
    }
    if is_answer_read {
        headers.remove(ACCEPT_ENCODING);
    }
    headers.remove(CONTENT_LENGTH);
    if let Some((name, value)) = framing {
        headers.insert(name, value);
    }
    if parts.uri.authority().is_some() || !headers.contains_key(HOST) {
        let host = HeaderValue::try_from(site.host_field()).map_err(|_| Fault::BadTarget)?;
        headers.insert(HOST, host);
    }
    let body = match content {
        Content::Empty => GatewayBody::empty(),
        Content::Stream(incoming) if incoming.is_end_stream() => GatewayBody::empty(),
        Content::Stream(incoming) => GatewayBody::stream(incoming),
        Content::Piped(body) => body,
        Content::Held(held) => held.into_body(),
    };
    let mut request = Request::new(body);
    *request.method_mut() = parts.method.clone();
    *request.uri_mut() = site.target.parse().map_err(|_| Fault::BadTarget)?;
    *request.headers_mut() = headers;
    Ok(request)
}

/// The one framing field of the message that leaves: the length where it is known, else chunked, none without a body.
fn framing(received: &HeaderMap, content: &Content) -> Option<(http::HeaderName, HeaderValue)> {
    let is_chunked = received.contains_key(TRANSFER_ENCODING);
    let length = match content {
        Content::Held(held) if held.is_whole() => Some(held.spooled.len()),
        _ => declared_length(received),
    };
    match length {
        Some(length) if length > 0 || is_chunked || received.contains_key(CONTENT_LENGTH) => {
            Some((CONTENT_LENGTH, HeaderValue::from(length)))
        }
        None if is_chunked => Some((TRANSFER_ENCODING, HeaderValue::from_static("chunked"))),
        _ => None,
    }
}

/// The length that a head announces. The guard has made sure that there is one number at most.
pub(super) fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
