//! A request that belongs to an upload of several requests: it is judged with what is known of the others.
//!
//! A piece is judged by what was found in it and across its borders. That a document cannot be opened by a piece of it is
//! no reason to stop the piece where the end of the upload shows: there the whole is judged, and the request that would
//! complete the upload goes on only when it was let through. Where the end does not show, or may have happened already,
//! as with a server that nobody knows, a piece that cannot be judged by itself counts as not inspected.

use super::Opened;
use super::gate::Held;
use super::inspection::{self, Content};
use super::outcome::Verdict;
use crate::body::pieces::{self, ListForm, PART_LIST_BYTES_MAX};
use crate::config::InspectionMode;
use crate::destination::{BodyForm, Classified, EndpointMatch, EndpointRole, Position, SessionPart};
use crate::fault::Fault;
use crate::services::{InspectionServices, Services};
use crate::spool::Spooled;
use crate::transfer::{
    Arrival, Arrived, Committing, Edges, Ending, Kept, NotKept, NotTaken, Opening, Order, SessionKey, Store, Whole,
};
use dlp_core::base::ProblemClass;
use dlp_core::content::Completeness;
use dlp_core::decision::{Action, Activity, Decision, Inspection, Item, Transfer, TransferHead};
use http::Request;
use http::request::Parts;
use std::io::{self, Read};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Instant, SystemTime};
use tokio::time::timeout_at;

/// The upload that a request belongs to.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    key: SessionKey,
    part: SessionPart,
    /// The call, when the catalogue knows it.
    endpoint: Option<EndpointMatch>,
    client: IpAddr,
    mode: InspectionMode,
}

/// What was judged, and how.
type Judged = (Transfer, Decision);
/// The same with the uploads that the request completes. They take no pieces until it is answered.
type JudgedEnd = (Judged, Vec<Committing>);

impl Piece {
    /// The upload, when the request names one.
    pub(super) fn of(services: &Services, classified: &Classified, client: IpAddr) -> Option<Self> {
        let part = classified.session.clone()?;
        let key = SessionKey { scope: classified.scope.clone(), session: part.key.clone() };
        let mode = services.config.inspection.mode(&classified.destination);
        Some(Self { key, part, endpoint: classified.endpoint.clone(), client, mode })
    }

    /// What an upload was refused for, which refuses everything else of it but its end.
    pub(super) fn refused(&self, services: &Services, head: &TransferHead) -> Option<(Item, Decision)> {
        if head.activity == Activity::Delete {
            return None;
        }
        services.transfers.refusal(&self.key)
    }

    /// Remembers that something of the upload was refused.
    pub(super) fn refuse(&self, services: &Services, (transfer, decision): (&Transfer, &Decision)) {
        let reason = (transfer.item.clone(), decision.clone());
        services.transfers.refuse(&self.key, reason, Instant::now());
    }

    /// Judges a request, itself judged alone, together with what is known of its upload.
    pub(super) async fn judge(
        &self,
        services: &Services,
        (parts, held): (&Parts, &Held),
        alone: Judged,
    ) -> Result<JudgedEnd, Fault> {
        let mut judged = alone;
        if self.brings_piece(held) {
            judged = self.judge_piece(services, (parts, held), judged).await?;
        }
        if judged.1.action >= Action::Coach {
            return Ok((judged, Vec::new()));
        }
        match self.ending(services, held).await? {
            Some(ending) => self.judge_whole(services, &ending, judged).await,
            None => Ok((judged, Vec::new())),
        }
    }

    /// Whether the body belongs to the file. That of a call which completes an upload does only when it has a place. One
    /// that is not held is a piece all the same, of which nothing is known; an empty one is where the end will list it.
    fn brings_piece(&self, held: &Held) -> bool {
        let is_listable = self.part.name.is_some() || matches!(self.part.position, Some(Position::Number(_)));
        let is_something = held.spooled.len() > 0 || !held.is_whole() || is_listable;
        is_something && (!self.is_commit() || self.part.position.is_some())
    }

    fn is_commit(&self) -> bool {
        self.endpoint.as_ref().and_then(|endpoint| endpoint.role) == Some(EndpointRole::Commit)
    }

    /// Judges a piece with what lies around it.
    async fn judge_piece(
        &self,
        services: &Services,
        (parts, held): (&Parts, &Held),
        (transfer, decision): Judged,
    ) -> Result<Judged, Fault> {
        let store = services.transfers.store(&self.key, (self.client, Instant::now()), || new_store(services));
        let piece = PieceBody { services: services.inspection.now(), parts: parts.clone(), body: held.spooled.clone() };
        let PieceRead { edges, content } = piece.keep(store).await?;
        let len = edges.len();
        let is_kept = content.is_ok() && held.is_whole();
        let arrival = Arrival {
            position: self.part.position,
            name: self.part.name.clone(),
            edges,
            content: content
                .map_err(|reason| reason.as_str())
                .and_then(|file| if held.is_whole() { Ok(file) } else { Err("gate_max") }),
            findings: transfer.item.findings.clone(),
            total_bytes: self.part.total_bytes,
            stated_len: self.part.stated_len.filter(|_| held.is_whole()),
            order: self.order(),
        };
        let judged = match is_kept && self.waits_for_whole(services, len) {
            true => decide(services, Transfer { item: of_fragment(&transfer.item), ..transfer }),
            false => (transfer, decision),
        };
        if judged.1.action >= Action::Coach {
            return Ok(judged);
        }
        let arrived = match self.arrive(services, arrival).await {
            Ok(arrived) => arrived,
            Err(reason) => return Ok(decide(services, incomplete(judged.0, reason))),
        };
        let judged = self.judge_joints(services, arrived.joints, judged).await?;
        match arrived.doubt {
            _ if judged.1.action >= Action::Coach => Ok(judged),
            Some(reason) => Ok(decide(services, incomplete(judged.0, reason))),
            None => {
                services.transfers.settle(&self.key, arrived.at);
                Ok(judged)
            }
        }
    }

    /// Remembers a piece. One that comes while the upload is being completed waits for the answer of the service: it could
    /// be put together with what was judged without it.
    async fn arrive(&self, services: &Services, mut arrival: Arrival) -> Result<Arrived, &'static str> {
        let deadline = tokio::time::Instant::now() + services.config.upstream.answer_timeout;
        loop {
            match services.transfers.arrive(&self.key, (self.client, arrival), Instant::now()) {
                Ok(arrived) => return Ok(arrived),
                // What cannot be remembered cannot be put together either.
                Err(NotTaken::Full) => return Err("transfers_max"),
                Err(NotTaken::Ending(piece, mut requests)) => {
                    arrival = *piece;
                    let answered = requests.wait_for(|requests| *requests == 0);
                    // Where nobody knows the upload any more, nothing is being completed either.
                    let _ = timeout_at(deadline, answered).await.map_err(|_elapsed| "unseen_parts")?;
                }
            }
        }
    }

    /// Judges the texts across the borders of a piece.
    async fn judge_joints(&self, services: &Services, joints: Vec<Vec<u8>>, judged: Judged) -> Result<Judged, Fault> {
        let parts = nameless_parts()?;
        for joint in joints {
            let held = Held::of(services, joint.into()).await?;
            let item = inspection::inspect(services, &parts, &held).await.item;
            let joined = decide(services, Transfer { item: of_fragment(&item), ..judged.0.clone() });
            if joined.1.action >= Action::Coach {
                return Ok(joined);
            }
        }
        if self.mode == InspectionMode::Strict {
            let item = Item { findings: services.transfers.findings(&self.key), ..judged.0.item.clone() };
            let counted = decide(services, Transfer { item, ..judged.0.clone() });
            if counted.1.action >= Action::Coach {
                return Ok(counted);
            }
        }
        Ok(judged)
    }

    /// Whether what a piece leaves open is judged at the end of the upload.
    fn waits_for_whole(&self, services: &Services, len: u64) -> bool {
        let SessionPart { tells_end, position, total_bytes, .. } = &self.part;
        let is_trusted = match (self.mode, self.order()) {
            (InspectionMode::Strict, _) | (_, Order::Unknown) => false,
            (_, Order::Any) => true,
            // What has no place in the whole is no part of what is judged at its end.
            (_, Order::InTurn) => matches!(position, Some(Position::Offset(_))),
        };
        // One piece that is everything has been judged as a whole already.
        let is_all = *position == Some(Position::Offset(0)) && *total_bytes == Some(len);
        is_trusted && !is_all && (*tells_end || services.transfers.total_bytes(&self.key).is_some())
    }

    /// What the service does with the pieces.
    fn order(&self) -> Order {
        match (&self.part, self.mode) {
            (SessionPart { is_listed: false, .. }, mode) if mode != InspectionMode::Commit => Order::Unknown,
            (SessionPart { tells_end: true, ends_by_call: false, .. }, _) => Order::InTurn,
            (SessionPart { tells_end: false, position: Some(Position::Offset(_)), .. }, _) => Order::InTurn,
            _ => Order::Any,
        }
    }

    /// How the upload ends, if it does so with this request.
    async fn ending(&self, services: &Services, held: &Held) -> Result<Option<Ending>, Fault> {
        if !self.is_commit() {
            let total = self.part.total_bytes.or_else(|| services.transfers.total_bytes(&self.key));
            // A piece that is too large to be held ends the upload all the same, where it says that it does.
            let ends = |total: u64| match (self.part.position, self.part.stated_len) {
                (Some(Position::Offset(at)), Some(len)) => !held.is_whole() && at.saturating_add(len) >= total,
                _ => false,
            };
            return Ok(total.map(|total| if ends(total) { Ending::Call(total) } else { Ending::AsSoonAs(total) }));
        }
        if let Some(Position::Offset(offset)) = self.part.position {
            return Ok(Some(Ending::Call(offset.saturating_add(held.spooled.len()))));
        }
        let fields = self.endpoint.as_ref().map(|endpoint| (endpoint.body, &endpoint.parts));
        Ok(Some(match fields {
            Some((form, names)) if !names.is_empty() && held.spooled.len() > 0 => {
                listed(services, held, (form, names)).await?.map_or(Ending::Unreadable, Ending::Listed)
            }
            _ => Ending::All,
        }))
    }

    /// Judges the upload when it is complete.
    async fn judge_whole(&self, services: &Services, ending: &Ending, judged: Judged) -> Result<JudgedEnd, Fault> {
        let Some(whole) = services.transfers.whole(&self.key, ending, Instant::now()) else {
            return Ok((judged, Vec::new()));
        };
        let (whole, committing) = judge_to_end(services, &self.key, whole, judged.0.clone()).await?;
        let judged = if whole.1.action >= judged.1.action { whole } else { judged };
        Ok((judged, committing.into_iter().collect()))
    }
}

/// Says of a call that content comes into being without being sent: from its digest, or fetched by the service.
pub(super) fn note_absent(item: &mut Item, classified: &Classified) {
    let reason = match classified.endpoint.as_ref().and_then(|endpoint| endpoint.role) {
        Some(EndpointRole::HashOnly) => "hash_only",
        Some(EndpointRole::ServerFetch) => "server_fetch",
        _ => return,
    };
    item.inspection.completeness = Completeness::Partial;
    item.inspection.problems.push(inspection::problem(ProblemClass::Unreadable, reason));
}

/// Judges uploads that a call names in its body.
pub(super) async fn judge_named(
    services: &Services,
    classified: &Classified,
    held: &Held,
    judged: Judged,
) -> Result<JudgedEnd, Fault> {
    let (mut judged, mut ending) = (judged, Vec::new());
    let Some(endpoint) = classified.endpoint.as_ref().filter(|endpoint| !endpoint.ends.is_empty()) else {
        return Ok((judged, ending));
    };
    let Some(named) = listed(services, held, (endpoint.body, &endpoint.ends)).await? else {
        return Ok((decide(services, incomplete(judged.0, "part_list")), ending));
    };
    for session in named {
        let key = SessionKey { scope: classified.scope.clone(), session };
        if let Some((item, decision)) = services.transfers.refusal(&key) {
            return Ok(((Transfer { item, ..judged.0 }, decision), Vec::new()));
        }
        let Some(whole) = services.transfers.whole(&key, &Ending::All, Instant::now()) else { continue };
        let (whole, committing) = judge_to_end(services, &key, whole, judged.0.clone()).await?;
        if whole.1.action >= Action::Coach {
            let reason = (whole.0.item.clone(), whole.1.clone());
            services.transfers.refuse(&key, reason, Instant::now());
            return Ok((whole, Vec::new()));
        }
        ending.extend(committing);
        judged = if whole.1.action >= judged.1.action { whole } else { judged };
    }
    Ok((judged, ending))
}

/// Judges an upload that was put together, and ends it if it may go on. A piece that came meanwhile was not judged.
async fn judge_to_end(
    services: &Services,
    key: &SessionKey,
    whole: Whole,
    transfer: Transfer,
) -> Result<(Judged, Option<Committing>), Fault> {
    let came = whole.came;
    let judged = judge_whole(services, whole, transfer).await?;
    if judged.1.action >= Action::Coach {
        return Ok((judged, None));
    }
    match services.transfers.end(key, came) {
        None => Ok((decide(services, incomplete(judged.0, "unseen_parts")), None)),
        committing => Ok((judged, committing)),
    }
}

/// Judges an upload that was put together. One of a single piece has been judged with it.
async fn judge_whole(services: &Services, whole: Whole, transfer: Transfer) -> Result<Judged, Fault> {
    if let Some(reason) = whole.missing {
        services.metrics.count_problem(ProblemClass::Limit);
        let item = Item { findings: whole.findings, ..transfer.item.clone() };
        return Ok(decide(services, incomplete(Transfer { item, ..transfer }, reason)));
    }
    let len = whole.content.len();
    let content = Content { len, reader: Box::new(whole.content.clone()) };
    let inspected = inspection::inspect_content(services, &nameless_parts()?, Some(content)).await.item;
    let names = transfer.item.names.clone();
    Ok(decide(services, Transfer { item: Item { names, ..inspected }, ..transfer }))
}

/// Judges a request that opens an upload which the answer names, and remembers what it brings of it.
pub(super) async fn judge_opening(
    services: &Services,
    (parts, held): (&Parts, &Held),
    (classified, client): (&Classified, IpAddr),
    judged: Judged,
) -> Result<(Judged, Option<Opened>), Fault> {
    let Some(endpoint) = &classified.endpoint else { return Ok((judged, None)) };
    if endpoint.role != Some(EndpointRole::Open) || classified.session.is_some() || !held.is_whole() {
        return Ok((judged, None));
    }
    let total_bytes = parts.headers.get("upload-length").and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let mut opening = Opening { first: None, store: None, total_bytes };
    // What describes an upload is no part of it.
    let brings_piece = held.spooled.len() > 0 && matches!(endpoint.body, None | Some(BodyForm::Raw));
    let mut judged = judged;
    if brings_piece {
        let store = new_store(services).map_err(NotKept::Io);
        opening.store = store.as_ref().ok().cloned();
        let piece = PieceBody { services: services.inspection.now(), parts: parts.clone(), body: held.spooled.clone() };
        let PieceRead { edges, content } = piece.keep(store).await?;
        services.transfers.open(&classified.scope, client, edges.clone(), Instant::now());
        let is_strict = services.config.inspection.mode(&classified.destination) == InspectionMode::Strict;
        if content.is_ok() && endpoint.named_by.is_some() && classified.is_gated && !is_strict {
            judged = decide(services, Transfer { item: of_fragment(&judged.0.item), ..judged.0 });
        }
        opening.first = Some(Arrival {
            position: Some(Position::Offset(0)),
            name: None,
            edges,
            content: content.map_err(|reason| reason.as_str()),
            findings: judged.0.item.findings.clone(),
            total_bytes: None,
            stated_len: None,
            order: Order::Any,
        });
    }
    let opened = endpoint.named_by.clone().map(|named_by| Opened { opening, named_by });
    Ok((judged, opened))
}

/// The verdict on a request of an upload that was refused before.
pub(super) fn verdict_again(
    (item, decision): (Item, Decision),
    head: TransferHead,
    answer: Option<String>,
    peer: SocketAddr,
) -> Verdict {
    Verdict { transfer: Transfer { head, item }, decision, answer, peer, path_masked: None }
}

fn decide(services: &Services, transfer: Transfer) -> Judged {
    let decision = services.rules.now().policies.decide(&transfer, SystemTime::now());
    (transfer, decision)
}

/// The item of a fragment. That a document could not be opened by a piece of it says nothing; that there was no time or
/// room to look does.
fn of_fragment(item: &Item) -> Item {
    let is_own = |class| matches!(class, ProblemClass::Limit | ProblemClass::Timeout | ProblemClass::ParserPanic);
    let problems: Vec<_> = item.inspection.problems.iter().filter(|problem| is_own(problem.class)).cloned().collect();
    let completeness = if problems.is_empty() { Completeness::Complete } else { Completeness::Partial };
    Item { inspection: Inspection { completeness, problems }, ..item.clone() }
}

/// A transfer of which something was not seen.
fn incomplete(mut transfer: Transfer, reason: &str) -> Transfer {
    transfer.item.inspection.completeness = Completeness::Partial;
    transfer.item.inspection.problems.push(inspection::problem(ProblemClass::Limit, reason));
    transfer
}

fn new_store(services: &Services) -> io::Result<Arc<Store>> {
    Store::create(&services.spool, services.config.inspection.transfer_max)
}

/// The body of a request that brings a piece.
struct PieceBody {
    services: Arc<InspectionServices>,
    parts: Parts,
    body: Spooled,
}

/// What was read of a piece.
struct PieceRead {
    edges: Edges,
    content: Result<Kept, NotKept>,
}

impl PieceBody {
    /// Reads the edges, and puts the content into the store, apart from the threads that move bytes.
    async fn keep(mut self, store: Result<Arc<Store>, NotKept>) -> Result<PieceRead, Fault> {
        let reading = tokio::task::spawn_blocking(move || -> io::Result<PieceRead> {
            let unframed = pieces::unframed(&self.parts.headers, &mut self.body, &self.services.limits)?;
            let mut content = unframed.unwrap_or_else(|| Box::new(self.body));
            let edges = Edges::read(&mut content)?;
            content.seek(io::SeekFrom::Start(0))?;
            let content = store.and_then(|store| store.append(&mut content));
            Ok(PieceRead { edges, content })
        });
        match reading.await {
            Ok(Ok(read)) => Ok(read),
            _ => Err(Fault::Internal),
        }
    }
}

/// The values of fields that a body lists; none when they cannot be read.
async fn listed(
    services: &Services,
    held: &Held,
    (form, names): (Option<BodyForm>, &[String]),
) -> Result<Option<Vec<String>>, Fault> {
    let form = if form == Some(BodyForm::Xml) { ListForm::Xml } else { ListForm::Json };
    if held.spooled.len() > PART_LIST_BYTES_MAX as u64 || !held.is_whole() {
        return Ok(None);
    }
    let (mut body, names, inspection) = (held.spooled.clone(), names.to_vec(), services.inspection.now());
    let reading = tokio::task::spawn_blocking(move || -> io::Result<Option<Vec<String>>> {
        let mut text = Vec::new();
        body.read_to_end(&mut text)?;
        Ok(pieces::listed(&text, form, &names, &inspection.limits))
    });
    match reading.await {
        Ok(Ok(listed)) => Ok(listed),
        _ => Err(Fault::Internal),
    }
}

/// The head under which something is inspected that has none of its own.
fn nameless_parts() -> Result<Parts, Fault> {
    Request::builder().uri("/").body(()).map(|request| request.into_parts().0).map_err(|_| Fault::Internal)
}
