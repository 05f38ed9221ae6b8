//! Holds a request body until it was decided about.

use super::forward::declared_length;
use crate::fault::Fault;
use crate::services::Services;
use crate::spool::{SpoolError, Spooled};
use http::request::Parts;
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use tokio::time::timeout;

/// A body in the hands of the gateway.
#[derive(Debug)]
pub(super) struct Held {
    /// The whole body, or its beginning.
    pub(super) spooled: Spooled,
    /// The rest, still on its way, of a body that is larger than what is held.
    pub(super) rest: Option<Incoming>,
}

impl Held {
    /// Whether the whole body is here.
    pub(super) fn is_whole(&self) -> bool {
        self.rest.is_none()
    }
}

/// Collects the body up to `inspection.gate_max`. What is announced to be larger is not collected at all.
pub(super) async fn hold(services: &Services, parts: &Parts, mut body: Incoming) -> Result<Held, Fault> {
    let settings = &services.config.inspection;
    let mut spool = services.spool.spool();
    let mut is_over = declared_length(&parts.headers).is_some_and(|length| length > settings.gate_max);
    while !is_over && !body.is_end_stream() {
        let frame = match timeout(services.config.limits.body_stall_upload, body.frame()).await {
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(_))) => return Err(Fault::BodyBroken),
            Ok(None) => break,
            Err(_elapsed) => return Err(Fault::BodyStalled),
        };
        // The guard lets no trailers pass.
        if let Ok(bytes) = frame.into_data() {
            spool.push(bytes).await.map_err(|error| spool_fault(&error))?;
            is_over = spool.len() > settings.gate_max;
        }
    }
    let spooled = spool.finish().await.map_err(|error| spool_fault(&error.into()))?;
    Ok(Held { spooled, rest: is_over.then_some(body) })
}

fn spool_fault(error: &SpoolError) -> Fault {
    match error {
        SpoolError::Full => Fault::SpoolFull,
        SpoolError::Io(error) => {
            tracing::error!(%error, "a request body could not be held; is the state directory full?");
            Fault::Internal
        }
    }
}
