//! A request that switches to WebSocket: the handshake is decided like any request, and then every message of the client
//! like a body, and one of the origin like a download where downloads are inspected.
//!
//! What is written bit by bit, a few letters a message as in an editor that several people share, is put together as events
//! of servers are, and judged as well.
//!
//! What a message does is at least a `post`, whatever the request that opened the connection looked like. Where the
//! policy decides that without looking at content, messages are relayed as they come, or there is no switch at all.

use super::events::texts::Texts;
use super::forward::{self, Content, Outgoing};
use super::gate::Held;
use super::outcome::{self, Told, Verdict};
use super::site::Site;
use super::{Client, inspection, recent};
use crate::body_stream::GatewayBody;
use crate::config::Downloads;
use crate::fault::Fault;
use crate::http::fields::strip_hop_by_hop;
use crate::http::guard::GuardedIo;
use crate::server::ClientIo;
use crate::services::Services;
use crate::upstream::Route;
use crate::websocket::handshake::{self, Deflate};
use crate::websocket::relay::{End, Said, Side, Terms, relay};
use bytes::Bytes;
use dlp_core::decision::{Action, Activity, HeadDecision, Item, Transfer, TransferHead};
use http::request::Parts;
use http::{Request, Response, StatusCode};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// Bytes of a message that may continue a text. A longer one is read as a whole, and takes time.
const BIT_BYTES_MAX: usize = 16 * 1024;

/// What is known of the connection when it switches.
pub(super) struct Switch<'a> {
    /// Head of the request.
    pub(super) parts: &'a Parts,
    /// Its origin.
    pub(super) site: &'a Site,
    /// The way there.
    pub(super) route: &'a Route,
    /// Who sends what where, as the handshake was judged.
    pub(super) head: TransferHead,
    /// Name of the template of refusals.
    pub(super) answer: Option<String>,
    /// The path with found values masked.
    pub(super) path_masked: Option<String>,
    /// The client's side, once it has switched.
    pub(super) upgrade: OnUpgrade,
}

/// How messages are treated.
enum Treatment {
    /// The policy has decided already that they may pass.
    Unread,
    /// Each one is inspected.
    Inspected,
}

/// Asks the origin to switch, and starts the relay when it does.
pub(super) async fn switch(
    services: &Arc<Services>,
    client: &Client,
    switch: Switch<'_>,
) -> Result<Response<GatewayBody>, Fault> {
    let head = head_of_messages(switch.head);
    let treatment = match services.rules.now().policies.decide_head(&head, SystemTime::now()) {
        HeadDecision::Inspect => Treatment::Inspected,
        HeadDecision::Final(decision) => {
            let item = Item { names: Vec::new(), size_bytes: None, findings: Vec::new(), inspection: nothing_read() };
            let verdict = Verdict {
                transfer: Transfer { head: head.clone(), item },
                decision,
                answer: switch.answer.clone(),
                peer: client.peer,
                path_masked: switch.path_masked.clone(),
            };
            if let Some(refusal) = outcome::conclude(services, &verdict, switch.parts, switch.site).await {
                return Ok(refusal.map(GatewayBody::full));
            }
            Treatment::Unread
        }
    };
    let (parts, site) = (switch.parts, switch.site);
    let outgoing = Outgoing { parts, site, content: Content::Empty, is_answer_read: false };
    let mut request = forward::build(services, outgoing)?;
    handshake::ask(&switch.parts.headers, request.headers_mut());
    let asked = request.headers().clone();
    let mut answer = client.links.send_upgrade(&services.upstream, switch.route, request).await?;
    if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Ok(forward::pass_back(services, answer));
    }
    let deflate = handshake::agreed(&asked, answer.headers()).ok_or(Fault::BadAnswer)?;
    let origin = hyper::upgrade::on(&mut answer);
    let session = Session {
        services: services.clone(),
        peer: client.peer,
        head,
        site: switch.site.clone(),
        answer: switch.answer,
        path_masked: switch.path_masked.unwrap_or_default(),
        parts: Arc::new(message_parts(switch.parts)?),
        told: Default::default(),
        written: Default::default(),
    };
    // It is busy as long as it lives, so it does not make room for others.
    let (busy, lease) = (client.admitted.busy(), client.lease.clone());
    let session = async move {
        tokio::select! {
            () = session.run(switch.upgrade, origin, treatment, deflate) => {}
            () = lease.ended() => {}
        }
        drop(busy);
    };
    services.tasks.spawn(session);
    let (mut parts, _) = answer.into_parts();
    strip_hop_by_hop(&mut parts.headers);
    handshake::confirm(&mut parts.headers);
    Ok(Response::from_parts(parts, GatewayBody::empty()))
}

/// A message brings content, whatever the request did that opened the way.
pub(super) fn head_of_messages(head: TransferHead) -> TransferHead {
    match head.activity {
        Activity::Browse | Activity::Login | Activity::Download | Activity::Delete => {
            TransferHead { activity: Activity::Post, ..head }
        }
        _ => head,
    }
}

fn nothing_read() -> dlp_core::decision::Inspection {
    dlp_core::decision::Inspection::complete()
}

/// The head under which a message is inspected. What the handshake carries was inspected once.
fn message_parts(handshake: &Parts) -> Result<Parts, Fault> {
    let request = Request::builder().method(handshake.method.clone()).uri("/").body(());
    request.map(|request| request.into_parts().0).map_err(|_| Fault::Internal)
}

/// A connection that has switched.
struct Session {
    services: Arc<Services>,
    peer: std::net::SocketAddr,
    head: TransferHead,
    site: Site,
    answer: Option<String>,
    path_masked: String,
    parts: Arc<Parts>,
    /// What incidents say of what was judged more than once, that of the client and that of the origin.
    told: [Mutex<Told>; 2],
    /// What they have written bit by bit.
    written: [Mutex<Written>; 2],
}

/// What one side has written bit by bit: letters, and words.
struct Written([Texts; 2]);

impl Default for Written {
    fn default() -> Self {
        Self([Texts::default(), Texts::apart()])
    }
}

impl Session {
    async fn run(self, client: OnUpgrade, origin: OnUpgrade, treatment: Treatment, deflate: Option<Deflate>) {
        let limits = &self.services.config.limits;
        let (Ok(client), Ok(origin)) = tokio::join!(client, origin) else { return };
        let Some(client) = unguarded(client) else { return };
        let origin = TokioIo::new(origin);
        let lifetime = limits.tunnel_lifetime;
        let stop = async {
            let _ = tokio::time::timeout(lifetime, self.services.drain.cancelled()).await;
        };
        let end = match treatment {
            Treatment::Unread => self.carry_unread(client, origin, stop).await,
            Treatment::Inspected => {
                let message_max = usize::try_from(limits.websocket_message).unwrap_or(usize::MAX);
                let judges_down = self.services.config.inspection.downloads == Downloads::Inspect;
                let (room, ip) = (self.services.messages.clone(), self.peer.ip());
                let terms = Terms { message_max, deflate, stall: limits.body_stall_upload, judges_down, room, ip };
                relay(client, origin, terms, stop, |said, content| self.may_pass(said, content)).await
            }
        };
        if let End::Closed(code) = end {
            self.services.metrics.count_websocket_close(code.number());
            tracing::info!(peer = %self.peer, host = %self.site.authority.host, code = code.number(), "WebSocket closed");
        }
    }

    async fn carry_unread(
        &self,
        mut client: ClientIo,
        mut origin: TokioIo<Upgraded>,
        stop: impl Future<Output = ()>,
    ) -> End {
        self.services.metrics.count_uninspected("websocket");
        tokio::select! {
            _ = tokio::io::copy_bidirectional(&mut client, &mut origin) => {}
            () = stop => {}
        }
        End::Peer
    }

    /// Whether nobody wants to know what comes down.
    fn is_decided(&self, head: &TransferHead) -> bool {
        let by_head = self.services.rules.now().policies.decide_head(head, SystemTime::now());
        matches!(by_head, HeadDecision::Final(decision) if decision.action < Action::Coach)
    }

    /// Decides about one message, by itself and with those that it continues, or about some control frames.
    async fn may_pass(&self, said: Said, content: Vec<u8>) -> bool {
        let Said { side, is_control } = said;
        let continued = if is_control { Vec::new() } else { self.continued(side, &content) };
        // What it continues was judged before, all but what this message brings.
        self.may_text_pass((side, is_control), content).await
            && (continued.is_empty() || self.may_text_pass((side, true), continued).await)
    }

    /// The texts that a message continues.
    fn continued(&self, side: Side, message: &[u8]) -> Vec<u8> {
        match std::str::from_utf8(message) {
            Ok(message) if message.len() <= BIT_BYTES_MAX => {
                let written = &self.written[usize::from(side == Side::Origin)];
                let mut written = written.lock().unwrap_or_else(PoisonError::into_inner);
                let texts = written.0.each_mut().map(|texts| texts.continued_by(message));
                if texts.iter().all(Vec::is_empty) { Vec::new() } else { texts.join(&b"\n\n"[..]) }
            }
            _ => Vec::new(),
        }
    }

    /// Inspects some content, and decides about it. `repeats`: whether some of it may have been judged before.
    async fn may_text_pass(&self, (side, repeats): (Side, bool), content: Vec<u8>) -> bool {
        let head = match side {
            Side::Client => self.head.clone(),
            Side::Origin => TransferHead { activity: Activity::Download, ..self.head.clone() },
        };
        if content.is_empty() || side == Side::Origin && self.is_decided(&head) {
            return true;
        }
        let mut spool = self.services.spool.spool();
        let held = match spool.push(Bytes::from(content)).await {
            Ok(()) => spool.finish().await,
            Err(error) => {
                tracing::warn!(%error, "a message could not be held");
                return false;
            }
        };
        let Ok(spooled) = held else { return false };
        let held = Held::whole(spooled);
        let inspected = inspection::inspect(&self.services, &self.parts, &held).await;
        let counts = inspected.counts.filter(|_| side == Side::Client);
        let from = (self.peer.ip(), Transfer { head, item: inspected.item });
        let (transfer, decision) = recent::decide(&self.services, from, counts.as_ref());
        let (answer, path_masked) = (self.answer.clone(), Some(self.path_masked.clone()));
        let verdict = Verdict { transfer, decision, answer, peer: self.peer, path_masked };
        if repeats && !verdict.is_refused() && !self.is_news(side, &verdict) {
            return true;
        }
        outcome::conclude(&self.services, &verdict, &self.parts, &self.site).await.is_none()
    }

    /// Whether what is judged again with what follows says what no incident says yet.
    fn is_news(&self, side: Side, verdict: &Verdict) -> bool {
        let told = &self.told[usize::from(side == Side::Origin)];
        told.lock().unwrap_or_else(PoisonError::into_inner).is_news(verdict)
    }
}

/// The bytes of a connection that has switched. What a client sent before it was told is no WebSocket, and the guard has
/// taken it for a bad request: then there is no connection.
fn unguarded(upgraded: Upgraded) -> Option<ClientIo> {
    let parts = upgraded.downcast::<TokioIo<GuardedIo<ClientIo>>>().ok()?;
    let (stream, guarded_rest) = parts.io.into_inner().into_parts()?;
    let first = [&parts.read_buf[..], &guarded_rest].concat();
    Some(crate::server::with_first(stream, first))
}
