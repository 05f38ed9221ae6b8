//! What follows from a decision: counters, an incident, and the answer to a request that is refused.

use super::site::Site;
use crate::answer::{self, AnswerRequest, Detected, Refusal};
use crate::services::Services;
use bytes::Bytes;
use dlp_core::base::ConfidenceLevel;
use dlp_core::decision::{Action, Decision, DetectorSummary, Transfer};
use dlp_governance::incident::{Incident, IncidentId, RequestFacts};
use http::Response;
use http::request::Parts;
use std::net::SocketAddr;
use std::sync::PoisonError;

use crate::metrics::RequestLabels;

/// A decision and what it is about.
#[derive(Debug)]
pub(super) struct Verdict {
    /// What was judged.
    pub(super) transfer: Transfer,
    /// The decision.
    pub(super) decision: Decision,
    /// Name of the answer's template.
    pub(super) answer: Option<String>,
    /// Address of the client.
    pub(super) peer: SocketAddr,
    /// The path with found values masked; absent when the head decided and nobody looked.
    pub(super) path_masked: Option<String>,
}

impl Verdict {
    /// Whether the request stops here. A transfer that somebody would have to explain, change or release first does
    /// not go on by itself either.
    pub(super) fn is_refused(&self) -> bool {
        self.decision.action >= Action::Coach
    }

    /// Whether somebody may want to look at it later: something was found or left unread, or the request was refused
    /// or would have been. A clean upload that is merely logged is counted.
    fn is_incident(&self) -> bool {
        let (item, decision) = (&self.transfer.item, &self.decision);
        let is_notable = !item.findings.is_empty() || item.inspection.is_incomplete();
        self.is_refused() || decision.would_decide > decision.action || (decision.action == Action::Log && is_notable)
    }
}

/// Records the decision; the answer, when the request is refused.
pub(super) async fn conclude(
    services: &Services,
    verdict: &Verdict,
    parts: &Parts,
    site: &Site,
) -> Option<Response<Bytes>> {
    let refusal = record_refusal(services, verdict, parts, site).await?;
    Some(respond(&refusal, parts, site))
}

/// The answer to a refused request.
pub(super) fn respond(refusal: &Refusal, parts: &Parts, site: &Site) -> Response<Bytes> {
    answer::refusal(refusal, &AnswerRequest { path: path_of(site), ..AnswerRequest::of(parts) })
}

/// Records the decision; what there is to say, when the request is refused.
pub(super) async fn record_refusal(
    services: &Services,
    verdict: &Verdict,
    parts: &Parts,
    site: &Site,
) -> Option<Refusal> {
    count(services, verdict);
    if !verdict.is_incident() {
        return None;
    }
    let id = record(services, verdict, parts, site).await;
    verdict.is_refused().then(|| refusal(services, verdict, &id))
}

fn count(services: &Services, verdict: &Verdict) {
    let head = &verdict.transfer.head;
    let labels = RequestLabels {
        app: head.destination.app.clone().unwrap_or_else(|| "other".to_owned()),
        activity: head.activity.to_string(),
        decision: verdict.decision.action.to_string(),
    };
    services.metrics.requests.get_or_create(&labels).inc();
    let inspection = &verdict.transfer.item.inspection;
    if inspection.is_incomplete() && !verdict.is_refused() {
        services.metrics.count_uninspected(inspection.completeness.as_str());
    }
}

/// Writes the incident. A log that cannot be written never lets a refused transfer through; it is counted and logged.
async fn record(services: &Services, verdict: &Verdict, parts: &Parts, site: &Site) -> String {
    let Ok(id) = IncidentId::random() else {
        services.metrics.incidents_lost.inc();
        return String::new();
    };
    let source = verdict.peer.ip().to_string();
    let path = match &verdict.path_masked {
        Some(path) => path.clone(),
        None => super::inspection::masked_path(services, parts).await,
    };
    let facts = RequestFacts { method: parts.method.as_str(), path: &path, source: Some(&source) };
    let now = jiff::Timestamp::now();
    let incident = Incident::new(id.clone(), now, &verdict.transfer, &verdict.decision, facts);
    let decision = &verdict.decision;
    tracing::info!(incident = %id, action = %decision.action, rule = decision.rule.as_deref(), host = %site.authority.host, "incident");
    let log = services.incidents.clone();
    let written =
        tokio::task::spawn_blocking(move || log.lock().unwrap_or_else(PoisonError::into_inner).append(&incident));
    let failure = match written.await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(error) => Some(error.to_string()),
    };
    if let Some(error) = failure {
        services.metrics.incidents_lost.inc();
        tracing::error!(incident = %id, error, "an incident could not be written");
    }
    id.to_string()
}

fn refusal(services: &Services, verdict: &Verdict, id: &str) -> Refusal {
    let (decision, destination) = (&verdict.decision, &verdict.transfer.head.destination);
    Refusal {
        incident_id: id.to_owned(),
        rule_title: decision.title.clone(),
        reasons: decision.reasons.clone(),
        findings: verdict.transfer.item.findings.iter().filter(|f| led_to(decision, f)).map(detected).collect(),
        app: destination.app_name.clone(),
        host: destination.host.clone(),
        contact: services.config.portal.contact.clone(),
        template: verdict.answer.clone(),
        release_url: None,
        explain: None,
        time: format!("{:.0}", jiff::Timestamp::now()),
    }
}

/// Whether people are told about it: what is probably right, and whatever the rule that decided counts.
fn led_to(decision: &Decision, finding: &DetectorSummary) -> bool {
    let names = |reason: &String| reason.strip_prefix(&finding.detector).is_some_and(|rest| rest.starts_with(':'));
    finding.unique.at_least(ConfidenceLevel::Medium) > 0 || decision.reasons.iter().any(names)
}

fn detected(summary: &DetectorSummary) -> Detected {
    Detected { title: summary.title.clone(), count: summary.count, masked: summary.samples_masked.clone() }
}

/// The path without the query, which may hold tokens.
fn path_of(site: &Site) -> &str {
    site.target.split('?').next().unwrap_or_default()
}
