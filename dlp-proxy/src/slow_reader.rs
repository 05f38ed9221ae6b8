//! A connection whose other side has to take what is written to it.
//!
//! An answer that nobody reads holds a place, a connection to the origin and what both sockets keep of it, for as long as
//! the client likes. So writing fails when nothing at all could be written for a while. Reading is not watched here, and a
//! connection on which nothing is to be written costs no timer.
//!
//! Over HTTP/2 a client can also leave an answer unread without a full socket, by keeping its window shut: then nothing is
//! even tried to be written. There [`Answers`] watches whether any answer is asked for more.

use socket2::SockRef;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

/// Bytes that a socket takes beyond what it has sent. A system that takes megabytes says for minutes that it has no room
/// while a slow client reads all the time.
const UNSENT_BYTES_MAX: u32 = 128 * 1024;
/// How often it is looked within the time that a client has to take something.
const LOOKS: u32 = 4;

/// Sets what a client's connection needs: no waiting for acknowledgements, and no more in the socket than helps.
pub(crate) fn prepare(stream: &TcpStream) -> io::Result<()> {
    // Without it an answer in two packets waits for a delayed acknowledgement.
    stream.set_nodelay(true)?;
    SockRef::from(stream).set_tcp_notsent_lowat(UNSENT_BYTES_MAX)
}

/// The watched connection.
#[derive(Debug)]
pub(crate) struct WhileRead<T> {
    inner: T,
    limit: Duration,
    /// Runs while something waits to be written.
    waiting: Option<Pin<Box<Sleep>>>,
}

impl<T> WhileRead<T> {
    /// Fails to write when the other side took nothing for so long.
    pub(crate) fn new(inner: T, limit: Duration) -> Self {
        Self { inner, limit, waiting: None }
    }

    /// What one attempt gave, or that it was one too many.
    fn watched<R>(&mut self, cx: &mut Context<'_>, attempt: Poll<io::Result<R>>) -> Poll<io::Result<R>> {
        if attempt.is_ready() {
            self.waiting = None;
            return attempt;
        }
        let timer = self.waiting.get_or_insert_with(|| Box::pin(sleep(self.limit)));
        timer.as_mut().poll(cx).map(|()| Err(io::Error::new(io::ErrorKind::TimedOut, "nothing of an answer was read")))
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for WhileRead<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for WhileRead<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let attempt = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.watched(cx, attempt)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let attempt = Pin::new(&mut self.inner).poll_write_vectored(cx, pieces);
        self.watched(cx, attempt)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let attempt = Pin::new(&mut self.inner).poll_flush(cx);
        self.watched(cx, attempt)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let attempt = Pin::new(&mut self.inner).poll_shutdown(cx);
        self.watched(cx, attempt)
    }
}

/// The answers of one HTTP/2 connection, and whether the client takes anything of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answers(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// Answers that have given something and were not asked for more.
    waiting: AtomicUsize,
    /// How often an answer that waited was asked for more, or was over.
    taken: AtomicU64,
    /// Requests that have begun and are not answered, whose bodies may be on their way.
    asking: AtomicUsize,
}

/// A request that is not answered yet.
#[derive(Debug)]
pub(crate) struct Asking(Answers);

impl Drop for Asking {
    fn drop(&mut self) {
        self.0.0.asking.fetch_sub(1, Ordering::Relaxed);
    }
}

/// One answer.
#[derive(Debug)]
pub(crate) struct Taking {
    answers: Answers,
    is_waiting: bool,
}

impl Answers {
    /// An answer that is handed over. It waits for its client from the beginning.
    pub(crate) fn begin(&self) -> Taking {
        let mut taking = Taking { answers: self.clone(), is_waiting: false };
        taking.gave();
        taking
    }

    /// A request that begins. As long as one is not answered, the client is at it.
    pub(crate) fn asking(&self) -> Asking {
        self.0.asking.fetch_add(1, Ordering::Relaxed);
        Asking(self.clone())
    }

    /// Resolves when an answer has waited for so long, and none was taken anything of. A client that is at one of its
    /// answers, or still sends a request, may leave others for later.
    pub(crate) async fn unread(&self, limit: Duration) {
        let mut looks = Looks::default();
        while !looks.are_enough(self.counts()) {
            sleep(limit / LOOKS).await;
        }
    }

    fn counts(&self) -> (usize, u64) {
        let is_asking = self.0.asking.load(Ordering::Relaxed) > 0;
        let waiting = if is_asking { 0 } else { self.0.waiting.load(Ordering::Relaxed) };
        (waiting, self.0.taken.load(Ordering::Relaxed))
    }
}

/// How often in a row nothing had been taken.
#[derive(Default)]
struct Looks {
    unchanged: u32,
    taken: u64,
}

impl Looks {
    fn are_enough(&mut self, (waiting, taken): (usize, u64)) -> bool {
        let is_stuck = waiting > 0 && taken == std::mem::replace(&mut self.taken, taken);
        self.unchanged = if is_stuck { self.unchanged + 1 } else { 0 };
        self.unchanged > LOOKS
    }
}

impl Taking {
    /// It is asked for more: whoever takes it has room.
    pub(crate) fn asked(&mut self) {
        if std::mem::replace(&mut self.is_waiting, false) {
            self.answers.0.taken.fetch_add(1, Ordering::Relaxed);
            self.answers.0.waiting.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// It gave something, which has to be taken.
    pub(crate) fn gave(&mut self) {
        if !std::mem::replace(&mut self.is_waiting, true) {
            self.answers.0.waiting.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Taking {
    fn drop(&mut self) {
        self.asked();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    #[test]
    fn an_answer_is_unread_when_none_was_taken_for_a_while() {
        let answers = Answers::default();
        let look = |looks: &mut Looks, times| (0..times).any(|_| looks.are_enough(answers.counts()));
        let mut looks = Looks::default();
        assert!(!look(&mut looks, 100), "there is none");
        let (mut one, other) = (answers.begin(), answers.begin());
        assert!(!look(&mut looks, LOOKS));
        one.asked();
        assert!(!look(&mut looks, LOOKS), "the client is at another one");
        one.gave();
        let asking = answers.asking();
        assert!(!look(&mut looks, 100), "the client is at a request");
        drop(asking);
        assert!(look(&mut looks, LOOKS + 1));
        drop(other);
        assert!(!look(&mut Looks::default(), LOOKS), "one is over");
        one.asked();
        assert!(!look(&mut Looks::default(), 100), "it waits for the origin");
        drop(one);
        assert_eq!(answers.counts().0, 0);
    }

    #[tokio::test]
    async fn a_socket_takes_little_that_it_has_not_sent() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        prepare(&near).unwrap();
        let set = SockRef::from(&near).tcp_notsent_lowat().unwrap();
        assert_eq!((near.nodelay().unwrap(), set), (true, UNSENT_BYTES_MAX));
    }

    #[tokio::test]
    async fn writing_fails_when_nobody_reads_for_too_long() {
        let (near, mut far) = duplex(16);
        let mut near = WhileRead::new(near, Duration::from_secs(60));
        // Each write but the first waits for a while.
        let reading = tokio::spawn(async move {
            let mut piece = [0; 4];
            for _ in 0..16 {
                tokio::time::sleep(Duration::from_millis(5)).await;
                far.read_exact(&mut piece).await.unwrap();
            }
            far
        });
        near.write_all(&[1; 16 * 4]).await.unwrap();
        assert!(near.waiting.is_none(), "nothing waits any more");
        let _far = reading.await.unwrap();
        near.limit = Duration::from_millis(50);
        near.write_all(&[1; 16]).await.unwrap();
        let begin = tokio::time::Instant::now();
        let error = near.write_all(&[1; 16]).await.unwrap_err();
        assert_eq!((error.kind(), begin.elapsed() >= near.limit), (io::ErrorKind::TimedOut, true));
    }
}
