//! gRPC calls, message by message.
//!
//! A call may stay open for as long as both sides like, so nobody can wait for its end. Its messages stand in envelopes,
//! a byte that says whether it is compressed and four of length; each is held, inspected as a body of its own, and then
//! leaves with its envelope. What is no envelope, is compressed in a way that is not known, or is larger than its bound
//! counts as not inspected, and the policy decides. What has come of messages that are not whole has a bound, see
//! [`crate::message_room`].

use super::{Answered, Cut, Passing};
use crate::body_stream::{BodyError, GatewayBody};
use crate::fault::Fault;
use crate::http::chunked::TRAILERS;
use crate::http::client_body::ClientBody;
use crate::pipeline::gate::{Held, body_fault};
use crate::pipeline::{inspection, outcome};
use bytes::{Buf, Bytes, BytesMut};
use dlp_core::base::ProblemClass;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Request};
use http_body_util::BodyExt;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Flag and length.
const ENVELOPE_BYTES: usize = 5;

/// Whether a request is a call whose body is a stream of messages. The text form for browsers is one body.
pub(in crate::pipeline) fn is_grpc(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    let media_type = content_type.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    media_type.eq_ignore_ascii_case(b"application/grpc")
        || media_type.get(..17).is_some_and(|start| start.eq_ignore_ascii_case(b"application/grpc+"))
}

/// Carries a call until its end, or cuts it.
pub(super) async fn run(passing: Passing, body: ClientBody, (out, cut): (mpsc::Sender<Result<Bytes, BodyError>>, Cut)) {
    let stopped = match carry(&passing, body, &out).await {
        Ok(()) => return,
        Err(stopped) => stopped,
    };
    cut.set(*stopped.0);
    let _ = out.send(Err("the call was stopped".into())).await;
}

/// What the call is answered because it may not go on.
struct Stopped(Box<Answered>);

impl From<Fault> for Stopped {
    fn from(fault: Fault) -> Self {
        Self(Box::new(Err(fault)))
    }
}

async fn carry(
    passing: &Passing,
    mut body: ClientBody,
    out: &mpsc::Sender<Result<Bytes, BodyError>>,
) -> Result<(), Stopped> {
    let head = message_head(&passing.parts)?;
    let mut arrived = BytesMut::new();
    let mut share = passing.services.messages.share(passing.peer.ip());
    loop {
        while let Some(message) = next_message(&mut arrived, passing.services.config.limits.websocket_message) {
            match message {
                Message::Whole(envelope, content) => {
                    judge(passing, &head, envelope[0] != 0, content.clone()).await?;
                    for piece in [envelope, content] {
                        if !piece.is_empty() && out.send(Ok(piece)).await.is_err() {
                            return Ok(());
                        }
                    }
                }
                Message::TooLarge => {
                    let problem = inspection::problem(ProblemClass::Limit, "websocket_message");
                    conclude(passing, inspection::unread(&passing.parts, problem)).await?;
                    // Nothing is held from here on, for as long as the call lasts.
                    drop(share);
                    return carry_unread(arrived.freeze(), body, out).await;
                }
            }
        }
        // What has come is there twice when it is inspected.
        if !share.hold(2 * arrived.len() as u64) {
            return Err(Fault::MessagesFull.into());
        }
        // A call may be silent for as long as it likes, but not in the middle of a message.
        let stall = if arrived.is_empty() { Duration::MAX } else { passing.services.config.limits.body_stall_upload };
        let frame = timeout(stall, body.frame()).await.map_err(|_elapsed| Fault::BodyStalled)?;
        match frame {
            // Half an envelope is no message: the call breaks off as it did.
            None if arrived.is_empty() => return Ok(()),
            None => return Err(Fault::BodyBroken.into()),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => arrived.extend_from_slice(&data),
                Err(_trailers) => return Err(Fault::Framing(TRAILERS).into()),
            },
            Some(Err(error)) => return Err(body_fault(&error).into()),
        }
    }
}

/// The rest of a call in which the policy lets pass what could not be inspected.
async fn carry_unread(
    mut piece: Bytes,
    mut body: ClientBody,
    out: &mpsc::Sender<Result<Bytes, BodyError>>,
) -> Result<(), Stopped> {
    while out.send(Ok(piece)).await.is_ok() {
        piece = match body.frame().await {
            None => return Ok(()),
            Some(Ok(frame)) => frame.into_data().map_err(|_trailers| Fault::Framing(TRAILERS))?,
            Some(Err(error)) => return Err(body_fault(&error).into()),
        };
    }
    Ok(())
}

/// The next thing in what has arrived.
#[derive(Debug, PartialEq, Eq)]
enum Message {
    /// Envelope and content.
    Whole(Bytes, Bytes),
    /// An envelope that announces more than is held.
    TooLarge,
}

fn next_message(arrived: &mut BytesMut, bytes_max: u64) -> Option<Message> {
    let envelope: [u8; ENVELOPE_BYTES] = arrived.get(..ENVELOPE_BYTES)?.try_into().ok()?;
    let length = u64::from((&envelope[1..]).get_u32());
    if length > bytes_max {
        return Some(Message::TooLarge);
    }
    let length = usize::try_from(length).ok()?;
    if arrived.len() < ENVELOPE_BYTES + length {
        return None;
    }
    let envelope = arrived.split_to(ENVELOPE_BYTES).freeze();
    Some(Message::Whole(envelope, arrived.split_to(length).freeze()))
}

/// Heads under which messages are inspected: plain, and compressed as the call says.
struct MessageHead {
    plain: Parts,
    compressed: Parts,
}

/// The head of the call was inspected when the first message was: it goes with none of them.
fn message_head(call: &Parts) -> Result<MessageHead, Stopped> {
    let parts =
        || Request::builder().method(call.method.clone()).uri("/").body(()).map(|request| request.into_parts().0);
    let (Ok(plain), Ok(mut compressed)) = (parts(), parts()) else { return Err(Fault::Internal.into()) };
    // What a flag without a named compression means is not known, so it is a coding that nobody knows.
    let coding = call.headers.get("grpc-encoding").cloned().unwrap_or(HeaderValue::from_static("unnamed"));
    compressed.headers.insert(CONTENT_ENCODING, coding);
    Ok(MessageHead { plain, compressed })
}

async fn judge(passing: &Passing, head: &MessageHead, is_compressed: bool, content: Bytes) -> Result<(), Stopped> {
    if content.is_empty() {
        return Ok(());
    }
    let parts = if is_compressed { &head.compressed } else { &head.plain };
    let held = Held::of(&passing.services, content).await?;
    conclude(passing, inspection::inspect(&passing.services, parts, &held).await).await
}

async fn conclude(passing: &Passing, inspected: inspection::Inspected) -> Result<(), Stopped> {
    let mut verdict = passing.verdict(inspected);
    // The path is that of the call; a message has none.
    verdict.path_masked = None;
    let concluded = outcome::conclude(&passing.services, &verdict, &passing.parts, &passing.site).await;
    concluded.map_or(Ok(()), |refusal| Err(Stopped(Box::new(Ok(refusal.map(GatewayBody::full))))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_told_by_their_type() {
        let rows = [
            ("application/grpc", true),
            ("Application/GRPC; x=y", true),
            ("application/grpc+proto", true),
            ("application/grpc-web", false),
            ("application/grpc-web-text", false),
            ("application/json", false),
        ];
        for (value, expected) in rows {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(value))]);
            assert_eq!(is_grpc(&headers), expected, "{value}");
        }
        assert!(!is_grpc(&HeaderMap::new()));
    }

    #[test]
    fn messages_are_cut_at_their_envelopes() {
        let whole = |envelope: &'static [u8], content: &'static [u8]| {
            Some(Message::Whole(Bytes::from_static(envelope), Bytes::from_static(content)))
        };
        let mut arrived = BytesMut::from(&b"\0\0\0\0\x02hi\x01\0\0\0\0\0\0\0"[..]);
        assert_eq!(next_message(&mut arrived, 10), whole(b"\0\0\0\0\x02", b"hi"));
        assert_eq!(next_message(&mut arrived, 10), whole(b"\x01\0\0\0\0", b""));
        assert_eq!(next_message(&mut arrived, 10), None);
        arrived.extend_from_slice(b"\0\x0b0123456789");
        assert_eq!(next_message(&mut arrived, 10), Some(Message::TooLarge));
        assert_eq!(next_message(&mut arrived, 11), None);
    }
}
