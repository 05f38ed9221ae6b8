//! The ICAP server (RFC 3507): the same judgement for proxies that already open TLS themselves.
//!
//! ```text
//! connection -> head -> encapsulated HTTP heads -> preview -> (100 Continue) -> body -> judgement -> 204 | 206 | 200
//! ```
//!
//! [`wire`] reads and writes the protocol, [`message`] the HTTP heads inside it; `pipeline::icap` judges. `REQMOD` judges
//! what a client sends, `RESPMOD` what it gets. A body is held whole before the judgement, in memory and on disk as every
//! held body, so nothing is echoed that might be refused. Whoever may connect is also believed about who the client is, so
//! peers are listed. What the proxy does when this server fails is its own choice: with squid, `bypass=off`.

mod message;
mod wire;

use crate::config::{Downloads, IcapConfig};
use crate::pipeline::icap::{Judged, Judgement, Sender, Way};
use crate::services::Services;
use crate::spool::Spooled;
use bytes::Bytes;
use http::Response;
use message::{Heads, Original};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use wire::{BodyEnd, ChunkedBody, Head, Method, Refused, Section};

/// Pause after a failed accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Bytes of a body that a client is asked to show first. Small uploads fit, and are judged in one turn.
const PREVIEW_BYTES: u32 = 4096;
/// Seconds for which clients may keep what OPTIONS told them.
const OPTIONS_TTL_SECONDS: u32 = 60;

/// What the server tells about itself.
#[derive(Debug)]
struct Server {
    services: Arc<Services>,
    connections: u32,
    /// Changes whenever the same body may be judged otherwise, so it is new at each start.
    tag: String,
}

/// Accepts peers that are listed until told to stop.
pub(crate) async fn accept(services: Arc<Services>, listener: TcpListener) {
    let IcapConfig { peers, connections, .. } = services.config.icap.clone();
    let tag = dlp_governance::incident::IncidentId::random().map_or_else(|_| "0".to_owned(), |id| id.to_string());
    let server = Arc::new(Server { services: services.clone(), connections: connections.get(), tag });
    let places = Arc::new(Semaphore::new(usize::try_from(connections.get()).unwrap_or(usize::MAX)));
    loop {
        let accepted = tokio::select! {
            () = services.drain.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, peer)) = accepted else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        if !peers.iter().any(|net| net.contains(&peer.ip().to_canonical())) {
            services.metrics.count_fault("icap_peer");
            tracing::warn!(%peer, "ICAP connection refused: the peer is not in icap.peers");
            continue;
        }
        let place = places.clone().try_acquire_owned();
        let server = server.clone();
        services.tasks.spawn(async move {
            let mut io = BufReader::new(stream);
            match place {
                Ok(_place) => {
                    let _ = io.get_ref().set_nodelay(true);
                    server.serve(&mut io, peer).await;
                }
                // Clients wait and come back when they are told.
                Err(_full) => {
                    let _ = server.refuse(&mut io, Refused::Busy).await;
                }
            }
        });
    }
}

/// What follows after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Request,
    End,
}

impl Server {
    /// Serves requests until one of the two sides ends the connection.
    async fn serve<T: AsyncRead + AsyncWrite + Unpin>(&self, io: &mut BufReader<T>, peer: SocketAddr) {
        loop {
            let limits = &self.services.config.limits;
            let head = tokio::select! {
                () = self.services.drain.cancelled() => return,
                head = Head::read(io, limits.idle_timeout, limits.header_timeout) => head,
            };
            let next = match head {
                Ok(None) => return,
                Ok(Some(head)) => self.answer(io, peer, head).await,
                Err(refused) => Err(refused),
            };
            match next {
                Ok(Next::Request) => {}
                Ok(Next::End) => return,
                Err(refused) => {
                    self.services.metrics.count_fault(refused.reason());
                    self.services.metrics.count_icap("any", "failed");
                    tracing::info!(%peer, reason = refused.reason(), "ICAP request failed");
                    let _ = self.refuse(io, refused).await;
                    return;
                }
            }
        }
    }

    async fn answer<T: AsyncRead + AsyncWrite + Unpin>(
        &self,
        io: &mut BufReader<T>,
        peer: SocketAddr,
        head: Head,
    ) -> Result<Next, Refused> {
        let next = if head.closes { Next::End } else { Next::Request };
        match head.method {
            Method::Options => {
                self.services.metrics.count_icap("options", "answered");
                self.write(io, &self.options(&head)).await?;
            }
            Method::ReqMod | Method::RespMod => {
                let heads = Heads::read(io, &head).await?;
                self.modify(io, peer, (&head, heads)).await?;
            }
        }
        Ok(next)
    }

    fn options(&self, head: &Head) -> Vec<u8> {
        let method = if head.service == wire::REQMOD { "REQMOD" } else { "RESPMOD" };
        let fields = format!(
            "Methods: {method}\r\nService: dlp gateway\r\nService-ID: dlp-{}\r\nMax-Connections: {}\r\nOptions-TTL: {OPTIONS_TTL_SECONDS}\r\nPreview: {PREVIEW_BYTES}\r\nTransfer-Preview: *\r\nAllow: 204, 206\r\nEncapsulated: null-body=0\r\n",
            head.service, self.connections
        );
        self.status_line("200 OK", &fields)
    }

    fn status_line(&self, status: &str, fields: &str) -> Vec<u8> {
        format!("ICAP/1.0 {status}\r\nISTag: \"{}\"\r\n{fields}\r\n", self.tag).into_bytes()
    }

    /// Judges what is encapsulated, as soon as there is enough of it, and answers.
    async fn modify<T: AsyncRead + AsyncWrite + Unpin>(
        &self,
        io: &mut BufReader<T>,
        peer: SocketAddr,
        (head, heads): (&Head, Heads),
    ) -> Result<(), Refused> {
        let Heads { request, response_fields, mut original } = heads;
        let sender = Sender { peer: head.client.map_or(peer, |ip| SocketAddr::new(ip, 0)), user: head.user.clone() };
        let way = if head.method == Method::RespMod { Way::Down } else { Way::Up };
        let mut body = Incoming { server: self, body: ChunkedBody::new(), is_previewed: head.preview.is_some() };
        let count = |outcome| {
            let method = if way == Way::Down { "respmod" } else { "reqmod" };
            self.services.metrics.count_icap(method, outcome);
        };
        if way == Way::Down && self.services.config.icap.respmod == Downloads::Pass {
            count("unread");
            self.services.metrics.count_uninspected("download");
            return self.pass(io, (head, &original), (body, None)).await;
        }
        let judged = match Judged::new(&self.services, sender, request, way) {
            Ok(judged) => judged,
            Err(answer) => {
                count("refused");
                return self.replace(io, &original, (body, *answer)).await;
            }
        };
        if let Some(changed) = judged.restricted(original.head()) {
            original.change(changed);
        }
        let (judgement, collected) = match judged.by_head().await {
            Some(judgement) => (judgement, None),
            None => {
                let collected = body.collect(io, original.section).await?;
                (judged.by_body(&response_fields, collected.spooled()).await, Some(collected))
            }
        };
        count(if matches!(judgement, Judgement::Pass) { "passed" } else { "refused" });
        match judgement {
            Judgement::Pass => self.pass(io, (head, &original), (body, collected)).await,
            Judgement::Refused(answer) => self.replace(io, &original, (body, answer)).await,
        }
    }

    /// Lets the message be as it is, in the shortest way that the client allows.
    async fn pass<T: AsyncRead + AsyncWrite + Unpin>(
        &self,
        io: &mut BufReader<T>,
        (head, original): (&Head, &Original),
        (mut body, collected): (Incoming<'_>, Option<Collected>),
    ) -> Result<(), Refused> {
        let has_body = original.section == Section::Body;
        // In a preview everybody has to understand 204. Behind it squid does not, although it says `Allow: 204`: it means
        // the preview by that, and keeps no more than 64 KiB of a body to go on with.
        let is_behind_preview = head.preview.is_some() && !body.is_previewed;
        let may_skip = !original.is_changed && (body.is_previewed || head.allows_204 && !is_behind_preview);
        let may_point = head.allows_206 && !is_behind_preview && has_body;
        if has_body && (may_skip || may_point) {
            // What is still on its way has to be taken, or the next request would begin inside it.
            body.drain(io).await?;
        }
        if may_skip {
            return self.write(io, &self.status_line("204 No Content", "Encapsulated: null-body=0\r\n")).await;
        }
        let (original_head, list) = original.back();
        if may_point {
            let start = self.status_line("206 Partial Content", &list);
            return self.write(io, &[&start[..], original_head, b"0; use-original-body=0\r\n\r\n"].concat()).await;
        }
        let collected = match collected {
            None if has_body => Some(body.collect(io, original.section).await?),
            collected => collected,
        };
        // A body that could be neither skipped nor held is gone, and the client has to know.
        if has_body && matches!(collected, Some(Collected::TooLarge)) {
            return Err(Refused::TooLarge);
        }
        self.write(io, &[&self.status_line("200 OK", &list)[..], original_head].concat()).await?;
        match collected {
            Some(Collected::Whole(spooled)) if has_body => wire::write_body(io, &spooled).await,
            _ => Ok(()),
        }
    }

    /// Answers with a page instead of the message.
    async fn replace<T: AsyncRead + AsyncWrite + Unpin>(
        &self,
        io: &mut BufReader<T>,
        original: &Original,
        (mut body, answer): (Incoming<'_>, Response<Bytes>),
    ) -> Result<(), Refused> {
        if original.section == Section::Body {
            body.drain(io).await?;
        }
        let (head, page) = message::response(answer);
        let section = if page.is_empty() { "null-body" } else { "res-body" };
        let fields = format!("X-DLP-Decision: block\r\nEncapsulated: res-hdr=0, {section}={}\r\n", head.len());
        let mut out = [self.status_line("200 OK", &fields), head].concat();
        if !page.is_empty() {
            out.extend_from_slice(format!("{:x}\r\n", page.len()).as_bytes());
            out.extend_from_slice(&page);
            out.extend_from_slice(b"\r\n0\r\n\r\n");
        }
        self.write(io, &out).await
    }

    async fn refuse<T: AsyncRead + AsyncWrite + Unpin>(
        &self,
        io: &mut BufReader<T>,
        refused: Refused,
    ) -> Result<(), Refused> {
        let Some(status) = refused.status() else { return Ok(()) };
        self.write(io, &self.status_line(status, "Connection: close\r\nEncapsulated: null-body=0\r\n")).await?;
        io.shutdown().await?;
        Ok(())
    }

    async fn write<T: AsyncRead + AsyncWrite + Unpin>(
        &self,
        io: &mut BufReader<T>,
        bytes: &[u8],
    ) -> Result<(), Refused> {
        timeout(self.services.config.limits.body_stall_upload, async {
            io.write_all(bytes).await?;
            io.flush().await
        })
        .await
        .map_err(|_elapsed| Refused::Gone)??;
        Ok(())
    }
}

/// The body of one message.
struct Incoming<'s> {
    server: &'s Server,
    body: ChunkedBody,
    is_previewed: bool,
}

/// A body that was taken in.
enum Collected {
    /// All of it.
    Whole(Spooled),
    /// More than is held; it was read and dropped.
    TooLarge,
}

impl Collected {
    fn spooled(&self) -> Option<Spooled> {
        match self {
            Self::Whole(spooled) => Some(spooled.clone()),
            Self::TooLarge => None,
        }
    }
}

impl Incoming<'_> {
    /// Takes the whole body, asking for what follows the preview.
    async fn collect<T: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        io: &mut BufReader<T>,
        section: Section,
    ) -> Result<Collected, Refused> {
        let services = &self.server.services;
        let mut spool = Some(services.spool.spool());
        if section == Section::NoBody {
            return Ok(Collected::Whole(services.spool.spool().finish().await?));
        }
        while let Some(bytes) = self.next(io).await? {
            if let Some(open) = &mut spool {
                if open.len() + bytes.len() as u64 > services.config.inspection.gate_max {
                    spool = None;
                } else {
                    open.push(bytes).await?;
                }
            }
        }
        match spool {
            Some(spool) => Ok(Collected::Whole(spool.finish().await?)),
            None => Ok(Collected::TooLarge),
        }
    }

    /// Reads to the end of what the client sends by itself, and drops it. The rest behind a preview is not asked for.
    async fn drain<T: AsyncRead + AsyncWrite + Unpin>(&mut self, io: &mut BufReader<T>) -> Result<(), Refused> {
        while self.piece(io).await?.is_some() {}
        Ok(())
    }

    async fn next<T: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        io: &mut BufReader<T>,
    ) -> Result<Option<Bytes>, Refused> {
        if let Some(bytes) = self.piece(io).await? {
            return Ok(Some(bytes));
        }
        if !self.is_previewed || self.body.end() == Some(BodyEnd::Whole) {
            return Ok(None);
        }
        self.server.write(io, b"ICAP/1.0 100 Continue\r\n\r\n").await?;
        self.is_previewed = false;
        self.body = ChunkedBody::new();
        self.piece(io).await
    }

    async fn piece<T: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        io: &mut BufReader<T>,
    ) -> Result<Option<Bytes>, Refused> {
        let stall = self.server.services.config.limits.body_stall_upload;
        timeout(stall, self.body.next(io)).await.map_err(|_elapsed| Refused::Timeout)?
    }
}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        tracing::debug!(%error, "an ICAP connection broke off");
        Self::Gone
    }
}
