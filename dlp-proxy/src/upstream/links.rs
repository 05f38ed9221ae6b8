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
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::time::{Instant, sleep_until, timeout};

/// Origins with idle connections of one client connection. Tunnels need one; a plain proxy connection visits few hosts at
/// a time.
const ORIGINS_MAX: usize = 16;
/// Idle connections to one origin.
const IDLE_MAX: usize = 8;
/// Time for which a connection to an origin is kept without a request. An idle client takes half the memory then, and a later
/// request opens a new one.
const IDLE_FOR: Duration = Duration::from_secs(30);
/// The same while the gateway keeps more than so many of them: 10,000 would take as much memory as 10,000 clients do.
const PRESSED_FOR: Duration = Duration::from_secs(5);
const MANY: usize = 1_000;
/// The same while it keeps more than so many.
const CROWDED_FOR: Duration = Duration::from_secs(2);
const VERY_MANY: usize = 3_000;
/// The same while it keeps more than so many: whoever asks again at once still finds its connection.
const FULL_FOR: Duration = Duration::from_millis(500);
const FULL: usize = 4_000;

/// How many connections to origins the gateway keeps, for all clients together.
#[derive(Clone, Debug, Default)]
pub(crate) struct LinkCount(Arc<AtomicUsize>);

impl LinkCount {
    fn another(&self) -> Counted {
        self.0.fetch_add(1, Ordering::Relaxed);
        Counted(self.clone())
    }

    /// Time for which one of so many is kept without a request.
    fn idle_for(&self) -> Duration {
        match self.0.load(Ordering::Relaxed) {
            0..=MANY => IDLE_FOR,
            count if count <= VERY_MANY => PRESSED_FOR,
            count if count <= FULL => CROWDED_FOR,
            _ => FULL_FOR,
        }
    }
}

/// Counts one until it is dropped.
#[derive(Debug)]
struct Counted(LinkCount);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The connections that belong to one client connection.
#[derive(Debug)]
pub(crate) struct Links {
    /// What the client speaks: what it cannot profit from is not offered to origins.
    client: Protocol,
    idle: Arc<Mutex<Idle>>,
}

/// Connections that wait for a request.
#[derive(Debug, Default)]
struct Idle {
    count: LinkCount,
    links: HashMap<(bool, Authority), Vec<Kept>>,
    /// Whether somebody looks for those that have waited too long.
    is_watched: bool,
}

/// A connection, and when it was used last.
#[derive(Debug)]
struct Kept {
    link: Link,
    since: Instant,
    _counted: Counted,
}

impl Idle {
    /// Ends connections that have waited too long; gives the time of the next look, as long as there are any. One that is
    /// at an answer waits for nothing yet.
    fn end_old(&mut self, now: Instant) -> Option<Instant> {
        let idle_for = self.count.idle_for();
        for kept in self.links.values_mut() {
            kept.iter_mut().filter(|kept| !kept.link.is_ready()).for_each(|kept| kept.since = now);
            kept.retain(|kept| !kept.link.is_closed() && now < kept.since + idle_for);
        }
        self.links.retain(|_, kept| !kept.is_empty());
        let oldest = self.links.values().flatten().map(|kept| kept.since).min();
        self.is_watched = oldest.is_some();
        // There may be many more until then.
        oldest.map(|oldest| (oldest + idle_for).min(now + idle_for.min(PRESSED_FOR)))
    }
}

/// Ends connections that wait too long, as long as there are any.
async fn watch(idle: Weak<Mutex<Idle>>, first: Instant) {
    let mut next = first;
    loop {
        sleep_until(next).await;
        let Some(idle) = idle.upgrade() else { return };
        let Some(later) = idle.lock().unwrap_or_else(PoisonError::into_inner).end_old(Instant::now()) else { return };
        next = later;
    }
}

impl Links {
    /// None yet, for a client that speaks this version.
    pub(crate) fn new(client: Protocol, count: &LinkCount) -> Self {
        let idle = Idle { count: count.clone(), ..Idle::default() };
        Self { client, idle: Arc::new(Mutex::new(idle)) }
    }

    /// Starts with an open connection.
    pub(crate) fn with(client: Protocol, count: &LinkCount, (route, link): (&Route, Link)) -> Self {
        let links = Self::new(client, count);
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
        let mut idle = self.idle();
        let links = idle.links.get_mut(&(route.is_tls, route.authority.clone()))?;
        links.retain(|kept| !kept.link.is_closed());
        if let Some((shared, since)) = links.iter_mut().find_map(|kept| Some((kept.link.shared()?, &mut kept.since))) {
            *since = Instant::now();
            return Some(shared);
        }
        let at = match self.client {
            Protocol::Http1 => links.len().checked_sub(1)?,
            Protocol::Http2 => links.iter().position(|kept| kept.link.is_ready())?,
        };
        Some(links.swap_remove(at).link)
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets other streams use a new connection at once.
    fn share(&self, route: &Route, link: &Link) {
        if let Some(shared) = link.shared() {
            self.keep(route, shared);
        }
    }

    fn keep(&self, route: &Route, link: Link) {
        let mut idle = self.idle();
        let key = (route.is_tls, route.authority.clone());
        if idle.links.len() >= ORIGINS_MAX && !idle.links.contains_key(&key) {
            idle.links.clear();
        }
        let counted = idle.count.another();
        let links = idle.links.entry(key).or_default();
        if links.len() >= IDLE_MAX {
            links.swap_remove(0);
        }
        links.push(Kept { link, since: Instant::now(), _counted: counted });
        if !std::mem::replace(&mut idle.is_watched, true) {
            let first = Instant::now() + idle.count.idle_for().min(PRESSED_FOR);
            tokio::spawn(watch(Arc::downgrade(&self.idle), first));
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, DuplexStream, duplex};

    /// A kept connection, and the origin's end of it.
    async fn kept(protocol: Protocol, count: &LinkCount) -> (Links, DuplexStream) {
        let (near, far) = duplex(4_096);
        let links = Links::new(Protocol::Http2, count);
        let authority = Authority::parse("a.example:443", Some(443)).unwrap();
        let route = Route {
            authority,
            is_tls: true,
            way: super::super::Way::Addresses(super::super::Resolved::now(Vec::new())),
        };
        links.keep(&route, Link::start(near, protocol).await.unwrap());
        (links, far)
    }

    #[tokio::test]
    async fn a_connection_without_requests_is_ended_after_a_while() {
        // Connections of others, and how long one is kept beside so many.
        let rows = [(0, IDLE_FOR), (MANY, PRESSED_FOR), (VERY_MANY, CROWDED_FOR), (FULL, FULL_FOR)];
        for (protocol, (others, idle_for)) in
            [Protocol::Http1, Protocol::Http2].into_iter().flat_map(|p| rows.map(|row| (p, row)))
        {
            let count = LinkCount::default();
            let others: Vec<_> = (0..others).map(|_| count.another()).collect();
            let (links, mut origin) = kept(protocol, &count).await;
            let is_ready = || links.idle().links.values().flatten().all(|kept| kept.link.is_ready());
            while !is_ready() {
                tokio::task::yield_now().await;
            }
            let now = Instant::now();
            assert!(links.idle().end_old(now).is_some_and(|next| next <= now + PRESSED_FOR), "{protocol:?}");
            let before = now + idle_for.saturating_sub(Duration::from_millis(300));
            assert!(links.idle().end_old(before).is_some(), "{protocol:?} {}", others.len());
            assert_eq!(links.idle().end_old(now + idle_for), None, "{protocol:?} {}", others.len());
            assert!(links.idle().links.is_empty() && !links.idle().is_watched, "{protocol:?}");
            let reading = async {
                let mut read = Vec::new();
                origin.read_to_end(&mut read).await.unwrap();
            };
            timeout(Duration::from_secs(20), reading).await.expect("the connection ends");
            assert_eq!(count.0.load(Ordering::Relaxed), others.len());
        }
    }
}
