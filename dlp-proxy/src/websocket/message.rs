//! Messages: frames of one put together, and compression undone.
//!
//! What is held is the frames as they came, to be passed on, and the plain bytes, to be inspected. A compressed message
//! may refer to the messages before it (RFC 7692 7.2), so the state of the decoder lives as long as the connection.

use super::frame::{CloseCode, FrameHead, Opcode, apply_mask};
use flate2::{Decompress, FlushDecompress, Status};

/// Frames of one message.
const FRAGMENTS_MAX: usize = 1_000;
/// What ends the data of each compressed message, and is left out on the wire (RFC 7692 7.2.1).
const DEFLATE_TAIL: [u8; 4] = [0, 0, 0xff, 0xff];
/// Bytes that are inflated at a time.
const INFLATE_STEP_BYTES: usize = 64 * 1024;

/// A whole message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Message {
    /// Its frames as they came.
    pub(crate) raw: Vec<u8>,
    /// Its content.
    pub(crate) content: Vec<u8>,
}

/// Puts messages together.
pub(crate) struct Assembler {
    /// Bytes of a message, as sent and as inflated.
    bytes_max: usize,
    inflater: Option<Inflater>,
    open: Option<Open>,
}

/// A message of which not all frames are here.
struct Open {
    is_text: bool,
    is_compressed: bool,
    fragments: usize,
    raw: Vec<u8>,
    payload: Vec<u8>,
}

impl Assembler {
    /// For messages of at most `bytes_max`. They may be compressed when it is known whether one may refer to the one before.
    pub(crate) fn new(bytes_max: usize, keeps_context: Option<bool>) -> Self {
        Self { bytes_max, inflater: keeps_context.map(Inflater::new), open: None }
    }

    /// Bytes of the message of which not all frames are here.
    pub(crate) fn held(&self) -> u64 {
        self.open.as_ref().map_or(0, |open| (open.raw.len() + open.payload.len()) as u64)
    }

    /// Judges the head of a data frame before its payload is read: is there a place for it?
    pub(crate) fn begin(&mut self, head: &FrameHead) -> Result<(), CloseCode> {
        let is_first = head.opcode != Opcode::Continuation;
        if is_first == self.open.is_some() || head.is_compressed && (!is_first || self.inflater.is_none()) {
            return Err(CloseCode::Protocol);
        }
        let open = self.open.get_or_insert_with(|| Open {
            is_text: head.opcode == Opcode::Text,
            is_compressed: head.is_compressed,
            fragments: 0,
            raw: Vec::new(),
            payload: Vec::new(),
        });
        open.fragments += 1;
        let room = self.bytes_max.saturating_sub(open.payload.len());
        let is_over = usize::try_from(head.len).map_or(true, |len| len > room) || open.fragments > FRAGMENTS_MAX;
        if is_over { Err(CloseCode::TooBig) } else { Ok(()) }
    }

    /// Takes the payload of the frame whose head was judged; gives the message if it ends with it.
    pub(crate) fn take(&mut self, head: &FrameHead, mut payload: Vec<u8>) -> Result<Option<Message>, CloseCode> {
        let Some(open) = &mut self.open else { return Err(CloseCode::Protocol) };
        open.raw.extend_from_slice(&head.raw);
        open.raw.extend_from_slice(&payload);
        if let Some(mask) = head.mask {
            apply_mask(&mut payload, mask);
        }
        open.payload.append(&mut payload);
        if !head.is_final {
            return Ok(None);
        }
        let Some(Open { is_text, is_compressed, raw, payload, .. }) = self.open.take() else { return Ok(None) };
        let content = match &mut self.inflater {
            Some(inflater) if is_compressed => inflater.inflate(&payload, self.bytes_max)?,
            _ => payload,
        };
        if is_text && std::str::from_utf8(&content).is_err() {
            return Err(CloseCode::BadData);
        }
        Ok(Some(Message { raw, content }))
    }
}

/// Undoes the compression of messages.
struct Inflater {
    state: Decompress,
    keeps_context: bool,
}

impl Inflater {
    /// A decoder of the largest window reads data made for any smaller one.
    fn new(keeps_context: bool) -> Self {
        Self { state: Decompress::new(false), keeps_context }
    }

    fn inflate(&mut self, payload: &[u8], bytes_max: usize) -> Result<Vec<u8>, CloseCode> {
        if !self.keeps_context {
            self.state.reset(false);
        }
        let mut out = Vec::new();
        for input in [payload, &DEFLATE_TAIL] {
            self.feed(input, bytes_max, &mut out)?;
        }
        Ok(out)
    }

    fn feed(&mut self, mut input: &[u8], bytes_max: usize, out: &mut Vec<u8>) -> Result<(), CloseCode> {
        loop {
            out.reserve(INFLATE_STEP_BYTES);
            let (read, written) = (self.state.total_in(), out.len());
            let status =
                self.state.decompress_vec(input, out, FlushDecompress::Sync).map_err(|_| CloseCode::BadData)?;
            let used = usize::try_from(self.state.total_in() - read).unwrap_or(input.len());
            input = &input[used..];
            if out.len() > bytes_max {
                return Err(CloseCode::TooBig);
            }
            if status == Status::StreamEnd {
                // The sender has ended its stream; another may follow (RFC 7692 7.2.3.4).
                self.state.reset(false);
            }
            let is_stuck = used == 0 && out.len() == written;
            match (input.is_empty(), out.len() < out.capacity()) {
                (true, true) => return Ok(()),
                (false, _) if is_stuck => return Err(CloseCode::BadData),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compress, Compression, FlushCompress};

    /// Frames by first byte, payload and mask.
    async fn assemble(assembler: &mut Assembler, frames: &[(u8, &[u8])]) -> Result<Vec<Message>, CloseCode> {
        let mut messages = Vec::new();
        for (first, payload) in frames {
            let mask = [7, 9, 11, 13];
            let mut sent = payload.to_vec();
            apply_mask(&mut sent, mask);
            let length = u16::try_from(payload.len()).unwrap();
            let head: Vec<u8> = match length {
                0..126 => vec![*first, 0x80 | length as u8],
                _ => [&[*first, 0xfe][..], &length.to_be_bytes()].concat(),
            };
            let head = [head, mask.to_vec()].concat();
            let head = FrameHead::read(&mut &head[..]).await.unwrap().unwrap()?;
            assembler.begin(&head)?;
            messages.extend(assembler.take(&head, sent)?);
        }
        Ok(messages)
    }

    async fn check(frames: &[(u8, &[u8])], deflate: Option<bool>, expected: Result<&[&[u8]], CloseCode>) {
        let got = assemble(&mut Assembler::new(100, deflate), frames).await;
        let got = got.map(|messages| messages.into_iter().map(|message| message.content).collect::<Vec<_>>());
        assert_eq!(got, expected.map(|all| all.iter().map(|one| one.to_vec()).collect()), "{frames:?}");
    }

    #[tokio::test]
    async fn messages_are_put_together() {
        let (text, more, end, binary) = (0x01, 0x00, 0x80, 0x82);
        check(&[(0x81, b"one"), (binary, b"\xff")], None, Ok(&[b"one", b"\xff"])).await;
        check(&[(text, b"z\xc5"), (more, b"\xbc"), (end, b"x")], None, Ok(&["zżx".as_bytes()])).await;
        check(&[(end, b"x")], None, Err(CloseCode::Protocol)).await;
        check(&[(text, b"x"), (0x81, b"y")], None, Err(CloseCode::Protocol)).await;
        check(&[(0x81, b"\xff")], None, Err(CloseCode::BadData)).await;
        check(&[(0xc1, b"x")], None, Err(CloseCode::Protocol)).await;
        check(&[(binary, &[0; 101])], None, Err(CloseCode::TooBig)).await;
        check(&[(0x02, &[0; 60]), (end, &[0; 41])], None, Err(CloseCode::TooBig)).await;
        let many: Vec<(u8, &[u8])> =
            std::iter::once((0x02, &b""[..])).chain((0..1_000).map(|_| (more, &b""[..]))).collect();
        check(&many, None, Err(CloseCode::TooBig)).await;
    }

    fn deflated(state: &mut Compress, text: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(1_000);
        state.compress_vec(text, &mut out, FlushCompress::Sync).unwrap();
        out.truncate(out.len() - DEFLATE_TAIL.len());
        out
    }

    #[tokio::test]
    async fn compression_is_undone_across_messages() {
        for keeps_context in [true, false] {
            let terms = Some(keeps_context);
            let mut state = Compress::new(Compression::best(), false);
            let mut next = |text: &[u8]| {
                if !keeps_context {
                    state.reset();
                }
                deflated(&mut state, text)
            };
            let (one, two) = (next(b"the same words"), next(b"the same words again"));
            let (start, rest) = two.split_at(2);
            let frames: [(u8, &[u8]); 5] = [(0xc1, &one), (0x41, start), (0x80, rest), (0x81, b"plain"), (0xc1, b"\0")];
            check(&frames, terms, Ok(&[b"the same words", b"the same words again", b"plain", b""])).await;
            check(&[(0x41, start), (0xc0, rest)], terms, Err(CloseCode::Protocol)).await;
        }
        let terms = Some(true);
        check(&[(0xc1, b"\x07\xff\xff")], terms, Err(CloseCode::BadData)).await;
        let bomb = deflated(&mut Compress::new(Compression::best(), false), &[b'a'; 60_000]);
        assert!(bomb.len() <= 100);
        check(&[(0xc1, &bomb)], terms, Err(CloseCode::TooBig)).await;
    }
}
