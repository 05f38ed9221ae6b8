//! Reads a ClientHello before anything is answered, and keeps the raw bytes.
//!
//! The name in the hello decides whether the tunnel goes on, and an intercepted tunnel continues the very handshake
//! while a bypassed one needs the bytes as they came. A hello can span many segments, so it is read until it is whole.

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
            return Ok(Hello { accepted, raw, server_name });
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
