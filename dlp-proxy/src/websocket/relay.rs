//! Moves a WebSocket connection between client and origin.
//!
//! A message that is judged goes on when the judge has let it; control frames go on at once. What is not judged downwards
//! goes on as it comes, and only the ends of frames are known. When a message may not pass, or breaks the standard, both sides are sent a
//! close frame with the reason and the connection ends: one message cannot be left out, because the two sides would no
//! longer agree on what was said.

use super::frame::{CloseCode, FrameHead, Opcode, apply_mask, close_frame};
use super::handshake::Deflate;
use super::message::{Assembler, Message};
use crate::message_room::{MessageRoom, MessageShare};
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::watch;
use tokio::time::timeout;
use zeroize::Zeroizing;

/// Time for the rest of the other direction when one has ended.
const CLOSE_GRACE: Duration = Duration::from_secs(5);
/// Bytes of earlier control frames that one is judged with: each holds little, and a value may stand in several.
const CONTROL_BYTES: usize = 4 * 1024;
/// The latest of what control frames said.
type Controls = Zeroizing<Vec<u8>>;
/// Bytes read at a time downwards.
const DOWN_BYTES: usize = 32 * 1024;

/// Bytes of a frame that are read before more room is taken for it. A head that announces a lot takes nothing.
const STEP_BYTES: u64 = 32 * 1024;

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
    /// Memory for messages that are not whole.
    pub(crate) room: Arc<MessageRoom>,
    /// Address of the client, whose part of it they take.
    pub(crate) ip: IpAddr,
}

/// Who has sent a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// The client.
    Client,
    /// The origin.
    Origin,
}

/// What is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    /// Who has said it.
    pub(crate) side: Side,
    /// Whether it stands in control frames, some of which may have been judged before.
    pub(crate) is_control: bool,
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
    J: Fn(Said, Vec<u8>) -> F,
    F: Future<Output = bool>,
{
    let (client_read, client_write) = tokio::io::split(client);
    let (origin_read, origin_write) = tokio::io::split(origin);
    let order = watch::Sender::new(None);
    let lane = |side| Lane { side, terms: &terms, order: &order, ordered: order.subscribe() };
    let up = lane(Side::Client).carry(client_read, origin_write, &judge);
    let down = lane(Side::Origin).carry(origin_read, client_write, &judge);
    let both = async {
        let (mut up, mut down) = (std::pin::pin!(up), std::pin::pin!(down));
        // What ends one direction ends the other, but for what is on its way: a close frame is answered by one.
        let (end, other) = tokio::select! {
            end = &mut up => (end, timeout(CLOSE_GRACE, down).await),
            end = &mut down => (end, timeout(CLOSE_GRACE, up).await),
        };
        if end == End::Peer { other.unwrap_or(end) } else { end }
    };
    let mut both = std::pin::pin!(both);
    tokio::select! {
        end = &mut both => return end,
        () = stop => close(&order, CloseCode::GoingAway),
    }
    both.await
}

/// Orders both directions to close, if nobody has yet.
fn close(order: &watch::Sender<Option<CloseCode>>, code: CloseCode) {
    order.send_if_modified(|order| order.is_none() && order.replace(code).is_none());
}

/// One direction.
struct Lane<'r> {
    /// Who sends.
    side: Side,
    terms: &'r Terms,
    /// The code with which both directions are to close.
    order: &'r watch::Sender<Option<CloseCode>>,
    ordered: watch::Receiver<Option<CloseCode>>,
}

/// What comes next in a direction that is judged.
enum Next {
    /// Frames that may go on.
    Send(Vec<u8>),
    /// The sender has ended it.
    End,
    /// We have to.
    Close(CloseCode),
}

impl Lane<'_> {
    /// Carries until the end; the receiver is told why when we end it. No close frame stands inside another frame: one that
    /// cannot be sent whole within its time ends the connection without.
    async fn carry<R, W, J, F>(mut self, read: R, mut write: W, judge: &J) -> End
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
        J: Fn(Said, Vec<u8>) -> F,
        F: Future<Output = bool>,
    {
        let carried = match self.side == Side::Client || self.terms.judges_down {
            true => self.carry_judged(read, &mut write, judge).await,
            false => self.carry_unread(read, &mut write).await,
        };
        let code = carried.ok().flatten();
        if let Some(code) = code {
            close(self.order, code);
            let frame = match self.side {
                Side::Client => close_frame(code, "", true),
                Side::Origin => close_frame(code, reason(code), false),
            };
            let _ = timeout(CLOSE_GRACE, write.write_all(&frame)).await;
        }
        let _ = timeout(CLOSE_GRACE, write.shutdown()).await;
        code.map_or(End::Peer, End::Closed)
    }

    /// Message by message. Ends with a code when we have to close.
    async fn carry_judged<R, W, J, F>(&mut self, read: R, write: &mut W, judge: &J) -> io::Result<Option<CloseCode>>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
        J: Fn(Said, Vec<u8>) -> F,
        F: Future<Output = bool>,
    {
        let (side, terms) = (self.side, self.terms);
        let mut read = BufReader::new(read);
        let keeps_context = |deflate: Deflate| match side {
            Side::Client => deflate.client_keeps_context,
            Side::Origin => deflate.server_keeps_context,
        };
        let mut assembler = Assembler::new(terms.message_max, terms.deflate.map(keeps_context));
        let (mut controls, mut share) = (Controls::default(), terms.room.share(terms.ip));
        loop {
            // To give back what a message took there is always room.
            let _ = share.hold(assembler.held());
            let next = tokio::select! {
                biased;
                code = order(&mut self.ordered) => return Ok(Some(code)),
                next = next_judged(&mut read, (&mut assembler, &mut controls, &mut share), (side, terms), judge) => next?,
            };
            match next {
                Next::End => return Ok(None),
                Next::Close(code) => return Ok(Some(code)),
                Next::Send(frames) => self.undivided(send(write, &frames)).await?,
            }
        }
    }

    /// Frame by frame, as they come.
    async fn carry_unread<R, W>(&mut self, mut read: R, write: &mut W) -> io::Result<Option<CloseCode>>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        loop {
            let head = tokio::select! {
                biased;
                code = order(&mut self.ordered) => return Ok(Some(code)),
                head = FrameHead::read(&mut read) => head?,
            };
            let Some(Ok(head)) = head else { return Ok(None) };
            let passing = async {
                write.write_all(&head.raw).await?;
                copy(&mut read, write, head.len).await?;
                write.flush().await
            };
            self.undivided(passing).await?;
        }
    }

    /// Does what must not be cut off by an order to close. From the order on it has little time.
    async fn undivided(&mut self, work: impl Future<Output = io::Result<()>>) -> io::Result<()> {
        let mut work = std::pin::pin!(work);
        tokio::select! {
            biased;
            done = &mut work => done,
            _code = order(&mut self.ordered) => timeout(CLOSE_GRACE, work).await?,
        }
    }
}

async fn send<W: AsyncWrite + Unpin>(write: &mut W, frames: &[u8]) -> io::Result<()> {
    write.write_all(frames).await?;
    write.flush().await
}

/// Reads until there is something to send: a control frame, or a message that may pass.
async fn next_judged<R, J, F>(
    read: &mut R,
    (assembler, controls, share): (&mut Assembler, &mut Controls, &mut MessageShare),
    (side, terms): (Side, &Terms),
    judge: &J,
) -> io::Result<Next>
where
    R: AsyncRead + Unpin,
    J: Fn(Said, Vec<u8>) -> F,
    F: Future<Output = bool>,
{
    loop {
        // A connection may be silent for as long as it likes, but not in the middle of a message.
        let stall = if assembler.held() == 0 { Duration::MAX } else { terms.stall };
        let head = match timeout(stall, FrameHead::read(read)).await?? {
            None => return Ok(Next::End),
            Some(Err(code)) => return Ok(Next::Close(code)),
            Some(Ok(head)) => head,
        };
        // RFC 6455 5.1: a client that does not mask is none, and neither is a server that does.
        if head.mask.is_some() != (side == Side::Client) {
            return Ok(Next::Close(CloseCode::Protocol));
        }
        let is_control = head.opcode == Opcode::Control;
        if !is_control && let Err(code) = assembler.begin(&head) {
            return Ok(Next::Close(code));
        }
        // It is kept as it comes, and as it reads.
        let holds = |bytes: u64| is_control || share.hold(assembler.held().saturating_add(2 * bytes));
        let Some(payload) = timeout(terms.stall, payload_of(read, &head, holds)).await?? else {
            return Ok(Next::Close(CloseCode::Overload));
        };
        if is_control {
            let may_pass = payload.is_empty() || may_control_pass(plain(&head, &payload), controls, side, judge).await;
            let frame = [&head.raw[..], &payload].concat();
            return Ok(if may_pass { Next::Send(frame) } else { Next::Close(CloseCode::Policy) });
        }
        match assembler.take(&head, payload) {
            Err(code) => return Ok(Next::Close(code)),
            Ok(None) => {}
            Ok(Some(Message { raw, content })) => {
                return Ok(if judge(Said { side, is_control: false }, content).await {
                    Next::Send(raw)
                } else {
                    Next::Close(CloseCode::Policy)
                });
            }
        }
    }
}

/// Judges a control frame by itself and with what stood in those before it.
async fn may_control_pass<J, F>(text: Vec<u8>, controls: &mut Controls, side: Side, judge: &J) -> bool
where
    J: Fn(Said, Vec<u8>) -> F,
    F: Future<Output = bool>,
{
    let is_first = controls.is_empty();
    // All at once, because memory that is left behind by growing is not wiped.
    let known = controls.len();
    controls.reserve_exact((2 * CONTROL_BYTES).saturating_sub(known));
    controls.extend_from_slice(&text);
    controls.drain(..(known + text.len()).saturating_sub(CONTROL_BYTES));
    let said = Said { side, is_control: true };
    judge(said, text).await && (is_first || judge(said, controls.to_vec()).await)
}

/// The text of a control frame. That of a close frame begins with a number, which reads as text of two bytes.
fn plain(head: &FrameHead, payload: &[u8]) -> Vec<u8> {
    let mut plain = payload.to_vec();
    if let Some(mask) = head.mask {
        apply_mask(&mut plain, mask);
    }
    plain
}

/// The payload grows as it arrives: the announced length alone takes no memory.
/// What a frame holds; `None` when there is no room for what comes.
async fn payload_of<R: AsyncRead + Unpin>(
    read: &mut R,
    head: &FrameHead,
    mut holds: impl FnMut(u64) -> bool,
) -> io::Result<Option<Vec<u8>>> {
    let (mut payload, mut end) = (Vec::new(), 0);
    while end < head.len {
        let step = STEP_BYTES.min(head.len - end);
        end += step;
        if !holds(end) {
            return Ok(None);
        }
        (&mut *read).take(step).read_to_end(&mut payload).await?;
        if payload.len() as u64 != end {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(Some(payload))
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
        CloseCode::Overload => "the gateway holds too many unfinished messages",
        CloseCode::Protocol | CloseCode::BadData => "the gateway cannot read this message",
        CloseCode::GoingAway => "the gateway stops",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::duplex;
    use tokio::sync::oneshot;

    /// Bytes of a message that does not fit into the pipes.
    const LEN: usize = 60_000;

    fn frame(mask: Option<[u8; 4]>) -> Vec<u8> {
        let length = u16::try_from(LEN).unwrap().to_be_bytes();
        let flag = if mask.is_some() { 0x80 } else { 0 };
        [&[0x82, 126 | flag][..], &length[..], mask.as_ref().map_or(&[][..], |mask| &mask[..]), &vec![0; LEN]].concat()
    }

    /// Stops the relay while a frame is under way, and gives what the receiver gets.
    async fn received(side: Side, judges_down: bool) -> Vec<u8> {
        let (mut client, client_end) = duplex(1_024);
        let (mut origin, origin_end) = duplex(1_024);
        let (stop, stopped) = oneshot::channel::<()>();
        let (room, ip) = (MessageRoom::new(1 << 20), IpAddr::from([127, 0, 0, 1]));
        let terms = Terms { message_max: 1 << 20, deflate: None, stall: Duration::from_secs(5), judges_down, room, ip };
        let stopped = async move { stopped.await.unwrap_or(()) };
        let relaying = tokio::spawn(relay(client_end, origin_end, terms, stopped, |_, _| async { true }));
        let sent = frame((side == Side::Client).then_some([0; 4]));
        let (from, to) = if side == Side::Client { (&mut client, &mut origin) } else { (&mut origin, &mut client) };
        let reading = async {
            let mut first = vec![0; 100];
            to.read_exact(&mut first).await.unwrap();
            stop.send(()).unwrap();
            tokio::task::yield_now().await;
            to.read_to_end(&mut first).await.unwrap();
            first
        };
        let sending = async { from.write_all(&sent).await };
        let (got, _) = tokio::join!(reading, sending);
        assert_eq!(relaying.await.unwrap(), End::Closed(CloseCode::GoingAway));
        got
    }

    #[tokio::test]
    async fn a_message_for_which_there_is_no_room_ends_the_connection() {
        let (room, ip) = (MessageRoom::new(LEN as u64), IpAddr::from([127, 0, 0, 1]));
        for others in [0, 100] {
            let mut shares: Vec<_> = (0..others).map(|_| room.share(ip)).collect();
            let held = shares.iter_mut().filter_map(|share| share.hold(2 * LEN as u64).then_some(())).count();
            assert_eq!(held < others, others > 0);
            let (mut client, client_end) = duplex(4 * LEN);
            let (mut origin, origin_end) = duplex(4 * LEN);
            let (room, stall) = (room.clone(), Duration::from_secs(60));
            let terms = Terms { message_max: LEN, deflate: None, stall, judges_down: false, room, ip };
            client.write_all(&frame(Some([0; 4]))).await.unwrap();
            client.shutdown().await.unwrap();
            let relaying = relay(client_end, origin_end, terms, std::future::pending(), |_, _| async { true });
            let reading = async {
                let mut got = Vec::new();
                origin.read_to_end(&mut got).await.unwrap();
                drop(origin);
                got.len()
            };
            let (end, got) = tokio::join!(relaying, reading);
            let expected = if others > 0 { End::Closed(CloseCode::Overload) } else { End::Peer };
            assert_eq!((end, got > LEN), (expected, others == 0));
        }
    }

    #[tokio::test]
    async fn what_is_announced_takes_no_room_and_half_a_message_ends() {
        // The head of a long frame, and a whole frame of a message that goes on.
        let announced = [&[0x82, 0xff][..], &(1_u64 << 20).to_be_bytes(), &[0; 4]].concat();
        let begun = [&[0x02, 0x81][..], &[0; 4], b"x"].concat();
        for (sent, len) in [(announced, 1 << 20), (begun, LEN)] {
            let (room, ip) = (MessageRoom::new(len as u64), IpAddr::from([127, 0, 0, 1]));
            let mut others: Vec<_> = (0..100).map(|_| room.share(ip)).collect();
            // All the room there is.
            let _full = others.iter_mut().filter_map(|share| share.hold(len as u64).then_some(())).count();
            let (mut client, client_end) = duplex(LEN);
            let (_origin, origin_end) = duplex(LEN);
            let stall = Duration::from_millis(200);
            let terms = Terms { message_max: len, deflate: None, stall, judges_down: false, room, ip };
            client.write_all(&sent).await.unwrap();
            let relaying = relay(client_end, origin_end, terms, std::future::pending(), |_, _| async { true });
            let end = timeout(Duration::from_secs(60), relaying).await.expect("it does not wait for ever");
            assert!(end != End::Closed(CloseCode::Overload), "{end:?}");
        }
    }

    #[tokio::test]
    async fn a_close_frame_stands_behind_the_frame_that_is_under_way() {
        let to_origin = [frame(Some([0; 4])), close_frame(CloseCode::GoingAway, "", true)].concat();
        let told = close_frame(CloseCode::GoingAway, reason(CloseCode::GoingAway), false);
        assert!(received(Side::Client, false).await == to_origin);
        for judges_down in [true, false] {
            assert!(received(Side::Origin, judges_down).await == [frame(None), told.clone()].concat(), "{judges_down}");
        }
    }
}
