//! Sockets and connections: accepts within limits, guards the framing, serves HTTP/1.1.

use crate::admission::{Admission, Admitted, Full};
use crate::body_stream::GatewayBody;
use crate::http::guard::{GuardedIo, Refusal};
use crate::http::head::{FIELDS_MAX, HEAD_BYTES_MAX};
use crate::pipeline::{self, Client, Place};
use crate::services::Services;
use crate::tunnel;
use crate::upstream::Links;
use http::{Method, Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

/// Pause after a failed accept, which mostly means that there are no descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Accepts proxy clients until told to stop.
pub(crate) async fn accept(services: Arc<Services>, listener: TcpListener, admission: Arc<Admission>) {
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
                    Some(admitted) => drop(services.tasks.spawn(serve_proxy(services.clone(), stream, peer, admitted))),
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

/// One client of the proxy port.
async fn serve_proxy(services: Arc<Services>, stream: TcpStream, peer: SocketAddr, admitted: Admitted) {
    // Without it an answer in two packets waits for a delayed acknowledgement.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let new_client = |refusal| Client { peer, place: Place::Proxy, user: None, links: Links::default(), refusal };
    let admitted = Arc::new(admitted);
    serve_connection(services.clone(), (stream, admitted.clone()), new_client, move |services, client, request| {
        let admitted = admitted.clone();
        async move {
            if request.method() == Method::CONNECT {
                // The tunnel outlives this connection's service and keeps its place.
                tunnel::open(services, &client, request, admitted).await
            } else {
                pipeline::handle(&services, &client, request).await
            }
        }
    })
    .await;
}

/// Serves HTTP/1.1 on a connection, behind the guard, until it ends, has to make room, or the gateway drains.
pub(crate) async fn serve_connection<T, N, S, F>(
    services: Arc<Services>,
    (io, admitted): (T, Arc<Admitted>),
    new_client: N,
    serve: S,
) where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    N: FnOnce(Refusal) -> Client,
    S: Fn(Arc<Services>, Arc<Client>, Request<Incoming>) -> F,
    F: Future<Output = Response<GatewayBody>>,
{
    let limits = &services.config.limits;
    let guarded = GuardedIo::new(io, limits.header_timeout);
    let client = Arc::new(new_client(guarded.refusal()));
    let service = service_fn(|request| {
        let busy = admitted.busy();
        let answer = serve(services.clone(), client.clone(), request);
        async move { Ok::<_, Infallible>(answer.await.map(|body| body.keeping(busy))) }
    });
    let connection = builder(limits.idle_timeout).serve_connection(TokioIo::new(guarded), service).with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = services.drain.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
        () = admitted.shed() => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                ended = connection => ended,
                () = admitted.cut() => Ok(()),
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(peer = %client.peer, %error, "a client connection ended");
    }
}

/// How HTTP is spoken with clients. The bounds lie above those of the guard, which judges first.
fn builder(idle_timeout: Duration) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(idle_timeout)
        .max_headers(FIELDS_MAX + 1)
        .max_buf_size(2 * HEAD_BYTES_MAX)
        .preserve_header_case(true);
    builder
}
