//! What follows from a decision: counters, an incident, and the answer to a request that is refused.

use super::host;
use super::site::Site;
use crate::answer::{self, AnswerRequest, Detected, Refusal};
use crate::services::Services;
use bytes::Bytes;
use dlp_core::base::ConfidenceLevel;
use dlp_core::decision::{Action, Decision, DetectorSummary, Transfer};
use dlp_governance::incident::{Incident, IncidentId, RequestFacts};
use http::request::Parts;
use http::{Method, Response};
use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::sync::PoisonError;

use crate::metrics::RequestLabels;

/// Things that incidents of one answer or connection have said. Behind that many they may be told again.
const TOLD_MAX: usize = 4_096;

/// Methods that are shown: those of HTTP, WebDAV and CalDAV.
const METHODS: [&str; 29] = [
    "ACL",
    "BIND",
    "CHECKIN",
    "CHECKOUT",
    "CONNECT",
    "COPY",
    "DELETE",
    "GET",
    "HEAD",
    "LABEL",
    "LINK",
    "LOCK",
    "MERGE",
    "MKCALENDAR",
    "MKCOL",
    "MOVE",
    "OPTIONS",
    "PATCH",
    "POST",
    "PROPFIND",
    "PROPPATCH",
    "PURGE",
    "PUT",
    "QUERY",
    "REPORT",
    "SEARCH",
    "TRACE",
    "UNLINK",
    "UNLOCK",
];

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
    pub(super) fn is_incident(&self) -> bool {
        let (item, decision) = (&self.transfer.item, &self.decision);
        let is_notable = !item.findings.is_empty() || item.inspection.is_incomplete();
        self.is_refused() || decision.would_decide > decision.action || (decision.action == Action::Log && is_notable)
    }
}

/// What the incidents of one answer or connection say already, as hashes, because it shows parts of values.
#[derive(Default)]
pub(super) struct Told {
    words: HashSet<u64>,
    hasher: RandomState,
}

impl Told {
    /// Takes what an incident would say; whether any of it is new.
    pub(super) fn is_news(&mut self, verdict: &Verdict) -> bool {
        if self.words.len() >= TOLD_MAX {
            self.words.clear();
        }
        said_by(verdict).filter(|word| self.words.insert(self.hasher.hash_one(word))).count() > 0
    }
}

/// What an incident would say: the rule with its decision, each value as it is shown, and each problem.
fn said_by(verdict: &Verdict) -> impl Iterator<Item = String> {
    let (decision, item) = (&verdict.decision, &verdict.transfer.item);
    let rule = format!("rule {:?} {} {}", decision.rule, decision.action, decision.would_decide);
    let found = item.findings.iter().flat_map(|found| {
        let detector = &found.detector;
        let values = found.unique.at_least(ConfidenceLevel::Low);
        // Where not all of them are shown, or some look the same, their number says more.
        let is_more = values > found.samples_masked.len() as u64;
        let number = is_more.then(|| format!("found {detector} {values}"));
        let shown = found.samples_masked.iter().map(move |sample| format!("found {detector} {sample}"));
        shown.chain(number).chain(std::iter::once(format!("found {detector}")))
    });
    let problems = item.inspection.problems.iter().map(|problem| format!("problem {}", problem.reason));
    std::iter::once(rule).chain(found).chain(problems)
}

/// Records the decision; the answer, when the request is refused.
pub(super) async fn conclude(
    services: &Services,
    verdict: &Verdict,
    parts: &Parts,
    site: &Site,
) -> Option<Response<Bytes>> {
    let refusal = record_refusal(services, verdict, parts).await?;
    Some(respond(&refusal, parts, site))
}

/// A method as it is shown: whoever sends a request can write anything in its place.
pub(super) fn shown_method(method: &Method) -> &str {
    let is_known = |known: &&str| *known == method.as_str();
    METHODS.into_iter().find(is_known).unwrap_or("other")
}

/// The answer to a refused request.
pub(super) fn respond(refusal: &Refusal, parts: &Parts, site: &Site) -> Response<Bytes> {
    answer::refusal(refusal, &AnswerRequest { path: path_of(site), ..AnswerRequest::of(parts) })
}

/// Records the decision; what there is to say, when the request is refused.
pub(super) async fn record_refusal(services: &Services, verdict: &Verdict, parts: &Parts) -> Option<Refusal> {
    count(services, verdict);
    if !verdict.is_incident() {
        return None;
    }
    let id = record(services, verdict, parts).await;
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
async fn record(services: &Services, verdict: &Verdict, parts: &Parts) -> String {
    let Ok(id) = IncidentId::random() else {
        services.metrics.incidents_lost.inc();
        return String::new();
    };
    let source = verdict.peer.ip().to_string();
    let path = match &verdict.path_masked {
        Some(path) => path.clone(),
        None => super::inspection::masked_path(services, parts).await,
    };
    let host = host::shown(services, &verdict.transfer.head.destination.host).await;
    let (mut transfer, mut decision) = (verdict.transfer.clone(), verdict.decision.clone());
    let whole = std::mem::replace(&mut transfer.head.destination.host, host.clone());
    decision.reasons.iter_mut().for_each(|reason| *reason = reason.replace(&whole, &host));
    let facts = RequestFacts { method: shown_method(&parts.method), path: &path, source: Some(&source) };
    let now = jiff::Timestamp::now();
    let incident = Incident::new(id.clone(), now, &transfer, &decision, facts);
    tracing::info!(incident = %id, action = %decision.action, rule = decision.rule.as_deref(), %host, "incident");
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
