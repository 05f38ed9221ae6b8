//! Reads a ClientHello before anything is answered, and keeps the raw bytes.
//!
//! The name in the hello decides whether the tunnel goes on, and an intercepted tunnel continues the very handshake
//! while a bypassed one needs the bytes as they came. A hello can span many segments, so it is read until it is whole.

use super::Protocol;
use crate::names::Host;
use rustls::server::{Accepted, Acceptor};
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt};

/// Bytes of a hello. Post-quantum key shares make about 2 KiB; nothing honest comes near the bound.
const HELLO_BYTES_MAX: usize = 64 * 1024;
/// Bytes read at a time.
const READ_BYTES: usize = 4 * 1024;

/// A whole ClientHello.
pub(crate) struct Hello {
    /// The begun handshake.
    pub(crate) accepted: Accepted,
    /// What the client sent so far.
    pub(crate) raw: Vec<u8>,
    /// The server name, if the client sent one.
    pub(crate) server_name: Option<Host>,
    /// The versions of HTTP that the client offers.
    pub(crate) offers: Offers,
}

/// What a client offers to speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Offers {
    /// HTTP/1.1; so do clients that name no protocol.
    pub(crate) http1: bool,
    /// HTTP/2.
    pub(crate) http2: bool,
}

impl Offers {
    fn of<'a>(names: Option<impl Iterator<Item = &'a [u8]>>) -> Self {
        let Some(names) = names else { return Self { http1: true, http2: false } };
        let mut offers = Self { http1: false, http2: false };
        for name in names {
            offers.http1 |= name == Protocol::Http1.alpn() || name == b"http/1.0";
            offers.http2 |= name == Protocol::Http2.alpn();
        }
        offers
    }

    /// The version for answers of the gateway itself; none when the client offers no HTTP at all.
    pub(crate) fn own_choice(self) -> Option<Protocol> {
        match (self.http1, self.http2) {
            (true, _) => Some(Protocol::Http1),
            (false, true) => Some(Protocol::Http2),
            (false, false) => None,
        }
    }
}

/// Reads a hello; `first` are bytes that were read before.
pub(crate) async fn read_hello<T: AsyncRead + Unpin>(io: &mut T, first: Vec<u8>) -> io::Result<Hello> {
    let invalid = |message: String| io::Error::new(io::ErrorKind::InvalidData, message);
    let mut acceptor = Acceptor::default();
    let mut raw = first;
    let mut fed = 0;
    loop {
        while fed < raw.len() {
            fed += acceptor.read_tls(&mut &raw[fed..])?;
            let accepted = acceptor.accept().map_err(|(error, _alert)| invalid(error.to_string()))?;
            let Some(accepted) = accepted else { continue };
            if fed < raw.len() {
                return Err(invalid("bytes follow the ClientHello before it was answered".into()));
            }
            let server_name = match accepted.client_hello().server_name() {
                Some(name) => Some(Host::parse(name).map_err(|error| invalid(error.to_string()))?),
                None => None,
            };
            let offers = Offers::of(accepted.client_hello().alpn());
            return Ok(Hello { accepted, raw, server_name, offers });
        }
        if raw.len() > HELLO_BYTES_MAX {
            return Err(invalid(format!("the ClientHello is longer than {HELLO_BYTES_MAX} bytes")));
        }
        let mut piece = [0; READ_BYTES];
        match io.read(&mut piece).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => raw.extend_from_slice(&piece[..count]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offers_are_told_from_names_of_protocols() {
        type Row = (Option<&'static [&'static str]>, Option<Protocol>, bool);
        let rows: [Row; 6] = [
            (None, Some(Protocol::Http1), false),
            (Some(&["h2", "http/1.1"]), Some(Protocol::Http1), true),
            (Some(&["h2"]), Some(Protocol::Http2), true),
            (Some(&["http/1.1"]), Some(Protocol::Http1), false),
            (Some(&["imap", "h2c"]), None, false),
            (Some(&[]), None, false),
        ];
        for (names, own_choice, http2) in rows {
            let offers = Offers::of(names.map(|names| names.iter().map(|name| name.as_bytes())));
            assert_eq!((offers.own_choice(), offers.http2), (own_choice, http2), "{names:?}");
        }
    }
}
