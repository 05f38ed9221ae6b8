//! The admin listener: health, metrics, the CA certificate and the proxy configuration for browsers.
//!
//! It has its own socket, which the proxy never dials. What is open to everybody is read-only and holds nothing about
//! users; the calls of [`access`] need a token. A
//! request must name the listener by an address that it has or by a configured name: a page whose own name was made to
//! resolve to this address (DNS rebinding) names another one, and learns nothing.

mod access;

use crate::config::HostPattern;
use crate::metrics::Metrics;
use crate::names::{Authority, Host};
use crate::services::Services;
use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HOST};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// Connections at a time.
const CONNECTIONS_MAX: usize = 64;
/// Time for a request head, idle time included.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Pause after a failed accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Media type of short answers.
const TEXT: &str = "text/plain; charset=utf-8";
/// Answer to a request for another name.
const FOREIGN_NAME: &str = "this listener is not known by that name; use its address, or add the name to admin.hosts\n";

/// What the listener tells about.
#[derive(Debug)]
pub(crate) struct Admin {
    /// Counters.
    pub(crate) metrics: Arc<Metrics>,
    /// Certificate for clients to trust.
    pub(crate) ca_pem: String,
    /// Address of the proxy.
    pub(crate) proxy: Option<SocketAddr>,
    /// Address of the proxy inside TLS.
    pub(crate) proxy_tls: Option<SocketAddr>,
    /// Names of the listener besides its addresses.
    pub(crate) hosts: Vec<HostPattern>,
    /// Cancelled when the gateway stops.
    pub(crate) drain: CancellationToken,
    /// What the calls change.
    pub(crate) services: Arc<Services>,
    /// Digest of the token that they need.
    pub(crate) token_digest: Option<[u8; 32]>,
}

impl Admin {
    /// Serves until the task is aborted.
    pub(crate) async fn serve(self, listener: TcpListener) {
        let admin = Arc::new(self);
        let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        while let Ok(slot) = slots.clone().acquire_owned().await {
            match listener.accept().await {
                Ok((stream, _)) => {
                    let admin = admin.clone();
                    tokio::spawn(async move {
                        admin.serve_connection(stream).await;
                        drop(slot);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "an admin connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    async fn serve_connection(&self, stream: TcpStream) {
        let own = stream.local_addr().map(|address| address.ip());
        let service = service_fn(|request: Request<Incoming>| async {
            Ok::<_, Infallible>(match own {
                Ok(own) if !self.is_named(&request, own) => foreign(),
                Err(_) => foreign(),
                Ok(_) if access::owns(request.uri().path()) => {
                    access::answer(&self.services, self.token_digest.as_ref(), request).await
                }
                Ok(_) => self.answer(&request),
            })
        });
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
        if let Err(error) = builder.serve_connection(TokioIo::new(stream), service).await {
            tracing::debug!(%error, "an admin connection ended");
        }
    }

    /// Whether the request is for this listener, which was reached at the address `own`.
    fn is_named(&self, request: &Request<Incoming>, own: IpAddr) -> bool {
        let mut lines = request.headers().get_all(HOST).iter();
        let (Some(line), None) = (lines.next(), lines.next()) else { return false };
        let named = line.to_str().ok().and_then(|text| Authority::parse(text, Some(80)).ok());
        let target = request.uri().authority().map(|text| Authority::parse(text.as_str(), Some(80)).ok());
        let is_own = |authority: &Authority| match &authority.host {
            Host::Address(ip) => {
                let ip = ip.to_canonical();
                ip.is_loopback() || ip == own.to_canonical()
            }
            Host::Name(name) => name == "localhost" || self.hosts.iter().any(|own| own.covers(&authority.host)),
        };
        named.is_some_and(|named| is_own(&named)) && target.is_none_or(|target| target.is_some_and(|t| is_own(&t)))
    }

    fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        if request.method() != Method::GET && request.method() != Method::HEAD {
            let mut refused = respond(StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET is served here\n".into());
            refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return refused;
        }
        match request.uri().path() {
            "/healthz" => respond(StatusCode::OK, TEXT, "ok\n".into()),
            "/readyz" if self.drain.is_cancelled() => {
                respond(StatusCode::SERVICE_UNAVAILABLE, TEXT, "stopping\n".into())
            }
            "/readyz" => respond(StatusCode::OK, TEXT, "ready\n".into()),
            "/metrics" => respond(StatusCode::OK, OPENMETRICS, self.metrics.render()),
            "/ca.pem" => respond(StatusCode::OK, "application/x-pem-file", self.ca_pem.clone()),
            "/proxy.pac" => {
                let host = request.headers().get(HOST).and_then(|value| value.to_str().ok());
                let script = pac(self.proxy_tls, self.proxy, host);
                let mut answer = respond(StatusCode::OK, "application/x-ns-proxy-autoconfig", script);
                answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("max-age=300"));
                answer
            }
            _ => respond(StatusCode::NOT_FOUND, TEXT, "not found\n".into()),
        }
    }
}

fn foreign() -> Response<Full<Bytes>> {
    respond(StatusCode::MISDIRECTED_REQUEST, TEXT, FOREIGN_NAME.into())
}

fn respond(status: StatusCode, content_type: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// The script that sends everything but the local network through the gateway. There is no way round it: without the
/// gateway nothing is reached. A proxy that listens on all addresses is named as this request named its host. The proxy
/// inside TLS comes first, for browsers that can speak to one.
fn pac(proxy_tls: Option<SocketAddr>, proxy: Option<SocketAddr>, request_host: Option<&str>) -> String {
    let named = request_host.and_then(|host| Authority::parse(host, Some(80)).ok());
    let way = |word: &str, address: SocketAddr| match &named {
        Some(authority) if address.ip().is_unspecified() => format!("{word} {}:{}", authority.host, address.port()),
        _ => format!("{word} {address}"),
    };
    let ways = [proxy_tls.map(|address| way("HTTPS", address)), proxy.map(|address| way("PROXY", address))];
    let ways = ways.into_iter().flatten().collect::<Vec<_>>().join("; ");
    format!(
        r#"function FindProxyForURL(url, host) {{
  if (isPlainHostName(host) || host === "localhost" || dnsDomainIs(host, ".localhost")) return "DIRECT";
  if (/^\d+\.\d+\.\d+\.\d+$/.test(host) &&
      (isInNet(host, "10.0.0.0", "255.0.0.0") || isInNet(host, "127.0.0.0", "255.0.0.0") ||
       isInNet(host, "169.254.0.0", "255.255.0.0") || isInNet(host, "172.16.0.0", "255.240.0.0") ||
       isInNet(host, "192.168.0.0", "255.255.0.0"))) return "DIRECT";
  if (/^\[?(::1|f[cd][0-9a-f]*:|fe[89ab][0-9a-f]*:)/i.test(host)) return "DIRECT";
  return "{ways}";
}}
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_names_an_address_that_clients_can_reach() {
        let rows = [
            (None, "127.0.0.1:8080", Some("gw.corp.example:9090"), "PROXY 127.0.0.1:8080"),
            (None, "0.0.0.0:8080", Some("gw.corp.example:9090"), "PROXY gw.corp.example:8080"),
            (None, "0.0.0.0:8080", Some("\"; evil()"), "PROXY 0.0.0.0:8080"),
            (None, "[::]:8080", Some("[2001:db8::1]:9090"), "PROXY [2001:db8::1]:8080"),
            (Some("0.0.0.0:443"), "0.0.0.0:80", Some("gw.example"), "HTTPS gw.example:443; PROXY gw.example:80"),
        ];
        for (tls, proxy, host, expected) in rows {
            let script = pac(tls.map(|text| text.parse().unwrap()), Some(proxy.parse().unwrap()), host);
            assert!(script.contains(&format!("return \"{expected}\"")), "{proxy} {host:?}: {script}");
            assert!(!script.contains("evil"));
        }
    }
}
