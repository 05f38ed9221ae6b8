//! The connections to origins that belong to one client connection.
//!
//! None is ever shared between clients, so that an answer cannot reach somebody else. A client that speaks HTTP/1.1
//! sends one request at a time, and its next one waits for the end of the answer before; streams of HTTP/2 wait for
//! nobody: each takes a connection that is free, or shares one that speaks HTTP/2, or gets a new one.

use super::link::{Link, NotSent};
use super::{Route, Upstream};
use crate::body_stream::{GatewayBody, Progress};
use crate::fault::Fault;
use crate::names::Authority;
use crate::tls::Protocol;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use tokio::time::timeout;

/// Origins with idle connections of one client connection. Tunnels need one; a plain proxy connection visits few hosts at
/// a time.
const ORIGINS_MAX: usize = 16;
/// Idle connections to one origin.
const IDLE_MAX: usize = 8;

/// The connections that belong to one client connection.
#[derive(Debug)]
pub(crate) struct Links {
    /// What the client speaks: what it cannot profit from is not offered to origins.
    client: Protocol,
    idle: Mutex<HashMap<(bool, Authority), Vec<Link>>>,
}

impl Links {
    /// None yet, for a client that speaks this version.
    pub(crate) fn new(client: Protocol) -> Self {
        Self { client, idle: Mutex::default() }
    }

    /// Starts with an open connection.
    pub(crate) fn with(client: Protocol, route: &Route, link: Link) -> Self {
        let links = Self::new(client);
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
        upstream.answered(sending, &progress).await
    }

    /// Sends a request to switch protocols. The connection is kept only when nothing was switched.
    pub(crate) async fn send_upgrade(
        &self,
        upstream: &Upstream,
        route: &Route,
        request: Request<GatewayBody>,
    ) -> Result<Response<Incoming>, Fault> {
        let sending = async {
            let mut kept = self.take(route);
            let is_ready = match &mut kept {
                Some(link) => link.ready().await,
                None => false,
            };
            let mut link = match kept.filter(|_| is_ready) {
                Some(link) => link,
                None => upstream.open(route, Protocol::Http1).await?,
            };
            if link.protocol() != Protocol::Http1 {
                return Err(Fault::Upgrade);
            }
            let Ok(answer) = self.send_over(&mut link, route, request).await else {
                return Err(upstream.why_no_answer(route).await);
            };
            if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
                self.keep(route, link);
            }
            Ok(answer)
        };
        upstream.answered(sending, &Progress::default()).await
    }

    /// Sends over a kept connection; if that had ended before a byte was sent, over a new one.
    async fn send_once_more(
        &self,
        upstream: &Upstream,
        route: &Route,
        request: Request<GatewayBody>,
    ) -> Result<Response<Incoming>, Fault> {
        let mut request = request;
        if let Some(mut link) = self.take(route)
            && link.ready().await
        {
            match self.send_over(&mut link, route, request).await {
                Ok(answer) => return self.accept(route, link, answer),
                Err(NotSent::Unsent(unsent)) => request = *unsent,
                Err(NotSent::Lost) => return Err(upstream.why_no_answer(route).await),
            }
        }
        let mut link = upstream.open(route, self.client).await?;
        self.share(route, &link);
        match self.send_over(&mut link, route, request).await {
            Ok(answer) => self.accept(route, link, answer),
            Err(_) => Err(upstream.why_no_answer(route).await),
        }
    }

    async fn send_over(
        &self,
        link: &mut Link,
        route: &Route,
        request: Request<GatewayBody>,
    ) -> Result<Response<Incoming>, NotSent> {
        link.try_send(request, &route.authority.to_string(), route.is_tls).await
    }

    /// Keeps the connection for the next request. It becomes ready when this answer has been read to its end.
    fn accept(&self, route: &Route, link: Link, answer: Response<Incoming>) -> Result<Response<Incoming>, Fault> {
        if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
            return Err(Fault::BadAnswer);
        }
        if link.protocol() == Protocol::Http1 {
            self.keep(route, link);
        }
        Ok(answer)
    }

    /// A connection for the next request. One that is shared stays.
    fn take(&self, route: &Route) -> Option<Link> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let links = idle.get_mut(&(route.is_tls, route.authority.clone()))?;
        links.retain(|link| !link.is_closed());
        if let Some(shared) = links.iter().find_map(Link::shared) {
            return Some(shared);
        }
        let at = match self.client {
            Protocol::Http1 => links.len().checked_sub(1)?,
            Protocol::Http2 => links.iter().position(Link::is_ready)?,
        };
        Some(links.swap_remove(at))
    }

    /// Lets other streams use a new connection at once.
    fn share(&self, route: &Route, link: &Link) {
        if let Some(shared) = link.shared() {
            self.keep(route, shared);
        }
    }

    fn keep(&self, route: &Route, link: Link) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (route.is_tls, route.authority.clone());
        if idle.len() >= ORIGINS_MAX && !idle.contains_key(&key) {
            idle.clear();
        }
        let links = idle.entry(key).or_default();
        if links.len() >= IDLE_MAX {
            links.swap_remove(0);
        }
        links.push(link);
    }
}

impl Upstream {
    /// Waits for an answer as long as the request moves: a large upload over a slow line is no silence.
    pub(super) async fn answered<T>(
        &self,
        sending: impl Future<Output = Result<T, Fault>>,
        progress: &Progress,
    ) -> Result<T, Fault> {
        let mut sending = std::pin::pin!(sending);
        let mut seen = progress.bytes();
        loop {
            match timeout(self.answer_timeout, &mut sending).await {
                Ok(answer) => return answer,
                Err(_elapsed) if progress.bytes() != seen => seen = progress.bytes(),
                Err(_elapsed) => return Err(Fault::Timeout),
            }
        }
    }
}
