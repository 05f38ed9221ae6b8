//! Events that a server sends (SSE), inspected as they come.
//!
//! Such an answer has no end that anybody could wait for. What has come is held up to the end of an event, inspected with
//! what came directly before it, and goes on when it may; so an event waits for itself alone. When one may not pass, the
//! answer is cut off there. An event that is larger than its bound counts as not inspected, and the policy decides.

use super::inspection::{self, Content};
use super::outcome::{self, Verdict};
use super::site::Site;
use crate::body_stream::GatewayBody;
use crate::services::Services;
use bytes::Bytes;
use dlp_core::base::ProblemClass;
use dlp_core::content::Completeness;
use dlp_core::decision::{Item, Transfer, TransferHead};
use http::request::Parts;
use http_body_util::BodyExt;
use std::io::Cursor;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;
use tokio::sync::mpsc;

/// Events between the task that judges and the connection to the client.
const EVENTS_MAX: usize = 8;
/// Bytes of earlier events that an event is inspected with, for values that stand in two of them.
const BEFORE_BYTES: usize = 4 * 1024;
/// Bytes of one event. What people read is far smaller, and it is in memory.
const EVENT_BYTES_MAX: usize = 1 << 20;

/// What is known of an answer that consists of events.
pub(super) struct Events {
    pub(super) services: Arc<Services>,
    /// The request.
    pub(super) parts: Parts,
    pub(super) site: Site,
    /// The download as policies see it.
    pub(super) head: TransferHead,
    pub(super) answer: Option<String>,
    pub(super) peer: SocketAddr,
    pub(super) path_masked: Option<String>,
    /// The head under which events are inspected.
    pub(super) read_as: Parts,
}

impl Events {
    /// The answer as far as it may reach the client.
    pub(super) fn watched(self, body: GatewayBody) -> GatewayBody {
        let (out, pieces) = mpsc::channel(EVENTS_MAX);
        let tasks = self.services.tasks.clone();
        tasks.spawn(async move {
            let cut = tokio::select! {
                cut = self.carry(body, &out) => cut,
                () = out.closed() => return,
            };
            if let Err(reason) = cut {
                let _ = out.send(Err(reason.into())).await;
            }
        });
        GatewayBody::piped(None, pieces)
    }

    async fn carry(
        &self,
        mut body: GatewayBody,
        out: &mpsc::Sender<Result<Bytes, crate::body_stream::BodyError>>,
    ) -> Result<(), &'static str> {
        let mut held = Vec::new();
        let mut before = Vec::new();
        let mut sent = 0;
        loop {
            let Some(frame) = body.frame().await else {
                return self.let_go(&mut before, (std::mem::take(&mut held), sent), out).await.map(|_| ());
            };
            // Trailer fields mean nothing to whoever reads events.
            let Ok(bytes) = frame.map_err(|_| "the events broke off")?.into_data() else { continue };
            let looked_at = held.len().saturating_sub(3);
            held.extend_from_slice(&bytes);
            let end = match end_of_events(&held, looked_at) {
                None if held.len() > EVENT_BYTES_MAX => held.len(),
                None => continue,
                Some(end) => end,
            };
            let rest = held.split_off(end);
            sent = self.let_go(&mut before, (std::mem::replace(&mut held, rest), sent), out).await?;
        }
    }

    /// Judges whole events and sends them; gives the bytes sent so far.
    async fn let_go(
        &self,
        before: &mut Vec<u8>,
        (events, sent): (Vec<u8>, u64),
        out: &mpsc::Sender<Result<Bytes, crate::body_stream::BodyError>>,
    ) -> Result<u64, &'static str> {
        if events.is_empty() {
            return Ok(sent);
        }
        let text = [&before[..], &events].concat();
        if self.is_refused(text, events.len() > EVENT_BYTES_MAX).await {
            self.services.metrics.count_download_cut();
            return Err("an event was stopped");
        }
        before.extend_from_slice(&events);
        before.drain(..before.len().saturating_sub(BEFORE_BYTES));
        let sent = sent + events.len() as u64;
        out.send(Ok(events.into())).await.map_err(|_gone| "the client has gone")?;
        Ok(sent)
    }

    async fn is_refused(&self, text: Vec<u8>, is_over: bool) -> bool {
        let content = Content { len: text.len() as u64, reader: Box::new(Cursor::new(text)) };
        let inspected = inspection::inspect_content(&self.services, &self.read_as, Some(content)).await;
        let mut item: Item = inspected.item;
        if is_over {
            item.inspection.completeness = Completeness::Partial;
            item.inspection.problems.push(inspection::problem(ProblemClass::Limit, "event_max"));
        }
        let transfer = Transfer { head: self.head.clone(), item };
        let decision = self.services.rules.now().policies.decide(&transfer, SystemTime::now());
        let (answer, path_masked) = (self.answer.clone(), self.path_masked.clone());
        let verdict = Verdict { transfer, decision, answer, peer: self.peer, path_masked };
        outcome::conclude(&self.services, &verdict, &self.parts, &self.site).await.is_some()
    }
}

/// Where the last event ends that is complete: behind an empty line. Lines end in LF, CR or both.
fn end_of_events(text: &[u8], from: usize) -> Option<usize> {
    let (mut end, mut is_empty, mut at) = (None, false, from);
    // What stands before `from` has been looked at, and held no end.
    while at < text.len() {
        let step = match (text[at], text.get(at + 1)) {
            (b'\r', Some(b'\n')) => 2,
            (b'\r' | b'\n', _) => 1,
            _ => 0,
        };
        if step > 0 && is_empty {
            end = Some(at + step);
        }
        is_empty = step > 0;
        at += step.max(1);
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_end_behind_an_empty_line() {
        let rows: [(&str, Option<&str>); 9] = [
            ("data: a\n\ndata: b", Some("data: a\n\n")),
            ("data: a\r\n\r\ndata: b\r\n", Some("data: a\r\n\r\n")),
            ("data: a\r\rdata: b", Some("data: a\r\r")),
            ("data: a\n\ndata: b\n\n", Some("data: a\n\ndata: b\n\n")),
            ("data: a\n: b\n", None),
            ("data: a\r\n", None),
            ("data: a\n\r\n", Some("data: a\n\r\n")),
            ("\n\n", Some("\n\n")),
            ("", None),
        ];
        for (text, expected) in rows {
            let end = end_of_events(text.as_bytes(), 0).map(|end| &text[..end]);
            assert_eq!(end, expected, "{text:?}");
            // Nothing changes when the text comes byte by byte.
            let mut last = None;
            for len in 1..=text.len() {
                last = end_of_events(&text.as_bytes()[..len], len.saturating_sub(4)).or(last);
            }
            assert_eq!(last.is_some(), expected.is_some(), "{text:?}");
        }
    }
}
