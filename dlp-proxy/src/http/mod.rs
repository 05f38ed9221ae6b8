//! HTTP/1.1 message framing, judged before the HTTP library sees a byte.
//!
//! [`head`] judges one request head, [`chunked`] follows a chunked body, and [`guard`] wraps a connection and applies
//! both, so that every request which reaches a service has exactly one reading. [`fields`] removes what concerns one
//! connection only.

pub(crate) mod chunked;
pub(crate) mod fields;
pub(crate) mod guard;
pub(crate) mod head;
