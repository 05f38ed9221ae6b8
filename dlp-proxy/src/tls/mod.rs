//! TLS on both sides: the CA and the leaves that clients see, and the strict verification of origins.

pub(crate) mod ca;
pub(crate) mod hello;
pub(crate) mod leaf;
pub(crate) mod origin;

use rustls::crypto::CryptoProvider;
use std::sync::Arc;

/// The one provider of cryptography, for both sides.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// The one application protocol that is spoken.
pub(crate) const ALPN_HTTP1: &[u8] = b"http/1.1";
