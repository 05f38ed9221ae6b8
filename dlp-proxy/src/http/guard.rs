//! A connection on which only requests with one reading pass.
//!
//! [`GuardedIo`] stands between the socket and the HTTP library. It holds each request head back until [`head::judge`]
//! has accepted it, and follows each body to its end, so that the next head is found where the library will find it.
//! A refused head never reaches the library: the guard hands it a stand-in request instead and leaves the reason in a
//! shared [`Refusal`], so that the service answers in order, after the answers to earlier requests. A malformed chunked
//! body becomes a read error of the body, which the service sees while it collects the body.
//!
//! Closing lingers: what the client still sends is read and dropped for a while, because a reset would destroy an
//! answer that it has not read yet (RFC 9112 9.6).

use super::chunked::{ChunkWalker, TRAILERS};
use super::client_body::{FORGOTTEN_BYTES_MAX, FORGOTTEN_TIME_MAX, SILENCE_MAX};
use super::head::{self, Framing, HEAD_BYTES_MAX, HEAD_TIMEOUT, HEAD_TOO_LARGE, Violation};
use http::StatusCode;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// Method of the stand-in request.
pub(crate) const REFUSED_METHOD: &str = "DLP-REFUSED";
/// What the library reads in place of a refused head.
const STAND_IN: &[u8] = b"DLP-REFUSED / HTTP/1.1\r\nHost: refused.invalid\r\nConnection: close\r\n\r\n";
/// Empty lines that are tolerated before a request line (RFC 9112 2.2).
const EMPTY_LINES_MAX: usize = 4;
/// Bytes read at a time while waiting for a head.
const HEAD_READ_BYTES: usize = 8 * 1024;

const NOT_HTTP: Violation =
    Violation { status: StatusCode::BAD_REQUEST, reason: "not_http", message: "This is no HTTP/1.1 request." };
const BARE: Violation = Violation {
    status: StatusCode::BAD_REQUEST,
    reason: "bare_line_end",
    message: "A line must end in CR LF; a lone CR or LF has no place in a head.",
};
const EMPTY_LINES: Violation = Violation {
    status: StatusCode::BAD_REQUEST,
    reason: "empty_lines",
    message: "There are too many empty lines before the request.",
};

/// Where the guard leaves the reason of a refusal for the service.
pub(crate) type Refusal = Arc<OnceLock<Violation>>;

/// What the next byte from the socket belongs to.
#[derive(Debug)]
enum Phase {
    Head,
    Length(u64),
    Chunked(ChunkWalker),
    Tunnel,
    Refused,
}

/// The guarded connection.
#[derive(Debug)]
pub(crate) struct GuardedIo<T> {
    inner: T,
    phase: Phase,
    /// Bytes from the socket that are not judged yet.
    inbox: Vec<u8>,
    /// How far `inbox` was searched for the end of a head.
    searched: usize,
    /// Judged bytes that the library has not taken yet, and how many of them it took.
    outbox: Vec<u8>,
    taken: usize,
    refusal: Refusal,
    head_timeout: Duration,
    head_timer: Option<Pin<Box<Sleep>>>,
    linger: Option<Linger>,
}

/// How much longer a connection is read after the answer.
#[derive(Debug)]
struct Linger {
    left: u64,
    end: Instant,
    silence: Pin<Box<Sleep>>,
}

impl Linger {
    fn begin() -> Self {
        let now = Instant::now();
        let (end, silence) = (now + FORGOTTEN_TIME_MAX, now + SILENCE_MAX);
        Self { left: FORGOTTEN_BYTES_MAX, end, silence: Box::pin(sleep_until(silence)) }
    }

    /// Takes note of bytes that came; none are the end.
    fn goes_on(&mut self, count: usize) -> bool {
        let now = Instant::now();
        self.left = self.left.saturating_sub(count as u64);
        self.silence.as_mut().reset(self.end.min(now + SILENCE_MAX));
        count > 0 && self.left > 0 && now < self.end
    }
}

impl<T> GuardedIo<T> {
    /// Guards a connection on which a head has to arrive within `head_timeout` of its first byte.
    pub(crate) fn new(inner: T, head_timeout: Duration) -> Self {
        Self {
            inner,
            phase: Phase::Head,
            inbox: Vec::new(),
            searched: 0,
            outbox: Vec::new(),
            taken: 0,
            refusal: Refusal::default(),
            head_timeout,
            head_timer: None,
            linger: None,
        }
    }

    /// Where the reason will stand if the guard refuses.
    pub(crate) fn refusal(&self) -> Refusal {
        self.refusal.clone()
    }

    /// The connection that has switched to something else, and the bytes behind the head that were read with it. None
    /// when they were taken for a request and refused.
    pub(crate) fn into_parts(mut self) -> Option<(T, Vec<u8>)> {
        if matches!(self.phase, Phase::Refused) {
            return None;
        }
        let mut rest = self.outbox.split_off(self.taken);
        rest.append(&mut self.inbox);
        Some((self.inner, rest))
    }

    /// Replaces whatever follows by the stand-in request.
    fn refuse(&mut self, violation: Violation) {
        // A second violation cannot happen: after the first nothing is judged any more.
        let _ = self.refusal.set(violation);
        self.inbox.clear();
        self.outbox.extend_from_slice(STAND_IN);
        self.phase = Phase::Refused;
        self.head_timer = None;
    }

    /// Judges the head in `inbox` if it is complete.
    fn judge_head(&mut self) {
        match find_head(&self.inbox, &mut self.searched) {
            Ok(None) => {}
            Ok(Some((start, end))) => match head::judge(&self.inbox[start..end]) {
                Ok(framing) => self.accept_head(start, end, framing),
                Err(violation) => self.refuse(violation),
            },
            Err(violation) => self.refuse(violation),
        }
    }

    /// Releases a judged head and turns to what follows it.
    fn accept_head(&mut self, start: usize, end: usize, framing: Framing) {
        self.outbox.extend_from_slice(&self.inbox[start..end]);
        self.inbox.drain(..end);
        self.searched = 0;
        self.head_timer = None;
        self.phase = match framing {
            Framing::Length(0) => Phase::Head,
            Framing::Length(length) => Phase::Length(length),
            Framing::Chunked => Phase::Chunked(ChunkWalker::new()),
            Framing::Tunnel => Phase::Tunnel,
        };
    }

    /// How many of these bytes belong to the current body; moves on when it ends.
    fn follow_body(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (used, is_done) = match &mut self.phase {
            Phase::Length(left) => {
                let used = (*left).min(bytes.len() as u64);
                *left -= used;
                (used as usize, *left == 0)
            }
            Phase::Chunked(walker) => {
                let walked = walker.walk(bytes);
                let is_done = walker.is_done();
                (walked.map_err(|violation| self.body_error(violation))?, is_done)
            }
            Phase::Tunnel => (bytes.len(), false),
            Phase::Head | Phase::Refused => (0, false),
        };
        if is_done {
            self.phase = Phase::Head;
        }
        Ok(used)
    }

    /// What the library is told of a body that ends here. Trailers are worth a reason of their own, since the request
    /// is well-formed.
    fn body_error(&self, violation: Violation) -> io::Error {
        if violation == TRAILERS {
            let _ = self.refusal.set(violation);
        }
        io::Error::new(io::ErrorKind::InvalidData, violation.message)
    }

    /// Moves body bytes that were read together with a head to the library's side.
    fn release_inbox(&mut self) -> io::Result<()> {
        let inbox = std::mem::take(&mut self.inbox);
        let used = self.follow_body(&inbox)?;
        self.outbox.extend_from_slice(&inbox[..used]);
        self.inbox = inbox;
        self.inbox.drain(..used);
        Ok(())
    }

    /// Hands judged bytes to the library.
    fn take_outbox(&mut self, buf: &mut ReadBuf<'_>) {
        let left = &self.outbox[self.taken..];
        let count = left.len().min(buf.remaining());
        buf.put_slice(&left[..count]);
        self.taken += count;
        if self.taken == self.outbox.len() {
            self.outbox.clear();
            self.taken = 0;
        }
    }
}

impl<T: AsyncRead + Unpin> GuardedIo<T> {
    /// Reads more of a head into `inbox`. `Ready(false)` is the end of the connection.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let mut bytes = [0; HEAD_READ_BYTES];
        let mut buf = ReadBuf::new(&mut bytes);
        match Pin::new(&mut self.inner).poll_read(cx, &mut buf)? {
            Poll::Ready(()) => {
                self.inbox.extend_from_slice(buf.filled());
                Poll::Ready(Ok(!buf.filled().is_empty()))
            }
            Poll::Pending => {
                if self.is_head_late(cx) {
                    self.refuse(HEAD_TIMEOUT);
                    return Poll::Ready(Ok(true));
                }
                Poll::Pending
            }
        }
    }

    /// Whether a head has begun and its time is over. The clock starts with its first byte; idle time is the server's.
    fn is_head_late(&mut self, cx: &mut Context<'_>) -> bool {
        if self.inbox.is_empty() {
            return false;
        }
        let deadline = Instant::now() + self.head_timeout;
        let timer = self.head_timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        timer.as_mut().poll(cx).is_ready()
    }

    /// Reads body bytes straight into the library's buffer; what belongs to the next request goes to `inbox`.
    fn poll_body(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(cx, buf))?;
        let used = match self.follow_body(&buf.filled()[before..]) {
            Ok(used) => used,
            Err(error) => {
                buf.set_filled(before);
                return Poll::Ready(Err(error));
            }
        };
        self.inbox.extend_from_slice(&buf.filled()[before + used..]);
        buf.set_filled(before + used);
        Poll::Ready(Ok(()))
    }

    /// Reads and drops. An end of input is only reported when the client really closed, because the library takes it
    /// for an abort of the request that it is answering.
    fn poll_drop_input(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut bytes = [0; HEAD_READ_BYTES];
        let mut buf = ReadBuf::new(&mut bytes);
        ready!(Pin::new(&mut self.inner).poll_read(cx, &mut buf))?;
        Poll::Ready(Ok(buf.filled().len()))
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for GuardedIo<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        loop {
            if this.taken < this.outbox.len() {
                this.take_outbox(buf);
                return Poll::Ready(Ok(()));
            }
            match this.phase {
                Phase::Head => {
                    this.judge_head();
                    if this.outbox.is_empty() && !ready!(this.poll_fill(cx))? {
                        return Poll::Ready(Ok(()));
                    }
                }
                Phase::Length(_) | Phase::Chunked(_) | Phase::Tunnel if this.inbox.is_empty() => {
                    return this.poll_body(cx, buf);
                }
                Phase::Length(_) | Phase::Chunked(_) | Phase::Tunnel => this.release_inbox()?,
                Phase::Refused => {
                    if ready!(this.poll_drop_input(cx))? == 0 {
                        return Poll::Ready(Ok(()));
                    }
                }
            }
        }
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for GuardedIo<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.linger.is_none() {
            ready!(Pin::new(&mut this.inner).poll_shutdown(cx))?;
            this.linger = Some(Linger::begin());
        }
        loop {
            let dropped = this.poll_drop_input(cx);
            let Some(linger) = &mut this.linger else { return Poll::Ready(Ok(())) };
            match dropped {
                Poll::Ready(Ok(count)) if linger.goes_on(count) => {}
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending => return linger.silence.as_mut().poll(cx).map(Ok),
            }
        }
    }
}

/// Finds the end of a head. Refuses early what can never become one, so that nobody waits for a time-out.
/// Returns where the request line starts and where the empty line ends.
fn find_head(inbox: &[u8], searched: &mut usize) -> Result<Option<(usize, usize)>, Violation> {
    let start = inbox.chunks_exact(2).take_while(|pair| *pair == b"\r\n").count() * 2;
    if start / 2 > EMPTY_LINES_MAX {
        return Err(EMPTY_LINES);
    }
    for at in (*searched).max(start)..inbox.len() {
        let before = at.checked_sub(1).map(|i| inbox[i]);
        match inbox[at] {
            b'\n' if before != Some(b'\r') => return Err(BARE),
            b'\n' if at >= start + 3 && inbox[at - 3..at] == *b"\r\n\r" => return Ok(Some((start, at + 1))),
            b'\n' | b'\r' | b'\t' => {}
            0..0x20 | 0x7f => return Err(NOT_HTTP),
            _ if before == Some(b'\r') => return Err(BARE),
            _ => {}
        }
        *searched = at + 1;
    }
    if inbox.len() - start > HEAD_BYTES_MAX { Err(HEAD_TOO_LARGE) } else { Ok(None) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    /// What the library would read of these client bytes, in pieces of `piece` bytes, and the reason of a refusal.
    async fn pass(bytes: &[u8], piece: usize) -> (Vec<u8>, Option<&'static str>) {
        let (mut client, server) = tokio::io::duplex(64 * 1024);
        let mut guarded = GuardedIo::new(server, Duration::from_secs(5));
        let refusal = guarded.refusal();
        let input = bytes.to_vec();
        let writer = async move {
            for part in input.chunks(piece) {
                client.write_all(part).await.unwrap();
                tokio::task::yield_now().await;
            }
        };
        let mut out = Vec::new();
        let (read, ()) = tokio::join!(guarded.read_to_end(&mut out), writer);
        let reason = refusal.get().map(|violation| violation.reason);
        (out, reason.or(read.is_err().then_some("body")))
    }

    async fn check(text: &str, expected: &str, reason: Option<&str>) {
        for piece in [1, 3, 1000] {
            let (out, got) = pass(text.as_bytes(), piece).await;
            assert_eq!((String::from_utf8_lossy(&out).as_ref(), got), (expected, reason), "{text:?} in {piece}s");
        }
    }

    #[tokio::test]
    async fn requests_pass_unchanged_and_the_next_one_is_found() {
        let stand_in = std::str::from_utf8(STAND_IN).unwrap();
        let one = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
        let two = "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
        check(&format!("{one}{two}{one}"), &format!("{one}{two}{one}"), None).await;
        check(&format!("\r\n{one}"), one, None).await;
        let hidden = "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n";
        check(&format!("{two}{hidden}"), &format!("{two}{stand_in}"), Some("host_repeated")).await;
        check("GET / HTTP/1.1\nHost: a\n\n", stand_in, Some("bare_line_end")).await;
        check("GET / HTTP/1.1\r\nX: a\rb\r\n\r\n", stand_in, Some("bare_line_end")).await;
        check("\u{16}\u{3}\u{1}\u{2}", stand_in, Some("not_http")).await;
        check("\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n", stand_in, Some("empty_lines")).await;
    }

    #[tokio::test]
    async fn a_malformed_chunk_is_a_body_error() {
        let head = "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
        let (out, reason) = pass(format!("{head}3\r\nabcX").as_bytes(), 1000).await;
        assert_eq!((out.as_slice(), reason), (head.as_bytes(), Some("body")));
    }

    #[tokio::test]
    async fn bytes_behind_connect_are_left_alone() {
        let text = "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n\u{16}\u{3}\n\r raw";
        check(text, text, None).await;
    }

    #[tokio::test]
    async fn a_slow_head_is_refused() {
        let (mut client, server) = tokio::io::duplex(1024);
        let mut guarded = GuardedIo::new(server, Duration::from_millis(20));
        client.write_all(b"GET / HT").await.unwrap();
        let mut out = vec![0; STAND_IN.len()];
        guarded.read_exact(&mut out).await.unwrap();
        assert_eq!(out, STAND_IN);
        assert_eq!(guarded.refusal().get().map(|v| v.reason), Some("head_timeout"));
    }

    #[test]
    fn an_endless_head_is_refused() {
        let mut inbox = b"GET / HTTP/1.1\r\nX: ".to_vec();
        inbox.resize(HEAD_BYTES_MAX + 1, b'x');
        assert_eq!(find_head(&inbox, &mut 0), Err(HEAD_TOO_LARGE));
    }
}
