//! Sockets and connections: accepts within limits, then serves HTTP/1.1, whose framing is guarded, or HTTP/2.

use crate::admission::{Admission, Admitted, Full};
use crate::body_stream::GatewayBody;
use crate::http::guard::{GuardedIo, Refusal};
use crate::http::h2;
use crate::http::head::{FIELDS_MAX, HEAD_BYTES_MAX};
use crate::identity::{Proof, certificate};
use crate::pipeline::{self, Client, Place};
use crate::read_ahead::ReadAhead;
use crate::services::Services;
use crate::slow_reader::{self, Answers, WhileRead};
use crate::tls::Protocol;
use crate::tunnel;
use crate::upstream::Links;
use http::header::CONNECTION;
use http::{Method, Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::{HttpService, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::convert::Infallible;
use std::io::Cursor;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Pause after a failed accept, which mostly means that there are no descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Time for the farewell of a connection without open streams.
const CLOSE_GRACE: Duration = Duration::from_secs(1);

/// Accepts proxy clients until told to stop.
pub(crate) async fn accept(services: Arc<Services>, listener: TcpListener, entry: Entry, admission: Arc<Admission>) {
    loop {
        let accepted = tokio::select! {
            () = services.drain.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let admitted = tokio::select! {
                    () = services.drain.cancelled() => return,
                    admitted = admit(&admission, peer) => admitted,
                };
                match admitted {
                    Some(admitted) => {
                        let client = (stream, peer);
                        services.tasks.spawn(serve_proxy(services.clone(), client, entry, admitted));
                    }
                    None => {
                        services.metrics.count_fault("connections_per_ip");
                        tracing::warn!(%peer, "connection refused: limits.connections_per_ip");
                    }
                }
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// A place for the connection. When all places are busy it waits, and with it whoever stands in the socket's queue.
async fn admit(admission: &Arc<Admission>, peer: SocketAddr) -> Option<Admitted> {
    loop {
        match admission.admit(peer.ip()) {
            Ok(admitted) => return Some(admitted),
            Err(Full::Share) => return None,
            Err(Full::Total) => admission.freed().await,
        }
    }
}

/// One client of a proxy port.
async fn serve_proxy(
    services: Arc<Services>,
    (stream, peer): (TcpStream, SocketAddr),
    entry: Entry,
    admitted: Admitted,
) {
    if slow_reader::prepare(&stream).is_err() {
        return;
    }
    let Some((io, protocol, proof)) = entry.enter(&services, stream, peer).await else { return };
    let admitted = Arc::new(admitted);
    let (place, lease) = (admitted.clone(), services.access.lease());
    let links = Links::new(protocol, &services.upstream.kept);
    let new_client = |refusal| Client { peer, admitted: place, place: Place::Proxy, proof, lease, links, refusal };
    let connection = Connection { io, protocol, admitted: admitted.clone() };
    serve_connection(services.clone(), connection, new_client, move |services, client, request| {
        let admitted = admitted.clone();
        async move {
            if request.method() == Method::CONNECT {
                // The tunnel outlives this connection's service and keeps its place.
                Box::pin(tunnel::open(services, &client, request, admitted)).await
            } else {
                Box::pin(pipeline::handle(&services, &client, request)).await
            }
        }
    })
    .await;
}

/// How clients come in at a listener.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Entry {
    /// HTTP/1.1 without TLS.
    Plain,
    /// TLS, and inside it what the handshake settles on.
    Tls,
}

impl Entry {
    /// The bytes inside, what they are, and what the connection itself proves.
    async fn enter(
        self,
        services: &Services,
        stream: TcpStream,
        peer: SocketAddr,
    ) -> Option<(ClientIo, Protocol, Proof)> {
        if matches!(self, Self::Plain) {
            return Some((Box::new(stream), Protocol::Http1, Proof::Nobody));
        }
        // A listener of this kind needs a certificate, which reading the files again does not take away.
        let acceptor = services.rules.now().own_tls.clone()?;
        match timeout(services.config.limits.header_timeout, acceptor.accept(ReadAhead::new(stream))).await {
            Ok(Ok(tls)) => {
                let session = tls.get_ref().1;
                let protocol = Protocol::negotiated(session.alpn_protocol());
                let shown = session.peer_certificates().and_then(<[_]>::first);
                let proof = shown.map_or(Some(Proof::Nobody), certificate::proof_of)?;
                Some((Box::new(tls), protocol, proof))
            }
            _ => {
                services.metrics.count_tls_error("proxy_handshake");
                tracing::info!(%peer, reason = "proxy_handshake", "connection closed");
                None
            }
        }
    }
}

/// Something to speak over.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

/// The way to a client, with or without TLS.
pub(crate) type ClientIo = Box<dyn Duplex>;

/// The same way after bytes that have been read from it already.
pub(crate) fn with_first(io: ClientIo, first: Vec<u8>) -> ClientIo {
    if first.is_empty() {
        return io;
    }
    let (read, write) = tokio::io::split(io);
    Box::new(tokio::io::join(Cursor::new(first).chain(read), write))
}

/// A connection that requests come on.
pub(crate) struct Connection {
    /// Its bytes.
    pub(crate) io: ClientIo,
    /// What they are.
    pub(crate) protocol: Protocol,
    /// Its place.
    pub(crate) admitted: Arc<Admitted>,
}

/// Serves HTTP on a connection until it ends, has to make room, or the gateway drains.
pub(crate) async fn serve_connection<N, S, F>(services: Arc<Services>, connection: Connection, new_client: N, serve: S)
where
    N: FnOnce(Refusal) -> Client,
    S: Fn(Arc<Services>, Arc<Client>, Request<Incoming>) -> F,
    F: Future<Output = Response<GatewayBody>> + Send + 'static,
{
    let unread_max = services.config.limits.body_stall_download;
    let connection = Connection { io: Box::new(WhileRead::new(connection.io, unread_max)), ..connection };
    // Each in a box of its own size: most connections are idle most of the time.
    match connection.protocol {
        Protocol::Http1 => Box::pin(serve_http1(services, connection, new_client, serve)).await,
        Protocol::Http2 => Box::pin(serve_http2(services, connection, new_client, serve)).await,
    }
}

/// HTTP/1.1, behind the guard of its framing.
async fn serve_http1<N, S, F>(services: Arc<Services>, connection: Connection, new_client: N, serve: S)
where
    N: FnOnce(Refusal) -> Client,
    S: Fn(Arc<Services>, Arc<Client>, Request<Incoming>) -> F,
    F: Future<Output = Response<GatewayBody>> + Send + 'static,
{
    let Connection { io, admitted, .. } = connection;
    let limits = &services.config.limits;
    let guarded = GuardedIo::new(io, limits.header_timeout);
    let client = Arc::new(new_client(guarded.refusal()));
    let service = service_fn(|request| {
        let busy = admitted.busy();
        let answer = serve(services.clone(), client.clone(), request);
        async move { Ok::<_, Infallible>(answer.await.map(|body| body.keeping(busy))) }
    });
    let served = http1_builder(limits.idle_timeout).serve_connection(TokioIo::new(guarded), service).with_upgrades();
    let served = std::pin::pin!(served);
    let ended = tokio::select! {
        ended = until_its_end(&services, &admitted, served, None) => ended,
        () = client.lease.ended() => Ok(()),
    };
    if let Err(error) = ended {
        tracing::debug!(peer = %client.peer, %error, "a client connection ended");
    }
}

/// HTTP/2. It has no end of its own, so one that has been idle is asked to end.
async fn serve_http2<N, S, F>(services: Arc<Services>, connection: Connection, new_client: N, serve: S)
where
    N: FnOnce(Refusal) -> Client,
    S: Fn(Arc<Services>, Arc<Client>, Request<Incoming>) -> F,
    F: Future<Output = Response<GatewayBody>> + Send + 'static,
{
    let Connection { io, admitted, .. } = connection;
    let client = Arc::new(new_client(Refusal::default()));
    let (streams, answers) = (Arc::new(Streams::new()), Answers::default());
    let service = service_fn(|request| {
        let kept = (admitted.busy(), streams.begin());
        let answer = serve(services.clone(), client.clone(), request);
        let (streams, answers) = (streams.clone(), answers.clone());
        let asking = answers.asking();
        async move {
            let _asking = asking;
            let mut waiting = Waiting { streams, is_answered: false };
            let mut answer = answer.await.map(|body| body.keeping(kept).watched(answers.begin()));
            answer.headers_mut().remove(CONNECTION);
            waiting.is_answered = true;
            Ok::<_, Infallible>(answer)
        }
    });
    let mut builder = http2::Builder::new(TokioExecutor::new());
    h2::configure_server(builder.timer(TokioTimer::new()));
    let served = std::pin::pin!(builder.serve_connection(TokioIo::new(io), service));
    let ended = tokio::select! {
        ended = until_its_end(&services, &admitted, served, Some(&streams)) => ended,
        () = client.lease.ended() => Ok(()),
        () = streams.flooded.cancelled() => {
            services.metrics.count_fault("stream_resets");
            tracing::warn!(peer = %client.peer, "connection closed: too many requests were taken back");
            Ok(())
        }
        () = answers.unread(services.config.limits.body_stall_download) => {
            services.metrics.count_fault("answer_unread");
            tracing::info!(peer = %client.peer, "connection closed: nothing of its answers was read");
            Ok(())
        }
    };
    if let Err(error) = ended {
        tracing::debug!(peer = %client.peer, %error, "a client connection ended");
    }
}

/// A connection that can be asked to end after the requests that it is at.
trait Ending: Future<Output = hyper::Result<()>> {
    fn end_soon(self: Pin<&mut Self>);
}

impl<T, S> Ending for http1::UpgradeableConnection<TokioIo<T>, S>
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: HttpService<Incoming, ResBody = GatewayBody, Error = Infallible>,
{
    fn end_soon(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

impl<T, S> Ending for http2::Connection<TokioIo<T>, S, TokioExecutor>
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: HttpService<Incoming, ResBody = GatewayBody, Error = Infallible>,
    S::Future: Send + 'static,
{
    fn end_soon(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

/// Drives a connection. It is asked to end when the gateway drains, when none of its streams has been open for a while,
/// and when it has to make room. A peer that does not answer to that is cut, once it has no stream open or has to make
/// room.
async fn until_its_end(
    services: &Services,
    admitted: &Admitted,
    mut connection: Pin<&mut impl Ending>,
    streams: Option<&Streams>,
) -> hyper::Result<()> {
    let idle = async |limit| match streams {
        Some(streams) => streams.idle(limit).await,
        None => std::future::pending().await,
    };
    tokio::select! {
        ended = connection.as_mut() => return ended,
        () = services.drain.cancelled() => {}
        () = idle(services.config.limits.idle_timeout) => {}
        () = admitted.shed() => {}
    }
    connection.as_mut().end_soon();
    tokio::select! {
        ended = connection => ended,
        () = idle(CLOSE_GRACE) => Ok(()),
        () = admitted.cut() => Ok(()),
    }
}

/// The streams of one connection.
struct Streams {
    open: watch::Sender<usize>,
    resets: h2::Resets,
    /// Cancelled when the client has taken back too many requests.
    flooded: CancellationToken,
}

/// Counts a stream as open until its answer was handed over.
pub(crate) struct OpenStream(watch::Sender<usize>);

/// A request that waits for its answer. It is dropped without one when the client takes it back.
struct Waiting {
    streams: Arc<Streams>,
    is_answered: bool,
}

impl Streams {
    fn new() -> Self {
        let now = std::time::Instant::now();
        Self { open: watch::Sender::new(0), resets: h2::Resets::new(now), flooded: CancellationToken::new() }
    }

    fn begin(&self) -> OpenStream {
        self.open.send_modify(|count| *count += 1);
        OpenStream(self.open.clone())
    }

    /// Resolves when no stream has been open for this long.
    async fn idle(&self, limit: Duration) {
        let mut open = self.open.subscribe();
        loop {
            let is_idle = *open.borrow_and_update() == 0;
            match is_idle {
                true if timeout(limit, open.changed()).await.is_err() => return,
                true => {}
                // The sender lives as long as `self`.
                false => drop(open.changed().await),
            }
        }
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if !self.is_answered && !self.streams.resets.count(std::time::Instant::now()) {
            self.streams.flooded.cancel();
        }
    }
}

/// How HTTP/1.1 is spoken with clients. The bounds lie above those of the guard, which judges first.
fn http1_builder(idle_timeout: Duration) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(idle_timeout)
        .max_headers(FIELDS_MAX + 1)
        .max_buf_size(2 * HEAD_BYTES_MAX)
        .preserve_header_case(true);
    builder
}
