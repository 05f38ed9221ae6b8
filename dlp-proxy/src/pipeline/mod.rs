//! The road of a request: who, where to, what, decide, then forward or refuse.
//!
//! ```text
//! head -> site -> destination -> decision on the head --final--> refuse | forward
//!                                        |
//!                                     inspect -> hold the body -> inspect -> decide -> refuse | forward from the hold
//! ```
//!
//! No connection carries a byte of a request before its decision. A body that the policy wants to see is held whole;
//! only when it was allowed is it sent, byte for byte as it came.

pub(crate) mod coaching;
mod download;
mod events;
mod forward;
mod gate;
pub(crate) mod host;
pub(crate) mod icap;
mod inspection;
mod opened;
mod outcome;
mod passing;
pub(crate) mod recent;
mod session;
mod site;
mod websocket;

pub(crate) use site::Place;

use crate::access::Lease;
use crate::admission::Admitted;
use crate::answer::AnswerRequest;
use crate::body_stream::GatewayBody;
use crate::config::{InspectionMode, LargeMode};
use crate::destination::{Classified, RequestHead};
use crate::fault::Fault;
use crate::http::chunked::TRAILERS;
use crate::http::client_body::ClientBody;
use crate::http::guard::{REFUSED_METHOD, Refusal};
use crate::http::h2;
use crate::identity::Proof;
use crate::names::Authority;
use crate::request_log::Entry;
use crate::services::Services;
use crate::transfer::Committing;
use crate::upstream::{Links, Route};
use crate::websocket::handshake;
use bytes::Bytes;
use dlp_core::decision::{
    Action, Activity, Actor, Channel, Decision, HeadDecision, Inspection, Item, Summariser, Transfer, TransferHead,
};
use forward::Content;
use gate::Held;
use http::request::Parts;
use http::{HeaderMap, Request, Response, Version};
use hyper::body::{Body, Incoming};
use hyper::upgrade::OnUpgrade;
use inspection::Inspected;
use jiff::Timestamp;
use opened::Opened;
use outcome::Verdict;
use passing::{Cut, Passing, Pipe};
use session::Piece;
use site::Site;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use websocket::Switch;

/// A client connection, or a tunnel inside one.
#[derive(Debug)]
pub(crate) struct Client {
    /// Address of the client.
    pub(crate) peer: SocketAddr,
    /// Where requests on this connection can go.
    pub(crate) place: Place,
    /// What the connection itself has proven of its user.
    pub(crate) proof: Proof,
    /// Cancelled when one of its users may not use the gateway any more.
    pub(crate) lease: Arc<Lease>,
    /// The place of the connection.
    pub(crate) admitted: Arc<Admitted>,
    /// Connections to origins that belong to this client.
    pub(crate) links: Links,
    /// Why the guard of the connection refused a request.
    pub(crate) refusal: Refusal,
}

/// Answers a request.
pub(crate) async fn handle(
    services: &Arc<Services>,
    client: &Client,
    mut request: Request<Incoming>,
) -> Response<GatewayBody> {
    let is_switching = handshake::is_wished(request.headers());
    let upgrade = is_switching.then(|| hyper::upgrade::on(&mut request));
    let (parts, body) = request.into_parts();
    let body = ClientBody::new(body, parts.version);
    let (begin, mut entry) = (Instant::now(), Entry::default());
    let response = match serve(services, client, &parts, (body, upgrade), &mut entry).await {
        Ok(response) => response,
        Err(fault) => {
            let fault = with_trailers(client, fault);
            entry.reason = Some(fault.reason().to_owned());
            refuse_with(services, client, &parts, &fault)
        }
    };
    let own = begin.elapsed().saturating_sub(entry.waited);
    services.metrics.overhead_seconds.observe(own.as_secs_f64());
    if services.request_log.is_kept() {
        services.request_log.write(Entry {
            client: Some(client.peer.ip()),
            method: outcome::shown_method(&parts.method).to_owned(),
            status: Some(response.status().as_u16()),
            duration_ms: u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX),
            ..entry
        });
    }
    response
}

/// What the log of requests says of a decision.
async fn note(services: &Services, entry: &mut Entry, verdict: &Verdict) {
    if !services.request_log.is_kept() {
        return;
    }
    let (head, decision) = (&verdict.transfer.head, &verdict.decision);
    entry.user = head.actor.user.clone();
    entry.host = host::shown(services, &head.destination.host).await;
    entry.app = head.destination.app.clone();
    entry.activity = Some(head.activity);
    entry.zone = Some(head.destination.zone);
    entry.decision = Some(decision.action);
    entry.rule = decision.rule.clone();
}

/// A body that broke off because it ended in trailers is told apart from one that just broke off.
fn with_trailers(client: &Client, fault: Fault) -> Fault {
    match (&fault, client.refusal.get()) {
        (Fault::BodyBroken | Fault::BadAnswer, Some(&TRAILERS)) => Fault::Framing(TRAILERS),
        _ => fault,
    }
}

/// The road itself.
async fn serve(
    services: &Arc<Services>,
    client: &Client,
    parts: &Parts,
    (body, upgrade): (ClientBody, Option<OnUpgrade>),
    entry: &mut Entry,
) -> Result<Response<GatewayBody>, Fault> {
    if let (REFUSED_METHOD, Some(violation)) = (parts.method.as_str(), client.refusal.get()) {
        return Err(Fault::Framing(*violation));
    }
    if parts.version == Version::HTTP_2 {
        h2::judge(parts).map_err(Fault::Framing)?;
    }
    let actor = client.lease.admit(&services.rules, &prove(services, client, &parts.headers)?)?;
    let site = Site::of(&client.place, parts)?;
    if coaching::is_explanation(parts, &site) {
        return coaching::explained(services, client, (parts, &site), (actor, body)).await;
    }
    if matches!(client.place, Place::Proxy) {
        let named = (&site.authority, site.is_tls);
        if let Some(refusal) = host::refusal(services, named, (actor.clone(), client.peer), parts).await {
            note(services, entry, &refusal.verdict).await;
            return Ok(refusal.answer.map(GatewayBody::full));
        }
    }
    let mut classified = classify(services, parts, &site);
    if passing::is_grpc(&parts.headers) {
        classified.answer = Some("grpc".to_owned());
    }
    let head = transfer_head(&classified, actor);
    let piece = Piece::of(services, &classified, client.peer.ip());
    if let Some(reason) = piece.as_ref().and_then(|piece| piece.refused(services, &head)) {
        let verdict = session::verdict_again(reason, head, classified.answer, client.peer);
        note(services, entry, &verdict).await;
        let refusal = outcome::conclude(services, &verdict, parts, &site).await.ok_or(Fault::Internal)?;
        return Ok(refusal.map(GatewayBody::full));
    }

    let upload = Upload { classified: &classified, piece: piece.as_ref(), client: client.peer.ip() };
    let judged = judge(services, client, (parts, &site), (head, body), upload).await?;
    let asked = Asked { parts, site: &site, classified: &classified, is_piece: piece.is_some(), upgrade };
    conclude(services, client, asked, judged, entry).await
}

/// A request whose destination is known.
struct Asked<'a> {
    parts: &'a Parts,
    site: &'a Site,
    classified: &'a Classified,
    /// Whether it belongs to an upload of several requests.
    is_piece: bool,
    /// The switch that it asks for.
    upgrade: Option<OnUpgrade>,
}

/// Does what was decided.
async fn conclude(
    services: &Arc<Services>,
    client: &Client,
    asked: Asked<'_>,
    judged: Judged,
    entry: &mut Entry,
) -> Result<Response<GatewayBody>, Fault> {
    let Asked { parts, site, classified, is_piece, upgrade } = asked;
    let Judged { transfer, decision, counts, content, route, path_masked, later, cut, opened, ending, waited } = judged;
    entry.waited = waited;
    let switching =
        upgrade.map(|upgrade| (upgrade, transfer.head.clone(), classified.answer.clone(), path_masked.clone()));
    let answer = classified.answer.clone();
    let verdict = Verdict { transfer, decision, answer, peer: client.peer, path_masked };
    note(services, entry, &verdict).await;
    // What leaves while it is inspected is concluded when it ends.
    let is_later = later == Later::Everything && verdict.decision.action < Action::Coach;
    if !is_later && let Some(refusal) = outcome::record_refusal(services, &verdict, parts).await {
        let refusal = match is_piece {
            false => coaching::offer(services, (parts, site), (&verdict, &content, counts), refusal),
            // An upload of several requests is refused as a whole.
            true => refusal,
        };
        return Ok(outcome::respond(&refusal, parts, site).map(GatewayBody::full));
    }
    let route = match route {
        Some(route) => route,
        None => self::route(services, client, site).await?,
    };
    if let Some((upgrade, head, answer, path_masked)) = switching {
        let switch = Switch { parts, site, route: &route, head, answer, path_masked, upgrade };
        return websocket::switch(services, client, switch).await;
    }
    let allowed = Allowed { classified, verdict: &verdict, route: &route, content, cut, opened, ending };
    exchange(services, client, (parts, site), allowed, entry).await
}

/// A request that may go on.
struct Allowed<'a> {
    classified: &'a Classified,
    verdict: &'a Verdict,
    route: &'a Route,
    content: Content,
    cut: Option<Cut>,
    opened: Option<Opened>,
    ending: Vec<Committing>,
}

/// Sends an allowed request, and gives its answer as far as it may reach the client.
async fn exchange(
    services: &Arc<Services>,
    client: &Client,
    (parts, site): (&Parts, &Site),
    allowed: Allowed<'_>,
    entry: &mut Entry,
) -> Result<Response<GatewayBody>, Fault> {
    let Allowed { classified, verdict, route, content, cut, opened, mut ending } = allowed;
    // It may have been cut before its first piece: then nothing of it leaves.
    if let Some(answer) = cut.as_ref().and_then(Cut::take) {
        return answer;
    }
    let outgoing = forward::Outgoing { parts, site, content, is_answer_read: opened.is_some() };
    let sent = Instant::now();
    let until = tokio::time::Instant::from_std(sent) + services.config.upstream.answer_timeout;
    ending.iter_mut().for_each(|upload| upload.sent(until));
    let answer = forward::forward(services, client, route, outgoing).await;
    entry.waited += sent.elapsed();
    if !matches!(answer, Err(Fault::Timeout | Fault::BadAnswer | Fault::BodyBroken | Fault::Internal)) {
        // It was answered, or did not get as far as its service.
        ending.iter_mut().for_each(Committing::answered);
    }
    if answer.as_ref().is_ok_and(|answer| answer.status().is_success()) {
        ending.iter().for_each(|upload| services.transfers.done(upload));
    }
    drop(ending);
    let answer = match (answer, opened) {
        (Ok(answer), Some(opened)) => opened.named(services, client, (classified, site), answer).await,
        (answer, _) => answer,
    };
    let answer = match answer {
        Ok(answer) => download::judged(services, (verdict, entry), (parts, site), answer).await,
        Err(fault) => Err(fault),
    };
    cut.and_then(|cut| cut.take()).unwrap_or(answer)
}

/// A request that was decided about, as far as it was there.
struct Judged {
    transfer: Transfer,
    decision: Decision,
    /// What tells its values apart from those of other requests, where all of it was inspected at once.
    counts: Option<Summariser>,
    content: Content,
    route: Option<Route>,
    path_masked: Option<String>,
    /// What is decided about while it leaves.
    later: Later,
    /// Where the reason will stand if a body that passes is cut.
    cut: Option<Cut>,
    /// The upload that it opens.
    opened: Option<Opened>,
    /// The uploads that it completes.
    ending: Vec<Committing>,
    /// Time for which the client was waited for.
    waited: Duration,
}

/// What is decided about after the request has begun to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Later {
    /// Nothing.
    Nothing,
    /// The messages of the body.
    Messages,
    /// Head and body.
    Everything,
}

/// Decides about a request: by its head, or after an inspection.
async fn judge(
    services: &Arc<Services>,
    client: &Client,
    (parts, site): (&Parts, &Site),
    (head, body): (TransferHead, ClientBody),
    upload: Upload<'_>,
) -> Result<Judged, Fault> {
    match services.rules.now().policies.decide_head(&head, SystemTime::now()) {
        HeadDecision::Final(decision) => {
            let size_bytes = forward::declared_length(&parts.headers);
            let inspection = Inspection::complete();
            let item = Item { names: Vec::new(), size_bytes, findings: Vec::new(), inspection };
            let transfer = Transfer { head, item };
            Ok(Judged::at_once((transfer, decision), Content::untouched(body), None))
        }
        HeadDecision::Inspect => {
            // Before the body is asked for: an address that is out of reach needs no upload.
            let route = route(services, client, site).await?;
            let answer = &upload.classified.answer;
            let passing = || Passing::new(services, client, (parts, site), (&head, answer));
            let judged = inspect(services, parts, (body, &head), passing, upload).await?;
            Ok(Judged { route: Some(route), ..judged })
        }
    }
}

/// Inspects head and body, or the head alone when the body is inspected while it leaves.
async fn inspect(
    services: &Arc<Services>,
    parts: &Parts,
    (body, head): (ClientBody, &TransferHead),
    passing: impl Fn() -> Passing,
    upload: Upload<'_>,
) -> Result<Judged, Fault> {
    if parts.version == Version::HTTP_2 && passing::is_grpc(&parts.headers) && !body.is_end_stream() {
        return inspect_messages(services, (parts, head, upload.client), (body, passing())).await;
    }
    let settings = &services.config.inspection;
    let mode = settings.mode(&head.destination);
    let is_streamed = match mode {
        // A piece of an upload is held, or what lies across its borders could not be seen.
        _ if upload.piece.is_some() => false,
        InspectionMode::Gate | InspectionMode::Strict => false,
        InspectionMode::Pipelined => true,
        InspectionMode::Auto | InspectionMode::Commit => settings.large.of(head.destination.zone) == LargeMode::Stream,
    };
    let early = if mode == InspectionMode::Pipelined && is_streamed { Some(settings.ram_max) } else { None };
    let begin = Instant::now();
    let mut held = gate::hold(services, (parts, early), body).await?;
    let waited = begin.elapsed();
    if !held.is_whole() && is_streamed {
        match passing().large(held).await {
            Ok(Pipe { body, cut }) => {
                let inspection = Inspection::complete();
                let item = Item { names: Vec::new(), size_bytes: None, findings: Vec::new(), inspection };
                let transfer = Transfer { head: head.clone(), item };
                let judged = recent::decide(services, (upload.client, transfer), None);
                let judged = Judged::at_once(judged, Content::Piped(body), None);
                return Ok(Judged { later: Later::Everything, cut: Some(cut), waited, ..judged });
            }
            Err(unwatched) => held = unwatched,
        }
    }
    Ok(Judged { waited, ..inspect_held(services, (parts, head), held, upload).await? })
}

/// Inspects the head of a gRPC call, whose messages are inspected while they leave.
async fn inspect_messages(
    services: &Services,
    (parts, head, client): (&Parts, &TransferHead, IpAddr),
    (body, passing): (ClientBody, Passing),
) -> Result<Judged, Fault> {
    let nothing = Held::of(services, Bytes::new()).await?;
    let Inspected { item, path_masked, counts } = inspection::inspect(services, parts, &nothing).await;
    let transfer = Transfer { head: head.clone(), item };
    let judged = recent::decide(services, (client, transfer), counts.as_ref());
    let Pipe { body, cut } = passing.messages(body).await;
    let judged = Judged::at_once(judged, Content::Piped(body), Some(path_masked));
    Ok(Judged { later: Later::Messages, cut: Some(cut), ..judged })
}

/// Inspects a request whose body is held, with what is known of the upload that it belongs to.
async fn inspect_held(
    services: &Services,
    (parts, head): (&Parts, &TransferHead),
    held: Held,
    upload: Upload<'_>,
) -> Result<Judged, Fault> {
    let Inspected { mut item, path_masked, counts } = inspection::inspect(services, parts, &held).await;
    session::note_absent(&mut item, upload.classified);
    let transfer = Transfer { head: head.clone(), item };
    let mut judged = recent::decide(services, (upload.client, transfer), counts.as_ref());
    let (mut opened, mut ending) = (None, Vec::new());
    match upload.piece {
        Some(piece) => {
            (judged, ending) = piece.judge(services, (parts, &held), judged).await?;
            if judged.1.action >= Action::Coach {
                piece.refuse(services, (&judged.0, &judged.1));
            }
        }
        None => {
            let request = (upload.classified, upload.client);
            (judged, opened) = session::judge_opening(services, (parts, &held), request, judged).await?;
            if judged.1.action < Action::Coach {
                (judged, ending) = session::judge_named(services, upload.classified, &held, judged).await?;
            }
        }
    }
    Ok(Judged { counts, opened, ending, ..Judged::at_once(judged, held.into(), Some(path_masked)) })
}

/// What a request has to do with an upload of several requests.
struct Upload<'a> {
    classified: &'a Classified,
    piece: Option<&'a Piece>,
    client: IpAddr,
}

impl Judged {
    /// Nothing of it is decided later.
    fn at_once((transfer, decision): (Transfer, Decision), content: Content, path_masked: Option<String>) -> Self {
        Self {
            transfer,
            decision,
            counts: None,
            content,
            route: None,
            path_masked,
            later: Later::Nothing,
            cut: None,
            opened: None,
            ending: Vec::new(),
            waited: Duration::ZERO,
        }
    }
}

/// Whether a host is refused whatever is asked of it, so that there is no need to look for it.
pub(crate) fn is_host_refused(services: &Services, authority: &Authority, actor: Actor) -> bool {
    let tenancy = &services.config.tenant.corporate;
    let head = TransferHead {
        actor,
        channel: Channel::WebUpload,
        destination: services.catalogue.destination_of_host(&authority.host.to_string(), tenancy),
        // Looking is the least that anybody can do there.
        activity: Activity::Browse,
    };
    match services.rules.now().policies.decide_head(&head, SystemTime::now()) {
        HeadDecision::Final(decision) => decision.action == Action::Block,
        HeadDecision::Inspect => false,
    }
}

/// What is proven of the user of a request: by the connection, by credentials that come with the request, or by the address
/// of the client. Tunnels know theirs from the CONNECT request.
pub(crate) fn prove(services: &Services, client: &Client, headers: &HeaderMap) -> Result<Proof, Fault> {
    match (&client.place, &client.proof) {
        (Place::Proxy, Proof::Nobody) => match services.rules.now().identity.prove(headers, Timestamp::now())? {
            Proof::Nobody => Ok(services.access.proof_of(client.peer.ip())),
            proof => Ok(proof),
        },
        (_, proof) => Ok(proof.clone()),
    }
}

/// Where to dial. A tunnel was resolved when it was opened, and stays with those addresses.
async fn route(services: &Services, client: &Client, site: &Site) -> Result<Route, Fault> {
    match &client.place {
        Place::Tunnel { route: Some(route), .. } => Ok(route.clone()),
        Place::Proxy | Place::Tunnel { .. } => services.upstream.route(site.authority.clone(), site.is_tls).await,
    }
}

fn classify(services: &Services, parts: &Parts, site: &Site) -> Classified {
    let host = site.authority.host.to_string();
    let head = RequestHead {
        method: parts.method.as_str(),
        host: &host,
        target: &site.target,
        headers: &parts.headers,
        learnt: &[],
    };
    services.catalogue.classify(&head, &services.config.tenant.corporate)
}

fn transfer_head(classified: &Classified, actor: Actor) -> TransferHead {
    TransferHead {
        actor,
        channel: classified.channel,
        destination: classified.destination.clone(),
        activity: classified.activity,
    }
}

/// The answer to a request that failed beside the policy.
pub(crate) fn refuse_with(services: &Services, client: &Client, parts: &Parts, fault: &Fault) -> Response<GatewayBody> {
    services.metrics.count_fault(fault.reason());
    let host = match &client.place {
        Place::Proxy => parts.uri.host().unwrap_or_default().to_owned(),
        Place::Tunnel { authority, .. } => authority.host.to_string(),
    };
    tracing::info!(peer = %client.peer, %host, reason = fault.reason(), "request failed");
    fault.respond(&AnswerRequest::of(parts), &host, &services.config.portal.contact).map(GatewayBody::full)
}
