//! From a held body to what a policy can judge.
//!
//! The work runs on the scan pool. Whatever keeps it from being complete (no thread free, no time left, a panic, a body
//! larger than what is held) becomes a problem of the item: the policy decides what that means, and nothing counts as
//! clean because of it.

use super::forward::declared_length;
use super::gate::Held;
use crate::body::{self, BodyReport, BodySetup, Opaque, PartInspector};
use crate::metrics::Metrics;
use crate::services::{InspectionServices, Services};
use crate::spool::Spooled;
use dlp_core::base::{Cancel, ProblemClass};
use dlp_core::content::{Completeness, Finding, Flow, ItemReport, LocatedProblem, Observer, Outcome, ReadSeek};
use dlp_core::decision::{Inspection, InspectionProblem, Item, Summariser};
use dlp_core::matching::{DetectorSet, Scratch};
use dlp_core::output::scan_name;
use http::Request;
use http::request::Parts;
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// Time that a cancelled inspection has to hand out what it found so far.
const CANCEL_GRACE: Duration = Duration::from_secs(2);
/// Kinds of problems kept for one item.
const PROBLEMS_MAX: usize = 32;

/// Stands for a path of which it is not known what it holds.
const PATH_NOT_SHOWN: &str = "(not inspected)";

/// What an inspection says of a request.
#[derive(Debug)]
pub(super) struct Inspected {
    /// What moves.
    pub(super) item: Item,
    /// The path of the URL, decoded, with found values masked.
    pub(super) path_masked: String,
    /// What tells values apart from those of other requests; none where nothing was found.
    pub(super) counts: Option<Summariser>,
}

/// Inspects head and body of a request.
pub(super) async fn inspect(services: &Services, parts: &Parts, held: &Held) -> Inspected {
    inspect_body(services, parts, held.is_whole().then(|| held.spooled.clone())).await
}

/// The same for a body that somebody else holds; without one it is too large to be held.
pub(super) async fn inspect_body(services: &Services, parts: &Parts, body: Option<Spooled>) -> Inspected {
    let content = body.map(|body| Content { len: body.len(), reader: Box::new(body) });
    inspect_content(services, parts, content).await
}

/// The same for whatever can be read.
pub(super) async fn inspect_content(services: &Services, parts: &Parts, body: Option<Content>) -> Inspected {
    let started = Instant::now();
    let inspected = inspect_in_pool(services, parts, body).await;
    count(&services.metrics, &inspected.item, started.elapsed());
    inspected
}

/// The path of a request that was decided without an inspection, with what is found in its head masked.
pub(super) async fn masked_path(services: &Services, parts: &Parts) -> String {
    inspect_in_pool(services, parts, None).await.path_masked
}

/// Inspects the name of a host.
pub(super) async fn inspect_host(services: &Services, name: String) -> Inspected {
    let started = Instant::now();
    let inspected = host_in_pool(services, name).await;
    count(&services.metrics, &inspected.item, started.elapsed());
    inspected
}

/// Whether something is found in the name of a host, or it could not be read.
pub(super) async fn is_telling_host(services: &Services, name: &str) -> bool {
    is_telling(&host_in_pool(services, name.to_owned()).await.item)
}

/// The same of a name that was inspected.
pub(super) fn is_telling(item: &Item) -> bool {
    !item.findings.is_empty() || item.inspection.is_incomplete()
}

async fn host_in_pool(services: &Services, name: String) -> Inspected {
    let (inspection, parts) = (services.inspection.now(), Request::new(()).into_parts().0);
    in_pool(services, &parts, move |scratch, cancel| {
        let inspector = &inspection.inspector;
        let mut tally = Tally::new(inspector.detectors(), Summariser::new(inspector.limits()));
        let mut examiner = PartInspector { inspector, scratch };
        let setup = BodySetup { examiner: &mut examiner, limits: &inspection.limits, cancel };
        let report = body::inspect_host(&name, setup, &mut tally);
        tally.finish(report, None)
    })
    .await
}

/// A text of a user, with what is found in it masked.
pub(super) async fn masked_text(services: &Services, text: String) -> String {
    let inspection = services.inspection.now();
    let masking = services.pool.submit(move |scratch| {
        let inspector = &inspection.inspector;
        let summariser = Summariser::with_texts(inspector.limits(), vec![text.clone()]);
        let mut tally = Tally::new(inspector.detectors(), summariser);
        tally.name(scratch, &text);
        tally.summariser.finish_with_texts().1.into_iter().next()
    });
    let Ok(masking) = masking else { return PATH_NOT_SHOWN.to_owned() };
    let masked = timeout(services.config.inspection.decision_timeout, masking).await;
    masked.ok().and_then(Result::ok).flatten().unwrap_or_else(|| PATH_NOT_SHOWN.to_owned())
}

/// Inspects a request. Without a body only the head is read.
async fn inspect_in_pool(services: &Services, parts: &Parts, body: Option<Content>) -> Inspected {
    let size = body.as_ref().map_or(0, |body| body.len);
    let task = Task { services: services.inspection.now(), parts: parts.clone(), body };
    let inspected = in_pool(services, parts, move |scratch, cancel| task.run(scratch, cancel)).await;
    services.metrics.inspected_bytes.inc_by(size);
    inspected
}

/// Waits for a thread and for its result, both within the time for decisions.
async fn in_pool(
    services: &Services,
    parts: &Parts,
    work: impl FnOnce(&mut Scratch, &Cancel) -> Inspected + Send + 'static,
) -> Inspected {
    let cancel = Cancel::default();
    // Also stops the work when the client goes away and this future is dropped.
    let guard = CancelOnDrop(cancel.clone());
    let Ok(mut result) = services.pool.submit(move |scratch| work(scratch, &cancel)) else {
        return unread(parts, problem(ProblemClass::Limit, "overload"));
    };
    note_queue(services);
    let finished = match timeout(services.config.inspection.decision_timeout, &mut result).await {
        Ok(finished) => finished.map_err(|_closed| problem(ProblemClass::ParserPanic, "inspection_panic")),
        Err(_elapsed) => {
            guard.0.trip();
            match timeout(CANCEL_GRACE, result).await {
                Ok(Ok(partial)) => Ok(partial),
                _ => Err(problem(ProblemClass::Timeout, "decision_timeout")),
            }
        }
    };
    note_queue(services);
    finished.unwrap_or_else(|problem| unread(parts, problem))
}

fn note_queue(services: &Services) {
    services.metrics.queue_depth.set(i64::try_from(services.pool.waiting()).unwrap_or(i64::MAX));
}

/// An item of which nothing is known.
pub(super) fn unread(parts: &Parts, problem: InspectionProblem) -> Inspected {
    let item = Item {
        names: Vec::new(),
        size_bytes: declared_length(&parts.headers),
        findings: Vec::new(),
        inspection: Inspection { completeness: Completeness::Partial, problems: vec![problem] },
    };
    Inspected { item, path_masked: PATH_NOT_SHOWN.to_owned(), counts: None }
}

/// A problem of this name.
pub(super) fn problem(class: ProblemClass, reason: &str) -> InspectionProblem {
    InspectionProblem { class, reason: reason.to_owned() }
}

fn count(metrics: &Metrics, item: &Item, took: Duration) {
    metrics.inspection_seconds.observe(took.as_secs_f64());
    for finding in &item.findings {
        metrics.count_findings(finding.category, finding.count);
    }
    for problem in &item.inspection.problems {
        metrics.count_problem(problem.class);
    }
}

/// One inspection, on its way to a thread.
struct Task {
    services: std::sync::Arc<InspectionServices>,
    parts: Parts,
    /// The body; absent when it is larger than what is held.
    body: Option<Content>,
}

/// A body, from wherever it is read.
pub(super) struct Content {
    /// Its length.
    pub(super) len: u64,
    /// Its bytes.
    pub(super) reader: Box<dyn ReadSeek + Send>,
}

impl Task {
    fn run(mut self, scratch: &mut Scratch, cancel: &Cancel) -> Inspected {
        let inspector = &self.services.inspector;
        let path = body::decoded_path(&self.parts);
        let summariser = Summariser::with_texts(inspector.limits(), vec![path.clone()]);
        let mut tally = Tally::new(inspector.detectors(), summariser);
        tally.name(scratch, &path);
        let mut examiner = PartInspector { inspector, scratch };
        let mut setup = BodySetup { examiner: &mut examiner, limits: &self.services.limits, cancel };
        let of_head = body::inspect_head(&self.parts, setup.reborrowed(), &mut tally);
        match &mut self.body {
            Some(content) => {
                let of_body = body::inspect(&self.parts.headers, &mut *content.reader, setup, &mut tally);
                let report = of_head.join(of_body);
                report.file_names.iter().for_each(|name| tally.name(scratch, name));
                tally.finish(report, Some(content.len))
            }
            None => {
                tally.note(problem(ProblemClass::Limit, "gate_max"));
                of_head.file_names.iter().for_each(|name| tally.name(scratch, name));
                let mut inspected = tally.finish(of_head, declared_length(&self.parts.headers));
                inspected.item.inspection.completeness = Completeness::Partial;
                inspected
            }
        }
    }
}

/// Trips the token when nobody waits for the result any more.
struct CancelOnDrop(Cancel);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.trip();
    }
}

/// Counts what an inspection finds, and keeps no value.
#[derive(Clone)]
pub(super) struct Tally<'a> {
    detectors: &'a DetectorSet,
    summariser: Summariser,
    problems: Vec<InspectionProblem>,
}

impl<'a> Tally<'a> {
    /// Nothing yet.
    pub(super) fn new(detectors: &'a DetectorSet, summariser: Summariser) -> Self {
        Self { detectors, summariser, problems: Vec::new() }
    }

    /// Remembers a problem.
    pub(super) fn note(&mut self, problem: InspectionProblem) {
        if self.problems.len() < PROBLEMS_MAX && !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    /// Searches a name as names are read. What the text that holds it has shown already is not counted again.
    pub(super) fn name(&mut self, scratch: &mut Scratch, name: &str) {
        for finding in scan_name(self.detectors, scratch, name) {
            let is_new =
                std::str::from_utf8(finding.value.expose()).is_ok_and(|v| self.summariser.mask(name).contains(v));
            if is_new {
                self.summariser.add(self.detectors.detector(finding.detector), &finding);
            }
        }
    }

    /// The item, with what a report adds.
    pub(super) fn finish(mut self, report: BodyReport, size_bytes: Option<u64>) -> Inspected {
        if let Some(opaque) = report.opaque {
            self.note(problem(ProblemClass::Encrypted, opaque.as_str()));
        }
        let Outcome { completeness, .. } = report.outcome;
        // What could not be looked into is as closed as what is encrypted, whatever was scanned of its outside.
        let completeness = if report.opaque == Some(Opaque::Coding) { Completeness::Encrypted } else { completeness };
        let names = report.file_names.iter().map(|name| self.summariser.mask(name)).collect();
        let counts = (!self.summariser.is_empty()).then(|| self.summariser.counts());
        let (findings, texts) = self.summariser.finish_with_texts();
        let inspection = Inspection { completeness, problems: self.problems };
        let item = Item { names, size_bytes, findings, inspection };
        Inspected { item, path_masked: texts.into_iter().next().unwrap_or_default(), counts }
    }
}

impl Observer for Tally<'_> {
    fn finding(&mut self, finding: Finding) -> Flow {
        self.summariser.add(self.detectors.detector(finding.detector), &finding);
        Flow::Continue
    }

    fn problem(&mut self, located: LocatedProblem) {
        self.note(problem(located.problem.class, located.problem.reason));
    }

    fn item(&mut self, _item: ItemReport) {}

    fn only_counts(&self) -> bool {
        true
    }
}
