//! Holds a request body until it was decided about.

use super::forward::declared_length;
use super::passing;
use crate::body;
use crate::body_stream::GatewayBody;
use crate::fault::Fault;
use crate::http::chunked::TRAILERS;
use crate::http::client_body::ClientBody;
use crate::services::Services;
use crate::spool::{SpoolError, Spooled};
use bytes::Bytes;
use http::request::Parts;
use http_body_util::BodyExt;
use hyper::body::Body;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// Bytes in a second, taken over the whole transfer, below which a body is given up: far below any network that people
/// upload over, and enough that a byte now and then does not hold a connection and its memory for good.
const UPLOAD_PACE_MIN: u64 = 512;

/// Bytes by which the kind of a content is told.
pub(super) const FIRST_BYTES: usize = 64 * 1024;

/// A body in the hands of the gateway.
#[derive(Debug)]
pub(super) struct Held {
    /// The whole body, or its beginning.
    pub(super) spooled: Spooled,
    /// The rest, still on its way, of a body that is larger than what is held.
    pub(super) rest: Option<ClientBody>,
    /// Whether the rest is with somebody else.
    is_cut: bool,
}

impl Held {
    /// A body that somebody else has collected.
    pub(super) fn whole(spooled: Spooled) -> Self {
        Self { spooled, rest: None, is_cut: false }
    }

    /// A body that is here already.
    pub(super) async fn of(services: &Services, bytes: Bytes) -> Result<Self, Fault> {
        let mut spool = services.spool.spool();
        spool.push(bytes).await.map_err(|error| spool_fault(&error))?;
        let spooled = spool.finish().await.map_err(|error| spool_fault(&error.into()))?;
        Ok(Self::whole(spooled))
    }

    /// Nothing of a body that somebody else has, and that is larger than what is held.
    pub(super) async fn too_large(services: &Services) -> Result<Self, Fault> {
        Ok(Self { is_cut: true, ..Self::of(services, Bytes::new()).await? })
    }

    /// Everything, as it can be sent.
    pub(super) fn into_body(self) -> GatewayBody {
        GatewayBody::spooled(self.spooled, self.rest)
    }

    /// Whether the whole body is here.
    pub(super) fn is_whole(&self) -> bool {
        self.rest.is_none() && !self.is_cut
    }
}

/// Collects the body up to `inspection.gate_max`. What is announced to be larger is not collected at all. With `early`,
/// a body of one piece is let be from there on.
pub(super) async fn hold(
    services: &Services,
    (parts, early): (&Parts, Option<u64>),
    mut body: ClientBody,
) -> Result<Held, Fault> {
    let settings = &services.config.inspection;
    let mut spool = services.spool.spool();
    let mut is_over = declared_length(&parts.headers).is_some_and(|length| length > settings.gate_max);
    let mut early = early.map(|early| (early, Vec::new()));
    let begin = Instant::now();
    while !is_over && !body.is_end_stream() {
        let wait = patience(services.config.limits.body_stall_upload, begin.elapsed(), spool.len());
        let frame = match timeout(wait, body.frame()).await {
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(_))) => return Err(Fault::BodyBroken),
            Ok(None) => break,
            Err(_elapsed) => return Err(Fault::BodyStalled),
        };
        let bytes = frame.into_data().map_err(|_trailers| Fault::Framing(TRAILERS))?;
        if let Some((_, first)) = &mut early {
            let wanted = bytes.len().min(FIRST_BYTES.saturating_sub(first.len()));
            first.extend_from_slice(&bytes[..wanted]);
        }
        spool.push(bytes).await.map_err(|error| spool_fault(&error))?;
        is_over = spool.len() > settings.gate_max;
        if let Some((_, first)) = early.take_if(|(early, _)| spool.len() > *early) {
            is_over |= is_streamable(services, parts, first).await;
        }
    }
    let spooled = spool.finish().await.map_err(|error| spool_fault(&error.into()))?;
    Ok(Held { spooled, rest: is_over.then_some(body), is_cut: false })
}

/// Whether a body that begins so can be judged from front to back. Where nobody has time to look, it is held.
async fn is_streamable(services: &Services, parts: &Parts, first: Vec<u8>) -> bool {
    let (inspection, head) = (services.inspection.now(), parts.headers.clone());
    let looking = services.pool.submit(move |scratch| {
        body::is_one_piece(&head, &first) && passing::is_readable(&inspection.stream_inspector, scratch, &first)
    });
    match looking {
        Ok(looking) => looking.await.unwrap_or(false),
        Err(_overload) => false,
    }
}

/// What it is called when a body breaks off.
pub(super) fn body_fault(error: &(dyn std::error::Error + 'static)) -> Fault {
    tracing::debug!(%error, "a request body broke off");
    Fault::BodyBroken
}

/// How long the next bytes are waited for: `stall` at most, and less when what came so far has used up its time.
pub(super) fn patience(stall: Duration, elapsed: Duration, received_bytes: u64) -> Duration {
    let granted = stall + Duration::from_secs(received_bytes / UPLOAD_PACE_MIN);
    granted.saturating_sub(elapsed).min(stall)
}

pub(super) fn spool_fault(error: &SpoolError) -> Fault {
    match error {
        SpoolError::Full => Fault::SpoolFull,
        SpoolError::Io(error) => {
            tracing::error!(%error, "a request body could not be held; is the state directory full?");
            Fault::Internal
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_that_trickles_is_not_waited_for_without_end() {
        let rows = [
            // elapsed, received, patience
            (0, 0, 60),
            (10, 0, 50),
            (60, 0, 0),
            (60, 6, 0),
            (70, 20 * 512, 10),
            (70, 10 * 512, 0),
            (300, 64 << 20, 60),
            (u64::MAX, 64 << 20, 0),
        ];
        for (elapsed, received, expected) in rows {
            let wait = patience(Duration::from_secs(60), Duration::from_secs(elapsed), received);
            assert_eq!(wait, Duration::from_secs(expected), "{received} bytes in {elapsed} s");
        }
    }
}
