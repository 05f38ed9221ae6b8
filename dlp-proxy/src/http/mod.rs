//! Messages with exactly one reading, in both versions of HTTP.
//!
//! HTTP/1.1 is judged before the library sees a byte: [`head`] judges one request head, [`chunked`] follows a chunked body,
//! and [`guard`] wraps a connection and applies both. [`h2`] judges the heads that the library has read from HTTP/2.
//! [`fields`] removes what concerns one connection only.

pub(crate) mod chunked;
pub(crate) mod client_body;
pub(crate) mod fields;
pub(crate) mod guard;
pub(crate) mod h2;
pub(crate) mod head;
