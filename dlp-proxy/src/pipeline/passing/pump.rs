//! Carries a body past its watcher: what comes is shown to it, and leaves when it has been passed.

use super::watcher::{Feed, HOLD_BACK_BYTES, Watcher};
use super::{Cut, Passing};
use crate::body_stream::{BodyError, GatewayBody};
use crate::fault::Fault;
use crate::http::chunked::TRAILERS;
use crate::pipeline::gate::{body_fault, patience};
use crate::pipeline::outcome::{self, Verdict};
use bytes::Bytes;
use http_body_util::BodyExt;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot, watch};
use tokio::time::{Instant, timeout};

/// Bytes of one body in memory: what is held back, and what keeps the two sides busy.
const WINDOW_BYTES: u64 = 2 * HOLD_BACK_BYTES;

/// Carries one body.
pub(super) struct Pump {
    passing: Passing,
    client: Client,
    feed: mpsc::UnboundedSender<Feed>,
    released: watch::Receiver<u64>,
    /// What has come and not left.
    queue: VecDeque<Bytes>,
    sent: u64,
    out: mpsc::Sender<Result<Bytes, BodyError>>,
}

/// The end of the body that the client holds.
struct Client {
    source: GatewayBody,
    stall: Duration,
    is_ended: bool,
    received: u64,
    begin: Instant,
}

/// Why carrying ends before the body does.
enum Stop {
    /// The origin takes no more, or the watcher has failed in a way that it told.
    Gone,
    /// The client sends no more, or not what it should.
    Fault(Fault),
}

/// Carries a body until its end, or cuts it.
pub(super) async fn run(
    passing: Passing,
    source: GatewayBody,
    (out, cut): (mpsc::Sender<Result<Bytes, BodyError>>, Cut),
    place: OwnedSemaphorePermit,
) {
    let stall = passing.services.config.limits.body_stall_upload;
    let (feed, fed) = mpsc::unbounded_channel();
    let (release, released) = watch::channel(0);
    let (decide, verdict) = oneshot::channel();
    let watcher = Watcher { passing: passing.clone(), feed: fed, released: release };
    let watching = move || {
        // Nobody waits any more when the client has gone.
        let _ = decide.send(watcher.run());
        drop(place);
    };
    let began = std::thread::Builder::new().name("dlp-watch".into()).spawn(watching);
    let (ends, cutting) = (out.clone(), cut.clone());
    let mut pump = Pump {
        passing,
        client: Client { source, stall, is_ended: false, received: 0, begin: Instant::now() },
        feed,
        released,
        queue: VecDeque::new(),
        sent: 0,
        out,
    };
    let carried = match began {
        Ok(_) => pump.carry(verdict, &cut).await,
        Err(_) => Err(Stop::Fault(Fault::Internal)),
    };
    if let Err(Stop::Fault(fault)) = carried {
        cutting.set(Err(fault));
        let _ = ends.send(Err("the request body was given up".into())).await;
    }
}

impl Pump {
    async fn carry(&mut self, mut verdict: oneshot::Receiver<Option<Verdict>>, cut: &Cut) -> Result<(), Stop> {
        loop {
            let released = *self.released.borrow_and_update();
            self.let_go(released).await?;
            let takes_more = !self.client.is_ended && self.client.received - self.sent < WINDOW_BYTES;
            tokio::select! {
                verdict = &mut verdict => return self.conclude(verdict.ok().flatten(), cut).await,
                // An end of this channel comes with the verdict.
                Ok(()) = self.released.changed() => {}
                taken = self.client.take(), if takes_more => {
                    let piece = taken?;
                    self.show(piece);
                }
            }
        }
    }

    /// Gives a piece to the watcher. One that has gone tells why by its verdict.
    fn show(&mut self, piece: Option<Bytes>) {
        match piece {
            None => {
                let _ = self.feed.send(Feed::End);
            }
            Some(piece) => {
                self.queue.push_back(piece.clone());
                let _ = self.feed.send(Feed::Data(piece));
            }
        }
    }

    /// Sends what lies before an offset.
    async fn let_go(&mut self, until: u64) -> Result<(), Stop> {
        while let Some(piece) = self.queue.front()
            && self.sent + piece.len() as u64 <= until
        {
            self.sent += piece.len() as u64;
            if let Some(piece) = self.queue.pop_front() {
                self.out.send(Ok(piece)).await.map_err(|_| Stop::Gone)?;
            }
        }
        Ok(())
    }

    /// Does what the decision says: lets all go, or cuts.
    async fn conclude(&mut self, verdict: Option<Verdict>, cut: &Cut) -> Result<(), Stop> {
        let verdict = verdict.ok_or(Stop::Fault(Fault::Internal))?;
        let Passing { services, parts, site, .. } = &self.passing;
        if let Some(refusal) = outcome::conclude(services, &verdict, parts, site).await {
            services.metrics.count_cut(self.sent);
            tracing::info!(host = %site.authority.host, bytes = self.sent, "upload cut");
            cut.set(Ok(refusal.map(GatewayBody::full)));
            let _ = self.out.send(Err("the upload was stopped".into())).await;
            return Ok(());
        }
        self.let_go(u64::MAX).await?;
        while !self.client.is_ended {
            if let Some(piece) = self.client.take().await? {
                self.out.send(Ok(piece)).await.map_err(|_| Stop::Gone)?;
            }
        }
        Ok(())
    }
}

impl Client {
    /// The next piece; none at the end.
    async fn take(&mut self) -> Result<Option<Bytes>, Stop> {
        let wait = patience(self.stall, self.begin.elapsed(), self.received);
        let piece = match timeout(wait, self.source.frame()).await {
            Ok(None) => None,
            Ok(Some(Ok(frame))) => Some(frame.into_data().map_err(|_trailers| Stop::Fault(Fault::Framing(TRAILERS)))?),
            Ok(Some(Err(error))) => return Err(Stop::Fault(body_fault(error.as_ref()))),
            Err(_elapsed) => return Err(Stop::Fault(Fault::BodyStalled)),
        };
        self.is_ended = piece.is_none();
        self.received += piece.as_ref().map_or(0, |piece| piece.len() as u64);
        Ok(piece)
    }
}
