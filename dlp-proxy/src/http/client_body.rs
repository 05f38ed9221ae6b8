//! The body of a client's request, which is read to its end even when nobody wants it any more.
//!
//! Dropping the rest of a body over HTTP/2 resets its stream, and many clients throw an answer away that a reset follows,
//! although it was complete (RFC 9113 8.1 allows exactly this order). So a [`ClientBody`] that is dropped before its end
//! goes on being read, and its bytes are forgotten, until the client has finished, has sent as much as it may, or says
//! nothing for a while. Over HTTP/1.1 the [guard](super::guard) lingers on the whole connection within the same bounds.

use bytes::Bytes;
use http::Version;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout, timeout_at};

/// Bytes that are read and forgotten. Clients that read no answer before they have sent everything get theirs for
/// uploads that are several times larger than what is held by default.
pub(super) const FORGOTTEN_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Time for that.
pub(super) const FORGOTTEN_TIME_MAX: Duration = Duration::from_secs(30);
/// Time without a byte. A client that has understood the answer sends nothing more.
pub(super) const SILENCE_MAX: Duration = Duration::from_secs(5);

/// The body of a request on its way from the client.
#[derive(Debug)]
pub(crate) struct ClientBody {
    /// Taken when it is dropped.
    incoming: Option<Incoming>,
    /// Whether dropping it would reset a stream.
    is_stream: bool,
}

impl ClientBody {
    /// The body of a request of this version.
    pub(crate) fn new(incoming: Incoming, version: Version) -> Self {
        Self { incoming: Some(incoming), is_stream: version == Version::HTTP_2 }
    }
}

impl Body for ClientBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        self.incoming.as_mut().map_or(Poll::Ready(None), |incoming| Pin::new(incoming).poll_frame(cx))
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.as_ref().map_or(SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Drop for ClientBody {
    fn drop(&mut self) {
        let unread = self.incoming.take().filter(|incoming| self.is_stream && !incoming.is_end_stream());
        // Without a runtime everything ends, and the stream with it.
        if let (Some(incoming), Ok(runtime)) = (unread, Handle::try_current()) {
            runtime.spawn(forget(incoming));
        }
    }
}

/// Reads a body that nobody wants. A stream or connection that has ended yields an error at once.
async fn forget(mut incoming: Incoming) {
    let reading = async {
        let mut left = FORGOTTEN_BYTES_MAX;
        while let Ok(Some(Ok(frame))) = timeout(SILENCE_MAX, incoming.frame()).await {
            left = match left.checked_sub(frame.data_ref().map_or(0, |data| data.len() as u64)) {
                Some(left) => left,
                None => return,
            };
        }
    };
    // The end of the time ends the reading like the end of the body.
    let _ = timeout_at(Instant::now() + FORGOTTEN_TIME_MAX, reading).await;
}
