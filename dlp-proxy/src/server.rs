//! Sockets and connections: accepts within limits, guards the framing, serves HTTP/1.1.

use crate::body_stream::GatewayBody;
use crate::config::LimitsConfig;
use crate::http::guard::{GuardedIo, Refusal};
use crate::http::head::{FIELDS_MAX, HEAD_BYTES_MAX};
use crate::metrics::Metrics;
use crate::pipeline::{self, Client, Place};
use crate::services::Services;
use crate::tunnel;
use crate::upstream::Links;
use http::{Method, Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// Pause after a failed accept, which mostly means that there are no descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Client connections, in total and by address.
#[derive(Debug)]
pub(crate) struct Admission {
    metrics: Arc<Metrics>,
    total: Arc<Semaphore>,
    per_ip_max: u32,
    per_ip: Mutex<HashMap<IpAddr, u32>>,
}

/// The right to serve one connection, given back when dropped.
#[derive(Debug)]
pub(crate) struct Admitted {
    admission: Arc<Admission>,
    ip: IpAddr,
    _total: OwnedSemaphorePermit,
}

impl Admission {
    /// With the configured bounds.
    pub(crate) fn new(limits: &LimitsConfig, metrics: Arc<Metrics>) -> Arc<Self> {
        let total = Arc::new(Semaphore::new(limits.connections.get() as usize));
        Arc::new(Self { metrics, total, per_ip_max: limits.connections_per_ip.get(), per_ip: Mutex::default() })
    }

    /// Counts a connection of this address, unless it has too many.
    fn admit(self: &Arc<Self>, ip: IpAddr, total: OwnedSemaphorePermit) -> Option<Admitted> {
        let mut per_ip = self.per_ip.lock().unwrap_or_else(PoisonError::into_inner);
        let count = per_ip.entry(ip).or_default();
        if *count >= self.per_ip_max {
            return None;
        }
        *count += 1;
        self.metrics.connections.inc();
        self.metrics.connections_total.inc();
        Some(Admitted { admission: self.clone(), ip, _total: total })
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.admission.metrics.connections.dec();
        let mut per_ip = self.admission.per_ip.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = per_ip.get_mut(&self.ip) {
            *count -= 1;
            if *count == 0 {
                per_ip.remove(&self.ip);
            }
        }
    }
}

/// Accepts proxy clients until told to stop.
pub(crate) async fn accept(services: Arc<Services>, listener: TcpListener, admission: Arc<Admission>) {
    while let Some(permit) = next_permit(&services.drain, &admission).await {
        let accepted = tokio::select! {
            () = services.drain.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => match admission.admit(peer.ip(), permit) {
                Some(admitted) => drop(services.tasks.spawn(serve_proxy(services.clone(), stream, peer, admitted))),
                None => tracing::warn!(%peer, "connection refused: limits.connections_per_ip"),
            },
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Waits until one more connection may be open; `None` means stop.
async fn next_permit(drain: &CancellationToken, admission: &Admission) -> Option<OwnedSemaphorePermit> {
    tokio::select! {
        () = drain.cancelled() => None,
        permit = admission.total.clone().acquire_owned() => permit.ok(),
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
    serve_connection(services.clone(), stream, new_client, move |services, client, request| {
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

/// Serves HTTP/1.1 on a connection, behind the guard, until it ends or the gateway drains.
pub(crate) async fn serve_connection<T, N, S, F>(services: Arc<Services>, io: T, new_client: N, serve: S)
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    N: FnOnce(Refusal) -> Client,
    S: Fn(Arc<Services>, Arc<Client>, Request<Incoming>) -> F,
    F: Future<Output = Response<GatewayBody>>,
{
    let limits = &services.config.limits;
    let guarded = GuardedIo::new(io, limits.header_timeout);
    let client = Arc::new(new_client(guarded.refusal()));
    let service = service_fn(|request| {
        let answer = serve(services.clone(), client.clone(), request);
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let connection = builder(limits.idle_timeout).serve_connection(TokioIo::new(guarded), service).with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = services.drain.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU32;

    #[tokio::test]
    async fn an_address_has_its_share_and_gets_it_back() {
        let few = |count| NonZeroU32::new(count).unwrap();
        let limits = LimitsConfig { connections: few(3), connections_per_ip: few(2), ..LimitsConfig::default() };
        let metrics = Arc::new(Metrics::new());
        let admission = Admission::new(&limits, metrics.clone());
        let drain = CancellationToken::new();
        let (one, two): (IpAddr, IpAddr) = ([192, 0, 2, 1].into(), [192, 0, 2, 2].into());
        let admit = async |ip| {
            let permit = next_permit(&drain, &admission).await.unwrap();
            admission.admit(ip, permit)
        };
        let first = admit(one).await;
        let second = admit(one).await;
        assert!(first.is_some() && second.is_some() && admit(one).await.is_none(), "two of one address");
        let third = admit(two).await;
        assert!(third.is_some());
        assert_eq!(metrics.connections.get(), 3);
        let waiting = next_permit(&drain, &admission);
        assert!(tokio::time::timeout(Duration::from_millis(20), waiting).await.is_err(), "three in total");
        drop((first, second, third));
        assert_eq!(metrics.connections.get(), 0);
        assert!(admit(one).await.is_some());
    }
}
