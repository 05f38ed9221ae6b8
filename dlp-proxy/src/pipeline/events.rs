//! Events that a server sends (SSE), inspected as they come.
//!
//! Such an answer has no end that anybody could wait for. What has come is held up to the end of an event, inspected with
//! what came directly before it, and with the texts that it continues, and goes on when it may; so an event waits for itself
//! alone. When one may not pass, the answer is cut off there. An event that is larger than its bound counts as not inspected,
//! and the policy decides. A compressed answer goes on without its compression, or events could not go one by one.

pub(super) mod coding;
pub(super) mod texts;
mod zstd;

use super::inspection::{self, Content, Inspected};
use super::outcome::{self, Told, Verdict};
use super::site::Site;
use crate::body_stream::GatewayBody;
use crate::services::Services;
use bytes::Bytes;
use coding::Decoder;
use dlp_core::base::{ConfidenceLevel, Limits, ProblemClass};
use dlp_core::content::Completeness;
use dlp_core::decision::{DetectorSummary, Item, SAMPLES_MAX, Summariser, Transfer, TransferHead};
use http::request::Parts;
use http_body_util::BodyExt;
use std::io::Cursor;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;
use texts::Texts;
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
    pub(super) fn watched(self, body: GatewayBody, decoder: Decoder) -> GatewayBody {
        let (out, pieces) = mpsc::channel(EVENTS_MAX);
        let tasks = self.services.tasks.clone();
        let values = Values::new(self.services.inspection.now().inspector.limits());
        let mut watch = Watch {
            events: self,
            decoder,
            held: Vec::new(),
            before: Vec::new(),
            texts: Texts::default(),
            values,
            told: Told::default(),
        };
        tasks.spawn(async move {
            let cut = tokio::select! {
                cut = watch.carry(body, &out) => cut,
                () = out.closed() => return,
            };
            if let Err(reason) = cut {
                let _ = out.send(Err(reason.into())).await;
            }
        });
        GatewayBody::piped(None, pieces)
    }
}

/// The way to the client.
type Out = mpsc::Sender<Result<Bytes, crate::body_stream::BodyError>>;

/// An answer under way.
struct Watch {
    events: Events,
    decoder: Decoder,
    /// What came of events that are not complete.
    held: Vec<u8>,
    /// What went on last.
    before: Vec<u8>,
    texts: Texts,
    values: Values,
    told: Told,
}

/// The values of an answer, which is one download to rules that count, however many events it has.
struct Values {
    /// All so far.
    all: Summariser,
    /// Those of the latest texts. What was found at the end of one may be half a value, so it counts when it is still
    /// there with the next event.
    latest: Summariser,
}

impl Values {
    fn new(limits: &Limits) -> Self {
        Self { all: Summariser::new(limits), latest: Summariser::new(limits) }
    }

    /// Takes what an event and the texts that it continues show; what that is together with the earlier ones, unless it
    /// adds nothing.
    fn with(&mut self, event: Option<Summariser>, texts: Option<Summariser>) -> Option<Vec<DetectorSummary>> {
        if event.is_none() && texts.is_none() {
            return None;
        }
        if let Some(event) = event {
            self.all.absorb(&event);
        }
        let Some(texts) = texts else { return Some(self.all.clone().finish()) };
        let before = std::mem::replace(&mut self.latest, texts);
        let mut certain = self.latest.clone();
        certain.keep_common(&before);
        self.all.absorb(&certain);
        let mut together = self.all.clone();
        together.absorb(&self.latest);
        Some(together.finish())
    }
}

impl Watch {
    async fn carry(&mut self, mut body: GatewayBody, out: &Out) -> Result<(), &'static str> {
        while let Some(frame) = body.frame().await {
            // Trailer fields mean nothing to whoever reads events.
            let Ok(bytes) = frame.map_err(|_| "the events broke off")?.into_data() else { continue };
            let (mut rest, mut is_more) = (&bytes[..], true);
            while is_more {
                let looked_at = self.held.len().saturating_sub(3);
                is_more = self.decoder.step(&mut rest, &mut self.held).map_err(|_| "the events could not be read")?;
                let end = match end_of_events(&self.held, looked_at) {
                    None if self.held.len() > EVENT_BYTES_MAX => self.held.len(),
                    None => continue,
                    Some(end) => end,
                };
                let later = self.held.split_off(end);
                let events = std::mem::replace(&mut self.held, later);
                self.let_go(events, out).await?;
            }
        }
        let events = std::mem::take(&mut self.held);
        self.let_go(events, out).await?;
        // Without its compression nobody else could tell.
        if self.decoder.is_inside() { Err("the events broke off") } else { Ok(()) }
    }

    /// Judges whole events and sends them.
    async fn let_go(&mut self, events: Vec<u8>, out: &Out) -> Result<(), &'static str> {
        if events.is_empty() {
            return Ok(());
        }
        if self.is_refused(&events).await {
            self.events.services.metrics.count_download_cut();
            return Err("an event was stopped");
        }
        self.before.extend_from_slice(&events);
        self.before.drain(..self.before.len().saturating_sub(BEFORE_BYTES));
        out.send(Ok(events.into())).await.map_err(|_gone| "the client has gone")
    }

    async fn is_refused(&mut self, events: &[u8]) -> bool {
        let Inspected { mut item, counts, .. } = self.inspected([&self.before[..], events].concat()).await;
        let mut counts_of_texts = None;
        match self.continued(events.to_vec()).await {
            Some(continued) if continued.is_empty() => {}
            Some(continued) => {
                let texts = self.inspected(continued).await;
                counts_of_texts = texts.counts;
                add(&mut item, texts.item);
            }
            None => {
                item.inspection.completeness = Completeness::Partial;
                item.inspection.problems.push(inspection::problem(ProblemClass::ParserPanic, "inspection_panic"));
            }
        }
        if let Some(findings) = self.values.with(counts, counts_of_texts) {
            add_earlier(&mut item, findings);
        }
        if events.len() > EVENT_BYTES_MAX {
            item.inspection.completeness = Completeness::Partial;
            item.inspection.problems.push(inspection::problem(ProblemClass::Limit, "event_max"));
        }
        let Events { services, parts, site, head, answer, peer, path_masked, .. } = &self.events;
        let transfer = Transfer { head: head.clone(), item };
        let decision = services.rules.now().policies.decide(&transfer, SystemTime::now());
        let (answer, path_masked) = (answer.clone(), path_masked.clone());
        let verdict = Verdict { transfer, decision, answer, peer: *peer, path_masked };
        // One answer is one download: what was told of it once is not told again with each event.
        let is_news = self.told.is_news(&verdict);
        (is_news || verdict.is_refused()) && outcome::conclude(services, &verdict, parts, site).await.is_some()
    }

    /// The texts that events continue, read apart from the threads that move bytes; none when that failed.
    async fn continued(&mut self, events: Vec<u8>) -> Option<Vec<u8>> {
        let mut texts = std::mem::take(&mut self.texts);
        let reading = tokio::task::spawn_blocking(move || {
            let continued = texts.continued(&events);
            (texts, continued)
        });
        let (texts, continued) = reading.await.ok()?;
        self.texts = texts;
        Some(continued)
    }

    async fn inspected(&self, text: Vec<u8>) -> Inspected {
        let content = Content { len: text.len() as u64, reader: Box::new(Cursor::new(text)) };
        inspection::inspect_content(&self.events.services, &self.events.read_as, Some(content)).await
    }
}

/// Adds what earlier events have shown. They were looked at again with what came behind them, so of how often a value stands
/// there nothing is known but that it does.
fn add_earlier(item: &mut Item, findings: Vec<DetectorSummary>) {
    for mut found in findings {
        found.count = found.unique.at_least(ConfidenceLevel::Low);
        add_found(item, found);
    }
}

fn add_found(item: &mut Item, found: DetectorSummary) {
    match item.findings.iter_mut().find(|known| known.detector == found.detector) {
        None => item.findings.push(found),
        Some(known) => take_larger(known, found),
    }
}

/// Adds what the texts show that go over several events. Mostly that is what an event shows by itself, so of each detector
/// the larger numbers count, not their sum.
fn add(item: &mut Item, continued: Item) {
    continued.findings.into_iter().for_each(|found| add_found(item, found));
    if continued.inspection.is_incomplete() {
        item.inspection.completeness = continued.inspection.completeness;
        item.inspection.problems.extend(continued.inspection.problems);
    }
}

fn take_larger(known: &mut DetectorSummary, found: DetectorSummary) {
    let (all, more) = (&mut known.unique, found.unique);
    (all.low, all.medium, all.high) = (all.low.max(more.low), all.medium.max(more.medium), all.high.max(more.high));
    known.count = known.count.max(found.count);
    known.confidence_max = known.confidence_max.max(found.confidence_max);
    for sample in found.samples_masked {
        if known.samples_masked.len() < SAMPLES_MAX && !known.samples_masked.contains(&sample) {
            known.samples_masked.push(sample);
        }
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
