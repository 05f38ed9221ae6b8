//! Judges what an origin answers, where `inspection.downloads` asks for it.
//!
//! The body of an answer is held as that of a request is, inspected, and decided about as a download from the place that the
//! request went to. One that is too large to be held counts as not inspected; when the policy lets it go on, its beginning
//! comes from the hold and its rest as it arrives. What never ends cannot be held: events of a server are judged one by one,
//! and messages of gRPC pass, and are counted.

use super::events::Events;
use super::events::coding::Decoder;
use super::icap::answer_parts;
use super::inspection;
use super::note;
use super::outcome::{self, Verdict};
use super::passing::is_grpc;
use super::site::Site;
use crate::body_stream::{GatewayBody, Then};
use crate::config::Downloads;
use crate::fault::Fault;
use crate::pipeline::gate::spool_fault;
use crate::request_log::Entry;
use crate::services::Services;
use crate::spool::Spooled;
use dlp_core::decision::{Activity, Decision, HeadDecision, Inspection, Item, Transfer, TransferHead};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, Response};
use http_body_util::BodyExt;
use hyper::body::Body;
use std::sync::Arc;
use std::time::SystemTime;

/// The answer to a request that was let through, as far as it may reach the client.
pub(super) async fn judged(
    services: &Arc<Services>,
    (request, entry): (&Verdict, &mut Entry),
    (parts, site): (&Parts, &Site),
    answer: Response<GatewayBody>,
) -> Result<Response<GatewayBody>, Fault> {
    if services.config.inspection.downloads == Downloads::Pass || answer.body().is_end_stream() {
        return Ok(answer);
    }
    let head = TransferHead { activity: Activity::Download, ..request.transfer.head.clone() };
    let (mut fields, body) = answer.into_parts();
    let (item, decision, body) = match services.rules.now().policies.decide_head(&head, SystemTime::now()) {
        HeadDecision::Final(decision) => (unread(), decision, body),
        HeadDecision::Inspect if let Some(decoder) = events_of(&fields.headers) => {
            let events = Events {
                services: services.clone(),
                parts: parts.clone(),
                site: site.clone(),
                head,
                answer: request.answer.clone(),
                peer: request.peer,
                path_masked: request.path_masked.clone(),
                read_as: event_parts()?,
            };
            fields.headers.remove(CONTENT_LENGTH);
            fields.headers.remove(CONTENT_ENCODING);
            return Ok(Response::from_parts(fields, events.watched(body, decoder)));
        }
        HeadDecision::Inspect if is_grpc(&fields.headers) => {
            services.metrics.count_uninspected("endless_answer");
            return Ok(Response::from_parts(fields, body));
        }
        HeadDecision::Inspect => inspected(services, &head, (&fields.headers, body)).await?,
    };
    let verdict = verdict(request, (head, item), decision);
    match outcome::conclude(services, &verdict, parts, site).await {
        Some(refusal) => {
            note(services, entry, &verdict).await;
            Ok(refusal.map(GatewayBody::full))
        }
        None => Ok(Response::from_parts(fields, body)),
    }
}

fn unread() -> Item {
    Item { names: Vec::new(), size_bytes: None, findings: Vec::new(), inspection: Inspection::complete() }
}

fn verdict(request: &Verdict, (head, item): (TransferHead, Item), decision: Decision) -> Verdict {
    let path_masked = request.path_masked.clone();
    Verdict {
        transfer: Transfer { head, item },
        decision,
        answer: request.answer.clone(),
        peer: request.peer,
        path_masked,
    }
}

/// How an answer is read that consists of events, which a server sends for as long as somebody listens. Where the
/// compression shows events at its end only, the answer is held like others.
fn events_of(fields: &HeaderMap) -> Option<Decoder> {
    let kind = fields.get(CONTENT_TYPE).map(http::HeaderValue::as_bytes).unwrap_or_default();
    let kind = kind.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    if kind.eq_ignore_ascii_case(b"text/event-stream") { Decoder::of(fields) } else { None }
}

/// The head under which events are inspected: they are lines of text, whatever stands in them.
fn event_parts() -> Result<Parts, Fault> {
    let mut fields = HeaderMap::new();
    fields.insert(CONTENT_TYPE, http::HeaderValue::from_static("text/plain"));
    answer_parts(&fields).ok_or(Fault::Internal)
}

/// Holds the body, inspects it and decides; the body as it can go on.
async fn inspected(
    services: &Services,
    head: &TransferHead,
    (fields, body): (&HeaderMap, GatewayBody),
) -> Result<(Item, Decision, GatewayBody), Fault> {
    let (spooled, then) = hold(services, body, services.config.inspection.gate_max).await?;
    let whole = (!matches!(then, Then::Rest(_))).then(|| spooled.clone());
    let read_as = answer_parts(fields).ok_or(Fault::Internal)?;
    let item = inspection::inspect_body(services, &read_as, whole).await.item;
    let transfer = Transfer { head: head.clone(), item };
    let decision = services.rules.now().policies.decide(&transfer, SystemTime::now());
    Ok((transfer.item, decision, GatewayBody::looked_at(spooled, then)))
}

/// Collects an answer up to so many bytes. What is announced to be larger is not collected at all.
pub(super) async fn hold(services: &Services, mut body: GatewayBody, largest: u64) -> Result<(Spooled, Then), Fault> {
    let mut spool = services.spool.spool();
    let mut is_over = body.size_hint().exact().is_some_and(|length| length > largest);
    let mut trailers = None;
    while !is_over && let Some(frame) = body.frame().await {
        match frame.map_err(|_| Fault::BadAnswer)?.into_data() {
            Ok(bytes) => spool.push(bytes).await.map_err(|error| spool_fault(&error))?,
            Err(frame) => trailers = frame.into_trailers().ok(),
        }
        is_over = spool.len() > largest;
    }
    let spooled = spool.finish().await.map_err(|error| spool_fault(&error.into()))?;
    let then = match trailers {
        _ if is_over => Then::Rest(Box::new(body)),
        Some(fields) => Then::Trailers(fields),
        None => Then::End,
    };
    Ok((spooled, then))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_told_by_their_type() {
        let rows = [
            ("text/event-stream", true),
            ("Text/Event-Stream; charset=utf-8", true),
            ("application/grpc+proto", false),
            ("text/event-streams", false),
            ("application/json", false),
            ("", false),
        ];
        for (kind, expected) in rows {
            let mut fields = HeaderMap::new();
            fields.insert(CONTENT_TYPE, kind.parse().unwrap());
            assert_eq!(events_of(&fields).is_some(), expected, "{kind}");
        }
    }
}
