//! TLS on both sides: the CA and the leaves that clients see, the certificate of the proxy itself, and the strict
//! verification of origins.

pub(crate) mod ca;
pub(crate) mod crl;
pub(crate) mod hello;
pub(crate) mod leaf;
pub(crate) mod origin;
pub(crate) mod own;
pub(crate) mod pinning;

use rustls::crypto::CryptoProvider;
use std::sync::Arc;

/// The one provider of cryptography, for both sides.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// A version of HTTP that is spoken inside TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Protocol {
    /// HTTP/1.1, also of peers that negotiate nothing.
    Http1,
    /// HTTP/2.
    Http2,
}

impl Protocol {
    /// Its name in the handshake (RFC 7301).
    pub(crate) fn alpn(self) -> &'static [u8] {
        match self {
            Self::Http1 => b"http/1.1",
            Self::Http2 => b"h2",
        }
    }

    /// The version that a handshake has settled on.
    pub(crate) fn negotiated(alpn: Option<&[u8]>) -> Self {
        if alpn == Some(Self::Http2.alpn()) { Self::Http2 } else { Self::Http1 }
    }
}
