//! Judges what another proxy asks about, by the same policies and inspections as requests that come here by themselves.

use super::gate::Held;
use super::outcome::{self, Verdict};
use super::session::{self, Piece};
use super::site::Site;
use super::websocket::head_of_messages;
use super::{classify, host, inspection, recent, transfer_head};
use crate::answer::AnswerRequest;
use crate::destination::Classified;
use crate::fault::Fault;
use crate::identity::Proof;
use crate::names::Authority;
use crate::services::Services;
use crate::spool::Spooled;
use crate::websocket::handshake;
use bytes::Bytes;
use dlp_core::decision::{Action, Activity, Actor, Decision, HeadDecision, Inspection, Item, Transfer, TransferHead};
use http::header::{CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_TYPE, HOST};
use http::request::Parts;
use http::uri::Scheme;
use http::{HeaderMap, Method, Request as HttpRequest, Response};
use std::net::SocketAddr;
use std::time::SystemTime;

/// Who sent the message to the proxy that asks.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    /// Address of the client, or of the proxy.
    pub(crate) peer: SocketAddr,
    /// The user, when the proxy knows.
    pub(crate) user: Option<String>,
}

/// What becomes of a message.
#[derive(Debug)]
pub(crate) enum Judgement {
    /// It may stay as it is.
    Pass,
    /// The client gets this instead.
    Refused(Response<Bytes>),
}

/// Whether what is judged goes to the site or comes from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// A request.
    Up,
    /// The answer to one.
    Down,
}

/// A message that is judged.
pub(crate) struct Judged<'s> {
    services: &'s Services,
    sender: Sender,
    parts: Parts,
    site: Site,
    classified: Classified,
    head: TransferHead,
    /// The upload of several requests that it belongs to.
    piece: Option<Piece>,
    way: Way,
}

impl<'s> Judged<'s> {
    /// Finds out what a request is for. An error is the answer to one that cannot be judged.
    pub(crate) fn new(
        services: &'s Services,
        sender: Sender,
        request: Result<Parts, Fault>,
        way: Way,
    ) -> Result<Self, Box<Response<Bytes>>> {
        let nothing = HeaderMap::new();
        let parts = request.map_err(|fault| {
            let request = AnswerRequest { method: &Method::GET, path: "/", headers: &nothing };
            Box::new(respond(services, &sender, &fault, &request))
        })?;
        let site = site_of(&parts)
            .map_err(|fault| Box::new(respond(services, &sender, &fault, &AnswerRequest::of(&parts))))?;
        let mut classified = classify(services, &parts, &site);
        if parts.method == Method::CONNECT {
            // What is said in the tunnel is judged when it is opened; here it is only where the tunnel leads.
            let tenancy = &services.config.tenant.corporate;
            classified.destination = services.catalogue.destination_of_host(&site.authority.host.to_string(), tenancy);
            classified.activity = Activity::Browse;
        }
        if way == Way::Down {
            classified.activity = Activity::Download;
        }
        let actor = actor(services, &sender)
            .map_err(|fault| Box::new(respond(services, &sender, &fault, &AnswerRequest::of(&parts))))?;
        let head = transfer_head(&classified, actor);
        // What opens an upload is asked about apart from the answer that names it, so its beginning has no name here.
        let is_nameless = classified.is_gated && classified.is_named_by_answer;
        let piece =
            if way == Way::Up && !is_nameless { Piece::of(services, &classified, sender.peer.ip()) } else { None };
        Ok(Self { services, sender, parts, site, classified, head, piece, way })
    }

    /// The head of a request with the fields that tell its service whose accounts may be used, if it has to be another.
    pub(crate) fn restricted(&self, head: &[u8]) -> Option<Vec<u8>> {
        let is_sent = self.way == Way::Up && self.parts.method != Method::CONNECT;
        is_sent.then(|| self.services.restrictions.apply_to_lines(&self.site.authority.host.to_string(), head))?
    }

    /// The judgement that needs no body, if there is one.
    pub(crate) async fn by_head(&self) -> Option<Judgement> {
        if self.way == Way::Up {
            let from = (self.head.actor.clone(), self.sender.peer);
            let named = (&self.site.authority, self.site.is_tls);
            if let Some(refusal) = host::refusal(self.services, named, from, &self.parts).await {
                return Some(Judgement::Refused(refusal.answer));
            }
        }
        if handshake::is_wished(&self.parts.headers) && self.way == Way::Up {
            // Nobody would show its messages.
            let messages = head_of_messages(self.head.clone());
            if matches!(
                self.services.rules.now().policies.decide_head(&messages, SystemTime::now()),
                HeadDecision::Inspect
            ) {
                return Some(self.fault(&Fault::Upgrade));
            }
        }
        if let Some(reason) = self.piece.as_ref().and_then(|piece| piece.refused(self.services, &self.head)) {
            return Some(self.again(reason).await);
        }
        let decision = match self.services.rules.now().policies.decide_head(&self.head, SystemTime::now()) {
            HeadDecision::Final(decision) => decision,
            HeadDecision::Inspect if self.parts.method == Method::CONNECT => return Some(Judgement::Pass),
            HeadDecision::Inspect => return None,
        };
        let inspection = Inspection::complete();
        let item = Item { names: Vec::new(), size_bytes: None, findings: Vec::new(), inspection };
        Some(self.again((item, decision)).await)
    }

    /// The judgement that needs nothing of the body.
    async fn again(&self, reason: (Item, Decision)) -> Judgement {
        let answer = self.classified.answer.clone();
        self.conclude(session::verdict_again(reason, self.head.clone(), answer, self.sender.peer)).await
    }

    /// The judgement of a held body; of one that is too large to be held there is none.
    pub(crate) async fn by_body(&self, answer_fields: &HeaderMap, body: Option<Spooled>) -> Judgement {
        // The body may have taken its time.
        if let Err(fault) = actor(self.services, &self.sender) {
            return self.fault(&fault);
        }
        let downward = (self.way == Way::Down).then(|| answer_parts(answer_fields));
        let mut inspected = match &downward {
            None => inspection::inspect_body(self.services, &self.parts, body.clone()).await,
            Some(Some(parts)) => inspection::inspect_body(self.services, parts, body.clone()).await,
            Some(None) => return self.fault(&Fault::Internal),
        };
        if self.way == Way::Up {
            session::note_absent(&mut inspected.item, &self.classified);
        }
        let transfer = Transfer { head: self.head.clone(), item: inspected.item };
        let counts = inspected.counts.filter(|_| self.way == Way::Up);
        let (transfer, decision) = recent::decide(self.services, (self.sender.peer.ip(), transfer), counts.as_ref());
        let judged = match (self.way, body) {
            (Way::Down, _) => Ok((transfer, decision)),
            (Way::Up, Some(spooled)) => self.with_upload(Ok(Held::whole(spooled)), (transfer, decision)).await,
            // A piece of which nothing is known is a piece all the same.
            (Way::Up, None) => self.with_upload(Held::too_large(self.services).await, (transfer, decision)).await,
        };
        let (transfer, decision) = match judged {
            Ok(judged) => judged,
            Err(fault) => return self.fault(&fault),
        };
        let path_masked = if downward.is_none() { Some(inspected.path_masked) } else { None };
        let (answer, peer) = (self.classified.answer.clone(), self.sender.peer);
        self.conclude(Verdict { transfer, decision, answer, peer, path_masked }).await
    }

    /// Judges a request with what is known of the uploads that it belongs to or completes. The answer of the service does
    /// not show here, so nothing waits for it, and what may be completed counts as taken.
    async fn with_upload(
        &self,
        held: Result<Held, Fault>,
        judged: (Transfer, Decision),
    ) -> Result<(Transfer, Decision), Fault> {
        let held = held?;
        let is_refused = |(_, decision): &(Transfer, Decision)| decision.action >= Action::Coach;
        let (judged, ending) = match &self.piece {
            Some(piece) => {
                let (judged, ending) = piece.judge(self.services, (&self.parts, &held), judged).await?;
                if is_refused(&judged) {
                    piece.refuse(self.services, (&judged.0, &judged.1));
                }
                (judged, ending)
            }
            None if is_refused(&judged) || self.classified.is_named_by_answer => return Ok(judged),
            None => session::judge_named(self.services, &self.classified, &held, judged).await?,
        };
        if !is_refused(&judged) {
            ending.iter().for_each(|upload| self.services.transfers.done(upload));
        }
        Ok(judged)
    }

    async fn conclude(&self, verdict: Verdict) -> Judgement {
        match outcome::conclude(self.services, &verdict, &self.parts, &self.site).await {
            Some(answer) => Judgement::Refused(answer),
            None => Judgement::Pass,
        }
    }

    fn fault(&self, fault: &Fault) -> Judgement {
        Judgement::Refused(respond(self.services, &self.sender, fault, &AnswerRequest::of(&self.parts)))
    }
}

/// Who sends, as the proxy that asks says.
fn actor(services: &Services, sender: &Sender) -> Result<Actor, Fault> {
    let proof = sender.user.clone().map_or(Proof::Nobody, |user| Proof::Told { user });
    services.access.actor(&services.rules, &proof)
}

/// The site that a request names: by its target, or by its `Host`.
fn site_of(parts: &Parts) -> Result<Site, Fault> {
    let is_tls = parts.uri.scheme() == Some(&Scheme::HTTPS);
    let is_foreign = parts.uri.scheme().is_some_and(|scheme| *scheme != Scheme::HTTP && *scheme != Scheme::HTTPS);
    if is_foreign || parts.method == Method::TRACE {
        return Err(if is_foreign { Fault::Scheme } else { Fault::Method });
    }
    let host = parts.headers.get(HOST).map(|value| value.to_str().unwrap_or(""));
    let named = parts.uri.authority().map(http::uri::Authority::as_str).or(host).ok_or(Fault::BadTarget)?;
    let authority = Authority::parse(named, Some(if is_tls { 443 } else { 80 }))?;
    let target = parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    Ok(Site { authority, is_tls, target: target.to_owned() })
}

/// The head under which the body of an answer is inspected: what says how it is to be read, and nothing else.
pub(super) fn answer_parts(fields: &HeaderMap) -> Option<Parts> {
    let mut parts = HttpRequest::builder().uri("/").body(()).ok()?.into_parts().0;
    for name in [CONTENT_TYPE, CONTENT_ENCODING, CONTENT_DISPOSITION] {
        for value in fields.get_all(&name) {
            parts.headers.append(name.clone(), value.clone());
        }
    }
    Some(parts)
}

fn respond(services: &Services, sender: &Sender, fault: &Fault, request: &AnswerRequest<'_>) -> Response<Bytes> {
    services.metrics.count_fault(fault.reason());
    tracing::info!(peer = %sender.peer, reason = fault.reason(), "request failed");
    fault.respond(request, "", &services.config.portal.contact)
}
