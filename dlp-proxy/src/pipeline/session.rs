//! A request that brings a piece of an upload: what lies across its borders is judged with it.

use super::gate::Held;
use super::outcome::Verdict;
use super::{Client, inspection};
use crate::destination::{Classified, EndpointRole, Position};
use crate::fault::Fault;
use crate::services::Services;
use crate::spool::Spooled;
use crate::transfer::{Edges, SessionKey};
use dlp_core::base::ProblemClass;
use dlp_core::content::Completeness;
use dlp_core::decision::{Action, Activity, Decision, Item, Transfer, TransferHead};
use http::Request;
use http::request::Parts;
use std::net::IpAddr;
use std::time::{Instant, SystemTime};

/// The upload that a request belongs to.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    key: SessionKey,
    position: Option<Position>,
    client: IpAddr,
}

impl Piece {
    /// The upload, when the request names one.
    pub(super) fn of(classified: &Classified, client: &Client) -> Option<Self> {
        let part = classified.session.as_ref()?;
        let key = SessionKey { host: classified.destination.host.clone(), session: part.key.clone() };
        Some(Self { key, position: part.position, client: client.peer.ip() })
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

    /// Judges a piece that may leave by itself together with what is known around it.
    pub(super) async fn judge(
        &self,
        services: &Services,
        held: &Held,
        (transfer, decision): (Transfer, Decision),
    ) -> Result<(Transfer, Decision), Fault> {
        if decision.action >= Action::Coach || held.spooled.len() == 0 {
            return Ok((transfer, decision));
        }
        let edges = edges_of(held.spooled.clone()).await?;
        let decide = |item: Item| {
            let transfer = Transfer { item, ..transfer.clone() };
            let decision = services.rules.now().policies.decide(&transfer, SystemTime::now());
            (transfer, decision)
        };
        let Ok(joints) = services.transfers.arrive(&self.key, (self.position, self.client), edges, Instant::now())
        else {
            // What cannot be remembered cannot be put together either.
            let mut item = transfer.item.clone();
            item.inspection.completeness = Completeness::Partial;
            item.inspection.problems.push(inspection::problem(ProblemClass::Limit, "transfers_max"));
            return Ok(decide(item));
        };
        let parts = joint_parts()?;
        for joint in joints {
            let held = Held::of(services, joint.into()).await?;
            let (joined, refused) = decide(inspection::inspect(services, &parts, &held).await.item);
            if refused.action >= Action::Coach {
                return Ok((joined, refused));
            }
        }
        Ok((transfer, decision))
    }
}

/// Remembers the body of a request that opens an upload, when the upload is named by the answer.
pub(super) async fn note_opening(
    services: &Services,
    classified: &Classified,
    (held, client): (&Held, IpAddr),
) -> Result<(), Fault> {
    let role = classified.endpoint.as_ref().and_then(|endpoint| endpoint.role);
    if role == Some(EndpointRole::Open) && classified.session.is_none() && held.is_whole() {
        let edges = edges_of(held.spooled.clone()).await?;
        services.transfers.open(&classified.destination.host, client, edges, Instant::now());
    }
    Ok(())
}

/// The verdict on a request of an upload that was refused before.
pub(super) fn verdict_again(
    (item, decision): (Item, Decision),
    head: TransferHead,
    answer: Option<String>,
    client: &Client,
) -> Verdict {
    Verdict { transfer: Transfer { head, item }, decision, answer, peer: client.peer, path_masked: None }
}

async fn edges_of(mut spooled: Spooled) -> Result<Edges, Fault> {
    let reading = tokio::task::spawn_blocking(move || Edges::read(&mut spooled));
    match reading.await {
        Ok(Ok(edges)) => Ok(edges),
        _ => Err(Fault::Internal),
    }
}

/// The head under which a joint is inspected: it has none of its own.
fn joint_parts() -> Result<Parts, Fault> {
    Request::builder().uri("/").body(()).map(|request| request.into_parts().0).map_err(|_| Fault::Internal)
}
