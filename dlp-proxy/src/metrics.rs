//! Counters of the gateway, in the OpenMetrics text format.
//!
//! Labels are words of fixed lists or ids of the catalogue; never a user, a URL or anything that a client chose.

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

/// One label with a word of a fixed list.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Reason {
    reason: String,
}

/// What was decided about a request.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct RequestLabels {
    /// Application of the catalogue, or `other`.
    pub(crate) app: String,
    /// Activity.
    pub(crate) activity: String,
    /// Decision.
    pub(crate) decision: String,
}

/// A message that another proxy asked about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct IcapLabels {
    method: String,
    outcome: String,
}

/// Category of findings.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct CategoryLabels {
    category: String,
}

/// Class of problems.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct ClassLabels {
    class: String,
}

/// All metrics.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    /// Requests by decision.
    pub(crate) requests: Family<RequestLabels, Counter>,
    /// Body bytes that were inspected.
    pub(crate) inspected_bytes: Counter,
    /// Time of inspections, waiting included.
    pub(crate) inspection_seconds: Histogram,
    /// Open client connections.
    pub(crate) connections: Gauge,
    /// Client connections so far.
    pub(crate) connections_total: Counter,
    /// Idle client connections that made room for others.
    pub(crate) connections_shed: Counter,
    /// Inspections that wait for a thread.
    pub(crate) queue_depth: Gauge,
    /// Bytes of bodies that are held.
    pub(crate) spool_bytes: Gauge,
    /// Uploads of several requests that are remembered.
    pub(crate) transfers_open: Gauge,
    /// Bytes relayed in tunnels that are not intercepted.
    pub(crate) bypassed_bytes: Counter,
    /// Kinds of clients that have begun to refuse every certificate at a host.
    pub(crate) pinning_suspected: Counter,
    /// Incidents that could not be written.
    pub(crate) incidents_lost: Counter,
    /// Lines of the log of requests that could not be written.
    pub(crate) request_lines_lost: Counter,
    /// Changes of access that could not be written.
    pub(crate) access_changes_lost: Counter,
    access_cuts: Family<Reason, Counter>,
    reloads: Family<Reason, Counter>,
    cuts: Counter,
    cut_bytes: Counter,
    downloads_cut: Counter,
    icap: Family<IcapLabels, Counter>,
    /// Time that the gateway adds to a request: from its head to the head of its answer, without the wait for the origin.
    pub(crate) overhead_seconds: Histogram,
    /// When the authority that signs for clients ends, in seconds since 1970.
    pub(crate) ca_not_after: Gauge,
    /// When the certificate of the proxy itself ends; 0 without one.
    pub(crate) own_not_after: Gauge,
    findings: Family<CategoryLabels, Counter>,
    problems: Family<ClassLabels, Counter>,
    faults: Family<Reason, Counter>,
    tls_errors: Family<Reason, Counter>,
    websocket_closes: Family<Reason, Counter>,
    uninspected: Family<Reason, Counter>,
}

impl Metrics {
    /// Registers everything.
    pub(crate) fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("dlp"),
            requests: Family::default(),
            inspected_bytes: Counter::default(),
            inspection_seconds: Histogram::new(exponential_buckets(0.0005, 2.0, 18)),
            connections: Gauge::default(),
            connections_total: Counter::default(),
            connections_shed: Counter::default(),
            queue_depth: Gauge::default(),
            spool_bytes: Gauge::default(),
            transfers_open: Gauge::default(),
            bypassed_bytes: Counter::default(),
            pinning_suspected: Counter::default(),
            incidents_lost: Counter::default(),
            request_lines_lost: Counter::default(),
            access_changes_lost: Counter::default(),
            access_cuts: Family::default(),
            reloads: Family::default(),
            cuts: Counter::default(),
            cut_bytes: Counter::default(),
            downloads_cut: Counter::default(),
            icap: Family::default(),
            overhead_seconds: Histogram::new(exponential_buckets(0.0001, 2.0, 20)),
            ca_not_after: Gauge::default(),
            own_not_after: Gauge::default(),
            findings: Family::default(),
            problems: Family::default(),
            faults: Family::default(),
            tls_errors: Family::default(),
            websocket_closes: Family::default(),
            uninspected: Family::default(),
        };
        metrics.register();
        metrics
    }

    /// Everything as text.
    pub(crate) fn render(&self) -> String {
        let mut out = String::new();
        if text::encode(&mut out, &self.registry).is_err() {
            // Writing to a string cannot fail; an empty page would still show as a failed scrape.
            out.clear();
        }
        out
    }

    /// Counts findings of a category.
    pub(crate) fn count_findings(&self, category: impl ToString, count: u64) {
        self.findings.get_or_create(&CategoryLabels { category: category.to_string() }).inc_by(count);
    }

    /// Counts a problem of an inspection.
    pub(crate) fn count_problem(&self, class: impl ToString) {
        self.problems.get_or_create(&ClassLabels { class: class.to_string() }).inc();
    }

    /// Counts a request that ended with a fault.
    pub(crate) fn count_fault(&self, reason: &'static str) {
        self.faults.get_or_create(&reason.into()).inc();
    }

    /// Counts a failed handshake.
    pub(crate) fn count_tls_error(&self, reason: &'static str) {
        self.tls_errors.get_or_create(&reason.into()).inc();
    }

    /// Counts a connection that was cut because somebody's access had ended.
    pub(crate) fn count_access_cut(&self, reason: &'static str) {
        self.access_cuts.get_or_create(&reason.into()).inc();
    }

    /// Counts an attempt to exchange the rules.
    pub(crate) fn count_reload(&self, is_success: bool) {
        let reason = if is_success { "success" } else { "failure" };
        self.reloads.get_or_create(&reason.into()).inc();
    }

    /// Counts an upload that was cut after these bytes had left.
    pub(crate) fn count_cut(&self, bytes: u64) {
        self.cuts.inc();
        self.cut_bytes.inc_by(bytes);
    }

    /// Counts an answer that was cut after it had begun.
    pub(crate) fn count_download_cut(&self) {
        self.downloads_cut.inc();
    }

    /// Counts what became of a message that another proxy asked about.
    pub(crate) fn count_icap(&self, method: &'static str, outcome: &'static str) {
        self.icap.get_or_create(&IcapLabels { method: method.to_owned(), outcome: outcome.to_owned() }).inc();
    }

    /// Counts a WebSocket that the gateway has closed.
    pub(crate) fn count_websocket_close(&self, code: u16) {
        self.websocket_closes.get_or_create(&Reason { reason: code.to_string() }).inc();
    }

    /// Counts a transfer that went on without a full inspection.
    pub(crate) fn count_uninspected(&self, reason: &str) {
        self.uninspected.get_or_create(&Reason { reason: reason.to_owned() }).inc();
    }

    fn register(&mut self) {
        let r = &mut self.registry;
        r.register("requests", "Requests by application, activity and decision", self.requests.clone());
        r.register("inspected_bytes", "Body bytes inspected", self.inspected_bytes.clone());
        r.register("findings", "Findings by category", self.findings.clone());
        r.register("problems", "Problems of inspections by class", self.problems.clone());
        r.register("inspection_seconds", "Time of inspections, waiting included", self.inspection_seconds.clone());
        r.register("connections", "Open client connections", self.connections.clone());
        r.register("connections_accepted", "Client connections accepted", self.connections_total.clone());
        r.register("connections_shed", "Idle client connections that made room", self.connections_shed.clone());
        r.register("scan_queue_depth", "Inspections waiting for a thread", self.queue_depth.clone());
        r.register("spool_bytes", "Bytes of bodies that are held", self.spool_bytes.clone());
        let open = self.transfers_open.clone();
        r.register("transfers_open", "Uploads of several requests that are remembered", open);
        r.register("tls_errors", "Failed TLS handshakes by reason", self.tls_errors.clone());
        r.register("websocket_closes", "WebSockets closed by the gateway, by code", self.websocket_closes.clone());
        r.register("faults", "Requests ended by malformed input or failed origins", self.faults.clone());
        r.register("uninspected", "Transfers allowed without a full inspection", self.uninspected.clone());
        r.register("access_cuts", "Connections cut because access had ended", self.access_cuts.clone());
        r.register("reloads", "Attempts to exchange policies and users", self.reloads.clone());
        r.register("uploads_cut", "Uploads stopped after they had begun to leave", self.cuts.clone());
        r.register("uploads_cut_bytes", "Bytes of them that had left", self.cut_bytes.clone());
        r.register("downloads_cut", "Answers stopped after they had begun", self.downloads_cut.clone());
        r.register("icap_requests", "ICAP requests by method and outcome", self.icap.clone());
        let (overhead, help) = (
            self.overhead_seconds.clone(),
            "Time of requests but for the wait for the client's body and for the head of the answer: names, judgement, answers that are held",
        );
        r.register("overhead_seconds", help, overhead);
        let (ca, own) = (self.ca_not_after.clone(), self.own_not_after.clone());
        r.register("ca_not_after_seconds", "End of the CA for clients, in seconds since 1970", ca);
        r.register("own_certificate_not_after_seconds", "End of the certificate of the proxy itself", own);
        r.register("bypassed_bytes", "Bytes relayed without interception", self.bypassed_bytes.clone());
        r.register("pinning_suspected", "Clients that refuse every certificate", self.pinning_suspected.clone());
        r.register("incidents_lost", "Incidents that could not be written", self.incidents_lost.clone());
        let lines = self.request_lines_lost.clone();
        r.register("request_lines_lost", "Lines of the log of requests that could not be written", lines);
        let lost = self.access_changes_lost.clone();
        r.register("access_changes_lost", "Changes of access that could not be written", lost);
    }
}

impl From<&'static str> for Reason {
    fn from(reason: &'static str) -> Self {
        Self { reason: reason.to_owned() }
    }
}
