//! Frames of a WebSocket connection (RFC 6455 5.2).

use std::io;
use tokio::io::{AsyncRead, AsyncReadExt};

/// Longest head: two bytes, a length of eight, a mask of four.
const HEAD_BYTES_MAX: usize = 14;
/// Longest payload of a control frame.
const CONTROL_BYTES_MAX: u64 = 125;

/// Why a connection is closed (RFC 6455 7.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CloseCode {
    /// The gateway stops.
    GoingAway,
    /// A frame that the standard forbids.
    Protocol,
    /// A text that is not UTF-8, or compressed data that cannot be read.
    BadData,
    /// Refused by policy.
    Policy,
    /// A message larger than its bound.
    TooBig,
    /// All messages together are larger than theirs; the client may come again.
    Overload,
}

impl CloseCode {
    /// The number on the wire.
    pub(crate) fn number(self) -> u16 {
        match self {
            Self::GoingAway => 1001,
            Self::Protocol => 1002,
            Self::BadData => 1007,
            Self::Policy => 1008,
            Self::TooBig => 1009,
            Self::Overload => 1013,
        }
    }
}

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opcode {
    /// More of a message.
    Continuation,
    /// The start of a text.
    Text,
    /// The start of bytes.
    Binary,
    /// Close, ping or pong.
    Control,
}

/// The head of a frame.
#[derive(Clone, Debug)]
pub(crate) struct FrameHead {
    /// Whether the message ends with this frame.
    pub(crate) is_final: bool,
    /// The first reserved bit, which marks a compressed message.
    pub(crate) is_compressed: bool,
    /// What it is.
    pub(crate) opcode: Opcode,
    /// The mask of the payload, as clients have to use one.
    pub(crate) mask: Option<[u8; 4]>,
    /// Bytes of the payload.
    pub(crate) len: u64,
    /// The head as it came.
    pub(crate) raw: Vec<u8>,
}

impl FrameHead {
    /// Reads a head; none at the end of the stream.
    pub(crate) async fn read<T: AsyncRead + Unpin>(io: &mut T) -> io::Result<Option<Result<Self, CloseCode>>> {
        let mut raw = Vec::with_capacity(HEAD_BYTES_MAX);
        if io.take(2).read_to_end(&mut raw).await? < 2 {
            return Ok(None);
        }
        let extra = match raw[1] & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let is_masked = raw[1] & 0x80 != 0;
        let rest = extra + if is_masked { 4 } else { 0 };
        let at = raw.len();
        raw.resize(at + rest, 0);
        io.read_exact(&mut raw[at..]).await?;
        Ok(Some(Self::parse(raw, extra, is_masked)))
    }

    fn parse(raw: Vec<u8>, extra: usize, is_masked: bool) -> Result<Self, CloseCode> {
        let number = raw[2..2 + extra].iter().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
        let len = if extra == 0 { u64::from(raw[1] & 0x7f) } else { number };
        let opcode = match raw[0] & 0x0f {
            0 => Opcode::Continuation,
            1 => Opcode::Text,
            2 => Opcode::Binary,
            8..=10 => Opcode::Control,
            _ => return Err(CloseCode::Protocol),
        };
        let (is_final, is_compressed) = (raw[0] & 0x80 != 0, raw[0] & 0x40 != 0);
        let is_bad_control = opcode == Opcode::Control && (!is_final || is_compressed || len > CONTROL_BYTES_MAX);
        // A length has one spelling, the shortest, and no sign.
        let is_long = matches!(extra, 2 if len < 126) || matches!(extra, 8 if len <= 0xffff || len >> 63 != 0);
        if raw[0] & 0x30 != 0 || is_bad_control || is_long {
            return Err(CloseCode::Protocol);
        }
        let mask = is_masked.then(|| [0, 1, 2, 3].map(|at| raw[2 + extra + at]));
        Ok(Self { is_final, is_compressed, opcode, mask, len, raw })
    }
}

/// Masks or unmasks a payload from its start.
pub(crate) fn apply_mask(payload: &mut [u8], mask: [u8; 4]) {
    payload.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, key)| *byte ^= key);
}

/// A close frame. Clients mask theirs; so do we towards an origin, with zeros, which hide nothing that has to be hidden.
pub(crate) fn close_frame(code: CloseCode, reason: &str, is_masked: bool) -> Vec<u8> {
    let shown = reason.floor_char_boundary(usize::try_from(CONTROL_BYTES_MAX).unwrap_or(0) - 2);
    let payload = [&code.number().to_be_bytes(), &reason.as_bytes()[..shown]].concat();
    let length = u8::try_from(payload.len()).unwrap_or(0);
    let head: &[u8] = if is_masked { &[0x88, 0x80 | length, 0, 0, 0, 0] } else { &[0x88, length] };
    [head, &payload].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn check(bytes: &[u8], expected: Option<Result<(Opcode, u64), CloseCode>>) {
        let got = FrameHead::read(&mut &bytes[..]).await.unwrap();
        assert_eq!(got.map(|head| head.map(|head| (head.opcode, head.len))), expected, "{bytes:x?}");
    }

    #[tokio::test]
    async fn heads_have_one_spelling() {
        let bad = Some(Err(CloseCode::Protocol));
        check(&[0x81, 0x85, 1, 2, 3, 4], Some(Ok((Opcode::Text, 5)))).await;
        check(&[0x02, 126, 0, 126], Some(Ok((Opcode::Binary, 126)))).await;
        check(&[0x80, 127, 0, 0, 0, 0, 0, 1, 0, 0], Some(Ok((Opcode::Continuation, 65_536)))).await;
        check(&[0x89, 125], Some(Ok((Opcode::Control, 125)))).await;
        check(&[], None).await;
        check(&[0x81], None).await;
        check(&[0x82, 126, 0, 125], bad).await;
        check(&[0x82, 127, 0, 0, 0, 0, 0, 0, 255, 255], bad).await;
        check(&[0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0], bad).await;
        check(&[0x83, 0], bad).await;
        check(&[0x8b, 0], bad).await;
        check(&[0x09, 0], bad).await;
        check(&[0xc9, 0], bad).await;
        check(&[0x89, 126, 0, 126], bad).await;
        check(&[0xa1, 0], bad).await;
        check(&[0x91, 0], bad).await;
        assert!(FrameHead::read(&mut &[0x81u8, 0xfe, 0][..]).await.is_err(), "cut off");
    }

    #[test]
    fn a_close_frame_fits_a_control_frame() {
        assert_eq!(close_frame(CloseCode::Policy, "no", false), [0x88, 4, 0x03, 0xf0, b'n', b'o']);
        assert_eq!(close_frame(CloseCode::TooBig, "", true), [0x88, 0x82, 0, 0, 0, 0, 0x03, 0xf1]);
        assert_eq!(close_frame(CloseCode::Policy, &"ż".repeat(200), false).len(), 2 + 2 + 122);
    }
}
