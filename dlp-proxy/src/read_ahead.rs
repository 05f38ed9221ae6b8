//! Reads a socket in large pieces while much comes.
//!
//! The TLS library asks for 4 KiB at a time, which for a large body is a call of the system for each. Once a read was filled to
//! the brim, as much as there is gets read at once, and is handed out from memory. The memory is given back when the other side
//! pauses, so that a connection on which nothing is said costs none.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes that are read at once: four records of TLS.
const PIECE_BYTES: usize = 64 * 1024;

/// The connection.
#[derive(Debug)]
pub(crate) struct ReadAhead<T> {
    inner: T,
    /// Whether there was more than was asked for.
    is_busy: bool,
    /// What was read, and how much of it was handed out.
    ahead: Vec<u8>,
    taken: usize,
}

impl<T> ReadAhead<T> {
    /// Reads this connection.
    pub(crate) fn new(inner: T) -> Self {
        Self { inner, is_busy: false, ahead: Vec::new(), taken: 0 }
    }

    fn hand_out(&mut self, buffer: &mut ReadBuf<'_>) {
        let left = &self.ahead[self.taken..];
        let count = left.len().min(buffer.remaining());
        buffer.put_slice(&left[..count]);
        self.taken += count;
    }
}

impl<T: AsyncRead + Unpin> ReadAhead<T> {
    /// Reads a large piece into memory; the memory goes when there is nothing to be read.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.taken = 0;
        self.ahead.resize(PIECE_BYTES, 0);
        let mut piece = ReadBuf::new(&mut self.ahead);
        let polled = Pin::new(&mut self.inner).poll_read(cx, &mut piece);
        let count = piece.filled().len();
        self.ahead.truncate(count);
        if count == 0 {
            self.is_busy = false;
            self.ahead = Vec::new();
        }
        polled
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for ReadAhead<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.taken == this.ahead.len() {
            if !this.is_busy || buffer.remaining() >= PIECE_BYTES {
                ready!(Pin::new(&mut this.inner).poll_read(cx, buffer))?;
                this.is_busy = buffer.remaining() == 0;
                return Poll::Ready(Ok(()));
            }
            ready!(this.poll_fill(cx))?;
        }
        this.hand_out(buffer);
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for ReadAhead<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    #[tokio::test]
    async fn bytes_come_in_order_and_the_memory_goes() {
        let sent: Vec<u8> = (0..400_000_u32).map(|number| (number % 251) as u8).collect();
        // Asked for in pieces of this size.
        for asked in [1_000, 4_096, 100_000] {
            let (mut near, far) = duplex(150_000);
            let copy = sent.clone();
            let writing = tokio::spawn(async move {
                near.write_all(&copy).await.unwrap();
                near
            });
            let mut far = ReadAhead::new(far);
            let (mut got, mut most) = (Vec::new(), 0);
            let mut piece = vec![0; asked];
            while got.len() < sent.len() {
                let count = far.read(&mut piece).await.unwrap();
                assert_ne!(count, 0, "{asked}");
                got.extend_from_slice(&piece[..count]);
                most = most.max(far.ahead.len());
            }
            assert!(got == sent, "{asked}");
            assert_eq!(most > asked, asked < PIECE_BYTES, "{asked}: {most}");
            // Nothing is there any more, so the next read waits.
            let near = writing.await.unwrap();
            assert!(read_at_once(&mut far).is_none(), "{asked}");
            assert_eq!(far.ahead.capacity(), 0, "{asked}");
            drop(near);
            assert_eq!(far.read(&mut piece).await.unwrap(), 0, "{asked}: the end is an end");
        }
    }

    /// What a read gives at once.
    fn read_at_once(io: &mut ReadAhead<tokio::io::DuplexStream>) -> Option<io::Result<()>> {
        let mut bytes = [0; 16];
        let mut buffer = ReadBuf::new(&mut bytes);
        match Pin::new(io).poll_read(&mut Context::from_waker(std::task::Waker::noop()), &mut buffer) {
            Poll::Ready(read) => Some(read),
            Poll::Pending => None,
        }
    }
}
