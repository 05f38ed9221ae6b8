//! The way over another proxy, which is asked by CONNECT for every connection (RFC 9110 9.3.6).
//!
//! TLS and its verification happen inside, so the parent sees names and sizes only. It is asked by CONNECT for plain HTTP too:
//! then every request, a switch to WebSocket included, takes one road, and the parent does not take part in it.

use super::resolve::Resolver;
use crate::config::{HostPattern, UpstreamConfig};
use crate::fault::Fault;
use crate::names::Authority;
use crate::secret_file::{self, SecretError};
use data_encoding::BASE64;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use zeroize::Zeroizing;

/// Bytes of the answer to CONNECT.
const ANSWER_BYTES_MAX: usize = 16 * 1024;

/// A parent proxy.
pub(crate) struct Parent {
    authority: Authority,
    /// The value of `Proxy-Authorization`.
    credentials: Option<Zeroizing<String>>,
    /// Destinations that are dialled all the same.
    except: Vec<HostPattern>,
}

impl std::fmt::Debug for Parent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parent").field("authority", &self.authority).finish_non_exhaustive()
    }
}

impl Parent {
    /// The parent that is configured, if there is one.
    pub(crate) fn read(config: &UpstreamConfig) -> Result<Option<Self>, SecretError> {
        let Some(authority) = config.parent.clone() else { return Ok(None) };
        let key = "upstream.parent_credentials";
        let credentials = match &config.parent_credentials {
            None => None,
            Some(path) => {
                let secret = secret_file::read(key, path, 1)?;
                if !secret.contains(':') || secret.contains(char::is_control) {
                    let message = "expected one line user:password".to_owned();
                    return Err(SecretError::Content { key, path: path.clone(), message });
                }
                Some(Zeroizing::new(format!("Basic {}", BASE64.encode(secret.as_bytes()))))
            }
        };
        Ok(Some(Self { authority: authority.0, credentials, except: config.parent_except.clone() }))
    }

    /// Whether a destination is reached over the parent.
    pub(super) fn leads_to(&self, authority: &Authority) -> bool {
        !self.except.iter().any(|pattern| pattern.covers(&authority.host))
    }

    /// Addresses of the parent itself, which is trusted to have a private one.
    pub(super) async fn addresses(&self, resolver: &Resolver) -> Result<Vec<SocketAddr>, Fault> {
        resolver.resolve_trusted(&self.authority).await
    }

    /// Asks for a way to the destination over a fresh connection to the parent.
    pub(super) async fn ask(&self, mut tcp: TcpStream, authority: &Authority) -> Result<TcpStream, Fault> {
        let mut request = Zeroizing::new(format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n"));
        if let Some(credentials) = &self.credentials {
            request.push_str("Proxy-Authorization: ");
            request.push_str(credentials);
            request.push_str("\r\n");
        }
        request.push_str("\r\n");
        tcp.write_all(request.as_bytes()).await.map_err(|_| Fault::Connect)?;
        let head = read_head(&mut tcp).await?;
        match status_of(&head) {
            Some(200..=299) => Ok(tcp),
            status => {
                tracing::warn!(host = %authority, parent = %self.authority, status, "the parent proxy refused a connection");
                Err(Fault::Parent(status.unwrap_or(0)))
            }
        }
    }
}

/// Reads up to the empty line and nothing behind it: that belongs to the destination.
async fn read_head(tcp: &mut TcpStream) -> Result<Vec<u8>, Fault> {
    let mut head = Vec::with_capacity(256);
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == ANSWER_BYTES_MAX {
            return Err(Fault::Parent(0));
        }
        head.push(tcp.read_u8().await.map_err(|_| Fault::Parent(0))?);
    }
    Ok(head)
}

/// The status of an answer; none of what is no HTTP.
fn status_of(head: &[u8]) -> Option<u16> {
    let line = head.split(|byte| *byte == b'\r').next()?;
    let rest = line.strip_prefix(b"HTTP/1.1 ").or_else(|| line.strip_prefix(b"HTTP/1.0 "))?;
    let (code, after) = rest.split_at_checked(3)?;
    let is_whole = after.is_empty() || after.starts_with(b" ");
    std::str::from_utf8(code).ok().filter(|_| is_whole)?.parse().ok().filter(|code| *code >= 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_is_read_strictly() {
        let rows: [(&[u8], Option<u16>); 8] = [
            (b"HTTP/1.1 200 Connection established\r\n\r\n", Some(200)),
            (b"HTTP/1.0 200\r\n\r\n", Some(200)),
            (b"HTTP/1.1 407 Proxy Authentication Required\r\n", Some(407)),
            (b"HTTP/1.1 2000 x\r\n", None),
            (b"HTTP/1.1 20\r\n", None),
            (b"HTTP/1.1 +20 x\r\n", None),
            (b"HTTP/2 200\r\n", None),
            (b"SSH-2.0\r\n", None),
        ];
        for (head, expected) in rows {
            assert_eq!(status_of(head), expected, "{}", String::from_utf8_lossy(head));
        }
    }
}
