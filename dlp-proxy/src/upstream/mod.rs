//! Connections to origins.
//!
//! An authority becomes a [`Route`]: its addresses are resolved and checked, and only they are dialled. A client's
//! connection may live for days, so when none of them takes a connection any more, they are resolved and checked anew. A
//! [`Links`] holds the connections that belong to one client connection.

mod guard;
mod link;
mod links;
mod parent;
mod resolve;

pub(crate) use guard::AddressGuard;
pub(crate) use link::Link;
pub(crate) use links::{LinkCount, Links};
pub(crate) use parent::Parent;
pub(crate) use resolve::Resolver;

use crate::fault::Fault;
use crate::names::{Authority, Host};
use crate::read_ahead::ReadAhead;
use crate::rules::Exchangeable;
use crate::tls::Protocol;
use crate::tls::origin::{Asked, OriginConfigs, describe_certificate};
use rustls::pki_types::ServerName;
use rustls::{AlertDescription, ClientConfig};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Pause before the next address of a name is tried beside the first (RFC 8305 5).
const STAGGER: Duration = Duration::from_millis(250);
/// Age from which on addresses that take no connection are looked up again: the shortest time for which a name is believed.
const ADDRESSES_FRESH: Duration = Duration::from_secs(5);
/// An origin whose addresses were resolved and checked.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    /// Host and port as named by the client.
    pub(crate) authority: Authority,
    /// Whether TLS is spoken.
    pub(crate) is_tls: bool,
    way: Way,
}

/// How an origin is reached.
#[derive(Clone, Debug)]
enum Way {
    /// At one of these addresses.
    Addresses(Known),
    /// Over the parent proxy, which resolves the name.
    Parent,
}

/// What is known of the addresses of an origin, for all that go there by one route.
type Known = Arc<Mutex<Resolved>>;

/// The addresses of an origin, all of which may be dialled.
#[derive(Clone, Debug)]
struct Resolved {
    addresses: Vec<SocketAddr>,
    since: Instant,
}

impl Resolved {
    fn now(addresses: Vec<SocketAddr>) -> Known {
        Arc::new(Mutex::new(Self { addresses, since: Instant::now() }))
    }
}

/// What all connections to origins share.
#[derive(Debug)]
pub(crate) struct Upstream {
    resolver: Resolver,
    parent: Option<Parent>,
    tls: Exchangeable<OriginConfigs>,
    connect_timeout: Duration,
    answer_timeout: Duration,
    addresses_fresh: Duration,
    /// How many connections are kept.
    pub(crate) kept: LinkCount,
}

impl Upstream {
    /// Everything that dialling needs.
    pub(crate) fn new(
        resolver: Resolver,
        parent: Option<Parent>,
        tls: OriginConfigs,
        config: &crate::config::UpstreamConfig,
    ) -> Self {
        Self {
            resolver,
            parent,
            tls: Exchangeable::new(tls),
            connect_timeout: config.connect_timeout,
            answer_timeout: config.answer_timeout,
            addresses_fresh: ADDRESSES_FRESH,
            kept: LinkCount::default(),
        }
    }

    /// Verifies origins in this way from now on. Connections that are open stay.
    pub(crate) fn exchange_tls(&self, tls: OriginConfigs) {
        self.tls.exchange(tls);
    }

    /// Resolves an authority and checks its addresses. Over a parent proxy only what the authority itself tells is checked.
    pub(crate) async fn route(&self, authority: Authority, is_tls: bool) -> Result<Route, Fault> {
        let is_over_parent = self.parent.as_ref().is_some_and(|parent| parent.leads_to(&authority));
        let way = if is_over_parent && self.resolver.overridden(&authority).is_none() {
            self.resolver.check_unresolved(&authority)?;
            Way::Parent
        } else {
            Way::Addresses(Resolved::now(self.resolver.resolve(&authority).await?))
        };
        Ok(Route { authority, is_tls, way })
    }

    /// Opens a connection for a client that speaks this version, with a verified peer if the route is TLS. An origin
    /// chooses between the versions for a client that speaks HTTP/2. One that speaks HTTP/2 alone is asked for it when
    /// it has refused HTTP/1.1.
    pub(crate) async fn open(&self, route: &Route, client: Protocol) -> Result<Link, Fault> {
        let tcp = self.connect(route).await?;
        if !route.is_tls {
            return Link::start(tcp, Protocol::Http1).await;
        }
        let configs = self.tls.now();
        let ways = configs.of(&route.authority.host);
        let offered = match client {
            Protocol::Http1 => &ways.http1,
            Protocol::Http2 => &ways.both,
        };
        let tls = match self.secure(route, tcp, offered).await {
            Err(TlsTrouble::NoCommonProtocol) if client == Protocol::Http1 => {
                let tcp = self.connect(route).await?;
                self.secure(route, tcp, &ways.http2).await?
            }
            opened => opened?,
        };
        let protocol = Protocol::negotiated(tls.get_ref().1.alpn_protocol());
        Link::start(tls, protocol).await
    }

    /// What it is called when an origin ends a connection in place of an answer. One that wants to see a certificate does
    /// that, with a word that often comes too late to be read; so it is asked once more, by a handshake alone.
    pub(crate) async fn why_no_answer(&self, route: &Route) -> Fault {
        let configs = self.tls.now();
        if !route.is_tls || configs.has_one_for(&route.authority.host) {
            return Fault::BadAnswer;
        }
        let (config, asked) = Asked::noted_by(&configs.of(&route.authority.host).both);
        if let Ok(tcp) = self.connect(route).await {
            drop(self.secure(route, tcp, &config).await);
        }
        if asked.is_so() { Fault::ClientCertificate } else { Fault::BadAnswer }
    }

    /// Connects to the origin, or to whoever connects there.
    pub(crate) async fn connect(&self, route: &Route) -> Result<TcpStream, Fault> {
        let parent = match (&route.way, &self.parent) {
            (Way::Addresses(resolved), _) => return self.dial_resolved(&route.authority, resolved).await,
            (Way::Parent, Some(parent)) => parent,
            (Way::Parent, None) => return Err(Fault::Internal),
        };
        let tcp = self.dial(&parent.addresses(&self.resolver).await?).await?;
        let asked = timeout(self.connect_timeout, parent.ask(tcp, &route.authority)).await;
        asked.map_err(|_elapsed| Fault::Timeout)?
    }

    /// Connects to what is known of an origin, or else to what its name leads to by now.
    /// What takes a connection then is known from then on.
    async fn dial_resolved(&self, authority: &Authority, shared: &Known) -> Result<TcpStream, Fault> {
        let known = shared.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let fault = match self.dial(&known.addresses).await {
            Err(fault) if known.since.elapsed() >= self.addresses_fresh => fault,
            dialled => return dialled,
        };
        let addresses = self.resolver.resolve(authority).await?;
        if addresses.iter().all(|address| known.addresses.contains(address)) {
            return Err(fault);
        }
        let dialled = self.dial(&addresses).await?;
        *shared.lock().unwrap_or_else(PoisonError::into_inner) = Resolved { addresses, since: Instant::now() };
        Ok(dialled)
    }

    /// Connects to the first address that accepts.
    async fn dial(&self, addresses: &[SocketAddr]) -> Result<TcpStream, Fault> {
        let mut attempts = JoinSet::new();
        for (index, address) in addresses.iter().copied().enumerate() {
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

    async fn secure(
        &self,
        route: &Route,
        tcp: TcpStream,
        offered: &Arc<ClientConfig>,
    ) -> Result<TlsStream<ReadAhead<TcpStream>>, TlsTrouble> {
        let name = match &route.authority.host {
            Host::Name(name) => ServerName::try_from(name.clone()).map_err(|_| Fault::Handshake)?,
            Host::Address(ip) => ServerName::IpAddress((*ip).into()),
        };
        let handshake = TlsConnector::from(offered.clone()).connect(name, ReadAhead::new(tcp));
        match timeout(self.connect_timeout, handshake).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => Err(tls_trouble(&error)),
            Err(_elapsed) => Err(Fault::Timeout.into()),
        }
    }
}

/// Why a handshake failed.
enum TlsTrouble {
    /// The origin speaks none of what was offered.
    NoCommonProtocol,
    /// Anything else.
    Fault(Fault),
}

impl From<Fault> for TlsTrouble {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<TlsTrouble> for Fault {
    fn from(trouble: TlsTrouble) -> Self {
        match trouble {
            TlsTrouble::NoCommonProtocol => Self::Handshake,
            TlsTrouble::Fault(fault) => fault,
        }
    }
}

/// What a failed handshake is called.
fn tls_trouble(error: &std::io::Error) -> TlsTrouble {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(problem)) => {
            // The library keeps some causes in a form that only people can read.
            tracing::info!(cause = %problem, "the certificate of an origin was refused");
            let (reason, message) = describe_certificate(problem);
            Fault::Certificate { reason, message }.into()
        }
        Some(rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol)) => TlsTrouble::NoCommonProtocol,
        Some(rustls::Error::AlertReceived(AlertDescription::CertificateRequired)) => Fault::ClientCertificate.into(),
        _ => Fault::Handshake.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[tokio::test]
    async fn an_origin_that_has_moved_is_found_again() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let now_at = listener.local_addr().unwrap();
        let was_at = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let root = rcgen::generate_simple_self_signed(vec!["root.example".to_owned()]).unwrap();
        std::fs::write(dir.path().join("root.pem"), root.cert.pem()).unwrap();
        let roots = dir.path().join("root.pem");
        let config = format!("upstream.use_system_roots = false\nupstream.extra_roots = [{roots:?}]\n");
        let config = format!("{config}resolver.override = {{ \"moved.example\" = \"{now_at}\" }}");
        let config: Config = toml::from_str(&config).unwrap();
        let roots = crate::tls::origin::client_configs(&config.upstream, &[]).unwrap();
        let resolver = Resolver::new(&config.resolver, AddressGuard::new(true, Vec::new()));
        let mut upstream = Upstream::new(resolver, None, roots, &config.upstream);
        let authority = Authority::parse("moved.example:443", None).unwrap();
        let known = Resolved::now(vec![was_at]);
        let route = Route { authority, is_tls: false, way: Way::Addresses(known.clone()) };
        upstream.addresses_fresh = Duration::MAX;
        assert!(upstream.connect(&route).await.is_err(), "that was looked up just now");
        upstream.addresses_fresh = Duration::ZERO;
        assert_eq!(upstream.connect(&route).await.unwrap().peer_addr().unwrap(), now_at);
        assert_eq!(known.lock().unwrap().addresses, [now_at], "the next one goes there at once");
    }
}
