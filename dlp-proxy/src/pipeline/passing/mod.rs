//! Bodies that leave while they are inspected.
//!
//! What is too large to be held goes through two hands: a thread of its own, the [`Watcher`](watcher::Watcher), reads the
//! body from front to back and says how far nothing can be found any more, and a task, the [`Pump`](pump::Pump), takes
//! it from the client and lets go what the watcher has passed. A hold-back lies between the two, so the end of the body
//! waits for the decision about all of it: a body that is refused was begun, and is never completed. gRPC calls, whose
//! ends nobody can wait for, go message by message through the [`grpc`] gate.

mod grpc;
mod pump;
mod watcher;

pub(super) use grpc::is_grpc;
pub(super) use watcher::is_readable;

use super::Client;
use super::gate::Held;
use super::site::Site;
use crate::body_stream::{BodyError, GatewayBody};
use crate::fault::Fault;
use crate::http::client_body::ClientBody;
use crate::services::Services;
use bytes::Bytes;
use dlp_core::decision::TransferHead;
use http::Response;
use http::request::Parts;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Pieces between the task that lets go and the connection to the origin.
const PIECES_MAX: usize = 8;

/// Time for the first message of a call.
const MESSAGE_WAIT: Duration = Duration::from_secs(1);
/// Time for the first piece of a large body. A client that stalls is given up earlier.
const LARGE_WAIT: Duration = Duration::from_secs(3600);

/// What is known of a request whose body passes.
#[derive(Clone)]
pub(super) struct Passing {
    services: Arc<Services>,
    parts: Arc<Parts>,
    site: Site,
    head: TransferHead,
    /// Name of the template of refusals.
    answer: Option<String>,
    peer: SocketAddr,
}

/// The origin's end of a body that passes, and the reason if it was cut.
pub(super) struct Pipe {
    /// What may leave.
    pub(super) body: GatewayBody,
    /// Left there before the body is cut.
    pub(super) cut: Cut,
}

impl Pipe {
    /// Waits until the first piece may leave, so that nothing at all leaves of what is refused at its beginning. A call
    /// whose client waits for the server to speak has no first piece: then the wait ends.
    async fn begun(mut body: mpsc::Receiver<Result<Bytes, BodyError>>, cut: Cut, wait: Duration) -> Self {
        let first = timeout(wait, body.recv()).await.ok().flatten();
        Self { body: GatewayBody::piped(first, body), cut }
    }
}

/// Why a body was cut: what the client is to be answered.
#[derive(Clone, Default)]
pub(super) struct Cut(Arc<Mutex<Option<Answered>>>);

/// What a request is answered.
type Answered = Result<Response<GatewayBody>, Fault>;

impl Cut {
    /// The answer, if the body was cut.
    pub(super) fn take(&self) -> Option<Answered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn set(&self, answer: Answered) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
    }
}

impl Passing {
    /// A request that was not refused because of its head.
    pub(super) fn new(
        services: &Arc<Services>,
        client: &Client,
        (parts, site): (&Parts, &Site),
        (head, answer): (&TransferHead, &Option<String>),
    ) -> Self {
        Self {
            services: services.clone(),
            parts: Arc::new(parts.clone()),
            site: site.clone(),
            head: head.clone(),
            answer: answer.clone(),
            peer: client.peer,
        }
    }

    /// Lets a large body pass. None when nothing more can be watched: then it is too large to be inspected.
    pub(super) async fn large(self, held: Held) -> Result<Pipe, Held> {
        let Ok(place) = self.services.watched.clone().try_acquire_owned() else { return Err(held) };
        let (out, body) = mpsc::channel(PIECES_MAX);
        let cut = Cut::default();
        let tasks = self.services.tasks.clone();
        tasks.spawn(pump::run(self, held.into_body(), (out, cut.clone()), place));
        Ok(Pipe::begun(body, cut, LARGE_WAIT).await)
    }

    /// Lets the messages of a gRPC call pass, each after its inspection.
    pub(super) async fn messages(self, body: ClientBody) -> Pipe {
        let (out, receiver) = mpsc::channel(PIECES_MAX);
        let cut = Cut::default();
        let tasks = self.services.tasks.clone();
        tasks.spawn(grpc::run(self, body, (out, cut.clone())));
        Pipe::begun(receiver, cut, MESSAGE_WAIT).await
    }
}
