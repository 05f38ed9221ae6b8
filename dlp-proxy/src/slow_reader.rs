//! A connection whose other side has to take what is written to it.
//!
//! An answer that nobody reads holds a place, a connection to the origin and what both sockets keep of it, for as long as
//! the client likes. So writing fails when nothing at all could be written for a while. Reading is not watched here, and a
//! connection on which nothing is to be written costs no timer.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

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

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

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
