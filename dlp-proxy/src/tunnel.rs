//! CONNECT: from an authority to a connection on which requests are inspected.
//!
//! ```text
//! CONNECT -> port, addresses -> 200 -> first bytes -> TLS: names -> bypass | origin first, then client -> requests
//!                                                  -> HTTP: requests
//!                                                  -> anything else: closed
//! ```
//!
//! The origin is verified before the client's handshake ends. When it cannot be, the client still gets a handshake,
//! and the answer to its first request names the reason; nothing of the request is read further or sent anywhere.

use crate::access::Lease;
use crate::admission::Admitted;
use crate::body_stream::GatewayBody;
use crate::fault::Fault;
use crate::http::client_body::ClientBody;
use crate::http::guard::{GuardedIo, Refusal};
use crate::http::h2;
use crate::identity::Proof;
use crate::names::{Authority, Host};
use crate::pipeline::{self, Client, Place};
use crate::read_ahead::ReadAhead;
use crate::request_log::Entry;
use crate::server::{ClientIo, Connection, serve_connection, with_first};
use crate::services::Services;
use crate::tls::Protocol;
use crate::tls::hello::{Hello, read_hello};
use crate::tls::pinning::Pair;
use crate::upstream::{Links, Route};
use bytes::Bytes;
use http::{HeaderValue, Request, Response, Version, header};
use hyper::body::Incoming;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use tokio_rustls::StartHandshake;

/// Time without a byte after CONNECT. A protocol in which the server speaks first is none that is served.
const FIRST_BYTE_TIMEOUT: Duration = Duration::from_secs(10);
/// Buffers of a tunnel that is not intercepted, in bytes.
const RELAY_BUFFER_BYTES: usize = 64 * 1024;
/// First byte of a TLS record that carries a handshake.
const TLS_HANDSHAKE: u8 = 0x16;

/// A tunnel that was asked for.
struct Tunnel {
    services: Arc<Services>,
    peer: SocketAddr,
    proof: Proof,
    lease: Arc<Lease>,
    authority: Authority,
    is_tls: bool,
    /// Whether it is relayed unread.
    is_bypassed: bool,
    /// What kind of client it is of.
    pair: Pair,
    /// None when the host is refused whatever is asked of it: then nothing is dialled, and the answer comes in the
    /// tunnel, where browsers show it.
    route: Option<Route>,
    /// The place of the connection.
    admitted: Arc<Admitted>,
}

/// Answers a CONNECT request, and starts the tunnel when it may be opened.
pub(crate) async fn open(
    services: Arc<Services>,
    client: &Client,
    mut request: Request<Incoming>,
    admitted: Arc<Admitted>,
) -> Response<GatewayBody> {
    let upgrade = hyper::upgrade::on(&mut request);
    let (parts, _) = request.into_parts();
    let prepared = async {
        if parts.version == Version::HTTP_2 {
            h2::judge(&parts).map_err(Fault::Framing)?;
        }
        if parts.extensions.get::<hyper::ext::Protocol>().is_some() {
            return Err(Fault::Upgrade.into());
        }
        let proof = pipeline::prove(&services, client, &parts.headers)?;
        let lease = services.access.lease();
        let actor = lease.admit(&services.rules, &proof)?;
        let authority = authority_of(&services, parts.uri.authority().map(http::uri::Authority::as_str))?;
        let pair = Pair::new(&authority.host, parts.headers.get(header::USER_AGENT));
        let is_bypassed = is_bypassed(&services, &authority.host, &pair);
        if !is_bypassed && !services.mint.admits(&authority.host, client.peer.ip()) {
            return Err(Fault::TooManyHosts.into());
        }
        if !is_bypassed {
            let from = (actor.clone(), client.peer);
            let refusal = pipeline::host::refusal(&services, (&authority, true), from, &parts).await;
            if let Some(refusal) = refusal {
                return Err(Unopened::Refused(refusal.answer));
            }
        }
        let route = match !is_bypassed && pipeline::is_host_refused(&services, &authority, actor) {
            true => None,
            false => Some(services.upstream.route(authority.clone(), true).await?),
        };
        Ok::<_, Unopened>((proof, lease, authority, route, (pair, is_bypassed)))
    };
    match prepared.await {
        Ok((proof, lease, authority, route, (pair, is_bypassed))) => {
            let (services, peer) = (services.clone(), client.peer);
            let place = admitted.clone();
            let access = lease.clone();
            let services_of_tunnel = services.clone();
            let tunnel = Tunnel {
                services: services_of_tunnel,
                peer,
                proof,
                lease,
                authority,
                is_tls: true,
                is_bypassed,
                pair,
                route,
                admitted,
            };
            services.tasks.spawn(async move {
                // Requests inside end the tunnel by themselves when it has to make room; nothing else may keep it.
                tokio::select! {
                    () = tunnel.run(upgrade) => {}
                    () = place.cut() => {}
                    () = access.ended() => {}
                }
            });
            Response::new(GatewayBody::empty())
        }
        Err(Unopened::Fault(fault)) => refuse(&services, client, &parts, &fault),
        Err(Unopened::Refused(refusal)) => closing(refusal.map(GatewayBody::full)),
    }
}

/// Why there is no tunnel.
enum Unopened {
    Fault(Fault),
    /// Its host may not be asked for.
    Refused(Response<Bytes>),
}

impl From<Fault> for Unopened {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// Bytes that a client sent ahead must not be read as a request, so the connection ends with the refusal.
fn refuse(services: &Services, client: &Client, parts: &http::request::Parts, fault: &Fault) -> Response<GatewayBody> {
    closing(pipeline::refuse_with(services, client, parts, fault))
}

fn closing(mut response: Response<GatewayBody>) -> Response<GatewayBody> {
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// The target of a CONNECT request, on an allowed port.
fn authority_of(services: &Services, target: Option<&str>) -> Result<Authority, Fault> {
    let authority = Authority::parse(target.ok_or(Fault::BadTarget)?, None)?;
    let ports = &services.config.connect.allowed_ports;
    if ports.iter().any(|port| port.get() == authority.port) { Ok(authority) } else { Err(Fault::Port(authority.port)) }
}

/// A tunnel in which requests can be read.
struct Opened {
    io: ClientIo,
    protocol: Protocol,
    /// The way to the origin, or why there is none.
    links: Result<Links, Fault>,
}

impl Tunnel {
    /// Opens the tunnel and serves what comes. What is only needed to open it is given back when it is open: idle tunnels
    /// should cost little.
    async fn run(mut self, upgrade: OnUpgrade) {
        let Some(Opened { io, protocol, links }) = Box::pin(self.opened(upgrade)).await else { return };
        match links {
            Ok(links) => self.serve(io, protocol, links).await,
            Err(fault) => {
                self.services.metrics.count_tls_error(fault.reason());
                Box::pin(self.serve_fault(io, protocol, fault)).await;
            }
        }
    }

    /// Waits for the connection and finds out what is spoken on it. None when nothing is left to be served.
    async fn opened(&mut self, upgrade: OnUpgrade) -> Option<Opened> {
        let (mut stream, mut first) = unwrapped(upgrade.await.ok()?)?;
        if first.is_empty() {
            let mut byte = [0];
            match timeout(FIRST_BYTE_TIMEOUT, stream.read(&mut byte)).await {
                Ok(Ok(1)) => first.push(byte[0]),
                _ => return self.note("silent_tunnel"),
            }
        }
        match first.first() {
            Some(&TLS_HANDSHAKE) => self.opened_tls(stream, first).await,
            Some(byte) if byte.is_ascii_uppercase() => Some(self.opened_plain(stream, first)),
            _ => self.note("unknown_protocol"),
        }
    }

    /// Reads the ClientHello and decides between interception and bypass.
    async fn opened_tls(&self, mut stream: ClientIo, first: Vec<u8>) -> Option<Opened> {
        let limit = self.services.config.limits.header_timeout;
        let Ok(Ok(hello)) = timeout(limit, read_hello(&mut stream, first)).await else {
            return self.note("client_hello");
        };
        if !is_own_name(&self.authority.host, hello.server_name.as_ref()) {
            return self.note("sni_mismatch");
        }
        let Some(own_choice) = hello.offers.own_choice() else { return self.note("alpn") };
        match &self.route {
            Some(route) if self.is_bypassed => {
                self.relay(route, stream, hello).await;
                None
            }
            _ => self.intercepted(stream, hello, own_choice).await,
        }
    }

    /// Origin first, then the client.
    async fn intercepted(&self, stream: ClientIo, hello: Hello, own_choice: Protocol) -> Option<Opened> {
        let opened = match &self.route {
            Some(route) => Box::pin(self.open_origin(route, &hello)).await,
            None => Ok((own_choice, Links::new(own_choice, &self.services.upstream.kept))),
        };
        let protocol = opened.as_ref().map_or(own_choice, |(protocol, _)| *protocol);
        let config = match self.services.mint.server_config(&self.authority.host, protocol) {
            Ok(config) => config,
            Err(error) => {
                tracing::error!(%error, "no certificate could be made");
                return self.note("leaf");
            }
        };
        let handshake = StartHandshake::from_parts(hello.accepted, ReadAhead::new(stream)).into_stream(config);
        let limit = self.services.config.limits.header_timeout;
        let Ok(Ok(tls)) = Box::pin(timeout(limit, handshake)).await else {
            // A client that does not trust the CA ends here; so does one that pins certificates.
            if self.services.pinning.refused(&self.pair, Instant::now()) {
                self.services.metrics.pinning_suspected.inc();
                tracing::warn!(host = %self.authority, client = self.pair.client(), "a client refuses every certificate of the gateway: it pins another one, or does not know the gateway's CA");
            }
            return self.note("client_handshake");
        };
        self.services.pinning.accepted(&self.pair);
        Some(Opened { io: Box::new(tls), protocol, links: opened.map(|(_, links)| links) })
    }

    /// Connects to the origin. The client will speak what the origin speaks, if it can: then every message keeps its
    /// form, and what a site does with connections works as without the gateway.
    async fn open_origin(&self, route: &Route, hello: &Hello) -> Result<(Protocol, Links), Fault> {
        let wish = if hello.offers.http2 { Protocol::Http2 } else { Protocol::Http1 };
        let link = self.services.upstream.open(route, wish).await?;
        let protocol = match link.protocol() {
            Protocol::Http1 if hello.offers.http1 => Protocol::Http1,
            Protocol::Http1 => Protocol::Http2,
            Protocol::Http2 => wish,
        };
        Ok((protocol, Links::with(protocol, &self.services.upstream.kept, (route, link))))
    }

    /// Relays a tunnel unread, and counts its bytes.
    async fn relay(&self, route: &Route, mut stream: ClientIo, hello: Hello) {
        let _busy = self.admitted.busy();
        let Ok(mut origin) = self.services.upstream.connect(route).await else {
            let _: Option<()> = self.note("bypass");
            return;
        };
        if origin.write_all(&hello.raw).await.is_err() {
            return;
        }
        let begin = Instant::now();
        let copying =
            tokio::io::copy_bidirectional_with_sizes(&mut stream, &mut origin, RELAY_BUFFER_BYTES, RELAY_BUFFER_BYTES);
        let copied = tokio::select! {
            copied = timeout(self.services.config.limits.tunnel_lifetime, copying) => copied,
            () = self.services.drain.cancelled() => return,
        };
        let bytes = copied.ok().and_then(Result::ok).map_or(0, |(up, down)| up + down);
        self.services.metrics.bypassed_bytes.inc_by(bytes);
        self.services.metrics.count_uninspected("bypass");
        self.services.request_log.write(Entry {
            client: Some(self.peer.ip()),
            user: Some(self.proof.name()).filter(|name| !name.is_empty()).map(str::to_owned),
            method: "CONNECT".to_owned(),
            host: self.authority.host.to_string(),
            reason: Some("bypass".to_owned()),
            bytes: Some(bytes),
            duration_ms: u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX),
            ..Entry::default()
        });
        tracing::info!(host = %self.authority, bytes, "tunnel not intercepted");
    }

    /// HTTP without TLS in a tunnel.
    fn opened_plain(&mut self, stream: ClientIo, first: Vec<u8>) -> Opened {
        self.is_tls = false;
        if let Some(route) = &mut self.route {
            route.is_tls = false;
        }
        let protocol = Protocol::Http1;
        let links = Links::new(protocol, &self.services.upstream.kept);
        Opened { io: with_first(stream, first), protocol, links: Ok(links) }
    }

    /// Requests.
    async fn serve(self, io: ClientIo, protocol: Protocol, links: Links) {
        let services = self.services.clone();
        let connection = Connection { io, protocol, admitted: self.admitted.clone() };
        let new_client = |refusal| self.client(links, refusal);
        let handle = |services: Arc<Services>, client: Arc<Client>, request| async move {
            Box::pin(pipeline::handle(&services, &client, request)).await
        };
        serve_connection(services, connection, new_client, handle).await;
    }

    /// One answer that names the fault of the origin.
    async fn serve_fault(self, io: ClientIo, protocol: Protocol, fault: Fault) {
        let services = self.services.clone();
        let connection = Connection { io, protocol, admitted: self.admitted.clone() };
        let links = Links::new(protocol, &services.upstream.kept);
        let new_client = |refusal| self.client(links, refusal);
        let answer = move |services: Arc<Services>, client: Arc<Client>, request: Request<Incoming>| {
            let (parts, body) = request.into_parts();
            drop(ClientBody::new(body, parts.version));
            let response = refuse(&services, &client, &parts, &fault);
            async move { response }
        };
        serve_connection(services, connection, new_client, answer).await;
    }

    /// The client of the requests inside.
    fn client(self, links: Links, refusal: Refusal) -> Client {
        let Self { peer, proof, lease, authority, is_tls, route, admitted, .. } = self;
        Client { peer, admitted, place: Place::Tunnel { authority, is_tls, route }, proof, lease, links, refusal }
    }

    /// Counts and logs a tunnel that was closed. There is nothing of it.
    fn note<T>(&self, reason: &'static str) -> Option<T> {
        self.services.metrics.count_tls_error(reason);
        tracing::info!(peer = %self.peer, host = %self.authority, reason, "tunnel closed");
        None
    }
}

/// The bytes of a tunnel, and those that have been read already. A connection of HTTP/1.1 is freed of its guard; a stream
/// of HTTP/2 stays what it is.
fn unwrapped(upgraded: Upgraded) -> Option<(ClientIo, Vec<u8>)> {
    match upgraded.downcast::<TokioIo<GuardedIo<ClientIo>>>() {
        Ok(parts) => {
            let (stream, guarded_rest) = parts.io.into_inner().into_parts()?;
            let mut first = parts.read_buf.to_vec();
            first.extend_from_slice(&guarded_rest);
            Some((stream, first))
        }
        Err(stream) => Some((Box::new(TokioIo::new(stream)), Vec::new())),
    }
}

/// Whether tunnels of this kind of client to its host are relayed unread.
fn is_bypassed(services: &Services, host: &Host, pair: &Pair) -> bool {
    let tenancy = &services.config.tenant.corporate;
    let category = || services.catalogue.destination_of_host(&host.to_string(), tenancy).category;
    let pins = || services.pinning.is_suspected(pair, Instant::now());
    let bypass = &services.rules.now().bypass;
    bypass.covers(host, category) || (bypass.lets_pin(host) && pins())
}

/// The name in the hello must be the one of the tunnel; only an address needs none.
fn is_own_name(own: &Host, server_name: Option<&Host>) -> bool {
    match (own, server_name) {
        (_, Some(name)) => name == own,
        (Host::Address(_), None) => true,
        (Host::Name(_), None) => false,
    }
}
