//! What all connections share: policy, detectors, certificates, counters, and the ways in and out.

use crate::access::Access;
use crate::body::BodyLimits;
use crate::config::Config;
use crate::destination::{Catalogue, Restrictions};
use crate::message_room::MessageRoom;
use crate::metrics::Metrics;
use crate::pipeline::coaching::Coaching;
use crate::pipeline::host::ToldNames;
use crate::pipeline::recent::Recent;
use crate::request_log::RequestLog;
use crate::rules::{Exchangeable, Rules};
use crate::scan_pool::ScanPool;
use crate::spool::SpoolPlace;
use crate::tls::leaf::LeafMint;
use crate::tls::pinning::Pinning;
use crate::transfer::Transfers;
use crate::upstream::Upstream;
use dlp_core::content::RiskyParser;
use dlp_core::inspect::Inspector;
use dlp_governance::incident::IncidentLog;
use std::sync::{Arc, Mutex};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Built once at start; what can be exchanged says so.
#[derive(Debug)]
pub(crate) struct Services {
    /// The configuration.
    pub(crate) config: Config,
    /// Known destinations.
    pub(crate) catalogue: Catalogue,
    /// Who is connected, and who may not be any more.
    pub(crate) access: Arc<Access>,
    /// Fields that tell services whose accounts are ours.
    pub(crate) restrictions: Restrictions,
    /// Policies and users.
    pub(crate) rules: Exchangeable<Rules>,
    /// What inspections need.
    pub(crate) inspection: Exchangeable<InspectionServices>,
    /// Places for bodies that leave while they are inspected.
    pub(crate) watched: Arc<Semaphore>,
    /// Threads that inspect.
    pub(crate) pool: ScanPool,
    /// Requests that wait for an explanation.
    pub(crate) coaching: Coaching,
    /// Values that were let through of late.
    pub(crate) recent: Recent,
    /// Names that carry something, and were recorded.
    pub(crate) told_names: ToldNames,
    /// What clients have refused.
    pub(crate) pinning: Pinning,
    /// Uploads that take several requests.
    pub(crate) transfers: Transfers,
    /// Memory for messages that have not come whole.
    pub(crate) messages: Arc<MessageRoom>,
    /// Place of bodies that are held.
    pub(crate) spool: Arc<SpoolPlace>,
    /// Certificates for clients.
    pub(crate) mint: LeafMint,
    /// Connections to origins.
    pub(crate) upstream: Upstream,
    /// Log of requests.
    pub(crate) request_log: RequestLog,
    /// Incident log.
    pub(crate) incidents: Arc<Mutex<IncidentLog>>,
    /// Counters.
    pub(crate) metrics: Arc<Metrics>,
    /// Tells connections to end after the request they are at.
    pub(crate) drain: CancellationToken,
    /// Everything that runs for clients.
    pub(crate) tasks: TaskTracker,
}

/// What an inspection takes to its thread.
pub(crate) struct InspectionServices {
    /// Detectors and bounds.
    pub(crate) inspector: Inspector,
    /// The same detectors, with bounds for bodies that take as long as their sender does.
    pub(crate) stream_inspector: Inspector,
    /// Bounds of body decoding.
    pub(crate) limits: BodyLimits,
    /// Runs parsers that can crash.
    pub(crate) risky: Option<Arc<dyn RiskyParser>>,
    /// Whether there are indexes.
    pub(crate) has_known: bool,
}

impl std::fmt::Debug for InspectionServices {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InspectionServices").field("limits", &self.limits).finish_non_exhaustive()
    }
}
