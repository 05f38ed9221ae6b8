//! Connections to origins.
//!
//! An authority becomes a [`Route`] once: its addresses are resolved and checked, and only they are dialled, however
//! long the client's connection lives. A [`Links`] holds the connections that belong to one client connection; none is
//! ever shared between clients, so that an answer cannot reach somebody else.

mod guard;
mod resolve;

pub(crate) use guard::AddressGuard;
pub(crate) use resolve::Resolver;

use crate::body_stream::{GatewayBody, Progress};
use crate::fault::Fault;
use crate::names::{Authority, Host};
use crate::tls::origin::describe_certificate;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Pause before the next address of a name is tried beside the first (RFC 8305 5).
const STAGGER: Duration = Duration::from_millis(250);
/// Fields of an answer.
const ANSWER_FIELDS_MAX: usize = 200;
/// Bytes of an answer head that are buffered.
const ANSWER_BUFFER_MAX: usize = 128 * 1024;
/// Idle connections of one client connection. Tunnels need one; a plain proxy connection visits few hosts at a time.
const LINKS_MAX: usize = 16;

/// An origin whose addresses were resolved and checked.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    /// Host and port as named by the client.
    pub(crate) authority: Authority,
    /// Whether TLS is spoken.
    pub(crate) is_tls: bool,
    addresses: Vec<SocketAddr>,
}

/// What all connections to origins share.
#[derive(Debug)]
pub(crate) struct Upstream {
    resolver: Resolver,
    tls: Arc<ClientConfig>,
    connect_timeout: Duration,
    answer_timeout: Duration,
}

/// An open connection to an origin.
pub(crate) type Link = SendRequest<GatewayBody>;

impl Upstream {
    /// Everything that dialling needs.
    pub(crate) fn new(resolver: Resolver, tls: Arc<ClientConfig>, config: &crate::config::UpstreamConfig) -> Self {
        Self { resolver, tls, connect_timeout: config.connect_timeout, answer_timeout: config.answer_timeout }
    }

    /// Resolves an authority and checks its addresses.
    pub(crate) async fn route(&self, authority: Authority, is_tls: bool) -> Result<Route, Fault> {
        let addresses = self.resolver.resolve(&authority).await?;
        Ok(Route { authority, is_tls, addresses })
    }

    /// Opens a connection that speaks HTTP/1.1, with a verified peer if the route is TLS.
    pub(crate) async fn open(&self, route: &Route) -> Result<Link, Fault> {
        let tcp = self.connect(route).await?;
        if route.is_tls { speak_http(self.secure(route, tcp).await?).await } else { speak_http(tcp).await }
    }

    /// Connects to the first address that accepts.
    pub(crate) async fn connect(&self, route: &Route) -> Result<TcpStream, Fault> {
        let mut attempts = JoinSet::new();
        for (index, address) in route.addresses.iter().copied().enumerate() {
            let (limit, pause) = (self.connect_timeout, STAGGER * u32::try_from(index).unwrap_or(u32::MAX));
            attempts.spawn(async move {
                tokio::time::sleep(pause).await;
                timeout(limit, TcpStream::connect(address)).await
            });
        }
        let mut fault = Fault::Connect;
        while let Some(joined) = attempts.join_next().await {
            match joined {
                Ok(Ok(Ok(tcp))) => {
                    // Without it a request in two packets waits for a delayed acknowledgement.
                    tcp.set_nodelay(true).map_err(|_| Fault::Connect)?;
                    return Ok(tcp);
                }
                Ok(Err(_elapsed)) => fault = Fault::Timeout,
                Ok(Ok(Err(_))) | Err(_) => {}
            }
        }
        Err(fault)
    }

    async fn secure(&self, route: &Route, tcp: TcpStream) -> Result<TlsStream<TcpStream>, Fault> {
        let name = match &route.authority.host {
            Host::Name(name) => ServerName::try_from(name.clone()).map_err(|_| Fault::Handshake)?,
            Host::Address(ip) => ServerName::IpAddress((*ip).into()),
        };
        let handshake = TlsConnector::from(self.tls.clone()).connect(name, tcp);
        match timeout(self.connect_timeout, handshake).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => Err(tls_fault(&error)),
            Err(_elapsed) => Err(Fault::Timeout),
        }
    }
}

/// Starts HTTP on a connection and drives it in the background.
async fn speak_http<T: AsyncRead + AsyncWrite + Unpin + Send + 'static>(io: T) -> Result<Link, Fault> {
    let mut builder = http1::Builder::new();
    builder.max_headers(ANSWER_FIELDS_MAX).max_buf_size(ANSWER_BUFFER_MAX).preserve_header_case(true);
    let (link, connection) = builder.handshake(TokioIo::new(io)).await.map_err(|_| Fault::BadAnswer)?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection to an origin ended");
        }
    });
    Ok(link)
}

/// What a failed handshake is called.
fn tls_fault(error: &std::io::Error) -> Fault {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(problem)) => {
            let (reason, message) = describe_certificate(problem);
            Fault::Certificate { reason, message }
        }
        _ => Fault::Handshake,
    }
}

/// The connections that belong to one client connection.
#[derive(Debug, Default)]
pub(crate) struct Links {
    idle: Mutex<HashMap<(bool, Authority), Link>>,
}

impl Links {
    /// Starts with an open connection.
    pub(crate) fn with(route: &Route, link: Link) -> Self {
        let links = Self::default();
        links.keep(route, link);
        links
    }

    /// Sends a request and waits for the head of the answer.
    pub(crate) async fn send(
        &self,
        upstream: &Upstream,
        route: &Route,
        request: Request<GatewayBody>,
    ) -> Result<Response<Incoming>, Fault> {
        let progress = request.body().progress();
        let sending = self.send_once_more(upstream, route, request);
        let mut sending = std::pin::pin!(sending);
        let mut seen = progress.count();
        loop {
            // The clock starts anew as long as the body moves: a large upload over a slow line is no silence.
            match timeout(upstream.answer_timeout, &mut sending).await {
                Ok(answer) => return answer,
                Err(_elapsed) if progress.count() != seen => seen = progress.count(),
                Err(_elapsed) => return Err(Fault::Timeout),
            }
        }
    }

    /// Sends over the kept connection; if that had ended before a byte was sent, over a new one.
    async fn send_once_more(
        &self,
        upstream: &Upstream,
        route: &Route,
        request: Request<GatewayBody>,
    ) -> Result<Response<Incoming>, Fault> {
        let mut request = request;
        if let Some(mut link) = self.take(route)
            && link.ready().await.is_ok()
        {
            match link.try_send_request(request).await {
                Ok(answer) => return self.accept(route, link, answer),
                Err(mut error) => match error.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(Fault::BadAnswer),
                },
            }
        }
        let mut link = upstream.open(route).await?;
        let answer = link.send_request(request).await.map_err(|_| Fault::BadAnswer)?;
        self.accept(route, link, answer)
    }

    /// Keeps the connection for the next request. It becomes ready when this answer has been read to its end.
    fn accept(&self, route: &Route, link: Link, answer: Response<Incoming>) -> Result<Response<Incoming>, Fault> {
        if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
            return Err(Fault::BadAnswer);
        }
        self.keep(route, link);
        Ok(answer)
    }

    fn take(&self, route: &Route) -> Option<Link> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.remove(&(route.is_tls, route.authority.clone())).filter(|link| !link.is_closed())
    }

    fn keep(&self, route: &Route, link: Link) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() >= LINKS_MAX {
            idle.clear();
        }
        idle.insert((route.is_tls, route.authority.clone()), link);
    }
}

impl Progress {
    fn count(&self) -> u64 {
        self.bytes()
    }
}
