//! Masks, layouts that are kept, and whether what stands for a value is found again.

use super::key::RedactKey;
use crate::base::ConfidenceLevel;
use crate::matching::{DetectorSet, Scratch};

/// Bytes on either side that have a say in whether a drawn value looks genuine: context words and company.
const AROUND_BYTES: usize = 320;
/// Values that are drawn before a layout is given up. Nine of ten fail a check digit, one of ten a set of areas.
const DRAWS_MAX: u8 = 48;

/// A star for each character; line ends stay.
pub(super) fn mask(value: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(value);
    text.chars().map(|c| if matches!(c, '\r' | '\n') { c as u8 } else { b'*' }).collect()
}

/// What stands around a value, apart from what was already handed on.
#[derive(Clone, Copy)]
pub(super) struct Around<'a> {
    /// Who judges.
    pub(super) set: &'a DetectorSet,
    /// What follows in the original.
    pub(super) behind: &'a [u8],
    /// From which confidence on a value counts as genuine.
    pub(super) min: ConfidenceLevel,
}

/// Draws values in a layout, and remembers what was handed on before them.
#[derive(Debug, Default)]
pub(super) struct Draw {
    before: Vec<u8>,
}

impl Draw {
    /// Takes what was handed on.
    pub(super) fn remember(&mut self, bytes: &[u8]) {
        self.before.extend_from_slice(&bytes[bytes.len().saturating_sub(AROUND_BYTES)..]);
        let surplus = self.before.len().saturating_sub(AROUND_BYTES);
        self.before.drain(..surplus);
    }

    /// A value in the layout of another, by the key alone: digits for digits, letters for letters. `None` when every
    /// one that was drawn looks genuine, as of a telephone number, which has no check.
    pub(super) fn layout(
        &self,
        scratch: &mut Scratch,
        key: &RedactKey,
        around: Around<'_>,
        value: &[u8],
    ) -> Option<Vec<u8>> {
        if !value.iter().any(u8::is_ascii_alphanumeric) {
            return None;
        }
        let mut candidates = (0..DRAWS_MAX).map(|draw| drawn(key, value, draw));
        candidates.find(|candidate| candidate != value && self.is_free(scratch, around, candidate))
    }

    /// Whether nothing is found in what shall stand for a value, where it shall stand.
    pub(super) fn is_free(&self, scratch: &mut Scratch, around: Around<'_>, candidate: &[u8]) -> bool {
        let behind = &around.behind[..around.behind.len().min(AROUND_BYTES)];
        let text = [&self.before[..], candidate, behind].concat();
        let (start, end) = (self.before.len() as u64, (self.before.len() + candidate.len()) as u64);
        let mut is_free = true;
        let _ = around.set.scan(scratch, &text, &mut |m| {
            is_free &= m.confidence.level() < around.min || m.span.end.0 <= start || m.span.start.0 >= end;
        });
        is_free
    }
}

/// The value with its letters and digits exchanged for those that the key gives.
fn drawn(key: &RedactKey, value: &[u8], draw: u8) -> Vec<u8> {
    let mut stream = Vec::new();
    for block in 0..=(value.len() / 32) as u64 {
        stream.extend(key.derive("dlp.redact.format.v1", &[value, &[draw], &block.to_be_bytes()]));
    }
    let mut is_first = true;
    let exchange = |(byte, random): (&u8, &u8)| match byte {
        b'0'..=b'9' => {
            // A number keeps a first digit that is not zero, so that it stays one.
            let (low, span) = if std::mem::take(&mut is_first) && *byte != b'0' { (1, 9) } else { (0, 10) };
            b'0' + low + random % span
        }
        b'a'..=b'z' => b'a' + random % 26,
        b'A'..=b'Z' => b'A' + random % 26,
        other => *other,
    };
    value.iter().zip(&stream).map(exchange).collect()
}
