//! Bodies on their way: from the client or the spool to the origin, and from the origin to the client.

use bytes::Bytes;
use http::HeaderMap;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use std::any::Any;
use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Sleep, sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::http::client_body::ClientBody;
use crate::metrics::Metrics;
use crate::sealed_file::{CHUNK_BYTES, SealedFile};
use crate::slow_reader::Taking;
use crate::spool::{ReadAhead, Spooled, Stored};

/// Chunks of a held body that are read at a time, one time ahead. So a body that is being sent takes up to twice as many in
/// memory, 512 KiB.
const CHUNKS_AHEAD: u32 = 4;

/// Bytes of a watched answer that are given at a time. Giving is all that is seen of how fast it is taken, so what is given at
/// once has to be little; a record of TLS holds as much.
const WATCHED_BYTES_MAX: usize = 16 * 1024;

/// What follows an answer that was held.
#[derive(Debug)]
pub(crate) enum Then {
    /// Nothing.
    End,
    /// Its trailer fields.
    Trailers(HeaderMap),
    /// The rest, still on its way.
    Rest(Box<GatewayBody>),
}

impl Then {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match std::mem::replace(self, Self::End) {
            Self::End => Poll::Ready(None),
            Self::Trailers(fields) => Poll::Ready(Some(Ok(Frame::trailers(fields)))),
            Self::Rest(mut rest) => {
                let frame = Pin::new(&mut *rest).poll_frame(cx);
                *self = Self::Rest(rest);
                frame
            }
        }
    }
}

/// Why a body could not be produced to its end. The message it belongs to is cut off, never completed.
pub(crate) type BodyError = Box<dyn std::error::Error + Send + Sync>;

/// Counts the bytes that went through a body.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress(Arc<AtomicU64>);

impl Progress {
    /// Bytes so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn add(&self, bytes: usize) {
        self.0.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// A body of one of the kinds that the gateway sends. It is small, because the library keeps room for 32 requests on each
/// connection to an origin, idle ones too.
#[derive(Debug)]
pub(crate) struct GatewayBody(Box<Flow>);

#[derive(Debug)]
struct Flow {
    source: Source,
    progress: Progress,
    /// Resolves when nothing more of it may leave.
    stop: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    /// Tells whether it is taken.
    taking: Option<Taking>,
    /// What was not given yet of the last piece of a watched answer.
    rest: Bytes,
    _kept: Option<Box<dyn Any + Send>>,
}

#[derive(Debug)]
enum Source {
    Full(Option<Bytes>),
    Stream(ClientBody),
    Answer { incoming: Incoming, stall: Stall },
    Spool { reader: SpoolReader, then: Option<ClientBody> },
    Looked { reader: SpoolReader, then: Then },
    Pipe { first: Option<Result<Bytes, BodyError>>, rest: mpsc::Receiver<Result<Bytes, BodyError>> },
}

impl GatewayBody {
    /// Bytes in memory.
    pub(crate) fn full(bytes: Bytes) -> Self {
        Self::from(Source::Full(Some(bytes).filter(|bytes| !bytes.is_empty())))
    }

    /// No bytes.
    pub(crate) fn empty() -> Self {
        Self::full(Bytes::new())
    }

    /// What arrives, as it arrives. Trailers are an error: nobody has looked at them.
    pub(crate) fn stream(incoming: ClientBody) -> Self {
        Self::from(Source::Stream(incoming))
    }

    /// An answer of an origin, trailers included, as long as it keeps coming.
    pub(crate) fn answer(incoming: Incoming, stall: Stall) -> Self {
        Self::from(Source::Answer { incoming, stall })
    }

    /// A held body, and what follows it when only its beginning was held.
    pub(crate) fn spooled(spooled: Spooled, then: Option<ClientBody>) -> Self {
        Self::from(Source::Spool { reader: SpoolReader::new(spooled), then })
    }

    /// An answer that was held, or its beginning, and what follows it.
    pub(crate) fn looked_at(spooled: Spooled, then: Then) -> Self {
        Self::from(Source::Looked { reader: SpoolReader::new(spooled), then })
    }

    /// What somebody hands over piece by piece, the first of which may be here. An error cuts the message off.
    pub(crate) fn piped(
        first: Option<Result<Bytes, BodyError>>,
        rest: mpsc::Receiver<Result<Bytes, BodyError>>,
    ) -> Self {
        Self::from(Source::Pipe { first, rest })
    }

    /// Breaks off when the token is cancelled.
    pub(crate) fn until(mut self, token: CancellationToken) -> Self {
        self.0.stop = Some(Box::pin(token.cancelled_owned()));
        self
    }

    /// Keeps something, such as the sign that a connection is busy, until the body has been handed over.
    pub(crate) fn keeping(mut self, kept: impl Any + Send) -> Self {
        self.0._kept = Some(Box::new(kept));
        self
    }

    /// Tells from now on whether it is taken.
    pub(crate) fn watched(mut self, taking: Taking) -> Self {
        self.0.taking = Some(taking);
        self
    }

    /// The counter of this body.
    pub(crate) fn progress(&self) -> Progress {
        self.0.progress.clone()
    }
}

impl From<Source> for GatewayBody {
    fn from(source: Source) -> Self {
        Self(Box::new(Flow {
            source,
            progress: Progress::default(),
            stop: None,
            taking: None,
            rest: Bytes::new(),
            _kept: None,
        }))
    }
}

impl Flow {
    fn poll_source(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if self.stop.as_mut().is_some_and(|stop| stop.as_mut().poll(cx).is_ready()) {
            return Poll::Ready(Some(Err("the access of the user has ended".into())));
        }
        let chunk = match &mut self.source {
            Source::Full(bytes) => bytes.take().map(Ok),
            Source::Stream(incoming) => ready!(poll_data(incoming, cx)),
            Source::Answer { incoming, stall } => {
                let frame = ready!(stall.poll_frame(incoming, cx));
                let data = frame.as_ref().and_then(|frame| frame.as_ref().ok()).and_then(Frame::data_ref);
                self.progress.add(data.map_or(0, Bytes::len));
                return Poll::Ready(frame);
            }
            Source::Pipe { first, rest } => match first.take() {
                None => ready!(rest.poll_recv(cx)),
                first => first,
            },
            Source::Looked { reader, then } => match ready!(reader.poll_chunk(cx)) {
                None => return then.poll_frame(cx),
                chunk => chunk,
            },
            Source::Spool { reader, then } => match (ready!(reader.poll_chunk(cx)), then) {
                (None, Some(incoming)) => ready!(poll_data(incoming, cx)),
                (chunk, _) => chunk,
            },
        };
        if let Some(Ok(bytes)) = &chunk {
            self.progress.add(bytes.len());
        }
        Poll::Ready(chunk.map(|result| result.map(Frame::data)))
    }
}

impl Body for GatewayBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self.0;
        if let Some(taking) = &mut this.taking {
            taking.asked();
        }
        let polled = match std::mem::take(&mut this.rest) {
            rest if rest.is_empty() => this.poll_source(cx),
            rest => Poll::Ready(Some(Ok(Frame::data(rest)))),
        };
        let Some(taking) = &mut this.taking else { return polled };
        let Poll::Ready(Some(frame)) = polled else { return polled };
        taking.gave();
        Poll::Ready(Some(frame.map(|frame| match frame.into_data() {
            Ok(mut bytes) => {
                let piece = bytes.split_to(bytes.len().min(WATCHED_BYTES_MAX));
                this.rest = bytes;
                Frame::data(piece)
            }
            Err(trailers) => trailers,
        })))
    }

    fn is_end_stream(&self) -> bool {
        if !self.0.rest.is_empty() {
            return false;
        }
        match &self.0.source {
            Source::Full(bytes) => bytes.is_none(),
            Source::Stream(incoming) => incoming.is_end_stream(),
            Source::Answer { incoming, .. } => incoming.is_end_stream(),
            Source::Pipe { .. } => false,
            Source::Spool { reader, then } => then.is_none() && reader.left() == 0,
            Source::Looked { reader, then } => reader.left() == 0 && matches!(then, Then::End),
        }
    }

    fn size_hint(&self) -> SizeHint {
        let (behind, rest) = (self.0.source_hint(), self.0.rest.len() as u64);
        let mut hint = SizeHint::new();
        hint.set_lower(behind.lower() + rest);
        if let Some(upper) = behind.upper() {
            hint.set_upper(upper + rest);
        }
        hint
    }
}

impl Flow {
    /// What is known of the length that is still to come from the source.
    fn source_hint(&self) -> SizeHint {
        match &self.source {
            Source::Full(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Source::Stream(incoming) => incoming.size_hint(),
            Source::Answer { incoming, .. } => incoming.size_hint(),
            Source::Spool { reader, then: None } | Source::Looked { reader, then: Then::End } => {
                SizeHint::with_exact(reader.left())
            }
            Source::Spool { .. } | Source::Looked { .. } | Source::Pipe { .. } => SizeHint::default(),
        }
    }
}

/// Watches that an answer keeps coming. Time that the client takes to read does not count.
#[derive(Debug)]
pub(crate) struct Stall {
    limit: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    metrics: Arc<Metrics>,
}

impl Stall {
    /// Ends an answer of which nothing came for `limit`.
    pub(crate) fn new(limit: Duration, metrics: Arc<Metrics>) -> Self {
        Self { limit, timer: None, metrics }
    }

    fn poll_frame(
        &mut self,
        incoming: &mut Incoming,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Poll::Ready(frame) = Pin::new(incoming).poll_frame(cx) {
            self.timer = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(self.limit)));
        ready!(timer.as_mut().poll(cx));
        self.metrics.count_fault("answer_stalled");
        tracing::info!("an answer stopped coming; its connection is closed");
        Poll::Ready(Some(Err("the answer stopped coming".into())))
    }
}

/// The next data of an arriving body.
fn poll_data(incoming: &mut ClientBody, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
    let frame = ready!(Pin::new(&mut *incoming).poll_frame(cx));
    Poll::Ready(frame.map(|frame| frame?.into_data().map_err(|_trailers| "the request has trailer fields".into())))
}

/// Reads a held body without blocking a thread of the runtime.
#[derive(Debug)]
struct SpoolReader {
    left: u64,
    source: ReadFrom,
    /// Keeps the place that the body takes.
    _spooled: Spooled,
    _ahead: Option<ReadAhead>,
}

#[derive(Debug)]
enum ReadFrom {
    Memory(Bytes),
    File(Box<FileReader>),
}

/// Reads a file ahead of whoever takes it.
#[derive(Debug)]
struct FileReader {
    file: SealedFile,
    /// Number of the chunk that is read next.
    next: u32,
    /// None after an error, which ends the body.
    reading: Option<JoinHandle<io::Result<Vec<Bytes>>>>,
    /// What was read and not taken.
    ready: VecDeque<Bytes>,
}

impl SpoolReader {
    fn new(spooled: Spooled) -> Self {
        let (source, ahead) = match spooled.stored() {
            Stored::Memory(bytes) => (ReadFrom::Memory(bytes), None),
            Stored::File(file) => {
                let ahead = (2 * u64::from(CHUNKS_AHEAD) * CHUNK_BYTES as u64).min(spooled.len());
                (ReadFrom::File(Box::new(FileReader::new(file))), Some(spooled.read_ahead(ahead)))
            }
        };
        Self { left: spooled.len(), source, _spooled: spooled, _ahead: ahead }
    }

    fn left(&self) -> u64 {
        self.left
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let chunk = match ready!(self.source.poll_next(cx)) {
            Ok(chunk) if chunk.is_empty() => {
                return Poll::Ready(Some(Err("the held body is shorter than it was".into())));
            }
            Ok(chunk) => chunk,
            Err(error) => return Poll::Ready(Some(Err(error.into()))),
        };
        self.left -= (chunk.len() as u64).min(self.left);
        Poll::Ready(Some(Ok(chunk)))
    }
}

impl ReadFrom {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
        match self {
            Self::Memory(bytes) => Poll::Ready(Ok(std::mem::take(bytes))),
            Self::File(reader) => reader.poll_next(cx),
        }
    }
}

impl FileReader {
    fn new(file: SealedFile) -> Self {
        let reading = Some(Self::read(&file, 0));
        Self { file, next: CHUNKS_AHEAD, reading, ready: VecDeque::new() }
    }

    fn read(file: &SealedFile, first: u32) -> JoinHandle<io::Result<Vec<Bytes>>> {
        let file = file.clone();
        tokio::task::spawn_blocking(move || file.chunks(first, CHUNKS_AHEAD))
    }

    /// The next bytes; none at the end.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
        if self.ready.is_empty() {
            let reading = self.reading.as_mut().ok_or_else(|| io::Error::other("the held body could not be read"))?;
            let read = ready!(Pin::new(reading).poll(cx)).map_err(io::Error::other).flatten();
            self.reading = None;
            self.ready = read?.into();
            self.reading = Some(Self::read(&self.file, self.next));
            self.next = self.next.saturating_add(CHUNKS_AHEAD);
        }
        Poll::Ready(Ok(self.ready.pop_front().unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::SpoolPlace;
    use http_body_util::BodyExt;
    use prometheus_client::metrics::gauge::Gauge;

    #[tokio::test]
    async fn a_watched_answer_is_given_in_small_pieces() {
        for (len, is_watched) in [(0, true), (1, true), (WATCHED_BYTES_MAX, true), (150_000, true), (150_000, false)] {
            let (send, rest) = mpsc::channel(1);
            drop(send);
            let bytes = Bytes::from((0..len).map(|at| at as u8).collect::<Vec<_>>());
            let mut bodies = [GatewayBody::full(bytes.clone()), GatewayBody::piped(Some(Ok(bytes.clone())), rest)];
            for (body, has_length) in bodies.iter_mut().zip([true, false]) {
                if is_watched {
                    body.0.taking = Some(crate::slow_reader::Answers::default().begin());
                }
                let (mut arrived, mut longest) = (Vec::new(), 0);
                loop {
                    let left = (len - arrived.len()) as u64;
                    assert_eq!(body.size_hint().exact(), has_length.then_some(left), "{len}, {}", arrived.len());
                    assert!(!body.is_end_stream() || left == 0, "{len}, {}", arrived.len());
                    let Some(frame) = body.frame().await else { break };
                    let piece = frame.unwrap().into_data().unwrap();
                    longest = longest.max(piece.len());
                    arrived.extend_from_slice(&piece);
                }
                assert_eq!(arrived, bytes);
                assert_eq!(longest, if is_watched { len.min(WATCHED_BYTES_MAX) } else { len });
            }
        }
    }

    #[tokio::test]
    async fn a_held_body_that_cannot_be_read_is_cut_off() {
        const LEN: usize = 20 * CHUNK_BYTES;
        // Bytes that are left of the file, and how many of the body arrive; 4 chunks are read at a time.
        let rows = [(u64::MAX, LEN), (10 * CHUNK_BYTES as u64, 8 * CHUNK_BYTES), (0, 0)];
        for (left, expected) in rows {
            let dir = tempfile::tempdir().unwrap();
            let place = SpoolPlace::new(dir.path(), 0, u64::MAX, Gauge::default());
            let mut spool = place.spool();
            spool.push(vec![b'x'; LEN].into()).await.unwrap();
            let spooled = spool.finish().await.unwrap();
            let Stored::File(file) = spooled.stored() else { panic!("it lies in a file") };
            if left != u64::MAX {
                file.cut(left);
            }
            let mut body = GatewayBody::spooled(spooled, None);
            let (mut arrived, mut error) = (0, None);
            while let Some(frame) = body.frame().await {
                match frame {
                    Ok(frame) => arrived += frame.into_data().unwrap().len(),
                    Err(cause) => {
                        error = Some(cause);
                        break;
                    }
                }
            }
            assert_eq!((arrived, error.is_none()), (expected, left == u64::MAX), "{left}");
            // Whoever asks again gets an error again, and no end that looks like one.
            assert_eq!(body.frame().await.is_some_and(|frame| frame.is_err()), left != u64::MAX, "{left}");
        }
    }
}
