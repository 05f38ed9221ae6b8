//! What an answer must know of the request.

use http::header::ORIGIN;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method};

/// The request that is answered.
#[derive(Clone, Copy, Debug)]
pub struct AnswerRequest<'a> {
    /// Method; `HEAD` gets no body.
    pub method: &'a Method,
    /// Path of the URL, without its query.
    pub path: &'a str,
    /// Header as the client sent it.
    pub headers: &'a HeaderMap,
}

impl<'a> AnswerRequest<'a> {
    /// From a request's head.
    #[must_use]
    pub fn of(head: &'a Parts) -> Self {
        Self { method: &head.method, path: head.uri.path(), headers: &head.headers }
    }

    /// A field as text; empty when it is absent or not ASCII.
    pub(super) fn field(&self, name: &str) -> &'a str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    /// The origin of a page whose script sent the request.
    pub(super) fn origin(&self) -> Option<&'a HeaderValue> {
        self.headers.get(ORIGIN)
    }
}
