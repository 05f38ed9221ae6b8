//! Moves a WebSocket connection between client and origin.
//!
//! A message that is judged goes on when the judge has let it; control frames go on at once. What is not judged downwards
//! goes on as it comes, and only the ends of frames are known. When a message may not pass, or breaks the standard, both sides are sent a
//! close frame with the reason and the connection ends: one message cannot be left out, because the two sides would no
//! longer agree on what was said.

use super::frame::{CloseCode, FrameHead, Opcode, close_frame};
use super::handshake::Deflate;
use super::message::{Assembler, Message};
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::watch;
use tokio::time::timeout;

/// Time for the rest of the other direction when one has ended.
const CLOSE_GRACE: Duration = Duration::from_secs(5);
/// Bytes read at a time downwards.
const DOWN_BYTES: usize = 32 * 1024;

/// On which terms messages are read.
pub(crate) struct Terms {
    /// Bytes of a message.
    pub(crate) message_max: usize,
    /// Compression.
    pub(crate) deflate: Option<Deflate>,
    /// Time without a byte in the middle of a frame.
    pub(crate) stall: Duration,
    /// Whether messages of the origin are judged too.
    pub(crate) judges_down: bool,
}

/// Who has sent a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// The client.
    Client,
    /// The origin.
    Origin,
}

/// Why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// One of the two sides ended it.
    Peer,
    /// We did.
    Closed(CloseCode),
}

/// Relays until one side ends the connection, `stop` resolves, or a message may not pass.
pub(crate) async fn relay<C, O, J, F>(
    client: C,
    origin: O,
    terms: Terms,
    stop: impl Future<Output = ()>,
    judge: J,
) -> End
where
    C: AsyncRead + AsyncWrite,
    O: AsyncRead + AsyncWrite,
    J: Fn(Side, Vec<u8>) -> F,
    F: Future<Output = bool>,
{
    let (client_read, client_write) = tokio::io::split(client);
    let (origin_read, mut origin_write) = tokio::io::split(origin);
    let (order, ordered) = watch::channel(None);
    let up = async {
        let ended = tokio::select! {
            ended = carry_judged(client_read, &mut origin_write, (Side::Client, &terms), &judge) => ended,
            () = stop => Ok(Some(CloseCode::GoingAway)),
        };
        if let Ok(Some(code)) = ended {
            let _ = order.send(Some(code));
            let _ = origin_write.write_all(&close_frame(code, "", true)).await;
        }
        let _ = origin_write.shutdown().await;
        ended.ok().flatten().map_or(End::Peer, End::Closed)
    };
    let down = async {
        match terms.judges_down {
            true => carry_down_judged(origin_read, client_write, ordered, (&terms, &judge)).await,
            false => carry_down(origin_read, client_write, ordered).await.map(|()| None),
        }
    };
    let (mut up, mut down) = (std::pin::pin!(up), std::pin::pin!(down));
    tokio::select! {
        end = &mut up => {
            let _ = timeout(CLOSE_GRACE, down).await;
            end
        }
        ended = &mut down => {
            // The client answers a close frame by its own, which goes on to the origin.
            let up = timeout(CLOSE_GRACE, up).await.unwrap_or(End::Peer);
            ended.ok().flatten().map_or(up, End::Closed)
        }
    }
}

/// One side to the other, message by message. Ends with a code when we have to close.
async fn carry_judged<R, W, J, F>(
    read: R,
    write: &mut W,
    (side, terms): (Side, &Terms),
    judge: &J,
) -> io::Result<Option<CloseCode>>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
    J: Fn(Side, Vec<u8>) -> F,
    F: Future<Output = bool>,
{
    let mut read = BufReader::new(read);
    let keeps_context = |deflate: Deflate| match side {
        Side::Client => deflate.client_keeps_context,
        Side::Origin => deflate.server_keeps_context,
    };
    let mut assembler = Assembler::new(terms.message_max, terms.deflate.map(keeps_context));
    loop {
        let head = match FrameHead::read(&mut read).await? {
            None => return Ok(None),
            Some(Err(code)) => return Ok(Some(code)),
            Some(Ok(head)) => head,
        };
        // RFC 6455 5.1: a client that does not mask is none, and neither is a server that does.
        if head.mask.is_some() != (side == Side::Client) {
            return Ok(Some(CloseCode::Protocol));
        }
        let is_control = head.opcode == Opcode::Control;
        if !is_control && let Err(code) = assembler.begin(&head) {
            return Ok(Some(code));
        }
        let payload = timeout(terms.stall, payload_of(&mut read, &head)).await??;
        if is_control {
            write.write_all(&[&head.raw[..], &payload].concat()).await?;
            write.flush().await?;
            continue;
        }
        match assembler.take(&head, payload) {
            Err(code) => return Ok(Some(code)),
            Ok(None) => {}
            Ok(Some(Message { raw, content })) => {
                if !judge(side, content).await {
                    return Ok(Some(CloseCode::Policy));
                }
                write.write_all(&raw).await?;
                write.flush().await?;
            }
        }
    }
}

/// The payload grows as it arrives: the announced length alone takes no memory.
async fn payload_of<R: AsyncRead + Unpin>(read: &mut R, head: &FrameHead) -> io::Result<Vec<u8>> {
    let mut payload = Vec::new();
    read.take(head.len).read_to_end(&mut payload).await?;
    if payload.len() as u64 == head.len { Ok(payload) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// Origin to client, message by message, until either ends it, a close was ordered or a message may not pass.
async fn carry_down_judged<R, W, J, F>(
    read: R,
    mut write: W,
    mut ordered: watch::Receiver<Option<CloseCode>>,
    (terms, judge): (&Terms, &J),
) -> io::Result<Option<CloseCode>>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
    J: Fn(Side, Vec<u8>) -> F,
    F: Future<Output = bool>,
{
    let carried = tokio::select! {
        biased;
        code = order(&mut ordered) => {
            write.write_all(&close_frame(code, reason(code), false)).await?;
            write.shutdown().await?;
            return Ok(None);
        }
        carried = carry_judged(read, &mut write, (Side::Origin, terms), judge) => carried?,
    };
    if let Some(code) = carried {
        write.write_all(&close_frame(code, reason(code), false)).await?;
    }
    write.shutdown().await?;
    Ok(carried)
}

/// Waits for an order to close. None comes any more when the other direction has ended by itself.
async fn order(ordered: &mut watch::Receiver<Option<CloseCode>>) -> CloseCode {
    loop {
        let order = *ordered.borrow_and_update();
        if let Some(code) = order {
            return code;
        }
        if ordered.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Origin to client, until either ends it or a close was ordered and the frame under way is over.
async fn carry_down<R, W>(mut read: R, mut write: W, mut ordered: watch::Receiver<Option<CloseCode>>) -> io::Result<()>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    loop {
        let order = *ordered.borrow_and_update();
        if let Some(code) = order {
            write.write_all(&close_frame(code, reason(code), false)).await?;
            return write.shutdown().await;
        }
        let head = tokio::select! {
            biased;
            changed = ordered.changed() => match changed {
                Ok(()) => continue,
                Err(_gone) => FrameHead::read(&mut read).await?,
            },
            head = FrameHead::read(&mut read) => head?,
        };
        let Some(Ok(head)) = head else { return write.shutdown().await };
        write.write_all(&head.raw).await?;
        copy(&mut read, &mut write, head.len).await?;
        write.flush().await?;
    }
}

async fn copy<R, W>(read: &mut R, write: &mut W, mut left: u64) -> io::Result<()>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut piece = vec![0; DOWN_BYTES.min(usize::try_from(left).unwrap_or(DOWN_BYTES))];
    while left > 0 {
        let room = piece.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let count = read.read(&mut piece[..room]).await?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        write.write_all(&piece[..count]).await?;
        left -= count as u64;
    }
    Ok(())
}

/// What a client is told in a close frame.
fn reason(code: CloseCode) -> &'static str {
    match code {
        CloseCode::Policy => "stopped by your organisation's data protection rules",
        CloseCode::TooBig => "the message is larger than the gateway inspects",
        CloseCode::Protocol | CloseCode::BadData => "the gateway cannot read this message",
        CloseCode::GoingAway => "the gateway stops",
    }
}
